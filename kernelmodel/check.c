/* kernelmodel/check.c - km_check(): what must hold of a kernel between any two entries. See check.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "kernelmodel/check.h"
#include "sim/check.h"

/* ---- sets ---- */

static uint32_t bucket_of(const struct check_set *set, km_ref ref)
{
	uint32_t at = ref * UINT32_C(0x9e3779b1) & (set->buckets - 1);
	while (set->bucket[at] != 0 && set->item[set->bucket[at] - 1] != ref)
		at = (at + 1) & (set->buckets - 1);
	return at;
}

static void grow(struct check_set *set)
{
	uint32_t buckets = set->buckets == 0 ? 64 : 2 * set->buckets;
	free(set->bucket);
	set->bucket = calloc(buckets, sizeof *set->bucket);
	set->room = buckets / 2;
	set->item = realloc(set->item, set->room * sizeof *set->item);
	SIM_CHECK(set->bucket != NULL && set->item != NULL);
	set->buckets = buckets;
	for (uint32_t i = 0; i < set->count; i++)
		set->bucket[bucket_of(set, set->item[i])] = i + 1;
}

uint32_t check_set_add(struct check_set *set, km_ref ref)
{
	if (set->count == set->room)
		grow(set);
	uint32_t at = bucket_of(set, ref);
	if (set->bucket[at] == 0) {
		set->item[set->count++] = ref;
		set->bucket[at] = set->count;
	}
	return set->bucket[at] - 1;
}

uint32_t check_set_find(const struct check_set *set, km_ref ref)
{
	if (set->count == 0)
		return CHECK_NONE;
	uint32_t at = bucket_of(set, ref);
	return set->bucket[at] == 0 ? CHECK_NONE : set->bucket[at] - 1;
}

void check_set_free(struct check_set *set)
{
	free(set->item);
	free(set->bucket);
}

/* ---- complaints ---- */

bool check_fail(struct check *c, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(c->k->complaint, sizeof c->k->complaint, format, arguments);
	va_end(arguments);
	return false;
}

/* Nothing lies in the first page. */
bool check_is_inside(const struct check *c, km_ref ref, uint64_t bytes, uint64_t alignment)
{
	km_paddr at = (km_paddr)ref << KM_GRANULE_BITS;
	return at >= c->k->base + 4096 && at % alignment == 0 && bytes <= c->k->size &&
	       at - c->k->base <= c->k->size - bytes;
}

/* ---- collecting ---- */

static bool has_object(struct km_cap cap) { return km_cap_is_physical(cap); }

/* A capability names something that may be an object of its type. */
static bool check_capability(struct check *c, km_ref at, struct km_cap cap)
{
	if (cap.type >= KM_CAP_TYPES)
		return check_fail(c, "slot %x: there is no capability of type %u", at, cap.type);
	if (!has_object(cap) || ((cap.type == KM_CAP_FRAME || cap.type == KM_CAP_UNTYPED) && cap.flag))
		return true;
	uint64_t bytes = UINT64_C(1) << km_cap_size_bits(cap);
	/* The object of a zombie or a CNode begins with slots, the others have the size that they say. */
	if (cap.object > UINT32_MAX || !check_is_inside(c, (km_ref)cap.object, bytes, bytes))
		return check_fail(c,
				  "slot %x: its object (type %u, at %lx, 2^%u bytes) is outside of memory or "
				  "not aligned",
				  at, cap.type, (unsigned long)cap.object, km_cap_size_bits(cap));
	return true;
}

static void add_holder(struct check *c, km_ref at, uint32_t slots)
{
	uint32_t i = check_set_add(&c->holders, at);
	if (i >= c->holder_room) {
		c->holder_room = 2 * i + 16;
		c->holder_slots = realloc(c->holder_slots, c->holder_room * sizeof *c->holder_slots);
		SIM_CHECK(c->holder_slots != NULL);
	}
	c->holder_slots[i] = slots;
}

static struct check_set *set_for(struct check *c, unsigned type)
{
	switch (type) {
	case KM_CAP_ENDPOINT:
		return &c->endpoints;
	case KM_CAP_NOTIFICATION:
		return &c->notifications;
	case KM_CAP_REPLY:
		return &c->replies;
	case KM_CAP_SCHED_CONTEXT:
		return &c->contexts;
	default:
		return NULL;
	}
}

static void collect_object(struct check *c, struct km_cap cap)
{
	struct check_set *set = set_for(c, cap.type);
	if (set != NULL)
		check_set_add(set, (km_ref)cap.object);
	if (cap.type == KM_CAP_THREAD || (cap.type == KM_CAP_ZOMBIE && cap.flag))
		add_holder(c, (km_ref)cap.object, KM_TCB_SLOTS);
	if (cap.type == KM_CAP_CNODE || (cap.type == KM_CAP_ZOMBIE && !cap.flag))
		add_holder(c, (km_ref)cap.object, UINT32_C(1) << cap.size);
}

