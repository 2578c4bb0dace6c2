/* capability/captp - capabilities as references between kernels that count them: imports and exports.
 *
 * After CapTP (E, OCapN) and Cap'n Proto. An object stays on the kernel that made it, the exporter. What
 * others refer to is a caretaker of it there: a facet with a word. Holders' kernels keep one import for each
 * facet that they have, with the number of references that came; the export counts what it gave to each
 * kernel. A release gives back as many as it says, so it may cross the same reference on its way: what is
 * counted is not lost. A reference that two kernels give each other but neither of which has the object is a
 * gift: it is deposited at the exporter and withdrawn there, once, in either order.
 *
 * Ideas that remove the guards:
 *   - a kernel is connected to itself as to any other, so its own capabilities are imports as well;
 *   - who gets a reference exists before it is asked for: a capability that waits;
 *   - a gift has the number of its call; it is in the count of its receiver from the deposit on;
 *   - a use walks from caretaker to caretaker to the object, so a cut one cuts all that was made of it;
 *   - the list of an entry's users asks whether anybody needs it.
 *
 * Copies (copy, obtain, delegate, move) are equal and share a facet. A facet of its own, with its switch, comes
 * with create, mint and retype. Only who has the switch can revoke: the facet is cut for all, and the holder gets a
 * new one. A copy has no switch and its revoke fails; who wants to revoke mints first and gives copies of that away.
 * A move leaves the switch, and what was derived, where they were. Facets are made at the exporter, not at the
 * minter: a use is then one question whatever was minted, and no references over kernels become a cycle that no
 * count reclaims. There is no promise pipelining, and no collection of cycles.
 *
 * Messages between clusters, with E the exporter (docs/decisions/0015-a-reference-is-fetched.md):
 *   hand-off  4: deposit-gift, hand-off, withdraw-gift, reply, as published
 *   obtain    2 from E or at E; else 5, the question and a hand-off; 0 on its own kernel
 *   delegate  5, a hand-off and the answer to the call; 4 by E, whose deposit is local; 2 to E
 *   mint, retype, query, use 2; copy 0; at E, all of them 0; retire 3, and a release
 *   release   2, a count and its answer, by who leaves an import last, or leaves it with more references than one:
 *             delete is nothing else; move and revoke are a delegation or a question of 2, and a release
 *
 * Assumes: reliable channels, first in first out between each pair. Invariants:
 *  I1  an import's facet is there, and counts at least as many references to its kernel as the import;
 *  I2  at rest they count the same;
 *  I3  at rest every entry is needed, by a capability, a reference, or facets made of it, and no gift is left;
 *  and the promises of the family. What is revoked stays in its holder's slot, of no use, until it is deleted;
 *  memory is retyped through whatever reference its kernel allows. */
#include "ssi/protocols/protocols.h"

enum { CAP = CAPABILITY_CAP, OP = CAPABILITY_OP, ENTRY = CAPABILITY_OWN };

/* clang-format off */
/* with: C_RETYPE: the source; C_REVOKE: the room for the new import. */
#define CAP_FIELDS(REF, LIST, NODE, WORD, DATA) \
	REF(object) REF(facet) REF(import) REF(op) REF(with) WORD(word)
#define OP_FIELDS(REF, LIST, NODE, WORD, DATA)  REF(client) REF(cap)
/* up: of an import the facet, of a facet what it takes care of, of a gift that is awaited its receiver.
 * users: capabilities of an import; references of a facet, by kernel, and facets made of it. asker: who leaves an import. */
#define ENTRY_FIELDS(REF, LIST, NODE, WORD, DATA) \
	REF(up) REF(object) REF(asker) WORD(word) WORD(count) LIST(users) LIST(gifts) LIST(watchers)

#define EVENTS(E) CAPABILITY_CALLS(E) /* messages */ \
	E(OBTAIN,   REQUEST, NONE) E(HAND,    FORWARD, NONE) E(GIVE,     REPLY,   WORD) E(DENY,    REPLY, NONE) \
	E(HANDOFF,  REQUEST, NONE) E(FETCH,   FORWARD, NONE) E(REFUSE,   REPLY,   NONE) E(RETURN,  REQUEST, NONE) \
	E(DEPOSIT,  FORWARD, NODE) E(CANCEL,  REPLY,   NODE) E(WITHDRAW, FORWARD, NONE) E(NOT_YET, REPLY, NONE) \
	E(CARVE,    REQUEST, WORD) E(DIVIDE,  REQUEST, WORD) E(SEVER,    REQUEST, NONE) E(RELEASE, REPLY, WORD) \
	E(USE,      REQUEST, WORD) E(TOLD,    REPLY,   WORD) E(WATCH,    REQUEST, NONE) E(ENDED,   REPLY, NONE) \
	E(HEARD,    REPLY,   NONE) E(OK,      REPLY,   NONE) E(FAIL,     REPLY,   NONE) \
	/* on one node: an operation and its capability */ \
	E(START,  INTERNAL, NONE) E(START_MINT, INTERNAL, WORD) E(START_RETYPE, INTERNAL, WORD) \
	E(MINT,   INTERNAL, WORD) E(RETYPE, INTERNAL, WORD) E(LEND, INTERNAL, NODE) E(DEPART, INTERNAL, NODE) \
	E(GONE,   INTERNAL, NONE) E(STAYS,  INTERNAL, NONE) E(CANNOT, REPLY, NONE) E(DROP, INTERNAL, NONE) \
	E(CUT,    INTERNAL, NONE) E(TOUCH,  INTERNAL, WORD) E(ABOUT, INTERNAL, NONE) E(QUIT, INTERNAL, NONE) \
	/* the ways of a reference */ \
	E(SHARE,  INTERNAL, NONE) E(SHARED, INTERNAL, WORD) E(EXPORT, INTERNAL, NONE) E(GIFT, INTERNAL, NONE) \
	E(HOME,   INTERNAL, NODE) E(AWAY,   INTERNAL, NODE) \
	/* capabilities and imports */ \
	E(ARRIVE, INTERNAL, NONE) E(JOIN, INTERNAL, NONE) E(LEAVE, INTERNAL, NONE) E(LINKED, INTERNAL, NONE) \
	E(NO_LINK, INTERNAL, NONE) E(STILL, INTERNAL, NONE) E(SPILL, INTERNAL, NONE) E(RESERVE, INTERNAL, NONE) E(ROOM, INTERNAL, NONE) \
	E(NO_ROOM, INTERNAL, NONE) E(YIELD, INTERNAL, NONE) \
	/* gifts */ \
	E(MEET,   INTERNAL, NONE) E(KEEP, INTERNAL, NONE) E(AWAIT, INTERNAL, NONE) E(CLAIM, INTERNAL, NONE) \
	/* objects and facets */ \
	E(FOUND,  INTERNAL, WORD) E(BUD, INTERNAL, WORD) E(NO_BUD, INTERNAL, NONE) E(ADOPT, INTERNAL, NONE) E(INHERIT, INTERNAL, NONE) \
	E(SPARE,  INTERNAL, NONE) E(RENEW, INTERNAL, NONE) E(REPLACE, INTERNAL, WORD) \
	E(LOSE,   INTERNAL, NONE) E(ALONE, INTERNAL, NONE) E(BEQUEATH, INTERNAL, NONE) E(LIFT, INTERNAL, NONE) \
	E(SINK,   INTERNAL, NONE) E(CHECK, INTERNAL, WORD)

