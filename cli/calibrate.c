#include "cli/calibrate.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "sim/ticks.h"
#include "sim/check.h"
#include "workloads/run.h"

/* ---- one run ---- */

static uint64_t ticks_of(const struct flat_profile_report *r, enum flat_cause cause)
{
	return r->cause[cause].ticks;
}

static uint64_t ps_each(const struct sim_clock *clock, uint64_t ticks, uint64_t times)
{
	return times ? sim_ps_of_cycles(clock, ticks) / times : 0;
}

/* Ticks of a typical cell: half of all steps were no more expensive. The means of a few cells (a first touch, a page's
 * first content) are many times that, and virtual time has one cost for all. */
static uint64_t typical_cell(const struct flat_profile_report *r)
{
	uint64_t steps = 0, typical = 0;
	for (uint32_t i = 0; i < r->cells; i++)
		steps += r->cell[i].row->count;
	for (uint32_t i = 0; i < r->cells; i++) {
		const struct flat_profile_row *row = r->cell[i].row;
		uint64_t below = 0;
		for (uint32_t j = 0; j < r->cells; j++) {
			const struct flat_profile_row *other = r->cell[j].row;
			below += other->ticks * row->count <= row->ticks * other->count ? other->count : 0;
		}
		const uint64_t each = row->ticks / row->count;
		if (below * 2 >= steps && (!typical || each < typical))
			typical = each;
	}
	return typical;
}

/* What the cells of a protocol took beyond the typical. */
static uint64_t beyond_typical(const struct flat_profile_report *r, const char *family, uint64_t typical)
{
	uint64_t ticks = 0, steps = 0;
	for (uint32_t i = 0; i < r->cells; i++) {
		if (strncmp(r->cell[i].protocol->name, family, strlen(family)))
			continue;
		ticks += r->cell[i].row->ticks;
		steps += r->cell[i].row->count;
	}
	return ticks > steps * typical ? ticks - steps * typical : 0;
}

/* Of what the monitor does; what its cells take beyond the typical goes to that kind of kernel work which mostly comes
 * with them. */
static void costs_of_monitor(const struct flat_profile_report *r, const struct sim_clock *clock,
			     uint64_t cost[SIM_COST_KINDS])
{
	const uint64_t *charges = r->charges, typical = typical_cell(r);
	const uint64_t capability =
		ticks_of(r, FLAT_CAUSE_CAPABILITY) + beyond_typical(r, "capability/", typical);
	cost[SIM_COST_STEP] = sim_ps_of_cycles(clock, typical) +
			      ps_each(clock, ticks_of(r, FLAT_CAUSE_MONITOR), charges[SIM_COST_STEP]);
	cost[SIM_COST_CAP_CREATE] = ps_each(clock, capability, charges[SIM_COST_CAP_CREATE]);
	cost[SIM_COST_MAP] = ps_each(clock, beyond_typical(r, "memory/", typical), charges[SIM_COST_MAP]);
	cost[SIM_COST_TRANSLATE] =
		ps_each(clock, ticks_of(r, FLAT_CAUSE_TRANSLATE), charges[SIM_COST_TRANSLATE]);
	cost[SIM_COST_NAME] = ps_each(clock, ticks_of(r, FLAT_CAUSE_NAMES), charges[SIM_COST_NAME]);
	cost[SIM_COST_COPY_KIB] =
		ps_each(clock, ticks_of(r, FLAT_CAUSE_COPY), (charges[SIM_COST_COPY_KIB] + 512) / 1024);
	cost[SIM_COST_FAULT] = 2000000; /* what a refused request waits natively, see ssi/flat_host.c */
}

/* Of polling and timers one half comes before what they find, the other after it. Natively a call has ended when its
 * result is known; what then follows keeps the core, but nobody waits for it. */
