/* Scenarios: what is refused and with which words (tests/corpus/scenario), what is read, and that what is
 * written is read back the same. Runs in the project's root folder; needs the built-in scenarios, and of
 * the built-in traces only the names. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "workloads/embedded.h"
#include "workloads/scenario.h"

#define CORPUS "tests/corpus/scenario"

static char *read_file(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	if (!file)
		return NULL;
	char *text = malloc(1 << 21);
	assert_non_null(text);
	*bytes = fread(text, 1, (1 << 21) - 1, file);
	text[*bytes] = 0;
	fclose(file);
	return text;
}

static struct scenario *parse(const char *text, const char *const *sets, uint32_t sets_count)
{
	struct scenario *scenario;
	struct scenario_error error;
	if (scenario_parse(&scenario, "test.yaml", text, strlen(text), sets, sets_count, &error))
		fail_msg("%s", error.text);
	return scenario;
}

/* ---- the corpus ---- */

static int is_case(const struct dirent *entry)
{
	const char *dot = strrchr(entry->d_name, '.');
	return dot && !strcmp(dot, ".yaml");
}

/* Returns 1 if the case is a good scenario. */
static int run_case(const char *name)
{
	char path[512], *sets_text, *expected, *text, *rest = NULL;
	const char *sets[8];
	uint32_t sets_count = 0;
	size_t bytes = 0, length = 0;
	int stem = (int)(strrchr(name, '.') - name);
	struct scenario *scenario = NULL;
	struct scenario_error error = {""};
	snprintf(path, sizeof path, CORPUS "/%s", name);
	text = read_file(path, &bytes);
	snprintf(path, sizeof path, CORPUS "/%.*s.sets", stem, name);
	sets_text = read_file(path, &length);
	snprintf(path, sizeof path, CORPUS "/%.*s.expected", stem, name);
	expected = read_file(path, &length);
	if (!text || !expected)
		fail_msg("%s: no such file", path);
	for (char *line = sets_text ? strtok_r(sets_text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest))
		sets[sets_count++] = line;
	int result = scenario_parse(&scenario, name, text, bytes, sets, sets_count, &error);
	expected[strcspn(expected, "\n")] = 0;
	if (strcmp(result ? error.text : "ok", expected))
		fail_msg("%s:\n  is       %s\n  expected %s", name, result ? error.text : "ok", expected);
	assert_true(result ? !scenario : scenario != NULL);
	scenario_free(scenario);
	free(text);
	free(sets_text);
	free(expected);
	return !result;
}

static void test_every_case_of_the_corpus_has_its_message(void **state)
{
	(void)state;
	struct dirent **entries;
	int count = scandir(CORPUS, &entries, is_case, alphasort), good = 0;
	if (count < 0)
		fail_msg(CORPUS " is missing: run this in the project's root folder");
	for (int i = 0; i < count; i++) {
		good += run_case(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	assert_true(good >= 10);
	assert_true(count - good >= 165);
}

/* ---- files ---- */

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "scenario-test-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	static const char *const names[] = {"a.yaml", "own trace.strace", "fifo", "big.yaml", "secret.yaml"};
	char path[128];
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		unlink(path);
	}
	return rmdir(folder);
}

