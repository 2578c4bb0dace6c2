/* ssi/flat.c - the machine: engine events, clocks and costs, and the host of the protocol steps. */
#include "ssi/flat_internal.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ssi/inclusion.h"

const char *const flat_op_name[FLAT_OPS] = {
	"open",  "stat",     "read",     "write",  "fstat",   "truncate",  "fsync",
	"list",  "readlink", "mkdir",    "link",   "symlink", "setattr",   "unlink",
	"rmdir", "rename",   "close",    "send",   "local",   "fork",      "wait",
	"exit",  "obtain",   "delegate", "delete", "revoke",  "read_miss", "write_miss",
};

/* Slots beyond what clients can ask for: one each way for what is on its way out when the next comes in. */
#define OPS_SPARE   64
#define LINES_SPARE 256
#define CAPS_MAX    (1u << 26)
#define DIRS_MAX    (1u << 26)

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
	return sim_ps_of_cycles(&machine->topology.clock, machine->cluster[cluster].now);
}

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

void flat_account(struct flat_machine *machine, unsigned number, uint64_t cycles, struct flat_chain chain,
		  bool failed)
{
	struct flat_op_stats *op = &machine->op[number];
	const uint64_t known = chain.kernel + chain.monitor + chain.wire;
	sim_histogram_record(&op->latency_ps, sim_ps_of_cycles(&machine->topology.clock, cycles));
	op->failures += failed;
	op->share.kernel += chain.kernel;
	op->share.monitor += chain.monitor;
	op->share.wire += chain.wire;
	op->share.waiting += cycles > known ? cycles - known : 0;
}

void flat_end(struct flat_machine *machine, struct step_node *n, struct flat_task *task, bool failed)
{
	flat_sync(n);
	struct flat_chain chain = flat_chain_of(n), before = task->before;
	chain.wire -= chain.wire < before.wire ? chain.wire : before.wire;
	chain.kernel -= chain.kernel < before.kernel ? chain.kernel : before.kernel;
	chain.monitor -= chain.monitor < before.monitor ? chain.monitor : before.monitor;
	uint64_t cycles = flat_cluster_of(n)->now - task->begun;
	flat_account(machine, task->op, cycles, chain, failed);
	task->doing = DOING_NOTHING;
}

/* ---- the host of the steps ---- */

static void count_message(struct flat_machine *m, const struct step_node *n, uint32_t to, uint64_t bytes)
{
	uint32_t class_index, call = n->host_half & 255, op = n->host_half >> 8;
	sim_topology_class(&m->topology, n->id, to, &class_index);
	m->messages++;
	m->by_class[class_index].messages++;
	m->by_class[class_index].bytes += bytes;
	if (m->pair) {
		m->pair[n->id * m->clusters + to].messages++;
		m->pair[n->id * m->clusters + to].bytes += bytes;
	}
	if (call)
		m->op[call - 1].messages++;
	if (op)
		m->op[op - 1].messages++;
}

/* Bulk data occupies the sender's port, so what is sent later also arrives later: a pair stays first in, first
 * out. */
static struct step_msg *host_send(struct step_node *n, uint32_t to, unsigned event)
{
	struct flat_machine *m = flat_machine_of(n);
	struct flat_cluster *c = flat_cluster_of(n);
	const struct sim_link link = sim_topology_link(&m->topology, n->id, to);
	const uint64_t bytes = n->protocol->event[event].word == STEP_K_DATA ? FLAT_PAGE_BYTES : 0;
	flat_sync(n);
	flat_charge_monitor(n, link.send);
	sim_ps departure = sim_ps_of_cycles(&m->topology.clock, c->now);
	departure =
		(departure > c->egress_free ? departure : c->egress_free) + bytes * link.ps_per_kib / 1024;
	c->egress_free = departure + sim_ps_of_cycles(&m->topology.clock, link.gap);
	struct flat_frame *frame = sim_engine_post(m->engine, n->id, to, departure + link.wire_ps);
	struct flat_chain chain = flat_chain_of(n);
	chain.wire = flat_saturate(chain.wire + sim_cycles_of_ps(&m->topology.clock, link.wire_ps),
				   (1u << 24) - 1);
	frame->chain = chain;
	count_message(m, n, to, 64 + bytes);
	return &frame->msg;
}

