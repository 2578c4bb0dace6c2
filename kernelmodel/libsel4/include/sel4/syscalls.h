/* sel4/syscalls.h - the system calls, which each machine has its own of. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_SYSCALLS_H
#define SKERRY_LIBSEL4_SYSCALLS_H
#include <sel4/sel4_arch/syscalls.h>
#endif
