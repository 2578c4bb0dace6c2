/* tests/unit/test_km_vspace.c - address spaces: what maps, what does not and with which error, TLBs, address-space ids. */
#include "tests/unit/km_root.h"
#include "kernelmodel/tlb.h"
#include "kernelmodel/vspace.h"

#define MIB    UINT64_C(0x100000)
#define GIB    UINT64_C(0x40000000)
#define FAR    (16 * GIB) /* where the root task has neither directory nor table */
#define VSPACE (seL4_CapInitThreadVSpace)
#define RW     (KM_READ | KM_WRITE)

static struct root r;
static const struct km_region device = {4 * GIB, 6 * GIB};

static int boot_cores(uint32_t cores)
{
	const struct km_boot boot = {.cores = cores,
				     .memory = {0, 32 * MIB},
				     .device = &device,
				     .devices = 1,
				     .ticks_per_us = 1000,
				     .root_cnode_bits = 12};
	root_boot(&r, &boot);
	return 0;
}
static int setup(void **state) { return (void)state, boot_cores(1); }
static int teardown(void **state)
{
	(void)state;
	root_end(&r);
	return 0;
}

static km_word map_page(km_word frame, km_word vspace, km_word vaddr, km_word rights, km_word attributes)
{
	return CALL(&r, frame, X86PageMap, (vspace), vaddr, rights, attributes);
}
static km_word map_table(km_word table, unsigned label, km_word vspace, km_word vaddr)
{
	return CALL(&r, table, label, (vspace), vaddr, 0);
}
static km_word unmap(km_word slot, unsigned label) { return root_call(&r, slot, label, 0, NULL, 0, NULL); }

/* Tables of all levels for `vaddr` in the root task's space; the slot of the page table. */
static km_word make_tables(km_word vspace, km_word vaddr)
{
	km_word pdpt = root_new(&r, seL4_X86_PDPTObject, 0),
		pd = root_new(&r, seL4_X86_PageDirectoryObject, 0);
	km_word pt = root_new(&r, seL4_X86_PageTableObject, 0);
	(void)map_table(pdpt, X86PDPTMap, vspace, vaddr);
	assert_int_equal(map_table(pd, X86PageDirectoryMap, vspace, vaddr), seL4_NoError);
	assert_int_equal(map_table(pt, X86PageTableMap, vspace, vaddr), seL4_NoError);
	return pt;
}

static km_word fault; /* of the last access */
static unsigned char *access_by(struct km_core *core, km_word vaddr, int access)
{
	size_t length;
	return km_translate(r.k, core, r.k->core[0].current, vaddr, access, &length, &fault, NULL);
}
static unsigned char *touch(km_word vaddr, int access) { return access_by(&r.k->core[0], vaddr, access); }
static void *frame_memory(km_word slot) { return km_cap_object(r.k, root_slot(&r, slot)->cap); }

/* ---- frames ---- */

static void test_a_mapped_page_is_the_frames_memory_with_its_rights(void **state)
{
	(void)state;
	km_word frame = root_new(&r, seL4_X86_4K, 0), vaddr = KM_IMAGE_BASE + 0x100000;
	assert_null(touch(vaddr, KM_ACCESS_READ));
	assert_int_equal(fault, 4);
	assert_null(touch(vaddr, KM_ACCESS_WRITE));
	assert_int_equal(fault, 6);
	assert_null(touch(vaddr, KM_ACCESS_EXECUTE));
	assert_int_equal(fault, 20);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, vaddr, KM_READ, 0), seL4_NoError);
	assert_ptr_equal(touch(vaddr + 5, KM_ACCESS_READ), (unsigned char *)frame_memory(frame) + 5);
	assert_non_null(touch(vaddr, KM_ACCESS_EXECUTE));
	assert_null(touch(vaddr, KM_ACCESS_WRITE));
	assert_int_equal(fault, 7);
	/* Again at the same place, with other rights: at once so in every TLB. */
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, vaddr, RW, 0), seL4_NoError);
	assert_non_null(touch(vaddr, KM_ACCESS_WRITE));
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, vaddr, KM_READ, 0), seL4_NoError);
	assert_null(touch(vaddr, KM_ACCESS_WRITE));
	assert_int_equal(unmap(frame, X86PageUnmap), seL4_NoError);
	assert_null(touch(vaddr, KM_ACCESS_READ));
	assert_int_equal(fault, 4);
	assert_int_equal(unmap(frame, X86PageUnmap), seL4_NoError); /* nothing to do is good */
}

