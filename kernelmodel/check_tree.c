/* kernelmodel/check_tree.c - the derivation tree: links, order, regions, watermarks. See check.h.
 *
 * The list is walked with the stack of ancestors that its order implies. Apart from it, the regions of all capabilities to
 * memory are sorted and swept: regions nest or are disjoint, an object shares its memory with nobody, and the untyped
 * capabilities around something are exactly those above it in the tree. */
#include <stdlib.h>
#include "kernelmodel/check.h"
#include "sim/check.h"

struct region {
	km_paddr start, end;
	uint32_t slot; /* its number */
};

struct walk {
	struct check *c;
	uint32_t *stack; /* numbers of slots: the ancestors of the one that is looked at */
	uint32_t depth, visited;
	uint32_t *above; /* [slot] untyped capabilities above it, larger ones only if it is untyped itself */
	struct check_set closed; /* objects whose capabilities were passed */
	uint8_t irq_seen[KM_IRQS];
};

static struct km_cap cap_of(const struct walk *w, uint32_t i) { return check_slot(w->c, i)->cap; }

/* ---- links ---- */

static bool check_links(struct check *c)
{
	for (uint32_t i = 0; i < c->slots.count; i++) {
		const struct km_slot *slot = check_slot(c, i);
		km_ref at = c->slots.item[i];
		if (slot->next != 0 && KM_SLOT(c->k, slot->next)->prev != at)
			return check_fail(c,
					  "slot %x: the next in the derivation tree, %x, does not point back",
					  at, slot->next);
		if (slot->prev != 0 && KM_SLOT(c->k, slot->prev)->next != at)
			return check_fail(
				c, "slot %x: the one before in the derivation tree, %x, does not point here",
				at, slot->prev);
		if (slot->revocable && !slot->first_badged)
			return check_fail(c, "slot %x is an original, but not the first of its badge", at);
	}
	return true;
}

/* ---- order ---- */

/* Capabilities to one object stand together, or the two neighbours would not tell which is the last. */
static bool check_together(struct walk *w, uint32_t i, bool follows_same)
{
	struct km_cap cap = cap_of(w, i);
	bool was_seen = false;
	if (cap.type == KM_CAP_IRQ_HANDLER) {
		was_seen = w->irq_seen[cap.word % KM_IRQS] != 0;
		w->irq_seen[cap.word % KM_IRQS] = 1;
	} else if (km_cap_is_physical(cap) && cap.type != KM_CAP_UNTYPED && cap.object <= UINT32_MAX) {
		was_seen = check_set_has(&w->closed, (km_ref)cap.object);
		check_set_add(&w->closed, (km_ref)cap.object);
	}
	if (was_seen && !follows_same)
		return check_fail(
			w->c,
			"slot %x: other capabilities to its object stand elsewhere in the derivation tree",
			w->c->slots.item[i]);
	return true;
}

static uint32_t count_above(const struct walk *w, uint32_t i)
{
	struct km_cap cap = cap_of(w, i);
	uint32_t count = 0;
	for (uint32_t d = 0; d < w->depth; d++) {
		struct km_cap above = cap_of(w, w->stack[d]);
		count +=
			above.type == KM_CAP_UNTYPED && (cap.type != KM_CAP_UNTYPED || above.size > cap.size);
	}
	return count;
}

/* What was made of an untyped lies below its watermark. */
static bool check_watermark(struct walk *w, uint32_t i)
{
	struct km_cap parent = cap_of(w, w->stack[w->depth - 1]), cap = cap_of(w, i);
	if (parent.type != KM_CAP_UNTYPED)
		return true;
	km_paddr end = km_cap_paddr(cap) + (UINT64_C(1) << km_cap_size_bits(cap));
	if (end - km_cap_paddr(parent) > parent.word << KM_GRANULE_BITS)
		return check_fail(w->c,
				  "slot %x: its object ends behind the watermark of the untyped in slot %x",
				  w->c->slots.item[i], w->c->slots.item[w->stack[w->depth - 1]]);
	return true;
}

static bool visit(struct walk *w, uint32_t i, uint32_t before)
{
	const struct km_slot *slot = check_slot(w->c, i);
	bool follows_same = before != CHECK_NONE && km_cap_same_object(cap_of(w, before), slot->cap);
	while (w->depth > 0 && !km_tree_is_parent(w->c->k, check_slot(w->c, w->stack[w->depth - 1]), slot))
		w->depth--;
	if (!check_together(w, i, follows_same))
		return false;
	w->above[i] = count_above(w, i);
	if (w->depth > 0 && !check_watermark(w, i))
		return false;
	w->stack[w->depth++] = i;
	w->visited++;
	return true;
}

