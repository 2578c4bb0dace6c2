/* tests/unit/test_km_ipc.c - endpoints, reply objects and messages of the kernel, by its system calls. */
#include "tests/unit/km_world.h"

#define GRANT_ALL KM_ALL_RIGHTS

/* ---- queues ---- */

static void test_senders_are_taken_by_priority_and_in_order_within_one(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w);
	struct thread a = thread_started(w, 5, WITH_SC), b = thread_started(w, 7, WITH_SC);
	struct thread c = thread_started(w, 5, WITH_SC);
	const uint64_t badged[] = {mint(w, ep, GRANT_ALL, 1), mint(w, ep, GRANT_ALL, 2),
				   mint(w, ep, GRANT_ALL, 3)};

	set_priority(w, &w->root, &a, 9);
	set_priority(w, &w->root, &c, 8);
	world_start(w);
	send(w, &a, badged[0], info(0, 0, 0));
	send(w, &c, badged[2], info(0, 0, 0));
	send(w, &b, badged[1], info(0, 0, 0));
	/* Back to 5: it goes behind whoever has been there at 5; both behind 7. */
	set_priority(w, &w->root, &a, 5);
	set_priority(w, &w->root, &c, 5);
	world_stop(w);
	for (unsigned i = 0; i < 3; i++) {
		recv(w, &w->root, ep, reply_object(w));
		assert_int_equal(badge_of(&w->root), ((const unsigned[]){2, 1, 3})[i]);
	}
}

static void test_receivers_are_served_by_priority(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w);
	struct thread low = server_new(w, 5, WITH_SC, ep, reply_object(w));
	struct thread high = server_new(w, 6, WITH_SC, ep, reply_object(w));
	struct thread later = server_new(w, 6, WITH_SC, ep, reply_object(w));

	for (unsigned i = 0; i < 3; i++)
		send(w, &w->root, mint(w, ep, GRANT_ALL, i + 1), info(0, 0, 0));
	assert_int_equal(badge_of(&high), 1);
	assert_int_equal(badge_of(&later), 2);
	assert_int_equal(badge_of(&low), 3);
}

/* ---- messages ---- */

static void test_a_message_of_four_words_needs_no_buffer(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), badged = mint(w, ep, GRANT_ALL, 77);
	struct thread to = server_new(w, 5, WITH_SC, ep, reply_object(w));

	set_mrs(&w->root, 11, 12, 13, 14);
	send(w, &w->root, badged, info(0xabcde, 0, 4));
	assert_int_equal(info_of(&to), info(0xabcde, 0, 4));
	assert_int_equal(badge_of(&to), 77);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(mr_of(w, &to, i), 11 + i);
	assert_int_equal(to.t->state, KM_RUNNING);
}

static void test_words_beyond_the_length_are_left_alone(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w);
	struct thread to = server_new(w, 5, WITH_SC, ep, reply_object(w));

	set_mrs(&to, 1, 2, 3, 4);
	set_mrs(&w->root, 11, 12, 13, 14);
	send(w, &w->root, ep, info(0, 0, 2));
	assert_int_equal(mr_of(w, &to, 1), 12);
	assert_int_equal(mr_of(w, &to, 2), 3);
	assert_int_equal(mr_of(w, &to, 3), 4);
}

static void test_long_messages_need_both_buffers(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w);
	struct thread with = server_new(w, 6, WITH_SC | WITH_BUFFER, ep, reply_object(w));
	struct thread without = server_new(w, 5, WITH_SC, ep, reply_object(w));

	for (unsigned i = 4; i < KM_MESSAGE_MAX; i++)
		buffer_of(w, &w->root)[KM_BUFFER_MR + i] = 1000 + i;
	/* No message is of 127 words: that is the longest. */
	send(w, &w->root, ep, info(3, 0, 127));
	assert_int_equal(info_of(&with), info(3, 0, KM_MESSAGE_MAX));
	for (unsigned i = 4; i < KM_MESSAGE_MAX; i++)
		assert_int_equal(mr_of(w, &with, i), 1000 + i);
	send(w, &w->root, ep, info(3, 0, 9));
	assert_int_equal(info_of(&without), info(3, 0, 4));
}

