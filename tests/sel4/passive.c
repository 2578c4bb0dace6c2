/* tests/sel4/passive.c - short calls to passive servers: what kernels have a fast path for, and each reason to leave it.
 *
 * The results must be the same on either path, so these cases go once through each condition that decides. */
#include "tests/sel4/harness.h"

/* e->shared */
enum { EP, REPLY, NTFN, GOT_BADGE, GOT_INFO, GOT_MR0, LENGTH = GOT_MR0 + 4, OUT };

static void take(struct env *e, seL4_MessageInfo_t info, seL4_Word badge)
{
	e->shared[GOT_BADGE] = badge;
	e->shared[GOT_INFO] = info.words[0];
	for (int i = 0; i < 4; i++)
		e->shared[GOT_MR0 + i] = seL4_GetMR(i);
	note(e, 's');
}

/* Answers each message with its words plus 100, and its label plus one. */
static void echo(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	seL4_MessageInfo_t info = seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	for (;;) {
		take(e, info, badge);
		seL4_Word length = seL4_MessageInfo_get_length(info);
		for (seL4_Word i = 0; i < length; i++)
			seL4_SetMR((int)i, seL4_GetMR((int)i) + 100);
		info = seL4_MessageInfo_new(seL4_MessageInfo_get_label(info) + 1, 0, 0, length);
		info = seL4_ReplyRecv(e->shared[EP], info, &badge, e->shared[REPLY]);
	}
}

static struct thread *server_new(struct env *e, unsigned priority)
{
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	struct thread *t = env_thread(e, priority);
	env_start(e, t, echo, 0);
	env_settle(e);
	check_ok(e, seL4_SchedContext_Unbind(t->sc));
	return t;
}

/* Calls with `length` words and checks both ways. */
static void check_call(struct env *e, seL4_CPtr ep, seL4_Word badge, unsigned length)
{
	for (unsigned i = 0; i < length; i++)
		seL4_SetMR((int)i, 1000 + i);
	seL4_MessageInfo_t info = seL4_Call(ep, seL4_MessageInfo_new(0x5000 + length, 0, 0, length));
	check_equal(e, e->shared[GOT_BADGE], badge);
	check_equal(e, e->shared[GOT_INFO], seL4_MessageInfo_new(0x5000 + length, 0, 0, length).words[0]);
	check_equal(e, info.words[0], seL4_MessageInfo_new(0x5001 + length, 0, 0, length).words[0]);
	for (unsigned i = 0; i < length; i++) {
		if (i < 4)
			check_equal(e, e->shared[GOT_MR0 + i], 1000 + i);
		check_equal(e, seL4_GetMR((int)i), 1100 + i);
	}
}

CASE(PASSIVE0001, "calls of every short length bring badge, label and words, and so do their answers", 0)
{
	server_new(e, HIGH);
	seL4_CPtr badged = env_mint(e, e->shared[EP], 0xfeedface12345678);
	for (unsigned length = 0; length <= 4; length++)
		check_call(e, badged, 0xfeedface12345678, length);
	check_log(e, "sssss");
}

CASE(PASSIVE0002, "longer ones bring all of their words", 0)
{
	server_new(e, HIGH);
	check_call(e, e->shared[EP], 0, 5);
	check_call(e, e->shared[EP], 0, 4);
	check_call(e, e->shared[EP], 0, seL4_MsgMaxLength);
}

CASE(PASSIVE0003, "a server of lower priority than its caller answers as well", 0)
{
	server_new(e, LOW);
	for (unsigned length = 0; length < 7; length++)
		check_call(e, e->shared[EP], 0, length);
}

static void note_letter(struct env *e, seL4_Word letter) { note(e, (char)letter); }

CASE(PASSIVE0004, "a ready thread between the priorities of caller and server runs first", 0)
{
	server_new(e, LOW);
	env_start(e, env_thread(e, LOW + 1), note_letter, 'm');
	check_call(e, e->shared[EP], 0, 2);
	check_log(e, "ms");
}

