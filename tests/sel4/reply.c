/* tests/sel4/reply.c - reply objects and chains of calls. */
#include "tests/sel4/harness.h"

/* e->shared */
enum { EP, EP2, REPLY, REPLY2, INFO, OUT };

static void call_and_note(struct env *e, seL4_Word argument)
{
	seL4_MessageInfo_t info = seL4_Call(argument >> 8, seL4_MessageInfo_new(0, 0, 0, 0));
	note(e, seL4_MessageInfo_get_label(info) == 0 ? (char)argument : '!');
}

static struct thread *caller(struct env *e, seL4_CPtr ep, char letter)
{
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, call_and_note, ep << 8 | (seL4_Word)letter);
	return t;
}

static void answer(seL4_CPtr reply) { seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0)); }

static void receive(seL4_CPtr ep, seL4_CPtr reply)
{
	seL4_Word badge;
	seL4_NBRecv(ep, &badge, reply);
}

CASE(REPLY0001, "a second answer by the same reply object does nothing", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	caller(e, ep, 'a');
	receive(ep, reply);
	answer(reply);
	check_log(e, "a");
	answer(reply);
	seL4_NBSend(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "");
}

CASE(REPLY0002, "a reply object that was never used answers nobody", CASE_ONCE)
{
	seL4_CPtr reply = env_reply(e);
	answer(reply);
	seL4_MessageInfo_t info = seL4_Call(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	check_equal(e, seL4_MessageInfo_get_label(info), 0);
}

CASE(REPLY0003, "an answer without blocking is an answer", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	caller(e, ep, 'a');
	receive(ep, reply);
	seL4_NBSend(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "a");
}

CASE(REPLY0004, "callers are answered in any order, each by its own reply object", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply[3];
	for (unsigned i = 0; i < 3; i++) {
		reply[i] = env_reply(e);
		caller(e, ep, (char)('a' + i));
		receive(ep, reply[i]);
	}
	answer(reply[1]);
	answer(reply[2]);
	answer(reply[0]);
	check_log(e, "bca");
}

CASE(REPLY0005, "using a reply object again cancels its caller", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	struct thread *a = caller(e, ep, 'a');
	receive(ep, reply);
	caller(e, ep, 'b');
	receive(ep, reply);
	answer(reply);
	check_log(e, "b");
	answer(reply);
	check_log(e, "");
	/* The first is inactive; resumed, it calls again. */
	check_ok(e, seL4_TCB_Resume(a->tcb));
	receive(ep, reply);
	answer(reply);
	check_log(e, "a");
}

CASE(REPLY0006, "using a reply object again cancels its caller even when nobody sends", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	caller(e, ep, 'a');
	receive(ep, reply);
	receive(ep, reply);
	answer(reply);
	env_settle(e);
	check_log(e, "");
}

CASE(REPLY0007, "deleting the reply object of a waiting caller leaves that inactive", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e), other = env_reply(e);
	struct thread *a = caller(e, ep, 'a');
	receive(ep, reply);
	check_ok(e, seL4_CNode_Delete(AT(reply)));
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_TCB_Resume(a->tcb));
	receive(ep, other);
	answer(other);
	check_log(e, "a");
}

CASE(REPLY0008, "deleting a copy of the reply capability changes nothing", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e), copy = env_copy(e, reply);
	caller(e, ep, 'a');
	receive(ep, copy);
	check_ok(e, seL4_CNode_Delete(AT(copy)));
	answer(reply);
	check_log(e, "a");
}

CASE(REPLY0009, "an answer to a caller that was suspended does nothing", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	struct thread *a = caller(e, ep, 'a');
	receive(ep, reply);
	check_ok(e, seL4_TCB_Suspend(a->tcb));
	answer(reply);
	check_log(e, "");
	check_ok(e, seL4_TCB_Resume(a->tcb));
	receive(ep, reply);
	answer(reply);
	check_log(e, "a");
}

CASE(REPLY0010, "an answer to a caller that was deleted does nothing", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	struct thread *a = caller(e, ep, 'a');
	receive(ep, reply);
	check_ok(e, seL4_CNode_Delete(AT(a->tcb)));
	answer(reply);
	env_settle(e);
	check_log(e, "");
}

static void recv_and_note(struct env *e, seL4_Word letter)
{
	seL4_Word badge;
	seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	note(e, (char)letter);
}

CASE(REPLY0011, "a receiver's reply object that another receives with cancels the first", 0)
{
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	struct thread *a = env_thread(e, HIGH);
	env_start(e, a, recv_and_note, 'a');
	env_start(e, env_thread(e, HIGH), recv_and_note, 'b');
	seL4_NBSend(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_NBSend(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "b");
	check_ok(e, seL4_TCB_Resume(a->tcb));
	seL4_NBSend(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "a");
}

CASE(REPLY0012, "a receiver whose reply object is deleted becomes inactive", 0)
{
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, recv_and_note, 'a');
	check_ok(e, seL4_CNode_Delete(AT(e->shared[REPLY])));
	seL4_NBSend(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0));
	env_settle(e);
	check_log(e, "");
	/* Resumed, it receives again. */
	check_ok(e, env_retype(e->untyped, seL4_ReplyObject, 0, e->shared[REPLY], 1));
	check_ok(e, seL4_TCB_Resume(t->tcb));
	seL4_NBSend(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "a");
}