/* ---- calls ---- */

static void test_a_caller_waits_for_its_answer(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread server = server_new(w, 5, 0, ep, reply);
	struct thread client = thread_started(w, 4, WITH_SC);
	struct km_reply *object = object_of(w, reply);

	world_start(w);
	set_mrs(&client, 1, 2, 3, 4);
	call(w, &client, ep, info(5, 0, 2));
	assert_true(is_current(w, &server));
	assert_int_equal(client.t->state, KM_BLOCKED_ON_REPLY);
	assert_ptr_equal(KM_TCB(w->k, object->tcb), client.t);
	assert_int_equal(object->next_is_sc, 1);
	assert_int_equal(client.t->sc, 0);
	set_mrs(&server, 9, 8, 7, 6);
	reply_recv(w, &server, ep, reply, info(0x123456789abc, 0, 3));
	assert_true(is_current(w, &client));
	assert_int_equal(info_of(&client), info(0x123456789abc, 0, 3));
	assert_int_equal(badge_of(&client), 0);
	assert_int_equal(mr_of(w, &client, 2), 7);
	assert_int_equal(mr_of(w, &client, 3), 4);
	assert_int_equal(server.t->state, KM_BLOCKED_ON_RECEIVE);
	assert_int_equal(server.t->sc, 0);
	assert_int_not_equal(client.t->sc, 0);
	assert_ptr_equal(KM_TCB(w->k, object->tcb), server.t);
}

static void test_a_caller_without_grant_stops(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), poor = mint(w, ep, KM_WRITE, 1), reply = reply_object(w);
	struct thread server = server_new(w, 5, WITH_SC, ep, reply);
	struct thread client = thread_started(w, 4, WITH_SC);

	world_start(w);
	call(w, &client, poor, info(0, 0, 0));
	assert_int_equal(client.t->state, KM_INACTIVE);
	assert_int_equal(((struct km_reply *)object_of(w, reply))->tcb, 0);
	assert_true(is_current(w, &server));
	assert_int_equal(badge_of(&server), 1);
}

static void test_a_caller_that_queued_without_grant_stops_as_well(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), poor = mint(w, ep, KM_WRITE, 1), reply = reply_object(w);
	struct thread client = thread_started(w, 4, WITH_SC), server = thread_started(w, 3, WITH_SC);

	world_start(w);
	call(w, &client, poor, info(0, 0, 0));
	assert_int_equal(client.t->state, KM_BLOCKED_ON_SEND);
	recv(w, &server, ep, reply);
	assert_int_equal(client.t->state, KM_INACTIVE);
	assert_true(is_current(w, &server));
}

static void test_grant_reply_is_enough_for_an_answer(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), cap = mint(w, ep, KM_WRITE | KM_GRANT_REPLY, 1), reply = reply_object(w);
	struct thread server = server_new(w, 5, WITH_SC, ep, reply);
	struct thread client = thread_started(w, 4, WITH_SC);

	world_start(w);
	call(w, &client, cap, info(0, 0, 0));
	assert_int_equal(client.t->state, KM_BLOCKED_ON_REPLY);
	reply_to(w, &server, reply, info(0, 0, 0));
	assert_int_equal(client.t->state, KM_RUNNING);
}

static void test_nobody_answers_a_call_to_one_who_waits_without_a_reply_object(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w);
	struct thread server = thread_started(w, 5, WITH_SC), client = thread_started(w, 4, WITH_SC);

	world_start(w);
	wait_on(w, &server, ep);
	call(w, &client, ep, info(0, 0, 0));
	assert_int_equal(client.t->state, KM_INACTIVE);
	assert_true(is_current(w, &server));
}

static void test_a_reply_object_in_use_forgets_its_caller(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread server = server_new(w, 5, WITH_SC, ep, reply);
	struct thread client = thread_started(w, 4, WITH_SC);

	world_start(w);
	call(w, &client, ep, info(0, 0, 0));
	recv(w, &server, ep, reply);
	assert_int_equal(client.t->state, KM_INACTIVE);
	assert_int_equal(client.t->reply, 0);
	assert_ptr_equal(KM_TCB(w->k, ((struct km_reply *)object_of(w, reply))->tcb), server.t);
}

