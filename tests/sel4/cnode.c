/* tests/sel4/cnode.c - the operations of CNodes, their order of checks, and how capability addresses are resolved.
 *
 * What a capability names is told by signalling it: the badge arrives at the notification. Frames tell by their address. */
#include "tests/sel4/harness.h"

enum { SMALL = 4 }; /* radix of the CNodes that cases make */

static seL4_Word paddr_of(seL4_CPtr frame) { return seL4_X86_Page_GetAddress(frame).paddr; }

/* ---- copy, mint, move, mutate ---- */

CASE(CNODE0001, "a copy names the same object, and the source stays", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), copy = env_slot(e);
	check_ok(e, seL4_CNode_Copy(AT(copy), AT(ntfn), seL4_AllRights));
	seL4_Signal(copy);
	seL4_Word badge = 7;
	seL4_Poll(ntfn, &badge);
	check_equal(e, badge, 0);
	check(e, !slot_is_empty(ntfn));
	check(e, !slot_is_empty(copy));
}

CASE(CNODE0002, "a copy without the write right cannot signal", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), badged = env_mint(e, ntfn, 5);
	seL4_CPtr read = env_rights(e, badged, seL4_CanRead);
	check_equal(e, badge_of(badged, ntfn), 5);
	check_equal(e, badge_of(read, ntfn), 0);
}

CASE(CNODE0003, "rights that a copy has lost do not come back in its copies", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), badged = env_mint(e, ntfn, 5);
	seL4_CPtr read = env_rights(e, badged, seL4_CanRead);
	check_equal(e, badge_of(env_copy(e, read), ntfn), 0);
}

CASE(CNODE0004, "mint sets the badge that is received", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e);
	check_equal(e, badge_of(env_mint(e, ntfn, 0x123456789abcdef), ntfn), 0x123456789abcdef);
	check_equal(e, badge_of(env_mint(e, ntfn, ~UINT64_C(0)), ntfn), ~UINT64_C(0));
}

CASE(CNODE0005, "a badged capability cannot be badged again, not even with the same badge or with none",
     CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), badged = env_mint(e, ntfn, 5), slot = env_slot(e);
	seL4_CPtr ep = env_mint(e, env_endpoint(e), 5);
	check_error(e, seL4_CNode_Mint(AT(slot), AT(badged), seL4_AllRights, 6), seL4_IllegalOperation);
	check_error(e, seL4_CNode_Mint(AT(slot), AT(badged), seL4_AllRights, 5), seL4_IllegalOperation);
	check_error(e, seL4_CNode_Mint(AT(slot), AT(badged), seL4_AllRights, 0), seL4_IllegalOperation);
	check_error(e, seL4_CNode_Mint(AT(slot), AT(ep), seL4_AllRights, 6), seL4_IllegalOperation);
	check(e, slot_is_empty(slot));
}

CASE(CNODE0006, "mint with fewer rights and a badge does both", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), slot = env_slot(e);
	check_ok(e, seL4_CNode_Mint(AT(slot), AT(ntfn), seL4_CanWrite, 9));
	check_equal(e, badge_of(slot, ntfn), 9);
	seL4_CPtr silent = env_slot(e);
	check_ok(e, seL4_CNode_Mint(AT(silent), AT(ntfn), seL4_CanRead, 9));
	check_equal(e, badge_of(silent, ntfn), 0);
}

CASE(CNODE0007, "mint of a capability that has no badge ignores it", CASE_ONCE)
{
	seL4_CPtr frame = env_frame(e), tcb = env_tcb(e), slot = env_slots(e, 2);
	check_ok(e, seL4_CNode_Mint(AT(slot), AT(frame), seL4_AllRights, 77));
	check_equal(e, paddr_of(slot), paddr_of(frame));
	check_ok(e, seL4_CNode_Mint(AT(slot + 1), AT(tcb), seL4_AllRights, 77));
	check_ok(e, seL4_TCB_Suspend(slot + 1));
}

CASE(CNODE0008, "move empties the source and keeps badge and rights", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), badged = env_mint(e, ntfn, 5), slot = env_slot(e);
	check_ok(e, seL4_CNode_Move(AT(slot), AT(badged)));
	check(e, slot_is_empty(badged));
	check_equal(e, badge_of(slot, ntfn), 5);
}

