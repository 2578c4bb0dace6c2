/* What the operating system offers between two threads: a pipe, and a shared word with a futex.
 *
 * pipe: a write of 64 bytes a frame, a blocking read of 64. A pipe holds 64 KiB, which is 1,024 frames. Streams could
 * write many frames at once (up to 4,096 bytes in one piece); then the sender decides how long a frame waits.
 * futex: frames in 1,024 shared slots, and a count of frames that is also the word slept on. As in every semaphore, a
 * sender enters the kernel only if somebody sleeps, and a receiver sleeps at once when nothing is there.
 *
 * Not shown: the same on one CPU, where a switch is all it takes (wait/park_one_cpu has that for our own), and that
 * these leave the CPU to others while they wait, which no polling row does. */
#include <linux/futex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench/frame.h"
#include "bench/peer.h"

#define SLEEPING_ROUND_TRIPS 4
#define SLEEPING_FRAMES      2048

/* ---- pipe ---- */

typedef struct {
	int read, write;
} pipe_type;

static inline pipe_type *pipe_end(void *memory, unsigned link) { return (pipe_type *)memory + link; }

static inline bool pipe_put(pipe_type *link, uint64_t number)
{
	struct bench_frame frame;

	bench_fill(frame.word, number);
	frame.sequence = number;
	return write(link->write, &frame, sizeof(frame)) == sizeof(frame);
}

static inline uint64_t pipe_take(pipe_type *link, uint64_t number)
{
	struct bench_frame frame;

	if (read(link->read, &frame, sizeof(frame)) != sizeof(frame))
		return BENCH_NOTHING;
	return bench_differs(frame.word, number) | (frame.sequence ^ number);
}

static void pipe_leave(void *memory)
{
	for (unsigned link = 0; link < 2; link++) {
		close(pipe_end(memory, link)->read);
		close(pipe_end(memory, link)->write);
	}
}

static bool pipe_place(void *memory, uint32_t slots)
{
	(void)slots;
	for (unsigned link = 0; link < 2; link++) {
		int ends[2];

		if (pipe(ends) < 0)
			return false;
		*pipe_end(memory, link) = (pipe_type){ends[0], ends[1]};
	}
	return true;
}

BENCH_RTT_SIDES(pipe)
BENCH_STREAM_SIDES(pipe)

/* ---- futex ---- */

typedef struct {
	/* Frames ever published, modulo 2^32, and read; each side sleeps on the other's. */
	_Atomic uint32_t published __attribute__((aligned(128)));
	_Atomic uint32_t receiver_sleeps;
	_Atomic uint32_t read __attribute__((aligned(128)));
	_Atomic uint32_t sender_sleeps;
	struct bench_frame slot[BENCH_PEER_SLOTS] __attribute__((aligned(128)));
} futex_type;

static inline futex_type *futex_end(void *memory, unsigned link) { return (futex_type *)memory + link; }

/* Sleeps unless `word` is no longer `seen`. */
static void futex_sleep(_Atomic uint32_t *word, _Atomic uint32_t *sleeps, uint32_t seen)
{
	/* (A) pairs with (B): either we see the new count, or its writer sees that we sleep. */
	atomic_store(sleeps, 1);
	if (atomic_load(word) == seen)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
	atomic_store_explicit(sleeps, 0, memory_order_relaxed);
}

static inline void futex_tell(_Atomic uint32_t *word, _Atomic uint32_t *sleeps, uint32_t count)
{
	/* (B) */
	atomic_store(word, count);
	if (atomic_load(sleeps))
		syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static inline bool futex_put(futex_type *link, uint64_t number)
{
	uint32_t at = atomic_load_explicit(&link->published, memory_order_relaxed), read;
	struct bench_frame *frame = &link->slot[at % BENCH_PEER_SLOTS];

	while (at - (read = atomic_load_explicit(&link->read, memory_order_acquire)) == BENCH_PEER_SLOTS)
		futex_sleep(&link->read, &link->sender_sleeps, read);
	bench_fill(frame->word, number);
	frame->sequence = number;
	futex_tell(&link->published, &link->receiver_sleeps, at + 1);
	return true;
}

static inline uint64_t futex_take(futex_type *link, uint64_t number)
{
	uint32_t at = atomic_load_explicit(&link->read, memory_order_relaxed);
	const struct bench_frame *frame = &link->slot[at % BENCH_PEER_SLOTS];
	uint64_t bad;

	while (atomic_load_explicit(&link->published, memory_order_acquire) == at)
		futex_sleep(&link->published, &link->receiver_sleeps, at);
	bad = bench_differs(frame->word, number) | (frame->sequence ^ number);
	futex_tell(&link->read, &link->sender_sleeps, at + 1);
	return bad;
}

static bool futex_place(void *memory, uint32_t slots)
{
	(void)memory, (void)slots;
	return true;
}

BENCH_RTT_SIDES(futex)
BENCH_STREAM_SIDES(futex)

#define KERNEL(NAME, operations_, side0, side1, leave_)                                                      \
	{                                                                                                    \
		1,                                                                                           \
		{                                                                                            \
			{                                                                                    \
				.slots = BENCH_PEER_SLOTS, .operations = operations_, .sleeps = true,        \
				.bytes = 2 * sizeof(NAME##_type), .place = NAME##_place,                     \
				.side = {side0, side1}, .leave = leave_                                      \
			}                                                                                    \
		}                                                                                            \
	}

const struct bench_ways bench_pipe_rtt = KERNEL(pipe, SLEEPING_ROUND_TRIPS, pipe_ping, pipe_pong, pipe_leave);
const struct bench_ways bench_pipe_stream = KERNEL(pipe, SLEEPING_FRAMES, pipe_sink, pipe_source, pipe_leave);
const struct bench_ways bench_futex_rtt = KERNEL(futex, SLEEPING_ROUND_TRIPS, futex_ping, futex_pong, NULL);
const struct bench_ways bench_futex_stream = KERNEL(futex, SLEEPING_FRAMES, futex_sink, futex_source, NULL);