static void test_an_answer_to_nobody_is_nothing(void **state)
{
	struct world *w = *state;
	uint64_t reply = reply_object(w);

	reply_to(w, &w->root, reply, info(0, 0, 0));
	assert_true(is_current(w, &w->root));
	/* Called, it is answered as an invocation is. */
	call(w, &w->root, reply, info(9, 0, 1));
	assert_int_equal(info_of(&w->root), 0);
}

/* ---- scheduling contexts ---- */

static void test_a_server_with_its_own_context_is_lent_none(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread server = server_new(w, 5, WITH_SC, ep, reply);
	struct thread client = thread_started(w, 4, WITH_SC);
	km_ref own = server.t->sc, lent = client.t->sc;

	world_start(w);
	call(w, &client, ep, info(0, 0, 0));
	assert_int_equal(server.t->sc, own);
	assert_int_equal(client.t->sc, lent);
	assert_int_equal(((struct km_reply *)object_of(w, reply))->next, 0);
}

static void test_a_send_lends_nothing_but_the_sending_half_of_send_and_receive_does(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), other = endpoint(w), reply = reply_object(w);
	struct thread server = server_new(w, 5, 0, ep, reply_object(w));
	struct thread second = server_new(w, 5, 0, other, reply_object(w));
	struct thread client = thread_started(w, 4, WITH_SC);

	world_start(w);
	send(w, &client, ep, info(0, 0, 0));
	assert_true(is_current(w, &client));
	assert_int_equal(server.t->state, KM_RUNNING); /* and cannot run */
	client.t->context.reg[KM_REG_DEST] = other;
	client.t->context.reg[KM_REG_REPLY] = reply;
	sys(w, &client, seL4_SysNBSendRecv, ep, info(0, 0, 0));
	assert_true(is_current(w, &second));
	assert_int_equal(client.t->state, KM_BLOCKED_ON_RECEIVE);
	assert_int_equal(client.t->sc, 0);
}

/* a calls b, which calls c: one context goes up and comes down again. */
struct chain {
	uint64_t ep_b, ep_c, reply_b, reply_c;
	struct thread a, b, c;
	km_ref sc;
};

static struct chain chain_new(struct world *w)
{
	struct chain x = {.ep_b = endpoint(w),
			  .ep_c = endpoint(w),
			  .reply_b = reply_object(w),
			  .reply_c = reply_object(w)};

	x.c = server_new(w, 7, 0, x.ep_c, x.reply_c);
	x.b = server_new(w, 6, 0, x.ep_b, x.reply_b);
	x.a = thread_started(w, 5, WITH_SC);
	x.sc = x.a.t->sc;
	world_start(w);
	call(w, &x.a, x.ep_b, info(0, 0, 0));
	call(w, &x.b, x.ep_c, info(0, 0, 0));
	assert_true(is_current(w, &x.c));
	assert_int_equal(x.c.t->sc, x.sc);
	world_check(w);
	return x;
}

static void test_a_chain_of_calls_gives_the_context_back_step_by_step(void **state)
{
	struct world *w = *state;
	struct chain x = chain_new(w);

	reply_recv(w, &x.c, x.ep_c, x.reply_c, info(0, 0, 0));
	assert_true(is_current(w, &x.b));
	assert_int_equal(x.b.t->sc, x.sc);
	reply_recv(w, &x.b, x.ep_b, x.reply_b, info(0, 0, 0));
	assert_true(is_current(w, &x.a));
	assert_int_equal(x.a.t->sc, x.sc);
}

static void delete_cap(struct world *w, const struct thread *by, uint64_t slot)
{
	invoke_as(w, by, ROOT, CNodeDelete, LIST(slot, 64), LIST());
}

static void test_deleting_the_head_of_a_chain_gives_the_context_back(void **state)
{
	struct world *w = *state;
	struct chain x = chain_new(w);
	const km_word message = info(CNodeDelete, 0, 2);

	set_mrs(&x.c, x.reply_c, 64, 0, 0);
	call(w, &x.c, ROOT, message);
	assert_int_equal(x.b.t->state, KM_INACTIVE);
	assert_int_equal(x.b.t->sc, x.sc);
	assert_int_equal(x.c.t->sc, 0);
	assert_true(is_current(w, &w->root));
}

