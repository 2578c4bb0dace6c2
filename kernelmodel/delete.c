/* kernelmodel/delete.c - deleting and revoking capabilities.
 *
 * The last capability to an object finalises it. That of a CNode or a thread holds further capabilities, so it becomes
 * a *zombie*, which nobody can use, and its slots are emptied one by one, from the last. The work is bounded between two
 * preemption points, and all that it has to remember is in the zombie: a thread that is preempted does its system call
 * again, and that goes on where it was.
 *
 * Slots are emptied without recursion into what they hold: a zombie met in a slot of another zombie is not emptied
 * there ("not exposed"), but exchanged with the first slot of its own object, so that it comes to hold itself, and what
 * stood there comes into the slot that is being emptied. A zombie that holds itself is in nobody's CSpace any more; what
 * else it holds goes when the untyped memory is revoked that it was made of.
 *
 * Source: seL4 16.0 manual, section 2.4; Blackham et al., Improving Interrupt Response Time in a Verifiable Protected
 * Microkernel, EuroSys 2012. */
#include "kernelmodel/kernel_internal.h"
#include "sim/check.h"

/* ---- preemption ---- */

/* Has the thread destroyed the scheduling context that it runs on, or used it up, or its domain's time? The entry asked
 * the latter two of the time until then; this one has taken time of its own since. */
static int time_is_over(const struct km_kernel *k)
{
	const struct km_core *core = k->self;
	struct km_sched_context *sc = core->sc != 0 ? KM_SC(k, core->sc) : NULL;

	if (core->domain_left != KM_NEVER && core->charged + km_min_budget(k) >= core->domain_left)
		return 1;
	if (sc == NULL)
		return 0;
	return sc->refill_max == 0 || !km_refill_sufficient(k, sc, core->consumed + core->charged);
}

enum km_status km_preemption_point(struct km_kernel *k)
{
	if (++k->preempt_work < KM_PREEMPT_WORK)
		return KM_OK;
	k->preempt_work = 0;
	if (time_is_over(k))
		return KM_PREEMPTED;
	if (k->host.pending != NULL && k->host.pending(k->host.context, k, k->self))
		return KM_PREEMPTED;
	return KM_OK;
}

/* ---- finalising an object, by type ---- */

static struct km_cap zombie_of(struct km_cap cap, km_word slots)
{
	return (struct km_cap){.type = KM_CAP_ZOMBIE,
			       .object = cap.object,
			       .size = cap.type == KM_CAP_CNODE ? cap.size : 0,
			       .flag = cap.type == KM_CAP_THREAD,
			       .word = slots};
}

static void finalise_notification(struct km_kernel *k, struct km_notification *ntfn)
{
	if (ntfn->sc != 0)
		km_sc_unbind_notification(k, KM_SC(k, ntfn->sc));
	km_notification_unbind_tcb(k, ntfn);
	km_notification_cancel_all(k, ntfn);
}

static void finalise_thread(struct km_kernel *k, struct km_tcb *tcb)
{
	km_stall_for(k, tcb);
	km_notification_unbind(k, tcb);
	if (tcb->sc != 0) {
		struct km_sched_context *sc = KM_SC(k, tcb->sc);

		if (sc->yield_from != 0)
			km_sc_complete_yield_to(k, KM_TCB(k, sc->yield_from));
		km_sc_unbind_tcb(k, sc);
	}
	km_suspend(k, tcb); /* which also ends its yield to a context */
	km_tcb_unlink(k, tcb);
}

static void finalise_sched_context(struct km_kernel *k, struct km_sched_context *sc)
{
	km_sc_unbind_all(k, sc);
	km_sc_unbind_notification(k, sc);
	km_sc_unbind_reply(k, sc);
	if (sc->yield_from != 0)
		km_sc_complete_yield_to(k, KM_TCB(k, sc->yield_from));
	sc->refill_max = 0; /* nothing may run on it */
}

/* What the deletion of the last capability to an object does; what is left of the capability: null, or a zombie. */
static struct km_cap finalise_last(struct km_kernel *k, struct km_cap cap)
{
	switch (cap.type) {
	case KM_CAP_ENDPOINT:
		km_endpoint_cancel_all(k, km_cap_object(k, cap));
		break;
	case KM_CAP_NOTIFICATION:
		finalise_notification(k, km_cap_object(k, cap));
		break;
	case KM_CAP_REPLY:
		km_reply_cleared(k, km_cap_object(k, cap));
		break;
	case KM_CAP_CNODE:
		return zombie_of(cap, (km_word)1 << cap.size);
	case KM_CAP_THREAD:
		finalise_thread(k, km_cap_object(k, cap));
		return zombie_of(cap, KM_TCB_SLOTS);
	case KM_CAP_SCHED_CONTEXT:
		finalise_sched_context(k, km_cap_object(k, cap));
		break;
	case KM_CAP_ASID_POOL:
		km_asid_pool_deleted(k, cap);
		break;
	case KM_CAP_IO_PORT:
		km_io_port_deleted(k, cap);
		break;
	default:
		break;
	}
	return KM_NULL_CAP;
}

