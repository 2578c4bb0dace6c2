/* tests/unit/test_km_fastpath.c - the fast path does what the slow path does, to the last bit.
 *
 * The same is done in two kernels, of which one may not take the fast path; what is then in their memory, and in their
 * cores, is the same. */
#include "tests/unit/km_world.h"

struct pair {
	struct world *fast, *slow;
};

static void assert_same(const struct pair *p)
{
	const struct km_kernel *a = p->fast->k, *b = p->slow->k;
	struct km_core x = *p->fast->core, y = *p->slow->core;

	assert_int_equal(a->size, b->size);
	for (uint64_t i = 0; i < a->size; i++)
		if (a->arena[i] != b->arena[i])
			fail_msg("the kernels differ at physical address 0x%llx",
				 (unsigned long long)(a->base + i));
	assert_int_equal(km_ref_of(a, x.current), km_ref_of(b, y.current));
	x.current = y.current = x.idle = y.idle = NULL;
	x.tlb = y.tlb = NULL;
	x.charged = y.charged = 0;
	assert_memory_equal(&x, &y, sizeof(x));
}

struct scene {
	struct world *w;
	uint64_t ep, badged, reply, ntfn;
	struct thread server, client, third;
};

enum {
	TWO_SPACES = 1,
	RECEIVER_QUEUED = 2,
	LOWER_SERVER = 4,
	READY_BETWEEN = 8,
	OWN_CONTEXT = 16,
	DEEP = 32,
	BOUND = 64
};

static void scene_make(struct scene *s, unsigned how)
{
	struct world *w = s->w;

	s->ep = endpoint(w);
	s->badged = mint(w, s->ep, KM_ALL_RIGHTS, 0xbad);
	s->reply = reply_object(w);
	s->ntfn = notification(w);
	s->server =
		server_new(w, how & LOWER_SERVER ? 3 : 5, how & OWN_CONTEXT ? WITH_SC : 0, s->ep, s->reply);
	if (how & RECEIVER_QUEUED)
		server_new(w, 2, 0, s->ep, reply_object(w));
	if (how & TWO_SPACES) {
		uint64_t space = make(w, seL4_X64_PML4Object, 0);

		invoke_good(w, seL4_CapInitThreadASIDPool, X86ASIDPoolAssign, LIST(), LIST(space));
		invoke_good(w, s->server.tcb, TCBSetSpace, LIST(0, 0), LIST(0, ROOT, space));
	}
	if (how & BOUND)
		invoke_good(w, s->server.tcb, TCBBindNotification, LIST(), LIST(s->ntfn));
	if (how & DEEP) {
		/* The client is a server itself, of one who called it. */
		uint64_t ep = endpoint(w), reply = reply_object(w);
		struct thread first;

		s->client = server_new(w, 4, 0, ep, reply);
		first = thread_started(w, 2, WITH_SC);
		world_start(w);
		call(w, &first, ep, info(0, 0, 0));
		return;
	}
	/* Who becomes ready while a higher thread runs goes to the head of the queue: the client runs first. */
	if (how & READY_BETWEEN)
		s->third = thread_started(w, 4, WITH_SC);
	s->client = thread_started(w, 4, WITH_SC);
	world_start(w);
}

/* How many fast paths were taken. */
static unsigned fast_of(const struct pair *p)
{
	assert_int_equal(p->slow->k->work[KM_WORK_FASTPATH], 0);
	return (unsigned)p->fast->k->work[KM_WORK_FASTPATH];
}

static struct pair pair_new(struct scene s[2], unsigned how)
{
	struct pair p = {world_new(1), world_new(1)};

	p.slow->slow = 1;
	s[0] = (struct scene){.w = p.fast};
	s[1] = (struct scene){.w = p.slow};
	for (unsigned i = 0; i < 2; i++)
		scene_make(&s[i], how);
	assert_same(&p);
	/* What making it took does not count. */
	p.fast->k->work[KM_WORK_FASTPATH] = 0;
	return p;
}

