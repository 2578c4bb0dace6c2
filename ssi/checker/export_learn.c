/* ssi/checker/export_learn.c - a straight-line program, from what marks do in a lab. See export.h. */
#include "ssi/checker/export_lab.h"

#define RUNS        400
#define RUNS_SCORED 120
#define RUNS_SEEN   20
#define TRIES       12 /* draws for a machine that is as given */
#define SINGLES_MAX 40

const char learn_differs[] = "decides by values, or computes with them";

/* ---- whether a program fits ---- */

/* The drawn machine of that number. False: there is none that is as given. */
static bool draw_lab(struct lab *lab, uint32_t run, uint64_t *seed, const struct step_protocol *wide,
		     unsigned machine, const struct given *given)
{
	if (run < 3) {
		lab_clear(lab, wide, machine);
		lab_mark(lab, given), lab_fill(lab, (enum filling)run, given, 0);
		return lab_is_as_given(lab, given);
	}
	for (uint32_t try = 0; try < TRIES; try++) {
		lab_clear(lab, wide, machine);
		if (lab_draw(lab, seed, given))
			return true;
	}
	return false;
}

uint32_t learn_passes(const struct export_program *p, const struct step_protocol *wide, unsigned machine,
		      step_action *action, const struct given *given, uint32_t runs, bool all,
		      uint32_t *drawn, learn_look *look, void *context)
{
	static struct lab x, y;
	uint64_t seed = 1;
	uint32_t passes = 0;
	*drawn = 0;
	for (uint32_t run = 0; run < runs; run++) {
		if (run == RUNS_SEEN && !*drawn)
			break; /* what is given hardly ever is */
		if (!draw_lab(&x, run, &seed, wide, machine, given))
			continue;
		++*drawn;
		lab_clear(&y, wide, machine);
		lab_copy(&y, &x);
		lab_run_action(&x, action);
		lab_run_program(&y, p);
		const bool same = lab_same_run(&x, &y);
		passes += same;
		if (look)
			look(context, &x, same);
		if (!same && !all)
			break;
	}
	return passes;
}

/* ---- what follows from a run with marks ---- */

static bool find_word(const struct lab *lab, uint32_t value, struct export_word *out)
{
	*out = (struct export_word){.source = value == EVENT_MARK ? EXPORT_EVENT : EXPORT_CONSTANT,
				    .constant = value};
	if (value < NODE_MARK - 1)
		return true;
	for (uint32_t s = EXPORT_WORD; s < EXPORT_FIELD + lab->fields; s++) {
		const struct export_word word = {.source = (uint8_t)s},
					 node = {.source = (uint8_t)s, .node_of = true};
		if (lab_is_word(lab, s) && lab_word_value(lab, &word) == value)
			return *out = word, true;
		if (lab_is_ref(lab, s) && lab_word_value(lab, &node) == value)
			return *out = node, true;
	}
	return false;
}

static bool find_ref(const struct lab *lab, step_ref value, struct export_ref *out)
{
	*out = (struct export_ref){.machine = value.machine, .index = (uint32_t)value.index};
	if (!step_ref_word(value))
		return true;
	for (uint32_t s = EXPORT_FROM; s < EXPORT_FIELD + lab->fields; s++)
		if (lab_is_ref(lab, s) && step_same(lab_source(lab, s), value))
			return *out = (struct export_ref){.source = (uint8_t)s}, true;
	return find_word(lab, (uint32_t)value.node, &out->node) && !value.gen &&
	       (value.index < 64 || value.index == STEP_NEW || value.index == STEP_NAMED);
}

/* All that is learnt at once. all: runs with all candidates in the lists, or each alone; others: with none of them. */
struct study {
	struct export_program *out;
	const struct lab *all, *others;
	uint32_t alls;
	const char *why;
	uint8_t base
		[EXPORT_FIELDS_MAX]; /* of a gap: the list that a list was when it began; itself, another, or CLEARED */
};
#define CLEARED 255
#define WOKEN   254 /* its members are gone, but a fan-out goes on */

static struct export_op *op_new(struct study *s, enum export_op_kind kind)
{
	static struct export_op spare;
	if (s->out->count == EXPORT_OPS_MAX) {
		s->why = "does too much";
		return &spare;
	}
	struct export_op *op = &s->out->op[s->out->count++];
	*op = (struct export_op){.kind = (uint8_t)kind, .c = {.source = EXPORT_ME}};
	return op;
}
static void op_ref(struct study *s, struct export_ref *out, step_ref value)
{
	if (!find_ref(s->others, value, out))
		s->why = "makes a reference that is neither copied nor built from what it knows";
}
static void op_word(struct study *s, struct export_word *out, uint32_t value)
{
	if (!find_word(s->others, value, out))
		s->why = "computes a word";
}

