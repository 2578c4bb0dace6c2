/* endpoint/relay - a message to whoever receives at an object's home, from any kernel; a call, and its reply.
 *
 * A rendezvous, as on one kernel: a message stays with its sender until somebody waits for it. The sender announces it; the
 * home, when it has a receiver, claims it; the sender gives it. So nothing is copied that nobody takes, and to withdraw is
 * the sender's kernel's own affair: what it has not given when its capability goes, it never gives, and whoever begins to
 * receive after a revoke has returned gets nothing of what was revoked. To send at once (a store and forward) would take
 * one message instead of three, and a revoke would have to wait until all that was under way has arrived.
 *
 * Messages between kernels: send and try 3 (ANNOUNCE or TRIAL, CLAIM, GIVE), and 1 (QUEUED) if nobody waits for it yet;
 * try 2 if nobody waits; call 1 more (ANSWER, or LOST); withdrawn before it was taken: 2 (WITHDRAW, WITHDRAWN) and those
 * that had been sent. At the home, and to receive, reply and forget there: 0 but for the answer.
 *
 * Ideas that remove the guards:
 *   - who waits at a port to be taken are visits in a ring that begins and ends at the port: whatever is told to "the next"
 *     reaches the first of them, or the port itself, which so learns that there is none;
 *   - a message that was claimed and not given is as one that was never announced;
 *   - a receiver that goes while its claim is out leaves the port deaf; who receives next waits until that is over, for what
 *     comes then was given to somebody else.
 *
 * A port is there while somebody waits at it, on either side. Assumes: reliable channels, first in first out between each
 * pair. Invariants:
 *  I1  a message is received once, if its sender was told so, and else not at all;
 *  I2  it is received by who waited when its sender gave it;
 *  I3  who calls gets one answer, to its own message;
 *  I4  at rest, who waits is known where it waits, and there is nothing else. */
#include "ssi/protocols/protocols.h"

enum { PORT = ENDPOINT_PORT, OP = ENDPOINT_OP, VISIT = ENDPOINT_VISIT };
/* clang-format off */
#define PORT_FIELDS(REF, LIST, NODE, WORD, DATA)  REF(next) REF(prev) REF(receiver)
/* op: `visit` is the home's, once it is known; `name` that of the endpoint where it receives */
#define OP_FIELDS(REF, LIST, NODE, WORD, DATA)    REF(client) REF(visit) REF(name) DATA(data)
#define VISIT_FIELDS(REF, LIST, NODE, WORD, DATA) REF(op) REF(port) REF(next) REF(prev)

#define EVENTS(E) ENDPOINT_CALLS(E) /* to the home */ \
	E(ANNOUNCE, REQUEST, NONE) E(TRIAL,    REQUEST, NONE) \
	E(GIVE,     REPLY,   DATA) E(GIVE_CALL, REPLY,  DATA) E(NO, REPLY, NONE) E(WITHDRAW, REPLY, NONE) \
	/* from the home */ \
	E(CLAIM,    REPLY,   NONE) E(QUEUED,   REPLY,   NONE) E(REFUSED, REPLY, NONE) E(WITHDRAWN, REPLY, NONE) \
	E(ANSWER,   REPLY,   DATA) E(LOST,     REPLY,   NONE) \
	/* on one node */ \
	E(LISTEN, INTERNAL, NONE) E(DEAF, INTERNAL, NONE) E(BUSY, INTERNAL, NONE) \
	E(GOT, INTERNAL, WORD) E(GOT_CALL, INTERNAL, WORD) \
	E(ENTER, INTERNAL, NONE) E(LINK, INTERNAL, NONE) E(LINKED, INTERNAL, NONE) E(NO_VISIT, INTERNAL, NONE) \
	E(SET_NEXT, INTERNAL, NONE) E(SET_PREV, INTERNAL, NONE) E(GO, INTERNAL, NONE) E(PING, INTERNAL, NONE) \
	E(STILL, INTERNAL, NONE) E(LEFT, INTERNAL, NONE) E(AGAIN, INTERNAL, NONE) \
	E(TAKEN, INTERNAL, WORD) E(TAKEN_CALL, INTERNAL, WORD) E(LOSE, INTERNAL, NONE)

