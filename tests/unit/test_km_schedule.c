/* kernelmodel/schedule.c, release.c, domain.c and sched_context.c: who runs next, on which core, and with
 * whose time. */
#include "tests/unit/km_world.h"
#include "kernelmodel/sched.h"

#define US TICKS_US

static struct km_sched_context *sc_at(struct world *w, uint64_t cptr) { return object_of(w, cptr); }
static void until_timer(struct world *w)
{
	w->core->now = w->core->timer_at;
	km_timer(w->k, w->core);
}

/* Each fact twice: by the short way of a signal, and by the long one. */
static int setup_slow(void **state)
{
	setup(state);
	((struct world *)*state)->slow = 1;
	return 0;
}
#define BOTH(name)                                                                                           \
	cmocka_unit_test_setup_teardown(name, setup, teardown),                                              \
		cmocka_unit_test_setup_teardown(name, setup_slow, teardown)

/* ---- the ready queues ---- */

static void test_the_highest_priority_runs(void **state)
{
	struct world *w = *state;
	static const unsigned priority[] = {3, 200, 64, 63, 127, 128, 2, 254, 191, 192};
	struct thread thread[10];
	uint64_t ntfn = notification(w);
	unsigned last = 256;

	for (unsigned i = 0; i < 10; i++)
		thread[i] = thread_started(w, priority[i], WITH_SC);
	world_start(w);
	for (unsigned n = 0; n < 10; n++) {
		const struct km_tcb *tcb = w->core->current;

		assert_true(tcb->priority < last);
		assert_int_not_equal(tcb->priority, 1);
		last = tcb->priority;
		for (unsigned i = 0; i < 10; i++)
			if (thread[i].t == tcb)
				wait_on(w, &thread[i], ntfn);
		world_check(w);
	}
	assert_true(is_current(w, &w->root));
}

/* Threads that wait for signals, so that the tests decide who is ready. */
struct sleeper {
	struct thread thread;
	uint64_t ntfn;
};
static struct sleeper sleeper(struct world *w, unsigned priority)
{
	struct sleeper s = {thread_started(w, priority, WITH_SC | WITH_BUFFER), notification(w)};

	world_start(w);
	wait_on(w, &s.thread, s.ntfn);
	world_stop(w);
	return s;
}
static void wake_up(struct world *w, const struct thread *by, const struct sleeper *s)
{
	send(w, by, s->ntfn, 0);
}
static void sleep_again(struct world *w, const struct sleeper *s) { wait_on(w, &s->thread, s->ntfn); }

static void test_a_higher_priority_preempts_there_and_then(void **state)
{
	struct world *w = *state;
	struct sleeper low = sleeper(w, 50), high = sleeper(w, 100);

	world_start(w);
	wake_up(w, &w->root, &low);
	assert_true(is_current(w, &low.thread));
	wake_up(w, &low.thread, &high);
	assert_true(is_current(w, &high.thread));
	assert_true(low.thread.t->queued);
}

static void test_an_equal_priority_waits_at_the_tail(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50), b = sleeper(w, 50), c = sleeper(w, 50);

	world_start(w);
	wake_up(w, &w->root, &a);
	wake_up(w, &a.thread, &b);
	assert_true(is_current(w, &a.thread));
	wake_up(w, &a.thread, &c);
	assert_true(is_current(w, &a.thread));
	sleep_again(w, &a);
	assert_true(is_current(w, &b.thread));
	sleep_again(w, &b);
	assert_true(is_current(w, &c.thread));
}

static void test_who_is_preempted_goes_to_the_head(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50), b = sleeper(w, 50), high = sleeper(w, 100);

	world_start(w);
	wake_up(w, &w->root, &a);
	wake_up(w, &a.thread, &b);
	wake_up(w, &a.thread, &high);
	sleep_again(w, &high);
	assert_true(is_current(w, &a.thread));
}

static void test_who_yields_goes_to_the_tail(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50), b = sleeper(w, 50);

	world_start(w);
	wake_up(w, &w->root, &a);
	wake_up(w, &a.thread, &b);
	sys(w, &a.thread, seL4_SysYield, 0, 0);
	assert_true(is_current(w, &b.thread));
	sys(w, &b.thread, seL4_SysYield, 0, 0);
	assert_true(is_current(w, &a.thread));
}

