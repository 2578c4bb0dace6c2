/* cli/differ.h - the first event in which two runs differ, found by running both again.
 *
 * Both run on the heap engine, which handles events in the order (time, cluster, source, sequence) whatever
 * the lookahead is, so that machines with different links can be compared as well. The first pass keeps a
 * hash of each 65,536 events; the second keeps the events of the first chunk that differs. Layer: cli. */
#ifndef SKERRY_CLI_DIFFER_H
#define SKERRY_CLI_DIFFER_H
#include <stdbool.h>
#include "sim/engine.h"
#include "workloads/scenario.h"

struct differ_side {
	uint64_t digest; /* of the run that was done again */
	uint64_t events;
	bool ended;             /* this run had no event left where the other had one */
	struct sim_event event; /* unless it had ended */
};

struct differ_result {
	bool found;
	uint64_t index; /* of the event, from 0 */
	struct differ_side side[2];
};

/* Changes the scenarios' engine. Returns 0, or an exit code after a message. */
int differ_find(struct scenario *const scenario[2], struct differ_result *out);

/* "capability/tree OBTAIN", "a call of client 3", "event 0 of the scenario". */
void differ_name_event(char *out, size_t size, const struct scenario *scenario,
		       const struct sim_event *event);

/* What the event is about: to which machine, about what; "" if there is nothing to say. */
void differ_describe_event(char *out, size_t size, const struct scenario *scenario,
			   const struct sim_event *event);

#endif
