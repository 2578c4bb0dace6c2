/* autoconf.h - the configuration of the kernel that these headers speak to, by the names of seL4's build.
 *
 * x86_64, MCS, 256 priorities, 4 domains, no IOMMU and no VT-x. What is off is not defined, as in seL4's own header, so
 * that both `#ifdef` and `#if CONFIG_... > n` in a program written for seL4 choose what they would choose there.
 *
 * Layer: libsel4; includes nothing. Source: seL4 16.0, the options of its build. */
#ifndef SKERRY_LIBSEL4_AUTOCONF_H
#define SKERRY_LIBSEL4_AUTOCONF_H

/* clang-format off */
#define CONFIG_ARCH_X86                          1
#define CONFIG_ARCH_X86_64                       1
#define CONFIG_SEL4_ARCH                         x86_64
#define CONFIG_ARCH                              x86
#define CONFIG_WORD_SIZE                         64
#define CONFIG_PLAT_PC99                         1
#define CONFIG_PLAT                              pc99
#define CONFIG_HAVE_FPU                          1
#define CONFIG_HUGE_PAGE                         1
#define CONFIG_IRQ_IOAPIC                        1
#define CONFIG_MAX_NUM_IOAPIC                    1
#define CONFIG_SYSCALL                           1
#define CONFIG_XSAVE_SIZE                        576
#define CONFIG_FSGSBASE_INST                     1
#define CONFIG_SUPPORT_PCID                      1
#define CONFIG_CACHE_LN_SZ                       64
#define CONFIG_KERNEL_MCS                        1
#define CONFIG_KERNEL_STATIC_MAX_PERIOD_US       0
#define CONFIG_FASTPATH                          1
#define CONFIG_NUM_PRIORITIES                    256
#define CONFIG_NUM_DOMAINS                       4
#define CONFIG_NUM_DOMAIN_SCHEDULES              100
#define CONFIG_MAX_NUM_NODES                     64
#define CONFIG_ENABLE_SMP_SUPPORT                1
#define CONFIG_ROOT_CNODE_SIZE_BITS              16
#define CONFIG_BOOT_THREAD_TIME_SLICE            5
#define CONFIG_RETYPE_FAN_OUT_LIMIT              256
#define CONFIG_MAX_NUM_WORK_UNITS_PER_PREEMPTION 100
#define CONFIG_RESET_CHUNK_BITS                  8
#define CONFIG_MAX_NUM_BOOTINFO_UNTYPED_CAPS     230
#define CONFIG_MAX_NUM_TRACE_POINTS              0
#define CONFIG_NO_BENCHMARKS                     1
#define CONFIG_KERNEL_STACK_BITS                 12
#define CONFIG_KERNEL_WCET_SCALE                 1
#define CONFIG_DEBUG_BUILD                       1
#define CONFIG_PRINTING                          1
#define CONFIG_USER_STACK_TRACE_LENGTH           16
#define CONFIG_LIB_SEL4_INLINE_INVOCATIONS       1
/* clang-format on */

#endif
