/* tests/prop/test_checker.c - the checker closes what is right, with exact counts; finds what is known to be wrong and
 * what is planted; and its symmetry neither loses nor invents a state. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/checker/checker.h"
#include "ssi/checker/checker_search.h"
#include "ssi/checker/replay.h"
#include "ssi/protocols/protocols.h"
#include "tests/lib/german.h"
#include "tests/lib/search.h"
#include "tests/prop/planted.h"

/* ---- what is right ---- */

static void closes(const struct step_protocol *p, struct checker_options o, uint64_t states,
		   uint64_t transitions, uint32_t depth)
{
	struct checker_result r = run(p, &o);
	if (r.end == CHECKER_VIOLATED)
		print_error("%s", r.why);
	assert_int_equal(r.end, CHECKER_CLOSED);
	assert_null(r.script);
	assert_int_equal(r.states, states);
	assert_int_equal(r.transitions, transitions);
	assert_int_equal(r.depth, depth);
	checker_result_fini(&r);
}

static void test_msi_closes(void **state)
{
	(void)state;
	closes(&memory_msi, (struct checker_options){.kernels = 2}, 1245, 3923, 19);
	closes(&memory_msi, (struct checker_options){0}, 49024, 176187, 31);
}

/* The same on any number of threads. */
static void test_threads_change_nothing(void **state)
{
	(void)state;
	const struct {
		const struct step_protocol *p;
		struct checker_options o;
	} row[] = {{&memory_msi, {0}},
		   {&capability_acks, {0}},
		   {&capability_tree, {.kernels = 2, .capabilities = 3}},
		   {&memory_msi, {.lossy = true}},
		   {&memory_msi, {.states_max = 20000}}};
	for (uint32_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct checker_result first = {0};
		for (uint32_t threads = 1; threads <= 4; threads++) {
			struct checker_options o = row[i].o;
			o.threads = threads;
			struct checker_result r = run(row[i].p, &o);
			assert_int_equal(r.threads, threads);
			if (threads == 1)
				first = r;
			assert_same_search(&r, &first);
			if (threads > 1)
				checker_result_fini(&r);
		}
		checker_result_fini(&first);
	}
}

static void test_tree_closes(void **state)
{
	(void)state;
	struct checker_result r = run(&capability_tree, &(struct checker_options){.capabilities = 3});
	if (r.end == CHECKER_VIOLATED)
		print_error("%s", r.why);
	assert_int_equal(r.end, CHECKER_CLOSED);
	assert_true(r.quiescence);
	checker_result_fini(&r);
}

/* ---- coverage ---- */

/* Whether `cell` ("cap LIVE+QUIT") is in a list of unvisited cells. */
static bool lists(const char *unvisited, const char *cell, size_t length)
{
	for (const char *at = unvisited; at && *at; at = strstr(at, ", ") ? strstr(at, ", ") + 2 : NULL)
		if (!strncmp(at, cell, length) && (!at[length] || at[length] == ','))
			return true;
	return false;
}

/* Every cell is visited by one of the configurations. */
static void visits_all(const struct step_protocol *p, const struct checker_options *o, uint32_t count)
{
	struct checker_result r[8] = {0};
	for (uint32_t i = 0; i < count; i++) {
		r[i] = run(p, &o[i]);
		assert_int_equal(r[i].end, CHECKER_CLOSED);
	}
	const char *at = r[0].unvisited;
	while (at && *at) {
		const size_t length = strcspn(at, ",");
		bool everywhere = true;
		for (uint32_t i = 1; i < count; i++)
			everywhere = everywhere && lists(r[i].unvisited, at, length);
		if (everywhere)
			fail_msg("%s: no configuration visits %.*s", p->name, (int)length, at);
		at += length + (at[length] ? 2 : 0);
	}
	for (uint32_t i = 0; i < count; i++)
		checker_result_fini(&r[i]);
}

