/* Our own: the ring (sim/ring.h) and the RPC line (sim/channel.h), beside what the machine allows (bench/row_lines.c).
 *
 *   ring/rtt          a request by one ring, a reply by another; ring/rtt_gap the same with 60 ns between empty polls
 *   ring/stream_N     frames one way through N slots, one published at a time
 *   ring/scan_64      a receiver with 64 senders of which one is active: each scan polls all and takes its one frame
 *   rpc_line/rtt      a request and its reply by a channel, which puts both in one line
 *
 * rpc_line/rtt pays for everything that a channel does (places, classes, credit, due time); its frame has 40 bytes of
 * content of the sender, and 16 that the channel writes and checks. Not shown: handlers, the outbox, what protocols
 * make of it. */
#include <stddef.h>
#include "bench/frame.h"
#include "bench/pair.h"
#include "sim/channel.h"
#include "sim/ring.h"

#define GAP_NS      60
#define ROUND_TRIPS 256
#define FRAMES      8192 /* in a sample, a multiple of every number of slots */
#define COLOUR      6 /* slots between two rings, so that they do not begin in the same sets of the caches */

struct rings {
	struct sim_ring ring[2];
	uint64_t gap_ticks;
	struct sim_frame slots[] __attribute__((aligned(SIM_RING_APART)));
};

#define RINGS_BYTES(slots) (sizeof(struct rings) + 2 * ((slots) + COLOUR) * sizeof(struct sim_frame))

static bool rings_place(void *memory, uint32_t slots)
{
	struct rings *rings = memory;

	for (unsigned i = 0; i < 2; i++)
		sim_ring_init(&rings->ring[i], rings->slots + (size_t)i * (slots + COLOUR), slots, 0);
	return true;
}

static bool rings_place_gap(void *memory, uint32_t slots)
{
	((struct rings *)memory)->gap_ticks = sim_ticks_open()->clock.hz * GAP_NS / 1000000000;
	return rings_place(memory, slots);
}

static inline bool put(struct sim_ring *ring, uint64_t number)
{
	struct sim_frame *frame = sim_ring_reserve(ring, 0);

	if (!frame)
		return false;
	bench_fill((uint64_t *)frame, number);
	sim_ring_publish(ring);
	return true;
}

static inline uint64_t take(struct sim_ring *ring, uint64_t number)
{
	const struct sim_frame *frame = sim_ring_peek(ring);
	uint64_t bad;

	if (!frame)
		return BENCH_NOTHING;
	bad = bench_differs((const uint64_t *)frame, number);
	sim_ring_release(ring);
	return bad;
}

/* ---- round trips and streams ---- */

typedef struct sim_ring ring_type;

static inline ring_type *ring_end(void *memory, unsigned link)
{
	return &((struct rings *)memory)->ring[link];
}

static inline bool ring_put(ring_type *ring, uint64_t number) { return put(ring, number); }

static inline uint64_t ring_take(ring_type *ring, uint64_t number) { return take(ring, number); }

BENCH_RTT_SIDES(ring)
BENCH_STREAM_SIDES(ring)

/* ---- a gap between empty polls ---- */

static inline uint64_t take_gap(struct rings *rings, unsigned link, uint64_t number)
{
	uint64_t got;

	while ((got = take(&rings->ring[link], number)) == BENCH_NOTHING)
		for (uint64_t start = sim_ticks(); sim_ticks() - start < rings->gap_ticks;)
			sim_pause();
	return got;
}

static uint64_t gap_ping(void *memory, uint64_t first, uint64_t count)
{
	uint64_t bad = 0;

	for (uint64_t number = first; number < first + count; number++) {
		while (!put(ring_end(memory, 0), number))
			sim_pause();
		bad |= take_gap(memory, 1, number + 1);
	}
	return bad;
}

static uint64_t gap_pong(void *memory, uint64_t first, uint64_t count)
{
	uint64_t bad = 0;

	for (uint64_t number = first; number < first + count; number++) {
		bad |= take_gap(memory, 0, number);
		while (!put(ring_end(memory, 1), number + 1))
			sim_pause();
	}
	return bad;
}

/* ---- a scan ---- */

#define SCAN_RINGS 64
#define SCAN_SLOTS 64
#define SCANS      512

struct scan {
	struct sim_ring ring[SCAN_RINGS];
	struct sim_frame slots[SCAN_RINGS][SCAN_SLOTS + COLOUR] __attribute__((aligned(SIM_RING_APART)));
};

static bool scan_place(void *memory, uint32_t slots)
{
	struct scan *scan = memory;

	for (unsigned i = 0; i < SCAN_RINGS; i++)
		sim_ring_init(&scan->ring[i], scan->slots[i], slots, 0);
	return true;
}

/* Another sender is active in each sample. */
static unsigned scan_active(uint64_t first, uint64_t count)
{
	return (unsigned)(7 + 13 * (first / count)) % SCAN_RINGS;
}

static uint64_t scan_sink(void *memory, uint64_t first, uint64_t count)
{
	struct scan *scan = memory;
	uint64_t bad = 0, got;

	for (uint64_t number = first; number < first + count;) {
		uint64_t found = 0;

		for (unsigned i = 0; i < SCAN_RINGS; i++) {
			got = take(&scan->ring[i], number);
			if (got == BENCH_NOTHING)
				continue;
			bad |= got;
			found++;
		}
		if (found == 0)
			sim_pause();
		bad |= found > 1;
		number += found;
	}
	return bad;
}

static uint64_t scan_source(void *memory, uint64_t first, uint64_t count)
{
	struct scan *scan = memory;
	struct sim_ring *ring = &scan->ring[scan_active(first, count)];

	for (uint64_t number = first; number < first + count; number++)
		while (!put(ring, number))
			sim_pause();
	return 0;
}

