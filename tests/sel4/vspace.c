/* tests/sel4/vspace.c - address spaces: mapping, its errors in their order, rights, ASIDs. */
#include "tests/sel4/harness.h"

#define ATTRIBUTES seL4_X86_Default_VMAttributes
#define KERNEL     UINT64_C(0xffff800000000000)
#define VSPACE     seL4_CapInitThreadVSpace

static seL4_Error map(seL4_CPtr frame, seL4_CPtr vspace, seL4_Word address)
{
	return seL4_X86_Page_Map(frame, vspace, address, seL4_ReadWrite, ATTRIBUTES);
}

/* An address space of one's own, with an ASID. */
static seL4_CPtr space_new(struct env *e)
{
	seL4_CPtr pml4 = env_object(e, seL4_X64_PML4Object, 0);
	check_ok(e, seL4_X86_ASIDPool_Assign(seL4_CapInitThreadASIDPool, pml4));
	return pml4;
}

static void tables_new(struct env *e, seL4_CPtr pml4, seL4_Word address)
{
	check_ok(e, seL4_X86_PDPT_Map(env_object(e, seL4_X86_PDPTObject, 0), pml4, address, ATTRIBUTES));
	check_ok(e, seL4_X86_PageDirectory_Map(env_object(e, seL4_X86_PageDirectoryObject, 0), pml4, address,
					       ATTRIBUTES));
	check_ok(e, seL4_X86_PageTable_Map(env_object(e, seL4_X86_PageTableObject, 0), pml4, address,
					   ATTRIBUTES));
}

CASE(VSPACE0001, "a mapped page can be loaded from and stored to", CASE_ONCE)
{
	seL4_Word address = env_map(e, env_frame(e), seL4_ReadWrite);
	check_equal(e, skerry_load(address + 16, 8), 0);
	skerry_store(address + 16, 8, 0x1122334455667788);
	check_equal(e, skerry_load(address + 16, 8), 0x1122334455667788);
	check_equal(e, skerry_load(address + 16, 1), 0x88);
	check_equal(e, skerry_load(address + 20, 4), 0x11223344);
	skerry_store(address + 18, 2, 0xabcd);
	check_equal(e, skerry_load(address + 16, 8), 0x11223344abcd7788);
}

CASE(VSPACE0002, "a page whose tables are missing is a failed lookup that says the level", CASE_ONCE)
{
	seL4_CPtr pml4 = space_new(e), frame = env_frame(e);
	seL4_Word address = UINT64_C(0x123456789000);
	check_lookup(e, map(frame, pml4, address), 0, seL4_MissingCapability, SEL4_MAPPING_LOOKUP_NO_PDPT);
	check_ok(e, seL4_X86_PDPT_Map(env_object(e, seL4_X86_PDPTObject, 0), pml4, address, ATTRIBUTES));
	check_lookup(e, map(frame, pml4, address), 0, seL4_MissingCapability, SEL4_MAPPING_LOOKUP_NO_PD);
	check_ok(e, seL4_X86_PageDirectory_Map(env_object(e, seL4_X86_PageDirectoryObject, 0), pml4, address,
					       ATTRIBUTES));
	check_lookup(e, map(frame, pml4, address), 0, seL4_MissingCapability, SEL4_MAPPING_LOOKUP_NO_PT);
	check_ok(e, seL4_X86_PageTable_Map(env_object(e, seL4_X86_PageTableObject, 0), pml4, address,
					   ATTRIBUTES));
	check_ok(e, map(frame, pml4, address));
}