CASE(CNODE0009, "mutate of an endpoint or notification is illegal, whatever the badge", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), ep = env_endpoint(e), slot = env_slot(e);
	check_error(e, seL4_CNode_Mutate(AT(slot), AT(ntfn), 5), seL4_IllegalOperation);
	check_error(e, seL4_CNode_Mutate(AT(slot), AT(ep), 0), seL4_IllegalOperation);
	check(e, slot_is_empty(slot));
	check(e, !slot_is_empty(ntfn));
}

CASE(CNODE0010, "mutate moves other capabilities", CASE_ONCE)
{
	seL4_CPtr frame = env_frame(e), slot = env_slot(e);
	seL4_Word paddr = paddr_of(frame);
	check_ok(e, seL4_CNode_Mutate(AT(slot), AT(frame), 123));
	check(e, slot_is_empty(frame));
	check_equal(e, paddr_of(slot), paddr);
}

CASE(CNODE0011, "mutate sets the guard of a CNode", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL), slot = env_slot(e), ntfn = env_notification(e);
	seL4_Word data = seL4_CNode_CapData_new(0xa, 4).words[0];
	check_ok(e, seL4_CNode_Mutate(AT(slot), AT(cnode), data));
	check(e, slot_is_empty(cnode));
	check_ok(e, seL4_CNode_Copy(slot, 0xa3, 8, AT(ntfn), seL4_AllRights));
	check_error(e, seL4_CNode_Copy(slot, 0xa3, 8, AT(ntfn), seL4_AllRights), seL4_DeleteFirst);
}

CASE(CNODE0012, "a guard that leaves no bits for the radix is illegal", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL), slot = env_slot(e);
	check_error(
		e,
		seL4_CNode_Mint(AT(slot), AT(cnode), seL4_AllRights, seL4_CNode_CapData_new(0, 61).words[0]),
		seL4_IllegalOperation);
	check_ok(e, seL4_CNode_Mint(AT(slot), AT(cnode), seL4_AllRights,
				    seL4_CNode_CapData_new(0, 60).words[0]));
}

/* ---- the order of checks ---- */

CASE(CNODE0013, "an occupied destination is DeleteFirst, before the source is looked up", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e), ep = env_endpoint(e), none = env_slot(e);
	check_error(e, seL4_CNode_Copy(AT(ntfn), AT(ep), seL4_AllRights), seL4_DeleteFirst);
	check_error(e, seL4_CNode_Mint(AT(ntfn), AT(ep), seL4_AllRights, 1), seL4_DeleteFirst);
	check_error(e, seL4_CNode_Move(AT(ntfn), AT(ep)), seL4_DeleteFirst);
	check_error(e, seL4_CNode_Mutate(AT(ntfn), AT(ep), 1), seL4_DeleteFirst);
	check_error(e, seL4_CNode_Copy(AT(ntfn), AT(none), seL4_AllRights), seL4_DeleteFirst);
	check_error(e, seL4_CNode_Copy(AT(ntfn), ROOT, ep, 65, seL4_AllRights), seL4_DeleteFirst);
	check_error(e, seL4_CNode_Copy(AT(ntfn), ep, 0, 64, seL4_AllRights), seL4_DeleteFirst);
}

CASE(CNODE0014, "an empty source is a failed lookup of the source: a missing capability at its depth",
     CASE_ONCE)
{
	seL4_CPtr slot = env_slots(e, 2), cnode = env_cnode(e, SMALL);
	check_lookup(e, seL4_CNode_Copy(AT(slot), AT(slot + 1), seL4_AllRights), 1, seL4_MissingCapability,
		     64);
	check_lookup(e, seL4_CNode_Mint(AT(slot), AT(slot + 1), seL4_AllRights, 3), 1, seL4_MissingCapability,
		     64);
	check_lookup(e, seL4_CNode_Move(AT(slot), cnode, 3, SMALL), 1, seL4_MissingCapability, SMALL);
	check_lookup(e, seL4_CNode_Mutate(AT(slot), cnode, 3, SMALL, 0), 1, seL4_MissingCapability, SMALL);
}

