/* ssi/checker/export_murphi.c - a protocol's tables and learnt actions in Murphi. See export.h. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include "ssi/checker/export_text.h"

#define CHANNEL_CREDIT 12 /* as include/skerry/protocol.h's checker: messages under way between a pair */
#define STEP_CREDIT    4  /* a step starts where every channel of its kernel can take so many */
#define ROOM           6  /* of a channel in the text; an error says where it is too small */
#define RAISED         8  /* events that a step raises, at least; more if the search has met more */
#define ACTIONS_MAX    256
#define MARK           "-- @"

/* ---- constants ---- */

/* The number of a field among those of its kind: references, words, lists. */
static uint32_t place_of(const struct step_machine *d, uint32_t field)
{
	const struct step_field *f = d->fields();
	uint32_t place = 0;
	for (uint32_t i = 0; i < field; i++)
		place += f[i].kind == f[field].kind ||
			 (f[i].kind >= STEP_K_NODE && f[field].kind >= STEP_K_NODE);
	return place;
}

/* The most fields of a kind that a machine has; at least one, as Murphi has no empty arrays. */
static uint32_t fields_max(const struct exporter *x, char letter)
{
	uint32_t most = 1;
	for (unsigned m = 1; m < x->p->machines; m++) {
		uint32_t count = 0;
		for (const struct step_field *f = export_machine(x, m)->fields(); f->name; f++)
			count += export_letter(f->kind) == letter;
		most = count > most ? count : most;
	}
	return most;
}

static uint32_t states_max(const struct exporter *x)
{
	uint32_t most = 0;
	for (unsigned m = 1; m < x->p->machines; m++)
		most = export_machine(x, m)->states + 1 > most ? export_machine(x, m)->states + 1 : most;
	return most;
}

/* Kinds of references, as workloads/murphi/prelude.m numbers them. All constants are written as numbers: Rumur takes
 * minutes where they are expressions. */
static uint32_t kind_new(const struct exporter *x) { return 2 + 3 * x->slot_count; }

static void print_names(const struct exporter *x)
{
	for (uint32_t e = 1; e < x->p->events; e++)
		fprintf(x->out, "  e_%s: %u;\n", x->p->event[e].name, e);
	for (unsigned m = 1; m < x->p->machines; m++) {
		const struct step_machine *d = export_machine(x, m);
		fprintf(x->out, "  m_%s: %u;\n  K_NEW_%s: %u;\n  K_NAMED_%s: %u;\n", d->name, m, d->name,
			kind_new(x) + m - 1, d->name, kind_new(x) + x->p->machines + m - 2);
		fprintf(x->out, "  FIRST_%s: %u;\n  SLOTS_%s: %u;\n", d->name, x->first_slot[m], d->name,
			x->slots[m]);
		for (uint32_t s = 0; s < d->states; s++)
			fprintf(x->out, "  s_%s_%s: %u;\n", d->name, d->state[s], s);
		for (uint32_t i = 0; d->fields()[i].name; i++)
			fprintf(x->out, "  %c_%s_%s: %u;\n", export_letter(d->fields()[i].kind), d->name,
				d->fields()[i].name, place_of(d, i));
	}
}

/* A list seldom holds more than every slot of one machine; an error says where it does. */
static uint32_t slots_most(const struct exporter *x)
{
	uint32_t most = 1;
	for (unsigned m = 1; m < x->p->machines; m++)
		most = x->slots[m] > most ? x->slots[m] : most;
	return most;
}

/* What the model and the search are: its clients in Murphi need to know. */
static void print_model(const struct exporter *x)
{
	const struct step_model *model = x->p->model;
	const struct checker_options *b = x->bounds;
	uint32_t judged = b->judged;
	fprintf(x->out, "  OBJECTS: %u;\n  CAPABILITIES: %u;\n  KIN_STAYS: %d;\n  USE_TELLS: %d;\n",
		b->objects ? b->objects : model->objects,
		b->capabilities ? b->capabilities : model->capabilities, model->kin_stays, model->use_tells);
	for (uint32_t i = 0; x->p->promises && x->p->promises[i].name && !b->judged; i++)
		judged |= (uint32_t)(x->p->promises[i].kept && !x->p->promises[i].apart) << i;
	for (uint32_t i = 0; x->p->promises && x->p->promises[i].name; i++)
		fprintf(x->out, "  JUDGES_%s: %u;\n", x->p->promises[i].name, judged >> i & 1);
	fprintf(x->out, "  JUDGED: %u;\n", judged);
	fputs("  MISTAKE: 0;\n", x->out);
	for (uint32_t i = 0; i < x->mistakes; i++) {
		char what[160];
		mutant_print(x->p, &x->mistake[i].mutant, what, sizeof what);
		fprintf(x->out, "    -- %u: %s\n", i + 1, what);
	}
}

