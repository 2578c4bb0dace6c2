/* kernelmodel/asid.c - address-space ids: pools, their assignment, and the space that a core has loaded.
 *
 * Source: seL4 16.0 manual, section 7.1.3. 8 pools of 512 ids, as upstream's processor-context ids of 12 bits. */
#include "kernelmodel/vspace.h"
#include "kernelmodel/tlb.h"

static uint64_t *pool_of(const struct km_kernel *k, unsigned asid)
{
	unsigned index = asid >> seL4_ASIDPoolIndexBits;
	return index < KM_ASID_POOLS && k->asid_pool[index] != 0 ? km_at(k, k->asid_pool[index]) : NULL;
}

km_paddr km_asid_find(const struct km_kernel *k, unsigned asid)
{
	const uint64_t *pool = pool_of(k, asid);
	return pool != NULL ? pool[asid % KM_ASID_POOL_SIZE] : 0;
}

km_paddr km_vspace_of(const struct km_kernel *k, const struct km_tcb *tcb, unsigned *asid)
{
	struct km_cap root = tcb->slot[KM_TCB_VSPACE].cap;
	*asid = 0;
	if (root.type != KM_CAP_PML4 || !root.flag ||
	    km_asid_find(k, km_cap_asid(root)) != km_cap_paddr(root))
		return 0;
	*asid = km_cap_asid(root);
	return km_cap_paddr(root);
}

unsigned km_space_find(struct km_kernel *k, const struct km_tcb *tcb)
{
	struct km_core *core = k->self;
	unsigned asid;
	km_paddr pml4 = km_vspace_of(k, tcb, &asid);
	if (pml4 != 0) {
		km_table_at(k, pml4)[KM_PML4_CORES] |= UINT64_C(1) << core->id;
		core->space[asid % KM_SPACES_KNOWN] = tcb->slot[KM_TCB_VSPACE].cap;
	}
	return asid;
}

/* The mask of cores is kept even if the id is loaded already: after a PML4 was deleted, another may have its id. */
void km_space_switch(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_core *core = k->self;
	const struct km_cap *space = &tcb->slot[KM_TCB_VSPACE].cap;
	unsigned asid = km_cap_asid(*space);
	if (UNLIKELY(memcmp(space, &core->space[asid % KM_SPACES_KNOWN], sizeof *space) != 0))
		asid = km_space_find(k, tcb);
	if (core->asid_loaded == asid)
		return;
	core->asid_loaded = asid;
	km_work(k, KM_WORK_SWITCH_SPACE);
}

/* Upstream invalidates the id on the cores of the mask, then loads what the current thread has left. */
static void forget(struct km_kernel *k, unsigned asid, km_paddr pml4)
{
	km_space_invalidate(k, pml4, asid);
	for (uint32_t i = 0; i < k->cores; i++) {
		struct km_cap *known = &k->core[i].space[asid % KM_SPACES_KNOWN];
		if (km_cap_asid(*known) == asid)
			*known = (struct km_cap){.word = KM_NO_SPACE};
		if (k->core[i].asid_loaded == asid)
			k->core[i].asid_loaded = 0;
	}
}

void km_asid_delete(struct km_kernel *k, unsigned asid, km_paddr pml4)
{
	uint64_t *pool = pool_of(k, asid);
	if (pool == NULL || pool[asid % KM_ASID_POOL_SIZE] != pml4)
		return;
	forget(k, asid, pml4);
	pool[asid % KM_ASID_POOL_SIZE] = 0;
	km_space_switch(k, k->self->current);
}

void km_asid_pool_deleted(struct km_kernel *k, struct km_cap cap)
{
	unsigned base = (unsigned)cap.word;
	if (k->asid_pool[base >> seL4_ASIDPoolIndexBits] != cap.object)
		return;
	const uint64_t *pool = km_cap_object(k, cap);
	for (unsigned i = 0; i < KM_ASID_POOL_SIZE; i++)
		if (pool[i] != 0)
			forget(k, base + i, pool[i]);
	k->asid_pool[base >> seL4_ASIDPoolIndexBits] = 0;
	km_space_switch(k, k->self->current);
}

/* ---- MakePool ---- */

