/* skerry/user.h - what a user program of a skerry kernel has beyond <sel4/sel4.h>.
 *
 * Nothing here is needed by a program that was written for seL4. It is for programs that want memory by its modelled
 * address, virtual time, a timer, or the other clusters of a multikernel. Layer: public; implemented by whoever runs the
 * program (kernelmodel/core/). Any thread of a program may call any of it. A uint64_t is a seL4_Word. */
#ifndef SKERRY_USER_H
#define SKERRY_USER_H
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- memory of the thread's address space ----
 *
 * Every access is translated as the processor would, and what is not mapped, or not with that right, is a VM fault of the
 * calling thread: its handler gets the message, and after the reply the access is done again. Device memory (memory that
 * clusters share) is reached like any other. `bytes` is 1, 2, 4 or 8, and vaddr a multiple of it. The copies go through
 * pages in ascending order; a fault in the middle leaves the bytes before it copied. */
uint64_t skerry_load(uint64_t vaddr, unsigned bytes); /* zero-extended */
void skerry_store(uint64_t vaddr, unsigned bytes, uint64_t value);
/* Between the address space and the program's own memory, and within the address space (no overlap). */
void skerry_copy_in(void *to, uint64_t vaddr, size_t bytes);
void skerry_copy_out(uint64_t vaddr, const void *from, size_t bytes);
void skerry_copy(uint64_t to, uint64_t from, size_t bytes);

/* ---- time ---- */

/* The thread computes: `cycles` of its core pass, in which it may be preempted and its budget runs out. Natively it spins
 * that long. */
void skerry_compute(uint64_t cycles);
/* Cycles of the clock of the core that runs the thread; they only grow. */
uint64_t skerry_now(void);
/* The timer of the core's cluster: an interrupt on pin 2 of I/O APIC 0, once after `ns` nanoseconds, or every `ns`
 * nanoseconds. Each call replaces what was set before; 0 stops it. A program gets the interrupt by
 * seL4_IRQControl_GetIOAPIC(seL4_CapIRQControl, root, index, depth, 0, 2, 0, 0, vector). */
void skerry_timer_oneshot(uint64_t ns);
void skerry_timer_periodic(uint64_t ns);

/* ---- where the thread runs ---- */

unsigned skerry_core(void);    /* in its cluster: 0.. */
unsigned skerry_cluster(void); /* seL4_BootInfo's nodeID */
/* Rings the doorbell of a cluster: after the latency of the link (of oneself: at once) an interrupt is pending there, with
 * the vector SKERRY_DOORBELL_VECTOR + that cluster, which its program gets by seL4_IRQControl_GetMSI(). At most one is
 * pending: rings in between are one, and who rang is told in shared memory. Of a cluster that is not: does nothing. */
#define SKERRY_DOORBELL_VECTOR 48
void skerry_doorbell(unsigned cluster);

/* The program ends, whichever thread says so; `status` is what main() would have returned. */
#ifdef __cplusplus
[[noreturn]]
#else
_Noreturn
#endif
void skerry_exit(int status);

#ifdef __cplusplus
}
#endif
#endif
