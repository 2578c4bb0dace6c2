/* The native engine: whatever processes send to each other arrives once, in the order of its pair, not before it is due,
 * and the run ends when nothing is left. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "sim/native.h"
#include "sim/ticks.h"

#define PROCESSES_MAX 12

struct note {            /* the payload */
	uint64_t number; /* of its pair */
	uint64_t sent;   /* ticks since the run began */
	uint32_t hops;
	uint32_t check;
};

struct peer { /* of one process; only its thread touches it */
	uint64_t random;
	uint64_t sent[PROCESSES_MAX], taken[PROCESSES_MAX];
	uint64_t timers, wrong, early, last_timer;
} __attribute__((aligned(128)));

struct world {
	struct sim_engine *engine;
	struct sim_native_config native;
	uint32_t processes, fan;
	struct peer peer[PROCESSES_MAX];
	uint64_t stop_after; /* 0: never; events of process 0 */
	uint64_t events_of_0;
};

static uint32_t check_of(const struct note *n, uint32_t src, uint32_t dst)
{
	return (uint32_t)(n->number * 2654435761u ^ n->sent ^ n->hops * 97u ^ src << 8 ^ dst);
}

static uint64_t random_of(struct peer *p)
{
	p->random = p->random * 6364136223846793005u + 1442695040888963407u;
	return p->random >> 33;
}

static uint64_t now_of(const struct world *w) { return sim_ticks() - *sim_native_origin(w->engine); }

static void send(struct world *w, uint32_t src, uint32_t dst, uint32_t hops)
{
	struct note n = {.number = w->peer[src].sent[dst]++, .sent = now_of(w), .hops = hops};
	n.check = check_of(&n, src, dst);
	memcpy(sim_engine_send(w->engine, src, dst, 0, (unsigned)random_of(&w->peer[src]) % SIM_CLASSES), &n,
	       sizeof n);
}

static void post_to_self(struct world *w, uint32_t p, uint64_t at, uint32_t hops)
{
	const struct note n = {.number = at, .hops = hops};
	memcpy(sim_engine_post(w->engine, p, p, at), &n, sizeof n);
}

static void take(struct world *w, const struct sim_event *e, const struct note *n)
{
	struct peer *me = &w->peer[e->dst];
	if (n->number != me->taken[e->src]++ || n->check != check_of(n, e->src, e->dst))
		me->wrong++;
	if (e->time < n->sent + w->native.latency)
		me->early++;
}

static void handle(void *context, struct sim_engine *engine, const struct sim_event *e)
{
	struct world *w = context;
	struct peer *me = &w->peer[e->dst];
	struct note n;
	(void)engine;
	memcpy(&n, e->payload, sizeof n);
	if (e->src == e->dst) {
		me->timers++;
		me->wrong += e->time != n.number || now_of(w) < e->time;
	} else {
		take(w, e, &n);
	}
	if (e->dst == 0 && w->stop_after && ++w->events_of_0 == w->stop_after)
		sim_engine_stop(w->engine);
	if (!n.hops)
		return;
	for (uint32_t i = 0; i < w->fan; i++)
		send(w, e->dst, (e->dst + 1 + (uint32_t)random_of(me) % (w->processes - 1)) % w->processes,
		     n.hops - 1);
	if (random_of(me) % 4 == 0)
		post_to_self(w, e->dst, now_of(w) + random_of(me) % 20000, 0);
}

static void begin(struct world *w, uint32_t hops)
{
	const struct sim_engine_config config = {.kind = SIM_ENGINE_NATIVE,
						 .processes = w->processes,
						 .lookahead_ps = 1,
						 .handler = handle,
						 .context = w,
						 .native = &w->native};
	sim_ticks_open();
	assert_int_equal(sim_engine_new(&w->engine, &config), 0);
	for (uint32_t p = 0; p < w->processes; p++) {
		w->peer[p].random = p + 1;
		post_to_self(w, p, 1000 * p, hops);
	}
}

static void must_balance(struct world *w)
{
	for (uint32_t to = 0; to < w->processes; to++) {
		assert_int_equal(w->peer[to].wrong, 0);
		assert_int_equal(w->peer[to].early, 0);
		for (uint32_t from = 0; from < w->processes; from++)
			if (from != to)
				assert_int_equal(w->peer[to].taken[from], w->peer[from].sent[to]);
	}
}

