/* kernelmodel/refill.c and sched_control.c: a context never gets more than its budget in any window of a
 * period, always gets all of it, and every entry, exit and invocation charges what it should. */
#include "tests/unit/km_world.h"

#define US TICKS_US

static struct km_sched_context *sc_at(struct world *w, uint64_t cptr) { return object_of(w, cptr); }

static const struct km_refill *refill(struct km_sched_context *sc, uint32_t i)
{
	return km_refills(sc) + (sc->refill_head + i) % sc->refill_max;
}
static km_ticks sum_of(struct km_sched_context *sc)
{
	km_ticks sum = 0;

	for (uint32_t i = 0; i < sc->refill_count; i++)
		sum += refill(sc, i)->amount;
	return sum;
}
static km_ticks head_time(struct km_sched_context *sc) { return refill(sc, 0)->time; }
static km_ticks head_amount(struct km_sched_context *sc) { return refill(sc, 0)->amount; }

/* What must hold between any two entries. */
static void assert_refills_sound(struct world *w, struct km_sched_context *sc, km_ticks budget)
{
	assert_in_range(sc->refill_count, 1, sc->refill_max);
	assert_int_equal(sum_of(sc), budget);
	assert_true(head_amount(sc) >= km_min_budget(w->k));
	for (uint32_t i = 0; sc->period && i + 1 < sc->refill_count; i++)
		assert_true(refill(sc, i)->time + refill(sc, i)->amount <= refill(sc, i + 1)->time);
}

/* The timer comes when it should. */
static void until_timer(struct world *w)
{
	w->core->now = w->core->timer_at;
	km_timer(w->k, w->core);
}

/* An interrupt that nobody owns, `us` later: an entry and nothing else. */
static void run_for(struct world *w, km_ticks ticks)
{
	w->core->now += ticks;
	km_timer(w->k, w->core);
}

/* ---- the sporadic server, by the function, against what it promises ---- */

struct use {
	km_ticks start, end;
};
struct budget_server {
	struct world *w;
	struct km_sched_context *sc;
	km_ticks budget, period;
	struct use use[600];
	unsigned uses, visited;
	uint64_t seed;
};
enum { FULL = 1, SINGLE = 2, SPLIT = 4, MERGED = 8, EXHAUSTED = 16, SMALL = 32 };

static uint64_t draw(struct budget_server *s, uint64_t below)
{
	s->seed = s->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (s->seed >> 33) % below;
}

static km_ticks used_between(const struct budget_server *s, km_ticks start, km_ticks end)
{
	km_ticks sum = 0;

	for (unsigned i = 0; i < s->uses; i++) {
		km_ticks from = s->use[i].start > start ? s->use[i].start : start;
		km_ticks to = s->use[i].end < end ? s->use[i].end : end;

		sum += to > from ? to - from : 0;
	}
	return sum;
}

/* The fullest windows begin or end with a use: it is enough to look at those. */
static void assert_windows(const struct budget_server *s)
{
	for (unsigned i = 0; i < s->uses; i++) {
		const struct use *u = &s->use[i];

		assert_true(used_between(s, u->start, u->start + s->period) <= s->budget);
		assert_true(u->end < s->period || used_between(s, u->end - s->period, u->end) <= s->budget);
	}
}

/* It waits for its head, or longer; it runs for a while, at most until the head is used up. */
static void step(struct budget_server *s, int greedy)
{
	struct km_core *core = s->w->core;
	km_ticks usage, before;
	uint32_t count;

	if (core->now < head_time(s->sc)) {
		/* Whoever looks too early gets nothing. */
		if (head_time(s->sc) - core->now > 100 * US)
			core->now += draw(s, head_time(s->sc) - core->now - 50 * US);
		if (core->now + 20 * US < head_time(s->sc))
			km_refill_unblock(s->w->k, s->sc);
		core->now = head_time(s->sc);
	} else if (!greedy)
		core->now += draw(s, 2 * s->period / 3);
	count = s->sc->refill_count;
	km_refill_unblock(s->w->k, s->sc);
	s->visited |= s->sc->refill_count < count ? MERGED : 0;
	assert_refills_sound(s->w, s->sc, s->budget);

	usage = head_amount(s->sc);
	if (!greedy && draw(s, 4))
		usage = 1 + draw(s, usage);
	before = head_amount(s->sc);
	count = s->sc->refill_count;
	s->use[s->uses++] = (struct use){core->now, core->now + usage};
	core->now += usage;
	km_refill_charge(s->w->k, s->sc, usage);
	assert_refills_sound(s->w, s->sc, s->budget);
	s->visited |= s->sc->refill_count == s->sc->refill_max ? FULL : 0;
	s->visited |= s->sc->refill_count == 1 ? SINGLE : 0;
	s->visited |= s->sc->refill_count > count ? SPLIT : 0;
	s->visited |= usage == before ? EXHAUSTED : 0;
	s->visited |= before - usage && before - usage < km_min_budget(s->w->k) ? SMALL : 0;
}

