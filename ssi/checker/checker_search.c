/* ssi/checker/checker_search.c - breadth first, by several threads: see the order in checker_search.h.
 *
 * A step that is wrong is found one level earlier than a state that is wrong at the same depth. So after a wrong step
 * the rest of its level is still looked at for wrong states, which would be a shorter counter-example. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "ssi/checker/checker_search.h"

#define STATES_MAX (1000ull * 1000 * 1000)
#define INLINE_MAX 512 /* so few candidates are not worth waking others for */

enum phase { PHASE_EXPAND, PHASE_INSERT, PHASE_END };

double checker_seconds(const struct checker_search *s)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - s->start.tv_sec) + 1e-9 * (double)(now.tv_nsec - s->start.tv_nsec);
}

void checker_meet(struct checker_search *s, const char *text)
{
	struct checker_result *r = s->result;
	pthread_mutex_lock(&s->met_lock);
	uint32_t i = 0;
	while (i < r->mets && strncmp(r->met[i].text, text, sizeof r->met[i].text - 1) != 0)
		i++;
	if (i < CHECKER_MET_MAX) {
		snprintf(r->met[i].text, sizeof r->met[i].text, "%s", text);
		r->met[i].count++;
		r->mets += i == r->mets;
	}
	pthread_mutex_unlock(&s->met_lock);
}

static uint32_t *numbers(const struct checker_array *a) { return (uint32_t *)(void *)a->at; }
static uint64_t *sleeps(const struct checker_array *a) { return (uint64_t *)(void *)a->at; }
static uint32_t count_of(const struct checker_array *a) { return (uint32_t)(a->used / sizeof(uint32_t)); }

/* ---- expanding ---- */

static struct checker_candidate *candidates(const struct checker_chunk *chunk)
{
	return (struct checker_candidate *)(void *)chunk->candidate.at;
}

/* Candidates by shard, in their order. */
static void order_chunk(struct checker_worker *w, struct checker_chunk *chunk)
{
	uint32_t at[STORE_SHARDS + 1] = {0};
	const struct checker_candidate *all = candidates(chunk);
	chunk->order.used = 0;
	uint32_t *order = checker_array_push(&chunk->order, (chunk->candidates + 1) * sizeof *order);
	if (!order) {
		w->failed = true;
		return;
	}
	for (uint32_t i = 0; i < chunk->candidates; i++)
		at[checker_store_shard_of(all[i].hash) + 1]++;
	for (uint32_t i = 0; i < STORE_SHARDS; i++)
		at[i + 1] += at[i];
	memcpy(chunk->shard_at, at, sizeof at);
	for (uint32_t i = 0; i < chunk->candidates; i++)
		order[at[checker_store_shard_of(all[i].hash)]++] = i;
}

static void expand_chunk(struct checker_worker *w, uint32_t number)
{
	struct checker_search *s = w->search;
	struct checker_chunk *chunk = &s->chunk[number];
	const uint32_t from = number * CHUNK_STATES, left = s->batch_states - from;
	const uint32_t states = left < CHUNK_STATES ? left : CHUNK_STATES;
	const uint32_t *level = numbers(&s->level) + s->batch_at + from;
	const uint64_t *sleep = s->commutes ? sleeps(&s->sleep) + s->batch_at + from : NULL;
	chunk->candidate.used = chunk->bytes.used = 0;
	chunk->candidates = 0;
	chunk->wrong_step = chunk->wrong_state = NO_STATE;
	chunk->unfit = false;
	memset(chunk->quiet, 0, sizeof chunk->quiet);
	for (uint32_t i = 0; i < states; i++) {
		uint32_t length;
		if (i + 4 < states)
			__builtin_prefetch(checker_store_bytes(&s->store, level[i + 3], &length));
		chunk->state_at[i] = chunk->candidates;
		checker_expand(w, chunk, level[i], i, sleep ? sleep[i] : 0);
		struct checker_candidate *c = candidates(chunk);
		for (uint32_t k = chunk->state_at[i]; k < chunk->candidates; k++)
			c[k].parent = level[i];
		if (w->failed || w->c->misfit[0])
			break;
	}
	chunk->state_at[states] = chunk->candidates;
	order_chunk(w, chunk);
}

/* ---- inserting ---- */

static void insert_group(struct checker_worker *w, const struct checker_chunk *chunk, uint32_t shard)
{
	struct checker_search *s = w->search;
	struct checker_candidate *all = candidates(chunk);
	const uint32_t *order = numbers(&chunk->order);
	const uint32_t begin = chunk->shard_at[shard], end = chunk->shard_at[shard + 1];
	for (uint32_t i = begin; i < end; i++)
		checker_store_prefetch_record(&s->store, all[order[i]].hash);
	for (uint32_t i = begin; i < end; i++) {
		struct checker_candidate *c = &all[order[i]];
		const uint8_t *bytes = (const uint8_t *)chunk->bytes.at + c->at;
		const int rc =
			checker_store_insert(&s->store, c->hash, bytes, c->length, c->parent, &c->number);
		w->failed |= rc < 0;
		if (rc <= 0)
			continue;
		c->flags |= CANDIDATE_NEW;
		w->unreduced += c->orbit;
		w->fingerprint += checker_mix(c->hash);
	}
}

