/* workloads/run.h - runs a scenario on flat nodes, in virtual time or natively, and checks what came out.
 *
 * Groups are the clients of a scenario: a group replays one recording with all of its processes, or stamps shared
 * pages; each has its own driver file (replay.c, stamps.c). Processes of a recording run on the cluster of their
 * group, in the recorded order of fork, wait and of what they share.
 *
 * Layer: workloads. One thread makes, runs and frees a run; natively the drivers run on the threads of their clusters. */
#ifndef SKERRY_WORKLOADS_RUN_H
#define SKERRY_WORKLOADS_RUN_H
#include "ssi/flat.h"
#include "sim/native.h"
#include "sim/ticks.h"
#include "ssi/inclusion.h"
#include "workloads/scenario.h"

/* Changes whenever the same scenario may give another digest: an upgrade is not a regression. */
#define RUN_MODEL_VERSION 2

struct run;

struct run_options {
	sim_engine_tap *tap; /* optional, see sim/engine.h */
	sim_engine_window_tap *window_tap;
	void *tap_context;
	step_tap *cell_tap; /* optional */
	uint32_t
		hostile; /* tests: a cluster + 1 whose monitor sends what it likes, see flat_forge(); 0: none */
	uint32_t thread_refuses; /* tests: see flat_config.thread_refuses */
	bool inclusion;          /* keep a step log and replay it through the table: one more check */
	uint32_t profile_every;  /* one event in so many is profiled; 0 and 1: all */
	bool profile; /* account for the threads' time: flat_profile_report(run_machine(run)), ssi/profile.h */
	double seconds_max; /* of wall time; 0: no limit */
	/* Optional: called about ten times a second with the share of the clients' operations that are done. */
	void (*progress)(void *context, double done, uint64_t events, sim_ps now, double seconds);
	void *progress_context;
};

/* Where a native run ran. */
struct run_host {
	const struct sim_host *host;           /* borrowed from the run */
	const struct sim_placement *placement; /* the same; threads == 0: not placed */
	uint32_t threads;
	bool oversubscribed; /* more clusters than CPUs, or more threads */
	bool shares;         /* threads yield and sleep, because CPUs are shared */
	const struct sim_ticks_source *ticks;
	struct sim_native_stats stats;
};

struct run_check {
	char name[48];
	uint64_t count, failures;
	char first[240]; /* what failed first, with the place in the recording */
};
#define RUN_CHECKS 19

enum run_end { RUN_ENDED, RUN_TIMEOUT, RUN_STUCK, RUN_FAULT };

struct run_result {
	enum run_end end;
	char end_text[240];               /* unless RUN_ENDED: what happened */
	struct flat_kernel_stats kernels; /* fidelity full */
	uint64_t protocol_trace;          /* order serial: see flat_protocol_trace(); else 0 */
	uint64_t digest, events, windows, calls, messages, cells;
	sim_ps virtual_ps; /* natively: real time, when the last client had finished */
	double wall_seconds, setup_seconds;
	uint64_t content_bytes; /* compared with the plain file system */
	uint64_t frames_bytes;
	const struct flat_stats *stats;
	uint32_t checks;
	struct run_check check[RUN_CHECKS];
	uint64_t failures;             /* of all checks */
	const struct run_host *native; /* NULL: virtual time; lives as long as the run */
};

/* Loads the recordings and builds the machine. On success *out is owned by the caller, who passes it to run_free();
 * on failure returns -1 and sets *error. The scenario is borrowed. */
int run_new(struct run **out, const struct scenario *scenario, const struct run_options *options,
	    struct scenario_error *error);
void run_go(struct run *run, struct run_result *result); /* once; result->stats lives as long as the run */
void run_free(struct run *run);                          /* takes NULL */

struct flat_machine *run_machine(struct run *run);
uint64_t run_clients(const struct run *run); /* groups */

#endif
