/* Tutorial: untyped memory.
 *
 * Apart from what the kernel needs for itself, all memory belongs to the first program, as untyped capabilities. Whoever
 * holds one may retype it: into kernel objects, into frames to map, or into smaller untyped memory to give away. What was
 * made can be taken back by revoking, and then the memory can be used anew. */
#include <sel4tutorials/tutorial.h>

static void list(const seL4_BootInfo *info)
{
	printf("  slot             address  size\n");
	for (seL4_CPtr slot = info->untyped.start; slot != info->untyped.end; slot++) {
		const seL4_UntypedDesc *desc = &info->untypedList[slot - info->untyped.start];
		printf("%6lu %#19lx  2^%u%s\n", slot, desc->paddr, desc->sizeBits,
		       desc->isDevice ? ", a device's" : "");
		CHECK(desc->sizeBits >= seL4_MinUntypedBits && desc->sizeBits <= seL4_MaxUntypedBits);
		CHECK(IS_ALIGNED(desc->paddr, desc->sizeBits)); /* memory is aligned to its size */
	}
}

/* The first untyped memory of at least 2^bits bytes that nobody has used: the kernel lists it in ascending order. */
static seL4_CPtr find(const seL4_BootInfo *info, unsigned bits)
{
	for (seL4_Word i = 0; i < info->untyped.end - info->untyped.start; i++)
		if (!info->untypedList[i].isDevice && info->untypedList[i].sizeBits >= bits)
			return info->untyped.start + i;
	ZF_LOGF("No untyped memory of 2^%u bytes", bits);
	return seL4_CapNull;
}

static seL4_Error retype(seL4_CPtr untyped, seL4_Word type, seL4_Word bits, seL4_CPtr slot, seL4_Word count)
{
	return seL4_Untyped_Retype(untyped, type, bits, ROOT, 0, 0, slot, count);
}

/* Objects of each kind out of one small piece of memory. */
static void make_objects(seL4_BootInfo *info, seL4_CPtr memory)
{
	const seL4_CPtr tcb = alloc_slot(info), endpoint = alloc_slot(info), signal = alloc_slot(info);
	CHECK_OK(retype(memory, seL4_TCBObject, 0, tcb, 1));
	CHECK_OK(seL4_TCB_SetPriority(tcb, seL4_CapInitThreadTCB, 10));
	CHECK_OK(retype(memory, seL4_EndpointObject, 0, endpoint, 1));
	CHECK(seL4_DebugCapIdentify(endpoint) != 0);
	CHECK_OK(retype(memory, seL4_NotificationObject, 0, signal, 1));
	CHECK_OK(seL4_TCB_BindNotification(tcb, signal));
	CHECK_OK(seL4_TCB_UnbindNotification(tcb));

	/* A slot that is taken is not overwritten. */
	CHECK_ERROR(retype(memory, seL4_EndpointObject, 0, endpoint, 1), seL4_DeleteFirst);

	/* With all of it taken back, the slots are empty, and the same memory holds something else. */
	CHECK_OK(seL4_CNode_Revoke(ROOT, memory, seL4_WordBits));
	CHECK_ERROR(seL4_TCB_SetPriority(tcb, seL4_CapInitThreadTCB, 10), seL4_InvalidCapability);
	CHECK_OK(
		retype(memory, seL4_CapTableObject, 7, tcb, 1)); /* 2^7 slots of 2^5 bytes: the whole 4 KiB */
	CHECK_ERROR(retype(memory, seL4_EndpointObject, 0, endpoint, 1), seL4_NotEnoughMemory);
	CHECK(seL4_GetMR(0) == 0); /* the bytes that are left */
	CHECK_OK(seL4_CNode_Revoke(ROOT, memory, seL4_WordBits));
}

/* Memory is given out in ascending order, each object at a multiple of its size: what is skipped is lost until all that was
 * made from the same untyped is gone. So make large objects first. */
