/* tests/unit/test_km_fault.c - faults, their messages and answers; the debug calls; what a pending interrupt does. */
#include "tests/unit/km_world.h"
#include <string.h>

/* One thread of priority 4 whose faults arrive with badge 0xf at a passive handler, which is the higher one. */
struct scene {
	struct world *w;
	uint64_t ep, reply;
	struct thread handler, thread;
};

static struct scene scene_new(struct world *w, unsigned handler_has)
{
	struct scene s = {.w = w, .ep = endpoint(w), .reply = reply_object(w)};
	uint64_t badged = mint(w, s.ep, KM_WRITE | KM_GRANT_REPLY, 0xf);

	s.handler = server_new(w, 5, handler_has, s.ep, s.reply);
	s.thread = thread_started(w, 4, WITH_SC);
	invoke_good(w, s.thread.tcb, TCBSetSpace, LIST(0, 0), LIST(badged, ROOT, seL4_CapInitThreadVSpace));
	world_start(w);
	assert_true(is_current(w, &s.thread));
	for (unsigned i = 0; i < KM_REGISTERS; i++)
		s.thread.t->context.reg[i] = 0x1000 + i;
	return s;
}

static void answer(struct scene *s, km_word message)
{
	reply_recv(s->w, &s->handler, s->ep, s->reply, message);
}

/* ---- memory ---- */

static void test_a_memory_fault_says_where_and_is_done_again_after_any_answer(void **state)
{
	struct scene s = scene_new(*state, 0);
	struct world *w = s.w;

	s.thread.t->context.whole = 0;
	w->core->now += 10;
	km_vm_fault(w->k, w->core, 0xdead000, 7, 1);
	assert_true(is_current(w, &s.handler));
	assert_int_equal(info_of(&s.handler), info(seL4_Fault_VMFault, 0, 4));
	assert_int_equal(badge_of(&s.handler), 0xf);
	assert_int_equal(mr_of(w, &s.handler, 0), 0x1000 + KM_RIP);
	assert_int_equal(mr_of(w, &s.handler, 1), 0xdead000);
	assert_int_equal(mr_of(w, &s.handler, 2), 1);
	assert_int_equal(mr_of(w, &s.handler, 3), 7);
	assert_int_equal(s.thread.t->state, KM_BLOCKED_ON_REPLY);
	world_check(w);
	answer(&s, info(99, 0, 0));
	assert_true(is_current(w, &s.thread));
	assert_int_equal(s.thread.t->context.next_ip, 0x1000 + KM_RIP);
	assert_int_equal(s.thread.t->context.whole, 1);
	assert_int_equal(s.thread.t->fault.type, seL4_Fault_NullFault);
	for (unsigned i = 0; i < KM_REGISTERS; i++)
		assert_int_equal(reg_of(&s.thread, i), 0x1000 + i);
}

static void test_the_time_of_a_fault_is_the_threads_own(void **state)
{
	struct scene s = scene_new(*state, 0);
	km_ref sc = s.thread.t->sc;

	km_vm_fault(s.w->k, s.w->core, 0, 4, 0);
	assert_int_equal(s.handler.t->sc, sc);
	assert_int_equal(s.thread.t->sc, 0);
}

/* ---- unknown system calls ---- */

static const unsigned syscall_order[] = {KM_RAX, KM_RBX, KM_RCX, KM_RDX, KM_RSI, KM_RDI,
					 KM_RBP, KM_R8,  KM_R9,  KM_R10, KM_R11, KM_R12,
					 KM_R13, KM_R14, KM_R15, KM_RIP, KM_RSP, KM_RFLAGS};

static void test_an_unknown_system_call_shows_all_registers(void **state)
{
	struct scene s = scene_new(*state, WITH_BUFFER);

	enter_as(s.w, &s.thread, 0xdeadbeef00000001);
	assert_int_equal(info_of(&s.handler), info(seL4_Fault_UnknownSyscall, 0, 19));
	for (unsigned i = 0; i < 18; i++)
		assert_int_equal(mr_of(s.w, &s.handler, i), reg_of(&s.thread, syscall_order[i]));
	assert_int_equal(mr_of(s.w, &s.handler, 15), 0x400100);
	assert_int_equal(mr_of(s.w, &s.handler, 18), 0xdeadbeef00000001);
}

