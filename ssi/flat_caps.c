/* ssi/flat_caps.c - operations on capabilities that clients call, over whichever protocol of the family the machine has.
 *
 * A call goes straight to the protocol, whose completion ends it. Three tell another client: CAP_SEND delegates, CAP_MOVE
 * moves, CAP_OFFER does neither; then file/posix passes the new capability on, or the name, in two messages that carry
 * no authority. Between clients of one cluster a send is a copy, and a move changes hands in the kernel: the protocol has no
 * part in it.
 *
 * What a capability is for is known by the name of its object: the home of each object has its kind. It is written before
 * anything names the object, so whoever finds the name in a message may read it. Memory has no badge: where others have
 * theirs, what was retyped from it has its kind. */
#include <errno.h>
#include "sim/atomic.h"
#include "ssi/flat_internal.h"
#include "ssi/full.h"

const char *const flat_kind_name[FLAT_KINDS] = {"file", "endpoint", "notification", "frame", "untyped"};

static const struct {
	uint8_t event, op; /* enum capability_call, enum flat_op */
} call_of[] = {
	[FLAT_CAP_CREATE - FLAT_CAP_CREATE] = {CAPABILITY_CREATE, FLAT_CREATE},
	[FLAT_CAP_SEND - FLAT_CAP_CREATE] = {CAPABILITY_DELEGATE, FLAT_DELEGATE},
	[FLAT_CAP_OFFER - FLAT_CAP_CREATE] = {CAPABILITY_OBTAIN, FLAT_OBTAIN},
	[FLAT_CAP_OBTAIN - FLAT_CAP_CREATE] = {CAPABILITY_OBTAIN, FLAT_OBTAIN},
	[FLAT_CAP_COPY - FLAT_CAP_CREATE] = {CAPABILITY_COPY, FLAT_COPY},
	[FLAT_CAP_MINT - FLAT_CAP_CREATE] = {CAPABILITY_MINT, FLAT_MINT},
	[FLAT_CAP_MOVE - FLAT_CAP_CREATE] = {CAPABILITY_MOVE, FLAT_MOVE},
	[FLAT_CAP_DELETE - FLAT_CAP_CREATE] = {CAPABILITY_DELETE, FLAT_DELETE},
	[FLAT_CAP_REVOKE - FLAT_CAP_CREATE] = {CAPABILITY_REVOKE, FLAT_REVOKE},
	[FLAT_CAP_RETYPE - FLAT_CAP_CREATE] = {CAPABILITY_RETYPE, FLAT_RETYPE},
	[FLAT_CAP_QUERY - FLAT_CAP_CREATE] = {CAPABILITY_QUERY, FLAT_QUERY},
	[FLAT_CAP_USE - FLAT_CAP_CREATE] = {CAPABILITY_USE, FLAT_USE},
};

static unsigned event_of(unsigned op) { return call_of[op - FLAT_CAP_CREATE].event; }
static enum flat_op count_of(unsigned op) { return (enum flat_op)call_of[op - FLAT_CAP_CREATE].op; }

#define AS_NAME(name, klass, word) [name] = #name,
enum { CAPABILITY_BEFORE = E_PROTOCOL - 1, CAPABILITY_CALLS(STEP_AS_ENUM) };
static const char *const call_name[] = {CAPABILITY_CALLS(AS_NAME)};

bool flat_has_call(const struct step_protocol *p, unsigned event)
{
	const unsigned machine = event == CAPABILITY_CREATE ? CAPABILITY_CAP : CAPABILITY_OP;
	return p->machines > CAPABILITY_OP && event < p->events &&
	       !strcmp(p->event[event].name, call_name[event]) &&
	       step_cell_at(p, machine, 0, event)->kind == STEP_GO;
}

bool flat_retires(const struct flat_machine *m)
{
	return flat_has_call(m->protocol[FLAT_CAPABILITY], CAPABILITY_RETIRE);
}

