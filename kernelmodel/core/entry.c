/* kernelmodel/core/entry.c - what comes in from user threads, and which thread goes on.
 *
 * A system call of a machine that needs nothing special takes the short way through core_on_syscall(): the kernel, its
 * cost, and the thread that is current then, if its core may go on. Everything else goes through core_kernel_enter(),
 * which is the one place that knows of the lock, the digest and the statistics.
 *
 * A thread goes on here only while its core's clock is below `horizon` (another core's turn, an interrupt, the end of this
 * run) and below the kernel's next deadline; else fiber_enter() returns to the loop of virtual.c, which decides. */
#include "kernelmodel/core/core_internal.h"
#include "sim/check.h"

#define FP_DEFAULT UINT64_C(0x037f00001f80) /* x87 | mxcsr, as a process begins */
#define FSR_FETCH  4                        /* bit of a page fault's error code: an instruction was fetched */
#define FP_STICKY  6                        /* low bits of mxcsr that only record what happened */

/* Control words are loaded only if they differ: loading costs as much as the rest of a switch. 0: of a thread that is new. */
static __attribute__((noinline)) void fp_change(struct core *core, uint64_t wanted)
{
	wanted = wanted ? wanted : FP_DEFAULT;
	const uint32_t mxcsr = (uint32_t)wanted;
	const uint16_t x87 = (uint16_t)(wanted >> 32);
	__asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(x87));
	core->fp = wanted;
}

static inline void fp_load(struct core *core, uint64_t wanted)
{
	if (__builtin_expect((wanted ^ core->fp) >> FP_STICKY, 0))
		fp_change(core, wanted);
}

/* ---- which thread goes on ---- */

uint64_t core_compute_left(struct core *core)
{
	struct km_tcb *tcb = core->km->current;
	if (tcb->host[HOST_COMPUTE] && tcb->context.next_ip != tcb->host[HOST_COMPUTE_IP])
		tcb->host[HOST_COMPUTE] = 0;
	return tcb->host[HOST_COMPUTE];
}

/* Called by fiber.S: all registers of core->context are about to be loaded, for its thread did not enter by a system call
 * or was changed since. */
CORE_UNSANITIZED void core_load_whole(struct core *core)
{
	struct km_tcb *tcb = core->tcb;
	core->xmask = tcb->host[HOST_XMASK];
	if (core->xmask) {
		const struct core_xstate *state = (struct core_xstate *)(uintptr_t)tcb->host[HOST_XSTATE];
		core->xstate = state->area;
		tcb->host[HOST_XMASK] = 0;
	}
	if (tcb->host[HOST_BLOCKS]) {
		core->blocks = (int64_t)tcb->host[HOST_BLOCKS];
		tcb->host[HOST_BLOCKS] = 0;
	}
}

static inline void change_thread(struct core *core, struct km_tcb *tcb)
{
	core->switches++;
	core->tcb->host[HOST_FP] = core->fp;
	core->tcb = tcb;
	core->context = &tcb->context;
	fp_load(core, tcb->host[HOST_FP]);
}

/* The current thread's context, ready to be loaded. It is not the idle one. */
static inline struct km_context *load(struct core *core)
{
	struct km_tcb *tcb = core->km->current;
	if (tcb != core->tcb)
		change_thread(core, tcb);
	return &tcb->context;
}

/* May whoever is current go on at once? The idle thread never does: it computes for ever. */
static inline struct km_context *settle(struct core *core)
{
	const struct km_core *km = core->km;
	if (__builtin_expect(km->now >= core->horizon || km->now >= km->timer_at ||
				     km->current->host[HOST_COMPUTE],
			     0))
		return NULL;
	return load(core);
}

struct km_context *core_settle(struct core *core) { return settle(core); }
struct km_context *core_load(struct core *core) { return load(core); }

/* ---- into the kernel ---- */

/* By number: -1 Call .. -11 Yield; the rest has room of its own, for it is no system call of seL4's. */
static inline void count_syscall(struct core *core, const struct km_context *context)
{
	core->syscalls[-context->reg[KM_REG_SYSCALL] & (CORE_SYSCALLS - 1)]++;
}