static bool collect_slot(struct check *c, km_ref at)
{
	const struct km_slot *slot = KM_SLOT(c->k, at);
	if (!check_capability(c, at, slot->cap))
		return false;
	if (km_slot_is_empty(slot)) {
		if (slot->prev != 0 || slot->next != 0)
			return check_fail(c, "slot %x is empty but linked in the derivation tree", at);
		return true;
	}
	check_set_add(&c->slots, at);
	collect_object(c, slot->cap);
	return true;
}

static bool collect_holder(struct check *c, uint32_t number)
{
	km_ref at = c->holders.item[number];
	for (uint32_t i = 0; i < c->holder_slots[number]; i++) {
		km_ref slot = at + i * (uint32_t)(sizeof(struct km_slot) >> KM_GRANULE_BITS);
		if (!collect_slot(c, slot))
			return false;
		if (!km_slot_is_empty(KM_SLOT(c->k, slot)))
			check_set_add(&c->homed, slot);
	}
	return true;
}

/* A CNode that is only in itself is found by its neighbours in the derivation tree. */
static bool collect_neighbours(struct check *c, uint32_t number)
{
	const struct km_slot *slot = check_slot(c, number);
	const km_ref link[] = {slot->prev, slot->next};
	for (unsigned i = 0; i < 2; i++) {
		if (link[i] == 0)
			continue;
		if (!check_is_inside(c, link[i], sizeof *slot, sizeof *slot))
			return check_fail(c, "slot %x: its neighbour %x in the derivation tree is no slot",
					  c->slots.item[number], link[i]);
		if (km_slot_is_empty(KM_SLOT(c->k, link[i])))
			return check_fail(c, "slot %x: its neighbour %x in the derivation tree is empty",
					  c->slots.item[number], link[i]);
		if (!collect_slot(c, link[i]))
			return false;
	}
	return true;
}

/* A slot that only the tree leads to may lie in a CNode that has lost every capability but those in itself, because its owner
 * has changed CSpaces: seL4 leaks it, until the untyped memory below is revoked. But it lies in no other object. */
static bool is_in_object(const struct check *c, km_ref slot)
{
	return check_set_has(&c->endpoints, slot) || check_set_has(&c->endpoints, slot + 1) ||
	       check_set_has(&c->replies, slot) || check_set_has(&c->notifications, slot & ~UINT32_C(3)) ||
	       check_set_has(&c->contexts, slot & ~UINT32_C(7));
}

static bool collect_slots(struct check *c)
{
	uint32_t holder = 0, slot = 0;
	add_holder(c, c->k->irq_node, KM_IRQS);
	for (uint32_t i = 0; i < c->threads.count; i++)
		add_holder(c, c->threads.item[i], KM_TCB_SLOTS);
	while (holder < c->holders.count || slot < c->slots.count)
		if (holder < c->holders.count) {
			if (!collect_holder(c, holder++))
				return false;
		} else if (!collect_neighbours(c, slot++)) {
			return false;
		}
	for (uint32_t i = 0; i < c->slots.count; i++)
		if (!check_set_has(&c->homed, c->slots.item[i]) && is_in_object(c, c->slots.item[i]))
			return check_fail(c, "slot %x is in the derivation tree, but lies in another object",
					  c->slots.item[i]);
	return true;
}

static bool collect_threads(struct check *c)
{
	km_ref before = 0;
	for (km_ref at = c->k->all_first; at != 0; at = KM_TCB(c->k, at)->all_next) {
		if (!check_is_inside(c, at, sizeof(struct km_tcb), 16) || check_set_has(&c->threads, at))
			return check_fail(c, "list of threads: %x behind %x is no thread, or listed twice",
					  at, before);
		if (KM_TCB(c->k, at)->all_prev != before)
			return check_fail(c, "list of threads: %x does not point back to %x", at, before);
		check_set_add(&c->threads, at);
		before = at;
	}
	if (c->k->all_last != before)
		return check_fail(c, "list of threads: the last is %x, not %x", before, c->k->all_last);
	c->waiting = calloc(c->threads.count + 1, 1);
	c->queued = calloc(c->threads.count + 1, 1);
	SIM_CHECK(c->waiting != NULL && c->queued != NULL);
	return true;
}

static void check_fini(struct check *c)
{
	struct check_set *set[] = {&c->slots,     &c->homed,         &c->holders, &c->threads,
				   &c->endpoints, &c->notifications, &c->replies, &c->contexts};
	for (unsigned i = 0; i < sizeof set / sizeof set[0]; i++)
		check_set_free(set[i]);
	free(c->holder_slots);
	free(c->waiting);
	free(c->queued);
}

const char *km_check(struct km_kernel *kernel)
{
	struct check c = {.k = kernel};
	bool is_good = collect_threads(&c) && collect_slots(&c) && check_tree(&c) && check_threads(&c) &&
		       check_cores(&c) && check_contexts(&c) && check_memory(&c);
	check_fini(&c);
	return is_good ? NULL : kernel->complaint;
}
