/* sel4/mapping.h - what lacks when a page cannot be mapped. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_MAPPING_H
#define SKERRY_LIBSEL4_MAPPING_H
#include <sel4/sel4_arch/mapping.h>
#endif
