/* kernelmodel/work.h - what a kernel says it did; a cost profile says what that costs (kernelmodel/cost.h).
 *
 * Each kernel path charges km_work(kernel, KIND) (or km_work_n) where it does the work, and nothing else: no path charges
 * its own name. Layer: kernelmodel. */
#ifndef SKERRY_KERNELMODEL_WORK_H
#define SKERRY_KERNELMODEL_WORK_H

/* WORK(kind, name, what one unit is) */
#define KM_WORKS(WORK)                                                                                       \
	WORK(ENTRY, "entry", "trap into the kernel and return to user level, with its budget check")         \
	WORK(LOOKUP, "lookup", "one CNode level of a capability lookup")                                     \
	WORK(FASTPATH, "fastpath", "checks that an IPC may take the fast path, and its register moves")      \
	WORK(SLOWPATH, "slowpath", "a system call off the fast path: decoding and dispatch")                 \
	WORK(DECODE, "decode", "decoding one invocation of a kernel object")                                 \
	WORK(MESSAGE_WORD, "message_word", "one message register copied between IPC buffers")                \
	WORK(CAP_TRANSFER, "cap_transfer", "one capability sent in a message")                               \
	WORK(QUEUE, "queue", "one change of an endpoint's, a notification's or a ready queue")               \
	WORK(SCHEDULE, "schedule", "choosing a thread to run")                                               \
	WORK(SWITCH_THREAD, "switch_thread", "changing to another thread's registers")                       \
	WORK(SWITCH_SPACE, "switch_space", "changing to another address space (CR3, TLB tag)")               \
	WORK(REFILL, "refill", "charging, checking or scheduling a refill")                                  \
	WORK(TIMER, "timer", "programming the timer for the next deadline")                                  \
	WORK(REPLY_PUSH, "reply_push", "linking a reply object to a caller, lending its scheduling context") \
	WORK(REPLY_POP, "reply_pop", "taking a reply object from a call stack, giving the context back")     \
	WORK(SIGNAL, "signal", "setting or taking a notification's word")                                    \
	WORK(FAULT, "fault", "making a fault message, or applying its reply")                                \
	WORK(TREE, "tree", "one insertion, removal or move in the derivation tree")                          \
	WORK(CREATE, "create", "initialising one object")                                                    \
	WORK(CLEAR, "clear", "zeroing 256 bytes")                                                            \
	WORK(WALK, "walk", "one level of a page-table walk")                                                 \
	WORK(PAGE_ENTRY, "page_entry", "writing one page-table entry")                                       \
	WORK(TLB, "tlb", "invalidating one TLB entry, or one address space's")                               \
	WORK(IRQ, "irq", "taking, masking or acknowledging an interrupt")                                    \
	WORK(LOCK, "lock", "taking and releasing the big lock (clusters of several cores)")                  \
	WORK(STALL, "stall", "stopping another core while its thread is changed")                            \
	WORK(IPI, "ipi", "asking another core to reschedule")                                                \
	WORK(MIGRATE, "migrate", "moving a thread's queues and registers to another core")

#define KM_WORK_AS_ENUM(kind, name, about) KM_WORK_##kind,
enum km_work_kind { KM_WORKS(KM_WORK_AS_ENUM) KM_WORK_KINDS };

#endif
