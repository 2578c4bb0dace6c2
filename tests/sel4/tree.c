/* tests/sel4/tree.c - the derivation tree: what revoke takes, and what it leaves. */
#include "tests/sel4/harness.h"

CASE(TREE0001, "revoking an original takes its copies and leaves itself", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), a = env_copy(e, ntfn), b = env_copy(e, ntfn);
	check_ok(e, seL4_CNode_Revoke(AT(ntfn)));
	check(e, !slot_is_empty(ntfn));
	check(e, slot_is_empty(a) && slot_is_empty(b));
}

CASE(TREE0002, "copies of an original are siblings: revoking one takes nothing", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), a = env_copy(e, ntfn), b = env_copy(e, ntfn);
	check_ok(e, seL4_CNode_Revoke(AT(a)));
	check_ok(e, seL4_CNode_Revoke(AT(b)));
	check(e, !slot_is_empty(ntfn) && !slot_is_empty(a) && !slot_is_empty(b));
}

CASE(TREE0003, "a copy of a copy is its sibling", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), a = env_copy(e, ntfn), b = env_copy(e, a), c = env_copy(e, b);
	check_ok(e, seL4_CNode_Revoke(AT(a)));
	check_ok(e, seL4_CNode_Revoke(AT(b)));
	check(e, !slot_is_empty(b) && !slot_is_empty(c));
	check_ok(e, seL4_CNode_Revoke(AT(ntfn)));
	check(e, slot_is_empty(a) && slot_is_empty(b) && slot_is_empty(c));
}

CASE(TREE0004, "a newly badged capability is an original: its copies are its children", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), badged = env_mint(e, ntfn, 5);
	seL4_CPtr a = env_copy(e, badged), b = env_copy(e, a), other = env_copy(e, ntfn);
	check_ok(e, seL4_CNode_Revoke(AT(badged)));
	check(e, slot_is_empty(a) && slot_is_empty(b));
	check(e, !slot_is_empty(badged) && !slot_is_empty(ntfn) && !slot_is_empty(other));
}

CASE(TREE0005, "copies of a badged capability's copy are siblings", CASE_ONCE)
{
	seL4_CPtr badged = env_mint(e, env_endpoint(e), 5), a = env_copy(e, badged), b = env_copy(e, a);
	check_ok(e, seL4_CNode_Revoke(AT(a)));
	check(e, !slot_is_empty(b));
}

CASE(TREE0006, "capabilities minted apart with one badge are not each other's children", CASE_ONCE)
{
	seL4_CPtr ep = env_endpoint(e), a = env_mint(e, ep, 5), b = env_mint(e, ep, 5);
	check_ok(e, seL4_CNode_Revoke(AT(a)));
	check(e, !slot_is_empty(b));
	check_ok(e, seL4_CNode_Revoke(AT(b)));
	check(e, !slot_is_empty(a));
	check_ok(e, seL4_CNode_Revoke(AT(ep)));
	check(e, slot_is_empty(a) && slot_is_empty(b));
}

CASE(TREE0007, "capabilities with other badges are not touched by a revoke", CASE_ONCE)
{
	seL4_CPtr ep = env_endpoint(e), a = env_mint(e, ep, 5), b = env_mint(e, ep, 6), c = env_copy(e, a);
	seL4_CPtr d = env_copy(e, b);
	check_ok(e, seL4_CNode_Revoke(AT(a)));
	check(e, slot_is_empty(c) && !slot_is_empty(b) && !slot_is_empty(d));
}

CASE(TREE0008, "children of a deleted capability belong to its parent", CASE_ONCE)
{
	seL4_CPtr ep = env_endpoint(e), badged = env_mint(e, ep, 5), copy = env_copy(e, badged);
	check_ok(e, seL4_CNode_Delete(AT(badged)));
	check(e, !slot_is_empty(copy));
	check_ok(e, seL4_CNode_Revoke(AT(ep)));
	check(e, slot_is_empty(copy));
}

CASE(TREE0009, "when a first-badged capability is deleted the next takes its place", CASE_ONCE)
{
	seL4_CPtr ep = env_endpoint(e), a = env_mint(e, ep, 5), copy = env_copy(e, a), b = env_mint(e, ep, 5);
	/* The list is ep, b, a, copy: without its mark `copy` would be taken for a child of `b`. */
	check_ok(e, seL4_CNode_Delete(AT(a)));
	check_ok(e, seL4_CNode_Revoke(AT(b)));
	check(e, !slot_is_empty(copy));
}

