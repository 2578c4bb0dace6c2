#include "sim/histogram.h"
#include <errno.h>
#include <inttypes.h>

/* Buckets 0..127 hold one value each; bucket 128 + (e - 7) * 64 + s holds the values of 2^e whose next six
 * bits are s. */
#define EXACT      128
#define EXACT_BITS 7
#define STEP_BITS  6
#define STEPS      (1 << STEP_BITS)
_Static_assert(SIM_HISTOGRAM_BUCKETS == EXACT + (64 - EXACT_BITS) * STEPS, "every 64-bit value has a bucket");

static unsigned bucket_of(uint64_t value)
{
	unsigned exponent;

	if (value < EXACT)
		return (unsigned)value;
	exponent = 63 - (unsigned)__builtin_clzll(value);
	return EXACT + (exponent - EXACT_BITS) * STEPS +
	       (unsigned)(value >> (exponent - STEP_BITS) & (STEPS - 1));
}

static uint64_t bucket_middle(unsigned bucket)
{
	unsigned shift;
	uint64_t low;

	if (bucket < EXACT)
		return bucket;
	shift = (bucket - EXACT) / STEPS + EXACT_BITS - STEP_BITS;
	low = (uint64_t)(STEPS + (bucket - EXACT) % STEPS) << shift;
	return low + (UINT64_C(1) << (shift - 1));
}

static uint64_t add_saturating(uint64_t a, uint64_t b)
{
	uint64_t sum;

	return __builtin_add_overflow(a, b, &sum) ? UINT64_MAX : sum;
}

void sim_histogram_record(struct sim_histogram *h, uint64_t value)
{
	if (h->count == 0 || value < h->min)
		h->min = value;
	if (value > h->max)
		h->max = value;
	h->count++;
	h->sum = add_saturating(h->sum, value);
	h->bucket[bucket_of(value)]++;
}

void sim_histogram_merge(struct sim_histogram *into, const struct sim_histogram *from)
{
	if (from->count == 0)
		return;
	if (into->count == 0 || from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	into->sum = add_saturating(into->sum, from->sum);
	for (unsigned i = 0; i < SIM_HISTOGRAM_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
}

static uint64_t bucket_value(const struct sim_histogram *h, unsigned bucket)
{
	uint64_t value = bucket_middle(bucket);

	if (value < h->min)
		return h->min;
	return value > h->max ? h->max : value;
}

uint64_t sim_histogram_at(const struct sim_histogram *h, uint32_t per_million)
{
	uint64_t rank, seen = 0;

	if (h->count == 0 || per_million >= 1000000)
		return h->max;
	rank = (uint64_t)(((unsigned __int128)h->count * per_million + 999999) / 1000000);
	if (rank == 0)
		return h->min;
	for (unsigned i = 0; i < SIM_HISTOGRAM_BUCKETS; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			return bucket_value(h, i);
	}
	return h->max;
}

/* Newton's method from above: keeps libm out of the library. */
static double square_root(double value)
{
	double root = value > 1 ? value : 1, next;

	for (;;) {
		next = (root + value / root) / 2;
		if (!(next < root))
			return root;
		root = next;
	}
}

static double deviation(const struct sim_histogram *h, double mean)
{
	double squares = 0;

	for (unsigned i = 0; i < SIM_HISTOGRAM_BUCKETS; i++) {
		double distance;

		if (h->bucket[i] == 0)
			continue;
		distance = (double)bucket_value(h, i) - mean;
		squares += distance * distance * (double)h->bucket[i];
	}
	return h->count ? square_root(squares / (double)h->count) : 0;
}

/* HdrHistogram's rows: five for each halving of what is left above, so that the tail is drawn as finely as
 * the body. Row `tick` of halving k is the quantile 1 - (10 - tick) / (10 * 2^k). */
static void write_rows(const struct sim_histogram *h, FILE *out, double unit)
{
	uint64_t seen = 0;
	unsigned bucket = 0;

	for (unsigned halving = 0; halving < 60; halving++) {
		for (unsigned tick = 0; tick < 5; tick++) {
			double left = (double)(10 - tick) / (10.0 * (double)(UINT64_C(1) << halving));
			double quantile = 1 - left;

			while (bucket < SIM_HISTOGRAM_BUCKETS &&
			       (seen == 0 || (double)seen < quantile * (double)h->count))
				seen += h->bucket[bucket++];
			if (seen >= h->count)
				return;
			fprintf(out, "%12.3f %2.12f %10" PRIu64 " %14.2f\n",
				(double)bucket_value(h, bucket - 1) / unit, quantile, seen, 1 / left);
		}
	}
}

int sim_histogram_write_hgrm(const struct sim_histogram *h, FILE *out, double unit)
{
	double mean = h->count ? (double)h->sum / (double)h->count : 0;

	fprintf(out, "%12s %14s %10s %14s\n\n", "Value", "Percentile", "TotalCount", "1/(1-Percentile)");
	if (h->count) {
		write_rows(h, out, unit);
		fprintf(out, "%12.3f %2.12f %10" PRIu64 "\n", (double)h->max / unit, 1.0, h->count);
	}
	fprintf(out, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean / unit,
		deviation(h, mean) / unit);
	fprintf(out, "#[Max     = %12.3f, Total count    = %12" PRIu64 "]\n", (double)h->max / unit,
		h->count);
	fprintf(out, "#[Buckets = %12d, SubBuckets     = %12d]\n", 64 - EXACT_BITS + 1, EXACT);
	return ferror(out) ? -EIO : 0;
}
