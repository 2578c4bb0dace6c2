/* workloads/run.c - from a scenario to a machine, its clients, and what came out. */
#include "workloads/run.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "sim/check.h"
#include "ssi/plugin.h"
#include "ssi/protocols/protocols.h"
#include "workloads/run_internal.h"

double run_wall_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

struct flat_machine *run_machine(struct run *run) { return run->machine; }
uint64_t run_clients(const struct run *run) { return run->groups; }

/* ---- checks ---- */

void run_check_add(struct run_group *group, enum run_check_index check, uint64_t count)
{
	group->tally.count[check] += count;
}

void run_check_fail(struct run_group *group, enum run_check_index check, const char *format, ...)
{
	struct run_tally *tally = &group->tally;
	va_list args;
	if (tally->failures[check]++)
		return;
	va_start(args, format);
	SIM_CHECK(vasprintf(&tally->first[check], format, args) >= 0);
	va_end(args);
}

void run_group_ended(struct run_group *group)
{
	if (!atomic_exchange(&group->ended, true))
		atomic_fetch_sub(&group->run->running, 1);
}

/* ---- the driver ---- */

static bool next_of(struct run *run, struct run_group *g, uint32_t client, struct flat_call *call)
{
	switch (g->entry->workload) {
	case SCENARIO_TRACE:
		return replay_next(run, g, client - g->first_client, call);
	case SCENARIO_STAMPS:
		return stamps_next(run, g, call);
	case SCENARIO_OPERATIONS:
		return operations_next(g, call);
	case SCENARIO_JOURNEYS:
		return journeys_next(g, call);
	default:
		return shapes_next(g, call);
	}
}

static bool driver_next(void *context, uint32_t cluster, uint32_t client, struct flat_call *call)
{
	struct run *run = context;
	struct run_group *g = run_group_of(run, cluster, client);
	if (run->scenario->order == SCENARIO_SERIAL && !run_turn_take(run, cluster, client))
		return false;
	const bool calls = (run->thread && run_thread_next(g, call)) || next_of(run, g, client, call);
	if (run->scenario->order == SCENARIO_SERIAL)
		run->began |= calls;
	return calls;
}

static void driver_bytes(void *context, uint32_t cluster, uint32_t client, const struct flat_call *call,
			 uint64_t at, unsigned char *bytes, uint32_t length)
{
	struct run *run = context;
	struct run_group *g = run_group_of(run, cluster, client);
	if (g->trace)
		replay_bytes(g, call, at, bytes, length);
	else
		stamps_bytes(g, call, at, bytes, length);
}

static void driver_done(void *context, uint32_t cluster, uint32_t client, const struct flat_call *call,
			const struct flat_result *result)
{
	struct run *run = context;
	struct run_group *g = run_group_of(run, cluster, client);
	if (run->thread && run_thread_done(g, call, result))
		return;
	switch (g->entry->workload) {
	case SCENARIO_TRACE:
		replay_done(run, g, client - g->first_client, call, result);
		return;
	case SCENARIO_STAMPS:
		stamps_done(run, g, call, result);
		return;
	case SCENARIO_OPERATIONS:
		operations_done(g, call, result);
		return;
	case SCENARIO_JOURNEYS:
		journeys_done(g, call, result);
		return;
	default:
		shapes_done(g, call, result);
	}
}

static void driver_received(void *context, uint32_t cluster, uint32_t client,
			    const struct flat_handle *handle)
{
	struct run *run = context;
	struct run_group *g = run_group_of(run, cluster, client);
	if (g->stamps)
		stamps_received(run, g, handle);
	else if (g->operations)
		operations_received(g, handle);
	else
		shapes_received(g, handle);
}

static bool driver_program(void *context, uint32_t cluster, uint32_t client, struct flat_program *out)
{
	const struct run *run = context;
	return run->client_group[run->client_base[cluster] + client] != UINT32_MAX &&
	       programs_main(run_group_of(run, cluster, client), out);
}

static void driver_exited(void *context, uint32_t cluster, uint32_t client, const struct flat_exit *exit)
{
	programs_exited(run_group_of(context, cluster, client), client, exit);
}

static sim_cycles driver_think(void *context, uint32_t cluster, uint32_t client)
{
	return run_group_of(context, cluster, client)->entry->think;
}

