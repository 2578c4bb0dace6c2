/* kernelmodel/core/fiber.S - the switch between user threads and the kernel, for x86-64.
 *
 * A user thread runs on its own stack, whatever its size; the kernel runs on the stack of whoever called fiber_enter().
 * Its registers lie in its context (struct km_context), which core_running->context names.
 *
 *   in    skerry_syscall, skerry_service  by the 2-byte `call *%rcx` of a stub: next_ip is behind it, rip on it
 *         fiber_preempt                   by an ordinary call, from the block hook
 *         fiber_fault                     from the signal handler, which has saved all registers
 *         Each saves, goes to the kernel's stack and calls its C function, which returns the context to load, or NULL: then
 *         fiber_enter() returns.
 *         While a thread runs its context says that it need not be loaded whole, and holds the flags that a system call
 *         leaves: then nobody has to say so at each.
 *   out   the short way, after a system call: results, what a call preserves, and an indirect jump (a `ret` would be
 *         mispredicted each time, for it does not belong to the last call)
 *         the whole way: every register with the flags. Nothing below the thread's rsp is touched, for a leaf function may
 *         have its red zone there; the jump goes through a thread-local word because no register is left.
 *
 * Unwinding: from the kernel's frames into the user's, by rbx, which holds the context; a root task's first frame ends it.
 * The frame pointer is the user's until C code sets its own, so that a walk along frame pointers goes the same way. */
#include "kernelmodel/core/offsets.h"

	.section .tbss.fiber_target, "awT", @nobits
	.balign	8
fiber_target:
	.zero	8

	.text

/* rax: core; r11: context; rbx and above: scratch afterwards. */
.macro SAVE_REGISTERS
	movq	%fs:core_running@tpoff, %rax
	movq	CORE_CONTEXT(%rax), %r11
	movq	%rbx, CTX_RBX(%r11)
	movq	%rcx, CTX_RCX(%r11)
	movq	%rdx, CTX_RDX(%r11)
	movq	%rsi, CTX_RSI(%r11)
	movq	%rdi, CTX_RDI(%r11)
	movq	%rbp, CTX_RBP(%r11)
	movq	%r8, CTX_R8(%r11)
	movq	%r9, CTX_R9(%r11)
	movq	%r10, CTX_R10(%r11)
	movq	%r12, CTX_R12(%r11)
	movq	%r13, CTX_R13(%r11)
	movq	%r14, CTX_R14(%r11)
	movq	%r15, CTX_R15(%r11)
.endm

/* After `popq %rcx` rsp is what it is behind the call. A thread may have set the direction flag (WriteRegisters lets it), and C
 * code relies on its being clear. */
.macro TO_KERNEL
	cld
	movq	%rsp, CTX_RSP(%r11)
	movq	%rcx, CTX_NEXT_IP(%r11)
	stmxcsr	CORE_FP(%rax)
	fnstcw	CORE_FP+4(%rax)
	movq	CORE_KERNEL_SP(%rax), %rsp
	movq	%r11, %rbx
	movq	%rax, %rdi
.endm

/* The caller's registers are where the context in rbx has them (DWARF: rbx is register 3). */
.macro UNWIND_BY_CONTEXT
	.cfi_signal_frame
	.cfi_escape 0x0f, 3, 0x73, CTX_RSP, 0x06
	.cfi_escape 0x10, 16, 3, 0x73, 0xa0, 0x01
	.cfi_escape 0x10, 3, 2, 0x73, CTX_RBX
	.cfi_escape 0x10, 6, 3, 0x73, 0xc8, 0x00
	.cfi_escape 0x10, 12, 3, 0x73, 0xf0, 0x00
	.cfi_escape 0x10, 13, 3, 0x73, 0xf8, 0x00
	.cfi_escape 0x10, 14, 3, 0x73, 0x80, 0x01
	.cfi_escape 0x10, 15, 3, 0x73, 0x88, 0x01
.endm

.macro ENTRY name, function
	.globl	\name
	.type	\name, @function
	.balign	32
\name:
	.cfi_startproc
	SAVE_REGISTERS
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register 16, 2
	leaq	-FIBER_CALL_BYTES(%rcx), %rdx
	movq	%rdx, CTX_RIP(%r11)
	TO_KERNEL
	UNWIND_BY_CONTEXT
	call	\function
	jmp	fiber_load
	.cfi_endproc
	.size	\name, . - \name
.endm

	ENTRY skerry_syscall, core_on_syscall
	ENTRY skerry_service, core_on_service

	.globl	fiber_preempt
	.type	fiber_preempt, @function
	.balign	32
fiber_preempt:
	.cfi_startproc
	SAVE_REGISTERS
	popq	%rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register 16, 2
	movq	%rcx, CTX_RIP(%r11)
	movq	$1, CTX_WHOLE(%r11)
	TO_KERNEL
	UNWIND_BY_CONTEXT
	call	core_on_preempt
	jmp	fiber_load
	.cfi_endproc
	.size	fiber_preempt, . - fiber_preempt

	/* The signal handler has put the kernel's stack into rsp and the context into rbx. */
	.globl	fiber_fault
	.type	fiber_fault, @function
	.balign	32
