/* tests/sel4/irq.c - interrupt control and handlers, with the virtual timer on pin 2 of the I/O APIC. */
#include "tests/sel4/harness.h"

enum { TIMER_PIN = 2, VECTOR = 20, LAST = 107, PIN = 5 };

static seL4_Error get_ioapic(seL4_CPtr slot, seL4_Word pin, seL4_Word vector)
{
	return seL4_IRQControl_GetIOAPIC(seL4_CapIRQControl, AT(slot), 0, pin, 0, 0, vector);
}

static seL4_Error get_msi(seL4_CPtr slot, seL4_Word bus, seL4_Word device, seL4_Word function,
			  seL4_Word vector)
{
	return seL4_IRQControl_GetMSI(seL4_CapIRQControl, AT(slot), bus, device, function, 0, vector);
}

CASE(IRQ0001, "with an I/O APIC there are no interrupts by number", CASE_ONCE)
{
	check_error(e, seL4_IRQControl_Get(seL4_CapIRQControl, 1, AT(env_slot(e))), seL4_IllegalOperation);
}

CASE(IRQ0002, "a handler for a pin is issued into an empty slot", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e);
	check_ok(e, get_ioapic(slot, PIN, VECTOR));
	check_ok(e, seL4_IRQHandler_Ack(slot));
	check_ok(e, seL4_IRQHandler_Clear(slot));
}

CASE(IRQ0003, "the errors of issuing a pin's handler come in their order", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e), full = env_endpoint(e), control = seL4_CapIRQControl;
	check_range(e, get_ioapic(full, 99, LAST + 1), 0, LAST);
	check_range(e, seL4_IRQControl_GetIOAPIC(control, ROOT, slot, 65, 9, 99, 0, 0, VECTOR), 1, 64);
	check_lookup(e, seL4_IRQControl_GetIOAPIC(control, full, slot, 64, 9, 99, 0, 0, VECTOR), 0,
		     seL4_InvalidRoot);
	check_error(e, get_ioapic(full, 99, VECTOR), seL4_DeleteFirst);
	check_range(e, seL4_IRQControl_GetIOAPIC(control, AT(slot), 1, 99, 9, 9, VECTOR), 0, 0);
	check_range(e, seL4_IRQControl_GetIOAPIC(control, AT(slot), 0, 24, 9, 9, VECTOR), 0, 23);
	check_range(e, seL4_IRQControl_GetIOAPIC(control, AT(slot), 0, PIN, 2, 9, VECTOR), 0, 1);
	check_range(e, seL4_IRQControl_GetIOAPIC(control, AT(slot), 0, PIN, 1, 2, VECTOR), 0, 1);
	check(e, slot_is_empty(slot));
	check_ok(e, get_ioapic(slot, PIN, VECTOR));
	/* It is taken before the slot is looked at. */
	check_error(e, get_ioapic(full, PIN, VECTOR), seL4_RevokeFirst);
}

CASE(IRQ0004, "the errors of issuing a message's handler come in their order", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e), full = env_endpoint(e);
	check_range(e, get_msi(full, 256, 0, 0, LAST + 1), 0, LAST);
	check_error(e, get_msi(full, 256, 0, 0, VECTOR), seL4_DeleteFirst);
	check_range(e, get_msi(slot, 256, 32, 8, VECTOR), 0, 255);
	check_range(e, get_msi(slot, 255, 32, 8, VECTOR), 0, 31);
	check_range(e, get_msi(slot, 255, 31, 8, VECTOR), 0, 7);
	check_ok(e, get_msi(slot, 255, 31, 7, VECTOR));
	check_error(e, get_msi(env_slot(e), 0, 0, 0, VECTOR), seL4_RevokeFirst);
	check_error(e, get_ioapic(env_slot(e), PIN, VECTOR), seL4_RevokeFirst);
}

