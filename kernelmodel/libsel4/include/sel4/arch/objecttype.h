/* sel4/arch/objecttype.h - types of objects. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_ARCH_OBJECTTYPE_H
#define SKERRY_LIBSEL4_ARCH_OBJECTTYPE_H
#include <sel4/objecttype.h>
#endif
