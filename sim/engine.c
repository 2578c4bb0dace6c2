/* The window engine, and what both engines share.
 *
 * Idea. Between processes nothing arrives sooner than the lookahead, so all events of one window (as wide
 * as the lookahead) are known when it begins, and processes cannot disturb each other inside it. Hence no
 * global order is needed: the window's events are filed by process, and each process runs its few in order.
 * Knowing who comes next is what lets the caches be filled ahead, which a heap cannot do.
 *
 * The calendar is a ring of 1,024 buckets, one a window, for the windows that share all but the low ten bits
 * with `base`, and nine coarser wheels of 64 for the rest: a window is filed in the wheel of the highest
 * digit in which it differs from base. So everything in the ring is earlier than everything in wheel 0, and
 * that is earlier than wheel 1. When the ring is empty, base jumps to the earliest window of the first
 * bucket of the lowest wheel that is not empty, and that bucket alone is filed anew: an event moves at most
 * once a wheel, however far ahead it was posted, and no empty window is ever visited.
 *
 * Events that a process posts to itself inside the running window go to a heap that is empty again when the
 * process has run, so one heap serves all.
 *
 * Reading order: window_file, window_next, window_link, process_run, window_run. */
#include <errno.h>
#include <stdlib.h>
#include "sim/engine_internal.h"
#include "sim/native_internal.h"

#define RUN_AHEAD      8  /* processes: their events and states are fetched while processes run */
#define INSERTION_MAX  16 /* lists up to this are sorted by insertion */
#define POOL_BYTES_MIN ((size_t)1 << 26)
#define POOL_BYTES     ((size_t)1 << 30) /* 16 million events, */
#define POOL_BYTES_PER ((size_t)1 << 14) /* and 256 for each process; at most what 32 bits can name */
#define POOL_BYTES_MAX ((size_t)1 << 38)
#define HUGE_BYTES     ((size_t)2 << 20)
#define CHUNK_BYTES    (ENGINE_CHUNK_SLOTS * sizeof(struct sim_event))

/* The compilers' builtin becomes a read prefetch on baseline x86-64, which costs a second trip. */
static inline void prefetch_for_write(const void *at)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)at));
#else
	__builtin_prefetch(at, 1, 3);
#endif
}

/* The pool. */

uint32_t engine_chunk_take(struct sim_engine *engine)
{
	uint32_t chunk = engine->chunk_free;

	if (chunk) {
		engine->chunk_free = engine_chunk(engine, chunk)->link;
		prefetch_for_write(engine_chunk(engine, engine->chunk_free)); /* for the next one */
	} else {
		chunk = engine->chunks_used++;
		SIM_CHECK(chunk < engine->chunks_max); /* more events ahead than the pool was reserved for */
	}
	engine_chunk(engine, chunk)->link = 0;
	return chunk;
}

uint32_t engine_slot_take(struct sim_engine *engine)
{
	uint32_t slot;

	if (!engine->slot_free) {
		uint32_t first = engine_chunk_take(engine) << ENGINE_CHUNK_BITS;

		for (uint32_t i = ENGINE_CHUNK_SLOTS - 1; i > 0; i--)
			engine_slot_return(engine, first + i);
	}
	slot = engine->slot_free;
	engine->slot_free = engine_slot(engine, slot)->link;
	return slot;
}

void engine_keys_reserve(struct engine_keys *keys, uint32_t room)
{
	uint32_t twice = keys->room < UINT32_MAX / 2 ? keys->room * 2 : UINT32_MAX;

	if (room <= keys->room)
		return;
	if (room < twice)
		room = twice;
	if (room < 64)
		room = 64;
	keys->key = realloc(keys->key, room * sizeof(*keys->key));
	SIM_CHECK(keys->key != NULL);
	keys->room = room;
}

/* The digest. */

void engine_window_begin(struct sim_engine *engine, uint64_t window)
{
	engine->window = window;
	engine->open = window + 1;
	engine->window_hash = 0;
	engine->active_count = 0;
}

