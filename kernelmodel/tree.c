/* kernelmodel/tree.c - the capability derivation tree.
 *
 * The tree is kept as one doubly linked list, the order in which a depth-first walk would visit it. Where a slot's
 * descendants end is not stored: `a` is an ancestor of `b` when a's region covers b's and a is an original, and the
 * descendants of a slot are the run behind it of which it is a parent. So
 *
 * - a copy stands right behind its source, a new object right behind its untyped;
 * - the capabilities to one object are neighbours, and whether one is the last ("final") shows at its two neighbours;
 * - of copies with one badge, the first that got it (first_badged) is the parent of the others. When it goes, its mark
 *   goes to the next one, so that the badges before it do not take over its children.
 *
 * Source: seL4 16.0 manual, section 3.1.4; Elkaduwe, A Principled Approach to Kernel Memory Management, 2010. */
#include "kernelmodel/kernel_internal.h"
#include "sim/check.h"

/* ---- regions ---- */

static int covers(struct km_cap a, struct km_cap b)
{
	km_paddr a_top = km_cap_paddr(a) + ((km_paddr)1 << km_cap_size_bits(a)) - 1;
	km_paddr b_top = km_cap_paddr(b) + ((km_paddr)1 << km_cap_size_bits(b)) - 1;

	return km_cap_paddr(a) <= km_cap_paddr(b) && b_top <= a_top;
}

/* Of two capabilities of one type. */
static int same_region_of_type(struct km_cap a, struct km_cap b)
{
	switch (a.type) {
	case KM_CAP_NULL:
	case KM_CAP_ZOMBIE:
		return 0;
	case KM_CAP_FRAME:
		return covers(a, b);
	case KM_CAP_CNODE:
	case KM_CAP_SCHED_CONTEXT:
		return a.object == b.object && a.size == b.size;
	case KM_CAP_IRQ_HANDLER:
	case KM_CAP_IO_PORT:
		return a.word == b.word;
	case KM_CAP_DOMAIN:
	case KM_CAP_SCHED_CONTROL:
	case KM_CAP_ASID_CONTROL:
		return 1;
	default:
		return a.object == b.object;
	}
}

int km_cap_same_region(struct km_cap a, struct km_cap b)
{
	switch (a.type) {
	case KM_CAP_UNTYPED:
		return km_cap_is_physical(b) && covers(a, b);
	case KM_CAP_IRQ_CONTROL:
		return b.type == KM_CAP_IRQ_CONTROL || b.type == KM_CAP_IRQ_HANDLER;
	case KM_CAP_IO_PORT_CONTROL:
		return b.type == KM_CAP_IO_PORT_CONTROL || b.type == KM_CAP_IO_PORT;
	default:
		return a.type == b.type && same_region_of_type(a, b);
	}
}

int km_cap_same_object(struct km_cap a, struct km_cap b)
{
	if (a.type != b.type || a.type == KM_CAP_UNTYPED)
		return 0;
	if (a.type == KM_CAP_FRAME)
		return a.object == b.object && a.size == b.size && a.flag == b.flag;
	return km_cap_same_region(a, b);
}

/* ---- questions ---- */

int km_tree_is_parent(const struct km_kernel *k, const struct km_slot *a, const struct km_slot *b)
{
	(void)k;
	if (!a->revocable || !km_cap_same_region(a->cap, b->cap))
		return 0;
	if (a->cap.type != KM_CAP_ENDPOINT && a->cap.type != KM_CAP_NOTIFICATION)
		return 1;
	return a->cap.word == 0 || (a->cap.word == b->cap.word && !b->first_badged);
}

int km_tree_has_children(const struct km_kernel *k, const struct km_slot *slot)
{
	return slot->next != 0 && km_tree_is_parent(k, slot, KM_SLOT(k, slot->next));
}

int km_tree_is_final(const struct km_kernel *k, const struct km_slot *slot)
{
	if (slot->prev != 0 && km_cap_same_object(KM_SLOT(k, slot->prev)->cap, slot->cap))
		return 0;
	return slot->next == 0 || !km_cap_same_object(slot->cap, KM_SLOT(k, slot->next)->cap);
}

enum km_status km_ensure_empty(struct km_kernel *k, const struct km_slot *slot)
{
	return km_slot_is_empty(slot) ? KM_OK : km_fail(k, seL4_DeleteFirst);
}