static bool walk_list(struct walk *w, uint32_t head)
{
	uint32_t before = CHECK_NONE;
	w->depth = 0;
	for (uint32_t i = head; i != CHECK_NONE;) {
		if (w->visited == w->c->slots.count)
			return check_fail(w->c, "the derivation tree runs in a circle through slot %x",
					  w->c->slots.item[i]);
		if (!visit(w, i, before))
			return false;
		before = i;
		km_ref next = check_slot(w->c, i)->next;
		i = next == 0 ? CHECK_NONE : check_set_find(&w->c->slots, next);
	}
	return true;
}

static bool walk_all(struct walk *w)
{
	for (uint32_t i = 0; i < w->c->slots.count; i++)
		if (check_slot(w->c, i)->prev == 0 && !walk_list(w, i))
			return false;
	if (w->visited != w->c->slots.count)
		return check_fail(w->c,
				  "the derivation tree has a circle: %u of %u slots hang from a first one",
				  w->visited, w->c->slots.count);
	return true;
}

/* ---- regions ---- */

static bool is_untyped(const struct walk *w, const struct region *r)
{
	return cap_of(w, r->slot).type == KM_CAP_UNTYPED;
}

/* By start, larger ones first, an untyped before what fills it. */
static int compare(const void *a, const void *b, void *context)
{
	const struct region *r = a, *s = b;
	const struct walk *w = context;
	if (r->start != s->start)
		return r->start < s->start ? -1 : 1;
	if (r->end != s->end)
		return r->end > s->end ? -1 : 1;
	return (int)is_untyped(w, s) - (int)is_untyped(w, r);
}

static bool check_nesting(struct walk *w, const struct region *outer, const struct region *inner)
{
	km_ref a = w->c->slots.item[outer->slot], b = w->c->slots.item[inner->slot];
	if (inner->end > outer->end)
		return check_fail(w->c, "the memory of slots %x and %x overlaps in part", a, b);
	if (!is_untyped(w, outer) && !km_cap_same_object(cap_of(w, outer->slot), cap_of(w, inner->slot)))
		return check_fail(w->c, "slots %x and %x name different objects in the same memory", a, b);
	return true;
}

/* `stack` holds the regions around `r`; counts the untyped ones as count_above() does. */
static bool check_region(struct walk *w, const struct region *stack, uint32_t depth, const struct region *r)
{
	uint32_t around = 0;
	for (uint32_t d = 0; d < depth; d++) {
		if (!check_nesting(w, &stack[d], r))
			return false;
		bool is_larger = stack[d].end - stack[d].start > r->end - r->start;
		around += is_untyped(w, &stack[d]) && (is_larger || !is_untyped(w, r));
	}
	if (around != w->above[r->slot])
		return check_fail(
			w->c,
			"slot %x lies in %u untyped regions, but has %u untyped capabilities above it in the "
			"derivation tree",
			w->c->slots.item[r->slot], around, w->above[r->slot]);
	return true;
}

static bool sweep(struct walk *w, struct region *region, uint32_t count, struct region *stack)
{
	uint32_t depth = 0;
	qsort_r(region, count, sizeof *region, compare, w);
	for (uint32_t i = 0; i < count; i++) {
		while (depth > 0 && stack[depth - 1].end <= region[i].start)
			depth--;
		if (!check_region(w, stack, depth, &region[i]))
			return false;
		/* Copies of a typed capability need not pile up. */
		if (depth == 0 || is_untyped(w, &region[i]) || is_untyped(w, &stack[depth - 1]))
			stack[depth++] = region[i];
	}
	return true;
}

static bool check_regions(struct walk *w)
{
	uint32_t count = 0, slots = w->c->slots.count;
	struct region *region = calloc(2 * (size_t)slots + 1, sizeof *region);
	SIM_CHECK(region != NULL);
	for (uint32_t i = 0; i < slots; i++) {
		struct km_cap cap = cap_of(w, i);
		if (!km_cap_is_physical(cap))
			continue;
		km_paddr start = km_cap_paddr(cap);
		region[count++] = (struct region){start, start + (UINT64_C(1) << km_cap_size_bits(cap)), i};
	}
	bool is_good = sweep(w, region, count, region + slots);
	free(region);
	return is_good;
}

bool check_tree(struct check *c)
{
	struct walk w = {.c = c};
	w.stack = calloc(2 * (size_t)c->slots.count + 1, sizeof *w.stack);
	SIM_CHECK(w.stack != NULL);
	w.above = w.stack + c->slots.count;
	bool is_good = check_links(c) && walk_all(&w) && check_regions(&w);
	free(w.stack);
	check_set_free(&w.closed);
	return is_good;
}
