/* kernelmodel/schedule.c - which thread runs.
 *
 * A core has a ready queue for each domain and priority, found through a bitmap of two levels: choosing a
 * thread takes the same time whatever waits. The running thread is in no queue. An entry into the kernel
 * leaves in core->action what the exit has to do: nothing; look whether one thread that became runnable
 * (the candidate) takes over, without a way through the queues; or choose anew. The exit, km_schedule(),
 * settles that, lets the context of the thread that runs be charged, and programs the timer.
 *
 * Source: seL4 16.0 manual, section 6.1; Blackham and Heiser, Correct, Fast, Maintainable (the scheduler's
 * bitmap). */
#include "kernelmodel/sched.h"

/* ---- states ---- */

int km_is_runnable(const struct km_tcb *tcb) { return tcb->state == KM_RUNNING || tcb->state == KM_RESTART; }

int km_is_blocked(const struct km_tcb *tcb)
{
	switch (tcb->state) {
	case KM_BLOCKED_ON_RECEIVE:
	case KM_BLOCKED_ON_SEND:
	case KM_BLOCKED_ON_REPLY:
	case KM_BLOCKED_ON_NOTIFICATION:
		return 1;
	default:
		return 0;
	}
}

int km_is_schedulable(struct km_kernel *k, const struct km_tcb *tcb)
{
	return km_is_runnable(tcb) && tcb->sc && km_sc_is_active(KM_SC(k, tcb->sc)) && !tcb->in_release_queue;
}

void km_set_state(struct km_kernel *k, struct km_tcb *tcb, enum km_thread_state state)
{
	tcb->state = (uint8_t)state;
	if (tcb == k->self->current && k->self->action == KM_RESUME && !km_is_schedulable(k, tcb))
		km_reschedule_required(k);
}

/* ---- other cores ---- */

void km_ask_core(struct km_kernel *k, const struct km_core *core)
{
	uint64_t bit = UINT64_C(1) << core->id;

	if (core == k->self || (k->ipi & bit))
		return;
	k->ipi |= bit;
	km_work(k, KM_WORK_IPI);
}

/* A thread came into a queue of another core: that must look if it would rather run it, or has a timer to
 * program. */
static void ask_for(struct km_kernel *k, const struct km_tcb *tcb)
{
	const struct km_core *core = km_core_of(k, tcb);

	if (core == k->self || tcb->domain != core->domain)
		return;
	if (core->current == core->idle || tcb->priority > core->current->priority || core->reprogram)
		km_ask_core(k, core);
}

void km_stall_for(struct km_kernel *k, const struct km_tcb *tcb)
{
	struct km_core *core = km_core_of(k, tcb);
	struct km_tcb *running = core->current;

	if (core == k->self || running != tcb || !tcb->sc)
		return;
	km_work(k, KM_WORK_STALL);
	if (k->host.stall)
		k->host.stall(k->host.context, k, core);
	/* It stands still, so it is charged now: what follows may change its context, or take it to
	 * another core. */
	km_stamp_core(k, core);
	km_commit_core(k, core);
	core->sc = core->idle->sc;
	core->current = core->idle;
	core->action = KM_RESUME;
	if (km_is_schedulable(k, running))
		km_ready_enqueue(k, running);
	core->reprogram = 1;
	km_ask_core(k, core);
}

/* ---- ready queues ---- */

static struct km_queue *ready_queue(struct km_kernel *k, const struct km_tcb *tcb)
{
	return &km_core_of(k, tcb)->ready[tcb->domain].queue[tcb->priority];
}

static void bitmap_set(struct km_core *core, unsigned domain, unsigned priority)
{
	core->ready[domain].level1 |= UINT64_C(1) << (priority / 64);
	core->ready[domain].level2[priority / 64] |= UINT64_C(1) << (priority % 64);
}

static void bitmap_clear(struct km_core *core, unsigned domain, unsigned priority)
{
	core->ready[domain].level2[priority / 64] &= ~(UINT64_C(1) << (priority % 64));
	if (!core->ready[domain].level2[priority / 64])
		core->ready[domain].level1 &= ~(UINT64_C(1) << (priority / 64));
}

/* The highest priority that is ready in the core's domain, or -1. */
static int highest_priority(const struct km_core *core)
{
	uint64_t level1 = core->ready[core->domain].level1;
	int high;

	if (!level1)
		return -1;
	high = 63 - __builtin_clzl(level1);
	return high * 64 + 63 - __builtin_clzl(core->ready[core->domain].level2[high]);
}

/* It comes into the bitmap with the first thread of its priority. */
static struct km_queue *queue_join(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_queue *queue = ready_queue(k, tcb);

	km_work(k, KM_WORK_QUEUE);
	tcb->queued = 1;
	if (!queue->head)
		bitmap_set(km_core_of(k, tcb), tcb->domain, tcb->priority);
	return queue;
}

