/* workloads/run_native.c - where a native run's threads go, and which runs this host must refuse. */
#include <stdlib.h>
#include "sim/check.h"
#include "sim/ticks.h"
#include "workloads/run_internal.h"

static int refuse(const struct run *run, struct scenario_error *error, uint32_t capacity)
{
	const struct sim_host *host = &run->native->host;
	char clusters[16], quota[64] = "";
	snprintf(clusters, sizeof clusters, "%u", run->scenario->topology.clusters);
	if (host->quota_millicpus && capacity < host->cpus)
		snprintf(quota, sizeof quota, " (a quota of %llu.%03llu CPUs)",
			 (unsigned long long)host->quota_millicpus / 1000,
			 (unsigned long long)host->quota_millicpus % 1000);
	return scenario_complain(
		run->scenario, error, "machine.clusters", clusters,
		"more than this host runs at once natively: %u CPU%s%s; lower machine.clusters, or "
		"allow clusters to share CPUs with --oversubscribe",
		capacity, capacity == 1 ? "" : "s", quota);
}

static uint32_t threads_of(const struct run *run, uint32_t capacity)
{
	const uint32_t clusters = run->scenario->topology.clusters, wanted = run->scenario->native.threads;
	const uint32_t threads = wanted ? wanted : capacity;
	return threads < clusters ? threads : clusters;
}

static void place(struct run_native *n, const struct scenario *s, uint32_t threads, uint32_t capacity)
{
	struct sim_native_config *config = &n->config;
	const struct sim_ticks_source *ticks = sim_ticks_open();
	*config = (struct sim_native_config){.threads = threads,
					     .shares = threads > capacity,
					     .latency = sim_cycles_of_ps(&ticks->clock, s->native.latency),
					     .slots = s->native.slots,
					     .no_lines = !s->native.lines};
	if (!n->host.pin_refused && !sim_host_place(&n->host, threads, &n->placement)) {
		config->host = &n->host;
		config->placement = &n->placement;
		config->shares |= n->placement.shared;
	}
	n->result = (struct run_host){.host = &n->host,
				      .placement = &n->placement,
				      .threads = threads,
				      .oversubscribed = s->topology.clusters > capacity || threads > capacity,
				      .shares = config->shares,
				      .ticks = ticks};
}

int run_native_init(struct run *run, struct scenario_error *error)
{
	const struct scenario *s = run->scenario;
	const char *why = "";
	run->native = calloc(1, sizeof *run->native);
	SIM_CHECK(run->native != NULL);
	if (s->topology.clusters > SIM_NATIVE_PROCESSES_MAX)
		return scenario_complain(s, error, "machine.clusters", NULL,
					 "a native run has at most %u clusters; run it in virtual time",
					 SIM_NATIVE_PROCESSES_MAX);
	if (sim_host_read(&run->native->host, &why))
		return scenario_complain(s, error, "engine", "native", "%s", why);
	const uint32_t capacity = sim_host_capacity(&run->native->host);
	const uint32_t threads = threads_of(run, capacity);
	if ((s->topology.clusters > capacity || threads > capacity) && !s->native.oversubscribe)
		return refuse(run, error, capacity);
	place(run->native, s, threads, capacity);
	return 0;
}
