/* tests/model/pair.c - making the pair, and one step of it. See pair.h. */
#include "tests/model/pair.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct pair_config pair_small = {
	.memory_bytes = 2 << 20, .cnode_bits = 8, .root_priority = 255, .image_frames = 2};

static int kernel_pending(void *context, struct km_kernel *kernel, struct km_core *core)
{
	struct pair *pair = context;

	(void)kernel;
	(void)core;
	return ++pair->asked[0] == pair->pending;
}

static bool model_pending(void *context)
{
	struct pair *pair = context;

	return ++pair->asked[1] == pair->pending;
}

/* ---- the model of a kernel that has just booted ---- */

struct import {
	struct pair *pair;
	struct m_object *slot_owner[4]; /* CNode, thread, interrupts: whose slots have been read */
	unsigned owners;
};

static struct m_object *object_at(struct m_model *m, enum m_kind kind, m_word at, unsigned bits)
{
	for (unsigned i = 0; i < m->objects; i++)
		if (m->object[i]->at == at && m->object[i]->kind == kind)
			return m->object[i];
	return m_object_new(m, kind, at, bits);
}

static const enum m_kind kind_of[KM_CAP_TYPES] = {
	[KM_CAP_NULL] = M_NULL,
	[KM_CAP_UNTYPED] = M_UNTYPED,
	[KM_CAP_ENDPOINT] = M_ENDPOINT,
	[KM_CAP_NOTIFICATION] = M_NOTIFICATION,
	[KM_CAP_REPLY] = M_REPLY,
	[KM_CAP_CNODE] = M_CNODE,
	[KM_CAP_THREAD] = M_THREAD,
	[KM_CAP_SCHED_CONTEXT] = M_CONTEXT,
	[KM_CAP_SCHED_CONTROL] = M_SCHED_CONTROL,
	[KM_CAP_DOMAIN] = M_DOMAIN,
	[KM_CAP_IRQ_CONTROL] = M_IRQ_CONTROL,
	[KM_CAP_IRQ_HANDLER] = M_IRQ_HANDLER,
	[KM_CAP_FRAME] = M_FRAME,
	[KM_CAP_PAGE_TABLE] = M_PAGE_TABLE,
	[KM_CAP_PAGE_DIRECTORY] = M_PAGE_DIRECTORY,
	[KM_CAP_PDPT] = M_PDPT,
	[KM_CAP_PML4] = M_PML4,
	[KM_CAP_ASID_CONTROL] = M_ASID_CONTROL,
	[KM_CAP_ASID_POOL] = M_ASID_POOL,
	[KM_CAP_IO_PORT_CONTROL] = M_PORT_CONTROL,
	[KM_CAP_IO_PORT] = M_PORT,
	[KM_CAP_ZOMBIE] = M_ZOMBIE,
};

static bool has_object(enum m_kind kind)
{
	switch (kind) {
	case M_ENDPOINT:
	case M_NOTIFICATION:
	case M_REPLY:
	case M_CNODE:
	case M_THREAD:
	case M_CONTEXT:
	case M_FRAME:
	case M_PAGE_TABLE:
	case M_PAGE_DIRECTORY:
	case M_PDPT:
	case M_PML4:
	case M_ASID_POOL:
		return true;
	default:
		return false;
	}
}

static struct m_cap import_cap(struct m_model *m, struct km_cap cap)
{
	enum m_kind kind = kind_of[cap.type];
	struct m_cap out = {.kind = kind, .rights = cap.rights, .bits = cap.size};

	if (has_object(kind))
		out.object = object_at(m, kind, km_cap_paddr(cap), cap.size);
	if (kind == M_UNTYPED) {
		out.base = km_cap_paddr(cap);
		out.used = cap.word << KM_GRANULE_BITS;
	}
	out.device = (kind == M_UNTYPED || kind == M_FRAME) && cap.flag;
	if (kind == M_CNODE) {
		out.guard_bits = cap.guard_size;
		out.badge = cap.word;
	}
	if (kind >= M_FRAME && kind <= M_PML4) {
		out.asid = km_cap_asid(cap);
		out.vaddr = km_cap_vaddr(cap);
	}
	if (kind == M_ASID_POOL || kind == M_SCHED_CONTROL)
		out.base = cap.word;
	return out;
}

