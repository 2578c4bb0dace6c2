/* tests/sel4/untyped.c - retype: sizes, errors in their order, and the memory that is left. */
#include "tests/sel4/harness.h"

static const struct {
	seL4_Word type, bits; /* as given to Retype */
	unsigned size_bits;   /* of the object */
} objects[] = {
	{seL4_UntypedObject, 4, 4},
	{seL4_UntypedObject, 11, 11},
	{seL4_TCBObject, 0, seL4_TCBBits},
	{seL4_EndpointObject, 0, seL4_EndpointBits},
	{seL4_NotificationObject, 0, seL4_NotificationBits},
	{seL4_CapTableObject, 1, seL4_SlotBits + 1},
	{seL4_CapTableObject, 7, seL4_SlotBits + 7},
	{seL4_SchedContextObject, seL4_MinSchedContextBits, seL4_MinSchedContextBits},
	{seL4_SchedContextObject, 9, 9},
	{seL4_ReplyObject, 0, seL4_ReplyBits},
	{seL4_X86_4K, 0, 12},
	{seL4_X86_PageTableObject, 0, 12},
	{seL4_X86_PageDirectoryObject, 0, 12},
	{seL4_X86_PDPTObject, 0, 12},
	{seL4_X64_PML4Object, 0, 12},
};
enum { OBJECTS = sizeof objects / sizeof *objects };

CASE(UNTYPED0001, "every type of object can be made, and as many as fit its size", CASE_ONCE)
{
	/* A region holds exactly its size divided by the object's: not one more. */
	for (unsigned i = 0; i < OBJECTS; i++) {
		unsigned bits = objects[i].size_bits + 2;
		seL4_CPtr untyped = env_untyped(e, bits), slot = env_slots(e, 5);
		check_ok(e, env_retype(untyped, objects[i].type, objects[i].bits, slot, 4));
		check_error(e, env_retype(untyped, objects[i].type, objects[i].bits, slot + 4, 1),
			    seL4_NotEnoughMemory);
		check_error_mrs(e, 0);
		check_ok(e, seL4_CNode_Revoke(AT(untyped)));
		check_error(e, env_retype(untyped, objects[i].type, objects[i].bits, slot, 5),
			    seL4_NotEnoughMemory);
		check_error_mrs(e, BIT(bits));
	}
}

CASE(UNTYPED0002, "a large page needs 2 MiB, aligned", CASE_ONCE)
{
	seL4_CPtr page = env_object(e, seL4_X86_LargePageObject, 0);
	check_equal(e, seL4_X86_Page_GetAddress(page).paddr & MASK(seL4_LargePageBits), 0);
}

CASE(UNTYPED0003, "a type that is none is argument 0", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), slot = env_slot(e);
	check_argument(e, env_retype(untyped, seL4_ObjectTypeCount, 0, slot, 1), 0);
	check_argument(e, env_retype(untyped, 1000, 0, slot, 1), 0);
	/* Before the size. */
	check_argument(e, env_retype(untyped, seL4_ObjectTypeCount, 99, slot, 1), 0);
}

CASE(UNTYPED0004, "a size above the largest untyped's is a range error", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), slot = env_slot(e);
	check_error(e, env_retype(untyped, seL4_UntypedObject, 48, slot, 1), seL4_RangeError);
	check_error_mrs(e, 0, seL4_MaxUntypedBits);
	check_error(e, env_retype(untyped, seL4_CapTableObject, 64, slot, 1), seL4_RangeError);
	check_error(e, env_retype(untyped, seL4_EndpointObject, 64, slot, 1), seL4_RangeError);
	/* It is the size of the object that counts. */
	check_range(e, env_retype(untyped, seL4_CapTableObject, 43, slot, 1), 0, seL4_MaxUntypedBits);
	check_error(e, env_retype(untyped, seL4_CapTableObject, 42, slot, 1), seL4_NotEnoughMemory);
	check_error(e, env_retype(untyped, seL4_UntypedObject, 47, slot, 1), seL4_NotEnoughMemory);
	check_error_mrs(e, BIT(12));
}

