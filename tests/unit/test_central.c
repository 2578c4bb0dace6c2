/* tests/unit/test_central.c - capability/central: its operations cost exactly the messages that its header says, and leave
 * nothing behind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/protocols/protocols.h"
#include "tests/lib/capability_bed.h"

/* The server is on kernel 0; nobody else who takes part is. */
static void test_what_comes_costs_what_the_header_says(void **state)
{
	struct bed *b = bed_new(&capability_central);
	(void)state;
	assert_int_equal(good(b, 1, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS), 2);
	const step_ref first = b->result;
	assert_int_equal(good(b, 2, CAPABILITY_OBTAIN, first, 0), 3);
	assert_int_equal(b->result.node, 2);
	assert_int_equal(good(b, 1, CAPABILITY_DELEGATE, first, 3), 4);
	assert_int_equal(b->result.node, 3);
	assert_int_equal(good(b, 1, CAPABILITY_COPY, first, 0), 2);
	assert_int_equal(good(b, 1, CAPABILITY_MINT, first, READ), 2);
	assert_int_equal(good(b, 1, CAPABILITY_RETYPE, first, RIGHTS), 2);
	assert_int_equal(good(b, 1, CAPABILITY_QUERY, first, 0), 0);
	assert_int_equal(good(b, 1, CAPABILITY_USE, first, RIGHTS), 0);
	bed_free(b);
}

static void test_what_takes_part_on_the_servers_kernel_is_saved(void **state)
{
	struct bed *b = bed_new(&capability_central);
	(void)state;
	const step_ref first =
		(assert_int_equal(good(b, 0, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS), 0), b->result);
	assert_int_equal(good(b, 1, CAPABILITY_OBTAIN, first, 0), 2); /* OBTAIN, GRANT */
	const step_ref other = b->result;
	assert_int_equal(good(b, 0, CAPABILITY_OBTAIN, other, 0), 2); /* OBTAIN, DERIVE */
	assert_int_equal(good(b, 0, CAPABILITY_DELEGATE, first, 2), 2);
	assert_int_equal(good(b, 0, CAPABILITY_COPY, first, 0), 0);
	assert_int_equal(good(b, 0, CAPABILITY_DELETE, b->result, 0), 0);
	bed_free(b);
}

