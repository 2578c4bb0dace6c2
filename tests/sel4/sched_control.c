/* tests/sel4/sched_control.c - configuring scheduling contexts: ranges and the order of checks. */
#include "tests/sel4/harness.h"

static seL4_CPtr control(struct env *e) { return env_sched_control(e, e->core); }

static void note_letter(struct env *e, seL4_Word letter) { note(e, (char)letter); }

CASE(SCHEDCONTROL0001, "a budget and a period within range are taken", 0)
{
	seL4_CPtr sc = env_sc(e);
	check_ok(e, seL4_SchedControl_Configure(control(e), sc, 20, 20, 0, 0));
	check_ok(e, seL4_SchedControl_Configure(control(e), sc, 20, 1000000, 0, 0));
	check_ok(e, seL4_SchedControl_Configure(control(e), sc, 1000, 1000000, 0, 5));
	check_ok(e, seL4_SchedControl_ConfigureFlags(control(e), sc, 1000, 2000, 0, 5,
						     seL4_SchedContext_Sporadic));
}

CASE(SCHEDCONTROL0002, "a budget or a period below 20 microseconds is a range error", CASE_ONCE)
{
	seL4_CPtr sc = env_sc(e);
	check_error(e, seL4_SchedControl_Configure(control(e), sc, 19, 1000, 0, 0), seL4_RangeError);
	check_equal(e, seL4_GetMR(0), 20);
	seL4_Word max = seL4_GetMR(1);
	check(e, max > 1000000);
	check_range(e, seL4_SchedControl_Configure(control(e), sc, 0, 1000, 0, 0), 20, max);
	check_range(e, seL4_SchedControl_Configure(control(e), sc, 20, 19, 0, 0), 20, max);
	check_range(e, seL4_SchedControl_Configure(control(e), sc, max + 1, max, 0, 0), 20, max);
	check_range(e, seL4_SchedControl_Configure(control(e), sc, 20, max + 1, 0, 0), 20, max);
	check_range(e, seL4_SchedControl_Configure(control(e), sc, ~UINT64_C(0), ~UINT64_C(0), 0, 0), 20,
		    max);
	check_ok(e, seL4_SchedControl_Configure(control(e), sc, max, max, 0, 0));
}

CASE(SCHEDCONTROL0003, "a budget above the period is a range error up to the period", CASE_ONCE)
{
	seL4_CPtr sc = env_sc(e);
	check_range(e, seL4_SchedControl_Configure(control(e), sc, 1001, 1000, 0, 0), 20, 1000);
}

CASE(SCHEDCONTROL0004, "extra refills are bounded by the context's size", CASE_ONCE)
{
	/* The smallest has no room but for the two that every context has. */
	for (unsigned bits = seL4_MinSchedContextBits; bits < seL4_MinSchedContextBits + 4; bits++) {
		seL4_CPtr sc = env_object(e, seL4_SchedContextObject, bits);
		seL4_Word max = seL4_MaxExtraRefills(bits);
		if (bits > seL4_MinSchedContextBits)
			check_equal(e, max, (BIT(bits) - 128) / 16);
		check_ok(e, seL4_SchedControl_Configure(control(e), sc, 1000, 2000, max, 0));
		check_range(e, seL4_SchedControl_Configure(control(e), sc, 1000, 2000, max + 1, 0), 0, max);
	}
}

CASE(SCHEDCONTROL0005, "the target must be a scheduling context: capability 1", CASE_ONCE)
{
	check_cap(e, seL4_SchedControl_Configure(control(e), env_endpoint(e), 1000, 1000, 0, 0), 1);
	check_cap(e, seL4_SchedControl_Configure(control(e), env_slot(e), 1000, 1000, 0, 0), 1);
}

CASE(SCHEDCONTROL0006, "errors of the message come before the target", CASE_ONCE)
{
	seL4_CPtr sc = env_sc(e);
	seL4_SetCap(0, sc);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(control(e), SchedControlConfigureFlags, 4, 1)),
		    seL4_TruncatedMessage);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(control(e), SchedControlConfigureFlags, 5, 0)),
		    seL4_TruncatedMessage);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(control(e), SchedContextBind, 5, 0)),
		    seL4_IllegalOperation);
	check_error(e, seL4_SchedControl_Configure(control(e), env_endpoint(e), 19, 1000, 0, 0),
		    seL4_RangeError);
}

CASE(SCHEDCONTROL0007, "a context in use can be configured again", 0)
{
	struct thread *t = env_thread(e, LOW);
	env_start(e, t, note_letter, 'x');
	env_configure(e, t->sc, 5000, 10000);
	env_configure(e, t->sc, 10000, 10000);
	env_settle(e);
	check_log(e, "x");
}

CASE(SCHEDCONTROL0008, "configuring the current thread's own context works", 0)
{
	env_configure(e, seL4_CapInitThreadSC, 1000000, 1000000);
	env_configure(e, seL4_CapInitThreadSC, 100000000, 100000000);
	note(e, 'x');
	check_log(e, "x");
}

static void compute(struct env *e, seL4_Word us)
{
	burn(us);
	note(e, 'c');
}

CASE(SCHEDCONTROL0009, "configuring a context again does not bring back the budget that it has used",
     CASE_VIRTUAL)
{
	struct thread *t = env_thread(e, HIGH);
	env_configure(e, t->sc, 1000, 10000);
	env_start(e, t, compute, 1500);
	/* It has used up its budget, and waits for its next period; burn() counts the time in which it waits, too. */
	seL4_Word from = skerry_now();
	env_configure(e, t->sc, 1000, 10000);
	check(e, skerry_now() - from < 500 * ticks_per_us());
	check_log(e, "");
	burn(5000);
	check_log(e, "");
	burn(6000);
	check_log(e, "c");
}
