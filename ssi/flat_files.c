/* ssi/flat_files.c - calls of clients, and the file service: the local calls of file/posix.
 *
 * A client's part runs on its own cluster, a request's on the service's; they meet in messages alone. What a reply
 * says lies in the client's reply record, an outbox that the service fills before it answers and the client reads
 * when the answer has arrived. */
#include <errno.h>
#include <string.h>
#include "sim/probes.h"
#include "ssi/flat_internal.h"
#include "ssi/full.h"

static struct flat_machine *machine_of(const struct flat_cluster *c) { return c->machine; }

bool flat_cap_usable(const struct flat_cluster *c, step_ref cap)
{
	const struct step_head *head = step_lookup(&c->node[FLAT_CAPABILITY], cap);
	return head &&
	       c->machine->protocol[FLAT_CAPABILITY]->machine[CAPABILITY_CAP].usable >> head->state & 1;
}

/* ---- grants, for the confinement check ---- */

uint32_t flat_grant_new(struct flat_cluster *c, step_ref root)
{
	struct flat_shard *s = c->shard;
	flat_grow((void **)&s->grant, s->grants, &s->grants_room, sizeof *s->grant);
	s->grant[s->grants] = (struct flat_grant){.root = root, .granted = flat_now(machine_of(c), c->id)};
	return s->grants++;
}

void flat_use(struct flat_cluster *c, uint32_t grant)
{
	c->shard->grant[grant].last_use = flat_now(machine_of(c), c->id);
}

static uint32_t revocation_new(struct flat_shard *s, step_ref root)
{
	flat_grow((void **)&s->revocation, s->revocations, &s->revocations_room, sizeof *s->revocation);
	s->revocation[s->revocations] = (struct flat_revocation){.root = root, .returned = SIM_PS_NEVER};
	return s->revocations++;
}

/* ---- cached names ---- */

static uint64_t cached_key(uint32_t tree, uint32_t path) { return (uint64_t)(tree + 1) << 32 | path; }

struct flat_cached *flat_cached_find(struct flat_cluster *c, uint32_t tree, uint32_t path)
{
	uint64_t at = ssi_table_find(&c->cached, cached_key(tree, path));
	if (at == SSI_TABLE_NONE || !flat_cap_usable(c, c->cached_name[at].cap))
		return NULL;
	return &c->cached_name[at];
}

static void cached_put(struct flat_cluster *c, const struct flat_client *k, step_ref cap)
{
	const uint64_t key = cached_key(k->call.tree, k->call.path.id);
	uint64_t at = ssi_table_find(&c->cached, key);
	if (at == SSI_TABLE_NONE) {
		flat_grow((void **)&c->cached_name, c->cached_count, &c->cached_room, sizeof *c->cached_name);
		at = c->cached_count++;
		SIM_CHECK(ssi_table_put(&c->cached, key, at) == 0);
	}
	c->cached_name[at] = (struct flat_cached){.cap = cap,
						  .root = k->reply.root,
						  .file = k->reply.file,
						  .grant = flat_grant_new(c, k->reply.name),
						  .is_directory = k->reply.is_directory};
}

/* ---- a client asks its driver, and its monitor ---- */

bool flat_is_local(const struct flat_call *call)
{
	return call->op == FLAT_LOCAL || call->op == FLAT_FORK || call->op == FLAT_WAIT ||
	       call->op == FLAT_EXIT;
}

/* The scenario counts cycles of its own clock; natively the machine's clock is the host's. */
static sim_cycles flat_think(const struct flat_machine *m, sim_cycles cycles)
{
	if (!m->config.native)
		return cycles;
	return (sim_cycles)((unsigned __int128)cycles * m->think_ticks_per_4g >> 32);
}

bool flat_ask(struct flat_cluster *c, uint32_t client)
{
	const struct flat_driver *driver = &machine_of(c)->config.driver;
	struct flat_client *k = &c->client[client];
	k->call = (struct flat_call){0};
	k->waiting = !driver->next(driver->context, c->id, client, &k->call);
	if (k->waiting && c->place)
		flat_thread_idles(c, client);
	return !k->waiting;
}

sim_cycles flat_think_of(const struct flat_cluster *c, uint32_t client)
{
	const struct flat_driver *driver = &machine_of(c)->config.driver;
	return flat_think(machine_of(c), driver->think(driver->context, c->id, client));
}

/* `was`: to which cause time goes when the driver has been asked. */
static void ask_driver(struct flat_cluster *c, uint32_t client, sim_cycles at, unsigned was)
{
	struct flat_machine *m = machine_of(c);
	struct flat_profile *profile = c->profile;
	struct flat_client *k = &c->client[client];
	flat_enter(profile, FLAT_CAUSE_CLIENT);
	const bool calls = flat_ask(c, client);
	if (calls)
		k->issued = at + flat_think_of(c, client);
	flat_leave(profile, was);
	if (!calls)
		return;
	flat_client_post(c, client,
			 k->issued + m->cost.cycles[flat_is_local(&k->call) ? SIM_COST_NULL : SIM_COST_CALL]);
}

