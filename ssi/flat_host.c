/* ssi/flat_host.c - the host of the protocol steps: clocks, costs, messages, names and bulk data of one node. */
#include <stdio.h>
#include <stdlib.h>
#include "sim/native.h"
#include "sim/probes.h"
#include "ssi/flat_internal.h"
#include "ssi/full.h"
#include "ssi/inclusion.h"

/* ---- clocks, costs and the chain of causes ---- */

void flat_begin(struct step_node *n, struct flat_task *task, step_ref waiter, enum flat_doing doing,
		enum flat_op op)
{
	flat_sync(n);
	*task = (struct flat_task){.doing = (uint8_t)doing,
				   .op = (uint8_t)op,
				   .waiter = waiter,
				   .begun = flat_cluster_of(n)->now,
				   .before = flat_chain_of(n)};
}

void flat_account(struct flat_cluster *c, unsigned number, uint64_t cycles, struct flat_chain chain,
		  bool failed)
{
	struct flat_machine *m = c->machine;
	struct flat_op_stats *op = &c->shard->op[number];
	const uint64_t known = chain.kernel + chain.monitor + chain.wire;
	sim_histogram_record(&op->latency_ps, sim_ps_of_cycles(&m->topology.clock, cycles));
	op->failures += failed;
	op->share.kernel += chain.kernel;
	op->share.monitor += chain.monitor;
	op->share.wire += chain.wire;
	op->share.waiting += cycles > known ? cycles - known : 0;
}

void flat_end(struct step_node *n, struct flat_task *task, bool failed)
{
	flat_sync(n);
	struct flat_cluster *c = flat_cluster_of(n);
	struct flat_chain chain = flat_chain_of(n), before = task->before;
	chain.wire -= chain.wire < before.wire ? chain.wire : before.wire;
	chain.kernel -= chain.kernel < before.kernel ? chain.kernel : before.kernel;
	chain.monitor -= chain.monitor < before.monitor ? chain.monitor : before.monitor;
	flat_account(c, task->op, c->now - task->begun, chain, failed);
	task->doing = DOING_NOTHING;
}

/* ---- the host of the steps ---- */

static void count_message(struct flat_shard *s, const struct step_node *n, uint32_t to, uint64_t bytes)
{
	const struct flat_machine *m = flat_machine_of(n);
	uint32_t class_index, call = n->host_half & 255, op = n->host_half >> 8;
	sim_topology_class(&m->topology, n->id, to, &class_index);
	s->messages++;
	s->by_class[class_index].messages++;
	s->by_class[class_index].bytes += bytes;
	if (s->pair) {
		s->pair[n->id * m->clusters + to].messages++;
		s->pair[n->id * m->clusters + to].bytes += bytes;
	}
	if (call)
		s->op[call - 1].messages++;
	if (op)
		s->op[op - 1].messages++;
}

static unsigned class_of(const struct step_node *n, unsigned event)
{
	return n->protocol->event[event].klass - STEP_REQUEST;
}

/* Bulk data occupies the sender's port, so what is sent later also arrives later: a pair stays first in, first
 * out. */
static sim_ps arrival_of(struct step_node *n, uint32_t to, uint64_t bytes, struct flat_chain *chain)
{
	struct flat_machine *m = flat_machine_of(n);
	struct flat_cluster *c = flat_cluster_of(n);
	const struct sim_link link = sim_topology_link(&m->topology, n->id, to);
	flat_charge_monitor(n, link.send);
	sim_ps departure = sim_ps_of_cycles(&m->topology.clock, c->now);
	departure =
		(departure > c->egress_free ? departure : c->egress_free) + bytes * link.ps_per_kib / 1024;
	c->egress_free = departure + sim_ps_of_cycles(&m->topology.clock, link.gap);
	*chain = flat_chain_of(n);
	chain->wire = flat_saturate(chain->wire + sim_cycles_of_ps(&m->topology.clock, link.wire_ps),
				    (1u << 24) - 1);
	return departure + link.wire_ps;
}

SIM_PROBE_DEFINE(message_sent);

SIM_PROBE_ASIDE static void probe_sent(const struct step_node *n, uint32_t to, unsigned number)
{
	const struct step_event *event = &n->protocol->event[number];
	SIM_PROBE(message_sent, n->id, to, n->protocol->name, event->name, (unsigned)event->klass,
		  (unsigned)sim_native_way_sent(flat_machine_of(n)->engine, n->id, to), (unsigned)n->number,
		  number);
}

