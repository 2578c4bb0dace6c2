/* workloads/operations.c - groups that pass capabilities to each other at random.
 *
 * Each client makes a few objects, then draws operations: it sends to, moves to and offers to any other client of the
 * entry, obtains what it was offered, copies, mints, retypes, revokes, deletes, asks and uses. At the end it revokes
 * and deletes what it made, deletes what it has, and goes on deleting what still comes. Who granted what to whom, and
 * what each use came to, goes into its ledger (workloads/ledger.h). Now and then it uses a capability that it has
 * deleted or moved: that must be refused. */
#include <errno.h>
#include <skerry/capability.h>
#include <stdlib.h>
#include <string.h>
#include "sim/check.h"
#include "workloads/ledger.h"
#include "workloads/run_internal.h"

#define OFFERS      8  /* names that a client keeps */
#define TRIES       16 /* draws until one fits what the client has */
#define NO_RECORD   UINT32_MAX
#define RIGHT_WRITE 1u

struct held {
	struct flat_handle handle;
	uint32_t record;
	bool used, revoked;
};

struct operations {
	struct run_group *first; /* of the entry */
	uint32_t members, made, done;
	struct ledger ledger;
	struct held *held;  /* [holds]; calls under way keep places in it */
	struct held stale;  /* the one that was deleted or moved last, under its old name */
	struct held *spare; /* what came and has no place: to be deleted */
	uint32_t spares, spares_room;
	struct held leaving; /* the spare that is being deleted */
	struct flat_handle offer[OFFERS];
	uint32_t offers;
	struct flat_handle taking;  /* the offer that is being taken */
	struct flat_handle none;    /* what an object is made from */
	struct held *about, *fresh; /* of the call under way */
	step_ref name;              /* of `about`, when the call began */
	bool calling;
	sim_ps begun;
	uint64_t total; /* weights */
};

int operations_init(struct run *run, struct run_group *g, struct run_group *first, uint32_t members)
{
	struct operations *o = calloc(1, sizeof *o);
	if (!o)
		return ENOMEM;
	g->operations = o;
	o->first = first;
	o->members = members;
	o->stale.record = NO_RECORD;
	ledger_init(&o->ledger, (uint32_t)(g - first));
	for (unsigned i = 0; i < SCENARIO_OPERATION_KINDS; i++)
		o->total += g->entry->random.weight[i];
	run->operations += g->entry->random.count;
	o->held = calloc(g->entry->random.holds, sizeof *o->held);
	return o->held ? 0 : ENOMEM;
}

void operations_fini(struct run_group *g)
{
	if (!g->operations)
		return;
	ledger_fini(&g->operations->ledger);
	free(g->operations->held);
	free(g->operations->spare);
	free(g->operations);
}

static sim_ps now(const struct run_group *g) { return flat_now(g->run->machine, g->cluster); }
static uint32_t below(struct run_group *g, uint32_t limit)
{
	return (uint32_t)((run_random(&g->random) >> 32) * limit >> 32);
}

/* ---- what it has ---- */

static struct held *place_for_one(const struct run_group *g)
{
	struct operations *o = g->operations;
	for (uint32_t i = 0; i < g->entry->random.holds; i++)
		if (!o->held[i].used && &o->held[i] != o->fresh)
			return &o->held[i];
	return NULL;
}

/* Any that fits, from a random one on; NULL: there is none. */
static struct held *any(struct run_group *g, bool (*fits)(const struct held *h))
{
	struct operations *o = g->operations;
	const uint32_t holds = g->entry->random.holds, from = below(g, holds);
	for (uint32_t i = 0; i < holds; i++) {
		struct held *h = &o->held[(from + i) % holds];
		if (h->used && fits(h))
			return h;
	}
	return NULL;
}
static bool is_any(const struct held *h) { return h->used; }
static bool is_first(const struct held *h) { return h->handle.first; }
static bool is_derived(const struct held *h) { return !h->handle.first; }
static bool is_untyped(const struct held *h) { return h->handle.kind == FLAT_UNTYPED; }

