/* kernelmodel/kernel.h - one seL4 kernel (16.0, x86_64, MCS, 256 priorities, 4 domains), as a library.
 *
 * An event kernel: a system call, a fault or an interrupt enters with the current thread's registers saved in its TCB and
 * the time in its core; the kernel changes itself; when it returns, core->current is the thread to run, with the registers
 * to load. It never waits, reads no clock, allocates nothing after km_kernel_new(), and knows of no other kernel.
 *
 * A cluster of several cores is seL4's big-lock kernel: whoever calls in holds the lock of the kernel, whichever it is (a
 * modelled queue, or a real one); `self` is the core that is inside.
 *
 * Thread rule: one thread at a time is in a kernel. Layer: kernelmodel; includes nothing from sim/.
 * Source: seL4 16.0 manual; Blackham et al. (preemption points), EuroSys 2012; Lyons et al. (MCS), EuroSys 2018. */
#ifndef SKERRY_KERNELMODEL_KERNEL_H
#define SKERRY_KERNELMODEL_KERNEL_H
#include <stddef.h>
#include "kernelmodel/object.h"
#include "kernelmodel/work.h"

/* ---- boot ---- */

struct km_region { /* of physical memory: [start, end) */
	km_paddr start, end;
};

/* What one kernel owns. All of it is checked before anything starts: km_boot_check(). */
struct km_boot {
	const char *name; /* borrowed; "" or NULL: none. Stands in messages */
	uint32_t node,
		nodes; /* seL4_BootInfo's nodeID and numNodes: this kernel among those of a multikernel boot */
	uint32_t cores; /* 1..KM_CORES_MAX */
	struct km_region
		memory; /* this kernel's own RAM, page-aligned; `memory.start` is where `arena` begins */
	const struct km_region
		*device; /* memory shared with other kernels, or of devices: device untyped; page-aligned */
	uint32_t devices;
	/* Interrupts that this kernel owns, devices' and doorbells': 16..123, a user's vector v being interrupt v + 16. A
	 * kernel that is alone (nodes <= 1) and lists none owns all of them. */
	const uint32_t *irq;
	uint32_t irqs;
	uint64_t ticks_per_us;    /* of the cores' clock; > 0 */
	uint32_t root_cnode_bits; /* radix of the root task's CNode; 0: 16 */
	uint8_t root_priority;    /* 0: 255 */
	uint32_t image_frames;    /* frames of the root task's image, mapped at KM_IMAGE_BASE; 0: 16 */
	/* The domain schedule at boot; 0: domain 0 alone, for ever. */
	struct {
		uint8_t domain;
		km_ticks duration; /* 0: for ever */
	} schedule[KM_SCHEDULE_MAX];
	uint32_t schedule_length;
	/* Natively the pages of user programs and kernels are those of the host; the arena is given by the caller, zeroed,
	 * memory.end - memory.start bytes, aligned to 4 KiB, and stays his. NULL: km_kernel_new() takes it by calloc(). */
	unsigned char *arena;
};
#define KM_IMAGE_BASE UINT64_C(0x400000)

/* Checks what a multikernel boot gives to its kernels, each alone and against each other: memory that is nobody else's,
 * not overlapping with device regions but for sharing of device regions themselves, aligned; interrupts and doorbells with
 * one owner each; node numbers that are 0..nodes-1 each once; limits. Returns 0, or -EINVAL and in `why` one message
 * with place, cause and remedy. */
int km_boot_check(const struct km_boot *boot, uint32_t count, char *why, size_t why_size);

/* ---- what the kernel asks of whoever drives it ---- */

struct km_kernel;
struct km_core;
struct km_host {
	void *context;
	/* At a preemption point, every KM_PREEMPT_WORK units of work: is an interrupt (timer included) pending on the
	 * core that is inside? NULL: never. */
	int (*pending)(void *context, struct km_kernel *kernel, struct km_core *core);
	/* The thread that runs on `core`, which is not the core inside, is about to be changed: returns when its registers
	 * are in its TCB and it does not run. NULL: nothing to do. */
	void (*stall)(void *context, struct km_kernel *kernel, struct km_core *core);
	/* Interrupt `irq` was (un)masked by its handler's acknowledgement. NULL: nobody cares. */
	void (*unmask)(void *context, struct km_kernel *kernel, unsigned irq, int enabled);
	/* seL4_DebugPutChar and what the debug calls print. NULL: nowhere. */
	void (*put)(void *context, char c);
	/* seL4's I/O ports: widths 1, 2, 4. NULL: reads give all ones, writes are lost. */
	uint32_t (*port_in)(void *context, uint16_t port, unsigned width);
	void (*port_out)(void *context, uint16_t port, unsigned width, uint32_t value);
};
#define KM_PREEMPT_WORK 100

