/* kernelmodel/cspace.c, cap.c and cnode.c: lookups, what becomes of a capability, and which error a wrong request gets. */
#include "tests/unit/km_capspace.h"

#define PLAIN(...) ((const struct km_lookup_failure){__VA_ARGS__})

static void assert_lookup(const struct capspace *c, struct km_lookup_failure expected)
{
	assert_int_equal(c->k->lookup.type, expected.type);
	assert_int_equal(c->k->lookup.bits_left, expected.bits_left);
	assert_int_equal(c->k->lookup.bits_found, expected.bits_found);
	assert_int_equal(c->k->lookup.guard, expected.guard);
}

/* A CNode of 2^bits slots in slot `into`; the capability to it, with this guard. */
static struct km_cap node_new(struct capspace *c, uint64_t into, unsigned bits, unsigned guard_size,
			      km_word guard)
{
	struct km_cap cap;

	assert_int_equal(retype(c, UNTYPED, seL4_CapTableObject, bits, into, 1), seL4_NoError);
	cap = cap_at(c, into);
	cap.guard_size = guard_size;
	cap.word = guard;
	return cap;
}

/* ---- resolution ---- */

static void test_the_guard_is_checked_before_the_depth(void **state)
{
	struct capspace *c = *state;
	struct km_cap node = node_new(c, FREE, 4, 20, 0xabcde);
	struct km_found found;

	/* 5 bits are neither enough for the guard, nor right. */
	assert_int_equal(km_resolve(c->k, node, 0x1f, 5, &found), KM_LOOKUP_FAULT);
	assert_lookup(c,
		      PLAIN(.type = seL4_GuardMismatch, .bits_left = 5, .bits_found = 20, .guard = 0xabcde));
	/* 22 bits hold the guard, but not the index. */
	assert_int_equal(km_resolve(c->k, node, 0xabcde << 2, 22, &found), KM_LOOKUP_FAULT);
	assert_lookup(c, PLAIN(.type = seL4_DepthMismatch, .bits_left = 22, .bits_found = 24));
	assert_int_equal(km_resolve(c->k, node, 0xabcdd << 2, 22, &found), KM_LOOKUP_FAULT);
	assert_lookup(c,
		      PLAIN(.type = seL4_GuardMismatch, .bits_left = 22, .bits_found = 20, .guard = 0xabcde));
	/* Nor do 5 bits match a guard whose first 5 they are, and whose others are 0. */
	node.word = 0x15 << 15;
	assert_int_equal(km_resolve(c->k, node, 0x15, 5, &found), KM_LOOKUP_FAULT);
	assert_lookup(
		c, PLAIN(.type = seL4_GuardMismatch, .bits_left = 5, .bits_found = 20, .guard = 0x15 << 15));
	node.word = 0xabcde;
	/* Bits that are not there cannot make a guard: the address goes on above the 5 that count. */
	assert_int_equal(km_resolve(c->k, node, UINT64_C(0xabcde) << 49, 5, &found), KM_LOOKUP_FAULT);
	assert_lookup(c,
		      PLAIN(.type = seL4_GuardMismatch, .bits_left = 5, .bits_found = 20, .guard = 0xabcde));
	assert_int_equal(km_resolve(c->k, node, 0xabcde << 4 | 7, 24, &found), KM_OK);
	assert_ptr_equal(found.slot, (struct km_slot *)km_cap_object(c->k, node) + 7);
	assert_int_equal(found.bits_left, 0);
}

static void test_what_is_no_cnode_is_no_root(void **state)
{
	struct capspace *c = *state;
	struct km_found found;

	assert_int_equal(km_resolve(c->k, cap_at(c, UNTYPED), 0, 64, &found), KM_LOOKUP_FAULT);
	assert_lookup(c, PLAIN(.type = seL4_InvalidRoot));
	assert_int_equal(km_resolve(c->k, KM_NULL_CAP, 0, 64, &found), KM_LOOKUP_FAULT);
	assert_lookup(c, PLAIN(.type = seL4_InvalidRoot));
}

