/* kernelmodel/schedule.c, sched_context.c and sched_control.c in a cluster of two cores: on which core a
 * thread runs, who must hear of it, and who is stopped first. */
#include "tests/unit/km_world.h"
#include "kernelmodel/sched.h"

#define US     TICKS_US
#define DOMAIN seL4_CapDomain
#ifndef PLAY_STEPS
#define PLAY_STEPS 20000
#endif

static struct km_sched_context *sc_at(struct world *w, uint64_t cptr) { return object_of(w, cptr); }
static km_ref ref(struct world *w, const void *object) { return km_ref_of(w->k, object); }

static int setup_cores(void **state)
{
	*state = world_new(2);
	return 0;
}
#define TEST_CORES(name) cmocka_unit_test_setup_teardown(name, setup_cores, teardown)

struct stalls {
	unsigned count;
	struct km_core *core;
};
static void stall(void *context, struct km_kernel *k, struct km_core *core)
{
	struct stalls *s = context;

	(void)k;
	s->count++;
	s->core = core;
}

/* The other core takes the IPI, if it was asked. */
static int answer_ipi(struct world *w)
{
	struct km_core *other = &w->k->core[1];
	int asked = (w->k->ipi & 2) != 0;

	if (!asked)
		return 0;
	w->k->ipi = 0;
	if (other->now < w->core->now)
		other->now = w->core->now;
	km_ipi(w->k, other);
	return 1;
}

/* A thread of the second core, running there. */
static struct thread remote(struct world *w, unsigned priority, uint64_t budget_us, uint64_t period_us)
{
	struct thread a = thread_new(w, priority, 0);

	a.sc = make(w, seL4_SchedContextObject, 8);
	invoke_good(w, w->control + 1, SchedControlConfigureFlags, LIST(budget_us, period_us, 0, 0, 0),
		    LIST(a.sc));
	invoke_good(w, a.sc, SchedContextBind, LIST(), LIST(a.tcb));
	assert_int_equal(a.t->core, 1);
	invoke_good(w, a.tcb, TCBResume, LIST(), LIST());
	assert_true(answer_ipi(w));
	assert_ptr_equal(w->k->core[1].current, a.t);
	return a;
}

static void test_a_thread_runs_on_the_core_of_its_context(void **state)
{
	struct world *w = *state;
	struct thread a = remote(w, 50, 100, 1000), low = thread_new(w, 40, 0);

	/* Nobody is asked for a thread that would not run. */
	low.sc = make(w, seL4_SchedContextObject, 8);
	invoke_good(w, w->control + 1, SchedControlConfigureFlags, LIST(100, 100, 0, 0, 0), LIST(low.sc));
	invoke_good(w, low.sc, SchedContextBind, LIST(), LIST(low.tcb));
	invoke_good(w, low.tcb, TCBResume, LIST(), LIST());
	assert_int_equal(w->k->ipi, 0);
	assert_true(low.t->queued);
	/* Its budget and its release are the other core's. */
	w->k->core[1].now = w->k->core[1].timer_at;
	km_timer(w->k, &w->k->core[1]);
	assert_ptr_equal(w->k->core[1].current, low.t);
	assert_true(a.t->in_release_queue);
	assert_int_equal(w->k->core[1].release.head, ref(w, a.t));
	assert_int_equal(w->core->release.head, 0);
}

static void test_a_running_thread_is_stalled_before_it_is_changed(void **state)
{
	struct world *w = *state;
	struct stalls stalls = {0};
	struct thread a = remote(w, 50, 1000, 1000);
	struct km_core *other = &w->k->core[1];

	w->k->host = (struct km_host){.context = &stalls, .stall = stall};
	other->now += 300 * US;
	invoke_good(w, a.tcb, TCBSuspend, LIST(), LIST());
	assert_int_equal(stalls.count, 1);
	assert_ptr_equal(stalls.core, other);
	assert_ptr_equal(other->current, other->idle);
	assert_int_equal(sc_at(w, a.sc)->consumed, 300 * US);
	assert_true(answer_ipi(w));
	assert_ptr_equal(other->current, other->idle);
	assert_int_equal(sc_at(w, a.sc)->consumed, 300 * US);
	/* It stands: nobody need be stopped any more. */
	invoke_good(w, a.tcb, TCBReadRegisters, LIST(0, 3), LIST());
	assert_int_equal(stalls.count, 1);
	assert_int_equal(w->k->ipi, 0);
}

