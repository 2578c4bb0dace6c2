/* sel4/arch/constants.h - what every x86 has, 32 and 64 bits: vectors of interrupts. Layer: libsel4.
 *
 * Source: seL4 16.0, x86. */
#ifndef SKERRY_LIBSEL4_ARCH_CONSTANTS_H
#define SKERRY_LIBSEL4_ARCH_CONSTANTS_H
#include <sel4/sel4_arch/constants.h>

/* The vectors that seL4_IRQControl_GetIOAPIC() and _GetMSI() may be asked for; the processor's vector is IRQ_OFFSET more. */
#define VECTOR_MIN (0)
#define VECTOR_MAX (109)
#define MSI_MIN    VECTOR_MIN
#define MSI_MAX    VECTOR_MAX
#define IRQ_OFFSET (0x20 + 16)

#endif
