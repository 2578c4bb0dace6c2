/* tests/sel4/endpoint.c - sending and receiving: messages, queues, rights, and what happens when they are cancelled. */
#include "tests/sel4/harness.h"

/* e->shared */
enum { EP, REPLY, NTFN, GOT_BADGE, GOT_INFO, GOT_MR0, GOT_MR1, GOT_MR2, GOT_MR3, OUT };

static void take_results(struct env *e, seL4_MessageInfo_t info, seL4_Word badge)
{
	e->shared[GOT_INFO] = info.words[0];
	e->shared[GOT_BADGE] = badge;
	for (int i = 0; i < 4; i++)
		e->shared[GOT_MR0 + i] = seL4_GetMR(i);
}

/* ---- bodies of helpers ---- */

static void receive_once(struct env *e, seL4_Word ep)
{
	seL4_Word badge = 0;
	seL4_MessageInfo_t info = seL4_Recv(ep, &badge, e->shared[REPLY]);
	take_results(e, info, badge);
	note(e, 'r');
}

static void wait_once(struct env *e, seL4_Word ep)
{
	seL4_Word badge = 0;
	seL4_MessageInfo_t info = seL4_Wait(ep, &badge);
	take_results(e, info, badge);
	note(e, 'r');
}

static void send_once(struct env *e, seL4_Word ep)
{
	for (int i = 0; i < 4; i++)
		seL4_SetMR(i, (seL4_Word)(11 + i));
	seL4_Send(ep, seL4_MessageInfo_new(0xabcde, 0, 0, 4));
	note(e, 's');
}

static void call_once(struct env *e, seL4_Word ep)
{
	seL4_SetMR(0, 21);
	seL4_MessageInfo_t info = seL4_Call(ep, seL4_MessageInfo_new(6, 0, 0, 1));
	e->shared[OUT] = seL4_GetMR(0);
	e->shared[GOT_INFO] = info.words[0];
	note(e, 'c');
}

static void send_nothing(struct env *e, seL4_Word ep)
{
	(void)e;
	seL4_Send(ep, seL4_MessageInfo_new(0, 0, 0, 0));
}

/* Its letter is its badge. */
static struct thread *letter_sender(struct env *e, unsigned priority, seL4_CPtr ep, char letter)
{
	struct thread *t = env_thread(e, priority);
	env_start(e, t, send_nothing, env_mint(e, ep, (seL4_Word)letter));
	return t;
}

/* The driver takes one message, if there is one, and notes its letter. */
static void note_letter(struct env *e, seL4_CPtr ep)
{
	seL4_Word badge;
	seL4_NBWait(ep, &badge);
	note(e, badge ? (char)badge : '-');
}

/* Notes its argument's low byte when a message came by the endpoint in the rest. */
static void receive_letter(struct env *e, seL4_Word argument)
{
	seL4_Word badge;
	seL4_Wait(argument >> 8, &badge);
	note(e, (char)argument);
}

static struct thread *letter_receiver(struct env *e, unsigned priority, seL4_CPtr ep, char letter)
{
	struct thread *t = env_thread(e, priority);
	env_start(e, t, receive_letter, ep << 8 | (seL4_Word)letter);
	return t;
}

/* ---- messages ---- */

CASE(ENDPOINT0001, "a send to a waiting receiver brings label, length, registers and badge", 0)
{
	seL4_CPtr ep = env_endpoint(e), badged = env_mint(e, ep, 0xbadbeef);
	e->shared[REPLY] = env_reply(e);
	env_start(e, env_thread(e, HIGH), receive_once, ep);
	env_start(e, env_thread(e, HIGH), send_once, badged);
	check_log(e, "sr");
	seL4_MessageInfo_t info = {{e->shared[GOT_INFO]}};
	check_equal(e, e->shared[GOT_BADGE], 0xbadbeef);
	check_equal(e, seL4_MessageInfo_get_label(info), 0xabcde);
	check_equal(e, seL4_MessageInfo_get_length(info), 4);
	check_equal(e, seL4_MessageInfo_get_extraCaps(info), 0);
	check_equal(e, seL4_MessageInfo_get_capsUnwrapped(info), 0);
	for (seL4_Word i = 0; i < 4; i++)
		check_equal(e, e->shared[GOT_MR0 + i], 11 + i);
}

