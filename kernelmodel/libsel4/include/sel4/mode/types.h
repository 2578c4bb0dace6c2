/* sel4/mode/types.h - types of 64-bit machines. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_MODE_TYPES_H
#define SKERRY_LIBSEL4_MODE_TYPES_H
#include <sel4/types.h>
#endif