fiber_fault:
	.cfi_startproc
	UNWIND_BY_CONTEXT
	nop
	movq	%fs:core_running@tpoff, %rdi
	stmxcsr	CORE_FP(%rdi)
	fnstcw	CORE_FP+4(%rdi)
	call	core_on_fault
	jmp	fiber_load
	.cfi_endproc
	.size	fiber_fault, . - fiber_fault

	/* void fiber_enter(void): loads core_running->context; returns when a C function has returned NULL. */
	.globl	fiber_enter
	.type	fiber_enter, @function
	.balign	32
fiber_enter:
	.cfi_startproc
	pushq	%rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq	%rbx
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbx, 0
	pushq	%r12
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r12, 0
	pushq	%r13
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r13, 0
	pushq	%r14
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r14, 0
	pushq	%r15
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %r15, 0
	subq	$8, %rsp
	.cfi_adjust_cfa_offset 8
	movq	%fs:core_running@tpoff, %rdx
	movq	%rsp, CORE_KERNEL_SP(%rdx)
	movq	CORE_CONTEXT(%rdx), %rax

	/* rax: the context to load, or NULL; rsp: the kernel's. */
fiber_load:
	testq	%rax, %rax
	je	.Lreturn
	cmpq	$0, CTX_WHOLE(%rax)
	jne	.Lwhole
	movq	CTX_RDI(%rax), %rdi
	movq	CTX_RSI(%rax), %rsi
	movq	CTX_R10(%rax), %r10
	movq	CTX_R8(%rax), %r8
	movq	CTX_R9(%rax), %r9
	movq	CTX_R15(%rax), %r15
	movq	CTX_RBX(%rax), %rbx
	movq	CTX_RBP(%rax), %rbp
	movq	CTX_R12(%rax), %r12
	movq	CTX_R13(%rax), %r13
	movq	CTX_R14(%rax), %r14
	movq	CTX_RSP(%rax), %rsp
	jmpq	*CTX_NEXT_IP(%rax)

.Lwhole:
	movq	%rax, %rbx
	movq	%fs:core_running@tpoff, %rdi
	call	core_load_whole
	movq	%fs:core_running@tpoff, %rdi
	movq	CORE_XMASK(%rdi), %rax
	testq	%rax, %rax
	je	.Lno_xstate
	/* The thread was in the middle of anything: its vector registers too. */
	movq	CORE_XSTATE(%rdi), %rcx
	movq	%rax, %rdx
	shrq	$32, %rdx
	xrstor64 (%rcx)
	movq	$0, CORE_XMASK(%rdi)
.Lno_xstate:
	movq	CTX_NEXT_IP(%rbx), %rcx
	movq	%rcx, %fs:fiber_target@tpoff
	movq	CTX_RFLAGS(%rbx), %rcx
	movq	$FIBER_FLAGS, CTX_RFLAGS(%rbx)
	movq	$0, CTX_WHOLE(%rbx)
	andl	$FIBER_FLAGS_USED, %ecx
	orl	$FIBER_FLAGS, %ecx
	pushq	%rcx
	popfq
	movq	CTX_RAX(%rbx), %rax
	movq	CTX_RCX(%rbx), %rcx
	movq	CTX_RDX(%rbx), %rdx
	movq	CTX_RSI(%rbx), %rsi
	movq	CTX_RDI(%rbx), %rdi
	movq	CTX_RBP(%rbx), %rbp
	movq	CTX_R8(%rbx), %r8
	movq	CTX_R9(%rbx), %r9
	movq	CTX_R10(%rbx), %r10
	movq	CTX_R11(%rbx), %r11
	movq	CTX_R12(%rbx), %r12
	movq	CTX_R13(%rbx), %r13
	movq	CTX_R14(%rbx), %r14
	movq	CTX_R15(%rbx), %r15
	movq	CTX_RSP(%rbx), %rsp
	movq	CTX_RBX(%rbx), %rbx
	jmpq	*%fs:fiber_target@tpoff

.Lreturn:
	addq	$8, %rsp
	.cfi_adjust_cfa_offset -8
	popq	%r15
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r15
	popq	%r14
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r14
	popq	%r13
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r13
	popq	%r12
	.cfi_adjust_cfa_offset -8
	.cfi_restore %r12
	popq	%rbx
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbx
	popq	%rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	ret
	.cfi_endproc
	.size	fiber_enter, . - fiber_enter

	/* The first frame of a root task: r12(r13) is its entry, what it returns ends the machine. */
	.globl	fiber_root
	.type	fiber_root, @function
	.balign	16
fiber_root:
	.cfi_startproc
	.cfi_undefined 16
	xorl	%ebp, %ebp
	movq	%r13, %rdi
	call	*%r12
	movl	%eax, %edi
	call	core_exit
	ud2
	.cfi_endproc
	.size	fiber_root, . - fiber_root

	.section .note.GNU-stack, "", @progbits
