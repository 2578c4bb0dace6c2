/* sim/engine.h: both engines, against each other, against a naive engine that is written here, and against
 * the digest that the header describes.
 *
 * The model: an event carries a number of hops that it may still cause and a random word. Its process draws
 * what follows: posts to itself with no delay, inside the window, later or far ahead, posts to others, often
 * to process 0, which becomes hot. What it drew is counted, and a test fails on what was never drawn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xxhash.h>
#include "sim/engine.h"

enum kind { SELF_NOW, SELF_SOON, SELF_LATER, SELF_FAR, CROSS_SOONEST, CROSS, HOT, KINDS };

struct payload {
	uint64_t hops, word;
	unsigned char rest[SIM_PAYLOAD_BYTES - 16];
};

typedef void *poster(void *engine, uint32_t src, uint32_t dst, sim_ps time);

struct process {
	uint64_t random, order, handled;
};

struct model {
	poster *post;
	uint32_t processes;
	sim_ps lookahead;
	unsigned far_bits; /* events far ahead lie up to 2^this windows away */
	struct process *process;
	uint64_t drawn[KINDS];
	/* Planted faults: the event of this number (of all that its process handles) is disturbed. */
	uint32_t fault_process;
	uint64_t fault_latency_at, fault_payload_at;
	uint64_t stop_at; /* process 0 stops the engine when it has handled this many; 0: never */
};

static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void *post_real(void *engine, uint32_t src, uint32_t dst, sim_ps time)
{
	return sim_engine_post(engine, src, dst, time);
}

static void model_init(struct model *model, uint64_t seed, uint32_t processes, sim_ps lookahead)
{
	*model = (struct model){
		.post = post_real, .processes = processes, .lookahead = lookahead, .far_bits = 24};
	model->process = calloc(processes, sizeof(*model->process));
	assert_non_null(model->process);
	for (uint32_t i = 0; i < processes; i++)
		model->process[i].random = seed * 1000003 + i;
}

/* Draws what a process posts, and to whom and when. */
static enum kind draw(struct model *model, struct process *self, uint32_t dst, sim_ps now, uint32_t *to,
		      sim_ps *time)
{
	enum kind kind = (enum kind)(next_random(&self->random) % KINDS);
	uint64_t random = next_random(&self->random);
	sim_ps width = model->lookahead;

	*to = dst;
	*time = now;
	if (kind == SELF_SOON)
		*time += random % width;
	else if (kind == SELF_LATER)
		*time += random % (width * 3000);
	else if (kind == SELF_FAR)
		*time += width * (random % (UINT64_C(1) << random % model->far_bits));
	else if (kind == CROSS_SOONEST)
		*time += width;
	else if (kind == CROSS || kind == HOT)
		*time += width + random % (width * 4);
	if (kind == CROSS_SOONEST || kind == CROSS)
		*to = (uint32_t)(random >> 40) % model->processes;
	else if (kind == HOT)
		*to = 0;
	model->drawn[kind]++;
	return kind;
}

static void model_handle(struct model *model, void *engine, const struct sim_event *event)
{
	struct process *self = &model->process[event->dst];
	struct payload in, *out;
	bool faulty = event->dst == model->fault_process;

	memcpy(&in, event->payload, sizeof(in));
	self->handled++;
	self->order = (self->order ^ event->time ^ in.word) * UINT64_C(0x9fb21c651e98df25) + event->src;
	self->order = (self->order ^ event->seq) * UINT64_C(0x9fb21c651e98df25);
	for (int i = 0; i < 2 && in.hops > 0; i++) {
		uint32_t to;
		sim_ps time;

		draw(model, self, event->dst, event->time, &to, &time);
		time += faulty && self->handled == model->fault_latency_at;
		out = model->post(engine, event->dst, to, time);
		for (size_t b = 0; b < sizeof(*out); b++)
			assert_int_equal(((unsigned char *)out)[b], 0);
		in.hops--;
		out->hops = i == 0 ? in.hops / 2 : in.hops - in.hops / 2;
		out->word = next_random(&self->random);
		out->word ^= faulty && self->handled == model->fault_payload_at;
	}
}

