/* kernelmodel/check_memory.c - page tables, address-space ids, TLBs, interrupts and I/O ports. See check.h.
 *
 * Every entry that a walk can reach is named by a capability that says so. The contrary need not hold: mapping over a page
 * leaves the capability of that page behind, as does deleting a table. */
#include <stdlib.h>
#include "kernelmodel/check.h"
#include "kernelmodel/irq.h"
#include "kernelmodel/tlb.h"
#include "kernelmodel/vspace.h"
#include "sim/check.h"

struct mapping {
	km_word place;  /* asid and address, as a capability has them */
	unsigned level; /* of the entry that maps it */
	struct km_cap cap;
};
struct mappings {
	struct check *c;
	struct mapping *item;
	uint32_t count;
};

/* ---- what capabilities say ---- */

static int level_of(struct km_cap cap)
{
	switch (cap.type) {
	case KM_CAP_FRAME:
		return km_cap_asid(cap) != 0 ? (39 - (int)cap.size) / 9 : -1;
	case KM_CAP_PAGE_TABLE:
		return cap.flag ? KM_DIRECTORY : -1;
	case KM_CAP_PAGE_DIRECTORY:
		return cap.flag ? KM_PDPT : -1;
	case KM_CAP_PDPT:
		return cap.flag ? KM_PML4 : -1;
	default:
		return -1;
	}
}

static int compare(const void *a, const void *b)
{
	const struct mapping *m = a, *n = b;
	if (m->place != n->place)
		return m->place < n->place ? -1 : 1;
	return (m->level > n->level) - (m->level < n->level);
}

static void collect_mappings(struct mappings *m)
{
	m->item = calloc(m->c->slots.count + 1, sizeof *m->item);
	SIM_CHECK(m->item != NULL);
	for (uint32_t i = 0; i < m->c->slots.count; i++) {
		struct km_cap cap = check_slot(m->c, i)->cap;
		int level = level_of(cap);
		if (level >= 0)
			m->item[m->count++] =
				(struct mapping){.place = cap.word, .level = (unsigned)level, .cap = cap};
	}
	qsort(m->item, m->count, sizeof *m->item, compare);
}

static bool names(struct km_cap cap, uint64_t entry, unsigned level)
{
	if ((cap.type == KM_CAP_FRAME) != km_entry_is_page(entry, level))
		return false;
	if (cap.type != KM_CAP_FRAME)
		return (entry & KM_ENTRY_ADDRESS) == km_cap_paddr(cap);
	if (km_entry_page(entry, level) != km_cap_paddr(cap))
		return false;
	if (!(entry & KM_ENTRY_USER))
		return true;
	return (cap.rights & KM_READ) && (!(entry & KM_ENTRY_WRITE) || (cap.rights & KM_WRITE));
}

/* Is there a capability for what `entry` maps at `place`? */
static bool is_named(const struct mappings *m, km_word place, unsigned level, uint64_t entry)
{
	const struct mapping key = {.place = place, .level = level};
	const struct mapping *found = bsearch(&key, m->item, m->count, sizeof key, compare);
	if (found == NULL)
		return false;
	while (found > m->item && compare(found - 1, &key) == 0)
		found--;
	for (; found < m->item + m->count && compare(found, &key) == 0; found++)
		if (names(found->cap, entry, level))
			return true;
	return false;
}

/* ---- what tables say ---- */

static bool check_table(struct mappings *m, km_paddr table, unsigned level, km_word place);

static bool check_entry(struct mappings *m, uint64_t entry, unsigned level, km_word place)
{
	if (!is_named(m, place, level, entry))
		return check_fail(
			m->c, "asid %u: the entry %lx of level %u for address %lx is named by no capability",
			(unsigned)(place >> KM_ASID_SHIFT), entry, level, place & KM_VADDR_MASK);
	return !km_entry_is_table(entry, level) || check_table(m, entry & KM_ENTRY_ADDRESS, level + 1, place);
}

static bool check_table(struct mappings *m, km_paddr table, unsigned level, km_word place)
{
	unsigned entries = level == KM_PML4 ? KM_PML4_USER_ENTRIES : KM_TABLE_ENTRIES;
	for (unsigned i = 0; i < entries; i++) {
		uint64_t entry = km_table_at(m->c->k, table)[i];
		if ((entry & KM_ENTRY_PRESENT) &&
		    !check_entry(m, entry, level, place | (km_word)i << KM_LEVEL_SHIFT(level)))
			return false;
	}
	return true;
}

static bool has_capability(const struct check *c, unsigned type, km_paddr object, km_word word)
{
	for (uint32_t i = 0; i < c->slots.count; i++) {
		struct km_cap cap = check_slot(c, i)->cap;
		if (cap.type == type && km_cap_paddr(cap) == object && cap.word == word)
			return true;
	}
	return false;
}