static void test_without_a_buffer_four_words_arrive(void **state)
{
	struct scene s = scene_new(*state, 0);

	enter_as(s.w, &s.thread, 5);
	assert_int_equal(info_of(&s.handler), info(seL4_Fault_UnknownSyscall, 0, 4));
	assert_int_equal(mr_of(s.w, &s.handler, 3), 5);
}

static void test_an_answer_sets_registers_as_far_as_it_goes_and_sane(void **state)
{
	struct scene s = scene_new(*state, WITH_BUFFER);
	km_word *buffer = buffer_of(s.w, &s.handler);

	enter_as(s.w, &s.thread, 5);
	s.thread.t->context.whole = 0;
	set_mrs(&s.handler, 1, 2, 3, 4);
	for (unsigned i = 4; i < 18; i++)
		buffer[KM_BUFFER_MR + i] = i + 1;
	buffer[KM_BUFFER_MR + 15] = UINT64_C(0x8000000000000000); /* no address of x86-64 */
	buffer[KM_BUFFER_MR + 17] = ~UINT64_C(0);
	answer(&s, info(0, 0, 40));
	assert_true(is_current(s.w, &s.thread));
	for (unsigned i = 0; i < 15; i++)
		assert_int_equal(reg_of(&s.thread, syscall_order[i]), i + 1);
	assert_int_equal(s.thread.t->context.next_ip, 0);
	assert_int_equal(reg_of(&s.thread, KM_RSP), 17);
	assert_int_equal(reg_of(&s.thread, KM_RFLAGS), 0xed7);
	assert_int_equal(s.thread.t->context.whole, 1);
}

static void test_a_short_answer_leaves_the_rest(void **state)
{
	struct scene s = scene_new(*state, WITH_BUFFER);

	enter_as(s.w, &s.thread, 5);
	set_mrs(&s.handler, 1, 2, 3, 4);
	answer(&s, info(0, 0, 2));
	assert_int_equal(reg_of(&s.thread, KM_RAX), 1);
	assert_int_equal(reg_of(&s.thread, KM_RBX), 2);
	assert_int_equal(reg_of(&s.thread, KM_RCX), 0x1000 + KM_RCX);
	assert_int_equal(s.thread.t->context.next_ip, 0x400100);
}

static void test_an_answer_with_a_label_leaves_the_thread_stopped(void **state)
{
	struct scene s = scene_new(*state, WITH_BUFFER);

	enter_as(s.w, &s.thread, 5);
	set_mrs(&s.handler, 1, 2, 3, 4);
	answer(&s, info(1, 0, 1));
	assert_int_equal(s.thread.t->state, KM_INACTIVE);
	assert_int_equal(reg_of(&s.thread, KM_RAX), 1);
	assert_int_equal(s.thread.t->fault.type, seL4_Fault_NullFault);
	assert_true(is_current(s.w, &s.w->root));
}

/* ---- exceptions ---- */

static void test_an_exception_is_five_words_and_its_answer_three_registers(void **state)
{
	struct scene s = scene_new(*state, WITH_BUFFER);
	struct world *w = s.w;

	km_user_exception(w->k, w->core, 6, 0x55);
	assert_int_equal(info_of(&s.handler), info(seL4_Fault_UserException, 0, 5));
	assert_int_equal(mr_of(w, &s.handler, 0), 0x1000 + KM_RIP);
	assert_int_equal(mr_of(w, &s.handler, 1), 0x1000 + KM_RSP);
	assert_int_equal(mr_of(w, &s.handler, 2), 0x1000 + KM_RFLAGS);
	assert_int_equal(mr_of(w, &s.handler, 3), 6);
	assert_int_equal(mr_of(w, &s.handler, 4), 0x55);
	set_mrs(&s.handler, 0x400200, 0x7ffe, 0, 0x99);
	answer(&s, info(0, 0, 5));
	assert_int_equal(s.thread.t->context.next_ip, 0x400200);
	assert_int_equal(reg_of(&s.thread, KM_RSP), 0x7ffe);
	assert_int_equal(reg_of(&s.thread, KM_RFLAGS), 0x202);
	assert_int_equal(reg_of(&s.thread, KM_RAX), 0x1000 + KM_RAX);
}