void km_ready_enqueue(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_queue *queue;
	km_ref self = km_ref_of(k, tcb);

	if (!tcb->queued) {
		queue = queue_join(k, tcb);
		tcb->sched_prev = 0;
		tcb->sched_next = queue->head;
		if (queue->head)
			KM_TCB(k, queue->head)->sched_prev = self;
		else
			queue->tail = self;
		queue->head = self;
	}
	ask_for(k, tcb);
}

void km_ready_append(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_queue *queue;
	km_ref self = km_ref_of(k, tcb);

	if (!tcb->queued) {
		queue = queue_join(k, tcb);
		tcb->sched_next = 0;
		tcb->sched_prev = queue->tail;
		if (queue->tail)
			KM_TCB(k, queue->tail)->sched_next = self;
		else
			queue->head = self;
		queue->tail = self;
	}
	ask_for(k, tcb);
}

void km_ready_dequeue(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_queue *queue;

	if (!tcb->queued)
		return;
	km_work(k, KM_WORK_QUEUE);
	queue = ready_queue(k, tcb);
	if (tcb->sched_prev)
		KM_TCB(k, tcb->sched_prev)->sched_next = tcb->sched_next;
	else
		queue->head = tcb->sched_next;
	if (tcb->sched_next)
		KM_TCB(k, tcb->sched_next)->sched_prev = tcb->sched_prev;
	else
		queue->tail = tcb->sched_prev;
	tcb->sched_prev = tcb->sched_next = 0;
	tcb->queued = 0;
	if (!queue->head)
		bitmap_clear(km_core_of(k, tcb), tcb->domain, tcb->priority);
}

void km_postpone(struct km_kernel *k, struct km_sched_context *sc)
{
	struct km_tcb *tcb = KM_TCB(k, sc->tcb);

	km_ready_dequeue(k, tcb);
	km_release_enqueue(k, tcb);
	k->core[sc->core].reprogram = 1;
}

/* ---- what the exit is to do ---- */

void km_possible_switch_to(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_core *core = k->self;

	if (!tcb->sc || tcb->in_release_queue)
		return;
	if (tcb->domain != core->domain || tcb->core != core->id) {
		km_ready_enqueue(k, tcb);
	} else if (core->action != KM_RESUME) {
		/* There is a candidate already: both go through the queues. */
		km_reschedule_required(k);
		km_ready_enqueue(k, tcb);
	} else {
		core->action = KM_SWITCH_TO;
		core->candidate = km_ref_of(k, tcb);
	}
}

void km_reschedule_required(struct km_kernel *k)
{
	struct km_core *core = k->self;

	if (core->action == KM_SWITCH_TO && km_is_schedulable(k, KM_TCB(k, core->candidate)))
		km_ready_enqueue(k, KM_TCB(k, core->candidate));
	core->action = KM_CHOOSE;
	core->candidate = 0;
}

/* ---- the exit ---- */

/* Threads whose time of release has come. */
static void awaken(struct km_kernel *k)
{
	struct km_core *core = k->self;

	while (core->release.head) {
		struct km_tcb *tcb = KM_TCB(k, core->release.head);

		if (!km_refill_ready(k, KM_SC(k, tcb->sc)))
			break;
		km_release_remove(k, tcb);
		km_possible_switch_to(k, tcb);
	}
}

static void switch_to(struct km_kernel *k, struct km_tcb *tcb)
{
	if (tcb != k->self->current)
		km_work(k, KM_WORK_SWITCH_THREAD);
	/* Of the same thread too: its address space may be another than before. */
	km_space_switch(k, tcb);
	km_ready_dequeue(k, tcb);
	k->self->current = tcb;
}

static void choose(struct km_kernel *k)
{
	struct km_core *core = k->self;
	int priority;

	km_work(k, KM_WORK_SCHEDULE);
	if (!core->domain_left)
		km_domain_next(k);
	priority = highest_priority(core);
	switch_to(k, priority < 0 ? core->idle : KM_TCB(k, core->ready[core->domain].queue[priority].head));
}

/* The candidate takes over if nothing that is ready is better. Of its own priority, the current thread is. */
static void consider(struct km_kernel *k, struct km_tcb *candidate, int current_goes_on)
{
	struct km_core *core = k->self;
	int is_lower = core->current == core->idle || candidate->priority < core->current->priority;

	if (!km_is_schedulable(k, candidate)) {
		choose(k);
	} else if (is_lower && candidate->priority < highest_priority(core)) {
		km_ready_enqueue(k, candidate);
		choose(k);
	} else if (current_goes_on && candidate->priority == core->current->priority) {
		km_ready_append(k, candidate);
		choose(k);
	} else {
		switch_to(k, candidate);
	}
}