void calibrate_sample_of(const struct flat_profile_report *r, const struct calibrate_counts *counts,
			 const struct sim_clock *clock, struct calibrate_sample *out)
{
	const uint64_t events = counts->messages + counts->calls, engine = ticks_of(r, FLAT_CAUSE_ENGINE) / 2;
	const uint64_t before = ps_each(clock, engine, events);
	memset(out, 0, sizeof *out);
	costs_of_monitor(r, clock, out->cost_ps);
	out->cost_ps[SIM_COST_NULL] = before;
	out->cost_ps[SIM_COST_CALL] =
		before + ps_each(clock, ticks_of(r, FLAT_CAUSE_CALL), r->charges[SIM_COST_CALL]);
	out->cost_ps[SIM_COST_CLIENT] =
		ps_each(clock, engine + ticks_of(r, FLAT_CAUSE_REPLY) + ticks_of(r, FLAT_CAUSE_CLIENT),
			counts->calls);
	out->send_ps = ps_each(clock, ticks_of(r, FLAT_CAUSE_SEND), counts->messages);
	out->receive_ps = before + ps_each(clock, ticks_of(r, FLAT_CAUSE_RECEIVE), counts->messages);
	out->poll_ps = ps_each(clock, ticks_of(r, FLAT_CAUSE_IDLE), counts->polls);
	out->line_permille = counts->messages ? counts->lines * 1000 / counts->messages : 0;
}

/* ---- several runs ---- */

static int by_size(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return (x > y) - (x < y);
}

static void sorted_of(const struct calibrate_sample *sample, uint32_t runs, size_t offset, uint64_t *value)
{
	for (uint32_t i = 0; i < runs; i++)
		memcpy(&value[i], (const char *)&sample[i] + offset, sizeof *value);
	qsort(value, runs, sizeof *value, by_size);
}

/* The lower quartile: what disturbs a run, a switch or a neighbour, only adds. */
static struct calibrate_figure figure_of(const struct calibrate_sample *sample, uint32_t runs, size_t offset)
{
	uint64_t value[CALIBRATE_RUNS_MAX];
	sorted_of(sample, runs, offset, value);
	const uint64_t low = value[runs / 4];
	return (struct calibrate_figure){
		.ps = low, .spread = low ? (uint32_t)((value[runs / 2] - value[0]) * 100 / low) : 0};
}

static uint64_t median_of(const struct calibrate_sample *sample, uint32_t runs, size_t offset)
{
	uint64_t value[CALIBRATE_RUNS_MAX];
	sorted_of(sample, runs, offset, value);
	return value[runs / 2];
}

void calibrate_costs_of(const struct calibrate_sample *sample, uint32_t runs, struct calibrate_costs *out)
{
	SIM_CHECK(runs && runs <= CALIBRATE_RUNS_MAX);
	out->runs = runs;
	for (size_t kind = 0; kind < SIM_COST_KINDS; kind++)
		out->cost[kind] = figure_of(
			sample, runs, offsetof(struct calibrate_sample, cost_ps) + kind * sizeof(uint64_t));
	out->send = figure_of(sample, runs, offsetof(struct calibrate_sample, send_ps));
	out->receive = figure_of(sample, runs, offsetof(struct calibrate_sample, receive_ps));
	out->poll = figure_of(sample, runs, offsetof(struct calibrate_sample, poll_ps));
	out->line_permille = figure_of(sample, runs, offsetof(struct calibrate_sample, line_permille));
	for (size_t op = 0; op < FLAT_OPS; op++) {
		out->p50_ps[op] = median_of(sample, runs, offsetof(struct calibrate_sample, p50_ps[op]));
		out->ops[op] = median_of(sample, runs, offsetof(struct calibrate_sample, ops[op]));
	}
	out->typical_permille = 1000;
}

static struct calibrate_counts counts_of(const struct run_result *result)
{
	const struct sim_native_stats *native = &result->native->stats;
	return (struct calibrate_counts){.calls = result->calls,
					 .messages = native->frames,
					 .lines = native->line_requests + native->line_replies,
					 .polls = native->empty_polls};
}

