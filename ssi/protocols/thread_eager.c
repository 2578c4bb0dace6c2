/* thread/eager - a thread moves to another kernel, all of it at once.
 *
 * Stop, reserve, translate, transfer, start; what cannot be done is undone. Messages between kernels, where home, source,
 * destination and who asks for the move are four of them (a message from a kernel to itself is none):
 *
 *     move   8 (MOVE, LEAVE, PREPARE, ROOM, UNPACK, ARRIVED and MOVED, DONE), and 3 for each capability and each reply
 *            owed (CARRY, PLACE, FILL), beside those of the capability's own move. From its home, asked there: 5
 *     call   3 (CALL, RELAY, ANSWER), 2 to a thread at home     kill  4     create, hold, reply to one of here  0
 *     a move that is refused: 6 if there is no room (MOVE, LEAVE, PREPARE, NO_ROOM, STAYS, REFUSED)
 *
 * The home is the directory and the forwarder: whoever knows the name asks there, and it sends on. It stops doing so before
 * the thread begins to leave, what it has sent reaches the thread before the order to leave (channels are first in, first
 * out), and goes on when the thread has arrived. So nothing is left behind on kernels in between, and a call that
 * crosses a move waits at the home.
 *
 * Ideas that remove the guards:
 *   - capabilities and replies owed are slots of one kind, told to move by a fan-out; each counts itself off;
 *   - the place at the destination comes first: a slot that waits there makes a translation that fails harmless;
 *   - the slots of the source stay until the thread has started, so what goes back finds its place;
 *   - a thread that is being stopped still gets what its last call brings, and may lose what it has: a kernel that keeps no
 *     book of what its threads hold walks the capability space then, and says it all.
 *
 * Assumes: reliable channels, first in first out between each pair; the kernel resumes what it stopped, and takes back
 * what it gave. Invariants:
 *  I1  a thread runs on one kernel at most;
 *  I2  a thread that runs has all that it was given, in its places, and its image;
 *  I3  at rest, each name's thread runs, where its name says; bodies and slots belong to threads that run;
 *  I4  at rest, who waits for a reply is owed exactly one. */
#include "ssi/protocols/protocols.h"

enum { BODY = THREAD_BODY, OP = THREAD_OP, NAME = THREAD_NAME, SLOT = THREAD_SLOT };
/* clang-format off */
/* body: `peer` is the body at the other end of a move, `waits` who waits for a slot, within a step */
#define BODY_FIELDS(REF, LIST, NODE, WORD, DATA) \
	REF(name) REF(peer) REF(mover) REF(waits) NODE(to) WORD(reason) DATA(image) LIST(slots) LIST(work)
#define OP_FIELDS(REF, LIST, NODE, WORD, DATA)   REF(client)
#define NAME_FIELDS(REF, LIST, NODE, WORD, DATA) REF(at) REF(killer)
/* slot: `what` is its capability, or who waits for a reply */
#define SLOT_FIELDS(REF, LIST, NODE, WORD, DATA) REF(body) REF(what) REF(peer) WORD(place)

#define EVENTS(E) THREAD_CALLS(E) /* to the home */ \
	E(CALL,    REQUEST, NONE) E(MOVE,    REQUEST, NODE) E(KILL,  REQUEST, NONE) \
	E(MOVED,   REPLY,   NONE) E(STAYS,   REPLY,   NONE) E(DEAD,  REPLY,   NONE) \
	/* from the home */ \
	E(RELAY,   FORWARD, NONE) E(LEAVE,   FORWARD, NODE) E(DIE,   FORWARD, NONE) \
	/* from source to destination, and back */ \
	E(PREPARE, FORWARD, NONE) E(ROOM,    REPLY,   NONE) E(NO_ROOM,  REPLY, NONE) \
	E(CARRY,   FORWARD, WORD) E(PLACE,   REPLY,   NONE) E(NO_PLACE, REPLY, NONE) \
	E(FILL,    REPLY,   NONE) E(FILL_OWED, REPLY, NONE) E(BACK,     REPLY, NONE) \
	E(UNPACK,  REPLY,   DATA) E(ARRIVED, REPLY,   NONE) E(CANCEL,   REPLY, NONE) E(CANCELLED, REPLY, NONE) \
	/* to who called */ \
	E(ANSWER,  REPLY,   NONE) E(DONE,    REPLY,   NONE) E(REFUSED,  REPLY, WORD) \
	/* on one node */ \
	E(START, INTERNAL, WORD) E(SETTLE, INTERNAL, NONE) E(NOT_SETTLE, INTERNAL, NONE) \
	E(GET, INTERNAL, WORD) E(GOT, INTERNAL, NONE) E(SPILT, INTERNAL, NONE) E(OWE, INTERNAL, NONE) \
	E(KEEP, INTERNAL, WORD) E(LISTED, INTERNAL, NONE) E(PACK, INTERNAL, NONE) E(SEND, INTERNAL, WORD) \
	E(PACKED, INTERNAL, NONE) E(STUCK, INTERNAL, WORD) E(FORGET, INTERNAL, NONE) E(RETURN, INTERNAL, NONE) \
	E(DROP, INTERNAL, NONE) E(DROPPED, INTERNAL, NONE)

