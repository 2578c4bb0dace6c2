/* tests/model/gen.c - random programs that do something. See gen.h.
 *
 * Each episode opens with a plan that makes a world: threads at a few priorities with scheduling contexts, endpoints,
 * notifications, reply objects, CNodes in CNodes. Then whichever thread runs does something of its choice, mostly with
 * arguments that make sense, as the model knows what is where; some are then spoilt. */
#include "tests/model/gen_internal.h"
#include <string.h>

/* ---- spoiling ---- */

void gen_garbage(struct gen *g, struct op *op)
{
	memset(op, 0, sizeof(*op));
	gen_begin(op, gen_chance(g, 60) ? CALL : -1 - (int)gen_below(g, 10),
		  gen_chance(g, 80) ? gen_address(g, ANY) : gen_random(g), gen_below(g, 39), gen_below(g, 10),
		  gen_below(g, 4));
	for (unsigned i = 0; i < 10; i++)
		gen_set_mr(op, i, gen_chance(g, 50) ? gen_below(g, 300) : gen_random(g) >> gen_below(g, 64));
	for (unsigned i = 0; i < 3; i++)
		gen_set_extra(op, i, gen_chance(g, 80) ? gen_address(g, ANY) : gen_random(g));
	op->reply = gen_address(g, M_REPLY);
	op->dest = gen_address(g, ANY);
}

static void spoil(struct gen *g, struct op *op)
{
	switch (gen_below(g, 6)) {
	case 0:
		op->info = m_info(m_info_label(op->info), 0, m_info_extra(op->info), gen_below(g, 8));
		break;
	case 1:
		op->info = m_info(m_info_label(op->info), 0, gen_below(g, 4), m_info_length(op->info));
		break;
	case 2:
		op->mr[gen_below(g, 4)] = gen_chance(g, 60) ? gen_below(g, 300) : gen_random(g);
		break;
	case 3:
		if (op->words)
			op->word[gen_below(g, op->words)].value =
				gen_chance(g, 60) ? gen_below(g, 300) : gen_random(g);
		break;
	case 4:
		op->cptr = gen_chance(g, 80) ? gen_address(g, ANY) : gen_random(g);
		break;
	default:
		op->info = m_info(gen_below(g, 39), 0, m_info_extra(op->info), m_info_length(op->info));
		break;
	}
}

static m_word said_word(const struct gen *g, const struct op *op, unsigned at)
{
	const m_word *buffer = m_buffer(g->pair->model, g->pair->model->current, false);

	for (unsigned i = 0; !op->again && i < op->words; i++)
		if (op->word[i].at == at)
			return op->word[i].value;
	return buffer ? buffer[at] : 0;
}

/* A ready thread of higher priority that is moved into the running domain waits until somebody reschedules, as upstream's
 * does; whether a Call in the meantime runs the callee or that thread depends there on which of two paths it takes. */
static bool strands_better(struct gen *g, const struct op *op)
{
	struct m_model *m = g->pair->model;
	struct m_slot *slot;
	struct m_cap cap;

	if (!m_lookup(m, m->current, said_word(g, op, 122), &slot))
		return false;
	cap = m_slot_cap(slot);
	return cap.kind == M_THREAD && cap.object != m->current && m_schedulable(cap.object) &&
	       cap.object->t->priority > m->current->t->priority;
}

/* Of a domain's turn: shorter ones end by themselves, and time stands still in the model. */
#define LONG_TURN (UINT64_C(1) << 32)

/* I/O ports and turns of domains that end by themselves are beyond the model: a request that would reach one with a label
 * of its own, or ask for the other, is sent elsewhere. */