static void model_start(struct model *model, void *engine, uint64_t hops)
{
	for (uint32_t i = 0; i < model->processes; i++) {
		uint64_t random = next_random(&model->process[i].random);
		struct payload *out = model->post(engine, i, (uint32_t)(random >> 32) % model->processes,
						  random % (model->lookahead * 50));

		out->hops = hops;
		out->word = random;
	}
}

/* A model on one of the real engines, with what its taps saw. */
struct run {
	struct model model;
	struct sim_engine *engine;
	struct sim_event *seen;
	uint64_t *seen_window;
	size_t seen_count, seen_room;
	uint64_t taps_hash;
};

static void handle(void *context, struct sim_engine *engine, const struct sim_event *event)
{
	struct run *run = context;

	assert_int_equal(sim_engine_now(engine), event->time);
	model_handle(&run->model, engine, event);
	if (event->dst == 0 && run->model.process[0].handled == run->model.stop_at)
		sim_engine_stop(engine);
}

static void tap(void *context, uint64_t window, const struct sim_event *event)
{
	struct run *run = context;

	assert_int_equal(window, event->time / run->model.lookahead);
	if (run->seen_count == run->seen_room) {
		run->seen_room = run->seen_room * 2 + 64;
		run->seen = realloc(run->seen, run->seen_room * sizeof(*run->seen));
		run->seen_window = realloc(run->seen_window, run->seen_room * sizeof(*run->seen_window));
		assert_true(run->seen && run->seen_window);
	}
	run->seen[run->seen_count] = *event;
	run->seen_window[run->seen_count++] = window;
}

static void window_tap(void *context, uint64_t window, uint64_t hash)
{
	struct run *run = context;
	const uint64_t node[3] = {run->taps_hash, window, hash};

	run->taps_hash = XXH3_64bits(node, sizeof(node));
}

static void run_init(struct run *run, enum sim_engine_kind kind, uint64_t seed, uint32_t processes,
		     sim_ps lookahead)
{
	struct sim_engine_config config = {.kind = kind,
					   .processes = processes,
					   .lookahead_ps = lookahead,
					   .digest = true,
					   .handler = handle,
					   .context = run,
					   .tap = tap,
					   .tap_context = run,
					   .window_tap = window_tap,
					   .window_tap_context = run};

	*run = (struct run){0};
	model_init(&run->model, seed, processes, lookahead);
	config.state = run->model.process;
	config.state_stride = sizeof(*run->model.process);
	assert_int_equal(sim_engine_new(&run->engine, &config), 0);
}

static void run_fini(struct run *run)
{
	sim_engine_free(run->engine);
	free(run->model.process);
	free(run->seen);
	free(run->seen_window);
}

