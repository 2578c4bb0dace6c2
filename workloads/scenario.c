/* A scenario is read in three steps: the schema reads file and sets into a raw copy (scenario_schema.c);
 * the raw copy is resolved part by part; what concerns several parts is checked across. Complaints name
 * the key, and the reader knows where its value came from. */
#include "workloads/scenario.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "workloads/scenario_schema.h"

struct resolve {
	struct scenario *scenario;
	const struct raw_scenario *raw;
	struct sim_config *config;
	const char *file; /* as the user gave it */
	char path[SIM_CONFIG_PATH_MAX];
	struct scenario_error *error; /* of a file that the scenario names; "": the reader's own error */
};

/* The path of a key of an entry: "clients.3.on". */
static const char *entry_path(struct resolve *r, const char *list, uint32_t index, const char *key)
{
	snprintf(r->path, sizeof r->path, "%s.%u%s%s", list, index, *key ? "." : "", key);
	return r->path;
}

static bool entry_given(struct resolve *r, const char *list, uint32_t index, const char *key)
{
	return sim_config_given(r->config, entry_path(r, list, index, key));
}

/* ---- the machine ---- */

static void override_cycles(struct resolve *r, const char *key, uint64_t value, size_t offset)
{
	struct sim_topology *t = &r->scenario->topology;
	if (!sim_config_given(r->config, key))
		return;
	for (uint32_t i = 0; i < t->links; i++)
		memcpy((char *)&t->link[i] + offset, &value, sizeof value);
}

static void override_links(struct resolve *r)
{
	const struct raw_link *link = &r->raw->machine.link;
	const struct sim_clock *clock = &r->scenario->topology.clock;
	override_cycles(r, "machine.link.send", link->send, offsetof(struct sim_link, send));
	override_cycles(r, "machine.link.wire", sim_ps_of_cycles(clock, link->wire),
			offsetof(struct sim_link, wire_ps));
	override_cycles(r, "machine.link.receive", link->receive, offsetof(struct sim_link, receive));
	override_cycles(r, "machine.link.gap", link->gap, offsetof(struct sim_link, gap));
	override_cycles(r, "machine.link.bandwidth", sim_link_ps_per_kib(clock->hz, link->bandwidth),
			offsetof(struct sim_link, ps_per_kib));
}

static void resolve_disorder(struct resolve *r)
{
	struct sim_topology *t = &r->scenario->topology;
	t->jitter_ps = sim_ps_of_cycles(&t->clock, r->raw->machine.link.jitter);
	t->jitter_seed = r->raw->seed;
	t->slow_cluster = (uint32_t)r->raw->machine.slow.cluster;
	t->slow_ps = sim_ps_of_cycles(&t->clock, r->raw->machine.slow.wire);
}

/* A preset's name goes before a file of the same name: it means the same everywhere. */
static int choose_machine(struct resolve *r, const char **why)
{
	struct scenario *s = r->scenario;
	const uint32_t clusters = (uint32_t)r->raw->machine.clusters;
	const char *preset = r->raw->machine.preset;
	const int result = sim_topology_preset(&s->topology, preset, clusters, why);
	if (result != -ENOENT)
		return result;
	if (scenario_calibration_find(&s->calibration, r->config, preset, r->file, r->error))
		return -ENOENT;
	return sim_calibration_topology(s->calibration, clusters, &s->topology, why);
}

static int resolve_machine(struct resolve *r)
{
	const struct raw_machine *raw = &r->raw->machine;
	const char *why;
	char word[SIM_QUANTITY_TEXT];
	int result = choose_machine(r, &why);
	if (result == -ENOENT)
		return -1;
	if (result == -EINVAL) {
		sim_quantity_print(word, SIM_UNIT_NONE, raw->clusters);
		return sim_config_fail(r->config, "machine.clusters", word, "%s", why);
	}
	if (result)
		return sim_config_fail(r->config, "machine.preset", raw->preset, "%s", why);
	if (sim_config_given(r->config, "machine.clock"))
		sim_topology_set_clock(&r->scenario->topology, raw->clock);
	override_links(r);
	resolve_disorder(r);
	r->scenario->credit = (uint32_t)raw->link.credit;
	if (sim_topology_check(&r->scenario->topology, &why))
		return sim_config_fail(r->config, "machine", NULL, "%s", why);
	return 0;
}