static void test_every_cell_of_msi_is_visited(void **state)
{
	(void)state;
	static const struct checker_options o[] = {
		{0},                                             /* stalls at the home */
		{.parks = 1},                                    /* refusals, and trying again */
		{.kernels = 2, .clients = 2, .flight = 2},       /* stalls at a line */
		{.kernels = 2, .slots = {0, 2, 0}, .flight = 2}, /* two pages, one line */
	};
	visits_all(&memory_msi, o, 4);
}

/* ---- symmetry ---- */

static void both(const struct step_protocol *p, struct checker_options o, uint64_t *reduced,
		 uint64_t *unreduced, uint64_t *plain)
{
	struct checker_result r = run(p, &o);
	*reduced = r.states;
	*unreduced = r.states_unreduced;
	assert_int_equal(r.end, CHECKER_CLOSED);
	checker_result_fini(&r);
	o.no_symmetry = true;
	r = run(p, &o);
	*plain = r.states;
	assert_int_equal(r.end, CHECKER_CLOSED);
	assert_int_equal(r.states_unreduced, r.states);
	checker_result_fini(&r);
}

static void test_the_orbits_hold_exactly_the_states_without_symmetry(void **state)
{
	(void)state;
	uint64_t reduced, unreduced, plain;
	const struct {
		const struct step_protocol *p;
		struct checker_options o;
	} row[] = {
		{&memory_msi, {0}},
		{&memory_msi, {.kernels = 4, .flight = 2}},
		{&memory_msi, {.parks = 1}},
		{&capability_tree, {.capabilities = 2, .no_slot_symmetry = true}},
		{&capability_tree, {.capabilities = 2, .kernels = 4, .no_slot_symmetry = true}},
		{&german, {0}},
	};
	for (uint32_t i = 0; i < sizeof row / sizeof *row; i++) {
		both(row[i].p, row[i].o, &reduced, &unreduced, &plain);
		assert_int_equal(unreduced, plain);
		assert_true(reduced < plain);
	}
}

/* The states without symmetry, put into classes one by one, are as many as the states with it. */
static void test_symmetry_visits_each_class_once(void **state)
{
	(void)state;
	const struct {
		const struct step_protocol *p;
		struct checker_options o;
	} row[] = {
		{&memory_msi, {0}},
		{&memory_msi, {.kernels = 2, .slots = {0, 2, 2}, .flight = 1}},
		{&memory_msi, {.kernels = 3, .slots = {0, 1, 2}, .flight = 2}},
		{&german, {0}},
	};
	for (uint32_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct checker_options o = row[i].o;
		struct checker_result r = run(row[i].p, &o);
		o.no_symmetry = o.audit = true;
		struct checker_result plain = run(row[i].p, &o);
		assert_int_equal(r.end, CHECKER_CLOSED);
		assert_int_equal(plain.end, CHECKER_CLOSED);
		assert_int_equal(plain.classes, r.states);
		assert_true(r.states < plain.states);
		checker_result_fini(&r);
		checker_result_fini(&plain);
	}
}

static const struct step_protocol *lopsided;
static uint32_t calls_of_kernel_1(const struct step_world *w, uint32_t node, struct step_msg *out,
				  uint32_t max)
{
	return node == 2 ? 0 : lopsided->model->calls(w, node, out, max);
}
/* Nobody names what is in slot 0. */
static uint32_t calls_of_slot_1(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	uint32_t kept = 0;
	const uint32_t calls = lopsided->model->calls(w, node, out, max);
	for (uint32_t i = 0; i < calls; i++)
		if (out[i].event == CAPABILITY_OBTAIN || out[i].arg.index != 0)
			out[kept++] = out[i];
	return kept;
}

