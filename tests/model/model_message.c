/* tests/model/model_message.c - what goes from one thread to another. See model.h. */
#include "tests/model/model.h"
#include <string.h>

static const unsigned char mr_register[4] = {M_R10, M_R8, M_R9, M_R15};

/* The 1024 bytes at which the kernel sees a thread's IPC buffer: its frame must be writable, or for reading readable. */
m_word *m_buffer(struct m_model *m, struct m_object *thread, bool writing)
{
	struct m_cap cap = m_slot_cap(&thread->slot[M_BUFFER]);
	m_word within = thread->t->buffer;

	if (cap.kind != M_FRAME || cap.device)
		return NULL;
	if (!(cap.rights & M_READ) || (writing && !(cap.rights & M_WRITE)))
		return NULL;
	if (writing)
		m_change(m, cap.object);
	if (!cap.object->memory)
		cap.object->memory = m_take(m, (size_t)1 << cap.object->bits);
	return (m_word *)(void *)(cap.object->memory + (within & (((m_word)1 << cap.object->bits) - 1)));
}

m_word m_argument(struct m_model *m, const struct m_request *r, unsigned i)
{
	if (i < 4)
		return r->caller->t->reg[mr_register[i]];
	return m_buffer(m, r->caller, false)[1 + i];
}

/* How long the message is with it. */
unsigned m_set_mr(struct m_model *m, struct m_object *thread, unsigned i, m_word value)
{
	m_word *buffer;

	m_change(m, thread);
	if (i < 4) {
		thread->t->reg[mr_register[i]] = value;
		return i + 1;
	}
	buffer = m_buffer(m, thread, true);
	if (!buffer)
		return 4;
	buffer[1 + i] = value;
	return i + 1;
}

void m_answer(struct m_model *m, struct m_request *r, unsigned count, const m_word *words)
{
	unsigned length = 0;

	r->answered = true;
	if (!r->is_call)
		return;
	for (unsigned i = 0; i < count; i++)
		length = m_set_mr(m, r->caller, i, words[i]);
	r->caller->t->reg[M_RDI] = 0;
	r->caller->t->reg[M_RSI] = m_info(0, 0, 0, length);
}

/* ---- messages ---- */

/* The capabilities in m->extra. One is received at most; those to the endpoint itself come as their badges. */
static m_word give_caps(struct m_model *m, m_word info, struct m_object *endpoint, struct m_object *to)
{
	m_word *buffer = m_buffer(m, to, true);
	struct m_slot *slot = NULL;
	unsigned unwrapped = 0, count = 0;

	if (m->extra[0] && buffer) {
		if (!m_receive_slot(m, to, &slot))
			slot = NULL;
		for (; count < 3 && m->extra[count]; count++) {
			struct m_cap cap = m_slot_cap(m->extra[count]);

			if (cap.kind == M_ENDPOINT && cap.object == endpoint) {
				buffer[122 + count] = cap.badge;
				unwrapped |= 1u << count;
				continue;
			}
			if (!slot || m_derive(m, m->extra[count], cap, &cap) != M_OK || cap.kind == M_NULL)
				break;
			m_node_derived(m, m->extra[count], slot, cap);
			slot = NULL;
		}
	}
	return m_info(m_info_label(info), unwrapped, count, 0);
}

static unsigned copy_words(struct m_model *m, struct m_object *from, struct m_object *to, unsigned length)
{
	const m_word *source = m_buffer(m, from, false);
	m_word *target = m_buffer(m, to, true);
	unsigned i;

	for (i = 0; i < length && i < 4; i++)
		to->t->reg[mr_register[i]] = from->t->reg[mr_register[i]];
	if (!source || !target)
		return i;
	for (; i < length; i++)
		target[1 + i] = source[1 + i];
	return i;
}

/* ---- faults ---- */

static const unsigned char unknown_syscall[18] = {M_RAX, M_RBX, M_RCX, M_RDX, M_RSI, M_RDI,
						  M_RBP, M_R8,  M_R9,  M_R10, M_R11, M_R12,
						  M_R13, M_R14, M_R15, M_RIP, M_RSP, M_RFLAGS};
static const unsigned char user_exception[3] = {M_RIP, M_RSP, M_RFLAGS};
/* All 20 registers are in the answer to a timeout, in the order of seL4_UserContext. */

