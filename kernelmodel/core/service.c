/* kernelmodel/core/service.c - what user code asks of its core beyond seL4's system calls: time, modelled memory, the timer,
 * doorbells, the end.
 *
 * A service enters as a system call does, at a 2-byte call that it does again after a fault: an access to modelled memory
 * that is not mapped is a VM fault of its thread, with the address of that call, and is done anew when the thread is
 * restarted. */
#include <string.h>
#include "kernelmodel/core/core_internal.h"

/* ---- modelled memory ---- */

unsigned char *core_device_byte(const struct core_machine *machine, km_paddr at)
{
	for (uint32_t i = 0; i < machine->config.devices; i++) {
		const struct core_device *device = &machine->config.device[i];
		if (at >= device->region.start && at < device->region.end && device->host)
			return device->host + (at - device->region.start);
	}
	return NULL;
}

#define PAGE_BYTES 4096

/* The host's address of a byte, and how many follow there; NULL: *fsr says why not. */
static unsigned char *reach(struct core *core, km_word at, int access, size_t *length, km_word *fsr)
{
	km_paddr paddr = 0;
	*fsr = 0;
	unsigned char *byte =
		km_translate(core->kernel, core->km, core->km->current, at, access, length, fsr, &paddr);
	if (!byte && !*fsr) {
		*length = PAGE_BYTES - at % PAGE_BYTES;
		byte = core_device_byte(core->machine, paddr);
	}
	return byte;
}

/* The thread has a page fault at the service itself. */
static void fault_here(struct core *core, km_word at, km_word fsr)
{
	struct km_context *context = core->context;
	context->next_ip = context->reg[KM_RIP];
	context->whole = 1;
	core_kernel_enter(core, CORE_FAULT, at, fsr);
}

/* What the walk of the page tables took. */
static void pay_walk(struct core *core)
{
	core->km->now += core->km->charged;
	core->kernel_cycles += core->km->charged;
	core->km->charged = 0;
}

#define FSR_USER 4

bool core_memory(struct core *core, enum core_service service, uint64_t to, uint64_t from, uint64_t bytes)
{
	core->kernel->self = core->km;
	core->km->charged = 0;
	while (bytes) {
		size_t n = bytes, room;
		km_word fsr = 0;
		unsigned char *target = (unsigned char *)(uintptr_t)to;
		const unsigned char *source = (const unsigned char *)(uintptr_t)from;
		if (service != SERVICE_WRITE) {
			source = reach(core, from, KM_ACCESS_READ, &room, &fsr);
			n = source && room < n ? room : n;
		}
		if (source && service != SERVICE_READ) {
			target = reach(core, to, KM_ACCESS_WRITE, &room, &fsr);
			n = target && room < n ? room : n;
		}
		pay_walk(core);
		if (!source || !target) {
			fault_here(core, source ? to : from, fsr | FSR_USER);
			return false;
		}
		memmove(target, source, n);
		to += n;
		from += n;
		bytes -= n;
	}
	return true;
}

/* ---- the others ---- */

static void compute(struct core *core, uint64_t cycles)
{
	struct km_core *km = core->km;
	if (core->special & (SPECIAL_CLOCK | SPECIAL_NATIVE))
		return;
	if (core->machine->hold || (cycles < UINT64_MAX - km->now && km->now + cycles < core->horizon &&
				    km->now + cycles < km->timer_at)) {
		km->now += cycles;
	} else {
		km->current->host[HOST_COMPUTE] = cycles;
		km->current->host[HOST_COMPUTE_IP] = km->current->context.next_ip;
	}
}

/* ticks of `ns`, not less than one; not more than half of eternity. */
static uint64_t ticks_of(const struct core *core, uint64_t ns)
{
	const unsigned __int128 ticks = (unsigned __int128)ns * core->kernel->ticks_per_us / 1000;
	return ticks >= UINT64_MAX / 2 ? UINT64_MAX / 2 : ticks ? (uint64_t)ticks : 1;
}

static void timer_set(struct core *core, uint64_t ns, uint64_t period_ns)
{
	struct core_machine *machine = core->machine;
	machine->device_due = ns ? core_now(machine) + ticks_of(core, ns) : KM_NEVER;
	machine->device_period = ns && period_ns ? ticks_of(core, period_ns) : 0;
	core->horizon = 0; /* of whoever runs: is it due before? */
	if (core->special & SPECIAL_NATIVE)
		core_native_poke(machine);
}

static void serve(struct core *core)
{
	struct core_machine *machine = core->machine;
	km_word *reg = core->context->reg;
	const struct core_config *config = &machine->config;
	core->services++;
	switch ((enum core_service)reg[KM_RDX]) {
	case SERVICE_COMPUTE:
		compute(core, reg[KM_RDI]);
		break;
	case SERVICE_NOW:
		if (!config->clock)
			core->km->now += CORE_NOW_CYCLES;
		reg[KM_RDI] = core_now(machine);
		break;
	case SERVICE_READ:
	case SERVICE_WRITE:
	case SERVICE_COPY:
		core_memory(core, (enum core_service)reg[KM_RDX], reg[KM_RDI], reg[KM_RSI], reg[KM_R8]);
		break;
	case SERVICE_TIMER:
		timer_set(core, reg[KM_RDI], reg[KM_RSI]);
		break;
	case SERVICE_DOORBELL:
		if (config->doorbell)
			config->doorbell(config->context, (uint32_t)reg[KM_RDI], core_now(machine));
		break;
	case SERVICE_EXIT:
		machine->exit_code = (int)reg[KM_RDI];
		machine->end = CORE_EXITED;
		break;
	}
}

CORE_UNSANITIZED struct km_context *core_on_service(struct core *core)
{
	struct km_context *context = NULL;
	core_sanitize_in(core);
	core->blocks = core->blocks_free;
	if (core->special & SPECIAL_NATIVE) {
		context = core_native_enter(core, CORE_SERVICE, 0, 0);
	} else {
		serve(core);
		context = core->machine->end ? NULL : core_settle(core);
	}
	core_sanitize_out(core, context);
	return context;
}

void core_serve(struct core *core) { serve(core); }