static struct sim_native_stats run(struct world *w, uint32_t hops)
{
	struct sim_native_stats stats;
	begin(w, hops);
	assert_int_equal(sim_engine_run(w->engine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	must_balance(w);
	sim_native_stats(w->engine, &stats);
	sim_engine_free(w->engine);
	return stats;
}

static void test_every_frame_arrives_once_and_in_order_whatever_the_threads(void **state)
{
	static const struct {
		uint32_t processes, threads, fan, hops, slots;
		bool shares, no_lines;
	} cases[] = {{2, 2, 1, 400, 0, true, false}, {2, 1, 1, 400, 0, true, false},
		     {2, 2, 2, 9, 8, true, false},   {5, 3, 2, 8, 8, true, true},
		     {12, 4, 3, 6, 8, true, false},  {12, 12, 2, 7, 16, true, false},
		     {3, 2, 2, 8, 8, false, false}};
	struct sim_native_stats all = {0}, one;
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct world *w = aligned_alloc(128, sizeof *w);
		memset(w, 0, sizeof *w);
		w->processes = cases[i].processes;
		w->fan = cases[i].fan;
		w->native = (struct sim_native_config){.threads = cases[i].threads,
						       .shares = cases[i].shares,
						       .slots = cases[i].slots,
						       .no_lines = cases[i].no_lines};
		one = run(w, cases[i].hops);
		all.frames += one.frames, all.line_requests += one.line_requests;
		all.line_replies += one.line_replies, all.waited += one.waited, all.sleeps += one.sleeps;
		assert_true(!cases[i].no_lines || !one.line_requests);
		free(w);
	}
	/* What was never visited was not tested. */
	assert_true(all.frames > 10000);
	assert_true(all.line_requests > 0);
	assert_true(all.line_replies > 0);
	assert_true(all.waited > 0);
	assert_true(all.sleeps > 0);
}

static void test_added_latency_hides_a_frame_until_it_is_due(void **state)
{
	struct world *w = aligned_alloc(128, sizeof *w);
	(void)state;
	memset(w, 0, sizeof *w);
	w->processes = 3, w->fan = 1;
	w->native = (struct sim_native_config){
		.threads = 2, .shares = true, .latency = sim_ticks_open()->clock.hz / 20000};
	run(w, 60);
	free(w);
}

static void test_a_handler_stops_the_run_and_what_was_under_way_is_left(void **state)
{
	struct world *w = aligned_alloc(128, sizeof *w);
	(void)state;
	memset(w, 0, sizeof *w);
	w->processes = 4, w->fan = 1, w->stop_after = 50;
	w->native = (struct sim_native_config){.threads = 2, .shares = true};
	begin(w, 1000000);
	assert_int_equal(sim_engine_run(w->engine, SIM_PS_NEVER), SIM_ENGINE_STOPPED);
	assert_true(sim_engine_events(w->engine) >= 50);
	sim_engine_free(w->engine);
	free(w);
}

static void test_a_run_goes_on_after_its_time_and_can_be_halted(void **state)
{
	struct world *w = aligned_alloc(128, sizeof *w);
	(void)state;
	memset(w, 0, sizeof *w);
	w->processes = 2, w->fan = 1;
	w->native = (struct sim_native_config){.threads = 2, .shares = true};
	begin(w, 2000000000);
	assert_int_equal(sim_engine_run(w->engine, 1000000000), SIM_ENGINE_UNTIL);
	assert_int_equal(sim_engine_run(w->engine, 5000000000), SIM_ENGINE_UNTIL);
	sim_engine_halt(w->engine);
	sim_engine_halt(w->engine);
	assert_true(sim_engine_events(w->engine) > 0);
	sim_engine_free(w->engine);
	free(w);
}

static void test_an_engine_that_is_never_run_is_freed(void **state)
{
	struct world *w = aligned_alloc(128, sizeof *w);
	(void)state;
	memset(w, 0, sizeof *w);
	w->processes = 2, w->fan = 1;
	w->native = (struct sim_native_config){.threads = 1, .shares = true};
	begin(w, 3);
	sim_engine_free(w->engine);
	free(w);
}

static void test_what_cannot_be_is_refused(void **state)
{
	static const struct sim_native_config bad[] = {
		{.threads = 0}, {.threads = 3}, {.threads = 1, .slots = 4}, {.threads = 1, .slots = 12}};
	struct sim_engine *engine = NULL;
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct sim_engine_config config = {.kind = SIM_ENGINE_NATIVE,
							 .processes = 2,
							 .lookahead_ps = 1,
							 .handler = handle,
							 .native = &bad[i]};
		assert_int_equal(sim_engine_new(&engine, &config), -EINVAL);
		assert_null(engine);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_frame_arrives_once_and_in_order_whatever_the_threads),
		cmocka_unit_test(test_added_latency_hides_a_frame_until_it_is_due),
		cmocka_unit_test(test_a_handler_stops_the_run_and_what_was_under_way_is_left),
		cmocka_unit_test(test_a_run_goes_on_after_its_time_and_can_be_halted),
		cmocka_unit_test(test_an_engine_that_is_never_run_is_freed),
		cmocka_unit_test(test_what_cannot_be_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
