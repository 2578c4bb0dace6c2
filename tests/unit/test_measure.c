/* Measuring: what samples become a figure, which pairs are measured, how pairs become links and a machine; and that two
 * threads of this host measure something sane. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/calibrate.h"
#include "sim/measure.h"

/* ---- figures ---- */

static void test_the_median_of_the_batches_is_the_figure(void **state)
{
	(void)state;
	uint64_t sample[] = {500, 100, 300, 200, 400};
	const bool disturbed[5] = {false};
	const struct sim_figure figure = sim_measure_figure(sample, disturbed, 5, 10);
	assert_int_equal(figure.ps, 30);
	assert_int_equal(figure.batches, 5);
	assert_int_equal(figure.dropped, 0);
	assert_int_equal(figure.spread, (500 - 100) * 100 / 300);
}

static void test_a_disturbed_batch_does_not_count(void **state)
{
	(void)state;
	uint64_t sample[] = {100, 1, 100, 100, 301, 300};
	const bool disturbed[6] = {false, true};
	const struct sim_figure figure = sim_measure_figure(sample, disturbed, 6, 1);
	assert_int_equal(figure.ps, 100);
	assert_int_equal(figure.batches,
			 4); /* 1 was switched out; 301 is more than three medians, 300 is not */
	assert_int_equal(figure.dropped, 2);
}

static void test_without_an_undisturbed_batch_all_count(void **state)
{
	(void)state;
	uint64_t sample[] = {30, 10, 20};
	const bool disturbed[3] = {true, true, true};
	const struct sim_figure figure = sim_measure_figure(sample, disturbed, 3, 1);
	assert_int_equal(figure.ps, 20);
	assert_int_equal(figure.dropped, 0);
}

static void test_a_figure_is_never_zero(void **state)
{
	(void)state;
	uint64_t sample[] = {3, 3, 3};
	const bool disturbed[3] = {false};
	assert_int_equal(sim_measure_figure(sample, disturbed, 3, 1000).ps, 1);
}

/* ---- which pairs ---- */

static struct sim_host host;

static struct sim_host *synthetic(const char *description)
{
	const char *why = "";
	if (sim_host_read_synthetic(&host, description, &why))
		fail_msg("%s: %s", description, why);
	return &host;
}

static void test_all_pairs_of_a_small_host_are_measured(void **state)
{
	(void)state;
	struct sim_measure_pair pair[SIM_MEASURE_PAIRS_MAX];
	bool seen[16][16] = {{false}};
	assert_int_equal(sim_measure_plan(synthetic("pack:1 core:16 pu:1"), pair), 120);
	for (uint32_t i = 0; i < 120; i++) {
		assert_true(pair[i].a < pair[i].b && pair[i].b < 16);
		assert_false(seen[pair[i].a][pair[i].b]);
		seen[pair[i].a][pair[i].b] = true;
	}
	assert_int_equal(sim_measure_plan(synthetic("pack:1 core:1 pu:1"), pair), 0);
}

static void test_of_a_large_host_each_distance_is_sampled(void **state)
{
	(void)state;
	struct sim_measure_pair pair[SIM_MEASURE_PAIRS_MAX];
	uint32_t of[SIM_DISTANCES] = {0};
	synthetic("pack:2 node:2 core:8 pu:2");
	const uint32_t pairs = sim_measure_plan(&host, pair);
	for (uint32_t i = 0; i < pairs; i++) {
		assert_true(pair[i].a < pair[i].b && pair[i].b < host.cpus);
		of[sim_measure_distance(&host, pair[i].a, pair[i].b)]++;
	}
	for (unsigned d = 0; d < SIM_DISTANCES; d++)
		assert_int_equal(of[d], SIM_MEASURE_SAMPLE);
}

/* ---- a link ---- */

static struct sim_measured measured(uint64_t ring, uint64_t line, uint64_t send, uint64_t receive)
{
	return (struct sim_measured){.ring = {.ps = ring},
				     .line = {.ps = line},
				     .gap = {.ps = 7000},
				     .send = {.ps = send},
				     .receive = {.ps = receive},
				     .kib = {.ps = 80000}};
}

static void test_the_wire_is_what_a_half_round_trip_leaves(void **state)
{
	(void)state;
	const struct sim_clock clock = sim_clock_of(1000000000);
	const struct sim_measured m = measured(300000, 130000, 10000, 20000);
	const struct sim_measure_traffic rings = {0}, lines = {.line_permille = 1000},
					 half = {.line_permille = 500};
	const struct sim_link link = sim_measure_link(&m, &rings, &clock);
	assert_int_equal(link.send, 10);
	assert_int_equal(link.receive, 20);
	assert_int_equal(link.gap, 7);
	assert_int_equal(link.wire_ps, 120000);
	assert_int_equal(link.ps_per_kib, 80000);
	assert_int_equal(sim_measure_link(&m, &lines, &clock).wire_ps, 35000);
	assert_int_equal(sim_measure_link(&m, &half, &clock).wire_ps, 78000); /* 77.5: whole cycles */
}

