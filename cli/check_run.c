#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "cli/check_run.h"
#include "cli/cli.h"
#include "cli/folder.h"
#include "cli/member.h"
#include "cli/progress.h"
#include "cli/run_script.h"
#include "cli/text.h"
#include "cli/trial.h"
#include "workloads/run.h"

#define TRIAL_SECONDS 20.0
#define SHRINKS_MAX   600 /* runs that shrinking may take */
#define SEEDS_EACH    3 /* a smaller scenario is tried with so many seeds: what it draws is another anyway */

struct search {
	const struct check_run_line *line;
	struct progress progress;
	double begun;
	uint64_t random, trials, shrinks;
	sim_ps end; /* of the run as it is given */
	char *best; /* the smallest scenario that fails, as text */
	struct trial_result found, first;
	uint64_t found_at;
};

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static bool is_late(const struct search *s, double share)
{
	return s->line->seconds_max > 0 && seconds_now() - s->begun > s->line->seconds_max * share;
}

/* splitmix64 */
static uint64_t draw(struct search *s)
{
	uint64_t z = s->random += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint64_t draw_below(struct search *s, uint64_t end) { return draw(s) % end; }

/* ---- what a trial draws ---- */

static void add_kill(struct search *s, struct scenario *t)
{
	if (t->events_count == SCENARIO_EVENTS_MAX)
		return;
	t->events[t->events_count++] =
		(struct scenario_event){.kind = SCENARIO_KILL,
					.at = draw_below(s, s->end + 1) / 1000 * 1000,
					.cluster = (uint32_t)draw_below(s, t->topology.clusters),
					.client = (uint32_t)draw_below(s, 2)};
}

/* A swarm: each trial uses some of the ways to disturb a run. */
static void disturb(struct search *s, struct scenario *t)
{
	const sim_ps wire = t->topology.link[0].wire_ps;
	static const uint32_t times[] = {1, 4, 16, 64};
	t->seed = draw(s) >> 1;
	if (draw_below(s, 4))
		t->topology.jitter_ps = wire * times[draw_below(s, 4)];
	if (!draw_below(s, 4))
		t->credit = 1 + (uint32_t)draw_below(s, 4);
	if (!draw_below(s, 4)) {
		t->topology.slow_cluster = (uint32_t)draw_below(s, t->topology.clusters);
		t->topology.slow_ps = wire * times[1 + draw_below(s, 3)];
	}
	for (uint64_t kills = draw_below(s, 3); kills > 0; kills--)
		add_kill(s, t);
}

/* ---- a scenario as a start ---- */

/* Made once here, so that a message names the file as the user wrote it. */
static int read_scenario(const struct check_run_line *line, struct scenario **out)
{
	const struct run_options options = {0};
	struct scenario_error error;
	struct run *run;
	if (scenario_read(out, line->scenario, line->sets->item, line->sets->count, &error))
		return cli_fail(CLI_USAGE, "%s", error.text);
	if ((*out)->engine == SIM_ENGINE_NATIVE)
		(*out)->engine = SIM_ENGINE_WINDOW;
	if (run_new(&run, *out, &options, &error)) {
		scenario_free(*out);
		return cli_fail(CLI_USAGE, "%s", error.text);
	}
	run_free(run);
	return 0;
}

/* ---- smaller ---- */

/* A way to make a scenario smaller. Returns false where `at` is beyond its last place; what changes nothing is tried in
 * vain. The scenario is a copy. */
typedef bool smaller(struct scenario *t, uint32_t at);

static bool fewer_clusters(struct scenario *t, uint32_t at)
{
	const uint32_t now = t->topology.clusters;
	const uint32_t try[] = {2, 3, now / 4, now / 2, now - 1};
	if (at >= sizeof try / sizeof *try)
		return false;
	if (try[at] >= 1 && try[at] < now)
		t->topology.clusters = try[at];
	for (uint32_t i = 0; i < t->clients_count; i++) {
		struct scenario_range *on = &t->clients[i].on;
		if (!on->all && !on->others && on->last >= t->topology.clusters)
			on->last = t->topology.clusters - 1;
	}
	return true;
}

static bool fewer_entries(struct scenario *t, uint32_t at)
{
	if (at >= t->clients_count)
		return false;
	if (t->clients_count > 1) {
		memmove(&t->clients[at], &t->clients[at + 1],
			(t->clients_count - at - 1) * sizeof *t->clients);
		t->clients_count--;
	}
	return true;
}

static bool fewer_events(struct scenario *t, uint32_t at)
{
	if (at >= t->events_count)
		return false;
	memmove(&t->events[at], &t->events[at + 1], (t->events_count - at - 1) * sizeof *t->events);
	t->events_count--;
	return true;
}

static bool fewer_disturbances(struct scenario *t, uint32_t at)
{
	switch (at) {
	case 0:
		t->topology.jitter_ps = 0;
		return true;
	case 1:
		t->topology.slow_ps = 0;
		return true;
	case 2:
		t->credit = 0;
		return true;
	default:
		return false;
	}
}

/* A number of an entry: to one, to half, one less. */
static void shrink_number(uint32_t *number, uint32_t how)
{
	const uint32_t try[] = {1, *number / 2, *number - 1};
	if (*number > 1 && try[how] >= 1)
		*number = try[how];
}

static bool fewer_operations(struct scenario *t, uint32_t at)
{
	const uint32_t how = at % 3, which = at / 3 % 8, entry = at / 24;
	if (entry >= t->clients_count)
		return false;
	struct scenario_clients *c = &t->clients[entry];
	uint32_t *const number[] = {&c->copies,       &c->random.count, &c->operations,     &c->repeat,
				    &c->shape.rounds, &c->shape.size,   &c->random.objects, &c->random.holds};
	shrink_number(number[which], how);
	return true;
}

static bool fewer_kinds(struct scenario *t, uint32_t at)
{
	const uint32_t kind = at % SCENARIO_OPERATION_KINDS, entry = at / SCENARIO_OPERATION_KINDS;
	if (entry >= t->clients_count)
		return false;
	t->clients[entry].random.weight[kind] = 0;
	return true;
}

/* An entry on the first half of its clusters. */
static bool fewer_places(struct scenario *t, uint32_t at)
{
	if (at >= t->clients_count)
		return false;
	struct scenario_range *on = &t->clients[at].on;
	if (on->all || on->others)
		*on = (struct scenario_range){.first = on->others, .last = t->topology.clusters - 1};
	on->last = on->first + (on->last - on->first) / 2;
	return true;
}

static smaller *const ways[] = {fewer_clusters,   fewer_events, fewer_disturbances, fewer_entries,
				fewer_operations, fewer_places, fewer_kinds};

/* Takes the text if it fails in the same way, with its own seed or another. */
static bool still_fails(struct search *s, struct scenario *t)
{
	struct trial_result result;
	const uint64_t seed = t->seed;
	for (uint64_t k = 0; k < SEEDS_EACH && s->shrinks < SHRINKS_MAX; k++) {
		t->seed = k ? k : seed;
		char *text = trial_text(t);
		if (!text || !strcmp(text, s->best)) {
			free(text);
			return false; /* it is none, or no smaller */
		}
		s->shrinks++;
		progress_trials(&s->progress, s->trials, s->shrinks);
		if (!trial_run(text, TRIAL_SECONDS, &result) && trial_same(&result, &s->found)) {
			free(s->best);
			s->best = text;
			s->found = result;
			return true;
		}
		free(text);
		if (result.end == TRIAL_REFUSED)
			return false;
	}
	return false;
}

static bool shrink_one(struct search *s, smaller *way, uint32_t at, bool *more)
{
	struct scenario *t = trial_scenario(s->best);
	*more = t && way(t, at);
	const bool shorter = *more && still_fails(s, t);
	scenario_free(t);
	return shorter;
}

static void shrink(struct search *s)
{
	bool shorter = true;
	while (shorter && s->shrinks < SHRINKS_MAX && !is_late(s, 1)) {
		shorter = false;
		for (uint32_t w = 0; w < sizeof ways / sizeof *ways; w++) {
			bool more = true;
			for (uint32_t at = 0; more && s->shrinks < SHRINKS_MAX && !is_late(s, 1);) {
				/* What went has made room for another at the same place. */
				if (shrink_one(s, ways[w], at, &more))
					shorter = true;
				else
					at++;
			}
		}
	}
}

/* ---- searching ---- */

/* Draws until the scenario can run: not every cluster has a client to be killed. */
static char *draw_trial(struct search *s, const char *plain)
{
	for (uint32_t tries = 0; tries < 16; tries++) {
		struct scenario *t = trial_scenario(plain), *again;
		if (!t)
			return NULL;
		disturb(s, t);
		char *text = trial_text(t);
		scenario_free(t);
		if (text && (again = trial_scenario(text))) {
			scenario_free(again);
			return text;
		}
		free(text);
	}
	return strdup(plain);
}

/* Returns 0, or an exit code after a message. The first trial is the scenario as it is. */
static int search(struct search *s, const char *plain)
{
	struct trial_result result;
	for (s->trials = 0; s->trials < s->line->runs && !is_late(s, 0.5); s->trials++) {
		s->random = s->line->seed * 0xd1342543de82ef95u + s->trials;
		char *text = s->trials ? draw_trial(s, plain) : strdup(plain);
		if (!text || trial_run(text, TRIAL_SECONDS, &result)) {
			free(text);
			return cli_fail(CLI_INTERNAL, "check --run: no process can be made: %s",
					strerror(errno));
		}
		if (!s->trials && result.end == TRIAL_REFUSED) {
			free(text);
			return cli_fail(CLI_USAGE, "%s", result.text);
		}
		if (!s->trials)
			s->end = result.virtual_ps;
		progress_trials(&s->progress, s->trials, 0);
		if (trial_failed(&result)) {
			s->found = s->first = result;
			s->found_at = s->trials++;
			s->best = text;
			return 0;
		}
		free(text);
	}
	return 0;
}

/* ---- what is kept and printed ---- */

static int write_file(struct folder *folder, const char *name, const char *text, const json_t *json)
{
	FILE *out = folder_open(folder, name);
	if (!out)
		return CLI_USAGE;
	int failed = 0;
	if (json)
		failed = text_json(out, json);
	else
		fputs(text ? text : "", out);
	return folder_close(folder, name, out) || failed ? CLI_USAGE : 0;
}

static int keep(const struct search *s, struct folder *folder)
{
	if (!s->best || s->line->no_record)
		return 0;
	json_t *json = run_script_json(s->best, &s->found);
	int code = folder_begin(folder, s->line->out, "check-run");
	if (!code)
		code = write_file(folder, "failing.yaml", s->best, NULL);
	if (!code)
		code = write_file(folder, "failing.skr", NULL, json);
	json_decref(json);
	return code ? code : folder_commit(folder);
}

static void print_size(const struct scenario *t)
{
	printf("the smallest that still fails: %u cluster%s, %u entr%s of clients", t->topology.clusters,
	       t->topology.clusters == 1 ? "" : "s", t->clients_count, t->clients_count == 1 ? "y" : "ies");
	if (t->events_count)
		printf(", %u event%s", t->events_count, t->events_count == 1 ? "" : "s");
	if (t->topology.jitter_ps)
		printf(", jitter");
	if (t->topology.slow_ps)
		printf(", a slow cluster");
	if (t->credit)
		printf(", credit %u", t->credit);
	printf("; seed %llu\n", (unsigned long long)t->seed);
}

static void print_text(const struct search *s, const char *folder)
{
	char a[TEXT_BYTES], b[TEXT_BYTES];
	printf("runs            %s of %s, seed %llu\n", text_count(a, s->trials), s->line->scenario,
	       (unsigned long long)s->line->seed);
	printf("took            %s\n\n", text_seconds(b, seconds_now() - s->begun));
	if (!s->best) {
		printf("nothing wrong was found; runs prove nothing\n");
		return;
	}
	struct scenario *t = trial_scenario(s->best);
	printf("violated: %s%s%s: %s\n", trial_end_name[s->found.end], s->found.name[0] ? ", " : "",
	       s->found.name, s->found.text);
	printf("run %llu of seed %llu failed; %llu smaller ones were tried\n",
	       (unsigned long long)s->found_at, (unsigned long long)s->line->seed,
	       (unsigned long long)s->shrinks);
	if (t)
		print_size(t);
	scenario_free(t);
	if (folder)
		printf("kept as %s/failing.yaml, and as failing.skr, which skerry replay shows step by step\n"
		       "it happens again with: %s run %s/failing.yaml --inclusion\n",
		       folder, cli_program(), folder);
	else
		printf("\n%s", s->best);
}

static void print_json(const struct search *s, const char *folder)
{
	char path[4200];
	json_t *out = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "scenario", s->line->scenario);
	member_count(out, "seed", s->line->seed);
	member_count(out, "runs", s->trials);
	member_real(out, "seconds", seconds_now() - s->begun);
	member_text(out, "end", s->best ? trial_end_name[s->found.end] : "good");
	if (s->best) {
		member_count(out, "run", s->found_at);
		member_count(out, "shrinks", s->shrinks);
		member_text(out, "name", s->found.name);
		member_text(out, "why", s->found.text);
		member_text(out, "why_first", s->first.text);
		member_count(out, "events", s->found.events);
		member_text(out, "failing", s->best);
		snprintf(path, sizeof path, "%s/failing.yaml", folder ? folder : "");
		member_text(out, "file", folder ? path : NULL);
	}
	text_json(stdout, out);
	json_decref(out);
}

int check_run(const struct check_run_line *line)
{
	static struct folder folder;
	struct search s = {.line = line, .begun = seconds_now()};
	struct scenario *scenario;
	int code = read_scenario(line, &scenario);
	if (code)
		return code;
	scenario->expect_count = 0; /* of another run */
	char *plain = trial_text(scenario);
	scenario_free(scenario);
	if (!plain)
		return cli_fail(CLI_INTERNAL, "check --run: there is not enough memory");
	progress_init(&s.progress, line->scenario, line->quiet);
	code = search(&s, plain);
	if (!code && s.best)
		shrink(&s);
	progress_end(&s.progress);
	if (!code)
		code = keep(&s, &folder);
	const char *kept = s.best && !code && !line->no_record ? folder.wanted : NULL;
	folder_abandon(&folder);
	if (!code) {
		if (line->json)
			print_json(&s, kept);
		else
			print_text(&s, kept);
		code = s.best ? CLI_VIOLATED : CLI_INCONCLUSIVE;
	}
	free(plain);
	free(s.best);
	return code;
}