static int resolve_cost(struct resolve *r)
{
	r->scenario->kernel_cost = km_cost_profiles[r->raw->cost.kernel];
	char path[SIM_CONFIG_PATH_MAX];
	const bool calibrated = r->scenario->calibration && !sim_config_given(r->config, "cost.profile");
	r->scenario->cost =
		calibrated ? r->scenario->calibration->cost : *sim_cost_profiles[r->raw->cost.profile];
	for (uint32_t i = 0; i < SIM_COST_KINDS; i++) {
		snprintf(path, sizeof path, "cost.%s", sim_cost_name[i]);
		if (!sim_config_given(r->config, path))
			continue;
		r->scenario->cost.cycles[i] = r->raw->cost.cycles[i];
		r->scenario->cost.source[i] = "the scenario";
	}
	return 0;
}

static int resolve_service(struct resolve *r)
{
	char word[SIM_QUANTITY_TEXT];
	uint32_t clusters = r->scenario->topology.clusters;
	r->scenario->cache_pages = (uint32_t)r->raw->cache_pages;
	r->scenario->service_cluster = (uint32_t)r->raw->service_cluster;
	if (r->raw->service_cluster < clusters)
		return 0;
	sim_quantity_print(word, SIM_UNIT_NONE, r->raw->service_cluster);
	return sim_config_fail(r->config, "service.cluster", word,
			       "the machine's clusters are 0 to %u; choose one of them", clusters - 1);
}

/* ---- clients ---- */

static int resolve_range(struct resolve *r, uint32_t index, struct scenario_range *out)
{
	const struct sim_config_range *on = &r->raw->clients[index].on;
	uint32_t clusters = r->scenario->topology.clusters;
	char word[32];
	*out = (struct scenario_range){on->all, on->others, on->first, on->last};
	entry_path(r, "clients", index, "on");
	if (on->others && clusters == 1)
		return sim_config_fail(r->config, r->path, "others",
				       "the machine has only the service's cluster; write "
				       "\"all\" or add clusters");
	if (on->all || on->others || on->last < clusters)
		return 0;
	snprintf(word, sizeof word, on->first == on->last ? "%u" : "%u-%u", on->first, on->last);
	return sim_config_fail(r->config, r->path, word,
			       "the machine's clusters are 0 to %u; choose among them", clusters - 1);
}

/* Which of the workloads an entry has: exactly one. */
static int resolve_kind(struct resolve *r, uint32_t index, enum scenario_workload *out)
{
	int first = -1;
	for (int i = 0; i < SCENARIO_WORKLOADS; i++) {
		if (!entry_given(r, "clients", index, scenario_workload_names[i]))
			continue;
		if (first >= 0)
			return sim_config_fail(r->config, entry_path(r, "clients", index, ""), NULL,
					       "both \"%s\" and \"%s\"; remove one, or make two entries",
					       scenario_workload_names[first], scenario_workload_names[i]);
		first = i;
	}
	*out = (enum scenario_workload)first;
	if (first >= 0)
		return 0;
	return sim_config_fail(r->config, entry_path(r, "clients", index, ""), NULL,
			       "neither \"trace\" nor \"stamps\", \"operations\", \"chains\", \"trees\" or "
			       "\"program\"; write one of them");
}