/* Capabilities of the boot stand alone, but for those in the root thread's slots, which are copies. */
static void import_slots(struct pair *pair, struct m_object *owner)
{
	for (unsigned i = 0; i < owner->slots; i++) {
		struct km_slot *slot = pair_slot(pair, &owner->slot[i]);
		struct m_slot *source = NULL;
		struct m_cap cap;

		if (km_slot_is_empty(slot))
			continue;
		cap = import_cap(pair->model, slot->cap);
		for (unsigned s = 0; owner->kind == M_THREAD && s < pair->model->object[0]->slots; s++)
			if (m_same_object(m_slot_cap(&pair->model->object[0]->slot[s]), cap))
				source = &pair->model->object[0]->slot[s];
		if (source)
			m_node_derived(pair->model, source, &owner->slot[i], cap);
		else
			m_node_root(pair->model, &owner->slot[i], cap);
	}
}

static void import_thread(struct pair *pair, struct m_object *thread)
{
	const struct km_tcb *tcb = KM_TCB(pair->kernel, (km_ref)(thread->at >> KM_GRANULE_BITS));
	struct m_thread *t = thread->t;

	memcpy(t->reg, tcb->context.reg, sizeof(t->reg));
	t->next_ip = tcb->context.next_ip;
	t->state = (enum m_state)tcb->state;
	t->priority = tcb->priority;
	t->mcp = tcb->mcp;
	t->domain = tcb->domain;
	t->buffer = tcb->buffer_address;
}

static void import_memory(struct pair *pair, struct m_object *frame)
{
	frame->memory = m_take(pair->model, (size_t)1 << frame->bits);
	memcpy(frame->memory, km_at(pair->kernel, (km_ref)(frame->at >> KM_GRANULE_BITS)),
	       (size_t)1 << frame->bits);
}

/* What stands where in the page tables: of the boot, each entry is user's, and may be written. */
static void import_table(struct pair *pair, struct m_object *table)
{
	const uint64_t *entry = km_at(pair->kernel, (km_ref)(table->at >> KM_GRANULE_BITS));

	table->place = m_take(pair->model, M_PLACES * sizeof(*table->place));
	for (unsigned i = 0; i < M_PLACES / 2 || (i < M_PLACES && table->kind != M_PML4); i++) {
		if (!(entry[i] & 1))
			continue;
		for (unsigned o = 0; o < pair->model->objects; o++)
			if (pair->model->object[o]->at == (entry[i] & UINT64_C(0xffffffffff000)))
				table->place[i].object = pair->model->object[o];
		table->place[i].rights = M_READ | M_WRITE;
	}
}

static void import_spaces(struct pair *pair)
{
	struct m_model *m = pair->model;

	for (unsigned i = 0; i < m->objects; i++) {
		struct m_object *object = m->object[i];

		if (object->kind >= M_PAGE_TABLE && object->kind <= M_PML4)
			import_table(pair, object);
		if (object->kind == M_ASID_POOL)
			m->pool_object[0] = object;
	}
	for (unsigned i = 0; i < m->object[0]->slots; i++) {
		struct m_cap cap = m_slot_cap(&m->object[0]->slot[i]);

		if (cap.kind == M_PML4)
			m->space[cap.asid] = cap.object;
	}
}

