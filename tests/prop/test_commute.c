/* tests/prop/test_commute.c - what the search counts and does not make changes nothing: steps that commute, and steps of kernels
 * that are like each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/checker/checker.h"
#include "ssi/checker/script.h"
#include "ssi/protocols/protocols.h"
#include "tests/lib/german.h"
#include "tests/lib/search.h"
#include "tests/prop/planted.h"

/* ---- throwers: kernels 1, 2 ... throw each other balls, so who is like whom is a matter of pairs ---- */

enum { THROWER = 1 };
#define THROWER_FIELDS(REF, LIST, NODE, WORD, DATA) REF(target) REF(client) WORD(caught)
#define THROWER_EVENTS(E)                                                                                    \
	E(BALL, REQUEST, NONE)                                                                               \
	E(BACK, REPLY, NONE) E(T_COME, CALL, NONE) E(T_THROW, CALL, NODE) E(T_COUNT, CALL, NONE)
#define THROWER_STATES(X) X(AWAY) X(READY) X(EMPTY) X(DONE)
STEP_LAYOUT(thrower, THROWER_FIELDS);
STEP_EVENTS(THROWER_EVENTS);
STEP_STATES(thrower, THROWER_STATES, THROWER_FULL);

static void throw_ball(struct step_node *n, struct thrower *self, const struct step_msg *m)
{
	self->target = STEP_REF(m->word, THROWER, 0);
	step_tell(n, self->target, BALL);
}
ACTION(thrower, throw)
{
	throw_ball(n, self, m);
	step_complete(n, m->from, 0, STEP_NOBODY);
}
ACTION(thrower, throw_and_wait)
{
	throw_ball(n, self, m);
	self->client = m->from;
}
ACTION(thrower, waited)
{
	step_complete(n, self->client, 0, STEP_NOBODY);
	self->client = STEP_NOBODY;
}
ACTION(thrower, catch)
{
	self->caught++;
	step_tell(n, m->from, BACK);
}
ACTION(thrower, count) { step_complete(n, m->from, self->caught, STEP_NOBODY); }