static void test_a_model_that_is_not_symmetric_is_refused(void **state)
{
	(void)state;
	const struct {
		const struct step_protocol *p;
		uint32_t (*calls)(const struct step_world *w, uint32_t node, struct step_msg *out,
				  uint32_t max);
	} row[] = {{&memory_msi, calls_of_kernel_1}, {&capability_tree, calls_of_slot_1}};
	for (uint32_t i = 0; i < 2; i++) {
		struct planted p;
		struct checker_result r;
		struct checker_options o = {.capabilities = 3};
		planted_init(&p, row[i].p);
		lopsided = row[i].p;
		p.model.calls = row[i].calls;
		assert_int_equal(checker_run(&p.protocol, &o, &r), -EINVAL);
		assert_non_null(strstr(r.why, "tells apart what may be exchanged"));
		o.no_symmetry = true;
		o.states_max = 1000;
		r = run(&p.protocol, &o);
		checker_result_fini(&r);
		planted_fini(&p);
	}
}

/* ---- what is wrong ---- */

/* The checker finds it, says why, and in how few steps. */
static void finds(const struct step_protocol *p, struct checker_options o, const char *why, uint32_t steps)
{
	struct checker_result r = run(p, &o);
	assert_int_equal(r.end, CHECKER_VIOLATED);
	char *story = replay_story(r.script, p);
	if (!strstr(r.why, why) || r.counterexample_steps != steps)
		print_error("%s\n%s", r.why, story ? story : "");
	assert_non_null(strstr(r.why, why));
	assert_int_equal(r.counterexample_steps, steps);
	/* The way was found again, and ends in what was found. (Other kernels may play the parts.) */
	assert_int_equal(r.script->steps, steps);
	assert_non_null(story);
	free(story);
	checker_result_fini(&r);
}

static void test_the_known_bad_protocol_is_found(void **state)
{
	(void)state;
	finds(&capability_acks, (struct checker_options){0},
	      "I1: the revoke has returned and a copy is usable", 11);
	finds(&capability_acks, (struct checker_options){.no_symmetry = true}, "I1", 11);
}

/* With and without symmetry, in as many steps. */
static void finds_always(const struct step_protocol *p, struct checker_options o, const char *why,
			 uint32_t steps)
{
	finds(p, o, why, steps);
	o.no_slot_symmetry = true;
	finds(p, o, why, steps);
	o.no_symmetry = true;
	finds(p, o, why, steps);
}

static step_action *msi_evicted;
static void evicted_twice(struct step_node *n, void *self, const struct step_msg *m)
{
	msi_evicted(n, self, m);
	msi_evicted(n, self, m);
}

static void test_msi_faults_are_found(void **state)
{
	(void)state;
	struct planted p;
	const struct checker_options own = {0};
	/* A reader acknowledges the invalidation and keeps the page. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "S", "INV")->next = (uint8_t)planted_state(&p, MSI_LINE, "S");
	finds_always(&p.protocol, own,
		     "I3: at rest, a cluster holds a page that the directory does not know of", 3);
	planted_fini(&p);
	/* The invalidation that crosses an eviction was forgotten. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "SI_A", "INV")->kind = STEP_NEVER;
	finds_always(&p.protocol, own, "reaches a NEVER cell: INV for line", 7);
	planted_fini(&p);
	/* A writer does not wait for the readers. */
	planted_init(&p, &memory_msi);
	planted_replace(&p, MSI_DIR, "SHARED", "GETM", "U", "GETM", "OWNED");
	finds_always(&p.protocol, own, "I3: at rest, the directory knows of a holder that has no page", 2);
	planted_fini(&p);
	/* A reader is given the home's copy while another has written. */
	planted_init(&p, &memory_msi);
	planted_replace(&p, MSI_DIR, "OWNED", "GETS", "SHARED", "GETS", "SHARED");
	finds_always(&p.protocol, own, "I1: a page is modified in one cluster and readable in another", 4);
	planted_fini(&p);
	/* The writer answers twice: with its eviction and with a write-back. */
	planted_init(&p, &memory_msi);
	planted_replace(&p, MSI_LINE, "MI_A", "FETCH_INV", "M", "FETCH_INV", "MI_A");
	finds_always(&p.protocol, own, "reaches a NEVER cell: WB for dir", 8);
	planted_fini(&p);
	/* An eviction never returns. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "MI_A", "PUT_ACK")->action = nothing;
	finds_always(&p.protocol, own, "deadlock: the client of kernel 0 waits for C_EVICT for ever", 2);
	planted_fini(&p);
	/* The home stays busy. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_DIR, "WRITING", "WB")->next = (uint8_t)planted_state(&p, MSI_DIR, "WRITING");
	finds_always(&p.protocol, own, "deadlock: dir 0.0 stays in WRITING for ever", 4);
	planted_fini(&p);
	/* A refusal was forgotten; it comes only where there is little room to wait. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "IS_D", "NACK")->kind = STEP_NEVER;
	finds_always(&p.protocol, (struct checker_options){.parks = 1}, "reaches a NEVER cell: NACK for line",
		     7);
	planted_fini(&p);
	/* A cell sends what it does not declare. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_DIR, "U", "GETM")->sends = 0;
	finds_always(&p.protocol, own, "sends more than its cell declares", 4);
	planted_fini(&p);
	/* A call is answered twice. */
	planted_init(&p, &memory_msi);
	msi_evicted = planted_cell(&p, MSI_LINE, "SI_A", "PUT_ACK")->action;
	planted_cell(&p, MSI_LINE, "SI_A", "PUT_ACK")->action = evicted_twice;
	finds_always(&p.protocol, own, "completes a call that is not in flight", 2);
	planted_fini(&p);
}

