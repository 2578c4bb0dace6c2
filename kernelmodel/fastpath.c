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
#include "kernelmodel/kernel_internal.h"
#include "kernelmodel/message.h"
#include <sel4/syscall.h>

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* What both ways need to know. */
struct path {
	struct km_kernel *k;
	struct km_core *core;
	uintptr_t memory; /* host address of physical address 0 */
};
#define AT(p, type, ref) ((struct type *)((p)->memory + ((uintptr_t)(ref) << KM_GRANULE_BITS)))

static inline km_ref ref_of(const struct path *p, const void *object)
{
	return (km_ref)(((uintptr_t)object - p->memory) >> KM_GRANULE_BITS);
}

/* The first word of a capability: its fields are asked for in many ways, and it is loaded but once. */
static inline uint64_t head_of(const struct km_cap *cap)
{
	uint64_t head;

	memcpy(&head, cap, sizeof(head));
	return head;
}
#define HEAD_TYPE(head)       ((unsigned)(head)&31)
#define HEAD_RIGHTS(head)     ((unsigned)((head) >> 5) & 15)
#define HEAD_SIZE(head)       ((unsigned)((head) >> 9) & 63)
#define HEAD_GUARD_SIZE(head) ((unsigned)((head) >> 15) & 63)
#define HEAD_OBJECT(head)     ((head) >> 22)

/* What is found where nothing is. */
static const struct km_slot no_slot;

/* A slot and the number of CNodes on the way to it. */
struct found {
	const struct km_slot *slot;
	uint64_t levels;
};

