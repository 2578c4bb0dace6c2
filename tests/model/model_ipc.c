/* tests/model/model_ipc.c - endpoints, notifications and replies: who waits for whom. See model.h. */
#include "tests/model/model.h"
#include <stdlib.h>

/* ---- queues: by priority, first come first served among equals ---- */

void m_wait_insert(struct m_model *m, struct m_object *object, struct m_object *thread)
{
	unsigned at = 0;

	while (at < object->queue.count && object->queue.item[at]->t->priority >= thread->t->priority)
		at++;
	m_list_insert(m, &object->queue, at, thread);
	m_change(m, object);
}

void m_wait_remove(struct m_model *m, struct m_object *object, struct m_object *thread)
{
	m_list_remove(&object->queue, thread);
	m_change(m, object);
}

static struct m_object *wait_first(struct m_model *m, struct m_object *object)
{
	struct m_object *thread = object->queue.item[0];

	m_wait_remove(m, object, thread);
	return thread;
}

/* ---- replies ---- */

/* No longer the one that `reply` is for: it waits for nobody. */
void m_reply_unlink(struct m_model *m, struct m_object *reply)
{
	struct m_object *thread = reply->thread;

	m_change(m, reply);
	thread->t->reply = NULL;
	reply->thread = NULL;
	m_set_state(m, thread, M_INACTIVE);
}

/* The caller waits for an answer through `reply`, and lends the callee its context, if that one has none. */
void m_reply_push(struct m_model *m, struct m_object *caller, struct m_object *callee, struct m_object *reply,
		  bool donate)
{
	struct m_object *context = caller->t->context;

	m_change(m, reply);
	reply->thread = caller;
	caller->t->reply = reply;
	m_set_state(m, caller, M_ON_REPLY);
	if (!donate || !context || callee->t->context)
		return;
	m_change(m, context);
	if (context->top) {
		m_change(m, context->top);
		context->top->above = reply;
	}
	reply->top = context->top;
	reply->above = context;
	context->top = reply;
	m_context_donate(m, context, callee);
}

/* Takes `reply` out of the stack of calls that it is in. The context goes back only from the top of the stack, if the thread
 * that waits is alive to its answer. */
static void leave_stack(struct m_model *m, struct m_object *reply, bool give_back)
{
	struct m_object *above = reply->above, *below = reply->top, *thread = reply->thread;

	m_change(m, reply);
	reply->above = NULL;
	reply->top = NULL;
	if (below)
		m_change(m, below);
	if (above)
		m_change(m, above);
	if (above && above->kind == M_CONTEXT && give_back) {
		above->top = below;
		if (below)
			below->above = above;
		if (!thread->t->context)
			m_context_donate(m, above, thread);
		return;
	}
	/* From the middle, or because it is cancelled: what was below is cut off. */
	if (above)
		above->top = NULL;
	if (below)
		below->above = NULL;
}

void m_reply_remove(struct m_model *m, struct m_object *reply)
{
	leave_stack(m, reply, true);
	m_reply_unlink(m, reply);
}

static void reply_cancel(struct m_model *m, struct m_object *reply)
{
	leave_stack(m, reply, false);
	m_reply_unlink(m, reply);
}

void m_reply_send(struct m_model *m, struct m_object *from, struct m_object *reply, bool can_grant)
{
	struct m_object *to = reply->thread;
	unsigned trouble;

	if (!to || to->t->state != M_ON_REPLY)
		return;
	m_reply_remove(m, reply);
	trouble = to->t->trouble.type;
	if (!trouble) {
		m_transfer(m, from, NULL, 0, can_grant, to);
		m_set_state(m, to, M_RUNNING);
	} else {
		bool restart = m_fault_reply(m, from, to);

		to->t->trouble.type = 0;
		m_set_state(m, to, restart ? M_RESTART : M_INACTIVE);
	}
	if (to->t->context && m_runnable(to))
		m_possible_switch(m, to);
}

/* ---- endpoints ---- */

static void wait_at(struct m_model *m, struct m_object *endpoint, struct m_object *thread, enum m_state state)
{
	thread->t->waits_at = endpoint;
	m_set_state(m, thread, state);
	endpoint->sending = state == M_ON_SEND;
	m_wait_insert(m, endpoint, thread);
}

/* A thread that wants an answer: it waits for it, or, if nobody may give one, stops. */
static void want_answer(struct m_model *m, struct m_object *caller, struct m_object *callee,
			struct m_object *reply, bool allowed, bool donate)
{
	if (reply && allowed)
		m_reply_push(m, caller, callee, reply, donate);
	else
		m_set_state(m, caller, M_INACTIVE);
}

void m_send(struct m_model *m, bool blocking, bool is_call, bool can_grant, bool can_grant_reply,
	    m_word badge, bool can_donate, struct m_object *from, struct m_object *endpoint)
{
	struct m_object *to, *reply;

	if (endpoint->sending || !endpoint->queue.count) {
		if (!blocking)
			return;
		from->t->badge = badge;
		from->t->can_grant = can_grant;
		from->t->can_grant_reply = can_grant_reply;
		from->t->is_call = is_call;
		wait_at(m, endpoint, from, M_ON_SEND);
		return;
	}
	to = wait_first(m, endpoint);
	m_transfer(m, from, endpoint, badge, can_grant, to);
	reply = to->t->reply;
	if (reply)
		m_reply_unlink(m, reply);
	if (is_call || from->t->trouble.type)
		want_answer(m, from, to, reply, can_grant || can_grant_reply, can_donate);
	else if (can_donate && !to->t->context && from->t->context)
		m_context_donate(m, from->t->context, to);
	m_set_state(m, to, M_RUNNING);
	m_possible_switch(m, to);
}

