/* ssi/flat.c - one event and all that it causes on its cluster; running; what is known afterwards. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sim/native.h"
#include "sim/probes.h"
#include "ssi/flat_internal.h"
#include "ssi/full.h"

const char *const flat_op_name[FLAT_OPS] = {
	"open",        "stat",        "read",         "write",       "fstat",     "truncate",   "fsync",
	"list",        "readlink",    "mkdir",        "link",        "symlink",   "setattr",    "unlink",
	"rmdir",       "rename",      "close",        "send",        "local",     "fork",       "wait",
	"exit",

	"cap_create",  "cap_send",    "cap_offer",    "cap_obtain",  "cap_copy",  "cap_mint",   "cap_move",
	"cap_delete",  "cap_revoke",  "cap_retype",   "cap_query",   "cap_use",

	"obtain",      "delegate",    "delete",       "revoke",      "create",    "copy",       "mint",
	"move",        "retype",      "query",        "use",         "read_miss", "write_miss",

	"thread_move", "thread_call", "thread_reply", "thread_kill",
};

void flat_grow(void **array, uint32_t count, uint32_t *room, size_t size)
{
	if (count < *room)
		return;
	*room = *room ? *room * 2 : 256;
	*array = realloc(*array, *room * size);
	SIM_CHECK(*array != NULL);
}

struct step_node *flat_node(struct flat_machine *machine, uint32_t cluster, unsigned number)
{
	return &machine->cluster[cluster].node[number];
}
struct sim_engine *flat_engine(struct flat_machine *machine) { return machine->engine; }
sim_ps flat_now(const struct flat_machine *machine, uint32_t cluster)
{
	const struct flat_cluster *c = &machine->cluster[cluster];
	return sim_ps_of_cycles(&machine->topology.clock, c->origin ? flat_ticks(c) : c->now);
}

sim_ps flat_event_time(const struct flat_machine *m, uint32_t cluster)
{
	return m->cluster[cluster].event_time;
}

/* ---- one event ---- */

void flat_run_raised(struct step_node *n)
{
	struct flat_profile *profile = flat_profile_of(n);
	const unsigned was = flat_cause_now(profile);
	flat_log(n, INCLUSION_RUN, NULL, STEP_NOBODY, n->id);
	step_run(n);
	flat_flush(n);
	flat_leave(profile, was);
	flat_sync(n);
}

static bool run_raised(struct flat_cluster *c)
{
	if (!c->raised)
		return false;
	struct step_node *n = &c->node[__builtin_ctz(c->raised)];
	c->raised &= (uint8_t)(c->raised - 1);
	if (n->head != n->tail)
		flat_run_raised(n);
	return true;
}

/* The oldest answer of the local kernel. */
static bool answer(struct flat_cluster *c)
{
	struct flat_shard *s = c->shard;
	if (!s->local_count)
		return false;
	const struct flat_local a = s->local[s->local_head++];
	struct step_node *n = &c->node[a.msg.protocol];
	SIM_CHECK(a.msg.to.node == c->id); /* each event settles its cluster before it ends */
	if (s->local_head == s->local_count)
		s->local_head = s->local_count = 0;
	flat_set_chain(n, a.chain);
	flat_raise(n, &a.msg);
	return true;
}

static bool is_settled(const struct flat_cluster *c)
{
	const struct flat_shard *s = c->shard;
	return !c->raised && s->queue_head == s->queue_tail && !s->resume_count && !s->ended_count &&
	       !s->local_count && !c->gifts_due;
}

/* Does all that the event caused on this cluster: raised events, fan-outs, what was parked, clients whose page has
 * come. */
void flat_settle(struct flat_cluster *c)
{
	struct flat_shard *s = c->shard;
	if (is_settled(c))
		return;
	flat_become(c->profile, FLAT_CAUSE_MONITOR);
	for (;;) {
		if (run_raised(c) || answer(c))
			continue;
		if (s->queue_head != s->queue_tail) {
			struct flat_queue_item q = s->queue[s->queue_head++ & (s->queue_room - 1)];
			flat_log(q.node, q.list ? INCLUSION_FANOUT : INCLUSION_RESUME, NULL, q.at, c->id);
			if (!q.list)
				step_resume(q.node, q.at), flat_flush(q.node);
			else
				while (step_fanout_next(q.node, q.at, q.list))
					flat_sync(q.node);
			flat_leave(c->profile, FLAT_CAUSE_MONITOR);
			if (q.node->head != q.node->tail) /* members on this node were told */
				c->raised |= (uint8_t)(1u << q.node->number);
			flat_sync(q.node);
		} else if (s->resume_count) {
			flat_pages_go_on(c, s->resume[--s->resume_count]);
		} else if (s->ended_count) {
			flat_caps_reply(c, s->ended[--s->ended_count]);
		} else if (c->gifts_due) {
			flat_thread_gifts(c);
		} else {
			return;
		}
	}
}

