/* tests/prop/test_guard.c - one cluster's monitor sends what it likes: frames of random words, frames that look right, and
 * frames that were right and are changed. Nothing crashes, nobody else's capabilities or pages are touched, and everybody
 * else's clients end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ssi/flat_internal.h"
#include "workloads/run.h"

#define HOSTILE 3
#define FRAMES  6000
#define SEEDS   12

static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}
static uint32_t below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)((draw(state) >> 32) * limit >> 32);
}

static step_ref any_ref(uint64_t *random, uint32_t node)
{
	static const uint32_t special[] = {STEP_NEW, STEP_NAMED, 0, 1 << 20};
	const uint32_t index = below(random, 3) ? below(random, 64) : special[below(random, 4)];
	return (step_ref){.node = node,
			  .machine = below(random, 16) ? 1 + below(random, 3) : below(random, 16),
			  .gen = below(random, 4) ? below(random, 3) : below(random, 4096),
			  .index = index};
}

/* It looks right, in most words. */
static struct step_msg likely(const struct flat_machine *m, uint64_t *random, uint32_t to)
{
	const uint8_t protocol = (uint8_t)below(random, m->protocols);
	struct step_msg msg = {.event = (uint8_t)(1 + below(random, m->protocol[protocol]->events)),
			       .protocol = protocol,
			       .word = below(random, 4) ? below(random, 8) : (uint32_t)draw(random),
			       .to = any_ref(random, to),
			       .from = any_ref(random, below(random, 16) ? HOSTILE : below(random, 5)),
			       .arg = any_ref(random, below(random, 4))};
	if (below(random, 4) == 0)
		msg.arg = STEP_REF(HOSTILE, STEP_CLIENT, below(random, 3));
	return msg;
}

/* Frames that were sent between clusters in a run without an attack. */
static struct {
	struct step_msg msg[4096];
	uint32_t count;
} seen;

static void see(void *context, uint64_t window, const struct sim_event *event)
{
	struct flat_frame frame;
	(void)context, (void)window;
	memcpy(&frame, event->payload, sizeof frame);
	if (event->src != event->dst && frame.msg.protocol <= FLAT_THREAD && event->dst != HOSTILE &&
	    seen.count < sizeof seen.msg / sizeof seen.msg[0])
		seen.msg[seen.count++] = frame.msg;
}

/* One that was seen, as if it came from the hostile cluster, and, mostly, a little changed. */
static struct step_msg changed(uint64_t *random, uint32_t to)
{
	struct step_msg msg = seen.msg[below(random, seen.count)];
	step_ref *const ref[] = {&msg.to, &msg.from, &msg.arg};
	msg.to.node = to;
	msg.from.node = HOSTILE;
	if (msg.arg.machine == STEP_CLIENT && below(random, 4))
		msg.arg = STEP_REF(HOSTILE, STEP_CLIENT, below(random, 2));
	if (below(random, 2))
		ref[below(random, 3)]->index ^= below(random, 8);
	if (below(random, 4) == 0)
		ref[below(random, 3)]->gen ^= below(random, 4);
	if (below(random, 8) == 0)
		msg.event = (uint8_t)(msg.event + below(random, 5));
	return msg;
}

static struct step_msg forged(const struct flat_machine *m, uint64_t *random, uint32_t to)
{
	struct step_msg msg = below(random, 2) ? likely(m, random, to) : changed(random, to);
	if (below(random, 16) == 0)
		for (size_t i = 0; i < sizeof msg; i++)
			((unsigned char *)&msg)[i] = (unsigned char)draw(random);
	return msg;
}

static struct run *run_of(struct scenario **scenario, const char *text, uint64_t seed, bool attacked)
{
	struct scenario_error error = {""};
	struct run *run = NULL;
	char set[32];
	snprintf(set, sizeof set, "seed=%llu", (unsigned long long)seed);
	const char *const sets[] = {set};
	const struct run_options options = {.hostile = attacked ? HOSTILE + 1 : 0,
					    .tap = attacked ? NULL : see};
	if (scenario_parse(scenario, "test.yaml", text, strlen(text), sets, 1, &error) ||
	    run_new(&run, *scenario, &options, &error))
		fail_msg("%s", error.text);
	return run;
}

