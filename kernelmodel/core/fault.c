/* kernelmodel/core/fault.c - a fault of the host's in user code becomes a fault of its thread.
 *
 * The handler runs on an alternate stack, for user stacks may be tiny or the fault itself. It copies all registers into the
 * thread's context and the vector registers beside it, and lets the return from the signal go to fiber_fault on the
 * kernel's stack: so no kernel code runs in a signal handler, and the thread that goes on then is any.
 *
 * An access to memory that the thread has mapped is no fault: core/mapped.c puts the page there, and it is done again.
 *
 * Whose fault it is: with the kernel's stack in rsp, the kernel's. In libc, the thread's if it was in one of the functions
 * that take a user's pointer and no lock; any other could hold a lock for ever. Those, and what happens outside of threads,
 * are errors of Skerry or of the program that no handler could mend: a message, and exit code 70. */
#include <link.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>
#include "kernelmodel/core/core_internal.h"

#define ALTERNATE_BYTES (UINT64_C(64) << 10)
#define KERNEL_STACK    (UINT64_C(1) << 20) /* below kernel_sp, as far as the kernel may have come */
#define EXIT_INTERNAL   70
#define TRAP_PAGE       14

static struct sigaction before[NSIG];

/* ---- vector registers ---- */

#define FP_MAGIC     0x46505853 /* FP_XSTATE_MAGIC1 of Linux */
#define FP_MAGIC_AT  464        /* struct _fpx_sw_bytes in the FXSAVE area */
#define LEGACY_BYTES 576        /* FXSAVE area and the header of XSAVE */
#define LEGACY_MASK  3          /* x87 and SSE */
#define XSTATE_ALIGN 64

/* What the system says of the area that it saved. */
struct fp_words {
	uint32_t magic, extended_size;
	uint64_t mask;
	uint32_t size;
};

/* An area that belongs to no thread any more, or a new one. Called by the signal handler, but only ever in user code, which
 * is never inside libc with a lock: so memory may be asked for. */
