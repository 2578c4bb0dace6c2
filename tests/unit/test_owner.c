/* tests/unit/test_owner.c - capability/owner: its operations cost exactly the messages that its header says, a revoke leaves
 * what it must, and nothing stays behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/protocols/protocols.h"
#include "tests/lib/capability_bed.h"

enum { OTHERS = BED_NODES - 1 };

static void test_what_comes_costs_what_the_header_says(void **state)
{
	struct bed *b = bed_new(&capability_owner);
	(void)state;
	assert_int_equal(good(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS), 0);
	const step_ref first = b->result;
	assert_int_equal(good(b, 0, CAPABILITY_DELEGATE, first, 1), 2);
	const step_ref child = b->result;
	assert_int_equal(child.node, 1);
	assert_int_equal(good(b, 2, CAPABILITY_OBTAIN, first, 0), 3);
	assert_int_equal(good(b, 1, CAPABILITY_DELEGATE, child, 3), 4);
	assert_int_equal(good(b, 4, CAPABILITY_OBTAIN, child, 0), 4);
	assert_int_equal(good(b, 1, CAPABILITY_DELEGATE, child, 0), 2); /* to the owner */
	assert_int_equal(good(b, 1, CAPABILITY_COPY, child, 0), 0);
	assert_int_equal(good(b, 1, CAPABILITY_OBTAIN, child, 0), 0);
	assert_int_equal(good(b, 1, CAPABILITY_MINT, child, READ), 0);
	assert_int_equal(good(b, 1, CAPABILITY_USE, b->result, READ), 0);
	assert_int_equal(good(b, 1, CAPABILITY_MOVE, child, 2), 4);
	assert_int_equal(good(b, 2, CAPABILITY_QUERY, b->result, 0), 0);
	assert_true(step_same(b->result, first));
	assert_false(lives(b, child));
	bed_free(b);
}

static void test_a_revoke_costs_four_messages_for_each_other_kernel(void **state)
{
	struct bed *b = bed_new(&capability_owner);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref copy = made(b, 0, CAPABILITY_COPY, first, 0);
	assert_int_equal(good(b, 0, CAPABILITY_REVOKE, first, 0), 0); /* nobody was ever lent one */
	assert_false(lives(b, copy));
	const step_ref child = made(b, 0, CAPABILITY_DELEGATE, first, 1);
	assert_int_equal(good(b, 0, CAPABILITY_REVOKE, first, 0), 4 * OTHERS);
	assert_false(lives(b, child));
	assert_true(lives(b, first));
	const step_ref other = made(b, 2, CAPABILITY_OBTAIN, first, 0);
	/* retrieved: 2; made known: 2(N-1) */
	assert_int_equal(good(b, 2, CAPABILITY_REVOKE, other, 0), 2 + 2 * OTHERS + 4 * OTHERS);
	assert_true(lives(b, other));
	assert_false(lives(b, first)); /* a copy like all others */
	bed_free(b);
}

static void test_a_revoke_spares_what_its_word_does_not_explain(void **state)
{
	struct bed *b = bed_new(&capability_owner);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref badged = made(b, 0, CAPABILITY_MINT, first, READ | BADGE);
	const step_ref copy = made(b, 1, CAPABILITY_OBTAIN, badged, 0);
	const step_ref whole = made(b, 2, CAPABILITY_OBTAIN, first, 0);
	good(b, 0, CAPABILITY_REVOKE, badged, 0);
	assert_true(lives(b, first) && lives(b, whole) && lives(b, badged));
	assert_false(lives(b, copy));
	bed_free(b);
}