static void test_a_lower_candidate_yields_to_who_is_ready_between(void **state)
{
	struct world *w = *state;
	struct sleeper low = sleeper(w, 20), middle = sleeper(w, 50), high = sleeper(w, 100);

	world_start(w);
	wake_up(w, &w->root, &high);
	wake_up(w, &high.thread, &middle);
	/* One entry wakes the lowest and puts the highest to sleep. */
	high.thread.t->context.reg[KM_REG_REPLY] = low.ntfn;
	sys(w, &high.thread, seL4_SysNBSendWait, high.ntfn, 0);
	assert_true(is_current(w, &middle.thread));
	assert_true(low.thread.t->queued);
}

static void test_a_new_priority_reorders_at_once(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50), b = sleeper(w, 40);

	world_start(w);
	wake_up(w, &w->root, &a);
	wake_up(w, &a.thread, &b);
	set_priority(w, &a.thread, &b.thread, 60);
	assert_true(is_current(w, &b.thread));
	set_priority(w, &b.thread, &b.thread, 30);
	assert_true(is_current(w, &a.thread));
	/* At an equal priority it goes to the head, but the thread that runs is put before it. */
	set_priority(w, &a.thread, &b.thread, 50);
	assert_true(is_current(w, &a.thread));
	sleep_again(w, &a);
	assert_true(is_current(w, &b.thread));
}

static void test_a_blocked_thread_moves_in_its_queue_with_its_priority(void **state)
{
	struct world *w = *state;
	uint64_t ntfn = notification(w);
	struct thread a = thread_started(w, 50, WITH_SC), b = thread_started(w, 40, WITH_SC);

	world_start(w);
	wait_on(w, &a, ntfn);
	wait_on(w, &b, ntfn);
	set_priority(w, &w->root, &b, 60);
	send(w, &w->root, ntfn, 0);
	assert_true(is_current(w, &b));
}

static void test_with_nobody_ready_the_idle_thread_waits_for_the_first_release(void **state)
{
	struct world *w = *state;
	uint64_t ntfn = notification(w), sc = make(w, seL4_SchedContextObject, 8);
	struct thread a = thread_new(w, 100, 0);

	invoke_good(w, w->control, SchedControlConfigureFlags, LIST(100, 2000, 0, 0, 0), LIST(sc));
	invoke_good(w, sc, SchedContextBind, LIST(), LIST(a.tcb));
	invoke_good(w, a.tcb, TCBResume, LIST(), LIST());
	world_start(w);
	until_timer(w);
	wait_on(w, &w->root, ntfn);
	assert_ptr_equal(w->core->current, w->core->idle);
	assert_int_equal(w->core->timer_at, a.t->release_at);
	until_timer(w);
	assert_true(is_current(w, &a));
}

static void test_an_idle_core_with_nothing_to_wait_for_has_no_deadline(void **state)
{
	struct world *w = *state;

	wait_on(w, &w->root, notification(w));
	assert_ptr_equal(w->core->current, w->core->idle);
	assert_int_equal(w->core->timer_at, KM_NEVER);
	/* However long that lasts, and whoever looks meanwhile. */
	w->core->now += 1000000 * US;
	km_timer(w->k, w->core);
	assert_ptr_equal(w->core->current, w->core->idle);
	assert_int_equal(w->core->timer_at, KM_NEVER);
}

/* ---- the release queue, by itself ---- */

#define SLEEPERS 3000

struct lot {
	struct km_kernel k;
	struct km_core core;
	struct km_tcb *tcb[SLEEPERS];
	unsigned inserted[SLEEPERS]; /* when: orders those of one time */
};

static struct lot *lot_new(void)
{
	static const uint32_t free_of_charge[KM_WORK_KINDS];
	size_t size = 4096 + SLEEPERS * (2048 + 128);
	struct lot *lot = calloc(1, sizeof(*lot));

