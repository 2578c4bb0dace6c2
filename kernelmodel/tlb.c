/* kernelmodel/tlb.c - the translations that a core remembers. */
#include <stdlib.h>
#include "kernelmodel/tlb.h"
#include "kernelmodel/vspace.h"

#define WAYS     4
#define SETS_MAX 16

struct entry {
	km_word page; /* virtual address >> shift of its level */
	struct km_translation to;
	uint32_t asid; /* 0: empty, for asid 0 maps nothing */
};
struct set {
	struct entry way[WAYS];
	uint32_t next; /* which is replaced next */
};
struct km_tlb {
	struct set set[KM_LEVELS][SETS_MAX]; /* of the level PML4 there are none */
	struct km_tlb_counts counts;
};

/* How many sets each page size has: 64 small pages, 32 large ones, 4 huge ones. */
static const unsigned sets[KM_LEVELS] = {[KM_PDPT] = 1, [KM_DIRECTORY] = 8, [KM_TABLE] = 16};

struct km_tlb *km_tlb_new(void) { return calloc(1, sizeof(struct km_tlb)); }
void km_tlb_free(struct km_tlb *tlb) { free(tlb); }
struct km_tlb_counts km_tlb_counts(const struct km_tlb *tlb) { return tlb->counts; }

static struct set *set_of(struct km_tlb *tlb, unsigned level, km_word page)
{
	return &tlb->set[level][page & (sets[level] - 1)];
}

static struct entry *find_at(struct km_tlb *tlb, unsigned level, unsigned asid, km_word vaddr)
{
	km_word page = vaddr >> KM_LEVEL_SHIFT(level);
	struct set *set = set_of(tlb, level, page);
	for (unsigned w = 0; w < WAYS; w++)
		if (set->way[w].asid == asid && set->way[w].page == page)
			return &set->way[w];
	return NULL;
}

int km_tlb_find(struct km_tlb *tlb, unsigned asid, km_word vaddr, struct km_translation *out)
{
	for (unsigned level = KM_TABLE; level >= KM_PDPT; level--) {
		const struct entry *entry = find_at(tlb, level, asid, vaddr);
		if (entry != NULL) {
			tlb->counts.hits++;
			*out = entry->to;
			return 1;
		}
	}
	tlb->counts.misses++;
	return 0;
}

void km_tlb_fill(struct km_tlb *tlb, unsigned asid, km_word vaddr, const struct km_translation *in)
{
	km_word page = vaddr >> KM_LEVEL_SHIFT(in->level);
	struct set *set = set_of(tlb, in->level, page);
	unsigned w = 0;
	while (w < WAYS && set->way[w].asid != 0)
		w++;
	if (w == WAYS) {
		w = set->next;
		set->next = (set->next + 1) % WAYS;
	}
	set->way[w] = (struct entry){.page = page, .to = *in, .asid = asid};
}

void km_tlb_drop_page(struct km_tlb *tlb, unsigned asid, km_word vaddr)
{
	for (unsigned level = KM_PDPT; level <= KM_TABLE; level++) {
		struct entry *entry = find_at(tlb, level, asid, vaddr);
		if (entry != NULL) {
			*entry = (struct entry){.asid = 0};
			tlb->counts.dropped++;
		}
	}
}

void km_tlb_drop_space(struct km_tlb *tlb, unsigned asid)
{
	for (unsigned level = KM_PDPT; level <= KM_TABLE; level++)
		for (unsigned s = 0; s < sets[level]; s++)
			for (unsigned w = 0; w < WAYS; w++) {
				struct entry *entry = &tlb->set[level][s].way[w];
				if (entry->asid != asid)
					continue;
				*entry = (struct entry){.asid = 0};
				tlb->counts.dropped++;
			}
}

int km_tlb_each(const struct km_tlb *tlb, void *context,
		int (*see)(void *context, unsigned asid, km_word vaddr, const struct km_translation *to))
{
	for (unsigned level = KM_PDPT; level <= KM_TABLE; level++)
		for (unsigned s = 0; s < sets[level]; s++)
			for (unsigned w = 0; w < WAYS; w++) {
				const struct entry *entry = &tlb->set[level][s].way[w];
				if (entry->asid != 0 &&
				    !see(context, entry->asid, entry->page << KM_LEVEL_SHIFT(level),
					 &entry->to))
					return 0;
			}
	return 1;
}