SIM_PROBE_DEFINE(message_taken);

SIM_PROBE_ASIDE static void probe_taken(const struct step_node *n, const struct step_msg *m, uint32_t from)
{
	const struct step_event *event = &n->protocol->event[m->event];
	SIM_PROBE(message_taken, from, n->id, n->protocol->name, event->name, (unsigned)event->klass,
		  (unsigned)sim_native_way_taken(flat_machine_of(n)->engine, from, n->id),
		  (unsigned)n->number, (unsigned)m->event);
}

/* ---- the protocol trace ---- */

static uint64_t trace_mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
	return hash ^ hash >> 29;
}

static void trace_add(struct flat_cluster *c, const struct step_msg *m, uint32_t from)
{
	uint64_t *hash = &c->machine->trace[(size_t)from * c->machine->clusters + c->id];
	const bool data = flat_carries_data(&c->node[m->protocol], m);
	*hash = trace_mix(*hash,
			  (uint64_t)m->event << 40 | (uint64_t)m->protocol << 32 | (data ? 0 : m->word));
	*hash = trace_mix(*hash, step_ref_word(m->to));
	*hash = trace_mix(*hash, step_ref_word(m->from));
	*hash = trace_mix(*hash, step_ref_word(m->arg));
}

uint64_t flat_protocol_trace(const struct flat_machine *m)
{
	uint64_t hash = 0;
	for (size_t i = 0; m->trace && i < (size_t)m->clusters * m->clusters; i++)
		hash = trace_mix(hash, m->trace[i]);
	return hash;
}

void flat_message(struct flat_cluster *c, struct flat_frame *frame, const struct sim_event *event)
{
	if (event->src != c->id && !flat_guard_passes(c, &frame->msg, event->src))
		return;
	struct step_node *n = &c->node[frame->msg.protocol];
	if (c->origin && event->src != c->id) {
		frame->chain.wire = flat_saturate(frame->chain.wire + event->seq, (1u << 24) - 1);
		if (flat_carries_data(n, &frame->msg))
			flat_data_arrived(c, &frame->msg, event->src);
	}
	flat_set_chain(n, frame->chain);
	if (c->way && event->src != c->id)
		flat_credit_return(c, event->src);
	if (event->src != c->id && c->machine->trace)
		trace_add(c, &frame->msg, event->src);
	if (event->src != c->id)
		flat_charge_monitor(
			n, sim_topology_link(&flat_machine_of(n)->topology, event->src, c->id).receive);
	if (SIM_PROBE_ON(message_taken) && event->src != c->id)
		probe_taken(n, &frame->msg, event->src);
	flat_log(n, INCLUSION_DELIVER, &frame->msg, STEP_NOBODY, event->src);
	step_deliver(n, &frame->msg);
	flat_flush(n);
	flat_leave(c->profile, FLAT_CAUSE_RECEIVE);
	flat_sync(n);
}

/* When the event reaches the cluster, on its clock. */
static sim_cycles arrival_of(const struct flat_machine *m, const struct flat_cluster *c,
			     const struct sim_event *event)
{
	return c->origin ? event->time : sim_cycles_of_ps(&m->topology.clock, event->time);
}

static void handle(struct flat_machine *m, struct flat_cluster *c, struct flat_frame *frame,
		   const struct sim_event *event)
{
	const sim_cycles arrival = arrival_of(m, c, event);
	const bool client = frame->msg.protocol == FLAT_CLIENT;
	const bool call = client && flat_files_arrive(c, frame->msg.word, arrival);
	if (client && !call && is_settled(c))
		return; /* the monitor has no part in it */
	c->now = c->origin ? flat_ticks(c) : arrival > c->free ? arrival : c->free;
	if (call && !flat_credit_hold(c, frame->msg.word))
		flat_files_start(c, frame->msg.word);
	else if (frame->msg.protocol == FLAT_CREDIT)
		flat_credit_back(c, frame->msg.word);
	else if (frame->msg.protocol == FLAT_DUE)
		m->config.driver.due(m->config.driver.context, frame->msg.word);
	else if (!client)
		flat_message(c, frame, event);
	flat_settle(c);
	c->free = c->now;
}

static enum flat_cause cause_of(const struct flat_frame *frame)
{
	if (frame->msg.protocol == FLAT_CLIENT)
		return FLAT_CAUSE_CALL;
	return frame->msg.protocol == FLAT_DUE ? FLAT_CAUSE_CLIENT : FLAT_CAUSE_RECEIVE;
}

