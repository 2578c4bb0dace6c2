/* sel4/sel4_arch/functions.h - the current thread's IPC buffer. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_SEL4_ARCH_FUNCTIONS_H
#define SKERRY_LIBSEL4_SEL4_ARCH_FUNCTIONS_H
#include <sel4/functions.h>
#endif
