/* cli/progress.h - how far a run is, on stderr: one line that is updated on a terminal, else a line every 5
 * s. Layer: cli. */
#ifndef SKERRY_CLI_PROGRESS_H
#define SKERRY_CLI_PROGRESS_H
#include <stdbool.h>
#include <stdint.h>
#include "sim/time.h"

struct checker_progress;

struct progress {
	const char *what; /* borrowed: before the figures */
	bool quiet, terminal, shown;
	bool real;   /* set it after progress_init(): the time shown is real, not virtual */
	double next; /* seconds: when the next line is due */
	double begun;
};

void progress_init(struct progress *progress, const char *what, bool quiet);
/* As struct run_options.progress; `context` is a struct progress. */
void progress_run(void *context, double done, uint64_t events, sim_ps now, double seconds);
/* As struct checker_options.progress. */
void progress_check(void *context, const struct checker_progress *p);
/* As struct walk_options.progress. */
void progress_walk(void *context, uint64_t walks, uint64_t steps, uint32_t cells);
/* Whole runs: so many, and, once one has failed, so many smaller ones. */
void progress_trials(struct progress *progress, uint64_t trials, uint64_t shrinks);
void progress_end(struct progress *progress); /* clears the line */

#endif