static void test_a_wire_takes_at_least_a_nanosecond(void **state)
{
	(void)state;
	const struct sim_clock clock = sim_clock_of(2000000000);
	const struct sim_measured m = measured(20000, 20000, 10000, 20000);
	const struct sim_measure_traffic rings = {0};
	assert_int_equal(sim_measure_link(&m, &rings, &clock).wire_ps, 1000);
}

static void test_what_the_monitor_adds_is_added(void **state)
{
	(void)state;
	const struct sim_clock clock = sim_clock_of(1000000000);
	const struct sim_measured m = measured(300000, 130000, 10000, 20000);
	const struct sim_measure_traffic traffic = {
		.send_ps = 90000, .receive_ps = 50000, .flight_ps = 25000};
	const struct sim_link link = sim_measure_link(&m, &traffic, &clock);
	assert_int_equal(link.send, 100);
	assert_int_equal(link.receive, 70);
	assert_int_equal(link.wire_ps, 145000);
}

/* ---- a machine ---- */

/* Every pair of the plan gets the ring's round trip of its distance, and `more` per cent in turn. */
static uint32_t pretend(struct sim_measure_pair *pair, const uint64_t ring[SIM_DISTANCES], uint32_t more)
{
	const uint32_t pairs = sim_measure_plan(&host, pair);
	for (uint32_t i = 0; i < pairs; i++) {
		const uint64_t ps = ring[sim_measure_distance(&host, pair[i].a, pair[i].b)];
		pair[i].measured = measured(ps * (100 + i % 2 * more) / 100, ps / 2, 10000, 20000);
	}
	return pairs;
}

static const uint64_t far_apart[SIM_DISTANCES] = {100000, 300000, 500000, 900000};
static const struct sim_measure_traffic rings_alone = {0};

static void check_machine(const struct sim_measure_machine *m)
{
	const char *why = "";
	struct sim_topology t = m->topology;
	if (sim_topology_check(&t, &why))
		fail_msg("%s", why);
}

static void test_pairs_that_are_alike_share_a_link(void **state)
{
	(void)state;
	static struct sim_measure_pair pair[SIM_MEASURE_PAIRS_MAX];
	struct sim_measure_machine m;
	synthetic("pack:2 core:4 pu:1");
	const uint32_t pairs = pretend(pair, far_apart, 9);
	sim_measure_machine(&host, pair, pairs, &rings_alone, 1000000000, &m);
	check_machine(&m);
	assert_int_equal(m.topology.links, 2);
	assert_int_equal(m.topology.groups, 8);
	assert_int_equal(m.alike, SIM_MEASURE_ALIKE);
	assert_int_equal(m.pairs[0] + m.pairs[1], pairs);
	for (uint32_t a = 0; a < 8; a++)
		for (uint32_t b = 0; b < 8; b++) {
			const bool one_package =
				host.cpu[m.group_first[a]].package == host.cpu[m.group_first[b]].package;
			assert_int_equal(m.topology.link_class[a][b], one_package ? 0 : 1);
		}
	assert_non_null(strstr(m.name[1], "other package"));
	assert_true(sim_topology_lookahead(&m.topology) == m.topology.link[0].wire_ps);
}

static void test_pairs_that_differ_by_more_do_not(void **state)
{
	(void)state;
	static struct sim_measure_pair pair[SIM_MEASURE_PAIRS_MAX];
	struct sim_measure_machine m;
	synthetic("pack:1 core:4 pu:1");
	sim_measure_machine(&host, pair, pretend(pair, far_apart, 12), &rings_alone, 1000000000, &m);
	check_machine(&m);
	assert_int_equal(m.topology.links, 2);
}

static void test_too_many_classes_are_made_wider(void **state)
{
	(void)state;
	static struct sim_measure_pair pair[SIM_MEASURE_PAIRS_MAX];
	struct sim_measure_machine m;
	synthetic("pack:1 core:16 pu:1");
	const uint32_t pairs = sim_measure_plan(&host, pair);
	uint64_t ps = 100000;
	for (uint32_t i = 0; i < pairs; i++, ps += ps / 8)
		pair[i].measured = measured(ps, ps, 10, 20);
	sim_measure_machine(&host, pair, pairs, &rings_alone, 1000000000, &m);
	check_machine(&m);
	assert_true(m.topology.links <= SIM_LINKS_MAX);
	assert_true(m.alike > SIM_MEASURE_ALIKE);
}

