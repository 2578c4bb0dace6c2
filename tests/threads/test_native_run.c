/* Whole scenarios in real time: every check of a run holds on several threads, and each of them can fail there. Nothing
 * here asks how long anything takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ssi/flat_internal.h"
#include "tests/lib/damage.h"
#include "workloads/run_internal.h"

struct subject {
	struct scenario *scenario;
	struct run *run;
	struct run_result result;
};

static void begin(struct subject *s, const char *text)
{
	const struct run_options options = {.inclusion = true};
	struct scenario_error error = {""};
	memset(s, 0, sizeof *s);
	if (scenario_parse(&s->scenario, "test", text, strlen(text), NULL, 0, &error) ||
	    run_new(&s->run, s->scenario, &options, &error))
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
	assert_non_null(r->native);
	assert_int_equal(r->digest, 0);
	if (r->end != RUN_ENDED)
		fail_msg("%s\n%s", r->end_text, text);
	for (uint32_t i = 0; i < r->checks; i++)
		if (r->check[i].failures)
			fail_msg("%s: %s\n%s", r->check[i].name, r->check[i].first, text);
}

#define NATIVE "engine: native\n"
#define CLIENTS                                                                                              \
	"clients:\n  - {trace: git, think: 1000 cycles}\n  - {trace: sqlite, think: 1000 cycles}\n"          \
	"  - {stamps: {pages: 3, operations: 150, writes: 40%}, copies: 2, think: 500 cycles}\n"

static const struct {
	const char *name, *text;
} scenarios[] = {
	{"two clusters, a thread each",
	 NATIVE "machine: {clusters: 2}\nnative: {threads: 2, oversubscribe: true}\n" CLIENTS},
	{"the shortest rings",
	 NATIVE "machine: {clusters: 4}\nnative: {threads: 2, oversubscribe: true, slots: 8}\n" CLIENTS},
	{"more threads than CPUs, no lines",
	 NATIVE "machine: {clusters: 5}\nnative: {threads: 5, oversubscribe: true, lines: false}\n" CLIENTS},
	{"one thread for all",
	 NATIVE "machine: {clusters: 3}\nnative: {threads: 1, oversubscribe: true}\n" CLIENTS},
	{"added latency",
	 NATIVE "machine: {clusters: 2}\nnative: {threads: 2, oversubscribe: true, latency: 20us}\n" CLIENTS},
	{"the service is not the first cluster, and few pages are cached",
	 NATIVE "machine: {clusters: 3}\nservice: {cluster: 2, cache_pages: 16}\n"
		"native: {threads: 3, oversubscribe: true}\n" CLIENTS},
	{"pages that everybody writes", NATIVE
	 "machine: {clusters: 6}\nnative: {threads: 3, oversubscribe: true, slots: 8}\n"
	 "clients:\n  - {stamps: {pages: 1, operations: 300, writes: 90%}, copies: 3, think: 0 cycles}\n"},
	{"files are revoked and clients killed meanwhile", NATIVE
	 "machine: {clusters: 4}\nnative: {threads: 4, oversubscribe: true}\n" CLIENTS
	 "events:\n  - {at: 300us, fs_revoke: \"/srv/demo/demo.db\", cluster: 1, client: 1}\n"
	 "  - {at: 200us, kill: {cluster: 2, client: 0}}\n  - {at: 400us, kill: {cluster: 3, client: 1}}\n"
	 "  - {at: 350us, kill: {cluster: 1, client: 2}}\n"},
	{"clients move between clusters, called and killed meanwhile", NATIVE
	 "machine: {clusters: 4}\nnative: {threads: 4, oversubscribe: true}\nprotocols: {thread: eager}\n"
	 "clients:\n  - {trace: sqlite, think: 0 cycles}\n"
	 "  - {operations: {count: 150, thread_move: 60, thread_call: 40}, copies: 2, think: 0 cycles}\n"
	 "events:\n  - {at: 200us, kill: {cluster: 2, client: 1}}\n"},
	{"and on kernels",
	 NATIVE "fidelity: full\nmachine: {clusters: 3}\nnative: {threads: 3, oversubscribe: true}\n"
		"protocols: {thread: eager}\n"
		"clients:\n  - {operations: {count: 80, thread_move: 60, thread_call: 40}, copies: 2, "
		"think: 0 cycles}\n"},
};

static void test_any_scenario_passes_all_checks_on_any_number_of_threads(void **state)
{
	uint64_t messages = 0, replies = 0, waited = 0, revoked = 0;
	(void)state;
	for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++)
		for (int round = 0; round < 2; round++) {
			struct subject s;
			begin(&s, scenarios[i].text);
			run_go(s.run, &s.result);
			must_pass(&s, scenarios[i].name);
			messages += s.result.messages;
			replies += s.result.native->stats.line_replies;
			waited += s.result.native->stats.waited;
			for (uint32_t k = 0; k < s.result.checks; k++)
				revoked += strstr(s.result.check[k].name, "confinement")
						   ? s.result.check[k].count
						   : 0;
			end(&s);
		}
	/* What was never visited was not tested. */
	assert_true(messages > 1000);
	assert_true(replies > 0);
	assert_true(waited > 0);
	assert_true(revoked > 0);
}