static void forge_all(struct run *run, uint64_t seed)
{
	struct flat_machine *m = run_machine(run);
	uint64_t random = seed * 0x9e3779b97f4a7c15u | 1;
	for (uint32_t i = 0; i < FRAMES; i++) {
		const uint32_t to = below(&random, HOSTILE);
		const struct step_msg msg = forged(m, &random, to);
		flat_forge(m, HOSTILE, to, UINT64_C(1000000) + draw(&random) % (400 * UINT64_C(1000000)),
			   &msg);
	}
}

/* What the clients have found, whatever the hostile frames left behind in machines of their own. */
static void assert_clients_are_well(const struct run_result *result, bool ended, uint64_t least)
{
	uint64_t judged = 0;
	for (uint32_t i = 0; i < result->checks; i++) {
		const struct run_check *c = &result->check[i];
		const bool of_clients = !strncmp(c->name, "capabilities: what", 18) ||
					!strncmp(c->name, "stamps", 6) || !strncmp(c->name, "contents", 8) ||
					(ended && !strcmp(c->name, "clients ended"));
		if (of_clients && c->failures)
			fail_msg("%s: %s", c->name, c->first);
		judged += of_clients ? c->count : 0;
	}
	assert_true(judged >= least);
}

static void look(const char *text, uint64_t seed)
{
	struct scenario *scenario = NULL;
	struct run_result result;
	seen.count = 0;
	struct run *run = run_of(&scenario, text, seed, false);
	run_go(run, &result);
	assert_int_equal(result.failures, 0);
	assert_true(seen.count > 100);
	run_free(run);
	scenario_free(scenario);
}

static uint64_t attack(const char *text, bool ended, uint64_t least)
{
	uint64_t refused = 0, contained, all_contained = 0, passed = 0;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct scenario *scenario = NULL;
		struct run_result result;
		look(text, seed);
		struct run *run = run_of(&scenario, text, seed, true);
		forge_all(run, seed);
		run_go(run, &result);
		const uint64_t now = flat_refused(run_machine(run), &contained);
		refused += now;
		passed += FRAMES > now ? FRAMES - now : 0;
		all_contained += contained;
		assert_clients_are_well(&result, ended, least);
		run_free(run);
		scenario_free(scenario);
	}
	print_message("%llu frames refused, %llu taken, %llu faults contained\n", (unsigned long long)refused,
		      (unsigned long long)passed, (unsigned long long)all_contained);
	assert_true(refused > SEEDS * FRAMES / 4);
	assert_true(passed > SEEDS * FRAMES / 200); /* the guard is no wall: some do what such frames do */
	return refused;
}

#define MACHINE "machine: {preset: seed-1000-cycles, clusters: 4}\nclients:\n"

static void test_who_gave_it_nothing_is_not_touched(void **state)
{
	(void)state;
	attack(MACHINE "  - {operations: {count: 200}, copies: 2, on: 0-2}\n"
		       "  - {stamps: {pages: 3, operations: 60}, on: 0-2}\n"
		       "  - {operations: {count: 100}, copies: 2, on: 3}\n",
	       true, 100);
}

static void test_what_it_was_never_granted_is_not_touched(void **state)
{
	(void)state;
	attack(MACHINE "  - {operations: {count: 150, objects: 12, send: 2, offer: 1, move: 0, copy: 10, "
		       "mint: 10}, copies: 2, on: all}\n",
	       false, 100);
}

/* Whoever may name a thread may move and kill it, and here everybody may; what they hold is another matter. */
static void test_threads_are_moved_with_what_was_granted_alone(void **state)
{
	(void)state;
	attack("protocols: {thread: eager}\n" MACHINE
	       "  - {operations: {count: 200, thread_move: 20, thread_call: 20}, copies: 2, on: 0-2}\n"
	       "  - {operations: {count: 100, thread_move: 20, thread_call: 20}, copies: 2, on: 3}\n",
	       false, 0);
}