static struct flat_frame *send_now(struct step_node *n, uint32_t to, uint64_t bytes, unsigned klass)
{
	struct flat_chain chain =
		flat_chain_of(n); /* natively its wire is counted where the message arrives */
	const sim_ps arrival = flat_cluster_of(n)->origin ? 0 : arrival_of(n, to, bytes, &chain);
	struct flat_frame *frame = sim_engine_send(flat_machine_of(n)->engine, n->id, to, arrival, klass);
	frame->chain = chain;
	return frame;
}

void flat_depart(struct flat_cluster *c, uint32_t to, const struct flat_waiting *waiting)
{
	struct step_node *n = &c->node[waiting->frame.msg.protocol];
	flat_set_chain(n, waiting->frame.chain);
	send_now(n, to, waiting->bytes, waiting->klass)->msg = waiting->frame.msg;
}

static struct step_msg *host_send(struct step_node *n, uint32_t to, unsigned event)
{
	struct flat_cluster *c = flat_cluster_of(n);
	const bool data = n->protocol->event[event].word == STEP_K_DATA;
	const uint64_t bytes = !data                     ? 0
			       : n->number == FLAT_RELAY ? sizeof(struct flat_letter)
							 : FLAT_PAGE_BYTES;
	const unsigned was = flat_enter(c->profile, FLAT_CAUSE_SEND);
	flat_sync(n);
	struct flat_frame *frame;
	if (!c->way || flat_credit_take(c, to)) {
		frame = send_now(n, to, bytes, class_of(n, event));
	} else {
		frame = flat_credit_wait(c, to, class_of(n, event), bytes);
		frame->chain = flat_chain_of(n);
	}
	c->sending_to = data ? to : c->id;
	count_message(c->shard, n, to, 64 + bytes);
	if (SIM_PROBE_ON(message_sent))
		probe_sent(n, to, event);
	flat_leave(c->profile, was);
	return &frame->msg;
}

static void queue_grow(struct flat_shard *s)
{
	uint32_t room = s->queue_room ? s->queue_room * 2 : 256;
	struct flat_queue_item *bigger = malloc(room * sizeof *bigger);
	SIM_CHECK(bigger != NULL);
	for (uint32_t i = s->queue_head; i != s->queue_tail; i++)
		bigger[i & (room - 1)] = s->queue[i & (s->queue_room - 1)];
	free(s->queue);
	s->queue = bigger;
	s->queue_room = room;
}

static void queue_put(struct step_node *n, step_ref at, struct step_list *list)
{
	struct flat_shard *s = flat_cluster_of(n)->shard;
	if (s->queue_tail - s->queue_head == s->queue_room)
		queue_grow(s);
	s->queue[s->queue_tail++ & (s->queue_room - 1)] = (struct flat_queue_item){n, at, list};
}

static void host_fanout(struct step_node *n, step_ref self, struct step_list *list)
{
	queue_put(n, self, list);
}
static void host_ready(struct step_node *n, step_ref at) { queue_put(n, at, NULL); }

/* ---- the step log ---- */

void flat_log(struct step_node *n, enum inclusion_kind kind, const struct step_msg *m, step_ref at,
	      uint32_t from)
{
	struct inclusion_log *log = flat_cluster_of(n)->shard->log;
	if (log)
		inclusion_log_add(log, n->id, n->number, kind, m, at, from);
}

void flat_deliver(struct step_node *n, const struct step_msg *m)
{
	struct flat_profile *profile = flat_profile_of(n);
	const unsigned was = flat_cause_now(profile);
	flat_log(n, INCLUSION_DELIVER, m, STEP_NOBODY, n->id);
	step_deliver(n, m);
	flat_flush(n);
	flat_leave(profile, was);
	flat_sync(n);
}

void flat_raise(struct step_node *n, const struct step_msg *m)
{
	flat_log(n, INCLUSION_RAISE, m, STEP_NOBODY, n->id);
	*step_raise(n, m->to, m->event) = *m;
	flat_cluster_of(n)->raised |= (uint8_t)(1u << n->number);
}

/* ---- results of effects ---- */

static void complete(struct step_node *n, step_ref client, uint32_t result, step_ref arg)
{
	struct flat_cluster *c = flat_cluster_of(n);
	if (client.index == FLAT_BACKGROUND)
		return;
	switch (n->number) {
	case FLAT_CAPABILITY:
		flat_files_tree_done(c, n, (uint32_t)client.index, result, arg);
		break;
	case FLAT_MEMORY:
		flat_pages_granted(c, n, (uint32_t)client.index, result, arg);
		break;
	case FLAT_THREAD:
		flat_thread_done(c, n, client, result);
		break;
	case FLAT_RELAY:
		flat_relay_done(c, n, (uint32_t)client.index, result, arg);
		break;
	default:
		flat_files_done(c, n, (uint32_t)client.index, result);
	}
}