CASE(REPLY0013, "receiving with what is no reply object is a fault at that address", 0)
{
	seL4_CPtr handler = env_endpoint(e), reply = env_reply(e);
	struct thread *t = env_thread(e, HIGH);
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_notification(e);
	env_fault_handler(e, t, handler);
	env_start(e, t, recv_and_note, 'a');
	seL4_Word badge;
	seL4_MessageInfo_t info = seL4_NBRecv(handler, &badge, reply);
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_Fault_CapFault);
	check_equal(e, seL4_GetMR(seL4_CapFault_Addr), e->shared[REPLY]);
	check_equal(e, seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
	/* Repaired and answered, it receives. */
	e->shared[OUT] = e->shared[REPLY];
	check_ok(e, seL4_CNode_Delete(AT(e->shared[REPLY])));
	check_ok(e, env_retype(e->untyped, seL4_ReplyObject, 0, e->shared[REPLY], 1));
	answer(reply);
	seL4_NBSend(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "a");
}

CASE(REPLY0014, "a reply object is not looked at when a notification is received", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e);
	seL4_Word badge = 0;
	seL4_Signal(env_mint(e, ntfn, 3));
	seL4_Recv(ntfn, &badge, seL4_CapNull);
	check_equal(e, badge, 3);
}

/* Calls onwards before it answers. */
static void middle(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	note(e, 'm');
	seL4_Call(e->shared[EP2], seL4_MessageInfo_new(0, 0, 0, 0));
	note(e, 'n');
	answer(e->shared[REPLY]);
	note(e, 'o');
}

static void last(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	seL4_Recv(e->shared[EP2], &badge, e->shared[REPLY2]);
	note(e, 'l');
	answer(e->shared[REPLY2]);
	note(e, 'k');
}

CASE(REPLY0015, "a chain of calls goes there and back", 0)
{
	e->shared[EP] = env_endpoint(e);
	e->shared[EP2] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	e->shared[REPLY2] = env_reply(e);
	env_start(e, env_thread(e, HIGH + 1), middle, 0);
	env_start(e, env_thread(e, HIGH + 2), last, 0);
	caller(e, e->shared[EP], 'a');
	check_log(e, "mlknoa");
}

CASE(REPLY0016, "an answer of 120 words arrives whole", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	struct thread *t = caller(e, ep, 'a');
	receive(ep, reply);
	for (int i = 0; i < seL4_MsgMaxLength; i++)
		seL4_SetMR(i, (seL4_Word)i + 1000);
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, seL4_MsgMaxLength));
	check_log(e, "a");
	check_equal(e, skerry_load(t->buffer + 8, 8), 1000 + 0);
	check_equal(e, skerry_load(t->buffer + 8 * seL4_MsgMaxLength, 8), 1000 + seL4_MsgMaxLength - 1);
}

CASE(REPLY0017, "an answer's label and length arrive", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	caller(e, ep, 'a');
	receive(ep, reply);
	seL4_Send(reply, seL4_MessageInfo_new(77, 0, 0, 2));
	check_log(e, "!");
}

CASE(REPLY0018, "an answer switches to a caller of higher priority there and then", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	caller(e, ep, 'h');
	receive(ep, reply);
	answer(reply);
	note(e, 'd');
	check_log(e, "hd");
}

static void reply_recv(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	for (;;) {
		note(e, 's');
		seL4_ReplyRecv(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0), &badge, e->shared[REPLY]);
	}
}

CASE(REPLY0019, "ReplyRecv answers and receives the next in one call", 0)
{
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	caller(e, e->shared[EP], 'a');
	caller(e, e->shared[EP], 'b');
	env_start(e, env_thread(e, HIGH + 1), reply_recv, 0);
	/* The server goes on each time; a thread made ready so comes to the head of its queue. */
	env_settle(e);
	check_log(e, "ssba");
}

CASE(REPLY0020, "revoking the untyped of a reply object in use leaves its caller inactive", 0)
{
	seL4_CPtr ep = env_endpoint(e), untyped = env_untyped(e, 6), reply = env_slot(e);
	check_ok(e, env_retype(untyped, seL4_ReplyObject, 0, reply, 1));
	struct thread *a = caller(e, ep, 'a');
	receive(ep, reply);
	check_ok(e, seL4_CNode_Revoke(AT(untyped)));
	check_ok(e, env_retype(untyped, seL4_ReplyObject, 0, reply, 1));
	answer(reply);
	check_log(e, "");
	check_ok(e, seL4_TCB_Resume(a->tcb));
	receive(ep, reply);
	answer(reply);
	check_log(e, "a");
}

CASE(REPLY0021, "a caller that has lost its context is answered, and goes on when it has one again", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	struct thread *a = caller(e, ep, 'a');
	receive(ep, reply);
	check_ok(e, seL4_SchedContext_Unbind(a->sc));
	answer(reply);
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_SchedContext_Bind(a->sc, a->tcb));
	check_log(e, "a");
}
