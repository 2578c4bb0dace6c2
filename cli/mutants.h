/* cli/mutants.h - mutants that a command line names.
 *
 * Layer: cli. */
#ifndef SKERRY_CLI_MUTANTS_H
#define SKERRY_CLI_MUTANTS_H
#include "cli/options.h"
#include "ssi/checker/mutant.h"

/* The mutants of those names, each as `skerry mutate` prints it or a number of its JSON. At most `most`. Returns 0, or an
 * exit code after a message. */
int mutants_choose(struct mutant *out, uint32_t *count, uint32_t most, const struct step_protocol *protocol,
		   const struct option_list *names);

#endif
