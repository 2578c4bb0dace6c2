/* tests/unit/test_step.c - the step: what a host may rely on, shown with a protocol that is made for it.
 *
 * The host here does nothing but write down what it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <skerry/protocol.h>
#include "ssi/protocols/protocols.h"
#include "ssi/step_words.h"

/* ---- a protocol to try things with ---- */

enum { BOX = 1, TAG };
/* clang-format off */
#define BOX_FIELDS(REF, LIST, NODE, WORD, DATA) REF(other) LIST(friends) WORD(asked) WORD(emptied)
#define TAG_FIELDS(REF, LIST, NODE, WORD, DATA) WORD(count)

#define EVENTS(E) \
	E(OPEN, REQUEST, NONE) E(ASK, REQUEST, WORD) E(PING, FORWARD, NONE) \
	E(ECHO, REPLY, WORD) E(GO, REPLY, NONE) E(LOCK, REPLY, NONE) E(SHUT, REPLY, NONE) \
	E(LIE, REPLY, NONE) E(SINK, REPLY, NONE) E(ODD, REPLY, NONE) E(FLOOD, REPLY, NONE) \
	E(ADD, REPLY, NONE) E(DEL, REPLY, NONE) E(DEL_IF, REPLY, NONE) E(SWAP, REPLY, NONE) E(FAN, REPLY, NONE) \
	E(WAKE, REPLY, NONE) E(SET_LOCAL, REPLY, NONE) E(SET_TIMER, REPLY, NONE) \
	E(POKE, INTERNAL, NONE) \
	E(C_ASK, CALL, NONE) E(C_TAG, CALL, NONE) E(C_UNTAG, CALL, NONE)