static void queue_put(struct flat_machine *m, struct step_node *n, step_ref at, struct step_list *list)
{
	if (m->queue_tail - m->queue_head == m->queue_room) {
		uint32_t room = m->queue_room ? m->queue_room * 2 : 256;
		struct flat_queue_item *bigger = malloc(room * sizeof *bigger);
		SIM_CHECK(bigger != NULL);
		for (uint32_t i = m->queue_head; i != m->queue_tail; i++)
			bigger[i & (room - 1)] = m->queue[i & (m->queue_room - 1)];
		free(m->queue);
		m->queue = bigger;
		m->queue_room = room;
	}
	m->queue[m->queue_tail++ & (m->queue_room - 1)] = (struct flat_queue_item){n, at, list};
}

static void host_fanout(struct step_node *n, step_ref self, struct step_list *list)
{
	queue_put(flat_machine_of(n), n, self, list);
}
static void host_ready(struct step_node *n, step_ref at) { queue_put(flat_machine_of(n), n, at, NULL); }

/* ---- the step log ---- */

static void log_add(struct step_node *n, enum inclusion_kind kind, const struct step_msg *m, step_ref at,
		    uint32_t from)
{
	struct inclusion_log *log = flat_machine_of(n)->config.log;
	if (log)
		inclusion_log_add(log, n->id, n->number, kind, m, at, from);
}

void flat_deliver(struct step_node *n, const struct step_msg *m)
{
	log_add(n, INCLUSION_DELIVER, m, STEP_NOBODY, n->id);
	step_deliver(n, m);
	flat_sync(n);
}

void flat_raise(struct step_node *n, const struct step_msg *m)
{
	log_add(n, INCLUSION_RAISE, m, STEP_NOBODY, n->id);
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
	default:
		flat_files_done(c, n, (uint32_t)client.index, result);
	}
}

static void host_complete(struct step_node *n, step_ref client, uint32_t result, step_ref arg)
{
	complete(n, client, result, arg);
	log_add(n, INCLUSION_RETURN, NULL, STEP_NOBODY, n->id);
}

static void host_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	flat_sync(n);
	if (n->number == FLAT_FILE) {
		flat_files_local(n, self, call, arg);
	} else {
		flat_charge_kernel(n, SIM_COST_CAP_CREATE);
		flat_raise(n, &(struct step_msg){.event = E_LOCAL_OK,
						 .protocol = n->number,
						 .host = n->host_half,
						 .to = self});
	}
	log_add(n, INCLUSION_RETURN, NULL, STEP_NOBODY, n->id);
}

/* The only timer is the wait before a refused request is sent again: one fault's time. */
static void host_timer(struct step_node *n, step_ref self)
{
	struct flat_machine *m = flat_machine_of(n);
	sim_cycles at = flat_cluster_of(n)->now + m->cost.cycles[SIM_COST_FAULT];
	struct flat_frame *frame =
		sim_engine_post(m->engine, n->id, n->id, sim_ps_of_cycles(&m->topology.clock, at));
	frame->msg =
		(struct step_msg){.event = E_TIMER, .protocol = n->number, .host = n->host_half, .to = self};
	frame->chain = flat_chain_of(n);
}

static struct ssi_table *names_of(struct flat_cluster *c, unsigned machine, step_ref **slots)
{
	*slots = machine == MSI_DIR ? c->dir_name : c->line_name;
	return machine == MSI_DIR ? &c->dirs : &c->lines;
}

static uint32_t host_find(struct step_node *n, unsigned machine, step_ref name)
{
	step_ref *slots;
	const struct ssi_table *table = names_of(flat_cluster_of(n), machine, &slots);
	uint64_t found = ssi_table_find(table, step_ref_word(name));
	return found == SSI_TABLE_NONE ? STEP_INDEX_MAX : (uint32_t)found;
}

