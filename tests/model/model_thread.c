/* tests/model/model_thread.c - what may be done to a thread. See model.h. */
#include "tests/model/model.h"
#include <string.h>

enum {
	READ_REGISTERS = 2,
	WRITE_REGISTERS,
	COPY_REGISTERS,
	CONFIGURE,
	SET_PRIORITY,
	SET_MCP,
	SET_SCHED_PARAMS,
	SET_TIMEOUT_ENDPOINT,
	SET_IPC_BUFFER,
	SET_SPACE,
	SUSPEND,
	RESUME,
	BIND_NOTIFICATION,
	UNBIND_NOTIFICATION,
	SET_TLS_BASE,
	SET_FLAGS
};
enum { ERR_ILLEGAL = 3, ERR_ALIGNMENT = 5, ERR_TRUNCATED = 7, FRAME_REGISTERS = 18 };

void m_suspend(struct m_model *m, struct m_object *thread)
{
	struct m_thread *t = thread->t;

	m_cancel(m, thread);
	if (t->state == M_RUNNING)
		t->reg[M_RIP] = t->next_ip;
	m_set_state(m, thread, M_INACTIVE);
	m_ready_remove(m, thread);
	m_yield_cancel(m, thread);
}

static void resume(struct m_model *m, struct m_object *thread)
{
	if (thread->t->state != M_INACTIVE && !m_blocked(thread))
		return;
	m_cancel(m, thread);
	m_set_state(m, thread, M_RESTART);
	if (m_schedulable(thread))
		m_possible_switch(m, thread);
}

/* ---- registers ---- */

static m_word sanitised(unsigned reg, m_word value)
{
	const m_word top = 0x00007fffffffffff;

	if ((reg == M_RIP || reg == M_FS || reg == M_GS) && value > top && value < 0xffff800000000000)
		return 0;
	if (reg == M_RFLAGS)
		return (((value | 2) & ~(m_word)0x28) | 0x200) & ~(m_word)0x100 & 0xfff;
	return value;
}

/* The registers that the thread's own call would load when it goes on. */
static void changed_current(struct m_model *m, struct m_object *thread)
{
	m_change(m, thread);
	if (thread == m->current)
		m_reschedule(m);
}

static enum m_result write_registers(struct m_model *m, struct m_request *r)
{
	struct m_object *thread = r->cap.object;
	m_word flags, count;

	if (r->length < 2)
		return m_fail(m, ERR_TRUNCATED);
	flags = m_argument(m, r, 0);
	count = m_argument(m, r, 1);
	if (r->length - 2 < count)
		return m_fail(m, ERR_TRUNCATED);
	if (thread == m->current)
		return m_fail(m, ERR_ILLEGAL);
	for (unsigned i = 0; i < count && i < M_REGISTERS; i++)
		thread->t->reg[i] = sanitised(i, m_argument(m, r, i + 2));
	thread->t->next_ip = thread->t->reg[M_RIP];
	m_change(m, thread);
	if (flags & 1)
		resume(m, thread);
	return M_OK;
}

static enum m_result read_registers(struct m_model *m, struct m_request *r)
{
	struct m_object *thread = r->cap.object;
	m_word flags, count, words[M_REGISTERS];

	if (r->length < 2)
		return m_fail(m, ERR_TRUNCATED);
	flags = m_argument(m, r, 0);
	count = m_argument(m, r, 1);
	if (count < 1 || count > M_REGISTERS)
		return m_fail_range(m, 1, M_REGISTERS);
	if (thread == m->current)
		return m_fail(m, ERR_ILLEGAL);
	if (flags & 1)
		m_suspend(m, thread);
	memcpy(words, thread->t->reg, sizeof(words));
	m_answer(m, r, (unsigned)count, words);
	return M_OK;
}

static enum m_result copy_registers(struct m_model *m, struct m_request *r)
{
	struct m_object *to = r->cap.object, *from;
	struct m_cap cap;
	m_word flags;

