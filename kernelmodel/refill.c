/* kernelmodel/refill.c - budgets: what a scheduling context may use, and when it gets it back.
 *
 * A context is a sporadic server. It has refills, ordered by time, whose amounts add up to its budget: the
 * head may be used from its time on, and every tick that is used comes back one period after the time from
 * which it might have been used. Nobody thus gets more than a budget in any window of one period. Rules
 * that hold between any two entries:
 *
 *   - a head is never smaller than the least budget, so that it pays for an entry into the kernel and
 *     out of it;
 *   - refills do not overlap: each ends (time + amount) before the next begins;
 *   - a context of which the budget is the whole period is round-robin: its period is 0, it has two
 *     refills, the first being what is left of the timeslice and the second what was used of it, and it
 *     never waits.
 *
 * The kernel charges at its exits, and only if the timer is programmed anew: until then the time is
 * core->consumed.
 *
 * Source: seL4 16.0 manual, section 6.1; Stanovich et al., Defects of the POSIX Sporadic Server and How to
 * Correct Them, RTAS 2010; Lyons et al., Scheduling-Context Capabilities, EuroSys 2018. */
#include "kernelmodel/sched.h"

/* ---- limits ---- */

/* The longest that an entry takes, as seL4 supposes of x86: a thread pays for one in and one out. */
#define ENTRY_US (KM_MIN_BUDGET_US / 2)

static km_ticks entry_ticks(const struct km_kernel *k) { return ENTRY_US * k->ticks_per_us; }

km_ticks km_min_budget(const struct km_kernel *k) { return KM_MIN_BUDGET_US * k->ticks_per_us; }

/* An eighth of what the clock can hold: sums of a few periods and a time then never wrap. */
km_ticks km_us_max(const struct km_kernel *k) { return UINT64_MAX / k->ticks_per_us / 8; }

/* Refills are not put off beyond this time. */
static km_ticks release_max(const struct km_kernel *k)
{
	return UINT64_MAX - 5 * (km_us_max(k) * k->ticks_per_us);
}

/* ---- the ring of refills ---- */

static struct km_refill *tail_of(struct km_sched_context *sc)
{
	return km_refill_at(sc, sc->refill_count - 1);
}

static struct km_refill pop_head(struct km_sched_context *sc)
{
	struct km_refill head = *km_refill_first(sc);

	sc->refill_head = sc->refill_head + 1 == sc->refill_max ? 0 : sc->refill_head + 1;
	sc->refill_count--;
	return head;
}

static void add_tail(struct km_sched_context *sc, struct km_refill refill)
{
	sc->refill_count++;
	*tail_of(sc) = refill;
}

/* Round-robin contexts keep in a second refill what was used of the timeslice. */
static void add_used(struct km_sched_context *sc)
{
	if (km_sc_is_round_robin(sc))
		add_tail(sc, (struct km_refill){.time = km_refill_first(sc)->time, .amount = 0});
}

static km_ticks now_of(const struct km_kernel *k, const struct km_sched_context *sc)
{
	return k->core[sc->core].now;
}

/* ---- configuration ---- */

static void configure(struct km_sched_context *sc, unsigned max, km_ticks budget, km_ticks period)
{
	sc->period = period;
	sc->refill_max = max;
	sc->refill_head = 0;
	sc->refill_count = 1;
	sc->is_round_robin = period == 0;
	sc->budget = budget;
}

void km_refill_new(struct km_kernel *k, struct km_sched_context *sc, unsigned max, km_ticks budget,
		   km_ticks period)
{
	km_work(k, KM_WORK_REFILL);
	configure(sc, max, budget, period);
	*km_refill_first(sc) = (struct km_refill){.time = now_of(k, sc), .amount = budget};
	add_used(sc);
}

/* Of a context in use: its head stays, as far as the new budget goes; the rest comes a period later. */
void km_refill_update(struct km_kernel *k, struct km_sched_context *sc, km_ticks period, km_ticks budget,
		      unsigned max)
{
	struct km_refill head = *km_refill_first(sc);

	km_work(k, KM_WORK_REFILL);
	if (km_refill_ready(k, sc))
		head.time = now_of(k, sc);
	configure(sc, max, budget, period);
	*km_refill_first(sc) = head;
	if (head.amount >= budget) {
		km_refill_first(sc)->amount = budget;
		add_used(sc);
	} else {
		add_tail(sc, (struct km_refill){.time = head.time + period, .amount = budget - head.amount});
	}
}

