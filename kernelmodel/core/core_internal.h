/* kernelmodel/core/core_internal.h - what the parts of core/ share.
 *
 *   fiber.S      the switch between threads and kernel
 *   entry.c      what comes in: system calls, services, spins, faults; and which thread goes on
 *   virtual.c    one host thread runs all cores, by their clocks; interrupts, the modelled lock
 *   native.c     a host thread a core; big_lock.h
 *   fault.c      signals of the host become faults of threads
 *   mapped.c     plain pointers of user code to memory that it has mapped
 *   user.c       <skerry/user.h>, and what the stubs of libsel4 call
 *   machine.c    making one, statistics, reports, digest
 *   image.c      programs that skerry-cc made
 *
 * Private to kernelmodel/core/ and tests. Layer: kernelmodel. */
#ifndef SKERRY_KERNELMODEL_CORE_CORE_INTERNAL_H
#define SKERRY_KERNELMODEL_CORE_CORE_INTERNAL_H
#include <stdatomic.h>
#include "kernelmodel/core/core.h"
#include "kernelmodel/core/offsets.h"
#include "sim/doorbell.h"

#define CORE_SYSCALLS 64 /* counters: by the low bits of the negated number */

/* Words of km_tcb.host. */
enum {
	HOST_FP,         /* control words: mxcsr | x87 << 32; 0: the usual ones */
	HOST_XMASK,      /* components of `xstate` that must be loaded before it goes on; 0: none */
	HOST_XSTATE,     /* struct core_xstate *, once it has had a fault of the host's; the machine's */
	HOST_COMPUTE,    /* cycles of core_compute() that are left */
	HOST_COMPUTE_IP, /* where it goes on then: elsewhere, somebody has sent it elsewhere */
	HOST_BLOCKS,     /* of a thread that was stopped while it spun: blocks until it pays again */
	HOST_SANITIZER,  /* ASan's fake stack, or TSan's fiber */
	HOST_NUMBER,     /* tells a TCB from a later one in its place */
	HOST_DATA,       /* four words: core_thread_data() */
	HOST_WORDS = HOST_DATA + 4
};
_Static_assert(HOST_WORDS <= sizeof(((struct km_tcb *)0)->host) / 8,
	       "a TCB has the words that core/ keeps in it");

/* What the kernel is entered for, and the record of a digest. */
enum core_kind {
	CORE_SYSCALL,
	CORE_FAULT,
	CORE_EXCEPTION,
	CORE_INTERRUPT,
	CORE_TIMER,
	CORE_IPI,
	CORE_SERVICE,
	CORE_SPIN
};

/* skerry_service: number in rdx, arguments in rdi, rsi, r8, r9, result in rdi. */
enum core_service {
	SERVICE_COMPUTE, /* cycles */
	SERVICE_NOW,
	SERVICE_READ,     /* to (host), from (virtual), bytes */
	SERVICE_WRITE,    /* to (virtual), from (host), bytes */
	SERVICE_COPY,     /* to, from (both virtual), bytes */
	SERVICE_TIMER,    /* nanoseconds until it fires, nanoseconds of its period or 0 */
	SERVICE_DOORBELL, /* cluster */
	SERVICE_EXIT,     /* code */
};

/* Vector registers of a thread that was stopped by a fault: what XSAVE wrote, aligned for XRSTOR. */
struct core_xstate {
	struct core_xstate *next;
	km_ref tcb; /* whose it is, as long as that names it */
	uint32_t bytes;
	unsigned char *area;
};

