/* ssi/monitor_caps.c - what a monitor's kernel holds for capabilities: representatives, the objects that they stand for, and
 * what its clients have of them in their own CSpaces.
 *
 * A representative is a slot of machine 1 of the capability protocol. Its *original* lies in the slot of the same number of
 * the monitor's CNodes (chunks); its holder has a copy of that, made when it came. Whoever loses the representative loses
 * both before the step's messages leave: full_cell() sees each change of state before its action runs.
 *
 * Endpoints and files are badged endpoints of the monitor's. A notification, a frame and untyped memory are kernel objects
 * of this cluster, made from a block of the monitor's memory, of device memory if the object's home is elsewhere. Copies
 * in this cluster share the object; what comes from another is one of its own. An object goes with its last
 * representative, and its block is used again.
 *
 * Untyped memory is different: seL4 lets nobody copy it once something was made from it. So each representative has a block
 * of its own, and its holder has the only copy. To make an object from it the monitor takes that copy for a moment, so
 * the kernel books the memory where it belongs: what was made goes when its memory is revoked. */
#include <sel4/sel4.h>
#include <skerry/ssi.h>
#include "ssi/full_internal.h"

static void must(seL4_Error error) { SIM_CHECK(error == seL4_NoError); }

/* ---- originals ---- */

static uint64_t chunk_of(struct full_cluster *m, uint32_t index)
{
	uint64_t *chunk = &m->chunk[index >> FULL_CHUNK_BITS];
	if (!*chunk) {
		const uint64_t slot = monitor_slot_new(m);
		if (!monitor_object_at(m, seL4_CapTableObject, FULL_CHUNK_BITS, slot))
			return 0;
		*chunk = slot;
	}
	return *chunk;
}
static seL4_Word in_chunk(uint32_t index) { return index & ((1u << FULL_CHUNK_BITS) - 1); }

/* Newly badged, so that what clients get are its children; with all rights, which cancelling takes. */
static bool install(struct full_cluster *m, uint32_t index)
{
	const uint64_t chunk = chunk_of(m, index);
	if (!chunk)
		return false;
	must(seL4_CNode_Mint(chunk, in_chunk(index), FULL_CHUNK_BITS, seL4_CapInitThreadCNode, m->endpoint,
			     seL4_WordBits, seL4_AllRights, index + 1));
	m->installed[index] = 1;
	return true;
}

/* ---- objects ---- */

/* An entry of the table, with a block of memory if `list` is one of those that have. 0: there is no room. */
static uint32_t object_take(struct full_cluster *m, enum full_memory list)
{
	uint32_t id = m->object_free[list];
	if (id) {
		m->object_free[list] = m->object[id - 1].next;
		return id;
	}
	if (m->objects_used == m->objects)
		return 0;
	struct full_object *o = &m->object[m->objects_used];
	*o = (struct full_object){.list = list};
	if (list != FULL_BORROWED) {
		o->untyped = monitor_slot_new(m);
		const bool made =
			list == FULL_OWN
				? monitor_object_at(m, seL4_UntypedObject, SSI_UNTYPED_BITS, o->untyped)
				: m->device && seL4_Untyped_Retype(m->device, seL4_UntypedObject,
								   SSI_UNTYPED_BITS, seL4_CapInitThreadCNode,
								   0, 0, o->untyped, 1) == seL4_NoError;
		if (!made)
			return 0;
	}
	o->slot = monitor_slot_new(m);
	return ++m->objects_used;
}

static seL4_Error retype(uint64_t untyped, enum flat_kind kind, uint64_t slot)
{
	return seL4_Untyped_Retype(untyped, kind == FLAT_FRAME ? seL4_X86_4K : seL4_NotificationObject,
				   kind == FLAT_FRAME ? seL4_PageBits : 0, seL4_CapInitThreadCNode, 0, 0,
				   slot, 1);
}

/* What representatives of it are copies of. */
static uint64_t capability_of(const struct full_object *o)
{
	return o->kind == FLAT_UNTYPED ? o->untyped : o->slot;
}

static void object_drop(struct full_cluster *m, uint32_t id)
{
	struct full_object *o = &m->object[id - 1];
	if (--o->uses)
		return;
	if (o->untyped) {
		must(seL4_CNode_Revoke(seL4_CapInitThreadCNode, o->untyped, seL4_WordBits));
	} else {
		must(seL4_CNode_Revoke(seL4_CapInitThreadCNode, o->slot, seL4_WordBits));
		must(seL4_CNode_Delete(seL4_CapInitThreadCNode, o->slot, seL4_WordBits));
	}
	const uint32_t from = o->from;
	o->from = 0;
	o->next = m->object_free[o->list];
	m->object_free[o->list] = id;
	if (from)
		object_drop(m, from);
}

