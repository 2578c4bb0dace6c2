/* sel4/macros.h - what the other headers are written with; programs use some of it too.
 *
 * Layer: libsel4. C11 and C++17. */
#ifndef SKERRY_LIBSEL4_MACROS_H
#define SKERRY_LIBSEL4_MACROS_H
#include <autoconf.h>

#define LIBSEL4_UNUSED      __attribute__((unused))
#define LIBSEL4_WEAK        __attribute__((weak))
#define LIBSEL4_NOINLINE    __attribute__((noinline))
#define LIBSEL4_INLINE      LIBSEL4_UNUSED static inline
#define LIBSEL4_INLINE_FUNC LIBSEL4_UNUSED static inline

#define SEL4_PACKED                 __attribute__((packed))
#define SEL4_DEPRECATED(remedy)     __attribute__((deprecated(remedy)))
#define SEL4_DEPRECATE_MACRO(name)  name
#define SEL4_OFFSETOF(type, member) __builtin_offsetof(type, member)
#define LIBSEL4_BIT(n)              (1ul << (n))
#ifndef CONST
#define CONST __attribute__((__const__))
#endif
#ifndef PURE
#define PURE __attribute__((__pure__))
#endif

/* A thread of a program has no storage of its own but its stack and its IPC buffer (sel4/functions.h). */
#define LIBSEL4_THREAD_LOCAL
/* The reply capability that a receive takes, in a source that is for kernels with and without them. */
#define LIBSEL4_MCS_REPLY reply

/* The last word of an enumeration: it makes the type as wide as `long`, which the ABI of structs relies on. */
#define SEL4_FORCE_LONG_ENUM(type) _enum_pad_##type = ((1ULL << ((sizeof(long) * 8) - 1)) - 1)

#ifdef __cplusplus
#define SKERRY_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define SKERRY_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif
#define SEL4_COMPILE_ASSERT(name, condition) SKERRY_STATIC_ASSERT(condition, #name);
#define SEL4_SIZE_SANITY(entry, index, size)                                                                 \
	SKERRY_STATIC_ASSERT((entry) + (index) == (size), #size " is not " #entry " and " #index)

#endif
