/* sim/ring.h, sim/channel.c and sim/doorbell.c, the very source, under every interleaving of two threads and their
 * store buffers (tests/lib/interleave.h); and that each planted fault is found.
 *
 * Every thread here is what a host does: sends and rings, receives and answers, polls or parks. What is held: each
 * frame comes once, in order, whole; nobody waits or sleeps for ever. */
#define SIM_ATOMIC_HEADER "tests/lib/interleave.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include "tests/lib/interleave.h"
#include "sim/channel.c"
#include "sim/doorbell.c"

#define SLOTS 8
#define WORDS 2 /* of a payload, the first and the last: enough to tell a torn one */

static struct {
	unsigned char memory[2 * (sizeof(struct sim_channel) + SLOTS * sizeof(struct sim_frame))]
		__attribute__((aligned(SIM_RING_APART)));
	struct sim_channel *ab, *ba;
	struct sim_doorbell bell;
	uint64_t sent[2], taken[2]; /* of the stream from A, and from B */
} m;

/* What a program plants by itself; the rest is planted in the model. */
struct plan {
	bool line, no_last_look, done_before_read;
};

static uint64_t *word(const struct sim_frame *frame, unsigned number)
{
	return (uint64_t *)(uintptr_t)&frame->payload[number ? 32 : 0];
}

static void setup(void *context)
{
	const struct plan *plan = context;
	const struct sim_channel_config config = {.slots = SLOTS, .reserve = {0, 1, 1}, .line = plan->line};
	memset(&m, 0, sizeof m);
	sim_channel_pair_init(m.memory, &config, &m.ab, &m.ba);
	sim_doorbell_init(&m.bell, true);
}

static unsigned stream_of(const struct sim_channel *channel) { return channel == m.ba; }

static uint64_t content(unsigned stream, uint64_t number, unsigned i)
{
	return stream * 1000 + number * 3 + i;
}

static bool send(struct sim_channel *channel, enum sim_class klass)
{
	struct sim_frame *frame = sim_channel_reserve(channel, klass);
	const unsigned stream = stream_of(channel);
	if (!frame)
		return false;
	m.sent[stream]++;
	for (unsigned i = 0; i < WORDS; i++)
		sim_store_plain(word(frame, i), content(stream, m.sent[stream], i));
	sim_channel_publish(channel);
	return true;
}

static void verify(const struct sim_channel *channel, const struct sim_frame *frame)
{
	const unsigned stream = stream_of(channel);
	m.taken[stream]++;
	for (unsigned i = 0; i < WORDS; i++)
		if (sim_load_plain(word(frame, i)) != content(stream, m.taken[stream], i))
			interleave_fail("a frame is torn or out of order");
}

static bool take(const struct plan *plan, struct sim_channel *channel)
{
	const struct sim_frame *frame = sim_channel_receive(channel, 0);
	if (!frame)
		return false;
	if (plan->done_before_read)
		sim_channel_done(channel);
	verify(channel, frame);
	if (!plan->done_before_read)
		sim_channel_done(channel);
	return true;
}

static void take_polling(const struct plan *plan, struct sim_channel *channel, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++)
		while (!take(plan, channel))
			interleave_pause();
}

static void send_polling(struct sim_channel *channel, enum sim_class klass)
{
	while (!send(channel, klass))
		interleave_pause();
}

static void handle(struct sim_channel *in, struct sim_channel *out, unsigned replies)
{
	const struct sim_frame *frame;
	while (!(frame = sim_channel_receive(in, 0)))
		interleave_pause();
	for (unsigned i = 0; i < replies; i++)
		send_polling(out, SIM_CLASS_REPLY);
	verify(in, frame); /* after the reply is out: it must not have taken the request's place too early */
	sim_channel_done(in);
}

/* ---- the programs ---- */

#define PARK_FRAMES 2
/* A frame by the line and one by the ring to a receiver that parks. */
static void park_send(void *context)
{
	(void)context;
	send(m.ab, SIM_CLASS_REQUEST);
	sim_doorbell_ring(&m.bell);
	for (unsigned i = 1; i < PARK_FRAMES; i++) {
		send(m.ab, SIM_CLASS_REPLY);
		sim_doorbell_ring(&m.bell);
	}
}

static void park_receive(void *context)
{
	const struct plan *plan = context;
	uint64_t due;
	while (m.taken[0] < PARK_FRAMES) {
		if (take(plan, m.ab))
			continue;
		sim_doorbell_arm(&m.bell);
		if (!plan->no_last_look && sim_channel_has(m.ab, &due))
			sim_doorbell_disarm(&m.bell);
		else
			sim_doorbell_wait(&m.bell, 0);
	}
}

/* A request by the line and a frame behind it by the ring; the reply in place and a frame behind that. */
static void call_client(void *context)
{
	send(m.ab, SIM_CLASS_REQUEST);
	send(m.ab, SIM_CLASS_FORWARD);
	take_polling(context, m.ba, 2);
}

static void call_server(void *context)
{
	handle(m.ab, m.ba, 2);
	take_polling(context, m.ab, 1);
}