static void test_sixty_four_levels_resolve(void **state)
{
	struct capspace *c = *state;
	struct km_cap first = node_new(c, FREE, 1, 0, 0);
	struct km_found found;
	uint64_t before;

	for (unsigned i = 1; i < 64; i++) {
		struct km_slot *node;

		node_new(c, FREE + i, 1, 0, 0);
		node = km_cap_object(c->k, cap_at(c, FREE + i - 1));
		km_tree_insert(c->k, cap_at(c, FREE + i), slot_at(c, FREE + i), &node[i % 2]);
	}
	before = c->k->work[KM_WORK_LOOKUP];
	/* The path goes 1, 0, 1, 0 ... */
	assert_int_equal(km_resolve(c->k, first, UINT64_C(0xaaaaaaaaaaaaaaaa), 64, &found), KM_OK);
	assert_int_equal(c->k->work[KM_WORK_LOOKUP] - before, 64);
	assert_ptr_equal(found.slot, km_cap_object(c->k, cap_at(c, FREE + 63)));
	assert_int_equal(found.bits_left, 0);
	/* One turn off the path, there is an empty slot. */
	assert_int_equal(km_resolve(c->k, first, UINT64_C(0xaeaaaaaaaaaaaaaa), 64, &found), KM_OK);
	assert_int_equal(found.bits_left, 58);
	assert_true(km_slot_is_empty(found.slot));
}

static void test_guards_of_every_size(void **state)
{
	struct capspace *c = *state;
	const km_word pattern = UINT64_C(0xfedcba9876543210);
	struct km_cap node = node_new(c, FREE, 1, 0, 0);

	for (unsigned size = 0; size < 64; size++) {
		km_word guard = pattern & ((UINT64_C(1) << size) - 1);
		struct km_found found;

		node.guard_size = size;
		node.word = guard;
		assert_int_equal(km_resolve(c->k, node, guard << 1 | 1, size + 1, &found), KM_OK);
		assert_ptr_equal(found.slot, (struct km_slot *)km_cap_object(c->k, node) + 1);
		assert_int_equal(km_resolve(c->k, node, (guard << 1 | 1) << (63 - size), 64, &found), KM_OK);
		assert_ptr_equal(found.slot, (struct km_slot *)km_cap_object(c->k, node) + 1);
		assert_int_equal(found.bits_left, 63 - size);
		if (size == 0)
			continue;
		assert_int_equal(km_resolve(c->k, node, (guard ^ 1) << 1 | 1, size + 1, &found),
				 KM_LOOKUP_FAULT);
		assert_lookup(c, PLAIN(.type = seL4_GuardMismatch, .bits_left = (uint8_t)(size + 1),
				       .bits_found = (uint8_t)size, .guard = guard));
	}
}

static void test_an_invocation_ignores_left_over_bits(void **state)
{
	struct capspace *c = *state;
	struct km_slot *slot, *root = slot_at(c, ROOT);
	struct km_cap wide = root->cap;

	/* Without a guard, the root resolves 10 bits, and 54 are left. */
	wide.guard_size = 0;
	wide.word = 0;
	c->tcb->slot[KM_TCB_CSPACE].cap = wide;
	assert_int_equal(km_lookup_slot(c->k, c->tcb, (km_word)UNTYPED << 54 | 0x1234, &slot), KM_OK);
	assert_ptr_equal(slot, slot_at(c, UNTYPED));
	/* What is looked up may well be an empty slot. */
	assert_int_equal(km_lookup_slot(c->k, c->tcb, (km_word)FREE << 54 | 0x1234, &slot), KM_OK);
	assert_ptr_equal(slot, slot_at(c, FREE));
	c->tcb->slot[KM_TCB_CSPACE].cap = root->cap;
}

/* ---- slots named by root, index, depth ---- */

static void test_a_target_uses_up_all_its_bits(void **state)
{
	struct capspace *c = *state;

	node_new(c, FREE, 4, 0, 0);
	/* Slot 1 holds a thread, behind which bits cannot be resolved: 2 of 6 are left over. */
	assert_int_equal(copy_into(c, seL4_CapInitThreadTCB, FREE, 4, 1), seL4_NoError);
	assert_int_equal(call(c, FREE, CNodeDelete, NO_CAPS, WORDS(1 << 2, 6)), seL4_FailedLookup);
	assert_int_equal(c->mr[0], 0); /* not the source's */
	assert_int_equal(c->mr[1], seL4_DepthMismatch);
	assert_int_equal(c->mr[2], 2);
	assert_int_equal(c->mr[3], 0);
	assert_int_equal(call(c, FREE, CNodeDelete, NO_CAPS, WORDS(1, 4)), seL4_NoError);
}

