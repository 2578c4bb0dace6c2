/* tests/sel4/boot.c - what the root task is given. */
#include "tests/sel4/harness.h"

CASE(BOOT0001, "boot info says where the kernel is among others, and how large its root CNode is", CASE_ONCE)
{
	check(e, e->info->numNodes >= 1);
	check(e, e->info->nodeID < e->info->numNodes);
	check(e, e->info->initThreadCNodeSizeBits >= 10);
	check_equal(e, e->info->initThreadDomain, 0);
	check(e, e->info->ipcBuffer != NULL);
}

CASE(BOOT0002, "the initial capabilities are in their slots", CASE_ONCE)
{
	static const seL4_CPtr full[] = {
		seL4_CapInitThreadTCB, seL4_CapInitThreadCNode, seL4_CapInitThreadVSpace,
		seL4_CapIRQControl,    seL4_CapASIDControl,     seL4_CapInitThreadASIDPool,
		seL4_CapIOPortControl, seL4_CapBootInfoFrame,   seL4_CapInitThreadIPCBuffer,
		seL4_CapDomain,        seL4_CapInitThreadSC};
	static const seL4_CPtr empty[] = {seL4_CapNull, seL4_CapIOSpace, seL4_CapSMMUSIDControl,
					  seL4_CapSMMUCBControl, seL4_CapSMC};
	for (unsigned i = 0; i < sizeof full / sizeof *full; i++)
		check(e, !slot_is_empty(full[i]));
	for (unsigned i = 0; i < sizeof empty / sizeof *empty; i++)
		check(e, slot_is_empty(empty[i]));
}

CASE(BOOT0003, "there is a scheduling control capability a core", CASE_ONCE)
{
	check(e, e->cores >= 1);
	for (seL4_CPtr slot = e->info->schedcontrol.start; slot < e->info->schedcontrol.end; slot++) {
		check(e, !slot_is_empty(slot));
		check_ok(e, seL4_SchedControl_Configure(slot, env_sc(e), 1000, 1000, 0, 0));
	}
}

CASE(BOOT0004, "the untyped list says sizes and places that are aligned and apart", CASE_ONCE)
{
	seL4_Word count = e->info->untyped.end - e->info->untyped.start;
	check(e, count > 0 && count <= CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS);
	for (seL4_Word i = 0; i < count; i++) {
		const seL4_UntypedDesc *a = &e->info->untypedList[i];
		check(e, !slot_is_empty(e->info->untyped.start + i));
		check(e, a->sizeBits >= seL4_MinUntypedBits && a->sizeBits <= seL4_MaxUntypedBits);
		check_equal(e, a->paddr & MASK(a->sizeBits), 0);
		for (seL4_Word j = 0; j < i; j++) {
			const seL4_UntypedDesc *b = &e->info->untypedList[j];
			check(e, a->paddr >= b->paddr + BIT(b->sizeBits) ||
					 b->paddr >= a->paddr + BIT(a->sizeBits));
		}
	}
}

CASE(BOOT0005, "the empty region is empty, and what stands before it is not", CASE_ONCE)
{
	check(e, e->info->empty.start < e->info->empty.end);
	check(e, e->info->empty.end <= BIT(e->info->initThreadCNodeSizeBits));
	for (seL4_CPtr slot = e->next; slot < e->info->empty.end; slot += 97)
		check(e, slot_is_empty(slot));
	for (seL4_CPtr slot = seL4_NumInitialCaps; slot < e->info->empty.start; slot++)
		check(e, !slot_is_empty(slot));
}

CASE(BOOT0006, "the image's frames and tables are listed, and its frames are memory", CASE_ONCE)
{
	check(e, e->info->userImageFrames.start < e->info->userImageFrames.end);
	check(e, e->info->userImagePaging.start < e->info->userImagePaging.end);
	for (seL4_CPtr slot = e->info->userImageFrames.start; slot < e->info->userImageFrames.end; slot++)
		check_ok(e, seL4_X86_Page_GetAddress(slot).error);
}

CASE(BOOT0007, "the root task may set every priority", CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e);
	check_ok(e, seL4_TCB_SetMCPriority(tcb, seL4_CapInitThreadTCB, 255));
	check_ok(e, seL4_TCB_SetPriority(tcb, seL4_CapInitThreadTCB, 255));
}

CASE(BOOT0008, "the root CNode names itself", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e);
	check_ok(e, seL4_CNode_Copy(AT(slot), AT(ROOT), seL4_AllRights));
	check_ok(e, seL4_CNode_Delete(slot, slot, DEPTH));
	check(e, slot_is_empty(slot));
}

CASE(BOOT0009, "boot info can be read at the address that its frame is mapped at", CASE_ONCE)
{
	check_ok(e, seL4_X86_Page_GetAddress(seL4_CapBootInfoFrame).error);
	seL4_SetUserData(0x1234);
	check_equal(e, seL4_GetUserData(), 0x1234);
	check_equal(e, seL4_GetBootInfo()->untyped.start, e->info->untyped.start);
}

CASE(BOOT0010, "debug calls return", CASE_ONCE)
{
	check_equal(e, seL4_DebugCapIdentify(seL4_CapNull), 0);
	check(e,
	      seL4_DebugCapIdentify(seL4_CapInitThreadTCB) != seL4_DebugCapIdentify(seL4_CapInitThreadCNode));
	seL4_DebugNameThread(env_tcb(e), "a thread of the suite");
}

CASE(BOOT0011, "extra boot information, if there is any, has its pages", CASE_ONCE)
{
	seL4_Word pages = e->info->extraBIPages.end - e->info->extraBIPages.start;
	check(e, pages * BIT(seL4_PageBits) >= e->info->extraLen);
	for (seL4_CPtr slot = e->info->extraBIPages.start; slot < e->info->extraBIPages.end; slot++)
		check_ok(e, seL4_X86_Page_GetAddress(slot).error);
	check_equal(e, e->info->sharedFrames.start, e->info->sharedFrames.end);
	check_equal(e, e->info->ioSpaceCaps.start, e->info->ioSpaceCaps.end);
}

static void write_by_name(struct env *e, seL4_Word value)
{
	__sel4_ipc_buffer->msg[5] = value;
	e->shared[0] = seL4_GetMR(5);
	e->shared[1] = __sel4_ipc_buffer == seL4_GetIPCBuffer();
}

CASE(BOOT0012, "the variable behind the IPC buffer is each thread's own", 0)
{
	seL4_IPCBuffer **mine = &__sel4_ipc_buffer, *was = *mine;
	env_start(e, env_thread(e, HIGH), write_by_name,
		  77); /* it runs between the question and the answer */
	check_equal(e, e->shared[0], 77);
	check_equal(e, e->shared[1], 1);
	check(e, *mine == was && was == seL4_GetIPCBuffer());
	__sel4_ipc_buffer->msg[5] = 78;
	check_equal(e, seL4_GetMR(5), 78);
}
