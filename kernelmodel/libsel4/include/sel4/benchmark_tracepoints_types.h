/* sel4/benchmark_tracepoints_types.h - of a kernel that measures itself, which this one does not: nothing. Layer: libsel4. */
#ifndef SKERRY_LIBSEL4_BENCHMARK_TRACEPOINTS_TYPES_H
#define SKERRY_LIBSEL4_BENCHMARK_TRACEPOINTS_TYPES_H
#include <sel4/config.h>
#endif
