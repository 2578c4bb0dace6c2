/* tests/sel4/smp.c - several cores under one kernel: the driver on one, helpers on the other.
 *
 * Helpers elsewhere run at the same time as the driver, so cases wait for words that they set, and check order only where
 * one thing causes the other. */
#include "tests/sel4/harness.h"

/* e->shared */
enum { DONE, CORE, EP, REPLY, NTFN, COUNT, STOP, OUT };

static unsigned other_core(struct env *e) { return e->core == 0 ? e->cores - 1 : 0; }

static void say_core(struct env *e, seL4_Word unused)
{
	(void)unused;
	e->shared[CORE] = skerry_core();
	env_set(&e->shared[DONE], 1);
}

#define check_done(e, value) check(e, env_await(e, &(e)->shared[DONE], value))

CASE(SMP0001, "a thread runs on the core whose control configured its context", CASE_CORES)
{
	struct thread *t = env_thread_on(e, HIGH, other_core(e));
	env_start(e, t, say_core, 0);
	check_done(e, 1);
	check_equal(e, e->shared[CORE], other_core(e));
	check_equal(e, skerry_core(), e->core);
}

CASE(SMP0002, "configuring its context by another core's control moves a thread", CASE_CORES)
{
	struct thread *t = env_thread(e, HIGH);
	for (unsigned i = 0; i < 4; i++) {
		unsigned core = i % 2 ? e->core : other_core(e);
		env_set(&e->shared[DONE], 0);
		check_ok(e, seL4_SchedControl_Configure(env_sched_control(e, core), t->sc, 1000000, 1000000,
							0, 0));
		env_start(e, t, say_core, 0);
		check_done(e, 1);
		check_equal(e, e->shared[CORE], core);
	}
}

CASE(SMP0003, "binding a thread to a context of another core moves it", CASE_CORES)
{
	struct thread *t = env_thread(e, HIGH);
	seL4_CPtr sc = env_sc(e);
	check_ok(e, seL4_SchedControl_Configure(env_sched_control(e, other_core(e)), sc, 1000000, 1000000, 0,
						0));
	check_ok(e, seL4_SchedContext_Unbind(t->sc));
	check_ok(e, seL4_SchedContext_Bind(sc, t->tcb));
	env_start(e, t, say_core, 0);
	check_done(e, 1);
	check_equal(e, e->shared[CORE], other_core(e));
}

static void move_self(struct env *e, seL4_Word sc)
{
	unsigned target = skerry_core() == 0 ? e->cores - 1 : 0;
	seL4_Error error =
		seL4_SchedControl_Configure(env_sched_control(e, target), sc, 100000000, 100000000, 0, 0);
	e->shared[OUT] = error || skerry_core() != target;
	env_set(&e->shared[DONE], 1);
}

CASE(SMP0004, "a thread can move itself", CASE_CORES)
{
	struct thread *t = env_thread(e, HIGH);
	env_start(e, t, move_self, t->sc);
	check_done(e, 1);
	check_equal(e, e->shared[OUT], 0);
}

static void serve(struct env *e, seL4_Word unused)
{
	(void)unused;
	seL4_Word badge;
	seL4_Recv(e->shared[EP], &badge, e->shared[REPLY]);
	for (;;) {
		seL4_SetMR(0, seL4_GetMR(0) + 1);
		seL4_SetMR(1, skerry_core());
		seL4_ReplyRecv(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 2), &badge, e->shared[REPLY]);
	}
}

CASE(SMP0005, "a call to a server on another core comes back", CASE_CORES)
{
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	env_start(e, env_thread_on(e, HIGH, other_core(e)), serve, 0);
	for (seL4_Word i = 0; i < 20; i++) {
		seL4_SetMR(0, i);
		seL4_Call(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 1));
		check_equal(e, seL4_GetMR(0), i + 1);
		check_equal(e, seL4_GetMR(1), other_core(e));
	}
}

static void make_passive(struct env *e, seL4_Word unused)
{
	(void)unused;
	env_set(&e->shared[DONE], 1);
	serve(e, 0);
}

