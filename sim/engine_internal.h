/* sim/engine_internal.h - what the two engines share: the pool of events, the keys, the digest.
 *
 * Events live in one pool of 64-byte slots and are named by 32-bit indices; the pool is address space that
 * is reserved once, so a slot never moves. It is handed out in chunks of 32 slots: the first is a header
 * (its `link` is the next chunk), the other 31 are events. Index 0 and chunk 0 mean none.
 * Private to sim/engine*.c. Thread rule: one thread owns an engine. Layer: sim. */
#ifndef SKERRY_SIM_ENGINE_INTERNAL_H
#define SKERRY_SIM_ENGINE_INTERNAL_H
#include <string.h>
#include <xxhash.h>
#include "sim/arena.h"
#include "sim/check.h"
#include "sim/engine.h"

/* Digests hash structs as they lie in memory. */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digests are defined over little-endian bytes");

#define ENGINE_CHUNK_BITS  5
#define ENGINE_CHUNK_SLOTS (UINT32_C(1) << ENGINE_CHUNK_BITS)
#define ENGINE_RING_BITS   10
#define ENGINE_RING        (UINT32_C(1) << ENGINE_RING_BITS)
#define ENGINE_WHEEL_BITS  6
#define ENGINE_WHEEL       (UINT32_C(1) << ENGINE_WHEEL_BITS)
#define ENGINE_WHEELS      ((64 - ENGINE_RING_BITS) / ENGINE_WHEEL_BITS)
_Static_assert(ENGINE_RING_BITS + ENGINE_WHEELS * ENGINE_WHEEL_BITS == 64, "every window has a bucket");

/* Where an event stands in the total order (time, source, sequence), and where it lies. */
struct engine_key {
	sim_ps time;
	uint64_t source; /* src << 32 | seq */
	uint32_t slot;
};

/* A growing array of keys: a 4-ary heap, or a list to be sorted. */
struct engine_keys {
	struct engine_key *key;
	uint32_t count, room;
};

struct engine_process {
	uint32_t seq;  /* of the next event that it posts */
	uint32_t head; /* window engine: its events of this window, latest first */
};

/* A list of chunks. `next` is the slot for the next event; a multiple of the chunk's size when there is no
 * chunk or the last one is full. */
struct engine_bucket {
	uint32_t first, next;
};

/* The window engine's calendar; see engine.c. */
struct engine_calendar {
	uint64_t base;
	uint64_t ring_used[ENGINE_RING / 64];
	uint64_t wheel_used[ENGINE_WHEELS];
	struct engine_bucket ring[ENGINE_RING];
	struct engine_bucket wheel[ENGINE_WHEELS][ENGINE_WHEEL];
	uint64_t wheel_first[ENGINE_WHEELS][ENGINE_WHEEL]; /* earliest window in it */
};

struct sim_native;

struct sim_engine {
	struct sim_engine_config config;
	unsigned __int128 reciprocal; /* of the lookahead */
	struct engine_process *process;
	struct sim_event *pool;
	uint32_t chunks_used, chunks_max, chunk_free, slot_free;
	uint32_t current; /* the process that runs */
	bool running, stopping;
	sim_ps now, latest;
	uint64_t window; /* that runs, or ran last */
	uint64_t open;   /* the first window that has not run */
	uint64_t events, windows, window_hash, root;
	uint32_t *active; /* processes with events in this window */
	uint32_t active_count;
	struct engine_keys
		heap; /* heap engine: all events; window engine: of the running process to itself */
	struct engine_keys sorted;  /* window engine: the running process's events of this window */
	struct engine_keys scratch; /* for sorting them */
	uint64_t *leaf;             /* heap engine: digests of the processes that are active in this window */
	struct sim_arena tables, slots;
	struct engine_calendar *calendar;
	struct sim_native *native; /* SIM_ENGINE_NATIVE: it does it all */
};

static inline struct sim_event *engine_slot(const struct sim_engine *engine, uint32_t slot)
{
	return engine->pool + slot;
}

static inline struct sim_event *engine_chunk(const struct sim_engine *engine, uint32_t chunk)
{
	return engine->pool + ((size_t)chunk << ENGINE_CHUNK_BITS);
}

uint32_t engine_chunk_take(struct sim_engine *engine); /* its link is 0 */
uint32_t engine_slot_take(struct sim_engine *engine);
static inline void engine_slot_return(struct sim_engine *engine, uint32_t slot)
{
	engine_slot(engine, slot)->link = engine->slot_free;
	engine->slot_free = slot;
}

/* floor(time / lookahead) without a division: with m = floor((2^128 - 1) / d), floor(m * (n + 1) / 2^128)
 * is exact for all 64-bit n and d, because 2^128 - m * d is between 1 and d. */
static inline uint64_t engine_window_of(const struct sim_engine *engine, sim_ps time)
{
	uint64_t low = (uint64_t)engine->reciprocal, high = (uint64_t)(engine->reciprocal >> 64);
	unsigned __int128 carry = ((unsigned __int128)low * time + low) >> 64;

	return (uint64_t)(((unsigned __int128)high * time + high + carry) >> 64);
}

/* As one number of 128 bits: no branch on equal times. */
static inline bool engine_key_before(const struct engine_key *a, const struct engine_key *b)
{
	return ((unsigned __int128)a->time << 64 | a->source) <
	       ((unsigned __int128)b->time << 64 | b->source);
}

static inline struct engine_key engine_key_of(const struct sim_event *event, uint32_t slot)
{
	return (struct engine_key){event->time, (uint64_t)event->src << 32 | event->seq, slot};
}

void engine_keys_reserve(struct engine_keys *keys, uint32_t room);
void engine_heap_push(struct engine_keys *heap, struct engine_key key);
struct engine_key engine_heap_pop(struct engine_keys *heap); /* the first in order; not of an empty heap */

/* Runs one event: the clock, the tap, the digest of its process (chained into `leaf`), the handler. */
static inline uint64_t engine_handle(struct sim_engine *engine, const struct sim_event *event, uint64_t leaf)
{
	const struct sim_engine_config *config = &engine->config;

	engine->now = event->time;
	engine->events++;
	if (config->digest) {
		struct {
			sim_ps time;
			uint32_t src, seq;
			unsigned char payload[SIM_PAYLOAD_BYTES];
		} record = {.time = event->time, .src = event->src, .seq = event->seq};

		_Static_assert(sizeof(record) == 56, "no padding may reach a digest");
		memcpy(record.payload, event->payload, sizeof(record.payload));
		leaf = XXH3_64bits_withSeed(&record, sizeof(record), leaf);
	}
	if (config->tap)
		config->tap(config->tap_context, engine->window, event);
	config->handler(config->context, engine, event);
	return leaf;
}

void engine_window_begin(struct sim_engine *engine, uint64_t window);
void engine_window_add(struct sim_engine *engine, uint32_t process, uint64_t leaf);
void engine_window_end(struct sim_engine *engine);

/* True if `window` must not run yet. */
static inline bool engine_past(const struct sim_engine *engine, uint64_t window, sim_ps until)
{
	return until != SIM_PS_NEVER && window * engine->config.lookahead_ps >= until;
}

/* sim/engine_heap.c */
enum sim_engine_end engine_heap_run(struct sim_engine *engine, sim_ps until);

#endif
