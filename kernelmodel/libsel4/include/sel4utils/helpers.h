/* sel4utils/helpers.h - the registers that a new thread starts with. Layer: libsel4. */
#ifndef SKERRY_SEL4UTILS_HELPERS_H
#define SKERRY_SEL4UTILS_HELPERS_H
#include <sel4/sel4.h>

typedef void (*sel4utils_thread_entry_fn)(void *arg0, void *arg1, void *ipc_buf);

LIBSEL4_INLINE_FUNC void sel4utils_set_instruction_pointer(seL4_UserContext *regs, seL4_Word value)
{
	regs->rip = value;
}
LIBSEL4_INLINE_FUNC seL4_Word sel4utils_get_instruction_pointer(seL4_UserContext regs) { return regs.rip; }
LIBSEL4_INLINE_FUNC void sel4utils_set_stack_pointer(seL4_UserContext *regs, seL4_Word value)
{
	regs->rsp = value;
}
LIBSEL4_INLINE_FUNC seL4_Word sel4utils_get_sp(seL4_UserContext regs) { return regs.rsp; }
LIBSEL4_INLINE_FUNC void sel4utils_set_arg0(seL4_UserContext *regs, seL4_Word value) { regs->rdi = value; }

/* The thread starts as if `entry` had been called with three arguments: below a return address that is nobody's. */
LIBSEL4_INLINE_FUNC int sel4utils_arch_init_local_context(sel4utils_thread_entry_fn entry, void *arg0,
							  void *arg1, void *arg2, void *stack_top,
							  seL4_UserContext *regs)
{
	regs->rip = (seL4_Word)entry;
	regs->rsp = ((seL4_Word)stack_top & ~15ul) - 8;
	regs->rdi = (seL4_Word)arg0;
	regs->rsi = (seL4_Word)arg1;
	regs->rdx = (seL4_Word)arg2;
	return 0;
}

#endif
