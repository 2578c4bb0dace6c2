/* tests/prop/test_checker.c - the checker closes what is right, with exact counts; finds what is known to be wrong and
 * what is planted; and its symmetry neither loses nor invents a state. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/checker/checker.h"
#include "ssi/checker/replay.h"
#include "ssi/protocols/protocols.h"
#include "tests/prop/planted.h"

static struct checker_result run(const struct step_protocol *p, const struct checker_options *o)
{
	struct checker_result r;
	int rc = checker_run(p, o, &r);
	if (rc)
		fail_msg("%s: error %d: %s", p->name, rc, r.why);
	return r;
}

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

static void test_tree_closes(void **state)
{
	(void)state;
	closes(&capability_tree, (struct checker_options){.kernels = 2}, 19627, 110398, 36);
	closes(&capability_tree, (struct checker_options){.flight = 1}, 59172, 292254, 53);
}

static void test_tree_closes_with_overlapping_revokes_of_three_kernels(void **state)
{
	(void)state;
	closes(&capability_tree, (struct checker_options){0}, 1126190, 8047465, 53);
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

static void test_every_cell_of_tree_is_visited(void **state)
{
	(void)state;
	static const struct checker_options o[] = {
		{.kernels = 2, .clients = 2, .slots = {0, 2, 2}, .flight = 3}, /* two calls of one kernel */
		{.kernels = 2, .clients = 2},                                  /* no slot for the second */
	};
	visits_all(&capability_tree, o, 2);
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
		{&capability_tree, {.flight = 1}},
		{&capability_tree, {.slots = {0, 1, 1}}},
		{&capability_tree, {.kernels = 4, .slots = {0, 1, 1}}},
	};
	for (uint32_t i = 0; i < sizeof row / sizeof *row; i++) {
		both(row[i].p, row[i].o, &reduced, &unreduced, &plain);
		assert_int_equal(unreduced, plain);
		assert_true(reduced < plain);
	}
}

static const struct step_protocol *lopsided;
static uint32_t calls_of_kernel_1(const struct step_world *w, uint32_t node, struct step_msg *out,
				  uint32_t max)
{
	return node == 2 ? 0 : lopsided->model->calls(w, node, out, max);
}