static uint32_t object_new(struct full_cluster *m, enum flat_kind kind, enum full_memory list)
{
	const uint32_t id = object_take(m, list);
	if (!id)
		return 0;
	struct full_object *o = &m->object[id - 1];
	o->kind = (uint8_t)kind;
	o->uses = 1;
	if (kind == FLAT_UNTYPED || retype(o->untyped, kind, o->slot) == seL4_NoError)
		return id;
	object_drop(m, id); /* a notification is no device's */
	return 0;
}

/* ---- a representative comes ---- */

/* The copy of the memory that a client has is the monitor's for a moment. */
static uint32_t take_memory(struct full_cluster *m, uint32_t source, enum flat_kind kind)
{
	const uint32_t from = m->object_of[source], owner = m->owner[source],
		       id = object_take(m, FULL_BORROWED);
	if (!id)
		return 0;
	struct full_object *o = &m->object[id - 1];
	const uint64_t cnode = m->client[owner - 1].cnode, slot = m->slot_of[source];
	/* Its holder may have none: whoever is not usable has no copy. */
	seL4_Error error = seL4_CNode_Move(seL4_CapInitThreadCNode, m->scratch, seL4_WordBits, cnode, slot,
					   FULL_CLIENT_BITS);
	if (error == seL4_NoError) {
		error = retype(m->scratch, kind, o->slot);
		must(seL4_CNode_Move(cnode, slot, FULL_CLIENT_BITS, seL4_CapInitThreadCNode, m->scratch,
				     seL4_WordBits));
	}
	o->kind = (uint8_t)kind;
	if (error == seL4_NoError) {
		o->uses = 1;
		o->from = from;
		m->object[from - 1].uses++;
		return id;
	}
	o->next = m->object_free[FULL_BORROWED];
	m->object_free[FULL_BORROWED] = id;
	return 0;
}

static bool is_held_memory(const struct full_cluster *m, const struct step_node *n, step_ref source)
{
	const uint32_t index = (uint32_t)source.index;
	return step_lookup(n, source) && m->object_of[index] &&
	       m->object[m->object_of[index] - 1].kind == FLAT_UNTYPED && m->owner[index] &&
	       m->slot_of[index];
}

static bool install_from_memory(struct step_node *n, uint32_t index, step_ref source)
{
	struct full_cluster *m = flat_cluster_of(n)->full;
	if (!is_held_memory(m, n, source) || !chunk_of(m, index))
		return false;
	const uint32_t owner = m->owner[source.index] - 1;
	const uint32_t id =
		take_memory(m, (uint32_t)source.index, (enum flat_kind)m->flat->client[owner].call.kind);
	m->object_of[index] = id;
	return id && install(m, index);
}

bool full_install(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	struct full_cluster *m = flat_cluster_of(n)->full;
	const uint32_t index = (uint32_t)self.index;
	const sim_cycles begun = monitor_kernel_begin(n);
	const bool done =
		m->installed[index] ||
		(call == CAPABILITY_TAKE_MEMORY ? install_from_memory(n, index, arg) : install(m, index));
	monitor_kernel_end(n, begun);
	return done;
}

static bool is_object(unsigned kind) { return kind >= FLAT_NOTIFICATION && kind <= FLAT_UNTYPED; }

/* The object that a representative stands for; of one that was copied here, that of its source. False: no memory. */
static bool object_find(struct full_cluster *m, uint32_t index, const struct flat_handle *handle,
			step_ref source)
{
	const bool shares = source.machine && handle->kind != FLAT_UNTYPED && m->object_of[source.index];
	if (m->object_of[index])
		return true;
	if (shares) {
		m->object_of[index] = m->object_of[source.index];
		m->object[m->object_of[index] - 1].uses++;
		return true;
	}
	const bool own = handle->first || handle->kind == FLAT_NOTIFICATION;
	m->object_of[index] = object_new(m, (enum flat_kind)handle->kind, own ? FULL_OWN : FULL_DEVICE);
	return m->object_of[index] != 0;
}

