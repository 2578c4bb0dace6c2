/* Concurrency Kit's ring, single producer and single consumer, frames by value (CK_RING_PROTOTYPE). A frame is written
 * in its slot (reserve and commit) and copied out, because the ring has no way to read in place.
 *
 * Not shown: its rings for several producers or consumers, and pointers instead of frames, which move 8 bytes a slot
 * and leave the frame's lines to whoever follows the pointer. */
#include <ck_ring.h>
#include <stdbool.h>
#include "bench/frame.h"
#include "bench/peer.h"

CK_RING_PROTOTYPE(frame, bench_frame)

typedef struct {
	ck_ring_t ring __attribute__((aligned(128)));
	struct bench_frame slot[BENCH_PEER_SLOTS] __attribute__((aligned(128)));
} ck_type;

static inline ck_type *ck_end(void *memory, unsigned link) { return (ck_type *)memory + link; }

static inline bool ck_put(ck_type *link, uint64_t number)
{
	struct bench_frame *frame = ck_ring_enqueue_reserve_spsc_frame(&link->ring, link->slot);

	if (!frame)
		return false;
	bench_fill(frame->word, number);
	frame->sequence = number;
	ck_ring_enqueue_commit_spsc(&link->ring);
	return true;
}

static inline uint64_t ck_take(ck_type *link, uint64_t number)
{
	struct bench_frame frame;

	if (!ck_ring_dequeue_spsc_frame(&link->ring, link->slot, &frame))
		return BENCH_NOTHING;
	return bench_differs(frame.word, number) | (frame.sequence ^ number);
}

static bool ck_place(void *memory, uint32_t slots)
{
	ck_ring_init(&ck_end(memory, 0)->ring, slots);
	ck_ring_init(&ck_end(memory, 1)->ring, slots);
	return true;
}

BENCH_RTT_SIDES(ck)
BENCH_STREAM_SIDES(ck)

const struct bench_ways bench_ck_rtt = {1,
					{{.slots = BENCH_PEER_SLOTS,
					  .operations = BENCH_PEER_ROUND_TRIPS,
					  .bytes = 2 * sizeof(ck_type),
					  .place = ck_place,
					  .side = {ck_ping, ck_pong}}}};
const struct bench_ways bench_ck_stream = {1,
					   {{.slots = BENCH_PEER_SLOTS,
					     .operations = BENCH_PEER_FRAMES,
					     .bytes = 2 * sizeof(ck_type),
					     .place = ck_place,
					     .side = {ck_sink, ck_source}}}};