static void test_a_stalled_thread_that_may_go_on_does(void **state)
{
	struct world *w = *state;
	struct thread a = remote(w, 50, 1000, 1000);

	invoke_good(w, a.tcb, TCBReadRegisters, LIST(0, 3), LIST());
	assert_true(a.t->queued);
	assert_true(answer_ipi(w));
	assert_ptr_equal(w->k->core[1].current, a.t);
}

static void test_configuring_through_another_control_moves_the_thread(void **state)
{
	struct world *w = *state;
	struct thread a = remote(w, 50, 1000, 1000);
	uint64_t migrations = w->k->work[KM_WORK_MIGRATE];

	w->k->core[1].now += 200 * US;
	invoke_good(w, w->control, SchedControlConfigureFlags, LIST(500, 2000, 0, 0, 0), LIST(a.sc));
	assert_int_equal(w->k->work[KM_WORK_MIGRATE], migrations + 1);
	assert_int_equal(a.t->core, 0);
	assert_int_equal(sc_at(w, a.sc)->consumed, 200 * US);
	world_start(w);
	assert_true(is_current(w, &a));
	assert_true(answer_ipi(w));
	assert_ptr_equal(w->k->core[1].current, w->k->core[1].idle);
}

static void test_who_moves_itself_goes_on_over_there(void **state)
{
	struct world *w = *state;
	uint64_t control = w->control + 1;

	put_message(w, &w->root, LIST(500, 500, 0, 0, 0), LIST(w->root.sc));
	call(w, &w->root, control, info(SchedControlConfigureFlags, 1, 5));
	assert_ptr_equal(w->core->current, w->core->idle);
	assert_true(answer_ipi(w));
	assert_ptr_equal(w->k->core[1].current, w->root.t);
	assert_int_equal(km_info_label(info_of(&w->root)), seL4_NoError);
	assert_int_equal(w->k->core[1].timer_at, w->k->core[1].now + 500 * US);
}

static void test_a_call_across_cores_takes_the_server_along(void **state)
{
	struct world *w = *state;
	uint64_t ep = endpoint(w), reply = reply_object(w);
	struct thread server = server_new(w, 100, 0, ep, reply);

	assert_int_equal(server.t->core, 0);
	/* A thread of the other core calls: the server has no context, and runs on the caller's. */
	struct thread a = remote(w, 50, 1000, 1000);
	struct km_core *other = &w->k->core[1];

	invoke_good(w, a.tcb, TCBSetSpace, LIST(0, 0), LIST(0, ROOT, seL4_CapInitThreadVSpace));
	assert_true(answer_ipi(w));
	assert_ptr_equal(other->current, a.t);
	other->now += 10;
	a.t->context.reg[KM_REG_SYSCALL] = (km_word)(int64_t)seL4_SysCall;
	a.t->context.reg[KM_REG_CAP] = ep;
	a.t->context.reg[KM_REG_INFO] = 0;
	km_syscall(w->k, other);
	assert_ptr_equal(other->current, server.t);
	assert_int_equal(server.t->core, 1);
	assert_int_equal(a.t->state, KM_BLOCKED_ON_REPLY);
}

static void test_a_context_that_moves_starts_afresh(void **state)
{
	struct world *w = *state;
	struct thread a = remote(w, 50, 500, 2000);
	struct km_sched_context *sc = sc_at(w, a.sc);

	w->k->core[1].now += 200 * US;
	invoke_good(w, w->control, SchedControlConfigureFlags, LIST(500, 2000, 0, 0, 0), LIST(a.sc));
	assert_int_equal(km_refill_first(sc)->amount, 500 * US);
	assert_int_equal(km_refill_first(sc)->time, w->core->now);
}

