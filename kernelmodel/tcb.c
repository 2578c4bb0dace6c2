/* kernelmodel/tcb.c - what a capability to a thread allows.
 *
 * An invocation that installs capabilities in the TCB deletes what its slots hold, and that may be
 * preempted: it is then done again as a whole, so each step is one that may be repeated. What it installs
 * is checked to be still there after the deletion, which may have reached the source, or the capability by
 * which the thread is invoked.
 *
 * Source: seL4 16.0 manual, sections 6.1, 6.2 and 10.3. */
#include "kernelmodel/sched.h"

/* seL4's frame registers are all but the two bases of segments. */
#define FRAME_REGISTERS KM_FS_BASE

static struct km_tcb *target_of(struct km_kernel *k, const struct km_request *r)
{
	return km_cap_object(k, r->cap);
}

/* Are there `count` capabilities with the message? */
static int has_extra(const struct km_kernel *k, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (!k->extra[i])
			return 0;
	return 1;
}

/* ---- creation and end ---- */

void km_tcb_init(struct km_kernel *k, struct km_tcb *tcb)
{
	km_ref self = km_ref_of(k, tcb);

	tcb->state = KM_INACTIVE;
	tcb->domain = (uint8_t)k->self->domain;
	tcb->core = k->self->id;
	tcb->number = k->next_tcb++;
	tcb->context.reg[KM_RFLAGS] = km_register_sane(KM_RFLAGS, 0);
	tcb->context.whole = 1;
	tcb->all_prev = k->all_last;
	if (k->all_last)
		KM_TCB(k, k->all_last)->all_next = self;
	else
		k->all_first = self;
	k->all_last = self;
}

void km_tcb_unlink(struct km_kernel *k, struct km_tcb *tcb)
{
	if (tcb->all_prev)
		KM_TCB(k, tcb->all_prev)->all_next = tcb->all_next;
	else
		k->all_first = tcb->all_next;
	if (tcb->all_next)
		KM_TCB(k, tcb->all_next)->all_prev = tcb->all_prev;
	else
		k->all_last = tcb->all_prev;
	tcb->all_prev = tcb->all_next = 0;
}

/* ---- registers ---- */

/* Whatever it was about to return from, it goes on with the registers as they are now. */
static void registers_changed(struct km_kernel *k, struct km_tcb *tcb)
{
	tcb->context.whole = 1;
	if (tcb == k->self->current)
		km_reschedule_required(k);
}

static enum km_status read_registers(struct km_kernel *k, const struct km_request *r)
{
	struct km_tcb *tcb = target_of(k, r);
	km_word flags, count;

	if (r->length < 2)
		return km_fail(k, seL4_TruncatedMessage);
	flags = km_argument(r, 0);
	count = km_argument(r, 1);
	if (count < 1 || count > KM_REGISTERS)
		return km_fail_range(k, 1, KM_REGISTERS);
	if (tcb == k->self->current)
		return km_fail(k, seL4_IllegalOperation);
	if (flags & 1)
		km_suspend(k, tcb);
	km_reply_words(k, r, (unsigned)count, tcb->context.reg);
	return KM_OK;
}

static enum km_status write_registers(struct km_kernel *k, const struct km_request *r)
{
	struct km_tcb *tcb = target_of(k, r);
	km_word flags, count;

	if (r->length < 2)
		return km_fail(k, seL4_TruncatedMessage);
	flags = km_argument(r, 0);
	count = km_argument(r, 1);
	if (r->length - 2 < count)
		return km_fail(k, seL4_TruncatedMessage);
	if (tcb == k->self->current)
		return km_fail(k, seL4_IllegalOperation);
	for (unsigned i = 0; i < count && i < KM_REGISTERS; i++)
		tcb->context.reg[i] = km_register_sane(i, km_argument(r, i + 2));
	tcb->context.next_ip = tcb->context.reg[KM_RIP];
	registers_changed(k, tcb);
	if (flags & 1)
		km_restart(k, tcb);
	return KM_OK;
}

