/* tests/unit/test_captp.c - capability/captp: its operations cost exactly the messages that its header says, in either
 * order of deposit and withdrawal, and leave nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/protocols/protocols.h"
#include "tests/lib/capability_bed.h"

static uint32_t slots_in_use(const struct bed *b)
{
	return bed_used(b, CAPABILITY_CAP) + bed_used(b, CAPABILITY_OP) + bed_used(b, CAPABILITY_OWN);
}

/* Kernel 0 is the exporter in all of them. */

static void test_what_comes_costs_what_the_header_says(void **state)
{
	struct bed *b = bed_new(&capability_captp);
	(void)state;
	assert_int_equal(good(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS), 0);
	const step_ref first = b->result;
	assert_int_equal(good(b, 1, CAPABILITY_OBTAIN, first, 0), 2);
	const step_ref copy = b->result;
	assert_int_equal(copy.node, 1);
	assert_int_equal(good(b, 2, CAPABILITY_OBTAIN, copy, 0), 1 + 4);
	assert_int_equal(b->result.node, 2);
	assert_int_equal(good(b, 0, CAPABILITY_OBTAIN, copy, 0), 2);
	assert_int_equal(good(b, 1, CAPABILITY_OBTAIN, copy, 0), 0);
	assert_int_equal(good(b, 1, CAPABILITY_DELEGATE, copy, 2), 4 + 1);
	assert_int_equal(b->result.node, 2);
	assert_int_equal(good(b, 0, CAPABILITY_DELEGATE, first, 3), 3 + 1);
	assert_int_equal(good(b, 1, CAPABILITY_DELEGATE, copy, 0), 1 + 1);
	assert_int_equal(good(b, 1, CAPABILITY_COPY, copy, 0), 0);
	assert_int_equal(good(b, 1, CAPABILITY_MINT, copy, READ), 2);
	assert_int_equal(good(b, 1, CAPABILITY_RETYPE, copy, RIGHTS), 2);
	assert_int_equal(good(b, 1, CAPABILITY_QUERY, copy, 0), 2);
	assert_true(step_same(b->result, first));
	assert_int_equal(good(b, 1, CAPABILITY_USE, copy, WRITE), 2);
	bed_free(b);
}

static void test_on_the_exporters_kernel_nothing_costs_a_message(void **state)
{
	struct bed *b = bed_new(&capability_captp);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	assert_int_equal(good(b, 0, CAPABILITY_COPY, first, 0), 0);
	assert_int_equal(good(b, 0, CAPABILITY_DELETE, b->result, 0), 0);
	assert_int_equal(good(b, 0, CAPABILITY_MINT, first, READ), 0);
	const step_ref minted = b->result;
	assert_int_equal(good(b, 0, CAPABILITY_USE, minted, READ), 0);
	assert_int_equal(bad(b, 0, CAPABILITY_USE, minted, WRITE), 0);
	assert_int_equal(good(b, 0, CAPABILITY_REVOKE, minted, 0), 0);
	assert_int_equal(good(b, 0, CAPABILITY_QUERY, first, 0), 0);
	bed_free(b);
}

/* A kernel gives its references back in one message, however often they came. */
static void test_a_release_carries_its_count(void **state)
{
	struct bed *b = bed_new(&capability_captp);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref one = made(b, 1, CAPABILITY_OBTAIN, first, 0);
	const step_ref copy = made(b, 1, CAPABILITY_COPY, one, 0);
	assert_int_equal(good(b, 1, CAPABILITY_DELETE, copy, 0),
			 0); /* one reference, and one left that needs it */
	const step_ref two = made(b, 1, CAPABILITY_OBTAIN, first, 0);
	const step_ref three = made(b, 1, CAPABILITY_OBTAIN, first, 0);
	assert_int_equal(good(b, 1, CAPABILITY_DELETE, two, 0), 2); /* three, and two go back */
	assert_int_equal(good(b, 1, CAPABILITY_DELETE, three, 0), 0);
	assert_int_equal(good(b, 1, CAPABILITY_USE, one, WRITE), 2);
	assert_int_equal(good(b, 1, CAPABILITY_DELETE, one, 0), 2);
	bad(b, 1, CAPABILITY_USE, one, WRITE);
	assert_int_equal(good(b, 0, CAPABILITY_DELETE, first, 0), 0);
	assert_int_equal(slots_in_use(b), 0);
	bed_free(b);
}

