/* sel4/errors.h - what an invocation may answer. Layer: libsel4. Source: seL4 16.0 manual, section 10.1. */
#ifndef SKERRY_LIBSEL4_ERRORS_H
#define SKERRY_LIBSEL4_ERRORS_H
#include <sel4/macros.h>

typedef enum {
	seL4_NoError = 0,
	seL4_InvalidArgument = 1,   /* MR0: its number */
	seL4_InvalidCapability = 2, /* MR0: its number */
	seL4_IllegalOperation = 3,
	seL4_RangeError = 4, /* MR0, MR1: least and greatest legal value */
	seL4_AlignmentError = 5,
	seL4_FailedLookup = 6, /* MR0: 1 if the source's; MR1: seL4_LookupFailureType; then its details */
	seL4_TruncatedMessage = 7,
	seL4_DeleteFirst = 8,
	seL4_RevokeFirst = 9,
	seL4_NotEnoughMemory = 10, /* MR0: bytes that are left */
	/* How many there are; no call answers it. */
	seL4_NumErrors = 11
} seL4_Error; /* as wide as `int`, unlike the other enumerations: programs print it so */

typedef enum {
	seL4_NoFailure = 0,
	seL4_InvalidRoot = 1,
	seL4_MissingCapability = 2,
	seL4_DepthMismatch = 3,
	seL4_GuardMismatch = 4,
	SEL4_FORCE_LONG_ENUM(seL4_LookupFailureType)
} seL4_LookupFailureType;

#endif