static struct planted *tree;

static void grant_without_a_child(struct step_node *n, void *self, const struct step_msg *m)
{
	(void)self;
	step_tell(n, m->from, planted_event(tree, "GRANT"));
}

static void test_tree_faults_are_found(void **state)
{
	(void)state;
	struct planted p;
	const struct checker_options own = {.capabilities = 3};
	tree = &p;
	/* The donor forgets the child. */
	planted_init(&p, &capability_tree);
	planted_cell(&p, CAPABILITY_CAP, "LIVE", "OBTAIN")->action = grant_without_a_child;
	finds(&p.protocol, own, "a usable capability is unknown to its parent", 2);
	planted_fini(&p);
	/* A revoke is answered while the local kernel still makes the capability: once too early, once twice. */
	planted_init(&p, &capability_tree);
	planted_replace(&p, CAPABILITY_CAP, "INSTALLING", "REVOKE", "LEAVING", "REVOKE", "FREE");
	finds(&p.protocol, own, "is freed while its local call or timer is under way", 6);
	planted_fini(&p);
	planted_init(&p, &capability_tree);
	planted_replace(&p, CAPABILITY_CAP, "INSTALLING", "REVOKE", "LEAVING", "REVOKE", "DOOMED");
	finds(&p.protocol, own, "removes what is not a member", 9);
	planted_fini(&p);
	/* An overlapping revoke is answered before the one that it meets has ended. */
	planted_init(&p, &capability_tree);
	planted_replace(&p, CAPABILITY_CAP, "REVOKING", "REVOKE", "LEAVING", "REVOKE", "MARKED");
	finds(&p.protocol, own, "the revoke has returned", 10);
	planted_fini(&p);
	/* A revoke does not reach a delegation in flight. */
	planted_init(&p, &capability_tree);
	planted_cell(&p, CAPABILITY_OP, "LENDING", "REVOKE")->next =
		(uint8_t)planted_state(&p, CAPABILITY_OP, "LENDING");
	finds(&p.protocol, own, "waits for C_REVOKE for ever", 10);
	planted_fini(&p);
	/* A child that leaves is let go though a REVOKE is on its way to it. */
	planted_init(&p, &capability_tree);
	planted_replace(&p, CAPABILITY_CAP, "MARKED", "REMOVE", "LIVE", "REMOVE", "MARKED");
	finds(&p.protocol, own, "reaches a NEVER cell: DONE for cap", 12);
	planted_fini(&p);
	/* What leaves while a reply is handled must be a reply. */
	planted_init(&p, &capability_tree);
	p.event[planted_event(&p, "REMOVE")].klass = STEP_FORWARD;
	finds(&p.protocol, own, "sends a message of a lower class than it handles: REMOVE", 13);
	planted_fini(&p);
}

