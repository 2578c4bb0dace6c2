#include "cli/mutants.h"
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"

static const struct mutant *find(const struct mutant *list, int64_t count,
				 const struct step_protocol *protocol, const char *name)
{
	char *end, what[160];
	const long long number = strtoll(name, &end, 10);
	if (*name && !*end)
		return number >= 1 && number <= count ? &list[number - 1] : NULL;
	for (int64_t i = 0; i < count; i++) {
		mutant_print(protocol, &list[i], what, sizeof what);
		if (!strcmp(what, name))
			return &list[i];
	}
	return NULL;
}

int mutants_choose(struct mutant *out, uint32_t *count, uint32_t most, const struct step_protocol *protocol,
		   const struct option_list *names)
{
	struct mutant *list;
	int code = 0;
	*count = 0;
	if (!names->count)
		return 0;
	const int64_t all = mutants_list(protocol, &list);
	if (all < 0)
		return cli_fail(CLI_INCONCLUSIVE, "there is not enough memory");
	for (uint32_t i = 0; i < names->count && !code; i++) {
		const struct mutant *m = find(list, all, protocol, names->item[i]);
		if (m && *count < most)
			out[(*count)++] = *m;
		else if (m)
			code = cli_fail(CLI_USAGE, "--mutant: more than %u; write fewer", most);
		else
			code = cli_fail(CLI_USAGE,
					"--mutant %.100s: %s has no such mutant; write it as skerry mutate "
					"prints it, or a "
					"number from 1 to %lld",
					names->item[i], protocol->name, (long long)all);
	}
	free(list);
	return code;
}
