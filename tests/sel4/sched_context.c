/* tests/sel4/sched_context.c - scheduling contexts: binding, donation along calls, return, yielding. */
#include "tests/sel4/harness.h"

/* e->shared */
enum { EP, EP2, REPLY, REPLY2, NTFN, OUT };

static void note_letter(struct env *e, seL4_Word letter) { note(e, (char)letter); }

static void wait_then_note(struct env *e, seL4_Word ntfn)
{
	note(e, 'a');
	seL4_Wait(ntfn, NULL);
	note(e, 'b');
}

/* ---- binding ---- */

CASE(SCHEDCONTEXT0001, "a context has one thread, and a thread one context", CASE_ONCE)
{
	seL4_CPtr a = env_sc(e), b = env_sc(e), x = env_tcb(e), y = env_tcb(e);
	check_ok(e, seL4_SchedContext_Bind(a, x));
	check_error(e, seL4_SchedContext_Bind(a, y), seL4_IllegalOperation);
	check_error(e, seL4_SchedContext_Bind(b, x), seL4_IllegalOperation);
	check_error(e, seL4_SchedContext_Bind(a, x), seL4_IllegalOperation);
	check_ok(e, seL4_SchedContext_UnbindObject(a, x));
	check_ok(e, seL4_SchedContext_Bind(b, x));
	check_ok(e, seL4_SchedContext_Bind(a, y));
}

CASE(SCHEDCONTEXT0002, "a context has one notification, and a notification one context", CASE_ONCE)
{
	seL4_CPtr a = env_sc(e), b = env_sc(e), x = env_notification(e), y = env_notification(e);
	check_ok(e, seL4_SchedContext_Bind(a, x));
	check_error(e, seL4_SchedContext_Bind(a, y), seL4_IllegalOperation);
	check_error(e, seL4_SchedContext_Bind(b, x), seL4_IllegalOperation);
	check_ok(e, seL4_SchedContext_UnbindObject(a, x));
	check_ok(e, seL4_SchedContext_Bind(b, x));
}

CASE(SCHEDCONTEXT0003, "a context may have a thread and a notification at once", CASE_ONCE)
{
	seL4_CPtr sc = env_sc(e), tcb = env_tcb(e), ntfn = env_notification(e);
	check_ok(e, seL4_SchedContext_Bind(sc, tcb));
	check_ok(e, seL4_SchedContext_Bind(sc, ntfn));
	check_ok(e, seL4_SchedContext_Unbind(sc));
	check_error(e, seL4_SchedContext_UnbindObject(sc, tcb), seL4_IllegalOperation);
	check_error(e, seL4_SchedContext_UnbindObject(sc, ntfn), seL4_IllegalOperation);
}

CASE(SCHEDCONTEXT0004, "other objects cannot be bound: capability 1", CASE_ONCE)
{
	seL4_CPtr sc = env_sc(e);
	check_cap(e, seL4_SchedContext_Bind(sc, env_endpoint(e)), 1);
	check_cap(e, seL4_SchedContext_Bind(sc, env_slot(e)), 1);
	check_cap(e, seL4_SchedContext_UnbindObject(sc, env_endpoint(e)), 1);
}

CASE(SCHEDCONTEXT0005, "what is not bound cannot be unbound by name, but Unbind succeeds", CASE_ONCE)
{
	seL4_CPtr sc = env_sc(e);
	check_error(e, seL4_SchedContext_UnbindObject(sc, env_tcb(e)), seL4_IllegalOperation);
	check_error(e, seL4_SchedContext_UnbindObject(sc, env_notification(e)), seL4_IllegalOperation);
	check_ok(e, seL4_SchedContext_Unbind(sc));
}

CASE(SCHEDCONTEXT0006, "the current thread's context cannot be unbound", CASE_ONCE)
{
	check_error(e, seL4_SchedContext_Unbind(seL4_CapInitThreadSC), seL4_IllegalOperation);
	check_error(e, seL4_SchedContext_UnbindObject(seL4_CapInitThreadSC, seL4_CapInitThreadTCB),
		    seL4_IllegalOperation);
}

CASE(SCHEDCONTEXT0007, "a thread stops when its context is unbound, and goes on when it has one again", 0)
{
	struct thread *t = env_thread(e, LOW);
	env_start(e, t, note_letter, 'x');
	check_ok(e, seL4_SchedContext_Unbind(t->sc));
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_SchedContext_Bind(t->sc, t->tcb));
	env_settle(e);
	check_log(e, "x");
}

