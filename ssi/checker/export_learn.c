/* ssi/checker/export_learn.c - what an action does, from runs on a node of its own. See export.h. */
#include "ssi/checker/export.h"

#define SELF_BYTES  512
#define FIELDS_MAX  16
#define LINKS_MAX   96
#define SENT_MAX    24
#define ENTRIES_MAX 32
#define MEMBERS_MAX 32
#define RUNS        400
#define WORDS_END   60000u /* below: marks and drawn words, so that a word may stand for a node or an event */

/* ---- a machine on a node of its own, with a journal of what it asks of its host ---- */

struct members {
	uint32_t count, fan;
	uint32_t link[MEMBERS_MAX];
	step_ref member[MEMBERS_MAX];
	uint32_t told[MEMBERS_MAX];
};

enum entry_kind { SENDS, COMPLETES, CALLS, TIMES, FANS, ENDS };
/* A call of the host, and how the machine was just then. */
struct entry {
	enum entry_kind kind;
	uint32_t sent, result, raised;
	step_ref client, arg;
	const struct step_list *list;
	char self[SELF_BYTES];
	struct members list_of[FIELDS_MAX]; /* by field */
};

struct lab {
	struct step_node n;
	const struct step_machine *d;
	unsigned machine;
	struct step_msg m;
	_Alignas(8) char self[SELF_BYTES];
	char before[SELF_BYTES];
	struct members list_before[FIELDS_MAX];
	struct step_link link[LINKS_MAX];
	struct step_msg raised[STEP_RAISED_MAX], sent[SENT_MAX];
	uint32_t sends, entries, faults, fields;
	bool overflow;
	struct entry entry[ENTRIES_MAX];
};

static uint64_t draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

static const struct step_field *field_of(const struct lab *lab, uint32_t i) { return &lab->d->fields()[i]; }
static struct step_list *list_of(struct lab *lab, uint32_t i)
{
	return (struct step_list *)(void *)(lab->self + field_of(lab, i)->offset);
}
static step_ref ref_of(const struct lab *lab, const char *self, uint32_t i)
{
	step_ref r;
	memcpy(&r, self + field_of(lab, i)->offset, sizeof r);
	return r;
}
static uint32_t word_of(const struct lab *lab, const char *self, uint32_t i)
{
	uint32_t w;
	memcpy(&w, self + field_of(lab, i)->offset, sizeof w);
	return w;
}

static void see_list(struct lab *lab, const struct step_list *list, struct members *out)
{
	out->fan = list->fan;
	out->count = 0;
	for (uint32_t i = list->first; i; i = lab->link[i - 1].next) {
		if (out->count == MEMBERS_MAX) {
			lab->overflow = true;
			return;
		}
		out->link[out->count] = i;
		out->told[out->count] = lab->link[i - 1].told;
		out->member[out->count++] = lab->link[i - 1].member;
	}
}

static void see_lists(struct lab *lab, struct members out[FIELDS_MAX])
{
	for (uint32_t i = 0; i < lab->fields; i++)
		if (field_of(lab, i)->kind == STEP_K_LIST)
			see_list(lab, list_of(lab, i), &out[i]);
}

static struct entry *enter(struct step_node *n, enum entry_kind kind)
{
	struct lab *lab = n->owner;
	if (lab->entries == ENTRIES_MAX) {
		lab->overflow = true;
		lab->entries--;
	}
	struct entry *e = &lab->entry[lab->entries++];
	memset(e, 0, sizeof *e);
	e->kind = kind;
	e->raised = n->tail;
	memcpy(e->self, lab->self, SELF_BYTES);
	see_lists(lab, e->list_of);
	return e;
}