CASE(ENDPOINT0002, "a receive from a waiting sender brings the same", 0)
{
	seL4_CPtr ep = env_endpoint(e), badged = env_mint(e, ep, 77);
	e->shared[REPLY] = env_reply(e);
	env_start(e, env_thread(e, HIGH), send_once, badged);
	check_log(e, "");
	env_start(e, env_thread(e, HIGH), receive_once, ep);
	check_log(e, "rs");
	check_equal(e, e->shared[GOT_BADGE], 77);
	check_equal(e, e->shared[GOT_INFO], seL4_MessageInfo_new(0xabcde, 0, 0, 4).words[0]);
	check_equal(e, e->shared[GOT_MR3], 14);
}

static void send_long(struct env *e, seL4_Word ep)
{
	for (int i = 0; i < seL4_MsgMaxLength; i++)
		seL4_SetMR(i, (seL4_Word)i * 3 + 1);
	seL4_Send(ep, seL4_MessageInfo_new(1, 0, 0, e->shared[OUT]));
}

/* What its buffer holds already. */
static void send_seven(struct env *e, seL4_Word ep)
{
	(void)e;
	seL4_Send(ep, seL4_MessageInfo_new(1, 0, 0, 7));
}

static void receive_long(struct env *e, seL4_Word ep)
{
	seL4_Word badge;
	for (int i = 0; i < seL4_MsgMaxLength; i++)
		seL4_SetMR(i, 9999);
	e->shared[GOT_INFO] = seL4_Wait(ep, &badge).words[0];
	for (unsigned i = 0; i < seL4_MsgMaxLength; i++)
		check_equal(e, seL4_GetMR((int)i), i < e->shared[EP] ? i * 3 + 1 : 9999);
	note(e, 'r');
}

CASE(ENDPOINT0003, "a message of 120 words arrives whole", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	e->shared[EP] = e->shared[OUT] = seL4_MsgMaxLength;
	env_start(e, env_thread(e, HIGH), receive_long, ep);
	env_start(e, env_thread(e, HIGH), send_long, ep);
	check_log(e, "r");
	check_equal(e, e->shared[GOT_INFO], seL4_MessageInfo_new(1, 0, 0, seL4_MsgMaxLength).words[0]);
}

CASE(ENDPOINT0004, "only as many words as the length says are copied", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	e->shared[EP] = e->shared[OUT] = 7;
	env_start(e, env_thread(e, HIGH), receive_long, ep);
	env_start(e, env_thread(e, HIGH), send_long, ep);
	check_log(e, "r");
}

CASE(ENDPOINT0005, "a length above 120 is 120", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	e->shared[EP] = seL4_MsgMaxLength;
	e->shared[OUT] = 127;
	env_start(e, env_thread(e, HIGH), receive_long, ep);
	env_start(e, env_thread(e, HIGH), send_long, ep);
	check_log(e, "r");
	seL4_MessageInfo_t info = {{e->shared[GOT_INFO]}};
	check_equal(e, seL4_MessageInfo_get_length(info), seL4_MsgMaxLength);
}

static void receive_four(struct env *e, seL4_Word ep)
{
	seL4_Word badge, mr[4] = {0};
	e->shared[GOT_INFO] = seL4_WaitWithMRs(ep, &badge, &mr[0], &mr[1], &mr[2], &mr[3]).words[0];
	for (int i = 0; i < 4; i++)
		e->shared[GOT_MR0 + i] = mr[i];
	note(e, 'r');
}

CASE(ENDPOINT0006, "a receiver without an IPC buffer gets four words", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	struct thread *t = env_thread(e, HIGH);
	check_ok(e, seL4_TCB_SetIPCBuffer(t->tcb, 0, seL4_CapNull));
	env_start(e, t, receive_four, ep);
	e->shared[OUT] = 50;
	env_start(e, env_thread(e, HIGH), send_long, ep);
	check_log(e, "r");
	check_equal(e, e->shared[GOT_INFO], seL4_MessageInfo_new(1, 0, 0, 4).words[0]);
	check_equal(e, e->shared[GOT_MR0], 1);
	check_equal(e, e->shared[GOT_MR3], 10);
}

