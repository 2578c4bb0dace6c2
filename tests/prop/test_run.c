/* tests/prop/test_run.c - whole scenarios, from their text to their checks: recordings and shared pages on small
 * machines of all kinds, whose caches are too small and whose service is anywhere; files are revoked and clients die.
 *
 * Whatever the seed, all checks pass, the log of steps replays through the tables, and both engines give one digest.
 * Another seed or one cycle more on a link gives another. What is planted in the driver's memory is seen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/flat_internal.h"
#include "tests/lib/cover.h"
#include "tests/lib/damage.h"
#include "tests/lib/seeds.h"
#include "workloads/run.h"
#include "workloads/run_internal.h"

#define TRACES 4
static const char *const traces[TRACES] = {"find", "tar", "sqlite", "git"};
/* A path of each recording that is open for a while. */
static const char *const revoked[TRACES] = {"/srv/demo", "/usr/lib/x86_64-linux-gnu/libc.so.6", "/srv/demo",
					    "/srv/demo"};

static uint32_t below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)((run_random(state) >> 32) * limit >> 32);
}

/* ---- a scenario of a seed ---- */

struct text {
	char bytes[4096];
	size_t length;
};
static void add(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *t, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	t->length += (size_t)vsnprintf(t->bytes + t->length, sizeof t->bytes - t->length, format, args);
	va_end(args);
	assert_true(t->length < sizeof t->bytes);
}

static void machine_text(struct text *t, uint64_t *random, uint64_t seed, uint32_t clusters)
{
	static const uint32_t wires[] = {20, 900, 4000, 60000};
	add(t, "seed: %llu\nmachine:\n  preset: seed-1000-cycles\n  clusters: %u\n", (unsigned long long)seed,
	    clusters);
	add(t, "  link: {wire: %u cycles, send: %u cycles, receive: %u cycles}\n",
	    wires[below(random, 4)] + below(random, 30), below(random, 400), below(random, 400));
	add(t, "service: {cluster: %u, cache_pages: %u}\n", below(random, clusters),
	    below(random, 2) ? 1 + below(random, 8) : 300);
}

/* The events name clients that are there: the recording and the stamps are on all clusters. Client 1 of cluster 0 is
 * left alone: the others wait for the file that it sends them. */
static void events_text(struct text *t, uint64_t *random, uint32_t clusters, uint32_t trace)
{
	const uint32_t events = below(random, 4);
	if (events)
		add(t, "events:\n");
	for (uint32_t i = 0; i < events; i++) {
		const uint32_t at = 10 + below(random, 400), cluster = below(random, clusters);
		if (below(random, 3))
			add(t, "  - {at: %uus, fs_revoke: %s, cluster: %u, client: 0}\n", at, revoked[trace],
			    cluster);
		else
			add(t, "  - {at: %uus, kill: {cluster: %u, client: %u}}\n", at, cluster,
			    cluster ? below(random, 2) : 0);
	}
}

static void scenario_text(struct text *t, uint64_t seed)
{
	uint64_t random = run_mix(seed, 1) | 1;
	const uint32_t clusters = 2 + below(&random, 7), trace = (uint32_t)(seed % TRACES);
	*t = (struct text){0};
	machine_text(t, &random, seed, clusters);
	add(t, "clients:\n  - {trace: %s, think: %u cycles}\n", traces[trace], below(&random, 2000));
	add(t, "  - {stamps: {pages: %u, operations: %u, writes: %u%%}, copies: %u}\n", 1 + below(&random, 6),
	    20 + below(&random, 60), below(&random, 101), 1 + below(&random, 2));
	if (below(&random, 2))
		add(t, "  - {trace: find, tree: shared, repeat: 2}\n");
	events_text(t, &random, clusters, trace);
}

static struct scenario *scenario_of(const char *text, const char *set)
{
	struct scenario *scenario;
	struct scenario_error error;
	if (scenario_parse(&scenario, "test.yaml", text, strlen(text), &set, set ? 1 : 0, &error))
		fail_msg("%s\n%s", error.text, text);
	return scenario;
}

/* A run, and what it has to outlive. */
struct subject {
	struct scenario *scenario;
	struct run *run;
	struct run_result result;
};

static void begin(struct subject *s, const char *text, const char *set, bool inclusion)
{
	struct scenario_error error;
	const struct run_options options = {.inclusion = inclusion, .cell_tap = cover_tap, .seconds_max = 60};
	cover_limit(20000000);
	s->scenario = scenario_of(text, set);
	if (run_new(&s->run, s->scenario, &options, &error))
		fail_msg("%s\n%s", error.text, text);
}

static void end(struct subject *s)
{
	run_free(s->run);
	scenario_free(s->scenario);
}

static void must_pass(const struct subject *s, const char *text)
{
	const struct run_result *r = &s->result;
	if (r->end != RUN_ENDED)
		fail_msg("%s\n%s", r->end_text, text);
	for (uint32_t i = 0; i < r->checks; i++)
		if (r->check[i].failures)
			fail_msg("%s: %s\n%s", r->check[i].name, r->check[i].first, text);
	assert_int_equal(r->failures, 0);
}

