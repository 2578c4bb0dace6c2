/* The release queue of a core: threads whose head refill lies in the future, in the order of their
 * releases, first in first out among equals.
 *
 * It is a doubly linked list (core->release, sched_prev, sched_next), so that the next release is its head
 * and those who look may walk it. A treap over the same threads finds a place in it: seL4 walks the list,
 * which takes as long as threads wait. The weight of a thread in the treap is a hash of where it lies: the
 * same run gives the same tree, and the expected depth is logarithmic whatever the order of arrivals. */
#include "kernelmodel/sched.h"

static uint32_t weight_of(km_ref ref)
{
	uint32_t hash = ref * UINT32_C(0x9e3779b1);

	hash ^= hash >> 15;
	hash *= UINT32_C(0x85ebca77);
	return hash ^ hash >> 13;
}

/* Whatever hangs from `up` (0: the root) in the place of `old` is now `child`. */
static void set_child(struct km_kernel *k, struct km_core *core, km_ref up, km_ref old, km_ref child)
{
	if (!up)
		core->release_root = child;
	else if (KM_TCB(k, up)->release_left == old)
		KM_TCB(k, up)->release_left = child;
	else
		KM_TCB(k, up)->release_right = child;
	if (child)
		KM_TCB(k, child)->release_up = up;
}

/* `tcb` changes places with its parent; what lies between them changes hands. */
static void rotate_up(struct km_kernel *k, struct km_core *core, struct km_tcb *tcb)
{
	km_ref self = km_ref_of(k, tcb), parent = tcb->release_up, between;
	struct km_tcb *up = KM_TCB(k, parent);

	set_child(k, core, up->release_up, parent, self);
	if (up->release_left == self) {
		between = tcb->release_right;
		tcb->release_right = parent;
		up->release_left = between;
	} else {
		between = tcb->release_left;
		tcb->release_left = parent;
		up->release_right = between;
	}
	up->release_up = self;
	if (between)
		KM_TCB(k, between)->release_up = parent;
}

static void tree_insert(struct km_kernel *k, struct km_core *core, struct km_tcb *tcb)
{
	km_ref self = km_ref_of(k, tcb), at = core->release_root;
	km_ref *link = &core->release_root;

	tcb->sched_prev = tcb->sched_next = tcb->release_up = tcb->release_left = tcb->release_right = 0;
	while (at) {
		struct km_tcb *node = KM_TCB(k, at);

		tcb->release_up = at;
		if (node->release_at <= tcb->release_at) {
			tcb->sched_prev = at;
			link = &node->release_right;
		} else {
			tcb->sched_next = at;
			link = &node->release_left;
		}
		at = *link;
	}
	*link = self;
	while (tcb->release_up && weight_of(tcb->release_up) < weight_of(self))
		rotate_up(k, core, tcb);
}

static void tree_remove(struct km_kernel *k, struct km_core *core, struct km_tcb *tcb)
{
	km_ref self = km_ref_of(k, tcb);

	while (tcb->release_left && tcb->release_right) {
		km_ref left = tcb->release_left, right = tcb->release_right;

		rotate_up(k, core, KM_TCB(k, weight_of(left) > weight_of(right) ? left : right));
	}
	set_child(k, core, tcb->release_up, self, tcb->release_left ? tcb->release_left : tcb->release_right);
	tcb->release_up = tcb->release_left = tcb->release_right = 0;
}

/* The timer of `core` depends on the head of its queue. */
static void head_changed(struct km_kernel *k, struct km_core *core)
{
	core->reprogram = 1;
	km_ask_core(k, core);
}

void km_release_enqueue(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_core *core = km_core_of(k, tcb);
	km_ref self = km_ref_of(k, tcb);

	if (tcb->in_release_queue)
		return;
	km_work(k, KM_WORK_QUEUE);
	tcb->release_at = km_refill_head_time(KM_SC(k, tcb->sc));
	tcb->in_release_queue = 1;
	tree_insert(k, core, tcb);
	if (tcb->sched_next)
		KM_TCB(k, tcb->sched_next)->sched_prev = self;
	else
		core->release.tail = self;
	if (tcb->sched_prev) {
		KM_TCB(k, tcb->sched_prev)->sched_next = self;
	} else {
		core->release.head = self;
		head_changed(k, core);
	}
}

void km_release_remove(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_core *core = km_core_of(k, tcb);

	if (!tcb->in_release_queue)
		return;
	km_work(k, KM_WORK_QUEUE);
	tree_remove(k, core, tcb);
	if (tcb->sched_next)
		KM_TCB(k, tcb->sched_next)->sched_prev = tcb->sched_prev;
	else
		core->release.tail = tcb->sched_prev;
	if (tcb->sched_prev) {
		KM_TCB(k, tcb->sched_prev)->sched_next = tcb->sched_next;
	} else {
		/* A timer that comes too early finds nothing to do: a remote core need not be asked. */
		core->release.head = tcb->sched_next;
		core->reprogram = 1;
	}
	tcb->sched_prev = tcb->sched_next = 0;
	tcb->in_release_queue = 0;
}