static void send_fifty(struct env *e, seL4_Word ep)
{
	seL4_Word mr[4] = {1, 2, 3, 4};
	seL4_SendWithMRs(ep, seL4_MessageInfo_new(5, 0, 0, 50), &mr[0], &mr[1], &mr[2], &mr[3]);
	(void)e;
}

CASE(ENDPOINT0007, "a sender without an IPC buffer sends four words", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	struct thread *t = env_thread(e, HIGH);
	check_ok(e, seL4_TCB_SetIPCBuffer(t->tcb, 0, seL4_CapNull));
	env_start(e, env_thread(e, HIGH), wait_once, ep);
	env_start(e, t, send_fifty, ep);
	check_log(e, "r");
	check_equal(e, e->shared[GOT_INFO], seL4_MessageInfo_new(5, 0, 0, 4).words[0]);
	check_equal(e, e->shared[GOT_MR3], 4);
}

CASE(ENDPOINT0008, "calls with registers do not touch the buffer", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	seL4_Word badge, mr[4] = {0};
	env_start(e, env_thread(e, HIGH), send_once, ep);
	for (int i = 0; i < 4; i++)
		seL4_SetMR(i, (seL4_Word)(500 + i));
	seL4_MessageInfo_t info = seL4_WaitWithMRs(ep, &badge, &mr[0], &mr[1], &mr[2], &mr[3]);
	check_equal(e, info.words[0], seL4_MessageInfo_new(0xabcde, 0, 0, 4).words[0]);
	for (seL4_Word i = 0; i < 4; i++) {
		check_equal(e, mr[i], 11 + i);
		check_equal(e, seL4_GetMR((int)i), 500 + i);
	}
}

/* ---- call and reply ---- */

CASE(ENDPOINT0009, "call and reply", 0)
{
	seL4_CPtr ep = env_endpoint(e), badged = env_mint(e, ep, 3), reply = env_reply(e);
	env_start(e, env_thread(e, HIGH), call_once, badged);
	seL4_Word badge = 0;
	seL4_MessageInfo_t info = seL4_Recv(ep, &badge, reply);
	check_equal(e, badge, 3);
	check_equal(e, info.words[0], seL4_MessageInfo_new(6, 0, 0, 1).words[0]);
	check_equal(e, seL4_GetMR(0), 21);
	check_log(e, "");
	seL4_SetMR(0, 22);
	seL4_Send(reply, seL4_MessageInfo_new(9, 0, 0, 1));
	check_log(e, "c");
	check_equal(e, e->shared[OUT], 22);
	check_equal(e, e->shared[GOT_INFO], seL4_MessageInfo_new(9, 0, 0, 1).words[0]);
}

static void serve(struct env *e, seL4_Word ep)
{
	seL4_Word badge;
	seL4_Recv(ep, &badge, e->shared[REPLY]);
	for (;;) {
		note(e, (char)badge);
		seL4_SetMR(0, badge + 1);
		seL4_ReplyRecv(ep, seL4_MessageInfo_new(0, 0, 0, 1), &badge, e->shared[REPLY]);
	}
}

CASE(ENDPOINT0010, "a server answers its clients in turn", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	env_start(e, env_thread(e, HIGH), serve, ep);
	for (seL4_Word letter = 'a'; letter < 'e'; letter++) {
		seL4_CPtr client = env_mint(e, ep, letter);
		seL4_MessageInfo_t info = seL4_Call(client, seL4_MessageInfo_new(0, 0, 0, 0));
		check_equal(e, seL4_MessageInfo_get_length(info), 1);
		check_equal(e, seL4_GetMR(0), letter + 1);
	}
	check_log(e, "abcd");
}