static void test_a_depth_out_of_range_says_the_range(void **state)
{
	static const uint64_t depth[] = {0, 65, 255, (UINT64_C(1) << 32) + 64, UINT64_MAX};
	struct capspace *c = *state;

	for (unsigned i = 0; i < sizeof depth / sizeof depth[0]; i++) {
		assert_int_equal(call(c, ROOT, CNodeDelete, NO_CAPS, WORDS(FREE, depth[i])), seL4_RangeError);
		assert_int_equal(c->mr[0], 1);
		assert_int_equal(c->mr[1], 64);
		assert_int_equal(call(c, ROOT, CNodeMove, CAPS(ROOT), WORDS(FREE, 64, UNTYPED, depth[i])),
				 seL4_RangeError);
	}
}

static void test_a_root_that_is_no_cnode_is_named(void **state)
{
	struct capspace *c = *state;

	/* The root is checked before the depth. */
	assert_int_equal(call(c, ROOT, CNodeMove, CAPS(UNTYPED), WORDS(FREE, 64, UNTYPED, 0)),
			 seL4_FailedLookup);
	assert_int_equal(c->mr[0], 1);
	assert_int_equal(c->mr[1], seL4_InvalidRoot);
}

static void test_a_guard_mismatch_says_what_the_guard_is(void **state)
{
	struct capspace *c = *state;

	node_new(c, FREE, 4, 0, 0);
	assert_int_equal(mutate(c, FREE, FREE + 1, 0x5a << 6 | 7), seL4_NoError);
	assert_int_equal(call(c, FREE + 1, CNodeDelete, NO_CAPS, WORDS(0, 11)), seL4_FailedLookup);
	assert_int_equal(c->mr[1], seL4_GuardMismatch);
	assert_int_equal(c->mr[2], 11);   /* bits left */
	assert_int_equal(c->mr[3], 0x5a); /* the guard; its size is in the buffer */
	assert_int_equal(km_ipc_buffer(c->k, c->tcb, 0)[1 + 4], 7);
	assert_int_equal(call(c, FREE + 1, CNodeDelete, NO_CAPS, WORDS(0x5a << 4, 11)), seL4_NoError);
}

/* ---- the order of errors ---- */

static void test_the_order_of_errors_of_every_operation(void **state)
{
	struct capspace *c = *state;

	assert_int_equal(call(c, ROOT, CNodeRevoke - 1, NO_CAPS, NO_WORDS), seL4_IllegalOperation);
	assert_int_equal(call(c, ROOT, CNodeRotate + 1, NO_CAPS, NO_WORDS), seL4_IllegalOperation);
	for (unsigned label = CNodeRevoke; label <= CNodeRotate; label++) {
		assert_int_equal(call(c, ROOT, label, NO_CAPS, WORDS(0)), seL4_TruncatedMessage);
		assert_int_equal(call(c, ROOT, label, NO_CAPS, WORDS(0, 0)), seL4_RangeError);
	}
}