static void import(struct pair *pair)
{
	struct km_kernel *k = pair->kernel;
	struct m_model *m = pair->model;
	struct m_object *cnode, *root, *context = NULL;

	m->ticks_per_us = k->ticks_per_us;
	cnode = m_object_new(m, M_CNODE, (m_word)k->root_cnode << KM_GRANULE_BITS, pair_small.cnode_bits);
	root = m_object_new(m, M_THREAD, (m_word)k->root_tcb << KM_GRANULE_BITS, 11);
	m->idle = m_object_new(m, M_THREAD, (m_word)km_ref_of(k, pair->core->idle) << KM_GRANULE_BITS, 11);
	m->idle->slots = 0;
	m->irq_node = m_object_new(m, M_CNODE, (m_word)k->irq_node << KM_GRANULE_BITS, 8);
	import_slots(pair, cnode);
	import_slots(pair, root);
	import_thread(pair, root);
	import_thread(pair, m->idle);
	for (unsigned i = 0; i < m->objects; i++) {
		if (m->object[i]->kind == M_CONTEXT)
			context = m->object[i];
		if (m->object[i]->kind == M_FRAME)
			import_memory(pair, m->object[i]);
	}
	import_spaces(pair);
	context->configured = true;
	context->thread = root;
	root->t->context = context;
	m->current = root;
	m->charged = context;
	for (unsigned i = 0; i < M_SCHEDULE - 1 && i < KM_SCHEDULE_MAX; i++) {
		m->schedule[i].domain = k->schedule[i].domain;
		m->schedule[i].duration = k->schedule[i].duration;
	}
	memcpy(m->irq_state, k->irq_state, sizeof(m->irq_state));
	memcpy(m->irq_mask, k->irq_masked, sizeof(m->irq_mask));
	m->pending = model_pending;
	m->pending_context = pair;
}

struct pair *pair_new(const struct pair_config *config)
{
	struct pair *pair = calloc(1, sizeof(*pair));
	struct km_boot boot = {.name = "model", .nodes = 1, .cores = 1, .ticks_per_us = 1000};

	boot.memory.start = 1 << 20;
	boot.memory.end = boot.memory.start + config->memory_bytes;
	boot.root_cnode_bits = config->cnode_bits;
	boot.root_priority = (uint8_t)config->root_priority;
	boot.image_frames = config->image_frames;
	if (!pair || km_kernel_new(&pair->kernel, &boot, pair->why, sizeof(pair->why))) {
		fprintf(stderr, "model: no kernel: %s\n", pair ? pair->why : "no memory");
		exit(70);
	}
	pair->core = &pair->kernel->core[0];
	pair->kernel->host.context = pair;
	pair->kernel->host.pending = kernel_pending;
	pair->model = m_model_new();
	pair->full_every = 64;
	pair->check_every = 256;
	import(pair);
	return pair;
}

void pair_free(struct pair *pair)
{
	if (!pair)
		return;
	km_kernel_free(pair->kernel);
	m_model_free(pair->model);
	free(pair);
}

/* ---- a step ---- */

static void set_register(struct pair *pair, unsigned reg, m_word value)
{
	pair->core->current->context.reg[reg] = value;
	pair->model->current->t->reg[reg] = value;
}

/* The call instruction is two bytes; the thread stands on it. */
static void stand_on_call(struct pair *pair, unsigned length)
{
	m_word ip = pair->model->current->t->next_ip;

	set_register(pair, M_RIP, ip);
	pair->core->current->context.next_ip = ip + length;
	pair->model->current->t->next_ip = ip + length;
}

static void put_words(struct pair *pair, const struct op *op)
{
	struct m_model *m = pair->model;
	km_word *kernel = km_ipc_buffer(pair->kernel, pair->core->current, 1);
	m_word *model = m_buffer(m, m->current, true);

	for (unsigned i = 0; kernel && model && i < op->words; i++)
		kernel[op->word[i].at] = model[op->word[i].at] = op->word[i].value;
}

static void put_registers(struct pair *pair, const struct op *op)
{
	static const unsigned char mr[4] = {M_R10, M_R8, M_R9, M_R15};

	set_register(pair, M_RDX, (m_word)(int64_t)op->number);
	set_register(pair, M_RDI, op->cptr);
	set_register(pair, M_RSI, op->info);
	for (unsigned i = 0; i < 4; i++)
		set_register(pair, mr[i], op->mr[i]);
	set_register(pair, M_R12, op->reply);
	set_register(pair, M_R13, op->dest);
	put_words(pair, op);
}

