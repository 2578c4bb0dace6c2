/* The parts of the command that need no run: figures, texts, options, exit codes, expectations. The command
 * as users call it is tested in tests/e2e. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/expect.h"
#include "cli/options.h"
#include "cli/result.h"
#include "cli/session.h"
#include "cli/summary.h"
#include "cli/text.h"

/* ---- texts ---- */

static void test_times_have_three_digits_and_a_unit(void **state)
{
	static const struct {
		sim_ps time;
		const char *text;
	} cases[] = {{0, "0.00 ns"},      {1500, "1.50 ns"},     {9995, "10.0 ns"},       {999499, "999 ns"},
		     {999500, "1.00 us"}, {12345678, "12.3 us"}, {999500000000, "1.00 s"}};
	char text[TEXT_BYTES];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_string_equal(text_time(text, cases[i].time), cases[i].text);
}

static void test_counts_have_commas(void **state)
{
	char text[TEXT_BYTES];
	(void)state;
	assert_string_equal(text_count(text, 0), "0");
	assert_string_equal(text_count(text, 999), "999");
	assert_string_equal(text_count(text, 1000), "1,000");
	assert_string_equal(text_count(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

static char *shell_word(const char *word)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	text_shell_word(out, word);
	fclose(out);
	return text;
}

static void test_words_are_quoted_for_a_shell(void **state)
{
	static const char *const cases[][2] = {
		{"machine.link.wire=9000cycles", "machine.link.wire=9000cycles"},
		{"a b", "'a b'"},
		{"it's", "'it'\\''s'"},
		{"", "''"},
		{"$HOME", "'$HOME'"}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char *text = shell_word(cases[i][0]);
		assert_string_equal(text, cases[i][1]);
		free(text);
	}
}

/* ---- options ---- */

static void test_options_are_read_in_every_form(void **state)
{
	static struct option_list arguments, each, many;
	bool flag = false;
	uint64_t time = 0;
	const struct cli_option options[] = {
		{"flag", OPTION_FLAG, &flag, NULL, "", 0, NULL},
		{"time", OPTION_QUANTITY, &time, "T", "", SIM_UNIT_DURATION, NULL},
		{"each", OPTION_EACH, &each, "X", "", 0, NULL},
		{"many", OPTION_MANY, &many, "X...", "", 0, NULL}};
	const struct command_line line = {.name = "t",
					  .arguments = "",
					  .about = "",
					  .arguments_max = 2,
					  .option = options,
					  .options = 4};
	char *argv[] = {(char[]){"t"},        (char[]){"one"},    (char[]){"--time=2ns"}, (char[]){"--each"},
			(char[]){"a=b"},      (char[]){"--each"}, (char[]){"c"},          (char[]){"--many"},
			(char[]){"d"},        (char[]){"e"},      (char[]){"--flag"},     (char[]){"--"},
			(char[]){"--nothing"}};
	(void)state;
	assert_int_equal(options_read(&line, 13, argv, &arguments), -1);
	assert_true(flag);
	assert_int_equal(time, 2000);
	assert_int_equal(each.count, 2);
	assert_string_equal(each.item[0], "a=b");
	assert_int_equal(many.count, 2);
	assert_string_equal(many.item[1], "e");
	assert_int_equal(arguments.count, 2);
	assert_string_equal(arguments.item[1], "--nothing");
}

/* ---- results ---- */

static struct flat_op_stats op[FLAT_OPS];
static struct flat_traffic pair[4], by_class[64];
static struct flat_stats stats = {.op = op, .pair = pair, .by_class = by_class};

static void setup_stats(void)
{
	memset(op, 0, sizeof op);
	for (int i = 1; i <= 100; i++)
		sim_histogram_record(&op[FLAT_OPEN].latency_ps, (uint64_t)i * 1000);
	op[FLAT_OPEN].messages = 250;
	op[FLAT_OPEN].share = (struct flat_share){.kernel = 1, .monitor = 2, .wire = 3, .waiting = 4};
	pair[1] = by_class[0] = (struct flat_traffic){.messages = 7, .bytes = 448};
}

static struct scenario *small_scenario(void)
{
	struct scenario *scenario = NULL;
	struct scenario_error error;
	static const char text[] = "machine: {clusters: 2}\nclients: [{stamps: {pages: 1}}]\n";
	assert_int_equal(scenario_parse(&scenario, "small", text, sizeof text - 1, NULL, 0, &error), 0);
	return scenario;
}

static void test_exit_codes_say_what_happened(void **state)
{
	static const struct {
		enum run_end end;
		uint64_t failures;
		int code;
	} cases[] = {{RUN_ENDED, 0, CLI_GOOD},           {RUN_ENDED, 1, CLI_VIOLATED},
		     {RUN_TIMEOUT, 0, CLI_INCONCLUSIVE}, {RUN_TIMEOUT, 1, CLI_VIOLATED},
		     {RUN_STUCK, 0, CLI_STUCK},          {RUN_STUCK, 3, CLI_STUCK},
		     {RUN_FAULT, 0, CLI_VIOLATED}};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(session_exit(&(struct run_result){.end = cases[i].end,
								   .failures = cases[i].failures}),
				 cases[i].code);
}

static void test_the_worse_exit_code_wins(void **state)
{
	(void)state;
	assert_int_equal(cli_worse(CLI_GOOD, CLI_VIOLATED), CLI_VIOLATED);
	assert_int_equal(cli_worse(CLI_USAGE, CLI_VIOLATED), CLI_USAGE);
	assert_int_equal(cli_worse(CLI_INCONCLUSIVE, CLI_STUCK), CLI_STUCK);
	assert_int_equal(cli_worse(CLI_GOOD, CLI_GOOD), CLI_GOOD);
}

static void test_figures_are_found_by_name(void **state)
{
	struct scenario *scenario = small_scenario();
	struct run_result result = {.stats = &stats, .digest = 0xabc, .events = 12, .virtual_ps = 1234567};
	double value;
	(void)state;
	setup_stats();
	json_t *json = result_json(scenario, &result);
	assert_string_equal(json_string_value(json_object_get(json, "digest")), "0000000000000abc");
	assert_true(result_figure(json, "virtual_ns", &value) && value == 1234.567);
	assert_true(result_figure(json, "operations.open.count", &value) && value == 100);
	assert_true(result_figure(json, "operations.open.max", &value) && value == 100);
	assert_true(result_figure(json, "operations.open.messages_per_op", &value) && value == 2.5);
	assert_true(result_figure(json, "operations.read.count", &value) && value == 0);
	assert_false(result_figure(json, "operations.raed.count", &value));
	assert_false(result_figure(json, "operations.open.p98", &value));
	assert_false(result_figure(json, "operations.open", &value));
	assert_false(result_figure(json, "digest", &value));
	json_decref(json);
	scenario_free(scenario);
}

static void test_a_message_that_is_not_utf8_is_still_json(void **state)
{
	struct scenario *scenario = small_scenario();
	struct run_result result = {
		.stats = &stats,
		.checks = 1,
		.check = {{.name = "contents", .count = 1, .failures = 1, .first = "/a\xff/b"}}};
	(void)state;
	setup_stats();
	json_t *json = result_json(scenario, &result);
	const json_t *check = json_array_get(json_object_get(json, "checks"), 0);
	assert_string_equal(json_string_value(json_object_get(check, "first")), "/a?/b");
	json_decref(json);
	scenario_free(scenario);
}

/* ---- natively ---- */

static struct sim_host host;
static struct sim_placement placement;
static struct run_host native;

static const struct run_host *setup_native(void)
{
	static const struct sim_ticks_source ticks = {.clock = {.hz = 2000000000}, .name = "CLOCK_MONOTONIC"};
	host = (struct sim_host){.visible = 4, .cpus = 2, .cores = 2, .packages = 1, .nodes = 1, .kinds = 1};
	host.cpu[0] = (struct sim_host_cpu){.number = 5, .core = 0};
	host.cpu[1] = (struct sim_host_cpu){.number = 7, .core = 1};
	placement = (struct sim_placement){.threads = 2, .cpu = {1, 0}, .text = "2 threads on CPUs 5, 7"};
	native = (struct run_host){.host = &host,
				   .placement = &placement,
				   .threads = 2,
				   .ticks = &ticks,
				   .stats = {.frames = 9, .line_requests = 4, .line_replies = 3}};
	return &native;
}

static json_int_t integer_at(const json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static void test_a_native_result_says_what_it_is_and_where_it_ran(void **state)
{
	struct scenario *scenario = small_scenario();
	struct run_result result = {.stats = &stats, .virtual_ps = 7000, .native = setup_native()};
	double value;
	(void)state;
	setup_stats();
	native.oversubscribed = true;
	json_t *json = result_json(scenario, &result);
	assert_string_equal(json_string_value(json_object_get(json, "engine")), "native");
	assert_true(json_is_true(json_object_get(json, "oversubscribed")));
	assert_true(json_is_null(json_object_get(json, "digest")));
	assert_true(json_is_null(json_object_get(json, "windows")));
	assert_false(result_figure(json, "virtual_ns", &value));
	assert_true(result_figure(json, "real_ns", &value) && value == 7);
	const json_t *where = json_object_get(json, "host");
	const json_t *thread = json_array_get(json_object_get(where, "placement"), 0);
	assert_int_equal(integer_at(thread, "cpu"), 7);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(thread, "clusters"), 0)), 0);
	assert_int_equal(integer_at(json_object_get(json, "channels"), "replies_in_place"), 3);
	json_decref(json);
	scenario_free(scenario);
}

