/* cli/check_run.h - `skerry check --run SCENARIO`: whole runs with drawn message orders and faults, and the smallest that fails.
 *
 * Each trial is the scenario with something drawn: the seed, jitter on the wires of pairs, little credit, a cluster that is far
 * away, clients that are killed. It runs in the virtual engine, in a process of its own, so that a crash is a result like
 * another. What fails is made smaller (fewer clusters, clients, operations, faults) as long as the same fails; what is
 * left is a scenario file, which `skerry run` runs with the same outcome. Layer: cli. */
#ifndef SKERRY_CLI_CHECK_RUN_H
#define SKERRY_CLI_CHECK_RUN_H
#include "cli/options.h"

struct check_run_line {
	const char *scenario, *out; /* out NULL: below runs/ */
	const struct option_list *sets;
	uint64_t runs, seed;
	double seconds_max; /* 0: no limit */
	bool no_record, json, quiet;
};

/* Returns an exit code. */
int check_run(const struct check_run_line *line);

#endif
