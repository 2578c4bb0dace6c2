/* capability/tree - capabilities as one derivation tree over all kernels: obtain, delegate, delete, revoke.
 *
 * After SemperOS (USENIX ATC 2019). A representative knows its parent and its children, wherever they are;
 * "tell" is location-transparent, so local and remote children are alike. Messages between clusters: obtain 2,
 * delegate 3, delete 2, revoke 2 for each remote edge (docs/decisions/0003-revoke-in-two-messages.md).
 *
 * Ideas that remove the guards:
 *   - an operation in flight that will become a child IS a child (this is how a revoke reaches a delegation);
 *   - a root is its own parent;
 *   - deleting an inner node leaves it hollow: unusable, in the tree until its last child has gone.
 *
 * Assumes: reliable channels, first in first out between each pair. Invariants:
 *  I1  when a revoke returns, nothing that was derived from its capability before is usable, nor will be;
 *  I2  a usable capability is a child of its parent, or its parent is being revoked and will reach it;
 *  I3  at rest, edges match: a parent's children are exactly the machines that name it as parent. */
#include "ssi/protocols/protocols.h"

enum { CAP = TREE_CAP, OP = TREE_OP };
/* clang-format off */
#define CAP_FIELDS(REF, LIST, NODE, WORD, DATA) REF(parent) REF(op) LIST(kids) LIST(waiters)
#define OP_FIELDS(REF, LIST, NODE, WORD, DATA)  REF(client) REF(cap)

#define EVENTS(E) /* messages */ \
	E(OBTAIN,   REQUEST, NONE) E(GRANT,  REPLY,   NONE) E(DENY,    REPLY,   NONE) \
	E(DELEGATE, REQUEST, NONE) E(OFFER,  REPLY,   NONE) E(REFUSE,  REPLY,   NONE) \
	E(ACK,      REPLY,   NONE) E(CANCEL, REPLY,   NONE) \
	E(REVOKE,   FORWARD, NONE) E(DONE,   REPLY,   NONE) \
	E(REMOVE,   REPLY,   NONE) E(REMOVED, REPLY,  NONE) \
	/* on one node */ \
	E(START, INTERNAL, NONE) E(LEND, INTERNAL, NODE) E(ADOPT, INTERNAL, NONE) E(CUT, INTERNAL, NONE) \
	E(DROP, INTERNAL, NONE) E(QUIT, INTERNAL, NONE) E(OK, INTERNAL, NONE) E(FAIL, INTERNAL, NONE) \
	/* from clients */ \
	E(C_CREATE, CALL, NONE) E(C_OBTAIN, CALL, NONE) E(C_DELEGATE, CALL, NODE) \
	E(C_REVOKE, CALL, NONE) E(C_DELETE, CALL, NONE) E(C_RETIRE, CALL, NONE)

/* OBTAINING   waits for the donor             RESERVING   the kernel reserves a slot for a delegation
 * INSTALLING  the kernel makes the capability OFFERED     reserved; the donor decides
 * DOOMED      revoked while INSTALLING        LIVE        usable
 * REVOKING    its own revoke runs             FADING      hollow, and its own revoke runs
 * MARKED      an ancestor's revoke runs       HOLLOW      deleted, has children
 * LEAVING     waits for its parent to drop the edge */
#define CAP_STATES(X) X(FREE) X(OBTAINING) X(INSTALLING) X(DOOMED) X(RESERVING) X(OFFERED) \
	X(LIVE) X(HOLLOW) X(REVOKING) X(FADING) X(MARKED) X(LEAVING)
