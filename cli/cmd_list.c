/* skerry list: what comes with Skerry. */
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/member.h"
#include "cli/options.h"
#include "cli/text.h"
#include "kernelmodel/cost.h"
#include "sim/cost.h"
#include "sim/topology.h"
#include "ssi/protocols/protocols.h"
#include "workloads/embedded.h"
#include "workloads/scenario.h"
#include "workloads/trace.h"

static uint32_t cells_of(const struct step_protocol *p)
{
	uint32_t cells = 0;
	for (uint32_t m = 1; m < p->machines; m++)
		for (uint32_t s = 0; s <= p->machine[m].states; s++)
			for (uint32_t e = 0; e < p->events; e++)
				cells += step_cell_at(p, m, s, e)->kind != STEP_NEVER;
	return cells;
}

/* Each section is an array of objects; the text output is made from it. */

static json_t *protocol_json(const struct step_protocol *p)
{
	json_t *item = json_object();
	member_text(item, "name", p->name);
	member_count(item, "machines", p->machines - 1); /* 0 is nobody */
	member_count(item, "cells", cells_of(p));
	member_text(item, "about", p->about);
	return item;
}

static json_t *protocols_json(void)
{
	json_t *out = json_array();
	for (uint32_t i = 0; protocols[i]; i++)
		member_append(out, protocol_json(protocols[i]));
	return out;
}

/* Only those that the command line names, in shared objects or not. */
static json_t *chosen_json(const struct option_list *names, int *code)
{
	json_t *out = json_array();
	for (uint32_t i = 0; i < names->count; i++) {
		const struct step_protocol *protocol;
		const int failed = protocol_choose(&protocol, names->item[i]);
		*code = cli_worse(*code, failed);
		if (!failed)
			member_append(out, protocol_json(protocol));
	}
	return out;
}

/* The base name of a built-in file in `folder` with `suffix`; false: it is another file. */
static bool base_name(char out[80], const struct embedded_file *file, const char *folder, const char *suffix)
{
	size_t before = strlen(folder), length = strlen(file->name), after = strlen(suffix);
	if (length < before + after || strncmp(file->name, folder, before) ||
	    strcmp(file->name + length - after, suffix))
		return false;
	snprintf(out, 80, "%.*s", (int)(length - before - after), file->name + before);
	return true;
}

static json_t *scenarios_json(int *code)
{
	json_t *out = json_array();
	char name[80];
	for (const struct embedded_file *file = embedded_files; file->name; file++) {
		struct scenario_error error = {""};
		struct scenario *scenario;
		if (!base_name(name, file, "scenarios/", ".yaml"))
			continue;
		json_t *item = json_object();
		member_text(item, "name", name);
		if (scenario_parse(&scenario, file->name, file->text, file->bytes, NULL, 0, &error)) {
			/* One that needs a device which this host lacks is still listed. */
			member_text(item, "about", error.text);
			*code = CLI_INTERNAL;
		} else {
			member_count(item, "clusters", scenario->topology.clusters);
			member_text(item, "engine",
				    scenario->engine == SIM_ENGINE_NATIVE ? "native" : "virtual");
			member_text(item, "about", scenario->about);
			scenario_free(scenario);
		}
		member_append(out, item);
	}
	return out;
}

static json_t *traces_json(int *code)
{
	json_t *out = json_array();
	char name[80];
	for (const struct embedded_file *file = embedded_files; file->name; file++) {
		struct trace_error error = {""};
		struct trace *trace;
		if (!base_name(name, file, "traces/", ".strace"))
			continue;
		json_t *item = json_object();
		member_text(item, "name", name);
		if (trace_read(&trace, name, &error)) {
			member_text(item, "command", error.text);
			*code = CLI_INTERNAL;
		} else {
			member_count(item, "calls", trace->calls);
			member_count(item, "processes", trace->processes);
			member_text(item, "command", trace->command);
			trace_free(trace);
		}
		member_append(out, item);
	}
	return out;
}

