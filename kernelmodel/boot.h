/* kernelmodel/boot.h - where the objects of a kernel and of its root task lie at boot.
 *
 * Computed from the boot specification alone, so that km_boot_check() refuses what km_kernel_new() could not lay out.
 * Internal to boot.c and boot_check.c. Layer: kernelmodel. */
#ifndef SKERRY_KERNELMODEL_BOOT_H
#define SKERRY_KERNELMODEL_BOOT_H
#include "kernelmodel/kernel.h"

#define KM_PAGE_BITS          12
#define KM_PAGE_SIZE          (UINT64_C(1) << KM_PAGE_BITS)
#define KM_BOOT_SLICE_US      5000 /* the root task's round-robin budget: upstream's default, 5 ms */
#define KM_MEMORY_TOP         (UINT64_C(1) << 36) /* what a km_ref reaches */
#define KM_DEVICE_TOP         (UINT64_C(1) << 46) /* what a capability reaches */
#define KM_IMAGE_DEFAULT      16
#define KM_CNODE_BITS_DEFAULT 16
#define KM_CNODE_BITS_MIN     7 /* as upstream: a page of slots */
#define KM_CNODE_BITS_MAX     26

/* Interrupts that users may have: upstream's irq_user_min and irq_user_max of pc99. */
#define KM_IRQ_USER_MIN 16
#define KM_IRQ_USER_MAX 123

struct km_boot_layout {
	uint32_t cnode_bits, image_frames;
	/* page tables of the root task by level: 0 PDPTs, 1 page directories, 2 page tables */
	uint32_t tables[3];
	km_word image, buffer, boot_info, extra,
		end; /* virtual addresses; `end` is behind the extra boot info */
	/* physical addresses */
	km_paddr idle_tcb, irq_node, io_ports; /* the kernel's own */
	km_paddr pml4, table, asid_pool, buffer_frame, boot_info_frame, extra_frame, image_frame, tcb, sc;
	km_paddr small_end;        /* all of the above lies below; free memory from here to the CNode */
	km_paddr cnode, cnode_end; /* free memory from cnode_end on */
	uint64_t slots;            /* of the root CNode that are used before the untyped capabilities */
};
#define KM_BOOT_TCB_SIZE 2048
#define KM_BOOT_SC_SIZE  128 /* 2^seL4_MinSchedContextBits */

/* The layout of `boot`, whose memory region is sane; it fits if cnode_end <= boot->memory.end. */
void km_boot_layout(struct km_boot_layout *out, const struct km_boot *boot);

#endif
