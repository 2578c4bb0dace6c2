/* tests/unit/test_flat_thread.c - the host of thread/eager (ssi/flat_thread.c): what it answers to the table's local calls,
 * with a driver of a few lines. A move that is refused leaves everything as it was, and the answer says why. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ssi/flat.h"
#include "ssi/protocols/protocols.h"
#include "tests/prop/planted.h"

enum {
	CLUSTERS = 3,
	CLIENTS = 1,
	GUESTS = 1,
	PLACES = CLIENTS + GUESTS,
	STEPS = 12,
	HANDLES = 3,
	NUMBER = 3
};

/* A client, and what it does, step by step; `after`: computing before each. */
struct one {
	uint32_t number, cluster, client, at, moves;
	struct flat_handle handle[HANDLES], none;
	struct {
		struct flat_call call;
		sim_cycles after;
	} step[STEPS];
	uint32_t steps;
	int error[STEPS];
	uint64_t value[STEPS];
	uint32_t replies;
	bool killed;
};

struct bench {
	struct flat_machine *machine;
	struct one one[CLUSTERS];
	uint32_t who[CLUSTERS][PLACES]; /* + 1 */
	bool answers;                   /* who is called replies at once */
};

static struct one *at(void *context, uint32_t cluster, uint32_t client)
{
	struct bench *b = context;
	assert_true(b->who[cluster][client]);
	return &b->one[b->who[cluster][client] - 1];
}
static bool on_next(void *context, uint32_t cluster, uint32_t client, struct flat_call *call)
{
	struct one *o = at(context, cluster, client);
	const struct bench *b = context;
	if (b->answers && flat_thread_owes(b->machine, cluster, client)) {
		*call = (struct flat_call){.op = FLAT_THREAD_REPLY};
		return true;
	}
	if (o->at == o->steps)
		return false;
	*call = o->step[o->at].call;
	return true;
}
static void on_done(void *context, uint32_t cluster, uint32_t client, const struct flat_call *call,
		    const struct flat_result *result)
{
	struct one *o = at(context, cluster, client);
	if (call->op == FLAT_THREAD_REPLY) {
		o->replies += !result->error;
		return;
	}
	o->value[o->at] = result->value;
	o->error[o->at++] = result->error;
}
static void on_received(void *context, uint32_t cluster, uint32_t client, const struct flat_handle *handle)
{
	at(context, cluster, client)->handle[HANDLES - 1] = *handle;
}
static sim_cycles on_think(void *context, uint32_t cluster, uint32_t client)
{
	const struct one *o = at(context, cluster, client);
	return o->at < o->steps ? o->step[o->at].after : 0;
}
static struct flat_handle *on_held(void *context, uint32_t cluster, uint32_t client, uint32_t number)
{
	return number < HANDLES ? &at(context, cluster, client)->handle[number] : NULL;
}
static void on_moved(void *context, uint32_t from, uint32_t from_client, uint32_t to, uint32_t to_client)
{
	struct bench *b = context;
	struct one *o = at(b, from, from_client);
	b->who[from][from_client] = 0;
	b->who[to][to_client] = o->number + 1;
	o->moves++;
	o->cluster = to, o->client = to_client;
}
static void on_killed(void *context, uint32_t cluster, uint32_t client)
{
	at(context, cluster, client)->killed = true;
}

static struct bench *bench_new(uint32_t guests, uint32_t refuses, const struct step_protocol *capability)
{
	struct bench *b = calloc(1, sizeof *b);
	uint32_t clients[CLUSTERS];
	struct sim_topology topology;
	const char *why;
	assert_non_null(b);
	b->answers = true;
	assert_int_equal(sim_topology_preset(&topology, "seed-1000-cycles", CLUSTERS, &why), 0);
	for (uint32_t i = 0; i < CLUSTERS; i++) {
		clients[i] = CLIENTS + guests;
		b->one[i] = (struct one){.number = i, .cluster = i};
		b->who[i][0] = i + 1;
	}
	const struct flat_config config = {.topology = &topology,
					   .cost = sim_cost_profiles[0],
					   .clients = clients,
					   .cache_pages = 4,
					   .files_max = 8,
					   .pages_max = 8,
					   .opens_max = 8,
					   .capabilities_max = 64,
					   .objects_max = 16,
					   .capability = capability,
					   .thread = &thread_eager,
					   .guests = guests,
					   .holds = HANDLES,
					   .moves = 16,
					   .thread_refuses = refuses,
					   .driver = {.context = b,
						      .next = on_next,
						      .done = on_done,
						      .received = on_received,
						      .think = on_think,
						      .held = on_held,
						      .moved = on_moved,
						      .killed = on_killed}};
	assert_int_equal(flat_new(&b->machine, &config), 0);
	return b;
}
static void bench_free(struct bench *b)
{
	flat_free(b->machine);
	free(b);
}

