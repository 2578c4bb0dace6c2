/* ssi/checker/checker_expand.c - the successors of a state.
 *
 * The world is needed where the model looks at it: which calls may start; what a call's end says; whether a state is all
 * right (for a model with records of its own: after each step, which may change them). Else a step is a matter of
 * numbers: the kernel's part, the channel that loses a message, those that get one. */
#include <stdio.h>
#include "ssi/checker/checker_search.h"

/* ---- vectors ---- */

static uint64_t salted(const struct checker_search *s, uint32_t position, uint32_t id)
{
	return id ? checker_mix(checker_part_at(&s->parts, id)->hash + s->salt[position]) : 0;
}

void checker_vector_hash(const struct checker_search *s, struct checker_vector *v)
{
	v->hash = 0;
	for (uint32_t i = 0; i < s->channel_at; i++)
		v->hash += salted(s, i, v->id[i]);
	EACH_CHANNEL(s, v->full, i) v->hash += salted(s, (uint32_t)i, v->id[i]);
}

void checker_vector_hash_from(const struct checker_search *s, struct checker_vector *v,
			      const struct checker_vector *known)
{
	v->hash = known->hash;
	for (uint32_t i = 0; i < s->channel_at; i++)
		if (v->id[i] != known->id[i])
			v->hash += salted(s, i, v->id[i]) - salted(s, i, known->id[i]);
	EACH_CHANNEL(s, v->full | known->full, i)
	if (v->id[i] != known->id[i])
		v->hash += salted(s, (uint32_t)i, v->id[i]) - salted(s, (uint32_t)i, known->id[i]);
}

bool checker_vector_is(const struct checker_search *s, const struct checker_vector *x,
		       const struct checker_vector *y)
{
	return x->full == y->full && !memcmp(x->id, y->id, s->positions * sizeof *x->id);
}

void checker_vector_set(const struct checker_search *s, struct checker_vector *v, uint32_t position,
			uint32_t id)
{
	if (v->id[position] == id)
		return;
	v->hash += salted(s, position, id) - salted(s, position, v->id[position]);
	v->id[position] = id;
	if (position < s->channel_at) {
		v->changed |= 1ull << position;
		return;
	}
	const uint64_t bit = 1ull << (position - s->channel_at);
	v->full = id ? v->full | bit : v->full & ~bit;
	v->changed_channels |= bit;
}

static uint8_t *put_id(uint8_t *out, uint32_t id)
{
	for (; id >= 0x80; id >>= 7)
		*out++ = (uint8_t)(id | 0x80);
	*out++ = (uint8_t)id;
	return out;
}

/* Kernels; which clients call something, and these; the ghost; where there are messages, and which. */
uint32_t checker_vector_encode(const struct checker_search *s, const struct checker_vector *v, uint8_t *out)
{
	uint8_t *o = out, *mask;
	const uint32_t n = s->nodes;
	for (uint32_t a = 0; a < n; a++)
		o = put_id(o, v->id[a]);
	mask = o++;
	*mask = 0;
	for (uint32_t a = 0; a < n; a++)
		if (v->id[n + a] != s->idle[a]) {
			*mask |= (uint8_t)(1u << a);
			o = put_id(o, v->id[n + a]);
		}
	o = put_id(o, v->id[s->ghost_at]);
	EACH_CHANNEL(s, v->full, i)
	{
		*o++ = (uint8_t)i;
		o = put_id(o, v->id[i]);
	}
	return (uint32_t)(o - out);
}

void checker_vector_decode(const struct checker_search *s, const uint8_t *in, uint32_t length,
			   struct checker_vector *v)
{
	const uint8_t *end = in + length;
	const uint32_t n = s->nodes;
	for (uint32_t a = 0; a < n; a++)
		v->id[a] = checker_get_value(&in);
	const uint8_t mask = *in++;
	for (uint32_t a = 0; a < n; a++)
		v->id[n + a] = mask >> a & 1 ? checker_get_value(&in) : s->idle[a];
	v->id[s->ghost_at] = checker_get_value(&in);
	memset(v->id + s->channel_at, 0, (s->positions - s->channel_at) * sizeof *v->id);
	v->full = v->changed = v->changed_channels = 0;
	while (in < end) {
		const uint32_t position = *in++;
		v->id[position] = checker_get_value(&in);
		v->full |= 1ull << (position - s->channel_at);
	}
	checker_vector_hash(s, v);
}