static void take_interrupt(struct pair *pair, unsigned irq)
{
	if (pair->model->current != pair->model->idle)
		stand_on_call(pair, 0);
	km_interrupt(pair->kernel, pair->core, irq);
	m_interrupt(pair->model, irq);
}

static void run_op(struct pair *pair, const struct op *op)
{
	struct km_kernel *k = pair->kernel;
	struct m_model *m = pair->model;

	if (op->kind == OP_INTERRUPT) {
		take_interrupt(pair, op->irq);
		return;
	}
	stand_on_call(pair, op->kind == OP_SYSCALL ? 2 : 0);
	switch (op->kind) {
	case OP_SYSCALL:
		if (!op->again)
			put_registers(pair, op);
		km_syscall(k, pair->core);
		m_syscall(m);
		break;
	case OP_EXCEPTION:
		km_user_exception(k, pair->core, op->cptr, op->info);
		m_user_exception(m, op->cptr, op->info);
		break;
	default:
		km_vm_fault(k, pair->core, op->cptr, op->info, (int)(op->mr[0] & 1));
		m_vm_fault(m, op->cptr, op->info, op->mr[0] & 1);
		break;
	}
}

/* ---- km_check ---- */

static bool mark_slots(struct m_object *holder, unsigned char *marked)
{
	bool more = false;

	for (unsigned i = 0; i < holder->slots; i++) {
		struct m_cap cap = m_slot_cap(&holder->slot[i]);

		if (cap.object && cap.object->slots && !marked[cap.object->number]) {
			marked[cap.object->number] = 1;
			more = true;
		}
	}
	return more;
}

/* A CNode whose last capabilities lie in itself is lost, and legal. km_check() goes from what threads can name, and would
 * find the tree going where it cannot follow. */
static bool has_lost_cnode(const struct m_model *m)
{
	unsigned char *marked = calloc(m->objects, 1);
	bool more = true, lost = false;

	if (!marked)
		return true;
	marked[m->current->number] = marked[m->irq_node->number] = 1;
	for (unsigned i = 0; i < m->objects; i++)
		if (m->object[i]->kind == M_THREAD && m->object[i]->t->context)
			marked[i] = 1;
	while (more) {
		more = false;
		for (unsigned i = 0; i < m->objects; i++)
			if (marked[i] == 1) {
				marked[i] = 2;
				more |= mark_slots(m->object[i], marked);
			}
	}
	for (unsigned i = 0; i < m->objects; i++)
		lost |= m->object[i]->alive && m->object[i]->slots && !marked[i];
	free(marked);
	return lost;
}

static const char *check_kernel(struct pair *pair)
{
	const char *why = km_check(pair->kernel);

	if (!why || !has_lost_cnode(pair->model))
		return why;
	pair->check_every = 0;
	return NULL;
}

const char *pair_compare_all(struct pair *pair)
{
	const char *why = pair_compare(pair, true);

	return why || !pair->check_every ? why : check_kernel(pair);
}

/* An interrupt that was pending is taken before any thread runs, as hardware would. */
const char *pair_step(struct pair *pair, struct op *op)
{
	const char *why;

	if (pair->model->current == pair->model->idle && op->kind != OP_INTERRUPT)
		return NULL;
	op->thread = pair->model->current->number;
	pair->steps++;
	pair->asked[0] = pair->asked[1] = 0;
	pair->pending = op->pending;
	run_op(pair, op);
	if (pair->asked[0] != pair->asked[1]) {
		snprintf(pair->why, sizeof(pair->why),
			 "preemption: the kernel looked %u times for interrupts, the model %u times",
			 pair->asked[0], pair->asked[1]);
		return pair->why;
	}
	why = pair_compare(pair, false);
	pair->preempted = pair->model->preempted;
	if (!why && pair->preempted) {
		take_interrupt(pair, op->irq);
		why = pair_compare(pair, false);
	}
	if (!why && pair->full_every && pair->steps % pair->full_every == 0)
		why = pair_compare(pair, true);
	if (!why && pair->check_every && pair->steps % pair->check_every == 0)
		why = check_kernel(pair);
	return why;
}