CASE(VSPACE0003, "a table whose upper table is missing is a failed lookup", CASE_ONCE)
{
	seL4_CPtr pml4 = space_new(e), pt = env_object(e, seL4_X86_PageTableObject, 0);
	seL4_CPtr pd = env_object(e, seL4_X86_PageDirectoryObject, 0),
		  pdpt = env_object(e, seL4_X86_PDPTObject, 0);
	check_lookup(e, seL4_X86_PageTable_Map(pt, pml4, 0, ATTRIBUTES), 0, seL4_MissingCapability,
		     SEL4_MAPPING_LOOKUP_NO_PDPT);
	check_lookup(e, seL4_X86_PageDirectory_Map(pd, pml4, 0, ATTRIBUTES), 0, seL4_MissingCapability,
		     SEL4_MAPPING_LOOKUP_NO_PDPT);
	check_ok(e, seL4_X86_PDPT_Map(pdpt, pml4, 0, ATTRIBUTES));
	check_lookup(e, seL4_X86_PageTable_Map(pt, pml4, 0, ATTRIBUTES), 0, seL4_MissingCapability,
		     SEL4_MAPPING_LOOKUP_NO_PD);
}

CASE(VSPACE0004, "a mapped page can be mapped again where it is, nowhere else", CASE_ONCE)
{
	seL4_CPtr frame = env_frame(e);
	seL4_Word address = env_map(e, frame, seL4_ReadWrite);
	check_ok(e, seL4_X86_Page_Map(frame, VSPACE, address, seL4_CanRead, ATTRIBUTES));
	check_ok(e, map(frame, VSPACE, address));
	check_argument(e, map(frame, VSPACE, address + 4096), 0);
	check_cap(e, map(frame, space_new(e), address), 1);
	check_ok(e, seL4_X86_Page_Unmap(frame));
	check_ok(e, map(frame, VSPACE, address + 4096));
}

CASE(VSPACE0005, "an address inside of a page is an alignment error", CASE_ONCE)
{
	seL4_CPtr frame = env_frame(e);
	seL4_Word address = env_map(e, env_frame(e), seL4_ReadWrite) + 4096;
	check_error(e, map(frame, VSPACE, address + 8), seL4_AlignmentError);
	check_error(e, map(frame, VSPACE, address + 4095), seL4_AlignmentError);
	/* Before the tables are looked at. */
	check_error(e, map(frame, space_new(e), 8), seL4_AlignmentError);
}

CASE(VSPACE0006, "the kernel's part of the address space is argument 0", CASE_ONCE)
{
	seL4_CPtr frame = env_frame(e);
	check_argument(e, map(frame, VSPACE, KERNEL), 0);
	check_argument(e, map(frame, VSPACE, KERNEL + 8), 0);
	check_argument(e, map(frame, VSPACE, UINT64_C(0x800000000000)), 0);
	check_argument(
		e, seL4_X86_PDPT_Map(env_object(e, seL4_X86_PDPTObject, 0), VSPACE, KERNEL, ATTRIBUTES), 0);
	check_argument(e,
		       seL4_X86_PageTable_Map(env_object(e, seL4_X86_PageTableObject, 0), VSPACE, KERNEL,
					      ATTRIBUTES),
		       0);
	check_argument(e,
		       seL4_X86_PageDirectory_Map(env_object(e, seL4_X86_PageDirectoryObject, 0), VSPACE,
						  KERNEL, ATTRIBUTES),
		       0);
}

CASE(VSPACE0007, "the space must be an address space with an ASID: capability 1", CASE_ONCE)
{
	seL4_CPtr frame = env_frame(e), pml4 = env_object(e, seL4_X64_PML4Object, 0);
	seL4_CPtr pt = env_object(e, seL4_X86_PageTableObject, 0);
	check_cap(e, map(frame, env_endpoint(e), 8), 1);
	check_cap(e, map(frame, pml4, 8), 1);
	check_cap(e, map(frame, pt, 8), 1);
	check_cap(e, seL4_X86_PageTable_Map(pt, pml4, KERNEL, ATTRIBUTES), 1);
	check_cap(e, seL4_X86_PDPT_Map(env_object(e, seL4_X86_PDPTObject, 0), env_tcb(e), 0, ATTRIBUTES), 1);
}