/* RETIRING: waits for the last child, so for other clients: it is at rest. */
#define OP_STATES(X) X(IDLE) X(WAITING) X(RETIRING) X(LENDING) X(ABORTING)
/* clang-format on */
STEP_LAYOUT(cap, CAP_FIELDS);
STEP_LAYOUT(op, OP_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(cap, CAP_STATES, CAP_FULL);
STEP_STATES(op, OP_STATES, OP_FULL);

/* A capability comes. */
ACTION(cap, create) { self->parent = n->me, step_complete(n, m->from, TREE_OK, n->me); }
ACTION(cap, no_slot) { step_complete(n, m->from, TREE_FAILED, STEP_NOBODY); }
ACTION(cap, ask)
{
	self->op = m->from, self->parent = m->arg;
	step_tell(n, m->arg, OBTAIN);
}
ACTION(cap, grant)
{
	step_add(n, &self->kids, m->from);
	step_tell(n, m->from, GRANT);
}
ACTION(cap, deny) { step_tell(n, m->from, DENY); }
ACTION(cap, install) { step_local(n, self, TREE_INSTALL, STEP_NOBODY); }
ACTION(cap, failed) { step_tell(n, self->op, FAIL); }
ACTION(cap, arrived)
{
	step_tell(n, self->op, OK);
	self->op = STEP_NOBODY; /* what nobody needs any more is not state */
}
ACTION(cap, gave_up)
{
	step_tell(n, self->op, FAIL);
	self->op = STEP_NOBODY;
	step_tell(n, self->parent, REMOVE);
}
ACTION(cap, doomed)
{
	step_tell(n, self->op, FAIL);
	step_tell(n, self->parent, DONE);
}
ACTION(cap, lend)
{
	step_add(n, &self->kids, m->from);
	step_tell(n, STEP_ANY(m->word, CAP), DELEGATE)->arg = m->from;
}
ACTION(cap, refuse) { step_tell(n, m->arg, REFUSE); }
ACTION(cap, fail) { step_tell(n, m->from, FAIL); }
ACTION(cap, reserve)
{
	self->parent = m->from, self->op = m->arg;
	step_local(n, self, TREE_RESERVE, STEP_NOBODY);
}
ACTION(cap, offer)
{
	step_tell(n, self->op, OFFER);
	self->op = STEP_NOBODY;
}
ACTION(cap, no_room) { step_tell(n, self->op, REFUSE); }
ACTION(cap, adopt) { step_replace(n, &self->kids, m->from, m->arg); }
/* A capability goes. */
ACTION(cap, mark) { step_fanout(n, &self->kids, REVOKE); }
ACTION(cap, mark_for)
{
	step_add(n, &self->waiters, m->from);
	step_fanout(n, &self->kids, REVOKE);
}
ACTION(cap, wait) { step_add(n, &self->waiters, m->from); }
ACTION(cap, unlink) { step_remove(n, &self->kids, m->from); }
ACTION(cap, let_go)
{
	step_remove(n, &self->kids, m->from);
	step_tell(n, m->from, REMOVED);
}
ACTION(cap, hollow)
{
	step_settle(n, &self->kids);
	step_tell(n, m->from, OK);
}
ACTION(cap, retire)
{
	step_add(n, &self->waiters, m->from);
	step_settle(n, &self->kids);
}
ACTION(cap, wake)
{
	self->kids.fan = 0;
	step_wake(n, &self->waiters, OK);
}
ACTION(cap, leave)
{
	step_wake(n, &self->waiters, OK);
	step_tell(n, self->parent, REMOVE);
}
ACTION(cap, done)
{
	step_wake(n, &self->waiters, OK);
	step_tell(n, self->parent, DONE);
}
ACTION(cap, part) { step_tell(n, m->from, REMOVED); }

/* clang-format off */
static const struct step_cell cap_table[CAP_FULL + 1][EVENT_COUNT] = {
	/*    state       event        next        action      sends */
	STEP (FREE,       C_CREATE,    LIVE,       create,     0),
	STEP (FREE,       START,       OBTAINING,  ask,        1),
	STEP (FREE,       DELEGATE,    RESERVING,  reserve,    0),
	STEP (CAP_FULL,   C_CREATE,    CAP_FULL,   no_slot,    0),
	STEP (CAP_FULL,   START,       CAP_FULL,   fail,       0),
	STEP (CAP_FULL,   DELEGATE,    CAP_FULL,   refuse,     1),

	STEP (OBTAINING,  GRANT,       INSTALLING, install,    0),
	STEP (OBTAINING,  DENY,        FREE,       failed,     0),
	STEP (INSTALLING, E_LOCAL_OK,  LIVE,       arrived,    0),
	STEP (INSTALLING, E_LOCAL_ERR, LEAVING,    gave_up,    1),
	STEP (INSTALLING, REVOKE,      DOOMED,     nothing,    0),    /* answered when the kernel is done */
	STEP (DOOMED,     E_LOCAL_OK,  FREE,       doomed,     1),
	STEP (DOOMED,     E_LOCAL_ERR, FREE,       doomed,     1),

	STEP (RESERVING,  E_LOCAL_OK,  OFFERED,    offer,      1),
	STEP (RESERVING,  E_LOCAL_ERR, FREE,       no_room,    1),
	STEP (OFFERED,    ACK,         LIVE,       nothing,    0),
	STEP (OFFERED,    CANCEL,      FREE,       nothing,    0),

	STEP (LIVE,       OBTAIN,      LIVE,       grant,      1),
	STEP (LIVE,       LEND,        LIVE,       lend,       1),
	STEP (LIVE,       E_EMPTY,     LIVE,       nothing,    0),
	STEP (LIVE,       DROP,        HOLLOW,     hollow,     0),
	STEP (LIVE,       QUIT,        HOLLOW,     retire,     0),
	STEP (LIVE,       CUT,         REVOKING,   mark_for,   0),
	STEP (LIVE,       REVOKE,      MARKED,     mark,       0),

	STEP (HOLLOW,     CUT,         FADING,     mark_for,   0),
	STEP (HOLLOW,     REVOKE,      MARKED,     mark,       0),
	STEP (HOLLOW,     E_EMPTY,     LEAVING,    leave,      1),

	STEP (REVOKING,   CUT,         REVOKING,   wait,       0),
	STEP (REVOKING,   REVOKE,      MARKED,     nothing,    0),    /* the overlapping revoke waits for ours */
	STEP (REVOKING,   E_EMPTY,     LIVE,       wake,       0),
	STEP (REVOKING,   DROP,        FADING,     wait,       0),
	STEP (REVOKING,   QUIT,        FADING,     wait,       0),

	STEP (FADING,     CUT,         FADING,     wait,       0),
	STEP (FADING,     REVOKE,      MARKED,     nothing,    0),
	STEP (FADING,     E_EMPTY,     LEAVING,    leave,      1),

	STEP (MARKED,     CUT,         MARKED,     wait,       0),
	STEP (MARKED,     DROP,        MARKED,     wait,       0),
	STEP (MARKED,     QUIT,        MARKED,     wait,       0),
	STEP (MARKED,     E_EMPTY,     FREE,       done,       1),

	STEP (LEAVING,    REMOVED,     FREE,       nothing,    0),
	STEP (LEAVING,    REVOKE,      FREE,       done,       1),    /* it crossed our REMOVE */
	STEP (LEAVING,    REMOVE,      LEAVING,    part,       0),    /* a root, from itself */

	/* Who is not usable refuses its would-be users. */
#define UNUSABLE FREE, OBTAINING, INSTALLING, DOOMED, RESERVING, OFFERED, LEAVING
	STAY (OBTAIN, deny,   1, UNUSABLE, HOLLOW, REVOKING, FADING, MARKED),
	STAY (LEND,   fail,   0, UNUSABLE, HOLLOW, REVOKING, FADING, MARKED),
	STAY (DROP,   fail,   0, UNUSABLE, HOLLOW, FADING),
	STAY (QUIT,   fail,   0, UNUSABLE, HOLLOW, FADING),
	STAY (CUT,    fail,   0, UNUSABLE),
	/* Who leaves a set of children, in every state that has one. */
	STAY (DONE,   unlink, 0, LIVE, HOLLOW, REVOKING, FADING, MARKED),
	STAY (ADOPT,  adopt,  0, LIVE, HOLLOW, REVOKING, FADING, MARKED),
	STAY (REMOVE, let_go, 1, LIVE, HOLLOW),
	STAY (REMOVE, nothing, 0, REVOKING, FADING, MARKED),          /* its REVOKE is under way, or will be */
};
/* clang-format on */

/* A client's call. */
ACTION(op, c_obtain)
{
	self->client = m->from;
	step_tell(n, STEP_ANY(n->id, CAP), START)->arg = m->arg;
}
ACTION(op, c_delegate)
{
	self->client = m->from, self->cap = m->arg;
	step_tell(n, m->arg, LEND)->word = m->word;
}
ACTION(op, c_revoke)
{
	self->client = m->from, self->cap = m->arg;
	step_tell(n, m->arg, CUT);
}
ACTION(op, c_delete)
{
	self->client = m->from, self->cap = m->arg;
	step_tell(n, m->arg, DROP);
}
ACTION(op, c_retire)
{
	self->client = m->from, self->cap = m->arg;
	step_tell(n, m->arg, QUIT);
}
ACTION(op, busy) { step_complete(n, m->from, TREE_FAILED, STEP_NOBODY); }
ACTION(op, succeed) { step_complete(n, self->client, TREE_OK, m->from); }
ACTION(op, give_up) { step_complete(n, self->client, TREE_FAILED, STEP_NOBODY); }
ACTION(op, confirm)
{
	step_tell(n, self->cap, ADOPT)->arg = m->from;
	step_tell(n, m->from, ACK);
	step_complete(n, self->client, TREE_OK, m->from);
}
ACTION(op, refused)
{
	step_tell(n, self->cap, DONE);
	step_complete(n, self->client, TREE_FAILED, STEP_NOBODY);
}
ACTION(op, cancel)
{
	step_tell(n, m->from, CANCEL);
	step_tell(n, self->cap, DONE);
	step_complete(n, self->client, TREE_FAILED, STEP_NOBODY);
}

/* clang-format off */
static const struct step_cell op_table[OP_FULL + 1][EVENT_COUNT] = {
	STEP (IDLE,       C_OBTAIN,    WAITING,    c_obtain,   0),
	STEP (IDLE,       C_DELEGATE,  LENDING,    c_delegate, 0),
	STEP (IDLE,       C_REVOKE,    WAITING,    c_revoke,   0),
	STEP (IDLE,       C_DELETE,    WAITING,    c_delete,   0),
	STEP (IDLE,       C_RETIRE,    RETIRING,   c_retire,   0),
	STAY (C_OBTAIN,   busy, 0, OP_FULL),
	STAY (C_DELEGATE, busy, 0, OP_FULL),
	STAY (C_REVOKE,   busy, 0, OP_FULL),
	STAY (C_DELETE,   busy, 0, OP_FULL),
	STAY (C_RETIRE,   busy, 0, OP_FULL),
	STEP (WAITING,    OK,          IDLE,       succeed,    0),
	STEP (WAITING,    FAIL,        IDLE,       give_up,    0),
	STEP (RETIRING,   OK,          IDLE,       succeed,    0),
	STEP (RETIRING,   FAIL,        IDLE,       give_up,    0),
	STEP (LENDING,    FAIL,        IDLE,       give_up,    0),
	STEP (LENDING,    OFFER,       IDLE,       confirm,    1),
	STEP (LENDING,    REFUSE,      IDLE,       refused,    0),
	STEP (LENDING,    REVOKE,      ABORTING,   nothing,    0),
	STEP (ABORTING,   OFFER,       IDLE,       cancel,     1),
	STEP (ABORTING,   REFUSE,      IDLE,       refused,    0),
};
/* clang-format on */

/* ---- what the checker explores, and what must hold ---- */

static struct cap *cap_of(const struct step_world *w, step_ref r) { return step_lookup(&w->node[r.node], r); }
static bool usable(const struct cap *c) { return c && c->head.state == LIVE; }
static bool is_root(const struct cap *c, step_ref self) { return step_same(c->parent, self); }

static void begin_world(const struct step_world *w) { step_raise(&w->node[0], STEP_ANY(0, CAP), C_CREATE); }

/* What a client may do with a capability of its own kernel, in whatever state that is: a name that is not usable any
 * more, or not yet, must fail. */
static uint32_t calls_at_home(const struct step_world *w, step_ref r, const struct cap *c, bool more,
			      struct step_msg *out)
{
	uint32_t count = 0;
	for (uint32_t to = 0; to < w->nodes && more && usable(c); to++)
		if (to != r.node)
			out[count++] = (struct step_msg){.event = C_DELEGATE, .arg = r, .word = to};
	if (!usable(c)) { /* fails wherever it is to go */
		out[count++] = (struct step_msg){.event = C_DELEGATE, .arg = r, .word = r.node};
		out[count++] = (struct step_msg){.event = C_OBTAIN, .arg = r};
	}
	out[count++] = (struct step_msg){.event = C_REVOKE, .arg = r};
	if (!usable(c) || !is_root(c, r))
		out[count++] = (struct step_msg){.event = C_DELETE, .arg = r};
	if (!usable(c) || is_root(c, r))
		out[count++] = (struct step_msg){.event = C_RETIRE, .arg = r};
	return count;
}

/* Capabilities, and delegations that may make one. */
static uint32_t caps_of(const struct step_world *w)
{
	uint32_t count = 0;
	for (uint32_t b = 0; b < w->nodes; b++) {
		const struct step_node *n = &w->node[b];
		for (uint32_t i = 0; i < n->pool[CAP].used; i++)
			count += ((const struct cap *)step_at(n, CAP, i))->head.state != FREE;
		for (uint32_t i = 0; i < n->pool[OP].used; i++)
			count += ((const struct op *)step_at(n, OP, i))->head.state == LENDING;
	}
	return count;
}

static bool is_full(const struct step_node *n)
{
	for (uint32_t i = 0; i < n->pool[CAP].slots; i++)
		if (((const struct cap *)step_at(n, CAP, i))->head.state == FREE)
			return false;
	return true;
}

/* A usable capability can be obtained by anybody who knows its name. No call starts that makes another one where
 * there are twice as many as a kernel has slots: the next larger configuration has some hundred times the
 * states. There is one root: C_CREATE is called only where it must fail. */
static uint32_t calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	const bool more = caps_of(w) < 2 * w->node[0].pool[CAP].slots;
	uint32_t count = 0;
	for (uint32_t b = 0; b < w->nodes; b++) {
		const struct step_node *n = &w->node[b];
		for (uint32_t i = 0; i < n->pool[CAP].slots; i++) {
			const struct cap *c = step_at(n, CAP, i);
			step_ref r = step_ref_of(n, CAP, i);
			if (count + w->nodes + 6 > max)
				return count;
			if (usable(c) && more)
				out[count++] = (struct step_msg){.event = C_OBTAIN, .arg = r};
			if (b == node)
				count += calls_at_home(w, r, c, more, out + count);
		}
	}
	for (uint32_t i = 0; i < count; i++)
		out[i].to = STEP_ANY(node, OP);
	if (count < max && is_full(&w->node[node]))
		out[count++] = (struct step_msg){.event = C_CREATE, .to = STEP_ANY(node, CAP)};
	return count;
}

