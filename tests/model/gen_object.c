/* tests/model/gen_object.c - operations on kernel objects. See gen.h. */
#include "tests/model/gen_internal.h"

/* ---- CNode operations ---- */

bool gen_name_slot(struct gen *g, struct m_slot *slot, struct named *out)
{
	struct m_cap root = gen_cspace(g);
	struct m_slot *start;

	if (root.kind != M_CNODE || !slot)
		return false;
	out->slot = slot;
	start = NULL;
	for (unsigned i = 0, at = gen_below(g, root.object->slots); i < root.object->slots && !start; i++) {
		struct m_slot *s = &root.object->slot[(at + i) % root.object->slots];
		struct m_cap cap = m_slot_cap(s);

		if (cap.kind == M_CNODE && cap.object == slot->owner && gen_step_bits(cap) <= 64)
			start = s;
	}
	if (!start)
		return false;
	out->root = gen_address_of(g, start);
	out->index = gen_step_to(start->node->cap, slot->index);
	out->depth = gen_step_bits(start->node->cap);
	return true;
}

static const signed char wanted[] = {
	ANY,           ANY,           M_ENDPOINT,    M_ENDPOINT,      M_NOTIFICATION,   M_CNODE,
	M_CNODE,       M_THREAD,      M_REPLY,       M_CONTEXT,       M_UNTYPED,        M_FRAME,
	M_PML4,        M_IRQ_CONTROL, M_IRQ_HANDLER, M_SCHED_CONTROL, M_DOMAIN,         M_PAGE_TABLE,
	M_ZOMBIE,      M_ASID_POOL,   M_NULL,        M_PDPT,          M_PAGE_DIRECTORY, M_ASID_CONTROL,
	M_PORT_CONTROL};

/* What should not go too early: without untyped memory, its own CNode and the like a world is soon dull. */
bool gen_is_precious(struct gen *g, const struct m_slot *slot)
{
	struct m_cap cap = m_slot_cap(slot);

	return (cap.kind == M_UNTYPED && cap.bits >= 17) || cap.kind == M_SCHED_CONTROL ||
	       cap.kind == M_PML4 || (cap.kind == M_CNODE && cap.object == g->pair->model->object[0]) ||
	       (cap.kind == M_THREAD && cap.object == g->pair->model->object[1]);
}

static m_word some_badge(struct gen *g, const struct m_slot *slot)
{
	struct m_cap cap = m_slot_cap(slot);

	if (cap.kind == M_CNODE) {
		unsigned bits = gen_chance(g, 80) ? 64 - cap.object->bits : gen_below(g, 64);
		m_word guard = gen_chance(g, 70) ? 0 : gen_below(g, 4);

		if (gen_chance(g, 30))
			bits = gen_below(g, 8);
		return guard << 6 | bits;
	}
	return gen_chance(g, 90) ? gen_below(g, 4) : gen_random(g);
}

static m_word some_rights(struct gen *g) { return gen_chance(g, 60) ? 15 : gen_below(g, 16); }

static void cnode_two(struct gen *g, struct op *op, unsigned label)
{
	struct m_slot *from = gen_some_slot(g, g->on == M_NULL ? (int)M_NULL : (int)g->on), *to;
	struct m_object *cnode = gen_some_cnode(g, 30);
	struct named source, target;

	if ((label == 23 || label == 24) && from && gen_is_precious(g, from) && gen_chance(g, 80))
		label = 21;
	to = cnode ? gen_slot_in(g, cnode, gen_chance(g, 95) ? (int)M_NULL : (int)ANY) : NULL;
	if (!gen_name_slot(g, from, &source) || !gen_name_slot(g, to, &target)) {
		gen_garbage(g, op);
		return;
	}
	gen_invoke(g, op, target.root, label, label == 22 ? 6 : label == 23 ? 4 : 5, 1);
	gen_set_mr(op, 0, target.index);
	gen_set_mr(op, 1, target.depth);
	gen_set_mr(op, 2, source.index);
	gen_set_mr(op, 3, source.depth);
	gen_set_mr(op, 4, label == 24 ? some_badge(g, from) : some_rights(g));
	gen_set_mr(op, 5, some_badge(g, from));
	gen_set_extra(op, 0, source.root);
}