/* RUNNING     the only one in which it runs     HALTING     the kernel stops it for good
 * STOPPING    the kernel stops it               DYING       what it held goes
 * BIDDING     asks for room
 * PACKING     its slots are translated          SENT        its image is under way: from here on it may run there
 * LEAVING     it runs there; its slots go       UNDOING     one cannot be; the others still try
 * CANCELLING  the others come back              RESUMING    the kernel resumes it
 * RESERVING   the kernel makes room for one     EMPTY       has room for it, and gets what it holds
 * STARTING    the kernel starts it              RETURNING   what came goes back */
#define BODY_STATES(X) X(FREE) X(RUNNING) X(HALTING) X(DYING) X(STOPPING) X(BIDDING) X(PACKING) X(SENT) X(LEAVING) \
	X(UNDOING) X(CANCELLING) X(RESUMING) X(RESERVING) X(EMPTY) X(STARTING) X(RETURNING)
/* CALLING: waits for the thread, so for a client: it is at rest. */
#define OP_STATES(X) X(IDLE) X(CALLING) X(ASKING)
/* SETTLED: sends on. MOVING: what comes waits. ENDING: the same; the thread dies. */
#define NAME_STATES(X) X(NONE) X(COMING) X(SETTLED) X(MOVING) X(ENDING)
/* HELD     a capability, and on its way:  PLACING    asks for a place there
 * OWED     a reply; the same with _R      GIVING     the kernel translates it
 * KEPT     is to get one of them          GIVEN      it is there; here its place is kept
 * RETURNED the kernel gives it back       DELETING   the kernel deletes it */
#define SLOT_STATES(X) X(VOID) X(HELD) X(OWED) X(KEPT) X(PLACING) X(GIVING) X(GIVEN) X(PLACING_R) X(GIVING_R) \
	X(GIVEN_R) X(RETURNED) X(DELETING)