static void test_whatever_changes_a_running_thread_stalls_it(void **state)
{
	struct world *w = *state;
	struct stalls stalls = {0};
	struct thread a = remote(w, 50, 1000, 1000), b = thread_new(w, 60, 0);

	w->k->host = (struct km_host){.context = &stalls, .stall = stall};
	invoke_good(w, b.tcb, TCBCopyRegisters, LIST(4), LIST(a.tcb));
	assert_int_equal(stalls.count, 1);
	assert_true(answer_ipi(w));
	invoke_good(w, a.sc, SchedContextConsumed, LIST(), LIST());
	assert_int_equal(stalls.count, 2);
	assert_true(answer_ipi(w));
	invoke_good(w, DOMAIN, DomainSetSet, LIST(3), LIST(a.tcb));
	assert_int_equal(stalls.count, 3);
	assert_true(answer_ipi(w));
	assert_ptr_equal(w->k->core[1].current, w->k->core[1].idle);
	invoke_good(w, DOMAIN, DomainSetSet, LIST(0), LIST(a.tcb));
	assert_true(answer_ipi(w));
	invoke_good(w, ROOT, CNodeDelete, LIST(a.tcb, 64), LIST());
	assert_int_equal(stalls.count, 4);
	assert_true(answer_ipi(w));
	assert_ptr_equal(w->k->core[1].current, w->k->core[1].idle);
}

static void test_who_is_woken_runs_on_its_own_core(void **state)
{
	struct world *w = *state;
	struct thread a = remote(w, 50, 1000, 1000);
	struct km_core *other = &w->k->core[1];
	uint64_t ntfn = notification(w);

	invoke_good(w, a.tcb, TCBSetSpace, LIST(0, 0), LIST(0, ROOT, seL4_CapInitThreadVSpace));
	assert_true(answer_ipi(w));
	a.t->context.reg[KM_REG_SYSCALL] = (km_word)(int64_t)seL4_SysWait;
	a.t->context.reg[KM_REG_CAP] = ntfn;
	km_syscall(w->k, other);
	assert_ptr_equal(other->current, other->idle);
	world_start(w);
	send(w, &w->root, ntfn, 0);
	assert_true(is_current(w, &w->root));
	assert_true(a.t->queued);
	assert_true(answer_ipi(w));
	assert_ptr_equal(other->current, a.t);
	/* Yielding to it is only a hint to its core. */
	assert_int_equal(invoke(w, a.sc, SchedContextYieldTo, LIST(), LIST()), seL4_NoError);
	assert_true(is_current(w, &w->root));
	assert_int_equal(w->root.t->yield_to, 0);
}

static void test_a_thread_is_of_the_core_and_the_domain_that_make_it(void **state)
{
	struct world *w = *state;
	const struct km_tcb *t;

	put_message(w, &w->root, LIST(500, 500, 0, 0, 0), LIST(w->root.sc));
	call(w, &w->root, w->control + 1, info(SchedControlConfigureFlags, 1, 5));
	assert_true(answer_ipi(w));
	w->core = &w->k->core[1];
	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(9, 2, KM_DOMAIN_FOR_EVER), LIST());
	invoke_good(w, DOMAIN, DomainSetSet, LIST(2),
		    LIST(w->root.tcb)); /* its answer comes with its domain */
	assert_ptr_equal(w->core->current, w->core->idle);
	w->core->schedule_at = 8;
	w->core->domain_left = 0;
	km_timer(w->k, w->core);
	t = object_of(w, make(w, seL4_TCBObject, 0));
	assert_int_equal(t->core, 1);
	assert_int_equal(t->domain, 2);
	w->core = &w->k->core[0];
}

