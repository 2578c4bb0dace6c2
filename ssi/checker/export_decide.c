/* ssi/checker/export_decide.c - an action that decides: a tree of questions, each answer learnt apart. See export.h.
 *
 * Which question is asked shows in the runs in which the nearest straight-line program does something else: the question
 * that parts these best from the others is tried first. Words have no structure that would show: where no question
 * helps, each value that a search has met is given in turn. */
#include <stdlib.h>
#include "ssi/checker/export_lab.h"

#define DEPTH_MAX     5
#define TRIED_MAX     3   /* questions at a place */
#define GROWN_MAX     100 /* programs that are tried for one set of words */
#define RUNS_LOOKED   300
#define QUESTIONS_MAX 256
#define WORDS_MAX     3     /* that decide together */
#define WORTH_MIN     40000 /* of a question, in millionths: less is chance */

void export_tree_fini(struct export_tree *tree)
{
	free(tree->node);
	*tree = (struct export_tree){0};
}

static const char no_memory[] = "finds no memory";

/* The number of a new node; 0 (never a child): no memory. */
static struct export_node *node_new(struct export_tree *tree, enum export_node_kind kind)
{
	if (tree->count == tree->room) {
		const uint32_t room = tree->room ? tree->room * 2 : 8;
		struct export_node *more = realloc(tree->node, room * sizeof *more);
		if (!more)
			return NULL;
		tree->node = more, tree->room = room;
	}
	struct export_node *node = &tree->node[tree->count++];
	memset(node, 0, sizeof *node);
	node->kind = (uint8_t)kind;
	return node;
}

struct decide {
	struct export_tree *tree;
	const struct step_protocol *wide;
	unsigned machine;
	step_action *action;
	const struct export_met *met;
	uint32_t grown;
};

/* ---- questions ---- */

struct question {
	struct export_condition ask;
	int64_t same[2], differs[2]; /* runs, by the answer */
};
struct survey {
	struct question q[QUESTIONS_MAX];
	uint32_t count;
};

static void add_question(struct survey *s, const struct given *given, struct export_condition ask)
{
	for (uint32_t i = 0; i < given->count; i++) {
		const struct export_condition *c = &given->c[i];
		if (c->test == ask.test && c->a == ask.a && c->b == ask.b && c->list == ask.list)
			return;
	}
	if (s->count < QUESTIONS_MAX)
		s->q[s->count++] = (struct question){.ask = ask};
}

/* The message's word, unless its value is given, or a field that is a node. */
static bool may_be_node(const struct lab *lab, const struct given *given, unsigned source)
{
	if (source >= EXPORT_FIELD)
		return lab_field(lab, source - EXPORT_FIELD)->kind == STEP_K_NODE;
	for (uint32_t i = 0; i < given->count; i++)
		if (given->c[i].test == EXPORT_WORD_IS && given->c[i].a == source)
			return false;
	return source == EXPORT_WORD;
}

static void list_questions(struct survey *s, const struct lab *lab, const struct given *given)
{
	s->count = 0;
	for (uint8_t a = EXPORT_FROM; a < EXPORT_FIELD + lab->fields; a++) {
		if (!lab_is_ref(lab, a) || a == EXPORT_TO)
			continue;
		for (uint8_t b = a + 1; b < EXPORT_FIELD + lab->fields; b++)
			if (lab_is_ref(lab, b) && b != EXPORT_TO && a != EXPORT_ME)
				add_question(s, given,
					     (struct export_condition){.test = EXPORT_SAME, .a = a, .b = b});
			else if (lab_is_ref(lab, b) && b != EXPORT_TO)
				add_question(s, given,
					     (struct export_condition){.test = EXPORT_SAME, .a = b, .b = a});
		for (uint8_t b = a + 1; b < EXPORT_FIELD + lab->fields; b++)
			if (lab_is_ref(lab, b) && b != EXPORT_TO && b != EXPORT_ME && a != EXPORT_ME)
				add_question(s, given,
					     (struct export_condition){.test = EXPORT_NEAR, .a = a, .b = b});
		for (uint8_t w = EXPORT_WORD; w < EXPORT_FIELD + lab->fields && a != EXPORT_ME; w++)
			if (may_be_node(lab, given, w))
				add_question(
					s, given,
					(struct export_condition){.test = EXPORT_NODE_IS, .a = w, .b = a});
		if (a == EXPORT_ME)
			continue;
		add_question(s, given, (struct export_condition){.test = EXPORT_NOBODY, .a = a});
		add_question(s, given, (struct export_condition){.test = EXPORT_HERE, .a = a});
	}
	for (uint8_t l = 0; l < lab->fields; l++) {
		if (lab_field(lab, l)->kind != STEP_K_LIST)
			continue;
		add_question(s, given, (struct export_condition){.test = EXPORT_ALONE, .list = l});
		add_question(s, given, (struct export_condition){.test = EXPORT_EMPTY, .list = l});
		for (uint8_t a = EXPORT_FROM; a < EXPORT_FIELD + lab->fields; a++)
			if (lab_is_ref(lab, a) && a != EXPORT_TO)
				add_question(
					s, given,
					(struct export_condition){.test = EXPORT_MEMBER, .a = a, .list = l});
	}
}

