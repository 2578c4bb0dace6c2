/* tests/sel4/fault.c - faults: their messages, their handlers, and what an answer does. The driver is the handler. */
#include "tests/sel4/harness.h"
#include <sel4/sel4_arch/entry.h>

/* e->shared */
enum { ADDRESS, OUT, EP, REPLY };

struct faulty {
	struct thread *thread;
	seL4_CPtr handler, reply;
	seL4_MessageInfo_t info;
	seL4_Word badge;
};

/* A thread with a fault handler, badged 0x66, that runs `body`. */
static struct faulty faulty_start(struct env *e, thread_body *body, seL4_Word argument)
{
	struct faulty f = {.thread = env_thread(e, HIGH), .handler = env_endpoint(e), .reply = env_reply(e)};
	env_fault_handler(e, f.thread, env_mint(e, f.handler, 0x66));
	env_start(e, f.thread, body, argument);
	return f;
}

static void take_fault(struct faulty *f)
{
	f->badge = 0;
	f->info = seL4_NBRecv(f->handler, &f->badge, f->reply);
}

static void answer(struct faulty *f, seL4_Word label, seL4_Word length)
{
	seL4_Send(f->reply, seL4_MessageInfo_new(label, 0, 0, length));
}

#define check_fault(e, f, label_, length_)                                                                   \
	do {                                                                                                 \
		take_fault(f);                                                                               \
		check_equal(e, (f)->badge, 0x66);                                                            \
		check_equal(e, seL4_MessageInfo_get_label((f)->info), label_);                               \
		check_equal(e, seL4_MessageInfo_get_length((f)->info), length_);                             \
	} while (0)

/* ---- capability faults ---- */

static void send_to(struct env *e, seL4_Word cptr)
{
	seL4_Send(cptr, seL4_MessageInfo_new(0, 0, 0, 0));
	note(e, 's');
}

static void wait_on(struct env *e, seL4_Word cptr)
{
	seL4_Wait(cptr, NULL);
	note(e, 'w');
}

static void poll_on(struct env *e, seL4_Word cptr)
{
	seL4_Poll(cptr, NULL);
	note(e, 'p');
}

CASE(FAULT0001,
     "a send to an address that cannot be resolved is a capability fault, with the guard's details", 0)
{
	seL4_Word bits = e->info->initThreadCNodeSizeBits;
	struct faulty f = faulty_start(e, send_to, UINT64_C(5) << 40);
	check_fault(e, &f, seL4_Fault_CapFault, seL4_CapFault_GuardMismatch_BitsFound + 1);
	check(e, seL4_GetMR(seL4_CapFault_IP) != 0);
	check_equal(e, seL4_GetMR(seL4_CapFault_Addr), UINT64_C(5) << 40);
	check_equal(e, seL4_GetMR(seL4_CapFault_InRecvPhase), 0);
	check_equal(e, seL4_GetMR(seL4_CapFault_LookupFailureType), seL4_GuardMismatch);
	check_equal(e, seL4_GetMR(seL4_CapFault_BitsLeft), 64);
	check_equal(e, seL4_GetMR(seL4_CapFault_GuardMismatch_GuardFound), 0);
	check_equal(e, seL4_GetMR(seL4_CapFault_GuardMismatch_BitsFound), 64 - bits);
	check_log(e, "");
}