static void run_through(struct run *run, uint64_t hops)
{
	model_start(&run->model, run->engine, hops);
	assert_int_equal(sim_engine_run(run->engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
}

static void assert_same(const struct run *a, const struct run *b)
{
	assert_int_equal(sim_engine_events(a->engine), sim_engine_events(b->engine));
	assert_int_equal(sim_engine_windows(a->engine), sim_engine_windows(b->engine));
	assert_int_equal(sim_engine_now(a->engine), sim_engine_now(b->engine));
	assert_memory_equal(a->model.process, b->model.process,
			    a->model.processes * sizeof(*a->model.process));
	assert_int_equal(sim_engine_digest(a->engine), sim_engine_digest(b->engine));
	assert_int_equal(a->taps_hash, b->taps_hash);
}

static const uint32_t sizes[] = {1, 2, 17, 300};
static const sim_ps widths[] = {1, 7, 1000, UINT64_C(1) << 20, 999999937};

static void test_both_engines_give_the_same_order_and_digest(void **state)
{
	uint64_t drawn[KINDS] = {0};

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++)
		for (size_t w = 0; w < sizeof(widths) / sizeof(*widths); w++) {
			struct run windows, heap;
			uint64_t seed = s * 100 + w;

			run_init(&windows, SIM_ENGINE_WINDOW, seed, sizes[s], widths[w]);
			run_init(&heap, SIM_ENGINE_HEAP, seed, sizes[s], widths[w]);
			run_through(&windows, 3000 / sizes[s] + 10);
			run_through(&heap, 3000 / sizes[s] + 10);
			assert_same(&windows, &heap);
			assert_true(sim_engine_events(heap.engine) > 1000);
			for (int k = 0; k < KINDS; k++)
				drawn[k] += windows.model.drawn[k];
			run_fini(&windows);
			run_fini(&heap);
		}
	for (int k = 0; k < KINDS; k++)
		assert_true(drawn[k] > 1000);
}

/* The naive engine: an array, searched from end to end for the first event in order. */
struct naive {
	struct model model;
	struct sim_event event[20000];
	uint32_t seq[32];
	size_t count;
};

static bool before(const struct sim_event *a, const struct sim_event *b)
{
	if (a->time != b->time)
		return a->time < b->time;
	return a->src != b->src ? a->src < b->src : a->seq < b->seq;
}

static void *post_naive(void *engine, uint32_t src, uint32_t dst, sim_ps time)
{
	struct naive *naive = engine;
	struct sim_event *event = &naive->event[naive->count++];

	assert_true(naive->count <= sizeof(naive->event) / sizeof(*naive->event));
	*event = (struct sim_event){.time = time, .src = src, .seq = naive->seq[src]++, .dst = dst};
	return event->payload;
}

static void naive_run(struct naive *naive)
{
	while (naive->count) {
		struct sim_event first;
		size_t at = 0;

		for (size_t i = 1; i < naive->count; i++)
			if (before(&naive->event[i], &naive->event[at]))
				at = i;
		first = naive->event[at];
		naive->event[at] = naive->event[--naive->count];
		model_handle(&naive->model, naive, &first);
	}
}

static void test_both_engines_agree_with_a_naive_engine(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 4; seed++) {
		struct naive *naive = calloc(1, sizeof(*naive));
		uint32_t processes = 3 + (uint32_t)seed * 9;

		assert_non_null(naive);
		model_init(&naive->model, seed, processes, 1000);
		naive->model.post = post_naive;
		model_start(&naive->model, naive, 100);
		naive_run(naive);
		for (int kind = 0; kind < 2; kind++) {
			struct run run;

			run_init(&run, (enum sim_engine_kind)kind, seed, processes, 1000);
			run_through(&run, 100);
			assert_memory_equal(run.model.process, naive->model.process,
					    processes * sizeof(*run.model.process));
			run_fini(&run);
		}
		free(naive->model.process);
		free(naive);
	}
}

/* The hash of the events [from, to) of one window, by the words of sim/engine.h. */
static uint64_t window_hash(const struct sim_event *event, size_t from, size_t to, uint32_t processes)
{
	uint64_t sum = 0;

	for (uint32_t process = 0; process < processes; process++) {
		uint64_t node[2] = {process, 0};
		bool active = false;

		for (size_t i = from; i < to; i++) {
			unsigned char record[16 + SIM_PAYLOAD_BYTES];

			if (event[i].dst != process)
				continue;
			memcpy(record, &event[i].time, 8);
			memcpy(record + 8, &event[i].src, 4);
			memcpy(record + 12, &event[i].seq, 4);
			memcpy(record + 16, event[i].payload, SIM_PAYLOAD_BYTES);
			node[1] = XXH3_64bits_withSeed(record, sizeof(record), node[1]);
			active = true;
		}
		if (active)
			sum += XXH3_64bits(node, sizeof(node));
	}
	return sum;
}