static void test_deleting_the_middle_of_a_chain_loses_the_way_back(void **state)
{
	struct world *w = *state;
	struct chain x = chain_new(w);

	set_mrs(&x.c, x.reply_b, 64, 0, 0);
	call(w, &x.c, ROOT, info(CNodeDelete, 0, 2));
	assert_true(is_current(w, &x.c));
	assert_int_equal(x.a.t->state, KM_INACTIVE);
	assert_int_equal(x.a.t->sc, 0);
	/* The stack ends at c's caller now. */
	reply_recv(w, &x.c, x.ep_c, x.reply_c, info(0, 0, 0));
	assert_true(is_current(w, &x.b));
	assert_int_equal(x.b.t->sc, x.sc);
	assert_int_equal(KM_SC(w->k, x.sc)->reply, 0);
}

static void test_a_caller_that_is_suspended_at_the_head_leaves_its_context(void **state)
{
	struct world *w = *state;
	struct chain x = chain_new(w);

	call(w, &x.c, x.b.tcb, info(TCBSuspend, 0, 0));
	assert_int_equal(x.b.t->state, KM_INACTIVE);
	assert_int_equal(x.c.t->sc, x.sc);
	assert_int_equal(KM_SC(w->k, x.sc)->reply, 0);
	assert_true(is_current(w, &x.c));
	/* Nobody is there to be answered. */
	reply_to(w, &x.c, x.reply_c, info(0, 0, 0));
	assert_int_equal(x.c.t->sc, x.sc);
}

static void test_a_caller_with_another_context_does_not_want_its_first_back(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w), ntfn = notification(w);
	uint64_t second = context_of(w, 10000, 10000, 0);
	struct thread server = server_new(w, 5, 0, ep, reply), client = thread_started(w, 4, WITH_SC);
	km_ref first = client.t->sc;

	world_start(w);
	call(w, &client, ep, info(0, 0, 0));
	wait_on(w, &server, ntfn);
	invoke_good(w, second, SchedContextBind, LIST(), LIST(client.tcb));
	send(w, &w->root, ntfn, 0);
	reply_to(w, &server, reply, info(0, 0, 0));
	assert_ptr_equal(KM_SC(w->k, client.t->sc), object_of(w, second));
	assert_int_equal(server.t->sc, first);
	assert_int_equal(KM_SC(w->k, first)->reply, 0);
}

/* ---- who may receive ---- */

static void test_receiving_without_the_right_is_a_fault_even_if_it_does_not_block(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), deaf = mint(w, ep, KM_WRITE, 0), faults;
	struct thread thread = thread_started(w, 4, WITH_SC);

	faults = hear_faults(w, &thread);
	world_start(w);
	sys(w, &thread, seL4_SysNBRecv, deaf, 0);
	expect_cap_fault(w, faults, deaf, 1, seL4_MissingCapability);
}

static void test_a_receive_with_what_is_no_reply_object_is_a_fault_at_that(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), faults;
	struct thread thread = thread_started(w, 4, WITH_SC);

	faults = hear_faults(w, &thread);
	world_start(w);
	recv(w, &thread, ep, ep);
	expect_cap_fault(w, faults, ep, 1, seL4_MissingCapability);
}

static void test_a_failed_poll_changes_the_badge_alone(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w);
	struct km_context before;

	set_mrs(&w->root, 1, 2, 3, 4);
	w->root.t->context.reg[KM_REG_REPLY] = reply_object(w);
	set_mrs(&w->root, 1, 2, 3, 4);
	before = w->root.t->context;
	sys(w, &w->root, seL4_SysNBRecv, ep, 0x1234);
	before.reg[KM_REG_CAP] = 0;
	before.reg[KM_REG_INFO] = 0x1234;
	before.reg[KM_REG_SYSCALL] = (km_word)seL4_SysNBRecv;
	before.reg[KM_RIP] = 0x400100;
	before.next_ip = 0x400102;
	assert_memory_equal(&w->root.t->context, &before, sizeof(before));
}

