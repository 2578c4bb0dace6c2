/* kernelmodel/object.h - the kernel objects, as they lie in the kernel's physical memory.
 *
 * Each fits the size that seL4 gives it (facts: Slot 32, TCB 2048, Endpoint 16, Notification 64, Reply 32, scheduling
 * context 128 + 16 a refill), so that untyped memory is used up exactly as there. All are plain data without pointers:
 * objects name one another by km_ref.
 *
 * Layer: kernelmodel. Source: seL4 16.0 manual, chapters 3 to 7; Lyons et al., Scheduling-Context Capabilities,
 * EuroSys 2018. */
#ifndef SKERRY_KERNELMODEL_OBJECT_H
#define SKERRY_KERNELMODEL_OBJECT_H
#include "kernelmodel/cap.h"

typedef uint64_t km_ticks; /* time of a core's clock: cycles in virtual time, ticks of the TSC natively */
#define KM_NEVER UINT64_MAX

#define KM_CORES_MAX    64
#define KM_PRIORITIES   256
#define KM_DOMAINS      4
#define KM_SCHEDULE_MAX 100 /* entries of the domain schedule */
#define KM_IRQS         256

/* ---- a thread's registers ---- */

/* In the order of seL4_UserContext. */
enum km_register {
	KM_RIP,
	KM_RSP,
	KM_RFLAGS,
	KM_RAX,
	KM_RBX,
	KM_RCX,
	KM_RDX,
	KM_RSI,
	KM_RDI,
	KM_RBP,
	KM_R8,
	KM_R9,
	KM_R10,
	KM_R11,
	KM_R12,
	KM_R13,
	KM_R14,
	KM_R15,
	KM_FS_BASE,
	KM_GS_BASE,
	KM_REGISTERS
};
/* The system-call ABI of x86_64 and MCS. */
enum {
	KM_REG_CAP = KM_RDI,  /* in: capability; out: badge */
	KM_REG_INFO = KM_RSI, /* in and out: message info */
	KM_REG_MR0 = KM_R10,
	KM_REG_MR1 = KM_R8,
	KM_REG_MR2 = KM_R9,
	KM_REG_MR3 = KM_R15,
	KM_REG_REPLY = KM_R12,  /* in: reply capability; NBSendWait's destination */
	KM_REG_DEST = KM_R13,   /* in: NBSendRecv's destination */
	KM_REG_SYSCALL = KM_RDX /* in: number */
};

struct km_context {
	/* reg[KM_RIP] is seL4's FaultIP: where the thread goes on if its system call or fault is done again. `next_ip`
	 * is where it goes on otherwise. A system call enters with next_ip behind its 2-byte call and rip on it. */
	km_word reg[KM_REGISTERS];
	km_word next_ip;
	/* All registers must be loaded when the thread goes on, not only what a system call returns. The kernel sets
	 * it whenever it has changed or restarted the thread other than by the results of its system call; whoever
	 * switches contexts sets it for a thread that did not enter by a system call. */
	uint64_t whole;
};

/* ---- faults ---- */

/* As seL4_Fault_tag_t and seL4_LookupFailureType. */
struct km_lookup_failure {
	uint8_t type; /* None 0, InvalidRoot 1, MissingCapability 2, DepthMismatch 3, GuardMismatch 4 */
	uint8_t bits_left, bits_found; /* bits_found: of the slot (depth), of the guard (guard) */
	km_word guard;
};
struct km_fault {
	uint8_t type; /* seL4_Fault_*: Null 0, CapFault 1, UnknownSyscall 2, UserException 3, Timeout 5, VMFault 6 */
	uint8_t in_receive; /* CapFault */
	uint8_t prefetch;   /* VMFault */
	struct km_lookup_failure lookup;
	km_word address; /* CapFault: capability; VMFault: address; UnknownSyscall and UserException: number; Timeout: data */
	km_word code; /* VMFault: FSR; UserException: code */
};

/* ---- objects ---- */

/* A queue of threads: ordered by priority, first in first out within one. */
struct km_queue {
	km_ref head, tail;
};

enum km_endpoint_state { KM_EP_IDLE, KM_EP_SENDING, KM_EP_RECEIVING };
struct km_endpoint {
	struct km_queue queue;
	uint32_t state; /* enum km_endpoint_state */
	uint32_t reserved;
};
_Static_assert(sizeof(struct km_endpoint) == 16, "an endpoint is seL4's 2^4 bytes");

enum km_notification_state { KM_NTFN_IDLE, KM_NTFN_WAITING, KM_NTFN_ACTIVE };
struct km_notification {
	struct km_queue queue;
	km_word badge;  /* ACTIVE: what was signalled */
	uint32_t state; /* enum km_notification_state */
	km_ref bound_tcb;
	km_ref sc; /* scheduling context bound to it (passive servers), or 0 */
	uint32_t reserved[9];
};
_Static_assert(sizeof(struct km_notification) == 64, "a notification is seL4's 2^6 bytes");