static void look(void *context, const struct lab *lab, bool same)
{
	struct survey *s = context;
	for (uint32_t i = 0; i < s->count; i++)
		(same ? s->q[i].same : s->q[i].differs)[lab_answer(lab, &s->q[i].ask)]++;
}

/* How well the answer tells the runs that differ from the others: the square of a correlation, times 1e6. */
static int64_t worth(const struct question *q)
{
	const int64_t yes = q->same[1] + q->differs[1], no = q->same[0] + q->differs[0];
	const int64_t same = q->same[0] + q->same[1], differs = q->differs[0] + q->differs[1];
	const int64_t covariance = q->same[1] * q->differs[0] - q->same[0] * q->differs[1];
	return yes && no && same && differs
		       ? covariance * covariance / (yes * no) * 1000000 / (same * differs)
		       : 0;
}

static const struct question *best_question(struct survey *s)
{
	struct question *best = NULL;
	for (uint32_t i = 0; i < s->count; i++)
		if (worth(&s->q[i]) >= WORTH_MIN && (!best || worth(&s->q[i]) > worth(best)))
			best = &s->q[i];
	return best;
}

/* ---- trees ---- */

static const char *grow(struct decide *d, struct given *given, uint32_t depth);

/* Both answers; each begins where the tree ends. */
static const char *grow_both(struct decide *d, struct given *given, struct export_condition ask,
			     uint32_t depth)
{
	const uint32_t at = d->tree->count;
	struct export_node *node = node_new(d->tree, EXPORT_ASK);
	const char *why = node ? NULL : no_memory;
	for (int holds = 1; holds >= 0 && !why; holds--) {
		node = &d->tree->node[at];
		*(holds ? &node->yes : &node->no) = d->tree->count;
		node->ask = ask;
		ask.holds = holds;
		given->c[given->count++] = ask;
		why = grow(d, given, depth + 1);
		given->count--;
	}
	if (why)
		d->tree->count = at;
	return why;
}

static const char *ask(struct decide *d, struct given *given, const struct export_program *nearest,
		       uint32_t depth)
{
	struct survey survey;
	static struct lab lab;
	uint32_t drawn;
	lab_clear(&lab, d->wide, d->machine);
	list_questions(&survey, &lab, given);
	learn_passes(nearest, d->wide, d->machine, d->action, given, RUNS_LOOKED, true, &drawn, look,
		     &survey);
	for (uint32_t tried = 0; tried < TRIED_MAX; tried++) {
		const struct question *q = best_question(&survey);
		if (!q)
			break;
		const struct export_condition condition = q->ask;
		const char *why = grow_both(d, given, condition, depth);
		if (!why || why == no_memory || d->grown > GROWN_MAX)
			return why;
		memset(survey.q[q - survey.q].same, 0, sizeof q->same);
	}
	return learn_differs;
}

static const char *leaf(struct decide *d, enum export_node_kind kind, const struct export_program *program)
{
	struct export_node *node = node_new(d->tree, kind);
	if (node)
		node->program = *program;
	return node ? NULL : no_memory;
}

/* Then *program does, too. */
static bool always_faults(const struct decide *d, const struct given *given, struct export_program *program)
{
	const struct export_program fault = {.op = {{.kind = EXPORT_FAULT}}, .count = 1};
	uint32_t drawn;
	if (learn_passes(&fault, d->wide, d->machine, d->action, given, RUNS_LOOKED, false, &drawn, NULL,
			 NULL) != drawn)
		return false;
	*program = fault;
	return true;
}

static const char *grow(struct decide *d, struct given *given, uint32_t depth)
{
	struct export_program program;
	uint32_t drawn = 0;
	if (++d->grown > GROWN_MAX)
		return learn_differs;
	const char *why = learn_straight(&program, d->wide, d->machine, d->action, given, &drawn);
	if (!why)
		return leaf(d, drawn ? EXPORT_LEAF : EXPORT_UNSEEN, &program);
	if (always_faults(d, given, &program))
		return leaf(d, EXPORT_LEAF, &program);
	if (why != learn_differs || depth == DEPTH_MAX || given->count == GIVEN_MAX)
		return why;
	return ask(d, given, &program, depth);
}

