/* skerry check: visits every order of delivery of a small configuration of a protocol, or walks through a large one. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cli/check_options.h"
#include "cli/check_report.h"
#include "cli/check_run.h"
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/options.h"
#include "cli/progress.h"
#include "cli/text.h"
#include "sim/quantity.h"
#include "ssi/plugin.h"

struct check_line {
	const char *protocol, *promise, *plantuml, *out;
	struct check_bounds bounds;
	const char *run;
	struct option_list sets;
	uint64_t walks, walk_ps, walk_steps, seed, runs;
	bool no_record, json, quiet;
};

static const char examples[] =
	"  skerry check memory/msi --kernels 3\n"
	"  skerry check capability/acks              known to be wrong: shows how\n"
	"  skerry check capability/tree --kernels 4 --budget 60s\n"
	"  skerry check ./lease.so --promise revoke  one promise of a protocol of your own\n"
	"  skerry check memory/msi --kernels 5 --walk-seconds 60s --seed 7\n"
	"  skerry check --run capabilities --runs 200 whole runs; what fails is shrunk to a scenario file\n";

static int read_line(struct check_line *line, int argc, char **argv)
{
	static struct option_list arguments;
	const struct cli_option options[] = {
		CHECK_OPTIONS(&line->bounds),
		{"promise", OPTION_TEXT, &line->promise, "NAME", "judge this promise alone", 0, NULL},
		{"walks", OPTION_POSITIVE, &line->walks, "N",
		 "so many random walks instead of a search: exit 3 at best", SIM_UNIT_NONE, NULL},
		{"walk-seconds", OPTION_POSITIVE, &line->walk_ps, "T",
		 "random walks for so long, e.g. \"60 s\"", SIM_UNIT_DURATION, NULL},
		{"walk-steps", OPTION_POSITIVE, &line->walk_steps, "N",
		 "steps of a walk, at most; default: 400", SIM_UNIT_NONE, NULL},
		{"run", OPTION_TEXT, &line->run, "SCENARIO",
		 "whole runs with drawn message orders and faults, instead of a protocol", 0, NULL},
		{"runs", OPTION_POSITIVE, &line->runs, "N", "with --run: how many, default 100",
		 SIM_UNIT_NONE, NULL},
		{"set", OPTION_EACH, &line->sets, "KEY=VALUE", "with --run: change a value of the scenario",
		 0, NULL},
		{"seed", OPTION_QUANTITY, &line->seed, "N", "of walks and runs; default: 1", SIM_UNIT_NONE,
		 NULL},
		{"plantuml", OPTION_TEXT, &line->plantuml, "FILE",
		 "the counter-example as a sequence diagram", 0, NULL},
		{"out", OPTION_TEXT, &line->out, "DIR",
		 "where counter-examples are kept; default: below runs/", 0, NULL},
		{"no-record", OPTION_FLAG, &line->no_record, NULL, "keep no counter-example", 0, NULL},
		{"json", OPTION_FLAG, &line->json, NULL, "print the result as one JSON object", 0, NULL},
		{"quiet", OPTION_FLAG, &line->quiet, NULL, "show no progress", 0, NULL},
	};
	const struct command_line command = {.name = "check",
					     .arguments = "FAMILY/NAME|NAME.so",
					     .about = "visit every order of delivery of a protocol",
					     .examples = examples,
					     .arguments_max = 1,
					     .option = options,
					     .options = sizeof options / sizeof *options};
	line->seed = 1;
	line->runs = 100;
	const int code = options_read(&command, argc, argv, &arguments);
	line->protocol = arguments.item[0];
	return code;
}

static int check_line_holds(const struct check_line *line)
{
	if (!line->protocol == !line->run)
		return cli_fail(
			CLI_USAGE,
			"check: name a protocol (\"skerry list\" names them), or a scenario with --run; "
			"one of the two");
	if (!line->run && line->sets.count)
		return cli_fail(CLI_USAGE,
				"check: --set changes a scenario; add --run SCENARIO, or leave it out");
	int code = check_options_in_range("walk-steps", line->walk_steps, 1000000);
	if (!code)
		code = check_options_in_range("seed", line->seed, INT64_MAX);
	if (!code && line->out && line->no_record)
		code = cli_fail(CLI_USAGE, "check: --out and --no-record exclude each other; leave one out");
	return code;
}

/* ---- which searches ---- */

static void add_search(struct check_report *r, const struct step_promise *promise, uint32_t judged)
{
	if (r->searches == CHECK_SEARCHES_MAX)
		return;
	struct check_search *s = &r->search[r->searches++];
	s->promise = promise;
	s->model = r->protocol->model;
	s->options = *r->options;
	s->options.judged = judged;
	if (!promise || !promise->apart)
		return;
	/* What is to be kept is judged with so many; what is not may need more than was asked for. */
	if (promise->kept ? !s->options.capabilities : s->options.capabilities < promise->apart)
		s->options.capabilities = promise->apart;
}

