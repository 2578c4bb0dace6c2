/* sel4/root_slots.h - where the first program finds its capabilities, in its root CNode.
 *
 * Programs get it by <sel4/bootinfo_types.h> or <sel4/sel4.h>. Layer: libsel4. Source: seL4 16.0 manual, section 9.1. */
#ifndef SKERRY_LIBSEL4_ROOT_SLOTS_H
#define SKERRY_LIBSEL4_ROOT_SLOTS_H
#include <sel4/macros.h>

enum seL4_RootCNodeCapSlots {
	seL4_CapNull = 0,
	seL4_CapInitThreadTCB = 1,
	seL4_CapInitThreadCNode = 2,
	seL4_CapInitThreadVSpace = 3,
	seL4_CapIRQControl = 4,
	seL4_CapASIDControl = 5,
	seL4_CapInitThreadASIDPool = 6,
	seL4_CapIOPortControl = 7,
	seL4_CapIOSpace = 8, /* null: no IOMMU */
	seL4_CapBootInfoFrame = 9,
	seL4_CapInitThreadIPCBuffer = 10,
	seL4_CapDomain = 11,
	seL4_CapSMMUSIDControl = 12, /* null: Arm only */
	seL4_CapSMMUCBControl = 13,  /* null: Arm only */
	seL4_CapInitThreadSC = 14,
	seL4_CapSMC = 15, /* null: Arm only */
	seL4_NumInitialCaps = 16
};

#endif