enum km_status km_ensure_no_children(struct km_kernel *k, const struct km_slot *slot)
{
	return km_tree_has_children(k, slot) ? km_fail(k, seL4_RevokeFirst) : KM_OK;
}

/* ---- changes ---- */

/* The neighbours that `slot` names shall name it. */
static void join_neighbours(struct km_kernel *k, struct km_slot *slot)
{
	km_ref self = km_ref_of(k, slot);

	if (slot->prev != 0)
		KM_SLOT(k, slot->prev)->next = self;
	if (slot->next != 0)
		KM_SLOT(k, slot->next)->prev = self;
}

static void place_behind(struct km_kernel *k, struct km_cap cap, struct km_slot *before, struct km_slot *into,
			 int is_original)
{
	SIM_CHECK(km_slot_is_empty(into) && into->prev == 0 && into->next == 0);
	*into = (struct km_slot){.cap = cap,
				 .prev = km_ref_of(k, before),
				 .next = before->next,
				 .revocable = is_original,
				 .first_badged = is_original};
	join_neighbours(k, into);
	km_work(k, KM_WORK_TREE);
}

/* Is `copy` of `source` an original itself, the parent of what will be copied from it? */
static int copy_is_original(struct km_cap copy, struct km_cap source)
{
	switch (copy.type) {
	case KM_CAP_UNTYPED:
		return 1;
	case KM_CAP_ENDPOINT:
	case KM_CAP_NOTIFICATION:
		return copy.word != source.word;
	case KM_CAP_IRQ_HANDLER:
		return source.type == KM_CAP_IRQ_CONTROL;
	case KM_CAP_IO_PORT:
		return source.type == KM_CAP_IO_PORT_CONTROL;
	default:
		return 0;
	}
}

void km_tree_insert(struct km_kernel *k, struct km_cap cap, struct km_slot *source, struct km_slot *into)
{
	int is_original = copy_is_original(cap, source->cap);

	/* Two capabilities to one untyped must not both make objects in it: the source has no room any more. */
	if (cap.type == KM_CAP_UNTYPED && source->cap.type == KM_CAP_UNTYPED &&
	    cap.object == source->cap.object && cap.size == source->cap.size)
		source->cap.word = (km_word)1 << (cap.size - KM_GRANULE_BITS);
	place_behind(k, cap, source, into, is_original);
}

void km_tree_insert_new(struct km_kernel *k, struct km_cap cap, struct km_slot *parent, struct km_slot *into)
{
	place_behind(k, cap, parent, into, 1);
}

void km_tree_move(struct km_kernel *k, struct km_cap cap, struct km_slot *from, struct km_slot *into)
{
	SIM_CHECK(km_slot_is_empty(into) && into->prev == 0 && into->next == 0);
	*into = *from;
	into->cap = cap;
	*from = (struct km_slot){0};
	join_neighbours(k, into);
	km_work(k, KM_WORK_TREE);
}

void km_tree_swap(struct km_kernel *k, struct km_cap cap_a, struct km_slot *a, struct km_cap cap_b,
		  struct km_slot *b)
{
	km_ref ref_a = km_ref_of(k, a), ref_b = km_ref_of(k, b);
	struct km_slot was_a = *a;

	SIM_CHECK(a != b);
	*a = *b;
	*b = was_a;
	a->cap = cap_b;
	b->cap = cap_a;
	/* If they are neighbours, each now names itself: this puts `a` right, and joining `a` puts `b` right. */
	if (a->prev == ref_a)
		a->prev = ref_b;
	if (a->next == ref_a)
		a->next = ref_b;
	join_neighbours(k, a);
	join_neighbours(k, b);
	km_work_n(k, KM_WORK_TREE, 2);
}

void km_tree_empty(struct km_kernel *k, struct km_slot *slot)
{
	if (km_slot_is_empty(slot))
		return;
	if (slot->prev != 0)
		KM_SLOT(k, slot->prev)->next = slot->next;
	if (slot->next != 0) {
		struct km_slot *next = KM_SLOT(k, slot->next);

		next->prev = slot->prev;
		next->first_badged |= slot->first_badged;
	}
	*slot = (struct km_slot){0};
	km_work(k, KM_WORK_TREE);
}
