/* kernelmodel/untyped.c - untyped memory, and the objects that are made of it.
 *
 * An untyped capability hands its memory out from the bottom: what lies below its free index may be in use, what lies
 * above was never handed out, or was cleared since, and is zero. When it has no children left, all of it is free; before
 * it is used again, what lies below the free index is cleared, from the top down, so that the index always says how far
 * that is, also when the clearing is preempted.
 *
 * Source: seL4 16.0 manual, sections 2.4 and 10.3.8. */
#include "kernelmodel/kernel_internal.h"

#define CLEAR_BITS 8 /* cleared between two preemption points */
#define CLEAR_AT_ONCE                                                                                        \
	4 /* of these, where no preemption point looks up: for larger ones memset() has a slow start */

enum { ARG_TYPE, ARG_SIZE, ARG_NODE_INDEX, ARG_NODE_DEPTH, ARG_NODE_OFFSET, ARG_COUNT, ARG_COUNT_ALL };

/* ---- objects ---- */

static unsigned object_bits(km_word type, km_word user_bits)
{
	switch (type) {
	case seL4_UntypedObject:
	case seL4_SchedContextObject:
		return (unsigned)user_bits;
	case seL4_CapTableObject:
		return (unsigned)user_bits + seL4_SlotBits;
	case seL4_TCBObject:
		return seL4_TCBBits;
	case seL4_EndpointObject:
		return seL4_EndpointBits;
	case seL4_NotificationObject:
		return seL4_NotificationBits;
	case seL4_ReplyObject:
		return seL4_ReplyBits;
	case seL4_X86_LargePageObject:
		return seL4_LargePageBits;
	case seL4_X64_HugePageObject:
		return seL4_HugePageBits;
	default:
		return seL4_PageBits; /* the page tables, and pages of 4 KiB */
	}
}

static int is_frame(km_word type)
{
	return type == seL4_X86_4K || type == seL4_X86_LargePageObject || type == seL4_X64_HugePageObject;
}

static enum km_cap_type cap_type_of(unsigned type)
{
	switch (type) {
	case seL4_UntypedObject:
		return KM_CAP_UNTYPED;
	case seL4_TCBObject:
		return KM_CAP_THREAD;
	case seL4_EndpointObject:
		return KM_CAP_ENDPOINT;
	case seL4_NotificationObject:
		return KM_CAP_NOTIFICATION;
	case seL4_CapTableObject:
		return KM_CAP_CNODE;
	case seL4_SchedContextObject:
		return KM_CAP_SCHED_CONTEXT;
	case seL4_ReplyObject:
		return KM_CAP_REPLY;
	case seL4_X86_PDPTObject:
		return KM_CAP_PDPT;
	case seL4_X64_PML4Object:
		return KM_CAP_PML4;
	case seL4_X86_PageTableObject:
		return KM_CAP_PAGE_TABLE;
	case seL4_X86_PageDirectoryObject:
		return KM_CAP_PAGE_DIRECTORY;
	default:
		return KM_CAP_FRAME;
	}
}

/* What the first capability to an object may do. */
static unsigned first_rights(enum km_cap_type type)
{
	switch (type) {
	case KM_CAP_ENDPOINT:
		return KM_ALL_RIGHTS;
	case KM_CAP_NOTIFICATION:
	case KM_CAP_FRAME:
		return KM_READ | KM_WRITE;
	case KM_CAP_REPLY:
		return KM_GRANT;
	default:
		return 0;
	}
}

/* The memory is zero already: above the free index it always is. */
struct km_cap km_create_object(struct km_kernel *k, unsigned type, km_paddr at, unsigned size_bits,
			       int is_device)
{
	struct km_cap cap = {.type = cap_type_of(type), .object = at >> KM_GRANULE_BITS};

	cap.rights = first_rights(cap.type);
	switch (cap.type) {
	case KM_CAP_UNTYPED:
		cap.size = size_bits;
		cap.flag = is_device != 0;
		break;
	case KM_CAP_FRAME:
		cap.size = object_bits(type, size_bits);
		cap.flag = is_device != 0;
		break;
	case KM_CAP_CNODE:
	case KM_CAP_SCHED_CONTEXT:
		cap.size = size_bits;
		break;
	case KM_CAP_THREAD:
		km_tcb_init(k, km_cap_object(k, cap));
		break;
	default:
		break; /* zero is an idle endpoint, an empty table, ... */
	}
	km_work(k, KM_WORK_CREATE);
	return cap;
}

