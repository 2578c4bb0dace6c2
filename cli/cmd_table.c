/* skerry table: a protocol's tables in Markdown, from the very data that runs. */
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/options.h"
#include "ssi/protocols/protocols.h"

static const char *class_name(unsigned klass)
{
	static const char *const names[] = {"internal", "call", "request", "forward", "reply"};
	return names[klass];
}

static bool row_is_used(const struct step_protocol *p, unsigned machine, unsigned event)
{
	for (uint32_t s = 0; s <= p->machine[machine].states; s++)
		if (step_cell_at(p, machine, s, event)->kind != STEP_NEVER)
			return true;
	return false;
}

static bool column_is_used(const struct step_protocol *p, unsigned machine, unsigned state)
{
	for (uint32_t e = 0; e < p->events; e++)
		if (step_cell_at(p, machine, state, e)->kind != STEP_NEVER)
			return true;
	return false;
}

static void print_cell(const struct step_protocol *p, unsigned machine, unsigned state, unsigned event)
{
	const struct step_machine *m = &p->machine[machine];
	const struct step_cell *cell = step_cell_at(p, machine, state, event);
	const char *action = cell->action ? cell->name : "-";
	if (cell->kind == STEP_NEVER)
		printf(" |");
	else if (cell->kind == STEP_STALL)
		printf(" stall |");
	else if (cell->next == state)
		printf(" %s |", action);
	else
		printf(" %s → %s |", action, m->state[cell->next]);
}

static void print_states(const struct step_machine *m)
{
	printf("States: ");
	for (uint32_t s = 0; s < m->states; s++) {
		bool usable = m->usable >> s & 1, rest = m->rest >> s & 1;
		printf("%s%s%s", s ? ", " : "", m->state[s],
		       usable && rest ? " (usable, at rest)"
		       : usable       ? " (usable)"
		       : rest         ? " (at rest)"
				      : "");
	}
	printf(".\n\n");
}

static uint32_t print_machine(const struct step_protocol *p, unsigned machine)
{
	const struct step_machine *m = &p->machine[machine];
	uint32_t last = m->states + column_is_used(p, machine, m->states), cells = 0;
	printf("### Machine %s\n\n", m->name);
	print_states(m);
	printf("| event |");
	for (uint32_t s = 0; s < last; s++)
		printf(" %s |", m->state[s]);
	printf("\n|---|");
	for (uint32_t s = 0; s < last; s++)
		printf("---|");
	printf("\n");
	for (uint32_t e = 0; e < p->events; e++) {
		if (!row_is_used(p, machine, e))
			continue;
		printf("| %s (%s) |", p->event[e].name, class_name(p->event[e].klass));
		for (uint32_t s = 0; s < last; s++) {
			print_cell(p, machine, s, e);
			cells += step_cell_at(p, machine, s, e)->kind != STEP_NEVER;
		}
		printf("\n");
	}
	printf("\n%u cells.\n\n", cells);
	return cells;
}

static void print_promises(const struct step_promise *promise)
{
	for (; promise && promise->name; promise++)
		printf("- %s %s: %s\n", promise->kept ? "promises" : "does not promise", promise->name,
		       promise->text);
}

static void print_protocol(const struct step_protocol *p)
{
	uint32_t cells = 0;
	printf("## %s\n\n", p->name);
	printf("%s.\n\nAssumes: %s.\n\n", p->about, p->assumes);
	for (const char *const *text = p->invariants; text && *text; text++)
		printf("- %s\n", *text);
	print_promises(p->promises);
	printf("\n");
	for (uint32_t m = 1; m < p->machines; m++)
		cells += print_machine(p, m);
	printf("%s has %u cells in all.\n", p->name, cells);
}

static const char preface[] = "<!-- Written by \"skerry table --all\" from the tables that run. -->\n"
			      "# Protocols\n\n"
			      "A row is an event with its class, a column is a state. A cell says which "
			      "action runs and, after the arrow,\n"
			      "the next state; \"-\" is no action; \"stall\" parks the message until the "
			      "machine has moved on; a blank cell\n"
			      "must never be reached, and reaching it is a fault. The last column, where "
			      "there is one, is for the case that\n"
			      "no slot is free.\n";

int cmd_table(int argc, char **argv)
{
	static struct option_list arguments;
	bool all = false;
	const struct cli_option options[] = {
		{"all", OPTION_FLAG, &all, NULL, "all protocols, with a preface", 0, NULL}};
	const struct command_line command = {.name = "table",
					     .arguments = "PROTOCOL | ./NAME.so | --all",
					     .about = "a protocol's table in Markdown, from its code",
					     .arguments_max = 1,
					     .option = options,
					     .options = 1};
	const struct step_protocol *protocol;
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	if (all == (arguments.count == 1))
		return cli_fail(CLI_USAGE,
				"table: name one protocol, or write --all; \"skerry list\" names them");
	if (!all) {
		code = protocol_choose(&protocol, arguments.item[0]);
		if (!code)
			print_protocol(protocol);
		return code;
	}
	fputs(preface, stdout);
	for (uint32_t i = 0; protocols[i]; i++) {
		printf("\n");
		print_protocol(protocols[i]);
	}
	return CLI_GOOD;
}
