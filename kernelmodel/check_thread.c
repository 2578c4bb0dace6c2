/* kernelmodel/check_thread.c - threads, the queues they are in, and the contexts and replies they hold. See check.h. */
#include "kernelmodel/check.h"
#include "kernelmodel/sched.h"

static struct km_tcb *thread(const struct check *c, uint32_t i) { return KM_TCB(c->k, c->threads.item[i]); }

/* ---- queues of endpoints and notifications ---- */

/* Counts its threads; each is in `state`, waits for `object`, and stands behind nobody of a lower priority. */
static bool check_wait_queue(struct check *c, km_ref object, const struct km_queue *queue, unsigned state)
{
	km_ref before = 0;
	unsigned priority = UINT8_MAX;
	for (km_ref at = queue->head; at != 0;) {
		uint32_t i = check_set_find(&c->threads, at);
		if (i == CHECK_NONE)
			return check_fail(c, "queue of object %x: %x is no thread", object, at);
		const struct km_tcb *tcb = thread(c, i);
		if (c->waiting[i]++ != 0)
			return check_fail(c, "queue of object %x: thread %x is queued twice", object, at);
		if (tcb->ep_prev != before)
			return check_fail(c, "queue of object %x: thread %x does not point back", object, at);
		if (tcb->state != state || tcb->blocked_on != object)
			return check_fail(c, "queue of object %x: thread %x is in state %u and waits for %x",
					  object, at, tcb->state, tcb->blocked_on);
		if (tcb->priority > priority)
			return check_fail(c,
					  "queue of object %x: thread %x stands behind one of lower priority",
					  object, at);
		priority = tcb->priority;
		before = at;
		at = tcb->ep_next;
	}
	if (queue->tail != before)
		return check_fail(c, "queue of object %x: it ends with %x, not with %x", object, before,
				  queue->tail);
	return true;
}

static bool check_endpoint(struct check *c, km_ref at)
{
	const struct km_endpoint *ep = KM_EP(c->k, at);
	if (ep->state > KM_EP_RECEIVING || (ep->state == KM_EP_IDLE) != (ep->queue.head == 0))
		return check_fail(c, "endpoint %x: state %u does not agree with its queue", at, ep->state);
	return check_wait_queue(c, at, &ep->queue,
				ep->state == KM_EP_SENDING ? KM_BLOCKED_ON_SEND : KM_BLOCKED_ON_RECEIVE);
}

static bool check_notification(struct check *c, km_ref at)
{
	const struct km_notification *ntfn = KM_NTFN(c->k, at);
	if (ntfn->state > KM_NTFN_ACTIVE || (ntfn->state == KM_NTFN_WAITING) != (ntfn->queue.head != 0))
		return check_fail(c, "notification %x: state %u does not agree with its queue", at,
				  ntfn->state);
	if (ntfn->bound_tcb != 0 && (!check_set_has(&c->threads, ntfn->bound_tcb) ||
				     KM_TCB(c->k, ntfn->bound_tcb)->notification != at))
		return check_fail(c, "notification %x: thread %x is not bound to it", at, ntfn->bound_tcb);
	if (ntfn->sc != 0 &&
	    (!check_set_has(&c->contexts, ntfn->sc) || KM_SC(c->k, ntfn->sc)->notification != at))
		return check_fail(c, "notification %x: scheduling context %x is not bound to it", at,
				  ntfn->sc);
	return check_wait_queue(c, at, &ntfn->queue, KM_BLOCKED_ON_NOTIFICATION);
}

static bool check_wait_queues(struct check *c)
{
	for (uint32_t i = 0; i < c->endpoints.count; i++)
		if (!check_endpoint(c, c->endpoints.item[i]))
			return false;
	for (uint32_t i = 0; i < c->notifications.count; i++)
		if (!check_notification(c, c->notifications.item[i]))
			return false;
	return true;
}

/* ---- threads ---- */

static bool waits_in_queue(const struct km_tcb *tcb)
{
	return tcb->state == KM_BLOCKED_ON_RECEIVE || tcb->state == KM_BLOCKED_ON_SEND ||
	       tcb->state == KM_BLOCKED_ON_NOTIFICATION;
}

