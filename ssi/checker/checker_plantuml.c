/* ssi/checker/checker_plantuml.c - a way as a sequence diagram: a line of life a kernel and a client that calls.
 *
 * A message is drawn where it is received; its label says in which step it was sent if that is longer ago. */
#include <stdio.h>
#include "ssi/checker/checker_script.h"

static void print_note(FILE *f, uint32_t kernel) { fprintf(f, "rnote over k%u : ", kernel); }

void checker_plantuml_begin(const struct checker *c, FILE *f, const char *title)
{
	fprintf(f, "@startuml\nhide footbox\ntitle %s\n", title);
	for (uint32_t a = 0; a < c->nodes; a++) {
		for (uint32_t k = 0; k < c->clients; k++)
			fprintf(f, "actor \"client%s of %u\" as c%u_%u\n",
				c->clients == 1 ? ""
				: k             ? " 1"
						: " 0",
				a, a, k);
		fprintf(f, "participant \"kernel %u\" as k%u\n", a, a);
	}
}

static void print_start(const struct checker *c, FILE *f, const struct checker_told *t)
{
	const struct script_step *s = t->step;
	const char *event = checker_event_name(c, s->event);
	switch (s->kind) {
	case SCRIPT_CALL:
		fprintf(f, "c%u_%u -> k%u : %u. %s", s->kernel, s->client, s->kernel, t->number, t->what);
		break;
	case SCRIPT_RECEIVE:
	case SCRIPT_LOSE:
		fprintf(f, "k%u ->%s k%u : %u. %s", s->from, s->kind == SCRIPT_LOSE ? "x" : "", s->kernel,
			t->number, event);
		if (t->sent_in && t->sent_in + 1 < t->number)
			fprintf(f, " (sent in %u)", t->sent_in);
		break;
	case SCRIPT_TELL:
		print_note(f, s->kernel);
		fprintf(f, "%u. tells %s", t->number, t->what);
		break;
	case SCRIPT_STOP:
		print_note(f, s->kernel);
		fprintf(f, "%u. stops for ever", t->number);
		break;
	default:
		fprintf(f, "k%u -> k%u : %u. %s", s->kernel, s->kernel, t->number,
			s->kind == SCRIPT_RESUME ? "goes on" : event);
		break;
	}
	fprintf(f, "\n");
}

/* What changes, as one note. */
static void print_changes(const struct checker *c, FILE *f, uint32_t kernel)
{
	uint32_t told = 0;
	for (uint32_t i = 0; i < c->notes; i++) {
		const struct checker_note *n = &c->note[i];
		const bool stalls = n->kind == NOTE_STALL;
		if (!stalls && (n->kind != NOTE_CELL || n->state == n->next))
			continue;
		if (!told++)
			print_note(f, kernel);
		else
			fprintf(f, "\\n");
		if (stalls)
			fprintf(f, "%s waits", checker_event_name(c, n->msg.event));
		else
			fprintf(f, "%s %u.%u: %s to %s", c->protocol->machine[n->at.machine].name,
				(unsigned)n->at.node, (unsigned)n->at.index,
				checker_state_name(c, n->at.machine, n->state),
				checker_state_name(c, n->at.machine, n->next));
	}
	if (told)
		fprintf(f, "\n");
}

void checker_plantuml_step(const struct checker *c, FILE *f, const struct checker_told *told)
{
	print_start(c, f, told);
	print_changes(c, f, told->step->kernel);
	for (uint32_t i = 0; i < c->notes; i++) {
		const struct checker_note *n = &c->note[i];
		if (n->kind == NOTE_COMPLETE)
			fprintf(f, "k%u --> c%u_%u : %s returns %u\n", told->step->kernel,
				(unsigned)n->at.node, (unsigned)n->at.index,
				checker_event_name(c, told->called[n->at.node][n->at.index]), n->result);
	}
}

void checker_plantuml_end(const struct checker *c, FILE *f, const char *why)
{
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t b = 0; b < c->nodes; b++)
			for (uint32_t i = 0; i < c->shared->count[a][b]; i++)
				fprintf(f, "note over k%u : still on its way to kernel %u: %s\n", a, b,
					checker_event_name(
						c, c->channel[a][b][c->shared->first[a][b] + i].event));
	if (why[0])
		fprintf(f, "note over k0, k%u #FFAAAA : %s\n", c->nodes - 1, why);
	fprintf(f, "@enduml\n");
}
