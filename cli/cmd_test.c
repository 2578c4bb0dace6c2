/* skerry test: runs scenarios and compares with what they expect. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli/cli.h"
#include "cli/expect.h"
#include "cli/junit.h"
#include "cli/progress.h"
#include "cli/result.h"
#include "cli/session.h"
#include "sim/check.h"

struct tests {
	char **file;
	struct junit_case *cases;
	uint32_t count, room;
	uint64_t timeout_ps;
	const char *junit, *engine;
	bool update, oversubscribe;
};

static void add_file(struct tests *tests, const char *folder, const char *name)
{
	if (tests->count == tests->room) {
		tests->room = tests->room ? 2 * tests->room : 64;
		tests->file = realloc(tests->file, tests->room * sizeof *tests->file);
		SIM_CHECK(tests->file != NULL);
	}
	SIM_CHECK(asprintf(&tests->file[tests->count++], "%s%s%s", folder ? folder : "", folder ? "/" : "",
			   name) >= 0);
}

static int is_scenario(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);
	return length > 5 && entry->d_name[0] != '.' && !strcmp(entry->d_name + length - 5, ".yaml");
}

/* By bytes: the order must not depend on the locale. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct tests *tests, const char *folder)
{
	struct dirent **entries;
	size_t length = strlen(folder);
	char *plain = strndup(folder, length > 1 && folder[length - 1] == '/' ? length - 1 : length);
	int count = scandir(folder, &entries, is_scenario, by_name), code = 0;
	SIM_CHECK(plain != NULL);
	if (count < 0)
		code = cli_fail(CLI_USAGE, "%s cannot be read: %s", folder, strerror(errno));
	else if (!count)
		code = cli_fail(CLI_USAGE,
				"%s holds no scenario (*.yaml); name a folder that does, or a file", folder);
	for (int i = 0; i < count; i++) {
		add_file(tests, plain, entries[i]->d_name);
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	free(plain);
	return code;
}

static int add_arguments(struct tests *tests, const struct option_list *arguments)
{
	struct stat status;
	int code = 0;
	for (uint32_t i = 0; i < arguments->count; i++) {
		const char *name = arguments->item[i];
		if (!stat(name, &status) && S_ISDIR(status.st_mode))
			code = cli_worse(code, add_folder(tests, name));
		else
			add_file(tests, NULL, name);
	}
	return code;
}

/* ---- one scenario ---- */

/* Lists what differs; returns how much. */
static uint32_t list_differences(FILE *out, const struct session *session, const json_t *json)
{
	struct expect_outcome outcome;
	uint32_t differences = 0;
	const struct run_result *result = &session->result;
	if (result->end != RUN_ENDED)
		fprintf(out, "the run did not end: %s\n", result->end_text);
	for (uint32_t i = 0; i < result->checks; i++)
		if (result->check[i].failures && ++differences)
			fprintf(out, "check %s: %llu failed, first: %s\n", result->check[i].name,
				(unsigned long long)result->check[i].failures, result->check[i].first);
	for (uint32_t i = 0; i < session->scenario->expect_count; i++) {
		const struct scenario_expect *expect = &session->scenario->expect[i];
		expect_compare(expect, json, &outcome);
		if (outcome.met)
			continue;
		fprintf(out, "line %d: %s: expected %s, actual %s\n", expect->line, expect->what,
			outcome.expected, outcome.actual);
		differences++;
	}
	return differences + (result->end != RUN_ENDED);
}

/* A digest that changed with the model is no regression, but must be looked at. */
static void note_model(FILE *out, const struct scenario *scenario)
{
	for (uint32_t i = 0; i < scenario->expect_count; i++)
		if (!strcmp(scenario->expect[i].what, "model_version") &&
		    scenario->expect[i].value != RUN_MODEL_VERSION)
			fprintf(out, "the expectation is of another model_version: --update rewrites it\n");
}

static void judge(struct tests *tests, struct junit_case *c, const char *file, struct session *session)
{
	size_t bytes;
	json_t *json = result_json(session->scenario, &session->result);
	bool sound = session_exit(&session->result) == CLI_GOOD;
	/* A run that fails its checks has no figures worth keeping. */
	if (tests->update && sound && expect_update(file, session->scenario, json, stdout) > 0) {
		json_decref(json);
		return;
	}
	FILE *out = open_memstream(&c->text, &bytes);
	SIM_CHECK(out != NULL);
	if (list_differences(out, session, json)) {
		c->outcome = JUNIT_FAILED;
		note_model(out, session->scenario);
		fprintf(out, "it happens again with: %s\n", session->replay);
	}
	fclose(out);
	json_decref(json);
}

/* What only virtual time has cannot be expected of a native run; that is said before it runs. */
static int check_expectations(const struct session *session)
{
	static const char *const virtual_only[] = {"digest", "virtual_ns", NULL};
	struct scenario_error error = {""};
	char key[64];
	for (uint32_t i = 0; session_is_native(session) && i < session->scenario->expect_count; i++) {
		const char *what = session->scenario->expect[i].what;
		snprintf(key, sizeof key, "expect.%.50s", what);
		for (const char *const *name = virtual_only; *name; name++)
			if (!strcmp(*name, what)) {
				scenario_complain(session->scenario, &error, key, NULL,
						  "a native run has none, no two are the same; remove it, or "
						  "test with --engine virtual");
				return cli_fail(CLI_USAGE, "%s", error.text);
			}
	}
	return 0;
}