static void test_a_whole_result_lists_its_runs(void **state)
{
	struct scenario *scenario = small_scenario();
	struct run_result virtual = {.stats = &stats, .digest = 1},
			  real = {.stats = &stats, .native = setup_native()};
	(void)state;
	setup_stats();
	json_t *json = result_whole(result_json(scenario, &virtual), result_json(scenario, &real), NULL);
	const json_t *runs = json_object_get(json, "runs");
	assert_int_equal(json_array_size(runs), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(runs, 0), "digest")),
			    json_string_value(json_object_get(json, "digest")));
	assert_null(json_object_get(json_array_get(runs, 0), "runs"));
	assert_string_equal(json_string_value(json_object_get(json_array_get(runs, 1), "engine")), "native");
	json_decref(json);
	json = result_whole(result_json(scenario, &virtual), NULL, "no CPU");
	assert_int_equal(json_array_size(json_object_get(json, "runs")), 1);
	assert_string_equal(json_string_value(json_object_get(json, "native_not_run")), "no CPU");
	json_decref(json);
	scenario_free(scenario);
}

static void test_a_run_that_others_disturbed_says_so(void **state)
{
	struct run_result result = {.wall_seconds = 1, .native = setup_native()};
	char text[RESULT_TEXT] = "";
	(void)state;
	native.stats.switches = 10;
	assert_false(result_disturbed(text, &result));
	native.stats.switches = 250;
	assert_true(result_disturbed(text, &result));
	assert_non_null(strstr(text, "250 involuntary switches"));
}

