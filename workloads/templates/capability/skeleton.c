/* capability/skeleton - capabilities that are handed out from one place, and taken back there.
 *
 * A first capability knows its copies, wherever they are. A copy is asked for at the first capability, and is never
 * copied on. Messages between kernels: obtain 2, delegate 4 (an invitation to obtain, and the answer), delete 1 (0 for
 * a first capability), revoke 2 for each copy.
 *
 * Assumes: reliable channels, first in first out between each pair. Invariant of its own, beside what the family's
 * protocols promise (<skerry/capability.h>):
 *  I1  a usable copy is known to its first capability.
 *
 * How to read it, from top to bottom: what a machine remembers; the events; the states; the actions, which never ask for
 * the state; the table, which says in which state an event runs which action; and what must hold. */
#include <skerry/capability.h>
#include <skerry/plugin.h>

/* A capability is a slot of machine CAP on the kernel of its holder, a client's call in flight a slot of machine OP. */
enum { CAP = CAPABILITY_CAP, OP = CAPABILITY_OP };
/* clang-format off */
/* object: the first capability. word: rights. source: whom a copy asks. op: the call that waits for it. */
#define CAP_FIELDS(REF, LIST, NODE, WORD, DATA) REF(object) WORD(word) REF(source) REF(op) LIST(copies) LIST(waiters)
#define OP_FIELDS(REF, LIST, NODE, WORD, DATA)  REF(client)

/* The family's calls come first. A message to another kernel is a request, a forward or a reply. */
#define EVENTS(E) CAPABILITY_CALLS(E) \
	E(INVITE, REQUEST,  NONE) /* become a copy of `from`, for the call `arg` */ \
	E(OBTAIN, REQUEST,  NONE) E(GRANT, REPLY, WORD) E(DENY, REPLY, NONE) \
	E(REVOKE, FORWARD,  NONE) \
	E(GONE,   REPLY,    NONE) /* a copy is usable no more: deleted or revoked */ \
	E(ANSWER, REPLY,    WORD) /* to a call: enum capability_result */ \
	/* on one kernel, from a call to its capability */ \
	E(START,  INTERNAL, NONE) E(LEND, INTERNAL, NODE) E(CUT, INTERNAL, NONE) E(DROP, INTERNAL, NONE) \
	E(CHECK,  INTERNAL, WORD)

/* RESERVING  the local kernel looks for a slot    FIRST    made by C_CREATE; has copies
 * ASKING     waits for GRANT or DENY              CUTTING  the same, while its revoke runs
 * COPY       usable                               HOLLOW   a first one that was deleted; some copies are left */