CASE(IRQ0005, "other labels are illegal, short messages truncated", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e), control = seL4_CapIRQControl;
	check_equal(e, seL4_MessageInfo_get_label(call_raw(control, TCBResume, 7, 0)), seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(control, X86IRQIssueIRQHandlerIOAPIC, 7, 0)),
		    seL4_TruncatedMessage);
	seL4_SetCap(0, ROOT);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(control, X86IRQIssueIRQHandlerMSI, 6, 1)),
		    seL4_TruncatedMessage);
	check_ok(e, get_ioapic(slot, PIN, VECTOR));
	check_equal(e, seL4_MessageInfo_get_label(call_raw(slot, TCBResume, 0, 0)), seL4_IllegalOperation);
	check_equal(e, seL4_MessageInfo_get_label(call_raw(slot, IRQSetIRQHandler, 0, 0)),
		    seL4_TruncatedMessage);
}

CASE(IRQ0006, "an interrupt is signalled by a notification that can be written: capability 0", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e), ntfn = env_notification(e);
	check_ok(e, get_ioapic(slot, PIN, VECTOR));
	check_cap(e, seL4_IRQHandler_SetNotification(slot, env_endpoint(e)), 0);
	check_cap(e, seL4_IRQHandler_SetNotification(slot, env_slot(e)), 0);
	check_cap(e, seL4_IRQHandler_SetNotification(slot, env_rights(e, ntfn, seL4_CanRead)), 0);
	check_ok(e, seL4_IRQHandler_SetNotification(slot, env_rights(e, ntfn, seL4_CanWrite)));
	check_ok(e, seL4_IRQHandler_SetNotification(slot, env_mint(e, ntfn, 4)));
	check_ok(e, seL4_IRQHandler_Clear(slot));
	check_ok(e, seL4_IRQHandler_Clear(slot));
}

CASE(IRQ0007, "when the last handler is deleted the interrupt can be issued again", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e), copy;
	check_ok(e, get_ioapic(slot, PIN, VECTOR));
	copy = env_copy(e, slot);
	check_ok(e, seL4_CNode_Delete(AT(slot)));
	check_error(e, get_ioapic(slot, PIN, VECTOR), seL4_RevokeFirst);
	check_ok(e, seL4_IRQHandler_Ack(copy));
	check_ok(e, seL4_CNode_Delete(AT(copy)));
	check_ok(e, get_ioapic(slot, PIN, VECTOR));
}

CASE(IRQ0008, "revoking interrupt control takes all handlers", CASE_ONCE)
{
	seL4_CPtr slot = env_slots(e, 2);
	check_ok(e, get_ioapic(slot, PIN, VECTOR));
	check_ok(e, get_msi(slot + 1, 1, 1, 1, VECTOR + 1));
	check_ok(e, seL4_CNode_Revoke(AT(seL4_CapIRQControl)));
	check(e, slot_is_empty(slot) && slot_is_empty(slot + 1));
	check_ok(e, get_ioapic(slot, PIN, VECTOR));
}

/* ---- delivery ---- */

struct timer {
	seL4_CPtr handler, ntfn, badged;
};

static struct timer timer_new(struct env *e)
{
	struct timer t = {.handler = env_slot(e), .ntfn = env_notification(e)};
	t.badged = env_mint(e, t.ntfn, 0x10);
	check_ok(e, get_ioapic(t.handler, TIMER_PIN, VECTOR));
	check_ok(e, seL4_IRQHandler_SetNotification(t.handler, t.badged));
	/* Natively the last case's interrupt may come only now, and would mask the pin before anybody listens. */
	check_ok(e, seL4_IRQHandler_Ack(t.handler));
	seL4_Poll(t.ntfn, NULL);
	return t;
}

/* Polls for a while; the badge, or 0. */
static seL4_Word poll_for(seL4_CPtr ntfn, seL4_Word us)
{
	seL4_Word badge = 0;
	for (seL4_Word i = 0; i < us && !badge; i += 50) {
		burn(50);
		seL4_Yield();
		seL4_Poll(ntfn, &badge);
	}
	return badge;
}

CASE(IRQ0009, "an interrupt signals its notification, with the badge", CASE_ONCE)
{
	struct timer t = timer_new(e);
	check_equal(e, poll_for(t.ntfn, 500), 0);
	skerry_timer_oneshot(200000);
	check_equal(e, poll_for(t.ntfn, 100000), 0x10);
	check_equal(e, poll_for(t.ntfn, 500), 0);
	skerry_timer_oneshot(0);
}