static void insert_shard(struct checker_worker *w, uint32_t shard, uint32_t chunks)
{
	struct checker_search *s = w->search;
	for (uint32_t k = 0; k < chunks; k++) {
		const struct checker_chunk *next = &s->chunk[k + 1 < chunks ? k + 1 : k];
		const struct checker_candidate *all = candidates(next);
		const uint32_t *order = numbers(&next->order);
		for (uint32_t i = next->shard_at[shard]; i < next->shard_at[shard + 1]; i++)
			checker_store_prefetch(&s->store, all[order[i]].hash);
		insert_group(w, &s->chunk[k], shard);
	}
}

/* ---- threads ---- */

static uint32_t chunks_of(const struct checker_search *s)
{
	return (s->batch_states + CHUNK_STATES - 1) / CHUNK_STATES;
}

static void work(struct checker_worker *w)
{
	struct checker_search *s = w->search;
	const uint32_t chunks = chunks_of(s);
	uint32_t i;
	if (s->phase == PHASE_EXPAND)
		while ((i = atomic_fetch_add_explicit(&s->turn, 1, memory_order_relaxed)) < chunks)
			expand_chunk(w, i);
	else
		while ((i = atomic_fetch_add_explicit(&s->turn, 1, memory_order_relaxed)) < STORE_SHARDS)
			insert_shard(w, i, chunks);
	if (w->failed)
		atomic_store_explicit(&s->failed, true, memory_order_relaxed);
}

static void *run_worker(void *context)
{
	struct checker_worker *w = context;
	for (;;) {
		pthread_barrier_wait(&w->search->barrier);
		if (w->search->phase == PHASE_END)
			return NULL;
		work(w);
		pthread_barrier_wait(&w->search->barrier);
	}
}

/* All do their share of a phase, or, where there is little to do, the caller does it alone. The barriers order what is
 * written before and after. */
static void run_phase(struct checker_search *s, enum phase phase, bool alone)
{
	s->phase = (int)phase;
	atomic_store_explicit(&s->turn, 0, memory_order_relaxed);
	alone = alone || s->workers == 1;
	if (!alone)
		pthread_barrier_wait(&s->barrier);
	if (phase != PHASE_END)
		work(&s->worker[0]);
	if (!alone && phase != PHASE_END)
		pthread_barrier_wait(&s->barrier);
}

/* ---- levels ---- */

/* For quiescence: where a state leads to without a new call, whose it is, how many they are. */
static int note_edges(struct checker_search *s, const struct checker_chunk *chunk, uint32_t index,
		      uint32_t state)
{
	const struct checker_candidate *all = candidates(chunk);
	const uint32_t begin = chunk->state_at[index], end = chunk->state_at[index + 1];
	uint32_t count = 0;
	uint32_t *to = checker_array_more(&s->edges, (end - begin + 2ull) * sizeof *to);
	if (!to)
		return -ENOMEM;
	for (uint32_t i = begin; i < end && !chunk->quiet[index]; i++)
		if (!(all[i].flags & CANDIDATE_CALL))
			to[count++] = all[i].number;
	to[count] = state;
	to[count + 1] = count << 1 | chunk->quiet[index];
	s->edges.used += (count + 2ull) * sizeof *to;
	return 0;
}

static int gather_sleep(struct checker_search *s, const struct checker_chunk *chunk)
{
	const struct checker_candidate *all = candidates(chunk);
	uint64_t *to = checker_array_more(&s->next_sleep, chunk->candidates * sizeof *to), count = 0;
	if (!to)
		return -ENOMEM;
	for (uint32_t i = 0; i < chunk->candidates; i++)
		if (all[i].flags & CANDIDATE_NEW)
			to[count++] = checker_commute_relabel(s, all[i].sleep, all[i].labels);
	s->next_sleep.used += count * sizeof *to;
	return 0;
}

