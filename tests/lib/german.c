/* tests/lib/german.c - German's cache-coherence protocol (Steven German, 2000; with data, as in Chou, Mannava and Park,
 * "A simple method for parameterized verification of cache coherence protocols", FMCAD 2004), data domain 2.
 *
 * Kernel 0 is the home, each other kernel a cache. There are three channels of one message between each cache and the home:
 * requests; invalidations and grants; acknowledgements. These are the three classes of a pair, with a capacity of one. A request
 * that meets a busy home stays in its channel. Each of the protocol's rules is one step:
 *
 *   a cache asks, or stores    a client's call, which is over at once
 *   a message is received      a delivery, which happens where there is room for the answer
 *   the home invalidates       a fan-out over the sharers; who has been told is no longer in the protocol's "invalidate set"
 *   the home grants            a timer
 *
 * The invalidate set keeps what it had after a shared grant, and so does the list of sharers. */
#include "tests/lib/german.h"

enum { HOME = 1, CACHE };
/* clang-format off */
#define HOME_FIELDS(REF, LIST, NODE, WORD, DATA)  REF(asker) LIST(sharers) DATA(data)
#define CACHE_FIELDS(REF, LIST, NODE, WORD, DATA) DATA(data)

#define EVENTS(E) \
	E(REQ_S,   REQUEST, NONE) E(REQ_E, REQUEST, NONE) \
	E(INV,     FORWARD, NONE) E(GNT_S, FORWARD, DATA) E(GNT_E, FORWARD, DATA) \
	E(INV_ACK, REPLY,   NONE) E(WRITE_BACK, REPLY, DATA) \
	E(C_BOOT, CALL, NONE) E(C_SHARED, CALL, NONE) E(C_EXCLUSIVE, CALL, NONE) E(C_STORE, CALL, DATA)

/* _X: a cache has exclusive access. READ, WRITE: a request is served; READY: all sharers are gone. */
#define HOME_STATES(X)  X(HOME_FREE) X(IDLE) X(IDLE_X) X(READ) X(READ_X) X(WRITE) X(WRITE_X) X(READY)
#define CACHE_STATES(X) X(CACHE_FREE) X(I) X(S) X(E)
/* clang-format on */
STEP_LAYOUT(home, HOME_FIELDS);
STEP_LAYOUT(cache, CACHE_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(home, HOME_STATES, HOME_FULL);
STEP_STATES(cache, CACHE_STATES, CACHE_FULL);

/* ---- the home ---- */

/* The invalidate set becomes the sharers. */
static void untell_all(struct step_node *n, struct step_list *list)
{
	for (uint32_t i = list->first; i; i = n->link[i - 1].next)
		n->link[i - 1].told = 0;
	list->untold = list->count;
	list->cursor = list->first;
}

/* A sharer, but not in the invalidate set unless it is there. */
static void add_told(struct step_node *n, struct step_list *list, step_ref member)
{
	if (step_is_member(n, list, member))
		return;
	step_add(n, list, member);
	n->link[list->last - 1].told = 1;
	list->untold--;
}

ACTION(home, boot_home) { self->data = 1; }
ACTION(home, read)
{
	self->asker = m->from;
	untell_all(n, &self->sharers);
	step_timer(n, self);
}
ACTION(home, clear)
{
	self->asker = m->from;
	untell_all(n, &self->sharers);
	step_fanout(n, &self->sharers, INV);
}
ACTION(home, gone) { step_remove(n, &self->sharers, m->from); }
ACTION(home, gone_back)
{
	self->data = m->word;
	step_remove(n, &self->sharers, m->from);
}
ACTION(home, gone_reader)
{
	gone_back_body(n, self, m);
	self->sharers.fan = 0;
	step_timer(n, self);
}
ACTION(home, ready)
{
	self->sharers.fan = 0;
	step_timer(n, self);
}
static void grant(struct step_node *n, struct home *self, unsigned event)
{
	add_told(n, &self->sharers, self->asker);
	step_tell_data(n, self->asker, event, self->data);
	self->asker = STEP_NOBODY;
}
ACTION(home, grant_shared) { grant(n, self, GNT_S); }
ACTION(home, grant_exclusive) { grant(n, self, GNT_E); }

/* clang-format off */
static const struct step_cell home_table[HOME_FULL + 1][EVENT_COUNT] = {
	STEP (HOME_FREE, C_BOOT,     IDLE,    boot_home,       0),

	STEP (IDLE,      REQ_S,      READ,    read,            0),
	STEP (IDLE,      REQ_E,      WRITE,   clear,           0),
	STEP (IDLE_X,    REQ_S,      READ_X,  clear,           0),
	STEP (IDLE_X,    REQ_E,      WRITE_X, clear,           0),

	STALL(READ,      REQ_S),
	STALL(READ,      REQ_E),
	STEP (READ,      E_TIMER,    IDLE,    grant_shared,    1),
	STEP (READ,      E_EMPTY,    READ,    nothing,         0),

	STALL(READ_X,    REQ_S),
	STALL(READ_X,    REQ_E),
	STEP (READ_X,    WRITE_BACK, READ,    gone_reader,     0),

	STALL(WRITE,     REQ_S),
	STALL(WRITE,     REQ_E),
	STEP (WRITE,     INV_ACK,    WRITE,   gone,            0),
	STEP (WRITE,     E_EMPTY,    READY,   ready,           0),

	STALL(WRITE_X,   REQ_S),
	STALL(WRITE_X,   REQ_E),
	STEP (WRITE_X,   WRITE_BACK, WRITE,   gone_back,       0),

	STALL(READY,     REQ_S),
	STALL(READY,     REQ_E),
	STEP (READY,     E_TIMER,    IDLE_X,  grant_exclusive, 1),
};
/* clang-format on */

/* ---- a cache ---- */

static const step_ref the_home = {.node = 0, .machine = HOME, .index = 0};

ACTION(cache, ask_shared)
{
	step_tell(n, the_home, REQ_S);
	step_complete(n, m->from, 0, STEP_NOBODY);
}
ACTION(cache, ask_exclusive)
{
	step_tell(n, the_home, REQ_E);
	step_complete(n, m->from, 0, STEP_NOBODY);
}
ACTION(cache, store)
{
	self->data = m->word;
	step_complete(n, m->from, 0, STEP_NOBODY);
}
ACTION(cache, take) { self->data = n->host->data_in(n, m); }
ACTION(cache, drop)
{
	self->data = 0;
	step_tell(n, m->from, INV_ACK);
}
ACTION(cache, give_back)
{
	step_tell_data(n, m->from, WRITE_BACK, self->data);
	self->data = 0;
}

/* clang-format off */
static const struct step_cell cache_table[CACHE_FULL + 1][EVENT_COUNT] = {
	STEP (CACHE_FREE, C_BOOT,      I, nothing,       0),
	STEP (I,          C_SHARED,    I, ask_shared,    1),
	STAY (C_EXCLUSIVE, ask_exclusive, 1, I, S),
	STEP (E,          C_STORE,     E, store,         0),
	STEP (I,          GNT_S,       S, take,          0),
	STEP (S,          GNT_S,       S, take,          0),
	STEP (I,          GNT_E,       E, take,          0),
	STEP (S,          GNT_E,       E, take,          0),
	STEP (I,          INV,         I, drop,          1),
	STEP (S,          INV,         I, drop,          1),
	STEP (E,          INV,         I, give_back,     1),
};
/* clang-format on */

/* ---- what the checker explores ---- */

static void begin_world(const struct step_world *w)
{
	step_raise(&w->node[0], STEP_ANY(0, HOME), C_BOOT);
	for (uint32_t a = 1; a < w->nodes; a++)
		step_raise(&w->node[a], STEP_ANY(a, CACHE), C_BOOT);
	w->ghost[0] = 1; /* the value stored last */
}

static const struct cache *cache_of(const struct step_world *w, uint32_t a)
{
	return step_at(&w->node[a], CACHE, 0);
}

static uint32_t calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	const step_ref to = STEP_REF(node, CACHE, 0);
	uint32_t count = 0;
	const unsigned state = cache_of(w, node)->head.state;
	if (state == CACHE_FREE || max < 4)
		return 0;
	if (state == I)
		out[count++] = (struct step_msg){.event = C_SHARED, .to = to};
	if (state != E)
		out[count++] = (struct step_msg){.event = C_EXCLUSIVE, .to = to};
	for (uint32_t value = 1; value <= 2 && state == E; value++)
		out[count++] = (struct step_msg){.event = C_STORE, .to = to, .word = value};
	return count;
}

