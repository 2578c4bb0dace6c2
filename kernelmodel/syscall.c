/* kernelmodel/syscall.c - the ways into the kernel, and what each number of a system call does.
 *
 * Every entry is: account for the time since the last one; if the current thread's budget is used up, do nothing more for
 * it (it does its system call or instruction again when it has budget); else do what was asked; then schedule.
 *
 * An invocation that meets a pending interrupt at a preemption point leaves its thread in state RESTART: the thread does
 * the whole system call again and finds less to do. The interrupt is not taken here: whoever drives sees that it is
 * still pending and calls km_interrupt() or km_timer() next, before any thread runs. */
#include "kernelmodel/fast.h"
#include "kernelmodel/message.h"
#include <sel4/syscall.h>

/* ---- invocations ---- */

enum {
	IS_CALL = 1,
	IS_BLOCKING = 2,
	CAN_DONATE = 4,
	/* The sending half of a system call that goes on to receive. */
	FIRST_PHASE = 8
};

/* The lookup failure stands in kernel->lookup. */
static void cap_fault(struct km_kernel *k, struct km_tcb *tcb, km_word cptr, int in_receive)
{
	k->fault = (struct km_fault){
		.type = seL4_Fault_CapFault, .in_receive = (uint8_t)in_receive, .address = cptr};
	km_handle_fault(k, tcb);
}

static void cap_fault_missing(struct km_kernel *k, struct km_tcb *tcb, km_word cptr)
{
	k->lookup = (struct km_lookup_failure){.type = seL4_MissingCapability};
	cap_fault(k, tcb, cptr, 1);
}

static enum km_status endpoint_invoke(struct km_kernel *k, const struct km_request *r)
{
	if (!(r->cap.rights & KM_WRITE))
		return km_fail_cap(k, 0);
	km_send(k, r->is_blocking, r->is_call, (r->cap.rights & KM_GRANT) != 0,
		(r->cap.rights & KM_GRANT_REPLY) != 0, r->cap.word, r->can_donate, r->caller,
		km_cap_object(k, r->cap));
	return KM_OK;
}

static enum km_status notification_invoke(struct km_kernel *k, const struct km_request *r)
{
	if (!(r->cap.rights & KM_WRITE))
		return km_fail_cap(k, 0);
	km_signal(k, km_cap_object(k, r->cap), r->cap.word);
	return KM_OK;
}

static enum km_status reply_invoke(struct km_kernel *k, const struct km_request *r)
{
	km_reply_send(k, r->caller, km_cap_object(k, r->cap), (r->cap.rights & KM_GRANT) != 0);
	return KM_OK;
}

static enum km_status nothing_invoke(struct km_kernel *k, const struct km_request *r)
{
	(void)r;
	return km_fail_cap(k, 0);
}

/* By type of the capability; the second says that it could stop the thread itself, or take its context, which must not
 * happen to one that is about to receive. */
static const struct {
	km_invocation *invoke;
	int not_in_first_phase;
} invocations[KM_CAP_TYPES] = {
	/* clang-format off */
	[KM_CAP_NULL]            = {nothing_invoke, 0},
	[KM_CAP_UNTYPED]         = {km_untyped_invoke, 0},
	[KM_CAP_ENDPOINT]        = {endpoint_invoke, 0},
	[KM_CAP_NOTIFICATION]    = {notification_invoke, 0},
	[KM_CAP_REPLY]           = {reply_invoke, 0},
	[KM_CAP_CNODE]           = {km_cnode_invoke, 1},
	[KM_CAP_THREAD]          = {km_tcb_invoke, 1},
	[KM_CAP_SCHED_CONTEXT]   = {km_sched_context_invoke, 1},
	[KM_CAP_SCHED_CONTROL]   = {km_sched_control_invoke, 1},
	[KM_CAP_DOMAIN]          = {km_domain_invoke, 1},
	[KM_CAP_IRQ_CONTROL]     = {km_irq_control_invoke, 0},
	[KM_CAP_IRQ_HANDLER]     = {km_irq_handler_invoke, 0},
	[KM_CAP_FRAME]           = {km_frame_invoke, 0},
	[KM_CAP_PAGE_TABLE]      = {km_paging_invoke, 0},
	[KM_CAP_PAGE_DIRECTORY]  = {km_paging_invoke, 0},
	[KM_CAP_PDPT]            = {km_paging_invoke, 0},
	[KM_CAP_PML4]            = {km_paging_invoke, 0},
	[KM_CAP_ASID_CONTROL]    = {km_asid_control_invoke, 0},
	[KM_CAP_ASID_POOL]       = {km_asid_pool_invoke, 0},
	[KM_CAP_IO_PORT_CONTROL] = {km_io_port_control_invoke, 0},
	[KM_CAP_IO_PORT]         = {km_io_port_invoke, 0},
	[KM_CAP_ZOMBIE]          = {nothing_invoke, 0},
	/* clang-format on */
};

