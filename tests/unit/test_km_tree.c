/* kernelmodel/tree.c and delete.c: who is whose child, and what goes when a capability goes. */
#include "tests/unit/km_capspace.h"
#include <string.h>

static int is_empty(struct capspace *c, uint64_t slot) { return km_slot_is_empty(slot_at(c, slot)); }

static void endpoint_new(struct capspace *c, uint64_t into)
{
	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 0, into, 1), seL4_NoError);
}

static void node_new(struct capspace *c, uint64_t into, unsigned bits)
{
	assert_int_equal(retype(c, UNTYPED, seL4_CapTableObject, bits, into, 1), seL4_NoError);
}

/* All of the untyped memory is free again: what was made of it is gone. */
static void assert_all_is_free(struct capspace *c)
{
	assert_int_equal(retype(c, UNTYPED, seL4_UntypedObject, 20, FREE, 1), seL4_NoError);
	assert_int_equal(delete (c, FREE), seL4_NoError);
}

/* ---- parents and children ---- */

static void test_copies_of_an_original_are_its_children_and_each_others_siblings(void **state)
{
	struct capspace *c = *state;

	endpoint_new(c, FREE);
	assert_int_equal(copy(c, FREE, FREE + 1), seL4_NoError);
	assert_int_equal(copy(c, FREE + 1, FREE + 2), seL4_NoError);
	assert_int_equal(revoke(c, FREE + 1), seL4_NoError);
	assert_false(is_empty(c, FREE + 1) || is_empty(c, FREE + 2));
	assert_int_equal(revoke(c, FREE), seL4_NoError);
	assert_true(is_empty(c, FREE + 1) && is_empty(c, FREE + 2));
	assert_false(is_empty(c, FREE));
}

static void test_a_new_badge_makes_an_original(void **state)
{
	struct capspace *c = *state;

	endpoint_new(c, FREE);
	assert_int_equal(mint(c, FREE, FREE + 1, KM_ALL_RIGHTS, 5), seL4_NoError);
	assert_int_equal(copy(c, FREE + 1, FREE + 2), seL4_NoError);
	assert_int_equal(mint(c, FREE, FREE + 3, KM_ALL_RIGHTS, 5), seL4_NoError);
	assert_int_equal(mint(c, FREE, FREE + 4, KM_ALL_RIGHTS, 6), seL4_NoError);
	assert_int_equal(revoke(c, FREE + 1), seL4_NoError);
	assert_true(is_empty(c, FREE + 2));
	assert_false(is_empty(c, FREE + 1) || is_empty(c, FREE + 3) || is_empty(c, FREE + 4));
	assert_int_equal(revoke(c, FREE), seL4_NoError);
	assert_true(is_empty(c, FREE + 1) && is_empty(c, FREE + 3) && is_empty(c, FREE + 4));
}

static void test_who_is_first_badged_passes_that_on(void **state)
{
	struct capspace *c = *state;

	endpoint_new(c, FREE);
	assert_int_equal(mint(c, FREE, FREE + 1, KM_ALL_RIGHTS, 5), seL4_NoError);
	assert_int_equal(copy(c, FREE + 1, FREE + 2), seL4_NoError);
	/* Stands before FREE + 1, with the same badge. */
	assert_int_equal(mint(c, FREE, FREE + 3, KM_ALL_RIGHTS, 5), seL4_NoError);
	assert_false(slot_at(c, FREE + 2)->first_badged);
	assert_int_equal(delete (c, FREE + 1), seL4_NoError);
	assert_true(slot_at(c, FREE + 2)->first_badged);
	/* The other badge of the same number has not inherited the orphan. */
	assert_int_equal(revoke(c, FREE + 3), seL4_NoError);
	assert_false(is_empty(c, FREE + 2));
}

static void test_children_of_a_deleted_original_are_left_to_its_parent(void **state)
{
	struct capspace *c = *state;

	endpoint_new(c, FREE);
	assert_int_equal(copy(c, FREE, FREE + 1), seL4_NoError);
	assert_int_equal(delete (c, FREE), seL4_NoError);
	assert_false(is_empty(c, FREE + 1));
	assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
	assert_true(is_empty(c, FREE + 1));
}

static void test_each_new_object_stands_right_behind_its_untyped(void **state)
{
	struct capspace *c = *state;
	km_ref at;

	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 0, FREE, 3), seL4_NoError);
	at = slot_at(c, UNTYPED)->next;
	for (uint64_t i = 3; i-- > 0; at = KM_SLOT(c->k, at)->next)
		assert_int_equal(at, km_ref_of(c->k, slot_at(c, FREE + i)));
}