static bool is_beyond_model(struct gen *g, const struct op *op)
{
	struct m_model *m = g->pair->model;
	const m_word *reg = m->current->t->reg;
	int64_t number = op->again ? (int64_t)reg[M_RDX] : op->number;
	m_word cptr = op->again ? reg[M_RDI] : op->cptr, info = op->again ? reg[M_RSI] : op->info;
	struct m_slot *slot;
	struct m_cap cap;

	if (op->kind != OP_SYSCALL || m->current == m->idle)
		return false;
	if (number == YIELD)
		return gen_current(g)->t->context && gen_current(g)->t->context->period;
	if (number == REPLY_RECV || number == NB_SEND_WAIT)
		cptr = op->again ? reg[M_R12] : op->reply;
	if (number == NB_SEND_RECV)
		cptr = op->again ? reg[M_R13] : op->dest;
	if (number > -1 || (number < YIELD && number > -64))
		return true;
	if (!m_lookup(m, m->current, cptr, &slot))
		return false;
	cap = m_slot_cap(slot);
	if (cap.kind == M_DOMAIN && m_info_label(info) == 30)
		return strands_better(g, op);
	if (cap.kind == M_DOMAIN && m_info_label(info) == 31) {
		const m_word duration = op->again ? reg[M_R9] : op->mr[2];
		return duration && duration < LONG_TURN;
	}
	return cap.kind >= M_FRAME && cap.kind <= M_PORT && m_info_label(info) >= 50 &&
	       m_info_label(info) <= 56;
}

/* ---- living on ---- */

static struct m_cap cap_at(struct gen *g, m_word cptr, bool *found)
{
	struct m_slot *slot;

	*found = m_lookup(g->pair->model, gen_current(g), cptr, &slot);
	return *found ? m_slot_cap(slot) : (struct m_cap){0};
}

static m_word buffer_word(const struct op *op, unsigned at)
{
	for (unsigned i = 0; i < op->words; i++)
		if (op->word[i].at == at)
			return op->word[i].value;
	return 0;
}

static bool receive_faults(struct gen *g, const struct op *op)
{
	bool found;
	struct m_cap cap = cap_at(g, op->cptr, &found);

	if (!found || !(cap.rights & M_READ))
		return true;
	if (cap.kind == M_NOTIFICATION)
		return cap.object->bound && cap.object->bound != gen_current(g);
	if (cap.kind != M_ENDPOINT)
		return true;
	return op->number != WAIT && op->number != NB_WAIT && op->number != NB_SEND_WAIT &&
	       cap_at(g, op->reply, &found).kind != M_REPLY;
}

/* Would it be a fault? That stops a thread that has no handler. */
static bool would_fault(struct gen *g, const struct op *op)
{
	bool found;

	if (op->kind != OP_SYSCALL)
		return op->kind != OP_INTERRUPT;
	if (op->number > -1 || op->number < YIELD)
		return true;
	if (op->number == YIELD || op->number == NB_SEND)
		return false;
	if (op->number != CALL && op->number != SEND)
		return receive_faults(g, op);
	cap_at(g, op->cptr, &found);
	for (unsigned i = 0; found && i < m_info_extra(op->info) && gen_current(g)->t->buffer; i++)
		cap_at(g, buffer_word(op, 122 + i), &found);
	return !found;
}

/* Would it wait for somebody who may never come? */
static bool would_wait(struct gen *g, const struct op *op)
{
	bool found;
	struct m_cap cap;

	if (op->kind != OP_SYSCALL || op->number == NB_SEND || op->number == NB_RECV ||
	    op->number == NB_WAIT || op->number == YIELD)
		return false;
	cap = cap_at(g, op->cptr, &found);
	if (op->number == CALL || op->number == SEND)
		return cap.kind == M_ENDPOINT &&
		       (cap.object->sending || !cap.object->queue.count || op->number == CALL);
	if (cap.kind == M_NOTIFICATION)
		return !cap.object->active;
	return cap.kind == M_ENDPOINT && !(cap.object->queue.count && cap.object->sending) &&
	       !(gen_current(g)->t->bound && gen_current(g)->t->bound->active);
}

/* Of those who would stop or wait, more are let when more others can run. */
static bool is_unwise(struct gen *g, const struct op *op)
{
	unsigned others = gen_can_run(g) - 1;
	bool first = gen_current(g) == g->pair->model->object[1];

	if (would_fault(g, op))
		return gen_chance(g, m_slot_cap(&gen_current(g)->slot[M_FAULT_HANDLER]).kind == M_NULL
					     ? (first ? 99 : 97)
					     : 94);
	if (would_wait(g, op))
		return gen_chance(g, others == 0   ? 97
				     : others == 1 ? 80
				     : others == 2 ? 50
				     : others == 3 ? 30
						   : 10);
	return false;
}

