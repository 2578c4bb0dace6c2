/* capability/owner - every object has one kernel that puts the operations on it in order: its owner.
 *
 * After Barrelfish (technical note 013). Each kernel that holds capabilities for an object keeps a record of it: the owner's
 * is the sequencer, the others are foreign and know who the owner is. A capability is what it says, not where it came from:
 * those with the same word are copies of each other, and whatever a word explains (fewer rights, a badge) descends from it.
 * So a revoke takes all other copies and all descendants, on all kernels, and leaves the ancestors; memory that was taken
 * from memory descends from it by its word as well.
 *
 * Messages between N kernels:
 *   copy, mint, query, use, delete     0
 *   delegate, move                     2 from the owner, 4 from another kernel
 *   obtain                             3 from the owner, 4 from another kernel
 *   retype                             0 at the owner, 3 elsewhere (docs/decisions/0014-owner-keeps-the-maker.md)
 *   revoke                             0 if nobody else was ever lent one, else 4(N-1): mark, ready, commit, done;
 *                                      elsewhere than at the owner, after retrieving the ownership: 2 + 2(N-1)
 *   delete or move, of the owner's last one
 *                                      2(N-1) to find another kernel, and 2 + 2(N-1) to move the ownership there; if
 *                                      there is none, 1 to the kernel where the object was made
 *   busy                               2 more for each time that the answer is "retry"
 *
 * Ideas that remove the guards:
 *   - the relations to other kernels are states: SOLE (nobody else was lent one) and OWNED. As the record is the object's,
 *     copies, ancestors and descendants elsewhere are the same bit; that memory was taken is another: who took it;
 *   - who meets a lock gets RETRY, waits for a timer, and begins its whole call again;
 *   - to mark a kernel is to freeze its record: nothing is copied, deletions pause. Commit sweeps capability by capability;
 *   - the first capability of an object is its name, so its slot stays, hollow, until the last kernel has none.
 *
 * Why first in, first out for each pair is enough: a kernel answers MARK and UPDATE behind its own requests of before. So
 * whatever asks for a copy of what is swept later reaches its owner while that is still locked, and is sent back.
 *
 * Assumes: reliable channels, first in first out between each pair; as many slots for records as for capabilities. Invariants:
 *  I1  no two kernels own an object;
 *  I2  at rest, every object has an owner, and every foreign record knows it;
 *  I3  at rest, an owner that thinks that nobody else has a record is right;
 *  I4  at rest, the capabilities of a record are those of its object, and it has one;
 *  and the promises of the family (skerry/capability.h). */
#include "ssi/protocols/protocols.h"

enum { CAP = CAPABILITY_CAP, OP = CAPABILITY_OP, OWN = CAPABILITY_OWN };
/* `peer`: the source of memory, then the lender. `op`: who is told how it ended. */
/* clang-format off */
#define CAP_FIELDS(REF, LIST, NODE, WORD, DATA) \
	REF(object) REF(own) REF(op) REF(peer) WORD(word)
/* The message that began the call, to begin it again. */
#define OP_FIELDS(REF, LIST, NODE, WORD, DATA) \
	REF(client) REF(to) REF(arg) WORD(verb) WORD(word)
/* owner: its record, as far as is known here; in KNOWN, who is to be it. holder, op, word: the capability that has
 * the lock or is to get it, its call, and what is revoked. maker, taken: memory was taken from this one alone; what explains all of it.
 * members: the capabilities here; rest: those that the sweep has spared; peers: kernels that have not answered. */
#define OWN_FIELDS(REF, LIST, NODE, WORD, DATA) \
	REF(name) REF(owner) REF(holder) REF(op) REF(maker) WORD(taken) WORD(word) \
	LIST(members) LIST(rest) LIST(peers)

#define EVENTS(E) CAPABILITY_CALLS(E) /* messages between capabilities and records: a copy */ \
	E(OBTAIN,   REQUEST, NONE) E(ASK,      REQUEST, WORD) E(BEG,    REQUEST, WORD) E(CLAIM, REQUEST, WORD) \
	E(COPY,     FORWARD, WORD) E(RESULT,   REPLY,   NONE) E(TAKEN,  REPLY,   NONE) \
	E(REFUSED,  REPLY,   NONE) E(DENY,     REPLY,   NONE) E(RETRY,  REPLY,   NONE) \
	/* the ownership */ \
	E(RETRIEVE, REQUEST, NONE) E(RETRIEVED, REPLY,  WORD) \
	E(UPDATE,   FORWARD, NONE) E(UPDATED,  REPLY,   NONE) \
	E(FIND,     FORWARD, NONE) E(FOUND,    REPLY,   NONE) E(NONE_HERE, REPLY, NONE) \
	E(MOVE,     REPLY,   WORD) E(MOVED,    REPLY,   NONE) E(LOST,   REPLY,   NONE) E(FREED, REPLY, NONE) \
	/* a revoke */ \
	E(MARK,     FORWARD, NONE) E(READY,    REPLY,   NONE) \
	E(COMMIT,   FORWARD, WORD) E(DONE,     REPLY,   NONE) \
	/* on one node: to a new capability, to one that is there, */ \
	E(BORROW, INTERNAL, NONE) E(TWIN, INTERNAL, WORD) E(TAKE, INTERNAL, WORD) \
	E(LIKE, INTERNAL, WORD) E(SPLIT, INTERNAL, WORD) E(LEND, INTERNAL, NONE) E(SHIFT, INTERNAL, NONE) \
	E(DROP, INTERNAL, NONE) E(QUIT, INTERNAL, NONE) E(CUT, INTERNAL, NONE) \
	E(LOOK, INTERNAL, NONE) E(TOUCH, INTERNAL, WORD) \
	/* from a capability to its record, */ \
	E(BIRTH, INTERNAL, NONE) E(JOIN, INTERNAL, NONE) E(LENT_BY, INTERNAL, NONE) E(ADMIT, INTERNAL, WORD) \
	E(GIVE, INTERNAL, WORD) E(SHARE, INTERNAL, WORD) E(RETYPE, INTERNAL, WORD) E(LOCK, INTERNAL, WORD) \
	E(LEAVE, INTERNAL, NONE) E(DEPART, INTERNAL, NONE) E(GONE, INTERNAL, NONE) E(SPARED, INTERNAL, NONE) \
	/* and back, */ \
	E(JOINED, INTERNAL, NONE) E(WELCOME, INTERNAL, WORD) E(BYE, INTERNAL, NONE) \
	E(LOCKED, INTERNAL, NONE) E(SWEEP, INTERNAL, WORD) E(FINISHED, INTERNAL, NONE) \
	/* to itself, and to a call */ \
	E(SPARE, INTERNAL, NONE) E(DOOM, INTERNAL, NONE) E(END, INTERNAL, NONE) E(STAY_ON, INTERNAL, NONE) \
	E(OK, INTERNAL, NONE) E(FAIL, INTERNAL, NONE) E(LATER, INTERNAL, NONE)