/* Its place is free again; the ledger knows when it ended. */
static void drop(struct run_group *g, struct held *h, step_ref name)
{
	struct operations *o = g->operations;
	ledger_end(&o->ledger, h->record, now(g));
	if (name.machine) {
		o->stale = *h;
		o->stale.handle.cap = name;
		o->stale.handle.cptr = 0;
	}
	h->used = false;
}

/* ---- what comes next ---- */

static bool call_on(struct operations *o, struct held *h, unsigned op, struct flat_call *call)
{
	o->about = h;
	o->name = h->handle.cap;
	call->op = (uint8_t)op;
	call->handle = &h->handle;
	return true;
}

static bool create(struct run_group *g, struct flat_call *call)
{
	struct operations *o = g->operations;
	o->fresh = place_for_one(g);
	if (!o->fresh)
		return false;
	call->op = FLAT_CAP_CREATE;
	call->handle = &o->none;
	call->fresh = &o->fresh->handle;
	call->kind = (uint8_t)(FLAT_ENDPOINT + (o->made++ + g->number) % (FLAT_KINDS - FLAT_ENDPOINT));
	call->word = CAPABILITY_RIGHTS;
	return true;
}

/* To another client of the entry, if there is one. */
static bool give(struct run_group *g, struct held *h, unsigned op, struct flat_call *call)
{
	struct operations *o = g->operations;
	const struct run_group *to = o->first + below(g, o->members);
	if (to == g || !h)
		return false;
	run_place_of(to, flat_event_time(g->run->machine, g->cluster), &call->cluster, &call->client);
	call->thread = run_name_of(to);
	call->label = ledger_name(&o->ledger, h->record);
	return call_on(o, h, op, call);
}

static bool derive(struct run_group *g, struct held *h, unsigned op, struct flat_call *call)
{
	struct operations *o = g->operations;
	o->fresh = place_for_one(g);
	if (!o->fresh || !h)
		return false;
	call->fresh = &o->fresh->handle;
	return call_on(o, h, op, call);
}

static bool mint(struct run_group *g, struct flat_call *call)
{
	struct held *h = any(g, is_any);
	const bool badge = h && (h->handle.kind == FLAT_ENDPOINT || h->handle.kind == FLAT_NOTIFICATION);
	call->word =
		below(g, CAPABILITY_RIGHTS + 1) | (badge ? (1 + below(g, 255)) << CAPABILITY_BADGE_SHIFT : 0);
	return derive(g, h, FLAT_CAP_MINT, call);
}

static bool retype(struct run_group *g, struct flat_call *call)
{
	call->kind = FLAT_FRAME;
	call->word = CAPABILITY_RIGHTS;
	return derive(g, any(g, is_untyped), FLAT_CAP_RETYPE, call);
}

static bool obtain(struct run_group *g, struct flat_call *call)
{
	struct operations *o = g->operations;
	o->fresh = place_for_one(g);
	if (!o->fresh || !o->offers)
		return false;
	o->taking = o->offer[--o->offers];
	call->op = FLAT_CAP_OBTAIN;
	call->handle = &o->taking;
	call->fresh = &o->fresh->handle;
	return true;
}

static bool use(struct run_group *g, struct flat_call *call)
{
	struct operations *o = g->operations;
	/* Not where fidelities are compared: a kernel refuses what a flat monitor asks its protocol. */
	const bool serial = g->run->scenario->order == SCENARIO_SERIAL;
	const bool stale = !serial && o->stale.record != NO_RECORD && below(g, 8) == 0;
	struct held *h = stale ? &o->stale : any(g, is_any);
	call->word = RIGHT_WRITE << below(g, 2);
	return h && call_on(o, h, FLAT_CAP_USE, call);
}

static bool simply(struct run_group *g, struct held *h, unsigned op, struct flat_call *call)
{
	return h && call_on(g->operations, h, op, call);
}

