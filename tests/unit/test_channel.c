/* sim/channel.h by one thread that plays both ends: order, credit, due time, lines, counters that wrap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/channel.h"

struct pair {
	void *memory;
	struct sim_channel *ab, *ba;
};

static struct pair pair_new(const struct sim_channel_config *config)
{
	struct pair p;
	p.memory = aligned_alloc(SIM_RING_APART, sim_channel_pair_bytes(config));
	assert_non_null(p.memory);
	memset(p.memory, 0, sim_channel_pair_bytes(config));
	sim_channel_pair_init(p.memory, config, &p.ab, &p.ba);
	return p;
}

static struct pair pair_of(uint32_t slots, bool line)
{
	return pair_new(&(struct sim_channel_config){.slots = slots, .line = line});
}

static void pair_free(struct pair *p) { free(p->memory); }

/* Every byte of the payload depends on the value, so that a torn or stale frame is seen. */
static void fill(unsigned char *payload, uint64_t value)
{
	for (unsigned i = 0; i < 40; i++)
		payload[i] = (unsigned char)(value * 167 + i * 13);
	memcpy(payload, &value, sizeof value);
}

static bool send_due(struct sim_channel *c, enum sim_class klass, uint64_t value, uint64_t stamp)
{
	struct sim_frame *frame = sim_channel_reserve(c, klass);
	if (!frame)
		return false;
	assert_int_equal(frame->klass, klass);
	frame->stamp = stamp;
	fill(frame->payload, value);
	sim_channel_publish(c);
	return true;
}

static bool send(struct sim_channel *c, enum sim_class klass, uint64_t value)
{
	return send_due(c, klass, value, 0);
}

static void assert_is(const struct sim_frame *frame, uint64_t value)
{
	unsigned char payload[40];
	assert_non_null(frame);
	fill(payload, value);
	assert_memory_equal(frame->payload, payload, sizeof payload);
}

static void take(struct sim_channel *c, uint64_t value)
{
	assert_is(sim_channel_receive(c, 0), value);
	sim_channel_done(c);
}

static void assert_empty(struct sim_channel *c)
{
	uint64_t due = 1;
	assert_null(sim_channel_receive(c, UINT64_MAX));
	assert_false(sim_channel_has(c, &due));
	assert_int_equal(due, 0);
}

static struct sim_channel_stats stats_of(const struct sim_channel *c)
{
	struct sim_channel_stats s;
	sim_channel_stats(c, &s);
	return s;
}

static void test_a_request_goes_by_the_line_and_its_reply_comes_in_place(void **state)
{
	struct pair p = pair_of(8, true);
	(void)state;
	assert_true(send(p.ab, SIM_CLASS_REQUEST, 1));
	assert_is(sim_channel_receive(p.ab, 0), 1);
	assert_true(send(p.ba, SIM_CLASS_REPLY, 2));
	sim_channel_done(p.ab);
	take(p.ba, 2);
	assert_int_equal(stats_of(p.ab).line_requests, 1);
	assert_int_equal(stats_of(p.ba).line_replies, 1);
	assert_int_equal(stats_of(p.ab).ring_frames + stats_of(p.ba).ring_frames, 0);
	assert_true(send(p.ab, SIM_CLASS_REQUEST, 3)); /* the line is free again */
	assert_int_equal(stats_of(p.ab).line_requests, 2);
	take(p.ab, 3);
	assert_empty(p.ab);
	assert_empty(p.ba);
	pair_free(&p);
}

static void test_the_request_stays_readable_after_its_reply_was_sent(void **state)
{
	struct pair p = pair_of(8, true);
	const struct sim_frame *request;
	(void)state;
	send(p.ab, SIM_CLASS_REQUEST, 1);
	request = sim_channel_receive(p.ab, 0);
	assert_true(send(p.ba, SIM_CLASS_REPLY, 2));
	take(p.ba, 2);
	assert_true(send(p.ab, SIM_CLASS_REQUEST, 3)); /* overwrites the line */
	assert_is(request, 1);
	sim_channel_done(p.ab);
	take(p.ab, 3);
	pair_free(&p);
}

