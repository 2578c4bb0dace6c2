/* tests/model/test_model.c - the model itself, on graphs made by hand, and whether the comparison sees what it should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>
#include "tests/model/gen.h"
#include "tests/model/shrink.h"

/* ---- the graph ---- */

struct graph {
	struct m_model *m;
	struct m_object *cnode;
	struct m_slot *slot;
};

static int graph_new(void **state)
{
	static struct graph g;

	g.m = m_model_new();
	g.cnode = m_object_new(g.m, M_CNODE, 0x10000, 4);
	g.slot = g.cnode->slot;
	g.m->current = g.m->idle = m_object_new(g.m, M_THREAD, 0x20000, 11);
	g.m->current->t->state = M_IDLE;
	m_node_root(g.m, &g.slot[0], (struct m_cap){.kind = M_UNTYPED, .base = 0x100000, .bits = 20});
	*state = &g;
	return 0;
}

static int graph_free(void **state)
{
	m_model_free(((struct graph *)*state)->m);
	return 0;
}

static struct m_cap endpoint(struct graph *g, m_word badge)
{
	struct m_cap cap = {.kind = M_ENDPOINT, .rights = 15, .badge = badge};

	cap.object =
		g->slot[1].node ? g->slot[1].node->cap.object : m_object_new(g->m, M_ENDPOINT, 0x100000, 4);
	return cap;
}

static void test_copy_of_an_original_is_its_child_and_a_copy_of_a_copy_a_sibling(void **state)
{
	struct graph *g = *state;
	struct m_node *original = m_node_retyped(g->m, &g->slot[0], &g->slot[1], endpoint(g, 0));
	struct m_node *copy = m_node_derived(g->m, &g->slot[1], &g->slot[2], endpoint(g, 0));
	struct m_node *second = m_node_derived(g->m, &g->slot[2], &g->slot[3], endpoint(g, 0));

	assert_ptr_equal(original->parent, g->slot[0].node);
	assert_ptr_equal(copy->parent, original);
	assert_ptr_equal(second->parent, original);
	assert_ptr_equal(copy->next, second);
	assert_true(original->original && !copy->original && !second->original);
}

static void test_badge_makes_an_original(void **state)
{
	struct graph *g = *state;
	struct m_node *badged, *copy;

	m_node_retyped(g->m, &g->slot[0], &g->slot[1], endpoint(g, 0));
	badged = m_node_derived(g->m, &g->slot[1], &g->slot[2], endpoint(g, 7));
	copy = m_node_derived(g->m, &g->slot[2], &g->slot[3], endpoint(g, 7));
	assert_true(badged->original);
	assert_ptr_equal(copy->parent, badged);
}

static void test_children_of_a_deleted_capability_go_to_its_parent(void **state)
{
	struct graph *g = *state;
	struct m_node *original = m_node_retyped(g->m, &g->slot[0], &g->slot[1], endpoint(g, 0)), *copy;

	m_node_derived(g->m, &g->slot[1], &g->slot[2], endpoint(g, 7));
	copy = m_node_derived(g->m, &g->slot[2], &g->slot[3], endpoint(g, 7));
	assert_int_equal(m_delete(g->m, &g->slot[2], true), M_OK);
	assert_ptr_equal(copy->parent, original);
	assert_null(g->slot[2].node);
	assert_true(original->cap.object->alive);
}

static void test_revoke_takes_what_was_derived_and_leaves_the_rest(void **state)
{
	struct graph *g = *state;

	m_node_retyped(g->m, &g->slot[0], &g->slot[1], endpoint(g, 0));
	m_node_derived(g->m, &g->slot[1], &g->slot[2], endpoint(g, 7));
	m_node_derived(g->m, &g->slot[2], &g->slot[3], endpoint(g, 7));
	m_node_derived(g->m, &g->slot[1], &g->slot[4], endpoint(g, 8));
	assert_int_equal(m_revoke(g->m, &g->slot[2]), M_OK);
	assert_non_null(g->slot[2].node);
	assert_null(g->slot[3].node);
	assert_non_null(g->slot[4].node);
	assert_int_equal(m_revoke(g->m, &g->slot[0]), M_OK);
	assert_null(g->slot[1].node);
	assert_null(g->slot[4].node);
	assert_non_null(g->slot[0].node);
}