void engine_window_add(struct sim_engine *engine, uint32_t process, uint64_t leaf)
{
	const uint64_t node[2] = {process, leaf};

	if (engine->config.digest)
		engine->window_hash += XXH3_64bits(node, sizeof(node));
}

void engine_window_end(struct sim_engine *engine)
{
	const uint64_t node[2] = {engine->window, engine->window_hash};

	engine->windows++;
	if (!engine->config.digest)
		return;
	engine->root = XXH3_64bits_withSeed(node, sizeof(node), engine->root);
	if (engine->config.window_tap)
		engine->config.window_tap(engine->config.window_tap_context, engine->window,
					  engine->window_hash);
}

/* The calendar. */

static __attribute__((noinline)) void bucket_grow(struct sim_engine *engine, struct engine_bucket *bucket)
{
	uint32_t chunk = engine_chunk_take(engine);

	if (bucket->first)
		engine_chunk(engine, (bucket->next >> ENGINE_CHUNK_BITS) - 1)->link = chunk;
	else
		bucket->first = chunk;
	bucket->next = (chunk << ENGINE_CHUNK_BITS) + 1;
}

static inline struct sim_event *bucket_add(struct sim_engine *engine, struct engine_bucket *bucket)
{
	struct sim_event *event;

	if (bucket->next % ENGINE_CHUNK_SLOTS == 0)
		bucket_grow(engine, bucket);
	event = engine_slot(engine, bucket->next++);
	prefetch_for_write(event + 1); /* the bucket's next event, on a line long cold by then */
	return event;
}

static __attribute__((noinline)) struct engine_bucket *wheel_bucket(struct engine_calendar *calendar,
								    uint64_t window)
{
	unsigned top = 63 - (unsigned)__builtin_clzll(window ^ calendar->base);
	unsigned wheel = (top - ENGINE_RING_BITS) / ENGINE_WHEEL_BITS;
	unsigned at = window >> (ENGINE_RING_BITS + wheel * ENGINE_WHEEL_BITS) & (ENGINE_WHEEL - 1);
	bool used = calendar->wheel_used[wheel] >> at & 1;

	if (!used || window < calendar->wheel_first[wheel][at])
		calendar->wheel_first[wheel][at] = window;
	calendar->wheel_used[wheel] |= UINT64_C(1) << at;
	return &calendar->wheel[wheel][at];
}

/* A slot for an event of `window`, which is not before base. */
static inline struct sim_event *window_file(struct sim_engine *engine, uint64_t window)
{
	struct engine_calendar *calendar = engine->calendar;
	unsigned at = window & (ENGINE_RING - 1);

	if ((window ^ calendar->base) >= ENGINE_RING)
		return bucket_add(engine, wheel_bucket(calendar, window));
	calendar->ring_used[at / 64] |= UINT64_C(1) << at % 64;
	return bucket_add(engine, &calendar->ring[at]);
}

/* The lowest wheel with an event, or ENGINE_WHEELS. */
static unsigned wheel_lowest(const struct engine_calendar *calendar)
{
	unsigned wheel = 0;

	while (wheel < ENGINE_WHEELS && !calendar->wheel_used[wheel])
		wheel++;
	return wheel;
}

/* Finds the earliest window with an event; changes nothing. */
static bool window_next(const struct engine_calendar *calendar, uint64_t *window)
{
	unsigned wheel;

	for (unsigned word = calendar->base % ENGINE_RING / 64; word < ENGINE_RING / 64; word++) {
		if (!calendar->ring_used[word])
			continue;
		*window = (calendar->base & ~(uint64_t)(ENGINE_RING - 1)) + word * 64 +
			  (unsigned)__builtin_ctzll(calendar->ring_used[word]);
		return true;
	}
	wheel = wheel_lowest(calendar);
	if (wheel == ENGINE_WHEELS)
		return false;
	*window = calendar->wheel_first[wheel][__builtin_ctzll(calendar->wheel_used[wheel])];
	return true;
}