static void test_a_model_that_is_not_symmetric_shows(void **state)
{
	(void)state;
	struct planted p;
	uint64_t reduced, unreduced, plain;
	planted_init(&p, &memory_msi);
	lopsided = &memory_msi;
	p.model.calls = calls_of_kernel_1;
	both(&p.protocol, (struct checker_options){0}, &reduced, &unreduced, &plain);
	assert_int_not_equal(unreduced, plain);
	planted_fini(&p);
	/* The root is at kernel 0, which therefore cannot be exchanged. */
	struct checker_result r;
	planted_init(&p, &capability_tree);
	p.model.symmetric_from = 0;
	assert_int_equal(checker_run(&p.protocol, NULL, &r), -EINVAL);
	assert_non_null(strstr(r.why, "symmetry"));
	planted_fini(&p);
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

static void test_msi_faults_are_found(void **state)
{
	(void)state;
	struct planted p;
	const struct checker_options own = {0};
	/* A reader acknowledges the invalidation and keeps the page. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "S", "INV")->next = (uint8_t)planted_state(&p, MSI_LINE, "S");
	finds(&p.protocol, own, "I3: at rest, a cluster holds a page that the directory does not know of", 3);
	planted_fini(&p);
	/* The invalidation that crosses an eviction was forgotten. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "SI_A", "INV")->kind = STEP_NEVER;
	finds(&p.protocol, own, "reaches a NEVER cell: INV for line", 7);
	planted_fini(&p);
	/* A writer does not wait for the readers. */
	planted_init(&p, &memory_msi);
	planted_replace(&p, MSI_DIR, "SHARED", "GETM", "U", "GETM", "OWNED");
	finds(&p.protocol, own, "I3: at rest, the directory knows of a holder that has no page", 2);
	planted_fini(&p);
	/* A reader is given the home's copy while another has written. */
	planted_init(&p, &memory_msi);
	planted_replace(&p, MSI_DIR, "OWNED", "GETS", "SHARED", "GETS", "SHARED");
	finds(&p.protocol, own, "I1: a page is modified in one cluster and readable in another", 4);
	planted_fini(&p);
	/* The writer answers twice: with its eviction and with a write-back. */
	planted_init(&p, &memory_msi);
	planted_replace(&p, MSI_LINE, "MI_A", "FETCH_INV", "M", "FETCH_INV", "MI_A");
	finds(&p.protocol, own, "reaches a NEVER cell: WB for dir", 8);
	planted_fini(&p);
	/* An eviction never returns. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "MI_A", "PUT_ACK")->action = nothing;
	finds(&p.protocol, own, "deadlock: the client of kernel 0 waits for C_EVICT for ever", 2);
	planted_fini(&p);
	/* The home stays busy. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_DIR, "WRITING", "WB")->next = (uint8_t)planted_state(&p, MSI_DIR, "WRITING");
	finds(&p.protocol, own, "deadlock: dir 0.0 stays in WRITING for ever", 4);
	planted_fini(&p);
	/* A refusal was forgotten; it comes only where there is little room to wait. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "IS_D", "NACK")->kind = STEP_NEVER;
	finds(&p.protocol, (struct checker_options){.parks = 1}, "reaches a NEVER cell: NACK for line", 7);
	planted_fini(&p);
	/* A cell sends what it does not declare. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_DIR, "U", "GETM")->sends = 0;
	finds(&p.protocol, own, "sends more than its cell declares", 4);
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
	const struct checker_options own = {0};
	tree = &p;
	/* The donor forgets the child. */
	planted_init(&p, &capability_tree);
	planted_cell(&p, CAPABILITY_CAP, "LIVE", "OBTAIN")->action = grant_without_a_child;
	finds(&p.protocol, own, "I2: a usable capability is unknown to its parent", 2);
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
	finds(&p.protocol, own, "I1: the revoke has returned", 10);
	planted_fini(&p);
	/* A revoke does not reach a delegation in flight. */
	planted_init(&p, &capability_tree);
	planted_cell(&p, CAPABILITY_OP, "LENDING", "REVOKE")->next = (uint8_t)planted_state(&p, CAPABILITY_OP, "LENDING");
	finds(&p.protocol, own, "waits for C_REVOKE for ever", 13);
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
	o = (struct checker_options){.memory_max = 1 << 20};
	r = run(&memory_msi, &o);
	assert_int_equal(r.end, CHECKER_BOUNDED);
	assert_string_equal(r.bound, "memory");
	assert_true(r.bytes <= 1 << 20 && r.bytes > 3 << 18);
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
	} row[] = {{{.kernels = 6}, "at most 5 kernels"},
		   {{.clients = 3}, "at most 2 clients"},
		   {{.slots = {0, 17, 0}}, "16 slots"},
		   {{.kernels = 5, .slots = {0, 16, 16}}, "too many slots"}};
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_known_bad_protocol_is_found),
		cmocka_unit_test(test_msi_closes),
		cmocka_unit_test(test_tree_closes),
		cmocka_unit_test(test_every_cell_of_msi_is_visited),
		cmocka_unit_test(test_every_cell_of_tree_is_visited),
		cmocka_unit_test(test_the_orbits_hold_exactly_the_states_without_symmetry),
		cmocka_unit_test(test_a_model_that_is_not_symmetric_shows),
		cmocka_unit_test(test_msi_faults_are_found),
		cmocka_unit_test(test_tree_faults_are_found),
		cmocka_unit_test(test_limits_end_a_search_gracefully),
		cmocka_unit_test(test_what_does_not_fit_is_refused),
		cmocka_unit_test(test_two_runs_are_alike),
		cmocka_unit_test(test_tree_closes_with_overlapping_revokes_of_three_kernels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
