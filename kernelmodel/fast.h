/* kernelmodel/fast.h - short forms of what nearly every system call does: looking a capability up, being within the budget,
 * having nothing to schedule. Each is the common case of a function that does all cases, and says when it is not met.
 *
 * Thread rule: one thread at a time is in a kernel. Layer: kernelmodel, internal. */
#ifndef SKERRY_KERNELMODEL_FAST_H
#define SKERRY_KERNELMODEL_FAST_H
#include "kernelmodel/sched.h"

/* ---- the first word of a capability ---- */

/* Its fields are asked for in many ways, and it is loaded but once. struct km_cap says where they stand. */
static inline uint64_t km_head_of(const struct km_cap *cap)
{
	uint64_t head;

	memcpy(&head, cap, sizeof(head));
	return head;
}
#define KM_HEAD_RIGHTS_AT    5
#define KM_HEAD_SIZE_AT      9
#define KM_HEAD_GUARD_AT     15
#define KM_HEAD_FLAG         (1u << 21)
#define KM_HEAD_TYPE(head)   ((unsigned)(head)&31)
#define KM_HEAD_SIZE(head)   ((unsigned)((head) >> KM_HEAD_SIZE_AT) & 63)
#define KM_HEAD_REST(head)   ((unsigned)(head)&0x3fffff) /* all but the object */
#define KM_HEAD_OBJECT(head) ((head) >> 22)

/* Of this type, with these rights at least? */
static inline int km_head_is(uint64_t head, unsigned type, unsigned rights)
{
	return (head & (31 | rights << KM_HEAD_RIGHTS_AT)) == (type | rights << KM_HEAD_RIGHTS_AT);
}

/* ---- a CSpace of one CNode ---- */

/* Is a CNode all of its CSpace: a guard, then an index, and no bits left? In one comparison: such a one has a guard of 64
 * bits less those of its index. */
static inline int km_head_is_cspace(uint64_t head)
{
	const unsigned index_bits = KM_HEAD_SIZE(head);

	return KM_HEAD_REST(head) ==
	       KM_CAP_CNODE + (64u << KM_HEAD_GUARD_AT) -
		       index_bits * ((1u << KM_HEAD_GUARD_AT) - (1u << KM_HEAD_SIZE_AT));
}

/* In a CNode that is all of a CSpace, of head `head`: has `cptr` its guard, and how far into its slots is it then? */
static inline int km_cspace_has(const struct km_cap *node, uint64_t head, km_word cptr)
{
	return cptr >> KM_HEAD_SIZE(head) == node->word;
}
static inline uint64_t km_cspace_index(const struct km_cap *node, uint64_t head, km_word cptr)
{
	return cptr ^ node->word << KM_HEAD_SIZE(head);
}

/* As km_resolve() of 64 bits, where a CNode is all of the CSpace and has the slot; else NULL, and nothing was done. */
static inline struct km_slot *km_lookup_fast(struct km_kernel *k, const struct km_cap *node, km_word cptr)
{
	uint64_t head = km_head_of(node);

	if (UNLIKELY(!km_head_is_cspace(head) || !km_cspace_has(node, head, cptr)))
		return NULL;
	km_work(k, KM_WORK_LOOKUP);
	return (struct km_slot *)(void *)(k->arena + ((KM_HEAD_OBJECT(head) << KM_GRANULE_BITS) - k->base)) +
	       km_cspace_index(node, head, cptr);
}

/* Stores to neighbours stay two: made one by way of a vector register they are slower. */
#define KM_APART() __asm__ volatile("" ::: "memory")

/* ---- entry and exit of a system call off the fast path ---- */

/* As km_update_stamp(). */
static inline void km_update_stamp_fast(struct km_kernel *k, struct km_core *core)
{
	km_ticks passed = core->now - core->stamp;

	if (UNLIKELY(core->domain_left != KM_NEVER)) {
		km_stamp_core(k, core);
		return;
	}
	core->consumed += passed;
	KM_APART();
	core->stamp = core->now;
}

/* True: km_check_budget() would say so, and do nothing. */
static inline int km_is_within_budget(struct km_kernel *k, struct km_core *core)
{
	struct km_sched_context *sc;
	km_ticks amount;

	if (UNLIKELY(!core->sc || !core->domain_left))
		return 0;
	sc = KM_SC(k, core->sc);
	if (UNLIKELY(sc->refill_head >= sc->refill_max))
		return 0;
	amount = km_refills(sc)[sc->refill_head].amount;
	return amount >= core->consumed && amount - core->consumed >= KM_MIN_BUDGET_US * k->ticks_per_us;
}

/* As km_schedule(). */
static inline void km_schedule_fast(struct km_kernel *k, struct km_core *core)
{
	const struct km_tcb *current = core->current;

	/* KM_RESUME is 0, and all that must be 0 is asked for at once. */
	if (UNLIKELY((core->action | core->reprogram | core->release.head | current->yield_to |
		      (core->sc ^ current->sc)) != 0 ||
		     !core->domain_left || current->state == KM_RESTART))
		km_schedule(k);
}

/* As km_set_state(k, tcb, KM_RUNNING). */
static inline void km_set_running(struct km_kernel *k, struct km_tcb *tcb)
{
	if (LIKELY(tcb->sc && KM_SC(k, tcb->sc)->refill_max && !tcb->in_release_queue))
		tcb->state = KM_RUNNING;
	else
		km_set_state(k, tcb, KM_RUNNING);
}

#endif