/* ---- capability faults ---- */

static void test_a_capability_fault_says_how_far_the_lookup_came(void **state)
{
	struct world *w = *state;
	struct thread thread = thread_started(w, 4, WITH_SC);
	uint64_t ep = endpoint(w), node = make(w, seL4_CapTableObject, 3), reply = reply_object(w);
	uint64_t slot = w->next++;
	/* A CNode of 3 bits whose guard leaves more bits than there are. */
	const uint64_t guard = 5;

	invoke_good(w, ROOT, CNodeMint, LIST(slot, 64, node, 64, KM_ALL_RIGHTS, guard), LIST(ROOT));
	invoke_good(w, ROOT, CNodeCopy, LIST(w->next++, 64, slot, 64, KM_ALL_RIGHTS), LIST(ROOT));
	invoke_good(w, thread.tcb, TCBSetSpace, LIST(0, 0), LIST(ep, slot, seL4_CapInitThreadVSpace));
	/* In slot 0, the node itself: 56 bits left, then 48, ..., 8, and 0. */
	invoke_good(w, slot, CNodeCopy, LIST(0, 8, slot, 64, KM_ALL_RIGHTS), LIST(ROOT));
	world_start(w);
	send(w, &thread, UINT64_C(1), info(0, 0, 0)); /* a null capability: no fault */
	assert_true(is_current(w, &thread));
	send(w, &thread, UINT64_C(0x0010000000000000), info(0, 0, 0));
	world_stop(w);
	recv(w, &w->root, ep, reply);
	assert_int_equal(info_of(&w->root), info(seL4_Fault_CapFault, 0, 7));
	assert_int_equal(mr_of(w, &w->root, 1), UINT64_C(0x0010000000000000));
	assert_int_equal(mr_of(w, &w->root, 2), 0);
	assert_int_equal(mr_of(w, &w->root, 3), seL4_GuardMismatch);
	assert_int_equal(mr_of(w, &w->root, 4), 56);
	assert_int_equal(mr_of(w, &w->root, 5), 0);
	assert_int_equal(mr_of(w, &w->root, 6), 5);
	reply_to(w, &w->root, reply, info(3, 0, 0));
	assert_int_equal(thread.t->state, KM_RESTART);
}

static void test_a_thread_without_a_cspace_has_an_invalid_root(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread thread = {.tcb = make(w, seL4_TCBObject, 0), .sc = context_of(w, 10000, 10000, 0)};

	thread.t = object_of(w, thread.tcb);
	invoke_good(w, thread.tcb, TCBSetSchedParams, LIST(255, 4),
		    LIST(seL4_CapInitThreadTCB, thread.sc, ep));
	invoke_good(w, thread.tcb, TCBResume, LIST(), LIST());
	world_start(w);
	sys(w, &thread, seL4_SysWait, 77, 0);
	world_stop(w);
	recv(w, &w->root, ep, reply);
	assert_int_equal(info_of(&w->root), info(seL4_Fault_CapFault, 0, 4));
	assert_int_equal(mr_of(w, &w->root, 2), 1);
	assert_int_equal(mr_of(w, &w->root, 3), seL4_InvalidRoot);
}

/* ---- time ---- */