CASE(CNODE0015, "a depth outside of 1 to 64 is a range error, of destination and source", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e), ntfn = env_notification(e);
	check_range(e, seL4_CNode_Copy(ROOT, slot, 0, AT(ntfn), seL4_AllRights), 1, 64);
	check_range(e, seL4_CNode_Copy(ROOT, slot, 65, AT(ntfn), seL4_AllRights), 1, 64);
	check_range(e, seL4_CNode_Copy(AT(slot), ROOT, ntfn, 0, seL4_AllRights), 1, 64);
	check_range(e, seL4_CNode_Delete(ROOT, slot, 255), 1, 64);
	check_range(e, seL4_CNode_Revoke(ROOT, slot, 0), 1, 64);
}

CASE(CNODE0016, "a source root that is no CNode is an invalid root, even at an illegal depth", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e), ep = env_endpoint(e);
	check_lookup(e, seL4_CNode_Copy(AT(slot), ep, 0, 64, seL4_AllRights), 1, seL4_InvalidRoot);
	check_lookup(e, seL4_CNode_Move(AT(slot), ep, 0, 0), 1, seL4_InvalidRoot);
}

CASE(CNODE0017, "a guard that does not match says what it found", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL), guarded = env_slot(e);
	check_ok(e, seL4_CNode_Mint(AT(guarded), AT(cnode), seL4_AllRights,
				    seL4_CNode_CapData_new(0x5, 3).words[0]));
	check_lookup(e, seL4_CNode_Delete(guarded, 0x63, 7), 0, seL4_GuardMismatch, 7, 0x5, 3);
	check_ok(e, seL4_CNode_Delete(guarded, 0x53, 7));
}

CASE(CNODE0018, "the guard is checked before the depth", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL), guarded = env_slot(e);
	check_ok(e, seL4_CNode_Mint(AT(guarded), AT(cnode), seL4_AllRights,
				    seL4_CNode_CapData_new(0x5, 3).words[0]));
	check_lookup(e, seL4_CNode_Delete(guarded, 1, 2), 0, seL4_GuardMismatch, 2, 0x5, 3);
	check_lookup(e, seL4_CNode_Delete(guarded, 0x6 << 2, 5), 0, seL4_GuardMismatch, 5, 0x5, 3);
	check_lookup(e, seL4_CNode_Delete(guarded, 0x5 << 2, 5), 0, seL4_DepthMismatch, 5, 7);
}

CASE(CNODE0019, "fewer bits than a level resolves are a depth mismatch", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL);
	check_lookup(e, seL4_CNode_Delete(cnode, 1, 3), 0, seL4_DepthMismatch, 3, SMALL);
	check_lookup(e, seL4_CNode_Copy(AT(env_slot(e)), cnode, 1, 3, seL4_AllRights), 1, seL4_DepthMismatch,
		     3, SMALL);
}

CASE(CNODE0020, "CNode operations reject bits that are left over", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL), ntfn = env_notification(e);
	check_ok(e, seL4_CNode_Copy(cnode, 2, SMALL, AT(ntfn), seL4_AllRights));
	check_lookup(e, seL4_CNode_Delete(cnode, 2 << 5, SMALL + 5), 0, seL4_DepthMismatch, 5, 0);
	check_lookup(e, seL4_CNode_Copy(AT(env_slot(e)), cnode, 2 << 5, SMALL + 5, seL4_AllRights), 1,
		     seL4_DepthMismatch, 5, 0);
}

CASE(CNODE0021, "an empty slot on the way leaves bits over", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL);
	check_lookup(e, seL4_CNode_Delete(cnode, 2 << 4, SMALL + 4), 0, seL4_DepthMismatch, 4, 0);
}