static void print_sizes(const struct exporter *x)
{
	const uint32_t machines = x->p->machines - 1,
		       links = x->links ? x->links : x->nodes * slots_most(x) + 1;
	const uint32_t slot_moves = 4 + fields_max(x, 'l') * links;
	FILE *o = x->out;
	fprintf(o, "const\n  NODES: %u;\n  CLIENTS: 1;\n  SLOTS: %u;\n  MACHINES: %u;\n  NAMES: %u;\n",
		x->nodes, x->slot_count, machines, x->names);
	fprintf(o,
		"  NOBODY: 0;\n  K_CLIENT: 1;\n  K_SLOT: 2;\n  K_GONE: %u;\n  K_STALE: %u;\n  K_NEW: %u;\n  "
		"K_NAMED: %u;\n"
		"  K_NAME: %u;\n  KINDS: %u;\n",
		2 + x->slot_count, 2 + 2 * x->slot_count, kind_new(x), kind_new(x) + machines,
		kind_new(x) + 2 * machines, kind_new(x) + 2 * machines + x->names);
	fprintf(o, "  EVENTS: %u;\n  STATES: %u;\n  CELLS: %u;\n  WORDS: %llu;\n  LINKS: %u;\n", x->p->events,
		states_max(x), x->cells, (unsigned long long)x->words, links);
	fprintf(o, "  REFS: %u;\n  WORD_FIELDS: %u;\n  LISTS: %u;\n", fields_max(x, 'f'), fields_max(x, 'w'),
		fields_max(x, 'l'));
	fprintf(o,
		"  CREDIT: %u;\n  STEP_CREDIT: %u;\n  ROOM: %u;\n  PARKS: %u;\n  FLIGHT: %u;\n  RAISED: "
		"%u;\n  OPS: %u;\n  SLOT_MOVES: %u;\n  MOVES: %u;\n",
		CHANNEL_CREDIT, STEP_CREDIT, ROOM, x->nodes, x->flight, x->raised, x->ops, slot_moves,
		1 + x->nodes + x->slot_count * slot_moves);
	fprintf(o, "  PENDING_TIMER: 255;\n  CLASS_CALL: %u;\n  LOCAL_ERRORS: %u;\n", STEP_CALL,
		x->p->model->local_errors && !x->bounds->no_local_errors);
	for (uint32_t k = 0; k < EXPORT_FAULT; k++)
		if (export_op_name[k])
			fprintf(o, "  OP_%s: %u;\n", export_op_name[k], k);
	fprintf(o, "  OP_LAST: %u;\n", EXPORT_FAULT - 1);
}

/* A function of a number: `value` where it is at least `at`, the largest first; else `least`. */
static void print_machine_function(const struct exporter *x, const char *head, bool from_slot,
				   uint32_t (*value)(const struct exporter *, unsigned))
{
	fprintf(x->out, "\nfunction %s\nbegin\n", head);
	for (unsigned m = x->p->machines - 1; m > 1; m--)
		fprintf(x->out, "  if %s %u then return %u; end;\n",
			from_slot ? "s >=" : "machine =", from_slot ? x->first_slot[m] : m, value(x, m));
	fprintf(x->out, "  return %u;\nend;\n", value(x, 1));
}
static uint32_t value_machine(const struct exporter *x, unsigned m) { return (void)x, m; }
static uint32_t value_full(const struct exporter *x, unsigned m) { return export_machine(x, m)->states; }

