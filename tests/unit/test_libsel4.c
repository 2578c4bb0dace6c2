/* kernelmodel/libsel4: numbers and layouts against seL4's by hand, and each call against what it is to put into registers.
 *
 * The kernel is played by an entry that keeps the registers that it was entered with and answers as it is told to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include <kernel/gen_config.h>
#include <sel4/arch/bootinfo.h>
#include <sel4/gen_config.h>
#include <sel4/sel4.h>
#include <sel4runtime.h>
#include <sel4platsupport/bootinfo.h>
#include <sel4utils/helpers.h>
#include <sel4utils/strerror.h>
#include <utils/util.h>

/* ---- a kernel that is none ---- */

/* What it was entered with, and what it answers. The assembly below knows the offsets. */
struct fake {
	seL4_Word rdi, rsi, r10, r8, r9, r15, rdx, r12, r13, rcx, rsp, return_address;
	seL4_Word entries;
	seL4_Word again; /* so many times it sends the thread back onto its call */
	seL4_Word out_rdi, out_rsi, out_r10, out_r8, out_r9, out_r15;
};
extern struct fake fake_kernel __attribute__((visibility("hidden")));
struct fake fake_kernel;
_Static_assert(offsetof(struct fake, entries) == 96 && offsetof(struct fake, out_rdi) == 112, "assembly");

/* What a call may lose, it does: rax, rcx, rdx, r11 and vector registers are all ones when it is over. */
__asm__(".text\n"
	".globl skerry_syscall\n"
	".type skerry_syscall, @function\n"
	"skerry_syscall:\n"
	"	leaq fake_kernel(%rip), %rax\n"
	"	movq %rdi, 0(%rax)\n"
	"	movq %rsi, 8(%rax)\n"
	"	movq %r10, 16(%rax)\n"
	"	movq %r8, 24(%rax)\n"
	"	movq %r9, 32(%rax)\n"
	"	movq %r15, 40(%rax)\n"
	"	movq %rdx, 48(%rax)\n"
	"	movq %r12, 56(%rax)\n"
	"	movq %r13, 64(%rax)\n"
	"	movq %rcx, 72(%rax)\n"
	"	leaq 8(%rsp), %r11\n"
	"	movq %r11, 80(%rax)\n"
	"	movq (%rsp), %r11\n"
	"	movq %r11, 88(%rax)\n"
	"	incq 96(%rax)\n"
	"	cmpq $0, 104(%rax)\n"
	"	je 1f\n"
	"	decq 104(%rax)\n"
	"	subq $2, (%rsp)\n"
	"	ret\n"
	"1:	movq 112(%rax), %rdi\n"
	"	movq 120(%rax), %rsi\n"
	"	movq 128(%rax), %r10\n"
	"	movq 136(%rax), %r8\n"
	"	movq 144(%rax), %r9\n"
	"	movq 152(%rax), %r15\n"
	"	movq $-1, %rcx\n"
	"	movq $-1, %rdx\n"
	"	movq $-1, %r11\n"
	"	movq $-1, %rax\n"
	"	pcmpeqd %xmm0, %xmm0\n"
	"	movaps %xmm0, %xmm1\n"
	"	movaps %xmm0, %xmm7\n"
	"	movaps %xmm0, %xmm8\n"
	"	movaps %xmm0, %xmm15\n"
	"	ret\n"
	".size skerry_syscall, . - skerry_syscall\n");

static seL4_IPCBuffer buffer_storage;
static seL4_IPCBuffer *buffer; /* NULL: the thread has none */
static unsigned buffer_asked;
static seL4_BootInfo boot_info;

seL4_IPCBuffer *skerry_ipc_buffer(void)
{
	buffer_asked++;
	return buffer;
}
seL4_BootInfo *skerry_boot_info(void) { return &boot_info; }
void skerry_exit(int status) { exit(status); }

static void fake_reset(void)
{
	memset(&fake_kernel, 0, sizeof fake_kernel);
	memset(&buffer_storage, 0, sizeof buffer_storage);
	buffer = &buffer_storage;
	buffer_asked = 0;
}

static void fake_answers(seL4_Word badge, seL4_Word info, seL4_Word mr0, seL4_Word mr1, seL4_Word mr2,
			 seL4_Word mr3)
{
	fake_kernel.out_rdi = badge, fake_kernel.out_rsi = info;
	fake_kernel.out_r10 = mr0, fake_kernel.out_r8 = mr1, fake_kernel.out_r9 = mr2,
	fake_kernel.out_r15 = mr3;
}

static seL4_Word number_of(seL4_Syscall_ID number) { return (seL4_Word)number; }

/* ---- layouts ---- */

static void test_a_message_info_is_seL4s_word(void **state)
{
	(void)state;
	assert_int_equal(seL4_MessageInfo_new(1, 0, 0, 0).words[0], 0x1000);
	assert_int_equal(seL4_MessageInfo_new(0, 5, 0, 0).words[0], 0xa00);
	assert_int_equal(seL4_MessageInfo_new(0, 0, 3, 0).words[0], 0x180);
	assert_int_equal(seL4_MessageInfo_new(0, 0, 0, 120).words[0], 0x78);
	assert_int_equal(seL4_MessageInfo_new(0xfffffffffffff, 7, 3, 127).words[0], UINT64_MAX);
	assert_int_equal(seL4_MessageInfo_new(0x12345, 2, 1, 9).words[0], 0x12345489);
}

/* Lengths of 121 and more are the kernel's to cut to 120: a program reads back what it wrote. What does not fit a field
 * must not reach its neighbours. */
static void test_a_field_of_a_message_info_keeps_to_its_bits(void **state)
{
	seL4_MessageInfo_t info = seL4_MessageInfo_new(6, 5, 2, 121);
	(void)state;
	assert_int_equal(seL4_MessageInfo_get_label(info), 6);
	assert_int_equal(seL4_MessageInfo_get_capsUnwrapped(info), 5);
	assert_int_equal(seL4_MessageInfo_get_extraCaps(info), 2);
	assert_int_equal(seL4_MessageInfo_get_length(info), 121);
	info = seL4_MessageInfo_set_length(info, 128 + 3);
	assert_int_equal(seL4_MessageInfo_get_length(info), 3);
	assert_int_equal(seL4_MessageInfo_get_extraCaps(info), 2);
	info = seL4_MessageInfo_set_extraCaps(info, 4 + 1);
	assert_int_equal(seL4_MessageInfo_get_extraCaps(info), 1);
	assert_int_equal(seL4_MessageInfo_get_capsUnwrapped(info), 5);
	seL4_MessageInfo_ptr_set_capsUnwrapped(&info, 8 + 2);
	assert_int_equal(seL4_MessageInfo_ptr_get_capsUnwrapped(&info), 2);
	assert_int_equal(seL4_MessageInfo_get_label(info), 6);
	seL4_MessageInfo_ptr_set_label(&info, UINT64_MAX);
	assert_int_equal(info.words[0], UINT64_C(0xfffffffffffff000) | 2 << 9 | 1 << 7 | 3);
	assert_int_equal(seL4_MessageInfo_new(0, 8, 4, 128).words[0], 0);
	seL4_MessageInfo_ptr_new(&info, 7, 6, 1, 5);
	assert_int_equal(info.words[0], 0x7000 | 6 << 9 | 1 << 7 | 5);
}