CASE(FAULT0002, "a wait on an empty slot is a fault of the receive phase", 0)
{
	seL4_CPtr slot = env_slot(e);
	struct faulty f = faulty_start(e, wait_on, slot);
	check_fault(e, &f, seL4_Fault_CapFault, seL4_CapFault_BitsLeft + 1);
	check_equal(e, seL4_GetMR(seL4_CapFault_Addr), slot);
	check_equal(e, seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
	check_equal(e, seL4_GetMR(seL4_CapFault_LookupFailureType), seL4_MissingCapability);
	check_equal(e, seL4_GetMR(seL4_CapFault_BitsLeft), 0);
}

CASE(FAULT0003, "receiving without blocking faults as well", 0)
{
	struct faulty f = faulty_start(e, poll_on, env_slot(e));
	check_fault(e, &f, seL4_Fault_CapFault, seL4_CapFault_BitsLeft + 1);
	check_equal(e, seL4_GetMR(seL4_CapFault_InRecvPhase), 1);
	check_log(e, "");
}

CASE(FAULT0004, "receiving without the read right, or on an object of another type, is a fault", 0)
{
	seL4_CPtr cap[] = {env_rights(e, env_endpoint(e), seL4_CapRights_new(1, 1, 0, 1)),
			   env_rights(e, env_notification(e), seL4_CanWrite), env_tcb(e)};
	for (unsigned i = 0; i < 3; i++) {
		struct faulty f = faulty_start(e, wait_on, cap[i]);
		check_fault(e, &f, seL4_Fault_CapFault, seL4_CapFault_BitsLeft + 1);
		check_equal(e, seL4_GetMR(seL4_CapFault_Addr), cap[i]);
		check_equal(e, seL4_GetMR(seL4_CapFault_LookupFailureType), seL4_MissingCapability);
	}
}

CASE(FAULT0005, "a send to an empty slot is no fault", 0)
{
	struct faulty f = faulty_start(e, send_to, env_slot(e));
	check_log(e, "s");
	take_fault(&f);
	check_equal(e, f.badge, 0);
}

CASE(FAULT0006, "an answered capability fault does the call again, whatever the label", 0)
{
	seL4_CPtr slot = env_slot(e), ntfn = env_notification(e);
	struct faulty f = faulty_start(e, wait_on, slot);
	check_fault(e, &f, seL4_Fault_CapFault, seL4_CapFault_BitsLeft + 1);
	answer(&f, 7, 0);
	check_fault(e, &f, seL4_Fault_CapFault, seL4_CapFault_BitsLeft + 1);
	check_ok(e, seL4_CNode_Copy(AT(slot), AT(ntfn), seL4_AllRights));
	seL4_Signal(ntfn);
	answer(&f, 0, 0);
	check_log(e, "w");
}

/* ---- without a handler ---- */

CASE(FAULT0007, "a thread without a handler that faults becomes inactive", 0)
{
	seL4_CPtr slot = env_slot(e), ntfn = env_notification(e);
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, wait_on, slot);
	check_log(e, "");
	check_ok(e, seL4_CNode_Copy(AT(slot), AT(ntfn), seL4_AllRights));
	seL4_Signal(ntfn);
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_TCB_Resume(t->tcb));
	check_log(e, "w");
}

CASE(FAULT0008, "a fault whose handler was revoked leaves the thread inactive", 0)
{
	seL4_CPtr handler = env_endpoint(e);
	struct thread *t = env_thread(e, HIGH);
	env_fault_handler(e, t, handler);
	check_ok(e, seL4_CNode_Revoke(AT(handler)));
	env_start(e, t, wait_on, env_slot(e));
	seL4_Word badge = 5;
	seL4_NBWait(handler, &badge);
	check_equal(e, badge, 0);
	check_log(e, "");
}

CASE(FAULT0009, "the handler is the capability as it was when it was set", 0)
{
	seL4_CPtr handler = env_endpoint(e), badged = env_mint(e, handler, 4);
	struct thread *t = env_thread(e, HIGH);
	env_fault_handler(e, t, badged);
	check_ok(e, seL4_CNode_Delete(AT(badged)));
	env_start(e, t, wait_on, env_slot(e));
	seL4_Word badge = 0;
	seL4_NBWait(handler, &badge);
	check_equal(e, badge, 4);
}

CASE(FAULT0010, "faults wait at the handler's endpoint, by priority", 0)
{
	struct faulty f = faulty_start(e, wait_on, env_slot(e));
	struct thread *t = env_thread(e, HIGH + 1);
	env_fault_handler(e, t, env_mint(e, f.handler, 0x77));
	env_start(e, t, wait_on, env_slot(e));
	take_fault(&f);
	check_equal(e, f.badge, 0x77);
	take_fault(&f);
	check_equal(e, f.badge, 0x66);
}

CASE(FAULT0011, "a fault that waits is cancelled with the handler's endpoint, and its thread inactive", 0)
{
	struct faulty f = faulty_start(e, wait_on, env_slot(e));
	check_ok(e, seL4_CNode_Revoke(AT(f.handler)));
	check_ok(e, seL4_CNode_Delete(AT(f.handler)));
	env_settle(e);
	check_log(e, "");
}

/* ---- memory faults ---- */

static void load(struct env *e, seL4_Word address)
{
	e->shared[OUT] = skerry_load(address, 8);
	note(e, 'l');
}

static void store(struct env *e, seL4_Word address)
{
	skerry_store(address, 8, 0xfeed);
	note(e, 's');
}