SIM_PROBE_DEFINE(call_begin);
SIM_PROBE_DEFINE(call_end);

SIM_PROBE_ASIDE static void probe_call_begin(const struct flat_cluster *c, uint32_t client)
{
	const unsigned op = c->client[client].call.op;
	SIM_PROBE(call_begin, c->id, client, flat_op_name[op], op);
}

SIM_PROBE_ASIDE static void probe_call_end(const struct flat_cluster *c, const struct flat_client *k)
{
	const unsigned op = k->call.op;
	SIM_PROBE(call_end, c->id, (uint32_t)(k - c->client), flat_op_name[op], k->result.error, op);
}

void flat_record(struct flat_cluster *c, struct flat_client *k, sim_cycles end, struct flat_chain chain)
{
	struct flat_machine *m = machine_of(c);
	const sim_ps at = sim_ps_of_cycles(&m->topology.clock, end);
	if (SIM_PROBE_ON(call_end))
		probe_call_end(c, k);
	flat_account(c, k->call.op, end - k->issued, chain, k->result.error != 0);
	c->shard->calls++;
	c->shard->end = c->shard->end > at ? c->shard->end : at;
}

/* Natively a pipe's or a terminal's bytes are copied, as they would be. */
static void copy_locally(struct flat_shard *s, uint64_t bytes)
{
	for (uint64_t part; bytes; bytes -= part) {
		part = bytes < FLAT_SCRATCH_BYTES ? bytes : FLAT_SCRATCH_BYTES;
		memcpy(s->scratch[1], s->scratch[0], part);
		__asm__ volatile("" : : "r"(s->scratch[1]) : "memory");
	}
}

/* A call that never leaves the client's kernel. */
static void arrive_local(struct flat_cluster *c, uint32_t client, sim_cycles at)
{
	struct flat_machine *m = machine_of(c);
	struct flat_client *k = &c->client[client];
	const struct flat_driver *driver = &m->config.driver;
	struct flat_profile *profile = c->profile;
	const unsigned was = flat_enter(profile, FLAT_CAUSE_COPY);
	if (c->origin)
		copy_locally(c->shard, k->call.length);
	flat_leave(profile, was);
	flat_charged(profile, SIM_COST_NULL, 1);
	flat_charged(profile, SIM_COST_CLIENT, 1);
	flat_charged(profile, SIM_COST_COPY_KIB, k->call.length);
	const sim_cycles begin = c->free > at && m->cost.cycles[SIM_COST_CLIENT] ? c->free : at;
	const sim_cycles end =
		c->origin ? flat_ticks(c) : begin + m->cost.cycles[SIM_COST_COPY_KIB] * k->call.length / 1024;
	c->now = end;
	k->result = (struct flat_result){0};
	flat_record(c, k, end, (struct flat_chain){.kernel = (end - k->issued) & ((1u << 20) - 1)});
	flat_enter(profile, FLAT_CAUSE_CLIENT);
	driver->done(driver->context, c->id, client, &k->call, &k->result);
	ask_driver(c, client, end, was);
	if (m->cost.cycles[SIM_COST_CLIENT]) /* it shares the monitor's core */
		c->free = end + m->cost.cycles[SIM_COST_CLIENT];
}

bool flat_files_arrive(struct flat_cluster *c, uint32_t word, sim_cycles at)
{
	const uint32_t client = word & ~FLAT_CLIENT_ASKS;
	if (c->place && flat_thread_catches(c, client, word & FLAT_CLIENT_ASKS))
		return false;
	if (word & FLAT_CLIENT_ASKS) {
		c->now = at;
		ask_driver(c, client, at, FLAT_CAUSE_CALL);
		return false;
	}
	if (SIM_PROBE_ON(call_begin))
		probe_call_begin(c, client);
	if (!flat_is_local(&c->client[client].call))
		return true;
	arrive_local(c, client, at);
	return false;
}

static unsigned event_of_path_call(struct flat_cluster *c, struct flat_client *k)
{
	const struct flat_call *call = &k->call;
	struct flat_cached *cached = flat_cached_find(c, call->tree, call->path.id);
	const bool open = call->op == FLAT_OPEN;
	if (!cached || call->exclusive || (open && !cached->root.machine))
		return open ? posix_calls.open : posix_calls.stat;
	if (open && cached->is_directory && call->writes)
		return posix_calls.open;
	if (open && !cached->is_directory && call->directory)
		return posix_calls.open;
	flat_use(c, cached->grant);
	k->reply = (struct flat_reply){.file = cached->file,
				       .name = cached->cap,
				       .root = cached->root,
				       .is_directory = cached->is_directory};
	return open ? posix_calls.open_cached : posix_calls.stat_cached;
}