static void pair_free(struct pair *p)
{
	struct world *w[] = {p->fast, p->slow};

	for (unsigned i = 0; i < 2; i++) {
		world_check(w[i]);
		km_kernel_free(w[i]->k);
		free(w[i]);
	}
}

/* A call and its answer of `length` words; returns how many of the two were fast. */
static unsigned try_both(unsigned how, unsigned length)
{
	struct scene s[2];
	struct pair p = pair_new(s, how);
	unsigned fast;

	for (unsigned i = 0; i < 2; i++) {
		set_mrs(&s[i].client, 1, 2, 3, 4);
		call(s[i].w, &s[i].client, s[i].badged, km_info_make(7, 5, 0, length));
	}
	assert_same(&p);
	for (unsigned i = 0; i < 2 && !is_current(s[i].w, &s[i].server); i++)
		wait_on(s[i].w, &s[i].third, s[i].ntfn);
	for (unsigned i = 0; i < 2; i++) {
		set_mrs(&s[i].server, 8, 7, 6, 5);
		reply_recv(s[i].w, &s[i].server, s[i].ep, s[i].reply, km_info_make(9, 2, 0, length));
	}
	assert_same(&p);
	fast = fast_of(&p);
	pair_free(&p);
	return fast;
}

static void test_the_fast_path_does_what_the_slow_path_does(void **state)
{
	(void)state;
	for (unsigned length = 0; length <= 4; length++)
		assert_int_equal(try_both(0, length), 2);
	assert_int_equal(try_both(TWO_SPACES, 4), 2);
	assert_int_equal(try_both(RECEIVER_QUEUED, 2), 2);
	assert_int_equal(try_both(TWO_SPACES | RECEIVER_QUEUED, 1), 2);
	assert_int_equal(try_both(DEEP, 3), 2);
	assert_int_equal(try_both(BOUND, 1), 2);
	assert_int_equal(try_both(LOWER_SERVER, 2), 2);
	/* A ready thread of the client's priority does not get between the client and a higher server. */
	assert_int_equal(try_both(READY_BETWEEN, 2), 2);
}

static void test_the_fast_path_is_not_taken_where_it_would_be_wrong(void **state)
{
	(void)state;
	assert_int_equal(try_both(0, 5), 0);
	assert_int_equal(try_both(OWN_CONTEXT, 2), 0);
	/* Of the call; for the answer nobody is ready any more. */
	assert_int_equal(try_both(LOWER_SERVER | READY_BETWEEN, 2), 1);
}

static void test_no_fast_path_when_time_is_up(void **state)
{
	struct scene s[2];
	struct pair p = pair_new(s, 0);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		/* Less than the smallest budget is left before the deadline. */
		s[i].w->core->now = s[i].w->core->timer_at - KM_MIN_BUDGET_US * TICKS_US;
		call(s[i].w, &s[i].client, s[i].ep, info(0, 0, 0));
	}
	assert_int_equal(fast_of(&p), 0);
	assert_same(&p);
	pair_free(&p);
}

static void test_a_signal_that_waits_stops_the_fast_answer(void **state)
{
	struct scene s[2];
	struct pair p = pair_new(s, BOUND);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		call(s[i].w, &s[i].client, s[i].ep, info(0, 0, 0));
		send(s[i].w, &s[i].server, s[i].ntfn, 0);
		s[i].w->k->work[KM_WORK_FASTPATH] = 0;
		reply_recv(s[i].w, &s[i].server, s[i].ep, s[i].reply, info(0, 0, 0));
	}
	assert_int_equal(fast_of(&p), 0);
	assert_same(&p);
	pair_free(&p);
}

/* Two signals, by a thread of priority 4, to a notification that has ... */
enum { NOBODY, WAITER, SECOND_WAITER, PASSIVE_WAITER, SPORADIC_WAITER, BOUND_WAITS, BOUND_RUNS, READ_ONLY };