/* ---- the set of states ---- */

/* A search that closes is a proof only if states are told apart by their bytes, not by their hashes. */
static void test_states_with_one_hash_are_told_apart(void **state)
{
	(void)state;
	static struct checker_store store;
	const uint64_t hash = 0xfedcba9876543210u;
	uint32_t number[300], other;
	assert_int_equal(checker_store_init(&store), 0);
	for (uint32_t i = 0; i < 300; i++) { /* the table grows meanwhile */
		const uint8_t bytes[3] = {(uint8_t)i, 7, (uint8_t)(i / 256)};
		assert_int_equal(checker_store_insert(&store, hash, bytes, 3, i, &number[i]), 1);
	}
	for (uint32_t i = 0; i < 300; i++) {
		const uint8_t bytes[4] = {(uint8_t)i, 7, (uint8_t)(i / 256), 9};
		assert_int_equal(checker_store_insert(&store, hash, bytes, 3, 0, &other), 0);
		assert_int_equal(other, number[i]);
		assert_int_equal(checker_store_parent(&store, other), i);
		assert_int_equal(checker_store_insert(&store, hash, bytes, 4, 0, &other), 1); /* longer */
	}
	assert_int_equal(checker_store_states(&store), 600);
	checker_store_fini(&store);
}

/* Nor are parts. Two of one kind may have any bytes; of two kinds they have the same ones. */
static void test_parts_are_told_apart_by_kind_and_bytes(void **state)
{
	(void)state;
	struct checker_parts parts;
	struct checker_bytes bytes = {.length = 2, .byte = {1, 2}};
	assert_int_equal(checker_parts_init(&parts), 0);
	const uint32_t kernel = checker_parts_intern(&parts, PART_KERNEL, 0, &bytes);
	const uint32_t clients = checker_parts_intern(&parts, PART_CLIENTS, 0, &bytes);
	assert_int_not_equal(kernel, clients);
	assert_int_equal(checker_parts_intern(&parts, PART_KERNEL, 0, &bytes), kernel);
	/* A part whose hash is the other's: only its bytes differ. */
	struct checker_part *p = &parts.block[0][kernel];
	const uint8_t other[2] = {1, 3};
	const uint8_t *kept = p->bytes;
	p->bytes = other;
	assert_int_not_equal(checker_parts_intern(&parts, PART_KERNEL, 0, &bytes), kernel);
	p->bytes = kept;
	checker_parts_fini(&parts);
}

/* ---- limits ---- */

static void test_limits_end_a_search_gracefully(void **state)
{
	(void)state;
	struct checker_options o = {.states_max = 1000};
	struct checker_result r = run(&memory_msi, &o);
	assert_int_equal(r.end, CHECKER_BOUNDED);
	assert_string_equal(r.bound, "states");
	assert_true(r.states >= 1000 && r.states < 1100 && r.depth > 3 && !r.script);
	checker_result_fini(&r);
	o = (struct checker_options){.memory_max = 8 << 20, .kernels = 4, .threads = 1};
	r = run(&memory_msi, &o);
	assert_int_equal(r.end, CHECKER_BOUNDED);
	assert_string_equal(r.bound, "memory");
	assert_true(r.bytes <= 10 << 20 && r.bytes > 4 << 20); /* it is looked at between batches */
	checker_result_fini(&r);
	o = (struct checker_options){.seconds_max = 1e-6};
	r = run(&memory_msi, &o);
	assert_int_equal(r.end, CHECKER_BOUNDED);
	assert_string_equal(r.bound, "seconds");
	checker_result_fini(&r);
}