/* ---- threads ---- */

static bool move_thread(struct run_group *g, struct flat_call *call)
{
	const struct run *run = g->run;
	const struct run_group *who = &run->group[run->movable[below(g, run->movables)]];
	*call = (struct flat_call){.op = FLAT_THREAD_MOVE,
				   .thread = run_name_of(who),
				   .cluster = below(g, run->scenario->topology.clusters)};
	return true;
}

/* Calls go upwards only, so that no two threads wait for each other's replies. */
static bool call_thread(struct run_group *g, struct flat_call *call)
{
	const struct run *run = g->run;
	const struct run_group *who = &run->group[run->movable[below(g, run->movables)]];
	*call = (struct flat_call){.op = FLAT_THREAD_CALL, .thread = run_name_of(who)};
	return who > g;
}

static bool kill_thread(struct run_group *g, struct flat_call *call)
{
	const struct run *run = g->run;
	const struct run_group *who = &run->group[run->movable[below(g, run->movables)]];
	*call = (struct flat_call){.op = FLAT_THREAD_KILL, .thread = run_name_of(who)};
	return true;
}

static bool begin(struct run_group *g, enum scenario_operation kind, struct flat_call *call)
{
	switch (kind) {
	case SCENARIO_SEND:
		return give(g, any(g, is_any), FLAT_CAP_SEND, call);
	case SCENARIO_OFFER:
		return give(g, any(g, is_any), FLAT_CAP_OFFER, call);
	case SCENARIO_OBTAIN:
		return obtain(g, call);
	case SCENARIO_COPY:
		return derive(g, any(g, is_any), FLAT_CAP_COPY, call);
	case SCENARIO_MINT:
		return mint(g, call);
	case SCENARIO_MOVE:
		return give(g, any(g, is_derived), FLAT_CAP_MOVE, call);
	case SCENARIO_DELETE:
		return simply(g, any(g, is_derived), FLAT_CAP_DELETE, call);
	case SCENARIO_REVOKE:
		return simply(g, any(g, is_any), FLAT_CAP_REVOKE, call);
	case SCENARIO_RETYPE:
		return retype(g, call);
	case SCENARIO_QUERY:
		return simply(g, any(g, is_any), FLAT_CAP_QUERY, call);
	case SCENARIO_THREAD_MOVE:
		return move_thread(g, call);
	case SCENARIO_THREAD_CALL:
		return call_thread(g, call);
	case SCENARIO_THREAD_KILL:
		return kill_thread(g, call);
	default:
		return use(g, call);
	}
}

static enum scenario_operation draw(struct run_group *g)
{
	const struct operations *o = g->operations;
	uint64_t at = o->total ? run_random(&g->random) % o->total : 0;
	for (unsigned i = 0; i < SCENARIO_OPERATION_KINDS; i++) {
		if (at < g->entry->random.weight[i])
			return (enum scenario_operation)i;
		at -= g->entry->random.weight[i];
	}
	return SCENARIO_USE;
}

/* An operation that fits, and that the protocol has; if none is found, a use. */
static bool choose(struct run_group *g, struct flat_call *call)
{
	for (int i = 0; i < TRIES; i++) {
		*call = (struct flat_call){0};
		g->operations->fresh = NULL;
		if (begin(g, draw(g), call) && flat_serves(g->run->machine, call->op))
			return true;
	}
	*call = (struct flat_call){0};
	g->operations->fresh = NULL;
	return use(g, call) && flat_serves(g->run->machine, call->op);
}

/* Gives all back: what was derived from what it made goes first. */
static bool finish(struct run_group *g, struct flat_call *call)
{
	struct operations *o = g->operations;
	struct held *first = any(g, is_first), *h = first ? first : any(g, is_any);
	if (!h) {
		run_group_ended(g);
		return false;
	}
	const bool revoke = first && !h->revoked;
	h->revoked = true;
	return call_on(o, h, revoke ? FLAT_CAP_REVOKE : FLAT_CAP_DELETE, call);
}