CASE(FAULT0012, "a load from what is not mapped is a VM fault of a user's read", 0)
{
	struct faulty f = faulty_start(e, load, 0x30000008);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	check(e, seL4_GetMR(seL4_VMFault_IP) != 0);
	check_equal(e, seL4_GetMR(seL4_VMFault_Addr), 0x30000008);
	check_equal(e, seL4_GetMR(seL4_VMFault_PrefetchFault), 0);
	check_equal(e, seL4_GetMR(seL4_VMFault_FSR), 4);
}

CASE(FAULT0013, "a store to what is not mapped is a VM fault of a user's write", 0)
{
	struct faulty f = faulty_start(e, store, 0x30000010);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	check_equal(e, seL4_GetMR(seL4_VMFault_Addr), 0x30000010);
	check_equal(e, seL4_GetMR(seL4_VMFault_FSR), 6);
}

CASE(FAULT0014, "a store to a page that may be read only is a VM fault of a page that is present", 0)
{
	seL4_Word address = env_map(e, env_frame(e), seL4_CanRead);
	struct faulty f = faulty_start(e, store, address);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	check_equal(e, seL4_GetMR(seL4_VMFault_Addr), address);
	check_equal(e, seL4_GetMR(seL4_VMFault_FSR), 7);
	check_equal(e, skerry_load(address, 8), 0);
}

CASE(FAULT0015, "a page mapped with more rights than its capability has is not writable", 0)
{
	seL4_CPtr read = env_rights(e, env_frame(e), seL4_CanRead);
	seL4_Word address = env_map(e, read, seL4_ReadWrite);
	struct faulty f = faulty_start(e, store, address);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	check_equal(e, seL4_GetMR(seL4_VMFault_FSR), 7);
}

CASE(FAULT0016, "an answered VM fault does the access again", 0)
{
	seL4_CPtr frame = env_frame(e), reader = env_frame(e);
	seL4_Word address = env_map(e, reader, seL4_ReadWrite) + 64 * 4096;
	struct faulty f = faulty_start(e, store, address);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	answer(&f, 0, 0);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	env_map_at(e, frame, address, seL4_ReadWrite);
	answer(&f, 9, 0);
	check_log(e, "s");
	check_equal(e, skerry_load(address, 8), 0xfeed);
}

CASE(FAULT0017, "an unmapped, and a deleted, page faults at the next access", 0)
{
	seL4_CPtr frame = env_frame(e);
	seL4_Word address = env_map(e, frame, seL4_ReadWrite);
	skerry_store(address, 8, 5);
	check_ok(e, seL4_X86_Page_Unmap(frame));
	struct faulty f = faulty_start(e, load, address);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	env_map_at(e, frame, address, seL4_ReadWrite);
	answer(&f, 0, 0);
	check_log(e, "l");
	check_equal(e, e->shared[OUT], 5);
	check_ok(e, seL4_CNode_Delete(AT(frame)));
	f = faulty_start(e, load, address);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
}

CASE(FAULT0018, "taking the write right from a mapped page works at once", 0)
{
	seL4_CPtr frame = env_frame(e);
	seL4_Word address = env_map(e, frame, seL4_ReadWrite);
	skerry_store(address, 8, 5);
	env_map_at(e, frame, address, seL4_CanRead);
	struct faulty f = faulty_start(e, store, address);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	check_equal(e, seL4_GetMR(seL4_VMFault_FSR), 7);
	env_map_at(e, frame, address, seL4_ReadWrite);
	answer(&f, 0, 0);
	check_log(e, "s");
}

CASE(FAULT0019, "pages below a table that is unmapped fault", 0)
{
	seL4_CPtr pt = env_object(e, seL4_X86_PageTableObject, 0), frame = env_frame(e), first = env_frame(e);
	seL4_Word address = env_map(e, first, seL4_ReadWrite) + BIT(30); /* brings no table there */
	(void)first;
	seL4_Error error =
		seL4_X86_PageTable_Map(pt, seL4_CapInitThreadVSpace, address, seL4_X86_Default_VMAttributes);
	if (error == seL4_FailedLookup) {
		check_ok(e, seL4_X86_PageDirectory_Map(env_object(e, seL4_X86_PageDirectoryObject, 0),
						       seL4_CapInitThreadVSpace, address,
						       seL4_X86_Default_VMAttributes));
		error = seL4_X86_PageTable_Map(pt, seL4_CapInitThreadVSpace, address,
					       seL4_X86_Default_VMAttributes);
	}
	check_ok(e, error);
	check_ok(e, seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, address, seL4_ReadWrite,
				      seL4_X86_Default_VMAttributes));
	skerry_store(address, 8, 1);
	check_ok(e, seL4_X86_PageTable_Unmap(pt));
	struct faulty f = faulty_start(e, load, address);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	/* Mapped again, the table is empty. */
	check_ok(e, seL4_X86_PageTable_Map(pt, seL4_CapInitThreadVSpace, address,
					   seL4_X86_Default_VMAttributes));
	answer(&f, 0, 0);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
}