/* What slots hold, as a tree with pointers to parents: what the list must come to. */
#define MODEL_SLOTS 48
struct model {
	struct {
		int used, parent /* -1: the untyped memory at UNTYPED */, original, badge, is_untyped;
	} slot[MODEL_SLOTS];
	uint64_t random;
};

static unsigned draw(struct model *m, unsigned below)
{
	m->random = m->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)(m->random >> 33) % below;
}

static void model_copy(struct model *m, int from, int into, int badge)
{
	int is_new_badge = badge != m->slot[from].badge;

	m->slot[into] = m->slot[from];
	m->slot[into].parent = m->slot[from].original ? from : m->slot[from].parent;
	m->slot[into].original = is_new_badge;
	m->slot[into].badge = badge;
}

static void model_rename_parent(struct model *m, int from, int into)
{
	for (int i = 0; i < MODEL_SLOTS; i++) {
		if (m->slot[i].used && m->slot[i].parent == from)
			m->slot[i].parent = into;
	}
}

static void model_delete(struct model *m, int slot)
{
	m->slot[slot].used = 0;
	model_rename_parent(m, slot, m->slot[slot].parent);
}

static void model_revoke(struct model *m, int slot)
{
	for (int i = 0; i < MODEL_SLOTS; i++) {
		if (m->slot[i].used && m->slot[i].parent == slot) {
			model_revoke(m, i);
			m->slot[i].used = 0;
		}
	}
}

/* The operations that one step may choose. Each does nothing where it would be an error. */
static void step_retype(struct capspace *c, struct model *m, int from, int into)
{
	int is_nested = m->slot[from].used && m->slot[from].is_untyped, is_untyped = draw(m, 4) == 0;
	uint64_t untyped = is_nested ? FREE + (uint64_t)from : UNTYPED;
	uint64_t type = is_untyped ? seL4_UntypedObject : seL4_EndpointObject;

	if (m->slot[into].used || from == into)
		return;
	if (retype(c, untyped, type, is_nested ? 6 : 10, FREE + (uint64_t)into, 1) != seL4_NoError) {
		assert_int_equal(c->error, seL4_NotEnoughMemory);
		return;
	}
	memset(&m->slot[into], 0, sizeof m->slot[into]);
	m->slot[into].used = m->slot[into].original = 1;
	m->slot[into].parent = is_nested ? from : -1;
	m->slot[into].is_untyped = is_untyped;
}

static void step_copy(struct capspace *c, struct model *m, int from, int into)
{
	uint64_t badge = draw(m, 3), from_slot = FREE + (uint64_t)from, into_slot = FREE + (uint64_t)into;

	if (!m->slot[from].used || m->slot[into].used || m->slot[from].is_untyped)
		return;
	if (m->slot[from].badge != 0 || badge == 0) {
		assert_int_equal(copy(c, from_slot, into_slot), seL4_NoError);
		model_copy(m, from, into, m->slot[from].badge);
	} else {
		assert_int_equal(mint(c, from_slot, into_slot, KM_ALL_RIGHTS, badge), seL4_NoError);
		model_copy(m, from, into, (int)badge);
	}
}

static void step_move(struct capspace *c, struct model *m, int from, int into)
{
	if (!m->slot[from].used || m->slot[into].used)
		return;
	assert_int_equal(move(c, FREE + (uint64_t)from, FREE + (uint64_t)into), seL4_NoError);
	m->slot[into] = m->slot[from];
	m->slot[from].used = 0;
	model_rename_parent(m, from, into);
}

static void step(struct capspace *c, struct model *m)
{
	int from = (int)draw(m, MODEL_SLOTS), into = (int)draw(m, MODEL_SLOTS);

	switch (draw(m, 12)) {
	case 0:
	case 1:
		step_retype(c, m, from, into);
		break;
	case 2:
	case 3:
		step_move(c, m, from, into);
		break;
	case 4:
	case 5:
		if (m->slot[from].used) {
			assert_int_equal(delete (c, FREE + (uint64_t)from), seL4_NoError);
			model_delete(m, from);
		}
		break;
	case 6:
		if (m->slot[from].used) {
			assert_int_equal(revoke(c, FREE + (uint64_t)from), seL4_NoError);
			model_revoke(m, from);
		}
		break;
	default:
		step_copy(c, m, from, into);
		break;
	}
}