CASE(ENDPOINT0011, "a call without grant and grant-reply is delivered, and its caller becomes inactive", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	seL4_CPtr less = env_rights(e, ep, seL4_CapRights_new(0, 0, 0, 1));
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, call_once, less);
	seL4_Word badge = 9;
	seL4_Recv(ep, &badge, reply);
	check_equal(e, seL4_GetMR(0), 21);
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "");
	/* Inactive: resuming it does the call again. */
	check_ok(e, seL4_TCB_Resume(t->tcb));
	check_log(e, "");
	seL4_SetMR(0, 0);
	seL4_NBRecv(ep, &badge, reply);
	check_equal(e, seL4_GetMR(0), 21);
}

CASE(ENDPOINT0012, "grant-reply alone suffices for a call", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	seL4_CPtr less = env_rights(e, ep, seL4_CapRights_new(1, 0, 0, 1));
	env_start(e, env_thread(e, HIGH), call_once, less);
	seL4_Word badge;
	seL4_Recv(ep, &badge, reply);
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "c");
}

CASE(ENDPOINT0013, "a call to a receiver without a reply object leaves the caller inactive", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	env_start(e, env_thread(e, HIGH), wait_once, ep);
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, call_once, ep);
	env_settle(e);
	check_log(e, "r");
	check_equal(e, e->shared[GOT_MR0], 21);
	check(e, !thread_has_ended(t));
}

CASE(ENDPOINT0014, "a call on an empty slot answers InvalidCapability, without a fault", CASE_ONCE)
{
	seL4_MessageInfo_t info = seL4_Call(env_slot(e), seL4_MessageInfo_new(3, 0, 0, 0));
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_InvalidCapability);
	check_equal(e, seL4_MessageInfo_get_length(info), 1);
	check_equal(e, seL4_GetMR(0), 0);
	info = seL4_Call(seL4_CapNull, seL4_MessageInfo_new(3, 0, 0, 0));
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_InvalidCapability);
}

CASE(ENDPOINT0015, "a call without the write right answers InvalidCapability; a send does nothing", CASE_ONCE)
{
	seL4_CPtr ep = env_endpoint(e), read = env_rights(e, ep, seL4_CapRights_new(1, 1, 1, 0));
	seL4_MessageInfo_t info = seL4_Call(read, seL4_MessageInfo_new(3, 0, 0, 0));
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_InvalidCapability);
	check_equal(e, seL4_GetMR(0), 0);
	seL4_Send(read, seL4_MessageInfo_new(3, 0, 0, 0));
	seL4_NBSend(read, seL4_MessageInfo_new(3, 0, 0, 0));
}

/* ---- without blocking ---- */

CASE(ENDPOINT0016, "a send without blocking is dropped when nobody waits", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	seL4_Word badge = 5;
	seL4_NBSend(ep, seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_NBWait(ep, &badge);
	check_equal(e, badge, 0);
	env_start(e, env_thread(e, HIGH), wait_once, ep);
	seL4_SetMR(0, 8);
	seL4_NBSend(ep, seL4_MessageInfo_new(2, 0, 0, 1));
	check_log(e, "r");
	check_equal(e, e->shared[GOT_MR0], 8);
}

CASE(ENDPOINT0017, "a receive without blocking that finds nobody sets the badge to 0", CASE_ONCE)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e);
	seL4_Word badge = 5;
	seL4_NBRecv(ep, &badge, reply);
	check_equal(e, badge, 0);
	badge = 5;
	seL4_NBWait(ep, &badge);
	check_equal(e, badge, 0);
}

CASE(ENDPOINT0018, "a receive without blocking takes a waiting sender's message, and its call", 0)
{
	seL4_CPtr ep = env_endpoint(e), badged = env_mint(e, ep, 4), reply = env_reply(e);
	env_start(e, env_thread(e, HIGH), call_once, badged);
	seL4_Word badge = 0;
	seL4_NBRecv(ep, &badge, reply);
	check_equal(e, badge, 4);
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "c");
}