static uint32_t channel_at(const struct checker_search *s, uint32_t from, uint32_t to)
{
	return s->channel_at + from * s->nodes + to;
}

static uint32_t count_of(const struct checker_search *s, uint32_t channel)
{
	return channel ? checker_part_at(&s->parts, channel)->count : 0;
}

/* ---- the world ---- */

void checker_load_vector(struct checker_worker *w, const struct checker_vector *v)
{
	const struct checker_search *s = w->search;
	for (uint32_t a = 0; a < s->nodes; a++) {
		checker_steps_load_kernel(w, a, v->id[a]);
		checker_steps_load_clients(w, a, v->id[s->nodes + a]);
	}
	checker_steps_load_ghost(w, v->id[s->ghost_at]);
}

void checker_vector_of_world(struct checker_worker *w, struct checker_vector *v, uint32_t *orbit)
{
	const struct checker_search *s = w->search;
	struct checker *c = w->c;
	for (uint32_t a = 0; a < s->nodes; a++) {
		v->id[a] = checker_steps_kernel(w, a);
		v->id[s->nodes + a] = checker_steps_clients(w, a);
		w->kernel_in[a] = w->clients_in[a] = PART_FAILED;
	}
	v->id[s->ghost_at] = checker_steps_ghost(w);
	w->ghost_in = PART_FAILED;
	v->full = v->changed = v->changed_channels = 0;
	for (uint32_t x = 0; x < s->nodes; x++)
		for (uint32_t y = 0; y < s->nodes; y++) {
			uint32_t *id = &v->id[channel_at(s, x, y)], count = c->shared->count[x][y];
			for (uint32_t i = *id = 0; i < count; i++)
				*id = checker_steps_append(
					w, *id,
					checker_steps_message(w,
							      &c->channel[x][y][c->shared->first[x][y] + i]));
			v->full |= (uint64_t)(count != 0) << (x * s->nodes + y);
		}
	checker_vector_hash(s, v);
	*orbit = 1;
	w->base_signed = false;
	if (s->exchanges)
		checker_symmetry_reduce(w, v, orbit);
}

/* ---- candidates ---- */

static void add_candidate(struct checker_worker *w, struct checker_vector *v, uint32_t flags, uint64_t sleep)
{
	struct checker_search *s = w->search;
	struct checker_chunk *chunk = w->chunk;
	uint32_t orbit = 1;
	if (v->hash == w->base.hash && checker_vector_is(s, v, &w->base)) {
		w->transitions += w->probing ? 0 : w->weight; /* it leads nowhere else */
		w->sum_count += w->weight;
		return;
	}
	w->labels = CHECKER_SAME_LABELS;
	if (s->exchanges)
		checker_symmetry_reduce(w, v, &orbit);
	w->sum += w->weight * checker_mix(v->hash);
	w->sum_count += w->weight;
	if (w->probing)
		return;
	uint8_t *bytes = checker_array_more(&chunk->bytes, VECTOR_MAX);
	struct checker_candidate *to = checker_array_push(&chunk->candidate, sizeof *to);
	w->failed |= !bytes || !to;
	if (!bytes || !to)
		return;
	*to = (struct checker_candidate){.hash = v->hash,
					 .sleep = w->labels == CHECKER_NO_LABELS ? 0 : sleep,
					 .labels = w->labels,
					 .at = (uint32_t)chunk->bytes.used,
					 .orbit = orbit,
					 .flags = (uint8_t)flags,
					 .length = (uint16_t)checker_vector_encode(s, v, bytes)};
	chunk->bytes.used += to->length;
	chunk->candidates++;
	w->transitions += w->weight;
}

/* A step is wrong; where kernels may stop, that is only told. */
static void step_is_wrong(struct checker_worker *w, const char *why)
{
	if (w->c->crash)
		checker_meet(w->search, why);
	else
		w->step_wrong = true;
}

/* ---- steps ---- */

struct step {
	uint32_t a, from, rest; /* rest: what is left of the channel from `from`, if that is a kernel */
	const struct checker_move *call;
	struct checker_outcome outcome;
	bool timer;
};

static const struct checker_freed *freed_at(const struct checker_worker *w, uint32_t i)
{
	return (const struct checker_freed *)(const void *)w->freed.at + i;
}