	assert_non_null(lot);
	lot->k = (struct km_kernel){.cores = 1, .ticks_per_us = US, .core = &lot->core, .self = &lot->core};
	lot->k.cost = free_of_charge;
	lot->k.size = size;
	lot->k.arena = calloc(1, size);
	assert_non_null(lot->k.arena);
	for (unsigned i = 0; i < SLEEPERS; i++) {
		unsigned char *at = lot->k.arena + 4096 + i * (2048 + 128);
		struct km_sched_context *sc = (struct km_sched_context *)(at + 2048);

		lot->tcb[i] = (struct km_tcb *)at;
		lot->tcb[i]->sc = km_ref_of(&lot->k, sc);
		sc->refill_max = 2;
		sc->refill_count = 1;
	}
	return lot;
}
static void lot_free(struct lot *lot)
{
	free(lot->k.arena);
	free(lot);
}
static void put_to_sleep(struct lot *lot, unsigned i, km_ticks until, unsigned n)
{
	km_refills(km_at(&lot->k, lot->tcb[i]->sc))->time = until;
	lot->inserted[i] = n;
	km_release_enqueue(&lot->k, lot->tcb[i]);
}
static unsigned index_of(const struct lot *lot, km_ref at)
{
	return (unsigned)(((unsigned char *)km_at(&lot->k, at) - lot->k.arena - 4096) / (2048 + 128));
}
static unsigned depth_of(const struct lot *lot, km_ref at)
{
	unsigned left, right;

	if (!at)
		return 0;
	left = depth_of(lot, KM_TCB(&lot->k, at)->release_left);
	right = depth_of(lot, KM_TCB(&lot->k, at)->release_right);
	return 1 + (left > right ? left : right);
}
/* In the order of time, then of arrival; linked both ways; all there. */
static void assert_ordered(const struct lot *lot, unsigned count)
{
	km_ref before = 0;

	for (km_ref at = lot->core.release.head; at; at = KM_TCB(&lot->k, at)->sched_next, count--) {
		const struct km_tcb *tcb = KM_TCB(&lot->k, at);

		assert_true(tcb->in_release_queue);
		assert_int_equal(tcb->sched_prev, before);
		if (before) {
			const struct km_tcb *last = KM_TCB(&lot->k, before);

			assert_true(last->release_at <= tcb->release_at);
			if (last->release_at == tcb->release_at)
				assert_true(lot->inserted[index_of(lot, before)] <
					    lot->inserted[index_of(lot, at)]);
		}
		before = at;
	}
	assert_int_equal(lot->core.release.tail, before);
	assert_int_equal(count, 0);
}

static void test_the_release_queue_is_ordered_whatever_comes_and_goes(void **state)
{
	struct lot *lot = lot_new();
	uint64_t seed = 7;
	unsigned count = 0;

	(void)state;
	for (unsigned n = 0; n < 20000; n++) {
		unsigned i;

		seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		i = (unsigned)(seed >> 33) % SLEEPERS;
		if (lot->tcb[i]->in_release_queue) {
			km_release_remove(&lot->k, lot->tcb[i]);
			count--;
		} else {
			put_to_sleep(lot, i, seed >> 50 & 0x3ff, n);
			count++;
		}
		if (n % 1000 == 0)
			assert_ordered(lot, count);
	}
	assert_ordered(lot, count);
	assert_true(count > SLEEPERS / 4);
	lot_free(lot);
}

/* The orders of arrival that make a list, or a tree without balance, slow: up, down, all at once. */
static void test_places_in_the_release_queue_are_found_in_logarithmic_time(void **state)
{
	(void)state;
	for (unsigned order = 0; order < 3; order++) {
		struct lot *lot = lot_new();

		for (unsigned i = 0; i < SLEEPERS; i++)
			put_to_sleep(lot, i, order == 0 ? i : order == 1 ? SLEEPERS - i : 5, i);
		assert_ordered(lot, SLEEPERS);
		assert_true(depth_of(lot, lot->core.release_root) < 40); /* log2(3000) is 11.6 */
		while (lot->core.release.head)
			km_release_remove(&lot->k, KM_TCB(&lot->k, lot->core.release.head));
		assert_int_equal(lot->core.release_root, 0);
		assert_int_equal(lot->core.release.tail, 0);
		lot_free(lot);
	}
}

/* ---- stopping and starting ---- */

static void test_a_cancelled_wait_is_done_again_on_resume(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50);

	invoke_good(w, a.thread.tcb, TCBSuspend, LIST(), LIST());
	assert_int_equal(a.thread.t->state, KM_INACTIVE);
	assert_int_equal(a.thread.t->context.reg[KM_RIP], 0x400100);
	a.thread.t->context.whole = 0;
	invoke_good(w, a.thread.tcb, TCBResume, LIST(), LIST());
	assert_int_equal(a.thread.t->state, KM_RESTART);
	world_start(w);
	assert_true(is_current(w, &a.thread));
	assert_int_equal(a.thread.t->context.next_ip, 0x400100);
	assert_true(a.thread.t->context.whole);
}