static void test_object_lives_until_its_last_capability_goes(void **state)
{
	struct graph *g = *state;
	struct m_object *object = m_node_retyped(g->m, &g->slot[0], &g->slot[1], endpoint(g, 0))->cap.object;

	m_node_derived(g->m, &g->slot[1], &g->slot[2], endpoint(g, 0));
	m_delete(g->m, &g->slot[1], true);
	assert_true(object->alive);
	m_delete(g->m, &g->slot[2], true);
	assert_false(object->alive);
}

static void test_queue_is_by_priority_and_first_come_among_equals(void **state)
{
	struct graph *g = *state;
	struct m_object *queue = m_object_new(g->m, M_ENDPOINT, 0x30000, 4), *thread[4];
	static const unsigned priority[4] = {5, 9, 5, 9}, order[4] = {1, 3, 0, 2};

	for (unsigned i = 0; i < 4; i++) {
		thread[i] = m_object_new(g->m, M_THREAD, 0x40000 + i * 0x1000, 11);
		thread[i]->t->priority = priority[i];
		m_wait_insert(g->m, queue, thread[i]);
	}
	for (unsigned i = 0; i < 4; i++)
		assert_ptr_equal(queue->queue.item[i], thread[order[i]]);
}

static void test_lookup_checks_the_guard_before_the_depth(void **state)
{
	struct graph *g = *state;
	struct m_cap root = {.kind = M_CNODE, .object = g->cnode, .bits = 4, .guard_bits = 8, .badge = 0xab};
	struct m_slot *slot;
	unsigned left;

	assert_true(m_resolve(g->m, root, 0xab3, 12, &slot, &left));
	assert_ptr_equal(slot, &g->slot[3]);
	assert_int_equal(left, 0);
	assert_false(m_resolve(g->m, root, 0xac3, 12, &slot, &left));
	assert_int_equal(g->m->lookup.type, 4);
	assert_false(m_resolve(g->m, root, 0x55, 10, &slot, &left));
	assert_int_equal(g->m->lookup.type, 4);
	assert_false(m_resolve(g->m, root, 0xab << 2, 10, &slot, &left));
	assert_int_equal(g->m->lookup.type, 3);
}

/* ---- the comparison: each kind of damage to the kernel is seen ---- */

/* In which the root thread runs. */
static struct pair *world_after(uint64_t seed, unsigned steps)
{
	struct pair *pair = pair_new(&pair_small);
	struct gen gen;
	struct op op;

	gen_init(&gen, pair, seed);
	for (unsigned i = 0; i < steps && gen_next(&gen, &op); i++)
		assert_null(pair_step(pair, &op));
	assert_null(pair_compare_all(pair));
	if (pair->model->current != pair->model->object[1]) {
		pair_free(pair);
		return world_after(seed + 1, steps);
	}
	return pair;
}

static struct m_slot *slot_of(struct pair *pair, enum m_kind kind)
{
	struct m_object *cnode = pair->model->object[0];

	for (unsigned i = 0; i < cnode->slots; i++)
		if (m_slot_cap(&cnode->slot[i]).kind == kind)
			return &cnode->slot[i];
	fail_msg("the world has no capability of kind %d", (int)kind);
	return NULL;
}

static void must_see(struct pair *pair, const char *word)
{
	const char *why = pair_compare(pair, true);

	assert_non_null(why);
	if (!strstr(why, word))
		fail_msg("seen as: %s", why);
}

enum { OPENED = 20 };

static void test_capability_that_no_grant_explains_is_seen(void **state)
{
	struct pair *pair = world_after(3, OPENED);
	struct m_slot *empty = slot_of(pair, M_NULL);

	(void)state;
	pair_slot(pair, empty)->cap = pair_slot(pair, slot_of(pair, M_ENDPOINT))->cap;
	must_see(pair, "capability");
	pair_free(pair);
}

