/* capability/acks - known to be wrong: a revoke tells everybody and counts acknowledgements.
 *
 * The counter-example that every checker must find (Barrelfish technical note 013): A revokes while B sends
 * the capability to C; C acknowledges the revoke, then accepts the capability in flight. The revoke has
 * "finished", and C keeps a live copy.
 *
 * Assumes: reliable channels, first in first out between each pair. Invariant, violated:
 *  I1  when a revoke returns, no copy of the capability is usable. */
#include "ssi/protocols/protocols.h"

enum { CAP = 1, OP };
/* clang-format off */
#define CAP_FIELDS(REF, LIST, NODE, WORD, DATA) REF(parent)
#define OP_FIELDS(REF, LIST, NODE, WORD, DATA)  REF(client) REF(cap) LIST(peers)

#define EVENTS(E) CAPABILITY_CALLS(E) \
	E(GIVE,       REQUEST,  NONE) E(REVOKE, REQUEST,  NONE) E(DONE, REPLY, NONE) \
	E(LEND,       INTERNAL, NONE) E(CUT,    INTERNAL, NONE) E(OK,   INTERNAL, NONE)
#define CAP_STATES(X) X(FREE) X(LIVE)
#define OP_STATES(X)  X(IDLE) X(WAITING) X(CUTTING) X(COUNTING)
/* clang-format on */
STEP_LAYOUT(cap, CAP_FIELDS);
STEP_LAYOUT(op, OP_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(cap, CAP_STATES, CAP_FULL);
STEP_STATES(op, OP_STATES, OP_FULL);

/* There is one capability, and it has no name but "nobody": every kernel keeps its copy in slot 0. */
ACTION(cap, create) { self->parent = n->me; }
ACTION(cap, take) { self->parent = m->from; }
ACTION(cap, give)
{
	step_tell(n, STEP_BY_NAME(m->word, CAP), GIVE);
	step_tell(n, m->from, OK);
}
ACTION(cap, acknowledge) { step_tell(n, m->from, DONE); }
ACTION(cap, cut) { step_tell(n, m->from, OK); }

/* clang-format off */
static const struct step_cell cap_table[CAP_FULL + 1][EVENT_COUNT] = {
	/*    state  event     next  action       sends */
	STEP (FREE,  C_CREATE, LIVE, create,      0),
	STEP (FREE,  GIVE,     LIVE, take,        0),
	STEP (FREE,  REVOKE,   FREE, acknowledge, 1),
	STEP (LIVE,  GIVE,     LIVE, nothing,     0),
	STEP (LIVE,  REVOKE,   FREE, acknowledge, 1),
	STEP (LIVE,  LEND,     LIVE, give,        1),
	STEP (LIVE,  CUT,      FREE, cut,         0),
};
/* clang-format on */

ACTION(op, ask)
{
	self->client = m->from, self->cap = m->arg;
	step_tell(n, m->arg, LEND)->word = m->word;
}
ACTION(op, begin)
{
	self->client = m->from, self->cap = m->arg;
	step_tell(n, m->arg, CUT);
}
ACTION(op, tell_all)
{
	for (uint32_t i = 0; i < n->nodes; i++)
		if (i != n->id)
			step_add(n, &self->peers, STEP_BY_NAME(i, CAP));
	step_fanout(n, &self->peers, REVOKE);
}
ACTION(op, count) { step_remove(n, &self->peers, STEP_BY_NAME(m->from.node, CAP)); }
ACTION(op, finish) { step_complete(n, self->client, 0, self->cap); }

/* clang-format off */
static const struct step_cell op_table[OP_FULL + 1][EVENT_COUNT] = {
	STEP (IDLE,     C_DELEGATE, WAITING,  ask,      0),
	STEP (WAITING,  OK,         IDLE,     finish,   0),
	STEP (IDLE,     C_REVOKE,   CUTTING,  begin,    0),
	STEP (CUTTING,  OK,         COUNTING, tell_all, 0),
	STEP (COUNTING, DONE,       COUNTING, count,    0),
	STEP (COUNTING, E_EMPTY,    IDLE,     finish,   0),
};
/* clang-format on */

/* ---- what the checker explores ---- */

static bool is_live(const struct step_world *w, uint32_t node)
{
	const struct step_head *cap = step_at(&w->node[node], CAP, 0);
	return cap->state == LIVE;
}

static void begin_world(const struct step_world *w)
{
	step_raise(&w->node[0], STEP_BY_NAME(0, CAP), C_CREATE);
}

static uint32_t calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	uint32_t count = 0;
	if (!is_live(w, node))
		return 0;
	/* Nobody sends it back to kernel 0, which would be a shorter story but not the one in the note. */
	for (uint32_t to = 1; to < w->nodes && count < max; to++)
		if (to != node && !is_live(w, to))
			out[count++] = (struct step_msg){.event = C_DELEGATE,
							 .to = STEP_ANY(node, OP),
							 .arg = step_ref_of(&w->node[node], CAP, 0),
							 .word = to};
	if (!node && count < max)
		out[count++] = (struct step_msg){.event = C_REVOKE,
						 .to = STEP_ANY(node, OP),
						 .arg = step_ref_of(&w->node[node], CAP, 0)};
	return count;
}

static const char *completed(const struct step_world *w, uint32_t node, uint32_t result, step_ref arg)
{
	(void)result, (void)arg;
	if (w->call[node].event != C_REVOKE)
		return NULL;
	for (uint32_t i = 0; i < w->nodes; i++)
		if (is_live(w, i))
			return "I1: the revoke has returned and a copy is usable";
	return NULL;
}

static const struct step_model model = {.nodes = 3,
					.slots = {0, 1, 1},
					.flight = 2,
					.symmetric_from = 1,
					.begin = begin_world,
					.calls = calls,
					.completed = completed};

const struct step_protocol capability_acks = {
	.name = "capability/acks",
	.about = "known to be wrong: broadcast revoke that counts acknowledgements (for the checker to find)",
	.assumes = "reliable channels, FIFO between each pair",
	.invariants =
		(const char *const[]){"I1  when a revoke returns, no copy of the capability is usable", NULL},
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 3,
	.machine = {[CAP] = STEP_MACHINE(cap, cap_table, CAP_FULL, .usable = 1u << LIVE,
					 .rest = 1u << FREE | 1u << LIVE, .named = true),
		    [OP] = STEP_MACHINE(op, op_table, OP_FULL, .rest = 1u << IDLE)},
	.model = &model};
