/* tests/model/model_schedule.c - who runs. See model.h.
 *
 * Of the threads of the running domain that can run, the first of the highest priority does. A thread that was preempted
 * goes before its equals, one that yields after them; several that became able to run in one call go in the order in which
 * each found its place, the last one first, as each is put before its equals. */
#include "tests/model/model.h"
#include <stdlib.h>

bool m_runnable(const struct m_object *thread)
{
	return thread->t->state == M_RUNNING || thread->t->state == M_RESTART;
}

bool m_schedulable(const struct m_object *thread)
{
	return m_runnable(thread) && thread->t->context && thread->t->context->configured;
}

bool m_blocked(const struct m_object *thread)
{
	enum m_state state = thread->t->state;

	return state == M_ON_RECEIVE || state == M_ON_SEND || state == M_ON_REPLY ||
	       state == M_ON_NOTIFICATION;
}

void m_set_state(struct m_model *m, struct m_object *thread, enum m_state state)
{
	thread->t->state = state;
	m_change(m, thread);
	if (thread == m->current && m->action == M_RESUME && !m_schedulable(thread))
		m_reschedule(m);
}

/* ---- the order of turn ---- */

static void ready_at(struct m_model *m, struct m_object *thread, bool before_equals)
{
	struct m_list *list = &m->ready[thread->t->domain];
	unsigned at = 0, priority = thread->t->priority;

	if (thread->t->queued)
		return;
	while (at < list->count && (list->item[at]->t->priority > priority ||
				    (!before_equals && list->item[at]->t->priority == priority)))
		at++;
	m_list_insert(m, list, at, thread);
	thread->t->queued = true;
	m->ready_changed[thread->t->domain] = true;
	m_change(m, thread);
}

void m_ready_first(struct m_model *m, struct m_object *thread) { ready_at(m, thread, true); }
void m_ready_last(struct m_model *m, struct m_object *thread) { ready_at(m, thread, false); }

void m_ready_remove(struct m_model *m, struct m_object *thread)
{
	if (!thread->t->queued)
		return;
	m_list_remove(&m->ready[thread->t->domain], thread);
	thread->t->queued = false;
	m->ready_changed[thread->t->domain] = true;
	m_change(m, thread);
}

/* ---- what is to be done when the call ends ---- */

void m_reschedule(struct m_model *m)
{
	if (m->action == M_SWITCH && m_schedulable(m->candidate))
		m_ready_first(m, m->candidate);
	m->action = M_CHOOSE;
	m->candidate = NULL;
}

void m_possible_switch(struct m_model *m, struct m_object *thread)
{
	if (!thread->t->context)
		return;
	if (thread->t->domain != m->domain) {
		m_ready_first(m, thread);
	} else if (m->action != M_RESUME) {
		m_reschedule(m);
		m_ready_first(m, thread);
	} else {
		m->action = M_SWITCH;
		m->candidate = thread;
	}
}

void m_set_priority(struct m_model *m, struct m_object *thread, unsigned priority)
{
	m_change(m, thread);
	if (m_runnable(thread) && (thread->t->queued || thread == m->current)) {
		m_ready_remove(m, thread);
		thread->t->priority = priority;
		m_ready_first(m, thread);
		m_reschedule(m);
		return;
	}
	thread->t->priority = priority;
	if (m_blocked(thread) && thread->t->state != M_ON_REPLY) {
		m_wait_remove(m, thread->t->waits_at, thread);
		m_wait_insert(m, thread->t->waits_at, thread);
	}
}

/* ---- the end of a call ---- */

static void switch_to(struct m_model *m, struct m_object *thread)
{
	m_ready_remove(m, thread);
	m->current = thread;
}

static void next_domain(struct m_model *m)
{
	m->domain_over = false;
	m->schedule_at++;
	if (m->schedule_at >= M_SCHEDULE - 1 ||
	    (!m->schedule[m->schedule_at].duration && !m->schedule[m->schedule_at].domain))
		m->schedule_at = m->schedule_start;
	m->units = 0;
	m->domain = m->schedule[m->schedule_at].domain;
}

static void choose(struct m_model *m)
{
	struct m_list *list;

	if (m->domain_over)
		next_domain(m);
	list = &m->ready[m->domain];
	if (list->count)
		switch_to(m, list->item[0]);
	else
		m->current = m->idle;
}

static bool is_highest(const struct m_model *m, unsigned priority)
{
	const struct m_list *list = &m->ready[m->domain];

	return !list->count || priority >= list->item[0]->t->priority;
}

static void take_turns(struct m_model *m)
{
	struct m_object *candidate = m->candidate, *current = m->current;
	bool could_run = m_schedulable(current), below;

	if (could_run)
		m_ready_first(m, current);
	if (m->action == M_CHOOSE) {
		choose(m);
		return;
	}
	below = current == m->idle || candidate->t->priority < current->t->priority;
	if (below && !is_highest(m, candidate->t->priority)) {
		m_ready_first(m, candidate);
		choose(m);
	} else if (could_run && candidate->t->priority == current->t->priority) {
		m_ready_last(m, candidate);
		choose(m);
	} else {
		switch_to(m, candidate);
	}
}

void m_schedule(struct m_model *m)
{
	struct m_thread *t;

	if (m->action != M_RESUME)
		take_turns(m);
	m->action = M_RESUME;
	m->candidate = NULL;
	t = m->current->t;
	m->charged = t->context;
	if (t->yields_to)
		m_yield_complete(m, m->current);
	if (t->state == M_RESTART) {
		t->next_ip = t->reg[M_RIP];
		m_set_state(m, m->current, M_RUNNING);
	}
	if (m->current != m->idle && t->state != M_RUNNING)
		abort();
	m_change(m, m->current);
}