static void test_the_order_of_errors_of_a_transfer(void **state)
{
	static const unsigned labels[] = {CNodeCopy, CNodeMint, CNodeMove, CNodeMutate};
	struct capspace *c = *state;

	for (unsigned i = 0; i < 4; i++) {
		unsigned label = labels[i];

		/* Destination in range, then: are the source's arguments and root there? */
		assert_int_equal(call(c, ROOT, label, CAPS(ROOT), WORDS(UNTYPED, 64, FREE)),
				 seL4_TruncatedMessage);
		assert_int_equal(call(c, ROOT, label, NO_CAPS, WORDS(UNTYPED, 64, FREE, 0)),
				 seL4_TruncatedMessage);
		/* The destination is taken, whatever the source is. */
		assert_int_equal(call(c, ROOT, label, CAPS(ROOT), WORDS(UNTYPED, 64, FREE, 0)),
				 seL4_DeleteFirst);
		assert_int_equal(call(c, ROOT, label, CAPS(ROOT), WORDS(FREE, 64, FREE, 65)),
				 seL4_RangeError);
		/* An empty source, before the arguments of the operation. */
		assert_int_equal(call(c, ROOT, label, CAPS(ROOT), WORDS(FREE, 64, FREE + 1, 64)),
				 seL4_FailedLookup);
		assert_int_equal(c->mr[0], 1);
		assert_int_equal(c->mr[1], seL4_MissingCapability);
		assert_int_equal(c->mr[2], 64);
		if (label != CNodeMove)
			assert_int_equal(call(c, ROOT, label, CAPS(ROOT), WORDS(FREE, 64, UNTYPED, 64)),
					 seL4_TruncatedMessage);
	}
	assert_int_equal(call(c, ROOT, CNodeMint, CAPS(ROOT), WORDS(FREE, 64, UNTYPED, 64, 15)),
			 seL4_TruncatedMessage);
	assert_true(km_slot_is_empty(slot_at(c, FREE)));
}

static void test_the_order_of_errors_of_rotate(void **state)
{
	struct capspace *c = *state;
	const uint64_t thread = seL4_CapInitThreadTCB;

#define ROTATE(into, pivot, source)                                                                          \
	call(c, ROOT, CNodeRotate, CAPS(ROOT, ROOT), WORDS(into, 64, 0, pivot, 64, 0, source, 64))
	assert_int_equal(call(c, ROOT, CNodeRotate, CAPS(ROOT, ROOT), WORDS(FREE, 64, 0, 0, 0, 0, 0)),
			 seL4_TruncatedMessage);
	assert_int_equal(call(c, ROOT, CNodeRotate, CAPS(ROOT), WORDS(FREE, 64, 0, 0, 0, 0, 0, 0)),
			 seL4_TruncatedMessage);
	/* The source is looked up first, then the pivot; both are sources to those who ask. */
	assert_int_equal(call(c, ROOT, CNodeRotate, CAPS(UNTYPED, ROOT), WORDS(FREE, 64, 0, 0, 64, 0, 0, 65)),
			 seL4_RangeError);
	assert_int_equal(call(c, ROOT, CNodeRotate, CAPS(UNTYPED, ROOT), WORDS(FREE, 64, 0, 0, 64, 0, 0, 64)),
			 seL4_FailedLookup);
	assert_int_equal(c->mr[0], 1);
	assert_int_equal(c->mr[1], seL4_InvalidRoot);
	/* The pivot is another slot than both, before anything is asked of what they hold. */
	assert_int_equal(ROTATE(thread, UNTYPED, UNTYPED), seL4_IllegalOperation);
	assert_int_equal(ROTATE(UNTYPED, UNTYPED, FREE), seL4_IllegalOperation);
	assert_int_equal(ROTATE(thread, FREE, UNTYPED), seL4_DeleteFirst);
	assert_int_equal(ROTATE(FREE, FREE + 1, FREE + 2), seL4_FailedLookup);
	assert_int_equal(c->mr[0], 1); /* the source's */
	assert_int_equal(ROTATE(FREE, FREE + 1, UNTYPED), seL4_FailedLookup);
	assert_int_equal(c->mr[0], 0); /* the pivot's */
	assert_int_equal(c->mr[1], seL4_MissingCapability);
	assert_int_equal(c->mr[2], 64);
	/* What has a badge cannot be rotated: the badge would be set anew. */
	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 0, FREE + 1, 1), seL4_NoError);
	assert_int_equal(ROTATE(FREE, thread, FREE + 1), seL4_IllegalOperation);
	assert_int_equal(ROTATE(FREE, FREE + 1, thread), seL4_IllegalOperation);
}

