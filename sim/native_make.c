/* sim/native_make.c - making a native engine, the routes between its processes, and what it counted. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "sim/native_internal.h"

/* ---- routes ---- */

static void inputs_release(struct sim_qsbr_head *head) { free(head); }
_Static_assert(offsetof(struct native_inputs, head) == 0, "the head is the snapshot's address");

/* A new snapshot with one more channel; the old one goes when its reader has let go of it. */
static void inputs_add(struct native_thread *t, struct native_input input)
{
	struct native_inputs *old = atomic_load_explicit(&t->inputs, memory_order_relaxed);
	const uint32_t count = old ? old->count : 0;
	struct native_inputs *fresh = malloc(sizeof *fresh + (count + 1) * sizeof *fresh->input);
	SIM_CHECK(fresh != NULL);
	if (count)
		memcpy(fresh->input, old->input, count * sizeof *fresh->input);
	fresh->count = count + 1;
	fresh->input[count] = input;
	atomic_store_explicit(&t->inputs, fresh,
			      memory_order_release); /* pairs with (I): the channel is whole */
	if (old)
		sim_qsbr_retire(&old->head, inputs_release);
}

static int32_t node_of(const struct sim_native *n, uint32_t process)
{
	const struct sim_native_config *c = &n->config;
	if (!c->host || !c->placement)
		return -1;
	return c->host->cpu[c->placement->cpu[n->process[process].thread->number]].node;
}

