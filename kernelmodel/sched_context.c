/* kernelmodel/sched_context.c - scheduling contexts: which thread may use which time.
 *
 * A context is bound to one thread, or to a notification, or lent along a chain of calls; a thread without
 * one does not run. A thread is on the core of its context: taking one of another core moves it there.
 *
 * Source: seL4 16.0 manual, section 6.1. */
#include "kernelmodel/sched.h"
#include "kernelmodel/message.h"

/* ---- who has it ---- */

/* A thread that is in no queue follows its context. */
static void migrate(struct km_kernel *k, struct km_tcb *tcb, uint32_t core)
{
	if (tcb->core == core)
		return;
	km_work(k, KM_WORK_MIGRATE);
	tcb->core = core;
}

static void give(struct km_kernel *k, struct km_sched_context *sc, struct km_tcb *tcb)
{
	sc->tcb = km_ref_of(k, tcb);
	tcb->sc = km_ref_of(k, sc);
	migrate(k, tcb, sc->core);
}

/* The thread that has `sc` stops where it is. */
static void take_away(struct km_kernel *k, struct km_sched_context *sc)
{
	struct km_tcb *tcb = KM_TCB(k, sc->tcb);

	km_ready_dequeue(k, tcb);
	km_release_remove(k, tcb);
	tcb->sc = 0;
	sc->tcb = 0;
	if (tcb == k->self->current ||
	    (k->self->action == KM_SWITCH_TO && k->self->candidate == km_ref_of(k, tcb)))
		km_reschedule_required(k);
}

void km_sc_donate(struct km_kernel *k, struct km_sched_context *sc, struct km_tcb *to)
{
	if (sc->tcb) {
		km_stall_for(k, KM_TCB(k, sc->tcb));
		take_away(k, sc);
	}
	give(k, sc, to);
}

void km_sc_resume(struct km_kernel *k, struct km_sched_context *sc)
{
	if (sc->tcb && km_is_schedulable(k, KM_TCB(k, sc->tcb)) && !km_sc_may_run(k, sc))
		km_postpone(k, sc);
}

void km_sc_bind_tcb(struct km_kernel *k, struct km_sched_context *sc, struct km_tcb *tcb)
{
	give(k, sc, tcb);
	if (km_sc_is_sporadic(sc) && !km_sc_is_current(k, sc))
		km_refill_unblock(k, sc);
	km_sc_resume(k, sc);
	if (km_is_schedulable(k, tcb)) {
		km_ready_enqueue(k, tcb);
		km_reschedule_required(k);
	}
}

void km_sc_unbind_tcb(struct km_kernel *k, struct km_sched_context *sc)
{
	if (!sc->tcb)
		return;
	km_stall_for(k, KM_TCB(k, sc->tcb));
	take_away(k, sc);
}

/* For good: no core may go on charging memory that will be something else. The one inside stops at its
 * exit. */
void km_sc_unbind_all(struct km_kernel *k, struct km_sched_context *sc)
{
	km_ref self = km_ref_of(k, sc);

	km_sc_unbind_tcb(k, sc);
	for (uint32_t i = 0; i < k->cores; i++)
		if (k->core[i].sc == self && &k->core[i] != k->self)
			k->core[i].sc = 0;
}

void km_sc_unbind_notification(struct km_kernel *k, struct km_sched_context *sc)
{
	if (!sc->notification)
		return;
	KM_NTFN(k, sc->notification)->sc = 0;
	sc->notification = 0;
}

void km_sc_unbind_reply(struct km_kernel *k, struct km_sched_context *sc)
{
	struct km_reply *reply;

	if (!sc->reply)
		return;
	reply = KM_REPLY_AT(k, sc->reply);
	reply->next = 0;
	reply->next_is_sc = 0;
	sc->reply = 0;
}

/* ---- what it consumed ---- */

km_word km_sc_take_consumed(struct km_kernel *k, struct km_sched_context *sc)
{
	km_ticks consumed = sc->consumed;

	sc->consumed = 0;
	return consumed / k->ticks_per_us;
}

void km_sc_cancel_yield_to(struct km_kernel *k, struct km_tcb *tcb)
{
	if (!tcb->yield_to)
		return;
	KM_SC(k, tcb->yield_to)->yield_from = 0;
	tcb->yield_to = 0;
}

void km_sc_complete_yield_to(struct km_kernel *k, struct km_tcb *tcb)
{
	if (!tcb->yield_to)
		return;
	tcb->context.reg[KM_REG_CAP] = 0;
	km_set_mr(k, tcb, 0, km_sc_take_consumed(k, KM_SC(k, tcb->yield_to)));
	tcb->context.reg[KM_REG_INFO] = km_info_make(0, 0, 0, 1);
	km_sc_cancel_yield_to(k, tcb);
}

static enum km_status consumed_invoke(struct km_kernel *k, const struct km_request *r,
				      struct km_sched_context *sc)
{
	km_word consumed = km_sc_take_consumed(k, sc);

	km_reply_words(k, r, 1, &consumed);
	return KM_OK;
}

/* ---- binding ---- */

enum km_status km_sc_check_bind(struct km_kernel *k, const struct km_sched_context *sc,
				const struct km_tcb *tcb)
{
	/* A thread that waits would have to wait for the context as well when it wakes. */
	if (km_is_blocked(tcb) && !(km_sc_is_active(sc) && km_refill_ready(k, sc)))
		return km_fail(k, seL4_IllegalOperation);
	return KM_OK;
}