static void test_memory_says_where_it_lies_and_why(void **state)
{
	static const struct {
		bool refused, placed;
		uint32_t nodes, unbound;
		const char *text;
	} cases[] = {{false, true, 2, 0, "bound"},
		     {false, true, 2, 3, "bound, but for 3 of 8 channels: first touch"},
		     {true, true, 1, 0, "first touch (there is one node)"},
		     {true, true, 2, 0, "first touch (binding is refused here)"},
		     {false, false, 1, 0, "first touch (threads are not pinned)"}};
	char text[RESULT_TEXT];
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		setup_native();
		host.mbind_refused = cases[i].refused;
		host.nodes = cases[i].nodes;
		placement.threads = cases[i].placed ? 2 : 0;
		native.stats.unbound = cases[i].unbound;
		native.stats.channels = 8;
		result_memory(text, &native);
		assert_string_equal(text, cases[i].text);
	}
}

/* ---- summaries ---- */

/* Not inlined: gcc 12 then takes what open_memstream() made for a pointer to the local variable. */
__attribute__((noinline)) static char *summary_text(const struct summary *summary, size_t *lines)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	summary_write(out, summary);
	fclose(out);
	*lines = 0;
	for (const char *c = text; *c; c++)
		*lines += *c == '\n';
	return text;
}

static size_t lines_between(const char *text, const char *begin, const char *end)
{
	const char *from = strstr(text, begin), *to = strstr(text, end);
	size_t lines = 0;
	assert_true(from && to > from);
	for (from++; from <= to; from++)
		lines += *from == '\n';
	return lines;
}

/* The worst case: every operation, every check failed, and everything else that adds a line. */
static struct run_result worst_result(void)
{
	struct run_result result = {.end = RUN_STUCK, .end_text = "it is stuck", .stats = &stats};
	setup_stats();
	for (int i = 0; i < FLAT_OPS; i++)
		op[i] = op[FLAT_OPEN];
	for (result.checks = 0; result.checks < RUN_CHECKS; result.checks++)
		result.check[result.checks] =
			(struct run_check){.name = "check", .count = 1, .failures = 1, .first = "here"};
	result.failures = RUN_CHECKS;
	return result;
}