bool flat_serves(const struct flat_machine *m, enum flat_op op)
{
	return !flat_is_capability(op) || flat_has_call(m->protocol[FLAT_CAPABILITY], event_of(op));
}

/* ---- what a capability is for ---- */

static const void *field_at(const void *cap, uint32_t offset)
{
	return offset == UINT32_MAX ? NULL : (const char *)cap + offset;
}

uint32_t flat_offset_of(const struct step_machine *machine, const char *name)
{
	for (const struct step_field *f = machine->fields(); f->name; f++)
		if (!strcmp(f->name, name))
			return f->offset;
	return UINT32_MAX;
}

void flat_caps_init(struct flat_machine *m)
{
	const struct step_machine *cap = &m->protocol[FLAT_CAPABILITY]->machine[CAPABILITY_CAP];
	m->cap_object = flat_offset_of(cap, "object");
	m->cap_word = flat_offset_of(cap, "word");
	mac_siphash.prepare(&m->mac_key, (const uint8_t[MAC_SECRET_BYTES]){1});
}

#define GENERATION_SHIFT 8

static void object_made(struct flat_cluster *c, step_ref first, enum flat_kind kind)
{
	sim_store_relaxed(&c->object[first.index], (uint32_t)first.gen << GENERATION_SHIFT | kind);
}

enum flat_kind flat_kind_of_object(const struct flat_machine *m, step_ref object)
{
	if (object.machine != CAPABILITY_CAP || object.node >= m->clusters)
		return FLAT_FILE_OBJECT;
	const struct flat_cluster *home = &m->cluster[object.node];
	if (object.index >= home->node[FLAT_CAPABILITY].pool[CAPABILITY_CAP].slots)
		return FLAT_FILE_OBJECT;
	const uint32_t found = sim_load_relaxed(&home->object[object.index]);
	return found >> GENERATION_SHIFT == object.gen ? (enum flat_kind)(found & 255) : FLAT_FILE_OBJECT;
}

/* The word and the kind of a capability of this cluster; of one that is gone, nothing. */
static void look_at(const struct flat_cluster *c, step_ref cap, struct flat_handle *out)
{
	const struct flat_machine *m = c->machine;
	const void *self = step_lookup(&c->node[FLAT_CAPABILITY], cap);
	const uint32_t *word = self ? field_at(self, m->cap_word) : NULL;
	const step_ref *object = self ? field_at(self, m->cap_object) : NULL;
	out->word = word ? *word : m->cap_word == UINT32_MAX ? CAPABILITY_RIGHTS : 0;
	out->kind = (uint8_t)flat_kind_of_object(m, object ? *object : cap);
	const uint32_t type = out->word >> CAPABILITY_BADGE_SHIFT;
	if (out->kind == FLAT_UNTYPED && type && type < FLAT_KINDS)
		out->kind = (uint8_t)type;
}

enum flat_kind flat_kind_of(const struct flat_cluster *c, step_ref cap)
{
	struct flat_handle handle = {0};
	look_at(c, cap, &handle);
	return (enum flat_kind)handle.kind;
}

step_ref flat_object_of(const struct flat_cluster *c, step_ref cap)
{
	const void *self = step_lookup(&c->node[FLAT_CAPABILITY], cap);
	const step_ref *object = self ? field_at(self, c->machine->cap_object) : NULL;
	return object ? *object : cap;
}

/* ---- a client's call ---- */

static bool is_memory(unsigned kind) { return kind == FLAT_FRAME || kind == FLAT_UNTYPED; }

/* Whether memory is of another kernel: then it is device memory here, of which frames can be made and nothing else. */
static bool is_remote(const struct flat_cluster *c, step_ref cap)
{
	const void *self = step_lookup(&c->node[FLAT_CAPABILITY], cap);
	const step_ref *object = self ? field_at(self, c->machine->cap_object) : NULL;
	return object && object->node != c->id;
}

