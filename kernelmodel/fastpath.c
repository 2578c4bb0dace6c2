/* kernelmodel/fastpath.c - the short way of the commonest system calls: Call, ReplyRecv and Signal.
 *
 * A call goes to a server that waits without a scheduling context, and an answer to a caller that lent its own: all that
 * happens is that registers, a context and the core go to the other thread. A signal is taken note of, or makes a thread
 * ready that does not take over. The conditions below are those under which
 * the long way would do just that; each thing that it would write is written here, and nothing else, so that a kernel's
 * memory is the same bit for bit whichever way was taken (tests/unit/test_km_ipc.c compares both). Until the conditions
 * are all met nothing is changed.
 *
 * What runs next is known without asking the scheduler: the thread spoken to is of the core's domain and no ready thread
 * is of a higher priority. The context that is charged stays the same, so no refill is touched, and the timer stays set;
 * it must lie so far ahead that neither budget, release nor domain is due. */
#include "kernelmodel/fast.h"
#include "kernelmodel/message.h"
#include <sel4/syscall.h>

/* What both ways need to know. */
struct path {
	struct km_kernel *k;
	struct km_core *core;
	uintptr_t memory; /* host address of physical address 0 */
};
static inline struct path path_of(struct km_kernel *k, struct km_core *core)
{
	return (struct path){.k = k, .core = core, .memory = (uintptr_t)k->arena - k->base};
}
#define AT(p, type, ref) ((struct type *)((p)->memory + ((uintptr_t)(ref) << KM_GRANULE_BITS)))

/* A slot and the number of CNodes on the way to it. */
struct found {
	const struct km_slot *slot;
	uint64_t levels;
};

static inline const struct km_slot *slot_of(const struct path *p, const struct km_cap *node, uint64_t head,
					    km_word cptr)
{
	return AT(p, km_slot, KM_HEAD_OBJECT(head)) + km_cspace_index(node, head, cptr);
}

/* What is found where nothing is. */
static const struct km_slot no_slot;

/* The slot of `cptr` in the CSpace of `tcb`, however deep. */
static struct found find_deep(const struct path *p, const struct km_tcb *tcb, km_word cptr)
{
	struct km_cap node = tcb->slot[KM_TCB_CSPACE].cap;
	struct found found = {&no_slot, 0};
	unsigned bits = 64;

	do {
		unsigned guard_bits = node.guard_size, radix = node.size;
		km_word guard = cptr >> ((bits - guard_bits) & 63) & ((UINT64_C(1) << guard_bits) - 1);

		if (node.type != KM_CAP_CNODE || guard_bits + radix > bits || guard != node.word)
			return (struct found){&no_slot, 0};
		bits -= guard_bits + radix;
		found.slot = AT(p, km_slot, node.object) + (cptr >> bits & ((UINT64_C(1) << radix) - 1));
		found.levels++;
		node = found.slot->cap;
	} while (bits != 0 && node.type == KM_CAP_CNODE);
	return found;
}

/* The long way: nothing has been done yet. */
static __attribute__((noinline)) void enter_slow(struct km_kernel *k, struct km_core *core)
{
	km_enter(k, core);
	km_syscall_slow(k, core);
}

/* Is nobody of a higher priority ready in the domain that runs? */
static inline int is_highest(const struct km_core *core, unsigned priority)
{
	const __typeof__(core->ready[0]) *ready = &core->ready[core->domain];
	unsigned word;

	if (LIKELY(!ready->level1))
		return 1;
	word = 63 - (unsigned)__builtin_clzl(ready->level1);
	return priority >= (word << 6 | (63 - (unsigned)__builtin_clzl(ready->level2[word])));
}

_Static_assert(offsetof(struct km_tcb, sc) == offsetof(struct km_tcb, core) + sizeof(uint32_t),
	       "compared as one");

/* May `to` take over the core and the context of the current thread, if its address space may be loaded? */
static inline int may_take_over(const struct path *p, const struct km_tcb *to)
{
	uint64_t core_and_sc;

	memcpy(&core_and_sc, &to->core, sizeof(core_and_sc));
	return core_and_sc == p->core->id && to->domain == p->core->domain;
}

/* The id of the address space of `to` that is to be loaded, or NO_SPACE: this is none of those spaces that ever were
 * valid. Asked last, for it may make a space known. */
