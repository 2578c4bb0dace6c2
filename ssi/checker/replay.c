/* ssi/checker/replay.c - see replay.h.
 *
 * The kernels are those of the checker: the same host functions, the same checks. Only the network is the engine's. After
 * a step its messages are taken out of the checker's channels and posted; each arrives half a step later and is then put
 * into the channel from which the script takes it. */
#include <errno.h>
#include <stdlib.h>
#include "sim/engine.h"
#include "ssi/checker/checker_script.h"
#include "ssi/checker/replay.h"

#define WIRE_PS   (REPLAY_STEP_PS / 2)
#define DRAIN_MAX 64

/* What an event of the engine carries. */
struct parcel {
	struct step_msg msg; /* event 0: it is a step of the script */
	uint32_t step;       /* its number, or of the step that sent the message */
};
_Static_assert(sizeof(struct parcel) <= SIM_PAYLOAD_BYTES, "a parcel is a frame's payload");

struct replay {
	const struct script *script;
	const struct replay_options *options;
	struct replay_result *result;
	struct checker *c;
	struct sim_engine *engine;
	/* Of a channel's messages, the oldest first. Where messages may overtake each other, a channel forgets its order. */
	struct sent {
		uint32_t step, event;
	} sent[NODES][NODES][CHANNEL_CREDIT];
	uint32_t called[NODES][CLIENTS_MAX]; /* what a client called last */
	uint32_t seen;                       /* how often the event that is waited for was handled */
	bool over;
	int failed;
	struct checker_move move[MOVES_MAX];
};

step_action *replay_action;

/* Not inlined and not empty, so that a debugger finds it. */
__attribute__((noinline)) void replay_breakpoint(uint32_t step, step_action *action)
{
	replay_action = action;
	__asm__ volatile("" : : "r"(step) : "memory");
}

/* ---- messages ---- */

static void post_messages(struct replay *r, uint32_t from, const uint8_t *before, uint32_t number, sim_ps now)
{
	struct checker *c = r->c;
	for (uint32_t to = 0; to < c->nodes; to++)
		while (c->shared->count[from][to] > before[to]) {
			/* The oldest of the new ones first: the engine keeps the order of a sender. */
			const uint32_t at = c->shared->first[from][to] + before[to];
			struct parcel *p = sim_engine_post(r->engine, from, to, now + WIRE_PS);
			p->msg = c->channel[from][to][at];
			p->step = number;
			c->shared->count[from][to]--;
			for (uint32_t i = at; i < c->shared->first[from][to] + c->shared->count[from][to];
			     i++)
				c->channel[from][to][i] = c->channel[from][to][i + 1];
		}
}

static void arrive(struct replay *r, uint32_t from, uint32_t to, const struct parcel *p)
{
	struct checker *c = r->c;
	const uint32_t count = c->shared->count[from][to]++;
	c->channel[from][to][c->shared->first[from][to] + count] = p->msg;
	r->sent[from][to][count] = (struct sent){.step = p->step, .event = p->msg.event};
}

/* The step that sent what `s` takes; it is forgotten. */
static uint32_t take_sent_in(struct replay *r, const struct script_step *s)
{
	struct sent *sent = r->sent[s->from][s->kernel];
	uint32_t at = 0;
	if (s->kind != SCRIPT_RECEIVE && s->kind != SCRIPT_LOSE)
		return 0;
	while (at < CHANNEL_CREDIT - 1 && sent[at].event != s->event)
		at++;
	const uint32_t step = sent[at].step;
	memmove(&sent[at], &sent[at + 1], (CHANNEL_CREDIT - 1 - at) * sizeof *sent);
	return step;
}

/* ---- steps that cannot happen ---- */

static void stop(struct replay *r)
{
	r->over = true;
	snprintf(r->result->why, sizeof r->result->why, "%s", r->c->why);
	r->result->state = checker_print_state(r->c);
	if (!r->result->state)
		r->failed = -ENOMEM;
	sim_engine_stop(r->engine);
}

