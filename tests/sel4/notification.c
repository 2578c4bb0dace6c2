/* tests/sel4/notification.c - signals, waiters, and threads that a notification is bound to. */
#include "tests/sel4/harness.h"

/* e->shared */
enum { EP, REPLY, NTFN, BADGE, INFO };

static void wait_once(struct env *e, seL4_Word ntfn)
{
	seL4_Word badge = 0;
	seL4_Wait(ntfn, &badge);
	e->shared[BADGE] = badge;
	note(e, 'w');
}

static void wait_and_note(struct env *e, seL4_Word argument)
{
	seL4_Word badge;
	seL4_Wait(argument >> 8, &badge);
	note(e, (char)argument);
}

static struct thread *waiter(struct env *e, unsigned priority, seL4_CPtr ntfn, char letter)
{
	struct thread *t = env_thread(e, priority);
	env_start(e, t, wait_and_note, ntfn << 8 | (seL4_Word)letter);
	return t;
}

CASE(NTFN0001, "a signal is kept until somebody waits", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e);
	seL4_Word badge = 0;
	seL4_Signal(env_mint(e, ntfn, 6));
	seL4_Wait(ntfn, &badge);
	check_equal(e, badge, 6);
	seL4_Poll(ntfn, &badge);
	check_equal(e, badge, 0);
}

CASE(NTFN0002, "badges of signals are combined by OR", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), a = env_mint(e, ntfn, 0x11), b = env_mint(e, ntfn, 0x30);
	seL4_Word badge = 0;
	seL4_Signal(a);
	seL4_Signal(b);
	seL4_Signal(a);
	seL4_Poll(ntfn, &badge);
	check_equal(e, badge, 0x31);
	seL4_Poll(ntfn, &badge);
	check_equal(e, badge, 0);
}

CASE(NTFN0003, "a signal without a badge wakes a waiter with the badge 0", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	e->shared[BADGE] = 99;
	env_start(e, env_thread(e, HIGH), wait_once, ntfn);
	check_log(e, "");
	seL4_Signal(ntfn);
	check_log(e, "w");
	check_equal(e, e->shared[BADGE], 0);
}

CASE(NTFN0004, "a signal wakes one waiter and is then used up", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	env_start(e, env_thread(e, HIGH), wait_once, ntfn);
	env_start(e, env_thread(e, HIGH), wait_once, ntfn);
	seL4_Signal(env_mint(e, ntfn, 4));
	check_log(e, "w");
	check_equal(e, e->shared[BADGE], 4);
	seL4_Word badge = 7;
	seL4_Poll(ntfn, &badge);
	check_equal(e, badge, 0);
	seL4_Signal(ntfn);
	check_log(e, "w");
}

CASE(NTFN0005, "waiters are woken by priority, and in the order of their coming", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	waiter(e, HIGH, ntfn, 'a');
	waiter(e, HIGH + 1, ntfn, 'b');
	waiter(e, HIGH, ntfn, 'c');
	waiter(e, HIGH + 1, ntfn, 'd');
	for (unsigned i = 0; i < 4; i++)
		seL4_Signal(ntfn);
	check_log(e, "bdac");
}

CASE(NTFN0006, "a waiter whose priority changes finds its new place", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	struct thread *a = waiter(e, HIGH, ntfn, 'a');
	waiter(e, HIGH + 1, ntfn, 'b');
	check_ok(e, seL4_TCB_SetPriority(a->tcb, seL4_CapInitThreadTCB, HIGH + 2));
	seL4_Signal(ntfn);
	seL4_Signal(ntfn);
	check_log(e, "ab");
}

CASE(NTFN0007, "a signal switches to a waiter of higher priority there and then, to no other", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	waiter(e, HIGH, ntfn, 'h');
	seL4_Signal(ntfn);
	note(e, 'd');
	waiter(e, LOW, ntfn, 'l');
	env_settle(e);
	seL4_Signal(ntfn);
	note(e, 'd');
	env_settle(e);
	check_log(e, "hddl");
}

CASE(NTFN0008, "a call to a notification signals it and is answered at once", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), badged = env_mint(e, ntfn, 2);
	seL4_MessageInfo_t info = seL4_Call(badged, seL4_MessageInfo_new(5, 0, 0, 1));
	check_equal(e, seL4_MessageInfo_get_label(info), 0);
	seL4_Word badge;
	seL4_Poll(ntfn, &badge);
	check_equal(e, badge, 2);
	seL4_CPtr read = env_rights(e, badged, seL4_CanRead);
	info = seL4_Call(read, seL4_MessageInfo_new(5, 0, 0, 1));
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_InvalidCapability);
	check_equal(e, seL4_GetMR(0), 0);
}

CASE(NTFN0009, "sends of all kinds signal", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), a = env_mint(e, ntfn, 1), b = env_mint(e, ntfn, 2);
	seL4_Word badge;
	seL4_Send(a, seL4_MessageInfo_new(0, 0, 0, 3));
	seL4_NBSend(b, seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_NBWait(ntfn, &badge);
	check_equal(e, badge, 3);
}