static int gather_chunk(struct checker_search *s, uint32_t number)
{
	const struct checker_chunk *chunk = &s->chunk[number];
	const struct checker_candidate *all = candidates(chunk);
	uint32_t *to = checker_array_more(&s->next, chunk->candidates * sizeof *to), count = 0;
	if (!to)
		return -ENOMEM;
	for (uint32_t i = 0; i < chunk->candidates; i++)
		if (all[i].flags & CANDIDATE_NEW)
			to[count++] = all[i].number;
	s->next.used += count * sizeof *to;
	if (s->commutes && gather_sleep(s, chunk))
		return -ENOMEM;
	const uint32_t left = s->batch_states - number * CHUNK_STATES;
	const uint32_t *level = numbers(&s->level) + s->batch_at + number * CHUNK_STATES;
	for (uint32_t i = 0; i < (left < CHUNK_STATES ? left : CHUNK_STATES) && !s->options->no_quiescence;
	     i++)
		if (note_edges(s, chunk, i, level[i]))
			return -ENOMEM;
	return 0;
}

/* The first wrong state of the batch, or else the first wrong step. True: the search ends. */
static bool see_wrong(struct checker_search *s)
{
	for (uint32_t k = 0; k < chunks_of(s); k++) {
		const struct checker_chunk *chunk = &s->chunk[k];
		const uint32_t *level = numbers(&s->level) + s->batch_at + k * CHUNK_STATES;
		if (chunk->wrong_state != NO_STATE) {
			s->wrong = level[chunk->wrong_state];
			s->wrong_is_state = true;
			s->wrong_is_unfit = chunk->unfit;
			snprintf(s->result->why, sizeof s->result->why, "%s", chunk->why);
			return true;
		}
		if (chunk->wrong_step != NO_STATE && !s->wrong)
			s->wrong = level[chunk->wrong_step];
	}
	return false;
}

static bool has_failed(struct checker_search *s)
{
	bool failed = atomic_load_explicit(&s->failed, memory_order_relaxed);
	for (uint32_t i = 0; i < s->workers; i++)
		if (s->worker[i].c->misfit[0])
			failed = true;
	return failed || atomic_load_explicit(&s->asymmetric, memory_order_relaxed);
}

/* True: the search ends. */
static bool run_batch(struct checker_search *s)
{
	uint32_t all = 0;
	run_phase(s, PHASE_EXPAND, chunks_of(s) == 1);
	if (has_failed(s) || see_wrong(s))
		return true;
	for (uint32_t k = 0; k < chunks_of(s); k++)
		all += s->chunk[k].candidates;
	run_phase(s, PHASE_INSERT, all < INLINE_MAX);
	for (uint32_t k = 0; k < chunks_of(s) && !s->wrong; k++)
		if (gather_chunk(s, k))
			atomic_store_explicit(&s->failed, true, memory_order_relaxed);
	s->expanded += s->batch_states;
	return has_failed(s);
}

/* ---- limits ---- */

static bool bounded(struct checker_search *s, const char *bound)
{
	s->result->end = CHECKER_BOUNDED;
	snprintf(s->result->bound, sizeof s->result->bound, "%s", bound);
	return true;
}

uint64_t checker_search_size_bytes(const struct checker_search *s)
{
	uint64_t size = checker_store_size_bytes(&s->store) + s->parts.bytes +
			s->parts.table_size * sizeof *s->parts.table + s->level.used + s->next.used +
			s->sleep.used + s->next_sleep.used + s->edges.used;
	for (uint32_t i = 0; i < s->workers; i++)
		size += checker_worker_size_bytes(&s->worker[i]);
	for (uint32_t i = 0; i < CHUNKS; i++)
		size += s->chunk[i].candidate.room + s->chunk[i].bytes.room + s->chunk[i].order.room;
	return size;
}

static void show_progress(struct checker_search *s, uint64_t states, uint32_t done)
{
	const double now = checker_seconds(s);
	if (!s->options->progress || now - s->shown < 1)
		return;
	const struct checker_progress p = {
		.states = states,
		.expanded = s->expanded,
		.queue = count_of(&s->level) - done + count_of(&s->next),
		.depth = s->result->depth,
		.seconds = now,
		.states_a_second = (double)(states - s->shown_states) / (now - s->shown),
	};
	s->shown = now;
	s->shown_states = states;
	s->options->progress(s->options->context, &p);
}

/* Whether a limit ends the search; else how many states the next batch has. */
static bool is_over(struct checker_search *s)
{
	const struct checker_options *o = s->options;
	const uint64_t states = checker_store_states(&s->store),
		       most = o->states_max ? o->states_max : STATES_MAX;
	const uint32_t left = count_of(&s->level) - s->batch_at;
	if (states >= most)
		return bounded(s, "states");
	if (o->seconds_max > 0 && checker_seconds(s) > o->seconds_max)
		return bounded(s, "seconds");
	uint64_t tables = 0;
	for (uint32_t i = 0; i < STORE_SHARDS; i++)
		tables += s->store.shard[i].table_size * sizeof(uint64_t);
	if (checker_search_size_bytes(s) + tables > s->memory_max)
		return bounded(s, "memory");
	show_progress(s, states, s->batch_at);
	const uint64_t near = (most - states) / 16 + 1;
	s->batch_states = left < CHUNKS * CHUNK_STATES ? left : CHUNKS * CHUNK_STATES;
	if (s->batch_states > near)
		s->batch_states = (uint32_t)near;
	return false;
}

