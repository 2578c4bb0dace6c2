#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/session.h"
#include "cli/text.h"
#include "sim/check.h"
#include "workloads/embedded.h"

const char *const session_engines[] = {"virtual", "native", "window", "heap", NULL};

struct sets {
	char *text[OPTIONS_ITEMS_MAX + 16];
	uint32_t count;
};

static void sets_add(struct sets *sets, const char *key, const char *value)
{
	SIM_CHECK(asprintf(&sets->text[sets->count++], "%s=%s", key, value) >= 0);
}

static bool is_recording(const char *word)
{
	struct stat status;
	char path[128];
	snprintf(path, sizeof path, "traces/%.80s.strace", word);
	return (!stat(word, &status) && S_ISREG(status.st_mode) && !access(word, R_OK)) ||
	       embedded_find(path);
}

/* "clients=[{trace: "a"}, {trace: "b"}]" replaces the demonstration's clients. */
static int sets_of_traces(struct sets *sets, const struct option_list *traces, struct scenario_error *error)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	SIM_CHECK(out != NULL);
	int failed = 0;
	for (uint32_t i = 0; i < traces->count && !failed; i++) {
		failed = !is_recording(traces->item[i]);
		if (failed)
			snprintf(
				error->text, sizeof error->text,
				"--trace %.256s: there is no such recording; scripts/record-trace makes one, "
				"\"skerry list\" names those that are built in",
				traces->item[i]);
		fputs(i ? ", {trace: " : "[{trace: ", out);
		sim_config_write_text(out, traces->item[i]);
		fputc('}', out);
	}
	fputc(']', out);
	fclose(out);
	sets_add(sets, "name", "recordings");
	sets_add(sets, "about",
		 "recordings of one's own, each on every kernel of the demonstration's machine");
	sets_add(sets, "clients", text);
	free(text);
	return failed ? -1 : 0;
}

static void write_words(FILE *out, const char *option, const struct option_list *list, bool each)
{
	for (uint32_t i = 0; list && i < list->count; i++) {
		if (each || !i)
			fprintf(out, " %s", option);
		fputc(' ', out);
		text_shell_word(out, list->item[i]);
	}
}

static char *replay_line(const struct session_source *source, const struct scenario *scenario)
{
	char *text = NULL;
	size_t bytes;
	FILE *out = open_memstream(&text, &bytes);
	SIM_CHECK(out != NULL);
	text_shell_word(out, cli_program());
	fputs(" run", out);
	if (source->scenario) {
		fputc(' ', out);
		text_shell_word(out, source->scenario);
	}
	write_words(out, "--trace", source->traces, false);
	write_words(out, "--set", source->sets, true);
	if (source->preset) {
		fputs(" --preset ", out);
		text_shell_word(out, source->preset);
	}
	if (source->clusters)
		fprintf(out, " --set machine.clusters=%u", source->clusters);
	if (source->engine)
		fprintf(out, " --engine %s", source->engine);
	if (source->oversubscribe)
		fputs(" --oversubscribe", out);
	if (source->inclusion)
		fputs(" --inclusion", out);
	fprintf(out, " --seed %llu", (unsigned long long)scenario->seed);
	fclose(out);
	return text;
}

static void sets_of_options(struct sets *sets, const struct session_source *source)
{
	char clusters[16];
	for (uint32_t i = 0; source->sets && i < source->sets->count; i++) {
		const char *set = source->sets->item[i];
		SIM_CHECK(asprintf(&sets->text[sets->count++], "%s%s",
				   protocol_is_choice(set) ? "protocols." : "", set) >= 0);
	}
	if (source->preset)
		sets_add(sets, "machine.preset", source->preset);
	if (source->clusters) {
		snprintf(clusters, sizeof clusters, "%u", source->clusters);
		sets_add(sets, "machine.clusters", clusters);
	}
	if (source->seed)
		sets_add(sets, "seed", source->seed);
	if (source->engine)
		sets_add(sets, "engine", strcmp(source->engine, "virtual") ? source->engine : "window");
	if (source->oversubscribe)
		sets_add(sets, "native.oversubscribe", "true");
}

static int read_scenario(struct session *out, const struct session_source *source, struct sets *sets,
			 struct scenario_error *error)
{
	bool traces = source->traces && source->traces->count;
	if (traces && source->scenario) {
		snprintf(error->text, sizeof error->text,
			 "run: a scenario and --trace exclude each other; name the recordings in the "
			 "scenario's \"clients\", or leave the scenario out");
		return -1;
	}
	if (traces && sets_of_traces(sets, source->traces, error))
		return -1;
	sets_of_options(sets, source);
	return scenario_read(&out->scenario, source->scenario, (const char *const *)sets->text, sets->count,
			     error);
}

static int session_open(struct session *out, const struct session_source *source,
			struct scenario_error *error)
{
	*out = (struct session){0};
	struct sets *sets = calloc(1, sizeof *sets);
	SIM_CHECK(sets != NULL);
	int failed = read_scenario(out, source, sets, error);
	for (uint32_t i = 0; i < sets->count; i++)
		free(sets->text[i]);
	free(sets);
	if (failed)
		return -1;
	out->replay = replay_line(source, out->scenario);
	sim_check_set_replay(out->replay);
	return 0;
}

int session_read(struct session *out, const struct session_source *source)
{
	struct scenario_error error = {""};
	return session_open(out, source, &error) ? cli_fail(CLI_USAGE, "%s", error.text) : 0;
}

int session_begin(struct session *session, const struct run_options *options)
{
	struct scenario_error error = {""};
	if (run_new(&session->run, session->scenario, options, &error))
		return cli_fail(CLI_USAGE, "%s", error.text);
	return 0;
}

int session_try(struct session *out, const struct session_source *source, const struct run_options *options,
		struct scenario_error *error)
{
	return session_open(out, source, error) || run_new(&out->run, out->scenario, options, error) ? -1 : 0;
}

bool session_is_native(const struct session *session)
{
	return session->scenario->engine == SIM_ENGINE_NATIVE;
}

void session_go(struct session *session) { run_go(session->run, &session->result); }

void session_fini(struct session *session)
{
	sim_check_set_replay(NULL);
	run_free(session->run);
	scenario_free(session->scenario);
	free(session->replay);
	*session = (struct session){0};
}

int session_exit(const struct run_result *result)
{
	/* A run that is stuck fails the check that all clients end as well; that it is stuck says more. */
	if (result->end == RUN_STUCK)
		return CLI_STUCK;
	if (result->end == RUN_FAULT || result->failures)
		return CLI_VIOLATED;
	return result->end == RUN_TIMEOUT ? CLI_INCONCLUSIVE : CLI_GOOD;
}
