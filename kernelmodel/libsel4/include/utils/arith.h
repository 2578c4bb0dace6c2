/* utils/arith.h - powers of two, rounding, limits. Layer: libsel4. */
#ifndef SKERRY_UTILS_ARITH_H
#define SKERRY_UTILS_ARITH_H
#include <autoconf.h>

#ifndef BIT
#define BIT(n) (1ul << (n))
#endif
/* The n lowest bits, 1 <= n <= 64. */
#ifndef MASK
#define MASK(n) (~0ul >> (64 - (n)))
#endif
#define MASK_UNSAFE(n)           (BIT(n) - 1ul)
#define IS_ALIGNED(n, b)         (!((n)&MASK(b)))
#define ALIGN_UP(x, n)           (((x) + (n)-1) & ~((n)-1))
#define ALIGN_DOWN(x, n)         ((x) & ~((n)-1))
#define ROUND_UP(n, b)           ((((n) + (b)-1) / (b)) * (b))
#define ROUND_DOWN(n, b)         (((n) / (b)) * (b))
#define DIV_ROUND_UP(n, d)       (((n) + (d)-1) / (d))
#define LOG_BASE_2(n)            (63 - __builtin_clzl(n))
#define IS_POWER_OF_2_OR_ZERO(x) (0 == ((x) & ((x)-1)))
#define IS_POWER_OF_2(x)         ((x) != 0 && IS_POWER_OF_2_OR_ZERO(x))
#define ARRAY_SIZE(x)            (sizeof(x) / sizeof((x)[0]))
#ifndef MIN
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#endif
#ifndef MAX
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#endif
#define MIN_UNSAFE(a, b)       MIN(a, b)
#define MAX_UNSAFE(a, b)       MAX(a, b)
#define CLAMP(min, value, max) MIN(MAX(value, min), max)
#define INRANGE(a, x, b)       CLAMP(a, x, b)

#endif