CASE(ENDPOINT0019, "NBSendRecv sends, if somebody waits, and receives", 0)
{
	seL4_CPtr to = env_endpoint(e), from = env_endpoint(e), reply = env_reply(e);
	env_start(e, env_thread(e, HIGH), wait_once, to);
	env_start(e, env_thread(e, HIGH), send_once, env_mint(e, from, 6));
	seL4_Word badge = 0;
	seL4_SetMR(0, 31);
	seL4_MessageInfo_t info = seL4_NBSendRecv(to, seL4_MessageInfo_new(0, 0, 0, 1), from, &badge, reply);
	check_equal(e, badge, 6);
	check_equal(e, seL4_MessageInfo_get_label(info), 0xabcde);
	check_equal(e, seL4_GetMR(0), 11);
	env_settle(e);
	check_equal(e, e->shared[GOT_MR0], 31);
	/* Nobody waits: the message is lost, the receive happens. */
	env_start(e, env_thread(e, HIGH), send_once, env_mint(e, from, 7));
	seL4_NBSendRecv(to, seL4_MessageInfo_new(0, 0, 0, 1), from, &badge, reply);
	check_equal(e, badge, 7);
	seL4_NBWait(to, &badge);
	check_equal(e, badge, 0);
}

CASE(ENDPOINT0020, "NBSendWait does so without a reply object, also for notifications", 0)
{
	seL4_CPtr to = env_endpoint(e), ntfn = env_notification(e);
	env_start(e, env_thread(e, HIGH), wait_once, to);
	seL4_Signal(env_mint(e, ntfn, 12));
	seL4_Word badge = 0;
	seL4_SetMR(0, 41);
	seL4_NBSendWait(to, seL4_MessageInfo_new(0, 0, 0, 1), ntfn, &badge);
	check_equal(e, badge, 12);
	env_settle(e);
	check_equal(e, e->shared[GOT_MR0], 41);
}

CASE(ENDPOINT0021, "the first half of NBSendWait may signal", 0)
{
	seL4_CPtr ntfn = env_notification(e), badged = env_mint(e, ntfn, 2);
	seL4_Word badge = 0;
	seL4_NBSendWait(badged, seL4_MessageInfo_new(0, 0, 0, 0), ntfn, &badge);
	check_equal(e, badge, 2);
}

CASE(ENDPOINT0022, "the first half of NBSendWait cannot invoke kernel objects", 0)
{
	seL4_CPtr cnode = env_cnode(e, 4), ntfn = env_notification(e);
	struct thread *t = env_thread(e, LOW);
	check_ok(e, seL4_CNode_Copy(cnode, 1, 4, AT(ntfn), seL4_AllRights));
	seL4_Signal(ntfn);
	seL4_Word badge;
	env_set_registers(e, t, send_once, ntfn, 0);
	seL4_NBSendWait(t->tcb, seL4_MessageInfo_new(TCBResume, 0, 0, 0), ntfn, &badge);
	env_settle(e);
	check_log(e, "");
	seL4_Signal(ntfn);
	seL4_SetMR(0, 1);
	seL4_SetMR(1, 4);
	seL4_NBSendWait(cnode, seL4_MessageInfo_new(CNodeDelete, 0, 0, 2), ntfn, &badge);
	check_error(e, seL4_CNode_Copy(cnode, 1, 4, AT(ntfn), seL4_AllRights), seL4_DeleteFirst);
}

/* ---- queues ---- */

CASE(ENDPOINT0023, "senders of one priority are served in the order of their coming", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	for (char letter = 'a'; letter < 'e'; letter++)
		letter_sender(e, HIGH, ep, letter);
	for (unsigned i = 0; i < 5; i++)
		note_letter(e, ep);
	check_log(e, "abcd-");
}

CASE(ENDPOINT0024, "senders are served by priority", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	letter_sender(e, HIGH, ep, 'a');
	letter_sender(e, HIGH + 2, ep, 'b');
	letter_sender(e, HIGH + 1, ep, 'c');
	letter_sender(e, HIGH + 2, ep, 'd');
	letter_sender(e, HIGH, ep, 'e');
	for (unsigned i = 0; i < 5; i++)
		note_letter(e, ep);
	check_log(e, "bdcae");
}

