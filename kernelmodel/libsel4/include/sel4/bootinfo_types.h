/* sel4/bootinfo_types.h - what the kernel tells the first program. Layer: libsel4.
 *
 * Plain data, of one page. Source: seL4 16.0 manual, section 9.1. */
#ifndef SKERRY_LIBSEL4_BOOTINFO_TYPES_H
#define SKERRY_LIBSEL4_BOOTINFO_TYPES_H
#include <sel4/root_slots.h>
#include <sel4/types.h>

typedef seL4_Word seL4_SlotPos;

typedef struct seL4_SlotRegion {
	seL4_SlotPos start, end; /* [start, end) */
} seL4_SlotRegion;

typedef struct seL4_UntypedDesc {
	seL4_Word paddr;
	seL4_Uint8 sizeBits;
	seL4_Uint8 isDevice;
	seL4_Uint8 padding[6];
} seL4_UntypedDesc;

typedef struct seL4_BootInfo {
	seL4_Word extraLen; /* bytes of chunks behind the first page */
	seL4_NodeId nodeID; /* of this kernel among those of a multikernel boot: 0..numNodes-1 */
	seL4_Word numNodes;
	seL4_Word numIOPTLevels; /* -1: no IOMMU */
	seL4_IPCBuffer *ipcBuffer;
	seL4_SlotRegion empty; /* free slots of the root CNode */
	seL4_SlotRegion sharedFrames;
	seL4_SlotRegion userImageFrames; /* the program's own pages */
	seL4_SlotRegion userImagePaging; /* and what maps them */
	seL4_SlotRegion ioSpaceCaps;
	seL4_SlotRegion extraBIPages;
	seL4_Word initThreadCNodeSizeBits; /* the root CNode has 2^n slots */
	seL4_Domain initThreadDomain;
	seL4_SlotRegion schedcontrol; /* one for each core */
	seL4_SlotRegion untyped;      /* untypedList[i] is about the one in slot untyped.start + i */
	seL4_UntypedDesc untypedList[CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS];
} seL4_BootInfo;

#define seL4_BootInfoFrameBits seL4_PageBits
#define seL4_BootInfoFrameSize LIBSEL4_BIT(seL4_BootInfoFrameBits)

SKERRY_STATIC_ASSERT(sizeof(seL4_UntypedDesc) == 16, "an untyped's description is two words");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_BootInfo, ipcBuffer) == 32, "ipcBuffer");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_BootInfo, empty) == 40, "empty");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_BootInfo, initThreadCNodeSizeBits) == 136, "initThreadCNodeSizeBits");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_BootInfo, schedcontrol) == 152, "schedcontrol");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_BootInfo, untypedList) == 184, "untypedList");
SKERRY_STATIC_ASSERT(sizeof(seL4_BootInfo) == 184 + 230 * 16, "the boot info fits its page");

/* Chunks behind the first page, if extraLen says that there are any. */
typedef enum {
	SEL4_BOOTINFO_HEADER_PADDING = 0,
	SEL4_BOOTINFO_HEADER_X86_VBE = 1,
	SEL4_BOOTINFO_HEADER_X86_MBMMAP = 2,
	SEL4_BOOTINFO_HEADER_X86_ACPI_RSDP = 3,
	SEL4_BOOTINFO_HEADER_X86_FRAMEBUFFER = 4,
	SEL4_BOOTINFO_HEADER_X86_TSC_FREQ = 5, /* MHz */
	SEL4_BOOTINFO_HEADER_FDT = 6,
	SEL4_BOOTINFO_HEADER_NUM,
	SEL4_FORCE_LONG_ENUM(seL4_BootInfoID)
} seL4_BootInfoID;

typedef struct seL4_BootInfoHeader {
	seL4_Word id;
	seL4_Word len; /* with this header */
} seL4_BootInfoHeader;

#endif
