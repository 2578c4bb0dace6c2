/* kernelmodel/vspace.c - address spaces: mapping, unmapping and walking page tables.
 *
 * Tables are real: 512 words of the processor's format in the kernel's memory, walked for each translation that no TLB
 * remembers. Mapping a small page over another replaces it, as upstream's x86 does; the capability of the one replaced
 * still says that it is mapped, and unmapping it finds another page's entry and leaves that alone.
 *
 * Reading order: lookups, invalidation, unmapping (used by deletion too), frames, tables, translation.
 * Source: seL4 16.0 manual, chapter 7; Intel SDM volume 3, chapter 4. */
#include "kernelmodel/vspace.h"
#include "kernelmodel/fast.h"
#include "kernelmodel/tlb.h"

/* ---- lookups ---- */

/* The entry of `level` that maps `vaddr`; a table that is missing above is a lookup failure. */
static enum km_status find_entry(struct km_kernel *k, km_paddr pml4, km_word vaddr, unsigned level,
				 uint64_t **out)
{
	uint64_t *table = km_table_at(k, pml4);
	for (unsigned l = 0; l < level; l++) {
		uint64_t entry = table[km_table_index(vaddr, l)];
		km_work(k, KM_WORK_WALK);
		if (!km_entry_is_table(entry, l)) {
			k->lookup = (struct km_lookup_failure){.type = seL4_MissingCapability,
							       .bits_left = (uint8_t)KM_LEVEL_SHIFT(l)};
			return km_fail_lookup(k, 0);
		}
		table = km_table_at(k, entry & KM_ENTRY_ADDRESS);
	}
	*out = &table[km_table_index(vaddr, level)];
	return KM_OK;
}

static void write_entry(struct km_kernel *k, uint64_t *entry, uint64_t value)
{
	*entry = value;
	km_work(k, KM_WORK_PAGE_ENTRY);
}

int km_is_valid_vspace(struct km_kernel *k, struct km_cap cap)
{
	(void)k;
	return cap.type == KM_CAP_PML4 && cap.flag;
}

/* The address space that a capability names must still be the one of its id. */
static enum km_status check_space(struct km_kernel *k, struct km_cap space)
{
	km_paddr pml4 = km_asid_find(k, km_cap_asid(space));
	if (pml4 == 0) {
		k->lookup = (struct km_lookup_failure){.type = seL4_InvalidRoot};
		return km_fail_lookup(k, 0);
	}
	return pml4 == km_cap_paddr(space) ? KM_OK : km_fail_cap(k, 1);
}

/* ---- invalidation ---- */

/* Other cores that may hold translations are stopped for it, one by one. */
static void invalidate(struct km_kernel *k, km_paddr pml4, unsigned asid, int whole, km_word vaddr)
{
	uint64_t cores = km_table_at(k, pml4)[KM_PML4_CORES] | UINT64_C(1) << k->self->id;
	for (uint32_t i = 0; i < k->cores; i++) {
		if (!(cores >> i & 1))
			continue;
		if (&k->core[i] != k->self)
			km_work(k, KM_WORK_STALL);
		km_work(k, KM_WORK_TLB);
		if (whole)
			km_tlb_drop_space(k->core[i].tlb, asid);
		else
			km_tlb_drop_page(k->core[i].tlb, asid, vaddr);
	}
}

void km_space_invalidate_page(struct km_kernel *k, km_paddr pml4, unsigned asid, km_word vaddr)
{
	invalidate(k, pml4, asid, 0, vaddr);
}

void km_space_invalidate(struct km_kernel *k, km_paddr pml4, unsigned asid)
{
	invalidate(k, pml4, asid, 1, 0);
}

/* ---- unmapping ---- */

static unsigned level_of_frame(struct km_cap frame) { return (39u - frame.size) / 9; }

