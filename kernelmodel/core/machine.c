/* kernelmodel/core/machine.c - makes a machine, counts, reports. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <xxhash.h>
#include "kernelmodel/core/core_internal.h"

#define PAGE_BYTES  4096
#define CACHE_BYTES 64

/* Outside of threads the hook has something to count in, and a stray system call something to be told by. */
static struct km_context nobody_context;
static unsigned char nobody_stack[16384] __attribute__((aligned(16)));
struct core core_nobody = {.context = &nobody_context,
			   .kernel_sp = nobody_stack + sizeof nobody_stack,
			   .blocks = INT64_MAX,
			   .special = SPECIAL_NOBODY};
_Thread_local struct core *core_running __attribute__((tls_model("local-exec"))) = &core_nobody;

static const uint32_t no_cost[KM_WORK_KINDS];

/* ---- making one ---- */

static void host_put(void *context, char c)
{
	const struct core_machine *machine = context;
	if (machine->config.put)
		machine->config.put(machine->config.context, c);
	else
		putchar(c);
}

static int stack_new(struct core_machine *machine)
{
	const struct core_config *config = &machine->config;
	const size_t bytes = config->stack_bytes ? config->stack_bytes : CORE_STACK_BYTES;
	machine->stack_guard = config->stack_guard ? PAGE_BYTES : 0;
	machine->stack_bytes = (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES + machine->stack_guard;
	machine->stack = mmap(NULL, machine->stack_bytes, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (machine->stack == MAP_FAILED) {
		machine->stack = NULL;
		return -ENOMEM;
	}
	if (machine->stack_guard)
		mprotect(machine->stack, machine->stack_guard, PROT_NONE);
	return 0;
}

/* The root task begins in fiber_root, with the words that its stack has below a first frame: none. */
static void root_begin(struct core_machine *machine)
{
	struct km_tcb *tcb = KM_TCB(machine->kernel, machine->kernel->root_tcb);
	km_word *reg = tcb->context.reg;
	reg[KM_RIP] = tcb->context.next_ip = (km_word)(uintptr_t)fiber_root;
	reg[KM_RSP] = (km_word)(uintptr_t)(machine->stack + machine->stack_bytes);
	reg[KM_RBP] = 0;
	reg[KM_R12] = (km_word)(uintptr_t)machine->config.entry;
	reg[KM_R13] = (km_word)(uintptr_t)machine->config.argument;
	tcb->context.whole = 1;
}

static void core_init(struct core_machine *machine, uint32_t id)
{
	struct core *core = &machine->core[id];
	const struct core_config *config = &machine->config;
	core->km = &machine->kernel->core[id];
	core->kernel = machine->kernel;
	core->machine = machine;
	core->id = id;
	core->tcb = core->km->idle;
	core->context = &core->tcb->context;
	core->tcb->host[HOST_COMPUTE] = 1; /* see settle() in entry.c */
	core->ipi_at = KM_NEVER;
	core->blocks_free = config->clock ? CORE_BLOCKS_SPIN : CORE_BLOCKS_FREE;
	core->special = (config->digest ? SPECIAL_DIGEST : 0) | (config->clock ? SPECIAL_CLOCK : 0) |
			(config->plain_pointers ? SPECIAL_MAPPED : 0) |
			(machine->cores > 1 ? SPECIAL_LOCK : 0);
}

/* Plain pointers ask for memory that is a file. */
static void arena_new(struct core_machine *machine)
{
	struct core_config *config = &machine->config;
	const struct km_region *memory = &config->boot.memory;
	if (!config->plain_pointers || config->boot.arena || memory->end <= memory->start)
		return;
	config->boot.arena = machine->arena = core_shared_new(memory->end - memory->start);
}

static int machine_fill(struct core_machine *machine, char *why, size_t why_size)
{
	const struct core_config *config = &machine->config;
	arena_new(machine);
	int code = km_kernel_new(&machine->kernel, &config->boot, why, why_size);
	if (code)
		return code;
	machine->cores = machine->kernel->cores;
	machine->kernel->cost = config->cost ? config->cost : no_cost;
	machine->kernel->host = (struct km_host){.context = machine,
						 .pending = core_host_pending,
						 .unmask = core_host_unmask,
						 .put = host_put};
	machine->core =
		aligned_alloc(CACHE_BYTES, (machine->cores * sizeof *machine->core + CACHE_BYTES - 1) /
						   CACHE_BYTES * CACHE_BYTES);
	if (config->digest)
		machine->digest_record = calloc(CORE_DIGEST_WORDS, sizeof *machine->digest_record);
	if (!machine->core || (config->digest && !machine->digest_record) || stack_new(machine))
		return -ENOMEM;
	memset(machine->core, 0, machine->cores * sizeof *machine->core);
	for (uint32_t c = 0; c < machine->cores; c++)
		core_init(machine, c);
	machine->irq_at = machine->device_due = KM_NEVER;
	root_begin(machine);
	if (config->plain_pointers)
		core_mapped_open(machine);
	return 0;
}

int core_new(struct core_machine **out, const struct core_config *config, char *why, size_t why_size)
{
	struct core_machine *machine = calloc(1, sizeof *machine);
	if (!machine)
		return -ENOMEM;
	machine->config = *config;
	const int code = machine_fill(machine, why, why_size);
	if (code) {
		core_free(machine);
		return code;
	}
	core_signals_open();
	*out = machine;
	return 0;
}

void core_free(struct core_machine *machine)
{
	if (!machine)
		return;
	core_mapped_close(machine);
	core_xstates_free(machine);
	if (machine->stack)
		munmap(machine->stack, machine->stack_bytes);
	free(machine->digest_record);
	free(machine->core);
	km_kernel_free(machine->kernel);
	core_shared_free(machine->arena);
	free(machine);
}

/* ---- looking at it ---- */

struct km_kernel *core_kernel(struct core_machine *machine) { return machine->kernel; }
enum core_end core_ended(const struct core_machine *machine) { return machine->end; }
int core_exit_code(const struct core_machine *machine) { return machine->exit_code; }

uint64_t core_clock(const struct core_machine *machine, uint32_t core) { return machine->core[core].km->now; }

void core_stats(const struct core_machine *machine, struct core_stats *out)
{
	*out = (struct core_stats){.build_bound = machine->build_bound};
	for (uint32_t c = 0; c < machine->cores; c++) {
		const struct core *core = &machine->core[c];
		for (unsigned i = 0; i < CORE_SYSCALLS; i++)
			out->syscalls[i < 12 ? i : 0] += core->syscalls[i];
		out->faults += core->faults;
		out->exceptions += core->exceptions;
		out->interrupts += core->interrupts;
		out->timers += core->timers;
		out->ipis += core->ipis;
		out->services += core->services;
		out->switches += core->switches;
		out->preemptions += core->preemptions;
		out->spins += core->spins;
		out->kernel += core->kernel_cycles;
		out->lock_waits += core->lock_waits;
		out->lock_wait_cycles += core->lock_wait_cycles;
		out->stalls += core->stalls;
	}
}

/* ---- digest ---- */

static void digest_flush(struct core_machine *machine)
{
	machine->digest =
		XXH3_64bits_withSeed(machine->digest_record,
				     machine->digest_words * sizeof *machine->digest_record, machine->digest);
	machine->digest_words = 0;
}

void core_digest_add(struct core_machine *machine, const uint64_t *words, uint32_t count)
{
	if (machine->digest_words + count > CORE_DIGEST_WORDS)
		digest_flush(machine);
	memcpy(machine->digest_record + machine->digest_words, words, count * sizeof *words);
	machine->digest_words += count;
}

uint64_t core_digest(const struct core_machine *machine)
{
	if (!machine->digest_record)
		return 0;
	return XXH3_64bits_withSeed(machine->digest_record,
				    machine->digest_words * sizeof *machine->digest_record, machine->digest);
}

/* Where the host has put code, stacks and heap differs from run to run and from build to build. */
#define HOST_LOWEST  (UINT64_C(1) << 44)
#define HOST_HIGHEST (UINT64_C(1) << 47)

static uint64_t same_everywhere(uint64_t value)
{
	return value >= HOST_LOWEST && value < HOST_HIGHEST ? HOST_LOWEST : value;
}

/* What a system call's registers say, as far as it reads them. */
static uint32_t digest_call(uint64_t *out, const km_word *reg)
{
	static const uint8_t mr[] = {KM_REG_MR0, KM_REG_MR1, KM_REG_MR2, KM_REG_MR3};
	const int64_t number = (int64_t)reg[KM_REG_SYSCALL];
	const bool sends = number >= -6 && number <= -1,
		   receives = number >= -10 && number != -1 && number != -5 && number != -6;
	uint32_t n = 0;
	out[n++] = same_everywhere(reg[KM_REG_CAP]);
	if (sends) {
		const uint64_t length = reg[KM_REG_INFO] & 127;
		out[n++] = reg[KM_REG_INFO];
		for (unsigned i = 0; i < 4 && i < length; i++)
			out[n++] = same_everywhere(reg[mr[i]]);
	}
	if (sends && (number == -3 || number == -4))
		out[n++] = reg[KM_REG_DEST];
	if (receives && number != -9 && number != -10 && number != -4)
		out[n++] = reg[KM_REG_REPLY];
	return n;
}

void core_digest_entry(struct core *core, enum core_kind kind, uint64_t number, uint64_t code)
{
	uint64_t words[16];
	const struct km_tcb *tcb = core->km->current;
	uint32_t n = 0;
	words[n++] = core->km->now;
	words[n++] = core->id | (uint64_t)kind << 8 | (uint64_t)tcb->number << 32;
	if (kind == CORE_SYSCALL) {
		words[n++] = tcb->context.reg[KM_REG_SYSCALL];
		n += digest_call(words + n, tcb->context.reg);
	} else {
		words[n++] = same_everywhere(number);
		words[n++] = code;
	}
	core_digest_add(core->machine, words, n);
}

/* ---- who waits where ---- */

static const char *state_text(const struct km_tcb *tcb)
{
	switch ((enum km_thread_state)tcb->state) {
	case KM_INACTIVE:
		return "is not running";
	case KM_RUNNING:
	case KM_RESTART:
		return !tcb->sc ? "could run, but has no scheduling context" : "waits for its budget";
	case KM_BLOCKED_ON_RECEIVE:
		return "waits to receive from endpoint";
	case KM_BLOCKED_ON_SEND:
		return tcb->is_call ? "waits to call endpoint" : "waits to send to endpoint";
	case KM_BLOCKED_ON_REPLY:
		return "waits for the answer to its call";
	case KM_BLOCKED_ON_NOTIFICATION:
		return "waits for notification";
	case KM_IDLE:
		break;
	}
	return "idles";
}

void core_report(const struct core_machine *machine, FILE *out)
{
	const struct km_kernel *k = machine->kernel;
	for (km_ref at = k->all_first; at; at = KM_TCB(k, at)->all_next) {
		const struct km_tcb *tcb = KM_TCB(k, at);
		if (tcb->state == KM_IDLE)
			continue;
		fprintf(out, "  cluster %u, core %u: thread %u", k->node, tcb->core, tcb->number);
		if (*tcb->name)
			fprintf(out, " \"%.63s\"", tcb->name);
		fprintf(out, ", priority %u, %s", tcb->priority, state_text(tcb));
		if (tcb->state >= KM_BLOCKED_ON_RECEIVE && tcb->state != KM_BLOCKED_ON_REPLY &&
		    tcb->state != KM_IDLE)
			fprintf(out, " %#llx", (unsigned long long)tcb->blocked_on << KM_GRANULE_BITS);
		if (tcb->fault.type)
			fprintf(out, " (it has a fault of type %u at %#llx)", tcb->fault.type,
				(unsigned long long)tcb->fault.address);
		fputc('\n', out);
	}
}

/* ---- sanitizers ---- */

#ifdef CORE_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
/* The kernel's side of both calls is on the host's stack. Bounds of user stacks are nobody's knowledge: what lies around
 * their pointer is said. */
#define GUESS_BELOW (UINT64_C(1) << 16)
#define GUESS_ABOVE UINT64_C(4096)

CORE_UNSANITIZED void core_sanitize_in(struct core *core)
{
	void *fake = NULL;
	const void *bottom;
	size_t bytes;
	__sanitizer_start_switch_fiber(&fake, core->host_stack, core->host_stack_bytes);
	core->tcb->host[HOST_SANITIZER] = (uint64_t)(uintptr_t)fake;
	__sanitizer_finish_switch_fiber(core->host_fake_stack, &bottom, &bytes);
}

CORE_UNSANITIZED void core_sanitize_out(struct core *core, const void *context)
{
	if (!context)
		return;
	const uint64_t sp = core->tcb->context.reg[KM_RSP];
	/* A stack that an earlier thread has left may be marked with frames of its own. */
	if (core->tcb->context.whole && sp >= HOST_LOWEST && sp < HOST_HIGHEST)
		__asan_unpoison_memory_region((const void *)(uintptr_t)(sp - GUESS_BELOW), GUESS_BELOW);
	__sanitizer_start_switch_fiber(&core->host_fake_stack, (const void *)(uintptr_t)(sp - GUESS_BELOW),
				       GUESS_BELOW + GUESS_ABOVE);
	__sanitizer_finish_switch_fiber((void *)(uintptr_t)core->tcb->host[HOST_SANITIZER], &core->host_stack,
					&core->host_stack_bytes);
}
#elif defined(CORE_TSAN)
#include <sanitizer/tsan_interface.h>
CORE_UNSANITIZED void core_sanitize_in(struct core *core) { __tsan_switch_to_fiber(core->host_fiber, 0); }

CORE_UNSANITIZED void core_sanitize_out(struct core *core, const void *context)
{
	if (!context)
		return;
	core->host_fiber = __tsan_get_current_fiber();
	if (!core->tcb->host[HOST_SANITIZER])
		core->tcb->host[HOST_SANITIZER] = (uint64_t)(uintptr_t)__tsan_create_fiber(0);
	__tsan_switch_to_fiber((void *)(uintptr_t)core->tcb->host[HOST_SANITIZER], 0);
}
#endif
