/* tests/unit/test_profile.c - the account of a thread's time: it adds up, it nests, it counts what virtual time charges,
 * and it changes nothing. Counters are read with events that every kernel has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "sim/counters.h"
#include "sim/ticks.h"
#include "ssi/profile.h"
#include "ssi/protocols/protocols.h"
#include "workloads/run.h"

static const struct step_protocol *const used[FLAT_PROFILE_PROTOCOLS] = {&capability_tree, &memory_msi,
									 &file_posix};

/* ---- the account alone ---- */

static struct flat_profile_report report_of(struct flat_profile *profile)
{
	struct flat_profile_report report;
	assert_int_equal(flat_profile_sum(&profile, 1, &report), 0);
	return report;
}

static uint64_t rows_sum(const struct flat_profile_report *report)
{
	uint64_t sum = report->overhead;
	for (unsigned i = 0; i < FLAT_CAUSES; i++)
		sum += report->cause[i].ticks;
	for (uint32_t i = 0; i < report->cells; i++)
		sum += report->cell[i].row->ticks;
	return sum;
}

static uint64_t cells_count(const struct flat_profile_report *report)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < report->cells; i++)
		sum += report->cell[i].row->count;
	return sum;
}

static void test_each_tick_belongs_to_one_cause(void **state)
{
	struct flat_profile *profile = flat_profile_new(used, 1);
	(void)state;
	assert_non_null(profile);
	const uint64_t before = sim_ticks();
	flat_profile_begin(profile, FLAT_CAUSE_ENGINE);
	for (int i = 0; i < 1000; i++) {
		const unsigned was = flat_enter_event(profile, FLAT_CAUSE_RECEIVE);
		flat_profile_cell_entered(profile, 1, MSI_DIR, 0, E_PROTOCOL);
		const unsigned cell = flat_enter(profile, FLAT_CAUSE_SEND);
		flat_leave(profile, cell);
		flat_leave_event(profile, was);
	}
	flat_profile_end(profile);
	const uint64_t most = sim_ticks() - before;
	struct flat_profile_report report = report_of(profile);
	assert_true(report.ticks > 0 && report.ticks <= most);
	assert_int_equal(rows_sum(&report), report.ticks);
	assert_int_equal(report.cause[FLAT_CAUSE_RECEIVE].count, 1000);
	assert_int_equal(report.cause[FLAT_CAUSE_SEND].count, 1000);
	assert_int_equal(report.cells, 1);
	assert_int_equal(report.cell[0].row->count, 1000);
	assert_int_equal(report.cell[0].row->pieces, 1000); /* what follows the send is the engine's */
	assert_int_equal(report.switches, 4001);
	flat_profile_report_fini(&report);
	flat_profile_free(profile);
}

static void test_leaving_goes_back_to_what_was_current(void **state)
{
	struct flat_profile *profile = flat_profile_new(used, 1);
	(void)state;
	flat_profile_begin(profile, FLAT_CAUSE_ENGINE);
	assert_int_equal(flat_enter(profile, FLAT_CAUSE_CALL), FLAT_CAUSE_ENGINE);
	assert_int_equal(flat_enter(profile, FLAT_CAUSE_COPY), FLAT_CAUSE_CALL);
	assert_int_equal(flat_enter(profile, FLAT_CAUSE_CLIENT), FLAT_CAUSE_COPY);
	flat_leave(profile, FLAT_CAUSE_COPY);
	assert_int_equal(flat_cause_now(profile), FLAT_CAUSE_COPY);
	flat_profile_cell_entered(profile, 0, CAPABILITY_OP, 0, E_PROTOCOL);
	assert_true(flat_cause_now(profile) >= FLAT_CAUSES);
	flat_leave(profile, FLAT_CAUSE_ENGINE);
	assert_int_equal(flat_cause_now(profile), FLAT_CAUSE_ENGINE);
	flat_profile_end(profile);
	assert_int_equal(flat_cause_now(profile), FLAT_CAUSE_NONE);
	flat_profile_free(profile);
}

