/* sel4/sel4_arch/invocation.h - labels of invocations. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_SEL4_ARCH_INVOCATION_H
#define SKERRY_LIBSEL4_SEL4_ARCH_INVOCATION_H
#include <sel4/invocation.h>
#endif
