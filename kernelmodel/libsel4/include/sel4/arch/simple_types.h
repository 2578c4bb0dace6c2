/* sel4/arch/simple_types.h - scalar types. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_ARCH_SIMPLE_TYPES_H
#define SKERRY_LIBSEL4_ARCH_SIMPLE_TYPES_H
#include <sel4/simple_types.h>
#endif
