/* tests/prop/planted.c - see planted.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "tests/prop/planted.h"

static size_t cells_of(const struct step_protocol *p, unsigned machine)
{
	return (size_t)(p->machine[machine].states + 1) * p->events;
}

void planted_init(struct planted *p, const struct step_protocol *original)
{
	*p = (struct planted){.protocol = *original, .model = *original->model};
	p->event = calloc(original->events, sizeof *p->event);
	assert_non_null(p->event);
	memcpy(p->event, original->event, original->events * sizeof *p->event);
	for (unsigned m = 1; m < original->machines; m++) {
		p->table[m] = calloc(cells_of(original, m), sizeof *p->table[m]);
		assert_non_null(p->table[m]);
		memcpy(p->table[m], original->machine[m].table, cells_of(original, m) * sizeof *p->table[m]);
		p->protocol.machine[m].table = p->table[m];
	}
	p->protocol.event = p->event;
	p->protocol.model = &p->model;
}

void planted_fini(struct planted *p)
{
	free(p->event);
	for (unsigned m = 0; m < STEP_MACHINES_MAX; m++)
		free(p->table[m]);
}

unsigned planted_event(const struct planted *p, const char *event)
{
	for (unsigned e = 0; e < p->protocol.events; e++)
		if (!strcmp(p->event[e].name, event))
			return e;
	fail_msg("no event %s", event);
	return 0;
}

unsigned planted_state(const struct planted *p, unsigned machine, const char *state)
{
	for (unsigned s = 0; s <= p->protocol.machine[machine].states; s++)
		if (!strcmp(p->protocol.machine[machine].state[s], state))
			return s;
	fail_msg("no state %s", state);
	return 0;
}

struct step_cell *planted_cell(struct planted *p, unsigned machine, const char *state, const char *event)
{
	return &p->table[machine]
			[planted_state(p, machine, state) * p->protocol.events + planted_event(p, event)];
}

void planted_replace(struct planted *p, unsigned machine, const char *state, const char *event,
		     const char *like_state, const char *like_event, const char *next)
{
	struct step_cell *cell = planted_cell(p, machine, state, event);
	*cell = *planted_cell(p, machine, like_state, like_event);
	cell->next = (uint8_t)planted_state(p, machine, next);
}