static bool check_bindings(struct check *c, km_ref at, const struct km_tcb *tcb)
{
	const struct km_kernel *k = c->k;
	if (tcb->notification != 0 && (!check_set_has(&c->notifications, tcb->notification) ||
				       KM_NTFN(k, tcb->notification)->bound_tcb != at))
		return check_fail(c, "thread %x: notification %x is not bound to it", at, tcb->notification);
	if (tcb->sc != 0 && (!check_set_has(&c->contexts, tcb->sc) || KM_SC(k, tcb->sc)->tcb != at))
		return check_fail(c, "thread %x: scheduling context %x is not its", at, tcb->sc);
	if (tcb->yield_to != 0 &&
	    (!check_set_has(&c->contexts, tcb->yield_to) || KM_SC(k, tcb->yield_to)->yield_from != at))
		return check_fail(c, "thread %x: scheduling context %x knows nothing of its yield", at,
				  tcb->yield_to);
	if (tcb->sc != 0 && tcb->core != KM_SC(k, tcb->sc)->core)
		return check_fail(c, "thread %x is of core %u, its scheduling context of core %u", at,
				  tcb->core, KM_SC(k, tcb->sc)->core);
	return true;
}

static bool check_thread_reply(struct check *c, km_ref at, const struct km_tcb *tcb)
{
	if (tcb->reply == 0)
		return tcb->state != KM_BLOCKED_ON_REPLY ||
		       check_fail(c, "thread %x waits for a reply without a reply object", at);
	if (tcb->state != KM_BLOCKED_ON_REPLY && tcb->state != KM_BLOCKED_ON_RECEIVE)
		return check_fail(c, "thread %x has reply object %x in state %u", at, tcb->reply, tcb->state);
	if (!check_set_has(&c->replies, tcb->reply) || KM_REPLY_AT(c->k, tcb->reply)->tcb != at)
		return check_fail(c, "thread %x: reply object %x is not its", at, tcb->reply);
	return true;
}

static bool check_thread(struct check *c, uint32_t i)
{
	const struct km_tcb *tcb = thread(c, i);
	km_ref at = c->threads.item[i];
	if (tcb->state >= KM_IDLE || tcb->core >= c->k->cores || tcb->domain >= KM_DOMAINS)
		return check_fail(c, "thread %x: state %u, core %u or domain %u is none", at, tcb->state,
				  tcb->core, tcb->domain);
	if (c->waiting[i] != waits_in_queue(tcb))
		return check_fail(c, "thread %x is in state %u, but is in %u queues of what it waits for", at,
				  tcb->state, c->waiting[i]);
	if (!waits_in_queue(tcb) && (tcb->ep_prev != 0 || tcb->ep_next != 0))
		return check_fail(c, "thread %x waits for nothing but has neighbours in a queue", at);
	return check_bindings(c, at, tcb) && check_thread_reply(c, at, tcb);
}

/* A capability to a thread names one of the list, and each of the list has a capability. */
static bool check_thread_capabilities(struct check *c)
{
	struct check_set named = {0};
	bool is_good = true;
	for (uint32_t i = 0; i < c->slots.count && is_good; i++) {
		struct km_cap cap = check_slot(c, i)->cap;
		if (cap.type != KM_CAP_THREAD)
			continue;
		check_set_add(&named, (km_ref)cap.object);
		if (!check_set_has(&c->threads, (km_ref)cap.object))
			is_good = check_fail(c, "slot %x: its thread %x is not in the list of threads",
					     c->slots.item[i], (km_ref)cap.object);
	}
	for (uint32_t i = 0; i < c->threads.count && is_good; i++)
		if (!check_set_has(&named, c->threads.item[i]))
			is_good = check_fail(
				c, "thread %x is in the list of threads, but no capability names it",
				c->threads.item[i]);
	check_set_free(&named);
	return is_good;
}

bool check_threads(struct check *c)
{
	if (!check_thread_capabilities(c) || !check_wait_queues(c))
		return false;
	for (uint32_t i = 0; i < c->threads.count; i++)
		if (!check_thread(c, i))
			return false;
	return true;
}

