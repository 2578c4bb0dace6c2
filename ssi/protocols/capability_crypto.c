/* capability/crypto - capabilities as bits with a keyed MAC; anyone may copy them, the object's home checks every use.
 *
 * After Amoeba's sparse capabilities (Tanenbaum, Mullender and van Renesse, 1986). A capability is {object, epoch, rights
 * and badge, MAC}, sealed with a key that only the home of its object has. The home keeps no record of who holds what: an
 * object has an epoch there, and nothing else. What follows:
 *
 *   - to send is to copy bits: the home is not asked;
 *   - every use is a question to the home: MAC, epoch, rights;
 *   - to revoke is to begin the object's next epoch: one step, however many copies there are, and all of them die; the
 *     first capability and the one that revoked are made anew;
 *   - nobody can tell who has copies: there is no selective revoke and no confinement, the memory that a dead
 *     capability takes is not found, and whoever may use an object may revoke it for all.
 *
 * To mint, the home seals again, instead of the holder, who could chain a MAC to the one that he has (Macaroons): so a
 * capability keeps its 32 bytes and a use costs one MAC however often rights were taken away, for two messages a mint.
 * What is no bits is the first capability at its home: the kernel there knows it, and it outlives every revoke.
 *
 * Messages between kernels: obtain, delegate and move 2, copy and delete 0; mint, retype, query, use and revoke 2, and 0
 * at the home; create and retire 0. None of them depends on the number of copies.
 *
 * In this table a reference to an object is the bits: its generation is the epoch, and a MAC that is wrong is an
 * epoch that is not. So what is forged, or too late, arrives as at a free slot, and the row FREE refuses it. On machines
 * the generation is checked like this too, and then a real MAC: the call CRYPTO_CHECK into the local kernel (ssi/mac.h).
 *
 * Assumes: reliable channels; no order is needed. Invariants:
 *  I1  a first capability at its home is of its object's epoch;
 *  and the promises of the family (skerry/capability.h) that it keeps: revoke and rights. */
#include "ssi/protocols/protocols.h"

enum { CAP = CAPABILITY_CAP, OP = CAPABILITY_OP, OBJECT = CAPABILITY_OWN };
/* clang-format off */
#define CAP_FIELDS(REF, LIST, NODE, WORD, DATA)    REF(object) REF(op) WORD(word)
#define OP_FIELDS(REF, LIST, NODE, WORD, DATA)     REF(client) REF(cap) REF(object) WORD(word)
#define OBJECT_FIELDS(REF, LIST, NODE, WORD, DATA) REF(first) REF(asker) WORD(word)

#define EVENTS(E) CAPABILITY_CALLS(E) \
	E(C_IMPORT, CALL, WORD) /* bits that came by whatever way (arg, word) become a capability here */ \
	/* messages: bits are arg and word; what is asked of the home goes to the object, with the bits' place in arg */ \
	E(OBTAIN,  REQUEST, NONE) E(BITS,   REPLY, WORD) E(DENY,   REPLY, NONE) \
	E(GIVE,    REQUEST, WORD) E(TAKEN,  REPLY, NONE) E(REFUSE, REPLY, NONE) \
	E(USE,     REQUEST, WORD) E(PASSED, REPLY, WORD) \
	E(MINT,    REQUEST, WORD) E(SEALED, REPLY, WORD) \
	E(REVOKE,  REQUEST, NONE) E(RENEWED, REPLY, NONE) \
	E(CLOSE,   REQUEST, NONE) E(CLOSED, REPLY, NONE) \
	E(STALE,   REPLY, NONE) \
	/* on one node */ \
	E(OPEN, INTERNAL, NONE) E(REOPEN, INTERNAL, NONE) E(OPENED, INTERNAL, NONE) E(NO_OBJECT, INTERNAL, NONE) \
	E(START, INTERNAL, NONE) E(LEND, INTERNAL, NODE) E(PART, INTERNAL, NODE) E(KEEP, INTERNAL, NONE) \
	E(GONE, INTERNAL, NONE) E(TRIM, INTERNAL, WORD) E(SHOW, INTERNAL, NONE) E(CUT, INTERNAL, NONE) \
	E(RENEW, INTERNAL, NONE) E(DROP, INTERNAL, NONE) E(QUIT, INTERNAL, NONE) E(FAIL, INTERNAL, NONE) \
	E(TAKE, INTERNAL, WORD) E(TOOK, INTERNAL, NONE) E(FILL, INTERNAL, NONE) E(OK, INTERNAL, NONE)