struct core {
	/* fiber.S knows these */
	struct km_context *context; /* of `tcb` */
	void *kernel_sp;
	uint64_t fp; /* control words that are loaded */
	uint64_t xmask;
	void *xstate;
	/* the block hook */
	int64_t blocks;
	atomic_uint attention; /* somebody wants it to enter: an interrupt, a stall, the end */
	uint32_t special;      /* system calls take the long way: why, a mask of SPECIAL_* */
	/* of entries */
	struct km_core *km;
	struct km_kernel *kernel;
	struct km_tcb *tcb; /* whose registers are loaded, or were last */
	uint64_t horizon;   /* a thread runs while km->now is below */
	uint64_t deadline;  /* natively: ticks at which it is to enter by itself */
	uint64_t kernel_cycles;
	uint64_t syscalls[CORE_SYSCALLS], switches;
	/* The IPC buffer that user code asked for last, or NULL, and the frame and address that it was found by. */
	km_word *buffer;
	struct km_cap buffer_frame;
	km_word buffer_address;
	struct core_machine *machine;
	int64_t blocks_free; /* that `blocks` begins with */
	uint64_t host_fp;
	uint32_t id;
	/* virtual.c */
	uint64_t ipi_at; /* KM_NEVER: none */
	/* what else happened */
	uint64_t faults, exceptions, interrupts, timers, ipis, services, preemptions, spins, lock_waits,
		lock_wait_cycles, stalls;
	/* a fault of the host's, from the signal handler to core_on_fault() */
	struct {
		uint32_t number;
		uint64_t error, address;
	} trap;
	/* sanitizers: what was running when a thread was entered */
	void *host_fake_stack, *host_fiber;
	const void *host_stack;
	size_t host_stack_bytes;
	/* native.c */
	struct core_native_state *native;
	km_paddr space; /* mapped.c: natively, what runs here */
};
_Static_assert(offsetof(struct core, context) == CORE_CONTEXT, "fiber.S");
_Static_assert(offsetof(struct core, kernel_sp) == CORE_KERNEL_SP, "fiber.S");
_Static_assert(offsetof(struct core, fp) == CORE_FP, "fiber.S");
_Static_assert(offsetof(struct core, xmask) == CORE_XMASK, "fiber.S");
_Static_assert(offsetof(struct core, xstate) == CORE_XSTATE, "fiber.S");
_Static_assert(offsetof(struct km_context, reg[KM_RSP]) == CTX_RSP, "fiber.S");
_Static_assert(offsetof(struct km_context, reg[KM_RFLAGS]) == CTX_RFLAGS, "fiber.S");
_Static_assert(offsetof(struct km_context, reg[KM_RDI]) == CTX_RDI, "fiber.S");
_Static_assert(offsetof(struct km_context, reg[KM_RBP]) == CTX_RBP, "fiber.S");
_Static_assert(offsetof(struct km_context, reg[KM_R8]) == CTX_R8, "fiber.S");
_Static_assert(offsetof(struct km_context, reg[KM_R15]) == CTX_R15, "fiber.S");
_Static_assert(offsetof(struct km_context, next_ip) == CTX_NEXT_IP, "fiber.S");
_Static_assert(offsetof(struct km_context, whole) == CTX_WHOLE, "fiber.S");

enum {
	SPECIAL_NOBODY = 1,
	SPECIAL_DIGEST = 2,
	SPECIAL_LOCK = 4,
	SPECIAL_CLOCK = 8,
	SPECIAL_NATIVE = 16,
	SPECIAL_IRQ = 32,
	SPECIAL_MAPPED = 64 /* plain pointers */
};

#define CORE_DIGEST_WORDS 512

struct core_machine {
	struct core_config config;
	struct km_kernel *kernel;
	uint32_t cores;
	struct core *core;
	enum core_end end;
	int exit_code;
	bool hold, build_bound;
	unsigned char *stack; /* of the root task, its guard included */
	size_t stack_bytes, stack_guard;
	uint64_t until;
	unsigned char *arena; /* of core_shared_new(), or NULL: the kernel's own */
	/* mapped.c */
	struct core_machine *mapped_next;
	uint64_t mapped_changes; /* natively: invalidations up to here were obeyed */
	/* interrupts that are pending, from when, and the earliest that may be taken */
	uint64_t irq_pending[KM_IRQS / 64], irq_from[KM_IRQS], irq_at;
	bool irqs_wait; /* one is pending that nobody would be told of yet */
	/* the timer device, by core 0's clock */
	uint64_t device_due, device_period;
	uint64_t lock_free; /* modelled: when the lock is released */
	struct core_xstate *xstates;
	uint64_t digest;
	uint32_t digest_words;
	uint64_t *digest_record;                 /* [CORE_DIGEST_WORDS], if asked for */
	struct core_native *native;              /* while it runs natively */
	uint32_t native_index;                   /* of its lock */
	_Atomic uint64_t irq_rung[KM_IRQS / 64]; /* natively: raised, and not yet seen by core 0 */
};

/* The core that runs on this host thread; never NULL: outside of threads one that is nobody's. */
extern _Thread_local struct core *core_running __attribute__((tls_model("local-exec")));
extern struct core core_nobody;

/* ---- fiber.S ---- */

void skerry_syscall(void);
void skerry_service(void);
void fiber_preempt(void);
void fiber_fault(void);
void fiber_enter(void);
void fiber_root(void);

/* ---- entry.c: called by fiber.S on the kernel's stack. The context to load, or NULL: core_enter() returns. ---- */