/* Through more than one CNode. */
static __attribute__((noinline)) struct found find_deep(uintptr_t memory, struct km_cap node, km_word cptr)
{
	const struct path path = {.memory = memory}, *p = &path;
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

/* The slot of `cptr` in the CSpace of `tcb`. Mostly a CNode is all of it: its guard is all that stands before the
 * index. */
static inline struct found find(const struct path *p, const struct km_tcb *tcb, km_word cptr)
{
	const struct km_cap *node = &tcb->slot[KM_TCB_CSPACE].cap;
	uint64_t head = head_of(node);
	unsigned radix = HEAD_SIZE(head);

	if (UNLIKELY(HEAD_TYPE(head) != KM_CAP_CNODE || HEAD_GUARD_SIZE(head) + radix != 64 ||
		     cptr >> radix != node->word))
		return find_deep(p->memory, *node, cptr);
	return (struct found){AT(p, km_slot, HEAD_OBJECT(head)) + (cptr & ~(~UINT64_C(0) << radix)), 1};
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

/* May `to` take over the core and the context of the current thread? */
static inline int may_take_over(const struct path *p, const struct km_tcb *to)
{
	struct km_cap space = to->slot[KM_TCB_VSPACE].cap;

	return space.type == KM_CAP_PML4 && space.flag && !to->sc && to->domain == p->core->domain &&
	       to->core == p->core->id;
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

	switch (info & KM_INFO_LENGTH_MASK) {
	case 4:
		in[KM_REG_MR3] = out[KM_REG_MR3];
		__attribute__((fallthrough));
	case 3:
		in[KM_REG_MR2] = out[KM_REG_MR2];
		__attribute__((fallthrough));
	case 2:
		in[KM_REG_MR1] = out[KM_REG_MR1];
		__attribute__((fallthrough));
	case 1:
		in[KM_REG_MR0] = out[KM_REG_MR0];
		__attribute__((fallthrough));
	default:
		break;
	}
	in[KM_REG_INFO] = info & ~KM_INFO_UNWRAP_MASK;
	in[KM_REG_CAP] = badge;
}

/* Two threads of one address space that is loaded share it: then nothing changes. */
static inline int is_same_space(const struct km_core *core, const struct km_tcb *from,
				const struct km_tcb *to)
{
	struct km_cap a = from->slot[KM_TCB_VSPACE].cap, b = to->slot[KM_TCB_VSPACE].cap;

	return a.object == b.object && a.word == b.word && km_cap_asid(b) == core->asid_loaded;
}

/* As km_update_stamp(), of which it is known that nothing is due. */
static inline void stamp(struct km_core *core)
{
	km_ticks passed = core->now - core->stamp;

	core->stamp = core->now;
	core->consumed += passed;
	if (core->domain_left != KM_NEVER)
		core->domain_left -= passed;
}

static inline void charge(const struct path *p, enum km_work_kind kind, uint64_t units, uint64_t *cycles)
{
	p->k->work[kind] += units;
	*cycles += units * p->k->cost[kind];
}

/* The context and the core go from the current thread to `to`. */
static inline void take_over(const struct path *p, struct km_tcb *from, struct km_tcb *to,
			     struct km_sched_context *sc, enum km_work_kind reply_work, uint64_t levels)
{
	struct km_core *core = p->core;
	uint64_t cycles = 0;

	to->sc = from->sc;
	from->sc = 0;
	sc->tcb = ref_of(p, to);
	to->state = KM_RUNNING;
	stamp(core);
	core->current = to;
	charge(p, KM_WORK_FASTPATH, 1, &cycles);
	charge(p, KM_WORK_LOOKUP, levels, &cycles);
	charge(p, KM_WORK_QUEUE, 1, &cycles);
	charge(p, reply_work, 1, &cycles);
	charge(p, KM_WORK_SWITCH_THREAD, 1, &cycles);
	core->charged += cycles;
	if (UNLIKELY(!is_same_space(core, from, to)))
		km_space_switch(p->k, to);
}

/* ---- Call ---- */

static inline void push_reply(const struct path *p, struct km_sched_context *sc, km_ref sc_ref,
			      km_ref reply_ref)
{
	struct km_reply *reply = AT(p, km_reply, reply_ref);

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

static inline int fast_call(const struct path *p, struct km_tcb *from)
{
	const struct found found = find(p, from, from->context.reg[KM_REG_CAP]);
	uint64_t head = head_of(&found.slot->cap);
	struct km_sched_context *sc;
	struct km_endpoint *ep;
	struct km_tcb *to;
	km_ref reply;

	if (UNLIKELY(HEAD_TYPE(head) != KM_CAP_ENDPOINT || !(HEAD_RIGHTS(head) & KM_WRITE) ||
		     !(HEAD_RIGHTS(head) & (KM_GRANT | KM_GRANT_REPLY))))
		return 0;
	ep = AT(p, km_endpoint, HEAD_OBJECT(head));
	if (UNLIKELY(ep->state != KM_EP_RECEIVING))
		return 0;
	to = AT(p, km_tcb, ep->queue.head);
	reply = to->reply;
	if (UNLIKELY(!reply || !may_take_over(p, to) ||
		     (to->priority < from->priority && !is_highest(p->core, to->priority))))
		return 0;

	sc = AT(p, km_sched_context, from->sc);
	dequeue_first(p, ep, to);
	push_reply(p, sc, from->sc, reply);
	AT(p, km_reply, reply)->tcb = ref_of(p, from);
	to->reply = 0;
	from->reply = reply;
	from->state = KM_BLOCKED_ON_REPLY;
	copy_message(from, to, found.slot->cap.word);
	take_over(p, from, to, sc, KM_WORK_REPLY_PUSH, found.levels);
	return 1;
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

static inline void enqueue_receiver(const struct path *p, struct km_endpoint *ep, struct km_tcb *tcb)
{
	if (LIKELY(!ep->queue.tail)) {
		ep->queue.head = ep->queue.tail = ref_of(p, tcb);
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

static inline int fast_reply_receive(const struct path *p, struct km_tcb *from)
{
	const struct found at_ep = find(p, from, from->context.reg[KM_REG_CAP]);
	const struct found at_reply = find(p, from, from->context.reg[KM_REG_REPLY]);
	uint64_t ep_head = head_of(&at_ep.slot->cap), reply_head = head_of(&at_reply.slot->cap);
	struct km_sched_context *sc;
	struct km_endpoint *ep;
	struct km_reply *reply;
	struct km_tcb *to;

	if (UNLIKELY(HEAD_TYPE(ep_head) != KM_CAP_ENDPOINT || !(HEAD_RIGHTS(ep_head) & KM_READ) ||
		     HEAD_TYPE(reply_head) != KM_CAP_REPLY))
		return 0;
	ep = AT(p, km_endpoint, HEAD_OBJECT(ep_head));
	reply = AT(p, km_reply, HEAD_OBJECT(reply_head));
	/* The head of the stack of the very context that this thread runs on: its caller gets that back. */
	if (UNLIKELY(!may_receive(p, from, ep) || !reply->tcb || !reply->next_is_sc ||
		     reply->next != from->sc))
		return 0;
	to = AT(p, km_tcb, reply->tcb);
	if (UNLIKELY(to->fault.type || !may_take_over(p, to) || !is_highest(p->core, to->priority)))
		return 0;

	sc = AT(p, km_sched_context, from->sc);
	pop_reply(p, sc, reply);
	to->reply = 0;
	copy_message(from, to, 0);
	reply->tcb = ref_of(p, from);
	from->reply = ref_of(p, reply);
	from->blocked_on = ref_of(p, ep);
	from->state = KM_BLOCKED_ON_RECEIVE;
	enqueue_receiver(p, ep, from);
	take_over(p, from, to, sc, KM_WORK_REPLY_POP, at_ep.levels + at_reply.levels);
	return 1;
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

static inline int fast_signal(const struct path *p, struct km_tcb *from)
{
	const struct found found = find(p, from, from->context.reg[KM_REG_CAP]);
	uint64_t head = head_of(&found.slot->cap), cycles = 0;
	km_word badge = found.slot->cap.word;
	struct km_notification *ntfn;

	if (HEAD_TYPE(head) != KM_CAP_NOTIFICATION || !(HEAD_RIGHTS(head) & KM_WRITE))
		return 0;
	ntfn = AT(p, km_notification, HEAD_OBJECT(head));
	if (ntfn->state == KM_NTFN_WAITING) {
		struct km_tcb *to = AT(p, km_tcb, ntfn->queue.head);

		if (!may_be_readied(p, from, to))
			return 0;
		ready_waiter(p, from, ntfn, to, badge);
	} else {
		if (!may_take_note(p, ntfn))
			return 0;
		ntfn->badge = ntfn->state == KM_NTFN_ACTIVE ? ntfn->badge | badge : badge;
		ntfn->state = KM_NTFN_ACTIVE;
	}
	stamp(p->core);
	charge(p, KM_WORK_LOOKUP, found.levels, &cycles);
	charge(p, KM_WORK_SIGNAL, 1, &cycles);
	p->core->charged += cycles;
	return 1;
}

/* True if it did all of it. */
static inline int try_fast(struct km_kernel *k, struct km_core *core)
{
	struct path p = {.k = k, .core = core, .memory = (uintptr_t)k->arena - k->base};
	struct km_tcb *tcb = core->current;
	int64_t number = (int64_t)tcb->context.reg[KM_REG_SYSCALL];

	if (UNLIKELY(!is_plain(&p, tcb)))
		return 0;
	if (number == seL4_SysCall)
		return fast_call(&p, tcb);
	if (number == seL4_SysReplyRecv)
		return fast_reply_receive(&p, tcb);
	if (number == seL4_SysSend || number == seL4_SysNBSend)
		return fast_signal(&p, tcb);
	return 0;
}

void km_syscall(struct km_kernel *k, struct km_core *core)
{
	km_enter(k, core);
	if (!try_fast(k, core))
		km_syscall_slow(k, core);
}
