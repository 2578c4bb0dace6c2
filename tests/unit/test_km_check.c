/* tests/unit/test_km_check.c - each invariant of km_check() is seen to fail on a kernel that was damaged so. */
#include "tests/unit/km_root.h"
#include "kernelmodel/irq.h"
#include "kernelmodel/tlb.h"
#include "kernelmodel/vspace.h"
#include <stdlib.h>

/* A kernel with something of everything: a thread in each state, a call with a lent context, mapped pages, handlers. */
static struct {
	struct root r;
	km_word endpoint, inbox, ntfn, reply, lower_reply, handler, ports, frame, cnode;
	struct km_tcb *receiver, *sender, *sender2, *waiter, *ready, *released, *caller, *middle, *idle;
	struct km_sched_context *sc; /* of `ready` */
	/* as it was before damage */
	unsigned char *arena;
	struct km_kernel kernel;
	struct km_core core;
} w;

static void *object(km_word slot) { return km_cap_object(w.r.k, root_slot(&w.r, slot)->cap); }
static km_ref ref(const void *object) { return km_ref_of(w.r.k, object); }
static struct km_slot *slot(km_word index) { return root_slot(&w.r, index); }

static struct km_tcb *new_thread(unsigned priority, int has_context)
{
	km_word tcb = root_new(&w.r, seL4_TCBObject, 0), cap[1];
	struct km_tcb *thread = object(tcb);
	thread->priority = (uint8_t)priority;
	if (!has_context)
		return thread;
	km_word sc = root_new(&w.r, seL4_SchedContextObject, 8);
	cap[0] = sc;
	const km_word config[] = {1000, 2000, 2, 0, 0};
	assert_int_equal(root_call(&w.r, root_info(&w.r)->schedcontrol.start, SchedControlConfigureFlags, 1,
				   cap, 5, config),
			 seL4_NoError);
	cap[0] = tcb;
	assert_int_equal(root_call(&w.r, sc, SchedContextBind, 1, cap, 0, NULL), seL4_NoError);
	return thread;
}

static void receive(struct km_tcb *tcb, km_word endpoint, km_word reply)
{
	tcb->state = KM_RUNNING;
	km_receive(w.r.k, tcb, slot(endpoint)->cap, 1, reply != 0 ? slot(reply)->cap : KM_NULL_CAP);
}

static void call(struct km_tcb *tcb, km_word endpoint)
{
	tcb->state = KM_RUNNING;
	km_send(w.r.k, 1, 1, 1, 1, 7, 1, tcb, object(endpoint));
}

static void fill_with_threads(void)
{
	struct km_kernel *k = w.r.k;
	w.ready = new_thread(9, 1);
	w.sc = KM_SC(k, w.ready->sc);
	w.ready->state = KM_RUNNING;
	km_ready_append(k, w.ready);
	w.released = new_thread(8, 1);
	w.released->state = KM_RUNNING;
	km_refills(KM_SC(k, w.released->sc))[KM_SC(k, w.released->sc)->refill_head].time += 1000000;
	km_release_enqueue(k, w.released);
	w.idle = new_thread(0, 0);
	/* caller -> middle -> receiver, who has the caller's context */
	w.caller = new_thread(7, 1);
	w.middle = new_thread(7, 0);
	w.receiver = new_thread(7, 0);
	receive(w.middle, w.inbox, w.lower_reply);
	call(w.caller, w.inbox);
	receive(w.receiver, w.inbox, w.reply);
	call(w.middle, w.inbox);
	km_ready_append(k, w.receiver);
	w.sender = new_thread(6, 0);
	w.sender2 = new_thread(5, 0);
	call(w.sender, w.endpoint);
	call(w.sender2, w.endpoint);
	w.waiter = new_thread(4, 0);
	w.waiter->state = KM_RUNNING;
	km_wait(k, w.waiter, slot(w.ntfn)->cap, 1);
	km_notification_bind(k, w.idle, object(w.ntfn));
}

