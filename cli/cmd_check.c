/* skerry check: visits every order of delivery of a small configuration of a protocol. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/member.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "ssi/checker/checker.h"
#include "ssi/protocols/protocols.h"

struct check_line {
	const char *protocol;
	uint64_t kernels, flight, clients, parks, timeout_ps, memory;
	bool no_symmetry, no_local_errors, json, quiet;
};

static const char examples[] = "  skerry check memory/msi --kernels 3\n"
			       "  skerry check capability/acks              known to be wrong: shows how\n"
			       "  skerry check capability/tree --slots cap=3 --timeout 60s\n";

static int read_line(struct check_line *line, struct option_list *slots, int argc, char **argv)
{
	static struct option_list arguments;
	const struct cli_option options[] = {
		{"kernels", OPTION_QUANTITY, &line->kernels, "N",
		 "kernels, 1 to 5; default: the protocol's model", SIM_UNIT_NONE, NULL},
		{"slots", OPTION_EACH, slots, "MACHINE=N",
		 "slots of a machine on each kernel; may be repeated", 0, NULL},
		{"flight", OPTION_QUANTITY, &line->flight, "N", "client calls under way at a time",
		 SIM_UNIT_NONE, NULL},
		{"clients", OPTION_QUANTITY, &line->clients, "N",
		 "clients of each kernel, 1 or 2, with one call each", SIM_UNIT_NONE, NULL},
		{"parks", OPTION_QUANTITY, &line->parks, "N", "messages that a kernel can park",
		 SIM_UNIT_NONE, NULL},
		{"no-symmetry", OPTION_FLAG, &line->no_symmetry, NULL,
		 "tell kernels apart that only differ in number", 0, NULL},
		{"no-local-errors", OPTION_FLAG, &line->no_local_errors, NULL, "the local kernel never fails",
		 0, NULL},
		{"timeout", OPTION_QUANTITY, &line->timeout_ps, "T",
		 "stop after this time, e.g. \"60 s\": exit 3", SIM_UNIT_DURATION, NULL},
		{"memory", OPTION_QUANTITY, &line->memory, "BYTES",
		 "stop at this much memory, e.g. \"2 GiB\": exit 3", SIM_UNIT_BYTES, NULL},
		{"json", OPTION_FLAG, &line->json, NULL, "print the result as one JSON object", 0, NULL},
		{"quiet", OPTION_FLAG, &line->quiet, NULL, "show no progress", 0, NULL},
	};
	const struct command_line command = {.name = "check",
					     .arguments = "PROTOCOL",
					     .about = "visit every order of delivery of a protocol",
					     .examples = examples,
					     .arguments_min = 1,
					     .arguments_max = 1,
					     .option = options,
					     .options = sizeof options / sizeof *options};
	int code = options_read(&command, argc, argv, &arguments);
	line->protocol = arguments.item[0];
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

static int options_of(struct checker_options *out, const struct check_line *line,
		      const struct step_protocol *p, const struct option_list *slots)
{
	int code = 0;
	*out = (struct checker_options){.kernels = (uint32_t)line->kernels,
					.flight = (uint32_t)line->flight,
					.clients = (uint32_t)line->clients,
					.parks = (uint32_t)line->parks,
					.memory_max = line->memory,
					.seconds_max = (double)line->timeout_ps / 1e12,
					.no_symmetry = line->no_symmetry,
					.no_local_errors = line->no_local_errors};
	if (line->kernels > STEP_MODEL_NODES_MAX)
		return cli_fail(CLI_USAGE, "--kernels %llu: out of range; write 1 to %d",
				(unsigned long long)line->kernels, STEP_MODEL_NODES_MAX);
	if (line->clients > 2)
		return cli_fail(CLI_USAGE, "--clients %llu: out of range; write 1 or 2",
				(unsigned long long)line->clients);
	if (line->flight > 64 || line->parks > 64)
		return cli_fail(CLI_USAGE, "--flight and --parks: out of range; write 1 to 64");
	for (uint32_t i = 0; i < slots->count && !code; i++)
		code = slots_set(out, p, slots->item[i]);
	return code;
}

/* ---- what is printed ---- */

static uint32_t kernels_of(const struct step_protocol *p, const struct checker_options *o)
{
	return o->kernels ? o->kernels : p->model->nodes;
}

static uint32_t slots_of(const struct step_protocol *p, const struct checker_options *o, uint32_t machine)
{
	return o->slots[machine] ? o->slots[machine] : p->model->slots[machine];
}

static void print_configuration(const struct step_protocol *p, const struct checker_options *o)
{
	uint32_t flight = o->flight ? o->flight : p->model->flight;
	printf("%s: %s\n", p->name, p->about);
	printf("assumes         %s\n", p->assumes);
	printf("configuration   %u kernels", kernels_of(p, o));
	for (uint32_t m = 1; m < p->machines; m++)
		printf(", %u %s", slots_of(p, o, m), p->machine[m].name);
	printf(" each; at most %u call%s under way; local errors %s; symmetry %s\n", flight,
	       flight == 1 ? "" : "s", o->no_local_errors || !p->model->local_errors ? "no" : "yes",
	       o->no_symmetry ? "no" : "yes");
}