static void test_the_list_is_the_tree_that_it_stands_for(void **state)
{
	struct capspace *c = *state;
	unsigned used_max = 0;

	for (uint64_t seed = 1; seed <= 8; seed++) {
		struct model m = {.random = seed};

		for (unsigned i = 0; i < 1500; i++) {
			unsigned used = 0;

			step(c, &m);
			for (int s = 0; s < MODEL_SLOTS; s++) {
				used += (unsigned)m.slot[s].used;
				if (m.slot[s].used == is_empty(c, FREE + (uint64_t)s))
					fail_msg("seed %u, step %u: slot %d", (unsigned)seed, i, s);
			}
			used_max = used > used_max ? used : used_max;
			if (i % 64 == 0)
				assert_sound(c);
		}
		assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
		assert_sound(c);
	}
	assert_true(used_max > MODEL_SLOTS / 2); /* else it tried little */
}

/* ---- the last capability ---- */

static void test_the_last_capability_to_an_endpoint_restarts_who_waits(void **state)
{
	struct capspace *c = *state;
	struct km_tcb *tcb;

	endpoint_new(c, FREE);
	tcb = waiter_new(c, FREE, FREE + 10);
	assert_int_equal(mint(c, FREE, FREE + 1, 0, 9), seL4_NoError);
	assert_int_equal(delete (c, FREE), seL4_NoError);
	assert_int_equal(tcb->state, KM_BLOCKED_ON_RECEIVE);
	assert_int_equal(delete (c, FREE + 1), seL4_NoError);
	assert_int_equal(tcb->state, KM_RESTART);
}

static void test_the_last_capability_to_a_thread_ends_it(void **state)
{
	struct capspace *c = *state;
	struct km_tcb *tcb;

	endpoint_new(c, FREE);
	tcb = waiter_new(c, FREE, FREE + 1);
	assert_int_equal(copy(c, FREE + 1, FREE + 2), seL4_NoError);
	assert_int_equal(delete (c, FREE + 1), seL4_NoError);
	assert_int_equal(tcb->state, KM_BLOCKED_ON_RECEIVE);
	assert_int_equal(delete (c, FREE + 2), seL4_NoError);
	assert_int_equal(tcb->state, KM_INACTIVE);
	assert_int_equal(KM_EP(c->k, (km_ref)cap_at(c, FREE).object)->state, KM_EP_IDLE);
	for (km_ref at = c->k->all_first; at != 0; at = KM_TCB(c->k, at)->all_next)
		assert_ptr_not_equal(KM_TCB(c->k, at), tcb);
}

static void test_a_thread_lets_go_of_what_it_is_bound_to(void **state)
{
	struct capspace *c = *state;
	struct km_notification *ntfn;
	struct km_sched_context *sc;
	struct km_tcb *tcb;

	assert_int_equal(retype(c, UNTYPED, seL4_NotificationObject, 0, FREE, 1), seL4_NoError);
	assert_int_equal(retype(c, UNTYPED, seL4_SchedContextObject, 7, FREE + 1, 1), seL4_NoError);
	ntfn = km_cap_object(c->k, cap_at(c, FREE));
	sc = km_cap_object(c->k, cap_at(c, FREE + 1));
	for (unsigned last = 0; last < 3; last++) {
		assert_int_equal(retype(c, UNTYPED, seL4_TCBObject, 0, FREE + 2, 1), seL4_NoError);
		tcb = km_cap_object(c->k, cap_at(c, FREE + 2));
		km_notification_bind(c->k, tcb, ntfn);
		km_sc_bind_tcb(c->k, sc, tcb);
		/* The thread goes, or the notification, or the context. */
		assert_int_equal(delete (c, last == 0   ? FREE + 2
					    : last == 1 ? FREE
							: FREE + 1),
				 seL4_NoError);
		if (last == 0) {
			assert_true(ntfn->bound_tcb == 0 && sc->tcb == 0 && tcb->sc == 0);
			continue;
		}
		assert_int_equal(tcb->notification == 0, last == 1);
		assert_int_equal(tcb->sc == 0, last == 2);
		assert_sound(c);
		assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
		assert_int_equal(retype(c, UNTYPED, seL4_NotificationObject, 0, FREE, 1), seL4_NoError);
		assert_int_equal(retype(c, UNTYPED, seL4_SchedContextObject, 7, FREE + 1, 1), seL4_NoError);
		ntfn = km_cap_object(c->k, cap_at(c, FREE));
		sc = km_cap_object(c->k, cap_at(c, FREE + 1));
	}
	assert_int_equal(sc->refill_max, 0);
}