	if (r->length < 1 || !m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	flags = m_argument(m, r, 0);
	cap = m_slot_cap(m->extra[0]);
	if (cap.kind != M_THREAD)
		return m_fail_cap(m, 1);
	from = cap.object;
	if (flags & 1)
		m_suspend(m, from);
	if (flags & 2)
		resume(m, to);
	if (flags & 4) {
		memcpy(to->t->reg, from->t->reg, FRAME_REGISTERS * sizeof(m_word));
		to->t->next_ip = to->t->reg[M_RIP];
	}
	if (flags & 8)
		memcpy(to->t->reg + FRAME_REGISTERS, from->t->reg + FRAME_REGISTERS, 2 * sizeof(m_word));
	changed_current(m, to);
	return M_OK;
}

/* ---- priorities ---- */

static enum m_result allowed_priority(struct m_model *m, m_word priority, struct m_object *authority)
{
	return priority > authority->t->mcp ? m_fail_range(m, 0, authority->t->mcp) : M_OK;
}

static enum m_result set_priority(struct m_model *m, struct m_request *r)
{
	struct m_cap authority;
	m_word priority;

	if (r->length < 1 || !m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	priority = m_argument(m, r, 0);
	authority = m_slot_cap(m->extra[0]);
	if (authority.kind != M_THREAD)
		return m_fail_cap(m, 1);
	if (allowed_priority(m, priority, authority.object) != M_OK)
		return M_ERROR;
	m_change(m, r->cap.object);
	if (r->label == SET_MCP)
		r->cap.object->t->mcp = (unsigned)priority;
	else
		m_set_priority(m, r->cap.object, (unsigned)priority);
	return M_OK;
}

/* ---- the capabilities in a thread's own slots ---- */

static bool is_handler(struct m_cap cap)
{
	return cap.kind == M_NULL ||
	       (cap.kind == M_ENDPOINT && cap.rights & M_WRITE && cap.rights & (M_GRANT | M_GRANT_REPLY));
}

/* `cap`, made from what is in `source`, goes into a slot of the thread's; but not if the emptying of that slot took the
 * source, or the thread itself, along. */
static enum m_result install(struct m_model *m, struct m_request *r, unsigned index, struct m_cap cap,
			     struct m_slot *source)
{
	struct m_slot *slot = &r->cap.object->slot[index];

	if (m_delete(m, slot, true) != M_OK)
		return M_PREEMPTED;
	if (source && m_same_object(cap, m_slot_cap(source)) && m_same_object(r->cap, m_slot_cap(r->slot)))
		m_node_derived(m, source, slot, cap);
	return M_OK;
}

static enum m_result check_buffer(struct m_model *m, m_word address, struct m_slot *slot, struct m_cap *cap)
{
	enum m_result result;

	*cap = (struct m_cap){0};
	if (!address)
		return M_OK;
	result = m_derive(m, slot, m_slot_cap(slot), cap);
	if (result != M_OK)
		return result;
	if (cap->kind != M_FRAME || cap->device)
		return m_fail(m, ERR_ILLEGAL);
	return address & 1023 ? m_fail(m, ERR_ALIGNMENT) : M_OK;
}

static enum m_result install_buffer(struct m_model *m, struct m_request *r, m_word address, struct m_cap cap,
				    struct m_slot *source)
{
	struct m_object *thread = r->cap.object;
	struct m_slot *slot = &thread->slot[M_BUFFER];

	if (m_delete(m, slot, true) != M_OK)
		return M_PREEMPTED;
	thread->t->buffer = address;
	m_change(m, thread);
	if (address && m_same_object(cap, m_slot_cap(source)) && m_same_object(r->cap, m_slot_cap(r->slot)))
		m_node_derived(m, source, slot, cap);
	if (thread == m->current)
		m_reschedule(m);
	return M_OK;
}

static bool is_long_delete(const struct m_slot *slot)
{
	struct m_cap cap = m_slot_cap(slot);

	return (cap.kind == M_THREAD || cap.kind == M_ZOMBIE || cap.kind == M_CNODE) &&
	       cap.object->holders == 1;
}

static enum m_result space_cap(struct m_model *m, struct m_slot *slot, m_word data, enum m_kind kind,
			       struct m_cap *cap)
{
	enum m_result result;

	*cap = m_slot_cap(slot);
	if (data)
		*cap = m_update(false, data, *cap);
	result = m_derive(m, slot, *cap, cap);
	if (result != M_OK)
		return result;
	return cap->kind != kind ? m_fail(m, ERR_ILLEGAL) : M_OK;
}

static enum m_result check_space(struct m_model *m, struct m_request *r, struct m_slot *cspace,
				 struct m_slot *vspace, struct m_cap *cspace_cap, struct m_cap *vspace_cap)
{
	struct m_object *thread = r->cap.object;
	enum m_result result;