enum { COPY_SUSPEND_SOURCE = 1, COPY_RESUME_TARGET = 2, COPY_FRAME = 4, COPY_INTEGER = 8 };

static enum km_status copy_registers(struct km_kernel *k, const struct km_request *r)
{
	struct km_tcb *to = target_of(k, r), *from;
	km_word flags;

	if (r->length < 1 || !has_extra(k, 1))
		return km_fail(k, seL4_TruncatedMessage);
	flags = km_argument(r, 0);
	if (k->extra[0]->cap.type != KM_CAP_THREAD)
		return km_fail_cap(k, 1);
	from = km_cap_object(k, k->extra[0]->cap);
	km_stall_for(k, from);
	if (flags & COPY_SUSPEND_SOURCE)
		km_suspend(k, from);
	if (flags & COPY_RESUME_TARGET)
		km_restart(k, to);
	if (flags & COPY_FRAME) {
		memmove(to->context.reg, from->context.reg, FRAME_REGISTERS * sizeof(km_word));
		to->context.next_ip = to->context.reg[KM_RIP];
	}
	if (flags & COPY_INTEGER)
		memmove(to->context.reg + FRAME_REGISTERS, from->context.reg + FRAME_REGISTERS,
			(KM_REGISTERS - FRAME_REGISTERS) * sizeof(km_word));
	registers_changed(k, to);
	return KM_OK;
}

static enum km_status set_tls_base(struct km_kernel *k, const struct km_request *r)
{
	struct km_tcb *tcb = target_of(k, r);

	if (r->length < 1)
		return km_fail(k, seL4_TruncatedMessage);
	tcb->context.reg[KM_FS_BASE] = km_register_sane(KM_FS_BASE, km_argument(r, 0));
	registers_changed(k, tcb);
	return KM_OK;
}

static enum km_status set_flags(struct km_kernel *k, const struct km_request *r)
{
	struct km_tcb *tcb = target_of(k, r);
	km_word flags;

	if (r->length < 2)
		return km_fail(k, seL4_TruncatedMessage);
	flags = tcb->fpu_disabled ? seL4_TCBFlag_fpuDisabled : 0;
	flags &= ~km_argument(r, 0);
	flags |= km_argument(r, 1) & seL4_TCBFlag_MASK;
	tcb->fpu_disabled = (flags & seL4_TCBFlag_fpuDisabled) != 0;
	km_reply_words(k, r, 1, &flags);
	return KM_OK;
}

/* ---- capabilities of the thread ---- */

/* A capability on its way into a slot of a TCB, and where it comes from. */
struct install {
	struct km_slot *source; /* NULL: none */
	struct km_cap cap;
};

/* After a deletion the source may hold something else, and so may the slot of the thread's own capability. */
static int still_there(const struct km_request *r, const struct install *in)
{
	return in->source && in->cap.type != KM_CAP_NULL && km_cap_same_object(in->cap, in->source->cap) &&
	       km_cap_same_object((struct km_cap){.type = KM_CAP_THREAD, .object = r->cap.object},
				  r->slot->cap);
}

static enum km_status install(struct km_kernel *k, const struct km_request *r, unsigned slot,
			      const struct install *in)
{
	struct km_tcb *tcb = target_of(k, r);

	if (km_delete(k, &tcb->slot[slot], 1) != KM_OK)
		return KM_PREEMPTED;
	if (still_there(r, in))
		km_tree_insert(k, in->cap, in->source, &tcb->slot[slot]);
	return KM_OK;
}

/* A CSpace or VSpace of which the last capability lies in the TCB is deleted at length; no other may come
 * meanwhile. */
static int takes_long(struct km_kernel *k, const struct km_slot *slot)
{
	switch (slot->cap.type) {
	case KM_CAP_THREAD:
	case KM_CAP_ZOMBIE:
	case KM_CAP_CNODE:
		return km_tree_is_final(k, slot);
	default:
		return 0;
	}
}

struct space {
	struct install cspace, vspace;
};

