/* tests/model/gen_talk.c - messages, and what keeps a world going. See gen.h. */
#include "tests/model/gen_internal.h"

/* ---- messages ---- */

unsigned gen_can_run(const struct gen *g)
{
	const struct m_model *m = g->pair->model;

	return m->ready[m->domain].count + 1;
}

/* What it says: some words, some capabilities, and where it would receive one. */
static void message(struct gen *g, struct op *op)
{
	unsigned length = gen_chance(g, 70) ? gen_below(g, 5) : gen_below(g, 24),
		 extra = gen_chance(g, 60) ? 0 : gen_below(g, 4);
	struct m_object *cnode = gen_some_cnode(g, 30);
	struct named into;

	op->info = m_info(gen_chance(g, 90) ? gen_below(g, 3) : gen_random(g), 0, extra, length);
	if (gen_chance(g, 3))
		op->info = gen_random(g);
	for (unsigned i = 0; i < length; i++)
		gen_set_mr(op, i, gen_random(g) >> gen_below(g, 64));
	for (unsigned i = 0; i < extra; i++)
		gen_set_extra(op, i,
			      gen_address(g, gen_chance(g, 40)   ? (int)M_ENDPOINT
					     : gen_chance(g, 95) ? (int)ANY
								 : (int)M_NULL));
	if (gen_chance(g, 50) && cnode &&
	    gen_name_slot(g, gen_slot_in(g, cnode, gen_chance(g, 90) ? (int)M_NULL : (int)ANY), &into)) {
		gen_set_word(op, 125, into.root);
		gen_set_word(op, 126, into.index);
		gen_set_word(op, 127, into.depth);
	}
}

static m_word partner(struct gen *g)
{
	return gen_address(g, gen_chance(g, 75)   ? (int)M_ENDPOINT
			      : gen_chance(g, 90) ? (int)M_NOTIFICATION
						  : (int)ANY);
}

void gen_send_op(struct gen *g, struct op *op)
{
	static const signed char number[] = {CALL, CALL, SEND, NB_SEND, NB_SEND};
	int which = number[gen_below(g, sizeof(number))];

	if (gen_can_run(g) < 3 && gen_chance(g, 70))
		which = NB_SEND;
	gen_begin(op, which, gen_chance(g, 12) ? gen_address(g, M_REPLY) : partner(g), 0, 0, 0);
	message(g, op);
}

/* Its own notification, if it has one: it may not wait for those of others. */
static m_word waited_for(struct gen *g)
{
	struct m_object *bound = gen_current(g)->t->bound, *cnode = gen_cspace(g).object;

	if (bound && gen_cspace(g).kind == M_CNODE && gen_chance(g, 70))
		for (unsigned i = 0; i < cnode->slots; i++)
			if (m_slot_cap(&cnode->slot[i]).object == bound)
				return gen_address_of(g, &cnode->slot[i]);
	return gen_address(g, gen_chance(g, 70) ? M_NOTIFICATION : M_ENDPOINT);
}

void gen_receive_op(struct gen *g, struct op *op)
{
	static const signed char number[] = {RECV, RECV, NB_RECV, WAIT, NB_WAIT};
	int which = number[gen_below(g, sizeof(number))];

	if (gen_can_run(g) < 3 && gen_chance(g, 80))
		which = which == RECV ? NB_RECV : NB_WAIT;
	gen_begin(op, which, which == WAIT || which == NB_WAIT ? waited_for(g) : partner(g), 0, 0, 0);
	message(g, op);
	op->reply = gen_address(g, gen_chance(g, 95) ? (int)M_REPLY : (int)ANY);
}

void gen_both_op(struct gen *g, struct op *op)
{
	static const signed char number[] = {REPLY_RECV, REPLY_RECV, NB_SEND_RECV, NB_SEND_WAIT};
	int which = number[gen_below(g, sizeof(number))];

	if (gen_can_run(g) < 2 && gen_chance(g, 80)) {
		gen_send_op(g, op);
		return;
	}
	gen_begin(op, which, which == NB_SEND_WAIT ? gen_address(g, M_NOTIFICATION) : partner(g), 0, 0, 0);
	message(g, op);
	op->reply = gen_address(g, gen_chance(g, 95) ? (int)M_REPLY : (int)ANY);
	op->dest = gen_chance(g, 95) ? partner(g) : gen_address(g, ANY);
	if (which == NB_SEND_WAIT)
		op->reply = op->dest;
}