static void test_rotate_moves_or_swaps(void **state)
{
	struct capspace *c = *state;
	struct km_cap untyped = cap_at(c, UNTYPED);

	assert_int_equal(retype(c, UNTYPED, seL4_CapTableObject, 4, FREE, 2), seL4_NoError);
	struct km_cap first = cap_at(c, FREE), second = cap_at(c, FREE + 1);
	/* Pivot to destination, source to pivot; both get a guard. */
	assert_int_equal(call(c, ROOT, CNodeRotate, CAPS(ROOT, ROOT),
			      WORDS(FREE + 2, 64, 3 << 6 | 2, FREE + 1, 64, 1 << 6 | 1, FREE, 64)),
			 seL4_NoError);
	assert_true(km_slot_is_empty(slot_at(c, FREE)));
	assert_int_equal(cap_at(c, FREE + 2).object, second.object);
	assert_int_equal(cap_at(c, FREE + 2).guard_size, 2);
	assert_int_equal(cap_at(c, FREE + 2).word, 3);
	assert_int_equal(cap_at(c, FREE + 1).object, first.object);
	assert_int_equal(cap_at(c, FREE + 1).guard_size, 1);
	assert_int_equal(cap_at(c, FREE + 1).word, 1);
	assert_sound(c);
	/* Source and destination are one: a swap. The two are neighbours in the tree. */
	assert_int_equal(call(c, ROOT, CNodeRotate, CAPS(ROOT, ROOT),
			      WORDS(FREE + 1, 64, 0, FREE + 2, 64, 0, FREE + 1, 64)),
			 seL4_NoError);
	assert_int_equal(cap_at(c, FREE + 1).object, second.object);
	assert_int_equal(cap_at(c, FREE + 2).object, first.object);
	assert_sound(c);
	/* And the other way round. */
	assert_int_equal(call(c, ROOT, CNodeRotate, CAPS(ROOT, ROOT),
			      WORDS(FREE + 2, 64, 0, FREE + 1, 64, 0, FREE + 2, 64)),
			 seL4_NoError);
	assert_int_equal(cap_at(c, FREE + 1).object, first.object);
	assert_sound(c);
	/* Not neighbours: with the thread. */
	assert_int_equal(call(c, ROOT, CNodeRotate, CAPS(ROOT, ROOT),
			      WORDS(FREE + 1, 64, 0, seL4_CapInitThreadTCB, 64, 0, FREE + 1, 64)),
			 seL4_NoError);
	assert_int_equal(cap_at(c, FREE + 1).type, KM_CAP_THREAD);
	assert_sound(c);
	assert_int_equal(call(c, ROOT, CNodeRotate, CAPS(ROOT, ROOT),
			      WORDS(FREE + 1, 64, 0, seL4_CapInitThreadTCB, 64, 0, FREE + 1, 64)),
			 seL4_NoError);
	/* Both are still children of the untyped memory. */
	assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
	assert_true(km_slot_is_empty(slot_at(c, FREE + 1)) && km_slot_is_empty(slot_at(c, FREE + 2)));
	assert_int_equal(cap_at(c, UNTYPED).object, untyped.object);
}

static void test_cancel_badged_sends_needs_all_rights(void **state)
{
	struct capspace *c = *state;

	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 0, FREE, 1), seL4_NoError);
	assert_int_equal(retype(c, UNTYPED, seL4_NotificationObject, 0, FREE + 1, 1), seL4_NoError);
#define CANCEL(slot) call(c, ROOT, CNodeCancelBadgedSends, NO_CAPS, WORDS(slot, 64))
	assert_int_equal(CANCEL(FREE), seL4_NoError); /* badge 0 */
	assert_int_equal(CANCEL(FREE + 1), seL4_IllegalOperation);
	assert_int_equal(CANCEL(FREE + 9), seL4_IllegalOperation); /* empty */
	for (unsigned rights = 0; rights < KM_ALL_RIGHTS; rights++) {
		assert_int_equal(mint(c, FREE, FREE + 2, rights, 7), seL4_NoError);
		assert_int_equal(CANCEL(FREE + 2), seL4_IllegalOperation);
		assert_int_equal(delete (c, FREE + 2), seL4_NoError);
	}
	assert_int_equal(mint(c, FREE, FREE + 2, KM_ALL_RIGHTS, 7), seL4_NoError);
	assert_int_equal(CANCEL(FREE + 2), seL4_NoError);
}

static void test_an_empty_slot_may_be_revoked_and_deleted(void **state)
{
	struct capspace *c = *state;

	assert_int_equal(revoke(c, FREE), seL4_NoError);
	assert_int_equal(delete (c, FREE), seL4_NoError);
}

