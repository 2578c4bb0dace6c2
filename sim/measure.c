/* Two threads and what they do to each other. One batch: both meet, both do their side of a task, one of them says how
 * many ticks it took. */
#include "sim/measure.h"
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include "sim/channel.h"
#include "sim/ticks.h"

#define PLACES     16 /* in memory */
#define SLOTS      1024
#define POLLS_MAX  2000 /* then the CPU is given away once: it may be shared */
#define PAGE_BYTES 4096

enum { ROUND_TRIPS = 64, STREAM = 4096, BURST = 16, PAGES = 16 };

struct place {
	struct sim_channel *ring[2], *line[2]; /* [side]: the channel on which it sends */
	unsigned char *pages, *copy;
};

struct pair {
	const struct sim_host_cpu *cpu[2];
	const struct task *task;
	uint32_t batches;
	struct place place[PLACES];
	void *memory;
	uint64_t *ticks;   /* [batches] */
	bool *switched[2]; /* [batches] */
	bool unpinned[2];
	/* A barrier of two: each side counts its own arrivals, on a line of its own. */
	struct {
		sim_atomic_u64 count;
		char rest[SIM_RING_APART - sizeof(sim_atomic_u64)];
	} arrived[2] __attribute__((aligned(SIM_RING_APART)));
};

struct task {
	uint64_t operations;                                         /* of a batch */
	uint64_t (*side[2])(struct pair *pair, struct place *place); /* ticks, or 0: the other side says */
};

static void wait_a_little(uint32_t *polls)
{
	sim_pause();
	if (++*polls % POLLS_MAX == 0)
		sched_yield();
}

static void meet(struct pair *pair, unsigned side)
{
	const uint64_t mine = sim_load_relaxed(&pair->arrived[side].count) + 1;
	uint32_t polls = 0;
	/* (M1) pairs with (M2) of the other side: what was done before the meeting is seen after it. */
	sim_store_release(&pair->arrived[side].count, mine);
	while (sim_load_acquire(&pair->arrived[!side].count) < mine) /* (M2) */
		wait_a_little(&polls);
}

/* ---- messages ---- */

static void send(struct sim_channel *to, enum sim_class klass, uint64_t word)
{
	uint32_t polls = 0;
	struct sim_frame *frame;
	while (!(frame = sim_channel_reserve(to, klass)))
		wait_a_little(&polls);
	frame->stamp = 0;
	memcpy(frame->payload, &word, sizeof word);
	sim_channel_publish(to);
}

static void await(struct sim_channel *from)
{
	uint32_t polls = 0;
	while (!sim_channel_receive(from, 0))
		wait_a_little(&polls);
}

static void take(struct sim_channel *from)
{
	await(from);
	sim_channel_done(from);
}

static uint64_t ask(struct sim_channel *to, struct sim_channel *from)
{
	const uint64_t begin = sim_ticks();
	for (uint64_t i = 0; i < ROUND_TRIPS; i++) {
		send(to, SIM_CLASS_REQUEST, i);
		take(from);
	}
	return sim_ticks() - begin;
}

/* The reply is written while the request is in hand, so that it may take its place in the line. */
static uint64_t answer(struct sim_channel *to, struct sim_channel *from)
{
	for (uint64_t i = 0; i < ROUND_TRIPS; i++) {
		await(from);
		send(to, SIM_CLASS_REPLY, i);
		sim_channel_done(from);
	}
	return 0;
}

static uint64_t ask_by_ring(struct pair *pair, struct place *p)
{
	(void)pair;
	return ask(p->ring[0], p->ring[1]);
}
static uint64_t answer_by_ring(struct pair *pair, struct place *p)
{
	(void)pair;
	return answer(p->ring[1], p->ring[0]);
}
static uint64_t ask_by_line(struct pair *pair, struct place *p)
{
	(void)pair;
	return ask(p->line[0], p->line[1]);
}
static uint64_t answer_by_line(struct pair *pair, struct place *p)
{
	(void)pair;
	return answer(p->line[1], p->line[0]);
}

static uint64_t stream_out(struct pair *pair, struct place *p)
{
	(void)pair;
	for (uint64_t i = 0; i < STREAM; i++)
		send(p->ring[0], SIM_CLASS_FORWARD, i);
	return 0;
}

static uint64_t stream_in(struct pair *pair, struct place *p)
{
	(void)pair;
	take(p->ring[0]);
	const uint64_t begin = sim_ticks();
	for (uint64_t i = 1; i < STREAM; i++)
		take(p->ring[0]);
	return sim_ticks() - begin;
}

static uint64_t burst_out(struct pair *pair, struct place *p)
{
	(void)pair;
	const uint64_t begin = sim_ticks();
	for (uint64_t i = 0; i < BURST; i++)
		send(p->ring[0], SIM_CLASS_FORWARD, i);
	return sim_ticks() - begin;
}

static uint64_t burst_in(struct pair *pair, struct place *p)
{
	(void)pair;
	for (uint64_t i = 0; i < BURST; i++)
		take(p->ring[0]);
	return 0;
}

static uint64_t fill(struct pair *pair, struct place *p)
{
	burst_out(pair, p);
	meet(pair, 0);
	return 0;
}

static uint64_t drain(struct pair *pair, struct place *p)
{
	meet(pair, 1);
	const uint64_t begin = sim_ticks();
	burst_in(pair, p);
	return sim_ticks() - begin;
}

/* ---- pages ---- */

static uint64_t pages_out(struct pair *pair, struct place *p)
{
	const int value = p->pages[0] + 1;
	memset(p->pages, value, (size_t)PAGES * PAGE_BYTES);
	meet(pair, 0);
	return 0;
}