static struct budget_server *budget_server_new(struct world *w, struct km_sched_context *sc, uint64_t seed)
{
	struct budget_server *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->w = w;
	s->sc = sc;
	s->seed = seed;
	s->period = (100 + draw(s, 10000)) * US + draw(s, US);
	s->budget = km_min_budget(w->k) + draw(s, s->period - km_min_budget(w->k));
	km_refill_new(w->k, s->sc, KM_MIN_REFILLS + (unsigned)draw(s, 9), s->budget, s->period);
	return s;
}

static void test_no_window_of_a_period_holds_more_than_the_budget(void **state)
{
	struct world *w = *state;
	struct km_sched_context *sc = sc_at(w, make(w, seL4_SchedContextObject, 9));
	unsigned visited = 0;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct budget_server *s = budget_server_new(w, sc, seed);

		for (unsigned i = 0; i < 200; i++)
			step(s, 0);
		assert_windows(s);
		visited |= s->visited;
		free(s);
	}
	assert_int_equal(visited, FULL | SINGLE | SPLIT | MERGED | EXHAUSTED | SMALL);
}

static void test_who_never_sleeps_gets_the_whole_budget_of_each_period(void **state)
{
	struct world *w = *state;
	struct km_sched_context *sc = sc_at(w, make(w, seL4_SchedContextObject, 9));

	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct budget_server *s = budget_server_new(w, sc, seed);
		km_ticks start = w->core->now;

		for (unsigned i = 0; i < 300; i++)
			step(s, 1);
		assert_windows(s);
		for (km_ticks at = start; at + s->period <= w->core->now; at += s->period)
			assert_int_equal(used_between(s, at, at + s->period), s->budget);
		free(s);
	}
}

static void test_what_is_used_beyond_the_head_is_taken_from_the_next(void **state)
{
	struct world *w = *state;
	struct km_sched_context *sc = sc_at(w, make(w, seL4_SchedContextObject, 8));
	km_ticks start = w->core->now;

	km_refill_new(w->k, sc, 4, 300 * US, 1000 * US);
	km_refill_charge(w->k, sc, 100 * US);
	assert_int_equal(sc->refill_count, 2);
	assert_int_equal(head_time(sc), start + 100 * US);
	assert_int_equal(head_amount(sc), 200 * US);
	assert_int_equal(refill(sc, 1)->time, start + 1000 * US);
	assert_int_equal(refill(sc, 1)->amount, 100 * US);

	/* 50 us more than the 200 us that are there. */
	km_refill_charge(w->k, sc, 250 * US);
	assert_refills_sound(w, sc, 300 * US);
	assert_int_equal(head_time(sc), start + 1050 * US);
}

static void test_a_head_too_small_to_run_on_joins_the_next(void **state)
{
	struct world *w = *state;
	struct km_sched_context *sc = sc_at(w, make(w, seL4_SchedContextObject, 8));
	km_ticks start = w->core->now;

	km_refill_new(w->k, sc, 4, 100 * US, 1000 * US);
	km_refill_charge(w->k, sc, 90 * US);
	assert_int_equal(sc->refill_count, 1);
	assert_int_equal(head_amount(sc), 100 * US);
	assert_int_equal(head_time(sc), start + 990 * US); /* it ends when the refill of 90 us would have */
}