static void print_instruction(const struct checker *c, FILE *f, const struct script_step *s)
{
	char at[SCRIPT_REF], arg[SCRIPT_REF];
	script_ref_print(at, c->protocol, s->at);
	script_ref_print(arg, c->protocol, s->arg);
	fprintf(f, "%s", script_kind_name[s->kind]);
	if (s->event)
		fprintf(f, " %s", checker_event_name(c, s->event));
	if (s->kind == SCRIPT_RECEIVE || s->kind == SCRIPT_LOSE)
		fprintf(f, " from kernel %u", s->from);
	else if (s->kind == SCRIPT_CALL)
		fprintf(f, " (%s, %u)", arg, s->word);
	else if (s->kind != SCRIPT_STOP)
		fprintf(f, " at %s", at);
	if (s->kind == SCRIPT_TELL)
		fprintf(f, " %s", arg);
}

static void say_misfit(struct replay *r, uint32_t number, uint32_t moves)
{
	const struct script_step *s = &r->script->step[number - 1];
	char *out = r->result->misfit;
	uint32_t said = 0;
	r->result->misfit_step = number;
	FILE *f = fmemopen(out, sizeof r->result->misfit, "w");
	if (!f)
		return;
	fprintf(f, "step %u cannot happen: kernel %u, ", number, s->kernel);
	print_instruction(r->c, f, s);
	fprintf(f, "; what can happen at kernel %u then: ", s->kernel);
	for (uint32_t i = 0; i < moves && said < 4; i++) {
		const struct script_step can = checker_script_step(r->c, &r->move[i]);
		if (can.kernel != s->kernel)
			continue;
		fprintf(f, said++ ? "; " : "");
		print_instruction(r->c, f, &can);
	}
	fprintf(f, said ? "" : "nothing");
	fclose(f);
}

/* Shrinking: whether nothing goes on any more, and that is wrong. */
static bool rests_wrong(struct replay *r, uint32_t busy)
{
	if (busy || !r->options->skip || r->script->end != SCRIPT_END_REST)
		return false;
	r->c->why[0] = '\0';
	checker_rest(r->c);
	r->result->end = SCRIPT_END_REST;
	return r->c->why[0] != 0;
}

/* The move that a step means, or NULL. */
static const struct checker_move *find_move(struct replay *r, uint32_t number)
{
	uint32_t busy;
	const uint32_t moves = checker_moves(r->c, r->move, &busy);
	if (rests_wrong(r, busy)) {
		stop(r);
		return NULL;
	}
	for (uint32_t i = 0; i < moves; i++) {
		const struct script_step can = checker_script_step(r->c, &r->move[i]);
		if (script_same_step(&can, &r->script->step[number - 1]))
			return &r->move[i];
	}
	if (!r->options->skip)
		say_misfit(r, number, moves);
	return NULL;
}

/* ---- where to stop ---- */

static bool handles(const struct checker *c, const struct script_step *s, const char *event)
{
	const bool begins = s->kind == SCRIPT_CALL || s->kind == SCRIPT_RECEIVE || s->kind == SCRIPT_ANSWER;
	if (begins && !strcmp(checker_event_name(c, s->event), event))
		return true;
	for (uint32_t i = 0; i < c->notes; i++)
		if (c->note[i].kind == NOTE_CELL &&
		    !strcmp(checker_event_name(c, c->note[i].msg.event), event))
			return true;
	return false;
}

/* Whether the step that was just made, or tried, is the one to stop after. */
static bool is_last(const struct replay *r, uint32_t number)
{
	const struct replay_options *o = r->options;
	if (o->until_event)
		return handles(r->c, &r->script->step[number - 1], o->until_event) &&
		       r->seen + 1 == o->until_nth;
	return number == o->until_step;
}

/* The action that the step runs first, and, if one waits for an event, for that event. */
static step_action *action_of(const struct replay *r)
{
	const struct checker *c = r->c;
	step_action *first = NULL;
	for (uint32_t i = 0; i < c->notes; i++) {
		const struct checker_note *n = &c->note[i];
		if (n->kind != NOTE_CELL)
			continue;
		const struct step_cell *cell =
			step_cell_at(c->protocol, n->msg.to.machine, n->state, n->msg.event);
		if (!first)
			first = cell->action;
		if (r->options->until_event && cell->action &&
		    !strcmp(checker_event_name(c, n->msg.event), r->options->until_event))
			return cell->action;
	}
	return first;
}

