/* tests/unit/test_km_boot.c - the root task finds what the manual's section 9.1 promises, and bad boots are refused. */
#include "tests/unit/km_root.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MIB UINT64_C(0x100000)

static const struct km_region devices[] = {{0x40000000, 0x40300000}, {0x30001000, 0x30005000}};
static struct km_boot boot_of(void)
{
	return (struct km_boot){.name = "a",
				.nodes = 1,
				.cores = 2,
				.memory = {0x100000, 0x100000 + 16 * MIB},
				.device = devices,
				.devices = 2,
				.ticks_per_us = 3000,
				.root_cnode_bits = 12};
}

/* ---- what is there ---- */

static void test_root_task_runs_on_core_0_and_knows_its_boot_info(void **state)
{
	(void)state;
	struct root r;
	struct km_boot boot = boot_of();
	root_boot(&r, &boot);
	struct km_tcb *tcb = r.k->core[0].current;
	assert_int_equal(km_ref_of(r.k, tcb), r.k->root_tcb);
	assert_int_equal(tcb->state, KM_RUNNING);
	assert_int_equal(tcb->priority, 255);
	assert_int_equal(tcb->mcp, 255);
	assert_int_equal(tcb->context.reg[KM_RIP], 0);
	assert_int_equal(tcb->context.reg[KM_RSP], 0);
	assert_ptr_equal(r.k->core[1].current, r.k->core[1].idle);
	size_t length;
	km_word fsr;
	const unsigned char *info = km_translate(r.k, r.k->self, tcb, tcb->context.reg[KM_RDI],
						 KM_ACCESS_READ, &length, &fsr, NULL);
	assert_ptr_equal(info, root_info(&r));
	assert_int_equal(length, 4096);
	root_end(&r);
}

static void test_slots_are_the_manuals(void **state)
{
	(void)state;
	static const unsigned type[seL4_NumInitialCaps] = {
		KM_CAP_NULL,        KM_CAP_THREAD,       KM_CAP_CNODE,         KM_CAP_PML4,
		KM_CAP_IRQ_CONTROL, KM_CAP_ASID_CONTROL, KM_CAP_ASID_POOL,     KM_CAP_IO_PORT_CONTROL,
		KM_CAP_NULL,        KM_CAP_FRAME,        KM_CAP_FRAME,         KM_CAP_DOMAIN,
		KM_CAP_NULL,        KM_CAP_NULL,         KM_CAP_SCHED_CONTEXT, KM_CAP_NULL};
	struct root r;
	struct km_boot boot = boot_of();
	root_boot(&r, &boot);
	for (unsigned i = 0; i < seL4_NumInitialCaps; i++)
		assert_int_equal(root_slot(&r, i)->cap.type, type[i]);
	struct km_cap cnode = root_slot(&r, seL4_CapInitThreadCNode)->cap;
	assert_int_equal(cnode.size, 12);
	assert_int_equal(cnode.guard_size, 52);
	assert_int_equal(cnode.word, 0);
	/* Round-robin, 5 ms, as upstream boots. */
	struct km_cap sc = root_slot(&r, seL4_CapInitThreadSC)->cap;
	assert_int_equal(sc.size, seL4_MinSchedContextBits);
	assert_int_equal(KM_SC(r.k, (km_ref)sc.object)->period, 0);
	assert_int_equal(KM_SC(r.k, (km_ref)sc.object)->budget, 5000 * 3000);
	root_end(&r);
}

