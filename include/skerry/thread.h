/* skerry/thread.h - the family "thread": threads that run on one kernel and move to another.
 *
 * A thread's name is a slot of machine 3 on the kernel where it was made, its home; it stays the same wherever the thread
 * is. Its body, of machine 1, is where it runs: on machines a TCB with its scheduling context and its CSpace. What is in
 * its capability space, capabilities and replies that it owes, are slots of machine 4, each with its place (the CPtr by
 * which the thread knows it). A call in flight is a slot of machine 2.
 *
 * A protocol lists the family's calls first, so that they have the same numbers everywhere:
 *
 *     #define EVENTS(E) THREAD_CALLS(E) E(LEAVE, FORWARD, NODE) ...
 *
 * What the kernel does is a local call (enum thread_local_call): it stops a thread, at a system call, reads its registers
 * and its scheduling parameters, and translates a capability, which on machines is a move of the capability protocol.
 *
 * Layer: public. Sources: seL4 reference manual 6 (TCB, scheduling contexts), Sprite and MOSIX (homes of processes). */
#ifndef SKERRY_THREAD_H
#define SKERRY_THREAD_H
#include <skerry/protocol.h>

enum thread_machine { THREAD_BODY = 1, THREAD_OP, THREAD_NAME, THREAD_SLOT };

/* What a client calls; "here": its kernel. `from` is the client.
 *
 *   T_CREATE  to STEP_ANY(here, THREAD_NAME); word: the image of the thread, data of the host. It runs here
 *   T_HOLD    to a body of here, which runs or is being stopped; arg: a capability that the thread gets, word: its place.
 *             Completes with the slot that holds it
 *   T_MOVE    to STEP_ANY(here, THREAD_OP); arg: a name, word: the kernel to which the thread goes. It goes with all
 *             that it holds and owes, or stays as it was, and the result says why
 *   T_CALL    to STEP_ANY(here, THREAD_OP); arg: a name. Ends when the thread has replied, wherever that is
 *   T_REPLY   to a slot of here that owes a reply; only the thread itself calls it, so not while it is stopped
 *   T_FREE    to a slot of here that holds a capability, word: its place; the thread has it no more. Only while its body
 *             runs or is being stopped. Completes with the body
 *   T_KILL    to STEP_ANY(here, THREAD_OP); arg: a name. The thread is no more, what it held is deleted, whom it owed a
 *             reply learns that none will come
 *
 * A call completes with enum thread_result, T_CREATE with the name in arg, T_MOVE with the new body. */
#define THREAD_CALLS(E)                                                                                      \
	E(T_CREATE, CALL, WORD)                                                                              \
	E(T_HOLD, CALL, WORD)                                                                                \
	E(T_MOVE, CALL, NODE)                                                                                \
	E(T_CALL, CALL, NONE)                                                                                \
	E(T_REPLY, CALL, NONE)                                                                               \
	E(T_KILL, CALL, NONE)                                                                                \
	E(T_FREE, CALL, WORD)

/* The same numbers under names that a host can use. */
enum thread_call {
	THREAD_CREATE = E_PROTOCOL,
	THREAD_HOLD,
	THREAD_MOVE,
	THREAD_CALL,
	THREAD_REPLY,
	THREAD_KILL,
	THREAD_FREE,
	THREAD_CALLS_END
};

enum thread_result {
	THREAD_OK,
	THREAD_GONE, /* there is no such thread, or no more; it owes no such reply */
	THREAD_BUSY, /* too many wait for it */
	THREAD_NO_ROOM, /* no slot, or the kernel to which it was to go has no place for it, or cannot start it */
	THREAD_UNSTOPPED,  /* the kernel cannot stop it at a system call */
	THREAD_CAPABILITY, /* a capability cannot be translated */
	THREAD_OWES,       /* a reply that it owes cannot be translated */
};

/* Calls into the local kernel (step_local), by a body or a slot. The kernel may answer E_LOCAL_ERR; to THREAD_RESUME and
 * THREAD_RETURN it says "not yet" with it. */
enum thread_local_call {
	THREAD_STOP =
		1, /* body: at a system call; registers and parameters are in its image. arg: the call that wants it,
	                    which may be the thread's own. Until the answer T_HOLD and T_FREE may say what it has */
	THREAD_HALT,    /* body: for good, wherever it waits; the same */
	THREAD_RESUME,  /* body: where it was stopped */
	THREAD_RESERVE, /* body: a place for the thread that comes; it is free again when the body is */
	THREAD_START,   /* body: from its image, with what its slots hold */
	THREAD_TRANSLATE, /* slot: its capability becomes one of the kernel of arg, a slot there that waits for it;
	                           the answer's arg is that capability. What was revoked meanwhile becomes nobody */
	THREAD_TRANSLATE_REPLY, /* slot: the reply that it owes, the same */
	THREAD_RETURN, /* slot: what it got goes back to arg, the slot that it came from, where its place was kept */
	THREAD_DELETE, /* slot: its capability */
};

#endif