CASE(FAULT0020, "a thread whose address space is gone faults, or does not run", 0)
{
	seL4_CPtr pml4 = env_object(e, seL4_X64_PML4Object, 0);
	struct thread *t = env_thread(e, HIGH);
	check_ok(e, seL4_X86_ASIDPool_Assign(seL4_CapInitThreadASIDPool, pml4));
	check_ok(e, seL4_TCB_SetSpace(t->tcb, seL4_CapNull, ROOT, 0, pml4, 0));
	env_start(e, t, load, 0x30000000);
	check_log(e, "");
	check_ok(e, seL4_CNode_Revoke(AT(pml4)));
	check_ok(e, seL4_CNode_Delete(AT(pml4)));
	env_settle(e);
	check_log(e, "");
}

/* ---- exceptions and unknown system calls ---- */

static void illegal_instruction(struct env *e, seL4_Word unused)
{
	(void)unused;
	__asm__ volatile("ud2" ::: "memory");
	note(e, 'x');
}

CASE(FAULT0021, "an illegal instruction is a user exception, number 6, that can be stepped over", CASE_TRAPS)
{
	struct faulty f = faulty_start(e, illegal_instruction, 0);
	check_fault(e, &f, seL4_Fault_UserException, seL4_UserException_Length);
	seL4_Word ip = seL4_GetMR(seL4_UserException_FaultIP), sp = seL4_GetMR(seL4_UserException_SP);
	seL4_Word flags = seL4_GetMR(seL4_UserException_FLAGS);
	check_equal(e, seL4_GetMR(seL4_UserException_Number), 6);
	check(e, sp >= (seL4_Word)f.thread->stack && sp < (seL4_Word)f.thread->stack + STACK_SIZE);
	/* An empty answer does it again. */
	answer(&f, 0, 0);
	check_fault(e, &f, seL4_Fault_UserException, seL4_UserException_Length);
	check_equal(e, seL4_GetMR(seL4_UserException_FaultIP), ip);
	seL4_SetMR(0, ip + 2);
	seL4_SetMR(1, sp);
	seL4_SetMR(2, flags);
	answer(&f, 0, 3);
	check_log(e, "x");
}

CASE(FAULT0022, "an exception answered with a label leaves the thread inactive", 0)
{
	struct faulty f = faulty_start(e, illegal_instruction, 0);
	check_fault(e, &f, seL4_Fault_UserException, seL4_UserException_Length);
	answer(&f, 1, 0);
	env_settle(e);
	take_fault(&f);
	check_equal(e, f.badge, 0);
	check_ok(e, seL4_TCB_Resume(f.thread->tcb));
	check_fault(e, &f, seL4_Fault_UserException, seL4_UserException_Length);
}

static void divide(struct env *e, seL4_Word unused)
{
	(void)unused;
	unsigned low = 1, high = 0, by = 0;
	__asm__ volatile("divl %2" : "+a"(low), "+d"(high) : "r"(by) : "cc");
	note(e, 'x');
}

CASE(FAULT0023, "a division by zero is a user exception, number 0", 0)
{
	struct faulty f = faulty_start(e, divide, 0);
	check_fault(e, &f, seL4_Fault_UserException, seL4_UserException_Length);
	check_equal(e, seL4_GetMR(seL4_UserException_Number), 0);
}

static void dereference(struct env *e, seL4_Word address)
{
	__asm__ volatile("movb (%0), %%al" : : "r"(address) : "rax", "memory");
	note(e, 'x');
}

CASE(FAULT0024, "following a null pointer is a VM fault at its address", CASE_TRAPS)
{
	struct faulty f = faulty_start(e, dereference, 0x10);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	check_equal(e, seL4_GetMR(seL4_VMFault_Addr), 0x10);
	check_equal(e, seL4_GetMR(seL4_VMFault_FSR), 4);
}