static void test_boot_info_describes_the_rest_in_order(void **state)
{
	(void)state;
	struct root r;
	struct km_boot boot = boot_of();
	boot.image_frames = 3;
	root_boot(&r, &boot);
	const seL4_BootInfo *info = root_info(&r);
	assert_int_equal(info->nodeID, 0);
	assert_int_equal(info->numNodes, 2); /* alone: its cores, as upstream */
	assert_int_equal(info->initThreadCNodeSizeBits, 12);
	assert_int_equal((uintptr_t)info->ipcBuffer, KM_IMAGE_BASE + 3 * 4096);
	assert_int_equal(info->schedcontrol.start, 16);
	assert_int_equal(info->schedcontrol.end, 18);
	assert_int_equal(info->userImagePaging.start, 18);
	assert_int_equal(info->userImagePaging.end, 21); /* a PDPT, a directory, a table */
	assert_int_equal(info->extraBIPages.end - info->extraBIPages.start, 1);
	assert_int_equal(info->userImageFrames.end - info->userImageFrames.start, 3);
	assert_int_equal(info->untyped.start, info->userImageFrames.end);
	assert_int_equal(info->empty.start, info->untyped.end);
	assert_int_equal(info->empty.end, 4096);
	for (km_word i = 0; i < 3; i++) {
		struct km_cap frame = root_slot(&r, info->userImageFrames.start + i)->cap;
		assert_int_equal(km_cap_vaddr(frame), KM_IMAGE_BASE + i * 4096);
	}
	for (km_word i = 0; i < 2; i++)
		assert_int_equal(root_slot(&r, 16 + i)->cap.word, i);
	const seL4_BootInfoHeader *chunk = km_cap_object(r.k, root_slot(&r, info->extraBIPages.start)->cap);
	assert_int_equal(chunk->id, SEL4_BOOTINFO_HEADER_X86_TSC_FREQ);
	assert_int_equal(*(const uint32_t *)(chunk + 1), 3000);
	root_end(&r);
}

static void test_nodes_of_a_multikernel_are_told(void **state)
{
	(void)state;
	struct root r;
	struct km_boot boot = boot_of();
	boot.node = 3;
	boot.nodes = 8;
	root_boot(&r, &boot);
	assert_int_equal(root_info(&r)->nodeID, 3);
	assert_int_equal(root_info(&r)->numNodes, 8);
	root_end(&r);
}

/* Devices first and by address, then RAM; aligned blocks; all memory that the kernel did not take, each byte once. */
static void test_untyped_memory_is_all_that_is_left(void **state)
{
	(void)state;
	struct root r;
	struct km_boot boot = boot_of();
	root_boot(&r, &boot);
	const seL4_BootInfo *info = root_info(&r);
	km_word count = info->untyped.end - info->untyped.start, device_bytes = 0, bytes = 0, above = 0;
	for (km_word i = 0; i < count; i++) {
		const seL4_UntypedDesc *u = &info->untypedList[i];
		struct km_cap cap = root_slot(&r, info->untyped.start + i)->cap;
		assert_int_equal(cap.type, KM_CAP_UNTYPED);
		assert_int_equal(km_cap_paddr(cap), u->paddr);
		assert_int_equal(cap.size, u->sizeBits);
		assert_int_equal(cap.flag, u->isDevice);
		assert_int_equal(u->paddr % (UINT64_C(1) << u->sizeBits), 0);
		if (i > 0 && u->isDevice != info->untypedList[i - 1].isDevice) {
			assert_false(u->isDevice);
			above = 0;
		}
		assert_true(u->paddr >= above);
		above = u->paddr + (UINT64_C(1) << u->sizeBits);
		*(u->isDevice ? &device_bytes : &bytes) += UINT64_C(1) << u->sizeBits;
	}
	assert_int_equal(device_bytes, 0x300000 + 0x4000);
	assert_int_equal(above, boot.memory.end);
	assert_true(bytes > 15 * MIB && bytes < 16 * MIB);
	root_end(&r);
}

static void test_a_copy_of_the_root_cnode_is_in_its_tcb(void **state)
{
	(void)state;
	struct root r;
	struct km_boot boot = boot_of();
	root_boot(&r, &boot);
	const struct km_tcb *tcb = KM_TCB(r.k, r.k->root_tcb);
	assert_int_equal(tcb->slot[KM_TCB_CSPACE].prev,
			 km_ref_of(r.k, root_slot(&r, seL4_CapInitThreadCNode)));
	assert_int_equal(tcb->slot[KM_TCB_VSPACE].cap.type, KM_CAP_PML4);
	assert_int_equal(km_cap_asid(tcb->slot[KM_TCB_BUFFER].cap), 0); /* a copy of a frame is not mapped */
	assert_int_equal(tcb->buffer_address, KM_IMAGE_BASE + 16 * 4096);
	root_end(&r);
}