static void test_a_timeout_is_told_and_lends_no_time(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), badged = mint(w, ep, KM_ALL_RIGHTS, 0xf), reply = reply_object(w);
	uint64_t sc = context_of(w, 1000, 5000, 0x77);
	struct thread handler = server_new(w, 5, WITH_SC | WITH_BUFFER, ep, reply),
		      thread = thread_started(w, 4, 0);
	km_ref own = handler.t->sc;

	invoke_good(w, thread.tcb, TCBSetTimeoutEndpoint, LIST(), LIST(badged));
	invoke_good(w, sc, SchedContextBind, LIST(), LIST(thread.tcb));
	world_start(w);
	assert_true(is_current(w, &thread));
	thread.t->context.next_ip = 0x400700;
	w->core->now += 1000 * TICKS_US;
	km_timer(w->k, w->core);
	assert_true(is_current(w, &handler));
	assert_int_equal(handler.t->sc, own);
	assert_int_equal(info_of(&handler), info(seL4_Fault_Timeout, 0, 2));
	assert_int_equal(badge_of(&handler), 0xf);
	assert_int_equal(mr_of(w, &handler, 0), 0x77);
	assert_int_equal(mr_of(w, &handler, 1), 1000);
	assert_int_equal(thread.t->state, KM_BLOCKED_ON_REPLY);
	/* The answer is a register file; the thread goes on when it has time again. */
	for (unsigned i = 4; i < 19; i++)
		buffer_of(w, &handler)[KM_BUFFER_MR + i] = 0x100 + i;
	set_mrs(&handler, 0x400800, 0x7ff0, 0, 0x103);
	reply_recv(w, &handler, ep, reply, info(0, 0, 19));
	assert_int_equal(thread.t->state, KM_RESTART);
	assert_int_equal(thread.t->in_release_queue, 1);
	assert_int_equal(reg_of(&thread, KM_RIP), 0x400800);
	assert_int_equal(reg_of(&thread, KM_RSP), 0x7ff0);
	assert_int_equal(reg_of(&thread, KM_RAX), 0x103);
	assert_int_equal(reg_of(&thread, KM_R15), 0x111);
	assert_int_equal(reg_of(&thread, KM_FS_BASE), 0x112);
	w->core->now = w->core->timer_at;
	km_timer(w->k, w->core);
	assert_true(is_current(w, &thread));
	assert_int_equal(thread.t->context.next_ip, 0x400800);
}

/* A thread of priority 6 whose budget is over after 1 ms, then. */
static struct thread spender(struct world *w, uint64_t timeouts)
{
	uint64_t sc = context_of(w, 1000, 5000, 0x77);
	struct thread thread = thread_started(w, 6, 0);

	invoke_good(w, thread.tcb, TCBSetTimeoutEndpoint, LIST(), LIST(timeouts));
	invoke_good(w, sc, SchedContextBind, LIST(), LIST(thread.tcb));
	thread.sc = sc;
	return thread;
}

static void spend(struct world *w, const struct thread *thread)
{
	assert_true(is_current(w, thread));
	w->core->now += 1000 * TICKS_US;
	km_timer(w->k, w->core);
	assert_false(is_current(w, thread));
}

static void test_a_timeout_lends_nothing_to_one_who_waits_without_a_context(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread handler = server_new(w, 5, 0, ep, reply), thread = spender(w, ep);

	world_start(w);
	spend(w, &thread);
	assert_int_equal(handler.t->state, KM_RUNNING);
	assert_int_equal(handler.t->sc, 0);
	assert_int_not_equal(thread.t->sc, 0);
	assert_int_equal(((struct km_reply *)object_of(w, reply))->next, 0);
}

static void test_a_timeout_lends_nothing_to_one_who_comes_without_a_context(void **state)
{
	struct world *w = *state;
	uint64_t calls = endpoint(w), timeouts = endpoint(w), reply = reply_object(w);
	struct thread server = server_new(w, 5, 0, calls, reply), client = thread_started(w, 4, WITH_SC);
	struct thread thread = spender(w, timeouts);

	world_start(w);
	spend(w, &thread);
	assert_int_equal(thread.t->state, KM_BLOCKED_ON_SEND);
	call(w, &client, calls, info(0, 0, 0));
	/* It gives the client's time back, and takes the fault. */
	reply_recv(w, &server, timeouts, reply, info(0, 0, 0));
	assert_true(is_current(w, &client));
	assert_int_equal(server.t->state, KM_RUNNING);
	assert_int_equal(server.t->sc, 0);
	assert_int_equal(km_info_label(info_of(&server)), seL4_Fault_Timeout);
	assert_int_equal(thread.t->state, KM_BLOCKED_ON_REPLY);
}