#define BOX_STATES(X) X(FREE) X(BUSY) X(IDLE)
#define TAG_STATES(X) X(NONE) X(BOUND)
/* clang-format on */
STEP_LAYOUT(box, BOX_FIELDS);
STEP_LAYOUT(tag, TAG_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(box, BOX_STATES, BOX_FULL);
STEP_STATES(tag, TAG_STATES, TAG_FULL);

enum { REFUSED = 1000, FULL = 2000 };

ACTION(box, start) { self->other = m->from; }
ACTION(box, answer) { step_tell(n, m->from, ECHO)->word = m->word + self->asked++; }
ACTION(box, refuse) { step_tell(n, m->from, ECHO)->word = REFUSED; }
ACTION(box, full) { step_tell(n, m->from, ECHO)->word = FULL; }
ACTION(box, tell_two)
{
	step_tell(n, m->from, ECHO);
	step_tell(n, m->from, ECHO);
}
ACTION(box, ask_below) { step_tell(n, m->from, ASK); }
ACTION(box, flood)
{
	for (unsigned i = 0; i <= STEP_RAISED_MAX; i++)
		step_raise(n, n->me, POKE);
}
ACTION(box, add) { step_add(n, &self->friends, m->arg); }
ACTION(box, del) { step_remove(n, &self->friends, m->arg); }
ACTION(box, del_if) { step_remove_if(n, &self->friends, m->arg); }
ACTION(box, swap) { step_replace(n, &self->friends, self->other, m->arg); }
ACTION(box, fan) { step_fanout(n, &self->friends, PING); }
ACTION(box, wake) { step_wake(n, &self->friends, POKE); }
ACTION(box, emptied) { self->emptied++; }
ACTION(box, poked) { self->asked += 100; }
ACTION(box, set_local) { step_local(n, self, 7, m->arg); }
ACTION(box, set_timer) { step_timer(n, self); }
ACTION(box, local_ok) { self->asked += 1000; }
ACTION(box, finish) { step_complete(n, m->from, 5, n->me); }

/* clang-format off */
static const struct step_cell box_table[BOX_FULL + 1][EVENT_COUNT] = {
	STEP (FREE,     OPEN,        BUSY,     start,     0),
	STEP (FREE,     ASK,         FREE,     refuse,    1),
	STEP (FREE,     C_ASK,       FREE,     finish,    0),
	STEP (BOX_FULL, OPEN,        BOX_FULL, full,      1),
	STALL(BUSY,     ASK),
	STALL(BUSY,     C_ASK),
	STEP (BUSY,     GO,          IDLE,     nothing,   0),
	STEP (BUSY,     SHUT,        FREE,     nothing,   0),
	STEP (IDLE,     SHUT,        FREE,     nothing,   0),
	STEP (IDLE,     LOCK,        BUSY,     nothing,   0),
	STEP (IDLE,     ASK,         IDLE,     answer,    1),
	STEP (IDLE,     C_ASK,       IDLE,     finish,    0),
	STEP (IDLE,     LIE,         IDLE,     tell_two,  1),
	STEP (IDLE,     SINK,        IDLE,     ask_below, 1),
	STEP (IDLE,     FLOOD,       IDLE,     flood,     0),
	STEP (IDLE,     ADD,         IDLE,     add,       0),
	STEP (IDLE,     DEL,         IDLE,     del,       0),
	STEP (IDLE,     DEL_IF,      IDLE,     del_if,    0),
	STEP (IDLE,     SWAP,        IDLE,     swap,      0),
	STEP (IDLE,     FAN,         IDLE,     fan,       0),
	STEP (IDLE,     WAKE,        IDLE,     wake,      0),
	STEP (IDLE,     E_EMPTY,     IDLE,     emptied,   0),
	STEP (IDLE,     POKE,        IDLE,     poked,     0),
	STEP (IDLE,     PING,        IDLE,     nothing,   0),
	STEP (IDLE,     SET_LOCAL,   IDLE,     set_local, 0),
	STEP (IDLE,     SET_TIMER,   IDLE,     set_timer, 0),
	STEP (IDLE,     E_LOCAL_OK,  IDLE,     local_ok,  0),
	STEP (IDLE,     E_TIMER,     IDLE,     local_ok,  0),
};
/* clang-format on */

ACTION(tag, count) { self->count++; }

/* clang-format off */
static const struct step_cell tag_table[TAG_FULL + 1][EVENT_COUNT] = {
	STEP (NONE,  C_TAG,   BOUND, count,   0),
	STEP (NONE,  PING,    NONE,  nothing, 0),
	STEP (BOUND, C_TAG,   BOUND, count,   0),
	STEP (BOUND, PING,    BOUND, count,   0),
	STEP (BOUND, C_UNTAG, NONE,  nothing, 0),
};
/* clang-format on */

static const struct step_protocol protocol = {
	.name = "test/box",
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 3,
	.machine = {[BOX] = STEP_MACHINE(box, box_table, BOX_FULL, .rest = 1u << FREE),
		    [TAG] = STEP_MACHINE(tag, tag_table, TAG_FULL, .rest = 1u << NONE, .named = true)}};

/* ---- a host that writes down ---- */

#define SLOTS 4
#define LINKS 6
#define PARKS 3
#define NODES 3
#define SENT  64
#define ME    1 /* the node's number */

struct host {
	struct step_node node;
	struct step_msg sent[SENT], dropped;
	uint32_t to[SENT], sents;
	const char *fault; /* the last */
	uint32_t faults, completes, result;
	step_ref completed, local_self, name[STEP_MACHINES_MAX][SLOTS];
	uint32_t local_call, timers;
	bool bound[STEP_MACHINES_MAX][SLOTS];
	uint32_t binds, unbinds;
	step_ref ready[SENT], fan_self;
	uint32_t readies;
	struct step_list *fan;
};

static struct host *of(struct step_node *n) { return n->owner; }

static struct step_msg *host_send(struct step_node *n, uint32_t to, unsigned event)
{
	struct host *h = of(n);
	(void)event;
	if (h->sents == SENT)
		return &h->dropped;
	h->to[h->sents] = to;
	return &h->sent[h->sents++];
}
static void host_complete(struct step_node *n, step_ref client, uint32_t result, step_ref arg)
{
	of(n)->completes++;
	of(n)->completed = client;
	of(n)->result = result;
	(void)arg;
}
static void host_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	of(n)->local_self = self;
	of(n)->local_call = call;
	(void)arg;
}
static void host_timer(struct step_node *n, step_ref self)
{
	of(n)->timers++;
	of(n)->local_self = self;
}
static void host_fanout(struct step_node *n, step_ref self, struct step_list *list)
{
	of(n)->fan_self = self;
	of(n)->fan = list;
}
static void host_ready(struct step_node *n, step_ref at)
{
	struct host *h = of(n);
	if (h->readies < SENT)
		h->ready[h->readies++] = at;
}
static uint32_t host_find(struct step_node *n, unsigned machine, step_ref name)
{
	struct host *h = of(n);
	for (uint32_t i = 0; i < SLOTS; i++)
		if (h->bound[machine][i] && step_same(h->name[machine][i], name))
			return i;
	return STEP_INDEX_MAX;
}
static void host_bind(struct step_node *n, unsigned machine, step_ref name, uint32_t index)
{
	of(n)->binds++;
	of(n)->bound[machine][index] = true;
	of(n)->name[machine][index] = name;
}
static void host_unbind(struct step_node *n, unsigned machine, uint32_t index)
{
	of(n)->unbinds++;
	of(n)->bound[machine][index] = false;
}
static uint32_t host_data_new(struct step_node *n, step_ref name) { return (void)n, (void)name, 1; }
static void host_fault(struct step_node *n, const char *why, const struct step_msg *m, unsigned state)
{
	(void)m, (void)state;
	of(n)->faults++;
	of(n)->fault = why;
}

static const struct step_host host_calls = {.send = host_send,
					    .complete = host_complete,
					    .local = host_local,
					    .timer = host_timer,
					    .fanout = host_fanout,
					    .ready = host_ready,
					    .find = host_find,
					    .bind = host_bind,
					    .unbind = host_unbind,
					    .data_out = step_words_out,
					    .data_in = step_words_in,
					    .data_new = host_data_new,
					    .data_drop = step_words_drop,
					    .fault = host_fault};