CASE(UNTYPED0005, "a size that is too small is argument 1", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), slot = env_slot(e);
	check_argument(e, env_retype(untyped, seL4_CapTableObject, 0, slot, 1), 1);
	check_argument(e, env_retype(untyped, seL4_UntypedObject, seL4_MinUntypedBits - 1, slot, 1), 1);
	check_argument(e, env_retype(untyped, seL4_UntypedObject, 0, slot, 1), 1);
	check_argument(e, env_retype(untyped, seL4_SchedContextObject, seL4_MinSchedContextBits - 1, slot, 1),
		       1);
	/* Before the destination is looked up. */
	check_argument(e, seL4_Untyped_Retype(untyped, seL4_CapTableObject, 0, slot, 0, 0, 0, 1), 1);
}

CASE(UNTYPED0006, "other objects ignore their size", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), slot = env_slots(e, 2);
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 30, slot, 1));
	check_ok(e, env_retype(untyped, seL4_TCBObject, 3, slot + 1, 1));
}

CASE(UNTYPED0007, "a destination that is no CNode is a failed lookup", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), ep = env_endpoint(e);
	check_lookup(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, ep, 0, 0, 0, 1), 0,
		     seL4_MissingCapability, 0);
	check_lookup(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, ROOT, ep, DEPTH, 0, 1), 0,
		     seL4_MissingCapability, DEPTH);
	check_lookup(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, ROOT, env_slot(e), DEPTH, 0, 1),
		     0, seL4_MissingCapability, DEPTH);
	check_lookup(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, ep, 0, 1, 0, 1), 0,
		     seL4_InvalidRoot);
	check_range(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, ROOT, ep, 65, 0, 1), 1, 64);
}

CASE(UNTYPED0008, "an offset outside of the CNode is a range error", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), cnode = env_cnode(e, 4);
	check_range(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, cnode, 0, 0, 16, 1), 0, 15);
	/* Before the number of objects. */
	check_range(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, cnode, 0, 0, 16, 0), 0, 15);
}

CASE(UNTYPED0009, "a number of objects outside of 1 to 256 is a range error", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), slot = env_slot(e);
	check_range(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 0), 1, 256);
	check_range(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 257), 1, 256);
}

CASE(UNTYPED0010, "a window that leaves the CNode is a range error", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), cnode = env_cnode(e, 4);
	check_range(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, cnode, 0, 0, 14, 3), 1, 2);
	check_ok(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, cnode, 0, 0, 14, 2));
}

CASE(UNTYPED0011, "an occupied slot in the window is DeleteFirst, before memory is looked at", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 4), slot = env_slots(e, 3);
	check_ok(e, seL4_CNode_Copy(AT(slot + 2), AT(untyped), seL4_AllRights));
	check_ok(e, seL4_CNode_Revoke(AT(untyped)));
	check_ok(e, seL4_CNode_Copy(AT(slot + 2), AT(ROOT), seL4_AllRights));
	check_error(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 3), seL4_DeleteFirst);
	check(e, slot_is_empty(slot) && slot_is_empty(slot + 1));
	check_error(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 2), seL4_NotEnoughMemory);
	check_error_mrs(e, 16);
}

CASE(UNTYPED0012, "not enough memory says how many bytes are left", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), slot = env_slots(e, 4);
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 3));
	check_error(e, env_retype(untyped, seL4_X86_4K, 0, slot + 3, 1), seL4_NotEnoughMemory);
	check_error_mrs(e, 4096 - 3 * 16);
	check(e, slot_is_empty(slot + 3));
}

CASE(UNTYPED0013, "objects start at a multiple of their size", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), slot = env_slots(e, 3);
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 1));
	check_ok(e, env_retype(untyped, seL4_TCBObject, 0, slot + 1, 1));
	/* The thread lies in the second half: nothing is left. */
	check_error(e, env_retype(untyped, seL4_EndpointObject, 0, slot + 2, 1), seL4_NotEnoughMemory);
	check_error_mrs(e, 0);
}

CASE(UNTYPED0014, "memory is compared with what is left before alignment takes its part", CASE_ONCE)
{
	/* 48 bytes gone of 4096: 4048 are left, in which one frame of 2048 fits aligned, two do not by size. */
	seL4_CPtr untyped = env_untyped(e, 12), slot = env_slots(e, 5);
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 3));
	check_error(e, env_retype(untyped, seL4_TCBObject, 0, slot + 3, 2), seL4_NotEnoughMemory);
	check_error_mrs(e, 4048);
	check_ok(e, env_retype(untyped, seL4_TCBObject, 0, slot + 3, 1));
}