static struct step_msg *host_send(struct step_node *n, uint32_t to, unsigned event)
{
	struct lab *lab = n->owner;
	(void)to, (void)event;
	enter(n, SENDS)->sent = lab->sends;
	lab->overflow |= lab->sends == SENT_MAX - 1;
	return &lab->sent[lab->overflow ? SENT_MAX - 1 : lab->sends++];
}
static void host_complete(struct step_node *n, step_ref client, uint32_t result, step_ref arg)
{
	struct entry *e = enter(n, COMPLETES);
	e->client = client, e->result = result, e->arg = arg;
}
static void host_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	struct entry *e = enter(n, CALLS);
	e->client = self, e->result = call, e->arg = arg;
}
static void host_timer(struct step_node *n, step_ref self) { enter(n, TIMES)->client = self; }
static void host_fanout(struct step_node *n, step_ref self, struct step_list *list)
{
	struct entry *e = enter(n, FANS);
	e->client = self, e->list = list;
}
static uint32_t host_find(struct step_node *n, unsigned machine, step_ref name)
{
	(void)n, (void)machine, (void)name;
	return STEP_INDEX_MAX;
}
static void host_bind(struct step_node *n, unsigned machine, step_ref name, uint32_t index)
{
	(void)n, (void)machine, (void)name, (void)index;
}
static void host_unbind(struct step_node *n, unsigned machine, uint32_t index)
{
	(void)n, (void)machine, (void)index;
}
static void host_ready(struct step_node *n, step_ref at) { (void)n, (void)at; }
/* A word that names data is the data, as in the checker; what is new is 0. */
static uint32_t host_data_out(struct step_node *n, uint32_t data)
{
	(void)n;
	return data;
}
static uint32_t host_data_in(struct step_node *n, const struct step_msg *m)
{
	(void)n;
	return m->word;
}
static uint32_t host_data_new(struct step_node *n, step_ref name)
{
	(void)n, (void)name;
	return 0;
}
static void host_data_drop(struct step_node *n, uint32_t data) { (void)n, (void)data; }
static void host_fault(struct step_node *n, const char *why, const struct step_msg *m, unsigned state)
{
	(void)why, (void)m, (void)state;
	((struct lab *)n->owner)->faults++;
}
static const struct step_host host = {host_send,    host_complete, host_local,     host_timer, host_fanout,
				      host_find,    host_bind,     host_unbind,    host_ready, host_data_out,
				      host_data_in, host_data_new, host_data_drop, host_fault};

/* ---- its values ---- */

/* The protocol as an action sees it here: any word may be told as an event. */
static const struct step_protocol *protocol_widened(const struct step_protocol *p)
{
	static struct step_event event[WORDS_END];
	static struct step_protocol wide;
	memset(event, 0, sizeof event);
	memcpy(event, p->event, p->events * sizeof *event);
	wide = *p;
	wide.event = event;
	return &wide;
}

static void lab_clear(struct lab *lab, const struct step_protocol *p, unsigned machine)
{
	memset(lab, 0, offsetof(struct lab, entry)); /* an entry is cleared when it is made */
	lab->d = &p->machine[machine];
	lab->machine = machine;
	while (lab->d->fields()[lab->fields].name)
		lab->fields++;
	lab->n = (struct step_node){.protocol = p,
				    .host = &host,
				    .link = lab->link,
				    .links = LINKS_MAX,
				    .raised = lab->raised,
				    .owner = lab};
	lab->m.event = E_PROTOCOL;
}

/* The source's value: references, then words. */
static step_ref source_ref(const struct lab *lab, unsigned source)
{
	switch (source) {
	case EXPORT_FROM:
		return lab->m.from;
	case EXPORT_ARG:
		return lab->m.arg;
	case EXPORT_TO:
		return lab->m.to;
	case EXPORT_ME:
		return lab->n.me;
	default:
		return ref_of(lab, lab->before, source - EXPORT_FIELD);
	}
}
static bool source_is_ref(const struct lab *lab, unsigned source)
{
	return source >= EXPORT_FROM &&
	       (source < EXPORT_FIELD || field_of(lab, source - EXPORT_FIELD)->kind == STEP_K_REF);
}
static bool source_is_word(const struct lab *lab, unsigned source)
{
	return source == EXPORT_WORD || source == EXPORT_OWN ||
	       (source >= EXPORT_FIELD && field_of(lab, source - EXPORT_FIELD)->kind >= STEP_K_NODE);
}