static void count(struct core *core, enum core_kind kind)
{
	switch (kind) {
	case CORE_SYSCALL:
		count_syscall(core, &core->km->current->context);
		break;
	case CORE_FAULT:
		core->faults++;
		break;
	case CORE_EXCEPTION:
		core->exceptions++;
		break;
	case CORE_INTERRUPT:
		core->interrupts++;
		break;
	case CORE_TIMER:
		core->timers++;
		break;
	case CORE_IPI:
		core->ipis++;
		break;
	case CORE_SERVICE:
	case CORE_SPIN:
		break;
	}
}

/* The big lock in virtual time: entries are made in the order of their times, so that whoever comes while it is held
 * waits until it is released, and the next one behind him. */
static void lock_wait(struct core *core)
{
	const uint64_t free_at = core->machine->lock_free;
	struct km_core *km = core->km;
	if (km->now < free_at) {
		core->lock_waits++;
		core->lock_wait_cycles += free_at - km->now;
		core->kernel_cycles += free_at - km->now;
		km->now = free_at;
	}
	core->kernel->work[KM_WORK_LOCK]++;
}

static void kernel_call(struct core *core, enum core_kind kind, uint64_t number, uint64_t code)
{
	struct km_kernel *kernel = core->kernel;
	struct km_core *km = core->km;
	switch (kind) {
	case CORE_SYSCALL:
		km_syscall(kernel, km);
		break;
	case CORE_FAULT:
		km_vm_fault(kernel, km, number, code, code >> FSR_FETCH & 1);
		break;
	case CORE_EXCEPTION:
		km_user_exception(kernel, km, number, code);
		break;
	case CORE_INTERRUPT:
		km_interrupt(kernel, km, (unsigned)number);
		break;
	case CORE_TIMER:
		km_timer(kernel, km);
		break;
	case CORE_IPI:
		km_ipi(kernel, km);
		break;
	case CORE_SERVICE:
	case CORE_SPIN:
		break;
	}
}

/* Cores that are to reschedule do so when their clocks are there. */
static void send_ipis(struct core *core)
{
	struct core_machine *machine = core->machine;
	for (uint64_t left = core->kernel->ipi; left; left &= left - 1) {
		struct core *to = &machine->core[__builtin_ctzll(left)];
		if (core->km->now < to->ipi_at)
			to->ipi_at = core->km->now;
	}
	core->kernel->ipi = 0;
	core->horizon = 0;
}

static inline void mapped_look(struct core *core)
{
	if ((core->special & (SPECIAL_MAPPED | SPECIAL_NATIVE)) == SPECIAL_MAPPED)
		core_mapped_look(core);
}

void core_kernel_enter(struct core *core, enum core_kind kind, uint64_t number, uint64_t code)
{
	struct km_kernel *kernel = core->kernel;
	struct km_core *km = core->km;
	const struct km_tcb *before = km->current;
	uint64_t charged;
	if (core->special & SPECIAL_LOCK)
		lock_wait(core);
	if (core->special & SPECIAL_CLOCK) {
		const uint64_t now = core->machine->config.clock(core->machine->config.clock_context);
		if (now > km->now)
			km->now = now;
	}
	if (core->special & SPECIAL_DIGEST)
		core_digest_entry(core, kind, number, code);
	count(core, kind);
	kernel_call(core, kind, number, code);
	charged = km->charged;
	if (core->special & SPECIAL_LOCK)
		charged += kernel->cost[KM_WORK_LOCK];
	if (!charged && !(core->special & SPECIAL_CLOCK))
		charged = 1;
	km->now += charged;
	core->kernel_cycles += charged;
	if (core->special & SPECIAL_LOCK)
		core->machine->lock_free = km->now;
	if (kernel->ipi && !(core->special & SPECIAL_NATIVE))
		send_ipis(core);
	if (kind >= CORE_INTERRUPT && before != km->current && before != km->idle)
		core->preemptions++;
	if (kernel->halted)
		core->machine->end = CORE_HALTED;
	mapped_look(core);
}

/* ---- from threads ---- */

