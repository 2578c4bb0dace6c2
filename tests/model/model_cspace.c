/* tests/model/model_cspace.c - where an address leads, and what may be made of a capability. See model.h. */
#include "tests/model/model.h"

/* ---- lookup ---- */

static m_word low(unsigned bits) { return bits >= 64 ? ~(m_word)0 : ((m_word)1 << bits) - 1; }
static bool lookup_fails(struct m_model *m, unsigned type, unsigned bits_left, unsigned bits_found,
			 m_word guard)
{
	m->lookup = (struct m_failure){type, bits_left, bits_found, guard};
	return false;
}

/* The address is a string of `depth` bits; each CNode on the way takes its guard and its radix from the front. */
bool m_resolve(struct m_model *m, struct m_cap root, m_word cptr, unsigned depth, struct m_slot **slot,
	       unsigned *left)
{
	struct m_cap node = root;

	if (root.kind != M_CNODE)
		return lookup_fails(m, 1, 0, 0, 0);
	for (;;) {
		unsigned radix = node.object->bits, level = node.guard_bits + radix;

		if (node.guard_bits > depth || (node.guard_bits && ((cptr >> (depth - node.guard_bits)) &
								    low(node.guard_bits)) != node.badge))
			return lookup_fails(m, 4, depth, node.guard_bits, node.badge);
		if (level > depth)
			return lookup_fails(m, 3, depth, level, 0);
		*slot = &node.object->slot[(cptr >> (depth - level)) & low(radix)];
		depth -= level;
		*left = depth;
		node = m_slot_cap(*slot);
		if (!depth || node.kind != M_CNODE)
			return true;
	}
}

bool m_lookup(struct m_model *m, struct m_object *thread, m_word cptr, struct m_slot **slot)
{
	unsigned left;

	return m_resolve(m, m_slot_cap(&thread->slot[M_CSPACE]), cptr, 64, slot, &left);
}

enum m_result m_lookup_target(struct m_model *m, bool source, struct m_cap root, m_word index, m_word depth,
			      struct m_slot **slot)
{
	unsigned left;

	m->error.source = source;
	if (root.kind != M_CNODE) {
		lookup_fails(m, 1, 0, 0, 0);
		return m_fail(m, 6);
	}
	if (depth < 1 || depth > 64)
		return m_fail_range(m, 1, 64);
	if (!m_resolve(m, root, index, (unsigned)depth, slot, &left))
		return m_fail(m, 6);
	if (left) {
		lookup_fails(m, 3, left, 0, 0);
		return m_fail(m, 6);
	}
	return M_OK;
}

/* One slot, which must be empty, as its buffer says. */
bool m_receive_slot(struct m_model *m, struct m_object *thread, struct m_slot **slot)
{
	const m_word *buffer = m_buffer(m, thread, true);

	if (!buffer || !m_lookup(m, thread, buffer[125], slot))
		return false;
	return m_lookup_target(m, false, m_slot_cap(*slot), buffer[126], buffer[127], slot) == M_OK &&
	       !(*slot)->node;
}

bool m_lookup_extra(struct m_model *m, struct m_object *thread, unsigned count)
{
	const m_word *buffer = m_buffer(m, thread, false);

	for (unsigned i = 0; i < 3; i++)
		m->extra[i] = NULL;
	for (unsigned i = 0; buffer && i < count; i++)
		if (!m_lookup(m, thread, buffer[122 + i], &m->extra[i])) {
			m->extra[i] = NULL;
			m->trouble = (struct m_trouble){
				.type = 1, .address = buffer[122 + i], .lookup = m->lookup};
			return false;
		}
	return true;
}

/* ---- what may be made of a capability ---- */

static bool is_mapped_table(struct m_cap cap) { return cap.asid != 0; }

enum m_result m_derive(struct m_model *m, struct m_slot *slot, struct m_cap cap, struct m_cap *out)
{
	*out = cap;
	switch (cap.kind) {
	case M_ZOMBIE:
	case M_IRQ_CONTROL:
	case M_PORT_CONTROL:
		*out = (struct m_cap){0};
		return M_OK;
	case M_UNTYPED:
		return slot->node->first ? m_fail(m, 9) : M_OK;
	case M_PAGE_TABLE:
	case M_PAGE_DIRECTORY:
	case M_PDPT:
	case M_PML4:
		return is_mapped_table(cap) ? M_OK : m_fail(m, 3);
	case M_FRAME:
		out->asid = 0;
		out->vaddr = 0;
		return M_OK;
	default:
		return M_OK;
	}
}

struct m_cap m_mask(struct m_cap cap, unsigned rights)
{
	switch (cap.kind) {
	case M_ENDPOINT:
		cap.rights &= rights;
		break;
	case M_NOTIFICATION:
		cap.rights &= rights | ~(unsigned)(M_READ | M_WRITE);
		break;
	case M_REPLY:
		cap.rights &= rights | ~(unsigned)M_GRANT;
		break;
	case M_FRAME:
		/* Nothing can be written that cannot be read: what is left of a write-only page is nothing. */
		cap.rights &= rights | ~(unsigned)(M_READ | M_WRITE);
		if (!(cap.rights & M_READ))
			cap.rights = 0;
		break;
	default:
		break;
	}
	return cap;
}

struct m_cap m_update(bool preserve, m_word data, struct m_cap cap)
{
	struct m_cap none = {0};
	unsigned bits = data & 63;

	switch (cap.kind) {
	case M_ENDPOINT:
	case M_NOTIFICATION:
		if (preserve || cap.badge)
			return none;
		cap.badge = data;
		return cap;
	case M_CNODE:
		if (bits + cap.object->bits > 64)
			return none;
		cap.guard_bits = bits;
		cap.badge = (data >> 6) & low(bits);
		return cap;
	case M_PORT: /* first and last port: may only shrink */
	{
		unsigned first = (unsigned)(data >> 16) & 0xffff, last = (unsigned)data & 0xffff;

		(void)first;
		(void)last;
		return cap;
	}
	default:
		return cap;
	}
}