static void test_a_large_image_has_as_many_tables_as_it_needs(void **state)
{
	(void)state;
	struct root r;
	struct km_boot boot = boot_of();
	boot.image_frames = 1100;
	root_boot(&r, &boot);
	const seL4_BootInfo *info = root_info(&r);
	assert_int_equal(info->userImagePaging.end - info->userImagePaging.start, 1 + 1 + 3);
	for (km_word i = 0; i < 1100; i += 99) {
		size_t length;
		km_word fsr;
		assert_ptr_equal(km_translate(r.k, r.k->self, r.k->core[0].current, KM_IMAGE_BASE + i * 4096,
					      KM_ACCESS_WRITE, &length, &fsr, NULL),
				 km_cap_object(r.k, root_slot(&r, info->userImageFrames.start + i)->cap));
	}
	root_end(&r);
}

static void test_two_boots_are_the_same_byte_for_byte(void **state)
{
	(void)state;
	struct root a, b;
	struct km_boot boot = boot_of();
	root_boot(&a, &boot);
	root_boot(&b, &boot);
	assert_memory_equal(a.k->arena, b.k->arena, a.k->size);
	root_end(&a);
	root_end(&b);
}

static void test_memory_given_by_the_caller_is_used(void **state)
{
	(void)state;
	struct root r;
	struct km_boot boot = boot_of();
	boot.arena = aligned_alloc(4096, 16 * MIB);
	assert_non_null(boot.arena);
	memset(boot.arena, 0, 16 * MIB);
	root_boot(&r, &boot);
	assert_ptr_equal(r.k->arena, boot.arena);
	root_end(&r);
	free(boot.arena);
}

static void test_untyped_memory_beyond_the_list_is_not_given(void **state)
{
	(void)state;
	struct km_region region[300];
	struct root r;
	struct km_boot boot = boot_of();
	for (unsigned i = 0; i < 300; i++) /* given backwards; the list is by address all the same */
		region[i] = (struct km_region){0x40000000 + (299 - i) * UINT64_C(0x2000),
					       0x40001000 + (299 - i) * UINT64_C(0x2000)};
	boot.device = region;
	boot.devices = 300;
	root_boot(&r, &boot);
	const seL4_BootInfo *info = root_info(&r);
	assert_int_equal(info->untyped.end - info->untyped.start, CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS);
	assert_int_equal(info->untypedList[229].paddr, 0x40000000 + 229 * UINT64_C(0x2000));
	root_end(&r);
}

static void test_the_domain_schedule_is_the_boots(void **state)
{
	(void)state;
	struct root r;
	struct km_boot boot = boot_of();
	boot.schedule[0].domain = 2;
	boot.schedule[0].duration = 77777;
	boot.schedule[1].domain = 1;
	boot.schedule_length = 2;
	root_boot(&r, &boot);
	assert_int_equal(root_info(&r)->initThreadDomain, 2);
	assert_int_equal(r.k->core[0].domain, 2);
	assert_int_equal(r.k->core[0].current->domain, 2);
	assert_int_equal(r.k->schedule[0].duration, 77777);
	root_end(&r);
}

/* ---- what is refused ---- */

static void refuse(const struct km_boot *boot, uint32_t count, const char *place, const char *cause,
		   const char *remedy)
{
	char why[512] = "";
	assert_int_equal(km_boot_check(boot, count, why, sizeof why), -EINVAL);
	if (strstr(why, place) != why || strstr(why, cause) == NULL || strstr(why, remedy) == NULL)
		fail_msg("\"%s\" is not place \"%s\", cause \"%s\", remedy \"%s\"", why, place, cause,
			 remedy);
}

#define REFUSE_ONE(change, cause, remedy)                                                                    \
	do {                                                                                                 \
		struct km_boot b = boot_of();                                                                \
		change;                                                                                      \
		refuse(&b, 1, "kernel 0 (a): ", cause, remedy);                                              \
	} while (0)

