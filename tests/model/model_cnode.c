/* tests/model/model_cnode.c - the operations of CNodes, and making objects from untyped memory. See model.h. */
#include "tests/model/model.h"
#include <stdlib.h>
#include <string.h>

enum { REVOKE = 18, DELETE, CANCEL_BADGED, COPY, MINT, MOVE, MUTATE, ROTATE, RETYPE = 1 };
enum { ERR_ILLEGAL = 3, ERR_FAILED_LOOKUP = 6, ERR_TRUNCATED = 7, ERR_DELETE_FIRST = 8, ERR_NO_MEMORY = 10 };

static enum m_result missing(struct m_model *m, bool source, m_word depth)
{
	m->error.source = source;
	m->lookup = (struct m_failure){.type = 2, .bits_left = (unsigned)depth & 127};
	return m_fail(m, ERR_FAILED_LOOKUP);
}

static enum m_result copy_or_move(struct m_model *m, struct m_request *r, struct m_slot *to)
{
	bool moves = r->label == MOVE || r->label == MUTATE;
	m_word depth;
	struct m_slot *from;
	struct m_cap cap;
	enum m_result result;

	if (r->length < 4 || !m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	depth = m_argument(m, r, 3);
	if (to->node)
		return m_fail(m, ERR_DELETE_FIRST);
	result = m_lookup_target(m, true, m_slot_cap(m->extra[0]), m_argument(m, r, 2), depth, &from);
	if (result != M_OK)
		return result;
	if (!from->node)
		return missing(m, true, depth);
	cap = from->node->cap;
	if (r->length < (r->label == MINT ? 6u : r->label == MOVE ? 4u : 5u))
		return m_fail(m, ERR_TRUNCATED);
	if (r->label == COPY || r->label == MINT)
		cap = m_mask(cap, m_argument(m, r, 4) & 15);
	if (r->label == MINT)
		cap = m_update(false, m_argument(m, r, 5), cap);
	if (r->label == MUTATE)
		cap = m_update(true, m_argument(m, r, 4), cap);
	if (!moves) {
		result = m_derive(m, from, cap, &cap);
		if (result != M_OK)
			return result;
	}
	if (cap.kind == M_NULL)
		return m_fail(m, ERR_ILLEGAL);
	if (moves)
		m_node_move(m, from, to, cap);
	else
		m_node_derived(m, from, to, cap);
	return M_OK;
}

static enum m_result rotate(struct m_model *m, struct m_request *r, struct m_slot *to)
{
	struct m_slot *pivot, *from;
	struct m_cap pivot_cap, from_cap;
	enum m_result result;

	if (r->length < 8 || !m->extra[0] || !m->extra[1])
		return m_fail(m, ERR_TRUNCATED);
	result = m_lookup_target(m, true, m_slot_cap(m->extra[1]), m_argument(m, r, 6), m_argument(m, r, 7),
				 &from);
	if (result != M_OK)
		return result;
	result = m_lookup_target(m, true, m_slot_cap(m->extra[0]), m_argument(m, r, 3), m_argument(m, r, 4),
				 &pivot);
	if (result != M_OK)
		return result;
	if (pivot == from || pivot == to)
		return m_fail(m, ERR_ILLEGAL);
	if (from != to && to->node)
		return m_fail(m, ERR_DELETE_FIRST);
	if (!from->node)
		return missing(m, true, m_argument(m, r, 7));
	if (!pivot->node)
		return missing(m, false, m_argument(m, r, 4));
	from_cap = m_update(true, m_argument(m, r, 5), from->node->cap);
	pivot_cap = m_update(true, m_argument(m, r, 2), pivot->node->cap);
	if (from_cap.kind == M_NULL || pivot_cap.kind == M_NULL)
		return m_fail(m, ERR_ILLEGAL);
	m_node_become(m, from, from_cap);
	m_node_become(m, pivot, pivot_cap);
	if (from == to) {
		m_node_swap(m, from, pivot);
	} else {
		m_node_move(m, pivot, to, pivot_cap);
		m_node_move(m, from, pivot, from_cap);
	}
	return M_OK;
}

static enum m_result cancel_badged(struct m_model *m, struct m_slot *slot)
{
	struct m_cap cap = m_slot_cap(slot);