/* ---- every check can fail ---- */

static void turn(struct run *run)
{
	assert_int_equal(flat_run(run->machine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	assert_true(damage_pages(run->machine, run->machine->names.nodes - 1, false, 0, 0x40) > 0);
}

static void use_after_revoke(struct run *run)
{
	struct flat_machine *m = run->machine;
	assert_int_equal(flat_run(m, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	const struct flat_shard *service = m->cluster[m->config.service].shard;
	for (uint32_t i = 1; i < m->shards; i++)
		for (uint32_t g = 0; g < m->shard[i].grants; g++)
			for (uint32_t r = 0; r < service->revocations; r++)
				if (step_same(m->shard[i].grant[g].root, service->revocation[r].root)) {
					m->shard[i].grant[g].last_use = service->revocation[r].returned + 1;
					return;
				}
	fail_msg("nothing that was revoked was granted to another thread's cluster");
}

static void other_message(struct run *run)
{
	assert_int_equal(flat_run(run->machine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	for (uint64_t i = run->log[1].count; i--;) {
		struct inclusion_record *r = &run->log[1].record[i];
		if (r->kind == INCLUSION_DELIVER && r->from != r->cluster) {
			r->msg.to.index ^= 1;
			return;
		}
	}
	fail_msg("no message was taken");
}

/* A message that nobody sent: no order of the logs explains it. */
static void invented_message(struct run *run)
{
	assert_int_equal(flat_run(run->machine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	for (uint64_t i = run->log[1].count; i--;) {
		struct inclusion_record *r = &run->log[1].record[i];
		if (r->kind == INCLUSION_DELIVER && r->from != r->cluster) {
			inclusion_log_add(&run->log[1], r->cluster, r->number, INCLUSION_DELIVER, &r->msg,
					  r->at, r->from);
			return;
		}
	}
	fail_msg("no message was taken");
}

static void lost_log(struct run *run) { run->log[1].failed = true; }

static const struct {
	const char *check, *why;
	void (*plant)(struct run *run);
} planted[] = {
	{"files at the end", "other bytes", turn},
	{"confinement", "used after the revoke", use_after_revoke},
	{"trace inclusion", "not the first", other_message},
	{"trace inclusion", "did not send", invented_message},
	{"trace inclusion", "no memory", lost_log},
};

static void test_every_check_fails_on_a_planted_fault(void **state)
{
	static const char text[] =
		NATIVE "machine: {clusters: 3}\nnative: {threads: 3, oversubscribe: true}\n" CLIENTS;
	(void)state;
	for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
		struct subject s;
		bool found = false;
		begin(&s, text);
		planted[i].plant(s.run);
		run_go(s.run, &s.result);
		for (uint32_t k = 0; k < s.result.checks; k++)
			found |= s.result.check[k].failures &&
				 strstr(s.result.check[k].first, planted[i].why) &&
				 !strncmp(s.result.check[k].name, planted[i].check, strlen(planted[i].check));
		if (!found)
			fail_msg("%s: \"%s\" was not found", planted[i].check, planted[i].why);
		end(&s);
	}
}

static void test_more_clusters_than_the_host_runs_at_once_are_refused(void **state)
{
	static const char text[] = NATIVE "machine: {clusters: 1024}\nclients: [{stamps: {}}]\n";
	const struct run_options options = {0};
	struct scenario_error error = {""};
	struct scenario *scenario;
	struct run *run = NULL;
	(void)state;
	assert_int_equal(scenario_parse(&scenario, "test", text, sizeof text - 1, NULL, 0, &error), 0);
	assert_int_equal(run_new(&run, scenario, &options, &error), -1);
	assert_null(run);
	assert_non_null(strstr(error.text, "test:2: machine.clusters: \"1024\": more than this host"));
	assert_non_null(strstr(error.text, "--oversubscribe"));
	scenario_free(scenario);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_scenario_passes_all_checks_on_any_number_of_threads),
		cmocka_unit_test(test_every_check_fails_on_a_planted_fault),
		cmocka_unit_test(test_more_clusters_than_the_host_runs_at_once_are_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