CASE(CNODE0022, "a lookup goes through several CNodes, each with its guard", CASE_ONCE)
{
	seL4_CPtr a = env_cnode(e, SMALL), b = env_cnode(e, 2), c = env_cnode(e, 3),
		  ntfn = env_notification(e);
	check_ok(e,
		 seL4_CNode_Mint(a, 6, SMALL, AT(b), seL4_AllRights, seL4_CNode_CapData_new(1, 2).words[0]));
	check_ok(e, seL4_CNode_Mint(a, 0x65, 8, AT(c), seL4_AllRights,
				    seL4_CNode_CapData_new(0x2b, 6).words[0]));
	/* 0110 | 01 01 | 101011 110 */
	check_ok(e, seL4_CNode_Mint(a, 0x65 << 9 | 0x2b << 3 | 6, 17, AT(ntfn), seL4_AllRights, 31));
	seL4_CPtr slot = env_slot(e);
	check_ok(e, seL4_CNode_Copy(AT(slot), c, 6, 3, seL4_AllRights));
	check_equal(e, badge_of(slot, ntfn), 31);
}

CASE(CNODE0023, "a lookup of 64 levels reaches its slot", CASE_ONCE)
{
	enum { LEVELS = 64 };
	seL4_CPtr first = env_slots(e, LEVELS), ntfn = env_notification(e), slot = env_slot(e);
	for (unsigned i = 0; i < LEVELS; i++)
		check_ok(e, env_retype(e->untyped, seL4_CapTableObject, 1, first + i, 1));
	for (unsigned i = 0; i + 1 < LEVELS; i++)
		check_ok(e, seL4_CNode_Copy(first + i, 1, 1, AT(first + i + 1), seL4_AllRights));
	check_ok(e, seL4_CNode_Mint(first, ~UINT64_C(0), 64, AT(ntfn), seL4_AllRights, 64));
	check_ok(e, seL4_CNode_Copy(AT(slot), first + LEVELS - 1, 1, 1, seL4_AllRights));
	check_equal(e, badge_of(slot, ntfn), 64);
}

static void signal_by(struct env *e, seL4_Word cptr)
{
	seL4_Signal(cptr);
	note(e, 's');
}

CASE(CNODE0024, "an invocation's lookup ignores bits that are left over", 0)
{
	seL4_CPtr cspace = env_cnode(e, SMALL), ntfn = env_notification(e);
	check_ok(e, seL4_CNode_Mint(cspace, 3, SMALL, AT(ntfn), seL4_AllRights, 12));
	struct thread *t = env_thread(e, HIGH);
	t->self = UINT64_C(4) << 60;
	check_ok(e, seL4_CNode_Copy(cspace, 4, SMALL, AT(t->tcb), seL4_AllRights));
	check_ok(e, seL4_TCB_SetSpace(t->tcb, seL4_CapNull, cspace, 0, seL4_CapInitThreadVSpace, 0));
	env_start(e, t, signal_by, UINT64_C(3) << 60 | 0xfedcba);
	check_log(e, "s");
	seL4_Word badge;
	seL4_Poll(ntfn, &badge);
	check_equal(e, badge, 12);
}

CASE(CNODE0025, "a root CNode slot is reached at its number and a depth of 64", CASE_ONCE)
{
	seL4_Word high = UINT64_C(1) << 40, bits = e->info->initThreadCNodeSizeBits;
	check_lookup(e, seL4_CNode_Delete(ROOT, high | env_slot(e), 64), 0, seL4_GuardMismatch, 64, 0,
		     64 - bits);
}

/* ---- delete ---- */

CASE(CNODE0026, "delete empties a slot, and succeeds on one that is empty", CASE_ONCE)
{
	seL4_CPtr ntfn = env_notification(e);
	check_ok(e, seL4_CNode_Delete(AT(ntfn)));
	check(e, slot_is_empty(ntfn));
	check_ok(e, seL4_CNode_Delete(AT(ntfn)));
}

CASE(CNODE0027, "deleting a CNode deletes what it holds", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL), ntfn = env_notification(e), badged = env_mint(e, ntfn, 1);
	seL4_CPtr under = env_slot(e);
	check_ok(e, seL4_CNode_Move(cnode, 5, SMALL, AT(badged)));
	check_ok(e, seL4_CNode_Delete(AT(cnode)));
	/* The capability is gone: nothing but the original is derived from the untyped's notification. */
	check_ok(e, seL4_CNode_Copy(AT(under), AT(ntfn), seL4_AllRights));
	check(e, slot_is_empty(badged));
}

