/* tests/model/model_context.c - scheduling contexts: who has one, and who lent it. See model.h.
 *
 * Their budgets never end here: one that is configured is ready, for ever. */
#include "tests/model/model.h"

enum { CONFIGURE = 33, BIND, UNBIND, UNBIND_OBJECT, CONSUMED, YIELD_TO };
enum { ERR_ILLEGAL = 3, ERR_TRUNCATED = 7, MIN_BUDGET_US = 20 };

void m_context_donate(struct m_model *m, struct m_object *context, struct m_object *to)
{
	struct m_object *from = context->thread;

	m_change(m, context);
	m_change(m, to);
	if (from) {
		m_ready_remove(m, from);
		m_change(m, from);
		from->t->context = NULL;
		if (from == m->current || (m->action == M_SWITCH && from == m->candidate))
			m_reschedule(m);
	}
	context->thread = to;
	to->t->context = context;
}

void m_context_bind(struct m_model *m, struct m_object *context, struct m_object *thread)
{
	m_change(m, context);
	m_change(m, thread);
	thread->t->context = context;
	context->thread = thread;
	if (m_schedulable(thread)) {
		m_ready_first(m, thread);
		m_reschedule(m);
	}
}

void m_context_unbind(struct m_model *m, struct m_object *context)
{
	struct m_object *thread = context->thread;

	m_change(m, context);
	m_change(m, thread);
	if (thread == m->current)
		m_reschedule(m);
	m_ready_remove(m, thread);
	thread->t->context = NULL;
	context->thread = NULL;
}

void m_context_unbind_notification(struct m_model *m, struct m_object *context)
{
	if (!context->notification)
		return;
	m_change(m, context);
	m_change(m, context->notification);
	context->notification->context = NULL;
	context->notification = NULL;
}

/* ---- yielding to somebody ---- */

static void answer_consumed(struct m_model *m, struct m_object *thread)
{
	thread->t->reg[M_RDI] = 0;
	thread->t->reg[M_RSI] = m_info(0, 0, 0, m_set_mr(m, thread, 0, 0));
	m_change(m, thread);
}

void m_yield_cancel(struct m_model *m, struct m_object *thread)
{
	if (!thread->t->yields_to)
		return;
	m_change(m, thread);
	m_change(m, thread->t->yields_to);
	thread->t->yields_to->yielder = NULL;
	thread->t->yields_to = NULL;
}

void m_yield_complete(struct m_model *m, struct m_object *thread)
{
	if (!thread->t->yields_to)
		return;
	answer_consumed(m, thread);
	m_yield_cancel(m, thread);
}

/* ---- invocations ---- */

static enum m_result bind(struct m_model *m, struct m_object *context)
{
	struct m_cap cap;

	if (!m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	cap = m_slot_cap(m->extra[0]);
	if (cap.kind == M_THREAD) {
		if (context->thread || cap.object->t->context ||
		    (m_blocked(cap.object) && !context->configured))
			return m_fail(m, ERR_ILLEGAL);
		m_context_bind(m, context, cap.object);
		return M_OK;
	}
	if (cap.kind != M_NOTIFICATION)
		return m_fail_cap(m, 1);
	if (context->notification || cap.object->context)
		return m_fail(m, ERR_ILLEGAL);
	m_change(m, context);
	m_change(m, cap.object);
	context->notification = cap.object;
	cap.object->context = context;
	return M_OK;
}

static enum m_result unbind_object(struct m_model *m, struct m_object *context)
{
	struct m_cap cap;

