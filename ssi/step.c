/* ssi/step.c - runs the cells of a protocol's tables; the same object code in every host. */
#include <skerry/protocol.h>
#include "sim/probes.h"

static const struct step_machine *machine_of(const struct step_node *n, unsigned machine)
{
	return &n->protocol->machine[machine];
}

const struct step_cell *step_cell_at(const struct step_protocol *p, unsigned machine, unsigned state,
				     unsigned event)
{
	return &p->machine[machine].table[(size_t)state * p->events + event];
}

step_ref step_ref_of(const struct step_node *n, unsigned machine, uint32_t index)
{
	const struct step_head *head = step_at(n, machine, index);
	return (step_ref){.node = n->id, .machine = machine, .gen = head->gen, .index = index};
}

void *step_lookup(const struct step_node *n, step_ref r)
{
	if (r.node != n->id || !r.machine || r.machine >= n->protocol->machines ||
	    r.index >= n->pool[r.machine].used)
		return NULL;
	struct step_head *head = step_at(n, r.machine, (uint32_t)r.index);
	return head->state && head->gen == r.gen ? head : NULL;
}

/* ---- effects ---- */

struct step_msg *step_raise(struct step_node *n, step_ref to, unsigned event)
{
	struct step_msg *m = &n->raised[n->tail++ % STEP_RAISED_MAX];
	if (n->tail - n->head > STEP_RAISED_MAX)
		n->host->fault(n, "a step raises too many events", m, 0);
	*m = (struct step_msg){.event = (uint8_t)event,
			       .protocol = n->number,
			       .host = n->host_half,
			       .to = to,
			       .from = n->me};
	return m;
}

struct step_msg *step_tell(struct step_node *n, step_ref to, unsigned event)
{
	if (to.node == n->id)
		return step_raise(n, to, event);
	enum step_class klass = n->protocol->event[event].klass;
	struct step_msg *m = n->host->send(n, (uint32_t)to.node, event);
	n->sent++;
	*m = (struct step_msg){.event = (uint8_t)event,
			       .protocol = n->number,
			       .host = n->host_half,
			       .to = to,
			       .from = n->me};
	if (klass < n->handling)
		n->host->fault(n, "sends a message of a lower class than it handles", m, 0);
	return m;
}

void step_local(struct step_node *n, void *self, uint32_t call, step_ref arg)
{
	((struct step_head *)self)->pending = (uint8_t)call;
	n->host->local(n, n->me, call, arg);
}

#define PENDING_TIMER 255

void step_timer(struct step_node *n, void *self)
{
	((struct step_head *)self)->pending = PENDING_TIMER;
	n->host->timer(n, n->me);
}

/* ---- lists ---- */

static uint32_t link_take(struct step_node *n)
{
	uint32_t i = n->link_free;
	if (i) {
		n->link_free = n->link[i - 1].next;
		return i;
	}
	if (n->links_used == n->links) {
		n->host->fault(n, "the link pool is exhausted", NULL, 0);
		return n->links;
	}
	return ++n->links_used;
}

static void link_give(struct step_node *n, uint32_t i)
{
	n->link[i - 1].next = n->link_free;
	n->link[i - 1].tag = 0;
	n->link_free = i;
}

/* Where a member of a long list may be. Members of a broadcast differ in their node: they have a place each. */
static uint32_t *place_of(const struct step_node *n, const struct step_list *list, step_ref member)
{
	const uint32_t mix =
		(uint32_t)member.node + (uint32_t)member.index * 0x9e3779b1u + list->tag * 0x85ebca6bu;
	return &n->places[mix & n->places_mask];
}

#define LONG_LIST 16 /* members that are found as fast by looking at each */

void step_add(struct step_node *n, struct step_list *list, step_ref member)
{
	uint32_t i = link_take(n);
	n->link[i - 1] = (struct step_link){.member = member, .before = list->last};
	if (list->last)
		n->link[list->last - 1].next = i;
	else
		list->first = i;
	list->last = i;
	list->count++;
	list->untold++;
	if (!list->cursor)
		list->cursor = i;
	if (n->places && list->count > LONG_LIST) {
		if (!list->tag)
			list->tag = ++n->tags;
		n->link[i - 1].tag = list->tag;
		*place_of(n, list, member) = i;
	}
}