static void host_bind(struct step_node *n, unsigned machine, step_ref name, uint32_t index)
{
	struct flat_cluster *c = flat_cluster_of(n);
	step_ref *slots;
	struct ssi_table *table = names_of(c, machine, &slots);
	SIM_CHECK(ssi_table_put(table, step_ref_word(name), index) == 0);
	slots[index] = name;
	c->lines_live += machine == MSI_LINE;
}

static void host_unbind(struct step_node *n, unsigned machine, uint32_t index)
{
	struct flat_cluster *c = flat_cluster_of(n);
	step_ref *slots;
	struct ssi_table *table = names_of(c, machine, &slots);
	ssi_table_remove(table, step_ref_word(slots[index]));
	c->lines_live -= machine == MSI_LINE;
}

/* The word is a running number of the sender's, so it is the same whatever other clusters do. */
static uint32_t host_data_out(struct step_node *n, uint32_t data)
{
	struct flat_machine *m = flat_machine_of(n);
	return flat_outbox_put(&flat_cluster_of(n)->outbox, frames_copy(&m->frames, data));
}
static uint32_t host_data_in(struct step_node *n, const struct step_msg *m)
{
	flat_charge_kernel(n, SIM_COST_MAP);
	return flat_outbox_take(&flat_machine_of(n)->cluster[m->from.node].outbox, m->word);
}
static uint32_t host_data_new(struct step_node *n, step_ref name)
{
	return flat_frame_initial(flat_machine_of(n), name);
}
static void host_data_drop(struct step_node *n, uint32_t data)
{
	flat_charge_kernel(n, SIM_COST_UNMAP);
	frames_drop(&flat_machine_of(n)->frames, data);
}

static void host_fault(struct step_node *n, const char *why, const struct step_msg *m, unsigned state)
{
	struct flat_machine *machine = flat_machine_of(n);
	if (machine->faults++)
		return;
	const struct step_machine *d = m ? &n->protocol->machine[m->to.machine] : NULL;
	snprintf(machine->fault_text, sizeof machine->fault_text, "%s at cluster %u: %s%s%s%s%s",
		 n->protocol->name, n->id, why, d ? ": " : "", d ? d->state[state] : "", d ? " + " : "",
		 d ? n->protocol->event[m->event].name : "");
	sim_engine_stop(machine->engine);
}

