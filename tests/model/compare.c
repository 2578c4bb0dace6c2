/* tests/model/compare.c - is the kernel where the model is? See pair.h.
 *
 * Every capability that the kernel holds must be one of the graph's, with the same rights, badge and place: that is the
 * check that no sequence of calls gives authority that no chain of grants explains. */
#include "tests/model/pair.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *const kind_name[M_KINDS] = {
	"null",      "untyped",         "endpoint",       "notification", "reply",       "cnode",
	"tcb",       "sched_context",   "sched_control",  "domain",       "irq_control", "irq_handler",
	"frame",     "page_table",      "page_directory", "pdpt",         "pml4",        "asid_control",
	"asid_pool", "io_port_control", "io_port",        "zombie"};

__attribute__((format(printf, 2, 3))) static const char *differ(struct pair *pair, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(pair->why, sizeof(pair->why), format, list);
	va_end(list);
	return pair->why;
}

const char *pair_cap_text(char *out, size_t size, struct m_cap cap)
{
	snprintf(out, size,
		 "%s at %#" PRIx64 " rights %u badge/guard %#" PRIx64 "/%u bits %u used %#" PRIx64
		 " asid %u left %u",
		 kind_name[cap.kind], cap.object ? cap.object->at : cap.base, cap.rights, cap.badge,
		 cap.guard_bits, cap.bits, cap.used, cap.asid, cap.left);
	return out;
}

/* ---- places ---- */

struct km_slot *pair_slot(const struct pair *pair, const struct m_slot *slot)
{
	return KM_SLOT(pair->kernel, (km_ref)(slot->owner->at >> KM_GRANULE_BITS)) + slot->index;
}

static km_ref ref_of_slot(const struct m_slot *slot)
{
	return (km_ref)((slot->owner->at >> KM_GRANULE_BITS) +
			slot->index * (sizeof(struct km_slot) >> KM_GRANULE_BITS));
}

static km_ref ref_of(const struct m_object *object)
{
	return object ? (km_ref)(object->at >> KM_GRANULE_BITS) : 0;
}

static void *at(const struct pair *pair, const struct m_object *object)
{
	return km_at(pair->kernel, ref_of(object));
}

/* ---- capabilities ---- */

static struct km_cap expected(struct m_cap cap)
{
	static const uint8_t type[M_KINDS] = {
		KM_CAP_NULL,          KM_CAP_UNTYPED,      KM_CAP_ENDPOINT,       KM_CAP_NOTIFICATION,
		KM_CAP_REPLY,         KM_CAP_CNODE,        KM_CAP_THREAD,         KM_CAP_SCHED_CONTEXT,
		KM_CAP_SCHED_CONTROL, KM_CAP_DOMAIN,       KM_CAP_IRQ_CONTROL,    KM_CAP_IRQ_HANDLER,
		KM_CAP_FRAME,         KM_CAP_PAGE_TABLE,   KM_CAP_PAGE_DIRECTORY, KM_CAP_PDPT,
		KM_CAP_PML4,          KM_CAP_ASID_CONTROL, KM_CAP_ASID_POOL,      KM_CAP_IO_PORT_CONTROL,
		KM_CAP_IO_PORT,       KM_CAP_ZOMBIE};
	struct km_cap out = {.type = type[cap.kind]};
	m_word object = (cap.object ? cap.object->at : 0) >> KM_GRANULE_BITS;