static struct core_xstate *xstate_of(struct core *core, uint32_t bytes)
{
	struct core_machine *machine = core->machine;
	struct km_tcb *tcb = core->tcb;
	struct core_xstate *state = (struct core_xstate *)(uintptr_t)tcb->host[HOST_XSTATE];
	if (state)
		return state;
	for (state = machine->xstates; state; state = state->next)
		if (KM_TCB(machine->kernel, state->tcb)->host[HOST_XSTATE] != (uintptr_t)state &&
		    state->bytes >= bytes)
			break;
	if (!state) {
		const size_t room = (sizeof *state + XSTATE_ALIGN - 1) / XSTATE_ALIGN * XSTATE_ALIGN;
		unsigned char *memory =
			mmap(NULL, room + bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			return NULL;
		state = (struct core_xstate *)memory;
		*state =
			(struct core_xstate){.next = machine->xstates, .bytes = bytes, .area = memory + room};
		machine->xstates = state;
	}
	state->tcb = km_ref_of(machine->kernel, tcb);
	tcb->host[HOST_XSTATE] = (uintptr_t)state;
	return state;
}

void core_xstates_free(struct core_machine *machine)
{
	while (machine->xstates) {
		struct core_xstate *state = machine->xstates;
		machine->xstates = state->next;
		munmap(state, (size_t)(state->area - (unsigned char *)state) + state->bytes);
	}
}

static void xstate_save(struct core *core, const unsigned char *area)
{
	struct fp_words words;
	uint32_t bytes = LEGACY_BYTES, saved;
	uint64_t mask = LEGACY_MASK;
	if (!area)
		return;
	memcpy(&words, area + FP_MAGIC_AT, sizeof words);
	saved = words.magic == FP_MAGIC ? words.size : LEGACY_BYTES - 64;
	bytes = saved > bytes ? saved : bytes;
	mask = words.magic == FP_MAGIC ? words.mask : mask;
	struct core_xstate *state = xstate_of(core, bytes);
	if (!state || state->bytes < bytes)
		return;
	memset(state->area, 0, bytes);
	memcpy(state->area, area, saved);
	if (words.magic != FP_MAGIC)
		memcpy(state->area + LEGACY_BYTES - 64, &mask, sizeof mask);
	core->tcb->host[HOST_XMASK] = mask;
}

/* ---- whose fault ---- */

/* Functions of libc that take a pointer of the program's and no lock; each with as much code as it may have. */
#define FUNCTION_BYTES 4096
static bool in_plain_function(uint64_t ip)
{
	void *const plain[] = {
		(void *)memcpy,  (void *)memmove, (void *)memset,  (void *)memcmp,  (void *)memchr,
		(void *)strlen,  (void *)strnlen, (void *)strcpy,  (void *)strncpy, (void *)strcmp,
		(void *)strncmp, (void *)strcat,  (void *)strchr,  (void *)strrchr, (void *)strstr,
		(void *)stpcpy,  (void *)strtol,  (void *)strtoul,
	};
	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		if (ip - (uint64_t)(uintptr_t)plain[i] < FUNCTION_BYTES)
			return true;
	return false;
}

static uint64_t libc_from, libc_to; /* its code */

static bool is_users(const struct core *core, uint64_t ip, uint64_t sp)
{
	if (core == &core_nobody)
		return false;
	if ((uint64_t)(uintptr_t)core->kernel_sp - sp < KERNEL_STACK)
		return false;
	return ip < libc_from || ip >= libc_to || in_plain_function(ip);
}

static char *put_text(char *at, const char *text)
{
	while (*text)
		*at++ = *text++;
	return at;
}

static char *put_hex(char *at, uint64_t value)
{
	int digits = 1;
	while (digits < 16 && value >> 4 * digits)
		digits++;
	at = put_text(at, "0x");
	while (digits--)
		*at++ = "0123456789abcdef"[value >> 4 * digits & 15];
	return at;
}

/* Whoever had the signal before has it again: a debugger, a sanitizer; else the message and the end. */
static void give_up(int number, const siginfo_t *info, uint64_t ip)
{
	char line[240], *at = line;
	const struct core *core = core_running;
	if (before[number].sa_handler != SIG_DFL && before[number].sa_handler != SIG_IGN) {
		sigaction(number, &before[number], NULL);
		return;
	}
	at = put_text(at, "skerry: internal: signal ");
	at = put_hex(at, (uint64_t)number);
	at = put_text(at, " at address ");
	at = put_hex(at, (uint64_t)(uintptr_t)info->si_addr);
	at = put_text(at, ", code at ");
	at = put_hex(at, ip);
	at = put_text(at,
		      core == &core_nobody ? ", outside of any thread"
		      : ip >= libc_from && ip < libc_to
			      ? ", inside libc, called by a thread: it may hold a lock, so nobody can go on"
			      : ", inside Skerry");
	at = put_text(at, "; run it under gdb to see where\n");
	if (write(STDERR_FILENO, line, (size_t)(at - line)) < 0)
		_exit(EXIT_INTERNAL);
	_exit(EXIT_INTERNAL);
}

static void registers_save(struct km_context *context, const greg_t *from)
{
	static const int16_t greg[KM_FS_BASE] = {
		[KM_RIP] = REG_RIP, [KM_RSP] = REG_RSP, [KM_RFLAGS] = REG_EFL, [KM_RAX] = REG_RAX,
		[KM_RBX] = REG_RBX, [KM_RCX] = REG_RCX, [KM_RDX] = REG_RDX,    [KM_RSI] = REG_RSI,
		[KM_RDI] = REG_RDI, [KM_RBP] = REG_RBP, [KM_R8] = REG_R8,      [KM_R9] = REG_R9,
		[KM_R10] = REG_R10, [KM_R11] = REG_R11, [KM_R12] = REG_R12,    [KM_R13] = REG_R13,
		[KM_R14] = REG_R14, [KM_R15] = REG_R15,
	};
	for (unsigned r = 0; r < KM_FS_BASE; r++)
		context->reg[r] = (km_word)from[greg[r]];
	context->reg[KM_RFLAGS] = (context->reg[KM_RFLAGS] & FIBER_FLAGS_USED) | FIBER_FLAGS;
	context->next_ip = context->reg[KM_RIP];
	context->whole = 1;
}

/* ---- memory that is mapped ---- */

#define EXIT_USAGE 2

static void say(const char *before_address, uint64_t address, const char *after)
{
	char line[400], *at = put_text(line, "skerry: boot: ");
	at = put_text(put_hex(put_text(at, before_address), address), after);
	if (write(STDERR_FILENO, line, (size_t)(at - line)) < 0)
		_exit(EXIT_INTERNAL);
}

static void say_taken(uint64_t address)
{
	static atomic_bool told;
	if (!atomic_exchange_explicit(&told, true, memory_order_relaxed))
		say("the page at ", address,
		    " is mapped in the thread's address space, but the host has something of its own there, "
		    "or lets nobody map there: a VM fault; map it elsewhere, from 0x10000 to 0x500000000000, "
		    "or use skerry_load() and skerry_store()\n");
}

static _Noreturn void say_two_spaces(uint64_t address)
{
	say("a plain pointer to ", address,
	    ": threads of different address spaces run at once, to another the address means something else, "
	    "and natively all share the host's one address space; use --engine virtual, or one core and one "
	    "cluster, or skerry_load() and skerry_store()\n");
	_exit(EXIT_USAGE);
}

/* An access to a page that the running thread has mapped is done again, wherever it was made: no other thread runs in
 * between. true: so it is. */
static bool is_reached(struct core *core, greg_t *greg)
{
	const uint64_t address = (uint64_t)greg[REG_CR2];
	uint64_t error = (uint64_t)greg[REG_ERR];
	if (greg[REG_TRAPNO] != TRAP_PAGE || !(core->special & SPECIAL_MAPPED))
		return false;
	const enum core_reached reached = core_mapped_reach(core, address, &error);
	greg[REG_ERR] = (greg_t)error;
	if (reached == CORE_TWO_SPACES)
		say_two_spaces(address);
	if (reached == CORE_TAKEN)
		say_taken(address);
	return reached == CORE_REACHED;
}

/* In virtual time the walk may have taken the rest of the thread's turn: it stops here, as it would at a call. */
static bool has_time(const struct core *core)
{
	return core->special & SPECIAL_NATIVE || core->machine->hold ||
	       (core->km->now < core->horizon && core->km->now < core->km->timer_at);
}

static void on_signal(int number, siginfo_t *info, void *ucontext)
{
	ucontext_t *uc = ucontext;
	greg_t *greg = uc->uc_mcontext.gregs;
	struct core *core = core_running;
	const uint64_t ip = (uint64_t)greg[REG_RIP];
	if (info->si_code > 0 && is_reached(core, greg)) {
		if (has_time(core) || !is_users(core, ip, (uint64_t)greg[REG_RSP]))
			return;
		greg[REG_TRAPNO] = CORE_TRAP_TIME;
	}
	if (info->si_code <= 0 || !is_users(core, ip, (uint64_t)greg[REG_RSP])) {
		give_up(number, info, ip);
		return;
	}
	core->trap.number = (uint32_t)greg[REG_TRAPNO];
	core->trap.error = (uint64_t)greg[REG_ERR];
	core->trap.address = (uint64_t)greg[REG_CR2];
	registers_save(core->context, greg);
	xstate_save(core, (const unsigned char *)uc->uc_mcontext.fpregs);
	greg[REG_RIP] = (greg_t)(uintptr_t)fiber_fault;
	greg[REG_RSP] = (greg_t)(uintptr_t)core->kernel_sp;
	greg[REG_RBX] = (greg_t)(uintptr_t)core->context;
	greg[REG_EFL] = FIBER_FLAGS;
}

/* ---- installing it ---- */

static int libc_find(struct dl_phdr_info *info, size_t size, void *data)
{
	const char *base = strrchr(info->dlpi_name, '/');
	(void)size;
	(void)data;
	if (!base || strncmp(base, "/libc.so", 8))
		return 0;
	for (unsigned i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_LOAD && info->dlpi_phdr[i].p_flags & PF_X) {
			libc_from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
			libc_to = libc_from + info->dlpi_phdr[i].p_memsz;
		}
	return 1;
}

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};

/* Again for each machine: whoever has taken the signals since has them back when they are not ours. */
static void handlers_open(void)
{
	struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK}, now;
	sigemptyset(&action.sa_mask);
	if (!libc_to)
		dl_iterate_phdr(libc_find, NULL);
	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
		sigaction(signals[i], NULL, &now);
		if (now.sa_flags & SA_SIGINFO && now.sa_sigaction == on_signal)
			continue;
		before[signals[i]] = now;
		sigaction(signals[i], &action, NULL);
	}
}

/* The stack stays the thread's until the process ends: a signal may come as long as it runs. */
void core_signals_open(void)
{
	static _Thread_local bool has_stack;
	stack_t stack = {.ss_size = ALTERNATE_BYTES};
	if (core_running == &core_nobody)
		handlers_open();
	if (has_stack)
		return;
	stack.ss_sp = mmap(NULL, stack.ss_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	has_stack = stack.ss_sp != MAP_FAILED && !sigaltstack(&stack, NULL);
}
