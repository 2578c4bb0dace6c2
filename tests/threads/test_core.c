/* kernelmodel/core/: a host thread a core, under the big lock. No test says how long anything takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "tests/lib/little_user.h"

void __sanitizer_cov_trace_pc(void);

#define CLUSTERS 2
static char stacks[8][65536] __attribute__((aligned(16)));
static struct user user;
static seL4_CPtr endpoint, reply, ntfn, never;
static struct core_machine *machine[CLUSTERS];
static uint32_t machines;

static void make(int (*entry)(void *), uint32_t cores, uint32_t count)
{
	static uint32_t irq[CLUSTERS][2];
	char why[300] = "";
	user_failures = 0;
	machines = count;
	for (uint32_t m = 0; m < count; m++) {
		struct core_config config = user_config(entry, cores);
		config.argument = (void *)(uintptr_t)m;
		config.digest = false;
		config.clock = core_native_clock;
		config.boot.ticks_per_us = core_native_ticks_per_us();
		config.boot.node = m;
		config.boot.nodes = count;
		config.boot.memory.start += m * USER_MEMORY;
		config.boot.memory.end += m * USER_MEMORY;
		irq[m][0] = CORE_IRQ_OF_VECTOR + m;
		irq[m][1] = CORE_IRQ_OF_VECTOR + CORE_DOORBELL_VECTOR + m;
		config.boot.irq = irq[m];
		config.boot.irqs = 2;
		if (core_new(&machine[m], &config, why, sizeof why))
			fail_msg("%s", why);
	}
}

static void run(int (*entry)(void *), uint32_t cores, uint32_t count, enum core_end end)
{
	char why[300] = "";
	make(entry, cores, count);
	if (core_run_natively(machine, count, why, sizeof why))
		fail_msg("%s", why);
	if (user_failures)
		fail_msg("%s", user_failed);
	for (uint32_t m = 0; m < count; m++) {
		assert_int_equal(core_ended(machine[m]), end);
		const char *broken = km_check(core_kernel(machine[m]));
		if (broken)
			fail_msg("%s", broken);
		core_free(machine[m]);
	}
}

/* ---- calls between cores ---- */

static void serves(void)
{
	seL4_Word badge;
	seL4_Recv(endpoint, &badge, reply);
	for (;;) {
		seL4_SetMR(0, seL4_GetMR(0) + 1);
		seL4_ReplyRecv(endpoint, seL4_MessageInfo_new(0, 0, 0, 1), &badge, reply);
	}
}

static atomic_uint done;

static void calls(void)
{
	for (seL4_Word i = 0; i < 300; i++) {
		seL4_SetMR(0, i);
		seL4_Call(endpoint, seL4_MessageInfo_new(0, 0, 0, 1));
		EXPECT(seL4_GetMR(0) == i + 1);
	}
	atomic_fetch_add(&done, 1);
	seL4_Signal(ntfn);
	for (;;)
		seL4_Wait(never, NULL);
}

static int call_across_cores(void *argument)
{
	(void)argument;
	user = user_begin();
	atomic_store(&done, 0);
	endpoint = user_object(&user, seL4_EndpointObject, 0);
	reply = user_object(&user, seL4_ReplyObject, 0);
	ntfn = user_object(&user, seL4_NotificationObject, 0);
	never = user_object(&user, seL4_NotificationObject, 0);
	struct user_thread server = {serves, stacks[0], sizeof stacks[0], .priority = 200};
	user_thread(&user, &server);
	for (unsigned core = 0; core < 2; core++) {
		struct user_thread client = {calls, stacks[1 + core], sizeof stacks[0], .priority = 100,
					     .core = core};
		user_thread(&user, &client);
	}
	while (atomic_load(&done) < 2)
		seL4_Wait(ntfn, NULL);
	return 0;
}

static void test_calls_across_cores_are_answered(void **state)
{
	(void)state;
	run(call_across_cores, 2, 1, CORE_EXITED);
}

/* ---- stopping what runs elsewhere ---- */

static _Atomic uint64_t turns;

static void turns_for_ever(void)
{
	for (;;) {
		__sanitizer_cov_trace_pc();
		atomic_fetch_add(&turns, 1);
	}
}

static void calls_for_ever(void)
{
	for (;;) {
		seL4_Yield();
		atomic_fetch_add(&turns, 1);
	}
}

static void wait_for_turns(void)
{
	const uint64_t from = atomic_load(&turns);
	while (atomic_load(&turns) == from)
		seL4_Yield();
}

static int stop_elsewhere(void (*code)(void))
{
	seL4_UserContext regs;
	struct user_thread t = {code, stacks[0], sizeof stacks[0], .priority = 100, .core = 1};
	user = user_begin();
	atomic_store(&turns, 0);
	user_thread(&user, &t);
	for (int i = 0; i < 50; i++) {
		wait_for_turns();
		EXPECT(!seL4_TCB_Suspend(t.tcb));
		const uint64_t stopped_at = atomic_load(&turns);
		EXPECT(!seL4_TCB_ReadRegisters(t.tcb, 0, 0, sizeof regs / sizeof(seL4_Word), &regs));
		EXPECT(regs.rsp > (seL4_Word)stacks[0] &&
		       regs.rsp <= (seL4_Word)stacks[0] + sizeof stacks[0]);
		seL4_Yield();
		EXPECT(atomic_load(&turns) == stopped_at);
		EXPECT(!seL4_TCB_Resume(t.tcb));
	}
	/* Sent elsewhere while it runs. */
	wait_for_turns();
	EXPECT(!seL4_TCB_Suspend(t.tcb));
	return 0;
}

