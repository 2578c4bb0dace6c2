/* memory/msi - pages kept coherent by a directory at their home: many readers or one writer.
 *
 * Write-invalidate MSI with a blocking directory that collects (four hops at most), as in Nagarajan, Sorin, Hill
 * and Wood, "A Primer on Memory Consistency and Cache Coherence", chapter 8, with the acknowledgements sent to
 * the home. A page is named, not addressed: its directory entry is made when it is first asked for, a line when a
 * client of the cluster first uses it. Requests that meet a busy entry are parked there.
 *
 * Evictions never wait for the directory: a PUT that crosses an invalidation is the answer to it, so the line
 * ignores what comes before PUT_ACK.
 *
 * Messages: read miss 2, or 4 if another cluster holds the page modified; write miss 2 + 2 for each sharer, or 4.
 *
 * Assumes: reliable channels, first in first out between each pair. Invariants:
 *  I1  a page that is modified in one cluster is nowhere else readable (single writer or many readers);
 *  I2  whoever reads sees the value that was written last;
 *  I3  at rest, the directory's owner and sharers are exactly the clusters that hold the page. */
#include "ssi/protocols/protocols.h"

enum { DIR = MSI_DIR, LINE = MSI_LINE };
/* clang-format off */
#define DIR_FIELDS(REF, LIST, NODE, WORD, DATA)  REF(owner) REF(asker) LIST(sharers) DATA(data)
#define LINE_FIELDS(REF, LIST, NODE, WORD, DATA) REF(name) REF(client) DATA(data)

#define EVENTS(E) /* line to home */ \
	E(GETS,    REQUEST, NONE) E(GETM,   REQUEST, NONE) \
	E(PUTS,    REPLY,   NONE) E(PUTM,   REPLY,   DATA) \
	E(INV_ACK, REPLY,   NONE) E(WB,     REPLY,   DATA) \
	/* home to line */ \
	E(INV,     FORWARD, NONE) E(FETCH,  FORWARD, NONE) E(FETCH_INV, FORWARD, NONE) \
	E(DATA_S,  REPLY,   DATA) E(DATA_M, REPLY,   DATA) E(PUT_ACK,   REPLY,   NONE) \
	/* from clients; C_RELEASE at the home, when the page is no more */ \
	E(C_READ, CALL, NONE) E(C_WRITE, CALL, WORD) E(C_EVICT, CALL, NONE) E(C_RELEASE, CALL, NONE)

/* U: nobody else has it. READING, WRITING: fetches from the owner. CLEARING: invalidates for a writer.
 * EMPTYING, TAKING: the page is released, from its sharers or its owner. */
