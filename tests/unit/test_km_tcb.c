/* kernelmodel/tcb.c: what each invocation of a thread checks, in which order, and what it does. */
#include "tests/unit/km_world.h"

#define VSPACE seL4_CapInitThreadVSpace
#define TRUNCATED(w, t, label, ...)                                                                          \
	assert_int_equal(invoke(w, (t)->tcb, label, __VA_ARGS__), seL4_TruncatedMessage)
#define ILLEGAL(w, t, label, ...)                                                                            \
	assert_int_equal(invoke(w, (t)->tcb, label, __VA_ARGS__), seL4_IllegalOperation)
#define GOOD(w, t, label, ...) assert_int_equal(invoke(w, (t)->tcb, label, __VA_ARGS__), seL4_NoError)

static void assert_bad_cap(struct world *w, uint64_t error, km_word number)
{
	assert_int_equal(error, seL4_InvalidCapability);
	assert_int_equal(mr_of(w, &w->root, 0), number);
}
static void assert_range(struct world *w, uint64_t error, km_word min, km_word max)
{
	assert_int_equal(error, seL4_RangeError);
	assert_int_equal(mr_of(w, &w->root, 0), min);
	assert_int_equal(mr_of(w, &w->root, 1), max);
}

/* ---- registers ---- */

static void test_registers_come_back_as_they_were_written(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);
	uint64_t message[1 + 2 + KM_REGISTERS] = {0, 0, KM_REGISTERS};

	for (unsigned i = 0; i < KM_REGISTERS; i++)
		message[3 + i] = 0x1000 + i;
	message[3 + KM_RFLAGS] = 0x202;
	assert_int_equal(invoke(w, a.tcb, TCBWriteRegisters, 2 + KM_REGISTERS, message, LIST()),
			 seL4_NoError);
	GOOD(w, &a, TCBReadRegisters, LIST(0, KM_REGISTERS), LIST());
	assert_int_equal(info_of(&w->root), info(0, 0, KM_REGISTERS));
	for (unsigned i = 0; i < KM_REGISTERS; i++)
		assert_int_equal(mr_of(w, &w->root, i), message[3 + i]);
	assert_int_equal(a.t->context.next_ip, 0x1000);
	assert_true(a.t->context.whole);
	assert_int_equal(a.t->state, KM_INACTIVE);
}

static void test_only_as_many_registers_as_asked_are_moved(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);

	GOOD(w, &a, TCBWriteRegisters, LIST(0, 2, 0x1111, 0x2222, 0x202, 0x3333), LIST());
	assert_int_equal(reg_of(&a, KM_RIP), 0x1111);
	assert_int_equal(reg_of(&a, KM_RSP), 0x2222);
	assert_int_equal(reg_of(&a, KM_RAX), 0);
	GOOD(w, &a, TCBReadRegisters, LIST(0, 1), LIST());
	assert_int_equal(info_of(&w->root), info(0, 0, 1));
	assert_int_equal(mr_of(w, &w->root, 0), 0x1111);
}

static void test_register_counts_are_checked(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);

	TRUNCATED(w, &a, TCBReadRegisters, LIST(0), LIST());
	assert_range(w, invoke(w, a.tcb, TCBReadRegisters, LIST(0, 0), LIST()), 1, 20);
	assert_range(w, invoke(w, a.tcb, TCBReadRegisters, LIST(0, 21), LIST()), 1, 20);
	TRUNCATED(w, &a, TCBWriteRegisters, LIST(0), LIST());
	TRUNCATED(w, &a, TCBWriteRegisters, LIST(0, 1), LIST());
	TRUNCATED(w, &a, TCBWriteRegisters, LIST(0, UINT64_MAX, 1), LIST());
	GOOD(w, &a, TCBWriteRegisters, LIST(0, 0), LIST());
	/* Of oneself: the count comes first. */
	assert_range(w, invoke(w, w->root.tcb, TCBReadRegisters, LIST(0, 0), LIST()), 1, 20);
	ILLEGAL(w, &w->root, TCBReadRegisters, LIST(0, 1), LIST());
	TRUNCATED(w, &w->root, TCBWriteRegisters, LIST(0, 1), LIST());
	ILLEGAL(w, &w->root, TCBWriteRegisters, LIST(0, 0), LIST());
}