/* clang-format on */
STEP_LAYOUT(body, BODY_FIELDS);
STEP_LAYOUT(op, OP_FIELDS);
STEP_LAYOUT(name, NAME_FIELDS);
STEP_LAYOUT(slot, SLOT_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(body, BODY_STATES, BODY_FULL);
STEP_STATES(op, OP_STATES, OP_FULL);
STEP_STATES(name, NAME_STATES, NAME_FULL);
STEP_STATES(slot, SLOT_STATES, SLOT_FULL);

/* ---- the name, at home ---- */

ACTION(name, create)
{
	struct step_msg *out = step_tell(n, STEP_ANY(n->id, BODY), START);
	out->arg = m->from, out->word = m->word;
}
ACTION(name, no_name) { step_complete(n, m->from, THREAD_NO_ROOM, STEP_NOBODY); }
ACTION(name, settle) { self->at = m->from; }
static struct step_msg *send_on(struct step_node *n, const struct name *self, const struct step_msg *m,
				unsigned event)
{
	struct step_msg *out = step_tell(n, self->at, event);
	out->from = m->from;
	return out;
}
ACTION(name, relay) { send_on(n, self, m, RELAY); }
ACTION(name, let_leave) { send_on(n, self, m, LEAVE)->word = m->word; }
ACTION(name, let_die)
{
	self->killer = m->from;
	step_tell(n, self->at, DIE);
}
ACTION(name, died) { step_tell(n, self->killer, DONE); }
ACTION(name, nobody) { step_tell(n, m->from, REFUSED)->word = THREAD_GONE; }

/* clang-format off */
static const struct step_cell name_table[NAME_FULL + 1][EVENT_COUNT] = {
	/*    state      event     next       action     sends */
	STEP (NONE,      T_CREATE, COMING,    create,    0),
	STEP (NAME_FULL, T_CREATE, NAME_FULL, no_name,   0),
	STEP (COMING,    SETTLE,   SETTLED,   settle,    0),
	STEP (COMING,    NOT_SETTLE,   NONE,      nothing,   0),
	STEP (SETTLED,   CALL,     SETTLED,   relay,     1),
	STEP (SETTLED,   MOVE,     MOVING,    let_leave, 1),
	STEP (SETTLED,   KILL,     ENDING,    let_die,   1),
	STEP (MOVING,    MOVED,    SETTLED,   settle,    0),
	STEP (MOVING,    STAYS,    SETTLED,   nothing,   0),
	STEP (ENDING,    DEAD,     NONE,      died,      1),
	STALL(MOVING,    CALL), STALL(MOVING, MOVE), STALL(MOVING, KILL),
	STALL(ENDING,    CALL), STALL(ENDING, MOVE), STALL(ENDING, KILL),
	STEP (NONE,      CALL,     NONE,      nobody,    1),
	STEP (NONE,      MOVE,     NONE,      nobody,    1),
	STEP (NONE,      KILL,     NONE,      nobody,    1),
};
/* clang-format on */

/* ---- a client's call ---- */

static void ask_home(struct step_node *n, struct op *self, const struct step_msg *m, unsigned event,
		     uint32_t word)
{
	self->client = m->from;
	step_tell(n, m->arg, event)->word = word;
}
ACTION(op, c_call) { ask_home(n, self, m, CALL, 0); }
ACTION(op, c_move) { ask_home(n, self, m, MOVE, m->word); }
ACTION(op, c_kill) { ask_home(n, self, m, KILL, 0); }
ACTION(op, no_op) { step_complete(n, m->from, THREAD_BUSY, STEP_NOBODY); }
ACTION(op, done) { step_complete(n, self->client, THREAD_OK, m->arg); }
ACTION(op, refused) { step_complete(n, self->client, m->word, STEP_NOBODY); }
ACTION(op, crowded) { step_complete(n, self->client, THREAD_BUSY, STEP_NOBODY); }

/* clang-format off */
static const struct step_cell op_table[OP_FULL + 1][EVENT_COUNT] = {
	STEP (IDLE,    T_CALL,  CALLING, c_call,  1),
	STEP (IDLE,    T_MOVE,  ASKING,  c_move,  1),
	STEP (IDLE,    T_KILL,  ASKING,  c_kill,  1),
	STAY (T_CALL,  no_op, 0, OP_FULL),
	STAY (T_MOVE,  no_op, 0, OP_FULL),
	STAY (T_KILL,  no_op, 0, OP_FULL),
	STEP (CALLING, ANSWER,  IDLE,    done,    0),
	STEP (CALLING, REFUSED, IDLE,    refused, 0),
	STEP (CALLING, E_NACK,  IDLE,    crowded, 0),
	STEP (ASKING,  DONE,    IDLE,    done,    0),
	STEP (ASKING,  REFUSED, IDLE,    refused, 0),
	STEP (ASKING,  E_NACK,  IDLE,    crowded, 0),
};
/* clang-format on */

/* ---- the body ---- */

/* It comes into being, and lives. */
ACTION(body, start)
{
	self->name = m->from, self->image = m->word;
	step_tell(n, self->name, SETTLE);
	step_complete(n, m->arg, THREAD_OK, self->name);
}
ACTION(body, no_body)
{
	step_tell(n, m->from, NOT_SETTLE);
	step_complete(n, m->arg, THREAD_NO_ROOM, STEP_NOBODY);
}
ACTION(body, get)
{
	self->waits = m->from;
	struct step_msg *out = step_tell(n, STEP_ANY(n->id, SLOT), GET);
	out->arg = m->arg, out->word = m->word;
}
static void end_get(struct step_node *n, struct body *self, uint32_t result, step_ref slot)
{
	step_complete(n, self->waits, result, slot);
	self->waits = STEP_NOBODY;
}
ACTION(body, got)
{
	step_add(n, &self->slots, m->from);
	end_get(n, self, THREAD_OK, m->from);
}
ACTION(body, spilt) { end_get(n, self, THREAD_NO_ROOM, STEP_NOBODY); }
ACTION(body, not_here) { step_complete(n, m->from, THREAD_GONE, STEP_NOBODY); }
ACTION(body, take_call) { step_tell(n, STEP_ANY(n->id, SLOT), OWE)->arg = m->from; }
ACTION(body, list) { step_add(n, &self->slots, m->from); }
ACTION(body, unlist) { step_remove(n, &self->slots, m->from); }
ACTION(body, halt) { step_local(n, self, THREAD_HALT, STEP_NOBODY); }
ACTION(body, die) { step_fanout(n, &self->slots, DROP); }
ACTION(body, dead)
{
	step_tell(n, self->name, DEAD);
	n->host->data_drop(n, self->image);
}
/* It leaves. */
ACTION(body, stop)
{
	self->mover = m->from, self->to = m->word;
	step_local(n, self, THREAD_STOP, self->mover);
}
static void stay(struct step_node *n, struct body *self, uint32_t reason)
{
	step_tell(n, self->name, STAYS);
	step_tell(n, self->mover, REFUSED)->word = reason;
	self->mover = self->peer = STEP_NOBODY; /* what nobody needs any more is not state */
	self->to = self->reason = 0;
}
ACTION(body, unstopped) { stay(n, self, THREAD_UNSTOPPED); }
ACTION(body, bid) { step_tell(n, STEP_ANY(self->to, BODY), PREPARE)->arg = self->name; }
ACTION(body, pack)
{
	self->peer = m->from;
	for (uint32_t i = self->slots.first; i; i = n->link[i - 1].next)
		step_add(n, &self->work, n->link[i - 1].member);
	step_fanout(n, &self->work, PACK);
}
/* A slot does not know where to: its body sends for it. */
ACTION(body, send)
{
	struct step_msg *out = step_tell(n, self->peer, CARRY);
	out->from = m->from, out->word = m->word;
}
ACTION(body, packed) { step_remove(n, &self->work, m->from); }
ACTION(body, stuck)
{
	self->reason = m->word;
	step_remove(n, &self->work, m->from);
}
ACTION(body, transfer)
{
	self->work.fan = 0;
	step_tell_data(n, self->peer, UNPACK, self->image);
}
ACTION(body, arrived) { step_fanout(n, &self->slots, FORGET); }
ACTION(body, left)
{
	step_tell(n, self->mover, DONE)->arg = self->peer;
	n->host->data_drop(n, self->image);
}
/* It does not leave after all. */
ACTION(body, cancel)
{
	self->work.fan = 0;
	step_tell(n, self->peer, CANCEL);
}
ACTION(body, resume) { step_local(n, self, THREAD_RESUME, STEP_NOBODY); }
ACTION(body, no_room)
{
	self->reason = THREAD_NO_ROOM;
	step_local(n, self, THREAD_RESUME, STEP_NOBODY);
}
ACTION(body, resumed) { stay(n, self, self->reason); }
/* It arrives. */
ACTION(body, reserve)
{
	self->peer = m->from, self->name = m->arg;
	step_local(n, self, THREAD_RESERVE, STEP_NOBODY);
}
ACTION(body, has_room) { step_tell(n, self->peer, ROOM); }
ACTION(body, has_none) { step_tell(n, self->peer, NO_ROOM); }
ACTION(body, is_full) { step_tell(n, m->from, NO_ROOM); }
ACTION(body, keep)
{
	struct step_msg *out = step_tell(n, STEP_ANY(n->id, SLOT), KEEP);
	out->arg = m->from, out->word = m->word;
}
ACTION(body, unpack)
{
	self->image = n->host->data_in(n, m);
	step_local(n, self, THREAD_START, STEP_NOBODY);
}
ACTION(body, started)
{
	step_tell(n, self->peer, ARRIVED);
	step_tell(n, self->name, MOVED);
	self->peer = STEP_NOBODY;
}
ACTION(body, send_back) { step_fanout(n, &self->slots, RETURN); }
ACTION(body, unstarted)
{
	n->host->data_drop(n, self->image);
	self->image = 0;
	step_fanout(n, &self->slots, RETURN);
}
ACTION(body, cancelled) { step_tell(n, self->peer, CANCELLED); }

/* clang-format off */
static const struct step_cell body_table[BODY_FULL + 1][EVENT_COUNT] = {
	/*    state       event        next        action     sends */
	STEP (FREE,       START,       RUNNING,    start,     0),
	STEP (BODY_FULL,  START,       BODY_FULL,  no_body,   0),
	STEP (RUNNING,    RELAY,       RUNNING,    take_call, 0),
	STEP (RUNNING,    LISTED,      RUNNING,    list,      0),
	STEP (RUNNING,    DIE,         HALTING,    halt,      0),
	STEP (HALTING,    E_LOCAL_OK,  DYING,      die,       0),
	STEP (HALTING,    E_LOCAL_ERR, HALTING,    halt,      0),
	STEP (DYING,      DROPPED,     DYING,      unlist,    0),
	STEP (DYING,      E_EMPTY,     FREE,       dead,      1),
#define HAS RUNNING, STOPPING, HALTING    /* its slots may change */
	STAY (T_HOLD,     get,     0, HAS),
	STAY (GOT,        got,     0, HAS),
	STAY (SPILT,      spilt,   0, HAS),
	STAY (DROPPED,    unlist,  0, HAS),
	STAY (E_EMPTY,    nothing, 0, HAS),

	STEP (RUNNING,    LEAVE,       STOPPING,   stop,      0),
	STEP (STOPPING,   E_LOCAL_OK,  BIDDING,    bid,       1),
	STEP (STOPPING,   E_LOCAL_ERR, RUNNING,    unstopped, 2),
	STEP (BIDDING,    ROOM,        PACKING,    pack,      0),
	STEP (BIDDING,    NO_ROOM,     RESUMING,   no_room,   0),
	STEP (PACKING,    SEND,        PACKING,    send,      1),
	STEP (PACKING,    PACKED,      PACKING,    packed,    0),
	STEP (PACKING,    STUCK,       UNDOING,    stuck,     0),
	STEP (PACKING,    E_EMPTY,     SENT,       transfer,  1),
	STEP (SENT,       ARRIVED,     LEAVING,    arrived,   0),
	STEP (SENT,       CANCELLED,   RESUMING,   no_room,   0),    /* it could not be started there */
	STEP (LEAVING,    DROPPED,     LEAVING,    unlist,    0),
	STEP (LEAVING,    E_EMPTY,     FREE,       left,      1),

	STEP (UNDOING,    SEND,        UNDOING,    send,      1),
	STEP (UNDOING,    PACKED,      UNDOING,    packed,    0),
	STEP (UNDOING,    STUCK,       UNDOING,    stuck,     0),
	STEP (UNDOING,    E_EMPTY,     CANCELLING, cancel,    1),
	STEP (CANCELLING, CANCELLED,   RESUMING,   resume,    0),    /* behind all that came back */
	STEP (RESUMING,   E_LOCAL_OK,  RUNNING,    resumed,   2),
	STEP (RESUMING,   E_LOCAL_ERR, RESUMING,   resume,    0),

	STEP (FREE,       PREPARE,     RESERVING,  reserve,   0),
	STEP (BODY_FULL,  PREPARE,     BODY_FULL,  is_full,   1),
	STEP (RESERVING,  E_LOCAL_OK,  EMPTY,      has_room,  1),
	STEP (RESERVING,  E_LOCAL_ERR, FREE,       has_none,  1),
	STEP (EMPTY,      CARRY,       EMPTY,      keep,      0),
	STEP (EMPTY,      LISTED,      EMPTY,      list,      0),
	STEP (EMPTY,      CANCEL,      RETURNING,  send_back, 0),
	STEP (EMPTY,      UNPACK,      STARTING,   unpack,    0),
	STEP (STARTING,   E_LOCAL_OK,  RUNNING,    started,   2),
	STEP (STARTING,   E_LOCAL_ERR, RETURNING,  unstarted, 0),
	STEP (RETURNING,  DROPPED,     RETURNING,  unlist,    0),
	STEP (RETURNING,  E_EMPTY,     FREE,       cancelled, 1),

	STAY (T_HOLD,     not_here, 0, FREE, DYING, BIDDING, PACKING, SENT, LEAVING, UNDOING, CANCELLING, RESUMING, RESERVING,
	      EMPTY),
	STAY (T_HOLD,     not_here, 0, STARTING, RETURNING),
};
/* clang-format on */

/* ---- a slot of its capability space ---- */

ACTION(slot, hold)
{
	self->body = m->from, self->what = m->arg, self->place = m->word;
	step_tell(n, self->body, GOT);
}
ACTION(slot, hold_not) { step_tell(n, m->from, SPILT); }
ACTION(slot, lose)
{
	step_tell(n, self->body, DROPPED);
	step_complete(n, m->from, THREAD_OK, self->body);
}
ACTION(slot, lose_not) { step_complete(n, m->from, THREAD_GONE, STEP_NOBODY); }
ACTION(slot, owe)
{
	self->body = m->from, self->what = m->arg;
	step_tell(n, self->body, LISTED);
}
ACTION(slot, owe_not) { step_tell(n, m->arg, REFUSED)->word = THREAD_NO_ROOM; }
ACTION(slot, reply)
{
	step_tell(n, self->what, ANSWER);
	step_tell(n, self->body, DROPPED);
	step_complete(n, m->from, THREAD_OK, STEP_NOBODY);
}
ACTION(slot, reply_not) { step_complete(n, m->from, THREAD_GONE, STEP_NOBODY); }
/* It goes to another kernel, or not. */
ACTION(slot, ask) { step_tell(n, self->body, SEND)->word = self->place; }
ACTION(slot, translate)
{
	self->peer = m->from;
	step_local(n, self, THREAD_TRANSLATE, self->peer);
}
ACTION(slot, translate_reply)
{
	self->peer = m->from;
	step_local(n, self, THREAD_TRANSLATE_REPLY, self->peer);
}
ACTION(slot, give)
{
	step_tell(n, self->peer, FILL)->arg = m->arg;
	step_tell(n, self->body, PACKED);
	self->peer = self->what = STEP_NOBODY;
}
ACTION(slot, give_reply)
{
	step_tell(n, self->peer, FILL_OWED)->arg = self->what;
	step_tell(n, self->body, PACKED);
	self->peer = STEP_NOBODY;
}
ACTION(slot, stick)
{
	self->peer = STEP_NOBODY;
	step_tell(n, self->body, STUCK)->word = THREAD_CAPABILITY;
}
ACTION(slot, stick_reply)
{
	self->peer = STEP_NOBODY;
	step_tell(n, self->body, STUCK)->word = THREAD_OWES;
}
ACTION(slot, stick_no_room) { step_tell(n, self->body, STUCK)->word = THREAD_NO_ROOM; }
ACTION(slot, go) { step_tell(n, self->body, DROPPED); }
/* It comes from another kernel, and may have to go back. */
ACTION(slot, keep_place)
{
	self->body = m->from, self->peer = m->arg, self->place = m->word;
	step_tell(n, self->body, LISTED);
	step_tell(n, self->peer, PLACE);
}
ACTION(slot, no_place) { step_tell(n, m->arg, NO_PLACE); }
ACTION(slot, fill) { self->what = m->arg; }
ACTION(slot, give_back) { step_local(n, self, THREAD_RETURN, self->peer); }
ACTION(slot, given_back)
{
	step_tell(n, self->peer, BACK)->arg = m->arg;
	step_tell(n, self->body, DROPPED);
}
ACTION(slot, erase) { step_local(n, self, THREAD_DELETE, self->what); }
ACTION(slot, orphan)
{
	step_tell(n, self->what, REFUSED)->word = THREAD_GONE;
	step_tell(n, self->body, DROPPED);
}

/* clang-format off */
static const struct step_cell slot_table[SLOT_FULL + 1][EVENT_COUNT] = {
	/*    state        event        next         action         sends */
	STEP (VOID,        GET,         HELD,        hold,          0),
	STEP (VOID,        OWE,         OWED,        owe,           0),
	STEP (VOID,        KEEP,        KEPT,        keep_place,    1),
	STEP (SLOT_FULL,   GET,         SLOT_FULL,   hold_not,      0),
	STEP (SLOT_FULL,   OWE,         SLOT_FULL,   owe_not,       1),
	STEP (SLOT_FULL,   KEEP,        SLOT_FULL,   no_place,      1),

	STEP (HELD,        PACK,        PLACING,      ask,           0),
	STEP (PLACING,      PLACE,       GIVING,      translate,     0),
	STEP (PLACING,      NO_PLACE,    HELD,        stick_no_room, 0),
	STEP (GIVING,      E_LOCAL_OK,  GIVEN,       give,          1),
	STEP (GIVING,      E_LOCAL_ERR, HELD,        stick,         0),
	STEP (GIVEN,       BACK,        HELD,        fill,          0),
	STEP (GIVEN,       FORGET,      VOID,        go,            0),

	STEP (OWED,        PACK,        PLACING_R,    ask,           0),
	STEP (PLACING_R,    PLACE,       GIVING_R,    translate_reply, 0),
	STEP (PLACING_R,    NO_PLACE,    OWED,        stick_no_room, 0),
	STEP (GIVING_R,    E_LOCAL_OK,  GIVEN_R,     give_reply,    1),
	STEP (GIVING_R,    E_LOCAL_ERR, OWED,        stick_reply,   0),
	STEP (GIVEN_R,     BACK,        OWED,        nothing,       0),
	STEP (GIVEN_R,     FORGET,      VOID,        go,            0),

	STEP (KEPT,        FILL,        HELD,        fill,          0),
	STEP (KEPT,        FILL_OWED,   OWED,        fill,          0),
	STEP (KEPT,        RETURN,      VOID,        go,            0),
	STEP (HELD,        RETURN,      RETURNED, give_back,     0),
	STEP (OWED,        RETURN,      RETURNED, give_back,     0),
	STEP (RETURNED, E_LOCAL_OK,  VOID,        given_back,    1),
	STEP (RETURNED, E_LOCAL_ERR, RETURNED, give_back,     0),

	STEP (HELD,        DROP,        DELETING,    erase,         0),
	STEP (DELETING,    E_LOCAL_OK,  VOID,        go,            0),
	STEP (DELETING,    E_LOCAL_ERR, VOID,        go,            0),    /* it was gone before */
	STEP (OWED,        DROP,        VOID,        orphan,        1),
	STEP (OWED,        T_REPLY,     VOID,        reply,         1),
	STAY (T_REPLY,     reply_not, 0, VOID, HELD),
	STEP (HELD,        T_FREE,      VOID,        lose,          0),
	STAY (T_FREE,      lose_not,  0, VOID, OWED),
};
/* clang-format on */

/* ---- what the checker explores, and what must hold ---- */

/* What was given to the thread of a name: a bit for each place. */
#define SHADOW_FIELDS(REF, LIST, NODE, WORD, DATA) WORD(places)
STEP_LAYOUT(shadow, SHADOW_FIELDS);
#define IMAGE 1u /* of every thread */

#define EACH(w, b, machine, i)                                                                               \
	for (uint32_t b = 0; b < (w)->nodes; b++)                                                            \
		for (uint32_t i = 0; i < (w)->node[b].pool[machine].used; i++)

static void *at(const struct step_world *w, uint32_t node, unsigned machine, uint32_t i)
{
	return step_at(&w->node[node], machine, i);
}
static void *find(const struct step_world *w, step_ref r)
{
	return r.node < w->nodes ? step_lookup(&w->node[r.node], r) : NULL;
}
static struct shadow *shadow_of(const struct step_world *w, step_ref name)
{
	return step_shadow_at(w, (uint32_t)name.node, (uint32_t)name.index);
}
static bool runs(const struct step_world *w, step_ref body)
{
	const struct body *self = find(w, body);
	return self && self->head.state == RUNNING;
}
static bool may_change(const struct step_world *w, step_ref body)
{
	const struct body *self = find(w, body);
	return self &&
	       (self->head.state == RUNNING || self->head.state == STOPPING || self->head.state == HALTING);
}
static struct shadow *shadow_of_body(const struct step_world *w, step_ref body)
{
	return shadow_of(w, ((const struct body *)find(w, body))->name);
}
/* Places are given in order: how many there are is the first that is not. */
static uint32_t count_of(uint32_t places)
{
	uint32_t count = 0;
	while (places >> count & 1)
		count++;
	return count;
}

static void begin_world(const struct step_world *w)
{
	struct step_node *home = &w->node[0];
	for (uint32_t k = 0; k < w->objects; k++) {
		step_raise(home, STEP_ANY(0, NAME), T_CREATE)->word = IMAGE;
		step_run(home);
		for (uint32_t place = 0; place + 1 < w->capabilities; place++) {
			step_raise(home, STEP_REF(0, BODY, k), T_HOLD)->word = place;
			shadow_of(w, STEP_REF(0, NAME, k))->places |= 1u << place;
		}
		step_run(home);
	}
}

struct calls {
	struct step_msg *out;
	uint32_t count, max;
};
static void may(struct calls *c, unsigned event, step_ref to, step_ref arg, uint32_t word)
{
	if (c->count < c->max)
		c->out[c->count++] =
			(struct step_msg){.event = (uint8_t)event, .to = to, .arg = arg, .word = word};
}

/* By name, from anywhere; a thread that is no more too. */
static void calls_by_name(struct calls *c, const struct step_world *w, uint32_t node, step_ref name)
{
	const step_ref op = STEP_ANY(node, OP);
	const struct name *self = find(w, name);
	for (uint32_t to = 0; to < w->nodes; to++)
		if (!self || to != self->at.node)
			may(c, T_MOVE, op, name, to);
	may(c, T_CALL, op, name, 0);
	may(c, T_KILL, op, name, 0);
}

/* By the threads of this kernel. What is not theirs any more, or not yet, must fail. */
static void calls_of_threads(struct calls *c, const struct step_world *w, uint32_t node)
{
	const struct step_node *n = &w->node[node];
	for (uint32_t i = 0; i < n->pool[SLOT].slots; i++) {
		const struct slot *self = step_at(n, SLOT, i);
		const step_ref slot = step_ref_of(n, SLOT, i);
		if (!self->head.state || runs(w, self->body))
			may(c, T_REPLY, slot, STEP_NOBODY, 0);
		/* The last one it has: places are given in order. */
		if (self->head.state == HELD && may_change(w, self->body) &&
		    shadow_of_body(w, self->body)->places >> (self->place + 1) == 0)
			may(c, T_FREE, slot, STEP_NOBODY, self->place);
	}
	for (uint32_t i = 0; i < n->pool[BODY].slots; i++) {
		const struct body *self = step_at(n, BODY, i);
		const uint32_t places = may_change(w, step_ref_of(n, BODY, i))
						? count_of(shadow_of(w, self->name)->places)
						: 0;
		if (places < w->capabilities)
			may(c, T_HOLD, step_ref_of(n, BODY, i), STEP_NOBODY, places);
	}
}

static uint32_t calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	struct calls c = {.out = out, .max = max};
	bool full = true, crowded = true;
	EACH(w, b, NAME, i)
	{
		const struct name *self = at(w, b, NAME, i);
		if (self->head.state != NONE || b == node)
			calls_by_name(&c, w, node, step_ref_of(&w->node[b], NAME, i));
	}
	for (uint32_t i = 0; i < w->node[node].pool[NAME].slots; i++)
		full = full && ((const struct step_head *)at(w, node, NAME, i))->state != NONE;
	for (uint32_t i = 0; i < w->node[node].pool[BODY].slots; i++)
		crowded = crowded && ((const struct step_head *)at(w, node, BODY, i))->state != FREE;
	if (full || crowded) /* it must fail */
		may(&c, T_CREATE, STEP_ANY(node, NAME), STEP_NOBODY, IMAGE);
	calls_of_threads(&c, w, node);
	return c.count;
}