static void test_a_timer_that_finds_nothing_due_charges_what_was_consumed(void **state)
{
	struct world *w = *state;
	km_ticks timer_at = w->core->timer_at;

	w->core->now += 100;
	km_timer(w->k, w->core);
	assert_true(is_current(w, &w->root));
	assert_true(w->core->timer_at == timer_at);
	assert_true(w->core->consumed == 0);
}

static void test_round_robin_has_no_timeouts(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread handler = server_new(w, 5, WITH_SC, ep, reply), thread = thread_started(w, 4, WITH_SC);

	invoke_good(w, thread.tcb, TCBSetTimeoutEndpoint, LIST(), LIST(ep));
	world_start(w);
	w->core->now = w->core->timer_at;
	km_timer(w->k, w->core);
	assert_true(is_current(w, &thread));
	assert_int_equal(handler.t->state, KM_BLOCKED_ON_RECEIVE);
}

static void test_a_system_call_without_budget_is_done_later(void **state)
{
	struct world *w = *state;
	uint64_t ntfn = notification(w), sc = context_of(w, 1000, 5000, 0);
	struct thread thread = thread_started(w, 4, 0);

	invoke_good(w, sc, SchedContextBind, LIST(), LIST(thread.tcb));
	world_start(w);
	w->core->now += 1000 * TICKS_US;
	send(w, &thread, ntfn, 0);
	assert_int_equal(((struct km_notification *)object_of(w, ntfn))->state, KM_NTFN_IDLE);
	assert_true(is_current(w, &w->root));
	assert_int_equal(thread.t->state, KM_RESTART);
	w->core->now = w->core->timer_at;
	km_timer(w->k, w->core);
	assert_true(is_current(w, &thread));
	assert_int_equal(thread.t->context.next_ip, 0x400100);
}

/* ---- handlers ---- */

static void test_nobody_to_hear_it_stops_the_thread(void **state)
{
	struct world *w = *state;
	struct thread thread = thread_started(w, 4, WITH_SC);

	world_start(w);
	km_vm_fault(w->k, w->core, 0, 4, 0);
	assert_int_equal(thread.t->state, KM_INACTIVE);
	assert_int_equal(thread.t->fault.type, seL4_Fault_NullFault);
	assert_true(is_current(w, &w->root));
}

static void test_a_fault_waits_for_its_handler(void **state)
{
	struct world *w = *state;
	struct thread thread = thread_started(w, 4, WITH_SC);
	uint64_t ep = endpoint(w), reply = reply_object(w);

	invoke_good(w, thread.tcb, TCBSetSpace, LIST(0, 0), LIST(ep, ROOT, seL4_CapInitThreadVSpace));
	world_start(w);
	km_vm_fault(w->k, w->core, 0x5000, 4, 0);
	assert_int_equal(thread.t->state, KM_BLOCKED_ON_SEND);
	world_stop(w);
	recv(w, &w->root, ep, reply);
	assert_int_equal(mr_of(w, &w->root, 1), 0x5000);
	assert_int_equal(thread.t->state, KM_BLOCKED_ON_REPLY);
	reply_to(w, &w->root, reply, 0);
	assert_int_equal(thread.t->state, KM_RESTART);
}

static void test_a_fault_is_not_restarted_when_its_endpoint_goes(void **state)
{
	struct world *w = *state;
	struct thread thread = thread_started(w, 4, WITH_SC);
	uint64_t ep = endpoint(w);

	invoke_good(w, thread.tcb, TCBSetSpace, LIST(0, 0), LIST(ep, ROOT, seL4_CapInitThreadVSpace));
	world_start(w);
	km_vm_fault(w->k, w->core, 0x5000, 4, 0);
	world_stop(w);
	invoke_good(w, ROOT, CNodeRevoke, LIST(ep, 64), LIST());
	invoke_good(w, ROOT, CNodeDelete, LIST(ep, 64), LIST());
	assert_int_equal(thread.t->state, KM_INACTIVE);
}

