/* cli/run_script.h - scripts of whole runs: a scenario and what came of it, NAME.skr, gone again cell by cell.
 *
 * A run in virtual time needs no list of its steps: the scenario and its seed give the same ones each time. Its steps are the
 * cells that run, in order, numbered from 1. Layer: cli. */
#ifndef SKERRY_CLI_RUN_SCRIPT_H
#define SKERRY_CLI_RUN_SCRIPT_H
#include <jansson.h>
#include "cli/trial.h"

#define RUN_SCRIPT_KIND "skerry run"

/* The caller owns the result. */
json_t *run_script_json(const char *scenario, const struct trial_result *outcome);

/* Whether a file says that it is one. */
bool run_script_is(const char *path);

struct run_script_options {
	const char *until; /* as given: a step's number, or EVENT[:N]; NULL: to the end */
	bool stop_before;  /* call replay_breakpoint() before that step */
	bool json, quiet;
};

/* Runs it and prints what happens. Returns an exit code. */
int run_script_replay(const char *path, const struct run_script_options *options);

#endif