CASE(TREE0010, "when an original is deleted its copies live on, as siblings", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), a = env_copy(e, ntfn), b = env_copy(e, ntfn),
		  badged = env_mint(e, a, 4);
	check_ok(e, seL4_CNode_Delete(AT(ntfn)));
	check_equal(e, badge_of(badged, a), 4);
	check_ok(e, seL4_CNode_Revoke(AT(b)));
	check(e, !slot_is_empty(a));
}

CASE(TREE0011, "a badged capability minted from a copy is a child of the original", CASE_ONCE)
{
	seL4_CPtr ep = env_endpoint(e), copy = env_copy(e, ep), badged = env_mint(e, copy, 9);
	check_ok(e, seL4_CNode_Revoke(AT(copy)));
	check(e, !slot_is_empty(badged));
	check_ok(e, seL4_CNode_Revoke(AT(ep)));
	check(e, slot_is_empty(badged));
}

CASE(TREE0012, "a moved capability keeps its place in the tree", CASE_ONCE)
{
	seL4_CPtr ep = env_endpoint(e), badged = env_mint(e, ep, 5), copy = env_copy(e, badged);
	seL4_CPtr slot = env_slots(e, 3);
	check_ok(e, seL4_CNode_Move(AT(slot), AT(copy)));
	check_ok(e, seL4_CNode_Move(AT(slot + 1), AT(badged)));
	check_ok(e, seL4_CNode_Move(AT(slot + 2), AT(ep)));
	check_ok(e, seL4_CNode_Revoke(AT(slot + 1)));
	check(e, slot_is_empty(slot) && !slot_is_empty(slot + 1));
	check_ok(e, seL4_CNode_Revoke(AT(slot + 2)));
	check(e, slot_is_empty(slot + 1) && !slot_is_empty(slot + 2));
}

CASE(TREE0013, "swapped capabilities keep their places in the tree", CASE_ONCE)
{
	seL4_CPtr a = env_frame(e), b = env_frame(e), copy = env_copy(e, a);
	check_ok(e, seL4_CNode_Rotate(AT(a), 0, AT(b), 0, AT(a)));
	check_ok(e, seL4_CNode_Revoke(AT(a)));
	check(e, !slot_is_empty(copy));
	check_ok(e, seL4_CNode_Revoke(AT(b)));
	check(e, slot_is_empty(copy));
}

CASE(TREE0014, "neighbours in the tree can be swapped", CASE_ONCE)
{
	seL4_CPtr a = env_frame(e), copy = env_copy(e, a);
	check_ok(e, seL4_CNode_Rotate(AT(a), 0, AT(copy), 0, AT(a)));
	check_ok(e, seL4_CNode_Revoke(AT(a)));
	check(e, !slot_is_empty(copy));
	check_ok(e, seL4_CNode_Revoke(AT(copy)));
	check(e, slot_is_empty(a) && !slot_is_empty(copy));
}

CASE(TREE0015, "revoke of an empty slot succeeds", CASE_ONCE)
{
	check_ok(e, seL4_CNode_Revoke(AT(env_slot(e))));
}

CASE(TREE0016, "revoking an untyped takes every object made from it, wherever it was moved", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 13), cnode = env_cnode(e, 4), slot = env_slots(e, 5);
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 2));
	check_ok(e, env_retype(untyped, seL4_TCBObject, 0, slot + 2, 1));
	check_ok(e, env_retype(untyped, seL4_CapTableObject, 4, slot + 3, 1));
	check_ok(e, seL4_CNode_Move(cnode, 7, 4, AT(slot)));
	check_ok(e, seL4_CNode_Mint(slot + 3, 1, 4, AT(slot + 1), seL4_AllRights, 8));
	check_ok(e, seL4_CNode_Revoke(AT(untyped)));
	for (unsigned i = 0; i < 4; i++)
		check(e, slot_is_empty(slot + i));
	check_ok(e, seL4_CNode_Copy(cnode, 7, 4, AT(cnode), seL4_AllRights));
	check_ok(e, env_retype(untyped, seL4_UntypedObject, 13, slot, 1));
}

