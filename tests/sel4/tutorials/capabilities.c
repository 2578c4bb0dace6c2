/* Tutorial: capabilities, CNodes and CSpaces.
 *
 * A capability is a slot in a CNode that names an object and says what its holder may do with it. A program never holds the
 * capability itself: it holds a number that leads, through its CSpace, to the slot. Here the first program of a system
 * explores the CSpace that the kernel gave it, copies and deletes capabilities, makes weaker ones, and builds a CSpace of
 * two levels. */
#include <sel4tutorials/tutorial.h>

/* Is a slot of the root CNode empty? Moving a slot onto itself tells without changing anything: an empty one cannot be
 * found as a source, a full one is in the way as a destination. */
static int slot_is_empty(seL4_CPtr slot)
{
	return seL4_CNode_Move(ROOT, slot, seL4_WordBits, ROOT, slot, seL4_WordBits) == seL4_FailedLookup;
}

static seL4_Error slot_copy(seL4_CPtr to, seL4_CPtr from, seL4_CapRights_t rights)
{
	return seL4_CNode_Copy(ROOT, to, seL4_WordBits, ROOT, from, seL4_WordBits, rights);
}

static void the_initial_cspace(const seL4_BootInfo *info)
{
	const size_t slots = BIT(info->initThreadCNodeSizeBits);
	printf("The root CNode has %zu slots of %lu bytes: it takes %zu bytes of the kernel's memory.\n",
	       slots, BIT(seL4_SlotBits), slots * BIT(seL4_SlotBits));
	printf("Slots %lu to %lu are free.\n", info->empty.start, info->empty.end - 1);
	CHECK(info->empty.end <= slots);
	CHECK(info->empty.start >= seL4_NumInitialCaps);
	CHECK(slot_is_empty(info->empty.start) && slot_is_empty(info->empty.end - 1));
	CHECK(!slot_is_empty(seL4_CapInitThreadTCB));
	/* Slot 0 is kept empty, so that a number that nobody set leads nowhere. */
	CHECK(slot_is_empty(seL4_CapNull));
	CHECK(seL4_DebugCapIdentify(seL4_CapNull) == 0);
	CHECK(seL4_DebugCapIdentify(seL4_CapInitThreadTCB) != 0);
}

static void copies_name_the_same_object(seL4_BootInfo *info)
{
	const seL4_CPtr first = info->empty.start, last = info->empty.end - 1;
	/* Nothing is there yet: whoever invokes it is told so. */
	CHECK_ERROR(seL4_TCB_SetPriority(last, last, 10), seL4_InvalidCapability);

	CHECK_OK(slot_copy(first, seL4_CapInitThreadTCB, seL4_AllRights));
	CHECK_OK(slot_copy(last, first, seL4_AllRights)); /* a copy of a copy is as good */
	CHECK_ERROR(slot_copy(last, first, seL4_AllRights), seL4_DeleteFirst);
	CHECK_OK(seL4_TCB_SetPriority(last, first, 200));
	CHECK_OK(seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, seL4_MaxPrio));

	/* Copies can be deleted one at a time; the thread lives as long as one capability to it does. */
	CHECK_OK(slot_delete(first));
	CHECK(slot_is_empty(first) && !slot_is_empty(last));
	CHECK_OK(slot_delete(first)); /* of an empty slot: there is nothing to do */
	CHECK_OK(slot_delete(last));
	CHECK(slot_is_empty(last));
}

/* Revoking an object's original capability deletes whatever was derived from it, wherever it is. */
static void revoking_takes_back(seL4_BootInfo *info)
{
	const seL4_CPtr endpoint = alloc_object(info, seL4_EndpointObject, 0);
	const seL4_CPtr copy = alloc_slot(info), badged = alloc_slot(info), grandchild = alloc_slot(info);
	CHECK_OK(slot_copy(copy, endpoint, seL4_AllRights));
	CHECK_OK(seL4_CNode_Mint(ROOT, badged, seL4_WordBits, ROOT, endpoint, seL4_WordBits, seL4_AllRights,
				 77));
	CHECK_OK(slot_copy(grandchild, badged, seL4_AllRights));
	/* A badge is for ever: a badged capability cannot be badged again. */
	CHECK_ERROR(seL4_CNode_Mint(ROOT, alloc_slot(info), seL4_WordBits, ROOT, badged, seL4_WordBits,
				    seL4_AllRights, 78),
		    seL4_IllegalOperation);

	CHECK_OK(seL4_CNode_Revoke(ROOT, badged, seL4_WordBits));
	CHECK(slot_is_empty(grandchild) && !slot_is_empty(badged) && !slot_is_empty(copy));
	CHECK_OK(seL4_CNode_Revoke(ROOT, endpoint, seL4_WordBits));
	CHECK(slot_is_empty(copy) && slot_is_empty(badged) && !slot_is_empty(endpoint));
}

/* What a capability does not allow, nobody gets by asking: not through it, and not through a copy of it. A signal without
 * the right to write is not given; a call would answer with an error. */