/* Two calls one after the other: the line is used again. */
static void again_client(void *context)
{
	for (unsigned i = 0; i < 2; i++) {
		send(m.ab, SIM_CLASS_REQUEST);
		take_polling(context, m.ba, 1);
	}
}

static void again_server(void *context)
{
	(void)context;
	for (unsigned i = 0; i < 2; i++)
		handle(m.ab, m.ba, 1);
}

/* Requests that get no reply: the line comes back empty, the ring carries what comes meanwhile. */
static void void_client(void *context)
{
	(void)context;
	for (unsigned i = 0; i < 6; i++)
		send_polling(m.ab, SIM_CLASS_REQUEST);
}

static void void_server(void *context) { take_polling(context, m.ab, 6); }

/* A request that gets no reply in its line, and a frame by the ring later: what is left in the line is not taken for it. */
static void late_client(void *context)
{
	send(m.ab, SIM_CLASS_REQUEST);
	take_polling(context, m.ba, 1);
}

static void late_server(void *context)
{
	take_polling(context, m.ab, 1);
	send(m.ba, SIM_CLASS_REPLY);
}

/* Both call at once: both lines are out, each carries a reply. */
static void cross_call(struct sim_channel *out, struct sim_channel *in)
{
	send(out, SIM_CLASS_REQUEST);
	handle(in, out, 1);
	take_polling(&(struct plan){.line = true}, in, 1);
}

static void cross_a(void *context)
{
	(void)context;
	cross_call(m.ab, m.ba);
}

static void cross_b(void *context)
{
	(void)context;
	cross_call(m.ba, m.ab);
}

/* A ring that is full but for one slot, while the receiver takes. */
static void full_setup(void *context)
{
	setup(context);
	for (unsigned i = 0; i < SLOTS - 1; i++)
		send(m.ab, SIM_CLASS_REPLY);
}

static void full_send(void *context)
{
	(void)context;
	for (unsigned i = 0; i < 4; i++)
		send_polling(m.ab, SIM_CLASS_REPLY);
}

static void full_receive(void *context) { take_polling(context, m.ab, SLOTS + 3); }

/* ---- the tests ---- */

static const struct interleave_program park = {.setup = setup, .thread = {park_send, park_receive}};
static const struct interleave_program call = {.setup = setup, .thread = {call_client, call_server}};
static const struct interleave_program again = {.setup = setup, .thread = {again_client, again_server}};
static const struct interleave_program voids = {.setup = setup, .thread = {void_client, void_server}};
static const struct interleave_program late = {.setup = setup, .thread = {late_client, late_server}};
static const struct interleave_program cross = {.setup = setup, .thread = {cross_a, cross_b}};
static const struct interleave_program full = {.setup = full_setup, .thread = {full_send, full_receive}};

static const char *const model_name[] = {"TSO", "PSO"};

static struct interleave_result explore(const char *name, struct interleave_program program, struct plan plan)
{
	struct interleave_result result;
	program.context = &plan;
	program.executions_max = 3000000;
	interleave_explore(&program, &result);
	print_message("%-6s %s %s: %llu executions, %llu cut, %llu steps%s%s%s%s\n", name,
		      model_name[program.model], plan.line ? "lines" : "ring",
		      (unsigned long long)result.executions, (unsigned long long)result.cut,
		      (unsigned long long)result.steps, result.fault[0] ? ": " : "", result.fault,
		      program.no_fence_in ? ", no fence in " : "",
		      program.no_fence_in ? program.no_fence_in : "");
	return result;
}

static void assert_holds(const char *name, struct interleave_program program)
{
	for (unsigned model = INTERLEAVE_TSO; model <= INTERLEAVE_PSO; model++)
		for (unsigned line = 0; line < 2; line++) {
			struct interleave_result r;
			program.model = (enum interleave_model)model;
			r = explore(name, program, (struct plan){.line = line});
			assert_string_equal(r.fault, "");
			assert_true(r.complete);
			assert_true(r.executions > 1);
		}
}

static void test_nobody_sleeps_with_a_frame_in_the_channel(void **state)
{
	(void)state;
	assert_holds("park", park);
}

static void test_calls_keep_order_in_every_interleaving(void **state)
{
	(void)state;
	assert_holds("call", call);
	assert_holds("again", again);
}

static void test_calls_both_ways_keep_order(void **state)
{
	(void)state;
	assert_holds("cross", cross);
}

static void test_a_line_without_reply_comes_back(void **state)
{
	(void)state;
	assert_holds("void", voids);
	assert_holds("late", late);
}

static void test_a_slot_is_read_before_it_is_written_again(void **state)
{
	(void)state;
	assert_holds("full", full);
}

static void assert_found(const char *name, struct interleave_program program, struct plan plan,
			 const char *fault)
{
	struct interleave_result r = explore(name, program, plan);
	assert_string_equal(r.fault, fault);
}

static void test_a_missing_fence_is_found(void **state)
{
	static const char *const in[] = {"sim_doorbell_ring", "sim_doorbell_arm"};
	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned line = 0; line < 2; line++) {
			struct interleave_program program = park;
			program.no_fence_in = in[i];
			assert_found("park", program, (struct plan){.line = line},
				     "a thread sleeps for ever");
		}
}

