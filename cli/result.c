#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/member.h"
#include "cli/result.h"

const char *const result_share_names[4] = {"kernel", "monitor", "wire", "waiting"};

bool result_shows(const struct run_result *result, enum flat_op op)
{
	return result->stats->op[op].latency_ps.count || (op >= FLAT_OBTAIN && op <= FLAT_REVOKE);
}

void result_operation(struct result_operation *out, const struct run_result *result, enum flat_op op)
{
	const struct flat_op_stats *stats = &result->stats->op[op];
	const struct sim_histogram *latency = &stats->latency_ps;
	const double cycles[4] = {(double)stats->share.kernel, (double)stats->share.monitor,
				  (double)stats->share.wire, (double)stats->share.waiting};
	*out = (struct result_operation){.name = flat_op_name[op],
					 .count = latency->count,
					 .p50 = sim_histogram_at(latency, 500000),
					 .p99 = sim_histogram_at(latency, 990000),
					 .max = sim_histogram_at(latency, 1000000),
					 .messages = stats->messages,
					 .failures = stats->failures};
	if (out->count)
		out->messages_per_op = (double)out->messages / (double)out->count;
	for (int i = 0; i < 4; i++)
		out->total += cycles[i];
	for (int i = 0; i < 4 && out->total > 0; i++)
		out->share[i] = cycles[i] / out->total;
}

double result_rate(uint64_t count, double seconds) { return seconds > 0 ? (double)count / seconds : 0; }

const char *result_class_text(const struct sim_topology *topology, uint32_t class_index)
{
	uint32_t found;
	if (topology->clusters < 2)
		return NULL;
	/* In a mesh cluster 0 is a corner, from which every distance is met; elsewhere a class is a link. */
	if (topology->kind == SIM_TOPOLOGY_GROUPS)
		return class_index < topology->links ? topology->link_name[class_index] : NULL;
	for (uint32_t to = 1; to < topology->clusters; to++) {
		const char *text = sim_topology_class(topology, 0, to, &found);
		if (found == class_index)
			return text;
	}
	return NULL;
}

/* ---- natively ---- */

double result_load_average(void)
{
	static double average;
	static bool looked;
	if (!looked && getloadavg(&average, 1) < 1)
		average = -1;
	looked = true;
	return average;
}

const char *result_cpu_model(void)
{
	static char model[128];
	char line[256];
	FILE *in = *model ? NULL : fopen("/proc/cpuinfo", "r");
	while (in && !*model && fgets(line, sizeof line, in)) {
		const char *colon = strchr(line, ':');
		line[strcspn(line, "\n")] = 0;
		if (colon && colon[1] && !strncmp(line, "model name", 10))
			snprintf(model, sizeof model, "%.120s", colon + 2);
	}
	if (in)
		fclose(in);
	return *model ? model : NULL;
}

const char *result_waits(const struct run_host *host) { return host->shares ? "spin, yield, sleep" : "spin"; }

void result_memory(char out[RESULT_TEXT], const struct run_host *host)
{
	const struct sim_native_stats *stats = &host->stats;
	if (!host->placement->threads)
		snprintf(out, RESULT_TEXT, "first touch (threads are not pinned)");
	else if (host->host->mbind_refused)
		snprintf(out, RESULT_TEXT, "first touch (%s)",
			 host->host->nodes > 1 ? "binding is refused here" : "there is one node");
	else if (stats->unbound)
		snprintf(out, RESULT_TEXT, "bound, but for %u of %llu channels: first touch", stats->unbound,
			 (unsigned long long)stats->channels);
	else
		snprintf(out, RESULT_TEXT, "bound");
}

/* A kernel's own work takes a CPU a few times a second; a neighbour does at each of its turns. Where the threads share
 * CPUs among themselves, switches tell nothing of others. */
bool result_disturbed(char out[RESULT_TEXT], const struct run_result *result)
{
	const struct run_host *host = result->native;
	const double load = result_load_average(), switches = (double)host->stats.switches;
	const double usual = host->threads * (2 + 20 * result->wall_seconds);
	if (host->shares ? load <= 0.5 * host->host->cpus : switches <= usual)
		return false;
	int length = snprintf(out, RESULT_TEXT, "others used these CPUs: %llu involuntary switches",
			      (unsigned long long)host->stats.switches);
	if (load >= 0)
		snprintf(out + length, (size_t)(RESULT_TEXT - length),
			 ", load average %.2f before the run; the latencies contain it", load);
	return true;
}

