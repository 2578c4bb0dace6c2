/* tests/sel4/tcb.c - threads: registers, spaces, priorities, and every error of their invocations. */
#include "tests/sel4/harness.h"

enum { REGISTERS = sizeof(seL4_UserContext) / sizeof(seL4_Word) };

static void note_letter(struct env *e, seL4_Word letter) { note(e, (char)letter); }

static void wait_then_note(struct env *e, seL4_Word ntfn)
{
	note(e, 'a');
	seL4_Wait(ntfn, NULL);
	note(e, 'b');
}

static seL4_Word *words(seL4_UserContext *context) { return (seL4_Word *)context; }

/* ---- starting and stopping ---- */

CASE(TCB0001, "a thread that was configured, given a context and registers runs when it is resumed", 0)
{
	struct thread *t = env_thread(e, HIGH);
	env_set_registers(e, t, note_letter, 'x', 0);
	check_log(e, "");
	check_ok(e, seL4_TCB_Resume(t->tcb));
	check_log(e, "x");
	check(e, thread_has_ended(t));
}

CASE(TCB0002, "a thread without a scheduling context does not run until it has one", 0)
{
	struct thread *t = env_thread_passive(e, HIGH);
	env_start(e, t, note_letter, 'x');
	env_settle(e);
	check_log(e, "");
	seL4_CPtr sc = env_sc(e);
	env_configure(e, sc, 10000, 10000);
	check_ok(e, seL4_SchedContext_Bind(sc, t->tcb));
	check_log(e, "x");
}

CASE(TCB0003, "a thread with a context that was never configured does not run until it is", 0)
{
	struct thread *t = env_thread_passive(e, HIGH);
	seL4_CPtr sc = env_sc(e);
	check_ok(e, seL4_SchedContext_Bind(sc, t->tcb));
	env_start(e, t, note_letter, 'x');
	env_settle(e);
	check_log(e, "");
	env_configure(e, sc, 10000, 10000);
	check_log(e, "x");
}

CASE(TCB0004, "a suspended thread does its interrupted wait again when it is resumed", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, wait_then_note, ntfn);
	check_ok(e, seL4_TCB_Suspend(t->tcb));
	check_ok(e, seL4_TCB_Resume(t->tcb));
	check_log(e, "a");
	seL4_Signal(ntfn);
	check_log(e, "b");
}

CASE(TCB0005, "resuming a thread that is blocked starts its wait again, at the end of the queue", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	struct thread *t = env_thread(e, HIGH), *other = env_thread(e, HIGH);
	env_start(e, t, wait_then_note, ntfn);
	env_start(e, other, wait_then_note, ntfn);
	check_ok(e, seL4_TCB_Resume(t->tcb));
	seL4_Signal(ntfn);
	check_log(e, "aab");
	check(e, !thread_has_ended(t));
	check(e, thread_has_ended(other));
}

CASE(TCB0006, "writing registers and resuming cancels a blocked system call", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, wait_then_note, ntfn);
	env_start(e, t, note_letter, 'y');
	check_log(e, "ay");
	seL4_Word badge = 3;
	seL4_Signal(env_mint(e, ntfn, 9));
	seL4_Poll(ntfn, &badge);
	check_equal(e, badge, 9);
}

static void suspend_self(struct env *e, seL4_Word index)
{
	note(e, '1');
	seL4_TCB_Suspend(e->thread[index].tcb);
	note(e, '2');
}

CASE(TCB0007, "a thread that suspends itself does so again when it is resumed", 0)
{
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, suspend_self, 0);
	check_log(e, "1");
	check_ok(e, seL4_TCB_Resume(t->tcb));
	check_log(e, "");
	env_start(e, t, note_letter, 'x');
	check_log(e, "x");
}

CASE(TCB0008, "suspending an inactive thread and resuming a running one succeed", 0)
{
	struct thread *t = env_thread(e, LOW);
	check_ok(e, seL4_TCB_Suspend(t->tcb));
	check_ok(e, seL4_TCB_Suspend(t->tcb));
	env_start(e, t, note_letter, 'x');
	check_ok(e, seL4_TCB_Resume(t->tcb));
	check_ok(e, seL4_TCB_Resume(seL4_CapInitThreadTCB));
	env_settle(e);
	check_log(e, "x");
}

