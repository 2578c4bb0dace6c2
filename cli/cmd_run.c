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
#include "sim/host.h"

/* The demonstration's native part adds about a second; on a host that is very busy it is given up. */
#define NATIVE_CLUSTERS_MAX 16
#define NATIVE_SECONDS_MAX  20.0

struct run_line {
	struct session_source source;
	const char *out;
	uint64_t timeout_ps;
	bool json, no_record, no_native, quiet;
};

/* What the command runs: the scenario, and after the demonstration the same clients natively. */
struct parts {
	struct session first, native; /* native.run NULL: there is none */
	char not_native[512];         /* why; "": there should be none */
	json_t *json;
};

static const char examples[] =
	"  skerry run                                      the demonstration\n"
	"  skerry run --set machine.link.wire=9000cycles  links ten times slower\n"
	"  skerry run --trace my.strace                    what scripts/record-trace has recorded\n"
	"  skerry run kilo --json --no-record              a built-in scenario; one JSON object, no files\n"
	"  skerry run mine.yaml capability=./lease.so      a protocol in a shared object: skerry new "
	"protocol\n"
	"  skerry run --engine native --set machine.clusters=2   on threads of this host, in real time\n";

/* "capability=./lease.so" is short for --set protocols.capability=./lease.so; what remains is the scenario. */
static int sort_arguments(struct run_line *line, struct option_list *sets,
			  const struct option_list *arguments)
{
	for (uint32_t i = 0; i < arguments->count; i++) {
		const char *word = arguments->item[i];
		if (protocol_is_choice(word) && sets->count < OPTIONS_ITEMS_MAX)
			sets->item[sets->count++] = word;
		else if (line->source.scenario)
			return cli_fail(CLI_USAGE, "run: \"%.64s\": one scenario at a time; leave it out",
					word);
		else
			line->source.scenario = word;
	}
	return 0;
}

