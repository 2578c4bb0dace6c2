/* workloads/journeys.c - a thread with so many capabilities that travels: what a move costs, alone.
 *
 * The first client of the entry makes its capabilities and goes round the clusters of the others, a move at a time. It asks
 * for its moves itself, or the last client does, whose cluster is not on the way. They tell each other by a call of the
 * family thread: the traveller that it is ready, the other that the journey is over. */
#include <errno.h>
#include <skerry/capability.h>
#include <stdlib.h>
#include <string.h>
#include "sim/check.h"
#include "workloads/run_internal.h"

struct journeys {
	struct run_group *first;
	uint32_t members, made, moves, left;
	struct flat_handle *held, none;
	bool told, over;
};

static bool is_asked(const struct run_group *g) { return g->entry->journey.by == SCENARIO_BY_ANOTHER; }
static bool is_traveller(const struct run_group *g) { return g == g->journeys->first; }
static struct run_group *asker_of(const struct run_group *g)
{
	return g->journeys->first + g->journeys->members - 1;
}

int journeys_init(struct run *run, struct run_group *g, struct run_group *first, uint32_t members)
{
	struct journeys *j = calloc(1, sizeof *j);
	if (!j)
		return ENOMEM;
	g->journeys = j;
	j->first = first;
	j->members = members;
	j->held = calloc(g->entry->journey.capabilities + 1, sizeof *j->held);
	run->operations += g == first ? g->entry->journey.moves : 0;
	return j->held ? 0 : ENOMEM;
}

void journeys_fini(struct run_group *g)
{
	if (g->journeys)
		free(g->journeys->held);
	free(g->journeys);
}

struct flat_handle *journeys_held(struct run_group *g, uint32_t number)
{
	return number < g->journeys->made ? &g->journeys->held[number] : NULL;
}

/* Where the next move goes: round the others. */
static uint32_t stop_of(const struct run_group *g, uint32_t move)
{
	const struct journeys *j = g->journeys;
	const uint32_t stops = j->members - is_asked(g);
	return j->first[(move + 1) % stops].home_cluster;
}

static bool move(struct run_group *g, struct flat_call *call)
{
	struct journeys *j = g->journeys;
	*call = (struct flat_call){
		.op = FLAT_THREAD_MOVE, .thread = run_name_of(j->first), .cluster = stop_of(g, j->moves++)};
	run_group_done(g);
	return true;
}

static bool tell(struct run_group *g, const struct run_group *to, struct flat_call *call)
{
	g->journeys->told = true;
	*call = (struct flat_call){.op = FLAT_THREAD_CALL, .thread = run_name_of(to)};
	return true;
}

static bool give_back(struct run_group *g, struct flat_call *call)
{
	struct journeys *j = g->journeys;
	if (j->left == j->made) {
		run_group_ended(g);
		return false;
	}
	*call = (struct flat_call){.op = FLAT_CAP_DELETE, .handle = &j->held[j->left++]};
	return true;
}

static bool travel(struct run_group *g, struct flat_call *call)
{
	struct journeys *j = g->journeys;
	if (j->made < g->entry->journey.capabilities) {
		*call = (struct flat_call){.op = FLAT_CAP_CREATE,
					   .handle = &j->none,
					   .fresh = &j->held[j->made],
					   .kind = FLAT_ENDPOINT,
					   .word = CAPABILITY_RIGHTS};
		return true;
	}
	if (is_asked(g) && !j->told)
		return tell(g, asker_of(g), call);
	if (!is_asked(g) && j->moves < g->entry->journey.moves)
		return move(g, call);
	return (!is_asked(g) || g->replied) && give_back(g, call);
}

static bool ask(struct run_group *g, struct flat_call *call)
{
	struct journeys *j = g->journeys;
	if (!g->replied)
		return false;
	if (j->moves < g->entry->journey.moves)
		return move(g, call);
	if (!j->told)
		return tell(g, j->first, call);
	run_group_ended(g);
	return false;
}

bool journeys_next(struct run_group *g, struct flat_call *call)
{
	if (is_traveller(g))
		return travel(g, call);
	if (is_asked(g) && g == asker_of(g))
		return ask(g, call);
	run_group_ended(g);
	return false;
}

void journeys_done(struct run_group *g, const struct flat_call *call, const struct flat_result *result)
{
	struct journeys *j = g->journeys;
	run_check_add(g, CHECK_ANSWERS, 1);
	if (result->error)
		run_check_fail(g, CHECK_ANSWERS, "cluster %u: %s fails: %s", g->cluster,
			       flat_op_name[call->op], strerror(result->error));
	else if (call->op == FLAT_CAP_CREATE)
		j->made++;
	else if (call->op == FLAT_THREAD_MOVE && is_traveller(g) && g->cluster != call->cluster)
		run_check_fail(g, CHECK_ANSWERS, "the traveller is on cluster %u, and asked for %u",
			       g->cluster, call->cluster);
}
