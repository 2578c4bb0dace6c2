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

/* Objects of VT-x, which this kernel does not make: sources name their sizes nevertheless. */
#define seL4_VCPUBits             14
#define seL4_X86_VCPUBits         seL4_VCPUBits
#define seL4_X86_EPTPML4EntryBits 3
#define seL4_X86_EPTPML4IndexBits 9
#define seL4_X86_EPTPML4Bits      12
#define seL4_X86_EPTPDPTEntryBits 3
#define seL4_X86_EPTPDPTIndexBits 9
#define seL4_X86_EPTPDPTBits      12
#define seL4_X86_EPTPDEntryBits   3
#define seL4_X86_EPTPDIndexBits   9
#define seL4_X86_EPTPDBits        12
#define seL4_X86_EPTPTEntryBits   3
#define seL4_X86_EPTPTIndexBits   9
#define seL4_X86_EPTPTBits        12

#endif