CASE(SCHEDCONTEXT0008, "a blocked thread cannot be bound to a context that may not run", 0)
{
	seL4_CPtr sc = env_sc(e);
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, wait_then_note, env_notification(e));
	check_ok(e, seL4_SchedContext_Unbind(t->sc));
	check_error(e, seL4_SchedContext_Bind(sc, t->tcb), seL4_IllegalOperation);
	check_error(e, seL4_TCB_SetSchedParams(t->tcb, seL4_CapInitThreadTCB, 0, HIGH, sc, seL4_CapNull),
		    seL4_IllegalOperation);
	check_ok(e, seL4_TCB_Suspend(t->tcb));
	check_ok(e, seL4_SchedContext_Bind(sc, t->tcb));
}

CASE(SCHEDCONTEXT0009, "deleting a context stops its thread, which may have another", 0)
{
	struct thread *t = env_thread(e, LOW);
	seL4_CPtr sc = env_sc(e);
	env_configure(e, sc, 10000, 10000);
	env_start(e, t, note_letter, 'x');
	check_ok(e, seL4_CNode_Delete(AT(t->sc)));
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_SchedContext_Bind(sc, t->tcb));
	env_settle(e);
	check_log(e, "x");
}

CASE(SCHEDCONTEXT0010, "deleting a thread sets its context free", 0)
{
	struct thread *t = env_thread(e, LOW), *other = env_thread_passive(e, HIGH);
	env_start(e, t, note_letter, 'x');
	env_start(e, other, note_letter, 'y');
	check_ok(e, seL4_CNode_Delete(AT(t->tcb)));
	check_ok(e, seL4_SchedContext_Bind(t->sc, other->tcb));
	check_log(e, "y");
}

CASE(SCHEDCONTEXT0011, "other labels are illegal, a missing capability truncated", CASE_ONCE)
{
	seL4_CPtr sc = env_sc(e);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(sc, TCBResume, 0, 0)), seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(sc, SchedContextBind, 0, 0)),
		    seL4_TruncatedMessage);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(sc, SchedContextUnbindObject, 0, 0)),
		    seL4_TruncatedMessage);
}

/* ---- passive servers ---- */

static void serve(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	for (;;) {
		note(e, 's');
		seL4_ReplyRecv(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0), &badge, e->shared[REPLY]);
	}
}

/* Starts a server on a context that is then taken away: it waits at its endpoint. */
static struct thread *passive_server(struct env *e, unsigned priority, thread_body *body)
{
	struct thread *t = env_thread(e, priority);
	env_start(e, t, body, 0);
	check_ok(e, seL4_SchedContext_Unbind(t->sc));
	return t;
}

static void call_and_note(struct env *e, seL4_Word letter)
{
	seL4_MessageInfo_t info = seL4_Call(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0));
	note(e, seL4_MessageInfo_get_label(info) ? '!' : (char)letter);
}

static struct thread *client(struct env *e, unsigned priority, char letter)
{
	struct thread *t = env_thread(e, priority);
	env_start(e, t, call_and_note, (seL4_Word)letter);
	return t;
}

static void make_service(struct env *e)
{
	e->shared[EP] = env_endpoint(e);
	e->shared[EP2] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	e->shared[REPLY2] = env_reply(e);
	e->shared[NTFN] = env_notification(e);
}

CASE(SCHEDCONTEXT0012, "a passive server runs on its caller's context, which comes back with the answer", 0)
{
	make_service(e);
	struct thread *server = passive_server(e, HIGH + 1, serve);
	struct thread *c = client(e, HIGH, 'c');
	check_log(e, "sc");
	check_error(e, seL4_SchedContext_UnbindObject(c->sc, server->tcb), seL4_IllegalOperation);
	check_ok(e, seL4_SchedContext_UnbindObject(c->sc, c->tcb));
}

CASE(SCHEDCONTEXT0013, "the current thread may call a passive server, too", 0)
{
	make_service(e);
	passive_server(e, HIGH, serve);
	for (unsigned i = 0; i < 3; i++)
		check_equal(e,
			    seL4_MessageInfo_get_label(
				    seL4_Call(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0))),
			    0);
	check_log(e, "sss");
}

