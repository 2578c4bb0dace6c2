/* tests/unit/test_km_notification.c - notifications of the kernel: signals, waiting, binding, by its system calls. */
#include "tests/unit/km_world.h"

static void test_signals_are_ored_and_taken_once(void **state)
{
	struct world *w = *state;
	uint64_t ntfn = notification(w), one = mint(w, ntfn, KM_ALL_RIGHTS, 1),
		 four = mint(w, ntfn, KM_ALL_RIGHTS, 4);

	send(w, &w->root, one, 0);
	send(w, &w->root, four, 0);
	sys(w, &w->root, seL4_SysWait, ntfn, 0x777);
	assert_int_equal(badge_of(&w->root), 5);
	assert_int_equal(info_of(&w->root), 0x777); /* a signal is no message */
	sys(w, &w->root, seL4_SysNBWait, ntfn, 0);
	assert_int_equal(badge_of(&w->root), 0);
}

static void test_a_signal_wakes_the_first_that_waits(void **state)
{
	struct world *w = *state;
	uint64_t ntfn = notification(w), badged = mint(w, ntfn, KM_ALL_RIGHTS, 6);
	struct thread low = thread_started(w, 4, WITH_SC), high = thread_started(w, 5, WITH_SC);

	world_start(w);
	wait_on(w, &high, ntfn);
	wait_on(w, &low, ntfn);
	world_stop(w);
	send(w, &w->root, badged, 0);
	assert_int_equal(high.t->state, KM_RUNNING);
	assert_int_equal(badge_of(&high), 6);
	assert_int_equal(low.t->state, KM_BLOCKED_ON_NOTIFICATION);
}

static void test_the_bound_notification_comes_before_the_endpoint(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), ntfn = notification(w), badged = mint(w, ntfn, KM_ALL_RIGHTS, 8),
		 reply = reply_object(w);
	struct thread sender = thread_started(w, 6, WITH_SC), server = bound_thread(w, 5, ntfn);

	send(w, &w->root, badged, 0);
	world_start(w);
	send(w, &sender, ep, info(1, 0, 0));
	recv(w, &server, ep, reply);
	assert_int_equal(badge_of(&server), 8);
	assert_int_equal(sender.t->state, KM_BLOCKED_ON_SEND);
	recv(w, &server, ep, reply);
	assert_int_equal(info_of(&server), info(1, 0, 0));
}

static void test_a_signal_reaches_a_bound_thread_in_receive_but_not_in_a_call(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), ntfn = notification(w), badged = mint(w, ntfn, KM_ALL_RIGHTS, 8);
	uint64_t reply = reply_object(w), mine = reply_object(w);
	struct thread server = server_new(w, 6, WITH_SC, ep, reply), client = bound_thread(w, 5, ntfn);

	world_start(w);
	call(w, &client, ep, info(0, 0, 0));
	send(w, &server, badged, 0);
	assert_int_equal(client.t->state, KM_BLOCKED_ON_REPLY);
	reply_recv(w, &server, ep, reply, info(0, 0, 0));
	recv(w, &client, ep, mine);
	assert_int_equal(badge_of(&client), 8); /* kept meanwhile */
	recv(w, &client, ep, mine);
	assert_int_equal(client.t->state, KM_BLOCKED_ON_RECEIVE);
	send(w, &w->root, badged, 0);
	assert_true(is_current(w, &client));
	assert_int_equal(badge_of(&client), 8);
	assert_int_equal(((struct km_reply *)object_of(w, mine))->tcb, 0);
}

static void test_a_passive_server_runs_on_the_context_of_its_notification(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), ntfn = notification(w), sc = context_of(w, 5000, 5000, 0),
		 reply = reply_object(w);
	struct thread server = server_new(w, 5, 0, ep, reply);

	invoke_good(w, sc, SchedContextBind, LIST(), LIST(ntfn));
	invoke_good(w, server.tcb, TCBBindNotification, LIST(), LIST(ntfn));
	world_start(w);
	send(w, &w->root, ntfn, 0);
	assert_true(is_current(w, &server));
	assert_ptr_equal(KM_SC(w->k, server.t->sc), object_of(w, sc));
	recv(w, &server, ep, reply);
	assert_int_equal(server.t->sc, 0);
	assert_int_equal(((struct km_sched_context *)object_of(w, sc))->tcb, 0);
	assert_true(is_current(w, &w->root));
}

