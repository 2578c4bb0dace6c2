/* skerry replay: goes the way of a script in the virtual engine, step by step, with the same outcome. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/member.h"
#include "cli/options.h"
#include "cli/run_script.h"
#include "cli/script_file.h"
#include "cli/text.h"
#include "sim/quantity.h"
#include "ssi/checker/replay.h"
#include "ssi/plugin.h"

struct replay_line {
	const char *file, *until, *plantuml, *protocol;
	bool gdb, json, quiet, stop_before;
	char event[64]; /* of --until */
	uint64_t nth, step;
};

static const char examples[] = "  skerry replay counterexample.skr\n"
			       "  skerry replay counterexample.skr --until 7           stop after step 7\n"
			       "  skerry replay counterexample.skr --until REVOKE:2    ... after the second "
			       "step that handles REVOKE\n"
			       "  skerry replay counterexample.skr --until REVOKE --gdb\n";

static int read_line(struct replay_line *line, int argc, char **argv)
{
	static struct option_list arguments;
	const struct cli_option options[] = {
		{"until", OPTION_TEXT, &line->until, "STEP|EVENT[:N]",
		 "stop after this step, or after the N-th that handles this event", 0, NULL},
		{"gdb", OPTION_FLAG, &line->gdb, NULL,
		 "in gdb, with a breakpoint at the action of the step of --until", 0, NULL},
		{"stop-before", OPTION_FLAG, &line->stop_before, NULL,
		 "call replay_breakpoint() before that step, for another debugger", 0, NULL},
		{"protocol", OPTION_TEXT, &line->protocol, "PROTOCOL",
		 "another build of the protocol, e.g. ./NAME.so; default: as the script says", 0, NULL},
		{"plantuml", OPTION_TEXT, &line->plantuml, "FILE", "write it as a sequence diagram as well",
		 0, NULL},
		{"json", OPTION_FLAG, &line->json, NULL, "print the result as one JSON object", 0, NULL},
		{"quiet", OPTION_FLAG, &line->quiet, NULL, "print the outcome alone", 0, NULL},
	};
	const struct command_line command = {
		.name = "replay",
		.arguments = "FILE.skr",
		.about = "go the way of a counter-example again, in the virtual engine",
		.examples = examples,
		.arguments_min = 1,
		.arguments_max = 1,
		.option = options,
		.options = sizeof options / sizeof *options};
	const int code = options_read(&command, argc, argv, &arguments);
	line->file = arguments.item[0];
	return code;
}

/* "7", "REVOKE", "REVOKE:2". */
static int read_until(struct replay_line *line, const struct script *script, const struct step_protocol *p)
{
	const char *names[257] = {NULL}, *colon = line->until ? strchr(line->until, ':') : NULL;
	char why[192];
	line->nth = 1;
	if (!line->until)
		return 0;
	if (*line->until >= '0' && *line->until <= '9') {
		if (sim_quantity_parse(&line->step, SIM_UNIT_NONE, line->until, why, sizeof why))
			return cli_fail(CLI_USAGE, "--until %.64s: %s", line->until, why);
		if (!line->step || line->step > script->steps)
			return cli_fail(CLI_USAGE, "--until %.64s: %s has the steps 1 to %u", line->until,
					line->file, script->steps);
		return 0;
	}
	if (colon &&
	    (sim_quantity_parse(&line->nth, SIM_UNIT_NONE, colon + 1, why, sizeof why) || !line->nth))
		return cli_fail(CLI_USAGE,
				"--until %.64s: write the number of the time after the colon, from 1",
				line->until);
	snprintf(line->event, sizeof line->event, "%.*s", colon ? (int)(colon - line->until) : 60,
		 line->until);
	for (uint32_t e = 1; e < p->events; e++) {
		names[e - 1] = p->event[e].name;
		if (!strcmp(p->event[e].name, line->event))
			return 0;
	}
	const char *nearest = sim_nearest_name(line->event, names);
	return cli_fail(CLI_USAGE, "--until %.64s: %s has no event \"%s\"; %s \"%s\"%s", line->until, p->name,
			line->event, nearest ? "did you mean" : "write a step's number or, e.g.,",
			nearest ? nearest : names[E_PROTOCOL], nearest ? "?" : "");
}