/* ---- who may send ---- */

static void test_sending_without_the_right_is_an_error_only_for_a_caller(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), dumb = mint(w, ep, KM_READ, 0);

	set_mrs(&w->root, 7, 7, 7, 7);
	call(w, &w->root, dumb, info(0, 0, 0));
	assert_int_equal(info_of(&w->root), info(seL4_InvalidCapability, 0, 1));
	assert_int_equal(mr_of(w, &w->root, 0), 0);
	assert_int_equal(badge_of(&w->root), 0);
	send(w, &w->root, dumb, info(9, 0, 0));
	assert_int_equal(info_of(&w->root), info(9, 0, 0));
	assert_true(is_current(w, &w->root));
}

static void test_a_null_capability_is_an_error_and_no_fault(void **state)
{
	struct world *w = *state;

	call(w, &w->root, w->next, info(0, 0, 0));
	assert_int_equal(info_of(&w->root), info(seL4_InvalidCapability, 0, 1));
	send(w, &w->root, w->next, info(0, 0, 0));
	assert_int_equal(w->root.t->state, KM_RUNNING);
}

static void test_what_is_not_found_is_a_fault_unless_it_does_not_block(void **state)
{
	struct world *w = *state;
	struct thread thread = thread_started(w, 4, WITH_SC);
	uint64_t faults = hear_faults(w, &thread), bad = UINT64_C(1) << 63;

	world_start(w);
	sys(w, &thread, seL4_SysNBSend, bad, 0);
	assert_true(is_current(w, &thread));
	call(w, &thread, bad, info(0, 0, 0));
	expect_cap_fault(w, faults, bad, 0, seL4_GuardMismatch);
	assert_int_equal(km_info_length(info_of(&w->root)), 7);
	assert_int_equal(mr_of(w, &w->root, 4), 64);             /* bits left */
	assert_int_equal(mr_of(w, &w->root, 5), 0);              /* the guard */
	assert_int_equal(mr_of(w, &w->root, 6), 64 - ROOT_BITS); /* its size */
}

static void test_the_reply_phase_invokes_no_object_that_could_stop_its_thread(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread victim = thread_started(w, 3, WITH_SC), thread = thread_started(w, 4, WITH_SC);
	const uint64_t forbidden[] = {victim.tcb, ROOT, victim.sc, w->control, seL4_CapDomain};

	world_start(w);
	for (unsigned i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
		thread.t->context.reg[KM_REG_DEST] = forbidden[i];
		thread.t->context.reg[KM_REG_REPLY] = reply;
		sys(w, &thread, seL4_SysNBSendRecv, ep, info(TCBSuspend, 0, 0));
		assert_int_equal(w->k->error.type, seL4_InvalidCapability);
		assert_int_equal(thread.t->state, KM_BLOCKED_ON_RECEIVE);
		assert_true(is_current(w, &victim));
		send(w, &victim, ep, info(0, 0, 0));
		assert_true(is_current(w, &thread));
	}
	/* By itself it may. */
	call(w, &thread, victim.tcb, info(TCBSuspend, 0, 0));
	assert_int_equal(victim.t->state, KM_INACTIVE);
}

/* ---- capabilities in messages ---- */

static void name_receive_slot(struct world *w, const struct thread *thread, uint64_t slot)
{
	km_word *buffer = buffer_of(w, thread);

	buffer[125] = ROOT;
	buffer[126] = slot;
	buffer[127] = 64;
}

static void test_a_capability_goes_to_the_receive_slot(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), gift = notification(w), slot = w->next++;
	struct thread to = server_new(w, 5, WITH_SC | WITH_BUFFER, ep, reply_object(w));

	name_receive_slot(w, &to, slot);
	put_message(w, &w->root, LIST(42), LIST(gift));
	send(w, &w->root, ep, info(1, 1, 1));
	assert_int_equal(info_of(&to), info(1, 1, 1));
	assert_ptr_equal(object_of(w, slot), object_of(w, gift));
	assert_true(km_tree_is_parent(w->k, slot_of(w, gift), slot_of(w, slot)));
}