static void signal_scene(struct world *w, unsigned how, unsigned priority, struct thread *signaller,
			 uint64_t *cap)
{
	uint64_t ntfn = notification(w), ep = endpoint(w), sc;
	struct thread waiter;

	*cap = mint(w, ntfn, how == READ_ONLY ? KM_READ : KM_WRITE, 5);
	if (how != NOBODY && how != READ_ONLY) {
		waiter = thread_started(w, priority, WITH_SC);
		if (how == BOUND_WAITS || how == BOUND_RUNS)
			invoke_good(w, waiter.tcb, TCBBindNotification, LIST(), LIST(ntfn));
		world_start(w);
		if (how == BOUND_WAITS)
			wait_on(w, &waiter, ep);
		else if (how != BOUND_RUNS)
			wait_on(w, &waiter, ntfn);
		if (how != BOUND_RUNS)
			world_stop(w);
		if (how == PASSIVE_WAITER || how == SPORADIC_WAITER)
			invoke_good(w, waiter.sc, SchedContextUnbind, LIST(), LIST());
		if (how == SPORADIC_WAITER) {
			sc = make(w, seL4_SchedContextObject, seL4_MinSchedContextBits + 1);
			invoke_good(w, w->control, SchedControlConfigureFlags, LIST(1000, 5000, 0, 0, 1),
				    LIST(sc));
			invoke_good(w, sc, SchedContextBind, LIST(), LIST(waiter.tcb));
		}
	}
	if (how == SECOND_WAITER) {
		struct thread second = thread_started(w, 2, WITH_SC);

		world_start(w);
		wait_on(w, &second, ntfn);
		world_stop(w);
	}
	if (how == BOUND_RUNS) {
		*signaller = waiter;
		return;
	}
	/* Somebody else is ready: who is made ready comes before or after. */
	thread_started(w, 4, WITH_SC);
	thread_started(w, 3, WITH_SC);
	*signaller = thread_started(w, 4, WITH_SC);
	world_start(w);
}

/* Returns whether the first was fast. */
static int try_signal(unsigned how, unsigned priority)
{
	struct pair p = {world_new(1), world_new(1)};
	struct world *w[] = {p.fast, p.slow};
	int fast = 0;

	p.slow->slow = 1;
	for (unsigned i = 0; i < 2; i++) {
		struct thread signaller;
		uint64_t cap, slow;

		signal_scene(w[i], how, priority, &signaller, &cap);
		slow = w[i]->k->work[KM_WORK_SLOWPATH];
		sys(w[i], &signaller, seL4_SysNBSend, cap, 0);
		if (i == 0)
			fast = w[i]->k->work[KM_WORK_SLOWPATH] == slow;
		else
			assert_int_not_equal(w[i]->k->work[KM_WORK_SLOWPATH], slow);
		if (is_current(w[i], &signaller))
			send(w[i], &signaller, cap, 0);
	}
	assert_same(&p);
	pair_free(&p);
	return fast;
}

static void test_a_fast_signal_does_what_a_slow_one_does(void **state)
{
	(void)state;
	assert_true(try_signal(NOBODY, 0));
	assert_true(try_signal(BOUND_RUNS, 4));
	assert_true(try_signal(WAITER, 3));
	assert_true(try_signal(WAITER, 4));
	assert_true(try_signal(SECOND_WAITER, 4));
}

static void test_a_signal_that_switches_or_wakes_a_context_is_not_fast(void **state)
{
	(void)state;
	assert_false(try_signal(WAITER, 5));
	assert_false(try_signal(BOUND_WAITS, 3));
	assert_false(try_signal(PASSIVE_WAITER, 3));
	assert_false(try_signal(SPORADIC_WAITER, 3));
	assert_false(try_signal(READ_ONLY, 0));
}

/* ---- whatever threads may do ---- */