/* ---- words ---- */

static bool meets(const uint32_t tuple[EXPORT_WORDS], const struct given *given)
{
	for (uint32_t i = 0; i < given->count; i++) {
		const uint32_t a = given->c[i].a;
		if (given->c[i].holds &&
		    tuple[a == EXPORT_WORD ? 0 : 1 + a - EXPORT_FIELD] != given->c[i].value)
			return false;
	}
	return true;
}

/* Words are given before anything is asked, so all that is given here is of words. */
static bool is_done(const struct export_met *met, const struct given *given, uint32_t slot, uint32_t before)
{
	for (uint32_t i = 0; i < before; i++)
		if (meets(met->tuple[i], given) && met->tuple[i][slot] == met->tuple[before][slot])
			return true;
	return false;
}

/* A chain: is the first word this? that? and in each the other words. */
static const char *grow_words(struct decide *d, struct given *given, const uint8_t *source, uint32_t words)
{
	if (!words)
		return d->grown = 0, grow(d, given, 0);
	const uint32_t slot = *source == EXPORT_WORD ? 0 : 1u + *source - EXPORT_FIELD;
	for (uint32_t i = 0; i < d->met->count; i++) {
		if (!meets(d->met->tuple[i], given) || is_done(d->met, given, slot, i))
			continue;
		const uint32_t at = d->tree->count;
		struct export_node *node = node_new(d->tree, EXPORT_ASK);
		if (!node)
			return no_memory;
		node->ask = (struct export_condition){
			.test = EXPORT_WORD_IS, .a = *source, .value = d->met->tuple[i][slot], .holds = true};
		node->yes = d->tree->count;
		given->c[given->count++] = node->ask;
		const char *why = grow_words(d, given, source + 1, words - 1);
		given->count--;
		if (why)
			return why;
		d->tree->node[at].no = d->tree->count;
	}
	return node_new(d->tree, EXPORT_UNSEEN) ? NULL : no_memory;
}

/* The sources that are words, not nodes. */
static uint32_t list_words(const struct decide *d, uint8_t out[EXPORT_WORDS])
{
	uint32_t count = 0;
	const struct step_field *f = d->wide->machine[d->machine].fields();
	out[count++] = EXPORT_WORD;
	for (uint8_t i = 0; f[i].name; i++)
		if (f[i].kind == STEP_K_WORD || f[i].kind == STEP_K_DATA)
			out[count++] = (uint8_t)(EXPORT_FIELD + i);
	return count;
}

/* As few words as suffice. */
static const char *grow_by_words(struct decide *d)
{
	uint8_t word[EXPORT_WORDS], chosen[EXPORT_WORDS];
	const uint32_t words = list_words(d, word);
	const char *why = learn_differs;
	for (uint32_t size = 1; size <= words && size <= WORDS_MAX; size++)
		for (uint32_t mask = 1; mask < 1u << words; mask++) {
			struct given given = {.count = 0};
			uint32_t count = 0;
			if ((uint32_t)__builtin_popcount(mask) != size)
				continue;
			for (uint32_t i = 0; i < words; i++)
				if (mask >> i & 1)
					chosen[count++] = word[i];
			d->tree->count = 0;
			why = grow_words(d, &given, chosen, size);
			if (!why || why == no_memory)
				return why;
		}
	return why;
}

const char *export_learn(struct export_tree *out, const struct step_protocol *protocol, unsigned machine,
			 step_action *action, const struct export_met *met)
{
	struct decide d = {.tree = out,
			   .wide = lab_protocol(protocol),
			   .machine = machine,
			   .action = action,
			   .met = met};
	struct given given = {.count = 0};
	uint32_t fields = 0;
	*out = (struct export_tree){0};
	while (protocol->machine[machine].fields()[fields].name)
		fields++;
	if (fields > EXPORT_FIELDS_MAX || protocol->machine[machine].size > SELF_BYTES)
		return "belongs to a machine with too many fields";
	const char *why = grow(&d, &given, 0);
	if (why && met && met->count)
		why = grow_by_words(&d);
	else if (why && met && node_new(out, EXPORT_UNSEEN))
		why = NULL; /* no search ran it */
	if (why)
		export_tree_fini(out);
	return why;
}