static void fill_with_the_rest(void)
{
	const km_word cap[] = {seL4_CapInitThreadCNode}, vspace[] = {seL4_CapInitThreadVSpace};
	const km_word msi[] = {w.handler = w.r.slot++, DEPTH, 0, 0, 0, 0, 5};
	assert_int_equal(root_call(&w.r, seL4_CapIRQControl, X86IRQIssueIRQHandlerMSI, 1, cap, 7, msi),
			 seL4_NoError);
	assert_int_equal(root_call(&w.r, w.handler, IRQSetIRQHandler, 1, &w.ntfn, 0, NULL), seL4_NoError);
	const km_word ports[] = {16, 31, w.ports = w.r.slot++, DEPTH};
	assert_int_equal(root_call(&w.r, seL4_CapIOPortControl, X86IOPortControlIssue, 1, cap, 4, ports),
			 seL4_NoError);
	w.frame = root_new(&w.r, seL4_X86_4K, 0);
	const km_word map[] = {KM_IMAGE_BASE + 0x100000, 3, 0};
	assert_int_equal(root_call(&w.r, w.frame, X86PageMap, 1, vspace, 3, map), seL4_NoError);
	w.cnode = root_new(&w.r, seL4_CapTableObject, 4);
}

static int setup(void **state)
{
	(void)state;
	const struct km_boot boot = {
		.cores = 1, .memory = {0, 4 << 20}, .ticks_per_us = 1000, .root_cnode_bits = 10};
	root_boot(&w.r, &boot);
	w.endpoint = root_new(&w.r, seL4_EndpointObject, 0);
	w.inbox = root_new(&w.r, seL4_EndpointObject, 0);
	w.ntfn = root_new(&w.r, seL4_NotificationObject, 0);
	w.reply = root_new(&w.r, seL4_ReplyObject, 0);
	w.lower_reply = root_new(&w.r, seL4_ReplyObject, 0);
	fill_with_threads();
	fill_with_the_rest();
	km_schedule(w.r.k);
	assert_good(&w.r);
	w.arena = malloc(w.r.k->size);
	assert_non_null(w.arena);
	memcpy(w.arena, w.r.k->arena, w.r.k->size);
	w.kernel = *w.r.k;
	w.core = w.r.k->core[0];
	return 0;
}

static void restore(void)
{
	memcpy(w.r.k->arena, w.arena, w.r.k->size);
	*w.r.k = w.kernel;
	w.r.k->core[0] = w.core;
}

static int teardown(void **state)
{
	(void)state;
	restore();
	root_end(&w.r);
	free(w.arena);
	return 0;
}

