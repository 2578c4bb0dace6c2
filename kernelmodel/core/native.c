/* kernelmodel/core/native.c - a host thread a core, in real time.
 *
 * A core's thread is in user code, in the kernel (it holds the big lock of its cluster), on its way there, or idle. Each
 * entry saves all registers first and takes the lock then, so that of a core that is not in user code whoever holds the
 * lock may read and change everything.
 *
 *   stall     the holder wants to change the thread that runs on another core: it asks that core to come (`attention`, which
 *             the block hook and every entry see) and waits until it is out of user code. If that core then waits for the
 *             lock with a system call, the call is undone: it has not begun, and is done again if the thread still may.
 *   IPI       the core that is to reschedule is poked, and enters when it sees it
 *   idle      sleeps behind a doorbell (sim/doorbell.h), until it is poked or its next deadline
 *   the end   a core that sleeps without a deadline is passive; a poke is a token that counts as active until it is taken.
 *             When nothing is active nobody can run any more.
 *
 * Code that spins without a hook in it (not compiled by skerry-cc) cannot be stopped: whoever wants to stall it waits.
 * Threads are those of the native engine of sim/, a process a core, each with one event: run until the end.
 *
 * Source: seL4's multicore kernel as the manual tells of it; Peters et al., For a microkernel, a big lock is fine, APSys
 * 2015. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "kernelmodel/core/big_lock.h"
#include "kernelmodel/core/core_internal.h"
#include "sim/engine.h"
#include "sim/native.h"
#include "sim/ticks.h"

enum where { WHERE_KERNEL, WHERE_USER, WHERE_IDLE }; /* KERNEL: in it, or on the way */

struct core_native_state {
	struct sim_doorbell bell;
	sim_atomic_u32 where;
	atomic_uint poked, ipi;
	bool undone; /* of the lock's holder: what this core came for has not begun */
	struct big_lock_node node;
} __attribute__((aligned(128)));

struct core_native {
	atomic_uint active; /* cores that are not passive, and pokes that were not taken */
	atomic_bool stuck;
	bool shares;
	uint32_t machines, cores;
	struct core_machine *const *machine;
	struct core **core;    /* of all machines */
	struct big_lock *lock; /* [machines] */
	uint64_t ticks_per_us;
};

#define POLLS_SHARED   50
#define POLLS_OWN      2000
#define STALL_SLEEP_NS 20000

/* ---- time ---- */

uint64_t core_native_clock(void *context)
{
	(void)context;
	return sim_ticks();
}

uint64_t core_native_ticks_per_us(void)
{
	const uint64_t rate = sim_ticks_open()->clock.hz / 1000000;
	return rate ? rate : 1;
}

/* ---- poking each other ---- */

static void poke(struct core *core)
{
	struct core_native *native = core->machine->native;
	struct core_native_state *state = core->native;
	/* (N1) pairs with (N2): whoever takes the token sees why it was given. */
	if (!atomic_exchange_explicit(&state->poked, 1, memory_order_acq_rel))
		atomic_fetch_add_explicit(&native->active, 1, memory_order_acq_rel);
	atomic_store_explicit(&core->attention, 1, memory_order_relaxed);
	sim_doorbell_ring(&state->bell);
}

/* The core is active itself when it takes its token. */
static void token_take(struct core *core)
{
	/* (N2) pairs with (N1). */
	if (atomic_exchange_explicit(&core->native->poked, 0, memory_order_acq_rel))
		atomic_fetch_sub_explicit(&core->machine->native->active, 1, memory_order_acq_rel);
}

void core_native_poke(struct core_machine *machine) { poke(&machine->core[0]); }

void core_native_ring(struct core_machine *machine, unsigned irq)
{
	/* (N3) pairs with (N4). */
	atomic_fetch_or_explicit(&machine->irq_rung[irq / 64], UINT64_C(1) << irq % 64, memory_order_acq_rel);
	poke(&machine->core[0]);
}

static void wake_all(struct core_native *native)
{
	for (uint32_t c = 0; c < native->cores; c++)
		poke(native->core[c]);
}