static int check_retype(const struct flat_cluster *c, const struct flat_call *call)
{
	if (call->handle->kind != FLAT_UNTYPED ||
	    (call->kind != FLAT_FRAME && call->kind != FLAT_NOTIFICATION))
		return EINVAL;
	return call->kind != FLAT_FRAME && is_remote(c, call->handle->cap) ? EINVAL : 0;
}

static bool is_given(unsigned op)
{
	return op == FLAT_CAP_SEND || op == FLAT_CAP_OFFER || op == FLAT_CAP_MOVE;
}

/* Reads the call, changes nothing. Returns 0 or an errno. */
static int check_call(const struct flat_cluster *c, const struct flat_client *k)
{
	const struct flat_call *call = &k->call;
	if (!flat_serves(c->machine, call->op))
		return ENOSYS;
	if (call->op == FLAT_CAP_CREATE)
		return call->kind == FLAT_FILE_OBJECT || call->kind >= FLAT_KINDS ? EINVAL : 0;
	if (!call->handle->cap.machine)
		return EBADF;
	if (call->handle->offered != (call->op == FLAT_CAP_OBTAIN))
		return EINVAL;
	if (is_given(call->op) && (call->cluster >= c->machine->clusters ||
				   call->client >= c->machine->cluster[call->cluster].clients))
		return EINVAL;
	if (call->op == FLAT_CAP_MINT && is_memory(call->handle->kind) &&
	    call->word >> CAPABILITY_BADGE_SHIFT)
		return EINVAL; /* memory has no badge */
	return call->op == FLAT_CAP_RETYPE ? check_retype(c, call) : 0;
}

static uint32_t word_of(const struct flat_call *call)
{
	return call->op == FLAT_CAP_RETYPE
		       ? (call->word & CAPABILITY_RIGHTS) | (uint32_t)call->kind << CAPABILITY_BADGE_SHIFT
		       : call->word;
}

static void call_protocol(struct flat_cluster *c, struct flat_client *k, step_ref waiter,
			  enum flat_doing doing, unsigned event, enum flat_op op, uint32_t word)
{
	struct step_node *n = &c->node[waiter.machine ? FLAT_FILE : FLAT_CAPABILITY];
	const step_ref arg = k->call.op == FLAT_CAP_CREATE ? STEP_NOBODY : k->call.handle->cap;
	flat_begin(n, &k->task, waiter, doing, op);
	flat_call_alone(c, event, arg, word, (uint32_t)(k - c->client),
			flat_host_half((enum flat_op)k->call.op, (int)op), flat_chain_of(n));
}

/* The object goes when nobody has a capability of it any more: nobody waits for that. */
static void retire(struct flat_cluster *c, struct flat_handle *handle)
{
	flat_call_alone(c, flat_retires(c->machine) ? CAPABILITY_RETIRE : CAPABILITY_DELETE, handle->cap, 0,
			FLAT_BACKGROUND, 0, (struct flat_chain){0});
}

static void gone(struct flat_cluster *c, struct flat_handle *handle)
{
	handle->cap = STEP_NOBODY;
	if (c->full)
		full_take_back(c, handle);
}

void flat_caps_start(struct flat_cluster *c, uint32_t client)
{
	struct flat_machine *m = c->machine;
	struct flat_client *k = &c->client[client];
	struct step_node *n = &c->node[FLAT_CAPABILITY];
	k->result = (struct flat_result){0};
	k->made = STEP_NOBODY;
	flat_charged(c->profile, SIM_COST_CALL, 1);
	flat_set_chain(n, (struct flat_chain){.kernel = m->cost.cycles[SIM_COST_CALL]});
	const int error = check_call(c, k);
	if (!error && (k->call.op != FLAT_CAP_DELETE || !k->call.handle->first)) {
		call_protocol(c, k, STEP_NOBODY, DOING_CAPABILITY, event_of(k->call.op), count_of(k->call.op),
			      word_of(&k->call));
		return;
	}
	if (!error) {
		retire(c, k->call.handle);
		gone(c, k->call.handle);
	}
	k->result.error = error;
	flat_caps_end(c, client, flat_chain_of(n));
}

