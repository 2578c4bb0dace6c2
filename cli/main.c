/* cli/main.c - the command: chooses the subcommand, and says what there is. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "sim/quantity.h"
#include "workloads/run.h"

static const struct {
	const char *name, *about;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"run", "run a scenario (without one: the demonstration) or your own recordings", cmd_run},
	{"boot", "boot a program written for seL4 as the root task of a kernel, or of several", cmd_boot},
	{"check", "visit every order of delivery of a protocol", cmd_check},
	{"replay", "go the way of a counter-example again, step by step", cmd_replay},
	{"test", "run scenarios and compare with what they expect", cmd_test},
	{"compare", "put two runs side by side and name the first event in which they differ", cmd_compare},
	{"calibrate", "measure this host, so that virtual time predicts its native runs", cmd_calibrate},
	{"profile", "run a scenario and show where its threads spend their time", cmd_profile},
	{"mutate", "put mistakes into a protocol, and see which the checker finds", cmd_mutate},
	{"export", "write a protocol for another model checker: Murphi", cmd_export},
	{"new", "write a protocol's folder to begin with: code, scenario, test, build file", cmd_new},
	{"list", "what comes with Skerry: protocols, scenarios, recordings, machines, costs", cmd_list},
	{"costs", "what a kernel's paths cost, beside what was published", cmd_costs},
	{"table", "a protocol's table in Markdown, from its code", cmd_table},
	{"doctor", "what this host means for results", cmd_doctor},
};
#define COMMANDS (sizeof commands / sizeof *commands)

static int help(void)
{
	printf("skerry - many kernels as one system: run a protocol, measure it, check it\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		printf("  skerry %-9s %s\n", commands[i].name, commands[i].about);
	printf("\n\"skerry COMMAND --help\" lists the options of a command; --version names this build.\n"
	       "\nExamples:\n"
	       "  skerry run                                           the demonstration\n"
	       "  skerry run --set machine.link.wire=9000cycles       the same, with slower links\n"
	       "  skerry run --trace my.strace                         a recording of your own\n"
	       "  skerry check memory/msi --kernels 3                  every order of delivery\n"
	       "  skerry compare runs/A runs/B --fail-on 'p99>+2%%'     is B worse than A?\n"
	       "\nExit codes: 0 good, 1 a check failed, 2 usage or scenario, 3 inconclusive, 4 no progress,\n"
	       "5 not deterministic, 70 internal.\n");
	return CLI_GOOD;
}

static int version(void)
{
#ifdef __clang__
	const char *compiler = "clang " __clang_version__;
#else
	const char *compiler = "gcc " __VERSION__;
#endif
	printf("skerry " CLI_VERSION " (model_version %d)\nbuilt with %s\n", RUN_MODEL_VERSION, compiler);
	return CLI_GOOD;
}

static int fail_unknown(const char *word)
{
	const char *names[COMMANDS + 3] = {NULL};
	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	names[COMMANDS] = "--help";
	names[COMMANDS + 1] = "--version";
	const char *nearest = sim_nearest_name(word, names);
	if (nearest)
		return cli_fail(CLI_USAGE, "unknown command \"%.64s\"; did you mean \"%s\"?", word, nearest);
	return cli_fail(CLI_USAGE, "unknown command \"%.64s\"; \"skerry --help\" lists them", word);
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2 || !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return help();
	if (!strcmp(argv[1], "--version"))
		return version();
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	return fail_unknown(argv[1]);
}

int main(int argc, char **argv)
{
	/* A closed pipe is then an error of a write, which is reported like a full disk. */
	signal(SIGPIPE, SIG_IGN);
	cli_set_program(argv[0]);
	int code = dispatch(argc, argv);
	bool bad = ferror(stdout);
	if (fflush(stdout) || bad)
		return cli_fail(CLI_INTERNAL, "standard output cannot be written: %s", strerror(errno));
	return code;
}