/* ---- JSON ---- */

static double rounded(double value, double digits)
{
	return (double)(uint64_t)(value * digits + 0.5) / digits;
}

/* Natively the preset's links and the profile's costs are not what ran. */
static json_t *machine_json(const struct scenario *scenario, bool native)
{
	const struct sim_topology *t = &scenario->topology;
	json_t *out = json_object();
	member_count(out, "clusters", t->clusters);
	member_text(out, "preset", native ? NULL : t->preset);
	member_count(out, "clock_hz", t->clock.hz);
	if (native)
		member_set(out, "lookahead_ns", json_null());
	else
		member_ns(out, "lookahead_ns", sim_topology_lookahead(t));
	member_text(out, "source", native ? "measured on this host" : t->source);
	member_text(out, "cost_profile", native ? NULL : scenario->cost.name);
	member_count(out, "service_cluster", scenario->service_cluster);
	return out;
}

static json_t *clusters_json(uint32_t clusters, uint32_t threads, uint32_t thread)
{
	json_t *out = json_array();
	for (uint32_t i = 0; i < clusters; i++)
		if (sim_native_thread(i, clusters, threads) == thread)
			member_append(out, json_integer(i));
	return out;
}

static json_t *placement_json(const struct run_host *host, uint32_t clusters)
{
	json_t *out = json_array();
	for (uint32_t i = 0; i < host->threads; i++) {
		const bool placed = i < host->placement->threads;
		const struct sim_host_cpu *cpu = placed ? &host->host->cpu[host->placement->cpu[i]] : NULL;
		json_t *thread = json_object();
		member_count(thread, "thread", i);
		member_set(thread, "clusters", clusters_json(clusters, host->threads, i));
		member_set(thread, "cpu", cpu ? json_integer(cpu->number) : json_null());
		member_set(thread, "core", cpu ? json_integer(cpu->core) : json_null());
		member_set(thread, "node", cpu && cpu->node >= 0 ? json_integer(cpu->node) : json_null());
		member_append(out, thread);
	}
	return out;
}

static json_t *clock_json(const struct sim_ticks_source *ticks)
{
	json_t *out = json_object();
	member_text(out, "name", ticks->name);
	member_flag(out, "counter", ticks->counter);
	member_count(out, "hz", ticks->clock.hz);
	member_text(out, "why", ticks->why);
	return out;
}

static json_t *host_json(const struct scenario *scenario, const struct run_result *result)
{
	const struct run_host *host = result->native;
	char text[RESULT_TEXT];
	json_t *out = json_object();
	member_text(out, "cpu_model", result_cpu_model());
	member_count(out, "cpus_visible", host->host->visible);
	member_count(out, "cpus_allowed", host->host->cpus);
	member_set(out, "quota_cpus",
		   host->host->quota_millicpus ? json_real((double)host->host->quota_millicpus / 1000)
					       : json_null());
	member_flag(out, "virtual_machine", host->host->virtual_machine);
	member_set(out, "clock", clock_json(host->ticks));
	member_count(out, "threads", host->threads);
	member_set(out, "placement", placement_json(host, scenario->topology.clusters));
	member_text(out, "waits", result_waits(host));
	member_flag(out, "shares_cores", host->placement->shares_cores);
	member_flag(out, "mixes_kinds", host->placement->mixes_kinds);
	result_memory(text, host);
	member_text(out, "memory", text);
	member_count(out, "unpinned", host->placement->threads ? host->stats.unpinned : host->threads);
	member_count(out, "involuntary_switches", host->stats.switches);
	member_set(out, "load_average",
		   result_load_average() >= 0 ? json_real(result_load_average()) : json_null());
	member_text(out, "disturbed", result_disturbed(text, result) ? text : NULL);
	return out;
}

static json_t *channels_json(const struct sim_native_stats *stats)
{
	json_t *out = json_object();
	member_count(out, "pairs", stats->channels);
	member_count(out, "frames", stats->frames);
	member_count(out, "line_requests", stats->line_requests);
	member_count(out, "replies_in_place", stats->line_replies);
	member_count(out, "waited_for_credit", stats->waited);
	member_count(out, "outbox_most", stats->outbox_most);
	member_count(out, "sleeps", stats->sleeps);
	member_count(out, "yields", stats->yields);
	member_count(out, "empty_polls", stats->empty_polls);
	return out;
}