static void test_rights_and_guards_are_seL4s_words(void **state)
{
	seL4_CapRights_t rights = seL4_CapRights_new(1, 0, 0, 0);
	seL4_CNode_CapData_t data = seL4_CNode_CapData_new(0x3, 4);
	(void)state;
	assert_int_equal(rights.words[0], 8);
	assert_int_equal(seL4_CapRights_new(0, 1, 0, 0).words[0], 4);
	assert_int_equal(seL4_CapRights_new(0, 0, 1, 0).words[0], 2);
	assert_int_equal(seL4_CapRights_new(0, 0, 0, 1).words[0], 1);
	assert_int_equal(seL4_CapRights_get_capAllowGrantReply(rights), 1);
	rights = seL4_CapRights_set_capAllowRead(rights, 1);
	assert_int_equal(rights.words[0], 10);
	assert_int_equal(seL4_ReadWrite.words[0], 3);
	assert_int_equal(seL4_AllRights.words[0], 15);
	assert_int_equal(seL4_NoWrite.words[0], 14);
	assert_int_equal(seL4_NoRead.words[0], 13);
	assert_int_equal(seL4_NoRights.words[0], 0);
	assert_int_equal(seL4_CanGrant.words[0], 4);
	assert_int_equal(data.words[0], 0xc4);
	assert_int_equal(seL4_CNode_CapData_get_guard(data), 3);
	assert_int_equal(seL4_CNode_CapData_get_guardSize(data), 4);
	assert_int_equal(seL4_CNode_CapData_new(UINT64_MAX >> 6, 63).words[0], UINT64_MAX);
	assert_int_equal(seL4_CNode_CapData_set_guardSize(data, 64 + 5).words[0], 0xc5);
}