static json_t *machines_json(void)
{
	json_t *out = json_array();
	for (const char *const *name = sim_topology_presets(); *name; name++) {
		json_t *item = json_object();
		member_text(item, "name", *name);
		member_text(item, "about", sim_topology_preset_about(*name));
		member_append(out, item);
	}
	return out;
}

static json_t *costs_json(void)
{
	json_t *out = json_array();
	for (const struct sim_cost_profile *const *p = sim_cost_profiles; *p; p++) {
		json_t *item = json_object();
		member_text(item, "name", (*p)->name);
		member_text(item, "about", (*p)->about);
		member_append(out, item);
	}
	return out;
}

static json_t *kernel_costs_json(void)
{
	json_t *out = json_array();
	for (const struct km_cost_profile *const *p = km_cost_profiles; *p; p++) {
		json_t *item = json_object();
		member_text(item, "name", (*p)->name);
		member_text(item, "about", (*p)->about);
		member_append(out, item);
	}
	return out;
}

/* "1 process", "3 processes": the key is the plural. */
static void add_count(struct text_table *table, const char *key, json_int_t count)
{
	int length = (int)strlen(key);
	if (count == 1)
		length -= !strcmp(key, "processes") ? 2 : 1;
	text_table_add(table, "%lld %.*s", (long long)count, length, key);
}

static void print_section(const char *title, const json_t *section)
{
	struct text_table table = {.left = true};
	size_t i;
	const char *key;
	const json_t *item;
	json_t *value;
	printf("%s\n", title);
	json_array_foreach(section, i, item)
	{
		json_object_foreach((json_t *)(uintptr_t)item, key, value)
		{
			if (json_is_integer(value))
				add_count(&table, key, json_integer_value(value));
			else
				text_table_add(&table, "%s",
					       json_string_value(value) ? json_string_value(value) : "");
		}
		text_table_end(&table);
	}
	text_table_write(&table, stdout, "  ");
}

static int print_all(bool json, const struct option_list *chosen)
{
	static const char *const titles[][2] = {
		{"protocols", "Protocols (skerry check NAME, skerry table NAME)"},
		{"scenarios", "Scenarios (skerry run NAME; \"demo\" is what runs without a name)"},
		{"traces", "Recordings (clients: [{trace: NAME}], skerry run --trace NAME)"},
		{"machines", "Machines (machine.preset)"},
		{"costs", "Costs of kernel and monitor (cost.profile)"},
		{"kernel_costs",
		 "Costs of a kernel's work, with fidelity: full (cost.kernel, skerry costs NAME)"}};
	int code = 0;
	json_t *out = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	if (chosen->count) {
		member_set(out, "protocols", chosen_json(chosen, &code));
	} else {
		member_set(out, "protocols", protocols_json());
		member_set(out, "scenarios", scenarios_json(&code));
		member_set(out, "traces", traces_json(&code));
		member_set(out, "machines", machines_json());
		member_set(out, "costs", costs_json());
		member_set(out, "kernel_costs", kernel_costs_json());
	}
	if (json && code != CLI_USAGE)
		text_json(stdout, out);
	for (size_t i = 0; !json && code != CLI_USAGE && i < sizeof titles / sizeof *titles; i++) {
		const json_t *section = json_object_get(out, titles[i][0]);
		fputs(section && i ? "\n" : "", stdout);
		if (section)
			print_section(titles[i][1], section);
	}
	json_decref(out);
	return code;
}

int cmd_list(int argc, char **argv)
{
	static struct option_list arguments;
	bool json = false, reference = false;
	const struct cli_option options[] = {
		{"json", OPTION_FLAG, &json, NULL, "print one JSON object", 0, NULL},
		{"reference", OPTION_FLAG, &reference, NULL,
		 "print the reference of all keys of a scenario, in Markdown", 0, NULL},
	};
	const struct command_line command = {.name = "list",
					     .arguments = "[PROTOCOL | ./NAME.so]...",
					     .about = "what comes with Skerry; or the protocols named",
					     .arguments_max = OPTIONS_ITEMS_MAX,
					     .option = options,
					     .options = 2};
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	if (reference)
		return scenario_write_reference(stdout) ? CLI_INTERNAL : CLI_GOOD;
	return print_all(json, &arguments);
}