static void test_only_the_first_frame_in_a_handler_goes_in_place(void **state)
{
	struct pair p = pair_of(8, true);
	(void)state;
	send(p.ab, SIM_CLASS_REQUEST, 1);
	sim_channel_receive(p.ab, 0);
	for (uint64_t i = 0; i < 3; i++)
		assert_true(send(p.ba, SIM_CLASS_FORWARD, 10 + i));
	sim_channel_done(p.ab);
	assert_int_equal(stats_of(p.ba).line_replies, 1);
	assert_int_equal(stats_of(p.ba).ring_frames, 2);
	for (uint64_t i = 0; i < 3; i++)
		take(p.ba, 10 + i);
	assert_empty(p.ba);
	pair_free(&p);
}

/* A frame that came by the ring has no line to answer in. */
static void test_the_reply_to_a_frame_of_the_ring_goes_by_the_ring(void **state)
{
	struct pair p = pair_of(8, true);
	(void)state;
	send(p.ab, SIM_CLASS_FORWARD, 1);
	sim_channel_receive(p.ab, 0);
	send(p.ba, SIM_CLASS_REPLY, 2);
	sim_channel_done(p.ab);
	assert_int_equal(stats_of(p.ba).ring_frames, 1);
	take(p.ba, 2);
	pair_free(&p);
}

static void test_a_line_without_reply_is_freed_and_rests(void **state)
{
	struct pair p = pair_of(8, true);
	uint64_t value = 0;
	(void)state;
	for (unsigned rest = 1; rest <= 15;
	     rest = 2 * rest + 1) { /* so many go by the ring before the line is tried */
		const uint64_t lines = stats_of(p.ab).line_requests;
		send(p.ab, SIM_CLASS_REQUEST, value);
		assert_int_equal(stats_of(p.ab).line_requests, lines + 1);
		take(p.ab, value++);
		assert_empty(p.ba); /* the news that there is no reply is no frame */
		for (unsigned i = 0; i < rest; i++) {
			send(p.ab, SIM_CLASS_REQUEST, value);
			take(p.ab, value++);
		}
		assert_int_equal(stats_of(p.ab).line_requests, lines + 1);
	}
	assert_int_equal(stats_of(p.ba).ring_frames + stats_of(p.ba).line_replies, 0);
	pair_free(&p);
}

static void test_a_sender_that_never_receives_gets_its_line_back(void **state)
{
	struct pair p = pair_of(8, true);
	(void)state;
	for (uint64_t i = 0; i < 5000; i++) {
		assert_true(send(p.ab, SIM_CLASS_REQUEST, i));
		take(p.ab, i);
	}
	assert_in_range(stats_of(p.ab).line_requests, 10,
			20); /* 1 + 1 + 3 + ... + 1023 + 1023 ... between them */
	pair_free(&p);
}

static void test_a_reply_in_place_ends_the_rest(void **state)
{
	struct pair p = pair_of(8, true);
	(void)state;
	for (uint64_t i = 0; i < 8;
	     i++) { /* the line, void; one by the ring; the line, void; three by the ring ... */
		send(p.ab, SIM_CLASS_REQUEST, i);
		take(p.ab, i);
		assert_empty(p.ba);
	}
	while (stats_of(p.ab).line_requests < 4) {
		send(p.ab, SIM_CLASS_REQUEST, 9);
		assert_is(sim_channel_receive(p.ab, 0), 9);
		send(p.ba, SIM_CLASS_REPLY, 10);
		sim_channel_done(p.ab);
		take(p.ba, 10);
	}
	send(p.ab, SIM_CLASS_REQUEST, 11);
	assert_int_equal(stats_of(p.ab).line_requests, 5);
	pair_free(&p);
}