/* The call is over; its client learns it when the step is. */
void flat_caps_end(struct flat_cluster *c, uint32_t client, struct flat_chain chain)
{
	struct flat_shard *s = c->shard;
	flat_grow((void **)&s->ended, s->ended_count, &s->ended_room, sizeof *s->ended);
	s->ended[s->ended_count++] = client;
	c->client[client].chain = chain;
}

/* What a call has made is the client's, once the step that made it is over. */
static void got(struct flat_cluster *c, uint32_t client, step_ref cap)
{
	const struct flat_call *call = &c->client[client].call;
	const struct flat_handle *from =
		call->op == FLAT_CAP_CREATE ? &(struct flat_handle){0} : call->handle;
	struct flat_handle *fresh = call->fresh;
	if (call->op == FLAT_CAP_CREATE)
		object_made(c, cap, (enum flat_kind)call->kind);
	*fresh = (struct flat_handle){.cap = cap,
				      .file = from->file,
				      .of_file = from->of_file,
				      .grant = from->grant,
				      .first = call->op == FLAT_CAP_CREATE,
				      .label = from->label};
	look_at(c, cap, fresh);
	if (fresh->of_file)
		flat_guard_learn_file(c->machine, fresh->file, c->id);
	if (!c->full)
		return;
	const bool here = call->op == FLAT_CAP_COPY || call->op == FLAT_CAP_MINT;
	const bool room = full_hand_over(c, client, fresh, here ? from->cap : STEP_NOBODY);
	if (fresh->cptr)
		return;
	c->client[client].result.error = room ? ESTALE : ENOMEM; /* revoked meanwhile; or it goes again */
	if (!room)
		flat_delete(c->machine, c->id, fresh);
}

void flat_caps_reply(struct flat_cluster *c, uint32_t client)
{
	struct step_node *n = &c->node[FLAT_CAPABILITY];
	struct flat_client *k = &c->client[client];
	flat_set_chain(n, k->chain);
	if (k->made.machine)
		got(c, client, k->made);
	if (k->call.op == FLAT_CAP_QUERY && !k->result.error)
		k->result.kind = (uint8_t)flat_kind_of(c, k->call.handle->cap);
	flat_files_done(c, n, client, 0);
}

static bool makes_one(unsigned op)
{
	return op == FLAT_CAP_CREATE || op == FLAT_CAP_OBTAIN || op == FLAT_CAP_COPY || op == FLAT_CAP_MINT ||
	       op == FLAT_CAP_RETYPE;
}

void flat_caps_done(struct flat_cluster *c, struct step_node *n, uint32_t client, uint32_t result,
		    step_ref arg)
{
	struct flat_client *k = &c->client[client];
	const unsigned op = k->call.op;
	const bool done = result == CAPABILITY_OK;
	flat_end(n, &k->task, !done);
	if (!done)
		k->result.error = ESTALE;
	else if (op == FLAT_CAP_QUERY)
		k->result.value = step_ref_word(arg);
	k->made = done && makes_one(op) ? arg : STEP_NOBODY;
	if (op == FLAT_CAP_DELETE) /* it may have been revoked before: then it is gone as well */
		gone(c, k->call.handle);
	flat_caps_end(c, client, flat_chain_of(n));
}

/* ---- another client gets it ---- */