static void test_what_goes_costs_what_the_header_says(void **state)
{
	struct bed *b = bed_new(&capability_captp);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	step_ref copy = made(b, 1, CAPABILITY_OBTAIN, first, 0);
	assert_int_equal(good(b, 1, CAPABILITY_MOVE, copy, 2), 5 + 2);
	bad(b, 1, CAPABILITY_USE, copy, READ);
	copy = made(b, 1, CAPABILITY_OBTAIN, first, 0);
	assert_int_equal(good(b, 1, CAPABILITY_MOVE, copy, 0), 2 + 2);
	good(b, 0, CAPABILITY_DELETE, b->result, 0);
	assert_int_equal(good(b, 0, CAPABILITY_MOVE, first, 1), 4);
	const step_ref moved = b->result;
	assert_int_equal(bad(b, 1, CAPABILITY_REVOKE, moved, 0), 0); /* its switch stayed behind */
	bed_free(b);
}

static void test_a_revoke_is_a_question_and_a_release_however_many_copies_there_are(void **state)
{
	struct bed *b = bed_new(&capability_captp);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref minted = made(b, 1, CAPABILITY_MINT, made(b, 1, CAPABILITY_OBTAIN, first, 0), RIGHTS);
	step_ref copy[4], below = made(b, 2, CAPABILITY_OBTAIN, minted, 0);
	for (uint32_t i = 0; i < 4; i++)
		copy[i] = made(b, 2 + i % 3, CAPABILITY_OBTAIN, minted, 0);
	below = made(b, 2, CAPABILITY_MINT, below, READ);
	assert_int_equal(bad(b, copy[0].node, CAPABILITY_REVOKE, copy[0], 0), 0); /* a copy has no switch */
	assert_int_equal(good(b, 1, CAPABILITY_REVOKE, minted, 0), 2 + 2);
	for (uint32_t i = 0; i < 4; i++)
		bad(b, copy[i].node, CAPABILITY_USE, copy[i], READ);
	bad(b, 2, CAPABILITY_USE, below, READ);
	good(b, 1, CAPABILITY_USE, minted, WRITE);
	good(b, 0, CAPABILITY_USE, first, WRITE);
	good(b, 3, CAPABILITY_OBTAIN, minted, 0);
	good(b, 3, CAPABILITY_USE, b->result, WRITE);
	bed_free(b);
}

static void test_a_first_capability_retires_when_the_last_reference_has_gone(void **state)
{
	struct bed *b = bed_new(&capability_captp);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref moved = made(b, 0, CAPABILITY_MOVE, first, 1);
	assert_int_equal(good(b, 1, CAPABILITY_RETIRE, moved, 0), 3 + 2);
	assert_int_equal(slots_in_use(b), 0);
	bed_free(b);
}

/* A client that mints from what it minted, and deletes that, for ever. */
static void test_a_chain_of_mints_does_not_grow(void **state)
{
	struct bed *b = bed_new(&capability_captp);
	(void)state;
	step_ref last = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	for (uint32_t i = 0; i < 100; i++) {
		const step_ref copy = made(b, i % 3, CAPABILITY_OBTAIN, last, 0);
		good(b, (uint32_t)last.node, CAPABILITY_DELETE, last, 0);
		last = made(b, i % 3, CAPABILITY_MINT, copy, RIGHTS);
		good(b, i % 3, CAPABILITY_DELETE, copy, 0);
		assert_int_equal(slots_in_use(b), 4); /* it, its import, its facet, the object */
	}
	good(b, (uint32_t)last.node, CAPABILITY_USE, last, WRITE);
	bed_free(b);
}

/* The checker's stale names are of the slot that such a call takes. */
static void test_a_name_that_nobody_has_any_more_gives_nothing(void **state)
{
	struct bed *b = bed_new(&capability_captp);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref copy = made(b, 1, CAPABILITY_OBTAIN, first, 0);
	const step_ref other = made(b, 1, CAPABILITY_OBTAIN, first, 0);
	good(b, 1, CAPABILITY_DELETE, copy, 0);
	good(b, 1, CAPABILITY_DELETE, other, 0);
	bad(b, 1, CAPABILITY_MINT, copy, READ);
	bad(b, 1, CAPABILITY_RETYPE, copy, RIGHTS);
	assert_int_equal(slots_in_use(b), 4);
	bed_free(b);
}

