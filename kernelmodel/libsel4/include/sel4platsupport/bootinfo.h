/* sel4platsupport/bootinfo.h - the boot info, by the name that seL4's libraries give it. Layer: libsel4. */
#ifndef SKERRY_SEL4PLATSUPPORT_BOOTINFO_H
#define SKERRY_SEL4PLATSUPPORT_BOOTINFO_H
#include <sel4/bootinfo.h>
#include <sel4/sel4.h>

LIBSEL4_INLINE_FUNC seL4_BootInfo *platsupport_get_bootinfo(void) { return seL4_GetBootInfo(); }

#endif
