/* skerry mutate: puts one mistake at a time into a protocol's tables, and sees whether the checker notices. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/member.h"
#include "cli/mutants.h"
#include "cli/options.h"
#include "cli/text.h"
#include "ssi/checker/mutant.h"

#define MUTANTS_DEFAULT 40
#define SECONDS_DEFAULT 20
#define SMALL           2 /* capabilities: enough for most mistakes, and quick */

struct mutate_line {
	uint64_t mutants, seed, kernels, objects, capabilities, flight, slots, timeout_ps;
	bool all, json, quiet;
	struct option_list names;
};
#define NAMED_MAX 256

static const char examples[] =
	"  skerry mutate capability/tree\n"
	"  skerry mutate ./lease.so --mutants 100 --seed 7\n"
	"  skerry mutate memory/msi --all            every mutant that can be made: minutes\n";

static int read_line(struct mutate_line *line, struct option_list *arguments, int argc, char **argv)
{
	const struct cli_option options[] = {
		{"mutants", OPTION_POSITIVE, &line->mutants, "N", "how many to judge, default 40",
		 SIM_UNIT_NONE, NULL},
		{"mutant", OPTION_EACH, &line->names, "K",
		 "judge this one: as it is printed, or its number; may be repeated", 0, NULL},
		{"seed", OPTION_QUANTITY, &line->seed, "N", "which ones are drawn, default 1", SIM_UNIT_NONE,
		 NULL},
		{"all", OPTION_FLAG, &line->all, NULL, "judge every mutant that can be made", 0, NULL},
		{"kernels", OPTION_POSITIVE, &line->kernels, "N", "kernels; default: the protocol's model",
		 SIM_UNIT_NONE, NULL},
		{"objects", OPTION_POSITIVE, &line->objects, "N", "objects; default: the protocol's model",
		 SIM_UNIT_NONE, NULL},
		{"capabilities", OPTION_POSITIVE, &line->capabilities, "N",
		 "capabilities of an object; default: 2 first, and for what survives as many as the "
		 "protocol's model has",
		 SIM_UNIT_NONE, NULL},
		{"in-flight", OPTION_POSITIVE, &line->flight, "N", "client calls under way at a time",
		 SIM_UNIT_NONE, NULL},
		{"slots", OPTION_POSITIVE, &line->slots, "N", "slots of machine 1 on each kernel",
		 SIM_UNIT_NONE, NULL},
		{"timeout", OPTION_POSITIVE, &line->timeout_ps, "T", "of one mutant's search, default 20 s",
		 SIM_UNIT_DURATION, NULL},
		{"json", OPTION_FLAG, &line->json, NULL, "print the result as one JSON object", 0, NULL},
		{"quiet", OPTION_FLAG, &line->quiet, NULL, "print the sums alone", 0, NULL},
	};
	const struct command_line command = {
		.name = "mutate",
		.arguments = "PROTOCOL",
		.about = "put mistakes into a protocol, and see which the checker finds",
		.examples = examples,
		.arguments_min = 1,
		.arguments_max = 1,
		.option = options,
		.options = sizeof options / sizeof *options};
	line->mutants = MUTANTS_DEFAULT;
	line->seed = 1;
	line->timeout_ps = (uint64_t)SECONDS_DEFAULT * 1000000000000ull;
	return options_read(&command, argc, argv, arguments);
}

static int options_of(struct checker_options *out, const struct mutate_line *line,
		      const struct step_protocol *p)
{
	if (line->kernels > STEP_MODEL_NODES_MAX || line->objects > 4 || line->capabilities > 16 ||
	    line->flight > 16 || line->slots > 16)
		return cli_fail(
			CLI_USAGE,
			"mutate: the configuration is too large for one search a mutant; write at most "
			"%d kernels, 4 objects, 16 capabilities, 16 calls in flight, 16 slots",
			STEP_MODEL_NODES_MAX);
	*out = (struct checker_options){.kernels = (uint32_t)line->kernels,
					.objects = (uint32_t)line->objects,
					.capabilities = (uint32_t)line->capabilities,
					.flight = (uint32_t)line->flight,
					.seconds_max = (double)line->timeout_ps / 1e12};
	out->slots[1] = (uint32_t)line->slots;
	if (!out->capabilities && p->model->capabilities > SMALL)
		out->capabilities = SMALL;
	return 0;
}

/* ---- one after the other ---- */

static const char *const end_name[] = {[MUTANT_CAUGHT] = "caught",
				       [MUTANT_EQUIVALENT] = "equivalent",
				       [MUTANT_IDLE] = "idle",
				       [MUTANT_SURVIVED] = "survived",
				       [MUTANT_BOUNDED] = "bounded"};
#define ENDS (MUTANT_BOUNDED + 1)

struct score {
	const struct step_protocol *protocol;
	const struct mutate_line *line;
	struct mutant_oracle oracle, larger; /* larger: made when something survives the small one */
	bool grows;
	uint64_t count[ENDS];
	json_t *list;
};

/* xorshift64*; the order is drawn, so that a longer run judges the same mutants and more. */
static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}
static void shuffle(struct mutant *m, int64_t count, uint64_t seed)
{
	uint64_t state = seed * 0x9e3779b97f4a7c15u + 1;
	for (int64_t i = count - 1; i > 0; i--) {
		const int64_t j = (int64_t)(draw(&state) % (uint64_t)(i + 1));
		const struct mutant was = m[i];
		m[i] = m[j], m[j] = was;
	}
}