static uint64_t pages_in(struct pair *pair, struct place *p)
{
	meet(pair, 1);
	const uint64_t begin = sim_ticks();
	for (size_t i = 0; i < PAGES; i++)
		memcpy(p->copy + i * PAGE_BYTES, p->pages + i * PAGE_BYTES, PAGE_BYTES);
	__asm__ volatile("" : : "r"(p->copy) : "memory");
	return sim_ticks() - begin;
}

static const struct task by_ring = {ROUND_TRIPS, {ask_by_ring, answer_by_ring}};
static const struct task by_line = {ROUND_TRIPS, {ask_by_line, answer_by_line}};
static const struct task streaming = {STREAM - 1, {stream_out, stream_in}};
static const struct task sending = {BURST, {burst_out, burst_in}};
static const struct task receiving = {BURST, {fill, drain}};
static const struct task copying = {PAGES * PAGE_BYTES / 1024, {pages_out, pages_in}};

/* ---- the two threads ---- */

static long switches(void)
{
	struct rusage usage;
	return getrusage(RUSAGE_THREAD, &usage) ? 0 : usage.ru_nvcsw + usage.ru_nivcsw;
}

/* The first round over the places warms up; it is written over. */
static void work(struct pair *pair, unsigned side)
{
	pair->unpinned[side] = sim_host_pin(pair->cpu[side]) != 0;
	for (uint32_t i = 0; i < pair->batches + PLACES; i++) {
		const uint32_t batch = i % pair->batches;
		meet(pair, side);
		const long before = switches();
		meet(pair, side);
		const uint64_t ticks = pair->task->side[side](pair, &pair->place[i % PLACES]);
		pair->switched[side][batch] = switches() != before;
		if (ticks)
			pair->ticks[batch] = ticks;
	}
	meet(pair, side);
}

static void *work_first(void *pair)
{
	work(pair, 0);
	return NULL;
}
static void *work_second(void *pair)
{
	work(pair, 1);
	return NULL;
}

static int run_threads(struct pair *pair)
{
	pthread_t first, second;
	SIM_CHECK(pthread_create(&first, NULL, work_first, pair) == 0);
	SIM_CHECK(pthread_create(&second, NULL, work_second, pair) == 0);
	pthread_join(first, NULL);
	pthread_join(second, NULL);
	return pair->unpinned[0] || pair->unpinned[1] ? -EAGAIN : 0;
}

static int measure(struct pair *pair, const struct task *task, struct sim_figure *out)
{
	const struct sim_clock *clock = &sim_ticks_open()->clock;
	pair->task = task;
	const int result = run_threads(pair);
	if (result)
		return result;
	for (uint32_t i = 0; i < pair->batches; i++) {
		pair->ticks[i] = sim_ps_of_cycles(clock, pair->ticks[i]);
		pair->switched[0][i] |= pair->switched[1][i];
	}
	*out = sim_measure_figure(pair->ticks, pair->switched[0], pair->batches, task->operations);
	return 0;
}

/* ---- memory ---- */

/* Places begin on other colours, so that they do not meet in the same sets of the caches. */
static int places_init(struct pair *pair)
{
	static const struct sim_channel_config rings = {.slots = SLOTS},
					       lines = {.slots = SLOTS, .line = true, .patience = 3};
	const size_t channels = sim_channel_pair_bytes(&rings), pages = (size_t)PAGES * PAGE_BYTES;
	const size_t stride = 2 * channels + 2 * pages + 5 * SIM_RING_APART;
	if (posix_memalign(&pair->memory, PAGE_BYTES, stride * PLACES))
		return -ENOMEM;
	memset(pair->memory, 0, stride * PLACES);
	for (size_t i = 0; i < PLACES; i++) {
		struct place *p = &pair->place[i];
		char *at = (char *)pair->memory + i * stride;
		sim_channel_pair_init(at, &rings, &p->ring[0], &p->ring[1]);
		sim_channel_pair_init(at + channels, &lines, &p->line[0], &p->line[1]);
		p->pages = (unsigned char *)at + 2 * channels;
		p->copy = p->pages + pages;
	}
	return 0;
}

static int measure_all(struct pair *pair, struct sim_measured *out)
{
	int result = measure(pair, &by_ring, &out->ring);
	if (!result)
		result = measure(pair, &by_line, &out->line);
	if (!result)
		result = measure(pair, &streaming, &out->gap);
	if (!result)
		result = measure(pair, &sending, &out->send);
	if (!result)
		result = measure(pair, &receiving, &out->receive);
	return result ? result : measure(pair, &copying, &out->kib);
}

int sim_measure_pair(const struct sim_host *host, uint32_t batches, struct sim_measure_pair *out)
{
	struct pair *pair = aligned_alloc(SIM_RING_APART, sizeof *pair);
	int result = -ENOMEM;
	SIM_CHECK(batches >= 8 && out->a < host->cpus && out->b < host->cpus);
	if (!pair)
		return result;
	memset(pair, 0, sizeof *pair);
	pair->cpu[0] = &host->cpu[out->a];
	pair->cpu[1] = &host->cpu[out->b];
	pair->batches = batches;
	pair->ticks = calloc(batches, sizeof *pair->ticks);
	pair->switched[0] = calloc(batches, sizeof **pair->switched);
	pair->switched[1] = calloc(batches, sizeof **pair->switched);
	if (pair->ticks && pair->switched[0] && pair->switched[1] && !places_init(pair))
		result = measure_all(pair, &out->measured);
	free(pair->memory);
	free(pair->ticks);
	free(pair->switched[0]);
	free(pair->switched[1]);
	free(pair);
	return result;
}