static void receive_from(struct m_model *m, struct m_object *thread, struct m_object *endpoint,
			 struct m_object *reply)
{
	struct m_object *from = wait_first(m, endpoint);
	struct m_thread *f = from->t;

	m_transfer(m, from, endpoint, f->badge, f->can_grant, thread);
	if (f->is_call || f->trouble.type) {
		want_answer(m, from, thread, reply, f->can_grant || f->can_grant_reply,
			    f->context && f->trouble.type != 5);
	} else {
		m_set_state(m, from, M_RUNNING);
		m_possible_switch(m, from);
	}
}

void m_receive(struct m_model *m, struct m_object *thread, struct m_cap cap, bool blocking,
	       struct m_cap reply_cap)
{
	struct m_object *endpoint = cap.object, *bound = thread->t->bound;
	struct m_object *reply = reply_cap.kind == M_REPLY ? reply_cap.object : NULL;

	if (reply && reply->thread && reply->thread != thread)
		m_cancel(m, reply->thread);
	if (bound && bound->active) {
		m_notification_complete(m, bound, thread);
		return;
	}
	if (bound && blocking)
		m_notification_return(m, bound, thread);
	if (endpoint->queue.count && endpoint->sending) {
		receive_from(m, thread, endpoint, reply);
	} else if (blocking) {
		thread->t->reply = reply;
		if (reply) {
			m_change(m, reply);
			reply->thread = thread;
		}
		wait_at(m, endpoint, thread, M_ON_RECEIVE);
	} else {
		thread->t->reg[M_RDI] = 0;
	}
}

/* ---- giving up ---- */

void m_cancel(struct m_model *m, struct m_object *thread)
{
	struct m_thread *t = thread->t;

	m_change(m, thread);
	if (m->cancelled)
		m->cancelled[t->state]++;
	t->trouble.type = 0;
	switch (t->state) {
	case M_ON_SEND:
	case M_ON_RECEIVE:
		m_wait_remove(m, t->waits_at, thread);
		if (t->state == M_ON_RECEIVE && t->reply)
			m_reply_unlink(m, t->reply);
		m_set_state(m, thread, M_INACTIVE);
		break;
	case M_ON_NOTIFICATION:
		m_wait_remove(m, t->waits_at, thread);
		m_set_state(m, thread, M_INACTIVE);
		break;
	case M_ON_REPLY:
		reply_cancel(m, t->reply);
		break;
	default:
		break;
	}
}

static void start_again(struct m_model *m, struct m_object *thread)
{
	if (thread->t->trouble.type) {
		m_set_state(m, thread, M_INACTIVE);
		return;
	}
	m_set_state(m, thread, M_RESTART);
	m_possible_switch(m, thread);
}

void m_cancel_all(struct m_model *m, struct m_object *object)
{
	bool any = object->queue.count;

	while (object->queue.count) {
		struct m_object *thread = wait_first(m, object);

		if (m->cancelled)
			m->cancelled[thread->t->state]++;
		if (thread->t->state == M_ON_RECEIVE && thread->t->reply)
			m_reply_unlink(m, thread->t->reply);
		start_again(m, thread);
	}
	if (any)
		m_reschedule(m);
}

void m_cancel_badged(struct m_model *m, struct m_object *endpoint, m_word badge)
{
	unsigned at = 0;

	if (!endpoint->sending || !endpoint->queue.count)
		return;
	while (at < endpoint->queue.count) {
		struct m_object *thread = endpoint->queue.item[at];

		if (thread->t->badge != badge) {
			at++;
			continue;
		}
		if (m->cancelled)
			m->cancelled[M_ON_SEND]++;
		m_wait_remove(m, endpoint, thread);
		start_again(m, thread);
	}
	m_reschedule(m);
}

/* ---- notifications ---- */

static void lend(struct m_model *m, struct m_object *notification, struct m_object *thread)
{
	struct m_object *context = notification->context;

	if (!thread->t->context && context && !context->thread)
		m_context_donate(m, context, thread);
}

void m_notification_return(struct m_model *m, struct m_object *notification, struct m_object *thread)
{
	if (notification->context && notification->context == thread->t->context)
		m_context_unbind(m, notification->context);
}

static void wake(struct m_model *m, struct m_object *notification, struct m_object *thread, m_word badge)
{
	m_set_state(m, thread, M_RUNNING);
	thread->t->reg[M_RDI] = badge;
	lend(m, notification, thread);
	if (m_schedulable(thread))
		m_possible_switch(m, thread);
}

void m_signal(struct m_model *m, struct m_object *notification, m_word badge)
{
	struct m_object *bound = notification->bound;

	m_change(m, notification);
	if (notification->queue.count) {
		wake(m, notification, wait_first(m, notification), badge);
	} else if (!notification->active && bound && bound->t->state == M_ON_RECEIVE) {
		m_cancel(m, bound);
		wake(m, notification, bound, badge);
	} else {
		notification->word = notification->active ? notification->word | badge : badge;
		notification->active = true;
	}
}

bool m_notification_complete(struct m_model *m, struct m_object *notification, struct m_object *thread)
{
	if (!notification->active)
		return false;
	m_change(m, notification);
	m_change(m, thread);
	thread->t->reg[M_RDI] = notification->word;
	notification->active = false;
	lend(m, notification, thread);
	return true;
}

void m_wait(struct m_model *m, struct m_object *thread, struct m_object *notification, bool blocking)
{
	if (m_notification_complete(m, notification, thread))
		return;
	if (!blocking) {
		thread->t->reg[M_RDI] = 0;
		return;
	}
	thread->t->waits_at = notification;
	m_set_state(m, thread, M_ON_NOTIFICATION);
	m_wait_insert(m, notification, thread);
	m_notification_return(m, notification, thread);
}
