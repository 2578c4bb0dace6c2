/* Tutorial: time as a capability (MCS).
 *
 * A thread runs only with a scheduling context, which holds a budget for each period. Whoever holds the capability says
 * whose time it is: it can be taken away, lent along with a call, and its end can be made a fault. Times are in
 * microseconds. */
#include <sel4tutorials/tutorial.h>

static seL4_CPtr sched_control;

static seL4_Error configure(seL4_CPtr context, seL4_Time budget, seL4_Time period, seL4_Word badge)
{
	return seL4_SchedControl_Configure(sched_control, context, budget, period, 0, badge);
}
static seL4_Time consumed_by(seL4_CPtr context)
{
	const seL4_SchedContext_Consumed_t result = seL4_SchedContext_Consumed(context);
	CHECK_OK(result.error);
	return result.consumed;
}

/* ---- contexts and what may be done with them ---- */

static void contexts(seL4_BootInfo *info)
{
	const seL4_CPtr context = alloc_object(info, seL4_SchedContextObject, seL4_MinSchedContextBits);
	const seL4_CPtr notification = alloc_object(info, seL4_NotificationObject, 0);
	const seL4_CPtr tcb = alloc_object(info, seL4_TCBObject, 0),
			other = alloc_object(info, seL4_TCBObject, 0);
	/* A budget is for less than its period, or all of it, and both have bounds. */
	CHECK_ERROR(configure(context, 1, 10000, 0), seL4_RangeError);
	printf("Budgets are of %lu to %lu us.\n", seL4_GetMR(0), seL4_GetMR(1));
	CHECK_ERROR(configure(context, 20000, 10000, 0), seL4_RangeError);
	/* Each context has two refills; room for more must have been made with it. */
	CHECK(seL4_MaxExtraRefills(seL4_MinSchedContextBits) == 0);
	CHECK_ERROR(seL4_SchedControl_Configure(sched_control, context, 1000, 10000, 1, 0), seL4_RangeError);
	CHECK_OK(configure(context, 1000, 10000, 0));

	CHECK_OK(seL4_SchedContext_Bind(context, tcb));
	CHECK_ERROR(seL4_SchedContext_Bind(context, other), seL4_IllegalOperation);
	CHECK_ERROR(seL4_SchedContext_UnbindObject(context, other), seL4_IllegalOperation);
	CHECK_OK(seL4_SchedContext_UnbindObject(context, tcb));
	CHECK_OK(seL4_SchedContext_Bind(context, notification)); /* lent to the thread that it wakes */
	CHECK_ERROR(seL4_SchedContext_Bind(context, notification), seL4_IllegalOperation);
	CHECK_OK(seL4_SchedContext_Unbind(context));
	/* Nobody stops itself by mistake. */
	CHECK_ERROR(seL4_SchedContext_Unbind(seL4_CapInitThreadSC), seL4_IllegalOperation);
}

/* ---- a budget bounds what a thread takes ---- */

static struct {
	seL4_CPtr context, done;
	volatile int over;
	seL4_Time taken;
} greedy;

/* It has the higher priority and never waits, until it has used 800 us of time. */
static void greedy_main(void)
{
	while (greedy.taken < 800) {
		for (volatile int i = 0; i < 20000; i++)
			;
		greedy.taken += consumed_by(greedy.context);
	}
	greedy.over = 1;
	seL4_Signal(greedy.done);
	seL4_Wait(greedy.done, NULL);
	seL4_Wait(greedy.done, NULL);
}
static void background_main(void)
{
	while (!greedy.over)
		;
	seL4_Wait(seL4_CapNull, NULL);
}

static void a_bound(seL4_BootInfo *info)
{
	struct thread background = thread_start(info, (void *)background_main, 0, 0, 90);
	struct thread t = thread_new(info, (void *)greedy_main, 0, 0, 100, 200, 1 * US_IN_MS);
	greedy.context = t.sched_context;
	greedy.done = alloc_object(info, seL4_NotificationObject, 0);
	CHECK_OK(seL4_TCB_Resume(t.tcb));
	seL4_Wait(greedy.done, NULL);
	const seL4_Time rest = consumed_by(background.sched_context);
	printf("200 us in 1000: it had %lu us, the thread below it %lu us.\n", greedy.taken, rest);
	CHECK(greedy.taken >= 800);
	/* Between its budgets lie three rests of 800 us at least, less what ends on either side. */
	CHECK(rest >= 3 * 600);
	CHECK_OK(seL4_TCB_Suspend(background.tcb));
}

/* ---- yielding gives up a budget ---- */

static struct {
	seL4_CPtr done;
	seL4_Word jobs;
} periodic;
static void periodic_main(void)
{
	for (;;) {
		periodic.jobs++;
		if (periodic.jobs == 3)
			seL4_Signal(periodic.done);
		seL4_Yield(); /* until the next period */
	}
}

static void a_periodic_thread(seL4_BootInfo *info)
{
	struct thread t = thread_new(info, (void *)periodic_main, 0, 0, 100, 1 * US_IN_MS, 10 * US_IN_MS);
	periodic.done = alloc_object(info, seL4_NotificationObject, 0);
	CHECK_OK(seL4_TCB_Resume(t.tcb));
	seL4_Wait(periodic.done, NULL);
	CHECK(periodic.jobs == 3);
	/* Without time it does not go on, though it is ready to. */
	CHECK_OK(seL4_SchedContext_Unbind(t.sched_context));
	const seL4_Word jobs = periodic.jobs;
	for (int i = 0; i < 3; i++)
		seL4_Yield();
	CHECK(periodic.jobs == jobs);
	CHECK_OK(seL4_SchedContext_Bind(t.sched_context, t.tcb));
	while (periodic.jobs == jobs) {
		CHECK_OK(seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, 50));
		CHECK_OK(seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, seL4_MaxPrio));
	}
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
}

