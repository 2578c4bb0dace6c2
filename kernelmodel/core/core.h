/* kernelmodel/core/core.h - runs a kernel: its cores, and the user programs on them.
 *
 * A machine is one kernel (one cluster) with its cores, a root task, and time. User threads are contexts that run as
 * native code on stacks of their own; a system call switches to the host's stack, enters the kernel and loads whatever
 * thread is current then. A machine runs in one of three ways:
 *
 *   core_run()         in virtual time, or under a clock of the caller: one host thread runs all cores, always the one
 *                      with the smallest (clock, number). Who drives several machines gives `until` and interrupts: one
 *                      logical process a machine, from the handler of an engine (sim/engine.h).
 *   core_run_alone()   the same until it ends, with nothing else in the world.
 *   core_run_natively() a host thread a core, in real time, under a big lock (core/native.c).
 *
 * Virtual time of user code is *declared*: it passes in kernel entries (work times cost), in core_compute(), and in
 * faults. Code that spins without entering is found out by the block hooks of skerry-cc: the first CORE_BLOCKS_FREE
 * blocks since a thread's last entry are free, each CORE_BLOCKS_SPIN after that pay CORE_SPIN_CYCLES, and the result says
 * that it depends on the build.
 *
 * Thread rule: a machine is driven by one host thread (but for core_run_natively and core_interrupt there). Layer:
 * kernelmodel. Source: DESIGN "Cores"; seL4 16.0 manual, chapters 6 and 9. */
#ifndef SKERRY_KERNELMODEL_CORE_CORE_H
#define SKERRY_KERNELMODEL_CORE_CORE_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "kernelmodel/kernel.h"

#define CORE_BLOCKS_FREE 1000000
#define CORE_BLOCKS_SPIN 10000
#define CORE_SPIN_CYCLES 20000
#define CORE_NOW_CYCLES  24                  /* of reading the clock, so that a loop until a time ends */
#define CORE_STACK_BYTES (UINT64_C(1) << 20) /* of a root task, unless it is said otherwise */

/* Interrupts of the machine's own devices. A program gets the timer's by seL4_IRQControl_GetIOAPIC(ioapic 0, pin 2), a
 * doorbell's by seL4_IRQControl_GetMSI with vector CORE_DOORBELL_VECTOR + its own cluster. */
#define CORE_TIMER_PIN       2
#define CORE_IRQ_OF_VECTOR   16
#define CORE_DOORBELL_VECTOR 48
#define CORE_CLUSTERS_MAX    48 /* of one boot: each owns one vector below the doorbells, and its doorbell */

struct core_machine;

/* Device memory: a region that boot.device lists, and where it is on the host (borrowed; NULL: accesses fault). */
struct core_device {
	struct km_region region;
	unsigned char *host;
};

struct core_config {
	struct km_boot
		boot; /* arrays in it are borrowed until core_new() returns; `name` as long as the machine */
	const uint32_t *
		cost; /* [KM_WORK_KINDS], borrowed; NULL: all 0. Without `clock` an entry takes a cycle at least */
	/* The root task: what runs on its first stack. What it returns is its exit code (0..255). */
	int (*entry)(void *argument);
	void *argument;
	size_t stack_bytes; /* 0: CORE_STACK_BYTES */
	bool stack_guard;   /* an unmapped page below: costs a mapping; not for thousands of machines */
	bool digest;        /* of all entries; see core_digest() */
	/* User code reaches what its address space maps by plain pointers, too (core/mapped.c): the kernel's memory, and
	 * devices' whose `host` came from core_shared_new(). For programs that own their process's low addresses. */
	bool plain_pointers;
	/* Time of the caller's: ticks that only grow, boot.ticks_per_us of them a microsecond. Then core_compute() takes no
	 * time, and `until` is when nobody waits for. NULL: virtual time. */
	uint64_t (*clock)(void *context);
	void *clock_context;
	/* Device memory, borrowed as long as the machine. */
	const struct core_device *device;
	uint32_t devices;
	/* What user code asks of the world; each may be NULL. */
	void (*put)(void *context, char c); /* seL4_DebugPutChar; NULL: stdout */
	void (*doorbell)(void *context, uint32_t cluster,
			 uint64_t now); /* skerry_doorbell(); now: this core's clock */
	/* A thread ends its program (exit(), skerry_exit()). If it returns, or is NULL, the machine ends. */
	void (*exit)(void *context, int code);
	void *context; /* of all three, and core_context() of whoever runs on the machine */
};

