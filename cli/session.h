/* cli/session.h - a scenario as a command line names it, the line that replays it, and its run.
 *
 * Shared by run, test and compare. Layer: cli. Ownership: a session owns its scenario, run and texts. */
#ifndef SKERRY_CLI_SESSION_H
#define SKERRY_CLI_SESSION_H
#include "cli/options.h"
#include "workloads/run.h"

#define SESSION_ENGINES "virtual|native|window|heap"
extern const char *const session_engines[]; /* what --engine takes, NULL-terminated */

struct session_source {
	const char *scenario; /* file or built-in name; NULL: the demonstration */
	const struct option_list
		*traces;                /* recordings for the demonstration's machine; NULL or empty: none */
	const struct option_list *sets; /* NULL: none */
	const char *seed, *preset;      /* NULL: as the scenario says */
	const char *engine;             /* "virtual", or as the scenario's key; NULL: as it says */
	uint32_t clusters;              /* 0: as the scenario says */
	bool oversubscribe;
	bool inclusion; /* for the line that replays it */
};

struct session {
	struct scenario *scenario;
	char *replay; /* "build/skerry run ... --seed 1" */
	struct run *run;
	struct run_result result;
};

/* Reads the scenario. Returns 0, or an exit code after a message. The caller passes *out to session_fini() in
 * any case. */
int session_read(struct session *out, const struct session_source *source);

/* Runs it. Returns 0 (the result says how it ended), or an exit code after a message. With `seconds_max`, and
 * natively, the replay line does not promise the same end. */
int session_begin(struct session *session, const struct run_options *options);

/* Both together without a message: returns 0, or -1 and *error says why it cannot run. */
int session_try(struct session *out, const struct session_source *source, const struct run_options *options,
		struct scenario_error *error);
void session_go(struct session *session);
void session_fini(struct session *session);

bool session_is_native(const struct session *session);

/* What the end of the run means. */
int session_exit(const struct run_result *result);

#endif