	if (is_long_delete(&thread->slot[M_CSPACE]) || is_long_delete(&thread->slot[M_VSPACE]))
		return m_fail(m, ERR_ILLEGAL);
	result = space_cap(m, cspace, m_argument(m, r, 0), M_CNODE, cspace_cap);
	if (result == M_OK)
		result = space_cap(m, vspace, m_argument(m, r, 1), M_PML4, vspace_cap);
	return result;
}

static enum m_result configure(struct m_model *m, struct m_request *r)
{
	struct m_slot *cspace = m->extra[0], *vspace = m->extra[1], *frame = m->extra[2];
	struct m_cap cspace_cap, vspace_cap, frame_cap;
	m_word address;

	if (r->length < 3 || !cspace || !vspace || !frame)
		return m_fail(m, ERR_TRUNCATED);
	address = m_argument(m, r, 2);
	if (check_buffer(m, address, frame, &frame_cap) != M_OK ||
	    check_space(m, r, cspace, vspace, &cspace_cap, &vspace_cap) != M_OK)
		return M_ERROR;
	if (install(m, r, M_CSPACE, cspace_cap, cspace) != M_OK ||
	    install(m, r, M_VSPACE, vspace_cap, vspace) != M_OK ||
	    install_buffer(m, r, address, frame_cap, frame) != M_OK)
		return M_PREEMPTED;
	return M_OK;
}

static enum m_result set_space(struct m_model *m, struct m_request *r)
{
	struct m_slot *handler = m->extra[0], *cspace = m->extra[1], *vspace = m->extra[2];
	struct m_cap cspace_cap, vspace_cap, handler_cap;

	if (r->length < 2 || !handler || !cspace || !vspace)
		return m_fail(m, ERR_TRUNCATED);
	handler_cap = m_slot_cap(handler);
	if (check_space(m, r, cspace, vspace, &cspace_cap, &vspace_cap) != M_OK)
		return M_ERROR;
	if (!is_handler(handler_cap))
		return m_fail_cap(m, 1);
	if (install(m, r, M_FAULT_HANDLER, handler_cap, handler) != M_OK ||
	    install(m, r, M_CSPACE, cspace_cap, cspace) != M_OK ||
	    install(m, r, M_VSPACE, vspace_cap, vspace) != M_OK)
		return M_PREEMPTED;
	return M_OK;
}

static enum m_result set_ipc_buffer(struct m_model *m, struct m_request *r)
{
	struct m_slot *frame = m->extra[0];
	struct m_cap cap;
	m_word address;

	if (r->length < 1 || !frame)
		return m_fail(m, ERR_TRUNCATED);
	address = m_argument(m, r, 0);
	if (check_buffer(m, address, frame, &cap) != M_OK)
		return M_ERROR;
	return install_buffer(m, r, address, cap, frame);
}

static enum m_result set_timeout_endpoint(struct m_model *m, struct m_request *r)
{
	struct m_slot *handler = m->extra[0];

	if (!handler)
		return m_fail(m, ERR_TRUNCATED);
	if (!is_handler(m_slot_cap(handler)))
		return m_fail_cap(m, 1);
	return install(m, r, M_TIMEOUT_HANDLER, m_slot_cap(handler), handler);
}

static enum m_result check_sched_context(struct m_model *m, struct m_object *thread, struct m_cap cap)
{
	if (cap.kind == M_NULL)
		return thread == m->current ? m_fail(m, ERR_ILLEGAL) : M_OK;
	if (cap.kind != M_CONTEXT)
		return m_fail_cap(m, 2);
	if (thread->t->context || cap.object->thread || (m_blocked(thread) && !cap.object->configured))
		return m_fail(m, ERR_ILLEGAL);
	return M_OK;
}

static enum m_result set_sched_params(struct m_model *m, struct m_request *r)
{
	struct m_object *thread = r->cap.object;
	struct m_cap authority, context, handler;
	struct m_slot *handler_slot = m->extra[2];
	m_word mcp, priority;