static void test_resuming_a_thread_forgets_its_fault(void **state)
{
	struct world *w = *state;
	struct thread thread = thread_started(w, 4, WITH_SC);
	uint64_t ep = endpoint(w);

	invoke_good(w, thread.tcb, TCBSetSpace, LIST(0, 0), LIST(ep, ROOT, seL4_CapInitThreadVSpace));
	world_start(w);
	km_vm_fault(w->k, w->core, 0x5000, 4, 0);
	world_stop(w);
	invoke_good(w, thread.tcb, TCBResume, LIST(), LIST());
	assert_int_equal(thread.t->state, KM_RESTART);
	assert_int_equal(thread.t->fault.type, seL4_Fault_NullFault);
	assert_int_equal(((struct km_endpoint *)object_of(w, ep))->state, KM_EP_IDLE);
}

static void test_a_handler_that_has_no_reply_object_cannot_help(void **state)
{
	struct world *w = *state;
	struct thread thread = thread_started(w, 4, WITH_SC);
	uint64_t ep = endpoint(w);

	invoke_good(w, thread.tcb, TCBSetSpace, LIST(0, 0), LIST(ep, ROOT, seL4_CapInitThreadVSpace));
	world_start(w);
	km_vm_fault(w->k, w->core, 0x5000, 4, 0);
	world_stop(w);
	sys(w, &w->root, seL4_SysNBWait, ep, 0);
	assert_int_equal(km_info_label(info_of(&w->root)), seL4_Fault_VMFault);
	assert_int_equal(thread.t->state, KM_INACTIVE);
}

/* ---- errors of invocations ---- */

static void test_a_failed_lookup_is_told_in_message_registers(void **state)
{
	struct world *w = *state;

	invoke(w, ROOT, CNodeCopy, LIST(w->next, 64, UINT64_C(1) << 60, 64, KM_ALL_RIGHTS), LIST(ROOT));
	assert_int_equal(info_of(&w->root), info(seL4_FailedLookup, 0, 5));
	assert_int_equal(mr_of(w, &w->root, 0), 1); /* the source */
	assert_int_equal(mr_of(w, &w->root, 1), seL4_GuardMismatch);
	assert_int_equal(mr_of(w, &w->root, 2), 64);
	assert_int_equal(mr_of(w, &w->root, 3), 0);
	assert_int_equal(mr_of(w, &w->root, 4), 64 - ROOT_BITS);
	invoke(w, ROOT, CNodeDelete, LIST(1, 65), LIST());
	assert_int_equal(info_of(&w->root), info(seL4_RangeError, 0, 2));
	assert_int_equal(mr_of(w, &w->root, 0), 1);
	assert_int_equal(mr_of(w, &w->root, 1), 64);
}

static void test_an_error_of_one_that_did_not_call_changes_no_register(void **state)
{
	struct world *w = *state;
	struct km_context before;

	set_mrs(&w->root, 1, 65, 3, 4);
	w->root.t->context.reg[KM_REG_CAP] = ROOT;
	w->root.t->context.reg[KM_REG_INFO] = info(CNodeDelete, 0, 2);
	before = w->root.t->context;
	send(w, &w->root, ROOT, info(CNodeDelete, 0, 2));
	assert_memory_equal(w->root.t->context.reg + KM_RSI, before.reg + KM_RSI, 2 * sizeof(km_word));
	assert_int_equal(mr_of(w, &w->root, 0), 1);
	assert_int_equal(w->k->error.type, seL4_RangeError);
}

