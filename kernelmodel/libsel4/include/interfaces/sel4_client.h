/* interfaces/sel4_client.h - invocations of kernel objects. Layer: libsel4.
 *
 * Each says its label, how many capabilities and message registers it sends, and the first four of these; further ones,
 * and the capabilities, it puts into the IPC buffer before. A parameter narrower than a word fills one, but for the flags
 * of Read-, Write- and CopyRegisters, which share one. What is answered comes in registers; an error's message registers
 * are left in the buffer as well (seL4_GetMR()). Names, parameters and their places: seL4 16.0, x86_64, MCS. */
#ifndef SKERRY_LIBSEL4_INTERFACES_SEL4_CLIENT_H
#define SKERRY_LIBSEL4_INTERFACES_SEL4_CLIENT_H
#include <sel4/functions.h>
#include <sel4/invocation.h>
#include <sel4/syscalls.h>
#include <sel4/types.h>

/* Sends, and leaves in `mr` what message registers 0 to 3 hold then. */
LIBSEL4_INLINE seL4_Error skerry_invoke_mrs(seL4_CPtr service, seL4_Word label, seL4_Word caps,
					    seL4_Word length, seL4_Word mr[4])
{
	struct skerry_message m = {
		service, seL4_MessageInfo_new(label, 0, caps, length).words[0], mr[0], mr[1], mr[2], mr[3]};
	skerry_enter_reply((seL4_Word)seL4_SysCall, &m, 0);
	seL4_MessageInfo_t info;
	info.words[0] = m.info;
	const seL4_Error error = (seL4_Error)seL4_MessageInfo_get_label(info);
	if (error != seL4_NoError)
		skerry_message_to_buffer(&m, 0);
	mr[0] = m.mr0, mr[1] = m.mr1, mr[2] = m.mr2, mr[3] = m.mr3;
	return error;
}

LIBSEL4_INLINE seL4_Error skerry_invoke(seL4_CPtr service, seL4_Word label, seL4_Word caps, seL4_Word length,
					seL4_Word mr0, seL4_Word mr1, seL4_Word mr2, seL4_Word mr3)
{
	seL4_Word mr[4] = {mr0, mr1, mr2, mr3};
	return skerry_invoke_mrs(service, label, caps, length, mr);
}

/* What a method answers beside its error. In C the struct has the method's name; C++ would take that for hiding it. */
#ifdef __cplusplus
#define SKERRY_RESULT(method, type, name)                                                                    \
	typedef struct {                                                                                     \
		int error;                                                                                   \
		type name;                                                                                   \
	} method##_t;
#else
#define SKERRY_RESULT(method, type, name)                                                                    \
	struct method {                                                                                      \
		int error;                                                                                   \
		type name;                                                                                   \
	};                                                                                                   \
	typedef struct method method##_t;
#endif

LIBSEL4_INLINE seL4_Word skerry_flag(seL4_Bool flag, unsigned bit) { return ((seL4_Word)flag & 1) << bit; }

/* ---- untyped memory ---- */

LIBSEL4_INLINE seL4_Error seL4_Untyped_Retype(seL4_Untyped _service, seL4_Word type, seL4_Word size_bits,
					      seL4_CNode root, seL4_Word node_index, seL4_Word node_depth,
					      seL4_Word node_offset, seL4_Word num_objects)
{
	seL4_SetCap(0, root);
	seL4_SetMR(4, node_offset);
	seL4_SetMR(5, num_objects);
	return skerry_invoke(_service, UntypedRetype, 1, 6, type, size_bits, node_index, node_depth);
}

/* ---- threads ---- */