/* What a system call outside of any thread comes to; also a thread whose machine has ended meanwhile. */
static struct km_context *nobody_enters(void)
{
	fprintf(stderr, "skerry: internal: a system call of seL4 outside of a thread (in a constructor, or "
			"from a thread "
			"of the host); make it in main()\n");
	SIM_CHECK(core_running != &core_nobody);
	return NULL;
}

static struct km_context *syscall_special(struct core *core)
{
	if (core->special & SPECIAL_NOBODY)
		return nobody_enters();
	if (core->special & SPECIAL_NATIVE)
		return core_native_enter(core, CORE_SYSCALL, 0, 0);
	core_kernel_enter(core, CORE_SYSCALL, 0, 0);
	if (core->special & SPECIAL_IRQ)
		core_irqs_look(core->machine);
	return core->machine->end ? NULL : settle(core);
}

CORE_UNSANITIZED struct km_context *core_on_syscall(struct core *core)
{
	struct km_core *km = core->km;
	struct km_context *context;
	core_sanitize_in(core);
	core->blocks = core->blocks_free;
	if (__builtin_expect(core->special, 0)) {
		context = syscall_special(core);
	} else {
		count_syscall(core, core->context);
		km_syscall(core->kernel, km);
		const uint64_t charged = km->charged + !km->charged;
		km->now += charged;
		core->kernel_cycles += charged;
		context = settle(core);
	}
	core_sanitize_out(core, context);
	return context;
}

/* A fault of the host's in user code, whose registers the signal handler saved; or its time is up. */
CORE_UNSANITIZED struct km_context *core_on_fault(struct core *core)
{
	struct km_context *context;
	const bool is_page_fault = core->trap.number == 14;
	const enum core_kind kind = is_page_fault ? CORE_FAULT : CORE_EXCEPTION;
	core_sanitize_in(core);
	core->blocks = core->blocks_free;
	const uint64_t number = is_page_fault ? core->trap.address : core->trap.number;
	if (core->trap.number == CORE_TRAP_TIME) {
		context = settle(core);
	} else if (core->special & SPECIAL_NATIVE) {
		context = core_native_enter(core, kind, number, core->trap.error);
	} else {
		core_kernel_enter(core, kind, number, core->trap.error);
		context = core->machine->end ? NULL : settle(core);
	}
	core_sanitize_out(core, context);
	return context;
}

/* The block hook found its count used up, or was asked to look. */
static struct km_context *preempt(struct core *core)
{
	if (core->special & SPECIAL_NATIVE)
		return core_native_enter(core, CORE_SPIN, 0, 0);
	if (core->blocks <= 0) {
		core->blocks = CORE_BLOCKS_SPIN;
		core->spins++;
		core->machine->build_bound = true;
		if (!core->machine->config.clock)
			core->km->now += CORE_SPIN_CYCLES;
	}
	core->tcb->host[HOST_BLOCKS] = (uint64_t)core->blocks;
	core->blocks = core->blocks_free;
	if (core->machine->config.clock) {
		const uint64_t now = core->machine->config.clock(core->machine->config.clock_context);
		core->km->now = now > core->km->now ? now : core->km->now;
	}
	return settle(core);
}

CORE_UNSANITIZED struct km_context *core_on_preempt(struct core *core)
{
	core_sanitize_in(core);
	struct km_context *context = preempt(core);
	core_sanitize_out(core, context);
	return context;
}

CORE_UNSANITIZED void core_enter(struct core *core)
{
	struct core *before = core_running;
	uint32_t mxcsr = 0;
	uint16_t x87 = 0;
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
	core->host_fp = mxcsr | (uint64_t)x87 << 32;
	core->fp = core->host_fp;
	core_running = core;
	core->blocks = core->blocks_free;
	mapped_look(core);
	if (core->km->current == core->tcb)
		fp_load(core, core->tcb->host[HOST_FP]);
	core->context = load(core);
	core_sanitize_out(core, core->context);
	fiber_enter();
	core->tcb->host[HOST_FP] = core->fp;
	fp_load(core, core->host_fp);
	core_running = before;
}
