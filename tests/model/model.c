/* tests/model/model.c - objects, and the graph of capabilities. See model.h. */
#include "tests/model/model.h"
#include <stdlib.h>
#include <string.h>

/* ---- memory: taken piece by piece, given back with the model ---- */

struct m_pool {
	struct m_pool *next;
	size_t used, room;
	unsigned char byte[];
};

void *m_take(struct m_model *m, size_t size)
{
	enum { PIECE = 1 << 18 };
	void *out;

	size = (size + 15) & ~(size_t)15;
	if (!m->pool || m->pool->room - m->pool->used < size) {
		size_t room = size > PIECE ? size : PIECE;
		struct m_pool *pool = calloc(1, sizeof(*pool) + room);

		if (!pool)
			abort();
		pool->room = room;
		pool->next = m->pool;
		m->pool = pool;
	}
	out = m->pool->byte + m->pool->used;
	m->pool->used += size;
	return out;
}

static void *grow(struct m_model *m, void *old, unsigned count, unsigned *room, size_t each)
{
	void *new;

	if (count < *room)
		return old;
	*room = *room ? *room * 2 : 8;
	new = m_take(m, *room * each);
	if (count)
		memcpy(new, old, count * each);
	return new;
}

struct m_model *m_model_new(void)
{
	struct m_model *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	m->step = 1;
	return m;
}

void m_model_free(struct m_model *m)
{
	if (!m)
		return;
	while (m->pool) {
		struct m_pool *next = m->pool->next;

		free(m->pool);
		m->pool = next;
	}
	free(m);
}

void m_list_insert(struct m_model *m, struct m_list *list, unsigned at, struct m_object *object)
{
	list->item = grow(m, list->item, list->count, &list->room, sizeof(struct m_object *));
	memmove(list->item + at + 1, list->item + at, (list->count - at) * sizeof(struct m_object *));
	list->item[at] = object;
	list->count++;
}

void m_list_remove(struct m_list *list, const struct m_object *object)
{
	for (unsigned i = 0; i < list->count; i++)
		if (list->item[i] == object) {
			list->count--;
			memmove(list->item + i, list->item + i + 1,
				(list->count - i) * sizeof(struct m_object *));
			return;
		}
	abort();
}

/* ---- what this call touched ---- */

void m_touch(struct m_model *m, struct m_slot *slot)
{
	if (slot->stamp == m->step)
		return;
	slot->stamp = m->step;
	m->touched = grow(m, m->touched, m->touched_count, &m->touched_room, sizeof(*m->touched));
	m->touched[m->touched_count++] = slot;
}

void m_change(struct m_model *m, struct m_object *object)
{
	if (!object || object->stamp == m->step)
		return;
	object->stamp = m->step;
	m->changed = grow(m, m->changed, m->changed_count, &m->changed_room, sizeof(*m->changed));
	m->changed[m->changed_count++] = object;
}

/* ---- objects ---- */

static void give_slots(struct m_model *m, struct m_object *object, unsigned count)
{
	object->slots = count;
	object->slot = m_take(m, count * sizeof(*object->slot));
	for (unsigned i = 0; i < count; i++) {
		object->slot[i].owner = object;
		object->slot[i].index = i;
	}
}

struct m_object *m_object_new(struct m_model *m, enum m_kind kind, m_word at, unsigned bits)
{
	struct m_object *object = m_take(m, sizeof(*object));

	object->kind = kind;
	object->at = at;
	object->bits = bits;
	object->alive = true;
	if (kind == M_CNODE)
		give_slots(m, object, 1u << bits);
	if (kind == M_THREAD) {
		give_slots(m, object, M_TCB_SLOTS);
		object->t = m_take(m, sizeof(*object->t));
	}
	m->object = grow(m, m->object, m->objects, &m->objects_room, sizeof(*m->object));
	object->number = m->objects;
	m->object[m->objects++] = object;
	m_change(m, object);
	return object;
}

/* ---- nodes ---- */

struct m_cap m_slot_cap(const struct m_slot *slot)
{
	return slot->node ? slot->node->cap : (struct m_cap){0};
}

static void hold(struct m_model *m, struct m_cap cap, int by)
{
	if (!cap.object)
		return;
	cap.object->holders += (unsigned)by;
	if (!cap.object->holders) {
		cap.object->alive = false;
		m_change(m, cap.object);
	}
}

/* Whoever comes before or after it in depth-first order is touched too: the kernel's list names it there. */
static void touch_around(struct m_model *m, struct m_node *node)
{
	struct m_node *after = m_node_after(node), *before = node->prev;

	m_touch(m, node->slot);
	if (after)
		m_touch(m, after->slot);
	while (before && before->last)
		before = before->last;
	if (!before)
		before = node->parent;
	if (before)
		m_touch(m, before->slot);
}

static struct m_node *node_in(struct m_model *m, struct m_slot *slot, struct m_cap cap)
{
	struct m_node *node = m_take(m, sizeof(*node));

	if (slot->node || cap.kind == M_NULL)
		abort();
	node->cap = cap;
	node->slot = slot;
	slot->node = node;
	hold(m, cap, 1);
	return node;
}