/* Is there an invocation to decode? */
static inline int is_kernel_object(unsigned type)
{
	const uint32_t others =
		1u << KM_CAP_NULL | 1u << KM_CAP_ENDPOINT | 1u << KM_CAP_NOTIFICATION | 1u << KM_CAP_REPLY;

	return !(others >> type & 1);
}

/* The request is decoded and performed; an error, or an empty answer, goes to a caller. */
static inline __attribute__((always_inline)) enum km_status request_perform(struct km_kernel *k,
									    const struct km_request *r)
{
	struct km_tcb *tcb = r->caller;
	enum km_status status;

	if (is_kernel_object(r->cap.type))
		km_work(k, KM_WORK_DECODE);
	k->error = (struct km_error){0};
	if (r->first_phase && invocations[r->cap.type].not_in_first_phase) {
		status = km_fail_cap(k, 0);
	} else {
		/* Until it is done: what stops the thread meanwhile leaves it to do its system call again. */
		tcb->state = KM_RESTART;
		status = invocations[r->cap.type].invoke(k, r);
	}
	if (status == KM_PREEMPTED)
		return status;
	if (status != KM_OK) {
		tcb->state = KM_RUNNING;
		if (r->is_call)
			km_reply_error(k, tcb);
		return KM_OK;
	}
	if (tcb->state == KM_RESTART) {
		if (r->is_call) {
			tcb->context.reg[KM_REG_CAP] = 0;
			tcb->context.reg[KM_REG_INFO] = km_info_make(0, 0, 0, 0);
		}
		km_set_running(k, tcb);
	}
	return KM_OK;
}

/* No invocation has so large a label that it would be another when it is cut off. */
static unsigned invocation_label(km_word info)
{
	km_word label = km_info_label(info);

	return label > UINT32_MAX ? UINT32_MAX : (unsigned)label;
}

/* KM_OK (also with an error or a fault, which are dealt with here) or KM_PREEMPTED. A function for each value of `how`. */
static inline __attribute__((always_inline)) enum km_status invoke(struct km_kernel *k, struct km_tcb *tcb,
								   km_word cptr, unsigned how)
{
	const km_word info = tcb->context.reg[KM_REG_INFO];
	unsigned length = info & KM_INFO_LENGTH_MASK;
	km_word *buffer = NULL;
	struct km_slot *slot = km_lookup_fast(k, &tcb->slot[KM_TCB_CSPACE].cap, cptr);

	if (UNLIKELY(!slot) && km_lookup_slot(k, tcb, cptr, &slot) != KM_OK) {
		if (how & IS_BLOCKING)
			cap_fault(k, tcb, cptr, 0);
		return KM_OK;
	}
	k->extra[0] = NULL;
	/* More than the registers hold; extra capabilities stand just above the length. */
	if ((info & (KM_INFO_LENGTH_MASK | KM_INFO_EXTRA_MASK)) > KM_MESSAGE_FAST) {
		const unsigned extra = km_info_extra(info);

		length = km_info_length(info);
		buffer = km_ipc_buffer(k, tcb, 0);
		if (!buffer && length > KM_MESSAGE_FAST)
			length = KM_MESSAGE_FAST;
		if (extra && buffer && km_lookup_extra(k, tcb, buffer, extra) != KM_OK) {
			if (how & IS_BLOCKING)
				km_handle_fault(k, tcb);
			return KM_OK;
		}
	}
	const struct km_request r = {
		.caller = tcb,
		.slot = slot,
		.cap = slot->cap,
		.cptr = cptr,
		.label = invocation_label(info),
		.length = length,
		.buffer = buffer,
		.is_call = (how & IS_CALL) != 0,
		.is_blocking = (how & IS_BLOCKING) != 0,
		.can_donate = (how & CAN_DONATE) != 0,
		.first_phase = (how & FIRST_PHASE) != 0,
	};
	return request_perform(k, &r);
}

/* ---- receiving ---- */

/* The reply capability that a receive names; false: the thread has a fault instead. */
static int lookup_reply(struct km_kernel *k, struct km_tcb *tcb, struct km_cap *out)
{
	km_word cptr = tcb->context.reg[KM_REG_REPLY];

	if (km_lookup_cap(k, tcb, cptr, out) != KM_OK) {
		cap_fault(k, tcb, cptr, 1);
		return 0;
	}
	if (out->type != KM_CAP_REPLY) {
		cap_fault_missing(k, tcb, cptr);
		return 0;
	}
	return 1;
}

static int may_wait(struct km_kernel *k, struct km_tcb *tcb, struct km_cap cap)
{
	const struct km_notification *ntfn = km_cap_object(k, cap);

	/* A bound notification is for its thread alone. */
	return (cap.rights & KM_READ) && (!ntfn->bound_tcb || KM_TCB(k, ntfn->bound_tcb) == tcb);
}