static void test_a_core_hears_of_a_new_first_release(void **state)
{
	struct world *w = *state;
	struct thread a = remote(w, 50, 100, 1000), b = thread_started(w, 60, 0);
	struct km_core *other = &w->k->core[1];

	other->now = other->timer_at;
	km_timer(w->k, other);
	assert_int_equal(other->release.head, ref(w, a.t));
	/* The context is used up; with it, another thread waits over there for what it will have. */
	invoke_good(w, a.sc, SchedContextUnbind, LIST(), LIST());
	w->k->ipi = 0;
	invoke_good(w, a.sc, SchedContextBind, LIST(), LIST(b.tcb));
	assert_int_equal(other->release.head, ref(w, b.t));
	assert_true(answer_ipi(w));
	assert_int_equal(other->timer_at, b.t->release_at);
}

static void test_every_core_goes_to_a_new_start(void **state)
{
	struct world *w = *state;
	struct thread a = remote(w, 50, 1000, 1000);

	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(9, 1, KM_DOMAIN_FOR_EVER), LIST());
	assert_ptr_equal(w->k->core[1].current, a.t);
	set_mrs(&w->root, 9, 0, 0, 0);
	call(w, &w->root, DOMAIN, info(DomainScheduleSetStart, 0, 1));
	assert_ptr_equal(w->core->current, w->core->idle);
	assert_true(answer_ipi(w));
	assert_ptr_equal(w->k->core[1].current, w->k->core[1].idle);
	assert_int_equal(w->k->core[1].domain, 1);
}

/* ---- whatever is asked ---- */

#define PLAYERS 7 /* the root task is the last: it runs when nobody else does, and nobody stops it */

struct play {
	struct world *w;
	struct thread player[PLAYERS];
	uint64_t ep[2], ntfn[2], reply[3];
	uint64_t seed;
	unsigned calls[64]; /* by label */
	unsigned timers, ipis;
};

static uint64_t draw(struct play *p, uint64_t below)
{
	p->seed = p->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (p->seed >> 33) % below;
}

static void play_call(struct play *p, const struct thread *by, uint64_t cptr, unsigned label, size_t words,
		      const uint64_t *mr, size_t caps, const uint64_t *cap)
{
	put_message(p->w, by, words, mr, caps, cap);
	by->t->context.reg[KM_REG_CAP] = cptr;
	by->t->context.reg[KM_REG_INFO] = info(label, (unsigned)caps, (unsigned)words);
	by->t->context.reg[KM_REG_SYSCALL] = (km_word)(int64_t)seL4_SysCall;
	p->calls[label]++;
}

static void play_thread(struct play *p, const struct thread *by)
{
	const struct thread *t = &p->player[draw(p, PLAYERS - 1)];
	uint64_t root = p->w->root.tcb;

	switch (draw(p, 8)) {
	case 0:
		play_call(p, by, t->tcb, TCBSuspend, LIST(), LIST());
		break;
	case 1:
		play_call(p, by, t->tcb, TCBSetPriority, LIST(40 + draw(p, 4)), LIST(root));
		break;
	case 2:
		play_call(p, by, t->tcb, TCBSetSchedParams, LIST(255, 40 + draw(p, 4)),
			  LIST(root, draw(p, 2) ? t->sc : 0, draw(p, 2) ? p->ep[0] : 0));
		break;
	case 3:
		play_call(p, by, t->tcb, TCBWriteRegisters, LIST(draw(p, 2), 2, 0x5000, 0x6000), LIST());
		break;
	case 4:
		play_call(p, by, t->tcb, TCBSetTimeoutEndpoint, LIST(), LIST(draw(p, 2) ? p->ep[1] : 0));
		break;
	case 5:
		play_call(p, by, seL4_CapDomain, DomainSetSet, LIST(draw(p, 2)), LIST(t->tcb));
		break;
	default:
		play_call(p, by, t->tcb, TCBResume, LIST(), LIST());
		break;
	}
}