/* Kernel 2 has no slot for what it is given, and before the gift is taken back its facet is cut. */
static void test_a_gift_of_what_is_revoked_meanwhile_is_taken_back(void **state)
{
	struct bed *b = bed_new(&capability_captp);
	(void)state;
	b->node[2].pool[CAPABILITY_CAP].slots = 1;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref copy = made(b, 1, CAPABILITY_OBTAIN, first, 0);
	good(b, 2, CAPABILITY_OBTAIN, first, 0);
	const uint32_t completes = b->completes;
	bed_begin(b, STEP_ANY(1, CAPABILITY_OP), CAPABILITY_DELEGATE, copy, 2);
	bed_step(b); /* the deposit is there */
	bed_begin(b, STEP_ANY(0, CAPABILITY_OP), CAPABILITY_REVOKE, first, 0);
	while (bed_step(b))
		;
	assert_int_equal(b->completes, completes + 2);
	assert_int_equal(b->code, CAPABILITY_FAILED); /* the delegation's */
	bad(b, 1, CAPABILITY_USE, copy, READ);
	good(b, 0, CAPABILITY_USE, first, READ);
	bed_free(b);
}

/* ---- gifts, in either order ---- */

static unsigned event_of(const char *text)
{
	for (unsigned e = 0; e < capability_captp.events; e++)
		if (!strcmp(capability_captp.event[e].name, text))
			return e;
	fail_msg("there is no event %s", text);
	return 0;
}

/* Like bed_call(), but a message of one kind waits until nothing else is on its way. */
static uint32_t call_with_late(struct bed *b, uint32_t node, unsigned event, step_ref arg, uint32_t word,
			       const char *late_name)
{
	const unsigned late = event_of(late_name);
	const uint32_t before = b->messages;
	struct step_msg kept = {0};
	step_deliver(&b->node[node], &(struct step_msg){.event = (uint8_t)event,
							.to = STEP_ANY(node, CAPABILITY_OP),
							.arg = arg,
							.word = word,
							.from = STEP_REF(node, STEP_CLIENT, 0)});
	while (b->head != b->tail || kept.event) {
		struct step_msg m = kept;
		if (b->head != b->tail)
			m = b->queue[b->head++ % BED_QUEUE];
		else
			kept.event = 0;
		if (m.event == late && b->head != b->tail)
			kept = m;
		else
			step_deliver(&b->node[m.to.node], &m);
	}
	return b->messages - before;
}

static void test_a_gift_costs_four_messages_in_either_order(void **state)
{
	const char *const late[] = {"DEPOSIT", "WITHDRAW"};
	(void)state;
	for (uint32_t i = 0; i < 2; i++) {
		struct bed *b = bed_new(&capability_captp);
		const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
		const step_ref copy = made(b, 1, CAPABILITY_OBTAIN, first, 0);
		assert_int_equal(call_with_late(b, 1, CAPABILITY_DELEGATE, copy, 2, late[i]), 4 + 1);
		assert_int_equal(b->code, CAPABILITY_OK);
		const step_ref given = b->result;
		good(b, 2, CAPABILITY_USE, given, WRITE);
		assert_int_equal(call_with_late(b, 3, CAPABILITY_OBTAIN, copy, 0, late[i]), 1 + 4);
		good(b, 3, CAPABILITY_DELETE, b->result, 0);
		good(b, 2, CAPABILITY_DELETE, given, 0);
		good(b, 1, CAPABILITY_DELETE, copy, 0);
		good(b, 0, CAPABILITY_DELETE, first, 0);
		assert_int_equal(slots_in_use(b), 0);
		bed_free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_comes_costs_what_the_header_says),
		cmocka_unit_test(test_on_the_exporters_kernel_nothing_costs_a_message),
		cmocka_unit_test(test_a_release_carries_its_count),
		cmocka_unit_test(test_what_goes_costs_what_the_header_says),
		cmocka_unit_test(test_a_revoke_is_a_question_and_a_release_however_many_copies_there_are),
		cmocka_unit_test(test_a_first_capability_retires_when_the_last_reference_has_gone),
		cmocka_unit_test(test_a_chain_of_mints_does_not_grow),
		cmocka_unit_test(test_a_name_that_nobody_has_any_more_gives_nothing),
		cmocka_unit_test(test_a_gift_of_what_is_revoked_meanwhile_is_taken_back),
		cmocka_unit_test(test_a_gift_costs_four_messages_in_either_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