static void unknown_call(struct env *e, seL4_Word number)
{
	struct skerry_message m = {.cap = 0x1111, .info = 0x2222, .mr0 = 0x3333};
	skerry_enter(number, &m);
	e->shared[OUT] = m.cap;
	note(e, 'u');
}

CASE(FAULT0025, "an unknown system call is a fault with all registers, and can be answered", 0)
{
	struct faulty f = faulty_start(e, unknown_call, 12345);
	check_fault(e, &f, seL4_Fault_UnknownSyscall, seL4_UnknownSyscall_Length);
	check_equal(e, seL4_GetMR(seL4_UnknownSyscall_Syscall), 12345);
	check_equal(e, seL4_GetMR(seL4_UnknownSyscall_RDX), 12345);
	check_equal(e, seL4_GetMR(seL4_UnknownSyscall_RDI), 0x1111);
	check_equal(e, seL4_GetMR(seL4_UnknownSyscall_RSI), 0x2222);
	check_equal(e, seL4_GetMR(seL4_UnknownSyscall_R10), 0x3333);
	/* Unchanged, it is done again; stepped over, what the handler wrote is the result. */
	answer(&f, 0, 0);
	check_fault(e, &f, seL4_Fault_UnknownSyscall, seL4_UnknownSyscall_Length);
	seL4_SetMR(seL4_UnknownSyscall_FaultIP, seL4_GetMR(seL4_UnknownSyscall_FaultIP) + 2);
	seL4_SetMR(seL4_UnknownSyscall_RDI, 0x4444);
	answer(&f, 0, seL4_UnknownSyscall_FaultIP + 1);
	check_log(e, "u");
	check_equal(e, e->shared[OUT], 0x4444);
}

/* ---- handlers that are passive ---- */

static void handle(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	seL4_MessageInfo_t info = seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	for (;;) {
		note(e, seL4_MessageInfo_get_label(info) == seL4_Fault_VMFault ? 'h' : '?');
		env_map_at(e, e->shared[OUT], e->shared[ADDRESS], seL4_ReadWrite);
		info = seL4_ReplyRecv(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0), &badge,
				      e->shared[REPLY]);
	}
}

CASE(FAULT0026, "a passive handler runs on the context of the thread that faulted, which gets it back", 0)
{
	struct thread *handler = env_thread(e, HIGH + 1), *t = env_thread(e, HIGH);
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	e->shared[OUT] = env_frame(e);
	e->shared[ADDRESS] = t->buffer + 64 * 4096;
	env_start(e, handler, handle, 0);
	check_ok(e, seL4_SchedContext_Unbind(handler->sc));
	env_fault_handler(e, t, e->shared[EP]);
	env_start(e, t, store, e->shared[ADDRESS]);
	check_log(e, "hs");
	check_ok(e, seL4_SchedContext_UnbindObject(t->sc, t->tcb));
}

/* ---- timeouts ---- */

static void compute(struct env *e, seL4_Word us)
{
	skerry_compute(us * ticks_per_us());
	note(e, 'c');
}

static struct faulty timeout_start(struct env *e, seL4_Word budget, seL4_Word period)
{
	struct faulty f = {.thread = env_thread(e, HIGH), .handler = env_endpoint(e), .reply = env_reply(e)};
	check_ok(e, seL4_SchedControl_Configure(env_sched_control(e, e->core), f.thread->sc, budget, period,
						0, 0x55));
	check_ok(e, seL4_TCB_SetTimeoutEndpoint(f.thread->tcb, env_mint(e, f.handler, 0x66)));
	env_start(e, f.thread, compute, 3000);
	return f;
}

CASE(FAULT0027, "a thread that uses up its budget has a timeout fault, with the context's badge",
     CASE_VIRTUAL)
{
	struct faulty f = timeout_start(e, 1000, 10000);
	check_fault(e, &f, seL4_Fault_Timeout, seL4_Timeout_Consumed + 1);
	check_equal(e, seL4_GetMR(seL4_Timeout_Data), 0x55);
	check(e, seL4_GetMR(seL4_Timeout_Consumed) >= 990 && seL4_GetMR(seL4_Timeout_Consumed) <= 1100);
	check_log(e, "");
	/* It does not go on by itself, even in its next period. */
	burn(20000);
	check_log(e, "");
	env_configure(e, f.thread->sc, 1000000, 1000000);
	answer(&f, 0, 0);
	env_settle(e);
	check_log(e, "c");
}