static void test_a_summary_has_at_most_40_lines(void **state)
{
	struct scenario *scenario = small_scenario();
	struct run_result result = worst_result();
	struct summary summary = {.run = {scenario, &result, "skerry run"}, .folder = "runs/x", .next = true};
	size_t lines;
	(void)state;
	char *text = summary_text(&summary, &lines);
	assert_in_range(lines, 30, SUMMARY_LINES_MAX);
	assert_non_null(strstr(text, "FAILED 1, first: here"));
	assert_non_null(strstr(text, "revoke"));
	free(text);
	summary.next = false;
	result.native = setup_native();
	native.stats.switches = 1000;
	native.stats.unpinned = 1;
	text = summary_text(&summary, &lines);
	assert_in_range(lines, 30, SUMMARY_LINES_MAX);
	assert_non_null(strstr(text, "disturbed others used"));
	assert_null(strstr(text, "digest"));
	free(text);
	scenario_free(scenario);
}

static void test_the_native_part_has_at_most_12_lines_and_both_50(void **state)
{
	struct scenario *scenario = small_scenario();
	struct run_result virtual = worst_result(), real = virtual;
	struct summary summary = {.run = {scenario, &virtual, "skerry run"},
				  .native = {scenario, &real, "skerry run --engine native"},
				  .folder = "runs/x",
				  .next = true};
	size_t lines;
	(void)state;
	real.native = setup_native();
	native.stats.switches = 1000;
	native.stats.unpinned = 1;
	native.oversubscribed = true;
	char *text = summary_text(&summary, &lines);
	assert_in_range(lines, 40, SUMMARY_BOTH_MAX);
	assert_in_range(lines_between(text, "\nnative    the same clients", "\nfiles "), 6,
			SUMMARY_NATIVE_MAX);
	assert_non_null(strstr(text, "19 checks, 19 facts: FAILED 19, first: check: here"));
	assert_non_null(strstr(text, "oversubscribed"));
	free(text);
	summary.native = (struct summary_run){0};
	summary.not_native = "it may not pin";
	text = summary_text(&summary, &lines);
	assert_non_null(strstr(text, "\nnative    not run: it may not pin\n"));
	free(text);
	scenario_free(scenario);
}

/* ---- expectations ---- */

static void test_a_value_is_replaced_where_it_stands(void **state)
{
	static const struct {
		const char *line, *key, *after; /* after NULL: it cannot be replaced */
	} cases[] = {
		{"  digest: 12 # 12", "digest", "  digest: X # 12"},
		{"  digest: \"12\"  # note", "digest", "  digest: \"X\"  # note"},
		{"  'digest' :  '12'", "digest", "  'digest' :  'X'"},
		{"expect: {digest: 12, checks: pass}", "digest", "expect: {digest: X, checks: pass}"},
		{"expect: {checks: pass, digest: 12}", "digest", "expect: {checks: pass, digest: X}"},
		{"  events: 1,234", "events", "  events: X"},
		{"  my.events: 3, events: 4", "events", "  my.events: 3, events: X"},
		{"  operations.open.p99: 10 us", "operations.open.p99", "  operations.open.p99: X"},
		{"  digest:", "digest", NULL},
		{"  digest: \"12", "digest", NULL},
		{"  digests: 12", "digest", NULL},
	};
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char line[80];
		snprintf(line, sizeof line, "%s", cases[i].line);
		assert_int_equal(expect_replace(line, sizeof line, cases[i].key, "X"),
				 cases[i].after != NULL);
		assert_string_equal(line, cases[i].after ? cases[i].after : cases[i].line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_have_three_digits_and_a_unit),
		cmocka_unit_test(test_counts_have_commas),
		cmocka_unit_test(test_words_are_quoted_for_a_shell),
		cmocka_unit_test(test_options_are_read_in_every_form),
		cmocka_unit_test(test_exit_codes_say_what_happened),
		cmocka_unit_test(test_the_worse_exit_code_wins),
		cmocka_unit_test(test_figures_are_found_by_name),
		cmocka_unit_test(test_a_message_that_is_not_utf8_is_still_json),
		cmocka_unit_test(test_a_native_result_says_what_it_is_and_where_it_ran),
		cmocka_unit_test(test_a_whole_result_lists_its_runs),
		cmocka_unit_test(test_a_run_that_others_disturbed_says_so),
		cmocka_unit_test(test_memory_says_where_it_lies_and_why),
		cmocka_unit_test(test_a_summary_has_at_most_40_lines),
		cmocka_unit_test(test_the_native_part_has_at_most_12_lines_and_both_50),
		cmocka_unit_test(test_a_value_is_replaced_where_it_stands),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