static void test_without_lines_all_goes_by_the_ring(void **state)
{
	struct pair p = pair_of(8, false);
	(void)state;
	send(p.ab, SIM_CLASS_REQUEST, 1);
	assert_is(sim_channel_receive(p.ab, 0), 1);
	send(p.ba, SIM_CLASS_REPLY, 2);
	sim_channel_done(p.ab);
	take(p.ba, 2);
	assert_int_equal(stats_of(p.ab).ring_frames, 1);
	assert_int_equal(stats_of(p.ba).ring_frames, 1);
	assert_int_equal(stats_of(p.ab).line_requests + stats_of(p.ba).line_replies, 0);
	pair_free(&p);
}

static void test_each_class_leaves_slots_to_the_higher_ones(void **state)
{
	struct pair p =
		pair_new(&(struct sim_channel_config){.slots = 8, .reserve = {0, 2, 3}, .line = false});
	uint64_t value = 0;
	unsigned got[SIM_CLASSES] = {0};
	(void)state;
	for (enum sim_class klass = SIM_CLASS_REQUEST; klass < SIM_CLASSES; klass++)
		while (send(p.ab, klass, value)) {
			value++;
			got[klass]++;
		}
	assert_int_equal(got[SIM_CLASS_REQUEST], 3);
	assert_int_equal(got[SIM_CLASS_FORWARD], 2);
	assert_int_equal(got[SIM_CLASS_REPLY], 3);
	assert_int_equal(stats_of(p.ab).refused, 3);
	for (uint64_t i = 0; i < value; i++)
		take(p.ab, i);
	assert_empty(p.ab);
	pair_free(&p);
}

/* Credit is up to a quarter late, and still everybody gets through: the largest reserves that are allowed. */
static void test_a_request_gets_through_when_the_ring_was_drained(void **state)
{
	struct pair p =
		pair_new(&(struct sim_channel_config){.slots = 16, .reserve = {0, 5, 7}, .line = false});
	(void)state;
	for (uint64_t i = 0; i < 1000; i++) {
		assert_true(send(p.ab, SIM_CLASS_REQUEST, i));
		take(p.ab, i);
	}
	assert_int_equal(stats_of(p.ab).refused, 0);
	pair_free(&p);
}

static void test_a_refused_frame_goes_when_there_is_credit(void **state)
{
	struct pair p = pair_of(16, false);
	uint64_t sent = 0, taken = 0;
	(void)state;
	while (send(p.ab, SIM_CLASS_REPLY, sent))
		sent++;
	assert_int_equal(sent, 16);
	take(p.ab, taken++);
	assert_false(send(p.ab, SIM_CLASS_REPLY, sent)); /* one frame is less than an eighth */
	take(p.ab, taken++);
	assert_true(send(p.ab, SIM_CLASS_REPLY, sent++));
	assert_true(send(p.ab, SIM_CLASS_REPLY, sent++));
	assert_false(send(p.ab, SIM_CLASS_REPLY, sent));
	while (taken < sent)
		take(p.ab, taken++);
	assert_empty(p.ab);
	pair_free(&p);
}

/* The request of a, answered in place by b before a looks for the first time. */
static struct pair answered(uint8_t patience)
{
	struct pair p =
		pair_new(&(struct sim_channel_config){.slots = 8, .line = true, .patience = patience});
	assert_true(send(p.ab, SIM_CLASS_REQUEST, 1));
	assert_is(sim_channel_receive(p.ab, 0), 1);
	assert_true(send(p.ba, SIM_CLASS_REPLY, 2));
	sim_channel_done(p.ab);
	return p;
}