static const char *in_folder(const char *name)
{
	static char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(in_folder(name), "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static void expect_unreadable(const char *file, const char *message)
{
	struct scenario *scenario = NULL;
	struct scenario_error error = {""};
	char expected[512];
	assert_int_equal(scenario_read(&scenario, file, NULL, 0, &error), -1);
	snprintf(expected, sizeof expected, "%s: %s", file, message);
	assert_string_equal(error.text, expected);
	assert_null(scenario);
}

static void test_what_is_no_readable_file_is_refused(void **state)
{
	(void)state;
	struct scenario *scenario = NULL;
	struct scenario_error error = {""};
	expect_unreadable(folder, "a folder, not a file; name a scenario in it");
	expect_unreadable("revoek", "there is no such file; did you mean \"revoke\"?");
	assert_int_equal(scenario_read(&scenario, in_folder("none.yaml"), NULL, 0, &error), -1);
	assert_non_null(
		strstr(error.text,
		       "/none.yaml: there is no such file; built-in scenarios: capabilities, chain, demo, "));
	expect_unreadable("LICENSE/x.yaml", "cannot be read: Not a directory; give a readable scenario");
	assert_int_equal(mkfifo(in_folder("fifo"), 0600), 0);
	expect_unreadable(in_folder("fifo"), "not a regular file; copy it to one");
	write_file("secret.yaml", "clients: [{stamps: {}}]\n");
	assert_int_equal(chmod(in_folder("secret.yaml"), 0), 0);
	if (geteuid() != 0) /* root may read it */
		expect_unreadable(in_folder("secret.yaml"),
				  "cannot be read: Permission denied; give a readable scenario");
}

static void test_a_huge_file_is_refused(void **state)
{
	(void)state;
	write_file("big.yaml", "clients: [{stamps: {}}]\n");
	assert_int_equal(truncate(in_folder("big.yaml"), (off_t)1 << 40), 0); /* sparse */
	expect_unreadable(in_folder("big.yaml"), "larger than 1 MiB; this is hardly a scenario");
}

static void test_a_long_file_name_leaves_room_for_the_message(void **state)
{
	(void)state;
	char name[600];
	struct scenario *scenario = NULL;
	struct scenario_error error = {""};
	memset(name, 'n', sizeof name - 1);
	name[sizeof name - 1] = 0;
	assert_int_equal(scenario_read(&scenario, name, NULL, 0, &error), -1);
	assert_non_null(
		strstr(error.text, "nnn: cannot be read: File name too long; give a readable scenario"));
	assert_int_equal(scenario_parse(&scenario, name, "seed: x", 7, NULL, 0, &error), -1);
	assert_non_null(strstr(error.text, "...:1: seed: \"x\": a whole number is expected"));
}

static void test_a_trace_is_found_beside_the_scenario_and_in_the_current_folder(void **state)
{
	(void)state;
	struct scenario *scenario;
	struct scenario_error error;
	char absolute[4096];
	write_file("own trace.strace", "\n");
	assert_non_null(realpath(in_folder("own trace.strace"), absolute));
	write_file("a.yaml", "clients: [{trace: own trace.strace}]\n");
	if (scenario_read(&scenario, in_folder("a.yaml"), NULL, 0, &error))
		fail_msg("%s", error.text);
	assert_string_equal(scenario->clients[0].trace, absolute);
	assert_string_equal(scenario->clients[0].name, "own-trace");
	assert_string_equal(scenario->name, "a");
	assert_string_equal(scenario->file, in_folder("a.yaml"));
	scenario_free(scenario);
	char set[160];
	snprintf(set, sizeof set, "clients.0.trace=%s", in_folder("own trace.strace"));
	const char *sets[] = {set};
	scenario = parse("clients: [{trace: tar}]\n", sets, 1);
	assert_string_equal(scenario->clients[0].trace, absolute);
	scenario_free(scenario);
}

static void test_a_missing_trace_is_reported_where_it_is_named(void **state)
{
	(void)state;
	struct scenario *scenario = NULL;
	struct scenario_error error;
	write_file("a.yaml", "name: a\nclients:\n  - stamps: {}\n  - trace: none.strace\n");
	assert_int_equal(scenario_read(&scenario, in_folder("a.yaml"), NULL, 0, &error), -1);
	assert_non_null(strstr(error.text,
			       "/a.yaml:4: clients.1.trace: \"none.strace\": neither a built-in trace nor a "
			       "file that can be read; built-in traces: "));
}

/* ---- what is read ---- */

static void test_defaults_are_those_of_the_header(void **state)
{
	(void)state;
	struct scenario *s = parse("clients: [{stamps: {}}, {trace: tar}]\n", NULL, 0);
	assert_string_equal(s->name, "test");
	assert_string_equal(s->about, "");
	assert_int_equal(s->seed, 1);
	assert_int_equal(s->engine, SIM_ENGINE_WINDOW);
	assert_string_equal(s->topology.preset, "seed-1000-cycles");
	assert_int_equal(s->topology.clusters, 16);
	assert_string_equal(s->cost.name, "sel4-skylake");
	assert_string_equal(s->capability, "tree");
	assert_string_equal(s->memory, "msi");
	assert_int_equal(s->service_cluster, 0);
	assert_int_equal(s->cache_pages, 16384);
	assert_int_equal(s->events_count, 0);
	assert_int_equal(s->expect_count, 0);
	assert_int_equal(s->clients_count, 2);
	const struct scenario_clients *stamps = &s->clients[0], *trace = &s->clients[1];
	assert_null(stamps->trace);
	assert_string_equal(stamps->name, "stamps");
	assert_true(stamps->pages == 4 && stamps->operations == 200 && stamps->write_percent == 20);
	assert_string_equal(trace->trace, "tar");
	assert_string_equal(trace->name, "tar");
	assert_true(trace->on.all && trace->copies == 1 && trace->repeat == 1 && trace->think == 1000);
	assert_int_equal(trace->tree, SCENARIO_PRIVATE);
	assert_int_equal(trace->line, 1);
	scenario_free(s);
}

static void test_each_link_key_changes_every_link(void **state)
{
	(void)state;
	const char *const sets[] = {"machine.link.send=11", "machine.link.wire=12 cycles",
				    "machine.link.receive=13", "machine.link.gap=14",
				    "machine.link.bandwidth=unlimited"};
	struct scenario *s =
		parse("machine: {preset: opteron-8x4, clock: 1GHz}\nclients: [{stamps: {}}]\n", sets, 5);
	for (uint32_t to = 1; to < 32; to++) {
		struct sim_link link = sim_topology_link(&s->topology, 0, to);
		assert_true(link.send == 11 && link.wire_ps == 12000 && link.receive == 13 && link.gap == 14);
		assert_int_equal(link.ps_per_kib, 0);
	}
	scenario_free(s);
}

static void test_a_key_that_is_not_given_changes_no_link(void **state)
{
	(void)state;
	const char *const sets[] = {"machine.link.gap=5"};
	struct scenario *s = parse("machine: {preset: xeon-e5-2670v2}\nclients: [{stamps: {}}]\n", sets, 1);
	assert_int_equal(sim_topology_link(&s->topology, 0, 1).send, 63);
	assert_int_equal(sim_topology_link(&s->topology, 0, 19).send, 196);
	assert_int_equal(sim_topology_link(&s->topology, 0, 19).gap, 5);
	scenario_free(s);
}

static void test_every_cost_can_be_changed_by_its_name(void **state)
{
	(void)state;
	for (uint32_t kind = 0; kind < SIM_COST_KINDS; kind++) {
		char set[64];
		const char *sets[] = {set};
		snprintf(set, sizeof set, "cost.%s=4321 cycles", sim_cost_name[kind]);
		struct scenario *s = parse("clients: [{stamps: {}}]\n", sets, 1);
		for (uint32_t other = 0; other < SIM_COST_KINDS; other++) {
			bool changed = s->cost.cycles[other] != sim_cost_profiles[0]->cycles[other];
			assert_int_equal(changed, other == kind);
		}
		assert_int_equal(s->cost.cycles[kind], 4321);
		assert_string_equal(s->cost.source[kind], "the scenario");
		scenario_free(s);
	}
}

static void test_events_and_expectations_are_read(void **state)
{
	(void)state;
	struct scenario *s = parse("machine: {clusters: 4}\n"
				   "clients: [{stamps: {}, copies: 2}, {stamps: {}, on: others}]\n"
				   "events:\n"
				   "  - {at: 500us, fs_revoke: /srv/demo/x, cluster: 3, client: 2}\n"
				   "  - {at: 1ms, kill: {cluster: 0, client: 1}}\n"
				   "expect:\n"
				   "  checks: pass\n"
				   "  operations.open.p99: <= 1.5us\n"
				   "  digest: \"0123456789abcdef\"\n"
				   "  operations.obtain.messages_per_op: 2\n"
				   "  events: \">= 1,000\"\n",
				   NULL, 0);
	assert_int_equal(s->events_count, 2);
	assert_int_equal(s->events[0].kind, SCENARIO_FS_REVOKE);
	assert_int_equal(s->events[0].at, 500000000);
	assert_string_equal(s->events[0].path, "/srv/demo/x");
	assert_true(s->events[0].cluster == 3 && s->events[0].client == 2 && s->events[0].line == 4);
	assert_int_equal(s->events[1].kind, SCENARIO_KILL);
	assert_true(s->events[1].cluster == 0 && s->events[1].client == 1);
	assert_int_equal(s->expect_count, 5);
	assert_string_equal(s->expect[0].text, "pass");
	assert_int_equal(s->expect[1].op, SCENARIO_LE);
	assert_true(s->expect[1].value == 1500.0);
	assert_string_equal(s->expect[2].what, "digest");
	assert_string_equal(s->expect[2].text, "0123456789abcdef");
	assert_int_equal(s->expect[3].op, SCENARIO_EQ);
	assert_true(s->expect[3].value == 2.0);
	assert_int_equal(s->expect[4].op, SCENARIO_GE);
	assert_true(s->expect[4].value == 1000.0);
	assert_int_equal(s->expect[4].line, 11);
	scenario_free(s);
}

static void test_the_last_client_of_a_cluster_can_be_killed_and_the_next_cannot(void **state)
{
	(void)state;
	static const char text[] =
		"clients: [{stamps: {}, copies: 2}, {stamps: {}, on: others}, {stamps: {}, on: 3-4}]\n";
	const char *good[] = {"events=[{at: 0s, kill: {cluster: 3, client: 3}}]"};
	const char *bad[] = {"events=[{at: 0s, kill: {cluster: 5, client: 3}}]"};
	struct scenario *s = parse(text, good, 1);
	scenario_free(s);
	struct scenario_error error;
	assert_int_equal(scenario_parse(&s, "t", text, strlen(text), bad, 1, &error), -1);
	assert_non_null(strstr(error.text, "\"3\": cluster 5 has 3 clients, counted from 0"));
}

static void test_sets_apply_in_order(void **state)
{
	(void)state;
	const char *const sets[] = {"seed=2", "seed=3", "machine.clusters=1024"};
	struct scenario *s = parse("seed: 9\nclients: [{stamps: {}}]\n", sets, 3);
	assert_int_equal(s->seed, 3);
	assert_int_equal(s->topology.clusters, 1024);
	scenario_free(s);
}

static void test_a_later_complaint_has_its_place(void **state)
{
	(void)state;
	const char *const sets[] = {"protocols.memory=msi"};
	struct scenario_error error;
	struct scenario *s = parse("protocols:\n  capability: twig\nclients: [{stamps: {}}]\n", sets, 1);
	assert_int_equal(scenario_complain(s, &error, "protocols.capability", s->capability,
					   "there is no %s; %s", "such", "use tree"),
			 -1);
	assert_string_equal(error.text,
			    "test.yaml:2: protocols.capability: \"twig\": there is no such; use tree");
	scenario_complain(s, &error, "protocols.memory", "msi", "no");
	assert_string_equal(error.text, "--set protocols.memory=msi: \"msi\": no");
	scenario_complain(s, &error, "clients.0.tree", NULL, "no");
	assert_string_equal(error.text, "test.yaml:3: clients.0.tree: no");
	scenario_free(s);
}

/* ---- what is written ---- */

static char *written(const struct scenario *scenario)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	assert_non_null(out);
	assert_int_equal(scenario_write(scenario, out), 0);
	fclose(out);
	return text;
}

static void assert_same_text(const char *a, const char *b)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a)
		assert_string_equal(a, b);
}

