/* Tutorial: fault handlers.
 *
 * When a thread does what it cannot, the kernel sends a message in its name to its fault handler, an endpoint that was set
 * for it, and the thread waits for the answer. The handler looks, mends, and answers: then the thread goes on. Here main()
 * is the handler of threads that do wrong in three ways. */
#include <sel4tutorials/tutorial.h>

static seL4_CPtr faults, reply; /* where main() receives */

/* Starts a thread whose faults arrive at `faults` with a badge that says whose they are. */
static struct thread faulty(seL4_BootInfo *info, void *entry, seL4_Word argument, seL4_Word badge)
{
	struct thread t = thread_new(info, entry, argument, 0, 100, 5000, 5000);
	/* The handler's capability must let the kernel send and attach the right to answer. */
	const seL4_CPtr handler = cap_mint(info, faults, seL4_CapRights_new(1, 0, 0, 1), badge);
	const seL4_CPtr useless = cap_mint(info, faults, seL4_CanWrite, badge);
	CHECK_ERROR(seL4_TCB_SetSpace(t.tcb, useless, ROOT, 0, seL4_CapInitThreadVSpace, 0),
		    seL4_InvalidCapability);
	CHECK_OK(seL4_TCB_SetSpace(t.tcb, handler, ROOT, 0, seL4_CapInitThreadVSpace, 0));
	/* It was stored: the slot is not needed any more. */
	CHECK_OK(slot_delete(handler));
	CHECK_OK(seL4_TCB_Resume(t.tcb));
	return t;
}

static seL4_MessageInfo_t next_fault(seL4_Word expected_badge)
{
	seL4_Word badge;
	const seL4_MessageInfo_t info = seL4_Recv(faults, &badge, reply);
	CHECK(badge == expected_badge);
	return info;
}

/* ---- a capability that is not there ---- */

static seL4_CPtr missing_slot, finished;
static seL4_Word error_of_call, message_after, badge_got;
static void waiter_main(void)
{
	/* A call to an empty slot is answered by the kernel, with an error; a send to it is lost. Neither is a fault. */
	seL4_SetMR(0, 20);
	error_of_call = seL4_MessageInfo_get_label(seL4_Call(missing_slot, seL4_MessageInfo_new(5, 0, 0, 1)));
	message_after = seL4_GetMR(0);
	seL4_Send(missing_slot, seL4_MessageInfo_new(6, 0, 0, 0));
	/* But there is no way to wait at it. */
	seL4_Wait(missing_slot, &badge_got);
	seL4_Signal(finished);
	/* An address that leads to no slot at all cannot even be sent to. */
	seL4_Send(BIT(40), seL4_MessageInfo_new(7, 0, 0, 0));
}

static void a_missing_capability(seL4_BootInfo *info)
{
	const seL4_CPtr notification = alloc_object(info, seL4_NotificationObject, 0);
	seL4_MessageInfo_t tag;
	missing_slot = alloc_slot(info);
	struct thread t = faulty(info, (void *)waiter_main, 0, 1);

	tag = next_fault(1);
	seL4_Fault_t fault = seL4_getFault(tag);
	CHECK(seL4_Fault_get_seL4_FaultType(fault) == seL4_Fault_CapFault);
	CHECK(seL4_Fault_CapFault_get_Addr(fault) == missing_slot);
	CHECK(seL4_Fault_CapFault_get_InRecvPhase(fault) == 1);
	CHECK(seL4_Fault_CapFault_get_LookupFailureType(fault) == seL4_MissingCapability);
	printf("A thread waits at slot %lu, which is empty, at %#lx.\n", seL4_GetMR(seL4_CapFault_Addr),
	       seL4_GetMR(seL4_CapFault_IP));
	CHECK(error_of_call == seL4_InvalidCapability);
	CHECK(message_after == 0); /* which capability was invalid: the one that was invoked */

	/* The cure: a capability in that slot. The answer makes the thread do its system call again. */
	CHECK_OK(seL4_CNode_Mint(ROOT, missing_slot, seL4_WordBits, ROOT, notification, seL4_WordBits,
				 seL4_AllRights, 9));
	seL4_Signal(missing_slot);
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_Wait(finished, NULL);
	CHECK(badge_got == 9);

	fault = seL4_getFault(next_fault(1));
	CHECK(seL4_Fault_CapFault_get_Addr(fault) == BIT(40));
	CHECK(seL4_Fault_CapFault_get_InRecvPhase(fault) == 0);
	CHECK(seL4_Fault_CapFault_get_LookupFailureType(fault) ==
	      seL4_GuardMismatch);         /* bits that the root's guard forbids */
	CHECK_OK(seL4_TCB_Suspend(t.tcb)); /* not answered: it stays where it is */
}

