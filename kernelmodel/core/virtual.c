/* kernelmodel/core/virtual.c - one host thread runs all cores of a machine, in the order of their clocks.
 *
 * Each core has a time at which it next wants to do something: run its thread, take an interrupt, reach the kernel's
 * deadline, reschedule because another core asked. The core with the smallest (time, number) does so, and goes on until its
 * clock is no longer the smallest (its `horizon`). Whatever a core does in the kernel is thus done in the order of time, and
 * all registers of all other cores' threads are in their TCBs, so that to stall a core takes nothing.
 *
 * Thread rule: one host thread a machine. */
#include "kernelmodel/core/core_internal.h"
#include "sim/check.h"

/* ---- interrupts ---- */

static bool irq_is_pending(const struct core_machine *machine, unsigned irq)
{
	return machine->irq_pending[irq / 64] >> irq % 64 & 1;
}

/* Somebody would be told: it is not masked, and its handler has a notification. One that comes earlier waits, so that a
 * cluster may be rung while it still boots. */
static bool irq_is_open(const struct core_machine *machine, unsigned irq)
{
	const struct km_kernel *kernel = machine->kernel;
	return !kernel->irq_masked[irq] &&
	       (KM_SLOT(kernel, kernel->irq_node) + irq)->cap.type == KM_CAP_NOTIFICATION;
}

/* While one waits for somebody to be told, each system call is followed by a look: any may be the one that sets the
 * notification. */
static void irqs_watch(struct core_machine *machine, bool on)
{
	machine->irqs_wait = on;
	for (uint32_t c = 0; !machine->native && c < machine->cores; c++)
		machine->core[c].special = on ? machine->core[c].special | SPECIAL_IRQ
					      : machine->core[c].special & ~(uint32_t)SPECIAL_IRQ;
}

void core_irqs_look(struct core_machine *machine)
{
	bool waits = false;
	machine->irq_at = KM_NEVER;
	for (unsigned word = 0; word < KM_IRQS / 64; word++)
		for (uint64_t left = machine->irq_pending[word]; left; left &= left - 1) {
			const unsigned irq = word * 64 + (unsigned)__builtin_ctzll(left);
			if (!irq_is_open(machine, irq))
				waits = true;
			else if (machine->irq_from[irq] < machine->irq_at)
				machine->irq_at = machine->irq_from[irq];
		}
	irqs_watch(machine, waits);
	if (machine->irq_at < machine->core[0].horizon)
		machine->core[0].horizon = machine->irq_at;
}

/* An interrupt that is pending stays one. */
void core_irq_latch(struct core_machine *machine, unsigned irq, uint64_t at)
{
	SIM_CHECK(irq < KM_IRQS);
	if (irq_is_pending(machine, irq) && machine->irq_from[irq] <= at)
		return;
	machine->irq_pending[irq / 64] |= UINT64_C(1) << irq % 64;
	machine->irq_from[irq] = at;
	core_irqs_look(machine);
}

/* The timer device raises the interrupt that its pin was given; nobody asked for it: it is lost, as a line would be. */
static void device_fire(struct core_machine *machine)
{
	const unsigned irq = machine->kernel->irq_of_pin[CORE_TIMER_PIN];
	const uint64_t due = machine->device_due;
	machine->device_due = machine->device_period ? due + machine->device_period : KM_NEVER;
	if (irq)
		core_irq_latch(machine, irq, due);
}

int core_irq_take(struct core_machine *machine, uint64_t now)
{
	int first = -1;
	while (machine->device_due <= now)
		device_fire(machine);
	if (machine->irq_at > now)
		return -1;
	for (unsigned irq = 0; irq < KM_IRQS; irq++)
		if (irq_is_pending(machine, irq) && irq_is_open(machine, irq) &&
		    machine->irq_from[irq] <= now &&
		    (first < 0 || machine->irq_from[irq] < machine->irq_from[first]))
			first = (int)irq;
	if (first >= 0)
		machine->irq_pending[first / 64] &= ~(UINT64_C(1) << first % 64);
	core_irqs_look(machine);
	return first;
}

int core_host_pending(void *context, struct km_kernel *kernel, struct km_core *core)
{
	struct core_machine *machine = context;
	const uint64_t now = core->now + core->charged;
	(void)kernel;
	if (machine->native)
		return core_native_pending(machine, core);
	if (machine->hold)
		return 0;
	return core->timer_at <= now ||
	       (core->id == 0 && (machine->irq_at <= now || machine->device_due <= now));
}

void core_host_unmask(void *context, struct km_kernel *kernel, unsigned irq, int enabled)
{
	struct core_machine *machine = context;
	(void)kernel;
	(void)enabled;
	if (irq_is_pending(machine, irq))
		core_irqs_look(machine);
	if (machine->native && machine->irq_at != KM_NEVER)
		core_native_poke(machine);
}