CASE(FAULT0028, "a round-robin thread has no timeout fault", CASE_VIRTUAL)
{
	struct faulty f = timeout_start(e, 1000, 1000);
	env_settle(e);
	check_log(e, "c");
	take_fault(&f);
	check_equal(e, f.badge, 0);
}

CASE(FAULT0029, "without a timeout handler the thread waits for its next budget", CASE_VIRTUAL)
{
	struct thread *t = env_thread(e, HIGH);
	seL4_CPtr handler = env_endpoint(e);
	env_configure(e, t->sc, 1000, 10000);
	env_fault_handler(e, t, handler);
	env_start(e, t, compute, 1500);
	check_log(e, "");
	seL4_Word badge = 3;
	seL4_NBWait(handler, &badge);
	check_equal(e, badge, 0);
	burn(12000);
	check_log(e, "c");
}

CASE(FAULT0030, "a timeout fault gives its handler no context", CASE_VIRTUAL)
{
	struct thread *handler = env_thread(e, HIGH + 1);
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	env_start(e, handler, handle, 0);
	check_ok(e, seL4_SchedContext_Unbind(handler->sc));
	struct thread *t = env_thread(e, HIGH);
	env_configure(e, t->sc, 1000, 10000);
	check_ok(e, seL4_TCB_SetTimeoutEndpoint(t->tcb, e->shared[EP]));
	env_start(e, t, compute, 3000);
	burn(30000);
	check_log(e, "");
	check_ok(e, seL4_SchedContext_UnbindObject(t->sc, t->tcb));
}

CASE(FAULT0031, "a thread can be read, changed and restarted while its fault waits for an answer", 0)
{
	struct faulty f = faulty_start(e, wait_on, env_slot(e));
	seL4_UserContext context;
	check_fault(e, &f, seL4_Fault_CapFault, seL4_CapFault_BitsLeft + 1);
	seL4_Word ip = seL4_GetMR(seL4_CapFault_IP);
	check_ok(e,
		 seL4_TCB_ReadRegisters(f.thread->tcb, 0, 0, sizeof context / sizeof(seL4_Word), &context));
	check_equal(e, context.rip, ip);
	env_start(e, f.thread, send_to, env_slot(e));
	check_log(e, "s");
	answer(&f, 0, 0);
	check_log(e, "");
}

CASE(FAULT0032, "a page mapped without the read right is present, and no user's", 0)
{
	seL4_Word address = env_map(e, env_frame(e), seL4_CanWrite);
	struct faulty f = faulty_start(e, load, address);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	check_equal(e, seL4_GetMR(seL4_VMFault_FSR), 5);
}

CASE(FAULT0033, "setting scheduling parameters without a handler takes the handler away", 0)
{
	struct thread *t = env_thread_passive(e, HIGH);
	seL4_CPtr handler = env_endpoint(e), sc = env_sc(e);
	env_configure(e, sc, 10000, 10000);
	env_fault_handler(e, t, env_mint(e, handler, 3));
	check_ok(e, seL4_TCB_SetSchedParams(t->tcb, seL4_CapInitThreadTCB, 0, HIGH, sc, seL4_CapNull));
	env_start(e, t, wait_on, env_slot(e));
	seL4_Word badge = 9;
	seL4_NBWait(handler, &badge);
	check_equal(e, badge, 0);
}

CASE(FAULT0034, "a user's copy of memory faults where it meets what is not mapped, and goes on there", 0)
{
	seL4_CPtr first = env_frame(e), second = env_frame(e);
	seL4_Word address = env_map(e, first, seL4_ReadWrite) + 64 * 4096;
	(void)second;
	env_map_at(e, env_copy(e, first), address, seL4_ReadWrite);
	struct faulty f = faulty_start(e, store, address + 4096);
	check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
	check_equal(e, seL4_GetMR(seL4_VMFault_Addr), address + 4096);
	env_map_at(e, second, address + 4096, seL4_ReadWrite);
	answer(&f, 0, 0);
	check_log(e, "s");
}