/* The original becomes one of the object's kind. */
static void become(struct full_cluster *m, uint32_t index, const struct flat_handle *handle)
{
	const uint64_t chunk = chunk_of(m, index);
	const struct full_object *o = &m->object[m->object_of[index] - 1];
	const seL4_Word badge =
		handle->kind == FLAT_NOTIFICATION ? handle->word >> CAPABILITY_BADGE_SHIFT : 0;
	must(seL4_CNode_Delete(chunk, in_chunk(index), FULL_CHUNK_BITS));
	if (handle->kind != FLAT_UNTYPED)
		must(seL4_CNode_Mint(chunk, in_chunk(index), FULL_CHUNK_BITS, seL4_CapInitThreadCNode,
				     o->slot, seL4_WordBits,
				     seL4_CapRights_new(0, 0, handle->word >> 1 & 1, handle->word & 1),
				     badge));
}

/* ---- a client's own ---- */

static uint32_t client_slot(struct full_client *k)
{
	for (uint32_t i = 0; i < (1u << FULL_CLIENT_BITS) / 64; i++)
		if (~k->used[i]) {
			const unsigned bit = (unsigned)__builtin_ctzll(~k->used[i]);
			k->used[i] |= UINT64_C(1) << bit;
			return i * 64 + bit;
		}
	return 0; /* its CSpace is full */
}

/* This one, or 0: it is taken. */
static uint32_t client_slot_at(struct full_client *k, uint32_t slot)
{
	if (k->used[slot / 64] >> slot % 64 & 1)
		return 0;
	k->used[slot / 64] |= UINT64_C(1) << slot % 64;
	return slot;
}

static void slot_give(struct full_client *k, uint32_t slot)
{
	k->used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
	k->held[slot] = (struct flat_handle){0};
}

/* The holder's copy. It may not be there: of memory, whatever was made from it keeps it from being copied. */
static void copy_to_holder(struct full_cluster *m, uint32_t index)
{
	const struct full_client *k = &m->client[m->owner[index] - 1];
	const uint32_t id = m->object_of[index];
	if (id && m->object[id - 1].kind == FLAT_UNTYPED)
		(void)seL4_CNode_Copy(k->cnode, m->slot_of[index], FULL_CLIENT_BITS, seL4_CapInitThreadCNode,
				      capability_of(&m->object[id - 1]), seL4_WordBits, seL4_AllRights);
	else
		must(seL4_CNode_Copy(k->cnode, m->slot_of[index], FULL_CLIENT_BITS, chunk_of(m, index),
				     in_chunk(index), FULL_CHUNK_BITS,
				     id ? seL4_AllRights : seL4_CapRights_new(1, 0, 0, 1)));
}

static bool is_usable(const struct step_node *n, unsigned state)
{
	return n->protocol->machine[CAPABILITY_CAP].usable >> state & 1;
}

static bool is_usable_now(const struct full_cluster *m, uint32_t index)
{
	const struct step_node *n = &m->flat->node[FLAT_CAPABILITY];
	return is_usable(n, ((const struct step_head *)step_at(n, CAPABILITY_CAP, index))->state);
}

/* It changes hands in this kernel. */
static void pass_on(struct full_cluster *m, uint32_t index, struct full_client *to, uint32_t slot)
{
	struct full_client *from = &m->client[m->owner[index] - 1];
	/* Nothing is there if a revoke is under way. */
	(void)seL4_CNode_Move(to->cnode, slot, FULL_CLIENT_BITS, from->cnode, m->slot_of[index],
			      FULL_CLIENT_BITS);
	slot_give(from, m->slot_of[index]);
}

/* `slot`: where, or 0: wherever there is room. */
static bool give(struct full_cluster *m, uint32_t client, struct flat_handle *handle, step_ref source,
		 uint32_t slot)
{
	struct full_client *k = &m->client[client];
	const uint32_t index = (uint32_t)handle->cap.index;
	const bool moves = m->owner[index] && m->slot_of[index];
	slot = slot ? client_slot_at(k, slot) : client_slot(k);
	if (!slot)
		return false;
	if (m->object_of[index])
		handle->kind = m->object[m->object_of[index] - 1].kind;
	if (is_object(handle->kind) && !moves) {
		if (!object_find(m, index, handle, source)) {
			slot_give(k, slot);
			return false;
		}
		become(m, index, handle);
	}
	if (moves)
		pass_on(m, index, k, slot);
	m->owner[index] = client + 1;
	m->slot_of[index] = slot;
	if (!moves && is_usable_now(m, index)) /* else when it is again: full_cell() */
		copy_to_holder(m, index);
	handle->cptr = slot;
	handle->holder = client;
	k->held[slot] = *handle;
	return true;
}

