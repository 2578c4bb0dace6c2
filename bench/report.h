/* bench/report.h - figures of the rounds, and how they are printed. Layer: bench. */
#ifndef SKERRY_BENCH_REPORT_H
#define SKERRY_BENCH_REPORT_H
#include <stdint.h>
#include <stdio.h>
#include "bench/bench.h"

#define BENCH_CHECKED_BATCHES 256 /* a row's checksum is kept for its first batches */

/* A selected row with what was measured: one figure a round. */
struct bench_result {
	const struct bench_row *row;
	void *subject;
	const char *skipped;      /* why it did not run, or NULL */
	double *real_ns, *cpu_ns; /* an operation, by round; owned */
	uint64_t operations, batches;
	uint64_t checksum[BENCH_CHECKED_BATCHES];
};

struct bench_results {
	struct bench_result *result;
	unsigned count, rounds;
	double load_average; /* when the run began */
};

struct bench_quartiles {
	double q1, median, q3;
};

/* `sample` is borrowed and left as it is. */
struct bench_quartiles bench_quartiles(const double *sample, unsigned count);

/* Counter `index` of a result: ratios to other rows first, then the row's own. Returns 0 when there is no
 * such counter, 1 when there is, -1 when it compares with a row that was not selected or was skipped. *against is the
 * comparison, NULL for a counter of the row's own. */
int bench_counter(const struct bench_results *results, unsigned row, unsigned index,
		  struct bench_counter *out, const struct bench_against **against);

void bench_report_text(const struct bench_results *results, FILE *out);
int bench_report_json(const struct bench_results *results, const char *executable, FILE *out); /* 0 or -EIO */

#endif
