/* ssi/checker/walk.h - random walks through worlds that are too large to search.
 *
 * A walk begins at the initial state and makes moves that a seeded generator draws, until nothing can happen, something is
 * wrong, or it is long enough. Each walk first draws which calls and faults it uses, and how likely each kind of move is
 * (a swarm: what never happens in one walk makes room for what happens rarely else). What is wrong is then shrunk: steps
 * are left out as long as the same stays wrong.
 *
 * The same seed gives the same walks on any machine. Layer: ssi. Thread rule: one thread. */
#ifndef SKERRY_SSI_CHECKER_WALK_H
#define SKERRY_SSI_CHECKER_WALK_H
#include "ssi/checker/script.h"

struct walk_options {
	uint64_t seed;
	uint64_t walks;     /* 0: no limit */
	double seconds_max; /* 0: no limit */
	uint32_t steps_max; /* of a walk; 0: 400 */
	bool no_shrink;
	void (*progress)(void *context, uint64_t walks, uint64_t steps, uint32_t cells);
	void *context;
};

struct walk_result {
	uint64_t walks, steps;
	uint64_t walk;        /* which one was wrong, from 0 */
	uint32_t found_steps; /* before shrinking */
	uint32_t cells, cells_visited;
	uint32_t longest; /* walk */
	double seconds;
	char why[256];         /* empty: nothing is wrong */
	struct script *script; /* what is wrong, shrunk; owned by the result */
	char *unvisited;       /* owned by the result; NULL: every cell was visited */
};

/* Returns 0, -EINVAL (the configuration does not fit; result->why says why) or -ENOMEM. On 0 the caller passes the result to
 * walk_result_fini(). */
int walk_run(const struct step_protocol *protocol, const struct checker_options *options,
	     const struct walk_options *walk, struct walk_result *result);
void walk_result_fini(struct walk_result *result);

#endif
