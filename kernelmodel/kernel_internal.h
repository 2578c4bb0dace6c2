/* kernelmodel/kernel_internal.h - what the files of the kernel know of each other.
 *
 * Shape of an operation: km_X_decode_*() reads the request, checks everything and changes nothing; km_X_perform_*() (or
 * invoke) changes the kernel, and nothing is left to go wrong, but for preemption. */
#ifndef SKERRY_KERNELMODEL_KERNEL_INTERNAL_H
#define SKERRY_KERNELMODEL_KERNEL_INTERNAL_H
#include <string.h>
#include "kernelmodel/kernel.h"
#include "kernelmodel/message.h"
#include <sel4/constants.h>
#include <sel4/errors.h>
#include <sel4/invocation.h>
#include <sel4/objecttype.h>

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What a part of a system call came to. */
enum km_status {
	KM_OK,
	KM_SYSCALL_ERROR, /* kernel->error says which */
	KM_LOOKUP_FAULT,  /* kernel->lookup (and, where a fault is to be sent, kernel->fault) says which */
	KM_PREEMPTED,     /* an interrupt is pending: the thread does its system call again */
};

static inline void km_work_n(struct km_kernel *k, enum km_work_kind kind, uint64_t units)
{
	k->work[kind] += units;
	k->self->charged += units * k->cost[kind];
}
static inline void km_work(struct km_kernel *k, enum km_work_kind kind) { km_work_n(k, kind, 1); }

/* ---- errors: each sets kernel->error (type and what the message registers will hold) and returns KM_SYSCALL_ERROR ---- */

static inline enum km_status km_fail(struct km_kernel *k, seL4_Error type)
{
	k->error.type = type;
	return KM_SYSCALL_ERROR;
}
static inline enum km_status km_fail_argument(struct km_kernel *k, unsigned argument)
{
	k->error.invalid_argument = argument;
	return km_fail(k, seL4_InvalidArgument);
}
static inline enum km_status km_fail_cap(struct km_kernel *k, unsigned cap)
{
	k->error.invalid_cap = cap;
	return km_fail(k, seL4_InvalidCapability);
}
static inline enum km_status km_fail_range(struct km_kernel *k, km_word min, km_word max)
{
	k->error.range_min = min;
	k->error.range_max = max;
	return km_fail(k, seL4_RangeError);
}
static inline enum km_status km_fail_lookup(struct km_kernel *k, int was_source) /* kernel->lookup is set */
{
	k->error.lookup_was_source = was_source;
	return km_fail(k, seL4_FailedLookup);
}

/* ---- the request of an invocation ---- */

struct km_request {
	struct km_tcb *caller;
	struct km_slot *slot; /* of the invoked capability */
	struct km_cap cap;    /* a copy of it */
	km_word cptr;
	unsigned label,
		length;  /* of the message; length <= seL4_MsgMaxLength, and 4 if there is no IPC buffer */
	km_word *buffer; /* the caller's IPC buffer as words (tag at [0], MR i at [1 + i]), or NULL */
	int is_call, is_blocking, can_donate, first_phase;
};
/* Message register i of the request (registers for 0..3). Requires i < length. */
static inline km_word km_argument(const struct km_request *r, unsigned i)
{
	return i < KM_MESSAGE_FAST ? r->caller->context.reg[km_mr_register(i)] : r->buffer[KM_BUFFER_MR + i];
}
/* Message register i of a reply to `tcb`: into its registers or its buffer. */
void km_set_mr(struct km_kernel *k, struct km_tcb *tcb, unsigned i, km_word value);
/* Ends an invocation that has results: `count` words from `mr`, label 0, if the caller called. */
void km_reply_words(struct km_kernel *k, const struct km_request *r, unsigned count, const km_word *mr);

/* Decodes and performs one invocation of the object, by type. Each returns KM_OK, KM_SYSCALL_ERROR or KM_PREEMPTED.
 * An invocation that returns KM_OK without km_reply_words() answers an empty message of label 0. */
typedef enum km_status km_invocation(struct km_kernel *k, const struct km_request *r);
km_invocation km_cnode_invoke;                                                           /* cnode.c */
km_invocation km_untyped_invoke;                                                         /* untyped.c */
km_invocation km_tcb_invoke;                                                             /* tcb.c */
km_invocation km_sched_context_invoke;                                                   /* sched_context.c */
km_invocation km_sched_control_invoke;                                                   /* sched_control.c */
km_invocation km_domain_invoke;                                                          /* domain.c */
km_invocation km_irq_control_invoke, km_irq_handler_invoke;                              /* irq.c */
km_invocation km_io_port_control_invoke, km_io_port_invoke;                              /* io_port.c */
km_invocation km_frame_invoke, km_paging_invoke /* page table, directory, PDPT, PML4 */; /* vspace.c */
km_invocation km_asid_control_invoke, km_asid_pool_invoke;                               /* asid.c */