static void test_a_passive_waiter_gives_the_context_of_its_notification_back(void **state)
{
	struct world *w = *state;
	uint64_t ntfn = notification(w), sc = context_of(w, 5000, 5000, 0);
	struct thread waiter = thread_started(w, 5, WITH_SC);

	world_start(w);
	wait_on(w, &waiter, ntfn);
	world_stop(w);
	invoke_good(w, waiter.sc, SchedContextUnbind, LIST(), LIST());
	invoke_good(w, sc, SchedContextBind, LIST(), LIST(ntfn));
	world_start(w);
	for (unsigned i = 0; i < 2; i++) {
		send(w, &w->root, ntfn, 0);
		assert_true(is_current(w, &waiter));
		assert_ptr_equal(KM_SC(w->k, waiter.t->sc), object_of(w, sc));
		wait_on(w, &waiter, ntfn);
		assert_int_equal(waiter.t->sc, 0);
		assert_int_equal(((struct km_sched_context *)object_of(w, sc))->tcb, 0);
	}
}

static void test_a_notification_that_is_unbound_is_free_for_all(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), ntfn = notification(w);
	struct thread thread = bound_thread(w, 5, ntfn);

	world_start(w);
	recv(w, &thread, ep, 0);
	world_stop(w);
	assert_int_equal(thread.t->state, KM_INACTIVE); /* slot 0 is no reply object, and it has no handler */
	invoke_good(w, thread.tcb, TCBUnbindNotification, LIST(), LIST());
	send(w, &w->root, ntfn, 0);
	wait_on(w, &w->root, ntfn);
	assert_int_equal(w->root.t->state, KM_RUNNING);
	invoke_good(w, w->root.tcb, TCBBindNotification, LIST(), LIST(ntfn));
}

static void test_deleting_a_notification_restarts_those_who_wait(void **state)
{
	struct world *w = *state;
	uint64_t ntfn = notification(w);
	struct thread a = thread_started(w, 5, WITH_SC), b = thread_started(w, 4, WITH_SC);

	world_start(w);
	wait_on(w, &a, ntfn);
	wait_on(w, &b, ntfn);
	world_stop(w);
	invoke_good(w, ROOT, CNodeDelete, LIST(ntfn, 64), LIST());
	assert_int_equal(a.t->state, KM_RESTART);
	assert_int_equal(b.t->state, KM_RESTART);
	world_start(w);
	assert_true(is_current(w, &a));
}

static void test_signalling_without_the_right_does_nothing(void **state)
{
	struct world *w = *state;
	uint64_t ntfn = notification(w), deaf = mint(w, ntfn, KM_READ, 1);

	send(w, &w->root, deaf, 0);
	assert_int_equal(((struct km_notification *)object_of(w, ntfn))->state, KM_NTFN_IDLE);
	call(w, &w->root, deaf, 0);
	assert_int_equal(info_of(&w->root), info(seL4_InvalidCapability, 0, 1));
}

static void test_waiting_for_what_is_bound_to_another_is_a_fault(void **state)
{
	struct world *w = *state;
	uint64_t ntfn = notification(w), faults;
	struct thread owner = bound_thread(w, 5, ntfn), thief = thread_started(w, 4, WITH_SC);

	faults = hear_faults(w, &thief);
	world_start(w);
	wait_on(w, &owner, ntfn);
	wait_on(w, &thief, ntfn);
	expect_cap_fault(w, faults, ntfn, 1, seL4_MissingCapability);
	assert_int_equal(mr_of(w, &w->root, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_signals_are_ored_and_taken_once),
		TEST(test_a_signal_wakes_the_first_that_waits),
		TEST(test_the_bound_notification_comes_before_the_endpoint),
		TEST(test_a_signal_reaches_a_bound_thread_in_receive_but_not_in_a_call),
		TEST(test_a_passive_server_runs_on_the_context_of_its_notification),
		TEST(test_a_passive_waiter_gives_the_context_of_its_notification_back),
		TEST(test_a_notification_that_is_unbound_is_free_for_all),
		TEST(test_deleting_a_notification_restarts_those_who_wait),
		TEST(test_signalling_without_the_right_does_nothing),
		TEST(test_waiting_for_what_is_bound_to_another_is_a_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
