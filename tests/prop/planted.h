/* tests/prop/planted.h - a copy of a protocol whose tables can be made wrong. A protocol is data: a fault is planted
 * by changing one cell of the copy. Layer: tests. Everything is owned by the copy. */
#ifndef SKERRY_TESTS_PROP_PLANTED_H
#define SKERRY_TESTS_PROP_PLANTED_H
#include <skerry/protocol.h>

struct planted {
	struct step_protocol protocol;
	struct step_model model;
	struct step_event *event;
	struct step_cell *table[STEP_MACHINES_MAX];
};
void planted_init(struct planted *p, const struct step_protocol *original);
void planted_fini(struct planted *p);
/* By name, as in the protocol's file; what does not exist fails the test. */
unsigned planted_event(const struct planted *p, const char *event);
unsigned planted_state(const struct planted *p, unsigned machine, const char *state);
struct step_cell *planted_cell(struct planted *p, unsigned machine, const char *state, const char *event);
/* Makes (state, event) do what (like_state, like_event) does, and lead to `next`. */
void planted_replace(struct planted *p, unsigned machine, const char *state, const char *event,
		     const char *like_state, const char *like_event, const char *next);

#endif