/* ---- what becomes of a capability ---- */

static void test_a_badge_is_set_once_and_only_in_a_copy(void **state)
{
	static const uint64_t types[] = {seL4_EndpointObject, seL4_NotificationObject};
	struct capspace *c = *state;

	for (unsigned i = 0; i < 2; i++) {
		uint64_t at = FREE + 10 * i;

		assert_int_equal(retype(c, UNTYPED, types[i], 0, at, 1), seL4_NoError);
		assert_int_equal(mint(c, at, at + 1, KM_ALL_RIGHTS, UINT64_MAX), seL4_NoError);
		assert_int_equal(cap_at(c, at + 1).word, UINT64_MAX);
		assert_int_equal(mint(c, at + 1, at + 2, KM_ALL_RIGHTS, 3), seL4_IllegalOperation);
		assert_int_equal(mint(c, at + 1, at + 2, KM_ALL_RIGHTS, 0), seL4_IllegalOperation);
		assert_int_equal(mutate(c, at, at + 2, 3), seL4_IllegalOperation);
		assert_int_equal(mutate(c, at, at + 2, 0), seL4_IllegalOperation);
		/* Badge 0 leaves it without a badge, and so it may be set later. */
		assert_int_equal(mint(c, at, at + 2, KM_ALL_RIGHTS, 0), seL4_NoError);
		assert_int_equal(mint(c, at + 2, at + 3, KM_ALL_RIGHTS, 5), seL4_NoError);
		assert_int_equal(copy(c, at + 3, at + 4), seL4_NoError);
		assert_int_equal(cap_at(c, at + 4).word, 5);
		assert_int_equal(move(c, at + 4, at + 5), seL4_NoError);
		assert_int_equal(cap_at(c, at + 5).word, 5);
	}
}

static void test_a_guard_is_data_of_mint_and_mutate(void **state)
{
	struct capspace *c = *state;

	node_new(c, FREE, 4, 0, 0);
	/* The guard is cut to its size. */
	assert_int_equal(mint(c, FREE, FREE + 1, 0, UINT64_MAX << 6 | 3), seL4_NoError);
	assert_int_equal(cap_at(c, FREE + 1).guard_size, 3);
	assert_int_equal(cap_at(c, FREE + 1).word, 7);
	assert_int_equal(mint(c, FREE, FREE + 2, 0, 61), seL4_IllegalOperation);
	assert_int_equal(mutate(c, FREE, FREE + 2, 61), seL4_IllegalOperation);
	assert_int_equal(mutate(c, FREE, FREE + 2, (UINT64_C(1) << 57) << 6 | 60), seL4_NoError);
	assert_int_equal(cap_at(c, FREE + 2).guard_size, 60);
	assert_int_equal(cap_at(c, FREE + 2).word, UINT64_C(1) << 57);
	/* Copy keeps it. */
	assert_int_equal(copy(c, FREE + 1, FREE + 3), seL4_NoError);
	assert_int_equal(cap_at(c, FREE + 3).word, 7);
}

static void test_rights_only_shrink(void **state)
{
	static const struct {
		uint64_t type;
		unsigned all;
	} objects[] = {{seL4_EndpointObject, KM_ALL_RIGHTS},
		       {seL4_NotificationObject, KM_READ | KM_WRITE},
		       {seL4_ReplyObject, KM_GRANT}};
	struct capspace *c = *state;

	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(retype(c, UNTYPED, objects[i].type, 0, FREE, 1), seL4_NoError);
		for (unsigned rights = 0; rights <= KM_ALL_RIGHTS; rights++) {
			assert_int_equal(mint(c, FREE, FREE + 1, rights, 0), seL4_NoError);
			assert_int_equal(cap_at(c, FREE + 1).rights, rights & objects[i].all);
			assert_int_equal(copy(c, FREE + 1, FREE + 2), seL4_NoError);
			assert_int_equal(cap_at(c, FREE + 2).rights, rights & objects[i].all);
			assert_int_equal(revoke(c, FREE), seL4_NoError);
		}
		assert_int_equal(delete (c, FREE), seL4_NoError);
	}
	/* Words above the four bits are nobody's. */
	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 0, FREE, 1), seL4_NoError);
	assert_int_equal(mint(c, FREE, FREE + 1, UINT64_MAX - KM_GRANT, 0), seL4_NoError);
	assert_int_equal(cap_at(c, FREE + 1).rights, KM_ALL_RIGHTS - KM_GRANT);
}