static void test_groups_come_in_the_order_in_which_native_runs_take_cpus(void **state)
{
	(void)state;
	static struct sim_measure_pair pair[SIM_MEASURE_PAIRS_MAX];
	struct sim_measure_machine m;
	synthetic("pack:1 core:4 pu:2");
	sim_measure_machine(&host, pair, pretend(pair, far_apart, 0), &rings_alone, 1000000000, &m);
	check_machine(&m);
	assert_int_equal(m.topology.groups, 8);
	for (uint32_t g = 0; g < 8; g++)
		assert_int_equal(host.cpu[m.group_first[g]].thread, g / 4); /* cores first, then siblings */
	assert_int_equal(m.topology.link_class[0][4], 0);
	assert_int_equal(m.topology.link_class[0][1], 1);
}

static void test_more_cpus_than_groups_are_grouped_by_node(void **state)
{
	(void)state;
	static struct sim_measure_pair pair[SIM_MEASURE_PAIRS_MAX];
	struct sim_measure_machine m;
	synthetic("pack:2 node:2 core:32 pu:1");
	sim_measure_machine(&host, pair, pretend(pair, far_apart, 0), &rings_alone, 1000000000, &m);
	check_machine(&m);
	assert_int_equal(m.topology.clusters, 128);
	assert_int_equal(m.topology.groups, 4);
	for (uint32_t a = 0; a < 4; a++)
		for (uint32_t b = 0; b < 4; b++)
			assert_int_equal(m.topology.link_class[a][b], a == b ? 0 : a / 2 == b / 2 ? 1 : 2);
}

/* ---- costs of a profile ---- */

static void test_costs_are_ticks_over_charges(void **state)
{
	(void)state;
	const struct sim_clock clock = sim_clock_of(1000000000);
	const struct calibrate_counts counts = {.calls = 10, .messages = 30, .lines = 15, .polls = 100};
	struct flat_profile_report report = {.cells = 0};
	struct calibrate_sample sample;
	report.cause[FLAT_CAUSE_ENGINE].ticks =
		8000; /* half before what it finds: 100 of each of 40 events */
	report.cause[FLAT_CAUSE_CALL].ticks = 400;
	report.cause[FLAT_CAUSE_REPLY].ticks = 600;
	report.cause[FLAT_CAUSE_CLIENT].ticks = 1400;
	report.cause[FLAT_CAUSE_SEND].ticks = 3000;
	report.cause[FLAT_CAUSE_RECEIVE].ticks = 6000;
	report.cause[FLAT_CAUSE_IDLE].ticks = 5000;
	report.cause[FLAT_CAUSE_COPY].ticks = 500;
	report.cause[FLAT_CAUSE_TRANSLATE].ticks = 120;
	report.charges[SIM_COST_CALL] = 4;
	report.charges[SIM_COST_TRANSLATE] = 3;
	report.charges[SIM_COST_COPY_KIB] = 5 * 1024;
	calibrate_sample_of(&report, &counts, &clock, &sample);
	assert_int_equal(sample.cost_ps[SIM_COST_CALL], 200000);
	assert_int_equal(sample.cost_ps[SIM_COST_NULL], 100000);
	assert_int_equal(sample.cost_ps[SIM_COST_CLIENT], 600000);
	assert_int_equal(sample.cost_ps[SIM_COST_TRANSLATE], 40000);
	assert_int_equal(sample.cost_ps[SIM_COST_COPY_KIB], 100000);
	assert_int_equal(sample.cost_ps[SIM_COST_NAME], 0); /* nothing was charged: no division */
	assert_int_equal(sample.send_ps, 100000);
	assert_int_equal(sample.receive_ps, 300000);
	assert_int_equal(sample.poll_ps, 50000);
	assert_int_equal(sample.line_permille, 500);
}