/* ---- a core ---- */

#define KM_SPACES_KNOWN 8 /* a power of 2 */
#define KM_NO_SPACE     UINT64_MAX

struct km_core {
	struct km_tcb *current; /* never NULL: the idle thread's TCB is one, with state KM_IDLE */
	struct km_tcb *idle; /* in the arena, as all TCBs; in no queue, without a capability, state KM_IDLE */
	uint32_t id;
	/* Time. Whoever calls in sets `now` before; the kernel adds what it charged to `charged`, and never reads a clock.
	 * `now` only grows. */
	km_ticks now;
	km_ticks
		charged; /* by the last entry: cycles of work, for the caller to add to its clock; reset at entry */
	km_ticks
		timer_at; /* the next deadline (end of budget, release, end of domain): call km_timer() then; KM_NEVER */
	/* budget accounting (kernelmodel/refill.c) */
	km_ticks stamp;    /* up to when the current thread has been charged */
	km_ticks consumed; /* not charged yet */
	km_ref sc;         /* of the current thread */
	uint8_t reprogram; /* timer_at is to be computed anew */
	/* ready queues: [domain][priority], a bitmap of two levels each; release queue by time */
	struct {
		uint64_t level1;
		uint64_t level2[KM_PRIORITIES / 64];
		struct km_queue queue[KM_PRIORITIES];
	} ready[KM_DOMAINS];
	struct km_queue release;
	km_ref release_root; /* of the tree over the release queue */
	/* what the scheduler is to do at the exit of this entry */
	uint8_t action; /* enum: resume, switch to `candidate`, choose */
	km_ref candidate;
	/* domains */
	uint32_t domain, schedule_at;
	km_ticks domain_left; /* of the running entry */
	/* the TLB model */
	struct km_tlb *tlb;        /* kernelmodel/tlb.h */
	unsigned long asid_loaded; /* the address space that is loaded */
	/* Capabilities to address spaces that were loaded here and have kept their ids since, by an id's low bits: they
	 * spare a look into the pools. None: a null one whose word is KM_NO_SPACE. */
	struct km_cap space[KM_SPACES_KNOWN];
};

/* ---- the kernel ---- */

struct km_schedule_entry {
	uint32_t domain;
	km_ticks duration;
};
/* What seL4 calls current_syscall_error. */
struct km_error {
	uint32_t type; /* seL4_Error */
	uint32_t invalid_argument, invalid_cap;
	km_word range_min, range_max, memory_left;
	int lookup_was_source;
};

#define KM_IOAPIC_PINS 24

struct km_kernel {
	unsigned char *
		arena; /* physical memory from `base` on; the first page holds nothing, so that km_ref 0 is none */
	km_paddr base, size;
	uint32_t cores, node, nodes;
	uint64_t ticks_per_us;
	struct km_core *core; /* [cores] */
	struct km_core *self; /* who is inside */
	uint64_t ipi;         /* mask of cores that must call km_ipi(); whoever drives clears it */
	struct km_host host;
	const uint32_t *cost; /* [KM_WORK_KINDS] cycles a unit; never NULL (all 0: natively) */
	uint64_t work[KM_WORK_KINDS];
	uint32_t preempt_work; /* units since the last preemption point */
	/* of the entry under way */
	struct km_error error;
	struct km_fault fault;
	struct km_lookup_failure lookup; /* of the last failed lookup */
	struct km_slot *extra[3];        /* capabilities of the message under way; NULL ends them */
	/* domains: the schedule, at run time */
	struct km_schedule_entry schedule[KM_SCHEDULE_MAX];
	uint32_t schedule_start;
	/* interrupts */
	km_ref irq_node; /* KM_IRQS slots: each holds the notification capability of an interrupt */
	uint8_t irq_state[KM_IRQS]; /* enum km_irq_state, kernelmodel/irq.h */
	uint8_t irq_owned[KM_IRQS], irq_masked[KM_IRQS];
	uint8_t irq_of_pin
		[KM_IOAPIC_PINS]; /* which interrupt a pin of the IOAPIC was last routed to; 0: none */
	km_ref io_ports;          /* 2^16 bits: ports that a capability was issued for */
	/* address spaces */
	km_ref asid_pool[64];                   /* asid / 512 -> pool object; 8 are used */
	uint32_t next_tcb;                      /* number of the next TCB created */
	km_ref all_first, all_last;             /* all TCBs */
	km_ref root_tcb, boot_info, root_cnode; /* of the root task */
	struct km_boot boot; /* what it was made from (pointers in it not to be followed) */
	int arena_is_own;
	int halted;          /* by seL4_DebugHalt: every thread is suspended */
	char complaint[256]; /* of km_check() */
};

