/* kernelmodel/notification.c - notifications: a word of signals, threads that wait for it, a thread bound to it.
 *
 * A signal goes to the bound thread if that waits on an endpoint; else to the first that waits here; else it is ORed into
 * the word. A scheduling context bound to the notification is lent to a thread that it wakes and that has none. */
#include "kernelmodel/kernel_internal.h"

void km_notification_donate(struct km_kernel *k, struct km_notification *ntfn, struct km_tcb *tcb)
{
	struct km_sched_context *sc;

	if (tcb->sc || !ntfn->sc)
		return;
	sc = KM_SC(k, ntfn->sc);
	if (sc->tcb)
		return;
	km_sc_donate(k, sc, tcb);
	km_sc_resume(k, sc);
}

static void return_context(struct km_kernel *k, const struct km_notification *ntfn, struct km_tcb *tcb)
{
	if (!ntfn->sc || ntfn->sc != tcb->sc)
		return;
	KM_SC(k, tcb->sc)->tcb = 0;
	tcb->sc = 0;
	if (tcb == k->self->current)
		km_reschedule_required(k);
}

void km_notification_return(struct km_kernel *k, struct km_tcb *tcb)
{
	if (tcb->notification)
		return_context(k, KM_NTFN(k, tcb->notification), tcb);
}

/* ---- signalling ---- */

/* `tcb` has been taken from what it waited for; it returns from its system call with the badge. */
static void wake(struct km_kernel *k, struct km_notification *ntfn, struct km_tcb *tcb, km_word badge)
{
	km_set_state(k, tcb, KM_RUNNING);
	tcb->context.reg[KM_REG_CAP] = badge;
	km_notification_donate(k, ntfn, tcb);
	if (km_is_schedulable(k, tcb))
		km_possible_switch_to(k, tcb);
	km_unblock_refills(k, tcb);
}

static void signal_idle(struct km_kernel *k, struct km_notification *ntfn, km_word badge)
{
	struct km_tcb *bound = ntfn->bound_tcb ? KM_TCB(k, ntfn->bound_tcb) : NULL;

	/* One that waits for the answer to its call is not to be disturbed: it finds the word later. */
	if (bound && bound->state == KM_BLOCKED_ON_RECEIVE) {
		km_cancel_ipc(k, bound);
		wake(k, ntfn, bound, badge);
		return;
	}
	ntfn->state = KM_NTFN_ACTIVE;
	ntfn->badge = badge;
}

void km_signal(struct km_kernel *k, struct km_notification *ntfn, km_word badge)
{
	struct km_tcb *tcb;

	km_work(k, KM_WORK_SIGNAL);
	switch (ntfn->state) {
	case KM_NTFN_IDLE:
		signal_idle(k, ntfn, badge);
		break;
	case KM_NTFN_WAITING:
		tcb = KM_TCB(k, ntfn->queue.head);
		km_wait_dequeue(k, &ntfn->queue, tcb);
		if (!ntfn->queue.head)
			ntfn->state = KM_NTFN_IDLE;
		wake(k, ntfn, tcb, badge);
		break;
	default:
		ntfn->badge |= badge;
		break;
	}
}

/* ---- waiting ---- */

static void take_word(struct km_kernel *k, struct km_notification *ntfn, struct km_tcb *tcb)
{
	km_work(k, KM_WORK_SIGNAL);
	tcb->context.reg[KM_REG_CAP] = ntfn->badge;
	ntfn->state = KM_NTFN_IDLE;
	ntfn->badge = 0;
	km_notification_donate(k, ntfn, tcb);
}

void km_notification_complete(struct km_kernel *k, struct km_notification *ntfn, struct km_tcb *tcb)
{
	take_word(k, ntfn, tcb);
	/* Only a context that came from here was asleep. */
	if (tcb->sc && tcb->sc == ntfn->sc)
		km_unblock_refills(k, tcb);
}

void km_wait(struct km_kernel *k, struct km_tcb *tcb, struct km_cap cap, int blocking)
{
	struct km_notification *ntfn = km_cap_object(k, cap);

	if (ntfn->state == KM_NTFN_ACTIVE) {
		take_word(k, ntfn, tcb);
		km_unblock_refills(k, tcb);
	} else if (blocking) {
		tcb->blocked_on = km_ref_of(k, ntfn);
		km_set_state(k, tcb, KM_BLOCKED_ON_NOTIFICATION);
		km_wait_enqueue(k, &ntfn->queue, tcb);
		ntfn->state = KM_NTFN_WAITING;
		return_context(k, ntfn, tcb);
	} else {
		tcb->context.reg[KM_REG_CAP] = 0;
	}
}

void km_notification_cancel_all(struct km_kernel *k, struct km_notification *ntfn)
{
	km_ref at = ntfn->queue.head, next;

	if (ntfn->state != KM_NTFN_WAITING)
		return;
	ntfn->state = KM_NTFN_IDLE;
	ntfn->queue = (struct km_queue){0};
	for (; at; at = next) {
		struct km_tcb *tcb = KM_TCB(k, at);

		next = tcb->ep_next;
		tcb->ep_prev = tcb->ep_next = 0;
		km_work(k, KM_WORK_QUEUE);
		km_set_state(k, tcb, KM_RESTART);
		km_unblock_refills(k, tcb);
		km_possible_switch_to(k, tcb);
	}
	km_reschedule_required(k);
}

/* ---- binding ---- */

void km_notification_bind(struct km_kernel *k, struct km_tcb *tcb, struct km_notification *ntfn)
{
	ntfn->bound_tcb = km_ref_of(k, tcb);
	tcb->notification = km_ref_of(k, ntfn);
}

void km_notification_unbind(struct km_kernel *k, struct km_tcb *tcb)
{
	if (!tcb->notification)
		return;
	KM_NTFN(k, tcb->notification)->bound_tcb = 0;
	tcb->notification = 0;
}

void km_notification_unbind_tcb(struct km_kernel *k, struct km_notification *ntfn)
{
	if (ntfn->bound_tcb)
		km_notification_unbind(k, KM_TCB(k, ntfn->bound_tcb));
}