CASE(UNTYPED0015, "memory is not given back while one object lives", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 6), slot = env_slots(e, 4);
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 4));
	for (unsigned i = 0; i < 3; i++)
		check_ok(e, seL4_CNode_Delete(AT(slot + i)));
	check_error(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 1), seL4_NotEnoughMemory);
	check_ok(e, seL4_CNode_Delete(AT(slot + 3)));
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 4));
}

CASE(UNTYPED0016, "several objects fill slots in a row, each another object", CASE_ONCE)
{
	seL4_CPtr slot = env_slots(e, 4);
	check_ok(e, env_retype(e->untyped, seL4_X86_4K, 0, slot, 4));
	seL4_Word first = seL4_X86_Page_GetAddress(slot).paddr;
	for (unsigned i = 1; i < 4; i++)
		check_equal(e, seL4_X86_Page_GetAddress(slot + i).paddr, first + i * 4096);
}

CASE(UNTYPED0017, "256 objects can be made at once", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), cnode = env_cnode(e, 9);
	check_ok(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, cnode, 0, 0, 100, 256));
	check_ok(e, seL4_CNode_Move(AT(env_slot(e)), cnode, 355, 9));
	check_error(e, seL4_Untyped_Retype(untyped, seL4_EndpointObject, 0, cnode, 0, 0, 0, 1),
		    seL4_NotEnoughMemory);
}

CASE(UNTYPED0018, "the destination CNode may be anywhere in the root's", CASE_ONCE)
{
	seL4_CPtr outer = env_cnode(e, 4), inner = env_cnode(e, 4), ntfn = env_slot(e);
	check_ok(e, seL4_CNode_Move(outer, 5, 4, AT(inner)));
	check_ok(e, seL4_Untyped_Retype(e->untyped, seL4_NotificationObject, 0, outer, 5, 4, 3, 1));
	check_ok(e, seL4_CNode_Move(AT(ntfn), outer, 0x53, 8));
	check_equal(e, badge_of(env_mint(e, ntfn, 2), ntfn), 2);
	check_ok(e, seL4_Untyped_Retype(e->untyped, seL4_EndpointObject, 0, ROOT, outer, DEPTH, 1, 1));
	check_error(e, seL4_Untyped_Retype(e->untyped, seL4_EndpointObject, 0, outer, 0, 0, 1, 1),
		    seL4_DeleteFirst);
}

CASE(UNTYPED0019, "device untyped gives frames and untyped, nothing else", CASE_ONCE | CASE_DEVICE)
{
	/* Boot info's own: what is made of it is deleted by the harness, as it lies in the case's slots. */
	seL4_CPtr device = env_device_untyped(e, seL4_PageBits + 1), slot = env_slots(e, 3);
	static const seL4_Word kernel_objects[] = {seL4_TCBObject,           seL4_EndpointObject,
						   seL4_NotificationObject,  seL4_ReplyObject,
						   seL4_X86_PageTableObject, seL4_X64_PML4Object};
	for (unsigned i = 0; i < 6; i++)
		check_argument(e, env_retype(device, kernel_objects[i], 0, slot, 1), 1);
	check_argument(e, env_retype(device, seL4_CapTableObject, 4, slot, 1), 1);
	check_ok(e, env_retype(device, seL4_UntypedObject, seL4_PageBits, slot, 1));
	check_ok(e, env_retype(device, seL4_X86_4K, 0, slot + 1, 1));
	/* Its children are devices too. */
	check_argument(e, env_retype(slot, seL4_EndpointObject, 0, slot + 2, 1), 1);
	check_ok(e, seL4_CNode_Revoke(AT(device)));
}

CASE(UNTYPED0020, "a frame made of memory that was used is zero", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), frame = env_slot(e);
	check_ok(e, env_retype(untyped, seL4_X86_4K, 0, frame, 1));
	seL4_Word address = env_map(e, frame, seL4_ReadWrite);
	skerry_store(address, 8, 0x1234);
	skerry_store(address + 4088, 8, 0x5678);
	check_equal(e, skerry_load(address, 8), 0x1234);
	check_ok(e, seL4_CNode_Delete(AT(frame)));
	check_ok(e, env_retype(untyped, seL4_X86_4K, 0, frame, 1));
	env_map_at(e, frame, address, seL4_ReadWrite);
	check_equal(e, skerry_load(address, 8), 0);
	check_equal(e, skerry_load(address + 4088, 8), 0);
}