#define DIR_STATES(X)  X(NONE) X(U) X(SHARED) X(OWNED) X(READING) X(WRITING) X(CLEARING) X(EMPTYING) X(TAKING)
/* IS_D, IM_D, SM_D: waits for data. SI_A, MI_A: evicted, waits for PUT_ACK. */
#define LINE_STATES(X) X(I) X(IS_D) X(IM_D) X(SM_D) X(S) X(M) X(SI_A) X(MI_A)
/* clang-format on */
STEP_LAYOUT(dir, DIR_FIELDS);
STEP_LAYOUT(line, LINE_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(dir, DIR_STATES, DIR_FULL);
STEP_STATES(line, LINE_STATES, LINE_FULL);

enum { DONE, NO_ROOM };

/* The home. */
static void give(struct step_node *n, struct dir *self, step_ref to, unsigned event)
{
	step_tell_data(n, to, event, self->data);
}
static void keep(struct step_node *n, struct dir *self, const struct step_msg *m)
{
	n->host->data_drop(n, self->data);
	self->data = n->host->data_in(n, m);
}
static void answer_reader(struct step_node *n, struct dir *self)
{
	step_add(n, &self->sharers, self->asker);
	give(n, self, self->asker, DATA_S);
	self->owner = self->asker = STEP_NOBODY;
}
static void answer_writer(struct step_node *n, struct dir *self)
{
	give(n, self, self->asker, DATA_M);
	self->owner = self->asker;
	self->asker = STEP_NOBODY;
}
ACTION(dir, first_read)
{
	self->data = n->host->data_new(n, m->arg);
	step_add(n, &self->sharers, m->from);
	give(n, self, m->from, DATA_S);
}
ACTION(dir, first_write)
{
	self->data = n->host->data_new(n, m->arg);
	self->owner = m->from;
	give(n, self, m->from, DATA_M);
}
ACTION(dir, share)
{
	step_add(n, &self->sharers, m->from);
	give(n, self, m->from, DATA_S);
}
ACTION(dir, hand_over)
{
	self->owner = m->from;
	give(n, self, m->from, DATA_M);
}
ACTION(dir, clear)
{
	self->asker = m->from;
	step_remove_if(n, &self->sharers, m->from);
	step_fanout(n, &self->sharers, INV);
}
ACTION(dir, cleared)
{
	self->sharers.fan = 0;
	answer_writer(n, self);
}
ACTION(dir, fetch)
{
	self->asker = m->from;
	step_tell(n, self->owner, FETCH);
}
ACTION(dir, fetch_inv)
{
	self->asker = m->from;
	step_tell(n, self->owner, FETCH_INV);
}
ACTION(dir, fetched)
{
	step_add(n, &self->sharers, m->from);
	keep(n, self, m);
	answer_reader(n, self);
}
ACTION(dir, put_for_reader)
{
	step_tell(n, m->from, PUT_ACK);
	keep(n, self, m);
	answer_reader(n, self);
}
ACTION(dir, pass_on)
{
	keep(n, self, m);
	answer_writer(n, self);
}
ACTION(dir, put_for_writer)
{
	step_tell(n, m->from, PUT_ACK);
	pass_on_body(n, self, m);
}
ACTION(dir, forget) { step_remove(n, &self->sharers, m->from); }
ACTION(dir, forget_put)
{
	step_remove(n, &self->sharers, m->from);
	step_tell(n, m->from, PUT_ACK);
}
ACTION(dir, take_back)
{
	keep(n, self, m);
	self->owner = STEP_NOBODY;
	step_tell(n, m->from, PUT_ACK);
}
/* The page is no more. */
ACTION(dir, nothing_there) { step_complete(n, m->from, DONE, STEP_NOBODY); }
ACTION(dir, drop)
{
	n->host->data_drop(n, self->data);
	step_complete(n, m->from, DONE, STEP_NOBODY);
}
ACTION(dir, empty)
{
	self->asker = m->from;
	step_fanout(n, &self->sharers, INV);
}
ACTION(dir, emptied)
{
	n->host->data_drop(n, self->data);
	step_complete(n, self->asker, DONE, STEP_NOBODY);
}
ACTION(dir, took)
{
	keep(n, self, m);
	emptied_body(n, self, m);
}
ACTION(dir, took_put)
{
	step_tell(n, m->from, PUT_ACK);
	took_body(n, self, m);
}

/* clang-format off */
static const struct step_cell dir_table[DIR_FULL + 1][EVENT_COUNT] = {
	/*    state     event      next      action          sends */
	STEP (NONE,     GETS,      SHARED,   first_read,     1),
	STEP (NONE,     GETM,      OWNED,    first_write,    1),
	STEP (NONE,     C_RELEASE, NONE,     nothing_there,  0),

	STEP (U,        GETS,      SHARED,   share,          1),
	STEP (U,        GETM,      OWNED,    hand_over,      1),
	STEP (U,        C_RELEASE, NONE,     drop,           0),

	STEP (SHARED,   GETS,      SHARED,   share,          1),
	STEP (SHARED,   GETM,      CLEARING, clear,          0),
	STEP (SHARED,   PUTS,      SHARED,   forget_put,     1),
	STEP (SHARED,   E_EMPTY,   U,        nothing,        0),
	STEP (SHARED,   C_RELEASE, EMPTYING, empty,          0),

	STEP (OWNED,    GETS,      READING,  fetch,          1),
	STEP (OWNED,    GETM,      WRITING,  fetch_inv,      1),
	STEP (OWNED,    PUTM,      U,        take_back,      1),
	STEP (OWNED,    C_RELEASE, TAKING,   fetch_inv,      1),

	STALL(READING,  GETS),
	STALL(READING,  GETM),
	STALL(READING,  C_RELEASE),
	STEP (READING,  WB,        SHARED,   fetched,        1),
	STEP (READING,  PUTM,      SHARED,   put_for_reader, 2),

	STALL(WRITING,  GETS),
	STALL(WRITING,  GETM),
	STALL(WRITING,  C_RELEASE),
	STEP (WRITING,  WB,        OWNED,    pass_on,        1),
	STEP (WRITING,  PUTM,      OWNED,    put_for_writer, 2),

	STALL(CLEARING, GETS),
	STALL(CLEARING, GETM),
	STALL(CLEARING, C_RELEASE),
	STEP (CLEARING, INV_ACK,   CLEARING, forget,         0),
	STEP (CLEARING, PUTS,      CLEARING, forget_put,     1),
	STEP (CLEARING, E_EMPTY,   OWNED,    cleared,        1),

	STALL(EMPTYING, GETS),
	STALL(EMPTYING, GETM),
	STALL(EMPTYING, C_RELEASE),
	STEP (EMPTYING, INV_ACK,   EMPTYING, forget,         0),
	STEP (EMPTYING, PUTS,      EMPTYING, forget_put,     1),
	STEP (EMPTYING, E_EMPTY,   NONE,     emptied,        0),

	STALL(TAKING,   GETS),
	STALL(TAKING,   GETM),
	STALL(TAKING,   C_RELEASE),
	STEP (TAKING,   WB,        NONE,     took,           0),
	STEP (TAKING,   PUTM,      NONE,     took_put,       1),
};
/* clang-format on */

/* A cluster that uses the page. */
static step_ref home_of(const struct line *self) { return STEP_BY_NAME(self->name.node, DIR); }

ACTION(line, get_s)
{
	self->client = m->from, self->name = m->arg;
	step_tell(n, home_of(self), GETS)->arg = self->name;
}
ACTION(line, get_m)
{
	self->client = m->from, self->name = m->arg;
	step_tell(n, home_of(self), GETM)->arg = self->name;
}
ACTION(line, later) { step_timer(n, self); }
ACTION(line, ask_s) { step_tell(n, home_of(self), GETS)->arg = self->name; }
ACTION(line, ask_m) { step_tell(n, home_of(self), GETM)->arg = self->name; }
ACTION(line, hit) { step_complete(n, m->from, DONE, n->me); }
ACTION(line, no_line) { step_complete(n, m->from, NO_ROOM, STEP_NOBODY); }
ACTION(line, gone) { step_complete(n, m->from, DONE, STEP_NOBODY); }
ACTION(line, fill)
{
	self->data = n->host->data_in(n, m);
	step_complete(n, self->client, DONE, n->me);
	self->client = STEP_NOBODY;
}
ACTION(line, refill)
{
	n->host->data_drop(n, self->data);
	fill_body(n, self, m);
}
ACTION(line, invalidate)
{
	n->host->data_drop(n, self->data);
	step_tell(n, m->from, INV_ACK);
}
ACTION(line, share_back) { step_tell_data(n, m->from, WB, self->data); }
ACTION(line, give_back)
{
	step_tell_data(n, m->from, WB, self->data);
	n->host->data_drop(n, self->data);
}
ACTION(line, put_s)
{
	self->client = m->from;
	step_tell(n, home_of(self), PUTS)->arg = self->name;
	n->host->data_drop(n, self->data);
}
ACTION(line, put_m)
{
	self->client = m->from;
	step_tell_data(n, home_of(self), PUTM, self->data)->arg = self->name;
	n->host->data_drop(n, self->data);
}
ACTION(line, put_done) { step_complete(n, self->client, DONE, STEP_NOBODY); }

/* clang-format off */
static const struct step_cell line_table[LINE_FULL + 1][EVENT_COUNT] = {
	/*    state      event      next  action      sends */
	STEP (I,         C_READ,    IS_D, get_s,      1),
	STEP (I,         C_WRITE,   IM_D, get_m,      1),
	STEP (I,         C_EVICT,   I,    gone,       0),
	STAY (C_READ,    no_line,   0, LINE_FULL),
	STAY (C_WRITE,   no_line,   0, LINE_FULL),
	STAY (C_EVICT,   gone,      0, LINE_FULL),              /* of a page that is not here */

	STEP (IS_D,      DATA_S,    S,    fill,       0),
	STEP (IM_D,      DATA_M,    M,    fill,       0),
	STEP (SM_D,      DATA_M,    M,    refill,     0),
	STEP (SM_D,      INV,       IM_D, invalidate, 1),      /* our GETM waits behind another's */

	STEP (S,         C_READ,    S,    hit,        0),
	STEP (S,         C_WRITE,   SM_D, get_m,      1),
	STEP (S,         C_EVICT,   SI_A, put_s,      1),
	STEP (S,         INV,       I,    invalidate, 1),

	STEP (M,         C_READ,    M,    hit,        0),
	STEP (M,         C_WRITE,   M,    hit,        0),
	STEP (M,         C_EVICT,   MI_A, put_m,      1),
	STEP (M,         FETCH,     S,    share_back, 1),
	STEP (M,         FETCH_INV, I,    give_back,  1),

	STEP (SI_A,      INV,       SI_A, nothing,    0),      /* our PUT answers it */
	STEP (MI_A,      FETCH,     MI_A, nothing,    0),
	STEP (MI_A,      FETCH_INV, MI_A, nothing,    0),
	STEP (SI_A,      PUT_ACK,   I,    put_done,   0),
	STEP (MI_A,      PUT_ACK,   I,    put_done,   0),

	/* The home had no room for our request. */
	STAY (E_NACK,    later,     0, IS_D, IM_D, SM_D),
	STAY (E_TIMER,   ask_s,     1, IS_D),
	STAY (E_TIMER,   ask_m,     1, IM_D, SM_D),

#define STALL_IN(state) STALL(state, C_READ), STALL(state, C_WRITE), STALL(state, C_EVICT)
	STALL_IN(IS_D), STALL_IN(IM_D), STALL_IN(SM_D), STALL_IN(SI_A), STALL_IN(MI_A),
};
/* clang-format on */

/* ---- what the checker explores, and what must hold ---- */

/* As many pages as the home, kernel 0, has entries; it also uses them. Values are 0 and 1, as in German's protocol
 * with a data domain of 2. ghost[page]: the value written last. */
#define FIRST_PAGE 100 /* a name that no slot is */
static step_ref page_name(uint32_t page)
{
	return (step_ref){.node = 0, .machine = DIR, .index = FIRST_PAGE + page};
}
static uint32_t pages_of(const struct step_world *w) { return w->node[0].pool[DIR].slots; }

static uint32_t calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	const step_ref line = STEP_BY_NAME(node, LINE);
	uint32_t count = 0;
	for (uint32_t page = 0; page < pages_of(w) && count + 5 <= max; page++) {
		const step_ref name = page_name(page);
		out[count++] = (struct step_msg){.event = C_READ, .to = line, .arg = name};
		out[count++] = (struct step_msg){.event = C_WRITE, .to = line, .arg = name, .word = 0};
		out[count++] = (struct step_msg){.event = C_WRITE, .to = line, .arg = name, .word = 1};
		out[count++] = (struct step_msg){.event = C_EVICT, .to = line, .arg = name};
		if (node == 0)
			out[count++] = (struct step_msg){
				.event = C_RELEASE, .to = STEP_BY_NAME(0, DIR), .arg = name};
	}
	return count;
}

