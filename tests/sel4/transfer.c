/* tests/sel4/transfer.c - capabilities in messages. The driver receives; helpers send. */
#include "tests/sel4/harness.h"

/* e->shared */
enum { EP, REPLY, CAPS, CAP0, CAP1, CAP2, INFO };

/* Sends up to three capabilities by EP, as its argument tells: 0 Send, 1 Call, 2 NBSend. */
static void send_caps(struct env *e, seL4_Word how)
{
	seL4_MessageInfo_t info = seL4_MessageInfo_new(1, 0, e->shared[CAPS], 1);
	for (unsigned i = 0; i < 3; i++)
		seL4_SetCap((int)i, e->shared[CAP0 + i]);
	seL4_SetMR(0, 55);
	if (how == 0)
		seL4_Send(e->shared[EP], info);
	else if (how == 1)
		e->shared[INFO] = seL4_Call(e->shared[EP], info).words[0];
	else
		seL4_NBSend(e->shared[EP], info);
	note(e, 's');
}

struct received {
	seL4_MessageInfo_t info;
	seL4_Word badge;
	seL4_CPtr slot;         /* where a capability would arrive */
	seL4_Word unwrapped[3]; /* badges, as in the buffer: the next invocation overwrites them there */
};

/* One message with the capabilities of e->shared, into an empty slot. */
static struct received receive(struct env *e, seL4_CPtr ep, seL4_CPtr by, unsigned caps)
{
	struct received r = {.slot = env_slot(e)};
	e->shared[EP] = by;
	e->shared[CAPS] = caps;
	env_start(e, env_thread(e, HIGH), send_caps, 0);
	seL4_SetCapReceivePath(AT(r.slot));
	r.info = seL4_NBWait(ep, &r.badge);
	for (unsigned i = 0; i < 3; i++)
		r.unwrapped[i] = seL4_GetBadge((int)i);
	env_settle(e);
	return r;
}

#define check_info(e, info_, unwrapped, extra)                                                               \
	check_equal(e, (info_).words[0], seL4_MessageInfo_new(1, unwrapped, extra, 1).words[0])

CASE(TRANSFER0001, "a capability arrives in the receive slot, with its badge and rights", 0)
{
	seL4_CPtr ep = env_endpoint(e), ntfn = env_notification(e);
	e->shared[CAP0] = env_mint(e, ntfn, 66);
	struct received r = receive(e, ep, env_mint(e, ep, 4), 1);
	check_info(e, r.info, 0, 1);
	check_equal(e, r.badge, 4);
	check_equal(e, seL4_GetMR(0), 55);
	check_equal(e, badge_of(r.slot, ntfn), 66);
	check(e, !slot_is_empty(e->shared[CAP0]));
}

CASE(TRANSFER0002, "without grant nothing is transferred, but the message arrives", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	e->shared[CAP0] = env_notification(e);
	struct received r = receive(e, ep, env_rights(e, ep, seL4_CapRights_new(1, 0, 1, 1)), 1);
	check_info(e, r.info, 0, 0);
	check(e, slot_is_empty(r.slot));
}

CASE(TRANSFER0003, "a capability to the endpoint that is used is unwrapped: its badge arrives", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	e->shared[CAP0] = env_mint(e, ep, 91);
	struct received r = receive(e, ep, ep, 1);
	check_info(e, r.info, 1, 1);
	check_equal(e, r.unwrapped[0], 91);
	check(e, slot_is_empty(r.slot));
}

CASE(TRANSFER0004, "three capabilities to the endpoint are all unwrapped", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	for (unsigned i = 0; i < 3; i++)
		e->shared[CAP0 + i] = env_mint(e, ep, 91 + i);
	struct received r = receive(e, ep, ep, 3);
	check_info(e, r.info, 7, 3);
	for (unsigned i = 0; i < 3; i++)
		check_equal(e, r.unwrapped[i], 91 + i);
}