/* Makes the step once to learn what it does, takes it back, and lets a debugger in. */
static void stop_before(struct replay *r, uint32_t number, const struct checker_move *move)
{
	checker_save(r->c);
	checker_prefer(r->c, r->script->step[number - 1].take);
	checker_perform(r->c, move);
	const bool last = is_last(r, number);
	step_action *action = action_of(r);
	checker_restore(r->c);
	if (last)
		replay_breakpoint(number, action);
}

/* ---- a step ---- */

static void tell(struct replay *r, const struct checker_told *told)
{
	if (r->options->story) {
		checker_story_step(r->c, r->options->story, told);
		fflush(r->options->story);
	}
	if (r->options->plantuml)
		checker_plantuml_step(r->c, r->options->plantuml, told);
}

static void make_step(struct replay *r, uint32_t number, sim_ps now)
{
	struct checker *c = r->c;
	const struct script_step *s = &r->script->step[number - 1];
	struct checker_told told = {.number = number, .step = s, .called = r->called};
	uint8_t before[NODES];
	checker_forget(c);
	const struct checker_move *move = find_move(r, number);
	if (!move) {
		if (!r->options->skip)
			stop(r);
		return;
	}
	if (r->options->stop_before)
		stop_before(r, number, move);
	memcpy(before, c->shared->count[s->kernel], sizeof before);
	r->result->end = SCRIPT_END_STEP;
	checker_story_what(c, &told);
	if (s->kind == SCRIPT_CALL)
		r->called[s->kernel][s->client] = s->event;
	checker_prefer(c, s->take);
	checker_perform(c, move);
	told.sent_in = take_sent_in(r, s);
	tell(r, &told);
	r->result->steps++;
	r->result->now = now;
	if (r->result->made && script_add(r->result->made, s))
		r->failed = -ENOMEM;
	r->result->stopped = is_last(r, number);
	r->seen += r->options->until_event && handles(c, s, r->options->until_event);
	if (c->why[0] || c->misfit[0] || r->result->stopped || r->failed ||
	    (number == r->script->steps && r->script->end == SCRIPT_END_STEP))
		stop(r);
	else
		post_messages(r, s->kernel, before, number, now);
}

/* Shrinking: what is still under way goes on, in one order of many, until nothing does or something is wrong. */
static uint32_t drain(struct replay *r, uint32_t busy)
{
	for (uint32_t i = 0; busy && i < DRAIN_MAX && !r->c->why[0] && !r->failed; i++) {
		const struct script_step step = checker_script_step(r->c, &r->move[0]);
		checker_perform(r->c, &r->move[0]);
		r->failed = script_add(r->result->made, &step);
		if (r->c->why[0])
			return busy;
		checker_forget(r->c);
		checker_moves(r->c, r->move, &busy);
	}
	return busy;
}

/* After the last step, where it is the rest that is wrong. */
static void judge_rest(struct replay *r)
{
	uint32_t busy;
	checker_forget(r->c);
	r->c->why[0] = '\0';
	checker_moves(r->c, r->move, &busy);
	if (r->options->skip)
		busy = drain(r, busy);
	r->result->end = r->c->why[0] ? SCRIPT_END_STEP : r->script->end;
	if (r->script->end == SCRIPT_END_REST && !busy && !r->c->why[0])
		checker_rest(r->c);
	else if (r->script->end == SCRIPT_END_STATE)
		snprintf(r->c->why, sizeof r->c->why, "%s", r->script->why);
	stop(r);
}

static void handle(void *context, struct sim_engine *engine, const struct sim_event *event)
{
	struct replay *r = context;
	struct parcel p;
	(void)engine;
	memcpy(&p, event->payload, sizeof p);
	if (r->over)
		return; /* it has ended; the engine only finishes its window */
	if (p.msg.event)
		arrive(r, event->src, event->dst, &p);
	else if (p.step > r->script->steps)
		judge_rest(r);
	else
		make_step(r, p.step, event->time);
}