/* Whether `c` (named r) was derived, over any number of edges, from x. */
static bool derives(const struct step_world *w, const struct cap *c, step_ref r, step_ref x)
{
	for (int depth = 0; c && depth < 16 && !is_root(c, r); depth++) {
		r = c->parent, c = cap_of(w, r);
		if (step_same(r, x))
			return true;
	}
	return false;
}

static const char *
each_cap(const struct step_world *w,
	 const char *(*look)(const struct step_world *, const struct cap *, step_ref, step_ref), step_ref x)
{
	for (uint32_t b = 0; b < w->nodes; b++)
		for (uint32_t i = 0; i < w->node[b].pool[CAP].used; i++) {
			const struct cap *c = step_at(&w->node[b], CAP, i);
			const char *why =
				c->head.state ? look(w, c, step_ref_of(&w->node[b], CAP, i), x) : NULL;
			if (why)
				return why;
		}
	return NULL;
}

static const char *look_confined(const struct step_world *w, const struct cap *c, step_ref r, step_ref x)
{
	/* What is reserved or offered may still wait for its CANCEL; if it became usable after all, I2 would fail. */
	bool coming = c->head.state == INSTALLING;
	return (usable(c) || coming) && derives(w, c, r, x)
		       ? "I1: the revoke has returned and what was derived from its capability is usable"
		       : NULL;
}

