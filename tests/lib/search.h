/* tests/lib/search.h - searches of the checker, as tests make them. */
#ifndef SKERRY_TESTS_SEARCH_H
#define SKERRY_TESTS_SEARCH_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "ssi/checker/checker.h"
#include "ssi/checker/script.h"

/* The caller passes it to checker_result_fini(). */
static inline struct checker_result run(const struct step_protocol *p, const struct checker_options *o)
{
	struct checker_result r;
	int rc = checker_run(p, o, &r);
	if (rc)
		fail_msg("%s: error %d: %s", p->name, rc, r.why);
	return r;
}

/* The same states were found in the same order, and the same counter-example, step by step. */
static inline void assert_same_search(const struct checker_result *a, const struct checker_result *b)
{
	assert_int_equal(a->end, b->end);
	assert_int_equal(a->states, b->states);
	assert_int_equal(a->transitions, b->transitions);
	assert_int_equal(a->depth, b->depth);
	assert_int_equal(a->fingerprint, b->fingerprint);
	assert_int_equal(a->states_unreduced, b->states_unreduced);
	assert_int_equal(a->cells_visited, b->cells_visited);
	assert_string_equal(a->why, b->why);
	assert_int_equal(a->counterexample_steps, b->counterexample_steps);
	assert_int_equal(!a->script, !b->script);
	for (uint32_t i = 0; a->script && i < a->script->steps; i++)
		assert_true(script_same_step(&a->script->step[i], &b->script->step[i]));
}

#endif