static void test_numbers_are_seL4s(void **state)
{
	static const struct {
		const char *name;
		seL4_Word is, must_be;
	} number[] = {
#define NUMBER(name, value) {#name, (seL4_Word)(name), (seL4_Word)(value)}
		/* clang-format off */
		NUMBER(InvalidInvocation, 0), NUMBER(UntypedRetype, 1), NUMBER(TCBReadRegisters, 2),
		NUMBER(TCBWriteRegisters, 3), NUMBER(TCBCopyRegisters, 4), NUMBER(TCBConfigure, 5),
		NUMBER(TCBSetPriority, 6), NUMBER(TCBSetMCPriority, 7), NUMBER(TCBSetSchedParams, 8),
		NUMBER(TCBSetTimeoutEndpoint, 9), NUMBER(TCBSetIPCBuffer, 10), NUMBER(TCBSetSpace, 11),
		NUMBER(TCBSuspend, 12), NUMBER(TCBResume, 13), NUMBER(TCBBindNotification, 14),
		NUMBER(TCBUnbindNotification, 15), NUMBER(TCBSetTLSBase, 16), NUMBER(TCBSetFlags, 17),
		NUMBER(CNodeRevoke, 18), NUMBER(CNodeDelete, 19), NUMBER(CNodeCancelBadgedSends, 20),
		NUMBER(CNodeCopy, 21), NUMBER(CNodeMint, 22), NUMBER(CNodeMove, 23), NUMBER(CNodeMutate, 24),
		NUMBER(CNodeRotate, 25), NUMBER(IRQIssueIRQHandler, 26), NUMBER(IRQAckIRQ, 27),
		NUMBER(IRQSetIRQHandler, 28), NUMBER(IRQClearIRQHandler, 29), NUMBER(DomainSetSet, 30),
		NUMBER(DomainScheduleConfigure, 31), NUMBER(DomainScheduleSetStart, 32),
		NUMBER(SchedControlConfigureFlags, 33), NUMBER(SchedContextBind, 34), NUMBER(SchedContextUnbind, 35),
		NUMBER(SchedContextUnbindObject, 36), NUMBER(SchedContextConsumed, 37), NUMBER(SchedContextYieldTo, 38),
		NUMBER(X86PDPTMap, 39), NUMBER(X86PDPTUnmap, 40), NUMBER(X86PageDirectoryMap, 41),
		NUMBER(X86PageDirectoryUnmap, 42), NUMBER(X86PageTableMap, 43), NUMBER(X86PageTableUnmap, 44),
		NUMBER(X86PageMap, 45), NUMBER(X86PageUnmap, 46), NUMBER(X86PageGetAddress, 47),
		NUMBER(X86ASIDControlMakePool, 48), NUMBER(X86ASIDPoolAssign, 49), NUMBER(X86IOPortControlIssue, 50),
		NUMBER(X86IOPortIn8, 51), NUMBER(X86IOPortIn16, 52), NUMBER(X86IOPortIn32, 53),
		NUMBER(X86IOPortOut8, 54), NUMBER(X86IOPortOut16, 55), NUMBER(X86IOPortOut32, 56),
		NUMBER(X86IRQIssueIRQHandlerIOAPIC, 57), NUMBER(X86IRQIssueIRQHandlerMSI, 58),
		NUMBER(seL4_SysCall, -1), NUMBER(seL4_SysReplyRecv, -2), NUMBER(seL4_SysNBSendRecv, -3),
		NUMBER(seL4_SysNBSendWait, -4), NUMBER(seL4_SysSend, -5), NUMBER(seL4_SysNBSend, -6),
		NUMBER(seL4_SysRecv, -7), NUMBER(seL4_SysNBRecv, -8), NUMBER(seL4_SysWait, -9),
		NUMBER(seL4_SysNBWait, -10), NUMBER(seL4_SysYield, -11), NUMBER(seL4_SysDebugPutChar, -12),
		NUMBER(seL4_SysDebugDumpScheduler, -13), NUMBER(seL4_SysDebugHalt, -14),
		NUMBER(seL4_SysDebugCapIdentify, -15), NUMBER(seL4_SysDebugSnapshot, -16),
		NUMBER(seL4_SysDebugNameThread, -17),
		NUMBER(seL4_NoError, 0), NUMBER(seL4_InvalidArgument, 1), NUMBER(seL4_InvalidCapability, 2),
		NUMBER(seL4_IllegalOperation, 3), NUMBER(seL4_RangeError, 4), NUMBER(seL4_AlignmentError, 5),
		NUMBER(seL4_FailedLookup, 6), NUMBER(seL4_TruncatedMessage, 7), NUMBER(seL4_DeleteFirst, 8),
		NUMBER(seL4_RevokeFirst, 9), NUMBER(seL4_NotEnoughMemory, 10),
		NUMBER(seL4_NoFailure, 0), NUMBER(seL4_InvalidRoot, 1), NUMBER(seL4_MissingCapability, 2),
		NUMBER(seL4_DepthMismatch, 3), NUMBER(seL4_GuardMismatch, 4),
		NUMBER(seL4_UntypedObject, 0), NUMBER(seL4_TCBObject, 1), NUMBER(seL4_EndpointObject, 2),
		NUMBER(seL4_NotificationObject, 3), NUMBER(seL4_CapTableObject, 4), NUMBER(seL4_SchedContextObject, 5),
		NUMBER(seL4_ReplyObject, 6), NUMBER(seL4_X86_PDPTObject, 7), NUMBER(seL4_X64_PML4Object, 8),
		NUMBER(seL4_X64_HugePageObject, 9), NUMBER(seL4_X86_4K, 10), NUMBER(seL4_X86_LargePageObject, 11),
		NUMBER(seL4_X86_PageTableObject, 12), NUMBER(seL4_X86_PageDirectoryObject, 13),
		NUMBER(seL4_SlotBits, 5), NUMBER(seL4_TCBBits, 11), NUMBER(seL4_EndpointBits, 4),
		NUMBER(seL4_NotificationBits, 6), NUMBER(seL4_ReplyBits, 5), NUMBER(seL4_MinSchedContextBits, 7),
		NUMBER(seL4_PageBits, 12), NUMBER(seL4_LargePageBits, 21), NUMBER(seL4_HugePageBits, 30),
		NUMBER(seL4_PageTableBits, 12), NUMBER(seL4_PageDirBits, 12), NUMBER(seL4_PDPTBits, 12),
		NUMBER(seL4_PML4Bits, 12), NUMBER(seL4_ASIDPoolBits, 12), NUMBER(seL4_MinUntypedBits, 4),
		NUMBER(seL4_MaxUntypedBits, 47), NUMBER(seL4_IPCBufferSizeBits, 10), NUMBER(seL4_GuardSizeBits, 6),
		NUMBER(seL4_GuardBits, 58), NUMBER(seL4_BadgeBits, 64), NUMBER(seL4_MsgMaxLength, 120),
		NUMBER(seL4_MsgMaxExtraCaps, 3), NUMBER(seL4_FastMessageRegisters, 4), NUMBER(seL4_MaxPrio, 255),
		NUMBER(seL4_UntypedRetypeMaxObjects, 256), NUMBER(seL4_CoreSchedContextBytes, 128),
		NUMBER(seL4_RefillSizeBytes, 16), NUMBER(seL4_SchedContext_Sporadic, 1),
		NUMBER(seL4_TCBFlag_fpuDisabled, 1), NUMBER(seL4_UserTop, 0x7ffffffff000),
		NUMBER(seL4_CapInitThreadTCB, 1), NUMBER(seL4_CapInitThreadCNode, 2),
		NUMBER(seL4_CapInitThreadVSpace, 3), NUMBER(seL4_CapIRQControl, 4), NUMBER(seL4_CapASIDControl, 5),
		NUMBER(seL4_CapInitThreadASIDPool, 6), NUMBER(seL4_CapIOPortControl, 7), NUMBER(seL4_CapIOSpace, 8),
		NUMBER(seL4_CapBootInfoFrame, 9), NUMBER(seL4_CapInitThreadIPCBuffer, 10), NUMBER(seL4_CapDomain, 11),
		NUMBER(seL4_CapSMMUSIDControl, 12), NUMBER(seL4_CapSMMUCBControl, 13), NUMBER(seL4_CapInitThreadSC, 14),
		NUMBER(seL4_CapSMC, 15), NUMBER(seL4_NumInitialCaps, 16),
		NUMBER(seL4_Fault_NullFault, 0), NUMBER(seL4_Fault_CapFault, 1), NUMBER(seL4_Fault_UnknownSyscall, 2),
		NUMBER(seL4_Fault_UserException, 3), NUMBER(seL4_Fault_Timeout, 5), NUMBER(seL4_Fault_VMFault, 6),
		NUMBER(seL4_CapFault_BitsLeft, 4), NUMBER(seL4_CapFault_DepthMismatch_BitsFound, 5),
		NUMBER(seL4_CapFault_GuardMismatch_GuardFound, 5), NUMBER(seL4_CapFault_GuardMismatch_BitsFound, 6),
		NUMBER(seL4_VMFault_FSR, 3), NUMBER(seL4_VMFault_Length, 4), NUMBER(seL4_UnknownSyscall_R15, 14),
		NUMBER(seL4_UnknownSyscall_FaultIP, 15), NUMBER(seL4_UnknownSyscall_Length, 19),
		NUMBER(seL4_UserException_Length, 5), NUMBER(seL4_Timeout_Length, 2), NUMBER(seL4_TimeoutReply_Length, 19),
	/* clang-format on */
#undef NUMBER
	};
	(void)state;
	for (size_t i = 0; i < sizeof number / sizeof *number; i++)
		if (number[i].is != number[i].must_be)
			fail_msg("%s is %ld and must be %ld", number[i].name, (long)number[i].is,
				 (long)number[i].must_be);
	assert_int_equal(seL4_MaxExtraRefills(seL4_MinSchedContextBits), 0);
	assert_int_equal(seL4_MaxExtraRefills(10), 56);
	assert_int_equal(sizeof(seL4_Error), sizeof(int));
	assert_int_equal(sizeof(seL4_LookupFailureType), sizeof(long));
	assert_int_equal(sizeof(seL4_BootInfo), 3864);
}

/* ---- system calls ---- */

static void expect_entry(seL4_Syscall_ID number, seL4_Word cap, seL4_Word info, seL4_Word mr0, seL4_Word mr1,
			 seL4_Word mr2, seL4_Word mr3)
{
	assert_int_equal(fake_kernel.entries, 1);
	assert_int_equal(fake_kernel.rdx, number_of(number));
	assert_int_equal(fake_kernel.rdi, cap);
	assert_int_equal(fake_kernel.rsi, info);
	assert_int_equal(fake_kernel.r10, mr0);
	assert_int_equal(fake_kernel.r8, mr1);
	assert_int_equal(fake_kernel.r9, mr2);
	assert_int_equal(fake_kernel.r15, mr3);
	assert_int_equal(fake_kernel.rcx, (uintptr_t)skerry_syscall);
	fake_kernel.entries = 0;
}

static void test_a_system_call_takes_its_message_from_the_buffer(void **state)
{
	const seL4_MessageInfo_t info = seL4_MessageInfo_new(7, 0, 0, 4);
	(void)state;
	fake_reset();
	for (int i = 0; i < 4; i++)
		seL4_SetMR(i, (seL4_Word)(i + 11));
	seL4_Send(30, info);
	expect_entry(seL4_SysSend, 30, info.words[0], 11, 12, 13, 14);
	seL4_NBSend(31, info);
	expect_entry(seL4_SysNBSend, 31, info.words[0], 11, 12, 13, 14);
	seL4_Signal(32);
	expect_entry(seL4_SysSend, 32, 1, 0, 0, 0, 0);
	seL4_Yield();
	expect_entry(seL4_SysYield, 0, 0, 0, 0, 0, 0);
	assert_int_equal(seL4_GetMR(3), 14);
}