CASE(TRANSFER0005, "one is transferred and others unwrapped, in any order", 0)
{
	seL4_CPtr ep = env_endpoint(e), ntfn = env_notification(e);
	e->shared[CAP0] = env_mint(e, ep, 91);
	e->shared[CAP1] = env_mint(e, ntfn, 92);
	e->shared[CAP2] = env_mint(e, ep, 93);
	struct received r = receive(e, ep, ep, 3);
	check_info(e, r.info, 5, 3);
	check_equal(e, r.unwrapped[0], 91);
	check_equal(e, r.unwrapped[2], 93);
	check_equal(e, badge_of(r.slot, ntfn), 92);
}

CASE(TRANSFER0006, "a second capability that is not unwrapped stops the transfer", 0)
{
	seL4_CPtr ep = env_endpoint(e), ntfn = env_notification(e);
	e->shared[CAP0] = env_mint(e, ntfn, 92);
	e->shared[CAP1] = env_mint(e, ntfn, 93);
	e->shared[CAP2] = env_mint(e, ep, 94);
	struct received r = receive(e, ep, ep, 3);
	check_info(e, r.info, 0, 1);
	check_equal(e, badge_of(r.slot, ntfn), 92);
}

CASE(TRANSFER0007, "an occupied receive slot takes nothing", 0)
{
	seL4_CPtr ep = env_endpoint(e), ntfn = env_notification(e), full = env_mint(e, ntfn, 1);
	e->shared[EP] = ep;
	e->shared[CAPS] = 1;
	e->shared[CAP0] = env_mint(e, ntfn, 2);
	env_start(e, env_thread(e, HIGH), send_caps, 0);
	seL4_SetCapReceivePath(AT(full));
	seL4_Word badge;
	seL4_MessageInfo_t info = seL4_NBWait(ep, &badge);
	check_info(e, info, 0, 0);
	check_equal(e, badge_of(full, ntfn), 1);
}

CASE(TRANSFER0008, "a receive path that leads nowhere takes nothing, but unwrapping goes on", 0)
{
	seL4_CPtr ep = env_endpoint(e), ntfn = env_notification(e);
	e->shared[EP] = ep;
	e->shared[CAPS] = 2;
	e->shared[CAP0] = env_mint(e, ep, 8);
	e->shared[CAP1] = env_mint(e, ntfn, 2);
	static const seL4_Word depth[] = {0, 65, 3};
	seL4_Word badge;
	for (unsigned i = 0; i < 3; i++) {
		env_start(e, env_thread(e, HIGH), send_caps, 0);
		seL4_SetCapReceivePath(ROOT, env_slot(e), depth[i]);
		seL4_MessageInfo_t info = seL4_NBWait(ep, &badge);
		check_info(e, info, 1, 1);
	}
	env_start(e, env_thread(e, HIGH), send_caps, 0);
	seL4_SetCapReceivePath(ntfn, env_slot(e), DEPTH);
	check_info(e, seL4_NBWait(ep, &badge), 1, 1);
}

CASE(TRANSFER0009, "a capability that cannot be derived stops the transfer", 0)
{
	seL4_CPtr ep = env_endpoint(e), untyped = env_untyped(e, 8), child = env_slot(e);
	check_ok(e, env_retype(untyped, seL4_EndpointObject, 0, child, 1));
	e->shared[CAP0] = env_mint(e, ep, 3);
	e->shared[CAP1] = untyped;
	e->shared[CAP2] = env_mint(e, ep, 4);
	struct received r = receive(e, ep, ep, 3);
	check_info(e, r.info, 1, 1);
	check_equal(e, r.unwrapped[0], 3);
	check(e, slot_is_empty(r.slot));
}

CASE(TRANSFER0010, "an empty slot among the capabilities stops the transfer", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	e->shared[CAP0] = env_slot(e);
	e->shared[CAP1] = env_mint(e, ep, 4);
	struct received r = receive(e, ep, ep, 2);
	check_info(e, r.info, 0, 0);
}

