/* tests/prop/test_german.c - the checker visits exactly the states and transitions of German's protocol that other checkers
 * visit: Rumur, Spin (which counts the initial one as a transition), Murphi's descendants. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/checker/checker.h"
#include "tests/lib/german.h"

/* Where each step takes tens of times as long, three and four caches have to do. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define IS_INSTRUMENTED true
#elif defined __has_feature
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define IS_INSTRUMENTED true
#endif
#endif
#ifndef IS_INSTRUMENTED
#define IS_INSTRUMENTED false
#endif

static void visits(uint32_t caches, bool symmetry, uint64_t states, uint64_t transitions, uint64_t unreduced)
{
	const struct checker_options o = {
		.kernels = caches + 1, .no_symmetry = !symmetry, .no_quiescence = caches > 4};
	struct checker_result r;
	assert_int_equal(checker_run(&german, &o, &r), 0);
	assert_int_equal(r.end, CHECKER_CLOSED);
	assert_int_equal(r.states, states);
	assert_int_equal(r.transitions, transitions);
	assert_int_equal(r.states_unreduced, unreduced);
	checker_result_fini(&r);
}

static void test_three_caches(void **state)
{
	(void)state;
	visits(3, false, 58077, 235764, 58077);
	visits(3, true, 10460, 42538, 58077);
}
static void test_four_caches(void **state)
{
	(void)state;
	if (!IS_INSTRUMENTED)
		visits(4, false, 1105353, 5921856, 1105353);
	visits(4, true, 56161, 301088, 1105353);
}
/* With symmetry, each state that is visited stands for so many, each with as many transitions. */
static void test_five_caches(void **state)
{
	(void)state;
	if (IS_INSTRUMENTED)
		skip();
	const struct checker_options o = {.kernels = 6, .no_quiescence = true, .audit = true};
	struct checker_result r;
	assert_int_equal(checker_run(&german, &o, &r), 0);
	assert_int_equal(r.end, CHECKER_CLOSED);
	assert_int_equal(r.states, 262203);
	assert_int_equal(r.transitions, 1753420);
	assert_int_equal(r.states_unreduced, 22030785);
	assert_int_equal(r.transitions_unreduced, 147272580);
	checker_result_fini(&r);
}
static void test_six_caches(void **state)
{
	(void)state;
	if (IS_INSTRUMENTED)
		skip();
	visits(6, true, 1073646, 8606692, 442874061);
}

/* 22 million states one by one, half a minute or more: where somebody wants it. */
static void test_five_caches_without_symmetry(void **state)
{
	(void)state;
	if (!getenv("SKERRY_TEST_LONG"))
		skip();
	visits(5, false, 22030785, 147272580, 22030785);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_three_caches),
		cmocka_unit_test(test_four_caches),
		cmocka_unit_test(test_five_caches),
		cmocka_unit_test(test_six_caches),
		cmocka_unit_test(test_five_caches_without_symmetry),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