/* The link of a member. Members reply about in the order in which they were told, so where no place knows it the search
 * is short, or the list is. */
static uint32_t list_find(const struct step_node *n, const struct step_list *list, step_ref member)
{
	if (list->tag) {
		const uint32_t i = *place_of(n, list, member);
		if (i && n->link[i - 1].tag == list->tag && step_same(n->link[i - 1].member, member))
			return i;
	}
	for (uint32_t i = list->first; i; i = n->link[i - 1].next)
		if (step_same(n->link[i - 1].member, member))
			return i;
	return 0;
}

bool step_is_member(const struct step_node *n, const struct step_list *list, step_ref member)
{
	return list_find(n, list, member) != 0;
}

void step_add_once(struct step_node *n, struct step_list *list, step_ref member)
{
	if (!step_is_member(n, list, member))
		step_add(n, list, member);
}

void step_add_others(struct step_node *n, struct step_list *list, unsigned machine)
{
	for (uint32_t i = 0; i < n->nodes; i++)
		if (i != n->id)
			step_add(n, list, STEP_REF(i, machine, 0));
}

void step_replace(struct step_node *n, struct step_list *list, step_ref old, step_ref fresh)
{
	const uint32_t i = list_find(n, list, old);
	if (i)
		n->link[i - 1].member = fresh;
	else
		n->host->fault(n, "replaces what is not a member", NULL, 0);
}

static void list_cut(struct step_node *n, struct step_list *list, uint32_t i)
{
	const uint32_t next = n->link[i - 1].next, before = n->link[i - 1].before;
	if (before)
		n->link[before - 1].next = next;
	else
		list->first = next;
	if (next)
		n->link[next - 1].before = before;
	else
		list->last = before;
	if (list->cursor == i)
		list->cursor = next;
	list->count--;
	list->untold -= !n->link[i - 1].told;
	link_give(n, i);
}

void step_settle(struct step_node *n, struct step_list *list)
{
	if (!list->count)
		step_raise(n, n->me, E_EMPTY);
}

void step_remove(struct step_node *n, struct step_list *list, step_ref member)
{
	const uint32_t i = list_find(n, list, member);
	if (!i) {
		n->host->fault(n, "removes what is not a member", NULL, 0);
		return;
	}
	list_cut(n, list, i);
	step_settle(n, list);
}

void step_remove_if(struct step_node *n, struct step_list *list, step_ref member)
{
	const uint32_t i = list_find(n, list, member);
	if (i)
		list_cut(n, list, i);
}

void step_fanout(struct step_node *n, struct step_list *list, unsigned event)
{
	list->fan = event;
	step_settle(n, list);
	if (list->count)
		n->host->fanout(n, n->me, list);
}

void step_fanout_link(struct step_node *n, step_ref self, struct step_list *list, uint32_t link)
{
	struct step_link *l = &n->link[link - 1];
	l->told = 1;
	list->untold--;
	n->me = self;
	const struct step_machine *d = machine_of(n, self.machine);
	const char *teller = step_at(n, self.machine, (uint32_t)self.index);
	struct step_msg *m = step_tell(n, l->member, list->fan);
	if (d->fan_arg)
		memcpy(&m->arg, teller + d->fan_arg, sizeof m->arg);
	if (d->fan_word && n->protocol->event[m->event].word != STEP_K_NONE)
		memcpy(&m->word, teller + d->fan_word, sizeof m->word);
}

bool step_fanout_next(struct step_node *n, step_ref self, struct step_list *list)
{
	uint32_t i = list->cursor;
	while (i && n->link[i - 1].told)
		i = n->link[i - 1].next;
	list->cursor = i ? n->link[i - 1].next : 0;
	if (!i)
		return false;
	step_fanout_link(n, self, list, i);
	return true;
}

void step_wake(struct step_node *n, struct step_list *list, unsigned event)
{
	while (list->first) {
		step_ref member = n->link[list->first - 1].member;
		list_cut(n, list, list->first);
		step_raise(n, member, event);
	}
}