static unsigned event_of(struct flat_cluster *c, struct flat_client *k)
{
	switch (k->call.op) {
	case FLAT_OPEN:
	case FLAT_STAT:
		return event_of_path_call(c, k);
	case FLAT_SETATTR:
		return k->call.handle ? posix_calls.access : event_of_path_call(c, k);
	case FLAT_LIST:
	case FLAT_READLINK:
		return posix_calls.list;
	case FLAT_MKDIR:
	case FLAT_LINK:
	case FLAT_SYMLINK:
		return posix_calls.make;
	case FLAT_UNLINK:
	case FLAT_RMDIR:
	case FLAT_RENAME:
		return posix_calls.remove;
	case FLAT_CLOSE:
		return posix_calls.close;
	case FLAT_SEND:
	case FLAT_CAP_SEND:
	case FLAT_CAP_OFFER:
	case FLAT_CAP_MOVE:
		return posix_calls.send;
	default:
		return posix_calls.access;
	}
}

static bool is_gift(unsigned op)
{
	return op == FLAT_SEND || op == FLAT_CAP_SEND || op == FLAT_CAP_OFFER || op == FLAT_CAP_MOVE;
}

void flat_files_start(struct flat_cluster *c, uint32_t client)
{
	struct flat_machine *m = machine_of(c);
	struct flat_client *k = &c->client[client];
	struct step_node *n = &c->node[FLAT_FILE];
	const bool gives = is_gift(k->call.op);
	const uint32_t to = gives ? k->call.cluster : m->config.service;
	if (flat_is_thread(k->call.op)) {
		flat_thread_start(c, client);
		return;
	}
	if (flat_is_capability(k->call.op) && !gives) {
		flat_caps_start(c, client);
		return;
	}
	k->result = (struct flat_result){0};
	k->reply = (struct flat_reply){.file = k->call.handle ? k->call.handle->file : 0};
	flat_charged(c->profile, SIM_COST_CALL, 1);
	flat_set_chain(n, (struct flat_chain){.kernel = m->cost.cycles[SIM_COST_CALL]});
	flat_deliver(n, &(struct step_msg){.event = (uint8_t)event_of(c, k),
					   .protocol = FLAT_FILE,
					   .host = flat_host_half(k->call.op, -1),
					   .to = STEP_ANY(c->id, POSIX_CALL),
					   .from = STEP_REF(c->id, STEP_CLIENT, client),
					   .arg = STEP_REF(to, STEP_CLIENT, client)});
}

void flat_files_done(struct flat_cluster *c, struct step_node *n, uint32_t client, uint32_t error)
{
	struct flat_machine *m = machine_of(c);
	struct flat_client *k = &c->client[client];
	const struct flat_driver *driver = &m->config.driver;
	flat_sync(n);
	flat_charge_kernel(n, SIM_COST_REPLY);
	if (!k->result.error)
		k->result.error = (int)error;
	k->result.is_directory = k->reply.is_directory;
	if (k->call.op == FLAT_LIST || k->call.op == FLAT_READLINK)
		k->result.value = k->reply.value;
	if (c->full) { /* the client records, and asks its driver itself */
		full_done(c, n, client);
		return;
	}
	flat_record(c, k, c->now, flat_chain_of(n));
	flat_charged(c->profile, SIM_COST_CLIENT, 1);
	const unsigned was = flat_enter(c->profile, FLAT_CAUSE_CLIENT);
	driver->done(driver->context, c->id, client, &k->call, &k->result);
	ask_driver(c, client, c->now, was);
	c->now += m->cost.cycles[SIM_COST_CLIENT]; /* the client's own code, where it shares this core */
}

/* ---- the client's local calls ---- */

static void call_tree_for(struct flat_cluster *c, struct flat_task *task, step_ref waiter,
			  enum flat_doing doing, enum flat_op op, unsigned event, step_ref arg, uint32_t word,
			  uint32_t who, enum flat_op call)
{
	struct step_node *n = &c->node[FLAT_FILE];
	flat_begin(n, task, waiter, doing, op);
	flat_call_tree(c, event, arg, word, who, flat_host_half(call, (int)op), flat_chain_of(n));
}