/* The current thread, if its core may go on at once; else NULL. */
struct km_context *core_settle(struct core *core);
struct km_context *core_load(struct core *core); /* it does go on */
struct km_context *core_on_syscall(struct core *core);
struct km_context *core_on_service(struct core *core);
struct km_context *core_on_preempt(struct core *core);
struct km_context *core_on_fault(struct core *core);

/* Runs core->km->current on this host thread until it may not go on. */
void core_load_whole(struct core *core); /* by fiber.S, before all registers are loaded */
void core_enter(struct core *core);
/* One entry into the kernel, of any kind but CORE_SERVICE and CORE_SPIN; lock, cost, digest and statistics included.
 * `number` and `code`: irq; address and error code of a page fault; number and code of an exception. */
void core_kernel_enter(struct core *core, enum core_kind kind, uint64_t number, uint64_t code);
/* The current thread's compute that is left; 0 if somebody has sent it elsewhere since. */
uint64_t core_compute_left(struct core *core);
/* Modelled memory of the current thread. false: it has a fault, and does the service again. */
bool core_memory(struct core *core, enum core_service service, uint64_t to, uint64_t from, uint64_t bytes);

/* ---- virtual.c ---- */

void core_irqs_look(struct core_machine *machine); /* irq_at is computed anew */
int core_host_pending(void *context, struct km_kernel *kernel, struct km_core *core);
void core_host_unmask(void *context, struct km_kernel *kernel, unsigned irq, int enabled);
/* Takes the pending interrupt that came first, if one may be taken at `now`: its number, or -1. The timer device's included. */
int core_irq_take(struct core_machine *machine, uint64_t now);
void core_irq_latch(struct core_machine *machine, unsigned irq, uint64_t at);

/* ---- native.c ---- */

/* What an entry natively does around the kernel: the lock, stalls, idling. Returns as those of entry.c. */
struct km_context *core_native_enter(struct core *core, enum core_kind kind, uint64_t number, uint64_t code);
void core_native_ring(struct core_machine *machine, unsigned irq);
void core_native_poke(struct core_machine *machine); /* core 0 is to look what is due */
int core_native_pending(struct core_machine *machine, const struct km_core *km);
void core_serve(struct core *core); /* service.c: the service that the current thread asks for */

/* ---- mapped.c ---- */

void core_mapped_open(struct core_machine *machine);
void core_mapped_close(struct core_machine *machine); /* also of one that was never opened */

/* From the signal handler: an access to `address` failed with the processor's *error. */
enum core_reached {
	CORE_REACHED,    /* it is to be done again */
	CORE_NOT_MAPPED, /* a page fault of the thread, with *error */
	CORE_TAKEN,      /* the host has something there, or lets nobody map there: the same */
	CORE_TWO_SPACES, /* natively: to another core the address means something else now */
};
enum core_reached core_mapped_reach(struct core *core, uint64_t address, uint64_t *error);
/* Before user code runs on: virtually, after each entry and when a core's turn comes; natively, with the big lock held, when
 * a core leaves the kernel (or idles: `goes_on` false). What holds no more is unmapped. */
void core_mapped_look(struct core *core);
void core_mapped_settle(struct core *core, bool goes_on);

/* ---- service.c ---- */

/* The host's address of a byte of device memory, or NULL. */
unsigned char *core_device_byte(const struct core_machine *machine, km_paddr at);

/* ---- fault.c ---- */

#define CORE_TRAP_TIME 256 /* no trap: a thread was stopped at an access, for its time is up */

void core_signals_open(void); /* once a process, and an alternate stack once a host thread */
void core_xstates_free(struct core_machine *machine);

/* ---- machine.c ---- */

void core_digest_add(struct core_machine *machine, const uint64_t *words, uint32_t count);
void core_digest_entry(struct core *core, enum core_kind kind, uint64_t number, uint64_t code);

/* ---- sanitizers ---- */

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define CORE_ASAN 1
#elif __has_feature(thread_sanitizer)
#define CORE_TSAN 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define CORE_ASAN 1
#endif

#if defined(CORE_ASAN) || defined(CORE_TSAN)
#ifdef CORE_TSAN
#define CORE_UNSANITIZED __attribute__((disable_sanitizer_instrumentation))
#else
#define CORE_UNSANITIZED __attribute__((no_sanitize_address))
#endif
void core_sanitize_in(struct core *core);                       /* a thread has come to the kernel's stack */
void core_sanitize_out(struct core *core, const void *context); /* core->tcb goes on; NULL: nobody does */
#else
#define CORE_UNSANITIZED
static inline void core_sanitize_in(struct core *core) { (void)core; }
static inline void core_sanitize_out(struct core *core, const void *context)
{
	(void)core;
	(void)context;
}
#endif

#endif