#define NO_SPACE UINT64_MAX
static inline uint64_t space_of(const struct path *p, const struct km_tcb *to)
{
	const struct km_cap *cap = &to->slot[KM_TCB_VSPACE].cap;
	uint64_t head = km_head_of(cap), asid = cap->word >> KM_ASID_SHIFT;
	const struct km_cap *known = &p->core->space[asid % KM_SPACES_KNOWN];

	if (LIKELY(head == km_head_of(known) && cap->word == known->word))
		return asid;
	if (KM_HEAD_TYPE(head) != KM_CAP_PML4 || !cap->flag)
		return NO_SPACE;
	return km_space_find(p->k, to);
}

/* A message of registers alone, from a thread without a fault, while nothing is due. */
static inline int is_plain(const struct path *p, const struct km_tcb *from)
{
	const struct km_core *core = p->core;

	/* Extra capabilities stand just above the length. */
	return (from->context.reg[KM_REG_INFO] & (KM_INFO_LENGTH_MASK | KM_INFO_EXTRA_MASK)) <=
		       KM_MESSAGE_FAST &&
	       !from->fault.type && core->now + KM_MIN_BUDGET_US * p->k->ticks_per_us < core->timer_at;
}

static inline void copy_message(const struct km_tcb *from, struct km_tcb *to, km_word badge)
{
	const km_word *out = from->context.reg;
	km_word *in = to->context.reg, info = out[KM_REG_INFO];
	/* There are no extra capabilities: these are the bits that were compared with the limit. */
	km_word length = info & (KM_INFO_LENGTH_MASK | KM_INFO_EXTRA_MASK);

	in[KM_REG_CAP] = badge;
	KM_APART();
	in[KM_REG_INFO] = info & ~KM_INFO_UNWRAP_MASK;
	if (length == 0)
		return;
	in[KM_REG_MR0] = out[KM_REG_MR0];
	if (length == 1)
		return;
	in[KM_REG_MR1] = out[KM_REG_MR1];
	if (length == 2)
		return;
	in[KM_REG_MR2] = out[KM_REG_MR2];
	if (length == 3)
		return;
	in[KM_REG_MR3] = out[KM_REG_MR3];
}

/* As km_update_stamp(), of which it is known that nothing is due. */
static inline void stamp(struct km_core *core)
{
	km_ticks now = core->now, passed = now - core->stamp;

	core->consumed += passed;
	KM_APART();
	core->stamp = now;
	if (UNLIKELY(core->domain_left != KM_NEVER))
		core->domain_left -= passed;
}

static inline void charge(const struct path *p, enum km_work_kind kind, uint64_t units, uint64_t *cycles)
{
	p->k->work[kind] += units;
	*cycles += units * p->k->cost[kind];
}

/* All conditions are met: nothing has been charged yet. */
static inline void charge_path(const struct path *p, enum km_work_kind reply_work, uint64_t levels,
			       uint64_t asid)
{
	struct km_core *core = p->core;
	uint64_t cycles = 0;

	charge(p, KM_WORK_ENTRY, 1, &cycles);
	charge(p, KM_WORK_LOOKUP, levels, &cycles);
	charge(p, KM_WORK_FASTPATH, 1, &cycles);
	charge(p, KM_WORK_QUEUE, 1, &cycles);
	charge(p, reply_work, 1, &cycles);
	charge(p, KM_WORK_SWITCH_THREAD, 1, &cycles);
	if (LIKELY(core->asid_loaded != asid)) {
		core->asid_loaded = asid;
		charge(p, KM_WORK_SWITCH_SPACE, 1, &cycles);
	}
	core->charged = cycles;
}

/* The context and the core go from the current thread to `to`, whose reference is `ref`. */
static inline void take_over(const struct path *p, struct km_tcb *from, struct km_tcb *to, km_ref ref,
			     struct km_sched_context *sc)
{
	struct km_core *core = p->core;

	to->sc = from->sc;
	from->sc = 0;
	sc->tcb = ref;
	to->state = KM_RUNNING;
	stamp(core);
	core->current = to;
}

/* ---- Call ---- */

static inline void push_reply(const struct path *p, struct km_sched_context *sc, km_ref sc_ref,
			      struct km_reply *reply, km_ref reply_ref)
{
	reply->prev = sc->reply;
	if (UNLIKELY(sc->reply)) {
		struct km_reply *below = AT(p, km_reply, sc->reply);

		below->next = reply_ref;
		below->next_is_sc = 0;
	}
	reply->next = sc_ref;
	reply->next_is_sc = 1;
	sc->reply = reply_ref;
}