CASE(SCHEDCONTEXT0014, "a passive server of lower priority runs when its caller waits", 0)
{
	make_service(e);
	passive_server(e, HIGH, serve);
	client(e, HIGH + 1, 'c');
	check_log(e, "sc");
}

CASE(SCHEDCONTEXT0015, "a server with a context of its own keeps it, and its caller the caller's", 0)
{
	make_service(e);
	struct thread *server = env_thread(e, HIGH + 1);
	env_start(e, server, serve, 0);
	struct thread *c = client(e, HIGH, 'c');
	check_log(e, "sc");
	check_ok(e, seL4_SchedContext_UnbindObject(server->sc, server->tcb));
	check_ok(e, seL4_SchedContext_UnbindObject(c->sc, c->tcb));
}

/* Receives, then waits for a signal before it answers. */
static void serve_slowly(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	note(e, 's');
	seL4_Wait(e->shared[NTFN], &badge);
	note(e, 't');
	seL4_ReplyRecv(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0), &badge, e->shared[REPLY]);
}

CASE(SCHEDCONTEXT0016, "while a call is under way the context is the server's", 0)
{
	make_service(e);
	struct thread *server = passive_server(e, HIGH + 1, serve_slowly);
	struct thread *c = client(e, HIGH, 'c');
	check_log(e, "s");
	check_error(e, seL4_SchedContext_UnbindObject(c->sc, c->tcb), seL4_IllegalOperation);
	check_error(e, seL4_SchedContext_Bind(c->sc, env_tcb(e)), seL4_IllegalOperation);
	check_error(e, seL4_SchedContext_Bind(env_sc(e), server->tcb), seL4_IllegalOperation);
	seL4_Signal(e->shared[NTFN]);
	check_log(e, "tc");
}

CASE(SCHEDCONTEXT0017, "deleting the reply object of the call under way gives the context back", 0)
{
	make_service(e);
	passive_server(e, HIGH + 1, serve_slowly);
	struct thread *c = client(e, HIGH, 'c');
	check_ok(e, seL4_CNode_Delete(AT(e->shared[REPLY])));
	seL4_Signal(e->shared[NTFN]);
	env_settle(e);
	/* The server has no context to go on with; the caller has its own, but is inactive. */
	check_log(e, "s");
	check_ok(e, seL4_SchedContext_UnbindObject(c->sc, c->tcb));
}

CASE(SCHEDCONTEXT0018, "a context that its caller was given meanwhile keeps the old one with the server", 0)
{
	make_service(e);
	struct thread *server = passive_server(e, HIGH + 1, serve_slowly);
	struct thread *c = client(e, HIGH, 'c');
	seL4_CPtr sc = env_sc(e);
	env_configure(e, sc, 10000, 10000);
	check_ok(e, seL4_SchedContext_Bind(sc, c->tcb));
	seL4_Signal(e->shared[NTFN]);
	env_settle(e);
	check_log(e, "stc");
	check_ok(e, seL4_SchedContext_UnbindObject(sc, c->tcb));
	check_ok(e, seL4_SchedContext_UnbindObject(c->sc, server->tcb));
}

static void middle(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	note(e, 'm');
	seL4_Call(e->shared[EP2], seL4_MessageInfo_new(0, 0, 0, 0));
	note(e, 'n');
	seL4_ReplyRecv(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0), &badge, e->shared[REPLY]);
}

static void last(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	seL4_Recv(e->shared[EP2], &badge, e->shared[REPLY2]);
	note(e, 'l');
	seL4_Wait(e->shared[NTFN], &badge);
	note(e, 'k');
	seL4_ReplyRecv(e->shared[EP2], seL4_MessageInfo_new(0, 0, 0, 0), &badge, e->shared[REPLY2]);
}

CASE(SCHEDCONTEXT0019, "a context goes along a chain of passive servers, and back", 0)
{
	make_service(e);
	passive_server(e, HIGH + 1, middle);
	passive_server(e, HIGH + 2, last);
	struct thread *c = client(e, HIGH, 'c');
	check_log(e, "ml");
	seL4_Signal(e->shared[NTFN]);
	check_log(e, "knc");
	check_ok(e, seL4_SchedContext_UnbindObject(c->sc, c->tcb));
}