static const char *completed(const struct step_world *w, uint32_t node, uint32_t result, step_ref arg)
{
	(void)arg;
	/* A descendant may be derived anew the moment the revoke ends, but not in the step that ends it. */
	return w->call[node].event == C_REVOKE && result == TREE_OK
		       ? each_cap(w, look_confined, w->call[node].arg)
		       : NULL;
}

static const char *look_linked(const struct step_world *w, const struct cap *c, step_ref r, step_ref x)
{
	(void)x;
	if (!usable(c) || is_root(c, r))
		return NULL;
	const struct cap *parent = cap_of(w, c->parent);
	return parent && step_is_member(&w->node[c->parent.node], &parent->kids, r)
		       ? NULL
		       : "I2: a usable capability is unknown to its parent";
}
static const char *always(const struct step_world *w) { return each_cap(w, look_linked, STEP_NOBODY); }

static const char *look_edges(const struct step_world *w, const struct cap *c, step_ref r, step_ref x)
{
	(void)x;
	const struct step_node *n = &w->node[r.node];
	for (uint32_t i = c->kids.first; i; i = n->link[i - 1].next) {
		const struct cap *kid = cap_of(w, n->link[i - 1].member);
		if (!kid || !step_same(kid->parent, r))
			return "I3: at rest, a parent lists a child that is not its own";
	}
	return c->waiters.count && c->head.state != HOLLOW ? "I3: at rest, somebody waits for ever" : NULL;
}
static const char *at_rest(const struct step_world *w) { return each_cap(w, look_edges, STEP_NOBODY); }

