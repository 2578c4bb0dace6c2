/* ssi/inclusion.h - trace inclusion: what a run did, done again by the table alone.
 *
 * A step log holds every input that a host gave to its nodes, in order: messages, calls, results of local calls,
 * parked messages resumed, lists fanned out, and where each of the host's own functions returned. The replay makes
 * fresh nodes, gives them the same inputs, and keeps a first-in first-out channel for each pair: a message that was
 * delivered must be the one that the table sent first on that pair. An input that the table forbids, a message that
 * it did not send, another order or a message left over is an error.
 *
 * A native run has a log a thread, without an order between them. The replay finds one: it follows a log until a message
 * is taken that nobody has sent yet, and goes on with another. What no order explains is an error.
 *
 * Layer: ssi. Thread rule: one thread. */
#ifndef SKERRY_SSI_INCLUSION_H
#define SKERRY_SSI_INCLUSION_H
#include <skerry/protocol.h>
#include "sim/arena.h"

enum inclusion_kind {
	INCLUSION_DELIVER, /* a message, or a call of a client */
	INCLUSION_RAISE,   /* an event that the host raised */
	INCLUSION_RUN,     /* what was raised was run */
	INCLUSION_RESUME,  /* the oldest parked message of `at` */
	INCLUSION_FANOUT,  /* all untold members of the list that `at` fans out */
	INCLUSION_RETURN,  /* the host's complete() or local() returns */
};

struct inclusion_record {
	uint64_t cluster : 20, from : 20, number : 8, kind : 8;
	step_ref at;
	struct step_msg msg;
};
_Static_assert(sizeof(struct inclusion_record) == 48, "a record is three quarters of a line");

/* Address space is reserved when the first record comes, memory is taken as the log grows, in huge pages where the host
 * grants them: on small ones first touch alone would cost a tenth of a native run. */
struct inclusion_log {
	struct inclusion_record *record;
	uint64_t count, room;
	bool failed; /* out of memory: the log is not whole */
	struct sim_arena arena;
};

/* Optional: takes the memory of so many records now, and not one by one while the run is on. */
void inclusion_log_begin(struct inclusion_log *log, uint64_t records);
void inclusion_log_add(struct inclusion_log *log, uint32_t cluster, unsigned number, enum inclusion_kind kind,
		       const struct step_msg *msg, step_ref at, uint32_t from);
void inclusion_log_fini(struct inclusion_log *log);

struct inclusion_result {
	uint64_t inputs, messages, cells, failures;
	char first[240]; /* what failed first */
};

/* Replays logs, each of a thread that ran clusters of its own, on `clusters` nodes of each of the `protocols`, whose pools have the given slots. `complete`: the
 * run had ended, so nothing may be left in a channel. Returns 0, -EINVAL (more than 8 protocols) or -ENOMEM. */
int inclusion_replay(const struct inclusion_log *log, uint32_t logs, uint32_t clusters,
		     const struct step_protocol *const *protocols, uint32_t protocols_count,
		     const struct step_node *(*like)(void *context, uint32_t cluster, unsigned number),
		     void *context, bool complete, struct inclusion_result *result);

#endif