static void become_passive(struct core_native *native)
{
	if (atomic_fetch_sub_explicit(&native->active, 1, memory_order_acq_rel) == 1) {
		atomic_store_explicit(&native->stuck, true, memory_order_release);
		wake_all(native);
	}
}

/* ---- what a holder of the lock does with other cores ---- */

static void on_stall(void *context, struct km_kernel *kernel, struct km_core *km)
{
	struct core_machine *machine = context;
	struct core *core = &machine->core[km->id];
	struct core_native_state *state = core->native;
	uint32_t polls = 0;
	(void)kernel;
	if (!state)
		return;
	/* (N5) pairs with (N6): its registers are in its TCB. */
	while (sim_load_acquire(&state->where) == WHERE_USER) {
		atomic_store_explicit(&core->attention, 1, memory_order_relaxed);
		if (++polls < BIG_LOCK_POLLS)
			sim_pause();
		else
			sim_word_wait(&state->where, WHERE_USER, STALL_SLEEP_NS);
	}
	core->stalls++;
	if (sim_load_relaxed(&state->where) == WHERE_KERNEL && !state->undone) {
		core->tcb->context.next_ip = core->tcb->context.reg[KM_RIP];
		core->tcb->context.whole = 1;
		state->undone = true;
	}
}

static void send_ipis(struct core *core)
{
	for (uint64_t left = core->kernel->ipi; left; left &= left - 1) {
		struct core *to = &core->machine->core[__builtin_ctzll(left)];
		if (to == core)
			continue;
		atomic_store_explicit(&to->native->ipi, 1, memory_order_relaxed);
		poke(to);
	}
	core->kernel->ipi = 0;
}

static void take_rung(struct core_machine *machine)
{
	for (unsigned word = 0; word < KM_IRQS / 64; word++) {
		if (!atomic_load_explicit(&machine->irq_rung[word], memory_order_relaxed))
			continue;
		/* (N4) pairs with (N3). */
		uint64_t left = atomic_exchange_explicit(&machine->irq_rung[word], 0, memory_order_acq_rel);
		for (; left; left &= left - 1)
			core_irq_latch(machine, word * 64 + (unsigned)__builtin_ctzll(left), 0);
	}
}

int core_native_pending(struct core_machine *machine, const struct km_core *km)
{
	const uint64_t now = sim_ticks();
	bool rung = false;
	for (unsigned word = 0; word < KM_IRQS / 64; word++)
		rung |= atomic_load_explicit(&machine->irq_rung[word], memory_order_relaxed) != 0;
	return km->timer_at <= now ||
	       (km->id == 0 && (rung || machine->irq_at <= now || machine->device_due <= now));
}

/* ---- one core ---- */

static struct big_lock *lock_of(const struct core *core)
{
	return &core->machine->native->lock[core->machine->native_index];
}

static void lock(struct core *core)
{
	/* Time in the queue is the kernel's. */
	const uint64_t from = sim_ticks();
	if (big_lock_take(lock_of(core), &core->native->node)) {
		core->lock_waits++;
		core->lock_wait_cycles += sim_ticks() - from;
	}
}

static void unlock(struct core *core) { big_lock_release(&core->native->node); }

static bool is_over(const struct core *core)
{
	return core->machine->end || core->kernel->halted ||
	       atomic_load_explicit(&core->machine->native->stuck, memory_order_acquire);
}

static uint64_t deadline(const struct core *core)
{
	const struct core_machine *machine = core->machine;
	uint64_t at = core->km->timer_at;
	if (core->id == 0) {
		at = machine->irq_at < at ? machine->irq_at : at;
		at = machine->device_due < at ? machine->device_due : at;
	}
	return at;
}