CASE(PASSIVE0005, "a ready thread of the server's priority runs after it", 0)
{
	server_new(e, LOW);
	env_start(e, env_thread(e, LOW), note_letter, 'm');
	check_call(e, e->shared[EP], 0, 2);
	env_settle(e);
	check_log(e, "sm");
}

static void call_and_note(struct env *e, seL4_Word letter)
{
	seL4_SetMR(0, letter);
	seL4_Call(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 1));
	note(e, seL4_GetMR(0) == letter + 100 ? (char)letter : '!');
}

CASE(PASSIVE0006, "a ready thread between the priorities of server and caller runs before the caller goes on",
     0)
{
	server_new(e, HIGH + 5);
	struct thread *low = env_thread(e, LOW);
	env_start(e, env_thread(e, LOW + 1), note_letter, 'm');
	env_start(e, low, call_and_note, 'c');
	env_settle(e);
	check_log(e, "msc");
}

CASE(PASSIVE0007, "callers that wait are served by priority when the server receives again", 0)
{
	struct thread *t = server_new(e, LOW);
	check_ok(e, seL4_TCB_Suspend(t->tcb));
	env_start(e, env_thread(e, HIGH), call_and_note, 'a');
	env_start(e, env_thread(e, HIGH + 1), call_and_note, 'b');
	env_start(e, env_thread(e, HIGH), call_and_note, 'c');
	check_ok(e, seL4_SchedContext_Bind(t->sc, t->tcb));
	check_ok(e, seL4_TCB_Resume(t->tcb));
	env_settle(e);
	check_log(e, "sbsasc");
}

CASE(PASSIVE0008, "a pending signal of the server's notification comes before its next message", 0)
{
	struct thread *t = server_new(e, HIGH);
	seL4_CPtr ntfn = env_notification(e);
	check_ok(e, seL4_TCB_BindNotification(t->tcb, ntfn));
	check_call(e, e->shared[EP], 0, 1);
	/* Without a context of its own it takes the signal, but cannot run until somebody gives it one. */
	seL4_Signal(env_mint(e, ntfn, 0x77));
	env_settle(e);
	check_log(e, "s");
	check_ok(e, seL4_SchedContext_Bind(t->sc, t->tcb));
	env_settle(e);
	check_log(e, "s");
	check_equal(e, e->shared[GOT_BADGE], 0x77);
	check_call(e, e->shared[EP], 0, 1);
}

CASE(PASSIVE0009,
     "a call without grant and grant-reply reaches a passive server, which runs without a caller", 0)
{
	struct thread *t = server_new(e, HIGH);
	seL4_CPtr less = env_rights(e, e->shared[EP], seL4_CapRights_new(0, 0, 1, 1));
	struct thread *caller = env_thread(e, HIGH);
	e->shared[OUT] = e->shared[EP];
	e->shared[EP] = less;
	env_start(e, caller, call_and_note, 'x');
	e->shared[EP] = e->shared[OUT];
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_SchedContext_Bind(t->sc, t->tcb));
	env_settle(e);
	check_log(e, "s");
	check(e, !thread_has_ended(caller));
	check_ok(e, seL4_SchedContext_UnbindObject(caller->sc, caller->tcb));
}

CASE(PASSIVE0010, "a call through several CNodes reaches the server", 0)
{
	server_new(e, HIGH + 1);
	seL4_CPtr outer = env_cnode(e, 4), inner = env_cnode(e, 4);
	struct thread *t = env_thread(e, HIGH);
	check_ok(e, seL4_CNode_Mint(inner, 7, 4, AT(e->shared[EP]), seL4_AllRights, 99));
	check_ok(e, seL4_CNode_Copy(inner, 1, 4, AT(t->tcb), seL4_AllRights));
	check_ok(e, seL4_CNode_Mint(outer, 2, 4, AT(inner), seL4_AllRights,
				    seL4_CNode_CapData_new(0, 56).words[0]));
	check_ok(e, seL4_TCB_SetSpace(t->tcb, seL4_CapNull, outer, 0, seL4_CapInitThreadVSpace, 0));
	t->self = UINT64_C(2) << 60 | 1;
	env_set_registers(e, t, call_and_note, 'c', 0);
	/* The server named EP before; only the caller looks it up now. */
	e->shared[OUT] = e->shared[EP];
	e->shared[EP] = UINT64_C(2) << 60 | 7;
	check_ok(e, seL4_TCB_Resume(t->tcb));
	check_equal(e, e->shared[GOT_BADGE], 99);
	check_equal(e, e->shared[GOT_MR0], 'c');
}