CASE(VSPACE0008, "a table that is mapped cannot be mapped again: capability 0", CASE_ONCE)
{
	seL4_CPtr pml4 = space_new(e), pdpt = env_object(e, seL4_X86_PDPTObject, 0);
	check_ok(e, seL4_X86_PDPT_Map(pdpt, pml4, 0, ATTRIBUTES));
	check_cap(e, seL4_X86_PDPT_Map(pdpt, pml4, 0, ATTRIBUTES), 0);
	check_cap(e, seL4_X86_PDPT_Map(pdpt, env_endpoint(e), KERNEL, ATTRIBUTES), 0);
}

CASE(VSPACE0009, "a table cannot be mapped where one is already", CASE_ONCE)
{
	seL4_CPtr pml4 = space_new(e);
	tables_new(e, pml4, 0);
	check_error(e, seL4_X86_PDPT_Map(env_object(e, seL4_X86_PDPTObject, 0), pml4, 4096, ATTRIBUTES),
		    seL4_DeleteFirst);
	check_error(e,
		    seL4_X86_PageDirectory_Map(env_object(e, seL4_X86_PageDirectoryObject, 0), pml4, 4096,
					       ATTRIBUTES),
		    seL4_DeleteFirst);
	check_error(
		e, seL4_X86_PageTable_Map(env_object(e, seL4_X86_PageTableObject, 0), pml4, 4096, ATTRIBUTES),
		seL4_DeleteFirst);
	/* The next one of each level is free. */
	check_ok(e, seL4_X86_PageTable_Map(env_object(e, seL4_X86_PageTableObject, 0), pml4, BIT(21),
					   ATTRIBUTES));
}

CASE(VSPACE0010, "a large page needs a directory without a table there, and forbids one", CASE_ONCE)
{
	seL4_CPtr pml4 = space_new(e), frame = env_frame(e),
		  table = env_object(e, seL4_X86_PageTableObject, 0);
	tables_new(e, pml4, 0);
	/* Aligned, it takes the second half of the case's memory: the last object of all. */
	seL4_CPtr page = env_object(e, seL4_X86_LargePageObject, 0);
	check_error(e, map(page, pml4, 0), seL4_DeleteFirst);
	check_error(e, map(page, pml4, BIT(21) + 4096), seL4_AlignmentError);
	check_ok(e, map(page, pml4, BIT(21)));
	check_error(e, seL4_X86_PageTable_Map(table, pml4, BIT(21), ATTRIBUTES), seL4_DeleteFirst);
	check_lookup(e, map(frame, pml4, BIT(21) + 4096), 0, seL4_MissingCapability,
		     SEL4_MAPPING_LOOKUP_NO_PT);
}

CASE(VSPACE0011, "a copy of a mapped page is not mapped: both may be, and are the same memory", CASE_ONCE)
{
	seL4_CPtr frame = env_frame(e), copy;
	seL4_Word a = env_map(e, frame, seL4_ReadWrite);
	copy = env_copy(e, frame);
	seL4_Word b = env_map(e, copy, seL4_ReadWrite);
	check(e, a != b);
	skerry_store(a, 8, 0x99);
	check_equal(e, skerry_load(b, 8), 0x99);
	check_equal(e, seL4_X86_Page_GetAddress(copy).paddr, seL4_X86_Page_GetAddress(frame).paddr);
	check_ok(e, seL4_CNode_Delete(AT(copy)));
	check_equal(e, skerry_load(a, 8), 0x99);
}

CASE(VSPACE0012, "unmapping a page that is not mapped succeeds", CASE_ONCE)
{
	seL4_CPtr frame = env_frame(e);
	check_ok(e, seL4_X86_Page_Unmap(frame));
	seL4_CPtr table = env_object(e, seL4_X86_PageTableObject, 0);
	check_ok(e, seL4_X86_PageTable_Unmap(table));
}