/* Finds the entry of a mapped capability in the space that has its id now; NULL: it is not there any more. */
static uint64_t *mapped_entry(struct km_kernel *k, struct km_cap cap, unsigned level, km_paddr *pml4)
{
	uint64_t *entry;
	*pml4 = km_asid_find(k, km_cap_asid(cap));
	if (*pml4 == 0 || find_entry(k, *pml4, km_cap_vaddr(cap), level, &entry) != KM_OK)
		return NULL;
	return entry;
}

static void unmap_frame(struct km_kernel *k, struct km_cap frame)
{
	unsigned level = level_of_frame(frame);
	km_paddr pml4;
	uint64_t *entry = mapped_entry(k, frame, level, &pml4);
	if (entry == NULL || !km_entry_is_page(*entry, level) ||
	    km_entry_page(*entry, level) != km_cap_paddr(frame))
		return;
	write_entry(k, entry, 0);
	km_space_invalidate_page(k, pml4, km_cap_asid(frame), km_cap_vaddr(frame));
}

static unsigned level_of_table(struct km_cap cap)
{
	return cap.type == KM_CAP_PAGE_TABLE       ? KM_TABLE
	       : cap.type == KM_CAP_PAGE_DIRECTORY ? KM_DIRECTORY
						   : KM_PDPT;
}

/* A page table's pages are invalidated one by one, what lies higher as the whole space: upstream's choice. */
static void invalidate_table(struct km_kernel *k, struct km_cap table, km_paddr pml4)
{
	const uint64_t *entries = km_cap_object(k, table);
	if (table.type != KM_CAP_PAGE_TABLE) {
		km_space_invalidate(k, pml4, km_cap_asid(table));
		return;
	}
	for (unsigned i = 0; i < KM_TABLE_ENTRIES; i++)
		if (entries[i] & KM_ENTRY_PRESENT)
			km_space_invalidate_page(k, pml4, km_cap_asid(table),
						 km_cap_vaddr(table) + ((km_word)i << seL4_PageBits));
}

static void unmap_table(struct km_kernel *k, struct km_cap table)
{
	unsigned above = level_of_table(table) - 1;
	km_paddr pml4;
	uint64_t *entry = mapped_entry(k, table, above, &pml4);
	if (entry == NULL || !km_entry_is_table(*entry, above) ||
	    (*entry & KM_ENTRY_ADDRESS) != km_cap_paddr(table))
		return;
	invalidate_table(k, table, pml4);
	write_entry(k, entry, 0);
}

/* ---- what deletion and derivation ask ---- */

void km_frame_deleted(struct km_kernel *k, struct km_cap cap)
{
	if (km_cap_asid(cap) != 0)
		unmap_frame(k, cap);
}

void km_paging_deleted(struct km_kernel *k, struct km_cap cap, int final)
{
	if (!final || !cap.flag)
		return;
	if (cap.type == KM_CAP_PML4)
		km_asid_delete(k, km_cap_asid(cap), km_cap_paddr(cap));
	else
		unmap_table(k, cap);
}

/* A copy of a frame is mapped on its own. */
enum km_status km_frame_derive(struct km_kernel *k, struct km_cap cap, struct km_cap *out)
{
	(void)k;
	cap.word = 0;
	*out = cap;
	return KM_OK;
}

/* A copy of a table that is not mapped could be mapped a second time. */
enum km_status km_paging_derive(struct km_kernel *k, struct km_cap cap, struct km_cap *out)
{
	*out = cap.flag ? cap : KM_NULL_CAP;
	return cap.flag ? KM_OK : km_fail(k, seL4_IllegalOperation);
}

enum km_status km_check_buffer(struct km_kernel *k, km_word address, struct km_cap cap)
{
	if (cap.type != KM_CAP_FRAME || cap.flag)
		return km_fail(k, seL4_IllegalOperation);
	if (address & ((UINT64_C(1) << seL4_IPCBufferSizeBits) - 1))
		return km_fail(k, seL4_AlignmentError);
	return KM_OK;
}

/* ---- frames ---- */

/* A frame that one may not read is the kernel's alone; one cannot have write without read. */
static unsigned mask_frame_rights(unsigned rights, km_word mask)
{
	if (!(rights & KM_READ) || !(mask & KM_READ))
		return 0;
	return KM_READ | (rights & mask & KM_WRITE);
}