CASE(TREE0017, "revoking an inner untyped leaves what is outside", CASE_ONCE)
{
	seL4_CPtr outer = env_untyped(e, 12), slot = env_slots(e, 4);
	check_ok(e, env_retype(outer, seL4_UntypedObject, 10, slot, 2));
	check_ok(e, env_retype(slot, seL4_EndpointObject, 0, slot + 2, 1));
	check_ok(e, env_retype(slot + 1, seL4_EndpointObject, 0, slot + 3, 1));
	check_ok(e, seL4_CNode_Revoke(AT(slot)));
	check(e, slot_is_empty(slot + 2) && !slot_is_empty(slot + 3));
	check_ok(e, seL4_CNode_Revoke(AT(outer)));
	check(e, slot_is_empty(slot) && slot_is_empty(slot + 1) && slot_is_empty(slot + 3));
}

CASE(TREE0018, "deleting an untyped leaves its objects, which then belong to its parent", CASE_ONCE)
{
	seL4_CPtr outer = env_untyped(e, 12), slot = env_slots(e, 2);
	check_ok(e, env_retype(outer, seL4_UntypedObject, 10, slot, 1));
	check_ok(e, env_retype(slot, seL4_NotificationObject, 0, slot + 1, 1));
	check_ok(e, seL4_CNode_Delete(AT(slot)));
	check_equal(e, badge_of(env_mint(e, slot + 1, 3), slot + 1), 3);
	check_ok(e, seL4_CNode_Revoke(AT(outer)));
	check(e, slot_is_empty(slot + 1));
}

CASE(TREE0019, "revoking a CNode's capability takes copies of it, not what the CNode holds", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, 4), ntfn = env_notification(e), guarded = env_slot(e);
	check_ok(e, seL4_CNode_Copy(cnode, 3, 4, AT(ntfn), seL4_AllRights));
	check_ok(e, seL4_CNode_Mint(AT(guarded), AT(cnode), seL4_AllRights,
				    seL4_CNode_CapData_new(1, 1).words[0]));
	check_ok(e, seL4_CNode_Revoke(AT(cnode)));
	check(e, slot_is_empty(guarded));
	check_error(e, seL4_CNode_Copy(cnode, 3, 4, AT(ntfn), seL4_AllRights), seL4_DeleteFirst);
}

CASE(TREE0020, "a copy with fewer rights is a sibling of the other copies", CASE_ONCE)
{
	seL4_CPtr ep = env_endpoint(e), read = env_rights(e, ep, seL4_CanRead), copy = env_copy(e, read);
	check_ok(e, seL4_CNode_Revoke(AT(read)));
	check(e, !slot_is_empty(copy));
	check_ok(e, seL4_CNode_Revoke(AT(ep)));
	check(e, slot_is_empty(read) && slot_is_empty(copy));
}

CASE(TREE0021, "copies of frames, threads and contexts are taken by revoking the original", CASE_ONCE)
{
	const seL4_CPtr original[] = {env_frame(e), env_tcb(e), env_sc(e), env_reply(e), env_notification(e)};
	for (unsigned i = 0; i < 5; i++) {
		seL4_CPtr a = env_copy(e, original[i]), b = env_copy(e, a);
		check_ok(e, seL4_CNode_Revoke(AT(a)));
		check(e, !slot_is_empty(b));
		check_ok(e, seL4_CNode_Revoke(AT(original[i])));
		check(e, slot_is_empty(a) && slot_is_empty(b) && !slot_is_empty(original[i]));
	}
}

CASE(TREE0022, "the object lives until its last capability is deleted", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), a = env_mint(e, ntfn, 1), b = env_copy(e, ntfn);
	check_ok(e, seL4_CNode_Delete(AT(ntfn)));
	check_equal(e, badge_of(a, b), 1);
	check_ok(e, seL4_CNode_Delete(AT(b)));
	check_ok(e, seL4_CNode_Delete(AT(a)));
}

CASE(TREE0023, "a revoke of very many children takes them all", CASE_ONCE)
{
	enum { BITS = 10, CHILDREN = 1 << BITS };
	seL4_CPtr cnode = env_cnode(e, BITS), ep = env_endpoint(e);
	for (seL4_Word i = 0; i < CHILDREN; i++)
		check_ok(e, seL4_CNode_Mint(cnode, i, BITS, AT(ep), seL4_AllRights, i));
	check_ok(e, seL4_CNode_Revoke(AT(ep)));
	for (seL4_Word i = 0; i < CHILDREN; i += 31)
		check_lookup(e, seL4_CNode_Move(AT(env_slot(e)), cnode, i, BITS), 1, seL4_MissingCapability,
			     BITS);
}

