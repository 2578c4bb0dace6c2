/* sel4/syscalls_mcs.h - the system calls. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_SYSCALLS_MCS_H
#define SKERRY_LIBSEL4_SYSCALLS_MCS_H
#include <sel4/syscalls.h>
#endif
