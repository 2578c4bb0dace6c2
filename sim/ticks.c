/* sim/ticks.c - see ticks.h.
 *
 * The counter is trusted when the processor says that it is invariant (CPUID 8000_0007h, EDX bit 8: it runs at one rate
 * in every power state) and the kernel, which watches it against other clocks, has not taken it out of use: its own
 * clock is then "tsc", or one that a hypervisor derives from it. The rate is measured, because what CPUID says of it is
 * nominal or absent. */
#include "sim/ticks.h"
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif

#define NS_PER_S UINT64_C(1000000000)
#define GAP_NS   45
#define PAUSES   256 /* of which the time is taken, */
#define BATCHES  8   /* so often; the shortest counts */

bool sim_ticks_counter;
uint32_t sim_poll_pauses = 4;

static uint64_t clock_ns(clockid_t id)
{
	struct timespec t;
	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

uint64_t sim_ticks_slow(void) { return clock_ns(CLOCK_MONOTONIC); }

#ifdef __x86_64__
/* Slices of a millisecond: together 5 ms if nobody disturbs, and one that was disturbed is found out. */
#define SLICES      5
#define SLICE_NS    UINT64_C(1000000)
#define READS       8
#define AGREE_PPM   200 /* of the middle slices among each other */
#define TRIES       6
#define CLOCKSOURCE "/sys/devices/system/clocksource/clocksource0/current_clocksource"

static bool counter_is_invariant(void)
{
	unsigned a, b, c, d;
	return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d >> 8 & 1);
}

/* The kernel's clock, "" if it does not tell (no /sys: then the processor's word has to do). */
static void clocksource_read(char *name, size_t bytes)
{
	const int file = open(CLOCKSOURCE, O_RDONLY | O_CLOEXEC);
	ssize_t got = file < 0 ? 0 : read(file, name, bytes - 1);
	if (file >= 0)
		close(file);
	name[got > 0 ? got : 0] = 0;
	name[strcspn(name, "\n")] = 0;
}

/* Clocks that stand on the time-stamp counter. Anything else is what the kernel fell back to. */
static bool clocksource_trusts_counter(const char *name)
{
	static const char *const names[] = {
		"", "tsc", "tsc-early", "kvm-clock", "hyperv_clocksource_tsc_page", "xen"};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

struct reading {
	uint64_t ticks, ns, width;
};

/* The clock and the counter at one moment: of a few readings the one whose two counters lie closest together. */
static struct reading read_both(void)
{
	struct reading best = {.width = UINT64_MAX};
	for (int i = 0; i < READS; i++) {
		const uint64_t before = __builtin_ia32_rdtsc();
		const uint64_t ns = clock_ns(CLOCK_MONOTONIC_RAW);
		const uint64_t after = __builtin_ia32_rdtsc();
		if (after - before < best.width)
			best = (struct reading){
				.ticks = before + (after - before) / 2, .ns = ns, .width = after - before};
	}
	return best;
}

static uint64_t rate(const struct reading *from, const struct reading *to)
{
	const uint64_t ns = to->ns - from->ns;
	return ns ? (uint64_t)((unsigned __int128)(to->ticks - from->ticks) * NS_PER_S / ns) : 0;
}

static void wait_ns(uint64_t ns)
{
	const struct timespec t = {.tv_nsec = (long)ns};
	nanosleep(&t, NULL);
}

/* Ticks a second over some slices, and how far the slices' own rates lie apart, in millionths. Sleeps between
 * readings, so that a CPU that is shared is not held. */
static uint64_t measure_once(uint64_t *apart_ppm)
{
	struct reading at[SLICES + 1];
	uint64_t least = UINT64_MAX, most = 0, whole;
	for (int i = 0; i <= SLICES; i++) {
		if (i)
			wait_ns(SLICE_NS);
		at[i] = read_both();
		if (i) {
			const uint64_t one = rate(&at[i - 1], &at[i]);
			least = one < least ? one : least;
			most = one > most ? one : most;
		}
	}
	whole = rate(&at[0], &at[SLICES]);
	*apart_ppm = whole ? (uint64_t)((unsigned __int128)(most - least) * 1000000 / whole) : UINT64_MAX;
	return whole;
}

/* The best of a few tries; the first if its slices agree. */
static uint64_t measure(void)
{
	uint64_t best = 0, best_ppm = UINT64_MAX;
	for (int i = 0; i < TRIES && best_ppm > AGREE_PPM; i++) {
		uint64_t ppm;
		const uint64_t hz = measure_once(&ppm);
		if (ppm < best_ppm) {
			best_ppm = ppm;
			best = hz;
		}
	}
	return best;
}

/* Ticks a second of the counter; 0 and why it is not to be used. */
static uint64_t counter_open(const char **why)
{
	char name[64];
	uint64_t hz;
	*why = "this processor does not promise a time-stamp counter of one rate (CPUID 80000007h)";
	if (!counter_is_invariant())
		return 0;
	clocksource_read(name, sizeof name);
	*why = "the kernel does not use the time-stamp counter for its own clock (" CLOCKSOURCE ")";
	if (!clocksource_trusts_counter(name))
		return 0;
	hz = measure();
	*why = "the time-stamp counter stands still against CLOCK_MONOTONIC_RAW";
	return hz;
}
#else
static uint64_t counter_open(const char **why)
{
	*why = "only x86-64 has a time-stamp counter that is read here";
	return 0;
}
#endif

/* How many pauses make a gap. At least one; at most what a processor without any delay in its pause may need. */
static uint32_t poll_pauses_measure(void)
{
	uint64_t least = UINT64_MAX, pauses;
	for (int i = 0; i < BATCHES; i++) {
		const uint64_t before = clock_ns(CLOCK_MONOTONIC);
		for (int k = 0; k < PAUSES; k++)
			sim_pause();
		const uint64_t ns = clock_ns(CLOCK_MONOTONIC) - before;
		least = ns < least ? ns : least;
	}
	pauses = least ? (uint64_t)GAP_NS * PAUSES / least : PAUSES;
	return (uint32_t)(pauses < 1 ? 1 : pauses > PAUSES ? PAUSES : pauses);
}

const struct sim_ticks_source *sim_ticks_open(void)
{
	static struct sim_ticks_source source;
	const char *why;
	uint64_t hz;
	if (source.name)
		return &source;
	hz = counter_open(&why);
	if (hz)
		source = (struct sim_ticks_source){
			.clock = sim_clock_of(hz), .counter = true, .name = "invariant TSC"};
	else
		source = (struct sim_ticks_source){
			.clock = sim_clock_of(NS_PER_S), .name = "CLOCK_MONOTONIC", .why = why};
	sim_ticks_counter = source.counter;
	sim_poll_pauses = poll_pauses_measure();
	return &source;
}