	if (cap.kind != M_ENDPOINT || cap.rights != (M_READ | M_WRITE | M_GRANT | M_GRANT_REPLY))
		return m_fail(m, ERR_ILLEGAL);
	if (cap.badge)
		m_cancel_badged(m, cap.object, cap.badge);
	return M_OK;
}

enum m_result m_cnode_invoke(struct m_model *m, struct m_request *r)
{
	struct m_slot *slot;
	enum m_result result;

	if (r->label < REVOKE || r->label > ROTATE)
		return m_fail(m, ERR_ILLEGAL);
	if (r->length < 2)
		return m_fail(m, ERR_TRUNCATED);
	result = m_lookup_target(m, false, r->cap, m_argument(m, r, 0), m_argument(m, r, 1), &slot);
	if (result != M_OK)
		return result;
	switch (r->label) {
	case REVOKE:
		return m_revoke(m, slot);
	case DELETE:
		return m_delete(m, slot, true);
	case CANCEL_BADGED:
		return cancel_badged(m, slot);
	case ROTATE:
		return rotate(m, r, slot);
	default:
		return copy_or_move(m, r, slot);
	}
}

/* ---- retype ---- */

enum {
	O_UNTYPED,
	O_TCB,
	O_ENDPOINT,
	O_NOTIFICATION,
	O_CNODE,
	O_CONTEXT,
	O_REPLY,
	O_PDPT,
	O_PML4,
	O_HUGE,
	O_SMALL,
	O_LARGE,
	O_TABLE,
	O_DIRECTORY,
	O_TYPES
};

static const struct {
	enum m_kind kind;
	unsigned bits;
} objects[O_TYPES] = {
	[O_UNTYPED] = {M_UNTYPED, 0},   [O_TCB] = {M_THREAD, 11},
	[O_ENDPOINT] = {M_ENDPOINT, 4}, [O_NOTIFICATION] = {M_NOTIFICATION, 6},
	[O_CNODE] = {M_CNODE, 5},       [O_CONTEXT] = {M_CONTEXT, 0},
	[O_REPLY] = {M_REPLY, 5},       [O_PDPT] = {M_PDPT, 12},
	[O_PML4] = {M_PML4, 12},        [O_HUGE] = {M_FRAME, 30},
	[O_SMALL] = {M_FRAME, 12},      [O_LARGE] = {M_FRAME, 21},
	[O_TABLE] = {M_PAGE_TABLE, 12}, [O_DIRECTORY] = {M_PAGE_DIRECTORY, 12},
};

static struct m_cap create(struct m_model *m, unsigned type, m_word at, unsigned user_bits, bool device)
{
	enum m_kind kind = objects[type].kind;
	unsigned bits =
		type == O_CNODE || type == O_CONTEXT || type == O_UNTYPED ? user_bits : objects[type].bits;
	struct m_cap cap = {.kind = kind, .bits = bits};

	if (kind == M_UNTYPED) {
		cap.base = at;
		cap.device = device;
		return cap;
	}
	cap.object = m_object_new(m, kind, at, bits);
	cap.object->device = device;
	if (kind == M_ENDPOINT)
		cap.rights = M_READ | M_WRITE | M_GRANT | M_GRANT_REPLY;
	else if (kind == M_NOTIFICATION)
		cap.rights = M_READ | M_WRITE;
	else if (kind == M_FRAME)
		cap.rights = M_READ | M_WRITE, cap.device = device;
	else if (kind == M_REPLY)
		cap.rights = M_GRANT;
	else if (kind == M_THREAD) {
		cap.object->t->reg[M_RFLAGS] = 0x202;
		cap.object->t->domain = m->domain;
	}
	return cap;
}

/* The memory of a region without objects is cleared from its end on, 256 bytes a time. */
static enum m_result reset(struct m_model *m, struct m_slot *slot)
{
	struct m_cap cap = slot->node->cap;
	m_word at = cap.used;