static inline void dequeue_first(const struct path *p, struct km_endpoint *ep, struct km_tcb *to)
{
	ep->queue.head = to->ep_next;
	if (UNLIKELY(to->ep_next)) {
		AT(p, km_tcb, to->ep_next)->ep_prev = 0;
		to->ep_next = 0;
	} else {
		ep->queue.tail = 0;
		ep->state = KM_EP_IDLE;
	}
}

/* True if it did all of it. So do the following. */
static inline __attribute__((always_inline)) int call_by(const struct path *p, struct km_tcb *from,
							 struct found found)
{
	uint64_t head = km_head_of(&found.slot->cap), asid;
	struct km_sched_context *sc;
	struct km_endpoint *ep;
	struct km_reply *reply;
	struct km_tcb *to;
	km_ref reply_ref, to_ref;

	if (UNLIKELY(!km_head_is(head, KM_CAP_ENDPOINT, KM_WRITE) ||
		     !(head & (KM_GRANT | KM_GRANT_REPLY) << KM_HEAD_RIGHTS_AT)))
		return 0;
	ep = AT(p, km_endpoint, KM_HEAD_OBJECT(head));
	if (UNLIKELY(ep->state != KM_EP_RECEIVING))
		return 0;
	to_ref = ep->queue.head;
	to = AT(p, km_tcb, to_ref);
	reply_ref = to->reply;
	if (UNLIKELY(!reply_ref || !may_take_over(p, to) ||
		     (to->priority < from->priority && !is_highest(p->core, to->priority))))
		return 0;
	asid = space_of(p, to);
	if (UNLIKELY(asid == NO_SPACE))
		return 0;

	charge_path(p, KM_WORK_REPLY_PUSH, found.levels, asid);
	reply = AT(p, km_reply, reply_ref);
	sc = AT(p, km_sched_context, from->sc);
	copy_message(from, to, found.slot->cap.word);
	dequeue_first(p, ep, to);
	push_reply(p, sc, from->sc, reply, reply_ref);
	reply->tcb = sc->tcb; /* `from` itself */
	to->reply = 0;
	from->reply = reply_ref;
	from->state = KM_BLOCKED_ON_REPLY;
	take_over(p, from, to, to_ref, sc);
	return 1;
}

static __attribute__((noinline)) int call_deep(struct km_kernel *k, struct km_core *core, struct km_tcb *from)
{
	struct path path = path_of(k, core), *p = &path;

	return call_by(p, from, find_deep(p, from, from->context.reg[KM_REG_CAP]));
}

static inline int fast_call(const struct path *p, struct km_tcb *from)
{
	const struct km_cap *node = &from->slot[KM_TCB_CSPACE].cap;
	uint64_t head = km_head_of(node);
	km_word cptr = from->context.reg[KM_REG_CAP];

	if (UNLIKELY(!km_head_is_cspace(head) || !km_cspace_has(node, head, cptr)))
		return call_deep(p->k, p->core, from);
	return call_by(p, from, (struct found){slot_of(p, node, head, cptr), 1});
}

/* ---- ReplyRecv ---- */

static inline void pop_reply(const struct path *p, struct km_sched_context *sc, struct km_reply *reply)
{
	sc->reply = reply->prev;
	if (UNLIKELY(reply->prev)) {
		struct km_reply *below = AT(p, km_reply, reply->prev);

		below->next = reply->next;
		below->next_is_sc = 1;
	}
	reply->prev = reply->next = reply->next_is_sc = 0;
}

static inline void enqueue_receiver(const struct path *p, struct km_endpoint *ep, struct km_tcb *tcb,
				    km_ref ref)
{
	if (LIKELY(!ep->queue.tail)) {
		ep->queue.tail = ref;
		KM_APART();
		ep->queue.head = ref;
	} else {
		km_wait_enqueue(p->k, &ep->queue, tcb);
		p->k->work[KM_WORK_QUEUE]--;
		p->core->charged -= p->k->cost[KM_WORK_QUEUE];
	}
	ep->state = KM_EP_RECEIVING;
}

static inline int may_receive(const struct path *p, const struct km_tcb *tcb, const struct km_endpoint *ep)
{
	return ep->state != KM_EP_SENDING &&
	       (!tcb->notification || AT(p, km_notification, tcb->notification)->state != KM_NTFN_ACTIVE);
}

