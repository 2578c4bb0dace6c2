/* ssi/checker/export_lab.c - see export_lab.h. */
#include "ssi/checker/export_lab.h"
#include "ssi/step_words.h"

static uint64_t draw(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

struct step_list *lab_list(struct lab *lab, uint32_t field)
{
	return (struct step_list *)(void *)(lab->self + lab_field(lab, field)->offset);
}
step_ref lab_ref(const struct lab *lab, const char *self, uint32_t field)
{
	step_ref r;
	memcpy(&r, self + lab_field(lab, field)->offset, sizeof r);
	return r;
}
uint32_t lab_word(const struct lab *lab, const char *self, uint32_t field)
{
	uint32_t w;
	memcpy(&w, self + lab_field(lab, field)->offset, sizeof w);
	return w;
}
void lab_set(struct lab *lab, uint32_t field, step_ref r, uint32_t w)
{
	const struct step_field *f = lab_field(lab, field);
	if (f->kind == STEP_K_REF)
		memcpy(lab->self + f->offset, &r, sizeof r);
	else if (f->kind != STEP_K_LIST)
		memcpy(lab->self + f->offset, &w, sizeof w);
}

/* ---- the host and its journal ---- */

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

static void see_lists(struct lab *lab, struct members out[EXPORT_FIELDS_MAX])
{
	for (uint32_t i = 0; i < lab->fields; i++)
		if (lab_field(lab, i)->kind == STEP_K_LIST)
			see_list(lab, lab_list(lab, i), &out[i]);
}

static struct entry *enter(struct step_node *n, enum entry_kind kind)
{
	struct lab *lab = n->owner;
	if (lab->entries == ENTRIES_MAX) {
		lab->overflow = true;
		lab->entries--;
	}
	struct entry *e = &lab->entry[lab->entries++];
	e->kind = kind;
	e->sent = e->result = 0;
	e->client = e->arg = STEP_NOBODY;
	e->list = NULL;
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
static void host_fault(struct step_node *n, const char *why, const struct step_msg *m, unsigned state)
{
	(void)why, (void)m, (void)state;
	((struct lab *)n->owner)->faults++;
}
static const struct step_host host = {host_send,       host_complete,  host_local,    host_timer,
				      host_fanout,     host_find,      host_bind,     host_unbind,
				      host_ready,      step_words_out, step_words_in, step_words_new,
				      step_words_drop, host_fault};

/* ---- a clean lab ---- */

const struct step_protocol *lab_protocol(const struct step_protocol *p)
{
	static struct step_event event[WORDS_END];
	static struct step_protocol wide;
	memset(event, 0, sizeof event);
	memcpy(event, p->event, p->events * sizeof *event);
	wide = *p;
	wide.event = event;
	return &wide;
}

void lab_clear(struct lab *lab, const struct step_protocol *p, unsigned machine)
{
	memset(lab->raised, 0,
	       (lab->n.tail < STEP_RAISED_MAX ? lab->n.tail : STEP_RAISED_MAX) * sizeof *lab->raised);
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

/* ---- sources ---- */

step_ref lab_source(const struct lab *lab, unsigned source)
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
		return lab_ref(lab, lab->before, source - EXPORT_FIELD);
	}
}
bool lab_is_ref(const struct lab *lab, unsigned source)
{
	return source >= EXPORT_FROM && source != EXPORT_EVENT &&
	       (source < EXPORT_FIELD || lab_field(lab, source - EXPORT_FIELD)->kind == STEP_K_REF);
}
bool lab_is_word(const struct lab *lab, unsigned source)
{
	return source == EXPORT_WORD || source == EXPORT_OWN || source == EXPORT_EVENT ||
	       (source >= EXPORT_FIELD && lab_field(lab, source - EXPORT_FIELD)->kind >= STEP_K_NODE);
}

uint32_t lab_word_value(const struct lab *lab, const struct export_word *w)
{
	if (w->source == EXPORT_CONSTANT)
		return w->constant;
	if (w->node_of)
		return (uint32_t)lab_source(lab, w->source).node;
	return w->source == EXPORT_WORD    ? lab->m.word
	       : w->source == EXPORT_OWN   ? lab->n.id
	       : w->source == EXPORT_EVENT ? lab->m.event
					   : lab_word(lab, lab->before, w->source - EXPORT_FIELD);
}

step_ref lab_ref_value(const struct lab *lab, const struct export_ref *r)
{
	if (r->source != EXPORT_CONSTANT)
		return lab_source(lab, r->source);
	return (step_ref){.node = lab_word_value(lab, &r->node) & (STEP_NODES_MAX - 1),
			  .machine = r->machine & 15,
			  .index = r->index & ((1u << 28) - 1)};
}

/* Before the lists are filled. */
static void set_ref(struct lab *lab, unsigned source, step_ref r)
{
	if (source == EXPORT_FROM)
		lab->m.from = r;
	else if (source == EXPORT_ARG)
		lab->m.arg = r;
	else if (source >= EXPORT_FIELD)
		lab_set(lab, source - EXPORT_FIELD, r, 0);
	memcpy(lab->before, lab->self, SELF_BYTES);
}

/* ---- what is given ---- */

static bool is_member(const struct members *list, step_ref r)
{
	for (uint32_t i = 0; i < list->count; i++)
		if (step_same(list->member[i], r))
			return true;
	return false;
}

bool lab_answer(const struct lab *lab, const struct export_condition *c)
{
	const struct members *list = &lab->list_before[c->list];
	switch ((enum export_test)c->test) {
	case EXPORT_SAME:
		return step_same(lab_source(lab, c->a), lab_source(lab, c->b));
	case EXPORT_NOBODY:
		return !lab_source(lab, c->a).machine;
	case EXPORT_HERE:
		return lab_source(lab, c->a).node == lab->n.id;
	case EXPORT_NEAR:
		return lab_source(lab, c->a).node == lab_source(lab, c->b).node;
	case EXPORT_NODE_IS:
		return lab_word_value(lab, &(struct export_word){.source = c->a}) ==
		       lab_source(lab, c->b).node;
	case EXPORT_ALONE:
		return list->count == 1;
	case EXPORT_EMPTY:
		return list->count == 0;
	case EXPORT_MEMBER:
		return is_member(list, lab_source(lab, c->a));
	default:
		return lab_word_value(lab, &(struct export_word){.source = c->a}) == c->value;
	}
}

bool lab_is_as_given(const struct lab *lab, const struct given *given)
{
	for (uint32_t i = 0; i < given->count; i++)
		if (lab_answer(lab, &given->c[i]) != given->c[i].holds)
			return false;
	return true;
}

static void set_node(struct lab *lab, unsigned source, uint32_t node)
{
	step_ref r = lab_source(lab, source);
	r.node = node;
	set_ref(lab, source, r);
}

/* Makes references and words as is given. */
static void impose(struct lab *lab, const struct given *given)
{
	memcpy(lab->before, lab->self, SELF_BYTES);
	for (uint32_t i = 0; i < given->count; i++) {
		const struct export_condition *c = &given->c[i];
		if (!c->holds || c->test == EXPORT_ALONE || c->test == EXPORT_EMPTY)
			continue;
		step_ref r = lab_is_ref(lab, c->a) ? lab_source(lab, c->a) : STEP_NOBODY;
		if (c->test == EXPORT_SAME && c->b == EXPORT_ME)
			set_ref(lab, c->a, lab->n.me);
		else if (c->test == EXPORT_SAME)
			set_ref(lab, c->b, r);
		else if (c->test == EXPORT_NOBODY)
			set_ref(lab, c->a, STEP_NOBODY);
		else if (c->test == EXPORT_HERE)
			r.node = lab->n.id, set_ref(lab, c->a, r);
		else if (c->test == EXPORT_NEAR)
			set_node(lab, c->b, (uint32_t)r.node);
		else if (c->test == EXPORT_NODE_IS)
			set_node(lab, c->b, lab_word_value(lab, &(struct export_word){.source = c->a}));
		else if (c->test == EXPORT_WORD_IS && c->a == EXPORT_WORD)
			lab->m.word = c->value;
		else if (c->test == EXPORT_WORD_IS)
			lab_set(lab, c->a - EXPORT_FIELD, STEP_NOBODY, c->value);
	}
	memcpy(lab->before, lab->self, SELF_BYTES);
}

/* Whether a list is given to have one member, or none; -1: that is open. */
static int given_of(const struct given *given, enum export_test test, uint32_t list)
{
	for (uint32_t i = 0; i < given->count; i++)
		if (given->c[i].test == test && given->c[i].list == list)
			return given->c[i].holds;
	return -1;
}

static bool is_kept_out(const struct lab *lab, const struct given *given, uint32_t list, step_ref r)
{
	for (uint32_t i = 0; i < given->count; i++) {
		const struct export_condition *c = &given->c[i];
		if (c->test == EXPORT_MEMBER && c->list == list && !c->holds &&
		    step_same(lab_source(lab, c->a), r))
			return true;
	}
	return false;
}

static void add_given(struct lab *lab, const struct given *given, uint32_t list)
{
	for (uint32_t i = 0; i < given->count; i++) {
		const struct export_condition *c = &given->c[i];
		if (c->test == EXPORT_MEMBER && c->list == list && c->holds)
			step_add_once(&lab->n, lab_list(lab, list), lab_source(lab, c->a));
	}
}

/* Candidates for members: every reference, and the names of its node. Number i; false: there are not so many. */
static bool candidate(const struct lab *lab, uint32_t i, step_ref *out)
{
	const struct step_protocol *p = lab->n.protocol;
	for (uint32_t s = EXPORT_FROM; s < EXPORT_FIELD + lab->fields; s++) {
		if (!lab_is_ref(lab, s))
			continue;
		const step_ref r = lab_source(lab, s);
		if (i-- == 0)
			return *out = r, true;
		for (unsigned k = 1; k < p->machines; k++)
			if (p->machine[k].named && i-- == 0)
				return *out = STEP_BY_NAME(r.node, k), true;
	}
	return false;
}

/* ---- marks ---- */

static step_ref mark_ref(const struct lab *lab, uint32_t i)
{
	return (step_ref){.node = NODE_MARK + 37 * i,
			  .machine = 1 + i % (lab->n.protocol->machines - 1),
			  .gen = 1 + i,
			  .index = INDEX_MARK + 101 * i};
}

void lab_mark(struct lab *lab, const struct given *given)
{
	lab->n.id = NODE_MARK - 1;
	lab->n.nodes = 3;
	lab->m.from = mark_ref(lab, 0), lab->m.arg = mark_ref(lab, 1), lab->m.to = mark_ref(lab, 2);
	lab->m.word = WORD_MARK;
	lab->n.me = mark_ref(lab, 3);
	lab->n.me.node = lab->n.id, lab->n.me.machine = lab->machine;
	lab->m.to.node = lab->n.id;
	lab->m.event = EVENT_MARK;
	for (uint32_t i = 0; i < lab->fields; i++)
		lab_set(lab, i, mark_ref(lab, 4 + i), WORD_MARK + 1 + i);
	impose(lab, given);
}

enum { OUTSIDERS = 2 };
bool lab_is_outsider(step_ref r) { return r.node >= NODE_MARK + 37 * 100; }

static void fill_all(struct lab *lab, uint32_t list, const struct given *given, bool alone, uint32_t single)
{
	step_ref r;
	for (uint32_t i = 0; candidate(lab, i, &r); i++)
		if ((!alone || i == single) && !is_kept_out(lab, given, list, r))
			step_add_once(&lab->n, lab_list(lab, list), r);
}

uint32_t lab_fill(struct lab *lab, enum filling filling, const struct given *given, uint32_t single)
{
	uint32_t candidates = 1;
	step_ref r;
	for (uint32_t l = 0; l < lab->fields; l++) {
		const int alone = given_of(given, EXPORT_ALONE, l), empty = given_of(given, EXPORT_EMPTY, l);
		if (lab_field(lab, l)->kind != STEP_K_LIST)
			continue;
		struct step_list *list = lab_list(lab, l);
		if (empty != 1)
			add_given(lab, given, l);
		if (filling == ALL && empty != 1 && !list->count)
			fill_all(lab, l, given, alone == 1, single);
		else if (filling == ALL && empty != 1 && alone != 1)
			fill_all(lab, l, given, false, 0);
		for (uint32_t i = 0; i < OUTSIDERS && empty != 1 && (filling != EMPTY || empty == 0); i++)
			if (alone != 1 || !list->count)
				step_add(&lab->n, list, mark_ref(lab, 100 + OUTSIDERS * l + i));
		list->fan = E_PROTOCOL;
		if (alone == 1)
			while (candidate(lab, candidates, &r))
				candidates++;
	}
	see_lists(lab, lab->list_before);
	return candidates;
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

static void draw_list(struct lab *lab, uint32_t field, uint64_t *seed, const struct given *given)
{
	struct step_list *list = lab_list(lab, field);
	uint32_t members = (uint32_t)(draw(seed) % 5);
	if (given_of(given, EXPORT_EMPTY, field) == 1)
		members = 0;
	else if (given_of(given, EXPORT_ALONE, field) == 1)
		members = 1;
	else if (given_of(given, EXPORT_EMPTY, field) == 0 && !members)
		members = 2;
	if (members)
		add_given(lab, given, field);
	for (uint32_t i = list->count; i < members; i++) {
		step_ref r;
		const uint64_t which = draw(seed);
		if (which % 2 || !candidate(lab, (uint32_t)(which / 2 % 32), &r))
			r = draw_ref(lab, seed);
		if (!is_kept_out(lab, given, field, r))
			step_add_once(&lab->n, list, r);
	}
	list->fan = draw(seed) % 2 ? E_PROTOCOL : 0;
	for (uint32_t i = list->first; i; i = lab->link[i - 1].next)
		if (draw(seed) % 2)
			lab->link[i - 1].told = 1, list->untold--;
}

bool lab_draw(struct lab *lab, uint64_t *seed, const struct given *given)
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
		lab_set(lab, i, r, draw_word(seed));
	}
	impose(lab, given);
	for (uint32_t i = 0; i < lab->fields; i++)
		if (lab_field(lab, i)->kind == STEP_K_LIST)
			draw_list(lab, i, seed, given);
	see_lists(lab, lab->list_before);
	return lab_is_as_given(lab, given);
}