CASE(CNODE0028, "a CNode that holds its own only other capability is deleted with it", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL);
	check_ok(e, seL4_CNode_Copy(cnode, 3, SMALL, AT(cnode), seL4_AllRights));
	check_ok(e, seL4_CNode_Delete(AT(cnode)));
	check(e, slot_is_empty(cnode));
}

CASE(CNODE0029, "CNodes that hold each other are deleted with the last capability from outside", CASE_ONCE)
{
	seL4_CPtr a = env_cnode(e, SMALL), b = env_cnode(e, SMALL);
	check_ok(e, seL4_CNode_Copy(a, 1, SMALL, AT(b), seL4_AllRights));
	check_ok(e, seL4_CNode_Copy(b, 1, SMALL, AT(a), seL4_AllRights));
	check_ok(e, seL4_CNode_Delete(AT(a)));
	check_ok(e, seL4_CNode_Delete(AT(b)));
	check(e, slot_is_empty(a) && slot_is_empty(b));
}

CASE(CNODE0030, "a CNode whose only capability lies in itself goes with its untyped", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 12), cnode = env_slot(e), again = env_slot(e);
	check_ok(e, env_retype(untyped, seL4_CapTableObject, SMALL, cnode, 1));
	check_ok(e, seL4_CNode_Move(cnode, 15, SMALL, AT(cnode)));
	check(e, slot_is_empty(cnode));
	check_ok(e, seL4_CNode_Revoke(AT(untyped)));
	check_ok(e, env_retype(untyped, seL4_UntypedObject, 12, again, 1));
}

CASE(CNODE0031, "CNodes inside of a deleted one are unreachable, and go with their untyped", CASE_ONCE)
{
	enum { LENGTH = 20 };
	seL4_CPtr untyped = env_untyped(e, 14), first = env_slots(e, LENGTH);
	check_ok(e, env_retype(untyped, seL4_CapTableObject, 1, first, LENGTH));
	for (unsigned i = LENGTH - 1; i > 0; i--)
		check_ok(e, seL4_CNode_Move(first + i - 1, 1, 1, AT(first + i)));
	check_ok(e, seL4_CNode_Delete(AT(first)));
	check(e, slot_is_empty(first));
	check_ok(e, seL4_CNode_Revoke(AT(untyped)));
	check_ok(e, env_retype(untyped, seL4_UntypedObject, 14, first, 1));
}

/* ---- rotate ---- */

struct three {
	seL4_CPtr slot; /* three in a row; the first two hold frames */
	seL4_Word a, b;
};

static struct three three_slots(struct env *e)
{
	struct three t = {.slot = env_slots(e, 3)};
	check_ok(e, env_retype(e->untyped, seL4_X86_4K, 0, t.slot, 2));
	t.a = paddr_of(t.slot);
	t.b = paddr_of(t.slot + 1);
	return t;
}

CASE(CNODE0032, "rotate moves source to pivot and pivot to destination", CASE_ONCE)
{
	struct three t = three_slots(e);
	check_ok(e, seL4_CNode_Rotate(AT(t.slot + 2), 0, AT(t.slot + 1), 0, AT(t.slot)));
	check(e, slot_is_empty(t.slot));
	check_equal(e, paddr_of(t.slot + 1), t.a);
	check_equal(e, paddr_of(t.slot + 2), t.b);
}

CASE(CNODE0033, "rotate with source and destination equal swaps with the pivot", CASE_ONCE)
{
	struct three t = three_slots(e);
	check_ok(e, seL4_CNode_Rotate(AT(t.slot), 0, AT(t.slot + 1), 0, AT(t.slot)));
	check_equal(e, paddr_of(t.slot), t.b);
	check_equal(e, paddr_of(t.slot + 1), t.a);
}

CASE(CNODE0034, "rotate with a pivot that is the source or the destination is illegal", CASE_ONCE)
{
	struct three t = three_slots(e);
	check_error(e, seL4_CNode_Rotate(AT(t.slot + 2), 0, AT(t.slot), 0, AT(t.slot)),
		    seL4_IllegalOperation);
	check_error(e, seL4_CNode_Rotate(AT(t.slot + 1), 0, AT(t.slot + 1), 0, AT(t.slot)),
		    seL4_IllegalOperation);
	/* Before anything is looked at whether it is empty. */
	check_error(e, seL4_CNode_Rotate(AT(t.slot + 1), 0, AT(t.slot + 2), 0, AT(t.slot + 2)),
		    seL4_IllegalOperation);
}

