/* What one kernel's operations take on this host: user threads, system-call stubs, the switch and the kernel, end to end.
 *
 * Each row is a root task over <sel4/sel4.h> that does one operation again and again; a batch begins with an interrupt
 * that wakes it and ends when it waits for the next; where others would run while it waits, with the end of a time that
 * it computes. Time inside is virtual and costs nothing (no clock is read), so what is measured is our code alone.
 *
 * kernel/call_reply is a Call to a passive server in an address space of its own, at the same priority, and its ReplyRecv:
 * the fast path both ways. It is compared with the least that two stacks can cost (peer/fcontext) and with what the host's
 * kernel takes for the same ping-pong on one CPU (peer/futex).
 *
 * fiber/switch is the switch without the kernel: from a thread to the host's stack and back, by a service that does
 * nothing. There is none from thread to thread, for who goes on is the kernel's to say: kernel/yield is the least of that.
 * kernel/schedule_N blocks and wakes a thread while N others are ready at 254 priorities; kernel/revoke_N revokes N
 * children: what one takes is to be the same for each N (bench/instructions.txt).
 *
 * Not shown: a real kernel's traps, TLB and caches: this one is a model in one process. What an operation would take on
 * hardware is the cost profile's affair (skerry boot --cost). */
#include <sel4/sel4.h>
#include <skerry/user.h>
#include <stdlib.h>
#include <string.h>
#include "bench/bench.h"
#include "kernelmodel/core/core.h"
#include "sim/check.h"

#define BELL_VECTOR  CORE_DOORBELL_VECTOR
#define BELL_IRQ     (BELL_VECTOR + CORE_IRQ_OF_VECTOR)
#define RETYPE_MAX   CONFIG_RETYPE_FAN_OUT_LIMIT
#define PAUSE_CYCLES 10000000 /* between two batches, where the root task computes; more than a batch takes */
#define STACK_BYTES  65536

struct subject {
	struct core_machine *core;
	const struct kind *kind;
	uint64_t slot, untyped, cnode;
	uint64_t target, reply, other; /* what the row's operation is on */
	uint64_t paused;               /* cycles until the root task's pause is over, 0 at first */
	char *stack;
	int failed;
};

typedef void operation(struct subject *s);

struct kind {
	operation *begin, *once;
	uint64_t operations, each; /* of a batch; and how many operations a call of once() counts for */
	uint64_t others;           /* threads that are ready, or children */
	bool by_time;              /* batches are told apart by time */
};

static void must(struct subject *s, seL4_Error error) { s->failed |= error != seL4_NoError; }

/* ---- making ---- */

static uint64_t object_new(struct subject *s, seL4_Word type, seL4_Word bits)
{
	must(s, seL4_Untyped_Retype(s->untyped, type, bits, seL4_CapInitThreadCNode, 0, 0, s->slot, 1));
	return s->slot++;
}

static void memory_find(struct subject *s, const seL4_BootInfo *info)
{
	seL4_Word best = 0;
	for (seL4_Word i = 0; i < info->untyped.end - info->untyped.start; i++)
		if (!info->untypedList[i].isDevice &&
		    (info->untypedList[best].isDevice ||
		     info->untypedList[i].sizeBits > info->untypedList[best].sizeBits))
			best = i;
	s->untyped = info->untyped.start + best;
	s->slot = info->empty.start;
}

static void bell_new(struct subject *s)
{
	const uint64_t bell = object_new(s, seL4_NotificationObject, 0);
	const uint64_t irq = s->slot++;
	must(s, seL4_IRQControl_GetMSI(seL4_CapIRQControl, seL4_CapInitThreadCNode, irq, seL4_WordBits, 0, 0,
				       0, 0, BELL_VECTOR));
	must(s, seL4_IRQHandler_SetNotification(irq, bell));
	s->cnode = irq; /* for bell_wait() */
	s->other = bell;
}

/* ---- a second thread ---- */