	out.object = object & ((UINT64_C(1) << 42) - 1);
	switch (cap.kind) {
	case M_UNTYPED:
		out.object = (cap.base >> KM_GRANULE_BITS) & ((UINT64_C(1) << 42) - 1);
		out.size = cap.bits & 63;
		out.flag = cap.device;
		out.word = cap.used >> KM_GRANULE_BITS;
		break;
	case M_ENDPOINT:
	case M_NOTIFICATION:
		out.rights = cap.rights & 15;
		out.word = cap.badge;
		break;
	case M_REPLY:
		out.rights = cap.rights & 15;
		break;
	case M_CNODE:
		out.size = cap.bits & 63;
		out.guard_size = cap.guard_bits & 63;
		out.word = cap.badge;
		break;
	case M_CONTEXT:
		out.size = cap.bits & 63;
		break;
	case M_SCHED_CONTROL:
	case M_IRQ_HANDLER:
	case M_ASID_POOL:
		out.word = cap.base;
		break;
	case M_FRAME:
		out.rights = cap.rights & 3;
		out.size = cap.bits & 63;
		out.flag = cap.device;
		out.word = (m_word)cap.asid << KM_ASID_SHIFT | cap.vaddr;
		break;
	case M_PAGE_TABLE:
	case M_PAGE_DIRECTORY:
	case M_PDPT:
	case M_PML4:
		out.flag = cap.asid != 0;
		out.word = (m_word)cap.asid << KM_ASID_SHIFT | cap.vaddr;
		break;
	case M_ZOMBIE:
		out.size = cap.object->kind == M_CNODE ? cap.object->bits & 63 : 0;
		out.flag = cap.object->kind == M_THREAD;
		out.word = cap.left;
		break;
	default:
		break;
	}
	return out;
}

static bool is_same_cap(struct km_cap a, struct km_cap b)
{
	if (a.type != b.type)
		return false;
	if (a.type == KM_CAP_ZOMBIE && a.flag) /* the size of a TCB is not said */
		a.size = b.size;
	/* Where a table that is not mapped would be is nobody's business. */
	if (a.type >= KM_CAP_PAGE_TABLE && a.type <= KM_CAP_PDPT && !a.flag && !b.flag)
		a.word = b.word;
	return a.rights == b.rights && a.size == b.size && a.guard_size == b.guard_size && a.flag == b.flag &&
	       a.object == b.object && a.word == b.word;
}

static const char *slot_text(char *out, size_t size, const struct m_slot *slot)
{
	snprintf(out, size, "slot %u of %s %u", slot->index, kind_name[slot->owner->kind],
		 slot->owner->number);
	return out;
}

/* ---- what a revoke would take ---- */

static m_word start_of(struct m_cap cap) { return cap.object ? cap.object->at : cap.base; }
static bool is_memory(enum m_kind kind)
{
	return kind != M_NULL && kind != M_SCHED_CONTROL && kind != M_DOMAIN && kind != M_IRQ_CONTROL &&
	       kind != M_IRQ_HANDLER && kind != M_ASID_CONTROL && kind != M_PORT_CONTROL && kind != M_PORT;
}

static bool covers(struct m_cap a, struct m_cap b)
{
	switch (a.kind) {
	case M_UNTYPED:
		return is_memory(b.kind) && start_of(b) - a.base < (m_word)1 << a.bits;
	case M_IRQ_CONTROL:
		return b.kind == M_IRQ_CONTROL || b.kind == M_IRQ_HANDLER;
	case M_PORT_CONTROL:
		return b.kind == M_PORT_CONTROL || b.kind == M_PORT;
	default:
		return m_same_object(a, b);
	}
}

/* Whether the kernel's list and its two bits make `b`, which comes somewhere behind `a`, one that was derived from `a`. */
static bool list_says_derived(const struct pair *pair, const struct m_node *a, const struct m_node *b)
{
	const struct km_slot *slot_a = pair_slot(pair, a->slot), *slot_b = pair_slot(pair, b->slot);

	if (!slot_a->revocable || !covers(a->cap, b->cap))
		return false;
	if (a->cap.kind != M_ENDPOINT && a->cap.kind != M_NOTIFICATION)
		return true;
	return !a->cap.badge || (a->cap.badge == b->cap.badge && !slot_b->first_badged);
}

/* The run of descendants begins and ends where the graph says. */
static const char *compare_descent(struct pair *pair, const struct m_node *node)
{
	const struct m_node *last = node, *behind;
	char text[192];

	while (last->last)
		last = last->last;
	behind = m_node_after(last);
	if (node->first && !list_says_derived(pair, node, node->first))
		return differ(pair, "tree: a revoke of %s would not take what was derived from it",
			      pair_cap_text(text, sizeof(text), node->cap));
	if (behind && list_says_derived(pair, node, behind))
		return differ(pair, "tree: a revoke of %s would take what was not derived from it",
			      pair_cap_text(text, sizeof(text), node->cap));
	return NULL;
}