#define NODE_MARK  1001u /* the first of a distinct number for each source */
#define INDEX_MARK 50001u
#define WORD_MARK  50021u

static step_ref mark_ref(const struct lab *lab, uint32_t i)
{
	return (step_ref){.node = NODE_MARK + 37 * i,
			  .machine = 1 + i % (lab->n.protocol->machines - 1),
			  .gen = 1 + i,
			  .index = INDEX_MARK + 101 * i};
}

static void set_field(struct lab *lab, uint32_t i, step_ref r, uint32_t w)
{
	const struct step_field *f = field_of(lab, i);
	if (f->kind == STEP_K_REF)
		memcpy(lab->self + f->offset, &r, sizeof r);
	else if (f->kind != STEP_K_LIST)
		memcpy(lab->self + f->offset, &w, sizeof w);
}

/* Every source has a value of its own. */
static void lab_mark(struct lab *lab)
{
	lab->n.id = NODE_MARK - 1;
	lab->n.nodes = 3;
	lab->m.from = mark_ref(lab, 0), lab->m.arg = mark_ref(lab, 1), lab->m.to = mark_ref(lab, 2);
	lab->m.word = WORD_MARK;
	lab->n.me = mark_ref(lab, 3);
	lab->n.me.node = lab->n.id, lab->n.me.machine = lab->machine;
	lab->m.to.node = lab->n.id;
	for (uint32_t i = 0; i < lab->fields; i++)
		set_field(lab, i, mark_ref(lab, 4 + i), WORD_MARK + 1 + i);
}

enum { OUTSIDERS = 2 };
static step_ref outsider(const struct lab *lab, uint32_t list, uint32_t i)
{
	return mark_ref(lab, 100 + OUTSIDERS * list + i);
}

enum filling { EMPTY, OTHERS, ALL };
static void lab_fill(struct lab *lab, enum filling filling)
{
	memcpy(lab->before, lab->self, SELF_BYTES);
	for (uint32_t l = 0; l < lab->fields; l++) {
		if (field_of(lab, l)->kind != STEP_K_LIST)
			continue;
		struct step_list *list = list_of(lab, l);
		for (uint32_t s = EXPORT_FROM; filling == ALL && s < EXPORT_FIELD + lab->fields; s++)
			if (source_is_ref(lab, s))
				step_add(&lab->n, list, source_ref(lab, s));
		for (uint32_t i = 0; filling != EMPTY && i < OUTSIDERS; i++)
			step_add(&lab->n, list, outsider(lab, l, i));
		list->fan = E_PROTOCOL;
	}
	see_lists(lab, lab->list_before);
}

/* ---- programs: the same effects, from a list of them ---- */

static uint32_t word_value(const struct lab *lab, const struct export_word *w)
{
	if (w->source == EXPORT_CONSTANT)
		return w->constant;
	if (w->node_of)
		return (uint32_t)source_ref(lab, w->source).node;
	return w->source == EXPORT_WORD  ? lab->m.word
	       : w->source == EXPORT_OWN ? lab->n.id
					 : word_of(lab, lab->before, w->source - EXPORT_FIELD);
}

static step_ref ref_value(const struct lab *lab, const struct export_ref *r)
{
	if (r->source != EXPORT_CONSTANT)
		return source_ref(lab, r->source);
	return (step_ref){.node = word_value(lab, &r->node) & (STEP_NODES_MAX - 1),
			  .machine = r->machine & 15,
			  .index = r->index & ((1u << 28) - 1)};
}