static void serve(struct subject *s)
{
	seL4_Word badge;
	seL4_MessageInfo_t info = seL4_RecvWithMRs(s->target, &badge, NULL, NULL, NULL, NULL, s->reply);
	for (;;)
		info = seL4_ReplyRecvWithMRs(s->target, info, &badge, NULL, NULL, NULL, NULL, s->reply);
}

static void await(struct subject *s)
{
	for (;;)
		seL4_WaitWithMRs(s->target, NULL, NULL, NULL, NULL, NULL);
}

static void yield(struct subject *s)
{
	(void)s;
	for (;;)
		seL4_Yield();
}

static void answer(struct subject *s)
{
	for (;;) {
		seL4_WaitWithMRs(s->target, NULL, NULL, NULL, NULL, NULL);
		seL4_Signal(s->other);
	}
}

/* In an address space of its own; passive: it runs on its caller's scheduling context once it waits. */
static void thread_new(struct subject *s, void (*run)(struct subject *), seL4_Word priority, bool passive)
{
	const seL4_BootInfo *info = seL4_GetBootInfo();
	const uint64_t tcb = object_new(s, seL4_TCBObject, 0), space = object_new(s, seL4_X64_PML4Object, 0),
		       context = object_new(s, seL4_SchedContextObject, seL4_MinSchedContextBits);
	seL4_UserContext registers = {.rip = (seL4_Word)(uintptr_t)run,
				      .rdi = (seL4_Word)(uintptr_t)s,
				      .rsp = (seL4_Word)(uintptr_t)s->stack + STACK_BYTES - 8,
				      .rflags = 0x202};
	must(s, seL4_X86_ASIDPool_Assign(seL4_CapInitThreadASIDPool, space));
	must(s, seL4_TCB_SetSpace(tcb, seL4_CapNull, seL4_CapInitThreadCNode, 0, space, 0));
	must(s, seL4_SchedControl_Configure(info->schedcontrol.start, context, 10000, 10000, 0, 0));
	must(s,
	     seL4_TCB_SetSchedParams(tcb, seL4_CapInitThreadTCB, priority, priority, context, seL4_CapNull));
	must(s, seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, 100));
	must(s, seL4_TCB_WriteRegisters(tcb, 1, 0, sizeof registers / sizeof(seL4_Word), &registers));
	seL4_Yield();
	must(s, seL4_TCB_SetPriority(tcb, seL4_CapInitThreadTCB, priority));
	if (passive)
		must(s, seL4_SchedContext_Unbind(context));
	if (passive)
		must(s, seL4_TCB_SetPriority(tcb, seL4_CapInitThreadTCB, 100));
}

/* ---- the operations ---- */

static void call_begin(struct subject *s)
{
	s->target = object_new(s, seL4_EndpointObject, 0);
	s->reply = object_new(s, seL4_ReplyObject, 0);
	thread_new(s, serve, 200, true);
}
static void call_once(struct subject *s)
{
	seL4_Word word = 1;
	const seL4_MessageInfo_t info =
		seL4_CallWithMRs(s->target, seL4_MessageInfo_new(0, 0, 0, 1), &word, NULL, NULL, NULL);
	s->failed |= seL4_MessageInfo_get_length(info) != 1;
}

static void signal_begin(struct subject *s)
{
	s->target = object_new(s, seL4_NotificationObject, 0);
	thread_new(s, await, 200, false);
}
static void signal_once(struct subject *s) { seL4_Signal(s->target); }

static void lookup_begin(struct subject *s) { s->target = s->slot; }
static void lookup_once(struct subject *s) { seL4_NBSend(s->target, seL4_MessageInfo_new(0, 0, 0, 0)); }

static void mint_begin(struct subject *s) { s->target = object_new(s, seL4_EndpointObject, 0); }
static void mint_once(struct subject *s)
{
	must(s, seL4_CNode_Mint(seL4_CapInitThreadCNode, s->slot, seL4_WordBits, seL4_CapInitThreadCNode,
				s->target, seL4_WordBits, seL4_AllRights, 7));
	must(s, seL4_CNode_Delete(seL4_CapInitThreadCNode, s->slot, seL4_WordBits));
}