static int plan_one(struct check_report *r, const char *name)
{
	uint32_t number = 0;
	const int code = check_options_promise(&number, r->protocol, name);
	if (!code)
		add_search(r, &r->protocol->promises[number], 1u << number);
	return code;
}

static bool is_default(const struct checker_options *o)
{
	static const uint32_t none[STEP_MACHINES_MAX];
	return !o->kernels && !o->flight && !o->objects && !o->capabilities && !o->clients && !o->parks &&
	       !o->crash && !o->lossy && !o->reorder && !memcmp(o->slots, none, sizeof none);
}

/* Who asks for a configuration gets that alone. */
static void add_others(struct check_report *r, uint32_t judged)
{
	const struct step_also *also = is_default(r->options) ? r->protocol->model->also : NULL;
	for (; also && also->nodes && r->searches < CHECK_SEARCHES_MAX; also++) {
		add_search(r, NULL, judged);
		struct check_search *s = &r->search[r->searches - 1];
		s->also = also;
		s->options.kernels = also->nodes, s->options.flight = also->flight;
		s->options.objects = also->objects, s->options.capabilities = also->capabilities;
		s->options.clients = also->clients, s->options.parks = also->parks;
		memcpy(s->options.slots, also->slots, sizeof s->options.slots);
	}
}

static void plan(struct check_report *r)
{
	const struct step_promise *promise = r->protocol->promises;
	uint32_t kept = 0;
	for (uint32_t i = 0; promise && promise[i].name; i++)
		kept |= (uint32_t)(promise[i].kept && !promise[i].apart) << i;
	add_search(r, NULL, kept);
	for (uint32_t i = 0; promise && promise[i].name && !r->options->crash; i++)
		if (!promise[i].kept || promise[i].apart)
			add_search(r, &promise[i], 1u << i);
	add_others(r, kept);
}

/* ---- searching ---- */

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int fail_search(const struct check_report *r, int failed, const char *why)
{
	return cli_fail(failed == -EINVAL ? CLI_USAGE : CLI_INCONCLUSIVE, "check %s: %s", r->protocol->name,
			failed == -EINVAL ? why : "there is not enough memory; set a limit with --memory");
}

/* What violates a promise says so: "selective: ...". */
static bool is_of(const char *why, const struct step_promise *promise)
{
	const size_t length = strlen(promise->name);
	return !strncmp(why, promise->name, length) && why[length] == ':';
}

/* Of the time that is left: the main search leaves some for the others, which share it. */
static double share_of(const struct check_report *r, const struct check_search *s, double left)
{
	const uint32_t after = r->searches - 1 - (uint32_t)(s - r->search);
	return s == r->search && after ? left * 0.75 : left / (after + 1);
}

static int search(struct check_report *r, struct check_search *s, double deadline, struct progress *progress)
{
	static char what[128]; /* progress borrows it */
	snprintf(what, sizeof what, "%.60s%s%.40s", r->protocol->name, s->promise ? ", " : "",
		 s->promise ? s->promise->name : "");
	progress->what = what;
	s->options.progress = progress_check;
	s->options.context = progress;
	if (deadline > 0) {
		s->options.seconds_max = share_of(r, s, deadline - seconds_now());
		s->skipped = s->options.seconds_max <= 0;
	}
	if (s->skipped)
		return 0;
	const int failed = checker_run(r->protocol, &s->options, &s->result);
	progress_end(progress);
	if (failed)
		return fail_search(r, failed, s->result.why);
	if (s->result.end != CHECKER_VIOLATED)
		return 0;
	s->other = s->promise && !s->promise->kept && !is_of(s->result.why, s->promise);
	return s->result.script ? counterexample_make(&s->found, s->result.script, r->protocol) : 0;
}

/* What is wrong with all that is kept ends it; else each promise that needs a search of its own gets one. */
static int search_all(struct check_report *r, struct progress *progress)
{
	const double deadline = r->options->seconds_max > 0 ? seconds_now() + r->options->seconds_max : 0;
	for (uint32_t i = 0; i < r->searches; i++) {
		const int code = search(r, &r->search[i], deadline, progress);
		if (code)
			return code;
		if (!i && !r->search[0].promise && r->search[0].result.end == CHECKER_VIOLATED)
			r->searches = 1;
	}
	return 0;
}

static int walk(struct check_report *r, const struct check_line *line, struct walk_result *result,
		struct progress *progress)
{
	struct checker_options options = *r->options;
	const struct walk_options walk = {.seed = line->seed,
					  .walks = line->walks,
					  .seconds_max = (double)line->walk_ps / 1e12,
					  .steps_max = (uint32_t)line->walk_steps,
					  .progress = progress_walk,
					  .context = progress};
	if (line->promise)
		options.judged = r->search[0].options.judged;
	const int failed = walk_run(r->protocol, &options, &walk, result);
	progress_end(progress);
	if (failed)
		return fail_search(r, failed, result->why);
	r->walk = result;
	r->walk_seed = line->seed;
	return result->script ? counterexample_make(&r->walk_found, result->script, r->protocol) : 0;
}

