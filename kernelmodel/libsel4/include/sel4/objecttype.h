/* sel4/objecttype.h - types of objects, as seL4_Untyped_Retype() takes them. Layer: libsel4.
 *
 * In three enumerations, as programs name them: those of every machine, of 64-bit x86, and of all x86.
 * Source: seL4 16.0, MCS, without IOMMU and VT-x. */
#ifndef SKERRY_LIBSEL4_OBJECTTYPE_H
#define SKERRY_LIBSEL4_OBJECTTYPE_H
#include <sel4/simple_types.h>

typedef enum api_object {
	seL4_UntypedObject,
	seL4_TCBObject,
	seL4_EndpointObject,
	seL4_NotificationObject,
	seL4_CapTableObject,
	seL4_SchedContextObject,
	seL4_ReplyObject,
	seL4_NonArchObjectTypeCount
} seL4_ObjectType;
typedef seL4_Word api_object_t;

typedef enum _mode_object {
	seL4_X86_PDPTObject = seL4_NonArchObjectTypeCount,
	seL4_X64_PML4Object,
	seL4_X64_HugePageObject,
	seL4_ModeObjectTypeCount
} seL4_seL4ArchObjectType;

typedef enum _object {
	seL4_X86_4K = seL4_ModeObjectTypeCount,
	seL4_X86_LargePageObject,
	seL4_X86_PageTableObject,
	seL4_X86_PageDirectoryObject,
	seL4_ObjectTypeCount
} seL4_ArchObjectType;
typedef seL4_Word object_t;

#define seL4_IA32_PDPTObject seL4_X86_PDPTObject
/* What the kernel at hand does not make has a number that is no type's: Retype refuses it. */
#define seL4_X86_IOPageTableObject 0xffffff
#define seL4_X86_VCPUObject        0xfffffe
#define seL4_X86_EPTPML4Object     0xfffffd
#define seL4_X86_EPTPDPTObject     0xfffffc
#define seL4_X86_EPTPDObject       0xfffffb
#define seL4_X86_EPTPTObject       0xfffffa

SKERRY_STATIC_ASSERT(seL4_CapTableObject == 4 && seL4_ReplyObject == 6, "objects of every machine");
SKERRY_STATIC_ASSERT(seL4_X86_PDPTObject == 7 && seL4_X64_HugePageObject == 9, "objects of x86_64");
SKERRY_STATIC_ASSERT(seL4_X86_4K == 10 && seL4_X86_PageDirectoryObject == 13, "objects of x86");

#endif