static void test_without_grant_no_capability_goes(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), poor = mint(w, ep, KM_WRITE | KM_GRANT_REPLY, 0), slot = w->next++;
	struct thread to = server_new(w, 5, WITH_SC | WITH_BUFFER, ep, reply_object(w));

	name_receive_slot(w, &to, slot);
	put_message(w, &w->root, LIST(), LIST(ep));
	send(w, &w->root, poor, info(1, 1, 0));
	assert_int_equal(info_of(&to), info(1, 0, 0));
	assert_true(km_slot_is_empty(slot_of(w, slot)));
}

static void test_a_capability_to_the_endpoint_arrives_as_its_badge(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), a = mint(w, ep, GRANT_ALL, 0xa), b = mint(w, ep, KM_READ, 0xb),
		 gift = notification(w);
	uint64_t slot = w->next++;
	struct thread to = server_new(w, 5, WITH_SC | WITH_BUFFER, ep, reply_object(w));

	name_receive_slot(w, &to, slot);
	put_message(w, &w->root, LIST(), LIST(a, gift, b));
	send(w, &w->root, ep, info(1, 3, 0));
	assert_int_equal(info_of(&to), km_info_make(1, 5, 3, 0));
	assert_int_equal(buffer_of(w, &to)[KM_BUFFER_BADGE], 0xa);
	assert_int_equal(buffer_of(w, &to)[KM_BUFFER_BADGE + 2], 0xb);
	assert_ptr_equal(object_of(w, slot), object_of(w, gift));
}

static void test_there_is_one_slot_and_what_comes_after_stays(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), gift = notification(w), second = notification(w), slot = w->next++;
	struct thread to = server_new(w, 5, WITH_SC | WITH_BUFFER, ep, reply_object(w));

	name_receive_slot(w, &to, slot);
	put_message(w, &w->root, LIST(), LIST(gift, second, ep));
	send(w, &w->root, ep, info(1, 3, 0));
	/* The third would have been unwrapped: the message ends before it. */
	assert_int_equal(info_of(&to), km_info_make(1, 0, 1, 0));
}

static void test_a_full_receive_slot_takes_nothing(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), gift = notification(w);
	struct thread to = server_new(w, 5, WITH_SC | WITH_BUFFER, ep, reply_object(w));

	name_receive_slot(w, &to, gift);
	put_message(w, &w->root, LIST(), LIST(gift));
	send(w, &w->root, ep, info(1, 1, 0));
	assert_int_equal(info_of(&to), info(1, 0, 0));
}

static void test_what_cannot_be_derived_ends_the_message(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), slot = w->next++, reply = reply_object(w);
	struct thread to = server_new(w, 5, WITH_SC | WITH_BUFFER, ep, reply);

	name_receive_slot(w, &to, slot);
	/* An untyped that has children, and the interrupt control. */
	for (unsigned i = 0; i < 2; i++) {
		put_message(w, &w->root, LIST(), LIST(ep, i ? seL4_CapIRQControl : w->untyped));
		send(w, &w->root, ep, info(1, 2, 0));
		assert_int_equal(info_of(&to), km_info_make(1, 1, 1, 0));
		assert_true(km_slot_is_empty(slot_of(w, slot)));
		world_start(w);
		recv(w, &to, ep, reply);
		world_stop(w);
	}
}

static void test_a_capability_that_is_not_found_is_a_fault_of_the_sender(void **state)
{
	struct world *w = *state;
	struct thread thread = thread_started(w, 4, WITH_SC | WITH_BUFFER);
	uint64_t faults = hear_faults(w, &thread), ep = endpoint(w), bad = UINT64_C(1) << 62;

	world_start(w);
	put_message(w, &thread, LIST(), LIST(bad));
	sys(w, &thread, seL4_SysNBSend, ep, info(0, 1, 0));
	assert_true(is_current(w, &thread));
	send(w, &thread, ep, info(0, 1, 0));
	expect_cap_fault(w, faults, bad, 0, seL4_GuardMismatch);
}