/* A word that is told as an event shows its low byte. */
static void op_event(struct study *s, struct export_op *op, uint8_t event)
{
	const struct lab *lab = s->others;
	op->event = event;
	for (uint32_t i = EXPORT_WORD; event >= lab->n.protocol->events && i < EXPORT_FIELD + lab->fields;
	     i++)
		if (i != EXPORT_OWN && lab_is_word(lab, i) &&
		    (uint8_t)lab_word_value(lab, &(struct export_word){.source = (uint8_t)i}) == event) {
			op->event_source = (uint8_t)i;
			return;
		}
	if (event >= lab->n.protocol->events)
		s->why = "tells what is no event";
}

static void learn_tell(struct study *s, const struct step_msg *m)
{
	struct export_op *op = op_new(s, EXPORT_TELL);
	op_event(s, op, m->event);
	op_ref(s, &op->a, m->to);
	op_ref(s, &op->b, m->arg);
	op_ref(s, &op->c, m->from);
	op_word(s, &op->word, m->word);
}

static bool has_link(const struct members *m, uint32_t link, step_ref *member)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (m->link[i] == link)
			return *member = m->member[i], true;
	return false;
}
static bool have_link_in_common(const struct members *a, const struct members *b)
{
	step_ref member;
	for (uint32_t i = 0; i < a->count; i++)
		if (has_link(b, a->link[i], &member))
			return true;
	return false;
}

/* A list before a gap between two calls of the host. */
static const struct members *before_gap(const struct lab *lab, uint32_t gap, uint32_t field)
{
	return gap ? &lab->entry[gap - 1].list_of[field] : &lab->list_before[field];
}

static bool is_known(const struct export_program *p, const struct export_op *op)
{
	for (const struct export_op *o = p->op; o < op; o++)
		if (!memcmp(o, op, sizeof *o))
			return true;
	return false;
}

/* Removals and replacements show where the candidates are members. */
static void learn_cuts(struct study *s, uint32_t field, const struct members *from, const struct members *to)
{
	for (uint32_t i = 0; i < from->count; i++) {
		step_ref now;
		const bool there = has_link(to, from->link[i], &now);
		if (lab_is_outsider(from->member[i]) || (there && step_same(now, from->member[i])))
			continue;
		struct export_op *op = op_new(s, there ? EXPORT_REPLACE : EXPORT_REMOVE);
		op->field = (uint8_t)field;
		op_ref(s, &op->a, from->member[i]);
		if (there)
			op_ref(s, &op->b, now);
		if (s->out->count && is_known(s->out, op))
			s->out->count--;
	}
}

/* Additions show where they are not. A member for each node is all other nodes. */
static void learn_adds(struct study *s, uint32_t field, const struct members *from, const struct members *to)
{
	step_ref was;
	uint32_t first = 0, nodes = s->others->n.nodes;
	while (first < to->count && has_link(from, to->link[first], &was))
		first++;
	const bool each = to->count - first >= nodes && to->member[first].node == 0 &&
			  to->member[first + nodes - 1].node == nodes - 1;
	if (each) {
		struct export_op *op = op_new(s, EXPORT_ADD_OTHERS);
		op->field = (uint8_t)field, op->a.machine = to->member[first].machine;
		op->a.index = (uint32_t)to->member[first].index;
		first += nodes;
	}
	for (uint32_t i = first; i < to->count; i++) {
		struct export_op *op = op_new(s, EXPORT_ADD);
		op->field = (uint8_t)field;
		op_ref(s, &op->a, to->member[i]);
	}
}

static bool learn_wake(struct study *s, uint32_t field, const struct members *from, const struct members *to,
		       uint32_t raised, uint32_t raised_end)
{
	if (!from->count || to->count)
		return false;
	for (uint32_t i = raised; i < raised_end; i++) {
		const struct step_msg *m = &s->others->raised[i];
		if (!step_same(m->to, from->member[0]))
			continue;
		struct export_op *op = op_new(s, EXPORT_WAKE);
		op->field = (uint8_t)field, op->event = m->event;
		return true;
	}
	return false;
}

static void learn_fields(struct study *s, const char *from, const char *to)
{
	const struct lab *lab = s->others;
	for (uint32_t i = 0; i < lab->fields; i++) {
		const unsigned kind = lab_field(lab, i)->kind;
		if (kind == STEP_K_REF && !step_same(lab_ref(lab, from, i), lab_ref(lab, to, i))) {
			struct export_op *op = op_new(s, EXPORT_SET_REF);
			op->field = (uint8_t)i;
			op_ref(s, &op->a, lab_ref(lab, to, i));
		} else if (kind >= STEP_K_NODE && lab_word(lab, from, i) != lab_word(lab, to, i)) {
			struct export_op *op = op_new(s, EXPORT_SET_WORD);
			op->field = (uint8_t)i;
			op_word(s, &op->word, lab_word(lab, to, i));
		}
	}
}