/* From a block of one page, so that each time it is cleared and used again. */
static void retype_begin(struct subject *s) { s->target = object_new(s, seL4_UntypedObject, seL4_PageBits); }
static void retype_once(struct subject *s)
{
	must(s, seL4_Untyped_Retype(s->target, seL4_X86_4K, 0, seL4_CapInitThreadCNode, 0, 0, s->slot, 1));
	must(s, seL4_CNode_Delete(seL4_CapInitThreadCNode, s->slot, seL4_WordBits));
}

/* Its time is that of making the children as well; mint_delete says what making one takes. */
static void revoke_once(struct subject *s)
{
	for (uint64_t i = 0; i < s->kind->others; i++)
		must(s, seL4_CNode_Mint(seL4_CapInitThreadCNode, s->slot + i, seL4_WordBits,
					seL4_CapInitThreadCNode, s->target, seL4_WordBits, seL4_AllRights,
					i + 1));
	must(s, seL4_CNode_Revoke(seL4_CapInitThreadCNode, s->target, seL4_WordBits));
}

static void switch_begin(struct subject *s) { (void)s; }
static void switch_once(struct subject *s)
{
	(void)s;
	skerry_compute(0);
}

static void yield_begin(struct subject *s) { thread_new(s, yield, 100, false); }
static void yield_once(struct subject *s)
{
	(void)s;
	seL4_Yield();
}

/* Threads that are ready, at the priorities 0 to 253 in turn, and never run. */
static void ready_new(struct subject *s, uint64_t threads)
{
	const uint64_t control = seL4_GetBootInfo()->schedcontrol.start, tcb = s->slot,
		       context = tcb + threads;
	for (uint64_t i = 0, n; i < threads; i += n) {
		n = threads - i < RETYPE_MAX ? threads - i : RETYPE_MAX;
		must(s, seL4_Untyped_Retype(s->untyped, seL4_TCBObject, 0, seL4_CapInitThreadCNode, 0, 0,
					    tcb + i, n));
		must(s, seL4_Untyped_Retype(s->untyped, seL4_SchedContextObject, seL4_MinSchedContextBits,
					    seL4_CapInitThreadCNode, 0, 0, context + i, n));
	}
	for (uint64_t i = 0; i < threads; i++) {
		must(s, seL4_SchedControl_Configure(control, context + i, 10000, 10000, 0, 0));
		must(s, seL4_TCB_SetSchedParams(tcb + i, seL4_CapInitThreadTCB, 0, i % 254, context + i,
						seL4_CapNull));
		must(s, seL4_TCB_Resume(tcb + i));
	}
	s->slot = context + threads;
}

static void schedule_begin(struct subject *s)
{
	s->target = object_new(s, seL4_NotificationObject, 0);
	s->other = object_new(s, seL4_NotificationObject, 0);
	thread_new(s, answer, 254, false);
	must(s, seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, 255));
	ready_new(s, s->kind->others);
}
static void schedule_once(struct subject *s)
{
	seL4_Signal(s->target);
	seL4_Wait(s->other, NULL);
}

/* clang-format off */
static const struct kind
	call_reply     = {call_begin,     call_once,     20000, 1, 0, false},
	signal_wait    = {signal_begin,   signal_once,   20000, 1, 0, false},
	fiber_switch   = {switch_begin,   switch_once,   20000, 1, 0, false},
	yield_yield    = {yield_begin,    yield_once,    10000, 2, 0, true},
	cap_lookup     = {lookup_begin,   lookup_once,   20000, 1, 0, false},
	mint_delete    = {mint_begin,     mint_once,     5000,  1, 0, false},
	retype_4k      = {retype_begin,   retype_once,   5000,  1, 0, false},
	revoke_100     = {mint_begin,     revoke_once,   100,   100,   100,   false},
	revoke_1000    = {mint_begin,     revoke_once,   10,    1000,  1000,  false},
	revoke_10000   = {mint_begin,     revoke_once,   1,     10000, 10000, false},
	schedule_10    = {schedule_begin, schedule_once, 5000,  1, 10,    true},
	schedule_10000 = {schedule_begin, schedule_once, 5000,  1, 10000, true};
