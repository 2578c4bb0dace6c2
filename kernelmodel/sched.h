/* kernelmodel/sched.h - what the files of scheduling (schedule.c, release.c, refill.c, sched_context.c,
 * sched_control.c, tcb.c, domain.c) share beyond kernel_internal.h.
 *
 * Thread rule: one thread at a time is in a kernel. Layer: kernelmodel, internal. */
#ifndef SKERRY_KERNELMODEL_SCHED_H
#define SKERRY_KERNELMODEL_SCHED_H
#include "kernelmodel/kernel_internal.h"

static inline struct km_core *km_core_of(struct km_kernel *k, const struct km_tcb *tcb)
{
	return &k->core[tcb->core];
}

/* The scheduling context of a thread, or NULL. */
static inline struct km_sched_context *km_sc_of(const struct km_kernel *k, const struct km_tcb *tcb)
{
	return tcb->sc ? KM_SC(k, tcb->sc) : NULL;
}
/* The thread that has a scheduling context, or NULL. */
static inline struct km_tcb *km_tcb_of(const struct km_kernel *k, const struct km_sched_context *sc)
{
	return sc->tcb ? KM_TCB(k, sc->tcb) : NULL;
}
/* What `core` charges: NULL for the idle thread, and for a context that was deleted while it was charged. */
static inline struct km_sched_context *km_charged_sc(const struct km_kernel *k, const struct km_core *core)
{
	struct km_sched_context *sc;

	if (!core->sc || core->sc == core->idle->sc)
		return NULL;
	sc = KM_SC(k, core->sc);
	return sc->refill_max ? sc : NULL;
}
/* Is it the context that the core inside is charging? */
static inline int km_sc_is_current(const struct km_kernel *k, const struct km_sched_context *sc)
{
	return k->self->sc == km_ref_of(k, sc);
}
static inline int km_sc_is_active(const struct km_sched_context *sc) { return sc->refill_max > 0; }
static inline int km_sc_is_round_robin(const struct km_sched_context *sc) { return sc->period == 0; }
/* Its refills wait for the thread to become runnable (sporadic server), not for it to run (constant
 * bandwidth). */
static inline int km_sc_is_sporadic(const struct km_sched_context *sc)
{
	return km_sc_is_active(sc) && sc->sporadic;
}

/* Refill `i` of those that wait, 0 being the head. */
static inline struct km_refill *km_refill_at(struct km_sched_context *sc, uint32_t i)
{
	uint32_t at = sc->refill_head + i;

	return km_refills(sc) + (at >= sc->refill_max ? at - sc->refill_max : at);
}
static inline struct km_refill *km_refill_first(struct km_sched_context *sc) { return km_refill_at(sc, 0); }

/* ---- schedule.c ---- */

/* `core` must look again at what it runs, or at its timer; nothing if it is the one inside. */
void km_ask_core(struct km_kernel *k, const struct km_core *core);
/* The thread of `sc` waits in the release queue for its head refill. */
void km_postpone(struct km_kernel *k, struct km_sched_context *sc);

/* ---- refill.c ---- */

/* What `core` has consumed is charged to its context, without an end of the timeslice. */
void km_commit_core(struct km_kernel *k, struct km_core *core);
/* Brings the clock of `core` up to core->now: what passed is consumed, and is gone from its domain's time. */
void km_stamp_core(struct km_kernel *k, struct km_core *core);
/* Ready and sufficient: the thread of the context may be in a ready queue. */
int km_sc_may_run(struct km_kernel *k, struct km_sched_context *sc);

/* ---- sched_context.c ---- */

/* Takes what the context consumed since that was last reported, in microseconds. */
km_word km_sc_take_consumed(struct km_kernel *k, struct km_sched_context *sc);
/* May a thread take `sc` by Bind or SetSchedParams? KM_OK, or IllegalOperation. */
enum km_status km_sc_check_bind(struct km_kernel *k, const struct km_sched_context *sc,
				const struct km_tcb *tcb);

/* ---- domain.c ---- */

/* A duration that never ends; the longest that ScheduleConfigure takes. */
#define KM_DOMAIN_FOR_EVER ((UINT64_C(1) << 56) - 1)

#endif