static void test_a_full_ring_puts_off_the_last_refill(void **state)
{
	struct world *w = *state;
	struct km_sched_context *sc = sc_at(w, make(w, seL4_SchedContextObject, 7));
	km_ticks start = w->core->now;

	km_refill_new(w->k, sc, 2, 300 * US, 1000 * US);
	km_refill_charge(w->k, sc, 100 * US);
	w->core->now = start + 200 * US;
	km_refill_unblock(w->k, sc);
	assert_int_equal(head_time(sc), start + 200 * US);
	km_refill_charge(w->k, sc, 100 * US);
	/* 100 us at 1000 and 100 us at 1200 become 200 us that end when the second would. */
	assert_int_equal(sc->refill_count, 2);
	assert_int_equal(refill(sc, 1)->time, start + 1100 * US);
	assert_int_equal(refill(sc, 1)->amount, 200 * US);
}

/* ---- through the kernel ---- */

static struct thread periodic(struct world *w, unsigned priority, uint64_t budget_us, uint64_t period_us,
			      uint64_t extra, uint64_t flags)
{
	struct thread t = thread_new(w, priority, WITH_BUFFER);

	t.sc = make(w, seL4_SchedContextObject, 8);
	invoke_good(w, w->control, SchedControlConfigureFlags, LIST(budget_us, period_us, extra, 77, flags),
		    LIST(t.sc));
	invoke_good(w, t.sc, SchedContextBind, LIST(), LIST(t.tcb));
	invoke_good(w, t.tcb, TCBResume, LIST(), LIST());
	return t;
}

static void test_a_thread_runs_its_budget_then_waits_for_its_period(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 200, 1000, 0, 0);
	km_ticks start;

	world_start(w);
	assert_true(is_current(w, &a));
	start = w->core->now;
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(w->core->now, start + i * 1000 * US);
		assert_int_equal(w->core->timer_at, start + (i * 1000 + 200) * US);
		until_timer(w);
		assert_true(is_current(w, &w->root));
		assert_true(a.t->in_release_queue);
		/* The root thread's slices of 5 ms do not end before. */
		assert_int_equal(w->core->timer_at, start + (i + 1) * 1000 * US);
		until_timer(w);
		assert_true(is_current(w, &a));
		world_check(w);
	}
}

static void test_a_release_that_would_be_due_before_the_exit_is_due_now(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 200, 1000, 0, 0);

	world_start(w);
	until_timer(w);
	w->core->now = a.t->release_at - 10 * US - 1;
	km_timer(w->k, w->core);
	assert_true(is_current(w, &w->root));
	w->core->now += 1;
	km_timer(w->k, w->core);
	assert_true(is_current(w, &a));
}

static void test_nothing_is_charged_until_the_timer_is_set_anew(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 500, 1000, 2, 0);
	uint64_t ntfn = notification(w);

	w->slow = 1; /* the short way would not even ask */
	world_start(w);
	w->core->now += 100 * US - 10;
	send(w, &a, ntfn, 0);
	assert_int_equal(w->core->consumed, 100 * US);
	assert_int_equal(sc_at(w, a.sc)->consumed, 0);
	assert_int_equal(head_amount(sc_at(w, a.sc)), 500 * US);
	wait_on(w, &a, ntfn);
	assert_true(is_current(w, &a)); /* the signal was there */
	wait_on(w, &a, ntfn);
	assert_int_equal(w->core->consumed, 0);
	assert_int_equal(sc_at(w, a.sc)->consumed, 100 * US + 20);
}

static void test_round_robin_threads_take_turns(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 1000, 1000, 0, 0), b = periodic(w, 100, 2000, 2000, 0, 0);

	world_start(w);
	for (unsigned i = 0; i < 4; i++) {
		struct thread *now = i % 2 ? &b : &a, *other = i % 2 ? &a : &b;
		km_ticks start = w->core->now;

		/* The order in which they were started: each was put at the head of the queue. */
		if (i == 0 && is_current(w, &b)) {
			until_timer(w);
			start = w->core->now;
		}
		assert_true(is_current(w, now));
		assert_true(other->t->queued);
		assert_int_equal(w->core->timer_at - start, (i % 2 ? 2000 : 1000) * US);
		run_for(w, 300 * US); /* an interrupt changes nothing */
		assert_true(is_current(w, now));
		assert_int_equal(w->core->timer_at - start, (i % 2 ? 2000 : 1000) * US);
		until_timer(w);
		assert_int_equal(w->core->now - start, (i % 2 ? 2000 : 1000) * US);
	}
}