/* Programs, and what only they have. */
static int resolve_program(struct resolve *r, uint32_t index, struct scenario_clients *out)
{
	static const char *const keys[] = {"arguments", "capabilities"}, *const others[] = {"repeat",
											    "think"};
	const struct raw_clients *raw = &r->raw->clients[index];
	const bool program = out->workload == SCENARIO_PROGRAM;
	for (unsigned i = 0; i < 2; i++) {
		if (!program && entry_given(r, "clients", index, keys[i]))
			return sim_config_fail(r->config, r->path, NULL,
					       "this belongs to \"program\"; remove it");
		if (program && entry_given(r, "clients", index, others[i]))
			return sim_config_fail(r->config, r->path, NULL,
					       "a program does what it does; remove the key");
	}
	out->arguments = raw->arguments;
	out->capabilities = (uint32_t)raw->capabilities;
	if (!program)
		return 0;
	out->program = scenario_program_find(r->config, entry_path(r, "clients", index, "program"),
					     raw->program, r->file);
	return out->program ? 0 : -1;
}

static int resolve_workload(struct resolve *r, uint32_t index, struct scenario_clients *out)
{
	const struct raw_clients *raw = &r->raw->clients[index];
	if (resolve_kind(r, index, &out->workload) || resolve_program(r, index, out))
		return -1;
	const bool trace = out->workload == SCENARIO_TRACE;
	out->random = (struct scenario_operations){.count = (uint32_t)raw->operations.count,
						   .objects = (uint32_t)raw->operations.objects,
						   .holds = (uint32_t)raw->operations.holds};
	for (unsigned i = 0; i < SCENARIO_OPERATION_KINDS; i++)
		out->random.weight[i] = (uint32_t)raw->operations.weight[i];
	const struct raw_shape *shape = out->workload == SCENARIO_CHAINS ? &raw->chains : &raw->trees;
	out->shape = (struct scenario_shape){(uint32_t)shape->size, (uint32_t)shape->rounds,
					     (enum scenario_by)raw->trees.by};
	out->journey =
		(struct scenario_journey){(uint32_t)raw->journeys.capabilities, (uint32_t)raw->journeys.moves,
					  (enum scenario_mover)raw->journeys.by};
	out->pages = (uint32_t)raw->stamps.pages;
	out->operations = (uint32_t)raw->stamps.operations;
	out->write_percent = (uint32_t)raw->stamps.writes;
	if (!trace && entry_given(r, "clients", index, "tree"))
		return sim_config_fail(r->config, r->path, NULL,
				       "%s use no files and so no tree; remove the key",
				       scenario_workload_names[out->workload]);
	if (!trace && entry_given(r, "clients", index, "repeat"))
		return sim_config_fail(r->config, r->path, NULL, "%s are repeated by \"%s\"; remove the key",
				       scenario_workload_names[out->workload],
				       out->workload == SCENARIO_STAMPS       ? "operations"
				       : out->workload == SCENARIO_OPERATIONS ? "count"
				       : out->workload == SCENARIO_JOURNEYS   ? "moves"
									      : "rounds");
	if (!trace)
		return 0;
	out->trace =
		scenario_trace_find(r->config, entry_path(r, "clients", index, "trace"), raw->trace, r->file);
	return out->trace ? 0 : -1;
}

static int resolve_client(struct resolve *r, uint32_t index)
{
	const struct raw_clients *raw = &r->raw->clients[index];
	struct scenario_clients *out = &r->scenario->clients[index];
	char name[65];
	out->line = sim_config_line(r->config, entry_path(r, "clients", index, ""));
	out->copies = (uint32_t)raw->copies;
	out->repeat = (uint32_t)raw->repeat;
	out->tree = (enum scenario_tree)raw->tree;
	out->think = raw->think;
	if (resolve_workload(r, index, out) || resolve_range(r, index, &out->on))
		return -1;
	snprintf(name, sizeof name, "%s", scenario_workload_names[out->workload]);
	if (out->trace)
		scenario_name_of_path(name, sizeof name, out->trace, ".strace");
	if (out->program)
		scenario_name_of_path(name, sizeof name, out->program, "");
	out->name = raw->name ? raw->name : sim_config_keep(r->config, name, strlen(name));
	return out->name ? 0
			 : sim_config_fail(r->config, "clients", NULL,
					   "memory is exhausted; end other programs");
}