static void perform_list(struct lab *lab, const struct export_op *op)
{
	struct step_node *n = &lab->n;
	struct step_list *list = list_of(lab, op->field);
	const step_ref a = ref_value(lab, &op->a);
	switch ((enum export_op_kind)op->kind) {
	case EXPORT_ADD:
		return step_add(n, list, a);
	case EXPORT_ADD_ONCE:
		return step_add_once(n, list, a);
	case EXPORT_ADD_OTHERS:
		return step_add_others(n, list, op->a.machine);
	case EXPORT_REPLACE:
		return step_replace(n, list, a, ref_value(lab, &op->b));
	case EXPORT_REMOVE:
		return step_remove(n, list, a);
	case EXPORT_REMOVE_IF:
		return step_remove_if(n, list, a);
	case EXPORT_SETTLE:
		return step_settle(n, list);
	case EXPORT_FANOUT:
		return step_fanout(n, list, op->event);
	case EXPORT_WAKE:
		return step_wake(n, list, op->event);
	default:
		list->fan = 0;
	}
}

static void perform(struct lab *lab, const struct export_op *op)
{
	const step_ref a = ref_value(lab, &op->a), b = ref_value(lab, &op->b);
	const uint32_t word = word_value(lab, &op->word);
	struct step_msg *t;
	switch ((enum export_op_kind)op->kind) {
	case EXPORT_TELL:
		t = step_tell(&lab->n, a, op->event);
		t->arg = b, t->word = word;
		return;
	case EXPORT_COMPLETE:
		return step_complete(&lab->n, a, word, b);
	case EXPORT_LOCAL:
		return step_local(&lab->n, lab->self, word, b);
	case EXPORT_TIMER:
		return step_timer(&lab->n, lab->self);
	case EXPORT_SET_REF:
	case EXPORT_SET_WORD:
		return set_field(lab, op->field, a, word);
	default:
		return perform_list(lab, op);
	}
}

static void run_program(struct lab *lab, const struct export_program *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		perform(lab, &p->op[i]);
	enter(&lab->n, ENDS);
}
static void run_action(struct lab *lab, step_action *action)
{
	action(&lab->n, lab->self, &lab->m);
	enter(&lab->n, ENDS);
}

/* ---- whether two runs did the same ---- */

static bool same_members(const struct members *a, const struct members *b)
{
	bool same = a->count == b->count && a->fan == b->fan;
	for (uint32_t i = 0; same && i < a->count; i++)
		same = step_same(a->member[i], b->member[i]) && a->told[i] == b->told[i];
	return same;
}

static bool same_self(const struct lab *lab, const struct entry *a, const struct entry *b)
{
	bool same = !memcmp(a->self, b->self, sizeof(struct step_head));
	for (uint32_t i = 0; same && i < lab->fields; i++) {
		const struct step_field *f = field_of(lab, i);
		if (f->kind == STEP_K_LIST)
			same = same_members(&a->list_of[i], &b->list_of[i]);
		else
			same = !memcmp(a->self + f->offset, b->self + f->offset,
				       f->kind == STEP_K_REF ? 8 : 4);
	}
	return same;
}

/* What a message that leaves sees of the machine does not matter; what a client or a fan-out sees does. */
static bool same_entry(const struct lab *x, const struct lab *y, uint32_t i)
{
	const struct entry *a = &x->entry[i], *b = &y->entry[i];
	const ptrdiff_t list_a = a->list ? (const char *)a->list - x->self : 0,
			list_b = b->list ? (const char *)b->list - y->self : 0;
	return a->kind == b->kind && a->sent == b->sent && a->result == b->result && a->raised == b->raised &&
	       step_same(a->client, b->client) && step_same(a->arg, b->arg) && list_a == list_b &&
	       ((a->kind != COMPLETES && a->kind != ENDS) || same_self(x, a, b));
}