CASE(TREE0024, "deleting a CNode that is full of objects deletes them all", CASE_ONCE)
{
	enum { BITS = 9, COUNT = 256 };
	seL4_CPtr untyped = env_untyped(e, 15), cnode = env_cnode(e, BITS), slot = env_slot(e);
	for (unsigned i = 0; i < 2; i++)
		check_ok(e, seL4_Untyped_Retype(untyped, seL4_NotificationObject, 0, cnode, 0, 0, i * COUNT,
						COUNT));
	check_ok(e, seL4_CNode_Delete(AT(cnode)));
	check_ok(e, env_retype(untyped, seL4_UntypedObject, 15, slot, 1));
}

CASE(TREE0025, "an object's untyped can be reset only when no capability is left anywhere", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 6), slot = env_slots(e, 2), copy;
	check_ok(e, env_retype(untyped, seL4_NotificationObject, 0, slot, 1));
	copy = env_copy(e, slot);
	check_ok(e, seL4_CNode_Delete(AT(slot)));
	check_error(e, env_retype(untyped, seL4_NotificationObject, 0, slot, 1), seL4_NotEnoughMemory);
	check_ok(e, seL4_CNode_Delete(AT(copy)));
	check_ok(e, env_retype(untyped, seL4_NotificationObject, 0, slot, 1));
}

CASE(TREE0026, "revoke works by any copy of the CNode, and takes children that lie in that CNode", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, 4), copy = env_copy(e, cnode), ep = env_endpoint(e),
		  slot = env_slot(e);
	check_ok(e, seL4_CNode_Move(cnode, 1, 4, AT(ep)));
	check_ok(e, seL4_CNode_Mint(cnode, 2, 4, copy, 1, 4, seL4_AllRights, 5));
	check_ok(e, seL4_CNode_Revoke(copy, 1, 4));
	check_lookup(e, seL4_CNode_Move(AT(slot), cnode, 2, 4), 1, seL4_MissingCapability, 4);
	check_ok(e, seL4_CNode_Move(AT(slot), cnode, 1, 4));
}

CASE(TREE0027, "children of an untyped's copy go with the untyped", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 10), copy = env_copy(e, untyped), slot = env_slots(e, 2);
	check_ok(e, env_retype(copy, seL4_EndpointObject, 0, slot, 2));
	check_ok(e, seL4_CNode_Revoke(AT(copy)));
	check(e, slot_is_empty(slot) && slot_is_empty(slot + 1) && !slot_is_empty(copy));
	check_ok(e, env_retype(copy, seL4_EndpointObject, 0, slot, 2));
	check_ok(e, seL4_CNode_Revoke(AT(untyped)));
	check(e, slot_is_empty(slot) && slot_is_empty(copy));
}

CASE(TREE0028, "an untyped that covers a sibling's memory is not its parent", CASE_ONCE)
{
	/* Two halves of one untyped: neither is inside the other. */
	seL4_CPtr untyped = env_untyped(e, 11), half = env_slots(e, 2), slot = env_slots(e, 2);
	check_ok(e, env_retype(untyped, seL4_UntypedObject, 10, half, 2));
	check_ok(e, env_retype(half, seL4_EndpointObject, 0, slot, 1));
	check_ok(e, env_retype(half + 1, seL4_EndpointObject, 0, slot + 1, 1));
	check_ok(e, seL4_CNode_Revoke(AT(half + 1)));
	check(e, !slot_is_empty(slot) && slot_is_empty(slot + 1));
}

CASE(TREE0029, "copies of control capabilities are taken by revoking the original", CASE_ONCE)
{
	const seL4_CPtr original[] = {seL4_CapDomain, seL4_CapASIDControl, env_sched_control(e, 0)};
	for (unsigned i = 0; i < 3; i++) {
		seL4_CPtr a = env_copy(e, original[i]), b = env_copy(e, original[i]);
		check_ok(e, seL4_CNode_Revoke(AT(a)));
		check(e, !slot_is_empty(b));
		check_ok(e, seL4_CNode_Revoke(AT(original[i])));
		check(e, slot_is_empty(a) && slot_is_empty(b) && !slot_is_empty(original[i]));
	}
}
