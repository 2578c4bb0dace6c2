/* sel4/sel4_arch/entry.h - how a user thread enters the kernel. Layer: libsel4.
 *
 * Registers are those of seL4's system call on x86_64 with MCS: rdx the number, rdi the capability (out: the badge), rsi
 * the message info (in and out), r10 r8 r9 r15 message registers 0 to 3 (in and out), r12 the reply capability, r13 the
 * destination of a call that sends and receives.
 *
 * In place of `syscall` stands `call *%rcx`, with skerry_syscall in rcx. It is two bytes as well: a thread whose
 * instruction pointer is on it does the call again, 2 further it goes on. Its return address is pushed below rsp, where
 * compilers keep data of functions that call nothing (the red zone, 128 bytes), so that is stepped over around it; a
 * thread that does the call again has the stepped-over rsp and the address in rcx, both as the kernel saved them.
 *
 * As in a call of a function, rax, rcx, rdx, r11, the flags and the floating-point and vector registers are lost;
 * rbx, rbp, r12, r13 and r14 are kept. */
#ifndef SKERRY_LIBSEL4_SEL4_ARCH_ENTRY_H
#define SKERRY_LIBSEL4_SEL4_ARCH_ENTRY_H
#include <sel4/types.h>

#ifdef __cplusplus
extern "C" {
#endif
void skerry_syscall(void); /* not to be called from C: only as above */
#ifdef __cplusplus
}
#endif

/* What goes in, and, at the same places, what comes out. */
struct skerry_message {
	seL4_Word cap; /* out: badge */
	seL4_Word info;
	seL4_Word mr0, mr1, mr2, mr3;
};

/* clang-format off */
#ifdef __AVX512F__
#define SKERRY_LOST_AVX512 , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", \
	"xmm25", "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6", "k7"
#else
#define SKERRY_LOST_AVX512
#endif
#ifdef __SSE__
#define SKERRY_LOST_SSE , "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", \
	"xmm11", "xmm12", "xmm13", "xmm14", "xmm15"
#else
#define SKERRY_LOST_SSE
#endif
#ifdef __MMX__
#define SKERRY_LOST_MMX , "mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7", "st", "st(1)", "st(2)", "st(3)", \
	"st(4)", "st(5)", "st(6)", "st(7)"
#else
#define SKERRY_LOST_MMX
#endif

/* Enters with number and message, and with the further inputs given. All is loaded before anything is copied to a named
 * register, because what a compiler inserts between (a sanitizer's call) would lose that. */
#define SKERRY_ENTER(number, m, ...)                                                                 \
	void (*entry)(void) = skerry_syscall;                                                        \
	seL4_Word rdx_ = (number), cap = (m)->cap, info = (m)->info;                                 \
	const seL4_Word mr0 = (m)->mr0, mr1 = (m)->mr1, mr2 = (m)->mr2, mr3 = (m)->mr3;              \
	register seL4_Word r10_ __asm__("r10") = mr0;                                                \
	register seL4_Word r8_ __asm__("r8") = mr1;                                                  \
	register seL4_Word r9_ __asm__("r9") = mr2;                                                  \
	register seL4_Word r15_ __asm__("r15") = mr3;                                                \
	__asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"                                               \
			 "call *%%rcx\n\t"                                                           \
			 "leaq 128(%%rsp), %%rsp"                                                    \
			 : "+c"(entry), "+d"(rdx_), "+D"(cap), "+S"(info), "+r"(r10_), "+r"(r8_),    \
			   "+r"(r9_), "+r"(r15_)                                                     \
			 : __VA_ARGS__                                                               \
			 : "rax", "r11", "cc", "memory" SKERRY_LOST_MMX SKERRY_LOST_SSE SKERRY_LOST_AVX512); \
	(m)->cap = cap, (m)->info = info;                                                            \
	(m)->mr0 = r10_, (m)->mr1 = r8_, (m)->mr2 = r9_, (m)->mr3 = r15_
/* clang-format on */

#define SKERRY_ENTRY static inline __attribute__((always_inline, unused))

SKERRY_ENTRY void skerry_enter(seL4_Word number, struct skerry_message *m) { SKERRY_ENTER(number, m, ); }

SKERRY_ENTRY void skerry_enter_reply(seL4_Word number, struct skerry_message *m, seL4_Word reply)
{
	register seL4_Word r12_ __asm__("r12") = reply;
	SKERRY_ENTER(number, m, "r"(r12_));
}

SKERRY_ENTRY void skerry_enter_dest(seL4_Word number, struct skerry_message *m, seL4_Word reply,
				    seL4_Word dest)
{
	register seL4_Word r12_ __asm__("r12") = reply;
	register seL4_Word r13_ __asm__("r13") = dest;
	SKERRY_ENTER(number, m, "r"(r12_), "r"(r13_));
}

#endif
