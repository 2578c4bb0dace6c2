/* capability/central - one directory server, on kernel 0, that knows every capability and every derivation.
 *
 * The honest baseline: simple, right and slow. Kernels keep representatives only; whatever makes, moves or takes away a
 * capability is a request to the server, which is the bottleneck that it looks like. Messages between kernels, where
 * the server is on none of those that take part (a message from a kernel to itself is none):
 *
 *     create 2   copy, mint, retype 2   obtain 3   delegate, move 4   delete, retire 2   query, use 0
 *     revoke 2, and 2 for each representative that goes
 *
 * Use and query are local: a revoke waits until every representative has confirmed that it is no more, so a
 * representative that is there authorises. To ask the server at each use would save these confirmations and pay for it
 * with two messages a use, of which there are many more. An obtain goes by way of the kernel that has the source: a
 * capability's name is that kernel's, and only there is known which entry it means.
 *
 * Ideas that remove the guards:
 *   - a new entry asks its parent what it is for; the parent adds it before anybody hears of it;
 *   - a condemned entry adds its representative to its children: who is to confirm is one set;
 *   - a first capability's entry is its own parent;
 *   - a move changes an entry's holder, so what was derived from it stays derived from it;
 *   - while the server answers a representative, its kernel's calls stall there and others' requests are denied. So an
 *     entry that is busy gets no request.
 *
 * Assumes: reliable channels, first in first out between each pair. Invariants:
 *  I1  a usable representative has an entry that names it as its holder, or waits for its kernel to say so;
 *  I2  at rest, live entries and usable representatives are one to one and agree on object and word;
 *  I3  at rest, edges match: an entry's children are exactly the entries that name it as parent;
 *  I4  only a condemned entry waits for a representative to go, and a hollow one tells nobody to go;
 *  and the promises of the family (skerry/capability.h). Memory is retyped wherever a capability for it is. */
#include "ssi/protocols/protocols.h"

enum { CAP = CAPABILITY_CAP, OP = CAPABILITY_OP, ENTRY = CAPABILITY_OWN };
enum { SERVER = 0 }; /* its kernel */
/* clang-format off */
#define CAP_FIELDS(REF, LIST, NODE, WORD, DATA)   REF(object) REF(entry) REF(client) WORD(word)
#define OP_FIELDS(REF, LIST, NODE, WORD, DATA)    REF(client)
#define ENTRY_FIELDS(REF, LIST, NODE, WORD, DATA) REF(parent) REF(holder) REF(object) WORD(word) LIST(kids)

#define EVENTS(E) CAPABILITY_CALLS(E) /* to the server */ \
	E(REGISTER, REQUEST, WORD) E(DERIVE, FORWARD, WORD) E(CARVE,   FORWARD, WORD) E(LEND,  REQUEST, NODE) \
	E(MOVE,     REQUEST, NODE) E(CUT,    REQUEST, NONE) E(DROP,    REQUEST, NONE) E(QUIT,  REQUEST, NONE) \
	E(ACCEPT,   REPLY,   NONE) E(REFUSE, REPLY,   NONE) E(GONE,    REPLY,   NONE) \
	/* from the server */ \
	E(GRANT,    REPLY,   WORD) E(DENY,   REPLY,   NONE) E(LENT,    REPLY,   NONE) E(MOVED, REPLY,   NONE) \
	E(STAYS,    REPLY,   NONE) E(CLEAR,  REPLY,   NONE) E(DROPPED, REPLY,   NONE) \
	E(OFFER,    FORWARD, WORD) E(KILL,   FORWARD, NONE) \
	/* to the kernel that has the source */ \
	E(OBTAIN,   REQUEST, NONE) E(MINT,   REQUEST, WORD) E(RETYPE,  REQUEST, WORD) \
	/* on one node. A new one: from is its source, arg who waits */ \
	E(START, INTERNAL, NONE) E(START_LESS, INTERNAL, WORD) E(START_NEW, INTERNAL, WORD) \
	E(START_AWAY, INTERNAL, NODE) E(ASK, INTERNAL, NONE) E(TELL, INTERNAL, WORD)