static uint64_t page_entry(struct km_cap frame, unsigned rights, km_word attributes)
{
	unsigned level = level_of_frame(frame);
	uint64_t entry = km_cap_paddr(frame) | KM_ENTRY_PRESENT;
	if (level != KM_TABLE)
		entry |= KM_ENTRY_LARGE;
	if (rights != 0)
		entry |= KM_ENTRY_USER;
	if (rights != KM_READ) /* the kernel writes its own */
		entry |= KM_ENTRY_WRITE;
	if (attributes & 1)
		entry |= KM_ENTRY_THROUGH;
	if (attributes & 2)
		entry |= KM_ENTRY_UNCACHED;
	if ((attributes & 4) && level != KM_PDPT) /* upstream has no such attribute for huge pages */
		entry |= level == KM_TABLE ? KM_ENTRY_PAT : KM_ENTRY_PAT_LARGE;
	return entry;
}

struct page_map {
	struct km_cap frame; /* as it will be */
	struct km_cap space;
	uint64_t *entry, value;
};

/* A frame that is mapped may only be mapped again where it is, with other rights or attributes. */
static enum km_status check_place(struct km_kernel *k, struct km_cap frame, struct km_cap space,
				  km_word vaddr)
{
	if (km_cap_asid(frame) != 0) {
		if (km_cap_asid(frame) != km_cap_asid(space))
			return km_fail_cap(k, 1);
		return km_cap_vaddr(frame) == vaddr ? KM_OK : km_fail_argument(k, 0);
	}
	km_word top = vaddr + (UINT64_C(1) << frame.size);
	return vaddr > seL4_UserTop || top > seL4_UserTop ? km_fail_argument(k, 0) : KM_OK;
}

static enum km_status decode_page_map(struct km_kernel *k, const struct km_request *r, struct page_map *out)
{
	if (r->length < 3 || k->extra[0] == NULL)
		return km_fail(k, seL4_TruncatedMessage);
	km_word vaddr = km_argument(r, 0);
	out->space = k->extra[0]->cap;
	if (!km_is_valid_vspace(k, out->space))
		return km_fail_cap(k, 1);
	enum km_status status = check_place(k, r->cap, out->space, vaddr);
	if (status == KM_OK)
		status = check_space(k, out->space);
	if (status != KM_OK)
		return status;
	if (vaddr & ((UINT64_C(1) << r->cap.size) - 1))
		return km_fail(k, seL4_AlignmentError);
	unsigned level = level_of_frame(r->cap);
	status = find_entry(k, km_cap_paddr(out->space), vaddr, level, &out->entry);
	if (status != KM_OK)
		return status;
	if (km_entry_is_table(*out->entry, level))
		return km_fail(k, seL4_DeleteFirst);
	out->frame = r->cap;
	out->frame.word = (km_word)km_cap_asid(out->space) << KM_ASID_SHIFT | vaddr;
	out->value =
		page_entry(r->cap, mask_frame_rights(r->cap.rights, km_argument(r, 1)), km_argument(r, 2));
	return KM_OK;
}

static void perform_page_map(struct km_kernel *k, struct km_slot *slot, const struct page_map *map)
{
	int was_present = (*map->entry & KM_ENTRY_PRESENT) != 0;
	slot->cap = map->frame;
	write_entry(k, map->entry, map->value);
	if (was_present)
		km_space_invalidate_page(k, km_cap_paddr(map->space), km_cap_asid(map->space),
					 km_cap_vaddr(map->frame));
}

static enum km_status map_page(struct km_kernel *k, const struct km_request *r)
{
	struct page_map map;
	enum km_status status = decode_page_map(k, r, &map);
	if (status == KM_OK)
		perform_page_map(k, r->slot, &map);
	return status;
}