/* ---- the RPC line ---- */

#define CHANNEL_SLOTS 1024

struct channels {
	struct sim_channel *channel[2];
	char pair[] __attribute__((aligned(SIM_RING_APART)));
};

static const struct sim_channel_config config = {
	.slots = CHANNEL_SLOTS, .reserve = {0, 64, 64}, .line = true, .patience = 3};

static bool channels_place(void *memory, uint32_t slots)
{
	struct channels *channels = memory;

	(void)slots;
	sim_channel_pair_init(channels->pair, &config, &channels->channel[0], &channels->channel[1]);
	return true;
}

static inline bool channel_put(struct sim_channel *channel, enum sim_class klass, uint64_t number)
{
	struct sim_frame *frame = sim_channel_reserve(channel, klass);

	if (!frame)
		return false;
	frame->stamp = 0;
	bench_fill_five((uint64_t *)frame->payload, number);
	sim_channel_publish(channel);
	return true;
}

static inline uint64_t channel_differs(const struct sim_frame *frame, uint64_t number)
{
	return bench_five_differ((const uint64_t *)frame->payload, number) | frame->stamp;
}

/* Requests and replies that went by the rings would be a different row. */
static uint64_t went_by_ring(const struct sim_channel *channel)
{
	struct sim_channel_stats stats;

	sim_channel_stats(channel, &stats);
	return stats.ring_frames;
}

static uint64_t channel_ping(void *memory, uint64_t first, uint64_t count)
{
	struct channels *channels = memory;
	struct sim_channel *out = channels->channel[0], *back = channels->channel[1];
	uint64_t bad = 0;

	for (uint64_t number = first; number < first + count; number++) {
		const struct sim_frame *frame;

		while (!channel_put(out, SIM_CLASS_REQUEST, number))
			sim_pause();
		while (!(frame = sim_channel_receive(back, 0)))
			sim_pause();
		bad |= channel_differs(frame, number + 1);
		sim_channel_done(back);
	}
	return bad | went_by_ring(out);
}

static uint64_t channel_pong(void *memory, uint64_t first, uint64_t count)
{
	struct channels *channels = memory;
	struct sim_channel *in = channels->channel[0], *back = channels->channel[1];
	uint64_t bad = 0;

	for (uint64_t number = first; number < first + count; number++) {
		const struct sim_frame *frame;

		while (!(frame = sim_channel_receive(in, 0)))
			sim_pause();
		bad |= channel_differs(frame, number);
		while (!channel_put(back, SIM_CLASS_REPLY, number + 1))
			sim_pause();
		sim_channel_done(in);
	}
	return bad | went_by_ring(back);
}

/* ---- rows ---- */

#define RINGS(operations_, slots_, place_, side0, side1)                                                     \
	{                                                                                                    \
		1,                                                                                           \
		{                                                                                            \
			{                                                                                    \
				.slots = slots_, .operations = operations_, .bytes = RINGS_BYTES(slots_),    \
				.place = place_, .side = {                                                   \
					side0,                                                               \
					side1                                                                \
				}                                                                            \
			}                                                                                    \
		}                                                                                            \
	}

static const struct bench_ways rtt = RINGS(ROUND_TRIPS, 1024, rings_place, ring_ping, ring_pong);
static const struct bench_ways rtt_gap = RINGS(ROUND_TRIPS, 1024, rings_place_gap, gap_ping, gap_pong);
static const struct bench_ways stream_256 = RINGS(FRAMES, 256, rings_place, ring_sink, ring_source);
static const struct bench_ways stream_1024 = RINGS(FRAMES, 1024, rings_place, ring_sink, ring_source);
static const struct bench_ways stream_4096 = RINGS(FRAMES, 4096, rings_place, ring_sink, ring_source);
static const struct bench_ways scan_64 = {1,
					  {{.slots = SCAN_SLOTS,
					    .operations = SCANS,
					    .bytes = sizeof(struct scan),
					    .place = scan_place,
					    .side = {scan_sink, scan_source}}}};
static const struct bench_ways rpc_line = {
	1,
	{{.operations = ROUND_TRIPS,
	  .bytes = sizeof(struct channels) +
		   2 * (sizeof(struct sim_channel) + CHANNEL_SLOTS * sizeof(struct sim_frame)),
	  .place = channels_place,
	  .side = {channel_ping, channel_pong}}}};
_Static_assert(RINGS_BYTES(4096) <= BENCH_PLACE_BYTES && sizeof(struct scan) <= BENCH_PLACE_BYTES,
	       "they fit");

const struct bench_row bench_ring_rows[] = {
	{.name = "ring/rtt",
	 .against = {{"times_limit", "limit/two_line_rtt", .over = true, .goal_max = 1.08}},
	 BENCH_PAIR(rtt)},
	{.name = "ring/rtt_gap",
	 .against = {{"times_limit", "limit/two_line_rtt", .over = true}},
	 BENCH_PAIR(rtt_gap)},
	{.name = "ring/stream_256",
	 .against = {{"times_limit", "limit/stream_16k", .over = true}},
	 BENCH_PAIR(stream_256)},
	{.name = "ring/stream_1024",
	 .against = {{"times_limit", "limit/stream_64k", .over = true, .goal_max = 1.15}},
	 BENCH_PAIR(stream_1024)},
	{.name = "ring/stream_4096", BENCH_PAIR(stream_4096)},
	{.name = "ring/scan_64", BENCH_PAIR(scan_64)},
	{.name = "rpc_line/rtt",
	 .against = {{"times_limit", "limit/line_rtt", .over = true, .goal_max = 1.15},
		     BENCH_VS("vs_ring", "ring/rtt")},
	 BENCH_PAIR(rpc_line)},
	{.name = NULL},
};
