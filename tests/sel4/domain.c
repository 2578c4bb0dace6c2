/* tests/sel4/domain.c - domains and their schedule at run time. Cases put the schedule back: domain 0 for ever. */
#include "tests/sel4/harness.h"

#define FOR_EVER (BIT(56) - 1)

static void note_letter(struct env *e, seL4_Word letter) { note(e, (char)letter); }

static void restore(struct env *e)
{
	check_ok(e, seL4_DomainSet_ScheduleConfigure(seL4_CapDomain, 0, 0, FOR_EVER));
	check_ok(e, seL4_DomainSet_ScheduleSetStart(seL4_CapDomain, 0));
	for (seL4_Word i = 1; i < 4; i++)
		check_ok(e, seL4_DomainSet_ScheduleConfigure(seL4_CapDomain, i, 0, 0));
}

CASE(DOMAIN0001, "a thread is put into a domain that exists: argument 0, and must be a thread: argument 1",
     CASE_ONCE)
{
	seL4_CPtr tcb = env_tcb(e);
	check_ok(e, seL4_DomainSet_Set(seL4_CapDomain, CONFIG_NUM_DOMAINS - 1, tcb));
	check_ok(e, seL4_DomainSet_Set(seL4_CapDomain, 0, tcb));
	check_argument(e, seL4_DomainSet_Set(seL4_CapDomain, CONFIG_NUM_DOMAINS, tcb), 0);
	check_argument(e, seL4_DomainSet_Set(seL4_CapDomain, 255, env_endpoint(e)), 0);
	check_argument(e, seL4_DomainSet_Set(seL4_CapDomain, 1, env_endpoint(e)), 1);
	check_argument(e, seL4_DomainSet_Set(seL4_CapDomain, 1, env_slot(e)), 1);
}

CASE(DOMAIN0002, "other labels are illegal, short messages truncated, after the domain was looked at",
     CASE_ONCE)
{
	seL4_CPtr domain = seL4_CapDomain;
	check_equal(e, seL4_MessageInfo_get_label(call_raw(domain, TCBResume, 3, 0)), seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(domain, DomainSetSet, 0, 0)),
		    seL4_TruncatedMessage);
	seL4_SetMR(0, 99);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(domain, DomainSetSet, 1, 0)),
		    seL4_InvalidArgument);
	seL4_SetMR(0, 1);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(domain, DomainSetSet, 1, 0)),
		    seL4_TruncatedMessage);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(domain, DomainScheduleConfigure, 2, 0)),
		    seL4_TruncatedMessage);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(domain, DomainScheduleSetStart, 0, 0)),
		    seL4_TruncatedMessage);
}

CASE(DOMAIN0003, "a thread of a domain whose turn never comes does not run", 0)
{
	struct thread *t = env_thread(e, HIGH);
	check_ok(e, seL4_DomainSet_Set(seL4_CapDomain, 1, t->tcb));
	env_start(e, t, note_letter, 'x');
	env_settle(e);
	check_log(e, "");
	check_ok(e, seL4_DomainSet_Set(seL4_CapDomain, 0, t->tcb));
	env_settle(e);
	check_log(e, "x");
}

CASE(DOMAIN0004, "an entry of the schedule has index, domain and duration within range, in this order",
     CASE_ONCE)
{
	seL4_CPtr domain = seL4_CapDomain;
	check_error(e, seL4_DomainSet_ScheduleConfigure(domain, 100000, 99, ~UINT64_C(0)), seL4_RangeError);
	check_equal(e, seL4_GetMR(0), 0);
	check_range(e, seL4_DomainSet_ScheduleConfigure(domain, 1, CONFIG_NUM_DOMAINS, ~UINT64_C(0)), 0,
		    CONFIG_NUM_DOMAINS - 1);
	check_argument(e, seL4_DomainSet_ScheduleConfigure(domain, 1, 1, BIT(56)), 2);
	check_argument(e, seL4_DomainSet_ScheduleConfigure(domain, 1, 1, 0), 1);
	/* The entry at which the schedule starts cannot be its end. */
	check_argument(e, seL4_DomainSet_ScheduleConfigure(domain, 0, 0, 0), 2);
}

CASE(DOMAIN0005, "a schedule starts at an entry that is none of its ends: argument 0", CASE_ONCE)
{
	check_error(e, seL4_DomainSet_ScheduleSetStart(seL4_CapDomain, 100000), seL4_RangeError);
	check_equal(e, seL4_GetMR(0), 0);
	check_argument(e, seL4_DomainSet_ScheduleSetStart(seL4_CapDomain, 1), 0);
	check_ok(e, seL4_DomainSet_ScheduleSetStart(seL4_CapDomain, 0));
}

CASE(DOMAIN0006, "domains take turns, whatever the priorities", CASE_ONCE | CASE_VIRTUAL)
{
	seL4_Word ms = 1000 * ticks_per_us();
	struct thread *t = env_thread(e, 1);
	check_ok(e, seL4_DomainSet_Set(seL4_CapDomain, 1, t->tcb));
	env_start(e, t, note_letter, 'x');
	check_ok(e, seL4_DomainSet_ScheduleConfigure(seL4_CapDomain, 0, 0, 2 * ms));
	check_ok(e, seL4_DomainSet_ScheduleConfigure(seL4_CapDomain, 1, 1, 3 * ms));
	check_ok(e, seL4_DomainSet_ScheduleSetStart(seL4_CapDomain, 0));
	seL4_Word from = skerry_now();
	burn(1000);
	note(e, 'a');
	burn(2000);
	note(e, 'b');
	check_log(e, "axb");
	/* Two milliseconds of ours, then three of theirs, most of them idle, and one of ours again. */
	check(e, skerry_now() - from >= 4 * ms);
	restore(e);
}

CASE(DOMAIN0007, "a new start ends the turn of the running domain at once", CASE_ONCE | CASE_VIRTUAL)
{
	seL4_Word ms = 1000 * ticks_per_us();
	struct thread *t = env_thread(e, 1);
	check_ok(e, seL4_DomainSet_Set(seL4_CapDomain, 2, t->tcb));
	env_start(e, t, note_letter, 'x');
	check_ok(e, seL4_DomainSet_ScheduleConfigure(seL4_CapDomain, 1, 0, FOR_EVER));
	check_ok(e, seL4_DomainSet_ScheduleConfigure(seL4_CapDomain, 2, 2, ms));
	check_ok(e, seL4_DomainSet_ScheduleConfigure(seL4_CapDomain, 3, 0, FOR_EVER));
	check_ok(e, seL4_DomainSet_ScheduleSetStart(seL4_CapDomain, 2));
	/* The driver goes on in entry 3. */
	check_log(e, "x");
	restore(e);
}

CASE(DOMAIN0008, "a schedule has 100 entries, of which the last marks the end", CASE_ONCE)
{
	seL4_CPtr domain = seL4_CapDomain;
	check_equal(e, CONFIG_NUM_DOMAIN_SCHEDULES, 100);
	check_ok(e, seL4_DomainSet_ScheduleConfigure(domain, 98, 0, 1));
	check_ok(e, seL4_DomainSet_ScheduleConfigure(domain, 98, 0, 0));
	check_range(e, seL4_DomainSet_ScheduleConfigure(domain, 99, 0, 1), 0, 98);
	check_range(e, seL4_DomainSet_ScheduleSetStart(domain, 100), 0, 99);
}
