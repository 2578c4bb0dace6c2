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
#define SEL4_PFIPC_LABEL     seL4_Fault_VMFault
#define SEL4_PFIPC_LENGTH    seL4_VMFault_Length

typedef seL4_CapRights_t seL4_CapRights;
typedef seL4_Fault_tag_t seL4_FaultType;
typedef seL4_Word seL4_CapData_t;

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_GetTag(void) { return seL4_GetIPCBuffer()->tag; }
LIBSEL4_INLINE_FUNC void seL4_SetTag(seL4_MessageInfo_t tag) { seL4_GetIPCBuffer()->tag = tag; }
LIBSEL4_INLINE_FUNC seL4_Word seL4_PF_FIP(void) { return seL4_GetMR(seL4_VMFault_IP); }
LIBSEL4_INLINE_FUNC seL4_Word seL4_PF_Addr(void) { return seL4_GetMR(seL4_VMFault_Addr); }
LIBSEL4_INLINE_FUNC seL4_Word seL4_isPageFault_Tag(seL4_MessageInfo_t tag)
{
	return (seL4_Word)seL4_isVMFault_tag(tag);
}
LIBSEL4_INLINE_FUNC seL4_Word seL4_CapData_Badge_new(seL4_Word badge) { return badge; }
LIBSEL4_INLINE_FUNC seL4_Word seL4_CapData_Guard_new(seL4_Word guard, seL4_Word bits)
{
	return seL4_CNode_CapData_new(guard, bits).words[0];
}

#endif
