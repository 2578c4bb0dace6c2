/* cli/trial.h - one run of a scenario in a process of its own, and what came of it. Layer: cli. */
#ifndef SKERRY_CLI_TRIAL_H
#define SKERRY_CLI_TRIAL_H
#include "workloads/run.h"

enum trial_end {
	TRIAL_GOOD,
	TRIAL_CHECK,   /* a check failed: `name`, `text` */
	TRIAL_FAULT,   /* a protocol or its host is wrong */
	TRIAL_STUCK,   /* not all clients ended */
	TRIAL_CRASH,   /* the program ended with a signal or an error: `text` is what it said last */
	TRIAL_TIMEOUT, /* it took too long: nothing is known */
	TRIAL_REFUSED, /* the scenario cannot run: `text` */
	TRIAL_ENDS
};
extern const char *const trial_end_name[TRIAL_ENDS];

struct trial_result {
	enum trial_end end;
	uint64_t events;
	sim_ps virtual_ps;
	char name[48], text[512];
};

/* A scenario as text and back, so that what runs is what can be written. NULL: it is none. The caller frees it. */
char *trial_text(const struct scenario *scenario);
struct scenario *trial_scenario(const char *text);

/* Runs it. Returns 0, or -1 and errno: no process could be made. */
int trial_run(const char *text, double seconds_max, struct trial_result *result);
/* What a run that has ended means. */
void trial_judge(const struct run_result *run, struct trial_result *result);
bool trial_failed(const struct trial_result *result);
/* Whether both failed in the same way. */
bool trial_same(const struct trial_result *a, const struct trial_result *b);

#endif