CASE(ENDPOINT0025, "a waiting sender whose priority changes finds its new place, behind its equals", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	struct thread *a = letter_sender(e, HIGH, ep, 'a');
	letter_sender(e, HIGH + 1, ep, 'b');
	letter_sender(e, HIGH + 2, ep, 'c');
	struct thread *d = letter_sender(e, HIGH + 3, ep, 'd');
	check_ok(e, seL4_TCB_SetPriority(a->tcb, seL4_CapInitThreadTCB, HIGH + 2));
	check_ok(e, seL4_TCB_SetPriority(d->tcb, seL4_CapInitThreadTCB, HIGH));
	for (unsigned i = 0; i < 4; i++)
		note_letter(e, ep);
	check_log(e, "cabd");
}

CASE(ENDPOINT0026, "receivers wait by priority and coming, too", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	letter_receiver(e, HIGH, ep, 'a');
	letter_receiver(e, HIGH + 1, ep, 'b');
	letter_receiver(e, HIGH + 1, ep, 'c');
	letter_receiver(e, HIGH, ep, 'd');
	for (unsigned i = 0; i < 4; i++)
		seL4_Send(ep, seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "bcad");
}

CASE(ENDPOINT0027, "a suspended thread leaves the queue and sends again when it is resumed", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	struct thread *a = letter_sender(e, HIGH, ep, 'a');
	letter_sender(e, HIGH, ep, 'b');
	check_ok(e, seL4_TCB_Suspend(a->tcb));
	check_ok(e, seL4_TCB_Resume(a->tcb));
	note_letter(e, ep);
	note_letter(e, ep);
	note_letter(e, ep);
	check_log(e, "ba-");
}

CASE(ENDPOINT0028, "a deleted thread leaves the queue", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	struct thread *a = letter_sender(e, HIGH, ep, 'a'), *b = letter_sender(e, HIGH, ep, 'b');
	letter_sender(e, HIGH, ep, 'c');
	check_ok(e, seL4_CNode_Delete(AT(b->tcb)));
	check_ok(e, seL4_CNode_Delete(AT(a->tcb)));
	note_letter(e, ep);
	note_letter(e, ep);
	check_log(e, "c-");
}

/* ---- switching ---- */

CASE(ENDPOINT0029, "a message to a thread of higher priority switches there and then", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	letter_receiver(e, HIGH, ep, 'h');
	seL4_Send(ep, seL4_MessageInfo_new(0, 0, 0, 0));
	note(e, 'd');
	check_log(e, "hd");
}

CASE(ENDPOINT0030, "a message to a thread of lower or equal priority does not", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	letter_receiver(e, LOW, ep, 'l');
	letter_receiver(e, DRIVER_PRIORITY, ep, 'e');
	env_settle(e);
	seL4_Send(ep, seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_Send(ep, seL4_MessageInfo_new(0, 0, 0, 0));
	note(e, 'd');
	env_settle(e);
	check_log(e, "del");
}

/* ---- cancelling ---- */

CASE(ENDPOINT0031, "deleting the last capability restarts senders, who then find nothing", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	env_start(e, env_thread(e, HIGH), send_once, ep);
	env_start(e, env_thread(e, HIGH), send_once, ep);
	check_log(e, "");
	check_ok(e, seL4_CNode_Delete(AT(ep)));
	check_log(e, "ss");
}

CASE(ENDPOINT0032, "deleting a capability that is not the last leaves waiters alone", 0)
{
	seL4_CPtr ep = env_endpoint(e), copy = env_copy(e, ep);
	env_start(e, env_thread(e, HIGH), send_once, copy);
	check_ok(e, seL4_CNode_Delete(AT(copy)));
	check_log(e, "");
	seL4_Word badge;
	seL4_NBWait(ep, &badge);
	check_log(e, "s");
}

CASE(ENDPOINT0033, "a caller whose endpoint is deleted calls again and is told InvalidCapability", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	env_start(e, env_thread(e, HIGH), call_once, ep);
	check_ok(e, seL4_CNode_Delete(AT(ep)));
	check_log(e, "c");
	seL4_MessageInfo_t info = {{e->shared[GOT_INFO]}};
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_InvalidCapability);
}

