/* tests/model/cover.h - what random runs have visited; what they must have is a table in cover.c.
 *
 * Thread rule: one thread. Layer: tests. */
#ifndef SKERRY_TESTS_MODEL_COVER_H
#define SKERRY_TESTS_MODEL_COVER_H
#include <stdio.h>
#include "tests/model/pair.h"

enum { COVER_LABELS = 64, COVER_ERRORS = 11, COVER_NUMBERS = 12 };
enum cover_act { ACT_REVOKE, ACT_DELETE, ACT_COPY, ACT_MINT, ACT_MOVE, ACT_MUTATE, ACT_ROTATE, ACTS };
enum cover_event {
	EVENT_RETURNED,
	EVENT_BLOCKED,
	EVENT_SWITCHED, /* what came of system calls */
	EVENT_CAP_RECEIVED,
	EVENT_CAP_UNWRAPPED,
	EVENT_PREEMPTED_REVOKE,
	EVENT_PREEMPTED_DELETE,
	EVENT_PREEMPTED_RETYPE,
	EVENT_CYCLIC_ZOMBIE,
	EVENT_IDLE,
	EVENT_INTERRUPT,
	EVENT_DONATED,
	EVENT_DEEP_STACK,
	EVENT_YIELDED_TO,
	EVENTS
};
struct cover {
	unsigned long invoked[COVER_LABELS][COVER_ERRORS];
	unsigned long act[ACTS][M_KINDS];
	unsigned long number[COVER_NUMBERS], fault[8];
	unsigned long cancelled[M_STATES];
	unsigned long event[EVENTS];
};

struct cover *cover_new(void);
void cover_free(struct cover *cover);
/* After a step that both did the same. `on`: the kind of capability that a CNode operation was made for. */
void cover_step(struct cover *cover, const struct pair *pair, const struct op *op, enum m_kind on);
/* What was never visited is named, and makes 1. */
int cover_report(const struct cover *cover, FILE *out, bool quiet);

#endif