void gen_odd_op(struct gen *g, struct op *op)
{
	op->cptr = gen_below(g, 32);
	op->info = gen_random(g) >> gen_below(g, 64);
	switch (gen_below(g, 4)) {
	case 0:
		op->kind = OP_EXCEPTION;
		break;
	case 1:
		op->kind = OP_VM_FAULT;
		op->mr[0] = gen_below(g, 2);
		break;
	case 2:
		gen_begin(op, -1000 - (int)gen_below(g, 1000), gen_random(g), 0, 0, 0);
		break;
	default:
		gen_interrupt(g, op);
		break;
	}
}

/* A context with a period would lose its budget by yielding; time stands still here. */
void gen_yield_op(struct gen *g, struct op *op)
{
	const struct m_object *context = gen_current(g)->t->context;

	gen_begin(op, YIELD, 0, 0, 0, 0);
	if (context && context->period)
		op->number = NB_SEND;
}

/* ---- helping others on ---- */

static struct m_slot *slot_that(struct gen *g, enum m_kind kind, suits *good)
{
	struct m_cap root = gen_cspace(g);
	unsigned start;

	if (root.kind != M_CNODE)
		return NULL;
	start = gen_below(g, root.object->slots);
	for (unsigned i = 0; i < root.object->slots; i++) {
		struct m_slot *slot = &root.object->slot[(start + i) % root.object->slots];
		struct m_cap cap = m_slot_cap(slot);

		if (cap.kind == kind && good(cap.object))
			return slot;
	}
	return NULL;
}

static bool is_stopped(const struct m_object *thread)
{
	return thread->t->state == M_INACTIVE && thread->t->context;
}
static bool is_starved(const struct m_object *thread) { return m_runnable(thread) && !thread->t->context; }
static bool is_free(const struct m_object *context) { return !context->thread && context->configured; }
static bool is_called(const struct m_object *reply)
{
	return reply->thread && reply->thread->t->state == M_ON_REPLY;
}
static bool has_senders(const struct m_object *endpoint)
{
	return endpoint->sending && endpoint->queue.count;
}
static bool has_receivers(const struct m_object *endpoint)
{
	return !endpoint->sending && endpoint->queue.count;
}
static bool is_of_server(const struct m_object *context)
{
	return context->thread && context->thread->t->state == M_ON_RECEIVE && context->thread->t->reply;
}
static bool has_passive(const struct m_object *endpoint)
{
	return !endpoint->sending && endpoint->queue.count && !endpoint->queue.item[0]->t->context &&
	       endpoint->queue.item[0]->t->reply;
}
static bool has_waiters(const struct m_object *notification)
{
	return notification->queue.count ||
	       (notification->bound && notification->bound->t->state == M_ON_RECEIVE);
}

void gen_help_op(struct gen *g, struct op *op)
{
	struct m_slot *slot = NULL, *other = NULL;

	switch (gen_below(g, 11)) {
	case 7:
	case 9:
	case 10: /* a passive server: whoever calls it lends it a context */
		slot = slot_that(g, M_CONTEXT, is_of_server);
		gen_invoke(g, op, gen_address_of(g, slot), 35, 0, 0);
		break;
	case 8:
		slot = slot_that(g, M_ENDPOINT, has_passive);
		gen_begin(op, gen_chance(g, 90) ? CALL : SEND, gen_address_of(g, slot), 0, 0, 0);
		message(g, op);
		break;
	case 0:
		slot = slot_that(g, M_THREAD, is_stopped);
		if (slot && gen_chance(g, 70))
			gen_write_registers(g, op, gen_address_of(g, slot), true);
		else if (slot)
			gen_invoke(g, op, gen_address_of(g, slot), 13, 0, 0);
		break;
	case 1:
		slot = slot_that(g, M_THREAD, is_starved);
		other = slot_that(g, M_CONTEXT, is_free);
		if (slot && other) {
			gen_invoke(g, op, gen_address_of(g, other), 34, 0, 1);
			gen_set_extra(op, 0, gen_address_of(g, slot));
		} else {
			gen_sched_control(g, op);
		}
		break;
	case 2:
	case 3:
		slot = slot_that(g, M_REPLY, is_called);
		gen_begin(op, gen_chance(g, 50) ? NB_SEND : REPLY_RECV, gen_address_of(g, slot), 0, 0, 0);
		op->reply = op->cptr;
		if (op->number == REPLY_RECV)
			op->cptr = gen_address(g, M_ENDPOINT);
		message(g, op);
		if (gen_chance(g, 80))
			op->info &= 0xfff;
		break;
	case 4:
	case 5:
		slot = slot_that(g, M_ENDPOINT, has_senders);
		gen_begin(op, gen_chance(g, 50) ? RECV : NB_RECV, gen_address_of(g, slot), 0, 0, 0);
		message(g, op);
		op->reply = gen_address(g, M_REPLY);
		break;
	default:
		slot = gen_chance(g, 50) ? slot_that(g, M_ENDPOINT, has_receivers)
					 : slot_that(g, M_NOTIFICATION, has_waiters);
		gen_begin(op, gen_chance(g, 50) ? CALL : SEND, gen_address_of(g, slot), 0, 0, 0);
		message(g, op);
		break;
	}
	if (!slot)
		gen_send_op(g, op);
}