static void test_a_label_is_all_of_its_bits(void **state)
{
	struct world *w = *state;
	struct thread thread = thread_started(w, 4, WITH_SC);

	call(w, &w->root, thread.tcb, info(UINT64_C(1) << 32 | TCBSuspend, 0, 0));
	assert_int_equal(info_of(&w->root), info(seL4_IllegalOperation, 0, 0));
	assert_int_equal(thread.t->state, KM_RESTART);
}

/* ---- preemption ---- */

static int always_pending(void *context, struct km_kernel *k, struct km_core *core)
{
	(void)k;
	(void)core;
	++*(unsigned *)context;
	return 1;
}

static void test_a_preempted_system_call_is_done_again(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w);
	unsigned asked = 0, entries = 0;

	for (unsigned i = 0; i < 3 * KM_PREEMPT_WORK; i++)
		copy(w, ep, KM_ALL_RIGHTS);
	w->k->host.context = &asked;
	w->k->host.pending = always_pending;
	w->root.t->context.reg[KM_REG_MR0] = ep;
	w->root.t->context.reg[KM_REG_MR1] = 64;
	for (km_word next = 0; next != 0x400102; entries++) {
		call(w, &w->root, ROOT, info(CNodeRevoke, 0, 2));
		next = w->root.t->context.next_ip;
		assert_true(next == 0x400100 || next == 0x400102);
		assert_int_equal(w->root.t->state, KM_RUNNING);
		if (next == 0x400100)
			assert_int_equal(w->root.t->context.whole, 1);
		km_interrupt(w->k, w->core, 60);
	}
	assert_int_equal(entries, asked + 1);
	assert_in_range(entries, 3, 8);
	assert_int_equal(info_of(&w->root), info(0, 0, 0));
	assert_int_equal(slot_of(w, ep)->next == 0 || !km_tree_has_children(w->k, slot_of(w, ep)), 1);
}

static void test_a_preempted_first_phase_does_not_go_on_to_receive(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w), big, inner, made = w->next + 2;
	unsigned asked = 0, entries = 0;
	km_word next = 0;

	/* An untyped of 64 KiB that was used, and is to be cleared before it is used again. */
	big = make(w, seL4_UntypedObject, 16);
	inner = w->next++;
	invoke_good(w, big, UntypedRetype, LIST(seL4_UntypedObject, 15, 0, 0, inner, 1), LIST(ROOT));
	invoke_good(w, big, UntypedRetype, LIST(seL4_X86_4K, 0, 0, 0, w->next, 8), LIST(ROOT));
	invoke_good(w, ROOT, CNodeRevoke, LIST(big, 64), LIST());
	made = w->next + 8;
	w->k->host.context = &asked;
	w->k->host.pending = always_pending;
	for (; next != 0x400102; entries++) {
		put_message(w, &w->root, LIST(seL4_EndpointObject, 0, 0, 0, made, 1), LIST(ROOT));
		w->root.t->context.reg[KM_REG_DEST] = big;
		w->root.t->context.reg[KM_REG_REPLY] = reply;
		sys(w, &w->root, seL4_SysNBSendRecv, ep, info(UntypedRetype, 1, 6));
		next = w->root.t->context.next_ip;
		if (next == 0x400102)
			break;
		assert_int_equal(w->root.t->state, KM_RUNNING);
	}
	assert_int_equal(w->root.t->state, KM_BLOCKED_ON_RECEIVE);
	assert_true(asked > 1);
	assert_int_equal(entries, asked);
	assert_int_equal(slot_of(w, made)->cap.type, KM_CAP_ENDPOINT);
}

/* ---- debug calls ---- */

struct text {
	char line[4096];
	size_t length;
};
static void put_char(void *context, char c)
{
	struct text *text = context;

	if (text->length < sizeof(text->line) - 1)
		text->line[text->length++] = c;
}