static const char *completed(const struct step_world *w, uint32_t node, uint32_t result, step_ref arg)
{
	(void)result, (void)arg;
	if (w->call[node].event == C_STORE)
		w->ghost[0] = (uint8_t)w->call[node].word;
	return NULL;
}

static const char *always(const struct step_world *w)
{
	const struct home *home = step_at(&w->node[0], HOME, 0);
	uint32_t shared = 0, exclusive = 0;
	for (uint32_t a = 1; a < w->nodes; a++) {
		const struct cache *c = cache_of(w, a);
		shared += c->head.state == S;
		exclusive += c->head.state == E;
		if (c->head.state != I && c->data != w->ghost[0])
			return "a cache has a value that is not the last";
	}
	if (exclusive > 1 || (exclusive && shared))
		return "a cache has exclusive access and another has access";
	return (1u << IDLE | 1u << READ | 1u << WRITE | 1u << READY) >> home->head.state & 1 &&
			       home->data != w->ghost[0]
		       ? "the memory has a value that is not the last"
		       : NULL;
}

static const struct step_model model = {.nodes = 4,
					.slots = {0, 1, 1},
					.flight = 1,
					.symmetric_from = 1,
					.capacity = 1,
					.channels_by_class = true,
					.stall_in_channel = true,
					.calls_are_local = true,
					.begin = begin_world,
					.calls = calls,
					.completed = completed,
					.always = always};

const struct step_protocol german = {
	.name = "memory/german",
	.about = "German's cache-coherence protocol, to compare checkers with",
	.assumes = "three channels of one message between each cache and the home",
	.invariants = (const char *const[]){"one exclusive or many shared copies",
					    "copies have the last value", NULL},
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 3,
	.machine = {[HOME] = STEP_MACHINE(home, home_table, HOME_FULL, .usable = 0,
					  .rest = 1u << HOME_FREE | 1u << IDLE | 1u << IDLE_X),
		    [CACHE] = STEP_MACHINE(cache, cache_table, CACHE_FULL, .usable = 1u << S | 1u << E,
					   .rest = 1u << CACHE_FREE | 1u << I | 1u << S | 1u << E)},
	.model = &model};
