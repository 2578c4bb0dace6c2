/* cli/summary.h - the result of a run for people: at most 40 lines. Layer: cli. */
#ifndef SKERRY_CLI_SUMMARY_H
#define SKERRY_CLI_SUMMARY_H
#include <stdio.h>
#include "workloads/run.h"

#define SUMMARY_LINES_MAX 40

/* `folder`: where the files are, or NULL; `demonstration`: also says what to try next; `replay`: printed if
 * something failed, may be NULL. */
void summary_write(FILE *out, const struct scenario *scenario, const struct run_result *result,
		   const char *folder, bool demonstration, const char *replay);

#endif
