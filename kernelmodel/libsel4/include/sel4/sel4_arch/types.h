/* sel4/sel4_arch/types.h - types of x86_64: a thread's registers. Layer: libsel4. Source: seL4 16.0. */
#ifndef SKERRY_LIBSEL4_SEL4_ARCH_TYPES_H
#define SKERRY_LIBSEL4_SEL4_ARCH_TYPES_H
#include <sel4/simple_types.h>

typedef seL4_CPtr seL4_X64_PML4;

/* What seL4_TCB_ReadRegisters() and seL4_TCB_WriteRegisters() take, in the order of their message registers. */
typedef struct seL4_UserContext_ {
	seL4_Word rip, rsp, rflags, rax, rbx, rcx, rdx, rsi, rdi, rbp;
	seL4_Word r8, r9, r10, r11, r12, r13, r14, r15;
	seL4_Word fs_base, gs_base;
} seL4_UserContext;
SKERRY_STATIC_ASSERT(sizeof(seL4_UserContext) == 20 * sizeof(seL4_Word), "20 registers");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_UserContext, rdi) == 8 * 8, "rdi");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_UserContext, r15) == 17 * 8, "r15");

#endif