static void test_right_or_badge_too_many_is_seen(void **state)
{
	struct pair *pair = world_after(3, OPENED);
	struct km_slot *slot = pair_slot(pair, slot_of(pair, M_ENDPOINT));

	(void)state;
	slot->cap.rights ^= KM_GRANT;
	must_see(pair, "capability");
	slot->cap.rights ^= KM_GRANT;
	slot->cap.word ^= 4;
	must_see(pair, "capability");
	slot->cap.word ^= 4;
	slot->revocable ^= 1;
	must_see(pair, "tree");
	pair_free(pair);
}

static void test_thread_and_queue_out_of_place_is_seen(void **state)
{
	struct pair *pair = world_after(3, OPENED);
	struct km_tcb *tcb = pair->core->current;

	(void)state;
	tcb->priority ^= 1;
	must_see(pair, "priority");
	tcb->priority ^= 1;
	tcb->context.reg[KM_R9]++;
	must_see(pair, "MR2");
	tcb->context.reg[KM_R9]--;
	tcb->state = KM_RESTART;
	must_see(pair, "state");
	tcb->state = KM_RUNNING;
	pair->core->current = pair->core->idle;
	must_see(pair, "current");
	pair->core->current = tcb;
	pair->core->ready[0].queue[7].head = km_ref_of(pair->kernel, tcb);
	must_see(pair, "ready");
	pair_free(pair);
}

static void test_object_and_memory_damage_is_seen(void **state)
{
	struct pair *pair = world_after(3, OPENED);
	struct m_object *notification = slot_of(pair, M_NOTIFICATION)->node->cap.object;
	struct m_object *reply = slot_of(pair, M_REPLY)->node->cap.object;
	struct km_notification *ntfn = KM_NTFN(pair->kernel, (km_ref)(notification->at >> KM_GRANULE_BITS));
	km_word *buffer = km_ipc_buffer(pair->kernel, KM_TCB(pair->kernel, pair->kernel->root_tcb), 1);

	(void)state;
	ntfn->bound_tcb ^= 4;
	must_see(pair, "bound");
	ntfn->bound_tcb ^= 4;
	KM_REPLY_AT(pair->kernel, (km_ref)(reply->at >> KM_GRANULE_BITS))->tcb = 8;
	must_see(pair, "thread");
	KM_REPLY_AT(pair->kernel, (km_ref)(reply->at >> KM_GRANULE_BITS))->tcb = 0;
	assert_non_null(buffer);
	buffer[100] ^= 1;
	must_see(pair, "memory");
	pair_free(pair);
}

static void test_world_is_the_same_again(void **state)
{
	struct op ops[400];
	struct pair *pair = pair_new(&pair_small);
	struct gen gen;
	unsigned count = 0, failed_at;

	(void)state;
	gen_init(&gen, pair, 11);
	while (count < 400 && gen_next(&gen, &ops[count]))
		assert_null(pair_step(pair, &ops[count++]));
	pair_free(pair);
	assert_null(shrink_replay(ops, count, &failed_at));
	assert_int_equal(failed_at, count);
	/* What can be left out may be: any part of it is a program. */
	assert_null(shrink_replay(ops + count / 3, count / 3, &failed_at));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_copy_of_an_original_is_its_child_and_a_copy_of_a_copy_a_sibling, graph_new,
			graph_free),
		cmocka_unit_test_setup_teardown(test_badge_makes_an_original, graph_new, graph_free),
		cmocka_unit_test_setup_teardown(test_children_of_a_deleted_capability_go_to_its_parent,
						graph_new, graph_free),
		cmocka_unit_test_setup_teardown(test_revoke_takes_what_was_derived_and_leaves_the_rest,
						graph_new, graph_free),
		cmocka_unit_test_setup_teardown(test_object_lives_until_its_last_capability_goes, graph_new,
						graph_free),
		cmocka_unit_test_setup_teardown(test_queue_is_by_priority_and_first_come_among_equals,
						graph_new, graph_free),
		cmocka_unit_test_setup_teardown(test_lookup_checks_the_guard_before_the_depth, graph_new,
						graph_free),
		cmocka_unit_test(test_capability_that_no_grant_explains_is_seen),
		cmocka_unit_test(test_right_or_badge_too_many_is_seen),
		cmocka_unit_test(test_thread_and_queue_out_of_place_is_seen),
		cmocka_unit_test(test_object_and_memory_damage_is_seen),
		cmocka_unit_test(test_world_is_the_same_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