static int fail_run(const struct run_result *result)
{
	const char *why = result->end_text;
	for (uint32_t i = 0; i < result->checks && result->failures; i++)
		if (result->check[i].failures)
			why = result->check[i].first;
	return cli_fail(
		result->failures ? CLI_VIOLATED : CLI_INCONCLUSIVE,
		"calibrate: the native run of the demonstration did not end well: %s; \"skerry run --engine "
		"native --set machine.clusters=2\" shows more",
		why);
}

static void take_latencies(const struct run_result *result, uint64_t p50_ps[FLAT_OPS], uint64_t ops[FLAT_OPS])
{
	for (unsigned op = 0; op < FLAT_OPS; op++) {
		const struct sim_histogram *latency = &result->stats->op[op].latency_ps;
		p50_ps[op] = sim_histogram_at(latency, 500000);
		ops[op] = latency->count;
	}
}

static int take_costs(struct run *run, const struct run_result *result, struct calibrate_sample *out)
{
	const struct calibrate_counts counts = counts_of(result);
	struct flat_profile_report report;
	if (flat_profile_report(run_machine(run), &report))
		return cli_fail(CLI_INTERNAL, "calibrate: memory is exhausted; end other programs");
	calibrate_sample_of(&report, &counts, &result->native->ticks->clock, out);
	flat_profile_report_fini(&report);
	return 0;
}

/* Costs from a run with the profile on, or latencies from one that no profile disturbs. */
static int sample_once(const struct scenario *scenario, bool profile, struct calibrate_sample *out)
{
	const struct run_options options = {.profile = profile, .seconds_max = 60};
	struct scenario_error error = {""};
	struct run_result result;
	struct run *run;
	int code = 0;
	if (run_new(&run, scenario, &options, &error))
		return cli_fail(CLI_USAGE, "%s", error.text);
	run_go(run, &result);
	if (result.end != RUN_ENDED || result.failures)
		code = fail_run(&result);
	else if (profile)
		code = take_costs(run, &result, out);
	else
		take_latencies(&result, out->p50_ps, out->ops);
	run_free(run);
	return code;
}

int calibrate_costs(uint32_t runs, void (*progress)(void *context, uint32_t done), void *context,
		    struct calibrate_costs *out)
{
	char clock[64];
	const char *const sets[] = {"engine=native", "machine.clusters=2", clock};
	struct calibrate_sample sample[CALIBRATE_RUNS_MAX];
	struct scenario_error error = {""};
	struct scenario *scenario;
	int code = 0;
	SIM_CHECK(runs && runs <= CALIBRATE_RUNS_MAX);
	*out = (struct calibrate_costs){.runs = runs};
	/* What clients compute is in cycles of the machine's clock, which is to be the one that is calibrated. */
	snprintf(clock, sizeof clock, "machine.clock=%llu Hz",
		 (unsigned long long)sim_ticks_open()->clock.hz);
	if (scenario_read(&scenario, NULL, sets, 3, &error))
		return cli_fail(CLI_USAGE, "%s", error.text);
	for (uint32_t i = 0; i < runs && !code; i++) {
		code = sample_once(scenario, true, &sample[i]);
		if (!code)
			code = sample_once(scenario, false, &sample[i]);
		progress(context, i + 1);
	}
	scenario_free(scenario);
	if (!code)
		calibrate_costs_of(sample, runs, out);
	return code;
}

/* ---- in virtual time ---- */

int calibrate_virtual(const struct sim_topology *topology, const struct sim_cost_profile *cost,
		      uint64_t p50_ps[FLAT_OPS])
{
	static const char *const sets[] = {"machine.clusters=2"};
	const struct run_options options = {.seconds_max = 60};
	struct scenario_error error = {""};
	struct run_result result;
	struct scenario *scenario;
	struct run *run = NULL;
	uint64_t ops[FLAT_OPS];
	int code = 0;
	if (scenario_read(&scenario, NULL, sets, 1, &error))
		return cli_fail(CLI_USAGE, "%s", error.text);
	scenario->topology = *topology;
	scenario->cost = *cost;
	if (run_new(&run, scenario, &options, &error)) {
		code = cli_fail(CLI_USAGE, "%s", error.text);
	} else {
		run_go(run, &result);
		take_latencies(&result, p50_ps, ops);
	}
	run_free(run);
	scenario_free(scenario);
	return code;
}

