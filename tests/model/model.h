/* tests/model/model.h - seL4 as a graph: who holds what, derived from what, and who waits for whom.
 *
 * The reference that the kernel is compared with, call by call. It is written from the manual to be read, not to be fast,
 * and has no code and no trick of the kernel's: a capability is a node with a pointer to its parent and an ordered list of
 * children (the kernel has one list and two bits); an object counts its capabilities (the kernel looks at two neighbours);
 * queues are arrays (the kernel links TCBs). Time stands still: every context has budget for ever, so that what runs is
 * decided by priority and order of arrival alone.
 *
 * Thread rule: one thread. Layer: tests; knows nothing of kernelmodel/, but the numbers of seL4's API.
 * Ownership: everything belongs to the model and dies with it. */
#ifndef SKERRY_TESTS_MODEL_MODEL_H
#define SKERRY_TESTS_MODEL_MODEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t m_word;

enum m_kind {
	M_NULL,
	M_UNTYPED,
	M_ENDPOINT,
	M_NOTIFICATION,
	M_REPLY,
	M_CNODE,
	M_THREAD,
	M_CONTEXT,
	M_SCHED_CONTROL,
	M_DOMAIN,
	M_IRQ_CONTROL,
	M_IRQ_HANDLER,
	M_FRAME,
	M_PAGE_TABLE,
	M_PAGE_DIRECTORY,
	M_PDPT,
	M_PML4,
	M_ASID_CONTROL,
	M_ASID_POOL,
	M_PORT_CONTROL,
	M_PORT,
	M_ZOMBIE,
	M_KINDS
};
enum { M_WRITE = 1, M_READ = 2, M_GRANT = 4, M_GRANT_REPLY = 8 };
enum m_state {
	M_INACTIVE,
	M_RUNNING,
	M_RESTART,
	M_ON_RECEIVE,
	M_ON_SEND,
	M_ON_REPLY,
	M_ON_NOTIFICATION,
	M_IDLE,
	M_STATES
};
enum { M_CSPACE, M_VSPACE, M_BUFFER, M_FAULT_HANDLER, M_TIMEOUT_HANDLER, M_TCB_SLOTS };
/* The registers of seL4_UserContext, in its order. */
enum {
	M_RIP,
	M_RSP,
	M_RFLAGS,
	M_RAX,
	M_RBX,
	M_RCX,
	M_RDX,
	M_RSI,
	M_RDI,
	M_RBP,
	M_R8,
	M_R9,
	M_R10,
	M_R11,
	M_R12,
	M_R13,
	M_R14,
	M_R15,
	M_FS,
	M_GS,
	M_REGISTERS
};
/* What a call came to. */
enum m_result { M_OK, M_ERROR, M_FAULT, M_PREEMPTED };

struct m_object;
struct m_slot;

/* What a capability says. */
struct m_cap {
	enum m_kind kind;
	struct m_object
		*object; /* none: untyped, frames' memory is an object, control capabilities have none */
	unsigned rights;
	m_word badge; /* or guard of a CNode */
	unsigned guard_bits;
	m_word base;   /* untyped: where it begins; interrupt handlers: which */
	unsigned bits; /* untyped, frame, scheduling context: size; CNode: radix */
	bool device;
	m_word used;   /* untyped: bytes up to the free ones */
	unsigned asid; /* where it is mapped; 0: nowhere */
	m_word vaddr;
	unsigned left; /* zombie: slots that are left */
};

/* A capability that somebody holds: a node of the graph. */
struct m_node {
	struct m_cap cap;
	struct m_node *parent, *first,
		*last;              /* whom it was derived from; what was derived from it, in order */
	struct m_node *prev, *next; /* among its siblings */
	bool original;              /* what is copied from it is its child, not its sibling */
	struct m_slot *slot;        /* where it is */
};
struct m_slot {
	struct m_node *node; /* NULL: empty */
	struct m_object *owner;
	unsigned index;
	unsigned stamp; /* of the call that last touched it */
};

struct m_list {
	struct m_object **item;
	unsigned count, room;
};

struct m_failure { /* of a lookup */
	unsigned type, bits_left, bits_found;
	m_word guard;
};
struct m_trouble { /* a fault */
	unsigned type;
	bool in_receive, prefetch;
	struct m_failure lookup;
	m_word address, code;
};