/* WAITED      a receiver waits                     CROWDED     visits wait
 * ENTERING    and a visit comes, within a step     CHECKING    do they still?, within a step
 * CLAIMING    a receiver, and a message was claimed for it
 * DEAFENED    the same, and the receiver has gone  HEARING     and another waits */
#define PORT_STATES(X) X(NONE) X(WAITED) X(ENTERING) X(CROWDED) X(CHECKING) X(CLAIMING) X(DEAFENED) X(HEARING)
/* ASKED       has announced a message              QUEUING     and knows where it waits
 * ASKED_C     the same, of a call                  QUEUING_C   the same
 * TRYING      a try                                AWAITING    taken; a reply is owed
 * LEAVING     withdrawn before the home has answered           LEFT_IT  withdrawn after that
 * ORPHAN      a reply is owed to nobody            LISTENING   receives */
#define OP_STATES(X) X(IDLE) X(ASKED) X(ASKED_C) X(TRYING) X(QUEUING) X(QUEUING_C) X(AWAITING) X(ORPHAN) \
	X(LEAVING) X(LEFT_IT) X(LISTENING)
/* ENTERED     within a step                        CLAIMED     out of the ring; its sender was asked for it
 * WAITING     in the ring                          OWED        taken; who took it is to reply */
#define VISIT_STATES(X) X(FREE) X(ENTERED) X(WAITING) X(CLAIMED) X(OWED)
/* clang-format on */
STEP_LAYOUT(port, PORT_FIELDS);
STEP_LAYOUT(op, OP_FIELDS);
STEP_LAYOUT(visit, VISIT_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(port, PORT_STATES, PORT_FULL);
STEP_STATES(op, OP_STATES, OP_FULL);
STEP_STATES(visit, VISIT_STATES, VISIT_FULL);

/* A port: who comes. */
static void enter(struct step_node *n, step_ref op)
{
	struct step_msg *m = step_tell(n, STEP_ANY(n->id, VISIT), ENTER);
	m->from = op, m->arg = n->me;
}
static void ring_new(struct step_node *n, struct port *self) { self->next = self->prev = n->me; }
static void ring_add(struct step_node *n, struct port *self, step_ref visit)
{
	step_tell(n, visit, SET_PREV)->arg = self->prev;
	step_tell(n, visit, SET_NEXT)->arg = n->me;
	step_tell(n, self->prev, SET_NEXT)->arg = visit;
	self->prev = visit;
}
ACTION(port, open_crowded)
{
	ring_new(n, self);
	enter(n, m->from);
}
ACTION(port, open_waited)
{
	ring_new(n, self);
	self->receiver = m->from;
}
ACTION(port, let_in) { enter(n, m->from); }
ACTION(port, refuse) { step_tell(n, m->from, REFUSED); }
ACTION(port, busy_port) { step_tell(n, m->from, BUSY); }
ACTION(port, line_up)
{
	ring_add(n, self, m->from);
	step_tell(n, m->from, LINKED);
}
ACTION(port, serve_at_once)
{
	ring_add(n, self, m->from);
	step_tell(n, m->from, GO);
}
ACTION(port, set_next) { self->next = m->arg; }
ACTION(port, set_prev) { self->prev = m->arg; }
/* Who is the next? The port itself, if there is none. */
ACTION(port, ask_next) { step_tell(n, self->next, PING); }
ACTION(port, serve_next) { step_tell(n, self->next, GO); }
ACTION(port, hear)
{
	self->receiver = m->from;
	step_tell(n, self->next, GO);
}
ACTION(port, hear_later) { self->receiver = m->from; }
ACTION(port, forget_receiver) { self->receiver = STEP_NOBODY; }
/* What was given. */
static void hand_over(struct step_node *n, struct port *self, const struct step_msg *m, unsigned event)
{
	struct step_msg *got = step_tell(n, self->receiver, event);
	got->arg = m->from, got->word = m->word;
	self->receiver = STEP_NOBODY;
	step_tell(n, self->next, PING);
}
ACTION(port, deliver) { hand_over(n, self, m, GOT); }
ACTION(port, deliver_call) { hand_over(n, self, m, GOT_CALL); }
ACTION(port, miss)
{
	n->host->data_drop(n, m->word);
	step_tell(n, self->next, PING);
}
ACTION(port, miss_call)
{
	n->host->data_drop(n, m->word);
	step_tell(n, m->from, LOSE);
	step_tell(n, self->next, PING);
}
ACTION(port, miss_and_serve)
{
	n->host->data_drop(n, m->word);
	step_tell(n, self->next, GO);
}
ACTION(port, miss_call_and_serve)
{
	n->host->data_drop(n, m->word);
	step_tell(n, m->from, LOSE);
	step_tell(n, self->next, GO);
}

/* clang-format off */
static const struct step_cell port_table[PORT_FULL + 1][EVENT_COUNT] = {
	/*    state      event       next       action         sends */
	STEP (NONE,      ANNOUNCE,   CROWDED,   open_crowded,  1),
	STEP (NONE,      TRIAL,      NONE,      refuse,        1),
	STEP (NONE,      LISTEN,     WAITED,    open_waited,   0),
	STEP (PORT_FULL, ANNOUNCE,   PORT_FULL, refuse,        1),
	STEP (PORT_FULL, TRIAL,      PORT_FULL, refuse,        1),
	STEP (PORT_FULL, LISTEN,     PORT_FULL, busy_port,     0),

	STEP (WAITED,    ANNOUNCE,   ENTERING,  let_in,        0),
	STEP (WAITED,    TRIAL,      ENTERING,  let_in,        0),
	STEP (WAITED,    DEAF,       NONE,      nothing,       0),
	STEP (ENTERING,  LINK,       CLAIMING,  serve_at_once, 0),
	STEP (ENTERING,  NO_VISIT,   WAITED,    nothing,       0),

	STEP (CROWDED,   LISTEN,     CLAIMING,  hear,          0),
	STEP (CROWDED,   LEFT,       CHECKING,  ask_next,      0),
	STEP (CROWDED,   NO_VISIT,   CHECKING,  ask_next,      0),
	STEP (CHECKING,  STILL,      CROWDED,   nothing,       0),
	STEP (CHECKING,  PING,       NONE,      nothing,       0),

	STEP (CLAIMING,  TAKEN,      CHECKING,  deliver,       0),
	STEP (CLAIMING,  TAKEN_CALL, CHECKING,  deliver_call,  0),
	STEP (CLAIMING,  AGAIN,      CLAIMING,  serve_next,    0),
	STEP (CLAIMING,  GO,         WAITED,    nothing,       0),
	STEP (CLAIMING,  DEAF,       DEAFENED,  forget_receiver, 0),

	STEP (DEAFENED,  TAKEN,      CHECKING,  miss,          0),
	STEP (DEAFENED,  TAKEN_CALL, CHECKING,  miss_call,     0),
	STEP (DEAFENED,  AGAIN,      CHECKING,  ask_next,      0),
	STEP (DEAFENED,  LISTEN,     HEARING,   hear_later,    0),
	STEP (HEARING,   TAKEN,      CLAIMING,  miss_and_serve, 0),
	STEP (HEARING,   TAKEN_CALL, CLAIMING,  miss_call_and_serve, 0),
	STEP (HEARING,   AGAIN,      CLAIMING,  serve_next,    0),
	STEP (HEARING,   DEAF,       DEAFENED,  forget_receiver, 0),

	/* Whoever comes where others are before it. */
#define OTHERS CROWDED, CLAIMING, DEAFENED, HEARING
	STAY (ANNOUNCE,  let_in,    0, OTHERS),
	STAY (TRIAL,     refuse,    1, OTHERS),
	STAY (LINK,      line_up,   0, OTHERS),
	STAY (LISTEN,    busy_port, 0, WAITED, CLAIMING, HEARING),
	STAY (NO_VISIT,  nothing,   0, CLAIMING, DEAFENED, HEARING),
	STAY (LEFT,      nothing,   0, CLAIMING, DEAFENED, HEARING),
	STAY (SET_NEXT,  set_next,  0, OTHERS),
	STAY (SET_PREV,  set_prev,  0, OTHERS),
};
/* clang-format on */

/* A client's call: at the sender. */
static void announce(struct step_node *n, struct op *self, const struct step_msg *m, unsigned event)
{
	self->client = m->from, self->data = m->word;
	step_tell(n, STEP_BY_NAME(m->arg.node, PORT), event)->arg = m->arg;
}
static void let_go(struct step_node *n, struct op *self)
{
	n->host->data_drop(n, self->data);
	self->data = 0;
}
/* The client's call ends without what it was for. */
static void end_gone(struct step_node *n, struct op *self, uint32_t result)
{
	let_go(n, self);
	step_complete(n, self->client, result, n->me);
	self->client = STEP_NOBODY;
}
ACTION(op, c_send) { announce(n, self, m, ANNOUNCE); }
ACTION(op, c_try) { announce(n, self, m, TRIAL); }
ACTION(op, no_op_to_send)
{
	n->host->data_drop(n, m->word);
	step_complete(n, m->from, ENDPOINT_BUSY, STEP_NOBODY);
}
ACTION(op, no_op) { step_complete(n, m->from, ENDPOINT_BUSY, STEP_NOBODY); }
ACTION(op, wait_there) { self->visit = m->from; }
ACTION(op, give)
{
	step_tell_data(n, m->from, GIVE, self->data);
	let_go(n, self);
	step_complete(n, self->client, ENDPOINT_OK, m->from);
}
ACTION(op, give_call)
{
	step_tell_data(n, m->from, GIVE_CALL, self->data);
	let_go(n, self);
	self->visit = STEP_NOBODY;
}
ACTION(op, refused) { end_gone(n, self, ENDPOINT_BUSY); }
ACTION(op, nobody) { end_gone(n, self, ENDPOINT_NOBODY); }
ACTION(op, answered)
{
	self->data = n->host->data_in(n, m);
	step_complete(n, self->client, ENDPOINT_OK, n->me);
	n->host->data_drop(n, self->data);
}
ACTION(op, lost) { step_complete(n, self->client, ENDPOINT_GONE, n->me); }
ACTION(op, answer_unheard) { n->host->data_drop(n, n->host->data_in(n, m)); }
/* Its capability or its client goes. */
ACTION(op, withdraw)
{
	end_gone(n, self, ENDPOINT_GONE);
	step_complete(n, m->from, ENDPOINT_OK, n->me);
}
ACTION(op, withdraw_there)
{
	step_tell(n, self->visit, WITHDRAW);
	self->visit = STEP_NOBODY;
	end_gone(n, self, ENDPOINT_GONE);
	step_complete(n, m->from, ENDPOINT_OK, n->me);
}
ACTION(op, orphan)
{
	step_complete(n, self->client, ENDPOINT_GONE, n->me);
	step_complete(n, m->from, ENDPOINT_OK, n->me);
	self->client = STEP_NOBODY;
}
ACTION(op, too_late) { step_complete(n, m->from, ENDPOINT_OK, n->me); }
ACTION(op, say_no) { step_tell(n, m->from, NO); }
ACTION(op, say_withdraw) { step_tell(n, m->from, WITHDRAW); }
/* At the receiver. */
ACTION(op, c_receive)
{
	self->client = m->from, self->name = m->arg;
	step_tell(n, STEP_BY_NAME(n->id, PORT), LISTEN)->arg = m->arg;
}
static void got(struct step_node *n, struct op *self, const struct step_msg *m, enum endpoint_result result)
{
	self->data = m->word;
	step_complete(n, self->client, result, m->arg);
	n->host->data_drop(n, self->data);
}
ACTION(op, got_message) { got(n, self, m, ENDPOINT_OK); }
ACTION(op, got_call) { got(n, self, m, ENDPOINT_OWES); }
ACTION(op, somebody_else) { step_complete(n, self->client, ENDPOINT_BUSY, n->me); }
ACTION(op, stop_listening)
{
	step_tell(n, STEP_BY_NAME(n->id, PORT), DEAF)->arg = self->name;
	step_complete(n, self->client, ENDPOINT_GONE, n->me);
	step_complete(n, m->from, ENDPOINT_OK, n->me);
}

/* clang-format off */
static const struct step_cell op_table[OP_FULL + 1][EVENT_COUNT] = {
	STEP (IDLE,      M_SEND,     ASKED,     c_send,         1),
	STEP (IDLE,      M_CALL,     ASKED_C,   c_send,         1),
	STEP (IDLE,      M_TRY,      TRYING,    c_try,          1),
	STEP (IDLE,      M_RECEIVE,  LISTENING, c_receive,      0),
	STAY (M_SEND,    no_op_to_send, 0, OP_FULL),
	STAY (M_CALL,    no_op_to_send, 0, OP_FULL),
	STAY (M_TRY,     no_op_to_send, 0, OP_FULL),
	STAY (M_RECEIVE, no_op, 0, OP_FULL),

	STEP (ASKED,     QUEUED,     QUEUING,   wait_there,     0),
	STEP (ASKED,     CLAIM,      IDLE,      give,           1),
	STEP (ASKED,     REFUSED,    IDLE,      refused,        0),
	STEP (QUEUING,   CLAIM,      IDLE,      give,           1),
	STEP (ASKED_C,   QUEUED,     QUEUING_C, wait_there,     0),
	STEP (ASKED_C,   CLAIM,      AWAITING,  give_call,      1),
	STEP (ASKED_C,   REFUSED,    IDLE,      refused,        0),
	STEP (QUEUING_C, CLAIM,      AWAITING,  give_call,      1),
	STEP (AWAITING,  ANSWER,     IDLE,      answered,       0),
	STEP (AWAITING,  LOST,       IDLE,      lost,           0),
	STEP (TRYING,    CLAIM,      IDLE,      give,           1),
	STEP (TRYING,    REFUSED,    IDLE,      nobody,         0),

	/* What goes before the home has answered waits for that. */
#define GOES(event) \
	STEP (ASKED,     event,      LEAVING,   withdraw,       0), \
	STEP (ASKED_C,   event,      LEAVING,   withdraw,       0), \
	STEP (TRYING,    event,      LEAVING,   withdraw,       0), \
	STEP (QUEUING,   event,      LEFT_IT,   withdraw_there, 1), \
	STEP (QUEUING_C, event,      LEFT_IT,   withdraw_there, 1), \
	STEP (LISTENING, event,      IDLE,      stop_listening, 0)
	GOES(M_WITHDRAW),
	GOES(M_ABANDON),
	STEP (AWAITING,  M_ABANDON,  ORPHAN,    orphan,         0),
	STAY (M_WITHDRAW, too_late, 0, IDLE, AWAITING, ORPHAN, LEAVING, LEFT_IT),
	STAY (M_ABANDON,  too_late, 0, IDLE, ORPHAN, LEAVING, LEFT_IT),
	STEP (LEAVING,   QUEUED,     LEFT_IT,   say_withdraw,   1),
	STEP (LEAVING,   CLAIM,      IDLE,      say_no,         1),
	STEP (LEAVING,   REFUSED,    IDLE,      nothing,        0),
	STEP (LEFT_IT,   WITHDRAWN,  IDLE,      nothing,        0),
	STEP (LEFT_IT,   CLAIM,      IDLE,      nothing,        0),    /* our WITHDRAW is the answer */
	STEP (ORPHAN,    ANSWER,     IDLE,      answer_unheard, 0),
	STEP (ORPHAN,    LOST,       IDLE,      nothing,        0),

	STEP (LISTENING, GOT,        IDLE,      got_message,    0),
	STEP (LISTENING, GOT_CALL,   IDLE,      got_call,       0),
	STEP (LISTENING, BUSY,       IDLE,      somebody_else,  0),
};
/* clang-format on */

/* A message under way, at the home. */
static void unlink(struct step_node *n, struct visit *self)
{
	step_tell(n, self->prev, SET_NEXT)->arg = self->next;
	step_tell(n, self->next, SET_PREV)->arg = self->prev;
	self->prev = self->next = STEP_NOBODY;
}
ACTION(visit, come)
{
	self->op = m->from, self->port = m->arg;
	step_tell(n, self->port, LINK);
}
ACTION(visit, come_not)
{
	step_tell(n, m->from, REFUSED);
	step_tell(n, m->arg, NO_VISIT);
}
ACTION(visit, link_next) { self->next = m->arg; }
ACTION(visit, link_prev) { self->prev = m->arg; }
ACTION(visit, say_queued) { step_tell(n, self->op, QUEUED); }
ACTION(visit, claim)
{
	unlink(n, self);
	step_tell(n, self->op, CLAIM);
}
ACTION(visit, say_still) { step_tell(n, m->from, STILL); }
ACTION(visit, leave)
{
	unlink(n, self);
	step_tell(n, self->port, LEFT);
	step_tell(n, self->op, WITHDRAWN);
}
ACTION(visit, next_one) { step_tell(n, self->port, AGAIN); }
static void take(struct step_node *n, const struct visit *self, const struct step_msg *m, unsigned event)
{
	step_tell(n, self->port, event)->word = n->host->data_in(n, m);
}
ACTION(visit, take_message) { take(n, self, m, TAKEN); }
ACTION(visit, take_call)
{
	take(n, self, m, TAKEN_CALL);
	self->port = STEP_NOBODY;
}
ACTION(visit, reply)
{
	step_tell_data(n, self->op, ANSWER, m->word);
	n->host->data_drop(n, m->word);
	step_complete(n, m->from, ENDPOINT_OK, STEP_NOBODY);
}
ACTION(visit, forget)
{
	step_tell(n, self->op, LOST);
	step_complete(n, m->from, ENDPOINT_OK, STEP_NOBODY);
}
ACTION(visit, lose) { step_tell(n, self->op, LOST); }
ACTION(visit, reply_not)
{
	n->host->data_drop(n, m->word);
	step_complete(n, m->from, ENDPOINT_GONE, STEP_NOBODY);
}
ACTION(visit, forget_not) { step_complete(n, m->from, ENDPOINT_GONE, STEP_NOBODY); }

/* clang-format off */
static const struct step_cell visit_table[VISIT_FULL + 1][EVENT_COUNT] = {
	STEP (FREE,       ENTER,      ENTERED,    come,         0),
	STEP (VISIT_FULL, ENTER,      VISIT_FULL, come_not,     1),
	STEP (ENTERED,    LINKED,     WAITING,    say_queued,   1),
	STEP (ENTERED,    GO,         CLAIMED,    claim,        1),
	STEP (WAITING,    GO,         CLAIMED,    claim,        1),
	STEP (WAITING,    WITHDRAW,   FREE,       leave,        1),
	STAY (PING,       say_still, 0, WAITING),
	STAY (SET_NEXT,   link_next, 0, ENTERED, WAITING),
	STAY (SET_PREV,   link_prev, 0, ENTERED, WAITING),

	STEP (CLAIMED,    GIVE,       FREE,       take_message, 0),
	STEP (CLAIMED,    GIVE_CALL,  OWED,       take_call,    0),
	STEP (CLAIMED,    NO,         FREE,       next_one,     0),
	STEP (CLAIMED,    WITHDRAW,   FREE,       next_one,     0),    /* it crossed our CLAIM */

	STEP (OWED,       M_REPLY,    FREE,       reply,        1),
	STEP (OWED,       M_FORGET,   FREE,       forget,       1),
	STEP (OWED,       LOSE,       FREE,       lose,         1),
	STAY (M_REPLY,    reply_not,  0, FREE, WAITING, CLAIMED),
	STAY (M_FORGET,   forget_not, 0, FREE, WAITING, CLAIMED),
};
/* clang-format on */

/* ---- what the checker explores, and what must hold ---- */

/* Of a visit that is not over within a step. */
#define SHADOW_FIELDS(REF, LIST, NODE, WORD, DATA) WORD(flags)
STEP_LAYOUT(shadow, SHADOW_FIELDS);
enum { REMOTE = 1, GIVEN = 2, MISSED = 4 }; /* MISSED: whoever waited for it went */

#define HOME       0u
#define MESSAGE    5u
#define REPLY_DATA 6u

#define EACH(w, b, machine, i)                                                                               \
	for (uint32_t b = 0; b < (w)->nodes; b++)                                                            \
		for (uint32_t i = 0; i < (w)->node[b].pool[machine].slots; i++)

static step_ref name_of(uint32_t object) { return STEP_REF(HOME, PORT, object); }
static const struct visit *visit_at(const struct step_world *w, uint32_t i)
{
	return step_at(&w->node[HOME], VISIT, i);
}
static struct shadow *shadow_of(const struct step_world *w, uint32_t visit)
{
	return step_shadow_at(w, HOME, visit);
}
static const struct op *op_of(const struct step_world *w, step_ref r)
{
	return r.node < w->nodes ? step_lookup(&w->node[r.node], r) : NULL;
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

static void calls_to_messages(struct calls *c, const struct step_world *w)
{
	for (uint32_t i = 0; i < w->node[HOME].pool[VISIT].slots; i++) {
		const step_ref visit = step_ref_of(&w->node[HOME], VISIT, i);
		may(c, M_REPLY, visit, STEP_NOBODY, REPLY_DATA);
		may(c, M_FORGET, visit, STEP_NOBODY, 0);
	}
}

static uint32_t calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	struct calls c = {.out = out, .max = max};
	for (uint32_t k = 0; k < w->objects; k++) {
		may(&c, M_SEND, STEP_ANY(node, OP), name_of(k), MESSAGE);
		may(&c, M_TRY, STEP_ANY(node, OP), name_of(k), MESSAGE);
		may(&c, M_CALL, STEP_ANY(node, OP), name_of(k), MESSAGE);
		if (node == HOME)
			may(&c, M_RECEIVE, STEP_ANY(node, OP), name_of(k), 0);
	}
	for (uint32_t i = 0; i < w->node[node].pool[OP].slots; i++) {
		const step_ref op = step_ref_of(&w->node[node], OP, i);
		if (!op_of(w, op) && i)
			continue; /* of those that have ended one is enough */
		may(&c, M_WITHDRAW, op, STEP_NOBODY, 0);
		may(&c, M_ABANDON, op, STEP_NOBODY, 0);
	}
	if (node == HOME)
		calls_to_messages(&c, w);
	return c.count;
}

/* Whether somebody waits at its port for what was claimed. */
static bool is_awaited(const struct step_world *w, const struct visit *v)
{
	const struct port *port = step_lookup(&w->node[HOME], v->port);
	return port && port->head.state == CLAIMING;
}

static const char *given(struct shadow *s)
{
	if (s->flags & GIVEN)
		return "I1: a message was given twice";
	s->flags |= GIVEN;
	return NULL;
}

static const char *received(const struct step_world *w, uint32_t result, step_ref visit)
{
	const struct visit *v = visit_at(w, (uint32_t)visit.index);
	struct shadow *s = shadow_of(w, (uint32_t)visit.index);
	const uint32_t flags = s->flags;
	s->flags = 0;
	if (result == ENDPOINT_OWES && v->head.state != OWED)
		return "I3: a call was received, and nobody can reply to it";
	if ((flags & REMOTE) && !(flags & GIVEN))
		return "I1: a message is received that was not given";
	return flags & MISSED ? "I2: a message is received by who did not wait when it was given" : NULL;
}

static const char *completed(const struct step_world *w, uint32_t node, uint32_t result, step_ref arg)
{
	const struct step_msg *call = &w->call[node];
	const struct op *op = op_of(w, arg);
	switch (call->event) {
	case M_SEND:
	case M_TRY:
		return result == ENDPOINT_OK && node != HOME ? given(shadow_of(w, (uint32_t)arg.index))
							     : NULL;
	case M_CALL:
		return result == ENDPOINT_OK && op && op->data != REPLY_DATA ? "I3: the answer is no reply"
									     : NULL;
	case M_RECEIVE:
		return result == ENDPOINT_OK || result == ENDPOINT_OWES ? received(w, result, arg) : NULL;
	default:
		return NULL;
	}
}

/* A call that was given shows in its operation. Whoever went may have been given something. */
static const char *look_visit(const struct step_world *w, uint32_t i)
{
	const struct visit *v = visit_at(w, i);
	struct shadow *s = shadow_of(w, i);
	const uint32_t flags = s->flags;
	if (v->head.state != CLAIMED) {
		s->flags = 0;
		return (flags & GIVEN) && !(flags & MISSED) ? "I1: a message that was given was not received"
							    : NULL;
	}
	const struct op *op = op_of(w, v->op);
	s->flags |= REMOTE | (is_awaited(w, v) ? 0 : MISSED);
	const bool taken = op && (op->head.state == AWAITING || op->head.state == ORPHAN);
	return taken && !(flags & GIVEN) ? given(s) : NULL;
}

static uint32_t answers_to(const struct step_world *w, step_ref op)
{
	uint32_t owed = 0;
	for (uint32_t i = 0; i < w->node[HOME].pool[VISIT].slots; i++)
		owed += visit_at(w, i)->head.state == OWED && step_same(visit_at(w, i)->op, op);
	return owed;
}

static const char *always(const struct step_world *w)
{
	const char *why = NULL;
	for (uint32_t i = 0; i < w->node[HOME].pool[VISIT].slots && !why; i++)
		why = look_visit(w, i);
	EACH(w, b, OP, i)
	{
		const step_ref op = step_ref_of(&w->node[b], OP, i);
		if (op_of(w, op) && answers_to(w, op) > 1)
			why = "I3: two answers are owed to one call";
	}
	return why;
}

static bool is_waiting(const struct step_world *w, step_ref visit, step_ref op)
{
	const struct visit *v = visit.node == HOME ? step_lookup(&w->node[HOME], visit) : NULL;
	return v && v->head.state == WAITING && step_same(v->op, op);
}

static const char *look_op(const struct step_world *w, const struct op *self, step_ref r)
{
	const struct step_node *n = &w->node[r.node];
	bool heard = false;
	if (self->head.state == AWAITING || self->head.state == ORPHAN)
		return answers_to(w, r) == 1 ? NULL
					     : "I4: at rest, a call waits for an answer that nobody owes";
	if (self->head.state == QUEUING || self->head.state == QUEUING_C)
		return is_waiting(w, self->visit, r) ? NULL
						     : "I4: at rest, a message waits where it is not known";
	for (uint32_t i = 0; i < n->pool[PORT].slots; i++) {
		const struct port *port = step_at(n, PORT, i);
		heard |= port->head.state == WAITED && step_same(port->receiver, r);
	}
	return heard ? NULL : "I4: at rest, somebody receives where it is not known";
}

static const char *at_rest(const struct step_world *w)
{
	EACH(w, b, OP, i)
	{
		const struct op *self = step_at(&w->node[b], OP, i);
		const char *why = self->head.state ? look_op(w, self, step_ref_of(&w->node[b], OP, i)) : NULL;
		if (why)
			return why;
	}
	for (uint32_t i = 0; i < w->node[HOME].pool[VISIT].slots; i++) {
		const struct visit *v = visit_at(w, i);
		const struct op *op = v->head.state ? op_of(w, v->op) : NULL;
		if (v->head.state && !op)
			return "I4: at rest, a visit is nobody's";
		if (v->head.state == WAITING && !step_lookup(&w->node[HOME], v->port))
			return "I4: at rest, a visit waits nowhere";
	}
	return NULL;
}

static void begin_world(const struct step_world *w) { (void)w; }

/* Two operations of a kernel at once. */
static const struct step_also also[] = {{.nodes = 2, .flight = 3, .clients = 2, .slots = {0, 1, 2, 2}},
					{.nodes = 0}};
static const struct step_model model = {.also = also,
					.nodes = 3,
					.slots = {0, 1, 1, 2},
					.flight = 3,
					.clients = 2,
					.symmetric_from = 1,
					.objects = 1,
					.capabilities = 1,
					.shadow = STEP_SHADOW(shadow, VISIT),
					.begin = begin_world,
					.calls = calls,
					.completed = completed,
					.always = always,
					.at_rest = at_rest};

const struct step_protocol endpoint_relay = {
	.name = "endpoint/relay",
	.about = "a message waits with its sender until somebody receives at the object's home",
	.assumes = "reliable channels, FIFO between each pair",
	.invariants =
		(const char *const[]){"I1  a message is received once, if its sender was told so, and else "
				      "not at all",
				      "I2  it is received by who waited when its sender gave it",
				      "I3  who calls gets one answer, to its own message",
				      "I4  at rest, who waits is known where it waits, and there is "
				      "nothing else",
				      NULL},
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 4,
	.machine = {[PORT] = STEP_MACHINE(port, port_table, PORT_FULL, .named = true,
					  .rest = 1u << NONE | 1u << WAITED | 1u << CROWDED),
		    [OP] = STEP_MACHINE(op, op_table, OP_FULL,
					.rest = 1u << IDLE | 1u << QUEUING | 1u << QUEUING_C |
						1u << AWAITING | 1u << ORPHAN | 1u << LISTENING),
		    [VISIT] = STEP_MACHINE(visit, visit_table, VISIT_FULL,
					   .rest = 1u << FREE | 1u << WAITING | 1u << OWED)},
	.model = &model};
