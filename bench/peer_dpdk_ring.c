/* DPDK's ring, single producer and single consumer, elements of 64 bytes, written and read in place (the zero-copy
 * calls): one at a time for round trips, bursts of up to 32 for streams, which is how its users amortise its two
 * shared indices. A stream has a second way, rte_ring_enqueue_burst_elem() and its counterpart, which copy.
 *
 * Not shown: its rings for several producers (MP, RTS, HTS), memory from its huge pages (the ring lies at the same
 * places as all others), and pointers to packets, which is what it was made for. A burst of 32 appears at once, where
 * a ring that publishes every frame hands over the first 31 frames earlier: a stream does not show that. */
#include <rte_ring.h>
#include <rte_ring_elem.h>
#include <rte_ring_peek_zc.h>
#include <stdbool.h>
#include "bench/frame.h"
#include "bench/peer.h"

#define BURST 32

/* rte_ring_init() wants the elements right behind the ring, and of 1,024 slots uses 1,023. */
typedef struct {
	struct rte_ring ring __attribute__((aligned(128)));
	struct bench_frame slot[BENCH_PEER_SLOTS];
} dpdk_type;

static inline dpdk_type *dpdk_end(void *memory, unsigned link) { return (dpdk_type *)memory + link; }

static inline uint64_t differs(const struct bench_frame *frame, uint64_t number)
{
	return bench_differs(frame->word, number) | (frame->sequence ^ number);
}

static inline void fill(struct bench_frame *frame, uint64_t number)
{
	bench_fill(frame->word, number);
	frame->sequence = number;
}

static inline bool dpdk_put(dpdk_type *link, uint64_t number)
{
	struct rte_ring_zc_data data;

	if (rte_ring_enqueue_zc_burst_elem_start(&link->ring, sizeof(struct bench_frame), 1, &data, NULL) ==
	    0)
		return false;
	fill(data.ptr1, number);
	rte_ring_enqueue_zc_elem_finish(&link->ring, 1);
	return true;
}

static inline uint64_t dpdk_take(dpdk_type *link, uint64_t number)
{
	struct rte_ring_zc_data data;
	uint64_t bad;

	if (rte_ring_dequeue_zc_burst_elem_start(&link->ring, sizeof(struct bench_frame), 1, &data, NULL) ==
	    0)
		return BENCH_NOTHING;
	bad = differs(data.ptr1, number);
	rte_ring_dequeue_zc_elem_finish(&link->ring, 1);
	return bad;
}

static bool dpdk_place(void *memory, uint32_t slots)
{
	for (unsigned link = 0; link < 2; link++)
		if (rte_ring_init(&dpdk_end(memory, link)->ring, "bench", slots,
				  RING_F_SP_ENQ | RING_F_SC_DEQ) < 0)
			return false;
	return true;
}

BENCH_RTT_SIDES(dpdk)

static uint64_t burst_sink(void *memory, uint64_t first, uint64_t count)
{
	struct rte_ring *ring = &dpdk_end(memory, 1)->ring;
	uint64_t bad = 0;

	for (uint64_t number = first; number < first + count;) {
		struct rte_ring_zc_data data;
		unsigned got = rte_ring_dequeue_zc_burst_elem_start(ring, sizeof(struct bench_frame), BURST,
								    &data, NULL);
		unsigned one = got < data.n1 ? got : data.n1;

		if (got == 0) {
			sim_pause();
			continue;
		}
		for (unsigned i = 0; i < one; i++)
			bad |= differs((struct bench_frame *)data.ptr1 + i, number++);
		for (unsigned i = one; i < got; i++)
			bad |= differs((struct bench_frame *)data.ptr2 + i - one, number++);
		rte_ring_dequeue_zc_elem_finish(ring, got);
	}
	return bad;
}

static uint64_t burst_source(void *memory, uint64_t first, uint64_t count)
{
	struct rte_ring *ring = &dpdk_end(memory, 1)->ring;

	for (uint64_t number = first; number < first + count;) {
		unsigned left = (unsigned)(first + count - number), want = left < BURST ? left : BURST;
		struct rte_ring_zc_data data;
		unsigned got = rte_ring_enqueue_zc_burst_elem_start(ring, sizeof(struct bench_frame), want,
								    &data, NULL);
		unsigned one = got < data.n1 ? got : data.n1;

		if (got == 0) {
			sim_pause();
			continue;
		}
		for (unsigned i = 0; i < one; i++)
			fill((struct bench_frame *)data.ptr1 + i, number++);
		for (unsigned i = one; i < got; i++)
			fill((struct bench_frame *)data.ptr2 + i - one, number++);
		rte_ring_enqueue_zc_elem_finish(ring, got);
	}
	return 0;
}

static uint64_t copy_sink(void *memory, uint64_t first, uint64_t count)
{
	struct rte_ring *ring = &dpdk_end(memory, 1)->ring;
	struct bench_frame frame[BURST];
	uint64_t bad = 0;

	for (uint64_t number = first; number < first + count;) {
		unsigned got = rte_ring_dequeue_burst_elem(ring, frame, sizeof(*frame), BURST, NULL);

		if (got == 0)
			sim_pause();
		for (unsigned i = 0; i < got; i++)
			bad |= differs(&frame[i], number++);
	}
	return bad;
}

static uint64_t copy_source(void *memory, uint64_t first, uint64_t count)
{
	struct rte_ring *ring = &dpdk_end(memory, 1)->ring;
	struct bench_frame frame[BURST];

	for (uint64_t number = first; number < first + count; number += BURST) {
		unsigned put = 0;

		for (unsigned i = 0; i < BURST; i++)
			fill(&frame[i], number + i);
		while ((put += rte_ring_enqueue_burst_elem(ring, frame + put, sizeof(*frame), BURST - put,
							   NULL)) < BURST)
			sim_pause();
	}
	return 0;
}

#define DPDK(name_, operations_, side0, side1)                                                               \
	{                                                                                                    \
		.name = name_, .slots = BENCH_PEER_SLOTS, .operations = operations_,                         \
		.bytes = 2 * sizeof(dpdk_type), .place = dpdk_place, .side = {                               \
			side0,                                                                               \
			side1                                                                                \
		}                                                                                            \
	}

const struct bench_ways bench_dpdk_rtt = {
	1, {DPDK("way_zero_copy", BENCH_PEER_ROUND_TRIPS, dpdk_ping, dpdk_pong)}};
const struct bench_ways bench_dpdk_stream = {
	2,
	{DPDK("way_zero_copy", BENCH_PEER_FRAMES, burst_sink, burst_source),
	 DPDK("way_element", BENCH_PEER_FRAMES, copy_sink, copy_source)}};