static void local_of_client(struct flat_cluster *c, step_ref self, uint32_t call, uint32_t client)
{
	struct flat_client *k = &c->client[client];
	const enum flat_op op = k->call.op;
	struct step_node *n = &c->node[FLAT_FILE];
	const bool needs_cap = call == POSIX_DELETE || call == POSIX_DELEGATE;
	if (needs_cap &&
	    !k->call.handle->cap.machine) { /* its client was killed meanwhile, or it never was open */
		flat_answer(c, n, self, EBADF, 0);
		return;
	}
	switch (call) {
	case POSIX_OBTAIN_NAME:
		if (!k->reply.name.machine || flat_cached_find(c, k->call.tree, k->call.path.id))
			flat_answer(c, n, self, k->reply.name.machine ? 0 : ENOENT, 0);
		else
			call_tree_for(c, &k->task, self, DOING_OBTAIN_NAME, FLAT_OBTAIN, CAPABILITY_OBTAIN,
				      k->reply.name, 0, client, op);
		return;
	case POSIX_OBTAIN_FILE:
		call_tree_for(c, &k->task, self, DOING_OBTAIN_FILE, FLAT_OBTAIN, CAPABILITY_OBTAIN,
			      k->reply.root, 0, client, op);
		return;
	case POSIX_DELETE:
		call_tree_for(c, &k->task, self, DOING_DELETE, FLAT_DELETE, CAPABILITY_DELETE,
			      k->call.handle->cap, 0, client, op);
		return;
	case POSIX_DELEGATE:
		if (flat_is_capability(op)) {
			flat_caps_lend(c, client, self);
			return;
		}
		k->reply.file = k->call.handle->file;
		k->reply.of_file = true;
		k->reply.name = c->shard->grant[k->call.handle->grant].root;
		call_tree_for(c, &k->task, self, DOING_DELEGATE, FLAT_DELEGATE, CAPABILITY_DELEGATE,
			      k->call.handle->cap, k->call.cluster, client, op);
		return;
	default:
		flat_pages_begin(c, client, self);
	}
}

static void client_tree_done(struct flat_cluster *c, struct step_node *n, uint32_t client, uint32_t result,
			     step_ref arg)
{
	struct flat_client *k = &c->client[client];
	struct flat_task *task = &k->task;
	const uint8_t doing = task->doing;
	if (doing == DOING_CAPABILITY) {
		flat_caps_done(c, n, client, result, arg);
		return;
	}
	flat_end(n, task, result != CAPABILITY_OK);
	if (doing == DOING_DELETE) {
		k->call.handle->cap = STEP_NOBODY;
		if (c->full)
			full_take_back(c, k->call.handle);
	} else if (result == CAPABILITY_OK && doing == DOING_OBTAIN_NAME) {
		cached_put(c, k, arg);
	} else if (result == CAPABILITY_OK && doing == DOING_OBTAIN_FILE) {
		*k->call.handle = (struct flat_handle){.cap = arg,
						       .file = k->reply.file,
						       .of_file = true,
						       .grant = flat_grant_new(c, k->reply.root)};
		if (c->full)
			full_hand_over(c, client, k->call.handle, STEP_NOBODY);
	} else if (doing == DOING_DELEGATE) {
		k->reply.root = arg;
		if (result == CAPABILITY_OK)
			flat_caps_lent(c, client);
	}
	flat_answer(c, n, task->waiter, result == CAPABILITY_OK ? 0 : ESTALE, 0);
}

void flat_drop(struct flat_cluster *c, step_ref cap, bool retires)
{
	/* Clients of capability operations may have many to give back at once: one step each. */
	void (*const call)(struct flat_cluster *, unsigned, step_ref, uint32_t, uint32_t, uint16_t,
			   struct flat_chain) =
		c->machine->config.capabilities_max ? flat_call_alone : flat_call_tree;
	call(c, retires ? CAPABILITY_RETIRE : CAPABILITY_DELETE, cap, 0, FLAT_BACKGROUND, 0,
	     (struct flat_chain){0});
}

/* A full cluster's driver is called on its clients' threads, too, and the steps are the monitor's: it is told. */
void flat_delete(struct flat_machine *m, uint32_t cluster, struct flat_handle *handle)
{
	struct flat_cluster *c = &m->cluster[cluster];
	if (!handle->cap.machine || handle->offered)
		return;
	const bool retires = handle->first && flat_retires(m);
	if (c->full)
		flat_drop_post(c, handle->cap, retires);
	else
		flat_drop(c, handle->cap, retires);
	handle->cap = STEP_NOBODY;
	handle->cptr = 0; /* the client that had it was killed */
}

/* ---- the service: names and their capabilities ---- */

static struct flat_client *client_of(struct flat_machine *m, const struct flat_serve *s)
{
	return &m->cluster[s->cluster].client[s->client];
}

static bool is_last_followed(const struct flat_call *call)
{
	return !call->no_follow &&
	       (call->op == FLAT_OPEN || call->op == FLAT_STAT || call->op == FLAT_SETATTR);
}