static void test_a_running_thread_goes_on_behind_its_system_call(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50);

	send(w, &w->root, a.ntfn, 0);
	assert_int_equal(a.thread.t->state, KM_RUNNING);
	invoke_good(w, a.thread.tcb, TCBSuspend, LIST(), LIST());
	assert_int_equal(a.thread.t->context.reg[KM_RIP], 0x400102);
	invoke_good(w, a.thread.tcb, TCBResume, LIST(), LIST());
	invoke_good(w, a.thread.tcb, TCBResume, LIST(), LIST()); /* of one that runs: nothing */
	world_start(w);
	assert_int_equal(a.thread.t->context.next_ip, 0x400102);
}

static void test_who_waits_for_a_release_can_be_stopped(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);
	uint64_t sc = context_of(w, 100, 1000, 0);

	invoke_good(w, sc, SchedContextBind, LIST(), LIST(a.tcb));
	invoke_good(w, a.tcb, TCBResume, LIST(), LIST());
	world_start(w);
	until_timer(w);
	assert_true(a.t->in_release_queue);
	invoke_good(w, a.tcb, TCBSuspend, LIST(), LIST());
	assert_false(a.t->in_release_queue);
	assert_int_equal(w->core->release.head, 0);
	/* Resumed before its time it waits on. */
	invoke_good(w, a.tcb, TCBResume, LIST(), LIST());
	assert_true(is_current(w, &w->root));
	assert_true(a.t->in_release_queue);
	until_timer(w);
	assert_true(is_current(w, &a));
}

static void test_a_message_without_a_context_does_not_start_a_passive_thread(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w), sc = context_of(w, 100, 100, 0);
	struct thread server = server_new(w, 100, 0, ep, reply);

	world_start(w);
	send(w, &w->root, ep, 0);
	assert_true(is_current(w, &w->root));
	assert_int_equal(server.t->state, KM_RUNNING);
	assert_int_equal(invoke(w, sc, SchedContextBind, LIST(), LIST(server.tcb)), seL4_NoError);
	assert_true(is_current(w, &server));
}

static void test_without_a_context_nobody_runs(void **state)
{
	struct world *w = *state;
	struct thread a = thread_started(w, 100, 0);
	uint64_t sc = make(w, seL4_SchedContextObject, 7);

	world_start(w);
	assert_true(is_current(w, &w->root));
	/* One that was never configured is as good as none. */
	invoke_good(w, sc, SchedContextBind, LIST(), LIST(a.tcb));
	assert_true(is_current(w, &w->root));
	invoke_good(w, w->control, SchedControlConfigureFlags, LIST(100, 100, 0, 0, 0), LIST(sc));
	assert_true(is_current(w, &a));
}

/* ---- scheduling contexts ---- */

static void test_bind_refuses_what_is_bound_or_could_not_run(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50);
	uint64_t ntfn = notification(w), other = notification(w), sc = context_of(w, 100, 100, 0);
	uint64_t idle = make(w, seL4_SchedContextObject, 7);
	struct thread fresh = thread_new(w, 50, 0);

	assert_int_equal(invoke(w, sc, SchedContextBind, LIST(), LIST()), seL4_TruncatedMessage);
	assert_int_equal(invoke(w, sc, SchedContextBind, LIST(), LIST(ROOT)), seL4_InvalidCapability);
	assert_int_equal(mr_of(w, &w->root, 0), 1);
	/* The context is taken; the thread has one; a thread that waits, and a context that could not run. */
	assert_int_equal(invoke(w, a.thread.sc, SchedContextBind, LIST(), LIST(fresh.tcb)),
			 seL4_IllegalOperation);
	assert_int_equal(invoke(w, sc, SchedContextBind, LIST(), LIST(a.thread.tcb)), seL4_IllegalOperation);
	invoke_good(w, a.thread.sc, SchedContextUnbind, LIST(), LIST());
	assert_int_equal(invoke(w, idle, SchedContextBind, LIST(), LIST(a.thread.tcb)),
			 seL4_IllegalOperation);
	invoke_good(w, idle, SchedContextBind, LIST(), LIST(fresh.tcb));
	invoke_good(w, sc, SchedContextBind, LIST(), LIST(a.thread.tcb));

	invoke_good(w, sc, SchedContextBind, LIST(), LIST(ntfn));
	assert_int_equal(invoke(w, sc, SchedContextBind, LIST(), LIST(other)), seL4_IllegalOperation);
	assert_int_equal(invoke(w, a.thread.sc, SchedContextBind, LIST(), LIST(ntfn)), seL4_IllegalOperation);
}

