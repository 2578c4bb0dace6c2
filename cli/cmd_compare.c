/* skerry compare: two recorded runs side by side, and the first event in which they differ.
 *
 * Runs of different engines are compared as well: what virtual time predicts beside what this host measured. Natively
 * nothing repeats, so there is no digest and no first event; figures are compared that both runs have. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "cli/cli.h"
#include "cli/differ.h"
#include "cli/member.h"
#include "cli/options.h"
#include "cli/result.h"
#include "cli/text.h"
#include "sim/check.h"

#define RULES_MAX   64
#define FIGURES_MAX (FLAT_OPS * 5 + 8)

struct record {
	char folder[PATH_MAX]; /* FOLDER, or FOLDER#N for the N-th run of it, from 0 */
	long long entry;
	json_t *whole;        /* what result.json holds */
	const json_t *result; /* the run that is meant, of it */
	struct scenario *scenario;
	const char *digest; /* NULL: native */
	bool native;
	long long model, clusters, clock_hz;
};

struct figure {
	char name[64];
	double value[2];
	bool time; /* in ns */
};

/* 'p99>+2%': B is worse if its figure is more than 2 % above A's. */
struct rule {
	const char *text;
	char figure[64];
	bool above;
	double percent;
};

struct comparison {
	struct record record[2];
	struct figure figure[FIGURES_MAX];
	uint32_t figures;
	struct rule rule[RULES_MAX];
	uint32_t rules;
	json_t *broken;   /* texts of what --fail-on found */
	bool same;        /* digests */
	bool mixed;       /* one is virtual, the other native */
	bool searched;    /* differ_result is set */
	long long window; /* first that differs, -1: unknown */
	struct differ_result difference;
};

/* ---- reading ---- */

/* "DIR#1", "DIR/result.json#1": which of the runs of a record. What exists under the whole name is meant as it is. */
static void split_argument(struct record *record, const char *argument)
{
	static const char file[] = "/result.json";
	struct stat status;
	const char *hash = strrchr(argument, '#');
	size_t length = strlen(argument);
	if (hash && hash > argument && hash[1] && strlen(hash) < 6 &&
	    strspn(hash + 1, "0123456789") == strlen(hash + 1) && stat(argument, &status)) {
		record->entry = atoi(hash + 1);
		length = (size_t)(hash - argument);
	}
	snprintf(record->folder, sizeof record->folder, "%.*s", (int)length, argument);
	if (length > strlen(file) && !strcmp(record->folder + length - strlen(file), file))
		record->folder[length - strlen(file)] = 0;
	else if (!strcmp(record->folder, file + 1))
		snprintf(record->folder, sizeof record->folder, ".");
}

static int choose_run(struct record *record, const char *path)
{
	const json_t *runs = json_object_get(record->whole, "runs");
	const long long count = json_array_size(runs) ? (long long)json_array_size(runs) : 1;
	if (record->entry >= count)
		return cli_fail(
			CLI_USAGE,
			"%s holds %lld run%s, numbered from 0, and no run %lld; the demonstration has a "
			"native run 1, unless it says why not",
			path, count, count > 1 ? "s" : "", record->entry);
	record->result = record->entry ? json_array_get(runs, (size_t)record->entry) : record->whole;
	record->digest = json_string_value(json_object_get(record->result, "digest"));
	record->model = json_integer_value(json_object_get(record->result, "model_version"));
	const json_t *machine = json_object_get(record->result, "machine");
	record->clusters = json_integer_value(json_object_get(machine, "clusters"));
	record->clock_hz = json_integer_value(json_object_get(machine, "clock_hz"));
	const char *engine = json_string_value(json_object_get(record->result, "engine"));
	record->native = engine && !strcmp(engine, "native");
	if (!record->digest && !record->native)
		return cli_fail(CLI_USAGE,
				"%s: \"digest\" is missing; name a folder that skerry run has written", path);
	if (record->entry) {
		const size_t length = strlen(record->folder);
		snprintf(record->folder + length, sizeof record->folder - length, "#%lld", record->entry);
	}
	return 0;
}

