/* sel4/arch/deprecated.h - older names. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_ARCH_DEPRECATED_H
#define SKERRY_LIBSEL4_ARCH_DEPRECATED_H
#include <sel4/deprecated.h>
#endif
