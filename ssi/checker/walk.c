/* ssi/checker/walk.c - see walk.h. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include "ssi/checker/checker_script.h"
#include "ssi/checker/replay.h"
#include "ssi/checker/walk.h"

#define STEPS_MAX    400
#define SHRINKS_MAX  20000 /* replays that shrinking may take */
#define WEIGHT_PLAIN 16

struct walker {
	struct checker *c;
	const struct walk_options *options;
	struct walk_result *result;
	uint64_t random;
	uint32_t weight[SCRIPT_KINDS]; /* of this walk */
	uint8_t call[256];             /* weight of each call of this walk */
	uint32_t no;                   /* weight of a refusal of the local kernel */
	struct script *script;
	enum script_end end;
	struct checker_move move[MOVES_MAX];
	uint32_t chance[MOVES_MAX];
};

/* splitmix64: the same on any machine. */
static uint64_t draw(struct walker *w)
{
	uint64_t z = w->random += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint32_t draw_below(struct walker *w, uint32_t end) { return (uint32_t)((draw(w) >> 32) * end >> 32); }

/* ---- what this walk is like ---- */

static uint32_t draw_weight(struct walker *w)
{
	static const uint32_t some[] = {1, 4, WEIGHT_PLAIN, WEIGHT_PLAIN, 64};
	return some[draw_below(w, sizeof some / sizeof *some)];
}

static void draw_swarm(struct walker *w)
{
	for (uint32_t k = 0; k < SCRIPT_KINDS; k++)
		w->weight[k] = draw_weight(w);
	/* Faults are rare where they happen at all. */
	w->weight[SCRIPT_LOSE] = draw_below(w, 2);
	w->weight[SCRIPT_STOP] = draw_below(w, 2);
	w->no = draw_below(w, 2) ? draw_weight(w) : 0;
	for (uint32_t e = 0; e < 256; e++)
		w->call[e] = draw_below(w, 3) ? (uint8_t)draw_weight(w) : 0;
}

static uint32_t weight_of(const struct walker *w, const struct checker_move *m)
{
	const struct script_step s = checker_script_step(w->c, m);
	if (s.kind == SCRIPT_CALL)
		return w->weight[SCRIPT_CALL] * w->call[s.event & 255];
	if (s.kind == SCRIPT_ANSWER && s.event == E_LOCAL_ERR)
		return w->no;
	return WEIGHT_PLAIN * w->weight[s.kind];
}

/* A move by chance; NULL: none that this walk uses. */
static const struct checker_move *draw_move(struct walker *w, uint32_t moves)
{
	uint64_t sum = 0;
	for (uint32_t i = 0; i < moves; i++)
		sum += w->chance[i] = weight_of(w, &w->move[i]);
	if (!sum)
		return NULL;
	uint64_t at = draw(w) % sum;
	for (uint32_t i = 0; i < moves; i++) {
		if (at < w->chance[i])
			return &w->move[i];
		at -= w->chance[i];
	}
	return NULL;
}

/* ---- one walk ---- */

/* True: something is wrong, or does not fit. */
static bool walk_step(struct walker *w, bool *ended)
{
	struct checker *c = w->c;
	uint32_t busy;
	checker_forget(c);
	c->why[0] = '\0';
	const uint32_t moves = checker_moves(c, w->move, &busy);
	if (!busy) {
		checker_rest(c);
		w->end = SCRIPT_END_REST;
		if (c->why[0])
			return true;
	}
	const struct checker_move *move = draw_move(w, moves);
	*ended = !move;
	if (!move)
		return false;
	const struct script_step step = checker_script_step(c, move);
	if (script_add(w->script, &step))
		snprintf(c->misfit, sizeof c->misfit, "there is not enough memory");
	w->end = SCRIPT_END_STEP;
	checker_perform(c, move);
	w->result->steps++;
	return c->why[0] || c->misfit[0];
}

static bool walk_once(struct walker *w)
{
	const uint32_t most = w->options->steps_max ? w->options->steps_max : STEPS_MAX;
	bool ended = false, wrong = false;
	w->random = w->options->seed * 0xd1342543de82ef95u + w->result->walks;
	draw_swarm(w);
	checker_begin(w->c);
	w->script->steps = 0;
	while (!wrong && !ended && w->script->steps < most)
		wrong = walk_step(w, &ended);
	if (w->script->steps > w->result->longest)
		w->result->longest = w->script->steps;
	return wrong;
}

/* ---- shrinking ---- */

/* What is wrong, without the numbers of kernels and slots that it names. */
static bool same_why(const char *a, const char *b)
{
	while (*a && *b) {
		const bool digits = *a >= '0' && *a <= '9' && *b >= '0' && *b <= '9';
		if (*a != *b && !digits)
			return false;
		a++, b++;
	}
	return *a == *b;
}

struct shrink {
	const struct step_protocol *protocol;
	struct script *best;
	uint32_t tries;
	int failed;
};

/* Goes the way without some of its steps; steps that then cannot happen are left out as well. True: the same is still
 * wrong, in fewer steps, and `best` is now that. */
static bool try_without(struct shrink *s, uint32_t from, uint32_t count)
{
	struct script *fewer = script_new(s->best);
	struct replay_result result = {0};
	const struct replay_options options = {.skip = true};
	bool good = false;
	if (!fewer)
		s->failed = -ENOMEM;
	for (uint32_t i = 0; fewer && !s->failed && i < s->best->steps; i++)
		if (i < from || i >= from + count)
			s->failed = script_add(fewer, &s->best->step[i]);
	if (!s->failed) {
		fewer->end = s->best->end;
		s->failed = replay_run(fewer, s->protocol, &options, &result);
		s->tries++;
	}
	if (!s->failed && result.why[0] && same_why(result.why, s->best->why) &&
	    result.made->steps < s->best->steps) {
		struct script *made = result.made;
		made->end = result.end;
		snprintf(made->why, sizeof made->why, "%s", result.why);
		made->state = result.state;
		result.made = NULL, result.state = NULL;
		script_free(s->best);
		s->best = made;
		good = true;
	}
	replay_result_fini(&result);
	script_free(fewer);
	return good;
}

/* Leaves out ever smaller runs of steps until no single step can go. */
static void shrink(struct shrink *s)
{
	uint32_t size = s->best->steps / 2 ? s->best->steps / 2 : 1;
	while (!s->failed && s->tries < SHRINKS_MAX) {
		bool shorter = false;
		for (uint32_t at = s->best->steps; at > 0 && !s->failed && s->tries < SHRINKS_MAX;) {
			at = at > size ? at - size : 0;
			shorter |= at < s->best->steps && try_without(s, at, size);
		}
		if (size == 1 && !shorter)
			return;
		size = size > 1 ? size / 2 : 1;
	}
}

static int keep_wrong(struct walker *w)
{
	struct walk_result *r = w->result;
	r->walk = r->walks - 1;
	r->found_steps = w->script->steps;
	w->script->end = w->end;
	snprintf(w->script->why, sizeof w->script->why, "%s", w->c->why);
	w->script->state = checker_print_state(w->c);
	struct shrink s = {.protocol = w->c->protocol, .best = w->script};
	w->script = NULL;
	if (!w->options->no_shrink)
		shrink(&s);
	r->script = s.best;
	snprintf(r->why, sizeof r->why, "%s", s.best->why);
	return s.failed ? s.failed : s.best->state ? 0 : -ENOMEM;
}

/* ---- all of them ---- */

static double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void count_cells(const struct checker *c, struct walk_result *r)
{
	r->cells = r->cells_visited = 0;
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		for (uint32_t i = 0; i < (c->protocol->machine[m].states + 1) * c->protocol->events; i++) {
			r->cells += c->protocol->machine[m].table[i].kind != STEP_NEVER;
			r->cells_visited += c->visited[m][i];
		}
}

static bool is_over(struct walker *w, double begun)
{
	const struct walk_options *o = w->options;
	w->result->seconds = seconds_now() - begun;
	if (o->progress && (w->result->walks & 63) == 0) {
		count_cells(w->c, w->result);
		o->progress(o->context, w->result->walks, w->result->steps, w->result->cells_visited);
	}
	return (o->walks && w->result->walks >= o->walks) ||
	       (o->seconds_max > 0 && w->result->seconds >= o->seconds_max);
}

static int walk_all(struct walker *w)
{
	const double begun = seconds_now();
	bool wrong = false;
	while (!wrong && !is_over(w, begun)) {
		wrong = walk_once(w);
		w->result->walks++;
	}
	if (w->c->misfit[0]) {
		snprintf(w->result->why, sizeof w->result->why, "%s", w->c->misfit);
		return -EINVAL;
	}
	count_cells(w->c, w->result);
	if (w->result->cells_visited < w->result->cells &&
	    !(w->result->unvisited = checker_print_unvisited(w->c)))
		return -ENOMEM;
	const int rc = wrong ? keep_wrong(w) : 0;
	w->result->seconds = seconds_now() - begun;
	return rc;
}

int walk_run(const struct step_protocol *protocol, const struct checker_options *options,
	     const struct walk_options *walk, struct walk_result *result)
{
	*result = (struct walk_result){0};
	struct walker *w = calloc(1, sizeof *w);
	if (!w)
		return -ENOMEM;
	w->options = walk;
	w->result = result;
	int rc = checker_open(&w->c, protocol, options, result->why, sizeof result->why);
	if (!rc && !(w->script = checker_script_begin(w->c)))
		rc = -ENOMEM;
	if (!rc)
		rc = walk_all(w);
	script_free(w->script);
	checker_close(w->c);
	free(w);
	if (rc)
		walk_result_fini(result);
	return rc;
}

void walk_result_fini(struct walk_result *result)
{
	script_free(result->script);
	free(result->unvisited);
	result->script = NULL;
	result->unvisited = NULL;
}