/* The group that an event means: the n-th of its cluster. */
static struct run_group *group_of_event(const struct run *run, const struct scenario_event *e)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < run->groups; i++)
		if (run->group[i].home_cluster == e->cluster && n++ == e->client)
			return &run->group[i];
	return NULL;
}

static const struct flat_path stamps_path = {.name = (const uint32_t[]){0}, .count = 1};

static void revoke(struct run *run, const struct scenario_event *e)
{
	struct run_group *g = group_of_event(run, e);
	const struct flat_path *path = g->trace ? replay_path(g, e->path) : &stamps_path;
	for (uint32_t i = 0; i < run->groups; i++)
		if (run->group[i].tree == g->tree)
			run->group[i].disturbed = true;
	flat_revoke_file(run->machine, g->tree,
			 path); /* a file that is gone by now has nobody to revoke from */
}

static void driver_due(void *context, uint32_t number)
{
	struct run *run = context;
	const struct scenario_event *e = &run->scenario->events[number];
	struct run_group *g = group_of_event(run, e);
	if (e->kind == SCENARIO_FS_REVOKE)
		revoke(run, e);
	else if (e->kind == SCENARIO_EVENT_MOVE)
		flat_thread_move(run->machine, e->cluster, run_name_of(g), e->to);
	else if (g->program)
		flat_program_kill(run->machine, g->cluster, g->first_client);
	else if (run->thread)
		flat_thread_kill(run->machine, e->cluster, run_name_of(g));
	else if (g->trace)
		replay_kill(run, g);
	else if (g->stamps)
		stamps_kill(run, g);
	else
		operations_kill(g);
}

/* ---- making: groups ---- */

static bool is_on(const struct scenario *s, const struct scenario_range *r, uint32_t cluster)
{
	if (r->all)
		return true;
	if (r->others)
		return cluster != s->service_cluster;
	return cluster >= r->first && cluster <= r->last;
}

static struct run_trace *trace_of(struct run *run, const char *file)
{
	for (uint32_t i = 0; i < run->traces; i++)
		if (!strcmp(run->trace[i].file, file))
			return &run->trace[i];
	return NULL;
}

static int load_traces(struct run *run, struct scenario_error *error)
{
	const struct scenario *s = run->scenario;
	run->trace = calloc(SCENARIO_CLIENTS_MAX, sizeof *run->trace);
	SIM_CHECK(run->trace);
	for (uint32_t i = 0; i < s->clients_count; i++) {
		const struct scenario_clients *entry = &s->clients[i];
		if (!entry->trace)
			continue;
		if (!trace_of(run, entry->trace)) {
			int failed = replay_trace_load(&run->trace[run->traces], entry->trace, error);
			run->traces++;
			if (failed)
				return -1;
		}
		if (entry->tree == SCENARIO_SHARED && trace_of(run, entry->trace)->trace->writes) {
			char key[48];
			snprintf(key, sizeof key, "clients.%u.tree", i);
			return scenario_complain(
				s, error, key, "shared",
				"the recording \"%s\" changes files, so its clients need trees of their own; "
				"write \"private\"",
				entry->trace);
		}
	}
	return 0;
}

/* What the clients of an entry need of a capability protocol; random operations do with less. */
static const unsigned calls_of_files[] = {CAPABILITY_CREATE, CAPABILITY_OBTAIN, CAPABILITY_DELEGATE,
					  CAPABILITY_DELETE, CAPABILITY_REVOKE, CAPABILITY_RETIRE},
		      *const calls_of_random = calls_of_files,
		      calls_of_shapes[] = {CAPABILITY_CREATE, CAPABILITY_DELEGATE, CAPABILITY_REVOKE};

static const unsigned *calls_needed(enum scenario_workload workload, size_t *count)
{
	*count = workload == SCENARIO_OPERATIONS || workload == SCENARIO_PROGRAM ? 1
		 : workload < SCENARIO_OPERATIONS                                ? 6
										 : 3;
	return *count == 1                      ? calls_of_random
	       : workload < SCENARIO_OPERATIONS ? calls_of_files
						: calls_of_shapes;
}

/* The file service and the page cache ask whether a capability is still good, not the protocol at each use. */
static int check_tells(const struct run *run, struct scenario_error *error)
{
	const struct scenario *s = run->scenario;
	const struct step_model *model = run->capability->model;
	for (uint32_t i = 0; i < s->clients_count; i++)
		if (model && model->use_tells && s->clients[i].workload < SCENARIO_OPERATIONS)
			return scenario_complain(s, error, "protocols.capability", s->capability,
						 "a kernel that has one of its capabilities does not know "
						 "whether that was revoked, "
						 "and the files of \"%s\" rely on that; run \"operations\", "
						 "\"chains\" or \"trees\" with it",
						 s->clients[i].name);
	return 0;
}

