/* sim/ticks.h: real time in ticks. No time is asserted but against another clock, and any disturbed try is repeated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <time.h>
#include "sim/ticks.h"

static uint64_t monotonic_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void test_opening_twice_gives_the_same_source(void **state)
{
	const struct sim_ticks_source *first = sim_ticks_open();
	const uint64_t hz = first->clock.hz;
	(void)state;
	assert_ptr_equal(sim_ticks_open(), first);
	assert_int_equal(first->clock.hz, hz);
	assert_int_equal(first->counter, sim_ticks_counter);
	assert_non_null(first->name);
	assert_int_equal(first->why == NULL, first->counter); /* who falls back says why */
	assert_in_range(sim_poll_pauses, 1, 256);
	print_message("%s, %llu ticks a second, %u pauses a gap%s%s\n", first->name, (unsigned long long)hz,
		      (unsigned)sim_poll_pauses, first->why ? ": " : "", first->why ? first->why : "");
}

static void test_ticks_of_one_thread_never_go_back(void **state)
{
	uint64_t last;
	(void)state;
	sim_ticks_open();
	last = sim_ticks();
	for (int i = 0; i < 200000; i++) {
		const uint64_t now = sim_ticks();
		if (now < last)
			fail_msg("%llu after %llu", (unsigned long long)now, (unsigned long long)last);
		last = now;
	}
}

/* Ticks of a nap, in nanoseconds by the measured rate, over the nanoseconds that CLOCK_MONOTONIC saw, in thousandths. */
static uint64_t ratio_permille(const struct sim_ticks_source *source)
{
	const struct timespec nap = {.tv_nsec = 5000000};
	const uint64_t ns = monotonic_ns(), ticks = sim_ticks();
	nanosleep(&nap, NULL);
	const uint64_t ticks_passed = sim_ticks() - ticks, ns_passed = monotonic_ns() - ns;
	return sim_ps_of_cycles(&source->clock, ticks_passed) / ns_passed;
}

/* A thread that is put aside between two clocks sees any ratio; one undisturbed try of many is enough to tell that the
 * rate is right, and a wrong rate is wrong in every try. */
static void test_the_rate_agrees_with_the_clock(void **state)
{
	const struct sim_ticks_source *source = sim_ticks_open();
	uint64_t permille = 0;
	(void)state;
	for (int i = 0; i < 100; i++) {
		permille = ratio_permille(source);
		if (permille >= 950 && permille <= 1050)
			return;
	}
	fail_msg("a second of ticks is %llu thousandths of a second", (unsigned long long)permille);
}

/* What is behind ticks where there is no counter. */
static void test_the_fallback_counts_nanoseconds(void **state)
{
	const bool chosen = sim_ticks_open()->counter;
	uint64_t before, ticks, after;
	(void)state;
	sim_ticks_counter = false;
	before = monotonic_ns();
	ticks = sim_ticks();
	after = monotonic_ns();
	sim_ticks_counter = chosen;
	assert_true(before <= ticks && ticks <= after);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_opening_twice_gives_the_same_source),
		cmocka_unit_test(test_ticks_of_one_thread_never_go_back),
		cmocka_unit_test(test_the_rate_agrees_with_the_clock),
		cmocka_unit_test(test_the_fallback_counts_nanoseconds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
