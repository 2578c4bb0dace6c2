/* tests/sel4/schedule.c - who runs when: priorities, queues, yielding, budgets. */
#include "tests/sel4/harness.h"

static void note_letter(struct env *e, seL4_Word letter) { note(e, (char)letter); }

static struct thread *noter(struct env *e, unsigned priority, char letter)
{
	struct thread *t = env_thread(e, priority);
	env_start(e, t, note_letter, (seL4_Word)letter);
	return t;
}

CASE(SCHEDULE0001, "threads run by priority", 0)
{
	noter(e, LOW, 'a');
	noter(e, LOW + 2, 'b');
	noter(e, LOW + 1, 'c');
	noter(e, HIGH, 'd');
	env_settle(e);
	check_log(e, "dbca");
}

CASE(SCHEDULE0002, "a thread of equal priority made ready is appended, and the current one goes on", 0)
{
	noter(e, DRIVER_PRIORITY, 'a');
	noter(e, DRIVER_PRIORITY, 'b');
	noter(e, DRIVER_PRIORITY, 'c');
	note(e, 'd');
	seL4_Yield();
	note(e, 'd');
	check_log(e, "dabcd");
}

CASE(SCHEDULE0003, "a thread of lower priority made ready comes to the head of its queue", 0)
{
	noter(e, LOW, 'a');
	noter(e, LOW, 'b');
	noter(e, LOW, 'c');
	env_settle(e);
	check_log(e, "cba");
}

static void yield_often(struct env *e, seL4_Word letter)
{
	for (unsigned i = 0; i < 3; i++) {
		note(e, (char)letter);
		seL4_Yield();
	}
}

CASE(SCHEDULE0004, "yielding goes to the end of the queue", 0)
{
	for (char letter = 'a'; letter < 'd'; letter++)
		env_start(e, env_thread(e, DRIVER_PRIORITY), yield_often, (seL4_Word)letter);
	env_settle(e);
	check_log(e, "abcabcabc");
}

CASE(SCHEDULE0005, "yielding does not let threads of lower priority run", 0)
{
	noter(e, LOW, 'l');
	note(e, 'd');
	seL4_Yield();
	note(e, 'd');
	env_settle(e);
	check_log(e, "ddl");
}

static void wait_and_note(struct env *e, seL4_Word ntfn)
{
	seL4_Wait(ntfn, NULL);
	note(e, 'h');
}

static void signal_between(struct env *e, seL4_Word ntfn)
{
	note(e, 'x');
	seL4_Signal(ntfn);
	note(e, 'x');
}

CASE(SCHEDULE0006, "a preempted thread goes on before others of its priority", 0)
{
	seL4_CPtr ntfn = env_notification(e);
	env_start(e, env_thread(e, HIGH), wait_and_note, ntfn);
	struct thread *x = env_thread(e, DRIVER_PRIORITY);
	env_start(e, x, signal_between, ntfn);
	noter(e, DRIVER_PRIORITY, 'y');
	env_settle(e);
	check_log(e, "xhxy");
}

CASE(SCHEDULE0007, "setting a waiting thread's priority brings it to the head of its queue", 0)
{
	noter(e, LOW, 'a');
	struct thread *b = noter(e, LOW, 'b');
	struct thread *c = noter(e, LOW, 'c');
	check_ok(e, seL4_TCB_SetPriority(b->tcb, seL4_CapInitThreadTCB, LOW));
	(void)c;
	env_settle(e);
	check_log(e, "bca");
}

CASE(SCHEDULE0008, "twenty threads of twenty priorities run from the highest to the lowest", 0)
{
	for (unsigned i = 0; i < 20; i++)
		noter(e, 10 + (i * 7) % 20, (char)('a' + (i * 7) % 20));
	env_settle(e);
	check_log(e, "tsrqponmlkjihgfedcba");
}

CASE(SCHEDULE0009, "the lowest and the highest priority are as good as others", 0)
{
	noter(e, 0, 'a');
	noter(e, 255, 'b');
	note(e, 'd');
	env_settle(e);
	check_log(e, "bd");
	/* Even the driver's lowest is above 0. */
	env_set_driver_priority(e, 0);
	seL4_Yield();
	env_set_driver_priority(e, DRIVER_PRIORITY);
	check_log(e, "a");
}

CASE(SCHEDULE0010, "yielding with nobody else ready goes on", 0)
{
	for (unsigned i = 0; i < 100; i++)
		seL4_Yield();
	note(e, 'd');
	check_log(e, "d");
}

CASE(SCHEDULE0011, "a suspended thread of a queue is skipped, a resumed one is there again", 0)
{
	noter(e, LOW, 'a');
	struct thread *b = noter(e, LOW, 'b');
	noter(e, LOW, 'c');
	check_ok(e, seL4_TCB_Suspend(b->tcb));
	env_settle(e);
	check_log(e, "ca");
	check_ok(e, seL4_TCB_Resume(b->tcb));
	env_settle(e);
	check_log(e, "b");
}

/* ---- budgets ---- */

static void compute_in_steps(struct env *e, seL4_Word letter)
{
	for (unsigned i = 0; i < 4; i++) {
		note(e, (char)letter);
		burn(1000);
	}
}

static struct thread *computer(struct env *e, unsigned priority, char letter, seL4_Word budget,
			       seL4_Word period)
{
	struct thread *t = env_thread(e, priority);
	env_configure(e, t->sc, budget, period);
	env_start(e, t, compute_in_steps, (seL4_Word)letter);
	return t;
}