static const char *compare_slot(struct pair *pair, const struct m_slot *slot)
{
	const struct km_slot *kernel = pair_slot(pair, slot);
	struct m_cap cap = m_slot_cap(slot);
	const struct m_node *after;
	char where[64], text[192];

	slot_text(where, sizeof(where), slot);
	if (!is_same_cap(kernel->cap, expected(cap)))
		return differ(pair,
			      "capability: %s: the model says %s; the kernel has type %u at %#" PRIx64
			      " rights %u size %u guard size %u flag %u word %#" PRIx64,
			      where, pair_cap_text(text, sizeof(text), cap), (unsigned)kernel->cap.type,
			      km_cap_paddr(kernel->cap), (unsigned)kernel->cap.rights,
			      (unsigned)kernel->cap.size, (unsigned)kernel->cap.guard_size,
			      (unsigned)kernel->cap.flag, kernel->cap.word);
	if (!slot->node)
		return NULL;
	after = m_node_after(slot->node);
	if (after && kernel->next != ref_of_slot(after->slot)) {
		char next[64];

		return differ(pair, "tree: behind %s (%s) the model has %s, the kernel what is at %#x", where,
			      pair_cap_text(text, sizeof(text), cap),
			      slot_text(next, sizeof(next), after->slot), kernel->next);
	}
	if (kernel->revocable != slot->node->original)
		return differ(pair, "tree: %s (%s) is %san original in the model, not so in the kernel",
			      where, pair_cap_text(text, sizeof(text), cap),
			      slot->node->original ? "" : "not ");
	return compare_descent(pair, slot->node);
}

/* ---- queues ---- */

static const char *compare_queue(struct pair *pair, const struct m_object *object,
				 const struct km_queue *queue)
{
	km_ref at_ref = queue->head;

	for (unsigned i = 0; i < object->queue.count; i++) {
		if (at_ref != ref_of(object->queue.item[i]))
			return differ(pair,
				      "queue: of %s %u, place %u: the model has thread %u, the kernel what "
				      "is at %#x",
				      kind_name[object->kind], object->number, i,
				      object->queue.item[i]->number, at_ref);
		at_ref = KM_TCB(pair->kernel, at_ref)->ep_next;
	}
	return at_ref ? differ(pair, "queue: of %s %u: the kernel has more than %u threads in it",
			       kind_name[object->kind], object->number, object->queue.count)
		      : NULL;
}

static const char *compare_ready(struct pair *pair, unsigned domain)
{
	const struct m_list *list = &pair->model->ready[domain];
	unsigned i = 0;

	for (int priority = 255; priority >= 0; priority--) {
		km_ref ref = pair->core->ready[domain].queue[priority].head;

		for (; ref; ref = KM_TCB(pair->kernel, ref)->sched_next, i++)
			if (i >= list->count || ref != ref_of(list->item[i]))
				return differ(pair,
					      "ready: turn %u of domain %u: the model has thread %d, the "
					      "kernel what is at %#x",
					      i, domain, i < list->count ? (int)list->item[i]->number : -1,
					      ref);
	}
	return i < list->count ? differ(pair, "ready: domain %u: the kernel lacks thread %u at turn %u",
					domain, list->item[i]->number, i)
			       : NULL;
}

/* ---- objects ---- */

#define SAME(what, model, kernel)                                                                            \
	do {                                                                                                 \
		uint64_t same_model = (uint64_t)(model), same_kernel = (uint64_t)(kernel);                   \
		if (same_model != same_kernel)                                                               \
			return differ(pair, "%s %u: %s: the model says %#" PRIx64 ", the kernel %#" PRIx64,  \
				      kind_name[object->kind], object->number, what, same_model,             \
				      same_kernel);                                                          \
	} while (0)