static void test_unbind_refuses_ones_own(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50);
	uint64_t ntfn = notification(w), other = notification(w);

	assert_int_equal(invoke(w, w->root.sc, SchedContextUnbind, LIST(), LIST()), seL4_IllegalOperation);
	assert_int_equal(invoke(w, w->root.sc, SchedContextUnbindObject, LIST(), LIST(w->root.tcb)),
			 seL4_IllegalOperation);
	assert_int_equal(invoke(w, a.thread.sc, SchedContextUnbindObject, LIST(), LIST()),
			 seL4_TruncatedMessage);
	assert_int_equal(invoke(w, a.thread.sc, SchedContextUnbindObject, LIST(), LIST(ROOT)),
			 seL4_InvalidCapability);
	assert_int_equal(mr_of(w, &w->root, 0), 1);
	assert_int_equal(invoke(w, a.thread.sc, SchedContextUnbindObject, LIST(), LIST(w->root.tcb)),
			 seL4_IllegalOperation);
	assert_int_equal(invoke(w, a.thread.sc, SchedContextUnbindObject, LIST(), LIST(ntfn)),
			 seL4_IllegalOperation);
	invoke_good(w, a.thread.sc, SchedContextBind, LIST(), LIST(ntfn));
	assert_int_equal(invoke(w, a.thread.sc, SchedContextUnbindObject, LIST(), LIST(other)),
			 seL4_IllegalOperation);
	invoke_good(w, a.thread.sc, SchedContextUnbindObject, LIST(), LIST(ntfn));
	assert_int_equal(sc_at(w, a.thread.sc)->notification, 0);
	invoke_good(w, a.thread.sc, SchedContextUnbindObject, LIST(), LIST(a.thread.tcb));
	assert_int_equal(a.thread.t->sc, 0);
	invoke_good(w, a.thread.sc, SchedContextUnbind, LIST(), LIST());
	assert_int_equal(invoke(w, a.thread.sc, 99, LIST(), LIST()), seL4_IllegalOperation);
}

static void test_a_signal_lends_the_notifications_context_until_the_next_wait(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50);

	invoke_good(w, a.thread.sc, SchedContextUnbind, LIST(), LIST());
	invoke_good(w, a.thread.sc, SchedContextBind, LIST(), LIST(a.ntfn));
	world_start(w);
	wake_up(w, &w->root, &a);
	assert_true(is_current(w, &a.thread));
	sleep_again(w, &a);
	assert_int_equal(a.thread.t->sc, 0);
	assert_true(is_current(w, &w->root));
}

static void test_a_context_that_goes_takes_its_thread_from_the_core(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50);

	world_start(w);
	wake_up(w, &w->root, &a);
	invoke_as(w, &a.thread, ROOT, CNodeDelete, LIST(a.thread.sc, 64), LIST());
	assert_true(is_current(w, &w->root));
	assert_int_equal(a.thread.t->sc, 0);
	assert_int_equal(a.thread.t->state, KM_RUNNING);
}

/* ---- SchedContext_YieldTo ---- */

static void test_yield_to_checks_who_may_be_yielded_to(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50), b = sleeper(w, 60);
	uint64_t sc = context_of(w, 100, 100, 0);

	invoke_good(w, a.thread.tcb, TCBSetMCPriority, LIST(59), LIST(w->root.tcb));
	world_start(w);
	wake_up(w, &w->root, &a);
	assert_int_equal(invoke_as(w, &a.thread, sc, SchedContextYieldTo, LIST(), LIST()),
			 seL4_IllegalOperation);
	assert_int_equal(invoke_as(w, &a.thread, a.thread.sc, SchedContextYieldTo, LIST(), LIST()),
			 seL4_IllegalOperation);
	assert_int_equal(invoke_as(w, &a.thread, b.thread.sc, SchedContextYieldTo, LIST(), LIST()),
			 seL4_IllegalOperation);
	/* The thread waits: the answer is there at once. */
	assert_int_equal(invoke_as(w, &a.thread, w->root.sc, SchedContextYieldTo, LIST(), LIST()),
			 seL4_NoError);
	assert_true(is_current(w, &a.thread));
}

