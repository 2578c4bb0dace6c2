#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/member.h"
#include "cli/run_script.h"
#include "cli/text.h"
#include "sim/quantity.h"
#include "ssi/checker/replay.h"

#define FILE_BYTES_MAX (4u << 20)

json_t *run_script_json(const char *scenario, const struct trial_result *outcome)
{
	json_t *out = json_object(), *end = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "kind", RUN_SCRIPT_KIND);
	member_text(out, "skerry", CLI_VERSION);
	member_count(out, "model_version", RUN_MODEL_VERSION);
	member_set(out, "scenario", json_string(scenario));
	member_text(end, "end", trial_end_name[outcome->end]);
	member_text(end, "name", outcome->name);
	member_text(end, "why", outcome->text);
	member_count(end, "events", outcome->events);
	member_set(out, "outcome", end);
	return out;
}

bool run_script_is(const char *path)
{
	size_t bytes;
	char *text = file_read(path, FILE_BYTES_MAX, &bytes);
	json_t *file = text ? json_loadb(text, bytes, 0, NULL) : NULL;
	const char *kind = json_string_value(json_object_get(file, "kind"));
	const bool is = kind && !strcmp(kind, RUN_SCRIPT_KIND);
	json_decref(file);
	free(text);
	return is;
}

/* ---- reading ---- */

struct run_script {
	struct scenario *scenario;
	struct trial_result outcome;
};

static int refuse(const char *path, const char *what)
{
	return cli_fail(CLI_USAGE, "%s: %s; make it anew with skerry check --run", path, what);
}

static int read_outcome(const char *path, const json_t *end, struct trial_result *r)
{
	const char *name = json_string_value(json_object_get(end, "name"));
	const char *why = json_string_value(json_object_get(end, "why"));
	const char *word = json_string_value(json_object_get(end, "end"));
	uint32_t k = 0;
	while (word && k < TRIAL_ENDS && strcmp(trial_end_name[k], word))
		k++;
	if (!name || !why || !word || k == TRIAL_ENDS)
		return refuse(path, "outcome: \"end\", \"name\" or \"why\" is missing or damaged");
	r->end = (enum trial_end)k;
	r->events = (uint64_t)json_integer_value(json_object_get(end, "events"));
	snprintf(r->name, sizeof r->name, "%s", name);
	snprintf(r->text, sizeof r->text, "%s", why);
	return 0;
}

static int read_script(const char *path, struct run_script *out)
{
	struct scenario_error error;
	size_t bytes;
	int code = 0;
	char *text = file_read(path, FILE_BYTES_MAX, &bytes);
	json_t *file = text ? json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const char *scenario = json_string_value(json_object_get(file, "scenario"));
	if (json_integer_value(json_object_get(file, "schema")) != CLI_SCHEMA)
		code = refuse(path, "its schema is another");
	else if (json_integer_value(json_object_get(file, "model_version")) != RUN_MODEL_VERSION)
		code = refuse(
			path,
			"model_version: it is of another version of the model, which may run otherwise");
	else if (!scenario)
		code = refuse(path, "\"scenario\" is missing");
	else if (scenario_parse(&out->scenario, path, scenario, strlen(scenario), NULL, 0, &error))
		code = cli_fail(CLI_USAGE, "%s", error.text);
	if (!code)
		code = read_outcome(path, json_object_get(file, "outcome"), &out->outcome);
	json_decref(file);
	free(text);
	return code;
}

/* ---- step by step ---- */

/* A tap has no context of its own. */
static struct {
	const struct run_script_options *options;
	struct run *run;
	uint64_t steps, until_step, nth, seen;
	char event[64];
	bool stopped;
} now;

static int read_until(const char *path, const char *until)
{
	const char *colon = until ? strchr(until, ':') : NULL;
	char why[192];
	now.nth = 1;
	if (!until)
		return 0;
	if (*until >= '0' && *until <= '9') {
		if (!sim_quantity_parse(&now.until_step, SIM_UNIT_NONE, until, why, sizeof why) &&
		    now.until_step)
			return 0;
		return cli_fail(CLI_USAGE, "--until %.64s: %s has steps from 1 on", until, path);
	}
	if (colon && (sim_quantity_parse(&now.nth, SIM_UNIT_NONE, colon + 1, why, sizeof why) || !now.nth))
		return cli_fail(CLI_USAGE,
				"--until %.64s: write the number of the time after the colon, from 1", until);
	snprintf(now.event, sizeof now.event, "%.*s", colon ? (int)(colon - until) : 60, until);
	return 0;
}