static void test_a_system_call_leaves_what_it_received_in_the_buffer(void **state)
{
	seL4_Word badge = 0;
	seL4_MessageInfo_t info;
	(void)state;
	fake_reset();
	fake_answers(99, 0x5004, 21, 22, 23, 24);
	info = seL4_Recv(40, &badge, 41);
	expect_entry(seL4_SysRecv, 40, 0, 0, 0, 0, 0);
	assert_int_equal(fake_kernel.r12, 41);
	assert_int_equal(badge, 99);
	assert_int_equal(seL4_MessageInfo_get_label(info), 5);
	for (int i = 0; i < 4; i++)
		assert_int_equal(seL4_GetMR(i), 21 + i);
	seL4_NBRecv(42, NULL, 43); /* nobody asks for the badge */
	expect_entry(seL4_SysNBRecv, 42, 0, 0, 0, 0, 0);
	assert_int_equal(fake_kernel.r12, 43);
	seL4_Wait(44, &badge);
	expect_entry(seL4_SysWait, 44, 0, 0, 0, 0, 0);
	seL4_NBWait(45, &badge);
	expect_entry(seL4_SysNBWait, 45, 0, 0, 0, 0, 0);
	info = seL4_Poll(46, &badge);
	expect_entry(seL4_SysNBWait, 46, 0, 0, 0, 0, 0);
	assert_int_equal(info.words[0], 0x5004);
}

static void test_a_call_sends_and_receives(void **state)
{
	const seL4_MessageInfo_t info = seL4_MessageInfo_new(3, 0, 0, 2);
	seL4_Word badge = 0;
	(void)state;
	fake_reset();
	fake_answers(99, 0x1, 25, 26, 27, 28);
	seL4_SetMR(0, 1);
	assert_int_equal(seL4_Call(50, info).words[0], 1);
	expect_entry(seL4_SysCall, 50, info.words[0], 1, 0, 0, 0);
	seL4_ReplyRecv(51, info, &badge, 52); /* what was received is what is sent now */
	expect_entry(seL4_SysReplyRecv, 51, info.words[0], 25, 26, 27, 28);
	assert_int_equal(fake_kernel.r12, 52);
	assert_int_equal(badge, 99);
	seL4_NBSendRecv(53, info, 54, NULL, 55);
	expect_entry(seL4_SysNBSendRecv, 54, info.words[0], 25, 26, 27, 28);
	assert_int_equal(fake_kernel.r12, 55);
	assert_int_equal(fake_kernel.r13, 53);
	seL4_NBSendWait(56, info, 57, NULL);
	expect_entry(seL4_SysNBSendWait, 57, info.words[0], 25, 26, 27, 28);
	assert_int_equal(fake_kernel.r12, 56); /* where seL4 looks for the destination of NBSendWait */
	assert_int_equal(fake_kernel.r13, 56);
}

static void test_calls_with_mrs_do_not_touch_the_buffer(void **state)
{
	const seL4_MessageInfo_t info = seL4_MessageInfo_new(3, 0, 0, 2);
	seL4_Word a = 1, b = 2, c = 3, badge = 0;
	(void)state;
	fake_reset();
	buffer = NULL;
	fake_answers(98, 0x2003, 31, 32, 33, 34);
	seL4_CallWithMRs(60, info, &a, &b, &c, NULL);
	expect_entry(seL4_SysCall, 60, info.words[0], 1, 2, 0, 0); /* what is beyond the length is not sent */
	assert_true(a == 31 && b == 32 && c == 33);
	seL4_SendWithMRs(61, info, &a, NULL, &c, NULL); /* a send has no answer: all that is given is sent */
	expect_entry(seL4_SysSend, 61, info.words[0], 31, 0, 33, 0);
	seL4_NBSendWithMRs(62, info, NULL, NULL, NULL, NULL);
	expect_entry(seL4_SysNBSend, 62, info.words[0], 0, 0, 0, 0);
	seL4_RecvWithMRs(63, &badge, NULL, &a, NULL, NULL, 64);
	expect_entry(seL4_SysRecv, 63, 0, 0, 0, 0, 0);
	assert_true(a == 32 && badge == 98 && fake_kernel.r12 == 64);
	seL4_WaitWithMRs(65, NULL, NULL, NULL, NULL, &a);
	expect_entry(seL4_SysWait, 65, 0, 0, 0, 0, 0);
	assert_int_equal(a, 34);
	seL4_ReplyRecvWithMRs(66, info, &badge, &a, &b, NULL, NULL, 67);
	expect_entry(seL4_SysReplyRecv, 66, info.words[0], 34, 32, 0, 0);
	assert_int_equal(fake_kernel.r12, 67);
	seL4_NBSendRecvWithMRs(68, info, 69, &badge, &a, &b, NULL, NULL, 70);
	expect_entry(seL4_SysNBSendRecv, 69, info.words[0], 31, 32, 0, 0);
	assert_true(fake_kernel.r12 == 70 && fake_kernel.r13 == 68);
	seL4_NBSendWaitWithMRs(71, info, 72, &badge, NULL, NULL, NULL, NULL);
	expect_entry(seL4_SysNBSendWait, 72, info.words[0], 0, 0, 0, 0);
	assert_true(fake_kernel.r12 == 71);
	seL4_Signal(73);
	seL4_Yield();
	assert_int_equal(buffer_asked, 0);
}

static void test_a_call_with_mrs_sends_as_many_as_its_length_says(void **state)
{
	(void)state;
	fake_reset();
	for (seL4_Word n = 0; n <= 4; n++) {
		const seL4_MessageInfo_t info = seL4_MessageInfo_new(0, 0, 0, n);
		seL4_Word mr[4] = {5, 6, 7, 8};
		seL4_CallWithMRs(60, info, &mr[0], &mr[1], &mr[2], &mr[3]);
		expect_entry(seL4_SysCall, 60, n, n > 0 ? 5 : 0, n > 1 ? 6 : 0, n > 2 ? 7 : 0, n > 3 ? 8 : 0);
	}
}

static void test_debug_calls_have_seL4s_numbers(void **state)
{
	char name[2000];
	(void)state;
	fake_reset();
	fake_answers(4, 0, 0, 0, 0, 0);
	assert_int_equal(seL4_DebugCapIdentify(80), 4);
	expect_entry(seL4_SysDebugCapIdentify, 80, 0, 0, 0, 0, 0);
	seL4_DebugPutChar('\xe9'); /* a char may be signed: one byte goes out */
	expect_entry(seL4_SysDebugPutChar, 0xe9, 0, 0, 0, 0, 0);
	seL4_DebugPutString("ab");
	assert_int_equal(fake_kernel.entries, 2);
	assert_int_equal(fake_kernel.rdi, 'b');
	memset(name, 'n', sizeof name);
	name[sizeof name - 1] = 0;
	seL4_DebugNameThread(81, name);
	assert_int_equal(fake_kernel.rdx, number_of(seL4_SysDebugNameThread));
	assert_int_equal(strlen((const char *)buffer->msg), 959); /* the message registers, and no more */
	assert_int_equal(buffer->userData, 0);
}

