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
#include "cli/options.h"
#include "ssi/checker/export.h"
#include "workloads/embedded.h"

#define TEXT_MAX (1u << 20)

static const char examples[] = "  skerry export memory/msi --murphi > msi.m\n"
			       "  rumur --deadlock-detection off --output msi.c msi.m\n"
			       "  cc -O3 -o msi msi.c -lpthread && ./msi    on x86-64 also -mcx16\n";

/* "murphi/memory-msi.m": what comes with Skerry for a protocol, or NULL. */
static const char *own_clients(const struct step_protocol *protocol)
{
	char name[96];
	snprintf(name, sizeof name, "murphi/%s.m", protocol->name);
	char *slash = strchr(name + strlen("murphi/"), '/');
	if (slash)
		*slash = '-';
	const struct embedded_file *file = embedded_find(name);
	return file ? file->text : NULL;
}

static int write_text(const struct step_protocol *protocol, const struct export_options *options,
		      const char *out)
{
	char *text = NULL, why[512];
	size_t bytes = 0;
	FILE *memory = open_memstream(&text, &bytes);
	if (!memory)
		return cli_fail(CLI_INTERNAL, "export: no memory");
	int code = export_murphi(memory, protocol, options, why, sizeof why);
	fclose(memory);
	if (code == -ENOTSUP)
		code = cli_fail(CLI_USAGE,
				"export %s: what these do cannot be learnt from runs: %s; see "
				"docs/howto/export-to-murphi.md",
				protocol->name, why);
	else if (code)
		code = cli_fail(CLI_USAGE, "export %s: %s", protocol->name, why);
	else if (!out)
		fwrite(text, 1, bytes, stdout);
	else if (file_replace(out, text, bytes))
		code = cli_fail(CLI_USAGE, "export: %s cannot be written: %s", out, strerror(errno));
	free(text);
	return code;
}

static int export(const struct step_protocol *protocol, const struct check_bounds *bounds,
		  const char *clients, const char *out)
{
	struct checker_options checked;
	struct export_options options = {.prelude = embedded_find("murphi/prelude.m")->text};
	char *text = NULL;
	size_t bytes;
	int code = check_options_of(&checked, bounds, protocol);
	if (code)
		return code;
	options.kernels = checked.kernels, options.flight = checked.flight;
	memcpy(options.slots, checked.slots, sizeof options.slots);
	if (clients && !(text = file_read(clients, TEXT_MAX, &bytes)))
		return cli_fail(CLI_USAGE, "--clients %s: %s", clients, strerror(errno));
	options.clients = text ? text : own_clients(protocol);
	if (!options.clients)
		fprintf(stderr,
			"skerry: export %s: its clients are not known in Murphi, so they call anything and "
			"no invariant "
			"of its own is judged; --clients FILE says more\n",
			protocol->name);
	code = write_text(protocol, &options, out);
	free(text);
	return code;
}

int cmd_export(int argc, char **argv)
{
	static struct option_list arguments;
	static struct check_bounds bounds;
	bool murphi = false;
	const char *clients = NULL, *out = NULL;
	const struct cli_option options[] = {
		{"murphi", OPTION_FLAG, &murphi, NULL, "for CMurphi and Rumur", 0, NULL},
		{"kernels", OPTION_POSITIVE, &bounds.kernels, "N",
		 "kernels; default, as of all bounds: the protocol's model", SIM_UNIT_NONE, NULL},
		{"in-flight", OPTION_POSITIVE, &bounds.flight, "N", "client calls under way at a time",
		 SIM_UNIT_NONE, NULL},
		{"slots", OPTION_EACH, &bounds.slots, "MACHINE=N",
		 "slots of a machine on each kernel; may be repeated", 0, NULL},
		{"clients", OPTION_TEXT, &clients, "FILE", "the protocol's clients and invariants in Murphi",
		 0, NULL},
		{"out", OPTION_TEXT, &out, "FILE", "where it is written; default: standard output", 0, NULL}};
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
	code = protocol_choose(&protocol, arguments.item[0]);
	return code ? code : export(protocol, &bounds, clients, out);
}