CASE(SMP0006, "a passive server runs on its caller's core", CASE_CORES)
{
	e->shared[EP] = env_endpoint(e);
	e->shared[REPLY] = env_reply(e);
	struct thread *server = env_thread_on(e, HIGH, other_core(e));
	env_start(e, server, make_passive, 0);
	check_done(e, 1);
	/* It has said so just before it waits: the first call finds it there. */
	seL4_SetMR(0, 1);
	seL4_Call(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 1));
	check_equal(e, seL4_GetMR(1), other_core(e));
	for (unsigned turns = 0; turns < 100; turns++) {
		skerry_compute(1000);
		seL4_Yield();
	}
	check_ok(e, seL4_SchedContext_Unbind(server->sc));
	seL4_SetMR(0, 5);
	seL4_Call(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 1));
	check_equal(e, seL4_GetMR(0), 6);
	check_equal(e, seL4_GetMR(1), e->core);
}

static void count_signals(struct env *e, seL4_Word ntfn)
{
	seL4_Word badge;
	for (seL4_Word i = 1; i <= 10; i++) {
		seL4_Wait(ntfn, &badge);
		env_set(&e->shared[DONE], i);
	}
}

CASE(SMP0007, "a signal wakes a waiter on another core", CASE_CORES)
{
	seL4_CPtr ntfn = env_notification(e);
	env_start(e, env_thread_on(e, HIGH, other_core(e)), count_signals, ntfn);
	for (seL4_Word i = 1; i <= 10; i++) {
		seL4_Signal(ntfn);
		check_done(e, i);
	}
}

/* Counts for ever, entering the kernel each time. */
static void count_for_ever(struct env *e, seL4_Word unused)
{
	(void)unused;
	for (seL4_Word i = 1;; i++) {
		env_set(&e->shared[COUNT], i);
		env_set(&e->shared[DONE], 1);
		skerry_compute(500);
		seL4_Yield();
	}
}

static void check_stopped(struct env *e)
{
	seL4_Word count = env_get(&e->shared[COUNT]);
	for (unsigned turns = 0; turns < 100; turns++) {
		skerry_compute(1000);
		seL4_Yield();
	}
	check_equal(e, env_get(&e->shared[COUNT]), count);
}

CASE(SMP0008, "a thread that runs on another core is stopped by suspending it", CASE_CORES)
{
	struct thread *t = env_thread_on(e, HIGH, other_core(e));
	env_start(e, t, count_for_ever, 0);
	check_done(e, 1);
	check_ok(e, seL4_TCB_Suspend(t->tcb));
	check_stopped(e);
	seL4_Word count = env_get(&e->shared[COUNT]);
	env_set(&e->shared[DONE], 0);
	check_ok(e, seL4_TCB_Resume(t->tcb));
	check_done(e, 1);
	check(e, env_get(&e->shared[COUNT]) > count);
}

CASE(SMP0009, "a thread that runs on another core can be deleted", CASE_CORES)
{
	struct thread *t = env_thread_on(e, HIGH, other_core(e));
	env_start(e, t, count_for_ever, 0);
	check_done(e, 1);
	check_ok(e, seL4_CNode_Delete(AT(t->tcb)));
	check_stopped(e);
}

CASE(SMP0010, "a context that runs on another core can be deleted", CASE_CORES)
{
	struct thread *t = env_thread_on(e, HIGH, other_core(e));
	env_start(e, t, count_for_ever, 0);
	check_done(e, 1);
	check_ok(e, seL4_CNode_Delete(AT(t->sc)));
	check_stopped(e);
}

CASE(SMP0011, "a thread that runs on another core can be given new registers", CASE_CORES)
{
	struct thread *t = env_thread_on(e, HIGH, other_core(e));
	env_start(e, t, count_for_ever, 0);
	check_done(e, 1);
	env_set(&e->shared[DONE], 0);
	check_ok(e, seL4_TCB_Suspend(t->tcb));
	env_set(&e->shared[DONE], 0);
	env_start(e, t, say_core, 0);
	check_done(e, 1);
	check(e, env_await(e, (seL4_Word *)&e->shared[CORE], other_core(e)));
}

