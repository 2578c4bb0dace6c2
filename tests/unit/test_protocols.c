/* tests/unit/test_protocols.c - the protocols' tables: they are well formed, they are as large as they are said to be,
 * and their operations cost exactly the messages that their papers and headers promise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/protocols/protocols.h"
#include "tests/lib/capability_bed.h"

/* ---- tables ---- */

static void test_every_protocol_is_well_formed_and_can_be_found(void **state)
{
	(void)state;
	for (uint32_t i = 0; protocols[i]; i++) {
		const struct step_protocol *p = protocols[i];
		const char *why = step_protocol_check(p);
		if (why)
			fail_msg("%s: %s", p->name, why);
		assert_ptr_equal(protocol_find(p->name), p);
		assert_true(strchr(p->name, '/') && p->about[0] && p->assumes[0] && p->invariants[0] &&
			    p->model);
		for (unsigned m = 1; m < p->machines; m++) {
			const struct step_machine *d = &p->machine[m];
			assert_true(d->rest & 1); /* a free slot is at rest */
			assert_true(d->usable < 1u << d->states && d->rest < 1u << d->states);
			assert_true(d->size % 8 == 0);
		}
	}
	assert_null(protocol_find("memory/none"));
	assert_null(protocol_find(""));
}

static uint32_t cells_of(const struct step_protocol *p, unsigned machine, enum step_cell_kind kind)
{
	uint32_t count = 0;
	for (unsigned s = 0; s <= p->machine[machine].states; s++)
		for (unsigned e = 0; e < p->events; e++)
			count += step_cell_at(p, machine, s, e)->kind == kind;
	return count;
}

/* Whoever adds or takes away a cell says so here. */
static void test_tables_have_the_cells_that_they_are_known_to_have(void **state)
{
	static const struct {
		const struct step_protocol *p;
		unsigned machine;
		uint32_t go, stall;
	} known[] = {{&capability_tree, CAPABILITY_CAP, 154, 0},
		     {&capability_tree, CAPABILITY_OP, 39, 0},
		     {&memory_msi, MSI_DIR, 27, 15},
		     {&memory_msi, MSI_LINE, 30, 15},
		     {&file_posix, POSIX_CALL, 44, 0},
		     {&file_posix, POSIX_SERVE, 24, 0},
		     {&capability_acks, 1, 7, 0},
		     {&capability_acks, 2, 6, 0}};
	(void)state;
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		const uint32_t go = cells_of(known[i].p, known[i].machine, STEP_GO);
		const uint32_t stall = cells_of(known[i].p, known[i].machine, STEP_STALL);
		if (go != known[i].go || stall != known[i].stall)
			fail_msg("%s %s: %u cells that go, %u that stall", known[i].p->name,
				 known[i].p->machine[known[i].machine].name, go, stall);
	}
}

/* Every event of a protocol is expected somewhere, and every state but the first is entered from somewhere. */
static void test_no_event_and_no_state_is_idle(void **state)
{
	(void)state;
	for (uint32_t i = 0; protocols[i]; i++) {
		const struct step_protocol *p = protocols[i];
		uint32_t entered[STEP_MACHINES_MAX] = {0};
		for (unsigned e = E_PROTOCOL; e < p->events; e++) {
			uint32_t uses = 0;
			for (unsigned m = 1; m < p->machines; m++)
				for (unsigned s = 0; s <= p->machine[m].states; s++)
					uses += step_cell_at(p, m, s, e)->kind != STEP_NEVER;
			/* The known-bad twin serves the calls of its story only. */
			if (!uses && !(p == &capability_acks && p->event[e].klass == STEP_CALL))
				fail_msg("%s: %s is expected nowhere", p->name, p->event[e].name);
		}
		for (unsigned m = 1; m < p->machines; m++) {
			for (unsigned s = 0; s < p->machine[m].states; s++)
				for (unsigned e = 0; e < p->events; e++) {
					const struct step_cell *c = step_cell_at(p, m, s, e);
					entered[m] |= c->kind == STEP_GO && c->next != s ? 1u << c->next : 0;
				}
			assert_int_equal(entered[m], (1u << p->machine[m].states) - 1);
		}
	}
}

/* ---- nodes, driven by hand ---- */

/* ---- capability/tree ---- */