static void test_a_slice_ends_when_it_no_longer_pays_for_an_entry(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 1000, 1000, 0, 0), b = periodic(w, 100, 1000, 1000, 0, 0);

	world_start(w);
	if (is_current(w, &b))
		until_timer(w);
	assert_true(is_current(w, &a));
	run_for(w, 980 * US);
	assert_true(is_current(w, &a)); /* 20 us are left */
	run_for(w, 1);
	assert_true(is_current(w, &b));
}

static void test_a_system_call_without_budget_is_done_again(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 200, 1000, 0, 0);
	uint64_t ntfn = notification(w);

	world_start(w);
	w->core->now += 190 * US;
	sys(w, &a, seL4_SysSend, ntfn, 0);
	assert_true(is_current(w, &w->root));
	assert_int_equal(a.t->state, KM_RESTART);
	assert_int_equal(((struct km_notification *)object_of(w, ntfn))->state, KM_NTFN_IDLE);
	until_timer(w);
	assert_true(is_current(w, &a));
	assert_int_equal(a.t->state, KM_RUNNING);
	assert_int_equal(a.t->context.next_ip, 0x400100);
	assert_true(a.t->context.whole);
}

static void test_yield_gives_up_the_head_and_counts_what_was_used(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 200, 1000, 2, 0);
	km_ticks start;

	world_start(w);
	start = w->core->now;
	w->core->now += 50 * US - 10;
	sys(w, &a, seL4_SysYield, 0, 0);
	assert_true(is_current(w, &w->root));
	assert_true(a.t->in_release_queue);
	assert_int_equal(a.t->release_at, start + 1000 * US);
	assert_int_equal(sc_at(w, a.sc)->consumed, 50 * US);
	until_timer(w);
	assert_true(is_current(w, &a));
	assert_int_equal(head_amount(sc_at(w, a.sc)), 200 * US);
}

static void test_yield_of_a_round_robin_thread_goes_to_the_tail_with_a_new_slice(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 1000, 1000, 0, 0), b = periodic(w, 100, 1000, 1000, 0, 0);
	struct thread *first, *second;

	world_start(w);
	first = is_current(w, &a) ? &a : &b;
	second = first == &a ? &b : &a;
	w->core->now += 400 * US - 10;
	sys(w, first, seL4_SysYield, 0, 0);
	assert_true(is_current(w, second));
	assert_int_equal(head_amount(sc_at(w, first->sc)), 1000 * US);
	assert_int_equal(sc_at(w, first->sc)->consumed, 400 * US);
	sys(w, second, seL4_SysYield, 0, 0);
	assert_true(is_current(w, first));
	assert_int_equal(w->core->timer_at, w->core->now + 1000 * US);
}

/* It waits for a signal, and is preempted by who gives it. */
static void sleep_then_wake(struct world *w, struct thread *a, uint64_t ntfn, km_ticks sleep)
{
	wait_on(w, a, ntfn);
	assert_true(is_current(w, &w->root));
	w->core->now += sleep - 10;
	send(w, &w->root, ntfn, 0);
}

static void test_refills_that_were_slept_through_begin_when_the_thread_runs(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 200, 1000, 2, 0);
	uint64_t ntfn = notification(w);

	world_start(w);
	w->core->now += 100 * US;
	sleep_then_wake(w, &a, ntfn, 500 * US);
	assert_true(is_current(w, &a));
	assert_int_equal(head_time(sc_at(w, a.sc)), w->core->now);
	assert_int_equal(head_amount(sc_at(w, a.sc)), 100 * US - 10);
	sleep_then_wake(w, &a, ntfn, 3000 * US);
	assert_int_equal(head_time(sc_at(w, a.sc)), w->core->now);
	assert_int_equal(head_amount(sc_at(w, a.sc)), 200 * US);
}

/* Priority 50 has the core while 100 is runnable and its refill ready: a sporadic context's refill does
 * not move. */