void flat_handle(void *context, struct sim_engine *engine, const struct sim_event *event)
{
	struct flat_machine *m = context;
	struct flat_cluster *c = &m->cluster[event->dst];
	struct flat_profile *account = c->shard->account;
	struct flat_frame frame;
	(void)engine;
	memcpy(&frame, event->payload, sizeof frame);
	if (!flat_guard_passes_event(c, &frame.msg, event->src))
		return;
	c->event_time = c->origin ? 0 : event->time;
	const unsigned was = flat_enter_event(account, cause_of(&frame));
	if (account)
		c->profile = flat_profile_is_timing(account) ? account : NULL;
	if (c->full)
		full_handle(m, c, &frame, event);
	else
		handle(m, c, &frame, event);
	flat_leave_event(account, was);
}

void flat_answer(struct flat_cluster *cluster, const struct step_node *n, step_ref waiter, int error,
		 uint32_t word)
{
	struct step_node *file = &cluster->node[FLAT_FILE];
	file->host_word = n->host_word;
	flat_raise(file, &(struct step_msg){.event = error ? E_LOCAL_ERR : E_LOCAL_OK,
					    .protocol = FLAT_FILE,
					    .host = (uint16_t)(n->host_half & 255),
					    .to = waiter,
					    .word = error ? (uint32_t)error : word});
}

static struct step_msg call_of_tree(const struct flat_cluster *cluster, unsigned event, step_ref arg,
				    uint32_t word, uint32_t who, uint16_t host)
{
	return (struct step_msg){
		.event = (uint8_t)event,
		.protocol = FLAT_CAPABILITY,
		.host = host,
		.word = word,
		.to = STEP_ANY(cluster->id, event == CAPABILITY_CREATE ? CAPABILITY_CAP : CAPABILITY_OP),
		.from = STEP_REF(cluster->id, STEP_CLIENT, who),
		.arg = arg};
}

void flat_call_tree(struct flat_cluster *cluster, unsigned event, step_ref arg, uint32_t word, uint32_t who,
		    uint16_t host, struct flat_chain chain)
{
	struct step_node *tree = &cluster->node[FLAT_CAPABILITY];
	const struct step_msg call = call_of_tree(cluster, event, arg, word, who, host);
	flat_set_chain(tree, chain);
	flat_raise(tree, &call);
}

void flat_call_alone(struct flat_cluster *cluster, unsigned event, step_ref arg, uint32_t word, uint32_t who,
		     uint16_t host, struct flat_chain chain)
{
	struct flat_shard *s = cluster->shard;
	flat_grow((void **)&s->local, s->local_count, &s->local_room, sizeof *s->local);
	s->local[s->local_count++] = (struct flat_local){
		.msg = call_of_tree(cluster, event, arg, word, who, host), .chain = chain};
}

/* ---- running ---- */

/* A time of the engine: picoseconds, natively ticks. */
static sim_ps time_of_cycles(const struct flat_machine *m, sim_cycles at)
{
	return m->config.native ? at : sim_ps_of_cycles(&m->topology.clock, at);
}
static sim_ps time_of_ps(const struct flat_machine *m, sim_ps at)
{
	return m->config.native ? sim_cycles_of_ps(&m->topology.clock, at) : at;
}

static void post_own(struct flat_machine *m, uint32_t cluster, sim_ps time, uint8_t protocol, uint32_t word)
{
	struct flat_frame *frame = sim_engine_post(m->engine, cluster, cluster, time);
	frame->msg = (struct step_msg){.protocol = protocol, .word = word};
}

void flat_client_start(struct flat_machine *m, uint32_t cluster, uint32_t client, sim_ps at)
{
	m->cluster[cluster].client[client].waiting = false;
	post_own(m, cluster, time_of_ps(m, at), FLAT_CLIENT, client | FLAT_CLIENT_ASKS);
}

void flat_client_post(struct flat_cluster *c, uint32_t client, sim_cycles at)
{
	struct flat_machine *m = c->machine;
	post_own(m, c->id, time_of_cycles(m, at), FLAT_CLIENT, client);
}

void flat_drop_post(struct flat_cluster *c, step_ref cap, bool retires)
{
	struct flat_machine *m = c->machine;
	struct flat_frame *frame =
		sim_engine_post(m->engine, c->id, c->id, time_of_ps(m, flat_now(m, c->id)));
	frame->msg = (struct step_msg){.protocol = FLAT_DROP, .word = retires, .arg = cap};
}

void flat_client_turn(struct flat_machine *m, uint32_t cluster, uint32_t client)
{
	const sim_ps window = sim_topology_lookahead(&m->topology);
	flat_client_start(m, cluster, client, (sim_engine_now(m->engine) / window + 2) * window);
}

void flat_client_wake(struct flat_machine *m, uint32_t cluster, uint32_t client)
{
	if (m->cluster[cluster].client[client].waiting)
		flat_client_start(m, cluster, client, flat_now(m, cluster));
}

void flat_at(struct flat_machine *m, uint32_t cluster, sim_ps at, uint32_t number)
{
	post_own(m, cluster, time_of_ps(m, at), FLAT_DUE, number);
}