/* clang-format on */

static int root(void *subject)
{
	struct subject *s = subject;
	const struct kind *kind = s->kind;
	memory_find(s, seL4_GetBootInfo());
	bell_new(s);
	const uint64_t irq = s->cnode, bell = s->other;
	kind->begin(s);
	for (;;) {
		if (kind->by_time)
			skerry_compute(PAUSE_CYCLES);
		else
			seL4_Wait(bell, NULL);
		for (uint64_t i = 0; i < kind->operations; i++)
			kind->once(s);
		if (!kind->by_time)
			must(s, seL4_IRQHandler_Ack(irq));
	}
	return 0;
}

/* ---- rows ---- */

static void kernel_free(void *subject)
{
	struct subject *s = subject;
	core_free(s->core);
	free(s->stack);
	free(s);
}

/* To the next pause that begins. The root task's setting up, or a batch, is over in half of one. */
static void run_on(struct subject *s)
{
	core_run(s->core,
		 s->kind->by_time ? core_clock(s->core, 0) + s->paused + PAUSE_CYCLES / 2 : KM_NEVER);
	s->paused = PAUSE_CYCLES;
}

static void *kernel_new(const struct bench_row *row)
{
	static const uint32_t bell = BELL_IRQ;
	struct subject *s = calloc(1, sizeof *s);
	char why[256];
	if (!s || !(s->stack = malloc(STACK_BYTES))) {
		free(s);
		return NULL;
	}
	s->kind = row->parameter;
	const struct core_config config = {.boot = {.nodes = 1,
						    .cores = 1,
						    .memory = {1u << 24, 5u << 24},
						    .irq = &bell,
						    .irqs = 1,
						    .ticks_per_us = 3000},
					   .entry = root,
					   .argument = s};
	if (core_new(&s->core, &config, why, sizeof why)) {
		kernel_free(s);
		return NULL;
	}
	run_on(s);
	return s;
}

static uint64_t kernel_run(void *subject)
{
	struct subject *s = subject;
	if (!s->kind->by_time)
		core_interrupt(s->core, BELL_IRQ, 0);
	run_on(s);
	return s->kind->operations * s->kind->each;
}

static const char *kernel_fault(void *subject)
{
	const struct subject *s = subject;
	struct core_stats stats;
	core_stats(s->core, &stats);
	if (stats.faults || stats.exceptions)
		return "a thread had a fault";
	return s->failed ? "an invocation failed" : NULL;
}

#define ROW(name_, kind_)                                                                                    \
	.name = name_, .parameter = &kind_, .setup = kernel_new, .run = kernel_run, .fault = kernel_fault,   \
	.teardown = kernel_free
const struct bench_row bench_kernel_rows[] = {
	{ROW("kernel/call_reply", call_reply),
	 .against = {{.counter = "of_fcontext", .row = "peer/fcontext", .over = true, .goal_max = 10},
		     {.counter = "of_futex", .row = "peer/futex", .over = true, .goal_max = 0.25}}},
	{ROW("fiber/switch", fiber_switch),
	 .against = {{.counter = "of_fcontext", .row = "peer/fcontext", .over = true}}},
	{ROW("kernel/signal_wait", signal_wait)},
	{ROW("kernel/yield", yield_yield)},
	{ROW("kernel/cap_lookup", cap_lookup)},
	{ROW("kernel/mint_delete", mint_delete)},
	{ROW("kernel/retype_4k", retype_4k)},
	{ROW("kernel/revoke_100", revoke_100)},
	{ROW("kernel/revoke_1000", revoke_1000)},
	{ROW("kernel/revoke_10000", revoke_10000)},
	{ROW("kernel/schedule_10", schedule_10)},
	{ROW("kernel/schedule_10000", schedule_10000)},
	{0}};