enum km_status km_frame_invoke(struct km_kernel *k, const struct km_request *r)
{
	km_word paddr = km_cap_paddr(r->cap);
	switch (r->label) {
	case X86PageMap:
		return map_page(k, r);
	case X86PageUnmap:
		km_frame_deleted(k, r->cap);
		r->slot->cap.word = 0;
		return KM_OK;
	case X86PageGetAddress:
		km_reply_words(k, r, 1, &paddr);
		return KM_OK;
	default:
		return km_fail(k, seL4_IllegalOperation);
	}
}

/* ---- tables ---- */

struct table_map {
	struct km_cap table; /* as it will be */
	uint64_t *entry, value;
};

static enum km_status decode_table_map(struct km_kernel *k, const struct km_request *r, struct table_map *out)
{
	unsigned above = level_of_table(r->cap) - 1;
	if (r->length < 2 || k->extra[0] == NULL)
		return km_fail(k, seL4_TruncatedMessage);
	if (r->cap.flag)
		return km_fail_cap(k, 0);
	km_word vaddr = km_argument(r, 0) & ~((UINT64_C(1) << KM_LEVEL_SHIFT(above)) - 1);
	km_word attributes = km_argument(r, 1);
	struct km_cap space = k->extra[0]->cap;
	if (!km_is_valid_vspace(k, space))
		return km_fail_cap(k, 1);
	if (vaddr > seL4_UserTop)
		return km_fail_argument(k, 0);
	enum km_status status = check_space(k, space);
	if (status == KM_OK)
		status = find_entry(k, km_cap_paddr(space), vaddr, above, &out->entry);
	if (status != KM_OK)
		return status;
	if (*out->entry & KM_ENTRY_PRESENT)
		return km_fail(k, seL4_DeleteFirst);
	out->table = r->cap;
	out->table.flag = 1;
	out->table.word = (km_word)km_cap_asid(space) << KM_ASID_SHIFT | vaddr;
	out->value = km_cap_paddr(r->cap) | KM_ENTRY_TABLE | (attributes & 1 ? KM_ENTRY_THROUGH : 0) |
		     (attributes & 2 ? KM_ENTRY_UNCACHED : 0);
	return KM_OK;
}

/* An absent entry is in no TLB, so that nothing is to be invalidated. */
static enum km_status map_table(struct km_kernel *k, const struct km_request *r)
{
	struct table_map map;
	enum km_status status = decode_table_map(k, r, &map);
	if (status != KM_OK)
		return status;
	r->slot->cap = map.table;
	write_entry(k, map.entry, map.value);
	return KM_OK;
}

static enum km_status unmap_by_invocation(struct km_kernel *k, const struct km_request *r)
{
	if (!km_tree_is_final(k, r->slot))
		return km_fail(k, seL4_RevokeFirst);
	if (r->cap.flag) {
		unmap_table(k, r->cap);
		memset(km_cap_object(k, r->cap), 0, KM_TABLE_ENTRIES * sizeof(uint64_t));
		km_work_n(k, KM_WORK_CLEAR, KM_TABLE_ENTRIES * sizeof(uint64_t) / 256);
	}
	r->slot->cap.flag = 0;
	r->slot->cap.word = 0;
	return KM_OK;
}

enum km_status km_paging_invoke(struct km_kernel *k, const struct km_request *r)
{
	static const struct {
		unsigned type, map, unmap;
	} label[] = {{KM_CAP_PAGE_TABLE, X86PageTableMap, X86PageTableUnmap},
		     {KM_CAP_PAGE_DIRECTORY, X86PageDirectoryMap, X86PageDirectoryUnmap},
		     {KM_CAP_PDPT, X86PDPTMap, X86PDPTUnmap}};
	for (unsigned i = 0; i < sizeof label / sizeof label[0]; i++) {
		if (label[i].type != r->cap.type)
			continue;
		if (r->label == label[i].unmap)
			return unmap_by_invocation(k, r);
		if (r->label == label[i].map)
			return map_table(k, r);
	}
	return km_fail(k, seL4_IllegalOperation); /* a PML4 has no invocation of its own */
}

/* ---- memory as threads see it ---- */