/* RESERVING   the kernel reserves a slot  MINTING    the same, to ask for less  CARVING  it takes memory from the source
 * WAITING     for the server              ACCEPTING  the kernel installs what the server offers
 * LIVE        usable                      REVOKING   usable, and its revoke runs
 * MOVING      waits whether it has moved  LEAVING    deleted
 * RETIRING    waits for the last child, so for other clients: it is at rest */
#define CAP_STATES(X) X(FREE) X(RESERVING) X(MINTING) X(CARVING) X(WAITING) X(ACCEPTING) \
	X(LIVE) X(REVOKING) X(MOVING) X(LEAVING) X(RETIRING)
/* Only who delegates has to wait beside the capability. */
#define OP_STATES(X) X(IDLE) X(LENDING)
/* BORN        asks its parent             CARVED     the same, for memory with a word of its own
 * AWAY        the same, for another kernel
 * OFFERED     the receiver decides; holder is who delegates  DOOMED  and an ancestor's revoke runs
 * HELD        has a representative        CLEARING   and its own revoke runs
 * PASSING     the receiver decides about a move           UPROOTED  and an ancestor's revoke runs
 * ENDING      retires                     HOLLOW     deleted, has children
 * CONDEMNED   an ancestor's revoke runs: waits for its children and its holder */
#define ENTRY_STATES(X) X(NONE) X(BORN) X(CARVED) X(AWAY) X(OFFERED) X(DOOMED) X(HELD) X(CLEARING) \
	X(PASSING) X(UPROOTED) X(ENDING) X(HOLLOW) X(CONDEMNED)