static void report(struct score *s, const struct mutant *m, const struct mutant_result *r)
{
	char what[160];
	mutant_print(s->protocol, m, what, sizeof what);
	if (s->list) {
		json_t *one = json_object();
		member_text(one, "mutant", what);
		member_count(one, "number", m->number);
		member_text(one, "mutation", mutation_name[m->mutation]);
		member_text(one, "end", end_name[r->end]);
		member_text(one, "why", r->end == MUTANT_CAUGHT || r->end == MUTANT_BOUNDED ? r->why : NULL);
		member_count(one, "steps", r->steps);
		member_count(one, "states", r->states);
		member_real(one, "seconds", r->seconds);
		member_append(s->list, one);
	} else if (!s->line->quiet) {
		printf("%-10s  %s", end_name[r->end], what);
		if (r->end == MUTANT_CAUGHT)
			printf("\n            in %u steps: %s", r->steps, r->why);
		putchar('\n');
		fflush(stdout);
	}
}

/* What survives a small configuration is judged again in the model's own. */
static int judge(struct score *s, const struct mutant *m, struct mutant_result *r)
{
	char why[256];
	int rc = mutant_judge(s->protocol, m, &s->oracle, r);
	if (rc || r->end != MUTANT_SURVIVED || !s->grows)
		return rc;
	if (!s->larger.searches) {
		struct checker_options options = s->oracle.options[0];
		options.capabilities = 0;
		if (mutant_oracle_make(&s->larger, s->protocol, &options, why, sizeof why)) {
			mutant_oracle_fini(&s->larger);
			s->larger.searches = 0;
			s->grows =
				false; /* it does not close within the limit: the small one has the last word */
			return 0;
		}
	}
	return mutant_judge(s->protocol, m, &s->larger, r);
}

/* A mutant that makes no difference is none: the next one is drawn. */
static int judge_all(struct score *s, const struct mutant *m, int64_t count)
{
	uint64_t judged = 0;
	for (int64_t i = 0; i < count && (s->line->all || judged < s->line->mutants); i++) {
		struct mutant_result r;
		const int rc = judge(s, &m[i], &r);
		if (rc == -EINVAL) { /* its tables alone are wrong: no protocol */
			r.end = MUTANT_CAUGHT;
		} else if (rc) {
			return cli_fail(CLI_INCONCLUSIVE, "mutate %s: %s", s->protocol->name, strerror(-rc));
		}
		s->count[r.end]++;
		if (r.end == MUTANT_IDLE)
			continue;
		judged++;
		report(s, &m[i], &r);
	}
	return 0;
}

static int finish(struct score *s, int64_t made)
{
	const uint64_t *n = s->count;
	const uint64_t judged =
		n[MUTANT_CAUGHT] + n[MUTANT_EQUIVALENT] + n[MUTANT_SURVIVED] + n[MUTANT_BOUNDED];
	if (s->list) {
		json_t *out = json_object();
		member_count(out, "schema", CLI_SCHEMA);
		member_text(out, "protocol", s->protocol->name);
		member_count(out, "can_be_made", (uint64_t)made);
		member_count(out, "judged", judged);
		for (uint32_t i = 0; i < ENDS; i++)
			member_count(out, end_name[i], n[i]);
		member_set(out, "mutants", s->list);
		text_json(stdout, out);
		json_decref(out);
	} else {
		printf("\n%s: %llu mutants of %lld that can be made: %llu caught, %llu equivalent, %llu "
		       "survived, "
		       "%llu not decided within the limit; %llu drawn make no difference\n",
		       s->protocol->name, (unsigned long long)judged, (long long)made,
		       (unsigned long long)n[MUTANT_CAUGHT], (unsigned long long)n[MUTANT_EQUIVALENT],
		       (unsigned long long)n[MUTANT_SURVIVED], (unsigned long long)n[MUTANT_BOUNDED],
		       (unsigned long long)n[MUTANT_IDLE]);
	}
	return n[MUTANT_SURVIVED] ? CLI_VIOLATED : n[MUTANT_BOUNDED] || !judged ? CLI_INCONCLUSIVE : CLI_GOOD;
}

int cmd_mutate(int argc, char **argv)
{
	static struct option_list arguments;
	struct mutate_line line = {0};
	struct score score = {.line = &line};
	struct checker_options options;
	struct mutant *mutants = NULL;
	char why[256];
	int code = read_line(&line, &arguments, argc, argv);
	if (code >= 0)
		return code;
	if ((code = protocol_choose(&score.protocol, arguments.item[0])) ||
	    (code = options_of(&options, &line, score.protocol)))
		return code;
	if (!score.protocol->model)
		return cli_fail(CLI_USAGE, "%s has no model of its clients, so it cannot be checked alone",
				score.protocol->name);
	if (mutant_oracle_make(&score.oracle, score.protocol, &options, why, sizeof why))
		return cli_fail(CLI_USAGE,
				"mutate %s: the protocol itself does not pass, so nothing can be said of "
				"mutants: %s; "
				"see skerry check %s",
				score.protocol->name, why, arguments.item[0]);
	score.grows = !line.capabilities && score.protocol->model->capabilities > SMALL;
	const int64_t made = mutants_list(score.protocol, &mutants);
	if (made < 0)
		return cli_fail(CLI_INCONCLUSIVE, "mutate: there is not enough memory");
	score.list = line.json ? json_array() : NULL;
	if (line.names.count) {
		static struct mutant named[NAMED_MAX];
		uint32_t count;
		line.all = true;
		code = mutants_choose(named, &count, NAMED_MAX, score.protocol, &line.names);
		code = code ? code : judge_all(&score, named, count);
	} else {
		shuffle(mutants, made, line.seed);
		code = judge_all(&score, mutants, made);
	}
	free(mutants);
	mutant_oracle_fini(&score.oracle);
	mutant_oracle_fini(&score.larger);
	return code ? code : finish(&score, made);
}