CASE(FAULT0035, "a timeout fault's answer may bring registers", CASE_VIRTUAL)
{
	struct faulty f = timeout_start(e, 1000, 10000);
	seL4_UserContext context;
	check_fault(e, &f, seL4_Fault_Timeout, seL4_Timeout_Consumed + 1);
	/* As it would be started: another body, on its stack from the top. */
	env_configure(e, f.thread->sc, 1000000, 1000000);
	check_ok(e,
		 seL4_TCB_ReadRegisters(f.thread->tcb, 0, 0, sizeof context / sizeof(seL4_Word), &context));
	struct thread *other = env_thread(e, HIGH);
	other->self = f.thread->tcb; /* that is who will run it */
	env_set_registers(e, other, send_to, env_slot(e), 0);
	seL4_UserContext start;
	check_ok(e, seL4_TCB_ReadRegisters(other->tcb, 0, 0, sizeof start / sizeof(seL4_Word), &start));
	seL4_MessageInfo_t info = seL4_TimeoutReply_new(1, start, sizeof start / sizeof(seL4_Word));
	check_equal(e, seL4_MessageInfo_get_label(info), 0);
	seL4_Send(f.reply, info);
	env_settle(e);
	check_log(e, "s");
	check(e, context.rip != 0);
}

CASE(FAULT0036, "a page that was used faults when any table above it is deleted", 0)
{
	seL4_Word address = BIT(39) * 5;
	static const seL4_Word type[] = {seL4_X86_PDPTObject, seL4_X86_PageDirectoryObject,
					 seL4_X86_PageTableObject};
	for (unsigned level = 0; level < 3; level++) {
		seL4_CPtr frame = env_frame(e), table[3];
		for (unsigned i = 0; i < 3; i++)
			table[i] = env_object(e, type[i], 0);
		check_ok(e, seL4_X86_PDPT_Map(table[0], seL4_CapInitThreadVSpace, address, 0));
		check_ok(e, seL4_X86_PageDirectory_Map(table[1], seL4_CapInitThreadVSpace, address, 0));
		check_ok(e, seL4_X86_PageTable_Map(table[2], seL4_CapInitThreadVSpace, address, 0));
		check_ok(e, seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, address, seL4_ReadWrite, 0));
		skerry_store(address, 8, level);
		check_equal(e, skerry_load(address, 8), level);
		check_ok(e, seL4_CNode_Delete(AT(table[level])));
		struct faulty f = faulty_start(e, load, address);
		check_fault(e, &f, seL4_Fault_VMFault, seL4_VMFault_Length);
		check_equal(e, seL4_GetMR(seL4_VMFault_FSR), 4);
		for (unsigned i = 0; i < 3; i++)
			check_ok(e, seL4_CNode_Delete(AT(table[i])));
	}
}

CASE(FAULT0037, "a fault heard without a reply object leaves its thread inactive; resumed, it faults again",
     0)
{
	seL4_CPtr slot = env_slot(e);
	struct faulty f = faulty_start(e, wait_on, slot);
	seL4_Word badge = 0;
	seL4_MessageInfo_t info = seL4_NBWait(f.handler, &badge);
	check_equal(e, badge, 0x66);
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_Fault_CapFault);
	env_settle(e);
	take_fault(&f);
	check_equal(e, f.badge, 0);
	check_ok(e, seL4_TCB_Resume(f.thread->tcb));
	check_fault(e, &f, seL4_Fault_CapFault, seL4_CapFault_BitsLeft + 1);
	check_equal(e, seL4_GetMR(seL4_CapFault_LookupFailureType), seL4_MissingCapability);
	seL4_CPtr ntfn = env_notification(e);
	check_ok(e, seL4_CNode_Copy(AT(slot), AT(ntfn), seL4_AllRights));
	seL4_Signal(ntfn);
	answer(&f, 0, 0);
	check_log(e, "w");
}

static void handle_without_buffer(struct env *e, seL4_Word ep)
{
	seL4_Word badge, mr[4] = {0};
	e->shared[OUT] = seL4_WaitWithMRs(ep, &badge, &mr[0], &mr[1], &mr[2], &mr[3]).words[0];
	e->shared[ADDRESS] = mr[3];
	note(e, 'h');
}