/* ---- bound ---- */

static void receive_once(struct env *e, seL4_Word ep)
{
	seL4_Word badge = 0;
	e->shared[INFO] = seL4_Recv(ep, &badge, e->shared[REPLY]).words[0];
	e->shared[BADGE] = badge;
	note(e, 'r');
}

struct bound {
	seL4_CPtr ep, ntfn, badged;
	struct thread *thread;
};

static struct bound bind(struct env *e, unsigned priority)
{
	struct bound b = {.ep = env_endpoint(e), .ntfn = env_notification(e)};
	b.badged = env_mint(e, b.ntfn, 0x80);
	b.thread = env_thread(e, priority);
	e->shared[REPLY] = env_reply(e);
	check_ok(e, seL4_TCB_BindNotification(b.thread->tcb, b.ntfn));
	return b;
}

CASE(NTFN0010, "a signal reaches a bound thread that receives on an endpoint", 0)
{
	struct bound b = bind(e, HIGH);
	env_start(e, b.thread, receive_once, b.ep);
	seL4_Signal(b.badged);
	check_log(e, "r");
	check_equal(e, e->shared[BADGE], 0x80);
}

CASE(NTFN0011, "several signals to a bound thread that does not wait arrive together", 0)
{
	struct bound b = bind(e, HIGH);
	seL4_Signal(b.badged);
	seL4_Signal(env_mint(e, b.ntfn, 3));
	env_start(e, b.thread, receive_once, b.ep);
	check_log(e, "r");
	check_equal(e, e->shared[BADGE], 0x83);
}

static void send_once(struct env *e, seL4_Word ep)
{
	seL4_Send(ep, seL4_MessageInfo_new(0, 0, 0, 0));
	note(e, 's');
}

CASE(NTFN0012, "a receiver takes its bound notification's word first, then the queue", 0)
{
	struct bound b = bind(e, HIGH);
	env_start(e, env_thread(e, HIGH), send_once, env_mint(e, b.ep, 1));
	seL4_Signal(b.badged);
	env_start(e, b.thread, receive_once, b.ep);
	check_equal(e, e->shared[BADGE], 0x80);
	check_log(e, "r");
	env_start(e, b.thread, receive_once, b.ep);
	check_equal(e, e->shared[BADGE], 1);
	check_log(e, "rs");
}

static void call_then_receive(struct env *e, seL4_Word other)
{
	seL4_Call(other, seL4_MessageInfo_new(0, 0, 0, 0));
	note(e, 'c');
	receive_once(e, e->shared[EP]);
}

CASE(NTFN0013, "a signal does not reach a bound thread that waits for an answer; it is pending", 0)
{
	struct bound b = bind(e, HIGH);
	seL4_CPtr other = env_endpoint(e), reply = env_reply(e);
	e->shared[EP] = b.ep;
	env_start(e, b.thread, call_then_receive, other);
	seL4_Word badge;
	seL4_NBRecv(other, &badge, reply);
	seL4_Signal(b.badged);
	check_log(e, "");
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "cr");
	check_equal(e, e->shared[BADGE], 0x80);
}

CASE(NTFN0014, "a bound thread may also wait on its notification itself", 0)
{
	struct bound b = bind(e, HIGH);
	env_start(e, b.thread, wait_once, b.ntfn);
	seL4_Signal(b.badged);
	check_log(e, "w");
	check_equal(e, e->shared[BADGE], 0x80);
}

CASE(NTFN0015, "waiting on a notification that is bound to another thread is a fault", 0)
{
	struct bound b = bind(e, HIGH);
	seL4_CPtr handler = env_endpoint(e), reply = env_reply(e);
	struct thread *t = env_thread(e, HIGH);
	env_fault_handler(e, t, handler);
	env_start(e, t, wait_once, b.ntfn);
	seL4_Word badge;
	seL4_MessageInfo_t info = seL4_NBRecv(handler, &badge, reply);
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_Fault_CapFault);
	check_equal(e, seL4_GetMR(seL4_CapFault_Addr), b.ntfn);
	check_equal(e, seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
	check_equal(e, seL4_GetMR(seL4_CapFault_LookupFailureType), seL4_MissingCapability);
}

CASE(NTFN0016, "a thread has one notification, and a notification one thread", 0)
{
	struct bound b = bind(e, HIGH);
	seL4_CPtr other = env_notification(e), tcb = env_tcb(e);
	check_error(e, seL4_TCB_BindNotification(b.thread->tcb, other), seL4_IllegalOperation);
	check_error(e, seL4_TCB_BindNotification(tcb, b.ntfn), seL4_IllegalOperation);
	check_error(e, seL4_TCB_BindNotification(tcb, b.badged), seL4_IllegalOperation);
	check_ok(e, seL4_TCB_BindNotification(tcb, other));
}