static const char *compare_registers(struct pair *pair, const struct m_object *object,
				     const struct km_tcb *tcb)
{
	static const char *const name[M_REGISTERS] = {
		"rip",         "rsp",       "rflags",   "rax",
		"rbx",         "rcx",       "rdx",      "rsi (message info)",
		"rdi (badge)", "rbp",       "r8 (MR1)", "r9 (MR2)",
		"r10 (MR0)",   "r11",       "r12",      "r13",
		"r14",         "r15 (MR3)", "fs_base",  "gs_base"};

	for (unsigned i = 0; i < M_REGISTERS; i++)
		SAME(name[i], object->t->reg[i], tcb->context.reg[i]);
	SAME("next rip", object->t->next_ip, tcb->context.next_ip);
	return NULL;
}

static const char *compare_thread(struct pair *pair, const struct m_object *object)
{
	const struct km_tcb *tcb = at(pair, object);
	const struct m_thread *t = object->t;

	SAME("state", t->state, tcb->state);
	SAME("priority", t->priority, tcb->priority);
	SAME("mcp", t->mcp, tcb->mcp);
	SAME("domain", t->domain, tcb->domain);
	SAME("scheduling context", ref_of(t->context), tcb->sc);
	SAME("yields to", ref_of(t->yields_to), tcb->yield_to);
	SAME("bound notification", ref_of(t->bound), tcb->notification);
	SAME("in ready queue", t->queued, tcb->queued);
	SAME("fault", t->trouble.type, tcb->fault.type);
	SAME("buffer", t->buffer, tcb->buffer_address);
	if (m_blocked(object) && t->state != M_ON_REPLY)
		SAME("waits at", ref_of(t->waits_at), tcb->blocked_on);
	if (t->state == M_ON_RECEIVE || t->state == M_ON_REPLY)
		SAME("reply object", ref_of(t->reply), tcb->reply);
	if (t->state == M_ON_SEND) {
		SAME("badge", t->badge, tcb->badge);
		SAME("grant", t->can_grant, tcb->can_grant);
		SAME("grant reply", t->can_grant_reply, tcb->can_grant_reply);
		SAME("is a call", t->is_call, tcb->is_call);
	}
	return compare_registers(pair, object, tcb);
}

static const char *compare_context(struct pair *pair, const struct m_object *object)
{
	const struct km_sched_context *sc = at(pair, object);

	SAME("thread", ref_of(object->thread), sc->tcb);
	SAME("notification", ref_of(object->notification), sc->notification);
	SAME("last call", ref_of(object->top), sc->reply);
	SAME("yielder", ref_of(object->yielder), sc->yield_from);
	SAME("is configured", object->configured, sc->refill_max != 0);
	if (object->configured) {
		SAME("badge", object->badge, sc->badge);
		SAME("is sporadic", object->sporadic, sc->sporadic);
		SAME("has a period", object->period != 0, sc->period != 0);
	}
	return NULL;
}

/* As the processor reads it. Upstream keeps in the last entry of a PML4 which cores have it loaded. */
static uint64_t expected_entry(enum m_kind table, struct m_place place)
{
	uint64_t entry;

	if (!place.object)
		return 0;
	entry = place.object->at | 1 | (uint64_t)(place.attributes & 3) << 3;
	if (place.object->kind != M_FRAME)
		return entry | 6;
	if (table != M_PAGE_TABLE)
		entry |= 0x80;
	if (place.attributes & 4 && table != M_PDPT)
		entry |= table == M_PAGE_TABLE ? 0x80 : 0x1000;
	return entry | (place.rights ? 4 : 0) | (place.rights != M_READ ? 2 : 0);
}

static const char *compare_table(struct pair *pair, const struct m_object *object)
{
	const uint64_t *kernel = at(pair, object);

	for (unsigned i = 0; i < M_PLACES - (object->kind == M_PML4); i++) {
		uint64_t model = object->place ? expected_entry(object->kind, object->place[i]) : 0;

		if (model != kernel[i])
			return differ(pair,
				      "mapping: place %u of %s %u: the model has %#" PRIx64
				      ", the kernel %#" PRIx64,
				      i, kind_name[object->kind], object->number, model, kernel[i]);
	}
	return NULL;
}