#define CAP_STATES(X) X(FREE) X(RESERVING) X(ASKING) X(COPY) X(FIRST) X(CUTTING) X(HOLLOW)
#define OP_STATES(X)  X(IDLE) X(WAITING)
/* clang-format on */
STEP_LAYOUT(cap, CAP_FIELDS);
STEP_LAYOUT(op, OP_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(cap, CAP_STATES, CAP_FULL);
STEP_STATES(op, OP_STATES, OP_FULL);

static void answer(struct step_node *n, step_ref op, enum capability_result result)
{
	step_tell(n, op, ANSWER)->word = result;
}

/* ---- a capability ---- */

ACTION(cap, create)
{
	self->object = n->me, self->word = m->word;
	step_complete(n, m->from, CAPABILITY_OK, n->me);
}
ACTION(cap, no_slot) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
/* It becomes a copy: the kernel reserves a slot, then the first capability is asked. */
ACTION(cap, start)
{
	self->op = m->from, self->source = m->arg;
	step_local(n, self, CAPABILITY_RESERVE, self->source);
}
ACTION(cap, invited)
{
	self->op = m->arg, self->source = m->from;
	step_local(n, self, CAPABILITY_RESERVE, self->source);
}
ACTION(cap, ask) { step_tell(n, self->source, OBTAIN); }
ACTION(cap, take)
{
	self->object = m->from, self->word = m->word;
	answer(n, self->op, CAPABILITY_OK);
	self->op = STEP_NOBODY; /* what nobody needs any more is not state */
}
ACTION(cap, give_up) { answer(n, self->op, CAPABILITY_FAILED); }
/* It is asked for copies. */
ACTION(cap, grant)
{
	step_add(n, &self->copies, m->from);
	step_tell(n, m->from, GRANT)->word = self->word;
}
ACTION(cap, deny) { step_tell(n, m->from, DENY); }
ACTION(cap, lend) { step_tell(n, STEP_ANY(m->word, CAP), INVITE)->arg = m->from; }
ACTION(cap, turn_down) { answer(n, m->arg, CAPABILITY_FAILED); }
ACTION(cap, forget) { step_remove(n, &self->copies, m->from); }
/* It is used, deleted, revoked. */
ACTION(cap, check) { answer(n, m->from, m->word & ~self->word ? CAPABILITY_FAILED : CAPABILITY_OK); }
ACTION(cap, refuse) { answer(n, m->from, CAPABILITY_FAILED); }
ACTION(cap, agree) { answer(n, m->from, CAPABILITY_OK); }
ACTION(cap, leave) { step_tell(n, self->source, GONE); }
ACTION(cap, drop)
{
	answer(n, m->from, CAPABILITY_OK);
	step_tell(n, self->source, GONE);
}
ACTION(cap, hollow)
{
	answer(n, m->from, CAPABILITY_OK);
	step_settle(n, &self->copies);
}
ACTION(cap, cut)
{
	step_add(n, &self->waiters, m->from);
	step_fanout(n, &self->copies, REVOKE);
}
ACTION(cap, wait) { step_add(n, &self->waiters, m->from); }
ACTION(cap, wake)
{
	self->copies.fan = 0;
	step_wake(n, &self->waiters, ANSWER); /* its word is 0: CAPABILITY_OK */
}

/* clang-format off */
static const struct step_cell cap_table[CAP_FULL + 1][EVENT_COUNT] = {
	/*    state      event        next       action     sends: messages to other kernels, at most */
	STEP (FREE,      C_CREATE,    FIRST,     create,    0),
	STEP (FREE,      START,       RESERVING, start,     0),
	STEP (FREE,      INVITE,      RESERVING, invited,   0),
	STEP (CAP_FULL,  C_CREATE,    CAP_FULL,  no_slot,   0),
	STEP (CAP_FULL,  START,       CAP_FULL,  refuse,    0),
	STEP (CAP_FULL,  INVITE,      CAP_FULL,  turn_down, 1),

	STEP (RESERVING, E_LOCAL_OK,  ASKING,    ask,       1),
	STEP (RESERVING, E_LOCAL_ERR, FREE,      give_up,   1),
	STEP (ASKING,    GRANT,       COPY,      take,      1),
	STEP (ASKING,    DENY,        FREE,      give_up,   1),

	STEP (COPY,      CUT,         COPY,      agree,     0),    /* nothing is derived from a copy */
	STEP (COPY,      DROP,        FREE,      drop,      1),
	STEP (COPY,      REVOKE,      FREE,      leave,     1),
	STEP (FREE,      REVOKE,      FREE,      nothing,   0),    /* our GONE is under way */

	STEP (FIRST,     OBTAIN,      FIRST,     grant,     1),
	STEP (FIRST,     LEND,        FIRST,     lend,      1),
	STEP (FIRST,     CUT,         CUTTING,   cut,       0),
	STEP (FIRST,     DROP,        HOLLOW,    hollow,    0),
	STEP (FIRST,     E_EMPTY,     FIRST,     nothing,   0),

	STEP (CUTTING,   CUT,         CUTTING,   wait,      0),
	STEP (CUTTING,   DROP,        HOLLOW,    hollow,    0),
	STEP (CUTTING,   E_EMPTY,     FIRST,     wake,      0),
	STEP (HOLLOW,    E_EMPTY,     FREE,      wake,      0),

	STAY (GONE,      forget, 0, FIRST, CUTTING, HOLLOW),
	STAY (CHECK,     check,  0, COPY, FIRST, CUTTING),
	/* Who is not usable refuses its would-be users; who is not a first capability, or is being revoked, lends nothing. */
#define UNUSABLE FREE, RESERVING, ASKING, HOLLOW
	STAY (OBTAIN,    deny,   1, UNUSABLE, COPY, CUTTING),
	STAY (LEND,      refuse, 0, UNUSABLE, COPY, CUTTING),
	STAY (CUT,       refuse, 0, UNUSABLE),
	STAY (DROP,      refuse, 0, UNUSABLE),
	STAY (CHECK,     refuse, 0, UNUSABLE),
};
/* clang-format on */

/* ---- a client's call ---- */

ACTION(op, c_obtain)
{
	self->client = m->from;
	step_tell(n, STEP_ANY(n->id, CAP), START)->arg = m->arg;
}
ACTION(op, c_delegate)
{
	self->client = m->from;
	step_tell(n, m->arg, LEND)->word = m->word;
}
ACTION(op, c_revoke)
{
	self->client = m->from;
	step_tell(n, m->arg, CUT);
}
ACTION(op, c_delete)
{
	self->client = m->from;
	step_tell(n, m->arg, DROP);
}
ACTION(op, c_use)
{
	self->client = m->from;
	step_tell(n, m->arg, CHECK)->word = m->word;
}
ACTION(op, finish) { step_complete(n, self->client, m->word, m->from); }
ACTION(op, busy) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }

