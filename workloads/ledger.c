#include "workloads/ledger.h"
#include <errno.h>
#include <skerry/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim/check.h"

void ledger_init(struct ledger *l, uint32_t part) { *l = (struct ledger){.part = part}; }

void ledger_fini(struct ledger *l)
{
	free(l->record);
	free(l->event);
	*l = (struct ledger){0};
}

static void grow(void **array, uint32_t count, uint32_t *room, size_t size)
{
	if (count < *room)
		return;
	*room = *room ? *room * 2 : 64;
	*array = realloc(*array, *room * size);
	SIM_CHECK(*array != NULL);
}

uint32_t ledger_grant(struct ledger *l, ledger_label parent, uint32_t word, bool moved, sim_ps at)
{
	grow((void **)&l->record, l->records, &l->records_room, sizeof *l->record);
	l->record[l->records] = (struct ledger_record){
		.parent = parent, .granted = at, .ended = SIM_PS_NEVER, .word = word, .moved = moved};
	return l->records++;
}

void ledger_end(struct ledger *l, uint32_t record, sim_ps at)
{
	struct ledger_record *r = &l->record[record];
	r->ended = r->ended == SIM_PS_NEVER ? at : r->ended;
}

static void event_add(struct ledger *l, struct ledger_event event)
{
	grow((void **)&l->event, l->events, &l->events_room, sizeof *l->event);
	l->event[l->events++] = event;
}

void ledger_use(struct ledger *l, uint32_t record, uint32_t rights, sim_ps begin, sim_ps end, bool done)
{
	event_add(l, (struct ledger_event){record, rights, begin, end, false, done});
}

void ledger_revoke(struct ledger *l, uint32_t record, sim_ps begin, sim_ps end, bool done)
{
	event_add(l, (struct ledger_event){record, 0, begin, end, true, done});
}

/* ---- judging ---- */

struct revoke {
	const struct ledger_record *of;
	sim_ps begin, end;
	uint32_t next; /* another of the same capability, + 1 */
};
struct judge {
	struct ledger *const *part;
	uint32_t parts, revokes;
	struct revoke *revoke;
	const struct ledger_promises *promises;
	struct ledger_verdict *verdict;
};

static struct ledger_record *record_of(const struct judge *j, ledger_label label)
{
	const uint32_t part = (uint32_t)(label >> 32);
	return part && part <= j->parts ? &j->part[part - 1]->record[(uint32_t)label] : NULL;
}

/* What a capability was before it moved, at the place where it was derived. */
static struct ledger_record *first_place(const struct judge *j, struct ledger_record *r)
{
	while (r->moved && record_of(j, r->parent))
		r = record_of(j, r->parent);
	return r;
}

static void collect(struct judge *j, struct ledger *l)
{
	for (uint32_t i = 0; i < l->events; i++) {
		const struct ledger_event *e = &l->event[i];
		if (!e->revoke || !e->done)
			continue;
		struct ledger_record *r = &l->record[e->record], *first = first_place(j, r);
		j->revoke[j->revokes++] = (struct revoke){r, e->begin, e->end, first->revokes};
		first->revokes = j->revokes;
	}
}

struct finding {
	bool dead, disturbed; /* it had to be refused; a revoke may have reached it */
};

/* What the revokes of an ancestor say. `below`: what is next to it on the way to the capability that is used. */
static void look_at(const struct judge *j, const struct ledger_record *ancestor,
		    const struct ledger_record *first, const struct ledger_record *below,
		    const struct ledger_event *use, struct finding *out)
{
	for (uint32_t i = first->revokes; i; i = j->revoke[i - 1].next) {
		const struct revoke *r = &j->revoke[i - 1];
		out->disturbed |= r->begin <= use->end;
		out->dead |= r->of == ancestor && !below->moved && below->granted <= r->begin &&
			     use->begin > r->end;
	}
}

static struct finding find(const struct judge *j, struct ledger_record *self, const struct ledger_event *use)
{
	struct finding out = {.dead = use->begin > self->ended, .disturbed = use->end >= self->ended};
	const struct ledger_record *same = first_place(j, self);
	for (struct ledger_record *below = self, *r; (r = record_of(j, below->parent)); below = r) {
		const struct ledger_record *first = first_place(j, r);
		if (first != same)
			look_at(j, r, first, below, use, &out);
	}
	return out;
}

static void complain(char first[200], uint64_t *count, const struct ledger *l, const struct ledger_event *use,
		     const char *what)
{
	if (!(*count)++)
		snprintf(first, 200,
			 "client %u: capability %u: a use that began at %llu ns and ended at %llu ns %s",
			 l->part, use->record, (unsigned long long)use->begin / 1000,
			 (unsigned long long)use->end / 1000, what);
}

static void judge_use(struct judge *j, const struct ledger *l, const struct ledger_event *use)
{
	struct ledger_verdict *v = j->verdict;
	struct ledger_record *self = &l->record[use->record];
	const struct finding f = find(j, self, use);
	const bool lacks = (use->rights & ~self->word & CAPABILITY_RIGHTS) != 0;
	if ((f.dead && j->promises->revoke) || (lacks && j->promises->rights)) {
		v->refused++;
		if (use->done)
			complain(v->first_refused, &v->bad_refused, l, use,
				 lacks ? "succeeded without the right"
				       : "succeeded after what it was derived from was revoked, or it was "
					 "deleted");
	} else if (!f.dead && !f.disturbed && !lacks && j->promises->selective) {
		v->uses++;
		if (!use->done)
			complain(v->first_use, &v->bad_uses, l, use,
				 "was refused, and nobody had revoked it");
	}
}

static struct ledger_record *object_of(const struct judge *j, struct ledger_record *r)
{
	for (struct ledger_record *up; (up = record_of(j, r->parent));)
		r = up;
	return r;
}

static void taint(const struct judge *j)
{
	for (uint32_t i = 0; i < j->parts; i++)
		for (uint32_t k = 0; j->part[i]->hostile && k < j->part[i]->records; k++)
			object_of(j, &j->part[i]->record[k])->tainted = true;
}

int ledger_judge(struct ledger *const *part, uint32_t count, const struct ledger_promises *promises,
		 struct ledger_verdict *out)
{
	struct judge j = {.part = part, .parts = count, .promises = promises, .verdict = out};
	size_t events = 1;
	*out = (struct ledger_verdict){0};
	for (uint32_t i = 0; i < count; i++)
		events += part[i]->events;
	j.revoke = calloc(events, sizeof *j.revoke);
	if (!j.revoke)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		collect(&j, part[i]);
	taint(&j);
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t k = 0; k < part[i]->events; k++)
			if (!part[i]->event[k].revoke &&
			    !object_of(&j, &part[i]->record[part[i]->event[k].record])->tainted)
				judge_use(&j, part[i], &part[i]->event[k]);
	free(j.revoke);
	return 0;
}