/* Each pool is a block of its own and exactly as large as it has to be, so that a sanitizer sees who leaves it. */
static struct host *host_new(const struct step_protocol *p)
{
	struct host *h = calloc(1, sizeof *h);
	assert_non_null(h);
	h->node = (struct step_node){.id = ME,
				     .nodes = NODES,
				     .protocol = p,
				     .host = &host_calls,
				     .number = 6,
				     .owner = h,
				     .links = LINKS,
				     .parks = PARKS};
	h->node.link = calloc(LINKS, sizeof *h->node.link);
	h->node.park = calloc(PARKS, sizeof *h->node.park);
	h->node.raised = calloc(STEP_RAISED_MAX, sizeof *h->node.raised);
	for (unsigned m = 1; m < p->machines; m++) {
		h->node.pool[m].slots = SLOTS;
		h->node.pool[m].base = calloc(SLOTS, p->machine[m].size);
		assert_non_null(h->node.pool[m].base);
	}
	return h;
}

static void host_free(struct host *h)
{
	for (unsigned m = 1; m < h->node.protocol->machines; m++)
		free(h->node.pool[m].base);
	free(h->node.link);
	free(h->node.park);
	free(h->node.raised);
	free(h);
}

static const step_ref peer = {.node = 2, .machine = BOX, .index = 3};

static void deliver(struct host *h, step_ref to, unsigned event, uint32_t word, step_ref arg)
{
	step_deliver(&h->node, &(struct step_msg){.event = (uint8_t)event,
						  .protocol = 6,
						  .to = to,
						  .from = peer,
						  .word = word,
						  .arg = arg});
}
static void tell(struct host *h, step_ref to, unsigned event) { deliver(h, to, event, 0, STEP_NOBODY); }

static struct box *box_at(struct host *h, uint32_t index) { return step_at(&h->node, BOX, index); }

/* A box that is open and idle; its reference. */
static step_ref box_idle(struct host *h)
{
	const uint32_t used = h->node.pool[BOX].free ? h->node.pool[BOX].free - 1 : h->node.pool[BOX].used;
	tell(h, STEP_ANY(ME, BOX), OPEN);
	const step_ref at = step_ref_of(&h->node, BOX, used);
	tell(h, at, GO);
	assert_int_equal(box_at(h, used)->head.state, IDLE);
	assert_int_equal(h->faults, 0);
	return at;
}

static void faulted(struct host *h, const char *why)
{
	assert_int_equal(h->faults, 1);
	assert_string_equal(h->fault, why);
	h->faults = 0;
}

/* ---- slots ---- */

static void test_a_slot_is_taken_when_a_cell_leaves_free_and_given_back_when_one_returns(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	assert_string_equal(step_protocol_check(&protocol) ? step_protocol_check(&protocol) : "", "");
	tell(h, STEP_ANY(ME, BOX), ASK); /* stays in FREE: takes none */
	assert_int_equal(h->node.pool[BOX].used, 0);
	assert_int_equal(h->sent[0].word, REFUSED);
	const step_ref a = box_idle(h), b = box_idle(h);
	assert_int_equal(h->node.pool[BOX].used, 2);
	tell(h, a, SHUT);
	assert_null(step_lookup(&h->node, a));
	assert_non_null(step_lookup(&h->node, b));
	const step_ref c = box_idle(h);
	assert_int_equal(c.index, a.index);
	assert_int_not_equal(c.gen, a.gen);
	assert_int_equal(h->node.pool[BOX].used, 2);
	host_free(h);
}

static void test_a_stale_reference_is_delivered_as_to_a_free_slot(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	const step_ref old = box_idle(h);
	tell(h, old, SHUT);
	const step_ref fresh = box_idle(h);
	const uint32_t before = h->sents;
	tell(h, old, ASK);
	assert_int_equal(h->sents, before + 1);
	assert_int_equal(h->sent[before].word, REFUSED);
	tell(h, fresh, ASK);
	assert_int_equal(h->sent[before + 1].word, 0);
	tell(h, old, OPEN); /* would make a machine of a slot that is another's */
	faulted(h, "a cell of a free or full row makes a machine where there is no slot");
	assert_int_equal(box_at(h, 0)->head.state, IDLE);
	host_free(h);
}

static void test_the_full_row_answers_when_no_slot_is_free(void **state)
{
	struct host *h = host_new(&protocol);
	unsigned at;
	(void)state;
	for (unsigned i = 0; i < SLOTS; i++)
		box_idle(h);
	const struct step_msg open = {.event = OPEN, .to = STEP_ANY(ME, BOX), .from = peer};
	assert_string_equal(step_peek(&h->node, &open, &at)->name, "full");
	assert_int_equal(at, BOX_FULL);
	step_deliver(&h->node, &open);
	assert_int_equal(h->sents, 1);
	assert_int_equal(h->sent[0].word, FULL);
	tell(h, step_ref_of(&h->node, BOX, 2), SHUT);
	assert_int_equal(box_idle(h).index, 2);
	tell(h, STEP_ANY(ME, BOX), ODD);
	faulted(h, "reaches a NEVER cell");
	host_free(h);
}