static void cnode_rotate(struct gen *g, struct op *op)
{
	struct m_slot *from = gen_some_slot(g, g->on), *pivot = gen_some_slot(g, ANY), *to;
	struct m_object *cnode = gen_some_cnode(g, 30);
	struct named source, middle, target;

	to = gen_chance(g, 30) ? from
	     : cnode           ? gen_slot_in(g, cnode, gen_chance(g, 92) ? (int)M_NULL : (int)ANY)
			       : NULL;
	if (!gen_name_slot(g, from, &source) || !gen_name_slot(g, pivot, &middle) ||
	    !gen_name_slot(g, to, &target)) {
		gen_garbage(g, op);
		return;
	}
	gen_invoke(g, op, target.root, 25, 8, 2);
	gen_set_mr(op, 0, target.index);
	gen_set_mr(op, 1, target.depth);
	gen_set_mr(op, 2, some_badge(g, pivot));
	gen_set_mr(op, 3, middle.index);
	gen_set_mr(op, 4, middle.depth);
	gen_set_mr(op, 5, some_badge(g, from));
	gen_set_mr(op, 6, source.index);
	gen_set_mr(op, 7, source.depth);
	gen_set_extra(op, 0, middle.root);
	gen_set_extra(op, 1, source.root);
}

static void cnode_one(struct gen *g, struct op *op, unsigned label)
{
	struct m_slot *slot =
		gen_some_slot(g, label == 20 && gen_chance(g, 80) ? (int)M_ENDPOINT : (int)g->on);
	struct named target;

	if (slot && label != 20 && gen_is_precious(g, slot) &&
	    gen_chance(g, label == 18 && m_slot_cap(slot).kind == M_UNTYPED && m_slot_cap(slot).bits == 17
				  ? 50
				  : 98))
		slot = gen_some_slot(g, gen_chance(g, 50) ? M_CNODE : M_UNTYPED);
	if (slot && label != 20 && gen_is_precious(g, slot) && gen_chance(g, 98))
		slot = gen_some_slot(g, M_ENDPOINT);
	if (!gen_name_slot(g, slot, &target)) {
		gen_garbage(g, op);
		return;
	}
	gen_invoke(g, op, target.root, label, 2, 0);
	gen_set_mr(op, 0, target.index);
	gen_set_mr(op, 1, target.depth);
}

void gen_cnode_op(struct gen *g, struct op *op)
{
	static const unsigned char label[] = {18, 18, 19, 19, 19, 19, 20, 21, 21, 21,
					      21, 22, 22, 22, 22, 22, 23, 24, 25, 25};
	unsigned which = label[gen_below(g, sizeof(label))];
	signed char kind = wanted[gen_below(g, sizeof(wanted))];

	if (kind == ANY) {
		struct m_slot *slot = gen_some_slot(g, ANY);

		kind = (signed char)m_slot_cap(slot ? slot : &g->pair->model->object[0]->slot[0]).kind;
	}
	g->on = (enum m_kind)kind;
	if (which <= 20)
		cnode_one(g, op, which);
	else if (which == 25)
		cnode_rotate(g, op);
	else
		cnode_two(g, op, which);
}

/* Families of badges: the same few badges of the same few objects, minted, copied, deleted and revoked again and again. */
void gen_family_op(struct gen *g, struct op *op)
{
	static const unsigned char label[] = {22, 22, 22, 22, 21, 21, 21, 19, 19, 19, 18};
	unsigned which = label[gen_below(g, sizeof(label))];
	struct m_slot *from;

	g->on = gen_chance(g, 70) ? M_ENDPOINT : M_NOTIFICATION;
	if (which <= 19) {
		cnode_one(g, op, which);
		return;
	}
	cnode_two(g, op, which);
	from = gen_nth(g, g->on, gen_below(g, 6));
	if (op->words && from && gen_chance(g, 70))
		gen_set_mr(op, 2, from->index);
	gen_set_mr(op, 4, 15);
	gen_set_mr(op, 5, 1 + gen_below(g, 2));
}

/* ---- retype ---- */

void gen_retype(struct gen *g, struct op *op, struct m_slot *untyped, unsigned type, m_word bits,
		struct m_slot *into, unsigned count)
{
	struct named target;