static const char *completed(const struct step_world *w, uint32_t node, uint32_t result, step_ref arg)
{
	const struct step_msg *call = &w->call[node];
	const struct body *body = call->event == T_HOLD ? find(w, call->to) : NULL;
	if (call->event == T_MOVE && result == THREAD_OK && (arg.machine != BODY || arg.node != call->word))
		return "a move ends well and the thread did not arrive";
	if (call->event == T_HOLD && result == THREAD_OK && body)
		shadow_of(w, body->name)->places |= 1u << call->word;
	if (call->event == T_FREE && result == THREAD_OK)
		shadow_of_body(w, arg)->places &= ~(1u << call->word);
	return NULL;
}

static const char *look_whole(const struct step_world *w, const struct body *self, step_ref r)
{
	const struct step_node *n = &w->node[r.node];
	uint32_t places = 0, listed = 0;
	for (uint32_t i = self->slots.first; i; i = n->link[i - 1].next, listed++) {
		const struct slot *slot = find(w, n->link[i - 1].member);
		if (!slot || !step_same(slot->body, r) ||
		    (slot->head.state != HELD && slot->head.state != OWED))
			return "I2: a thread runs without something that it holds";
		places |= slot->head.state == HELD ? 1u << slot->place : 0;
	}
	if (!find(w, self->name) || places != shadow_of(w, self->name)->places || self->image != IMAGE)
		return "I2: a thread runs that is not all there";
	return NULL;
}