static bool hand_over(struct flat_cluster *c, uint32_t client, struct flat_handle *handle, step_ref source,
		      uint32_t slot)
{
	struct full_cluster *m = c->full;
	struct step_node *n = &c->node[FLAT_CAPABILITY];
	handle->cptr = 0;
	if (!step_lookup(n, handle->cap) || !m->installed[handle->cap.index])
		return true; /* it was revoked on its way */
	const sim_cycles begun = monitor_kernel_begin(n);
	const bool done = give(m, client, handle, source, slot);
	monitor_kernel_end(n, begun);
	return done;
}

bool full_hand_over(struct flat_cluster *c, uint32_t client, struct flat_handle *handle, step_ref source)
{
	return hand_over(c, client, handle, source, 0);
}
bool full_hand_over_at(struct flat_cluster *c, uint32_t client, struct flat_handle *handle, uint32_t slot)
{
	return hand_over(c, client, handle, STEP_NOBODY, slot);
}
bool full_is_held(const struct flat_cluster *c, const struct flat_handle *handle)
{
	return step_same(c->full->client[handle->holder].held[handle->cptr].cap, handle->cap);
}

/* The capability itself went with its representative. */
void full_take_back(struct flat_cluster *c, struct flat_handle *handle)
{
	if (handle->cptr)
		slot_give(&c->full->client[handle->holder], handle->cptr);
	handle->cptr = 0;
}

/* ---- what a step does to a representative ---- */

/* Nobody can use it. */
static void cease(struct full_cluster *m, uint32_t index)
{
	const uint64_t chunk = chunk_of(m, index);
	monitor_letter_ceases(m, index);
	if (m->object_of
		    [index]) { /* copies of it are not its children, and what was made from memory stays, for now */
		if (m->owner[index])
			must(seL4_CNode_Delete(m->client[m->owner[index] - 1].cnode, m->slot_of[index],
					       FULL_CLIENT_BITS));
		return;
	}
	must(seL4_CNode_Revoke(chunk, in_chunk(index), FULL_CHUNK_BITS));
	/* Who still queues at the endpoint with its badge calls again, and is refused: else the badge would one day be taken
	 * for that of the next representative in this slot. */
	must(seL4_CNode_CancelBadgedSends(chunk, in_chunk(index), FULL_CHUNK_BITS));
}

static void go(struct full_cluster *m, uint32_t index)
{
	const uint32_t id = m->object_of[index];
	must(seL4_CNode_Delete(chunk_of(m, index), in_chunk(index), FULL_CHUNK_BITS));
	m->installed[index] = 0;
	m->owner[index] = m->slot_of[index] = m->object_of[index] = 0;
	if (id)
		object_drop(m, id);
}

void full_cell(struct step_node *n, step_ref at, unsigned state, unsigned next)
{
	if (n->number != FLAT_CAPABILITY || at.machine != CAPABILITY_CAP || state == next)
		return;
	struct full_cluster *m = flat_cluster_of(n)->full;
	const uint32_t index = (uint32_t)at.index;
	const bool comes = is_usable(n, next) && !m->installed[index];
	const bool returns = is_usable(n, next) && !is_usable(n, state) && m->owner[index];
	const bool ceases = is_usable(n, state) && !is_usable(n, next) && m->installed[index];
	const bool goes = !next && m->installed[index];
	if (!comes && !returns && !ceases && !goes)
		return;
	const sim_cycles begun = monitor_kernel_begin(n);
	if (comes)
		SIM_CHECK(install(m, index));
	if (returns) /* its own revoke took its holder's copy as well */
		copy_to_holder(m, index);
	if (ceases)
		cease(m, index);
	if (goes)
		go(m, index);
	monitor_kernel_end(n, begun);
}

uint64_t full_live(const struct flat_machine *machine)
{
	uint64_t live = 0;
	for (uint32_t i = 0; i < machine->clusters; i++) {
		const struct full_cluster *m = machine->cluster[i].full;
		const uint32_t used = m->flat->node[FLAT_CAPABILITY].pool[CAPABILITY_CAP].used;
		for (uint32_t k = 0; k < used; k++)
			live += m->installed[k] != 0;
		for (uint32_t k = 0; k < m->objects_used; k++)
			live += m->object[k].uses != 0;
	}
	return live;
}