/* ---- cores ---- */

static bool check_ready_thread(struct check *c, const struct km_core *core, unsigned domain,
			       unsigned priority, uint32_t i)
{
	const struct km_tcb *tcb = thread(c, i);
	if (!tcb->queued || c->queued[i]++ != 0 || tcb->in_release_queue)
		return check_fail(c, "core %u: thread %x is in more queues, or in other ones, than it says",
				  core->id, c->threads.item[i]);
	if (tcb->core != core->id || tcb->domain != domain || tcb->priority != priority)
		return check_fail(
			c,
			"core %u: thread %x is in the ready queue of domain %u, priority %u, not in its own",
			core->id, c->threads.item[i], domain, priority);
	if (!km_is_schedulable(c->k, tcb))
		return check_fail(c, "core %u: thread %x is in a ready queue but may not run", core->id,
				  c->threads.item[i]);
	return true;
}

static bool check_ready_queue(struct check *c, const struct km_core *core, unsigned domain, unsigned priority)
{
	const struct km_queue *queue = &core->ready[domain].queue[priority];
	km_ref before = 0;
	for (km_ref at = queue->head; at != 0; at = KM_TCB(c->k, at)->sched_next) {
		uint32_t i = check_set_find(&c->threads, at);
		if (i == CHECK_NONE || thread(c, i)->sched_prev != before)
			return check_fail(c,
					  "core %u: %x in a ready queue is no thread, or does not point back",
					  core->id, at);
		if (!check_ready_thread(c, core, domain, priority, i))
			return false;
		before = at;
	}
	if (queue->tail != before)
		return check_fail(c, "core %u: the ready queue of priority %u ends with %x, not with %x",
				  core->id, priority, before, queue->tail);
	bool is_marked = core->ready[domain].level2[priority / 64] >> priority % 64 & 1;
	if (is_marked != (queue->head != 0))
		return check_fail(
			c, "core %u: the bitmap says of domain %u, priority %u the contrary of its queue",
			core->id, domain, priority);
	return true;
}

static bool check_ready_queues(struct check *c, const struct km_core *core)
{
	for (unsigned domain = 0; domain < KM_DOMAINS; domain++) {
		for (unsigned priority = 0; priority < KM_PRIORITIES; priority++)
			if (!check_ready_queue(c, core, domain, priority))
				return false;
		for (unsigned high = 0; high < KM_PRIORITIES / 64; high++)
			if ((core->ready[domain].level1 >> high & 1) !=
			    (core->ready[domain].level2[high] != 0))
				return check_fail(
					c, "core %u: the two levels of the bitmap of domain %u disagree",
					core->id, domain);
	}
	return true;
}

static bool check_release_queue(struct check *c, const struct km_core *core)
{
	km_ref before = 0;
	km_ticks time = 0;
	for (km_ref at = core->release.head; at != 0; at = KM_TCB(c->k, at)->sched_next) {
		uint32_t i = check_set_find(&c->threads, at);
		if (i == CHECK_NONE || thread(c, i)->sched_prev != before)
			return check_fail(
				c, "core %u: %x in the release queue is no thread, or does not point back",
				core->id, at);
		const struct km_tcb *tcb = thread(c, i);
		if (!tcb->in_release_queue || c->queued[i]++ != 0 || tcb->queued || tcb->core != core->id)
			return check_fail(c, "core %u: thread %x is in the release queue, but says otherwise",
					  core->id, at);
		if (tcb->sc == 0 || !km_is_runnable(tcb))
			return check_fail(c,
					  "core %u: thread %x waits for its release, but could not run then",
					  core->id, at);
		if (tcb->release_at < time || tcb->release_at != km_refill_head_time(KM_SC(c->k, tcb->sc)))
			return check_fail(c, "core %u: thread %x is not at its place in the release queue",
					  core->id, at);
		time = tcb->release_at;
		before = at;
	}
	if (core->release.tail != before)
		return check_fail(c, "core %u: the release queue ends with %x, not with %x", core->id, before,
				  core->release.tail);
	return true;
}