/* A root with its data (a guard; 0: as it is), as a copy of what is in `source`. */
static enum km_status derive_root(struct km_kernel *k, struct km_slot *source, km_word data,
				  struct install *out)
{
	struct km_cap cap = source->cap;

	if (data)
		cap = km_cap_update(0, data, cap);
	out->source = source;
	return km_cap_derive(k, source, cap, &out->cap);
}

static enum km_status check_space(struct km_kernel *k, const struct km_tcb *tcb, struct km_slot *cspace,
				  km_word cspace_data, struct km_slot *vspace, km_word vspace_data,
				  struct space *out)
{
	if (takes_long(k, &tcb->slot[KM_TCB_CSPACE]) || takes_long(k, &tcb->slot[KM_TCB_VSPACE]))
		return km_fail(k, seL4_IllegalOperation);
	if (derive_root(k, cspace, cspace_data, &out->cspace) != KM_OK)
		return KM_SYSCALL_ERROR;
	if (out->cspace.cap.type != KM_CAP_CNODE)
		return km_fail(k, seL4_IllegalOperation);
	if (derive_root(k, vspace, vspace_data, &out->vspace) != KM_OK)
		return KM_SYSCALL_ERROR;
	if (!km_is_valid_vspace(k, out->vspace.cap))
		return km_fail(k, seL4_IllegalOperation);
	return KM_OK;
}

/* A buffer at address 0 is none, whatever the capability. */
static enum km_status check_frame(struct km_kernel *k, km_word address, struct km_slot *source,
				  struct install *out)
{
	*out = (struct install){.cap = KM_NULL_CAP};
	if (!address)
		return KM_OK;
	out->source = source;
	if (km_cap_derive(k, source, source->cap, &out->cap) != KM_OK)
		return KM_SYSCALL_ERROR;
	return km_check_buffer(k, address, out->cap);
}

static enum km_status install_space(struct km_kernel *k, const struct km_request *r,
				    const struct space *space)
{
	if (install(k, r, KM_TCB_CSPACE, &space->cspace) != KM_OK ||
	    install(k, r, KM_TCB_VSPACE, &space->vspace) != KM_OK)
		return KM_PREEMPTED;
	/* The thread that runs is in another address space from now on. */
	if (target_of(k, r) == k->self->current)
		km_reschedule_required(k);
	return KM_OK;
}

static enum km_status install_buffer(struct km_kernel *k, const struct km_request *r, km_word address,
				     const struct install *frame)
{
	struct km_tcb *tcb = target_of(k, r);

	if (km_delete(k, &tcb->slot[KM_TCB_BUFFER], 1) != KM_OK)
		return KM_PREEMPTED;
	tcb->buffer_address = address;
	if (still_there(r, frame))
		km_tree_insert(k, frame->cap, frame->source, &tcb->slot[KM_TCB_BUFFER]);
	if (tcb == k->self->current)
		km_reschedule_required(k);
	return KM_OK;
}

static enum km_status tcb_configure(struct km_kernel *k, const struct km_request *r)
{
	struct install frame;
	struct space space;
	km_word address;

	if (r->length < 3 || !has_extra(k, 3))
		return km_fail(k, seL4_TruncatedMessage);
	address = km_argument(r, 2);
	if (check_frame(k, address, k->extra[2], &frame) != KM_OK ||
	    check_space(k, target_of(k, r), k->extra[0], km_argument(r, 0), k->extra[1], km_argument(r, 1),
			&space) != KM_OK)
		return KM_SYSCALL_ERROR;
	if (install_space(k, r, &space) != KM_OK)
		return KM_PREEMPTED;
	return install_buffer(k, r, address, &frame);
}

static enum km_status set_space(struct km_kernel *k, const struct km_request *r)
{
	struct install handler;
	struct space space;

	if (r->length < 2 || !has_extra(k, 3))
		return km_fail(k, seL4_TruncatedMessage);
	if (check_space(k, target_of(k, r), k->extra[1], km_argument(r, 0), k->extra[2], km_argument(r, 1),
			&space) != KM_OK)
		return KM_SYSCALL_ERROR;
	handler = (struct install){.source = k->extra[0], .cap = k->extra[0]->cap};
	if (!km_is_handler(handler.cap))
		return km_fail_cap(k, 1);
	if (install(k, r, KM_TCB_FAULT_HANDLER, &handler) != KM_OK)
		return KM_PREEMPTED;
	return install_space(k, r, &space);
}