static void test_the_digest_is_the_tree_that_the_header_describes(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct run run;
		uint64_t root = 0, windows = 0;

		run_init(&run, (enum sim_engine_kind)kind, 5, 17, 1000);
		run_through(&run, 60);
		assert_int_equal(run.seen_count, sim_engine_events(run.engine));
		for (size_t from = 0, to; from < run.seen_count; from = to) {
			uint64_t node[2] = {run.seen_window[from], 0};

			for (to = from; to < run.seen_count && run.seen_window[to] == node[0];)
				to++;
			node[1] = window_hash(run.seen, from, to, 17);
			root = XXH3_64bits_withSeed(node, sizeof(node), root);
			windows++;
		}
		assert_int_equal(root, sim_engine_digest(run.engine));
		assert_int_equal(windows, sim_engine_windows(run.engine));
		run_fini(&run);
	}
}

static uint64_t digest_of(uint64_t seed, uint64_t latency_at, uint64_t payload_at)
{
	struct run windows, heap;
	uint64_t digest;

	run_init(&windows, SIM_ENGINE_WINDOW, seed, 17, 1000);
	run_init(&heap, SIM_ENGINE_HEAP, seed, 17, 1000);
	windows.model.fault_process = heap.model.fault_process = 3;
	windows.model.fault_latency_at = heap.model.fault_latency_at = latency_at;
	windows.model.fault_payload_at = heap.model.fault_payload_at = payload_at;
	run_through(&windows, 300);
	run_through(&heap, 300);
	assert_same(&windows, &heap);
	assert_true(windows.model.process[3].handled > 20);
	digest = sim_engine_digest(windows.engine);
	run_fini(&windows);
	run_fini(&heap);
	return digest;
}

static void test_another_seed_or_any_disturbance_gives_another_digest(void **state)
{
	uint64_t digest = digest_of(1, 0, 0);

	(void)state;
	assert_int_equal(digest, digest_of(1, 0, 0));
	assert_int_not_equal(digest, 0);
	assert_int_not_equal(digest, digest_of(2, 0, 0));
	assert_int_not_equal(digest, digest_of(1, 8, 0)); /* one event a picosecond later */
	assert_int_not_equal(digest, digest_of(1, 0, 8)); /* one bit of one payload */
}

/* Pinned: neither the compiler nor its options nor a change of the engine may move a digest unnoticed. */
static void test_the_digest_of_a_known_run_is_known(void **state)
{
	(void)state;
	assert_int_equal(digest_of(1, 0, 0), UINT64_C(0x756c43ab556f3a6a));
}

static void test_slices_of_a_run_do_not_change_it(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		struct run whole, sliced;
		enum sim_engine_end end = SIM_ENGINE_UNTIL;
		sim_ps until = 0;
		int slices = 0;

		run_init(&whole, SIM_ENGINE_HEAP, 9, 17, 1000);
		run_through(&whole, 100);
		run_init(&sliced, (enum sim_engine_kind)kind, 9, 17, 1000);
		model_start(&sliced.model, sliced.engine, 100);
		while (end == SIM_ENGINE_UNTIL) {
			size_t seen = sliced.seen_count;

			end = sim_engine_run(sliced.engine, until);
			for (; seen < sliced.seen_count; seen++)
				assert_true(sliced.seen_window[seen] * 1000 < until);
			until += until / 8 + 333;
			slices++;
		}
		assert_int_equal(end, SIM_ENGINE_EMPTY);
		assert_true(slices > 50);
		assert_same(&whole, &sliced);
		run_fini(&whole);
		run_fini(&sliced);
	}
}

