/* kernelmodel/cspace.c - from a number to a slot.
 *
 * A capability space is a guarded page table: each CNode takes a guard, which must match, and an index of `radix` bits
 * off the front of what is left of the address. An invocation resolves 64 bits and takes what it meets first that is no
 * CNode; an operation on CNodes says how many bits there are, and all of them must be used up.
 *
 * Source: seL4 16.0 manual, section 3.3. */
#include "kernelmodel/fast.h"
#include "kernelmodel/message.h"

/* Behind the capabilities of the message in an IPC buffer: where its receiver wants them. */
enum {
	BUFFER_RECEIVE_CNODE = KM_BUFFER_BADGE + KM_EXTRA_CAPS_MAX,
	BUFFER_RECEIVE_INDEX,
	BUFFER_RECEIVE_DEPTH
};

static enum km_status fail_root(struct km_kernel *k)
{
	k->lookup = (struct km_lookup_failure){.type = seL4_InvalidRoot};
	return KM_LOOKUP_FAULT;
}

static enum km_status fail_guard(struct km_kernel *k, struct km_cap node, unsigned bits)
{
	k->lookup = (struct km_lookup_failure){.type = seL4_GuardMismatch,
					       .bits_left = bits,
					       .bits_found = node.guard_size,
					       .guard = node.word};
	return KM_LOOKUP_FAULT;
}

static enum km_status fail_depth(struct km_kernel *k, unsigned bits_left, unsigned bits_found)
{
	k->lookup = (struct km_lookup_failure){.type = seL4_DepthMismatch,
					       .bits_left = (uint8_t)bits_left,
					       .bits_found = (uint8_t)bits_found};
	return KM_LOOKUP_FAULT;
}

/* The first `count` (0..63) bits of a word. */
static inline km_word first_bits(km_word word, unsigned count) { return word >> 1 >> (63 - count); }

/* What is left of the address is kept at the top of a word, so that guard and index come off its front. */
enum km_status km_resolve(struct km_kernel *k, struct km_cap root, km_word cptr, unsigned depth,
			  struct km_found *out)
{
	struct km_cap node = root;
	unsigned bits = depth, levels = 0;
	km_word address = cptr << (64 - depth);
	enum km_status status = KM_OK;

	if (node.type != KM_CAP_CNODE)
		return fail_root(k);
	do {
		unsigned guard_size = node.guard_size, radix = node.size;

		levels++;
		if (first_bits(address, guard_size) != node.word || guard_size > bits) {
			status = fail_guard(k, node, bits);
			break;
		}
		if (guard_size + radix > bits) {
			status = fail_depth(k, bits, guard_size + radix);
			break;
		}
		address <<= guard_size;
		out->slot = (struct km_slot *)km_cap_object(k, node) + first_bits(address, radix);
		address <<= radix;
		bits -= guard_size + radix;
		if (bits == 0)
			break;
		node = out->slot->cap;
	} while (node.type == KM_CAP_CNODE);
	out->bits_left = bits;
	km_work_n(k, KM_WORK_LOOKUP, levels);
	return status;
}

enum km_status km_lookup_slot(struct km_kernel *k, const struct km_tcb *tcb, km_word cptr,
			      struct km_slot **out)
{
	struct km_found found;
	enum km_status status;

	*out = km_lookup_fast(k, &tcb->slot[KM_TCB_CSPACE].cap, cptr);
	if (LIKELY(*out != NULL))
		return KM_OK;
	status = km_resolve(k, tcb->slot[KM_TCB_CSPACE].cap, cptr, 64, &found);
	if (status == KM_OK)
		*out = found.slot;
	return status;
}

enum km_status km_lookup_cap(struct km_kernel *k, const struct km_tcb *tcb, km_word cptr, struct km_cap *out)
{
	struct km_slot *slot;
	enum km_status status = km_lookup_slot(k, tcb, cptr, &slot);

	if (status == KM_OK)
		*out = slot->cap;
	return status;
}

enum km_status km_lookup_target(struct km_kernel *k, int is_source, struct km_cap root, km_word index,
				unsigned depth, struct km_slot **out)
{
	struct km_found found;

	if (root.type != KM_CAP_CNODE) {
		(void)fail_root(k);
		return km_fail_lookup(k, is_source);
	}
	if (depth < 1 || depth > 64)
		return km_fail_range(k, 1, 64);
	if (km_resolve(k, root, index, depth, &found) != KM_OK)
		return km_fail_lookup(k, is_source);
	if (found.bits_left != 0) {
		(void)fail_depth(k, found.bits_left, 0);
		return km_fail_lookup(k, is_source);
	}
	*out = found.slot;
	return KM_OK;
}

struct km_slot *km_receive_slot(struct km_kernel *k, struct km_tcb *tcb, const km_word *buffer)
{
	struct km_cap root;
	struct km_slot *slot;
	km_word depth;

	if (buffer == NULL || km_lookup_cap(k, tcb, buffer[BUFFER_RECEIVE_CNODE], &root) != KM_OK)
		return NULL;
	depth = buffer[BUFFER_RECEIVE_DEPTH];
	if (depth > 64 || /* before it is cut to an unsigned */
	    km_lookup_target(k, 0, root, buffer[BUFFER_RECEIVE_INDEX], (unsigned)depth, &slot) != KM_OK)
		return NULL;
	return km_slot_is_empty(slot) ? slot : NULL;
}

enum km_status km_lookup_extra(struct km_kernel *k, struct km_tcb *tcb, const km_word *buffer, unsigned count)
{
	unsigned i = 0;

	k->extra[0] = NULL;
	if (buffer == NULL)
		return KM_OK;
	for (; i < count; i++) {
		km_word cptr = buffer[KM_BUFFER_BADGE + i];

		k->extra[i] = km_lookup_fast(k, &tcb->slot[KM_TCB_CSPACE].cap, cptr);
		if (UNLIKELY(!k->extra[i]) && km_lookup_slot(k, tcb, cptr, &k->extra[i]) != KM_OK) {
			k->fault = (struct km_fault){
				.type = seL4_Fault_CapFault, .address = cptr, .lookup = k->lookup};
			return KM_LOOKUP_FAULT;
		}
	}
	if (i < KM_EXTRA_CAPS_MAX)
		k->extra[i] = NULL;
	return KM_OK;
}