CASE(TCB0009, "a deleted thread is gone, whether ready or blocked", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	struct thread *ready = env_thread(e, LOW), *blocked = env_thread(e, HIGH);
	env_start(e, ready, note_letter, 'x');
	env_start(e, blocked, wait_then_note, ntfn);
	check_ok(e, seL4_CNode_Delete(AT(ready->tcb)));
	check_ok(e, seL4_CNode_Delete(AT(blocked->tcb)));
	seL4_Signal(ntfn);
	env_settle(e);
	check_log(e, "a");
}

static void delete_self(struct env *e, seL4_Word tcb)
{
	note(e, 'd');
	seL4_CNode_Delete(AT(tcb));
	note(e, '?');
}

CASE(TCB0010, "a thread that deletes its own last capability is gone", 0)
{
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, delete_self, t->tcb);
	env_settle(e);
	check_log(e, "d");
	check(e, slot_is_empty(t->tcb));
}

/* ---- registers ---- */

CASE(TCB0011, "registers that were written are read back", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e);
	seL4_UserContext in = {0}, out = {0};
	for (unsigned i = 0; i < REGISTERS; i++)
		words(&in)[i] = 0x1000 + i * 8;
	in.rflags = 0x202;
	check_ok(e, seL4_TCB_WriteRegisters(tcb, 0, 0, REGISTERS, &in));
	check_ok(e, seL4_TCB_ReadRegisters(tcb, 0, 0, REGISTERS, &out));
	for (unsigned i = 0; i < REGISTERS; i++)
		check_equal(e, words(&out)[i], words(&in)[i]);
}

CASE(TCB0012, "fewer registers can be written and read: the first ones", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e);
	seL4_UserContext in = {.rip = 1000, .rsp = 2000, .rflags = 0x202, .rax = 4000}, out = {.rax = 5};
	check_ok(e, seL4_TCB_WriteRegisters(tcb, 0, 0, 2, &in));
	check_ok(e, seL4_TCB_ReadRegisters(tcb, 0, 0, 2, &out));
	check_equal(e, out.rip, 1000);
	check_equal(e, out.rsp, 2000);
	check_ok(e, seL4_TCB_ReadRegisters(tcb, 0, 0, REGISTERS, &out));
	check_equal(e, out.rax, 0);
}

CASE(TCB0013, "interrupts cannot be disabled by a thread's flags", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e);
	seL4_UserContext in = {.rflags = 0}, out = {0};
	check_ok(e, seL4_TCB_WriteRegisters(tcb, 0, 0, REGISTERS, &in));
	check_ok(e, seL4_TCB_ReadRegisters(tcb, 0, 0, REGISTERS, &out));
	check_equal(e, out.rflags, 0x202);
}

CASE(TCB0014, "registers are read in a range of 1 to 20", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e);
	seL4_UserContext out = {0};
	check_range(e, seL4_TCB_ReadRegisters(tcb, 0, 0, 0, &out), 1, REGISTERS);
	check_range(e, seL4_TCB_ReadRegisters(tcb, 0, 0, REGISTERS + 1, &out), 1, REGISTERS);
	/* Before it is asked whose registers they are. */
	check_range(e, seL4_TCB_ReadRegisters(seL4_CapInitThreadTCB, 0, 0, 0, &out), 1, REGISTERS);
}

CASE(TCB0015, "one's own registers can neither be read nor written", CASE_ONCE)
{
	seL4_UserContext context = {0};
	check_error(e, seL4_TCB_ReadRegisters(seL4_CapInitThreadTCB, 0, 0, REGISTERS, &context),
		    seL4_IllegalOperation);
	check_error(e, seL4_TCB_WriteRegisters(seL4_CapInitThreadTCB, 0, 0, REGISTERS, &context),
		    seL4_IllegalOperation);
}

CASE(TCB0016, "a message that brings fewer registers than it says is truncated", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e);
	seL4_SetMR(0, 0);
	seL4_SetMR(1, 5);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(tcb, TCBWriteRegisters, 6, 0)),
		    seL4_TruncatedMessage);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(tcb, TCBWriteRegisters, 1, 0)),
		    seL4_TruncatedMessage);
	seL4_SetMR(0, 0);
	seL4_SetMR(1, 5);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(tcb, TCBReadRegisters, 1, 0)),
		    seL4_TruncatedMessage);
}