static bool range_has(const struct scenario *scenario, const struct scenario_range *on, uint32_t cluster)
{
	if (on->all)
		return true;
	if (on->others)
		return cluster != scenario->service_cluster;
	return cluster >= on->first && cluster <= on->last;
}

static uint64_t range_clusters(const struct scenario *scenario, const struct scenario_range *on)
{
	return on->all      ? scenario->topology.clusters
	       : on->others ? scenario->topology.clusters - 1
			    : on->last - on->first + 1;
}

static int resolve_clients(struct resolve *r)
{
	uint64_t total = 0;
	if (!r->raw->clients_count)
		return sim_config_fail(r->config, "clients", NULL,
				       "nothing would run; write at least one entry, e.g. "
				       "\"clients: [{trace: tar}]\"");
	for (uint32_t i = 0; i < r->raw->clients_count; i++) {
		if (resolve_client(r, i))
			return -1;
		const struct scenario_clients *entry = &r->scenario->clients[i];
		total += range_clusters(r->scenario, &entry->on) * entry->copies;
		if (total > SCENARIO_ALL_CLIENTS_MAX)
			return sim_config_fail(r->config, entry_path(r, "clients", i, "copies"), NULL,
					       "more than %u clients in all; use fewer copies or clusters",
					       SCENARIO_ALL_CLIENTS_MAX);
	}
	r->scenario->clients_count = r->raw->clients_count;
	return 0;
}

/* ---- events ---- */

static uint64_t clients_of_cluster(const struct scenario *scenario, uint32_t cluster)
{
	uint64_t count = 0;
	for (uint32_t i = 0; i < scenario->clients_count; i++)
		if (range_has(scenario, &scenario->clients[i].on, cluster))
			count += scenario->clients[i].copies;
	return count;
}

static int check_victim(struct resolve *r, uint32_t index, const char *prefix, const struct raw_place *place)
{
	char key[32], word[SIM_QUANTITY_TEXT];
	uint32_t clusters = r->scenario->topology.clusters;
	if (place->cluster >= clusters) {
		snprintf(key, sizeof key, "%scluster", prefix);
		sim_quantity_print(word, SIM_UNIT_NONE, place->cluster);
		return sim_config_fail(r->config, entry_path(r, "events", index, key), word,
				       "the machine's clusters are 0 to %u; choose one of them",
				       clusters - 1);
	}
	uint64_t clients = clients_of_cluster(r->scenario, (uint32_t)place->cluster);
	if (place->client < clients)
		return 0;
	snprintf(key, sizeof key, "%sclient", prefix);
	sim_quantity_print(word, SIM_UNIT_NONE, place->client);
	return sim_config_fail(r->config, entry_path(r, "events", index, key), word,
			       "cluster %u has %llu client%s, counted from 0; choose one of them",
			       (unsigned)place->cluster, (unsigned long long)clients,
			       clients == 1 ? "" : "s");
}

static int check_event_keys(struct resolve *r, uint32_t index, bool revoke, bool kill, bool move)
{
	const int kinds = revoke + kill + move;
	if (kinds != 1)
		return sim_config_fail(
			r->config, entry_path(r, "events", index, ""), NULL,
			kinds ? "more than one of \"fs_revoke\", \"kill\" and \"move\"; make an entry each"
			      : "neither \"fs_revoke\" nor \"kill\" nor \"move\"; write one of them");
	if (!revoke &&
	    (entry_given(r, "events", index, "cluster") || entry_given(r, "events", index, "client")))
		return sim_config_fail(r->config, r->path, NULL,
				       "this belongs to \"fs_revoke\"; write \"%s: {cluster: 3, "
				       "client: 0}\"",
				       kill ? "kill" : "move");
	if (!entry_given(r, "events", index, "at"))
		return sim_config_fail(r->config, entry_path(r, "events", index, ""), NULL,
				       "the time is missing; write e.g. \"at: 500us\"");
	return 0;
}