static void assert_same_lists(const struct scenario *a, const struct scenario *b)
{
	assert_int_equal(a->clients_count, b->clients_count);
	for (uint32_t i = 0; i < a->clients_count; i++) {
		const struct scenario_clients *x = &a->clients[i], *y = &b->clients[i];
		assert_same_text(x->trace, y->trace);
		assert_same_text(x->name, y->name);
		assert_true(x->on.all == y->on.all && x->on.others == y->on.others &&
			    x->on.first == y->on.first && x->on.last == y->on.last);
		assert_true(x->copies == y->copies && x->repeat == y->repeat && x->tree == y->tree);
		assert_true(x->think == y->think && x->pages == y->pages && x->operations == y->operations);
		assert_int_equal(x->write_percent, y->write_percent);
	}
	assert_int_equal(a->events_count, b->events_count);
	for (uint32_t i = 0; i < a->events_count; i++) {
		const struct scenario_event *x = &a->events[i], *y = &b->events[i];
		assert_true(x->kind == y->kind && x->at == y->at && x->cluster == y->cluster &&
			    x->client == y->client);
		assert_same_text(x->path, y->path);
	}
	assert_int_equal(a->expect_count, b->expect_count);
	for (uint32_t i = 0; i < a->expect_count; i++) {
		const struct scenario_expect *x = &a->expect[i], *y = &b->expect[i];
		assert_same_text(x->what, y->what);
		assert_same_text(x->text, y->text);
		assert_true(x->op == y->op && x->value == y->value);
	}
}

