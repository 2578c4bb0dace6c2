/* kernelmodel/endpoint.c - endpoints: who waits there, and what happens when two meet.
 *
 * An endpoint's queue holds senders or receivers, never both: ordered by priority, first in first out within one. Whoever
 * comes second does all the work: it moves the message, links a call to the receiver's reply object, and lends the
 * caller's scheduling context to a receiver that has none. */
#include "kernelmodel/sched.h"

/* ---- queues ---- */

/* From the tail: most arrivals are of a priority that many wait at, and go last. */
void km_wait_enqueue(struct km_kernel *k, struct km_queue *queue, struct km_tcb *tcb)
{
	km_ref self = km_ref_of(k, tcb), before = queue->tail, after = 0;

	km_work(k, KM_WORK_QUEUE);
	while (before && KM_TCB(k, before)->priority < tcb->priority) {
		after = before;
		before = KM_TCB(k, before)->ep_prev;
	}
	tcb->ep_prev = before;
	tcb->ep_next = after;
	if (before)
		KM_TCB(k, before)->ep_next = self;
	else
		queue->head = self;
	if (after)
		KM_TCB(k, after)->ep_prev = self;
	else
		queue->tail = self;
}

void km_wait_dequeue(struct km_kernel *k, struct km_queue *queue, struct km_tcb *tcb)
{
	km_work(k, KM_WORK_QUEUE);
	if (tcb->ep_prev)
		KM_TCB(k, tcb->ep_prev)->ep_next = tcb->ep_next;
	else
		queue->head = tcb->ep_next;
	if (tcb->ep_next)
		KM_TCB(k, tcb->ep_next)->ep_prev = tcb->ep_prev;
	else
		queue->tail = tcb->ep_prev;
	tcb->ep_prev = tcb->ep_next = 0;
}

static void endpoint_dequeue(struct km_kernel *k, struct km_endpoint *ep, struct km_tcb *tcb)
{
	km_wait_dequeue(k, &ep->queue, tcb);
	if (!ep->queue.head)
		ep->state = KM_EP_IDLE;
}

/* It waits on the queue of `ep`, with what it is to do there already in its TCB. */
static void endpoint_block(struct km_kernel *k, struct km_endpoint *ep, struct km_tcb *tcb,
			   enum km_thread_state state)
{
	tcb->blocked_on = km_ref_of(k, ep);
	km_set_state(k, tcb, state);
	km_wait_enqueue(k, &ep->queue, tcb);
	ep->state = state == KM_BLOCKED_ON_SEND ? KM_EP_SENDING : KM_EP_RECEIVING;
}

/* A sporadic context that was not running while its thread was blocked gets the refills that it slept through. */
void km_unblock_refills(struct km_kernel *k, const struct km_tcb *tcb)
{
	struct km_sched_context *sc = km_sc_of(k, tcb);

	if (sc && km_sc_is_sporadic(sc) && !km_sc_is_current(k, sc))
		km_refill_unblock(k, sc);
}

/* ---- sending ---- */

/* A thread that called, or has a fault: it waits for the answer; unless nobody could give one, then it is stopped. */
static void call_wait(struct km_kernel *k, struct km_tcb *caller, struct km_tcb *callee,
		      struct km_reply *reply, int may_answer, int can_donate)
{
	if (reply && may_answer)
		km_reply_push(k, caller, callee, reply, can_donate);
	else
		km_set_state(k, caller, KM_INACTIVE);
}

void km_send(struct km_kernel *k, int blocking, int is_call, int can_grant, int can_grant_reply,
	     km_word badge, int can_donate, struct km_tcb *from, struct km_endpoint *ep)
{
	struct km_reply *reply = NULL;
	struct km_tcb *to;

	if (ep->state != KM_EP_RECEIVING) {
		if (!blocking)
			return;
		from->badge = badge;
		from->can_grant = (uint8_t) !!can_grant;
		from->can_grant_reply = (uint8_t) !!can_grant_reply;
		from->is_call = (uint8_t) !!is_call;
		endpoint_block(k, ep, from, KM_BLOCKED_ON_SEND);
		return;
	}
	to = KM_TCB(k, ep->queue.head);
	endpoint_dequeue(k, ep, to);
	km_transfer(k, from, ep, badge, can_grant, to);
	if (to->reply) {
		reply = KM_REPLY_AT(k, to->reply);
		km_reply_unlink(k, reply, to);
	}
	if (is_call || from->fault.type)
		call_wait(k, from, to, reply, can_grant || can_grant_reply, can_donate);
	else if (can_donate && !to->sc && from->sc)
		km_sc_donate(k, KM_SC(k, from->sc), to);
	km_set_state(k, to, KM_RUNNING);
	km_unblock_refills(k, to);
	km_possible_switch_to(k, to);
}

/* ---- receiving ---- */

/* The first sender in the queue of `ep` delivers to `tcb`, which goes on running. */
static void receive_first(struct km_kernel *k, struct km_tcb *tcb, struct km_endpoint *ep,
			  struct km_reply *reply)
{
	struct km_tcb *from = KM_TCB(k, ep->queue.head);

	endpoint_dequeue(k, ep, from);
	km_transfer(k, from, ep, from->badge, from->can_grant, tcb);
	km_unblock_refills(k, from);
	if (from->is_call || from->fault.type) {
		/* Somebody whose time is over has none to lend. */
		int can_donate = from->sc && from->fault.type != seL4_Fault_Timeout;

		call_wait(k, from, tcb, reply, from->can_grant || from->can_grant_reply, can_donate);
	} else {
		km_set_state(k, from, KM_RUNNING);
		km_possible_switch_to(k, from);
	}
}