static int check_destination(struct resolve *r, uint32_t index, uint64_t to)
{
	char word[SIM_QUANTITY_TEXT];
	if (to < r->scenario->topology.clusters)
		return 0;
	sim_quantity_print(word, SIM_UNIT_NONE, to);
	return sim_config_fail(r->config, entry_path(r, "events", index, "move.to"), word,
			       "the machine's clusters are 0 to %u; choose one of them",
			       r->scenario->topology.clusters - 1);
}

static int resolve_event(struct resolve *r, uint32_t index)
{
	const struct raw_event *raw = &r->raw->events[index];
	struct scenario_event *out = &r->scenario->events[index];
	const bool kill = entry_given(r, "events", index, "kill"),
		   move = entry_given(r, "events", index, "move");
	const struct raw_place *place = kill ? &raw->kill : move ? &raw->move.place : &raw->place;
	if (check_event_keys(r, index, entry_given(r, "events", index, "fs_revoke"), kill, move))
		return -1;
	*out = (struct scenario_event){
		.kind = kill   ? SCENARIO_KILL
			: move ? SCENARIO_EVENT_MOVE
			       : SCENARIO_FS_REVOKE,
		.at = raw->at,
		.path = raw->fs_revoke,
		.cluster = (uint32_t)place->cluster,
		.client = (uint32_t)place->client,
		.to = (uint32_t)raw->move.to,
		.line = sim_config_line(r->config, entry_path(r, "events", index, "")),
	};
	if (!kill && !move && out->path[0] != '/')
		return sim_config_fail(r->config, entry_path(r, "events", index, "fs_revoke"), out->path,
				       "not an absolute path; begin it with \"/\"");
	if (move && check_destination(r, index, raw->move.to))
		return -1;
	return check_victim(r, index, kill ? "kill." : move ? "move." : "", place);
}

static int resolve_events(struct resolve *r)
{
	for (uint32_t i = 0; i < r->raw->events_count; i++)
		if (resolve_event(r, i))
			return -1;
	r->scenario->events_count = r->raw->events_count;
	return 0;
}

static int resolve_expect(struct resolve *r)
{
	for (uint32_t i = 0; i < r->raw->expect_count; i++)
		if (scenario_expect_read(&r->scenario->expect[i], r->config, &r->raw->expect[i]))
			return -1;
	r->scenario->expect_count = r->raw->expect_count;
	return 0;
}

/* ---- native runs ---- */

static int resolve_native(struct resolve *r)
{
	const struct raw_native *raw = &r->raw->native;
	char word[32];
	if (raw->slots & (raw->slots - 1)) {
		snprintf(word, sizeof word, "%llu", (unsigned long long)raw->slots);
		return sim_config_fail(r->config, "native.slots", word,
				       "not a power of two; write 256 or 1024");
	}
	r->scenario->native = (struct scenario_native){.latency = raw->latency,
						       .threads = (uint32_t)raw->threads,
						       .slots = (uint32_t)raw->slots,
						       .oversubscribe = raw->oversubscribe,
						       .lines = raw->lines};
	return 0;
}

/* ---- all of it ---- */

