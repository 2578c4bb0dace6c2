/* skerry export: a protocol as the input of another model checker, which then confirms independently of our code.
 *
 * A protocol's clients are C functions that cannot be learnt: the same in Murphi stands in workloads/murphi/, or in the
 * file that --clients names. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/check_options.h"
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/mutants.h"
#include "cli/options.h"
#include "ssi/checker/export.h"
#include "workloads/embedded.h"

#define TEXT_MAX        (1u << 20)
#define SECONDS_DEFAULT 60
#define MUTANTS_MAX     32

static const char examples[] = "  skerry export memory/msi --murphi > msi.m\n"
			       "  rumur --deadlock-detection off --output msi.c msi.m\n"
			       "  cc -O3 -o msi msi.c -lpthread && ./msi    on x86-64 also -mcx16\n";

struct export_line {
	struct check_bounds bounds;
	const char *clients, *out, *promise;
	struct option_list mutants;
};

/* "murphi/memory-msi.m", or of the family "murphi/capability.m": what comes with Skerry, or NULL. */
static const char *own_clients(const struct step_protocol *protocol, bool family)
{
	char name[96];
	const size_t length = family ? strcspn(protocol->name, "/") : strlen(protocol->name);
	snprintf(name, sizeof name, "murphi/%.*s.m", (int)length, protocol->name);
	char *slash = strchr(name + strlen("murphi/"), '/');
	if (slash)
		*slash = '-';
	const struct embedded_file *file = embedded_find(name);
	return file ? file->text : NULL;
}

static int write_text(const struct step_protocol *protocol, const struct export_options *options,
		      const char *out)
{
	char *text = NULL, why[1024];
	size_t bytes = 0;
	struct export_report report;
	FILE *memory = open_memstream(&text, &bytes);
	if (!memory)
		return cli_fail(CLI_INTERNAL, "export: no memory");
	int code = export_murphi(memory, protocol, options, &report, why, sizeof why);
	fclose(memory);
	if (code == -ENOTSUP)
		code = cli_fail(
			CLI_USAGE,
			"export %s: this cannot be said in Murphi: %s; see docs/howto/export-to-murphi.md",
			protocol->name, why);
	else if (code)
		code = cli_fail(CLI_USAGE, "export %s: %s", protocol->name, why);
	else if (!out)
		fwrite(text, 1, bytes, stdout);
	else if (file_replace(out, text, bytes))
		code = cli_fail(CLI_USAGE, "export: %s cannot be written: %s", out, strerror(errno));
	if (!code && report.bounded)
		fprintf(stderr,
			"skerry: export %s: the search met its limit after %llu states; what it did not meet "
			"is an "
			"error of the text; --budget gives it more time\n",
			protocol->name, (unsigned long long)report.states);
	free(text);
	return code;
}

/* As `skerry check --promise` does. */
static int judge_one(struct checker_options *bounds, const struct step_protocol *protocol, const char *name)
{
	uint32_t number = 0;
	const int code = check_options_promise(&number, protocol, name);
	if (code)
		return code;
	const struct step_promise *promise = &protocol->promises[number];
	bounds->judged = 1u << number;
	if (promise->kept ? !bounds->capabilities : bounds->capabilities < promise->apart)
		bounds->capabilities = promise->apart;
	return 0;
}

static int export(const struct step_protocol *protocol, const struct export_line *line)
{
	static struct mutant mutants[MUTANTS_MAX];
	struct export_options options = {.prelude = embedded_find("murphi/prelude.m")->text,
					 .mutant = mutants};
	char *text = NULL;
	size_t bytes;
	int code = check_options_of(&options.bounds, &line->bounds, protocol);
	if (!code && line->promise)
		code = judge_one(&options.bounds, protocol, line->promise);
	if (code)
		return code;
	if (!options.bounds.seconds_max)
		options.bounds.seconds_max = SECONDS_DEFAULT;
	if ((code = mutants_choose(mutants, &options.mutants, MUTANTS_MAX, protocol, &line->mutants)))
		return code;
	if (line->clients && !(text = file_read(line->clients, TEXT_MAX, &bytes)))
		return cli_fail(CLI_USAGE, "--clients %s: %s", line->clients, strerror(errno));
	options.family = text ? NULL : own_clients(protocol, true);
	options.clients = text ? text : own_clients(protocol, false);
	if (!options.clients)
		fprintf(stderr,
			options.family ? "skerry: export %s: only what its family promises is judged, as no "
					 "invariant of its own "
					 "is known in Murphi; see docs/howto/export-to-murphi.md\n"
				       : "skerry: export %s: its clients are not known in Murphi, so they "
					 "call anything and "
					 "no invariant of its own is judged; --clients FILE says more\n",
			protocol->name);
	code = write_text(protocol, &options, line->out);
	free(text);
	return code;
}

int cmd_export(int argc, char **argv)
{
	static struct option_list arguments;
	static struct export_line line;
	bool murphi = false;
	struct check_bounds *b = &line.bounds;
	const struct cli_option options[] = {
		{"murphi", OPTION_FLAG, &murphi, NULL, "for CMurphi and Rumur", 0, NULL},
		{"kernels", OPTION_POSITIVE, &b->kernels, "N",
		 "kernels; default, as of all bounds: the protocol's model", SIM_UNIT_NONE, NULL},
		{"objects", OPTION_POSITIVE, &b->objects, "N", "objects that exist", SIM_UNIT_NONE, NULL},
		{"capabilities", OPTION_POSITIVE, &b->capabilities, "N", "capabilities to an object, at most",
		 SIM_UNIT_NONE, NULL},
		{"in-flight", OPTION_POSITIVE, &b->flight, "N", "client calls under way at a time",
		 SIM_UNIT_NONE, NULL},
		{"slots", OPTION_EACH, &b->slots, "MACHINE=N",
		 "slots of a machine on each kernel; may be repeated", 0, NULL},
		{"no-local-errors", OPTION_FLAG, &b->no_local_errors, NULL, "the local kernel never fails", 0,
		 NULL},
		{"promise", OPTION_TEXT, &line.promise, "NAME", "judge this promise alone", 0, NULL},
		{"budget", OPTION_QUANTITY, &b->budget_ps, "T",
		 "for the search that shows which words actions meet, default 60 s", SIM_UNIT_DURATION, NULL},
		{"clients", OPTION_TEXT, &line.clients, "FILE",
		 "the protocol's clients and invariants in Murphi", 0, NULL},
		{"mutant", OPTION_EACH, &line.mutants, "K",
		 "with a mistake that its constant MISTAKE chooses: as skerry mutate prints it, or its "
		 "number; may be "
		 "repeated",
		 0, NULL},
		{"out", OPTION_TEXT, &line.out, "FILE", "where it is written; default: standard output", 0,
		 NULL}};
	const struct command_line command = {.name = "export",
					     .arguments = "FAMILY/NAME|NAME.so --murphi",
					     .about = "write a protocol for another model checker",
					     .examples = examples,
					     .arguments_min = 1,
					     .arguments_max = 1,
					     .option = options,
					     .options = sizeof options / sizeof *options};
	const struct step_protocol *protocol;
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	if (!murphi)
		return cli_fail(CLI_USAGE, "export: say for which checker; write skerry export %s --murphi",
				arguments.item[0]);
	if ((code = protocol_choose(&protocol, arguments.item[0])))
		return code;
	return export(protocol, &line);
}