/* ---- in gdb ---- */

/* Runs this command again, under gdb: it stops in replay_breakpoint(), which knows the action, then at the action. */
static int run_gdb(const struct replay_line *line)
{
	char self[4096];
	const ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	if (!line->until)
		return cli_fail(
			CLI_USAGE,
			"replay --gdb: it is not said where to stop; add --until STEP or --until EVENT");
	if (length < 0)
		return cli_fail(CLI_INTERNAL, "replay --gdb: /proc/self/exe: %s", strerror(errno));
	self[length] = '\0';
	const char *words[32] = {"gdb",          "-q",
				 "-ex",          "set breakpoint pending on",
				 "-ex",          "break replay_breakpoint",
				 "-ex",          "run",
				 "-ex",          "finish",
				 "-ex",          "tbreak *(unsigned long)replay_action",
				 "-ex",          "continue",
				 "--args",       self,
				 "replay",       line->file,
				 "--until",      line->until,
				 "--stop-before"};
	int at = 0;
	while (words[at])
		at++;
	if (line->protocol) {
		words[at++] = "--protocol";
		words[at++] = line->protocol;
	}
	words[at] = NULL;
	fflush(stdout);
	execvp(words[0], (char *const *)(uintptr_t)words);
	return cli_fail(CLI_USAGE, errno == ENOENT
					   ? "replay --gdb: gdb is not installed; install it (on Debian: apt "
					     "install gdb), or stop "
					     "another debugger in replay_breakpoint() with --stop-before"
					   : "replay --gdb: gdb cannot be started");
}

/* ---- what came of it ---- */

static bool same_end(const struct script *s, const struct replay_result *r)
{
	return !strcmp(s->why, r->why) && (!s->state || !s->state[0] || !strcmp(s->state, r->state));
}

static void print_lines(const char *text, const char *indent)
{
	while (*text) {
		const size_t length = strcspn(text, "\n");
		printf("%s%.*s\n", indent, (int)length, text);
		text += length + (text[length] == '\n');
	}
}

static void print_end(const struct script *s, const struct replay_result *r)
{
	if (r->stopped) {
		printf("\nstopped after step %u of %u. There:\n", r->steps, s->steps);
		print_lines(r->state, "  ");
		return;
	}
	printf("\n%s\n", !r->why[0]       ? "nothing was wrong"
			 : same_end(s, r) ? "the same as recorded: the same is violated, in the same state"
					  : "violated, but not as recorded");
	if (!same_end(s, r) && s->why[0])
		printf("recorded was: %s\n", s->why);
	printf("There:\n");
	print_lines(r->state, "  ");
}

static void print_json(const struct script *s, const struct replay_result *r)
{
	char digest[32];
	json_t *out = json_object(), *state = json_array();
	snprintf(digest, sizeof digest, "%016llx", (unsigned long long)r->digest);
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "protocol", s->protocol);
	member_text(out, "end", r->stopped ? "stopped" : r->why[0] ? "violated" : "good");
	member_text(out, "why", r->why[0] ? r->why : NULL);
	member_flag(out, "as_recorded", !r->stopped && same_end(s, r));
	member_count(out, "steps", r->steps);
	member_count(out, "steps_recorded", s->steps);
	member_ns(out, "virtual_ns", r->now);
	member_count(out, "events", r->events);
	member_text(out, "digest", digest);
	for (const char *t = r->state; t && *t; t += strcspn(t, "\n") + 1)
		member_append(state, json_stringn_nocheck(t, strcspn(t, "\n")));
	member_set(out, "state", state);
	text_json(stdout, out);
	json_decref(out);
}

static int code_of(const struct replay_line *line, const struct script *s, const struct replay_result *r)
{
	if (r->stopped)
		return CLI_GOOD;
	if (line->until)
		return cli_fail(CLI_USAGE,
				"replay: --until %.64s was not reached; the script handles it fewer times",
				line->until);
	if (same_end(s, r))
		return r->why[0] ? CLI_VIOLATED : CLI_GOOD;
	return cli_fail(
		CLI_UNREPEATABLE,
		"replay %s: the outcome is another than recorded; the protocol's actions have changed",
		line->file);
}

/* ---- a replay ---- */