void lab_copy(struct lab *lab, const struct lab *from)
{
	lab->n = from->n;
	lab->n.link = lab->link, lab->n.raised = lab->raised, lab->n.owner = lab;
	lab->m = from->m;
	memcpy(lab->self, from->self, sizeof lab->self);
	memcpy(lab->before, from->before, sizeof lab->before);
	memcpy(lab->list_before, from->list_before, sizeof lab->list_before);
	memcpy(lab->link, from->link, from->n.links_used * sizeof *lab->link);
}

void lab_see(struct lab *lab, const struct step_node *n, const struct step_msg *m, step_ref at)
{
	lab->n.id = n->id, lab->n.nodes = n->nodes, lab->n.me = at;
	lab->m = *m;
	if (at.index < n->pool[lab->machine].slots)
		memcpy(lab->self, step_at(n, lab->machine, (uint32_t)at.index), lab->d->size);
	memset(lab->self, 0, sizeof(struct step_head));
	memcpy(lab->before, lab->self, SELF_BYTES);
	for (uint32_t l = 0; l < lab->fields; l++) {
		if (lab_field(lab, l)->kind != STEP_K_LIST)
			continue;
		struct step_list *list = lab_list(lab, l), was = *list;
		*list = (struct step_list){.fan = was.fan};
		for (uint32_t i = was.first; i; i = n->link[i - 1].next) {
			step_add(&lab->n, list, n->link[i - 1].member);
			lab->link[list->last - 1].told = n->link[i - 1].told;
			list->untold -= n->link[i - 1].told;
		}
	}
	see_lists(lab, lab->list_before);
}