static bool check_pool(struct mappings *m, unsigned number)
{
	struct check *c = m->c;
	km_ref at = c->k->asid_pool[number];
	unsigned base = number << seL4_ASIDPoolIndexBits;
	if (!has_capability(c, KM_CAP_ASID_POOL, (km_paddr)at << KM_GRANULE_BITS, base))
		return check_fail(c, "no capability names pool %u of address-space ids", number);
	const uint64_t *pool = km_at(c->k, at);
	for (unsigned i = 0; i < KM_ASID_POOL_SIZE; i++) {
		km_word place = (km_word)(base + i) << KM_ASID_SHIFT;
		if (pool[i] == 0)
			continue;
		if (base + i == 0 || !has_capability(c, KM_CAP_PML4, pool[i], place))
			return check_fail(c, "asid %u: no capability names its PML4 at %lx", base + i,
					  pool[i]);
		if (!check_table(m, pool[i], KM_PML4, place))
			return false;
	}
	return true;
}

/* ---- TLBs ---- */

/* A translation is remembered only as long as a walk would give it. */
static int check_translation(void *context, unsigned asid, km_word vaddr, const struct km_translation *to)
{
	struct check *c = context;
	km_paddr table = km_asid_find(c->k, asid);
	int may_write = 1, is_user = 1;
	for (unsigned level = 0; table != 0 && level <= to->level; level++) {
		uint64_t entry = km_table_at(c->k, table)[km_table_index(vaddr, level)];
		may_write &= (entry & KM_ENTRY_WRITE) != 0;
		is_user &= (entry & KM_ENTRY_USER) != 0;
		if (level == to->level && km_entry_is_page(entry, level) &&
		    km_entry_page(entry, level) == to->page && may_write == to->may_write &&
		    is_user == to->is_user)
			return 1;
		table = km_entry_is_table(entry, level) ? entry & KM_ENTRY_ADDRESS : 0;
	}
	return check_fail(c, "a TLB holds a stale translation of address %lx, asid %u, to %lx", vaddr, asid,
			  to->page);
}

static bool check_spaces(struct check *c)
{
	struct mappings m = {.c = c};
	bool is_good = true;
	collect_mappings(&m);
	for (unsigned i = 0; i < 64 && is_good; i++)
		if (c->k->asid_pool[i] != 0)
			is_good = i < KM_ASID_POOLS
					  ? check_pool(&m, i)
					  : check_fail(c, "there is no pool %u of address-space ids", i);
	for (uint32_t i = 0; i < c->k->cores && is_good; i++)
		is_good = km_tlb_each(c->k->core[i].tlb, c, check_translation);
	free(m.item);
	return is_good;
}

/* ---- interrupts and ports ---- */

static bool check_interrupt(struct check *c, unsigned irq)
{
	const struct km_kernel *k = c->k;
	struct km_cap cap = (KM_SLOT(k, k->irq_node) + irq)->cap;
	bool is_active = k->irq_state[irq] == KM_IRQ_LINE || k->irq_state[irq] == KM_IRQ_MESSAGE;
	if (k->irq_state[irq] > KM_IRQ_MESSAGE ||
	    (k->irq_state[irq] != KM_IRQ_RESERVED && !k->irq_owned[irq]))
		return check_fail(c, "interrupt %u is in state %u, but is not this kernel's", irq,
				  k->irq_state[irq]);
	if (cap.type != KM_CAP_NULL && (cap.type != KM_CAP_NOTIFICATION || !is_active))
		return check_fail(
			c, "interrupt %u has no handler, or not a notification, but a capability of type %u",
			irq, cap.type);
	if (k->irq_masked[irq] == KM_IRQ_OPEN && !is_active)
		return check_fail(c, "interrupt %u is not masked, and has no handler", irq);
	return true;
}

static bool check_interrupts(struct check *c)
{
	uint8_t handled[KM_IRQS] = {0};
	for (unsigned irq = 0; irq < KM_IRQS; irq++)
		if (!check_interrupt(c, irq))
			return false;
	for (uint32_t i = 0; i < c->slots.count; i++) {
		struct km_cap cap = check_slot(c, i)->cap;
		if (cap.type != KM_CAP_IRQ_HANDLER)
			continue;
		if (cap.word >= KM_IRQS)
			return check_fail(c, "slot %x: there is no interrupt %lu", c->slots.item[i],
					  cap.word);
		handled[cap.word] = 1;
	}
	for (unsigned irq = 0; irq < KM_IRQS; irq++) {
		bool is_active =
			c->k->irq_state[irq] == KM_IRQ_LINE || c->k->irq_state[irq] == KM_IRQ_MESSAGE;
		if (is_active != handled[irq])
			return check_fail(c, "interrupt %u: its state says %s, the capabilities the contrary",
					  irq, is_active ? "handled" : "not handled");
	}
	return true;
}

#define PORTS 65536

static bool check_ports(struct check *c)
{
	uint8_t issued[PORTS / 8] = {0};
	for (uint32_t i = 0; i < c->slots.count; i++) {
		struct km_cap cap = check_slot(c, i)->cap;
		if (cap.type != KM_CAP_IO_PORT)
			continue;
		for (unsigned port = cap.word & 0xffff; port <= (cap.word >> 16 & 0xffff); port++)
			issued[port / 8] |= (uint8_t)(1u << port % 8);
	}
	if (memcmp(issued, km_at(c->k, c->k->io_ports), sizeof issued) != 0)
		return check_fail(
			c, "the I/O ports that are marked as issued are not those that capabilities name");
	return true;
}

bool check_memory(struct check *c) { return check_spaces(c) && check_interrupts(c) && check_ports(c); }
