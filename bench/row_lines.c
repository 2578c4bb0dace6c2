/* What two CPUs allow: cache lines that bounce, and cache lines that stream, with nothing around them.
 *
 *   limit/line_rtt       one line: the request is written in it, the reply in its place
 *   limit/two_line_rtt   a line a direction, which is what any pair of rings does
 *   limit/stream_64k     frames one way through 1,024 lines, limit/stream_16k through 256; the fastest of the ways below
 *
 * A limit carries what a frame carries, 56 bytes and a sequence, all compared. It has no classes, no credit in
 * advance, no bounds that differ between rows: everything is a constant. It is the limit of frames that are handed
 * over by ordinary loads and stores; it does not show what a device, a vector store or a hint that this machine does
 * not have could do. */
#include <stdatomic.h>
#include <stddef.h>
#include "bench/frame.h"
#include "bench/pair.h"

struct line {
	uint64_t word[7];
	_Atomic uint64_t sequence;
} __attribute__((aligned(64)));

#define APART 2 /* lines from one to the other, because neighbours are fetched in pairs */

static bool place_nothing(void *memory, uint32_t slots)
{
	(void)memory, (void)slots;
	return true;
}

static inline void post(struct line *line, uint64_t content, uint64_t sequence)
{
	bench_fill(line->word, content);
	/* (A) pairs with (B): the content is there before its sequence. */
	atomic_store_explicit(&line->sequence, sequence, memory_order_release);
}

/* What differs in the line, once it has the sequence. */
static inline uint64_t await(struct line *line, uint64_t content, uint64_t sequence)
{
	/* (B) */
	while (atomic_load_explicit(&line->sequence, memory_order_acquire) != sequence)
		sim_pause();
	return bench_differs(line->word, content);
}

/* ---- round trips ---- */

static inline uint64_t ping(struct line *out, struct line *back, uint64_t first, uint64_t count)
{
	uint64_t bad = 0;

	for (uint64_t number = first; number < first + count; number++) {
		post(out, number, 2 * number + 1);
		bad |= await(back, number + 1, 2 * number + 2);
	}
	return bad;
}

static inline uint64_t pong(struct line *in, struct line *back, uint64_t first, uint64_t count)
{
	uint64_t bad = 0;

	for (uint64_t number = first; number < first + count; number++) {
		bad |= await(in, number, 2 * number + 1);
		post(back, number + 1, 2 * number + 2);
	}
	return bad;
}

static uint64_t line_ping(void *memory, uint64_t first, uint64_t count)
{
	return ping(memory, memory, first, count);
}

static uint64_t line_pong(void *memory, uint64_t first, uint64_t count)
{
	return pong(memory, memory, first, count);
}

/* A sample uses two lines of its own, as a ring comes to other lines all the time. */
static struct line *sample_lines(void *memory, uint64_t first, uint64_t count)
{
	return (struct line *)memory + 2 * APART * (first / count);
}

static uint64_t lines_ping(void *memory, uint64_t first, uint64_t count)
{
	struct line *line = sample_lines(memory, first, count);

	return ping(line, line + APART, first, count);
}

static uint64_t lines_pong(void *memory, uint64_t first, uint64_t count)
{
	struct line *line = sample_lines(memory, first, count);

	return pong(line, line + APART, first, count);
}

#define ROUND_TRIPS 256

static const struct bench_ways line_rtt = {1,
					   {{.operations = ROUND_TRIPS,
					     .bytes = sizeof(struct line),
					     .place = place_nothing,
					     .side = {line_ping, line_pong}}}};
static const struct bench_ways two_line_rtt = {
	1,
	{{.operations = ROUND_TRIPS,
	  .bytes = 2 * APART * (BENCH_SAMPLES + 1) * sizeof(struct line),
	  .place = place_nothing,
	  .side = {lines_ping, lines_pong}}}};

/* ---- streams ---- */

#define FRAMES 8192 /* a sample; a multiple of every number of slots */

struct stream {
	_Atomic uint64_t read; /* frames that the receiver has read */
	char apart0[120];
	_Atomic uint64_t written; /* frames, in the ways that tell once a block */
	char apart1[120];
	struct line line[];
};

/* What a way is made of. Constants where it is used: each way is compiled apart. */
struct flow {
	uint32_t slots;
	uint32_t credit;      /* the receiver tells every so many frames how far it is */
	uint32_t write_ahead; /* the sender prefetches so many lines ahead, for writing; 0: it does not */
	uint32_t read_ahead;  /* the receiver, for reading */
	uint32_t block;       /* the sender tells every so many frames; 0: each line tells by its sequence */
	/* After it found nothing, the receiver does not prefetch for so many frames: it has caught up with the sender,
	 * and would take lines from it that it is about to write, at 50 ns each. */
	uint32_t quiet;
	/* Instead of that: every so many frames the receiver looks at the line that is that many and read_ahead further,
	 * and prefetches up to the next look only if it was written. */
	uint32_t look;
};