/* The states of a mask, state 0 apart. */
static void print_states(const struct exporter *x, const char *name, const char *first, size_t mask_at)
{
	fprintf(x->out,
		"\nfunction %s(machine: 0..MACHINES; state: 0..STATES - 1): boolean;\nbegin\n  return %s",
		name, first);
	for (unsigned m = 1; m < x->p->machines; m++) {
		uint32_t mask;
		memcpy(&mask, (const char *)export_machine(x, m) + mask_at, sizeof mask);
		for (uint32_t s = 1; s < export_machine(x, m)->states && s < 32; s++)
			if (mask >> s & 1)
				fprintf(x->out, " |\n    (machine = %u & state = %u)", m, s);
	}
	fprintf(x->out, ";\nend;\n");
}

static bool is_served(const struct exporter *x, unsigned event)
{
	bool served = false;
	for (unsigned m = 1; m < x->p->machines && x->p->event[event].klass == STEP_CALL; m++)
		served = served || step_cell_at(x->p, m, 0, event)->kind != STEP_NEVER;
	return served;
}

static void print_constants(const struct exporter *x)
{
	FILE *o = x->out;
	print_sizes(x);
	print_model(x);
	print_names(x);
	print_machine_function(x, "slot_machine(s: 0..SLOTS - 1): 1..MACHINES;", true, value_machine);
	print_machine_function(x, "full_state(machine: 0..MACHINES): 0..STATES - 1;", false, value_full);
	fprintf(o, "\nfunction is_machine_named(machine: 0..MACHINES): boolean;\nbegin\n  return false");
	for (unsigned m = 1; m < x->p->machines; m++)
		if (export_machine(x, m)->named)
			fprintf(o, " | machine = %u", m);
	fprintf(o, ";\nend;\n");
	print_states(x, "is_rest", "state = 0", offsetof(struct step_machine, rest));
	print_states(x, "is_usable", "false", offsetof(struct step_machine, usable));
	fprintf(o, "\nfunction is_served(event: 0..EVENTS - 1): boolean;\nbegin\n  return false");
	for (uint32_t e = 1; e < x->p->events; e++)
		if (is_served(x, e))
			fprintf(o, " | event = %u", e);
	fprintf(o, ";\nend;\n\nfunction class_of(event: 0..EVENTS - 1): 0..4;\nbegin\n  switch event\n");
	for (uint32_t e = 1; e < x->p->events; e++)
		if (x->p->event[e].klass)
			fprintf(o, "  case e_%s: return %u;\n", x->p->event[e].name, x->p->event[e].klass);
	fprintf(o, "  end;\n  return 0;\nend;\n");
}

/* ---- tables ---- */

typedef void each_cell(struct exporter *x, unsigned machine, unsigned state, unsigned event,
		       const struct step_cell *cell, uint32_t number);

/* Cells that are not NEVER, numbered from 1; then those of mistakes. */
static void for_cells(struct exporter *x, each_cell *f)
{
	uint32_t number = 0;
	for (unsigned m = 1; m < x->p->machines; m++)
		for (unsigned s = 0; s <= export_machine(x, m)->states; s++)
			for (unsigned e = 0; e < x->p->events; e++) {
				const struct step_cell *cell = step_cell_at(x->p, m, s, e);
				if (cell->kind != STEP_NEVER)
					f(x, m, s, e, cell, ++number);
			}
	x->cells_own = number;
	for (uint32_t i = 0; i < x->mistakes; i++) {
		const struct export_mistake *w = &x->mistake[i];
		f(x, w->mutant.machine, w->mutant.state, w->mutant.event, &w->cell, ++number);
	}
	x->cells = number;
}

static void count_cell(struct exporter *x, unsigned machine, unsigned state, unsigned event,
		       const struct step_cell *cell, uint32_t number)
{
	(void)x, (void)machine, (void)state, (void)event, (void)cell, (void)number;
}
static void print_stalls(struct exporter *x, unsigned machine, unsigned state, unsigned event,
			 const struct step_cell *cell, uint32_t number)
{
	(void)machine, (void)state, (void)event;
	if (cell->kind == STEP_STALL)
		fprintf(x->out, "  case %u: return true;\n", number);
}
static bool is_of(const struct export_mistake *mistake, unsigned machine, unsigned state, unsigned event)
{
	return mistake->mutant.machine == machine && mistake->mutant.state == state &&
	       mistake->mutant.event == event;
}