/* References to slots that have gone are stale from now on. */
static void make_stale(struct checker_worker *w, struct checker_vector *v, const struct step *step)
{
	const struct checker_search *s = w->search;
	for (uint32_t k = 0; k < step->outcome.freed; k++) {
		const struct checker_freed freed = *freed_at(w, step->outcome.freed_at + k);
		for (uint32_t b = 0; b < s->nodes; b++)
			if (b != step->a)
				checker_vector_set(s, v, b, checker_steps_stale(w, v->id[b], step->a, freed));
		EACH_CHANNEL(s, v->full, i)
		checker_vector_set(s, v, (uint32_t)i, checker_steps_stale(w, v->id[i], step->a, freed));
	}
}

/* False: it does not fit. */
static bool add_messages(struct checker_worker *w, struct checker_vector *v, const struct step *step)
{
	const struct checker_search *s = w->search;
	const uint32_t capacity = w->c->model->capacity;
	for (uint32_t k = 0; k < step->outcome.sends; k++) {
		const struct checker_send send =
			((const struct checker_send *)(const void *)w->send.at)[step->outcome.send_at + k];
		const uint32_t at = channel_at(s, step->a, send.to);
		if (v->id[send.to] == s->stopped)
			continue;
		const uint32_t channel = checker_steps_append(w, v->id[at], send.message);
		if (channel == PART_FAILED || (capacity && checker_steps_fullest(w, channel) > capacity))
			return false;
		checker_vector_set(s, v, at, channel);
	}
	return true;
}

static void set_call(struct checker_worker *w, const struct step *step)
{
	struct checker *c = w->c;
	c->shared->flight[step->a][step->call->client] = step->call->call;
	c->shared->call[step->a] = c->shared->flight[step->a][0];
	w->clients_in[step->a] = PART_FAILED;
}

/* Takes from the world what the model has made of it. */
static void take_from_world(struct checker_worker *w, struct checker_vector *v, const struct step *step)
{
	const struct checker_search *s = w->search;
	const uint32_t a = step->a;
	if (step->outcome.freed ? !checker_steps_is_raw(w, a, &step->outcome)
				: step->outcome.ends && !checker_steps_kernel_is(w, a, step->outcome.after)) {
		checker_vector_set(s, v, a, checker_steps_kernel(w, a));
		w->kernel_in[a] = PART_FAILED;
	}
	/* Without records, only the call that ended has changed. */
	const bool all = step->outcome.freed || w->c->model->shadow.machine;
	for (uint32_t b = all ? 0 : a; b < (all ? s->nodes : a + 1); b++) {
		const uint32_t old = v->id[s->nodes + b],
			       now = checker_steps_clients_after(w, b, a, &step->outcome, old);
		checker_vector_set(s, v, s->nodes + b, now);
		if (now != old || step->outcome.freed)
			w->clients_in[b] = PART_FAILED;
	}
	if (memcmp(w->c->shared->ghost, checker_part_at(&s->parts, v->id[s->ghost_at])->bytes,
		   STEP_GHOST_BYTES) != 0) {
		checker_vector_set(s, v, s->ghost_at, checker_steps_ghost(w));
		w->ghost_in = PART_FAILED;
	}
	if (step->outcome.freed) /* its slots have other generations */
		checker_steps_load_kernel(w, a, w->base.id[a]);
}

/* The model sees the world after the step. */
static void show_world(struct checker_worker *w, struct checker_vector *v, const struct step *step)
{
	struct checker *c = w->c;
	checker_load_vector(w, v);
	if (step->outcome.freed)
		checker_steps_load_raw(w, step->a, &step->outcome);
	if (step->call)
		set_call(w, step);
	c->why[0] = '\0';
	if (step->outcome.ends)
		checker_see_ends(c, step->a,
				 (const struct checker_ended *)(const void *)w->end.at + step->outcome.end_at,
				 step->outcome.ends);
	if (!c->why[0] && c->model->shadow.machine)
		checker_see_world(c);
	if (c->why[0])
		step_is_wrong(w, c->why);
	take_from_world(w, v, step);
}

