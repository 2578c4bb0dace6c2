/* tests/unit/test_ledger.c - what follows for a use from who granted what to whom, and when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include "workloads/ledger.h"

#define ALL 15u

static const struct ledger_promises promises = {true, true, true};

/* Client 0 makes an object at 10 and gives it to 1 at 20, who gives it to 2 at 30. */
struct world {
	struct ledger part[3];
	uint32_t object, child, grandchild;
};

static struct world world_of_three(void)
{
	struct world w;
	for (uint32_t i = 0; i < 3; i++)
		ledger_init(&w.part[i], i);
	w.object = ledger_grant(&w.part[0], 0, ALL, false, 10);
	w.child = ledger_grant(&w.part[1], ledger_name(&w.part[0], w.object), ALL, false, 20);
	w.grandchild = ledger_grant(&w.part[2], ledger_name(&w.part[1], w.child), 2, false, 30);
	return w;
}

static struct ledger_verdict judged(struct world *w, const struct ledger_promises *p)
{
	struct ledger *const part[] = {&w->part[0], &w->part[1], &w->part[2]};
	struct ledger_verdict v;
	assert_int_equal(ledger_judge(part, 3, p, &v), 0);
	for (uint32_t i = 0; i < 3; i++)
		ledger_fini(&w->part[i]);
	return v;
}

static void test_what_nobody_revoked_must_work(void **state)
{
	struct world w = world_of_three();
	(void)state;
	ledger_use(&w.part[2], w.grandchild, 2, 40, 41, true);
	ledger_use(&w.part[2], w.grandchild, 2, 42, 43, false);
	const struct ledger_verdict v = judged(&w, &promises);
	assert_int_equal(v.uses, 2);
	assert_int_equal(v.bad_uses, 1);
	assert_int_equal(v.refused, 0);
}

static void test_after_a_revoke_what_was_derived_before_it_must_be_refused(void **state)
{
	struct world w = world_of_three();
	(void)state;
	ledger_revoke(&w.part[0], w.object, 50, 60, true);
	ledger_use(&w.part[2], w.grandchild, 2, 55, 70,
		   true); /* it began before the revoke returned: either */
	ledger_use(&w.part[2], w.grandchild, 2, 61, 62, false); /* right */
	ledger_use(&w.part[2], w.grandchild, 2, 63, 64, true);  /* wrong */
	ledger_use(&w.part[0], w.object, 2, 63, 64, true);      /* what is revoked itself stays */
	const struct ledger_verdict v = judged(&w, &promises);
	assert_int_equal(v.refused, 2);
	assert_int_equal(v.bad_refused, 1);
	assert_int_equal(v.uses, 1);
	assert_int_equal(v.bad_uses, 0);
}

static void test_what_is_derived_after_the_revoke_began_may_go_either_way(void **state)
{
	struct world w = world_of_three();
	(void)state;
	ledger_revoke(&w.part[0], w.object, 50, 60, true);
	const uint32_t late = ledger_grant(&w.part[1], ledger_name(&w.part[0], w.object), ALL, false, 55);
	ledger_use(&w.part[1], late, 1, 70, 71, true);
	ledger_use(&w.part[1], late, 1, 72, 73, false);
	const struct ledger_verdict v = judged(&w, &promises);
	assert_int_equal(v.bad_refused + v.bad_uses, 0);
}

static void test_a_revoke_that_failed_says_nothing(void **state)
{
	struct world w = world_of_three();
	(void)state;
	ledger_revoke(&w.part[0], w.object, 50, 60, false);
	ledger_use(&w.part[1], w.child, 1, 70, 71, false);
	assert_int_equal(judged(&w, &promises).bad_uses, 1);
}

static void test_rights_must_be_there(void **state)
{
	struct world w = world_of_three();
	(void)state;
	ledger_use(&w.part[2], w.grandchild, 1, 40, 41, true);
	assert_int_equal(judged(&w, &promises).bad_refused, 1);
	w = world_of_three();
	ledger_use(&w.part[2], w.grandchild, 1, 40, 41, true);
	assert_int_equal(judged(&w, &(struct ledger_promises){true, true, false}).bad_refused, 0);
}

static void test_what_was_deleted_must_be_refused_and_what_was_derived_stays(void **state)
{
	struct world w = world_of_three();
	(void)state;
	ledger_end(&w.part[1], w.child, 40);
	ledger_use(&w.part[1], w.child, 1, 41, 42, true);
	ledger_use(&w.part[2], w.grandchild, 2, 41, 42, false);
	const struct ledger_verdict v = judged(&w, &promises);
	assert_int_equal(v.bad_refused, 1);
	assert_int_equal(v.bad_uses, 1);
}

/* What the child has given to 2 stays with the old place or goes along: 2 is right either way. */
static void test_who_revokes_what_has_moved_may_reach_what_was_derived_before(void **state)
{
	for (int reached = 0; reached < 2; reached++) {
		struct world w = world_of_three();
		(void)state;
		ledger_end(&w.part[1], w.child, 40);
		const uint32_t moved =
			ledger_grant(&w.part[0], ledger_name(&w.part[1], w.child), ALL, true, 41);
		const uint32_t after =
			ledger_grant(&w.part[2], ledger_name(&w.part[0], moved), ALL, false, 45);
		ledger_revoke(&w.part[0], moved, 50, 60, true);
		ledger_use(&w.part[2], w.grandchild, 2, 70, 71, !reached);
		ledger_use(&w.part[2], after, 1, 70, 71, true); /* but this it must reach */
		const struct ledger_verdict v = judged(&w, &promises);
		assert_int_equal(v.bad_refused, 1);
		assert_int_equal(v.bad_uses, 0);
	}
}

static void test_what_a_hostile_client_had_is_not_judged(void **state)
{
	struct world w = world_of_three();
	(void)state;
	w.part[2].hostile = true;
	ledger_use(&w.part[1], w.child, 1, 40, 41, false);
	const uint32_t other = ledger_grant(&w.part[0], 0, ALL, false, 10);
	ledger_use(&w.part[0], other, 1, 40, 41, false);
	const struct ledger_verdict v = judged(&w, &promises);
	assert_int_equal(v.uses, 1);
	assert_int_equal(v.bad_uses, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_nobody_revoked_must_work),
		cmocka_unit_test(test_after_a_revoke_what_was_derived_before_it_must_be_refused),
		cmocka_unit_test(test_what_is_derived_after_the_revoke_began_may_go_either_way),
		cmocka_unit_test(test_a_revoke_that_failed_says_nothing),
		cmocka_unit_test(test_rights_must_be_there),
		cmocka_unit_test(test_what_was_deleted_must_be_refused_and_what_was_derived_stays),
		cmocka_unit_test(test_who_revokes_what_has_moved_may_reach_what_was_derived_before),
		cmocka_unit_test(test_what_a_hostile_client_had_is_not_judged),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