static void does(struct bench *b, uint32_t who, sim_cycles after, struct flat_call call)
{
	struct one *o = &b->one[who];
	o->step[o->steps].after = after;
	o->step[o->steps++].call = call;
}
static step_ref name_of(const struct bench *b, uint32_t who) { return flat_thread_name(b->machine, who, 0); }
static void makes(struct bench *b, uint32_t who, uint32_t handle)
{
	struct one *o = &b->one[who];
	does(b, who, 0,
	     (struct flat_call){.op = FLAT_CAP_CREATE,
				.handle = &o->none,
				.fresh = &o->handle[handle],
				.kind = FLAT_ENDPOINT,
				.word = 15});
}
static void uses(struct bench *b, uint32_t who, uint32_t handle)
{
	does(b, who, 0,
	     (struct flat_call){.op = FLAT_CAP_USE, .handle = &b->one[who].handle[handle], .word = 1});
}
static void moves(struct bench *b, uint32_t who, uint32_t whom, uint32_t to, sim_cycles after)
{
	does(b, who, after,
	     (struct flat_call){.op = FLAT_THREAD_MOVE, .thread = name_of(b, whom), .cluster = to});
}
static void calls(struct bench *b, uint32_t who, uint32_t whom, sim_cycles after)
{
	does(b, who, after, (struct flat_call){.op = FLAT_THREAD_CALL, .thread = name_of(b, whom)});
}

