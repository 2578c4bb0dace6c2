/* capability/tree - capabilities as one derivation tree over all kernels.
 *
 * After SemperOS (USENIX ATC 2019). A representative knows its parent and its children, wherever they are;
 * "tell" is location-transparent, so local and remote children are alike. Messages between clusters: obtain 2,
 * delegate and move 3, delete 2 to a remote parent, revoke 2 for each remote edge
 * (docs/decisions/0003-revoke-in-two-messages.md); copy, mint, retype, query and use 0.
 *
 * Ideas that remove the guards:
 *   - an operation in flight that will become a child IS a child (this is how a revoke reaches a delegation);
 *   - a root is its own parent;
 *   - deleting an inner node leaves it hollow: unusable, in the tree until its last child has gone;
 *   - copies, mints and retypes are delegations to the own kernel; a move is one that leaves its source hollow.
 *
 * Assumes: reliable channels, first in first out between each pair. Invariants:
 *  I1  a usable capability is a child of its parent, or its parent is being revoked and will reach it;
 *  I2  at rest, edges match: a parent's children are exactly the machines that name it as parent;
 *  and the promises of the family (skerry/capability.h). Memory is retyped wherever a capability for it is. */
#include "ssi/protocols/protocols.h"

enum { CAP = CAPABILITY_CAP, OP = CAPABILITY_OP };
/* clang-format off */
#define CAP_FIELDS(REF, LIST, NODE, WORD, DATA) \
	REF(parent) REF(object) REF(op) WORD(word) LIST(kids) LIST(waiters)
#define OP_FIELDS(REF, LIST, NODE, WORD, DATA)  REF(client) REF(cap)

#define EVENTS(E) CAPABILITY_CALLS(E) /* messages */ \
	E(OBTAIN,   REQUEST, NONE) E(GRANT,  REPLY,   WORD) E(DENY,    REPLY,   NONE) \
	E(DELEGATE, REQUEST, WORD) E(OFFER,  REPLY,   NONE) E(REFUSE,  REPLY,   NONE) \
	E(ACK,      REPLY,   NONE) E(CANCEL, REPLY,   NONE) \
	E(REVOKE,   FORWARD, NONE) E(DONE,   REPLY,   NONE) \
	E(REMOVE,   REPLY,   NONE) E(REMOVED, REPLY,  NONE) \
	/* on one node */ \
	E(START, INTERNAL, NONE) E(LEND, INTERNAL, NODE) E(TRIM, INTERNAL, WORD) E(SPLIT, INTERNAL, WORD) \
	E(RETYPE, INTERNAL, WORD) E(ADOPT, INTERNAL, NONE) E(CUT, INTERNAL, NONE) E(DROP, INTERNAL, NONE) \
	E(QUIT, INTERNAL, NONE) E(LOOK, INTERNAL, NONE) E(TOUCH, INTERNAL, WORD) E(TOLD, INTERNAL, WORD) \
	E(OK, INTERNAL, NONE) E(FAIL, INTERNAL, NONE)

/* OBTAINING   waits for the donor             RESERVING   the kernel reserves a slot for a delegation
 * INSTALLING  the kernel makes the capability OFFERED     reserved; the donor decides
 * DOOMED      revoked while INSTALLING        LIVE        usable
 * REVOKING    its own revoke runs             FADING      hollow, and its own revoke runs
 * MARKED      an ancestor's revoke runs       HOLLOW      deleted, has children
 * LEAVING     waits for its parent to drop the edge */
#define CAP_STATES(X) X(FREE) X(OBTAINING) X(INSTALLING) X(DOOMED) X(RESERVING) X(OFFERED) \
	X(LIVE) X(HOLLOW) X(REVOKING) X(FADING) X(MARKED) X(LEAVING)
/* RETIRING    waits for the last child, so for other clients: it is at rest
 * LENDING     a child of its source           MOVING      the same, and the source is to go
 * ABORTING    revoked while it was one        MOVED       waits for the source to be hollow */
