// Boost.Lockfree's spsc_queue, 1,024 frames by value: push() and consume_one() for round trips; for streams push() of
// 32 frames at a time and consume_all(), which reads in place.
//
// Not shown: a capacity of run time, and allocators. As with DPDK, 32 frames appear at once.
#include <boost/lockfree/spsc_queue.hpp>
#include <new>
#include "bench/frame.h"
#include "bench/peer.h"

namespace
{

constexpr unsigned burst = 32;

// boost.lockfree pads its indices, but not what stands before the queue.
struct alignas(128) boost_type {
	boost::lockfree::spsc_queue<bench_frame, boost::lockfree::capacity<BENCH_PEER_SLOTS>> queue;
};

inline boost_type *boost_end(void *memory, unsigned link) { return static_cast<boost_type *>(memory) + link; }

inline uint64_t differs(const bench_frame &frame, uint64_t number)
{
	return bench_differs(frame.word, number) | (frame.sequence ^ number);
}

inline bool boost_put(boost_type *link, uint64_t number)
{
	bench_frame frame;

	bench_fill(frame.word, number);
	frame.sequence = number;
	return link->queue.push(frame);
}

inline uint64_t boost_take(boost_type *link, uint64_t number)
{
	uint64_t bad = BENCH_NOTHING;

	link->queue.consume_one([&](const bench_frame &frame) { bad = differs(frame, number); });
	return bad;
}

bool boost_place(void *memory, uint32_t)
{
	new (boost_end(memory, 0)) boost_type;
	new (boost_end(memory, 1)) boost_type;
	return true;
}

void boost_leave(void *memory)
{
	boost_end(memory, 0)->~boost_type();
	boost_end(memory, 1)->~boost_type();
}

BENCH_RTT_SIDES(boost)

uint64_t boost_sink(void *memory, uint64_t first, uint64_t count)
{
	boost_type *in = boost_end(memory, 1);
	uint64_t number = first, bad = 0;

	while (number < first + count)
		if (in->queue.consume_all(
			    [&](const bench_frame &frame) { bad |= differs(frame, number++); }) == 0)
			sim_pause();
	return bad;
}

uint64_t boost_source(void *memory, uint64_t first, uint64_t count)
{
	boost_type *out = boost_end(memory, 1);
	bench_frame frame[burst];

	for (uint64_t number = first; number < first + count; number += burst) {
		for (unsigned i = 0; i < burst; i++) {
			bench_fill(frame[i].word, number + i);
			frame[i].sequence = number + i;
		}
		for (unsigned put = 0; (put += out->queue.push(frame + put, burst - put)) < burst;)
			sim_pause();
	}
	return 0;
}

static_assert(2 * sizeof(boost_type) <= BENCH_PLACE_BYTES, "both links fit a place");
static_assert(BENCH_PEER_FRAMES % burst == 0, "a stream ends with a whole burst");

} // namespace

const bench_ways bench_boost_rtt = {1,
				    {{nullptr,
				      BENCH_PEER_SLOTS,
				      BENCH_PEER_ROUND_TRIPS,
				      false,
				      false,
				      2 * sizeof(boost_type),
				      boost_place,
				      {boost_ping, boost_pong},
				      boost_leave,
				      0}}};
const bench_ways bench_boost_stream = {1,
				       {{nullptr,
					 BENCH_PEER_SLOTS,
					 BENCH_PEER_FRAMES,
					 false,
					 false,
					 2 * sizeof(boost_type),
					 boost_place,
					 {boost_sink, boost_source},
					 boost_leave,
					 0}}};