static void settle(struct km_kernel *k)
{
	struct km_core *core = k->self;
	int current_goes_on = km_is_schedulable(k, core->current);

	if (current_goes_on)
		km_ready_enqueue(k, core->current);
	if (core->action == KM_CHOOSE)
		choose(k);
	else
		consider(k, KM_TCB(k, core->candidate), current_goes_on);
	core->action = KM_RESUME;
	core->candidate = 0;
}

/* seL4 sets its timer a microsecond before the deadline, for what the hardware is late; here it is exact. */
static void program_timer(struct km_kernel *k)
{
	struct km_core *core = k->self;
	km_ticks at = KM_NEVER;

	km_work(k, KM_WORK_TIMER);
	if (core->current != core->idle)
		at = core->now + km_refill_first(KM_SC(k, core->current->sc))->amount;
	if (core->domain_left != KM_NEVER && core->now + core->domain_left < at)
		at = core->now + core->domain_left;
	if (core->release.head && KM_TCB(k, core->release.head)->release_at < at)
		at = KM_TCB(k, core->release.head)->release_at;
	core->timer_at = at;
	core->reprogram = 0;
}

static void activate(struct km_kernel *k)
{
	struct km_tcb *tcb = k->self->current;

	if (tcb->yield_to)
		km_sc_complete_yield_to(k, tcb);
	if (tcb->state != KM_RESTART)
		return;
	tcb->context.next_ip = tcb->context.reg[KM_RIP];
	tcb->context.whole = 1;
	km_set_state(k, tcb, KM_RUNNING);
}

void km_schedule(struct km_kernel *k)
{
	struct km_core *core = k->self;

	awaken(k);
	if (!core->domain_left) {
		core->reprogram = 1;
		km_reschedule_required(k);
	}
	if (core->action != KM_RESUME)
		settle(k);
	km_switch_context(k);
	if (core->reprogram)
		program_timer(k);
	activate(k);
}

/* ---- priorities, stopping and starting ---- */

void km_set_priority(struct km_kernel *k, struct km_tcb *tcb, unsigned priority)
{
	if (km_is_runnable(tcb) && (tcb->queued || tcb == k->self->current)) {
		km_ready_dequeue(k, tcb);
		tcb->priority = (uint8_t)priority;
		km_ready_enqueue(k, tcb);
		km_reschedule_required(k);
		return;
	}
	tcb->priority = (uint8_t)priority;
	km_wait_reorder(k, tcb);
}

void km_set_mcp(struct km_kernel *k, struct km_tcb *tcb, unsigned mcp)
{
	(void)k;
	tcb->mcp = (uint8_t)mcp;
}

void km_suspend(struct km_kernel *k, struct km_tcb *tcb)
{
	km_cancel_ipc(k, tcb);
	/* A running thread goes on behind its last system call when it is started again; one in the middle
	 * of a system call (state RESTART) does that again. */
	if (tcb->state == KM_RUNNING)
		tcb->context.reg[KM_RIP] = tcb->context.next_ip;
	km_set_state(k, tcb, KM_INACTIVE);
	km_ready_dequeue(k, tcb);
	km_release_remove(k, tcb);
	km_sc_cancel_yield_to(k, tcb);
}

void km_restart(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_sched_context *sc;

	if (tcb->state != KM_INACTIVE && !km_is_blocked(tcb))
		return;
	km_cancel_ipc(k, tcb);
	km_set_state(k, tcb, KM_RESTART);
	/* Cancelling may have taken its context, or given one. */
	sc = km_sc_of(k, tcb);
	if (sc && km_sc_is_sporadic(sc) && !km_sc_is_current(k, sc))
		km_refill_unblock(k, sc);
	if (sc)
		km_sc_resume(k, sc);
	if (km_is_schedulable(k, tcb))
		km_possible_switch_to(k, tcb);
}

/* ---- boot ---- */

void km_boot_idle(struct km_kernel *k, struct km_core *core)
{
	struct km_tcb *idle = core->idle;

	idle->state = KM_IDLE;
	idle->core = core->id;
	idle->context.whole = 1;
	core->current = idle;
	core->sc = idle->sc;
	core->action = KM_RESUME;
	core->candidate = 0;
	core->timer_at = KM_NEVER;
	core->reprogram = 1;
	/* The first entry of the schedule begins; a duration of 0 would be its end, and means for ever at
	 * boot. */
	for (uint32_t i = 0; i < KM_SCHEDULE_MAX && (i == 0 || i < k->boot.schedule_length); i++)
		if (!k->schedule[i].duration)
			k->schedule[i].duration = KM_DOMAIN_FOR_EVER;
	core->schedule_at = KM_SCHEDULE_MAX;
	k->self = core;
	km_domain_next(k);
}
