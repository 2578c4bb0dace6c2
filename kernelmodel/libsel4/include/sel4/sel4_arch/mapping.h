/* sel4/sel4_arch/mapping.h - what lacks when a page cannot be mapped. Layer: libsel4. Source: seL4 16.0, x86_64. */
#ifndef SKERRY_LIBSEL4_SEL4_ARCH_MAPPING_H
#define SKERRY_LIBSEL4_SEL4_ARCH_MAPPING_H
#include <sel4/functions.h>

/* The message register of seL4_FailedLookup that says so, and what it may say: how many bits of the address are left. */
#define SEL4_MAPPING_LOOKUP_LEVEL   2
#define SEL4_MAPPING_LOOKUP_NO_PT   21
#define SEL4_MAPPING_LOOKUP_NO_PD   30
#define SEL4_MAPPING_LOOKUP_NO_PDPT 39

LIBSEL4_INLINE_FUNC seL4_Word seL4_MappingFailedLookupLevel(void)
{
	return seL4_GetMR(SEL4_MAPPING_LOOKUP_LEVEL);
}

#endif