CASE(PASSIVE0011, "a server that is not at its endpoint is waited for", 0)
{
	struct thread *t = server_new(e, HIGH);
	check_ok(e, seL4_TCB_Suspend(t->tcb));
	env_start(e, env_thread(e, HIGH), call_and_note, 'c');
	check_log(e, "");
	check_ok(e, seL4_SchedContext_Bind(t->sc, t->tcb));
	check_ok(e, seL4_TCB_Resume(t->tcb));
	env_settle(e);
	check_log(e, "sc");
}

CASE(PASSIVE0012, "two passive servers at one endpoint share its calls", 0)
{
	server_new(e, HIGH);
	struct thread *second = env_thread(e, HIGH);
	e->shared[OUT] = e->shared[REPLY];
	e->shared[REPLY] = env_reply(e);
	env_start(e, second, echo, 0);
	check_ok(e, seL4_SchedContext_Unbind(second->sc));
	/* Each reads its reply object's name anew for every answer: give each call the right one. */
	seL4_CPtr other = e->shared[REPLY];
	for (unsigned i = 0; i < 4; i++) {
		e->shared[REPLY] = i % 2 ? other : e->shared[OUT];
		check_call(e, e->shared[EP], 0, i);
	}
	check_log(e, "ssss");
}

static void call_for_cap(struct env *e, seL4_Word slot)
{
	seL4_SetCapReceivePath(AT(slot));
	seL4_SetCap(0, e->shared[NTFN]);
	seL4_Call(e->shared[EP], seL4_MessageInfo_new(0, 0, 1, 1));
	note(e, 'c');
}

CASE(PASSIVE0013, "a short call with a capability delivers it", 0)
{
	server_new(e, HIGH + 1);
	seL4_CPtr slot = env_slot(e);
	e->shared[NTFN] = env_mint(e, e->shared[EP], 0x1234);
	env_start(e, env_thread(e, HIGH), call_for_cap, slot);
	check_log(e, "sc");
	check_equal(e, e->shared[GOT_INFO], seL4_MessageInfo_new(0, 1, 1, 1).words[0]);
}

CASE(PASSIVE0014, "an answer switches back to a caller of higher priority, and past one of lower", 0)
{
	server_new(e, HIGH);
	env_start(e, env_thread(e, HIGH + 1), call_and_note, 'h');
	env_start(e, env_thread(e, LOW), call_and_note, 'l');
	note(e, 'd');
	env_settle(e);
	check_log(e, "shdsl");
}

CASE(PASSIVE0015, "a server serves others after a former caller's context is deleted", 0)
{
	server_new(e, HIGH);
	struct thread *c = env_thread(e, HIGH);
	env_start(e, c, call_and_note, 'c');
	check_log(e, "sc");
	check_ok(e, seL4_CNode_Delete(AT(c->sc)));
	check_call(e, e->shared[EP], 0, 3);
}

static void signal_and_note(struct env *e, seL4_Word ntfn)
{
	seL4_Signal(ntfn);
	note(e, 's');
}

static void wait_and_note(struct env *e, seL4_Word ntfn)
{
	seL4_Word badge;
	seL4_Wait(ntfn, &badge);
	note(e, (char)badge);
}

CASE(PASSIVE0016,
     "a signal to a waiter of lower priority lets the signaller go on, with the waiter first of its kind", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	env_start(e, env_thread(e, LOW), wait_and_note, ntfn);
	env_settle(e);
	env_start(e, env_thread(e, LOW), note_letter, 'o');
	env_start(e, env_thread(e, HIGH), signal_and_note, env_mint(e, ntfn, 'w'));
	env_settle(e);
	check_log(e, "swo");
}
