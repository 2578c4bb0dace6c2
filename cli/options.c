#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/options.h"

struct reader {
	const struct command_line *line;
	int argc, at;
	char **argv;
	uint64_t given; /* a bit for each option */
};

static void print_help(const struct command_line *line)
{
	printf("skerry %s%s%s - %s\n\n", line->name, *line->arguments ? " " : "", line->arguments,
	       line->about);
	for (uint32_t i = 0; i < line->options; i++) {
		const struct cli_option *o = &line->option[i];
		char text[64];
		snprintf(text, sizeof text, "--%s%s%s", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		printf("  %-24s %s\n", text, o->help);
	}
	printf("  %-24s %s\n", "--help", "this text");
	if (line->examples)
		printf("\nExamples:\n%s", line->examples);
}

static int fail_unknown(const struct reader *r, const char *word, size_t length)
{
	const char *names[66] = {NULL};
	char name[80];
	uint32_t i;
	snprintf(name, sizeof name, "%.*s", (int)(length < 64 ? length : 64), word);
	for (i = 0; i < r->line->options && i < 64; i++)
		names[i] = r->line->option[i].name;
	names[i] = "help";
	const char *nearest = sim_nearest_name(name, names);
	if (nearest)
		return cli_fail(CLI_USAGE, "%s: unknown option \"--%s\"; did you mean \"--%s\"?",
				r->line->name, name, nearest);
	return cli_fail(CLI_USAGE, "%s: unknown option \"--%s\"; \"skerry %s --help\" lists them",
			r->line->name, name, r->line->name);
}

static int list_add(const struct reader *r, struct option_list *list, const char *item)
{
	if (list->count == OPTIONS_ITEMS_MAX)
		return cli_fail(CLI_USAGE, "%s: more than %d arguments; give fewer at a time", r->line->name,
				OPTIONS_ITEMS_MAX);
	list->item[list->count++] = item;
	return -1;
}

static bool is_option(const char *word) { return word[0] == '-' && word[1]; }

static int take_text(const struct reader *r, const struct cli_option *o, const char *value)
{
	*(const char **)o->target = value;
	for (uint32_t i = 0; o->choices && o->choices[i]; i++)
		if (!strcmp(o->choices[i], value))
			return -1;
	if (!o->choices)
		return -1;
	const char *nearest = sim_nearest_name(value, o->choices);
	if (nearest)
		return cli_fail(CLI_USAGE, "%s: --%s: unknown value \"%.64s\"; did you mean \"%s\"?",
				r->line->name, o->name, value, nearest);
	return cli_fail(CLI_USAGE, "%s: --%s: unknown value \"%.64s\"; write %s", r->line->name, o->name,
			value, o->value);
}

static int take_many(struct reader *r, const struct cli_option *o, const char *value)
{
	int code = list_add(r, o->target, value);
	while (code < 0 && r->at < r->argc && !is_option(r->argv[r->at]))
		code = list_add(r, o->target, r->argv[r->at++]);
	return code;
}

static int take_value(struct reader *r, const struct cli_option *o, const char *value)
{
	char why[192];
	if (o->kind == OPTION_EACH)
		return list_add(r, o->target, value);
	if (o->kind == OPTION_MANY)
		return take_many(r, o, value);
	if (o->kind == OPTION_TEXT)
		return take_text(r, o, value);
	if (sim_quantity_parse(o->target, o->unit, value, why, sizeof why))
		return cli_fail(CLI_USAGE, "%s: --%s: \"%.64s\": %s", r->line->name, o->name, value, why);
	if (o->kind == OPTION_POSITIVE && !*(const uint64_t *)o->target)
		return cli_fail(CLI_USAGE, "%s: --%s: 0 is out of range; write more, or leave it out",
				r->line->name, o->name);
	return -1;
}

static int take_option(struct reader *r, const struct cli_option *o, const char *equals)
{
	uint64_t bit = UINT64_C(1) << (o - r->line->option);
	if (r->given & bit && o->kind != OPTION_EACH && o->kind != OPTION_MANY)
		return cli_fail(CLI_USAGE, "%s: --%s is given twice; give it once", r->line->name, o->name);
	r->given |= bit;
	if (o->kind == OPTION_FLAG) {
		*(bool *)o->target = true;
		return equals ? cli_fail(CLI_USAGE, "%s: --%s takes no value; write --%s alone",
					 r->line->name, o->name, o->name)
			      : -1;
	}
	if (equals)
		return take_value(r, o, equals + 1);
	if (r->at == r->argc || !strncmp(r->argv[r->at], "--", 2))
		return cli_fail(CLI_USAGE, "%s: --%s: the value is missing; write --%s %s", r->line->name,
				o->name, o->name, o->value);
	return take_value(r, o, r->argv[r->at++]);
}

static int read_option(struct reader *r, const char *word)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
		print_help(r->line);
		return CLI_GOOD;
	}
	if (word[1] != '-')
		return cli_fail(CLI_USAGE, "%s: unknown option \"%.64s\"; \"skerry %s --help\" lists them",
				r->line->name, word, r->line->name);
	for (uint32_t i = 0; i < r->line->options; i++)
		if (strlen(r->line->option[i].name) == length &&
		    !strncmp(r->line->option[i].name, name, length))
			return take_option(r, &r->line->option[i], equals);
	return fail_unknown(r, name, length);
}

static int check_arguments(const struct command_line *line, const struct option_list *arguments)
{
	if (arguments->count < line->arguments_min)
		return cli_fail(CLI_USAGE, "%s: an argument is missing; write: skerry %s %s", line->name,
				line->name, line->arguments);
	if (arguments->count > line->arguments_max && !line->arguments_max)
		return cli_fail(CLI_USAGE, "%s: no argument is expected, but \"%.64s\" was given", line->name,
				arguments->item[0]);
	if (arguments->count > line->arguments_max)
		return cli_fail(CLI_USAGE, "%s: \"%.64s\" is one argument too many; write: skerry %s %s",
				line->name, arguments->item[line->arguments_max], line->name,
				line->arguments);
	return -1;
}

int options_read(const struct command_line *line, int argc, char **argv, struct option_list *arguments)
{
	struct reader r = {.line = line, .argc = argc, .at = 1, .argv = argv};
	bool options_end = false;
	int code = -1;
	arguments->count = 0;
	while (code < 0 && r.at < argc) {
		const char *word = argv[r.at++];
		if (!options_end && !strcmp(word, "--"))
			options_end = true;
		else if (!options_end && is_option(word))
			code = read_option(&r, word);
		else
			code = list_add(&r, arguments, word);
	}
	return code < 0 ? check_arguments(line, arguments) : code;
}
