/* workloads/run_threads.c - clients as threads: their names, where they are, and what the driver keeps of one that moves.
 *
 * A group is the record of its client; only the cluster where the client is touches it, so it goes along without being
 * copied. Where it is other groups learn a wire's latency later, as if they had been told: so it does not matter in which
 * order an engine handles clusters in between. Who is sent to at an old place is not there any more, and the sender is
 * told. */
#include <errno.h>
#include <string.h>
#include "sim/check.h"
#include "ssi/plugin.h"
#include "workloads/run_internal.h"

/* Processes of one recording share files, and stay together. */
bool run_is_movable(const struct run_group *g)
{
	const enum scenario_workload w = g->entry->workload;
	return w == SCENARIO_OPERATIONS || w == SCENARIO_JOURNEYS ||
	       (w == SCENARIO_TRACE && g->trace->trace->processes == 1);
}

step_ref run_name_of(const struct run_group *g)
{
	return flat_thread_name(g->run->machine, g->home_cluster, g->home_client);
}

static uint64_t place(uint32_t cluster, uint32_t client) { return (uint64_t)cluster << 32 | client; }

void run_place_of(const struct run_group *g, sim_ps now, uint32_t *cluster, uint32_t *client)
{
	const struct run_whereabouts *w = &g->where;
	const uint64_t at = atomic_load_explicit(g->run->native || now >= w->since ? &w->is : &w->was,
						 memory_order_relaxed);
	*cluster = (uint32_t)(at >> 32);
	*client = (uint32_t)at;
}

void run_threads_init(struct run *run)
{
	for (uint32_t i = 0; i < run->groups; i++) {
		struct run_group *g = &run->group[i];
		g->where.is = g->where.was = place(g->cluster, g->first_client);
		if (run->thread && run_is_movable(g))
			run->movable[run->movables++] = i;
	}
}

struct flat_handle *driver_held(void *context, uint32_t cluster, uint32_t client, uint32_t number)
{
	struct run_group *g = run_group_of(context, cluster, client);
	switch (g->entry->workload) {
	case SCENARIO_TRACE:
		return g->trace && number < g->trace->trace->handles ? &g->handle[number] : NULL;
	case SCENARIO_OPERATIONS:
		return operations_held(g, number);
	case SCENARIO_JOURNEYS:
		return journeys_held(g, number);
	default:
		return NULL;
	}
}

void driver_moved(void *context, uint32_t from, uint32_t from_client, uint32_t to, uint32_t to_client)
{
	struct run *run = context;
	struct run_group *g = run_group_of(run, from, from_client);
	struct run_whereabouts *w = &g->where;
	run->client_group[run->client_base[to] + to_client] = (uint32_t)(g - run->group);
	g->cluster = to;
	g->first_client = to_client;
	if (!run->native) {
		atomic_store_explicit(&w->was, atomic_load_explicit(&w->is, memory_order_relaxed),
				      memory_order_relaxed);
		w->since =
			flat_event_time(run->machine, to) + sim_topology_lookahead(&run->scenario->topology);
	}
	atomic_store_explicit(&w->is, place(to, to_client), memory_order_relaxed);
	if (g->operations)
		operations_moved(g);
}

void driver_killed(void *context, uint32_t cluster, uint32_t client)
{
	struct run *run = context;
	struct run_group *g = run_group_of(run, cluster, client);
	if (g->entry->workload == SCENARIO_TRACE)
		replay_kill(run, g);
	else if (g->operations)
		operations_kill(g);
	g->killed = true;
	run_group_ended(g);
}

/* Whoever owes a reply gives it before it goes on. */
bool run_thread_next(struct run_group *g, struct flat_call *call)
{
	if (g->killed || !flat_thread_owes(g->run->machine, g->cluster, g->first_client))
		return false;
	*call = (struct flat_call){.op = FLAT_THREAD_REPLY};
	return true;
}

bool run_thread_done(struct run_group *g, const struct flat_call *call, const struct flat_result *result)
{
	if (call->op == FLAT_THREAD_CALL) {
		g->calls++;
		g->answered += !result->error;
	}
	if (call->op != FLAT_THREAD_REPLY)
		return false;
	g->replied += !result->error;
	run_check_add(g, CHECK_THREADS, 1);
	if (result->error)
		run_check_fail(g, CHECK_THREADS, "cluster %u: a reply that was owed fails: %s", g->cluster,
			       strerror(result->error));
	return true;
}

/* Each call was answered once: as many replies as answers, and those that came too late for who was killed. */
void run_threads_final(struct run *run)
{
	uint64_t answered = 0, replied = 0;
	bool killed = false;
	for (uint32_t i = 0; i < run->groups; i++) {
		answered += run->group[i].answered;
		replied += run->group[i].replied;
		killed |= run->group[i].killed;
	}
	if (answered > replied || (answered < replied && !killed))
		run_check_fail(run->group, CHECK_THREADS,
			       "%llu calls of threads were answered, by %llu replies",
			       (unsigned long long)answered, (unsigned long long)replied);
	run_check_add(run->group, CHECK_THREADS, answered);
}

/* ---- before the run ---- */

static bool wants_threads(const struct scenario_clients *e)
{
	return e->workload == SCENARIO_JOURNEYS ||
	       (e->workload == SCENARIO_OPERATIONS &&
		(e->random.weight[SCENARIO_THREAD_MOVE] || e->random.weight[SCENARIO_THREAD_CALL] ||
		 e->random.weight[SCENARIO_THREAD_KILL]));
}

static int check_entry(const struct run *run, uint32_t i, struct scenario_error *error)
{
	const struct scenario_clients *e = &run->scenario->clients[i];
	char key[48];
	if (!run->thread && wants_threads(e))
		return scenario_complain(run->scenario, error, "protocols.thread", run->scenario->thread,
					 "the clients \"%s\" move threads, or call them; write \"protocols: "
					 "{thread: eager}\"",
					 e->name);
	uint64_t members = 0;
	for (uint32_t c = 0; c < run->scenario->topology.clusters; c++)
		members += (e->on.all || (e->on.others ? c != run->scenario->service_cluster
						       : c >= e->on.first && c <= e->on.last)) *
			   (uint64_t)e->copies;
	if (e->workload != SCENARIO_JOURNEYS || e->journey.by == SCENARIO_BY_ITSELF || members > 1)
		return 0;
	snprintf(key, sizeof key, "clients.%u.journeys.by", i);
	return scenario_complain(
		run->scenario, error, key, "another",
		"there is no other client to ask for its moves; let \"on\" name at least two "
		"clusters");
}

int run_threads_check(struct run *run, struct scenario_error *error)
{
	const struct scenario *s = run->scenario;
	char why[PROTOCOL_WHY_BYTES];
	if (strcmp(s->thread, "none") && protocol_open(&run->thread, s->thread, "thread", why))
		return scenario_complain(s, error, "protocols.thread", s->thread, "%s", why);
	if (run->thread && s->order == SCENARIO_SERIAL)
		return scenario_complain(
			s, error, "protocols.thread", s->thread,
			"one system call at a time leaves nobody to be moved; write \"order: "
			"concurrent\", or \"thread: none\"");
	for (uint32_t i = 0; i < s->clients_count; i++)
		if (check_entry(run, i, error))
			return -1;
	for (uint32_t i = 0; i < s->events_count && !run->thread; i++)
		if (s->events[i].kind == SCENARIO_EVENT_MOVE)
			return scenario_complain(
				s, error, "protocols.thread", s->thread,
				"an event moves a client; write \"protocols: {thread: eager}\"");
	return 0;
}