/* clang-format off */
static const struct step_cell op_table[OP_FULL + 1][EVENT_COUNT] = {
	STEP (IDLE,    C_OBTAIN,   WAITING, c_obtain,   0),
	STEP (IDLE,    C_DELEGATE, WAITING, c_delegate, 0),
	STEP (IDLE,    C_REVOKE,   WAITING, c_revoke,   0),
	STEP (IDLE,    C_DELETE,   WAITING, c_delete,   0),
	STEP (IDLE,    C_USE,      WAITING, c_use,      0),
	STEP (WAITING, ANSWER,     IDLE,    finish,     0),
	STAY (C_OBTAIN,   busy, 0, OP_FULL),
	STAY (C_DELEGATE, busy, 0, OP_FULL),
	STAY (C_REVOKE,   busy, 0, OP_FULL),
	STAY (C_DELETE,   busy, 0, OP_FULL),
	STAY (C_USE,      busy, 0, OP_FULL),
};
/* clang-format on */

/* ---- what must hold: what the family promises, and I1 ---- */

static const char *always(const struct step_world *w)
{
	for (uint32_t b = 0; b < w->nodes; b++)
		for (uint32_t i = 0; i < w->node[b].pool[CAP].used; i++) {
			const struct cap *copy = step_at(&w->node[b], CAP, i);
			if (copy->head.state != COPY)
				continue;
			const struct cap *first = step_lookup(&w->node[copy->source.node], copy->source);
			if (!first || !step_is_member(&w->node[copy->source.node], &first->copies,
						      step_ref_of(&w->node[b], CAP, i)))
				return "I1: a usable copy is unknown to its first capability";
		}
	return capability_model_always(w);
}

static const struct step_model model = {CAPABILITY_MODEL(always, capability_model_at_rest),
					.slots = {0, 2, 1}};

/* revoke, selective, confinement, rights, exclusive, reclaim: true is verified; for false, the checker shows why. */
static const struct step_promise promises[] = CAPABILITY_PROMISES_LIST(true, true, true, true, true, true);

static const struct step_protocol capability_skeleton = {
	.name = "capability/skeleton",
	.about = "capabilities that are handed out from one place, and taken back there",
	.assumes = "reliable channels, FIFO between each pair",
	.invariants = (const char *const[]){"I1  a usable copy is known to its first capability", NULL},
	.promises = promises,
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 3,
	.machine = {[CAP] = STEP_MACHINE(cap, cap_table, CAP_FULL,
					 .usable = 1u << COPY | 1u << FIRST | 1u << CUTTING,
					 .rest = 1u << FREE | 1u << COPY | 1u << FIRST | 1u << HOLLOW),
		    [OP] = STEP_MACHINE(op, op_table, OP_FULL, .rest = 1u << IDLE)},
	.model = &model};
STEP_PLUGIN(capability_skeleton);