/* Everything that is due, with the lock held. */
static void take_events(struct core *core)
{
	struct core_machine *machine = core->machine;
	uint64_t now;
	int irq;
	token_take(core);
	atomic_store_explicit(&core->attention, 0, memory_order_relaxed);
	if (atomic_exchange_explicit(&core->native->ipi, 0, memory_order_relaxed))
		core_kernel_enter(core, CORE_IPI, 0, 0);
	now = sim_ticks();
	if (machine->irqs_wait) {
		core_irqs_look(machine);
		if (machine->irq_at != KM_NEVER && core->id)
			poke(&machine->core[0]);
	}
	if (core->id == 0) {
		take_rung(machine);
		while (!machine->end && (irq = core_irq_take(machine, now)) >= 0)
			core_kernel_enter(core, CORE_INTERRUPT, (uint64_t)irq, 0);
	}
	if (core->km->timer_at <= now)
		core_kernel_enter(core, CORE_TIMER, 0, 0);
	send_ipis(core);
}

/* Without the lock: until somebody pokes, or the deadline. */
static void idle(struct core *core, uint64_t until)
{
	struct core_native *native = core->machine->native;
	struct core_native_state *state = core->native;
	const uint32_t polls = native->shares ? POLLS_SHARED : POLLS_OWN;
	for (uint32_t i = 0; i < polls; i++) {
		if (atomic_load_explicit(&state->poked, memory_order_relaxed) || sim_ticks() >= until)
			return;
		sim_poll_gap();
	}
	sim_doorbell_arm(&state->bell);
	const uint64_t now = sim_ticks();
	if (atomic_load_explicit(&state->poked, memory_order_acquire) || now >= until) {
		sim_doorbell_disarm(&state->bell);
	} else if (until != KM_NEVER) {
		sim_doorbell_wait(&state->bell, (until - now) * 1000 / native->ticks_per_us + 1);
	} else {
		become_passive(native);
		sim_doorbell_wait(&state->bell, 0);
		atomic_fetch_add_explicit(&native->active, 1, memory_order_acq_rel);
	}
}

/* With the lock held: until there is a thread to run (true), or it is over (false). */
static bool settle(struct core *core)
{
	struct core_native_state *state = core->native;
	for (;;) {
		take_events(core);
		if (is_over(core))
			return false;
		if (core->km->current != core->km->idle && !core->kernel->ipi)
			return true;
		const uint64_t until = deadline(core);
		core_mapped_settle(core, false);
		sim_store_relaxed(&state->where, WHERE_IDLE);
		unlock(core);
		idle(core, until);
		lock(core);
		sim_store_relaxed(&state->where, WHERE_KERNEL);
	}
}

/* The lock is released; the thread is on its way to user code. */
static void to_user(struct core *core)
{
	core->deadline = deadline(core);
	core_mapped_settle(core, true);
	sim_store_relaxed(&core->native->where, WHERE_USER);
	unlock(core);
}

static void machine_over(struct core_machine *machine)
{
	for (uint32_t c = 0; c < machine->cores; c++)
		poke(&machine->core[c]);
}

static void perform(struct core *core, enum core_kind kind, uint64_t number, uint64_t code)
{
	struct core_native_state *state = core->native;
	if (state->undone) {
		state->undone = false;
		core_kernel_enter(core, CORE_IPI, 0, 0);
	} else if (kind == CORE_SERVICE) {
		core_serve(core);
	} else if (kind == CORE_SPIN) {
		core->spins += core->blocks <= 0;
		core->blocks = core->blocks_free;
	} else {
		core_kernel_enter(core, kind, number, code);
	}
}

struct km_context *core_native_enter(struct core *core, enum core_kind kind, uint64_t number, uint64_t code)
{
	/* (N6) pairs with (N5): the registers were saved before. */
	sim_store_release(&core->native->where, WHERE_KERNEL);
	lock(core);
	perform(core, kind, number, code);
	if (!settle(core)) {
		unlock(core);
		machine_over(core->machine);
		return NULL;
	}
	struct km_context *context = core_load(core);
	to_user(core);
	return context;
}

static void run_core(struct core *core)
{
	struct core_native *native = core->machine->native;
	core_signals_open();
	lock(core);
	sim_store_relaxed(&core->native->where, WHERE_KERNEL);
	if (settle(core)) {
		to_user(core);
		core_enter(core);
	} else {
		unlock(core);
	}
	machine_over(core->machine);
	token_take(core);
	become_passive(native);
}