static void test_an_expensive_cell_is_not_the_typical_one(void **state)
{
	(void)state;
	static const struct step_protocol capability = {.name = "capability/test"},
					  memory = {.name = "memory/test"};
	const struct sim_clock clock = sim_clock_of(1000000000);
	const struct calibrate_counts counts = {.calls = 1, .messages = 1};
	struct flat_profile_row row[] = {
		{.count = 50, .ticks = 2500}, {.count = 50, .ticks = 3000}, {.count = 20, .ticks = 9000}};
	struct flat_profile_cell cell[] = {{.protocol = &memory, .row = &row[0]},
					   {.protocol = &capability, .row = &row[1]},
					   {.protocol = &capability, .row = &row[2]}};
	struct flat_profile_report report = {.cell = cell, .cells = 3};
	struct calibrate_sample sample;
	report.charges[SIM_COST_STEP] = 120;
	report.charges[SIM_COST_CAP_CREATE] = 10;
	report.charges[SIM_COST_MAP] = 10;
	calibrate_sample_of(&report, &counts, &clock, &sample);
	assert_int_equal(sample.cost_ps[SIM_COST_STEP], 60000);
	assert_int_equal(sample.cost_ps[SIM_COST_CAP_CREATE], (3000 + 9000 - 70 * 60) * 100);
	assert_int_equal(sample.cost_ps[SIM_COST_MAP], 0); /* cheaper than the typical */
}

static void test_a_disturbed_run_does_not_move_a_cost(void **state)
{
	(void)state;
	struct calibrate_sample sample[5] = {0};
	struct calibrate_costs costs;
	for (unsigned i = 0; i < 5; i++)
		sample[i].cost_ps[SIM_COST_STEP] = i < 3 ? 100 + i : 100000;
	calibrate_costs_of(sample, 5, &costs);
	assert_int_equal(costs.cost[SIM_COST_STEP].ps, 101);
	assert_int_equal(costs.cost[SIM_COST_STEP].spread, 1);
}

static void test_the_ratio_is_weighted_by_operations(void **state)
{
	(void)state;
	struct calibrate_costs costs = {.runs = 1};
	uint64_t p50[FLAT_OPS] = {0};
	assert_int_equal(calibrate_ratio(&costs, p50), 1000); /* nothing to compare */
	for (unsigned op = 0; op < 3; op++)
		costs.p50_ps[op] = 1000;
	costs.ops[0] = 100, p50[0] = 900;
	costs.ops[1] = 150, p50[1] = 1100;
	costs.ops[2] = CALIBRATE_OPS_MIN - 1, p50[2] = 9000; /* too few to count */
	assert_int_equal(calibrate_ratio(&costs, p50), 1100);
	costs.ops[0] = 200;
	assert_int_equal(calibrate_ratio(&costs, p50), 900);
}

/* ---- this host ---- */

static void test_two_threads_measure_something_sane(void **state)
{
	(void)state;
	const char *why = "";
	struct sim_measure_pair pair = {.a = 0, .b = 1};
	if (sim_host_read(&host, &why) || host.pin_refused || sim_host_capacity(&host) < 2) {
		printf("skipped: a pair needs two CPUs that run at once%s%s\n", *why ? ": " : "", why);
		skip();
	}
	assert_int_equal(sim_measure_pair(&host, 16, &pair), 0);
	const struct sim_figure *figure[] = {&pair.measured.ring, &pair.measured.line,    &pair.measured.gap,
					     &pair.measured.send, &pair.measured.receive, &pair.measured.kib};
	for (size_t i = 0; i < sizeof figure / sizeof *figure; i++) {
		assert_true(figure[i]->ps >= 1);
		assert_int_equal(figure[i]->batches + figure[i]->dropped, 16);
		assert_true(figure[i]->batches >= 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_median_of_the_batches_is_the_figure),
		cmocka_unit_test(test_a_disturbed_batch_does_not_count),
		cmocka_unit_test(test_without_an_undisturbed_batch_all_count),
		cmocka_unit_test(test_a_figure_is_never_zero),
		cmocka_unit_test(test_all_pairs_of_a_small_host_are_measured),
		cmocka_unit_test(test_of_a_large_host_each_distance_is_sampled),
		cmocka_unit_test(test_the_wire_is_what_a_half_round_trip_leaves),
		cmocka_unit_test(test_a_wire_takes_at_least_a_nanosecond),
		cmocka_unit_test(test_what_the_monitor_adds_is_added),
		cmocka_unit_test(test_pairs_that_are_alike_share_a_link),
		cmocka_unit_test(test_pairs_that_differ_by_more_do_not),
		cmocka_unit_test(test_too_many_classes_are_made_wider),
		cmocka_unit_test(test_groups_come_in_the_order_in_which_native_runs_take_cpus),
		cmocka_unit_test(test_more_cpus_than_groups_are_grouped_by_node),
		cmocka_unit_test(test_costs_are_ticks_over_charges),
		cmocka_unit_test(test_an_expensive_cell_is_not_the_typical_one),
		cmocka_unit_test(test_a_disturbed_run_does_not_move_a_cost),
		cmocka_unit_test(test_the_ratio_is_weighted_by_operations),
		cmocka_unit_test(test_two_threads_measure_something_sane),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