static void chunks_return(struct sim_engine *engine, struct engine_bucket bucket)
{
	uint32_t last = (bucket.next - 1) >> ENGINE_CHUNK_BITS;

	engine_chunk(engine, last)->link = engine->chunk_free;
	engine->chunk_free = bucket.first;
}

/* The slots of `chunk` that hold events are 1 to this, exclusively. */
static inline uint32_t chunk_end(struct engine_bucket bucket, uint32_t chunk)
{
	uint32_t last = (bucket.next - 1) >> ENGINE_CHUNK_BITS;

	return chunk == last ? (bucket.next - 1) % ENGINE_CHUNK_SLOTS + 1 : ENGINE_CHUNK_SLOTS;
}

/* Files the events of the first bucket of the lowest wheel anew, against the new base. */
static void wheel_refile(struct sim_engine *engine)
{
	struct engine_calendar *calendar = engine->calendar;
	unsigned wheel = wheel_lowest(calendar), at = (unsigned)__builtin_ctzll(calendar->wheel_used[wheel]);
	struct engine_bucket bucket = calendar->wheel[wheel][at];

	calendar->wheel[wheel][at] = (struct engine_bucket){0};
	calendar->wheel_used[wheel] &= calendar->wheel_used[wheel] - 1;
	calendar->base = calendar->wheel_first[wheel][at];
	for (uint32_t chunk = bucket.first, next; chunk; chunk = next) {
		const struct sim_event *event = engine_chunk(engine, chunk);

		next = event->link;
		for (uint32_t i = 1; i < chunk_end(bucket, chunk); i++)
			*window_file(engine, engine_window_of(engine, event[i].time)) = event[i];
		/* At once, so that the ring grows into what the wheel leaves. */
		engine_chunk(engine, chunk)->link = engine->chunk_free;
		engine->chunk_free = chunk;
	}
}

/* Takes the bucket of `window`, which window_next() found, out of the calendar. */
static struct engine_bucket window_take(struct sim_engine *engine, uint64_t window)
{
	struct engine_calendar *calendar = engine->calendar;
	unsigned at = window & (ENGINE_RING - 1);
	struct engine_bucket bucket;

	if ((window ^ calendar->base) >= ENGINE_RING)
		wheel_refile(engine);
	calendar->base = window;
	bucket = calendar->ring[at];
	calendar->ring[at] = (struct engine_bucket){0};
	calendar->ring_used[at / 64] &= ~(UINT64_C(1) << at % 64);
	return bucket;
}

/* One window. */

static inline void link_one(struct sim_engine *engine, uint32_t slot)
{
	struct sim_event *event = engine_slot(engine, slot);
	struct engine_process *process = &engine->process[event->dst];

	/* Without a branch on whether the process is new: half are. */
	engine->active[engine->active_count] = event->dst;
	engine->active_count += !process->head;
	event->link = process->head;
	process->head = slot;
}

/* Links the events of a window into the lists of their processes, latest first. */
static void window_link(struct sim_engine *engine, struct engine_bucket bucket)
{
	for (uint32_t chunk = bucket.first, next; chunk; chunk = next) {
		const struct sim_event *ahead;
		uint32_t first = chunk << ENGINE_CHUNK_BITS, end = chunk_end(bucket, chunk);

		next = engine_chunk(engine, chunk)->link;
		ahead = engine_chunk(engine, next ? next : chunk);
		for (uint32_t i = 1; i < end; i++) {
			prefetch_for_write(&engine->process[ahead[i].dst]);
			link_one(engine, first + i);
		}
	}
}

static void sort_insertion(struct engine_key *key, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		struct engine_key moved = key[i];
		uint32_t at = i;

		for (; at > 0 && engine_key_before(&moved, &key[at - 1]); at--)
			key[at] = key[at - 1];
		key[at] = moved;
	}
}