static void test_a_frame_is_readable_or_for_the_kernel_alone(void **state)
{
	struct capspace *c = *state;

	assert_int_equal(retype(c, UNTYPED, seL4_X86_4K, 0, FREE, 1), seL4_NoError);
	assert_int_equal(mint(c, FREE, FREE + 1, KM_READ, 0), seL4_NoError);
	assert_int_equal(cap_at(c, FREE + 1).rights, KM_READ);
	assert_int_equal(mint(c, FREE, FREE + 2, KM_WRITE, 0), seL4_NoError);
	assert_int_equal(cap_at(c, FREE + 2).rights, 0);
	assert_int_equal(copy(c, FREE + 1, FREE + 3), seL4_NoError);
	assert_int_equal(cap_at(c, FREE + 3).rights, KM_READ);
}

static void test_what_there_is_one_of_is_moved_not_copied(void **state)
{
	static const uint64_t slots[] = {seL4_CapIRQControl, seL4_CapIOPortControl};
	struct capspace *c = *state;

	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(copy(c, slots[i], FREE), seL4_IllegalOperation);
		assert_int_equal(mint(c, slots[i], FREE, 15, 0), seL4_IllegalOperation);
		assert_int_equal(move(c, slots[i], FREE), seL4_NoError);
		assert_int_equal(mutate(c, FREE, slots[i], 0), seL4_NoError);
	}
}

static void test_a_page_table_without_a_mapping_is_not_copied(void **state)
{
	static const uint64_t types[] = {seL4_X86_PageTableObject, seL4_X86_PageDirectoryObject,
					 seL4_X86_PDPTObject, seL4_X64_PML4Object};
	struct capspace *c = *state;

	for (unsigned i = 0; i < 4; i++) {
		assert_int_equal(retype(c, UNTYPED, types[i], 0, FREE + 2 * i, 1), seL4_NoError);
		assert_int_equal(copy(c, FREE + 2 * i, FREE + 2 * i + 1), seL4_IllegalOperation);
	}
	assert_int_equal(copy(c, seL4_CapInitThreadVSpace, FREE + 1), seL4_NoError);
}

static void test_untyped_memory_with_children_is_not_copied(void **state)
{
	struct capspace *c = *state;

	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 0, FREE, 1), seL4_NoError);
	assert_int_equal(copy(c, UNTYPED, FREE + 1), seL4_RevokeFirst);
	assert_int_equal(delete (c, FREE), seL4_NoError);
	assert_int_equal(copy(c, UNTYPED, FREE + 1), seL4_NoError);
	/* The source is full, until its copy is gone; the copy has all. */
	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 0, FREE, 1), seL4_NotEnoughMemory);
	assert_int_equal(c->mr[0], 0);
	assert_int_equal(retype(c, FREE + 1, seL4_UntypedObject, 20, FREE, 1), seL4_NoError);
	/* The copy has children of its own. */
	assert_int_equal(retype(c, FREE + 1, seL4_UntypedObject, 20, FREE + 2, 1), seL4_NotEnoughMemory);
	assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
	assert_true(km_slot_is_empty(slot_at(c, FREE)) && km_slot_is_empty(slot_at(c, FREE + 1)));
	assert_int_equal(retype(c, UNTYPED, seL4_UntypedObject, 20, FREE, 1), seL4_NoError);
}

/* ---- messages ---- */