/* Whether the step can happen. */
static bool add_step(struct checker_worker *w, struct step *step)
{
	const struct checker_search *s = w->search;
	struct checker_vector *v = &w->next;
	const struct checker_outcome *o = &step->outcome;
	if (o->wrong) {
		step_is_wrong(w, w->text.at + (uint64_t)(o->raw - 1) * WHY_BYTES);
		return true;
	}
	v->hash = w->base.hash;
	v->full = w->base.full;
	v->changed = v->changed_channels = 0;
	memcpy(v->id, w->base.id, s->positions * sizeof *v->id);
	if (step->from < s->nodes)
		checker_vector_set(s, v, channel_at(s, step->from, step->a), step->rest);
	checker_vector_set(s, v, step->a, o->after);
	if (o->freed)
		make_stale(w, v, step);
	if (!add_messages(w, v, step)) {
		w->is_plain = false;
		return false;
	}
	if (o->ends || o->freed || w->c->model->shadow.machine) {
		show_world(w, v, step);
	} else if (step->call) {
		checker_steps_load_clients(w, step->a, v->id[s->nodes + step->a]);
		set_call(w, step);
		checker_vector_set(s, v, s->nodes + step->a,
				   checker_steps_known_clients(w, step->a, step->a, o));
	}
	const bool plain = s->commutes && checker_commute_is_plain(w, v, o, step->call != NULL);
	w->is_plain = w->is_plain && plain;
	if (!w->step_wrong)
		add_candidate(w, v, step->call ? CANDIDATE_CALL : 0,
			      plain ? checker_commute_after(w, v, step->a) : 0);
	return true;
}

/* ---- what can happen ---- */

struct moves {
	uint32_t busy, timers;
	bool rest, credit[NODES];
};

/* Whether a group of steps is left out; else it is begun. */
static bool is_left_out(struct checker_worker *w, uint64_t group)
{
	w->is_plain = true;
	return w->sleep & group;
}
static void end_group(struct checker_worker *w, uint64_t group)
{
	if (w->is_plain && w->search->commutes)
		w->done |= group;
}
static void count_left_out(struct checker_worker *w, uint32_t steps)
{
	w->transitions += steps;
	w->left_out += steps;
}

static void receive_from(struct checker_worker *w, struct moves *m, uint32_t from, uint32_t a)
{
	const struct checker_search *s = w->search;
	const uint32_t channel = w->base.id[channel_at(s, from, a)];
	const uint32_t mask = checker_steps_firsts(w, channel);
	const uint64_t group = checker_commute_group(s, GROUP_RECEIVE, from, a);
	const bool left_out = is_left_out(w, group);
	for (uint32_t p = 0; mask >> p && !w->step_wrong; p++) {
		struct step step = {.a = a, .from = from};
		if (!(mask >> p & 1))
			continue;
		const uint32_t message = checker_steps_pop(w, channel, p, &step.rest);
		step.outcome = *checker_steps_receive(w, a, w->base.id[a], message);
		if (left_out)
			count_left_out(w, !step.outcome.stalls);
		m->busy += !step.outcome.stalls && (left_out || add_step(w, &step));
	}
	end_group(w, group);
}

/* Steps of kernel `a` on what `from` sends stand for those of their twins. */
static uint32_t weight_of(const struct checker_worker *w, uint32_t from, uint32_t a)
{
	const bool same = w->twin_of[from] == w->twin_of[a];
	const uint32_t receivers = w->twins[a], senders = w->twins[w->twin_of[from]];
	if (!same || from == a)
		return from == w->twin_of[from] ? receivers * (same ? 1 : senders) : 0;
	return from == a + 1 ? receivers * (senders - 1) : 0;
}

static void expand_kernel(struct checker_worker *w, struct moves *m, uint32_t a)
{
	const struct checker_search *s = w->search;
	EACH_CHANNEL(s, w->base.full & s->into[a], i)
	{
		const uint32_t from = s->from_of[i - s->channel_at];
		w->weight = weight_of(w, from, a);
		if (w->weight && !w->step_wrong)
			receive_from(w, m, from, a);
	}
	w->weight = w->twins[a];
	const struct checker_own own = checker_steps_own(w, a, w->base.id[a]);
	if (is_left_out(w, checker_commute_group(s, GROUP_OWN, a, a))) {
		count_left_out(w, own.count);
		m->busy += own.count - own.timers;
		m->timers += own.timers;
		return;
	}
	for (uint32_t i = 0; i < own.count && !w->step_wrong; i++) {
		struct step step = {.a = a, .from = NODES, .outcome = *checker_steps_outcome(w, own.at + i)};
		const bool happens = add_step(w, &step);
		m->busy += happens && !step.outcome.timer;
		m->timers += happens && step.outcome.timer;
	}
	end_group(w, checker_commute_group(s, GROUP_OWN, a, a));
}