/* ---- Retype: what is asked for ---- */

struct retype {
	km_word type, user_bits, count;
	unsigned bits;         /* size of an object */
	struct km_slot *slots; /* [count], empty */
	km_paddr at;           /* of the first object */
	int reset;             /* no children: all memory is free again */
};

/* Type and size, which do not depend on any capability. */
static enum km_status decode_object(struct km_kernel *k, const struct km_request *r, struct retype *out)
{
	out->type = km_argument(r, ARG_TYPE);
	out->user_bits = km_argument(r, ARG_SIZE);
	if (out->type >= seL4_ObjectTypeCount)
		return km_fail_argument(k, 0);
	if (out->user_bits >= seL4_WordBits || object_bits(out->type, out->user_bits) > seL4_MaxUntypedBits)
		return km_fail_range(k, 0, seL4_MaxUntypedBits);
	if ((out->type == seL4_CapTableObject && out->user_bits == 0) ||
	    (out->type == seL4_UntypedObject && out->user_bits < seL4_MinUntypedBits) ||
	    (out->type == seL4_SchedContextObject && out->user_bits < seL4_MinSchedContextBits))
		return km_fail_argument(k, 1);
	out->bits = object_bits(out->type, out->user_bits);
	return KM_OK;
}

/* The CNode that the capabilities go to. Depth 0 names the root itself. */
static enum km_status decode_node(struct km_kernel *k, const struct km_request *r, struct km_cap *out)
{
	km_word depth = km_argument(r, ARG_NODE_DEPTH);
	struct km_slot *slot = k->extra[0];

	if (depth != 0) {
		unsigned depth_cut = depth > 64 ? 65 : (unsigned)depth; /* out of range stays out of range */
		enum km_status status = km_lookup_target(k, 0, k->extra[0]->cap,
							 km_argument(r, ARG_NODE_INDEX), depth_cut, &slot);

		if (status != KM_OK)
			return status;
	}
	*out = slot->cap;
	if (out->type == KM_CAP_CNODE)
		return KM_OK;
	k->lookup = (struct km_lookup_failure){.type = seL4_MissingCapability, .bits_left = (uint8_t)depth};
	return km_fail_lookup(k, 0);
}

/* The window of slots: within the CNode, not too wide, empty. */
static enum km_status decode_window(struct km_kernel *k, const struct km_request *r, struct km_cap node,
				    struct retype *out)
{
	km_word slots = (km_word)1 << node.size, offset = km_argument(r, ARG_NODE_OFFSET);

	out->count = km_argument(r, ARG_COUNT);
	if (offset > slots - 1)
		return km_fail_range(k, 0, slots - 1);
	if (out->count < 1 || out->count > CONFIG_RETYPE_FAN_OUT_LIMIT)
		return km_fail_range(k, 1, CONFIG_RETYPE_FAN_OUT_LIMIT);
	if (out->count > slots - offset)
		return km_fail_range(k, 1, slots - offset);
	out->slots = (struct km_slot *)km_cap_object(k, node) + offset;
	for (km_word i = 0; i < out->count; i++) {
		if (km_ensure_empty(k, &out->slots[i]) != KM_OK)
			return KM_SYSCALL_ERROR;
	}
	return KM_OK;
}

static km_paddr align_up(km_paddr address, unsigned bits)
{
	km_paddr mask = ((km_paddr)1 << bits) - 1;

	return (address + mask) & ~mask;
}

/* Where in the untyped memory the objects go. If they fit behind the free index they fit aligned, too: both ends of the
 * memory are aligned to whatever fits into it. */
static enum km_status decode_memory(struct km_kernel *k, const struct km_request *r, struct retype *out)
{
	km_word used, left;