static bool is_list(const struct lab *lab, uint32_t field)
{
	return lab_field(lab, field)->kind == STEP_K_LIST;
}

/* Whose members a list has: links that it had, those of another list, or none of them. */
static uint8_t base_of(const struct study *s, uint32_t field, uint32_t gap)
{
	const struct lab *lab = s->others;
	const struct members *now = &lab->entry[gap].list_of[field], *was = before_gap(lab, gap, field);
	for (uint32_t k = 0; k < lab->fields; k++)
		if (k != field && is_list(lab, k) && have_link_in_common(now, before_gap(lab, gap, k)))
			return (uint8_t)k;
	return was->count && !have_link_in_common(now, was) ? CLEARED : (uint8_t)field;
}

/* Lists that are emptied, or become what others are: these first. */
static void learn_bases(struct study *s, uint32_t gap, uint32_t raised, uint32_t raised_end)
{
	const struct lab *lab = s->others;
	bool taken[EXPORT_FIELDS_MAX] = {false};
	for (uint32_t i = 0; i < lab->fields; i++) {
		s->base[i] = is_list(lab, i) ? base_of(s, i, gap) : (uint8_t)i;
		if (s->base[i] == CLEARED || s->base[i] == i)
			continue;
		struct export_op *op = op_new(s, EXPORT_TAKE_LIST);
		op->field = (uint8_t)i, op->other = s->base[i];
		taken[op->other] = true;
	}
	for (uint32_t i = 0; i < lab->fields; i++) {
		if (s->base[i] != CLEARED || taken[i])
			continue;
		const struct members *was = before_gap(lab, gap, i);
		if (learn_wake(s, i, was, &lab->entry[gap].list_of[i], raised, raised_end))
			s->base[i] = WOKEN;
		else
			op_new(s, EXPORT_CLEAR)->field = (uint8_t)i;
	}
}

/* The changes of one list between two calls of the host. */
static void learn_list(struct study *s, uint32_t i, uint32_t gap)
{
	static const struct members none;
	const uint8_t base = s->base[i];
	const struct entry *end = &s->others->entry[gap];
	const struct members *now = &end->list_of[i];
	const struct members *was = base >= WOKEN ? &none : before_gap(s->others, gap, base);
	const uint32_t fan = base == WOKEN ? before_gap(s->others, gap, i)->fan : was->fan;
	for (uint32_t k = 0; k < s->alls && base < WOKEN; k++)
		learn_cuts(s, i, before_gap(&s->all[k], gap, base), &s->all[k].entry[gap].list_of[i]);
	learn_adds(s, i, was, now);
	const bool fans = end->kind == FANS &&
			  (const char *)end->list - s->others->self == lab_field(s->others, i)->offset;
	if (now->fan != fan && !fans)
		op_new(s, EXPORT_STOP)->field = (uint8_t)i;
}

static void learn_end(struct study *s, const struct entry *e)
{
	struct export_op *op;
	switch (e->kind) {
	case SENDS:
		return learn_tell(s, &s->others->sent[e->sent]);
	case COMPLETES:
	case CALLS:
		op = op_new(s, e->kind == CALLS ? EXPORT_LOCAL : EXPORT_COMPLETE);
		op_ref(s, &op->a, e->client);
		op_ref(s, &op->b, e->arg);
		return op_word(s, &op->word, e->result);
	case TIMES:
		op_new(s, EXPORT_TIMER);
		return;
	case FANS:
		op = op_new(s, EXPORT_FANOUT);
		for (uint32_t i = 0; i < s->others->fields; i++)
			if (lab_field(s->others, i)->offset == (const char *)e->list - s->others->self)
				op->field = (uint8_t)i;
		op->event = (uint8_t)e->list_of[op->field].fan;
		return;
	default:
		return;
	}
}

static void learn_gap(struct study *s, uint32_t gap, bool raises_first)
{
	const struct lab *lab = s->others;
	const struct entry *end = &lab->entry[gap];
	const uint32_t raised = gap ? lab->entry[gap - 1].raised : 0;
	for (int turn = 0; turn < 2; turn++) {
		if ((turn == 0) == raises_first) {
			for (uint32_t i = raised; i < end->raised; i++)
				if (lab->raised[i].event != E_EMPTY && !lab_is_outsider(lab->raised[i].to))
					learn_tell(s, &lab->raised[i]);
		} else {
			learn_bases(s, gap, raised, end->raised);
			for (uint32_t i = 0; i < lab->fields; i++)
				if (is_list(lab, i))
					learn_list(s, i, gap);
		}
	}
	learn_fields(s, gap ? lab->entry[gap - 1].self : lab->before, end->self);
	learn_end(s, end);
}

