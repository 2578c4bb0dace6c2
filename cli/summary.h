/* cli/summary.h - the result of a run for people: at most 40 lines, the demonstration with its native part 50.
 *
 * Layer: cli. */
#ifndef SKERRY_CLI_SUMMARY_H
#define SKERRY_CLI_SUMMARY_H
#include <stdio.h>
#include "workloads/run.h"

#define SUMMARY_LINES_MAX  40
#define SUMMARY_NATIVE_MAX 12 /* lines of the native part */
#define SUMMARY_BOTH_MAX   50

struct summary_run {
	const struct scenario *scenario;
	const struct run_result *result;
	const char *replay; /* printed if something failed; NULL: not */
};

struct summary {
	struct summary_run run,
		native;         /* native: the demonstration's second part; no scenario: there is none */
	const char *not_native; /* why there is none, if there should be one; else NULL */
	const char *folder;     /* where the files are, or NULL */
	bool next;              /* also say what to try next */
};

void summary_write(FILE *out, const struct summary *summary);

#endif