	out->reset = !km_tree_has_children(k, r->slot);
	used = out->reset ? 0 : r->cap.word << KM_GRANULE_BITS;
	left = ((km_word)1 << r->cap.size) - used;
	if (left >> out->bits < out->count) {
		k->error.memory_left = left;
		return km_fail(k, seL4_NotEnoughMemory);
	}
	if (r->cap.flag && !is_frame(out->type) && out->type != seL4_UntypedObject)
		return km_fail_argument(k, 1);
	out->at = align_up(km_cap_paddr(r->cap) + used, out->bits);
	return KM_OK;
}

static enum km_status decode_retype(struct km_kernel *k, const struct km_request *r, struct retype *out)
{
	struct km_cap node;
	enum km_status status;

	if (r->label != UntypedRetype)
		return km_fail(k, seL4_IllegalOperation);
	if (r->length < ARG_COUNT_ALL || k->extra[0] == NULL)
		return km_fail(k, seL4_TruncatedMessage);
	status = decode_object(k, r, out);
	if (status == KM_OK)
		status = decode_node(k, r, &node);
	if (status == KM_OK)
		status = decode_window(k, r, node, out);
	if (status == KM_OK)
		status = decode_memory(k, r, out);
	return status;
}

/* ---- Retype: doing it ---- */

static void clear(struct km_kernel *k, struct km_cap untyped, km_word offset, km_word bytes)
{
	/* The library's memset(): a compiler that knew the size would make string instructions, which start slowly. */
	__asm__("" : "+r"(bytes));
	memset((unsigned char *)km_cap_object(k, untyped) + offset, 0, bytes);
	km_work_n(k, KM_WORK_CLEAR, (bytes + 255) / 256);
}

/* Makes all of an untyped's memory free and zero again. KM_OK or KM_PREEMPTED; then the free index says where the
 * cleared part begins. */
static enum km_status reset(struct km_kernel *k, struct km_slot *slot)
{
	const km_word chunk = (km_word)1 << CLEAR_BITS;
	km_word used = slot->cap.word << KM_GRANULE_BITS;

	if (used != 0 && (slot->cap.flag || slot->cap.size < CLEAR_BITS)) {
		if (!slot->cap.flag)
			clear(k, slot->cap, 0, (km_word)1 << slot->cap.size);
		slot->cap.word = 0;
		return KM_OK;
	}
	while (used != 0) {
		enum km_status status;
		/* Some at once, as far as the next preemption point that looks up: those before only count. */
		km_word chunks = (used + chunk - 1) >> CLEAR_BITS;

		if (chunks > CLEAR_AT_ONCE)
			chunks = CLEAR_AT_ONCE;
		if (chunks > KM_PREEMPT_WORK - k->preempt_work)
			chunks = KM_PREEMPT_WORK - k->preempt_work;
		used = ((used + chunk - 1) & ~(chunk - 1)) - (chunks << CLEAR_BITS);
		clear(k, slot->cap, used, chunks << CLEAR_BITS);
		slot->cap.word = used >> KM_GRANULE_BITS;
		k->preempt_work += (uint32_t)chunks - 1;
		status = km_preemption_point(k);
		if (status != KM_OK)
			return status;
	}
	return KM_OK;
}

static enum km_status perform_retype(struct km_kernel *k, struct km_slot *slot, const struct retype *retype)
{
	struct km_cap untyped;
	km_paddr end = retype->at + (retype->count << retype->bits);

	if (retype->reset && reset(k, slot) != KM_OK)
		return KM_PREEMPTED;
	slot->cap.word = (end - km_cap_paddr(slot->cap)) >> KM_GRANULE_BITS;
	untyped = slot->cap;
	for (km_word i = 0; i < retype->count; i++) {
		struct km_cap cap =
			km_create_object(k, (unsigned)retype->type, retype->at + (i << retype->bits),
					 (unsigned)retype->user_bits, untyped.flag);

		km_tree_insert_new(k, cap, slot, &retype->slots[i]);
	}
	return KM_OK;
}

enum km_status km_untyped_invoke(struct km_kernel *k, const struct km_request *r)
{
	struct retype retype;
	enum km_status status = decode_retype(k, r, &retype);

	return status == KM_OK ? perform_retype(k, r->slot, &retype) : status;
}