/* The guard is needed: a frame that names what its sender was not told of would take it away. */
static void test_a_revoke_of_what_it_was_not_given_is_refused(void **state)
{
	struct scenario *scenario = NULL;
	struct run *run = run_of(&scenario, MACHINE "  - {operations: {count: 20}, on: 0-2}\n", 1, true);
	struct flat_machine *m = run_machine(run);
	const struct step_protocol *p = m->protocol[FLAT_CAPABILITY];
	uint64_t contained, frames = 0;
	struct run_result result;
	(void)state;
	for (uint8_t event = CAPABILITY_CALLS_END; event < p->events; event++)
		for (uint32_t index = 0; index < 4 && p->event[event].klass == STEP_FORWARD;
		     index++, frames++)
			flat_forge(m, HOSTILE, 0, 60 * UINT64_C(1000000),
				   &(struct step_msg){.event = event,
						      .to = STEP_REF(0, CAPABILITY_CAP, index),
						      .from = STEP_REF(HOSTILE, CAPABILITY_CAP, 0)});
	run_go(run, &result);
	assert_true(frames >= 4);
	assert_true(flat_refused(m, &contained) >= 2);
	assert_int_equal(contained, 0);
	assert_int_equal(result.failures, 0);
	run_free(run);
	scenario_free(scenario);
}

/* As above, where cluster 55, which was told of slots of 56, shares a bit with the hostile one. */
static void test_in_a_large_machine_a_neighbour_knows_for_itself_alone(void **state)
{
	struct scenario *scenario = NULL;
	struct run *run = run_of(&scenario,
				 "machine: {preset: seed-1000-cycles, clusters: 60}\nclients:\n"
				 "  - {operations: {count: 100}, on: 55-57}\n",
				 1, true);
	struct flat_machine *m = run_machine(run);
	const struct step_protocol *p = m->protocol[FLAT_CAPABILITY];
	uint64_t contained;
	struct run_result result;
	(void)state;
	for (uint8_t event = CAPABILITY_CALLS_END; event < p->events; event++)
		for (uint32_t i = 0; i < 64 * 32 && p->event[event].klass == STEP_FORWARD; i++)
			flat_forge(m, HOSTILE, 56, (20 + i / 8) * UINT64_C(1000000),
				   &(struct step_msg){
					   .event = event,
					   .to = {.node = 56, .machine = CAPABILITY_CAP, .index = i % 64},
					   .from = STEP_REF(HOSTILE, CAPABILITY_CAP, 0)});
	run_go(run, &result);
	print_message("%llu frames refused\n", (unsigned long long)flat_refused(m, &contained));
	assert_int_equal(contained, 0);
	assert_int_equal(result.failures, 0);
	run_free(run);
	scenario_free(scenario);
}

/* Its object may be named, for a capability of it was sent: but what lies beside that has no other right than it was sealed
 * with. Each forged tag is refused by its MAC; without it the table would answer SEALED with all rights. */