/* ---- parking ---- */

/* Keeps `m` at the end of the machine's ring. False: the pool is full. */
static bool park(struct step_node *n, struct step_head *head, const struct step_msg *m)
{
	uint32_t i = n->park_free;
	if (i)
		n->park_free = n->park[i - 1].next;
	else if (n->parks_used < n->parks)
		i = ++n->parks_used;
	else
		return false;
	struct step_parked *p = &n->park[i - 1];
	*p = (struct step_parked){.msg = *m, .host = n->host_word, .next = i};
	if (head->parked) {
		p->next = n->park[head->parked - 1].next;
		n->park[head->parked - 1].next = i;
	}
	head->parked = i;
	n->parked++;
	return true;
}

/* Takes the first of the ring whose last is `last`; *last becomes 0 when it was the only one. */
static struct step_parked unpark(struct step_node *n, uint32_t *last)
{
	uint32_t first = n->park[*last - 1].next;
	struct step_parked p = n->park[first - 1];
	if (first == *last)
		*last = 0;
	else
		n->park[*last - 1].next = p.next;
	n->park[first - 1].next = n->park_free;
	n->park_free = first;
	n->parked--;
	return p;
}

/* ---- one cell ---- */

struct target {
	struct step_head *head; /* NULL: no slot, or a stale reference */
	step_ref at;
	unsigned state;
	bool fresh; /* head is a free slot that the cell may take */
};

static uint32_t next_free(const struct step_pool *pool) { return pool->free ? pool->free - 1 : pool->used; }

/* Which slot a message is for. A slot is not taken before a cell leaves FREE. */
static inline struct target target_of(struct step_node *n, const struct step_msg *m)
{
	const unsigned machine = m->to.machine;
	const struct step_pool *pool = &n->pool[machine];
	const uint32_t size = machine_of(n, machine)->size;
	uint32_t index = (uint32_t)m->to.index;
	if (index < pool->slots) { /* by slot */
		struct step_head *head = (struct step_head *)(void *)(pool->base + (size_t)index * size);
		if (head->gen == m->to.gen)
			return (struct target){.head = head, .at = m->to, .state = head->state};
		return (struct target){.at = step_ref_of(n, machine, index)};
	}
	if (index == STEP_NAMED) {
		index = n->host->find(n, machine, m->arg);
		if (index != STEP_INDEX_MAX) {
			struct step_head *head =
				(struct step_head *)(void *)(pool->base + (size_t)index * size);
			return (struct target){
				.head = head, .at = step_ref_of(n, machine, index), .state = head->state};
		}
	}
	if (!pool->free && pool->used == pool->slots)
		return (struct target){.at = m->to, .state = machine_of(n, machine)->states};
	index = next_free(pool);
	return (struct target){
		.head = step_at(n, machine, index), .at = step_ref_of(n, machine, index), .fresh = true};
}

const struct step_cell *step_peek(struct step_node *n, const struct step_msg *m, unsigned *state)
{
	struct target t = target_of(n, m);
	if (state)
		*state = t.state;
	return step_cell_at(n->protocol, m->to.machine, t.state, m->event);
}

static void slot_take(struct step_node *n, const struct target *t, const struct step_msg *m)
{
	struct step_pool *pool = &n->pool[t->at.machine];
	if (pool->free) {
		pool->free = t->head->parked;
		t->head->parked = 0;
	} else {
		pool->used++;
	}
	if (m->to.index == STEP_NAMED)
		n->host->bind(n, t->at.machine, m->arg, (uint32_t)t->at.index);
}

/* Two rings become one: each last points to the other's first. */
static void make_orphans(struct step_node *n, uint32_t parked)
{
	if (n->orphans) {
		uint32_t first = n->park[n->orphans - 1].next;
		n->park[n->orphans - 1].next = n->park[parked - 1].next;
		n->park[parked - 1].next = first;
	}
	n->orphans = parked;
	n->host->ready(n, STEP_NOBODY);
}