static void test_each_cell_has_a_row_of_its_own(void **state)
{
	struct flat_profile *profile = flat_profile_new(used, 1);
	uint32_t cells = 0;
	(void)state;
	flat_profile_begin(profile, FLAT_CAUSE_ENGINE);
	for (unsigned p = 0; p < FLAT_PROFILE_PROTOCOLS; p++)
		for (unsigned m = 1; m < used[p]->machines; m++)
			for (unsigned s = 0; s <= used[p]->machine[m].states; s++)
				for (unsigned e = 0; e < used[p]->events; e++, cells++)
					flat_profile_cell_entered(profile, p, m, s, e);
	flat_profile_end(profile);
	struct flat_profile_report report = report_of(profile);
	assert_int_equal(report.cells, cells);
	assert_int_equal(report.charges[SIM_COST_STEP], cells);
	for (uint32_t i = 0; i < cells; i++) {
		assert_int_equal(report.cell[i].row->count, 1);
		assert_true(!i || report.cell[i - 1].row->ticks >= report.cell[i].row->ticks);
	}
	assert_int_equal(rows_sum(&report), report.ticks);
	flat_profile_report_fini(&report);
	flat_profile_free(profile);
}

static void test_one_event_in_some_is_profiled(void **state)
{
	struct flat_profile *profile = flat_profile_new(used, 4);
	(void)state;
	flat_profile_begin(profile, FLAT_CAUSE_ENGINE);
	for (int i = 0; i < 100; i++) {
		const unsigned was = flat_enter_event(profile, FLAT_CAUSE_CALL);
		if (flat_profile_is_timing(profile))
			flat_leave(profile, flat_enter(profile, FLAT_CAUSE_CLIENT));
		flat_leave_event(profile, was);
		if (i % 10 == 9) {
			flat_profile_enter(profile, FLAT_CAUSE_IDLE);
			flat_profile_enter(profile, FLAT_CAUSE_ENGINE);
		}
	}
	flat_profile_end(profile);
	struct flat_profile_report report = report_of(profile);
	assert_int_equal(report.every, 4);
	assert_int_equal(report.cause[FLAT_CAUSE_CALL].count, 25);
	assert_int_equal(report.cause[FLAT_CAUSE_CLIENT].count, 25);
	assert_int_equal(report.cause[FLAT_CAUSE_UNTIMED].count, 75);
	assert_int_equal(report.cause[FLAT_CAUSE_IDLE].count, 10);
	assert_true(report.cause[FLAT_CAUSE_UNTIMED].ticks > 0);
	assert_int_equal(rows_sum(&report), report.ticks);
	flat_profile_report_fini(&report);
	flat_profile_free(profile);
}

static void test_threads_add_up(void **state)
{
	struct flat_profile *profile[2] = {flat_profile_new(used, 1), flat_profile_new(used, 1)};
	struct flat_profile_report report;
	(void)state;
	for (int i = 0; i < 2; i++) {
		flat_profile_begin(profile[i], FLAT_CAUSE_IDLE);
		flat_profile_end(profile[i]);
		flat_profile_begin(profile[i], FLAT_CAUSE_IDLE); /* virtual time runs in slices */
		flat_profile_end(profile[i]);
		flat_charged(profile[i], SIM_COST_NAME, 3);
	}
	assert_int_equal(flat_profile_sum(profile, 2, &report), 0);
	assert_int_equal(report.threads, 2);
	assert_int_equal(report.cause[FLAT_CAUSE_IDLE].count, 4);
	assert_int_equal(report.charges[SIM_COST_NAME], 6);
	assert_int_equal(rows_sum(&report), report.ticks);
	flat_profile_report_fini(&report);
	flat_profile_free(profile[0]);
	flat_profile_free(profile[1]);
}

static void test_no_profile_is_no_account(void **state)
{
	(void)state;
	assert_int_equal(flat_enter(NULL, FLAT_CAUSE_SEND), FLAT_CAUSE_NONE);
	assert_int_equal(flat_enter_event(NULL, FLAT_CAUSE_SEND), FLAT_CAUSE_NONE);
	assert_int_equal(flat_cause_now(NULL), FLAT_CAUSE_NONE);
	flat_leave(NULL, FLAT_CAUSE_SEND);
	flat_leave_event(NULL, FLAT_CAUSE_SEND);
	flat_charged(NULL, SIM_COST_CALL, 1);
	flat_profile_free(NULL);
}