/* ASKING    waits for a copy                CLAIMING  waits for memory
 * INSTALLING the kernel makes it            DOOMED    swept while INSTALLING
 * RESERVING the kernel makes it, a lender waits
 * LIVE      usable                          MOVING    lent, to go when it has arrived
 * TORN      swept while MOVING              REVOKING  all but this one are swept
 * LEAVING   its record lets it go           QUITTING  the same, to be RETIRED
 * OUTLIVED  the object is gone, an earlier owner's MOVED is under way
 * PARTING   has left its record             HOLLOW    the name of an object, no capability any more
 * RETIRED   the same, and a call waits until the object is gone */
#define CAP_STATES(X) X(FREE) X(ASKING) X(CLAIMING) X(INSTALLING) X(DOOMED) X(RESERVING) X(LIVE) X(MOVING) \
	X(TORN) X(REVOKING) X(LEAVING) X(QUITTING) X(OUTLIVED) X(PARTING) X(HOLLOW) X(RETIRED)
/* PAUSED: until the timer. RETIRING: waits for other clients, so it is at rest. */
#define OP_STATES(X) X(IDLE) X(WAITING) X(PAUSED) X(RETIRING)
/* The owner:
 * SOLE      no other kernel has a record    OWNED     others may have one
 * LENDING   until the copy has arrived      MARKING   until all are frozen
 * COMMITTING until all have swept           SWEEPING, CLEANING  sweeps; as OWNED, as SOLE
 * FINDING   has none: who has?              KNOWN     somebody; until all have answered
 * UPDATING  tells all that it is the owner, for its holder
 * HEIR      tells all that it is the owner  WON       waits for the answer to its own RETRIEVE before that
 * Others:
 * MOVING_ON its ownership is on the way     FOREIGN   somebody else is the owner
 * FETCHING  asked for the ownership         STOPPING  the same, and is to be marked
 * MARKED    frozen                          CLEARING  sweeps */
#define OWN_STATES(X) X(NO_RECORD) X(SOLE) X(OWNED) X(LENDING) X(MARKING) X(COMMITTING) X(SWEEPING) X(CLEANING) \
	X(FINDING) X(KNOWN) X(UPDATING) X(HEIR) X(WON) X(MOVING_ON) X(FOREIGN) X(FETCHING) X(STOPPING) X(MARKED) \
	X(CLEARING)