static const struct line *line_of(const struct step_world *w, uint32_t node, uint32_t page, step_ref *r)
{
	const struct step_node *n = &w->node[node];
	for (uint32_t i = 0; i < n->pool[LINE].used; i++) {
		const struct line *l = step_at(n, LINE, i);
		if (l->head.state && step_same(l->name, page_name(page))) {
			*r = step_ref_of(n, LINE, i);
			return l;
		}
	}
	return NULL;
}

/* The client acts the moment its call is over. A page that is released has the value 0 again. */
static const char *completed(const struct step_world *w, uint32_t node, uint32_t result, step_ref arg)
{
	const struct step_msg *call = &w->call[node];
	struct line *l = step_lookup(&w->node[node], arg);
	uint8_t *last = &w->ghost[call->arg.index - FIRST_PAGE];
	if (result != DONE)
		return NULL;
	if (call->event == C_RELEASE)
		*last = 0;
	else if (call->event != C_EVICT && !l)
		return "I2: a read or a write ends without a copy";
	else if (call->event == C_WRITE)
		l->data = *last = (uint8_t)call->word;
	else if (call->event == C_READ && l->data != *last)
		return "I2: a read does not see the value that was written last";
	return NULL;
}

static const char *always(const struct step_world *w)
{
	for (uint32_t page = 0; page < pages_of(w); page++) {
		uint32_t readers = 0, writers = 0;
		for (uint32_t i = 0; i < w->nodes; i++) {
			step_ref r;
			const struct line *l = line_of(w, i, page, &r);
			readers += l && (l->head.state == S || l->head.state == SM_D);
			writers += l && l->head.state == M;
		}
		if (writers > 1 || (writers && readers))
			return "I1: a page is modified in one cluster and readable in another";
	}
	return NULL;
}