/* clang-format on */
STEP_LAYOUT(cap, CAP_FIELDS);
STEP_LAYOUT(op, OP_FIELDS);
STEP_LAYOUT(entry, ENTRY_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(cap, CAP_STATES, CAP_FULL);
STEP_STATES(op, OP_STATES, OP_FULL);
STEP_STATES(entry, ENTRY_STATES, ENTRY_FULL);

/* ---- a representative ---- */

/* It comes. Until the server has granted it, `entry` is the source and `word` what is asked for. */
ACTION(cap, create)
{
	self->client = m->from;
	step_tell(n, STEP_ANY(SERVER, ENTRY), REGISTER)->word = m->word;
}
static void wait_for(struct cap *self, const struct step_msg *m)
{
	self->entry = m->from, self->client = m->arg, self->word = m->word;
}
ACTION(cap, reserve)
{
	wait_for(self, m);
	step_local(n, self, CAPABILITY_RESERVE, STEP_NOBODY);
}
ACTION(cap, take_memory)
{
	wait_for(self, m);
	step_local(n, self, CAPABILITY_TAKE_MEMORY, m->from);
}
static struct step_msg *ask_source(struct step_node *n, struct cap *self, unsigned event)
{
	struct step_msg *out = step_tell(n, self->entry, event);
	out->word = self->word;
	self->word = 0, self->entry = STEP_NOBODY; /* what nobody needs any more is not state */
	return out;
}
ACTION(cap, ask) { ask_source(n, self, OBTAIN); }
ACTION(cap, ask_less) { ask_source(n, self, MINT); }
ACTION(cap, ask_new) { ask_source(n, self, RETYPE); }
static void become(struct cap *self, const struct step_msg *m)
{
	self->entry = m->from, self->object = m->arg, self->word = m->word;
}
static void finish(struct step_node *n, struct cap *self, uint32_t result)
{
	step_complete(n, self->client, result, n->me);
	self->client = STEP_NOBODY;
}
ACTION(cap, granted)
{
	become(self, m);
	finish(n, self, CAPABILITY_OK);
}
ACTION(cap, install)
{
	become(self, m);
	step_local(n, self, CAPABILITY_INSTALL, STEP_NOBODY);
}
ACTION(cap, accept) { step_tell(n, self->entry, ACCEPT); }
ACTION(cap, refuse) { step_tell(n, self->entry, REFUSE); }
ACTION(cap, no_room) { step_tell(n, m->from, REFUSE); }
ACTION(cap, fail) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(cap, fail_start) { step_complete(n, m->arg, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(cap, failed) { finish(n, self, CAPABILITY_FAILED); }
ACTION(cap, deny) { step_tell(n, m->from, DENY); }
/* Another is to derive from it, which the server does. */
static void derive(struct step_node *n, const struct cap *self, const struct step_msg *m, unsigned event,
		   uint32_t word)
{
	struct step_msg *out = step_tell(n, self->entry, event);
	out->arg = m->from, out->word = word;
}
ACTION(cap, derive_same) { derive(n, self, m, DERIVE, self->word); }
ACTION(cap, derive_less) { derive(n, self, m, DERIVE, m->word); }
ACTION(cap, derive_new) { derive(n, self, m, CARVE, m->word); }
ACTION(cap, lend)
{
	struct step_msg *out = step_tell(n, self->entry, LEND);
	out->from = m->from, out->word = m->word;
}
/* A new one here: what the server will be asked is known, but the kernel comes first. */
static void start(struct step_node *n, const struct step_msg *m, unsigned event)
{
	struct step_msg *out = step_tell(n, STEP_ANY(n->id, CAP), event);
	out->arg = m->from, out->word = m->word;
}
ACTION(cap, start_same) { start(n, m, START); }
ACTION(cap, start_less) { start(n, m, START_LESS); }
ACTION(cap, start_new) { start(n, m, START_NEW); }
/* It goes, or what was derived from it. */
static struct step_msg *request(struct step_node *n, struct cap *self, const struct step_msg *m,
				unsigned event)
{
	self->client = m->from;
	return step_tell(n, self->entry, event);
}
ACTION(cap, move) { request(n, self, m, MOVE)->word = m->word; }
ACTION(cap, cut) { request(n, self, m, CUT); }
ACTION(cap, drop) { request(n, self, m, DROP); }
ACTION(cap, quit) { request(n, self, m, QUIT); }
ACTION(cap, moved) { step_complete(n, self->client, CAPABILITY_OK, m->arg); }
ACTION(cap, done) { finish(n, self, CAPABILITY_OK); }
ACTION(cap, die) { step_tell(n, self->entry, GONE); }
ACTION(cap, die_failed)
{
	step_tell(n, self->entry, GONE);
	finish(n, self, CAPABILITY_FAILED);
}
ACTION(cap, die_done)
{
	step_tell(n, self->entry, GONE);
	finish(n, self, CAPABILITY_OK);
}
/* And what it is. */
ACTION(cap, show) { step_complete(n, m->from, CAPABILITY_OK, self->object); }
ACTION(cap, use)
{
	const bool enough = !(m->word & ~self->word & CAPABILITY_RIGHTS);
	step_complete(n, m->from, enough ? CAPABILITY_OK : CAPABILITY_FAILED, n->me);
}

/* clang-format off */
static const struct step_cell cap_table[CAP_FULL + 1][EVENT_COUNT] = {
	/*    state       event        next        action       sends */
	STEP (FREE,       C_CREATE,    WAITING,    create,      1),
	STEP (FREE,       START,       RESERVING,  reserve,     0),
	STEP (FREE,       START_LESS,  MINTING,    reserve,     0),
	STEP (FREE,       START_NEW,   CARVING,    take_memory, 0),
	STEP (FREE,       OFFER,       ACCEPTING,  install,     0),
	STEP (CAP_FULL,   C_CREATE,    CAP_FULL,   fail,        0),
	STEP (CAP_FULL,   START,       CAP_FULL,   fail_start,  0),
	STEP (CAP_FULL,   START_LESS,  CAP_FULL,   fail_start,  0),
	STEP (CAP_FULL,   START_NEW,   CAP_FULL,   fail_start,  0),
	STEP (CAP_FULL,   OFFER,       CAP_FULL,   no_room,     1),

	STEP (RESERVING,  E_LOCAL_OK,  WAITING,    ask,         1),
	STEP (RESERVING,  E_LOCAL_ERR, FREE,       failed,      0),
	STEP (MINTING,    E_LOCAL_OK,  WAITING,    ask_less,    1),
	STEP (MINTING,    E_LOCAL_ERR, FREE,       failed,      0),
	STEP (CARVING,    E_LOCAL_OK,  WAITING,    ask_new,     1),
	STEP (CARVING,    E_LOCAL_ERR, FREE,       failed,      0),
	STEP (WAITING,    GRANT,       LIVE,       granted,     0),
	STEP (WAITING,    DENY,        FREE,       failed,      0),
	STEP (ACCEPTING,  E_LOCAL_OK,  LIVE,       accept,      1),
	STEP (ACCEPTING,  E_LOCAL_ERR, FREE,       refuse,      1),

	STEP (LIVE,       OBTAIN,      LIVE,       derive_same, 1),
	STEP (LIVE,       MINT,        LIVE,       derive_less, 1),
	STEP (LIVE,       RETYPE,      LIVE,       derive_new,  1),
	STEP (LIVE,       C_DELEGATE,  LIVE,       lend,        1),
	STEP (LIVE,       C_COPY,      LIVE,       start_same,  0),
	STEP (LIVE,       C_MINT,      LIVE,       start_less,  0),
	STEP (LIVE,       C_RETYPE,    LIVE,       start_new,   0),
	STEP (LIVE,       C_MOVE,      MOVING,     move,        1),
	STEP (LIVE,       C_REVOKE,    REVOKING,   cut,         1),
	STEP (LIVE,       C_DELETE,    LEAVING,    drop,        1),
	STEP (LIVE,       C_RETIRE,    RETIRING,   quit,        1),
	STEP (LIVE,       KILL,        FREE,       die,         1),

	STEP (REVOKING,   CLEAR,       LIVE,       done,        0),
	STEP (REVOKING,   KILL,        FREE,       die_failed,  1),    /* an ancestor's revoke was first */
	STEP (MOVING,     MOVED,       FREE,       moved,       0),
	STEP (MOVING,     STAYS,       LIVE,       failed,      0),
	STEP (MOVING,     KILL,        FREE,       die_failed,  1),
	STEP (LEAVING,    DROPPED,     FREE,       done,        0),
	STEP (LEAVING,    KILL,        FREE,       die_done,    1),    /* it crossed our DROP */
	STEP (RETIRING,   DROPPED,     FREE,       done,        0),
	STEP (RETIRING,   KILL,        FREE,       die_done,    1),

	STAY (C_QUERY,    show,        0, LIVE, REVOKING),
	STAY (C_USE,      use,         0, LIVE, REVOKING),
	/* Its kernel's calls wait for what is under way, which ends by itself. */
	STALL(REVOKING,   C_COPY),     STALL(REVOKING, C_MINT),   STALL(REVOKING, C_RETYPE), STALL(REVOKING, C_DELEGATE),
	STALL(REVOKING,   C_MOVE),     STALL(REVOKING, C_REVOKE), STALL(REVOKING, C_DELETE), STALL(REVOKING, C_RETIRE),
	STALL(MOVING,     C_COPY),     STALL(MOVING,   C_MINT),   STALL(MOVING,   C_RETYPE), STALL(MOVING,   C_DELEGATE),
	STALL(MOVING,     C_MOVE),     STALL(MOVING,   C_REVOKE), STALL(MOVING,   C_DELETE), STALL(MOVING,   C_RETIRE),
	STALL(MOVING,     C_QUERY),    STALL(MOVING,   C_USE),
	/* Who is not usable refuses its would-be users. */
#define UNUSABLE FREE, RESERVING, MINTING, CARVING, WAITING, ACCEPTING, LEAVING, RETIRING
	STAY (OBTAIN,     deny,        1, UNUSABLE, REVOKING, MOVING),
	STAY (MINT,       deny,        0, FREE, REVOKING, MOVING, LEAVING, RETIRING),    /* it was usable when this began */
	STAY (RETYPE,     deny,        0, FREE, REVOKING, MOVING, LEAVING, RETIRING),
	STAY (C_DELEGATE, deny,        0, UNUSABLE),
	STAY (C_COPY,     fail,        0, UNUSABLE),
	STAY (C_MINT,     fail,        0, UNUSABLE),
	STAY (C_RETYPE,   fail,        0, UNUSABLE),
	STAY (C_MOVE,     fail,        0, UNUSABLE),
	STAY (C_REVOKE,   fail,        0, UNUSABLE),
	STAY (C_DELETE,   fail,        0, UNUSABLE),
	STAY (C_RETIRE,   fail,        0, UNUSABLE),
	STAY (C_QUERY,    fail,        0, UNUSABLE),
	STAY (C_USE,      fail,        0, UNUSABLE),
};
/* clang-format on */

/* ---- a client's call ---- */

/* What needs no slot beside the capability goes on to it. */
ACTION(op, c_obtain)
{
	struct step_msg *out = step_tell(n, STEP_ANY(n->id, CAP), START);
	out->from = m->arg, out->arg = m->from;
}
ACTION(op, pass)
{
	struct step_msg *out = step_tell(n, m->arg, m->event);
	out->from = m->from, out->word = m->word;
}
ACTION(op, c_delegate)
{
	self->client = m->from;
	step_tell(n, m->arg, C_DELEGATE)->word = m->word;
}
ACTION(op, busy) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(op, lent) { step_complete(n, self->client, CAPABILITY_OK, m->arg); }
ACTION(op, denied) { step_complete(n, self->client, CAPABILITY_FAILED, STEP_NOBODY); }

/* clang-format off */
static const struct step_cell op_table[OP_FULL + 1][EVENT_COUNT] = {
	STAY (C_OBTAIN,   c_obtain, 0, IDLE, OP_FULL),
	STAY (C_COPY,     pass,     0, IDLE, OP_FULL),
	STAY (C_MINT,     pass,     0, IDLE, OP_FULL),
	STAY (C_RETYPE,   pass,     0, IDLE, OP_FULL),
	STAY (C_MOVE,     pass,     0, IDLE, OP_FULL),
	STAY (C_DELETE,   pass,     0, IDLE, OP_FULL),
	STAY (C_REVOKE,   pass,     0, IDLE, OP_FULL),
	STAY (C_QUERY,    pass,     0, IDLE, OP_FULL),
	STAY (C_USE,      pass,     0, IDLE, OP_FULL),
	STAY (C_RETIRE,   pass,     0, IDLE, OP_FULL),
	STEP (IDLE,       C_DELEGATE, LENDING, c_delegate, 0),
	STEP (OP_FULL,    C_DELEGATE, OP_FULL, busy,       0),
	STEP (LENDING,    LENT,       IDLE,    lent,       0),
	STEP (LENDING,    DENY,       IDLE,    denied,     0),
};
/* clang-format on */

/* ---- the server's entry for a capability ---- */

/* It comes. */
static void grant(struct step_node *n, const struct entry *self)
{
	struct step_msg *out = step_tell(n, self->holder, GRANT);
	out->arg = self->object, out->word = self->word;
}
static void offer(struct step_node *n, const struct entry *self, uint32_t to)
{
	struct step_msg *out = step_tell(n, STEP_ANY(to, CAP), OFFER);
	out->arg = self->object, out->word = self->word;
}
ACTION(entry, enter)
{
	self->parent = n->me, self->holder = self->object = m->from, self->word = m->word;
	grant(n, self);
}
ACTION(entry, deny_sender) { step_tell(n, m->from, DENY); }
ACTION(entry, deny_waiter) { step_tell(n, m->arg, DENY); }
ACTION(entry, ask_parent)
{
	self->parent = m->from, self->holder = m->arg, self->word = m->word;
	step_tell(n, m->from, ASK);
}
ACTION(entry, tell_child)
{
	step_add(n, &self->kids, m->from);
	struct step_msg *out = step_tell(n, m->from, TELL);
	out->arg = self->object, out->word = self->word;
}
ACTION(entry, grant_less)
{
	self->object = m->arg, self->word = capability_diminish(m->word, self->word);
	grant(n, self);
}
ACTION(entry, grant_new)
{
	self->object = m->arg;
	grant(n, self);
}
ACTION(entry, offer_away)
{
	const uint32_t to = self->word;
	self->object = m->arg, self->word = m->word;
	offer(n, self, to);
}
static void begin_child(struct step_node *n, step_ref waiter, unsigned event, uint32_t word)
{
	struct step_msg *out = step_tell(n, STEP_ANY(SERVER, ENTRY), event);
	out->arg = waiter, out->word = word;
}
ACTION(entry, derive_child) { begin_child(n, m->arg, START_LESS, m->word); }
ACTION(entry, carve_child) { begin_child(n, m->arg, START_NEW, m->word); }
ACTION(entry, lend_child) { begin_child(n, m->from, START_AWAY, m->word); }
static void hand_over(struct step_node *n, struct entry *self, const struct step_msg *m, unsigned event)
{
	step_tell(n, self->holder, event)->arg = m->from;
	self->holder = m->from;
}
ACTION(entry, lent_out) { hand_over(n, self, m, LENT); }
ACTION(entry, refused)
{
	step_tell(n, self->holder, DENY);
	step_tell(n, self->parent, GONE);
}
/* It changes hands. */
ACTION(entry, pass_on) { offer(n, self, m->word); }
ACTION(entry, passed) { hand_over(n, self, m, MOVED); }
ACTION(entry, not_passed) { step_tell(n, self->holder, STAYS); }
/* It goes, or what was derived from it. */
ACTION(entry, lose) { step_remove(n, &self->kids, m->from); }
ACTION(entry, clear) { step_fanout(n, &self->kids, KILL); }
ACTION(entry, cleared)
{
	self->kids.fan = 0;
	step_tell(n, self->holder, CLEAR);
}
ACTION(entry, let_go)
{
	step_tell(n, self->holder, DROPPED);
	self->holder = STEP_NOBODY;
	step_settle(n, &self->kids);
}
ACTION(entry, retire) { step_settle(n, &self->kids); }
ACTION(entry, retired)
{
	step_tell(n, self->holder, DROPPED);
	step_tell(n, self->parent, GONE);
}
ACTION(entry, leave) { step_tell(n, self->parent, GONE); }
static void kill_holder(struct step_node *n, struct entry *self)
{
	step_add(n, &self->kids, self->holder);
	step_fanout(n, &self->kids, KILL);
	self->holder = STEP_NOBODY;
}
ACTION(entry, condemn) { kill_holder(n, self); }
ACTION(entry, condemn_lent)
{
	hand_over(n, self, m, LENT);
	kill_holder(n, self);
}
ACTION(entry, condemn_moved)
{
	hand_over(n, self, m, MOVED);
	kill_holder(n, self);
}

/* clang-format off */
static const struct step_cell entry_table[ENTRY_FULL + 1][EVENT_COUNT] = {
	/*    state       event        next        action        sends */
	STEP (NONE,       REGISTER,    HELD,       enter,        1),
	STEP (NONE,       START_LESS,  BORN,       ask_parent,   0),
	STEP (NONE,       START_NEW,   CARVED,     ask_parent,   0),
	STEP (NONE,       START_AWAY,  AWAY,       ask_parent,   0),
	STEP (NONE,       GONE,        NONE,       nothing,      0),    /* a first capability's, from itself */
	STEP (ENTRY_FULL, REGISTER,    ENTRY_FULL, deny_sender,  1),
	STEP (ENTRY_FULL, START_LESS,  ENTRY_FULL, deny_waiter,  1),
	STEP (ENTRY_FULL, START_NEW,   ENTRY_FULL, deny_waiter,  1),
	STEP (ENTRY_FULL, START_AWAY,  ENTRY_FULL, deny_waiter,  1),

	STEP (BORN,       TELL,        HELD,       grant_less,   1),
	STEP (CARVED,     TELL,        HELD,       grant_new,    1),
	STEP (AWAY,       TELL,        OFFERED,    offer_away,   1),
	STEP (OFFERED,    ACCEPT,      HELD,       lent_out,     1),
	STEP (OFFERED,    REFUSE,      NONE,       refused,      1),
	STEP (OFFERED,    KILL,        DOOMED,     nothing,      0),    /* answered when the receiver is known */
	STEP (DOOMED,     ACCEPT,      CONDEMNED,  condemn_lent, 1),
	STEP (DOOMED,     REFUSE,      NONE,       refused,      1),

	STEP (HELD,       DERIVE,      HELD,       derive_child, 0),
	STEP (HELD,       CARVE,       HELD,       carve_child,  0),
	STEP (HELD,       LEND,        HELD,       lend_child,   0),
	STEP (HELD,       ASK,         HELD,       tell_child,   0),
	STEP (HELD,       MOVE,        PASSING,    pass_on,      1),
	STEP (HELD,       CUT,         CLEARING,   clear,        0),
	STEP (HELD,       DROP,        HOLLOW,     let_go,       1),
	STEP (HELD,       QUIT,        ENDING,     retire,       0),
	STEP (HELD,       KILL,        CONDEMNED,  condemn,      0),

	STEP (PASSING,    ACCEPT,      HELD,       passed,       1),
	STEP (PASSING,    REFUSE,      HELD,       not_passed,   1),
	STEP (PASSING,    KILL,        UPROOTED,   clear,        0),
	STEP (UPROOTED,   ACCEPT,      CONDEMNED,  condemn_moved, 1),
	STEP (UPROOTED,   REFUSE,      CONDEMNED,  condemn,      0),
	STEP (CLEARING,   E_EMPTY,     HELD,       cleared,      1),
	STEP (CLEARING,   KILL,        CONDEMNED,  condemn,      0),
	STEP (ENDING,     E_EMPTY,     NONE,       retired,      1),
	STEP (ENDING,     KILL,        CONDEMNED,  condemn,      0),
	STEP (HOLLOW,     E_EMPTY,     NONE,       leave,        0),
	STEP (HOLLOW,     KILL,        CONDEMNED,  clear,        0),
	STEP (CONDEMNED,  E_EMPTY,     NONE,       leave,        0),

	STAY (GONE,       lose,        0, HELD, PASSING, UPROOTED, CLEARING, ENDING, HOLLOW, CONDEMNED),
	STAY (E_EMPTY,    nothing,     0, HELD, PASSING, UPROOTED),
	/* Crossed by our KILL, which the representative answers. */
	STEP (CONDEMNED,  DERIVE,      CONDEMNED,  deny_waiter,  1),
	STEP (CONDEMNED,  CARVE,       CONDEMNED,  deny_waiter,  1),
	STEP (CONDEMNED,  LEND,        CONDEMNED,  deny_sender,  1),
	STEP (CONDEMNED,  MOVE,        CONDEMNED,  nothing,      0),
	STEP (CONDEMNED,  CUT,         CONDEMNED,  nothing,      0),
	STEP (CONDEMNED,  DROP,        CONDEMNED,  nothing,      0),
	STEP (CONDEMNED,  QUIT,        CONDEMNED,  nothing,      0),
};
/* clang-format on */

/* ---- what must hold beyond what the family promises ---- */

typedef const char *look(const struct step_world *w, const void *self, step_ref r);

static const char *each(const struct step_world *w, uint32_t node, unsigned machine, look *look_at)
{
	const struct step_node *n = &w->node[node];
	for (uint32_t i = 0; i < n->pool[machine].used; i++) {
		const struct step_head *self = step_at(n, machine, i);
		const char *why = self->state ? look_at(w, self, step_ref_of(n, machine, i)) : NULL;
		if (why)
			return why;
	}
	return NULL;
}
static const char *each_cap(const struct step_world *w, look *look_at)
{
	const char *why = NULL;
	for (uint32_t b = 0; b < w->nodes && !why; b++)
		why = each(w, b, CAP, look_at);
	return why;
}

static bool is_usable(const struct cap *c) { return c->head.state == LIVE || c->head.state == REVOKING; }
static struct entry *entry_of(const struct step_world *w, step_ref r)
{
	return step_lookup(&w->node[SERVER], r);
}

static const char *look_known(const struct step_world *w, const void *self, step_ref r)
{
	const struct cap *c = self;
	const struct entry *e = entry_of(w, c->entry);
	const uint32_t waits = 1u << OFFERED | 1u << DOOMED | 1u << PASSING | 1u << UPROOTED;
	if (!is_usable(c))
		return NULL;
	return e && (step_same(e->holder, r) || waits >> e->head.state & 1 ||
		     step_is_member(&w->node[SERVER], &e->kids, r)) /* it is to go */
		       ? NULL
		       : "I1: a usable capability is unknown to the server";
}
static const char *look_matched(const struct step_world *w, const void *self, step_ref r)
{
	const struct cap *c = self;
	const struct entry *e = entry_of(w, c->entry);
	if (!is_usable(c))
		return NULL;
	return e && e->head.state == HELD && step_same(e->holder, r) && step_same(e->object, c->object) &&
			       e->word == c->word
		       ? NULL
		       : "I2: at rest, a usable capability and its entry differ";
}
static const char *look_held(const struct step_world *w, const void *self, step_ref r)
{
	const struct step_node *server = &w->node[SERVER];
	const struct entry *e = self, *parent = entry_of(w, e->parent);
	const struct cap *c = step_lookup(&w->node[e->holder.node], e->holder);
	if (e->head.state == HELD && !(c && is_usable(c) && step_same(c->entry, r)))
		return "I2: at rest, an entry has no representative";
	if (parent != e && !(parent && step_is_member(server, &parent->kids, r)))
		return "I3: at rest, an entry is unknown to its parent";
	for (uint32_t i = e->kids.first; i; i = server->link[i - 1].next) {
		const struct entry *kid = entry_of(w, server->link[i - 1].member);
		if (!kid || !step_same(kid->parent, r))
			return "I3: at rest, an entry lists a child that is not its own";
	}
	return e->head.state == HOLLOW && !e->kids.count ? "I3: at rest, a hollow entry has no child" : NULL;
}

static const char *look_waiting(const struct step_world *w, const void *self, step_ref r)
{
	const struct step_node *server = &w->node[SERVER];
	const struct entry *e = self;
	(void)r;
	if (e->head.state == HOLLOW && e->kids.fan)
		return "I4: an entry revokes and is not condemned";
	for (uint32_t i = e->kids.first; i; i = server->link[i - 1].next)
		if (server->link[i - 1].member.machine == CAP && e->head.state != CONDEMNED)
			return "I4: an entry waits for a representative and is not condemned";
	return NULL;
}

static const char *always(const struct step_world *w)
{
	const char *why = capability_model_always(w);
	if (!why)
		why = each_cap(w, look_known);
	return why ? why : each(w, SERVER, ENTRY, look_waiting);
}
static const char *at_rest(const struct step_world *w)
{
	const char *why = capability_model_at_rest(w);
	if (!why)
		why = each_cap(w, look_matched);
	return why ? why : each(w, SERVER, ENTRY, look_held);
}

/* Beside the family's calls, another object where the server has no room for it: no other is created. */
static uint32_t calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	const struct step_pool *pool = &w->node[SERVER].pool[ENTRY];
	uint32_t count = capability_model_calls(w, node, out, max);
	if (node == SERVER && pool->used == pool->slots && !pool->free && count < max)
		out[count++] = (struct step_msg){.event = C_CREATE, .to = STEP_ANY(node, CAP)};
	return count;
}

static const struct step_model model = {
	CAPABILITY_MODEL_WITH(calls, capability_model_completed, always, at_rest),
	.slots = {0, 2, 1, 3},
	/* Two clients of a kernel, and such that find no slot for their calls. */
	.also = (const struct step_also[]){{.nodes = 2, .clients = 2, .slots = {[CAP] = 1}},
					   {.nodes = 2, .clients = 2, .capabilities = 2},
					   {0}},
	.unreached =
		(const struct step_unreached[]){
			{"entry UPROOTED+GONE", "a child of what moves goes: --kernels 2 --capabilities 4"},
			{"cap MOVING+MINT", "--kernels 2 --clients 2 --slots op=2"},
			{"cap MOVING+RETYPE", "--kernels 2 --clients 2 --slots op=2"},
			{0}},
};
static const struct step_promise promises[] = CAPABILITY_PROMISES_LIST(true, true, true, true, false, true);

const struct step_protocol capability_central = {
	.name = "capability/central",
	.about = "one directory server that knows every capability: simple, right, slow",
	.assumes = "reliable channels, FIFO between each pair",
	.invariants =
		(const char *const[]){
			"I1  a usable representative has an entry that names it as its holder, "
			"or waits for its kernel to say so",
			"I2  at rest, live entries and usable representatives are one to one "
			"and agree on object and word",
			"I3  at rest, an entry's children are exactly the entries that name it "
			"as parent",
			"I4  only a condemned entry waits for a representative to go, and a hollow one "
			"tells nobody to go",
			NULL},
	.promises = promises,
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 4,
	.machine = {[CAP] = STEP_MACHINE(cap, cap_table, CAP_FULL, .usable = 1u << LIVE | 1u << REVOKING,
					 .rest = 1u << FREE | 1u << LIVE | 1u << RETIRING),
		    [OP] = STEP_MACHINE(op, op_table, OP_FULL, .rest = 1u << IDLE),
		    [ENTRY] = STEP_MACHINE(entry, entry_table, ENTRY_FULL,
					   .rest = 1u << NONE | 1u << HELD | 1u << ENDING | 1u << HOLLOW)},
	.model = &model};
