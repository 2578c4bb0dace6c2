/* skerry/endpoint.h - the family "endpoint": messages to whoever receives at an object's home, from any kernel.
 *
 * An endpoint has a name (STEP_NAMED): its home is the kernel at which its messages are received. What may be sent, and with
 * which badge, is the sending kernel's business, which has let the message through; a message is data of the host.
 * A call in flight is a slot of machine 2, a message under way or a reply owed one of machine 3, at the home.
 *
 * A protocol lists the family's calls first, so that they have the same numbers everywhere:
 *
 *     #define EVENTS(E) ENDPOINT_CALLS(E) E(ANNOUNCE, REQUEST, NONE) ...
 *
 * Layer: public. Source: seL4 reference manual 4 (message passing). */
#ifndef SKERRY_ENDPOINT_H
#define SKERRY_ENDPOINT_H
#include <skerry/protocol.h>

enum endpoint_machine { ENDPOINT_PORT = 1, ENDPOINT_OP, ENDPOINT_VISIT };

/* What a client calls; "here": its kernel. `from` is the client.
 *
 *   M_SEND      to STEP_ANY(here, ENDPOINT_OP); arg: the endpoint's name, word: the message. Ends when it was taken
 *   M_TRY       the same; ends at once, with ENDPOINT_NOBODY, if nobody waits for it
 *   M_CALL      the same as M_SEND, and ends when it was replied to; the data of the operation is then the reply
 *   M_RECEIVE   to STEP_ANY(here, ENDPOINT_OP), at the home; arg: the name. Ends with a message, the data of the operation;
 *               ENDPOINT_OWES: it was called, and arg is to be replied to. One at a time waits at an endpoint
 *   M_REPLY     to what is to be replied to; word: the reply
 *   M_FORGET    to the same: there will be no reply, and who called learns it
 *   M_WITHDRAW  to the operation of a call in flight of this kernel: the capability that it was made with goes. What was not
 *               taken when this returns never is
 *   M_ABANDON   to the same: its client goes
 *
 * A call completes with enum endpoint_result. */
#define ENDPOINT_CALLS(E)                                                                                    \
	E(M_SEND, CALL, DATA)                                                                                \
	E(M_TRY, CALL, DATA)                                                                                 \
	E(M_CALL, CALL, DATA)                                                                                \
	E(M_RECEIVE, CALL, NONE)                                                                             \
	E(M_REPLY, CALL, DATA)                                                                               \
	E(M_FORGET, CALL, NONE)                                                                              \
	E(M_WITHDRAW, CALL, NONE)                                                                            \
	E(M_ABANDON, CALL, NONE)

/* The same numbers under names that a host can use. */
enum endpoint_call {
	ENDPOINT_SEND = E_PROTOCOL,
	ENDPOINT_TRY,
	ENDPOINT_CALL,
	ENDPOINT_RECEIVE,
	ENDPOINT_REPLY,
	ENDPOINT_FORGET,
	ENDPOINT_WITHDRAW,
	ENDPOINT_ABANDON,
	ENDPOINT_CALLS_END
};

enum endpoint_result {
	ENDPOINT_OK,
	ENDPOINT_OWES,   /* M_RECEIVE: and a reply is owed */
	ENDPOINT_NOBODY, /* M_TRY: nobody waits */
	ENDPOINT_GONE,   /* its capability or its client is gone; M_CALL: who took it does not reply */
	ENDPOINT_BUSY,   /* M_RECEIVE: somebody else waits there; no slot */
};

#endif