	if (r->length < 2 || !m->extra[0] || !m->extra[1] || !m->extra[2])
		return m_fail(m, ERR_TRUNCATED);
	mcp = m_argument(m, r, 0);
	priority = m_argument(m, r, 1);
	authority = m_slot_cap(m->extra[0]);
	context = m_slot_cap(m->extra[1]);
	handler = m_slot_cap(m->extra[2]);
	if (authority.kind != M_THREAD)
		return m_fail_cap(m, 1);
	if (allowed_priority(m, mcp, authority.object) != M_OK ||
	    allowed_priority(m, priority, authority.object) != M_OK ||
	    check_sched_context(m, thread, context) != M_OK)
		return M_ERROR;
	if (!is_handler(handler))
		return m_fail_cap(m, 3);
	if (install(m, r, M_FAULT_HANDLER, handler, handler_slot) != M_OK)
		return M_PREEMPTED;
	m_change(m, thread);
	thread->t->mcp = (unsigned)mcp;
	m_set_priority(m, thread, (unsigned)priority);
	if (context.object && context.object != thread->t->context)
		m_context_bind(m, context.object, thread);
	else if (!context.object && thread->t->context)
		m_context_unbind(m, thread->t->context);
	return M_OK;
}

/* ---- the rest ---- */

static enum m_result bind_notification(struct m_model *m, struct m_request *r)
{
	struct m_object *thread = r->cap.object;
	struct m_cap cap;

	if (!m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	cap = m_slot_cap(m->extra[0]);
	if (thread->t->bound || cap.kind != M_NOTIFICATION || !(cap.rights & M_READ) ||
	    cap.object->queue.count || cap.object->bound)
		return m_fail(m, ERR_ILLEGAL);
	m_change(m, thread);
	m_change(m, cap.object);
	thread->t->bound = cap.object;
	cap.object->bound = thread;
	return M_OK;
}

static enum m_result unbind_notification(struct m_model *m, struct m_object *thread)
{
	if (!thread->t->bound)
		return m_fail(m, ERR_ILLEGAL);
	m_change(m, thread);
	m_change(m, thread->t->bound);
	thread->t->bound->bound = NULL;
	thread->t->bound = NULL;
	return M_OK;
}

static enum m_result set_tls_base(struct m_model *m, struct m_request *r)
{
	if (r->length < 1)
		return m_fail(m, ERR_TRUNCATED);
	r->cap.object->t->reg[M_FS] = sanitised(M_FS, m_argument(m, r, 0));
	changed_current(m, r->cap.object);
	return M_OK;
}

static enum m_result set_flags(struct m_model *m, struct m_request *r)
{
	struct m_thread *t = r->cap.object->t;
	m_word flags;

	if (r->length < 2)
		return m_fail(m, ERR_TRUNCATED);
	flags = (t->flags & ~m_argument(m, r, 0)) | (m_argument(m, r, 1) & 1);
	t->flags = (unsigned)flags;
	m_change(m, r->cap.object);
	m_answer(m, r, 1, &flags);
	return M_OK;
}

enum m_result m_thread_invoke(struct m_model *m, struct m_request *r)
{
	switch (r->label) {
	case READ_REGISTERS:
		return read_registers(m, r);
	case WRITE_REGISTERS:
		return write_registers(m, r);
	case COPY_REGISTERS:
		return copy_registers(m, r);
	case CONFIGURE:
		return configure(m, r);
	case SET_PRIORITY:
	case SET_MCP:
		return set_priority(m, r);
	case SET_SCHED_PARAMS:
		return set_sched_params(m, r);
	case SET_TIMEOUT_ENDPOINT:
		return set_timeout_endpoint(m, r);
	case SET_IPC_BUFFER:
		return set_ipc_buffer(m, r);
	case SET_SPACE:
		return set_space(m, r);
	case SUSPEND:
		m_suspend(m, r->cap.object);
		return M_OK;
	case RESUME:
		resume(m, r->cap.object);
		return M_OK;
	case BIND_NOTIFICATION:
		return bind_notification(m, r);
	case UNBIND_NOTIFICATION:
		return unbind_notification(m, r->cap.object);
	case SET_TLS_BASE:
		return set_tls_base(m, r);
	case SET_FLAGS:
		return set_flags(m, r);
	default:
		return m_fail(m, ERR_ILLEGAL);
	}
}