static const struct step_host flat_host = {.send = host_send,
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

/* ---- one event ---- */

void flat_run_raised(struct step_node *n)
{
	log_add(n, INCLUSION_RUN, NULL, STEP_NOBODY, n->id);
	step_run(n);
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

/* Does all that the event caused on this cluster: raised events, fan-outs, what was parked, clients whose page has
 * come. */
static void settle(struct flat_machine *m, struct flat_cluster *c)
{
	for (;;) {
		if (run_raised(c))
			continue;
		if (m->queue_head != m->queue_tail) {
			struct flat_queue_item q = m->queue[m->queue_head++ & (m->queue_room - 1)];
			log_add(q.node, q.list ? INCLUSION_FANOUT : INCLUSION_RESUME, NULL, q.at, c->id);
			if (!q.list)
				step_resume(q.node, q.at);
			else
				while (step_fanout_next(q.node, q.at, q.list))
					flat_sync(q.node);
			if (q.node->head != q.node->tail) /* members on this node were told */
				c->raised |= (uint8_t)(1u << q.node->number);
			flat_sync(q.node);
		} else if (m->resume_count) {
			flat_pages_go_on(c, m->resume[--m->resume_count]);
		} else {
			return;
		}
	}
}

static void handle_message(struct flat_cluster *c, const struct flat_frame *frame, uint32_t from)
{
	struct step_node *n = &c->node[frame->msg.protocol];
	flat_set_chain(n, frame->chain);
	if (from != c->id)
		flat_charge_monitor(n, sim_topology_link(&flat_machine_of(n)->topology, from, c->id).receive);
	log_add(n, INCLUSION_DELIVER, &frame->msg, STEP_NOBODY, from);
	step_deliver(n, &frame->msg);
	flat_sync(n);
}

static void handle(void *context, struct sim_engine *engine, const struct sim_event *event)
{
	struct flat_machine *m = context;
	struct flat_cluster *c = &m->cluster[event->dst];
	struct flat_frame frame;
	(void)engine;
	memcpy(&frame, event->payload, sizeof frame);
	const sim_cycles arrival = sim_cycles_of_ps(&m->topology.clock, event->time);
	const bool client = frame.msg.protocol == FLAT_CLIENT;
	const bool call = client && flat_files_arrive(c, frame.msg.word, arrival);
	if (client && !call && !c->raised)
		return; /* the monitor has no part in it */
	c->now = arrival > c->free ? arrival : c->free;
	if (call)
		flat_files_start(c, frame.msg.word);
	else if (frame.msg.protocol == FLAT_DUE)
		m->config.driver.due(m->config.driver.context, frame.msg.word);
	else if (!client)
		handle_message(c, &frame, event->src);
	settle(m, c);
	c->free = c->now;
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

void flat_call_tree(struct flat_cluster *cluster, unsigned event, step_ref arg, uint32_t word, uint32_t who,
		    uint16_t host, struct flat_chain chain)
{
	struct step_node *tree = &cluster->node[FLAT_CAPABILITY];
	flat_set_chain(tree, chain);
	flat_raise(tree, &(struct step_msg){
				 .event = (uint8_t)event,
				 .protocol = FLAT_CAPABILITY,
				 .host = host,
				 .word = word,
				 .to = STEP_ANY(cluster->id, event == tree_calls.create ? TREE_CAP : TREE_OP),
				 .from = STEP_REF(cluster->id, STEP_CLIENT, who),
				 .arg = arg});
}

/* ---- making and freeing ---- */

static void pool_take(struct flat_machine *m, struct step_node *n, unsigned machine, uint32_t slots)
{
	n->pool[machine].slots = slots;
	n->pool[machine].base =
		sim_arena_take(&m->arena, (size_t)slots * n->protocol->machine[machine].size, 64);
}

static size_t pool_bytes(uint64_t slots, size_t size) { return (slots * size + 4096) & ~(size_t)63; }

struct sizes {
	uint32_t caps, ops, dirs, lines, calls, serves, tree_links, page_links, parks;
};

static uint32_t at_most(uint64_t value, uint32_t limit) { return value < limit ? (uint32_t)value : limit; }

/* What a slot costs is address space until it is used, so these are bounds, not guesses. */
static struct sizes sizes_of(const struct flat_machine *m, uint32_t cluster, uint32_t clients_total)
{
	const struct flat_config *config = &m->config;
	const bool service = cluster == config->service;
	const uint32_t clients = config->clients[cluster];
	const uint32_t caps = at_most(config->opens_max + OPS_SPARE, CAPS_MAX);
	struct sizes s = {
		.caps = caps,
		.ops = clients + OPS_SPARE,
		.dirs = 1,
		.calls = clients + 1,
		.lines = at_most((uint64_t)config->cache_pages + clients * 2 + LINES_SPARE, DIRS_MAX),
		.serves = service ? m->serves : clients + OPS_SPARE,
		.tree_links = caps * 2,
		.page_links = 1};
	s.parks = clients + OPS_SPARE;
	if (!service)
		return s;
	s.caps = at_most(config->files_max * 2 + caps + OPS_SPARE, CAPS_MAX);
	s.ops += m->serves + at_most(config->files_max, CAPS_MAX) + 1024;
	s.dirs = at_most(config->pages_max + 1, DIRS_MAX);
	s.tree_links = at_most((config->opens_max + config->files_max) * m->clusters + s.caps, CAPS_MAX * 2);
	s.page_links = at_most(config->pages_max * 2 + (uint64_t)s.lines * m->clusters, DIRS_MAX * 2);
	s.parks += clients_total * 2 + m->clusters;
	return s;
}

static const struct step_protocol *const flat_protocols[FLAT_PROTOCOLS] = {&capability_tree, &memory_msi,
									   &file_posix};

static size_t cluster_bytes(const struct sizes *s)
{
	const struct step_protocol *const *p = flat_protocols;
	return pool_bytes(s->caps, p[0]->machine[TREE_CAP].size) +
	       pool_bytes(s->ops, p[0]->machine[TREE_OP].size) +
	       pool_bytes(s->dirs, p[1]->machine[MSI_DIR].size) +
	       pool_bytes(s->lines, p[1]->machine[MSI_LINE].size) +
	       pool_bytes(s->calls, p[2]->machine[POSIX_CALL].size) +
	       pool_bytes(s->serves, p[2]->machine[POSIX_SERVE].size) +
	       pool_bytes((uint64_t)s->tree_links + s->page_links + 2, sizeof(struct step_link)) + 4096 +
	       pool_bytes((uint64_t)s->parks * 3, sizeof(struct step_parked)) + 4096 +
	       pool_bytes((uint64_t)s->dirs + s->lines, sizeof(step_ref)) + 4096 +
	       pool_bytes(s->calls, sizeof(struct flat_client)) +
	       pool_bytes(s->serves, sizeof(struct flat_serve)) + 8192;
}

static void cluster_init(struct flat_machine *m, struct flat_cluster *c, uint32_t id, const struct sizes *s)
{
	const uint32_t links[FLAT_PROTOCOLS] = {s->tree_links, s->page_links, 1};
	c->id = id;
	c->clients = m->config.clients[id];
	for (unsigned i = 0; i < FLAT_PROTOCOLS; i++) {
		struct step_node *n = &c->node[i];
		*n = (struct step_node){.id = id,
					.nodes = m->clusters,
					.protocol = flat_protocols[i],
					.host = &flat_host,
					.number = (uint8_t)i,
					.owner = m,
					.tap = m->config.cell_tap,
					.links = links[i],
					.parks = s->parks,
					.raised = m->raised[i]};
		n->link = sim_arena_take(&m->arena, (size_t)n->links * sizeof *n->link, 64);
		n->park = sim_arena_take(&m->arena, (size_t)n->parks * sizeof *n->park, 64);
	}
	pool_take(m, &c->node[FLAT_CAPABILITY], TREE_CAP, s->caps);
	pool_take(m, &c->node[FLAT_CAPABILITY], TREE_OP, s->ops);
	pool_take(m, &c->node[FLAT_MEMORY], MSI_DIR, s->dirs);
	pool_take(m, &c->node[FLAT_MEMORY], MSI_LINE, s->lines);
	pool_take(m, &c->node[FLAT_FILE], POSIX_CALL, s->calls);
	pool_take(m, &c->node[FLAT_FILE], POSIX_SERVE, s->serves);
	c->dir_name = sim_arena_take(&m->arena, (size_t)s->dirs * sizeof(step_ref), 64);
	c->line_name = sim_arena_take(&m->arena, (size_t)s->lines * sizeof(step_ref), 64);
	c->client = sim_arena_take(&m->arena, (size_t)s->calls * sizeof *c->client, 64);
	c->serve = sim_arena_take(&m->arena, (size_t)s->serves * sizeof *c->serve, 64);
}

static int clusters_init(struct flat_machine *m)
{
	size_t bytes = 4096;
	uint32_t clients = 0;
	for (uint32_t i = 0; i < m->clusters; i++)
		clients += m->config.clients[i];
	m->serves = clients + OPS_SPARE;
	for (uint32_t i = 0; i < m->clusters; i++) {
		struct sizes s = sizes_of(m, i, clients);
		bytes += cluster_bytes(&s);
	}
	if (sim_arena_init(&m->arena, bytes, 0))
		return -ENOMEM;
	m->cluster = calloc(m->clusters, sizeof *m->cluster);
	if (!m->cluster)
		return -ENOMEM;
	for (uint32_t i = 0; i < m->clusters; i++) {
		struct sizes s = sizes_of(m, i, clients);
		cluster_init(m, &m->cluster[i], i, &s);
		SIM_CHECK(m->cluster[i].serve != NULL);
	}
	return 0;
}

static int engine_init(struct flat_machine *m)
{
	const struct sim_engine_config config = {.kind = m->config.engine,
						 .processes = m->clusters,
						 .lookahead_ps = sim_topology_lookahead(&m->topology),
						 .digest = true,
						 .handler = handle,
						 .context = m,
						 .state = m->cluster,
						 .state_stride = sizeof *m->cluster,
						 .tap = m->config.tap,
						 .tap_context = m->config.tap_context,
						 .window_tap = m->config.window_tap,
						 .window_tap_context = m->config.tap_context};
	return sim_engine_new(&m->engine, &config);
}

int flat_new(struct flat_machine **out, const struct flat_config *config)
{
	struct flat_machine *m = calloc(1, sizeof *m);
	if (!m)
		return -ENOMEM;
	m->config = *config;
	m->topology = *config->topology;
	m->cost = *config->cost;
	m->clusters = config->topology->clusters;
	m->op = calloc(FLAT_OPS, sizeof *m->op);
	m->by_class = calloc(64, sizeof *m->by_class);
	if (m->clusters <= 64)
		m->pair = calloc((size_t)m->clusters * m->clusters, sizeof *m->pair);
	int error = !m->op || !m->by_class ? -ENOMEM : clusters_init(m);
	if (!error)
		error = names_init(&m->names) ? -ENOMEM : flat_pages_init(m);
	if (!error)
		error = engine_init(m);
	if (error) {
		flat_free(m);
		return error;
	}
	m->config.clients = NULL;
	*out = m;
	return 0;
}

void flat_free(struct flat_machine *m)
{
	if (!m)
		return;
	for (uint32_t i = 0; m->cluster && i < m->clusters; i++) {
		ssi_table_fini(&m->cluster[i].lines);
		ssi_table_fini(&m->cluster[i].dirs);
		ssi_table_fini(&m->cluster[i].cached);
		free(m->cluster[i].cached_name);
		free(m->cluster[i].outbox.slot);
	}
	sim_engine_free(m->engine);
	names_fini(&m->names);
	ssi_table_fini(&m->initial);
	sim_arena_fini(&m->arena);
	frames_fini(&m->frames);
	free(m->cluster);
	free(m->queue);
	free(m->resume);
	free(m->op);
	free(m->pair);
	free(m->by_class);
	free(m->grant);
	free(m->revocation);
	free(m);
}

/* ---- running ---- */

static void post_own(struct flat_machine *m, uint32_t cluster, sim_ps at, uint8_t protocol, uint32_t word)
{
	struct flat_frame *frame = sim_engine_post(m->engine, cluster, cluster, at);
	frame->msg = (struct step_msg){.protocol = protocol, .word = word};
}

void flat_client_start(struct flat_machine *m, uint32_t cluster, uint32_t client, sim_ps at)
{
	m->cluster[cluster].client[client].waiting = false;
	post_own(m, cluster, at, FLAT_CLIENT, client | FLAT_CLIENT_ASKS);
}

void flat_client_post(struct flat_cluster *c, uint32_t client, sim_cycles at)
{
	struct flat_machine *m = flat_machine_of(&c->node[0]);
	post_own(m, c->id, sim_ps_of_cycles(&m->topology.clock, at), FLAT_CLIENT, client);
}

void flat_client_wake(struct flat_machine *m, uint32_t cluster, uint32_t client)
{
	if (m->cluster[cluster].client[client].waiting)
		flat_client_start(m, cluster, client, flat_now(m, cluster));
}

void flat_at(struct flat_machine *m, uint32_t cluster, sim_ps at, uint32_t number)
{
	post_own(m, cluster, at, FLAT_DUE, number);
}

enum sim_engine_end flat_run(struct flat_machine *m, sim_ps until)
{
	return sim_engine_run(m->engine, until);
}

void flat_stats(const struct flat_machine *m, struct flat_stats *out)
{
	*out = (struct flat_stats){.op = m->op,
				   .messages = m->messages,
				   .calls = m->calls,
				   .pair = m->pair,
				   .by_class = m->by_class,
				   .end = m->end,
				   .frames_bytes = frames_memory(&m->frames)};
	for (uint32_t i = 0; i < m->clusters; i++)
		for (unsigned p = 0; p < FLAT_PROTOCOLS; p++)
			out->cells += m->cluster[i].node[p].cells;
}