/* ---- what marks leave open is tried ---- */

struct trial {
	const struct step_protocol *protocol;
	unsigned machine;
	step_action *action;
	const struct given *given;
	bool scoring; /* nothing fits: which is nearest? */
	struct export_program best;
	uint32_t best_passes, drawn;
};

static bool fits(struct trial *t, const struct export_program *p)
{
	const uint32_t passes =
		learn_passes(p, t->protocol, t->machine, t->action, t->given, t->scoring ? RUNS_SCORED : RUNS,
			     t->scoring, &t->drawn, NULL, NULL);
	if (!t->scoring)
		return passes == t->drawn;
	if (passes > t->best_passes)
		t->best = *p, t->best_passes = passes;
	return false;
}

/* REMOVE may be REMOVE_IF, ADD may be ADD_ONCE. */
static bool try_strictness(struct trial *t, struct export_program *p)
{
	uint32_t open[EXPORT_OPS_MAX], count = 0;
	for (uint32_t i = 0; i < p->count; i++)
		if (p->op[i].kind == EXPORT_REMOVE || p->op[i].kind == EXPORT_ADD)
			open[count++] = i;
	if (count > 6)
		return fits(t, p);
	for (uint32_t choice = 0; choice < 1u << count; choice++) {
		struct export_program q = *p;
		for (uint32_t i = 0; i < count; i++)
			if (choice >> i & 1)
				q.op[open[i]].kind++;
		if (fits(t, &q))
			return *p = q, true;
	}
	return false;
}
_Static_assert(EXPORT_ADD_ONCE == EXPORT_ADD + 1 && EXPORT_REMOVE_IF == EXPORT_REMOVE + 1,
	       "the laxer follows");

/* An empty list that is settled shows only as an event: its place is tried. */
static bool try_settles(struct trial *t, struct export_program *p)
{
	if (try_strictness(t, p))
		return true;
	const struct export_program plain = *p;
	const struct step_field *field = t->protocol->machine[t->machine].fields();
	if (plain.count == EXPORT_OPS_MAX)
		return false;
	for (uint32_t l = 0; field[l].name; l++)
		for (uint32_t at = 0; field[l].kind == STEP_K_LIST && at <= plain.count; at++) {
			*p = plain;
			memmove(&p->op[at + 1], &p->op[at], (plain.count - at) * sizeof *p->op);
			p->op[at] = (struct export_op){.kind = EXPORT_SETTLE, .field = (uint8_t)l};
			p->count++;
			if (try_strictness(t, p))
				return true;
		}
	*p = plain;
	return false;
}

static const char *study(struct study *s, bool raises_first)
{
	s->out->count = 0;
	s->why = NULL;
	for (uint32_t k = 0; k < s->alls; k++)
		if (s->all[k].overflow || s->all[k].entries != s->others->entries)
			return "does not do the same whatever its lists hold";
	if (s->others->overflow)
		return "does too much";
	for (uint32_t gap = 0; gap < s->others->entries; gap++)
		learn_gap(s, gap, raises_first);
	return s->why;
}

/* Both orders, and what marks leave open of each. */
static const char *try_all(struct trial *t, struct study *s)
{
	for (int raises_first = 0; raises_first < 2; raises_first++) {
		const char *why = study(s, raises_first);
		if (why)
			return why;
		if (try_settles(t, s->out))
			return NULL;
	}
	return learn_differs;
}

const char *learn_straight(struct export_program *out, const struct step_protocol *wide, unsigned machine,
			   step_action *action, const struct given *given, uint32_t *drawn)
{
	static struct lab all[SINGLES_MAX], others;
	struct trial t = {.protocol = wide, .machine = machine, .action = action, .given = given};
	struct study s = {.out = out, .all = all, .others = &others, .alls = 1};
	for (uint32_t k = 0; k < s.alls; k++) {
		lab_clear(&all[k], wide, machine);
		lab_mark(&all[k], given);
		s.alls = lab_fill(&all[k], ALL, given, k);
		s.alls = s.alls < SINGLES_MAX ? s.alls : SINGLES_MAX;
		lab_run_action(&all[k], action);
	}
	lab_clear(&others, wide, machine);
	lab_mark(&others, given), lab_fill(&others, OTHERS, given, 0), lab_run_action(&others, action);
	const char *why = try_all(&t, &s);
	*drawn = t.drawn;
	if (!why || s.why)
		return why;
	t.scoring = true;
	t.best = *out;
	try_all(&t, &s);
	*out = t.best;
	return learn_differs;
}