static void test_a_sporadic_context_begins_its_refill_when_its_thread_becomes_runnable(void **state)
{
	for (unsigned sporadic = 0; sporadic < 2; sporadic++) {
		struct world *w = *state;
		uint64_t ntfn = notification(w), other = notification(w);
		struct thread hog, a;
		km_ticks woken;

		world_stop(w);
		hog = periodic(w, 200, 1000, 1000, 0, 0);
		a = periodic(w, 100, 200, 100000, 2, sporadic ? seL4_SchedContext_Sporadic : 0);
		world_start(w);
		wait_on(w, &hog, other);
		wait_on(w, &a, ntfn);
		send(w, &w->root, other, 0);
		w->core->now += 500 * US;
		send(w, &hog, ntfn, 0);
		woken = w->core->now;
		assert_true(is_current(w, &hog));
		w->core->now += 300 * US;
		wait_on(w, &hog, other);
		assert_true(is_current(w, &a));
		assert_int_equal(head_time(sc_at(w, a.sc)), sporadic ? woken : w->core->now);
		invoke_as(w, &a, a.tcb, TCBSuspend, LIST(), LIST());
		assert_true(is_current(w, &w->root));
		world_stop(w);
	}
}

/* Suspended, it sleeps through its refill; then it is resumed, but somebody better runs. */
static void test_a_sporadic_context_begins_its_refill_when_its_thread_is_resumed(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 200, 100000, 2, seL4_SchedContext_Sporadic);

	invoke_good(w, a.tcb, TCBSuspend, LIST(), LIST());
	w->core->now += 500 * US;
	invoke_good(w, a.tcb, TCBResume, LIST(), LIST());
	assert_int_equal(head_time(sc_at(w, a.sc)), w->core->now);
	/* The same for a context that comes to a thread. */
	invoke_good(w, a.sc, SchedContextUnbind, LIST(), LIST());
	w->core->now += 500 * US;
	invoke_good(w, a.sc, SchedContextBind, LIST(), LIST(a.tcb));
	assert_int_equal(head_time(sc_at(w, a.sc)), w->core->now);
}

static void test_a_timeout_fault_is_sent_when_there_is_a_handler(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread handler = thread_started(w, 200, WITH_SC | WITH_BUFFER),
		      a = periodic(w, 100, 200, 1000, 0, 0);

	invoke_good(w, a.tcb, TCBSetTimeoutEndpoint, LIST(), LIST(mint(w, ep, KM_ALL_RIGHTS, 5)));
	world_start(w);
	recv(w, &handler, ep, reply);
	assert_true(is_current(w, &a));
	until_timer(w);
	assert_true(is_current(w, &handler));
	assert_int_equal(badge_of(&handler), 5);
	assert_int_equal(km_info_label(info_of(&handler)), seL4_Fault_Timeout);
	assert_int_equal(mr_of(w, &handler, 0), 77);
	assert_int_equal(mr_of(w, &handler, 1), 200);
	assert_int_equal(a.t->state, KM_BLOCKED_ON_REPLY);
	/* A reply with a label of 0 lets it run when its time comes; with more time that is now. */
	invoke_as(w, &handler, w->control, SchedControlConfigureFlags, LIST(300, 1000, 0, 77, 0), LIST(a.sc));
	reply_to(w, &handler, reply, info(0, 0, 0));
	assert_true(is_current(w, &handler));
	recv(w, &handler, ep, reply);
	assert_true(is_current(w, &a));
	assert_int_equal(w->core->timer_at - w->core->now, 300 * US);
}

static void test_a_round_robin_thread_has_no_timeout_faults(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w);
	struct thread a = periodic(w, 100, 1000, 1000, 0, 0);

	invoke_good(w, a.tcb, TCBSetTimeoutEndpoint, LIST(), LIST(ep));
	world_start(w);
	until_timer(w);
	assert_true(is_current(w, &a));
	assert_int_equal(a.t->fault.type, seL4_Fault_NullFault);
}

static void test_consumed_reports_committed_time_once(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 200, 1000, 0, 0);

	world_start(w);
	until_timer(w);
	assert_int_equal(invoke(w, a.sc, SchedContextConsumed, LIST(), LIST()), seL4_NoError);
	assert_int_equal(mr_of(w, &w->root, 0), 200);
	assert_int_equal(invoke(w, a.sc, SchedContextConsumed, LIST(), LIST()), seL4_NoError);
	assert_int_equal(mr_of(w, &w->root, 0), 0);
}