	if (!at)
		return M_OK;
	m_touch(m, slot);
	if (cap.device || cap.bits < 8) {
		slot->node->cap.used = 0;
		return M_OK;
	}
	at = (at - 1) & ~(m_word)255;
	for (;; at -= 256) {
		slot->node->cap.used = at;
		if (m_preempt(m))
			return M_PREEMPTED;
		if (!at)
			return M_OK;
	}
}

struct retype {
	m_word type, user_bits, offset, window;
	unsigned bits;
	struct m_object *node;
};

static enum m_result decode_type(struct m_model *m, struct m_request *r, struct retype *out)
{
	out->type = m_argument(m, r, 0);
	out->user_bits = m_argument(m, r, 1);
	if (out->type >= O_TYPES)
		return m_fail_argument(m, 0);
	if (out->user_bits >= 64)
		return m_fail_range(m, 0, 47);
	out->bits = objects[out->type].bits;
	if (out->type == O_CNODE || out->type == O_CONTEXT || out->type == O_UNTYPED)
		out->bits += (unsigned)out->user_bits;
	if (out->bits > 47)
		return m_fail_range(m, 0, 47);
	if ((out->type == O_CNODE && !out->user_bits) || (out->type == O_UNTYPED && out->user_bits < 4) ||
	    (out->type == O_CONTEXT && out->user_bits < 7))
		return m_fail_argument(m, 1);
	return M_OK;
}

static enum m_result decode_window(struct m_model *m, struct m_request *r, struct retype *out)
{
	m_word depth = m_argument(m, r, 3), size;
	struct m_cap node = m_slot_cap(m->extra[0]);

	if (depth) {
		struct m_slot *slot;
		enum m_result result = m_lookup_target(m, false, node, m_argument(m, r, 2), depth, &slot);

		if (result != M_OK)
			return result;
		node = m_slot_cap(slot);
	}
	if (node.kind != M_CNODE)
		return missing(m, false, depth);
	out->node = node.object;
	size = (m_word)1 << node.object->bits;
	out->offset = m_argument(m, r, 4);
	out->window = m_argument(m, r, 5);
	if (out->offset > size - 1)
		return m_fail_range(m, 0, size - 1);
	if (out->window < 1 || out->window > 256)
		return m_fail_range(m, 1, 256);
	if (out->window > size - out->offset)
		return m_fail_range(m, 1, size - out->offset);
	for (m_word i = 0; i < out->window; i++)
		if (out->node->slot[out->offset + i].node)
			return m_fail(m, ERR_DELETE_FIRST);
	return M_OK;
}

enum m_result m_untyped_invoke(struct m_model *m, struct m_request *r)
{
	struct m_slot *slot = r->slot;
	struct retype what = {0};
	m_word used, left, at;
	enum m_result result;
	bool is_frame;

	if (r->label != RETYPE)
		return m_fail(m, ERR_ILLEGAL);
	if (r->length < 6 || !m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	result = decode_type(m, r, &what);
	if (result == M_OK)
		result = decode_window(m, r, &what);
	if (result != M_OK)
		return result;
	used = slot->node->first ? r->cap.used : 0;
	left = ((m_word)1 << r->cap.bits) - used;
	if (left >> what.bits < what.window) {
		m->error.left = left;
		return m_fail(m, ERR_NO_MEMORY);
	}
	is_frame = objects[what.type].kind == M_FRAME;
	if (r->cap.device && !is_frame && what.type != O_UNTYPED)
		return m_fail_argument(m, 1);
	if (!slot->node->first && reset(m, slot) != M_OK)
		return M_PREEMPTED;
	at = (r->cap.base + used + (((m_word)1 << what.bits) - 1)) & ~(((m_word)1 << what.bits) - 1);
	m_touch(m, slot);
	slot->node->cap.used = at + (what.window << what.bits) - r->cap.base;
	for (m_word i = 0; i < what.window; i++)
		m_node_retyped(m, slot, &what.node->slot[what.offset + i],
			       create(m, (unsigned)what.type, at + (i << what.bits), (unsigned)what.user_bits,
				      r->cap.device));
	return M_OK;
}
