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

/* ---- JSON ---- */

static double rounded(double value, double digits)
{
	return (double)(uint64_t)(value * digits + 0.5) / digits;
}

static json_t *machine_json(const struct scenario *scenario)
{
	const struct sim_topology *t = &scenario->topology;
	json_t *out = json_object();
	member_count(out, "clusters", t->clusters);
	member_text(out, "preset", t->preset);
	member_count(out, "clock_hz", t->clock.hz);
	member_ns(out, "lookahead_ns", sim_topology_lookahead(t));
	member_text(out, "source", t->source);
	member_text(out, "cost_profile", scenario->cost.name);
	member_count(out, "service_cluster", scenario->service_cluster);
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
	member_count(out, "windows", result->windows);
	member_ns(out, "virtual_ns", result->virtual_ps);
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

json_t *result_json(const struct scenario *scenario, const struct run_result *result)
{
	static const char *const ends[] = {[RUN_ENDED] = "ended",
					   [RUN_TIMEOUT] = "timeout",
					   [RUN_STUCK] = "stuck",
					   [RUN_FAULT] = "fault"};
	char digest[17];
	json_t *out = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "engine", "virtual");
	member_text(out, "engine_kind", scenario->engine == SIM_ENGINE_HEAP ? "heap" : "window");
	member_text(out, "fidelity", "flat");
	member_text(out, "scenario", scenario->name);
	member_count(out, "seed", scenario->seed);
	snprintf(digest, sizeof digest, "%016llx", (unsigned long long)result->digest);
	member_text(out, "digest", digest);
	member_count(out, "model_version", RUN_MODEL_VERSION);
	member_text(out, "end", ends[result->end]);
	if (result->end != RUN_ENDED)
		member_text(out, "end_text", result->end_text);
	put_figures(out, result);
	member_set(out, "machine", machine_json(scenario));
	member_set(out, "operations", operations_json(result));
	if (result->stats->pair)
		member_set(out, "links", links_json(scenario, result));
	member_set(out, "classes", classes_json(scenario, result));
	member_set(out, "checks", checks_json(result));
	return out;
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