static void test_generations_wrap_without_touching_their_neighbours(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	for (unsigned i = 0; i < 4096; i++)
		tell(h, box_idle(h), SHUT);
	assert_int_equal(box_at(h, 0)->head.gen, 0);
	assert_int_equal(h->node.pool[BOX].used, 1);
	host_free(h);
}

/* ---- names ---- */

static void test_a_name_is_bound_to_the_slot_that_stands_for_it_until_it_is_free(void **state)
{
	struct host *h = host_new(&protocol);
	const step_ref one = {.node = 2, .machine = TAG, .gen = 9, .index = 123},
		       two = {.node = 2, .machine = TAG, .index = 124};
	(void)state;
	deliver(h, STEP_BY_NAME(ME, TAG), PING, 0, one); /* stays in NONE: not bound */
	assert_int_equal(h->binds, 0);
	deliver(h, STEP_BY_NAME(ME, TAG), C_TAG, 0, one);
	deliver(h, STEP_BY_NAME(ME, TAG), C_TAG, 0, two);
	deliver(h, STEP_BY_NAME(ME, TAG), C_TAG, 0, one);
	assert_int_equal(h->binds, 2);
	assert_int_equal(((struct tag *)step_at(&h->node, TAG, 0))->count, 2);
	assert_int_equal(((struct tag *)step_at(&h->node, TAG, 1))->count, 1);
	deliver(h, STEP_BY_NAME(ME, TAG), C_UNTAG, 0, one);
	assert_int_equal(h->unbinds, 1);
	assert_int_equal(host_find(&h->node, TAG, one), STEP_INDEX_MAX);
	deliver(h, STEP_BY_NAME(ME, TAG), C_TAG, 0, one);
	assert_int_equal(((struct tag *)step_at(&h->node, TAG, 0))->count, 1); /* a new machine */
	assert_int_equal(h->faults, 0);
	host_free(h);
}

/* ---- parking ---- */

static void test_what_stalls_waits_and_goes_on_in_order(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	const step_ref at = box_idle(h);
	tell(h, at, LOCK);
	for (uint32_t i = 0; i < PARKS; i++)
		deliver(h, at, ASK, 10 * i, STEP_NOBODY);
	assert_int_equal(h->node.parked, PARKS);
	assert_int_equal(h->sents, 0);
	assert_false(step_is_ready(&h->node, at));
	assert_false(step_resume(&h->node, at)); /* it would only stall again */
	tell(h, at, GO);
	assert_true(h->readies > 0);
	assert_true(step_same(h->ready[h->readies - 1], at));
	for (uint32_t i = 0; i < PARKS; i++) {
		assert_int_equal(h->sents, i);
		assert_true(step_resume(&h->node, at));
		assert_int_equal(h->sent[i].word, 10 * i + i);
	}
	assert_false(step_resume(&h->node, at));
	assert_int_equal(h->node.parked, 0);
	host_free(h);
}

static void test_a_message_that_was_resumed_may_lock_out_the_next(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	const step_ref at = box_idle(h);
	tell(h, at, LOCK);
	deliver(h, at, ASK, 1, STEP_NOBODY);
	deliver(h, at, ASK, 2, STEP_NOBODY);
	tell(h, at, GO);
	assert_true(step_resume(&h->node, at));
	tell(h, at, LOCK);
	assert_false(step_resume(&h->node, at));
	assert_int_equal(h->node.parked, 1);
	deliver(h, at, ASK, 3, STEP_NOBODY); /* behind it */
	tell(h, at, GO);
	assert_true(step_resume(&h->node, at));
	assert_true(step_resume(&h->node, at));
	assert_int_equal(h->sent[1].word, 2 + 1);
	assert_int_equal(h->sent[2].word, 3 + 2);
	host_free(h);
}

static void test_a_request_that_finds_no_place_to_wait_is_refused_and_a_call_is_a_fault(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	const step_ref at = box_idle(h), name = {.node = 2, .machine = TAG, .index = 5};
	tell(h, at, LOCK);
	for (uint32_t i = 0; i < PARKS; i++)
		deliver(h, at, ASK, 0, STEP_NOBODY);
	deliver(h, at, ASK, 3, name);
	assert_int_equal(h->sents, 1);
	assert_int_equal(h->to[0], peer.node);
	assert_int_equal(h->sent[0].event, E_NACK);
	assert_int_equal(h->sent[0].word, ASK); /* of what */
	assert_true(step_same(h->sent[0].arg, name));
	assert_true(step_same(h->sent[0].from, at));
	assert_true(step_same(h->sent[0].to, peer));
	tell(h, at, C_ASK);
	faulted(h, "a client's call finds no place to wait");
	assert_int_equal(h->node.parked, PARKS);
	host_free(h);
}