static void test_a_receive_slot_is_one_empty_slot_or_none(void **state)
{
	struct capspace *c = *state;
	km_word *buffer = km_ipc_buffer(c->k, c->tcb, 1);

#define RECEIVE(root, index, depth)                                                                          \
	(buffer[125] = (root), buffer[126] = (index), buffer[127] = (depth),                                 \
	 km_receive_slot(c->k, c->tcb, buffer))
	assert_ptr_equal(RECEIVE(ROOT, FREE, 64), slot_at(c, FREE));
	assert_null(RECEIVE(ROOT, UNTYPED, 64)); /* taken */
	assert_null(RECEIVE(UNTYPED, FREE, 64)); /* no CNode */
	assert_null(RECEIVE(ROOT, FREE, 0));
	assert_null(RECEIVE(ROOT, FREE, (UINT64_C(1) << 32) + 64));
	assert_null(RECEIVE(UINT64_C(1) << 60, FREE, 64)); /* not found */
	assert_null(RECEIVE(ROOT, UINT64_C(1) << 60, 64));
	assert_null(km_receive_slot(c->k, c->tcb, NULL));
}

static void test_capabilities_of_a_message_are_slots(void **state)
{
	struct capspace *c = *state;
	km_word *buffer = km_ipc_buffer(c->k, c->tcb, 1);

	buffer[122] = UNTYPED;
	buffer[123] = FREE; /* an empty one is a slot, too */
	buffer[124] = ROOT;
	assert_int_equal(km_lookup_extra(c->k, c->tcb, buffer, 3), KM_OK);
	assert_ptr_equal(c->k->extra[0], slot_at(c, UNTYPED));
	assert_ptr_equal(c->k->extra[1], slot_at(c, FREE));
	assert_ptr_equal(c->k->extra[2], slot_at(c, ROOT));
	assert_int_equal(km_lookup_extra(c->k, c->tcb, buffer, 1), KM_OK);
	assert_null(c->k->extra[1]);
	assert_int_equal(km_lookup_extra(c->k, c->tcb, NULL, 3), KM_OK);
	assert_null(c->k->extra[0]);
	buffer[123] = UINT64_C(1) << 40;
	assert_int_equal(km_lookup_extra(c->k, c->tcb, buffer, 2), KM_LOOKUP_FAULT);
	assert_int_equal(c->k->fault.type, seL4_Fault_CapFault);
	assert_int_equal(c->k->fault.address, UINT64_C(1) << 40);
	assert_int_equal(c->k->fault.in_receive, 0);
	assert_int_equal(c->k->fault.lookup.type, seL4_GuardMismatch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPSPACE_TEST(test_the_guard_is_checked_before_the_depth),
		CAPSPACE_TEST(test_what_is_no_cnode_is_no_root),
		CAPSPACE_TEST(test_sixty_four_levels_resolve),
		CAPSPACE_TEST(test_guards_of_every_size),
		CAPSPACE_TEST(test_an_invocation_ignores_left_over_bits),
		CAPSPACE_TEST(test_a_target_uses_up_all_its_bits),
		CAPSPACE_TEST(test_a_depth_out_of_range_says_the_range),
		CAPSPACE_TEST(test_a_root_that_is_no_cnode_is_named),
		CAPSPACE_TEST(test_a_guard_mismatch_says_what_the_guard_is),
		CAPSPACE_TEST(test_the_order_of_errors_of_every_operation),
		CAPSPACE_TEST(test_the_order_of_errors_of_a_transfer),
		CAPSPACE_TEST(test_the_order_of_errors_of_rotate),
		CAPSPACE_TEST(test_rotate_moves_or_swaps),
		CAPSPACE_TEST(test_cancel_badged_sends_needs_all_rights),
		CAPSPACE_TEST(test_an_empty_slot_may_be_revoked_and_deleted),
		CAPSPACE_TEST(test_a_badge_is_set_once_and_only_in_a_copy),
		CAPSPACE_TEST(test_a_guard_is_data_of_mint_and_mutate),
		CAPSPACE_TEST(test_rights_only_shrink),
		CAPSPACE_TEST(test_a_frame_is_readable_or_for_the_kernel_alone),
		CAPSPACE_TEST(test_what_there_is_one_of_is_moved_not_copied),
		CAPSPACE_TEST(test_a_page_table_without_a_mapping_is_not_copied),
		CAPSPACE_TEST(test_untyped_memory_with_children_is_not_copied),
		CAPSPACE_TEST(test_a_receive_slot_is_one_empty_slot_or_none),
		CAPSPACE_TEST(test_capabilities_of_a_message_are_slots),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