static int make_file(struct flat_machine *m, struct flat_serve *s, const struct flat_call *call)
{
	uint32_t node;
	int error = names_create(&m->names, &s->place, NAMES_FILE, &node);
	return error ? error
		     : names_walk(&m->names, call->tree, &call->path, is_last_followed(call), &s->place);
}

static int open_check(const struct flat_machine *m, const struct flat_serve *s, const struct flat_call *call)
{
	const struct names_node *node = &m->names.node[s->place.node];
	if (call->create && call->exclusive)
		return EEXIST;
	if (node->kind == NAMES_SYMLINK)
		return ELOOP;
	if (node->kind == NAMES_DIR && (call->writes || call->create))
		return EISDIR;
	return node->kind != NAMES_DIR && call->directory ? ENOTDIR : 0;
}

/* Finds the path of an open or a stat, and makes the file if asked. */
static int find(struct flat_machine *m, struct flat_serve *s, const struct flat_call *call)
{
	int error = names_walk(&m->names, call->tree, &call->path, is_last_followed(call), &s->place);
	if (error)
		return error;
	if (s->place.node != NAMES_NONE)
		return call->op == FLAT_OPEN ? open_check(m, s, call) : 0;
	return call->op == FLAT_OPEN && call->create ? make_file(m, s, call) : ENOENT;
}

/* The entries on the way to the place whose capability is still to be made, or is gone. Nothing is cached that a
 * change is about to take away, or that was reached through a symbolic link. */
static void plan_names(const struct flat_cluster *c, struct flat_serve *s)
{
	const struct flat_machine *m = machine_of(c);
	const struct step_node *tree = &c->node[FLAT_CAPABILITY];
	const struct names_entry *entry = m->names.entry;
	s->depth = 0;
	if (s->place.followed)
		return;
	for (uint32_t e = s->place.entry; e != NAMES_NONE; e = entry[e].up)
		if (entry[e].going)
			return;
	for (uint32_t e = s->place.entry; e != NAMES_NONE && s->depth < NAMES_DEPTH_MAX; e = entry[e].up)
		if (!step_lookup(tree, entry[e].cap))
			s->chain[s->depth++] = e;
}

static bool is_cacheable(const struct flat_machine *m, const struct flat_serve *s)
{
	if (s->place.followed || s->place.entry == NAMES_NONE ||
	    m->names.node[s->place.node].kind == NAMES_SYMLINK)
		return false;
	for (uint32_t e = s->place.entry; e != NAMES_NONE; e = m->names.entry[e].up)
		if (m->names.entry[e].going)
			return false;
	return true;
}

static void call_tree_for_serve(struct flat_cluster *c, struct flat_serve *s, enum flat_doing doing,
				unsigned event, step_ref arg)
{
	struct step_node *n = &c->node[FLAT_FILE];
	const uint32_t slot = (uint32_t)(s - c->serve);
	const enum flat_op call = client_of(machine_of(c), s)->call.op;
	const int op = doing == DOING_CUT ? FLAT_REVOKE : -1;
	flat_begin(n, &s->task, s->task.waiter, doing, doing == DOING_CUT ? FLAT_REVOKE : FLAT_OBTAIN);
	flat_call_tree(c, event, arg, 0, FLAT_SERVES + slot, flat_host_half(call, op), flat_chain_of(n));
}

static void found(struct flat_cluster *c, struct flat_serve *s)
{
	struct flat_machine *m = machine_of(c);
	const struct names_node *node = &m->names.node[s->place.node];
	struct flat_reply *reply = &client_of(m, s)->reply;
	*reply = (struct flat_reply){
		.file = s->place.node, .is_directory = node->kind == NAMES_DIR, .root = node->root};
	if (is_cacheable(m, s))
		reply->name = m->names.entry[s->place.entry].cap;
	flat_guard_learn(m, FLAT_CAPABILITY, reply->name, s->cluster);
	flat_guard_learn(m, FLAT_CAPABILITY, reply->root, s->cluster);
	flat_guard_learn_file(m, reply->file, s->cluster);
	flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, 0, 0);
}

/* Makes the next capability that the answer needs, or answers. */
static void name_next(struct flat_cluster *c, struct flat_serve *s)
{
	struct flat_machine *m = machine_of(c);
	if (s->depth) {
		const struct names_entry *e = &m->names.entry[s->chain[s->depth - 1]];
		const bool top = e->up == NAMES_NONE;
		call_tree_for_serve(c, s, DOING_NAMES, top ? CAPABILITY_CREATE : CAPABILITY_OBTAIN,
				    top ? STEP_NOBODY : m->names.entry[e->up].cap);
		return;
	}
	const struct names_node *node = &m->names.node[s->place.node];
	if (s->want_root && !step_lookup(&c->node[FLAT_CAPABILITY], node->root))
		call_tree_for_serve(c, s, DOING_ROOT, CAPABILITY_CREATE, STEP_NOBODY);
	else
		found(c, s);
}