static void expand_faults(struct checker_worker *w)
{
	const struct checker_search *s = w->search;
	struct checker_vector *v = &w->next;
	uint32_t crashed = 0;
	for (uint32_t i = s->channel_at; w->c->lossy && i < s->positions; i++) {
		const uint32_t channel = w->base.id[i], mask = channel ? checker_steps_firsts(w, channel) : 0;
		for (uint32_t p = 0; mask >> p; p++) {
			uint32_t rest;
			if (!(mask >> p & 1))
				continue;
			checker_steps_pop(w, channel, p, &rest);
			*v = w->base;
			checker_vector_set(s, v, i, rest);
			add_candidate(w, v, 0, 0);
		}
	}
	for (uint32_t a = 0; a < s->nodes; a++)
		crashed += w->base.id[a] == s->stopped;
	for (uint32_t a = 0; a < s->nodes && crashed < w->c->crash; a++) {
		if (w->base.id[a] == s->stopped)
			continue;
		*v = w->base;
		checker_vector_set(s, v, a, s->stopped);
		checker_vector_set(s, v, s->nodes + a, s->idle[a]);
		for (uint32_t b = 0; b < s->nodes; b++)
			checker_vector_set(s, v, channel_at(s, b, a), 0);
		add_candidate(w, v, 0, 0);
	}
}

static void expand_calls(struct checker_worker *w)
{
	bool left_out = false;
	uint64_t last = 0;
	for (uint32_t i = 0; i < w->calls.count && !w->step_wrong; i++) {
		const struct checker_move *move = &w->calls.move[i];
		struct step step = {.a = move->node, .from = NODES, .call = move};
		const uint64_t group = checker_commute_group(w->search, GROUP_CALLS, 0, move->node);
		if (i && w->calls.move[i - 1].node != move->node)
			end_group(w, last);
		if (!i || w->calls.move[i - 1].node != move->node)
			left_out = is_left_out(w, group);
		last = group;
		if (left_out) {
			count_left_out(w, 1);
			continue;
		}
		const uint32_t call = checker_steps_known_call(w, &move->call);
		w->weight = w->twins[move->node];
		step.outcome = *checker_steps_call(w, move->node, w->base.id[move->node], move, call);
		add_step(w, &step);
	}
}

/* The calls that may start, while the world is loaded. */
static void list_calls(struct checker_worker *w, const struct moves *m)
{
	struct checker *c = w->c;
	uint32_t flight = 0;
	w->calls.count = 0;
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t k = 0; k < c->clients; k++)
			flight += c->shared->flight[a][k].event != 0;
	for (uint32_t a = 0; a < c->nodes && flight < c->flight; a++)
		if (m->credit[a] && w->twin_of[a] == a)
			checker_moves_of_client(c, &w->calls, a);
	if (w->calls.count == MOVES_MAX - 1)
		checker_misfit(c, "too much can happen");
}

static void see_credit(const struct checker_worker *w, struct moves *m)
{
	const struct checker_search *s = w->search;
	for (uint32_t a = 0; a < s->nodes; a++) {
		m->credit[a] = w->base.id[a] != s->stopped;
		for (uint32_t b = 0; b < s->nodes && !w->c->model->capacity; b++)
			m->credit[a] &=
				count_of(s, w->base.id[channel_at(s, a, b)]) + STEP_CREDIT <= CHANNEL_CREDIT;
	}
}

/* ---- states ---- */

static void state_is_wrong(struct checker_worker *w, uint32_t index)
{
	struct checker_chunk *chunk = w->chunk;
	if (w->c->crash) {
		checker_meet(w->search, w->c->why);
	} else if (chunk->wrong_state == NO_STATE) {
		chunk->wrong_state = index;
		snprintf(chunk->why, sizeof chunk->why, "%s", w->c->why);
	}
}

/* Nothing goes on but timers: is it rest? Where timers run, a state that is not at rest may still get there. */
static bool is_rest(struct checker_worker *w, const struct moves *m, uint32_t index)
{
	const struct checker_search *s = w->search;
	struct checker *c = w->c;
	checker_load_vector(w, &w->base);
	for (uint32_t x = 0; x < s->nodes; x++)
		for (uint32_t y = 0; y < s->nodes; y++)
			c->shared->count[x][y] = (uint8_t)count_of(s, w->base.id[channel_at(s, x, y)]);
	checker_rest(c);
	memset(c->shared->count, 0, sizeof c->shared->count);
	if (!c->why[0])
		return true;
	if (!m->timers || strncmp(c->why, "deadlock", 8) != 0)
		state_is_wrong(w, index);
	return false;
}