static void test_a_page_has_no_more_rights_than_its_capability(void **state)
{
	(void)state;
	km_word frame = root_new(&r, seL4_X86_4K, 0), reader = root_copy(&r, frame, KM_READ);
	km_word kernels = root_copy(&r, frame, KM_WRITE), vaddr = KM_IMAGE_BASE + 0x100000;
	assert_int_equal(map_page(reader, seL4_CapInitThreadVSpace, vaddr, RW, 0), seL4_NoError);
	assert_non_null(touch(vaddr, KM_ACCESS_READ));
	assert_null(touch(vaddr, KM_ACCESS_WRITE));
	/* Write without read is for the kernel alone: present, but not the user's. */
	assert_int_equal(map_page(kernels, seL4_CapInitThreadVSpace, vaddr + 4096, RW, 0), seL4_NoError);
	assert_null(touch(vaddr + 4096, KM_ACCESS_READ));
	assert_int_equal(fault, 5);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, vaddr + 8192, KM_WRITE, 0), seL4_NoError);
	assert_null(touch(vaddr + 8192, KM_ACCESS_READ));
}

static void test_mapping_a_page_checks_in_seL4s_order(void **state)
{
	(void)state;
	km_word frame = root_new(&r, seL4_X86_4K, 0), vaddr = KM_IMAGE_BASE + 0x100000;
	assert_int_equal(CALL(&r, frame, X86PageMap, VSPACE, vaddr, RW), seL4_TruncatedMessage);
	assert_int_equal(root_call(&r, frame, X86PageMap, 0, NULL, 3, (km_word[]){vaddr, RW, 0}),
			 seL4_TruncatedMessage);
	assert_int_equal(map_page(frame, seL4_CapInitThreadTCB, 1, RW, 0), seL4_InvalidCapability);
	assert_int_equal(r.mr[0], 1);
	km_word nowhere = root_new(&r, seL4_X64_PML4Object, 0);
	assert_int_equal(map_page(frame, nowhere, vaddr, RW, 0), seL4_InvalidCapability); /* it has no asid */
	assert_int_equal(r.mr[0], 1);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, seL4_UserTop, RW, 0),
			 seL4_InvalidArgument);
	assert_int_equal(r.mr[0], 0);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, UINT64_MAX - 4095, RW, 0),
			 seL4_InvalidArgument);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, vaddr + 1, RW, 0), seL4_AlignmentError);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, seL4_UserTop - 4096, RW, 0),
			 seL4_FailedLookup);
	assert_int_equal(r.mr[0], 0);
	assert_int_equal(r.mr[1], seL4_MissingCapability);
	assert_int_equal(r.mr[2], 39); /* no PDPT */
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, 2 * GIB, RW, 0), seL4_FailedLookup);
	assert_int_equal(r.mr[2], 30);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, KM_IMAGE_BASE + 64 * MIB, RW, 0),
			 seL4_FailedLookup);
	assert_int_equal(r.mr[2], 21);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, vaddr, RW, 0), seL4_NoError);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, vaddr + 4096, RW, 0),
			 seL4_InvalidArgument);
	assert_int_equal(r.mr[0], 0);
	assert_int_equal(unmap(frame, X86PageTableMap), seL4_IllegalOperation);
	assert_int_equal(unmap(seL4_CapInitThreadVSpace, X86PageMap), seL4_IllegalOperation);
}

static void test_a_frame_tells_its_address(void **state)
{
	(void)state;
	km_word frame = root_new(&r, seL4_X86_4K, 0);
	assert_int_equal(unmap(frame, X86PageGetAddress), seL4_NoError);
	assert_int_equal(r.mr[0], km_cap_paddr(root_slot(&r, frame)->cap));
	assert_int_equal(r.k->core[0].current->context.reg[KM_REG_INFO], 1);
}