static void look_up(struct flat_cluster *c, struct flat_serve *s)
{
	struct flat_machine *m = machine_of(c);
	struct flat_client *k = client_of(m, s);
	int error;
	if (k->call.op == FLAT_LIST) {
		k->reply.value = m->names.node[k->reply.file].entries + 2;
		error = m->names.node[k->reply.file].kind == NAMES_DIR ? 0 : ENOTDIR;
		flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, error, 0);
		return;
	}
	error = find(m, s, &k->call);
	if (!error && k->call.op == FLAT_READLINK) {
		k->reply.value = m->names.node[s->place.node].size;
		error = m->names.node[s->place.node].kind == NAMES_SYMLINK ? 0 : EINVAL;
		flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, error, 0);
		return;
	}
	if (error) {
		flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, error, 0);
		return;
	}
	s->want_root = k->call.op == FLAT_OPEN;
	plan_names(c, s);
	name_next(c, s);
}

static int make(struct flat_machine *m, struct flat_serve *s)
{
	const struct flat_call *call = &client_of(m, s)->call;
	uint32_t node;
	int error = names_walk(&m->names, call->tree, call->op == FLAT_LINK ? &call->path2 : &call->path,
			       false, &s->place);
	if (error)
		return error;
	if (s->place.node != NAMES_NONE)
		return EEXIST;
	if (call->op == FLAT_MKDIR)
		return names_create(&m->names, &s->place, NAMES_DIR, &node);
	if (call->op == FLAT_SYMLINK)
		return names_symlink(&m->names, &s->place, call->target);
	error = names_walk(&m->names, call->tree, &call->path, false, &s->place2);
	if (error || s->place2.node == NAMES_NONE)
		return error ? error : ENOENT;
	return names_link(&m->names, &s->place, s->place2.node);
}

/* ---- the service: taking a name away ---- */

static int check(struct flat_machine *m, struct flat_serve *s)
{
	const struct flat_call *call = &client_of(m, s)->call;
	int error = names_walk(&m->names, call->tree, &call->path, false, &s->place);
	if (error)
		return error;
	if (call->op == FLAT_UNLINK)
		return names_unlink_check(&m->names, &s->place);
	if (call->op == FLAT_RMDIR)
		return names_rmdir_check(&m->names, &s->place);
	error = names_walk(&m->names, call->tree, &call->path2, false, &s->place2);
	return error ? error : names_rename_check(&m->names, &s->place, &s->place2);
}

static void going(struct flat_machine *m, struct flat_serve *s, int by)
{
	for (uint32_t i = 0; i < s->cuts; i++)
		m->names.entry[s->cut[i]].going += (uint32_t)by;
}

static void begin_removal(struct flat_cluster *c, struct flat_serve *s)
{
	struct flat_machine *m = machine_of(c);
	int error = check(m, s);
	s->cuts = s->cut_at = 0;
	if (!error && client_of(m, s)->call.op != FLAT_RENAME)
		s->cut[s->cuts++] = s->place.entry;
	else if (!error && s->place.node != s->place2.node) {
		s->cut[s->cuts++] = s->place.entry;
		if (s->place2.entry != NAMES_NONE)
			s->cut[s->cuts++] = s->place2.entry;
	}
	going(m, s, 1);
	flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, error, 0);
}

/* Revokes, then deletes, the capability of each name in turn. */
static void cut_next(struct flat_cluster *c, struct flat_serve *s)
{
	struct flat_machine *m = machine_of(c);
	while (s->cut_at < s->cuts) {
		step_ref cap = m->names.entry[s->cut[s->cut_at]].cap;
		if (step_lookup(&c->node[FLAT_CAPABILITY], cap)) {
			call_tree_for_serve(c, s, DOING_CUT, CAPABILITY_REVOKE, cap);
			return;
		}
		s->cut_at++;
	}
	flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, 0, 0);
}

/* A file without a name lives until its last close: its capability waits for its children, then goes. */
static void retire(struct flat_cluster *c, uint32_t node)
{
	struct flat_machine *m = machine_of(c);
	if (node == NAMES_NONE || m->names.node[node].released)
		return;
	m->names.node[node].released = true;
	if (step_lookup(&c->node[FLAT_CAPABILITY], m->names.node[node].root))
		flat_call_tree(c, CAPABILITY_RETIRE, m->names.node[node].root, 0, FLAT_RETIRED + node, 0,
			       (struct flat_chain){0});
	else
		flat_release(m, node);
}

