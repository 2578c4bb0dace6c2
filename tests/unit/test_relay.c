/* tests/unit/test_relay.c - endpoint/relay: each message costs what the protocol's head says, arrives once, and leaves
 * nothing behind; and every order of delivery of two small machines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/checker/checker.h"
#include "ssi/protocols/protocols.h"
#include "tests/lib/bed.h"

enum { MESSAGE = 7, REPLY = 8 };
static const step_ref name = {.machine = ENDPOINT_PORT, .node = 0, .index = 5};

/* Begins a call at a node and lets all happen that can. Returns the messages between nodes. */
static uint32_t begin(struct bed *b, step_ref to, unsigned event, uint32_t word)
{
	const uint32_t before = b->messages;
	bed_begin(b, to, event, name, word); /* several calls may end, or none: not bed_call() */
	while (bed_step(b))
		;
	return b->messages - before;
}
static uint32_t at(struct bed *b, uint32_t node, unsigned event)
{
	return begin(b, STEP_ANY(node, ENDPOINT_OP), event, event == ENDPOINT_RECEIVE ? 0 : MESSAGE);
}
/* The operation of a node that waits. */
static step_ref op_of(const struct bed *b, uint32_t node)
{
	for (uint32_t i = 0; i < b->node[node].pool[ENDPOINT_OP].used; i++)
		if (((const struct step_head *)step_at(&b->node[node], ENDPOINT_OP, i))->state)
			return step_ref_of(&b->node[node], ENDPOINT_OP, i);
	return STEP_REF(node, ENDPOINT_OP, 0);
}
static void assert_nothing_is_left(struct bed *b)
{
	for (unsigned m = ENDPOINT_PORT; m <= ENDPOINT_VISIT; m++)
		assert_int_equal(bed_used(b, m), 0);
	bed_free(b);
}

static void test_a_message_costs_what_the_head_says(void **state)
{
	struct bed *b = bed_new(&endpoint_relay);
	(void)state;
	at(b, 0, ENDPOINT_RECEIVE);
	assert_int_equal(at(b, 1, ENDPOINT_SEND), 3);
	assert_int_equal(b->completes, 2);
	assert_int_equal(at(b, 1, ENDPOINT_SEND), 2); /* it waits there: ANNOUNCE, QUEUED */
	assert_int_equal(at(b, 0, ENDPOINT_RECEIVE), 2);
	assert_int_equal(b->completes, 4);
	assert_int_equal(at(b, 2, ENDPOINT_TRY), 2);
	assert_int_equal(b->code, ENDPOINT_NOBODY);
	at(b, 0, ENDPOINT_RECEIVE);
	assert_int_equal(at(b, 2, ENDPOINT_TRY), 3);
	assert_int_equal(at(b, 0, ENDPOINT_SEND), 0);
	assert_int_equal(at(b, 0, ENDPOINT_RECEIVE), 0);
	assert_int_equal(b->completes, 9);
	assert_nothing_is_left(b);
}

static void test_a_call_has_one_answer(void **state)
{
	struct bed *b = bed_new(&endpoint_relay);
	(void)state;
	at(b, 0, ENDPOINT_RECEIVE);
	assert_int_equal(at(b, 3, ENDPOINT_CALL), 3);
	assert_int_equal(b->completes, 1); /* only who received */
	assert_int_equal(b->code, ENDPOINT_OWES);
	const step_ref visit = b->result;
	assert_int_equal(begin(b, visit, ENDPOINT_REPLY, REPLY), 1);
	assert_int_equal(b->completes, 3);
	assert_int_equal(b->code, ENDPOINT_OK);
	assert_int_equal(begin(b, visit, ENDPOINT_REPLY, REPLY), 0);
	assert_int_equal(b->code, ENDPOINT_GONE);
	at(b, 0, ENDPOINT_RECEIVE);
	at(b, 3, ENDPOINT_CALL);
	assert_int_equal(begin(b, b->result, ENDPOINT_FORGET, 0), 1);
	assert_int_equal(b->code, ENDPOINT_GONE); /* who called learns it */
	assert_nothing_is_left(b);
}

static void test_messages_of_several_come_in_their_order(void **state)
{
	struct bed *b = bed_new(&endpoint_relay);
	(void)state;
	for (uint32_t node = 1; node < 5; node++)
		at(b, node, ENDPOINT_CALL);
	for (uint32_t node = 1; node < 5; node++) {
		at(b, 0, ENDPOINT_RECEIVE);
		const struct step_head *op = step_at(&b->node[node], ENDPOINT_OP, 0);
		const uint32_t completes = b->completes;
		begin(b, b->result, ENDPOINT_REPLY, REPLY);
		assert_int_equal(b->completes, completes + 2);
		assert_int_equal(op->state, 0); /* it was this node's turn */
	}
	assert_nothing_is_left(b);
}

static void test_what_is_withdrawn_is_never_taken(void **state)
{
	struct bed *b = bed_new(&endpoint_relay);
	(void)state;
	for (uint32_t node = 1; node < 4; node++)
		at(b, node, ENDPOINT_SEND);
	assert_int_equal(begin(b, op_of(b, 2), ENDPOINT_WITHDRAW, 0), 2);
	assert_int_equal(b->completes, 2);
	for (uint32_t i = 0; i < 2; i++)
		at(b, 0, ENDPOINT_RECEIVE);
	assert_int_equal(b->completes, 6);
	at(b, 0, ENDPOINT_RECEIVE);
	assert_int_equal(b->completes, 6); /* there is no third */
	begin(b, op_of(b, 0), ENDPOINT_ABANDON, 0);
	assert_int_equal(b->completes, 8);
	assert_nothing_is_left(b);
}

static void closes(struct checker_options o, uint64_t states)
{
	struct checker_result r;
	assert_int_equal(checker_run(&endpoint_relay, &o, &r), 0);
	assert_int_equal(r.end, CHECKER_CLOSED);
	assert_int_equal(r.states, states);
	checker_result_fini(&r);
}

static void test_every_order_of_delivery_is_right(void **state)
{
	(void)state;
	closes((struct checker_options){0}, 9737);
	closes((struct checker_options){.kernels = 2, .flight = 3, .slots = {[ENDPOINT_OP] = 2}}, 26553);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_costs_what_the_head_says),
		cmocka_unit_test(test_a_call_has_one_answer),
		cmocka_unit_test(test_messages_of_several_come_in_their_order),
		cmocka_unit_test(test_what_is_withdrawn_is_never_taken),
		cmocka_unit_test(test_every_order_of_delivery_is_right),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