CASE(TCB0017, "reading registers may suspend the thread", 0)
{
	struct thread *t = env_thread(e, LOW);
	seL4_UserContext out;
	env_start(e, t, note_letter, 'x');
	check_ok(e, seL4_TCB_ReadRegisters(t->tcb, 1, 0, REGISTERS, &out));
	check_equal(e, out.rdi, (seL4_Word)t);
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_TCB_Resume(t->tcb));
	env_settle(e);
	check_log(e, "x");
}

CASE(TCB0018, "registers can be copied between threads", 0)
{
	struct thread *from = env_thread(e, LOW), *to = env_thread(e, LOW);
	seL4_UserContext a, b;
	env_set_registers(e, from, note_letter, 'x', 0);
	check_ok(e, seL4_TCB_CopyRegisters(to->tcb, from->tcb, 0, 0, 1, 1, 0));
	check_ok(e, seL4_TCB_ReadRegisters(from->tcb, 0, 0, REGISTERS, &a));
	check_ok(e, seL4_TCB_ReadRegisters(to->tcb, 0, 0, REGISTERS, &b));
	check_equal(e, b.rip, a.rip);
	check_equal(e, b.rsp, a.rsp);
	check_equal(e, b.rdi, a.rdi);
	check_error(e, seL4_TCB_CopyRegisters(to->tcb, env_endpoint(e), 0, 0, 1, 1, 0),
		    seL4_InvalidCapability);
	check_error_mrs(e, 1);
}

static void other_body(struct env *e, seL4_Word letter)
{
	note(e, (char)letter);
	seL4_Wait(e->shared[0], NULL);
}

CASE(TCB0019, "copying registers may suspend the source and resume the destination", 0)
{
	struct thread *from = env_thread(e, LOW), *to = env_thread(e, LOW);
	e->shared[0] = env_notification(e);
	env_start(e, from, other_body, 'x');
	/* The source, which did not run yet, is suspended; the destination runs in its place, on its stack. */
	check_ok(e, seL4_TCB_CopyRegisters(to->tcb, from->tcb, 1, 1, 1, 1, 0));
	env_settle(e);
	check_log(e, "x");
	check_ok(e, seL4_TCB_Suspend(to->tcb));
}

CASE(TCB0020, "the TLS base is a register", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e);
	seL4_UserContext out;
	check_ok(e, seL4_TCB_SetTLSBase(tcb, 0x123000));
	check_ok(e, seL4_TCB_ReadRegisters(tcb, 0, 0, REGISTERS, &out));
	check_equal(e, out.fs_base, 0x123000);
}

CASE(TCB0021, "flags are cleared, then set, and the result is told", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e);
	seL4_TCB_SetFlags_t r = seL4_TCB_SetFlags(tcb, 0, seL4_TCBFlag_fpuDisabled);
	check_ok(e, r.error);
	check_equal(e, r.flags, seL4_TCBFlag_fpuDisabled);
	r = seL4_TCB_SetFlags(tcb, 0, 0);
	check_equal(e, r.flags, seL4_TCBFlag_fpuDisabled);
	r = seL4_TCB_SetFlags(tcb, seL4_TCBFlag_fpuDisabled, 0);
	check_equal(e, r.flags, 0);
	r = seL4_TCB_SetFlags(tcb, seL4_TCBFlag_fpuDisabled, seL4_TCBFlag_fpuDisabled);
	check_equal(e, r.flags, seL4_TCBFlag_fpuDisabled);
}

/* ---- priorities ---- */

CASE(TCB0022, "a priority above the authority's maximum is a range error", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e), authority = env_tcb(e);
	check_ok(e, seL4_TCB_SetMCPriority(authority, seL4_CapInitThreadTCB, 77));
	check_range(e, seL4_TCB_SetPriority(tcb, authority, 78), 0, 77);
	check_range(e, seL4_TCB_SetMCPriority(tcb, authority, 78), 0, 77);
	check_ok(e, seL4_TCB_SetPriority(tcb, authority, 77));
	check_ok(e, seL4_TCB_SetMCPriority(tcb, authority, 77));
	check_range(e, seL4_TCB_SetPriority(tcb, seL4_CapInitThreadTCB, 256), 0, 255);
}