static void expect(const char *damage, const char *complaint)
{
	char said[sizeof w.r.k->complaint] = "nothing";
	if (km_check(w.r.k) != NULL)
		memcpy(said, w.r.k->complaint, sizeof said);
	restore();
	if (strstr(said, complaint) == NULL)
		fail_msg("about: %s\nsaid: %s\nnot: %s", damage, said, complaint);
}
#define DAMAGE(damage, complaint)                                                                            \
	do {                                                                                                 \
		damage;                                                                                      \
		expect(#damage, complaint);                                                                  \
	} while (0)

static void test_the_world_has_something_of_everything(void **state)
{
	(void)state;
	assert_int_equal(w.receiver->state, KM_RUNNING);
	assert_int_equal(w.caller->state, KM_BLOCKED_ON_REPLY);
	assert_int_equal(w.middle->state, KM_BLOCKED_ON_REPLY);
	assert_int_equal(w.sender->state, KM_BLOCKED_ON_SEND);
	assert_int_equal(w.waiter->state, KM_BLOCKED_ON_NOTIFICATION);
	assert_true(w.ready->queued && w.receiver->queued && w.released->in_release_queue);
	assert_int_equal(((struct km_reply *)object(w.reply))->prev, ref(object(w.lower_reply)));
}

static void test_damage_of_the_derivation_tree_is_found(void **state)
{
	(void)state;
	struct km_slot *ep = slot(w.inbox), *next = KM_SLOT(w.r.k, ep->next), *tcb_slot = w.idle->slot;
	DAMAGE(ep->next = 0, "does not point here");
	DAMAGE(next->prev = 0, "does not point back");
	DAMAGE(ep->next = 5, "is no slot");
	DAMAGE(ep->next = ref(slot(1000)), "is empty");
	DAMAGE(slot(1000)->next = ref(ep), "empty but linked");
	DAMAGE((ep->revocable = 1, ep->first_badged = 0), "not the first of its badge");
	DAMAGE((KM_SLOT(w.r.k, ep->prev)->next = ep->next, next->prev = ep->prev, ep->prev = ep->next = 0),
	       "untyped capabilities above it");
	DAMAGE((tcb_slot->cap = ep->cap, tcb_slot->first_badged = 1), "stand elsewhere");
	DAMAGE((tcb_slot->prev = tcb_slot->next = ref(tcb_slot), tcb_slot->cap = slot(1)->cap), "circle");
	DAMAGE(slot(1000)->cap = (struct km_cap){.type = 30}, "no capability of type");
	DAMAGE((slot(1000)->cap = ep->cap, slot(1000)->cap.object = 3), "outside of memory");
	DAMAGE((slot(1000)->cap = ep->cap, slot(1000)->cap.object = UINT32_MAX), "outside of memory");
	DAMAGE(ep->cap.type = KM_CAP_REPLY, "not aligned");
	/* A slot that hangs in the tree, but outside of all CNodes, in another object. */
	struct km_slot *stray = object(w.ntfn);
	DAMAGE((*stray = *next, stray->prev = ref(ep), stray->next = ref(next),
		ep->next = next->prev = ref(stray)),
	       "lies in another object");
}

static void test_damage_of_memory_regions_is_found(void **state)
{
	(void)state;
	struct km_slot *parent = KM_SLOT(w.r.k, slot(w.cnode)->prev);
	while (parent->cap.type != KM_CAP_UNTYPED)
		parent = KM_SLOT(w.r.k, parent->prev);
	DAMAGE(parent->cap.word = 1, "watermark");
	struct km_cap inside = {.type = KM_CAP_REPLY, .object = slot(w.ntfn)->cap.object + 2};
	struct km_cap far_away = {.type = KM_CAP_UNTYPED, .flag = 1, .size = 12, .object = UINT64_C(1) << 32};
	DAMAGE(slot(w.reply)->cap.object = slot(w.ntfn)->cap.object, "stand elsewhere");
	DAMAGE(slot(1000)->cap = inside, "different objects in the same memory");
	DAMAGE((slot(1000)->cap = slot(1001)->cap = far_away, slot(1001)->cap.object += 9),
	       "overlaps in part");
	DAMAGE(slot(1000)->cap = slot(w.cnode)->cap, "stand elsewhere");
}

static void test_damage_of_wait_queues_is_found(void **state)
{
	(void)state;
	struct km_endpoint *ep = object(w.endpoint);
	struct km_notification *ntfn = object(w.ntfn);
	DAMAGE(ep->state = KM_EP_IDLE, "does not agree with its queue");
	DAMAGE(ep->state = 7, "does not agree with its queue");
	DAMAGE(ep->state = KM_EP_RECEIVING, "in state");
	DAMAGE(ep->queue.tail = ref(w.sender), "it ends with");
	DAMAGE(ep->queue.head = 77, "is no thread");
	DAMAGE(w.sender2->ep_next = ref(w.sender), "queued twice");
	DAMAGE(w.sender2->ep_prev = 0, "does not point back");
	DAMAGE(w.sender2->priority = 200, "lower priority");
	DAMAGE(w.sender->blocked_on = ref(ntfn), "waits for");
	DAMAGE(w.sender->state = KM_INACTIVE, "in state");
	DAMAGE(ntfn->state = KM_NTFN_ACTIVE, "does not agree with its queue");
	DAMAGE((ntfn->queue = (struct km_queue){0}, ntfn->state = KM_NTFN_IDLE), "in 0 queues");
	DAMAGE(w.ready->ep_next = ref(w.sender), "has neighbours");
}

static void test_damage_of_threads_is_found(void **state)
{
	(void)state;
	struct km_notification *ntfn = object(w.ntfn);
	DAMAGE(ntfn->bound_tcb = ref(w.ready), "is not bound to it");
	DAMAGE(w.idle->notification = 0, "is not bound to it");
	DAMAGE(w.ready->notification = ref(ntfn), "is not bound to it");
	DAMAGE(ntfn->sc = ref(w.sc), "is not bound to it");
	DAMAGE(w.idle->sc = ref(w.sc), "is not its");
	DAMAGE(w.sc->tcb = 0, "is not its");
	DAMAGE(w.idle->yield_to = ref(w.sc), "nothing of its yield");
	DAMAGE(w.sc->yield_from = ref(w.idle), "does not yield to it");
	DAMAGE(w.sc->notification = ref(ntfn), "does not have it");
	DAMAGE(w.idle->state = KM_IDLE, "is none");
	DAMAGE(w.idle->domain = 4, "is none");
	DAMAGE(w.idle->core = 1, "is none");
	DAMAGE(w.idle->all_prev = 0, "does not point back");
	DAMAGE(w.idle->all_next = ref(w.idle), "listed twice");
	DAMAGE(w.r.k->all_last = 0, "the last is");
	DAMAGE(w.idle->all_next = 3, "is no thread");
	DAMAGE((KM_TCB(w.r.k, w.idle->all_prev)->all_next = w.idle->all_next,
		KM_TCB(w.r.k, w.idle->all_next)->all_prev = w.idle->all_prev,
		w.idle->notification = ntfn->bound_tcb = 0),
	       "not in the list of threads");
}

static void test_damage_of_schedulers_queues_is_found(void **state)
{
	(void)state;
	struct km_core *core = &w.r.k->core[0];
	DAMAGE(w.ready->queued = 0, "in more queues");
	DAMAGE(w.idle->queued = 1, "and is in none");
	DAMAGE(w.ready->priority = 10, "not in its own");
	DAMAGE(w.ready->state = KM_INACTIVE, "may not run");
	DAMAGE(w.ready->sched_prev = ref(w.ready), "does not point back");
	DAMAGE(core->ready[0].queue[9].tail = 0, "ends with");
	DAMAGE(core->ready[0].level2[0] ^= 1 << 9, "bitmap");
	DAMAGE(core->ready[0].level1 ^= 8, "two levels");
	DAMAGE((core->ready[0].queue[9] = (struct km_queue){0}, core->ready[0].level2[0] ^= 1 << 9),
	       "is in none");
	DAMAGE((core->ready[0].queue[9] = (struct km_queue){0}, core->ready[0].level2[0] ^= 1 << 9,
		w.ready->queued = 0),
	       "neither runs nor");
	DAMAGE(w.released->in_release_queue = 0, "says otherwise");
	DAMAGE(w.released->release_at++, "not at its place");
	DAMAGE(core->release.tail = 0, "release queue ends");
	DAMAGE(w.released->state = KM_INACTIVE, "could not run");
	DAMAGE(core->current = w.idle, "may not run there");
	DAMAGE(core->current = w.ready, "in a queue as well");
	DAMAGE(core->sc = 0, "it charges");
}

static void test_damage_of_contexts_and_calls_is_found(void **state)
{
	(void)state;
	struct km_reply *reply = object(w.reply), *lower = object(w.lower_reply);
	struct km_sched_context *lent = KM_SC(w.r.k, w.receiver->sc);
	DAMAGE(w.sc->refill_count = 0, "0 refills");
	DAMAGE(w.sc->refill_count = w.sc->refill_max + 1, "refills from");
	DAMAGE(w.sc->refill_head = w.sc->refill_max, "refills from");
	DAMAGE(w.sc->refill_max = 100, "room for");
	DAMAGE(w.sc->budget--, "its budget");
	DAMAGE((w.sc->refill_count = 2, km_refills(w.sc)[1] = km_refills(w.sc)[0]), "begins before");
	DAMAGE(w.sc->core = 3, "of core");
	DAMAGE(lent->reply = 0, "does not point to it");
	DAMAGE(lent->reply = ref(lower), "not the head");
	DAMAGE(reply->prev = 0, "does not point to it");
	DAMAGE(lower->next = 0, "does not point to it");
	DAMAGE(lower->next_is_sc = 1, "does not point to it");
	DAMAGE(reply->tcb = 0, "is not its");
	DAMAGE(w.middle->reply = 0, "without a reply object");
	DAMAGE(w.idle->reply = ref(reply), "in state");
	DAMAGE((reply->next_is_sc = 0, reply->next = ref(lower), lower->prev = ref(reply), lent->reply = 0),
	       "circle");
	DAMAGE((w.middle->state = KM_INACTIVE, w.middle->reply = 0, reply->tcb = 0), "without a caller");
}

/* The entry that maps the page of w.frame, or a table above it. */
static uint64_t *entry_at(unsigned level)
{
	km_paddr table = km_cap_paddr(slot(seL4_CapInitThreadVSpace)->cap);
	km_word vaddr = KM_IMAGE_BASE + 0x100000;
	for (unsigned l = 0; l < level; l++)
		table = km_table_at(w.r.k, table)[km_table_index(vaddr, l)] & KM_ENTRY_ADDRESS;
	return &km_table_at(w.r.k, table)[km_table_index(vaddr, level)];
}

static void test_damage_of_page_tables_is_found(void **state)
{
	(void)state;
	struct km_kernel *k = w.r.k;
	uint64_t *pool = km_at(k, k->asid_pool[0]);
	DAMAGE(*entry_at(KM_TABLE) += 4096, "named by no capability");
	DAMAGE(entry_at(KM_TABLE)[1] = *entry_at(KM_TABLE), "named by no capability");
	DAMAGE(slot(w.frame)->cap.word = 0, "named by no capability");
	DAMAGE(slot(w.frame)->cap.rights = KM_READ, "named by no capability");
	DAMAGE(*entry_at(KM_DIRECTORY) += 4096, "named by no capability");
	DAMAGE(entry_at(KM_PML4)[1] = *entry_at(KM_PML4), "named by no capability");
	DAMAGE(pool[1] += 4096, "no capability names its PML4");
	DAMAGE(pool[0] = pool[1], "no capability names its PML4");
	DAMAGE(k->asid_pool[1] = k->asid_pool[0], "names pool 1");
	DAMAGE(k->asid_pool[9] = k->asid_pool[0], "there is no pool 9");
}

static void test_a_stale_translation_is_found(void **state)
{
	(void)state;
	struct km_kernel *k = w.r.k;
	size_t length;
	km_word fsr;
	assert_non_null(km_translate(k, &k->core[0], k->core[0].current, KM_IMAGE_BASE + 0x100000,
				     KM_ACCESS_WRITE, &length, &fsr, NULL));
	assert_good(&w.r);
	DAMAGE((*entry_at(KM_TABLE) &= ~KM_ENTRY_WRITE), "stale");
	DAMAGE(*entry_at(KM_TABLE) = 0, "stale");
	km_tlb_drop_space(k->core[0].tlb, KM_ASID_ROOT);
}

static void test_damage_of_interrupts_and_ports_is_found(void **state)
{
	(void)state;
	struct km_kernel *k = w.r.k;
	DAMAGE(k->irq_state[21] = KM_IRQ_INACTIVE, "interrupt 21");
	DAMAGE(k->irq_state[22] = KM_IRQ_LINE, "interrupt 22: its state says handled");
	DAMAGE(k->irq_owned[21] = 0, "not this kernel's");
	DAMAGE(k->irq_masked[30] = KM_IRQ_OPEN, "is not masked");
	DAMAGE((KM_SLOT(k, k->irq_node) + 22)->cap = slot(seL4_CapDomain)->cap, "interrupt 22");
	DAMAGE(slot(w.handler)->cap.word = 300, "no interrupt 300");
	DAMAGE(((uint8_t *)km_at(k, k->io_ports))[2] = 0xfe, "I/O ports");
	DAMAGE(((uint8_t *)km_at(k, k->io_ports))[4] = 1, "I/O ports");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_world_has_something_of_everything),
		cmocka_unit_test(test_damage_of_the_derivation_tree_is_found),
		cmocka_unit_test(test_damage_of_memory_regions_is_found),
		cmocka_unit_test(test_damage_of_wait_queues_is_found),
		cmocka_unit_test(test_damage_of_threads_is_found),
		cmocka_unit_test(test_damage_of_schedulers_queues_is_found),
		cmocka_unit_test(test_damage_of_contexts_and_calls_is_found),
		cmocka_unit_test(test_damage_of_page_tables_is_found),
		cmocka_unit_test(test_a_stale_translation_is_found),
		cmocka_unit_test(test_damage_of_interrupts_and_ports_is_found),
	};
	return cmocka_run_group_tests(tests, setup, teardown) ? 1 : 0;
}
