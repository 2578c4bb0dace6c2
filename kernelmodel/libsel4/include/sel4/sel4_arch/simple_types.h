/* sel4/sel4_arch/simple_types.h - scalar types. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_SEL4_ARCH_SIMPLE_TYPES_H
#define SKERRY_LIBSEL4_SEL4_ARCH_SIMPLE_TYPES_H
#include <sel4/simple_types.h>
#endif