static json_t *operation_json(const struct run_result *result, enum flat_op op)
{
	struct result_operation o;
	json_t *out = json_object(), *share = json_object();
	result_operation(&o, result, op);
	member_text(out, "name", o.name);
	member_count(out, "count", o.count);
	member_ns(out, "p50_ns", o.p50);
	member_ns(out, "p99_ns", o.p99);
	member_ns(out, "max_ns", o.max);
	member_real(out, "messages_per_op", rounded(o.messages_per_op, 1e6));
	member_count(out, "failures", o.failures);
	for (int i = 0; i < 4; i++)
		member_real(share, result_share_names[i], rounded(o.share[i], 1e6));
	member_set(out, "share", share);
	return out;
}

static json_t *operations_json(const struct run_result *result)
{
	json_t *out = json_array();
	for (unsigned op = 0; op < FLAT_OPS; op++)
		if (result_shows(result, op))
			member_append(out, operation_json(result, op));
	return out;
}

static json_t *links_json(const struct scenario *scenario, const struct run_result *result)
{
	uint32_t clusters = scenario->topology.clusters;
	json_t *out = json_array();
	for (uint32_t pair = 0; pair < clusters * clusters; pair++) {
		const struct flat_traffic *traffic = &result->stats->pair[pair];
		if (!traffic->messages)
			continue;
		json_t *link = json_object();
		member_count(link, "from", pair / clusters);
		member_count(link, "to", pair % clusters);
		member_count(link, "messages", traffic->messages);
		member_count(link, "bytes", traffic->bytes);
		member_append(out, link);
	}
	return out;
}

static json_t *classes_json(const struct scenario *scenario, const struct run_result *result)
{
	json_t *out = json_array();
	for (uint32_t i = 0; i < SIM_CLASSES_MAX; i++) {
		const struct flat_traffic *traffic = &result->stats->by_class[i];
		if (!traffic->messages)
			continue;
		json_t *class = json_object();
		member_text(class, "class", result_class_text(&scenario->topology, i));
		member_count(class, "messages", traffic->messages);
		member_count(class, "bytes", traffic->bytes);
		member_append(out, class);
	}
	return out;
}

static json_t *checks_json(const struct run_result *result)
{
	json_t *out = json_array();
	for (uint32_t i = 0; i < result->checks; i++) {
		json_t *check = json_object();
		member_text(check, "name", result->check[i].name);
		member_count(check, "count", result->check[i].count);
		member_count(check, "failures", result->check[i].failures);
		if (result->check[i].failures)
			member_text(check, "first", result->check[i].first);
		member_append(out, check);
	}
	return out;
}

static void put_figures(json_t *out, const struct run_result *result)
{
	member_count(out, "events", result->events);
	member_set(out, "windows", result->native ? json_null() : json_integer((json_int_t)result->windows));
	if (result->native) {
		member_set(out, "virtual_ns", json_null());
		member_ns(out, "real_ns", result->virtual_ps);
	} else {
		member_ns(out, "virtual_ns", result->virtual_ps);
	}
	member_real(out, "wall_s", rounded(result->wall_seconds, 1e6));
	member_real(out, "setup_s", rounded(result->setup_seconds, 1e6));
	member_real(out, "events_per_s", rounded(result_rate(result->events, result->wall_seconds), 1));
	member_count(out, "calls", result->calls);
	member_real(out, "calls_per_s", rounded(result_rate(result->calls, result->wall_seconds), 1));
	member_count(out, "messages", result->messages);
	member_real(out, "messages_per_s", rounded(result_rate(result->messages, result->wall_seconds), 1));
	member_count(out, "cells", result->cells);
	member_count(out, "content_bytes", result->content_bytes);
	member_count(out, "frames_bytes", result->frames_bytes);
}

static const char *engine_kind(const struct scenario *scenario, const struct run_result *result)
{
	return result->native ? "native" : scenario->engine == SIM_ENGINE_HEAP ? "heap" : "window";
}