static const struct step_cell thrower_table[THROWER_FULL + 1][EVENT_COUNT] = {
	STEP(AWAY, T_COME, READY, nothing, 0), STEP(READY, T_THROW, EMPTY, throw, 1),
	STEP(READY, BALL, READY, catch, 1),    STEP(EMPTY, BALL, EMPTY, catch, 1),
	STEP(DONE, BALL, DONE, catch, 1),      STEP(EMPTY, BACK, DONE, nothing, 0),
	STEP(DONE, T_COUNT, READY, count, 0),
};
/* Here the call is open until the ball has been caught. */
static const struct step_cell patient_table[THROWER_FULL + 1][EVENT_COUNT] = {
	STEP(AWAY, T_COME, READY, nothing, 0), STEP(READY, T_THROW, EMPTY, throw_and_wait, 1),
	STEP(READY, BALL, READY, catch, 1),    STEP(EMPTY, BALL, EMPTY, catch, 1),
	STEP(DONE, BALL, DONE, catch, 1),      STEP(EMPTY, BACK, DONE, waited, 0),
};
static void throwers_begin(const struct step_world *w)
{
	for (uint32_t a = 0; a < w->nodes; a++)
		step_raise(&w->node[a], STEP_ANY(a, THROWER), T_COME);
}
static unsigned state_of(const struct step_world *w, uint32_t a)
{
	return ((const struct step_head *)step_at(&w->node[a], THROWER, 0))->state;
}
/* Each throws once; kernel 0 only counts what it caught. */
static uint32_t throwers_calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	const step_ref to = STEP_REF(node, THROWER, 0);
	uint32_t count = 0;
	for (uint32_t b = 0; b < w->nodes && node && state_of(w, node) == READY && count < max; b++)
		if (b != node && b)
			out[count++] = (struct step_msg){.event = T_THROW, .to = to, .word = b};
	return count;
}
static const char *throwers_completed(const struct step_world *w, uint32_t node, uint32_t result,
				      step_ref arg)
{
	(void)w, (void)node, (void)result, (void)arg;
	return NULL;
}
/* Who came last. */
static const char *patient_completed(const struct step_world *w, uint32_t node, uint32_t result, step_ref arg)
{
	(void)result, (void)arg;
	w->ghost[0] = (uint8_t)node;
	return NULL;
}
static const char *three_are_done(const struct step_world *w)
{
	uint32_t done = 0;
	for (uint32_t a = 1; a < w->nodes; a++)
		done += state_of(w, a) == DONE;
	return done < 3 ? NULL : "three are done";
}
#define THROWERS(name_, table_, completed_, by_class_, always_)                                              \
	static const struct step_model name_##_model = {.nodes = 5,                                          \
							.slots = {0, 1},                                     \
							.flight = 2,                                         \
							.symmetric_from = 1,                                 \
							.calls_are_local = true,                             \
							.channels_by_class = by_class_,                      \
							.begin = throwers_begin,                             \
							.calls = throwers_calls,                             \
							.completed = completed_,                             \
							.always = always_};                                  \
	static const struct step_protocol name_ = {                                                          \
		.name = #name_,                                                                              \
		.event = step_events,                                                                        \
		.events = EVENT_COUNT,                                                                       \
		.machines = 2,                                                                               \
		.machine = {[THROWER] = STEP_MACHINE(thrower, table_, THROWER_FULL,                          \
						     .rest = 1u << AWAY | 1u << READY | 1u << EMPTY |        \
							     1u << DONE)},                                   \
		.model = &name_##_model}
THROWERS(throwers, thrower_table, throwers_completed, false, NULL);
THROWERS(watched, thrower_table, throwers_completed, false, three_are_done);
THROWERS(patient, patient_table, patient_completed, false, NULL);
THROWERS(twofold, thrower_table, throwers_completed, true, NULL);

static void test_pairs_are_not_taken_for_each_other(void **state)
{
	(void)state;
	struct checker_options o = {.audit = true};
	struct checker_result r = run(&throwers, &o);
	o.no_symmetry = true;
	struct checker_result plain = run(&throwers, &o);
	assert_int_equal(r.end, CHECKER_CLOSED);
	assert_int_equal(plain.end, CHECKER_CLOSED);
	assert_int_equal(plain.classes, r.states);
	assert_int_equal(r.states_unreduced, plain.states);
	assert_int_equal(r.transitions_unreduced, plain.transitions);
	assert_true(r.states * 10 < plain.states);
	checker_result_fini(&r);
	checker_result_fini(&plain);
}

/* ---- steps that are left out ---- */

#define SOME_OR_NONE UINT64_MAX
/* least: steps that are left out at least; 0: none is. */
static void is_like_all(const struct step_protocol *p, struct checker_options o, uint64_t least)
{
	o.no_quiescence = true;
	struct checker_result few = run(p, &o);
	o.make_all = true;
	struct checker_result all = run(p, &o);
	assert_same_search(&few, &all);
	assert_int_equal(all.left_out, 0);
	assert_true(least == SOME_OR_NONE || (least ? few.left_out >= least : !few.left_out));
	checker_result_fini(&few);
	checker_result_fini(&all);
}

static void test_steps_that_commute_need_not_be_made(void **state)
{
	(void)state;
	for (uint32_t threads = 1; threads <= 3; threads += 2) {
		is_like_all(&german, (struct checker_options){.threads = threads}, 10000);
		is_like_all(&german, (struct checker_options){.threads = threads, .no_symmetry = true},
			    100000);
		is_like_all(&memory_msi, (struct checker_options){.threads = threads}, 1000);
	}
	is_like_all(&memory_msi, (struct checker_options){.no_symmetry = true}, 1000);
	is_like_all(&throwers, (struct checker_options){.no_symmetry = true}, 10000);
	is_like_all(&throwers, (struct checker_options){.kernels = 6}, 1000);
	is_like_all(&twofold, (struct checker_options){.no_symmetry = true}, 1000);
	is_like_all(&twofold, (struct checker_options){.kernels = 6}, 1000);
	is_like_all(&patient, (struct checker_options){.no_symmetry = true}, 100);
	is_like_all(&german, (struct checker_options){.states_max = 5000}, 1000);
}

/* Where steps of different kernels do not commute, or nobody can say. */
static void test_all_steps_are_made_where_they_may_not_commute(void **state)
{
	(void)state;
	is_like_all(&capability_tree, (struct checker_options){.capabilities = 2}, 0);
	is_like_all(&german, (struct checker_options){.reorder = true}, 0);
	is_like_all(&memory_msi, (struct checker_options){.lossy = true}, 0);
	is_like_all(&memory_msi, (struct checker_options){.crash = 1, .kernels = 2}, 0);
	struct checker_result r = run(&german, &(struct checker_options){0});
	assert_int_equal(r.left_out, 0); /* quiescence is judged by all edges */
	checker_result_fini(&r);
}

/* As many steps are left out as there are, so the same counter-examples are found, step by step. */
static void test_the_same_faults_are_found(void **state)
{
	(void)state;
	struct planted p;
	struct checker_options o = {.no_quiescence = true, .no_symmetry = true};
	struct checker_result r = run(&watched, &o);
	assert_int_equal(r.end, CHECKER_VIOLATED);
	assert_string_equal(r.why, "three are done");
	assert_int_equal(r.counterexample_steps, 9);
	assert_true(r.left_out > 0);
	checker_result_fini(&r);
	is_like_all(&watched, (struct checker_options){.no_symmetry = true}, 100);
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "SI_A", "INV")->kind = STEP_NEVER;
	is_like_all(&p.protocol, (struct checker_options){.no_symmetry = true}, SOME_OR_NONE);
	planted_fini(&p);
	planted_init(&p, &memory_msi);
	planted_replace(&p, MSI_LINE, "MI_A", "FETCH_INV", "M", "FETCH_INV", "MI_A");
	is_like_all(&p.protocol, (struct checker_options){.no_symmetry = true}, SOME_OR_NONE);
	planted_fini(&p);
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_DIR, "WRITING", "WB")->next = (uint8_t)planted_state(&p, MSI_DIR, "WRITING");
	is_like_all(&p.protocol, (struct checker_options){.no_symmetry = true}, SOME_OR_NONE);
	planted_fini(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs_are_not_taken_for_each_other),
		cmocka_unit_test(test_steps_that_commute_need_not_be_made),
		cmocka_unit_test(test_all_steps_are_made_where_they_may_not_commute),
		cmocka_unit_test(test_the_same_faults_are_found),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