static void host_complete(struct step_node *n, step_ref client, uint32_t result, step_ref arg)
{
	static const uint8_t cause[FLAT_PROTOCOLS] = {[FLAT_CAPABILITY] = FLAT_CAUSE_MONITOR,
						      [FLAT_MEMORY] = FLAT_CAUSE_COPY,
						      [FLAT_FILE] = FLAT_CAUSE_REPLY,
						      [FLAT_THREAD] = FLAT_CAUSE_MONITOR,
						      [FLAT_RELAY] = FLAT_CAUSE_MONITOR};
	struct flat_profile *profile = flat_profile_of(n);
	const unsigned was = flat_enter(profile, cause[n->number]);
	complete(n, client, result, arg);
	flat_leave(profile, was);
	flat_log(n, INCLUSION_RETURN, NULL, STEP_NOBODY, n->id);
}

/* What a local call is about: the kernel's capabilities, names, or the way of a client's call. */
static enum flat_cause cause_of_local(const struct step_node *n, uint32_t call)
{
	if (n->number != FLAT_FILE)
		return FLAT_CAUSE_CAPABILITY;
	return call == POSIX_LOOK_UP || call == POSIX_MAKE || call == POSIX_CHECK || call == POSIX_APPLY
		       ? FLAT_CAUSE_NAMES
		       : FLAT_CAUSE_MONITOR;
}

static bool install(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	flat_charge_kernel(n, SIM_COST_CAP_CREATE);
	return !flat_cluster_of(n)->full || full_install(n, self, call, arg);
}

void flat_local_answer(struct step_node *n, step_ref self, bool done, step_ref arg)
{
	struct flat_shard *s = flat_cluster_of(n)->shard;
	flat_grow((void **)&s->local, s->local_count, &s->local_room, sizeof *s->local);
	s->local[s->local_count++] = (struct flat_local){.msg = {.event = done ? E_LOCAL_OK : E_LOCAL_ERR,
								 .protocol = n->number,
								 .host = n->host_half,
								 .to = self,
								 .arg = arg},
							 .chain = flat_chain_of(n)};
}

static void host_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	struct flat_profile *profile = flat_profile_of(n);
	const unsigned was = flat_enter(profile, cause_of_local(n, call));
	flat_sync(n);
	if (n->number == FLAT_FILE) {
		flat_files_local(n, self, call, arg);
	} else if (n->number == FLAT_THREAD) {
		flat_thread_local(n, self, call, arg);
	} else {
		const bool done = call >= CAPABILITY_LOCAL_OF_OWN ? flat_caps_own(n, self, call, arg)
								  : install(n, self, call, arg);
		flat_local_answer(n, self, done, STEP_NOBODY);
	}
	flat_leave(profile, was);
	flat_log(n, INCLUSION_RETURN, NULL, STEP_NOBODY, n->id);
}

/* What a timer waits, on the machine's clock: as the scenario says, or one fault's time, natively 2 us. */
static sim_cycles timer_cycles(const struct flat_machine *m)
{
	if (m->config.timer)
		return sim_cycles_of_ps(&m->topology.clock, m->config.timer);
	return m->config.native ? m->topology.clock.hz / 500000 : m->cost.cycles[SIM_COST_FAULT];
}

static void host_timer(struct step_node *n, step_ref self)
{
	struct flat_machine *m = flat_machine_of(n);
	struct flat_cluster *c = flat_cluster_of(n);
	const sim_ps at = c->origin ? flat_ticks(c) + timer_cycles(m)
				    : sim_ps_of_cycles(&m->topology.clock, c->now + timer_cycles(m));
	struct flat_frame *frame = sim_engine_post(m->engine, n->id, n->id, at);
	frame->msg =
		(struct step_msg){.event = E_TIMER, .protocol = n->number, .host = n->host_half, .to = self};
	frame->chain = flat_chain_of(n);
}

static struct ssi_table *names_of(struct flat_cluster *c, const struct step_node *n, unsigned machine,
				  step_ref **slots)
{
	if (n->number == FLAT_CAPABILITY) {
		*slots = c->caps_name[machine];
		return &c->caps_named[machine];
	}
	if (n->number == FLAT_RELAY) {
		*slots = c->port_name;
		return &c->ports;
	}
	*slots = machine == MSI_DIR ? c->dir_name : c->line_name;
	return machine == MSI_DIR ? &c->dirs : &c->lines;
}