static int check_calls(const struct run *run, struct scenario_error *error)
{
	const struct scenario *s = run->scenario;
	for (uint32_t i = 0; i < s->clients_count; i++) {
		size_t count;
		const unsigned *need = calls_needed(s->clients[i].workload, &count);
		for (size_t k = 0; k < count; k++)
			if (!flat_has_call(run->capability, need[k]))
				return scenario_complain(
					s, error, "protocols.capability", s->capability,
					"it lacks a call that the clients \"%s\" need (%s); `skerry "
					"table` shows what it has",
					s->clients[i].name, capability_tree.event[need[k]].name);
	}
	return 0;
}

static int check_protocols(struct run *run, struct scenario_error *error)
{
	const struct scenario *s = run->scenario;
	char why[PROTOCOL_WHY_BYTES];
	if (protocol_open(&run->capability, s->capability, "capability", why))
		return scenario_complain(s, error, "protocols.capability", s->capability, "%s", why);
	if (run->capability == &capability_acks)
		return scenario_complain(
			s, error, "protocols.capability", s->capability,
			"known to be wrong, and made for the checker: `skerry check capability/acks` "
			"shows how; run \"tree\" or another of `skerry list`");
	if (strcmp(s->memory, "msi"))
		return scenario_complain(s, error, "protocols.memory", s->memory,
					 "no such protocol for memory; there is \"msi\"");
	return check_tells(run, error) || check_calls(run, error) ? -1 : run_threads_check(run, error);
}

static uint32_t processes_of(struct run *run, const struct scenario_clients *entry)
{
	return entry->trace ? trace_of(run, entry->trace)->trace->processes : 1;
}

/* Groups are numbered entry by entry, cluster by cluster; a cluster's clients in the same order. */
static void groups_make(struct run *run)
{
	const struct scenario *s = run->scenario;
	const uint32_t clusters = s->topology.clusters;
	uint32_t total = 0, all = 0;
	run->clients = calloc(clusters, sizeof *run->clients);
	run->client_base = calloc(clusters + 1, sizeof *run->client_base);
	for (uint32_t c = 0; run->thread && c < clusters; c++)
		run->clients[c] = s->thread_room;
	for (uint32_t i = 0; i < s->clients_count; i++)
		for (uint32_t c = 0; c < clusters; c++)
			if (is_on(s, &s->clients[i].on, c)) {
				total += s->clients[i].copies;
				run->clients[c] += s->clients[i].copies * processes_of(run, &s->clients[i]);
			}
	run->group = calloc(total + 1, sizeof *run->group);
	run->movable = calloc(total + 1, sizeof *run->movable);
	SIM_CHECK(run->movable && run->clients && run->client_base && run->group);
	for (uint32_t c = 0; c < clusters; c++) {
		run->client_base[c] = all;
		all += run->clients[c];
	}
	run->client_group = calloc(all + 1, sizeof *run->client_group);
	SIM_CHECK(run->client_group);
	memset(run->client_group, 0xff, (all + 1) * sizeof *run->client_group); /* nobody */
}

static void group_make(struct run *run, const struct scenario_clients *entry, uint32_t cluster,
		       uint32_t number, uint32_t *used)
{
	const uint32_t index = run->groups++;
	struct run_group *g = &run->group[index];
	*g = (struct run_group){.entry = entry,
				.run = run,
				.trace = entry->trace ? trace_of(run, entry->trace) : NULL,
				.cluster = cluster,
				.first_client = used[cluster],
				.home_cluster = cluster,
				.home_client = used[cluster],
				.number = number};
	g->random = run_mix(run_mix(run->scenario->seed, cluster + 1),
			    (uint64_t)(entry - run->scenario->clients) << 32 | number) |
		    1;
	for (uint32_t p = 0; p < processes_of(run, entry); p++)
		run->client_group[run->client_base[cluster] + used[cluster]++] = index;
}