static void play_context(struct play *p, const struct thread *by)
{
	const struct thread *t = &p->player[draw(p, PLAYERS - 1)];
	uint64_t period = 20 + draw(p, 1000), budget = draw(p, 3) ? 20 + draw(p, period - 19) : period;

	switch (draw(p, 8)) {
	case 0:
		play_call(p, by, t->sc, SchedContextUnbind, LIST(), LIST());
		break;
	case 1:
		play_call(p, by, t->sc, SchedContextUnbindObject, LIST(),
			  LIST(draw(p, 2) ? t->tcb : p->ntfn[0]));
		break;
	case 2:
		play_call(p, by, t->sc, SchedContextYieldTo, LIST(), LIST());
		break;
	case 3:
		play_call(p, by, t->sc, SchedContextConsumed, LIST(), LIST());
		break;
	case 4:
		play_call(p, by, p->w->control + draw(p, 2), SchedControlConfigureFlags,
			  LIST(budget, period, draw(p, 8), 3, draw(p, 2)), LIST(t->sc));
		break;
	default:
		play_call(p, by, t->sc, SchedContextBind, LIST(),
			  LIST(draw(p, 3) ? p->player[draw(p, PLAYERS - 1)].tcb : p->ntfn[draw(p, 2)]));
		break;
	}
}

static void play_message(struct play *p, const struct thread *by)
{
	static const int number[] = {seL4_SysCall,       seL4_SysReplyRecv, seL4_SysNBSendRecv, seL4_SysSend,
				     seL4_SysNBSend,     seL4_SysRecv,      seL4_SysNBRecv,     seL4_SysWait,
				     seL4_SysNBSendWait, seL4_SysYield};
	int n = number[draw(p, sizeof number / sizeof number[0])];
	km_word *reg = by->t->context.reg;

	reg[KM_REG_SYSCALL] = (km_word)(int64_t)n;
	reg[KM_REG_CAP] = n == seL4_SysWait || n == seL4_SysNBSendWait || draw(p, 4) == 0
				  ? p->ntfn[draw(p, 2)]
				  : p->ep[draw(p, 2)];
	if (n == seL4_SysNBSend && draw(p, 2))
		reg[KM_REG_CAP] = p->reply[draw(p, 3)];
	reg[KM_REG_REPLY] = n == seL4_SysNBSendWait ? p->ep[draw(p, 2)] : p->reply[draw(p, 3)];
	reg[KM_REG_DEST] = draw(p, 2) ? p->ep[draw(p, 2)] : p->ntfn[draw(p, 2)];
	reg[KM_REG_INFO] = info(0, 0, 0);
}

static void play_enter(struct play *p, struct km_core *core, const struct thread *by)
{
	by->t->context.reg[KM_RIP] = 0x400100;
	by->t->context.next_ip = 0x400102;
	switch (by == &p->player[PLAYERS - 1] ? draw(p, 2) : draw(p, 5)) {
	case 0:
		play_thread(p, by);
		break;
	case 1:
		play_context(p, by);
		break;
	default:
		play_message(p, by);
		break;
	}
	km_syscall(p->w->k, core);
}

/* Interrupts first, as on a machine; else the thread that runs does something. */
static void play_step(struct play *p)
{
	struct km_kernel *k = p->w->k;
	struct km_core *core = &k->core[draw(p, 2)];

	core->now += draw(p, 60) * US;
	if (core->current == core->idle && core->timer_at != KM_NEVER)
		core->now = core->timer_at;
	if (k->ipi >> core->id & 1) {
		k->ipi &= ~(UINT64_C(1) << core->id);
		p->ipis++;
		km_ipi(k, core);
	} else if (core->now >= core->timer_at) {
		p->timers++;
		km_timer(k, core);
	} else if (core->current != core->idle) {
		for (unsigned i = 0; i < PLAYERS; i++)
			if (p->player[i].t == core->current)
				play_enter(p, core, &p->player[i]);
	}
}

/* The tree over a release queue, from left to right, is the queue. */
static km_ref assert_tree(const struct km_kernel *k, km_ref at, km_ref expected)
{
	const struct km_tcb *tcb;

	if (!at)
		return expected;
	tcb = KM_TCB(k, at);
	assert_true(!tcb->release_left || KM_TCB(k, tcb->release_left)->release_up == at);
	assert_true(!tcb->release_right || KM_TCB(k, tcb->release_right)->release_up == at);
	expected = assert_tree(k, tcb->release_left, expected);
	assert_int_equal(at, expected);
	return assert_tree(k, tcb->release_right, tcb->sched_next);
}