static void test_a_deleted_context_may_not_be_run_on(void **state)
{
	struct capspace *c = *state;
	struct km_sched_context *sc;

	assert_int_equal(retype(c, UNTYPED, seL4_SchedContextObject, 8, FREE, 1), seL4_NoError);
	sc = km_cap_object(c->k, cap_at(c, FREE));
	km_refill_new(c->k, sc, 4, 1000000, 2000000);
	assert_int_not_equal(sc->refill_max, 0);
	assert_int_equal(copy(c, FREE, FREE + 1), seL4_NoError);
	assert_int_equal(delete (c, FREE), seL4_NoError);
	assert_int_not_equal(sc->refill_max, 0);
	assert_int_equal(delete (c, FREE + 1), seL4_NoError);
	assert_int_equal(sc->refill_max, 0);
}

static void test_what_a_thread_holds_goes_with_it(void **state)
{
	struct capspace *c = *state;
	struct km_tcb *waits, *tcb;

	endpoint_new(c, FREE);
	waits = waiter_new(c, FREE, FREE + 1);
	assert_int_equal(retype(c, UNTYPED, seL4_TCBObject, 0, FREE + 2, 1), seL4_NoError);
	tcb = km_cap_object(c->k, cap_at(c, FREE + 2));
	/* The only capability to the endpoint is the thread's fault handler. */
	km_tree_move(c->k, cap_at(c, FREE), slot_at(c, FREE), &tcb->slot[KM_TCB_FAULT_HANDLER]);
	assert_int_equal(delete (c, FREE + 2), seL4_NoError);
	assert_true(km_slot_is_empty(&tcb->slot[KM_TCB_FAULT_HANDLER]));
	assert_int_equal(waits->state, KM_RESTART);
}

static void test_a_thread_may_delete_itself(void **state)
{
	struct capspace *c = *state;
	struct km_tcb *other;

	/* Somebody has to keep the CSpace, which is else in itself alone. */
	assert_int_equal(retype(c, UNTYPED, seL4_TCBObject, 0, FREE, 1), seL4_NoError);
	other = km_cap_object(c->k, cap_at(c, FREE));
	km_tree_insert(c->k, cap_at(c, ROOT), slot_at(c, ROOT), &other->slot[KM_TCB_CSPACE]);
	set_message(c, ROOT, CNodeDelete, NO_CAPS, WORDS(seL4_CapInitThreadTCB, 64));
	km_syscall(c->k, &c->k->core[0]);
	assert_ptr_equal(c->k->core[0].current, c->k->core[0].idle);
	assert_int_equal(c->tcb->state, KM_INACTIVE);
	assert_true(is_empty(c, seL4_CapInitThreadTCB));
	assert_true(km_slot_is_empty(&c->tcb->slot[KM_TCB_CSPACE]));
	assert_false(is_empty(c, ROOT));
}

/* ---- zombies ---- */

/* A CNode of 256 slots in FREE, full of capabilities to the endpoint in FREE + 1. */
static void full_node(struct capspace *c)
{
	node_new(c, FREE, 8);
	endpoint_new(c, FREE + 1);
	for (uint64_t i = 0; i < 256; i++)
		assert_int_equal(copy_into(c, FREE + 1, FREE, 8, i), seL4_NoError);
}

static void test_a_cnode_is_emptied_from_its_last_slot_between_preemption_points(void **state)
{
	struct capspace *c = *state;

	full_node(c);
	struct km_slot *slots = km_cap_object(c->k, cap_at(c, FREE));
	c->interrupts = 1;
	c->k->preempt_work = 0;
	set_message(c, ROOT, CNodeDelete, NO_CAPS, WORDS(FREE, 64));
	assert_true(enter_once(c));
	assert_int_equal(cap_at(c, FREE).type, KM_CAP_ZOMBIE);
	for (uint64_t left = 256; left > 56; left -= 100) {
		assert_int_equal(cap_at(c, FREE).word, left - KM_PREEMPT_WORK);
		for (uint64_t i = 0; i < 256; i++)
			assert_int_equal(km_slot_is_empty(&slots[i]), i >= left - KM_PREEMPT_WORK);
		assert_sound(c);
		/* The thread does its system call again. */
		assert_int_equal(c->tcb->context.next_ip, c->tcb->context.reg[KM_RIP]);
		c->tcb->context.next_ip += 2;
		assert_int_equal(enter_once(c), left == 256);
	}
	assert_int_equal(c->tcb->context.reg[KM_REG_INFO], 0);
	assert_true(is_empty(c, FREE));
}

