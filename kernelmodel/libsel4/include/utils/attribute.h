/* utils/attribute.h - attributes of functions and variables. Layer: libsel4. */
#ifndef SKERRY_UTILS_ATTRIBUTE_H
#define SKERRY_UTILS_ATTRIBUTE_H

#define ALIGN(bytes)       __attribute__((aligned(bytes)))
#define CLEANUP(call)      __attribute__((cleanup(call)))
#define DEPRECATED(remedy) __attribute__((deprecated(remedy)))
#define FORCE_INLINE       __attribute__((always_inline))
#define NO_INLINE          __attribute__((noinline))
#define NONNULL(...)       __attribute__((nonnull(__VA_ARGS__)))
#define NORETURN           __attribute__((noreturn))
#define PACKED             __attribute__((packed))
#define UNUSED             __attribute__((unused))
#define USED               __attribute__((used))
#define VISIBLE            __attribute__((externally_visible))
#define WARN_UNUSED_RESULT __attribute__((warn_unused_result))
#define WEAK               __attribute__((weak))
#define SECTION(name)      __attribute__((section(name)))
#define LIKELY(x)          __builtin_expect(!!(x), 1)
#define UNLIKELY(x)        __builtin_expect(!!(x), 0)
#ifndef likely
#define likely(x) LIKELY(x)
#endif
#ifndef unlikely
#define unlikely(x) UNLIKELY(x)
#endif

#endif