static void groups_fill(struct run *run)
{
	const struct scenario *s = run->scenario;
	uint32_t *used = calloc(s->topology.clusters, sizeof *used);
	SIM_CHECK(used);
	groups_make(run);
	for (uint32_t i = 0; i < s->clients_count; i++) {
		uint32_t number = 0;
		for (uint32_t c = 0; c < s->topology.clusters; c++)
			for (uint32_t k = 0; k < s->clients[i].copies && is_on(s, &s->clients[i].on, c); k++)
				group_make(run, &s->clients[i], c, number++, used);
	}
	free(used);
	run_threads_init(run);
	run->running = run->groups;
}

/* ---- making: trees and starts ---- */

static int tree_fails(const struct run *run, struct scenario_error *error, uint32_t entry, const char *why)
{
	char key[48];
	snprintf(key, sizeof key, "clients.%u.trace", entry);
	return scenario_complain(run->scenario, error, key, run->scenario->clients[entry].trace, "%s", why);
}

static int group_init(struct run *run, struct run_group *g, struct run_group *first, uint32_t count)
{
	switch (g->entry->workload) {
	case SCENARIO_TRACE:
		replay_init(run, g);
		return 0;
	case SCENARIO_STAMPS:
		return stamps_init(run, g, first, count);
	case SCENARIO_OPERATIONS:
		return operations_init(run, g, first, count);
	case SCENARIO_PROGRAM:
		run->operations++;
		return 0;
	case SCENARIO_JOURNEYS:
		return journeys_init(run, g, first, count);
	default:
		return shapes_init(run, g, first, count);
	}
}

/* Private: a tree for each round of each group, one after the other. Shared: one for the entry. */
static int entry_init(struct run *run, uint32_t entry, uint32_t first, uint32_t count,
		      struct scenario_error *error)
{
	const struct scenario_clients *e = &run->scenario->clients[entry];
	char why[400];
	uint32_t shared = 0, tree;
	if (e->workload == SCENARIO_STAMPS && stamps_tree(run, e, &shared))
		return tree_fails(run, error, entry, "no memory for its files");
	if (e->trace && e->tree == SCENARIO_SHARED &&
	    replay_tree(run, run->group[first].trace, &shared, why, sizeof why))
		return tree_fails(run, error, entry, why);
	for (uint32_t i = first; i < first + count; i++) {
		struct run_group *g = &run->group[i];
		g->tree = shared;
		for (uint32_t r = 0; e->trace && e->tree == SCENARIO_PRIVATE && r < e->repeat; r++) {
			if (replay_tree(run, g->trace, &tree, why, sizeof why))
				return tree_fails(run, error, entry, why);
			g->tree = r ? g->tree : tree;
		}
		SIM_CHECK(group_init(run, g, &run->group[first], count) == 0);
	}
	return 0;
}

static int entries_init(struct run *run, struct scenario_error *error)
{
	uint32_t first = 0;
	for (uint32_t i = 0; i < run->scenario->clients_count; i++) {
		uint32_t count = 0;
		while (first + count < run->groups &&
		       run->group[first + count].entry == &run->scenario->clients[i])
			count++;
		if (count && entry_init(run, i, first, count, error))
			return -1;
		first += count;
	}
	return 0;
}

static int check_event(struct run *run, uint32_t number, struct scenario_error *error)
{
	const struct scenario_event *e = &run->scenario->events[number];
	const struct run_group *g = group_of_event(run, e);
	char key[64];
	if (!g) {
		snprintf(key, sizeof key, "events.%u", number);
		return scenario_complain(run->scenario, error, key, NULL, "cluster %u has no client %u",
					 e->cluster, e->client);
	}
	const bool files = g->entry->workload == SCENARIO_TRACE || g->entry->workload == SCENARIO_STAMPS;
	const bool shape = g->entry->workload == SCENARIO_CHAINS || g->entry->workload == SCENARIO_TREES;
	if (e->kind == SCENARIO_EVENT_MOVE && !run_is_movable(g)) {
		snprintf(key, sizeof key, "events.%u", number);
		return scenario_complain(run->scenario, error, key, NULL,
					 "client %u of cluster %u is one of %s, which cannot move", e->client,
					 e->cluster, g->entry->name);
	}
	if (e->kind != SCENARIO_EVENT_MOVE && (shape || (!files && e->kind == SCENARIO_FS_REVOKE))) {
		snprintf(key, sizeof key, "events.%u", number);
		return scenario_complain(
			run->scenario, error, key, NULL, "client %u of cluster %u is one of %s: %s",
			e->client, e->cluster, scenario_workload_name(g->entry->workload),
			shape ? "they cannot go on without it" : "they have no files to revoke");
	}
	if (e->kind == SCENARIO_FS_REVOKE && g->trace && !replay_path(g, e->path)) {
		snprintf(key, sizeof key, "events.%u.fs_revoke", number);
		return scenario_complain(run->scenario, error, key, e->path,
					 "the recording \"%s\" has no such path", g->trace->file);
	}
	return 0;
}

