/* sim/channel.h and sim/doorbell.h between two threads: nothing lost, doubled, torn or out of order, nobody sleeps for
 * ever.
 *
 * Both ends send a stream; each frame carries its number in the stream and a checksum. An end may be no more than a
 * window ahead of the other, and sleeps without a limit when it may not send and nothing came: a lost wake-up is a test
 * that does not end. What a schedule does not visit by chance is provoked: an end yields before it arms, before it looks
 * once more and before it sleeps. Who finds nothing to do yields, so one CPU is enough. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/channel.h"
#include "sim/doorbell.h"

#define FRAMES    20000 /* of each stream and seed */
#define SEEDS     12
#define SEEDS_MAX 200 /* if something was never visited until then */

struct visits {
	uint64_t refused, line_requests, line_replies, line_voids, slept, saved_by_last_look,
		rung_before_sleep, batches;
};

struct end {
	struct sim_channel *in, *out;
	struct sim_doorbell *bell, *peer_bell;
	uint64_t seed, window, sent, taken;
	bool slow, sleeps;
	struct visits visits;
	const char *fault;
	uint64_t fault_at;
	atomic_bool *stop;
};

static uint64_t draw(struct end *e, uint64_t below)
{
	e->seed ^= e->seed << 13;
	e->seed ^= e->seed >> 7;
	e->seed ^= e->seed << 17;
	return e->seed % below;
}

static void maybe_yield(struct end *e, unsigned one_in)
{
	if (draw(e, one_in) == 0)
		sched_yield();
}

static void content(uint64_t *words, uint64_t number)
{
	words[0] = number;
	words[4] = number * UINT64_C(0x9e3779b97f4a7c15);
	for (unsigned i = 1; i < 4; i++) {
		words[i] = words[i - 1] ^ (number << i);
		words[4] += words[i];
	}
}

/* Sends the next frame of the stream; false: refused. */
static bool end_send(struct end *e, enum sim_class klass)
{
	struct sim_frame *frame = sim_channel_reserve(e->out, klass);
	uint64_t words[5];
	if (!frame)
		return false;
	content(words, e->sent++);
	frame->stamp = 0;
	memcpy(frame->payload, words, sizeof words);
	maybe_yield(e, 64); /* between the words and what publishes them */
	sim_channel_publish(e->out);
	sim_doorbell_ring(e->peer_bell);
	return true;
}

static bool end_may_send(const struct end *e) { return e->sent < FRAMES && e->sent < e->taken + e->window; }

/* Looks at the frame in hand as late as it may, so that a slot that is reused too early shows. */
static void end_verify(struct end *e, const struct sim_frame *frame)
{
	uint64_t expected[5];
	content(expected, e->taken);
	if (memcmp(frame->payload, expected, sizeof expected) != 0) {
		e->fault = "a frame is not the next of its stream";
		e->fault_at = e->taken;
		atomic_store(e->stop, true);
	}
	e->taken++;
}

static bool end_receive(struct end *e)
{
	const struct sim_frame *frame = sim_channel_receive(e->in, 0);
	if (!frame)
		return false;
	if (draw(e, 2) && end_may_send(e))
		for (uint64_t n = 1 + draw(e, 2); n && end_may_send(e); n--)
			end_send(e, SIM_CLASS_REPLY);
	if (e->slow)
		maybe_yield(e, 4);
	end_verify(e, frame);
	sim_channel_done(e->in);
	return true;
}

/* Nothing came and nothing may be sent: as sim/doorbell.h says. */
static void end_sleep(struct end *e)
{
	uint64_t due;
	maybe_yield(e, 2);
	sim_doorbell_arm(e->bell);
	maybe_yield(e, 4);
	if (atomic_load(e->stop)) {
		sim_doorbell_disarm(e->bell);
		return;
	}
	if (sim_channel_has(e->in, &due)) {
		sim_doorbell_disarm(e->bell);
		e->visits.saved_by_last_look++;
		return;
	}
	maybe_yield(e, 4);
	if (sim_load_relaxed(&e->bell->armed))
		e->visits.slept++;
	else
		e->visits.rung_before_sleep++;
	sim_doorbell_wait(e->bell, 0);
}

static void *end_run(void *argument)
{
	struct end *e = argument;
	while ((e->sent < FRAMES || e->taken < FRAMES) && !atomic_load(e->stop)) {
		bool idle = !end_receive(e), refused = false;
		if (end_may_send(e) && draw(e, 3)) {
			refused = !end_send(e, (enum sim_class)draw(e, SIM_CLASSES));
			idle &= refused;
		}
		if (!idle)
			continue;
		if (e->sleeps && !refused && !end_may_send(e) && e->taken < FRAMES)
			end_sleep(e);
		else
			sched_yield();
	}
	if (atomic_load(e->stop)) /* whoever sleeps must see that it is over */
		sim_doorbell_wake(e->peer_bell);
	return NULL;
}