static void test_a_line_is_left_alone_for_a_while_and_seen_by_who_wants_to_sleep(void **state)
{
	struct pair p = answered(3);
	uint64_t due;
	(void)state;
	for (int poll = 0; poll < 3; poll++)
		assert_null(sim_channel_receive(p.ba, 0));
	take(p.ba, 2);
	pair_free(&p);
	p = answered(3);
	assert_null(sim_channel_receive(p.ba, 0));
	assert_true(sim_channel_has(p.ba, &due)); /* else it would sleep for ever */
	take(p.ba, 2);
	pair_free(&p);
	p = answered(3);
	assert_true(send(p.ba, SIM_CLASS_REPLY, 3)); /* by the ring, behind the reply */
	for (int poll = 0; poll < 3; poll++)
		assert_null(sim_channel_receive(p.ba, 0));
	take(p.ba, 2);
	take(p.ba, 3);
	pair_free(&p);
}

static void test_a_reply_in_place_needs_no_credit(void **state)
{
	struct pair p = pair_of(8, true);
	uint64_t sent = 0;
	(void)state;
	while (send(p.ba, SIM_CLASS_REPLY, sent))
		sent++;
	send(p.ab, SIM_CLASS_REQUEST, 100);
	sim_channel_receive(p.ab, 0);
	assert_true(send(p.ba, SIM_CLASS_REPLY, sent));
	assert_false(send(p.ba, SIM_CLASS_REPLY, 200));
	sim_channel_done(p.ab);
	for (uint64_t i = 0; i <= sent;
	     i++) /* the line's frame is the last, though its line was there first */
		take(p.ba, i);
	assert_empty(p.ba);
	pair_free(&p);
}

static void test_a_frame_that_is_not_due_hides_what_stands_behind(void **state)
{
	/* which of two frames is by a line: 0 the first, 1 the second, 2 none */
	(void)state;
	for (unsigned lined = 0; lined < 3; lined++) {
		struct pair p = pair_of(8, true);
		uint64_t due = 0;
		send_due(p.ab, lined == 0 ? SIM_CLASS_REQUEST : SIM_CLASS_FORWARD, 1, 1000);
		send_due(p.ab, lined == 1 ? SIM_CLASS_REQUEST : SIM_CLASS_FORWARD, 2, lined == 1 ? 0 : 500);
		assert_int_equal(stats_of(p.ab).line_requests, lined < 2);
		assert_null(sim_channel_receive(p.ab, 999));
		assert_true(sim_channel_has(p.ab, &due));
		assert_int_equal(due, 1000);
		assert_is(sim_channel_receive(p.ab, 1000), 1);
		sim_channel_done(p.ab);
		assert_true(sim_channel_has(p.ab, &due));
		assert_int_equal(due, lined == 1 ? 0 : 500);
		assert_is(sim_channel_receive(p.ab, 1000), 2);
		sim_channel_done(p.ab);
		assert_empty(p.ab);
		pair_free(&p);
	}
}

static void test_a_reply_in_place_waits_for_its_time(void **state)
{
	struct pair p = pair_of(8, true);
	uint64_t due;
	(void)state;
	send(p.ab, SIM_CLASS_REQUEST, 1);
	sim_channel_receive(p.ab, 0);
	send_due(p.ba, SIM_CLASS_REPLY, 2, 77);
	sim_channel_done(p.ab);
	assert_null(sim_channel_receive(p.ba, 76));
	assert_true(sim_channel_has(p.ba, &due));
	assert_int_equal(due, 77);
	send(p.ab, SIM_CLASS_REQUEST, 3); /* the line is not free before its reply was taken */
	assert_int_equal(stats_of(p.ab).line_requests, 1);
	assert_is(sim_channel_receive(p.ba, 77), 2);
	sim_channel_done(p.ba);
	take(p.ab, 3);
	pair_free(&p);
}

/* Both ends act at random, each as a handler does; two models tell what must come next. Counts what it visited. */
struct walk {
	struct pair p;
	struct sim_channel *out[2], *in[2]; /* of each end */
	uint64_t sent[2], taken[2];         /* of the stream that begins at each end */
	bool holds[2];
	uint64_t seed;
	unsigned refused, late, two_held;
};