struct ratio {
	uint64_t permille, weight;
};

static int by_ratio(const void *a, const void *b)
{
	const struct ratio *x = a, *y = b;
	return (x->permille > y->permille) - (x->permille < y->permille);
}

uint64_t calibrate_ratio(const struct calibrate_costs *costs, const uint64_t virtual_p50_ps[FLAT_OPS])
{
	struct ratio ratio[FLAT_OPS];
	uint64_t weight = 0, below = 0;
	size_t count = 0;
	for (unsigned op = 0; op < FLAT_OPS; op++) {
		if (costs->ops[op] < CALIBRATE_OPS_MIN || !costs->p50_ps[op])
			continue;
		ratio[count++] =
			(struct ratio){virtual_p50_ps[op] * 1000 / costs->p50_ps[op], costs->ops[op]};
		weight += costs->ops[op];
	}
	qsort(ratio, count, sizeof *ratio, by_ratio);
	for (size_t i = 0; i < count; i++) {
		below += ratio[i].weight;
		if (below * 2 >= weight)
			return ratio[i].permille;
	}
	return 1000;
}

/* What a client does between its calls is waited for by others only: it counts as it is on average. */
uint64_t calibrate_cost_ps(const struct calibrate_costs *costs, enum sim_cost_kind kind)
{
	const uint64_t ps = costs->cost[kind].ps;
	return kind == SIM_COST_CLIENT || kind == SIM_COST_FAULT ? ps : calibrate_typical(costs, ps);
}

/* ---- where a figure is from ---- */

static const char *const about[SIM_COST_KINDS] = {
	[SIM_COST_CALL] = "starting a client's call, and half its share of polling and timers",
	[SIM_COST_REPLY] = "by definition: natively a call has ended when its result is known; what follows "
			   "is in client",
	[SIM_COST_NULL] = "half a local call's share of polling and timers",
	[SIM_COST_SIGNAL] = "assumed: a monitor that has a CPU of its own polls; nobody rings",
	[SIM_COST_CAP_CREATE] =
		"calls into the local kernel, and what cells of capabilities take beyond the typical",
	[SIM_COST_CAP_DELETE] = "by definition: natively the cells of capability/tree delete it",
	[SIM_COST_MAP] =
		"what cells of pages take beyond the typical; that a page is copied is the link's bandwidth",
	[SIM_COST_UNMAP] = "by definition: natively nothing is unmapped",
	[SIM_COST_FAULT] = "by definition: natively a refused request waits for 2 us",
	[SIM_COST_STEP] = "a typical cell, and the monitor's way from one to the next",
	[SIM_COST_TRANSLATE] = "find, bind and unbind, for each page that a call asks for",
	[SIM_COST_NAME] = "the file service's paths, for each component",
	[SIM_COST_COPY_KIB] = "a client's bytes and attributes in the page cache, for each KiB of bytes",
	[SIM_COST_CLIENT] = "the replay of recordings, ending a call, the other half of polling and timers, "
			    "for each call",
};

void calibrate_source(const struct calibrate_costs *costs, enum sim_cost_kind kind, char *out, size_t size)
{
	if (!strncmp(about[kind], "assumed", 7) || !strncmp(about[kind], "by def", 6))
		snprintf(out, size, "%s", about[kind]);
	else
		snprintf(out, size, "measured: %s; lower quartile of %u runs (spread %u%%)%s", about[kind],
			 costs->runs, costs->cost[kind].spread,
			 kind == SIM_COST_CLIENT ? "" : ", its typical share");
}