struct m_thread {
	m_word reg[M_REGISTERS], next_ip;
	enum m_state state;
	unsigned priority, mcp, domain, flags;
	struct m_object *context, *yields_to, *bound;
	struct m_object *waits_at; /* endpoint or notification */
	struct m_object *reply;    /* that it waits for, or will receive with */
	m_word badge;
	bool can_grant, can_grant_reply, is_call;
	struct m_trouble trouble;
	m_word buffer;
	bool queued;
};

/* What stands in one place of a page table. */
struct m_place {
	struct m_object *object; /* a table of the next level, or a frame; NULL: nothing */
	unsigned rights, attributes;
};

struct m_object {
	enum m_kind kind;
	m_word at;
	unsigned bits;    /* size; CNode: radix */
	unsigned number;  /* of its creation */
	unsigned holders; /* capabilities to it */
	unsigned stamp;
	bool alive, device;
	struct m_slot *slot; /* CNodes and threads */
	unsigned slots;
	struct m_list queue; /* endpoints, notifications: who waits, in order */
	bool sending;        /* endpoints: they wait to send */
	bool active;         /* notifications: */
	m_word word;
	struct m_object *bound;        /* notification: thread; */
	struct m_object *context;      /* notification: scheduling context lent by it */
	struct m_object *thread;       /* context, reply: whose */
	struct m_object *notification; /* context */
	struct m_object *top;          /* context: last of its calls; reply: next caller below */
	struct m_object *above;        /* reply: the call made later, or the context if it is the last */
	struct m_object *yielder;      /* context */
	bool configured, sporadic;
	m_word badge;          /* context: of timeouts */
	m_word period;         /* context: 0: round robin */
	struct m_thread *t;    /* threads */
	unsigned char *memory; /* frames */
	struct m_place *place; /* page tables of all levels: [M_PLACES], NULL: nothing is there */
};

enum { M_IRQS = 256, M_SCHEDULE = 100 /* the last always marks the end */, M_PREEMPT_UNITS = 100 };
enum { M_PLACES = 512, M_POOLS = 8 };
enum { M_RESUME, M_CHOOSE, M_SWITCH };

struct m_error {
	unsigned type, argument, cap;
	m_word min, max, left;
	bool source;
};

struct m_model {
	unsigned step;            /* stamps what this call touches */
	struct m_object **object; /* all that were ever made, in order */
	unsigned objects, objects_room;
	struct m_slot **touched; /* slots touched by this call */
	unsigned touched_count, touched_room;
	struct m_object **changed; /* objects changed by this call */
	unsigned changed_count, changed_room;
	struct m_object *current, *idle;
	struct m_object *charged; /* the context that the running thread had when the last call ended */
	unsigned action;
	struct m_object *candidate;
	struct m_list ready[4]; /* a domain: by priority, in order of turn */
	bool ready_changed[4];
	unsigned domain;
	bool domain_over;
	struct {
		unsigned domain;
		m_word duration;
	} schedule[M_SCHEDULE];
	unsigned schedule_start, schedule_at;
	struct m_object *irq_node; /* slots of the interrupts' notifications */
	unsigned char irq_state[M_IRQS], irq_mask[M_IRQS];
	struct m_object *pool_object[M_POOLS],
		*space[M_POOLS * 512]; /* address-space ids: pools, and whose they are */
	unsigned units;                /* since the last preemption point */
	bool (*pending)(void *context);
	void *pending_context;
	bool preempted; /* the last call was */
	struct m_error error;
	struct m_failure lookup;
	struct m_trouble trouble;
	struct m_slot *extra[3];
	m_word ticks_per_us;
	/* what the last call was, for who counts: */
	unsigned did_label, did_error, did_kind;
	unsigned long *cancelled; /* [M_STATES]: threads taken from what they waited for */
	struct m_pool *pool;
};

struct m_model *m_model_new(void);
void m_model_free(struct m_model *m);

/* The current thread does a system call with the registers it has; or something else happens to it. */
void m_syscall(struct m_model *m);
void m_user_exception(struct m_model *m, m_word number, m_word code);
void m_vm_fault(struct m_model *m, m_word address, m_word fsr, bool prefetch);
void m_interrupt(struct m_model *m, unsigned irq);