static void rights_only_shrink(seL4_BootInfo *info)
{
	const seL4_CPtr signal = alloc_object(info, seL4_NotificationObject, 0);
	const seL4_CPtr read_only = cap_mint(info, signal, seL4_CanRead, 0);
	const seL4_CPtr again = cap_mint(info, read_only, seL4_AllRights, 5);
	seL4_Word badge;
	seL4_NBSend(again, seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_Poll(signal, &badge);
	CHECK(badge == 0);
	seL4_Signal(signal);
	seL4_Poll(again, &badge);
	CHECK(badge == 0); /* signalled, with badge 0: an original has none */
	seL4_Signal(cap_mint(info, signal, seL4_CanWrite, 6));
	seL4_Poll(again, &badge);
	CHECK(badge == 6);
}

/* Moving keeps the capability as it is; rotating moves two at once, in one step that nobody can see half of. Rotate and
 * Mutate may set a guard, so they refuse capabilities that have a badge instead: an endpoint can only be moved. */
static void capabilities_move(seL4_BootInfo *info)
{
	const seL4_CPtr a = alloc_object(info, seL4_EndpointObject, 0), b = alloc_slot(info),
			c = alloc_slot(info);
	const seL4_CPtr reply = alloc_object(info, seL4_ReplyObject, 0);
	const seL4_Uint32 is_endpoint = seL4_DebugCapIdentify(a), is_reply = seL4_DebugCapIdentify(reply);
	CHECK_OK(seL4_CNode_Move(ROOT, b, seL4_WordBits, ROOT, a, seL4_WordBits));
	CHECK(slot_is_empty(a) && seL4_DebugCapIdentify(b) == is_endpoint);
	CHECK_ERROR(seL4_CNode_Mutate(ROOT, a, seL4_WordBits, ROOT, b, seL4_WordBits, 1),
		    seL4_IllegalOperation);
	CHECK_OK(slot_delete(b));

	/* reply -> b -> c: the thread goes to b, and the reply object makes room for it. */
	CHECK_OK(seL4_CNode_Move(ROOT, b, seL4_WordBits, ROOT, reply, seL4_WordBits));
	CHECK_OK(slot_copy(a, seL4_CapInitThreadTCB, seL4_AllRights));
	CHECK_OK(seL4_CNode_Rotate(ROOT, c, seL4_WordBits, 0, ROOT, b, seL4_WordBits, 0, ROOT, a,
				   seL4_WordBits));
	CHECK(slot_is_empty(a) && seL4_DebugCapIdentify(c) == is_reply);
	CHECK_OK(seL4_TCB_SetPriority(b, b, seL4_MaxPrio));
	CHECK_OK(slot_delete(b));
	CHECK_OK(slot_delete(c));
}

/* A CSpace may have any number of levels. This one has two: a slot of the root CNode leads to a CNode of 16 slots. As an
 * address of 64 bits begins with the root's 16, and 4 select in the second, a guard of 44 zeroes fills what is between. */
static void a_second_level(seL4_BootInfo *info)
{
	const seL4_Word root_bits = info->initThreadCNodeSizeBits, node_bits = 4;
	const seL4_CPtr node = alloc_object(info, seL4_CapTableObject, node_bits);
	const seL4_CPtr guarded = alloc_slot(info);
	const seL4_Word guard_bits = seL4_WordBits - root_bits - node_bits;
	seL4_Error error;

	/* Things can be put into a CNode as soon as one has it: it is named by its slot, then the slot in it by 4 bits. */
	CHECK_OK(seL4_CNode_Copy(node, 3, (seL4_Uint8)node_bits, ROOT, seL4_CapInitThreadTCB, seL4_WordBits,
				 seL4_AllRights));
	CHECK_ERROR(seL4_CNode_Delete(node, 3, 0), seL4_RangeError); /* a depth is 1 to 64 */

	/* Invocations look through the whole 64 bits of an address in the thread's own CSpace; for those the root CNode's
	 * capability says which bits it takes: the root task's has a guard of zeroes, so that small numbers are its slots. */
	CHECK_OK(seL4_CNode_Mint(ROOT, guarded, seL4_WordBits, ROOT, node, seL4_WordBits, seL4_AllRights,
				 seL4_CNode_CapData_new(0, guard_bits).words[0]));
	/* With the guard in the way, the slot is found at depth guard + 4 only. */
	CHECK_OK(seL4_CNode_Copy(guarded, 5, (seL4_Uint8)(guard_bits + node_bits), ROOT,
				 seL4_CapInitThreadTCB, seL4_WordBits, seL4_AllRights));
	error = seL4_CNode_Delete(guarded, 5, (seL4_Uint8)node_bits);
	CHECK(error == seL4_FailedLookup);
	printf("A lookup that fails says why: of the source %lu, kind %lu, bits left %lu.\n", seL4_GetMR(0),
	       seL4_GetMR(1), seL4_GetMR(2));
	CHECK(seL4_GetMR(1) == seL4_GuardMismatch);
	/* A guard must leave room for the slots. */
	CHECK_ERROR(seL4_CNode_Mint(ROOT, alloc_slot(info), seL4_WordBits, ROOT, node, seL4_WordBits,
				    seL4_AllRights, seL4_CNode_CapData_new(0, 61).words[0]),
		    seL4_IllegalOperation);
	/* Deleting the last capability to the CNode deletes what is in it. The copies of the thread's go with it. */
	CHECK_OK(slot_delete(guarded));
	CHECK_OK(seL4_CNode_Delete(node, 5, (seL4_Uint8)node_bits));
	CHECK_OK(slot_delete(node));
	CHECK(slot_is_empty(node));
}

int main(void)
{
	seL4_BootInfo *info = platsupport_get_bootinfo();
	the_initial_cspace(info);
	copies_name_the_same_object(info);
	revoking_takes_back(info);
	rights_only_shrink(info);
	capabilities_move(info);
	a_second_level(info);
	return tutorial_end("Nobody holds more than was given.");
}