/* Merges the sorted halves [0, middle) and [middle, count); `scratch` holds `middle` keys. */
static void merge_halves(struct engine_key *key, uint32_t middle, uint32_t count, struct engine_key *scratch)
{
	uint32_t left = 0, right = middle, out = 0;

	if (!engine_key_before(&key[middle], &key[middle - 1]))
		return;
	memcpy(scratch, key, middle * sizeof(*key));
	while (left < middle && right < count)
		key[out++] = engine_key_before(&key[right], &scratch[left]) ? key[right++] : scratch[left++];
	memcpy(key + out, scratch + left, (middle - left) * sizeof(*key));
}

static void sort_keys(struct engine_key *key, uint32_t count, struct engine_keys *scratch)
{
	if (count > INSERTION_MAX)
		engine_keys_reserve(scratch, count);
	for (uint32_t at = 0; at < count; at += INSERTION_MAX)
		sort_insertion(key + at, count - at < INSERTION_MAX ? count - at : INSERTION_MAX);
	for (uint64_t half = INSERTION_MAX; half < count; half *= 2)
		for (uint64_t at = 0; at + half < count; at += 2 * half) {
			uint64_t both = count - at < 2 * half ? count - at : 2 * half;

			merge_halves(key + at, (uint32_t)half, (uint32_t)both, scratch->key);
		}
}

/* Fills engine->sorted with the list that begins at `slot`. */
static void process_sort(struct sim_engine *engine, uint32_t slot)
{
	struct engine_keys *sorted = &engine->sorted;

	sorted->count = 0;
	for (; slot; slot = engine_slot(engine, slot)->link) {
		if (sorted->count == sorted->room)
			engine_keys_reserve(sorted, sorted->count + 1);
		sorted->key[sorted->count++] = engine_key_of(engine_slot(engine, slot), slot);
	}
	/* The list is latest first and events were mostly posted in order: turned round it is nearly sorted. */
	for (uint32_t i = 0, j = sorted->count - 1; i < j; i++, j--) {
		struct engine_key swap = sorted->key[i];

		sorted->key[i] = sorted->key[j];
		sorted->key[j] = swap;
	}
	sort_keys(sorted->key, sorted->count, &engine->scratch);
}

/* Runs the first of the events that the process posted to itself inside this window. */
static uint64_t own_run(struct sim_engine *engine, uint64_t leaf)
{
	uint32_t slot = engine_heap_pop(&engine->heap).slot;

	leaf = engine_handle(engine, engine_slot(engine, slot), leaf);
	engine_slot_return(engine, slot);
	return leaf;
}

static __attribute__((noinline)) uint64_t process_run_many(struct sim_engine *engine, uint32_t slot)
{
	const struct engine_keys *own = &engine->heap;
	uint64_t leaf = 0;
	uint32_t count, at = 0;

	process_sort(engine, slot);
	count = engine->sorted.count;
	while (at < count) {
		const struct engine_key *next = &engine->sorted.key[at];

		if (own->count && engine_key_before(&own->key[0], next)) {
			leaf = own_run(engine, leaf);
		} else {
			leaf = engine_handle(engine, engine_slot(engine, next->slot), leaf);
			at++;
		}
	}
	return leaf;
}

/* Runs what one process has to do in this window; most often that is one event. */
static inline void process_run(struct sim_engine *engine, uint32_t process)
{
	uint32_t slot = engine->process[process].head;
	const struct sim_event *event = engine_slot(engine, slot);
	uint64_t leaf;

	engine->current = process;
	engine->process[process].head = 0;
	if (event->link)
		leaf = process_run_many(engine, slot);
	else
		leaf = engine_handle(engine, event, 0);
	while (engine->heap.count)
		leaf = own_run(engine, leaf);
	if (engine->now > engine->latest)
		engine->latest = engine->now;
	engine_window_add(engine, process, leaf);
}

