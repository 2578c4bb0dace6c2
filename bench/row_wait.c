/* How a thread waits for a frame: a round trip by two rings, by what a receiver does when nothing is there.
 *
 *   wait/spin    polls again after a pause: for threads that have a CPU each
 *   wait/yield   gives the CPU to whoever else wants it, and polls again
 *   wait/park    arms its doorbell, looks once more and sleeps (sim/doorbell.h)
 *
 * on two CPUs, and the last two on one, where a spinning receiver keeps the sender from running until the scheduler
 * ends its slice: milliseconds a round trip, so that is no row. Two threads that answer at once hardly ever sleep, so on
 * two CPUs wait/park waits until the other has slept for 5 us before it sends, twice a round trip, and leaves that time
 * out: each of its hops wakes a thread. Native runs mix the three: spin, then yield, then park; the rows show what each
 * step costs, not the mix, and not how deep a CPU falls asleep that has had nothing to do for longer. */
#include <sched.h>
#include <stddef.h>
#include "bench/frame.h"
#include "bench/pair.h"
#include "sim/doorbell.h"
#include "sim/ring.h"

#define SLOTS  64
#define COLOUR 6

#define ASLEEP_NS 5000 /* after which a thread that armed its doorbell sleeps */

struct waits {
	struct sim_ring ring[2];
	uint64_t asleep_ticks; /* a sender waits so long for the receiver to sleep; 0: it does not wait */
	struct sim_doorbell bell[2]; /* of the receiver of the ring */
	struct sim_frame slots[2][SLOTS + COLOUR] __attribute__((aligned(SIM_RING_APART)));
};

static bool waits_place(void *memory, bool sleeps)
{
	struct waits *waits = memory;

	for (unsigned i = 0; i < 2; i++) {
		sim_ring_init(&waits->ring[i], waits->slots[i], SLOTS, 0);
		sim_doorbell_init(&waits->bell[i], sleeps);
	}
	return true;
}

static bool place_awake(void *memory, uint32_t slots)
{
	(void)slots;
	return waits_place(memory, false);
}

static bool place_sleeping(void *memory, uint32_t slots)
{
	(void)slots;
	return waits_place(memory, true);
}

static bool place_asleep(void *memory, uint32_t slots)
{
	((struct waits *)memory)->asleep_ticks = sim_ticks_open()->clock.hz / 1000 * ASLEEP_NS / 1000000;
	return place_sleeping(memory, slots);
}

/* Until the receiver has been armed for a while. */
static void await_sleep(const struct waits *waits, unsigned link)
{
	uint64_t start;

	while (sim_load_relaxed(&waits->bell[link].armed) == 0)
		sim_pause();
	for (start = sim_ticks(); sim_ticks() - start < waits->asleep_ticks;)
		sim_pause();
}

static inline void put(struct waits *waits, unsigned link, uint64_t number)
{
	struct sim_frame *frame;

	if (waits->asleep_ticks)
		await_sleep(waits, link);
	while (!(frame = sim_ring_reserve(&waits->ring[link], 0)))
		sched_yield();
	bench_fill((uint64_t *)frame, number);
	sim_ring_publish(&waits->ring[link]);
	sim_doorbell_ring(&waits->bell[link]);
}

static inline void wait_spin(struct waits *waits, unsigned link)
{
	(void)waits, (void)link;
	sim_pause();
}

static inline void wait_yield(struct waits *waits, unsigned link)
{
	(void)waits, (void)link;
	sched_yield();
}

static inline void wait_park(struct waits *waits, unsigned link)
{
	sim_doorbell_arm(&waits->bell[link]);
	if (sim_ring_peek(&waits->ring[link]))
		sim_doorbell_disarm(&waits->bell[link]);
	else
		sim_doorbell_wait(&waits->bell[link], 0);
}

static inline __attribute__((always_inline)) uint64_t
take(struct waits *waits, unsigned link, uint64_t number, void (*idle)(struct waits *, unsigned))
{
	const struct sim_frame *frame;
	uint64_t bad;

	while (!(frame = sim_ring_peek(&waits->ring[link])))
		idle(waits, link);
	bad = bench_differs((const uint64_t *)frame, number);
	sim_ring_release(&waits->ring[link]);
	return bad;
}

#define SIDES(how)                                                                                           \
	static uint64_t how##_ping(void *memory, uint64_t first, uint64_t count)                             \
	{                                                                                                    \
		uint64_t bad = 0;                                                                            \
                                                                                                             \
		for (uint64_t number = first; number < first + count; number++) {                            \
			put(memory, 0, number);                                                              \
			bad |= take(memory, 1, number + 1, wait_##how);                                      \
		}                                                                                            \
		return bad;                                                                                  \
	}                                                                                                    \
	static uint64_t how##_pong(void *memory, uint64_t first, uint64_t count)                             \
	{                                                                                                    \
		uint64_t bad = 0;                                                                            \
                                                                                                             \
		for (uint64_t number = first; number < first + count; number++) {                            \
			bad |= take(memory, 0, number, wait_##how);                                          \
			put(memory, 1, number + 1);                                                          \
		}                                                                                            \
		return bad;                                                                                  \
	}

SIDES(spin)
SIDES(yield)
SIDES(park)

#define WAY(how, operations_, place_, ...)                                                                   \
	{                                                                                                    \
		1,                                                                                           \
		{                                                                                            \
			{                                                                                    \
				.operations = operations_, .bytes = sizeof(struct waits), .place = place_,   \
				.side = {how##_ping, how##_pong}, __VA_ARGS__                                \
			}                                                                                    \
		}                                                                                            \
	}

static const struct bench_ways spin = WAY(spin, 256, place_awake, .sleeps = false);
static const struct bench_ways yield = WAY(yield, 128, place_awake, .sleeps = false);
static const struct bench_ways park = WAY(park, 4, place_asleep, .sleeps = true, .idle_ns = 2 * ASLEEP_NS);
static const struct bench_ways yield_one_cpu = WAY(yield, 64, place_awake, .sleeps = true, .one_cpu = true);
static const struct bench_ways park_one_cpu = WAY(park, 32, place_sleeping, .sleeps = true, .one_cpu = true);

const struct bench_row bench_wait_rows[] = {
	{.name = "wait/spin", BENCH_PAIR(spin)},
	{.name = "wait/yield", .against = {{"times_spin", "wait/spin", .over = true}}, BENCH_PAIR(yield)},
	{.name = "wait/park", .against = {{"times_spin", "wait/spin", .over = true}}, BENCH_PAIR(park)},
	{.name = "wait/yield_one_cpu", BENCH_PAIR(yield_one_cpu)},
	{.name = "wait/park_one_cpu", BENCH_PAIR(park_one_cpu)},
	{.name = NULL},
};