/* ---- questions ---- */

km_ticks km_refill_head_time(struct km_sched_context *sc) { return km_refill_first(sc)->time; }

int km_refill_ready(const struct km_kernel *k, const struct km_sched_context *sc)
{
	const struct km_refill *head = (const struct km_refill *)(sc + 1) + sc->refill_head;

	return head->time <= now_of(k, sc) + entry_ticks(k);
}

int km_refill_sufficient(const struct km_kernel *k, struct km_sched_context *sc, km_ticks usage)
{
	km_ticks amount = km_refill_first(sc)->amount;

	return usage <= amount && amount - usage >= km_min_budget(k);
}

int km_sc_may_run(struct km_kernel *k, struct km_sched_context *sc)
{
	return km_refill_ready(k, sc) && km_refill_sufficient(k, sc, 0);
}

/* ---- waking up ---- */

static int head_overlaps(struct km_sched_context *sc)
{
	const struct km_refill *head = km_refill_first(sc);

	return sc->refill_count > 1 && km_refill_at(sc, 1)->time <= head->time + head->amount;
}

/* Time that passed unused is lost: the head begins now, and takes in those that it then overlaps. */
void km_refill_unblock(struct km_kernel *k, struct km_sched_context *sc)
{
	if (km_sc_is_round_robin(sc) || !km_refill_ready(k, sc))
		return;
	km_work(k, KM_WORK_REFILL);
	km_refill_first(sc)->time = now_of(k, sc);
	k->self->reprogram = 1;
	while (head_overlaps(sc)) {
		struct km_refill old = pop_head(sc);

		km_refill_first(sc)->time = old.time;
		km_refill_first(sc)->amount += old.amount;
	}
}

/* ---- charging ---- */

/* What was used comes back: behind the tail, or as a part of it if they touch, or if there is no room. */
static void give_back(struct km_sched_context *sc, struct km_refill used)
{
	struct km_refill *tail = tail_of(sc);

	if (tail->time + tail->amount >= used.time) {
		tail->amount += used.amount;
	} else if (sc->refill_count < sc->refill_max) {
		add_tail(sc, used);
	} else {
		tail->time = used.time - tail->amount;
		tail->amount += used.amount;
	}
}

/* The whole head is used up. */
static void charge_head(struct km_sched_context *sc)
{
	struct km_refill head;

	if (sc->refill_count == 1) {
		km_refill_first(sc)->time += sc->period;
		return;
	}
	head = pop_head(sc);
	head.time += sc->period;
	give_back(sc, head);
}

void km_refill_charge(struct km_kernel *k, struct km_sched_context *sc, km_ticks usage)
{
	km_ticks latest = release_max(k);

	km_work(k, KM_WORK_REFILL);
	while (km_refill_first(sc)->amount <= usage && km_refill_first(sc)->time < latest) {
		usage -= km_refill_first(sc)->amount;
		charge_head(sc);
	}
	if (usage > 0 && km_refill_first(sc)->time < latest) {
		struct km_refill *head = km_refill_first(sc);
		struct km_refill used = {.time = head->time + sc->period, .amount = usage};

		head->amount -= usage;
		head->time += usage;
		give_back(sc, used);
	}
	/* A head too small to run on waits for the next, and ends no later than that would have. */
	while (sc->refill_count > 1 && km_refill_first(sc)->amount < km_min_budget(k)) {
		struct km_refill small = pop_head(sc);

		km_refill_first(sc)->amount += small.amount;
		km_refill_first(sc)->time -= small.amount;
	}
}

/* A new timeslice: what was used of the last is there again. */
static void renew_slice(struct km_sched_context *sc)
{
	km_refill_first(sc)->amount += tail_of(sc)->amount;
	tail_of(sc)->amount = 0;
}