static inline __attribute__((always_inline)) int reply_receive_by(const struct path *p, struct km_tcb *from,
								  struct found at_ep, struct found at_reply)
{
	uint64_t ep_head = km_head_of(&at_ep.slot->cap), reply_head = km_head_of(&at_reply.slot->cap), asid;
	struct km_sched_context *sc;
	struct km_endpoint *ep;
	struct km_reply *reply;
	struct km_tcb *to;
	km_ref to_ref, from_ref;

	if (UNLIKELY(!km_head_is(ep_head, KM_CAP_ENDPOINT, KM_READ) ||
		     !km_head_is(reply_head, KM_CAP_REPLY, 0)))
		return 0;
	ep = AT(p, km_endpoint, KM_HEAD_OBJECT(ep_head));
	reply = AT(p, km_reply, KM_HEAD_OBJECT(reply_head));
	/* The head of the stack of the very context that this thread runs on: its caller gets that back. */
	to_ref = reply->tcb;
	if (UNLIKELY(!may_receive(p, from, ep) || !to_ref || !reply->next_is_sc || reply->next != from->sc))
		return 0;
	to = AT(p, km_tcb, to_ref);
	if (UNLIKELY(to->fault.type || !may_take_over(p, to) || !is_highest(p->core, to->priority)))
		return 0;
	asid = space_of(p, to);
	if (UNLIKELY(asid == NO_SPACE))
		return 0;

	charge_path(p, KM_WORK_REPLY_POP, at_ep.levels + at_reply.levels, asid);
	sc = AT(p, km_sched_context, from->sc);
	copy_message(from, to, 0);
	pop_reply(p, sc, reply);
	to->reply = 0;
	from_ref = sc->tcb;
	reply->tcb = from_ref;
	from->reply = (km_ref)KM_HEAD_OBJECT(reply_head);
	from->blocked_on = (km_ref)KM_HEAD_OBJECT(ep_head);
	from->state = KM_BLOCKED_ON_RECEIVE;
	enqueue_receiver(p, ep, from, from_ref);
	take_over(p, from, to, to_ref, sc);
	return 1;
}

static __attribute__((noinline)) int reply_receive_deep(struct km_kernel *k, struct km_core *core,
							struct km_tcb *from)
{
	struct path path = path_of(k, core), *p = &path;

	return reply_receive_by(p, from, find_deep(p, from, from->context.reg[KM_REG_CAP]),
				find_deep(p, from, from->context.reg[KM_REG_REPLY]));
}

static inline int fast_reply_receive(const struct path *p, struct km_tcb *from)
{
	const struct km_cap *node = &from->slot[KM_TCB_CSPACE].cap;
	uint64_t head = km_head_of(node);
	km_word ep = from->context.reg[KM_REG_CAP], reply = from->context.reg[KM_REG_REPLY];

	if (UNLIKELY(!km_head_is_cspace(head) || !km_cspace_has(node, head, ep) ||
		     !km_cspace_has(node, head, reply)))
		return reply_receive_deep(p->k, p->core, from);
	return reply_receive_by(p, from, (struct found){slot_of(p, node, head, ep), 1},
				(struct found){slot_of(p, node, head, reply), 1});
}

/* ---- Signal ---- */

/* May the first waiter be made ready, without taking over and without a look at its refills? */
static inline int may_be_readied(const struct path *p, const struct km_tcb *from, const struct km_tcb *to)
{
	const struct km_sched_context *sc = AT(p, km_sched_context, to->sc);

	return to->sc && sc->refill_max && !sc->sporadic && !to->in_release_queue &&
	       to->domain == p->core->domain && to->core == p->core->id && to->priority <= from->priority;
}

/* Of the current thread's priority it comes after all others; of a lower one, before: so does the scheduler. */
static void ready_waiter(const struct path *p, const struct km_tcb *from, struct km_notification *ntfn,
			 struct km_tcb *to, km_word badge)
{
	km_wait_dequeue(p->k, &ntfn->queue, to);
	if (!ntfn->queue.head)
		ntfn->state = KM_NTFN_IDLE;
	to->state = KM_RUNNING;
	to->context.reg[KM_REG_CAP] = badge;
	if (to->priority < from->priority)
		km_ready_enqueue(p->k, to);
	else
		km_ready_append(p->k, to);
}

static inline int may_take_note(const struct path *p, const struct km_notification *ntfn)
{
	return ntfn->state == KM_NTFN_ACTIVE || !ntfn->bound_tcb ||
	       AT(p, km_tcb, ntfn->bound_tcb)->state != KM_BLOCKED_ON_RECEIVE;
}

