/* sel4/arch/syscalls.h - the system calls. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_ARCH_SYSCALLS_H
#define SKERRY_LIBSEL4_ARCH_SYSCALLS_H
#include <sel4/syscalls.h>
#endif