/* A reply object. While its thread waits for an answer, it is linked into the call stack of the scheduling context that
 * was donated: `prev` is the reply below (an earlier caller), `next` the one above, or, at the head, the scheduling
 * context itself. */
struct km_reply {
	km_ref tcb;  /* the caller, or the thread that will receive with it; 0: none */
	km_ref prev; /* earlier caller */
	km_ref next; /* later one; or the scheduling context */
	uint32_t next_is_sc;
	uint32_t reserved[4];
};
_Static_assert(sizeof(struct km_reply) == 32, "a reply object is seL4's 2^5 bytes");

struct km_refill {
	km_ticks time, amount;
};
struct km_sched_context {
	km_ticks period;                 /* 0: round-robin (budget == period) */
	km_ticks consumed;               /* since it was last reported */
	km_word badge;                   /* reported by timeout faults */
	km_ref tcb, notification, reply; /* reply: head of its call stack */
	km_ref yield_from;               /* the thread that is yielding to it */
	uint32_t core;
	uint32_t refill_max, refill_head, refill_count; /* refill_max 0: not configured, may not run */
	uint8_t sporadic, is_round_robin, reserved8[2];
	km_ticks budget; /* as configured, for those who look */
	uint64_t reserved[3];
};
/* The two refills that every context has belong to seL4's fixed part: the smallest context is 2^7 bytes. */
#define KM_MIN_REFILLS 2
_Static_assert(sizeof(struct km_sched_context) + KM_MIN_REFILLS * sizeof(struct km_refill) == 128,
	       "a scheduling context's fixed part is seL4's 128 bytes");
static inline struct km_refill *km_refills(struct km_sched_context *sc)
{
	return (struct km_refill *)(sc + 1);
}

/* As seL4_ThreadState of the kernel's own. */
enum km_thread_state {
	KM_INACTIVE,
	KM_RUNNING,
	KM_RESTART, /* runs again from reg[KM_RIP] */
	KM_BLOCKED_ON_RECEIVE,
	KM_BLOCKED_ON_SEND,
	KM_BLOCKED_ON_REPLY,
	KM_BLOCKED_ON_NOTIFICATION,
	KM_IDLE
};

/* Slots of a TCB. */
enum {
	KM_TCB_CSPACE,
	KM_TCB_VSPACE,
	KM_TCB_BUFFER,
	KM_TCB_FAULT_HANDLER,
	KM_TCB_TIMEOUT_HANDLER,
	KM_TCB_SLOTS
};

struct km_tcb {
	struct km_slot slot[8]; /* KM_TCB_SLOTS are used; a zombie of a TCB empties them from the last */
	struct km_context context;
	/* scheduling */
	uint8_t state; /* enum km_thread_state */
	uint8_t priority, mcp, domain;
	uint8_t queued,
		in_release_queue; /* in the ready queue of its core, domain and priority; in the release queue */
	uint8_t fpu_disabled;     /* seL4_TCBFlag_fpuDisabled */
	uint8_t reserved8;
	uint32_t core;                 /* its affinity: of the scheduling context that it has, or last had */
	km_ref sc;                     /* scheduling context, or 0 */
	km_ref yield_to;               /* scheduling context it yields to */
	km_ref notification;           /* bound, or 0 */
	km_ref sched_prev, sched_next; /* ready queue, or release queue */
	/* release queue: when it ends, and its place in the tree that finds places (kernelmodel/release.c) */
	km_ticks release_at;
	km_ref release_up, release_left, release_right;
	km_ref ep_prev, ep_next; /* endpoint or notification queue */
	/* what it is blocked on */
	km_ref blocked_on; /* endpoint or notification */
	km_ref reply; /* BLOCKED_ON_REPLY: the reply object; BLOCKED_ON_RECEIVE: the one that it will use, or 0 */
	uint8_t can_grant, can_grant_reply, is_call; /* BLOCKED_ON_SEND; can_grant also of a receive */
	uint8_t reserved8b;
	uint32_t number; /* of its creation: a stable name */
	km_word badge;   /* BLOCKED_ON_SEND */
	/* faults */
	struct km_fault fault;
	/* the rest */
	km_word buffer_address;    /* virtual address of the IPC buffer, 0: none */
	km_ref all_prev, all_next; /* every TCB, in the order of creation */
	char name[64];
	/* Of whoever runs threads (kernelmodel/core/); zeroed at creation, else not touched by the kernel. */
	uint64_t host[16];
};
_Static_assert(sizeof(struct km_tcb) <= 2048, "a TCB is seL4's 2^11 bytes");

#endif
