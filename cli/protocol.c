/* Protocols as the command line names them. */
#include <stdio.h>
#include "cli/cli.h"
#include "ssi/plugin.h"
#include "ssi/protocols/protocols.h"
#include "sim/quantity.h"

int protocol_choose(const struct step_protocol **out, const char *name)
{
	const char *names[64] = {NULL};
	char why[PROTOCOL_WHY_BYTES];
	if (!protocol_open(out, name, NULL, why))
		return 0;
	if (protocol_is_path(name))
		return cli_fail(CLI_USAGE, "%s: %s", name, why);
	for (uint32_t i = 0; protocols[i] && i < 63; i++)
		names[i] = protocols[i]->name;
	const char *nearest = sim_nearest_name(name, names);
	if (nearest)
		cli_fail(0, "unknown protocol \"%.64s\"; did you mean \"%s\"?", name, nearest);
	else
		cli_fail(0,
			 "unknown protocol \"%.64s\"; give the path of a shared object (\"./NAME.so\"), or "
			 "one of "
			 "these:",
			 name);
	for (uint32_t i = 0; names[i]; i++)
		fprintf(stderr, "  %s\n", names[i]);
	return CLI_USAGE;
}