/* ---- parts (each file's own) ---- */

/* model.c: objects, slots, nodes */
struct m_object *m_object_new(struct m_model *m, enum m_kind kind, m_word at, unsigned bits);
void m_touch(struct m_model *m, struct m_slot *slot);
void m_change(struct m_model *m, struct m_object *object);
struct m_node *m_node_root(struct m_model *m, struct m_slot *slot, struct m_cap cap); /* of no parent */
struct m_node *m_node_retyped(struct m_model *m, struct m_slot *parent, struct m_slot *slot,
			      struct m_cap cap);
struct m_node *m_node_derived(struct m_model *m, struct m_slot *source, struct m_slot *slot,
			      struct m_cap cap);
void m_node_move(struct m_model *m, struct m_slot *from, struct m_slot *to, struct m_cap cap);
void m_node_swap(struct m_model *m, struct m_slot *a, struct m_slot *b);
void m_node_remove(struct m_model *m, struct m_slot *slot);
void m_node_become(struct m_model *m, struct m_slot *slot, struct m_cap cap);
struct m_node *m_node_after(const struct m_node *node); /* depth first, within its tree */
struct m_cap m_slot_cap(const struct m_slot *slot);
bool m_same_object(struct m_cap a, struct m_cap b);
void *m_take(struct m_model *m, size_t size);
void m_list_insert(struct m_model *m, struct m_list *list, unsigned at, struct m_object *object);
void m_list_remove(struct m_list *list, const struct m_object *object);

/* errors */
enum m_result m_fail(struct m_model *m, unsigned type);
enum m_result m_fail_argument(struct m_model *m, unsigned argument);
enum m_result m_fail_cap(struct m_model *m, unsigned cap);
enum m_result m_fail_range(struct m_model *m, m_word min, m_word max);

/* model_cspace.c: lookup, and what may be done with a capability */
bool m_resolve(struct m_model *m, struct m_cap root, m_word cptr, unsigned depth, struct m_slot **slot,
	       unsigned *left);
bool m_lookup(struct m_model *m, struct m_object *thread, m_word cptr, struct m_slot **slot);
enum m_result m_lookup_target(struct m_model *m, bool source, struct m_cap root, m_word index, m_word depth,
			      struct m_slot **slot);
enum m_result m_derive(struct m_model *m, struct m_slot *slot, struct m_cap cap, struct m_cap *out);
struct m_cap m_mask(struct m_cap cap, unsigned rights);
struct m_cap m_update(bool preserve, m_word data, struct m_cap cap);
bool m_receive_slot(struct m_model *m, struct m_object *thread, struct m_slot **slot);
bool m_lookup_extra(struct m_model *m, struct m_object *thread, unsigned count);

/* a request */
struct m_request {
	struct m_object *caller;
	struct m_slot *slot;
	struct m_cap cap;
	m_word label;
	unsigned length;
	bool is_call, is_blocking, can_donate, first_phase;
	bool answered; /* the answer is in the registers already */
};
m_word m_argument(struct m_model *m, const struct m_request *r, unsigned i);
m_word *m_buffer(struct m_model *m, struct m_object *thread, bool writing);
unsigned m_set_mr(struct m_model *m, struct m_object *thread, unsigned i, m_word value);
void m_answer(struct m_model *m, struct m_request *r, unsigned count, const m_word *words);