CASE(TCB0023, "the authority must be a thread: capability 1", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e), ep = env_endpoint(e), none = env_slot(e);
	check_cap(e, seL4_TCB_SetPriority(tcb, ep, 5), 1);
	check_cap(e, seL4_TCB_SetMCPriority(tcb, ep, 5), 1);
	check_cap(e, seL4_TCB_SetSchedParams(tcb, ep, 5, 5, none, none), 1);
	check_cap(e, seL4_TCB_SetPriority(tcb, none, 500), 1);
}

CASE(TCB0024, "a new thread's maximum controlled priority is 0", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e), other = env_tcb(e);
	check_range(e, seL4_TCB_SetPriority(other, tcb, 1), 0, 0);
	check_ok(e, seL4_TCB_SetPriority(other, tcb, 0));
}

CASE(TCB0025, "a thread whose priority rises above the current one's runs there and then", 0)
{
	struct thread *t = env_thread(e, LOW);
	env_start(e, t, note_letter, 'x');
	check_log(e, "");
	check_ok(e, seL4_TCB_SetPriority(t->tcb, seL4_CapInitThreadTCB, HIGH));
	note(e, 'd');
	check_log(e, "xd");
}

static void lower_self(struct env *e, seL4_Word tcb)
{
	note(e, '1');
	seL4_TCB_SetPriority(tcb, seL4_CapInitThreadTCB, LOW);
	note(e, '2');
}

CASE(TCB0026, "a thread that lowers its own priority below another's is preempted", 0)
{
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, lower_self, t->tcb);
	check_log(e, "1");
	env_settle(e);
	check_log(e, "2");
}

/* ---- scheduling parameters ---- */

CASE(TCB0027, "scheduling parameters set priority, maximum, context and fault handler together", 0)
{
	struct thread *t = env_thread_passive(e, LOW);
	seL4_CPtr sc = env_sc(e), handler = env_endpoint(e);
	env_configure(e, sc, 10000, 10000);
	env_start(e, t, note_letter, 'x');
	check_ok(e, seL4_TCB_SetSchedParams(t->tcb, seL4_CapInitThreadTCB, 30, HIGH, sc, handler));
	check_log(e, "x");
	check_range(e, seL4_TCB_SetPriority(env_tcb(e), t->tcb, 31), 0, 30);
}

CASE(TCB0028, "the errors of scheduling parameters come in their order", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e), authority = env_tcb(e), ep = env_endpoint(e), none = env_slot(e),
		  sc = env_sc(e);
	seL4_CPtr self = seL4_CapInitThreadTCB;
	check_ok(e, seL4_TCB_SetMCPriority(authority, self, 9));
	check_range(e, seL4_TCB_SetSchedParams(tcb, authority, 10, 5, ep, sc), 0, 9);
	check_range(e, seL4_TCB_SetSchedParams(tcb, authority, 5, 10, ep, sc), 0, 9);
	check_cap(e, seL4_TCB_SetSchedParams(tcb, authority, 5, 5, ep, sc), 2);
	check_cap(e, seL4_TCB_SetSchedParams(tcb, authority, 5, 5, none, sc), 3);
	check_cap(e, seL4_TCB_SetSchedParams(tcb, authority, 5, 5, sc, sc), 3);
	check_ok(e, seL4_TCB_SetSchedParams(tcb, authority, 5, 5, sc, none));
	/* It has a context now; and the context a thread. */
	check_error(e, seL4_TCB_SetSchedParams(tcb, authority, 5, 5, env_sc(e), none), seL4_IllegalOperation);
	check_error(e, seL4_TCB_SetSchedParams(authority, self, 5, 5, sc, none), seL4_IllegalOperation);
	/* The current thread cannot lose its own. */
	check_error(e, seL4_TCB_SetSchedParams(self, self, 255, DRIVER_PRIORITY, none, none),
		    seL4_IllegalOperation);
}