static void test_what_goes_costs_what_the_header_says(void **state)
{
	struct bed *b = bed_new(&capability_central);
	(void)state;
	const step_ref first = made(b, 1, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref copy = made(b, 2, CAPABILITY_OBTAIN, first, 0);
	assert_int_equal(good(b, 2, CAPABILITY_MOVE, copy, 3), 4);
	const step_ref moved = b->result;
	assert_int_equal(moved.node, 3);
	bad(b, 2, CAPABILITY_USE, copy, READ);
	good(b, 3, CAPABILITY_USE, moved, READ);
	assert_int_equal(good(b, 3, CAPABILITY_DELETE, moved, 0), 2);
	assert_int_equal(good(b, 1, CAPABILITY_RETIRE, first, 0), 2);
	assert_int_equal(bed_used(b, CAPABILITY_CAP), 0);
	assert_int_equal(bed_used(b, CAPABILITY_OWN), 0);
	bed_free(b);
}

static void test_a_revoke_costs_two_messages_and_two_for_each_remote_representative(void **state)
{
	struct bed *b = bed_new(&capability_central);
	step_ref gone[8];
	uint32_t count = 0;
	(void)state;
	const step_ref first = made(b, 1, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	for (uint32_t node = 0; node < BED_NODES; node++) {
		gone[count++] = made(b, node, CAPABILITY_OBTAIN, first, 0);
		if (node < 3)
			gone[count] = made(b, node, CAPABILITY_COPY, gone[count - 1], 0), count++;
	}
	/* Two of the eight are on the server's kernel. */
	assert_int_equal(good(b, 1, CAPABILITY_REVOKE, first, 0), 2 + 2 * (count - 2));
	for (uint32_t i = 0; i < count; i++)
		assert_null(step_lookup(&b->node[gone[i].node], gone[i]));
	good(b, 1, CAPABILITY_USE, first, READ); /* what is revoked stays itself */
	assert_int_equal(good(b, 1, CAPABILITY_REVOKE, first, 0), 2);
	assert_int_equal(bed_used(b, CAPABILITY_OWN), 1);
	bed_free(b);
}

static void test_what_was_derived_from_a_moved_capability_stays_derived_from_it(void **state)
{
	struct bed *b = bed_new(&capability_central);
	(void)state;
	const step_ref first = made(b, 1, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref copy = made(b, 2, CAPABILITY_OBTAIN, first, 0);
	const step_ref moved = made(b, 1, CAPABILITY_MOVE, first, 3);
	good(b, 2, CAPABILITY_USE, copy, READ);
	good(b, 3, CAPABILITY_REVOKE, moved, 0);
	bad(b, 2, CAPABILITY_USE, copy, READ);
	bed_free(b);
}

static void test_the_server_diminishes_what_is_minted(void **state)
{
	struct bed *b = bed_new(&capability_central);
	(void)state;
	const step_ref first = made(b, 1, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref less = made(b, 1, CAPABILITY_MINT, first, READ);
	const step_ref copy = made(b, 2, CAPABILITY_OBTAIN, less, 0);
	const step_ref more = made(b, 1, CAPABILITY_MINT, less, RIGHTS);
	good(b, 2, CAPABILITY_USE, copy, READ);
	bad(b, 2, CAPABILITY_USE, copy, RIGHTS);
	bad(b, 1, CAPABILITY_USE, more, RIGHTS);
	bed_free(b);
}

/* Who says no, and where: nothing is left of the attempt. */
static void test_what_is_refused_leaves_nothing_behind(void **state)
{
	struct bed *b = bed_new(&capability_central);
	(void)state;
	const step_ref first = made(b, 1, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const unsigned makes[] = {CAPABILITY_OBTAIN, CAPABILITY_DELEGATE, CAPABILITY_COPY,
				  CAPABILITY_MINT,   CAPABILITY_MOVE,     CAPABILITY_RETYPE};
	for (size_t i = 0; i < sizeof makes / sizeof *makes; i++) {
		b->refuse = 1; /* the kernel that was to have it */
		bad(b, makes[i] == CAPABILITY_OBTAIN ? 2 : 1, makes[i], first, 2);
		assert_int_equal(bed_used(b, CAPABILITY_CAP), 1);
		assert_int_equal(bed_used(b, CAPABILITY_OP), 0);
		assert_int_equal(bed_used(b, CAPABILITY_OWN), 1);
	}
	good(b, 1, CAPABILITY_USE, first, RIGHTS);
	bed_free(b);
}

static void test_a_full_server_refuses(void **state)
{
	struct bed *b = bed_new(&capability_central);
	(void)state;
	const step_ref first = made(b, 1, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	for (uint32_t i = 1; i < BED_SLOTS; i++)
		good(b, 1 + i % 4, CAPABILITY_OBTAIN, first, 0);
	assert_int_equal(bad(b, 2, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS), 2);
	assert_int_equal(bad(b, 2, CAPABILITY_OBTAIN, first, 0), 3);
	assert_int_equal(bad(b, 1, CAPABILITY_RETYPE, first, 0), 2);
	assert_int_equal(bad(b, 1, CAPABILITY_DELEGATE, first, 4), 2);
	good(b, 1, CAPABILITY_MOVE, first, 4); /* needs no other entry */
	assert_int_equal(bed_used(b, CAPABILITY_CAP), BED_SLOTS);
	bed_free(b);
}

/* A revoke from above crosses a move: the mover is told that it took place, and what moved goes. */
static void test_a_move_that_a_revoke_crosses_ends_and_is_revoked(void **state)
{
	struct bed *b = bed_new(&capability_central);
	(void)state;
	const step_ref first = made(b, 1, CAPABILITY_CREATE, STEP_NOBODY, RIGHTS);
	const step_ref copy = made(b, 2, CAPABILITY_OBTAIN, first, 0);
	const uint32_t completes = b->completes;
	bed_begin(b, STEP_ANY(2, CAPABILITY_OP), CAPABILITY_MOVE, copy, 3);
	bed_step(b); /* MOVE is at the server, OFFER under way */
	bed_begin(b, STEP_ANY(1, CAPABILITY_OP), CAPABILITY_REVOKE, first, 0);
	while (bed_step(b))
		;
	assert_int_equal(b->completes, completes + 2);
	assert_int_equal(b->code, CAPABILITY_OK);
	assert_int_equal(bed_used(b, CAPABILITY_CAP), 1);
	assert_int_equal(bed_used(b, CAPABILITY_OWN), 1);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_comes_costs_what_the_header_says),
		cmocka_unit_test(test_what_takes_part_on_the_servers_kernel_is_saved),
		cmocka_unit_test(test_what_goes_costs_what_the_header_says),
		cmocka_unit_test(test_a_revoke_costs_two_messages_and_two_for_each_remote_representative),
		cmocka_unit_test(test_what_was_derived_from_a_moved_capability_stays_derived_from_it),
		cmocka_unit_test(test_the_server_diminishes_what_is_minted),
		cmocka_unit_test(test_what_is_refused_leaves_nothing_behind),
		cmocka_unit_test(test_a_full_server_refuses),
		cmocka_unit_test(test_a_move_that_a_revoke_crosses_ends_and_is_revoked),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