/* clang-format on */
STEP_LAYOUT(cap, CAP_FIELDS);
STEP_LAYOUT(op, OP_FIELDS);
STEP_LAYOUT(own, OWN_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(cap, CAP_STATES, CAP_FULL);
STEP_STATES(op, OP_STATES, OP_FULL);
STEP_STATES(own, OWN_STATES, OWN_FULL);

/* Tells `to` something on behalf of `from`, which gets the answer. */
static struct step_msg *tell_for(struct step_node *n, step_ref to, unsigned event, step_ref from)
{
	struct step_msg *m = step_tell(n, to, event);
	m->from = from;
	return m;
}
static void tell_about(struct step_node *n, step_ref to, unsigned event, step_ref arg)
{
	step_tell(n, to, event)->arg = arg;
}
static void tell_all(struct step_node *n, step_ref to, unsigned event, step_ref from, step_ref arg,
		     uint32_t word)
{
	struct step_msg *m = tell_for(n, to, event, from);
	m->arg = arg, m->word = word;
}

/* ---- a capability comes ---- */

ACTION(cap, create)
{
	self->object = n->me, self->word = m->word;
	tell_about(n, STEP_BY_NAME(n->id, OWN), BIRTH, n->me);
	step_complete(n, m->from, CAPABILITY_OK, n->me);
}
ACTION(cap, no_slot) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(cap, borrow) { self->op = m->from, step_tell(n, m->arg, OBTAIN); }
ACTION(cap, twin) { self->op = m->from, step_tell(n, m->arg, LIKE)->word = m->word; }
ACTION(cap, take) { self->op = m->from, self->peer = m->arg, step_tell(n, m->arg, SPLIT)->word = m->word; }
ACTION(cap, set_own) { self->own = m->from; }
/* Its record has it: the kernel makes it. The answer may come at once, so this is the last of an action. */
static void install_by(struct step_node *n, struct cap *self, unsigned call)
{
	const step_ref source = self->peer;
	self->peer = STEP_NOBODY; /* what nobody needs any more is not state */
	step_local(n, self, call, source);
}
static void welcome(struct cap *self, const struct step_msg *m)
{
	self->own = m->from, self->object = m->arg, self->word = m->word;
}
ACTION(cap, install) { welcome(self, m), install_by(n, self, CAPABILITY_INSTALL); }
ACTION(cap, install_memory) { welcome(self, m), install_by(n, self, CAPABILITY_TAKE_MEMORY); }
/* A copy from the owner, which waits until it is in the record of this kernel; `own` is the lender's till then. */
ACTION(cap, receive)
{
	welcome(self, m);
	tell_about(n, STEP_BY_NAME(n->id, OWN), JOIN, m->arg);
}
static step_ref join_record(struct step_node *n, struct cap *self, const struct step_msg *m)
{
	const step_ref lender = self->own;
	self->own = m->from;
	tell_about(n, self->own, LENT_BY, lender);
	return lender;
}
ACTION(cap, joined) { step_tell(n, join_record(n, self, m), TAKEN), install_by(n, self, CAPABILITY_INSTALL); }
ACTION(cap, joined_memory)
{
	step_tell(n, join_record(n, self, m), TAKEN);
	install_by(n, self, CAPABILITY_TAKE_MEMORY);
}
ACTION(cap, joined_for_lender)
{
	self->peer = join_record(n, self, m);
	step_local(n, self, CAPABILITY_RESERVE, STEP_NOBODY);
}
ACTION(cap, refuse) { step_tell(n, m->from, REFUSED); }
ACTION(cap, denied) { step_tell(n, self->op, FAIL); }
ACTION(cap, again) { step_tell(n, self->op, RETRY); }
ACTION(cap, arrived) { tell_about(n, self->op, OK, n->me), self->op = STEP_NOBODY; }
ACTION(cap, gave_up) { step_tell(n, self->op, FAIL), step_tell(n, self->own, GONE); }
ACTION(cap, lent) { step_tell(n, self->peer, RESULT), self->peer = STEP_NOBODY; }
ACTION(cap, no_room) { step_tell(n, self->peer, REFUSED), step_tell(n, self->own, GONE); }

/* ---- what it may be asked ---- */

ACTION(cap, share) { tell_all(n, self->own, SHARE, n->me, m->from, self->word); }
ACTION(cap, like) { tell_for(n, self->own, ADMIT, m->from)->word = capability_diminish(self->word, m->word); }
ACTION(cap, split) /* only what its word explains, or a revoke would not find it */
{
	if (capability_explains(self->word, m->word))
		tell_all(n, self->own, RETYPE, n->me, m->from, m->word);
	else
		step_tell(n, m->from, DENY);
}
ACTION(cap, lend) { tell_all(n, self->own, GIVE, m->from, m->arg, self->word); }
ACTION(cap, shift) { self->op = m->from, tell_all(n, self->own, GIVE, n->me, m->arg, self->word); }
ACTION(cap, drop) { self->op = m->from, step_tell(n, self->own, LEAVE); }
ACTION(cap, quit) /* only the first capability of an object */
{
	self->op = m->from;
	if (step_same(self->object, n->me))
		step_tell(n, self->own, LEAVE);
	else
		step_tell(n, n->me, DENY);
}
ACTION(cap, cut) { tell_all(n, self->own, LOCK, n->me, m->from, self->word); }
ACTION(cap, show) { tell_about(n, m->from, OK, self->object); }
ACTION(cap, touch) { step_tell(n, m->from, m->word & ~self->word ? FAIL : OK); }
ACTION(cap, deny) { step_tell(n, m->from, DENY); }
ACTION(cap, fail) { step_tell(n, m->from, FAIL); }

/* ---- a capability goes ---- */

/* It is in no record any more. The name of an object stays. */
static void part(struct step_node *n, const struct cap *self)
{
	step_tell(n, n->me, step_same(self->object, n->me) ? STAY_ON : END);
}
ACTION(cap, bye) { part(n, self), tell_about(n, self->op, OK, self->peer); }
ACTION(cap, find_again) { step_tell(n, self->own, LOST); }
ACTION(cap, outlived) { tell_about(n, self->op, OK, self->peer); }
ACTION(cap, outlived_moved) { tell_about(n, self->op, OK, m->arg); }
ACTION(cap, rest) { step_tell(n, self->op, LATER); }
ACTION(cap, hollow) { self->op = self->own = self->peer = STEP_NOBODY; }
ACTION(cap, postpone) { step_tell(n, n->me, FREED); } /* STAY_ON is raised already */
ACTION(cap, retired) { step_tell(n, self->op, OK); }
ACTION(cap, moved) { self->peer = m->arg, step_tell(n, self->own, DEPART); }
ACTION(cap, moved_torn) { part(n, self), tell_about(n, self->op, OK, m->arg); }
static void stay(struct step_node *n, struct cap *self, unsigned event)
{
	step_tell(n, self->op, event);
	self->op = STEP_NOBODY;
}
ACTION(cap, not_moved) { stay(n, self, FAIL); }
ACTION(cap, move_again) { stay(n, self, RETRY); }
ACTION(cap, torn_failed) { part(n, self), step_tell(n, self->op, FAIL); }
/* Is it a copy of what is revoked, or a descendant? Then it goes. */
ACTION(cap, judge) { step_tell(n, n->me, capability_explains(m->word, self->word) ? DOOM : SPARE); }
ACTION(cap, spare) { step_tell(n, self->own, SPARED); }
ACTION(cap, swept) { part(n, self), step_tell(n, self->own, GONE); }
ACTION(cap, tear) { step_tell(n, self->own, GONE); }
ACTION(cap, finished) { step_tell(n, m->arg, OK); }

/* clang-format off */
static const struct step_cell cap_table[CAP_FULL + 1][EVENT_COUNT] = {
	/*    state       event        next        action      sends */
	STEP (FREE,       C_CREATE,    LIVE,       create,     0),
	STEP (FREE,       BORROW,      ASKING,     borrow,     1),
	STEP (FREE,       TWIN,        ASKING,     twin,       0),
	STEP (FREE,       TAKE,        CLAIMING,   take,       0),
	STEP (FREE,       COPY,        RESERVING,  receive,    0),
	STEP (CAP_FULL,   C_CREATE,    CAP_FULL,   no_slot,    0),
	STAY (BORROW,     fail,        0, CAP_FULL),
	STAY (TWIN,       fail,        0, CAP_FULL),
	STAY (TAKE,       fail,        0, CAP_FULL),
	STEP (CAP_FULL,   COPY,        CAP_FULL,   refuse,     1),

	STEP (ASKING,     WELCOME,     INSTALLING, install,    0),
	STEP (ASKING,     COPY,        ASKING,     receive,    0),
	STEP (ASKING,     JOINED,      INSTALLING, joined,     1),
	STEP (ASKING,     DENY,        FREE,       denied,     0),
	STEP (ASKING,     RETRY,       FREE,       again,      0),
	STEP (CLAIMING,   WELCOME,     INSTALLING, install_memory, 0),
	STEP (CLAIMING,   COPY,        CLAIMING,   receive,    0),
	STEP (CLAIMING,   JOINED,      INSTALLING, joined_memory, 1),
	STEP (CLAIMING,   DENY,        FREE,       denied,     0),
	STEP (CLAIMING,   RETRY,       FREE,       again,      0),
	STEP (LIVE,       JOINED,      LIVE,       set_own,    0),
	STEP (RESERVING,  JOINED,      RESERVING,  joined_for_lender, 0),

	STEP (INSTALLING, E_LOCAL_OK,  LIVE,       arrived,    0),
	STEP (INSTALLING, E_LOCAL_ERR, FREE,       gave_up,    0),
	STEP (INSTALLING, SWEEP,       INSTALLING, judge,      0),
	STEP (INSTALLING, SPARE,       INSTALLING, spare,      0),
	STEP (INSTALLING, DOOM,        DOOMED,     nothing,    0),    /* gone when the kernel is done */
	STEP (DOOMED,     E_LOCAL_OK,  FREE,       gave_up,    0),
	STEP (DOOMED,     E_LOCAL_ERR, FREE,       gave_up,    0),
	STEP (RESERVING,  E_LOCAL_OK,  LIVE,       lent,       1),
	STEP (RESERVING,  E_LOCAL_ERR, FREE,       no_room,    1),

	STEP (LIVE,       OBTAIN,      LIVE,       share,      0),
	STEP (LIVE,       LIKE,        LIVE,       like,       0),
	STEP (LIVE,       SPLIT,       LIVE,       split,      0),
	STEP (LIVE,       LEND,        LIVE,       lend,       0),
	STEP (LIVE,       SHIFT,       MOVING,     shift,      0),
	STEP (LIVE,       DROP,        LEAVING,    drop,       0),
	STEP (LIVE,       QUIT,        QUITTING,   quit,       0),
	STEP (LIVE,       CUT,         LIVE,       cut,        0),
	STEP (LIVE,       LOOK,        LIVE,       show,       0),
	STEP (LIVE,       TOUCH,       LIVE,       touch,      0),
	STEP (LIVE,       LOCKED,      REVOKING,   nothing,    0),
	STEP (LIVE,       SWEEP,       LIVE,       judge,      0),
	STEP (LIVE,       SPARE,       LIVE,       spare,      0),
	STEP (LIVE,       DOOM,        PARTING,    swept,      0),

	STEP (MOVING,     RESULT,      LEAVING,    moved,      0),
	STEP (MOVING,     REFUSED,     LIVE,       not_moved,  0),
	STEP (MOVING,     RETRY,       LIVE,       move_again, 0),
	STEP (MOVING,     SWEEP,       MOVING,     judge,      0),
	STEP (MOVING,     SPARE,       MOVING,     spare,      0),
	STEP (MOVING,     DOOM,        TORN,       tear,       0),    /* its call ends as the move ends */
	STEP (TORN,       RESULT,      PARTING,    moved_torn, 0),
	STEP (TORN,       REFUSED,     PARTING,    torn_failed, 0),
	STEP (TORN,       RETRY,       PARTING,    torn_failed, 0),
	STEP (TORN,       FREED,       OUTLIVED,   nothing,    0),

	STEP (REVOKING,   SWEEP,       REVOKING,   spare,      0),
	STEP (REVOKING,   FINISHED,    LIVE,       finished,   0),

	STEP (LEAVING,    BYE,         PARTING,    bye,        0),
	STEP (LEAVING,    RETRY,       LIVE,       move_again, 0),
	STEP (LEAVING,    MOVED,       PARTING,    bye,        0),
	STEP (LEAVING,    LOST,        LEAVING,    find_again, 0),
	STEP (LEAVING,    FREED,       OUTLIVED,   nothing,    0),    /* it overtook the MOVED of an earlier owner */
	STEP (QUITTING,   BYE,         RETIRED,    rest,       0),
	STEP (QUITTING,   MOVED,       RETIRED,    rest,       0),
	STEP (QUITTING,   LOST,        QUITTING,   find_again, 0),
	STEP (QUITTING,   FREED,       OUTLIVED,   nothing,    0),
	STEP (OUTLIVED,   MOVED,       FREE,       outlived,   0),
	STEP (OUTLIVED,   RESULT,      FREE,       outlived_moved, 0),
	STEP (OUTLIVED,   REFUSED,     FREE,       denied,     0),
	STEP (OUTLIVED,   RETRY,       FREE,       denied,     0),
	STEP (QUITTING,   RETRY,       LIVE,       move_again, 0),
	STEP (QUITTING,   DENY,        LIVE,       not_moved,  0),
	STEP (PARTING,    END,         FREE,       nothing,    0),
	STEP (PARTING,    STAY_ON,     HOLLOW,     hollow,     0),
	STEP (PARTING,    FREED,       PARTING,    postpone,   0),
	STEP (HOLLOW,     FREED,       FREE,       nothing,    0),
	STEP (RETIRED,    FREED,       FREE,       retired,    0),

	/* Who is not usable refuses its would-be users. */
#define COMING FREE, ASKING, CLAIMING, INSTALLING, DOOMED, RESERVING
#define GOING  MOVING, TORN, REVOKING, LEAVING, QUITTING, OUTLIVED, HOLLOW, RETIRED
	STAY (OBTAIN, deny, 1, FREE, GOING),                          /* nobody knows the name of what comes */
	STAY (LIKE,   deny, 0, COMING), STAY (LIKE,   deny, 0, GOING),
	STAY (SPLIT,  deny, 0, COMING), STAY (SPLIT,  deny, 0, GOING),
	STAY (LEND,   fail, 0, COMING), STAY (LEND,   fail, 0, GOING),
	STAY (SHIFT,  fail, 0, COMING), STAY (SHIFT,  fail, 0, GOING),
	STAY (DROP,   fail, 0, COMING), STAY (DROP,   fail, 0, GOING),
	STAY (QUIT,   fail, 0, COMING), STAY (QUIT,   fail, 0, GOING),
	STAY (CUT,    fail, 0, COMING), STAY (CUT,    fail, 0, GOING),
	STAY (LOOK,   fail, 0, COMING), STAY (LOOK,   fail, 0, GOING),
	STAY (TOUCH,  fail, 0, COMING), STAY (TOUCH,  fail, 0, GOING),
};
/* clang-format on */

/* ---- the record of an object on a kernel ---- */

static void broadcast(struct step_node *n, struct own *self, unsigned event)
{
	self->peers = (struct step_list){0};
	for (uint32_t i = 0; i < n->nodes; i++)
		if (i != n->id)
			step_add(n, &self->peers, STEP_BY_NAME(i, OWN));
	step_fanout(n, &self->peers, event);
}
ACTION(own, counted) { step_remove(n, &self->peers, STEP_BY_NAME(m->from.node, OWN)); }
static void unlock(struct own *self)
{
	self->holder = self->op = STEP_NOBODY;
	self->word = 0;
	self->peers = (struct step_list){0};
}
ACTION(own, retry_from) { step_tell(n, m->from, RETRY); }
ACTION(own, retry_arg) { step_tell(n, m->arg, RETRY); }

/* Capabilities come and go. */
ACTION(own, join)
{
	self->name = m->arg;
	step_add(n, &self->members, m->from);
	step_tell(n, m->from, JOINED);
}
ACTION(own, lent_by) { self->owner = m->arg; }
static void admit_one(struct step_node *n, struct own *self, step_ref cap, uint32_t word)
{
	step_add(n, &self->members, cap);
	tell_all(n, cap, WELCOME, n->me, self->name, word);
}
ACTION(own, admit) { admit_one(n, self, m->from, m->word); }
ACTION(own, leave) { step_tell(n, m->from, BYE), step_remove(n, &self->members, m->from); }
ACTION(own, leave_owner) /* the last one waits until somebody else has the ownership */
{
	if (self->members.count > 1)
		step_tell(n, m->from, BYE);
	else
		self->holder = m->from;
	step_remove(n, &self->members, m->from);
}
ACTION(own, leave_quietly) { step_tell(n, m->from, BYE), step_remove_if(n, &self->members, m->from); }
ACTION(own, gone) { step_remove(n, &self->members, m->from); }
ACTION(own, gone_quietly) { step_remove_if(n, &self->members, m->from); } /* looked at when the lock goes */
ACTION(own, vanish) { step_tell(n, self->name, FREED); }
ACTION(own, vanish_at_last) { step_tell(n, self->holder, BYE), step_tell(n, self->name, FREED); }

/* A copy for another kernel. */
static void copy_to(struct step_node *n, struct own *self, const struct step_msg *m)
{
	tell_all(n, m->arg, COPY, n->me, self->name, m->word);
}
ACTION(own, lend_copy) { self->op = m->from, copy_to(n, self, m); }
ACTION(own, share_copy) { copy_to(n, self, m); }
ACTION(own, ask) { tell_all(n, self->owner, ASK, m->from, m->arg, m->word); }
ACTION(own, beg) { tell_all(n, self->owner, BEG, n->me, m->arg, m->word); }
ACTION(own, returned)
{
	tell_about(n, self->op, RESULT, m->from);
	unlock(self);
	step_settle(n, &self->members);
}
ACTION(own, refused) { step_tell(n, self->op, REFUSED), unlock(self), step_settle(n, &self->members); }
ACTION(own, taken) { step_settle(n, &self->members); }

/* Memory is taken through one capability alone, until a revoke has taken back all that was. `taken` is what
 * explains it all; pieces of several types have no badge in common, but each has one, and memory has none. */
#define SEVERAL (~CAPABILITY_RIGHTS)
static uint32_t add_up(uint32_t a, uint32_t b)
{
	const uint32_t x = a & ~CAPABILITY_RIGHTS, y = b & ~CAPABILITY_RIGHTS;
	return ((a | b) & CAPABILITY_RIGHTS) | (x == y ? x : x && y ? SEVERAL : 0);
}
static bool may_take(struct own *self, step_ref maker, uint32_t word)
{
	if (!self->maker.machine) {
		self->maker = maker, self->taken = word;
		return true;
	}
	self->taken = add_up(self->taken, word);
	return step_same(self->maker, maker);
}
/* After a revoke through its holder: was all of it taken back? The holder stays, so it must be known not to be a piece. */
static void give_back(struct own *self)
{
	const bool piece =
		!step_same(self->holder, self->maker) && capability_explains(self->taken, self->word);
	if (!piece && capability_explains(self->word, self->taken))
		self->maker = STEP_NOBODY, self->taken = 0;
}
ACTION(own, retype)
{
	if (may_take(self, m->from, m->word))
		admit_one(n, self, m->arg, m->word);
	else
		step_tell(n, m->arg, DENY);
}
ACTION(own, claim) { tell_all(n, self->owner, CLAIM, m->from, m->arg, m->word); }
ACTION(own, grant_claim)
{
	if (may_take(self, m->from, m->word))
		tell_all(n, n->me, SHARE, n->me, m->arg, m->word);
	else
		step_tell(n, m->arg, DENY);
}

/* The lock, and a revoke. */
static void take_lock(struct own *self, const struct step_msg *m)
{
	self->holder = m->from, self->op = m->arg, self->word = m->word;
}
ACTION(own, mark_all) { take_lock(self, m), step_tell(n, m->from, LOCKED), broadcast(n, self, MARK); }
ACTION(own, sweep_alone)
{
	take_lock(self, m);
	step_tell(n, m->from, LOCKED);
	step_fanout(n, &self->members, SWEEP);
}
ACTION(own, commit_all) { broadcast(n, self, COMMIT); }
ACTION(own, sweep_own) { step_fanout(n, &self->members, SWEEP); }
ACTION(own, spared) { step_add(n, &self->rest, m->from), step_remove(n, &self->members, m->from); }
ACTION(own, gone_in_sweep) /* or after it was spared */
{
	step_remove_if(n, &self->rest, m->from);
	step_remove_if(n, &self->members, m->from);
	step_settle(n, &self->members);
}
ACTION(own, depart_in_sweep)
{
	step_tell(n, m->from, BYE);
	step_remove_if(n, &self->rest, m->from);
	step_remove_if(n, &self->members, m->from);
	step_settle(n, &self->members);
}
static void keep_the_rest(struct own *self)
{
	self->members = self->rest;
	self->rest = (struct step_list){0};
}
ACTION(own, finish)
{
	keep_the_rest(self);
	tell_about(n, self->holder, FINISHED, self->op);
	give_back(self);
	unlock(self);
}
ACTION(own, be_marked) { self->owner = m->from, step_tell(n, m->from, READY); }
ACTION(own, be_marked_later) { self->owner = m->from; }
ACTION(own, be_marked_now) { step_tell(n, self->op, RETRY), unlock(self), step_tell(n, self->owner, READY); }
ACTION(own, sweep) { self->word = m->word, step_fanout(n, &self->members, SWEEP); }
ACTION(own, swept_all)
{
	keep_the_rest(self);
	unlock(self);
	step_tell(n, self->owner, DONE);
	step_settle(n, &self->members);
}
ACTION(own, ready) { step_tell(n, m->from, READY); }
ACTION(own, done) { step_tell(n, m->from, DONE); }

/* The ownership moves. */
ACTION(own, fetch) { take_lock(self, m), step_tell(n, self->owner, RETRIEVE); }
ACTION(own, hand_over)
{
	self->owner = m->from;
	tell_all(n, m->from, RETRIEVED, n->me, self->maker, self->taken);
	self->maker = STEP_NOBODY, self->taken = 0;
}
static void own_it(struct own *self, const struct step_msg *m)
{
	self->owner = STEP_NOBODY;
	self->maker = m->arg, self->taken = m->word;
}
ACTION(own, retrieved) { own_it(self, m), broadcast(n, self, UPDATE); }
ACTION(own, inherit)
{
	own_it(self, m);
	self->holder = m->from; /* until it is told that all know */
	broadcast(n, self, UPDATE);
}
ACTION(own, inherit_later) { own_it(self, m), step_tell(n, m->from, MOVED); }
ACTION(own, inherit_now) { broadcast(n, self, UPDATE); }
ACTION(own, resume) /* the call that fetched it goes on, if its capability is still there */
{
	tell_for(n, self->holder, CUT, self->op);
	unlock(self);
	step_settle(n, &self->members);
}
ACTION(own, inherited) { step_tell(n, self->holder, MOVED), unlock(self), step_settle(n, &self->members); }
ACTION(own, not_retrieved) { step_tell(n, self->op, RETRY), unlock(self), step_settle(n, &self->members); }
ACTION(own, update) { self->owner = m->from, step_tell(n, m->from, UPDATED); }
ACTION(own, no_update) { step_tell(n, m->from, UPDATED); }
ACTION(own, seek) { broadcast(n, self, FIND); }
ACTION(own, seek_first)
{
	if (!self->holder.machine)
		self->holder = n->me; /* it was locked when the last one went: nobody waits */
	broadcast(n, self, FIND);
}
ACTION(own, here) { step_tell(n, m->from, FOUND); }
ACTION(own, not_here) { step_tell(n, m->from, NONE_HERE); }
ACTION(own, found) { self->owner = m->from, step_remove(n, &self->peers, STEP_BY_NAME(m->from.node, OWN)); }
ACTION(own, move_on)
{
	tell_all(n, self->owner, MOVE, self->holder, self->maker, self->taken);
	self->owner = STEP_NOBODY;
}
ACTION(own, lost) { step_tell(n, m->from, LOST); }

/* clang-format off */
static const struct step_cell own_table[OWN_FULL + 1][EVENT_COUNT] = {
	/*    state       event        next        action      sends */
	STEP (NO_RECORD,  BIRTH,       SOLE,       join,       0),
	STEP (NO_RECORD,  JOIN,        FOREIGN,    join,       0),
	STAY (UPDATE,     no_update,   1, NO_RECORD, OWN_FULL),
	STAY (MARK,       ready,       1, NO_RECORD, OWN_FULL),
	STAY (COMMIT,     done,        1, NO_RECORD, OWN_FULL),
	STAY (FIND,       not_here,    1, NO_RECORD, OWN_FULL),
	STEP (NO_RECORD,  MOVE,        NO_RECORD,  lost,       1),

	STEP (SOLE,       GIVE,        LENDING,    lend_copy,  1),
	STEP (SOLE,       SHARE,       LENDING,    share_copy, 1),
	STEP (SOLE,       RETYPE,      SOLE,       retype,     0),
	STEP (SOLE,       LOCK,        CLEANING,   sweep_alone, 0),
	STEP (SOLE,       E_EMPTY,     NO_RECORD,  vanish,     1),
	STEP (CLEANING,   E_EMPTY,     SOLE,       finish,     0),

	STEP (OWNED,      GIVE,        LENDING,    lend_copy,  1),
	STEP (OWNED,      ASK,         LENDING,    lend_copy,  1),
	STEP (OWNED,      SHARE,       LENDING,    share_copy, 1),
	STEP (OWNED,      BEG,         LENDING,    share_copy, 1),
	STEP (OWNED,      RETYPE,      OWNED,      retype,     0),
	STEP (OWNED,      CLAIM,       OWNED,      grant_claim, 1),
	STEP (OWNED,      LOCK,        MARKING,    mark_all,   0),
	STEP (OWNED,      RETRIEVE,    FOREIGN,    hand_over,  1),
	STEP (OWNED,      LEAVE,       OWNED,      leave_owner, 0),
	STEP (OWNED,      DEPART,      OWNED,      leave_owner, 0),
	STEP (OWNED,      E_EMPTY,     FINDING,    seek_first, 0),

	STEP (LENDING,    JOIN,        LENDING,    join,       0),    /* lent to its own kernel */
	STEP (LENDING,    LENT_BY,     LENDING,    nothing,    0),
	STEP (LENDING,    RESULT,      OWNED,      returned,   1),
	STEP (LENDING,    REFUSED,     OWNED,      refused,    1),
	STEP (LENDING,    TAKEN,       OWNED,      taken,      0),

	STEP (MARKING,    READY,       MARKING,    counted,    0),
	STEP (MARKING,    E_EMPTY,     COMMITTING, commit_all, 0),
	STEP (COMMITTING, DONE,        COMMITTING, counted,    0),
	STEP (COMMITTING, E_EMPTY,     SWEEPING,   sweep_own,  0),
	STEP (SWEEPING,   E_EMPTY,     OWNED,      finish,     0),

	STEP (FINDING,    FOUND,       KNOWN,      found,      0),
	STEP (FINDING,    NONE_HERE,   FINDING,    counted,    0),
	STEP (FINDING,    E_EMPTY,     NO_RECORD,  vanish_at_last, 1),
	STAY (BYE,        nothing,     0, NO_RECORD),
	STAY (MOVED,      nothing,     0, NO_RECORD, MOVING_ON),
	STEP (KNOWN,      FOUND,       KNOWN,      counted,    0),
	STEP (KNOWN,      NONE_HERE,   KNOWN,      counted,    0),
	STEP (KNOWN,      E_EMPTY,     MOVING_ON,  move_on,    1),
	STEP (MOVING_ON,  UPDATE,      NO_RECORD,  no_update,  1),
	STEP (MOVING_ON,  LOST,        FINDING,    seek,       0),    /* its last capability went meanwhile */

	STEP (UPDATING,   UPDATED,     UPDATING,   counted,    0),
	STEP (UPDATING,   E_EMPTY,     OWNED,      resume,     0),
	STEP (HEIR,       UPDATED,     HEIR,       counted,    0),
	STEP (HEIR,       E_EMPTY,     OWNED,      inherited,  1),
	STEP (WON,        RETRY,       UPDATING,   inherit_now, 0),

	STEP (FOREIGN,    JOIN,        FOREIGN,    join,       0),
	STEP (FOREIGN,    LENT_BY,     FOREIGN,    lent_by,    0),
	STEP (FOREIGN,    GIVE,        FOREIGN,    ask,        1),
	STEP (FOREIGN,    SHARE,       FOREIGN,    beg,        1),
	STEP (FOREIGN,    RETYPE,      FOREIGN,    claim,      1),
	STEP (FOREIGN,    LOCK,        FETCHING,   fetch,      1),
	STEP (FOREIGN,    UPDATE,      FOREIGN,    update,     1),
	STEP (FOREIGN,    FIND,        FOREIGN,    here,       1),
	STEP (FOREIGN,    MOVE,        HEIR,       inherit,    0),
	STEP (FOREIGN,    MARK,        MARKED,     be_marked,  1),
	STEP (FOREIGN,    E_EMPTY,     NO_RECORD,  nothing,    0),

	STEP (FETCHING,   JOIN,        FETCHING,   join,       0),
	STEP (FETCHING,   LENT_BY,     FETCHING,   lent_by,    0),
	STEP (FETCHING,   RETRIEVED,   UPDATING,   retrieved,  0),
	STEP (FETCHING,   RETRY,       FOREIGN,    not_retrieved, 0),
	STEP (FETCHING,   UPDATE,      FETCHING,   update,     1),
	STEP (FETCHING,   FIND,        FETCHING,   here,       1),
	STEP (FETCHING,   MOVE,        WON,        inherit_later, 1),
	STEP (FETCHING,   MARK,        STOPPING,   be_marked_later, 0),
	STEP (STOPPING,   RETRY,       MARKED,     be_marked_now, 1), /* it is under way, from whoever was asked */

	STEP (MARKED,     COMMIT,      CLEARING,   sweep,      0),
	STEP (CLEARING,   E_EMPTY,     FOREIGN,    swept_all,  1),
	STAY (SPARED,     spared,      0, SWEEPING, CLEANING, CLEARING),

	/* Between capabilities of this kernel. */
#define LOCKED_HERE   MARKING, COMMITTING, SWEEPING, CLEANING
#define OWNED_SOON    UPDATING, HEIR, WON
#define FROZEN        STOPPING, MARKED, CLEARING
	STAY (ADMIT,      admit,       0, SOLE, OWNED, LENDING, UPDATING, HEIR, FOREIGN, FETCHING),
	STAY (ADMIT,      retry_from,  0, LOCKED_HERE, WON, FROZEN),
	STAY (LEAVE,      leave,       0, SOLE, FOREIGN),
	STAY (LEAVE,      retry_from,  0, LENDING, LOCKED_HERE, OWNED_SOON, FETCHING),
	STAY (LEAVE,      retry_from,  0, FROZEN),                    /* deletions pause */
	STAY (DEPART,     leave,       0, FOREIGN),
	STAY (DEPART,     leave_quietly, 0, LENDING, MARKING, COMMITTING, OWNED_SOON, FETCHING, STOPPING, MARKED),
	STAY (DEPART,     depart_in_sweep, 0, SWEEPING, CLEARING),
	STAY (GONE,       gone,        0, SOLE, OWNED, FOREIGN),
	STAY (GONE,       gone_in_sweep, 0, SWEEPING, CLEANING, CLEARING),
	STAY (GONE,       gone_quietly, 0, LENDING, MARKING, COMMITTING, OWNED_SOON, FETCHING, STOPPING, MARKED),
	/* Who meets a lock tries again. */
	STAY (GIVE,       retry_from,  0, LENDING, LOCKED_HERE, OWNED_SOON, FETCHING),
	STAY (GIVE,       retry_from,  0, FROZEN),
	STAY (SHARE,      retry_arg,   1, LENDING, LOCKED_HERE, OWNED_SOON, FETCHING),
	STAY (SHARE,      retry_arg,   1, FROZEN),
	STAY (RETYPE,     retry_arg,   0, LENDING, LOCKED_HERE, OWNED_SOON, FETCHING),
	STAY (RETYPE,     retry_arg,   0, FROZEN),
	STAY (LOCK,       retry_arg,   0, LENDING, LOCKED_HERE, OWNED_SOON, FETCHING),
	STAY (LOCK,       retry_arg,   0, FROZEN),
	/* And who asks a kernel that is not the owner, or not any more. */
#define BUSY_OWNER    LENDING, MARKING, COMMITTING, SWEEPING, FINDING, KNOWN, UPDATING, HEIR, WON
#define NOT_THE_OWNER NO_RECORD, MOVING_ON, FOREIGN, FETCHING, STOPPING, MARKED, CLEARING
	STAY (ASK,        retry_from,  1, BUSY_OWNER),
	STAY (ASK,        retry_from,  1, NOT_THE_OWNER),
	STAY (BEG,        retry_arg,   1, BUSY_OWNER),
	STAY (BEG,        retry_arg,   1, NOT_THE_OWNER),
	STAY (CLAIM,      retry_arg,   1, BUSY_OWNER),
	STAY (CLAIM,      retry_arg,   1, NOT_THE_OWNER),
	STAY (RETRIEVE,   retry_from,  1, BUSY_OWNER),
	STAY (RETRIEVE,   retry_from,  1, NOT_THE_OWNER),
};
/* clang-format on */

/* ---- a client's call ---- */

/* `to` gets `verb`, now and whenever the call begins again. */
static void begin(struct step_node *n, struct op *self, step_ref client, struct step_msg first)
{
	self->client = client, self->to = first.to, self->arg = first.arg;
	self->verb = first.event, self->word = first.word;
	struct step_msg *m = step_tell(n, first.to, first.event);
	m->arg = first.arg, m->word = first.word;
}
static void make(struct step_node *n, struct op *self, const struct step_msg *m, unsigned verb, uint32_t word)
{
	const step_ref here = STEP_ANY(n->id, CAP);
	begin(n, self, m->from,
	      (struct step_msg){.to = here, .event = (uint8_t)verb, .arg = m->arg, .word = word});
}
static void use(struct step_node *n, struct op *self, const struct step_msg *m, unsigned verb, step_ref arg,
		uint32_t word)
{
	begin(n, self, m->from,
	      (struct step_msg){.to = m->arg, .event = (uint8_t)verb, .arg = arg, .word = word});
}
ACTION(op, c_obtain) /* from its own kernel it is a copy */
{
	if (m->arg.node == n->id)
		make(n, self, m, TWIN, CAPABILITY_RIGHTS);
	else
		make(n, self, m, BORROW, 0);
}
ACTION(op, c_copy) { make(n, self, m, TWIN, CAPABILITY_RIGHTS); }
ACTION(op, c_mint) { make(n, self, m, TWIN, m->word); }
ACTION(op, c_retype) { make(n, self, m, TAKE, m->word); }
ACTION(op, c_delegate) { use(n, self, m, LEND, STEP_ANY(m->word, CAP), 0); }
ACTION(op, c_move) { use(n, self, m, SHIFT, STEP_ANY(m->word, CAP), 0); }
ACTION(op, c_delete) { use(n, self, m, DROP, STEP_NOBODY, 0); }
ACTION(op, c_revoke) { use(n, self, m, CUT, STEP_NOBODY, 0); }
ACTION(op, c_retire) { use(n, self, m, QUIT, STEP_NOBODY, 0); }
ACTION(op, c_query) { use(n, self, m, LOOK, STEP_NOBODY, 0); }
ACTION(op, c_use) { use(n, self, m, TOUCH, STEP_NOBODY, m->word); }
ACTION(op, busy) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(op, succeed) { step_complete(n, self->client, CAPABILITY_OK, m->arg); }
ACTION(op, give_up) { step_complete(n, self->client, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(op, pause) { step_timer(n, self); }
ACTION(op, retry)
{
	struct step_msg *again = step_tell(n, self->to, self->verb);
	again->arg = self->arg, again->word = self->word;
}

/* clang-format off */
static const struct step_cell op_table[OP_FULL + 1][EVENT_COUNT] = {
	STEP (IDLE,       C_OBTAIN,    WAITING,    c_obtain,   0),
	STEP (IDLE,       C_DELEGATE,  WAITING,    c_delegate, 0),
	STEP (IDLE,       C_COPY,      WAITING,    c_copy,     0),
	STEP (IDLE,       C_MINT,      WAITING,    c_mint,     0),
	STEP (IDLE,       C_MOVE,      WAITING,    c_move,     0),
	STEP (IDLE,       C_DELETE,    WAITING,    c_delete,   0),
	STEP (IDLE,       C_REVOKE,    WAITING,    c_revoke,   0),
	STEP (IDLE,       C_RETYPE,    WAITING,    c_retype,   0),
	STEP (IDLE,       C_QUERY,     WAITING,    c_query,    0),
	STEP (IDLE,       C_USE,       WAITING,    c_use,      0),
	STEP (IDLE,       C_RETIRE,    WAITING,    c_retire,   0),
	CAPABILITY_BUSY(OP_FULL, busy),
	STEP (WAITING,    OK,          IDLE,       succeed,    0),
	STEP (WAITING,    RESULT,      IDLE,       succeed,    0),
	STEP (WAITING,    FAIL,        IDLE,       give_up,    0),
	STEP (WAITING,    REFUSED,     IDLE,       give_up,    0),
	STEP (WAITING,    RETRY,       PAUSED,     pause,      0),
	STEP (WAITING,    LATER,       RETIRING,   nothing,    0),
	STEP (PAUSED,     E_TIMER,     WAITING,    retry,      0),
	STEP (RETIRING,   OK,          IDLE,       succeed,    0),
};
/* clang-format on */

/* ---- what must hold beyond what the family promises ---- */

static struct own *own_of(const struct step_world *w, step_ref r) { return step_lookup(&w->node[r.node], r); }

#define OWNERS                                                                                               \
	(1u << SOLE | 1u << OWNED | 1u << LENDING | 1u << MARKING | 1u << COMMITTING | 1u << SWEEPING |      \
	 1u << CLEANING | 1u << FINDING | 1u << KNOWN | 1u << UPDATING | 1u << HEIR | 1u << WON)
static bool owns(const struct own *o) { return OWNERS >> o->head.state & 1; }

/* Owners and records of an object; *owner is one of the former. */
static uint32_t count(const struct step_world *w, step_ref name, struct own **owner, uint32_t *records)
{
	uint32_t owners = 0;
	*records = 0;
	for (uint32_t b = 0; b < w->nodes; b++)
		for (uint32_t i = 0; i < w->node[b].pool[OWN].used; i++) {
			struct own *o = step_at(&w->node[b], OWN, i);
			if (!o->head.state || !step_same(o->name, name))
				continue;
			++*records;
			if (owns(o))
				owners++, *owner = o;
		}
	return owners;
}

static const char *each_record(const struct step_world *w,
			       const char *(*look)(const struct step_world *, const struct own *, uint32_t))
{
	for (uint32_t b = 0; b < w->nodes; b++)
		for (uint32_t i = 0; i < w->node[b].pool[OWN].used; i++) {
			const struct own *o = step_at(&w->node[b], OWN, i);
			const char *why = o->head.state ? look(w, o, b) : NULL;
			if (why)
				return why;
		}
	return NULL;
}

static const char *look_single(const struct step_world *w, const struct own *o, uint32_t node)
{
	struct own *owner;
	uint32_t records;
	(void)node;
	return owns(o) && count(w, o->name, &owner, &records) > 1 ? "I1: two kernels own an object" : NULL;
}
static const char *always(const struct step_world *w)
{
	const char *why = capability_model_always(w);
	return why ? why : each_record(w, look_single);
}

static const char *look_at_rest(const struct step_world *w, const struct own *o, uint32_t node)
{
	struct own *owner = NULL;
	uint32_t records;
	if (count(w, o->name, &owner, &records) != 1)
		return "I2: at rest, an object has no owner";
	if (!owns(o) && own_of(w, o->owner) != owner)
		return "I2: at rest, a foreign record does not know the owner";
	if (owner->head.state == SOLE && records > 1)
		return "I3: at rest, an owner does not know that another kernel has a record";
	const struct step_node *n = &w->node[node];
	for (uint32_t i = o->members.first; i; i = n->link[i - 1].next) {
		const struct cap *c = step_lookup(n, n->link[i - 1].member);
		if (!c || c->head.state != LIVE || !step_same(c->object, o->name) ||
		    step_lookup(n, c->own) != o)
			return "I4: at rest, a record lists what is no capability of its object";
	}
	return o->members.count ? NULL : "I4: at rest, a kernel without a capability has a record";
}
static const char *at_rest(const struct step_world *w)
{
	const char *why = capability_model_at_rest(w);
	return why ? why : each_record(w, look_at_rest);
}

static const struct step_model model = {
	CAPABILITY_MODEL(always, at_rest),
	.slots = {0, 3, 1, 1},
	/* Two clients of a kernel, and such that find no slot for their calls. */
	.also = (const struct step_also[]){{.nodes = 2, .clients = 2, .capabilities = 2, .slots = {[OP] = 2}},
					   {.nodes = 2, .clients = 2, .capabilities = 2},
					   {0}},
};
/* As CAPABILITY_PROMISES_LIST; the searches apart are large, so with fewer capabilities. */
static const struct step_promise promises[] = {
	{"revoke", "nothing of a revoked subtree is usable after the revoke has returned", true, 0},
	{"selective", "what was not derived from what was revoked stays usable", false, 0},
	{"confinement", "nobody uses authority that no chain of grants explains", true, 0},
	{"rights", "a derived capability has no right that its source has not", true, 2},
	{"exclusive", "memory is retyped through one of its capabilities only", true, 3},
	{"reclaim", "at rest, no slot is in use that no client can name", true, 0},
	{NULL, NULL, false, 0}};

const struct step_protocol capability_owner = {
	.name = "capability/owner",
	.about = "an owner for each object puts all operations on it in order (after Barrelfish)",
	.assumes = "reliable channels, FIFO between each pair; as many records as capabilities a kernel",
	.invariants =
		(const char *const[]){"I1  no two kernels own an object",
				      "I2  at rest, every object has an owner, and every record knows it",
				      "I3  at rest, an owner that thinks it is alone is",
				      "I4  at rest, a record's capabilities are usable and of its object",
				      NULL},
	.promises = promises,
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 4,
	.machine = {[CAP] = STEP_MACHINE(cap, cap_table, CAP_FULL, .usable = 1u << LIVE,
					 .rest = 1u << FREE | 1u << LIVE | 1u << HOLLOW | 1u << RETIRED),
		    [OP] = STEP_MACHINE(op, op_table, OP_FULL, .rest = 1u << IDLE | 1u << RETIRING),
		    [OWN] = STEP_MACHINE(own, own_table, OWN_FULL, .named = true,
					 .rest = 1u << NO_RECORD | 1u << SOLE | 1u << OWNED | 1u << FOREIGN,
					 .fan_arg = offsetof(struct own, name),
					 .fan_word = offsetof(struct own, word))},
	.model = &model};