/* ---- the loop ---- */

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t sooner(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* What happens to a core whether its thread runs or not. */
static uint64_t event_time(const struct core *core)
{
	const struct core_machine *machine = core->machine;
	uint64_t at = sooner(core->km->timer_at, core->ipi_at);
	if (core->id == 0)
		at = sooner(at, sooner(machine->irq_at, machine->device_due));
	return at == KM_NEVER ? at : later(at, core->km->now);
}

static uint64_t run_time(struct core *core)
{
	if (core->km->current == core->km->idle)
		return KM_NEVER;
	const uint64_t left = core_compute_left(core);
	return core->km->now > KM_NEVER - 1 - left ? KM_NEVER - 1 : core->km->now + left;
}

static uint64_t wanted_time(struct core *core)
{
	if (core->machine->hold && core->km->current != core->km->idle)
		return core->km->now;
	return sooner(event_time(core), run_time(core));
}

/* The core's clock goes to `at`; what its thread computes meanwhile is done. */
static void advance(struct core *core, uint64_t at)
{
	struct km_core *km = core->km;
	if (at <= km->now)
		return;
	if (km->current != km->idle && km->current->host[HOST_COMPUTE])
		km->current->host[HOST_COMPUTE] -= at - km->now;
	km->now = at;
}

/* Whatever is due by now, one thing; false: nothing is. */
static bool take_event(struct core *core)
{
	struct km_core *km = core->km;
	int irq = -1;
	if (core->ipi_at <= km->now) {
		core->ipi_at = KM_NEVER;
		core_kernel_enter(core, CORE_IPI, 0, 0);
	} else if (core->id == 0 && sooner(core->machine->irq_at, core->machine->device_due) <= km->now) {
		irq = core_irq_take(core->machine, km->now);
		if (irq >= 0)
			core_kernel_enter(core, CORE_INTERRUPT, (uint64_t)irq, 0);
	} else if (km->timer_at <= km->now) {
		core_kernel_enter(core, CORE_TIMER, 0, 0);
	} else {
		return false;
	}
	return true;
}

/* Up to when a core may run before another one's turn comes, or an interrupt. */
static uint64_t horizon_of(struct core *core, uint64_t until)
{
	struct core_machine *machine = core->machine;
	uint64_t horizon = until;
	if (machine->hold)
		return KM_NEVER;
	for (uint32_t c = 0; c < machine->cores; c++) {
		const uint64_t at = c == core->id ? KM_NEVER : wanted_time(&machine->core[c]);
		if (at != KM_NEVER)
			horizon = sooner(horizon, at + (c > core->id));
	}
	if (core->id == 0)
		horizon = sooner(horizon, sooner(machine->irq_at, machine->device_due));
	return sooner(horizon, core->ipi_at);
}

static struct core *choose(struct core_machine *machine, uint64_t *at)
{
	struct core *best = &machine->core[0];
	*at = wanted_time(best);
	for (uint32_t c = 1; c < machine->cores; c++) {
		const uint64_t other = wanted_time(&machine->core[c]);
		if (other < *at) {
			*at = other;
			best = &machine->core[c];
		}
	}
	return best;
}

static void step(struct core *core, uint64_t at, uint64_t until)
{
	const bool held = core->machine->hold && core->km->current != core->km->idle;
	advance(core, at);
	if (!held && take_event(core))
		return;
	if (core->km->current == core->km->idle)
		return;
	if (held)
		core->km->current->host[HOST_COMPUTE] = 0;
	core->horizon = horizon_of(core, until);
	core_enter(core);
}

/* Of whoever has a clock of his own: a thread may always run, an event only once its time has come. */
static uint64_t limit_now(const struct core_machine *machine, uint64_t until)
{
	const struct core_config *config = &machine->config;
	return config->clock ? config->clock(config->clock_context) + 1 : until;
}

/* Under a clock a thread that never waits would keep the host thread for itself: after so long others have their turn. */
#define TURN_US 1000

static uint64_t turn_of(const struct core_machine *machine, uint64_t until)
{
	const struct core_config *config = &machine->config;
	return config->clock ? config->clock(config->clock_context) + TURN_US * machine->kernel->ticks_per_us
			     : until;
}

uint64_t core_run(struct core_machine *machine, uint64_t until)
{
	const uint64_t turn = turn_of(machine, until);
	uint64_t at;
	machine->until = until;
	for (;;) {
		if (machine->end || machine->kernel->halted)
			break;
		struct core *core = choose(machine, &at);
		if (at == KM_NEVER)
			return KM_NEVER;
		const uint64_t limit = limit_now(machine, until);
		if ((at >= limit || (machine->config.clock && limit > turn)) &&
		    !(machine->hold && core->km->current != core->km->idle))
			return at >= limit ? at : limit - 1;
		step(core, at, turn);
	}
	if (machine->kernel->halted && !machine->end)
		machine->end = CORE_HALTED;
	return KM_NEVER;
}

void core_interrupt(struct core_machine *machine, unsigned irq, uint64_t at)
{
	if (machine->native) {
		core_native_ring(machine, irq);
		return;
	}
	core_irq_latch(machine, irq, at);
}

enum core_end core_run_alone(struct core_machine *machine)
{
	core_run(machine, KM_NEVER);
	if (!machine->end)
		machine->end = CORE_STUCK;
	return machine->end;
}