static void test_a_bad_kernel_is_refused_with_place_cause_and_remedy(void **state)
{
	(void)state;
	static const struct km_region ragged = {0x1001, 0x2000}, own = {0x200000, 0x201000},
				      twice[] = {{0x40000000, 0x40002000}, {0x40001000, 0x40003000}},
				      far_away = {UINT64_C(1) << 46, (UINT64_C(1) << 46) + 4096};
	static const uint32_t low[] = {15}, same[] = {20, 21, 20};
	REFUSE_ONE(b.cores = 0, "0 cores", "give 1..64");
	REFUSE_ONE(b.cores = 65, "65 cores", "give 1..64");
	REFUSE_ONE(b.ticks_per_us = 0, "0 ticks", "ticks_per_us");
	REFUSE_ONE(b.node = 1, "node number 1 of 1", "number them 0..0");
	REFUSE_ONE(b.root_cnode_bits = 6, "2^6", "give 7..26");
	REFUSE_ONE(b.root_cnode_bits = 27, "2^27", "give 7..26");
	REFUSE_ONE(b.memory.start += 8, "whole pages", "align");
	REFUSE_ONE(b.memory.end = b.memory.start, "whole pages", "align");
	REFUSE_ONE(b.memory.end = (UINT64_C(1) << 36) + 4096, "above 64 GiB", "place it below");
	REFUSE_ONE(b.memory.end = b.memory.start + 4096 * 16, "too small", "give more");
	REFUSE_ONE(b.root_cnode_bits = 7; b.image_frames = 200, "slots", "raise root_cnode_bits");
	REFUSE_ONE((b.device = &ragged, b.devices = 1), "device region 0", "align");
	REFUSE_ONE((b.device = &own, b.devices = 1), "overlaps its own memory", "take the region out");
	REFUSE_ONE((b.device = twice, b.devices = 2), "overlap", "merge");
	REFUSE_ONE((b.device = &far_away, b.devices = 1), "device region 0 ends", "place it");
	REFUSE_ONE(b.device = NULL, "none is given", "set `device`");
	REFUSE_ONE((b.irq = low, b.irqs = 1), "interrupt 15", "16..123");
	REFUSE_ONE((b.irq = same, b.irqs = 3), "listed twice", "list it once");
	REFUSE_ONE(b.irqs = 1, "none is given", "set `irq`");
	REFUSE_ONE(b.schedule_length = 101, "101 entries", "at most 100");
	REFUSE_ONE((b.schedule_length = 1, b.schedule[0].domain = 4), "domain 4", "0..3");
	REFUSE_ONE(b.schedule_length = 2, "never reached", "give it a duration");
}

static struct km_boot pair[2];
static uint32_t first_irq[] = {16, 17}, second_irq[] = {18};
static void make_pair(void)
{
	for (unsigned i = 0; i < 2; i++) {
		pair[i] = boot_of();
		pair[i].nodes = 2;
		pair[i].node = i;
		pair[i].memory.start += i * 16 * MIB;
		pair[i].memory.end += i * 16 * MIB;
		pair[i].irq = i == 0 ? first_irq : second_irq;
		pair[i].irqs = i == 0 ? 2 : 1;
	}
	pair[1].name = "b";
	second_irq[0] = 18;
}

static void test_kernels_that_share_only_devices_are_accepted(void **state)
{
	(void)state;
	char why[256] = "";
	make_pair();
	assert_int_equal(km_boot_check(pair, 2, why, sizeof why), 0);
}

static void test_kernels_that_disturb_each_other_are_refused(void **state)
{
	(void)state;
	make_pair();
	pair[1].memory = pair[0].memory;
	refuse(pair, 2, "kernel 1 (b): ", "of kernel 0", "memory of its own");
	make_pair();
	pair[1].memory.start -= 4096;
	refuse(pair, 2, "kernel 1 (b): ", "of kernel 0", "memory of its own");
	make_pair();
	pair[1].node = 0;
	refuse(pair, 2, "kernel 1 (b): ", "is kernel 0's already", "each once");
	make_pair();
	pair[1].nodes = 3;
	refuse(pair, 2, "kernel 1 (b): ", "2 kernels are booted", "this number");
	make_pair();
	second_irq[0] = 17;
	refuse(pair, 2, "kernel 1 (b): ", "belongs to kernel 0", "another number");
	make_pair();
	const struct km_region in_first = {pair[0].memory.start + 0x5000, pair[0].memory.start + 0x6000};
	pair[1].device = &in_first;
	pair[1].devices = 1;
	refuse(pair, 2, "kernel 0 (a): ", "overlaps device region 0", "device region of both");
	make_pair();
	const struct km_region in_second = {pair[1].memory.end - 0x1000, pair[1].memory.end + 0x1000};
	pair[0].device = &in_second;
	pair[0].devices = 1;
	refuse(pair, 2, "kernel 1 (b): ", "overlaps device region 0", "device region of both");
	make_pair();
	second_irq[0] = 18;
}