CASE(SMP0012, "a thread that runs on another core is moved here in the middle of its work", CASE_CORES)
{
	struct thread *t = env_thread_on(e, LOW, other_core(e));
	env_start(e, t, count_for_ever, 0);
	check_done(e, 1);
	check_ok(e, seL4_SchedControl_Configure(env_sched_control(e, e->core), t->sc, 100000000, 100000000, 0,
						0));
	/* Here it has a lower priority than the driver. */
	check_stopped(e);
	seL4_Word count = env_get(&e->shared[COUNT]);
	check_ok(e, seL4_SchedControl_Configure(env_sched_control(e, other_core(e)), t->sc, 100000000,
						100000000, 0, 0));
	env_set(&e->shared[DONE], 0);
	check_done(e, 1);
	check(e, env_get(&e->shared[COUNT]) > count);
}

CASE(SMP0013, "priorities are a core's own: a low thread elsewhere runs beside the driver", CASE_CORES)
{
	env_start(e, env_thread_on(e, 0, other_core(e)), say_core, 0);
	for (unsigned turns = 0; turns < 20000 && !env_get(&e->shared[DONE]); turns++)
		skerry_compute(1000);
	check_equal(e, env_get(&e->shared[DONE]), 1);
}

static void compute(struct env *e, seL4_Word us)
{
	burn(us);
	env_set(&e->shared[DONE], 1);
}

CASE(SMP0014, "two cores compute at the same time", CASE_CORES | CASE_VIRTUAL)
{
	seL4_Word from = skerry_now();
	env_start(e, env_thread_on(e, HIGH, other_core(e)), compute, 5000);
	burn(5000);
	check_done(e, 1);
	check(e, skerry_now() - from < 8000 * ticks_per_us());
}

CASE(SMP0015, "revoking an untyped takes threads that run on another core", CASE_CORES)
{
	struct thread *t = env_thread_on(e, HIGH, other_core(e));
	env_start(e, t, count_for_ever, 0);
	check_done(e, 1);
	check_ok(e, seL4_CNode_Revoke(AT(e->untyped)));
	check_stopped(e);
}

static void fault_by_waiting(struct env *e, seL4_Word slot)
{
	env_set(&e->shared[DONE], 1);
	seL4_Wait(slot, NULL);
	env_set(&e->shared[DONE], 2);
}

CASE(SMP0016, "a fault on another core reaches its handler here, and the answer goes back", CASE_CORES)
{
	struct thread *t = env_thread_on(e, HIGH, other_core(e));
	seL4_CPtr handler = env_endpoint(e), reply = env_reply(e), slot = env_slot(e),
		  ntfn = env_notification(e);
	seL4_Word badge;
	env_fault_handler(e, t, handler);
	env_start(e, t, fault_by_waiting, slot);
	seL4_MessageInfo_t info = seL4_Recv(handler, &badge, reply);
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_Fault_CapFault);
	check_ok(e, seL4_CNode_Copy(AT(slot), AT(ntfn), seL4_AllRights));
	seL4_Signal(ntfn);
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	check_done(e, 2);
}

static void store_often(struct env *e, seL4_Word address)
{
	for (seL4_Word i = 1;; i++) {
		skerry_store(address, 8, i);
		env_set(&e->shared[COUNT], i);
		env_set(&e->shared[DONE], 1);
		seL4_Yield();
	}
}

CASE(SMP0017, "a page that is unmapped here can no longer be written on another core", CASE_CORES)
{
	struct thread *t = env_thread_on(e, HIGH, other_core(e));
	seL4_CPtr frame = env_frame(e);
	seL4_Word address = env_map(e, frame, seL4_ReadWrite);
	env_start(e, t, store_often, address);
	check_done(e, 1);
	check_ok(e, seL4_X86_Page_Unmap(frame));
	for (unsigned turns = 0; turns < 100; turns++) {
		skerry_compute(1000);
		seL4_Yield();
	}
	check_stopped(e);
}
