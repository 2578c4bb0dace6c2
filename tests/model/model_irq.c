/* tests/model/model_irq.c - interrupts and domains. See model.h. */
#include "tests/model/model.h"

enum { ERR_ILLEGAL = 3, ERR_TRUNCATED = 7, ERR_DELETE_FIRST = 8, ERR_REVOKE_FIRST = 9 };
enum { GET = 26, ACK, SET, CLEAR, DOMAIN_SET, SCHEDULE_CONFIGURE, SCHEDULE_START, GET_IOAPIC = 57, GET_MSI };
enum { IRQ_RESERVED, IRQ_INACTIVE, IRQ_LINE, IRQ_MESSAGE };
enum { OPEN, MASKED, MASKED_AND_PENDING };
enum { USER_VECTORS = 108, FIRST_USER_IRQ = 16 };

static bool is_active(const struct m_model *m, unsigned irq)
{
	return m->irq_state[irq] == IRQ_LINE || m->irq_state[irq] == IRQ_MESSAGE;
}

static void deliver(struct m_model *m, unsigned irq)
{
	struct m_cap cap;

	if (irq >= M_IRQS || !is_active(m, irq))
		return;
	if (m->irq_mask[irq] != OPEN) {
		m->irq_mask[irq] = MASKED_AND_PENDING;
		return;
	}
	cap = m_slot_cap(&m->irq_node->slot[irq]);
	if (cap.kind == M_NOTIFICATION && cap.rights & M_WRITE)
		m_signal(m, cap.object, cap.badge);
	if (m->irq_state[irq] == IRQ_LINE)
		m->irq_mask[irq] = MASKED;
}

void m_interrupt(struct m_model *m, unsigned irq)
{
	m->step++;
	m->touched_count = m->changed_count = 0;
	m_change(m, m->current);
	deliver(m, irq);
	m_schedule(m);
}

void m_irq_free(struct m_model *m, unsigned irq)
{
	m->irq_state[irq] = IRQ_INACTIVE;
	m->irq_mask[irq] = MASKED;
}

enum m_result m_irq_control_invoke(struct m_model *m, struct m_request *r)
{
	static const m_word most[2][4] = {{0, 23, 1, 1}, {255, 31, 7, ~(m_word)0}};
	struct m_slot *slot;
	enum m_result result;
	m_word vector;
	unsigned irq;

	if (r->label == GET)
		return m_fail(m, r->length < 3 || !m->extra[0] ? ERR_TRUNCATED : ERR_ILLEGAL);
	if (r->label != GET_IOAPIC && r->label != GET_MSI)
		return m_fail(m, ERR_ILLEGAL);
	if (r->length < 7 || !m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	vector = m_argument(m, r, 6);
	if (vector >= USER_VECTORS)
		return m_fail_range(m, 0, USER_VECTORS - 1);
	irq = (unsigned)vector + FIRST_USER_IRQ;
	if (m->irq_state[irq] != IRQ_INACTIVE)
		return m_fail(m, ERR_REVOKE_FIRST);
	result = m_lookup_target(m, false, m_slot_cap(m->extra[0]), m_argument(m, r, 0), m_argument(m, r, 1),
				 &slot);
	if (result != M_OK)
		return result;
	if (slot->node)
		return m_fail(m, ERR_DELETE_FIRST);
	for (unsigned i = 0; i < 4; i++)
		if (m_argument(m, r, 2 + i) > most[r->label == GET_MSI][i])
			return m_fail_range(m, 0, most[r->label == GET_MSI][i]);
	m->irq_state[irq] = r->label == GET_MSI ? IRQ_MESSAGE : IRQ_LINE;
	m->irq_mask[irq] = OPEN;
	m_node_derived(m, r->slot, slot, (struct m_cap){.kind = M_IRQ_HANDLER, .base = irq});
	return M_OK;
}

static enum m_result set_handler(struct m_model *m, unsigned irq)
{
	struct m_slot *source = m->extra[0];
	struct m_cap cap;