static void test_what_does_not_fit_is_refused(void **state)
{
	(void)state;
	static const struct {
		struct checker_options o;
		const char *why;
	} row[] = {{{.kernels = 9}, "at most 8 kernels"},
		   {{.clients = 3}, "at most 2 clients"},
		   {{.slots = {0, 49, 0}}, "48 slots"},
		   {{.kernels = 8, .slots = {0, 48, 48}}, "too many slots"}};
	for (uint32_t i = 0; i < sizeof row / sizeof *row; i++) {
		struct checker_result r;
		assert_int_equal(checker_run(&capability_tree, &row[i].o, &r), -EINVAL);
		assert_non_null(strstr(r.why, row[i].why));
	}
	struct planted p;
	struct checker_result r;
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_DIR, "READING", "WB")->kind = STEP_STALL;
	assert_int_equal(checker_run(&p.protocol, NULL, &r), -EINVAL);
	assert_string_equal(r.why, "only calls and requests may stall");
	planted_fini(&p);
}

static void test_two_runs_are_alike(void **state)
{
	(void)state;
	struct checker_result a = run(&capability_acks, NULL), b = run(&capability_acks, NULL);
	assert_int_equal(a.script->steps, b.script->steps);
	for (uint32_t i = 0; i < a.script->steps; i++)
		assert_true(script_same_step(&a.script->step[i], &b.script->step[i]));
	assert_int_equal(a.states, b.states);
	checker_result_fini(&a);
	checker_result_fini(&b);
}

/* ---- faults of the channels ---- */

static void test_messages_may_be_lost(void **state)
{
	(void)state;
	finds_always(&memory_msi, (struct checker_options){.lossy = true}, "deadlock", 2);
}

static void test_messages_may_overtake(void **state)
{
	(void)state;
	/* Two messages a remote edge are enough only where channels are first in, first out: see decision 3. */
	struct checker_result r =
		run(&capability_tree, &(struct checker_options){.reorder = true, .capabilities = 3});
	assert_int_equal(r.end, CHECKER_VIOLATED);
	checker_result_fini(&r);
	r = run(&german, &(struct checker_options){.reorder = true});
	assert_int_equal(r.end, CHECKER_CLOSED); /* there is one message in a channel */
	assert_int_equal(r.states, 10460);
	checker_result_fini(&r);
}

static void test_kernels_that_stop_are_reported_and_not_judged(void **state)
{
	(void)state;
	struct checker_result r = run(&memory_msi, &(struct checker_options){.crash = 1, .flight = 2});
	assert_int_equal(r.end, CHECKER_UNJUDGED);
	assert_null(r.script);
	assert_true(r.mets > 0);
	bool told = false;
	for (uint32_t i = 0; i < r.mets; i++)
		told = told ||
		       (strstr(r.met[i].text, "deadlock: the client of kernel 0 waits") && r.met[i].count);
	assert_true(told);
	checker_result_fini(&r);
}

/* ---- quiescence ---- */

/* A call makes two kernels send each other a message for ever; in `ending`, who has it may also keep it. */
enum { PLAYER = 1 };
#define PLAYER_FIELDS(REF, LIST, NODE, WORD, DATA) WORD(hits)
#define GAME_EVENTS(E)                             E(BALL, REPLY, WORD) E(C_COME, CALL, NONE) E(C_SERVE, CALL, NONE)
#define PLAYER_STATES(X)                           X(AWAY) X(READY) X(HAS)
STEP_LAYOUT(player, PLAYER_FIELDS);
STEP_EVENTS(GAME_EVENTS);
STEP_STATES(player, PLAYER_STATES, PLAYER_FULL);

#define A_BIG_WORD 0xfedcba98u
static void hit(struct step_node *n, struct player *self)
{
	self->hits = A_BIG_WORD + (self->hits + 1) % 5;
	step_tell(n, STEP_REF(1 - n->id, PLAYER, 0), BALL)->word = self->hits;
}
ACTION(player, serve)
{
	hit(n, self);
	step_complete(n, m->from, 0, STEP_NOBODY);
}
ACTION(player, strike)
{
	self->hits = m->word - A_BIG_WORD;
	hit(n, self);
}
ACTION(player, take) { step_local(n, self, 1, STEP_NOBODY); }
ACTION(player, play_on) { hit(n, self); }