static void test_what_capabilities_cost_across_kernels(void **state)
{
	struct bed *b = bed_new(&capability_tree);
	(void)state;
	assert_int_equal(good(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 0), 0);
	const step_ref root = b->result;
	assert_int_equal(good(b, 1, CAPABILITY_OBTAIN, root, 0), 2);
	const step_ref child = b->result;
	assert_int_equal(child.node, 1);
	assert_int_equal(good(b, 1, CAPABILITY_DELEGATE, child, 2), 3);
	const step_ref grandchild = b->result;
	assert_int_equal(grandchild.node, 2);
	assert_int_equal(good(b, 2, CAPABILITY_DELETE, grandchild, 0), 2);
	assert_null(step_lookup(&b->node[2], grandchild));
	assert_int_equal(good(b, 1, CAPABILITY_DELETE, child, 0), 2);
	/* on one kernel: nothing */
	assert_int_equal(good(b, 0, CAPABILITY_OBTAIN, root, 0), 0);
	assert_int_equal(good(b, 0, CAPABILITY_DELEGATE, b->result, 0), 0);
	assert_int_equal(good(b, 0, CAPABILITY_DELETE, b->result, 0), 0);
	bed_free(b);
}

static void test_copies_mints_and_retypes_cost_nothing_and_a_move_three(void **state)
{
	struct bed *b = bed_new(&capability_tree);
	(void)state;
	good(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 3);
	const step_ref root = b->result;
	assert_int_equal(good(b, 0, CAPABILITY_COPY, root, 0), 0);
	assert_int_equal(good(b, 0, CAPABILITY_MINT, b->result, 1 | 7 << CAPABILITY_BADGE_SHIFT), 0);
	const step_ref minted = b->result;
	assert_int_equal(good(b, 0, CAPABILITY_RETYPE, root, 5), 0);
	assert_int_equal(good(b, 0, CAPABILITY_MOVE, minted, 3), 3);
	const step_ref moved = b->result;
	assert_int_equal(moved.node, 3);
	assert_int_equal(good(b, 3, CAPABILITY_QUERY, moved, 0), 0);
	assert_true(step_same(b->result, root));
	assert_int_equal(good(b, 3, CAPABILITY_USE, moved, 1), 0);
	assert_int_equal(bad(b, 3, CAPABILITY_USE, moved, 2), 0);  /* the mint took that right away */
	assert_int_equal(bad(b, 0, CAPABILITY_USE, minted, 1), 0); /* it is no longer here */
	assert_int_equal(good(b, 0, CAPABILITY_REVOKE, root, 0), 2);
	assert_int_equal(bad(b, 3, CAPABILITY_USE, moved, 1), 0);
	bed_free(b);
}

static void test_a_revoke_costs_two_messages_for_each_remote_edge(void **state)
{
	struct bed *b = bed_new(&capability_tree);
	(void)state;
	good(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 0);
	const step_ref root = b->result;
	step_ref usable[12];
	uint32_t caps = 0, remote = 0;
	for (uint32_t i = 0; i < BED_NODES;
	     i++) { /* children, and a child of each on the next kernel and on its own */
		good(b, i, CAPABILITY_OBTAIN, root, 0);
		const step_ref child = usable[caps++] = b->result;
		remote += i != 0;
		if (i % 2)
			continue;
		good(b, (i + 1) % BED_NODES, CAPABILITY_OBTAIN, child, 0);
		usable[caps++] = b->result;
		remote++;
		good(b, i, CAPABILITY_OBTAIN, child, 0);
		usable[caps++] = b->result;
	}
	assert_int_equal(good(b, 0, CAPABILITY_REVOKE, root, 0), 2 * remote);
	for (uint32_t i = 0; i < caps; i++)
		assert_null(step_lookup(&b->node[usable[i].node], usable[i]));
	assert_non_null(step_lookup(&b->node[0], root)); /* what is revoked stays itself */
	assert_int_equal(good(b, 0, CAPABILITY_REVOKE, root, 0), 0);
	bed_free(b);
}

/* ---- memory/msi ---- */

static const step_ref page = {.node = 0, .machine = MSI_DIR, .index = 1000};

/* Messages of a call that ends well. */
static uint32_t call(struct bed *b, step_ref to, unsigned event, step_ref arg)
{
	const uint32_t messages = bed_call(b, to, event, arg, 0);
	assert_int_equal(b->code, 0);
	return messages;
}
static uint32_t use(struct bed *b, uint32_t node, unsigned event)
{
	return call(b, STEP_BY_NAME(node, MSI_LINE), event, page);
}

