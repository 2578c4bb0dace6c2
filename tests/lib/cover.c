/* tests/lib/cover.c - see cover.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>
#include "ssi/protocols/protocols.h"
#include "tests/lib/cover.h"

#define STATES 32
#define EVENTS 64

const struct step_protocol *const cover_protocols[COVER_PROTOCOLS] = {&capability_tree, &memory_msi,
								      &file_posix};

static uint64_t counts[COVER_PROTOCOLS][STEP_MACHINES_MAX][STATES][EVENTS];

static uint64_t cells_left = UINT64_MAX;

void cover_reset(void) { memset(counts, 0, sizeof counts); }
void cover_limit(uint64_t cells) { cells_left = cells; }

void cover_tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state, unsigned next)
{
	(void)next;
	counts[n->number][at.machine][state][m->event]++;
	if (!--cells_left)
		fail_msg("cluster %u: %s %s, %s + %s: this does not end", n->id, n->protocol->name,
			 n->protocol->machine[at.machine].name, n->protocol->machine[at.machine].state[state],
			 n->protocol->event[m->event].name);
}

uint64_t cover_count(unsigned number, unsigned machine, unsigned state, unsigned event)
{
	return counts[number][machine][state][event];
}

/* Whether `word` is one of the words that '|' parts, or these are "*". */
static bool is_one_of(const char *words, size_t length, const char *word)
{
	const size_t size = strlen(word);
	if (length == 1 && *words == '*')
		return true;
	for (const char *at = words, *end = words + length; at < end; at++) {
		const char *bar = memchr(at, '|', (size_t)(end - at));
		bar = bar ? bar : end;
		if ((size_t)(bar - at) == size && !memcmp(at, word, size))
			return true;
		at = bar;
	}
	return false;
}

/* Whether "cap LIVE+OBTAIN|LEND" means this cell. */
static bool means(const struct cover_except *x, const struct step_protocol *p, unsigned machine,
		  unsigned state, unsigned event)
{
	const struct step_machine *d = &p->machine[machine];
	const size_t name = strcspn(x->cell, " ");
	const char *states = x->cell + name + 1, *events = states + strcspn(states, "+") + 1;
	return !strcmp(x->protocol, p->name) && is_one_of(x->cell, name, d->name) &&
	       is_one_of(states, (size_t)(events - states) - 1, d->state[state]) &&
	       is_one_of(events, strlen(events), p->event[event].name);
}

struct verdict {
	const struct cover_except *except;
	unsigned wrong, used[256];
};

static void judge(struct verdict *v, unsigned number, unsigned machine, unsigned state, unsigned event)
{
	const struct step_protocol *p = cover_protocols[number];
	const uint64_t count = cover_count(number, machine, state, event);
	bool listed = false;
	for (unsigned i = 0; v->except[i].protocol; i++) {
		const bool here = means(&v->except[i], p, machine, state, event);
		listed |= here;
		v->used[i] += here;
	}
	if (listed == (count == 0))
		return;
	v->wrong++;
	print_error("%s: %s %s+%s %s\n", p->name, p->machine[machine].name, p->machine[machine].state[state],
		    p->event[event].name, listed ? "is listed as out of reach, and ran" : "never ran");
}

void cover_check(const struct cover_except *except)
{
	struct verdict v = {.except = except};
	for (unsigned k = 0; k < COVER_PROTOCOLS; k++) {
		const struct step_protocol *p = cover_protocols[k];
		for (unsigned m = 1; m < p->machines; m++)
			for (unsigned s = 0; s <= p->machine[m].states; s++)
				for (unsigned e = 0; e < p->events; e++)
					if (step_cell_at(p, m, s, e)->kind == STEP_GO)
						judge(&v, k, m, s, e);
	}
	for (unsigned i = 0; except[i].protocol; i++)
		if (!v.used[i]) {
			v.wrong++;
			print_error("%s: %s means no cell\n", except[i].protocol, except[i].cell);
		}
	assert_int_equal(v.wrong, 0);
}