/* Boots: the root task's TCB has its CSpace, address space, IPC buffer, scheduling context and boot info (manual,
 * section 9.1) and is current on core 0. Its rip and rsp are 0: whoever drives sets them. Returns 0, -EINVAL (the boot
 * specification, `why` as km_boot_check()) or -ENOMEM. On failure *out is untouched. */
int km_kernel_new(struct km_kernel **out, const struct km_boot *boot, char *why, size_t why_size);
void km_kernel_free(struct km_kernel *kernel); /* takes NULL */

/* ---- entries ----
 *
 * Before: core->now, and the registers of core->current in its TCB. After: core->current, core->charged, core->timer_at,
 * kernel->ipi. Each runs the scheduler at its exit, as every kernel exit does. */
void km_syscall(struct km_kernel *kernel, struct km_core *core);
void km_vm_fault(struct km_kernel *kernel, struct km_core *core, km_word address, km_word fsr, int prefetch);
void km_user_exception(struct km_kernel *kernel, struct km_core *core, km_word number, km_word code);
void km_interrupt(struct km_kernel *kernel, struct km_core *core, unsigned irq);
void km_timer(struct km_kernel *kernel, struct km_core *core); /* core->timer_at has come */
void km_ipi(struct km_kernel *kernel, struct km_core *core);   /* another core asked it to reschedule */

/* ---- access to memory as a user thread sees it (modelled: page tables, rights, TLB) ---- */

enum { KM_ACCESS_READ = 1, KM_ACCESS_WRITE = 2, KM_ACCESS_EXECUTE = 4 };
/* The host's address of the byte at `vaddr` in the address space of `tcb`, and in *length how many bytes follow on the same
 * page; *paddr (may be NULL) its physical address. NULL: not mapped so; *fsr then holds the error code of x86's page
 * fault (bit 0 present, 1 write, 2 user, 4 fetch). Device memory outside of the arena: NULL with *fsr 0 and *paddr set. */
unsigned char *km_translate(struct km_kernel *kernel, struct km_core *core, struct km_tcb *tcb, km_word vaddr,
			    int access, size_t *length, km_word *fsr, km_paddr *paddr);
/* The IPC buffer of a thread as the kernel sees it (1024 bytes), or NULL: none, or not a frame that it may write. */
km_word *km_ipc_buffer(struct km_kernel *kernel, struct km_tcb *tcb, int for_writing);

/* ---- references ---- */

static inline void *km_at(const struct km_kernel *kernel, km_ref ref)
{
	return kernel->arena + (((km_paddr)ref << KM_GRANULE_BITS) - kernel->base);
}
static inline km_ref km_ref_of(const struct km_kernel *kernel, const void *object)
{
	return (km_ref)(((km_paddr)((const unsigned char *)object - kernel->arena) + kernel->base) >>
			KM_GRANULE_BITS);
}
static inline void *km_cap_object(const struct km_kernel *kernel, struct km_cap cap)
{
	return km_at(kernel, (km_ref)cap.object);
}
#define KM_TCB(k, ref)      ((struct km_tcb *)km_at(k, ref))
#define KM_EP(k, ref)       ((struct km_endpoint *)km_at(k, ref))
#define KM_NTFN(k, ref)     ((struct km_notification *)km_at(k, ref))
#define KM_REPLY_AT(k, ref) ((struct km_reply *)km_at(k, ref))
#define KM_SC(k, ref)       ((struct km_sched_context *)km_at(k, ref))
#define KM_SLOT(k, ref)     ((struct km_slot *)km_at(k, ref))

/* ---- checks ---- */

/* Invariants of everything: derivation tree, queues, states, refills, call stacks, reference counts of what is final,
 * untyped watermarks, page tables. Returns NULL, or a text (static, or in a buffer of the kernel's) that names the first
 * that is broken. For tests: linear in all slots. */
const char *km_check(struct km_kernel *kernel);

#endif
