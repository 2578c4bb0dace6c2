/* tests/model/model_space.c - address spaces: which table or frame stands where in which, and their ids. See model.h.
 *
 * A space is a tree of tables of 512 places; level 0 is the PML4, 3 a page table, and a place of level L covers
 * 2^(39 - 9 L) bytes. Capabilities say where what they name was mapped; it may not be there any more. */
#include "tests/model/model.h"
#include <string.h>

enum {
	PDPT_MAP = 39,
	PDPT_UNMAP,
	DIRECTORY_MAP,
	DIRECTORY_UNMAP,
	TABLE_MAP,
	TABLE_UNMAP,
	PAGE_MAP,
	PAGE_UNMAP,
	GET_ADDRESS,
	MAKE_POOL,
	ASSIGN
};
enum {
	ERR_ILLEGAL = 3,
	ERR_ALIGNMENT = 5,
	ERR_FAILED_LOOKUP = 6,
	ERR_TRUNCATED = 7,
	ERR_DELETE_FIRST = 8,
	ERR_REVOKE_FIRST = 9
};
static const m_word user_top = 0x7ffffffff000;

static unsigned shift_of(unsigned level) { return 39 - 9 * level; }

/* Of the object that stands in a place of this level's table. */
static unsigned level_of(struct m_cap cap)
{
	switch (cap.kind) {
	case M_PDPT:
		return 0;
	case M_PAGE_DIRECTORY:
		return 1;
	case M_PAGE_TABLE:
		return 2;
	default:
		return (39 - cap.bits) / 9;
	}
}

static struct m_place *places_of(struct m_model *m, struct m_object *table)
{
	if (!table->place)
		table->place = m_take(m, M_PLACES * sizeof(*table->place));
	return table->place;
}

struct m_object *m_space_of(const struct m_model *m, unsigned asid)
{
	return asid && m->pool_object[asid / 512 % M_POOLS] ? m->space[asid % (M_POOLS * 512)] : NULL;
}

static enum m_result lookup_fails(struct m_model *m, unsigned type, unsigned bits_left)
{
	m->error.source = false;
	m->lookup = (struct m_failure){.type = type, .bits_left = bits_left};
	return m_fail(m, ERR_FAILED_LOOKUP);
}

static enum m_result find(struct m_model *m, struct m_object *space, m_word vaddr, unsigned level,
			  struct m_object **table, struct m_place **place)
{
	*table = space;
	for (unsigned l = 0;; l++) {
		*place = &places_of(m, *table)[vaddr >> shift_of(l) & 511];
		if (l == level)
			return M_OK;
		if (!(*place)->object || (*place)->object->kind == M_FRAME)
			return lookup_fails(m, 2, shift_of(l));
		*table = (*place)->object;
	}
}

/* ---- going ---- */

/* It leaves its place, if it is there still. */
static void leave(struct m_model *m, struct m_cap cap)
{
	struct m_object *space = m_space_of(m, cap.asid), *table;
	struct m_place *place;

	if (!space || find(m, space, cap.vaddr, level_of(cap), &table, &place) != M_OK ||
	    place->object != cap.object)
		return;
	m_change(m, table);
	*place = (struct m_place){0};
}

void m_space_deleted(struct m_model *m, struct m_cap cap, bool last)
{
	switch (cap.kind) {
	case M_FRAME:
		if (cap.asid)
			leave(m, cap);
		break;
	case M_PDPT:
	case M_PAGE_DIRECTORY:
	case M_PAGE_TABLE:
		if (last && cap.asid)
			leave(m, cap);
		break;
	case M_PML4:
		if (last && cap.asid && m_space_of(m, cap.asid) == cap.object)
			m->space[cap.asid] = NULL;
		break;
	case M_ASID_POOL:
		if (last && m->pool_object[cap.base / 512] == cap.object) {
			m->pool_object[cap.base / 512] = NULL;
			memset(&m->space[cap.base], 0, 512 * sizeof(m->space[0]));
		}
		break;
	default:
		break;
	}
}

/* ---- mapping ---- */

/* The space that a capability names must still have its id. */
static enum m_result check_space(struct m_model *m, struct m_cap space)
{
	struct m_object *now = m_space_of(m, space.asid);

	if (!now)
		return lookup_fails(m, 1, 0);
	return now == space.object ? M_OK : m_fail_cap(m, 1);
}

static void put(struct m_model *m, struct m_slot *slot, struct m_place place, struct m_cap space,
		m_word vaddr)
{
	struct m_cap cap = m_slot_cap(slot);
	struct m_object *table;
	struct m_place *into;

	if (find(m, space.object, vaddr, level_of(cap), &table, &into) != M_OK)
		return;
	*into = place;
	m_change(m, table);
	cap.asid = space.asid;
	cap.vaddr = vaddr;
	m_node_become(m, slot, cap);
}

static enum m_result map_page(struct m_model *m, struct m_request *r)
{
	struct m_cap space, frame = r->cap;
	struct m_object *table;
	struct m_place *place, new = {.object = frame.object};
	m_word vaddr, rights;