/* Whether `r` is a line in this state that holds the page of this entry of the home's directory. */
static bool holds(const struct step_world *w, struct step_node *home, uint32_t entry, step_ref r,
		  unsigned state)
{
	const struct line *l = step_lookup(&w->node[r.node], r);
	return l && l->head.state == state && home->host->find(home, DIR, l->name) == entry;
}

static const char *rest_of_entry(const struct step_world *w, struct step_node *home, uint32_t entry,
				 uint64_t *holders)
{
	const struct dir *d = step_at(home, DIR, entry);
	bool known = true;
	for (uint32_t i = d->sharers.first; i; i = home->link[i - 1].next, ++*holders)
		known &= holds(w, home, entry, home->link[i - 1].member, S);
	if (d->head.state == OWNED) {
		known &= holds(w, home, entry, d->owner, M);
		++*holders;
	}
	return known ? NULL : "I3: at rest, the directory knows of a holder that has no page";
}

/* Every edge of a directory leads to a holder, and there are no more holders than edges. */
static const char *at_rest(const struct step_world *w)
{
	uint64_t edges = 0, holders = 0;
	for (uint32_t b = 0; b < w->nodes; b++) {
		struct step_node *n = &w->node[b];
		for (uint32_t i = 0; i < n->pool[DIR].used; i++) {
			const char *why = rest_of_entry(w, n, i, &edges);
			if (why)
				return why;
		}
		for (uint32_t i = 0; i < n->pool[LINE].used; i++)
			holders += ((const struct line *)step_at(n, LINE, i))->head.state != I;
	}
	return holders == edges ? NULL
				: "I3: at rest, a cluster holds a page that the directory does not know of";
}