/* ---- what is kept ---- */

static const char *library_of(const struct check_line *line)
{
	return protocol_is_path(line->protocol) ? line->protocol : NULL;
}

static int keep_searches(struct check_report *r, const char *library, struct folder *folder)
{
	char name[64];
	int code = 0;
	for (uint32_t i = 0; i < r->searches && !code; i++) {
		const struct check_search *s = &r->search[i];
		if (s->found.story)
			code = counterexample_write(&s->found, s->result.script, r->protocol, library, folder,
						    check_search_name(name, s));
	}
	return code;
}

static bool has_found(const struct check_report *r)
{
	bool found = r->walk_found.story != NULL;
	for (uint32_t i = 0; i < r->searches; i++)
		found |= r->search[i].found.story != NULL;
	return found;
}

static int keep(struct check_report *r, const struct check_line *line, struct folder *folder)
{
	char name[96];
	if (line->no_record || !has_found(r))
		return 0;
	snprintf(name, sizeof name, "check-%.80s", r->protocol->name);
	for (char *c = name; *c; c++)
		*c = *c == '/' ? '-' : *c;
	int code = folder_begin(folder, line->out, name);
	if (!code && r->walk)
		code = counterexample_write(&r->walk_found, r->walk->script, r->protocol, library_of(line),
					    folder, "counterexample");
	else if (!code)
		code = keep_searches(r, library_of(line), folder);
	if (!code)
		code = folder_commit(folder);
	if (!code)
		r->folder = folder->wanted;
	return code;
}

/* --plantuml FILE: of what is violated, or else of the first promise that is shown not to hold. */
static int write_plantuml(const struct check_report *r, const char *path)
{
	const struct counterexample *found = r->walk_found.story ? &r->walk_found : NULL;
	for (uint32_t i = 0; i < r->searches; i++)
		if (r->search[i].found.story && (!found || check_search_code(&r->search[i]) == CLI_VIOLATED))
			found = &r->search[i].found;
	if (!path || !found)
		return 0;
	if (file_replace(path, found->plantuml, strlen(found->plantuml)))
		return cli_fail(CLI_USAGE, "--plantuml %s: %s; name a file that can be written", path,
				strerror(errno));
	return 0;
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

/* ---- a check ---- */

static int check(struct check_report *r, const struct check_line *line, struct walk_result *walked)
{
	static struct folder folder;
	struct progress progress;
	int code = 0;
	if (line->promise)
		code = plan_one(r, line->promise);
	else
		plan(r);
	if (code)
		return code;
	progress_init(&progress, r->protocol->name, line->quiet);
	if (line->walks || line->walk_ps)
		code = walk(r, line, walked, &progress);
	else
		code = search_all(r, &progress);
	if (!code)
		code = keep(r, line, &folder);
	folder_abandon(&folder);
	if (!code)
		code = write_plantuml(r, line->plantuml);
	if (code)
		return code;
	if (line->json)
		check_report_json(r);
	else
		check_report_print(r);
	return -1;
}

static int check_runs(const struct check_line *line)
{
	return check_run(&(struct check_run_line){.scenario = line->run,
						  .out = line->out,
						  .sets = &line->sets,
						  .runs = line->runs,
						  .seed = line->seed,
						  .seconds_max = (double)line->bounds.budget_ps / 1e12,
						  .no_record = line->no_record,
						  .json = line->json,
						  .quiet = line->quiet});
}

static void report_fini(struct check_report *r)
{
	for (uint32_t i = 0; i < CHECK_SEARCHES_MAX; i++) {
		counterexample_fini(&r->search[i].found);
		checker_result_fini(&r->search[i].result);
	}
	counterexample_fini(&r->walk_found);
}

int cmd_check(int argc, char **argv)
{
	static struct check_report report;
	static struct check_line line;
	struct checker_options options;
	struct walk_result walked = {0};
	int code = read_line(&line, argc, argv);
	if (code >= 0)
		return code;
	if ((code = check_line_holds(&line)))
		return code;
	if (line.run)
		return check_runs(&line);
	if ((code = protocol_choose(&report.protocol, line.protocol)) ||
	    (code = check_options_of(&options, &line.bounds, report.protocol)))
		return code;
	if (!report.protocol->model)
		return cli_fail(CLI_USAGE, "%s has no model of its clients, so it cannot be checked alone",
				report.protocol->name);
	report.options = &options;
	code = check(&report, &line, &walked);
	if (code < 0) {
		code = check_report_code(&report);
		if (code)
			print_replay(argc, argv);
	}
	report_fini(&report);
	walk_result_fini(&walked);
	return code;
}
