#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

int cli_fail(int code, const char *format, ...)
{
	va_list args;
	fflush(stdout);
	fputs("skerry: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

static const char *program = "skerry";

const char *cli_program(void) { return program; }

/* An absolute path below the current folder is shorter without it. */
void cli_set_program(const char *name)
{
	char folder[PATH_MAX];
	size_t length;
	if (!name || !strchr(name, '/'))
		return;
	program = name;
	if (*name == '/' && getcwd(folder, sizeof folder) && (length = strlen(folder)) > 1 &&
	    !strncmp(name, folder, length) && name[length] == '/' && strchr(name + length + 1, '/'))
		program = name + length + 1;
}

int cli_worse(int a, int b)
{
	static const int order[] = {CLI_INTERNAL, CLI_USAGE, CLI_UNREPEATABLE,
				    CLI_VIOLATED, CLI_STUCK, CLI_INCONCLUSIVE};
	for (size_t i = 0; i < sizeof order / sizeof *order; i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return CLI_GOOD;
}