static int read_result(struct record *record, const char *argument)
{
	char path[PATH_MAX];
	struct stat status;
	json_error_t error;
	if (strlen(argument) >= PATH_MAX - 32)
		return cli_fail(CLI_USAGE, "the path is too long: %.80s...", argument);
	split_argument(record, argument);
	if (stat(record->folder, &status) || !S_ISDIR(status.st_mode))
		return cli_fail(
			CLI_USAGE,
			"%s is no folder of a run; name one that skerry run has written, e.g. runs/latest",
			argument);
	snprintf(path, sizeof path, "%.*s/result.json", PATH_MAX - 32, record->folder);
	record->whole = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (!record->whole)
		return cli_fail(CLI_USAGE, "%s: %s; name a folder that skerry run has written", path,
				error.text);
	if (json_integer_value(json_object_get(record->whole, "schema")) != CLI_SCHEMA)
		return cli_fail(CLI_USAGE,
				"%s: \"schema\" is not %d; it was written by another version of skerry", path,
				CLI_SCHEMA);
	return choose_run(record, path);
}

/* A record alone is compared with itself: its first run with its second. */
static int read_results(struct comparison *c, const struct option_list *arguments)
{
	char second[PATH_MAX];
	int code = read_result(&c->record[0], arguments->item[0]);
	if (code)
		return code;
	if (arguments->count == 2)
		return read_result(&c->record[1], arguments->item[1]);
	if (json_array_size(json_object_get(c->record[0].whole, "runs")) < 2 || c->record[0].entry)
		return cli_fail(CLI_USAGE,
				"compare: %s is one run; name another to compare it with: skerry compare A B",
				arguments->item[0]);
	snprintf(second, sizeof second, "%.*s#1", PATH_MAX - 8, c->record[0].folder);
	return read_result(&c->record[1], second);
}

static int read_scenario(struct record *record)
{
	char path[PATH_MAX];
	struct scenario_error error = {""};
	snprintf(path, sizeof path, "%.*s/scenario.yaml", PATH_MAX - 32, record->folder);
	if (scenario_read(&record->scenario, path, NULL, 0, &error))
		return cli_fail(CLI_USAGE, "%s", error.text);
	return 0;
}

/* ---- figures ---- */

static void add_figure(struct comparison *c, const char *name, bool time)
{
	struct figure *f = &c->figure[c->figures];
	snprintf(f->name, sizeof f->name, "%s", name);
	f->time = time;
	for (int i = 0; i < 2; i++)
		if (!result_figure(c->record[i].result, name, &f->value[i]))
			f->value[i] = 0;
	c->figures++;
}

static void add_operation(struct comparison *c, enum flat_op op)
{
	static const char *const fields[] = {"count", "p50", "p99", "max", "messages_per_op"};
	char name[64];
	double count[2];
	snprintf(name, sizeof name, "operations.%s.count", flat_op_name[op]);
	for (int i = 0; i < 2; i++)
		result_figure(c->record[i].result, name, &count[i]);
	if (c->mixed ? count[0] <= 0 || count[1] <= 0 : count[0] <= 0 && count[1] <= 0)
		return;
	for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
		if (c->mixed && f == 3) /* one disturbance; no prediction means it */
			continue;
		snprintf(name, sizeof name, "operations.%s.%s", flat_op_name[op], fields[f]);
		add_figure(c, name, f >= 1 && f <= 3);
	}
}

/* What both engines count in the same way. */
static void add_figures(struct comparison *c)
{
	const bool native = c->record[0].native && c->record[1].native;
	if (!c->mixed)
		add_figure(c, "events", false);
	add_figure(c, "messages", false);
	add_figure(c, "calls", false);
	if (!c->mixed)
		add_figure(c, native ? "real_ns" : "virtual_ns", true);
	for (unsigned op = 0; op < FLAT_OPS; op++)
		add_operation(c, op);
}

/* How far a prediction (virtual time) is from what was measured (natively), in per cent of that. */
static double error_of(const struct comparison *c, const struct figure *f)
{
	const double measured = f->value[c->record[1].native], predicted = f->value[c->record[0].native];
	if (predicted == measured)
		return 0;
	return measured != 0 ? (predicted - measured) / measured * 100 : 1e9;
}

/* In per cent of A; what was nothing and is something has grown beyond any limit. */
static double difference_of(const struct figure *f)
{
	if (f->value[0] == f->value[1])
		return 0;
	return f->value[0] != 0 ? (f->value[1] - f->value[0]) / f->value[0] * 100 : 1e9;
}

/* ---- --fail-on ---- */