CASE(NTFN0017, "what is no notification, or cannot be read, cannot be bound", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e), ntfn = env_notification(e);
	check_error(e, seL4_TCB_BindNotification(tcb, env_endpoint(e)), seL4_IllegalOperation);
	check_error(e, seL4_TCB_BindNotification(tcb, env_slot(e)), seL4_IllegalOperation);
	check_error(e, seL4_TCB_BindNotification(tcb, env_rights(e, ntfn, seL4_CanWrite)),
		    seL4_IllegalOperation);
	check_ok(e, seL4_TCB_BindNotification(tcb, env_rights(e, ntfn, seL4_CanRead)));
}

CASE(NTFN0018, "a notification with waiters cannot be bound", 0)
{
	seL4_CPtr ntfn = env_notification(e), tcb = env_tcb(e);
	env_start(e, env_thread(e, HIGH), wait_once, ntfn);
	check_error(e, seL4_TCB_BindNotification(tcb, ntfn), seL4_IllegalOperation);
	seL4_Signal(ntfn);
	check_ok(e, seL4_TCB_BindNotification(tcb, ntfn));
}

CASE(NTFN0019, "unbinding needs a bound notification; then signals no longer reach the thread", 0)
{
	struct bound b = bind(e, HIGH);
	env_start(e, b.thread, receive_once, b.ep);
	check_ok(e, seL4_TCB_UnbindNotification(b.thread->tcb));
	check_error(e, seL4_TCB_UnbindNotification(b.thread->tcb), seL4_IllegalOperation);
	seL4_Signal(b.badged);
	check_log(e, "");
	seL4_Word badge;
	seL4_Poll(b.ntfn, &badge);
	check_equal(e, badge, 0x80);
}

CASE(NTFN0020, "deleting a bound thread sets its notification free", 0)
{
	struct bound b = bind(e, HIGH);
	seL4_CPtr tcb = env_tcb(e);
	check_ok(e, seL4_CNode_Delete(AT(b.thread->tcb)));
	check_ok(e, seL4_TCB_BindNotification(tcb, b.ntfn));
}

CASE(NTFN0021, "deleting a bound notification sets its thread free", 0)
{
	struct bound b = bind(e, HIGH);
	check_ok(e, seL4_CNode_Delete(AT(b.badged)));
	check_ok(e, seL4_CNode_Delete(AT(b.ntfn)));
	check_error(e, seL4_TCB_UnbindNotification(b.thread->tcb), seL4_IllegalOperation);
	check_ok(e, seL4_TCB_BindNotification(b.thread->tcb, env_notification(e)));
}

CASE(NTFN0022, "deleting a notification restarts its waiters, who then find nothing", 0)
{
	seL4_CPtr ntfn = env_notification(e), handler = env_endpoint(e), reply = env_reply(e);
	struct thread *t = env_thread(e, HIGH);
	env_fault_handler(e, t, handler);
	env_start(e, t, wait_once, ntfn);
	check_ok(e, seL4_CNode_Delete(AT(ntfn)));
	seL4_Word badge;
	seL4_MessageInfo_t info = seL4_NBRecv(handler, &badge, reply);
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_Fault_CapFault);
	check_equal(e, seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
	check_log(e, "");
}

CASE(NTFN0023, "a signal to a suspended waiter stays pending, and it takes it when it is resumed", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, wait_once, ntfn);
	check_ok(e, seL4_TCB_Suspend(t->tcb));
	seL4_Signal(env_mint(e, ntfn, 3));
	check_log(e, "");
	check_ok(e, seL4_TCB_Resume(t->tcb));
	check_log(e, "w");
	check_equal(e, e->shared[BADGE], 3);
}

CASE(NTFN0024, "a bound thread that receives without blocking takes the pending word", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), ep = env_endpoint(e), reply = env_reply(e);
	check_ok(e, seL4_TCB_BindNotification(seL4_CapInitThreadTCB, ntfn));
	seL4_Signal(env_mint(e, ntfn, 0x44));
	seL4_Word badge = 0;
	seL4_NBRecv(ep, &badge, reply);
	check_equal(e, badge, 0x44);
	seL4_NBRecv(ep, &badge, reply);
	check_equal(e, badge, 0);
	check_ok(e, seL4_TCB_UnbindNotification(seL4_CapInitThreadTCB));
}

CASE(NTFN0025, "a bound thread that a signal woke waits at its endpoint no more", 0)
{
	struct bound b = bind(e, HIGH);
	env_start(e, b.thread, receive_once, b.ep);
	seL4_Signal(b.badged);
	check_log(e, "r");
	seL4_NBSend(b.ep, seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "");
	seL4_Word badge = 9;
	seL4_NBWait(b.ep, &badge);
	check_equal(e, badge, 0);
}

CASE(NTFN0026, "a bound notification does not wake its thread from a send", 0)
{
	struct bound b = bind(e, HIGH);
	env_start(e, b.thread, send_once, b.ep);
	seL4_Signal(b.badged);
	check_log(e, "");
	seL4_Word badge = 0;
	seL4_Poll(env_rights(e, b.ep, seL4_AllRights), &badge);
	check_log(e, "s");
}