/* No interrupt is pending in these: what the call itself takes is more than there is. */
static unsigned units_until_preempted(struct capspace *c, uint32_t cost)
{
	uint32_t costs[KM_WORK_KINDS] = {[KM_WORK_TREE] = cost};
	const uint32_t *was = c->k->cost;
	int preempted;

	c->k->preempt_work = 0;
	set_message(c, ROOT, CNodeDelete, NO_CAPS, WORDS(FREE, 64));
	c->k->cost = costs;
	preempted = enter_once(c);
	c->k->cost = was;
	if (!preempted)
		return 0;
	assert_int_equal(cap_at(c, FREE).type, KM_CAP_ZOMBIE);
	assert_sound(c);
	return 256 - (unsigned)cap_at(c, FREE).word;
}

static void test_a_long_call_ends_at_a_preemption_point_when_its_budget_does(void **state)
{
	struct capspace *c = *state;
	struct km_sched_context *sc = KM_SC(c->k, c->tcb->sc);
	km_ticks budget = km_refills(sc)[sc->refill_head].amount - km_min_budget(c->k);

	full_node(c);
	assert_int_equal(units_until_preempted(c, (uint32_t)(budget / 150)), 2 * KM_PREEMPT_WORK);
	/* The time that it took counts at its next entry, which does nothing but that. */
	c->k->core[0].now += c->k->core[0].charged;
	c->tcb->context.next_ip = 0x400002;
	assert_true(enter_once(c));
	assert_int_equal(cap_at(c, FREE).word, 256 - 2 * KM_PREEMPT_WORK);
	c->tcb->context.next_ip = 0x400002;
	assert_false(enter_once(c));
	assert_true(is_empty(c, FREE));
}

static void test_a_long_call_ends_at_a_preemption_point_when_its_domain_does(void **state)
{
	struct capspace *c = *state;
	struct km_core *core = &c->k->core[0];

	full_node(c);
	core->domain_left = km_min_budget(c->k) + 1500;
	assert_int_equal(units_until_preempted(c, 10), 2 * KM_PREEMPT_WORK);
	core->domain_left = KM_NEVER;
	c->tcb->context.next_ip = 0x400002;
	assert_false(enter_once(c));
	assert_true(is_empty(c, FREE));
}

static void test_a_zombie_is_of_no_use(void **state)
{
	struct capspace *c = *state;

	full_node(c);
	c->interrupts = 1;
	c->k->preempt_work = 0;
	set_message(c, ROOT, CNodeDelete, NO_CAPS, WORDS(FREE, 64));
	assert_true(enter_once(c));
	c->interrupts = 0;
	assert_int_equal(call(c, FREE, CNodeDelete, NO_CAPS, WORDS(0, 8)), seL4_InvalidCapability);
	assert_int_equal(c->mr[0], 0);
	assert_int_equal(copy(c, FREE, FREE + 2), seL4_IllegalOperation);
	assert_int_equal(mint(c, FREE, FREE + 2, 15, 0), seL4_IllegalOperation);
	assert_int_equal(call(c, ROOT, CNodeMove, CAPS(FREE), WORDS(FREE + 2, 64, 0, 8)), seL4_FailedLookup);
	assert_int_equal(c->mr[1], seL4_InvalidRoot);
	/* It may be moved, and deleted there. */
	assert_int_equal(move(c, FREE, FREE + 2), seL4_NoError);
	assert_int_equal(delete (c, FREE + 2), seL4_NoError);
	assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
	assert_all_is_free(c);
}

static void test_what_a_deleted_cnode_holds_of_cnodes_waits_for_a_revoke(void **state)
{
	struct capspace *c = *state;
	struct km_tcb *tcb;

	node_new(c, FREE, 3);
	node_new(c, FREE + 1, 2);
	endpoint_new(c, FREE + 2);
	tcb = waiter_new(c, FREE + 2, FREE + 3);
	struct km_slot *outer = km_cap_object(c->k, cap_at(c, FREE)),
		       *inner = km_cap_object(c->k, cap_at(c, FREE + 1));
	assert_int_equal(move_into(c, FREE + 2, FREE + 1, 2, 2), seL4_NoError);
	assert_int_equal(copy_into(c, FREE + 3, FREE + 1, 2, 0), seL4_NoError);
	assert_int_equal(move_into(c, FREE + 1, FREE, 3, 7), seL4_NoError);
	assert_int_equal(delete (c, FREE), seL4_NoError);
	for (unsigned i = 0; i < 8; i++)
		assert_true(km_slot_is_empty(&outer[i]));
	/* Nothing recurses: the inner CNode is a zombie that holds itself in place of what its first slot held. */
	assert_int_equal(inner[0].cap.type, KM_CAP_ZOMBIE);
	assert_ptr_equal(km_cap_object(c->k, inner[0].cap), inner);
	assert_int_equal(inner[0].cap.word, 4);
	assert_int_equal(tcb->state, KM_BLOCKED_ON_RECEIVE);
	assert_sound(c);
	assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
	for (unsigned i = 0; i < 4; i++)
		assert_true(km_slot_is_empty(&inner[i]));
	assert_all_is_free(c);
}