static void test_registers_are_made_harmless(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);
	uint64_t message[1 + 2 + KM_REGISTERS] = {0, 0, KM_REGISTERS};

	message[3 + KM_RIP] = UINT64_C(0x800000000000);
	message[3 + KM_RSP] = UINT64_C(0x800000000000);
	message[3 + KM_RFLAGS] = UINT64_MAX;
	message[3 + KM_FS_BASE] = UINT64_C(0xffff7fffffffffff);
	message[3 + KM_GS_BASE] = UINT64_C(0xffff800000000000);
	assert_int_equal(invoke(w, a.tcb, TCBWriteRegisters, 2 + KM_REGISTERS, message, LIST()),
			 seL4_NoError);
	assert_int_equal(reg_of(&a, KM_RIP), 0);
	assert_int_equal(reg_of(&a, KM_RSP), UINT64_C(0x800000000000));
	assert_int_equal(reg_of(&a, KM_RFLAGS), 0xed7 | 0x202);
	assert_int_equal(reg_of(&a, KM_FS_BASE), 0);
	assert_int_equal(reg_of(&a, KM_GS_BASE), UINT64_C(0xffff800000000000));
	message[3 + KM_RFLAGS] = 0;
	assert_int_equal(invoke(w, a.tcb, TCBWriteRegisters, 2 + KM_REGISTERS, message, LIST()),
			 seL4_NoError);
	assert_int_equal(reg_of(&a, KM_RFLAGS), 0x202);
	GOOD(w, &a, TCBSetTLSBase, LIST(0x7000), LIST());
	assert_int_equal(reg_of(&a, KM_FS_BASE), 0x7000);
	TRUNCATED(w, &a, TCBSetTLSBase, LIST(), LIST());
}

static void test_writing_and_resuming_cancels_a_wait_and_starts_at_the_new_registers(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w);
	struct thread a = thread_started(w, 50, WITH_SC);

	world_start(w);
	call(w, &a, ep, info(0, 0, 0));
	assert_int_equal(a.t->state, KM_BLOCKED_ON_SEND);
	a.t->context.whole = 0;
	GOOD(w, &a, TCBWriteRegisters, LIST(1, 2, 0x5000, 0x6000), LIST());
	assert_true(is_current(w, &a));
	assert_int_equal(a.t->state, KM_RUNNING);
	assert_int_equal(a.t->context.next_ip, 0x5000);
	assert_int_equal(reg_of(&a, KM_RSP), 0x6000);
	assert_true(a.t->context.whole);
	assert_int_equal(((struct km_endpoint *)object_of(w, ep))->state, KM_EP_IDLE);
}

static void test_reading_may_suspend(void **state)
{
	struct world *w = *state;
	struct thread a = thread_started(w, 50, WITH_SC);

	GOOD(w, &a, TCBReadRegisters, LIST(0, 1), LIST());
	assert_int_equal(a.t->state, KM_RESTART);
	GOOD(w, &a, TCBReadRegisters, LIST(1, 1), LIST());
	assert_int_equal(a.t->state, KM_INACTIVE);
}