CASE(VSPACE0013, "a table with copies cannot be unmapped", CASE_ONCE)
{
	seL4_CPtr pml4 = space_new(e), pdpt = env_object(e, seL4_X86_PDPTObject, 0);
	check_ok(e, seL4_X86_PDPT_Map(pdpt, pml4, 0, ATTRIBUTES));
	seL4_CPtr copy = env_copy(e, pdpt);
	check_error(e, seL4_X86_PDPT_Unmap(pdpt), seL4_RevokeFirst);
	check_ok(e, seL4_CNode_Delete(AT(copy)));
	check_ok(e, seL4_X86_PDPT_Unmap(pdpt));
	check_ok(e, seL4_X86_PDPT_Map(pdpt, pml4, BIT(39), ATTRIBUTES));
}

/* ---- ASIDs ---- */

CASE(VSPACE0014, "an ASID pool is made of an untyped of its size, without children", CASE_ONCE)
{
	seL4_CPtr control = seL4_CapASIDControl, slot = env_slot(e), small = env_untyped(e, 11);
	seL4_CPtr untyped = env_untyped(e, seL4_ASIDPoolBits), child = env_slot(e), full = env_endpoint(e);
	check_cap(e, seL4_X86_ASIDControl_MakePool(control, small, AT(full)), 1);
	check_cap(e, seL4_X86_ASIDControl_MakePool(control, full, AT(slot)), 1);
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, child, 1));
	check_error(e, seL4_X86_ASIDControl_MakePool(control, untyped, AT(full)), seL4_RevokeFirst);
	check_ok(e, seL4_CNode_Delete(AT(child)));
	check_range(e, seL4_X86_ASIDControl_MakePool(control, untyped, ROOT, slot, 0), 1, 64);
	check_error(e, seL4_X86_ASIDControl_MakePool(control, untyped, AT(full)), seL4_DeleteFirst);
	check_ok(e, seL4_X86_ASIDControl_MakePool(control, untyped, AT(slot)));
	/* The memory is used up by it. */
	check_error(e, env_retype(untyped, seL4_EndpointObject, 0, child, 1), seL4_NotEnoughMemory);
	seL4_CPtr pml4 = env_object(e, seL4_X64_PML4Object, 0);
	check_ok(e, seL4_X86_ASIDPool_Assign(slot, pml4));
	check_ok(e, seL4_CNode_Delete(AT(slot)));
	/* Its spaces are spaces no more. */
	check(e, map(env_frame(e), pml4, 0) != seL4_NoError);
}

CASE(VSPACE0015, "an ASID is given once to an address space: capability 1", CASE_ONCE)
{
	seL4_CPtr pool = seL4_CapInitThreadASIDPool, pml4 = env_object(e, seL4_X64_PML4Object, 0);
	check_cap(e, seL4_X86_ASIDPool_Assign(pool, env_frame(e)), 1);
	check_cap(e, seL4_X86_ASIDPool_Assign(pool, env_slot(e)), 1);
	check_ok(e, seL4_X86_ASIDPool_Assign(pool, pml4));
	check_cap(e, seL4_X86_ASIDPool_Assign(pool, pml4), 1);
}

CASE(VSPACE0016, "other labels are illegal, short messages truncated", CASE_ONCE)
{
	seL4_CPtr frame = env_frame(e), pt = env_object(e, seL4_X86_PageTableObject, 0);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(frame, TCBResume, 3, 0)), seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(frame, X86PageMap, 3, 0)), seL4_TruncatedMessage);
	seL4_SetCap(0, VSPACE);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(frame, X86PageMap, 2, 1)), seL4_TruncatedMessage);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(pt, X86PageMap, 3, 0)), seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(pt, X86PageTableMap, 2, 0)),
		    seL4_TruncatedMessage);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(VSPACE, X86PageMap, 3, 0)), seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(seL4_CapASIDControl, X86PageMap, 3, 0)),
		    seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(seL4_CapInitThreadASIDPool, X86PageMap, 3, 0)),
		    seL4_IllegalOperation);
}