static const struct step_model model = {.nodes = 3,
					.slots = {0, 2, 1},
					.flight = 2,
					.symmetric_from = 1,
					.local_errors = true,
					.begin = begin_world,
					.calls = calls,
					.completed = completed,
					.always = always,
					.at_rest = at_rest};

const struct tree_calls tree_calls = {C_CREATE, C_OBTAIN, C_DELEGATE, C_REVOKE, C_DELETE, C_RETIRE};

const struct step_protocol capability_tree = {
	.name = "capability/tree",
	.about = "one derivation tree over all kernels: obtain, delegate, delete, revoke (after SemperOS)",
	.assumes = "reliable channels, FIFO between each pair",
	.invariants =
		(const char *const[]){
			"I1  when a revoke returns, nothing that was derived from its capability before is "
			"usable, nor will be",
			"I2  a usable capability is a child of its parent",
			"I3  at rest, a parent's children are exactly the machines that name it as parent",
			NULL},
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 3,
	.machine = {[CAP] = STEP_MACHINE(cap, cap_table, CAP_FULL, .usable = 1u << LIVE,
					 .rest = 1u << FREE | 1u << LIVE | 1u << HOLLOW),
		    [OP] = STEP_MACHINE(op, op_table, OP_FULL, .rest = 1u << IDLE | 1u << RETIRING)},
	.model = &model};
