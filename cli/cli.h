/* cli/cli.h - the command `skerry`: a file a subcommand, and what they share.
 *
 * Results go to stdout, progress and errors to stderr, errors begin with "skerry: ". Layer: cli. One thread.
 */
#ifndef SKERRY_CLI_CLI_H
#define SKERRY_CLI_CLI_H
#include <stdbool.h>

#define CLI_VERSION "0.5.0"
#define CLI_SCHEMA  1 /* of all JSON output */

enum cli_exit {
	CLI_GOOD = 0,
	CLI_VIOLATED = 1,     /* a check failed, a test differs, a figure is worse than allowed */
	CLI_USAGE = 2,        /* the command line or a scenario is wrong */
	CLI_INCONCLUSIVE = 3, /* a limit of time or memory was reached */
	CLI_STUCK = 4,        /* no progress */
	CLI_UNREPEATABLE = 5, /* the same run gave another result */
	CLI_INTERNAL = 70,
};

/* Subcommands. argv[0] is the subcommand's name. They return an exit code. */
int cmd_run(int argc, char **argv);
int cmd_boot(int argc, char **argv);
int cmd_check(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_test(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_mutate(int argc, char **argv);
int cmd_new(int argc, char **argv);
int cmd_costs(int argc, char **argv);
int cmd_calibrate(int argc, char **argv);
int cmd_profile(int argc, char **argv);
int cmd_table(int argc, char **argv);
int cmd_doctor(int argc, char **argv);

/* The protocol of a name or of a shared object ("./NAME.so"); on failure returns an exit code after a message. */
struct step_protocol;
int protocol_choose(const struct step_protocol **out, const char *name);
/* Whether a word is FAMILY=PROTOCOL ("capability=./NAME.so"), which protocol_choose() takes as well. */
bool protocol_is_choice(const char *word);

/* Prints "skerry: " and the message to stderr; returns `code`. */
int cli_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* How the user calls this program, for lines that are to be copied: "skerry", "build/skerry". */
const char *cli_program(void);
void cli_set_program(const char *name); /* borrowed: argv[0] */

/* The worse of two exit codes when several things were done: usage before violated before inconclusive. */
int cli_worse(int a, int b);

#endif