/* By itself, as it is asked in more places than cell_of(). */
static void print_stalls_at(struct exporter *x, unsigned machine, unsigned state, unsigned event,
			    const struct step_cell *cell, uint32_t number)
{
	if (cell->kind != STEP_STALL)
		return;
	fprintf(x->out, " |\n    (machine = %u & state = %u & event = e_%s", machine, state,
		x->p->event[event].name);
	for (uint32_t i = 0; i < x->mistakes; i++)
		if (is_of(&x->mistake[i], machine, state, event))
			fprintf(x->out, " & MISTAKE != %u", i + 1);
	fputs(")", x->out);
	(void)number;
}
static void print_next(struct exporter *x, unsigned machine, unsigned state, unsigned event,
		       const struct step_cell *cell, uint32_t number)
{
	(void)state, (void)event;
	if (cell->kind == STEP_GO && cell->next == export_machine(x, machine)->states)
		fprintf(x->out, "  case %u: return %u; -- full\n", number, cell->next);
	else if (cell->kind == STEP_GO && cell->next)
		fprintf(x->out, "  case %u: return s_%s_%s;\n", number, export_machine(x, machine)->name,
			export_machine(x, machine)->state[cell->next]);
}
static void print_sends(struct exporter *x, unsigned machine, unsigned state, unsigned event,
			const struct step_cell *cell, uint32_t number)
{
	(void)machine, (void)state, (void)event;
	if (cell->sends)
		fprintf(x->out, "  case %u: return %u;\n", number, cell->sends);
}
/* "" or, of one that has its name from another, "_2". */
static const char *number_of(const struct exporter *x, unsigned machine, const struct step_cell *cell,
			     uint32_t number)
{
	const uint32_t mistake = number > x->cells_own ? number - x->cells_own : 0;
	static char text[16];
	for (uint32_t i = 0; i < x->actions.count; i++) {
		const struct export_action *a = &x->actions.action[i];
		if (a->machine == machine && a->action == cell->action && !strcmp(a->name, cell->name) &&
		    (!a->mistake || a->mistake == mistake))
			return a->number ? snprintf(text, sizeof text, "_%u", a->number + 1), text : "";
	}
	return "";
}
static void print_act(struct exporter *x, unsigned machine, unsigned state, unsigned event,
		      const struct step_cell *cell, uint32_t number)
{
	(void)state, (void)event;
	if (cell->kind == STEP_GO && cell->action)
		fprintf(x->out, "  case %u: a_%s_%s%s();\n", number, export_machine(x, machine)->name,
			cell->name, number_of(x, machine, cell, number));
}

static void print_row(const struct exporter *x, unsigned m, unsigned s, unsigned e, uint32_t number)
{
	fprintf(x->out, "      case e_%s:", x->p->event[e].name);
	for (uint32_t i = 0; i < x->mistakes; i++)
		if (is_of(&x->mistake[i], m, s, e))
			fprintf(x->out, " if MISTAKE = %u then return %u; end;", i + 1, x->cells_own + i + 1);
	fprintf(x->out, " return %u;\n", number);
}

static void print_rows(const struct exporter *x)
{
	uint32_t number = 0;
	fprintf(x->out, "function cell_of(machine: machine_t; state: state_t; event: event_t): "
			"cell_t;\nbegin\n  switch machine\n");
	for (unsigned m = 1; m < x->p->machines; m++) {
		const struct step_machine *d = export_machine(x, m);
		fprintf(x->out, "  case m_%s:\n    switch state\n", d->name);
		for (unsigned s = 0; s <= d->states; s++) {
			fprintf(x->out, "    case %u: -- %s\n      switch event\n", s, d->state[s]);
			for (unsigned e = 0; e < x->p->events; e++)
				if (step_cell_at(x->p, m, s, e)->kind != STEP_NEVER)
					print_row(x, m, s, e, ++number);
			fprintf(x->out, "      else return 0;\n      end;\n");
		}
		fprintf(x->out, "    end;\n");
	}
	fprintf(x->out, "  end;\n  return 0;\nend;\n\n");
}

