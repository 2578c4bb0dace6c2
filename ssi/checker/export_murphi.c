/* ssi/checker/export_murphi.c - a protocol's tables and learnt actions in Murphi. See export.h. */
#include <errno.h>
#include "ssi/checker/export.h"

#define CHANNEL_CREDIT 12 /* as include/skerry/protocol.h's checker: messages under way between a pair */
#define STEP_CREDIT    4  /* a step starts where every channel of its kernel can take so many */
#define ROOM           6  /* of a channel in the text; an error says where it is too small */
#define RAISED         8  /* messages that a step may have raised or be sending */
#define PROGRAMS_MAX   256
#define MARK           "-- @"

struct exporter {
	FILE *out;
	const struct step_protocol *p;
	uint32_t nodes, slots[STEP_MACHINES_MAX], slot_count, first_slot[STEP_MACHINES_MAX];
	uint32_t flight, names, cells;
	struct {
		unsigned machine;
		step_action *action;
		const char *name;
		struct export_program program;
	} done[PROGRAMS_MAX];
	uint32_t programs;
};

static const struct step_machine *machine_of(const struct exporter *x, unsigned m)
{
	return &x->p->machine[m];
}

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
static char letter_of(unsigned kind) { return kind == STEP_K_REF ? 'f' : kind == STEP_K_LIST ? 'l' : 'w'; }

/* The most fields of a kind that a machine has; at least one, as Murphi has no empty arrays. */
static uint32_t fields_max(const struct exporter *x, char letter)
{
	uint32_t most = 1;
	for (unsigned m = 1; m < x->p->machines; m++) {
		uint32_t count = 0;
		for (const struct step_field *f = machine_of(x, m)->fields(); f->name; f++)
			count += letter_of(f->kind) == letter;
		most = count > most ? count : most;
	}
	return most;
}

static uint32_t states_max(const struct exporter *x)
{
	uint32_t most = 0;
	for (unsigned m = 1; m < x->p->machines; m++)
		most = machine_of(x, m)->states + 1 > most ? machine_of(x, m)->states + 1 : most;
	return most;
}

/* Kinds of references, as workloads/murphi/prelude.m numbers them. All constants are written as numbers: Rumur takes
 * minutes where they are expressions. */
static uint32_t kind_new(const struct exporter *x) { return 2 + 2 * x->slot_count; }