static enum km_status set_ipc_buffer(struct km_kernel *k, const struct km_request *r)
{
	struct install frame;
	km_word address;

	if (r->length < 1 || !has_extra(k, 1))
		return km_fail(k, seL4_TruncatedMessage);
	address = km_argument(r, 0);
	if (check_frame(k, address, k->extra[0], &frame) != KM_OK)
		return KM_SYSCALL_ERROR;
	return install_buffer(k, r, address, &frame);
}

static enum km_status set_timeout_endpoint(struct km_kernel *k, const struct km_request *r)
{
	struct install handler;

	if (!has_extra(k, 1))
		return km_fail(k, seL4_TruncatedMessage);
	handler = (struct install){.source = k->extra[0], .cap = k->extra[0]->cap};
	if (!km_is_handler(handler.cap))
		return km_fail_cap(k, 1);
	return install(k, r, KM_TCB_TIMEOUT_HANDLER, &handler);
}

/* ---- priorities and time ---- */

/* No more than what `authority` may give. */
static enum km_status check_priority(struct km_kernel *k, km_word priority, struct km_cap authority)
{
	const struct km_tcb *tcb = km_cap_object(k, authority);

	return priority > tcb->mcp ? km_fail_range(k, seL4_MinPrio, tcb->mcp) : KM_OK;
}

/* The one argument and the one authority of SetPriority and SetMCPriority. */
static enum km_status check_one_priority(struct km_kernel *k, const struct km_request *r, unsigned *priority)
{
	if (r->length < 1 || !has_extra(k, 1))
		return km_fail(k, seL4_TruncatedMessage);
	if (k->extra[0]->cap.type != KM_CAP_THREAD)
		return km_fail_cap(k, 1);
	if (check_priority(k, km_argument(r, 0), k->extra[0]->cap) != KM_OK)
		return KM_SYSCALL_ERROR;
	*priority = (unsigned)km_argument(r, 0);
	return KM_OK;
}

static enum km_status set_priority(struct km_kernel *k, const struct km_request *r)
{
	unsigned priority;

	if (check_one_priority(k, r, &priority) != KM_OK)
		return KM_SYSCALL_ERROR;
	km_set_priority(k, target_of(k, r), priority);
	return KM_OK;
}

static enum km_status set_mc_priority(struct km_kernel *k, const struct km_request *r)
{
	unsigned mcp;

	if (check_one_priority(k, r, &mcp) != KM_OK)
		return KM_SYSCALL_ERROR;
	km_set_mcp(k, target_of(k, r), mcp);
	return KM_OK;
}

/* The scheduling context of SetSchedParams: one that is free for a thread that has none, or null to take
 * it away. */
static enum km_status check_sched_context(struct km_kernel *k, const struct km_tcb *tcb, struct km_cap cap)
{
	switch (cap.type) {
	case KM_CAP_SCHED_CONTEXT: {
		const struct km_sched_context *sc = km_cap_object(k, cap);

		if (tcb->sc || sc->tcb)
			return km_fail(k, seL4_IllegalOperation);
		return km_sc_check_bind(k, sc, tcb);
	}
	case KM_CAP_NULL:
		return tcb == k->self->current ? km_fail(k, seL4_IllegalOperation) : KM_OK;
	default:
		return km_fail_cap(k, 2);
	}
}

static void set_sched_context(struct km_kernel *k, struct km_tcb *tcb, struct km_cap cap)
{
	if (cap.type == KM_CAP_SCHED_CONTEXT) {
		if (tcb->sc != cap.object)
			km_sc_bind_tcb(k, km_cap_object(k, cap), tcb);
	} else if (tcb->sc) {
		km_sc_unbind_tcb(k, KM_SC(k, tcb->sc));
	}
}