static inline void process_fetch(const struct sim_engine *engine, uint32_t process)
{
	const struct sim_engine_config *config = &engine->config;

	__builtin_prefetch(engine_slot(engine, engine->process[process].head), 0, 3);
	if (config->state)
		prefetch_for_write((const char *)config->state + process * config->state_stride);
}

static void window_run(struct sim_engine *engine, uint64_t window)
{
	struct engine_bucket bucket = window_take(engine, window);
	uint32_t count;

	engine_window_begin(engine, window);
	window_link(engine, bucket);
	count = engine->active_count;
	for (uint32_t i = 0; i < count; i++) {
		if (i + 2 * RUN_AHEAD < count)
			prefetch_for_write(&engine->process[engine->active[i + 2 * RUN_AHEAD]]);
		if (i + RUN_AHEAD < count)
			process_fetch(engine, engine->active[i + RUN_AHEAD]);
		process_run(engine, engine->active[i]);
	}
	chunks_return(engine, bucket);
	engine_window_end(engine);
}

static enum sim_engine_end window_run_all(struct sim_engine *engine, sim_ps until)
{
	uint64_t window;

	while (window_next(engine->calendar, &window)) {
		if (engine_past(engine, window, until))
			return SIM_ENGINE_UNTIL;
		window_run(engine, window);
		if (engine->stopping)
			return SIM_ENGINE_STOPPED;
	}
	return SIM_ENGINE_EMPTY;
}

/* The interface. */

static size_t tables_bytes(const struct sim_engine_config *config)
{
	size_t bytes =
		config->processes * (sizeof(struct engine_process) + sizeof(uint32_t)) + sizeof(uint32_t);

	if (config->kind == SIM_ENGINE_HEAP)
		return bytes + config->processes * sizeof(uint64_t) + 64;
	return bytes + sizeof(struct engine_calendar) + 64;
}

static int tables_take(struct sim_engine *engine)
{
	size_t processes = engine->config.processes;
	size_t bytes = tables_bytes(&engine->config);
	struct sim_arena *tables = &engine->tables;

	if (sim_arena_init(tables, bytes, bytes >= HUGE_BYTES) < 0)
		return -ENOMEM;
	if (engine->config.kind == SIM_ENGINE_HEAP)
		engine->leaf = sim_arena_take(tables, processes * sizeof(*engine->leaf), 64);
	else
		engine->calendar = sim_arena_take(tables, sizeof(*engine->calendar), 64);
	engine->process = sim_arena_take(tables, processes * sizeof(*engine->process), 8);
	/* One more, because link_one() writes before it knows whether the process is new. */
	engine->active = sim_arena_take(tables, (processes + 1) * sizeof(*engine->active), 4);
	SIM_CHECK(engine->active != NULL);
	return 0;
}

/* Address space only, so ask for more than any sound model uses; where it is limited, for what there is. */
static int pool_take(struct sim_engine *engine)
{
	size_t bytes = POOL_BYTES + engine->config.processes * POOL_BYTES_PER;

	if (bytes > POOL_BYTES_MAX)
		bytes = POOL_BYTES_MAX;
	while (sim_arena_init(&engine->slots, bytes, 1) < 0) {
		bytes /= 2;
		if (bytes < POOL_BYTES_MIN)
			return -ENOMEM;
	}
	engine->pool = (struct sim_event *)engine->slots.base;
	engine->chunks_max = (uint32_t)(bytes / CHUNK_BYTES);
	engine->chunks_used = 1;
	return 0;
}

int sim_engine_new(struct sim_engine **out, const struct sim_engine_config *config)
{
	struct sim_engine *engine;

	if (config->processes == 0 || config->lookahead_ps == 0)
		return -EINVAL;
	engine = calloc(1, sizeof(*engine));
	if (!engine)
		return -ENOMEM;
	engine->config = *config;
	engine->reciprocal = ~(unsigned __int128)0 / config->lookahead_ps;
	if (config->kind == SIM_ENGINE_NATIVE) {
		int error = native_new(&engine->native, engine, &engine->config);
		if (error)
			free(engine);
		else
			*out = engine;
		return error;
	}
	if (tables_take(engine) < 0 || pool_take(engine) < 0) {
		sim_engine_free(engine);
		return -ENOMEM;
	}
	*out = engine;
	return 0;
}