/* Data that a function without calls keeps below its stack pointer must outlive a system call in it, also one that is
 * done again, which enters with the same registers and the same stack pointer. */
static __attribute__((noinline)) seL4_Word call_among_locals(seL4_Word x)
{
	volatile seL4_Word local[12];
	struct skerry_message m = {x, x + 1, x + 2, x + 3, x + 4, x + 5};
	for (unsigned i = 0; i < 12; i++)
		local[i] = x * i;
	skerry_enter_dest((seL4_Word)seL4_SysNBSendRecv, &m, x + 6, x + 7);
	for (unsigned i = 0; i < 12; i++)
		if (local[i] != x * i)
			return i + 1;
	return 0;
}

static void test_a_call_that_is_done_again_enters_as_before(void **state)
{
	struct fake first;
	(void)state;
	fake_reset();
	assert_int_equal(call_among_locals(1000), 0);
	first = fake_kernel;
	fake_reset();
	fake_kernel.again = 3;
	assert_int_equal(call_among_locals(1000), 0);
	assert_int_equal(fake_kernel.entries, 4);
	fake_kernel.entries = first.entries;
	assert_memory_equal(&fake_kernel, &first, sizeof first);
	assert_int_equal(first.rdi, 1000);
	assert_int_equal(first.r15, 1005);
	assert_int_equal(first.r12, 1006);
	assert_int_equal(first.r13, 1007);
	/* The instruction before the return address is two bytes: call *%rcx. */
	assert_memory_equal((const unsigned char *)first.return_address - 2, "\xff\xd1", 2);
}

static void test_values_in_vector_registers_outlive_a_call(void **state)
{
	volatile double seed = 1.5;
	(void)state;
	fake_reset();
	const double a = seed * 3, b = seed + 7, c = a * b;
	const long double d = (long double)seed / 3;
	seL4_Yield();
	assert_true(a == 4.5 && b == 8.5 && c == 38.25 && d * 3 == 1.5L);
}

/* ---- invocations ---- */

/* One invocation: what it must have sent. MRs from 4 on, and capabilities, are in the buffer. */
static void expect_invocation(seL4_Word cap, seL4_Word label, seL4_Word caps, seL4_Word length,
			      const seL4_Word *mr, const seL4_Word *extra)
{
	expect_entry(seL4_SysCall, cap, label << 12 | caps << 7 | length, length > 0 ? mr[0] : 0,
		     length > 1 ? mr[1] : 0, length > 2 ? mr[2] : 0, length > 3 ? mr[3] : 0);
	for (seL4_Word i = 4; i < length; i++)
		assert_int_equal(buffer->msg[i], mr[i]);
	for (seL4_Word i = 0; i < caps; i++)
		assert_int_equal(buffer->caps_or_badges[i], extra[i]);
	memset(buffer, 0, sizeof *buffer);
}
#define MRS(...) ((const seL4_Word[]){0, ##__VA_ARGS__} + 1)
#define INVOKES(call, cap, label, caps, capv, length, mrv)                                                   \
	do {                                                                                                 \
		assert_int_equal(call, seL4_NoError);                                                        \
		expect_invocation(cap, label, caps, length, mrv, capv);                                      \
	} while (0)
#define NONE NULL

static void test_invocations_of_memory_and_cnodes_send_seL4s_messages(void **state)
{
	const seL4_CapRights_t rights = seL4_CapRights_new(0, 1, 1, 0);
	(void)state;
	fake_reset();
	INVOKES(seL4_Untyped_Retype(1, 2, 3, 4, 5, 6, 7, 8), 1, 1, 1, MRS(4), 6, MRS(2, 3, 5, 6, 7, 8));
	INVOKES(seL4_CNode_Revoke(1, 2, 200), 1, 18, 0, NONE, 2, MRS(2, 200));
	INVOKES(seL4_CNode_Delete(1, 2, 3), 1, 19, 0, NONE, 2, MRS(2, 3));
	INVOKES(seL4_CNode_CancelBadgedSends(1, 2, 3), 1, 20, 0, NONE, 2, MRS(2, 3));
	INVOKES(seL4_CNode_Copy(1, 2, 3, 4, 5, 6, rights), 1, 21, 1, MRS(4), 5, MRS(2, 3, 5, 6, 6));
	INVOKES(seL4_CNode_Mint(1, 2, 3, 4, 5, 6, rights, 7), 1, 22, 1, MRS(4), 6, MRS(2, 3, 5, 6, 6, 7));
	INVOKES(seL4_CNode_Move(1, 2, 3, 4, 5, 6), 1, 23, 1, MRS(4), 4, MRS(2, 3, 5, 6));
	INVOKES(seL4_CNode_Mutate(1, 2, 3, 4, 5, 6, 7), 1, 24, 1, MRS(4), 5, MRS(2, 3, 5, 6, 7));
	INVOKES(seL4_CNode_Rotate(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), 1, 25, 2, MRS(5, 9), 8,
		MRS(2, 3, 4, 6, 7, 8, 10, 11));
}

static void test_invocations_of_threads_send_seL4s_messages(void **state)
{
	seL4_UserContext regs;
	(void)state;
	fake_reset();
	for (unsigned i = 0; i < 20; i++)
		((seL4_Word *)&regs)[i] = 100 + i;
	INVOKES(seL4_TCB_WriteRegisters(1, 1, 0xfe, 20, &regs), 1, 3, 0, NONE, 22,
		MRS(0xfe01, 20, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114,
		    115, 116, 117, 118, 119));
	INVOKES(seL4_TCB_CopyRegisters(1, 2, 1, 0, 1, 0, 3), 1, 4, 1, MRS(2), 1, MRS(0x305));
	INVOKES(seL4_TCB_CopyRegisters(1, 2, 0, 1, 0, 1, 0), 1, 4, 1, MRS(2), 1, MRS(0xa));
	INVOKES(seL4_TCB_Configure(1, 2, 3, 4, 5, 6, 7), 1, 5, 3, MRS(2, 4, 7), 3, MRS(3, 5, 6));
	INVOKES(seL4_TCB_SetPriority(1, 2, 3), 1, 6, 1, MRS(2), 1, MRS(3));
	INVOKES(seL4_TCB_SetMCPriority(1, 2, 3), 1, 7, 1, MRS(2), 1, MRS(3));
	INVOKES(seL4_TCB_SetSchedParams(1, 2, 3, 4, 5, 6), 1, 8, 3, MRS(2, 5, 6), 2, MRS(3, 4));
	INVOKES(seL4_TCB_SetTimeoutEndpoint(1, 2), 1, 9, 1, MRS(2), 0, NONE);
	INVOKES(seL4_TCB_SetIPCBuffer(1, 2, 3), 1, 10, 1, MRS(3), 1, MRS(2));
	INVOKES(seL4_TCB_SetSpace(1, 2, 3, 4, 5, 6), 1, 11, 3, MRS(2, 3, 5), 2, MRS(4, 6));
	INVOKES(seL4_TCB_Suspend(1), 1, 12, 0, NONE, 0, NONE);
	INVOKES(seL4_TCB_Resume(1), 1, 13, 0, NONE, 0, NONE);
	INVOKES(seL4_TCB_BindNotification(1, 2), 1, 14, 1, MRS(2), 0, NONE);
	INVOKES(seL4_TCB_UnbindNotification(1), 1, 15, 0, NONE, 0, NONE);
	INVOKES(seL4_TCB_SetTLSBase(1, 2), 1, 16, 0, NONE, 1, MRS(2));
}