static bool same_run(const struct lab *x, const struct lab *y)
{
	bool same = x->entries == y->entries && x->sends == y->sends && x->faults == y->faults &&
		    x->n.tail == y->n.tail && x->n.tail <= STEP_RAISED_MAX && !x->overflow && !y->overflow;
	for (uint32_t i = 0; same && i < x->entries; i++)
		same = same_entry(x, y, i);
	return same && !memcmp(x->sent, y->sent, x->sends * sizeof *x->sent) &&
	       !memcmp(x->raised, y->raised, x->n.tail * sizeof *x->raised);
}

/* ---- drawn machines ---- */

/* Few different values, so that they coincide. */
static step_ref draw_ref(struct lab *lab, uint64_t *seed)
{
	switch (draw(seed) % 8) {
	case 0:
		return STEP_NOBODY;
	case 1:
		return lab->n.me;
	default:
		return (step_ref){.node = draw(seed) % 4,
				  .machine = 1 + draw(seed) % (lab->n.protocol->machines - 1),
				  .gen = draw(seed) % 4 == 0,
				  .index = draw(seed) % 2};
	}
}
static uint32_t draw_word(uint64_t *seed)
{
	switch (draw(seed) % 4) {
	case 0:
		return (uint32_t)(draw(seed) % 256);
	case 1:
		return (uint32_t)(draw(seed) % WORDS_END);
	default:
		return (uint32_t)(draw(seed) % 5);
	}
}

static void draw_list(struct lab *lab, struct step_list *list, uint64_t *seed)
{
	const uint32_t members = (uint32_t)(draw(seed) % 5);
	for (uint32_t i = 0; i < members; i++) {
		const uint32_t s = EXPORT_FROM + (uint32_t)(draw(seed) % (4 + lab->fields));
		step_add_once(&lab->n, list,
			      source_is_ref(lab, s) && draw(seed) % 2 ? source_ref(lab, s)
								      : draw_ref(lab, seed));
	}
	list->fan = draw(seed) % 2 ? E_PROTOCOL : 0;
	for (uint32_t i = list->first; i; i = lab->link[i - 1].next)
		if (draw(seed) % 2)
			lab->link[i - 1].told = 1, list->untold--;
}

static void lab_draw(struct lab *lab, uint64_t *seed)
{
	lab->n.nodes = 2 + (uint32_t)(draw(seed) % 4);
	lab->n.id = (uint32_t)(draw(seed) % lab->n.nodes);
	lab->n.me = STEP_REF(lab->n.id, lab->machine, draw(seed) % 2);
	lab->m.from = draw_ref(lab, seed), lab->m.arg = draw_ref(lab, seed);
	lab->m.to = draw(seed) % 2 ? lab->n.me : STEP_ANY(lab->n.id, lab->machine);
	lab->m.word = draw_word(seed);
	lab->m.event = (uint8_t)(E_PROTOCOL + draw(seed) % (lab->n.protocol->events - E_PROTOCOL));
	for (uint32_t i = 0; i < lab->fields; i++) {
		const step_ref r = draw_ref(lab, seed);
		set_field(lab, i, r, draw_word(seed));
	}
	memcpy(lab->before, lab->self, SELF_BYTES);
	for (uint32_t i = 0; i < lab->fields; i++)
		if (field_of(lab, i)->kind == STEP_K_LIST)
			draw_list(lab, list_of(lab, i), seed);
}

/* The two labs, of which `x` runs the action and `y` the program. */
static bool does_the_same(const struct export_program *p, struct lab *x, struct lab *y,
			  const struct step_protocol *protocol, unsigned machine, step_action *action)
{
	uint64_t seed = 1;
	for (uint32_t run = 0; run < RUNS; run++) {
		uint64_t again = seed;
		lab_clear(x, protocol, machine);
		lab_clear(y, protocol, machine);
		if (run < 3) {
			lab_mark(x), lab_fill(x, (enum filling)run);
			lab_mark(y), lab_fill(y, (enum filling)run);
		} else {
			lab_draw(x, &seed);
			lab_draw(y, &again);
		}
		run_action(x, action);
		run_program(y, p);
		if (!same_run(x, y))
			return false;
	}
	return true;
}

