/* ssi/full.c - drives the kernels of a machine: events of the engine become interrupts, and cores run until they wait. */
#include "ssi/full.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sel4/sel4.h>
#include <skerry/ssi.h>
#include "ssi/full_internal.h"

/* ---- the inbox ---- */

static void inbox_grow(struct full_inbox *inbox)
{
	const uint32_t room = inbox->room ? inbox->room * 2 : 16;
	struct full_letter *bigger = malloc(room * sizeof *bigger);
	SIM_CHECK(bigger != NULL);
	for (uint32_t i = inbox->head; i != inbox->tail; i++)
		bigger[i & (room - 1)] = inbox->letter[i & (inbox->room - 1)];
	free(inbox->letter);
	inbox->letter = bigger;
	inbox->room = room;
}

static void inbox_put(struct full_cluster *m, const struct flat_frame *frame, const struct sim_event *event,
		      uint64_t at)
{
	struct full_inbox *inbox = &m->inbox;
	if (inbox->tail - inbox->head == inbox->room)
		inbox_grow(inbox);
	inbox->letter[inbox->tail++ & (inbox->room - 1)] = (struct full_letter){*frame, *event};
	if (m->rings)
		return;
	m->rings = true;
	core_interrupt(m->core, FULL_DOORBELL_IRQ, at);
}

/* ---- events ---- */

static sim_ps time_of(const struct flat_cluster *c, uint64_t cycles)
{
	return c->origin ? cycles : sim_ps_of_cycles(&c->machine->topology.clock, cycles);
}

/* When nobody can go on before `next`, that is when the cluster wants to be called again. */
static void go_on_at(struct flat_machine *machine, struct full_cluster *m, uint64_t next)
{
	if (next == KM_NEVER)
		return;
	const sim_ps at = time_of(m->flat, next);
	if (m->run_at <= at)
		return;
	struct flat_frame *frame = sim_engine_post(machine->engine, m->flat->id, m->flat->id, at);
	frame->msg = (struct step_msg){.protocol = FLAT_RUN};
	m->run_at = at;
}

void full_handle(struct flat_machine *machine, struct flat_cluster *c, const struct flat_frame *frame,
		 const struct sim_event *event)
{
	struct full_cluster *m = c->full;
	const uint64_t at = c->origin ? event->time : sim_cycles_of_ps(&machine->topology.clock, event->time);
	if (frame->msg.protocol != FLAT_RUN)
		inbox_put(m, frame, event, at);
	else if (m->run_at == event->time)
		m->run_at = SIM_PS_NEVER;
	go_on_at(machine, m, core_run(m->core, at + 1));
}

/* ---- making ---- */

static unsigned bits_for(uint64_t count)
{
	unsigned bits = 0;
	while ((UINT64_C(1) << bits) < count)
		bits++;
	return bits;
}

/* Slots of the root task's CNode, and memory: what the monitor makes, and twice that for what comes to be. */
static uint64_t slots_wanted(const struct full_cluster *m)
{
	return 512 + m->flat->clients * 11ull + FULL_REPLIES + FULL_PAGES + m->chunks + m->objects * 2ull;
}
static uint64_t memory_wanted(const struct full_cluster *m)
{
	const uint64_t clients = m->flat->clients * ((64ull << 10) + (32ull << FULL_CLIENT_BITS));
	const uint64_t chunks = (uint64_t)m->chunks * (32ull << FULL_CHUNK_BITS);
	const uint64_t objects = (uint64_t)m->objects << SSI_UNTYPED_BITS;
	const uint64_t all =
		objects + (4ull << 20) + (32ull << m->root_bits) + clients + chunks + FULL_PAGES * 4096ull;
	return UINT64_C(1) << bits_for(all * 2);
}