static void test_attributes_are_the_processors_bits(void **state)
{
	(void)state;
	km_word frame = root_new(&r, seL4_X86_4K, 0), large = root_new(&r, seL4_X86_LargePageObject, 0);
	km_word vaddr = KM_IMAGE_BASE + 0x100000;
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, vaddr, KM_READ, 7), seL4_NoError);
	km_paddr pml4 = km_cap_paddr(root_slot(&r, seL4_CapInitThreadVSpace)->cap);
	uint64_t entry = pml4;
	for (unsigned level = 0; level < KM_LEVELS; level++)
		entry = km_table_at(r.k, entry & KM_ENTRY_ADDRESS)[km_table_index(vaddr, level)];
	assert_int_equal(entry,
			 km_cap_paddr(root_slot(&r, frame)->cap) | 0x9d); /* present, user, PWT, PCD, PAT */
	assert_int_equal(map_page(large, seL4_CapInitThreadVSpace, 64 * MIB, RW, 4), seL4_NoError);
	entry = pml4;
	for (unsigned level = 0; level < KM_TABLE; level++)
		entry = km_table_at(r.k, entry & KM_ENTRY_ADDRESS)[km_table_index(64 * MIB, level)];
	assert_int_equal(entry, km_cap_paddr(root_slot(&r, large)->cap) | 0x1087);
}

static void test_large_and_huge_pages_map_where_no_table_is(void **state)
{
	(void)state;
	km_word large = root_new(&r, seL4_X86_LargePageObject, 0),
		pt = root_new(&r, seL4_X86_PageTableObject, 0);
	assert_int_equal(map_page(large, seL4_CapInitThreadVSpace, KM_IMAGE_BASE, RW, 0), seL4_DeleteFirst);
	assert_int_equal(map_page(large, seL4_CapInitThreadVSpace, 64 * MIB + 4096, RW, 0),
			 seL4_AlignmentError);
	assert_int_equal(map_page(large, seL4_CapInitThreadVSpace, 64 * MIB, RW, 0), seL4_NoError);
	assert_ptr_equal(touch(65 * MIB, KM_ACCESS_WRITE), (unsigned char *)frame_memory(large) + MIB);
	assert_int_equal(map_table(pt, X86PageTableMap, seL4_CapInitThreadVSpace, 64 * MIB),
			 seL4_DeleteFirst);
	assert_int_equal(unmap(large, X86PageUnmap), seL4_NoError);
	assert_null(touch(65 * MIB, KM_ACCESS_READ));
	assert_int_equal(map_table(pt, X86PageTableMap, seL4_CapInitThreadVSpace, 64 * MIB), seL4_NoError);

	/* A huge page of a device: translated, but not the kernel's memory. */
	km_word huge = r.slot++, untyped = root_info(&r)->untyped.start;
	assert_int_equal(CALL(&r, untyped, UntypedRetype, (seL4_CapInitThreadCNode), seL4_X64_HugePageObject,
			      0, 0, 0, huge, 1),
			 seL4_NoError);
	assert_int_equal(map_page(huge, seL4_CapInitThreadVSpace, 0, RW, 0), seL4_DeleteFirst);
	assert_int_equal(map_page(huge, seL4_CapInitThreadVSpace, 3 * GIB, RW, 0), seL4_NoError);
	size_t length;
	km_word fsr;
	km_paddr paddr = 0;
	assert_null(km_translate(r.k, r.k->self, r.k->core[0].current, 3 * GIB + 77, KM_ACCESS_READ, &length,
				 &fsr, &paddr));
	assert_int_equal(fsr, 0);
	assert_int_equal(paddr, 4 * GIB + 77);
	assert_int_equal(length, GIB - 77);
}

