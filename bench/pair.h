/* bench/pair.h - rows of two pinned threads: what a round trip or a frame costs between them.
 *
 * A row gives two functions, one for each thread. A batch runs them at each of BENCH_PLACES places: the same places,
 * in the same memory, for every row, because what a transfer costs depends on which line it is (caches are hashed
 * over the die), and so does every ratio of rows that use different lines. At a place: one sample to warm up, then
 * BENCH_SAMPLES that count. Both threads begin a sample together, each by turns a little ahead of the other; thread 0
 * times it.
 *
 * A sample is dropped if either thread was switched out during it (getrusage), or if it took more than three times
 * what a quarter of its batch stays below (a hypervisor takes the CPU without telling). The batch's figure is the mean over the
 * places of the mean of their samples; the counter `dropped` says which share was dropped of all samples so far, in
 * percent. A batch with no sample left counts whole.
 *
 * What such a row does not show: a third core, several senders, lines that other data pushes out of the caches,
 * and anything but the two CPUs that placement took.
 *
 * Thread rule: the harness's thread alone calls these; it sleeps while the pair works. Layer: bench. */
#ifndef SKERRY_BENCH_PAIR_H
#define SKERRY_BENCH_PAIR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "bench/bench.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_PLACES      32
#define BENCH_SAMPLES     6
#define BENCH_PLACE_BYTES ((size_t)1 << 20)
#define BENCH_WAYS_MAX    8

/* One way to do the work of a row. All that follows is constant. */
struct bench_way {
	const char *name;           /* of the way, as a counter, if the row has several */
	uint32_t slots, operations; /* slots: for place(); operations in a sample */
	bool one_cpu;               /* both threads on one CPU */
	bool sleeps;                /* switches are what the row measures: they drop no sample */
	/* Makes the subject in `bytes` of zeroed memory, aligned to 128. Thread 0, before the first sample at a place.
	 * Returns false when the system refuses. */
	size_t bytes; /* at most BENCH_PLACE_BYTES */
	bool (*place)(void *memory, uint32_t slots);
	/* Operations first .. first + count - 1 of this place; returns 0, or what differed. */
	uint64_t (*side[2])(void *memory, uint64_t first, uint64_t count);
	void (*leave)(void *memory); /* after the last sample at a place; may be NULL */
	uint32_t idle_ns;            /* that each operation waits on purpose, and that is not counted */
};

/* bench_row.parameter of such a row. With several ways a batch runs all and takes the fastest; a counter a way says how
 * often it was that one. */
struct bench_ways {
	unsigned count;
	struct bench_way way[BENCH_WAYS_MAX];
};

/* The members of a bench_row: all but name and against. */
#define BENCH_PAIR(ways)                                                                                     \
	.parameter = &(ways), .skip = bench_pair_skip, .setup = bench_pair_setup, .run = bench_pair_run,     \
	.batch_ns = bench_pair_ns, .fault = bench_pair_fault, .counters = bench_pair_counters,               \
	.teardown = bench_pair_teardown

const char *bench_pair_skip(const struct bench_row *row);
void *bench_pair_setup(const struct bench_row *row);
uint64_t bench_pair_run(void *subject);
double bench_pair_ns(void *subject);
const char *bench_pair_fault(void *subject);
unsigned bench_pair_counters(void *subject, struct bench_counter *counter);
void bench_pair_teardown(void *subject);

#ifdef __cplusplus
}
#endif
#endif