static bool check_current(struct check *c, const struct km_core *core)
{
	const struct km_tcb *tcb = core->current;
	km_ref at = km_ref_of(c->k, tcb);
	if (tcb == core->idle)
		return tcb->state == KM_IDLE ||
		       check_fail(c, "core %u: its idle thread is in state %u", core->id, tcb->state);
	if (!check_set_has(&c->threads, at))
		return check_fail(c, "core %u: what it runs, %x, is no thread", core->id, at);
	if (tcb->queued || tcb->in_release_queue)
		return check_fail(c, "core %u: the thread that it runs, %x, is in a queue as well", core->id,
				  at);
	/* Another core may have stopped it; then it is asked to look again. */
	if (!(c->k->ipi >> core->id & 1) && (!km_is_schedulable(c->k, tcb) || tcb->core != core->id))
		return check_fail(c, "core %u: the thread that it runs, %x, may not run there", core->id, at);
	if (!(c->k->ipi >> core->id & 1) && core->sc != tcb->sc)
		return check_fail(
			c, "core %u: it charges scheduling context %x, not %x of the thread that it runs",
			core->id, core->sc, tcb->sc);
	return true;
}

/* Nobody is forgotten: who may run does, or is in a queue. */
static bool check_nobody_is_lost(struct check *c)
{
	for (uint32_t i = 0; i < c->threads.count; i++) {
		const struct km_tcb *tcb = thread(c, i);
		km_ref at = c->threads.item[i];
		if (c->queued[i] != (tcb->queued || tcb->in_release_queue))
			return check_fail(
				c, "thread %x says that it is in a ready or release queue, and is in none",
				at);
		if (km_is_schedulable(c->k, tcb) && !tcb->queued && c->k->core[tcb->core].current != tcb)
			return check_fail(c, "thread %x may run, but neither runs nor is in a queue", at);
	}
	return true;
}

bool check_cores(struct check *c)
{
	for (uint32_t i = 0; i < c->k->cores; i++) {
		const struct km_core *core = &c->k->core[i];
		if (!check_ready_queues(c, core) || !check_release_queue(c, core) || !check_current(c, core))
			return false;
	}
	return check_nobody_is_lost(c);
}

/* ---- scheduling contexts ---- */

static bool check_refills(struct check *c, km_ref at, struct km_sched_context *sc)
{
	if (sc->refill_max == 0)
		return true;
	if (sc->refill_count == 0 || sc->refill_count > sc->refill_max || sc->refill_head >= sc->refill_max)
		return check_fail(c, "scheduling context %x: %u refills from %u on, of %u", at,
				  sc->refill_count, sc->refill_head, sc->refill_max);
	km_ticks sum = 0, end = 0;
	for (uint32_t i = 0; i < sc->refill_count; i++) {
		const struct km_refill *refill = km_refill_at(sc, i);
		/* Of a round-robin context the second one is what was used of the first. */
		if (i > 0 && refill->time < end && !km_sc_is_round_robin(sc))
			return check_fail(
				c, "scheduling context %x: refill %u begins before the one before it ends",
				at, i);
		end = refill->time + refill->amount;
		sum += refill->amount;
	}
	if (sum > sc->budget)
		return check_fail(c, "scheduling context %x: its refills are %lu ticks, its budget %lu", at,
				  sum, sc->budget);
	return true;
}