static void test_yield_to_an_equal_runs_it_and_reports_its_time(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50), b = sleeper(w, 50), c = sleeper(w, 50);

	world_start(w);
	wake_up(w, &w->root, &a);
	wake_up(w, &a.thread, &b);
	wake_up(w, &a.thread, &c);
	/* What they used so far is taken, so that the answer below is what the last stretch came to. */
	invoke_as(w, &a.thread, b.thread.sc, SchedContextConsumed, LIST(), LIST());
	invoke_as(w, &a.thread, c.thread.sc, SchedContextConsumed, LIST(), LIST());
	call(w, &a.thread, c.thread.sc, info(SchedContextYieldTo, 0, 0));
	assert_true(is_current(w, &c.thread)); /* though b came first */
	w->core->now += 700 * US - 10;
	sleep_again(w, &c);
	assert_true(is_current(w, &a.thread));
	assert_int_equal(km_info_label(info_of(&a.thread)), seL4_NoError);
	assert_int_equal(mr_of(w, &a.thread, 0), 700);
	assert_int_equal(a.thread.t->yield_to, 0);
	assert_int_equal(sc_at(w, c.thread.sc)->yield_from, 0);
}

static void test_yield_to_a_lower_priority_only_puts_it_first(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50), b = sleeper(w, 40), c = sleeper(w, 40);

	world_start(w);
	wake_up(w, &w->root, &a);
	wake_up(w, &a.thread, &b);
	wake_up(w, &a.thread, &c);
	assert_int_equal(invoke_as(w, &a.thread, c.thread.sc, SchedContextYieldTo, LIST(), LIST()),
			 seL4_NoError);
	assert_true(is_current(w, &a.thread));
	sleep_again(w, &a);
	assert_true(is_current(w, &c.thread));
}

static void test_a_second_who_yields_ends_the_wait_of_the_first(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50), c = sleeper(w, 50), high = sleeper(w, 100);

	world_start(w);
	wake_up(w, &w->root, &a);
	wake_up(w, &a.thread, &c);
	invoke_as(w, &a.thread, c.thread.sc, SchedContextConsumed, LIST(), LIST());
	call(w, &a.thread, c.thread.sc, info(SchedContextYieldTo, 0, 0));
	w->core->now += 300 * US - 10;
	wake_up(w, &c.thread, &high);
	assert_int_not_equal(a.thread.t->yield_to, 0);
	/* The first to hear takes the time. */
	assert_int_equal(invoke_as(w, &high.thread, c.thread.sc, SchedContextYieldTo, LIST(), LIST()),
			 seL4_NoError);
	assert_int_equal(mr_of(w, &high.thread, 0), 0);
	assert_int_equal(a.thread.t->yield_to, 0);
	assert_int_equal(mr_of(w, &a.thread, 0), 300);
}

static void test_who_is_stopped_yields_to_nobody(void **state)
{
	struct world *w = *state;
	struct sleeper a = sleeper(w, 50), c = sleeper(w, 50);

	world_start(w);
	wake_up(w, &w->root, &a);
	wake_up(w, &a.thread, &c);
	call(w, &a.thread, c.thread.sc, info(SchedContextYieldTo, 0, 0));
	assert_int_equal(invoke_as(w, &c.thread, a.thread.tcb, TCBSuspend, LIST(), LIST()), seL4_NoError);
	assert_int_equal(a.thread.t->yield_to, 0);
	assert_int_equal(sc_at(w, c.thread.sc)->yield_from, 0);
}

static void test_unbinding_breaks_the_stack_of_calls(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread server = server_new(w, 40, 0, ep, reply);
	struct sleeper a = sleeper(w, 50), b = sleeper(w, 60);

	world_start(w);
	wake_up(w, &w->root, &a);
	call(w, &a.thread, ep, 0);
	assert_true(is_current(w, &server));
	wake_up(w, &server, &b);
	assert_int_equal(invoke_as(w, &b.thread, a.thread.sc, SchedContextUnbind, LIST(), LIST()),
			 seL4_NoError);
	assert_int_equal(sc_at(w, a.thread.sc)->reply, 0);
	assert_int_equal(((struct km_reply *)object_of(w, reply))->next, 0);
	assert_int_equal(server.t->sc, 0);
	assert_int_equal(a.thread.t->state, KM_BLOCKED_ON_REPLY);
}