static uint32_t host_find(struct step_node *n, unsigned machine, step_ref name)
{
	struct flat_profile *profile = flat_profile_of(n);
	const unsigned was = flat_enter(profile, FLAT_CAUSE_TRANSLATE);
	step_ref *slots;
	const struct ssi_table *table = names_of(flat_cluster_of(n), n, machine, &slots);
	uint64_t found = ssi_table_find(table, step_ref_word(name));
	flat_leave(profile, was);
	return found == SSI_TABLE_NONE ? STEP_INDEX_MAX : (uint32_t)found;
}

static void host_bind(struct step_node *n, unsigned machine, step_ref name, uint32_t index)
{
	struct flat_cluster *c = flat_cluster_of(n);
	step_ref *slots;
	struct ssi_table *table = names_of(c, n, machine, &slots);
	const unsigned was = flat_enter(c->profile, FLAT_CAUSE_TRANSLATE);
	SIM_CHECK(ssi_table_put(table, step_ref_word(name), index) == 0);
	slots[index] = name;
	c->lines_live += n->number == FLAT_MEMORY && machine == MSI_LINE;
	flat_leave(c->profile, was);
}

static void host_unbind(struct step_node *n, unsigned machine, uint32_t index)
{
	struct flat_cluster *c = flat_cluster_of(n);
	step_ref *slots;
	struct ssi_table *table = names_of(c, n, machine, &slots);
	if (!slots[index].machine)
		return; /* taken by STEP_NEW: it stands for nothing */
	const unsigned was = flat_enter(c->profile, FLAT_CAUSE_TRANSLATE);
	ssi_table_remove(table, step_ref_word(slots[index]));
	slots[index] = STEP_NOBODY;
	c->lines_live -= n->number == FLAT_MEMORY && machine == MSI_LINE;
	flat_leave(c->profile, was);
}

/* ---- bulk data ---- */

static bool is_native(const struct step_node *n) { return flat_machine_of(n)->config.native != NULL; }

bool flat_carries_data(const struct step_node *n, const struct step_msg *m)
{
	return n->number != FLAT_THREAD && n->protocol->event[m->event].word == STEP_K_DATA;
}

static struct flat_taken *taken_of(const struct flat_machine *m, uint32_t from, uint32_t to)
{
	return &m->taken[(size_t)from * m->clusters + to];
}

/* Drops the references of what the receiver has copied. */
static void transit_reclaim(struct flat_cluster *c, uint32_t to)
{
	const struct flat_machine *m = c->machine;
	struct flat_transit *t = &c->transit[to];
	/* (T) pairs with (U) in flat_data_arrived(): the bytes were read before their frame is used again. */
	const uint32_t taken = sim_load_acquire(&taken_of(m, c->id, to)->count);
	while (t->head != taken)
		frames_drop(&c->shard->frames, t->frame[t->head++ & (t->room - 1)]);
}

static void transit_grow(struct flat_transit *t)
{
	const uint32_t room = t->room ? t->room * 2 : 16;
	uint32_t *bigger = malloc(room * sizeof *bigger);
	SIM_CHECK(bigger != NULL);
	for (uint32_t i = t->head; i != t->tail; i++)
		bigger[i & (room - 1)] = t->frame[i & (t->room - 1)];
	free(t->frame);
	t->frame = bigger;
	t->room = room;
}

static void transit_put(struct flat_cluster *c, uint32_t to, uint32_t frame)
{
	struct flat_transit *t = &c->transit[to];
	transit_reclaim(c, to);
	if (t->tail - t->head == t->room)
		transit_grow(t);
	t->frame[t->tail++ & (t->room - 1)] = frame;
}

/* Frame 0 is all zeros everywhere. */
void flat_data_arrived(struct flat_cluster *c, struct step_msg *msg, uint32_t from)
{
	struct flat_machine *m = c->machine;
	struct flat_taken *taken = taken_of(m, from, c->id);
	const uint32_t theirs = msg->word;
	if (!theirs)
		return;
	const unsigned was = flat_enter(c->profile, FLAT_CAUSE_DATA);
	msg->word = frames_new(&c->shard->frames, (theirs & FRAME_SMALL) != 0);
	memcpy(frames_bytes(&c->shard->frames, msg->word),
	       frames_bytes(&m->cluster[from].shard->frames, theirs),
	       theirs & FRAME_SMALL ? FRAME_SMALL_BYTES : FRAME_BYTES);
	/* (U) pairs with (T) in transit_reclaim(). */
	sim_store_release(&taken->count, sim_load_relaxed(&taken->count) + 1);
	flat_leave(c->profile, was);
}

