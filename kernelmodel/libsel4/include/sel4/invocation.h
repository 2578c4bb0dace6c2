/* sel4/invocation.h - labels of the invocations of kernel objects. Layer: libsel4.
 *
 * Source: seL4 16.0, MCS, x86_64, without IOMMU and VT-x, whose methods would shift what follows them. */
#ifndef SKERRY_LIBSEL4_INVOCATION_H
#define SKERRY_LIBSEL4_INVOCATION_H
#include <sel4/macros.h>

enum invocation_label {
	InvalidInvocation = 0,
	UntypedRetype,
	TCBReadRegisters,
	TCBWriteRegisters,
	TCBCopyRegisters,
	TCBConfigure,
	TCBSetPriority,
	TCBSetMCPriority,
	TCBSetSchedParams,
	TCBSetTimeoutEndpoint,
	TCBSetIPCBuffer,
	TCBSetSpace,
	TCBSuspend,
	TCBResume,
	TCBBindNotification,
	TCBUnbindNotification,
	TCBSetTLSBase,
	TCBSetFlags,
	CNodeRevoke,
	CNodeDelete,
	CNodeCancelBadgedSends,
	CNodeCopy,
	CNodeMint,
	CNodeMove,
	CNodeMutate,
	CNodeRotate,
	IRQIssueIRQHandler,
	IRQAckIRQ,
	IRQSetIRQHandler,
	IRQClearIRQHandler,
	DomainSetSet,
	DomainScheduleConfigure,
	DomainScheduleSetStart,
	SchedControlConfigureFlags,
	SchedContextBind,
	SchedContextUnbind,
	SchedContextUnbindObject,
	SchedContextConsumed,
	SchedContextYieldTo,
	nInvocationLabels
};

enum sel4_arch_invocation_label { X86PDPTMap = nInvocationLabels, X86PDPTUnmap, nSeL4ArchInvocationLabels };

enum arch_invocation_label {
	X86PageDirectoryMap = nSeL4ArchInvocationLabels,
	X86PageDirectoryUnmap,
	X86PageTableMap,
	X86PageTableUnmap,
	X86PageMap,
	X86PageUnmap,
	X86PageGetAddress,
	X86ASIDControlMakePool,
	X86ASIDPoolAssign,
	X86IOPortControlIssue,
	X86IOPortIn8,
	X86IOPortIn16,
	X86IOPortIn32,
	X86IOPortOut8,
	X86IOPortOut16,
	X86IOPortOut32,
	X86IRQIssueIRQHandlerIOAPIC,
	X86IRQIssueIRQHandlerMSI,
	nArchInvocationLabels
};

SKERRY_STATIC_ASSERT(TCBSetFlags == 17 && CNodeRevoke == 18 && CNodeRotate == 25,
		     "labels of threads and CNodes");
SKERRY_STATIC_ASSERT(IRQIssueIRQHandler == 26 && DomainSetSet == 30, "labels of interrupts and domains");
SKERRY_STATIC_ASSERT(SchedControlConfigureFlags == 33 && SchedContextYieldTo == 38,
		     "labels of scheduling contexts");
SKERRY_STATIC_ASSERT(X86PDPTMap == 39 && X86ASIDControlMakePool == 48 && X86ASIDPoolAssign == 49,
		     "labels of x86");
SKERRY_STATIC_ASSERT(X86IRQIssueIRQHandlerMSI == 58, "labels of x86");

#endif
