/* tests/model/model_delete.c - what goes when a capability goes. See model.h.
 *
 * The last capability of an object takes the object with it. CNodes and threads hold capabilities themselves: theirs
 * becomes a zombie, which empties them from the last slot on, and may be preempted between any two. */
#include "tests/model/model.h"
#include <stdlib.h>

/* After each unit of work: is it time to look for an interrupt, and is there one? */
bool m_preempt(struct m_model *m)
{
	if (++m->units < M_PREEMPT_UNITS)
		return false;
	m->units = 0;
	/* Who has destroyed the context that it runs on stops there. */
	if (m->charged && !m->charged->configured)
		return true;
	m->preempted = m->pending && m->pending(m->pending_context);
	return m->preempted;
}

static struct m_cap nothing(void) { return (struct m_cap){0}; }

static struct m_cap zombie_of(struct m_object *object, unsigned left)
{
	return (struct m_cap){.kind = M_ZOMBIE, .object = object, .left = left, .bits = object->bits};
}

static void end_reply(struct m_model *m, struct m_object *reply)
{
	if (!reply->thread)
		return;
	if (reply->thread->t->state == M_ON_REPLY)
		m_reply_remove(m, reply);
	else
		m_cancel(m, reply->thread);
}

static void end_notification(struct m_model *m, struct m_object *notification)
{
	m_change(m, notification);
	if (notification->context)
		m_context_unbind_notification(m, notification->context);
	if (notification->bound) {
		m_change(m, notification->bound);
		notification->bound->t->bound = NULL;
		notification->bound = NULL;
	}
	m_cancel_all(m, notification);
}

static void end_context(struct m_model *m, struct m_object *context)
{
	m_change(m, context);
	if (context->thread)
		m_context_unbind(m, context);
	m_context_unbind_notification(m, context);
	if (context->top) {
		m_change(m, context->top);
		context->top->above = NULL;
		context->top = NULL;
	}
	if (context->yielder)
		m_yield_complete(m, context->yielder);
	context->configured = false;
}

static void end_thread(struct m_model *m, struct m_object *thread)
{
	struct m_thread *t = thread->t;

	m_change(m, thread);
	if (t->bound) {
		m_change(m, t->bound);
		t->bound->bound = NULL;
		t->bound = NULL;
	}
	if (t->context) {
		if (t->context->yielder)
			m_yield_complete(m, t->context->yielder);
		m_context_unbind(m, t->context);
	}
	m_suspend(m, thread);
}

/* What is left of a capability that is to go; `last` is the last of its object. */
static struct m_cap finalise(struct m_model *m, struct m_cap cap, bool last, bool *free_irq)
{
	*free_irq = false;
	if (cap.kind == M_ZOMBIE)
		return cap;
	if (cap.kind == M_IRQ_HANDLER) {
		struct m_slot *slot = &m->irq_node->slot[cap.base];

		if (last) {
			m_delete_now(m, slot);
			*free_irq = true;
		}
		return nothing();
	}
	m_space_deleted(m, cap, last);
	if (!last)
		return nothing();
	switch (cap.kind) {
	case M_ENDPOINT:
		m_cancel_all(m, cap.object);
		break;
	case M_NOTIFICATION:
		end_notification(m, cap.object);
		break;
	case M_REPLY:
		end_reply(m, cap.object);
		break;
	case M_CONTEXT:
		end_context(m, cap.object);
		break;
	case M_THREAD:
		end_thread(m, cap.object);
		return zombie_of(cap.object, M_TCB_SLOTS);
	case M_CNODE:
		return zombie_of(cap.object, 1u << cap.object->bits);
	default:
		break;
	}
	return nothing();
}

/* Interrupt handlers are no objects: the same for as many as name the same interrupt. */
static bool is_last(const struct m_node *node)
{
	if (node->cap.kind == M_IRQ_HANDLER) {
		if (node->cap.left) /* not used by handlers */
			abort();
		return !(node->prev && m_same_object(node->prev->cap, node->cap)) &&
		       !(node->next && m_same_object(node->next->cap, node->cap)) && !node->first &&
		       !(node->parent && m_same_object(node->parent->cap, node->cap));
	}
	return node->cap.object && node->cap.object->holders == 1;
}

static void empty(struct m_model *m, struct m_slot *slot, bool free_irq)
{
	m_word irq;

	if (!slot->node)
		return;
	irq = slot->node->cap.base;
	m_node_remove(m, slot);
	if (free_irq)
		m_irq_free(m, (unsigned)irq);
}

static bool is_gone(struct m_cap rest, const struct m_slot *slot)
{
	return rest.kind == M_NULL || rest.left == 0 || (rest.left == 1 && slot == &rest.object->slot[0]);
}

/* One step: a slot of the zombie's is emptied; or, when only the way through it matters, the zombie goes down into it. */
static enum m_result reduce(struct m_model *m, struct m_slot *slot, bool exposed)
{
	struct m_cap zombie = m_slot_cap(slot), now;

	if (!exposed) {
		m_node_swap(m, &zombie.object->slot[0], slot);
		return M_OK;
	}
	if (m_delete(m, &zombie.object->slot[zombie.left - 1], false) != M_OK)
		return M_PREEMPTED;
	now = m_slot_cap(slot);
	if (now.kind == M_ZOMBIE && now.object == zombie.object && now.left == zombie.left) {
		now.left--;
		m_node_become(m, slot, now);
	}
	return M_OK;
}

enum m_result m_delete(struct m_model *m, struct m_slot *slot, bool exposed)
{
	bool free_irq = false;

	while (slot->node) {
		struct m_cap rest = finalise(m, slot->node->cap, is_last(slot->node), &free_irq);

		if (is_gone(rest, slot)) {
			empty(m, slot, free_irq);
			return M_OK;
		}
		if (slot->node->cap.kind != M_ZOMBIE)
			m_node_become(m, slot, rest);
		if (!exposed && slot == &rest.object->slot[0])
			return M_OK; /* it holds itself: whoever empties it goes on */
		if (reduce(m, slot, exposed) != M_OK || m_preempt(m))
			return M_PREEMPTED;
	}
	return M_OK;
}

void m_delete_now(struct m_model *m, struct m_slot *slot)
{
	bool free_irq;

	if (!slot->node)
		return;
	(void)finalise(m, slot->node->cap, is_last(slot->node), &free_irq);
	empty(m, slot, false);
}

enum m_result m_revoke(struct m_model *m, struct m_slot *slot)
{
	while (slot->node && slot->node->first) {
		if (m_delete(m, slot->node->first->slot, true) != M_OK || m_preempt(m))
			return M_PREEMPTED;
	}
	return M_OK;
}