	if (!m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	cap = m_slot_cap(m->extra[0]);
	if (cap.kind == M_THREAD) {
		if (context->thread != cap.object || context->thread == m->current)
			return m_fail(m, ERR_ILLEGAL);
		m_context_unbind(m, context);
		return M_OK;
	}
	if (cap.kind != M_NOTIFICATION)
		return m_fail_cap(m, 1);
	if (context->notification != cap.object)
		return m_fail(m, ERR_ILLEGAL);
	m_context_unbind_notification(m, context);
	return M_OK;
}

static enum m_result unbind(struct m_model *m, struct m_object *context)
{
	if (context->thread && context->thread == m->current)
		return m_fail(m, ERR_ILLEGAL);
	m_change(m, context);
	if (context->thread)
		m_context_unbind(m, context);
	m_context_unbind_notification(m, context);
	if (context->top) {
		m_change(m, context->top);
		context->top->above = NULL;
		context->top = NULL;
	}
	return M_OK;
}

static void answer_now(struct m_model *m, struct m_request *r)
{
	if (r->is_call)
		answer_consumed(m, r->caller);
	r->answered = true;
}

static enum m_result yield_to(struct m_model *m, struct m_request *r)
{
	struct m_object *context = r->cap.object, *to = context->thread;

	if (!to || to == m->current || to->t->priority > m->current->t->mcp)
		return m_fail(m, ERR_ILLEGAL);
	if (context->yielder)
		m_yield_complete(m, context->yielder);
	if (m_schedulable(to)) {
		m_ready_remove(m, to);
		if (to->t->priority >= m->current->t->priority) {
			m_change(m, context);
			m_change(m, m->current);
			context->yielder = m->current;
			m->current->t->yields_to = context;
			m_ready_first(m, m->current);
			m_ready_first(m, to);
			m_reschedule(m);
			return M_OK;
		}
		m_ready_first(m, to);
	}
	answer_now(m, r);
	return M_OK;
}

enum m_result m_context_invoke(struct m_model *m, struct m_request *r)
{
	switch (r->label) {
	case CONSUMED:
		answer_now(m, r);
		return M_OK;
	case BIND:
		return bind(m, r->cap.object);
	case UNBIND_OBJECT:
		return unbind_object(m, r->cap.object);
	case UNBIND:
		return unbind(m, r->cap.object);
	case YIELD_TO:
		return yield_to(m, r);
	default:
		return m_fail(m, ERR_ILLEGAL);
	}
}

static enum m_result configure(struct m_model *m, struct m_object *context, bool round_robin, m_word flags,
			       m_word badge)
{
	struct m_object *thread = context->thread;

	m_change(m, context);
	if (thread)
		m_ready_remove(m, thread);
	context->configured = true;
	context->period = !round_robin;
	if (thread) {
		if (m_runnable(thread) && thread != m->current)
			m_possible_switch(m, thread);
		if (thread == m->current)
			m_reschedule(m);
	}
	context->badge = badge;
	context->sporadic = flags & 1;
	return M_OK;
}

/* `max_us`: an eighth of what the clock can count. */
enum m_result m_sched_control_invoke(struct m_model *m, struct m_request *r)
{
	m_word max_us = ~(m_word)0 / m->ticks_per_us / 8, budget, period, refills, room;
	struct m_cap cap;

	if (r->label != CONFIGURE)
		return m_fail(m, ERR_ILLEGAL);
	if (!m->extra[0] || r->length < 5)
		return m_fail(m, ERR_TRUNCATED);
	budget = m_argument(m, r, 0);
	period = m_argument(m, r, 1);
	if (budget > max_us || period > max_us || budget < MIN_BUDGET_US || period < MIN_BUDGET_US)
		return m_fail_range(m, MIN_BUDGET_US, max_us);
	if (budget > period)
		return m_fail_range(m, MIN_BUDGET_US, period);
	cap = m_slot_cap(m->extra[0]);
	if (cap.kind != M_CONTEXT)
		return m_fail_cap(m, 1);
	refills = m_argument(m, r, 2);
	room = (((m_word)1 << cap.bits) - 128) / 16;
	if (refills > room)
		return m_fail_range(m, 0, room);
	return configure(m, cap.object, budget == period, m_argument(m, r, 4), m_argument(m, r, 3));
}
