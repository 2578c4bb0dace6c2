/* ssi/checker/replay.h - goes the way of a script in the virtual engine, and tells the story.
 *
 * Each kernel is a process of sim/engine.h. A step is an event at a virtual time of its own, at the kernel that it is
 * for; what a step sends goes through the engine and waits at its receiver until the script takes it. A step that
 * cannot happen ends the replay: the script is for another protocol, or damaged.
 *
 * Layer: ssi. Thread rule: one thread. */
#ifndef SKERRY_SSI_CHECKER_REPLAY_H
#define SKERRY_SSI_CHECKER_REPLAY_H
#include "sim/time.h"
#include "ssi/checker/script.h"

#define REPLAY_STEP_PS UINT64_C(2000000) /* from a step to the next */

struct replay_options {
	FILE *story, *plantuml; /* optional: where to print while it goes */
	uint32_t until_step;    /* stop after this one; 0: go to the end */
	const char *until_event;
	uint32_t until_nth; /* stop after the n-th step in which this event is handled; 1: the first */
	bool stop_before;   /* call replay_breakpoint() right before that step */
	bool skip;          /* a step that cannot happen is left out */
};

struct replay_result {
	uint32_t steps;      /* that were made */
	bool stopped;        /* `until` was reached */
	char why[256];       /* what is wrong; empty: nothing */
	enum script_end end; /* where that showed */
	char misfit[640];    /* which step cannot happen, why, and what could; empty: all can */
	uint32_t misfit_step;
	char *state; /* where it ended, as text; owned by the result */
	uint64_t events, digest;
	sim_ps now;
	struct script *made; /* with `skip`: the steps that were made; owned by the result */
};

/* Returns 0, -EINVAL (the configuration does not fit the protocol; result->misfit says why) or -ENOMEM. On 0 the caller
 * passes the result to replay_result_fini(). */
int replay_run(const struct script *script, const struct step_protocol *protocol,
	       const struct replay_options *options, struct replay_result *result);
void replay_result_fini(struct replay_result *result);

/* The story of a script as text, which the caller frees; NULL: it cannot be replayed to its end, or there is no memory. */
char *replay_story(const struct script *script, const struct step_protocol *protocol);

/* Where a debugger stops: the step that comes, and the action that it runs first (NULL: none). */
void replay_breakpoint(uint32_t step, step_action *action);
extern step_action *replay_action;

#endif