static void test_invocations_of_time_and_interrupts_send_seL4s_messages(void **state)
{
	(void)state;
	fake_reset();
	INVOKES(seL4_IRQControl_Get(1, 2, 3, 4, 5), 1, 26, 1, MRS(3), 3, MRS(2, 4, 5));
	INVOKES(seL4_IRQControl_Get(1, -1, 3, 4, 5), 1, 26, 1, MRS(3), 3, MRS(0xffffffff, 4, 5));
	INVOKES(seL4_IRQHandler_Ack(1), 1, 27, 0, NONE, 0, NONE);
	INVOKES(seL4_IRQHandler_SetNotification(1, 2), 1, 28, 1, MRS(2), 0, NONE);
	INVOKES(seL4_IRQHandler_Clear(1), 1, 29, 0, NONE, 0, NONE);
	INVOKES(seL4_DomainSet_Set(1, 2, 3), 1, 30, 1, MRS(3), 1, MRS(2));
	INVOKES(seL4_DomainSet_ScheduleConfigure(1, 2, 3, 4), 1, 31, 0, NONE, 3, MRS(2, 3, 4));
	INVOKES(seL4_DomainSet_ScheduleSetStart(1, 2), 1, 32, 0, NONE, 1, MRS(2));
	INVOKES(seL4_SchedControl_ConfigureFlags(1, 2, 3, 4, 5, 6, 7), 1, 33, 1, MRS(2), 5,
		MRS(3, 4, 5, 6, 7));
	INVOKES(seL4_SchedControl_Configure(1, 2, 3, 4, 5, 6), 1, 33, 1, MRS(2), 5, MRS(3, 4, 5, 6, 0));
	INVOKES(seL4_SchedContext_Bind(1, 2), 1, 34, 1, MRS(2), 0, NONE);
	INVOKES(seL4_SchedContext_Unbind(1), 1, 35, 0, NONE, 0, NONE);
	INVOKES(seL4_SchedContext_UnbindObject(1, 2), 1, 36, 1, MRS(2), 0, NONE);
	INVOKES(seL4_IRQControl_GetIOAPIC(1, 2, 3, 4, 5, 6, 7, 8, 9), 1, 57, 1, MRS(2), 7,
		MRS(3, 4, 5, 6, 7, 8, 9));
	INVOKES(seL4_IRQControl_GetMSI(1, 2, 3, 4, 5, 6, 7, 8, 9), 1, 58, 1, MRS(2), 7,
		MRS(3, 4, 5, 6, 7, 8, 9));
}

static void test_invocations_of_x86_send_seL4s_messages(void **state)
{
	const seL4_X86_VMAttributes attr = seL4_X86_CacheDisabled;
	(void)state;
	fake_reset();
	INVOKES(seL4_X86_PDPT_Map(1, 2, 3, attr), 1, 39, 1, MRS(2), 2, MRS(3, 2));
	INVOKES(seL4_X86_PDPT_Unmap(1), 1, 40, 0, NONE, 0, NONE);
	INVOKES(seL4_X86_PageDirectory_Map(1, 2, 3, attr), 1, 41, 1, MRS(2), 2, MRS(3, 2));
	INVOKES(seL4_X86_PageDirectory_Unmap(1), 1, 42, 0, NONE, 0, NONE);
	INVOKES(seL4_X86_PageTable_Map(1, 2, 3, attr), 1, 43, 1, MRS(2), 2, MRS(3, 2));
	INVOKES(seL4_X86_PageTable_Unmap(1), 1, 44, 0, NONE, 0, NONE);
	INVOKES(seL4_X86_Page_Map(1, 2, 3, seL4_CanRead, attr), 1, 45, 1, MRS(2), 3, MRS(3, 2, 2));
	INVOKES(seL4_X86_Page_Unmap(1), 1, 46, 0, NONE, 0, NONE);
	INVOKES(seL4_X86_ASIDControl_MakePool(1, 2, 3, 4, 5), 1, 48, 2, MRS(2, 3), 2, MRS(4, 5));
	INVOKES(seL4_X86_ASIDPool_Assign(1, 2), 1, 49, 1, MRS(2), 0, NONE);
	INVOKES(seL4_X86_IOPortControl_Issue(1, 2, 3, 4, 5, 6), 1, 50, 1, MRS(4), 4, MRS(2, 3, 5, 6));
	INVOKES(seL4_X86_IOPort_Out8(1, 2, 3), 1, 54, 0, NONE, 2, MRS(2, 3));
	INVOKES(seL4_X86_IOPort_Out16(1, 2, 3), 1, 55, 0, NONE, 2, MRS(2, 3));
	INVOKES(seL4_X86_IOPort_Out32(1, 2, 3), 1, 56, 0, NONE, 2, MRS(2, 3));
}

static void test_invocations_hand_back_what_was_answered(void **state)
{
	(void)state;
	fake_reset();
	fake_answers(0, 1, 0x123456789, 2, 3, 4);
	assert_int_equal(seL4_TCB_SetFlags(1, 1, 0).flags, 0x123456789);
	expect_invocation(1, 17, 0, 2, MRS(1, 0), NULL);
	assert_int_equal(seL4_SchedContext_Consumed(1).consumed, 0x123456789);
	expect_invocation(1, 37, 0, 0, NULL, NULL);
	assert_int_equal(seL4_SchedContext_YieldTo(1).consumed, 0x123456789);
	expect_invocation(1, 38, 0, 0, NULL, NULL);
	assert_int_equal(seL4_X86_Page_GetAddress(1).paddr, 0x123456789);
	expect_invocation(1, 47, 0, 0, NULL, NULL);
	assert_int_equal(seL4_X86_IOPort_In8(1, 9).result, 0x89);
	expect_invocation(1, 51, 0, 1, MRS(9), NULL);
	assert_int_equal(seL4_X86_IOPort_In16(1, 9).result, 0x6789);
	expect_invocation(1, 52, 0, 1, MRS(9), NULL);
	assert_int_equal(seL4_X86_IOPort_In32(1, 9).result, 0x23456789);
	expect_invocation(1, 53, 0, 1, MRS(9), NULL);
	assert_int_equal(seL4_GetMR(0), 0); /* success leaves the buffer alone */
}

static void test_registers_are_read_in_seL4s_order(void **state)
{
	seL4_UserContext regs;
	(void)state;
	fake_reset();
	fake_answers(0, 20, 100, 101, 102, 103);
	for (int i = 4; i < 20; i++)
		seL4_SetMR(i, (seL4_Word)(100 + i));
	assert_int_equal(seL4_TCB_ReadRegisters(1, 1, 2, 20, &regs), seL4_NoError);
	expect_entry(seL4_SysCall, 1, 2 << 12 | 2, 0x201, 20, 0, 0);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(((seL4_Word *)&regs)[i], 100 + i);
}