static void test_registers_are_copied_by_their_groups(void **state)
{
	struct world *w = *state;
	struct thread a = thread_started(w, 50, WITH_SC), b = thread_new(w, 50, WITH_SC);

	TRUNCATED(w, &b, TCBCopyRegisters, LIST(), LIST(a.tcb));
	TRUNCATED(w, &b, TCBCopyRegisters, LIST(4), LIST());
	assert_bad_cap(w, invoke(w, b.tcb, TCBCopyRegisters, LIST(4), LIST(ROOT)), 1);
	for (unsigned i = 0; i < KM_REGISTERS; i++)
		a.t->context.reg[i] = 100 + i;
	GOOD(w, &b, TCBCopyRegisters, LIST(8), LIST(a.tcb));
	assert_int_equal(reg_of(&b, KM_RSP), 0);
	assert_int_equal(reg_of(&b, KM_FS_BASE), 100 + KM_FS_BASE);
	assert_int_equal(reg_of(&b, KM_GS_BASE), 100 + KM_GS_BASE);
	GOOD(w, &b, TCBCopyRegisters, LIST(4), LIST(a.tcb));
	assert_int_equal(reg_of(&b, KM_R15), 100 + KM_R15);
	assert_int_equal(b.t->context.next_ip, 100);
	assert_int_equal(a.t->state, KM_RESTART);
	assert_int_equal(b.t->state, KM_INACTIVE);
	GOOD(w, &b, TCBCopyRegisters, LIST(3), LIST(a.tcb));
	assert_int_equal(a.t->state, KM_INACTIVE);
	assert_int_equal(b.t->state, KM_RESTART);
}

/* ---- spaces, buffer and handlers ---- */

static void test_configure_checks_the_buffer_then_cspace_then_vspace(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);
	uint64_t ep = endpoint(w), frame = make(w, seL4_X86_4K, 0), pml4 = make(w, seL4_X64_PML4Object, 0);

	TRUNCATED(w, &a, TCBConfigure, LIST(0, 0), LIST(ROOT, VSPACE, frame));
	TRUNCATED(w, &a, TCBConfigure, LIST(0, 0, 0), LIST(ROOT, VSPACE));
	assert_int_equal(invoke(w, a.tcb, TCBConfigure, LIST(0, 0, 0x700008), LIST(ep, ep, frame)),
			 seL4_AlignmentError);
	ILLEGAL(w, &a, TCBConfigure, LIST(0, 0, 0x700000), LIST(ep, ep, ep));
	ILLEGAL(w, &a, TCBConfigure, LIST(0, 0, 0), LIST(ep, VSPACE, 0));
	ILLEGAL(w, &a, TCBConfigure, LIST(0, 0, 0), LIST(ROOT, ep, 0));
	/* One that no address space identifier was given to. */
	ILLEGAL(w, &a, TCBConfigure, LIST(0, 0, 0), LIST(ROOT, pml4, 0));
	GOOD(w, &a, TCBConfigure, LIST(0, 0, 0x700000), LIST(ROOT, VSPACE, frame));
	assert_int_equal(a.t->buffer_address, 0x700000);
	assert_int_equal(a.t->slot[KM_TCB_BUFFER].cap.type, KM_CAP_FRAME);
	/* Address 0 is no buffer, whatever the capability. */
	GOOD(w, &a, TCBConfigure, LIST(0, 0, 0), LIST(ROOT, VSPACE, ep));
	assert_int_equal(a.t->slot[KM_TCB_BUFFER].cap.type, KM_CAP_NULL);
	assert_int_equal(a.t->buffer_address, 0);
}

static void test_configure_sets_the_guard_of_the_cspace(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);
	uint64_t node = make(w, seL4_CapTableObject, 4);

	/* A guard of 60 bits, 5 in the lowest: (guard << 6) | size. */
	GOOD(w, &a, TCBConfigure, LIST(5 << 6 | 60, 0, 0), LIST(node, VSPACE, 0));
	assert_int_equal(a.t->slot[KM_TCB_CSPACE].cap.guard_size, 60);
	assert_int_equal(a.t->slot[KM_TCB_CSPACE].cap.word, 5);
	/* 61 + 4 bits are too many: the capability becomes null. */
	ILLEGAL(w, &a, TCBConfigure, LIST(5 << 6 | 61, 0, 0), LIST(node, VSPACE, 0));
}