CASE(ENDPOINT0034, "cancelling badged sends restarts the senders of that badge alone", 0)
{
	seL4_CPtr ep = env_endpoint(e), a = env_mint(e, ep, 1), b = env_mint(e, ep, 2);
	seL4_CPtr a1 = env_copy(e, a), b1 = env_copy(e, b);
	env_start(e, env_thread(e, HIGH), send_once, a1);
	env_start(e, env_thread(e, HIGH), send_once, b1);
	env_start(e, env_thread(e, HIGH), send_once, a1);
	check_ok(e, seL4_CNode_Delete(AT(a1)));
	check_ok(e, seL4_CNode_Delete(AT(b1)));
	check_log(e, "");
	check_ok(e, seL4_CNode_CancelBadgedSends(AT(a)));
	check_log(e, "ss");
	seL4_Word badge = 0;
	seL4_NBWait(ep, &badge);
	check_equal(e, badge, 2);
	check_log(e, "s");
	seL4_NBWait(ep, &badge);
	check_equal(e, badge, 0);
}

CASE(ENDPOINT0035, "a cancelled sender that still has its capability sends again", 0)
{
	seL4_CPtr ep = env_endpoint(e), a = env_mint(e, ep, 1);
	env_start(e, env_thread(e, HIGH), send_once, a);
	check_ok(e, seL4_CNode_CancelBadgedSends(AT(a)));
	check_log(e, "");
	seL4_Word badge = 0;
	seL4_NBWait(ep, &badge);
	check_equal(e, badge, 1);
	check_log(e, "s");
}

CASE(ENDPOINT0036, "cancelling with the badge 0 does nothing", 0)
{
	seL4_CPtr ep = env_endpoint(e), copy = env_copy(e, ep);
	env_start(e, env_thread(e, HIGH), send_once, copy);
	check_ok(e, seL4_CNode_Delete(AT(copy)));
	check_ok(e, seL4_CNode_CancelBadgedSends(AT(ep)));
	check_log(e, "");
	seL4_Word badge;
	seL4_NBWait(ep, &badge);
	check_log(e, "s");
}

CASE(ENDPOINT0037, "cancelling badged sends leaves receivers alone", 0)
{
	seL4_CPtr ep = env_endpoint(e), a = env_mint(e, ep, 1);
	env_start(e, env_thread(e, HIGH), wait_once, ep);
	check_ok(e, seL4_CNode_CancelBadgedSends(AT(a)));
	check_log(e, "");
	seL4_NBSend(a, seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "r");
	check_equal(e, e->shared[GOT_BADGE], 1);
}

CASE(ENDPOINT0038, "revoking a badged capability's copies cancels nothing by itself", 0)
{
	seL4_CPtr ep = env_endpoint(e), a = env_mint(e, ep, 1), a1 = env_copy(e, a);
	env_start(e, env_thread(e, HIGH), send_once, a1);
	check_ok(e, seL4_CNode_Revoke(AT(a)));
	check(e, slot_is_empty(a1));
	check_log(e, "");
	seL4_Word badge = 0;
	seL4_NBWait(ep, &badge);
	check_equal(e, badge, 1);
	check_log(e, "s");
}

CASE(ENDPOINT0039, "a label keeps all of its 52 bits", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	env_start(e, env_thread(e, HIGH), wait_once, ep);
	seL4_Send(ep, seL4_MessageInfo_new(UINT64_C(0xfedcba9876543), 0, 0, 0));
	seL4_MessageInfo_t info = {{e->shared[GOT_INFO]}};
	check_equal(e, seL4_MessageInfo_get_label(info), UINT64_C(0xfedcba9876543));
}

CASE(ENDPOINT0040, "a sender and a receiver that change places keep the endpoint usable", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	for (unsigned i = 0; i < 3; i++) {
		struct thread *s = letter_sender(e, HIGH, ep, 'x');
		note_letter(e, ep);
		check(e, thread_has_ended(s));
		letter_receiver(e, HIGH, ep, 'y');
		seL4_Send(ep, seL4_MessageInfo_new(0, 0, 0, 0));
	}
	check_log(e, "xyxyxy");
}