static int events_init(struct run *run, struct scenario_error *error)
{
	const struct scenario *s = run->scenario;
	for (uint32_t i = 0; i < s->events_count; i++) {
		if (check_event(run, i, error))
			return -1;
		const struct scenario_event *e = &s->events[i];
		flat_at(run->machine, e->kind == SCENARIO_FS_REVOKE ? s->service_cluster : e->cluster, e->at,
			i);
	}
	return 0;
}

/* Clients do not start in step: each at a time of its own within 10 us, drawn from the seed. */
static void start_clients(struct run *run)
{
	for (uint32_t i = 0; i < run->groups; i++) {
		struct run_group *g = &run->group[i];
		flat_client_start(run->machine, g->cluster, g->first_client,
				  run_random(&g->random) % 10000000);
	}
}

static const char *const check_names[] = {
	[CHECK_CONTENTS] = "contents: as in a plain file system",
	[CHECK_RESULTS] = "results: as recorded",
	[CHECK_STAMPS] = "stamps: coherence of each page",
	[CHECK_ORDER] = "stamps: program order",
	[CHECK_REVOKED] = "use after a revoke is refused",
	[CHECK_TREES] = "files at the end: every byte",
	[CHECK_REFUSED] = "capabilities: what is revoked is refused",
	[CHECK_USABLE] = "capabilities: what is not revoked works",
	[CHECK_ANSWERS] = "capabilities: each call's answer",
	[CHECK_PROGRAMS] = "programs: exit codes",
	[CHECK_THREADS] = "threads: each call is answered once",
	[CHECK_FINAL] = "clients ended",
};

/* Random operations make one capability each at most; a client that dies leaves all that it has to be deleted. */
static void bounds_of_capabilities(const struct run_group *g, struct flat_config *config)
{
	const struct scenario_operations *o = &g->entry->random;
	if (g->program) {
		config->capabilities_max += g->entry->capabilities;
		config->objects_max += g->entry->capabilities;
	} else if (g->entry->workload == SCENARIO_OPERATIONS) {
		config->capabilities_max += (uint64_t)o->count + o->objects;
		config->objects_max += o->objects + o->holds;
	} else if (g->entry->workload == SCENARIO_JOURNEYS) {
		config->capabilities_max += g->entry->journey.capabilities;
		config->objects_max += g->entry->journey.capabilities + 1;
	} else if (g->number == 0) {
		config->capabilities_max += 2 * (uint64_t)g->entry->shape.size + 64;
		config->objects_max += 1;
	}
}

/* What a group can hold when it moves, and how often it can move a thread. */
static void bounds_of_threads(const struct run_group *g, struct flat_config *config)
{
	const struct scenario_clients *e = g->entry;
	const bool random = e->workload == SCENARIO_OPERATIONS, journey = e->workload == SCENARIO_JOURNEYS;
	const uint32_t holds = random     ? e->random.holds + e->random.count + 2
			       : journey  ? e->journey.capabilities
			       : g->trace ? g->trace->trace->handles
					  : 0;
	config->holds = config->holds > holds ? config->holds : holds;
	if (random && e->random.weight[SCENARIO_THREAD_MOVE])
		config->moves += e->random.count;
	if (journey && g->number == 0)
		config->moves += e->journey.moves;
}

/* How much all groups together can come to use. */
static void bounds(const struct run *run, struct flat_config *config)
{
	for (uint32_t i = 0; i < run->groups; i++) {
		const struct run_group *g = &run->group[i];
		const uint64_t rounds = g->entry->repeat;
		if (run->thread)
			bounds_of_threads(g, config);
		if (!g->trace && g->entry->workload != SCENARIO_STAMPS) {
			bounds_of_capabilities(g, config);
			continue;
		}
		config->rewrites |= !g->trace; /* stamps */
		const struct run_trace *t = g->trace;
		config->files_max += t ? rounds * (t->trace->initials + t->trace->ops) : 2;
		config->pages_max += t ? rounds * t->uses_pages : g->entry->pages + 1;
		if (t && rounds * t->opens * 2 * g->entry->copies > config->opens_max)
			config->opens_max = rounds * t->opens * 2 * g->entry->copies;
	}
	config->opens_max = config->opens_max * run->scenario->clients_count + run->groups;
	config->moves += run->scenario->events_count;
}