/* What runs may run, on this core; it is in no queue, and the timer is set. */
static void assert_core(const struct play *p, struct km_core *core)
{
	struct km_kernel *k = p->w->k;
	const struct km_tcb *tcb = core->current;

	assert_int_equal(assert_tree(k, core->release_root, core->release.head), 0);
	assert_int_equal(core->action, KM_RESUME);
	if (tcb == core->idle)
		return;
	assert_int_equal(tcb->state, KM_RUNNING);
	assert_int_equal(tcb->core, core->id);
	assert_int_equal(core->sc, tcb->sc);
	assert_false(tcb->queued);
	assert_false(tcb->in_release_queue);
	assert_true(core->timer_at > core->now);
}

static void play_start(struct play *p)
{
	struct world *w = p->w;

	for (unsigned i = 0; i < 2; i++) {
		p->ep[i] = endpoint(w);
		p->ntfn[i] = notification(w);
	}
	for (unsigned i = 0; i < 3; i++)
		p->reply[i] = reply_object(w);
	for (unsigned i = 0; i + 1 < PLAYERS; i++)
		p->player[i] = thread_started(w, 40 + i % 3, WITH_SC | WITH_BUFFER);
	invoke_good(w, p->player[0].tcb, TCBBindNotification, LIST(), LIST(p->ntfn[0]));
	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(0, 0, 3000 * US), LIST());
	invoke_good(w, DOMAIN, DomainScheduleConfigure, LIST(1, 1, 500 * US), LIST());
	invoke_good(w, DOMAIN, DomainScheduleSetStart, LIST(0), LIST());
	world_start(w);
	p->player[PLAYERS - 1] = w->root;
}

/* A run that never came to something proves nothing about it. */
static void assert_much_was_played(const struct play *p)
{
	for (unsigned label = 0; label < 64; label++)
		assert_true(!p->calls[label] || p->calls[label] > 20);
	assert_true(p->timers > 500 && p->ipis > 100);
	assert_true(p->w->k->work[KM_WORK_MIGRATE] > 50 && p->w->k->work[KM_WORK_STALL] > 20);
	assert_true(p->w->k->work[KM_WORK_FAULT] > 10 && p->w->k->work[KM_WORK_REPLY_PUSH] > 50);
}

static void test_whatever_is_asked_of_two_cores_the_kernel_stays_sound(void **state)
{
	struct play p = {.w = *state, .seed = 1};

	play_start(&p);
	for (unsigned n = 0; n < PLAY_STEPS; n++) {
		play_step(&p);
		world_check(p.w);
		assert_core(&p, &p.w->k->core[0]);
		assert_core(&p, &p.w->k->core[1]);
	}
	assert_much_was_played(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST_CORES(test_a_thread_runs_on_the_core_of_its_context),
		TEST_CORES(test_a_running_thread_is_stalled_before_it_is_changed),
		TEST_CORES(test_a_stalled_thread_that_may_go_on_does),
		TEST_CORES(test_configuring_through_another_control_moves_the_thread),
		TEST_CORES(test_who_moves_itself_goes_on_over_there),
		TEST_CORES(test_a_call_across_cores_takes_the_server_along),
		TEST_CORES(test_a_context_that_moves_starts_afresh),
		TEST_CORES(test_whatever_changes_a_running_thread_stalls_it),
		TEST_CORES(test_who_is_woken_runs_on_its_own_core),
		TEST_CORES(test_a_thread_is_of_the_core_and_the_domain_that_make_it),
		TEST_CORES(test_a_core_hears_of_a_new_first_release),
		TEST_CORES(test_every_core_goes_to_a_new_start),
		TEST_CORES(test_whatever_is_asked_of_two_cores_the_kernel_stays_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
