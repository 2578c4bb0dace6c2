/* sim/time.h - virtual time, and the cycles of a core.
 *
 * Engines count picoseconds in 64 bits (213 days); cores count cycles. A core converts its *total*:
 * picoseconds = floor(cycles * 10^12 / Hz), so that rounding never accumulates. No floating point:
 * libm and FMA differ between machines. Layer: sim. Pure. */
#ifndef SKERRY_SIM_TIME_H
#define SKERRY_SIM_TIME_H
#include <stdint.h>

typedef uint64_t sim_ps;     /* picoseconds of virtual time */
typedef uint64_t sim_cycles; /* cycles of one core's clock */

#define SIM_PS_PER_S UINT64_C(1000000000000)
#define SIM_PS_NEVER UINT64_MAX

struct sim_clock {
	uint64_t hz;
	uint64_t ps_per_cycle; /* exact period, or 0 when the period is not a whole number */
};

static inline struct sim_clock sim_clock_of(uint64_t hz)
{
	return (struct sim_clock){.hz = hz, .ps_per_cycle = SIM_PS_PER_S % hz ? 0 : SIM_PS_PER_S / hz};
}

/* floor(cycles * 10^12 / Hz) */
static inline sim_ps sim_ps_of_cycles(const struct sim_clock *clock, sim_cycles cycles)
{
	if (clock->ps_per_cycle)
		return cycles * clock->ps_per_cycle;
	return (sim_ps)((unsigned __int128)cycles * SIM_PS_PER_S / clock->hz);
}

/* The first cycle that does not start before `time`: ceil(time * Hz / 10^12). */
static inline sim_cycles sim_cycles_of_ps(const struct sim_clock *clock, sim_ps time)
{
	if (clock->ps_per_cycle)
		return (time + clock->ps_per_cycle - 1) / clock->ps_per_cycle;
	return (sim_cycles)(((unsigned __int128)time * clock->hz + SIM_PS_PER_S - 1) / SIM_PS_PER_S);
}

#endif
