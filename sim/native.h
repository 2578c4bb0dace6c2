/* sim/native.h - the native engine: the same nodes in real time, on pinned threads, over channels.
 *
 * An engine of kind SIM_ENGINE_NATIVE (sim/engine.h) runs each process on one thread, several a thread if there are
 * more processes than threads (in blocks: process p is on thread p * threads / processes). What the interface says
 * stays true but for time: times are *ticks* (sim/ticks.h) since the run began, an event's time is when it was taken
 * from its channel (to oneself: when it was due), and there is no digest.
 *
 *   to another process   sim_engine_send() writes the frame into its channel (sim/channel.h: made on first use, both
 *                        directions on the node of who is sent to first); without credit, and behind what waits already, into the outbox of
 *                        that pair, which the thread empties as credit comes back
 *   to oneself           a heap of due times of the thread
 *
 * Deadlock. A thread always takes what arrives, whatever its outboxes hold, so a full ring never stands in the way of
 * the frame that would empty it. What bounds the outboxes is that nobody begins: while more than
 * SIM_NATIVE_OUTBOX_LIMIT frames of a thread wait, its events to oneself (a client's next call, a timer) are not run,
 * and the operations that are under way are as many as the pools of the protocols have slots.
 *
 * Waiting. With a CPU for each thread an empty poll pauses, and about once a millisecond yields to a neighbour; when CPUs are shared (affinity, quota, more threads than
 * CPUs) a thread polls 100 times, yields 10 times, then sleeps until its doorbell rings or its next event is due.
 *
 * Reclamation. A thread polls a snapshot of its channels; who makes a channel publishes a new snapshot and retires the
 * old one through QSBR (sim/qsbr.h). A thread is quiescent between events and offline while it sleeps.
 *
 * End. The thread that called sim_engine_run() looks now and then: if twice in a row all threads are idle and as many
 * events were handled as were posted, nothing is left (Mattern's four counters).
 *
 * Thread rule: as sim/engine.h says; handlers of one process run on one thread. Layer: sim.
 * Sources: Mattern, Algorithms for distributed termination detection (1987); liburcu (QSBR). */
#ifndef SKERRY_SIM_NATIVE_H
#define SKERRY_SIM_NATIVE_H
#include "sim/channel.h"
#include "sim/engine.h"
#include "sim/host.h"

#define SIM_NATIVE_PROCESSES_MAX 1024
#define SIM_NATIVE_OUTBOX_LIMIT  256 /* frames of a thread that wait for credit */

/* What a thread does from now on, for who accounts for its time. */
enum sim_native_doing {
	SIM_NATIVE_BEGINS, /* told once, before the first event: from now on it works */
	SIM_NATIVE_WORKS,  /* found something */
	SIM_NATIVE_IDLES,  /* found nothing */
	SIM_NATIVE_ENDS,
};

struct sim_native_config {
	uint32_t threads;                      /* 1 .. processes */
	const struct sim_host *host;           /* borrowed; NULL: threads run where the system puts them */
	const struct sim_placement *placement; /* borrowed; of at least `threads` threads */
	bool shares;                           /* CPUs are shared: yield and sleep instead of spinning */
	uint64_t latency; /* ticks for which a frame stays invisible to its receiver: added latency */
	uint32_t slots;   /* of a ring, a power of two >= 8; 0: 1,024 for up to 8 processes, else 256 */
	bool no_lines;    /* rings alone */
	/* Optional: called on each thread where it will run, before the run begins. */
	void (*prepare)(void *context, uint32_t thread);
	void *prepare_context;
	/* Optional: told on the thread when it turns from one to the other. */
	void (*watch)(void *context, uint32_t thread, enum sim_native_doing doing);
	void *watch_context;
};

struct sim_native_stats {
	uint64_t frames;        /* to other processes */
	uint64_t line_requests; /* of them: on an RPC line */
	uint64_t line_replies;  /* in place of a request */
	uint64_t waited;        /* that found no credit and went through an outbox */
	uint64_t outbox_most;   /* frames of one thread that waited at the same time */
	uint64_t channels;      /* pairs that talked */
	uint64_t sleeps, yields, empty_polls;
	uint64_t
		switches; /* involuntary context switches of the threads, beyond those that watching for the end can have
			    * caused: one a look */
	uint32_t unpinned; /* threads that could not be pinned */
	uint32_t unbound;  /* channels whose memory could not be bound to the receiver's node */
};

/* For engines of kind SIM_ENGINE_NATIVE, between runs or after them. */
void sim_native_stats(const struct sim_engine *engine, struct sim_native_stats *out);
/* When the run began, in absolute ticks; the pointer is valid as long as the engine, the value once it runs. */
const uint64_t *sim_native_origin(const struct sim_engine *engine);

/* By which way the frame that was just sent from src to dst goes, and the frame from src that dst's handler has came.
 * SIM_NATIVE_NOT: not native. For probes; on the thread of src and of dst. */
enum sim_native_way {
	SIM_NATIVE_NOT,
	SIM_NATIVE_RING,
	SIM_NATIVE_LINE,
	SIM_NATIVE_REPLY_LINE,
	SIM_NATIVE_OUTBOX
};
enum sim_native_way sim_native_way_sent(const struct sim_engine *engine, uint32_t src, uint32_t dst);
enum sim_native_way sim_native_way_taken(const struct sim_engine *engine, uint32_t src, uint32_t dst);

/* The thread of a process. */
static inline uint32_t sim_native_thread(uint32_t process, uint32_t processes, uint32_t threads)
{
	return (uint32_t)((uint64_t)process * threads / processes);
}

#endif