static void test_a_cnode_that_holds_its_only_capability_is_revoked(void **state)
{
	struct capspace *c = *state;

	for (int interrupts = 0; interrupts < 2; interrupts++) {
		for (uint64_t at = 0; at < 16; at++) {
			node_new(c, FREE, 4);
			endpoint_new(c, FREE + 1);
			for (uint64_t i = 0; i < 16; i++) {
				if (i != at)
					assert_int_equal(copy_into(c, FREE + 1, FREE, 4, i), seL4_NoError);
			}
			assert_int_equal(call(c, FREE, CNodeMove, CAPS(ROOT), WORDS(at, 4, FREE, 64)),
					 seL4_NoError);
			assert_true(is_empty(c, FREE));
			c->k->preempt_work = (uint32_t)(95 + at % 5);
			c->interrupts = interrupts;
			assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
			assert_true(!interrupts || c->entries > 1);
			c->interrupts = 0;
			assert_sound(c);
			assert_all_is_free(c);
		}
	}
}

static void test_a_zombie_in_its_own_first_slot_goes_with_it(void **state)
{
	struct capspace *c = *state;

	node_new(c, FREE, 1);
	assert_int_equal(call(c, FREE, CNodeMove, CAPS(ROOT), WORDS(0, 1, FREE, 64)), seL4_NoError);
	c->k->preempt_work = 0;
	assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
	/* A unit of work for the other slot, one for the child of the untyped memory; none for the zombie's own. */
	assert_int_equal(c->k->preempt_work, 2);
	assert_all_is_free(c);
}

static void test_cycles_of_cnodes_are_revoked(void **state)
{
	struct capspace *c = *state;

	for (uint64_t a = 0; a < 8; a++) {
		for (uint64_t b = 0; b < 4; b++) {
			node_new(c, FREE, 3);
			node_new(c, FREE + 1, 2);
			/* The second into the first, then the first into the second, by way of a copy of it. */
			assert_int_equal(copy(c, FREE + 1, FREE + 2), seL4_NoError);
			assert_int_equal(move_into(c, FREE + 1, FREE, 3, a), seL4_NoError);
			assert_int_equal(move_into(c, FREE, FREE + 2, 2, b), seL4_NoError);
			assert_int_equal(delete (c, FREE + 2), seL4_NoError);
			assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
			assert_all_is_free(c);
		}
	}
}

/* CNodes of CNodes, threads and endpoints, capabilities to anything anywhere: a graph with cycles. */
static void build_graph(struct capspace *c, struct model *m)
{
	for (uint64_t i = 0; i < 24; i++) {
		if (i % 6 == 4)
			endpoint_new(c, FREE + i);
		else if (i % 6 == 5)
			assert_int_equal(retype(c, UNTYPED, seL4_TCBObject, 0, FREE + i, 1), seL4_NoError);
		else
			node_new(c, FREE + i, 1 + (unsigned)i % 4);
	}
	for (unsigned n = 0; n < 120; n++) {
		uint64_t from = FREE + draw(m, 24), into = FREE + draw(m, 24);
		unsigned bits = cap_at(c, into).size;

		if (cap_at(c, into).type == KM_CAP_CNODE && !is_empty(c, from)) {
			if (draw(m, 3) == 0)
				move_into(c, from, into, bits, draw(m, 1u << bits));
			else
				copy_into(c, from, into, bits, draw(m, 1u << bits));
		}
		if (cap_at(c, into).type == KM_CAP_THREAD && cap_at(c, from).type == KM_CAP_CNODE) {
			struct km_slot *slot = KM_TCB(c->k, (km_ref)cap_at(c, into).object)->slot;

			if (km_slot_is_empty(slot))
				km_tree_insert(c->k, cap_at(c, from), slot_at(c, from), slot);
		}
	}
}