static int read_line(struct run_line *line, struct option_list *sets, struct option_list *traces, int argc,
		     char **argv)
{
	static struct option_list arguments;
	const struct cli_option options[] = {
		{"trace", OPTION_MANY, traces, "FILE...",
		 "replay these recordings on the demonstration's machine", 0, NULL},
		{"seed", OPTION_TEXT, &line->source.seed, "N", "the same as --set seed=N", 0, NULL},
		{"set", OPTION_EACH, sets, "KEY=VALUE", "change a value of the scenario; may be repeated", 0,
		 NULL},
		{"preset", OPTION_TEXT, &line->source.preset, "NAME|FILE",
		 "the same as --set machine.preset=NAME|FILE", 0, NULL},
		{"engine", OPTION_TEXT, &line->source.engine, SESSION_ENGINES,
		 "virtual time (window, or heap: the oracle, same results), or native: threads of this host",
		 0, session_engines},
		{"oversubscribe", OPTION_FLAG, &line->source.oversubscribe, NULL,
		 "natively, let clusters share CPUs if there are too few", 0, NULL},
		{"no-native", OPTION_FLAG, &line->no_native, NULL,
		 "leave out the native part of the demonstration", 0, NULL},
		{"json", OPTION_FLAG, &line->json, NULL, "print the result as one JSON object", 0, NULL},
		{"out", OPTION_TEXT, &line->out, "DIR", "keep the record here instead of in runs/", 0, NULL},
		{"no-record", OPTION_FLAG, &line->no_record, NULL, "keep no record", 0, NULL},
		{"timeout", OPTION_POSITIVE, &line->timeout_ps, "T",
		 "stop after this much wall time, e.g. \"30 s\": exit 3", SIM_UNIT_DURATION, NULL},
		{"inclusion", OPTION_FLAG, &line->source.inclusion, NULL,
		 "replay the log of steps through the tables as well", 0, NULL},
		{"quiet", OPTION_FLAG, &line->quiet, NULL, "show no progress", 0, NULL},
	};
	const struct command_line command = {.name = "run",
					     .arguments = "[SCENARIO] [FAMILY=PROTOCOL]...",
					     .about = "run a scenario, a file or a built-in name",
					     .examples = examples,
					     .arguments_max = 3,
					     .option = options,
					     .options = sizeof options / sizeof *options};
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	if (line->out && line->no_record)
		return cli_fail(CLI_USAGE, "run: --out and --no-record exclude each other; leave one out");
	code = sort_arguments(line, sets, &arguments);
	if (code)
		return code;
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

static int write_latency(struct folder *folder, const struct run_result *result, const char *prefix)
{
	char name[64];
	for (unsigned op = 0; op < FLAT_OPS; op++) {
		const struct sim_histogram *h = &result->stats->op[op].latency_ps;
		if (!h->count)
			continue;
		snprintf(name, sizeof name, "latency/%s%s.hgrm", prefix, flat_op_name[op]);
		FILE *out = folder_open(folder, name);
		if (!out)
			return CLI_INTERNAL;
		sim_histogram_write_hgrm(h, out, 1000);
		if (folder_close(folder, name, out))
			return CLI_INTERNAL;
	}
	return 0;
}

static int write_scenario(struct folder *folder, const struct session *session, const char *name)
{
	FILE *out = folder_open(folder, name);
	if (!out)
		return CLI_INTERNAL;
	scenario_write(session->scenario, out);
	return folder_close(folder, name, out) ? CLI_INTERNAL : 0;
}

static struct summary_run summary_of(const struct session *session)
{
	return (struct summary_run){
		.scenario = session->scenario, .result = &session->result, .replay = session->replay};
}

static struct summary summary_of_parts(const struct parts *parts)
{
	struct summary summary = {.run = summary_of(&parts->first)};
	if (parts->native.run)
		summary.native = summary_of(&parts->native);
	else if (*parts->not_native)
		summary.not_native = parts->not_native;
	return summary;
}

static int write_results(struct folder *folder, const struct parts *parts)
{
	const struct summary summary = summary_of_parts(parts);
	FILE *out = folder_open(folder, "result.json");
	if (!out)
		return CLI_INTERNAL;
	text_json(out, parts->json);
	if (folder_close(folder, "result.json", out) || !(out = folder_open(folder, "summary.txt")))
		return CLI_INTERNAL;
	summary_write(out, &summary);
	return folder_close(folder, "summary.txt", out) ? CLI_INTERNAL : 0;
}

static int keep_record(struct folder *folder, FILE *windows, const struct parts *parts)
{
	if (windows && folder_close(folder, "windows.bin", windows))
		return CLI_INTERNAL;
	int code = write_scenario(folder, &parts->first, "scenario.yaml");
	if (!code)
		code = write_results(folder, parts);
	if (!code)
		code = write_latency(folder, &parts->first.result, "");
	if (!code && parts->native.run) {
		code = write_scenario(folder, &parts->native, "native.yaml");
		if (!code)
			code = write_latency(folder, &parts->native.result, "native-");
	}
	return code ? code : folder_commit(folder);
}

/* ---- the demonstration's native part ---- */

/* As many clusters as the host runs at once, but two at least, and no more than the virtual part has. */
static int native_source(struct session_source *out, const struct run_line *line,
			 const struct scenario *scenario, char *why, size_t why_size)
{
	struct sim_host *host = malloc(sizeof *host);
	const char *reason = "";
	SIM_CHECK(host != NULL);
	const int failed = sim_host_read(host, &reason);
	const uint32_t capacity = failed ? 1 : sim_host_capacity(host);
	free(host);
	snprintf(why, why_size, "%s", failed ? reason : "");
	if (failed)
		return -1;
	*out = line->source;
	out->engine = "native";
	out->clusters = capacity < 2 ? 2 : capacity < NATIVE_CLUSTERS_MAX ? capacity : NATIVE_CLUSTERS_MAX;
	if (out->clusters > scenario->topology.clusters)
		out->clusters = scenario->topology.clusters;
	out->oversubscribe |= out->clusters > capacity;
	return 0;
}

static double seconds_left(const struct run_line *line, const struct run_result *first)
{
	const double allowed = (double)line->timeout_ps / 1e12;
	if (!line->timeout_ps)
		return NATIVE_SECONDS_MAX;
	const double left = allowed - first->wall_seconds - first->setup_seconds;
	return left < NATIVE_SECONDS_MAX ? left : NATIVE_SECONDS_MAX;
}

static void go_native(const struct run_line *line, struct parts *parts)
{
	struct progress progress;
	struct session_source source;
	struct scenario_error error = {""};
	struct run_options options = {
		.inclusion = true, /* half a second of records: cheap, and the table has the last word */
		.seconds_max = seconds_left(line, &parts->first.result),
		.progress = progress_run,
		.progress_context = &progress};
	if (options.seconds_max <= 0) {
		snprintf(parts->not_native, sizeof parts->not_native,
			 "the time that --timeout allows is over");
		return;
	}
	if (native_source(&source, line, parts->first.scenario, parts->not_native, sizeof parts->not_native))
		return;
	progress_init(&progress, "native part", line->quiet);
	progress.real = true;
	if (session_try(&parts->native, &source, &options, &error)) {
		snprintf(parts->not_native, sizeof parts->not_native, "%s", error.text);
		session_fini(&parts->native);
		return;
	}
	session_go(&parts->native);
	progress_end(&progress);
}

/* ---- the run ---- */

static bool is_demonstration(const struct run_line *line)
{
	return !line->source.scenario && !line->source.traces->count;
}

static void say_bad(const struct session *session)
{
	const char *again =
		session_is_native(session)
			? "try it again with (natively no two runs are the same; --engine virtual repeats)"
			: "it happens again with";
	if (session->result.failures)
		cli_fail(0, "a check failed; %s: %s", again, session->replay);
	else if (session->result.end != RUN_ENDED)
		cli_fail(0, "%s; %s: %s", session->result.end_text, again, session->replay);
}

static void show(const struct run_line *line, const struct parts *parts, const char *folder)
{
	struct summary summary = summary_of_parts(parts);
	summary.folder = folder;
	summary.next = is_demonstration(line) && !session_is_native(&parts->first);
	if (summary.next)
		summary.run.replay = NULL; /* it is on stderr; here are lines to go on with */
	if (line->json)
		text_json(stdout, parts->json);
	else
		summary_write(stdout, &summary);
	say_bad(&parts->first);
	if (parts->native.run)
		say_bad(&parts->native);
}

/* A host that is too busy for the native part leaves the code of the virtual one. */
static int exit_of(const struct parts *parts)
{
	const int code = session_exit(&parts->first.result);
	const int native = parts->native.run ? session_exit(&parts->native.result) : CLI_GOOD;
	return native == CLI_INCONCLUSIVE ? code : cli_worse(code, native);
}

static int finish(const struct run_line *line, struct parts *parts, struct folder *folder, FILE *windows)
{
	const bool native = parts->native.run != NULL;
	json_t *second = native ? result_json(parts->native.scenario, &parts->native.result) : NULL;
	parts->json = result_whole(result_json(parts->first.scenario, &parts->first.result), second,
				   *parts->not_native ? parts->not_native : NULL);
	const int code = folder->open ? keep_record(folder, windows, parts) : 0;
	show(line, parts, !line->no_record && !code ? folder->wanted : NULL);
	json_decref(parts->json);
	return code ? code : exit_of(parts);
}

static int go(const struct run_line *line, struct parts *parts, struct folder *folder, FILE *windows)
{
	struct session *session = &parts->first;
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
	progress.real = session_is_native(session);
	int code = session_begin(session, &options);
	if (code) {
		if (windows)
			fclose(windows);
		return code;
	}
	session_go(session);
	progress_end(&progress);
	if (is_demonstration(line) && !line->no_native && !session_is_native(session))
		go_native(line, parts);
	return finish(line, parts, folder, windows);
}

/* A file of skerry-cc, rather than a scenario. */
static bool is_program(const char *path)
{
	char magic[4] = "";
	FILE *file = fopen(path, "rb");
	const bool read = file && fread(magic, sizeof magic, 1, file) == 1;
	if (file)
		fclose(file);
	return read && !memcmp(magic, "\177ELF", sizeof magic);
}

int cmd_run(int argc, char **argv)
{
	if (argc > 1 && is_program(argv[1]))
		return cmd_boot(argc, argv);
	static struct option_list sets, traces;
	static struct folder folder;
	static struct parts parts;
	struct run_line line = {0};
	FILE *windows = NULL;
	int code = read_line(&line, &sets, &traces, argc, argv);
	if (code >= 0)
		return code;
	code = session_read(&parts.first, &line.source);
	if (!code && !line.no_record)
		code = folder_begin(&folder, line.out, parts.first.scenario->name);
	if (!code && folder.open && !session_is_native(&parts.first) &&
	    !(windows = folder_open(&folder, "windows.bin")))
		code = CLI_INTERNAL;
	if (!code)
		code = go(&line, &parts, &folder, windows);
	folder_abandon(&folder);
	session_fini(&parts.native);
	session_fini(&parts.first);
	return code;
}