static void test_stop_ends_both_engines_after_the_same_window(void **state)
{
	struct run windows, heap, whole;

	(void)state;
	run_init(&windows, SIM_ENGINE_WINDOW, 11, 17, 1000);
	run_init(&heap, SIM_ENGINE_HEAP, 11, 17, 1000);
	run_init(&whole, SIM_ENGINE_WINDOW, 11, 17, 1000);
	run_through(&whole, 100);
	model_start(&windows.model, windows.engine, 100);
	model_start(&heap.model, heap.engine, 100);
	for (uint64_t stop = 10; stop <= 200; stop += 10) {
		windows.model.stop_at = heap.model.stop_at = windows.model.process[0].handled + 1 + stop % 3;
		assert_int_equal(sim_engine_run(windows.engine, SIM_PS_NEVER), SIM_ENGINE_STOPPED);
		assert_int_equal(sim_engine_run(heap.engine, SIM_PS_NEVER), SIM_ENGINE_STOPPED);
		assert_same(&windows, &heap);
	}
	windows.model.stop_at = heap.model.stop_at = 0;
	assert_int_equal(sim_engine_run(windows.engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	assert_int_equal(sim_engine_run(heap.engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	assert_same(&windows, &heap);
	assert_same(&windows, &whole);
	run_fini(&windows);
	run_fini(&heap);
	run_fini(&whole);
}

static void test_events_may_be_posted_between_runs(void **state)
{
	struct run run[2];

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		run_init(&run[kind], (enum sim_engine_kind)kind, 13, 5, 1000);
		/* A search for the next window must not close the windows before it. */
		sim_engine_post(run[kind].engine, 0, 1, UINT64_C(1000) * 5000000);
		assert_int_equal(sim_engine_run(run[kind].engine, 1000000), SIM_ENGINE_UNTIL);
		sim_engine_post(run[kind].engine, 1, 2, 0);
		sim_engine_post(run[kind].engine, 2, 2, UINT64_C(1000) * 4999999);
		assert_int_equal(sim_engine_run(run[kind].engine, 1000000), SIM_ENGINE_UNTIL);
		assert_int_equal(sim_engine_now(run[kind].engine), 0);
		sim_engine_post(run[kind].engine, 1, 2, 1000); /* the first window that is still open */
		assert_int_equal(sim_engine_run(run[kind].engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
		assert_int_equal(sim_engine_events(run[kind].engine), 4);
		assert_int_equal(sim_engine_windows(run[kind].engine), 4);
		assert_int_equal(sim_engine_now(run[kind].engine), UINT64_C(1000) * 5000000);
	}
	assert_same(&run[0], &run[1]);
	run_fini(&run[0]);
	run_fini(&run[1]);
}

static void test_a_hot_process_handles_thousands_of_events_in_order(void **state)
{
	enum { EVENTS = 20000, SOURCES = 50 };
	struct run run[2];

	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		uint64_t seed = 17;

		run_init(&run[kind], (enum sim_engine_kind)kind, 0, SOURCES, UINT64_C(1) << 20);
		for (int i = 0; i < EVENTS; i++) { /* few times, so that source and sequence decide, too */
			uint64_t random = next_random(&seed);
			sim_ps time = random % 1024 << 10;

			sim_engine_post(run[kind].engine, (uint32_t)(random >> 32) % SOURCES, 0, time);
		}
		assert_int_equal(sim_engine_run(run[kind].engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
		assert_int_equal(run[kind].seen_count, EVENTS);
		assert_int_equal(sim_engine_windows(run[kind].engine), 1);
		for (int i = 1; i < EVENTS; i++)
			assert_true(before(&run[kind].seen[i - 1], &run[kind].seen[i]));
	}
	assert_same(&run[0], &run[1]);
	run_fini(&run[0]);
	run_fini(&run[1]);
}

static void test_lists_of_every_length_are_sorted(void **state)
{
	struct run run;
	uint64_t seed = 19;

	(void)state;
	run_init(&run, SIM_ENGINE_WINDOW, 0, 200, 1000);
	for (uint32_t process = 0; process < 200; process++)
		for (uint32_t i = 0; i <= process; i++)
			sim_engine_post(run.engine, (uint32_t)next_random(&seed) % 200, process,
					process * UINT64_C(1000) + next_random(&seed) % 1000);
	assert_int_equal(sim_engine_run(run.engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	assert_int_equal(run.seen_count, 200 * 201 / 2);
	for (size_t i = 1; i < run.seen_count; i++)
		assert_true(before(&run.seen[i - 1], &run.seen[i]));
	run_fini(&run);
}

static void test_any_distance_of_time_is_reached(void **state)
{
	static const sim_ps far_widths[] = {1, 3, 1000, SIM_PS_PER_S};
	struct run run[2];

	(void)state;
	for (size_t w = 0; w < sizeof(far_widths) / sizeof(*far_widths); w++) {
		for (int kind = 0; kind < 2; kind++) {
			run_init(&run[kind], (enum sim_engine_kind)kind, 0, 3, far_widths[w]);
			sim_engine_post(run[kind].engine, 2, 1, UINT64_MAX);
			sim_engine_post(run[kind].engine, 2, 1, UINT64_MAX - 1);
			for (unsigned bit = 0; bit < 64; bit++)
				for (unsigned near = 0; near < 3; near++)
					sim_engine_post(run[kind].engine, 0, near,
							(UINT64_C(1) << bit) - 1 + near);
			assert_int_equal(sim_engine_run(run[kind].engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
			assert_int_equal(sim_engine_events(run[kind].engine), 2 + 64 * 3);
			assert_int_equal(sim_engine_now(run[kind].engine), UINT64_MAX);
		}
		assert_same(&run[0], &run[1]);
		run_fini(&run[0]);
		run_fini(&run[1]);
	}
}

/* The division is done by a reciprocal; the tap compares each window with the quotient. */
static void test_windows_begin_exactly_at_multiples_of_the_lookahead(void **state)
{
	static const sim_ps divisors[] = {
		1, 2, 3, 7, 641, 1000, 999999937, SIM_PS_PER_S, (UINT64_C(1) << 63) + 1, UINT64_MAX};
	uint64_t seed = 25;

	(void)state;
	for (size_t d = 0; d < sizeof(divisors) / sizeof(*divisors); d++) {
		struct run run;
		sim_ps width = divisors[d];

		run_init(&run, SIM_ENGINE_HEAP, 0, 1, width);
		for (int i = 0; i < 1000; i++) {
			sim_ps time = next_random(&seed) / width * width;

			sim_engine_post(run.engine, 0, 0, time);
			sim_engine_post(run.engine, 0, 0, time - (time > 0));
			sim_engine_post(run.engine, 0, 0, time + 1);
		}
		assert_int_equal(sim_engine_run(run.engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
		assert_int_equal(sim_engine_events(run.engine), 3000);
		run_fini(&run);
	}
}

static void handle_bare(void *context, struct sim_engine *engine, const struct sim_event *event)
{
	model_handle(context, engine, event);
}

static void test_without_digest_the_order_is_the_same_and_the_digest_is_zero(void **state)
{
	struct run full;

	(void)state;
	run_init(&full, SIM_ENGINE_HEAP, 21, 17, 1000);
	run_through(&full, 100);
	for (int kind = 0; kind < 2; kind++) {
		struct model model;
		struct sim_engine *engine;
		struct sim_engine_config config = {.kind = (enum sim_engine_kind)kind,
						   .processes = 17,
						   .lookahead_ps = 1000,
						   .handler = handle_bare,
						   .context = &model};

		model_init(&model, 21, 17, 1000);
		assert_int_equal(sim_engine_new(&engine, &config), 0);
		model_start(&model, engine, 100);
		assert_int_equal(sim_engine_run(engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
		assert_memory_equal(model.process, full.model.process, 17 * sizeof(*model.process));
		assert_int_equal(sim_engine_digest(engine), 0);
		assert_int_equal(sim_engine_windows(engine), sim_engine_windows(full.engine));
		sim_engine_free(engine);
		free(model.process);
	}
	run_fini(&full);
}

static void test_memory_is_used_again(void **state)
{
	struct run run;
	size_t bytes;

	(void)state;
	run_init(&run, SIM_ENGINE_WINDOW, 23, 17, 1000);
	run_through(&run, 200);
	bytes = sim_engine_bytes(run.engine);
	assert_true(bytes > 17 * 64);
	for (int i = 0; i < 5; i++) {
		sim_ps start = sim_engine_now(run.engine) + 1000;

		for (uint32_t process = 0; process < 17; process++)
			sim_engine_post(run.engine, process, process, start);
		assert_int_equal(sim_engine_run(run.engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	}
	assert_int_equal(sim_engine_bytes(run.engine), bytes);
	run_fini(&run);
}

static void test_new_refuses_no_processes_and_no_lookahead(void **state)
{
	struct sim_engine *engine = NULL;
	struct sim_engine_config config = {.processes = 0, .lookahead_ps = 1, .handler = handle_bare};

	(void)state;
	assert_int_equal(sim_engine_new(&engine, &config), -EINVAL);
	config.processes = 1;
	config.lookahead_ps = 0;
	assert_int_equal(sim_engine_new(&engine, &config), -EINVAL);
	assert_null(engine);
	sim_engine_free(NULL);
}

/* Faults of a model. Each is tried in a child, which must end with 70; without the fault it ends with 0. */
enum fault {
	NONE,
	CROSS_TOO_SOON,
	SELF_IN_THE_PAST,
	FOR_ANOTHER,
	NO_SUCH_PROCESS,
	RUN_INSIDE,
	WINDOW_CLOSED
};

static void handle_fault(void *context, struct sim_engine *engine, const struct sim_event *event)
{
	if (event->time != 500)
		return;
	switch (*(const enum fault *)context) {
	case CROSS_TOO_SOON:
		sim_engine_post(engine, 1, 2, event->time + 999);
		break;
	case SELF_IN_THE_PAST:
		sim_engine_post(engine, 1, 1, event->time - 1);
		break;
	case FOR_ANOTHER:
		sim_engine_post(engine, 2, 1, event->time + 5000);
		break;
	case NO_SUCH_PROCESS:
		sim_engine_post(engine, 1, 4, event->time + 5000);
		break;
	case RUN_INSIDE:
		sim_engine_run(engine, SIM_PS_NEVER);
		break;
	default:
		sim_engine_post(engine, 1, 2, event->time + 1000);
	}
}

static int exit_code_of(enum sim_engine_kind kind, enum fault fault)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct sim_engine *engine;
		struct sim_engine_config config = {.kind = kind,
						   .processes = 4,
						   .lookahead_ps = 1000,
						   .handler = handle_fault,
						   .context = &fault};
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDERR_FILENO);
		if (sim_engine_new(&engine, &config) < 0)
			_exit(1);
		sim_engine_post(engine, 0, 1, 500);
		sim_engine_run(engine, SIM_PS_NEVER);
		if (fault == WINDOW_CLOSED)
			sim_engine_post(engine, 0, 1, 1999);
		_exit(sim_engine_events(engine) == 2 ? 0 : 1);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_a_fault_of_the_model_ends_the_program_with_70(void **state)
{
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		assert_int_equal(exit_code_of((enum sim_engine_kind)kind, NONE), 0);
		for (enum fault fault = CROSS_TOO_SOON; fault <= WINDOW_CLOSED; fault++)
			assert_int_equal(exit_code_of((enum sim_engine_kind)kind, fault), 70);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_engines_give_the_same_order_and_digest),
		cmocka_unit_test(test_both_engines_agree_with_a_naive_engine),
		cmocka_unit_test(test_the_digest_is_the_tree_that_the_header_describes),
		cmocka_unit_test(test_another_seed_or_any_disturbance_gives_another_digest),
		cmocka_unit_test(test_the_digest_of_a_known_run_is_known),
		cmocka_unit_test(test_slices_of_a_run_do_not_change_it),
		cmocka_unit_test(test_stop_ends_both_engines_after_the_same_window),
		cmocka_unit_test(test_events_may_be_posted_between_runs),
		cmocka_unit_test(test_a_hot_process_handles_thousands_of_events_in_order),
		cmocka_unit_test(test_lists_of_every_length_are_sorted),
		cmocka_unit_test(test_any_distance_of_time_is_reached),
		cmocka_unit_test(test_windows_begin_exactly_at_multiples_of_the_lookahead),
		cmocka_unit_test(test_without_digest_the_order_is_the_same_and_the_digest_is_zero),
		cmocka_unit_test(test_memory_is_used_again),
		cmocka_unit_test(test_new_refuses_no_processes_and_no_lookahead),
		cmocka_unit_test(test_a_fault_of_the_model_ends_the_program_with_70),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