/* ---- what threads see ---- */

static void load_and_store(struct env *e, seL4_Word address)
{
	e->shared[0] = skerry_load(address, 8);
	skerry_store(address + 8, 8, 0x51);
	note(e, 'x');
}

CASE(VSPACE0017, "each thread sees its own address space", 0)
{
	seL4_CPtr pml4 = space_new(e), frame = env_frame(e), other = env_frame(e);
	seL4_Word address = env_map(e, frame, seL4_ReadWrite);
	struct thread *t = env_thread(e, HIGH);
	tables_new(e, pml4, address);
	check_ok(e, map(other, pml4, address));
	skerry_store(address, 8, 0x11);
	check_ok(e, seL4_TCB_SetSpace(t->tcb, seL4_CapNull, ROOT, 0, pml4, 0));
	env_start(e, t, load_and_store, address);
	check_log(e, "x");
	check_equal(e, e->shared[0], 0);
	check_equal(e, skerry_load(address + 8, 8), 0);
	/* The other's page, seen here. */
	seL4_Word here = env_map(e, env_copy(e, other), seL4_ReadWrite);
	check_equal(e, skerry_load(here + 8, 8), 0x51);
}

CASE(VSPACE0018, "a space's pages can be mapped elsewhere when it is deleted", CASE_ONCE)
{
	seL4_CPtr pml4 = space_new(e), frame = env_frame(e);
	tables_new(e, pml4, 0);
	check_ok(e, map(frame, pml4, 4096));
	check_ok(e, seL4_CNode_Delete(AT(pml4)));
	check_ok(e, seL4_X86_Page_Unmap(frame));
	seL4_Word address = env_map(e, frame, seL4_ReadWrite);
	check_equal(e, skerry_load(address, 8), 0);
}

CASE(VSPACE0019, "a large page is one piece of memory", CASE_ONCE)
{
	seL4_CPtr page = env_object(e, seL4_X86_LargePageObject, 0), frame = env_frame(e);
	seL4_Word address = env_map(e, frame, seL4_ReadWrite) + BIT(seL4_LargePageBits);
	check_ok(e, map(page, VSPACE, address));
	skerry_store(address, 8, 1);
	skerry_store(address + BIT(21) - 8, 8, 2);
	check_equal(e, skerry_load(address, 8), 1);
	check_equal(e, skerry_load(address + BIT(21) - 8, 8), 2);
}

CASE(VSPACE0020, "memory can be copied within a space and to and from a program", CASE_ONCE)
{
	seL4_Word a = env_map(e, env_frame(e), seL4_ReadWrite), b = env_map(e, env_frame(e), seL4_ReadWrite);
	static char in[5000], out[5000];
	for (unsigned i = 0; i < sizeof in; i++)
		in[i] = (char)(i * 7);
	check_equal(e, b, a + 4096);
	skerry_copy_out(a + 100, in, sizeof in);
	skerry_copy_in(out, a + 100, sizeof out);
	for (unsigned i = 0; i < sizeof in; i++)
		check(e, in[i] == out[i]);
}

CASE(VSPACE0021, "device frames have the device's physical address", CASE_ONCE | CASE_DEVICE)
{
	seL4_CPtr device = env_device_untyped(e, seL4_PageBits + 1), frame = env_slots(e, 2);
	seL4_Word paddr = e->info->untypedList[device - e->info->untyped.start].paddr;
	check_ok(e, env_retype(device, seL4_X86_4K, 0, frame, 2));
	check_equal(e, seL4_X86_Page_GetAddress(frame).paddr, paddr);
	check_equal(e, seL4_X86_Page_GetAddress(frame + 1).paddr, paddr + 4096);
	seL4_Word address = env_map(e, frame, seL4_ReadWrite);
	skerry_store(address, 8, 0x77);
	check_equal(e, skerry_load(address, 8), 0x77);
	check_ok(e, seL4_CNode_Revoke(AT(device)));
}

