#include "bench/pair.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include "sim/arena.h"
#include "sim/host.h"
#include "sim/ticks.h"

#define COLOUR_BYTES (37 * 128) /* places begin at different sets of the caches */
#define STRIDE_BYTES (BENCH_PLACE_BYTES + COLOUR_BYTES)
#define SAMPLES      (BENCH_PLACES * BENCH_SAMPLES)
#define SLOW         3   /* a sample that takes so many times what a quick one takes was disturbed */
#define LATE_NS      250 /* longer than a line takes from one CPU to the other */
#define SPINS        2000
#define PATIENCE_S   120 /* a batch takes milliseconds; no progress for so long is a lost frame */

struct sample {
	uint64_t ticks;
	bool switched[2];
};

/* The pair of threads, the places, and what they are working on. One for all rows. */
struct pair {
	unsigned users; /* subjects */
	struct sim_host host;
	struct sim_placement placement;
	struct sim_arena arena;
	pthread_t thread[2];
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint64_t posted, finished[2]; /* jobs; under the mutex */
	bool stop;
	const struct bench_way *way; /* the job */
	bool refused;
	uint64_t bad[2];
	struct sample sample[SAMPLES];
	/* A barrier of two: each counts its own arrivals. */
	struct {
		_Atomic uint64_t count;
		char rest[120];
	} arrived[2] __attribute__((aligned(128)));
};

struct subject {
	const struct bench_ways *ways;
	double batch_ns;
	uint64_t samples, dropped, fastest[BENCH_WAYS_MAX];
	const char *fault;
};

static struct pair pair;

/* ---- the two threads ---- */

static void meet(unsigned side)
{
	uint64_t mine = atomic_load_explicit(&pair.arrived[side].count, memory_order_relaxed) + 1;

	/* (A) pairs with (B) of the other side: what was done before the barrier is seen after it. */
	atomic_store_explicit(&pair.arrived[side].count, mine, memory_order_release);
	/* (B) */
	for (unsigned spin = 0; atomic_load_explicit(&pair.arrived[!side].count, memory_order_acquire) < mine;
	     spin++) {
		sim_pause();
		if (spin > SPINS || pair.way->one_cpu)
			sched_yield();
	}
}

static long switches(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_nvcsw + usage.ru_nivcsw;
}

/* Who is ahead when a stream begins decides for long how it flows, so it is the one in some samples and the other in
 * the rest: side 1 comes out of the barrier first, and every other time waits a little. */
static void start_by_turns(unsigned side, uint64_t first)
{
	uint64_t start = sim_ticks(), ticks = sim_ticks_open()->clock.hz / 1000000 * LATE_NS / 1000;

	if (side == 1 && first / pair.way->operations % 2)
		while (sim_ticks() - start < ticks)
			sim_pause();
}

static void measure_sample(unsigned side, void *memory, uint64_t first, struct sample *sample)
{
	uint64_t start;
	long before;

	meet(side); /* waits as long as it takes, which is no switch of this sample */
	before = switches();
	meet(side);
	start_by_turns(side, first);
	start = sim_ticks();
	pair.bad[side] |= pair.way->side[side](memory, first, pair.way->operations);
	if (side == 0)
		sample->ticks = sim_ticks() - start;
	sample->switched[side] = switches() != before;
}

static void measure_place(unsigned side, unsigned place)
{
	const struct bench_way *way = pair.way;
	char *memory = pair.arena.base + place * STRIDE_BYTES;
	struct sample warm_up;

	if (side == 0 && !pair.refused) {
		memset(memory, 0, way->bytes);
		pair.refused = !way->place(memory, way->slots);
	}
	meet(side);
	if (pair.refused)
		return;
	measure_sample(side, memory, 0, &warm_up);
	for (uint64_t i = 0; i < BENCH_SAMPLES; i++)
		measure_sample(side, memory, (i + 1) * way->operations,
			       &pair.sample[place * BENCH_SAMPLES + i]);
	meet(side);
	if (side == 0 && way->leave)
		way->leave(memory);
}

