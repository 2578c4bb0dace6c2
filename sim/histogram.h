/* sim/histogram.h - counts of values with a relative error of at most 1 %.
 *
 * Log-linear buckets: exact below 128, then 64 a power of two, as HdrHistogram with two digits does, so
 * a percentile is off by at most 1/128 of its value. Recording is a shift and an increment. Merging is addition. Values are 64-bit,
 * in the unit that the caller chose. Layer: sim. One thread owns a histogram. */
#ifndef SKERRY_SIM_HISTOGRAM_H
#define SKERRY_SIM_HISTOGRAM_H
#include <stdint.h>
#include <stdio.h>

#define SIM_HISTOGRAM_BUCKETS (128 + 57 * 64)

struct sim_histogram {
	uint64_t count, max, min, sum;
	uint64_t bucket[SIM_HISTOGRAM_BUCKETS];
};

void sim_histogram_record(struct sim_histogram *h, uint64_t value);
void sim_histogram_merge(struct sim_histogram *into, const struct sim_histogram *from);

/* The value at or below which `per_million` of a million records lie (500000: the median), 0 if none.
 * The middle of its bucket, clamped to [min, max]; 1000000 gives the exact maximum. */
uint64_t sim_histogram_at(const struct sim_histogram *h, uint32_t per_million);

/* Writes HdrHistogram's percentile table (.hgrm: Value, Percentile, TotalCount, 1/(1-Percentile)), values
 * divided by `unit`. Returns 0 or -EIO. */
int sim_histogram_write_hgrm(const struct sim_histogram *h, FILE *out, double unit);

#endif
