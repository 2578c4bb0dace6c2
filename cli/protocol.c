/* Protocols as the command line names them. */
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "sim/quantity.h"
#include "ssi/plugin.h"
#include "ssi/protocols/protocols.h"

/* Families of which a scenario chooses a protocol: the keys of its `protocols:`. */
static const char *const families[] = {"capability", "memory"};

static const char *family_chosen(const char *word)
{
	for (size_t i = 0; i < sizeof families / sizeof *families; i++)
		if (!strncmp(word, families[i], strlen(families[i])) && word[strlen(families[i])] == '=')
			return families[i];
	return NULL;
}

bool protocol_is_choice(const char *word) { return family_chosen(word) != NULL; }

static int fail_unknown(const char *name)
{
	const char *names[64] = {NULL};
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

int protocol_choose(const struct step_protocol **out, const char *word)
{
	char why[PROTOCOL_WHY_BYTES];
	const char *family = family_chosen(word), *name = family ? word + strlen(family) + 1 : word;
	if (!protocol_open(out, name, family, why))
		return 0;
	return family || protocol_is_path(name) ? cli_fail(CLI_USAGE, "%s: %s", word, why)
						: fail_unknown(name);
}