	if (!untyped || !gen_name_slot(g, into, &target)) {
		gen_garbage(g, op);
		return;
	}
	gen_invoke(g, op, gen_address_of(g, untyped), 1, 6, 1);
	gen_set_mr(op, 0, type);
	gen_set_mr(op, 1, bits);
	gen_set_mr(op, 2, 0);
	gen_set_mr(op, 3, 0);
	gen_set_mr(op, 4, into->index);
	gen_set_mr(op, 5, count);
	gen_set_extra(op, 0, target.root);
	/* By way of the root, half of the time: the CNode is then a slot in it. */
	if (into->owner == gen_cspace(g).object && gen_chance(g, 30)) {
		struct m_slot *node = gen_slot_in(g, into->owner, M_CNODE);
		struct named named;

		if (node && m_slot_cap(node).object == into->owner && gen_name_slot(g, node, &named)) {
			gen_set_mr(op, 2, named.index);
			gen_set_mr(op, 3, named.depth);
			gen_set_extra(op, 0, named.root);
		}
	}
}

void gen_retype_op(struct gen *g, struct op *op)
{
	static const unsigned char types[] = {0, 0, 1, 2, 2,  2,  3,  3,  4,  4,  5,  5,  6, 6,
					      7, 7, 8, 8, 10, 10, 10, 11, 12, 12, 12, 13, 13};
	struct m_object *cnode = gen_some_cnode(g, 30);
	unsigned type = types[gen_below(g, sizeof(types))],
		 count = gen_chance(g, 70) ? 1 : 1 + gen_below(g, 5);
	m_word bits = type == 0   ? (gen_chance(g, 30) ? 12 : 4 + gen_below(g, 12))
		      : type == 4 ? 1 + gen_below(g, 5)
		      : type == 5 ? 7 + gen_below(g, 3)
				  : 0;

	gen_retype(g, op, gen_some_slot(g, M_UNTYPED), type, bits,
		   cnode ? gen_slot_in(g, cnode, M_NULL) : NULL, count);
}

/* ---- threads ---- */

static m_word some_priority(struct gen *g)
{
	static const unsigned char levels[] = {10, 50, 50, 100, 100, 100, 150, 200, 255};

	return levels[gen_below(g, sizeof(levels))];
}

static m_word root_data(struct gen *g, struct m_cap cnode)
{
	static const unsigned char spare[] = {0, 0, 0, 4, 5, 8};
	unsigned bits = 64 - (cnode.kind == M_CNODE ? cnode.object->bits : 8);
	unsigned less = spare[gen_below(g, sizeof(spare))];

	return gen_chance(g, 99) ? bits - less : gen_random(g) & 0xfff;
}

void gen_write_registers(struct gen *g, struct op *op, m_word tcb, bool resume)
{
	unsigned count = gen_chance(g, 60) ? 2 : 1 + gen_below(g, 21);

	gen_invoke(g, op, tcb, 3, 2 + count, 0);
	gen_set_mr(op, 0, resume);
	gen_set_mr(op, 1, count);
	for (unsigned i = 0; i < count; i++)
		gen_set_mr(op, 2 + i,
			   i < 2 ? 0x400000 + gen_below(g, 1 << 20) * 16 : gen_random(g) & 0x7fffffffffff);
}

void gen_configure(struct gen *g, struct op *op, m_word tcb)
{
	struct m_slot *cnode = gen_some_slot(g, gen_chance(g, 97) ? (int)M_CNODE : (int)ANY);

	if (gen_chance(g, 93) && gen_cspace(g).kind == M_CNODE)
		for (unsigned i = 0; i < gen_cspace(g).object->slots; i++)
			if (m_slot_cap(&gen_cspace(g).object->slot[i]).object == g->pair->model->object[0])
				cnode = &gen_cspace(g).object->slot[i];
	gen_invoke(g, op, tcb, 5, 3, 3);
	gen_set_mr(op, 0, root_data(g, m_slot_cap(cnode ? cnode : &gen_current(g)->slot[M_CSPACE])));
	gen_set_mr(op, 1, gen_chance(g, 95) ? 0 : 5);
	gen_set_mr(op, 2,
		   gen_chance(g, 90)   ? 0x10000000 + (m_word)gen_below(g, 4) * 1024
		   : gen_chance(g, 50) ? 0
				       : 0x10000100);
	gen_set_extra(op, 0, gen_address_of(g, cnode));
	gen_set_extra(op, 1, gen_address(g, gen_chance(g, 95) ? (int)M_PML4 : (int)ANY));
	gen_set_extra(op, 2, gen_address(g, gen_chance(g, 95) ? (int)M_FRAME : (int)ANY));
}