static void assert_same_scenario(const struct scenario *a, const struct scenario *b)
{
	assert_same_text(a->name, b->name);
	assert_same_text(a->about, b->about);
	assert_same_text(a->capability, b->capability);
	assert_same_text(a->memory, b->memory);
	assert_true(a->seed == b->seed && a->engine == b->engine);
	assert_true(a->service_cluster == b->service_cluster && a->cache_pages == b->cache_pages);
	assert_memory_equal(&a->topology, &b->topology, sizeof a->topology);
	assert_memory_equal(a->cost.cycles, b->cost.cycles, sizeof a->cost.cycles);
	assert_same_text(a->cost.name, b->cost.name);
	assert_same_lists(a, b);
}

/* Writes the scenario, reads that, and compares values and texts. */
static void assert_round_trip(const struct scenario *scenario)
{
	struct scenario *again;
	struct scenario_error error;
	char *text = written(scenario), *text_again;
	if (scenario_parse(&again, "again.yaml", text, strlen(text), NULL, 0, &error))
		fail_msg("%s\n%s", error.text, text);
	assert_same_scenario(scenario, again);
	text_again = written(again);
	assert_string_equal(text, text_again);
	free(text);
	free(text_again);
	scenario_free(again);
}

/* Sets that any shipped scenario bears, alone and together. */
static const char *const bearable[] = {
	"seed=9223372036854775807",
	"engine=heap",
	"about=quotes \" and \\ and # and : and \xe6\x97\xa5",
	"machine.preset=xeon-e5-2670v2",
	"machine.preset=opteron-8x4",
	"machine.clusters=48",
	"machine.preset=scc-mesh",
	"machine.clock=3.333333333GHz",
	"machine.link={send: 7, wire: 1, gap: 999}",
	"machine.link.bandwidth=0.333 B/cycle",
	"machine.link.bandwidth=unlimited",
	"cost.profile=sel4-tx1",
	"cost.call=1,234 cycles",
	"protocols.capability=owner",
	"service={cluster: 1, cache_pages: 77}",
	"clients.0.on=1-5",
	"clients.0.copies=3",
	"clients.0.think=0",
	"events=[{at: 1.234567us, fs_revoke: '/a \" b', cluster: 1}, {at: 10000s, kill: {cluster: 2}}]",
	"expect.operations.open.p99=<= 1.000001 us",
	"expect.operations.open.p50=1001ps", /* 1.001 * 1000 is less than 1001 in binary */
	"expect.operations.open.max=>= 999.999999999 s",
	"expect.operations.obtain.messages_per_op=2.125",
	"expect.virtual_ns=1000000000000000",
	"expect.digest=fedcba9876543210",
};
#define BEARABLE (sizeof bearable / sizeof *bearable)