static void print_cell(const struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
		       unsigned next)
{
	const struct step_machine *k = &n->protocol->machine[m->to.machine];
	char time[TEXT_BYTES], slot[16] = "";
	if (at.index < n->pool[m->to.machine].slots)
		snprintf(slot, sizeof slot, ".%u", (unsigned)at.index);
	printf("%5llu  %9s  cluster %u  %-16s %s", (unsigned long long)now.steps,
	       text_time(time, flat_now(run_machine(now.run), n->id)), n->id, n->protocol->name,
	       n->protocol->event[m->event].name);
	if (m->from.node != n->id)
		printf(" from cluster %u", (unsigned)m->from.node);
	printf(": %s %u%s %s", k->name, n->id, slot, k->state[state]);
	if (state != next)
		printf(" -> %s", k->state[next]);
	printf("\n");
}

/* Before each cell runs. */
static void see_cell(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
		     unsigned next)
{
	if (now.stopped)
		return;
	now.steps++;
	if (!now.options->quiet && !now.options->json)
		print_cell(n, m, at, state, next);
	now.seen += now.event[0] && !strcmp(now.event, n->protocol->event[m->event].name);
	now.stopped = now.event[0] ? now.seen == now.nth : now.steps == now.until_step;
	if (!now.stopped)
		return;
	fflush(stdout);
	if (now.options->stop_before)
		replay_breakpoint((uint32_t)now.steps,
				  step_cell_at(n->protocol, m->to.machine, state, m->event)->action);
	sim_engine_stop(flat_engine(run_machine(now.run)));
}

/* ---- what came of it ---- */

static void print_json(const struct trial_result *r, bool same)
{
	json_t *out = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "end", now.stopped ? "stopped" : trial_end_name[r->end]);
	member_text(out, "name", now.stopped ? NULL : r->name);
	member_text(out, "why", now.stopped ? NULL : r->text);
	member_flag(out, "as_recorded", !now.stopped && same);
	member_count(out, "steps", now.steps);
	member_count(out, "events", r->events);
	text_json(stdout, out);
	json_decref(out);
}

static int finish(const char *path, const struct run_script *script, const struct trial_result *r)
{
	const bool same = trial_same(r, &script->outcome) && !strcmp(r->text, script->outcome.text) &&
			  r->events == script->outcome.events;
	if (now.options->json)
		print_json(r, same);
	else if (now.stopped)
		printf("stopped at step %llu\n", (unsigned long long)now.steps);
	else
		printf("     ==> %s%s%s: %s\n\n%s\n", trial_end_name[r->end], r->name[0] ? ", " : "", r->name,
		       r->text, same ? "the same as recorded" : "not as recorded");
	if (now.stopped)
		return CLI_GOOD;
	if (now.options->until)
		return cli_fail(CLI_USAGE, "replay: --until %.64s was not reached; the run has %llu steps",
				now.options->until, (unsigned long long)now.steps);
	if (!same)
		return cli_fail(CLI_UNREPEATABLE,
				"replay %s: the outcome is another than recorded; the protocol has changed",
				path);
	return trial_failed(r) ? CLI_VIOLATED : CLI_GOOD;
}

int run_script_replay(const char *path, const struct run_script_options *options)
{
	const struct run_options run_options = {.inclusion = true, .cell_tap = see_cell};
	struct run_script script = {0};
	struct run_result result;
	struct trial_result r = {.end = TRIAL_GOOD};
	struct scenario_error error;
	int code = read_script(path, &script);
	now.options = options;
	if (!code)
		code = read_until(path, options->until);
	if (!code && run_new(&now.run, script.scenario, &run_options, &error))
		code = cli_fail(CLI_USAGE, "%s", error.text);
	if (!code) {
		run_go(now.run, &result);
		trial_judge(&result, &r);
		code = finish(path, &script, &r);
		run_free(now.run);
	}
	scenario_free(script.scenario);
	return code;
}