/* ---- the opening ---- */

static struct m_slot *biggest_untyped(struct gen *g)
{
	struct m_object *cnode = g->pair->model->object[0];
	struct m_slot *best = NULL;

	for (unsigned i = 0; i < cnode->slots; i++) {
		struct m_cap cap = m_slot_cap(&cnode->slot[i]);

		if (cap.kind == M_UNTYPED && !cap.device && (!best || cap.bits > best->node->cap.bits))
			best = &cnode->slot[i];
	}
	return best;
}

static struct m_slot *run_of_empty(struct gen *g, unsigned count)
{
	struct m_object *cnode = g->pair->model->object[0];

	for (unsigned i = 0, run = 0; i < cnode->slots; i++) {
		run = cnode->slot[i].node ? 0 : run + 1;
		if (run == count)
			return &cnode->slot[i + 1 - count];
	}
	return NULL;
}

/* What is made, in this order. */
static const struct {
	unsigned char type, bits, count;
} opening[] = {
	{0, 17, 3}, {1, 0, 0 /* threads */}, {2, 0, 4}, {3, 0, 4}, {6, 0, 5}, {5, 8, 0}, {4, 4, 2}, {4, 5, 1},
	{10, 0, 5}};
enum { OPENING = sizeof(opening) / sizeof(opening[0]), LINES = 4, STEPS_A_LINE = 3, STEPS_A_THREAD = 4 };

static void plan_thread(struct gen *g, struct op *op, unsigned thread, unsigned step)
{
	m_word tcb = gen_address_of(g, gen_nth(g, M_THREAD, thread + 1)),
	       context = gen_address_of(g, gen_nth(g, M_CONTEXT, thread + 1));

	switch (step) {
	case 0:
		gen_configure(g, op, tcb);
		gen_set_extra(op, 2, gen_address_of(g, gen_nth(g, M_FRAME, gen_below(g, 8))));
		break;
	case 1:
		gen_sched_control(g, op);
		gen_set_mr(op, 0, 5000);
		gen_set_mr(op, 1, gen_chance(g, 70) ? 5000 : 9000);
		gen_set_extra(op, 0, context);
		break;
	case 2:
		gen_sched_params(g, op, tcb);
		gen_set_mr(op, 0, 255);
		gen_set_mr(op, 1, 10 + gen_below(g, 4) * 45);
		gen_set_extra(op, 0, gen_address_of(g, gen_nth(g, M_THREAD, 0)));
		gen_set_extra(op, 1, context);
		if (gen_chance(g, 15)) /* a passive one */
			gen_set_extra(op, 1, gen_address(g, M_NULL));
		break;
	default:
		gen_write_registers(g, op, tcb, true);
		break;
	}
	op->number = CALL;
}

/* An interrupt that signals the notification bound to a thread: when all wait, something can still happen. */
static void plan_line(struct gen *g, struct op *op, unsigned line, unsigned step)
{
	m_word notification = gen_address_of(g, gen_nth(g, M_NOTIFICATION, line));

	switch (step) {
	case 0:
		gen_irq_issue(g, op);
		op->info = m_info(58, 0, 1, 7);
		gen_set_mr(op, 2, 0);
		gen_set_mr(op, 3, line);
		gen_set_mr(op, 6, line);
		break;
	case 1:
		gen_invoke(g, op, gen_address_of(g, gen_nth(g, M_IRQ_HANDLER, line)), 28, 0, 1);
		gen_set_extra(op, 0, notification);
		break;
	default:
		gen_invoke(g, op, gen_address_of(g, gen_nth(g, M_THREAD, line)), 14, 0, 1);
		gen_set_extra(op, 0, notification);
		break;
	}
	op->number = CALL;
}