static void test_what_pages_cost_across_kernels(void **state)
{
	struct bed *b = bed_new(&memory_msi);
	(void)state;
	assert_int_equal(use(b, 1, msi_calls.read), 2); /* nobody had it */
	assert_int_equal(use(b, 1, msi_calls.read), 0); /* a hit */
	assert_int_equal(use(b, 2, msi_calls.read), 2); /* another has it too */
	assert_int_equal(use(b, 3, msi_calls.read), 2);
	assert_int_equal(use(b, 4, msi_calls.write), 2 + 2 * 3);
	assert_int_equal(use(b, 4, msi_calls.write), 0);
	assert_int_equal(use(b, 4, msi_calls.read), 0);
	assert_int_equal(use(b, 1, msi_calls.read), 4);      /* modified elsewhere: fetched */
	assert_int_equal(use(b, 4, msi_calls.write), 2 + 2); /* itself a sharer: only the other one counts */
	assert_int_equal(use(b, 2, msi_calls.write), 4);     /* from owner to owner */
	assert_int_equal(use(b, 2, msi_calls.evict), 2);
	assert_int_equal(use(b, 2, msi_calls.write), 2); /* it came home */
	assert_int_equal(use(b, 0, msi_calls.read), 2);  /* the home itself: to the owner and back */
	assert_int_equal(use(b, 0, msi_calls.write), 2); /* one sharer */
	assert_int_equal(use(b, 0, msi_calls.evict), 0);
	assert_int_equal(use(b, 3, msi_calls.read), 2);
	assert_int_equal(use(b, 3, msi_calls.evict), 2);
	bed_free(b);
}

static void test_a_page_that_is_released_leaves_every_kernel(void **state)
{
	struct bed *b = bed_new(&memory_msi);
	(void)state;
	use(b, 1, msi_calls.read);
	use(b, 2, msi_calls.read);
	assert_int_equal(call(b, STEP_BY_NAME(0, MSI_DIR), msi_calls.release, page), 2 * 2);
	use(b, 3, msi_calls.write);
	assert_int_equal(call(b, STEP_BY_NAME(0, MSI_DIR), msi_calls.release, page), 2);
	assert_int_equal(call(b, STEP_BY_NAME(0, MSI_DIR), msi_calls.release, page), 0);
	for (uint32_t i = 0; i < BED_NODES; i++)
		for (uint32_t k = 0; k < BED_SLOTS; k++)
			assert_false(b->name[i][MSI_LINE][k].machine || b->name[i][MSI_DIR][k].machine);
	bed_free(b);
}

/* ---- file/posix ---- */

static uint32_t file_call(struct bed *b, uint32_t node, unsigned event)
{
	return call(b, STEP_ANY(node, POSIX_CALL), event, STEP_REF(0, STEP_CLIENT, 0));
}

static void test_a_call_that_asks_the_service_costs_two_messages(void **state)
{
	struct bed *b = bed_new(&file_posix);
	const uint8_t asks[] = {posix_calls.open, posix_calls.stat,   posix_calls.list,
				posix_calls.make, posix_calls.remove, posix_calls.send};
	const uint8_t cached[] = {posix_calls.open_cached, posix_calls.stat_cached, posix_calls.access,
				  posix_calls.close};
	(void)state;
	for (size_t i = 0; i < sizeof asks; i++) {
		assert_int_equal(file_call(b, 1, asks[i]), 2);
		assert_int_equal(file_call(b, 0, asks[i]), 0); /* a client beside the service */
	}
	for (size_t i = 0; i < sizeof cached; i++)
		assert_int_equal(file_call(b, 1, cached[i]), 0);
	bed_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_protocol_is_well_formed_and_can_be_found),
		cmocka_unit_test(test_tables_have_the_cells_that_they_are_known_to_have),
		cmocka_unit_test(test_no_event_and_no_state_is_idle),
		cmocka_unit_test(test_what_capabilities_cost_across_kernels),
		cmocka_unit_test(test_copies_mints_and_retypes_cost_nothing_and_a_move_three),
		cmocka_unit_test(test_a_revoke_costs_two_messages_for_each_remote_edge),
		cmocka_unit_test(test_what_pages_cost_across_kernels),
		cmocka_unit_test(test_a_page_that_is_released_leaves_every_kernel),
		cmocka_unit_test(test_a_call_that_asks_the_service_costs_two_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