static const struct step_model model = {
	.nodes = 3,
	.slots = {0, 1, 1},
	.flight = 5,
	.symmetric_from = 1,
	/* Two clients of a kernel; and a home that has no place for who waits. */
	.also = (const struct step_also[]){{.nodes = 2, .clients = 2},
					   {.nodes = 3, .parks = 1, .flight = 3},
					   {0}},
	.unreached =
		(const struct step_unreached[]){{"line LINE_FULL+*", "a pool has a line for each page"}, {0}},
	.calls = calls,
	.completed = completed,
	.always = always,
	.at_rest = at_rest};

step_ref msi_owner(const void *dir)
{
	const struct dir *d = dir;
	return d->head.state == OWNED ? d->owner : STEP_NOBODY;
}

const struct msi_calls msi_calls = {C_READ, C_WRITE, C_EVICT, C_RELEASE};

const struct step_protocol memory_msi = {
	.name = "memory/msi",
	.about = "write-invalidate pages with a blocking directory at their home",
	.assumes = "reliable channels, FIFO between each pair",
	.invariants =
		(const char *const[]){
			"I1  a page that is modified in one cluster is nowhere else readable",
			"I2  whoever reads sees the value that was written last",
			"I3  at rest, the directory's owner and sharers are exactly the holders", NULL},
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 3,
	.machine = {[DIR] = STEP_MACHINE(dir, dir_table, DIR_FULL, .usable = 0, .named = true,
					 .rest = 1u << NONE | 1u << U | 1u << SHARED | 1u << OWNED),
		    [LINE] = STEP_MACHINE(line, line_table, LINE_FULL, .usable = 1u << S | 1u << M,
					  .named = true, .rest = 1u << I | 1u << S | 1u << M)},
	.model = &model};