static int stacks_new(struct full_cluster *m)
{
	m->stacks_bytes = (size_t)m->flat->clients * FULL_CLIENT_STACK + 4096;
	m->stacks = mmap(NULL, m->stacks_bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (m->stacks != MAP_FAILED)
		return 0;
	m->stacks = NULL;
	return -ENOMEM;
}

static int tables_new(struct full_cluster *m)
{
	const uint32_t caps = m->flat->node[FLAT_CAPABILITY].pool[CAPABILITY_CAP].slots;
	m->chunks = (caps >> FULL_CHUNK_BITS) + 1;
	m->chunk = calloc(m->chunks, sizeof *m->chunk);
	m->owner = calloc(caps + 1, sizeof *m->owner);
	m->installed = calloc(caps + 1, 1);
	m->slot_of = calloc(caps + 1, sizeof *m->slot_of);
	m->object_of = calloc(caps + 1, sizeof *m->object_of);
	m->object = calloc(m->objects + 1, sizeof *m->object);
	m->held = calloc((size_t)(m->flat->clients + 1) << FULL_CLIENT_BITS, sizeof *m->held);
	m->client = calloc(m->flat->clients + 1, sizeof *m->client);
	m->finished = calloc(m->flat->clients + 1, sizeof *m->finished);
	m->reply = calloc(FULL_REPLIES, sizeof *m->reply);
	if (!m->slot_of || !m->object_of || !m->object || !m->held || !m->chunk || !m->owner ||
	    !m->installed || !m->client || !m->finished || !m->reply)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->flat->clients; i++)
		m->client[i] = (struct full_client){
			.cluster = m, .id = i, .held = m->held + ((size_t)i << FULL_CLIENT_BITS)};
	for (uint32_t i = 0; i < m->flat->clients; i++)
		if (monitor_program_new(&m->client[i]) || monitor_letters_new(&m->client[i]))
			return -ENOMEM;
	return stacks_new(m);
}

static uint64_t ticks_of(void *cluster) { return flat_ticks(cluster); }

static int kernel_new(struct flat_machine *machine, struct full_cluster *m)
{
	static const uint32_t doorbell = FULL_DOORBELL_IRQ;
	struct flat_cluster *c = m->flat;
	char why[256] = "";
	m->root_bits = bits_for(slots_wanted(m));
	const uint64_t bytes = memory_wanted(m);
	const struct km_region device = {
		.start = FULL_DEVICE_START,
		.end = FULL_DEVICE_START +
		       (UINT64_C(1) << bits_for((uint64_t)m->objects << SSI_UNTYPED_BITS))};
	const struct core_config config = {
		.boot = {.node = c->id,
			 .nodes = machine->clusters,
			 .cores = 1,
			 .memory = {.start = 1ull << 24, .end = (1ull << 24) + bytes},
			 .device = &device,
			 .devices = m->objects != 0,
			 .irq = &doorbell,
			 .irqs = 1,
			 .ticks_per_us = machine->topology.clock.hz / 1000000,
			 .root_cnode_bits = m->root_bits},
		.cost = machine->config.native ? NULL : machine->config.kernel_cost,
		.entry = monitor_main,
		.argument = m,
		.stack_bytes = FULL_MONITOR_STACK,
		.exit = monitor_program_exit,
		.context = m,
		.clock = machine->config.native ? ticks_of : NULL,
		.clock_context = c};
	const int error = core_new(&m->core, &config, why, sizeof why);
	if (error)
		fprintf(stderr, "skerry: the kernel of cluster %u: %s\n", c->id, why);
	return error;
}

static int cluster_new(struct flat_machine *machine, struct flat_cluster *c)
{
	struct full_cluster *m = calloc(1, sizeof *m);
	if (!m)
		return -ENOMEM;
	if (c->clients > FULL_CLIENTS_MAX) {
		fprintf(stderr,
			"skerry: cluster %u has %u clients; a kernel has ASIDs for %u: lower copies, or run "
			"with fidelity "
			"flat\n",
			c->id, c->clients, FULL_CLIENTS_MAX);
		free(m);
		return -EINVAL;
	}
	c->full = m;
	m->flat = c;
	m->run_at = SIM_PS_NEVER;
	if (machine->config.objects_max)
		m->objects = FULL_OBJECTS + c->clients * FULL_OBJECTS;
	const int error = tables_new(m);
	return error ? error : kernel_new(machine, m);
}