/* Channels lie on page boundaries, each pair's first line on another colour. */
static void *pair_memory(struct sim_native *n, int32_t node)
{
	void *memory = mmap(NULL, n->pair_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	SIM_CHECK(memory != MAP_FAILED);
	if (node >= 0 && sim_host_bind_memory(memory, n->pair_bytes, node))
		n->unbound++;
	if (n->pairs == n->pairs_room) {
		n->pairs_room = n->pairs_room ? n->pairs_room * 2 : 64;
		n->pair = realloc(n->pair, n->pairs_room * sizeof *n->pair);
		SIM_CHECK(n->pair != NULL);
	}
	n->pair[n->pairs] = memory;
	return (char *)memory + (n->pairs++ % NATIVE_COLOURS) * NATIVE_COLOUR_BYTES;
}

struct sim_channel *native_route(struct sim_native *n, uint32_t src, uint32_t dst)
{
	struct native_process *a = &n->process[src], *b = &n->process[dst];
	pthread_mutex_lock(&n->routing);
	if (!sim_load_relaxed(&a->routed[dst])) {
		void *memory = pair_memory(n, node_of(n, dst));
		sim_channel_pair_init(memory, &n->channel, &a->out[dst], &b->out[src]);
		inputs_add(b->thread, (struct native_input){.channel = a->out[dst], .from = src, .to = dst});
		inputs_add(a->thread, (struct native_input){.channel = b->out[src], .from = dst, .to = src});
		sim_store_release(&a->routed[dst], 1);
		sim_store_release(&b->routed[src], 1);
		if (b->thread != a->thread)
			sim_doorbell_ring(&b->thread->bell);
	}
	pthread_mutex_unlock(&n->routing);
	return a->out[dst];
}

/* ---- making ---- */

static int process_init(struct sim_native *n, uint32_t id)
{
	struct native_process *p = &n->process[id];
	const uint32_t on = sim_native_thread(id, n->processes, n->config.threads);
	*p = (struct native_process){.native = n, .thread = &n->thread[on], .id = id};
	p->routed = calloc(n->processes, sizeof *p->routed);
	p->out = calloc(n->processes, sizeof *p->out);
	p->outbox = calloc(n->processes, sizeof *p->outbox);
	p->waiting = calloc(n->processes, sizeof *p->waiting);
	n->thread[on].last = id + 1;
	return p->routed && p->out && p->outbox && p->waiting ? 0 : -ENOMEM;
}

static void thread_init(struct sim_native *n, uint32_t number)
{
	struct native_thread *t = &n->thread[number];
	memset(t, 0, sizeof *t);
	t->native = n;
	t->number = number;
	t->first = (uint32_t)(((uint64_t)number * n->processes + n->config.threads - 1) / n->config.threads);
	sim_doorbell_init(&t->bell, n->config.shares);
}

/* A quarter of the ring for what ends operations, an eighth for what forwards them. */
static struct sim_channel_config channel_config(const struct sim_native *n)
{
	const uint32_t slots = n->config.slots ? n->config.slots : n->processes <= 8 ? 1024 : 256;
	return (struct sim_channel_config){
		.slots = slots,
		.reserve = {[SIM_CLASS_FORWARD] = slots / 8, [SIM_CLASS_REPLY] = slots / 4},
		.line = !n->config.no_lines,
		.patience = 1};
}

static bool fits(const struct sim_engine_config *config)
{
	const struct sim_native_config *native = config->native;
	const uint32_t slots = native ? native->slots : 0;
	return native && native->threads && native->threads <= config->processes &&
	       config->processes <= SIM_NATIVE_PROCESSES_MAX && !(slots & (slots - 1)) &&
	       (!slots || slots >= 8) && !config->digest &&
	       (!native->placement || native->placement->threads >= native->threads);
}

int native_new(struct sim_native **out, struct sim_engine *engine, const struct sim_engine_config *config)
{
	if (!fits(config))
		return -EINVAL;
	struct sim_native *n = calloc(1, sizeof *n);
	if (!n)
		return -ENOMEM;
	n->config = *config->native;
	n->engine = engine;
	n->engine_config = config;
	n->processes = config->processes;
	n->channel = channel_config(n);
	n->pair_bytes = sim_channel_pair_bytes(&n->channel) + NATIVE_COLOURS * NATIVE_COLOUR_BYTES;
	n->process = aligned_alloc(128, n->processes * sizeof *n->process);
	n->thread = aligned_alloc(128, n->config.threads * sizeof *n->thread);
	pthread_mutex_init(&n->routing, NULL);
	pthread_barrier_init(&n->ready, NULL, n->config.threads + 1);
	pthread_barrier_init(&n->go, NULL, n->config.threads + 1);
	int error = n->process && n->thread ? 0 : -ENOMEM;
	for (uint32_t i = 0; !error && i < n->config.threads; i++)
		thread_init(n, i);
	if (!error)
		memset(n->process, 0, n->processes * sizeof *n->process);
	for (uint32_t i = 0; !error && i < n->processes; i++)
		error = process_init(n, i);
	if (error) {
		native_free(n);
		return error;
	}
	sim_ticks_open();
	*out = n;
	return 0;
}

static void process_fini(struct native_process *p, uint32_t processes)
{
	for (uint32_t i = 0; p->outbox && i < processes; i++)
		free(p->outbox[i].frame);
	free(p->routed);
	free(p->out);
	free(p->outbox);
	free(p->waiting);
}

void native_free(struct sim_native *n)
{
	if (!n)
		return;
	native_halt(n);
	for (uint32_t i = 0; n->process && n->thread && i < n->processes; i++)
		process_fini(&n->process[i], n->processes);
	for (uint32_t i = 0; n->thread && i < n->config.threads; i++) {
		free(n->thread[i].due.key);
		free(n->thread[i].timer);
		free(atomic_load_explicit(&n->thread[i].inputs, memory_order_relaxed));
	}
	for (uint32_t i = 0; i < n->pairs; i++)
		munmap(n->pair[i], n->pair_bytes);
	pthread_barrier_destroy(&n->ready);
	pthread_barrier_destroy(&n->go);
	pthread_mutex_destroy(&n->routing);
	free(n->pair);
	free(n->process);
	free(n->thread);
	free(n);
}

/* ---- what is known ---- */

uint64_t native_events(const struct sim_native *n)
{
	uint64_t events = 0;
	for (uint32_t i = 0; n->joined && i < n->config.threads; i++)
		events += n->thread[i].handled;
	return events;
}

const uint64_t *sim_native_origin(const struct sim_engine *engine) { return &engine->native->origin; }

static void add_thread(struct sim_native_stats *out, const struct native_thread *t)
{
	out->frames += t->frames;
	out->waited += t->waited;
	out->sleeps += t->sleeps;
	out->yields += t->yields;
	out->empty_polls += t->empty_polls;
	out->switches += t->switches;
	out->unpinned += t->unpinned;
	if (t->outbox_most > out->outbox_most)
		out->outbox_most = t->outbox_most;
}

void sim_native_stats(const struct sim_engine *engine, struct sim_native_stats *out)
{
	const struct sim_native *n = engine->native;
	struct sim_channel_stats channel;
	*out = (struct sim_native_stats){.unbound = n->unbound, .channels = n->pairs};
	for (uint32_t i = 0; i < n->config.threads; i++)
		add_thread(out, &n->thread[i]);
	out->switches -= out->switches < n->looks ? out->switches : n->looks;
	for (uint32_t i = 0; i < n->processes; i++)
		for (uint32_t to = 0; to < n->processes; to++)
			if (n->process[i].out[to]) {
				sim_channel_stats(n->process[i].out[to], &channel);
				out->line_requests += channel.line_requests;
				out->line_replies += channel.line_replies;
			}
}

_Static_assert(SIM_WAY_RING == (int)SIM_NATIVE_RING && SIM_WAY_REQUEST == (int)SIM_NATIVE_LINE &&
		       SIM_WAY_REPLY == (int)SIM_NATIVE_REPLY_LINE,
	       "a channel's way is the engine's");

enum sim_native_way sim_native_way_sent(const struct sim_engine *engine, uint32_t src, uint32_t dst)
{
	const struct sim_native *n = engine->native;
	if (!n || src == dst)
		return SIM_NATIVE_NOT;
	const struct native_process *p = &n->process[src];
	if (!p->pending || p->pending_to != dst)
		return SIM_NATIVE_OUTBOX;
	return (enum sim_native_way)p->pending->send.way;
}

enum sim_native_way sim_native_way_taken(const struct sim_engine *engine, uint32_t src, uint32_t dst)
{
	const struct sim_native *n = engine->native;
	if (!n || src == dst)
		return SIM_NATIVE_NOT;
	/* The channel is there: a frame came by it. A request whose line went back with the reply came by the line. */
	const uint8_t way = n->process[src].out[dst]->receive.way;
	return way == SIM_WAY_ANSWERED ? SIM_NATIVE_LINE : (enum sim_native_way)way;
}