/* Hundreds of kernels, each sharing a region with each other one. */
static void test_large_clusters_are_checked(void **state)
{
	(void)state;
	enum { KERNELS = 300 };
	struct km_boot *boot = calloc(KERNELS, sizeof *boot);
	struct km_region *shared = calloc(KERNELS, sizeof *shared);
	char why[256] = "";
	for (unsigned i = 0; i < KERNELS; i++) {
		shared[i] = (struct km_region){(UINT64_C(1) << 40) + i * UINT64_C(0x3000),
					       (UINT64_C(1) << 40) + i * UINT64_C(0x3000) + 0x2000};
		boot[i] = (struct km_boot){.node = KERNELS - 1 - i,
					   .nodes = KERNELS,
					   .cores = 1,
					   .ticks_per_us = 1,
					   .memory = {(KERNELS - i) * MIB, (KERNELS - i + 1) * MIB},
					   .device = shared,
					   .devices = KERNELS,
					   .root_cnode_bits = 10};
	}
	assert_int_equal(km_boot_check(boot, KERNELS, why, sizeof why), 0);
	struct km_region bad = shared[77];
	shared[77].start = boot[123].memory.start + 4096;
	shared[77].end = boot[123].memory.start + 8192;
	boot[123].devices = boot[122].devices = 0; /* it would be its own */
	for (unsigned i = 0; i < 122; i++)
		boot[i].devices = 0;
	refuse(boot, KERNELS, "kernel 123: ", "overlaps device region 77", "device region of both");
	shared[77] = bad;
	boot[200].memory.end += 4096;
	refuse(boot, KERNELS, "kernel 200: ", "of kernel 199", "memory of its own");
	free(boot);
	free(shared);
}

static void test_a_refused_kernel_is_not_made(void **state)
{
	(void)state;
	char why[256];
	struct km_kernel *k = (struct km_kernel *)&why;
	struct km_boot boot = boot_of();
	boot.cores = 0;
	assert_int_equal(km_kernel_new(&k, &boot, why, sizeof why), -EINVAL);
	assert_ptr_equal(k, &why);
	km_kernel_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_task_runs_on_core_0_and_knows_its_boot_info),
		cmocka_unit_test(test_slots_are_the_manuals),
		cmocka_unit_test(test_boot_info_describes_the_rest_in_order),
		cmocka_unit_test(test_nodes_of_a_multikernel_are_told),
		cmocka_unit_test(test_untyped_memory_is_all_that_is_left),
		cmocka_unit_test(test_a_copy_of_the_root_cnode_is_in_its_tcb),
		cmocka_unit_test(test_a_large_image_has_as_many_tables_as_it_needs),
		cmocka_unit_test(test_two_boots_are_the_same_byte_for_byte),
		cmocka_unit_test(test_memory_given_by_the_caller_is_used),
		cmocka_unit_test(test_untyped_memory_beyond_the_list_is_not_given),
		cmocka_unit_test(test_the_domain_schedule_is_the_boots),
		cmocka_unit_test(test_a_bad_kernel_is_refused_with_place_cause_and_remedy),
		cmocka_unit_test(test_kernels_that_share_only_devices_are_accepted),
		cmocka_unit_test(test_kernels_that_disturb_each_other_are_refused),
		cmocka_unit_test(test_large_clusters_are_checked),
		cmocka_unit_test(test_a_refused_kernel_is_not_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