static const char *always(const struct step_world *w)
{
	EACH(w, b, BODY, i)
	{
		const step_ref r = step_ref_of(&w->node[b], BODY, i);
		const struct body *self = at(w, b, BODY, i);
		if (!runs(w, r))
			continue;
		EACH(w, b2, BODY, k)
		{
			const step_ref other = step_ref_of(&w->node[b2], BODY, k);
			if (!step_same(r, other) && runs(w, other) &&
			    step_same(self->name, ((const struct body *)find(w, other))->name))
				return "I1: a thread runs twice";
		}
		const char *why = look_whole(w, self, r);
		if (why)
			return why;
	}
	return NULL;
}

/* The slots that owe `op` a reply. */
static uint32_t owed_to(const struct step_world *w, step_ref op)
{
	uint32_t owed = 0;
	EACH(w, b, SLOT, i)
	{
		const struct slot *self = at(w, b, SLOT, i);
		owed += self->head.state == OWED && step_same(self->what, op);
	}
	return owed;
}

static const char *at_rest(const struct step_world *w)
{
	EACH(w, b, NAME, i)
	{
		const struct name *self = at(w, b, NAME, i);
		const struct body *body = self->head.state ? find(w, self->at) : NULL;
		if (self->head.state &&
		    !(body && runs(w, self->at) && step_same(body->name, step_ref_of(&w->node[b], NAME, i))))
			return "I3: at rest, a thread does not run where its name says";
	}
	EACH(w, b, BODY, i)
	{
		const struct body *self = at(w, b, BODY, i);
		const struct name *name = self->head.state ? find(w, self->name) : NULL;
		if (self->head.state && !(name && step_same(name->at, step_ref_of(&w->node[b], BODY, i))))
			return "I3: at rest, a body is nobody's";
	}
	EACH(w, b, SLOT, i)
	{
		const struct slot *self = at(w, b, SLOT, i);
		const struct body *body = self->head.state ? find(w, self->body) : NULL;
		if (self->head.state &&
		    !(body && step_is_member(&w->node[b], &body->slots, step_ref_of(&w->node[b], SLOT, i))))
			return "I3: at rest, a slot is no thread's";
	}
	EACH(w, b, OP, i)
	{
		const struct op *self = at(w, b, OP, i);
		if (self->head.state == CALLING && owed_to(w, step_ref_of(&w->node[b], OP, i)) != 1)
			return "I4: at rest, who waits for a reply is not owed exactly one";
	}
	return NULL;
}