static void test_any_graph_of_capabilities_is_revoked(void **state)
{
	struct capspace *c = *state;
	unsigned preempted = 0, deleted = 0;

	for (uint64_t seed = 1; seed <= 60; seed++) {
		struct model m = {.random = seed};

		build_graph(c, &m);
		c->interrupts = 1;
		for (unsigned n = 0; n < 12; n++) {
			uint64_t at = FREE + draw(&m, 24);

			deleted += !is_empty(c, at);
			c->k->preempt_work = draw(&m, KM_PREEMPT_WORK);
			assert_int_equal(delete (c, at), seL4_NoError);
			preempted += c->entries > 1;
			assert_true(is_empty(c, at));
			assert_sound(c);
		}
		c->k->preempt_work = draw(&m, KM_PREEMPT_WORK);
		assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
		preempted += c->entries > 1;
		assert_sound(c);
		for (uint64_t i = 0; i < 24; i++)
			assert_true(is_empty(c, FREE + i));
		assert_all_is_free(c);
	}
	assert_true(preempted > 60 && deleted > 200);
}

static void test_deep_nesting_takes_bounded_steps(void **state)
{
	struct capspace *c = *state;
	const unsigned depth = 5000;
	unsigned entries = 0;

	node_new(c, FREE, 1);
	for (unsigned i = 1; i < depth; i++) {
		node_new(c, FREE + 1, 1);
		assert_int_equal(move_into(c, FREE, FREE + 1, 1, i % 2), seL4_NoError);
		assert_int_equal(move(c, FREE + 1, FREE), seL4_NoError);
	}
	c->interrupts = 1;
	c->k->preempt_work = 0;
	set_message(c, ROOT, CNodeRevoke, NO_CAPS, WORDS(UNTYPED, 64));
	for (;;) {
		uint64_t before = c->k->work[KM_WORK_TREE];
		int again = enter_once(c);

		entries++;
		/* At most a swap and two removals to a unit of work. */
		assert_true(c->k->work[KM_WORK_TREE] - before <= 4 * KM_PREEMPT_WORK);
		if (!again)
			break;
		c->tcb->context.next_ip += 2;
	}
	assert_true(is_empty(c, FREE));
	assert_true(entries > depth / KM_PREEMPT_WORK && entries < 8 * depth / KM_PREEMPT_WORK);
	c->interrupts = 0;
	assert_all_is_free(c);
}

/* ---- revoke ---- */

static void test_revoke_takes_one_removal_a_child(void **state)
{
	struct capspace *c = *state;

	endpoint_new(c, FREE);
	for (unsigned n = 1; n <= 128; n *= 2) {
		uint64_t before;

		for (uint64_t i = 1; i <= n; i++)
			assert_int_equal(mint(c, FREE, FREE + i, KM_READ, i), seL4_NoError);
		before = c->k->work[KM_WORK_TREE];
		assert_int_equal(revoke(c, FREE), seL4_NoError);
		assert_int_equal(c->k->work[KM_WORK_TREE] - before, n);
		assert_int_equal(c->entries, 1);
	}
}

static void test_a_preempted_revoke_goes_on_where_it_was(void **state)
{
	struct capspace *c = *state;

	endpoint_new(c, FREE);
	for (uint64_t i = 1; i <= 150; i++)
		assert_int_equal(copy(c, FREE, FREE + i), seL4_NoError);
	c->interrupts = 1;
	c->k->preempt_work = 0;
	assert_int_equal(revoke(c, FREE), seL4_NoError);
	assert_int_equal(c->entries, 2);
	for (uint64_t i = 1; i <= 150; i++)
		assert_true(is_empty(c, FREE + i));
}

static void test_a_thread_without_a_context_stops_at_a_preemption_point(void **state)
{
	struct capspace *c = *state;
	struct km_sched_context *sc = KM_SC(c->k, c->k->self->sc);
	uint32_t refill_max = sc->refill_max;

	c->k->preempt_work = KM_PREEMPT_WORK - 1;
	assert_int_equal(km_preemption_point(c->k), KM_OK);
	sc->refill_max = 0;
	assert_int_equal(km_preemption_point(c->k), KM_OK);
	c->k->preempt_work = KM_PREEMPT_WORK - 1;
	assert_int_equal(km_preemption_point(c->k), KM_PREEMPTED);
	sc->refill_max = refill_max;
}

/* ---- regions ---- */