static void print_fan(const struct exporter *x, bool word)
{
	fprintf(x->out, "function fan_%s(n: node_t; s: slot_t%s): %s_t;\nbegin\n", word ? "word" : "arg",
		word ? "; event: event_t" : "", word ? "word" : "ref");
	for (uint32_t e = 1; word && e < x->p->events; e++)
		if (x->p->event[e].word == STEP_K_NONE)
			fprintf(x->out, "  if event = e_%s then return 0; end;\n", x->p->event[e].name);
	for (unsigned m = 1; m < x->p->machines; m++) {
		const struct step_machine *d = export_machine(x, m);
		const uint32_t offset = word ? d->fan_word : d->fan_arg;
		for (const struct step_field *f = d->fields(); offset && f->name; f++)
			if (f->offset == offset)
				fprintf(x->out,
					"  if slot_machine(s) = %u then return at[n][s].%s[%c_%s_%s]; end;\n",
					m, word ? "word" : "ref", export_letter(f->kind), d->name, f->name);
	}
	fprintf(x->out, "  return 0;\nend;\n\n");
}

static void print_actions(struct exporter *x)
{
	for (uint32_t i = 0; i < x->actions.count; i++)
		export_print_action(x, &x->actions.action[i]);
	print_rows(x);
	fputs("function stalls(machine: machine_t; state: state_t; event: event_t): boolean;\nbegin\n  "
	      "return false",
	      x->out);
	for_cells(x, print_stalls_at);
	fputs(";\nend;\n\nfunction cell_stalls(cell: cell_t): boolean;\nbegin\n  switch cell\n", x->out);
	for_cells(x, print_stalls);
	fputs("  end;\n  return false;\nend;\n\nfunction cell_next(cell: cell_t): state_t;\nbegin\n  switch "
	      "cell\n",
	      x->out);
	for_cells(x, print_next);
	fputs("  end;\n  return 0;\nend;\n\nfunction cell_sends(cell: cell_t): 0..255;\nbegin\n  switch "
	      "cell\n",
	      x->out);
	for_cells(x, print_sends);
	fputs("  end;\n  return 0;\nend;\n\n", x->out);
	print_fan(x, false);
	print_fan(x, true);
	fputs("procedure act(cell: cell_t);\nbegin\n  switch "
	      "cell\n",
	      x->out);
	for_cells(x, print_act);
	fputs("  end;\nend;\n", x->out);
}

/* ---- learning ---- */

/* The number of a new action among those of its name, or -1: it is there. */
static int number_of_new(const struct exporter *x, unsigned machine, const struct step_cell *cell)
{
	int number = 0;
	for (uint32_t i = 0; i < x->actions.count; i++) {
		const struct export_action *a = &x->actions.action[i];
		if (a->machine != machine || strcmp(a->name, cell->name))
			continue;
		if (a->action == cell->action && !a->mistake)
			return -1;
		number++;
	}
	return number;
}

/* Returns 0 or -ENOTSUP. */
static int add_action(struct exporter *x, unsigned machine, const struct step_cell *cell, uint32_t mistake,
		      char *why, size_t size)
{
	const int number = cell->kind == STEP_GO && cell->action ? number_of_new(x, machine, cell) : -1;
	if (number < 0)
		return 0;
	if (x->actions.count == ACTIONS_MAX)
		return snprintf(why, size, "it has more than %d actions", ACTIONS_MAX), -ENOTSUP;
	x->actions.action[x->actions.count++] = (struct export_action){.machine = machine,
								       .action = cell->action,
								       .name = cell->name,
								       .mistake = mistake,
								       .number = (uint32_t)number};
	return 0;
}

static int list_actions(struct exporter *x, char *why, size_t size)
{
	int code = 0;
	x->actions.action = calloc(ACTIONS_MAX, sizeof *x->actions.action);
	if (!x->actions.action)
		return snprintf(why, size, "there is no memory"), -ENOMEM;
	for (unsigned m = 1; m < x->p->machines; m++)
		for (size_t c = 0; c < (size_t)(export_machine(x, m)->states + 1) * x->p->events && !code;
		     c++)
			code = add_action(x, m, &export_machine(x, m)->table[c], 0, why, size);
	return code;
}

