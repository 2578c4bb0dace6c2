/* workloads/shapes.c - capabilities in chains and trees, made and revoked round after round: for curves.
 *
 * The first client of the entry makes an object. In a chain each client derives a capability from its own for the next
 * one, over all clients in turn, until the chain is long enough; the last tells the first. In a tree the first sends
 * all of them itself, or offers them, and the others obtain and say so. Then the first revokes, and begins again. One operation is under way at a time, so messages and
 * latencies are those of the operation alone. */
#include <errno.h>
#include <skerry/capability.h>
#include <stdlib.h>
#include <string.h>
#include "sim/check.h"
#include "workloads/run_internal.h"

struct shapes {
	struct run_group *first;
	uint32_t members;
	struct flat_handle own, handle; /* the first one; the client's of this round */
	struct flat_handle none;
	uint32_t position;        /* of it in the chain; the first one's is 0 */
	uint32_t sent;            /* tree: in this round */
	uint32_t rounds, visits;  /* that are over; capabilities that came */
	struct flat_handle offer; /* the name that came */
	enum { WAITS, HOLDS, OBTAINS, TELLS, REVOKES, ENDS } state;
	bool made, tells;
	/* What was revoked stays with its holder, or its slot does: what is to be deleted. */
	bool cleans;
	struct flat_handle *old, leaving;
	uint32_t olds, olds_room;
};

static bool is_obtained(const struct run_group *g)
{
	return g->entry->workload == SCENARIO_TREES && g->entry->shape.by == SCENARIO_BY_OBTAIN;
}
static bool is_chain(const struct run_group *g) { return g->entry->workload == SCENARIO_CHAINS; }

int shapes_init(struct run *run, struct run_group *g, struct run_group *first, uint32_t members)
{
	struct shapes *s = calloc(1, sizeof *s);
	if (!s)
		return ENOMEM;
	g->shapes = s;
	s->first = first;
	s->members = members;
	s->state = g == first ? HOLDS : WAITS;
	const struct step_promise *promise = run->capability->promises;
	s->cleans = run->scenario->full || (promise && !promise[CAPABILITY_P_RECLAIM].kept);
	run->operations += g == first ? (uint64_t)g->entry->shape.size * g->entry->shape.rounds : 0;
	return 0;
}

void shapes_fini(struct run_group *g)
{
	if (g->shapes)
		free(g->shapes->old);
	free(g->shapes);
}

/* Who gets the capability at this place of the chain, or in the tree. */
static uint32_t member_at(const struct run_group *g, uint32_t position)
{
	const uint32_t members = g->shapes->members;
	if (is_chain(g) || members == 1)
		return position % members;
	return 1 + (position - 1) % (members - 1);
}

static uint32_t visits_of(const struct run_group *g)
{
	const struct shapes *s = g->shapes;
	uint32_t visits = 0;
	for (uint32_t i = 1; i <= g->entry->shape.size; i++)
		visits += member_at(g, i) == (uint32_t)(g - s->first);
	return visits;
}

static bool call_to(struct run_group *g, uint32_t position, unsigned op, struct flat_call *call)
{
	struct shapes *s = g->shapes;
	const bool back = g->shapes->tells;
	const struct run_group *to = s->first + (back ? 0 : member_at(g, position));
	*call = (struct flat_call){.op = (uint8_t)op,
				   .handle = s->position || back ? &s->handle : &s->own,
				   .cluster = to->cluster,
				   .client = to->first_client,
				   .label = position};
	return true;
}

static bool create(struct run_group *g, struct flat_call *call)
{
	struct shapes *s = g->shapes;
	s->made = true;
	*call = (struct flat_call){.op = FLAT_CAP_CREATE,
				   .handle = &s->none,
				   .fresh = &s->own,
				   .kind = FLAT_ENDPOINT,
				   .word = CAPABILITY_RIGHTS};
	return true;
}

static bool end(struct run_group *g)
{
	g->shapes->state = ENDS;
	run_group_ended(g);
	return false;
}

static bool call_on(struct run_group *g, unsigned op, struct flat_call *call)
{
	*call = (struct flat_call){.op = (uint8_t)op, .handle = &g->shapes->own};
	return true;
}

/* The capability of an earlier round, or of an earlier place in the chain, is not used any more. */
static void put_aside(struct shapes *s)
{
	if (!s->cleans || !s->handle.cap.machine)
		return;
	if (s->olds == s->olds_room) {
		s->olds_room = s->olds_room ? s->olds_room * 2 : 8;
		s->old = realloc(s->old, s->olds_room * sizeof *s->old);
		SIM_CHECK(s->old != NULL);
	}
	s->old[s->olds++] = s->handle;
	s->handle = (struct flat_handle){0};
}

