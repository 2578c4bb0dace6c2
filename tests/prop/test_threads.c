/* tests/prop/test_threads.c - clients that are moved, called, killed and revoked from at random, as threads of thread/eager.
 *
 * Whatever happens: every call ends, every call of a thread is answered once, every use of a capability comes to what the ledger
 * says, each thread is at one place at rest or at none, nothing is left over in the protocols or in the kernels, the log of
 * steps replays through the tables, both engines of virtual time do the same. Over all seeds, every cell of thread/eager that
 * a machine can reach has run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ssi/protocols/protocols.h"
#include "workloads/run.h"

#define NUMBER     3 /* of the family thread with its machine */
#define STATES_MAX 32
#define EVENTS_MAX 64
static uint64_t moved_messages; /* in the last run, for moves of threads */
static uint64_t seen[STEP_MACHINES_MAX][STATES_MAX][EVENTS_MAX], ended[FLAT_OPS][2];

static void tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state, unsigned next)
{
	(void)next;
	if (n->number == NUMBER)
		seen[at.machine][state][m->event]++;
}

static const char small[] = "machine: {preset: seed-1000-cycles, clusters: 4}\n"
			    "protocols: {thread: eager, thread_room: 2}\n"
			    "clients: [{operations: {count: 60, objects: 1, holds: 6, revoke: 15, "
			    "thread_move: 40, thread_call: 20, "
			    "thread_kill: 1}, copies: 2, think: 0 cycles}]\n"
			    "events: [{at: 20us, move: {cluster: 2, client: 1, to: 0}}, {at: 40us, kill: "
			    "{cluster: 0, client: 1}}]\n";

static uint64_t run_refusing(const char *text, uint64_t seed, const char *const *sets, uint32_t count,
			     uint32_t refuses)
{
	struct scenario *scenario = NULL;
	struct scenario_error error = {""};
	struct run *run = NULL;
	struct run_result result;
	char with_seed[32];
	const char *all[8] = {with_seed};
	const struct run_options options = {
		.cell_tap = tap, .inclusion = seed % 4 == 0, .thread_refuses = refuses};
	snprintf(with_seed, sizeof with_seed, "seed=%llu", (unsigned long long)seed);
	if (count)
		memcpy(all + 1, sets, count * sizeof *sets);
	if (scenario_parse(&scenario, "test.yaml", text, strlen(text), all, count + 1, &error) ||
	    run_new(&run, scenario, &options, &error))
		fail_msg("%s", error.text);
	run_go(run, &result);
	for (uint32_t i = 0; i < result.checks; i++)
		if (result.check[i].failures)
			fail_msg("seed %llu, %s: %s: %s", (unsigned long long)seed, count ? sets[0] : "",
				 result.check[i].name, result.check[i].first);
	for (unsigned op = FLAT_THREAD_MOVE; op <= FLAT_THREAD_KILL; op++) {
		ended[op][0] += result.stats->op[op].latency_ps.count - result.stats->op[op].failures;
		ended[op][1] += result.stats->op[op].failures;
	}
	moved_messages = result.stats->op[FLAT_THREAD_MOVE].messages;
	const uint64_t digest = result.digest;
	run_free(run);
	scenario_free(scenario);
	return digest;
}

static uint64_t run_one(const char *text, uint64_t seed, const char *const *sets, uint32_t count)
{
	return run_refusing(text, seed, sets, count, 0);
}

static void test_whoever_moves_is_somewhere_once_and_whole(void **state)
{
	static const char *const crowded[] = {"protocols.thread_room=0"},
				 *const jitter[] = {"machine.link.jitter=2000 cycles"},
				 *const credit[] = {"machine.link.credit=2"},
				 *const kills[] = {"clients.0.operations.thread_kill=20"};
	(void)state;
	for (uint64_t seed = 1; seed <= 24; seed++) {
		run_one(small, seed, NULL, 0);
		run_one(small, seed, crowded, 1);
		run_one(small, seed, jitter, 1);
		run_one(small, seed, credit, 1);
		run_one(small, seed, kills, 1);
	}
	assert_true(ended[FLAT_THREAD_MOVE][0] > 500 && ended[FLAT_THREAD_MOVE][1] > 100);
	assert_true(ended[FLAT_THREAD_CALL][0] > 200 && ended[FLAT_THREAD_CALL][1] > 10);
	assert_true(ended[FLAT_THREAD_KILL][0] > 20);
	assert_int_equal(ended[FLAT_THREAD_REPLY][1], 0);
}