static int go(struct replay_line *line, const struct script *script, const struct step_protocol *p)
{
	struct replay_result result;
	char *diagram = NULL;
	size_t size = 0;
	FILE *plantuml = line->plantuml ? open_memstream(&diagram, &size) : NULL;
	const struct replay_options options = {.story = line->json || line->quiet ? NULL : stdout,
					       .plantuml = plantuml,
					       .until_step = (uint32_t)line->step,
					       .until_event = line->event[0] ? line->event : NULL,
					       .until_nth = (uint32_t)line->nth,
					       .stop_before = line->stop_before};
	const int failed = replay_run(script, p, &options, &result);
	if (plantuml)
		fclose(plantuml);
	if (failed) {
		free(diagram);
		return cli_fail(failed == -EINVAL ? CLI_USAGE : CLI_INTERNAL, "%s: %s", line->file,
				failed == -EINVAL ? result.misfit : "there is not enough memory");
	}
	int code;
	if (result.misfit[0]) {
		code = cli_fail(CLI_USAGE,
				"%s: %s; the file was changed, or the protocol was: make it anew with skerry "
				"check %s",
				line->file, result.misfit, script->protocol);
	} else {
		if (line->json)
			print_json(script, &result);
		else
			print_end(script, &result);
		code = code_of(line, script, &result);
		if (line->plantuml && file_replace(line->plantuml, diagram, size))
			code = cli_fail(CLI_USAGE, "--plantuml %s: %s", line->plantuml, strerror(errno));
	}
	free(diagram);
	replay_result_fini(&result);
	return code;
}

static int check_table(const struct replay_line *line, const struct script_head *head,
		       const struct step_protocol *p)
{
	char table[SCRIPT_FINGERPRINT];
	script_fingerprint(table, p);
	if (strcmp(head->protocol, p->name))
		return cli_fail(CLI_USAGE,
				"%s: it is for %s, not for %s; leave --protocol out, or name another",
				line->file, head->protocol, p->name);
	if (strcmp(head->table, table))
		return cli_fail(CLI_USAGE,
				"%s: table: it is for another version of %s (its table has the fingerprint "
				"%s, this one %s); "
				"make it anew with skerry check, or replay it with the build that wrote it",
				line->file, p->name, head->table, table);
	return 0;
}

/* Whose the script is: --protocol, else the shared object that it names, else what comes with Skerry. */
static int find_protocol(const struct step_protocol **out, const struct replay_line *line,
			 const struct script_head *head)
{
	char why[PROTOCOL_WHY_BYTES];
	if (line->protocol)
		return protocol_choose(out, line->protocol);
	const char *name = head->library[0] ? head->library : head->protocol;
	if (protocol_open(out, name, NULL, why))
		return cli_fail(CLI_USAGE, "%s: protocol \"%.200s\": %s; or name it with --protocol",
				line->file, name, why);
	return 0;
}

/* Of a whole run. */
static int replay_run_script(const struct replay_line *line)
{
	if (line->protocol || line->plantuml)
		return cli_fail(CLI_USAGE, "%s: it is of a whole run; leave --protocol and --plantuml out",
				line->file);
	if (line->gdb)
		return run_gdb(line);
	return run_script_replay(line->file, &(struct run_script_options){.until = line->until,
									  .stop_before = line->stop_before,
									  .json = line->json,
									  .quiet = line->quiet});
}

int cmd_replay(int argc, char **argv)
{
	struct replay_line line = {0};
	struct script_head head;
	struct script *script = NULL;
	const struct step_protocol *p;
	char why[SCRIPT_FILE_WHY];
	int code = read_line(&line, argc, argv);
	if (code >= 0)
		return code;
	if (run_script_is(line.file))
		return replay_run_script(&line);
	json_t *file = script_file_read(line.file, &head, why);
	if (!file)
		return cli_fail(CLI_USAGE, "%s", why);
	code = find_protocol(&p, &line, &head);
	if (!code)
		code = check_table(&line, &head, p);
	if (!code && !(script = script_of_json(line.file, file, p, why)))
		code = cli_fail(CLI_USAGE, "%s", why);
	json_decref(file);
	if (!code)
		code = read_until(&line, script, p);
	if (!code)
		code = line.gdb ? run_gdb(&line) : go(&line, script, p);
	script_free(script);
	return code;
}
