/* workloads/ledger.h - who granted what to whom, as the clients saw it, and what follows for each use.
 *
 * Each client keeps its own part while the run is on: a record for each capability that it got, with that from which it
 * was derived, maybe another client's; each revoke and each use, with when it began and when it had returned. When
 * the run is over the parts are put together and every use is judged:
 *
 *   - it must be refused if it began after the revoke, delete or move of it had returned, or after the return of a
 *     revoke of what it was derived from, if the derivation had returned before that revoke began;
 *   - it must succeed if no revoke of anything that it was derived from began before it returned.
 *
 * In between both are right. What moves stays the same capability: who revokes it at its new place may reach what was
 * derived at the old one, and need not.
 *
 * Layer: workloads. Thread rule: a part belongs to the thread of its client; ledger_judge() runs alone. */
#ifndef SKERRY_WORKLOADS_LEDGER_H
#define SKERRY_WORKLOADS_LEDGER_H
#include <stdbool.h>
#include <stdint.h>
#include "sim/time.h"

/* Names a record anywhere: part + 1, then its number; 0: none. Travels with what is sent. */
typedef uint64_t ledger_label;

struct ledger_record {
	ledger_label parent;
	sim_ps granted, ended; /* ended: a delete or a move of it has returned; SIM_PS_NEVER: not */
	uint32_t word;         /* rights and badge */
	uint32_t revokes; /* while judging: the last revoke of it, or of what it was before it moved, + 1 */
	bool moved;       /* it is its parent, at a new place */
	bool tainted; /* while judging, of an object's first: a hostile client has had a capability of it */
};
struct ledger_event { /* a use, or a revoke */
	uint32_t record, rights;
	sim_ps begin, end;
	bool revoke, done;
};

struct ledger {
	uint32_t part;
	bool hostile; /* its monitor does what it likes: no use of what it ever had is judged */
	struct ledger_record *record;
	struct ledger_event *event;
	uint32_t records, records_room, events, events_room;
};

void ledger_init(struct ledger *ledger, uint32_t part);
void ledger_fini(struct ledger *ledger);
static inline ledger_label ledger_name(const struct ledger *ledger, uint32_t record)
{
	return (uint64_t)(ledger->part + 1) << 32 | record;
}

/* Returns the record's number. */
uint32_t ledger_grant(struct ledger *ledger, ledger_label parent, uint32_t word, bool moved, sim_ps at);
void ledger_end(struct ledger *ledger, uint32_t record, sim_ps at); /* the first time counts */
/* rights: CAPABILITY_RIGHTS that the use needed. */
void ledger_use(struct ledger *ledger, uint32_t record, uint32_t rights, sim_ps begin, sim_ps end, bool done);
void ledger_revoke(struct ledger *ledger, uint32_t record, sim_ps begin, sim_ps end, bool done);

/* What a protocol promises, by enum capability_promise. */
struct ledger_promises {
	bool revoke, selective, rights;
};
struct ledger_verdict {
	uint64_t refused, uses; /* uses that had to fail, or to succeed */
	uint64_t bad_refused, bad_uses;
	char first_refused[200], first_use[200];
};
/* parts[]: by their numbers. Changes records' `revokes`. Returns 0 or -ENOMEM. */
int ledger_judge(struct ledger *const *parts, uint32_t count, const struct ledger_promises *promises,
		 struct ledger_verdict *out);

#endif