static void link_first(struct m_node *parent, struct m_node *node)
{
	node->parent = parent;
	node->next = parent->first;
	if (parent->first)
		parent->first->prev = node;
	else
		parent->last = node;
	parent->first = node;
}

static void link_after(struct m_node *sibling, struct m_node *node)
{
	node->parent = sibling->parent;
	node->prev = sibling;
	node->next = sibling->next;
	if (sibling->next)
		sibling->next->prev = node;
	else if (node->parent)
		node->parent->last = node;
	sibling->next = node;
}

struct m_node *m_node_root(struct m_model *m, struct m_slot *slot, struct m_cap cap)
{
	struct m_node *node = node_in(m, slot, cap);

	node->original = true;
	m_touch(m, slot);
	return node;
}

struct m_node *m_node_retyped(struct m_model *m, struct m_slot *parent, struct m_slot *slot, struct m_cap cap)
{
	struct m_node *node = node_in(m, slot, cap);

	node->original = true;
	link_first(parent->node, node);
	touch_around(m, node);
	return node;
}

/* Is a capability that was derived from another one that stands for it, rather than one more of the same? */
static bool begins_anew(struct m_cap cap, struct m_cap source)
{
	switch (cap.kind) {
	case M_ENDPOINT:
	case M_NOTIFICATION:
		return cap.badge != source.badge;
	case M_UNTYPED:
		return true;
	case M_IRQ_HANDLER:
		return source.kind == M_IRQ_CONTROL;
	case M_PORT:
		return source.kind == M_PORT_CONTROL;
	default:
		return false;
	}
}

struct m_node *m_node_derived(struct m_model *m, struct m_slot *source, struct m_slot *slot, struct m_cap cap)
{
	struct m_node *from = source->node, *node = node_in(m, slot, cap);

	node->original = begins_anew(cap, from->cap);
	if (from->original)
		link_first(from, node);
	else
		link_after(from, node);
	/* Nothing more is made from untyped memory that was passed on. */
	if (cap.kind == M_UNTYPED && from->cap.kind == M_UNTYPED && from->cap.base == cap.base &&
	    from->cap.bits == cap.bits)
		from->cap.used = (m_word)1 << cap.bits;
	touch_around(m, node);
	return node;
}

static void node_to(struct m_model *m, struct m_node *node, struct m_slot *slot)
{
	slot->node = node;
	if (node) {
		node->slot = slot;
		touch_around(m, node);
	}
	m_touch(m, slot);
}

void m_node_move(struct m_model *m, struct m_slot *from, struct m_slot *to, struct m_cap cap)
{
	struct m_node *node = from->node;

	if (to->node)
		abort();
	node->cap = cap;
	node_to(m, NULL, from);
	node_to(m, node, to);
}

void m_node_swap(struct m_model *m, struct m_slot *a, struct m_slot *b)
{
	struct m_node *in_a = a->node, *in_b = b->node;

	node_to(m, in_b, a);
	node_to(m, in_a, b);
	if (in_b)
		touch_around(m, in_b);
}

void m_node_become(struct m_model *m, struct m_slot *slot, struct m_cap cap)
{
	slot->node->cap = cap;
	m_touch(m, slot);
}

/* Its children become those of its parent, in its place. */
void m_node_remove(struct m_model *m, struct m_slot *slot)
{
	struct m_node *node = slot->node, *first = node->first, *last = node->last, *before = node->prev,
		      *after = node->next;

	touch_around(m, node);
	for (struct m_node *child = first; child; child = child->next)
		child->parent = node->parent;
	if (first) {
		struct m_node *end = last;

		while (end->last)
			end = end->last;
		m_touch(m, end->slot);
	}
	if (first) {
		first->prev = before;
		last->next = after;
	} else {
		first = after;
		last = before;
	}
	if (before)
		before->next = first;
	else if (node->parent)
		node->parent->first = first;
	if (after)
		after->prev = last;
	else if (node->parent)
		node->parent->last = last;
	slot->node = NULL;
	hold(m, node->cap, -1);
}

struct m_node *m_node_after(const struct m_node *node)
{
	if (node->first)
		return node->first;
	while (node && !node->next)
		node = node->parent;
	return node ? node->next : NULL;
}

bool m_same_object(struct m_cap a, struct m_cap b)
{
	if (a.kind != b.kind)
		return false;
	switch (a.kind) {
	case M_NULL:
	case M_UNTYPED:
	case M_ZOMBIE:
		return false;
	case M_IRQ_HANDLER:
		return a.base == b.base;
	case M_PORT:
		return a.base == b.base;
	default:
		return a.object == b.object;
	}
}

/* ---- errors ---- */

enum m_result m_fail(struct m_model *m, unsigned type)
{
	m->error.type = type;
	return M_ERROR;
}
enum m_result m_fail_argument(struct m_model *m, unsigned argument)
{
	m->error.argument = argument;
	return m_fail(m, 1);
}
enum m_result m_fail_cap(struct m_model *m, unsigned cap)
{
	m->error.cap = cap;
	return m_fail(m, 2);
}
enum m_result m_fail_range(struct m_model *m, m_word min, m_word max)
{
	m->error.min = min;
	m->error.max = max;
	return m_fail(m, 4);
}