static inline __attribute__((always_inline)) uint64_t source(struct stream *stream, uint64_t first,
							     uint64_t count, const struct flow flow)
{
	for (uint64_t number = first; number < first + count; number++) {
		struct line *line = &stream->line[number % flow.slots];

		/* (D) pairs with (C): the line was read before it is written again. */
		if (number % flow.credit == 0)
			while (number + flow.credit >
			       atomic_load_explicit(&stream->read, memory_order_acquire) + flow.slots)
				sim_pause();
		if (flow.write_ahead)
			bench_prefetch_write(&stream->line[(number + flow.write_ahead) % flow.slots]);
		post(line, number, number + 1);
		/* (E) pairs with (F): the block is there before it is told. */
		if (flow.block && (number + 1) % flow.block == 0)
			atomic_store_explicit(&stream->written, number + 1, memory_order_release);
	}
	return 0;
}

static inline __attribute__((always_inline)) uint64_t sink(struct stream *stream, uint64_t first,
							   uint64_t count, const struct flow flow)
{
	uint64_t bad = 0, prefetch_from = 0;
	bool prefetch = true;

	for (uint64_t number = first; number < first + count; number++) {
		struct line *line = &stream->line[number % flow.slots];

		/* (F) */
		if (flow.block && number % flow.block == 0)
			while (atomic_load_explicit(&stream->written, memory_order_acquire) <= number)
				sim_pause();
		if (flow.quiet && atomic_load_explicit(&line->sequence, memory_order_relaxed) != number + 1)
			prefetch_from = number + flow.quiet;
		if (flow.look && number % flow.look == 0) {
			uint64_t far = number + flow.read_ahead + flow.look - 1;

			prefetch = atomic_load_explicit(&stream->line[far % flow.slots].sequence,
							memory_order_relaxed) == far + 1;
		}
		if (flow.read_ahead && number >= prefetch_from && prefetch)
			__builtin_prefetch(&stream->line[(number + flow.read_ahead) % flow.slots]);
		bad |= await(line, number, number + 1);
		/* (C) */
		if ((number + 1) % flow.credit == 0)
			atomic_store_explicit(&stream->read, number + 1, memory_order_release);
	}
	return bad;
}

#define FLOW(name, ...)                                                                                      \
	static uint64_t name##_sink(void *memory, uint64_t first, uint64_t count)                            \
	{                                                                                                    \
		return sink(memory, first, count, (struct flow){__VA_ARGS__});                               \
	}                                                                                                    \
	static uint64_t name##_source(void *memory, uint64_t first, uint64_t count)                          \
	{                                                                                                    \
		return source(memory, first, count, (struct flow){__VA_ARGS__});                             \
	}
#define WAY(name_, slots)                                                                                    \
	{                                                                                                    \
		.name = "way_" #name_, .operations = FRAMES,                                                 \
		.bytes = sizeof(struct stream) + (slots) * sizeof(struct line), .place = place_nothing,      \
		.side = {                                                                                    \
			name_##_sink,                                                                        \
			name_##_source                                                                       \
		}                                                                                            \
	}

/* clang-format off */
/*   name       slots  credit  write ahead  read ahead  block  quiet  look */
FLOW(plain_64,   1024,    256,           0,          0,     0,     0,    0)
FLOW(ten_64,     1024,    256,          16,         10,     0,     0,    0)
FLOW(quiet_64,   1024,    128,          16,         16,     0,    32,    0)
FLOW(look_64,    1024,    256,          16,         16,     0,     0,   32)
FLOW(eighth_64,  1024,    128,          16,         16,     0,     0,   32)
FLOW(look24_64,  1024,    128,          24,         24,     0,     0,   32)
FLOW(block_64,   1024,    256,          16,         16,    64,     0,    0)
FLOW(block2_64,  1024,    256,          16,         16,   128,     0,    0)
FLOW(plain_16,    256,     64,           0,          0,     0,     0,    0)
FLOW(ten_16,      256,     64,          16,         10,     0,     0,    0)
FLOW(quiet_16,    256,     32,          16,         16,     0,    32,    0)
FLOW(look_16,     256,     64,          16,         16,     0,     0,   32)
FLOW(eighth_16,   256,     32,          16,         16,     0,     0,   32)
FLOW(look24_16,   256,     32,          24,         24,     0,     0,   32)
FLOW(block_16,    256,     64,          16,         16,    32,     0,    0)
FLOW(block2_16,   256,     64,          16,         16,    64,     0,    0)

static const struct bench_ways stream_64k = {8, {
	WAY(plain_64, 1024), WAY(ten_64, 1024), WAY(quiet_64, 1024), WAY(look_64, 1024),
	WAY(eighth_64, 1024), WAY(look24_64, 1024), WAY(block_64, 1024), WAY(block2_64, 1024)}};
static const struct bench_ways stream_16k = {8, {
	WAY(plain_16, 256), WAY(ten_16, 256), WAY(quiet_16, 256), WAY(look_16, 256),
	WAY(eighth_16, 256), WAY(look24_16, 256), WAY(block_16, 256), WAY(block2_16, 256)}};
/* clang-format on */

const struct bench_row bench_lines_rows[] = {
	{.name = "limit/line_rtt", BENCH_PAIR(line_rtt)},
	{.name = "limit/two_line_rtt", BENCH_PAIR(two_line_rtt)},
	{.name = "limit/stream_64k", BENCH_PAIR(stream_64k)},
	{.name = "limit/stream_16k", BENCH_PAIR(stream_16k)},
	{.name = NULL},
};
