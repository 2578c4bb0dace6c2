/* kernelmodel/tlb.h - the translations that a core remembers.
 *
 * A set-associative cache tagged by address-space id, one array a page size, replaced in turn, so that a run is the same
 * every time. It is a model of what real TLBs do to cost and to stale translations, not of one processor's geometry.
 *
 * Thread rule: that of its kernel. Layer: kernelmodel. Source: Intel SDM volume 3, section 4.10. */
#ifndef SKERRY_KERNELMODEL_TLB_H
#define SKERRY_KERNELMODEL_TLB_H
#include "kernelmodel/object.h"

struct km_tlb; /* opaque */

struct km_tlb_counts {
	uint64_t hits, misses, dropped; /* dropped: translations invalidated */
};

/* Empty; NULL: no memory. Owned by the caller. */
struct km_tlb *km_tlb_new(void);
void km_tlb_free(struct km_tlb *tlb); /* takes NULL */

/* A page that is mapped: where it begins, its size as the level of its entry, and the rights of all levels together. */
struct km_translation {
	km_paddr page;
	unsigned level;
	int may_write, is_user;
};
/* Counts a hit or a miss; true: *out is what was remembered. */
int km_tlb_find(struct km_tlb *tlb, unsigned asid, km_word vaddr, struct km_translation *out);
/* Remembers a translation of the page around `vaddr`, of which there is none yet. */
void km_tlb_fill(struct km_tlb *tlb, unsigned asid, km_word vaddr, const struct km_translation *in);
/* Forgets the page around `vaddr`, or all of an address space. */
void km_tlb_drop_page(struct km_tlb *tlb, unsigned asid, km_word vaddr);
void km_tlb_drop_space(struct km_tlb *tlb, unsigned asid);
struct km_tlb_counts km_tlb_counts(const struct km_tlb *tlb);
/* Calls `see` with all that is remembered, until it answers 0: then 0. */
int km_tlb_each(const struct km_tlb *tlb, void *context,
		int (*see)(void *context, unsigned asid, km_word vaddr, const struct km_translation *to));

#endif