/* ---- SchedControl_ConfigureFlags ---- */

#define CONFIGURE(w, ...) invoke(w, (w)->control, SchedControlConfigureFlags, __VA_ARGS__)

static void assert_range(struct world *w, uint64_t error, km_word min, km_word max)
{
	assert_int_equal(error, seL4_RangeError);
	assert_int_equal(mr_of(w, &w->root, 0), min);
	assert_int_equal(mr_of(w, &w->root, 1), max);
}

static void test_configure_checks_times_before_the_context_and_refills_after(void **state)
{
	struct world *w = *state;
	uint64_t sc = make(w, seL4_SchedContextObject, 8), small = make(w, seL4_SchedContextObject, 7);
	km_word longest = UINT64_MAX / US / 8;

	assert_int_equal(CONFIGURE(w, LIST(100, 100, 0, 0, 0), LIST()), seL4_TruncatedMessage);
	assert_int_equal(CONFIGURE(w, LIST(100, 100, 0, 0), LIST(sc)), seL4_TruncatedMessage);
	assert_range(w, CONFIGURE(w, LIST(19, 100, 0, 0, 0), LIST(ROOT)), 20, longest);
	assert_range(w, CONFIGURE(w, LIST(longest + 1, 100, 0, 0, 0), LIST(ROOT)), 20, longest);
	assert_range(w, CONFIGURE(w, LIST(UINT64_MAX, 100, 0, 0, 0), LIST(ROOT)), 20, longest);
	assert_range(w, CONFIGURE(w, LIST(20, 19, 0, 0, 0), LIST(ROOT)), 20, longest);
	assert_range(w, CONFIGURE(w, LIST(20, longest + 1, 0, 0, 0), LIST(ROOT)), 20, longest);
	assert_range(w, CONFIGURE(w, LIST(101, 100, 0, 0, 0), LIST(ROOT)), 20, 100);
	assert_int_equal(CONFIGURE(w, LIST(100, 100, 99, 0, 0), LIST(ROOT)), seL4_InvalidCapability);
	assert_int_equal(mr_of(w, &w->root, 0), 1);
	assert_range(w, CONFIGURE(w, LIST(100, 100, 9, 0, 0), LIST(sc)), 0, 8);
	assert_range(w, CONFIGURE(w, LIST(100, 100, UINT64_MAX, 0, 0), LIST(sc)), 0, 8);
	assert_range(w, CONFIGURE(w, LIST(100, 100, 1, 0, 0), LIST(small)), 0, 0);
	assert_int_equal(sc_at(w, sc)->refill_max, 0);
	assert_int_equal(CONFIGURE(w, LIST(20, longest, 8, 1, 0), LIST(sc)), seL4_NoError);
	assert_int_equal(sc_at(w, sc)->refill_max, 10);
	assert_int_equal(CONFIGURE(w, LIST(100, 200, 0, 1, 0), LIST(small)), seL4_NoError);
	assert_int_equal(invoke(w, w->control, SchedContextBind, LIST(), LIST(sc)), seL4_IllegalOperation);
}

static void test_the_smallest_context_holds_its_refills(void **state)
{
	struct world *w = *state;
	uint64_t sc = make(w, seL4_SchedContextObject, 7), next = make(w, seL4_EndpointObject, 0);
	struct km_sched_context *context = sc_at(w, sc);

	assert_int_equal(CONFIGURE(w, LIST(100, 200, 0, 0, 0), LIST(sc)), seL4_NoError);
	km_refill_charge(w->k, context, 50 * US);
	assert_int_equal(context->refill_count, 2);
	assert_true((unsigned char *)(km_refills(context) + 2) <= (unsigned char *)context + 128);
	assert_int_equal(((struct km_endpoint *)object_of(w, next))->state, KM_EP_IDLE);
}