static void test_every_capability_protocol_carries_threads(void **state)
{
	static const char *const set[] = {"protocols.capability=owner", "protocols.capability=central",
					  "protocols.capability=captp", "protocols.capability=crypto"};
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		for (size_t i = 0; i < sizeof set / sizeof *set; i++)
			run_one(small, seed, &set[i], 1);
}

static void test_at_fidelity_full_the_same_holds(void **state)
{
	static const char *const full[] = {"fidelity=full"};
	(void)state;
	for (uint64_t seed = 1; seed <= 6; seed++)
		run_one(small, seed, full, 1);
}

/* One in seven of what the kernels are asked for they refuse: most moves end half done, and are undone. */
static void test_a_move_that_is_refused_half_way_leaves_all_as_it_was(void **state)
{
	static const char *const full[] = {"fidelity=full"}, *const owner[] = {"protocols.capability=owner"};
	(void)state;
	for (uint64_t seed = 1; seed <= 12; seed++) {
		run_refusing(small, seed, NULL, 0, 7 + (uint32_t)seed % 6);
		run_refusing(small, seed, owner, seed % 2, 9);
		run_refusing(small, seed, NULL, 0, 3);
	}
	for (uint64_t seed = 1; seed <= 4; seed++)
		run_refusing(small, seed, full, 1, 7 + (uint32_t)seed);
}

static void test_engines_agree_on_where_threads_go(void **state)
{
	static const char *const heap[] = {"engine=heap"}, *const full[] = {"engine=heap", "fidelity=full"};
	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++)
		assert_int_equal(run_one(small, seed, heap, 1), run_one(small, seed, NULL, 0));
	assert_int_equal(run_one(small, 1, full, 2), run_one(small, 1, &full[1], 1));
}

/* Messages of all moves of a journey with so many capabilities, by itself or by another. */
static void assert_costs(const char *by, const char *fidelity, uint32_t held, uint64_t messages)
{
	static const char text[] = "machine: {preset: seed-1000-cycles, clusters: 4}\n"
				   "protocols: {thread: eager}\n"
				   "clients: [{journeys: {moves: 30}, on: 0-3}]\n";
	char capabilities[64];
	const char *const sets[] = {by, fidelity, capabilities};
	snprintf(capabilities, sizeof capabilities, "clients.0.journeys.capabilities=%u", held);
	const uint64_t moves = ended[FLAT_THREAD_MOVE][0];
	run_one(text, 1, sets, 3);
	assert_int_equal(ended[FLAT_THREAD_MOVE][0] - moves, 30);
	assert_int_equal(moved_messages, messages);
}

/* Asked for elsewhere, round three kernels: 7 from home and back to it, else 8; and 3 for each capability, and its own
 * move's 3. Asked for by itself, round four: 5 from home, 6 back to it, else 7. */
static void test_a_journey_costs_what_is_published(void **state)
{
	static const char *const fidelity[] = {"fidelity=flat", "fidelity=full"};
	(void)state;
	for (int i = 0; i < 2; i++)
		for (uint32_t held = 0; held <= 16; held += 8) {
			assert_costs("clients.0.journeys.by=another", fidelity[i], held,
				     10 * (7 + 8 + 7) + 30 * 6 * held);
			assert_costs("clients.0.journeys.by=itself", fidelity[i], held,
				     7 * (5 + 7 + 7 + 6) + 5 + 7 + 30 * 6 * held);
		}
}