static void test_a_cspace_that_only_the_thread_holds_cannot_be_replaced(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);
	uint64_t node = make(w, seL4_CapTableObject, 4);

	GOOD(w, &a, TCBConfigure, LIST(0, 0, 0), LIST(node, VSPACE, 0));
	invoke_good(w, ROOT, CNodeDelete, LIST(node, 64), LIST());
	ILLEGAL(w, &a, TCBConfigure, LIST(0, 0, 0), LIST(ROOT, VSPACE, 0));
	ILLEGAL(w, &a, TCBSetSpace, LIST(0, 0), LIST(0, ROOT, VSPACE));
}

static void test_set_space_checks_the_handler_last(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);
	uint64_t ep = endpoint(w), ntfn = notification(w);
	uint64_t weak = copy(w, ep, KM_WRITE | KM_READ), answered = mint(w, ep, KM_WRITE | KM_GRANT_REPLY, 9);

	TRUNCATED(w, &a, TCBSetSpace, LIST(0), LIST(0, ROOT, VSPACE));
	TRUNCATED(w, &a, TCBSetSpace, LIST(0, 0), LIST(0, ROOT));
	ILLEGAL(w, &a, TCBSetSpace, LIST(0, 0), LIST(ntfn, ep, VSPACE));
	ILLEGAL(w, &a, TCBSetSpace, LIST(0, 0), LIST(ntfn, ROOT, ep));
	assert_bad_cap(w, invoke(w, a.tcb, TCBSetSpace, LIST(0, 0), LIST(ntfn, ROOT, VSPACE)), 1);
	assert_bad_cap(w, invoke(w, a.tcb, TCBSetSpace, LIST(0, 0), LIST(weak, ROOT, VSPACE)), 1);
	GOOD(w, &a, TCBSetSpace, LIST(0, 0), LIST(answered, ROOT, VSPACE));
	assert_int_equal(a.t->slot[KM_TCB_FAULT_HANDLER].cap.word, 9);
	GOOD(w, &a, TCBSetSpace, LIST(0, 0), LIST(0, ROOT, VSPACE));
	assert_int_equal(a.t->slot[KM_TCB_FAULT_HANDLER].cap.type, KM_CAP_NULL);
}

static void test_a_stored_handler_goes_when_the_endpoint_is_revoked(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);
	uint64_t ep = endpoint(w);

	GOOD(w, &a, TCBSetSpace, LIST(0, 0), LIST(ep, ROOT, VSPACE));
	GOOD(w, &a, TCBSetTimeoutEndpoint, LIST(), LIST(ep));
	invoke_good(w, ROOT, CNodeRevoke, LIST(ep, 64), LIST());
	assert_int_equal(a.t->slot[KM_TCB_FAULT_HANDLER].cap.type, KM_CAP_NULL);
	assert_int_equal(a.t->slot[KM_TCB_TIMEOUT_HANDLER].cap.type, KM_CAP_NULL);
}

static void test_set_ipc_buffer_takes_a_frame_that_is_aligned(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);
	uint64_t frame = make(w, seL4_X86_4K, 0);

	TRUNCATED(w, &a, TCBSetIPCBuffer, LIST(), LIST(frame));
	TRUNCATED(w, &a, TCBSetIPCBuffer, LIST(0x700000), LIST());
	ILLEGAL(w, &a, TCBSetIPCBuffer, LIST(0x700000), LIST(ROOT));
	assert_int_equal(invoke(w, a.tcb, TCBSetIPCBuffer, LIST(0x700200), LIST(frame)), seL4_AlignmentError);
	GOOD(w, &a, TCBSetIPCBuffer, LIST(0x700400), LIST(frame));
	assert_int_equal(a.t->buffer_address, 0x700400);
	assert_non_null(km_ipc_buffer(w->k, a.t, 1));
	GOOD(w, &a, TCBSetIPCBuffer, LIST(0), LIST(0));
	assert_null(km_ipc_buffer(w->k, a.t, 1));
}

