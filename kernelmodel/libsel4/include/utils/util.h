/* utils/util.h - what programs use of seL4's utility library: sizes, rounding, messages. Layer: libsel4. */
#ifndef SKERRY_UTILS_UTIL_H
#define SKERRY_UTILS_UTIL_H
#include <assert.h>
#include <autoconf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <utils/arith.h>
#include <utils/attribute.h>
#include <utils/zf_log.h>

#define LOG_ERROR(...) ZF_LOGE(__VA_ARGS__)
#define LOG_INFO(...)  ZF_LOGI(__VA_ARGS__)

#define PAGE_BITS_4K             12
#define PAGE_SIZE_4K             BIT(PAGE_BITS_4K)
#define BYTES_TO_4K_PAGES(bytes) DIV_ROUND_UP(bytes, PAGE_SIZE_4K)
#define PAGE_ALIGN_4K(address)   ALIGN_DOWN(address, PAGE_SIZE_4K)

#define COMPILER_MEMORY_FENCE()              __atomic_signal_fence(__ATOMIC_ACQ_REL)
#define THREAD_MEMORY_FENCE()                __atomic_thread_fence(__ATOMIC_ACQ_REL)
#define THREAD_MEMORY_ACQUIRE()              __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define THREAD_MEMORY_RELEASE()              __atomic_thread_fence(__ATOMIC_RELEASE)
#define compile_time_assert(name, condition) SEL4_COMPILE_ASSERT(name, condition)

#define NS_IN_S  1000000000ul
#define NS_IN_MS 1000000ul
#define NS_IN_US 1000ul
#define US_IN_S  1000000ul
#define US_IN_MS 1000ul
#define MS_IN_S  1000ul

#endif