static void test_the_last_capability_of_the_owner_moves_the_ownership(void **state)
{
	struct bed *b = bed_new(&capability_owner);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref child = made(b, 0, CAPABILITY_DELEGATE, first, 1);
	made(b, 0, CAPABILITY_DELEGATE, first, 2);
	assert_int_equal(good(b, 2, CAPABILITY_DELETE, b->result, 0), 0);
	assert_int_equal(good(b, 0, CAPABILITY_DELETE, first, 0), 2 * OTHERS + 2 + 2 * OTHERS);
	assert_int_equal(good(b, 1, CAPABILITY_DELEGATE, child, 3), 2); /* it is the owner */
	assert_int_equal(good(b, 3, CAPABILITY_DELETE, b->result, 0), 0);
	assert_int_equal(bed_used(b, CAPABILITY_OWN), 1);
	/* Nobody has any: the kernel where the object was made learns it. */
	assert_int_equal(good(b, 1, CAPABILITY_DELETE, child, 0), 2 * OTHERS + 1);
	assert_int_equal(bed_used(b, CAPABILITY_CAP) + bed_used(b, CAPABILITY_OWN), 0);
	bed_free(b);
}

static void test_memory_is_taken_through_one_capability_until_a_revoke(void **state)
{
	struct bed *b = bed_new(&capability_owner);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref other = made(b, 1, CAPABILITY_OBTAIN, first, 0);
	assert_int_equal(good(b, 1, CAPABILITY_RETYPE, other, RIGHTS | BADGE), 3);
	const step_ref piece = b->result;
	assert_int_equal(good(b, 1, CAPABILITY_RETYPE, other, RIGHTS | 2 * BADGE), 3);
	assert_int_equal(bad(b, 0, CAPABILITY_RETYPE, first, RIGHTS | BADGE), 0);
	assert_int_equal(bad(b, 1, CAPABILITY_RETYPE, piece, RIGHTS | BADGE), 2);
	good(b, 0, CAPABILITY_REVOKE, first, 0);
	assert_false(lives(b, piece));
	assert_int_equal(good(b, 0, CAPABILITY_RETYPE, first, RIGHTS | BADGE), 0);
	bed_free(b);
}

static void test_a_first_capability_that_retires_waits_for_the_last_one(void **state)
{
	struct bed *b = bed_new(&capability_owner);
	(void)state;
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref child = made(b, 0, CAPABILITY_DELEGATE, first, 1);
	bed_begin(b, STEP_ANY(0, CAPABILITY_OP), CAPABILITY_RETIRE, first, 0);
	const uint32_t completes = b->completes;
	while (bed_step(b))
		;
	assert_int_equal(b->completes, completes); /* it waits */
	bed_begin(b, STEP_ANY(1, CAPABILITY_OP), CAPABILITY_DELETE, child, 0);
	while (bed_step(b))
		;
	assert_int_equal(b->completes, completes + 2);
	assert_int_equal(
		bed_used(b, CAPABILITY_CAP) + bed_used(b, CAPABILITY_OWN) + bed_used(b, CAPABILITY_OP), 0);
	bed_free(b);
}

/* The checker cannot reach this: all its objects begin on one kernel, which has room for them. */
static void test_a_kernel_whose_records_are_all_of_other_objects_answers_a_broadcast(void **state)
{
	struct bed *b = bed_new(&capability_owner);
	(void)state;
	for (uint32_t i = 0; i < BED_NODES; i++)
		b->node[i].pool[CAPABILITY_CAP].slots = b->node[i].pool[CAPABILITY_OWN].slots = 2;
	made(b, 1, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	made(b, 1, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref first = made(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref child = made(b, 0, CAPABILITY_DELEGATE, first, 2);
	assert_int_equal(good(b, 2, CAPABILITY_REVOKE, child, 0), 2 + 2 * OTHERS + 4 * OTHERS);
	assert_int_equal(bad(b, 1, CAPABILITY_OBTAIN, child, 0), 0); /* no slot */
	assert_int_equal(good(b, 2, CAPABILITY_DELETE, child, 0), 2 * OTHERS + 1);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_comes_costs_what_the_header_says),
		cmocka_unit_test(test_a_revoke_costs_four_messages_for_each_other_kernel),
		cmocka_unit_test(test_a_revoke_spares_what_its_word_does_not_explain),
		cmocka_unit_test(test_the_last_capability_of_the_owner_moves_the_ownership),
		cmocka_unit_test(test_memory_is_taken_through_one_capability_until_a_revoke),
		cmocka_unit_test(test_a_first_capability_that_retires_waits_for_the_last_one),
		cmocka_unit_test(test_a_kernel_whose_records_are_all_of_other_objects_answers_a_broadcast),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