static void test_set_timeout_endpoint_takes_a_handler_or_nothing(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);
	uint64_t ep = endpoint(w), weak = copy(w, ep, KM_GRANT | KM_READ);

	TRUNCATED(w, &a, TCBSetTimeoutEndpoint, LIST(), LIST());
	assert_bad_cap(w, invoke(w, a.tcb, TCBSetTimeoutEndpoint, LIST(), LIST(weak)), 1);
	GOOD(w, &a, TCBSetTimeoutEndpoint, LIST(), LIST(ep));
	assert_int_equal(a.t->slot[KM_TCB_TIMEOUT_HANDLER].cap.type, KM_CAP_ENDPOINT);
	GOOD(w, &a, TCBSetTimeoutEndpoint, LIST(), LIST(0));
	assert_int_equal(a.t->slot[KM_TCB_TIMEOUT_HANDLER].cap.type, KM_CAP_NULL);
}

/* ---- priorities ---- */

static void test_priorities_are_bounded_by_the_authority(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0), authority = thread_new(w, 10, 0);
	static const unsigned label[] = {TCBSetPriority, TCBSetMCPriority};

	GOOD(w, &authority, TCBSetMCPriority, LIST(100), LIST(w->root.tcb));
	for (unsigned i = 0; i < 2; i++) {
		TRUNCATED(w, &a, label[i], LIST(), LIST(authority.tcb));
		TRUNCATED(w, &a, label[i], LIST(1), LIST());
		assert_bad_cap(w, invoke(w, a.tcb, label[i], LIST(101), LIST(ROOT)), 1);
		assert_range(w, invoke(w, a.tcb, label[i], LIST(101), LIST(authority.tcb)), 0, 100);
		assert_range(w, invoke(w, a.tcb, label[i], LIST(256), LIST(w->root.tcb)), 0, 255);
		assert_range(w, invoke(w, a.tcb, label[i], LIST(UINT64_MAX), LIST(w->root.tcb)), 0, 255);
		GOOD(w, &a, label[i], LIST(100), LIST(authority.tcb));
	}
	assert_int_equal(a.t->priority, 100);
	assert_int_equal(a.t->mcp, 100);
}

