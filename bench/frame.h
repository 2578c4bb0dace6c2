/* bench/frame.h - the frame of limits and peers, and the two loops that every row of two threads runs.
 *
 * A frame is one cache line: seven words of content that follow from the frame's number, and a sequence. All 56
 * bytes are written and compared for each frame, so that nobody wins by not touching what it carries.
 *
 * A link carries frames one way between two threads. BENCH_RTT_SIDES(NAME) and BENCH_STREAM_SIDES(NAME) make the four
 * functions of a row (bench/pair.h) of what a link gives, inlined:
 *   NAME_put(end, number)    one frame, false while there is no room
 *   NAME_take(end, number)   what differs in the next frame (0: nothing), or BENCH_NOTHING
 * with ends found by NAME_end(memory, link); link 0 leads from side 0 to side 1, link 1 back. C and C++. Layer: bench. */
#ifndef SKERRY_BENCH_FRAME_H
#define SKERRY_BENCH_FRAME_H
#include <stdint.h>
#include "sim/ticks.h"

#define BENCH_SALT    UINT64_C(0x9e3779b97f4a7c15)
#define BENCH_NOTHING UINT64_MAX /* no content differs so: numbers stay below 2^62 */

struct bench_frame {
	uint64_t word[7], sequence;
} __attribute__((aligned(64)));

/* Written out, because -O2 leaves a loop of seven as a loop, and then that is what a row measures. */
static inline __attribute__((always_inline)) void bench_fill(uint64_t *word, uint64_t number)
{
	word[0] = number;
	word[1] = number + 1 * (BENCH_SALT >> 8);
	word[2] = number + 2 * (BENCH_SALT >> 8);
	word[3] = number + 3 * (BENCH_SALT >> 8);
	word[4] = number + 4 * (BENCH_SALT >> 8);
	word[5] = number + 5 * (BENCH_SALT >> 8);
	word[6] = number + 6 * (BENCH_SALT >> 8);
}

/* The bits in which the content is not that of frame `number`. */
static inline __attribute__((always_inline)) uint64_t bench_differs(const uint64_t *word, uint64_t number)
{
	return ((word[0] ^ number) | (word[1] ^ (number + 1 * (BENCH_SALT >> 8))) |
		(word[2] ^ (number + 2 * (BENCH_SALT >> 8))) | (word[3] ^ (number + 3 * (BENCH_SALT >> 8))) |
		(word[4] ^ (number + 4 * (BENCH_SALT >> 8))) | (word[5] ^ (number + 5 * (BENCH_SALT >> 8))) |
		(word[6] ^ (number + 6 * (BENCH_SALT >> 8)))) &
	       (UINT64_MAX >> 1);
}

/* The same for a frame of which five words are content. */
static inline __attribute__((always_inline)) void bench_fill_five(uint64_t *word, uint64_t number)
{
	word[0] = number;
	word[1] = number + 1 * (BENCH_SALT >> 8);
	word[2] = number + 2 * (BENCH_SALT >> 8);
	word[3] = number + 3 * (BENCH_SALT >> 8);
	word[4] = number + 4 * (BENCH_SALT >> 8);
}

static inline __attribute__((always_inline)) uint64_t bench_five_differ(const uint64_t *word, uint64_t number)
{
	return (word[0] ^ number) | (word[1] ^ (number + 1 * (BENCH_SALT >> 8))) |
	       (word[2] ^ (number + 2 * (BENCH_SALT >> 8))) | (word[3] ^ (number + 3 * (BENCH_SALT >> 8))) |
	       (word[4] ^ (number + 4 * (BENCH_SALT >> 8)));
}

/* A prefetch for writing. The compilers' builtin is one for reading on baseline x86-64. */
static inline void bench_prefetch_write(const void *line)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

#define BENCH_RTT_SIDES(NAME)                                                                                \
	static uint64_t NAME##_ping(void *memory, uint64_t first, uint64_t count)                            \
	{                                                                                                    \
		NAME##_type *out = NAME##_end(memory, 0), *back = NAME##_end(memory, 1);                     \
		uint64_t bad = 0, got;                                                                       \
                                                                                                             \
		for (uint64_t number = first; number < first + count; number++) {                            \
			while (!NAME##_put(out, number))                                                     \
				sim_pause();                                                                 \
			while ((got = NAME##_take(back, ~number >> 2)) == BENCH_NOTHING)                     \
				sim_pause();                                                                 \
			bad |= got;                                                                          \
		}                                                                                            \
		return bad;                                                                                  \
	}                                                                                                    \
	static uint64_t NAME##_pong(void *memory, uint64_t first, uint64_t count)                            \
	{                                                                                                    \
		NAME##_type *in = NAME##_end(memory, 0), *back = NAME##_end(memory, 1);                      \
		uint64_t bad = 0, got;                                                                       \
                                                                                                             \
		for (uint64_t number = first; number < first + count; number++) {                            \
			while ((got = NAME##_take(in, number)) == BENCH_NOTHING)                             \
				sim_pause();                                                                 \
			bad |= got;                                                                          \
			while (!NAME##_put(back, ~number >> 2))                                              \
				sim_pause();                                                                 \
		}                                                                                            \
		return bad;                                                                                  \
	}

/* The receiver is side 0, which is timed: a sample ends when the last frame has been read. */
#define BENCH_STREAM_SIDES(NAME)                                                                             \
	static uint64_t NAME##_sink(void *memory, uint64_t first, uint64_t count)                            \
	{                                                                                                    \
		NAME##_type *in = NAME##_end(memory, 1);                                                     \
		uint64_t bad = 0, got;                                                                       \
                                                                                                             \
		for (uint64_t number = first; number < first + count; number++) {                            \
			while ((got = NAME##_take(in, number)) == BENCH_NOTHING)                             \
				sim_pause();                                                                 \
			bad |= got;                                                                          \
		}                                                                                            \
		return bad;                                                                                  \
	}                                                                                                    \
	static uint64_t NAME##_source(void *memory, uint64_t first, uint64_t count)                          \
	{                                                                                                    \
		NAME##_type *out = NAME##_end(memory, 1);                                                    \
                                                                                                             \
		for (uint64_t number = first; number < first + count; number++)                              \
			while (!NAME##_put(out, number))                                                     \
				sim_pause();                                                                 \
		return 0;                                                                                    \
	}

#endif