static void test_open_files_go_along(void **state)
{
	static const char text[] = "machine: {preset: seed-1000-cycles, clusters: 3}\n"
				   "protocols: {thread: eager}\n"
				   "clients: [{trace: sqlite}, {operations: {count: 60, thread_move: 200, "
				   "thread_call: 20}}]\n"
				   "events: [{at: 300us, kill: {cluster: 2, client: 0}}]\n";
	static const char *const full[] = {"fidelity=full"};
	(void)state;
	run_one(text, 1, NULL, 0);
	run_one(text, 2, full, 1);
}

/* What a machine never does, and why; "body *+T_HOLD" stands for all states that begin so. */
static const struct {
	const char *cell, *why;
} unreached[] = {
	{"body *+T_HOLD", "a kernel walks the CSpace of who is stopped, and keeps no book of who runs"},
	{"body RUNNING+GOT", "so nothing is booked while it runs"},
	{"body *+SPILT", "there are slots for all that clients can hold"},
	{"slot SLOT_FULL+*", "the same"},
	{"slot *+NO_PLACE", "the same"},
	{"body HALTING+DROPPED", "what is booked is forgotten before it runs again"},
	{"body HALTING+EMPTY", "the same"},
	{"body UNDOING+SEND", "all slots are asked to pack in one step"},
	{"op *+NACK", "there is room for whoever waits at a home"},
	{"op OP_FULL+*", "and for a call of each client"},
	{"body BODY_FULL+START", "a thread is made before the run, when there is room"},
	{"name COMING+NOT_SETTLE", "the same"},
	{"name NAME_FULL+T_CREATE", "the same"},
	{"slot VOID+*", "only who owes a reply gives one, and only what is held is forgotten"},
	{"slot HELD+T_REPLY", "the same"},
	{"slot OWED+T_FREE", "the same"},
	{"slot RETURNED+LOCAL_ERR", "a kernel takes back what it gave"},
};

/* "slot SLOT_FULL+*" and "body *+SPILT" cover what they look like. */
static bool is_like(const char *cell, const char *pattern)
{
	const char *star = strchr(pattern, '*');
	if (!star)
		return !strcmp(cell, pattern);
	const size_t before = (size_t)(star - pattern), after = strlen(star + 1), length = strlen(cell);
	return length >= before + after && !strncmp(cell, pattern, before) &&
	       !strcmp(cell + length - after, star + 1);
}

static bool is_excused(const char *cell)
{
	for (size_t i = 0; i < sizeof unreached / sizeof *unreached; i++)
		if (is_like(cell, unreached[i].cell))
			return true;
	return false;
}

static void test_every_cell_that_a_machine_can_reach_has_run(void **state)
{
	const struct step_protocol *p = &thread_eager;
	unsigned missed = 0, cells = 0;
	(void)state;
	for (unsigned k = 1; k < p->machines; k++)
		for (unsigned s = 0; s <= p->machine[k].states; s++)
			for (unsigned e = 1; e < p->events; e++) {
				char cell[80];
				if (step_cell_at(p, k, s, e)->kind != STEP_GO)
					continue;
				snprintf(cell, sizeof cell, "%s %s+%s", p->machine[k].name,
					 p->machine[k].state[s], p->event[e].name);
				cells++;
				if (!seen[k][s][e] && !is_excused(cell)) {
					print_message("%s never ran\n", cell);
					missed++;
				}
			}
	print_message("%u cells\n", cells);
	assert_int_equal(missed, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whoever_moves_is_somewhere_once_and_whole),
		cmocka_unit_test(test_every_capability_protocol_carries_threads),
		cmocka_unit_test(test_at_fidelity_full_the_same_holds),
		cmocka_unit_test(test_a_move_that_is_refused_half_way_leaves_all_as_it_was),
		cmocka_unit_test(test_engines_agree_on_where_threads_go),
		cmocka_unit_test(test_a_journey_costs_what_is_published),
		cmocka_unit_test(test_open_files_go_along),
		cmocka_unit_test(test_every_cell_that_a_machine_can_reach_has_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