static uint64_t digest_of(const char *text, const char *set, bool inclusion)
{
	struct subject s;
	begin(&s, text, set, inclusion);
	run_go(s.run, &s.result);
	must_pass(&s, text);
	end(&s);
	return s.result.digest;
}

static const struct run_check *check_of(const struct run_result *r, const char *name)
{
	for (uint32_t i = 0; i < r->checks; i++)
		if (!strncmp(r->check[i].name, name, strlen(name)))
			return &r->check[i];
	return NULL;
}

/* ---- what must hold ---- */

/* Each of these must have had something to look at in some run. */
static const char *const looked_at[] = {"contents",
					"results",
					"stamps: coherence",
					"stamps: program order",
					"use after a revoke",
					"confinement",
					"capability/tree at rest",
					"memory/msi at rest",
					"protocol steps",
					"trace inclusion",
					"clients ended"};
#define LOOKED_AT (sizeof looked_at / sizeof *looked_at)

static void test_any_scenario_passes_all_checks_and_is_the_same_in_both_engines(void **state)
{
	uint64_t counts[LOOKED_AT] = {0};
	struct text text;
	struct subject s;
	(void)state;
	for (uint64_t seed = seeds_first(), last = seed + seeds_count(120); seed < last; seed++) {
		scenario_text(&text, seed);
		begin(&s, text.bytes, NULL, true);
		run_go(s.run, &s.result);
		must_pass(&s, text.bytes);
		for (size_t i = 0; i < LOOKED_AT; i++) {
			const struct run_check *c = check_of(&s.result, looked_at[i]);
			counts[i] += c ? c->count : 0;
		}
		end(&s);
		if (digest_of(text.bytes, "engine=heap", false) != s.result.digest)
			fail_msg("the engines differ\n%s", text.bytes);
	}
	for (size_t i = 0; i < LOOKED_AT && !getenv("SKERRY_SEED"); i++)
		if (!counts[i])
			fail_msg("the check \"%s\" never had anything to look at", looked_at[i]);
}

static void test_another_seed_or_one_more_cycle_on_the_link_gives_another_digest(void **state)
{
	static const char text[] = "machine: {preset: seed-1000-cycles, clusters: 3}\n"
				   "clients:\n  - {stamps: {pages: 3, operations: 40}}\n";
	static const char *const changes[] = {"seed=2",
					      "machine.link.wire=901 cycles",
					      "machine.link.send=1 cycles",
					      "machine.link.receive=49 cycles",
					      "machine.clusters=4",
					      "service.cluster=1",
					      "service.cache_pages=2",
					      "cost.step=7 cycles",
					      "clients.0.think=999 cycles",
					      "clients.0.stamps.operations=41"};
	const uint64_t digest = digest_of(text, NULL, true);
	(void)state;
	assert_int_equal(digest_of(text, NULL, false), digest); /* the log is not part of the run */
	assert_int_equal(digest_of(text, "seed=1", false), digest);
	assert_int_equal(digest_of(text, "engine=heap", false), digest);
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
		if (digest_of(text, changes[i], false) == digest)
			fail_msg("%s: the same digest", changes[i]);
}

static void test_processes_fork_wait_and_exit(void **state)
{
	struct subject s;
	(void)state;
	begin(&s, "machine: {clusters: 2}\nclients:\n  - trace: git\n", NULL, false);
	run_go(s.run, &s.result);
	must_pass(&s, "git");
	for (unsigned op = FLAT_FORK; op <= FLAT_EXIT; op++)
		assert_true(s.result.stats->op[op].latency_ps.count > 0);
	end(&s);
}

static void test_trees_of_their_own_are_all_alike_and_a_shared_one_is_shared(void **state)
{
	struct subject own, shared;
	(void)state;
	begin(&own, "machine: {clusters: 4}\nclients:\n  - {trace: find, copies: 2}\n", NULL, false);
	begin(&shared, "machine: {clusters: 4}\nclients:\n  - {trace: find, copies: 2, tree: shared}\n", NULL,
	      false);
	run_go(own.run, &own.result);
	run_go(shared.run, &shared.result);
	must_pass(&own, "own");
	must_pass(&shared, "shared");
	assert_int_equal(own.result.calls, shared.result.calls);
	assert_true(shared.result.messages < own.result.messages); /* names and pages are cached for all */
	end(&own);
	end(&shared);
}

/* ---- what is refused ---- */

