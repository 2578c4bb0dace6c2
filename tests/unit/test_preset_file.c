/* Calibrated machines: what is written is read back, what is wrong is refused with its place, and scenarios find the file
 * and take machine and costs from it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sim/calibration.h"
#include "workloads/scenario.h"

#define COSTS                                                                                                \
	"costs:\n"                                                                                           \
	"  call: {cycles: 100 cycles, source: \"measured: a\"}\n  reply: {cycles: 0, source: \"\"}\n"        \
	"  null: {cycles: 1, source: \"\"}\n  signal: {cycles: 2, source: \"\"}\n"                           \
	"  cap_create: {cycles: 3, source: \"\"}\n  cap_delete: {cycles: 4, source: \"\"}\n"                 \
	"  map: {cycles: 5, source: \"\"}\n  unmap: {cycles: 6, source: \"\"}\n  fault: {cycles: 7, "        \
	"source: \"\"}\n"                                                                                    \
	"  step: {cycles: 8, source: \"\"}\n  translate: {cycles: 9, source: \"\"}\n"                        \
	"  name: {cycles: 10, source: \"\"}\n  copy_kib: {cycles: 11, source: \"\"}\n"                       \
	"  client: {cycles: 12, source: \"\"}\n"

#define HOST                                                                                                 \
	"host: {cpu: \"Test CPU\", cpus: 3, kernel: \"Linux\", date: \"2026-01-01\", clock_source: \"a "     \
	"counter\"}\n"                                                                                       \
	"clock: 2.599997776 GHz\n"

#define NEAR                                                                                                 \
	"  - {letter: n, name: \"near\", send: 40 cycles, wire: 120 cycles, receive: 60 cycles, gap: 17 "    \
	"cycles, "                                                                                           \
	"bandwidth: 4.742 B/cycle, source: \"measured\"}\n"
#define FAR                                                                                                  \
	"  - {letter: f, name: \"far\", send: 41 cycles, wire: 320 cycles, receive: 61 cycles, gap: 0, "     \
	"bandwidth: unlimited, source: \"\"}\n"

#define GROUPS                                                                                               \
	"groups:\n  - {cpus: \"0\", links: nnf}\n  - {cpus: \"1\", links: nnf}\n  - {cpus: \"2\", links: "   \
	"fff}\n"

static const char good[] = "schema: 1\n" HOST GROUPS "links:\n" NEAR FAR COSTS;

static struct sim_calibration *read_good(const char *text)
{
	struct sim_calibration *c;
	char error[512];
	if (sim_calibration_read(&c, "host.yaml", text, strlen(text), error, sizeof error))
		fail_msg("%s", error);
	return c;
}

/* ---- the file ---- */

static void test_a_file_is_read(void **state)
{
	(void)state;
	struct sim_calibration *c = read_good(good);
	const struct sim_topology *t = &c->topology;
	assert_string_equal(c->cpu, "Test CPU");
	assert_int_equal(c->cpus, 3);
	assert_int_equal(t->clusters, 3);
	assert_int_equal(t->groups, 3);
	assert_int_equal(t->links, 2);
	assert_int_equal(t->clock.hz, 2599997776);
	assert_int_equal(sim_topology_link(t, 0, 1).send, 40);
	assert_int_equal(sim_cycles_of_ps(&t->clock, sim_topology_link(t, 0, 1).wire_ps), 120);
	assert_int_equal(sim_topology_link(t, 0, 2).receive, 61);
	assert_int_equal(sim_topology_link(t, 0, 2).ps_per_kib, 0);
	assert_string_equal(t->link_name[1], "far");
	assert_int_equal(c->cost.cycles[SIM_COST_CALL], 100);
	assert_int_equal(c->cost.cycles[SIM_COST_CLIENT], 12);
	assert_string_equal(c->cost.source[SIM_COST_CALL], "measured: a");
	sim_calibration_free(c);
}

static char *written(const struct sim_calibration *c)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	assert_non_null(out);
	assert_int_equal(sim_calibration_write(c, out), 0);
	fclose(out);
	return text;
}

static void test_what_is_written_is_read_back(void **state)
{
	(void)state;
	struct sim_calibration *first = read_good(good);
	char *text = written(first);
	struct sim_calibration *second = read_good(text);
	char *again = written(second);
	assert_string_equal(text, again);
	assert_memory_equal(first->topology.link, second->topology.link, sizeof first->topology.link);
	assert_memory_equal(first->topology.link_class, second->topology.link_class,
			    sizeof first->topology.link_class);
	assert_memory_equal(first->cost.cycles, second->cost.cycles, sizeof first->cost.cycles);
	assert_int_equal(first->topology.clock.hz, second->topology.clock.hz);
	free(text);
	free(again);
	sim_calibration_free(first);
	sim_calibration_free(second);
}