km_word *km_ipc_buffer(struct km_kernel *kernel, struct km_tcb *tcb, int for_writing)
{
	uint64_t head = km_head_of(&tcb->slot[KM_TCB_BUFFER].cap);
	km_word offset = tcb->buffer_address & ((UINT64_C(1) << KM_HEAD_SIZE(head)) - 1);

	if (!km_head_is(head, KM_CAP_FRAME, for_writing ? KM_READ | KM_WRITE : KM_READ) ||
	    head & KM_HEAD_FLAG)
		return NULL;
	return (km_word *)(void *)((unsigned char *)km_at(kernel, (km_ref)KM_HEAD_OBJECT(head)) + offset);
}

/* The processor's walk, on the account of the core whose thread accesses. */
static int walk(struct km_kernel *k, struct km_core *core, km_paddr pml4, km_word vaddr,
		struct km_translation *out)
{
	const uint64_t *table = km_table_at(k, pml4);
	*out = (struct km_translation){.may_write = 1, .is_user = 1};
	for (unsigned level = 0; level < KM_LEVELS; level++) {
		uint64_t entry = table[km_table_index(vaddr, level)];
		k->work[KM_WORK_WALK]++;
		core->charged += k->cost[KM_WORK_WALK];
		if (!(entry & KM_ENTRY_PRESENT))
			return 0;
		out->may_write &= (entry & KM_ENTRY_WRITE) != 0;
		out->is_user &= (entry & KM_ENTRY_USER) != 0;
		if (km_entry_is_page(entry, level)) {
			out->level = level;
			out->page = km_entry_page(entry, level);
			return 1;
		}
		table = km_table_at(k, entry & KM_ENTRY_ADDRESS);
	}
	return 0;
}

static int is_allowed(const struct km_translation *t, int access)
{
	return t->is_user && (t->may_write || !(access & KM_ACCESS_WRITE));
}

/* 1: *out may be used so. 0: not present. -1: present, but not for this access. */
static int translate(struct km_kernel *k, struct km_core *core, struct km_tcb *tcb, km_word vaddr, int access,
		     struct km_translation *out)
{
	unsigned asid;
	km_paddr pml4 = km_vspace_of(k, tcb, &asid);
	if (pml4 == 0 || vaddr >= seL4_UserTop)
		return 0;
	if (km_tlb_find(core->tlb, asid, vaddr, out)) {
		if (is_allowed(out, access))
			return 1;
		km_tlb_drop_page(core->tlb, asid,
				 vaddr); /* a fault forgets the translation, and walks once more */
	}
	if (!walk(k, core, pml4, vaddr, out))
		return 0;
	if (!is_allowed(out, access))
		return -1;
	km_table_at(k, pml4)[KM_PML4_CORES] |= UINT64_C(1) << core->id;
	km_tlb_fill(core->tlb, asid, vaddr, out);
	return 1;
}

static km_word fault_code(int is_present, int access)
{
	return (km_word)(is_present ? 1 : 0) | (access & KM_ACCESS_WRITE ? 2 : 0) | 4 /* user */ |
	       (access & KM_ACCESS_EXECUTE ? 16 : 0);
}

unsigned char *km_translate(struct km_kernel *kernel, struct km_core *core, struct km_tcb *tcb, km_word vaddr,
			    int access, size_t *length, km_word *fsr, km_paddr *paddr)
{
	struct km_translation to;
	int found = translate(kernel, core, tcb, vaddr, access, &to);
	*fsr = 0;
	if (found <= 0) {
		*fsr = fault_code(found < 0, access);
		return NULL;
	}
	km_word size = UINT64_C(1) << KM_LEVEL_SHIFT(to.level);
	km_paddr at = to.page + (vaddr & (size - 1));
	*length = size - (vaddr & (size - 1));
	if (paddr != NULL)
		*paddr = at;
	int is_own = to.page >= kernel->base && to.page + size <= kernel->base + kernel->size;
	return is_own ? kernel->arena + (at - kernel->base) : NULL;
}