/* ---- cspace.c: lookup ---- */

struct km_found {
	struct km_slot *slot;
	unsigned bits_left;
};
/* Resolves `depth` bits (1..64) of `cptr` from CNode capability `root`. KM_OK: bits_left may be > 0, when a slot that is
 * not a CNode was met. KM_LOOKUP_FAULT: kernel->lookup. */
enum km_status km_resolve(struct km_kernel *k, struct km_cap root, km_word cptr, unsigned depth,
			  struct km_found *out);
/* As an invocation looks up, over all 64 bits in the CSpace of `tcb`; left-over bits are ignored. */
enum km_status km_lookup_slot(struct km_kernel *k, const struct km_tcb *tcb, km_word cptr,
			      struct km_slot **out);
/* The same; an empty capability is one as any. */
enum km_status km_lookup_cap(struct km_kernel *k, const struct km_tcb *tcb, km_word cptr, struct km_cap *out);
/* A slot named by (root, index, depth): KM_SYSCALL_ERROR with FailedLookup (root is no CNode; not found; left-over bits)
 * or RangeError (depth not in 1..64). */
enum km_status km_lookup_target(struct km_kernel *k, int is_source, struct km_cap root, km_word index,
				unsigned depth, struct km_slot **out);
/* The receive slots that the IPC buffer of `tcb` names: one empty slot, or NULL. */
struct km_slot *km_receive_slot(struct km_kernel *k, struct km_tcb *tcb, const km_word *buffer);
/* Up to three capabilities that follow a message: fills kernel->extra. KM_LOOKUP_FAULT sets kernel->fault (CapFault). */
enum km_status km_lookup_extra(struct km_kernel *k, struct km_tcb *tcb, const km_word *buffer,
			       unsigned count);

/* ---- tree.c: the derivation tree ---- */

void km_tree_insert(struct km_kernel *k, struct km_cap cap, struct km_slot *source,
		    struct km_slot *into); /* copy, mint */
void km_tree_insert_new(struct km_kernel *k, struct km_cap cap, struct km_slot *parent,
			struct km_slot *into); /* retype */
void km_tree_move(struct km_kernel *k, struct km_cap cap, struct km_slot *from, struct km_slot *into);
void km_tree_swap(struct km_kernel *k, struct km_cap cap_a, struct km_slot *a, struct km_cap cap_b,
		  struct km_slot *b);
void km_tree_empty(struct km_kernel *k,
		   struct km_slot *slot); /* unlinks; ORs first-badged into the next entry */
int km_tree_is_parent(const struct km_kernel *k, const struct km_slot *a, const struct km_slot *b);
int km_tree_is_final(const struct km_kernel *k, const struct km_slot *slot);
int km_tree_has_children(const struct km_kernel *k, const struct km_slot *slot);
int km_cap_same_region(struct km_cap a, struct km_cap b);
int km_cap_same_object(struct km_cap a, struct km_cap b);
enum km_status km_ensure_empty(struct km_kernel *k, const struct km_slot *slot);       /* or DeleteFirst */
enum km_status km_ensure_no_children(struct km_kernel *k, const struct km_slot *slot); /* or RevokeFirst */

/* ---- cap.c: what may be done with a capability ---- */

/* What a copy of `cap` is: itself; null (zombies, IRQ control, reply in seL4's sense: see there); with a mapping forgotten
 * (frames). KM_SYSCALL_ERROR: RevokeFirst (untyped with children), IllegalOperation (page tables without a mapping). */
enum km_status km_cap_derive(struct km_kernel *k, struct km_slot *slot, struct km_cap cap,
			     struct km_cap *out);
struct km_cap km_cap_mask(struct km_cap cap, unsigned rights);
/* With badge or guard `data`; null if that is not allowed. preserve: as Mutate and Rotate do. */
struct km_cap km_cap_update(int preserve, km_word data, struct km_cap cap);
int km_cap_is_physical(struct km_cap cap);
km_paddr km_cap_base(struct km_cap cap); /* of physical capabilities */
unsigned km_cap_size_bits(struct km_cap cap);

