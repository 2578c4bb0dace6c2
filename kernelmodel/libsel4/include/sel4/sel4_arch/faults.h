/* sel4/sel4_arch/faults.h - fault messages. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_SEL4_ARCH_FAULTS_H
#define SKERRY_LIBSEL4_SEL4_ARCH_FAULTS_H
#include <sel4/faults.h>
#endif