CASE(SCHEDCONTEXT0020,
     "deleting a reply object in the middle of a chain loses the context for the first caller", 0)
{
	make_service(e);
	struct thread *m = passive_server(e, HIGH + 1, middle);
	passive_server(e, HIGH + 2, last);
	struct thread *c = client(e, HIGH, 'c');
	check_ok(e, seL4_CNode_Delete(AT(e->shared[REPLY])));
	check_log(e, "ml");
	/* The chain is broken below the second caller: the last's answer still reaches it, with the context. */
	seL4_Signal(e->shared[NTFN]);
	check_log(e, "kn");
	check_error(e, seL4_SchedContext_UnbindObject(c->sc, c->tcb), seL4_IllegalOperation);
	check_ok(e, seL4_SchedContext_UnbindObject(c->sc, m->tcb));
}

CASE(SCHEDCONTEXT0021, "unbinding a context in a chain ends the donation: the answer brings none", 0)
{
	make_service(e);
	passive_server(e, HIGH + 1, serve_slowly);
	struct thread *c = client(e, HIGH, 'c');
	check_ok(e, seL4_SchedContext_Unbind(c->sc));
	seL4_Signal(e->shared[NTFN]);
	env_settle(e);
	check_log(e, "s");
	/* Nobody has it: the caller may be given it, and still waits. */
	check_ok(e, seL4_SchedContext_Bind(c->sc, c->tcb));
	env_settle(e);
	check_log(e, "");
}

CASE(SCHEDCONTEXT0022, "a send gives its receiver no context", 0)
{
	make_service(e);
	struct thread *server = passive_server(e, HIGH, serve);
	seL4_Send(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0));
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_SchedContext_Bind(server->sc, server->tcb));
	check_log(e, "s");
}

static void send_and_wait(struct env *e, seL4_Word ntfn)
{
	seL4_NBSendWait(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0), ntfn, NULL);
	note(e, 'w');
}

static void receive_and_end(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Wait(e->shared[EP], NULL);
	note(e, 'r');
}

CASE(SCHEDCONTEXT0023, "NBSendWait gives its context away", 0)
{
	make_service(e);
	struct thread *receiver = passive_server(e, HIGH + 1, receive_and_end);
	struct thread *sender = env_thread(e, HIGH);
	env_start(e, sender, send_and_wait, e->shared[NTFN]);
	check_log(e, "r");
	check_ok(e, seL4_SchedContext_UnbindObject(sender->sc, receiver->tcb));
}

CASE(SCHEDCONTEXT0024, "a server that defers its answers keeps its first caller's context", 0)
{
	make_service(e);
	struct thread *server = passive_server(e, HIGH + 1, serve_slowly);
	struct thread *a = client(e, HIGH, 'a'), *b = client(e, HIGH, 'b');
	check_log(e, "s");
	seL4_Signal(e->shared[NTFN]);
	check_log(e, "ta");
	check_ok(e, seL4_SchedContext_UnbindObject(a->sc, a->tcb));
	check_error(e, seL4_SchedContext_UnbindObject(b->sc, b->tcb), seL4_IllegalOperation);
	check_ok(e, seL4_SchedContext_UnbindObject(b->sc, server->tcb));
}

static void wait_forever(struct env *e, seL4_Word ntfn)
{
	seL4_Word badge;
	for (;;) {
		seL4_Wait(ntfn, &badge);
		note(e, (char)badge);
	}
}

CASE(SCHEDCONTEXT0025, "a notification's context is lent to the thread it wakes, until that waits again", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, wait_forever, ntfn);
	check_ok(e, seL4_SchedContext_Unbind(t->sc));
	seL4_Signal(env_mint(e, ntfn, 'x'));
	env_settle(e);
	check_log(e, "");
	/* It was woken without a context; with one at the notification the next time it runs. */
	check_ok(e, seL4_SchedContext_Bind(t->sc, t->tcb));
	check_log(e, "x");
	check_ok(e, seL4_SchedContext_Unbind(t->sc));
	check_ok(e, seL4_SchedContext_Bind(t->sc, ntfn));
	seL4_Signal(env_mint(e, ntfn, 'y'));
	check_log(e, "y");
	check_error(e, seL4_SchedContext_UnbindObject(t->sc, t->tcb), seL4_IllegalOperation);
	seL4_Signal(env_mint(e, ntfn, 'z'));
	check_log(e, "z");
}