/* ---- what follows from a run with marks ---- */

static bool find_word(const struct lab *lab, uint32_t value, struct export_word *out)
{
	for (uint32_t s = EXPORT_WORD; s < EXPORT_FIELD + lab->fields; s++) {
		const struct export_word word = {.source = (uint8_t)s},
					 node = {.source = (uint8_t)s, .node_of = true};
		if (source_is_word(lab, s) && word_value(lab, &word) == value)
			return *out = word, true;
		if (source_is_ref(lab, s) && word_value(lab, &node) == value)
			return *out = node, true;
	}
	*out = (struct export_word){.source = EXPORT_CONSTANT, .constant = value};
	return value < NODE_MARK - 1;
}

static bool find_ref(const struct lab *lab, step_ref value, struct export_ref *out)
{
	for (uint32_t s = EXPORT_FROM; s < EXPORT_FIELD + lab->fields; s++)
		if (source_is_ref(lab, s) && step_same(source_ref(lab, s), value))
			return *out = (struct export_ref){.source = (uint8_t)s}, true;
	*out = (struct export_ref){.machine = value.machine, .index = (uint32_t)value.index};
	return find_word(lab, (uint32_t)value.node, &out->node) && !value.gen &&
	       (value.index < 64 || value.index == STEP_NEW || value.index == STEP_NAMED);
}

/* All that is learnt at once. `before`: the journal's entry before, or NULL. */
struct study {
	struct export_program *out;
	const struct lab *all, *others; /* runs with all candidates in the lists, and with none of them */
	const char *why;
};