static void test_a_page_mapped_over_another_replaces_it(void **state)
{
	(void)state;
	km_word a = root_new(&r, seL4_X86_4K, 0), b = root_new(&r, seL4_X86_4K, 0),
		vaddr = KM_IMAGE_BASE + 0x100000;
	assert_int_equal(map_page(a, seL4_CapInitThreadVSpace, vaddr, RW, 0), seL4_NoError);
	assert_ptr_equal(touch(vaddr, KM_ACCESS_READ), frame_memory(a));
	assert_int_equal(map_page(b, seL4_CapInitThreadVSpace, vaddr, RW, 0), seL4_NoError);
	assert_ptr_equal(touch(vaddr, KM_ACCESS_READ), frame_memory(b));
	assert_int_equal(unmap(a, X86PageUnmap), seL4_NoError); /* finds another page, and leaves it */
	assert_ptr_equal(touch(vaddr, KM_ACCESS_READ), frame_memory(b));
}

static void test_deleting_a_frame_unmaps_it_and_copies_are_mapped_apart(void **state)
{
	(void)state;
	km_word frame = root_new(&r, seL4_X86_4K, 0), vaddr = KM_IMAGE_BASE + 0x100000;
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, vaddr, RW, 0), seL4_NoError);
	km_word copy = root_copy(&r, frame, RW);
	assert_int_equal(km_cap_asid(root_slot(&r, copy)->cap), 0);
	assert_int_equal(map_page(copy, seL4_CapInitThreadVSpace, vaddr + 4096, RW, 0), seL4_NoError);
	assert_int_equal(root_delete(&r, frame), seL4_NoError);
	assert_null(touch(vaddr, KM_ACCESS_READ));
	assert_non_null(touch(vaddr + 4096, KM_ACCESS_READ));
	assert_int_equal(root_delete(&r, copy), seL4_NoError);
	assert_null(touch(vaddr + 4096, KM_ACCESS_READ));
}

/* ---- tables ---- */

static void test_mapping_a_table_checks_in_seL4s_order(void **state)
{
	(void)state;
	km_word pt = root_new(&r, seL4_X86_PageTableObject, 0),
		pd = root_new(&r, seL4_X86_PageDirectoryObject, 0);
	km_word pdpt = root_new(&r, seL4_X86_PDPTObject, 0);
	assert_int_equal(CALL(&r, pt, X86PageTableMap, VSPACE, FAR), seL4_TruncatedMessage);
	assert_int_equal(map_table(pt, X86PageTableMap, seL4_CapInitThreadTCB, FAR), seL4_InvalidCapability);
	assert_int_equal(r.mr[0], 1);
	assert_int_equal(map_table(pt, X86PageTableMap, seL4_CapInitThreadVSpace, UINT64_C(1) << 47),
			 seL4_InvalidArgument);
	assert_int_equal(r.mr[0], 0);
	assert_int_equal(map_table(pt, X86PageTableMap, seL4_CapInitThreadVSpace, 600 * GIB),
			 seL4_FailedLookup);
	assert_int_equal(r.mr[2], 39);
	assert_int_equal(map_table(pd, X86PageDirectoryMap, seL4_CapInitThreadVSpace, 600 * GIB),
			 seL4_FailedLookup);
	assert_int_equal(r.mr[2], 39);
	assert_int_equal(map_table(pt, X86PageTableMap, seL4_CapInitThreadVSpace, FAR), seL4_FailedLookup);
	assert_int_equal(r.mr[2], 30);
	assert_int_equal(map_table(pt, X86PageTableMap, seL4_CapInitThreadVSpace, KM_IMAGE_BASE),
			 seL4_DeleteFirst);
	assert_int_equal(map_table(pd, X86PageDirectoryMap, seL4_CapInitThreadVSpace, 0), seL4_DeleteFirst);
	assert_int_equal(map_table(pdpt, X86PDPTMap, seL4_CapInitThreadVSpace, 0), seL4_DeleteFirst);
	assert_int_equal(map_table(pd, X86PageTableMap, seL4_CapInitThreadVSpace, FAR),
			 seL4_IllegalOperation);
	assert_int_equal(map_table(pd, X86PageDirectoryMap, seL4_CapInitThreadVSpace, FAR + 12345),
			 seL4_NoError);
	assert_int_equal(km_cap_vaddr(root_slot(&r, pd)->cap), FAR); /* rounded down */
	assert_int_equal(map_table(pd, X86PageDirectoryMap, seL4_CapInitThreadVSpace, FAR),
			 seL4_InvalidCapability);
	assert_int_equal(r.mr[0], 0);
}