enum { ACTORS = 7, CAPS = 14, STEPS = 6000, CHECK_EVERY = 40, SEEDS = 5 };

struct play {
	struct world *w;
	struct thread actor[ACTORS];
	uint64_t cap[CAPS], reply[4];
};

/* The first two are servers that wait without a context; all have one that is theirs, wherever it is now. */
enum { SERVERS = 2 };

/* Two domains share the core; some threads have little budget, some none. */
static struct play play_new(int slow)
{
	struct km_boot boot = {.schedule = {{0, 3000 * TICKS_US}, {1, 1000 * TICKS_US}},
			       .schedule_length = 2};
	struct play p = {.w = world_with(&boot)};
	struct world *w = p.w;
	uint64_t ep[] = {endpoint(w), endpoint(w)}, ntfn[] = {notification(w), notification(w)}, lent;

	w->slow = slow;
	for (unsigned i = 0; i < 2; i++) {
		p.cap[5 * i] = ep[i];
		p.cap[5 * i + 1] = mint(w, ep[i], KM_WRITE | KM_GRANT_REPLY, 0x10 + i);
		p.cap[5 * i + 2] = mint(w, ep[i], KM_READ, 0x20 + i);
		p.cap[5 * i + 3] = ntfn[i];
		p.cap[5 * i + 4] = mint(w, ntfn[i], KM_WRITE, UINT64_C(1) << i);
	}
	for (unsigned i = 0; i < 4; i++)
		p.reply[i] = p.cap[10 + i] = reply_object(w);
	for (unsigned i = 0; i < ACTORS; i++) {
		p.actor[i] = thread_new(w, i < SERVERS ? 5 : 2 + i % 4, WITH_SC | (i & 1 ? WITH_BUFFER : 0));
		if (i == 2 || i == 3)
			invoke_good(w, w->control, SchedControlConfigureFlags,
				    LIST(300, 1000 + 500 * i, 2, i, i == 3), LIST(p.actor[i].sc));
		invoke_good(w, p.actor[i].tcb, TCBResume, LIST(), LIST());
	}
	invoke_good(w, p.actor[1].tcb, TCBBindNotification, LIST(), LIST(ntfn[0]));
	lent = context_of(w, 500, 2000, 0);
	invoke_good(w, lent, SchedContextBind, LIST(), LIST(ntfn[1]));
	invoke_good(w, seL4_CapDomain, DomainSetSet, LIST(1), LIST(p.actor[6].tcb));
	world_start(w);
	return p;
}

static uint32_t draw(uint64_t *seed, uint32_t below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33) % below;
}

/* The root task sees to one of them: that it can come to its next system call, and that servers are passive. */
static void tend(struct play *p, unsigned i, int disturb)
{
	struct world *w = p->w;
	struct km_tcb *tcb = p->actor[i].t;
	uint64_t sc = p->actor[i].sc;
	int is_waiting = tcb->state == KM_BLOCKED_ON_RECEIVE;

	if (i < SERVERS && is_waiting && tcb->sc) {
		invoke(w, sc, SchedContextUnbind, LIST(), LIST());
		return;
	}
	if (!disturb && (tcb->sc ? tcb->state != KM_INACTIVE : i < SERVERS && is_waiting))
		return;
	if (!tcb->sc)
		invoke(w, sc, SchedContextUnbind, LIST(), LIST());
	if (!tcb->sc && is_current(w, &w->root))
		invoke(w, sc, SchedContextBind, LIST(), LIST(p->actor[i].tcb));
	if (is_current(w, &w->root))
		invoke(w, p->actor[i].tcb, TCBResume, LIST(), LIST());
}

static const int numbers[] = {seL4_SysCall,   seL4_SysReplyRecv, seL4_SysNBSendRecv,
			      seL4_SysSend,   seL4_SysNBSend,    seL4_SysRecv,
			      seL4_SysNBRecv, seL4_SysWait,      seL4_SysYield};