CASE(SCHEDCONTEXT0026, "a bound notification's context serves a passive thread that receives", 0)
{
	make_service(e);
	struct thread *server = passive_server(e, HIGH, receive_and_end);
	check_ok(e, seL4_TCB_BindNotification(server->tcb, e->shared[NTFN]));
	check_ok(e, seL4_SchedContext_Bind(server->sc, e->shared[NTFN]));
	seL4_Signal(e->shared[NTFN]);
	check_log(e, "r");
}

/* ---- yielding to a context ---- */

CASE(SCHEDCONTEXT0027, "yielding needs a thread, not oneself, and a priority within one's maximum", 0)
{
	seL4_CPtr sc = env_sc(e), tcb = env_tcb(e);
	check_error(e, seL4_SchedContext_YieldTo(sc).error, seL4_IllegalOperation);
	check_error(e, seL4_SchedContext_YieldTo(seL4_CapInitThreadSC).error, seL4_IllegalOperation);
	check_ok(e, seL4_SchedContext_Bind(sc, tcb));
	check_ok(e, seL4_SchedContext_YieldTo(sc).error);
}

static void yield_to(struct env *e, seL4_Word sc)
{
	note(e, seL4_SchedContext_YieldTo(sc).error == seL4_IllegalOperation ? 'i' : 'g');
}

CASE(SCHEDCONTEXT0028, "yielding to a thread above one's maximum is illegal", 0)
{
	struct thread *t = env_thread(e, HIGH), *above = env_thread(e, HIGH + 3);
	check_ok(e, seL4_TCB_SetMCPriority(t->tcb, seL4_CapInitThreadTCB, HIGH + 2));
	env_start(e, t, yield_to, above->sc);
	check_log(e, "i");
	check_ok(e, seL4_TCB_SetMCPriority(t->tcb, seL4_CapInitThreadTCB, HIGH + 3));
	env_start(e, t, yield_to, above->sc);
	check_log(e, "g");
}

CASE(SCHEDCONTEXT0029, "yielding to a ready thread of equal priority runs it, and then the yielder goes on",
     0)
{
	struct thread *a = env_thread(e, DRIVER_PRIORITY), *b = env_thread(e, DRIVER_PRIORITY);
	env_start(e, a, note_letter, 'a');
	env_start(e, b, note_letter, 'b');
	seL4_SchedContext_YieldTo_t r = seL4_SchedContext_YieldTo(b->sc);
	check_ok(e, r.error);
	note(e, 'd');
	env_settle(e);
	check_log(e, "bda");
}

CASE(SCHEDCONTEXT0030, "yielding to a thread of lower priority brings it to the head of its queue", 0)
{
	struct thread *a = env_thread(e, LOW), *b = env_thread(e, LOW), *c = env_thread(e, LOW);
	env_start(e, a, note_letter, 'a');
	env_start(e, b, note_letter, 'b');
	env_start(e, c, note_letter, 'c');
	check_ok(e, seL4_SchedContext_YieldTo(a->sc).error);
	note(e, 'd');
	env_settle(e);
	check_log(e, "dacb");
}

/* ---- consumed time ---- */

static void compute(struct env *e, seL4_Word us)
{
	burn(us);
	note(e, 'c');
}

CASE(SCHEDCONTEXT0031, "the time consumed is told once, in microseconds", CASE_VIRTUAL)
{
	struct thread *t = env_thread(e, HIGH);
	check_equal(e, seL4_SchedContext_Consumed(t->sc).consumed, 0);
	env_start(e, t, compute, 700);
	check_log(e, "c");
	seL4_SchedContext_Consumed_t r = seL4_SchedContext_Consumed(t->sc);
	check_ok(e, r.error);
	check(e, r.consumed >= 690 && r.consumed <= 720);
	check_equal(e, seL4_SchedContext_Consumed(t->sc).consumed, 0);
}

CASE(SCHEDCONTEXT0032, "a passive server's time is its caller's", CASE_VIRTUAL)
{
	make_service(e);
	struct thread *server = passive_server(e, HIGH + 1, serve);
	struct thread *c = client(e, HIGH, 'c');
	check_log(e, "sc");
	seL4_SchedContext_Consumed(c->sc);
	check_ok(e, seL4_TCB_Suspend(server->tcb));
	env_start(e, server, compute, 0);
	check_equal(e, seL4_SchedContext_Consumed(server->sc).error, 0);
}