static void apply(struct flat_cluster *c, struct flat_serve *s)
{
	struct flat_machine *m = machine_of(c);
	const struct flat_call *call = &client_of(m, s)->call;
	uint32_t dead = NAMES_NONE;
	going(m, s, -1);
	int error = check(m, s);
	if (!error && call->op == FLAT_RENAME)
		names_rename_apply(&m->names, &s->place, &s->place2, &dead);
	else if (!error)
		names_remove_apply(&m->names, &s->place, &dead);
	retire(c, dead);
	flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, error, 0);
}

/* What is said of a client of another cluster must be true. */
static bool is_gift_for(const struct flat_cluster *c, const struct flat_client *sender)
{
	return is_gift(sender->call.op) && sender->call.cluster == c->id &&
	       sender->call.client < c->clients &&
	       (sender->call.op == FLAT_CAP_OFFER || sender->reply.root.node == c->id);
}

/* The receiver's kernel gives it to its client. False: there is no room, so it goes, and the sender is told. */
static bool take_in(struct flat_cluster *c, const struct flat_serve *s, const struct flat_client *sender,
		    struct flat_handle *handle)
{
	const bool copied = sender->call.op == FLAT_CAP_SEND && s->cluster == c->id;
	if (full_hand_over(c, sender->call.client, handle, copied ? sender->call.handle->cap : STEP_NOBODY) ||
	    !flat_is_capability(sender->call.op))
		return true;
	flat_delete(c->machine, c->id, handle);
	flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, ENOMEM, 0);
	return false;
}

/* The receiver of an open file that another client sends. */
void flat_files_accept(struct flat_cluster *c, struct flat_serve *s)
{
	struct flat_machine *m = machine_of(c);
	const struct flat_client *sender = client_of(m, s);
	const struct flat_driver *driver = &m->config.driver;
	if (!is_gift_for(c, sender)) {
		flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, EINVAL, 0);
		return;
	}
	if (c->place && !flat_thread_takes(c, s))
		return;
	struct flat_handle handle = flat_caps_received(c, sender);
	if (handle.of_file && !handle.offered)
		flat_guard_learn_file(m, handle.file, c->id);
	flat_guard_learn(m, FLAT_CAPABILITY, handle.cap, c->id);
	if (!flat_is_capability(sender->call.op))
		handle.grant = flat_grant_new(c, sender->reply.name);
	if (c->full && !handle.offered && !take_in(c, s, sender, &handle))
		return;
	const unsigned was = flat_enter(c->profile, FLAT_CAUSE_CLIENT);
	if (!c->full || !monitor_program_receives(c, sender->call.client, &handle, s->cluster, s->client))
		driver->received(driver->context, c->id, sender->call.client, &handle);
	flat_leave(c->profile, was);
	flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, 0, 0);
}

static void local_of_service(struct flat_cluster *c, step_ref self, uint32_t call, step_ref client)
{
	struct flat_machine *m = machine_of(c);
	struct flat_serve *s = &c->serve[self.index];
	struct step_node *n = &c->node[FLAT_FILE];
	s->task.waiter = self;
	s->cluster = (uint32_t)client.node, s->client = (uint32_t)client.index;
	if (call != POSIX_ACCEPT && client_of(m, s)->call.tree >= m->names.trees) {
		flat_answer(c, n, self, EINVAL, 0);
		return;
	}
	if (call == POSIX_LOOK_UP || call == POSIX_MAKE || call == POSIX_CHECK) {
		const uint64_t components = client_of(m, s)->call.path.count + 1;
		flat_charged(c->profile, SIM_COST_NAME, components);
		flat_charge_monitor(n, m->cost.cycles[SIM_COST_NAME] * components);
	}
	switch (call) {
	case POSIX_LOOK_UP:
		look_up(c, s);
		return;
	case POSIX_MAKE:
		flat_answer(c, n, self, make(m, s), 0);
		return;
	case POSIX_CHECK:
		begin_removal(c, s);
		return;
	case POSIX_REVOKE:
		cut_next(c, s);
		return;
	case POSIX_APPLY:
		apply(c, s);
		return;
	default:
		flat_files_accept(c, s);
	}
}

void flat_files_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	struct flat_cluster *c = flat_cluster_of(n);
	if (self.machine == POSIX_SERVE)
		local_of_service(c, self, call, arg);
	else
		local_of_client(c, self, call, (uint32_t)arg.index);
}

static void serve_tree_done(struct flat_cluster *c, struct step_node *n, struct flat_serve *s,
			    uint32_t result, step_ref arg)
{
	struct flat_machine *m = machine_of(c);
	uint32_t revoked;
	c->node[FLAT_FILE].host_word = n->host_word;
	switch (s->task.doing) {
	case DOING_NAMES:
		if (result == CAPABILITY_OK)
			m->names.entry[s->chain[--s->depth]].cap = arg;
		else
			s->depth = 0; /* no capability: the name is not cached */
		name_next(c, s);
		return;
	case DOING_ROOT:
		m->names.node[s->place.node].root = arg;
		found(c, s);
		return;
	case DOING_CUT:
		flat_end(n, &s->task, result != CAPABILITY_OK);
		revoked = revocation_new(c->shard, m->names.entry[s->cut[s->cut_at]].cap);
		c->shard->revocation[revoked].returned = flat_now(m, c->id);
		call_tree_for_serve(c, s, DOING_DROP, CAPABILITY_DELETE,
				    m->names.entry[s->cut[s->cut_at]].cap);
		return;
	default:
		m->names.entry[s->cut[s->cut_at++]].cap = STEP_NOBODY;
		cut_next(c, s);
	}
}