/* A kernel has to know what was revoked, so that it sends nothing with it. */
static bool carries_messages(const struct run *run)
{
	return run->programs && !(run->capability->model && run->capability->model->use_tells);
}

static int machine_make(struct run *run, struct scenario_error *error)
{
	const struct scenario *s = run->scenario;
	struct flat_config config = {.topology = &s->topology,
				     .cost = &s->cost,
				     .engine = s->engine,
				     .service = s->service_cluster,
				     .cache_pages = s->cache_pages,
				     .clients = run->clients,
				     .driver = {.context = run,
						.next = driver_next,
						.bytes = driver_bytes,
						.done = driver_done,
						.received = driver_received,
						.think = driver_think,
						.due = driver_due,
						.program = driver_program,
						.exited = driver_exited,
						.held = driver_held,
						.moved = driver_moved,
						.killed = driver_killed},
				     .thread = run->thread,
				     .thread_refuses = run->options.thread_refuses,
				     .guests = run->thread ? s->thread_room : 0,
				     .tap = run->options.tap,
				     .window_tap = run->options.window_tap,
				     .tap_context = run->options.tap_context,
				     .capability = run->capability,
				     .hostile = run->options.hostile,
				     .timer = s->timer,
				     .credit = s->credit,
				     .cell_tap = run->options.cell_tap,
				     .log = run->log,
				     .profile = run->options.profile,
				     .profile_every = run->options.profile_every,
				     .full = s->full,
				     .messages = carries_messages(run),
				     .kernel_cost = s->kernel_cost->cycles,
				     .trace = s->order == SCENARIO_SERIAL,
				     .native = run->native ? &run->native->config : NULL};
	bounds(run, &config);
	int failed = flat_new(&run->machine, &config);
	if (failed)
		snprintf(error->text, sizeof error->text, "%s: this machine cannot be built here: %s",
			 s->file, strerror(-failed));
	return failed;
}

#define LOG_RECORDS                                                                                          \
	(UINT64_C(1) << 18) /* of a thread, natively: memory that is there before the run begins */

static int logs_make(struct run *run)
{
	run->logs = run->native ? run->native->config.threads : 1;
	if (run->options.inclusion)
		SIM_CHECK((run->log = calloc(run->logs, sizeof *run->log)) != NULL);
	for (uint32_t i = 0; run->log && run->native && i < run->logs; i++)
		inclusion_log_begin(&run->log[i], LOG_RECORDS);
	return 0;
}

int run_new(struct run **out, const struct scenario *scenario, const struct run_options *options,
	    struct scenario_error *error)
{
	const double begin = run_wall_now();
	struct run *run = calloc(1, sizeof *run);
	SIM_CHECK(run);
	run->scenario = scenario;
	run->options = *options;
	if (check_protocols(run, error) || run_serial_check(scenario, error) || load_traces(run, error)) {
		run_free(run);
		return -1;
	}
	groups_fill(run);
	if (programs_load(run, error) ||
	    (scenario->engine == SIM_ENGINE_NATIVE && run_native_init(run, error)) || logs_make(run) ||
	    machine_make(run, error) || entries_init(run, error) || events_init(run, error)) {
		run_free(run);
		return -1;
	}
	if (scenario->order == SCENARIO_CONCURRENT)
		start_clients(run);
	run->setup_seconds = run_wall_now() - begin;
	*out = run;
	return 0;
}

void run_free(struct run *run)
{
	if (!run)
		return;
	for (uint32_t i = 0; i < run->groups; i++) {
		struct run_group *g = &run->group[i];
		if (g->trace)
			replay_fini(g);
		stamps_fini(g);
		operations_fini(g);
		shapes_fini(g);
		programs_fini(g);
		journeys_fini(g);
		for (unsigned k = 0; k < CHECK_MACHINE; k++)
			free(g->tally.first[k]);
	}
	for (uint32_t i = 0; i < run->traces; i++)
		replay_trace_fini(&run->trace[i]);
	flat_free(run->machine);
	for (uint32_t i = 0; run->log && i < run->logs; i++)
		inclusion_log_fini(&run->log[i]);
	free(run->log);
	free(run->native);
	free(run->trace);
	free(run->group);
	free(run->clients);
	free(run->client_base);
	free(run->client_group);
	free(run->movable);
	free(run);
}