void flat_caps_lend(struct flat_cluster *c, uint32_t client, step_ref waiter)
{
	struct flat_client *k = &c->client[client];
	struct step_node *n = &c->node[FLAT_FILE];
	const bool near = k->call.cluster == c->id, moves = k->call.op == FLAT_CAP_MOVE;
	const unsigned op = near && !moves ? FLAT_CAP_COPY : k->call.op;
	int error = flat_serves(c->machine, (enum flat_op)op) ? check_call(c, k) : ENOSYS;
	if (!error && near && moves && !step_lookup(&c->node[FLAT_CAPABILITY], k->call.handle->cap))
		error = ESTALE; /* as the protocol would answer */
	k->reply = (struct flat_reply){
		.file = k->call.handle->file, .of_file = k->call.handle->of_file, .label = k->call.label};
	if (error) {
		flat_answer(c, n, waiter, error, 0);
	} else if (k->call.op == FLAT_CAP_OFFER || (near && moves)) {
		k->reply.root = k->call.handle->cap;
		k->reply.first = moves && k->call.handle->first;
		if (moves) /* the kernel passes it on when its receiver takes it */
			k->call.handle->cap = STEP_NOBODY, k->call.handle->cptr = 0;
		flat_answer(c, n, waiter, 0, 0);
	} else {
		call_protocol(c, k, waiter, DOING_DELEGATE, event_of(op), count_of(op), k->call.cluster);
	}
}

/* The protocol has delegated or moved it. */
void flat_caps_lent(struct flat_cluster *c, uint32_t client)
{
	struct flat_client *k = &c->client[client];
	if (k->call.op != FLAT_CAP_MOVE)
		return;
	gone(c, k->call.handle);
}

struct flat_handle flat_caps_received(struct flat_cluster *c, const struct flat_client *sender)
{
	struct flat_handle handle = {.cap = sender->reply.root,
				     .file = sender->reply.file,
				     .of_file = sender->reply.of_file,
				     .first = sender->reply.first,
				     .label = sender->reply.label,
				     .moved = sender->call.op == FLAT_CAP_MOVE,
				     .offered = sender->call.op == FLAT_CAP_OFFER};
	if (!handle.offered)
		look_at(c, handle.cap, &handle);
	return handle;
}

/* ---- what a capability costs that goes ---- */

/* Sees each cell of the capability protocol: whatever takes a capability away, its kernel deletes it. */
void flat_caps_cell(struct step_node *n, step_ref at, unsigned state, unsigned next)
{
	const uint32_t usable = n->protocol->machine[CAPABILITY_CAP].usable;
	if (at.machine != CAPABILITY_CAP || !(usable >> state & 1) || usable >> next & 1)
		return;
	flat_sync(n);
	flat_charge_kernel(n, SIM_COST_CAP_DELETE);
}

/* ---- capability/crypto ---- */

#define MAC_PS 31000 /* of SipHash-2-4 over 16 bytes: row crypto/siphash of the bench */

/* What is shown is looked at, and what is made is sealed: so many tags; natively they take what they take. */
bool flat_caps_own(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	const struct flat_machine *m = flat_machine_of(n);
	const uint32_t tags = call == CRYPTO_CHECK ? 1 : call == CRYPTO_SEAL ? 2 : 3;
	if (!flat_has_bits(m))
		return true;
	flat_sync(n);
	for (uint32_t i = 0; !flat_cluster_of(n)->origin && i < tags; i++)
		flat_charge_monitor(n, sim_cycles_of_ps(&m->topology.clock, MAC_PS));
	return flat_bits_hold(n, self, call, arg);
}

/* ---- what is in use ---- */

void flat_live(const struct flat_machine *m, struct flat_live *out)
{
	*out = (struct flat_live){0};
	for (uint32_t i = 0; i < m->clusters; i++) {
		const struct step_node *n = &m->cluster[i].node[FLAT_CAPABILITY];
		for (unsigned k = 1; k < n->protocol->machines; k++)
			for (uint32_t s = 0; s < n->pool[k].used; s++)
				out->slots[k] += ((const struct step_head *)step_at(n, k, s))->state != 0;
	}
	if (m->config.full)
		out->kernel = full_live(m);
}