static bool clean(struct shapes *s, struct flat_call *call)
{
	if (!s->olds)
		return false;
	s->leaving = s->old[--s->olds];
	*call = (struct flat_call){.op = FLAT_CAP_DELETE, .handle = &s->leaving};
	return true;
}

bool shapes_next(struct run_group *g, struct flat_call *call)
{
	struct shapes *s = g->shapes;
	const bool last = s->state == ENDS || (s->state == WAITS && g != s->first &&
					       s->visits == visits_of(g) * g->entry->shape.rounds);
	if (last)
		put_aside(s);
	if (clean(s, call))
		return true;
	const uint32_t size = g->entry->shape.size, rounds = g->entry->shape.rounds;
	if (g == s->first && !s->made)
		return create(g, call);
	const unsigned state = s->state;
	s->tells = state == TELLS;
	if (state == HOLDS || state == OBTAINS || state == TELLS || state == REVOKES)
		s->state = WAITS; /* for what comes, which may be before the call has ended */
	switch (state) {
	case HOLDS:
		return call_to(g, (is_chain(g) ? s->position : s->sent) + 1,
			       is_obtained(g) ? FLAT_CAP_OFFER : FLAT_CAP_SEND, call);
	case OBTAINS:
		put_aside(s);
		*call = (struct flat_call){.op = FLAT_CAP_OBTAIN, .handle = &s->offer, .fresh = &s->handle};
		return true;
	case TELLS:
		return call_to(g, size, FLAT_CAP_OFFER, call);
	case REVOKES:
		return call_on(g, FLAT_CAP_REVOKE, call);
	case ENDS:
		return s->own.cap.machine && call_on(g, FLAT_CAP_DELETE, call);
	default:
		if (g != s->first && s->visits == visits_of(g) * rounds)
			return end(g);
		return false;
	}
}

static void sent(struct run_group *g)
{
	struct shapes *s = g->shapes;
	run_group_done(g);
	if (!is_chain(g) && !is_obtained(g))
		s->state = ++s->sent == g->entry->shape.size ? REVOKES : HOLDS;
}

static void revoked(struct run_group *g)
{
	struct shapes *s = g->shapes;
	s->sent = 0;
	s->position = 0;
	s->state = ++s->rounds < g->entry->shape.rounds ? HOLDS : ENDS;
	if (s->state == ENDS)
		run_group_ended(g);
}

static void obtained(struct run_group *g)
{
	struct shapes *s = g->shapes;
	run_group_done(g);
	s->state = ++s->sent == g->entry->shape.size ? REVOKES : HOLDS;
}

void shapes_done(struct run_group *g, const struct flat_call *call, const struct flat_result *result)
{
	struct shapes *s = g->shapes;
	run_check_add(g, CHECK_ANSWERS, 1);
	if (result->error && call->handle != &s->leaving)
		run_check_fail(g, CHECK_ANSWERS, "cluster %u: %s fails: %s", g->cluster,
			       flat_op_name[call->op], strerror(result->error));
	if (call->op == FLAT_CAP_SEND)
		sent(g);
	else if (call->op == FLAT_CAP_OBTAIN && s->members > 1)
		s->state = TELLS;
	else if (call->op == FLAT_CAP_OBTAIN)
		obtained(g);
	else if (call->op == FLAT_CAP_REVOKE)
		revoked(g);
}

/* To another: it obtains. To the first: somebody has obtained. */
static void offered(struct run_group *g, const struct flat_handle *handle)
{
	struct shapes *s = g->shapes;
	if (g == s->first && s->members > 1) {
		obtained(g);
		return;
	}
	s->visits++;
	s->offer = *handle;
	s->state = OBTAINS;
}

/* What it held before was revoked with all the others: the handle names nothing any more. */
void shapes_received(struct run_group *g, const struct flat_handle *handle)
{
	struct shapes *s = g->shapes;
	if (is_obtained(g)) {
		offered(g, handle);
	} else if (handle->offered) { /* the chain is whole */
		s->state = REVOKES;
	} else {
		s->visits++;
		put_aside(s);
		s->handle = *handle;
		if (is_chain(g))
			s->position = (uint32_t)handle->label;
		if (is_chain(g))
			s->state = s->position == g->entry->shape.size ? TELLS : HOLDS;
	}
	flat_client_wake(g->run->machine, g->cluster, g->first_client);
}