/* ---- all of them ---- */

static void on_event(void *context, struct sim_engine *engine, const struct sim_event *event)
{
	struct core_native *native = context;
	(void)engine;
	run_core(native->core[event->dst]);
}

static int prepare(struct core_native *native)
{
	uint32_t n = 0;
	for (uint32_t m = 0; m < native->machines; m++)
		native->cores += native->machine[m]->cores;
	native->core = calloc(native->cores, sizeof *native->core);
	native->lock = aligned_alloc(128, native->machines * sizeof *native->lock);
	if (!native->core || !native->lock)
		return -ENOMEM;
	for (uint32_t m = 0; m < native->machines; m++) {
		struct core_machine *machine = native->machine[m];
		machine->native = native;
		machine->native_index = m;
		machine->kernel->host.stall = on_stall;
		big_lock_init(&native->lock[m]);
		for (uint32_t c = 0; c < machine->cores; c++) {
			struct core *core = &machine->core[c];
			core->special = SPECIAL_NATIVE | SPECIAL_CLOCK | (core->special & SPECIAL_MAPPED);
			core->native = aligned_alloc(128, sizeof *core->native);
			native->core[n++] = core;
			if (!core->native)
				return -ENOMEM;
			memset(core->native, 0, sizeof *core->native);
			sim_doorbell_init(&core->native->bell, true);
			sim_store_relaxed(&core->native->where, WHERE_IDLE);
			big_lock_node_init(&core->native->node);
		}
	}
	atomic_init(&native->active, native->cores);
	return 0;
}

static void finish(struct core_native *native)
{
	for (uint32_t m = 0; m < native->machines; m++) {
		struct core_machine *machine = native->machine[m];
		if (machine->kernel->halted && !machine->end)
			machine->end = CORE_HALTED;
		if (!machine->end)
			machine->end = CORE_STUCK;
		machine->kernel->host.stall = NULL;
		machine->native = NULL;
		for (uint32_t c = 0; c < machine->cores; c++) {
			free(machine->core[c].native);
			machine->core[c].native = NULL;
		}
	}
	free(native->core);
	free(native->lock);
}

/* A CPU a core if there are as many; else they run where the system puts them, and wait by sleeping. */
static int run_threads(struct core_native *native, char *why, size_t why_size)
{
	struct sim_native_config about = {.threads = native->cores, .shares = true};
	struct sim_engine_config config = {.kind = SIM_ENGINE_NATIVE,
					   .processes = native->cores,
					   .lookahead_ps = 1,
					   .handler = on_event,
					   .context = native,
					   .native = &about};
	struct sim_host *host = calloc(1, sizeof *host);
	struct sim_placement *placement = calloc(1, sizeof *placement);
	struct sim_engine *engine = NULL;
	const char *reason = "no memory is left";
	int code = host && placement ? sim_host_read(host, &reason) : -ENOMEM;
	if (!code && !sim_host_place(host, native->cores, placement) && !placement->shared) {
		about.host = host;
		about.placement = placement;
		about.shares = false;
	}
	native->shares = about.shares;
	if (!code)
		code = sim_engine_new(&engine, &config);
	if (code) {
		snprintf(why, why_size, "threads for %u cores: %s", native->cores, reason);
	} else {
		for (uint32_t c = 0; c < native->cores; c++)
			sim_engine_post(engine, c, c, 0);
		sim_engine_run(engine, SIM_PS_NEVER);
	}
	sim_engine_free(engine);
	free(placement);
	free(host);
	return code;
}

int core_run_natively(struct core_machine *const *machine, uint32_t machines, char *why, size_t why_size)
{
	struct core_native native = {
		.machine = machine, .machines = machines, .ticks_per_us = core_native_ticks_per_us()};
	int code = prepare(&native);
	if (code)
		snprintf(why, why_size, "no memory is left for %u cores", native.cores);
	else
		code = run_threads(&native, why, why_size);
	finish(&native);
	return code;
}