static enum km_status set_sched_params(struct km_kernel *k, const struct km_request *r)
{
	struct km_tcb *tcb = target_of(k, r);
	struct install handler;
	struct km_cap authority, sc;

	if (r->length < 2 || !has_extra(k, 3))
		return km_fail(k, seL4_TruncatedMessage);
	authority = k->extra[0]->cap;
	sc = k->extra[1]->cap;
	handler = (struct install){.source = k->extra[2], .cap = k->extra[2]->cap};
	if (authority.type != KM_CAP_THREAD)
		return km_fail_cap(k, 1);
	if (check_priority(k, km_argument(r, 0), authority) != KM_OK ||
	    check_priority(k, km_argument(r, 1), authority) != KM_OK ||
	    check_sched_context(k, tcb, sc) != KM_OK)
		return KM_SYSCALL_ERROR;
	if (!km_is_handler(handler.cap))
		return km_fail_cap(k, 3);
	if (install(k, r, KM_TCB_FAULT_HANDLER, &handler) != KM_OK)
		return KM_PREEMPTED;
	km_set_mcp(k, tcb, (unsigned)km_argument(r, 0));
	km_set_priority(k, tcb, (unsigned)km_argument(r, 1));
	set_sched_context(k, tcb, sc);
	return KM_OK;
}

/* ---- notifications ---- */

static enum km_status bind_notification(struct km_kernel *k, const struct km_request *r)
{
	struct km_tcb *tcb = target_of(k, r);
	struct km_notification *ntfn;
	struct km_cap cap;

	if (!has_extra(k, 1))
		return km_fail(k, seL4_TruncatedMessage);
	cap = k->extra[0]->cap;
	if (tcb->notification || cap.type != KM_CAP_NOTIFICATION || !(cap.rights & KM_READ))
		return km_fail(k, seL4_IllegalOperation);
	ntfn = km_cap_object(k, cap);
	if (ntfn->queue.head || ntfn->bound_tcb)
		return km_fail(k, seL4_IllegalOperation);
	km_notification_bind(k, tcb, ntfn);
	return KM_OK;
}

static enum km_status unbind_notification(struct km_kernel *k, const struct km_request *r)
{
	struct km_tcb *tcb = target_of(k, r);

	if (!tcb->notification)
		return km_fail(k, seL4_IllegalOperation);
	km_notification_unbind(k, tcb);
	return KM_OK;
}

/* ---- stopping and starting ---- */

static enum km_status suspend(struct km_kernel *k, const struct km_request *r)
{
	km_suspend(k, target_of(k, r));
	return KM_OK;
}

static enum km_status resume(struct km_kernel *k, const struct km_request *r)
{
	km_restart(k, target_of(k, r));
	return KM_OK;
}

enum km_status km_tcb_invoke(struct km_kernel *k, const struct km_request *r)
{
	static km_invocation *const operation[] = {
		/* clang-format off */
		[TCBReadRegisters]      = read_registers,
		[TCBWriteRegisters]     = write_registers,
		[TCBCopyRegisters]      = copy_registers,
		[TCBConfigure]          = tcb_configure,
		[TCBSetPriority]        = set_priority,
		[TCBSetMCPriority]      = set_mc_priority,
		[TCBSetSchedParams]     = set_sched_params,
		[TCBSetTimeoutEndpoint] = set_timeout_endpoint,
		[TCBSetIPCBuffer]       = set_ipc_buffer,
		[TCBSetSpace]           = set_space,
		[TCBSuspend]            = suspend,
		[TCBResume]             = resume,
		[TCBBindNotification]   = bind_notification,
		[TCBUnbindNotification] = unbind_notification,
		[TCBSetTLSBase]         = set_tls_base,
		[TCBSetFlags]           = set_flags,
		/* clang-format on */
	};

	km_stall_for(k, target_of(k, r));
	if (r->label >= sizeof operation / sizeof operation[0] || !operation[r->label])
		return km_fail(k, seL4_IllegalOperation);
	return operation[r->label](k, r);
}