static uint64_t draw(struct walk *w, uint64_t below)
{
	w->seed ^= w->seed << 13;
	w->seed ^= w->seed >> 7;
	w->seed ^= w->seed << 17;
	return w->seed % below;
}

static void walk_receive(struct walk *w, unsigned end, uint64_t now)
{
	const struct sim_frame *frame = sim_channel_receive(w->in[end], now);
	uint64_t due;
	const bool has = sim_channel_has(w->in[end], &due);
	if (!frame) {
		/* Nothing is there only if all was taken; what is there is not due. */
		assert_int_equal(has, w->sent[!end] != w->taken[!end]);
		assert_true(!has || due > now);
		w->late += has;
		return;
	}
	assert_is(frame, w->taken[!end]++);
	w->holds[end] = true;
	w->two_held += w->holds[!end];
}

static void walk_send(struct walk *w, unsigned end, uint64_t now)
{
	const enum sim_class klass = (enum sim_class)draw(w, SIM_CLASSES);
	if (send_due(w->out[end], klass, w->sent[end], draw(w, 8) ? 0 : now + draw(w, 60)))
		w->sent[end]++;
	else
		w->refused++;
}

/* Who handles a frame mostly answers; who does not mostly looks. */
static void walk_step(struct walk *w, uint64_t now)
{
	const unsigned end = (unsigned)draw(w, 2);
	if (draw(w, 6) < (w->holds[end] ? 3 : 2))
		walk_send(w, end, now);
	else if (!w->holds[end])
		walk_receive(w, end, now);
	else {
		sim_channel_done(w->in[end]);
		w->holds[end] = false;
	}
}

/* What the walks of a test came by, in sum; a walk that never gets there proves nothing. */
struct visited {
	uint64_t ring, requests, replies, refused, late, two_held;
};

static void assert_visited_all(const struct visited *v)
{
	assert_true(v->ring > 1000);
	assert_true(v->requests > 1000);
	assert_true(v->replies > 500);
	assert_true(v->refused > 1000);
	assert_true(v->late > 500);
	assert_true(v->two_held > 1000);
}

static void walk(struct visited *visited, uint64_t seed, uint32_t slots, bool line, uint64_t position,
		 uint32_t lines, uint64_t turns)
{
	struct walk w = {.p = pair_new(&(struct sim_channel_config){
				 .slots = slots, .reserve = {0, 1, slots / 8 + 1}, .line = line}),
			 .seed = seed};
	struct sim_channel_stats s;
	w.out[0] = w.in[1] = w.p.ab;
	w.out[1] = w.in[0] = w.p.ba;
	sim_channel_start_at(w.p.ab, position, lines, turns);
	sim_channel_start_at(w.p.ba, position + 5, lines + 3, turns + 2);
	for (uint64_t now = 1; now < 20000; now++)
		walk_step(&w, now);
	for (unsigned end = 0; end < 2; end++)
		for (bool more = true; more;) {
			if (w.holds[end])
				sim_channel_done(w.in[end]);
			w.holds[end] = false;
			walk_receive(&w, end, UINT64_MAX);
			more = w.holds[end];
		}
	s = stats_of(w.p.ab);
	assert_int_equal(s.ring_frames + s.line_requests + s.line_replies, w.sent[0]);
	assert_int_equal(w.taken[0], w.sent[0]);
	assert_int_equal(w.taken[1], w.sent[1]);
	visited->ring += s.ring_frames;
	visited->requests += s.line_requests;
	visited->replies += s.line_replies;
	visited->refused += w.refused;
	visited->late += w.late;
	visited->two_held += w.two_held;
	pair_free(&w.p);
}

static void test_every_mix_of_ring_and_lines_is_one_fifo(void **state)
{
	struct visited visited = {0};
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		for (uint32_t slots = 8; slots <= 64; slots *= 2) {
			walk(&visited, seed * 7919, slots, true, 0, 0, 0);
			walk(&visited, seed * 7919, slots, false, 0, 0, 0);
		}
	assert_visited_all(&visited);
}