static void test_unmapping_a_table_unmaps_its_pages_and_clears_it(void **state)
{
	(void)state;
	km_word pt = make_tables(seL4_CapInitThreadVSpace, FAR), frame = root_new(&r, seL4_X86_4K, 0);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, FAR + 4096, RW, 0), seL4_NoError);
	assert_non_null(touch(FAR + 4096, KM_ACCESS_WRITE));
	km_word copy = root_copy(&r, pt, KM_ALL_RIGHTS);
	assert_int_equal(unmap(pt, X86PageTableUnmap), seL4_RevokeFirst);
	assert_int_equal(root_delete(&r, copy), seL4_NoError);
	assert_non_null(touch(FAR + 4096, KM_ACCESS_WRITE));
	assert_int_equal(unmap(pt, X86PageTableUnmap), seL4_NoError);
	assert_null(touch(FAR + 4096, KM_ACCESS_READ));
	assert_good(&r);
	assert_int_equal(map_table(pt, X86PageTableMap, seL4_CapInitThreadVSpace, FAR), seL4_NoError);
	assert_null(touch(FAR + 4096, KM_ACCESS_READ));
	assert_int_equal(root_delete(&r, pt), seL4_NoError);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, FAR + 4096, RW, 0), seL4_FailedLookup);
}

static void test_a_table_that_is_not_mapped_cannot_be_copied(void **state)
{
	(void)state;
	km_word pt = root_new(&r, seL4_X86_PageTableObject, 0), into = r.slot++;
	assert_int_equal(CALL(&r, seL4_CapInitThreadCNode, CNodeCopy, (seL4_CapInitThreadCNode), into, DEPTH,
			      pt, DEPTH, KM_ALL_RIGHTS),
			 seL4_IllegalOperation);
}

/* ---- address-space ids ---- */

static km_word assign(km_word pool, km_word vspace)
{
	const km_word cap[] = {vspace};
	return root_call(&r, pool, X86ASIDPoolAssign, 1, cap, 0, NULL);
}
static km_word make_pool(km_word untyped, km_word into)
{
	return CALL(&r, seL4_CapASIDControl, X86ASIDControlMakePool, (untyped, seL4_CapInitThreadCNode), into,
		    DEPTH);
}

static void test_a_space_is_usable_once_it_has_an_id(void **state)
{
	(void)state;
	km_word space = root_new(&r, seL4_X64_PML4Object, 0), frame = root_new(&r, seL4_X86_4K, 0);
	assert_int_equal(assign(seL4_CapInitThreadASIDPool, frame), seL4_InvalidCapability);
	assert_int_equal(r.mr[0], 1);
	assert_int_equal(unmap(seL4_CapInitThreadASIDPool, X86ASIDPoolAssign), seL4_TruncatedMessage);
	assert_int_equal(unmap(seL4_CapInitThreadASIDPool, X86PageMap), seL4_IllegalOperation);
	assert_int_equal(assign(seL4_CapInitThreadASIDPool, space), seL4_NoError);
	assert_int_equal(km_cap_asid(root_slot(&r, space)->cap), 2); /* 1 is the root task's */
	assert_int_equal(assign(seL4_CapInitThreadASIDPool, space), seL4_InvalidCapability);
	make_tables(space, KM_IMAGE_BASE);
	assert_int_equal(map_page(frame, space, KM_IMAGE_BASE, RW, 0), seL4_NoError);
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, KM_IMAGE_BASE, RW, 0),
			 seL4_InvalidCapability);
	assert_int_equal(r.mr[0], 1);
	assert_good(&r);
	/* Deleted, its id is free; the page's capability still believes in it. */
	assert_int_equal(root_delete(&r, space), seL4_NoError);
	assert_good(&r);
	km_word other = root_new(&r, seL4_X64_PML4Object, 0);
	assert_int_equal(assign(seL4_CapInitThreadASIDPool, other), seL4_NoError);
	assert_int_equal(km_cap_asid(root_slot(&r, other)->cap), 2);
	assert_int_equal(unmap(frame, X86PageUnmap), seL4_NoError);
}

