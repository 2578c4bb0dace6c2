#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/expect.h"
#include "cli/file.h"
#include "cli/result.h"

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), tail = strlen(end);
	return length >= tail && !strcmp(text + length - tail, end);
}

static bool is_latency(const char *what)
{
	return ends_in(what, ".p50") || ends_in(what, ".p99") || ends_in(what, ".max");
}

/* Figures are compared in thousandths: a latency's picoseconds, a ratio as it is written, a count. */
static uint64_t thousandths(double value) { return (uint64_t)(value * 1000 + 0.5); }

static void print_figure(char out[EXPECT_TEXT], const char *what, double value)
{
	char text[SIM_QUANTITY_TEXT];
	enum sim_unit unit = is_latency(what)                    ? SIM_UNIT_DURATION
			     : ends_in(what, ".messages_per_op") ? SIM_UNIT_RATIO
								 : SIM_UNIT_NONE;
	sim_quantity_print(text, unit, unit == SIM_UNIT_NONE ? (uint64_t)value : thousandths(value));
	snprintf(out, EXPECT_TEXT, "%s", text);
}

static void compare_digest(const struct scenario_expect *expect, const json_t *result,
			   struct expect_outcome *out)
{
	const char *digest = json_string_value(json_object_get(result, "digest"));
	out->exact = true;
	snprintf(out->expected, sizeof out->expected, "%s", expect->text);
	snprintf(out->actual, sizeof out->actual, "%s", digest ? digest : "none, it ran natively");
	out->met = !strcmp(out->expected, out->actual);
}

static void compare_checks(const json_t *result, struct expect_outcome *out)
{
	uint64_t failed = 0;
	size_t i;
	const json_t *check;
	json_array_foreach(json_object_get(result, "checks"), i, check) failed +=
		json_integer_value(json_object_get(check, "failures")) != 0;
	out->met = !failed;
	snprintf(out->expected, sizeof out->expected, "pass");
	snprintf(out->actual, sizeof out->actual, failed ? "%llu failed" : "pass",
		 (unsigned long long)failed);
}

static void compare_figure(const struct scenario_expect *expect, const json_t *result,
			   struct expect_outcome *out)
{
	static const char *const operators[] = {
		[SCENARIO_EQ] = "", [SCENARIO_LE] = "<= ", [SCENARIO_GE] = ">= "};
	char text[EXPECT_TEXT];
	double value;
	print_figure(text, expect->what, expect->value);
	snprintf(out->expected, sizeof out->expected, "%s%.48s", operators[expect->op], text);
	out->known = result_figure(result, expect->what, &value);
	if (!out->known) {
		snprintf(out->actual, sizeof out->actual, "there is no such operation");
		return;
	}
	if (!strcmp(expect->what, "virtual_ns"))
		value = (double)(uint64_t)value; /* whole nanoseconds can be expected */
	print_figure(out->actual, expect->what, value);
	uint64_t a = thousandths(value), e = thousandths(expect->value);
	out->exact = expect->op == SCENARIO_EQ;
	out->met = expect->op == SCENARIO_EQ ? a == e : expect->op == SCENARIO_LE ? a <= e : a >= e;
}

void expect_compare(const struct scenario_expect *expect, const json_t *result, struct expect_outcome *out)
{
	*out = (struct expect_outcome){.known = true};
	if (!strcmp(expect->what, "digest"))
		compare_digest(expect, result, out);
	else if (!strcmp(expect->what, "checks"))
		compare_checks(result, out);
	else
		compare_figure(expect, result, out);
}

/* ---- rewriting ---- */

static bool is_word(char c)
{
	return c == '_' || c == '.' || c == '-' || (c >= '0' && c <= '9') ||
	       ((c | 32) >= 'a' && (c | 32) <= 'z');
}

/* Where the value of `key` begins: after "key:" or "'key':", the key standing alone. */
static char *find_value(char *line, const char *key)
{
	size_t length = strlen(key);
	for (char *at = strstr(line, key); at; at = strstr(at + 1, key)) {
		char *after = at + length;
		if (at > line && is_word(at[-1]))
			continue;
		if (at > line && (at[-1] == '"' || at[-1] == '\'') && *after == at[-1])
			after++;
		after += strspn(after, " \t");
		if (*after == ':' && (after[1] == ' ' || after[1] == '\t'))
			return after + 1 + strspn(after + 1, " \t");
	}
	return NULL;
}