void gen_sched_params(struct gen *g, struct op *op, m_word tcb)
{
	gen_invoke(g, op, tcb, 8, 2, 3);
	gen_set_mr(op, 0, gen_chance(g, 80) ? 255 : some_priority(g));
	gen_set_mr(op, 1, some_priority(g));
	gen_set_extra(op, 0, gen_address(g, gen_chance(g, 95) ? (int)M_THREAD : (int)ANY));
	gen_set_extra(op, 1,
		      gen_address(g, gen_chance(g, 80)   ? (int)M_CONTEXT
				     : gen_chance(g, 60) ? (int)M_NULL
							 : (int)ANY));
	gen_set_extra(op, 2,
		      gen_address(g, gen_chance(g, 60)   ? (int)M_ENDPOINT
				     : gen_chance(g, 80) ? (int)M_NULL
							 : (int)ANY));
}

void gen_tcb_op(struct gen *g, struct op *op)
{
	m_word tcb = gen_address(g, M_THREAD);
	unsigned label = 2 + gen_below(g, 16);

	switch (label) {
	case 2:
		gen_invoke(g, op, tcb, 2, 2, 0);
		gen_set_mr(op, 0, gen_chance(g, 20));
		gen_set_mr(op, 1, 1 + gen_below(g, 21));
		break;
	case 3:
		gen_write_registers(g, op, tcb, gen_chance(g, 60));
		break;
	case 4:
		gen_invoke(g, op, tcb, 4, 1, 1);
		gen_set_mr(op, 0, gen_below(g, 16) & (gen_chance(g, 60) ? ~(m_word)1 : ~(m_word)0));
		gen_set_extra(op, 0, gen_address(g, gen_chance(g, 95) ? (int)M_THREAD : (int)ANY));
		break;
	case 5:
		gen_configure(g, op, tcb);
		break;
	case 6:
	case 7:
		gen_invoke(g, op, tcb, label, 1, 1);
		gen_set_mr(op, 0, gen_chance(g, 95) ? some_priority(g) : gen_random(g));
		gen_set_extra(op, 0, gen_address(g, gen_chance(g, 95) ? (int)M_THREAD : (int)ANY));
		break;
	case 8:
		gen_sched_params(g, op, tcb);
		break;
	case 9:
		gen_invoke(g, op, tcb, 9, 0, 1);
		gen_set_extra(op, 0,
			      gen_address(g, gen_chance(g, 70)   ? (int)M_ENDPOINT
					     : gen_chance(g, 60) ? (int)M_NULL
								 : (int)ANY));
		break;
	case 10:
		gen_invoke(g, op, tcb, 10, 1, 1);
		gen_set_mr(op, 0,
			   gen_chance(g, 90) ? 0x10000000 + (m_word)gen_below(g, 4) * 1024
					     : gen_below(g, 2000));
		gen_set_extra(op, 0, gen_address(g, gen_chance(g, 90) ? (int)M_FRAME : (int)ANY));
		break;
	case 11:
		gen_configure(g, op, tcb);
		op->info = m_info(11, 0, 3, 2);
		gen_set_extra(op, 2, op->word[op->words - 2].value);
		gen_set_extra(op, 1, op->word[op->words - 3].value);
		gen_set_extra(op, 0,
			      gen_address(g, gen_chance(g, 70)   ? (int)M_ENDPOINT
					     : gen_chance(g, 60) ? (int)M_NULL
								 : (int)ANY));
		break;
	case 12:
		gen_invoke(g, op, tcb, gen_chance(g, 25) ? 12 : 13, 0, 0);
		break;
	case 13:
		gen_invoke(g, op, tcb, 13, 0, 0);
		break;
	case 14:
	case 15:
		gen_invoke(g, op, tcb, label, 0, label == 14);
		gen_set_extra(op, 0, gen_address(g, gen_chance(g, 95) ? (int)M_NOTIFICATION : (int)ANY));
		break;
	case 16:
		gen_invoke(g, op, tcb, 16, 1, 0);
		gen_set_mr(op, 0, gen_random(g) >> gen_below(g, 64));
		break;
	default:
		gen_invoke(g, op, tcb, 17, 2, 0);
		gen_set_mr(op, 0, gen_below(g, 4));
		gen_set_mr(op, 1, gen_below(g, 4));
		break;
	}
}