static struct km_cap finalise(struct km_kernel *k, struct km_cap cap, int is_final)
{
	switch (cap.type) {
	case KM_CAP_ZOMBIE:
		return cap;
	case KM_CAP_FRAME: /* each has its own mapping */
		km_frame_deleted(k, cap);
		return KM_NULL_CAP;
	case KM_CAP_PAGE_TABLE:
	case KM_CAP_PAGE_DIRECTORY:
	case KM_CAP_PDPT:
	case KM_CAP_PML4:
		km_paging_deleted(k, cap, is_final);
		return KM_NULL_CAP;
	case KM_CAP_IRQ_HANDLER:
		km_irq_handler_deleted(k, (unsigned)cap.word, is_final);
		return KM_NULL_CAP;
	default:
		return is_final ? finalise_last(k, cap) : KM_NULL_CAP;
	}
}

/* ---- emptying a slot ---- */

/* May the slot be emptied, when this is left of its capability? A zombie that has one slot left, its own, goes with it. */
static int is_removable(const struct km_kernel *k, struct km_cap rest, const struct km_slot *slot)
{
	if (rest.type == KM_CAP_NULL)
		return 1;
	return rest.word == 0 || (rest.word == 1 && km_cap_object(k, rest) == slot);
}

static int holds_itself(const struct km_kernel *k, const struct km_slot *slot)
{
	return slot->cap.type == KM_CAP_ZOMBIE && km_cap_object(k, slot->cap) == slot;
}

/* Deletes what is in the last slot of a zombie. Meanwhile the zombie itself may be exchanged: then `slot` holds what the
 * first slot held, or is empty. */
static enum km_status empty_last_slot(struct km_kernel *k, struct km_slot *slot)
{
	struct km_cap zombie = slot->cap;
	struct km_slot *last = (struct km_slot *)km_cap_object(k, zombie) + zombie.word - 1;
	enum km_status status;

	if (km_slot_is_empty(last))
		km_work(k, KM_WORK_TREE); /* else its removal is charged */
	status = km_delete(k, last, 0);
	if (status != KM_OK || km_slot_is_empty(slot))
		return status;
	SIM_CHECK(slot->cap.type == KM_CAP_ZOMBIE);
	if (slot->cap.object == zombie.object && slot->cap.word == zombie.word &&
	    slot->cap.flag == zombie.flag)
		slot->cap.word--;
	else
		SIM_CHECK(holds_itself(k, slot));
	return KM_OK;
}

/* Exchanges the zombie in `slot` with what is in the first slot of its object: from now on it holds itself. It does not
 * so far: `slot` is the last of another zombie's, which, being the last capability to its object, is the only one. */
static void set_aside(struct km_kernel *k, struct km_slot *slot)
{
	struct km_slot *first = km_cap_object(k, slot->cap);

	SIM_CHECK(first != slot && !holds_itself(k, first));
	km_tree_swap(k, first->cap, first, slot->cap, slot);
}

/* Finalises what is in the slot, until it may be emptied. */
static enum km_status finalise_slot(struct km_kernel *k, struct km_slot *slot, int exposed)
{
	while (!km_slot_is_empty(slot)) {
		struct km_cap rest = finalise(k, slot->cap, km_tree_is_final(k, slot));
		enum km_status status = KM_OK;

		if (is_removable(k, rest, slot))
			return KM_OK;
		slot->cap = rest;
		if (exposed)
			status = empty_last_slot(k, slot);
		else
			set_aside(k, slot);
		if (status == KM_OK)
			status = km_preemption_point(k);
		if (status != KM_OK)
			return status;
	}
	return KM_OK;
}

enum km_status km_delete(struct km_kernel *k, struct km_slot *slot, int exposed)
{
	enum km_status status = finalise_slot(k, slot, exposed);

	if (status == KM_OK)
		km_tree_empty(k, slot);
	return status;
}

enum km_status km_revoke(struct km_kernel *k, struct km_slot *slot)
{
	while (km_tree_has_children(k, slot)) {
		enum km_status status = km_delete(k, KM_SLOT(k, slot->next), 1);

		if (status == KM_OK)
			status = km_preemption_point(k);
		if (status != KM_OK)
			return status;
	}
	return KM_OK;
}

void km_delete_one(struct km_kernel *k, struct km_slot *slot)
{
	struct km_cap rest;

	if (km_slot_is_empty(slot))
		return;
	rest = finalise(k, slot->cap, km_tree_is_final(k, slot));
	SIM_CHECK(rest.type == KM_CAP_NULL);
	km_tree_empty(k, slot);
}
