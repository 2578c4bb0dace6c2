/* sel4tutorials/tutorial.h - what the tutorials share: checks, pages, threads.
 *
 * For root tasks, over seL4's API alone: a tutorial begins in main() with all memory as untyped, and returns 0 if everything
 * that it says about seL4 held. The programs are in tests/sel4/tutorials/. Layer: libsel4. C only. */
#ifndef SKERRY_SEL4TUTORIALS_TUTORIAL_H
#define SKERRY_SEL4TUTORIALS_TUTORIAL_H
#include <sel4/sel4.h>
#include <sel4platsupport/bootinfo.h>
#include <sel4tutorials/alloc.h>
#include <sel4utils/helpers.h>
#include <sel4utils/util.h>
#include <stdio.h>
#include <string.h>
#include <utils/util.h>

static UNUSED int failures;
#define CHECK(condition)                                                                                     \
	do {                                                                                                 \
		if (!(condition)) {                                                                          \
			printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                       \
			failures++;                                                                          \
		}                                                                                            \
	} while (0)
#define CHECK_ERROR(call, error)                                                                             \
	do {                                                                                                 \
		const int got_ = (int)(call);                                                                \
		if (got_ != (int)(error)) {                                                                  \
			printf("%s:%d: %s is %s, must be %s\n", __FILE__, __LINE__, #call,                   \
			       sel4_strerror(got_), sel4_strerror((int)(error)));                            \
			failures++;                                                                          \
		}                                                                                            \
	} while (0)
#define CHECK_OK(call) CHECK_ERROR(call, seL4_NoError)

/* The last line of every tutorial, and its exit code. */
static UNUSED int tutorial_end(const char *line)
{
	if (failures == 0)
		printf("%s\n", line);
	else
		printf("%d of the claims above do not hold.\n", failures);
	return failures == 0 ? 0 : 1;
}

#define ROOT seL4_CapInitThreadCNode

/* Deletes what is in a slot of the root CNode. */
static UNUSED seL4_Error slot_delete(seL4_CPtr slot) { return seL4_CNode_Delete(ROOT, slot, seL4_WordBits); }

/* Mints a copy with other rights and another badge into a new slot. */
static UNUSED seL4_CPtr cap_mint(seL4_BootInfo *info, seL4_CPtr cap, seL4_CapRights_t rights, seL4_Word badge)
{
	const seL4_CPtr slot = alloc_slot(info);
	CHECK_OK(seL4_CNode_Mint(ROOT, slot, seL4_WordBits, ROOT, cap, seL4_WordBits, rights, badge));
	return slot;
}

/* Maps a frame into the program's own address space. Whenever the kernel says which table lacks, that one is made. */
static UNUSED seL4_Error page_map(seL4_BootInfo *info, seL4_CPtr frame, seL4_Word vaddr,
				  seL4_CapRights_t rights)
{
	for (;;) {
		const seL4_Error error = seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, vaddr, rights,
							   seL4_X86_Default_VMAttributes);
		if (error != seL4_FailedLookup)
			return error;
		switch (seL4_MappingFailedLookupLevel()) {
		case SEL4_MAPPING_LOOKUP_NO_PDPT:
			CHECK_OK(seL4_X86_PDPT_Map(alloc_object(info, seL4_X86_PDPTObject, 0),
						   seL4_CapInitThreadVSpace, vaddr,
						   seL4_X86_Default_VMAttributes));
			break;
		case SEL4_MAPPING_LOOKUP_NO_PD:
			CHECK_OK(seL4_X86_PageDirectory_Map(
				alloc_object(info, seL4_X86_PageDirectoryObject, 0), seL4_CapInitThreadVSpace,
				vaddr, seL4_X86_Default_VMAttributes));
			break;
		case SEL4_MAPPING_LOOKUP_NO_PT:
			CHECK_OK(seL4_X86_PageTable_Map(alloc_object(info, seL4_X86_PageTableObject, 0),
							seL4_CapInitThreadVSpace, vaddr,
							seL4_X86_Default_VMAttributes));
			break;
		default:
			return error;
		}
	}
}

/* A thread of the program: it shares CSpace and address space, and has a stack and an IPC buffer of its own. */
struct thread {
	seL4_CPtr tcb, sched_context, buffer;
	char *stack;
};
#define STACK_BYTES  65536
#define THREADS_MAX  8
#define BUFFERS_BASE 0xB000000000ul

/* Makes a thread that will call entry(arg0, arg1, arg2) and must not return from it. It has a scheduling context of its
 * own, of budget = period = 5 ms (round-robin), unless `budget_us` and `period_us` say otherwise; budget 0: none. */
static UNUSED struct thread thread_new(seL4_BootInfo *info, void *entry, seL4_Word arg0, seL4_Word arg1,
				       seL4_Word priority, seL4_Time budget_us, seL4_Time period_us)
{
	static char stacks[THREADS_MAX][STACK_BYTES] ALIGN(16);
	static unsigned threads;
	struct thread thread = {.tcb = alloc_object(info, seL4_TCBObject, 0),
				.buffer = alloc_object(info, seL4_X86_4K, 0),
				.stack = stacks[threads]};
	const seL4_Word buffer_vaddr = BUFFERS_BASE + threads * BIT(seL4_PageBits);
	seL4_UserContext regs = {0};
	ZF_LOGF_IF(threads == THREADS_MAX, "too many threads");
	threads++;
	CHECK_OK(page_map(info, thread.buffer, buffer_vaddr, seL4_ReadWrite));
	CHECK_OK(seL4_TCB_Configure(thread.tcb, ROOT, 0, seL4_CapInitThreadVSpace, 0, buffer_vaddr,
				    thread.buffer));
	if (budget_us) {
		thread.sched_context =
			alloc_object(info, seL4_SchedContextObject, seL4_MinSchedContextBits + 1);
		CHECK_OK(seL4_SchedControl_Configure(info->schedcontrol.start, thread.sched_context,
						     budget_us, period_us,
						     seL4_MaxExtraRefills(seL4_MinSchedContextBits + 1), 0));
	}
	CHECK_OK(seL4_TCB_SetSchedParams(thread.tcb, seL4_CapInitThreadTCB, priority, priority,
					 thread.sched_context, seL4_CapNull));
	sel4utils_arch_init_local_context((sel4utils_thread_entry_fn)entry, (void *)arg0, (void *)arg1, NULL,
					  thread.stack + STACK_BYTES, &regs);
	CHECK_OK(seL4_TCB_WriteRegisters(thread.tcb, 0, 0, sizeof(regs) / sizeof(seL4_Word), &regs));
	return thread;
}

/* The same with 5 ms round-robin, and started. */
static UNUSED struct thread thread_start(seL4_BootInfo *info, void *entry, seL4_Word arg0, seL4_Word arg1,
					 seL4_Word priority)
{
	const struct thread thread =
		thread_new(info, entry, arg0, arg1, priority, 5 * US_IN_MS, 5 * US_IN_MS);
	CHECK_OK(seL4_TCB_Resume(thread.tcb));
	return thread;
}

#endif