static int stop_a_spinner(void *argument)
{
	(void)argument;
	return stop_elsewhere(turns_for_ever);
}

static int stop_a_caller(void *argument)
{
	(void)argument;
	return stop_elsewhere(calls_for_ever);
}

static void test_a_thread_that_spins_on_another_core_is_stopped(void **state)
{
	(void)state;
	run(stop_a_spinner, 2, 1, CORE_EXITED);
}

static void test_a_thread_that_makes_calls_on_another_core_is_stopped(void **state)
{
	(void)state;
	run(stop_a_caller, 2, 1, CORE_EXITED);
}

static int moves_it(void *argument)
{
	struct user_thread t = {turns_for_ever, stacks[0], sizeof stacks[0], .priority = 100, .core = 1};
	(void)argument;
	user = user_begin();
	atomic_store(&turns, 0);
	user_thread(&user, &t);
	for (unsigned i = 0; i < 20; i++) {
		wait_for_turns();
		/* To core 2 and back: it goes on where it was. */
		EXPECT(!seL4_SchedControl_Configure(user.info->schedcontrol.start + 1 + (i + 1) % 2,
						    t.context, 10000, 10000, 0, 0));
	}
	wait_for_turns();
	return 0;
}

static void test_a_running_thread_moves_to_another_core(void **state)
{
	(void)state;
	run(moves_it, 3, 1, CORE_EXITED);
}

/* ---- time ---- */

static int sleeps(void *argument)
{
	(void)argument;
	user = user_begin();
	ntfn = user_object(&user, seL4_NotificationObject, 0);
	const seL4_CPtr irq = user.next++;
	EXPECT(!seL4_IRQControl_GetIOAPIC(seL4_CapIRQControl, seL4_CapInitThreadCNode, irq, seL4_WordBits, 0,
					  CORE_TIMER_PIN, 0, 0, 0));
	EXPECT(!seL4_IRQHandler_SetNotification(irq, ntfn));
	const seL4_Word from = skerry_now();
	skerry_timer_periodic(1000000);
	for (int i = 0; i < 3; i++) {
		seL4_Wait(ntfn, NULL);
		seL4_IRQHandler_Ack(irq);
	}
	/* Never too early. */
	EXPECT(skerry_now() - from >= 3000 * core_native_ticks_per_us());
	return 0;
}

static void test_the_timer_wakes_an_idle_machine(void **state)
{
	(void)state;
	run(sleeps, 1, 1, CORE_EXITED);
}

static void spins_with_budget(void) { turns_for_ever(); }

static int outlasts(void *argument)
{
	struct user_thread t = {spins_with_budget, stacks[0],         sizeof stacks[0],
				.priority = 254,   .budget_us = 1000, .period_us = 100000};
	(void)argument;
	user = user_begin();
	atomic_store(&turns, 0);
	user_thread(&user, &t);
	EXPECT(!seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, 100));
	/* The spinner's budget is over: this one goes on. */
	EXPECT(atomic_load(&turns) > 0);
	return 0;
}

static void test_a_budget_ends_a_spin(void **state)
{
	(void)state;
	run(outlasts, 1, 1, CORE_EXITED);
}

/* ---- several clusters ---- */

static void on_ring(uint32_t cluster) { core_ring(machine, machines, cluster, 0); }

/* Each rings the other in turn. */
static int rings(void *argument)
{
	const unsigned self = (unsigned)(uintptr_t)argument;
	struct user own = user_begin();
	const seL4_CPtr bell = user_object(&own, seL4_NotificationObject, 0);
	const seL4_CPtr irq = own.next++;
	EXPECT(own.info->nodeID == self && own.info->numNodes == 2);
	EXPECT(!seL4_IRQControl_GetMSI(seL4_CapIRQControl, seL4_CapInitThreadCNode, irq, seL4_WordBits, 0, 0,
				       0, 0, CORE_DOORBELL_VECTOR + self));
	EXPECT(!seL4_IRQHandler_SetNotification(irq, bell));
	for (int i = 0; i < 100; i++) {
		if (self == 1)
			seL4_Wait(bell, NULL);
		on_ring(1 - self);
		if (self == 0)
			seL4_Wait(bell, NULL);
	}
	return 0;
}

static void test_doorbells_wake_other_clusters(void **state)
{
	(void)state;
	run(rings, 1, 2, CORE_EXITED);
}

static int waits_for_ever(void *argument)
{
	(void)argument;
	struct user own = user_begin();
	seL4_Wait(user_object(&own, seL4_NotificationObject, 0), NULL);
	return 0;
}

static void test_when_nobody_can_run_it_ends(void **state)
{
	(void)state;
	run(waits_for_ever, 2, 2, CORE_STUCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_across_cores_are_answered),
		cmocka_unit_test(test_a_thread_that_spins_on_another_core_is_stopped),
		cmocka_unit_test(test_a_thread_that_makes_calls_on_another_core_is_stopped),
		cmocka_unit_test(test_a_running_thread_moves_to_another_core),
		cmocka_unit_test(test_the_timer_wakes_an_idle_machine),
		cmocka_unit_test(test_a_budget_ends_a_spin),
		cmocka_unit_test(test_doorbells_wake_other_clusters),
		cmocka_unit_test(test_when_nobody_can_run_it_ends),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