static int resolve_names(struct resolve *r, const char *base)
{
	struct scenario *s = r->scenario;
	const char *name = r->raw->name ? r->raw->name : *base ? base : "scenario";
	s->name = sim_config_keep(r->config, name, strlen(name));
	s->file = sim_config_keep(r->config, r->file, strlen(r->file));
	s->about = r->raw->about;
	s->seed = r->raw->seed;
	s->engine = (enum sim_engine_kind)r->raw->engine;
	s->full = r->raw->fidelity == 1;
	s->order = (enum scenario_order)r->raw->order;
	s->capability =
		scenario_protocol_find(r->config, "protocols.capability", r->raw->capability, r->file);
	if (!s->capability)
		return -1;
	s->memory = r->raw->memory;
	s->thread = r->raw->thread;
	s->thread_room = (uint32_t)r->raw->thread_room;
	s->timer = r->raw->timer;
	return s->name && s->file
		       ? 0
		       : sim_config_fail(r->config, "", NULL, "memory is exhausted; end other programs");
}

static int resolve_all(struct resolve *r, const char *base)
{
	if (resolve_names(r, base) || resolve_machine(r) || resolve_cost(r) || resolve_service(r))
		return -1;
	if (resolve_native(r) || resolve_clients(r) || resolve_events(r))
		return -1;
	return resolve_expect(r);
}

static int read_all(struct sim_config *config, const char *text, size_t bytes, const char *const *sets,
		    uint32_t sets_count)
{
	if (sim_config_read(config, text, bytes))
		return -1;
	for (uint32_t i = 0; i < sets_count; i++)
		if (sim_config_set(config, sets[i]))
			return -1;
	return 0;
}

static int parse(struct scenario **out, const char *name, const char *base, const char *text, size_t bytes,
		 const char *const *sets, uint32_t sets_count, struct scenario_error *error)
{
	struct raw_scenario *raw = calloc(1, sizeof *raw);
	struct scenario *scenario = calloc(1, sizeof *scenario);
	struct sim_config *config = NULL;
	int result = -1;
	if (!raw || !scenario || sim_config_new(&config, &scenario_schema, raw, name)) {
		snprintf(error->text, sizeof error->text, "%.300s: memory is exhausted; end other programs",
			 name);
	} else {
		struct resolve resolve = {
			.scenario = scenario, .raw = raw, .config = config, .file = name, .error = error};
		error->text[0] = 0;
		result = read_all(config, text, bytes, sets, sets_count) || resolve_all(&resolve, base) ? -1
													: 0;
		if (result && !error->text[0])
			snprintf(error->text, sizeof error->text, "%s", sim_config_error(config));
	}
	free(raw);
	if (result) {
		sim_calibration_free(scenario ? scenario->calibration : NULL);
		free(scenario);
		sim_config_free(config);
		return -1;
	}
	scenario->places = config;
	*out = scenario;
	return 0;
}

int scenario_parse(struct scenario **out, const char *name, const char *text, size_t bytes,
		   const char *const *sets, uint32_t sets_count, struct scenario_error *error)
{
	char base[65];
	scenario_name_of_path(base, sizeof base, name, ".yaml");
	return parse(out, name, base, text, bytes, sets, sets_count, error);
}

int scenario_read(struct scenario **out, const char *file, const char *const *sets, uint32_t sets_count,
		  struct scenario_error *error)
{
	struct scenario_text text;
	if (scenario_text_load(&text, file, error))
		return -1;
	int result = parse(out, text.shown, text.base, text.text, text.bytes, sets, sets_count, error);
	free(text.text);
	return result;
}

const char *scenario_workload_name(enum scenario_workload workload)
{
	return scenario_workload_names[workload];
}

void scenario_free(struct scenario *scenario)
{
	if (!scenario)
		return;
	sim_calibration_free(scenario->calibration);
	sim_config_free(scenario->places);
	free(scenario);
}

int scenario_complain(const struct scenario *scenario, struct scenario_error *error, const char *key,
		      const char *word, const char *format, ...)
{
	char text[400];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	sim_config_forgive(scenario->places);
	sim_config_fail(scenario->places, key, word, "%s", text);
	snprintf(error->text, sizeof error->text, "%s", sim_config_error(scenario->places));
	return -1;
}