#define OP_STATES(X) X(IDLE) X(WAITING) X(RETIRING) X(LENDING) X(MOVING) X(ABORTING) X(MOVED)
/* clang-format on */
STEP_LAYOUT(cap, CAP_FIELDS);
STEP_LAYOUT(op, OP_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(cap, CAP_STATES, CAP_FULL);
STEP_STATES(op, OP_STATES, OP_FULL);

/* A capability comes. The operation `op` is a child until the new capability takes its place. */
static void offer_child(struct step_node *n, struct cap *self, step_ref op, uint32_t to, uint32_t word)
{
	step_add(n, &self->kids, op);
	struct step_msg *m = step_tell(n, STEP_ANY(to, CAP), DELEGATE);
	m->arg = op, m->word = word;
}
ACTION(cap, create)
{
	self->parent = self->object = n->me, self->word = m->word;
	step_complete(n, m->from, CAPABILITY_OK, n->me);
}
ACTION(cap, no_slot) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(cap, ask)
{
	self->op = m->from, self->parent = m->arg;
	step_tell(n, m->arg, OBTAIN);
}
ACTION(cap, grant)
{
	step_add(n, &self->kids, m->from);
	struct step_msg *grant = step_tell(n, m->from, GRANT);
	grant->arg = self->object, grant->word = self->word;
}
ACTION(cap, deny) { step_tell(n, m->from, DENY); }
ACTION(cap, install)
{
	self->object = m->arg, self->word = m->word;
	step_local(n, self, CAPABILITY_INSTALL, STEP_NOBODY);
}
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
ACTION(cap, lend) { offer_child(n, self, m->from, (uint32_t)m->word, self->word); }
ACTION(cap, lend_less) { offer_child(n, self, m->from, n->id, capability_diminish(self->word, m->word)); }
ACTION(cap, split)
{
	step_add(n, &self->kids, m->from);
	struct step_msg *retype = step_tell(n, STEP_ANY(n->id, CAP), RETYPE);
	retype->arg = m->from, retype->word = m->word;
}
ACTION(cap, refuse) { step_tell(n, m->arg, REFUSE); }
ACTION(cap, fail) { step_tell(n, m->from, FAIL); }
ACTION(cap, reserve)
{
	self->op = m->arg, self->word = m->word;
	step_local(n, self, CAPABILITY_RESERVE, STEP_NOBODY);
}
ACTION(cap, retype)
{
	self->op = m->arg, self->word = m->word;
	step_local(n, self, CAPABILITY_TAKE_MEMORY, m->from);
}
ACTION(cap, offer)
{
	step_tell(n, self->op, OFFER);
	self->op = STEP_NOBODY;
}
ACTION(cap, no_room) { step_tell(n, self->op, REFUSE); }
ACTION(cap, accept) { self->parent = m->from, self->object = m->arg; }
ACTION(cap, adopt)
{
	step_replace(n, &self->kids, m->from, m->arg);
	step_tell(n, m->arg, ACK)->arg = self->object;
}
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
/* And what it is. */
ACTION(cap, show) { step_tell(n, m->from, TOLD)->arg = self->object; }
ACTION(cap, touch)
{
	step_tell(n, m->from, TOLD)->word = m->word & ~self->word ? CAPABILITY_FAILED : CAPABILITY_OK;
}

/* clang-format off */
static const struct step_cell cap_table[CAP_FULL + 1][EVENT_COUNT] = {
	/*    state       event        next        action      sends */
	STEP (FREE,       C_CREATE,    LIVE,       create,     0),
	STEP (FREE,       START,       OBTAINING,  ask,        1),
	STEP (FREE,       DELEGATE,    RESERVING,  reserve,    0),
	STEP (FREE,       RETYPE,      RESERVING,  retype,     0),
	STEP (CAP_FULL,   C_CREATE,    CAP_FULL,   no_slot,    0),
	STEP (CAP_FULL,   START,       CAP_FULL,   fail,       0),
	STEP (CAP_FULL,   DELEGATE,    CAP_FULL,   refuse,     1),
	STEP (CAP_FULL,   RETYPE,      CAP_FULL,   refuse,     0),

	STEP (OBTAINING,  GRANT,       INSTALLING, install,    0),
	STEP (OBTAINING,  DENY,        FREE,       failed,     0),
	STEP (INSTALLING, E_LOCAL_OK,  LIVE,       arrived,    0),
	STEP (INSTALLING, E_LOCAL_ERR, LEAVING,    gave_up,    1),
	STEP (INSTALLING, REVOKE,      DOOMED,     nothing,    0),    /* answered when the kernel is done */
	STEP (DOOMED,     E_LOCAL_OK,  FREE,       doomed,     1),
	STEP (DOOMED,     E_LOCAL_ERR, FREE,       doomed,     1),

	STEP (RESERVING,  E_LOCAL_OK,  OFFERED,    offer,      1),
	STEP (RESERVING,  E_LOCAL_ERR, FREE,       no_room,    1),
	STEP (OFFERED,    ACK,         LIVE,       accept,     0),
	STEP (OFFERED,    CANCEL,      FREE,       nothing,    0),

	STEP (LIVE,       OBTAIN,      LIVE,       grant,      1),
	STEP (LIVE,       LEND,        LIVE,       lend,       1),
	STEP (LIVE,       TRIM,        LIVE,       lend_less,  0),
	STEP (LIVE,       SPLIT,       LIVE,       split,      0),
	STEP (LIVE,       LOOK,        LIVE,       show,       0),
	STEP (LIVE,       TOUCH,       LIVE,       touch,      0),
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
#define NOT_USABLE UNUSABLE, HOLLOW, REVOKING, FADING, MARKED
	STAY (LEND,   fail,   0, NOT_USABLE),
	STAY (TRIM,   fail,   0, NOT_USABLE),
	STAY (SPLIT,  fail,   0, NOT_USABLE),
	STAY (LOOK,   fail,   0, NOT_USABLE),
	STAY (TOUCH,  fail,   0, NOT_USABLE),
	STAY (DROP,   fail,   0, UNUSABLE, HOLLOW, FADING),
	STAY (QUIT,   fail,   0, UNUSABLE, HOLLOW, FADING),
	STAY (CUT,    fail,   0, UNUSABLE),
	/* Who leaves a set of children, in every state that has one. */
	STAY (DONE,   unlink, 0, LIVE, HOLLOW, REVOKING, FADING, MARKED),
	STAY (ADOPT,  adopt,  1, LIVE, HOLLOW, REVOKING, FADING, MARKED),
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
/* `event` is for the capability that the call is about. */
static struct step_msg *begin(struct step_node *n, struct op *self, const struct step_msg *m, unsigned event)
{
	self->client = m->from, self->cap = m->arg;
	return step_tell(n, m->arg, event);
}
ACTION(op, c_delegate) { begin(n, self, m, LEND)->word = m->word; }
ACTION(op, c_copy) { begin(n, self, m, LEND)->word = n->id; }
ACTION(op, c_mint) { begin(n, self, m, TRIM)->word = m->word; }
ACTION(op, c_retype) { begin(n, self, m, SPLIT)->word = m->word; }
ACTION(op, c_revoke) { begin(n, self, m, CUT); }
ACTION(op, c_delete) { begin(n, self, m, DROP); }
ACTION(op, c_retire) { begin(n, self, m, QUIT); }
ACTION(op, c_query) { begin(n, self, m, LOOK); }
ACTION(op, c_use) { begin(n, self, m, TOUCH)->word = m->word; }
ACTION(op, busy) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(op, succeed) { step_complete(n, self->client, CAPABILITY_OK, m->from); }
ACTION(op, give_up) { step_complete(n, self->client, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(op, answer) { step_complete(n, self->client, m->word, m->arg); }
ACTION(op, confirm)
{
	step_tell(n, self->cap, ADOPT)->arg = m->from;
	step_complete(n, self->client, CAPABILITY_OK, m->from);
}
ACTION(op, confirm_move)
{
	step_tell(n, self->cap, ADOPT)->arg = m->from;
	step_tell(n, self->cap, DROP);
	self->cap = m->from;
}
ACTION(op, moved) { step_complete(n, self->client, CAPABILITY_OK, self->cap); }
ACTION(op, refused)
{
	step_tell(n, self->cap, DONE);
	step_complete(n, self->client, CAPABILITY_FAILED, STEP_NOBODY);
}
ACTION(op, cancel)
{
	step_tell(n, m->from, CANCEL);
	step_tell(n, self->cap, DONE);
	step_complete(n, self->client, CAPABILITY_FAILED, STEP_NOBODY);
}

/* clang-format off */
static const struct step_cell op_table[OP_FULL + 1][EVENT_COUNT] = {
	STEP (IDLE,       C_OBTAIN,    WAITING,    c_obtain,   0),
	STEP (IDLE,       C_DELEGATE,  LENDING,    c_delegate, 0),
	STEP (IDLE,       C_COPY,      LENDING,    c_copy,     0),
	STEP (IDLE,       C_MINT,      LENDING,    c_mint,     0),
	STEP (IDLE,       C_MOVE,      MOVING,     c_delegate, 0),
	STEP (IDLE,       C_DELETE,    WAITING,    c_delete,   0),
	STEP (IDLE,       C_REVOKE,    WAITING,    c_revoke,   0),
	STEP (IDLE,       C_RETYPE,    LENDING,    c_retype,   0),
	STEP (IDLE,       C_QUERY,     WAITING,    c_query,    0),
	STEP (IDLE,       C_USE,       WAITING,    c_use,      0),
	STEP (IDLE,       C_RETIRE,    RETIRING,   c_retire,   0),
	CAPABILITY_BUSY(OP_FULL, busy),
	STEP (WAITING,    OK,          IDLE,       succeed,    0),
	STEP (WAITING,    FAIL,        IDLE,       give_up,    0),
	STEP (WAITING,    TOLD,        IDLE,       answer,     0),
	STEP (RETIRING,   OK,          IDLE,       succeed,    0),
	STEP (RETIRING,   FAIL,        IDLE,       give_up,    0),
	STEP (LENDING,    FAIL,        IDLE,       give_up,    0),
	STEP (LENDING,    OFFER,       IDLE,       confirm,    0),
	STEP (LENDING,    REFUSE,      IDLE,       refused,    0),
	STEP (LENDING,    REVOKE,      ABORTING,   nothing,    0),
	STEP (MOVING,     FAIL,        IDLE,       give_up,    0),
	STEP (MOVING,     OFFER,       MOVED,      confirm_move, 0),
	STEP (MOVING,     REFUSE,      IDLE,       refused,    0),
	STEP (MOVING,     REVOKE,      ABORTING,   nothing,    0),
	STEP (MOVED,      OK,          IDLE,       moved,      0),
	STEP (MOVED,      FAIL,        IDLE,       moved,      0),    /* somebody deleted the source meanwhile */
	STEP (ABORTING,   OFFER,       IDLE,       cancel,     1),
	STEP (ABORTING,   REFUSE,      IDLE,       refused,    0),
};
/* clang-format on */

/* ---- what must hold beyond what the family promises ---- */

static struct cap *cap_of(const struct step_world *w, step_ref r) { return step_lookup(&w->node[r.node], r); }

static const char *each_cap(const struct step_world *w,
			    const char *(*look)(const struct step_world *, const struct cap *, step_ref))
{
	for (uint32_t b = 0; b < w->nodes; b++)
		for (uint32_t i = 0; i < w->node[b].pool[CAP].used; i++) {
			const struct cap *c = step_at(&w->node[b], CAP, i);
			const char *why = c->head.state ? look(w, c, step_ref_of(&w->node[b], CAP, i)) : NULL;
			if (why)
				return why;
		}
	return NULL;
}

static const char *look_linked(const struct step_world *w, const struct cap *c, step_ref r)
{
	if (c->head.state != LIVE || step_same(c->parent, r))
		return NULL;
	const struct cap *parent = cap_of(w, c->parent);
	return parent && step_is_member(&w->node[c->parent.node], &parent->kids, r)
		       ? NULL
		       : "I1: a usable capability is unknown to its parent";
}
static const char *always(const struct step_world *w)
{
	const char *why = capability_model_always(w);
	return why ? why : each_cap(w, look_linked);
}

static const char *look_edges(const struct step_world *w, const struct cap *c, step_ref r)
{
	const struct step_node *n = &w->node[r.node];
	for (uint32_t i = c->kids.first; i; i = n->link[i - 1].next) {
		const struct cap *kid = cap_of(w, n->link[i - 1].member);
		if (!kid || !step_same(kid->parent, r))
			return "I2: at rest, a parent lists a child that is not its own";
	}
	return c->waiters.count && c->head.state != HOLLOW ? "I2: at rest, somebody waits for ever" : NULL;
}
static const char *at_rest(const struct step_world *w)
{
	const char *why = capability_model_at_rest(w);
	return why ? why : each_cap(w, look_edges);
}

static const struct step_model model = {
	CAPABILITY_MODEL(always, at_rest),
	.slots = {0, 2, 1},
	/* Two clients of a kernel use one capability at the same time; and find no slot for their calls. */
	.also =
		(const struct step_also[]){
			{.nodes = 2, .clients = 2, .flight = 3, .capabilities = 2, .slots = {[OP] = 2}},
			{.nodes = 2, .clients = 2, .flight = 3, .capabilities = 2},
			{0}},
};
static const struct step_promise promises[] = CAPABILITY_PROMISES_LIST(true, true, true, true, false, true);

const struct step_protocol capability_tree = {
	.name = "capability/tree",
	.about = "one derivation tree over all kernels (after SemperOS)",
	.assumes = "reliable channels, FIFO between each pair",
	.invariants = (const char *const[]){"I1  a usable capability is a child of its parent",
					    "I2  at rest, a parent's children are exactly the machines that "
					    "name it as parent",
					    NULL},
	.promises = promises,
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 3,
	.machine = {[CAP] = STEP_MACHINE(cap, cap_table, CAP_FULL, .usable = 1u << LIVE,
					 .rest = 1u << FREE | 1u << LIVE | 1u << HOLLOW),
		    [OP] = STEP_MACHINE(op, op_table, OP_FULL, .rest = 1u << IDLE | 1u << RETIRING)},
	.model = &model};