/* A kernel's work is its own affair: the profile of a flat machine does not charge it a second time. The wait before a
 * refused request is sent again stays. */
static void no_flat_costs(struct flat_machine *machine)
{
	static const enum sim_cost_kind kernels[] = {
		SIM_COST_CALL,       SIM_COST_REPLY, SIM_COST_NULL,  SIM_COST_SIGNAL, SIM_COST_CAP_CREATE,
		SIM_COST_CAP_DELETE, SIM_COST_MAP,   SIM_COST_UNMAP, SIM_COST_CLIENT,
	};
	for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++)
		machine->cost.cycles[kernels[i]] = 0;
}

int full_new(struct flat_machine *machine)
{
	no_flat_costs(machine);
	for (uint32_t i = 0; i < machine->clusters; i++) {
		const int error = cluster_new(machine, &machine->cluster[i]);
		if (error)
			return error;
	}
	/* The monitors make their clients and wait. */
	for (uint32_t i = 0; i < machine->clusters; i++)
		go_on_at(machine, machine->cluster[i].full, 0);
	return 0;
}

static void cluster_free(struct full_cluster *m)
{
	if (!m)
		return;
	core_free(m->core);
	if (m->stacks)
		munmap(m->stacks, m->stacks_bytes);
	for (uint32_t i = 0; m->client && i < m->flat->clients; i++) {
		monitor_letters_free(&m->client[i]);
		monitor_program_free(&m->client[i]);
	}
	free(m->inbox.letter);
	free(m->chunk);
	free(m->owner);
	free(m->slot_of);
	free(m->object_of);
	free(m->object);
	free(m->held);
	free(m->installed);
	free(m->client);
	free(m->finished);
	free(m->reply);
	free(m);
}

void full_free(struct flat_machine *machine)
{
	for (uint32_t i = 0; machine->cluster && i < machine->clusters; i++)
		cluster_free(machine->cluster[i].full);
}

_Static_assert(KM_WORK_KINDS <= FLAT_KERNEL_WORKS, "each kind has room");

/* ---- what is known afterwards ---- */

void full_stats(const struct flat_machine *machine, struct flat_kernel_stats *out)
{
	*out = (struct flat_kernel_stats){0};
	for (uint32_t i = 0; i < machine->clusters; i++) {
		const struct full_cluster *m = machine->cluster[i].full;
		struct core_stats stats;
		core_stats(m->core, &stats);
		out->entries +=
			stats.faults + stats.exceptions + stats.interrupts + stats.timers + stats.ipis;
		for (unsigned k = 0; k < sizeof stats.syscalls / sizeof stats.syscalls[0]; k++)
			out->entries += stats.syscalls[k];
		out->cycles += stats.kernel;
		out->refused += m->refused;
		out->starved += m->starved;
		for (unsigned k = 0; k < KM_WORK_KINDS; k++)
			out->work[k] += core_kernel(m->core)->work[k];
	}
}

/* Whoever can be used has a capability in its kernel, and nothing that is gone has one. */
static const char *check_representatives(const struct full_cluster *m)
{
	const struct step_node *n = &m->flat->node[FLAT_CAPABILITY];
	const struct step_pool *pool = &n->pool[CAPABILITY_CAP];
	for (uint32_t i = 0; i < pool->used; i++) {
		const struct step_head *head = step_at(n, CAPABILITY_CAP, i);
		const bool usable = n->protocol->machine[CAPABILITY_CAP].usable >> head->state & 1;
		if (usable && !m->installed[i])
			return "a usable representative has no capability in its kernel";
		if (!head->state && m->installed[i])
			return "the kernel still has the capability of a representative that is gone";
	}
	return NULL;
}

void full_check(const struct flat_machine *machine, struct flat_check *check)
{
	check->name = "kernels";
	for (uint32_t i = 0; i < machine->clusters; i++) {
		const struct full_cluster *m = machine->cluster[i].full;
		const char *why = km_check(core_kernel(m->core));
		why = why ? why : check_representatives(m);
		check->count++;
		if (why && !check->failures++)
			snprintf(check->first, sizeof check->first, "cluster %u: %s", i, why);
	}
}
