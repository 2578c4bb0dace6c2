/* sel4tutorials/alloc.h - the allocator of seL4's tutorials: slots and objects that are never given back.
 *
 * It takes slots from the start of the boot info's empty ones, and memory from the first untyped that has enough.
 * Layer: libsel4. */
#ifndef SKERRY_SEL4TUTORIALS_ALLOC_H
#define SKERRY_SEL4TUTORIALS_ALLOC_H
#include <sel4/sel4.h>
#include <utils/util.h>

LIBSEL4_INLINE_FUNC seL4_CPtr alloc_slot(seL4_BootInfo *info)
{
	ZF_LOGF_IF(info->empty.start == info->empty.end, "No slots are left");
	return info->empty.start++;
}

LIBSEL4_INLINE_FUNC seL4_CPtr alloc_object(seL4_BootInfo *info, seL4_Word type, seL4_Word size_bits)
{
	const seL4_CPtr slot = alloc_slot(info);
	for (seL4_CPtr ut = info->untyped.start; ut < info->untyped.end; ut++) {
		if (info->untypedList[ut - info->untyped.start].isDevice)
			continue;
		const seL4_Error error =
			seL4_Untyped_Retype(ut, type, size_bits, seL4_CapInitThreadCNode, 0, 0, slot, 1);
		if (error == seL4_NoError)
			return slot;
		ZF_LOGF_IF(error != seL4_NotEnoughMemory, "Retype to type %lu of 2^%lu: error %d", type,
			   size_bits, (int)error);
	}
	ZF_LOGF("No untyped memory is left for type %lu of 2^%lu", type, size_bits);
	return seL4_CapNull;
}

#endif