CASE(ENDPOINT0041, "a buffer that may only be read sends long messages, and receives four words", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	struct thread *sender = env_thread(e, HIGH), *receiver = env_thread(e, HIGH);
	seL4_CPtr read = env_rights(e, receiver->frame, seL4_CanRead);
	check_ok(e, seL4_TCB_SetIPCBuffer(receiver->tcb, receiver->buffer, read));
	env_start(e, receiver, receive_four, ep);
	e->shared[OUT] = 50;
	env_start(e, env_thread(e, HIGH), send_long, ep);
	check_equal(e, e->shared[GOT_INFO], seL4_MessageInfo_new(1, 0, 0, 4).words[0]);
	check_log(e, "r");
	for (seL4_Word i = 0; i < 7; i++)
		skerry_store(sender->buffer + 8 + 8 * i, 8, i * 3 + 1);
	read = env_rights(e, sender->frame, seL4_CanRead);
	check_ok(e, seL4_TCB_SetIPCBuffer(sender->tcb, sender->buffer, read));
	e->shared[EP] = 7;
	env_start(e, env_thread(e, HIGH), receive_long, ep);
	env_start(e, sender, send_seven, ep);
	check_log(e, "r");
}

CASE(ENDPOINT0042, "what a sender says was unwrapped is not delivered", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	env_start(e, env_thread(e, HIGH), wait_once, ep);
	seL4_Send(ep, seL4_MessageInfo_new(3, 7, 0, 1));
	check_equal(e, e->shared[GOT_INFO], seL4_MessageInfo_new(3, 0, 0, 1).words[0]);
}

static void call_across(struct env *e, seL4_Word address)
{
	for (seL4_Word i = 0; i < 3; i++) {
		seL4_Call(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0));
		e->shared[OUT] = skerry_load(address, 8);
		note(e, e->shared[OUT] == 0x11 ? 'c' : '!');
	}
}

static void serve_across(struct env *e, seL4_Word address)
{
	seL4_Word badge;
	seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	for (;;) {
		note(e, skerry_load(address, 8) == 0x22 ? 's' : '!');
		seL4_ReplyRecv(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0), &badge, e->shared[REPLY]);
	}
}

CASE(ENDPOINT0043, "calls between address spaces switch them each time", 0)
{
	seL4_CPtr pml4 = env_object(e, seL4_X64_PML4Object, 0), frame = env_frame(e), other = env_frame(e);
	seL4_Word address = env_map(e, frame, seL4_ReadWrite),
		  here = env_map(e, env_copy(e, other), seL4_ReadWrite);
	skerry_store(address, 8, 0x11);
	skerry_store(here, 8, 0x22);
	check_ok(e, seL4_X86_ASIDPool_Assign(seL4_CapInitThreadASIDPool, pml4));
	check_ok(e, seL4_X86_PDPT_Map(env_object(e, seL4_X86_PDPTObject, 0), pml4, address, 0));
	check_ok(e, seL4_X86_PageDirectory_Map(env_object(e, seL4_X86_PageDirectoryObject, 0), pml4, address,
					       0));
	check_ok(e, seL4_X86_PageTable_Map(env_object(e, seL4_X86_PageTableObject, 0), pml4, address, 0));
	check_ok(e, seL4_X86_Page_Map(other, pml4, address, seL4_ReadWrite, 0));
	struct thread *server = env_thread(e, HIGH + 1);
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	check_ok(e, seL4_TCB_SetSpace(server->tcb, seL4_CapNull, ROOT, 0, pml4, 0));
	env_start(e, server, serve_across, address);
	env_start(e, env_thread(e, HIGH), call_across, address);
	check_log(e, "scscsc");
}

static void reply_recv_once(struct env *e, seL4_Word ep)
{
	seL4_Word badge = 0;
	seL4_ReplyRecv(ep, seL4_MessageInfo_new(0, 0, 0, 0), &badge, e->shared[REPLY]);
	note(e, (char)badge);
}

CASE(ENDPOINT0044, "a suspended ReplyRecv receives again when it is resumed", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	struct thread *t = env_thread(e, HIGH);
	e->shared[REPLY] = env_reply(e);
	env_start(e, t, reply_recv_once, ep);
	check_ok(e, seL4_TCB_Suspend(t->tcb));
	check_ok(e, seL4_TCB_Resume(t->tcb));
	check_log(e, "");
	seL4_NBSend(env_mint(e, ep, 'x'), seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "x");
}