/* `regs` is filled whole, whatever `count`: beyond it with what is in the IPC buffer. */
LIBSEL4_INLINE seL4_Error seL4_TCB_ReadRegisters(seL4_TCB _service, seL4_Bool suspend_source,
						 seL4_Uint8 arch_flags, seL4_Word count,
						 seL4_UserContext *regs)
{
	seL4_Word mr[4] = {skerry_flag(suspend_source, 0) | (seL4_Word)arch_flags << 8, count, 0, 0};
	const seL4_Error error = skerry_invoke_mrs(_service, TCBReadRegisters, 0, 2, mr);
	const seL4_Word *msg = seL4_GetIPCBuffer()->msg;
	regs->rip = mr[0];
	regs->rsp = mr[1];
	regs->rflags = mr[2];
	regs->rax = mr[3];
	regs->rbx = msg[4];
	regs->rcx = msg[5];
	regs->rdx = msg[6];
	regs->rsi = msg[7];
	regs->rdi = msg[8];
	regs->rbp = msg[9];
	regs->r8 = msg[10];
	regs->r9 = msg[11];
	regs->r10 = msg[12];
	regs->r11 = msg[13];
	regs->r12 = msg[14];
	regs->r13 = msg[15];
	regs->r14 = msg[16];
	regs->r15 = msg[17];
	regs->fs_base = msg[18];
	regs->gs_base = msg[19];
	return error;
}

