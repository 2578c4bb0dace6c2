/* sel4/bootinfo.h - where the first program finds what the kernel told it. Layer: libsel4.
 *
 * The page belongs to the program: it may write to it. Source: seL4 16.0. */
#ifndef SKERRY_LIBSEL4_BOOTINFO_H
#define SKERRY_LIBSEL4_BOOTINFO_H
#include <sel4/bootinfo_types.h>

#ifdef __cplusplus
extern "C" {
#endif
seL4_BootInfo *skerry_boot_info(void);
#ifdef __cplusplus
}
#endif

LIBSEL4_INLINE_FUNC seL4_BootInfo *seL4_GetBootInfo(void) { return skerry_boot_info(); }
/* Whoever runs the program knows its boot info; what a program says changes nothing. */
LIBSEL4_INLINE_FUNC void seL4_InitBootInfo(seL4_BootInfo *bi) { (void)bi; }

#endif