/* CREATING, WAITING, MINTING, RETYPING   for a reference  INSTALLING, OWNING  the kernel makes the capability
 * LOSING    gives its reference back, has failed        LEAVING   gives it back, has moved
 * LIVE      usable                                        OWNER     usable, and has its facet's switch
 * MOVING    LIVE, and on its way                          GOING     OWNER, and on its way
 * REVOKING  OWNER, and waits for its new facet */
#define CAP_STATES(X) X(FREE) X(CREATING) X(WAITING) X(MINTING) X(RETYPING) X(INSTALLING) X(OWNING) X(LOSING) X(LEAVING) \
	X(LIVE) X(OWNER) X(MOVING) X(GOING) X(REVOKING)
/* WORKING, ASKING for a use's answer, SHIPPING what moves, SHIPPED: gives the old reference back,
 * RETIRING gives its reference back, RETIRED: waits for other clients, so at rest. */
#define OP_STATES(X) X(IDLE) X(WORKING) X(ASKING) X(SHIPPING) X(SHIPPED) X(RETIRING) X(RETIRED)
/* OBJECT    with its facets                               ENDING    they have gone: whoever retires it is told
 * FACET     a caretaker, exported                         CUT       revoked; references are left
 * IMPORT    of a facet, by its reference's name           AWAITED   withdrawn and not yet deposited, by its call's name
 * RESERVED  room for an import */