static void test_a_context_in_use_keeps_its_promise_when_configured_anew(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 200, 1000, 2, 0);
	struct km_sched_context *sc = sc_at(w, a.sc);
	km_ticks released;

	world_start(w);
	until_timer(w);
	assert_true(a.t->in_release_queue);
	released = a.t->release_at;
	assert_int_equal(CONFIGURE(w, LIST(300, 2000, 0, 1, 0), LIST(a.sc)), seL4_NoError);
	/* What it may have next still comes when it would have; the rest a period later. */
	assert_int_equal(head_time(sc), released);
	assert_int_equal(head_amount(sc), 200 * US);
	assert_int_equal(refill(sc, 1)->time, released + 2000 * US);
	assert_int_equal(refill(sc, 1)->amount, 100 * US);
	assert_true(a.t->in_release_queue);
	assert_int_equal(CONFIGURE(w, LIST(50, 2000, 0, 1, 0), LIST(a.sc)), seL4_NoError);
	assert_int_equal(sc->refill_count, 1);
	assert_int_equal(head_amount(sc), 50 * US);
	/* Round-robin never waits. */
	assert_int_equal(CONFIGURE(w, LIST(500, 500, 0, 1, 0), LIST(a.sc)), seL4_NoError);
	assert_true(is_current(w, &a));
}

static void test_a_context_that_is_not_in_use_starts_afresh(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 200, 1000, 2, 0);
	struct km_sched_context *sc = sc_at(w, a.sc);

	world_start(w);
	until_timer(w);
	assert_int_equal(invoke(w, a.tcb, TCBSuspend, LIST(), LIST()), seL4_NoError);
	assert_int_equal(CONFIGURE(w, LIST(300, 2000, 0, 1, 0), LIST(a.sc)), seL4_NoError);
	assert_int_equal(head_time(sc), w->core->now);
	assert_int_equal(head_amount(sc), 300 * US);
}

static void test_a_thread_that_configures_itself_is_billed_first(void **state)
{
	struct world *w = *state;
	struct thread a = periodic(w, 100, 500, 1000, 2, 0);
	struct km_sched_context *sc = sc_at(w, a.sc);

	world_start(w);
	w->core->now += 200 * US - 10;
	assert_int_equal(invoke_as(w, &a, w->control, SchedControlConfigureFlags, LIST(500, 1000, 2, 0, 0),
				   LIST(a.sc)),
			 seL4_NoError);
	assert_int_equal(sc->consumed, 200 * US);
	assert_int_equal(head_amount(sc), 300 * US);
	assert_int_equal(sum_of(sc), 500 * US);
	assert_true(is_current(w, &a));
	assert_int_equal(w->core->timer_at, w->core->now + 300 * US);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_window_of_a_period_holds_more_than_the_budget),
		TEST(test_who_never_sleeps_gets_the_whole_budget_of_each_period),
		TEST(test_what_is_used_beyond_the_head_is_taken_from_the_next),
		TEST(test_a_head_too_small_to_run_on_joins_the_next),
		TEST(test_a_full_ring_puts_off_the_last_refill),
		TEST(test_a_thread_runs_its_budget_then_waits_for_its_period),
		TEST(test_a_release_that_would_be_due_before_the_exit_is_due_now),
		TEST(test_nothing_is_charged_until_the_timer_is_set_anew),
		TEST(test_round_robin_threads_take_turns),
		TEST(test_a_slice_ends_when_it_no_longer_pays_for_an_entry),
		TEST(test_a_system_call_without_budget_is_done_again),
		TEST(test_yield_gives_up_the_head_and_counts_what_was_used),
		TEST(test_yield_of_a_round_robin_thread_goes_to_the_tail_with_a_new_slice),
		TEST(test_refills_that_were_slept_through_begin_when_the_thread_runs),
		TEST(test_a_sporadic_context_begins_its_refill_when_its_thread_becomes_runnable),
		TEST(test_a_sporadic_context_begins_its_refill_when_its_thread_is_resumed),
		TEST(test_a_timeout_fault_is_sent_when_there_is_a_handler),
		TEST(test_a_round_robin_thread_has_no_timeout_faults),
		TEST(test_consumed_reports_committed_time_once),
		TEST(test_configure_checks_times_before_the_context_and_refills_after),
		TEST(test_the_smallest_context_holds_its_refills),
		TEST(test_a_context_in_use_keeps_its_promise_when_configured_anew),
		TEST(test_a_context_that_is_not_in_use_starts_afresh),
		TEST(test_a_thread_that_configures_itself_is_billed_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