/* OPENING     waits for its object            FIRST       the first capability, at the object's home
 * FETCHING    waits for bits                  REVOKING    the same, and its revoke runs
 * INSTALLING  the kernel makes a slot         ENDING      the same, and its object is about to go
 * TAKING      the kernel takes memory         HELD        bits, good or not: only the home knows
 * TAKEN_UP    memory without bits yet         LEAVING     bits that another kernel is to get
 *                                             PARTING     a first capability that another kernel is to get */
#define CAP_STATES(X) X(FREE) X(OPENING) X(FETCHING) X(INSTALLING) X(TAKING) X(TAKEN_UP) X(FIRST) X(REVOKING) \
	X(ENDING) X(PARTING) X(HELD) X(LEAVING)
#define OP_STATES(X) X(IDLE) X(WAITING) X(USING) X(MINTING) X(RETYPING) X(CUTTING) X(MOVING)
#define OBJECT_STATES(X) X(NONE) X(LIVE) X(CHECKING) X(SEALING) X(ADVANCING) X(CLOSING)
/* clang-format on */
STEP_LAYOUT(cap, CAP_FIELDS);
STEP_LAYOUT(op, OP_FIELDS);
STEP_LAYOUT(object, OBJECT_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(cap, CAP_STATES, CAP_FULL);
STEP_STATES(op, OP_STATES, OP_FULL);
STEP_STATES(object, OBJECT_STATES, OBJECT_FULL);

/* What nobody needs any more is not state. */
static step_ref forget(step_ref *r)
{
	const step_ref was = *r;
	*r = STEP_NOBODY;
	return was;
}

/* Capabilities: the first one of an object, at its home. */
ACTION(cap, create)
{
	self->op = m->from, self->word = m->word;
	step_tell(n, STEP_ANY(n->id, OBJECT), OPEN);
}
ACTION(cap, created)
{
	self->object = m->from;
	step_complete(n, forget(&self->op), CAPABILITY_OK, n->me);
}
ACTION(cap, not_created) { step_complete(n, self->op, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(cap, no_slot) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(cap, is_passed)
{
	struct step_msg *passed = step_tell(n, m->from, PASSED);
	passed->arg = n->me, passed->word = self->word;
}
ACTION(cap, revoke)
{
	self->op = m->from;
	step_tell(n, self->object, REVOKE)->arg = n->me;
}
ACTION(cap, revoke_again) { step_tell(n, self->object, REVOKE)->arg = n->me; }
ACTION(cap, close)
{
	self->op = m->from;
	step_tell(n, self->object, CLOSE)->arg = n->me;
}
ACTION(cap, close_again) { step_tell(n, self->object, CLOSE)->arg = n->me; }
ACTION(cap, renew) { self->object = m->from; }
ACTION(cap, ended) { step_tell(n, forget(&self->op), OK); }
ACTION(cap, not_ended) { step_tell(n, forget(&self->op), REFUSE); }

/* Bits come. */
ACTION(cap, ask)
{
	self->op = m->from;
	step_tell(n, m->arg, OBTAIN);
}
ACTION(cap, install)
{
	self->object = m->arg, self->word = m->word;
	step_local(n, self, CAPABILITY_INSTALL, m->from);
}
ACTION(cap, take_in)
{
	self->op = m->from, self->object = m->arg, self->word = m->word;
	step_local(n, self, CAPABILITY_INSTALL, m->from);
}
ACTION(cap, take_memory)
{
	self->op = m->from, self->word = m->word;
	step_local(n, self, CAPABILITY_TAKE_MEMORY, m->arg);
}
ACTION(cap, took) { step_tell(n, forget(&self->op), TOOK); }
ACTION(cap, fill) { self->object = m->arg; }
ACTION(cap, taken) { step_tell(n, forget(&self->op), TAKEN); }
ACTION(cap, not_taken) { step_tell(n, self->op, REFUSE); }
ACTION(cap, refuse) { step_tell(n, m->from, REFUSE); }

/* Bits go, are shown, or are copied. */
static void give(struct step_node *n, const struct cap *self, step_ref op, uint32_t to)
{
	struct step_msg *m = step_tell(n, STEP_ANY(to, CAP), GIVE);
	m->from = op, m->arg = self->object, m->word = self->word;
}
ACTION(cap, copy_out)
{
	struct step_msg *bits = step_tell(n, m->from, BITS);
	bits->arg = self->object, bits->word = self->word;
}
ACTION(cap, deny) { step_tell(n, m->from, DENY); }
ACTION(cap, lend) { give(n, self, m->from, (uint32_t)m->word); }
/* Asks the home, for the operation that asked: with the bits' place in arg, for those who have to read the MAC. */
static struct step_msg *ask_home(struct step_node *n, const struct cap *self, step_ref op, unsigned event)
{
	struct step_msg *m = step_tell(n, self->object, event);
	m->from = op, m->arg = n->me;
	return m;
}
ACTION(cap, show) { ask_home(n, self, m->from, USE)->word = self->word; }
ACTION(cap, trim) { ask_home(n, self, m->from, MINT)->word = capability_diminish(self->word, m->word); }
ACTION(cap, cut) { ask_home(n, self, m->from, REVOKE); }
ACTION(cap, drop) { step_tell(n, m->from, OK); }
ACTION(cap, fail) { step_tell(n, m->from, FAIL); }

/* clang-format off */
static const struct step_cell cap_table[CAP_FULL + 1][EVENT_COUNT] = {
	/*    state       event        next        action       sends */
	STEP (FREE,       C_CREATE,    OPENING,    create,      0),
	STEP (FREE,       START,       FETCHING,   ask,         1),
	STEP (FREE,       GIVE,        INSTALLING, take_in,     0),
	STEP (FREE,       TAKE,        TAKING,     take_memory, 0),
	STEP (CAP_FULL,   C_CREATE,    CAP_FULL,   no_slot,     0),
	STEP (CAP_FULL,   START,       CAP_FULL,   refuse,      0),
	STEP (CAP_FULL,   GIVE,        CAP_FULL,   refuse,      1),
	STEP (CAP_FULL,   TAKE,        CAP_FULL,   refuse,      0),

	STEP (OPENING,    OPENED,      FIRST,      created,     0),
	STEP (OPENING,    NO_OBJECT,   FREE,       not_created, 0),
	STEP (FETCHING,   BITS,        INSTALLING, install,     0),
	STEP (FETCHING,   DENY,        FREE,       not_taken,   0),
	STEP (INSTALLING, E_LOCAL_OK,  HELD,       taken,       1),
	STEP (INSTALLING, E_LOCAL_ERR, FREE,       not_taken,   1),
	STEP (TAKING,     E_LOCAL_OK,  TAKEN_UP,   took,        0),
	STEP (TAKING,     E_LOCAL_ERR, FREE,       not_taken,   0),
	STEP (TAKEN_UP,   FILL,        HELD,       fill,        0),

	/* Whoever asks gets a copy, and whoever has one may send it on. */
	STAY (OBTAIN,     copy_out, 1, FIRST, REVOKING, HELD),
	STAY (LEND,       lend,     1, FIRST, REVOKING, HELD),
	STAY (TRIM,       trim,     1, FIRST, REVOKING, HELD),
	STAY (SHOW,       is_passed, 0, FIRST, REVOKING),             /* the kernel knows its own object */
	STEP (HELD,       SHOW,        HELD,       show,        1),
	STEP (HELD,       CUT,         HELD,       cut,         1),
	STEP (HELD,       PART,        LEAVING,    lend,        1),
	STEP (HELD,       DROP,        FREE,       drop,        0),
	STEP (LEAVING,    KEEP,        HELD,       nothing,     0),
	STEP (LEAVING,    GONE,        FREE,       nothing,     0),
	STEP (FIRST,      CUT,         REVOKING,   revoke,      0),
	STEP (FIRST,      QUIT,        ENDING,     close,       0),
	STEP (FIRST,      PART,        PARTING,    lend,        1),
	STEP (FIRST,      DROP,        FREE,       drop,        0),   /* its object stays, for the copies */
	STEP (PARTING,    KEEP,        FIRST,      nothing,     0),
	STEP (PARTING,    GONE,        FREE,       nothing,     0),

	STEP (REVOKING,   RENEWED,     FIRST,      ended,       0),
	STEP (REVOKING,   STALE,       REVOKING,   revoke_again, 0),  /* another's revoke came first */
	STEP (REVOKING,   REFUSE,      FIRST,      not_ended,   0),
	STEP (REVOKING,   E_NACK,      FIRST,      not_ended,   0),
	STEP (ENDING,     CLOSED,      FREE,       ended,       0),
	STEP (ENDING,     STALE,       ENDING,     close_again, 0),
	STEP (ENDING,     REFUSE,      FIRST,      not_ended,   0),
	STEP (ENDING,     E_NACK,      FIRST,      not_ended,   0),

	/* A new epoch. Who has gone meanwhile does not see it. */
	STAY (RENEW,      renew,   0, FIRST, REVOKING, ENDING, PARTING, HELD, LEAVING),
	STAY (RENEW,      nothing, 0, FREE),

	/* Who is not there, or not yet, or no more. */
#define ABSENT FREE, FETCHING, INSTALLING, TAKING, ENDING, PARTING, LEAVING
	STAY (OBTAIN,     deny,     1, ABSENT),
	STAY (LEND,       fail,     0, ABSENT),
	STAY (TRIM,       fail,     0, ABSENT),
	STAY (SHOW,       fail,     0, ABSENT),
	STAY (CUT,        fail,     0, ABSENT, REVOKING),
	STAY (PART,       fail,     0, ABSENT, REVOKING),
	STAY (DROP,       fail,     0, ABSENT, REVOKING),
	STAY (QUIT,       fail,     0, ABSENT, REVOKING, HELD),       /* only the home ends its object */
};
/* clang-format on */

/* A client's call. `event` is for the capability that it is about. */
static struct step_msg *begin(struct step_node *n, struct op *self, const struct step_msg *m, unsigned event)
{
	self->client = m->from, self->cap = m->arg;
	return step_tell(n, m->arg, event);
}
ACTION(op, c_obtain)
{
	self->client = m->from;
	step_tell(n, STEP_ANY(n->id, CAP), START)->arg = m->arg;
}
ACTION(op, c_import)
{
	self->client = m->from;
	struct step_msg *bits = step_tell(n, STEP_ANY(n->id, CAP), GIVE);
	bits->arg = m->arg, bits->word = m->word;
}
ACTION(op, c_delegate) { begin(n, self, m, LEND)->word = m->word; }
ACTION(op, c_copy) { begin(n, self, m, LEND)->word = n->id; }
ACTION(op, c_mint) { begin(n, self, m, TRIM)->word = m->word; }
ACTION(op, c_move) { begin(n, self, m, PART)->word = m->word; }
ACTION(op, c_delete) { begin(n, self, m, DROP); }
ACTION(op, c_revoke) { begin(n, self, m, CUT); }
ACTION(op, c_query) { begin(n, self, m, SHOW); }
ACTION(op, c_use)
{
	begin(n, self, m, SHOW);
	self->word = m->word & CAPABILITY_RIGHTS;
}
ACTION(op, c_retire) { begin(n, self, m, QUIT); }
ACTION(op, busy) { step_complete(n, m->from, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(op, give_up) { step_complete(n, self->client, CAPABILITY_FAILED, STEP_NOBODY); }
ACTION(op, succeed) { step_complete(n, self->client, CAPABILITY_OK, m->from); }
ACTION(op, passed) /* the word is what the home has vouched for */
{
	step_complete(n, self->client, self->word & ~m->word ? CAPABILITY_FAILED : CAPABILITY_OK, m->arg);
}
ACTION(op, put)
{
	struct step_msg *bits = step_tell(n, STEP_ANY(n->id, CAP), GIVE);
	bits->arg = m->arg, bits->word = m->word;
}
ACTION(op, take)
{
	self->object = m->arg;
	struct step_msg *memory = step_tell(n, STEP_ANY(n->id, CAP), TAKE);
	memory->arg = self->cap, memory->word = m->word;
}
ACTION(op, complete_memory)
{
	step_tell(n, m->from, FILL)->arg = self->object;
	step_complete(n, self->client, CAPABILITY_OK, m->from);
}
ACTION(op, renewed)
{
	step_tell(n, self->cap, RENEW)->from = m->from;
	step_complete(n, self->client, CAPABILITY_OK, self->cap);
}
ACTION(op, moved)
{
	step_tell(n, self->cap, GONE);
	step_complete(n, self->client, CAPABILITY_OK, m->from);
}
ACTION(op, not_moved)
{
	step_tell(n, self->cap, KEEP);
	step_complete(n, self->client, CAPABILITY_FAILED, STEP_NOBODY);
}

/* clang-format off */
static const struct step_cell op_table[OP_FULL + 1][EVENT_COUNT] = {
	STEP (IDLE,       C_OBTAIN,    WAITING,    c_obtain,    0),
	STEP (IDLE,       C_IMPORT,    WAITING,    c_import,    0),
	STEP (IDLE,       C_DELEGATE,  WAITING,    c_delegate,  0),
	STEP (IDLE,       C_COPY,      WAITING,    c_copy,      0),
	STEP (IDLE,       C_DELETE,    WAITING,    c_delete,    0),
	STEP (IDLE,       C_RETIRE,    WAITING,    c_retire,    0),
	STEP (IDLE,       C_MINT,      MINTING,    c_mint,      0),
	STEP (IDLE,       C_RETYPE,    RETYPING,   c_mint,      0),
	STEP (IDLE,       C_QUERY,     USING,      c_query,     0),
	STEP (IDLE,       C_USE,       USING,      c_use,       0),
	STEP (IDLE,       C_REVOKE,    CUTTING,    c_revoke,    0),
	STEP (IDLE,       C_MOVE,      MOVING,     c_move,      0),
	CAPABILITY_BUSY(OP_FULL, busy),
	STAY (C_IMPORT,   busy, 0, OP_FULL),

	STEP (WAITING,    OK,          IDLE,       succeed,     0),
	STEP (WAITING,    TAKEN,       IDLE,       succeed,     0),
	STEP (WAITING,    REFUSE,      IDLE,       give_up,     0),
	STEP (USING,      PASSED,      IDLE,       passed,      0),
	STEP (MINTING,    SEALED,      WAITING,    put,         0),
	STEP (RETYPING,   SEALED,      RETYPING,   take,        0),
	STEP (RETYPING,   TOOK,        IDLE,       complete_memory, 0),
	STEP (CUTTING,    RENEWED,     IDLE,       renewed,     0),
	STEP (CUTTING,    OK,          IDLE,       succeed,     0),
	STEP (MOVING,     TAKEN,       IDLE,       moved,       0),
	STEP (MOVING,     REFUSE,      IDLE,       not_moved,   0),

	/* Whatever was asked: there is no such capability, or it is too late for its epoch, or the home has no place. */
#define GIVES_UP(state) \
	STEP (state, FAIL, IDLE, give_up, 0), STEP (state, REFUSE, IDLE, give_up, 0), \
	STEP (state, STALE, IDLE, give_up, 0), STEP (state, E_NACK, IDLE, give_up, 0)
	GIVES_UP(USING), GIVES_UP(MINTING), GIVES_UP(RETYPING), GIVES_UP(CUTTING),
	STEP (WAITING,    FAIL,        IDLE,       give_up,     0),
	STEP (MOVING,     FAIL,        IDLE,       give_up,     0),
};
/* clang-format on */

/* An object, at its home. Its slot is one epoch. */
ACTION(object, open)
{
	self->first = m->from;
	step_tell(n, m->from, OPENED);
}
ACTION(object, no_room) { step_tell(n, m->from, NO_OBJECT); }
ACTION(object, reopen)
{
	self->first = m->arg;
	step_tell(n, self->first, RENEW);
	step_tell(n, m->from, RENEWED);
}
/* What the kernel is asked: whether the bits that lie at m->arg have the MAC of this object, its epoch and their word. */
static void ask_kernel(struct step_node *n, struct object *self, const struct step_msg *m,
		       enum crypto_local call)
{
	self->asker = m->from, self->word = m->word;
	step_local(n, self, call, m->arg);
}
ACTION(object, check) { ask_kernel(n, self, m, CRYPTO_CHECK); }
ACTION(object, seal) { ask_kernel(n, self, m, CRYPTO_SEAL); }
ACTION(object, advance) { ask_kernel(n, self, m, CRYPTO_ADVANCE); }
ACTION(object, stale) { step_tell(n, m->from, STALE); }
static void rest(struct object *self) { self->asker = STEP_NOBODY, self->word = 0; }
ACTION(object, pass)
{
	struct step_msg *passed = step_tell(n, self->asker, PASSED);
	passed->arg = self->first, passed->word = self->word;
	rest(self);
}
ACTION(object, sealed)
{
	struct step_msg *bits = step_tell(n, self->asker, SEALED);
	bits->arg = n->me, bits->word = self->word;
	rest(self);
}
ACTION(object, refuse_asker)
{
	step_tell(n, self->asker, REFUSE);
	rest(self);
}
ACTION(object, next_epoch)
{
	struct step_msg *next = step_tell(n, STEP_ANY(n->id, OBJECT), REOPEN);
	next->from = self->asker, next->arg = self->first;
}
ACTION(object, closed) { step_tell(n, self->asker, CLOSED); }

/* clang-format off */
static const struct step_cell object_table[OBJECT_FULL + 1][EVENT_COUNT] = {
	STEP (NONE,        OPEN,        LIVE,        open,         0),
	STEP (NONE,        REOPEN,      LIVE,        reopen,       1),
	STEP (OBJECT_FULL, OPEN,        OBJECT_FULL, no_room,      0),

	STEP (LIVE,        USE,         CHECKING,    check,        0),
	STEP (LIVE,        MINT,        SEALING,     seal,         0),
	STEP (LIVE,        REVOKE,      ADVANCING,   advance,      0),
	STEP (LIVE,        CLOSE,       CLOSING,     advance,      0),
	STEP (CHECKING,    E_LOCAL_OK,  LIVE,        pass,         1),
	STEP (SEALING,     E_LOCAL_OK,  LIVE,        sealed,       1),
	STEP (ADVANCING,   E_LOCAL_OK,  NONE,        next_epoch,   0),
	STEP (CLOSING,     E_LOCAL_OK,  NONE,        closed,       0),
	STEP (CHECKING,    E_LOCAL_ERR, LIVE,        refuse_asker, 1),
	STEP (SEALING,     E_LOCAL_ERR, LIVE,        refuse_asker, 1),
	STEP (ADVANCING,   E_LOCAL_ERR, LIVE,        refuse_asker, 1),
	STEP (CLOSING,     E_LOCAL_ERR, LIVE,        refuse_asker, 0),

	/* One question at a time. */
#define STALLS(event) \
	STALL(CHECKING, event), STALL(SEALING, event), STALL(ADVANCING, event)
	STALLS(USE), STALLS(MINT), STALLS(REVOKE), STALLS(CLOSE),
	STALL(CLOSING, USE), STALL(CLOSING, MINT), STALL(CLOSING, REVOKE),

	/* Of an epoch that is over, or forged. */
	STAY (USE,    stale, 1, NONE),
	STAY (MINT,   stale, 1, NONE),
	STAY (REVOKE, stale, 1, NONE),
	STAY (CLOSE,  stale, 0, NONE),
};
/* clang-format on */

/* ---- what the checker explores, and what must hold ---- */

static const struct cap *cap_at(const struct step_world *w, uint32_t node, uint32_t i)
{
	return step_at(&w->node[node], CAP, i);
}
static bool is_current(const struct step_world *w, step_ref object)
{
	return step_lookup(&w->node[object.node], object) != NULL;
}
static bool is_recorded(const struct step_world *w, uint32_t node, uint32_t i)
{
	return ((const struct capability_shadow *)step_shadow_at(w, node, i))->self.machine != 0;
}
static bool may_be_made(const struct step_world *w)
{
	for (uint32_t i = 0; i < w->nodes * w->clients; i++) {
		const unsigned event = w->flight[i].event;
		if (event && event != C_USE && event != C_QUERY && event != C_DELETE && event != C_REVOKE &&
		    event != C_RETIRE)
			return true;
	}
	return false;
}

static bool has_slot(const struct step_node *n, unsigned machine)
{
	for (uint32_t i = 0; i < n->pool[machine].slots; i++)
		if (!((const struct step_head *)step_at(n, machine, i))->state)
			return true;
	return false;
}

/* Whether one more slot may fill: those that have, and those that calls in flight may. */
static bool has_room(const struct step_world *w)
{
	uint32_t count = 0;
	for (uint32_t b = 0; b < w->nodes; b++)
		for (uint32_t i = 0; i < w->node[b].pool[CAP].slots; i++)
			count += cap_at(w, b, i)->head.state != FREE;
	for (uint32_t i = 0; i < w->nodes * w->clients; i++)
		count += w->flight[i].event >= C_OBTAIN && w->flight[i].event <= C_MOVE;
	return count < w->objects * w->capabilities;
}

/* Flags of the family's records: dead is what is never usable again. */
enum { DEAD = 1, REVOKED = 2, RETYPED = 4 };
static bool is_live(const struct capability_shadow *r) { return r->self.machine && !(r->flags & DEAD); }
static const struct capability_shadow *record_of(const struct step_world *w, step_ref cap)
{
	return step_shadow_at(w, (uint32_t)cap.node, (uint32_t)cap.index);
}
static bool is_bad(const struct step_world *w, step_ref cap)
{
	return cap_at(w, (uint32_t)cap.node, (uint32_t)cap.index)->head.state == HELD &&
	       !is_live(record_of(w, cap));
}

/* Bits that were good once, or were never; or that are good, and nobody was told of them: they may only be tried. Copies of
 * bad bits are bad bits, so they are explored where there is room. */
static uint32_t calls_with_bad(const struct step_world *w, step_ref cap, bool room, struct step_msg *out)
{
	/* To query is to use, to retype is to mint. */
	static const uint8_t asks[] = {C_USE, C_MINT, C_REVOKE, C_DELETE};
	const uint32_t node = (uint32_t)cap.node;
	const bool good = is_current(w, cap_at(w, node, (uint32_t)cap.index)->object);
	uint32_t count = 0;
	for (uint32_t i = 0; i < (good ? 1 : sizeof asks); i++)
		out[count++] = (struct step_msg){
			.event = asks[i], .arg = cap, .word = asks[i] == C_USE || asks[i] == C_MINT ? 1 : 0};
	if (room && is_recorded(w, node, (uint32_t)cap.index)) {
		out[count++] = (struct step_msg){.event = C_COPY, .arg = cap};
		for (uint32_t to = 0; to < w->nodes; to++)
			if (to != node)
				out[count++] = (struct step_msg){.event = C_MOVE, .arg = cap, .word = to};
	}
	return count;
}

/* Bad bits have calls of their own. An object that ends takes all its capabilities along, which is not what is meant where
 * it is judged whether one revoke spares the others. */
static bool is_worth_it(const struct step_world *w, const struct step_msg *call)
{
	return (call->arg.machine != CAP || !is_bad(w, call->arg)) &&
	       (call->event != C_RETIRE || w->judged != 1u << CAPABILITY_P_SELECTIVE);
}

static bool has_bad(const struct step_world *w)
{
	for (uint32_t b = 0; b < w->nodes; b++)
		for (uint32_t i = 0; i < w->node[b].pool[CAP].slots; i++)
			if (is_bad(w, step_ref_of(&w->node[b], CAP, i)))
				return true;
	return false;
}

/* Where revoke is judged somebody makes bits up, for one object at a time; where confinement is, somebody reads the right
 * ones over a shoulder. */
static uint32_t calls_to_import(const struct step_world *w, uint32_t node, struct step_msg *out)
{
	const bool leak = w->judged == 1u << CAPABILITY_P_CONFINED;
	uint32_t count = 0;
	if (leak ? !node : !(w->judged >> CAPABILITY_P_REVOKE & 1))
		return 0;
	for (uint32_t i = 0; i < w->node[0].pool[OBJECT].slots; i++) {
		step_ref object = step_ref_of(&w->node[0], OBJECT, i);
		if (leak && !is_current(w, object))
			continue;
		object.gen ^= leak ? 0 : 0x800;
		out[count++] = (struct step_msg){.event = C_IMPORT, .arg = object, .word = 3};
	}
	return count;
}

/* Besides the family's calls: calls with bad bits, which look as good as others; imports; and one more object than there
 * is room for. */
static uint32_t calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	const uint32_t listed = capability_model_calls(w, node, out, max);
	const struct step_node *home = &w->node[0];
	const bool room = has_room(w);
	uint32_t count = 0;
	for (uint32_t i = 0; i < listed; i++)
		if (is_worth_it(w, &out[i]))
			out[count++] = out[i];
	for (uint32_t i = 0; i < w->node[node].pool[CAP].slots && count + 12 < max; i++)
		if (is_bad(w, step_ref_of(&w->node[node], CAP, i)))
			count += calls_with_bad(w, step_ref_of(&w->node[node], CAP, i), room, out + count);
	if (count + 3 < max && !has_slot(home, OBJECT) && node == 0 && has_slot(home, CAP))
		out[count++] = (struct step_msg){.event = C_CREATE};
	if (count + home->pool[OBJECT].slots < max && room && !may_be_made(w) && !has_bad(w))
		count += calls_to_import(w, node, &out[count]);
	for (uint32_t i = 0; i < count; i++)
		out[i].to = STEP_ANY(node, out[i].event == C_CREATE ? CAP : OP);
	return count;
}

/* Nobody has granted it. What was made up is followed as what is dead; what was copied has no record. */
static const char *imported(const struct step_world *w, uint32_t result, step_ref cap)
{
	if (result == CAPABILITY_OK && w->judged != 1u << CAPABILITY_P_CONFINED)
		*(struct capability_shadow *)step_shadow_at(w, (uint32_t)cap.node, (uint32_t)cap.index) =
			(struct capability_shadow){.self = cap, .held = CAPABILITY_RIGHTS, .flags = DEAD};
	return NULL;
}

static const char *completed(const struct step_world *w, uint32_t node, uint32_t result, step_ref arg)
{
	const struct step_msg *call = &w->call[node];
	if (call->event == C_IMPORT)
		return imported(w, result, arg);
	const bool asks = call->event == C_USE || call->event == C_QUERY;
	const struct cap *c = asks ? step_lookup(&w->node[node], call->arg) : NULL;
	if (!c)
		return capability_model_completed(w, node, result, arg);
	if (result != CAPABILITY_OK && is_current(w, c->object))
		return NULL; /* the kernel said no, which it may say to anybody */
	if (result == CAPABILITY_OK && !is_recorded(w, node, (uint32_t)call->arg.index) && !may_be_made(w))
		return "confinement: bits were copied, nobody granted them, and they can be used";
	return capability_model_completed(w, node, result, arg);
}

static const char *look_first(const struct step_world *w, uint32_t node, uint32_t i)
{
	const struct cap *c = cap_at(w, node, i);
	if (c->head.state != FIRST && c->head.state != REVOKING && c->head.state != ENDING &&
	    c->head.state != PARTING)
		return NULL;
	const struct object *object = step_lookup(&w->node[c->object.node], c->object);
	return object && step_same(object->first, step_ref_of(&w->node[node], CAP, i))
		       ? NULL
		       : "I1: a first capability is not of its object's epoch";
}

static bool may_be_renewed(const struct step_world *w, step_ref cap)
{
	for (uint32_t i = 0; i < w->nodes * w->clients; i++)
		if (w->flight[i].event == C_REVOKE && step_same(w->flight[i].arg, cap))
			return true;
	return false;
}

static bool has_derived(const struct step_world *w, step_ref cap)
{
	for (uint32_t b = 0; b < w->nodes; b++)
		for (uint32_t i = 0; i < w->node[b].pool[CAP].slots; i++) {
			const struct capability_shadow *r = step_shadow_at(w, b, i);
			if (r->self.machine && step_same(r->source, cap))
				return true;
		}
	return false;
}

/* Bits of an epoch that is over are never good again, whoever revoked them: they are followed as what is dead, which
 * merges many states, but where it matters who revoked them. True: something was forgotten. */
static bool forget_history(const struct step_world *w, uint32_t node, uint32_t i)
{
	struct capability_shadow *r = step_shadow_at(w, node, i);
	const struct capability_shadow was = *r;
	const struct cap *c = cap_at(w, node, i);
	if (!r->self.machine)
		return false;
	r->flags &= DEAD | REVOKED | RETYPED;
	if (c->head.state == HELD && !is_current(w, c->object) && !may_be_renewed(w, r->self)) {
		r->flags |= DEAD;
		r->held = CAPABILITY_RIGHTS;
		if (!has_derived(w, r->self))
			*r = (struct capability_shadow){.self = r->self, .held = r->held, .flags = DEAD};
	}
	return memcmp(&was, r, sizeof was) != 0;
}

/* Whoever is forgotten may be the last that something else was followed for. */
static void forget_histories(const struct step_world *w)
{
	for (bool again = true; again;) {
		again = false;
		for (uint32_t b = 0; b < w->nodes; b++)
			for (uint32_t i = 0; i < w->node[b].pool[CAP].slots; i++)
				again |= forget_history(w, b, i);
	}
}

static const char *always(const struct step_world *w)
{
	const char *why = capability_model_always(w);
	for (uint32_t b = 0; b < w->nodes && !why; b++)
		for (uint32_t i = 0; i < w->node[b].pool[CAP].used && !why; i++)
			why = look_first(w, b, i);
	if (w->shadow && !(w->judged >> CAPABILITY_P_SELECTIVE & 1))
		forget_histories(w);
	return why;
}

static const struct step_model model = {
	CAPABILITY_MODEL_WITH(calls, completed, always, capability_model_at_rest),
	.slots = {0, 3, 1, 1},
	.use_tells = true,
	/* Two clients of a kernel; no slot for a call; none for a capability; and no place for a question to wait. */
	.also =
		(const struct step_also[]){
			{.nodes = 2, .clients = 2, .capabilities = 2, .slots = {[CAP] = 2, [OP] = 2}},
			{.nodes = 2, .clients = 2, .capabilities = 2},
			{.nodes = 2, .clients = 2, .slots = {[CAP] = 1, [OP] = 2}},
			{.nodes = 2,
			 .clients = 2,
			 .parks = 1,
			 .flight = 3,
			 .capabilities = 2,
			 .slots = {[CAP] = 1, [OP] = 2}},
			{0}},
	.unreached =
		(const struct step_unreached[]){
			{"cap REVOKING+NACK",
			 "the checker begins no call on a kernel without a place to wait"},
			{"cap ENDING+NACK", "the checker begins no call on a kernel without a place to wait"},
			{0}},
};
static const struct step_promise promises[] =
	CAPABILITY_PROMISES_LIST(true, false, false, true, false, false);

const struct step_protocol capability_crypto = {
	.name = "capability/crypto",
	.about = "bits with a keyed MAC that the object's home checks at every use; revoked by epochs (after "
		 "Amoeba)",
	.assumes = "reliable channels; no order is needed",
	.invariants =
		(const char *const[]){"I1  a first capability at its home is of its object's epoch", NULL},
	.promises = promises,
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 4,
	.machine = {[CAP] = STEP_MACHINE(cap, cap_table, CAP_FULL, .usable = 1u << FIRST | 1u << HELD,
					 .rest = 1u << FREE | 1u << FIRST | 1u << HELD),
		    [OP] = STEP_MACHINE(op, op_table, OP_FULL, .rest = 1u << IDLE),
		    [OBJECT] =
			    STEP_MACHINE(object, object_table, OBJECT_FULL, .rest = 1u << NONE | 1u << LIVE)},
	.model = &model};