static void test_what_was_parked_in_a_machine_that_goes_is_delivered_again(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	const step_ref a = box_idle(h), b = box_idle(h);
	tell(h, a, LOCK);
	tell(h, b, LOCK);
	deliver(h, a, ASK, 1, STEP_NOBODY);
	deliver(h, b, ASK, 2, STEP_NOBODY);
	deliver(h, a, ASK, 3, STEP_NOBODY);
	h->readies = 0;
	tell(h, a, SHUT);
	assert_int_equal(h->readies, 1);
	assert_int_equal(h->ready[0].machine, 0);
	assert_true(step_is_ready(&h->node, STEP_NOBODY));
	tell(h, b, SHUT); /* two rings become one */
	for (uint32_t i = 0; i < 3; i++)
		assert_true(step_resume(&h->node, STEP_NOBODY));
	assert_false(step_resume(&h->node, STEP_NOBODY));
	assert_int_equal(h->sents, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(h->sent[i].word, REFUSED);
	assert_int_equal(h->node.parked, 0);
	/* the places are free again */
	const step_ref c = box_idle(h);
	tell(h, c, LOCK);
	for (uint32_t i = 0; i < PARKS; i++)
		deliver(h, c, ASK, 0, STEP_NOBODY);
	assert_int_equal(h->sents, 3);
	host_free(h);
}

/* ---- effects ---- */

static void test_results_of_effects_come_back_as_events(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	const step_ref at = box_idle(h);
	deliver(h, at, SET_LOCAL, 0, peer);
	assert_int_equal(h->local_call, 7);
	assert_true(step_same(h->local_self, at));
	assert_int_equal(box_at(h, 0)->head.pending, 7);
	tell(h, at, E_LOCAL_OK);
	assert_int_equal(box_at(h, 0)->head.pending, 0);
	assert_int_equal(box_at(h, 0)->asked, 1000);
	tell(h, at, SET_TIMER);
	assert_int_equal(h->timers, 1);
	assert_int_not_equal(box_at(h, 0)->head.pending, 0);
	tell(h, at, E_TIMER);
	assert_int_equal(box_at(h, 0)->head.pending, 0);
	tell(h, at, C_ASK);
	assert_int_equal(h->completes, 1);
	assert_int_equal(h->result, 5);
	assert_true(step_same(h->completed, peer));
	step_raise(&h->node, at, POKE);
	assert_int_equal(box_at(h, 0)->asked, 2000);
	step_run(&h->node);
	assert_int_equal(box_at(h, 0)->asked, 2100);
	host_free(h);
}

static void test_what_the_host_added_to_a_message_is_inherited(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	const step_ref at = box_idle(h);
	step_deliver(&h->node, &(struct step_msg){.event = ASK, .to = at, .from = peer, .host = 4711});
	assert_int_equal(h->sent[0].host, 4711);
	assert_int_equal(h->sent[0].protocol, 6);
	tell(h, at, LOCK);
	h->node.host_word = 99;
	step_deliver(&h->node, &(struct step_msg){.event = ASK, .to = at, .from = peer, .host = 4712});
	h->node.host_word = 0;
	tell(h, at, GO);
	assert_true(step_resume(&h->node, at));
	assert_int_equal(h->sent[1].host, 4712); /* parked messages keep both */
	assert_int_equal(h->node.host_word, 99);
	host_free(h);
}

static void test_a_protocol_that_breaks_its_word_is_caught(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	const step_ref at = box_idle(h);
	tell(h, at, ODD);
	faulted(h, "reaches a NEVER cell");
	tell(h, at, LIE);
	faulted(h, "sends more than its cell declares");
	tell(h, at, SINK);
	faulted(h, "sends a message of a lower class than it handles");
	deliver(h, at, DEL, 0, peer);
	faulted(h, "removes what is not a member");
	deliver(h, at, SWAP, 0, peer);
	faulted(h, "replaces what is not a member");
	tell(h, at, FLOOD);
	assert_true(h->faults > 0);
	assert_string_equal(h->fault, "a step raises too many events");
	h->faults = 0;
	for (uint32_t i = 0; i < LINKS; i++)
		deliver(h, at, ADD, 0, STEP_REF(2, BOX, i));
	assert_int_equal(h->faults, 0);
	deliver(h, at, ADD, 0, STEP_REF(2, BOX, LINKS));
	faulted(h, "the link pool is exhausted");
	host_free(h);
}

/* ---- lists ---- */

static uint32_t members(struct host *h, uint32_t box, step_ref out[LINKS])
{
	const struct step_list *list = &box_at(h, box)->friends;
	uint32_t count = 0;
	for (uint32_t i = list->first; i; i = h->node.link[i - 1].next)
		out[count++] = h->node.link[i - 1].member;
	assert_int_equal(count, list->count);
	return count;
}

static step_ref friend_of(uint32_t i) { return STEP_REF(2, BOX, i); }

static void test_a_list_gives_back_what_was_added_and_raises_empty_once(void **state)
{
	struct host *h = host_new(&protocol);
	step_ref out[LINKS];
	(void)state;
	const step_ref at = box_idle(h);
	for (uint32_t round = 0; round < 3; round++) { /* links are used again */
		for (uint32_t i = 0; i < LINKS; i++)
			deliver(h, at, ADD, 0, friend_of(i));
		assert_int_equal(members(h, 0, out), LINKS);
		for (uint32_t i = 0; i < LINKS; i++)
			assert_true(step_same(out[i], friend_of(i)));
		box_at(h, 0)->other = friend_of(2);
		deliver(h, at, SWAP, 0, friend_of(9));
		assert_true(step_is_member(&h->node, &box_at(h, 0)->friends, friend_of(9)));
		assert_false(step_is_member(&h->node, &box_at(h, 0)->friends, friend_of(2)));
		deliver(h, at, DEL_IF, 0, friend_of(2));            /* is none: nothing happens */
		static const uint32_t order[] = {5, 0, 3, 9, 1, 4}; /* last, first, middle ... */
		for (uint32_t i = 0; i < LINKS; i++) {
			assert_int_equal(box_at(h, 0)->emptied, round);
			deliver(h, at, DEL, 0, friend_of(order[i]));
		}
		assert_int_equal(box_at(h, 0)->emptied, round + 1);
		assert_int_equal(members(h, 0, out), 0);
		assert_int_equal(box_at(h, 0)->friends.last, 0);
		assert_int_equal(box_at(h, 0)->friends.untold, 0);
	}
	deliver(h, at, ADD, 0, friend_of(0));
	deliver(h, at, DEL_IF, 0, friend_of(0));
	assert_int_equal(box_at(h, 0)->emptied, 3); /* DEL_IF says nothing */
	assert_int_equal(h->faults, 0);
	host_free(h);
}

static void test_a_fan_out_tells_every_member_once_while_members_come_and_go(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	const step_ref at = box_idle(h);
	struct step_list *list = &box_at(h, 0)->friends;
	tell(h, at, FAN); /* of nobody: empty at once */
	assert_int_equal(box_at(h, 0)->emptied, 1);
	assert_null(h->fan);
	for (uint32_t i = 0; i < 4; i++)
		deliver(h, at, ADD, 0, friend_of(i));
	tell(h, at, FAN);
	assert_ptr_equal(h->fan, list);
	assert_true(step_same(h->fan_self, at));
	assert_int_equal(list->untold, 4);
	assert_true(step_fanout_next(&h->node, at, list));
	deliver(h, at, DEL, 0, friend_of(1)); /* the next one goes */
	deliver(h, at, ADD, 0, friend_of(4)); /* another comes */
	assert_int_equal(list->untold, 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_true(step_fanout_next(&h->node, at, list));
	assert_false(step_fanout_next(&h->node, at, list));
	assert_int_equal(list->untold, 0);
	deliver(h, at, ADD, 0, friend_of(5)); /* after the end: it is told too */
	assert_true(step_fanout_next(&h->node, at, list));
	assert_false(step_fanout_next(&h->node, at, list));
	static const uint32_t told[] = {0, 2, 3, 4, 5};
	assert_int_equal(h->sents, 5);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(h->sent[i].event, PING);
		assert_true(step_same(h->sent[i].to, friend_of(told[i])));
		assert_true(step_same(h->sent[i].from, at));
	}
	host_free(h);
}

static void test_a_wake_tells_all_and_empties_the_list(void **state)
{
	struct host *h = host_new(&protocol);
	(void)state;
	const step_ref at = box_idle(h), b = box_idle(h), c = box_idle(h);
	deliver(h, at, ADD, 0, b);
	deliver(h, at, ADD, 0, c);
	tell(h, at, WAKE);
	assert_int_equal(box_at(h, 1)->asked, 100);
	assert_int_equal(box_at(h, 2)->asked, 100);
	assert_int_equal(box_at(h, 0)->friends.count, 0);
	assert_int_equal(box_at(h, 0)->emptied, 0);
	host_free(h);
}

/* The same changes with places and without: few enough places that members contend for them. */
static void test_places_change_nothing_but_the_time(void **state)
{
	static struct step_link link[2][600];
	static uint32_t places[64];
	struct step_node node[2] = {{.link = link[0], .links = 600},
				    {.link = link[1], .links = 600, .places = places, .places_mask = 63}};
	struct step_list list[2][2] = {0};
	uint32_t seed = 1, removed = 0;
	(void)state;
	for (uint32_t round = 0; round < 6000; round++) {
		seed = seed * 1664525 + 1013904223;
		const uint32_t which = seed >> 31, grows = round / 1000 % 2 ? 30 : 70;
		const step_ref member = STEP_REF(seed >> 8 & 127, BOX, which);
		const bool add = (seed >> 16) % 100 < grows && list[0][0].count + list[0][1].count < 590;
		removed += !add && step_is_member(&node[0], &list[0][which], member);
		for (uint32_t k = 0; k < 2; k++)
			if (add)
				step_add(&node[k], &list[k][which], member);
			else
				step_remove_if(&node[k], &list[k][which], member);
		assert_int_equal(list[0][which].count, list[1][which].count);
		if (round % 100 == 99) /* as a sweep that has ended */
			for (uint32_t k = 0; k < 2; k++) {
				const struct step_list was = list[k][0];
				list[k][0] = list[k][1], list[k][1] = was;
			}
	}
	assert_true(removed > 1000 && node[1].tags >= 2);
	for (uint32_t which = 0; which < 2; which++) {
		uint32_t count[2][128] = {{0}};
		for (uint32_t k = 0; k < 2; k++)
			for (uint32_t i = list[k][which].first; i; i = link[k][i - 1].next)
				count[k][link[k][i - 1].member.node]++;
		assert_memory_equal(count[0], count[1], sizeof count[0]);
	}
}

static void test_members_are_added_once_and_all_others_at_once(void **state)
{
	struct host *h = host_new(&protocol);
	step_ref out[LINKS];
	(void)state;
	box_idle(h);
	struct step_list *list = &box_at(h, 0)->friends;
	step_add_once(&h->node, list, friend_of(1));
	step_add_once(&h->node, list, friend_of(1));
	assert_int_equal(list->count, 1);
	step_add_others(&h->node, list, BOX);
	assert_int_equal(members(h, 0, out), 1 + NODES - 1);
	assert_int_equal(out[1].node, 0);
	assert_int_equal(out[2].node, 2);
	host_free(h);
}

/* ---- what a host checks ---- */

static struct step_cell wrong_table[BOX_FULL + 1][EVENT_COUNT];

/* The protocol with one cell changed. */
static const char *check_with(unsigned row, unsigned event, struct step_cell cell)
{
	struct step_protocol p = protocol;
	memcpy(wrong_table, box_table, sizeof wrong_table);
	wrong_table[row][event] = cell;
	p.machine[BOX].table = wrong_table[0];
	return step_protocol_check(&p);
}

static void test_every_kind_of_wrong_table_is_refused(void **state)
{
	static const struct step_cell stalls = {.kind = STEP_STALL}, goes = {.kind = STEP_GO, .next = IDLE},
				      nowhere = {.kind = STEP_GO, .next = BOX_FULL + 1},
				      into_full = {.kind = STEP_GO, .next = BOX_FULL};
	struct step_protocol many = protocol;
	(void)state;
	assert_null(check_with(IDLE, ASK, goes));
	assert_null(check_with(IDLE, ASK, stalls));
	assert_null(check_with(IDLE, C_ASK, stalls));
	assert_string_equal(check_with(BUSY, GO, stalls), "only calls and requests may stall");
	assert_string_equal(check_with(BUSY, PING, stalls), "only calls and requests may stall");
	assert_string_equal(check_with(BUSY, E_LOCAL_OK, stalls), "only calls and requests may stall");
	assert_string_equal(check_with(FREE, ASK, stalls), "a free slot cannot park a message");
	assert_string_equal(check_with(BOX_FULL, OPEN, goes), "a full pool stays full");
	assert_string_equal(check_with(IDLE, GO, nowhere), "a cell leads to a state that does not exist");
	assert_string_equal(check_with(IDLE, GO, into_full), "a cell leads to a state that does not exist");
	many.machines = STEP_MACHINES_MAX + 1;
	assert_string_equal(step_protocol_check(&many), "too many machines");
}

static void test_every_kind_of_wrong_frame_is_refused(void **state)
{
	struct host *h = host_new(&protocol);
	const struct step_msg good = {.event = ASK, .to = STEP_REF(ME, BOX, 1), .from = peer};
	struct step_msg m = good;
	(void)state;
	assert_null(step_frame_check(&h->node, &m));
	m.event = E_NACK;
	assert_null(step_frame_check(&h->node, &m));
	m.event = E_NONE;
	assert_string_equal(step_frame_check(&h->node, &m), "no such event");
	m.event = EVENT_COUNT;
	assert_string_equal(step_frame_check(&h->node, &m), "no such event");
	m.event = C_ASK;
	assert_string_equal(step_frame_check(&h->node, &m), "an event that never travels");
	m.event = E_LOCAL_OK;
	assert_string_equal(step_frame_check(&h->node, &m), "an event that never travels");
	m = good, m.to.node = 0;
	assert_string_equal(step_frame_check(&h->node, &m), "not for a machine of this node");
	m = good, m.to.machine = 0;
	assert_string_equal(step_frame_check(&h->node, &m), "not for a machine of this node");
	m = good, m.to.machine = 3;
	assert_string_equal(step_frame_check(&h->node, &m), "not for a machine of this node");
	m = good, m.from.node = NODES;
	assert_string_equal(step_frame_check(&h->node, &m), "no such node");
	m = good, m.arg.node = NODES;
	assert_string_equal(step_frame_check(&h->node, &m), "no such node");
	m = good, m.to.index = SLOTS;
	assert_string_equal(step_frame_check(&h->node, &m), "no such slot");
	m = good, m.to = STEP_BY_NAME(ME, BOX);
	assert_string_equal(step_frame_check(&h->node, &m), "this machine has no names");
	m = good, m.to = STEP_BY_NAME(ME, TAG);
	assert_null(step_frame_check(&h->node, &m));
	m = good, m.to = STEP_ANY(ME, BOX);
	assert_null(step_frame_check(&h->node, &m));
	host_free(h);
}

/* ---- random frames ---- */

static uint64_t random_state = 0x243f6a8885a308d3;
static uint32_t below(uint32_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)(((random_state * 0x2545f4914f6cdd1du) >> 32) * limit >> 32);
}