struct m_slot *gen_nth(struct gen *g, enum m_kind kind, unsigned n)
{
	struct m_object *cnode = g->pair->model->object[0];

	for (unsigned i = 0; i < cnode->slots; i++)
		if (m_slot_cap(&cnode->slot[i]).kind == kind && n-- == 0)
			return &cnode->slot[i];
	return NULL;
}

/* ---- parts to play: servers and their clients, and those who build up and tear down ---- */

static m_word nth_endpoint(struct gen *g, unsigned n) { return gen_address_of(g, gen_nth(g, M_ENDPOINT, n)); }

/* Each second thread serves an endpoint, and calls the next one as often as not. */
void gen_part_op(struct gen *g, struct op *op)
{
	unsigned me = gen_current(g)->number;
	m_word reply = gen_address_of(g, gen_nth(g, M_REPLY, me % 5));

	if (gen_cspace(g).kind != M_CNODE || gen_cspace(g).object != g->pair->model->object[0]) {
		gen_send_op(g, op);
		return;
	}
	if (me % 2 && gen_chance(g, 70))
		gen_begin(op, gen_chance(g, 40) ? RECV : REPLY_RECV, nth_endpoint(g, me / 2 % 4), 0, 0, 0);
	else
		gen_begin(op, CALL, nth_endpoint(g, gen_chance(g, 50) ? me / 2 % 4 + 1 : gen_below(g, 4)), 0,
			  0, 0);
	message(g, op);
	op->reply = reply;
	if (gen_chance(g, 70))
		op->info &= 0xfff;
}

/* In some worlds, servers call servers: those that have a caller call the next one, the others wait, and who does neither
 * takes their contexts away, so that each runs on its caller's. */
void gen_chain_op(struct gen *g, struct op *op)
{
	unsigned me = gen_current(g)->number;
	struct m_slot *slot = slot_that(g, M_CONTEXT, is_of_server), *own = gen_nth(g, M_REPLY, me % 5);

	if (gen_cspace(g).kind != M_CNODE || gen_cspace(g).object != g->pair->model->object[0] || !own) {
		gen_part_op(g, op);
		return;
	}
	if (slot && gen_chance(g, 60)) {
		gen_invoke(g, op, gen_address_of(g, slot), 35, 0, 0);
		return;
	}
	if (me % 4 == 0)
		gen_begin(op, CALL, nth_endpoint(g, 1), 0, 0, 0);
	else if (own->node->cap.object->thread)
		gen_begin(op, gen_chance(g, 70) ? CALL : REPLY_RECV,
			  nth_endpoint(g, gen_chance(g, 60) ? me % 4 + 1 : me % 4), 0, 0, 0);
	else
		gen_begin(op, RECV, nth_endpoint(g, me % 4), 0, 0, 0);
	message(g, op);
	op->info &= 0xfff;
	op->reply = gen_address_of(g, own);
}

/* Big CNodes, and their end: work enough to be preempted in. */
void gen_heavy_op(struct gen *g, struct op *op)
{
	struct m_object *cnode = gen_some_cnode(g, 10);
	struct named target;
	struct m_slot *slot;
	unsigned what = gen_below(g, 6);

	if (what < 3) {
		gen_retype(g, op, gen_some_slot(g, M_UNTYPED), what == 1 ? 1 : 4, 5 + gen_below(g, 4),
			   cnode ? gen_slot_in(g, cnode, M_NULL) : NULL, 1);
		return;
	}
	slot = gen_some_slot(g, what == 3 ? M_UNTYPED : what == 4 ? M_CNODE : M_THREAD);
	if (slot && gen_is_precious(g, slot) &&
	    gen_chance(g, m_slot_cap(slot).kind == M_UNTYPED && m_slot_cap(slot).bits == 17 ? 30 : 99))
		slot = gen_some_slot(g, M_UNTYPED);
	if (!gen_name_slot(g, slot, &target) || (gen_is_precious(g, slot) && m_slot_cap(slot).bits > 17)) {
		gen_send_op(g, op);
		return;
	}
	gen_invoke(g, op, target.root, what == 3 ? 18 : 18 + gen_below(g, 2), 2, 0);
	gen_set_mr(op, 0, target.index);
	gen_set_mr(op, 1, target.depth);
}
