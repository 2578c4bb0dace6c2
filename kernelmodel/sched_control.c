/* kernelmodel/sched_control.c - the authority over a core's time: how much of it a scheduling context gets.
 *
 * Source: seL4 16.0 manual, sections 6.1 and 10.3.12. */
#include "kernelmodel/sched.h"

struct parameters {
	km_ticks budget, period;
	unsigned refills;
	km_word badge, flags;
	uint32_t core;
};

/* A context that is in use keeps what it has been promised: no more than its budget in any window of a
 * period. */
static int is_in_use(struct km_kernel *k, const struct km_sched_context *sc, uint32_t core)
{
	const struct km_tcb *tcb = km_tcb_of(k, sc);

	return core == sc->core && km_sc_is_active(sc) && tcb && km_is_runnable(tcb);
}

static void set_refills(struct km_kernel *k, struct km_sched_context *sc, const struct parameters *p)
{
	int in_use = is_in_use(k, sc, p->core);

	sc->core = p->core;
	if (p->budget == p->period)
		km_refill_new(k, sc, KM_MIN_REFILLS, p->budget, 0);
	else if (in_use)
		km_refill_update(k, sc, p->period, p->budget, p->refills);
	else
		km_refill_new(k, sc, p->refills, p->budget, p->period);
}

/* Out of the queues, which are ordered by what is about to change, and billed for what it has used so far. */
static void hold(struct km_kernel *k, struct km_sched_context *sc, struct km_tcb *tcb)
{
	km_stall_for(k, tcb);
	km_release_remove(k, tcb);
	km_ready_dequeue(k, tcb);
	if (km_sc_is_current(k, sc))
		km_commit_time(k);
}

static void let_go(struct km_kernel *k, struct km_sched_context *sc, struct km_tcb *tcb)
{
	if (tcb->core != sc->core) {
		km_work(k, KM_WORK_MIGRATE);
		tcb->core = sc->core;
	}
	km_sc_resume(k, sc);
	if (tcb == k->self->current)
		km_reschedule_required(k);
	else if (!km_is_schedulable(k, tcb))
		return;
	else if (sc->core == k->self->id)
		km_possible_switch_to(k, tcb);
	else
		km_ready_enqueue(k, tcb);
}

static void configure(struct km_kernel *k, struct km_sched_context *sc, const struct parameters *p)
{
	struct km_tcb *tcb = km_tcb_of(k, sc);

	sc->badge = p->badge;
	sc->sporadic = (p->flags & seL4_SchedContext_Sporadic) != 0;
	if (tcb)
		hold(k, sc, tcb);
	set_refills(k, sc, p);
	if (tcb)
		let_go(k, sc, tcb);
}

/* Times are checked before the capability is looked at; the refills cannot be. */
static enum km_status check(struct km_kernel *k, km_word budget_us, km_word period_us, km_word extra)
{
	km_word longest = km_us_max(k), room;
	struct km_cap cap = k->extra[0]->cap;

	if (budget_us > longest || budget_us < KM_MIN_BUDGET_US)
		return km_fail_range(k, KM_MIN_BUDGET_US, longest);
	if (period_us > longest || period_us < KM_MIN_BUDGET_US)
		return km_fail_range(k, KM_MIN_BUDGET_US, longest);
	if (budget_us > period_us)
		return km_fail_range(k, KM_MIN_BUDGET_US, period_us);
	if (cap.type != KM_CAP_SCHED_CONTEXT)
		return km_fail_cap(k, 1);
	room = seL4_MaxExtraRefills(cap.size);
	if (extra > room)
		return km_fail_range(k, 0, room);
	return KM_OK;
}

enum km_status km_sched_control_invoke(struct km_kernel *k, const struct km_request *r)
{
	struct parameters p;

	if (r->label != SchedControlConfigureFlags)
		return km_fail(k, seL4_IllegalOperation);
	if (!k->extra[0] || r->length < 5)
		return km_fail(k, seL4_TruncatedMessage);
	if (check(k, km_argument(r, 0), km_argument(r, 1), km_argument(r, 2)) != KM_OK)
		return KM_SYSCALL_ERROR;
	p = (struct parameters){
		.budget = km_argument(r, 0) * k->ticks_per_us,
		.period = km_argument(r, 1) * k->ticks_per_us,
		.refills = (unsigned)km_argument(r, 2) + KM_MIN_REFILLS,
		.badge = km_argument(r, 3),
		.flags = km_argument(r, 4),
		.core = (uint32_t)r->cap.word,
	};
	configure(k, km_cap_object(k, k->extra[0]->cap), &p);
	return KM_OK;
}
