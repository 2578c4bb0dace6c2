/* sel4/arch/invocation.h - labels of invocations. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_ARCH_INVOCATION_H
#define SKERRY_LIBSEL4_ARCH_INVOCATION_H
#include <sel4/invocation.h>
#endif