	if (!source)
		return m_fail(m, ERR_TRUNCATED);
	cap = m_slot_cap(source);
	if (cap.kind != M_NOTIFICATION || !(cap.rights & M_WRITE))
		return m_fail_cap(m, 0);
	m_delete_now(m, &m->irq_node->slot[irq]);
	m_node_derived(m, source, &m->irq_node->slot[irq], cap);
	return M_OK;
}

enum m_result m_irq_handler_invoke(struct m_model *m, struct m_request *r)
{
	unsigned irq = (unsigned)r->cap.base;
	bool was_pending = m->irq_mask[irq] == MASKED_AND_PENDING;

	switch (r->label) {
	case ACK:
		m->irq_mask[irq] = OPEN;
		if (was_pending)
			deliver(m, irq);
		return M_OK;
	case SET:
		return set_handler(m, irq);
	case CLEAR:
		m_delete_now(m, &m->irq_node->slot[irq]);
		return M_OK;
	default:
		return m_fail(m, ERR_ILLEGAL);
	}
}

/* ---- domains ---- */

static bool is_end(const struct m_model *m, m_word index)
{
	return !m->schedule[index].domain && !m->schedule[index].duration;
}

static enum m_result domain_set(struct m_model *m, struct m_request *r)
{
	struct m_object *thread;
	m_word domain;

	if (r->length < 1)
		return m_fail(m, ERR_TRUNCATED);
	domain = m_argument(m, r, 0);
	if (domain >= 4)
		return m_fail_argument(m, 0);
	if (!m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	if (m_slot_cap(m->extra[0]).kind != M_THREAD)
		return m_fail_argument(m, 1);
	thread = m_slot_cap(m->extra[0]).object;
	m_ready_remove(m, thread);
	thread->t->domain = (unsigned)domain;
	m_change(m, thread);
	if (m_schedulable(thread))
		m_ready_first(m, thread);
	if (thread == m->current)
		m_reschedule(m);
	return M_OK;
}

static enum m_result schedule_configure(struct m_model *m, struct m_request *r)
{
	m_word index, domain, duration;

	if (r->length < 3)
		return m_fail(m, ERR_TRUNCATED);
	index = m_argument(m, r, 0);
	domain = m_argument(m, r, 1);
	duration = m_argument(m, r, 2);
	if (index >= M_SCHEDULE - 1)
		return m_fail_range(m, 0, M_SCHEDULE - 2);
	if (domain >= 4)
		return m_fail_range(m, 0, 3);
	if (duration >> 56)
		return m_fail_argument(m, 2);
	if (!duration && domain)
		return m_fail_argument(m, 1);
	if (!duration && index == m->schedule_start)
		return m_fail_argument(m, 2);
	m->schedule[index].domain = (unsigned)domain;
	m->schedule[index].duration = duration;
	return M_OK;
}

static enum m_result schedule_start(struct m_model *m, struct m_request *r)
{
	m_word index;

	if (r->length < 1)
		return m_fail(m, ERR_TRUNCATED);
	index = m_argument(m, r, 0);
	if (index >= M_SCHEDULE)
		return m_fail_range(m, 0, M_SCHEDULE - 1);
	if (is_end(m, index))
		return m_fail_argument(m, 0);
	m->schedule_start = (unsigned)index;
	m->schedule_at = M_SCHEDULE;
	m->domain_over = true;
	m_reschedule(m);
	return M_OK;
}

enum m_result m_domain_invoke(struct m_model *m, struct m_request *r)
{
	switch (r->label) {
	case DOMAIN_SET:
		return domain_set(m, r);
	case SCHEDULE_CONFIGURE:
		return schedule_configure(m, r);
	case SCHEDULE_START:
		return schedule_start(m, r);
	default:
		return m_fail(m, ERR_ILLEGAL);
	}
}