CASE(TCB0029, "no context in the parameters takes the thread's away", 0)
{
	struct thread *t = env_thread(e, LOW);
	env_start(e, t, note_letter, 'x');
	check_ok(e,
		 seL4_TCB_SetSchedParams(t->tcb, seL4_CapInitThreadTCB, 0, LOW, seL4_CapNull, seL4_CapNull));
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_SchedContext_Bind(t->sc, t->tcb));
	env_settle(e);
	check_log(e, "x");
}

CASE(TCB0030, "a fault handler needs write, and grant or grant-reply", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e), ep = env_endpoint(e), self = seL4_CapInitThreadTCB, none = env_slot(e);
	struct {
		seL4_CapRights_t rights;
		int good;
	} handler[] = {
		{seL4_CapRights_new(1, 1, 0, 1), 1}, {seL4_CapRights_new(0, 1, 0, 1), 1},
		{seL4_CapRights_new(1, 0, 0, 1), 1}, {seL4_CapRights_new(0, 0, 1, 1), 0},
		{seL4_CapRights_new(1, 1, 1, 0), 0}, {seL4_CapRights_new(0, 0, 0, 0), 0},
	};
	for (unsigned i = 0; i < 6; i++) {
		seL4_CPtr cap = env_rights(e, ep, handler[i].rights);
		seL4_Word expected = handler[i].good ? seL4_NoError : seL4_InvalidCapability;
		check_error(e, seL4_TCB_SetSchedParams(tcb, self, 1, 1, none, cap), expected);
		if (expected)
			check_error_mrs(e, 3);
		check_error(e, seL4_TCB_SetTimeoutEndpoint(tcb, cap), expected);
		if (expected)
			check_error_mrs(e, 1);
		check_error(e, seL4_TCB_SetSpace(tcb, cap, ROOT, 0, seL4_CapInitThreadVSpace, 0), expected);
		if (expected)
			check_error_mrs(e, 1);
	}
	check_cap(e, seL4_TCB_SetTimeoutEndpoint(tcb, env_notification(e)), 1);
	check_ok(e, seL4_TCB_SetTimeoutEndpoint(tcb, none));
}

/* ---- spaces and buffers ---- */

CASE(TCB0031, "the roots of a thread's spaces must be a CNode and an address space", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e), ep = env_endpoint(e), none = env_slot(e),
		  vspace = seL4_CapInitThreadVSpace;
	check_error(e, seL4_TCB_SetSpace(tcb, none, ep, 0, vspace, 0), seL4_IllegalOperation);
	check_error(e, seL4_TCB_SetSpace(tcb, none, ROOT, 0, ep, 0), seL4_IllegalOperation);
	check_error(e, seL4_TCB_SetSpace(tcb, none, none, 0, vspace, 0), seL4_IllegalOperation);
	check_error(e, seL4_TCB_SetSpace(tcb, none, ROOT, 0, none, 0), seL4_IllegalOperation);
	check_error(e, seL4_TCB_Configure(tcb, ep, 0, vspace, 0, 0, none), seL4_IllegalOperation);
	check_error(e, seL4_TCB_Configure(tcb, ROOT, 0, ep, 0, 0, none), seL4_IllegalOperation);
	/* An address space that has no ASID yet is none. */
	check(e, seL4_TCB_SetSpace(tcb, none, ROOT, 0, env_object(e, seL4_X64_PML4Object, 0), 0) !=
			 seL4_NoError);
	check_ok(e, seL4_TCB_SetSpace(tcb, none, ROOT, 0, vspace, 0));
	check_ok(e, seL4_TCB_Configure(tcb, ROOT, 0, vspace, 0, 0, none));
	/* The handler is looked at last. */
	check_error(e, seL4_TCB_SetSpace(tcb, ROOT, ep, 0, vspace, 0), seL4_IllegalOperation);
	check_cap(e, seL4_TCB_SetSpace(tcb, ROOT, ROOT, 0, vspace, 0), 1);
}