static void test_what_is_written_is_read_back_the_same(void **state)
{
	(void)state;
	unsigned shipped = 0;
	for (const struct embedded_file *file = embedded_files; file->name; file++) {
		struct scenario *s;
		struct scenario_error error;
		/* Two clusters do not fit every preset that is set below; others are read back all the same. */
		if (strncmp(file->name, "scenarios/", 10) || !strcmp(file->name, "scenarios/native.yaml") ||
		    !strcmp(file->name, "scenarios/thousand.yaml"))
			continue;
		shipped++;
		for (size_t i = 0; i <= BEARABLE; i++) {
			/* Each alone, then all that came before it, so that presets meet every other set. */
			const char *const *sets = bearable;
			for (unsigned all = 0; all < 2; all++) {
				uint32_t count = all ? (uint32_t)i : i < BEARABLE;
				if (scenario_parse(&s, file->name, file->text, file->bytes,
						   all ? sets : sets + i, count, &error))
					fail_msg("%s", error.text);
				assert_round_trip(s);
				scenario_free(s);
			}
		}
	}
	assert_true(shipped >= 5);
}

static void test_the_demonstration_is_built_in(void **state)
{
	(void)state;
	struct scenario *s = NULL, *named = NULL;
	struct scenario_error error;
	if (scenario_read(&s, NULL, NULL, 0, &error) || scenario_read(&named, "demo", NULL, 0, &error))
		fail_msg("%s", error.text);
	assert_string_equal(s->file, "(built in) demo");
	assert_string_equal(s->name, "demonstration");
	assert_int_equal(s->topology.clusters, 16);
	assert_true(*s->about);
	assert_same_scenario(s, named);
	scenario_free(s);
	scenario_free(named);
	assert_null(embedded_find("scenarios/demo"));
}