/* The probe looks at all steps, so it finds twins that are none; where kernels stop, all that is met is counted. */
static void find_twins(struct checker_worker *w)
{
	if (w->base_signed && !w->c->crash && !w->search->commutes) {
		checker_symmetry_find_twins(w);
		return;
	}
	for (uint32_t a = 0; a < NODES; a++)
		w->twin_of[a] = (uint8_t)a, w->twins[a] = 1;
}

/* Lists what can happen in w->base and adds it. index: of the state in its chunk, or NO_STATE: it is not looked at. */
static void expand_base(struct checker_worker *w, struct moves *m, uint32_t index)
{
	struct checker *c = w->c;
	w->step_wrong = false;
	find_twins(w);
	see_credit(w, m);
	if (c->model->calls) {
		checker_load_vector(w, &w->base);
		memset(c->shared->count, 0, sizeof c->shared->count);
		list_calls(w, m);
	}
	for (uint32_t a = 0; a < c->nodes && !w->step_wrong; a++)
		if (m->credit[a] && w->twin_of[a] == a)
			expand_kernel(w, m, a);
	w->weight = 1;
	if (!w->step_wrong && (c->lossy || c->crash))
		expand_faults(w);
	if (!m->busy && !w->step_wrong && index != NO_STATE)
		w->chunk->quiet[index] = is_rest(w, m, index);
	expand_calls(w);
}

/* A relabelled state must have the same successors; else the model, or the protocol, tells apart what it says can be
 * exchanged. */
static void probe(struct checker_worker *w)
{
	struct moves m = {0};
	const uint64_t sum = w->sum, count = w->sum_count;
	const struct checker_vector base = w->base;
	w->probing = true;
	w->sleep = 0;
	w->sum = w->sum_count = 0;
	checker_symmetry_shake(w, &w->base);
	w->base_signed = false;
	expand_base(w, &m, NO_STATE);
	if (sum != w->sum || count != w->sum_count)
		atomic_store(&w->search->asymmetric, true);
	w->probing = false;
	w->base = base;
}

static bool is_probed(const struct checker_worker *w, uint32_t number)
{
	const uint64_t h = checker_mix(w->base.hash);
	return w->search->exchanges && !w->search->wrong &&
	       (!(h & 1023) || (number & ((1u << STATE_BITS) - 1)) < 100);
}

void checker_expand(struct checker_worker *w, struct checker_chunk *chunk, uint32_t number, uint32_t index,
		    uint64_t sleep)
{
	struct checker *c = w->c;
	struct moves m = {0};
	uint32_t length;
	const uint8_t *bytes = checker_store_bytes(&w->search->store, number, &length);
	w->chunk = chunk;
	checker_vector_decode(w->search, bytes, length, &w->base);
	c->why[0] = '\0';
	if (c->model->always && !c->model->shadow.machine) {
		checker_load_vector(w, &w->base);
		checker_see_world(c);
		if (c->why[0]) {
			state_is_wrong(w, index);
			chunk->unfit |= chunk->wrong_state == index;
		}
	}
	w->base_signed = false;
	if (w->search->exchanges)
		checker_symmetry_sign_base(w);
	w->sum = w->sum_count = 0;
	w->probing = w->search->wrong != 0; /* then steps are of no interest any more */
	const bool probed = is_probed(w, number);
	w->sleep = probed ? 0 : sleep;
	w->done = 0;
	expand_base(w, &m, index);
	if (w->step_wrong && chunk->wrong_step == NO_STATE)
		chunk->wrong_step = index;
	w->probing = false;
	if (w->search->options->audit && w->search->exchanges && !w->search->wrong) {
		uint32_t orbit;
		w->next = w->base;
		checker_symmetry_reduce(w, &w->next, &orbit);
		w->unreduced_transitions += orbit * w->sum_count;
	}
	if (probed && !w->step_wrong)
		probe(w);
}

int checker_expand_init(struct checker_search *s)
{
	struct checker_worker *w = &s->worker[0];
	struct checker *c = w->c;
	uint64_t salt = 1;
	for (uint32_t i = 0; i < POSITIONS_MAX; i++)
		s->salt[i] = salt = checker_mix(salt + i + 1);
	checker_clear(c);
	for (uint32_t a = 0; a < s->nodes; a++)
		s->idle[a] = checker_steps_clients(w, a);
	c->shared->crashed[0] = true;
	s->stopped = checker_steps_kernel(w, 0);
	c->shared->crashed[0] = false;
	return w->failed ? -1 : 0;
}
