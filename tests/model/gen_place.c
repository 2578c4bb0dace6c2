/* tests/model/gen_place.c - random numbers, where things are, and writing an operation down. See gen.h. */
#include "tests/model/gen_internal.h"

/* ---- random numbers ---- */

uint64_t gen_random(struct gen *g)
{
	uint64_t z = g->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

unsigned gen_below(struct gen *g, unsigned n) { return (unsigned)((gen_random(g) >> 32) * n >> 32); }
bool gen_chance(struct gen *g, unsigned percent) { return gen_below(g, 100) < percent; }

/* ---- where things are ---- */

struct m_object *gen_current(const struct gen *g) { return g->pair->model->current; }
struct m_cap gen_cspace(const struct gen *g)
{
	const struct m_object *thread = gen_current(g);

	return thread->slots ? m_slot_cap(&thread->slot[M_CSPACE]) : (struct m_cap){0};
}

static bool fits(const struct m_slot *slot, int kind)
{
	if (kind == ANY)
		return slot->node != NULL;
	return (int)m_slot_cap(slot).kind == kind;
}

/* A slot of `cnode` that holds a capability of `kind`; M_NULL: an empty one. */
struct m_slot *gen_slot_in(struct gen *g, struct m_object *cnode, int kind)
{
	unsigned start = gen_below(g, cnode->slots);

	for (unsigned i = 0; i < cnode->slots; i++) {
		struct m_slot *slot = &cnode->slot[(start + i) % cnode->slots];

		if (fits(slot, kind))
			return slot;
	}
	return NULL;
}

/* A CNode that the current thread can name: its root, or one in it. */
struct m_object *gen_some_cnode(struct gen *g, unsigned percent_inner)
{
	struct m_cap root = gen_cspace(g);
	struct m_slot *slot;

	if (root.kind != M_CNODE)
		return NULL;
	if (!gen_chance(g, percent_inner))
		return root.object;
	slot = gen_slot_in(g, root.object, M_CNODE);
	return slot ? slot->node->cap.object : root.object;
}

struct m_slot *gen_some_slot(struct gen *g, int kind)
{
	struct m_object *cnode = gen_some_cnode(g, 15);
	struct m_slot *slot = cnode ? gen_slot_in(g, cnode, kind) : NULL;

	if (!slot && cnode && gen_cspace(g).object != cnode)
		slot = gen_slot_in(g, gen_cspace(g).object, kind);
	return slot;
}

/* The bits that lead from a CNode capability to a slot of its CNode. */
m_word gen_step_to(struct m_cap cnode, unsigned index) { return cnode.badge << cnode.object->bits | index; }
unsigned gen_step_bits(struct m_cap cnode) { return cnode.guard_bits + cnode.object->bits; }

/* A 64-bit address of `slot` for the current thread; what cannot be named gets an address nearby. */
m_word gen_address_of(struct gen *g, const struct m_slot *slot)
{
	struct m_cap root = gen_cspace(g);
	unsigned bits;
	m_word path;

	if (root.kind != M_CNODE || !slot)
		return gen_below(g, 300);
	bits = gen_step_bits(root);
	path = gen_step_to(root, slot->index);
	if (slot->owner != root.object)
		for (unsigned i = 0; i < root.object->slots; i++) {
			struct m_cap inner = m_slot_cap(&root.object->slot[i]);

			if (inner.kind == M_CNODE && inner.object == slot->owner &&
			    bits + gen_step_bits(inner) <= 64) {
				path = gen_step_to(root, i) << gen_step_bits(inner) |
				       gen_step_to(inner, slot->index);
				bits += gen_step_bits(inner);
				break;
			}
		}
	if (bits >= 64)
		return path;
	return path << (64 - bits) | (gen_random(g) & (((m_word)1 << (64 - bits)) - 1));
}

m_word gen_address(struct gen *g, int kind) { return gen_address_of(g, gen_some_slot(g, kind)); }

/* ---- writing an operation down ---- */

void gen_set_word(struct op *op, unsigned at, m_word value)
{
	for (unsigned i = 0; i < op->words; i++)
		if (op->word[i].at == at) {
			op->word[i].value = value;
			return;
		}
	if (op->words == OP_WORDS)
		return;
	op->word[op->words].at = (uint8_t)at;
	op->word[op->words++].value = value;
}

void gen_set_mr(struct op *op, unsigned i, m_word value)
{
	if (i < 4)
		op->mr[i] = value;
	else
		gen_set_word(op, 1 + i, value);
}

void gen_set_extra(struct op *op, unsigned i, m_word cptr) { gen_set_word(op, 122 + i, cptr); }

void gen_begin(struct op *op, int number, m_word cptr, m_word label, unsigned length, unsigned extra)
{
	op->kind = OP_SYSCALL;
	op->number = (int16_t)number;
	op->cptr = cptr;
	op->info = m_info(label, 0, extra, length);
}

/* An invocation by Call, mostly. */
void gen_invoke(struct gen *g, struct op *op, m_word cptr, m_word label, unsigned length, unsigned extra)
{
	gen_begin(op,
		  gen_chance(g, 92)   ? CALL
		  : gen_chance(g, 50) ? SEND
				      : NB_SEND,
		  cptr, label, length, extra);
}