CASE(UNTYPED0021, "a CNode made of memory that was used is empty", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), cnode = env_slots(e, 2);
	check_ok(e, env_retype(untyped, seL4_CapTableObject, 7, cnode, 1));
	check_error(e, seL4_CNode_Copy(cnode, 99, 7, AT(untyped), seL4_AllRights), seL4_RevokeFirst);
	check_ok(e, seL4_CNode_Copy(cnode, 99, 7, AT(ROOT), seL4_AllRights));
	check_ok(e, seL4_CNode_Revoke(AT(untyped)));
	check_ok(e, env_retype(untyped, seL4_CapTableObject, 7, cnode, 1));
	for (seL4_Word i = 0; i < 128; i++)
		check_lookup(e, seL4_CNode_Move(AT(cnode + 1), cnode, i, 7), 1, seL4_MissingCapability, 7);
}

CASE(UNTYPED0022, "other labels are illegal, short messages truncated", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(untyped, TCBResume, 6, 0)), seL4_IllegalOperation);
	seL4_SetCap(0, ROOT);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(untyped, UntypedRetype, 5, 1)),
		    seL4_TruncatedMessage);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(untyped, UntypedRetype, 6, 0)),
		    seL4_TruncatedMessage);
}

CASE(UNTYPED0023, "untyped of the largest size below it leaves the other half", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 13), slot = env_slots(e, 3);
	check_ok(e, env_retype(untyped, seL4_UntypedObject, 12, slot, 1));
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, slot + 1, 1));
	check_error(e, env_retype(untyped, seL4_UntypedObject, 12, slot + 2, 1), seL4_NotEnoughMemory);
	check_error_mrs(e, 4096 - 16);
}

CASE(UNTYPED0024, "boot info tells where an untyped lies", CASE_ONCE)
{
	/* The case's untyped is, or lies in, one of boot info's. */
	seL4_Word paddr = seL4_X86_Page_GetAddress(env_frame(e)).paddr, found = 0;
	for (seL4_Word i = 0; i < e->info->untyped.end - e->info->untyped.start; i++) {
		const seL4_UntypedDesc *desc = &e->info->untypedList[i];
		found += !desc->isDevice && paddr >= desc->paddr && paddr - desc->paddr < BIT(desc->sizeBits);
	}
	check_equal(e, found, 1);
}

CASE(UNTYPED0025, "retype by a reference that lacks the last slot makes nothing at all", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), slot = env_slots(e, 4);
	check_ok(e, seL4_CNode_Copy(AT(slot + 3), AT(ROOT), seL4_AllRights));
	check_error(e, env_retype(untyped, seL4_TCBObject, 0, slot + 2, 2), seL4_DeleteFirst);
	/* The memory is all there. */
	check_ok(e, env_retype(untyped, seL4_TCBObject, 0, slot, 2));
}

CASE(UNTYPED0026, "clearing a large untyped is preempted and yet complete", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 21), frame = env_slot(e);
	check_ok(e, env_retype(untyped, seL4_X86_LargePageObject, 0, frame, 1));
	seL4_CPtr small = env_frame(e);
	seL4_Word address = e->next_address;
	env_map_at(e, small, address, seL4_ReadWrite); /* brings the page directory */
	check_ok(e, seL4_X86_Page_Unmap(small));
	address += BIT(seL4_LargePageBits);
	check_ok(e, seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, address, seL4_ReadWrite,
				      seL4_X86_Default_VMAttributes));
	for (seL4_Word at = 0; at < BIT(21); at += 65536)
		skerry_store(address + at, 8, at + 1);
	check_ok(e, seL4_CNode_Delete(AT(frame)));
	check_ok(e, env_retype(untyped, seL4_X86_LargePageObject, 0, frame, 1));
	check_ok(e, seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, address, seL4_ReadWrite,
				      seL4_X86_Default_VMAttributes));
	for (seL4_Word at = 0; at < BIT(21); at += 65536)
		check_equal(e, skerry_load(address + at, 8), 0);
}