static void test_the_grant_of_an_answer_is_that_of_the_reply_capability(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w), poor = copy(w, reply, KM_WRITE), slot = w->next++;
	struct thread server = server_new(w, 5, WITH_SC | WITH_BUFFER, ep, reply);
	struct thread client = thread_started(w, 4, WITH_SC | WITH_BUFFER);

	name_receive_slot(w, &client, slot);
	world_start(w);
	for (unsigned i = 0; i < 2; i++) {
		call(w, &client, ep, info(0, 0, 0));
		put_message(w, &server, LIST(), LIST(ep));
		/* An answer has no endpoint: what is sent is not unwrapped. */
		send(w, &server, i == 0 ? poor : reply, info(0, 1, 0));
		assert_int_equal(info_of(&client), info(0, i, 0));
		assert_int_equal(km_slot_is_empty(slot_of(w, slot)), i == 0);
		recv(w, &server, ep, reply);
	}
}

/* ---- cancelling ---- */

static void test_deleting_an_endpoint_restarts_those_who_wait(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread a = server_new(w, 5, WITH_SC, ep, reply),
		      b = server_new(w, 4, WITH_SC, ep, reply_object(w));

	delete_cap(w, &w->root, ep);
	assert_int_equal(a.t->state, KM_RESTART);
	assert_int_equal(b.t->state, KM_RESTART);
	assert_int_equal(((struct km_reply *)object_of(w, reply))->tcb, 0);
	world_start(w);
	/* It does its system call again. */
	assert_true(is_current(w, &a));
	assert_int_equal(a.t->context.next_ip, 0x400100);
	assert_int_equal(a.t->context.whole, 1);
}

static void test_deleting_a_reply_object_stops_its_receiver(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread server = server_new(w, 5, WITH_SC, ep, reply);

	delete_cap(w, &w->root, reply);
	assert_int_equal(server.t->state, KM_INACTIVE);
	assert_int_equal(((struct km_endpoint *)object_of(w, ep))->state, KM_EP_IDLE);
}

static void test_cancelling_badged_sends_restarts_those_alone(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), one = mint(w, ep, GRANT_ALL, 1), two = mint(w, ep, GRANT_ALL, 2);
	struct thread a = thread_started(w, 5, WITH_SC), b = thread_started(w, 4, WITH_SC);

	world_start(w);
	call(w, &a, one, info(0, 0, 0));
	call(w, &b, two, info(0, 0, 0));
	world_stop(w);
	invoke_good(w, ROOT, CNodeCancelBadgedSends, LIST(one, 64), LIST());
	assert_int_equal(a.t->state, KM_RESTART);
	assert_int_equal(b.t->state, KM_BLOCKED_ON_SEND);
}

/* ---- between cores ---- */

static int setup_two(void **state)
{
	*state = world_new(2);
	return 0;
}

/* From here on system calls are done by what runs on core `i`, which looks first if it was asked to. */
static void go_to_core(struct world *w, unsigned i)
{
	w->core = &w->k->core[i];
	w->core->now += 10;
	if (w->k->ipi & UINT64_C(1) << i) {
		w->k->ipi &= ~(UINT64_C(1) << i);
		km_ipi(w->k, w->core);
	}
}

static void test_a_call_to_another_core_is_answered_there(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread server = thread_new(w, 5, WITH_SC), client = thread_started(w, 4, WITH_SC);

	invoke_good(w, w->control + 1, SchedControlConfigureFlags, LIST(10000, 10000, 0, 0, 0),
		    LIST(server.sc));
	invoke_good(w, server.tcb, TCBResume, LIST(), LIST());
	assert_int_equal(w->k->ipi, 2);
	go_to_core(w, 1);
	recv(w, &server, ep, reply);
	assert_ptr_equal(w->core->current, w->core->idle);
	go_to_core(w, 0);
	world_start(w);
	set_mrs(&client, 21, 0, 0, 0);
	call(w, &client, ep, info(0, 0, 1));
	assert_true(is_current(w, &w->root));
	assert_int_equal(w->k->ipi, 2);
	go_to_core(w, 1);
	assert_true(is_current(w, &server));
	assert_int_equal(mr_of(w, &server, 0), 21);
	reply_recv(w, &server, ep, reply, info(0, 0, 0));
	assert_ptr_equal(w->core->current, w->core->idle);
	go_to_core(w, 0);
	assert_true(is_current(w, &client));
}

