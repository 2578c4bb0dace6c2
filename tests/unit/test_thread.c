/* tests/unit/test_thread.c - thread/eager: a move costs exactly the messages that its header says, takes all along or
 * nothing, and leaves nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/protocols/protocols.h"
#include "tests/lib/bed.h"

enum { IMAGE = 7 };

/* A thread at `home` that holds so many capabilities. Returns its name. */
static step_ref make(struct bed *b, uint32_t home, uint32_t holds)
{
	assert_int_equal(bed_call(b, STEP_ANY(home, THREAD_NAME), THREAD_CREATE, STEP_NOBODY, IMAGE), 0);
	assert_int_equal(b->code, THREAD_OK);
	const step_ref name = b->result;
	for (uint32_t place = 0; place < holds; place++) {
		const step_ref held = STEP_REF(home, STEP_CLIENT, 100 + place);
		assert_int_equal(bed_call(b, STEP_REF(home, THREAD_BODY, 0), THREAD_HOLD, held, place), 0);
		assert_int_equal(b->code, THREAD_OK);
	}
	return name;
}
/* Moves it. Returns the messages; b->code says how it ended. */
static uint32_t move(struct bed *b, uint32_t by, step_ref name, uint32_t to)
{
	return bed_call(b, STEP_ANY(by, THREAD_OP), THREAD_MOVE, name, to);
}
/* Slots of a machine in use on one node. */
static uint32_t used_at(const struct bed *b, uint32_t node, unsigned machine)
{
	uint32_t used = 0;
	for (uint32_t i = 0; i < b->node[node].pool[machine].used; i++)
		used += ((const struct step_head *)step_at(&b->node[node], machine, i))->state != 0;
	return used;
}
/* The only thread is there with so many slots, and nothing is anywhere else. */
static void assert_at(const struct bed *b, uint32_t node, uint32_t slots)
{
	for (uint32_t a = 0; a < BED_NODES; a++) {
		assert_int_equal(used_at(b, a, THREAD_BODY), a == node);
		assert_int_equal(used_at(b, a, THREAD_SLOT), a == node ? slots : 0);
		assert_int_equal(used_at(b, a, THREAD_OP), 0);
	}
}
static void run_on(struct bed *b)
{
	while (bed_step(b))
		;
}
/* A call that waits for the thread's reply. Returns its messages so far. */
static uint32_t begin_call(struct bed *b, uint32_t by, step_ref name)
{
	const uint32_t before = b->messages;
	bed_begin(b, STEP_ANY(by, THREAD_OP), THREAD_CALL, name, 0);
	run_on(b);
	return b->messages - before;
}
/* The thread at `node` replies to whom it owes one: one of its slots does. Returns the messages. */
static uint32_t reply(struct bed *b, uint32_t node)
{
	const uint32_t before = b->messages, completes = b->completes;
	for (uint32_t i = 0, ends = completes; b->completes < completes + 2; i++, ends = b->completes) {
		const struct step_head *slot = step_at(&b->node[node], THREAD_SLOT, i);
		assert_true(i < b->node[node].pool[THREAD_SLOT].used);
		if (!slot->state)
			continue;
		bed_begin(b, step_ref_of(&b->node[node], THREAD_SLOT, i), THREAD_REPLY, STEP_NOBODY, 0);
		run_on(b);
		if (b->completes == ends + 1)
			b->completes--; /* it owed none */
	}
	return b->messages - before;
}

static void test_a_move_costs_what_the_header_says(void **state)
{
	struct bed *b = bed_new(&thread_eager);
	(void)state;
	const step_ref name = make(b, 0, 3);
	assert_int_equal(move(b, 0, name, 1), 5 + 3 * 3); /* from home, asked there */
	assert_int_equal(b->code, THREAD_OK);
	assert_int_equal(b->result.node, 1);
	assert_at(b, 1, 3);
	assert_int_equal(move(b, 3, name, 2),
			 8 + 3 * 3); /* asked elsewhere, from one foreign kernel to another */
	assert_at(b, 2, 3);
	assert_int_equal(move(b, 0, name, 0), 6 + 3 * 3); /* home again: LEAVE and DONE too, but no MOVED */
	assert_at(b, 0, 3);
	bed_free(b);
}

static void test_a_call_finds_the_thread_wherever_it_is(void **state)
{
	struct bed *b = bed_new(&thread_eager);
	(void)state;
	const step_ref name = make(b, 0, 1);
	assert_int_equal(begin_call(b, 3, name), 1);
	assert_int_equal(reply(b, 0), 1);
	for (uint32_t to = 1; to < 3; to++) {
		move(b, 0, name, to);
		assert_int_equal(begin_call(b, 3, name), 2); /* CALL, RELAY */
		assert_int_equal(reply(b, to), 1);
		assert_at(b, to, 1);
	}
	bed_free(b);
}

