#include <stdio.h>
#include <string.h>
#include "cli/check_options.h"
#include "cli/cli.h"
#include "sim/quantity.h"

int check_options_in_range(const char *option, uint64_t value, uint64_t most)
{
	if (value <= most)
		return 0;
	return cli_fail(CLI_USAGE, "--%s %llu: out of range; write 1 to %llu", option,
			(unsigned long long)value, (unsigned long long)most);
}

static int check_ranges(const struct check_bounds *b)
{
	const struct {
		const char *option;
		uint64_t value, most;
	} range[] = {{"kernels", b->kernels, STEP_MODEL_NODES_MAX},
		     {"objects", b->objects, 8},
		     {"capabilities", b->capabilities, 64},
		     {"in-flight", b->flight, 64},
		     {"clients", b->clients, 2},
		     {"parks", b->parks, 64},
		     {"crash", b->crash, STEP_MODEL_NODES_MAX},
		     {"threads", b->threads, 1024}};
	int code = 0;
	for (size_t i = 0; i < sizeof range / sizeof *range && !code; i++)
		code = check_options_in_range(range[i].option, range[i].value, range[i].most);
	return code;
}

static int slots_set(struct checker_options *options, const struct step_protocol *p, const char *text)
{
	const char *names[STEP_MACHINES_MAX + 1] = {NULL}, *equals = strchr(text, '=');
	char name[64], why[192];
	uint64_t count;
	if (!equals)
		return cli_fail(CLI_USAGE, "--slots %.64s: the number is missing; write --slots MACHINE=N",
				text);
	snprintf(name, sizeof name, "%.*s", (int)(equals - text), text);
	if (sim_quantity_parse(&count, SIM_UNIT_NONE, equals + 1, why, sizeof why))
		return cli_fail(CLI_USAGE, "--slots %.64s: %s", text, why);
	if (!count || count > 64)
		return cli_fail(CLI_USAGE, "--slots %.64s: the number is out of range; write 1 to 64", text);
	for (uint32_t m = 1; m < p->machines; m++) {
		names[m - 1] = p->machine[m].name;
		if (!strcmp(p->machine[m].name, name)) {
			options->slots[m] = (uint32_t)count;
			return 0;
		}
	}
	const char *nearest = sim_nearest_name(name, names);
	return cli_fail(CLI_USAGE, "--slots: %s has no machine \"%s\"; %s \"%s\"%s", p->name, name,
			nearest ? "did you mean" : "write, e.g.,", nearest ? nearest : names[0],
			nearest ? "?" : "");
}

int check_options_of(struct checker_options *out, const struct check_bounds *b, const struct step_protocol *p)
{
	int code = check_ranges(b);
	*out = (struct checker_options){.kernels = (uint32_t)b->kernels,
					.objects = (uint32_t)b->objects,
					.capabilities = (uint32_t)b->capabilities,
					.flight = (uint32_t)b->flight,
					.clients = (uint32_t)b->clients,
					.parks = (uint32_t)b->parks,
					.crash = (uint32_t)b->crash,
					.threads = (uint32_t)b->threads,
					.memory_max = b->memory,
					.seconds_max = (double)b->budget_ps / 1e12,
					.lossy = b->lossy,
					.reorder = b->reorder,
					.no_symmetry = b->no_symmetry,
					.no_local_errors = b->no_local_errors,
					.no_quiescence = b->no_quiescence};
	for (uint32_t i = 0; i < b->slots.count && !code; i++)
		code = slots_set(out, p, b->slots.item[i]);
	return code;
}

int check_options_promise(uint32_t *number, const struct step_protocol *p, const char *name)
{
	const char *names[33] = {NULL};
	for (uint32_t i = 0; i < 32 && p->promises && p->promises[i].name; i++) {
		names[i] = p->promises[i].name;
		if (!strcmp(names[i], name))
			return *number = i, 0;
	}
	const char *nearest = sim_nearest_name(name, names);
	if (!names[0])
		return cli_fail(CLI_USAGE, "--promise %.64s: %s declares no promises; leave it out", name,
				p->name);
	return cli_fail(CLI_USAGE, "--promise: %s has no promise \"%.64s\"; %s \"%s\"%s", p->name, name,
			nearest ? "did you mean" : "write, e.g.,", nearest ? nearest : names[0],
			nearest ? "?" : "");
}