static void test_scheduling_parameters_are_checked_in_order(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0), b = thread_started(w, 60, WITH_SC),
		      low = thread_new(w, 10, 0);
	uint64_t sc = context_of(w, 100, 100, 0), idle = make(w, seL4_SchedContextObject, 7),
		 ep = endpoint(w);
	uint64_t ntfn = notification(w);

	GOOD(w, &low, TCBSetMCPriority, LIST(100), LIST(w->root.tcb));
	TRUNCATED(w, &a, TCBSetSchedParams, LIST(1), LIST(w->root.tcb, sc, 0));
	TRUNCATED(w, &a, TCBSetSchedParams, LIST(1, 1), LIST(w->root.tcb, sc));
	assert_bad_cap(w, invoke(w, a.tcb, TCBSetSchedParams, LIST(101, 101), LIST(ROOT, ROOT, ntfn)), 1);
	assert_range(w, invoke(w, a.tcb, TCBSetSchedParams, LIST(101, 1), LIST(low.tcb, ROOT, ntfn)), 0, 100);
	assert_range(w, invoke(w, a.tcb, TCBSetSchedParams, LIST(1, 101), LIST(low.tcb, ROOT, ntfn)), 0, 100);
	assert_bad_cap(w, invoke(w, a.tcb, TCBSetSchedParams, LIST(1, 1), LIST(low.tcb, ROOT, ntfn)), 2);
	assert_bad_cap(w, invoke(w, a.tcb, TCBSetSchedParams, LIST(1, 1), LIST(low.tcb, sc, ntfn)), 3);
	ILLEGAL(w, &a, TCBSetSchedParams, LIST(1, 1), LIST(low.tcb, b.sc, ntfn)); /* another's */
	ILLEGAL(w, &b, TCBSetSchedParams, LIST(1, 1), LIST(low.tcb, sc, ntfn));   /* it has one */
	ILLEGAL(w, &b, TCBSetSchedParams, LIST(1, 1), LIST(low.tcb, b.sc, 0));    /* even its own */
	ILLEGAL(w, &w->root, TCBSetSchedParams, LIST(1, 1), LIST(low.tcb, 0, 0)); /* it would stop itself */
	GOOD(w, &a, TCBSetSchedParams, LIST(70, 80), LIST(low.tcb, sc, ep));
	assert_int_equal(a.t->mcp, 70);
	assert_int_equal(a.t->priority, 80);
	assert_ptr_equal(KM_SC(w->k, a.t->sc), object_of(w, sc));
	assert_int_equal(a.t->slot[KM_TCB_FAULT_HANDLER].cap.type, KM_CAP_ENDPOINT);
	GOOD(w, &a, TCBSetSchedParams, LIST(70, 80), LIST(low.tcb, 0, 0));
	assert_int_equal(a.t->sc, 0);
	assert_int_equal(a.t->slot[KM_TCB_FAULT_HANDLER].cap.type, KM_CAP_NULL);

	/* A thread that waits takes only what could run now. */
	GOOD(w, &b, TCBSetSchedParams, LIST(255, 60), LIST(w->root.tcb, 0, 0));
	GOOD(w, &b, TCBSetSchedParams, LIST(255, 60), LIST(w->root.tcb, idle, 0));
	GOOD(w, &b, TCBSetSchedParams, LIST(255, 60), LIST(w->root.tcb, 0, 0));
	GOOD(w, &b, TCBSetSchedParams, LIST(255, 60), LIST(w->root.tcb, sc, 0));
	world_start(w);
	wait_on(w, &b, ntfn);
	world_stop(w);
	GOOD(w, &b, TCBSetSchedParams, LIST(255, 60), LIST(w->root.tcb, 0, 0));
	ILLEGAL(w, &b, TCBSetSchedParams, LIST(255, 60), LIST(w->root.tcb, idle, 0));
	GOOD(w, &b, TCBSetSchedParams, LIST(255, 60), LIST(w->root.tcb, sc, 0));
}

/* ---- notifications and flags ---- */

static void test_a_notification_is_bound_to_one_thread(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0), b = thread_started(w, 60, WITH_SC);
	uint64_t ntfn = notification(w), other = notification(w), write_only = copy(w, ntfn, KM_WRITE);

	TRUNCATED(w, &a, TCBBindNotification, LIST(), LIST());
	ILLEGAL(w, &a, TCBBindNotification, LIST(), LIST(ROOT));
	ILLEGAL(w, &a, TCBBindNotification, LIST(), LIST(write_only));
	ILLEGAL(w, &a, TCBUnbindNotification, LIST(), LIST());
	GOOD(w, &a, TCBBindNotification, LIST(), LIST(ntfn));
	ILLEGAL(w, &a, TCBBindNotification, LIST(), LIST(other));
	ILLEGAL(w, &b, TCBBindNotification, LIST(), LIST(ntfn));
	GOOD(w, &a, TCBUnbindNotification, LIST(), LIST());
	world_start(w);
	wait_on(w, &b, other);
	world_stop(w);
	ILLEGAL(w, &a, TCBBindNotification, LIST(), LIST(other)); /* somebody waits */
	GOOD(w, &a, TCBBindNotification, LIST(), LIST(ntfn));
}