static void use_slice(struct km_kernel *k, struct km_sched_context *sc, km_ticks usage)
{
	/* More than there is can only be of a thread that was stalled from another core before its timer
	 * came. */
	if (!km_refill_sufficient(k, sc, usage)) {
		renew_slice(sc);
		return;
	}
	km_refill_first(sc)->amount -= usage;
	tail_of(sc)->amount += usage;
}

void km_commit_core(struct km_kernel *k, struct km_core *core)
{
	struct km_sched_context *sc = km_charged_sc(k, core);

	if (sc && core->consumed) {
		if (km_sc_is_round_robin(sc)) {
			km_work(k, KM_WORK_REFILL);
			use_slice(k, sc, core->consumed);
		} else {
			km_refill_charge(k, sc, core->consumed);
		}
		sc->consumed += core->consumed;
	}
	core->consumed = 0;
}

void km_commit_time(struct km_kernel *k) { km_commit_core(k, k->self); }

/* ---- at an entry ---- */

void km_stamp_core(struct km_kernel *k, struct km_core *core)
{
	km_ticks passed = core->now - core->stamp;

	core->stamp = core->now;
	core->consumed += passed;
	if (core->domain_left == KM_NEVER)
		return;
	if (passed + km_min_budget(k) >= core->domain_left)
		core->domain_left = 0;
	else
		core->domain_left -= passed;
}

void km_update_stamp(struct km_kernel *k) { km_stamp_core(k, k->self); }

int km_check_budget(struct km_kernel *k)
{
	struct km_core *core = k->self;
	struct km_sched_context *sc = km_charged_sc(k, core);

	if (!sc || km_refill_sufficient(k, sc, core->consumed))
		return core->domain_left != 0;
	km_charge_budget(k, core->consumed, 1);
	return 0;
}

int km_check_budget_restart(struct km_kernel *k)
{
	int enough = km_check_budget(k);

	if (!enough && km_is_runnable(k->self->current))
		km_set_state(k, k->self->current, KM_RESTART);
	return enough;
}

/* ---- the end of a timeslice ---- */

void km_charge_budget(struct km_kernel *k, km_ticks consumed, int can_timeout_fault)
{
	struct km_core *core = k->self;
	struct km_sched_context *sc = km_charged_sc(k, core);

	if (sc) {
		if (km_sc_is_round_robin(sc)) {
			km_work(k, KM_WORK_REFILL);
			renew_slice(sc);
		} else {
			km_refill_charge(k, sc, consumed);
		}
		sc->consumed += consumed;
	}
	core->consumed = 0;
	if (!sc || !km_is_schedulable(k, core->current))
		return;
	km_end_timeslice(k, can_timeout_fault);
	km_reschedule_required(k);
	core->reprogram = 1;
}

void km_end_timeslice(struct km_kernel *k, int can_timeout_fault)
{
	struct km_tcb *tcb = k->self->current;
	struct km_sched_context *sc = KM_SC(k, k->self->sc);

	if (can_timeout_fault && !km_sc_is_round_robin(sc) && km_has_timeout_handler(tcb)) {
		k->fault = (struct km_fault){.type = seL4_Fault_Timeout, .address = sc->badge};
		km_handle_timeout(k, tcb);
	} else if (km_sc_may_run(k, sc)) {
		km_ready_append(k, tcb);
	} else {
		km_postpone(k, sc);
	}
}

/* The rest of the head is given up, but only what was used counts as consumed. */
void km_yield(struct km_kernel *k)
{
	struct km_sched_context *sc = km_charged_sc(k, k->self);
	km_ticks consumed;

	if (!sc)
		return;
	consumed = sc->consumed + k->self->consumed;
	km_charge_budget(k, km_refill_first(sc)->amount, 0);
	sc->consumed = consumed;
}

/* ---- at the exit ---- */

void km_switch_context(struct km_kernel *k)
{
	struct km_core *core = k->self;
	km_ref next = core->current->sc;

	if (core->sc != next) {
		core->reprogram = 1;
		if (core->current != core->idle && !KM_SC(k, next)->sporadic)
			km_refill_unblock(k, KM_SC(k, next));
	}
	/* The timer will be set by this entry's time: what was consumed until then can no longer be left
	 * for later. */
	if (core->reprogram)
		km_commit_core(k, core);
	core->sc = next;
}