unsigned m_put_failure(struct m_model *m, struct m_object *to, struct m_failure failure, unsigned at)
{
	unsigned length = m_set_mr(m, to, at, failure.type);

	if (failure.type >= 2)
		length = m_set_mr(m, to, at + 1, failure.bits_left);
	if (failure.type == 3)
		length = m_set_mr(m, to, at + 2, failure.bits_found);
	if (failure.type == 4) {
		m_set_mr(m, to, at + 2, failure.guard);
		length = m_set_mr(m, to, at + 3, failure.bits_found);
	}
	return length;
}

static unsigned put_registers(struct m_model *m, struct m_object *from, struct m_object *to,
			      const unsigned char *which, unsigned count)
{
	unsigned length = 0;

	for (unsigned i = 0; i < count; i++)
		length = m_set_mr(m, to, i, from->t->reg[which[i]]);
	return length;
}

static unsigned put_fault(struct m_model *m, struct m_object *from, struct m_object *to)
{
	const struct m_trouble *trouble = &from->t->trouble;
	unsigned length;

	switch (trouble->type) {
	case 1: /* CapFault */
		m_set_mr(m, to, 0, from->t->reg[M_RIP]);
		m_set_mr(m, to, 1, trouble->address);
		m_set_mr(m, to, 2, trouble->in_receive);
		return m_put_failure(m, to, trouble->lookup, 3);
	case 2: /* UnknownSyscall */
		put_registers(m, from, to, unknown_syscall, 18);
		return m_set_mr(m, to, 18, trouble->address);
	case 3: /* UserException */
		length = put_registers(m, from, to, user_exception, 3);
		m_set_mr(m, to, length, trouble->address);
		return m_set_mr(m, to, length + 1, trouble->code);
	case 6: /* VMFault */
		m_set_mr(m, to, 0, from->t->reg[M_RIP]);
		m_set_mr(m, to, 1, trouble->address);
		m_set_mr(m, to, 2, trouble->prefetch);
		return m_set_mr(m, to, 3, trouble->code);
	default:
		return 0;
	}
}

static m_word clean(unsigned reg, m_word value)
{
	const m_word top = 0x00007fffffffffff;

	if (reg == M_RIP && value > top && value < 0xffff800000000000)
		return 0;
	if (reg == M_RFLAGS)
		return (((value | 2) & ~(m_word)0x28) | 0x200) & ~(m_word)0x100 & 0xfff;
	return value;
}

static void take_registers(struct m_model *m, struct m_object *from, struct m_object *to,
			   const unsigned char *which, unsigned count)
{
	const m_word *buffer = m_buffer(m, from, false);
	unsigned length = m_info_length(from->t->reg[M_RSI]);

	for (unsigned i = 0; i < count && i < length; i++) {
		if (i < 4)
			to->t->reg[which[i]] = clean(which[i], from->t->reg[mr_register[i]]);
		else if (buffer)
			to->t->reg[which[i]] = clean(which[i], buffer[1 + i]);
	}
}

bool m_fault_reply(struct m_model *m, struct m_object *from, struct m_object *faulter)
{
	m_change(m, faulter);
	switch (faulter->t->trouble.type) {
	case 2:
		take_registers(m, from, faulter, unknown_syscall, 18);
		break;
	case 3:
		take_registers(m, from, faulter, user_exception, 3);
		break;
	default:
		return true;
	}
	return m_info_label(from->t->reg[M_RSI]) == 0;
}

/* ---- one message ---- */

void m_transfer(struct m_model *m, struct m_object *from, struct m_object *endpoint, m_word badge, bool grant,
		struct m_object *to)
{
	m_word info = from->t->reg[M_RSI];

	m_change(m, to);
	if (from->t->trouble.type) {
		info = m_info(from->t->trouble.type, 0, 0, put_fault(m, from, to));
	} else {
		unsigned length;

		if (!grant || !m_lookup_extra(m, from, m_info_extra(info)))
			memset(m->extra, 0, sizeof(m->extra));
		length = copy_words(m, from, to, m_info_length(info));
		info = give_caps(m, info, endpoint, to) | length;
	}
	to->t->reg[M_RSI] = info;
	to->t->reg[M_RDI] = badge;
}