CASE(TRANSFER0011, "an address that cannot be resolved is a fault of a sender that would block", 0)
{
	seL4_CPtr ep = env_endpoint(e), handler = env_endpoint(e), reply = env_reply(e);
	struct thread *t = env_thread(e, HIGH);
	env_fault_handler(e, t, handler);
	e->shared[EP] = ep;
	e->shared[CAPS] = 1;
	e->shared[CAP0] = UINT64_C(1) << 40;
	env_start(e, t, send_caps, 0);
	seL4_Word badge;
	seL4_MessageInfo_t info = seL4_NBRecv(handler, &badge, reply);
	check_equal(e, seL4_MessageInfo_get_label(info), seL4_Fault_CapFault);
	check_equal(e, seL4_GetMR(seL4_CapFault_Addr), UINT64_C(1) << 40);
	check_equal(e, seL4_GetMR(seL4_CapFault_InRecvPhase), 0);
	check_equal(e, seL4_GetMR(seL4_CapFault_LookupFailureType), seL4_GuardMismatch);
	check_log(e, "");
	/* Answered, it tries again. */
	e->shared[CAP0] = 0;
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 0, 0));
	check_equal(e, seL4_MessageInfo_get_label(seL4_NBRecv(handler, &badge, reply)), seL4_Fault_CapFault);
}

CASE(TRANSFER0012, "an address that cannot be resolved silently ends a send without blocking", 0)
{
	seL4_CPtr ep = env_endpoint(e), handler = env_endpoint(e), reply = env_reply(e);
	struct thread *t = env_thread(e, HIGH);
	env_fault_handler(e, t, handler);
	e->shared[EP] = ep;
	e->shared[CAPS] = 1;
	e->shared[CAP0] = UINT64_C(1) << 40;
	env_start(e, t, send_caps, 2);
	check_log(e, "s");
	seL4_Word badge;
	seL4_NBRecv(handler, &badge, reply);
	check_equal(e, badge, 0);
}

CASE(TRANSFER0013, "a capability arrives in any CNode that the receive path names", 0)
{
	seL4_CPtr ep = env_endpoint(e), ntfn = env_notification(e), outer = env_cnode(e, 4),
		  inner = env_cnode(e, 4);
	seL4_CPtr slot = env_slot(e);
	check_ok(e, seL4_CNode_Copy(outer, 9, 4, AT(inner), seL4_AllRights));
	e->shared[EP] = ep;
	e->shared[CAPS] = 1;
	e->shared[CAP0] = env_mint(e, ntfn, 14);
	env_start(e, env_thread(e, HIGH), send_caps, 0);
	seL4_SetCapReceivePath(outer, 0x93, 8);
	seL4_Word badge;
	check_info(e, seL4_NBWait(ep, &badge), 0, 1);
	check_ok(e, seL4_CNode_Move(AT(slot), inner, 3, 4));
	check_equal(e, badge_of(slot, ntfn), 14);
}

CASE(TRANSFER0014, "a capability that was received is derived from the one that was sent", 0)
{
	seL4_CPtr ep = env_endpoint(e);
	e->shared[CAP0] = env_mint(e, env_notification(e), 5);
	struct received r = receive(e, ep, ep, 1);
	check(e, !slot_is_empty(r.slot));
	check_ok(e, seL4_CNode_Revoke(AT(e->shared[CAP0])));
	check(e, slot_is_empty(r.slot));
}

CASE(TRANSFER0015, "an answer carries a capability, if the reply capability grants", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e), ntfn = env_notification(e), slot = env_slot(e);
	seL4_CPtr less = env_rights(e, reply, seL4_CapRights_new(0, 0, 1, 1));
	struct thread *t = env_thread(e, HIGH);
	seL4_Word badge;
	e->shared[EP] = ep;
	e->shared[CAPS] = 0;
	/* The caller names no receive slot at first: nothing arrives; then without grant. */
	for (unsigned i = 0; i < 2; i++) {
		env_start(e, t, send_caps, 1);
		seL4_NBRecv(ep, &badge, i ? less : reply);
		seL4_SetCap(0, ntfn);
		seL4_Send(i ? less : reply, seL4_MessageInfo_new(0, 0, 1, 0));
		check_log(e, "s");
		seL4_MessageInfo_t info = {{e->shared[INFO]}};
		check_equal(e, seL4_MessageInfo_get_extraCaps(info), 0);
	}
	check(e, slot_is_empty(slot));
}