static void test_a_reply_that_is_owed_goes_along(void **state)
{
	struct bed *b = bed_new(&thread_eager);
	(void)state;
	const step_ref name = make(b, 0, 1);
	begin_call(b, 3, name);
	const uint32_t completes = b->completes;
	assert_int_equal(move(b, 0, name, 1), 5 + 2 * 3);
	assert_int_equal(used_at(b, 1, THREAD_SLOT), 2);
	assert_int_equal(b->completes, completes + 1); /* the move; the call still waits */
	assert_int_equal(reply(b, 1), 1);
	assert_at(b, 1, 1);
	bed_free(b);
}

static void test_a_call_that_crosses_the_move_waits_at_home(void **state)
{
	struct bed *b = bed_new(&thread_eager);
	(void)state;
	const step_ref name = make(b, 0, 1);
	bed_begin(b, STEP_ANY(0, THREAD_OP), THREAD_MOVE, name, 1);
	bed_begin(b, STEP_ANY(3, THREAD_OP), THREAD_CALL, name, 0);
	run_on(b);
	assert_int_equal(used_at(b, 1, THREAD_BODY), 1);
	assert_int_equal(used_at(b, 1, THREAD_SLOT), 2); /* it is owed there, once */
	assert_int_equal(reply(b, 1), 1);
	assert_at(b, 1, 1);
	bed_free(b);
}

static void test_what_a_refusal_and_a_kill_cost(void **state)
{
	struct bed *b = bed_new(&thread_eager);
	(void)state;
	const step_ref name = make(b, 0, 2);
	move(b, 0, name, 1);
	b->refuse = 2; /* it stops, and has no room there */
	assert_int_equal(move(b, 3, name, 2), 6);
	assert_int_equal(b->code, THREAD_NO_ROOM);
	assert_at(b, 1, 2);
	assert_int_equal(bed_call(b, STEP_ANY(3, THREAD_OP), THREAD_KILL, name, 0), 4);
	assert_int_equal(bed_used(b, THREAD_BODY), 0);
	bed_free(b);
}

/* Each local call of a move in turn says no: the kernel that stops, that has room, that translates one of three, that
 * starts. The thread then runs where it was, with all that it had. */
static void test_a_move_that_is_refused_changes_nothing(void **state)
{
	static const uint32_t reason[] = {THREAD_UNSTOPPED,  THREAD_NO_ROOM,    THREAD_CAPABILITY,
					  THREAD_CAPABILITY, THREAD_CAPABILITY, THREAD_NO_ROOM};
	(void)state;
	for (uint32_t k = 0; k < sizeof reason / sizeof *reason; k++) {
		struct bed *b = bed_new(&thread_eager);
		const step_ref name = make(b, 0, 3);
		b->refuse = k + 1;
		move(b, 0, name, 1);
		assert_int_equal(b->code, reason[k]);
		assert_at(b, 0, 3);
		move(b, 0, name, 1); /* and it can still go */
		assert_int_equal(b->code, THREAD_OK);
		assert_at(b, 1, 3);
		bed_free(b);
	}
}

static void test_a_reply_that_cannot_be_translated_holds_the_thread(void **state)
{
	struct bed *b = bed_new(&thread_eager);
	(void)state;
	const step_ref name = make(b, 0, 0);
	begin_call(b, 3, name);
	b->refuse = 3; /* stop, reserve, translate */
	move(b, 0, name, 1);
	assert_int_equal(b->code, THREAD_OWES);
	assert_int_equal(reply(b, 0), 1);
	assert_at(b, 0, 0);
	bed_free(b);
}

static void test_a_kill_ends_the_thread_wherever_it_is(void **state)
{
	struct bed *b = bed_new(&thread_eager);
	(void)state;
	const step_ref name = make(b, 0, 2);
	move(b, 0, name, 1);
	begin_call(b, 3, name);
	const uint32_t completes = b->completes;
	bed_begin(b, STEP_ANY(0, THREAD_OP), THREAD_MOVE, name, 2);
	bed_begin(b, STEP_ANY(4, THREAD_OP), THREAD_KILL, name,
		  0); /* crosses the move, and waits for its end */
	run_on(b);
	assert_int_equal(b->completes, completes + 3); /* who was owed a reply learns that none comes */
	for (unsigned machine = THREAD_BODY; machine <= THREAD_SLOT; machine++)
		assert_int_equal(bed_used(b, machine), 0);
	move(b, 0, name, 1);
	assert_int_equal(b->code, THREAD_GONE);
	assert_int_equal(b->dropped, 3); /* one image on each kernel where it was */
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_move_costs_what_the_header_says),
		cmocka_unit_test(test_a_call_finds_the_thread_wherever_it_is),
		cmocka_unit_test(test_a_reply_that_is_owed_goes_along),
		cmocka_unit_test(test_a_call_that_crosses_the_move_waits_at_home),
		cmocka_unit_test(test_what_a_refusal_and_a_kill_cost),
		cmocka_unit_test(test_a_move_that_is_refused_changes_nothing),
		cmocka_unit_test(test_a_reply_that_cannot_be_translated_holds_the_thread),
		cmocka_unit_test(test_a_kill_ends_the_thread_wherever_it_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