/* A failure is a fault even of those that do not block. */
static void receive(struct km_kernel *k, struct km_tcb *tcb, int blocking, int can_reply)
{
	km_word cptr = tcb->context.reg[KM_REG_CAP];
	struct km_cap cap, reply = KM_NULL_CAP;

	if (km_lookup_cap(k, tcb, cptr, &cap) != KM_OK) {
		cap_fault(k, tcb, cptr, 1);
	} else if (cap.type == KM_CAP_ENDPOINT && (cap.rights & KM_READ)) {
		if (!can_reply || lookup_reply(k, tcb, &reply))
			km_receive(k, tcb, cap, blocking, reply);
	} else if (cap.type == KM_CAP_NOTIFICATION && may_wait(k, tcb, cap)) {
		km_wait(k, tcb, cap, blocking);
	} else {
		cap_fault_missing(k, tcb, cptr);
	}
}

static void send_receive(struct km_kernel *k, struct km_tcb *tcb, km_word dest, int can_reply)
{
	/* Its receiving half comes when it does all of it again. */
	if (invoke(k, tcb, dest, CAN_DONATE | FIRST_PHASE) != KM_PREEMPTED)
		receive(k, tcb, 1, can_reply);
}

/* ---- numbers ---- */

static int is_debug_number(int64_t number) { return number > -1 || number < seL4_SysYield; }

static void dispatch(struct km_kernel *k, struct km_tcb *tcb)
{
	const km_word *reg = tcb->context.reg;

	switch ((int64_t)reg[KM_REG_SYSCALL]) {
	case seL4_SysCall:
		invoke(k, tcb, reg[KM_REG_CAP], IS_CALL | IS_BLOCKING | CAN_DONATE);
		break;
	case seL4_SysSend:
		invoke(k, tcb, reg[KM_REG_CAP], IS_BLOCKING);
		break;
	case seL4_SysNBSend:
		invoke(k, tcb, reg[KM_REG_CAP], 0);
		break;
	case seL4_SysReplyRecv:
		send_receive(k, tcb, reg[KM_REG_REPLY], 1);
		break;
	case seL4_SysNBSendRecv:
		send_receive(k, tcb, reg[KM_REG_DEST], 1);
		break;
	case seL4_SysNBSendWait:
		/* It has no reply capability: its destination stands in that register. */
		send_receive(k, tcb, reg[KM_REG_REPLY], 0);
		break;
	case seL4_SysRecv:
	case seL4_SysWait:
		receive(k, tcb, 1, (int64_t)reg[KM_REG_SYSCALL] == seL4_SysRecv);
		break;
	case seL4_SysNBRecv:
	case seL4_SysNBWait:
		receive(k, tcb, 0, (int64_t)reg[KM_REG_SYSCALL] == seL4_SysNBRecv);
		break;
	case seL4_SysYield:
		km_yield(k);
		break;
	default:
		k->fault =
			(struct km_fault){.type = seL4_Fault_UnknownSyscall, .address = reg[KM_REG_SYSCALL]};
		km_handle_fault(k, tcb);
		break;
	}
}

/* ---- entries ---- */

void km_syscall_slow(struct km_kernel *k, struct km_core *core)
{
	/* The debug calls are outside of the kernel's time: no budget is checked, nothing is scheduled. */
	if (is_debug_number((int64_t)core->current->context.reg[KM_REG_SYSCALL]) && km_debug_syscall(k, core))
		return;
	km_work(k, KM_WORK_SLOWPATH);
	km_update_stamp_fast(k, core);
	if (LIKELY(km_is_within_budget(k, core)) || km_check_budget_restart(k))
		dispatch(k, core->current);
	km_schedule_fast(k, core);
}

static void fault_entry(struct km_kernel *k, struct km_core *core, const struct km_fault *fault)
{
	km_enter(k, core);
	km_update_stamp(k);
	if (km_check_budget_restart(k)) {
		k->fault = *fault;
		km_handle_fault(k, core->current);
	}
	km_schedule(k);
}

void km_vm_fault(struct km_kernel *k, struct km_core *core, km_word address, km_word fsr, int prefetch)
{
	struct km_fault fault = {.type = seL4_Fault_VMFault, .address = address, .code = fsr};

	fault.prefetch = (uint8_t) !!prefetch;
	fault_entry(k, core, &fault);
}

void km_user_exception(struct km_kernel *k, struct km_core *core, km_word number, km_word code)
{
	struct km_fault fault = {.type = seL4_Fault_UserException, .address = number, .code = code};

	fault_entry(k, core, &fault);
}

static void interrupt_entry(struct km_kernel *k, struct km_core *core)
{
	km_enter(k, core);
	km_update_stamp(k);
	km_check_budget(k);
}

void km_interrupt(struct km_kernel *k, struct km_core *core, unsigned irq)
{
	interrupt_entry(k, core);
	km_irq_deliver(k, irq);
	km_schedule(k);
}

void km_timer(struct km_kernel *k, struct km_core *core)
{
	interrupt_entry(k, core);
	/* What was programmed has passed, whether or not anything came of it. */
	core->reprogram = 1;
	km_schedule(k);
}

void km_ipi(struct km_kernel *k, struct km_core *core)
{
	interrupt_entry(k, core);
	km_reschedule_required(k);
	km_schedule(k);
}