static void test_an_error_leaves_its_registers_in_the_buffer(void **state)
{
	(void)state;
	fake_reset();
	fake_answers(0, seL4_MessageInfo_new(seL4_FailedLookup, 0, 0, 3).words[0], 1, 2, 21, 44);
	assert_int_equal(seL4_X86_Page_Map(1, 2, 3, seL4_AllRights, seL4_X86_Default_VMAttributes),
			 seL4_FailedLookup);
	assert_true(seL4_GetMR(0) == 1 && seL4_GetMR(1) == 2 && seL4_GetMR(3) == 44);
	assert_int_equal(seL4_MappingFailedLookupLevel(), SEL4_MAPPING_LOOKUP_NO_PT);
	assert_int_equal(seL4_SchedContext_Consumed(1).error, seL4_FailedLookup);
	assert_string_equal(sel4_strerror(seL4_RevokeFirst), "seL4_RevokeFirst");
	assert_string_equal(sel4_strerror(11), "unknown error");
}

/* ---- buffer, boot info, faults ---- */

static void test_the_buffer_is_the_current_threads(void **state)
{
	static seL4_IPCBuffer other;
	seL4_CPtr root, index;
	seL4_Word depth;
	(void)state;
	fake_reset();
	seL4_SetIPCBuffer(&other); /* the kernel knows better */
	assert_ptr_equal(seL4_GetIPCBuffer(), &buffer_storage);
	seL4_SetMR(119, 5);
	assert_int_equal(buffer->msg[119], 5);
	seL4_SetUserData(6);
	assert_true(seL4_GetUserData() == 6 && buffer->userData == 6);
	seL4_SetCap(2, 7);
	assert_true(seL4_GetCap(2) == 7 && seL4_GetBadge(2) == 7);
	seL4_SetCapReceivePath(8, 9, 10);
	assert_true(buffer->receiveCNode == 8 && buffer->receiveIndex == 9 && buffer->receiveDepth == 10);
	seL4_GetCapReceivePath(&root, &index, &depth);
	assert_true(root == 8 && index == 9 && depth == 10);
	seL4_GetCapReceivePath(NULL, NULL, NULL);
	buffer = &other; /* another thread runs now */
	assert_int_equal(seL4_GetMR(119), 0);
	seL4_InitBootInfo(NULL);
	assert_ptr_equal(seL4_GetBootInfo(), &boot_info);
	assert_ptr_equal(platsupport_get_bootinfo(), &boot_info);
	assert_ptr_equal(sel4runtime_bootinfo(), &boot_info);
	assert_int_equal(sel4runtime_set_tls_variable(0, not_a_variable, 1), 0);
}

/* As programs declare it, who link no library of seL4's: here it is a function, which is declared again. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wstrict-prototypes"
extern LIBSEL4_THREAD_LOCAL seL4_IPCBuffer *__sel4_ipc_buffer;
#pragma GCC diagnostic pop

static void test_a_program_may_name_the_variable_behind_the_buffer(void **state)
{
	static seL4_IPCBuffer other[3];
	seL4_IPCBuffer **mine;
	(void)state;
	fake_reset();
	assert_ptr_equal(__sel4_ipc_buffer, &buffer_storage);
	__sel4_ipc_buffer->msg[7] = 70;
	assert_int_equal(seL4_GetMR(7), 70);
	__sel4_ipc_buffer = &other[0]; /* the kernel knows better */
	assert_ptr_equal(__sel4_ipc_buffer, &buffer_storage);
	/* Other threads run after this one has asked and before it reads. */
	mine = &__sel4_ipc_buffer;
	for (unsigned i = 0; i < 3; i++) {
		buffer = &other[i];
		assert_ptr_equal(__sel4_ipc_buffer, &other[i]);
	}
	buffer = NULL;
	assert_null(__sel4_ipc_buffer);
	assert_ptr_equal(*mine, &buffer_storage);
	assert_int_equal(sel4runtime_set_tls_variable(0, __sel4_ipc_buffer, 1), 0);
}

static void test_older_names_are_still_there(void **state)
{
	seL4_PageFaultIpcRegisters fault = {.regs = {1, 2, 3, 4}};
	(void)state;
	fake_reset();
	assert_true(fault.raw[SEL4_PFIPC_FAULT_IP] == 1 && fault.raw[SEL4_PFIPC_FAULT_ADDR] == 2);
	assert_true(fault.raw[SEL4_PFIPC_PREFETCH_FAULT] == 3 && fault.raw[SEL4_PFIPC_FSR] == 4);
	assert_true(SEL4_PFIPC_LABEL == 6 && SEL4_PFIPC_LENGTH == 4 && SEL4_EXCEPT_IPC_LABEL == 2);
	assert_true(SEL4_USER_EXCEPTION_LABEL == 3 && SEL4_USER_EXCEPTION_LENGTH == 5);
	seL4_SetTag(seL4_MessageInfo_new(seL4_VMFault, 0, 0, 4));
	assert_true(seL4_isPageFault_MSG() && seL4_isPageFault_Tag(seL4_GetTag()));
	assert_true(seL4_isExceptIPC_Tag(seL4_MessageInfo_new(seL4_UnknownSyscall, 0, 0, 0)));
	seL4_ExceptIPC_Set(3, 9);
	assert_int_equal(seL4_ExceptIPC_Get(3), 9);
	assert_true(seL4_IsArchSyscallFrom(seL4_MessageInfo_new(0, 0, 0, 19)));
	assert_false(seL4_IsArchExceptionFrom(seL4_MessageInfo_new(0, 0, 0, 5)));
	assert_true(seL4_X86_VCPUBits == 14 && seL4_X86_EPTPML4Bits == 12);
	assert_int_equal(seL4_X86_EPT_Default_VMAttributes, 6);
}