static const struct step_cell endless_table[PLAYER_FULL + 1][EVENT_COUNT] = {
	STEP(AWAY, C_COME, READY, nothing, 0),
	STEP(READY, C_SERVE, READY, serve, 1),
	STEP(READY, BALL, READY, strike, 1),
};
static const struct step_cell ending_table[PLAYER_FULL + 1][EVENT_COUNT] = {
	STEP(AWAY, C_COME, READY, nothing, 0),     STEP(READY, C_SERVE, READY, serve, 1),
	STEP(READY, BALL, HAS, take, 0),           STEP(HAS, E_LOCAL_OK, READY, play_on, 1),
	STEP(HAS, E_LOCAL_ERR, READY, nothing, 0),
};
static void game_begin(const struct step_world *w)
{
	for (uint32_t a = 0; a < 2; a++)
		step_raise(&w->node[a], STEP_ANY(a, PLAYER), C_COME);
}
static uint32_t game_calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	if (node || !max || w->ghost[0])
		return 0;
	out[0] = (struct step_msg){.event = C_SERVE, .to = STEP_REF(0, PLAYER, 0)};
	return 1;
}
static const char *game_completed(const struct step_world *w, uint32_t node, uint32_t result, step_ref arg)
{
	(void)node, (void)result, (void)arg;
	w->ghost[0] = 1;
	return NULL;
}
static const struct step_model game_model = {.nodes = 2,
					     .slots = {0, 1},
					     .flight = 1,
					     .symmetric_from = 2,
					     .local_errors = true,
					     .begin = game_begin,
					     .calls = game_calls,
					     .completed = game_completed};
#define GAME(name_, table_)                                                                                  \
	static const struct step_protocol name_ = {                                                          \
		.name = #name_,                                                                              \
		.event = step_events,                                                                        \
		.events = EVENT_COUNT,                                                                       \
		.machines = 2,                                                                               \
		.machine = {[PLAYER] = STEP_MACHINE(player, table_, PLAYER_FULL,                             \
						    .rest = 1u << AWAY | 1u << READY)},                      \
		.model = &game_model}
GAME(endless, endless_table);
GAME(ending, ending_table);

static void test_what_never_ends_is_found(void **state)
{
	(void)state;
	finds_always(&endless, (struct checker_options){0}, "no quiescence", 1);
	struct checker_result r = run(&endless, &(struct checker_options){.no_quiescence = true});
	assert_int_equal(r.end, CHECKER_CLOSED);
	assert_false(r.quiescence);
	checker_result_fini(&r);
}

static void test_what_may_end_is_quiescent(void **state)
{
	(void)state;
	struct checker_result r = run(&ending, &(struct checker_options){0});
	assert_int_equal(r.end, CHECKER_CLOSED);
	assert_true(r.quiescence);
	checker_result_fini(&r);
	finds_always(&ending, (struct checker_options){.no_local_errors = true}, "no quiescence", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_known_bad_protocol_is_found),
		cmocka_unit_test(test_msi_closes),
		cmocka_unit_test(test_tree_closes),
		cmocka_unit_test(test_every_cell_of_msi_is_visited),
		cmocka_unit_test(test_the_orbits_hold_exactly_the_states_without_symmetry),
		cmocka_unit_test(test_a_model_that_is_not_symmetric_is_refused),
		cmocka_unit_test(test_msi_faults_are_found),
		cmocka_unit_test(test_tree_faults_are_found),
		cmocka_unit_test(test_states_with_one_hash_are_told_apart),
		cmocka_unit_test(test_parts_are_told_apart_by_kind_and_bytes),
		cmocka_unit_test(test_limits_end_a_search_gracefully),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
		cmocka_unit_test(test_two_runs_are_alike),
		cmocka_unit_test(test_threads_change_nothing),
		cmocka_unit_test(test_symmetry_visits_each_class_once),
		cmocka_unit_test(test_messages_may_be_lost),
		cmocka_unit_test(test_messages_may_overtake),
		cmocka_unit_test(test_kernels_that_stop_are_reported_and_not_judged),
		cmocka_unit_test(test_what_never_ends_is_found),
		cmocka_unit_test(test_what_may_end_is_quiescent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
