/* kernelmodel/core/user.c - what programs link against: <skerry/user.h>, and the symbols of libsel4's stubs.
 *
 * All of it runs on the stacks of user threads. */
#include <stddef.h>
#include <sel4/sel4.h>
#include <skerry/user.h>
#include <string.h>
#include "kernelmodel/core/core_internal.h"
#include "sim/check.h"
#include "sim/ticks.h"

void __sanitizer_cov_trace_pc(void);
void __wrap_exit(int code) __attribute__((noreturn));

/* In each block of user code. A thread is stopped here and nowhere else but at its system calls, so never inside libc. */
CORE_UNSANITIZED void __sanitizer_cov_trace_pc(void)
{
	struct core *core = core_running;
	if (__builtin_expect(--core->blocks <= 0, 0) ||
	    __builtin_expect(atomic_load_explicit(&core->attention, memory_order_relaxed) != 0, 0)) {
		if (core == &core_nobody)
			core->blocks = INT64_MAX;
		else
			fiber_preempt();
	}
}

/* Enters by the 2-byte call, below the red zone of whoever it was inlined into, so that it can be done again. */
static uint64_t service(enum core_service number, uint64_t a, uint64_t b, uint64_t c)
{
	register uint64_t r8 __asm__("r8") = c;
	uint64_t rcx = (uint64_t)(uintptr_t)skerry_service, rdx = number;
	if (core_running == &core_nobody)
		return 0;
	__asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
			 "call *%%rcx\n\t"
			 "leaq 128(%%rsp), %%rsp"
			 : "+D"(a), "+S"(b), "+r"(r8), "+c"(rcx), "+d"(rdx)
			 :
			 : "rax", "r9", "r10", "r11", "r15", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3",
			   "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13",
			   "xmm14", "xmm15");
	return a;
}

/* ---- the stubs ---- */

static __attribute__((noinline)) void buffer_find(struct core *core)
{
	core->buffer = km_ipc_buffer(core->kernel, core->tcb, 0);
	core->buffer_frame = core->tcb->slot[KM_TCB_BUFFER].cap;
	core->buffer_address = core->tcb->buffer_address;
}

seL4_IPCBuffer *skerry_ipc_buffer(void)
{
	struct core *core = core_running;
	const struct km_tcb *tcb = core->tcb;
	if (__builtin_expect(!tcb, 0))
		return NULL;
	/* It is where its frame and its address say, and these seldom change. */
	if (__builtin_expect(
		    memcmp(&tcb->slot[KM_TCB_BUFFER].cap, &core->buffer_frame, sizeof core->buffer_frame) ||
			    tcb->buffer_address != core->buffer_address,
		    0))
		buffer_find(core);
	return (seL4_IPCBuffer *)core->buffer;
}

seL4_BootInfo *skerry_boot_info(void)
{
	const struct km_kernel *kernel = core_running->kernel;
	return kernel ? (seL4_BootInfo *)km_at(kernel, kernel->boot_info) : NULL;
}

/* ---- time ---- */

/* Natively the thread spins, and looks as the block hook does whether somebody wants it to enter. */
static void compute_natively(struct core *core, uint64_t cycles)
{
	const uint64_t from = core_native_clock(NULL);
	while (core_native_clock(NULL) - from < cycles) {
		core = core_running;
		if (atomic_load_explicit(&core->attention, memory_order_relaxed) ||
		    core_native_clock(NULL) >= core->deadline)
			fiber_preempt();
		else
			sim_pause();
	}
}

void skerry_compute(seL4_Word cycles)
{
	if (core_running->special & SPECIAL_NATIVE)
		compute_natively(core_running, cycles);
	else
		service(SERVICE_COMPUTE, cycles, 0, 0);
}

void core_compute(uint64_t cycles) { service(SERVICE_COMPUTE, cycles, 0, 0); }
seL4_Word skerry_now(void) { return service(SERVICE_NOW, 0, 0, 0); }

uint64_t core_now(const struct core_machine *machine)
{
	const struct core *core = core_running->machine == machine ? core_running : &machine->core[0];
	return machine->config.clock ? machine->config.clock(machine->config.clock_context) : core->km->now;
}

/* ---- modelled memory ---- */

seL4_Word skerry_load(seL4_Word vaddr, unsigned bytes)
{
	seL4_Word value = 0;
	SIM_CHECK(bytes <= sizeof value);
	service(SERVICE_READ, (uint64_t)(uintptr_t)&value, vaddr, bytes);
	return value;
}

void skerry_store(seL4_Word vaddr, unsigned bytes, seL4_Word value)
{
	SIM_CHECK(bytes <= sizeof value);
	service(SERVICE_WRITE, vaddr, (uint64_t)(uintptr_t)&value, bytes);
}

void skerry_copy_in(void *to, seL4_Word vaddr, size_t bytes)
{
	service(SERVICE_READ, (uint64_t)(uintptr_t)to, vaddr, bytes);
}

void skerry_copy_out(seL4_Word vaddr, const void *from, size_t bytes)
{
	service(SERVICE_WRITE, vaddr, (uint64_t)(uintptr_t)from, bytes);
}

void skerry_copy(seL4_Word to, seL4_Word from, size_t bytes) { service(SERVICE_COPY, to, from, bytes); }

/* ---- devices ---- */

void skerry_timer_oneshot(seL4_Word ns) { service(SERVICE_TIMER, ns, 0, 0); }
void skerry_timer_periodic(seL4_Word ns) { service(SERVICE_TIMER, ns, ns, 0); }
void skerry_doorbell(unsigned cluster) { service(SERVICE_DOORBELL, cluster, 0, 0); }

/* ---- where it runs ---- */

unsigned skerry_core(void) { return core_running->id; }
unsigned skerry_cluster(void) { return core_running->kernel ? core_running->kernel->node : 0; }

_Noreturn void core_exit(int code)
{
	const struct core_machine *machine = core_running->machine;
	if (machine && machine->config.exit)
		machine->config.exit(machine->config.context, code & 255);
	service(SERVICE_EXIT, (uint64_t)code & 255, 0, 0);
	__builtin_trap();
}

_Noreturn void skerry_exit(int status) { core_exit(status); }

/* exit() of a program that skerry-cc linked: its machine ends, not the host's process with all machines. */
void __wrap_exit(int code) { core_exit(code); }

/* ---- for C code that drives a machine, from its fibers ---- */

struct core_machine *core_self(void) { return core_running->machine; }
void *core_context(void) { return core_running->machine ? core_running->machine->config.context : NULL; }
uint64_t *core_thread_data(void) { return &core_running->tcb->host[HOST_DATA]; }

void core_hold(struct core_machine *machine, bool on)
{
	machine->hold = on;
	/* What became due meanwhile is looked at when the thread next enters; a held core has no horizon. */
	core_running->horizon = on ? KM_NEVER : 0;
}