static void receive_block(struct km_kernel *k, struct km_tcb *tcb, struct km_endpoint *ep,
			  struct km_reply *reply)
{
	tcb->reply = 0;
	if (reply) {
		tcb->reply = km_ref_of(k, reply);
		reply->tcb = km_ref_of(k, tcb);
	}
	endpoint_block(k, ep, tcb, KM_BLOCKED_ON_RECEIVE);
}

void km_receive(struct km_kernel *k, struct km_tcb *tcb, struct km_cap cap, int blocking,
		struct km_cap reply_cap)
{
	struct km_endpoint *ep = km_cap_object(k, cap);
	struct km_notification *bound = tcb->notification ? KM_NTFN(k, tcb->notification) : NULL;
	struct km_reply *reply = NULL;

	if (reply_cap.type == KM_CAP_REPLY) {
		reply = km_cap_object(k, reply_cap);
		/* Its caller will never be answered: the object can remember but one. */
		if (reply->tcb && KM_TCB(k, reply->tcb) != tcb)
			km_cancel_ipc(k, KM_TCB(k, reply->tcb));
	}
	if (bound && bound->state == KM_NTFN_ACTIVE) {
		km_notification_complete(k, bound, tcb);
		return;
	}
	/* A passive server that was woken by a signal waits for callers on their time, not on the notification's. */
	if (bound && blocking)
		km_notification_return(k, tcb);
	if (ep->state == KM_EP_SENDING)
		receive_first(k, tcb, ep, reply);
	else if (blocking)
		receive_block(k, tcb, ep, reply);
	else
		tcb->context.reg[KM_REG_CAP] = 0; /* the badge, and nothing else */
}

/* ---- cancelling ---- */

static void cancel_endpoint(struct km_kernel *k, struct km_tcb *tcb)
{
	endpoint_dequeue(k, KM_EP(k, tcb->blocked_on), tcb);
	if (tcb->reply)
		km_reply_unlink(k, KM_REPLY_AT(k, tcb->reply), tcb);
	km_set_state(k, tcb, KM_INACTIVE);
}

static void cancel_signal(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_notification *ntfn = KM_NTFN(k, tcb->blocked_on);

	km_wait_dequeue(k, &ntfn->queue, tcb);
	if (!ntfn->queue.head)
		ntfn->state = KM_NTFN_IDLE;
	km_set_state(k, tcb, KM_INACTIVE);
}

void km_cancel_ipc(struct km_kernel *k, struct km_tcb *tcb)
{
	tcb->fault = (struct km_fault){0};
	switch (tcb->state) {
	case KM_BLOCKED_ON_SEND:
	case KM_BLOCKED_ON_RECEIVE:
		cancel_endpoint(k, tcb);
		break;
	case KM_BLOCKED_ON_NOTIFICATION:
		cancel_signal(k, tcb);
		break;
	case KM_BLOCKED_ON_REPLY:
		km_reply_remove_tcb(k, tcb);
		break;
	default:
		break;
	}
}

/* A thread that has just been taken from the queue of an endpoint does its system call again; one whose fault nobody
 * will hear of is stopped. */
static void waiter_restart(struct km_kernel *k, struct km_tcb *tcb)
{
	if (tcb->fault.type) {
		km_set_state(k, tcb, KM_INACTIVE);
		return;
	}
	km_set_state(k, tcb, KM_RESTART);
	km_unblock_refills(k, tcb);
	km_possible_switch_to(k, tcb);
}

void km_endpoint_cancel_all(struct km_kernel *k, struct km_endpoint *ep)
{
	km_ref at = ep->queue.head, next;

	if (ep->state == KM_EP_IDLE)
		return;
	ep->state = KM_EP_IDLE;
	ep->queue = (struct km_queue){0};
	for (; at; at = next) {
		struct km_tcb *tcb = KM_TCB(k, at);

		next = tcb->ep_next;
		tcb->ep_prev = tcb->ep_next = 0;
		km_work(k, KM_WORK_QUEUE);
		if (tcb->reply)
			km_reply_unlink(k, KM_REPLY_AT(k, tcb->reply), tcb);
		waiter_restart(k, tcb);
	}
	km_reschedule_required(k);
}

enum km_status km_endpoint_cancel_badged(struct km_kernel *k, struct km_endpoint *ep, km_word badge)
{
	km_ref at = ep->queue.head, next;

	if (ep->state != KM_EP_SENDING)
		return KM_OK;
	for (; at; at = next) {
		struct km_tcb *tcb = KM_TCB(k, at);

		next = tcb->ep_next;
		if (tcb->badge != badge)
			continue;
		endpoint_dequeue(k, ep, tcb);
		waiter_restart(k, tcb);
	}
	km_reschedule_required(k);
	return KM_OK;
}

void km_wait_reorder(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_queue *queue;

	if (tcb->state == KM_BLOCKED_ON_SEND || tcb->state == KM_BLOCKED_ON_RECEIVE)
		queue = &KM_EP(k, tcb->blocked_on)->queue;
	else if (tcb->state == KM_BLOCKED_ON_NOTIFICATION)
		queue = &KM_NTFN(k, tcb->blocked_on)->queue;
	else
		return;
	km_wait_dequeue(k, queue, tcb);
	km_wait_enqueue(k, queue, tcb);
}