static void print_result(const struct step_protocol *p, const struct checker_options *o,
			 const struct checker_result *r)
{
	char a[TEXT_BYTES], b[TEXT_BYTES], c[TEXT_BYTES], t[TEXT_BYTES];
	print_configuration(p, o);
	printf("visited         %s states (%s without symmetry), %s transitions, depth %u\n",
	       text_count(a, r->states), text_count(b, r->states_unreduced), text_count(c, r->transitions),
	       r->depth);
	printf("took            %s, %s\n", text_seconds(t, r->seconds), text_bytes(a, r->bytes));
	printf("a step          at most %u messages and %u cells\n", r->sends_max, r->cells_max);
	printf("cells visited   %u of %u", r->cells_visited, r->cells);
	if (r->unvisited)
		printf("; not visited: %s", r->unvisited);
	printf("\n\n");
	if (r->end == CHECKER_CLOSED)
		printf("closed: every order of delivery was visited, all invariants hold\n");
	else if (r->end == CHECKER_BOUNDED)
		printf("bounded: %s; nothing wrong was found up to depth %u\n", r->bound, r->depth);
	else
		printf("violated: %s\n\nThe shortest way there, %u steps:\n%s", r->why,
		       r->counterexample_steps, r->counterexample ? r->counterexample : "");
}

static json_t *configuration_json(const struct step_protocol *p, const struct checker_options *o)
{
	json_t *out = json_object(), *slots = json_object();
	member_count(out, "kernels", kernels_of(p, o));
	for (uint32_t m = 1; m < p->machines; m++)
		member_count(slots, p->machine[m].name, slots_of(p, o, m));
	member_set(out, "slots", slots);
	member_count(out, "clients", o->clients ? o->clients : 1);
	member_count(out, "flight", o->flight ? o->flight : p->model->flight);
	member_flag(out, "symmetry", !o->no_symmetry);
	member_flag(out, "local_errors", p->model->local_errors && !o->no_local_errors);
	return out;
}

/* The counter-example as an array of its lines. */
static json_t *lines_json(const char *text)
{
	json_t *out = json_array();
	while (text && *text) {
		size_t length = strcspn(text, "\n");
		member_append(out, json_stringn_nocheck(text, length));
		text += length + (text[length] == '\n');
	}
	return out;
}

static void print_json(const struct step_protocol *p, const struct checker_options *o,
		       const struct checker_result *r)
{
	static const char *const ends[] = {
		[CHECKER_CLOSED] = "closed", [CHECKER_VIOLATED] = "violated", [CHECKER_BOUNDED] = "bounded"};
	json_t *out = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "protocol", p->name);
	member_set(out, "configuration", configuration_json(p, o));
	member_text(out, "end", ends[r->end]);
	member_count(out, "states", r->states);
	member_count(out, "states_unreduced", r->states_unreduced);
	member_count(out, "transitions", r->transitions);
	member_count(out, "depth", r->depth);
	member_real(out, "seconds", r->seconds);
	member_count(out, "bytes", r->bytes);
	member_count(out, "sends_max", r->sends_max);
	member_count(out, "cells_max", r->cells_max);
	member_count(out, "cells", r->cells);
	member_count(out, "cells_visited", r->cells_visited);
	member_text(out, "unvisited", r->unvisited);
	if (r->end == CHECKER_BOUNDED)
		member_text(out, "bound", r->bound);
	if (r->end == CHECKER_VIOLATED) {
		member_text(out, "why", r->why);
		member_set(out, "counterexample", lines_json(r->counterexample));
	}
	text_json(stdout, out);
	json_decref(out);
}

static void print_replay(int argc, char **argv)
{
	fflush(stdout);
	fputs("skerry: it happens again with: ", stderr);
	text_shell_word(stderr, cli_program());
	for (int i = 0; i < argc; i++) {
		fputc(' ', stderr);
		text_shell_word(stderr, argv[i]);
	}
	fputc('\n', stderr);
}

int cmd_check(int argc, char **argv)
{
	static const int codes[] = {[CHECKER_CLOSED] = CLI_GOOD,
				    [CHECKER_VIOLATED] = CLI_VIOLATED,
				    [CHECKER_BOUNDED] = CLI_INCONCLUSIVE};
	static struct option_list slots;
	struct check_line line = {0};
	struct checker_options options;
	struct checker_result result = {0};
	struct progress progress;
	const struct step_protocol *protocol;
	int code = read_line(&line, &slots, argc, argv);
	if (code >= 0)
		return code;
	if ((code = protocol_choose(&protocol, line.protocol)) ||
	    (code = options_of(&options, &line, protocol, &slots)))
		return code;
	if (!protocol->model)
		return cli_fail(CLI_USAGE, "%s has no model of its clients, so it cannot be checked alone",
				protocol->name);
	progress_init(&progress, protocol->name, line.quiet);
	options.progress = progress_check;
	options.context = &progress;
	int failed = checker_run(protocol, &options, &result);
	progress_end(&progress);
	if (failed)
		return cli_fail(failed == -EINVAL ? CLI_USAGE : CLI_INCONCLUSIVE, "check %s: %s",
				protocol->name,
				failed == -EINVAL ? result.why
						  : "there is not enough memory; set a limit with --memory");
	if (line.json)
		print_json(protocol, &options, &result);
	else
		print_result(protocol, &options, &result);
	if (result.end != CHECKER_CLOSED)
		print_replay(argc, argv);
	code = codes[result.end];
	checker_result_fini(&result);
	return code;
}