/* ---- domains ---- */

#define DOMAIN seL4_CapDomain

static void assert_range(struct world *w, uint64_t error, km_word max)
{
	assert_int_equal(error, seL4_RangeError);
	assert_int_equal(mr_of(w, &w->root, 0), 0);
	assert_int_equal(mr_of(w, &w->root, 1), max);
}

static void test_domain_arguments_are_checked_in_order(void **state)
{
	struct world *w = *state;

	assert_int_equal(invoke(w, DOMAIN, DomainSetSet, LIST(), LIST(w->root.tcb)), seL4_TruncatedMessage);
	assert_int_equal(invoke(w, DOMAIN, DomainSetSet, LIST(4), LIST()), seL4_InvalidArgument);
	assert_int_equal(mr_of(w, &w->root, 0), 0);
	assert_int_equal(invoke(w, DOMAIN, DomainSetSet, LIST(3), LIST()), seL4_TruncatedMessage);
	assert_int_equal(invoke(w, DOMAIN, DomainSetSet, LIST(3), LIST(ROOT)), seL4_InvalidArgument);
	assert_int_equal(mr_of(w, &w->root, 0), 1);

	assert_int_equal(invoke(w, DOMAIN, DomainScheduleConfigure, LIST(0, 0), LIST()),
			 seL4_TruncatedMessage);
	assert_range(w, invoke(w, DOMAIN, DomainScheduleConfigure, LIST(KM_SCHEDULE_MAX - 1, 9, 1), LIST()),
		     KM_SCHEDULE_MAX - 2);
	assert_range(w, invoke(w, DOMAIN, DomainScheduleConfigure, LIST(1, 4, UINT64_MAX), LIST()), 3);
	assert_int_equal(
		invoke(w, DOMAIN, DomainScheduleConfigure, LIST(1, 1, KM_DOMAIN_FOR_EVER + 1), LIST()),
		seL4_InvalidArgument);
	assert_int_equal(mr_of(w, &w->root, 0), 2);
	assert_int_equal(invoke(w, DOMAIN, DomainScheduleConfigure, LIST(1, 1, 0), LIST()),
			 seL4_InvalidArgument);
	assert_int_equal(mr_of(w, &w->root, 0), 1);
	assert_int_equal(invoke(w, DOMAIN, DomainScheduleConfigure, LIST(0, 0, 0), LIST()),
			 seL4_InvalidArgument);
	assert_int_equal(mr_of(w, &w->root, 0), 2);

	assert_int_equal(invoke(w, DOMAIN, DomainScheduleSetStart, LIST(), LIST()), seL4_TruncatedMessage);
	assert_range(w, invoke(w, DOMAIN, DomainScheduleSetStart, LIST(KM_SCHEDULE_MAX), LIST()),
		     KM_SCHEDULE_MAX - 1);
	assert_int_equal(invoke(w, DOMAIN, DomainScheduleSetStart, LIST(5), LIST()), seL4_InvalidArgument);
	assert_int_equal(mr_of(w, &w->root, 0), 0);
	assert_int_equal(invoke(w, DOMAIN, 99, LIST(), LIST()), seL4_IllegalOperation);
}

static void test_domains_take_turns_and_hide_their_threads(void **state)
{
	struct world *w = *state;
	struct thread a = thread_started(w, 10, WITH_SC);
	km_ticks start;

	invoke_good(w, DOMAIN, DomainSetSet, LIST(1), LIST(a.tcb));
	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(4, 0, 2000 * US), LIST());
	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(5, 1, 1000 * US), LIST());
	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(6, 2, 500 * US), LIST());
	invoke_good(w, DOMAIN, DomainScheduleSetStart, LIST(4), LIST());
	start = w->core->now;
	for (unsigned round = 0; round < 2; round++) {
		assert_true(is_current(
			w, &w->root)); /* at priority 255: another domain's 10 is none of its business */
		assert_int_equal(w->core->timer_at, start + 2000 * US);
		until_timer(w);
		assert_true(is_current(w, &a));
		assert_int_equal(w->core->timer_at, start + 3000 * US);
		until_timer(w);
		assert_ptr_equal(w->core->current, w->core->idle);
		assert_int_equal(w->core->domain, 2);
		assert_int_equal(w->core->timer_at, start + 3500 * US);
		until_timer(w);
		start += 3500 * US;
	}
}