static inline void charge_signal(const struct path *p, uint64_t levels, uint64_t cycles)
{
	stamp(p->core);
	charge(p, KM_WORK_ENTRY, 1, &cycles);
	charge(p, KM_WORK_LOOKUP, levels, &cycles);
	charge(p, KM_WORK_SIGNAL, 1, &cycles);
	p->core->charged = cycles;
}

static __attribute__((noinline)) void signal_waiter(struct km_kernel *k, struct km_core *core,
						    struct km_tcb *from, struct found found)
{
	const struct path path = path_of(k, core), *p = &path;
	struct km_notification *ntfn = AT(p, km_notification, KM_HEAD_OBJECT(km_head_of(&found.slot->cap)));
	struct km_tcb *to = AT(p, km_tcb, ntfn->queue.head);

	if (!may_be_readied(p, from, to)) {
		enter_slow(k, core);
		return;
	}
	core->charged = 0;
	ready_waiter(p, from, ntfn, to, found.slot->cap.word);
	charge_signal(p, found.levels, core->charged);
}

/* What is not all done here goes on elsewhere at the end, so that no register need be saved on the way. */
static inline __attribute__((always_inline)) void signal_by(const struct path *p, struct km_tcb *from,
							    struct found found)
{
	uint64_t head = km_head_of(&found.slot->cap);
	km_word badge = found.slot->cap.word;
	struct km_notification *ntfn;

	if (!km_head_is(head, KM_CAP_NOTIFICATION, KM_WRITE) || !is_plain(p, from)) {
		enter_slow(p->k, p->core);
		return;
	}
	ntfn = AT(p, km_notification, KM_HEAD_OBJECT(head));
	if (ntfn->state == KM_NTFN_WAITING) {
		signal_waiter(p->k, p->core, from, found);
	} else if (!may_take_note(p, ntfn)) {
		enter_slow(p->k, p->core);
	} else {
		ntfn->badge = ntfn->state == KM_NTFN_ACTIVE ? ntfn->badge | badge : badge;
		ntfn->state = KM_NTFN_ACTIVE;
		charge_signal(p, found.levels, 0);
	}
}

static __attribute__((noinline)) void signal_deep(struct km_kernel *k, struct km_core *core,
						  struct km_tcb *from)
{
	const struct path path = path_of(k, core), *p = &path;

	signal_by(p, from, find_deep(p, from, from->context.reg[KM_REG_CAP]));
}

static __attribute__((noinline)) void enter_send(struct km_kernel *k, struct km_core *core,
						 struct km_tcb *from)
{
	const struct path path = path_of(k, core), *p = &path;
	const struct km_cap *node = &from->slot[KM_TCB_CSPACE].cap;
	uint64_t head = km_head_of(node);
	km_word cptr = from->context.reg[KM_REG_CAP];

	if (UNLIKELY(!km_head_is_cspace(head) || !km_cspace_has(node, head, cptr)))
		signal_deep(k, core, from);
	else
		signal_by(p, from, (struct found){slot_of(p, node, head, cptr), 1});
}

/* ---- the entry ---- */

/* A function for each, so that each saves no more registers than it needs. */
static __attribute__((noinline)) void enter_call(struct km_kernel *k, struct km_core *core,
						 struct km_tcb *from)
{
	const struct path path = path_of(k, core);

	if (UNLIKELY(!is_plain(&path, from) || !fast_call(&path, from)))
		enter_slow(k, core);
}

static __attribute__((noinline)) void enter_reply_receive(struct km_kernel *k, struct km_core *core,
							  struct km_tcb *from)
{
	const struct path path = path_of(k, core);

	if (UNLIKELY(!is_plain(&path, from) || !fast_reply_receive(&path, from)))
		enter_slow(k, core);
}

void km_syscall(struct km_kernel *k, struct km_core *core)
{
	struct km_tcb *tcb = core->current;
	int64_t number = (int64_t)tcb->context.reg[KM_REG_SYSCALL];

	k->self = core;
	if (number == seL4_SysCall)
		enter_call(k, core, tcb);
	else if (number == seL4_SysReplyRecv)
		enter_reply_receive(k, core, tcb);
	else if (number == seL4_SysSend || number == seL4_SysNBSend)
		enter_send(k, core, tcb);
	else
		enter_slow(k, core);
}