/* ---- delete.c ---- */

enum km_status km_delete(struct km_kernel *k, struct km_slot *slot, int exposed); /* KM_OK or KM_PREEMPTED */
enum km_status km_revoke(struct km_kernel *k, struct km_slot *slot);
void km_delete_one(struct km_kernel *k,
		   struct km_slot *slot); /* of what is no CNode and no thread: cannot be preempted */
/* Asked after each unit of work of what may take long: KM_OK or KM_PREEMPTED. */
enum km_status km_preemption_point(struct km_kernel *k);

/* ---- untyped.c ---- */

/* Makes one object of `type` at `at`, its memory cleared but for frames of devices; the capability to it. */
struct km_cap km_create_object(struct km_kernel *k, unsigned type, km_paddr at, unsigned size_bits,
			       int is_device);

/* ---- queue.h: an ordered queue of threads by ep_prev/ep_next is in endpoint.c ---- */

void km_wait_enqueue(struct km_kernel *k, struct km_queue *queue,
		     struct km_tcb *tcb); /* after all of its priority */
void km_wait_dequeue(struct km_kernel *k, struct km_queue *queue, struct km_tcb *tcb);

/* ---- endpoint.c ---- */

void km_send(struct km_kernel *k, int blocking, int is_call, int can_grant, int can_grant_reply,
	     km_word badge, int can_donate, struct km_tcb *from, struct km_endpoint *ep);
/* Receives on an endpoint capability with `reply` (a reply capability, or null). */
void km_receive(struct km_kernel *k, struct km_tcb *tcb, struct km_cap cap, int blocking,
		struct km_cap reply);
void km_cancel_ipc(struct km_kernel *k, struct km_tcb *tcb); /* takes a thread from what it is blocked on */
void km_endpoint_cancel_all(struct km_kernel *k, struct km_endpoint *ep); /* restarts the waiters */
enum km_status km_endpoint_cancel_badged(struct km_kernel *k, struct km_endpoint *ep, km_word badge);
void km_wait_reorder(struct km_kernel *k,
		     struct km_tcb *tcb); /* its priority has changed, it is in a wait queue */
/* If its context is sporadic and slept while it was blocked: km_refill_unblock. */
void km_unblock_refills(struct km_kernel *k, const struct km_tcb *tcb);

/* ---- notification.c ---- */

void km_signal(struct km_kernel *k, struct km_notification *ntfn, km_word badge);
void km_wait(struct km_kernel *k, struct km_tcb *tcb, struct km_cap cap, int blocking);
void km_notification_cancel_all(struct km_kernel *k, struct km_notification *ntfn);
void km_notification_complete(struct km_kernel *k, struct km_notification *ntfn,
			      struct km_tcb *tcb); /* takes the word */
void km_notification_bind(struct km_kernel *k, struct km_tcb *tcb, struct km_notification *ntfn);
void km_notification_unbind(struct km_kernel *k,
			    struct km_tcb *tcb); /* of a thread; nothing bound: nothing */
void km_notification_unbind_tcb(struct km_kernel *k, struct km_notification *ntfn); /* maybe none */
/* A scheduling context bound to a notification: lent to the thread that it wakes, and taken back when that waits again. */
void km_notification_donate(struct km_kernel *k, struct km_notification *ntfn, struct km_tcb *tcb);
void km_notification_return(struct km_kernel *k, struct km_tcb *tcb);

/* ---- reply.c ---- */

void km_reply_push(struct km_kernel *k, struct km_tcb *caller, struct km_tcb *callee, struct km_reply *reply,
		   int can_donate);
void km_reply_pop(struct km_kernel *k, struct km_reply *reply,
		  struct km_tcb *tcb); /* the head of its stack: returns the context */
void km_reply_remove(struct km_kernel *k, struct km_reply *reply); /* deleted while its thread waits */
void km_reply_remove_tcb(struct km_kernel *k, struct km_tcb *tcb); /* its thread's wait is cancelled */
void km_reply_unlink(struct km_kernel *k, struct km_reply *reply, struct km_tcb *tcb); /* of a receiver */
void km_reply_cleared(struct km_kernel *k, struct km_reply *reply); /* its last capability is deleted */
/* Sends an answer through a reply object. */
void km_reply_send(struct km_kernel *k, struct km_tcb *from, struct km_reply *reply, int can_grant);

/* ---- transfer.c ---- */