/* ---- runs ---- */

static const char recording[] = "name: one\n"
				"about: \"one recording, far from the service\"\n"
				"machine: {clusters: 2}\n"
				"clients:\n"
				"  - {trace: find, on: 1-1, think: 0 cycles}\n";
static const char shared[] = "name: shared\n"
			     "about: \"pages that three kernels share\"\n"
			     "machine: {clusters: 3}\n"
			     "service: {cluster: 0, cache_pages: 2}\n"
			     "clients:\n"
			     "  - {trace: git, think: 100 cycles}\n"
			     "  - {stamps: {pages: 3, operations: 100, writes: 40%}}\n";

struct subject {
	struct scenario *scenario;
	struct run *run;
	struct run_result result;
	struct flat_profile_report report;
};

static void go(struct subject *s, const char *text, const char *engine, const struct run_options *options)
{
	const char *const sets[] = {engine, "native.oversubscribe=true"};
	struct scenario_error error;
	if (scenario_parse(&s->scenario, "test.yaml", text, strlen(text), sets, 2, &error) ||
	    run_new(&s->run, s->scenario, options, &error))
		fail_msg("%s", error.text);
	run_go(s->run, &s->result);
	assert_int_equal(s->result.end, RUN_ENDED);
	assert_int_equal(s->result.failures, 0);
	const int error_number = flat_profile_report(run_machine(s->run), &s->report);
	assert_int_equal(error_number, options->profile ? 0 : -EINVAL);
}

static void fini(struct subject *s)
{
	if (s->report.row)
		flat_profile_report_fini(&s->report);
	run_free(s->run);
	scenario_free(s->scenario);
}

static const struct run_options profiled = {.profile = true}, plain = {.profile = false};

static uint64_t operations(const struct subject *s, enum flat_op first, enum flat_op last)
{
	uint64_t count = 0;
	for (unsigned op = first; op <= last; op++)
		count += s->result.stats->op[op].latency_ps.count;
	return count;
}

/* What the run itself counted. */
static void check_against_counts(const struct subject *s)
{
	const uint64_t local = operations(s, FLAT_LOCAL, FLAT_EXIT);
	const uint64_t *charges = s->report.charges;
	assert_int_equal(charges[SIM_COST_CALL], s->result.calls - local);
	assert_int_equal(charges[SIM_COST_REPLY], s->result.calls - local);
	assert_int_equal(charges[SIM_COST_NULL], local);
	assert_int_equal(charges[SIM_COST_CLIENT], s->result.calls);
	assert_int_equal(charges[SIM_COST_STEP], s->result.cells);
	/* Those of open files, and of names and files that went. */
	assert_true(charges[SIM_COST_CAP_DELETE] >=
		    operations(s, FLAT_CLOSE, FLAT_CLOSE) - s->result.stats->op[FLAT_CLOSE].failures);
	assert_true(charges[SIM_COST_CAP_DELETE] <= charges[SIM_COST_CAP_CREATE] + s->result.calls);
	assert_true(charges[SIM_COST_NAME] && charges[SIM_COST_TRANSLATE] && charges[SIM_COST_COPY_KIB]);
	assert_int_equal(cells_count(&s->report), s->result.cells);
	assert_int_equal(s->report.cause[FLAT_CAUSE_SEND].count, s->result.messages);
	assert_int_equal(rows_sum(&s->report), s->report.ticks);
}

static void test_charges_are_what_virtual_time_counts(void **state)
{
	struct subject s = {0};
	(void)state;
	go(&s, shared, "engine=window", &profiled);
	check_against_counts(&s);
	assert_int_equal(s.report.threads, 1);
	assert_int_equal(s.report.cause[FLAT_CAUSE_IDLE].count, 0);
	fini(&s);
}