CASE(IRQ0010, "an interrupt stays masked until it is acknowledged", CASE_ONCE)
{
	struct timer t = timer_new(e);
	skerry_timer_periodic(200000);
	check_equal(e, poll_for(t.ntfn, 100000), 0x10);
	check_equal(e, poll_for(t.ntfn, 2000), 0);
	check_ok(e, seL4_IRQHandler_Ack(t.handler));
	check_equal(e, poll_for(t.ntfn, 100000), 0x10);
	skerry_timer_periodic(0);
}

CASE(IRQ0011, "a cleared handler signals nobody", CASE_ONCE)
{
	struct timer t = timer_new(e);
	check_ok(e, seL4_IRQHandler_Clear(t.handler));
	skerry_timer_oneshot(100000);
	check_equal(e, poll_for(t.ntfn, 1000), 0);
	skerry_timer_oneshot(0);
}

CASE(IRQ0012, "a handler's notification may be another one later", CASE_ONCE)
{
	struct timer t = timer_new(e);
	seL4_CPtr other = env_notification(e);
	check_ok(e, seL4_IRQHandler_SetNotification(t.handler, env_mint(e, other, 7)));
	skerry_timer_oneshot(100000);
	check_equal(e, poll_for(other, 100000), 7);
	check_equal(e, poll_for(t.ntfn, 100), 0);
}

CASE(IRQ0013, "revoking a notification's badge stops its interrupts", CASE_ONCE)
{
	struct timer t = timer_new(e);
	check_ok(e, seL4_CNode_Revoke(AT(t.badged)));
	skerry_timer_oneshot(100000);
	check_equal(e, poll_for(t.ntfn, 1000), 0);
	skerry_timer_oneshot(0);
}

static void wait_and_note(struct env *e, seL4_Word ntfn)
{
	seL4_Wait(ntfn, NULL);
	note(e, 'i');
}

CASE(IRQ0014, "an interrupt preempts a computing thread for a waiter of higher priority",
     CASE_ONCE | CASE_VIRTUAL)
{
	struct timer t = timer_new(e);
	env_start(e, env_thread(e, HIGH), wait_and_note, t.ntfn);
	skerry_timer_oneshot(500000);
	burn(100);
	note(e, 'a');
	burn(1000);
	note(e, 'b');
	check_log(e, "aib");
}

CASE(IRQ0015, "waiting for an interrupt with nobody else ready passes the time", CASE_ONCE)
{
	struct timer t = timer_new(e);
	seL4_Word badge = 0, from = skerry_now();
	skerry_timer_oneshot(300000);
	seL4_Wait(t.ntfn, &badge);
	check_equal(e, badge, 0x10);
	check(e, skerry_now() - from >= 290 * ticks_per_us());
}

CASE(IRQ0016, "I/O ports: a range that ends before it starts, or is issued already, is refused", CASE_ONCE)
{
	seL4_CPtr slot = env_slots(e, 2), control = seL4_CapIOPortControl;
	check_argument(e, seL4_X86_IOPortControl_Issue(control, 0x3ff, 0x3f8, AT(slot)), 1);
	check_ok(e, seL4_X86_IOPortControl_Issue(control, 0x3f8, 0x3ff, AT(slot)));
	check_error(e, seL4_X86_IOPortControl_Issue(control, 0x3f0, 0x3f8, AT(slot + 1)), seL4_RevokeFirst);
	check_error(e, seL4_X86_IOPortControl_Issue(control, 0x200, 0x201, AT(slot)), seL4_DeleteFirst);
	check_ok(e, seL4_X86_IOPort_Out8(slot, 0x3f8, 1));
	check_error(e, seL4_X86_IOPort_In8(slot, 0x3f7).error, seL4_IllegalOperation);
	check_error(e, seL4_X86_IOPort_In32(slot, 0x3fd).error, seL4_IllegalOperation);
	check_ok(e, seL4_CNode_Delete(AT(slot)));
	check_ok(e, seL4_X86_IOPortControl_Issue(control, 0x3f0, 0x3f8, AT(slot + 1)));
}