/* Everything ends, and all that the machine itself checks holds. */
static void run(struct bench *b)
{
	struct flat_check check[FLAT_CHECKS];
	for (uint32_t i = 0; i < CLUSTERS; i++)
		flat_client_start(b->machine, i, 0, 0);
	assert_int_equal(flat_run(b->machine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	flat_check(b->machine, check);
	for (uint32_t i = 0; i < FLAT_CHECKS; i++)
		if (check[i].name && check[i].failures)
			fail_msg("%s: %s", check[i].name, check[i].first);
	for (uint32_t i = 0; i < CLUSTERS; i++)
		assert_true(b->one[i].killed || b->one[i].at == b->one[i].steps);
}
static uint32_t slots_in_use(const struct bench *b)
{
	uint32_t used = 0;
	for (uint32_t i = 0; i < CLUSTERS; i++) {
		const struct step_node *n = flat_node(b->machine, i, NUMBER);
		for (uint32_t s = 0; s < n->pool[THREAD_SLOT].used; s++)
			used += ((const struct step_head *)step_at(n, THREAD_SLOT, s))->state != 0;
	}
	return used;
}

/* Client 0 has two capabilities; client 2 asks for its move to cluster 1, later; then client 0 uses them. */
static void set_out(struct bench *b)
{
	makes(b, 0, 0);
	makes(b, 0, 1);
	does(b, 0, 40000, (struct flat_call){.op = FLAT_CAP_USE, .handle = &b->one[0].handle[0], .word = 1});
	uses(b, 0, 1);
	moves(b, 2, 0, 1, 20000);
}
/* It is where it was, its capabilities have the names that they had, and work. */
static void assert_unchanged(const struct bench *b, uint32_t reason, int error)
{
	assert_int_equal(b->one[2].error[0], error);
	assert_int_equal(b->one[2].value[0], reason);
	assert_int_equal(b->one[0].cluster, 0);
	for (int i = 0; i < 4; i++)
		assert_int_equal(b->one[0].error[i], 0);
	assert_int_equal(slots_in_use(b), 0);
}

static void test_a_move_takes_everything_along(void **state)
{
	struct bench *b = bench_new(GUESTS, 0, NULL);
	(void)state;
	set_out(b);
	run(b);
	assert_int_equal(b->one[2].error[0], 0);
	assert_int_equal(b->one[0].cluster, 1);
	assert_int_equal(b->one[0].client, 1); /* the place for guests */
	for (int i = 0; i < 4; i++)
		assert_int_equal(b->one[0].error[i], 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(b->one[0].handle[i].cap.node, 1);
		assert_false(b->one[0].handle[i].first);
	}
	assert_int_equal(slots_in_use(b), 0);
	bench_free(b);
}

static void test_without_a_place_it_stays(void **state)
{
	struct bench *b = bench_new(0, 0, NULL);
	(void)state;
	set_out(b);
	run(b);
	assert_unchanged(b, THREAD_NO_ROOM, ENOMEM);
	assert_int_equal(b->one[0].moves, 0);
	assert_true(b->one[0].handle[0].first && b->one[0].handle[0].cap.node == 0);
	bench_free(b);
}

static void test_with_a_capability_that_cannot_be_moved_it_stays(void **state)
{
	struct planted p;
	(void)state;
	planted_init(&p, &capability_tree);
	/* Each move finds no room for its call. */
	planted_replace(&p, CAPABILITY_OP, "IDLE", "C_MOVE", "OP_FULL", "C_MOVE", "IDLE");
	struct bench *b = bench_new(GUESTS, 0, &p.protocol);
	set_out(b);
	run(b);
	assert_unchanged(b, THREAD_CAPABILITY, EPERM);
	assert_true(b->one[0].handle[0].first && b->one[0].handle[0].cap.node == 0);
	bench_free(b);
	planted_fini(&p);
}

/* The kernel of cluster 0 refuses the second capability: the first has gone already, and comes back. */
static void test_what_has_gone_comes_back(void **state)
{
	struct bench *b = bench_new(GUESTS, 3, NULL); /* stop, translate, translate */
	(void)state;
	set_out(b);
	run(b);
	assert_unchanged(b, THREAD_CAPABILITY, EPERM);
	assert_int_equal(b->one[0].moves, 1); /* its names are new: it has moved to where it was */
	assert_int_equal(b->one[0].handle[0].cap.node, 0);
	assert_int_equal(b->one[0].handle[1].cap.node, 0);
	bench_free(b);
}

static void test_who_waits_for_another_thread_is_not_moved(void **state)
{
	struct bench *b = bench_new(GUESTS, 0, NULL);
	(void)state;
	calls(b, 0, 1, 0);
	does(b, 1, 80000,
	     (struct flat_call){.op = FLAT_LOCAL}); /* it computes, and replies when it asks again */
	moves(b, 2, 0, 1, 20000);
	run(b);
	assert_int_equal(b->one[2].value[0], THREAD_UNSTOPPED);
	assert_int_equal(b->one[2].error[0], EBUSY);
	assert_int_equal(b->one[0].error[0], 0); /* its call is answered */
	assert_int_equal(b->one[1].replies, 1);
	assert_int_equal(b->one[0].cluster, 0);
	bench_free(b);
}

/* Client 1 is called while it computes, is moved before it replies, and replies from there. */
static void owe_and_move(struct bench *b)
{
	does(b, 1, 80000, (struct flat_call){.op = FLAT_LOCAL});
	calls(b, 0, 1, 10000);
	moves(b, 2, 1, 2, 30000);
}
static void test_a_reply_that_is_owed_goes_along(void **state)
{
	struct bench *b = bench_new(GUESTS, 0, NULL);
	(void)state;
	owe_and_move(b);
	run(b);
	assert_int_equal(b->one[2].error[0], 0);
	assert_int_equal(b->one[1].cluster, 2);
	assert_int_equal(b->one[1].replies, 1);
	assert_int_equal(b->one[0].error[0], 0);
	bench_free(b);
}
static void test_with_a_reply_that_cannot_be_carried_it_stays(void **state)
{
	struct bench *b = bench_new(GUESTS, 2, NULL); /* stop, the reply */
	(void)state;
	owe_and_move(b);
	run(b);
	assert_int_equal(b->one[2].value[0], THREAD_OWES);
	assert_int_equal(b->one[1].cluster, 1);
	assert_int_equal(b->one[1].replies, 1);
	assert_int_equal(b->one[0].error[0], 0);
	bench_free(b);
}

static void test_a_thread_moves_itself_and_its_call_ends_there(void **state)
{
	struct bench *b = bench_new(GUESTS, 0, NULL);
	(void)state;
	makes(b, 0, 0);
	moves(b, 0, 0, 2, 0);
	uses(b, 0, 0);
	moves(b, 0, 0, 0, 0);
	uses(b, 0, 0);
	run(b);
	for (int i = 0; i < 5; i++)
		assert_int_equal(b->one[0].error[i], 0);
	assert_int_equal(b->one[0].cluster, 0);
	assert_int_equal(b->one[0].moves, 2);
	bench_free(b);
}

static void gives(struct bench *b, unsigned op, sim_cycles after)
{
	does(b, 1, after,
	     (struct flat_call){.op = (uint8_t)op,
				.handle = &b->one[1].handle[0],
				.cluster = 0,
				.client = 0,
				.thread = name_of(b, 0)});
}
static void test_what_is_sent_to_who_has_left_goes_and_the_sender_is_told(void **state)
{
	struct bench *b = bench_new(GUESTS, 0, NULL);
	(void)state;
	makes(b, 1, 0);
	moves(b, 2, 0, 2, 0);
	gives(b, FLAT_CAP_SEND, 60000);
	run(b);
	assert_int_equal(b->one[1].error[1], ESRCH);
	assert_int_equal(b->one[0].handle[HANDLES - 1].cap.machine, 0);
	struct flat_live live;
	flat_live(b->machine, &live);
	assert_int_equal(live.slots[CAPABILITY_CAP], 1); /* the sender's own */
	bench_free(b);
}
static void test_what_is_sent_while_it_is_stopped_waits_and_comes_if_it_stays(void **state)
{
	struct planted p;
	(void)state;
	planted_init(&p, &capability_tree);
	planted_replace(&p, CAPABILITY_OP, "IDLE", "C_MOVE", "OP_FULL", "C_MOVE", "IDLE");
	struct bench *b = bench_new(GUESTS, 0, &p.protocol);
	makes(b, 0, 0);
	makes(b, 1, 0);
	moves(b, 2, 0, 2, 20000);
	gives(b, FLAT_CAP_SEND, 20000);
	run(b);
	assert_int_equal(b->one[2].value[0], THREAD_CAPABILITY);
	assert_int_equal(b->one[1].error[1], 0);
	assert_int_equal(b->one[0].handle[HANDLES - 1].cap.node, 0);
	assert_int_equal(b->one[0].handle[HANDLES - 1].cap.machine, CAPABILITY_CAP);
	bench_free(b);
	planted_fini(&p);
}

static void test_a_kill_deletes_what_it_holds_wherever_it_is(void **state)
{
	struct bench *b = bench_new(GUESTS, 0, NULL);
	struct flat_live live;
	(void)state;
	makes(b, 0, 0);
	makes(b, 0, 1);
	moves(b, 2, 0, 1, 20000);
	does(b, 2, 0, (struct flat_call){.op = FLAT_THREAD_KILL, .thread = name_of(b, 0)});
	does(b, 2, 0, (struct flat_call){.op = FLAT_THREAD_KILL, .thread = name_of(b, 0)});
	run(b);
	assert_true(b->one[0].killed);
	assert_int_equal(b->one[2].error[1], 0);
	assert_int_equal(b->one[2].value[2], THREAD_GONE);
	flat_live(b->machine, &live);
	assert_int_equal(live.slots[CAPABILITY_CAP] + live.slots[CAPABILITY_OP], 0);
	bench_free(b);
}

static void test_calls_that_mean_nothing_are_refused(void **state)
{
	struct bench *b = bench_new(GUESTS, 0, NULL);
	(void)state;
	does(b, 0, 0, (struct flat_call){.op = FLAT_THREAD_MOVE, .thread = name_of(b, 1), .cluster = 99});
	does(b, 0, 0, (struct flat_call){.op = FLAT_THREAD_CALL, .thread = STEP_REF(0, THREAD_NAME, 77)});
	run(b);
	assert_int_equal(b->one[0].error[0], EINVAL); /* no such cluster */
	assert_int_equal(b->one[0].error[1], ESRCH);
	assert_int_equal(b->one[0].moves, 0);
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_move_takes_everything_along),
		cmocka_unit_test(test_without_a_place_it_stays),
		cmocka_unit_test(test_with_a_capability_that_cannot_be_moved_it_stays),
		cmocka_unit_test(test_what_has_gone_comes_back),
		cmocka_unit_test(test_who_waits_for_another_thread_is_not_moved),
		cmocka_unit_test(test_a_reply_that_is_owed_goes_along),
		cmocka_unit_test(test_with_a_reply_that_cannot_be_carried_it_stays),
		cmocka_unit_test(test_a_thread_moves_itself_and_its_call_ends_there),
		cmocka_unit_test(test_what_is_sent_to_who_has_left_goes_and_the_sender_is_told),
		cmocka_unit_test(test_what_is_sent_while_it_is_stopped_waits_and_comes_if_it_stays),
		cmocka_unit_test(test_a_kill_deletes_what_it_holds_wherever_it_is),
		cmocka_unit_test(test_calls_that_mean_nothing_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