/* ---- a replay ---- */

static void post_step(struct replay *r, uint32_t number, uint32_t kernel)
{
	struct parcel *p = sim_engine_post(r->engine, kernel, kernel, number * REPLAY_STEP_PS);
	p->step = number;
}

static int misfit(struct replay_result *result, const char *what, uint32_t step)
{
	result->misfit_step = step;
	if (step)
		snprintf(result->misfit, sizeof result->misfit, "step %u: %s", step, what);
	else
		snprintf(result->misfit, sizeof result->misfit, "%s", what);
	return -EINVAL;
}

/* What is used as an index before a move is looked for. */
static int check_steps(struct replay *r)
{
	const struct checker *c = r->c;
	for (uint32_t i = 0; i < r->script->steps; i++) {
		const struct script_step *s = &r->script->step[i];
		if (s->kernel >= c->nodes || s->from >= c->nodes)
			return misfit(r->result, "there is no such kernel", i + 1);
		if (s->position >= CHANNEL_CREDIT || s->client >= c->clients)
			return misfit(r->result, "there is no such place in a channel, or client", i + 1);
		if (s->event >= c->protocol->events || s->kind >= SCRIPT_KINDS)
			return misfit(r->result, "there is no such event", i + 1);
	}
	return 0;
}

static int run(struct replay *r)
{
	const struct sim_engine_config config = {.kind = SIM_ENGINE_WINDOW,
						 .processes = r->c->nodes,
						 .lookahead_ps = WIRE_PS,
						 .digest = true,
						 .handler = handle,
						 .context = r};
	int rc = check_steps(r);
	rc = rc ? rc : sim_engine_new(&r->engine, &config);
	if (rc)
		return rc;
	r->c->noting = true;
	checker_begin(r->c);
	if (r->options->plantuml)
		checker_plantuml_begin(r->c, r->options->plantuml, r->script->protocol);
	for (uint32_t i = 0; i < r->script->steps; i++)
		post_step(r, i + 1, r->script->step[i].kernel);
	post_step(r, r->script->steps + 1, 0);
	sim_engine_run(r->engine, SIM_PS_NEVER);
	if (r->options->plantuml)
		checker_plantuml_end(r->c, r->options->plantuml, r->result->why);
	if (r->options->story && r->result->why[0])
		checker_story_end(r->options->story, r->result->why);
	r->result->events = sim_engine_events(r->engine);
	r->result->digest = sim_engine_digest(r->engine);
	sim_engine_free(r->engine);
	return r->c->misfit[0] ? misfit(r->result, r->c->misfit, 0) : r->failed;
}

int replay_run(const struct script *script, const struct step_protocol *protocol,
	       const struct replay_options *options, struct replay_result *result)
{
	*result = (struct replay_result){0};
	struct replay *r = calloc(1, sizeof *r);
	if (!r)
		return -ENOMEM;
	r->script = script;
	r->options = options;
	r->result = result;
	int rc = checker_open(&r->c, protocol, &script->options, result->misfit, sizeof result->misfit);
	if (!rc && options->skip) {
		result->made = script_new(script);
		rc = result->made ? 0 : -ENOMEM;
	}
	if (!rc)
		rc = run(r);
	checker_close(r->c);
	free(r);
	if (rc)
		replay_result_fini(result);
	return rc;
}

void replay_result_fini(struct replay_result *result)
{
	free(result->state);
	script_free(result->made);
	result->state = NULL;
	result->made = NULL;
}

char *replay_story(const struct script *script, const struct step_protocol *protocol)
{
	char *text = NULL;
	size_t size = 0;
	struct replay_result result;
	const struct replay_options options = {.story = open_memstream(&text, &size)};
	const bool failed = !options.story || replay_run(script, protocol, &options, &result);
	const bool ended = !failed && !result.misfit[0] && !strcmp(result.why, script->why);
	if (options.story)
		fclose(options.story);
	if (!failed)
		replay_result_fini(&result);
	if (ended)
		return text;
	free(text);
	return NULL;
}