static int read_rule(struct comparison *c, const char *text)
{
	struct rule *rule = &c->rule[c->rules];
	const char *at = strpbrk(text, "<>");
	char *end = NULL;
	if (c->rules == RULES_MAX)
		return cli_fail(CLI_USAGE, "--fail-on: more than %d rules; give fewer", RULES_MAX);
	*rule = (struct rule){.text = text, .above = at && *at == '>'};
	if (at && at > text && (size_t)(at - text) < sizeof rule->figure) {
		const char *number = at + 1 + (at[1] == (rule->above ? '+' : '-'));
		snprintf(rule->figure, sizeof rule->figure, "%.*s", (int)(at - text), text);
		if (*number >= '0' && *number <= '9' && strspn(number, "0123456789.") < 16)
			rule->percent = strtod(number, &end);
	}
	if (!end || strcmp(end, "%"))
		return cli_fail(CLI_USAGE,
				"--fail-on: \"%.64s\": a rule is expected; write it like 'p99>+2%%', "
				"'operations.open.p50>+10%%' or 'events<-1%%'",
				text);
	c->rules++;
	return 0;
}

/* "p99" is meant of every operation. */
static bool rule_names(const struct rule *rule, const struct figure *f)
{
	const char *dot = strrchr(f->name, '.');
	return !strcmp(rule->figure, f->name) || (dot && !strcmp(rule->figure, dot + 1));
}

static int fail_unnamed(const struct comparison *c, const struct rule *rule)
{
	const char *names[FIGURES_MAX + 6] = {"p50", "p99", "max", "count", "messages_per_op", NULL};
	for (uint32_t i = 0; i < c->figures; i++)
		names[5 + i] = c->figure[i].name;
	const char *nearest = sim_nearest_name(rule->figure, names);
	if (nearest)
		return cli_fail(CLI_USAGE, "--fail-on: neither run has a figure \"%s\"; did you mean \"%s\"?",
				rule->figure, nearest);
	return cli_fail(CLI_USAGE,
			"--fail-on: neither run has a figure \"%s\"; write p50, p99, max, messages_per_op, "
			"virtual_ns, events or operations.NAME.p99",
			rule->figure);
}

static int apply_rules(struct comparison *c)
{
	char text[256];
	for (uint32_t r = 0; r < c->rules; r++) {
		const struct rule *rule = &c->rule[r];
		bool named = false;
		for (uint32_t i = 0; i < c->figures; i++) {
			const struct figure *f = &c->figure[i];
			double difference = difference_of(f);
			if (!rule_names(rule, f))
				continue;
			named = true;
			if (rule->above ? difference <= rule->percent : difference >= -rule->percent)
				continue;
			snprintf(text, sizeof text, "%.80s: %s is %+.3g %% (%.15g, was %.15g)", rule->text,
				 f->name, difference, f->value[1], f->value[0]);
			member_append(c->broken, json_string(text));
		}
		if (!named)
			return fail_unnamed(c, rule);
	}
	return 0;
}

/* ---- where they part ---- */

/* The first window whose hash differs, if both runs have windows of the same width; else -1. */
static long long first_window(const struct comparison *c)
{
	unsigned char record[2][16];
	FILE *in[2];
	char path[PATH_MAX];
	long long found = -1;
	if (sim_topology_lookahead(&c->record[0].scenario->topology) !=
	    sim_topology_lookahead(&c->record[1].scenario->topology))
		return -1;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof path, "%.*s/windows.bin", PATH_MAX - 32, c->record[i].folder);
		in[i] = fopen(path, "rb");
	}
	while (in[0] && in[1] && found < 0) {
		bool a = fread(record[0], sizeof record[0], 1, in[0]) == 1,
		     b = fread(record[1], sizeof record[1], 1, in[1]) == 1;
		if (!a && !b)
			break;
		if (a && b && !memcmp(record[0], record[1], sizeof record[0]))
			continue;
		const unsigned char *window = record[a ? 0 : 1];
		found = 0;
		for (int i = 7; i >= 0; i--)
			found = found << 8 | window[i];
	}
	for (int i = 0; i < 2; i++)
		if (in[i])
			fclose(in[i]);
	return found;
}

/* Where wall time ended a run, another run ends elsewhere. */
static bool is_cut_short(const struct record *record)
{
	const char *end = json_string_value(json_object_get(record->result, "end"));
	return end && !strcmp(end, "timeout");
}