/* ---- programs: the same effects, from a list of them ---- */

static void perform_list(struct lab *lab, const struct export_op *op)
{
	struct step_node *n = &lab->n;
	struct step_list *list = lab_list(lab, op->field), *other;
	const step_ref a = lab_ref_value(lab, &op->a);
	switch ((enum export_op_kind)op->kind) {
	case EXPORT_ADD:
		return step_add(n, list, a);
	case EXPORT_ADD_ONCE:
		return step_add_once(n, list, a);
	case EXPORT_ADD_OTHERS:
		for (uint32_t i = 0; i < n->nodes; i++)
			if (i != n->id)
				step_add(n, list, STEP_REF(i, op->a.machine, op->a.index));
		return;
	case EXPORT_REPLACE:
		return step_replace(n, list, a, lab_ref_value(lab, &op->b));
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
	case EXPORT_CLEAR:
		*list = (struct step_list){0};
		return;
	case EXPORT_TAKE_LIST:
		other = lab_list(lab, op->other);
		*list = *other;
		*other = (struct step_list){0};
		return;
	default:
		list->fan = 0;
	}
}

static void perform_tell(struct lab *lab, const struct export_op *op)
{
	const unsigned event =
		op->event_source == EXPORT_CONSTANT
			? op->event
			: lab_word_value(lab, &(struct export_word){.source = op->event_source});
	struct step_msg *t = step_tell(&lab->n, lab_ref_value(lab, &op->a), event % WORDS_END);
	t->from = lab_ref_value(lab, &op->c);
	t->arg = lab_ref_value(lab, &op->b), t->word = lab_word_value(lab, &op->word);
}