CASE(VSPACE0022, "a pool has an ASID for 512 address spaces", CASE_ONCE)
{
	enum { BITS = 10 };
	seL4_CPtr pool = env_slot(e), cnode = env_cnode(e, BITS), pml4 = env_slot(e);
	seL4_CPtr memory = env_untyped(e, seL4_ASIDPoolBits), last = env_object(e, seL4_X64_PML4Object, 0);
	seL4_CPtr untyped = env_untyped(e, 21);
	check_ok(e, seL4_X86_ASIDControl_MakePool(seL4_CapASIDControl, memory, AT(pool)));
	for (seL4_Word i = 0; i < BIT(seL4_ASIDPoolIndexBits); i++) {
		check_ok(e, seL4_Untyped_Retype(untyped, seL4_X64_PML4Object, 0, cnode, 0, 0, i, 1));
		check_ok(e, seL4_CNode_Move(AT(pml4), cnode, i, BITS));
		check_ok(e, seL4_X86_ASIDPool_Assign(pool, pml4));
		check_ok(e, seL4_CNode_Move(cnode, i, BITS, AT(pml4)));
	}
	check_error(e, seL4_X86_ASIDPool_Assign(pool, last), seL4_DeleteFirst);
	/* One that goes makes room. */
	check_ok(e, seL4_CNode_Delete(cnode, 100, BITS));
	check_ok(e, seL4_X86_ASIDPool_Assign(pool, last));
}

CASE(VSPACE0023, "there are as many pools as ASIDs have high bits", CASE_ONCE)
{
	unsigned made = 0;
	while (made < 100) {
		seL4_CPtr untyped = env_untyped(e, seL4_ASIDPoolBits), slot = env_slot(e);
		seL4_Error error = seL4_X86_ASIDControl_MakePool(seL4_CapASIDControl, untyped, AT(slot));
		if (error) {
			check_equal(e, error, seL4_DeleteFirst);
			break;
		}
		made++;
	}
	check_equal(e, made, BIT(seL4_NumASIDPoolsBits) - 1);
}

CASE(VSPACE0024, "a page of a space that was deleted counts as mapped until it is unmapped", CASE_ONCE)
{
	seL4_CPtr pml4 = space_new(e), frame = env_frame(e);
	tables_new(e, pml4, 0);
	check_ok(e, map(frame, pml4, 4096));
	check_ok(e, seL4_CNode_Delete(AT(pml4)));
	check_cap(e, map(frame, VSPACE, 4096), 1);
	check_ok(e, seL4_X86_Page_Unmap(frame));
	env_map(e, frame, seL4_ReadWrite);
}

CASE(VSPACE0025, "deleting any table takes its pages from the space", CASE_ONCE)
{
	seL4_Word address = BIT(39) * 3;
	seL4_CPtr table[] = {env_object(e, seL4_X86_PDPTObject, 0),
			     env_object(e, seL4_X86_PageDirectoryObject, 0),
			     env_object(e, seL4_X86_PageTableObject, 0)};
	seL4_CPtr pml4 = space_new(e), frame = env_frame(e);
	static const seL4_Word missing[] = {SEL4_MAPPING_LOOKUP_NO_PDPT, SEL4_MAPPING_LOOKUP_NO_PD,
					    SEL4_MAPPING_LOOKUP_NO_PT};
	check_ok(e, seL4_X86_PDPT_Map(table[0], pml4, address, ATTRIBUTES));
	check_ok(e, seL4_X86_PageDirectory_Map(table[1], pml4, address, ATTRIBUTES));
	check_ok(e, seL4_X86_PageTable_Map(table[2], pml4, address, ATTRIBUTES));
	check_ok(e, map(frame, pml4, address));
	for (unsigned level = 3; level-- > 0;) {
		check_ok(e, seL4_CNode_Delete(AT(table[level])));
		check_lookup(e, map(frame, pml4, address), 0, seL4_MissingCapability, missing[level]);
	}
}