static bool check_context(struct check *c, km_ref at)
{
	struct km_sched_context *sc = KM_SC(c->k, at);
	if (sc->core >= c->k->cores)
		return check_fail(c, "scheduling context %x is of core %u of %u", at, sc->core, c->k->cores);
	if (sc->tcb != 0 && (!check_set_has(&c->threads, sc->tcb) || KM_TCB(c->k, sc->tcb)->sc != at))
		return check_fail(c, "scheduling context %x: thread %x does not have it", at, sc->tcb);
	if (sc->notification != 0 && (!check_set_has(&c->notifications, sc->notification) ||
				      KM_NTFN(c->k, sc->notification)->sc != at))
		return check_fail(c, "scheduling context %x: notification %x does not have it", at,
				  sc->notification);
	if (sc->yield_from != 0 &&
	    (!check_set_has(&c->threads, sc->yield_from) || KM_TCB(c->k, sc->yield_from)->yield_to != at))
		return check_fail(c, "scheduling context %x: thread %x does not yield to it", at,
				  sc->yield_from);
	if (sc->reply != 0) {
		const struct km_reply *head = KM_REPLY_AT(c->k, sc->reply);
		if (!check_set_has(&c->replies, sc->reply) || !head->next_is_sc || head->next != at)
			return check_fail(
				c, "scheduling context %x: reply object %x is not the head of its calls", at,
				sc->reply);
	}
	return check_refills(c, at, sc);
}

/* The refills lie inside the object, whose size only capabilities know. */
static bool check_context_sizes(struct check *c)
{
	for (uint32_t i = 0; i < c->slots.count; i++) {
		struct km_cap cap = check_slot(c, i)->cap;
		if (cap.type != KM_CAP_SCHED_CONTEXT)
			continue;
		const struct km_sched_context *sc = km_cap_object(c->k, cap);
		uint64_t room = ((UINT64_C(1) << cap.size) - sizeof *sc) / sizeof(struct km_refill);
		if (sc->refill_max > room)
			return check_fail(c,
					  "slot %x: its scheduling context has %u refills, and room for %lu",
					  c->slots.item[i], sc->refill_max, room);
	}
	return true;
}

/* ---- replies ---- */

static bool check_reply_links(struct check *c, km_ref at)
{
	const struct km_reply *reply = KM_REPLY_AT(c->k, at);
	if (reply->tcb == 0 && (reply->prev != 0 || reply->next != 0))
		return check_fail(c, "reply object %x is in a stack of calls without a caller", at);
	if (reply->tcb != 0 &&
	    (!check_set_has(&c->threads, reply->tcb) || KM_TCB(c->k, reply->tcb)->reply != at))
		return check_fail(c, "reply object %x: thread %x does not have it", at, reply->tcb);
	if (reply->prev != 0 &&
	    (!check_set_has(&c->replies, reply->prev) || KM_REPLY_AT(c->k, reply->prev)->next != at ||
	     KM_REPLY_AT(c->k, reply->prev)->next_is_sc))
		return check_fail(c, "reply object %x: the earlier call %x does not point to it", at,
				  reply->prev);
	if (reply->next != 0 && reply->next_is_sc &&
	    (!check_set_has(&c->contexts, reply->next) || KM_SC(c->k, reply->next)->reply != at))
		return check_fail(c, "reply object %x: scheduling context %x does not point to it", at,
				  reply->next);
	if (reply->next != 0 && !reply->next_is_sc &&
	    (!check_set_has(&c->replies, reply->next) || KM_REPLY_AT(c->k, reply->next)->prev != at))
		return check_fail(c, "reply object %x: the later call %x does not point to it", at,
				  reply->next);
	return true;
}

/* All replies hang from a latest call; those that do not are a circle. */
static bool check_stacks(struct check *c)
{
	uint32_t visited = 0;
	for (uint32_t i = 0; i < c->replies.count; i++) {
		const struct km_reply *reply = KM_REPLY_AT(c->k, c->replies.item[i]);
		if (reply->next != 0 && !reply->next_is_sc)
			continue;
		for (visited++; reply->prev != 0 && visited <= c->replies.count; visited++)
			reply = KM_REPLY_AT(c->k, reply->prev);
	}
	if (visited != c->replies.count)
		return check_fail(
			c, "calls go round in a circle: %u of %u reply objects hang from a latest call",
			visited, c->replies.count);
	return true;
}

bool check_contexts(struct check *c)
{
	if (!check_context_sizes(c))
		return false;
	for (uint32_t i = 0; i < c->contexts.count; i++)
		if (!check_context(c, c->contexts.item[i]))
			return false;
	for (uint32_t i = 0; i < c->replies.count; i++)
		if (!check_reply_links(c, c->replies.item[i]))
			return false;
	return check_stacks(c);
}