static int run_case(struct tests *tests, struct junit_case *c, const char *file)
{
	struct session session;
	struct session_source source = {
		.scenario = file, .engine = tests->engine, .oversubscribe = tests->oversubscribe};
	struct progress progress;
	struct run_options options = {.progress = progress_run,
				      .progress_context = &progress,
				      .seconds_max = (double)tests->timeout_ps / 1e12};
	c->name = strdup(file);
	c->outcome = JUNIT_PASSED;
	progress_init(&progress, file, false);
	int code = session_read(&session, &source);
	if (!code && !session.scenario->expect_count)
		c->outcome = JUNIT_SKIPPED; /* shown, so that nobody takes it for tested */
	else if (!code && !(code = check_expectations(&session)) &&
		 !(code = session_begin(&session, &options))) {
		progress.real = session_is_native(&session);
		session_go(&session);
		progress_end(&progress);
		c->seconds = session.result.wall_seconds + session.result.setup_seconds;
		judge(tests, c, file, &session);
	}
	session_fini(&session);
	if (code) {
		c->outcome = JUNIT_ERROR;
		c->text = strdup("the scenario cannot be run; the message is on stderr");
	}
	return code;
}

static void print_case(const struct junit_case *c)
{
	static const char *const words[] = {[JUNIT_PASSED] = "PASS",
					    [JUNIT_FAILED] = "FAIL",
					    [JUNIT_ERROR] = "ERROR",
					    [JUNIT_SKIPPED] = "no expectation"};
	printf("%-7s %s", words[c->outcome], c->name);
	if (c->outcome == JUNIT_PASSED || c->outcome == JUNIT_FAILED)
		printf(" (%.2f s)", c->seconds);
	printf("\n");
	for (const char *line = c->text; line && *line;) {
		size_t length = strcspn(line, "\n");
		printf("        %.*s\n", (int)length, line);
		line += length + (line[length] == '\n');
	}
	fflush(stdout);
}

static int run_all(struct tests *tests)
{
	int code = 0;
	uint32_t counts[4] = {0};
	tests->cases = calloc(tests->count ? tests->count : 1, sizeof *tests->cases);
	SIM_CHECK(tests->cases != NULL);
	for (uint32_t i = 0; i < tests->count; i++) {
		struct junit_case *c = &tests->cases[i];
		code = cli_worse(code, run_case(tests, c, tests->file[i]));
		print_case(c);
		if (c->outcome == JUNIT_FAILED)
			code = cli_worse(code, CLI_VIOLATED);
		counts[c->outcome]++;
	}
	printf("%u passed, %u failed, %u without expectation, %u could not be read\n", counts[JUNIT_PASSED],
	       counts[JUNIT_FAILED], counts[JUNIT_SKIPPED], counts[JUNIT_ERROR]);
	if (tests->junit && junit_write(tests->junit, tests->cases, tests->count))
		code = cli_worse(code,
				 cli_fail(CLI_USAGE, "--junit %s cannot be written: %s; choose another file",
					  tests->junit, strerror(errno)));
	return code;
}

static void tests_fini(struct tests *tests)
{
	for (uint32_t i = 0; i < tests->count; i++) {
		free(tests->file[i]);
		if (tests->cases) {
			free(tests->cases[i].name);
			free(tests->cases[i].text);
		}
	}
	free(tests->file);
	free(tests->cases);
}

int cmd_test(int argc, char **argv)
{
	static struct option_list arguments;
	struct tests tests = {0};
	const struct cli_option options[] = {
		{"junit", OPTION_TEXT, &tests.junit, "FILE", "write the outcomes as JUnit XML", 0, NULL},
		{"update", OPTION_FLAG, &tests.update, NULL, "rewrite digests and exact numbers that differ",
		 0, NULL},
		{"timeout", OPTION_POSITIVE, &tests.timeout_ps, "T", "of each run, e.g. \"60 s\"",
		 SIM_UNIT_DURATION, NULL},
		{"engine", OPTION_TEXT, &tests.engine, SESSION_ENGINES,
		 "run all with this engine, whatever they say", 0, session_engines},
		{"oversubscribe", OPTION_FLAG, &tests.oversubscribe, NULL,
		 "natively, let clusters share CPUs if there are too few", 0, NULL},
	};
	const struct command_line command = {
		.name = "test",
		.arguments = "DIR|FILE...",
		.about = "run scenarios and compare with what they expect",
		.examples = "  skerry test tests/golden --junit junit.xml\n"
			    "  skerry test tests/golden --update          after a change that is meant\n",
		.arguments_min = 1,
		.arguments_max = OPTIONS_ITEMS_MAX,
		.option = options,
		.options = sizeof options / sizeof *options};
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	code = add_arguments(&tests, &arguments);
	if (tests.count)
		code = cli_worse(code, run_all(&tests));
	tests_fini(&tests);
	return code;
}