CASE(SCHEDCONTEXT0033, "YieldTo tells the time that the other thread consumed", CASE_VIRTUAL)
{
	struct thread *t = env_thread(e, DRIVER_PRIORITY);
	env_start(e, t, compute, 300);
	seL4_SchedContext_YieldTo_t r = seL4_SchedContext_YieldTo(t->sc);
	check_ok(e, r.error);
	check(e, r.consumed >= 290 && r.consumed <= 320);
	check_log(e, "c");
}

CASE(SCHEDCONTEXT0034, "revoking the untyped of contexts in a chain leaves kernel and threads sound", 0)
{
	make_service(e);
	passive_server(e, HIGH + 1, middle);
	passive_server(e, HIGH + 2, last);
	struct thread *c = client(e, HIGH, 'c');
	check_log(e, "ml");
	check_ok(e, seL4_CNode_Delete(AT(c->sc)));
	seL4_Signal(e->shared[NTFN]);
	env_settle(e);
	check_log(e, "");
}

CASE(SCHEDCONTEXT0035, "deleting a caller in a chain leaves the rest working", 0)
{
	make_service(e);
	struct thread *m = passive_server(e, HIGH + 1, middle);
	passive_server(e, HIGH + 2, last);
	struct thread *c = client(e, HIGH, 'c');
	check_ok(e, seL4_CNode_Delete(AT(c->tcb)));
	seL4_Signal(e->shared[NTFN]);
	env_settle(e);
	/* The middle server gets its answer and the context, whose first owner is gone. */
	check_log(e, "mlkn");
	check_ok(e, seL4_SchedContext_UnbindObject(c->sc, m->tcb));
}

static void serve_signals(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	for (;;) {
		seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
		note(e, 'r');
	}
}

CASE(SCHEDCONTEXT0036, "a bound notification's context is given back when its thread receives again", 0)
{
	make_service(e);
	struct thread *server = passive_server(e, HIGH, serve_signals);
	check_ok(e, seL4_TCB_BindNotification(server->tcb, e->shared[NTFN]));
	check_ok(e, seL4_SchedContext_Bind(server->sc, e->shared[NTFN]));
	for (unsigned i = 0; i < 3; i++) {
		seL4_Signal(e->shared[NTFN]);
		check_error(e, seL4_SchedContext_UnbindObject(server->sc, server->tcb),
			    seL4_IllegalOperation);
	}
	check_log(e, "rrr");
}

static void delete_own_context(struct env *e, seL4_Word sc)
{
	note(e, 'x');
	seL4_CNode_Delete(AT(sc));
	note(e, '?');
}

CASE(SCHEDCONTEXT0037, "a yielder goes on when the context that it yielded to is deleted", 0)
{
	struct thread *t = env_thread(e, DRIVER_PRIORITY);
	env_start(e, t, delete_own_context, t->sc);
	check_ok(e, seL4_SchedContext_YieldTo(t->sc).error);
	note(e, 'd');
	check_log(e, "xd");
}

static void yield_on(struct env *e, seL4_Word sc)
{
	seL4_SchedContext_YieldTo(sc);
	note(e, 'y');
}

CASE(SCHEDCONTEXT0038, "a yielder that is suspended and resumed goes on", 0)
{
	struct thread *a = env_thread(e, LOW), *b = env_thread(e, LOW);
	env_start(e, b, wait_then_note, env_notification(e));
	check_ok(e, seL4_TCB_SetMCPriority(a->tcb, seL4_CapInitThreadTCB, 255));
	env_settle(e);
	env_start(e, a, yield_on, b->sc);
	env_settle(e);
	check_log(e, "ay");
}

CASE(SCHEDCONTEXT0039, "a thread with a context of its own does not borrow its notification's", 0)
{
	seL4_CPtr ntfn = env_notification(e), sc = env_sc(e);
	struct thread *t = env_thread(e, HIGH);
	env_configure(e, sc, 10000, 10000);
	check_ok(e, seL4_SchedContext_Bind(sc, ntfn));
	env_start(e, t, wait_then_note, ntfn);
	seL4_Signal(ntfn);
	check_log(e, "ab");
	check_error(e, seL4_SchedContext_UnbindObject(sc, t->tcb), seL4_IllegalOperation);
	check_ok(e, seL4_SchedContext_UnbindObject(t->sc, t->tcb));
}
