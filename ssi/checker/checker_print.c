/* ssi/checker/checker_print.c - references, events, states and worlds as text. */
#include <stdio.h>
#include <stdlib.h>
#include "ssi/checker/checker_script.h"

const char *checker_event_name(const struct checker *c, unsigned event)
{
	return event < c->protocol->events ? c->protocol->event[event].name : "?";
}

const char *checker_state_name(const struct checker *c, unsigned machine, unsigned state)
{
	const struct step_machine *k = &c->protocol->machine[machine];
	return state <= k->states ? k->state[state] : "?";
}

void checker_print_ref(const struct checker *c, FILE *f, step_ref r)
{
	const unsigned node = r.node, machine = r.machine, index = r.index;
	if (!step_ref_word(r)) {
		fprintf(f, "nobody");
	} else if (machine == STEP_CLIENT) {
		fprintf(f, "the client of kernel %u", node);
	} else if (!machine || machine >= c->protocol->machines) {
		fprintf(f, "name %u.%u", node, index);
	} else if (index == STEP_NEW) {
		fprintf(f, "a new %s of kernel %u", c->protocol->machine[machine].name, node);
	} else if (index == STEP_NAMED) {
		fprintf(f, "the %s of kernel %u", c->protocol->machine[machine].name, node);
	} else if (index >= c->slots[machine]) {
		fprintf(f, "name %u.%u", node, index);
	} else {
		const struct step_head *head =
			node < c->nodes ? step_at(&c->node[node], machine, index) : NULL;
		fprintf(f, "%s %u.%u%s", c->protocol->machine[machine].name, node, index,
			head && head->gen != r.gen ? " (gone)" : "");
	}
}

void checker_print_event(const struct checker *c, char *out, size_t size, const struct step_msg *m,
			 unsigned state, bool with_state)
{
	out[0] = '\0';
	FILE *f = fmemopen(out, size, "w");
	if (!f)
		return;
	fprintf(f, "%s for ", checker_event_name(c, m->event));
	checker_print_ref(c, f, m->to);
	if (with_state && m->to.machine && m->to.machine < c->protocol->machines)
		fprintf(f, " [%s]", checker_state_name(c, m->to.machine, state));
	fclose(f);
}

/* ---- a world ---- */

static void print_list(const struct checker *c, FILE *f, const struct step_node *n, const char *name,
		       const struct step_list *list)
{
	const char *comma = "";
	uint32_t left = list->count;
	if (!left)
		return;
	fprintf(f, " %s={", name);
	for (uint32_t i = list->first; i && left; i = n->link[i - 1].next, left--) {
		fprintf(f, "%s", comma);
		checker_print_ref(c, f, n->link[i - 1].member);
		fprintf(f, "%s", list->fan && n->link[i - 1].told ? " told" : "");
		comma = ", ";
	}
	fprintf(f, "}");
}

static void print_fields(const struct checker *c, FILE *f, const struct step_node *n, const char *self,
			 const struct step_field *field)
{
	for (; field->name; field++) {
		const void *at = self + field->offset;
		uint32_t word = 0;
		step_ref ref = STEP_NOBODY;
		if (field->kind == STEP_K_LIST) {
			print_list(c, f, n, field->name, at);
		} else if (field->kind == STEP_K_REF) {
			memcpy(&ref, at, sizeof ref);
			if (!step_ref_word(ref))
				continue;
			fprintf(f, " %s=", field->name);
			checker_print_ref(c, f, ref);
		} else {
			memcpy(&word, at, sizeof word);
			if (word || field->kind == STEP_K_NODE)
				fprintf(f, " %s=%u", field->name, word);
		}
	}
}

static uint32_t parked_count(const struct step_node *n, uint32_t last)
{
	uint32_t count = last != 0;
	for (uint32_t i = last; i && n->park[i - 1].next != last && count < n->parks; i = n->park[i - 1].next)
		count++;
	return count;
}

static void print_node(const struct checker *c, FILE *f, uint32_t a)
{
	const struct step_node *n = &c->node[a];
	const char *separator = "";
	fprintf(f, "kernel %u:", a);
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		for (uint32_t i = 0; i < n->pool[m].used; i++) {
			const struct step_machine *k = &c->protocol->machine[m];
			const char *self = step_at(n, m, i);
			const struct step_head *head = (const struct step_head *)(const void *)self;
			if (!head->state)
				continue;
			fprintf(f, "%s %s %u.%u %s", separator, k->name, a, i,
				checker_state_name(c, m, head->state));
			print_fields(c, f, n, self, k->fields());
			if (head->pending)
				fprintf(f, " (waits for its kernel or timer)");
			if (head->parked)
				fprintf(f, " (%u wait here)", parked_count(n, head->parked));
			separator = ";";
		}
	fprintf(f, "%s\n", *separator ? "" : " nothing");
}

static void print_channels(const struct checker *c, FILE *f)
{
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t b = 0; b < c->nodes; b++)
			for (uint32_t i = 0; i < c->shared->count[a][b]; i++) {
				const struct step_msg *m = &c->channel[a][b][c->shared->first[a][b] + i];
				fprintf(f, "on its way: %s from kernel %u for ",
					checker_event_name(c, m->event), a);
				checker_print_ref(c, f, m->to);
				fprintf(f, ", from ");
				checker_print_ref(c, f, m->from);
				fprintf(f, ", about ");
				checker_print_ref(c, f, m->arg);
				fprintf(f, m->word ? " (%u)\n" : "\n", m->word);
			}
}

char *checker_print_state(const struct checker *c)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	for (uint32_t a = 0; a < c->nodes; a++)
		print_node(c, f, a);
	print_channels(c, f);
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t k = 0; k < c->clients; k++)
			if (c->shared->flight[a][k].event)
				fprintf(f, "the client of kernel %u waits\n", a);
	if (fclose(f)) {
		free(text);
		return NULL;
	}
	return text;
}

/* ---- coverage ---- */

char *checker_print_unvisited(const struct checker *c)
{
	const struct step_protocol *p = c->protocol;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	const char *comma = "";
	for (unsigned m = 1; m < p->machines; m++)
		for (unsigned s = 0; s <= p->machine[m].states; s++)
			for (unsigned e = 0; e < p->events; e++) {
				if (!step_cell_at(p, m, s, e)->kind || c->visited[m][s * p->events + e])
					continue;
				fprintf(f, "%s%s %s+%s", comma, p->machine[m].name,
					checker_state_name(c, m, s), checker_event_name(c, e));
				comma = ", ";
			}
	return fclose(f) ? NULL : text;
}