/* ---- running ---- */

static double share_done(const struct run *run)
{
	uint64_t done = 0;
	for (uint32_t i = 0; i < run->groups; i++)
		done += atomic_load_explicit(&run->group[i].tally.done, memory_order_relaxed);
	return run->operations ? (double)done / (double)run->operations : 1;
}

/* The engine runs in slices of virtual time, grown and shrunk so that one takes about 50 ms of wall time. */
static enum run_end drive(struct run *run, struct run_result *result)
{
	if (run->scenario->order == SCENARIO_SERIAL)
		return run_serially(run, result);
	struct sim_engine *engine = flat_engine(run->machine);
	const double begin = run_wall_now();
	sim_ps slice = 1000000000, until = slice;
	double last = begin, reported = begin;
	enum sim_engine_end end;
	while ((end = flat_run(run->machine, until)) == SIM_ENGINE_UNTIL) {
		const double now = run_wall_now();
		if (now - last < 0.025)
			slice *= 2;
		else if (now - last > 0.1 && slice > 1000)
			slice /= 2;
		last = now;
		until += slice;
		if (run->options.seconds_max > 0 && now - begin > run->options.seconds_max)
			break;
		if (run->options.progress && now - reported > 0.1) {
			reported = now;
			run->options.progress(run->options.progress_context, share_done(run),
					      sim_engine_events(engine), sim_engine_now(engine), now - begin);
		}
	}
	flat_halt(run->machine);
	result->wall_seconds = run_wall_now() - begin;
	if (end == SIM_ENGINE_STOPPED)
		return RUN_FAULT;
	if (end == SIM_ENGINE_UNTIL)
		return RUN_TIMEOUT;
	return run->running ? RUN_STUCK : RUN_ENDED;
}

static const struct step_node *like(void *context, uint32_t cluster, unsigned number)
{
	return flat_node(context, cluster, number);
}

static void check_copy(struct run_result *result, const char *name, uint64_t count, uint64_t failures,
		       const char *first)
{
	struct run_check *c = &result->check[result->checks++];
	snprintf(c->name, sizeof c->name, "%s", name);
	c->count = count;
	c->failures = failures;
	snprintf(c->first, sizeof c->first, "%s", failures ? first : "");
	result->failures += failures;
}

static void check_inclusion(struct run *run, struct run_result *result)
{
	/* Where there are no threads nothing is of their protocol. */
	const struct step_protocol *const protocols_used[] = {run->capability, &memory_msi, &file_posix,
							      run->thread ? run->thread : &thread_eager,
							      &endpoint_relay};
	struct inclusion_result r;
	bool failed = false;
	for (uint32_t i = 0; i < run->logs; i++)
		failed |= run->log[i].failed;
	if (inclusion_replay(run->log, run->logs, run->scenario->topology.clusters, protocols_used,
			     carries_messages(run) ? 5
			     : run->thread         ? 4
						   : 3,
			     like, run->machine, result->end == RUN_ENDED, &r) ||
	    failed)
		check_copy(result, "trace inclusion", 0, 1, "no memory for the step log or its replay");
	else if (!r.failures && result->end == RUN_ENDED && r.cells != result->cells)
		check_copy(result, "trace inclusion", r.inputs, 1,
			   "the replay runs another number of cells than the run did");
	else
		check_copy(result, "trace inclusion", r.inputs, r.failures, r.first);
}

/* What all groups have checked, together; the first failure is that of the first group that has one. */
static void check_groups(const struct run *run, struct run_result *result)
{
	for (unsigned k = 0; k < CHECK_FINAL; k++) {
		uint64_t count = 0, failures = 0;
		const char *first = NULL;
		for (uint32_t i = 0; i < run->groups; i++) {
			const struct run_tally *tally = &run->group[i].tally;
			count += tally->count[k];
			failures += tally->failures[k];
			first = first ? first : tally->first[k];
		}
		if (count || failures)
			check_copy(result, check_names[k], count, failures, first);
	}
	if (result->end == RUN_TIMEOUT)
		return;
	const uint64_t running = run->running;
	char text[240];
	snprintf(text, sizeof text, "%llu clients never end", (unsigned long long)running);
	programs_explain(run, text, sizeof text);
	check_copy(result, check_names[CHECK_FINAL], run->groups, running != 0, text);
}