	if (r->length < 3 || !m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	vaddr = m_argument(m, r, 0);
	space = m_slot_cap(m->extra[0]);
	if (space.kind != M_PML4 || !space.asid)
		return m_fail_cap(m, 1);
	if (frame.asid && frame.asid != space.asid)
		return m_fail_cap(m, 1);
	if (frame.asid ? frame.vaddr != vaddr
		       : vaddr > user_top || vaddr + ((m_word)1 << frame.bits) > user_top)
		return m_fail_argument(m, 0);
	if (check_space(m, space) != M_OK)
		return M_ERROR;
	if (vaddr & (((m_word)1 << frame.bits) - 1))
		return m_fail(m, ERR_ALIGNMENT);
	if (find(m, space.object, vaddr, level_of(frame), &table, &place) != M_OK)
		return M_ERROR;
	if (place->object && place->object->kind != M_FRAME)
		return m_fail(m, ERR_DELETE_FIRST);
	rights = m_argument(m, r, 1) & frame.rights;
	new.rights = rights &M_READ ? (unsigned)rights &(M_READ | M_WRITE) : 0;
	new.attributes = (unsigned)m_argument(m, r, 2) & 7;
	put(m, r->slot, new, space, vaddr);
	return M_OK;
}

static enum m_result map_table(struct m_model *m, struct m_request *r)
{
	struct m_cap space;
	struct m_object *table;
	struct m_place *place, new = {.object = r->cap.object};
	unsigned level = level_of(r->cap);
	m_word vaddr;

	if (r->length < 2 || !m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	if (r->cap.asid)
		return m_fail_cap(m, 0);
	vaddr = m_argument(m, r, 0) >> shift_of(level) << shift_of(level);
	space = m_slot_cap(m->extra[0]);
	if (space.kind != M_PML4 || !space.asid)
		return m_fail_cap(m, 1);
	if (vaddr > user_top)
		return m_fail_argument(m, 0);
	if (check_space(m, space) != M_OK || find(m, space.object, vaddr, level, &table, &place) != M_OK)
		return M_ERROR;
	if (place->object)
		return m_fail(m, ERR_DELETE_FIRST);
	new.attributes = (unsigned)m_argument(m, r, 1) & 3;
	put(m, r->slot, new, space, vaddr);
	return M_OK;
}

static enum m_result unmap(struct m_model *m, struct m_request *r)
{
	struct m_cap cap = r->cap;

	if (cap.kind != M_FRAME && cap.object->holders > 1)
		return m_fail(m, ERR_REVOKE_FIRST);
	if (cap.asid) {
		leave(m, cap);
		if (cap.kind != M_FRAME) {
			cap.object->place = NULL;
			m_change(m, cap.object);
		}
	}
	cap.asid = 0;
	cap.vaddr = 0;
	m_node_become(m, r->slot, cap);
	return M_OK;
}

enum m_result m_space_invoke(struct m_model *m, struct m_request *r)
{
	static const unsigned char first[M_KINDS] = {[M_PDPT] = PDPT_MAP,
						     [M_PAGE_DIRECTORY] = DIRECTORY_MAP,
						     [M_PAGE_TABLE] = TABLE_MAP,
						     [M_FRAME] = PAGE_MAP};
	unsigned map = first[r->cap.kind];

	if (map && r->label == map)
		return r->cap.kind == M_FRAME ? map_page(m, r) : map_table(m, r);
	if (map && r->label == map + 1)
		return unmap(m, r);
	if (r->cap.kind == M_FRAME && r->label == GET_ADDRESS) {
		m_answer(m, r, 1, &r->cap.object->at);
		return M_OK;
	}
	return m_fail(m, ERR_ILLEGAL);
}

/* ---- ids ---- */

enum m_result m_asid_control_invoke(struct m_model *m, struct m_request *r)
{
	struct m_slot *slot, *memory = m->extra[0];
	struct m_cap untyped, pool = {.kind = M_ASID_POOL, .bits = 12};
	unsigned index = 0;
	enum m_result result;

	if (r->label != MAKE_POOL)
		return m_fail(m, ERR_ILLEGAL);
	if (r->length < 2 || !m->extra[0] || !m->extra[1])
		return m_fail(m, ERR_TRUNCATED);
	while (index < M_POOLS && m->pool_object[index])
		index++;
	if (index == M_POOLS)
		return m_fail(m, ERR_DELETE_FIRST);
	untyped = m_slot_cap(memory);
	if (untyped.kind != M_UNTYPED || untyped.bits != 12 || untyped.device)
		return m_fail_cap(m, 1);
	if (memory->node->first)
		return m_fail(m, ERR_REVOKE_FIRST);
	result = m_lookup_target(m, false, m_slot_cap(m->extra[1]), m_argument(m, r, 0), m_argument(m, r, 1),
				 &slot);
	if (result != M_OK)
		return result;
	if (slot->node)
		return m_fail(m, ERR_DELETE_FIRST);
	untyped.used = (m_word)1 << untyped.bits;
	m_node_become(m, memory, untyped);
	pool.object = m_object_new(m, M_ASID_POOL, untyped.base, 12);
	pool.base = index * 512;
	m_node_derived(m, memory, slot, pool);
	m->pool_object[index] = pool.object;
	return M_OK;
}

enum m_result m_asid_pool_invoke(struct m_model *m, struct m_request *r)
{
	struct m_cap root;
	unsigned asid = (unsigned)r->cap.base;

	if (r->label != ASSIGN)
		return m_fail(m, ERR_ILLEGAL);
	if (!m->extra[0])
		return m_fail(m, ERR_TRUNCATED);
	root = m_slot_cap(m->extra[0]);
	if (root.kind != M_PML4 || root.asid)
		return m_fail_cap(m, 1);
	if (!m->pool_object[asid / 512])
		return lookup_fails(m, 1, 0);
	if (m->pool_object[asid / 512] != r->cap.object)
		return m_fail_cap(m, 0);
	while (asid < r->cap.base + 512 && (asid == 0 || m->space[asid]))
		asid++;
	if (asid == r->cap.base + 512)
		return m_fail(m, ERR_DELETE_FIRST);
	m->space[asid] = root.object;
	root.asid = asid;
	root.vaddr = 0;
	m_node_become(m, m->extra[0], root);
	return M_OK;
}