static void test_what_is_wrong_is_refused_with_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *what, *instead, *place, *words;
	} cases[] = {
		{"schema: 1\n", "schema: 2\n", "host.yaml:1: schema: ", "\"2\": this skerry reads schema 1"},
		{"schema: 1\n", "", "host.yaml:1: schema: ", "no file of skerry calibrate"},
		{"letter: n,", "leter: n,", "host.yaml:9: links.0: ", "did you mean \"letter\"?"},
		{"wire: 120 cycles", "wire: 120 ns", "host.yaml:9: links.0.wire: ", "\"120 ns\""},
		{"wire: 120 cycles", "wire: -1", "host.yaml:9: links.0.wire: ", "\"-1\""},
		{"wire: 120 cycles", "wire: 0", "host.yaml:9: links.0.wire: ", "out of range"},
		{"wire: 120 cycles, ", "",
		 "host.yaml:9: links.0.wire: ", "the key is missing; run skerry calibrate again"},
		{"4.742 B/cycle", "4.742", "host.yaml:9: links.0.bandwidth: ", "\"4.742\""},
		{FAR, "", "host.yaml:5: groups.0.links: ", "\"nnf\": no link has the letter \"f\""},
		{"letter: f", "letter: n", "host.yaml:10: links.1.letter: ", "links.0 has this letter"},
		{"links: fff", "links: ff", "host.yaml:7: groups.2.links: ", "2 letters for 3 groups"},
		{"cpus: 3,", "cpus: 2,", "host.yaml:2: host.cpus: ", "2 CPUs in 3 groups"},
		{"  step: {cycles: 8, source: \"\"}\n", "",
		 "host.yaml:12: costs.step: ", "the key is missing"},
		{"cycles: 9,", "cycles: 9us,", "costs.translate.cycles: ", "\"9us\""},
		{"  client: {cycles: 12", "  cleint: {cycles: 12", "host.yaml:", "did you mean \"client\"?"},
		{"clock: 2.599997776 GHz\n", "", "host.yaml:1: clock: ", "the key is missing"},
		{"clock: 2.599997776 GHz", "clock: 12 cycles", "host.yaml:3: clock: ", "\"12 cycles\""},
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char text[4096], error[512] = "";
		struct sim_calibration *c = NULL;
		const char *at = strstr(good, cases[i].what);
		assert_non_null(at);
		snprintf(text, sizeof text, "%.*s%s%s", (int)(at - good), good, cases[i].instead,
			 at + strlen(cases[i].what));
		if (!sim_calibration_read(&c, "host.yaml", text, strlen(text), error, sizeof error))
			fail_msg("\"%s\" is accepted", cases[i].instead);
		assert_null(c);
		if (!strstr(error, cases[i].place) || !strstr(error, cases[i].words))
			fail_msg("\"%s\" instead of \"%s\": %s", cases[i].instead, cases[i].what, error);
	}
}

static void test_the_number_of_clusters_is_free(void **state)
{
	(void)state;
	struct sim_calibration *c = read_good(good);
	struct sim_topology t;
	const char *why = "";
	assert_int_equal(sim_calibration_topology(c, 0, &t, &why), 0);
	assert_int_equal(t.clusters, 3);
	assert_int_equal(sim_calibration_topology(c, 1, &t, &why), 0);
	assert_int_equal(t.groups, 1);
	assert_int_equal(sim_calibration_topology(c, 2, &t, &why), 0);
	assert_int_equal(sim_topology_link(&t, 0, 1).send, 40);
	assert_int_equal(sim_calibration_topology(c, 9, &t, &why), 0);
	assert_int_equal(sim_topology_link(&t, 0, 1).send, 40); /* of one group */
	assert_int_equal(sim_topology_link(&t, 0, 8).send, 41);
	assert_int_equal(sim_topology_link(&t, 7, 8).send, 41); /* two clusters of the last group */
	assert_int_equal(sim_calibration_topology(c, SIM_CLUSTERS_MAX + 1, &t, &why), -EINVAL);
	assert_non_null(strstr(why, "clusters"));
	sim_calibration_free(c);
}

/* ---- scenarios ---- */

static char folder[64], file[128];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof folder, "test-preset-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(file, sizeof file, "%s/host.yaml", folder);
	FILE *out = fopen(file, "w");
	if (!out)
		return -1;
	fputs(good, out);
	return fclose(out);
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(file);
	return rmdir(folder);
}

static struct scenario *parse(const char *name, const char *const *sets, uint32_t count,
			      struct scenario_error *error)
{
	static const char text[] = "clients: [{stamps: {}}]\n";
	struct scenario *scenario = NULL;
	*error = (struct scenario_error){""};
	return scenario_parse(&scenario, name, text, strlen(text), sets, count, error) ? NULL : scenario;
}