static void test_a_fault_message_becomes_a_fault(void **state)
{
	seL4_Fault_t fault;
	(void)state;
	fake_reset();
	for (int i = 0; i < 20; i++)
		seL4_SetMR(i, (seL4_Word)(50 + i));
	fault = seL4_getFault(seL4_MessageInfo_new(seL4_Fault_VMFault, 0, 0, 4));
	assert_int_equal(seL4_Fault_get_seL4_FaultType(fault), 6);
	assert_int_equal(seL4_Fault_VMFault_get_IP(fault), 50);
	assert_int_equal(seL4_Fault_VMFault_get_Addr(fault), 51);
	assert_int_equal(seL4_Fault_VMFault_get_PrefetchFault(fault), 52);
	assert_int_equal(seL4_Fault_VMFault_get_FSR(fault), 53);
	fault = seL4_getFault(seL4_MessageInfo_new(seL4_Fault_CapFault, 0, 0, 7));
	assert_int_equal(seL4_Fault_CapFault_get_IP(fault), 50);
	assert_int_equal(seL4_Fault_CapFault_get_LookupFailureType(fault), 53);
	assert_int_equal(seL4_Fault_CapFault_ptr_get_MR6(&fault), 56);
	fault = seL4_getFault(seL4_MessageInfo_new(seL4_Fault_UnknownSyscall, 0, 0, 19));
	assert_int_equal(seL4_Fault_UnknownSyscall_get_RAX(fault), 50);
	assert_int_equal(seL4_Fault_UnknownSyscall_get_FaultIP(fault), 65);
	assert_int_equal(seL4_Fault_UnknownSyscall_get_RSP(fault), 66);
	assert_int_equal(seL4_Fault_UnknownSyscall_get_Syscall(fault), 68);
	fault = seL4_getFault(seL4_MessageInfo_new(seL4_Fault_UserException, 0, 0, 5));
	assert_int_equal(seL4_Fault_UserException_get_FaultIP(fault), 50);
	assert_int_equal(seL4_Fault_UserException_get_Stack(fault), 51);
	assert_int_equal(seL4_Fault_UserException_get_Code(fault), 54);
	fault = seL4_getFault(seL4_MessageInfo_new(seL4_Fault_Timeout, 0, 0, 2));
	assert_int_equal(seL4_Fault_Timeout_get_data(fault), 50);
	assert_int_equal(seL4_Fault_Timeout_get_consumed(fault), 51);
	fault = seL4_getFault(seL4_MessageInfo_new(4, 0, 0, 2));
	assert_true(seL4_Fault_seL4_FaultType_equals(fault, seL4_Fault_NullFault));
}

static void test_a_fault_is_the_same_however_it_is_made(void **state)
{
	seL4_Fault_t made = seL4_Fault_VMFault_new(50, 51, 52, 53), got;
	(void)state;
	fake_reset();
	for (int i = 0; i < 20; i++)
		seL4_SetMR(i, (seL4_Word)(50 + i));
	got = seL4_getFault(seL4_MessageInfo_new(seL4_Fault_VMFault, 0, 0, 4));
	assert_memory_equal(&made, &got, sizeof got);
	made = seL4_Fault_CapFault_new(50, 51, 52, 53, 54, 55, 56);
	got = seL4_getFault(seL4_MessageInfo_new(seL4_Fault_CapFault, 0, 0, 7));
	assert_memory_equal(&made, &got, sizeof got);
	made = seL4_Fault_UserException_set_Number(made, 9);
	assert_int_equal(seL4_Fault_UserException_get_Number(made), 9);
	assert_true(seL4_isVMFault_tag(seL4_MessageInfo_new(6, 0, 0, 0)));
	assert_true(seL4_isTimeoutFault_tag(seL4_MessageInfo_new(5, 0, 0, 0)));
	assert_false(seL4_isCapFault_tag(seL4_MessageInfo_new(2, 0, 0, 0)));
}

static void test_a_reply_to_a_timeout_is_a_register_file(void **state)
{
	seL4_UserContext regs;
	(void)state;
	fake_reset();
	for (unsigned i = 0; i < 20; i++)
		((seL4_Word *)&regs)[i] = 100 + i;
	assert_int_equal(seL4_TimeoutReply_new(1, regs, seL4_TimeoutReply_Length).words[0], 19);
	assert_int_equal(seL4_GetMR(seL4_TimeoutReply_RDI), 108);
	assert_int_equal(seL4_GetMR(seL4_TimeoutReply_TLS_BASE), 118);
	assert_int_equal(seL4_TimeoutReply_new(0, regs, 0).words[0], 0x1000); /* label 1: it stays stopped */
}

static void test_a_new_thread_starts_with_an_aligned_stack(void **state)
{
	static char stack[4096];
	seL4_UserContext regs = {0};
	(void)state;
	sel4utils_arch_init_local_context((sel4utils_thread_entry_fn)0x1234, (void *)1, (void *)2, (void *)3,
					  stack + sizeof stack, &regs);
	assert_int_equal(regs.rsp % 16, 8); /* as behind a call */
	assert_true(regs.rip == 0x1234 && regs.rdi == 1 && regs.rsi == 2 && regs.rdx == 3);
}

static void test_utilities_round_and_mask(void **state)
{
	(void)state;
	assert_int_equal(BIT(12), 4096);
	assert_int_equal(MASK(12), 4095);
	assert_int_equal(MASK(64), UINT64_MAX);
	assert_int_equal(ALIGN_UP(4097ul, 4096ul), 8192);
	assert_int_equal(ALIGN_DOWN(4097ul, 4096ul), 4096);
	assert_int_equal(ROUND_UP(7, 3), 9);
	assert_int_equal(LOG_BASE_2(4096ul), 12);
	assert_true(IS_ALIGNED(8192, 12) && !IS_ALIGNED(8193, 12) && IS_POWER_OF_2(64) && !IS_POWER_OF_2(0));
	assert_int_equal(CLAMP(1, 9, 5), 5);
	assert_int_equal(ARRAY_SIZE(boot_info.untypedList), 230);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_message_info_is_seL4s_word),
		cmocka_unit_test(test_a_field_of_a_message_info_keeps_to_its_bits),
		cmocka_unit_test(test_rights_and_guards_are_seL4s_words),
		cmocka_unit_test(test_numbers_are_seL4s),
		cmocka_unit_test(test_a_system_call_takes_its_message_from_the_buffer),
		cmocka_unit_test(test_a_system_call_leaves_what_it_received_in_the_buffer),
		cmocka_unit_test(test_a_call_sends_and_receives),
		cmocka_unit_test(test_calls_with_mrs_do_not_touch_the_buffer),
		cmocka_unit_test(test_a_call_with_mrs_sends_as_many_as_its_length_says),
		cmocka_unit_test(test_debug_calls_have_seL4s_numbers),
		cmocka_unit_test(test_a_call_that_is_done_again_enters_as_before),
		cmocka_unit_test(test_values_in_vector_registers_outlive_a_call),
		cmocka_unit_test(test_invocations_of_memory_and_cnodes_send_seL4s_messages),
		cmocka_unit_test(test_invocations_of_threads_send_seL4s_messages),
		cmocka_unit_test(test_invocations_of_time_and_interrupts_send_seL4s_messages),
		cmocka_unit_test(test_invocations_of_x86_send_seL4s_messages),
		cmocka_unit_test(test_invocations_hand_back_what_was_answered),
		cmocka_unit_test(test_registers_are_read_in_seL4s_order),
		cmocka_unit_test(test_an_error_leaves_its_registers_in_the_buffer),
		cmocka_unit_test(test_the_buffer_is_the_current_threads),
		cmocka_unit_test(test_a_program_may_name_the_variable_behind_the_buffer),
		cmocka_unit_test(test_older_names_are_still_there),
		cmocka_unit_test(test_a_fault_message_becomes_a_fault),
		cmocka_unit_test(test_a_fault_is_the_same_however_it_is_made),
		cmocka_unit_test(test_a_reply_to_a_timeout_is_a_register_file),
		cmocka_unit_test(test_a_new_thread_starts_with_an_aligned_stack),
		cmocka_unit_test(test_utilities_round_and_mask),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