/* ---- memory that is not there ---- */

static volatile seL4_Word recovered;
static void recover_main(void *address)
{
	recovered = (seL4_Word)address;
	seL4_Signal(finished);
	seL4_Wait(seL4_CapNull, NULL);
}

#define NOWHERE 0x10ul
static void reader_main(void)
{
	volatile seL4_Word *const nowhere = (volatile seL4_Word *)NOWHERE;
	recovered = *nowhere;
	recovered = 1; /* never */
	seL4_Wait(seL4_CapNull, NULL);
}

/* The handler need not answer: it may as well set the thread's registers anew. */
static void missing_memory(seL4_BootInfo *info)
{
	struct thread t = faulty(info, (void *)reader_main, 0, 2);
	seL4_UserContext regs;
	const seL4_MessageInfo_t tag = next_fault(2);
	CHECK(seL4_isVMFault_tag(tag) && seL4_MessageInfo_get_length(tag) == seL4_VMFault_Length);
	CHECK(seL4_GetMR(seL4_VMFault_Addr) == NOWHERE);
	CHECK(seL4_GetMR(seL4_VMFault_PrefetchFault) == 0);
	CHECK((seL4_GetMR(seL4_VMFault_FSR) & 2) == 0); /* not a write */
	const seL4_Word address = seL4_GetMR(seL4_VMFault_Addr), ip = seL4_GetMR(seL4_VMFault_IP);
	printf("A thread read address %#lx at %#lx.\n", address, ip);

	CHECK_OK(seL4_TCB_ReadRegisters(t.tcb, 0, 0, 20, &regs));
	CHECK(regs.rip == ip);
	sel4utils_arch_init_local_context((sel4utils_thread_entry_fn)(void *)recover_main, (void *)address,
					  NULL, NULL, t.stack + STACK_BYTES, &regs);
	CHECK_OK(seL4_TCB_WriteRegisters(t.tcb, 1, 0, 20, &regs));
	seL4_Wait(finished, NULL);
	CHECK(recovered == NOWHERE);
	CHECK(seL4_isCapFault_tag(next_fault(2)));
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
}

/* ---- an instruction that is none ---- */

static volatile seL4_Word skipped;
static void undefined_main(void)
{
	__asm__ volatile("ud2");
	skipped = 1;
	__asm__ volatile("xorl %%edx, %%edx\n\txorl %%eax, %%eax\n\txorl %%ecx, %%ecx\n\tdivl %%ecx" ::
				 : "eax", "ecx", "edx", "cc");
	skipped = 2;
	seL4_Signal(finished);
	seL4_Wait(seL4_CapNull, NULL);
}

/* The answer to an exception is the instruction pointer, stack pointer and flags to go on with: here two bytes further,
 * behind the instruction. A label other than 0 would leave the thread stopped. */
static void answer_exception(seL4_Word further)
{
	seL4_SetMR(seL4_UserException_FaultIP, seL4_GetMR(seL4_UserException_FaultIP) + further);
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 3));
}

static void an_exception(seL4_BootInfo *info)
{
	struct thread t = faulty(info, (void *)undefined_main, 0, 3);
	seL4_MessageInfo_t tag = next_fault(3);
	CHECK(seL4_isUserException_tag(tag));
	printf("Exception %lu at %#lx.\n", seL4_GetMR(seL4_UserException_Number),
	       seL4_GetMR(seL4_UserException_FaultIP));
	CHECK(seL4_GetMR(seL4_UserException_Number) == 6); /* invalid opcode */
	CHECK(skipped == 0);
	answer_exception(2);
	tag = next_fault(3);
	CHECK(seL4_isUserException_tag(tag) && skipped == 1);
	CHECK(seL4_GetMR(seL4_UserException_Number) == 0); /* division by zero */
	answer_exception(2);
	seL4_Wait(finished, NULL);
	CHECK(skipped == 2);
	CHECK(seL4_isCapFault_tag(next_fault(3)));
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
}

int main(void)
{
	seL4_BootInfo *info = platsupport_get_bootinfo();
	faults = alloc_object(info, seL4_EndpointObject, 0);
	reply = alloc_object(info, seL4_ReplyObject, 0);
	finished = alloc_object(info, seL4_NotificationObject, 0);
	a_missing_capability(info);
	missing_memory(info);
	an_exception(info);
	return tutorial_end("Every fault was mended.");
}