/* What learning has come to. The refused actions are named in `why`. */
struct learning {
	struct exporter *x;
	const struct export_options *options;
	struct export_report *report;
	bool searched;
	uint32_t refused;
	char *why;
	size_t size, used;
};

/* Learns what is not known yet of the protocol, or of a mistake. */
static int learn(struct learning *l, const struct step_protocol *p, uint32_t mistake)
{
	for (uint32_t i = 0; i < l->x->actions.count; i++) {
		struct export_action *a = &l->x->actions.action[i];
		if (a->known || a->mistake != mistake)
			continue;
		const char *reason =
			export_learn(&a->tree, p, a->machine, a->action, l->searched ? &a->met : NULL);
		a->known = !reason;
		if (reason && l->used < l->size)
			l->used += (size_t)snprintf(l->why + l->used, l->size - l->used,
						    "%saction %s of %s %s", l->refused ? "; " : "", a->name,
						    p->machine[a->machine].name, reason);
		l->refused += reason != NULL;
	}
	return 0;
}

static int search(struct learning *l, const struct step_protocol *p, uint32_t mistake)
{
	struct checker_result result;
	const int code = export_search(&l->x->actions, p, mistake, &l->options->bounds, &result);
	if (code)
		return snprintf(l->why, l->size, "%s", result.why), -EINVAL;
	if (!mistake) {
		l->report->searched = true;
		l->report->bounded = result.end == CHECKER_BOUNDED;
		l->report->states = result.states;
	}
	l->x->raised = result.cells_max + 2 > l->x->raised ? result.cells_max + 2 : l->x->raised;
	checker_result_fini(&result);
	return 0;
}

static int compare(struct learning *l, const struct step_protocol *p, uint32_t mistake)
{
	const char *differs = export_beside(&l->x->actions, p, mistake, &l->options->bounds);
	return differs ? snprintf(l->why, l->size, "%s", differs), -ENOTSUP : 0;
}

/* Does something for the protocol, then for each mistake while that is made. */
static int for_each(struct learning *l, int (*act)(struct learning *, const struct step_protocol *, uint32_t))
{
	struct exporter *x = l->x;
	int code = act(l, x->p, 0);
	for (uint32_t i = 0; i < x->mistakes && !code; i++) {
		struct step_protocol wrong;
		if (mutant_init(&wrong, x->p, &x->mistake[i].mutant))
			return -ENOMEM;
		code = act(l, &wrong, i + 1);
		mutant_fini(&wrong, &x->mistake[i].mutant);
	}
	return code;
}

static int add_mistake(struct learning *l, const struct step_protocol *p, uint32_t mistake)
{
	if (!mistake)
		return 0;
	struct export_mistake *w = &l->x->mistake[mistake - 1];
	w->cell = *step_cell_at(p, w->mutant.machine, w->mutant.state, w->mutant.event);
	return add_action(l->x, w->mutant.machine, &w->cell, mistake, l->why, l->size);
}

/* What needs no search is learnt first; where that is not all, what the search meets makes tables of the rest. */
static int learn_all(struct learning *l)
{
	int code = list_actions(l->x, l->why, l->size);
	if (code || (code = for_each(l, add_mistake)))
		return code;
	for_each(l, learn);
	if (!l->refused)
		return 0;
	code = for_each(l, search);
	if (code)
		return code;
	l->searched = true;
	l->refused = 0;
	l->used = 0;
	for_each(l, learn);
	return l->refused ? -ENOTSUP : for_each(l, compare);
}

/* ---- how large the text's arrays are ---- */

static void see_word(struct exporter *x, uint32_t word)
{
	if (word >= x->words)
		x->words = (uint64_t)word + 1;
}

static void measure_tree(struct exporter *x, const struct export_tree *tree)
{
	for (uint32_t i = 0; i < tree->count; i++) {
		uint32_t ops = 0;
		const struct export_program *p = &tree->node[i].program;
		for (uint32_t k = 0; k < p->count; k++) {
			ops += export_op_name[p->op[k].kind] != NULL;
			if (p->op[k].word.source == EXPORT_CONSTANT)
				see_word(x, p->op[k].word.constant);
		}
		x->ops = ops > x->ops ? ops : x->ops;
	}
}