/* ---- a passive server runs on its clients' time ---- */

static struct {
	seL4_CPtr endpoint, reply, init;
} server;
static void server_main(void)
{
	seL4_Word badge;
	/* Says that it is ready, and waits for its first client, in one step: then nothing is left to do on time of its own. */
	seL4_NBSendRecv(server.init, seL4_MessageInfo_new(0, 0, 0, 0), server.endpoint, &badge, server.reply);
	for (;;) {
		const seL4_Word n = seL4_GetMR(0);
		for (volatile seL4_Word i = 0; i < n; i++)
			;
		seL4_SetMR(0, n + 1);
		seL4_ReplyRecv(server.endpoint, seL4_MessageInfo_new(0, 0, 0, 1), &badge, server.reply);
	}
}

static void a_passive_server(seL4_BootInfo *info)
{
	const seL4_CPtr init_reply = alloc_object(info, seL4_ReplyObject, 0);
	server.endpoint = alloc_object(info, seL4_EndpointObject, 0);
	server.reply = alloc_object(info, seL4_ReplyObject, 0);
	server.init = alloc_object(info, seL4_EndpointObject, 0);
	struct thread t = thread_start(info, (void *)server_main, 0, 0, 200);
	seL4_Recv(server.init, NULL, init_reply);
	CHECK_OK(seL4_SchedContext_Unbind(t.sched_context));
	const seL4_Time own_before = consumed_by(t.sched_context);
	consumed_by(seL4_CapInitThreadSC);

	for (seL4_Word i = 0; i < 3; i++) {
		seL4_SetMR(0, 1500000);
		seL4_Call(server.endpoint, seL4_MessageInfo_new(0, 0, 0, 1));
		CHECK(seL4_GetMR(0) == 1500001);
	}
	printf("The server worked for %lu us of ours, after %lu us of its own.\n",
	       consumed_by(seL4_CapInitThreadSC), own_before);
	CHECK(consumed_by(t.sched_context) == 0);
}

/* ---- the end of a budget as a fault ---- */

static seL4_CPtr late_done;
static volatile int late_may_end;
static void late_main(void)
{
	while (!late_may_end)
		;
	seL4_Signal(late_done);
	seL4_Wait(seL4_CapNull, NULL);
}

static void a_timeout(seL4_BootInfo *info)
{
	const seL4_CPtr faults = alloc_object(info, seL4_EndpointObject, 0);
	const seL4_CPtr reply = alloc_object(info, seL4_ReplyObject, 0);
	struct thread t = thread_new(info, (void *)late_main, 0, 0, 100, 1 * US_IN_MS, 20 * US_IN_MS);
	seL4_Word badge;
	late_done = alloc_object(info, seL4_NotificationObject, 0);
	CHECK_OK(configure(t.sched_context, 1 * US_IN_MS, 20 * US_IN_MS,
			   0x1a7e)); /* what the fault will say of it */
	CHECK_OK(seL4_TCB_SetTimeoutEndpoint(t.tcb, cap_mint(info, faults, seL4_AllRights, 4)));
	CHECK_OK(seL4_TCB_Resume(t.tcb));

	const seL4_MessageInfo_t tag = seL4_Recv(faults, &badge, reply);
	CHECK(seL4_isTimeoutFault_tag(tag) && badge == 4);
	CHECK(seL4_GetMR(seL4_Timeout_Data) == 0x1a7e);
	printf("Its time is over: it had %lu us.\n", seL4_GetMR(seL4_Timeout_Consumed));
	CHECK(seL4_GetMR(seL4_Timeout_Consumed) >= 900);
	/* It gets more, and goes on. */
	late_may_end = 1;
	CHECK_OK(configure(t.sched_context, 10 * US_IN_MS, 10 * US_IN_MS, 0));
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	seL4_Wait(late_done, NULL);
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
}

/* ---- giving the processor to one thread ---- */

static volatile seL4_Word yielded_to;
static void target_main(void)
{
	for (;;) {
		yielded_to++;
		seL4_Yield();
	}
}

static void yield_to(seL4_BootInfo *info)
{
	struct thread t = thread_start(info, (void *)target_main, 0, 0, seL4_MaxPrio);
	CHECK(yielded_to == 0); /* of equal priority: it waits for its turn */
	const seL4_SchedContext_YieldTo_t result = seL4_SchedContext_YieldTo(t.sched_context);
	CHECK_OK(result.error);
	CHECK(yielded_to >= 1);
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
	/* Of a context that no thread has, or of one's own, it is refused. */
	CHECK_OK(seL4_SchedContext_Unbind(t.sched_context));
	CHECK_ERROR(seL4_SchedContext_YieldTo(t.sched_context).error, seL4_IllegalOperation);
	CHECK_ERROR(seL4_SchedContext_YieldTo(seL4_CapInitThreadSC).error, seL4_IllegalOperation);
}

int main(void)
{
	seL4_BootInfo *info = platsupport_get_bootinfo();
	sched_control = info->schedcontrol.start;
	CHECK(info->schedcontrol.end > info->schedcontrol.start); /* one for each core */
	contexts(info);
	a_bound(info);
	a_periodic_thread(info);
	a_passive_server(info);
	a_timeout(info);
	yield_to(info);
	return tutorial_end("All time is accounted for.");
}