static void test_a_forged_tag_is_refused_by_its_mac(void **state)
{
	static const char text[] = MACHINE "  - {operations: {count: 200, objects: 8, revoke: 1}, on: all}\n";
	uint64_t forged_all = 0;
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++) {
		struct scenario *scenario = NULL;
		struct scenario_error error = {""};
		struct run *run = NULL;
		struct run_result result;
		uint64_t random = seed * 0x9e3779b97f4a7c15u | 1;
		char set[32];
		snprintf(set, sizeof set, "seed=%u", (unsigned)seed);
		const char *const sets[] = {"protocols.capability=crypto", set};
		if (scenario_parse(&scenario, "test.yaml", text, strlen(text), sets, 2, &error) ||
		    run_new(&run, scenario, &(struct run_options){.hostile = HOSTILE + 1}, &error))
			fail_msg("%s", error.text);
		struct flat_machine *m = run_machine(run);
		const struct step_protocol *p = m->protocol[FLAT_CAPABILITY];
		/* Slots 200 and up of the hostile cluster are nobody's: there the forged bits lie. */
		for (uint32_t i = 0; i < 400; i++) {
			const step_ref place = STEP_REF(HOSTILE, CAPABILITY_CAP, 200 + i % 8),
				       object = {.node = 0,
						 .machine = CAPABILITY_OWN,
						 .gen = i % 2,
						 .index = i / 40 % 8};
			static const char *const asks[] = {"USE", "MINT", "REVOKE"};
			uint8_t event = 0;
			for (uint8_t e = 0; e < p->events; e++)
				if (!strcmp(p->event[e].name, asks[i % 3]))
					event = e;
			flat_forge_bits(m, place, object, CAPABILITY_RIGHTS, draw(&random));
			flat_forge(m, HOSTILE, 0, UINT64_C(1000000) * (1 + i),
				   &(struct step_msg){.event = event,
						      .protocol = FLAT_CAPABILITY,
						      .word = p->event[event].word ? CAPABILITY_RIGHTS : 0,
						      .to = object,
						      .from = STEP_REF(HOSTILE, CAPABILITY_OP, 3),
						      .arg = place});
		}
		run_go(run, &result);
		forged_all += flat_forged(m);
		for (uint32_t i = 0; i < result.checks; i++)
			if (!strncmp(result.check[i].name, "capabilities: what", 18) &&
			    result.check[i].failures)
				fail_msg("%s: %s", result.check[i].name, result.check[i].first);
		run_free(run);
		scenario_free(scenario);
	}
	print_message("%llu tags refused\n", (unsigned long long)forged_all);
	assert_true(forged_all >= 20);
}

static void test_no_frame_of_an_honest_machine_is_refused(void **state)
{
#define CAPABILITIES                                                                                         \
	"  - {operations: {count: 300}, copies: 3}\n"                                                        \
	"  - {chains: {length: 9, rounds: 9}}\n"                                                             \
	"  - {trees: {children: 9, rounds: 9, by: obtain}}\n"
	const char *text;
	unsigned family = 0;
	(void)state;
	for (uint32_t k = 0; protocols[k / 2]; k++) {
		const uint32_t i = k / 2;
		char set[80];
		const char *const sets[] = {set, k % 2 ? "fidelity=full" : "fidelity=flat"};
		struct scenario *scenario = NULL;
		struct scenario_error error = {""};
		struct run *run = NULL;
		struct run_result result;
		uint64_t contained;
		if (strncmp(protocols[i]->name, "capability/", 11) || protocols[i] == &capability_acks)
			continue;
		family++;
		text = protocols[i]->model->use_tells ? MACHINE CAPABILITIES
						      : MACHINE CAPABILITIES
			       "  - {stamps: {pages: 3, operations: 60}}\n";
		snprintf(set, sizeof set, "protocols.capability=%s", protocols[i]->name + 11);
		if (scenario_parse(&scenario, "test.yaml", text, strlen(text), sets, 2, &error) ||
		    run_new(&run, scenario, &(struct run_options){.inclusion = true}, &error))
			fail_msg("%s", error.text);
		run_go(run, &result);
		for (uint32_t c = 0; c < result.checks; c++)
			if (result.check[c].failures)
				fail_msg("%s: %s: %s", set, result.check[c].name, result.check[c].first);
		assert_int_equal(flat_refused(run_machine(run), &contained), 0);
		assert_int_equal(flat_forged(run_machine(run)), 0);
		run_free(run);
		scenario_free(scenario);
	}
	assert_true(family >= 2 * 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_gave_it_nothing_is_not_touched),
		cmocka_unit_test(test_threads_are_moved_with_what_was_granted_alone),
		cmocka_unit_test(test_what_it_was_never_granted_is_not_touched),
		cmocka_unit_test(test_in_a_large_machine_a_neighbour_knows_for_itself_alone),
		cmocka_unit_test(test_no_frame_of_an_honest_machine_is_refused),
		cmocka_unit_test(test_a_forged_tag_is_refused_by_its_mac),
		cmocka_unit_test(test_a_revoke_of_what_it_was_not_given_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