/* The end of a plain value: a comment, the end of a flow mapping or of its entry, or of the line. */
static char *plain_end(char *value)
{
	char *end = value;
	while (*end && *end != '\n' && *end != '\r' && *end != '}' &&
	       !(*end == '#' && end > value && end[-1] == ' ') && !(*end == ',' && strchr(" \t\r\n", end[1])))
		end++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return end;
}

bool expect_replace(char *line, size_t size, const char *key, const char *value)
{
	char *begin = find_value(line, key), *end;
	if (!begin)
		return false;
	if (*begin == '"' || *begin == '\'') {
		end = strchr(begin + 1, *begin);
		begin++;
	} else {
		end = plain_end(begin);
	}
	if (!end || end == begin || strlen(line) + strlen(value) + 1 > size)
		return false;
	memmove(begin + strlen(value), end, strlen(end) + 1);
	memcpy(begin, value, strlen(value));
	return true;
}

struct editor {
	char *text; /* grows by EXPECT_TEXT for each expectation at most, which is there from the beginning */
	size_t room;
	int changes;
};

static bool edit(struct editor *editor, const struct scenario_expect *expect, const char *value)
{
	char line[4096];
	char *at = editor->text;
	for (int i = 1; i < expect->line && at; i++)
		at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
	size_t length = at ? strcspn(at, "\n") : sizeof line;
	if (length + EXPECT_TEXT >= sizeof line)
		return false;
	memcpy(line, at, length);
	line[length] = 0;
	if (!expect_replace(line, sizeof line, expect->what, value) ||
	    strlen(editor->text) + EXPECT_TEXT >= editor->room)
		return false;
	memmove(at + strlen(line), at + length, strlen(at + length) + 1);
	memcpy(at, line, strlen(line));
	editor->changes++;
	return true;
}

static int edit_all(struct editor *editor, const char *file, const struct scenario *scenario,
		    const json_t *result, FILE *report)
{
	struct expect_outcome outcome;
	for (uint32_t i = 0; i < scenario->expect_count; i++) {
		const struct scenario_expect *expect = &scenario->expect[i];
		expect_compare(expect, result, &outcome);
		if (outcome.met || !outcome.exact || !outcome.known)
			continue;
		if (!edit(editor, expect, outcome.actual))
			return cli_fail(-1,
					"%s:%d: expect.%s cannot be rewritten as it stands; put \"%s: %s\" "
					"on a line of its "
					"own",
					file, expect->line, expect->what, expect->what, outcome.actual);
		fprintf(report, "UPDATE  %s:%d: %s: %s -> %s\n", file, expect->line, expect->what,
			outcome.expected, outcome.actual);
	}
	return 0;
}

/* Does the new text say what it is to say? */
static int verify(const struct editor *editor, const char *file, const json_t *result)
{
	struct scenario_error error = {""};
	struct scenario *scenario;
	struct expect_outcome outcome;
	int failed = 0;
	if (scenario_parse(&scenario, file, editor->text, strlen(editor->text), NULL, 0, &error))
		return cli_fail(-1, "%s was not rewritten, the result could not be read: %s", file,
				error.text);
	for (uint32_t i = 0; i < scenario->expect_count && !failed; i++) {
		expect_compare(&scenario->expect[i], result, &outcome);
		if (outcome.exact && !outcome.met)
			failed = cli_fail(
				-1, "%s:%d: expect.%s cannot be rewritten as it stands; write it on one line",
				file, scenario->expect[i].line, scenario->expect[i].what);
	}
	scenario_free(scenario);
	return failed;
}

int expect_update(const char *file, const struct scenario *scenario, const json_t *result, FILE *report)
{
	size_t bytes;
	struct editor editor = {.text = file_read(file, SIM_CONFIG_BYTES_MAX, &bytes)};
	int failed = -1;
	if (!editor.text)
		return cli_fail(-1, "%s cannot be read: %s", file, strerror(errno));
	editor.room = bytes + (SCENARIO_EXPECT_MAX + 1) * EXPECT_TEXT;
	char *grown = realloc(editor.text, editor.room);
	if (grown) {
		editor.text = grown;
		failed = edit_all(&editor, file, scenario, result, report);
	}
	if (!failed && editor.changes) {
		failed = verify(&editor, file, result);
		if (!failed && file_replace(file, editor.text, strlen(editor.text)))
			failed = cli_fail(-1, "%s cannot be rewritten: %s", file, strerror(errno));
	}
	free(editor.text);
	return failed ? -1 : editor.changes;
}