/* Message registers, badge and extra capabilities; or, if the sender has a fault, the fault's message. */
void km_transfer(struct km_kernel *k, struct km_tcb *from, const struct km_endpoint *ep, km_word badge,
		 int can_grant, struct km_tcb *to);

/* ---- fault.c ---- */

void km_handle_fault(struct km_kernel *k,
		     struct km_tcb *tcb); /* kernel->fault is sent to its handler, or it becomes inactive */
void km_handle_timeout(struct km_kernel *k, struct km_tcb *tcb); /* kernel->fault is a Timeout */
/* Is it a capability that may be a handler (endpoint with write and grant or grant-reply; or null)? */
int km_is_handler(struct km_cap cap);
int km_has_timeout_handler(const struct km_tcb *tcb);
/* The message of tcb->fault for a receiver; returns its length. The label is tcb->fault.type. */
unsigned km_fault_message(struct km_kernel *k, struct km_tcb *faulter, struct km_tcb *to);
/* A reply to a fault: true if the thread is to be restarted. */
int km_fault_reply(struct km_kernel *k, struct km_tcb *from, struct km_tcb *faulter);
/* What a register (enum km_register) may be set to: flags with interrupts on, canonical addresses. */
km_word km_register_sane(unsigned reg, km_word value);

/* ---- schedule.c ---- */

enum { KM_RESUME, KM_SWITCH_TO, KM_CHOOSE }; /* core->action */

int km_is_runnable(const struct km_tcb *tcb); /* running or restart */
int km_is_schedulable(struct km_kernel *k,
		      const struct km_tcb *tcb); /* runnable, has a ready context, not waiting for release */
int km_is_blocked(const struct km_tcb *tcb);
void km_set_state(struct km_kernel *k, struct km_tcb *tcb,
		  enum km_thread_state state);                    /* and reschedules if current stops */
void km_ready_enqueue(struct km_kernel *k, struct km_tcb *tcb);   /* at the head; no-op if queued */
void km_ready_append(struct km_kernel *k, struct km_tcb *tcb);    /* at the tail; no-op if queued */
void km_ready_dequeue(struct km_kernel *k, struct km_tcb *tcb);   /* no-op if not queued */
void km_release_enqueue(struct km_kernel *k, struct km_tcb *tcb); /* until its head refill */
void km_release_remove(struct km_kernel *k, struct km_tcb *tcb);
void km_possible_switch_to(struct km_kernel *k,
			   struct km_tcb *tcb); /* it became runnable: candidate, or enqueued */
void km_reschedule_required(struct km_kernel *k);
void km_schedule(struct km_kernel *k); /* at each exit: settles core->current, and timer_at */
void km_set_priority(struct km_kernel *k, struct km_tcb *tcb, unsigned priority);
void km_set_mcp(struct km_kernel *k, struct km_tcb *tcb, unsigned mcp);
void km_suspend(struct km_kernel *k, struct km_tcb *tcb);
void km_restart(struct km_kernel *k, struct km_tcb *tcb); /* Resume */
/* Before a thread that may run on another core is changed. */
void km_stall_for(struct km_kernel *k, const struct km_tcb *tcb);
void km_boot_idle(struct km_kernel *k, struct km_core *core); /* its idle thread, queues and domain at boot */

/* ---- refill.c: sporadic refills and budgets ---- */

#define KM_MIN_BUDGET_US 20
km_ticks km_min_budget(const struct km_kernel *k);
km_ticks km_us_max(const struct km_kernel *k); /* the longest budget or period in microseconds */
void km_refill_new(struct km_kernel *k, struct km_sched_context *sc, unsigned max, km_ticks budget,
		   km_ticks period);
void km_refill_update(struct km_kernel *k, struct km_sched_context *sc, km_ticks period, km_ticks budget,
		      unsigned max);
int km_refill_ready(const struct km_kernel *k,
		    const struct km_sched_context *sc); /* its head may be used now */
int km_refill_sufficient(const struct km_kernel *k, struct km_sched_context *sc, km_ticks usage);
void km_refill_unblock(struct km_kernel *k, struct km_sched_context *sc); /* refill_unblock_check */
void km_refill_charge(struct km_kernel *k, struct km_sched_context *sc,
		      km_ticks usage); /* refill_budget_check */