LIBSEL4_INLINE seL4_Error seL4_TCB_WriteRegisters(seL4_TCB _service, seL4_Bool resume_target,
						  seL4_Uint8 arch_flags, seL4_Word count,
						  seL4_UserContext *regs)
{
	seL4_Word *msg = seL4_GetIPCBuffer()->msg;
	msg[4] = regs->rflags;
	msg[5] = regs->rax;
	msg[6] = regs->rbx;
	msg[7] = regs->rcx;
	msg[8] = regs->rdx;
	msg[9] = regs->rsi;
	msg[10] = regs->rdi;
	msg[11] = regs->rbp;
	msg[12] = regs->r8;
	msg[13] = regs->r9;
	msg[14] = regs->r10;
	msg[15] = regs->r11;
	msg[16] = regs->r12;
	msg[17] = regs->r13;
	msg[18] = regs->r14;
	msg[19] = regs->r15;
	msg[20] = regs->fs_base;
	msg[21] = regs->gs_base;
	return skerry_invoke(_service, TCBWriteRegisters, 0, 22,
			     skerry_flag(resume_target, 0) | (seL4_Word)arch_flags << 8, count, regs->rip,
			     regs->rsp);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_CopyRegisters(seL4_TCB _service, seL4_TCB source, seL4_Bool suspend_source,
						 seL4_Bool resume_target, seL4_Bool transfer_frame,
						 seL4_Bool transfer_integer, seL4_Uint8 arch_flags)
{
	seL4_SetCap(0, source);
	return skerry_invoke(_service, TCBCopyRegisters, 1, 1,
			     skerry_flag(suspend_source, 0) | skerry_flag(resume_target, 1) |
				     skerry_flag(transfer_frame, 2) | skerry_flag(transfer_integer, 3) |
				     (seL4_Word)arch_flags << 8,
			     0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_Configure(seL4_TCB _service, seL4_CNode cspace_root,
					     seL4_Word cspace_root_data, seL4_CPtr vspace_root,
					     seL4_Word vspace_root_data, seL4_Word buffer,
					     seL4_CPtr bufferFrame)
{
	seL4_SetCap(0, cspace_root);
	seL4_SetCap(1, vspace_root);
	seL4_SetCap(2, bufferFrame);
	return skerry_invoke(_service, TCBConfigure, 3, 3, cspace_root_data, vspace_root_data, buffer, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_SetPriority(seL4_TCB _service, seL4_TCB authority, seL4_Word priority)
{
	seL4_SetCap(0, authority);
	return skerry_invoke(_service, TCBSetPriority, 1, 1, priority, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_SetMCPriority(seL4_TCB _service, seL4_TCB authority, seL4_Word mcp)
{
	seL4_SetCap(0, authority);
	return skerry_invoke(_service, TCBSetMCPriority, 1, 1, mcp, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_SetSchedParams(seL4_TCB _service, seL4_TCB authority, seL4_Word mcp,
						  seL4_Word priority, seL4_CPtr sched_context,
						  seL4_CPtr fault_ep)
{
	seL4_SetCap(0, authority);
	seL4_SetCap(1, sched_context);
	seL4_SetCap(2, fault_ep);
	return skerry_invoke(_service, TCBSetSchedParams, 3, 2, mcp, priority, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_SetTimeoutEndpoint(seL4_TCB _service, seL4_CPtr timeout_fault_ep)
{
	seL4_SetCap(0, timeout_fault_ep);
	return skerry_invoke(_service, TCBSetTimeoutEndpoint, 1, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_SetIPCBuffer(seL4_TCB _service, seL4_Word buffer, seL4_CPtr bufferFrame)
{
	seL4_SetCap(0, bufferFrame);
	return skerry_invoke(_service, TCBSetIPCBuffer, 1, 1, buffer, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_SetSpace(seL4_TCB _service, seL4_CPtr fault_ep, seL4_CNode cspace_root,
					    seL4_Word cspace_root_data, seL4_CPtr vspace_root,
					    seL4_Word vspace_root_data)
{
	seL4_SetCap(0, fault_ep);
	seL4_SetCap(1, cspace_root);
	seL4_SetCap(2, vspace_root);
	return skerry_invoke(_service, TCBSetSpace, 3, 2, cspace_root_data, vspace_root_data, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_Suspend(seL4_TCB _service)
{
	return skerry_invoke(_service, TCBSuspend, 0, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_Resume(seL4_TCB _service)
{
	return skerry_invoke(_service, TCBResume, 0, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_BindNotification(seL4_TCB _service, seL4_CPtr notification)
{
	seL4_SetCap(0, notification);
	return skerry_invoke(_service, TCBBindNotification, 1, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_UnbindNotification(seL4_TCB _service)
{
	return skerry_invoke(_service, TCBUnbindNotification, 0, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_TCB_SetTLSBase(seL4_TCB _service, seL4_Word tls_base)
{
	return skerry_invoke(_service, TCBSetTLSBase, 0, 1, tls_base, 0, 0, 0);
}

/* flags: as they are now. */
SKERRY_RESULT(seL4_TCB_SetFlags, seL4_Word, flags)
LIBSEL4_INLINE seL4_TCB_SetFlags_t seL4_TCB_SetFlags(seL4_TCB _service, seL4_Word clear, seL4_Word set)
{
	seL4_Word mr[4] = {clear, set, 0, 0};
	const seL4_Error error = skerry_invoke_mrs(_service, TCBSetFlags, 0, 2, mr);
	seL4_TCB_SetFlags_t result = {(int)error, mr[0]};
	return result;
}

/* ---- capability tables ---- */

LIBSEL4_INLINE seL4_Error seL4_CNode_Revoke(seL4_CNode _service, seL4_Word index, seL4_Uint8 depth)
{
	return skerry_invoke(_service, CNodeRevoke, 0, 2, index, depth, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_CNode_Delete(seL4_CNode _service, seL4_Word index, seL4_Uint8 depth)
{
	return skerry_invoke(_service, CNodeDelete, 0, 2, index, depth, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_CNode_CancelBadgedSends(seL4_CNode _service, seL4_Word index, seL4_Uint8 depth)
{
	return skerry_invoke(_service, CNodeCancelBadgedSends, 0, 2, index, depth, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_CNode_Copy(seL4_CNode _service, seL4_Word dest_index, seL4_Uint8 dest_depth,
					  seL4_CNode src_root, seL4_Word src_index, seL4_Uint8 src_depth,
					  seL4_CapRights_t rights)
{
	seL4_SetCap(0, src_root);
	seL4_SetMR(4, rights.words[0]);
	return skerry_invoke(_service, CNodeCopy, 1, 5, dest_index, dest_depth, src_index, src_depth);
}

LIBSEL4_INLINE seL4_Error seL4_CNode_Mint(seL4_CNode _service, seL4_Word dest_index, seL4_Uint8 dest_depth,
					  seL4_CNode src_root, seL4_Word src_index, seL4_Uint8 src_depth,
					  seL4_CapRights_t rights, seL4_Word badge)
{
	seL4_SetCap(0, src_root);
	seL4_SetMR(4, rights.words[0]);
	seL4_SetMR(5, badge);
	return skerry_invoke(_service, CNodeMint, 1, 6, dest_index, dest_depth, src_index, src_depth);
}

LIBSEL4_INLINE seL4_Error seL4_CNode_Move(seL4_CNode _service, seL4_Word dest_index, seL4_Uint8 dest_depth,
					  seL4_CNode src_root, seL4_Word src_index, seL4_Uint8 src_depth)
{
	seL4_SetCap(0, src_root);
	return skerry_invoke(_service, CNodeMove, 1, 4, dest_index, dest_depth, src_index, src_depth);
}

LIBSEL4_INLINE seL4_Error seL4_CNode_Mutate(seL4_CNode _service, seL4_Word dest_index, seL4_Uint8 dest_depth,
					    seL4_CNode src_root, seL4_Word src_index, seL4_Uint8 src_depth,
					    seL4_Word badge)
{
	seL4_SetCap(0, src_root);
	seL4_SetMR(4, badge);
	return skerry_invoke(_service, CNodeMutate, 1, 5, dest_index, dest_depth, src_index, src_depth);
}

LIBSEL4_INLINE seL4_Error seL4_CNode_Rotate(seL4_CNode _service, seL4_Word dest_index, seL4_Uint8 dest_depth,
					    seL4_Word dest_badge, seL4_CNode pivot_root,
					    seL4_Word pivot_index, seL4_Uint8 pivot_depth,
					    seL4_Word pivot_badge, seL4_CNode src_root, seL4_Word src_index,
					    seL4_Uint8 src_depth)
{
	seL4_SetCap(0, pivot_root);
	seL4_SetCap(1, src_root);
	seL4_SetMR(4, pivot_depth);
	seL4_SetMR(5, pivot_badge);
	seL4_SetMR(6, src_index);
	seL4_SetMR(7, src_depth);
	return skerry_invoke(_service, CNodeRotate, 2, 8, dest_index, dest_depth, dest_badge, pivot_index);
}

/* ---- interrupts ---- */

LIBSEL4_INLINE seL4_Error seL4_IRQControl_Get(seL4_IRQControl _service, int irq, seL4_CNode root,
					      seL4_Word index, seL4_Uint8 depth)
{
	seL4_SetCap(0, root);
	return skerry_invoke(_service, IRQIssueIRQHandler, 1, 3, (seL4_Uint32)irq, index, depth, 0);
}

LIBSEL4_INLINE seL4_Error seL4_IRQControl_GetIOAPIC(seL4_IRQControl _service, seL4_CNode root,
						    seL4_Word index, seL4_Uint8 depth, seL4_Word ioapic,
						    seL4_Word pin, seL4_Word level, seL4_Word polarity,
						    seL4_Word vector)
{
	seL4_SetCap(0, root);
	seL4_SetMR(4, level);
	seL4_SetMR(5, polarity);
	seL4_SetMR(6, vector);
	return skerry_invoke(_service, X86IRQIssueIRQHandlerIOAPIC, 1, 7, index, depth, ioapic, pin);
}

LIBSEL4_INLINE seL4_Error seL4_IRQControl_GetMSI(seL4_IRQControl _service, seL4_CNode root, seL4_Word index,
						 seL4_Uint8 depth, seL4_Word pci_bus, seL4_Word pci_dev,
						 seL4_Word pci_func, seL4_Word handle, seL4_Word vector)
{
	seL4_SetCap(0, root);
	seL4_SetMR(4, pci_func);
	seL4_SetMR(5, handle);
	seL4_SetMR(6, vector);
	return skerry_invoke(_service, X86IRQIssueIRQHandlerMSI, 1, 7, index, depth, pci_bus, pci_dev);
}

LIBSEL4_INLINE seL4_Error seL4_IRQHandler_Ack(seL4_IRQHandler _service)
{
	return skerry_invoke(_service, IRQAckIRQ, 0, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_IRQHandler_SetNotification(seL4_IRQHandler _service, seL4_CPtr notification)
{
	seL4_SetCap(0, notification);
	return skerry_invoke(_service, IRQSetIRQHandler, 1, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_IRQHandler_Clear(seL4_IRQHandler _service)
{
	return skerry_invoke(_service, IRQClearIRQHandler, 0, 0, 0, 0, 0, 0);
}

/* ---- domains ---- */

LIBSEL4_INLINE seL4_Error seL4_DomainSet_Set(seL4_DomainSet _service, seL4_Uint8 domain, seL4_TCB thread)
{
	seL4_SetCap(0, thread);
	return skerry_invoke(_service, DomainSetSet, 1, 1, domain, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_DomainSet_ScheduleConfigure(seL4_DomainSet _service, seL4_Word index,
							   seL4_Uint8 domain, seL4_Time duration)
{
	return skerry_invoke(_service, DomainScheduleConfigure, 0, 3, index, domain, duration, 0);
}

LIBSEL4_INLINE seL4_Error seL4_DomainSet_ScheduleSetStart(seL4_DomainSet _service, seL4_Word index)
{
	return skerry_invoke(_service, DomainScheduleSetStart, 0, 1, index, 0, 0, 0);
}

/* ---- scheduling contexts ---- */

LIBSEL4_INLINE seL4_Error seL4_SchedControl_ConfigureFlags(seL4_SchedControl _service,
							   seL4_SchedContext schedcontext, seL4_Time budget,
							   seL4_Time period, seL4_Word extra_refills,
							   seL4_Word badge, seL4_Word flags)
{
	seL4_SetCap(0, schedcontext);
	seL4_SetMR(4, flags);
	return skerry_invoke(_service, SchedControlConfigureFlags, 1, 5, budget, period, extra_refills,
			     badge);
}

LIBSEL4_INLINE seL4_Error seL4_SchedContext_Bind(seL4_SchedContext _service, seL4_CPtr cap)
{
	seL4_SetCap(0, cap);
	return skerry_invoke(_service, SchedContextBind, 1, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_SchedContext_Unbind(seL4_SchedContext _service)
{
	return skerry_invoke(_service, SchedContextUnbind, 0, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_SchedContext_UnbindObject(seL4_SchedContext _service, seL4_CPtr cap)
{
	seL4_SetCap(0, cap);
	return skerry_invoke(_service, SchedContextUnbindObject, 1, 0, 0, 0, 0, 0);
}

/* consumed: microseconds since it was last asked. */
SKERRY_RESULT(seL4_SchedContext_Consumed, seL4_Time, consumed)
LIBSEL4_INLINE seL4_SchedContext_Consumed_t seL4_SchedContext_Consumed(seL4_SchedContext _service)
{
	seL4_Word mr[4] = {0, 0, 0, 0};
	const seL4_Error error = skerry_invoke_mrs(_service, SchedContextConsumed, 0, 0, mr);
	seL4_SchedContext_Consumed_t result = {(int)error, mr[0]};
	return result;
}

/* consumed: microseconds that the target ran until the caller did again. */
SKERRY_RESULT(seL4_SchedContext_YieldTo, seL4_Time, consumed)
LIBSEL4_INLINE seL4_SchedContext_YieldTo_t seL4_SchedContext_YieldTo(seL4_SchedContext _service)
{
	seL4_Word mr[4] = {0, 0, 0, 0};
	const seL4_Error error = skerry_invoke_mrs(_service, SchedContextYieldTo, 0, 0, mr);
	seL4_SchedContext_YieldTo_t result = {(int)error, mr[0]};
	return result;
}

/* ---- address spaces of x86 ---- */

LIBSEL4_INLINE seL4_Error skerry_paging_map(seL4_CPtr service, seL4_Word label, seL4_CPtr vspace,
					    seL4_Word vaddr, seL4_X86_VMAttributes attr)
{
	seL4_SetCap(0, vspace);
	return skerry_invoke(service, label, 1, 2, vaddr, (seL4_Word)attr, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_X86_PDPT_Map(seL4_X86_PDPT _service, seL4_X64_PML4 pml4, seL4_Word vaddr,
					    seL4_X86_VMAttributes attr)
{
	return skerry_paging_map(_service, X86PDPTMap, pml4, vaddr, attr);
}
LIBSEL4_INLINE seL4_Error seL4_X86_PDPT_Unmap(seL4_X86_PDPT _service)
{
	return skerry_invoke(_service, X86PDPTUnmap, 0, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_X86_PageDirectory_Map(seL4_X86_PageDirectory _service, seL4_CPtr vspace,
						     seL4_Word vaddr, seL4_X86_VMAttributes attr)
{
	return skerry_paging_map(_service, X86PageDirectoryMap, vspace, vaddr, attr);
}
LIBSEL4_INLINE seL4_Error seL4_X86_PageDirectory_Unmap(seL4_X86_PageDirectory _service)
{
	return skerry_invoke(_service, X86PageDirectoryUnmap, 0, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_X86_PageTable_Map(seL4_X86_PageTable _service, seL4_CPtr vspace,
						 seL4_Word vaddr, seL4_X86_VMAttributes attr)
{
	return skerry_paging_map(_service, X86PageTableMap, vspace, vaddr, attr);
}
LIBSEL4_INLINE seL4_Error seL4_X86_PageTable_Unmap(seL4_X86_PageTable _service)
{
	return skerry_invoke(_service, X86PageTableUnmap, 0, 0, 0, 0, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_X86_Page_Map(seL4_X86_Page _service, seL4_CPtr vspace, seL4_Word vaddr,
					    seL4_CapRights_t rights, seL4_X86_VMAttributes attr)
{
	seL4_SetCap(0, vspace);
	return skerry_invoke(_service, X86PageMap, 1, 3, vaddr, rights.words[0], (seL4_Word)attr, 0);
}
LIBSEL4_INLINE seL4_Error seL4_X86_Page_Unmap(seL4_X86_Page _service)
{
	return skerry_invoke(_service, X86PageUnmap, 0, 0, 0, 0, 0, 0);
}

SKERRY_RESULT(seL4_X86_Page_GetAddress, seL4_Word, paddr)
LIBSEL4_INLINE seL4_X86_Page_GetAddress_t seL4_X86_Page_GetAddress(seL4_X86_Page _service)
{
	seL4_Word mr[4] = {0, 0, 0, 0};
	const seL4_Error error = skerry_invoke_mrs(_service, X86PageGetAddress, 0, 0, mr);
	seL4_X86_Page_GetAddress_t result = {(int)error, mr[0]};
	return result;
}

LIBSEL4_INLINE seL4_Error seL4_X86_ASIDControl_MakePool(seL4_X86_ASIDControl _service, seL4_Untyped untyped,
							seL4_CNode root, seL4_Word index, seL4_Uint8 depth)
{
	seL4_SetCap(0, untyped);
	seL4_SetCap(1, root);
	return skerry_invoke(_service, X86ASIDControlMakePool, 2, 2, index, depth, 0, 0);
}

LIBSEL4_INLINE seL4_Error seL4_X86_ASIDPool_Assign(seL4_X86_ASIDPool _service, seL4_CPtr vspace)
{
	seL4_SetCap(0, vspace);
	return skerry_invoke(_service, X86ASIDPoolAssign, 1, 0, 0, 0, 0, 0);
}

/* ---- I/O ports of x86 ---- */

LIBSEL4_INLINE seL4_Error seL4_X86_IOPortControl_Issue(seL4_X86_IOPortControl _service, seL4_Word first_port,
						       seL4_Word last_port, seL4_CNode root, seL4_Word index,
						       seL4_Uint8 depth)
{
	seL4_SetCap(0, root);
	return skerry_invoke(_service, X86IOPortControlIssue, 1, 4, first_port, last_port, index, depth);
}

#define SKERRY_IO_PORT(bits)                                                                                 \
	SKERRY_RESULT(seL4_X86_IOPort_In##bits, seL4_Uint##bits, result)                                     \
	LIBSEL4_INLINE seL4_X86_IOPort_In##bits##_t seL4_X86_IOPort_In##bits(seL4_X86_IOPort _service,       \
									     seL4_Uint16 port)               \
	{                                                                                                    \
		seL4_Word mr[4] = {port, 0, 0, 0};                                                           \
		const seL4_Error error = skerry_invoke_mrs(_service, X86IOPortIn##bits, 0, 1, mr);           \
		seL4_X86_IOPort_In##bits##_t result = {(int)error, (seL4_Uint##bits)mr[0]};                  \
		return result;                                                                               \
	}                                                                                                    \
	LIBSEL4_INLINE seL4_Error seL4_X86_IOPort_Out##bits(seL4_X86_IOPort _service, seL4_Word port,        \
							    seL4_Word data)                                  \
	{                                                                                                    \
		return skerry_invoke(_service, X86IOPortOut##bits, 0, 2, port, data, 0, 0);                  \
	}
SKERRY_IO_PORT(8)
SKERRY_IO_PORT(16)
SKERRY_IO_PORT(32)

#endif