static void test_a_passive_server_comes_to_the_core_of_its_caller(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread server = server_new(w, 5, 0, ep, reply), client = thread_new(w, 4, WITH_SC);

	invoke_good(w, w->control + 1, SchedControlConfigureFlags, LIST(10000, 10000, 0, 0, 0),
		    LIST(client.sc));
	invoke_good(w, client.tcb, TCBResume, LIST(), LIST());
	go_to_core(w, 1);
	call(w, &client, ep, info(0, 0, 0));
	assert_true(is_current(w, &server));
	assert_int_equal(server.t->core, 1);
	reply_recv(w, &server, ep, reply, info(0, 0, 0));
	assert_true(is_current(w, &client));
	/* Now it waits on this core, where the call needs nobody else. */
	w->k->work[KM_WORK_FASTPATH] = 0;
	call(w, &client, ep, info(0, 0, 0));
	assert_int_equal(w->k->work[KM_WORK_FASTPATH], 1);
	assert_true(is_current(w, &server));
	go_to_core(w, 0);
	assert_true(is_current(w, &w->root));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_senders_are_taken_by_priority_and_in_order_within_one),
		TEST(test_receivers_are_served_by_priority),
		TEST(test_a_message_of_four_words_needs_no_buffer),
		TEST(test_words_beyond_the_length_are_left_alone),
		TEST(test_long_messages_need_both_buffers),
		TEST(test_a_caller_waits_for_its_answer),
		TEST(test_a_caller_without_grant_stops),
		TEST(test_a_caller_that_queued_without_grant_stops_as_well),
		TEST(test_grant_reply_is_enough_for_an_answer),
		TEST(test_nobody_answers_a_call_to_one_who_waits_without_a_reply_object),
		TEST(test_a_reply_object_in_use_forgets_its_caller),
		TEST(test_an_answer_to_nobody_is_nothing),
		TEST(test_a_server_with_its_own_context_is_lent_none),
		TEST(test_a_send_lends_nothing_but_the_sending_half_of_send_and_receive_does),
		TEST(test_a_chain_of_calls_gives_the_context_back_step_by_step),
		TEST(test_deleting_the_head_of_a_chain_gives_the_context_back),
		TEST(test_deleting_the_middle_of_a_chain_loses_the_way_back),
		TEST(test_a_caller_that_is_suspended_at_the_head_leaves_its_context),
		TEST(test_a_caller_with_another_context_does_not_want_its_first_back),
		TEST(test_receiving_without_the_right_is_a_fault_even_if_it_does_not_block),
		TEST(test_a_receive_with_what_is_no_reply_object_is_a_fault_at_that),
		TEST(test_a_failed_poll_changes_the_badge_alone),
		TEST(test_sending_without_the_right_is_an_error_only_for_a_caller),
		TEST(test_a_null_capability_is_an_error_and_no_fault),
		TEST(test_what_is_not_found_is_a_fault_unless_it_does_not_block),
		TEST(test_the_reply_phase_invokes_no_object_that_could_stop_its_thread),
		TEST(test_a_capability_goes_to_the_receive_slot),
		TEST(test_without_grant_no_capability_goes),
		TEST(test_a_capability_to_the_endpoint_arrives_as_its_badge),
		TEST(test_there_is_one_slot_and_what_comes_after_stays),
		TEST(test_a_full_receive_slot_takes_nothing),
		TEST(test_what_cannot_be_derived_ends_the_message),
		TEST(test_a_capability_that_is_not_found_is_a_fault_of_the_sender),
		TEST(test_the_grant_of_an_answer_is_that_of_the_reply_capability),
		TEST(test_deleting_an_endpoint_restarts_those_who_wait),
		TEST(test_deleting_a_reply_object_stops_its_receiver),
		TEST(test_cancelling_badged_sends_restarts_those_alone),
		cmocka_unit_test_setup_teardown(test_a_call_to_another_core_is_answered_there, setup_two,
						teardown),
		cmocka_unit_test_setup_teardown(test_a_passive_server_comes_to_the_core_of_its_caller,
						setup_two, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
