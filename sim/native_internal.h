/* sim/native_internal.h - what the parts of the native engine share.
 *
 *   native.c        a thread's loop: what arrives, what is due, what waits for credit, sleeping; the end of a run
 *   native_make.c   making an engine, routes between processes, statistics
 *
 * Private to sim/native*.c and sim/engine.c. Layer: sim. */
#ifndef SKERRY_SIM_NATIVE_INTERNAL_H
#define SKERRY_SIM_NATIVE_INTERNAL_H
#include <pthread.h>
#include <stdatomic.h>
#include "sim/doorbell.h"
#include "sim/engine_internal.h"
#include "sim/native.h"
#include "sim/qsbr.h"
#include "sim/ticks.h"

#define NATIVE_COLOURS      16
#define NATIVE_COLOUR_BYTES 256

/* Frames that wait for credit, in order. */
struct native_outbox {
	struct sim_frame *frame;
	uint32_t head, tail, room; /* room: a power of two, or 0 */
};

struct native_timer {
	uint32_t process, next;
	unsigned char payload[SIM_PAYLOAD_BYTES];
};

/* What a thread polls: an immutable snapshot. */
struct native_input {
	struct sim_channel *channel;
	uint32_t from, to;
};
struct native_inputs {
	struct sim_qsbr_head head;
	uint32_t count;
	struct native_input input[];
};

struct native_thread {
	struct sim_doorbell bell;
	/* what others read */
	sim_atomic_u32 idle __attribute__((aligned(128)));
	sim_atomic_u64 said_posted, said_handled;
	_Atomic(struct native_inputs *) inputs; /* (I): published by native_route() */
	/* its own */
	struct sim_native *native __attribute__((aligned(128)));
	pthread_t pthread;
	uint32_t number, first, last; /* its processes: first <= p < last */
	struct engine_keys due;       /* events to oneself, earliest first */
	struct native_timer *timer;
	uint32_t timer_used, timer_room, timer_free;
	uint64_t timer_sequence;
	uint64_t posted, handled, frames, waited, outbox_frames, outbox_most;
	uint64_t sleeps, yields, empty_polls, switches;
	bool unpinned;
	uint8_t doing; /* enum sim_native_doing, as `watch` was told last */
};

struct native_process {
	struct sim_native *native;
	struct native_thread *thread;
	uint32_t id;
	uint32_t pending_to;
	struct sim_channel *pending;      /* a frame of it is being filled */
	sim_atomic_u32 *routed;           /* [processes]: 1 once out[] is there */
	struct sim_channel **out;         /* [processes] */
	struct native_outbox *outbox;     /* [processes] */
	uint32_t *waiting, waiting_count; /* with frames in their outbox */
} __attribute__((aligned(128)));

struct sim_native {
	struct sim_native_config config;
	const struct sim_engine_config *engine_config;
	struct sim_engine *engine;
	uint32_t processes;
	struct native_process *process;
	struct native_thread *thread;
	uint64_t origin;
	uint64_t looks; /* for the end: each takes a CPU for a moment */
	bool started, joined;
	enum sim_engine_end end; /* once joined */
	_Atomic bool stop_flag;
	pthread_barrier_t ready, go;
	/* routes are made by any thread, one at a time */
	pthread_mutex_t routing;
	struct sim_channel_config channel;
	void **pair; /* memory of channels */
	uint32_t pairs, pairs_room, unbound;
	size_t pair_bytes;
};

int native_new(struct sim_native **out, struct sim_engine *engine, const struct sim_engine_config *config);
void native_free(struct sim_native *native); /* takes NULL */
void *native_post(struct sim_native *native, uint32_t src, uint32_t dst, uint64_t time, unsigned klass);
void native_flush(struct sim_native *native, uint32_t src);
enum sim_engine_end native_run(struct sim_native *native, sim_ps until);
void native_stop(struct sim_native *native);
void native_halt(struct sim_native *native);
uint64_t native_now(const struct sim_native *native); /* ps since the run began */
uint64_t native_events(const struct sim_native *native);
/* Makes the channels between two processes, once. Returns the one from src to dst. */
struct sim_channel *native_route(struct sim_native *native, uint32_t src, uint32_t dst);

#endif