struct make_pool {
	struct km_slot *untyped, *into;
	unsigned index;
};

static enum km_status decode_make_pool(struct km_kernel *k, const struct km_request *r, struct make_pool *out)
{
	if (r->label != X86ASIDControlMakePool)
		return km_fail(k, seL4_IllegalOperation);
	if (r->length < 2 || k->extra[0] == NULL || k->extra[1] == NULL)
		return km_fail(k, seL4_TruncatedMessage);
	while (out->index < KM_ASID_POOLS && k->asid_pool[out->index] != 0)
		out->index++;
	if (out->index == KM_ASID_POOLS)
		return km_fail(k, seL4_DeleteFirst);
	out->untyped = k->extra[0];
	struct km_cap untyped = out->untyped->cap;
	if (untyped.type != KM_CAP_UNTYPED || untyped.size != seL4_ASIDPoolBits || untyped.flag)
		return km_fail_cap(k, 1);
	enum km_status status = km_ensure_no_children(k, out->untyped);
	if (status != KM_OK)
		return status;
	km_word depth = km_argument(r, 1);
	status = km_lookup_target(k, 0, k->extra[1]->cap, km_argument(r, 0),
				  depth > 64 ? 65 : (unsigned)depth, &out->into);
	return status != KM_OK ? status : km_ensure_empty(k, out->into);
}

static void perform_make_pool(struct km_kernel *k, const struct make_pool *make)
{
	struct km_cap *untyped = &make->untyped->cap;
	untyped->word = UINT64_C(1) << (seL4_ASIDPoolBits - KM_GRANULE_BITS); /* all of it is used */
	memset(km_cap_object(k, *untyped), 0, 1u << seL4_ASIDPoolBits);
	km_work_n(k, KM_WORK_CLEAR, (1u << seL4_ASIDPoolBits) / 256);
	km_work(k, KM_WORK_CREATE);
	struct km_cap pool = {.type = KM_CAP_ASID_POOL, .object = untyped->object};
	pool.word = (km_word)make->index << seL4_ASIDPoolIndexBits;
	km_tree_insert(k, pool, make->untyped, make->into);
	k->asid_pool[make->index] = (km_ref)pool.object;
}

enum km_status km_asid_control_invoke(struct km_kernel *k, const struct km_request *r)
{
	struct make_pool make = {.index = 0};
	enum km_status status = decode_make_pool(k, r, &make);
	if (status == KM_OK)
		perform_make_pool(k, &make);
	return status;
}

/* ---- Assign ---- */

static enum km_status decode_assign(struct km_kernel *k, const struct km_request *r, unsigned *asid)
{
	if (r->label != X86ASIDPoolAssign)
		return km_fail(k, seL4_IllegalOperation);
	if (k->extra[0] == NULL)
		return km_fail(k, seL4_TruncatedMessage);
	struct km_cap root = k->extra[0]->cap;
	if (root.type != KM_CAP_PML4 || km_cap_asid(root) != 0)
		return km_fail_cap(k, 1);
	unsigned base = (unsigned)r->cap.word;
	const uint64_t *pool = pool_of(k, base);
	if (pool == NULL) {
		k->lookup = (struct km_lookup_failure){.type = seL4_InvalidRoot};
		return km_fail_lookup(k, 0);
	}
	if (pool != km_cap_object(k, r->cap))
		return km_fail_cap(k, 0);
	unsigned i = 0;
	while (i < KM_ASID_POOL_SIZE && (base + i == 0 || pool[i] != 0))
		i++;
	if (i == KM_ASID_POOL_SIZE)
		return km_fail(k, seL4_DeleteFirst);
	*asid = base + i;
	return KM_OK;
}

enum km_status km_asid_pool_invoke(struct km_kernel *k, const struct km_request *r)
{
	unsigned asid = 0;
	enum km_status status = decode_assign(k, r, &asid);
	if (status != KM_OK)
		return status;
	struct km_cap *root = &k->extra[0]->cap;
	root->word = (km_word)asid << KM_ASID_SHIFT;
	root->flag = 1;
	pool_of(k, asid)[asid % KM_ASID_POOL_SIZE] = km_cap_paddr(*root);
	return KM_OK;
}
