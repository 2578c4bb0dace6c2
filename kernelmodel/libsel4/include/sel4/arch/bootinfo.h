/* sel4/arch/bootinfo.h - chunks of boot info of x86. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_ARCH_BOOTINFO_H
#define SKERRY_LIBSEL4_ARCH_BOOTINFO_H
#include <sel4/arch/bootinfo_types.h>
#endif