CASE(CNODE0035, "rotate needs an empty destination", CASE_ONCE)
{
	struct three t = three_slots(e);
	seL4_CPtr ep = env_endpoint(e);
	check_error(e, seL4_CNode_Rotate(AT(ep), 0, AT(t.slot + 1), 0, AT(t.slot)), seL4_DeleteFirst);
	/* Before an empty source. */
	check_error(e, seL4_CNode_Rotate(AT(ep), 0, AT(t.slot + 1), 0, AT(t.slot + 2)), seL4_DeleteFirst);
}

CASE(CNODE0036, "rotate needs a source and a pivot", CASE_ONCE)
{
	struct three t = three_slots(e);
	seL4_CPtr none = env_slots(e, 2);
	check_lookup(e, seL4_CNode_Rotate(AT(t.slot + 2), 0, AT(t.slot), 0, AT(none)), 1,
		     seL4_MissingCapability, 64);
	check_lookup(e, seL4_CNode_Rotate(AT(t.slot + 2), 0, AT(none), 0, AT(t.slot)), 0,
		     seL4_MissingCapability, 64);
	check_lookup(e, seL4_CNode_Rotate(AT(t.slot + 2), 0, AT(none), 0, AT(none + 1)), 1,
		     seL4_MissingCapability, 64);
	check_range(e, seL4_CNode_Rotate(AT(t.slot + 2), 0, ROOT, t.slot + 1, 0, 0, AT(t.slot)), 1, 64);
	check_lookup(e, seL4_CNode_Rotate(AT(t.slot + 2), 0, t.slot, 0, 64, 0, AT(t.slot)), 1,
		     seL4_InvalidRoot);
}

CASE(CNODE0037, "rotate of endpoints is illegal, as badges cannot be set", CASE_ONCE)
{
	struct three t = three_slots(e);
	seL4_CPtr ep = env_endpoint(e);
	check_error(e, seL4_CNode_Rotate(AT(t.slot + 2), 0, AT(t.slot), 0, AT(ep)), seL4_IllegalOperation);
	check_error(e, seL4_CNode_Rotate(AT(t.slot + 2), 0, AT(ep), 0, AT(t.slot)), seL4_IllegalOperation);
}

CASE(CNODE0038, "rotate sets the guards of CNodes", CASE_ONCE)
{
	seL4_CPtr a = env_cnode(e, SMALL), b = env_cnode(e, SMALL), slot = env_slot(e),
		  ntfn = env_notification(e);
	seL4_Word guard_a = seL4_CNode_CapData_new(3, 2).words[0],
		  guard_b = seL4_CNode_CapData_new(1, 2).words[0];
	check_ok(e, seL4_CNode_Copy(a, 9, SMALL, AT(ntfn), seL4_AllRights));
	check_ok(e, seL4_CNode_Rotate(AT(slot), guard_b, AT(b), guard_a, AT(a)));
	check_error(e, seL4_CNode_Copy(b, 0x39, 6, AT(ntfn), seL4_AllRights), seL4_DeleteFirst);
	check_ok(e, seL4_CNode_Copy(slot, 0x19, 6, AT(ntfn), seL4_AllRights));
}

/* ---- what cannot be copied ---- */

CASE(CNODE0039, "an untyped without children can be copied, and then gives no memory", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 10), copy = env_slot(e), slot = env_slot(e);
	check_ok(e, seL4_CNode_Copy(AT(copy), AT(untyped), seL4_AllRights));
	check_error(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 1), seL4_NotEnoughMemory);
	check_error_mrs(e, 0);
	check_ok(e, env_retype(copy, seL4_EndpointObject, 0, slot, 1));
	check_ok(e, seL4_CNode_Revoke(AT(untyped)));
	check(e, slot_is_empty(copy) && slot_is_empty(slot));
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 1));
}