#define ENTRY_STATES(X) X(UNUSED) X(OBJECT) X(ENDING) X(FACET) X(SEVERED) X(IMPORT) X(AWAITED) X(RESERVED)
/* clang-format on */
STEP_LAYOUT(cap, CAP_FIELDS);
STEP_LAYOUT(op, OP_FIELDS);
STEP_LAYOUT(entry, ENTRY_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(cap, CAP_STATES, CAP_FULL);
STEP_STATES(op, OP_STATES, OP_FULL);
STEP_STATES(entry, ENTRY_STATES, ENTRY_FULL);

/* An event that says who asks, whoever passes it on. */
static struct step_msg *tell_for(struct step_node *n, step_ref who, step_ref to, unsigned event, step_ref arg)
{
	struct step_msg *m = step_tell(n, to, event);
	m->from = who, m->arg = arg;
	return m;
}
static void tell_import(struct step_node *n, step_ref facet, unsigned event)
{
	step_tell(n, STEP_BY_NAME(n->id, ENTRY), event)->arg = facet;
}

/* ---- a capability ---- */

/* It comes: from a facet of its kernel or another, as a share of a capability of its kernel, or not at all. */
ACTION(cap, create)
{
	self->op = m->from;
	step_tell(n, STEP_ANY(n->id, ENTRY), FOUND)->word = m->word;
}
ACTION(cap, no_slot) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(cap, ask)
{
	self->op = m->from;
	step_tell(n, m->arg, OBTAIN)->arg = self->op;
}
ACTION(cap, ask_mint)
{
	self->op = m->from;
	step_tell(n, m->arg, MINT)->word = m->word;
}
ACTION(cap, ask_retype)
{
	self->op = m->from, self->with = m->arg;
	step_tell(n, m->arg, RETYPE)->word = m->word;
}
ACTION(cap, withdraw_for)
{
	self->op = m->from, self->facet = m->arg;
	step_tell(n, self->facet, WITHDRAW)->arg = self->op;
}
ACTION(cap, withdraw)
{
	self->facet = m->arg;
	step_tell(n, self->facet, WITHDRAW)->arg = self->op;
}
ACTION(cap, later) { step_timer(n, self); }
ACTION(cap, again) { step_tell(n, self->facet, WITHDRAW)->arg = self->op; }
ACTION(cap, come_home)
{
	self->op = m->from;
	step_tell(n, m->arg, HAND)->arg = n->me;
}
ACTION(cap, refuse) { tell_for(n, n->me, m->from, REFUSE, m->arg); }
ACTION(cap, fail) { step_tell(n, m->from, FAIL); }
ACTION(cap, take)
{
	self->object = m->arg, self->word = m->word;
	tell_import(n, m->from, ARRIVE);
}
ACTION(cap, take_share)
{
	self->object = m->arg, self->word = m->word;
	tell_import(n, m->from, JOIN);
}
ACTION(cap, install)
{
	self->facet = m->arg, self->import = m->from;
	step_local(n, self, CAPABILITY_INSTALL, STEP_NOBODY);
}
ACTION(cap, take_memory)
{
	self->facet = m->arg, self->import = m->from;
	step_local(n, self, CAPABILITY_TAKE_MEMORY, self->with);
	self->with = STEP_NOBODY; /* what nobody needs any more is not state */
}
ACTION(cap, created)
{
	self->facet = m->arg, self->import = m->from;
	step_complete(n, self->op, CAPABILITY_OK, n->me);
	self->op = STEP_NOBODY;
}
ACTION(cap, arrived)
{
	step_tell(n, self->op, OK);
	self->op = STEP_NOBODY;
}
ACTION(cap, undo) { step_tell(n, self->import, LEAVE)->arg = n->me; }
ACTION(cap, send_back) { tell_for(n, n->me, m->arg, RELEASE, n->me)->word = 1; }
ACTION(cap, failed) { step_tell(n, self->op, FAIL); }
ACTION(cap, not_created) { step_complete(n, self->op, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(cap, unmake)
{
	tell_for(n, n->me, m->arg, RELEASE, n->me)->word = 1; /* the answer comes too late, and to nobody */
	step_complete(n, self->op, CAPABILITY_FAILED, STEP_NOBODY);
}

/* It is given: to its own kernel, from or to the exporter, or between two others. */
ACTION(cap, route)
{
	const uint32_t to = m->from.node, home = self->facet.node;
	tell_for(n, m->from, n->me,
		 to == n->id                   ? SHARE
		 : home == n->id || home == to ? EXPORT
					       : GIFT,
		 m->arg);
}
ACTION(cap, share) { tell_for(n, self->facet, m->from, SHARED, self->object)->word = self->word; }
ACTION(cap, export) { step_tell(n, self->facet, HAND)->arg = m->from; }
ACTION(cap, gift)
{
	tell_for(n, n->me, self->facet, DEPOSIT, m->arg)->word = m->from.node;
	tell_for(n, n->me, m->from, FETCH, self->facet);
}
ACTION(cap, send)
{
	tell_for(n, m->from, n->me, m->word == self->facet.node ? HOME : AWAY, STEP_NOBODY)->word = m->word;
}
ACTION(cap, send_home) { tell_for(n, m->from, STEP_ANY(m->word, CAP), RETURN, self->facet); }
ACTION(cap, send_away)
{
	tell_for(n, n->me, self->facet, DEPOSIT, m->from)->word = m->word;
	tell_for(n, m->from, STEP_ANY(m->word, CAP), HANDOFF, self->facet);
}
ACTION(cap, deny) { step_tell(n, m->from, DENY); }
ACTION(cap, mint) { tell_for(n, m->from, self->facet, CARVE, STEP_NOBODY)->word = m->word; }
ACTION(cap, retype) { tell_for(n, m->from, self->facet, DIVIDE, STEP_NOBODY)->word = m->word; }

/* It is used. */
ACTION(cap, touch)
{
	step_tell(n, m->from, ABOUT)->arg = self->object;
	tell_for(n, n->me, self->facet, USE, m->from)->word = m->word;
}
ACTION(cap, cannot_tell) { step_tell(n, m->from, TOLD)->word = CAPABILITY_FAILED; }

/* Its switch is used. The room is for the import of the new facet: nothing may fail once the old one is cut. */
ACTION(cap, reserve)
{
	self->op = m->from;
	step_tell(n, STEP_ANY(n->id, ENTRY), RESERVE);
}
ACTION(cap, sever)
{
	self->with = m->from;
	step_tell(n, self->facet, SEVER);
}
ACTION(cap, take_new)
{
	step_tell(n, self->with, YIELD);
	self->with = STEP_NOBODY;
	tell_import(n, m->from, ARRIVE);
}
ACTION(cap, revoked)
{
	tell_for(n, self->op, self->import, LEAVE, n->me);
	self->facet = m->arg, self->import = m->from, self->op = STEP_NOBODY;
}
ACTION(cap, no_room)
{
	step_tell(n, self->op, FAIL);
	self->op = STEP_NOBODY;
}
ACTION(cap, not_revoked)
{
	step_tell(n, self->with, YIELD);
	step_tell(n, self->op, FAIL);
	self->op = self->with = STEP_NOBODY;
}

/* It goes. */
ACTION(cap, part)
{
	self->op = m->from;
	step_tell(n, self->import, LEAVE)->arg = n->me;
}
ACTION(cap, parted) { step_tell(n, self->op, OK); }
ACTION(cap, leave) { tell_for(n, m->from, self->import, LEAVE, n->me); }
ACTION(cap, retire)
{
	tell_for(n, n->me, self->facet, WATCH, m->from);
	tell_for(n, m->from, self->import, LEAVE, n->me);
}
ACTION(cap, cannot) { step_tell(n, m->from, CANNOT); }

/* clang-format off */
static const struct step_cell cap_table[CAP_FULL + 1][EVENT_COUNT] = {
	/*    state       event         next        action        sends */
	STEP (FREE,       C_CREATE,     CREATING,   create,       0),
	STEP (FREE,       START,        WAITING,    ask,          1),
	STEP (FREE,       START_MINT,   MINTING,    ask_mint,     0),
	STEP (FREE,       START_RETYPE, RETYPING,   ask_retype,   0),
	STEP (FREE,       HANDOFF,      WAITING,    withdraw_for, 1),
	STEP (FREE,       RETURN,       WAITING,    come_home,    0),
	STEP (CAP_FULL,   C_CREATE,     CAP_FULL,   no_slot,      0),
	STEP (CAP_FULL,   START,        CAP_FULL,   fail,         0),
	STEP (CAP_FULL,   START_MINT,   CAP_FULL,   fail,         0),
	STEP (CAP_FULL,   START_RETYPE, CAP_FULL,   fail,         0),
	STEP (CAP_FULL,   HANDOFF,      CAP_FULL,   refuse,       1),
	STEP (CAP_FULL,   RETURN,       CAP_FULL,   fail,         1),

	STEP (CREATING,   GIVE,         CREATING,   take,         0),
	STEP (CREATING,   LINKED,       OWNER,      created,      0),
	STEP (CREATING,   NO_LINK,      FREE,       unmake,       0),
	STEP (FREE,       OK,           FREE,       nothing,      0),
	STEP (CREATING,   DENY,         FREE,       not_created,  0),

	STEP (WAITING,    FETCH,        WAITING,    withdraw,     1),
	STEP (WAITING,    NOT_YET,      WAITING,    later,        0),
	STEP (WAITING,    E_TIMER,      WAITING,    again,        1),
	STEP (WAITING,    SHARED,       WAITING,    take_share,   0),
	STAY (GIVE,       take,         0, WAITING, MINTING, RETYPING),
	STEP (WAITING,    LINKED,       INSTALLING, install,      0),
	STEP (MINTING,    LINKED,       OWNING,     install,      0),
	STEP (RETYPING,   LINKED,       OWNING,     take_memory,  0),
	STEP (WAITING,    NO_LINK,      LOSING,     send_back,    1),
	STEP (MINTING,    NO_LINK,      LOSING,     send_back,    1),
	STEP (RETYPING,   NO_LINK,      LOSING,     send_back,    1),
	STEP (WAITING,    DENY,         FREE,       failed,       1),
	STEP (MINTING,    DENY,         FREE,       failed,       0),
	STEP (RETYPING,   DENY,         FREE,       failed,       0),
	STEP (INSTALLING, E_LOCAL_OK,   LIVE,       arrived,      1),
	STEP (INSTALLING, E_LOCAL_ERR,  LOSING,     undo,         0),
	STEP (OWNING,     E_LOCAL_OK,   OWNER,      arrived,      0),
	STEP (OWNING,     E_LOCAL_ERR,  LOSING,     undo,         0),
	STEP (LOSING,     OK,           FREE,       failed,       1),

	STAY (OBTAIN,     route,        0, LIVE, OWNER),
	STAY (SHARE,      share,        0, LIVE, OWNER),
	STAY (EXPORT,     export,       1, LIVE, OWNER),
	STAY (GIFT,       gift,         2, LIVE, OWNER),
	STAY (LEND,       send,         0, LIVE, OWNER),
	STEP (LIVE,       DEPART,       MOVING,     send,         0),
	STEP (OWNER,      DEPART,       GOING,      send,         0),
	STAY (HOME,       send_home,    1, LIVE, OWNER, MOVING, GOING),
	STAY (AWAY,       send_away,    2, LIVE, OWNER, MOVING, GOING),
	STEP (MOVING,     GONE,         LEAVING,    part,         0),
	STEP (GOING,      GONE,         LEAVING,    part,         0),
	STEP (LEAVING,    OK,           FREE,       parted,       0),
	STEP (MOVING,     STAYS,        LIVE,       nothing,      0),
	STEP (GOING,      STAYS,        OWNER,      nothing,      0),
	STAY (MINT,       mint,         1, LIVE, OWNER),
	STAY (RETYPE,     retype,       1, LIVE, OWNER),
	STAY (TOUCH,      touch,        1, LIVE, OWNER),
	STEP (LIVE,       DROP,         FREE,       leave,        0),
	STEP (OWNER,      DROP,         FREE,       leave,        0),
	STEP (LIVE,       QUIT,         FREE,       retire,       1),
	STEP (OWNER,      QUIT,         FREE,       retire,       1),

	STEP (OWNER,      CUT,          REVOKING,   reserve,      0),
	STEP (LIVE,       CUT,          LIVE,       fail,         0),    /* it has no switch */
	STEP (REVOKING,   ROOM,         REVOKING,   sever,        1),
	STEP (REVOKING,   NO_ROOM,      OWNER,      no_room,      0),
	STEP (REVOKING,   GIVE,         REVOKING,   take_new,     0),
	STEP (REVOKING,   LINKED,       OWNER,      revoked,      0),
	STEP (REVOKING,   DENY,         OWNER,      not_revoked,  0),

	/* Who is not usable refuses its would-be users. */
#define UNUSABLE FREE, WAITING, MINTING, RETYPING, INSTALLING, OWNING, LOSING, LEAVING, MOVING, \
	GOING, REVOKING
	STAY (OBTAIN, deny,        1, UNUSABLE),
	STAY (LEND,   fail,        0, UNUSABLE),
	STAY (DEPART, cannot,      0, UNUSABLE),
	STAY (MINT,   deny,        0, UNUSABLE),
	STAY (RETYPE, deny,        0, UNUSABLE),
	STAY (TOUCH,  cannot_tell, 0, UNUSABLE),
	STAY (DROP,   fail,        0, UNUSABLE),
	STAY (QUIT,   fail,        0, UNUSABLE),
	STAY (CUT,    fail,        0, UNUSABLE),
};
/* clang-format on */

/* ---- a client's call: a question ---- */

static struct step_msg *begin(struct step_node *n, struct op *self, const struct step_msg *m, step_ref to,
			      unsigned event)
{
	self->client = m->from;
	return tell_for(n, n->me, to, event, m->arg);
}
ACTION(op, c_obtain) { begin(n, self, m, STEP_ANY(n->id, CAP), START); }
ACTION(op, c_mint) { begin(n, self, m, STEP_ANY(n->id, CAP), START_MINT)->word = m->word; }
ACTION(op, c_retype) { begin(n, self, m, STEP_ANY(n->id, CAP), START_RETYPE)->word = m->word; }
ACTION(op, c_delegate) { begin(n, self, m, m->arg, LEND)->word = m->word; }
ACTION(op, c_move)
{
	self->cap = m->arg;
	begin(n, self, m, m->arg, DEPART)->word = m->word;
}
ACTION(op, c_delete) { begin(n, self, m, m->arg, DROP); }
ACTION(op, c_revoke) { begin(n, self, m, m->arg, CUT); }
ACTION(op, c_query) { begin(n, self, m, m->arg, TOUCH); }
ACTION(op, c_use) { begin(n, self, m, m->arg, TOUCH)->word = m->word; }
ACTION(op, c_retire) { begin(n, self, m, m->arg, QUIT); }
ACTION(op, busy) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(op, succeed) { step_complete(n, self->client, CAPABILITY_OK, m->from); }
ACTION(op, give_up) { step_complete(n, self->client, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(op, note) { self->cap = m->arg; }
ACTION(op, answer) { step_complete(n, self->client, m->word, self->cap); }
/* Nobody will withdraw the gift: its receiver's kernel has no slot. */
static void take_back(struct step_node *n, const struct step_msg *m)
{
	tell_for(n, n->me, m->arg, CANCEL, n->me)->word = m->from.node;
}
ACTION(op, refused) { take_back(n, m); }
ACTION(op, moved)
{
	step_tell(n, self->cap, GONE);
	self->cap = m->from;
}
ACTION(op, not_moved)
{
	step_tell(n, self->cap, STAYS);
	step_complete(n, self->client, CAPABILITY_FAILED, STEP_NOBODY);
}
ACTION(op, succeed_with) { step_complete(n, self->client, CAPABILITY_OK, self->cap); }
ACTION(op, ended)
{
	step_tell(n, m->from, HEARD);
	step_complete(n, self->client, CAPABILITY_OK, STEP_NOBODY);
}

/* clang-format off */
static const struct step_cell op_table[OP_FULL + 1][EVENT_COUNT] = {
	/*    state     event       next      action        sends */
	STEP (IDLE,     C_OBTAIN,   WORKING,  c_obtain,     0),
	STEP (IDLE,     C_DELEGATE, WORKING,  c_delegate,   0),
	STEP (IDLE,     C_COPY,     WORKING,  c_obtain,     0),
	STEP (IDLE,     C_MINT,     WORKING,  c_mint,       0),
	STEP (IDLE,     C_MOVE,     SHIPPING, c_move,       0),
	STEP (IDLE,     C_DELETE,   WORKING,  c_delete,     0),
	STEP (IDLE,     C_REVOKE,   WORKING,  c_revoke,     0),
	STEP (IDLE,     C_RETYPE,   WORKING,  c_retype,     0),
	STEP (IDLE,     C_QUERY,    ASKING,   c_query,      0),
	STEP (IDLE,     C_USE,      ASKING,   c_use,        0),
	STEP (IDLE,     C_RETIRE,   RETIRING, c_retire,     0),
	CAPABILITY_BUSY(OP_FULL, busy),
	STEP (WORKING,  OK,         IDLE,     succeed,      0),
	STEP (WORKING,  FAIL,       IDLE,     give_up,      0),
	STEP (WORKING,  REFUSE,     WORKING,  refused,      1),
	STEP (ASKING,   ABOUT,      ASKING,   note,         0),
	STEP (ASKING,   TOLD,       IDLE,     answer,       0),
	STEP (SHIPPING, OK,         SHIPPED,  moved,        0),
	STEP (SHIPPING, FAIL,       IDLE,     not_moved,    0),
	STEP (SHIPPING, REFUSE,     SHIPPING, refused,      1),
	STEP (SHIPPING, CANNOT,     IDLE,     give_up,      0),
	STEP (SHIPPED,  OK,         IDLE,     succeed_with, 0),
	STEP (RETIRING, FAIL,       IDLE,     give_up,      0),
	STEP (RETIRING, OK,         RETIRED,  nothing,      0),
	STEP (RETIRING, CANNOT,     WORKING,  nothing,      0),    /* it is revoked: there is nothing to wait for */
	STEP (RETIRED,  CANNOT,     IDLE,     succeed,      0),
	STEP (RETIRED,  ENDED,      IDLE,     ended,        1),
};
/* clang-format on */

/* ---- an entry of a kernel's tables ---- */

/* How a facet's list of users says "one reference that this kernel has". */
static step_ref reference_of(uint32_t node) { return STEP_BY_NAME(node, ENTRY); }

static void give(struct step_node *n, struct entry *self, step_ref to)
{
	tell_for(n, n->me, to, GIVE, self->object)->word = self->word;
}

/* Imports. */
static void link_user(struct step_node *n, struct entry *self, const struct step_msg *m)
{
	step_add(n, &self->users, m->from);
	step_tell(n, m->from, LINKED)->arg = m->arg;
}
ACTION(entry, import)
{
	self->up = m->arg, self->count = 1;
	link_user(n, self, m);
}
ACTION(entry, count)
{
	self->count++;
	link_user(n, self, m);
}
ACTION(entry, join) { link_user(n, self, m); }
ACTION(entry, no_import) { step_tell(n, m->from, NO_LINK)->arg = m->arg; }
/* Who leaves last gives all references back, who leaves others all but one. */
ACTION(entry, leave_import)
{
	self->asker = m->from;
	step_remove(n, &self->users, m->arg);
	step_tell(n, n->me, STILL);
}
static void give_back(struct step_node *n, const struct entry *self, step_ref asker, uint32_t count)
{
	tell_for(n, n->me, self->up, RELEASE, asker)->word = count;
}
ACTION(entry, give_all_back) { give_back(n, self, self->asker, self->count); }
ACTION(entry, is_used)
{
	const bool more = self->count > 1;
	step_tell(n, more ? n->me : self->asker, more ? SPILL : OK)->arg = self->asker;
	self->asker = STEP_NOBODY;
}
ACTION(entry, spill)
{
	give_back(n, self, m->arg, self->count - 1);
	self->count = 1;
}
ACTION(entry, room) { step_tell(n, m->from, ROOM); }
ACTION(entry, full) { step_tell(n, m->from, NO_ROOM); }

/* Objects and facets come. */
ACTION(entry, found)
{
	self->object = m->from;
	tell_for(n, n->me, STEP_ANY(n->id, ENTRY), BUD, m->from)->word = m->word;
}
ACTION(entry, refuse_it) { step_tell(n, m->from, DENY); }
ACTION(entry, no_facet) { step_settle(n, &self->users); }
ACTION(entry, bud)
{
	self->up = m->from, self->word = m->word;
	step_tell(n, self->up, ADOPT)->arg = m->arg;
}
ACTION(entry, no_bud)
{
	step_tell(n, m->arg, DENY);
	step_tell(n, m->from, NO_BUD);
}
ACTION(entry, adopt)
{
	step_add(n, &self->users, m->from);
	step_tell(n, m->from, INHERIT)->arg = self->object;
	step_tell(n, m->from, HAND)->arg = m->arg;
}
ACTION(entry, inherit) { self->object = m->arg; }
ACTION(entry, carve)
{
	tell_for(n, n->me, STEP_ANY(n->id, ENTRY), BUD, m->from)->word =
		capability_diminish(self->word, m->word);
}
ACTION(entry, divide) { tell_for(n, n->me, STEP_ANY(n->id, ENTRY), BUD, m->from)->word = m->word; }

/* A facet is replaced for the holder of its switch. */
ACTION(entry, replace_me) { tell_for(n, n->me, STEP_ANY(n->id, ENTRY), SPARE, m->from); }
ACTION(entry, spare) { step_tell(n, m->from, RENEW)->arg = m->arg; }
ACTION(entry, refuse_for) { step_tell(n, m->arg, DENY); }
ACTION(entry, cut)
{
	step_tell(n, self->up, BEQUEATH)->arg = m->from;
	tell_for(n, self->up, m->from, REPLACE, self->object)->word = self->word;
	step_tell(n, m->from, HAND)->arg = m->arg;
	self->up = STEP_NOBODY;
}
ACTION(entry, replace) { self->up = m->from, self->object = m->arg, self->word = m->word; }
ACTION(entry, heir) { step_replace(n, &self->users, m->from, m->arg); }

/* References of a facet go out. */
ACTION(entry, hand)
{
	step_add(n, &self->users, reference_of(m->arg.node));
	give(n, self, m->arg);
}
ACTION(entry, deposit)
{
	step_add(n, &self->users, reference_of(m->word));
	tell_for(n, n->me, STEP_BY_NAME(n->id, ENTRY), MEET, m->arg);
}
ACTION(entry, nobody_waits) { step_tell(n, m->from, KEEP)->arg = m->arg; }
ACTION(entry, somebody_waits) { step_tell(n, m->from, CLAIM)->arg = self->up; }
ACTION(entry, keep) { step_add(n, &self->gifts, m->arg); }
ACTION(entry, withdraw_gift)
{
	const bool is_here = step_is_member(n, &self->gifts, m->arg);
	step_remove_if(n, &self->gifts, m->arg);
	tell_for(n, m->from, is_here ? n->me : STEP_BY_NAME(n->id, ENTRY), is_here ? CLAIM : AWAIT,
		 is_here ? m->from : m->arg);
}
ACTION(entry, await) { self->up = m->from; }
ACTION(entry, try_later) { step_tell(n, m->from, NOT_YET); }
ACTION(entry, claim) { give(n, self, m->arg); }
/* After fewer users: nobody needs the facet, or nobody but one that was made of it. */
static void settle(struct step_node *n, struct entry *self)
{
	const struct step_list *users = &self->users;
	step_settle(n, &self->users);
	if (users->count == 1 && n->link[users->first - 1].member.index != STEP_NAMED)
		step_tell(n, n->me, ALONE)->arg = n->link[users->first - 1].member;
}
static void lose_reference(struct step_node *n, struct entry *self, uint32_t node)
{
	step_remove_if(n, &self->users, reference_of(node));
	settle(n, self);
}
ACTION(entry, claim_nothing)
{
	lose_reference(n, self, (uint32_t)m->arg.node);
	step_tell(n, m->arg, DENY);
}
ACTION(entry, cancel)
{
	step_remove_if(n, &self->gifts, m->arg);
	lose_reference(n, self, m->word);
	step_tell(n, m->from, FAIL);
}

/* And come back. A frame says how many, but a kernel cannot give back what is not its own. */
ACTION(entry, released)
{
	const step_ref reference = reference_of(m->from.node);
	for (uint32_t i = 0; i < m->word && step_is_member(n, &self->users, reference); i++)
		step_remove_if(n, &self->users, reference);
	settle(n, self);
	step_tell(n, m->arg, OK);
}
ACTION(entry, lose)
{
	step_remove_if(n, &self->users, m->from);
	settle(n, self);
}
ACTION(entry, lose_facet) { step_remove(n, &self->users, m->from); }
ACTION(entry, go) { step_tell(n, self->up, LOSE); }
/* Without references nobody has its switch: whatever it is between may be joined. So chains stay short. */
ACTION(entry, lift)
{
	step_tell(n, self->up, BEQUEATH)->arg = m->arg;
	step_tell(n, m->arg, LIFT)->arg = self->up;
	step_remove_if(n, &self->users, m->arg);
}
ACTION(entry, sink)
{
	step_tell(n, m->arg, SINK);
	step_remove_if(n, &self->users, m->arg);
}
ACTION(entry, climb) { self->up = m->arg; }
ACTION(entry, cannot_watch) { step_tell(n, m->arg, CANNOT); }
ACTION(entry, watch) { step_add(n, &self->watchers, m->arg); }
ACTION(entry, end) { step_fanout(n, &self->watchers, ENDED); }
ACTION(entry, heard) { step_remove(n, &self->watchers, m->from); }

/* Uses. The first facet says what its word does not allow, the others only whether they are cut. */
ACTION(entry, use)
{
	tell_for(n, n->me, self->up, CHECK, m->arg)->word = m->word & ~self->word & CAPABILITY_RIGHTS;
}
ACTION(entry, check) { tell_for(n, n->me, self->up, CHECK, m->arg)->word = m->word; }
ACTION(entry, pass) { step_tell(n, self->up, m->event)->arg = m->arg; }
ACTION(entry, tell) { step_tell(n, m->arg, TOLD)->word = m->word ? CAPABILITY_FAILED : CAPABILITY_OK; }
ACTION(entry, tell_no) { step_tell(n, m->arg, TOLD)->word = CAPABILITY_FAILED; }

/* clang-format off */
static const struct step_cell entry_table[ENTRY_FULL + 1][EVENT_COUNT] = {
	/*    state       event     next        action          sends */
	STEP (UNUSED,     ARRIVE,   IMPORT,     import,         0),
	STEP (UNUSED,     RESERVE,  RESERVED,   room,           0),
	STEP (UNUSED,     FOUND,    OBJECT,     found,          0),
	STEP (UNUSED,     BUD,      FACET,      bud,            0),
	STEP (UNUSED,     SPARE,    FACET,      spare,          0),
	STEP (UNUSED,     AWAIT,    AWAITED,    await,          0),
	STEP (UNUSED,     MEET,     UNUSED,     nobody_waits,   0),
	STEP (ENTRY_FULL, ARRIVE,   ENTRY_FULL, no_import,      0),
	STEP (ENTRY_FULL, RESERVE,  ENTRY_FULL, full,           0),
	STEP (ENTRY_FULL, FOUND,    ENTRY_FULL, refuse_it,      0),
	STEP (ENTRY_FULL, BUD,      ENTRY_FULL, no_bud,         1),
	STEP (ENTRY_FULL, SPARE,    ENTRY_FULL, refuse_for,     1),
	STEP (ENTRY_FULL, AWAIT,    ENTRY_FULL, try_later,      1),
	STEP (ENTRY_FULL, MEET,     ENTRY_FULL, nobody_waits,   0),

	STEP (IMPORT,     ARRIVE,   IMPORT,     count,          0),
	STEP (IMPORT,     SPILL,    IMPORT,     spill,          1),
	STEP (IMPORT,     JOIN,     IMPORT,     join,           0),
	STEP (IMPORT,     LEAVE,    IMPORT,     leave_import,   0),
	STEP (IMPORT,     STILL,    IMPORT,     is_used,        0),
	STEP (UNUSED,     STILL,    UNUSED,     nothing,        0),
	STEP (IMPORT,     E_EMPTY,  UNUSED,     give_all_back,  1),
	STEP (RESERVED,   YIELD,    UNUSED,     nothing,        0),
	STEP (AWAITED,    MEET,     UNUSED,     somebody_waits, 0),

	STEP (OBJECT,     ADOPT,    OBJECT,     adopt,          0),
	STEP (OBJECT,     CHECK,    OBJECT,     tell,           1),
	STEP (OBJECT,     WATCH,    OBJECT,     watch,          0),
	STEP (OBJECT,     LOSE,     OBJECT,     lose_facet,     0),
	STEP (OBJECT,     NO_BUD,   OBJECT,     no_facet,       0),    /* its first one found no room */
	STEP (FACET,      NO_BUD,   FACET,      nothing,        0),
	STEP (OBJECT,     E_EMPTY,  ENDING,     end,            0),
	STEP (ENDING,     HEARD,    ENDING,     heard,          0),
	STEP (ENDING,     E_EMPTY,  UNUSED,     nothing,        0),

	STEP (FACET,      INHERIT,  FACET,      inherit,        0),
	STEP (FACET,      REPLACE,  FACET,      replace,        0),
	STEP (FACET,      CARVE,    FACET,      carve,          0),
	STEP (FACET,      DIVIDE,   FACET,      divide,         0),
	STEP (FACET,      ADOPT,    FACET,      adopt,          0),
	STEP (FACET,      SEVER,    FACET,      replace_me,     0),
	STEP (FACET,      RENEW,    SEVERED,    cut,            0),
	STEP (FACET,      HAND,     FACET,      hand,           1),
	STEP (FACET,      CLAIM,    FACET,      claim,          1),
	STEP (FACET,      USE,      FACET,      use,            0),
	STEP (FACET,      CHECK,    FACET,      check,          0),
	STEP (FACET,      E_EMPTY,  UNUSED,     go,             0),
	STEP (FACET,      ALONE,    UNUSED,     lift,           0),
	STEP (FACET,      LIFT,     FACET,      climb,          0),
	STEP (FACET,      SINK,     SEVERED,    climb,          0),
	STEP (FACET,      WATCH,    FACET,      pass,           0),

	STEP (SEVERED,    CARVE,    SEVERED,    refuse_it,      1),
	STEP (SEVERED,    DIVIDE,   SEVERED,    refuse_it,      1),
	STEP (SEVERED,    SEVER,    SEVERED,    refuse_it,      1),    /* with what it was made of */
	STEP (SEVERED,    HAND,     SEVERED,    refuse_for,     1),
	STEP (SEVERED,    CLAIM,    SEVERED,    claim_nothing,  1),
	STEP (SEVERED,    USE,      SEVERED,    tell_no,        1),
	STEP (SEVERED,    CHECK,    SEVERED,    tell_no,        1),
	STEP (SEVERED,    E_EMPTY,  UNUSED,     nothing,        0),
	STEP (SEVERED,    ALONE,    UNUSED,     sink,           0),
	STEP (SEVERED,    WATCH,    SEVERED,    cannot_watch,   1),

	/* What is counted is counted, cut or not. */
	STAY (DEPOSIT,    deposit,       0, FACET, SEVERED),
	STAY (KEEP,       keep,          0, FACET, SEVERED),
	STAY (WITHDRAW,   withdraw_gift, 0, FACET, SEVERED),
	STAY (CANCEL,     cancel,        1, FACET, SEVERED),
	STAY (RELEASE,    released,      1, FACET, SEVERED),
	STAY (LOSE,       lose,          0, FACET, SEVERED),
	STAY (BEQUEATH,   heir,          0, OBJECT, FACET, SEVERED),
};
/* clang-format on */

/* ---- what the checker explores, and what must hold ---- */

static const struct entry *entry_of(const struct step_world *w, step_ref r)
{
	return r.machine == ENTRY && r.node < w->nodes ? step_lookup(&w->node[r.node], r) : NULL;
}
static uint32_t references(const struct step_world *w, step_ref facet, uint32_t node)
{
	const struct step_node *n = &w->node[facet.node];
	uint32_t count = 0;
	for (uint32_t i = entry_of(w, facet)->users.first; i; i = n->link[i - 1].next)
		count += step_same(n->link[i - 1].member, reference_of(node));
	return count;
}
typedef const char *look_at(const struct step_world *w, const struct step_node *n, const struct entry *e);
static const char *each_entry(const struct step_world *w, look_at *why_not)
{
	for (uint32_t b = 0; b < w->nodes; b++)
		for (uint32_t i = 0; i < w->node[b].pool[ENTRY].used; i++) {
			const struct entry *e = step_at(&w->node[b], ENTRY, i);
			const char *why = e->head.state ? why_not(w, &w->node[b], e) : NULL;
			if (why)
				return why;
		}
	return NULL;
}
static bool is_facet(const struct entry *e)
{
	return e && (e->head.state == FACET || e->head.state == SEVERED);
}
static const char *look_counted(const struct step_world *w, const struct step_node *n, const struct entry *e)
{
	if (e->head.state != IMPORT)
		return NULL;
	if (!is_facet(entry_of(w, e->up)))
		return "I1: an import names a facet that is no more";
	return references(w, e->up, n->id) < e->count ? "I1: an import counts more references than its export"
						      : NULL;
}
static bool is_cut(const struct step_world *w, const struct cap *c)
{
	const struct entry *e = entry_of(w, c->facet);
	for (; e && e->head.state == FACET; e = entry_of(w, e->up))
		;
	return e && e->head.state == SEVERED;
}

/* What is derived from a copy is as if derived from what that is a copy of, since a copy cannot revoke; and what
 * is cut stays so, whoever it was derived from. So the family's shadow need not tell them apart. */
static void simplify(const struct step_world *w)
{
	for (uint32_t b = 0; b < w->nodes; b++)
		for (uint32_t i = 0; i < w->node[b].pool[CAP].used; i++) {
			const struct cap *c = step_at(&w->node[b], CAP, i);
			struct capability_shadow *r = step_shadow_at(w, b, i);
			const step_ref from = r->source;
			const struct cap *source =
				from.machine ? step_lookup(&w->node[from.node], from) : NULL;
			const struct capability_shadow *of = step_shadow_at(w, from.node, from.index);
			if (c->head.state && c->head.state != REVOKING && is_cut(w, c))
				r->source = STEP_NOBODY;
			else if (c->head.state && source && source->head.state == LIVE)
				r->source = of->source;
		}
}
static const char *always(const struct step_world *w)
{
	const char *why = each_entry(w, look_counted);
	if (!why)
		why = capability_model_always(w);
	if (!why && w->shadow)
		simplify(w);
	return why;
}

static const char *look_needed(const struct step_world *w, const struct step_node *n, const struct entry *e)
{
	(void)w;
	if (!e->users.count)
		return "I3: at rest, an entry is there that nobody needs";
	if (is_facet(e) && e->users.count == 1 && n->link[e->users.first - 1].member.index != STEP_NAMED)
		return "I3: at rest, a facet is there for one other only";
	if (e->gifts.count)
		return "I3: at rest, a gift is left";
	for (uint32_t i = e->users.first; i; i = n->link[i - 1].next) {
		const step_ref user = n->link[i - 1].member;
		const struct cap *c = user.machine == CAP ? step_lookup(n, user) : NULL;
		if (e->head.state == IMPORT && (!c || !step_same(c->facet, e->up)))
			return "I3: at rest, an import is used by what is not its capability";
	}
	return NULL;
}
/* References that are exported and not imported, and as well retirements that nobody is to be told of. */
static uint64_t missing(const struct step_world *w)
{
	uint64_t count = 0;
	for (uint32_t b = 0; b < w->nodes; b++) {
		const struct step_node *n = &w->node[b];
		for (uint32_t i = 0; i < n->pool[ENTRY].used; i++) {
			const struct entry *e = step_at(n, ENTRY, i);
			for (uint32_t k = is_facet(e) ? e->users.first : 0; k; k = n->link[k - 1].next)
				count += n->link[k - 1].member.index == STEP_NAMED;
			count -= e->count + ((uint64_t)e->watchers.count << 32);
		}
		for (uint32_t i = 0; i < n->pool[OP].used; i++)
			count += (uint64_t)(((const struct op *)step_at(n, OP, i))->head.state == RETIRED)
				 << 32;
	}
	return count;
}
static const char *at_rest(const struct step_world *w)
{
	const char *why = each_entry(w, look_needed);
	if (!why && missing(w))
		why = "I2: at rest, what one side counts the other does not";
	return why ? why : capability_model_at_rest(w);
}

/* The family's calls, and a creation where the tables have no room for it: that takes three entries. */
static uint32_t calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	const struct step_node *n = &w->node[node];
	uint32_t count = capability_model_calls(w, node, out, max), entries = 0, caps = 0;
	for (uint32_t i = 0; i < n->pool[ENTRY].slots; i++)
		entries += !((const struct entry *)step_at(n, ENTRY, i))->head.state;
	for (uint32_t i = 0; i < n->pool[CAP].slots; i++)
		caps += !((const struct cap *)step_at(n, CAP, i))->head.state;
	if (entries < 3 && caps && count < max)
		out[count++] = (struct step_msg){.event = C_CREATE, .to = STEP_ANY(node, CAP)};
	return count;
}

/* Also two clients of a kernel; no slot for their calls; none for what they are given; and chains of facets. */
/* clang-format off */
static const struct step_model model = {
	CAPABILITY_MODEL_WITH(calls, capability_model_completed, always, at_rest),
	.slots = {0, 2, 1, 3}, .kin_stays = true, .use_tells = true,
	.also = (const struct step_also[]){
		{.nodes = 2, .clients = 2, .capabilities = 2, .slots = {[CAP] = 3, [OP] = 2}},
		{.nodes = 2, .clients = 2, .capabilities = 2, .slots = {[OP] = 2}}, {.nodes = 2, .clients = 2, .capabilities = 2},
		{.nodes = 2, .clients = 2, .slots = {[CAP] = 1, [OP] = 2}}, {.nodes = 1, .slots = {[ENTRY] = 4}},
		{.nodes = 1, .capabilities = 4, .slots = {[CAP] = 4, [ENTRY] = 8}},
		{.nodes = 1, .clients = 2, .slots = {[OP] = 2, [ENTRY] = 6}}, {0}},
#define LARGE "--kernels 2 --clients 2 --slots op=2"
#define STALE "the model's stale names are of the slot that the call takes: tests/unit/test_captp.c"
	.unreached = (const struct step_unreached[]){
		{"cap LEAVING+MINT", LARGE}, {"cap LEAVING+RETYPE", LARGE}, {"cap GOING+MINT", LARGE}, {"cap GOING+RETYPE", LARGE},
		{"cap FREE+MINT", STALE}, {"cap FREE+RETYPE", STALE},
		{"entry SEVERED+CANCEL", "a gift, a revoke and a full receiver: tests/unit/test_captp.c"}, {0}}};
/* clang-format on */
static const struct step_promise promises[] = CAPABILITY_PROMISES_LIST(true, true, true, true, false, false);

const struct step_protocol capability_captp = {
	.name = "capability/captp",
	.about = "references that kernels count: imports and exports, gifts between three (after CapTP)",
	.assumes = "reliable channels, FIFO between each pair",
	.invariants =
		(const char *const[]){
			"I1  an import's facet is there, and counts at least as many references",
			"I2  at rest, imports and exports count the same",
			"I3  at rest, every entry of a table is needed, and no gift is left", NULL},
	.promises = promises,
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 4,
	.machine = {[CAP] = STEP_MACHINE(cap, cap_table, CAP_FULL, .usable = 1u << LIVE | 1u << OWNER,
					 .rest = 1u << FREE | 1u << LIVE | 1u << OWNER),
		    [OP] = STEP_MACHINE(op, op_table, OP_FULL, .rest = 1u << IDLE | 1u << RETIRED),
		    [ENTRY] = STEP_MACHINE(entry, entry_table, ENTRY_FULL, .named = true,
					   .rest = 1u << UNUSED | 1u << OBJECT | 1u << FACET | 1u << SEVERED |
						   1u << IMPORT)},
	.model = &model};