static void test_set_flags_clears_then_sets_and_tells(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);

	TRUNCATED(w, &a, TCBSetFlags, LIST(0), LIST());
	GOOD(w, &a, TCBSetFlags, LIST(0, UINT64_MAX), LIST());
	assert_int_equal(info_of(&w->root), info(0, 0, 1));
	assert_int_equal(mr_of(w, &w->root, 0), seL4_TCBFlag_fpuDisabled);
	GOOD(w, &a, TCBSetFlags, LIST(1, 1), LIST());
	assert_int_equal(mr_of(w, &w->root, 0), 1);
	GOOD(w, &a, TCBSetFlags, LIST(1, 0), LIST());
	assert_int_equal(mr_of(w, &w->root, 0), 0);
	assert_false(a.t->fpu_disabled);
}

/* ---- the rest ---- */

static void test_labels_of_others_are_illegal(void **state)
{
	struct world *w = *state;
	struct thread a = thread_new(w, 50, 0);

	ILLEGAL(w, &a, InvalidInvocation, LIST(0, 0, 0), LIST());
	ILLEGAL(w, &a, UntypedRetype, LIST(0, 0, 0), LIST());
	ILLEGAL(w, &a, CNodeRevoke, LIST(0, 0, 0), LIST());
	ILLEGAL(w, &a, 999, LIST(0, 0, 0), LIST());
}

static void test_who_suspends_itself_does_so_again_on_resume(void **state)
{
	struct world *w = *state;
	struct thread a = thread_started(w, 50, WITH_SC | WITH_BUFFER);

	world_start(w);
	call(w, &a, a.tcb, info(TCBSuspend, 0, 0));
	assert_true(is_current(w, &w->root));
	assert_int_equal(a.t->state, KM_INACTIVE);
	GOOD(w, &a, TCBResume, LIST(), LIST());
	assert_true(is_current(w, &a));
	assert_int_equal(a.t->context.next_ip, 0x400100);
}

static void test_a_new_thread_is_of_the_domain_and_core_that_made_it(void **state)
{
	struct world *w = *state;
	uint64_t tcb = make(w, seL4_TCBObject, 0);
	const struct km_tcb *t = object_of(w, tcb);

	assert_int_equal(t->state, KM_INACTIVE);
	assert_int_equal(t->domain, 0);
	assert_int_equal(t->core, 0);
	assert_int_equal(t->priority, 0);
	assert_int_equal(t->mcp, 0);
	assert_int_equal(t->sc, 0);
	assert_int_equal(t->context.reg[KM_RFLAGS], 0x202);
	assert_int_equal(w->k->all_last, km_ref_of(w->k, t));
	invoke_good(w, ROOT, CNodeDelete, LIST(tcb, 64), LIST());
	assert_int_not_equal(w->k->all_last, km_ref_of(w->k, t));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_registers_come_back_as_they_were_written),
		TEST(test_only_as_many_registers_as_asked_are_moved),
		TEST(test_register_counts_are_checked),
		TEST(test_registers_are_made_harmless),
		TEST(test_writing_and_resuming_cancels_a_wait_and_starts_at_the_new_registers),
		TEST(test_reading_may_suspend),
		TEST(test_registers_are_copied_by_their_groups),
		TEST(test_configure_checks_the_buffer_then_cspace_then_vspace),
		TEST(test_configure_sets_the_guard_of_the_cspace),
		TEST(test_a_cspace_that_only_the_thread_holds_cannot_be_replaced),
		TEST(test_set_space_checks_the_handler_last),
		TEST(test_a_stored_handler_goes_when_the_endpoint_is_revoked),
		TEST(test_set_ipc_buffer_takes_a_frame_that_is_aligned),
		TEST(test_set_timeout_endpoint_takes_a_handler_or_nothing),
		TEST(test_priorities_are_bounded_by_the_authority),
		TEST(test_scheduling_parameters_are_checked_in_order),
		TEST(test_a_notification_is_bound_to_one_thread),
		TEST(test_set_flags_clears_then_sets_and_tells),
		TEST(test_labels_of_others_are_illegal),
		TEST(test_who_suspends_itself_does_so_again_on_resume),
		TEST(test_a_new_thread_is_of_the_domain_and_core_that_made_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
