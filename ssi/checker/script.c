/* ssi/checker/script.c - scripts as data: copies, fingerprints, references as text. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>
#include "ssi/checker/script.h"

const char *const script_kind_name[SCRIPT_KINDS + 1] = {
	[SCRIPT_CALL] = "call",   [SCRIPT_RECEIVE] = "receive", [SCRIPT_ANSWER] = "answer",
	[SCRIPT_TIMER] = "timer", [SCRIPT_TELL] = "tell",       [SCRIPT_RESUME] = "resume",
	[SCRIPT_LOSE] = "lose",   [SCRIPT_STOP] = "stop"};
const char *const script_end_name[SCRIPT_ENDS + 1] = {
	[SCRIPT_END_STEP] = "step", [SCRIPT_END_REST] = "rest", [SCRIPT_END_STATE] = "state"};

void script_free(struct script *s)
{
	if (!s)
		return;
	free(s->step);
	free(s->state);
	free(s);
}

struct script *script_new(const struct script *like)
{
	struct script *s = malloc(sizeof *s);
	if (!s)
		return NULL;
	*s = *like;
	s->steps = s->room = 0;
	s->step = NULL;
	s->state = NULL;
	s->why[0] = '\0';
	s->end = SCRIPT_END_STEP;
	return s;
}

int script_add(struct script *s, const struct script_step *step)
{
	if (s->steps == s->room) {
		const uint32_t room = s->room ? 2 * s->room : 64;
		struct script_step *more = realloc(s->step, room * sizeof *more);
		if (!more)
			return -ENOMEM;
		s->step = more;
		s->room = room;
	}
	s->step[s->steps++] = *step;
	return 0;
}

bool script_same_step(const struct script_step *a, const struct script_step *b)
{
	return a->kind == b->kind && a->kernel == b->kernel && a->from == b->from &&
	       a->position == b->position && a->client == b->client && a->event == b->event &&
	       a->word == b->word && a->mark == b->mark && step_same(a->at, b->at) &&
	       step_same(a->to, b->to) && step_same(a->arg, b->arg);
}

/* ---- what a script is for ---- */

static void mix(uint64_t *hash, const char *text)
{
	*hash = XXH3_64bits_withSeed(text, strlen(text) + 1, *hash);
}

static void mix_number(uint64_t *hash, uint64_t number)
{
	*hash = XXH3_64bits_withSeed(&number, sizeof number, *hash);
}

static void mix_machine(uint64_t *hash, const struct step_protocol *p, const struct step_machine *k)
{
	mix(hash, k->name);
	mix_number(hash, k->usable | (uint64_t)k->rest << 32);
	mix_number(hash, k->named);
	for (const struct step_field *f = k->fields(); f->name; f++) {
		mix(hash, f->name);
		mix_number(hash, f->kind);
	}
	for (uint32_t s = 0; s <= k->states; s++) {
		mix(hash, k->state[s]);
		for (uint32_t e = 0; e < p->events; e++) {
			const struct step_cell *cell = &k->table[(size_t)s * p->events + e];
			mix_number(hash,
				   cell->kind | (uint64_t)cell->next << 8 | (uint64_t)cell->sends << 16);
			mix(hash, cell->kind == STEP_GO ? cell->name : "");
		}
	}
}

void script_fingerprint(char out[SCRIPT_FINGERPRINT], const struct step_protocol *p)
{
	uint64_t hash = 0;
	mix(&hash, p->name);
	for (uint32_t e = 0; e < p->events; e++) {
		mix(&hash, p->event[e].name);
		mix_number(&hash, p->event[e].klass | (uint64_t)p->event[e].word << 8);
	}
	for (uint32_t m = 1; m < p->machines; m++)
		mix_machine(&hash, p, &p->machine[m]);
	for (const struct step_promise *promise = p->promises; promise && promise->name; promise++)
		mix(&hash, promise->name);
	snprintf(out, SCRIPT_FINGERPRINT, "%016" PRIx64, hash);
}

/* ---- references ---- */

static const char *machine_name(char out[16], const struct step_protocol *p, unsigned machine)
{
	if (machine == STEP_CLIENT)
		return "client";
	if (machine && machine < p->machines)
		return p->machine[machine].name;
	snprintf(out, 16, "name%u", machine);
	return out;
}

void script_ref_print(char out[SCRIPT_REF], const struct step_protocol *p, step_ref r)
{
	char machine[16], index[24], gen[16] = "";
	if (!step_ref_word(r)) {
		snprintf(out, SCRIPT_REF, "nobody");
		return;
	}
	if (r.index == STEP_NEW || r.index == STEP_NAMED)
		snprintf(index, sizeof index, r.index == STEP_NEW ? "new" : "named");
	else
		snprintf(index, sizeof index, "%u", (unsigned)r.index);
	if (r.gen)
		snprintf(gen, sizeof gen, "~%u", (unsigned)r.gen);
	snprintf(out, SCRIPT_REF, "%.20s %u.%s%s", machine_name(machine, p, r.machine), (unsigned)r.node,
		 index, gen);
}

/* A number below `end`; -1 if it is none. */
static int64_t number_read(const char **text, uint64_t end)
{
	char *after;
	if (**text < '0' || **text > '9')
		return -1;
	const unsigned long long n = strtoull(*text, &after, 10);
	*text = after;
	return n < end ? (int64_t)n : -1;
}

static int machine_read(const struct step_protocol *p, const char *name, size_t length)
{
	char own[16];
	for (unsigned m = 0; m < 16; m++) {
		const char *known = machine_name(own, p, m);
		if (strlen(known) == length && !memcmp(known, name, length))
			return (int)m;
	}
	return -1;
}

int script_ref_read(step_ref *out, const struct step_protocol *p, const char *text)
{
	if (!strcmp(text, "nobody")) {
		*out = STEP_NOBODY;
		return 0;
	}
	const char *at = strchr(text, ' ');
	const int machine = at ? machine_read(p, text, (size_t)(at - text)) : -1;
	if (machine < 0)
		return -1;
	at++;
	const int64_t node = number_read(&at, STEP_NODES_MAX);
	int64_t index = -1, gen = 0;
	if (node < 0 || *at++ != '.')
		return -1;
	if (!strncmp(at, "named", 5))
		index = STEP_NAMED, at += 5;
	else if (!strncmp(at, "new", 3))
		index = STEP_NEW, at += 3;
	else
		index = number_read(&at, STEP_INDEX_MAX);
	if (*at == '~') {
		at++;
		gen = number_read(&at, 1u << 12);
	}
	if (index < 0 || gen < 0 || *at)
		return -1;
	*out = (step_ref){.node = (uint32_t)node,
			  .machine = (unsigned)machine,
			  .gen = (unsigned)gen,
			  .index = (uint32_t)index};
	return 0;
}