/* Returns a slot to its pool. What was parked in it is delivered again: it finds another slot, or none. */
static void slot_give(struct step_node *n, struct step_head *head, step_ref at)
{
	struct step_pool *pool = &n->pool[at.machine];
	uint16_t gen = (uint16_t)((head->gen + 1) & 0xfff);
	uint32_t parked = head->parked;
	if (machine_of(n, at.machine)->named)
		n->host->unbind(n, at.machine, (uint32_t)at.index);
	memset(head, 0, machine_of(n, at.machine)->size);
	head->gen = gen;
	head->parked = pool->free;
	pool->free = (uint32_t)at.index + 1;
	if (parked)
		make_orphans(n, parked);
}

static void stall(struct step_node *n, const struct target *t, const struct step_msg *m)
{
	if (t->head && t->head->state && park(n, t->head, m))
		return;
	if (n->protocol->event[m->event].klass == STEP_CALL) {
		n->host->fault(n, "a client's call finds no place to wait", m, t->state);
		return;
	}
	step_ref me = n->me;
	n->me = t->at;
	struct step_msg *nack = step_tell(n, m->from, E_NACK);
	nack->word = m->event;
	nack->arg = m->arg;
	n->me = me;
}

static bool first_stalls(const struct step_node *n, step_ref at, const struct step_head *head)
{
	const struct step_parked *first = &n->park[n->park[head->parked - 1].next - 1];
	return step_cell_at(n->protocol, at.machine, head->state, first->msg.event)->kind == STEP_STALL;
}

#define RESULTS (1u << E_LOCAL_OK | 1u << E_LOCAL_ERR | 1u << E_TIMER) /* of a pending call or timer */

/* The cell of a machine that lives, or begins to. */
static inline void go(struct step_node *n, const struct step_msg *m, const struct target *t,
		      const struct step_cell *c)
{
	struct step_head *head = t->head;
	if (t->fresh)
		slot_take(n, t, m);
	if (m->event <= E_TIMER && RESULTS >> m->event & 1)
		head->pending = 0;
	head->state = c->next;
	if (c->action)
		c->action(n, head, m);
	if (!c->next)
		slot_give(n, head, t->at);
	else if (head->parked && c->next != t->state && !first_stalls(n, t->at, head))
		n->host->ready(n, t->at);
}

/* Actions pass on references that they got in frames: one that names no machine of this node must harm nobody. */
static inline bool is_for_nobody(const struct step_node *n, const struct step_msg *m)
{
	const unsigned machine = m->to.machine;
	if (!machine || machine >= n->protocol->machines)
		return true;
	return m->to.index >= n->pool[machine].slots && m->to.index != STEP_NEW &&
	       (m->to.index != STEP_NAMED || !machine_of(n, machine)->named);
}

SIM_PROBE_DEFINE(cell);
SIM_PROBE_DEFINE(cell_end);

/* Names first: bpftrace reads six arguments. */
SIM_PROBE_ASIDE static void probe_cell(const struct step_node *n, const struct step_msg *m, unsigned state,
				       unsigned next)
{
	const struct step_machine *d = machine_of(n, m->to.machine);
	SIM_PROBE(cell, n->id, n->protocol->name, d->name, d->state[state], n->protocol->event[m->event].name,
		  d->state[next], (unsigned)n->number, (unsigned)m->to.machine, state, (unsigned)m->event,
		  next);
}

SIM_PROBE_ASIDE static void probe_cell_end(const struct step_node *n, const struct step_msg *m,
					   unsigned state)
{
	const struct step_machine *d = machine_of(n, m->to.machine);
	SIM_PROBE(cell_end, n->id, n->protocol->name, d->name, d->state[state],
		  n->protocol->event[m->event].name, (unsigned)n->number);
}

