/* sel4/sel4_arch/deprecated.h - older names. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_SEL4_ARCH_DEPRECATED_H
#define SKERRY_LIBSEL4_SEL4_ARCH_DEPRECATED_H
#include <sel4/deprecated.h>
#endif