static void finals(struct run *run)
{
	for (uint32_t i = 0, count; i < run->groups; i += count) {
		struct run_group *first = &run->group[i];
		bool disturbed = false;
		for (count = 0; i + count < run->groups && run->group[i + count].entry == first->entry;
		     count++)
			disturbed |= run->group[i + count].disturbed;
		if (first->stamps && !disturbed)
			stamps_final(run, first, first, count);
		if (first->operations)
			operations_final(run, first, count);
	}
	if (run->thread)
		run_threads_final(run);
	for (uint32_t i = 0; i < run->groups; i++) {
		struct run_group *g = &run->group[i];
		if (g->trace && g->plain && g->round == g->entry->repeat && !g->disturbed)
			replay_final(run, g);
	}
}

/* When all that was passed on has been given back, nothing is in use; files keep their capabilities. */
static void check_reclaimed(const struct run *run, struct run_result *result)
{
	struct flat_live live;
	char text[200];
	uint64_t left = 0, count = 0;
	for (uint32_t i = 0; i < run->scenario->clients_count; i++)
		if (run->scenario->clients[i].workload < SCENARIO_OPERATIONS)
			return;
	flat_live(run->machine, &live);
	/* Without that promise an object stays whose first capability has moved: nobody can say that it was the last. */
	const struct step_promise *promises = run->capability->promises;
	const bool stays = run->thread && promises && !promises[CAPABILITY_P_RECLAIM].kept;
	for (unsigned k = 1; k < STEP_MACHINES_MAX; k++)
		left += k == CAPABILITY_OWN && stays ? 0 : live.slots[k];
	for (uint32_t i = 0; i < run->scenario->topology.clusters; i++)
		count += flat_node(run->machine, i, 0)->pool[CAPABILITY_CAP].used;
	snprintf(text, sizeof text,
		 "%llu capabilities, %llu calls and %llu others are still there, %llu in kernels",
		 (unsigned long long)live.slots[1], (unsigned long long)live.slots[2],
		 (unsigned long long)live.slots[3], (unsigned long long)live.kernel);
	check_copy(result, "capabilities: all given back", count, left || live.kernel, text);
}

static void explain_end(const struct run *run, struct run_result *result)
{
	static const char *const text[] = {
		[RUN_ENDED] = "",
		[RUN_TIMEOUT] = "the time that --timeout allows is over",
		[RUN_STUCK] = "no event is left, and not all clients have ended",
		[RUN_FAULT] = "a protocol or its host is wrong: see the check \"protocol steps\""};
	snprintf(result->end_text, sizeof result->end_text, "%s", text[result->end]);
	(void)run;
}

void run_go(struct run *run, struct run_result *result)
{
	struct sim_engine *engine = flat_engine(run->machine);
	struct flat_check machine[FLAT_CHECKS];
	*result = (struct run_result){.setup_seconds = run->setup_seconds};
	result->end = drive(run, result);
	explain_end(run, result);
	flat_stats(run->machine, &run->stats);
	result->stats = &run->stats;
	result->digest = sim_engine_digest(engine);
	result->events = sim_engine_events(engine);
	result->windows = sim_engine_windows(engine);
	result->calls = run->stats.calls;
	result->messages = run->stats.messages;
	result->cells = run->stats.cells;
	result->virtual_ps = run->stats.end;
	result->frames_bytes = run->stats.frames_bytes;
	result->protocol_trace = flat_protocol_trace(run->machine);
	flat_kernel_stats(run->machine, &result->kernels);
	if (run->native) {
		sim_native_stats(engine, &run->native->result.stats);
		result->native = &run->native->result;
	}
	if (result->end != RUN_TIMEOUT) {
		flat_check(run->machine, machine);
		finals(run);
	}
	for (uint32_t i = 0; i < run->groups; i++)
		result->content_bytes += run->group[i].tally.content_bytes;
	check_groups(run, result);
	for (uint32_t i = 0; result->end != RUN_TIMEOUT && i < FLAT_CHECKS; i++)
		if (machine[i].name)
			check_copy(result, machine[i].name, machine[i].count, machine[i].failures,
				   machine[i].first);
	if (result->end == RUN_ENDED)
		check_reclaimed(run, result);
	if (run->options.inclusion)
		check_inclusion(run, result);
}
