/* kernelmodel/vspace.h - page tables as x86-64 has them, and who holds an address-space id.
 *
 * Tables are arrays of 512 words in the kernel's memory, in the format of the processor. Level 0 is the PML4, 1 a PDPT,
 * 2 a page directory, 3 a page table; an entry of level L covers 2^(39 - 9 L) bytes.
 * Internal to vspace.c, asid.c, tlb.c, boot.c and the checks. Layer: kernelmodel.
 * Source: Intel SDM volume 3, chapter 4; seL4 16.0 manual, chapter 7. */
#ifndef SKERRY_KERNELMODEL_VSPACE_H
#define SKERRY_KERNELMODEL_VSPACE_H
#include "kernelmodel/kernel_internal.h"

enum { KM_PML4, KM_PDPT, KM_DIRECTORY, KM_TABLE, KM_LEVELS };
#define KM_TABLE_ENTRIES      512
#define KM_LEVEL_SHIFT(level) (39 - 9 * (level))

/* Bits of an entry. PAT stands elsewhere in entries of large pages. */
#define KM_ENTRY_PRESENT   UINT64_C(0x1)
#define KM_ENTRY_WRITE     UINT64_C(0x2)
#define KM_ENTRY_USER      UINT64_C(0x4)
#define KM_ENTRY_THROUGH   UINT64_C(0x8)
#define KM_ENTRY_UNCACHED  UINT64_C(0x10)
#define KM_ENTRY_LARGE     UINT64_C(0x80) /* levels PDPT and DIRECTORY: a page, not a table */
#define KM_ENTRY_PAT       UINT64_C(0x80) /* level TABLE */
#define KM_ENTRY_PAT_LARGE UINT64_C(0x1000)
#define KM_ENTRY_TABLE     (KM_ENTRY_PRESENT | KM_ENTRY_WRITE | KM_ENTRY_USER)
#define KM_ENTRY_ADDRESS   UINT64_C(0x000ffffffffff000)

/* The kernel's half of a PML4 maps nothing in the model; its last entry is the mask of the cores that have loaded this
 * address space and may hold its translations, where upstream's multicore kernel keeps it too. */
#define KM_PML4_USER_ENTRIES 256
#define KM_PML4_CORES        511

static inline unsigned km_table_index(km_word vaddr, unsigned level)
{
	return (vaddr >> KM_LEVEL_SHIFT(level)) & (KM_TABLE_ENTRIES - 1);
}
static inline uint64_t *km_table_at(const struct km_kernel *k, km_paddr paddr)
{
	return km_at(k, (km_ref)(paddr >> KM_GRANULE_BITS));
}
static inline int km_entry_is_table(uint64_t entry, unsigned level)
{
	return (entry & KM_ENTRY_PRESENT) && level < KM_TABLE && !(entry & KM_ENTRY_LARGE);
}
static inline int km_entry_is_page(uint64_t entry, unsigned level)
{
	return (entry & KM_ENTRY_PRESENT) && (level == KM_TABLE || (entry & KM_ENTRY_LARGE));
}
/* Where the page of an entry begins: large pages have attributes in the low bits of the address. */
static inline km_paddr km_entry_page(uint64_t entry, unsigned level)
{
	return entry & KM_ENTRY_ADDRESS & ~((UINT64_C(1) << KM_LEVEL_SHIFT(level)) - 1);
}

/* ---- address-space ids: a pool is a page of 512 words, each the physical address of a PML4, or 0 ---- */

#define KM_ASID_POOLS     (1u << seL4_NumASIDPoolsBits)
#define KM_ASID_POOL_SIZE (1u << seL4_ASIDPoolIndexBits)
#define KM_ASID_ROOT      1u /* of the root task; 0 is nobody's */

/* The PML4 that has `asid`, or 0. */
km_paddr km_asid_find(const struct km_kernel *k, unsigned asid);
/* A PML4 is deleted: its id is free, and no core holds a translation of it. */
void km_asid_delete(struct km_kernel *k, unsigned asid, km_paddr pml4);
/* The PML4 of a thread, if it is valid and has its asid; or 0, with *asid 0. */
km_paddr km_vspace_of(const struct km_kernel *k, const struct km_tcb *tcb, unsigned *asid);

/* ---- vspace.c: no core holds a translation of one page, or of a whole space, afterwards ---- */

void km_space_invalidate_page(struct km_kernel *k, km_paddr pml4, unsigned asid, km_word vaddr);
void km_space_invalidate(struct km_kernel *k, km_paddr pml4, unsigned asid);

#endif