CASE(TCB0032, "an IPC buffer is a frame of no device, at a multiple of its size", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e), frame = env_frame(e), ep = env_endpoint(e),
		  vspace = seL4_CapInitThreadVSpace;
	seL4_Word address = env_map(e, frame, seL4_ReadWrite);
	check_ok(e, seL4_TCB_SetIPCBuffer(tcb, address, frame));
	check_ok(e, seL4_TCB_SetIPCBuffer(tcb, address + 1024, frame));
	check_error(e, seL4_TCB_SetIPCBuffer(tcb, address + 512, frame), seL4_AlignmentError);
	check_error(e, seL4_TCB_SetIPCBuffer(tcb, address, ep), seL4_IllegalOperation);
	check_error(e, seL4_TCB_SetIPCBuffer(tcb, address + 8, ep), seL4_IllegalOperation);
	check_error(e, seL4_TCB_SetIPCBuffer(tcb, address, env_slot(e)), seL4_IllegalOperation);
	check_ok(e, seL4_TCB_SetIPCBuffer(tcb, 0, ep));
	check_error(e, seL4_TCB_Configure(tcb, ROOT, 0, vspace, 0, address + 8, frame), seL4_AlignmentError);
	check_error(e, seL4_TCB_Configure(tcb, ROOT, 0, vspace, 0, address, ep), seL4_IllegalOperation);
	/* Before the spaces. */
	check_error(e, seL4_TCB_Configure(tcb, ep, 0, ep, 0, address + 8, frame), seL4_AlignmentError);
}

CASE(TCB0033, "device memory cannot be an IPC buffer", CASE_ONCE | CASE_DEVICE)
{
	seL4_CPtr device = env_device_untyped(e, seL4_PageBits + 1), frame = env_slot(e), tcb = env_tcb(e);
	check_ok(e, env_retype(device, seL4_X86_4K, 0, frame, 1));
	check_error(e, seL4_TCB_SetIPCBuffer(tcb, 0x10000, frame), seL4_IllegalOperation);
	check_ok(e, seL4_CNode_Revoke(AT(device)));
}

static void use_buffer(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_SetMR(0, 0x777);
	seL4_SetMR(100, 0x888);
	seL4_SetUserData(0x999);
	note(e, 'x');
}

CASE(TCB0034, "the buffer is the frame's memory, at its address", 0)
{
	struct thread *t = env_thread(e, HIGH);
	check_ok(e, seL4_TCB_SetIPCBuffer(t->tcb, t->buffer + 2048, t->frame));
	env_start(e, t, use_buffer, 0);
	check_log(e, "x");
	check_equal(e, skerry_load(t->buffer + 2048 + 8, 8), 0x777);
	check_equal(e, skerry_load(t->buffer + 2048 + 8 + 800, 8), 0x888);
	check_equal(e, skerry_load(t->buffer + 2048 + 968, 8), 0x999);
	check_equal(e, skerry_load(t->buffer + 8, 8), 0);
}

/* Its own TCB, by which it ends, in slot 1 of its CSpace of 8 bits. */
static void keep_self(struct env *e, struct thread *t, seL4_CPtr cspace)
{
	check_ok(e, seL4_CNode_Copy(cspace, 1, 8, AT(t->tcb), seL4_AllRights));
	t->self = 1;
}

CASE(TCB0035, "a CSpace of one's own, with a guard given when it is set", 0)
{
	seL4_CPtr cspace = env_cnode(e, 8), ntfn = env_notification(e);
	struct thread *t = env_thread(e, HIGH);
	seL4_Word data = seL4_CNode_CapData_new(0, 56).words[0];
	check_ok(e, seL4_CNode_Copy(cspace, 7, 8, AT(ntfn), seL4_AllRights));
	keep_self(e, t, cspace);
	check_ok(e, seL4_TCB_SetSpace(t->tcb, seL4_CapNull, cspace, data, seL4_CapInitThreadVSpace, 0));
	env_start(e, t, wait_then_note, 7);
	check_log(e, "a");
	seL4_Signal(ntfn);
	check_log(e, "b");
	/* A guard too large to be one makes it no CNode. */
	check_error(e,
		    seL4_TCB_SetSpace(t->tcb, seL4_CapNull, cspace, seL4_CNode_CapData_new(0, 57).words[0],
				      seL4_CapInitThreadVSpace, 0),
		    seL4_IllegalOperation);
}

