/* kernelmodel/reply.c - reply objects, and the stack of calls that they make of a lent scheduling context.
 *
 * A caller that lends its context pushes a reply object onto the context's stack:
 *
 *     context <-> reply of the latest call <-> ... <-> reply of the first call
 *             next                       prev
 *
 * Whoever answers the head gives the context back to the head's caller. An object may also wait in a receiver (its
 * thread is BLOCKED_ON_RECEIVE), or hold a caller that lent nothing: then it is in no stack. */
#include "kernelmodel/sched.h"

void km_reply_unlink(struct km_kernel *k, struct km_reply *reply, struct km_tcb *tcb)
{
	reply->tcb = 0;
	tcb->reply = 0;
	km_set_state(k, tcb, KM_INACTIVE);
}

void km_reply_push(struct km_kernel *k, struct km_tcb *caller, struct km_tcb *callee, struct km_reply *reply,
		   int can_donate)
{
	struct km_sched_context *sc = caller->sc ? KM_SC(k, caller->sc) : NULL;
	km_ref self = km_ref_of(k, reply);

	km_work(k, KM_WORK_REPLY_PUSH);
	reply->tcb = km_ref_of(k, caller);
	caller->reply = self;
	km_set_state(k, caller, KM_BLOCKED_ON_REPLY);
	if (!sc || callee->sc || !can_donate)
		return;
	reply->prev = sc->reply;
	if (sc->reply) {
		struct km_reply *below = KM_REPLY_AT(k, sc->reply);

		below->next = self;
		below->next_is_sc = 0;
	}
	reply->next = km_ref_of(k, sc);
	reply->next_is_sc = 1;
	sc->reply = self;
	km_sc_donate(k, sc, callee);
}

void km_reply_pop(struct km_kernel *k, struct km_reply *reply, struct km_tcb *tcb)
{
	struct km_sched_context *sc = KM_SC(k, reply->next);

	sc->reply = reply->prev;
	if (reply->prev) {
		struct km_reply *below = KM_REPLY_AT(k, reply->prev);

		below->next = reply->next;
		below->next_is_sc = 1;
	}
	reply->prev = reply->next = reply->next_is_sc = 0;
	/* A caller that was given another context while it waited keeps that: this one stays with the callee. */
	if (!tcb->sc)
		km_sc_donate(k, sc, tcb);
	km_reply_unlink(k, reply, tcb);
}

/* Out of the middle, or of the bottom: the stack breaks, and whoever is below gets nothing back from above. */
static void reply_break(struct km_kernel *k, struct km_reply *reply)
{
	if (reply->next) {
		if (reply->next_is_sc)
			KM_SC(k, reply->next)->reply = 0;
		else
			KM_REPLY_AT(k, reply->next)->prev = 0;
	}
	if (reply->prev) {
		struct km_reply *below = KM_REPLY_AT(k, reply->prev);

		below->next = below->next_is_sc = 0;
	}
	reply->prev = reply->next = reply->next_is_sc = 0;
}

void km_reply_remove(struct km_kernel *k, struct km_reply *reply)
{
	struct km_tcb *tcb = KM_TCB(k, reply->tcb);

	km_work(k, KM_WORK_REPLY_POP);
	if (reply->next && reply->next_is_sc) {
		km_reply_pop(k, reply, tcb);
		return;
	}
	reply_break(k, reply);
	km_reply_unlink(k, reply, tcb);
}

/* Unlike above, the head too is taken without giving the context back: its caller does not want it any more. */
void km_reply_remove_tcb(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_reply *reply = KM_REPLY_AT(k, tcb->reply);

	km_work(k, KM_WORK_REPLY_POP);
	reply_break(k, reply);
	km_reply_unlink(k, reply, tcb);
}

void km_reply_cleared(struct km_kernel *k, struct km_reply *reply)
{
	struct km_tcb *tcb;

	if (!reply->tcb)
		return;
	tcb = KM_TCB(k, reply->tcb);
	if (tcb->state == KM_BLOCKED_ON_REPLY)
		km_reply_remove(k, reply);
	else
		km_cancel_ipc(k, tcb);
}

/* ---- answering ---- */

/* The caller has its answer; whether it runs is a matter of its budget. */
static void answered_resume(struct km_kernel *k, struct km_tcb *tcb, unsigned fault_type)
{
	struct km_sched_context *sc;

	if (!tcb->sc || !km_is_runnable(tcb))
		return;
	sc = KM_SC(k, tcb->sc);
	if (km_sc_may_run(k, sc)) {
		km_possible_switch_to(k, tcb);
	} else if (km_has_timeout_handler(tcb) && fault_type != seL4_Fault_Timeout) {
		/* The callee used up the time that it was lent. */
		k->fault = (struct km_fault){.type = seL4_Fault_Timeout, .address = sc->badge};
		km_handle_timeout(k, tcb);
	} else {
		km_postpone(k, sc);
	}
}

void km_reply_send(struct km_kernel *k, struct km_tcb *from, struct km_reply *reply, int can_grant)
{
	struct km_tcb *to = reply->tcb ? KM_TCB(k, reply->tcb) : NULL;
	unsigned fault_type;

	if (!to || to->state != KM_BLOCKED_ON_REPLY)
		return;
	km_reply_remove(k, reply);
	if (to->sc) {
		struct km_sched_context *sc = KM_SC(k, to->sc);

		if (km_sc_is_sporadic(sc) && to->sc != k->core[sc->core].sc)
			km_refill_unblock(k, sc);
	}
	fault_type = to->fault.type;
	if (!fault_type) {
		km_transfer(k, from, NULL, 0, can_grant, to);
		km_set_state(k, to, KM_RUNNING);
	} else {
		int restart = km_fault_reply(k, from, to);

		to->fault = (struct km_fault){0};
		km_set_state(k, to, restart ? KM_RESTART : KM_INACTIVE);
	}
	answered_resume(k, to, fault_type);
}