static void test_what_cannot_be_run_is_refused_with_its_place(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{"clients:\n  - {trace: tar, tree: shared}\n", "test.yaml:2: clients.0.tree: \"shared\""},
		{"clients:\n  - trace: find\nevents:\n  - {at: 1us, fs_revoke: /nowhere}\n", "no such path"},
		{"clients:\n  - trace: find\nevents:\n  - {at: 1us, kill: {cluster: 0, client: 7}}\n",
		 "cluster 0 has 1 client"},
		{"protocols: {memory: mesi}\nclients:\n  - trace: find\n", "no such protocol for memory"},
		{"protocols: {capability: acks}\nclients:\n  - trace: find\n", "known to be wrong"},
		{"clients:\n  - trace: no-such-recording\n", "no-such-recording"},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct scenario *scenario = NULL;
		struct scenario_error error = {""};
		struct run *run = NULL;
		const struct run_options options = {0};
		int refused = scenario_parse(&scenario, "test.yaml", cases[i].text, strlen(cases[i].text),
					     NULL, 0, &error);
		if (!refused)
			refused = run_new(&run, scenario, &options, &error);
		assert_int_equal(refused, -1);
		assert_null(run);
		if (!strstr(error.text, cases[i].why))
			fail_msg("\"%s\" does not say \"%s\"", error.text, cases[i].why);
		scenario_free(scenario);
	}
}

static void test_a_run_that_takes_too_long_says_so(void **state)
{
	struct subject s;
	struct scenario_error error;
	const struct run_options options = {.seconds_max = 0.001};
	(void)state;
	s.scenario = scenario_of("clients:\n  - {stamps: {operations: 1000000}}\n", NULL);
	assert_int_equal(run_new(&s.run, s.scenario, &options, &error), 0);
	run_go(s.run, &s.result);
	assert_int_equal(s.result.end, RUN_TIMEOUT);
	assert_string_equal(s.result.end_text, "the time that --timeout allows is over");
	end(&s);
}

/* ---- every check can fail ---- */

static const char planted_text[] =
	"machine: {preset: seed-1000-cycles, clusters: 3}\n"
	"clients:\n  - trace: tar\n  - {stamps: {pages: 2, operations: 60, writes: 50%}}\n";

/* Runs for a while, plants, goes on; the named check, and only then, must fail. */
static void plant(void (*fault)(struct run *run), const char *check, const char *why)
{
	struct subject s;
	begin(&s, planted_text, NULL, true);
	assert_int_equal(flat_run(s.run->machine, (sim_ps)60 * 1000000), SIM_ENGINE_UNTIL);
	fault(s.run);
	run_go(s.run, &s.result);
	const struct run_check *c = check_of(&s.result, check);
	if (!c || !c->failures || !strstr(c->first, why))
		fail_msg("%s: %s", check, c ? c->first : "not checked");
	assert_true(s.result.failures >= c->failures);
	end(&s);
}

static void fault_none(struct run *run) { (void)run; }

/* Files: any byte. Stamps, whose file is made last: the number of writes. */
static void turn(struct run *run, bool stamps)
{
	const uint32_t stamps_file = run->machine->names.nodes - 1;
	assert_true(damage_pages(run->machine, stamps_file, stamps, 0, stamps ? 1 : 0x40) > 0);
}
static void fault_turn_files(struct run *run) { turn(run, false); }
static void fault_turn_stamps(struct run *run) { turn(run, true); }

/* When nobody will read any more. */
static void fault_turn_at_end(struct run *run)
{
	assert_int_equal(flat_run(run->machine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	turn(run, false);
}

static void fault_kill_silently(struct run *run) { run->group[0].killed = true; }

static void fault_log(struct run *run)
{
	for (uint64_t i = run->log->count; i--;) {
		struct inclusion_record *r = &run->log->record[i];
		if (r->kind == INCLUSION_DELIVER && r->from != r->cluster) {
			r->msg.to.index ^= 1;
			return;
		}
	}
}
static void fault_log_whole(struct run *run) { run->log->failed = true; }

static void test_every_check_of_a_run_fails_on_a_planted_fault(void **state)
{
	(void)state;
	plant(fault_turn_files, "contents", "in the plain file system");
	plant(fault_turn_at_end, "files at the end", "other bytes");
	plant(fault_turn_stamps, "stamps: coherence", "writes");
	plant(fault_kill_silently, "clients ended", "never end");
	plant(fault_log, "trace inclusion", "not the first");
	plant(fault_log_whole, "trace inclusion", "no memory");
}

static void test_nothing_fails_where_nothing_is_planted(void **state)
{
	struct subject s;
	(void)state;
	begin(&s, planted_text, NULL, true);
	flat_run(s.run->machine, (sim_ps)60 * 1000000);
	fault_none(s.run);
	run_go(s.run, &s.result);
	must_pass(&s, planted_text);
	end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_scenario_passes_all_checks_and_is_the_same_in_both_engines),
		cmocka_unit_test(test_another_seed_or_one_more_cycle_on_the_link_gives_another_digest),
		cmocka_unit_test(test_processes_fork_wait_and_exit),
		cmocka_unit_test(test_trees_of_their_own_are_all_alike_and_a_shared_one_is_shared),
		cmocka_unit_test(test_what_cannot_be_run_is_refused_with_its_place),
		cmocka_unit_test(test_a_run_that_takes_too_long_says_so),
		cmocka_unit_test(test_every_check_of_a_run_fails_on_a_planted_fault),
		cmocka_unit_test(test_nothing_fails_where_nothing_is_planted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