static void test_a_new_start_ends_the_running_entry(void **state)
{
	struct world *w = *state;
	struct thread a = thread_started(w, 10, WITH_SC | WITH_BUFFER);

	invoke_good(w, DOMAIN, DomainSetSet, LIST(1), LIST(a.tcb));
	/* Entry 1 would be next. */
	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(1, 2, 1000 * US), LIST());
	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(9, 1, KM_DOMAIN_FOR_EVER), LIST());
	invoke_good(w, DOMAIN, DomainScheduleSetStart, LIST(9), LIST());
	assert_true(is_current(w, &a));
	assert_int_equal(w->core->timer_at, w->core->now + 10000 * US); /* its slice: the domain has no end */
	invoke_as(w, &a, DOMAIN, DomainScheduleSetStart, LIST(0), LIST());
	assert_true(is_current(w, &w->root));
	/* Who leaves the domain that runs stops there and then. */
	invoke_as(w, &w->root, DOMAIN, DomainSetSet, LIST(3), LIST(w->root.tcb));
	assert_ptr_equal(w->core->current, w->core->idle);
}

static void test_at_the_end_of_its_domain_a_system_call_is_put_off(void **state)
{
	struct world *w = *state;
	uint64_t ntfn = notification(w);

	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(4, 0, 2000 * US), LIST());
	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(5, 1, 1000 * US), LIST());
	invoke_good(w, DOMAIN, DomainScheduleSetStart, LIST(4), LIST());
	w->core->now = w->core->timer_at - 15 * US; /* too little to get through */
	send(w, &w->root, ntfn, 0);
	assert_ptr_equal(w->core->current, w->core->idle);
	assert_int_equal(w->root.t->state, KM_RESTART);
	assert_int_equal(((struct km_notification *)object_of(w, ntfn))->state, KM_NTFN_IDLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(test_the_highest_priority_runs),
		BOTH(test_a_higher_priority_preempts_there_and_then),
		BOTH(test_an_equal_priority_waits_at_the_tail),
		BOTH(test_who_is_preempted_goes_to_the_head),
		BOTH(test_who_yields_goes_to_the_tail),
		BOTH(test_a_lower_candidate_yields_to_who_is_ready_between),
		BOTH(test_a_new_priority_reorders_at_once),
		BOTH(test_a_blocked_thread_moves_in_its_queue_with_its_priority),
		BOTH(test_with_nobody_ready_the_idle_thread_waits_for_the_first_release),
		BOTH(test_an_idle_core_with_nothing_to_wait_for_has_no_deadline),
		cmocka_unit_test(test_the_release_queue_is_ordered_whatever_comes_and_goes),
		cmocka_unit_test(test_places_in_the_release_queue_are_found_in_logarithmic_time),
		BOTH(test_a_cancelled_wait_is_done_again_on_resume),
		BOTH(test_a_running_thread_goes_on_behind_its_system_call),
		BOTH(test_who_waits_for_a_release_can_be_stopped),
		BOTH(test_a_message_without_a_context_does_not_start_a_passive_thread),
		BOTH(test_without_a_context_nobody_runs),
		BOTH(test_bind_refuses_what_is_bound_or_could_not_run),
		BOTH(test_unbind_refuses_ones_own),
		BOTH(test_a_signal_lends_the_notifications_context_until_the_next_wait),
		BOTH(test_a_context_that_goes_takes_its_thread_from_the_core),
		BOTH(test_yield_to_checks_who_may_be_yielded_to),
		BOTH(test_yield_to_an_equal_runs_it_and_reports_its_time),
		BOTH(test_yield_to_a_lower_priority_only_puts_it_first),
		BOTH(test_a_second_who_yields_ends_the_wait_of_the_first),
		BOTH(test_who_is_stopped_yields_to_nobody),
		BOTH(test_unbinding_breaks_the_stack_of_calls),
		BOTH(test_domain_arguments_are_checked_in_order),
		BOTH(test_domains_take_turns_and_hide_their_threads),
		BOTH(test_a_new_start_ends_the_running_entry),
		BOTH(test_at_the_end_of_its_domain_a_system_call_is_put_off),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