static void count(struct visits *v, const struct end *e, const struct end *peer)
{
	struct sim_channel_stats s, answers;
	sim_channel_stats(e->out, &s);
	sim_channel_stats(peer->out, &answers);
	assert_int_equal(s.ring_frames + s.line_requests + s.line_replies, FRAMES);
	v->refused += s.refused;
	v->line_requests += s.line_requests;
	v->line_replies += s.line_replies;
	v->line_voids += s.line_requests - answers.line_replies;
	v->slept += e->visits.slept;
	v->saved_by_last_look += e->visits.saved_by_last_look;
	v->rung_before_sleep += e->visits.rung_before_sleep;
}

static void run(struct visits *v, uint64_t seed)
{
	const struct sim_channel_config config = {
		.slots = seed % 3 ? 8 : 64, .reserve = {0, 1, 2}, .line = seed % 4 != 3};
	const size_t bytes = sim_channel_pair_bytes(&config);
	void *memory = aligned_alloc(SIM_RING_APART, bytes);
	static struct sim_doorbell bell[2];
	struct sim_channel *ab, *ba;
	atomic_bool stop = false;
	pthread_t thread;
	assert_non_null(memory);
	memset(memory, 0, bytes);
	sim_channel_pair_init(memory, &config, &ab, &ba);
	sim_channel_start_at(ab, UINT32_MAX - UINT64_C(1000), UINT16_MAX - 100, 0);
	struct end end[2] = {{.in = ba, .out = ab, .slow = seed & 1},
			     {.in = ab, .out = ba, .slow = seed & 2}};
	for (unsigned i = 0; i < 2; i++) {
		end[i].seed = seed * UINT64_C(0x9e3779b97f4a7c15) + i + 1;
		end[i].window = i ? 48 : 3; /* one is mostly ahead, the other mostly waits */
		end[i].sleeps = i == 0 || seed % 4 != 1;
		end[i].bell = &bell[i];
		end[i].peer_bell = &bell[!i];
		end[i].stop = &stop;
		sim_doorbell_init(&bell[i], end[i].sleeps);
	}
	assert_int_equal(pthread_create(&thread, NULL, end_run, &end[1]), 0);
	end_run(&end[0]);
	assert_int_equal(pthread_join(thread, NULL), 0);
	for (unsigned i = 0; i < 2; i++)
		if (end[i].fault)
			fail_msg("seed %llu, end %u, frame %llu: %s", (unsigned long long)seed, i,
				 (unsigned long long)end[i].fault_at, end[i].fault);
	count(v, &end[0], &end[1]);
	count(v, &end[1], &end[0]);
	v->batches++;
	free(memory);
}

static bool visited_all(const struct visits *v)
{
	return v->refused && v->line_requests && v->line_replies && v->line_voids && v->slept &&
	       v->saved_by_last_look && v->rung_before_sleep;
}

static void test_two_threads_lose_nothing_and_wake_each_other(void **state)
{
	struct visits v = {0};
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS || (seed <= SEEDS_MAX && !visited_all(&v)); seed++)
		run(&v, seed);
	print_message(
		"%llu seeds: refused %llu, requests by line %llu, replies in place %llu, lines freed without "
		"one %llu, slept %llu, saved by the last look %llu, rung before sleep %llu\n",
		(unsigned long long)v.batches, (unsigned long long)v.refused,
		(unsigned long long)v.line_requests, (unsigned long long)v.line_replies,
		(unsigned long long)v.line_voids, (unsigned long long)v.slept,
		(unsigned long long)v.saved_by_last_look, (unsigned long long)v.rung_before_sleep);
	assert_true(visited_all(&v));
}

/* A sleeper that nobody rings wakes by its limit, and one that was rung before does not sleep at all. */
static void test_a_limit_or_an_earlier_ring_ends_a_sleep(void **state)
{
	struct sim_doorbell bell;
	(void)state;
	sim_doorbell_init(&bell, true);
	sim_doorbell_arm(&bell);
	sim_doorbell_wait(&bell, 1000000);
	assert_int_equal(sim_load_relaxed(&bell.armed), 0);
	sim_doorbell_arm(&bell);
	sim_doorbell_ring(&bell);
	sim_doorbell_wait(&bell, 0);
	assert_int_equal(sim_load_relaxed(&bell.armed), 0);
}

static void test_a_bell_that_never_sleeps_is_not_touched(void **state)
{
	struct sim_doorbell bell;
	(void)state;
	sim_doorbell_init(&bell, false);
	sim_doorbell_arm(&bell);
	sim_doorbell_ring(&bell);
	assert_int_equal(sim_load_relaxed(&bell.armed), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_threads_lose_nothing_and_wake_each_other),
		cmocka_unit_test(test_a_limit_or_an_earlier_ring_ends_a_sleep),
		cmocka_unit_test(test_a_bell_that_never_sleeps_is_not_touched),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
