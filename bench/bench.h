/* bench/bench.h - one row of the benchmark, and the rows there are.
 *
 * A row is a small file: it says how to make its subject, how to run one batch, and which rows it is compared
 * with. The harness (bench/main.c) times batches of all rows in turn, so that a disturbance of the machine
 * meets all alike, and takes ratios within a round. Layer: bench. */
#ifndef SKERRY_BENCH_BENCH_H
#define SKERRY_BENCH_BENCH_H
#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BENCH_AGAINST_MAX  4
#define BENCH_COUNTERS_MAX 8

struct bench_counter {
	const char *name;
	double value;
};

/* Counter `counter` is the median over the rounds of (time of `row`) / (time of this row): how many times faster this
 * row is; with `over` of the inverse: how many times its time this row takes. A goal of 0 is none. */
struct bench_against {
	const char *counter, *row;
	bool over;
	double goal_min, goal_max; /* what the counter should be at least, at most */
};
#define BENCH_VS(counter_, row_)                                                                             \
	{                                                                                                    \
		.counter = counter_, .row = row_                                                             \
	}

struct bench_row {
	const char *name; /* "engine/phold_1e5" */
	/* Rows with the same work must give the same checksum after the same number of batches; NULL: alone. */
	const char *work;
	struct bench_against against[BENCH_AGAINST_MAX];
	const void *parameter; /* for the row's own use */
	bool slow;             /* a batch, and what it needs first, takes seconds: not with --quick */
	/* Why this row cannot run here, a sentence (static), or NULL: it can. May be NULL. */
	const char *(*skip)(const struct bench_row *row);
	/* Returns the subject, owned by the harness, or NULL when memory is short. */
	void *(*setup)(const struct bench_row *row);
	void (*prepare)(void *subject); /* before each batch; may be NULL */
	uint64_t (*run)(void *subject); /* one batch; returns the operations done. Only this is timed. */
	double (*batch_ns)(
		void *subject); /* of a row that times itself: what the last batch took; else NULL */
	/* What is wrong with the work that was done (static), or NULL: nothing. May be NULL. */
	const char *(*fault)(void *subject);
	uint64_t (*checksum)(void *subject); /* of all batches so far; required with `work` */
	/* Fills up to BENCH_COUNTERS_MAX counters, returns how many; may be NULL. */
	unsigned (*counters)(void *subject, struct bench_counter *counter);
	void (*teardown)(void *subject);
};

/* Each array ends with a row without a name. */
extern const struct bench_row bench_phold_rows[];
extern const struct bench_row bench_limit_rows[];
extern const struct bench_row bench_timers_rows[];
extern const struct bench_row bench_translate_rows[];
extern const struct bench_row bench_crypto_rows[];
extern const struct bench_row bench_protocol_rows[];
extern const struct bench_row bench_demo_rows[];
extern const struct bench_row bench_lines_rows[];
extern const struct bench_row bench_ring_rows[];
extern const struct bench_row bench_wait_rows[];
extern const struct bench_row bench_peer_rows[];
extern const struct bench_row bench_native_rows[];
extern const struct bench_row bench_step_rows[];
extern const struct bench_row bench_kernel_rows[];
extern const struct bench_row bench_context_rows[];
extern const struct bench_row bench_checker_rows[];

#ifdef __cplusplus
}
#endif
#endif
