/* sim/histogram.h - counts of values with a relative error of at most 1 %.
 *
 * Log-linear buckets as HdrHistogram's: exact below 128, then 64 for each power of two. A percentile is the
 * middle of its bucket, so it is off by at most 1/128 of the value. Recording is a shift and an increment,
 * merging is addition. Values are 64-bit, in the unit that the caller chose; a zeroed struct is an empty
 * histogram. One thread owns a histogram. Layer: sim. */
#ifndef SKERRY_SIM_HISTOGRAM_H
#define SKERRY_SIM_HISTOGRAM_H
#include <stdint.h>
#include <stdio.h>

#define SIM_HISTOGRAM_BUCKETS (128 + 57 * 64)

struct sim_histogram {
	uint64_t count, max, min, sum; /* the sum stays at UINT64_MAX once it is there */
	uint64_t bucket[SIM_HISTOGRAM_BUCKETS];
};

void sim_histogram_record(struct sim_histogram *h, uint64_t value);
void sim_histogram_merge(struct sim_histogram *into, const struct sim_histogram *from);

/* The value at or below which `per_million` of a million records lie (500000: the median), 0 if none.
 * The middle of its bucket, clamped to [min, max]; 1000000 gives the exact maximum. */
uint64_t sim_histogram_at(const struct sim_histogram *h, uint32_t per_million);

/* Writes HdrHistogram's percentile table (.hgrm: Value, Percentile, TotalCount, 1/(1-Percentile)) with the
 * values divided by `unit`, five rows for each halving of the rest. Returns 0 or -EIO. */
int sim_histogram_write_hgrm(const struct sim_histogram *h, FILE *out, double unit);

#endif
