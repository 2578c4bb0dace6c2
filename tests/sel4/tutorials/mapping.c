/* Tutorial: mapping memory.
 *
 * An address space of x86 is a tree of tables four deep: PML4, PDPT, page directory, page table. The program makes each of
 * them out of untyped memory and puts them in place; a frame, which is memory, goes in last. The kernel checks that what
 * is below has something to hang on, and who accesses what is not mapped gets a fault. */
#include <sel4tutorials/tutorial.h>

/* In a part of the address space where the program has nothing: not even the second level of the tree is there. The host
 * has nothing there either, sanitizers included. */
#define TEST_VADDR 0x200000000000ul

/* What is mapped is memory as any other: a pointer reaches it. */
static seL4_Word peek(seL4_Word vaddr) { return *(volatile seL4_Word *)vaddr; }
static void poke(seL4_Word vaddr, seL4_Word value) { *(volatile seL4_Word *)vaddr = value; }

static seL4_Error map(seL4_CPtr frame, seL4_Word vaddr, seL4_CapRights_t rights)
{
	return seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, vaddr, rights,
				 seL4_X86_Default_VMAttributes);
}

/* ---- level by level ---- */

static seL4_CPtr frame, pdpt, directory, table;

static void levels(seL4_BootInfo *info)
{
	frame = alloc_object(info, seL4_X86_4K, 0);
	pdpt = alloc_object(info, seL4_X86_PDPTObject, 0);
	directory = alloc_object(info, seL4_X86_PageDirectoryObject, 0);
	table = alloc_object(info, seL4_X86_PageTableObject, 0);

	/* Each time the kernel says at which level something lacks: how many bits of the address it could not resolve. */
	CHECK_ERROR(map(frame, TEST_VADDR, seL4_CanRead), seL4_FailedLookup);
	CHECK(seL4_MappingFailedLookupLevel() == SEL4_MAPPING_LOOKUP_NO_PDPT);
	CHECK_ERROR(seL4_X86_PageTable_Map(table, seL4_CapInitThreadVSpace, TEST_VADDR,
					   seL4_X86_Default_VMAttributes),
		    seL4_FailedLookup);
	CHECK_OK(
		seL4_X86_PDPT_Map(pdpt, seL4_CapInitThreadVSpace, TEST_VADDR, seL4_X86_Default_VMAttributes));
	CHECK_ERROR(map(frame, TEST_VADDR, seL4_CanRead), seL4_FailedLookup);
	CHECK(seL4_MappingFailedLookupLevel() == SEL4_MAPPING_LOOKUP_NO_PD);
	CHECK_OK(seL4_X86_PageDirectory_Map(directory, seL4_CapInitThreadVSpace, TEST_VADDR,
					    seL4_X86_Default_VMAttributes));
	CHECK_ERROR(map(frame, TEST_VADDR, seL4_CanRead), seL4_FailedLookup);
	CHECK(seL4_MappingFailedLookupLevel() == SEL4_MAPPING_LOOKUP_NO_PT);
	CHECK_OK(seL4_X86_PageTable_Map(table, seL4_CapInitThreadVSpace, TEST_VADDR,
					seL4_X86_Default_VMAttributes));
	/* One of each is enough at one place. */
	CHECK_ERROR(seL4_X86_PageTable_Map(alloc_object(info, seL4_X86_PageTableObject, 0),
					   seL4_CapInitThreadVSpace, TEST_VADDR,
					   seL4_X86_Default_VMAttributes),
		    seL4_DeleteFirst);

	CHECK_ERROR(map(frame, TEST_VADDR + 8, seL4_CanRead), seL4_AlignmentError);
	CHECK_OK(map(frame, TEST_VADDR, seL4_CanRead));
	/* Memory comes zeroed: nobody sees what another program left there. */
	CHECK(peek(TEST_VADDR) == 0);
}

/* ---- rights ---- */

static struct {
	seL4_CPtr done;
	seL4_Word value;
} writer;
static void writer_main(void *vaddr)
{
	poke((seL4_Word)vaddr, 5);
	writer.value = peek((seL4_Word)vaddr);
	seL4_Signal(writer.done);
	seL4_Wait(seL4_CapNull, NULL);
}

/* A thread writes to a page that is mapped for reading. Its fault handler, main(), maps it anew with the right to write, and
 * the write is done again. */
static void rights(seL4_BootInfo *info)
{
	const seL4_CPtr faults = alloc_object(info, seL4_EndpointObject, 0);
	const seL4_CPtr reply = alloc_object(info, seL4_ReplyObject, 0);
	struct thread t = thread_new(info, (void *)writer_main, TEST_VADDR, 0, 100, 5000, 5000);
	writer.done = alloc_object(info, seL4_NotificationObject, 0);
	CHECK_OK(seL4_TCB_SetSpace(t.tcb, faults, ROOT, 0, seL4_CapInitThreadVSpace, 0));
	CHECK_OK(seL4_TCB_Resume(t.tcb));

	const seL4_MessageInfo_t tag = seL4_Recv(faults, NULL, reply);
	CHECK(seL4_isVMFault_tag(tag));
	CHECK(seL4_GetMR(seL4_VMFault_Addr) == TEST_VADDR);
	CHECK(seL4_GetMR(seL4_VMFault_FSR) == 7); /* present, a write, by a user */
	printf("A write to %#lx, which is read-only: status %#lx.\n", seL4_GetMR(seL4_VMFault_Addr),
	       seL4_GetMR(seL4_VMFault_FSR));
	CHECK_OK(map(frame, TEST_VADDR, seL4_ReadWrite));
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_Wait(writer.done, NULL);
	CHECK(writer.value == 5 && peek(TEST_VADDR) == 5);
	CHECK(seL4_isCapFault_tag(seL4_Recv(faults, NULL, reply))); /* it waits at nothing now */
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
}

