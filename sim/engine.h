/* sim/engine.h - discrete events in virtual time, over logical processes (clusters).
 *
 * A logical process handles its events one at a time, in the order (time, source, source sequence); a
 * process posts to itself at any later time and to another process not sooner than `lookahead_ps`
 * ahead. Two engines give the same order and so the same digest:
 *
 *   SIM_ENGINE_WINDOW  conservative windows as wide as the lookahead: a ring of buckets, coarser wheels
 *                      behind it that are refiled lazily, in-window events to oneself in a small heap;
 *   SIM_ENGINE_HEAP    one 4-ary heap over all events: slower, obviously right, the oracle.
 *
 * A third runs the same processes in real time, on threads: SIM_ENGINE_NATIVE, see sim/native.h.
 *
 * Digest: a tree over (window, process). A leaf is the XXH3 of what a process handled in one window
 * (time, source, sequence, payload of each event, chained); a window's hash is the wrapping sum of
 * XXH3(process, leaf) over the processes that were active, so the order in which processes run cannot
 * show; the root chains the windows that were not empty. The same for any engine, compiler and number of
 * threads.
 *
 * Thread rule: one thread owns an engine. Layer: sim. */
#ifndef SKERRY_SIM_ENGINE_H
#define SKERRY_SIM_ENGINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sim/time.h"

enum sim_engine_kind { SIM_ENGINE_WINDOW, SIM_ENGINE_HEAP, SIM_ENGINE_NATIVE };

#define SIM_PAYLOAD_BYTES 40

/* One event: a cache line, 64 bytes. `link` is the engine's own and is not part of the order. */
struct sim_event {
	sim_ps time;
	uint32_t src, seq, dst, link;
	unsigned char payload[SIM_PAYLOAD_BYTES];
};
_Static_assert(sizeof(struct sim_event) == 64, "an event is a cache line");

struct sim_engine;
struct sim_native_config;

/* Runs one event of process event->dst. May post; must not keep the pointer. */
typedef void sim_engine_handler(void *context, struct sim_engine *engine, const struct sim_event *event);

/* Sees each event just before its handler (recording, comparing). */
typedef void sim_engine_tap(void *context, uint64_t window, const struct sim_event *event);

/* Sees the hash of each window that was not empty, in order. */
typedef void sim_engine_window_tap(void *context, uint64_t window, uint64_t hash);

struct sim_engine_config {
	enum sim_engine_kind kind;
	uint32_t processes;
	sim_ps lookahead_ps; /* > 0; the smallest latency between two processes. It is the window's width. */
	bool digest;         /* false: sim_engine_digest() is 0 (benchmarks of the bare engine) */
	sim_engine_handler *handler; /* borrowed, as is its context */
	void *context;
	void *state; /* optional: base and stride of the processes' states, prefetched ahead */
	size_t state_stride;
	sim_engine_tap *tap; /* optional */
	void *tap_context;
	sim_engine_window_tap *window_tap; /* optional; only with digest */
	void *window_tap_context;
	const struct sim_native_config *native; /* SIM_ENGINE_NATIVE: see sim/native.h; borrowed */
};

/* On success *out is owned by the caller, who passes it to sim_engine_free(); on failure *out is
 * untouched. Returns 0, -EINVAL (no processes, no lookahead) or -ENOMEM. */
int sim_engine_new(struct sim_engine **out, const struct sim_engine_config *config);
void sim_engine_free(struct sim_engine *engine); /* takes NULL */

/* Posts an event; returns its payload, zeroed, to be filled before the next call into the engine. Sequence
 * numbers count from 0 for each source. Requires (SIM_CHECK) src, dst < processes; while running, that `src`
 * is the process whose handler runs and time is >= now + lookahead, or >= now if dst == src; between runs,
 * that the window of `time` has not run. Before the first run any time will do. */
void *sim_engine_post(struct sim_engine *engine, uint32_t src, uint32_t dst, sim_ps time);

/* The same to another process, with the class of its credit (enum sim_class, sim/channel.h), which only the native engine
 * needs; there `time` means nothing: a frame leaves at once. */
void *sim_engine_send(struct sim_engine *engine, uint32_t src, uint32_t dst, sim_ps time, unsigned klass);

/* What `src` has posted is complete: natively it goes on its way at once, not when `src` next calls the engine or its
 * handler ends. */
void sim_engine_flush(struct sim_engine *engine, uint32_t src);

enum sim_engine_end { SIM_ENGINE_EMPTY, SIM_ENGINE_UNTIL, SIM_ENGINE_STOPPED };

/* Runs until no event is left, or the next window begins at or after `until` (SIM_PS_NEVER: no
 * limit), or sim_engine_stop() was called. Call again to go on. */
enum sim_engine_end sim_engine_run(struct sim_engine *engine, sim_ps until);
void sim_engine_stop(struct sim_engine *engine); /* from a handler: ends the run after this window */
/* Ends a run that sim_engine_run() left with SIM_ENGINE_UNTIL: natively threads go on until then. */
void sim_engine_halt(struct sim_engine *engine);

sim_ps sim_engine_now(const struct sim_engine *engine); /* of the event that runs; between runs, the latest */
uint64_t sim_engine_events(const struct sim_engine *engine);  /* items dequeued */
uint64_t sim_engine_windows(const struct sim_engine *engine); /* windows that were not empty */
uint64_t sim_engine_digest(const struct sim_engine *engine);  /* root over all windows that ended */
size_t sim_engine_bytes(const struct sim_engine *engine);     /* memory held for processes and events */

#endif