CASE(TCB0036, "deleting the capability of a CSpace does not take it from the thread", 0)
{
	seL4_CPtr cspace = env_cnode(e, 8), ntfn = env_notification(e), copy;
	struct thread *t = env_thread(e, HIGH);
	seL4_Word data = seL4_CNode_CapData_new(0, 56).words[0];
	check_ok(e, seL4_CNode_Copy(cspace, 7, 8, AT(ntfn), seL4_AllRights));
	keep_self(e, t, cspace);
	copy = env_copy(e, cspace);
	check_ok(e, seL4_TCB_SetSpace(t->tcb, seL4_CapNull, copy, data, seL4_CapInitThreadVSpace, 0));
	check_ok(e, seL4_CNode_Delete(AT(copy)));
	check_ok(e, seL4_CNode_Delete(AT(cspace)));
	env_start(e, t, wait_then_note, 7);
	seL4_Signal(ntfn);
	check_log(e, "ab");
}

CASE(TCB0037, "revoking a CSpace takes it from its thread, which then finds nothing", 0)
{
	seL4_CPtr cspace = env_cnode(e, 8), ntfn = env_notification(e);
	struct thread *t = env_thread(e, HIGH);
	seL4_Word data = seL4_CNode_CapData_new(0, 56).words[0];
	check_ok(e, seL4_CNode_Copy(cspace, 7, 8, AT(ntfn), seL4_AllRights));
	keep_self(e, t, cspace);
	check_ok(e, seL4_TCB_SetSpace(t->tcb, seL4_CapNull, cspace, data, seL4_CapInitThreadVSpace, 0));
	check_ok(e, seL4_CNode_Revoke(AT(cspace)));
	env_start(e, t, wait_then_note, 7);
	seL4_Signal(ntfn);
	check_log(e, "a");
	check(e, !thread_has_ended(t));
}

/* ---- messages that libsel4 never sends ---- */

CASE(TCB0038, "other labels are illegal, short messages truncated", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e);
	static const seL4_Word truncated[] = {TCBCopyRegisters, TCBConfigure,         TCBSetPriority,
					      TCBSetMCPriority, TCBSetSchedParams,    TCBSetIPCBuffer,
					      TCBSetSpace,      TCBSetTLSBase,        TCBBindNotification,
					      TCBSetFlags,      TCBSetTimeoutEndpoint};
	check_equal(e, seL4_MessageInfo_get_label(call_raw(tcb, CNodeCopy, 5, 0)), seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(tcb, 4000, 5, 0)), seL4_IllegalOperation);
	for (unsigned i = 0; i < sizeof truncated / sizeof *truncated; i++)
		check_equal(e, seL4_MessageInfo_get_label(call_raw(tcb, truncated[i], 0, 0)),
			    seL4_TruncatedMessage);
	/* As many words as it takes, but no capability. */
	for (unsigned i = 0; i < 7; i++)
		check_equal(e, seL4_MessageInfo_get_label(call_raw(tcb, truncated[i], 4, 0)),
			    seL4_TruncatedMessage);
}

static void own_priority(struct env *e, seL4_Word tcb)
{
	note(e, seL4_TCB_SetPriority(tcb, tcb, 60) == seL4_RangeError ? 'r' : '?');
	note(e, seL4_TCB_SetPriority(tcb, tcb, 5) == seL4_NoError ? 'g' : '?');
}

CASE(TCB0039, "a thread's own maximum bounds what it does with its own capability", 0)
{
	struct thread *t = env_thread(e, HIGH);
	check_ok(e, seL4_TCB_SetMCPriority(t->tcb, seL4_CapInitThreadTCB, 59));
	env_start(e, t, own_priority, t->tcb);
	env_settle(e);
	check_log(e, "rg");
}

CASE(TCB0040, "a thread started anew begins with the registers it was given", 0)
{
	struct thread *t = env_thread(e, HIGH);
	for (unsigned i = 0; i < 3; i++)
		env_start(e, t, note_letter, 'a' + i);
	check_log(e, "abc");
}

CASE(TCB0041, "copying registers into a thread that waits, and resuming it, starts it there", 0)
{
	struct thread *from = env_thread(e, LOW), *to = env_thread(e, HIGH);
	env_start(e, to, wait_then_note, env_notification(e));
	env_set_registers(e, from, note_letter, 'x', 0);
	from->self = to->tcb; /* that is who will run it */
	check_ok(e, seL4_TCB_CopyRegisters(to->tcb, from->tcb, 0, 1, 1, 1, 0));
	check_log(e, "ax");
}