/* ---- one frame, two places ---- */

static void sharing(seL4_BootInfo *info)
{
	const seL4_CPtr copy = cap_mint(info, frame, seL4_AllRights, 0);
	/* A capability knows one place where its frame is mapped; another place needs another capability. */
	CHECK_ERROR(map(frame, TEST_VADDR + 0x1000, seL4_ReadWrite), seL4_InvalidArgument);
	CHECK_OK(map(copy, TEST_VADDR + 0x1000, seL4_ReadWrite));
	poke(TEST_VADDR + 0x1008, 77);
	CHECK(peek(TEST_VADDR + 8) == 77);
	CHECK(seL4_X86_Page_GetAddress(copy).paddr == seL4_X86_Page_GetAddress(frame).paddr);

	/* A capability that may only read cannot be mapped to write. */
	const seL4_CPtr read_only = cap_mint(info, frame, seL4_CanRead, 0);
	CHECK_OK(map(read_only, TEST_VADDR + 0x2000, seL4_ReadWrite));
	CHECK(peek(TEST_VADDR + 0x2008) == 77);
	CHECK_OK(seL4_X86_Page_Unmap(read_only));

	/* What one has unmapped, the other still has. Deleting a capability unmaps as well. */
	CHECK_OK(seL4_X86_Page_Unmap(frame));
	CHECK(peek(TEST_VADDR + 0x1008) == 77);
	CHECK_OK(slot_delete(copy));
	CHECK_OK(map(frame, TEST_VADDR + 0x3000, seL4_ReadWrite)); /* it is free to go elsewhere */
	CHECK(peek(TEST_VADDR + 0x3008) == 77);
	CHECK_OK(seL4_X86_Page_Unmap(frame));
}

/* ---- large pages ---- */

/* Where a page table would hang 512 frames, one frame of 2 MiB may be instead, but not both. */
static void large_pages(seL4_BootInfo *info)
{
	const seL4_CPtr large = alloc_object(info, seL4_X86_LargePageObject, 0);
	const seL4_Word vaddr = TEST_VADDR + BIT(seL4_LargePageBits);
	CHECK_ERROR(map(large, TEST_VADDR, seL4_ReadWrite), seL4_DeleteFirst);
	CHECK_ERROR(map(large, vaddr + 0x1000, seL4_ReadWrite), seL4_AlignmentError);
	CHECK_OK(map(large, vaddr, seL4_ReadWrite));
	poke(vaddr + BIT(seL4_LargePageBits) - 8, 9);
	CHECK(peek(vaddr + BIT(seL4_LargePageBits) - 8) == 9);
	CHECK_OK(seL4_X86_Page_Unmap(large));
}

/* ---- another address space ---- */

static void another_space(seL4_BootInfo *info)
{
	const seL4_CPtr space = alloc_object(info, seL4_X64_PML4Object, 0);
	const seL4_CPtr its_pdpt = alloc_object(info, seL4_X86_PDPTObject, 0);
	/* A space needs an id of the processor's before anything is mapped in it. */
	CHECK_ERROR(seL4_X86_PDPT_Map(its_pdpt, space, TEST_VADDR, seL4_X86_Default_VMAttributes),
		    seL4_InvalidCapability);
	CHECK_OK(seL4_X86_ASIDPool_Assign(seL4_CapInitThreadASIDPool, space));
	CHECK_ERROR(seL4_X86_ASIDPool_Assign(seL4_CapInitThreadASIDPool, space), seL4_InvalidCapability);
	CHECK_OK(seL4_X86_PDPT_Map(its_pdpt, space, TEST_VADDR, seL4_X86_Default_VMAttributes));
	/* The kernel's half is nobody's to map. */
	CHECK_ERROR(seL4_X86_PDPT_Map(alloc_object(info, seL4_X86_PDPTObject, 0), space, BIT(47),
				      seL4_X86_Default_VMAttributes),
		    seL4_InvalidArgument);
	/* A thread may live in it. */
	const seL4_CPtr tcb = alloc_object(info, seL4_TCBObject, 0);
	CHECK_OK(seL4_TCB_SetSpace(tcb, seL4_CapNull, ROOT, 0, space, 0));
	CHECK_OK(slot_delete(tcb));
	CHECK_OK(slot_delete(space));
}

int main(void)
{
	seL4_BootInfo *info = platsupport_get_bootinfo();
	levels(info);
	rights(info);
	sharing(info);
	large_pages(info);
	another_space(info);
	/* Unmapping a table takes away what hangs on it. */
	CHECK_OK(map(frame, TEST_VADDR, seL4_CanRead));
	CHECK_OK(seL4_X86_PageTable_Unmap(table));
	CHECK_ERROR(map(frame, TEST_VADDR, seL4_CanRead), seL4_FailedLookup);
	return tutorial_end("Every address leads where it was told to.");
}
