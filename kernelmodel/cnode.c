/* kernelmodel/cnode.c - the operations on CNodes.
 *
 * Which of several errors a wrong request gets is part of the interface. The order of the checks here is: label, length,
 * destination (looked up), source's arguments (there?), destination (empty), source (looked up, not empty), arguments of
 * the operation, what the capability would become.
 *
 * Source: seL4 16.0 manual, sections 3.1.2 and 10.3.1; object-api.xml. */
#include "kernelmodel/fast.h"

/* Message registers: every operation begins with the slot that it works on. */
enum {
	ARG_INDEX,
	ARG_DEPTH,
	ARG_SOURCE_INDEX,
	ARG_SOURCE_DEPTH,
	ARG_RIGHTS,
	ARG_MINT_DATA,
	ARG_MUTATE_DATA = 4
};
enum {
	ARG_ROTATE_PIVOT_DATA = 2,
	ARG_ROTATE_PIVOT_INDEX,
	ARG_ROTATE_PIVOT_DEPTH,
	ARG_ROTATE_SOURCE_DATA,
	ARG_ROTATE_SOURCE_INDEX,
	ARG_ROTATE_SOURCE_DEPTH,
	ARG_ROTATE_COUNT
};

static enum km_status lookup(struct km_kernel *k, int is_source, struct km_cap root, km_word index,
			     km_word depth, struct km_slot **out)
{
	if (LIKELY(depth == 64)) {
		*out = km_lookup_fast(k, &root, index);
		if (LIKELY(*out != NULL))
			return KM_OK;
	}
	/* Cut to what an unsigned holds, a depth that is out of range stays out of range. */
	return km_lookup_target(k, is_source, root, index, depth > 64 ? 65 : (unsigned)depth, out);
}

static enum km_status fail_missing(struct km_kernel *k, int was_source, km_word depth)
{
	k->lookup = (struct km_lookup_failure){.type = seL4_MissingCapability, .bits_left = (uint8_t)depth};
	return km_fail_lookup(k, was_source);
}

/* ---- Copy, Mint, Move, Mutate ---- */

struct transfer {
	struct km_slot *from, *into;
	struct km_cap cap; /* what `into` will hold */
	int is_move;
};

/* The capability that the operation makes of that in `from`; null: it makes none. */
static enum km_status decode_new_cap(struct km_kernel *k, const struct km_request *r, struct transfer *out)
{
	struct km_cap cap = out->from->cap;

	switch (r->label) {
	case CNodeCopy:
		if (r->length < ARG_RIGHTS + 1)
			return km_fail(k, seL4_TruncatedMessage);
		cap = km_cap_mask(cap, km_argument(r, ARG_RIGHTS) & KM_ALL_RIGHTS);
		return km_cap_derive(k, out->from, cap, &out->cap);
	case CNodeMint:
		if (r->length < ARG_MINT_DATA + 1)
			return km_fail(k, seL4_TruncatedMessage);
		cap = km_cap_mask(cap, km_argument(r, ARG_RIGHTS) & KM_ALL_RIGHTS);
		cap = km_cap_update(0, km_argument(r, ARG_MINT_DATA), cap);
		return km_cap_derive(k, out->from, cap, &out->cap);
	case CNodeMutate:
		if (r->length < ARG_MUTATE_DATA + 1)
			return km_fail(k, seL4_TruncatedMessage);
		out->cap = km_cap_update(1, km_argument(r, ARG_MUTATE_DATA), cap);
		return KM_OK;
	default:
		out->cap = cap;
		return KM_OK;
	}
}

static enum km_status decode_transfer(struct km_kernel *k, const struct km_request *r, struct km_slot *into,
				      struct transfer *out)
{
	km_word depth;
	enum km_status status;

	if (r->length < ARG_SOURCE_DEPTH + 1 || k->extra[0] == NULL)
		return km_fail(k, seL4_TruncatedMessage);
	depth = km_argument(r, ARG_SOURCE_DEPTH);
	out->into = into;
	out->is_move = r->label == CNodeMove || r->label == CNodeMutate;
	status = km_ensure_empty(k, into);
	if (status == KM_OK)
		status = lookup(k, 1, k->extra[0]->cap, km_argument(r, ARG_SOURCE_INDEX), depth, &out->from);
	if (status != KM_OK)
		return status;
	if (km_slot_is_empty(out->from))
		return fail_missing(k, 1, depth);
	status = decode_new_cap(k, r, out);
	if (status == KM_OK && out->cap.type == KM_CAP_NULL)
		return km_fail(k, seL4_IllegalOperation);
	return status;
}

static enum km_status perform_transfer(struct km_kernel *k, const struct transfer *transfer)
{
	if (transfer->is_move)
		km_tree_move(k, transfer->cap, transfer->from, transfer->into);
	else
		km_tree_insert(k, transfer->cap, transfer->from, transfer->into);
	return KM_OK;
}