km_ticks km_refill_head_time(struct km_sched_context *sc);
/* At every entry: the time since the last is consumed. */
void km_update_stamp(struct km_kernel *k);
/* The current thread still has budget for this entry: true. Else it was charged, and lost the core. */
int km_check_budget(struct km_kernel *k);
int km_check_budget_restart(struct km_kernel *k); /* and, if not, does its system call again later */
void km_commit_time(struct km_kernel *k);         /* consumed is charged to the current context */
void km_charge_budget(struct km_kernel *k, km_ticks consumed, int can_timeout_fault);
void km_end_timeslice(struct km_kernel *k, int can_timeout_fault);
void km_yield(struct km_kernel *k);          /* seL4_Yield */
void km_switch_context(struct km_kernel *k); /* switchSchedContext, at the exit */

/* ---- sched_context.c ---- */

void km_sc_donate(struct km_kernel *k, struct km_sched_context *sc, struct km_tcb *to);
void km_sc_bind_tcb(struct km_kernel *k, struct km_sched_context *sc, struct km_tcb *tcb);
void km_sc_unbind_tcb(struct km_kernel *k, struct km_sched_context *sc);
void km_sc_unbind_all(struct km_kernel *k, struct km_sched_context *sc); /* when its last capability goes */
void km_sc_unbind_notification(struct km_kernel *k, struct km_sched_context *sc);
void km_sc_unbind_reply(struct km_kernel *k, struct km_sched_context *sc);
void km_sc_resume(struct km_kernel *k,
		  struct km_sched_context *sc); /* its thread may run: enqueue or release queue */
void km_sc_cancel_yield_to(struct km_kernel *k, struct km_tcb *tcb);
km_word km_sc_take_consumed(struct km_kernel *k, struct km_sched_context *sc); /* in us, since last taken */
void km_sc_complete_yield_to(struct km_kernel *k,
			     struct km_tcb *tcb); /* sets the consumed time of the one that yielded */

/* ---- tcb.c ---- */

void km_tcb_init(struct km_kernel *k, struct km_tcb *tcb);   /* a new thread: memory is zeroed */
void km_tcb_unlink(struct km_kernel *k, struct km_tcb *tcb); /* from the list of all */

/* ---- domain.c ---- */

void km_domain_next(struct km_kernel *k); /* the running entry of the schedule is over */
void km_domain_set(struct km_kernel *k, struct km_tcb *tcb, unsigned domain);

/* ---- vspace.c, asid.c, tlb.c ---- */

/* A final, or a mapped, capability is deleted. */
void km_frame_deleted(struct km_kernel *k, struct km_cap cap);
void km_paging_deleted(struct km_kernel *k, struct km_cap cap, int final);
void km_asid_pool_deleted(struct km_kernel *k, struct km_cap cap);
int km_is_valid_vspace(struct km_kernel *k, struct km_cap cap);
/* Is `cap` a frame that may hold an IPC buffer at `address` (not device, aligned)? KM_OK or an error, as SetIPCBuffer. */
enum km_status km_check_buffer(struct km_kernel *k, km_word address, struct km_cap cap);
void km_space_switch(struct km_kernel *k, struct km_tcb *tcb); /* the address space of a thread is loaded */
/* The id of a thread's address space, or 0: it has no valid one. The core inside may hold its translations from now on. */
unsigned km_space_find(struct km_kernel *k, const struct km_tcb *tcb);
enum km_status km_frame_derive(struct km_kernel *k, struct km_cap cap, struct km_cap *out);
enum km_status km_paging_derive(struct km_kernel *k, struct km_cap cap, struct km_cap *out);

/* ---- irq.c ---- */

void km_irq_handler_deleted(struct km_kernel *k, unsigned irq, int final);
void km_irq_deliver(struct km_kernel *k, unsigned irq);
void km_io_port_deleted(struct km_kernel *k, struct km_cap cap);

/* ---- syscall.c ---- */

/* What an invocation's error becomes: label and message registers of the caller. */
void km_reply_error(struct km_kernel *k, struct km_tcb *tcb);
/* At the begin of each entry. */
static inline void km_enter(struct km_kernel *k, struct km_core *core)
{
	k->self = core;
	core->charged = 0;
	km_work(k, KM_WORK_ENTRY);
}
/* A system call that has been entered and is none of those that fastpath.c, where km_syscall() is, does itself. */
void km_syscall_slow(struct km_kernel *k, struct km_core *core);

/* ---- debug.c ---- */

int km_debug_syscall(struct km_kernel *k, struct km_core *core); /* true: it was one */
void km_debug_no_handler(struct km_kernel *k,
			 const struct km_tcb *tcb); /* says that kernel->fault stops it */

#endif