static bool next(struct run_group *g, struct flat_call *call)
{
	struct operations *o = g->operations;
	*call = (struct flat_call){0};
	o->about = o->fresh = NULL;
	o->begun = now(g);
	if (g->killed)
		return false;
	if (o->spares) {
		o->leaving = o->spare[--o->spares];
		return call_on(o, &o->leaving, FLAT_CAP_DELETE, call);
	}
	if (o->made < g->entry->random.objects && create(g, call))
		return true;
	if (o->done < g->entry->random.count) {
		o->done++;
		run_group_done(g);
		if (choose(g, call))
			return true;
	}
	*call = (struct flat_call){0};
	o->fresh = NULL;
	return finish(g, call);
}

bool operations_next(struct run_group *g, struct flat_call *call)
{
	return g->operations->calling = next(g, call);
}

/* ---- a call is over ---- */

static void keep(struct run_group *g, struct held *h, ledger_label parent, bool moved)
{
	struct operations *o = g->operations;
	h->used = true;
	h->revoked = false;
	h->record = ledger_grant(&o->ledger, parent, h->handle.word, moved, now(g));
}

static void discard(struct run_group *g, struct held *h)
{
	if (h->used)
		flat_delete(g->run->machine, g->cluster, &h->handle);
	h->used = false;
}

static void discard_all(struct run_group *g)
{
	struct operations *o = g->operations;
	for (uint32_t i = 0; i < g->entry->random.holds; i++)
		discard(g, &o->held[i]);
	while (o->spares)
		discard(g, &o->spare[--o->spares]);
	discard(g, &o->leaving);
}

static void check_query(struct run_group *g, const struct flat_result *result)
{
	const struct held *h = g->operations->about;
	run_check_add(g, CHECK_ANSWERS, 1);
	if (result->kind != h->handle.kind)
		run_check_fail(g, CHECK_ANSWERS,
			       "cluster %u: a capability of kind %s is said to be of kind %s", g->cluster,
			       flat_kind_name[h->handle.kind], flat_kind_name[result->kind]);
}

static void ended_well(struct run_group *g, const struct flat_call *call, const struct flat_result *result)
{
	struct operations *o = g->operations;
	if (o->fresh)
		keep(g, o->fresh,
		     call->op == FLAT_CAP_CREATE   ? 0
		     : call->op == FLAT_CAP_OBTAIN ? o->taking.label
						   : ledger_name(&o->ledger, o->about->record),
		     false);
	if (call->op == FLAT_CAP_QUERY)
		check_query(g, result);
	/* What changed hands in one kernel has the same name at its new place: that is no stale one. */
	const bool near = call->op == FLAT_CAP_MOVE && call->cluster == g->cluster;
	if (call->op == FLAT_CAP_MOVE || call->op == FLAT_CAP_DELETE)
		drop(g, o->about, near ? STEP_NOBODY : o->name);
}

void operations_done(struct run_group *g, const struct flat_call *call, const struct flat_result *result)
{
	struct operations *o = g->operations;
	const bool done = !result->error;
	if (call->op == FLAT_CAP_USE)
		ledger_use(&o->ledger, o->about->record, call->word, o->begun, now(g), done);
	if (call->op == FLAT_CAP_REVOKE)
		ledger_revoke(&o->ledger, o->about->record, o->begun, now(g), done);
	if (done)
		ended_well(g, call, result);
	else if (call->op == FLAT_CAP_DELETE)
		drop(g, o->about, STEP_NOBODY); /* it was revoked before */
	else if (call->op == FLAT_CAP_MOVE && !o->about->handle.cap.machine)
		drop(g, o->about, STEP_NOBODY); /* its receiver was gone when it came */
	o->calling = false;
	if (g->killed)
		discard_all(g);
}