static void measure(struct exporter *x, const struct export_report *report)
{
	x->ops = 1;
	x->words = x->p->events > 32 ? x->p->events : 32;
	x->raised = x->raised > RAISED ? x->raised : RAISED;
	for (uint32_t i = 0; i < x->actions.count; i++) {
		const struct export_met *met = &x->actions.action[i].met;
		measure_tree(x, &x->actions.action[i].tree);
		for (uint32_t k = 0; k < met->count; k++)
			for (uint32_t w = 0; w < EXPORT_WORDS; w++)
				see_word(x, met->tuple[k][w]);
		if (report->searched && met->members + 1 > x->links)
			x->links = met->members + 1;
	}
	if (report->searched && x->links < x->nodes)
		x->links = x->nodes;
}

/* ---- clients that the protocol does not describe ---- */

static void print_any_clients(const struct exporter *x)
{
	fputs("procedure completed(n: node_t; c: client_t; call: msg_t; result: word_t; arg: ref_t); begin "
	      "end;\n"
	      "procedure after_step(n: node_t); begin end;\n"
	      "procedure fade_model(old, fresh: ref_t); begin end;\n",
	      x->out);
}

/* Any call on any name; where it has a word, 0 or 1. Number: call, name, word. */
static void print_any_rules(const struct exporter *x)
{
	uint32_t calls = 0;
	fputs("procedure begin_world(); begin end;\n\nfunction call_event(k: 0..EVENTS - 1): "
	      "event_t;\nbegin\n  switch k\n",
	      x->out);
	for (unsigned e = 1; e < x->p->events; e++)
		if (is_served(x, e))
			fprintf(x->out, "  case %u: return e_%s;\n", calls++, x->p->event[e].name);
	fputs("  end;\n  return 0;\nend;\n\nfunction call_dest(n: node_t; event: event_t): ref_t;\nbegin\n  "
	      "switch event\n",
	      x->out);
	for (unsigned e = 1; e < x->p->events; e++)
		for (unsigned m = 1; m < x->p->machines && is_served(x, e); m++)
			if (step_cell_at(x->p, m, 0, e)->kind != STEP_NEVER) {
				fprintf(x->out, "  case e_%s: return ref(n, K_%s_%s);\n", x->p->event[e].name,
					export_machine(x, m)->named ? "NAMED" : "NEW",
					export_machine(x, m)->name);
				break;
			}
	fputs("  end;\n  return NOBODY;\nend;\n\nfunction has_word(event: event_t): boolean;\nbegin\n  "
	      "return false",
	      x->out);
	for (unsigned e = 1; e < x->p->events; e++)
		if (is_served(x, e) && x->p->event[e].word != STEP_K_NONE)
			fprintf(x->out, " | event = e_%s", x->p->event[e].name);
	fprintf(x->out,
		";\nend;\n\nconst\n  CALLS: %u;\n\nfunction may_call(n: node_t; k: 0..CALLS - 1): "
		"boolean;\nbegin\n"
		"  return may_begin(n, 0) & (k %% 2 = 0 | has_word(call_event(k / (2 * NAMES))));\nend;\n\n"
		"procedure begin_call(n: node_t; k: 0..CALLS - 1);\nbegin\n"
		"  call(n, 0, call_event(k / (2 * NAMES)), call_dest(n, call_event(k / (2 * NAMES))),\n"
		"    ref(0, K_NAME + (k / 2) %% NAMES), k %% 2);\nend;\n",
		calls ? calls * 2 * x->names : 1);
}

/* ---- the whole ---- */

/* The part of a text of clients before its line "-- @rules", or after it. */
static void print_part(const struct exporter *x, const char *text, bool after)
{
	const char *rules = text ? strstr(text, MARK "rules\n") : NULL;
	if (rules && after)
		fputs(strchr(rules, '\n') + 1, x->out);
	else if (rules)
		fwrite(text, 1, (size_t)(rules - text), x->out);
}