static step_ref random_ref(void)
{
	static const uint32_t odd[] = {STEP_NEW, STEP_NAMED, SLOTS, STEP_INDEX_MAX};
	step_ref r = {.node = below(NODES), .machine = below(4), .gen = below(3), .index = below(SLOTS)};
	if (!below(8))
		r.index = odd[below(4)];
	if (!below(16))
		r.node = below(STEP_NODES_MAX), r.machine = below(16), r.gen = below(4096),
		r.index = below(1u << 28);
	if (!below(16))
		r.machine = below(16);
	return r;
}

static void deliver_random(const struct step_protocol *p, uint32_t frames, uint32_t *accepted)
{
	struct host *h = host_new(p);
	for (uint32_t i = 0; i < frames; i++) {
		struct step_msg m = {.event = (uint8_t)below(below(4) ? p->events : 256),
				     .protocol = 6,
				     .word = below(300),
				     .to = random_ref(),
				     .from = random_ref(),
				     .arg = random_ref()};
		if (below(4))
			m.to.node = ME;
		h->sents = h->readies = 0;
		if (step_frame_check(&h->node, &m))
			continue;
		++*accepted;
		step_deliver(&h->node, &m);
		if (h->fan)
			while (step_fanout_next(&h->node, h->fan_self, h->fan))
				step_run(&h->node);
		h->fan = NULL;
		for (uint32_t k = 0; k < h->readies; k++)
			step_resume(&h->node, h->ready[k]);
	}
	host_free(h);
}