/* Zeroed memory of whole pages that plain pointers of programs can reach, for devices. Where the host gives no file of
 * memory (a limit) they cannot: a line on stderr says so. NULL: no memory. */
unsigned char *core_shared_new(size_t bytes);
void core_shared_free(unsigned char *memory); /* takes NULL */

/* Boots. On success *out is the caller's, for core_free(); on failure *out is untouched. Returns 0, -EINVAL (`why`: see
 * km_boot_check()) or -ENOMEM. */
int core_new(struct core_machine **out, const struct core_config *config, char *why, size_t why_size);
void core_free(struct core_machine *machine); /* takes NULL */

/* ---- driving it ---- */

/* Runs threads until nobody can go on before `until` (cycles; KM_NEVER: without end). Returns when it wants to go on: >=
 * until, or KM_NEVER when it is idle or has ended. An idle core's clock jumps to what comes next. */
uint64_t core_run(struct core_machine *machine, uint64_t until);
/* Interrupt `irq` is pending from `at` on. It is taken by core 0 as soon as its clock is there and the kernel has it
 * unmasked; until then it is remembered, once. In virtual time `at` is not before the last `until`. */
void core_interrupt(struct core_machine *machine, unsigned irq, uint64_t at);

enum core_end {
	CORE_RUNNING,
	CORE_EXITED, /* the root task returned, or skerry_exit() */
	CORE_HALTED, /* seL4_DebugHalt() */
	CORE_STUCK,  /* of core_run_alone() and core_run_natively(): nobody can run any more */
};
enum core_end core_ended(const struct core_machine *machine);
int core_exit_code(const struct core_machine *machine); /* once CORE_EXITED */
enum core_end core_run_alone(struct core_machine *machine);

/* Runs several machines in one virtual time until all have ended, or nobody of all can run any more; what a doorbell says
 * takes `latency` (cycles, > 0) to its cluster. Their clocks have the same rate. Who rings calls core_ring(). */
void core_run_together(struct core_machine *const *machine, uint32_t machines, uint64_t latency);
/* From a config's `doorbell`, of machines that run together or natively: rings at `cluster`, its number among them. */
void core_ring(struct core_machine *const *machine, uint32_t machines, uint32_t cluster, uint64_t at);

/* Runs machines natively, a host thread a core, pinned where there are CPUs enough; returns when all have ended, or when
 * all are stuck. Their configs have clock core_native_clock and boot.ticks_per_us core_native_ticks_per_us(). Returns 0,
 * or a negative errno with `why`. */
int core_run_natively(struct core_machine *const *machine, uint32_t machines, char *why, size_t why_size);
uint64_t core_native_clock(void *context);
uint64_t core_native_ticks_per_us(void);

/* ---- looking at it ---- */

struct km_kernel *core_kernel(struct core_machine *machine);

struct core_stats {
	uint64_t syscalls[12]; /* by number: [1] Call .. [11] Yield, [0] others (debug, unknown) */
	uint64_t faults, exceptions, interrupts, timers, ipis,
		services;     /* services: skerry_* calls that enter */
	uint64_t switches;    /* another thread than before was loaded */
	uint64_t preemptions; /* of a thread that did not enter by itself */
	uint64_t spins;       /* quanta that spinning code paid */
	uint64_t kernel;      /* cycles in the kernel, of all cores, its lock included */
	uint64_t lock_waits, lock_wait_cycles, stalls;
	bool build_bound;
};
void core_stats(const struct core_machine *machine, struct core_stats *out);
uint64_t core_clock(const struct core_machine *machine, uint32_t core); /* cycles */
/* Of every entry, in order: (time, core, thread's number, kind, capability, message info, message registers as far as they
 * are sent). Values that are addresses of the host count as one, for those differ from run to run. */
uint64_t core_digest(const struct core_machine *machine);
/* Who waits where, a line a thread. */
void core_report(const struct core_machine *machine, FILE *out);

/* ---- from user threads (fibers) of the machine ---- */

struct core_machine *core_self(void); /* the machine that runs on this host thread; NULL: none */
void *core_context(void);             /* its config's context */
uint64_t core_now(const struct core_machine *machine); /* cycles of the core that runs; free of charge */
void core_compute(uint64_t cycles);
/* While on, what runs is neither preempted nor interrupted, and core_run() runs ahead of `until`: for a monitor in the
 * middle of an atomic step. It ends by itself if the core becomes idle. */
void core_hold(struct core_machine *machine, bool on);
/* Four words of the current thread's own, zero at its creation, for whoever drives. */
uint64_t *core_thread_data(void);
_Noreturn void core_exit(int code);

#endif