static void print_mark(struct exporter *x, const char *mark, const struct export_options *o)
{
	const bool rules = !strncmp(mark, "rules", 5), model = !strncmp(mark, "model", 5);
	if (!strncmp(mark, "constants", 9))
		print_constants(x);
	else if (!strncmp(mark, "actions", 7))
		print_actions(x);
	else if (!o->family && !o->clients)
		rules ? print_any_rules(x) : print_any_clients(x);
	else if (rules || model)
		print_part(x, o->family, rules), print_part(x, o->clients, rules);
}

static int configure(struct exporter *x, const struct export_options *o, char *why, size_t size)
{
	const struct step_model *model = x->p->model;
	const struct checker_options *b = x->bounds = &o->bounds;
	if (!model)
		return snprintf(why, size, "it has no model that says how many kernels and slots there are"),
		       -EINVAL;
	x->nodes = b->kernels ? b->kernels : model->nodes;
	x->flight = b->flight ? b->flight : model->flight;
	const uint32_t objects = b->objects ? b->objects : model->objects;
	for (unsigned m = 1; m < x->p->machines; m++) {
		const uint32_t own = model->slots[m] * (m == 3 && model->objects ? objects : 1);
		x->slots[m] = b->slots[m] ? b->slots[m] : own;
		x->first_slot[m] = x->slot_count;
		x->slot_count += x->slots[m];
		if (!x->names && export_machine(x, m)->named)
			x->names = x->slots[m];
	}
	x->names = objects ? objects : x->names ? x->names : 1;
	if (x->nodes < 1 || x->nodes > STEP_MODEL_NODES_MAX)
		return snprintf(why, size, "between 1 and %d kernels can be written", STEP_MODEL_NODES_MAX),
		       -EINVAL;
	if (model->capacity || model->channels_by_class || model->stall_in_channel)
		return snprintf(why, size, "its channels are of a kind that the text does not have"),
		       -ENOTSUP;
	if (o->mutants > EXPORT_MISTAKES_MAX)
		return snprintf(why, size, "a text holds at most %d mistakes", EXPORT_MISTAKES_MAX), -EINVAL;
	for (x->mistakes = 0; x->mistakes < o->mutants; x->mistakes++)
		x->mistake[x->mistakes].mutant = o->mutant[x->mistakes];
	if (o->clients && !strstr(o->clients, MARK "rules\n"))
		return snprintf(why, size, "the text of its clients has no line \"" MARK "rules\""), -EINVAL;
	return 0;
}

static void print_all(struct exporter *x, const struct export_options *options)
{
	const char *text = options->prelude;
	fprintf(x->out,
		"-- %s: %s.\n-- Written by \"skerry export\" from the tables that run: %u cells, %u "
		"actions.\n",
		x->p->name, x->p->about, x->cells, x->actions.count);
	for (const char *mark; (mark = strstr(text, "\n" MARK)); text = strchr(mark + 1, '\n') + 1) {
		fwrite(text, 1, (size_t)(mark + 1 - text), x->out);
		print_mark(x, mark + 1 + strlen(MARK), options);
	}
	fputs(text, x->out);
}

static bool asks(const struct export_tree *tree, bool words)
{
	for (uint32_t i = 0; i < tree->count; i++)
		if (tree->node[i].kind == EXPORT_ASK && (tree->node[i].ask.test == EXPORT_WORD_IS) == words)
			return true;
	return false;
}

int export_murphi(FILE *out, const struct step_protocol *protocol, const struct export_options *options,
		  struct export_report *report, char *why, size_t size)
{
	struct exporter exporter = {.out = out, .p = protocol}, *x = &exporter;
	struct learning learning = {.x = x, .options = options, .report = report, .why = why, .size = size};
	*report = (struct export_report){0};
	int code = configure(x, options, why, size);
	if (!code)
		code = learn_all(&learning);
	if (!code) {
		measure(x, report);
		for_cells(x, count_cell);
		print_all(x, options);
	}
	for (uint32_t i = 0; i < x->actions.count; i++) {
		report->deciding += asks(&x->actions.action[i].tree, false);
		report->by_words += asks(&x->actions.action[i].tree, true);
		export_tree_fini(&x->actions.action[i].tree);
		free(x->actions.action[i].met.tuple);
	}
	free(x->actions.action);
	return code;
}
