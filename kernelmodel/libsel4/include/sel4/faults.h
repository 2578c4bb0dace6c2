/* sel4/faults.h - fault messages as values, and the reply to a timeout. Layer: libsel4. Source: seL4 16.0, x86_64. */
#ifndef SKERRY_LIBSEL4_FAULTS_H
#define SKERRY_LIBSEL4_FAULTS_H
#include <sel4/functions.h>
#include <sel4/types.h>

LIBSEL4_INLINE_FUNC seL4_Bool seL4_isVMFault_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_VMFault;
}
LIBSEL4_INLINE_FUNC seL4_Bool seL4_isUnknownSyscall_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_UnknownSyscall;
}
LIBSEL4_INLINE_FUNC seL4_Bool seL4_isUserException_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_UserException;
}
LIBSEL4_INLINE_FUNC seL4_Bool seL4_isNullFault_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_NullFault;
}
LIBSEL4_INLINE_FUNC seL4_Bool seL4_isCapFault_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_CapFault;
}
LIBSEL4_INLINE_FUNC seL4_Bool seL4_isTimeoutFault_tag(seL4_MessageInfo_t tag)
{
	return seL4_MessageInfo_get_label(tag) == seL4_Fault_Timeout;
}

/* Of the fault message in the IPC buffer, whose words are those of its kind in the same order, last first. */
LIBSEL4_INLINE_FUNC seL4_Fault_t skerry_fault_of_buffer(seL4_Word kind, int length)
{
	const seL4_Word *msg = seL4_GetIPCBuffer()->msg;
	seL4_Fault_t fault = seL4_Fault_NullFault_new();
	fault.words[0] = kind;
	for (int i = 0; i < length; i++)
		fault.words[length - i] = msg[i];
	return fault;
}

LIBSEL4_INLINE_FUNC seL4_Fault_t seL4_getArchFault(seL4_MessageInfo_t tag)
{
	const seL4_Word kind = seL4_MessageInfo_get_label(tag);
	if (kind == seL4_Fault_UnknownSyscall)
		return skerry_fault_of_buffer(kind, seL4_UnknownSyscall_Length);
	if (kind == seL4_Fault_UserException)
		return skerry_fault_of_buffer(kind, seL4_UserException_Length);
	if (kind == seL4_Fault_VMFault)
		return skerry_fault_of_buffer(kind, seL4_VMFault_Length);
	if (kind == seL4_Fault_Timeout)
		return skerry_fault_of_buffer(kind, seL4_Timeout_Length);
	return seL4_Fault_NullFault_new();
}

LIBSEL4_INLINE_FUNC seL4_Fault_t seL4_getFault(seL4_MessageInfo_t tag)
{
	if (seL4_isCapFault_tag(tag))
		return skerry_fault_of_buffer(seL4_Fault_CapFault, seL4_CapFault_GuardMismatch_BitsFound + 1);
	return seL4_getArchFault(tag);
}

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_TimeoutReply_new(seL4_Bool resume, seL4_UserContext regs,
							     seL4_Word length)
{
	const seL4_Word *reg = (const seL4_Word *)&regs;
	for (seL4_Word i = 0; i < length; i++)
		seL4_SetMR((int)i, reg[i]);
	return seL4_MessageInfo_new(!resume, 0, 0, length);
}

#endif