CASE(FAULT0038, "a handler without an IPC buffer hears four words", 0)
{
	seL4_CPtr handler = env_endpoint(e);
	struct thread *h = env_thread(e, HIGH), *t = env_thread(e, HIGH);
	check_ok(e, seL4_TCB_SetIPCBuffer(h->tcb, 0, seL4_CapNull));
	env_start(e, h, handle_without_buffer, handler);
	env_fault_handler(e, t, handler);
	env_start(e, t, unknown_call, 12345);
	check_log(e, "h");
	check_equal(e, e->shared[OUT], seL4_MessageInfo_new(seL4_Fault_UnknownSyscall, 0, 0, 4).words[0]);
	check_equal(e, e->shared[ADDRESS], 12345); /* rdx: the number */
}

CASE(FAULT0039, "an answer changes as many registers as it has words", 0)
{
	struct faulty f = faulty_start(e, unknown_call, 12345);
	check_fault(e, &f, seL4_Fault_UnknownSyscall, seL4_UnknownSyscall_Length);
	/* All that is sent is what was heard, but for the number: another unknown call, with the same arguments. */
	seL4_SetMR(seL4_UnknownSyscall_RDX, 54321);
	seL4_SetMR(seL4_UnknownSyscall_RSI, 0x9999);
	answer(&f, 0, seL4_UnknownSyscall_RDX + 1);
	check_fault(e, &f, seL4_Fault_UnknownSyscall, seL4_UnknownSyscall_Length);
	check_equal(e, seL4_GetMR(seL4_UnknownSyscall_Syscall), 54321);
	check_equal(e, seL4_GetMR(seL4_UnknownSyscall_RSI), 0x2222);
	check_equal(e, seL4_GetMR(seL4_UnknownSyscall_RDI), 0x1111);
}

static void serve_slowly(struct env *e, seL4_Word us)
{
	seL4_Word badge;
	seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	skerry_compute(us * ticks_per_us());
	note(e, 's');
}

static void call_server(struct env *e, seL4_Word label)
{
	seL4_Call(e->shared[EP], seL4_MessageInfo_new(label, 0, 0, 0));
	note(e, 'a');
}

/* A caller with 1 ms in 10 of a passive server that takes longer, and has a timeout handler: its fault is taken. */
static struct thread *server_times_out(struct env *e, struct faulty *f, struct thread *caller)
{
	struct thread *server = env_thread(e, HIGH);
	f->handler = env_endpoint(e);
	f->reply = env_reply(e);
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	env_start(e, server, serve_slowly, 3000);
	check_ok(e, seL4_SchedContext_Unbind(server->sc));
	check_ok(e, seL4_TCB_SetTimeoutEndpoint(server->tcb, env_mint(e, f->handler, 0x66)));
	check_ok(e, seL4_SchedControl_Configure(env_sched_control(e, e->core), caller->sc, 1000, 10000, 0,
						0x77));
	env_start(e, caller, call_server, 1);
	check_fault(e, f, seL4_Fault_Timeout, seL4_Timeout_Consumed + 1);
	check_equal(e, seL4_GetMR(seL4_Timeout_Data), 0x77);
	check_log(e, "");
	return server;
}

CASE(FAULT0040,
     "a server that uses up its caller's budget has the timeout fault; who answers in its stead takes its "
     "time",
     CASE_VIRTUAL)
{
	struct faulty f;
	struct thread *caller = env_thread(e, HIGH), *server = server_times_out(e, &f, caller);
	/* The caller has its context back, but waits for budget. */
	seL4_Send(e->shared[REPLY], seL4_MessageInfo_new(0, 0, 0, 0));
	check_log(e, "");
	burn(12000);
	check_log(e, "a");
	/* The server was answered, and has no time to go on. */
	answer(&f, 0, 0);
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_SchedContext_Bind(server->sc, server->tcb));
	env_settle(e);
	check_log(e, "s");
}

CASE(FAULT0041, "a caller that gets its context back without budget has a timeout fault, if it has a handler",
     CASE_VIRTUAL)
{
	struct faulty f;
	struct thread *caller = env_thread(e, HIGH);
	(void)server_times_out(e, &f, caller);
	check_ok(e, seL4_TCB_SetTimeoutEndpoint(caller->tcb, env_mint(e, f.handler, 0x67)));
	seL4_Send(e->shared[REPLY], seL4_MessageInfo_new(0, 0, 0, 0));
	f.reply = env_reply(e);
	take_fault(&f);
	check_equal(e, f.badge, 0x67);
	check_equal(e, seL4_MessageInfo_get_label(f.info), seL4_Fault_Timeout);
	check_equal(e, seL4_GetMR(seL4_Timeout_Data), 0x77);
	burn(20000);
	check_log(e, "");
}