static void test_objects_of_one_region(void **state)
{
	struct km_cap untyped = {.type = KM_CAP_UNTYPED, .object = 0x1000, .size = 8};
	struct km_cap in = {.type = KM_CAP_ENDPOINT, .object = 0x100f},
		      out = {.type = KM_CAP_ENDPOINT, .object = 0x1010};
	struct km_cap node = {.type = KM_CAP_CNODE, .object = 0x1000, .size = 3}, wider = node;
	struct km_cap irqs = {.type = KM_CAP_IRQ_CONTROL}, irq = {.type = KM_CAP_IRQ_HANDLER, .word = 3};
	struct km_cap frame = {.type = KM_CAP_FRAME, .object = 0x1000, .size = 12}, device = frame;
	struct km_cap zombie = {.type = KM_CAP_ZOMBIE, .object = 0x1000, .size = 2, .word = 3};

	(void)state;
	wider.size++;
	assert_true(km_cap_same_region(untyped, in) && !km_cap_same_region(untyped, out));
	assert_false(km_cap_same_region(in, untyped));
	assert_true(km_cap_same_object(node, node) && !km_cap_same_object(node, wider));
	assert_false(km_cap_same_region(untyped, irq)); /* not memory */
	assert_true(km_cap_same_region(untyped, untyped) && !km_cap_same_object(untyped, untyped));
	assert_true(km_cap_same_region(untyped, zombie) && !km_cap_same_object(zombie, zombie));
	assert_true(km_cap_same_region(irqs, irq) && !km_cap_same_object(irqs, irq));
	assert_true(km_cap_same_region(irqs, irqs) && !km_cap_same_region(irq, irqs));
	device.flag = 1;
	assert_true(km_cap_same_object(frame, frame) && !km_cap_same_object(frame, device));
	frame.size = 21;
	assert_true(km_cap_same_region(frame, device) && !km_cap_same_region(device, frame));
	/* Up to the last byte of physical memory. */
	untyped = (struct km_cap){.type = KM_CAP_UNTYPED, .object = 0, .size = 46};
	assert_true(km_cap_same_region(
		untyped, (struct km_cap){.type = KM_CAP_FRAME, .object = 0x3ffffffff00, .size = 12}));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPSPACE_TEST(test_copies_of_an_original_are_its_children_and_each_others_siblings),
		CAPSPACE_TEST(test_a_new_badge_makes_an_original),
		CAPSPACE_TEST(test_who_is_first_badged_passes_that_on),
		CAPSPACE_TEST(test_children_of_a_deleted_original_are_left_to_its_parent),
		CAPSPACE_TEST(test_each_new_object_stands_right_behind_its_untyped),
		CAPSPACE_TEST(test_the_list_is_the_tree_that_it_stands_for),
		CAPSPACE_TEST(test_the_last_capability_to_an_endpoint_restarts_who_waits),
		CAPSPACE_TEST(test_the_last_capability_to_a_thread_ends_it),
		CAPSPACE_TEST(test_a_thread_lets_go_of_what_it_is_bound_to),
		CAPSPACE_TEST(test_a_deleted_context_may_not_be_run_on),
		CAPSPACE_TEST(test_what_a_thread_holds_goes_with_it),
		CAPSPACE_TEST(test_a_thread_may_delete_itself),
		CAPSPACE_TEST(test_a_cnode_is_emptied_from_its_last_slot_between_preemption_points),
		CAPSPACE_TEST(test_a_long_call_ends_at_a_preemption_point_when_its_budget_does),
		CAPSPACE_TEST(test_a_long_call_ends_at_a_preemption_point_when_its_domain_does),
		CAPSPACE_TEST(test_a_zombie_is_of_no_use),
		CAPSPACE_TEST(test_what_a_deleted_cnode_holds_of_cnodes_waits_for_a_revoke),
		CAPSPACE_TEST(test_a_cnode_that_holds_its_only_capability_is_revoked),
		CAPSPACE_TEST(test_a_zombie_in_its_own_first_slot_goes_with_it),
		CAPSPACE_TEST(test_cycles_of_cnodes_are_revoked),
		CAPSPACE_TEST(test_any_graph_of_capabilities_is_revoked),
		CAPSPACE_TEST(test_deep_nesting_takes_bounded_steps),
		CAPSPACE_TEST(test_revoke_takes_one_removal_a_child),
		CAPSPACE_TEST(test_a_preempted_revoke_goes_on_where_it_was),
		CAPSPACE_TEST(test_a_thread_without_a_context_stops_at_a_preemption_point),
		cmocka_unit_test(test_objects_of_one_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
