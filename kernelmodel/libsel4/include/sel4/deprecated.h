/* sel4/deprecated.h - older names that programs still use. Layer: libsel4. Source: seL4 16.0. */
#ifndef SKERRY_LIBSEL4_DEPRECATED_H
#define SKERRY_LIBSEL4_DEPRECATED_H
#include <sel4/faults.h>
#include <sel4/types.h>

#define seL4_CapInitThreadPD seL4_CapInitThreadVSpace
#define seL4_NoFault         seL4_Fault_NullFault
#define seL4_CapFault        seL4_Fault_CapFault
#define seL4_UnknownSyscall  seL4_Fault_UnknownSyscall
#define seL4_UserException   seL4_Fault_UserException
#define seL4_VMFault         seL4_Fault_VMFault

#define SEL4_PFIPC_LABEL           seL4_Fault_VMFault
#define SEL4_PFIPC_LENGTH          seL4_VMFault_Length
#define SEL4_PFIPC_FAULT_IP        seL4_VMFault_IP
#define SEL4_PFIPC_FAULT_ADDR      seL4_VMFault_Addr
#define SEL4_PFIPC_PREFETCH_FAULT  seL4_VMFault_PrefetchFault
#define SEL4_PFIPC_FSR             seL4_VMFault_FSR
#define SEL4_EXCEPT_IPC_LABEL      seL4_Fault_UnknownSyscall
#define SEL4_USER_EXCEPTION_LABEL  seL4_Fault_UserException
#define SEL4_USER_EXCEPTION_LENGTH seL4_UserException_Length

typedef seL4_CapRights_t seL4_CapRights;
typedef seL4_Fault_tag_t seL4_FaultType;
typedef seL4_Word seL4_CapData_t;
/* The message of a VM fault, by name or by number. */
typedef union {
	struct {
		seL4_Word fault_ip, fault_addr, prefetch_fault, fsr;
	} regs;
	seL4_Word raw[4];
} seL4_PageFaultIpcRegisters;

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_GetTag(void) { return seL4_GetIPCBuffer()->tag; }
LIBSEL4_INLINE_FUNC void seL4_SetTag(seL4_MessageInfo_t tag) { seL4_GetIPCBuffer()->tag = tag; }
LIBSEL4_INLINE_FUNC seL4_Word seL4_PF_FIP(void) { return seL4_GetMR(seL4_VMFault_IP); }
LIBSEL4_INLINE_FUNC seL4_Word seL4_PF_Addr(void) { return seL4_GetMR(seL4_VMFault_Addr); }
LIBSEL4_INLINE_FUNC seL4_Word seL4_isPageFault_Tag(seL4_MessageInfo_t tag)
{
	return (seL4_Word)seL4_isVMFault_tag(tag);
}
LIBSEL4_INLINE_FUNC seL4_Word seL4_isPageFault_MSG(void) { return seL4_isPageFault_Tag(seL4_GetTag()); }
LIBSEL4_INLINE_FUNC seL4_Word seL4_isExceptIPC_Tag(seL4_MessageInfo_t tag)
{
	return (seL4_Word)seL4_isUnknownSyscall_tag(tag);
}
LIBSEL4_INLINE_FUNC seL4_Word seL4_ExceptIPC_Get(seL4_Word mr) { return seL4_GetMR((int)mr); }
LIBSEL4_INLINE_FUNC void seL4_ExceptIPC_Set(seL4_Word index, seL4_Word val) { seL4_SetMR((int)index, val); }
/* Both ask for the length of an unknown system call's message: seL4 has them so. */
LIBSEL4_INLINE_FUNC seL4_Word seL4_IsArchSyscallFrom(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_length(tag) == seL4_UnknownSyscall_Length;
}
LIBSEL4_INLINE_FUNC seL4_Word seL4_IsArchExceptionFrom(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_length(tag) == seL4_UnknownSyscall_Length;
}
LIBSEL4_INLINE_FUNC seL4_Word seL4_CapData_Badge_new(seL4_Word badge) { return badge; }
LIBSEL4_INLINE_FUNC seL4_Word seL4_CapData_Guard_new(seL4_Word guard, seL4_Word bits)
{
	return seL4_CNode_CapData_new(guard, bits).words[0];
}

#endif