/* ---- scheduling contexts, domains, interrupts ---- */

void gen_context_op(struct gen *g, struct op *op)
{
	unsigned label = 34 + gen_below(g, 5);

	gen_invoke(g, op, gen_address(g, M_CONTEXT), label, 0, label == 34 || label == 36);
	gen_set_extra(op, 0,
		      gen_address(g, gen_chance(g, 60)   ? (int)M_THREAD
				     : gen_chance(g, 85) ? (int)M_NOTIFICATION
							 : (int)ANY));
}

void gen_sched_control(struct gen *g, struct op *op)
{
	m_word budget = gen_chance(g, 95) ? 1000 + gen_below(g, 5000) : gen_below(g, 40);
	m_word period = gen_chance(g, 80)   ? budget
			: gen_chance(g, 80) ? budget + gen_below(g, 5000)
					    : gen_below(g, 2000);

	gen_invoke(g, op, gen_address(g, M_SCHED_CONTROL), 33, 5, 1);
	gen_set_mr(op, 0, gen_chance(g, 98) ? budget : ~(m_word)0 >> gen_below(g, 3));
	gen_set_mr(op, 1, gen_chance(g, 98) ? period : ~(m_word)0 >> gen_below(g, 3));
	gen_set_mr(op, 2, gen_chance(g, 90) ? 0 : gen_below(g, 40));
	gen_set_mr(op, 3, gen_below(g, 16));
	gen_set_mr(op, 4, gen_below(g, 2));
	gen_set_extra(op, 0, gen_address(g, gen_chance(g, 95) ? (int)M_CONTEXT : (int)ANY));
}

void gen_domain_op(struct gen *g, struct op *op)
{
	unsigned label = 30 + gen_below(g, 3);

	gen_invoke(g, op, gen_address(g, M_DOMAIN), label,
		   label == 30   ? 1
		   : label == 31 ? 3
				 : 1,
		   label == 30);
	if (label == 31) {
		gen_set_mr(op, 0, gen_below(g, 68));
		gen_set_mr(op, 1, gen_chance(g, 80) ? 0 : gen_below(g, 5));
		gen_set_mr(op, 2,
			   gen_chance(g, 70)   ? ~(m_word)0 >> 8
			   : gen_chance(g, 50) ? 0
					       : ~(m_word)0 >> gen_below(g, 8));
	} else if (label == 32) {
		gen_set_mr(op, 0, gen_chance(g, 70) ? 0 : gen_below(g, 68));
	} else {
		gen_set_mr(op, 0, gen_chance(g, 70) ? 0 : gen_below(g, 5));
		gen_set_extra(op, 0, gen_address(g, gen_chance(g, 95) ? (int)M_THREAD : (int)ANY));
	}
	if (gen_chance(g, 5))
		op->info = m_info(label, 0, m_info_extra(op->info), 0);
}

void gen_irq_issue(struct gen *g, struct op *op)
{
	struct m_object *cnode = gen_some_cnode(g, 20);
	struct named target;
	unsigned label = gen_chance(g, 5) ? 26 : 57 + gen_below(g, 2);

	if (!cnode ||
	    !gen_name_slot(g, gen_slot_in(g, cnode, gen_chance(g, 85) ? (int)M_NULL : (int)ANY), &target)) {
		gen_garbage(g, op);
		return;
	}
	gen_invoke(g, op, gen_address(g, M_IRQ_CONTROL), label, 7, 1);
	gen_set_mr(op, 0, target.index);
	gen_set_mr(op, 1, target.depth);
	gen_set_mr(op, 2, gen_chance(g, 90) ? 0 : gen_below(g, 300));
	gen_set_mr(op, 3, gen_below(g, gen_chance(g, 90) ? 20 : 40));
	gen_set_mr(op, 4, gen_below(g, 2));
	gen_set_mr(op, 5, gen_below(g, 2));
	gen_set_mr(op, 6, gen_below(g, gen_chance(g, 90) ? 4 : 120));
	gen_set_extra(op, 0, target.root);
}

