/* sel4utils/strerror.h - names of errors. Layer: libsel4. */
#ifndef SKERRY_SEL4UTILS_STRERROR_H
#define SKERRY_SEL4UTILS_STRERROR_H
#include <sel4/errors.h>

LIBSEL4_INLINE_FUNC const char *sel4_strerror(int error)
{
	static const char *const name[] = {
		"seL4_NoError",     "seL4_InvalidArgument", "seL4_InvalidCapability", "seL4_IllegalOperation",
		"seL4_RangeError",  "seL4_AlignmentError",  "seL4_FailedLookup",      "seL4_TruncatedMessage",
		"seL4_DeleteFirst", "seL4_RevokeFirst",     "seL4_NotEnoughMemory"};
	return error >= 0 && error < (int)seL4_NumErrors ? name[error] : "unknown error";
}

#endif