static void test_debug_calls(void **state)
{
	struct world *w = *state;
	struct text text = {.length = 0};
	static const uint8_t type[][2] = {
		{seL4_CapInitThreadTCB, 12}, {ROOT, 10}, {seL4_CapInitThreadVSpace, 9},
		{seL4_CapInitThreadSC, 22},  {0, 0},     {seL4_CapDomain, 20}};

	w->k->host.context = &text;
	w->k->host.put = put_char;
	sys(w, &w->root, seL4_SysDebugPutChar, 'x', 0);
	assert_string_equal(text.line, "x");
	for (unsigned i = 0; i < sizeof(type) / sizeof(type[0]); i++) {
		sys(w, &w->root, seL4_SysDebugCapIdentify, type[i][0], 0);
		assert_int_equal(badge_of(&w->root), type[i][1]);
	}
	sys(w, &w->root, seL4_SysDebugCapIdentify, UINT64_C(1) << 60, 0);
	assert_int_equal(badge_of(&w->root), 0);
	strcpy((char *)(buffer_of(w, &w->root) + 1), "the first");
	sys(w, &w->root, seL4_SysDebugNameThread, seL4_CapInitThreadTCB, 0);
	assert_string_equal(w->root.t->name, "the first");
	sys(w, &w->root, seL4_SysDebugDumpScheduler, 0, 0);
	assert_non_null(strstr(text.line, "the first"));
}

static void test_halting_stops_everybody(void **state)
{
	struct world *w = *state;
	struct thread thread = thread_started(w, 4, WITH_SC);

	sys(w, &w->root, seL4_SysDebugHalt, 0, 0);
	assert_int_equal(w->k->halted, 1);
	assert_ptr_equal(w->core->current, w->core->idle);
	assert_int_equal(thread.t->state, KM_INACTIVE);
	assert_true(w->core->timer_at == KM_NEVER);
}

static void test_a_stopped_thread_says_why_on_the_console(void **state)
{
	struct world *w = *state;
	struct text text = {.length = 0};
	struct thread thread = thread_started(w, 4, WITH_SC);

	w->k->host.context = &text;
	w->k->host.put = put_char;
	world_start(w);
	km_vm_fault(w->k, w->core, 0xdead000, 4, 0);
	assert_non_null(strstr(text.line, thread.t->name));
	assert_non_null(strstr(text.line, "0xdead000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_memory_fault_says_where_and_is_done_again_after_any_answer),
		TEST(test_the_time_of_a_fault_is_the_threads_own),
		TEST(test_an_unknown_system_call_shows_all_registers),
		TEST(test_without_a_buffer_four_words_arrive),
		TEST(test_an_answer_sets_registers_as_far_as_it_goes_and_sane),
		TEST(test_a_short_answer_leaves_the_rest),
		TEST(test_an_answer_with_a_label_leaves_the_thread_stopped),
		TEST(test_an_exception_is_five_words_and_its_answer_three_registers),
		TEST(test_a_capability_fault_says_how_far_the_lookup_came),
		TEST(test_a_thread_without_a_cspace_has_an_invalid_root),
		TEST(test_a_timeout_is_told_and_lends_no_time),
		TEST(test_a_timeout_lends_nothing_to_one_who_waits_without_a_context),
		TEST(test_a_timeout_lends_nothing_to_one_who_comes_without_a_context),
		TEST(test_a_timer_that_finds_nothing_due_charges_what_was_consumed),
		TEST(test_round_robin_has_no_timeouts),
		TEST(test_a_system_call_without_budget_is_done_later),
		TEST(test_nobody_to_hear_it_stops_the_thread),
		TEST(test_a_fault_waits_for_its_handler),
		TEST(test_a_fault_is_not_restarted_when_its_endpoint_goes),
		TEST(test_resuming_a_thread_forgets_its_fault),
		TEST(test_a_handler_that_has_no_reply_object_cannot_help),
		TEST(test_a_failed_lookup_is_told_in_message_registers),
		TEST(test_an_error_of_one_that_did_not_call_changes_no_register),
		TEST(test_a_label_is_all_of_its_bits),
		TEST(test_a_preempted_system_call_is_done_again),
		TEST(test_a_preempted_first_phase_does_not_go_on_to_receive),
		TEST(test_debug_calls),
		TEST(test_halting_stops_everybody),
		TEST(test_a_stopped_thread_says_why_on_the_console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