enum sim_engine_end flat_run(struct flat_machine *m, sim_ps until)
{
	struct flat_profile *profile =
		m->config.native ? NULL : m->shard->account; /* natively: flat_watch() */
	if (profile)
		flat_profile_begin(profile, FLAT_CAUSE_ENGINE);
	const enum sim_engine_end end = sim_engine_run(m->engine, until);
	if (profile)
		flat_profile_end(profile);
	return end;
}

/* What a native thread does, for its profile. */
void flat_watch(void *context, uint32_t thread, enum sim_native_doing doing)
{
	struct flat_profile *profile = ((struct flat_machine *)context)->shard[thread].account;
	if (doing == SIM_NATIVE_BEGINS)
		flat_profile_begin(profile, FLAT_CAUSE_ENGINE);
	else if (doing == SIM_NATIVE_ENDS)
		flat_profile_end(profile);
	else
		flat_profile_enter(profile, doing == SIM_NATIVE_IDLES ? FLAT_CAUSE_IDLE : FLAT_CAUSE_ENGINE);
}

void flat_halt(struct flat_machine *m) { sim_engine_halt(m->engine); }

/* ---- what is known afterwards ---- */

static void traffic_merge(struct flat_traffic *into, struct flat_traffic *from, size_t count)
{
	for (size_t i = 0; into && i < count; i++) {
		into[i].messages += from[i].messages;
		into[i].bytes += from[i].bytes;
	}
	if (into)
		memset(from, 0, count * sizeof *from);
}

static void op_merge(struct flat_op_stats *into, struct flat_op_stats *from)
{
	sim_histogram_merge(&into->latency_ps, &from->latency_ps);
	into->messages += from->messages;
	into->failures += from->failures;
	into->share.kernel += from->share.kernel;
	into->share.monitor += from->share.monitor;
	into->share.wire += from->share.wire;
	into->share.waiting += from->share.waiting;
	memset(from, 0, sizeof *from);
}

/* Shard 0 gets what the others have counted. */
static void shard_merge(struct flat_machine *m, struct flat_shard *from)
{
	struct flat_shard *into = m->shard;
	for (unsigned op = 0; op < FLAT_OPS; op++)
		op_merge(&into->op[op], &from->op[op]);
	traffic_merge(into->pair, from->pair, (size_t)m->clusters * m->clusters);
	traffic_merge(into->by_class, from->by_class, FLAT_CLASSES);
	into->messages += from->messages;
	into->calls += from->calls;
	into->waited += from->waited;
	into->waited_most = into->waited_most > from->waited_most ? into->waited_most : from->waited_most;
	into->end = into->end > from->end ? into->end : from->end;
	from->messages = from->calls = from->waited = 0;
}

void flat_stats(struct flat_machine *m, struct flat_stats *out)
{
	struct flat_shard *s = m->shard;
	for (uint32_t i = 1; i < m->shards; i++)
		shard_merge(m, &m->shard[i]);
	*out = (struct flat_stats){.op = s->op,
				   .messages = s->messages,
				   .calls = s->calls,
				   .waited = s->waited,
				   .waited_most = s->waited_most,
				   .pair = s->pair,
				   .by_class = s->by_class,
				   .end = s->end};
	for (uint32_t i = 0; i < m->shards; i++)
		out->frames_bytes += frames_memory(&m->shard[i].frames);
	for (uint32_t i = 0; i < m->clusters; i++)
		for (unsigned p = 0; p < m->protocols; p++)
			out->cells += m->cluster[i].node[p].cells;
}

void flat_forge(struct flat_machine *m, uint32_t from, uint32_t to, sim_ps at, const struct step_msg *msg)
{
	struct flat_frame *frame = sim_engine_post(m->engine, from, to, at);
	frame->msg = *msg;
}

uint64_t flat_refused(const struct flat_machine *m, uint64_t *contained)
{
	uint64_t refused = 0;
	*contained = 0;
	for (uint32_t i = 0; i < m->shards; i++) {
		refused += m->shard[i].refused;
		*contained += m->shard[i].contained;
	}
	return refused;
}

bool flat_is_full(const struct flat_machine *m) { return m->config.full; }
void flat_kernel_stats(const struct flat_machine *m, struct flat_kernel_stats *out)
{
	*out = (struct flat_kernel_stats){0};
	if (m->config.full)
		full_stats(m, out);
}

int flat_profile_report(const struct flat_machine *m, struct flat_profile_report *out)
{
	struct flat_profile **profile = calloc(m->shards, sizeof(struct flat_profile *));
	if (!profile)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->shards; i++)
		profile[i] = m->shard[i].account;
	const int error = m->config.profile ? flat_profile_sum(profile, m->shards, out) : -EINVAL;
	free(profile);
	return error;
}