static void pin(unsigned side)
{
	unsigned at = pair.way->one_cpu ? 0 : side;

	sim_host_pin(&pair.host.cpu[pair.placement.cpu[at]]);
}

static void *work(void *argument)
{
	unsigned side = argument != NULL;

	pthread_mutex_lock(&pair.mutex);
	for (uint64_t job = 1;; job++) {
		while (pair.posted < job && !pair.stop)
			pthread_cond_wait(&pair.changed, &pair.mutex);
		if (pair.stop)
			break;
		pthread_mutex_unlock(&pair.mutex);
		pin(side);
		for (unsigned place = 0; place < BENCH_PLACES; place++)
			measure_place(side, place);
		pthread_mutex_lock(&pair.mutex);
		pair.finished[side] = job;
		pthread_cond_broadcast(&pair.changed);
	}
	pthread_mutex_unlock(&pair.mutex);
	return NULL;
}

static void measure_way(const struct bench_way *way)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += PATIENCE_S;
	pthread_mutex_lock(&pair.mutex);
	pair.way = way;
	pair.bad[0] = pair.bad[1] = 0;
	pair.refused = false;
	pair.posted++;
	pthread_cond_broadcast(&pair.changed);
	while (pair.finished[0] < pair.posted || pair.finished[1] < pair.posted) {
		if (pthread_cond_timedwait(&pair.changed, &pair.mutex, &until) != ETIMEDOUT)
			continue;
		fprintf(stderr,
			"skerry-bench: two threads made no progress in %d s: a frame was lost, or the CPUs "
			"are taken\n",
			PATIENCE_S);
		exit(70);
	}
	pthread_mutex_unlock(&pair.mutex);
}

/* ---- figures ---- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool was_switched(const struct bench_way *way, const struct sample *sample)
{
	return !way->sleeps && (sample->switched[0] || sample->switched[1]);
}

/* Ticks that a quarter of the samples which were not switched out did not exceed. */
static uint64_t quick_ticks(const struct bench_way *way)
{
	uint64_t sorted[SAMPLES];
	unsigned count = 0;

	for (unsigned i = 0; i < SAMPLES; i++)
		if (!was_switched(way, &pair.sample[i]))
			sorted[count++] = pair.sample[i].ticks;
	qsort(sorted, count, sizeof(*sorted), compare);
	return count ? sorted[count / 4] : 0;
}

/* The mean over the places of the mean of their samples of at most `limit` ticks that were not switched out, in
 * ticks; 0 if there is none. */
static double mean_ticks(const struct bench_way *way, uint64_t limit, unsigned *dropped)
{
	double sum = 0;
	unsigned places = 0;

	*dropped = 0;
	for (unsigned place = 0; place < BENCH_PLACES; place++) {
		uint64_t ticks = 0;
		unsigned kept = 0;

		for (unsigned i = 0; i < BENCH_SAMPLES; i++) {
			const struct sample *sample = &pair.sample[place * BENCH_SAMPLES + i];

			if (was_switched(way, sample) || sample->ticks > limit)
				continue;
			ticks += sample->ticks;
			kept++;
		}
		*dropped += BENCH_SAMPLES - kept;
		if (kept == 0)
			continue;
		sum += (double)ticks / kept;
		places++;
	}
	return places ? sum / places : 0;
}

/* ns an operation of the batch that was just measured. */
static double figure(struct subject *subject, const struct bench_way *way)
{
	unsigned dropped, none;
	double ticks = mean_ticks(way, SLOW * quick_ticks(way), &dropped);

	if (dropped == SAMPLES) {
		struct bench_way whole = *way;

		whole.sleeps = true;
		ticks = mean_ticks(&whole, UINT64_MAX, &none);
	}
	subject->samples += SAMPLES;
	subject->dropped += dropped;
	return ticks * 1e9 / (double)sim_ticks_open()->clock.hz / way->operations - way->idle_ns;
}