static void run_cell(struct step_node *n, const struct step_msg *m)
{
	if (__builtin_expect(is_for_nobody(n, m), 0)) {
		n->host->fault(n, "tells a machine that does not exist", NULL, 0);
		return;
	}
	const struct target t = target_of(n, m);
	const struct step_cell *c = step_cell_at(n->protocol, m->to.machine, t.state, m->event);
	if (__builtin_expect(c->kind != STEP_GO, 0)) {
		if (c->kind == STEP_STALL)
			stall(n, &t, m);
		else
			n->host->fault(n, "reaches a NEVER cell", m, t.state);
		return;
	}
	n->cells++;
	n->me = t.at;
	if (SIM_PROBE_ON(cell))
		probe_cell(n, m, t.state, c->next);
	if (n->tap)
		n->tap(n, m, t.at, t.state, c->next);
	const uint32_t sent = n->sent;
	if (t.head && (t.state || (t.fresh && c->next)))
		go(n, m, &t, c);
	else if (c->next != t.state)
		n->host->fault(n, "a cell of a free or full row makes a machine where there is no slot", m,
			       t.state);
	else if (c->action)
		c->action(n, NULL, m);
	if (__builtin_expect(n->sent - sent > c->sends, 0))
		n->host->fault(n, "sends more than its cell declares", m, t.state);
	if (SIM_PROBE_ON(cell_end))
		probe_cell_end(n, m, t.state);
}

void step_run(struct step_node *n)
{
	while (n->head != n->tail) {
		const struct step_msg m = n->raised[n->head++ % STEP_RAISED_MAX];
		n->host_half = m.host;
		run_cell(n, &m);
	}
	n->head = n->tail = 0; /* the next step begins on the same cache lines */
	n->handling = 0;
}

void step_deliver(struct step_node *n, const struct step_msg *m)
{
	n->handling = n->protocol->event[m->event].klass;
	n->host_half = m->host;
	run_cell(n, m);
	step_run(n);
}

bool step_is_ready(struct step_node *n, step_ref at)
{
	if (!at.machine)
		return n->orphans != 0;
	const struct step_head *head = step_lookup(n, at);
	return head && head->parked && !first_stalls(n, at, head);
}

bool step_resume(struct step_node *n, step_ref at)
{
	if (!step_is_ready(n, at))
		return false;
	struct step_head *head = at.machine ? step_lookup(n, at) : NULL;
	struct step_parked p = unpark(n, head ? &head->parked : &n->orphans);
	n->host_word = p.host;
	step_deliver(n, &p.msg);
	if (step_is_ready(n, at))
		n->host->ready(n, at);
	return true;
}

/* ---- what a host checks ---- */

static const char *cell_check(const struct step_protocol *p, unsigned machine, unsigned state, unsigned event)
{
	const struct step_machine *d = &p->machine[machine];
	const struct step_cell *c = step_cell_at(p, machine, state, event);
	if (c->kind == STEP_STALL && p->event[event].klass != STEP_REQUEST &&
	    p->event[event].klass != STEP_CALL)
		return "only calls and requests may stall";
	if (c->kind == STEP_STALL && !state)
		return "a free slot cannot park a message";
	if (c->kind == STEP_GO && state == d->states && c->next != state)
		return "a full pool stays full";
	if (c->kind == STEP_GO && state < d->states && c->next >= d->states)
		return "a cell leads to a state that does not exist";
	return NULL;
}

const char *step_protocol_check(const struct step_protocol *p)
{
	if (p->machines > STEP_MACHINES_MAX)
		return "too many machines";
	for (unsigned m = 1; m < p->machines; m++)
		for (unsigned s = 0; s <= p->machine[m].states; s++)
			for (unsigned e = 0; e < p->events; e++) {
				const char *why = cell_check(p, m, s, e);
				if (why)
					return why;
			}
	return NULL;
}

const char *step_frame_check(const struct step_node *n, const struct step_msg *m)
{
	const struct step_protocol *p = n->protocol;
	if (m->event <= E_NONE || m->event >= p->events)
		return "no such event";
	if (m->event != E_NACK && p->event[m->event].klass < STEP_REQUEST)
		return "an event that never travels";
	if (m->to.node != n->id || !m->to.machine || m->to.machine >= p->machines)
		return "not for a machine of this node";
	if (m->from.node >= n->nodes || m->arg.node >= n->nodes)
		return "no such node";
	if (m->to.index == STEP_NAMED)
		return p->machine[m->to.machine].named ? NULL : "this machine has no names";
	if (m->to.index != STEP_NEW && m->to.index >= n->pool[m->to.machine].slots)
		return "no such slot";
	return NULL;
}
