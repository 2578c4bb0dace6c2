/* tests/model/model_syscall.c - what each system call does. See model.h. */
#include "tests/model/model.h"
#include <string.h>

enum {
	CALL = -1,
	REPLY_RECV = -2,
	NB_SEND_RECV = -3,
	NB_SEND_WAIT = -4,
	SEND = -5,
	NB_SEND = -6,
	RECV = -7,
	NB_RECV = -8,
	WAIT = -9,
	NB_WAIT = -10,
	YIELD = -11
};

/* ---- faults ---- */

/* m->trouble goes to the thread's handler; without one it stops. */
void m_handle_fault(struct m_model *m, struct m_object *thread)
{
	struct m_cap handler = m_slot_cap(&thread->slot[M_FAULT_HANDLER]);

	if (handler.kind != M_ENDPOINT) {
		m_set_state(m, thread, M_INACTIVE);
		return;
	}
	m_change(m, thread);
	thread->t->trouble = m->trouble;
	m_send(m, true, false, handler.rights & M_GRANT, handler.rights & M_GRANT_REPLY, handler.badge,
	       thread->t->context != NULL, thread, handler.object);
}

static void cap_fault(struct m_model *m, struct m_object *thread, m_word cptr, bool in_receive)
{
	m->trouble =
		(struct m_trouble){.type = 1, .address = cptr, .in_receive = in_receive, .lookup = m->lookup};
	m_handle_fault(m, thread);
}

static void cap_fault_missing(struct m_model *m, struct m_object *thread, m_word cptr)
{
	m->lookup = (struct m_failure){.type = 2};
	cap_fault(m, thread, cptr, true);
}

/* ---- invocations ---- */

static enum m_result nothing_invoke(struct m_model *m, struct m_request *r)
{
	(void)r;
	return m_fail_cap(m, 0);
}

static enum m_result endpoint_invoke(struct m_model *m, struct m_request *r)
{
	if (!(r->cap.rights & M_WRITE))
		return m_fail_cap(m, 0);
	m_send(m, r->is_blocking, r->is_call, r->cap.rights & M_GRANT, r->cap.rights & M_GRANT_REPLY,
	       r->cap.badge, r->can_donate, r->caller, r->cap.object);
	return M_OK;
}

static enum m_result notification_invoke(struct m_model *m, struct m_request *r)
{
	if (!(r->cap.rights & M_WRITE))
		return m_fail_cap(m, 0);
	m_signal(m, r->cap.object, r->cap.badge);
	return M_OK;
}

static enum m_result reply_invoke(struct m_model *m, struct m_request *r)
{
	m_reply_send(m, r->caller, r->cap.object, r->cap.rights & M_GRANT);
	return M_OK;
}

/* I/O ports are not modelled beyond their capabilities: no well-formed request reaches them in model runs. */
static enum m_result unmodelled_invoke(struct m_model *m, struct m_request *r)
{
	(void)r;
	return m_fail(m, 3);
}

typedef enum m_result m_invocation(struct m_model *m, struct m_request *r);
static const struct {
	m_invocation *invoke;
	bool not_before_receive; /* not in the sending half of a call that goes on to receive */
} invocations[M_KINDS] = {
	[M_NULL] = {nothing_invoke, false},
	[M_UNTYPED] = {m_untyped_invoke, false},
	[M_ENDPOINT] = {endpoint_invoke, false},
	[M_NOTIFICATION] = {notification_invoke, false},
	[M_REPLY] = {reply_invoke, false},
	[M_CNODE] = {m_cnode_invoke, true},
	[M_THREAD] = {m_thread_invoke, true},
	[M_CONTEXT] = {m_context_invoke, true},
	[M_SCHED_CONTROL] = {m_sched_control_invoke, true},
	[M_DOMAIN] = {m_domain_invoke, true},
	[M_IRQ_CONTROL] = {m_irq_control_invoke, false},
	[M_IRQ_HANDLER] = {m_irq_handler_invoke, false},
	[M_FRAME] = {m_space_invoke, false},
	[M_PAGE_TABLE] = {m_space_invoke, false},
	[M_PAGE_DIRECTORY] = {m_space_invoke, false},
	[M_PDPT] = {m_space_invoke, false},
	[M_PML4] = {m_space_invoke, false},
	[M_ASID_CONTROL] = {m_asid_control_invoke, false},
	[M_ASID_POOL] = {m_asid_pool_invoke, false},
	[M_PORT_CONTROL] = {unmodelled_invoke, false},
	[M_PORT] = {unmodelled_invoke, false},
	[M_ZOMBIE] = {nothing_invoke, false},
};

static void answer_error(struct m_model *m, struct m_object *thread)
{
	const struct m_error *e = &m->error;
	unsigned length = 0;

	switch (e->type) {
	case 1:
		length = m_set_mr(m, thread, 0, e->argument);
		break;
	case 2:
		length = m_set_mr(m, thread, 0, e->cap);
		break;
	case 4:
		m_set_mr(m, thread, 0, e->min);
		length = m_set_mr(m, thread, 1, e->max);
		break;
	case 6:
		m_set_mr(m, thread, 0, e->source);
		length = m_put_failure(m, thread, m->lookup, 1);
		break;
	case 10:
		length = m_set_mr(m, thread, 0, e->left);
		break;
	default:
		break;
	}
	thread->t->reg[M_RDI] = 0;
	thread->t->reg[M_RSI] = m_info(e->type, 0, 0, length);
}

static enum m_result perform(struct m_model *m, struct m_request *r)
{
	struct m_thread *t = r->caller->t;
	enum m_result result;