CASE(CNODE0040, "an untyped with children cannot be copied, but moved", CASE_ONCE)
{
	seL4_CPtr untyped = env_untyped(e, 10), child = env_slot(e), slot = env_slot(e);
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, child, 1));
	check_error(e, seL4_CNode_Copy(AT(slot), AT(untyped), seL4_AllRights), seL4_RevokeFirst);
	check_error(e, seL4_CNode_Mint(AT(slot), AT(untyped), seL4_AllRights, 0), seL4_RevokeFirst);
	check_ok(e, seL4_CNode_Move(AT(slot), AT(untyped)));
	check_ok(e, seL4_CNode_Revoke(AT(slot)));
	check(e, slot_is_empty(child));
}

CASE(CNODE0041, "interrupt control cannot be copied, but moved", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e);
	check_error(e, seL4_CNode_Copy(AT(slot), AT(seL4_CapIRQControl), seL4_AllRights),
		    seL4_IllegalOperation);
	check_error(e, seL4_CNode_Mint(AT(slot), AT(seL4_CapIRQControl), seL4_AllRights, 0),
		    seL4_IllegalOperation);
	check_ok(e, seL4_CNode_Move(AT(slot), AT(seL4_CapIRQControl)));
	check_ok(e, seL4_CNode_Move(AT(seL4_CapIRQControl), AT(slot)));
}

CASE(CNODE0042, "page tables can be copied only when they are mapped", CASE_ONCE)
{
	seL4_CPtr table = env_object(e, seL4_X86_PageTableObject, 0), slot = env_slot(e);
	check_error(e, seL4_CNode_Copy(AT(slot), AT(table), seL4_AllRights), seL4_IllegalOperation);
	check_ok(e, seL4_CNode_Move(AT(slot), AT(table)));
}

CASE(CNODE0043, "scheduling control, ASID control and domain capabilities can be copied", CASE_ONCE)
{
	seL4_CPtr control = env_copy(e, env_sched_control(e, e->core)), sc = env_sc(e);
	check_ok(e, seL4_SchedControl_Configure(control, sc, 1000, 1000, 0, 0));
	env_copy(e, seL4_CapASIDControl);
	env_copy(e, seL4_CapDomain);
	env_copy(e, env_reply(e));
}

/* ---- cancel badged sends ---- */

CASE(CNODE0044, "cancelling badged sends needs all rights to an endpoint", CASE_ONCE)
{
	seL4_CPtr badged = env_mint(e, env_endpoint(e), 3);
	seL4_CPtr less = env_rights(e, badged, seL4_CapRights_new(0, 1, 1, 1));
	check_ok(e, seL4_CNode_CancelBadgedSends(AT(badged)));
	check_error(e, seL4_CNode_CancelBadgedSends(AT(less)), seL4_IllegalOperation);
	less = env_rights(e, badged, seL4_CapRights_new(1, 0, 1, 1));
	check_error(e, seL4_CNode_CancelBadgedSends(AT(less)), seL4_IllegalOperation);
	less = env_rights(e, badged, seL4_CapRights_new(1, 1, 0, 1));
	check_error(e, seL4_CNode_CancelBadgedSends(AT(less)), seL4_IllegalOperation);
	less = env_rights(e, badged, seL4_CapRights_new(1, 1, 1, 0));
	check_error(e, seL4_CNode_CancelBadgedSends(AT(less)), seL4_IllegalOperation);
	check_error(e, seL4_CNode_CancelBadgedSends(AT(env_notification(e))), seL4_IllegalOperation);
	check_error(e, seL4_CNode_CancelBadgedSends(AT(env_slot(e))), seL4_IllegalOperation);
}

/* ---- messages that libsel4 never sends ---- */

CASE(CNODE0045, "other labels are illegal, short messages truncated", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(ROOT, TCBSuspend, 8, 0)), seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(ROOT, UntypedRetype, 8, 0)),
		    seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(ROOT, CNodeDelete, 1, 0)), seL4_TruncatedMessage);
	seL4_SetMR(0, slot);
	seL4_SetMR(1, DEPTH);
	seL4_SetMR(2, ROOT);
	seL4_SetMR(3, DEPTH);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(ROOT, CNodeMove, 4, 0)), seL4_TruncatedMessage);
	seL4_SetCap(0, ROOT);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(ROOT, CNodeMove, 3, 1)), seL4_TruncatedMessage);
	check(e, slot_is_empty(slot));
}

