/* kernelmodel/cap.c - what may be done with one capability, apart from its place in the derivation tree.
 *
 * Source: seL4 16.0 manual, sections 2.2 (rights), 3.1.4 (copying) and 4.2.1 (badges). */
#include "kernelmodel/kernel_internal.h"

#define TYPE_BIT(type) (UINT32_C(1) << (type))

/* Capabilities to memory: those that untyped memory may be the parent of. */
#define PHYSICAL_TYPES                                                                                       \
	(TYPE_BIT(KM_CAP_UNTYPED) | TYPE_BIT(KM_CAP_ENDPOINT) | TYPE_BIT(KM_CAP_NOTIFICATION) |              \
	 TYPE_BIT(KM_CAP_REPLY) | TYPE_BIT(KM_CAP_CNODE) | TYPE_BIT(KM_CAP_THREAD) |                         \
	 TYPE_BIT(KM_CAP_SCHED_CONTEXT) | TYPE_BIT(KM_CAP_FRAME) | TYPE_BIT(KM_CAP_PAGE_TABLE) |             \
	 TYPE_BIT(KM_CAP_PAGE_DIRECTORY) | TYPE_BIT(KM_CAP_PDPT) | TYPE_BIT(KM_CAP_PML4) |                   \
	 TYPE_BIT(KM_CAP_ASID_POOL) | TYPE_BIT(KM_CAP_ZOMBIE))

int km_cap_is_physical(struct km_cap cap) { return (int)(PHYSICAL_TYPES >> cap.type & 1); }

km_paddr km_cap_base(struct km_cap cap) { return km_cap_paddr(cap); }

unsigned km_cap_size_bits(struct km_cap cap)
{
	switch (cap.type) {
	case KM_CAP_UNTYPED:
	case KM_CAP_SCHED_CONTEXT:
	case KM_CAP_FRAME:
		return cap.size;
	case KM_CAP_ENDPOINT:
		return seL4_EndpointBits;
	case KM_CAP_NOTIFICATION:
		return seL4_NotificationBits;
	case KM_CAP_REPLY:
		return seL4_ReplyBits;
	case KM_CAP_CNODE:
		return cap.size + seL4_SlotBits;
	case KM_CAP_THREAD:
		return seL4_TCBBits;
	case KM_CAP_ZOMBIE:
		return cap.flag ? seL4_TCBBits : cap.size + seL4_SlotBits;
	case KM_CAP_PAGE_TABLE:
	case KM_CAP_PAGE_DIRECTORY:
	case KM_CAP_PDPT:
	case KM_CAP_PML4:
	case KM_CAP_ASID_POOL:
		return seL4_PageBits;
	default:
		return 0;
	}
}

enum km_status km_cap_derive(struct km_kernel *k, struct km_slot *slot, struct km_cap cap, struct km_cap *out)
{
	*out = KM_NULL_CAP;
	switch (cap.type) {
	case KM_CAP_ZOMBIE:
	case KM_CAP_IRQ_CONTROL:
	case KM_CAP_IO_PORT_CONTROL:
		return KM_OK; /* there is one of each, which may only be moved */
	case KM_CAP_UNTYPED:
		if (km_ensure_no_children(k, slot) != KM_OK)
			return KM_SYSCALL_ERROR;
		break;
	case KM_CAP_FRAME:
		return km_frame_derive(k, cap, out);
	case KM_CAP_PAGE_TABLE:
	case KM_CAP_PAGE_DIRECTORY:
	case KM_CAP_PDPT:
	case KM_CAP_PML4:
		return km_paging_derive(k, cap, out);
	default:
		break;
	}
	*out = cap;
	return KM_OK;
}

struct km_cap km_cap_mask(struct km_cap cap, unsigned rights)
{
	switch (cap.type) {
	case KM_CAP_ENDPOINT:
	case KM_CAP_NOTIFICATION:
	case KM_CAP_REPLY:
		cap.rights &= rights;
		break;
	case KM_CAP_FRAME:
		/* Page tables have no write without read: a frame that may not be read is for the kernel alone. */
		cap.rights &= rights;
		if (!(cap.rights & KM_READ))
			cap.rights = 0;
		break;
	default:
		break;
	}
	return cap;
}

/* The guard of a CNode is 6 bits of size, and above them its value. */
static struct km_cap with_guard(struct km_cap cap, km_word data)
{
	unsigned guard_size = data & 63;

	if (guard_size + cap.size > seL4_WordBits)
		return KM_NULL_CAP;
	cap.guard_size = guard_size;
	cap.word = data >> seL4_GuardSizeBits & ((UINT64_C(1) << guard_size) - 1);
	return cap;
}

struct km_cap km_cap_update(int preserve, km_word data, struct km_cap cap)
{
	switch (cap.type) {
	case KM_CAP_ENDPOINT:
	case KM_CAP_NOTIFICATION:
		if (preserve || cap.word != 0)
			return KM_NULL_CAP;
		cap.word = data;
		return cap;
	case KM_CAP_CNODE:
		return with_guard(cap, data);
	default:
		return cap;
	}
}