void gen_irq_op(struct gen *g, struct op *op)
{
	unsigned label = 27 + gen_below(g, 3);

	if (gen_chance(g, 40)) {
		gen_irq_issue(g, op);
		return;
	}
	gen_invoke(g, op, gen_address(g, M_IRQ_HANDLER), label, 0, label == 28);
	gen_set_extra(op, 0, gen_address(g, gen_chance(g, 90) ? (int)M_NOTIFICATION : (int)ANY));
}

void gen_interrupt(struct gen *g, struct op *op)
{
	op->kind = OP_INTERRUPT;
	op->irq = (uint8_t)(gen_chance(g, 90) ? 16 + gen_below(g, 4) : gen_below(g, 256));
}

/* ---- address spaces ---- */

static m_word some_vaddr(struct gen *g)
{
	m_word vaddr =
		(m_word)gen_below(g, 3) << 39 | (m_word)gen_below(g, 2) << 30 | (m_word)gen_below(g, 3) << 21;

	if (gen_chance(g, 30)) /* where the root thread's image is */
		vaddr = 0x400000;
	vaddr |= gen_chance(g, 60) ? (m_word)gen_below(g, 4) << 12 : 0;
	return gen_chance(g, 93) ? vaddr : gen_random(g) >> gen_below(g, 20);
}

static void make_pool(struct gen *g, struct op *op)
{
	struct m_object *cnode = gen_some_cnode(g, 20);
	struct named target;

	if (!cnode ||
	    !gen_name_slot(g, gen_slot_in(g, cnode, gen_chance(g, 95) ? (int)M_NULL : (int)ANY), &target))
		return;
	gen_invoke(g, op, gen_address(g, M_ASID_CONTROL), 48, 2, 2);
	gen_set_mr(op, 0, target.index);
	gen_set_mr(op, 1, target.depth);
	gen_set_extra(op, 0, gen_address(g, gen_chance(g, 95) ? (int)M_UNTYPED : (int)ANY));
	gen_set_extra(op, 1, target.root);
}

void gen_space_op(struct gen *g, struct op *op)
{
	static const unsigned char labels[] = {39, 39, 40, 41, 41, 42, 43, 43, 44,
					       45, 45, 45, 45, 46, 47, 48, 49, 49};
	static const enum m_kind kinds[] = {M_PDPT, M_PAGE_DIRECTORY, M_PAGE_TABLE, M_FRAME};
	unsigned label = labels[gen_below(g, sizeof(labels))];

	if (label == 48) {
		gen_begin(op, NB_SEND, 0, 0, 0, 0);
		make_pool(g, op);
		return;
	}
	if (label == 49) {
		gen_invoke(g, op, gen_address(g, M_ASID_POOL), 49, 0, 1);
		gen_set_extra(op, 0, gen_address(g, gen_chance(g, 95) ? (int)M_PML4 : (int)ANY));
		return;
	}
	gen_invoke(g, op, gen_address(g, label == 47 ? M_FRAME : kinds[(label - 39) / 2]), label,
		   label == 45 ? 3
		   : label % 2 ? 2
			       : 0,
		   label % 2 && label != 47);
	gen_set_mr(op, 0, some_vaddr(g));
	if (label == 43 && gen_chance(g, 25)) /* where there is one already */
		gen_set_mr(op, 0, 0x400000);
	gen_set_mr(op, 1, label == 45 ? some_rights(g) : gen_below(g, 4));
	gen_set_mr(op, 2, gen_chance(g, 80) ? 0 : gen_below(g, 8));
	gen_set_extra(op, 0, gen_address(g, gen_chance(g, 95) ? (int)M_PML4 : (int)ANY));
}