CASE(CNODE0046, "a copy that says too little is truncated after its slots were looked at", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e), ntfn = env_notification(e);
	seL4_SetMR(0, slot);
	seL4_SetMR(1, DEPTH);
	seL4_SetMR(2, ntfn);
	seL4_SetMR(3, DEPTH);
	seL4_SetCap(0, ROOT);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(ROOT, CNodeCopy, 4, 1)), seL4_TruncatedMessage);
	check(e, slot_is_empty(slot));
	seL4_SetMR(0, slot);
	seL4_SetMR(1, DEPTH);
	seL4_SetMR(2, env_slot(e));
	seL4_SetMR(3, DEPTH);
	seL4_SetCap(0, ROOT);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(ROOT, CNodeCopy, 4, 1)), seL4_FailedLookup);
}

CASE(CNODE0047, "an operation through a capability that is gone says InvalidCapability", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL);
	check_ok(e, seL4_CNode_Delete(AT(cnode)));
	check_cap(e, seL4_CNode_Delete(cnode, 1, SMALL), 0);
	check_cap(e, seL4_TCB_Suspend(cnode), 0);
}

CASE(CNODE0048, "the last slot of a CNode is as good as the first, and indices do not wrap", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL), ntfn = env_notification(e), slot = env_slot(e);
	check_ok(e, seL4_CNode_Mint(cnode, 15, SMALL, AT(ntfn), seL4_AllRights, 15));
	check_ok(e, seL4_CNode_Mint(cnode, 0, SMALL, AT(ntfn), seL4_AllRights, 1));
	check_ok(e, seL4_CNode_Move(AT(slot), cnode, 15, SMALL));
	check_equal(e, badge_of(slot, ntfn), 15);
	/* Bits above the depth are not looked at. */
	check_ok(e, seL4_CNode_Delete(cnode, 0xff0, SMALL));
	check_ok(e, seL4_CNode_Copy(cnode, 0, SMALL, AT(ntfn), seL4_AllRights));
}

CASE(CNODE0049, "mint of a CNode sets the guard that it is given, also the empty one; copy keeps the guard",
     CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL), guarded = env_slots(e, 3), ntfn = env_notification(e);
	check_ok(e, seL4_CNode_Mint(AT(guarded), AT(cnode), seL4_AllRights,
				    seL4_CNode_CapData_new(1, 2).words[0]));
	check_ok(e, seL4_CNode_Copy(AT(guarded + 1), AT(guarded), seL4_AllRights));
	check_ok(e, seL4_CNode_Mint(AT(guarded + 2), AT(guarded), seL4_AllRights, 0));
	check_ok(e, seL4_CNode_Copy(guarded + 1, 1 << SMALL | 3, SMALL + 2, AT(ntfn), seL4_AllRights));
	check_error(e, seL4_CNode_Copy(guarded + 2, 3, SMALL, AT(ntfn), seL4_AllRights), seL4_DeleteFirst);
}

CASE(CNODE0050, "bits of a guard beyond its size are not looked at", CASE_ONCE)
{
	seL4_CPtr cnode = env_cnode(e, SMALL), guarded = env_slot(e), ntfn = env_notification(e);
	check_ok(e, seL4_CNode_Mint(AT(guarded), AT(cnode), seL4_AllRights, UINT64_C(0xff) << 6 | 2));
	check_ok(e, seL4_CNode_Copy(guarded, 3 << SMALL, SMALL + 2, AT(ntfn), seL4_AllRights));
}

CASE(CNODE0051, "copying without rights leaves untyped, threads and CNodes as they are", CASE_ONCE)
{
	seL4_CPtr tcb = env_rights(e, env_tcb(e), seL4_NoRights), slot = env_slot(e);
	seL4_CPtr cnode = env_rights(e, env_cnode(e, SMALL), seL4_NoRights);
	seL4_CPtr untyped = env_rights(e, env_untyped(e, 10), seL4_NoRights);
	check_ok(e, seL4_TCB_SetPriority(tcb, seL4_CapInitThreadTCB, 3));
	check_ok(e, seL4_CNode_Copy(cnode, 1, SMALL, AT(tcb), seL4_AllRights));
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 1));
}