/* Fidelity full: what all kernels did. */
static json_t *kernels_json(const struct scenario *scenario, const struct run_result *result)
{
	json_t *out = json_object(), *work = json_object();
	member_text(out, "cost_profile", scenario->kernel_cost->name);
	member_count(out, "entries", result->kernels.entries);
	member_count(out, "cycles", result->kernels.cycles);
	member_count(out, "refused", result->kernels.refused);
	member_count(out, "starved", result->kernels.starved);
	for (unsigned k = 0; k < KM_WORK_KINDS; k++)
		member_count(work, km_work_name[k], result->kernels.work[k]);
	member_set(out, "work", work);
	return out;
}

json_t *result_json(const struct scenario *scenario, const struct run_result *result)
{
	static const char *const ends[] = {[RUN_ENDED] = "ended",
					   [RUN_TIMEOUT] = "timeout",
					   [RUN_STUCK] = "stuck",
					   [RUN_FAULT] = "fault"};
	const bool native = result->native != NULL;
	char digest[17];
	json_t *out = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "engine", native ? "native" : "virtual");
	member_text(out, "engine_kind", engine_kind(scenario, result));
	member_flag(out, "oversubscribed", native && result->native->oversubscribed);
	member_text(out, "fidelity", scenario->full ? "full" : "flat");
	member_text(out, "scenario", scenario->name);
	member_count(out, "seed", scenario->seed);
	snprintf(digest, sizeof digest, "%016llx", (unsigned long long)result->digest);
	member_text(out, "digest", native ? NULL : digest);
	member_count(out, "model_version", RUN_MODEL_VERSION);
	if (scenario->order == SCENARIO_SERIAL) {
		snprintf(digest, sizeof digest, "%016llx", (unsigned long long)result->protocol_trace);
		member_text(out, "protocol_trace", digest);
	}
	member_text(out, "end", ends[result->end]);
	if (result->end != RUN_ENDED)
		member_text(out, "end_text", result->end_text);
	put_figures(out, result);
	member_set(out, "machine", machine_json(scenario, native));
	if (scenario->full)
		member_set(out, "kernels", kernels_json(scenario, result));
	if (native) {
		member_set(out, "host", host_json(scenario, result));
		member_set(out, "channels", channels_json(&result->native->stats));
	}
	member_set(out, "operations", operations_json(result));
	if (result->stats->pair)
		member_set(out, "links", links_json(scenario, result));
	member_set(out, "classes", classes_json(scenario, result));
	member_set(out, "checks", checks_json(result));
	return out;
}

json_t *result_whole(json_t *result, json_t *second, const char *why)
{
	json_t *runs = json_array();
	member_append(runs, json_copy(result));
	if (second)
		member_append(runs, second);
	if (why)
		member_text(result, "native_not_run", why);
	member_set(result, "runs", runs);
	return result;
}

/* ---- figures by name ---- */

static const json_t *operation_named(const json_t *result, const char *name, size_t length)
{
	size_t i;
	const json_t *operation;
	json_array_foreach(json_object_get(result, "operations"), i, operation)
	{
		const char *this = json_string_value(json_object_get(operation, "name"));
		if (this && strlen(this) == length && !strncmp(this, name, length))
			return operation;
	}
	return NULL;
}

static bool is_operation(const char *name, size_t length)
{
	for (unsigned op = 0; op < FLAT_OPS; op++)
		if (strlen(flat_op_name[op]) == length && !strncmp(flat_op_name[op], name, length))
			return true;
	return false;
}

bool result_figure(const json_t *result, const char *name, double *value)
{
	static const char *const fields[][2] = {{"count", "count"},
						{"p50", "p50_ns"},
						{"p99", "p99_ns"},
						{"max", "max_ns"},
						{"messages_per_op", "messages_per_op"}};
	static const char prefix[] = "operations.";
	if (strncmp(name, prefix, sizeof prefix - 1)) {
		const json_t *figure = json_object_get(result, name);
		*value = json_number_value(figure);
		return json_is_number(figure);
	}
	name += sizeof prefix - 1;
	size_t length = strcspn(name, ".");
	const json_t *operation = operation_named(result, name, length);
	for (size_t i = 0; i < sizeof fields / sizeof *fields && name[length]; i++)
		if (!strcmp(name + length + 1, fields[i][0])) {
			*value = json_number_value(json_object_get(operation, fields[i][1]));
			return operation || is_operation(name, length);
		}
	return false;
}