static int check_repeats(const struct comparison *c)
{
	char digest[17];
	int code = 0;
	for (int i = 0; i < 2; i++) {
		const struct record *r = &c->record[i];
		snprintf(digest, sizeof digest, "%016llx", (unsigned long long)c->difference.side[i].digest);
		if (strcmp(digest, r->digest))
			code = cli_fail(CLI_UNREPEATABLE,
					"%s: this build does not reproduce it (digest %s, recorded %s) "
					"though model_version is "
					"the same; it happens again with: %s run %s/scenario.yaml",
					r->folder, digest, r->digest, cli_program(), r->folder);
	}
	return code;
}

static int search(struct comparison *c)
{
	for (int i = 0; i < 2; i++)
		if (is_cut_short(&c->record[i])) {
			cli_fail(0,
				 "%s was stopped by --timeout, so what it did cannot be repeated and the "
				 "first event that "
				 "differs is not looked for",
				 c->record[i].folder);
			return 0;
		}
	for (int i = 0; i < 2; i++)
		if (c->record[i].model != RUN_MODEL_VERSION) {
			cli_fail(0,
				 "%s was recorded with model_version %lld and this is %d: this build does "
				 "not reproduce it, "
				 "so the first event that differs is not looked for",
				 c->record[i].folder, c->record[i].model, RUN_MODEL_VERSION);
			return 0;
		}
	struct scenario *scenarios[2] = {c->record[0].scenario, c->record[1].scenario};
	c->window = first_window(c);
	int code = differ_find(scenarios, &c->difference);
	if (!code)
		code = check_repeats(c);
	c->searched = !code;
	return code;
}

/* ---- output ---- */

static void print_figure(char out[TEXT_BYTES], const struct figure *f, int side)
{
	double value = f->value[side];
	if (f->time)
		text_time(out, (sim_ps)(value * 1000 + 0.5));
	else if (value == (double)(uint64_t)value)
		text_count(out, (uint64_t)value);
	else
		snprintf(out, TEXT_BYTES, "%.3f", value);
}

static const struct figure *figure_named(const struct comparison *c, enum flat_op op, const char *field)
{
	char name[64];
	snprintf(name, sizeof name, "operations.%s.%s", flat_op_name[op], field);
	for (uint32_t i = 0; i < c->figures; i++)
		if (!strcmp(c->figure[i].name, name))
			return &c->figure[i];
	return NULL;
}

static void add_beside(struct text_table *table, const struct comparison *c, const struct figure *f)
{
	char text[TEXT_BYTES];
	for (int side = 0; side < 2; side++) {
		print_figure(text, f, side);
		text_table_add(table, "%s", text);
	}
	if (f->time)
		text_table_add(table, f->value[c->record[1].native] != 0 ? "%+.0f %%" : "-", error_of(c, f));
}

/* A line an operation: beside each other stands what was predicted and what was measured. */
static void print_errors(const struct comparison *c)
{
	static const char *const head[] = {"operation", "count A", "B",     "p50 A",      "B", "error",
					   "p99 A",     "B",       "error", "messages A", "B"};
	static const char *const fields[] = {"count", "p50", "p99", "messages_per_op"};
	struct text_table table = {0};
	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		text_table_add(&table, "%s", head[i]);
	text_table_end(&table);
	for (unsigned op = 0; op < FLAT_OPS; op++) {
		if (!figure_named(c, op, "count"))
			continue;
		text_table_add(&table, "%s", flat_op_name[op]);
		for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
			add_beside(&table, c, figure_named(c, op, fields[i]));
		text_table_end(&table);
	}
	text_table_write(&table, stdout, "");
}

static void print_figures(const struct comparison *c)
{
	struct text_table table = {0};
	char text[TEXT_BYTES];
	uint32_t equal = 0;
	text_table_add(&table, "figure");
	text_table_add(&table, "A");
	text_table_add(&table, "B");
	text_table_add(&table, "difference");
	text_table_end(&table);
	for (uint32_t i = 0; i < c->figures; i++) {
		const struct figure *f = &c->figure[i];
		if (f->value[0] == f->value[1] && ++equal)
			continue;
		text_table_add(&table, "%s", f->name);
		for (int side = 0; side < 2; side++) {
			print_figure(text, f, side);
			text_table_add(&table, "%s", text);
		}
		text_table_add(&table, f->value[0] != 0 ? "%+.2f %%" : "new", difference_of(f));
		text_table_end(&table);
	}
	if (table.rows > 1)
		text_table_write(&table, stdout, "");
	else
		for (uint32_t column = 0; column < table.columns; column++)
			free(table.cell[0][column]);
	printf("%u figures are equal.\n", equal);
}

