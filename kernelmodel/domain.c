/* kernelmodel/domain.c - domains: the schedule that says whose threads may run, and who is in which.
 *
 * The schedule is KM_SCHEDULE_MAX entries, changed at run time. An entry of domain 0 and no duration marks
 * the end: the schedule goes on at its start. Durations are ticks of the core's clock, below 2^56; the
 * longest is for ever. Every core of a cluster goes through the same schedule by its own clock.
 *
 * Source: seL4 16.0 manual, section 6.3. */
#include "kernelmodel/sched.h"

_Static_assert(KM_SCHEDULE_MAX == CONFIG_NUM_DOMAIN_SCHEDULES && KM_DOMAINS == CONFIG_NUM_DOMAINS,
	       "what users are told is what there is");

static int is_end(const struct km_kernel *k, uint32_t index)
{
	return k->schedule[index].domain == 0 && k->schedule[index].duration == 0;
}

void km_domain_next(struct km_kernel *k)
{
	struct km_core *core = k->self;
	km_ticks duration;

	core->schedule_at++;
	if (core->schedule_at >= KM_SCHEDULE_MAX || is_end(k, core->schedule_at))
		core->schedule_at = k->schedule_start;
	core->domain = k->schedule[core->schedule_at].domain;
	duration = k->schedule[core->schedule_at].duration;
	core->domain_left = duration == KM_DOMAIN_FOR_EVER ? KM_NEVER : duration;
	core->reprogram = 1;
	k->preempt_work = 0;
}

void km_domain_set(struct km_kernel *k, struct km_tcb *tcb, unsigned domain)
{
	km_ready_dequeue(k, tcb);
	tcb->domain = (uint8_t)domain;
	if (km_is_schedulable(k, tcb))
		km_ready_enqueue(k, tcb);
	if (tcb == k->self->current)
		km_reschedule_required(k);
}

static enum km_status set_invoke(struct km_kernel *k, const struct km_request *r)
{
	struct km_tcb *tcb;
	km_word domain;

	if (r->length < 1)
		return km_fail(k, seL4_TruncatedMessage);
	domain = km_argument(r, 0);
	if (domain >= KM_DOMAINS)
		return km_fail_argument(k, 0);
	if (!k->extra[0])
		return km_fail(k, seL4_TruncatedMessage);
	if (k->extra[0]->cap.type != KM_CAP_THREAD)
		return km_fail_argument(k, 1);
	tcb = km_cap_object(k, k->extra[0]->cap);
	km_stall_for(k, tcb);
	km_domain_set(k, tcb, (unsigned)domain);
	return KM_OK;
}

static enum km_status configure_invoke(struct km_kernel *k, const struct km_request *r)
{
	km_word index, domain, duration;

	if (r->length < 3)
		return km_fail(k, seL4_TruncatedMessage);
	index = km_argument(r, 0);
	domain = km_argument(r, 1);
	duration = km_argument(r, 2);
	/* The last entry marks the end, always. */
	if (index >= KM_SCHEDULE_MAX - 1)
		return km_fail_range(k, 0, KM_SCHEDULE_MAX - 2);
	if (domain >= KM_DOMAINS)
		return km_fail_range(k, 0, KM_DOMAINS - 1);
	if (duration > KM_DOMAIN_FOR_EVER)
		return km_fail_argument(k, 2);
	if (!duration && domain)
		return km_fail_argument(k, 1);
	if (!duration && index == k->schedule_start)
		return km_fail_argument(k, 2);
	k->schedule[index] = (struct km_schedule_entry){.domain = (uint32_t)domain, .duration = duration};
	return KM_OK;
}

/* What is left of the running entry is given up: every core goes to the new start at once. */
static void start_at(struct km_kernel *k, uint32_t index)
{
	k->schedule_start = index;
	for (uint32_t i = 0; i < k->cores; i++) {
		k->core[i].schedule_at = KM_SCHEDULE_MAX;
		k->core[i].domain_left = 0;
		km_ask_core(k, &k->core[i]);
	}
	km_reschedule_required(k);
}

static enum km_status set_start_invoke(struct km_kernel *k, const struct km_request *r)
{
	km_word index;

	if (r->length < 1)
		return km_fail(k, seL4_TruncatedMessage);
	index = km_argument(r, 0);
	if (index >= KM_SCHEDULE_MAX)
		return km_fail_range(k, 0, KM_SCHEDULE_MAX - 1);
	if (is_end(k, (uint32_t)index))
		return km_fail_argument(k, 0);
	start_at(k, (uint32_t)index);
	return KM_OK;
}

enum km_status km_domain_invoke(struct km_kernel *k, const struct km_request *r)
{
	switch (r->label) {
	case DomainSetSet:
		return set_invoke(k, r);
	case DomainScheduleConfigure:
		return configure_invoke(k, r);
	case DomainScheduleSetStart:
		return set_start_invoke(k, r);
	default:
		return km_fail(k, seL4_IllegalOperation);
	}
}