static void perform(struct lab *lab, const struct export_op *op)
{
	const step_ref a = lab_ref_value(lab, &op->a), b = lab_ref_value(lab, &op->b);
	const uint32_t word = lab_word_value(lab, &op->word);
	switch ((enum export_op_kind)op->kind) {
	case EXPORT_TELL:
		return perform_tell(lab, op);
	case EXPORT_COMPLETE:
		return step_complete(&lab->n, a, word, b);
	case EXPORT_LOCAL:
		return step_local(&lab->n, lab->self, word, b);
	case EXPORT_TIMER:
		return step_timer(&lab->n, lab->self);
	case EXPORT_FAULT:
		return host_fault(&lab->n, NULL, NULL, 0);
	case EXPORT_SET_REF:
	case EXPORT_SET_WORD:
		return lab_set(lab, op->field, a, word);
	default:
		return perform_list(lab, op);
	}
}

void lab_run_program(struct lab *lab, const struct export_program *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		perform(lab, &p->op[i]);
	enter(&lab->n, ENDS);
}
void lab_run_action(struct lab *lab, step_action *action)
{
	action(&lab->n, lab->self, &lab->m);
	enter(&lab->n, ENDS);
}

const struct export_program *lab_choose(const struct lab *lab, const struct export_tree *tree)
{
	const struct export_node *node = &tree->node[0];
	while (node->kind == EXPORT_ASK)
		node = &tree->node[lab_answer(lab, &node->ask) ? node->yes : node->no];
	return node->kind == EXPORT_LEAF ? &node->program : NULL;
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
		const struct step_field *f = lab_field(lab, i);
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

/* After a fault a step does not go on: what it does then is the same as anything. */
bool lab_same_run(const struct lab *x, const struct lab *y)
{
	if (x->faults && y->faults)
		return true;
	bool same = x->entries == y->entries && x->sends == y->sends && x->faults == y->faults &&
		    x->n.tail == y->n.tail && x->n.tail <= STEP_RAISED_MAX && !x->overflow && !y->overflow;
	for (uint32_t i = 0; same && i < x->entries; i++)
		same = same_entry(x, y, i);
	return same && !memcmp(x->sent, y->sent, x->sends * sizeof *x->sent) &&
	       !memcmp(x->raised, y->raised, x->n.tail * sizeof *x->raised);
}
