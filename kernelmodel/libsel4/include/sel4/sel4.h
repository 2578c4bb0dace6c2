/* sel4/sel4.h - seL4's user API: types, system calls, invocations, boot info, faults.
 *
 * For programs written for seL4 16.0 on x86_64 with the MCS kernel, which compile against it unchanged. What is linked
 * from outside is three symbols: skerry_syscall, skerry_ipc_buffer and skerry_boot_info. C11 and C++17.
 * Layer: libsel4, which includes nothing else. <skerry/user.h> has what there is beyond seL4. */
#ifndef SKERRY_LIBSEL4_SEL4_H
#define SKERRY_LIBSEL4_SEL4_H
#include <sel4/config.h>
#include <sel4/types.h>
#include <sel4/macros.h>
#include <sel4/syscalls.h>
#include <sel4/invocation.h>
#include <interfaces/sel4_client.h>
#include <sel4/virtual_client.h>
#include <sel4/bootinfo.h>
#include <sel4/faults.h>
#include <sel4/deprecated.h>
#include <sel4/constants.h>
#include <sel4/sel4_arch/mapping.h>

#endif