/* model_cnode.c */
enum m_result m_cnode_invoke(struct m_model *m, struct m_request *r);
enum m_result m_untyped_invoke(struct m_model *m, struct m_request *r);
/* model_delete.c */
enum m_result m_delete(struct m_model *m, struct m_slot *slot, bool exposed);
enum m_result m_revoke(struct m_model *m, struct m_slot *slot);
void m_delete_now(struct m_model *m, struct m_slot *slot);
bool m_preempt(struct m_model *m);
/* model_irq.c */
enum m_result m_irq_control_invoke(struct m_model *m, struct m_request *r);
enum m_result m_irq_handler_invoke(struct m_model *m, struct m_request *r);
void m_irq_free(struct m_model *m, unsigned irq);
enum m_result m_domain_invoke(struct m_model *m, struct m_request *r);
/* model_space.c */
enum m_result m_space_invoke(struct m_model *m, struct m_request *r);
enum m_result m_asid_control_invoke(struct m_model *m, struct m_request *r);
enum m_result m_asid_pool_invoke(struct m_model *m, struct m_request *r);
void m_space_deleted(struct m_model *m, struct m_cap cap, bool last);
struct m_object *m_space_of(const struct m_model *m, unsigned asid);
/* model_thread.c */
enum m_result m_thread_invoke(struct m_model *m, struct m_request *r);
void m_suspend(struct m_model *m, struct m_object *thread);
/* model_context.c */
enum m_result m_context_invoke(struct m_model *m, struct m_request *r);
enum m_result m_sched_control_invoke(struct m_model *m, struct m_request *r);
void m_context_donate(struct m_model *m, struct m_object *context, struct m_object *to);
void m_context_bind(struct m_model *m, struct m_object *context, struct m_object *thread);
void m_context_unbind(struct m_model *m, struct m_object *context);
void m_context_unbind_notification(struct m_model *m, struct m_object *context);
void m_yield_complete(struct m_model *m, struct m_object *thread);
void m_yield_cancel(struct m_model *m, struct m_object *thread);
/* model_schedule.c */
bool m_runnable(const struct m_object *thread);
bool m_schedulable(const struct m_object *thread);
bool m_blocked(const struct m_object *thread);
void m_set_state(struct m_model *m, struct m_object *thread, enum m_state state);
void m_ready_first(struct m_model *m, struct m_object *thread);
void m_ready_last(struct m_model *m, struct m_object *thread);
void m_ready_remove(struct m_model *m, struct m_object *thread);
void m_possible_switch(struct m_model *m, struct m_object *thread);
void m_reschedule(struct m_model *m);
void m_schedule(struct m_model *m);
void m_set_priority(struct m_model *m, struct m_object *thread, unsigned priority);
/* model_ipc.c */
void m_send(struct m_model *m, bool blocking, bool is_call, bool can_grant, bool can_grant_reply,
	    m_word badge, bool can_donate, struct m_object *from, struct m_object *endpoint);
void m_receive(struct m_model *m, struct m_object *thread, struct m_cap cap, bool blocking,
	       struct m_cap reply);
void m_cancel(struct m_model *m, struct m_object *thread);
void m_cancel_all(struct m_model *m, struct m_object *object);
void m_cancel_badged(struct m_model *m, struct m_object *endpoint, m_word badge);
void m_wait_insert(struct m_model *m, struct m_object *object, struct m_object *thread);
void m_wait_remove(struct m_model *m, struct m_object *object, struct m_object *thread);
void m_reply_push(struct m_model *m, struct m_object *caller, struct m_object *callee, struct m_object *reply,
		  bool donate);
void m_reply_remove(struct m_model *m, struct m_object *reply);
void m_reply_unlink(struct m_model *m, struct m_object *reply);
void m_reply_send(struct m_model *m, struct m_object *from, struct m_object *reply, bool can_grant);
/* model_notification.c (with the endpoints) */
void m_signal(struct m_model *m, struct m_object *notification, m_word badge);
void m_wait(struct m_model *m, struct m_object *thread, struct m_object *notification, bool blocking);
void m_notification_return(struct m_model *m, struct m_object *notification, struct m_object *thread);
bool m_notification_complete(struct m_model *m, struct m_object *notification, struct m_object *thread);
/* model_message.c */
void m_transfer(struct m_model *m, struct m_object *from, struct m_object *endpoint, m_word badge, bool grant,
		struct m_object *to);
bool m_fault_reply(struct m_model *m, struct m_object *from, struct m_object *faulter);
unsigned m_put_failure(struct m_model *m, struct m_object *to, struct m_failure failure, unsigned at);
/* model_syscall.c */
void m_handle_fault(struct m_model *m, struct m_object *thread);

/* The word that says what a message is. */
static inline unsigned m_info_length(m_word info)
{
	return (info & 127) > 120 ? 120 : (unsigned)(info & 127);
}
static inline unsigned m_info_extra(m_word info) { return (unsigned)(info >> 7) & 3; }
static inline m_word m_info_label(m_word info) { return info >> 12; }
static inline m_word m_info(m_word label, unsigned unwrapped, unsigned extra, unsigned length)
{
	return label << 12 | (m_word)unwrapped << 9 | (m_word)extra << 7 | length;
}

#endif
