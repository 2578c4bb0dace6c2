/* sel4/syscall.h - numbers of the system calls. Layer: libsel4.
 *
 * The debug calls' numbers do not depend on which of them are configured: those that a kernel lacks are faults of an
 * unknown system call. Source: seL4 16.0, MCS. */
#ifndef SKERRY_LIBSEL4_SYSCALL_H
#define SKERRY_LIBSEL4_SYSCALL_H
#include <sel4/macros.h>

typedef enum {
	seL4_SysCall = -1,
	seL4_SysReplyRecv = -2,
	seL4_SysNBSendRecv = -3,
	seL4_SysNBSendWait = -4,
	seL4_SysSend = -5,
	seL4_SysNBSend = -6,
	seL4_SysRecv = -7,
	seL4_SysNBRecv = -8,
	seL4_SysWait = -9,
	seL4_SysNBWait = -10,
	seL4_SysYield = -11,
	/* CONFIG_PRINTING */
	seL4_SysDebugPutChar = -12,
	seL4_SysDebugDumpScheduler = -13,
	/* CONFIG_DEBUG_BUILD */
	seL4_SysDebugHalt = -14,
	seL4_SysDebugCapIdentify = -15,
	seL4_SysDebugSnapshot = -16,
	seL4_SysDebugNameThread = -17,
	seL4_SysDebugSendIPI = -18,
	/* -19 to -28 run code in the kernel, measure it, or write its machine-specific registers: not configured. */
	SEL4_FORCE_LONG_ENUM(seL4_Syscall_ID)
} seL4_Syscall_ID;

#endif
