/* sim/ticks.h - real time of native runs, in ticks of a counter that all CPUs share.
 *
 * On x86-64 with an invariant time-stamp counter a tick is a cycle of that counter; elsewhere, and where the counter
 * is not to be trusted (sim_ticks_open() says so), a tick is a nanosecond of CLOCK_MONOTONIC. Not serialising: a
 * reading may move by some instructions, which is what the stamp of a message wants.
 *
 * Thread rule: sim_ticks_open() once, before threads; sim_ticks() from any thread. Layer: sim. */
#ifndef SKERRY_SIM_TICKS_H
#define SKERRY_SIM_TICKS_H
#include <stdbool.h>
#include <stdint.h>
#include "sim/time.h"

struct sim_ticks_source {
	struct sim_clock clock; /* ticks a second */
	bool counter;           /* the time-stamp counter; false: CLOCK_MONOTONIC */
	const char *name;       /* "invariant TSC", "CLOCK_MONOTONIC"; static */
	const char *why;        /* why it is not the counter; static, NULL if it is */
};

/* Chooses the source and measures its rate (about 5 ms, the first time). Borrowed, static, the same every time. */
const struct sim_ticks_source *sim_ticks_open(void);

extern bool sim_ticks_counter; /* what sim_ticks_open() chose; false before it */
uint64_t sim_ticks_slow(void);

static inline uint64_t sim_ticks(void)
{
#ifdef __x86_64__
	if (__builtin_expect(sim_ticks_counter, 1))
		return __builtin_ia32_rdtsc();
#endif
	return sim_ticks_slow();
}

/* One instruction: lets the other thread of the core run, and keeps the pipeline free of guesses. It takes 5 to 60 ns,
 * by processor; what belongs between two polls is sim_poll_gap(). */
static inline void sim_pause(void)
{
#if defined __x86_64__
	__builtin_ia32_pause();
#elif defined __aarch64__
	__asm__ volatile("yield");
#endif
}

extern uint32_t sim_poll_pauses; /* pauses that together take about 45 ns; sim_ticks_open() measures it */

/* Between two empty polls of a line that another CPU will write. Polling as fast as one can is slower: it takes the line
 * from its writer between two words, and each time costs a transfer (a round trip by an RPC line, with payload: 205 ns
 * with a gap of 11 ns, 140 with 45, 180 with 90). A gap that is shorter than a transfer costs nothing. */
static inline void sim_poll_gap(void)
{
	for (uint32_t i = sim_poll_pauses; i; i--)
		sim_pause();
}

#endif