static bool plan(struct gen *g, struct op *op)
{
	unsigned step = g->planned++;

	if (step < OPENING) {
		unsigned count = opening[step].count ? opening[step].count : g->threads;
		struct m_slot *into = run_of_empty(g, count);

		gen_retype(g, op, biggest_untyped(g), opening[step].type, opening[step].bits, into, count);
		op->number = CALL;
		return true;
	}
	step -= OPENING;
	if (step < LINES * STEPS_A_LINE) {
		plan_line(g, op, step / STEPS_A_LINE, step % STEPS_A_LINE);
		return true;
	}
	step -= LINES * STEPS_A_LINE;
	if (step == STEPS_A_THREAD * g->threads) { /* all set: down among the others */
		gen_invoke(g, op, gen_address_of(g, gen_nth(g, M_THREAD, 0)), 6, 1, 1);
		gen_set_mr(op, 0, 100);
		gen_set_extra(op, 0, gen_address_of(g, gen_nth(g, M_THREAD, 0)));
		op->number = CALL;
		return true;
	}
	if (step / STEPS_A_THREAD >= g->threads)
		return false;
	plan_thread(g, op, step / STEPS_A_THREAD, step % STEPS_A_THREAD);
	return true;
}

/* ---- what is next ---- */

void gen_init(struct gen *g, struct pair *pair, uint64_t seed)
{
	memset(g, 0, sizeof(*g));
	g->pair = pair;
	g->state = seed;
	g->threads = 4 + gen_below(g, 6);
	g->is_chain = gen_chance(g, 35);
}

typedef void gen_op(struct gen *g, struct op *op);
static const struct {
	gen_op *make;
	unsigned weight;
} choices[] = {{gen_send_op, 18},  {gen_receive_op, 12}, {gen_both_op, 12},   {gen_help_op, 25},
	       {gen_part_op, 25},  {gen_heavy_op, 8},    {gen_cnode_op, 22},  {gen_family_op, 14},
	       {gen_retype_op, 5}, {gen_tcb_op, 16},     {gen_context_op, 6}, {gen_sched_control, 2},
	       {gen_domain_op, 2}, {gen_irq_op, 5},      {gen_space_op, 16},  {gen_odd_op, 3},
	       {gen_yield_op, 2},  {gen_garbage, 3}};

static void choose(struct gen *g, struct op *op)
{
	unsigned total = 0, pick;

	if (g->is_chain && gen_chance(g, 50)) {
		gen_chain_op(g, op);
		return;
	}
	for (unsigned i = 0; i < sizeof(choices) / sizeof(choices[0]); i++)
		total += choices[i].weight;
	pick = gen_below(g, total);
	for (unsigned i = 0;; i++) {
		if (pick < choices[i].weight) {
			choices[i].make(g, op);
			return;
		}
		pick -= choices[i].weight;
	}
}

bool gen_next(struct gen *g, struct op *op)
{
	struct m_model *m = g->pair->model;
	const struct m_thread *t = m->current->t;

	memset(op, 0, sizeof(*op));
	g->on = M_NULL;
	if (m->current == m->idle) {
		if (g->idle_tries++ > 12)
			return false;
		op->kind = OP_INTERRUPT;
		op->irq = (uint8_t)(16 + gen_below(g, 4));
		return true;
	}
	g->idle_tries = 0;
	if (m->current == m->object[1] && plan(g, op))
		return true;
	/* Restarted on its call: it does it again, as a program would; and always if it was preempted. */
	if (t->next_ip == t->reg[M_RIP] && (g->pair->preempted || gen_chance(g, 10))) {
		op->again = 1;
		if (is_beyond_model(g, op))
			op->again = 0;
	}
	if (!op->again)
		for (unsigned tries = 0; tries < 100; tries++) {
			memset(op, 0, sizeof(*op));
			choose(g, op);
			if (gen_chance(g, 6) && op->kind == OP_SYSCALL)
				spoil(g, op);
			if (!is_beyond_model(g, op) && !is_unwise(g, op))
				break;
			gen_yield_op(g, op);
		}
	if (gen_chance(g, 60))
		op->pending = (uint8_t)(gen_chance(g, 80) ? 1 : 1 + gen_below(g, 4));
	if (op->kind != OP_INTERRUPT)
		op->irq = (uint8_t)(16 + gen_below(g, 4));
	return true;
}