static void alignment_wastes(seL4_BootInfo *info, seL4_CPtr memory)
{
	const seL4_CPtr slot = info->empty.start;
	CHECK_OK(retype(memory, seL4_EndpointObject, 0, slot, 1)); /* 16 bytes of 4096 */
	CHECK_OK(retype(memory, seL4_TCBObject, 0, slot + 1, 1));  /* bytes 2048 to 4095 */
	CHECK_ERROR(retype(memory, seL4_EndpointObject, 0, slot + 2, 1), seL4_NotEnoughMemory);
	/* Deleting one object alone does not give its memory back: its neighbour may still be used. */
	CHECK_OK(slot_delete(slot + 1));
	CHECK_ERROR(retype(memory, seL4_TCBObject, 0, slot + 1, 1), seL4_NotEnoughMemory);
	/* Once there is none left, it begins again. */
	CHECK_OK(slot_delete(slot));
	CHECK_OK(retype(memory, seL4_TCBObject, 0, slot, 2));
	CHECK_ERROR(retype(memory, seL4_EndpointObject, 0, slot + 2, 1), seL4_NotEnoughMemory);
	CHECK_OK(seL4_CNode_Revoke(ROOT, memory, seL4_WordBits));
	/* 256 objects at once, as many as one call makes: 256 endpoints fill the 4 KiB. */
	CHECK_OK(retype(memory, seL4_EndpointObject, 0, slot, seL4_UntypedRetypeMaxObjects));
	CHECK_OK(seL4_CNode_Revoke(ROOT, memory, seL4_WordBits));
	CHECK_ERROR(retype(memory, seL4_EndpointObject, 0, slot, seL4_UntypedRetypeMaxObjects + 1),
		    seL4_RangeError);
	CHECK(seL4_GetMR(0) == 1 && seL4_GetMR(1) == seL4_UntypedRetypeMaxObjects);
}

/* What the kernel says about impossible wishes, and how it says it. */
static void mistakes(seL4_BootInfo *info, seL4_CPtr memory)
{
	const seL4_CPtr slot = info->empty.start;
	CHECK_ERROR(retype(memory, seL4_ObjectTypeCount, 0, slot, 1), seL4_InvalidArgument);
	CHECK(seL4_GetMR(0) == 0); /* argument 0: the type */
	CHECK_ERROR(retype(memory, seL4_UntypedObject, seL4_MinUntypedBits - 1, slot, 1),
		    seL4_InvalidArgument);
	CHECK(seL4_GetMR(0) == 1); /* argument 1: the size */
	CHECK_ERROR(retype(memory, seL4_UntypedObject, 48, slot, 1), seL4_RangeError);
	CHECK(seL4_GetMR(1) == seL4_MaxUntypedBits);
	CHECK_ERROR(retype(memory, seL4_SchedContextObject, seL4_MinSchedContextBits - 1, slot, 1),
		    seL4_InvalidArgument);
	CHECK_ERROR(retype(memory, seL4_EndpointObject, 0, BIT(info->initThreadCNodeSizeBits), 1),
		    seL4_RangeError);
	CHECK_ERROR(retype(seL4_CapInitThreadTCB, seL4_EndpointObject, 0, slot, 1), seL4_IllegalOperation);
	CHECK_ERROR(retype(slot, seL4_EndpointObject, 0, slot, 1),
		    seL4_InvalidCapability); /* nothing is there */
}

/* Memory as something to give away: each client's untyped is a child of ours, and revoking ours ends whatever it made. */
static void a_budget_for_a_client(seL4_BootInfo *info, seL4_CPtr memory)
{
	const seL4_CPtr client = alloc_slot(info), its_endpoint = alloc_slot(info);
	CHECK_OK(retype(memory, seL4_UntypedObject, 8, client, 1));
	CHECK_OK(retype(client, seL4_EndpointObject, 0, its_endpoint, 1));
	/* A capability to memory that is in use cannot be copied: whoever had the copy could use it twice. */
	CHECK_ERROR(seL4_CNode_Copy(ROOT, alloc_slot(info), seL4_WordBits, ROOT, client, seL4_WordBits,
				    seL4_AllRights),
		    seL4_RevokeFirst);
	CHECK_OK(seL4_CNode_Revoke(ROOT, memory, seL4_WordBits));
	CHECK(seL4_DebugCapIdentify(client) == 0 && seL4_DebugCapIdentify(its_endpoint) == 0);
}

int main(void)
{
	seL4_BootInfo *info = platsupport_get_bootinfo();
	const seL4_CPtr memory = alloc_slot(info);
	list(info);
	CHECK_OK(retype(find(info, seL4_PageBits), seL4_UntypedObject, seL4_PageBits, memory, 1));
	make_objects(info, memory);
	alignment_wastes(info, memory);
	mistakes(info, memory);
	a_budget_for_a_client(info, memory);
	return tutorial_end("All memory has been given back.");
}
