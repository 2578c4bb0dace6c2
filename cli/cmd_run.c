/* skerry run: runs a scenario, says what came out, and keeps a record. */
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/progress.h"
#include "cli/result.h"
#include "cli/session.h"
#include "cli/summary.h"
#include "cli/text.h"
#include "sim/check.h"

struct run_line {
	struct session_source source;
	const char *out;
	uint64_t timeout_ps;
	bool json, no_record, quiet;
};

static const char examples[] =
	"  skerry run                                      the demonstration\n"
	"  skerry run --set machine.link.wire=9000cycles  links ten times slower\n"
	"  skerry run --trace my.strace                    what scripts/record-trace has recorded\n"
	"  skerry run kilo --json --no-record              a built-in scenario; one JSON object, no files\n";

static int read_line(struct run_line *line, struct option_list *sets, struct option_list *traces, int argc,
		     char **argv)
{
	static const char *const engines[] = {"window", "heap", NULL};
	static struct option_list arguments;
	const struct cli_option options[] = {
		{"trace", OPTION_MANY, traces, "FILE...",
		 "replay these recordings on the demonstration's machine", 0, NULL},
		{"seed", OPTION_TEXT, &line->source.seed, "N", "the same as --set seed=N", 0, NULL},
		{"set", OPTION_EACH, sets, "KEY=VALUE", "change a value of the scenario; may be repeated", 0,
		 NULL},
		{"engine", OPTION_TEXT, &line->source.engine, "window|heap",
		 "the fast engine or the oracle; same results", 0, engines},
		{"json", OPTION_FLAG, &line->json, NULL, "print the result as one JSON object", 0, NULL},
		{"out", OPTION_TEXT, &line->out, "DIR", "keep the record here instead of in runs/", 0, NULL},
		{"no-record", OPTION_FLAG, &line->no_record, NULL, "keep no record", 0, NULL},
		{"timeout", OPTION_QUANTITY, &line->timeout_ps, "T",
		 "stop after this much wall time, e.g. \"30 s\": exit 3", SIM_UNIT_DURATION, NULL},
		{"inclusion", OPTION_FLAG, &line->source.inclusion, NULL,
		 "replay the log of steps through the tables as well", 0, NULL},
		{"quiet", OPTION_FLAG, &line->quiet, NULL, "show no progress", 0, NULL},
	};
	const struct command_line command = {.name = "run",
					     .arguments = "[SCENARIO]",
					     .about = "run a scenario, a file or a built-in name",
					     .examples = examples,
					     .arguments_max = 1,
					     .option = options,
					     .options = sizeof options / sizeof *options};
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	if (line->out && line->no_record)
		return cli_fail(CLI_USAGE, "run: --out and --no-record exclude each other; leave one out");
	line->source.scenario = arguments.count ? arguments.item[0] : NULL;
	line->source.sets = sets;
	line->source.traces = traces;
	return -1;
}

/* ---- the record ---- */

static void on_window(void *context, uint64_t window, uint64_t hash)
{
	unsigned char record[16];
	for (int i = 0; i < 8; i++) {
		record[i] = (unsigned char)(window >> 8 * i);
		record[8 + i] = (unsigned char)(hash >> 8 * i);
	}
	fwrite(record, sizeof record, 1, context);
}

static int write_latency(struct folder *folder, const struct run_result *result)
{
	char name[64];
	for (unsigned op = 0; op < FLAT_OPS; op++) {
		const struct sim_histogram *h = &result->stats->op[op].latency_ps;
		if (!h->count)
			continue;
		snprintf(name, sizeof name, "latency/%s.hgrm", flat_op_name[op]);
		FILE *out = folder_open(folder, name);
		if (!out)
			return CLI_INTERNAL;
		sim_histogram_write_hgrm(h, out, 1000);
		if (folder_close(folder, name, out))
			return CLI_INTERNAL;
	}
	return 0;
}

static int write_files(struct folder *folder, const struct session *session, const json_t *json)
{
	FILE *out = folder_open(folder, "scenario.yaml");
	if (!out)
		return CLI_INTERNAL;
	scenario_write(session->scenario, out);
	if (folder_close(folder, "scenario.yaml", out) || !(out = folder_open(folder, "result.json")))
		return CLI_INTERNAL;
	text_json(out, json);
	if (folder_close(folder, "result.json", out) || !(out = folder_open(folder, "summary.txt")))
		return CLI_INTERNAL;
	summary_write(out, session->scenario, &session->result, NULL, false, session->replay);
	if (folder_close(folder, "summary.txt", out))
		return CLI_INTERNAL;
	return write_latency(folder, &session->result);
}

static int keep_record(struct folder *folder, FILE *windows, const struct session *session,
		       const json_t *json)
{
	if (folder_close(folder, "windows.bin", windows))
		return CLI_INTERNAL;
	int code = write_files(folder, session, json);
	return code ? code : folder_commit(folder);
}

/* ---- the run ---- */

static void show(const struct run_line *line, const struct session *session, const json_t *json,
		 const char *folder)
{
	bool demonstration = !line->source.scenario && !line->source.traces->count;
	if (line->json)
		text_json(stdout, json);
	else
		summary_write(stdout, session->scenario, &session->result, folder, demonstration, NULL);
	if (session->result.failures)
		cli_fail(0, "a check failed; it happens again with: %s", session->replay);
	else if (session->result.end != RUN_ENDED)
		cli_fail(0, "%s; it happens again with: %s", session->result.end_text, session->replay);
}

static int go(const struct run_line *line, struct session *session, struct folder *folder, FILE *windows)
{
	struct progress progress;
	struct run_options options = {.inclusion = line->source.inclusion,
				      .seconds_max = (double)line->timeout_ps / 1e12,
				      .progress = progress_run,
				      .progress_context = &progress};
	if (windows) {
		options.window_tap = on_window;
		options.tap_context = windows;
	}
	progress_init(&progress, session->scenario->name, line->quiet);
	int code = session_begin(session, &options);
	if (code) {
		if (windows)
			fclose(windows);
		return code;
	}
	session_go(session);
	progress_end(&progress);
	json_t *json = result_json(session->scenario, &session->result);
	code = windows ? keep_record(folder, windows, session, json) : 0;
	show(line, session, json, windows && !code ? folder->wanted : NULL);
	json_decref(json);
	return code ? code : session_exit(&session->result);
}

int cmd_run(int argc, char **argv)
{
	static struct option_list sets, traces;
	static struct folder folder;
	struct run_line line = {0};
	struct session session;
	FILE *windows = NULL;
	int code = read_line(&line, &sets, &traces, argc, argv);
	if (code >= 0)
		return code;
	code = session_read(&session, &line.source);
	if (!code && !line.no_record) {
		code = folder_begin(&folder, line.out, session.scenario->name);
		if (!code && !(windows = folder_open(&folder, "windows.bin")))
			code = CLI_INTERNAL;
	}
	if (!code)
		code = go(&line, &session, &folder, windows);
	folder_abandon(&folder);
	session_fini(&session);
	return code;
}