/* True: the search ends here. */
static bool run_level(struct checker_search *s)
{
	for (s->batch_at = 0; s->batch_at < count_of(&s->level); s->batch_at += s->batch_states)
		if (is_over(s) || run_batch(s))
			return true;
	return s->wrong != 0;
}

static void run_levels(struct checker_search *s)
{
	while (!run_level(s)) {
		const struct checker_array done = s->level;
		s->level = s->next;
		s->next = done;
		s->next.used = 0;
		const struct checker_array slept = s->sleep;
		s->sleep = s->next_sleep;
		s->next_sleep = slept;
		s->next_sleep.used = 0;
		if (!s->level.used)
			return;
		s->result->depth++;
	}
}

/* ---- the start ---- */

static int put_initial(struct checker_search *s)
{
	struct checker_worker *w = &s->worker[0];
	struct checker_vector v;
	uint8_t bytes[VECTOR_MAX];
	uint32_t orbit, number;
	checker_begin(w->c);
	if (w->c->why[0]) {
		snprintf(w->c->misfit, sizeof w->c->misfit, "the initial state is wrong: %.90s", w->c->why);
		return -EINVAL;
	}
	checker_vector_of_world(w, &v, &orbit);
	if (w->c->misfit[0])
		return -EINVAL;
	s->result->states_unreduced = orbit;
	const uint32_t length = checker_vector_encode(s, &v, bytes);
	if (checker_store_insert(&s->store, v.hash, bytes, length, 0, &number) < 0)
		return -ENOMEM;
	uint32_t *first = checker_array_push(&s->level, sizeof *first);
	uint64_t *sleep = checker_array_push(&s->sleep, sizeof *sleep);
	if (first && sleep)
		*first = number, *sleep = 0;
	return first && sleep ? 0 : -ENOMEM;
}

static int start_threads(struct checker_search *s)
{
	if (s->workers == 1)
		return 0;
	pthread_barrier_init(&s->barrier, NULL, s->workers);
	for (uint32_t i = 1; i < s->workers; i++)
		if (pthread_create(&s->worker[i].thread, NULL, run_worker, &s->worker[i])) {
			/* Those that run wait for the rest, who will not come: there is no way but to stop here. */
			fprintf(stderr, "skerry: a thread of the checker cannot be started\n");
			abort();
		}
	return 0;
}

static void end_threads(struct checker_search *s)
{
	if (s->workers == 1)
		return;
	run_phase(s, PHASE_END, false);
	for (uint32_t i = 1; i < s->workers; i++)
		pthread_join(s->worker[i].thread, NULL);
	pthread_barrier_destroy(&s->barrier);
}

void checker_search_shape(struct checker_search *s)
{
	s->c = s->worker[0].c;
	s->nodes = s->c->nodes;
	s->ghost_at = 2 * s->nodes;
	s->channel_at = s->ghost_at + 1;
	s->positions = s->channel_at + s->nodes * s->nodes;
	for (uint32_t i = 0; i < s->nodes * s->nodes; i++) {
		s->from_of[i] = (uint8_t)(i / s->nodes);
		s->to_of[i] = (uint8_t)(i % s->nodes);
		s->into[i % s->nodes] |= 1ull << i;
	}
}

int checker_search_run(struct checker_search *s)
{
	int rc = checker_expand_init(s) ? -ENOMEM : 0;
	if (!rc)
		checker_symmetry_init(s);
	checker_commute_init(s);
	rc = rc ? rc : put_initial(s);
	if (rc)
		return rc;
	start_threads(s);
	run_levels(s);
	end_threads(s);
	for (uint32_t i = 0; i < s->workers; i++) {
		s->result->transitions += s->worker[i].transitions;
		s->result->left_out += s->worker[i].left_out;
		s->result->states_unreduced += s->worker[i].unreduced;
		s->result->fingerprint += s->worker[i].fingerprint;
		s->result->transitions_unreduced += s->worker[i].unreduced_transitions;
		s->result->steps_seen += s->worker[i].steps_run;
		if (s->worker[i].c->misfit[0] && !s->c->misfit[0])
			memcpy(s->c->misfit, s->worker[i].c->misfit, sizeof s->c->misfit);
	}
	if (atomic_load(&s->asymmetric) && !s->c->misfit[0])
		snprintf(
			s->c->misfit, sizeof s->c->misfit,
			"the model or the protocol tells apart what may be exchanged by its model's symmetry "
			"(kernels from %u on, slots)",
			s->c->model->symmetric_from);
	if (s->c->misfit[0])
		return -EINVAL;
	if (atomic_load(&s->failed))
		bounded(s, "memory");
	return 0;
}