static void test_counters_that_wrap_change_nothing(void **state)
{
	struct visited visited = {0};
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		walk(&visited, 11 + i, 8, true, UINT16_MAX - 50, UINT16_MAX - 50, UINT16_MAX - 51);
		walk(&visited, 11 + i, 8, true, UINT32_MAX - UINT64_C(50), UINT32_MAX - 50,
		     UINT32_MAX - UINT64_C(51));
		walk(&visited, 11 + i, 16, true, UINT32_MAX + UINT64_C(1000), UINT16_MAX,
		     UINT32_MAX - UINT64_C(1));
	}
	assert_visited_all(&visited);
}

static void test_the_plain_ring_holds_as_many_frames_as_it_has_slots(void **state)
{
	static struct sim_frame slots[16];
	static struct sim_ring ring;
	(void)state;
	for (uint32_t n = 8; n <= 16; n *= 2) {
		memset(slots, 0, sizeof slots);
		sim_ring_init(&ring, slots, n, UINT32_MAX - UINT64_C(3));
		assert_null(sim_ring_peek(&ring));
		for (unsigned lap = 0; lap < 5; lap++) {
			for (uint32_t i = 0; i < n; i++) {
				struct sim_frame *frame = sim_ring_reserve(&ring, 0);
				assert_non_null(frame);
				fill(frame->payload, i);
				sim_ring_publish(&ring);
			}
			assert_null(sim_ring_reserve(&ring, 0));
			for (uint32_t i = 0; i < n; i++) {
				assert_is(sim_ring_peek(&ring), i);
				sim_ring_release(&ring);
			}
			assert_null(sim_ring_peek(&ring));
			/* The credit of the last quarter may be missing: the next lap starts at a quarter. */
			while (ring.consumer.next % (n / 4)) {
				assert_non_null(sim_ring_reserve(&ring, 0));
				sim_ring_publish(&ring);
				assert_non_null(sim_ring_peek(&ring));
				sim_ring_release(&ring);
			}
		}
		assert_non_null(sim_ring_reserve(&ring, n - 1));
		assert_null(sim_ring_reserve(&ring, n));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_request_goes_by_the_line_and_its_reply_comes_in_place),
		cmocka_unit_test(test_the_request_stays_readable_after_its_reply_was_sent),
		cmocka_unit_test(test_only_the_first_frame_in_a_handler_goes_in_place),
		cmocka_unit_test(test_the_reply_to_a_frame_of_the_ring_goes_by_the_ring),
		cmocka_unit_test(test_a_line_without_reply_is_freed_and_rests),
		cmocka_unit_test(test_a_sender_that_never_receives_gets_its_line_back),
		cmocka_unit_test(test_a_reply_in_place_ends_the_rest),
		cmocka_unit_test(test_without_lines_all_goes_by_the_ring),
		cmocka_unit_test(test_each_class_leaves_slots_to_the_higher_ones),
		cmocka_unit_test(test_a_request_gets_through_when_the_ring_was_drained),
		cmocka_unit_test(test_a_refused_frame_goes_when_there_is_credit),
		cmocka_unit_test(test_a_line_is_left_alone_for_a_while_and_seen_by_who_wants_to_sleep),
		cmocka_unit_test(test_a_reply_in_place_needs_no_credit),
		cmocka_unit_test(test_a_frame_that_is_not_due_hides_what_stands_behind),
		cmocka_unit_test(test_a_reply_in_place_waits_for_its_time),
		cmocka_unit_test(test_every_mix_of_ring_and_lines_is_one_fifo),
		cmocka_unit_test(test_counters_that_wrap_change_nothing),
		cmocka_unit_test(test_the_plain_ring_holds_as_many_frames_as_it_has_slots),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