static void test_no_frame_that_is_accepted_leaves_the_pools(void **state)
{
	uint32_t accepted = 0;
	(void)state;
	for (uint32_t i = 0; protocols[i]; i++)
		for (uint32_t k = 0; k < 100; k++)
			deliver_random(protocols[i], 250, &accepted);
	for (uint32_t k = 0; k < 100; k++)
		deliver_random(&protocol, 250, &accepted);
	assert_true(accepted > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_a_slot_is_taken_when_a_cell_leaves_free_and_given_back_when_one_returns),
		cmocka_unit_test(test_a_stale_reference_is_delivered_as_to_a_free_slot),
		cmocka_unit_test(test_the_full_row_answers_when_no_slot_is_free),
		cmocka_unit_test(test_generations_wrap_without_touching_their_neighbours),
		cmocka_unit_test(test_a_name_is_bound_to_the_slot_that_stands_for_it_until_it_is_free),
		cmocka_unit_test(test_what_stalls_waits_and_goes_on_in_order),
		cmocka_unit_test(test_a_message_that_was_resumed_may_lock_out_the_next),
		cmocka_unit_test(test_a_request_that_finds_no_place_to_wait_is_refused_and_a_call_is_a_fault),
		cmocka_unit_test(test_what_was_parked_in_a_machine_that_goes_is_delivered_again),
		cmocka_unit_test(test_results_of_effects_come_back_as_events),
		cmocka_unit_test(test_what_the_host_added_to_a_message_is_inherited),
		cmocka_unit_test(test_a_protocol_that_breaks_its_word_is_caught),
		cmocka_unit_test(test_a_list_gives_back_what_was_added_and_raises_empty_once),
		cmocka_unit_test(test_a_fan_out_tells_every_member_once_while_members_come_and_go),
		cmocka_unit_test(test_a_wake_tells_all_and_empties_the_list),
		cmocka_unit_test(test_places_change_nothing_but_the_time),
		cmocka_unit_test(test_members_are_added_once_and_all_others_at_once),
		cmocka_unit_test(test_every_kind_of_wrong_table_is_refused),
		cmocka_unit_test(test_every_kind_of_wrong_frame_is_refused),
		cmocka_unit_test(test_no_frame_that_is_accepted_leaves_the_pools),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