static void revocation_done(struct flat_cluster *c, struct step_node *n, struct flat_revocation *r,
			    uint32_t result)
{
	struct flat_machine *m = machine_of(c);
	flat_end(n, &r->task, result != CAPABILITY_OK);
	r->returned = flat_now(m, c->id);
}

void flat_files_tree_done(struct flat_cluster *c, struct step_node *n, uint32_t who, uint32_t result,
			  step_ref arg)
{
	struct flat_machine *m = machine_of(c);
	if (who >= FLAT_SLOTS)
		flat_thread_slot_done(c, n, who - FLAT_SLOTS, result, arg);
	else if (who >= FLAT_RETIRED)
		flat_release(m, who - FLAT_RETIRED);
	else if (who >= FLAT_REVOCATIONS)
		revocation_done(c, n, &c->shard->revocation[who - FLAT_REVOCATIONS], result);
	else if (who >= FLAT_SERVES)
		serve_tree_done(c, n, &c->serve[who - FLAT_SERVES], result, arg);
	else
		client_tree_done(c, n, who, result, arg);
}

int flat_revoke_file(struct flat_machine *m, uint32_t tree, const struct flat_path *path)
{
	struct flat_cluster *c = &m->cluster[m->config.service];
	struct step_node *n = &c->node[FLAT_FILE];
	struct names_place place;
	int error = names_walk(&m->names, tree, path, true, &place);
	if (error || place.node == NAMES_NONE)
		return error ? error : ENOENT;
	const step_ref root = m->names.node[place.node].root;
	if (!step_lookup(&c->node[FLAT_CAPABILITY], root))
		return 0; /* nobody ever opened it */
	const uint32_t r = revocation_new(c->shard, root);
	flat_set_chain(n, (struct flat_chain){0});
	flat_begin(n, &c->shard->revocation[r].task, STEP_NOBODY, DOING_CUT, FLAT_REVOKE);
	flat_call_tree(c, CAPABILITY_REVOKE, root, 0, FLAT_REVOCATIONS + r,
		       (uint16_t)((FLAT_REVOKE + 1) << 8), (struct flat_chain){0});
	return 0;
}

/* ---- trees ---- */

uint32_t flat_tree_new(struct flat_machine *m, const struct flat_names *names)
{
	return names_tree_new(&m->names, names);
}

static int add(struct flat_machine *m, uint32_t tree, const struct flat_path *path, enum names_kind kind,
	       uint32_t *node)
{
	struct names_place place;
	int error = names_walk(&m->names, tree, path, false, &place);
	return error ? error : names_create(&m->names, &place, kind, node);
}

int flat_tree_add_file(struct flat_machine *m, uint32_t tree, const struct flat_path *path, uint64_t size,
		       uint64_t seed)
{
	uint32_t node;
	int error = add(m, tree, path, NAMES_FILE, &node);
	if (!error)
		m->names.node[node].size = size, m->names.node[node].seed = seed;
	return error;
}

int flat_tree_add_dir(struct flat_machine *m, uint32_t tree, const struct flat_path *path,
		      uint32_t extra_entries)
{
	uint32_t node;
	struct names_place place;
	int error = names_walk(&m->names, tree, path, false, &place);
	if (error)
		return error;
	if (place.name == NAMES_NONE)
		node = m->names.tree[tree].root;
	else
		error = names_create(&m->names, &place, NAMES_DIR, &node);
	if (!error)
		m->names.node[node].entries += extra_entries;
	return error;
}

int flat_tree_add_symlink(struct flat_machine *m, uint32_t tree, const struct flat_path *path,
			  const char *target)
{
	struct names_place place;
	int error = names_walk(&m->names, tree, path, false, &place);
	return error ? error : names_symlink(&m->names, &place, target);
}

int flat_tree_add_link(struct flat_machine *m, uint32_t tree, const struct flat_path *path,
		       const struct flat_path *existing)
{
	struct names_place place, other;
	int error = names_walk(&m->names, tree, path, false, &place);
	if (!error)
		error = names_walk(&m->names, tree, existing, false, &other);
	return error ? error : other.node == NAMES_NONE ? ENOENT : names_link(&m->names, &place, other.node);
}