static void call_for_cap(struct env *e, seL4_Word slot)
{
	seL4_SetCapReceivePath(AT(slot));
	e->shared[INFO] = seL4_Call(e->shared[EP], seL4_MessageInfo_new(0, 0, 0, 0)).words[0];
	note(e, 'c');
}

CASE(TRANSFER0016, "a capability in an answer arrives where the caller wants it", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e), ntfn = env_notification(e),
		  slot = env_slots(e, 2);
	seL4_CPtr less = env_rights(e, reply, seL4_CapRights_new(0, 0, 1, 1)), badged = env_mint(e, ntfn, 3);
	seL4_Word badge;
	e->shared[EP] = ep;
	for (unsigned i = 0; i < 2; i++) {
		env_start(e, env_thread(e, HIGH), call_for_cap, slot + i);
		seL4_NBRecv(ep, &badge, i ? less : reply);
		seL4_SetCap(0, badged);
		seL4_Send(i ? less : reply, seL4_MessageInfo_new(0, 0, 1, 0));
		check_log(e, "c");
		seL4_MessageInfo_t info = {{e->shared[INFO]}};
		check_equal(e, seL4_MessageInfo_get_extraCaps(info), i ? 0 : 1);
	}
	check_equal(e, badge_of(slot, ntfn), 3);
	check(e, slot_is_empty(slot + 1));
}

CASE(TRANSFER0017,
     "a caller's endpoint decides whether its server's answer may grant: grant-reply alone suffices", 0)
{
	seL4_CPtr ep = env_endpoint(e), reply = env_reply(e), ntfn = env_notification(e), slot = env_slot(e);
	seL4_CPtr less = env_rights(e, ep, seL4_CapRights_new(1, 0, 0, 1));
	seL4_Word badge;
	e->shared[EP] = less;
	env_start(e, env_thread(e, HIGH), call_for_cap, slot);
	seL4_NBRecv(ep, &badge, reply);
	seL4_SetCap(0, ntfn);
	seL4_Send(reply, seL4_MessageInfo_new(0, 0, 1, 0));
	check_log(e, "c");
	check(e, !slot_is_empty(slot));
}

CASE(TRANSFER0018, "an untyped that is sent is full afterwards", 0)
{
	seL4_CPtr ep = env_endpoint(e), untyped = env_untyped(e, 8), slot = env_slot(e);
	e->shared[CAP0] = untyped;
	struct received r = receive(e, ep, ep, 1);
	check_info(e, r.info, 0, 1);
	check_error(e, env_retype(untyped, seL4_EndpointObject, 0, slot, 1), seL4_NotEnoughMemory);
	check_ok(e, env_retype(r.slot, seL4_EndpointObject, 0, slot, 1));
}

CASE(TRANSFER0019, "a badged copy of the endpoint, sent through another endpoint, is transferred whole", 0)
{
	seL4_CPtr ep = env_endpoint(e), other = env_endpoint(e);
	e->shared[CAP0] = env_mint(e, other, 44);
	struct received r = receive(e, ep, ep, 1);
	check_info(e, r.info, 0, 1);
	seL4_CPtr wants = r.slot;
	r = receive(e, other, wants, 0);
	check_equal(e, r.badge, 44);
}

CASE(TRANSFER0020, "transferred read-only, an endpoint stays read-only", 0)
{
	seL4_CPtr ep = env_endpoint(e), ntfn = env_notification(e), badged = env_mint(e, ntfn, 7);
	e->shared[CAP0] = env_rights(e, badged, seL4_CanRead);
	struct received r = receive(e, ep, ep, 1);
	check_equal(e, badge_of(r.slot, ntfn), 0);
}