bool flat_data_is_there(const struct flat_cluster *sender, uint32_t word)
{
	const struct flat_outbox *o = &sender->outbox;
	if (sender->origin) {
		const struct frames *frames = &sender->shard->frames;
		return (word & ~FRAME_SMALL) < (word & FRAME_SMALL ? frames->small.max : frames->page.max);
	}
	const uint32_t i = word & (o->size - 1);
	return o->size && o->slot[i].frame && o->slot[i].number == word;
}

void flat_data_fini(struct flat_cluster *c, uint32_t clusters)
{
	for (uint32_t i = 0; c->transit && i < clusters; i++)
		free(c->transit[i].frame);
	free(c->transit);
	free(c->outbox.slot);
}

/* In virtual time the word is a running number of the sender's, so it is the same whatever other clusters do. Natively
 * it is the sender's frame. */
static uint32_t host_data_out(struct step_node *n, uint32_t data)
{
	struct flat_cluster *c = flat_cluster_of(n);
	if (n->number == FLAT_THREAD) { /* who comes reads it at its old place */
		c->sending_to = c->id;
		return data;
	}
	const unsigned was = flat_enter(c->profile, FLAT_CAUSE_DATA);
	const uint32_t copy = frames_copy(&c->shard->frames, data);
	uint32_t word = copy;
	if (!is_native(n))
		word = flat_outbox_put(&c->outbox, copy);
	else if (copy && c->sending_to != c->id)
		transit_put(c, c->sending_to, copy);
	c->sending_to = c->id;
	flat_leave(c->profile, was);
	return word;
}
static uint32_t host_data_in(struct step_node *n, const struct step_msg *m)
{
	if (n->number == FLAT_THREAD)
		return flat_thread_data_in(n, m);
	if (n->number == FLAT_MEMORY)
		flat_charge_kernel(n, SIM_COST_MAP);
	if (n->number == FLAT_MEMORY && flat_cluster_of(n)->full)
		full_map(n);
	return is_native(n) ? m->word
			    : flat_outbox_take(&flat_machine_of(n)->cluster[m->from.node].outbox, m->word);
}
static uint32_t host_data_new(struct step_node *n, step_ref name)
{
	struct flat_profile *profile = flat_profile_of(n);
	const unsigned was = flat_enter(profile, FLAT_CAUSE_DATA);
	const uint32_t frame = flat_frame_initial(flat_machine_of(n), name);
	flat_leave(profile, was);
	return frame;
}
static void host_data_drop(struct step_node *n, uint32_t data)
{
	if (n->number == FLAT_THREAD)
		return; /* its place knows when its body has gone */
	if (n->number == FLAT_MEMORY)
		flat_charge_kernel(n, SIM_COST_UNMAP);
	if (n->number == FLAT_MEMORY && flat_cluster_of(n)->full)
		full_unmap(n);
	frames_drop(&flat_cluster_of(n)->shard->frames, data);
}

static void host_fault(struct step_node *n, const char *why, const struct step_msg *m, unsigned state)
{
	struct flat_shard *s = flat_cluster_of(n)->shard;
	if (flat_machine_of(n)->config.hostile) { /* what its frames leave behind may be wrong */
		s->contained++;
		return;
	}
	if (s->faults++)
		return;
	const struct step_machine *d = m ? &n->protocol->machine[m->to.machine] : NULL;
	snprintf(s->fault_text, sizeof s->fault_text, "%s at cluster %u: %s%s%s%s%s", n->protocol->name,
		 n->id, why, d ? ": " : "", d ? d->state[state] : "", d ? " + " : "",
		 d ? n->protocol->event[m->event].name : "");
	sim_engine_stop(flat_machine_of(n)->engine);
}

const struct step_host flat_host = {.send = host_send,
				    .complete = host_complete,
				    .local = host_local,
				    .timer = host_timer,
				    .fanout = host_fanout,
				    .find = host_find,
				    .bind = host_bind,
				    .unbind = host_unbind,
				    .ready = host_ready,
				    .data_out = host_data_out,
				    .data_in = host_data_in,
				    .data_new = host_data_new,
				    .data_drop = host_data_drop,
				    .fault = host_fault};