static void test_charges_are_the_same_natively(void **state)
{
	struct subject virtual = {0}, native = {0};
	(void)state;
	go(&virtual, recording, "engine=window", &profiled);
	go(&native, recording, "engine=native", &profiled);
	check_against_counts(&native);
	for (unsigned kind = 0; kind < SIM_COST_KINDS; kind++)
		assert_int_equal(native.report.charges[kind], virtual.report.charges[kind]);
	assert_int_equal(native.result.messages, virtual.result.messages);
	assert_int_equal(native.report.cells, virtual.report.cells);
	assert_int_equal(native.report.threads, native.result.native->threads);
	assert_true(native.report.cause[FLAT_CAUSE_IDLE].count > 0);
	fini(&virtual);
	fini(&native);
}

static void test_a_profile_changes_no_result(void **state)
{
	struct subject with = {0}, without = {0};
	(void)state;
	go(&with, shared, "engine=window", &profiled);
	go(&without, shared, "engine=window", &plain);
	assert_int_equal(with.result.digest, without.result.digest);
	assert_int_equal(with.result.cells, without.result.cells);
	assert_int_equal(with.result.virtual_ps, without.result.virtual_ps);
	fini(&with);
	fini(&without);
}

static uint64_t tapped;
static void count_cell(struct step_node *n, const struct step_msg *m, step_ref at, unsigned from,
		       unsigned next)
{
	(void)n, (void)m, (void)at, (void)from, (void)next;
	tapped++;
}

static void test_the_tap_of_a_run_still_sees_each_cell(void **state)
{
	struct subject s = {0};
	const struct run_options both = {.profile = true, .cell_tap = count_cell};
	(void)state;
	tapped = 0;
	go(&s, shared, "engine=window", &both);
	assert_int_equal(tapped, s.result.cells);
	fini(&s);
}

/* ---- counters ---- */

#define TOUCHED 64

static void touch_pages(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, TOUCHED * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(memory != MAP_FAILED);
	madvise(memory, TOUCHED * page, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < TOUCHED; i++)
		((volatile char *)memory)[i * page] = 1;
	munmap(memory, TOUCHED * page);
}

static void test_counters_count_what_this_thread_does(void **state)
{
	static const enum sim_counter which[] = {SIM_COUNTER_PAGE_FAULTS, SIM_COUNTER_SWITCHES};
	struct sim_counters counters;
	uint64_t before[SIM_COUNTERS_MAX], after[SIM_COUNTERS_MAX];
	(void)state;
	if (sim_counters_open(&counters, which, 2)) { /* a container may refuse */
		assert_true(strlen(counters.why) > 0);
		assert_non_null(strstr(counters.why, "page_faults"));
		skip();
	}
	sim_counters_read(&counters, before);
	touch_pages();
	sim_counters_read(&counters, after);
	assert_true(after[0] - before[0] >= TOUCHED);
	assert_true(after[1] >= before[1]);
	sim_counters_close(&counters);
}

static void test_what_is_not_counted_reads_as_zero(void **state)
{
	static const enum sim_counter which[] = {SIM_COUNTER_CYCLES, SIM_COUNTER_INSTRUCTIONS,
						 SIM_COUNTER_CACHE_MISSES};
	struct sim_counters counters;
	uint64_t value[SIM_COUNTERS_MAX] = {1, 1, 1};
	(void)state;
	const int error = sim_counters_open(&counters, which, 3);
	if (error)
		assert_non_null(strstr(counters.why, ": ")); /* which, and the remedy */
	sim_counters_close(&counters);
	sim_counters_read(&counters, value);
	for (unsigned i = 0; i < SIM_COUNTERS_MAX; i++)
		assert_int_equal(value[i], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_tick_belongs_to_one_cause),
		cmocka_unit_test(test_leaving_goes_back_to_what_was_current),
		cmocka_unit_test(test_each_cell_has_a_row_of_its_own),
		cmocka_unit_test(test_one_event_in_some_is_profiled),
		cmocka_unit_test(test_threads_add_up),
		cmocka_unit_test(test_no_profile_is_no_account),
		cmocka_unit_test(test_charges_are_what_virtual_time_counts),
		cmocka_unit_test(test_charges_are_the_same_natively),
		cmocka_unit_test(test_a_profile_changes_no_result),
		cmocka_unit_test(test_the_tap_of_a_run_still_sees_each_cell),
		cmocka_unit_test(test_counters_count_what_this_thread_does),
		cmocka_unit_test(test_what_is_not_counted_reads_as_zero),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