static void test_pools_are_made_of_untyped_pages_until_there_are_eight(void **state)
{
	(void)state;
	km_word untyped = root_new(&r, seL4_UntypedObject, 12), wrong = root_new(&r, seL4_UntypedObject, 13);
	assert_int_equal(make_pool(wrong, r.slot), seL4_InvalidCapability);
	assert_int_equal(r.mr[0], 1);
	assert_int_equal(make_pool(untyped, seL4_CapInitThreadTCB), seL4_DeleteFirst);
	km_word pool = r.slot++;
	assert_int_equal(make_pool(untyped, pool), seL4_NoError);
	assert_int_equal(root_slot(&r, pool)->cap.word, 512);
	assert_int_equal(make_pool(untyped, r.slot), seL4_RevokeFirst);
	for (unsigned i = 2; i < 8; i++) {
		untyped = root_new(&r, seL4_UntypedObject, 12);
		assert_int_equal(make_pool(untyped, r.slot++), seL4_NoError);
	}
	untyped = root_new(&r, seL4_UntypedObject, 12);
	assert_int_equal(make_pool(untyped, r.slot), seL4_DeleteFirst);
	assert_good(&r);
	km_word space = root_new(&r, seL4_X64_PML4Object, 0), frame = root_new(&r, seL4_X86_4K, 0);
	assert_int_equal(assign(pool, space), seL4_NoError);
	assert_int_equal(km_cap_asid(root_slot(&r, space)->cap), 512);
	/* The pool goes, and with it the ids of its spaces. */
	assert_int_equal(root_delete(&r, pool), seL4_NoError);
	assert_int_equal(map_page(frame, space, 0, RW, 0), seL4_FailedLookup);
	assert_int_equal(r.mr[1], seL4_InvalidRoot);
	assert_int_equal(make_pool(untyped, r.slot++), seL4_NoError);
}

static void test_a_pool_has_512_ids(void **state)
{
	(void)state;
	km_word space = 0;
	for (unsigned i = 2; i < 512; i++) {
		space = root_new(&r, seL4_X64_PML4Object, 0);
		assert_int_equal(assign(seL4_CapInitThreadASIDPool, space), seL4_NoError);
	}
	assert_int_equal(km_cap_asid(root_slot(&r, space)->cap), 511);
	km_word more = root_new(&r, seL4_X64_PML4Object, 0);
	assert_int_equal(assign(seL4_CapInitThreadASIDPool, more), seL4_DeleteFirst);
}

/* ---- TLB ---- */

static void test_a_translation_is_walked_once(void **state)
{
	(void)state;
	struct km_core *core = &r.k->core[0];
	struct km_tlb_counts before = km_tlb_counts(core->tlb);
	uint64_t walked = r.k->work[KM_WORK_WALK];
	for (unsigned i = 0; i < 10; i++)
		assert_non_null(touch(KM_IMAGE_BASE + i, KM_ACCESS_WRITE));
	struct km_tlb_counts after = km_tlb_counts(core->tlb);
	assert_int_equal(after.misses - before.misses, 1);
	assert_int_equal(after.hits - before.hits, 9);
	assert_int_equal(r.k->work[KM_WORK_WALK] - walked, 4);
}

static void test_a_tlb_keeps_few_pages_and_replaces_in_turn(void **state)
{
	(void)state;
	struct km_tlb *tlb = km_tlb_new();
	struct km_translation t = {.level = KM_TABLE, .may_write = 1, .is_user = 1}, out;
	for (km_word i = 0; i < 5; i++) { /* all in the same set of 4 */
		t.page = (i + 1) << 12;
		km_tlb_fill(tlb, 1, i << 16, &t);
	}
	assert_false(km_tlb_find(tlb, 1, 0, &out)); /* the first went for the fifth */
	for (km_word i = 1; i < 5; i++) {
		assert_true(km_tlb_find(tlb, 1, (i << 16) + 9, &out));
		assert_int_equal(out.page, (i + 1) << 12);
		assert_false(km_tlb_find(tlb, 2, i << 16, &out));
	}
	km_tlb_drop_page(tlb, 1, 2 << 16);
	assert_false(km_tlb_find(tlb, 1, 2 << 16, &out));
	km_tlb_drop_space(tlb, 1);
	assert_int_equal(km_tlb_counts(tlb).dropped, 4);
	km_tlb_free(tlb);
}