static const struct step_model model = {
	.nodes = 3,
	.slots = {0, 2, 1, 1, 3},
	.flight = 2,
	.symmetric_from = 1,
	.objects = 1,
	.capabilities = 2,
	.shadow = STEP_SHADOW(shadow, NAME),
	.local_errors = true,
	/* Two clients of a kernel; and no slot for what a thread gets. */
	.also = (const struct step_also[]){{.nodes = 2, .clients = 2},
					   {.nodes = 2, .clients = 2, .slots = {[SLOT] = 1}},
					   {0}},
	.unreached =
		(const struct step_unreached[]){
			{"op CALLING+NACK", "the checker begins no call on a kernel without a place to wait"},
			{"op ASKING+NACK", "the checker begins no call on a kernel without a place to wait"},
			{"slot VOID+T_FREE", "clients free only what a thread holds"},
			{"slot OWED+T_FREE", "clients free only what a thread holds"},
			{0}},
	.begin = begin_world,
	.calls = calls,
	.completed = completed,
	.always = always,
	.at_rest = at_rest};

const struct step_protocol thread_eager = {
	.name = "thread/eager",
	.about = "a thread moves to another kernel, all of it at once, or stays as it was",
	.assumes = "reliable channels, FIFO between each pair; the kernel resumes what it stopped",
	.invariants =
		(const char *const[]){"I1  a thread runs on one kernel at most",
				      "I2  a thread that runs has all that it was given, in its places, "
				      "and its image",
				      "I3  at rest, each name's thread runs, where its name says; bodies "
				      "and slots belong to threads that run",
				      "I4  at rest, who waits for a reply is owed exactly one", NULL},
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 5,
	.machine = {[BODY] = STEP_MACHINE(body, body_table, BODY_FULL, .usable = 1u << RUNNING,
					  .rest = 1u << FREE | 1u << RUNNING),
		    [OP] = STEP_MACHINE(op, op_table, OP_FULL, .rest = 1u << IDLE | 1u << CALLING),
		    [NAME] = STEP_MACHINE(name, name_table, NAME_FULL, .rest = 1u << NONE | 1u << SETTLED),
		    [SLOT] = STEP_MACHINE(slot, slot_table, SLOT_FULL,
					  .rest = 1u << VOID | 1u << HELD | 1u << OWED)},
	.model = &model};