static enum km_status bind_thread(struct km_kernel *k, struct km_sched_context *sc, struct km_tcb *tcb)
{
	if (sc->tcb || tcb->sc)
		return km_fail(k, seL4_IllegalOperation);
	if (km_sc_check_bind(k, sc, tcb) != KM_OK)
		return KM_SYSCALL_ERROR;
	km_sc_bind_tcb(k, sc, tcb);
	return KM_OK;
}

static enum km_status bind_notification(struct km_kernel *k, struct km_sched_context *sc,
					struct km_notification *ntfn)
{
	if (sc->notification || ntfn->sc)
		return km_fail(k, seL4_IllegalOperation);
	ntfn->sc = km_ref_of(k, sc);
	sc->notification = km_ref_of(k, ntfn);
	return KM_OK;
}

static enum km_status bind_invoke(struct km_kernel *k, struct km_sched_context *sc)
{
	struct km_cap cap;

	if (!k->extra[0])
		return km_fail(k, seL4_TruncatedMessage);
	cap = k->extra[0]->cap;
	switch (cap.type) {
	case KM_CAP_THREAD:
		return bind_thread(k, sc, km_cap_object(k, cap));
	case KM_CAP_NOTIFICATION:
		return bind_notification(k, sc, km_cap_object(k, cap));
	default:
		return km_fail_cap(k, 1);
	}
}

static enum km_status unbind_invoke(struct km_kernel *k, struct km_sched_context *sc)
{
	if (sc->tcb && KM_TCB(k, sc->tcb) == k->self->current)
		return km_fail(k, seL4_IllegalOperation);
	km_sc_unbind_tcb(k, sc);
	km_sc_unbind_notification(k, sc);
	km_sc_unbind_reply(k, sc);
	return KM_OK;
}

static enum km_status unbind_object_invoke(struct km_kernel *k, struct km_sched_context *sc)
{
	struct km_cap cap;

	if (!k->extra[0])
		return km_fail(k, seL4_TruncatedMessage);
	cap = k->extra[0]->cap;
	switch (cap.type) {
	case KM_CAP_THREAD:
		if (sc->tcb != cap.object || KM_TCB(k, sc->tcb) == k->self->current)
			return km_fail(k, seL4_IllegalOperation);
		km_sc_unbind_tcb(k, sc);
		return KM_OK;
	case KM_CAP_NOTIFICATION:
		if (sc->notification != cap.object)
			return km_fail(k, seL4_IllegalOperation);
		km_sc_unbind_notification(k, sc);
		return KM_OK;
	default:
		return km_fail_cap(k, 1);
	}
}

/* ---- yielding to it ---- */

/* The thread of `sc` runs next, and `from` when that stops or is preempted by nobody better: both go to
 * the head of their queues. `from` gets its answer when it runs again. */
static void yield_until_run(struct km_kernel *k, struct km_tcb *from, struct km_sched_context *sc)
{
	struct km_tcb *to = KM_TCB(k, sc->tcb);

	from->yield_to = km_ref_of(k, sc);
	sc->yield_from = km_ref_of(k, from);
	km_ready_dequeue(k, to);
	km_ready_enqueue(k, from);
	km_ready_enqueue(k, to);
	km_reschedule_required(k);
}

static enum km_status yield_to_perform(struct km_kernel *k, const struct km_request *r,
				       struct km_sched_context *sc)
{
	struct km_tcb *from = k->self->current, *to = KM_TCB(k, sc->tcb);

	if (sc->yield_from)
		km_sc_complete_yield_to(k, KM_TCB(k, sc->yield_from));
	km_sc_resume(k, sc);
	if (!km_is_schedulable(k, to))
		return consumed_invoke(k, r, sc);
	if (sc->core == k->self->id && to->priority >= from->priority) {
		yield_until_run(k, from, sc);
		return KM_OK;
	}
	/* It cannot run before `from` does, but is the next of its priority. */
	km_ready_dequeue(k, to);
	km_ready_enqueue(k, to);
	return consumed_invoke(k, r, sc);
}

static enum km_status yield_to_invoke(struct km_kernel *k, const struct km_request *r,
				      struct km_sched_context *sc)
{
	const struct km_tcb *from = k->self->current, *to = km_tcb_of(k, sc);

	if (!to || to == from || to->priority > from->mcp || from->yield_to)
		return km_fail(k, seL4_IllegalOperation);
	return yield_to_perform(k, r, sc);
}

enum km_status km_sched_context_invoke(struct km_kernel *k, const struct km_request *r)
{
	struct km_sched_context *sc = km_cap_object(k, r->cap);

	if (sc->tcb)
		km_stall_for(k, KM_TCB(k, sc->tcb));
	switch (r->label) {
	case SchedContextConsumed:
		return consumed_invoke(k, r, sc);
	case SchedContextBind:
		return bind_invoke(k, sc);
	case SchedContextUnbind:
		return unbind_invoke(k, sc);
	case SchedContextUnbindObject:
		return unbind_object_invoke(k, sc);
	case SchedContextYieldTo:
		return yield_to_invoke(k, r, sc);
	default:
		return km_fail(k, seL4_IllegalOperation);
	}
}