/* ---- the row ---- */

static bool start_threads(void)
{
	const char *why;

	sim_ticks_open();
	if (sim_host_read(&pair.host, &why) < 0 ||
	    sim_host_place(&pair.host, pair.host.cpus < 2 ? 1 : 2, &pair.placement) < 0 ||
	    sim_arena_init(&pair.arena, BENCH_PLACES * STRIDE_BYTES, 1) < 0)
		return false;
	pthread_mutex_init(&pair.mutex, NULL);
	pthread_cond_init(&pair.changed, NULL);
	for (uintptr_t side = 0; side < 2; side++)
		if (pthread_create(&pair.thread[side], NULL, work, side ? &pair : NULL) != 0)
			abort();
	return true;
}

static void stop_threads(void)
{
	pthread_mutex_lock(&pair.mutex);
	pair.stop = true;
	pthread_cond_broadcast(&pair.changed);
	pthread_mutex_unlock(&pair.mutex);
	for (unsigned side = 0; side < 2; side++)
		pthread_join(pair.thread[side], NULL);
	sim_arena_fini(&pair.arena);
	memset(&pair, 0, sizeof(pair));
}

const char *bench_pair_skip(const struct bench_row *row)
{
	static struct sim_host host;
	static bool known;
	const struct bench_ways *ways = row->parameter;
	const char *why;

	if (!known && sim_host_read(&host, &why) < 0)
		return why;
	known = true;
	if (host.pin_refused)
		return "threads cannot be pinned to CPUs here";
	if (!ways->way[0].one_cpu && sim_host_capacity(&host) < 2)
		return "it needs two CPUs to run at once; affinity or quota gives one";
	return NULL;
}

void *bench_pair_setup(const struct bench_row *row)
{
	struct subject *subject = calloc(1, sizeof(*subject));

	if (!subject)
		return NULL;
	if (pair.users == 0 && !start_threads()) {
		free(subject);
		return NULL;
	}
	pair.users++;
	subject->ways = row->parameter;
	return subject;
}

uint64_t bench_pair_run(void *self)
{
	struct subject *subject = self;
	unsigned fastest = 0;

	for (unsigned i = 0; i < subject->ways->count; i++) {
		double ns;

		measure_way(&subject->ways->way[i]);
		if (pair.refused)
			subject->fault = "the system refused what it needs (memory, descriptors)";
		if (pair.bad[0] || pair.bad[1])
			subject->fault = "what arrived is not what was sent, or came another way";
		ns = figure(subject, &subject->ways->way[i]);
		if (i > 0 && ns >= subject->batch_ns)
			continue;
		subject->batch_ns = ns;
		fastest = i;
	}
	subject->fastest[fastest]++;
	subject->batch_ns *= (double)SAMPLES * subject->ways->way[fastest].operations;
	return (uint64_t)SAMPLES * subject->ways->way[fastest].operations;
}

double bench_pair_ns(void *self) { return ((struct subject *)self)->batch_ns; }

const char *bench_pair_fault(void *self) { return ((struct subject *)self)->fault; }

unsigned bench_pair_counters(void *self, struct bench_counter *counter)
{
	const struct subject *subject = self;
	unsigned count = 0;

	counter[count++] = (struct bench_counter){"dropped_percent", 100.0 * (double)subject->dropped /
									     (double)subject->samples};
	for (unsigned i = 0; i < subject->ways->count; i++)
		if (subject->ways->count > 1 && subject->fastest[i] && count < BENCH_COUNTERS_MAX)
			counter[count++] = (struct bench_counter){subject->ways->way[i].name,
								  (double)subject->fastest[i]};
	return count;
}

void bench_pair_teardown(void *self)
{
	free(self);
	if (--pair.users == 0)
		stop_threads();
}
