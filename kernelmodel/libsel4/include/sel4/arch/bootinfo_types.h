/* sel4/arch/bootinfo_types.h - chunks of boot info of x86. Layer: libsel4. Source: seL4 16.0, x86.
 *
 * Of these the kernel at hand gives the frequency of the clock, a header and 4 bytes; the map of memory is for sources that
 * look for one. */
#ifndef SKERRY_LIBSEL4_ARCH_BOOTINFO_TYPES_H
#define SKERRY_LIBSEL4_ARCH_BOOTINFO_TYPES_H
#include <sel4/bootinfo_types.h>

#define SEL4_MULTIBOOT_MAX_MMAP_ENTRIES 50
#define SEL4_MULTIBOOT_RAM_REGION_TYPE  1

/* As multiboot has it: `size` counts the bytes behind it. */
typedef struct seL4_X86_mb_mmap {
	seL4_Uint32 size;
	seL4_Uint64 base_addr, length;
	seL4_Uint32 type;
} SEL4_PACKED seL4_X86_mb_mmap_t;

typedef struct seL4_X86_BootInfo_mmap {
	seL4_BootInfoHeader header;
	seL4_Uint32 mmap_length;
	seL4_X86_mb_mmap_t mmap[SEL4_MULTIBOOT_MAX_MMAP_ENTRIES];
} SEL4_PACKED seL4_X86_BootInfo_mmap_t;

SKERRY_STATIC_ASSERT(sizeof(seL4_X86_mb_mmap_t) == 24, "an entry of the map of memory");
SKERRY_STATIC_ASSERT(sizeof(seL4_X86_BootInfo_mmap_t) == 20 + 50 * 24, "the map of memory");

#endif