static struct scenario *parse_good(const char *name, const char *const *sets, uint32_t count)
{
	struct scenario_error error;
	struct scenario *scenario = parse(name, sets, count, &error);
	if (!scenario)
		fail_msg("%s", error.text);
	return scenario;
}

static void test_a_scenario_takes_machine_and_costs_from_the_file(void **state)
{
	(void)state;
	char set[256];
	const char *sets[] = {set, "cost.profile=sel4-haswell", "cost.step=77", "machine.link.wire=5"};
	snprintf(set, sizeof set, "machine.preset=%s", file);
	struct scenario *s = parse_good("test.yaml", sets, 1);
	assert_int_equal(s->topology.clusters, 3);
	assert_int_equal(s->cost.cycles[SIM_COST_CALL], 100);
	scenario_free(s);
	s = parse_good("test.yaml", sets, 4); /* what the scenario names goes before the file */
	assert_int_equal(s->cost.cycles[SIM_COST_CALL], 787);
	assert_int_equal(s->cost.cycles[SIM_COST_STEP], 77);
	assert_int_equal(sim_cycles_of_ps(&s->topology.clock, s->topology.link[1].wire_ps), 5);
	scenario_free(s);
}

static void test_a_file_beside_the_scenario_is_found(void **state)
{
	(void)state;
	char name[128];
	const char *sets[] = {"machine.preset=host.yaml", "machine.clusters=2"};
	snprintf(name, sizeof name, "%s/test.yaml", folder);
	struct scenario *s = parse_good(name, sets, 2);
	assert_int_equal(s->topology.clusters, 2);
	assert_int_equal(s->topology.preset[0], '/');
	scenario_free(s);
}

static char *resolved(const struct scenario *s)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	assert_non_null(out);
	assert_int_equal(scenario_write(s, out), 0);
	fclose(out);
	return text;
}

static void test_the_resolved_scenario_reads_back(void **state)
{
	(void)state;
	char set[256];
	const char *sets[] = {set, "machine.clusters=7"};
	struct scenario_error error;
	struct scenario *again;
	snprintf(set, sizeof set, "machine.preset=%s", file);
	struct scenario *s = parse_good("test.yaml", sets, 2);
	char *text = resolved(s);
	if (scenario_parse(&again, "elsewhere.yaml", text, strlen(text), NULL, 0, &error))
		fail_msg("%s\n%s", error.text, text);
	assert_memory_equal(s->topology.link, again->topology.link, sizeof s->topology.link);
	assert_memory_equal(s->cost.cycles, again->cost.cycles, sizeof s->cost.cycles);
	assert_int_equal(again->topology.clusters, 7);
	free(text);
	scenario_free(s);
	scenario_free(again);
}

static void expect_refused(const char *set, const char *words)
{
	struct scenario_error error;
	assert_null(parse("test.yaml", &set, 1, &error));
	if (!strstr(error.text, words))
		fail_msg("%s: %s", set, error.text);
}

static void test_a_preset_that_is_neither_name_nor_file_is_refused(void **state)
{
	(void)state;
	char set[256], broken[160];
	expect_refused("machine.preset=opteron", "did you mean \"opteron-8x4\"?");
	expect_refused("machine.preset=zzzz.yaml", "neither a preset nor a file that can be read");
	snprintf(set, sizeof set, "machine.preset=%s", folder);
	expect_refused(set, "neither a preset nor a file that can be read");
	snprintf(broken, sizeof broken, "%s/broken.yaml", folder);
	FILE *out = fopen(broken, "w");
	assert_non_null(out);
	fputs("schema: 1\nhots: {}\n", out);
	fclose(out);
	snprintf(set, sizeof set, "machine.preset=%s", broken);
	expect_refused(set, "broken.yaml:2: unknown key \"hots\"; did you mean \"host\"?");
	unlink(broken);
}

static void test_a_presets_name_goes_before_a_file(void **state)
{
	(void)state;
	const char *set = "machine.preset=scc-mesh";
	struct scenario *s = parse_good("test.yaml", &set, 1);
	assert_null(s->calibration);
	assert_string_equal(s->cost.name, "sel4-skylake");
	scenario_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_file_is_read),
		cmocka_unit_test(test_what_is_written_is_read_back),
		cmocka_unit_test(test_what_is_wrong_is_refused_with_its_place),
		cmocka_unit_test(test_the_number_of_clusters_is_free),
		cmocka_unit_test(test_a_scenario_takes_machine_and_costs_from_the_file),
		cmocka_unit_test(test_a_file_beside_the_scenario_is_found),
		cmocka_unit_test(test_the_resolved_scenario_reads_back),
		cmocka_unit_test(test_a_preset_that_is_neither_name_nor_file_is_refused),
		cmocka_unit_test(test_a_presets_name_goes_before_a_file),
	};
	return cmocka_run_group_tests(tests, make_folder, remove_folder) ? 1 : 0;
}