static const char *compare_object(struct pair *pair, const struct m_object *object)
{
	switch (object->kind) {
	case M_THREAD:
		return compare_thread(pair, object);
	case M_CONTEXT:
		return compare_context(pair, object);
	case M_ENDPOINT: {
		const struct km_endpoint *ep = at(pair, object);
		unsigned state = !object->queue.count ? KM_EP_IDLE
				 : object->sending    ? KM_EP_SENDING
						      : KM_EP_RECEIVING;

		SAME("state", state, ep->state);
		return compare_queue(pair, object, &ep->queue);
	}
	case M_NOTIFICATION: {
		const struct km_notification *ntfn = at(pair, object);
		unsigned state = object->queue.count ? KM_NTFN_WAITING
				 : object->active    ? KM_NTFN_ACTIVE
						     : KM_NTFN_IDLE;

		SAME("state", state, ntfn->state);
		if (object->active)
			SAME("word", object->word, ntfn->badge);
		SAME("bound thread", ref_of(object->bound), ntfn->bound_tcb);
		SAME("scheduling context", ref_of(object->context), ntfn->sc);
		return compare_queue(pair, object, &ntfn->queue);
	}
	case M_REPLY: {
		const struct km_reply *reply = at(pair, object);

		SAME("thread", ref_of(object->thread), reply->tcb);
		SAME("call below", ref_of(object->top), reply->prev);
		SAME("call above", ref_of(object->above), reply->next);
		if (object->above)
			SAME("last call", object->above->kind == M_CONTEXT, reply->next_is_sc != 0);
		return NULL;
	}
	case M_PAGE_TABLE:
	case M_PAGE_DIRECTORY:
	case M_PDPT:
	case M_PML4:
		return compare_table(pair, object);
	case M_FRAME:
		if (object->memory && memcmp(object->memory, at(pair, object), (size_t)1 << object->bits)) {
			const m_word *model = (const m_word *)(const void *)object->memory,
				     *kernel = at(pair, object);

			for (unsigned i = 0; i < 1u << (object->bits - 3); i++)
				if (model[i] != kernel[i])
					return differ(pair,
						      "memory: frame %u, word %u: the model has %#" PRIx64
						      ", the kernel %#" PRIx64,
						      object->number, i, model[i], kernel[i]);
		}
		return NULL;
	default:
		return NULL;
	}
}

/* ---- all of it ---- */

static const char *compare_touched(struct pair *pair)
{
	const struct m_model *m = pair->model;
	const char *why = NULL;

	for (unsigned i = 0; i < m->touched_count && !why; i++)
		if (m->touched[i]->owner->alive)
			why = compare_slot(pair, m->touched[i]);
	for (unsigned i = 0; i < m->changed_count && !why; i++)
		if (m->changed[i]->alive)
			why = compare_object(pair, m->changed[i]);
	return why;
}

static const char *compare_everything(struct pair *pair)
{
	const struct m_model *m = pair->model;
	const char *why = NULL;

	for (unsigned i = 0; i < m->objects && !why; i++) {
		if (!m->object[i]->alive)
			continue;
		for (unsigned s = 0; s < m->object[i]->slots && !why; s++)
			why = compare_slot(pair, &m->object[i]->slot[s]);
		if (!why)
			why = compare_object(pair, m->object[i]);
	}
	return why;
}

const char *pair_compare(struct pair *pair, bool all)
{
	struct m_model *m = pair->model;
	const char *why;

	if (at(pair, m->current) != (void *)pair->core->current)
		return differ(pair, "current: the model runs thread %u (%#x), the kernel what is at %#x",
			      m->current->number, ref_of(m->current),
			      km_ref_of(pair->kernel, pair->core->current));
	why = all ? compare_everything(pair) : compare_touched(pair);
	for (unsigned domain = 0; domain < 4 && !why; domain++)
		if (all || m->ready_changed[domain]) {
			why = compare_ready(pair, domain);
			m->ready_changed[domain] = false;
		}
	return why;
}
