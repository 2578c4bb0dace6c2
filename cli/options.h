/* cli/options.h - a small strict parser of command lines, driven by a table that also writes --help.
 *
 * "--name value" and "--name=value"; "--" ends the options. Unknown options are refused with "did you mean",
 * a second value for an option that takes one is refused as well. Layer: cli. Texts point into argv. */
#ifndef SKERRY_CLI_OPTIONS_H
#define SKERRY_CLI_OPTIONS_H
#include <stdbool.h>
#include <stdint.h>
#include "sim/quantity.h"

#define OPTIONS_ITEMS_MAX 1024

struct option_list {
	uint32_t count;
	const char *item[OPTIONS_ITEMS_MAX];
};

enum option_kind {
	OPTION_FLAG,     /* bool */
	OPTION_TEXT,     /* const char * */
	OPTION_QUANTITY, /* uint64_t, in the base unit of `unit` */
	OPTION_POSITIVE, /* the same, but 0, which then stands for "not given" */
	OPTION_EACH,     /* struct option_list: one value each time it is given */
	OPTION_MANY,     /* struct option_list: all words up to the next option */
};

struct cli_option {
	const char *name; /* without the dashes */
	enum option_kind kind;
	void *target;
	const char *value; /* what --help calls the value */
	const char *help;
	enum sim_unit unit;         /* QUANTITY, POSITIVE */
	const char *const *choices; /* TEXT: NULL-terminated, or NULL: any text */
};

struct command_line {
	const char *name, *about;
	const char *arguments; /* "[SCENARIO]" */
	const char *examples;  /* lines, each ends in a newline */
	uint32_t arguments_min, arguments_max;
	const struct cli_option *option;
	uint32_t options;
};

/* Reads the command line into the options' targets and *arguments. Returns -1 when the command is to go on,
 * else the exit code: after --help, or after a message. */
int options_read(const struct command_line *line, int argc, char **argv, struct option_list *arguments);

#endif