static void test_unmapping_reaches_the_tlbs_of_other_cores(void **state)
{
	(void)state;
	boot_cores(3);
	km_word frame = root_new(&r, seL4_X86_4K, 0), vaddr = KM_IMAGE_BASE + 0x100000;
	assert_int_equal(map_page(frame, seL4_CapInitThreadVSpace, vaddr, RW, 0), seL4_NoError);
	assert_non_null(access_by(&r.k->core[1], vaddr, KM_ACCESS_WRITE)); /* core 2 never loaded the space */
	uint64_t stalls = r.k->work[KM_WORK_STALL], tlb = r.k->work[KM_WORK_TLB];
	assert_int_equal(unmap(frame, X86PageUnmap), seL4_NoError);
	assert_int_equal(r.k->work[KM_WORK_STALL] - stalls, 1);
	assert_int_equal(r.k->work[KM_WORK_TLB] - tlb, 2);
	assert_null(access_by(&r.k->core[1], vaddr, KM_ACCESS_READ));
	root_end(&r);
}

/* ---- the IPC buffer ---- */

static void test_an_ipc_buffer_is_a_frame_of_memory_that_its_thread_may_write(void **state)
{
	(void)state;
	struct km_tcb tcb = {.buffer_address = KM_IMAGE_BASE + 1024};
	struct km_cap *cap = &tcb.slot[KM_TCB_BUFFER].cap;
	assert_null(km_ipc_buffer(r.k, &tcb, 0));
	*cap = root_slot(&r, root_new(&r, seL4_X86_4K, 0))->cap;
	assert_ptr_equal(km_ipc_buffer(r.k, &tcb, 1), (unsigned char *)km_cap_object(r.k, *cap) + 1024);
	cap->rights = KM_READ;
	assert_null(km_ipc_buffer(r.k, &tcb, 1));
	assert_non_null(km_ipc_buffer(r.k, &tcb, 0));
	assert_int_equal(km_check_buffer(r.k, 1024, *cap), KM_OK);
	assert_int_equal(km_check_buffer(r.k, 512, *cap), KM_SYSCALL_ERROR);
	assert_int_equal(r.k->error.type, seL4_AlignmentError);
	cap->flag = 1;
	assert_null(km_ipc_buffer(r.k, &tcb, 0));
	assert_int_equal(km_check_buffer(r.k, 512, *cap), KM_SYSCALL_ERROR);
	assert_int_equal(r.k->error.type, seL4_IllegalOperation);
}

int main(void)
{
#define WITH_ROOT(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_ROOT(test_a_mapped_page_is_the_frames_memory_with_its_rights),
		WITH_ROOT(test_a_page_has_no_more_rights_than_its_capability),
		WITH_ROOT(test_mapping_a_page_checks_in_seL4s_order),
		WITH_ROOT(test_a_frame_tells_its_address),
		WITH_ROOT(test_attributes_are_the_processors_bits),
		WITH_ROOT(test_large_and_huge_pages_map_where_no_table_is),
		WITH_ROOT(test_a_page_mapped_over_another_replaces_it),
		WITH_ROOT(test_deleting_a_frame_unmaps_it_and_copies_are_mapped_apart),
		WITH_ROOT(test_mapping_a_table_checks_in_seL4s_order),
		WITH_ROOT(test_unmapping_a_table_unmaps_its_pages_and_clears_it),
		WITH_ROOT(test_a_table_that_is_not_mapped_cannot_be_copied),
		WITH_ROOT(test_a_space_is_usable_once_it_has_an_id),
		WITH_ROOT(test_pools_are_made_of_untyped_pages_until_there_are_eight),
		WITH_ROOT(test_a_pool_has_512_ids),
		WITH_ROOT(test_a_translation_is_walked_once),
		cmocka_unit_test(test_a_tlb_keeps_few_pages_and_replaces_in_turn),
		cmocka_unit_test(test_unmapping_reaches_the_tlbs_of_other_cores),
		WITH_ROOT(test_an_ipc_buffer_is_a_frame_of_memory_that_its_thread_may_write),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