void operations_received(struct run_group *g, const struct flat_handle *handle)
{
	struct operations *o = g->operations;
	if (handle->offered) {
		o->offer[o->offers < OFFERS ? o->offers++ : below(g, OFFERS)] = *handle;
		return;
	}
	struct held came = {.handle = *handle}, *place = place_for_one(g);
	keep(g, &came, handle->label, handle->moved);
	if (g->killed) {
		discard(g, &came);
	} else if (place) {
		*place = came;
	} else {
		if (o->spares == o->spares_room) {
			o->spares_room = o->spares_room ? o->spares_room * 2 : 16;
			o->spare = realloc(o->spare, o->spares_room * sizeof *o->spare);
			SIM_CHECK(o->spare != NULL);
		}
		o->spare[o->spares++] = came;
	}
	flat_client_wake(g->run->machine, g->cluster, g->first_client);
}

/* Its kernel deletes all that it had, once the call that may be under way has ended. */
void operations_kill(struct run_group *g)
{
	if (g->killed)
		return;
	g->killed = true;
	if (!g->operations->calling)
		discard_all(g);
	run_group_ended(g);
}

/* ---- it moves, as a thread ---- */

struct flat_handle *operations_held(struct run_group *g, uint32_t number)
{
	struct operations *o = g->operations;
	const uint32_t holds = g->entry->random.holds;
	if (number < holds)
		return o->held[number].used ? &o->held[number].handle : &o->none;
	if (number - holds < o->spares)
		return &o->spare[number - holds].handle;
	number -= holds + o->spares;
	if (number < OFFERS)
		return number < o->offers ? &o->offer[number] : &o->none;
	return number == OFFERS ? &o->leaving.handle : number == OFFERS + 1 ? &o->taking : NULL;
}

static void renew(struct run_group *g, struct held *h)
{
	struct operations *o = g->operations;
	const uint32_t was = h->record;
	if (!h->handle.cap.machine)
		return;
	h->record = ledger_grant(&o->ledger, ledger_name(&o->ledger, was), h->handle.word, true, now(g));
	ledger_end(&o->ledger, was, now(g));
}

/* For the ledger it is as if it had moved each of its capabilities to itself. */
void operations_moved(struct run_group *g)
{
	struct operations *o = g->operations;
	for (uint32_t i = 0; i < g->entry->random.holds; i++)
		if (o->held[i].used)
			renew(g, &o->held[i]);
	for (uint32_t i = 0; i < o->spares; i++)
		renew(g, &o->spare[i]);
	renew(g, &o->leaving);
	o->stale.handle.cap = STEP_NOBODY; /* its old name is one of the old kernel's */
	if (o->about)
		o->name = o->about->handle.cap;
}

/* ---- when all is over ---- */

static bool keeps(const struct step_protocol *p, enum capability_promise promise)
{
	return !p->promises || p->promises[promise].kept;
}

void operations_final(struct run *run, struct run_group *first, uint32_t members)
{
	const struct ledger_promises promises = {.revoke = keeps(run->capability, CAPABILITY_P_REVOKE),
						 .selective = keeps(run->capability, CAPABILITY_P_SELECTIVE),
						 .rights = keeps(run->capability, CAPABILITY_P_RIGHTS)};
	struct ledger **part = calloc(members, sizeof *part);
	struct ledger_verdict v;
	SIM_CHECK(part != NULL);
	for (uint32_t i = 0; i < members; i++) {
		part[i] = &first[i].operations->ledger;
		part[i]->hostile = first[i].cluster + 1 == run->options.hostile;
	}
	SIM_CHECK(ledger_judge(part, members, &promises, &v) == 0);
	free(part);
	run_check_add(first, CHECK_REFUSED, v.refused);
	run_check_add(first, CHECK_USABLE, v.uses);
	for (uint64_t i = 0; i < v.bad_refused; i++)
		run_check_fail(first, CHECK_REFUSED, "%s", v.first_refused);
	for (uint64_t i = 0; i < v.bad_uses; i++)
		run_check_fail(first, CHECK_USABLE, "%s", v.first_use);
}
