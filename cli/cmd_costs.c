/* skerry costs: what a kernel's cost profile says of whole paths, beside what was published, and of what each is made. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/costs_operations.h"
#include "cli/member.h"
#include "cli/options.h"
#include "cli/text.h"
#include "kernelmodel/paths.h"
#include "sim/quantity.h"

static double error_percent(uint64_t predicted, uint32_t published)
{
	return 100.0 * ((double)predicted - published) / published;
}

/* "entry 132 + lookup 20 + 2 queue 60" */
static void write_composition(FILE *out, const struct km_cost_profile *profile,
			      const struct km_path_result *r)
{
	const char *before = "";
	for (unsigned k = 0; k < KM_WORK_KINDS; k++) {
		const unsigned long long units = r->work[k], cycles = units * profile->cycles[k];
		if (!units)
			continue;
		if (units > 1)
			fprintf(out, "%s%llu %s %llu", before, units, km_work_name[k], cycles);
		else
			fprintf(out, "%s%s %llu", before, km_work_name[k], cycles);
		before = " + ";
	}
	fprintf(out, "\n");
}

static void write_paths(const struct km_cost_profile *profile, const struct km_path_result *r)
{
	static struct text_table table;
	printf("%s: %s\n\n", profile->name, profile->about);
	text_table_add(&table, "path");
	text_table_add(&table, "published");
	text_table_add(&table, "charged");
	text_table_add(&table, "error");
	text_table_add(&table, "figure is");
	text_table_end(&table);
	for (unsigned i = 0; i < KM_PATHS; i++) {
		text_table_add(&table, "%s", km_paths[i].name);
		text_table_add(&table, "%u", km_paths[i].published);
		text_table_add(&table, "%llu", (unsigned long long)r[i].cycles);
		text_table_add(&table, "%+.1f %%", error_percent(r[i].cycles, km_paths[i].published));
		text_table_add(&table, "%s", km_paths[i].fitted ? "fitted" : "predicted");
		text_table_end(&table);
	}
	text_table_write(&table, stdout, "");
	printf("\nWhat a path charges (units, kind of work, cycles):\n");
	for (unsigned i = 0; i < KM_PATHS; i++) {
		printf("  %s, %s:\n    ", km_paths[i].name, km_paths[i].about);
		write_composition(stdout, profile, &r[i]);
	}
	printf("\nWhy a unit costs what it does:\n");
	for (unsigned k = 0; k < KM_WORK_KINDS; k++)
		printf("  %-14s %5u  %s; %s\n", km_work_name[k], profile->cycles[k], km_work_about[k],
		       profile->source[k] ? profile->source[k] : "nothing");
}

static json_t *paths_json(const struct km_cost_profile *profile, const struct km_path_result *r)
{
	json_t *out = json_object(), *paths = json_array(), *work = json_array();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "profile", profile->name);
	for (unsigned i = 0; i < KM_PATHS; i++) {
		json_t *path = json_object(), *units = json_object();
		member_text(path, "name", km_paths[i].name);
		member_text(path, "about", km_paths[i].about);
		member_count(path, "published", km_paths[i].published);
		member_count(path, "cycles", r[i].cycles);
		member_flag(path, "fitted", km_paths[i].fitted);
		for (unsigned k = 0; k < KM_WORK_KINDS; k++)
			if (r[i].work[k])
				member_count(units, km_work_name[k], r[i].work[k]);
		member_set(path, "work", units);
		member_append(paths, path);
	}
	for (unsigned k = 0; k < KM_WORK_KINDS; k++) {
		json_t *kind = json_object();
		member_text(kind, "name", km_work_name[k]);
		member_text(kind, "about", km_work_about[k]);
		member_count(kind, "cycles", profile->cycles[k]);
		member_text(kind, "source", profile->source[k]);
		member_append(work, kind);
	}
	member_set(out, "paths", paths);
	member_set(out, "work", work);
	return out;
}

static int choose(const struct km_cost_profile **out, const char *word)
{
	*out = word ? km_cost_profile(word) : km_cost_profiles[0];
	if (*out)
		return CLI_GOOD;
	const char *nearest = sim_nearest_name(word, km_cost_profile_names);
	if (nearest)
		return cli_fail(CLI_USAGE, "costs: unknown profile \"%.64s\"; did you mean \"%s\"?", word,
				nearest);
	return cli_fail(CLI_USAGE,
			"costs: unknown profile \"%.64s\"; \"skerry list\" names the kernels' profiles",
			word);
}

int cmd_costs(int argc, char **argv)
{
	static struct option_list arguments;
	static struct km_path_result result[KM_PATHS];
	bool json = false;
	const struct cli_option options[] = {
		{"json", OPTION_FLAG, &json, NULL, "print JSON instead of text", 0, NULL}};
	const struct command_line command = {
		.name = "costs",
		.arguments = "[PROFILE]",
		.about = "what a kernel's paths cost in a profile, beside what was published",
		.arguments_max = 1,
		.option = options,
		.options = 1};
	const struct km_cost_profile *profile;
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	if (arguments.count && !strcmp(arguments.item[0], COSTS_OPERATIONS_PROFILE))
		return costs_operations(json);
	code = choose(&profile, arguments.count ? arguments.item[0] : NULL);
	if (code)
		return code;
	const int error = km_paths_measure(profile->cycles, result);
	if (error)
		return cli_fail(CLI_INTERNAL, "costs: the paths could not be measured: %s", strerror(-error));
	if (!json) {
		write_paths(profile, result);
		return CLI_GOOD;
	}
	json_t *out = paths_json(profile, result);
	const int failed = text_json(stdout, out);
	json_decref(out);
	return failed ? CLI_INTERNAL : CLI_GOOD;
}