/* ---- Rotate: pivot to destination, source to pivot ---- */

struct rotation {
	struct km_slot *source, *pivot, *into;
	struct km_cap source_cap, pivot_cap; /* what they become */
};

static enum km_status decode_rotation_slots(struct km_kernel *k, const struct km_request *r,
					    struct rotation *out)
{
	km_word source_depth = km_argument(r, ARG_ROTATE_SOURCE_DEPTH);
	km_word pivot_depth = km_argument(r, ARG_ROTATE_PIVOT_DEPTH);
	enum km_status status = lookup(k, 1, k->extra[1]->cap, km_argument(r, ARG_ROTATE_SOURCE_INDEX),
				       source_depth, &out->source);

	if (status == KM_OK)
		status = lookup(k, 1, k->extra[0]->cap, km_argument(r, ARG_ROTATE_PIVOT_INDEX), pivot_depth,
				&out->pivot);
	if (status != KM_OK)
		return status;
	if (out->pivot == out->source || out->pivot == out->into)
		return km_fail(k, seL4_IllegalOperation);
	if (out->source != out->into && km_ensure_empty(k, out->into) != KM_OK)
		return KM_SYSCALL_ERROR;
	if (km_slot_is_empty(out->source))
		return fail_missing(k, 1, source_depth);
	if (km_slot_is_empty(out->pivot))
		return fail_missing(k, 0, pivot_depth);
	return KM_OK;
}

static enum km_status decode_rotation(struct km_kernel *k, const struct km_request *r, struct km_slot *into,
				      struct rotation *out)
{
	enum km_status status;

	if (r->length < ARG_ROTATE_COUNT || k->extra[0] == NULL || k->extra[1] == NULL)
		return km_fail(k, seL4_TruncatedMessage);
	out->into = into;
	status = decode_rotation_slots(k, r, out);
	if (status != KM_OK)
		return status;
	out->source_cap = km_cap_update(1, km_argument(r, ARG_ROTATE_SOURCE_DATA), out->source->cap);
	out->pivot_cap = km_cap_update(1, km_argument(r, ARG_ROTATE_PIVOT_DATA), out->pivot->cap);
	if (out->source_cap.type == KM_CAP_NULL || out->pivot_cap.type == KM_CAP_NULL)
		return km_fail(k, seL4_IllegalOperation);
	return KM_OK;
}

static enum km_status perform_rotation(struct km_kernel *k, const struct rotation *rotation)
{
	if (rotation->source == rotation->into) {
		km_tree_swap(k, rotation->source_cap, rotation->source, rotation->pivot_cap, rotation->pivot);
		return KM_OK;
	}
	km_tree_move(k, rotation->pivot_cap, rotation->pivot, rotation->into);
	km_tree_move(k, rotation->source_cap, rotation->source, rotation->pivot);
	return KM_OK;
}

/* ---- CancelBadgedSends ---- */

static enum km_status cancel_badged_sends(struct km_kernel *k, struct km_cap cap)
{
	if (cap.type != KM_CAP_ENDPOINT || cap.rights != KM_ALL_RIGHTS)
		return km_fail(k, seL4_IllegalOperation);
	if (cap.word == 0)
		return KM_OK; /* nobody could say whose sends these are */
	return km_endpoint_cancel_badged(k, km_cap_object(k, cap), cap.word);
}

/* ---- dispatch ---- */

static enum km_status transfer(struct km_kernel *k, const struct km_request *r, struct km_slot *slot)
{
	struct transfer decoded;
	enum km_status status = decode_transfer(k, r, slot, &decoded);

	return status == KM_OK ? perform_transfer(k, &decoded) : status;
}

static enum km_status rotate(struct km_kernel *k, const struct km_request *r, struct km_slot *slot)
{
	struct rotation decoded;
	enum km_status status = decode_rotation(k, r, slot, &decoded);

	return status == KM_OK ? perform_rotation(k, &decoded) : status;
}

enum km_status km_cnode_invoke(struct km_kernel *k, const struct km_request *r)
{
	struct km_slot *slot;
	enum km_status status;

	if (r->label < CNodeRevoke || r->label > CNodeRotate)
		return km_fail(k, seL4_IllegalOperation);
	if (r->length < ARG_DEPTH + 1)
		return km_fail(k, seL4_TruncatedMessage);
	status = lookup(k, 0, r->cap, km_argument(r, ARG_INDEX), km_argument(r, ARG_DEPTH), &slot);
	if (status != KM_OK)
		return status;
	switch (r->label) {
	case CNodeRevoke:
		return km_revoke(k, slot);
	case CNodeDelete:
		return km_delete(k, slot, 1);
	case CNodeCancelBadgedSends:
		return cancel_badged_sends(k, slot->cap);
	case CNodeRotate:
		return rotate(k, r, slot);
	default:
		return transfer(k, r, slot);
	}
}