static void print_side(const struct comparison *c, int i)
{
	const struct differ_side *side = &c->difference.side[i];
	char name[128], about[256];
	printf("  %c  ", 'A' + i);
	if (side->ended) {
		printf("has ended after %llu events\n", (unsigned long long)side->events);
		return;
	}
	differ_name_event(name, sizeof name, c->record[i].scenario, &side->event);
	differ_describe_event(about, sizeof about, c->record[i].scenario, &side->event);
	printf("at %.3f ns, cluster %u, from cluster %u (its event %u): %s%s%s\n",
	       (double)side->event.time / 1000, side->event.dst, side->event.src, side->event.seq, name,
	       *about ? ", " : "", about);
}

static void print_record(const struct record *record, char letter)
{
	const json_t *r = record->result, *host = json_object_get(r, "host");
	printf("%c  %s: %s, seed %lld, ", letter, record->folder,
	       json_string_value(json_object_get(r, "scenario")),
	       (long long)json_integer_value(json_object_get(r, "seed")));
	if (!record->native) {
		printf("%lld clusters, virtual, digest %s\n", record->clusters, record->digest);
		return;
	}
	printf("%lld clusters on %lld threads, native%s\n", record->clusters,
	       (long long)json_integer_value(json_object_get(host, "threads")),
	       json_is_true(json_object_get(r, "oversubscribed")) ? ", oversubscribed" : "");
	const char *disturbed = json_string_value(json_object_get(host, "disturbed"));
	if (disturbed)
		printf("   disturbed: %s\n", disturbed);
}

/* What was compared with what, and why no digests and no events were, where they were not. */
static const char *compared_with(const struct comparison *c)
{
	if (c->mixed)
		return "a prediction (virtual) with a measurement (native)";
	return c->record[0].native ? "two measurements (native)" : "two simulations (virtual)";
}

static void print_compared(const struct comparison *c)
{
	if (c->mixed) {
		const int native = c->record[1].native;
		printf("%c was predicted in virtual time, %c measured natively; error: (%c - %c) / %c.\n",
		       'A' + !native, 'A' + native, 'A' + !native, 'A' + native, 'A' + native);
		if (c->record[0].clusters != c->record[1].clusters)
			printf("They have %lld and %lld clusters, so their load differs as well; with --set "
			       "machine.clusters=%lld both have the same.\n",
			       c->record[0].clusters, c->record[1].clusters, c->record[native].clusters);
		if (c->record[0].clock_hz != c->record[1].clock_hz)
			printf("Their clocks differ, so clients think for another time; give both the same "
			       "--preset.\n");
	}
	if (c->mixed || c->record[0].native)
		printf("A native run has no digest and takes another course each time, so no first event "
		       "that "
		       "differs is looked for; record both with --engine virtual for that.\n");
}

static void print_text(const struct comparison *c)
{
	size_t i;
	const json_t *text;
	for (int r = 0; r < 2; r++)
		print_record(&c->record[r], (char)('A' + r));
	printf("\n");
	if (c->mixed)
		print_errors(c);
	else
		print_figures(c);
	printf("\n");
	print_compared(c);
	if (c->same)
		printf("The digests are equal: both runs did the same.\n");
	if (c->window >= 0)
		printf("The first window that differs is window %lld.\n", c->window);
	if (c->searched && c->difference.found) {
		printf("The first event that differs is event %llu:\n",
		       (unsigned long long)c->difference.index);
		print_side(c, 0);
		print_side(c, 1);
	} else if (c->searched) {
		printf("Both runs handled the same events; only their windows are of different width.\n");
	}
	json_array_foreach(c->broken, i, text) printf("worse: %s\n", json_string_value(text));
}

static json_t *side_json(const struct comparison *c, int i)
{
	const struct differ_side *side = &c->difference.side[i];
	char name[128], about[256];
	json_t *out = json_object();
	member_flag(out, "ended", side->ended);
	if (side->ended)
		return out;
	differ_name_event(name, sizeof name, c->record[i].scenario, &side->event);
	differ_describe_event(about, sizeof about, c->record[i].scenario, &side->event);
	member_ns(out, "time_ns", side->event.time);
	member_count(out, "cluster", side->event.dst);
	member_count(out, "source", side->event.src);
	member_count(out, "sequence", side->event.seq);
	member_text(out, "event", name);
	member_text(out, "about", about);
	return out;
}