CASE(SCHEDULE0012, "round-robin threads take turns when their slices end", CASE_VIRTUAL)
{
	computer(e, DRIVER_PRIORITY, 'a', 1000, 1000);
	computer(e, DRIVER_PRIORITY, 'b', 1000, 1000);
	env_settle(e);
	/* The slices end within the steps, as the kernel's own entries count: each turn ends in another step. */
	char text[LOG_MAX + 1];
	unsigned turns = 0;
	for (unsigned i = 0; i < e->logged; i++) {
		text[i] = e->log[i];
		turns += i > 0 && text[i] != text[i - 1];
	}
	check_equal(e, e->logged, 8);
	check(e, turns >= 5);
}

CASE(SCHEDULE0013, "a thread that has used up its budget waits for its period, and others run", CASE_VIRTUAL)
{
	computer(e, HIGH, 'h', 1000, 10000);
	note(e, 'd');
	env_settle(e);
	/* The driver goes on while it waits; about forty milliseconds later it has done its four. */
	check(e, e->logged < 5);
	burn(50000);
	check_equal(e, e->logged, 5);
}

static void wait_for_time(struct env *e, seL4_Word us)
{
	burn(us);
	note(e, 'e');
}

CASE(SCHEDULE0014, "a refill preempts a thread of lower priority in the middle of its work", CASE_VIRTUAL)
{
	struct thread *h = env_thread(e, HIGH);
	env_configure(e, h->sc, 1000, 5000);
	env_start(e, h, wait_for_time, 2500);
	seL4_Word from = skerry_now();
	burn(20000);
	check_log(e, "e");
	check(e, skerry_now() - from >= 20000 * ticks_per_us());
}

CASE(SCHEDULE0015, "yielding gives up the rest of the budget until the next period", CASE_VIRTUAL)
{
	struct thread *h = env_thread(e, HIGH);
	env_configure(e, h->sc, 5000, 10000);
	env_start(e, h, yield_often, 'y');
	check_log(e, "y");
	burn(9000);
	check_log(e, "");
	burn(2000);
	check_log(e, "y");
	burn(10000);
	check_log(e, "y");
}

CASE(SCHEDULE0016,
     "a budget is kept over blocking, and the refills over time: never more than budget a period",
     CASE_VIRTUAL)
{
	struct thread *h = env_thread(e, HIGH);
	seL4_CPtr sc = env_object(e, seL4_SchedContextObject, 10);
	check_ok(e, seL4_SchedContext_Unbind(h->sc));
	check_ok(e, seL4_SchedControl_Configure(env_sched_control(e, e->core), sc, 2000, 10000, 8, 0));
	check_ok(e, seL4_SchedContext_Bind(sc, h->tcb));
	env_start(e, h, compute_in_steps, 'h');
	/* Four milliseconds of work at two in ten: the last step begins in the second period. */
	seL4_Word from = skerry_now();
	while (e->logged < 4 && skerry_now() - from < 100000 * ticks_per_us())
		burn(100);
	seL4_Word gone = (skerry_now() - from) / ticks_per_us();
	check_equal(e, e->logged, 4);
	check(e, gone >= 8000 && gone <= 12000);
	burn(2000);
}

/* ---- spinning ---- */

static void spin_until_set(struct env *e, seL4_Word index)
{
	volatile seL4_Word *flag = &e->shared[index];
	note(e, 's');
	while (!*flag)
		;
	note(e, 'e');
}

static void set_later(struct env *e, seL4_Word index)
{
	note(e, 'f');
	*(volatile seL4_Word *)&e->shared[index] = 1;
}

CASE(SCHEDULE0017, "a thread that spins is preempted when its slice ends", CASE_SPINS)
{
	struct thread *a = env_thread(e, DRIVER_PRIORITY), *b = env_thread(e, DRIVER_PRIORITY);
	env_configure(e, a->sc, 1000, 1000);
	env_start(e, a, spin_until_set, 0);
	env_start(e, b, set_later, 0);
	env_settle(e);
	check_log(e, "sfe");
}

CASE(SCHEDULE0018, "a thread that spins uses up its budget, and threads of lower priority run", CASE_SPINS)
{
	struct thread *a = env_thread(e, HIGH), *b = env_thread(e, LOW);
	env_configure(e, a->sc, 1000, 20000);
	env_start(e, b, set_later, 0);
	env_start(e, a, spin_until_set, 0);
	env_settle(e);
	burn(30000);
	check_log(e, "sfe");
}

static void spin_for_ever(struct env *e, seL4_Word unused)
{
	(void)unused;
	note(e, 's');
	for (;;)
		;
}

CASE(SCHEDULE0019, "an endless loop can be suspended", CASE_SPINS)
{
	struct thread *a = env_thread(e, HIGH);
	env_configure(e, a->sc, 1000, 20000);
	env_start(e, a, spin_for_ever, 0);
	check_ok(e, seL4_TCB_Suspend(a->tcb));
	check_log(e, "s");
	env_start(e, a, note_letter, 'x');
	/* Natively the other core is a thread of the host, which may have to wait for a CPU. */
	for (int i = 0; i < 10000 && !__atomic_load_n(&e->logged, __ATOMIC_ACQUIRE); i++)
		burn(30000);
	check_log(e, "x");
}