static void print_names(const struct exporter *x)
{
	for (uint32_t e = 1; e < x->p->events; e++)
		fprintf(x->out, "  e_%s: %u;\n", x->p->event[e].name, e);
	for (unsigned m = 1; m < x->p->machines; m++) {
		const struct step_machine *d = machine_of(x, m);
		fprintf(x->out, "  m_%s: %u;\n  K_NEW_%s: %u;\n  K_NAMED_%s: %u;\n", d->name, m, d->name,
			kind_new(x) + m - 1, d->name, kind_new(x) + x->p->machines + m - 2);
		for (uint32_t s = 0; s < d->states; s++)
			fprintf(x->out, "  s_%s_%s: %u;\n", d->name, d->state[s], s);
		for (uint32_t i = 0; d->fields()[i].name; i++)
			fprintf(x->out, "  %c_%s_%s: %u;\n", letter_of(d->fields()[i].kind), d->name,
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

static void print_constants(const struct exporter *x)
{
	const uint32_t machines = x->p->machines - 1, links = x->nodes * slots_most(x) + 1;
	const uint32_t words = x->p->events > 32 ? x->p->events : 32;
	FILE *o = x->out;
	fprintf(o, "const\n  NODES: %u;\n  CLIENTS: 1;\n  SLOTS: %u;\n  MACHINES: %u;\n  NAMES: %u;\n",
		x->nodes, x->slot_count, machines, x->names);
	fprintf(o,
		"  NOBODY: 0;\n  K_CLIENT: 1;\n  K_SLOT: 2;\n  K_STALE: %u;\n  K_NEW: %u;\n  K_NAMED: %u;\n"
		"  K_NAME: %u;\n  KINDS: %u;\n",
		2 + x->slot_count, kind_new(x), kind_new(x) + machines, kind_new(x) + 2 * machines,
		kind_new(x) + 2 * machines + x->names);
	fprintf(o, "  EVENTS: %u;\n  STATES: %u;\n  CELLS: %u;\n  WORDS: %u;\n  LINKS: %u;\n", x->p->events,
		states_max(x), x->cells, words, links);
	fprintf(o, "  REFS: %u;\n  WORD_FIELDS: %u;\n  LISTS: %u;\n", fields_max(x, 'f'), fields_max(x, 'w'),
		fields_max(x, 'l'));
	fprintf(o,
		"  CREDIT: %u;\n  STEP_CREDIT: %u;\n  ROOM: %u;\n  PARKS: %u;\n  FLIGHT: %u;\n  RAISED: "
		"%u;\n  MOVES: %u;\n",
		CHANNEL_CREDIT, STEP_CREDIT, ROOM, x->nodes, x->flight, RAISED,
		4 + fields_max(x, 'l') * links + x->nodes);
	fprintf(o, "  PENDING_TIMER: 255;\n  CLASS_CALL: %u;\n  LOCAL_ERRORS: %u;\n", STEP_CALL,
		x->p->model->local_errors);
	print_names(x);
	fprintf(o, "\nfunction slot_machine(s: 0..SLOTS - 1): 1..MACHINES;\nbegin\n");
	for (unsigned m = machines; m > 1; m--)
		fprintf(o, "  if s >= %u then return %u; end;\n", x->first_slot[m], m);
	fprintf(o, "  return 1;\nend;\n\nfunction first_slot(machine: 0..MACHINES): 0..SLOTS - 1;\nbegin\n");
	for (unsigned m = machines; m > 1; m--)
		fprintf(o, "  if machine = %u then return %u; end;\n", m, x->first_slot[m]);
	fprintf(o, "  return 0;\nend;\n\nfunction full_state(machine: 0..MACHINES): 0..STATES - 1;\nbegin\n");
	for (unsigned m = machines; m > 1; m--)
		fprintf(o, "  if machine = %u then return %u; end;\n", m, machine_of(x, m)->states);
	fprintf(o,
		"  return %u;\nend;\n\nfunction is_machine_named(machine: 0..MACHINES): boolean;\nbegin\n  "
		"return false",
		machine_of(x, 1)->states);
	for (unsigned m = 1; m <= machines; m++)
		if (machine_of(x, m)->named)
			fprintf(o, " | machine = %u", m);
	fprintf(o, ";\nend;\n\nfunction is_rest(machine: 0..MACHINES; state: 0..STATES - 1): "
		   "boolean;\nbegin\n  return state = 0");
	for (unsigned m = 1; m <= machines; m++)
		for (uint32_t s = 1; s < machine_of(x, m)->states; s++)
			if (machine_of(x, m)->rest >> s & 1)
				fprintf(o, " |\n    (machine = %u & state = %u)", m, s);
	fprintf(o, ";\nend;\n\nfunction class_of(event: 0..EVENTS - 1): 0..4;\nbegin\n  switch event\n");
	for (uint32_t e = 1; e < x->p->events; e++)
		if (x->p->event[e].klass)
			fprintf(o, "  case e_%s: return %u;\n", x->p->event[e].name, x->p->event[e].klass);
	fprintf(o, "  end;\n  return 0;\nend;\n");
}

/* ---- actions ---- */

static void print_source(const struct exporter *x, const struct step_machine *d, unsigned source)
{
	static const char *const names[] = {"", "m.word", "n", "m.src", "m.arg", "m.dest", "me"};
	if (source < EXPORT_FIELD)
		fputs(names[source], x->out);
	else
		fprintf(x->out, "x_%s", d->fields()[source - EXPORT_FIELD].name);
}

static void print_word(const struct exporter *x, const struct step_machine *d, const struct export_word *w)
{
	if (w->source == EXPORT_CONSTANT) {
		fprintf(x->out, "%u", w->constant);
		return;
	}
	fputs(w->node_of ? "node_of(" : "", x->out);
	print_source(x, d, w->source);
	fputs(w->node_of ? ")" : "", x->out);
}

static void print_ref(const struct exporter *x, const struct step_machine *d, const struct export_ref *r)
{
	if (r->source != EXPORT_CONSTANT) {
		print_source(x, d, r->source);
		return;
	}
	fputs("ref(", x->out);
	print_word(x, d, &r->node);
	if (!r->machine || r->machine >= x->p->machines)
		fprintf(x->out, ", 0)");
	else if (r->index == STEP_NEW || r->index == STEP_NAMED)
		fprintf(x->out, ", K_%s_%s)", r->index == STEP_NEW ? "NEW" : "NAMED",
			machine_of(x, r->machine)->name);
	else
		fprintf(x->out, ", K_SLOT + %u)", x->first_slot[r->machine] + r->index);
}

static void print_list_op(const struct exporter *x, const struct step_machine *d, const struct export_op *op)
{
	static const char *const names[] = {[EXPORT_ADD] = "add",
					    [EXPORT_ADD_ONCE] = "add_once",
					    [EXPORT_ADD_OTHERS] = "add_others",
					    [EXPORT_REPLACE] = "replace",
					    [EXPORT_REMOVE] = "remove",
					    [EXPORT_REMOVE_IF] = "remove_if",
					    [EXPORT_SETTLE] = "settle",
					    [EXPORT_FANOUT] = "fanout",
					    [EXPORT_WAKE] = "wake"};
	const char *field = d->fields()[op->field].name;
	if (op->kind == EXPORT_STOP) {
		fprintf(x->out, "  at[n][s].list[l_%s_%s].fan := 0;\n", d->name, field);
		return;
	}
	fprintf(x->out, "  list_%s(n, s, l_%s_%s", names[op->kind], d->name, field);
	if (op->kind == EXPORT_FANOUT || op->kind == EXPORT_WAKE) {
		fprintf(x->out, ", e_%s", x->p->event[op->event].name);
	} else if (op->kind == EXPORT_ADD_OTHERS) {
		fprintf(x->out, ", %u", op->a.machine);
	} else if (op->kind != EXPORT_SETTLE) {
		fputs(", ", x->out);
		print_ref(x, d, &op->a);
		if (op->kind == EXPORT_REPLACE) {
			fputs(", ", x->out);
			print_ref(x, d, &op->b);
		}
	}
	fputs(");\n", x->out);
}

static void print_set(const struct exporter *x, const struct step_machine *d, const struct export_op *op)
{
	const bool ref = op->kind == EXPORT_SET_REF;
	fprintf(x->out, "  at[n][s].%s[%c_%s_%s] := ", ref ? "ref" : "word", ref ? 'f' : 'w', d->name,
		d->fields()[op->field].name);
	if (ref)
		print_ref(x, d, &op->a);
	else
		print_word(x, d, &op->word);
	fputs(";\n", x->out);
}

static void print_op(const struct exporter *x, const struct step_machine *d, const struct export_op *op)
{
	switch (op->kind) {
	case EXPORT_TELL:
		fputs("  tell(n, ", x->out);
		print_ref(x, d, &op->a);
		fprintf(x->out, ", e_%s, me, ", x->p->event[op->event].name);
		print_ref(x, d, &op->b);
		fputs(", ", x->out);
		print_word(x, d, &op->word);
		fputs(");\n", x->out);
		return;
	case EXPORT_COMPLETE:
		fputs("  complete(n, ", x->out);
		print_ref(x, d, &op->a);
		fputs(", ", x->out);
		print_word(x, d, &op->word);
		fputs(", ", x->out);
		print_ref(x, d, &op->b);
		fputs(");\n", x->out);
		return;
	case EXPORT_LOCAL:
		fputs("  begin_local(n, s, ", x->out);
		print_word(x, d, &op->word);
		fputs(");\n", x->out);
		return;
	case EXPORT_TIMER:
		fputs("  begin_local(n, s, PENDING_TIMER);\n", x->out);
		return;
	case EXPORT_SET_REF:
	case EXPORT_SET_WORD:
		return print_set(x, d, op);
	default:
		return print_list_op(x, d, op);
	}
}

static bool reads(const struct export_program *p, unsigned source)
{
	for (uint32_t i = 0; i < p->count; i++) {
		const struct export_op *op = &p->op[i];
		if (op->a.source == source || op->a.node.source == source || op->b.source == source ||
		    op->b.node.source == source || op->word.source == source)
			return true;
	}
	return false;
}

static bool touches(const struct export_program *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		if (p->op[i].kind != EXPORT_TELL && p->op[i].kind != EXPORT_COMPLETE)
			return true;
	return false;
}

static void print_program(const struct exporter *x, uint32_t number)
{
	const struct step_machine *d = machine_of(x, x->done[number].machine);
	const struct export_program *p = &x->done[number].program;
	const struct step_field *f = d->fields();
	bool slot = touches(p);
	fprintf(x->out, "procedure a_%s_%s(n: node_t; s: place_t; me: ref_t; m: msg_t);\n", d->name,
		x->done[number].name);
	for (uint32_t i = 0; f[i].name; i++)
		if (f[i].kind != STEP_K_LIST && reads(p, EXPORT_FIELD + i)) {
			fprintf(x->out, "var x_%s: %s;\n", f[i].name,
				f[i].kind == STEP_K_REF ? "ref_t" : "word_t");
			slot = true;
		}
	fputs("begin\n", x->out);
	if (slot)
		fputs("  if s = SLOTS then error \"an action uses a slot where there is none\"; end;\n",
		      x->out);
	for (uint32_t i = 0; f[i].name; i++)
		if (f[i].kind != STEP_K_LIST && reads(p, EXPORT_FIELD + i))
			fprintf(x->out, "  x_%s := at[n][s].%s[%c_%s_%s];\n", f[i].name,
				f[i].kind == STEP_K_REF ? "ref" : "word", letter_of(f[i].kind), d->name,
				f[i].name);
	for (uint32_t i = 0; i < p->count; i++)
		print_op(x, d, &p->op[i]);
	fputs("end;\n\n", x->out);
}

/* ---- tables ---- */

typedef void each_cell(struct exporter *x, unsigned machine, unsigned state, unsigned event,
		       const struct step_cell *cell, uint32_t number);

/* Cells that are not NEVER, numbered from 1. */
static void for_cells(struct exporter *x, each_cell *f)
{
	uint32_t number = 0;
	for (unsigned m = 1; m < x->p->machines; m++)
		for (unsigned s = 0; s <= machine_of(x, m)->states; s++)
			for (unsigned e = 0; e < x->p->events; e++) {
				const struct step_cell *cell = step_cell_at(x->p, m, s, e);
				if (cell->kind != STEP_NEVER)
					f(x, m, s, e, cell, ++number);
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
static void print_next(struct exporter *x, unsigned machine, unsigned state, unsigned event,
		       const struct step_cell *cell, uint32_t number)
{
	(void)state, (void)event;
	if (cell->kind == STEP_GO && cell->next == machine_of(x, machine)->states)
		fprintf(x->out, "  case %u: return %u; -- full\n", number, cell->next);
	else if (cell->kind == STEP_GO && cell->next)
		fprintf(x->out, "  case %u: return s_%s_%s;\n", number, machine_of(x, machine)->name,
			machine_of(x, machine)->state[cell->next]);
}
static void print_sends(struct exporter *x, unsigned machine, unsigned state, unsigned event,
			const struct step_cell *cell, uint32_t number)
{
	(void)machine, (void)state, (void)event;
	if (cell->sends)
		fprintf(x->out, "  case %u: return %u;\n", number, cell->sends);
}
static void print_act(struct exporter *x, unsigned machine, unsigned state, unsigned event,
		      const struct step_cell *cell, uint32_t number)
{
	(void)state, (void)event;
	if (cell->kind == STEP_GO && cell->action)
		fprintf(x->out, "  case %u: a_%s_%s(n, s, me, m);\n", number, machine_of(x, machine)->name,
			cell->name);
}

static void print_rows(const struct exporter *x)
{
	uint32_t number = 0;
	fprintf(x->out, "function cell_of(machine: machine_t; state: state_t; event: event_t): "
			"cell_t;\nbegin\n  switch machine\n");
	for (unsigned m = 1; m < x->p->machines; m++) {
		const struct step_machine *d = machine_of(x, m);
		fprintf(x->out, "  case m_%s:\n    switch state\n", d->name);
		for (unsigned s = 0; s <= d->states; s++) {
			fprintf(x->out, "    case %u: -- %s\n      switch event\n", s, d->state[s]);
			for (unsigned e = 0; e < x->p->events; e++)
				if (step_cell_at(x->p, m, s, e)->kind != STEP_NEVER)
					fprintf(x->out, "      case e_%s: return %u;\n", x->p->event[e].name,
						++number);
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
		const struct step_machine *d = machine_of(x, m);
		const uint32_t offset = word ? d->fan_word : d->fan_arg;
		for (const struct step_field *f = d->fields(); offset && f->name; f++)
			if (f->offset == offset)
				fprintf(x->out,
					"  if slot_machine(s) = %u then return at[n][s].%s[%c_%s_%s]; end;\n",
					m, word ? "word" : "ref", letter_of(f->kind), d->name, f->name);
	}
	fprintf(x->out, "  return 0;\nend;\n\n");
}

static void print_actions(struct exporter *x)
{
	for (uint32_t i = 0; i < x->programs; i++)
		print_program(x, i);
	print_rows(x);
	fputs("function cell_stalls(cell: cell_t): boolean;\nbegin\n  switch cell\n", x->out);
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
	fputs("procedure act(cell: cell_t; n: node_t; s: place_t; me: ref_t; m: msg_t);\nbegin\n  switch "
	      "cell\n",
	      x->out);
	for_cells(x, print_act);
	fputs("  end;\nend;\n", x->out);
}

/* ---- learning ---- */

static bool is_known(const struct exporter *x, unsigned machine, const struct step_cell *cell)
{
	for (uint32_t i = 0; i < x->programs; i++)
		if (x->done[i].machine == machine && !strcmp(x->done[i].name, cell->name))
			return true;
	return false;
}

/* Learns all actions. The refused ones are named, the first with its reason. */
static int learn(struct exporter *x, char *why, size_t size)
{
	uint32_t refused = 0;
	size_t used = 0;
	why[0] = 0;
	for (unsigned m = 1; m < x->p->machines; m++)
		for (size_t c = 0; c < (size_t)(machine_of(x, m)->states + 1) * x->p->events; c++) {
			const struct step_cell *cell = &machine_of(x, m)->table[c];
			if (cell->kind != STEP_GO || !cell->action || is_known(x, m, cell))
				continue;
			if (x->programs == PROGRAMS_MAX) {
				snprintf(why, size, "more than %d actions", PROGRAMS_MAX);
				return -ENOTSUP;
			}
			x->done[x->programs].machine = m;
			x->done[x->programs].action = cell->action;
			x->done[x->programs].name = cell->name;
			const char *reason =
				export_learn(&x->done[x->programs++].program, x->p, m, cell->action);
			if (reason && used < size)
				used += (size_t)snprintf(why + used, size - used, "%saction %s of %s %s",
							 refused++ ? "; " : "", cell->name,
							 machine_of(x, m)->name, reason);
		}
	return refused ? -ENOTSUP : 0;
}

/* ---- clients that the protocol does not describe ---- */

static void print_any_clients(const struct exporter *x)
{
	fprintf(x->out,
		"procedure begin_model(); begin end;\n"
		"procedure completed(n: node_t; call: msg_t; result: word_t; arg: ref_t); begin end;\n");
}

static void print_any_call(const struct exporter *x, unsigned machine, unsigned event)
{
	const char *kind = machine_of(x, machine)->named ? "NAMED" : "NEW", *m = machine_of(x, machine)->name,
		   *e = x->p->event[event].name;
	fprintf(x->out,
		"ruleset n: node_t; name: 0..NAMES - 1; word: 0..%d do\n"
		"  rule \"%s\" may_call(n, 0, e_%s, ref(n, K_%s_%s), ref(0, K_NAME + name)) ==>\n"
		"  begin\n    call(n, 0, e_%s, ref(n, K_%s_%s), ref(0, K_NAME + name), word);\n  "
		"end;\nend;\n",
		x->p->event[event].word == STEP_K_NONE ? 0 : 1, e, e, kind, m, e, kind, m);
}

static void print_any_rules(const struct exporter *x)
{
	for (unsigned m = 1; m < x->p->machines; m++)
		for (unsigned e = 1; e < x->p->events; e++)
			if (x->p->event[e].klass == STEP_CALL &&
			    step_cell_at(x->p, m, 0, e)->kind != STEP_NEVER)
				print_any_call(x, m, e);
}

/* ---- the whole ---- */

static void print_mark(struct exporter *x, const char *mark, const struct export_options *o)
{
	const char *rules = o->clients ? strstr(o->clients, MARK "rules\n") : NULL;
	if (!strncmp(mark, "constants", 9))
		print_constants(x);
	else if (!strncmp(mark, "actions", 7))
		print_actions(x);
	else if (!strncmp(mark, "model", 5) && rules)
		fwrite(o->clients, 1, (size_t)(rules - o->clients), x->out);
	else if (!strncmp(mark, "model", 5))
		print_any_clients(x);
	else if (rules)
		fputs(strchr(rules, '\n') + 1, x->out);
	else
		print_any_rules(x);
}

static int configure(struct exporter *x, const struct export_options *o, char *why, size_t size)
{
	const struct step_model *model = x->p->model;
	if (!model)
		return snprintf(why, size, "it has no model that says how many kernels and slots there are"),
		       -EINVAL;
	x->nodes = o->kernels ? o->kernels : model->nodes;
	x->flight = o->flight ? o->flight : model->flight;
	for (unsigned m = 1; m < x->p->machines; m++) {
		x->slots[m] = o->slots[m] ? o->slots[m] : model->slots[m];
		x->first_slot[m] = x->slot_count;
		x->slot_count += x->slots[m];
		if (!x->names && machine_of(x, m)->named)
			x->names = x->slots[m];
	}
	x->names = model->objects ? model->objects : x->names ? x->names : 1;
	if (x->nodes < 1 || x->nodes > STEP_MODEL_NODES_MAX)
		return snprintf(why, size, "between 1 and %d kernels can be written", STEP_MODEL_NODES_MAX),
		       -EINVAL;
	if (o->clients && !strstr(o->clients, MARK "rules\n"))
		return snprintf(why, size, "the text of its clients has no line \"" MARK "rules\""), -EINVAL;
	return 0;
}

int export_murphi(FILE *out, const struct step_protocol *protocol, const struct export_options *options,
		  char *why, size_t size)
{
	static struct exporter exporter;
	struct exporter *x = &exporter;
	memset(x, 0, sizeof *x);
	x->out = out, x->p = protocol;
	int code = configure(x, options, why, size);
	if (!code)
		code = learn(x, why, size);
	if (code)
		return code;
	for_cells(x, count_cell);
	fprintf(out,
		"-- %s: %s.\n-- Written by \"skerry export\" from the tables that run: %u cells, %u "
		"actions.\n",
		protocol->name, protocol->about, x->cells, x->programs);
	const char *text = options->prelude;
	for (const char *mark; (mark = strstr(text, "\n" MARK)); text = strchr(mark + 1, '\n') + 1) {
		fwrite(text, 1, (size_t)(mark + 1 - text), out);
		print_mark(x, mark + 1 + strlen(MARK), options);
	}
	fputs(text, out);
	return 0;
}