/* Half of the time servers serve and clients call. */
static void act(struct play *p, const struct thread *now, unsigned i, uint64_t *seed)
{
	km_word *reg = now->t->context.reg;
	km_word message = info(draw(seed, 3), 0, draw(seed, 6));
	unsigned server = i < SERVERS ? i : draw(seed, SERVERS);

	set_mrs(now, draw(seed, 99), draw(seed, 99), draw(seed, 99), draw(seed, 99));
	if (draw(seed, 2) == 0) {
		reg[KM_REG_REPLY] = p->reply[server];
		sys(p->w, now, i < SERVERS ? seL4_SysReplyRecv : seL4_SysCall, p->cap[5 * server], message);
		return;
	}
	reg[KM_REG_REPLY] = p->reply[draw(seed, 4)];
	reg[KM_REG_DEST] = p->cap[draw(seed, CAPS)];
	sys(p->w, now, numbers[draw(seed, sizeof(numbers) / sizeof(numbers[0]))], p->cap[draw(seed, CAPS)],
	    message);
}

/* One step, drawn from `seed` alone; the same in both kernels as long as they are the same. */
static void play_step(struct play *p, uint64_t seed)
{
	struct world *w = p->w;
	struct thread now = {.t = w->core->current};
	unsigned i = 0;

	if (w->core->now >= w->core->timer_at) {
		km_timer(w->k, w->core);
		return;
	}
	if (w->core->current == w->core->idle) {
		w->core->now = w->core->timer_at;
		return;
	}
	/* Mostly little time passes between two system calls, sometimes more than most budgets. */
	w->core->now += draw(&seed, draw(&seed, 20) == 0 ? 2000 * TICKS_US : 5 * TICKS_US);
	if (is_current(w, &w->root)) {
		for (; i < ACTORS && is_current(w, &w->root); i++)
			tend(p, i, draw(&seed, 40) == 0);
		return;
	}
	while (p->actor[i].t != now.t)
		i++;
	act(p, &now, i, &seed);
}

/* Returns how many calls and answers were fast, and in *signals how many signals. */
static uint64_t play_through(uint64_t seed, uint64_t *signals)
{
	struct play p[] = {play_new(0), play_new(1)};
	struct pair pair = {p[0].w, p[1].w};
	uint64_t fast, slow[2];

	pair.fast->k->work[KM_WORK_FASTPATH] = 0;
	for (unsigned i = 0; i < 2; i++)
		slow[i] = p[i].w->k->work[KM_WORK_SLOWPATH];
	for (unsigned step = 0; step < STEPS; step++) {
		for (unsigned i = 0; i < 2; i++)
			play_step(&p[i], (seed << 32) + step);
		if (step % CHECK_EVERY == 0)
			assert_same(&pair);
	}
	assert_same(&pair);
	fast = fast_of(&pair);
	for (unsigned i = 0; i < 2; i++)
		slow[i] = p[i].w->k->work[KM_WORK_SLOWPATH] - slow[i];
	*signals = slow[1] - slow[0] - fast;
	pair_free(&pair);
	return fast;
}

static void test_random_system_calls_do_the_same_both_ways(void **state)
{
	uint64_t signals;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		/* What was never fast was not compared. */
		assert_true(play_through(seed, &signals) > 100);
		assert_true(signals > 20);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_fast_path_does_what_the_slow_path_does),
		cmocka_unit_test(test_the_fast_path_is_not_taken_where_it_would_be_wrong),
		cmocka_unit_test(test_no_fast_path_when_time_is_up),
		cmocka_unit_test(test_a_signal_that_waits_stops_the_fast_answer),
		cmocka_unit_test(test_a_fast_signal_does_what_a_slow_one_does),
		cmocka_unit_test(test_a_signal_that_switches_or_wakes_a_context_is_not_fast),
		cmocka_unit_test(test_random_system_calls_do_the_same_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