static struct export_op *op_new(struct study *s, enum export_op_kind kind)
{
	static struct export_op spare;
	if (s->out->count == EXPORT_OPS_MAX) {
		s->why = "does too much";
		return &spare;
	}
	struct export_op *op = &s->out->op[s->out->count++];
	*op = (struct export_op){.kind = (uint8_t)kind};
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

static void learn_tell(struct study *s, const struct step_msg *m)
{
	struct export_op *op = op_new(s, EXPORT_TELL);
	op->event = m->event;
	op_ref(s, &op->a, m->to);
	op_ref(s, &op->b, m->arg);
	op_word(s, &op->word, m->word);
}

static bool has_link(const struct members *m, uint32_t link, step_ref *member)
{
	for (uint32_t i = 0; i < m->count; i++)
		if (m->link[i] == link)
			return *member = m->member[i], true;
	return false;
}

/* Removals and replacements show where the candidates are members. */
static void learn_cuts(struct study *s, uint32_t field, const struct members *from, const struct members *to)
{
	for (uint32_t i = 0; i < from->count; i++) {
		step_ref now;
		const bool there = has_link(to, from->link[i], &now);
		if (there && step_same(now, from->member[i]))
			continue;
		struct export_op *op = op_new(s, there ? EXPORT_REPLACE : EXPORT_REMOVE);
		op->field = (uint8_t)field;
		op_ref(s, &op->a, from->member[i]);
		if (there)
			op_ref(s, &op->b, now);
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

static bool is_outsider(const struct lab *lab, step_ref r) { return r.node >= mark_ref(lab, 100).node; }

static void learn_fields(struct study *s, const char *from, const char *to)
{
	const struct lab *lab = s->others;
	for (uint32_t i = 0; i < lab->fields; i++) {
		const unsigned kind = field_of(lab, i)->kind;
		if (kind == STEP_K_REF && !step_same(ref_of(lab, from, i), ref_of(lab, to, i))) {
			struct export_op *op = op_new(s, EXPORT_SET_REF);
			op->field = (uint8_t)i;
			op_ref(s, &op->a, ref_of(lab, to, i));
		} else if (kind >= STEP_K_NODE && word_of(lab, from, i) != word_of(lab, to, i)) {
			struct export_op *op = op_new(s, EXPORT_SET_WORD);
			op->field = (uint8_t)i;
			op_word(s, &op->word, word_of(lab, to, i));
		}
	}
}

/* The changes of one list between two calls of the host. */
static void learn_list(struct study *s, uint32_t i, uint32_t gap, uint32_t raised, uint32_t raised_end)
{
	const struct members *all = gap ? &s->all->entry[gap - 1].list_of[i] : &s->all->list_before[i],
			     *others =
				     gap ? &s->others->entry[gap - 1].list_of[i] : &s->others->list_before[i];
	const struct entry *end = &s->others->entry[gap];
	const struct members *now = &end->list_of[i];
	if (learn_wake(s, i, others, now, raised, raised_end))
		return;
	learn_cuts(s, i, all, &s->all->entry[gap].list_of[i]);
	learn_adds(s, i, others, now);
	const bool fans = end->kind == FANS &&
			  (const char *)end->list - s->others->self == field_of(s->others, i)->offset;
	if (now->fan != others->fan && !fans)
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
		op->event = (uint8_t)e->list->fan;
		for (uint32_t i = 0; i < s->others->fields; i++)
			if (field_of(s->others, i)->offset == (const char *)e->list - s->others->self)
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
				if (lab->raised[i].event != E_EMPTY && !is_outsider(lab, lab->raised[i].to))
					learn_tell(s, &lab->raised[i]);
		} else {
			for (uint32_t i = 0; i < lab->fields; i++)
				if (field_of(lab, i)->kind == STEP_K_LIST)
					learn_list(s, i, gap, raised, end->raised);
		}
	}
	learn_fields(s, gap ? lab->entry[gap - 1].self : lab->before, end->self);
	learn_end(s, end);
}

/* ---- what marks leave open is tried ---- */

struct trial {
	struct lab *x, *y;
	const struct step_protocol *protocol;
	unsigned machine;
	step_action *action;
};

static bool fits(const struct trial *t, const struct export_program *p)
{
	return does_the_same(p, t->x, t->y, t->protocol, t->machine, t->action);
}

/* REMOVE may be REMOVE_IF, ADD may be ADD_ONCE. */
static bool try_strictness(const struct trial *t, struct export_program *p)
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
static bool try_settles(const struct trial *t, struct export_program *p)
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

static const char *study(struct export_program *out, const struct lab *all, const struct lab *others,
			 bool raises_first)
{
	struct study s = {.out = out, .all = all, .others = others};
	out->count = 0;
	if (all->overflow || others->overflow || all->entries != others->entries)
		return "does not do the same whatever its lists hold";
	for (uint32_t gap = 0; gap < others->entries; gap++)
		learn_gap(&s, gap, raises_first);
	return s.why;
}

const char *export_learn(struct export_program *out, const struct step_protocol *protocol, unsigned machine,
			 step_action *action)
{
	static struct lab all, others, x, y;
	const struct step_protocol *wide = protocol_widened(protocol);
	const struct trial t = {&x, &y, wide, machine, action};
	out->count = 0;
	if (!action)
		return NULL;
	lab_clear(&all, wide, machine);
	lab_clear(&others, wide, machine);
	if (all.fields > FIELDS_MAX || protocol->machine[machine].size > SELF_BYTES)
		return "belongs to a machine with too many fields";
	lab_mark(&all), lab_fill(&all, ALL), run_action(&all, action);
	lab_mark(&others), lab_fill(&others, OTHERS), run_action(&others, action);
	for (int raises_first = 0; raises_first < 2; raises_first++) {
		const char *why = study(out, &all, &others, raises_first);
		if (why)
			return why;
		if (try_settles(&t, out))
			return NULL;
	}
	return "decides by values, or computes with them";
}