CASE(IRQ0017, "revoking I/O port control takes the ports that were issued", CASE_ONCE)
{
	seL4_CPtr slot = env_slots(e, 2);
	check_ok(e, seL4_X86_IOPortControl_Issue(seL4_CapIOPortControl, 0x3f8, 0x3ff, AT(slot)));
	check_ok(e, seL4_X86_IOPortControl_Issue(seL4_CapIOPortControl, 0x60, 0x64, AT(slot + 1)));
	check_ok(e, seL4_CNode_Revoke(AT(slot)));
	check(e, !slot_is_empty(slot + 1));
	check_ok(e, seL4_CNode_Revoke(AT(seL4_CapIOPortControl)));
	check(e, slot_is_empty(slot) && slot_is_empty(slot + 1));
}

/* ---- preemption points ---- */

static void count_interrupts(struct env *e, seL4_Word ntfn)
{
	for (;;) {
		seL4_Wait(ntfn, NULL);
		note(e, 'i');
		seL4_IRQHandler_Ack(e->shared[0]);
	}
}

CASE(IRQ0018, "a revoke of very many capabilities lets interrupts in, and is complete",
     CASE_ONCE | CASE_VIRTUAL)
{
	enum { BITS = 12, CHILDREN = 1 << BITS };
	struct timer t = timer_new(e);
	seL4_CPtr cnode = env_cnode(e, BITS), ep = env_endpoint(e);
	for (seL4_Word i = 0; i < CHILDREN; i++)
		check_ok(e, seL4_CNode_Mint(cnode, i, BITS, AT(ep), seL4_AllRights, i));
	e->shared[0] = t.handler;
	env_start(e, env_thread(e, HIGH), count_interrupts, t.ntfn);
	seL4_Word from = skerry_now();
	skerry_timer_periodic(10000);
	check_ok(e, seL4_CNode_Revoke(AT(ep)));
	skerry_timer_periodic(0);
	seL4_Word us = (skerry_now() - from) / ticks_per_us();
	/* Where kernel work takes time there was one each ten microseconds. */
	check(e, us < 50 || e->logged >= us / 10 - 3);
	for (seL4_Word i = 0; i < CHILDREN; i += 97)
		check_lookup(e, seL4_CNode_Move(AT(env_slot(e)), cnode, i, BITS), 1, seL4_MissingCapability,
			     BITS);
}

CASE(IRQ0019, "clearing a large untyped lets interrupts in", CASE_ONCE | CASE_VIRTUAL)
{
	struct timer t = timer_new(e);
	struct thread *h = env_thread(e, HIGH);
	seL4_CPtr untyped = env_untyped(e, 21), slot = env_slot(e);
	e->shared[0] = t.handler;
	env_start(e, h, count_interrupts, t.ntfn);
	check_ok(e, env_retype(untyped, seL4_UntypedObject, 21, slot, 1));
	check_ok(e, seL4_CNode_Delete(AT(slot)));
	seL4_Word from = skerry_now();
	skerry_timer_periodic(20000);
	check_ok(e, env_retype(untyped, seL4_UntypedObject, 21, slot, 1));
	skerry_timer_periodic(0);
	seL4_Word us = (skerry_now() - from) / ticks_per_us();
	check(e, us < 60 || e->logged >= us / 20 - 2);
}

CASE(IRQ0020, "a new handler does not signal what the deleted one did", CASE_ONCE)
{
	struct timer t = timer_new(e);
	check_ok(e, seL4_CNode_Delete(AT(t.handler)));
	check_ok(e, get_ioapic(t.handler, TIMER_PIN, VECTOR));
	check_ok(e, seL4_IRQHandler_Ack(t.handler));
	skerry_timer_oneshot(100000);
	check_equal(e, poll_for(t.ntfn, 1000), 0);
	skerry_timer_oneshot(0);
}

CASE(IRQ0021, "copies of a handler are its children, and one another's siblings", CASE_ONCE)
{
	seL4_CPtr slot = env_slot(e), a, b;
	check_ok(e, get_ioapic(slot, PIN, VECTOR));
	a = env_copy(e, slot);
	b = env_copy(e, a);
	check_ok(e, seL4_CNode_Revoke(AT(a)));
	check(e, !slot_is_empty(b));
	check_ok(e, seL4_CNode_Revoke(AT(slot)));
	check(e, slot_is_empty(a) && slot_is_empty(b) && !slot_is_empty(slot));
}
