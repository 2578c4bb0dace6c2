/* kernelmodel/core/offsets.h - where fiber.S finds things; core_internal.h asserts each. Plain numbers, for assembly too. */
#ifndef SKERRY_KERNELMODEL_CORE_OFFSETS_H
#define SKERRY_KERNELMODEL_CORE_OFFSETS_H

/* struct core */
#define CORE_CONTEXT   0
#define CORE_KERNEL_SP 8
#define CORE_FP        16
#define CORE_XMASK     24
#define CORE_XSTATE    32

/* struct km_context */
#define CTX_RIP     0
#define CTX_RSP     8
#define CTX_RFLAGS  16
#define CTX_RAX     24
#define CTX_RBX     32
#define CTX_RCX     40
#define CTX_RDX     48
#define CTX_RSI     56
#define CTX_RDI     64
#define CTX_RBP     72
#define CTX_R8      80
#define CTX_R9      88
#define CTX_R10     96
#define CTX_R11     104
#define CTX_R12     112
#define CTX_R13     120
#define CTX_R14     128
#define CTX_R15     136
#define CTX_NEXT_IP 160
#define CTX_WHOLE   168

#define FIBER_FLAGS 0x202 /* interrupts on, the bit that is always set */
#define FIBER_FLAGS_USED                                                                                     \
	0xcd5              /* carry, parity, adjust, zero, sign, direction, overflow: what a thread may set */
#define FIBER_CALL_BYTES 2 /* of `call *%rcx`, which stands for the 2 bytes of `syscall` */

#endif