	m->error.type = 0;
	m->did_kind = r->cap.kind;
	m->did_label = (unsigned)(r->label > 255 ? 255 : r->label);
	m->did_error = 0;
	if (r->first_phase && invocations[r->cap.kind].not_before_receive) {
		result = m_fail_cap(m, 0);
	} else {
		t->state = M_RESTART;
		result = invocations[r->cap.kind].invoke(m, r);
	}
	if (result == M_PREEMPTED)
		return result;
	if (result != M_OK) {
		m->did_error = m->error.type;
		t->state = M_RUNNING;
		if (r->is_call)
			answer_error(m, r->caller);
		return M_OK;
	}
	if (t->state == M_RESTART) {
		if (r->is_call && !r->answered) {
			t->reg[M_RDI] = 0;
			t->reg[M_RSI] = 0;
		}
		m_set_state(m, r->caller, M_RUNNING);
	}
	return M_OK;
}

enum { IS_CALL = 1, BLOCKING = 2, DONATES = 4, FIRST = 8 };

static enum m_result invoke(struct m_model *m, m_word cptr, unsigned how)
{
	struct m_object *thread = m->current;
	m_word info = thread->t->reg[M_RSI];
	struct m_request r = {.caller = thread, .label = m_info_label(info), .length = m_info_length(info)};

	r.is_call = how & IS_CALL;
	r.is_blocking = how & BLOCKING;
	r.can_donate = how & DONATES;
	r.first_phase = how & FIRST;
	if (!m_lookup(m, thread, cptr, &r.slot)) {
		if (r.is_blocking)
			cap_fault(m, thread, cptr, false);
		return M_OK;
	}
	r.cap = m_slot_cap(r.slot);
	if (!m_lookup_extra(m, thread, m_info_extra(info))) {
		if (r.is_blocking)
			m_handle_fault(m, thread);
		return M_OK;
	}
	if (r.length > 4 && !m_buffer(m, thread, false))
		r.length = 4;
	return perform(m, &r);
}

/* ---- receiving ---- */

static bool lookup_reply(struct m_model *m, struct m_object *thread, struct m_cap *cap)
{
	m_word cptr = thread->t->reg[M_R12];
	struct m_slot *slot;

	if (!m_lookup(m, thread, cptr, &slot)) {
		cap_fault(m, thread, cptr, true);
		return false;
	}
	*cap = m_slot_cap(slot);
	if (cap->kind == M_REPLY)
		return true;
	cap_fault_missing(m, thread, cptr);
	return false;
}

static void receive(struct m_model *m, bool blocking, bool can_reply)
{
	struct m_object *thread = m->current;
	m_word cptr = thread->t->reg[M_RDI];
	struct m_slot *slot;
	struct m_cap cap, reply = {0};

	if (!m_lookup(m, thread, cptr, &slot)) {
		cap_fault(m, thread, cptr, true);
		return;
	}
	cap = m_slot_cap(slot);
	if (cap.kind == M_ENDPOINT && cap.rights & M_READ) {
		if (!can_reply || lookup_reply(m, thread, &reply))
			m_receive(m, thread, cap, blocking, reply);
	} else if (cap.kind == M_NOTIFICATION && cap.rights & M_READ &&
		   (!cap.object->bound || cap.object->bound == thread)) {
		m_wait(m, thread, cap.object, blocking);
	} else {
		cap_fault_missing(m, thread, cptr);
	}
}

/* A round-robin context goes to the end of its turn. */
static void yield(struct m_model *m)
{
	if (!m_schedulable(m->current))
		return;
	m_ready_last(m, m->current);
	m_reschedule(m);
}

static void begin(struct m_model *m)
{
	m->step++;
	m->touched_count = m->changed_count = 0;
	m->preempted = false;
	m->did_kind = M_NULL;
	m->did_label = m->did_error = 0;
	m_change(m, m->current);
}

void m_syscall(struct m_model *m)
{
	struct m_thread *t = m->current->t;
	int64_t number = (int64_t)t->reg[M_RDX];
	enum m_result result = M_OK;

	begin(m);
	switch (number) {
	case CALL:
		result = invoke(m, t->reg[M_RDI], IS_CALL | BLOCKING | DONATES);
		break;
	case SEND:
		result = invoke(m, t->reg[M_RDI], BLOCKING);
		break;
	case NB_SEND:
		result = invoke(m, t->reg[M_RDI], 0);
		break;
	case REPLY_RECV:
		result = invoke(m, t->reg[M_R12], DONATES | FIRST);
		if (result == M_OK)
			receive(m, true, true);
		break;
	case NB_SEND_RECV:
	case NB_SEND_WAIT:
		/* Who takes no reply capability is told there where to send. */
		result = invoke(m, t->reg[number == NB_SEND_RECV ? M_R13 : M_R12], DONATES | FIRST);
		if (result == M_OK)
			receive(m, true, number == NB_SEND_RECV);
		break;
	case RECV:
	case NB_RECV:
		receive(m, number == RECV, true);
		break;
	case WAIT:
	case NB_WAIT:
		receive(m, number == WAIT, false);
		break;
	case YIELD:
		yield(m);
		break;
	default:
		m->trouble = (struct m_trouble){.type = 2, .address = t->reg[M_RDX]};
		m_handle_fault(m, m->current);
		break;
	}
	m_schedule(m);
}

void m_user_exception(struct m_model *m, m_word number, m_word code)
{
	begin(m);
	m->trouble = (struct m_trouble){.type = 3, .address = number, .code = code};
	m_handle_fault(m, m->current);
	m_schedule(m);
}

void m_vm_fault(struct m_model *m, m_word address, m_word fsr, bool prefetch)
{
	begin(m);
	m->trouble = (struct m_trouble){.type = 6, .address = address, .code = fsr, .prefetch = prefetch};
	m_handle_fault(m, m->current);
	m_schedule(m);
}