static void test_every_shipped_scenario_says_what_it_shows(void **state)
{
	(void)state;
	for (const struct embedded_file *file = embedded_files; file->name; file++) {
		struct scenario *s;
		struct scenario_error error;
		if (strncmp(file->name, "scenarios/", 10))
			continue;
		if (scenario_parse(&s, file->name, file->text, file->bytes, NULL, 0, &error))
			fail_msg("%s", error.text);
		assert_true(strlen(s->about) > 20);
		assert_true(s->expect_count >= 1);
		scenario_free(s);
	}
}

static void test_the_reference_names_the_keys(void **state)
{
	(void)state;
	static const char *const keys[] = {"`machine.link.bandwidth`", "`cost.copy_kib`",
					   "`clients[].stamps.writes`", "`events[].kill.client`", "`expect`"};
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	assert_non_null(out);
	assert_int_equal(scenario_write_reference(out), 0);
	fclose(out);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		assert_non_null(strstr(text, keys[i]));
	free(text);
}

static void test_a_full_disk_is_an_error(void **state)
{
	(void)state;
	struct scenario *s = parse("clients: [{stamps: {}}]\n", NULL, 0);
	FILE *full = fopen("/dev/full", "w");
	if (full) {
		setvbuf(full, NULL, _IONBF, 0);
		assert_true(scenario_write(s, full) < 0);
		fclose(full);
	}
	scenario_free(s);
	scenario_free(NULL);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_case_of_the_corpus_has_its_message),
		IN_FOLDER(test_what_is_no_readable_file_is_refused),
		IN_FOLDER(test_a_huge_file_is_refused),
		cmocka_unit_test(test_a_long_file_name_leaves_room_for_the_message),
		IN_FOLDER(test_a_trace_is_found_beside_the_scenario_and_in_the_current_folder),
		IN_FOLDER(test_a_missing_trace_is_reported_where_it_is_named),
		cmocka_unit_test(test_defaults_are_those_of_the_header),
		cmocka_unit_test(test_each_link_key_changes_every_link),
		cmocka_unit_test(test_a_key_that_is_not_given_changes_no_link),
		cmocka_unit_test(test_every_cost_can_be_changed_by_its_name),
		cmocka_unit_test(test_events_and_expectations_are_read),
		cmocka_unit_test(test_the_last_client_of_a_cluster_can_be_killed_and_the_next_cannot),
		cmocka_unit_test(test_sets_apply_in_order),
		cmocka_unit_test(test_a_later_complaint_has_its_place),
		cmocka_unit_test(test_what_is_written_is_read_back_the_same),
		cmocka_unit_test(test_the_demonstration_is_built_in),
		cmocka_unit_test(test_every_shipped_scenario_says_what_it_shows),
		cmocka_unit_test(test_the_reference_names_the_keys),
		cmocka_unit_test(test_a_full_disk_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