void sim_engine_free(struct sim_engine *engine)
{
	if (!engine)
		return;
	native_free(engine->native);
	free(engine->heap.key);
	free(engine->sorted.key);
	free(engine->scratch.key);
	sim_arena_fini(&engine->tables);
	sim_arena_fini(&engine->slots);
	free(engine);
}

void *sim_engine_post(struct sim_engine *engine, uint32_t src, uint32_t dst, sim_ps time)
{
	uint64_t window;
	struct sim_event *event;
	uint32_t slot = 0;

	if (__builtin_expect(engine->native != NULL, 0))
		return native_post(engine->native, src, dst, time, SIM_CLASS_REPLY);
	window = engine_window_of(engine, time);
	SIM_CHECK(src < engine->config.processes && dst < engine->config.processes);
	if (engine->running) {
		SIM_CHECK(src == engine->current);
		SIM_CHECK(time >= engine->now);
		SIM_CHECK(dst == src || time - engine->now >= engine->config.lookahead_ps);
	} else {
		SIM_CHECK(window >= engine->open);
	}
	if (engine->config.kind == SIM_ENGINE_WINDOW && window >= engine->open) {
		event = window_file(engine, window);
	} else {
		slot = engine_slot_take(engine);
		event = engine_slot(engine, slot);
	}
	*event = (struct sim_event){.time = time, .src = src, .seq = engine->process[src].seq++, .dst = dst};
	if (slot)
		engine_heap_push(&engine->heap, engine_key_of(event, slot));
	return event->payload;
}

void *sim_engine_send(struct sim_engine *engine, uint32_t src, uint32_t dst, sim_ps time, unsigned klass)
{
	if (engine->native)
		return native_post(engine->native, src, dst, time, klass);
	return sim_engine_post(engine, src, dst, time);
}

void sim_engine_flush(struct sim_engine *engine, uint32_t src)
{
	if (engine->native)
		native_flush(engine->native, src);
}

enum sim_engine_end sim_engine_run(struct sim_engine *engine, sim_ps until)
{
	enum sim_engine_end end;

	if (engine->native)
		return native_run(engine->native, until);
	SIM_CHECK(!engine->running);
	engine->running = true;
	engine->stopping = false;
	if (engine->config.kind == SIM_ENGINE_HEAP)
		end = engine_heap_run(engine, until);
	else
		end = window_run_all(engine, until);
	engine->running = false;
	engine->now = engine->latest;
	return end;
}

void sim_engine_halt(struct sim_engine *engine)
{
	if (engine->native)
		native_halt(engine->native);
}

void sim_engine_stop(struct sim_engine *engine)
{
	if (engine->native) {
		native_stop(engine->native);
		return;
	}
	SIM_CHECK(engine->running);
	engine->stopping = true;
}

sim_ps sim_engine_now(const struct sim_engine *engine)
{
	return engine->native ? native_now(engine->native) : engine->now;
}
uint64_t sim_engine_events(const struct sim_engine *engine)
{
	return engine->native ? native_events(engine->native) : engine->events;
}
uint64_t sim_engine_windows(const struct sim_engine *engine) { return engine->windows; }
uint64_t sim_engine_digest(const struct sim_engine *engine) { return engine->root; }

size_t sim_engine_bytes(const struct sim_engine *engine)
{
	size_t keys = (size_t)engine->heap.room + engine->sorted.room + engine->scratch.room;

	return sizeof(*engine) + engine->tables.used + engine->chunks_used * CHUNK_BYTES +
	       keys * sizeof(struct engine_key);
}
