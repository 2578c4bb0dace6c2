/* sel4/constants.h - limits, sizes and numbers that the kernel and its users share. Layer: libsel4.
 *
 * Calls nothing and declares no function that must be linked: the kernel includes it too. C11 and C++17.
 * Source: seL4 16.0, MCS. */
#ifndef SKERRY_LIBSEL4_CONSTANTS_H
#define SKERRY_LIBSEL4_CONSTANTS_H
#include <sel4/config.h>
#include <sel4/macros.h>
#include <sel4/simple_types.h>
#include <sel4/errors.h>
#include <sel4/root_slots.h>
#include <sel4/syscall.h>
#include <sel4/arch/constants.h>
#include <sel4/sel4_arch/constants.h>

enum priorityConstants { seL4_InvalidPrio = -1, seL4_MinPrio = 0, seL4_MaxPrio = CONFIG_NUM_PRIORITIES - 1 };

enum seL4_MsgLimits { seL4_MsgLengthBits = 7, seL4_MsgExtraCapBits = 2, seL4_MsgMaxLength = 120 };
#define seL4_MsgMaxExtraCaps (LIBSEL4_BIT(seL4_MsgExtraCapBits) - 1)

#define seL4_CapRightsBits 4
#define seL4_GuardSizeBits 6
#define seL4_GuardBits     58
#define seL4_BadgeBits     64

/* Of seL4_TCB_SetFlags(). */
typedef enum {
	seL4_TCBFlag_NoFlag = 0x0,
	seL4_TCBFlag_fpuDisabled = 0x1,
	seL4_TCBFlag_MASK = seL4_TCBFlag_fpuDisabled,
	SEL4_FORCE_LONG_ENUM(seL4_TCBFlag)
} seL4_TCBFlag;

/* A scheduling context is 2^bits bytes: a fixed part, which has room for the two refills that each has, and the extra
 * refills. */
#define seL4_MinSchedContextBits   7
#define seL4_CoreSchedContextBytes (10 * sizeof(seL4_Word) + (6 * 8))
#define seL4_RefillSizeBytes       (2 * 8)
SKERRY_STATIC_ASSERT(seL4_CoreSchedContextBytes == 128, "the fixed part of a scheduling context");
static inline LIBSEL4_UNUSED seL4_Word seL4_MaxExtraRefills(seL4_Word size)
{
	return (LIBSEL4_BIT(size) - seL4_CoreSchedContextBytes) / seL4_RefillSizeBytes;
}

/* Of seL4_SchedControl_ConfigureFlags(). */
typedef enum {
	seL4_SchedContext_NoFlag = 0x0,
	seL4_SchedContext_Sporadic = 0x1,
	SEL4_FORCE_LONG_ENUM(seL4_SchedContextFlag)
} seL4_SchedContextFlag;

/* Labels of fault messages. The kernel makes neither 4 (debug exceptions) nor any of a virtual machine's. */
enum seL4_Fault_tag {
	seL4_Fault_NullFault = 0,
	seL4_Fault_CapFault = 1,
	seL4_Fault_UnknownSyscall = 2,
	seL4_Fault_UserException = 3,
	seL4_Fault_Timeout = 5,
	seL4_Fault_VMFault = 6
};
typedef enum seL4_Fault_tag seL4_Fault_tag_t;

typedef enum {
	seL4_CapFault_IP,
	seL4_CapFault_Addr,
	seL4_CapFault_InRecvPhase,
	seL4_CapFault_LookupFailureType,
	seL4_CapFault_BitsLeft,
	seL4_CapFault_DepthMismatch_BitsFound,
	seL4_CapFault_GuardMismatch_GuardFound = seL4_CapFault_DepthMismatch_BitsFound,
	seL4_CapFault_GuardMismatch_BitsFound,
	SEL4_FORCE_LONG_ENUM(seL4_CapFault_Msg)
} seL4_CapFault_Msg;

#endif