static void test_a_missing_last_look_is_found(void **state)
{
	(void)state;
	assert_found("park", park, (struct plan){.line = true, .no_last_look = true},
		     "a thread sleeps for ever");
}

static void test_a_slot_given_back_before_it_is_read_is_found(void **state)
{
	(void)state;
	assert_found("full", full, (struct plan){.done_before_read = true},
		     "a frame is torn or out of order");
}

/* Each release that publishes a frame, made relaxed: stores then overtake it. */
static void test_a_release_made_relaxed_is_found(void **state)
{
	static const struct {
		const char *in;
		const struct interleave_program *program;
		bool line;
	} planted[] = {
		{"sim_ring_producer_publish", &park, false},
		{"sim_channel_publish_request", &park, true},
		{"sim_channel_publish_reply", &call, true},
		{"sim_channel_done", &late, true},
	};
	(void)state;
	for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
		struct interleave_program program = *planted[i].program;
		struct interleave_result r;
		program.model = INTERLEAVE_PSO;
		program.no_release_in = planted[i].in;
		r = explore(planted[i].in, program, (struct plan){.line = planted[i].line});
		assert_true(r.fault[0]);
	}
}

/* The model itself: store buffering happens in both models, a fence forbids it; only PSO reorders stores. */
static uint64_t litmus_x, litmus_y, litmus_r[2];
static bool litmus_fence, litmus_seen[4];

static void litmus_setup(void *context)
{
	(void)context;
	litmus_seen[litmus_r[0] * 2 + litmus_r[1]] = true; /* how the execution before ended */
	litmus_x = litmus_y = 0;
	litmus_r[0] = litmus_r[1] = 1;
}

static void sb_0(void *context)
{
	(void)context;
	sim_store_relaxed(&litmus_x, 1);
	if (litmus_fence)
		sim_fence();
	litmus_r[0] = sim_load_relaxed(&litmus_y);
}

static void sb_1(void *context)
{
	(void)context;
	sim_store_relaxed(&litmus_y, 1);
	if (litmus_fence)
		sim_fence();
	litmus_r[1] = sim_load_relaxed(&litmus_x);
}

static void mp_0(void *context)
{
	(void)context;
	sim_store_relaxed(&litmus_x, 1);
	if (litmus_fence)
		sim_store_release(&litmus_y, 1);
	else
		sim_store_relaxed(&litmus_y, 1);
}

static void mp_1(void *context)
{
	(void)context;
	litmus_r[0] = sim_load_acquire(&litmus_y);
	litmus_r[1] = sim_load_relaxed(&litmus_x);
}

/* Which of the four results occur, bit r0 * 2 + r1. */
static unsigned litmus(void (*a)(void *), void (*b)(void *), enum interleave_model model, bool fence)
{
	const struct interleave_program program = {
		.setup = litmus_setup, .thread = {a, b}, .model = model, .executions_max = 10000};
	struct interleave_result result;
	unsigned seen = 0;
	litmus_fence = fence;
	litmus_r[0] = litmus_r[1] = 1;
	litmus_setup(NULL);
	memset(litmus_seen, 0, sizeof litmus_seen);
	interleave_explore(&program, &result);
	assert_true(result.complete);
	litmus_setup(NULL);
	for (unsigned i = 0; i < 4; i++)
		seen |= (unsigned)litmus_seen[i] << i;
	return seen;
}

static void test_the_model_is_as_weak_as_it_says_and_no_weaker(void **state)
{
	(void)state;
	for (unsigned model = INTERLEAVE_TSO; model <= INTERLEAVE_PSO; model++) {
		assert_int_equal(litmus(sb_0, sb_1, (enum interleave_model)model, false), 0xf);
		assert_int_equal(litmus(sb_0, sb_1, (enum interleave_model)model, true), 0xe);
		assert_int_equal(litmus(mp_0, mp_1, (enum interleave_model)model, true), 0xb);
	}
	assert_int_equal(litmus(mp_0, mp_1, INTERLEAVE_TSO, false), 0xb);
	assert_int_equal(litmus(mp_0, mp_1, INTERLEAVE_PSO, false), 0xf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_model_is_as_weak_as_it_says_and_no_weaker),
		cmocka_unit_test(test_nobody_sleeps_with_a_frame_in_the_channel),
		cmocka_unit_test(test_calls_keep_order_in_every_interleaving),
		cmocka_unit_test(test_calls_both_ways_keep_order),
		cmocka_unit_test(test_a_line_without_reply_comes_back),
		cmocka_unit_test(test_a_slot_is_read_before_it_is_written_again),
		cmocka_unit_test(test_a_missing_fence_is_found),
		cmocka_unit_test(test_a_missing_last_look_is_found),
		cmocka_unit_test(test_a_slot_given_back_before_it_is_read_is_found),
		cmocka_unit_test(test_a_release_made_relaxed_is_found),
	};
	if (!INTERLEAVE_POSSIBLE) {
		print_message("skipped: ThreadSanitizer does not know the fibers of this test\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