static json_t *difference_json(const struct comparison *c)
{
	json_t *out = json_object();
	if (c->window >= 0)
		member_count(out, "window", (uint64_t)c->window);
	member_count(out, "index", c->difference.index);
	member_set(out, "A", side_json(c, 0));
	member_set(out, "B", side_json(c, 1));
	return out;
}

static json_t *record_json(const struct record *record)
{
	json_t *run = json_object();
	member_text(run, "folder", record->folder);
	member_text(run, "engine", record->native ? "native" : "virtual");
	member_count(run, "clusters", (uint64_t)record->clusters);
	member_flag(run, "oversubscribed", json_is_true(json_object_get(record->result, "oversubscribed")));
	member_text(run, "digest", record->digest);
	member_count(run, "model_version", (uint64_t)record->model);
	return run;
}

static json_t *figure_json(const struct comparison *c, const struct figure *f)
{
	json_t *figure = json_object();
	member_text(figure, "name", f->name);
	member_real(figure, "A", f->value[0]);
	member_real(figure, "B", f->value[1]);
	member_set(figure, "difference_percent",
		   f->value[0] != 0 || f->value[1] == 0 ? json_real(difference_of(f)) : json_null());
	if (c->mixed)
		member_set(figure, "error_percent",
			   f->value[c->record[1].native] != 0 ? json_real(error_of(c, f)) : json_null());
	return figure;
}

static void print_json(const struct comparison *c)
{
	json_t *out = json_object(), *figures = json_array();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "compared", compared_with(c));
	member_set(out, "equal",
		   c->record[0].native || c->record[1].native ? json_null() : json_boolean(c->same));
	for (int i = 0; i < 2; i++)
		member_set(out, i ? "B" : "A", record_json(&c->record[i]));
	for (uint32_t i = 0; i < c->figures; i++)
		member_append(figures, figure_json(c, &c->figure[i]));
	member_set(out, "figures", figures);
	member_set(out, "first_difference",
		   c->searched && c->difference.found ? difference_json(c) : json_null());
	member_set(out, "worse", json_incref(c->broken));
	text_json(stdout, out);
	json_decref(out);
}

/* ---- the command ---- */

static int compare(struct comparison *c, const struct option_list *arguments, const struct option_list *rules,
		   bool json)
{
	int code = read_results(c, arguments);
	for (uint32_t i = 0; i < rules->count && !code; i++)
		code = read_rule(c, rules->item[i]);
	if (code)
		return code;
	const bool native = c->record[0].native || c->record[1].native;
	c->mixed = c->record[0].native != c->record[1].native;
	add_figures(c);
	code = apply_rules(c);
	c->same = !native && !strcmp(c->record[0].digest, c->record[1].digest);
	for (int i = 0; i < 2 && !code && !c->same && !native; i++)
		code = read_scenario(&c->record[i]);
	if (code)
		return code;
	if (!c->same && !native)
		code = search(c);
	if (json)
		print_json(c);
	else
		print_text(c);
	return code ? code : json_array_size(c->broken) ? CLI_VIOLATED : CLI_GOOD;
}

int cmd_compare(int argc, char **argv)
{
	static struct option_list arguments, rules;
	static struct comparison c;
	bool json = false;
	const struct cli_option options[] = {
		{"fail-on", OPTION_EACH, &rules, "RULE",
		 "exit 1 if B breaks it, e.g. 'p99>+2%'; may be repeated", 0, NULL},
		{"json", OPTION_FLAG, &json, NULL, "print one JSON object", 0, NULL},
	};
	const struct command_line command = {
		.name = "compare",
		.arguments = "A [B]",
		.about = "two recorded runs side by side",
		.examples = "  skerry compare runs/A runs/B\n"
			    "  skerry compare baseline runs/latest --fail-on "
			    "'p99>+2%' --fail-on 'messages_per_op>+0%'\n"
			    "  skerry compare runs/latest            the demonstration: "
			    "predicted and measured\n"
			    "  skerry compare runs/virtual runs/latest#1    run 1 of "
			    "that record: its native part\n",
		.arguments_min = 1,
		.arguments_max = 2,
		.option = options,
		.options = 2};
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	c = (struct comparison){.broken = json_array(), .window = -1};
	SIM_CHECK(c.broken != NULL);
	code = compare(&c, &arguments, &rules, json);
	for (int i = 0; i < 2; i++) {
		json_decref(c.record[i].whole);
		scenario_free(c.record[i].scenario);
	}
	json_decref(c.broken);
	return code;
}
