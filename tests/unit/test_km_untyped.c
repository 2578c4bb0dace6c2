/* kernelmodel/untyped.c: what Retype makes, where, and which error a wrong request gets. */
#include "tests/unit/km_capspace.h"
#include <string.h>

/* Retype with everything: slots [offset, offset + count) of the CNode that (root, index, depth) names. */
#define RETYPE(untyped, type, bits, root, index, depth, offset, count)                                       \
	call(c, untyped, UntypedRetype, CAPS(root), WORDS(type, bits, index, depth, offset, count))

static unsigned char *memory(struct capspace *c) { return km_cap_object(c->k, cap_at(c, UNTYPED)); }

static km_word free_bytes_used(struct capspace *c, uint64_t slot)
{
	return cap_at(c, slot).word << KM_GRANULE_BITS;
}

/* A device untyped of 1 MiB. */
static uint64_t device(struct capspace *c)
{
	for (uint64_t i = seL4_NumInitialCaps; i < FREE; i++) {
		if (cap_at(c, i).type == KM_CAP_UNTYPED && cap_at(c, i).flag)
			return i;
	}
	fail_msg("no device memory");
	return 0;
}

/* ---- errors, in the order of the checks: each request is wrong in all later ways, too ---- */

static void test_label_and_length_come_first(void **state)
{
	struct capspace *c = *state;

	assert_int_equal(call(c, UNTYPED, UntypedRetype + 1, NO_CAPS, NO_WORDS), seL4_IllegalOperation);
	assert_int_equal(call(c, UNTYPED, InvalidInvocation, NO_CAPS, NO_WORDS), seL4_IllegalOperation);
	assert_int_equal(call(c, UNTYPED, UntypedRetype, CAPS(ROOT), WORDS(99, 99, 0, 99, 99)),
			 seL4_TruncatedMessage);
	assert_int_equal(call(c, UNTYPED, UntypedRetype, NO_CAPS, WORDS(99, 99, 0, 99, 99, 999)),
			 seL4_TruncatedMessage);
}

static void test_then_the_type_and_the_size(void **state)
{
	static const struct {
		uint64_t type, bits;
	} too_large[] = {{seL4_UntypedObject, 48},          {seL4_UntypedObject, 64},
			 {seL4_CapTableObject, 43},         {seL4_CapTableObject, 63},
			 {seL4_CapTableObject, UINT64_MAX}, {seL4_SchedContextObject, 48},
			 {seL4_EndpointObject, 64},         {seL4_X86_4K, UINT64_C(1) << 32}},
	  too_small[] = {{seL4_UntypedObject, 3},
			 {seL4_UntypedObject, 0},
			 {seL4_CapTableObject, 0},
			 {seL4_SchedContextObject, 6},
			 {seL4_SchedContextObject, 0}};
	struct capspace *c = *state;

	assert_int_equal(RETYPE(UNTYPED, 14, 64, UNTYPED, 0, 99, 99999, 999), seL4_InvalidArgument);
	assert_int_equal(c->mr[0], 0);
	assert_int_equal(RETYPE(UNTYPED, UINT64_C(1) << 32, 4, ROOT, 0, 0, FREE, 1), seL4_InvalidArgument);
	for (unsigned i = 0; i < sizeof too_large / sizeof too_large[0]; i++) {
		assert_int_equal(
			RETYPE(UNTYPED, too_large[i].type, too_large[i].bits, UNTYPED, 0, 99, 99999, 999),
			seL4_RangeError);
		assert_int_equal(c->mr[0], 0);
		assert_int_equal(c->mr[1], 47);
	}
	for (unsigned i = 0; i < sizeof too_small / sizeof too_small[0]; i++) {
		assert_int_equal(
			RETYPE(UNTYPED, too_small[i].type, too_small[i].bits, UNTYPED, 0, 99, 99999, 999),
			seL4_InvalidArgument);
		assert_int_equal(c->mr[0], 1);
	}
	/* The largest sizes are sizes; there is just not that much memory. */
	assert_int_equal(retype(c, UNTYPED, seL4_UntypedObject, 47, FREE, 1), seL4_NotEnoughMemory);
	assert_int_equal(retype(c, UNTYPED, seL4_CapTableObject, 42, FREE, 1), seL4_NotEnoughMemory);
	/* The size of an object that has but one is not looked at, below the width of a word. */
	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 63, FREE, 1), seL4_NoError);
}

static void test_then_the_cnode(void **state)
{
	struct capspace *c = *state;

	/* Depth 0: the root itself, whatever the index. */
	assert_int_equal(RETYPE(UNTYPED, seL4_EndpointObject, 0, UNTYPED, 0, 0, 99999, 999),
			 seL4_FailedLookup);
	assert_int_equal(c->mr[0], 0);
	assert_int_equal(c->mr[1], seL4_MissingCapability);
	assert_int_equal(c->mr[2], 0);
	assert_int_equal(RETYPE(UNTYPED, seL4_EndpointObject, 0, UNTYPED, 0, 65, 99999, 999),
			 seL4_FailedLookup);
	assert_int_equal(c->mr[1], seL4_InvalidRoot);
	assert_int_equal(RETYPE(UNTYPED, seL4_EndpointObject, 0, ROOT, 0, 65, 99999, 999), seL4_RangeError);
	assert_int_equal(c->mr[0], 1);
	assert_int_equal(c->mr[1], 64);
	assert_int_equal(
		RETYPE(UNTYPED, seL4_EndpointObject, 0, ROOT, 0, (UINT64_C(1) << 32) + 64, 99999, 999),
		seL4_RangeError);
	/* Found, but no CNode. */
	assert_int_equal(RETYPE(UNTYPED, seL4_EndpointObject, 0, ROOT, UNTYPED, 64, 99999, 999),
			 seL4_FailedLookup);
	assert_int_equal(c->mr[0], 0);
	assert_int_equal(c->mr[1], seL4_MissingCapability);
	assert_int_equal(c->mr[2], 64);
	assert_int_equal(RETYPE(UNTYPED, seL4_EndpointObject, 0, ROOT, FREE, 64, 99999, 999),
			 seL4_FailedLookup);
}

static void test_then_the_window(void **state)
{
	const uint64_t slots = UINT64_C(1) << ROOT_BITS;
	struct capspace *c = *state;

	assert_int_equal(RETYPE(UNTYPED, seL4_UntypedObject, 47, ROOT, 0, 0, slots, 999), seL4_RangeError);
	assert_int_equal(c->mr[0], 0);
	assert_int_equal(c->mr[1], slots - 1);
	for (uint64_t count = 0; count <= 257; count += 257) {
		assert_int_equal(RETYPE(UNTYPED, seL4_UntypedObject, 47, ROOT, 0, 0, slots - 1, count),
				 seL4_RangeError);
		assert_int_equal(c->mr[0], 1);
		assert_int_equal(c->mr[1], 256);
	}
	assert_int_equal(RETYPE(UNTYPED, seL4_UntypedObject, 47, ROOT, 0, 0, slots - 2, 3), seL4_RangeError);
	assert_int_equal(c->mr[0], 1);
	assert_int_equal(c->mr[1], 2);
	/* The last of the window is taken. */
	assert_int_equal(RETYPE(UNTYPED, seL4_UntypedObject, 47, ROOT, 0, 0, UNTYPED - 2, 3),
			 seL4_DeleteFirst);
}

static void test_then_the_memory_and_last_the_device(void **state)
{
	struct capspace *c = *state;
	uint64_t dev = device(c);

	assert_int_equal(retype(c, dev, seL4_X86_LargePageObject, 0, FREE, 1), seL4_NotEnoughMemory);
	assert_int_equal(c->mr[0], 1 << 20);
	assert_int_equal(retype(c, dev, seL4_CapTableObject, 16, FREE, 1), seL4_NotEnoughMemory);
	for (uint64_t type = 0; type < seL4_ObjectTypeCount; type++) {
		if (type == seL4_UntypedObject || type == seL4_X86_4K || type == seL4_X86_LargePageObject ||
		    type == seL4_X64_HugePageObject)
			continue;
		assert_int_equal(retype(c, dev, type, 8, FREE, 1), seL4_InvalidArgument);
		assert_int_equal(c->mr[0], 1);
	}
	assert_int_equal(retype(c, dev, seL4_X86_4K, 0, FREE, 2), seL4_NoError);
	assert_true(cap_at(c, FREE + 1).flag);
	assert_int_equal(km_cap_paddr(cap_at(c, FREE + 1)), UINT64_C(0xfe001000));
	assert_int_equal(retype(c, dev, seL4_UntypedObject, 13, FREE + 2, 1), seL4_NoError);
	assert_true(cap_at(c, FREE + 2).flag);
	/* A device's frame is no memory that could be cleared: reset costs nothing. */
	uint64_t cleared = c->k->work[KM_WORK_CLEAR];
	assert_int_equal(revoke(c, dev), seL4_NoError);
	assert_int_equal(retype(c, dev, seL4_X86_4K, 0, FREE, 200), seL4_NoError);
	assert_int_equal(c->k->work[KM_WORK_CLEAR], cleared);
	assert_int_equal(km_cap_paddr(cap_at(c, FREE)), UINT64_C(0xfe000000));
}

static void test_not_enough_memory_says_what_is_left(void **state)
{
	struct capspace *c = *state;

	assert_int_equal(retype(c, UNTYPED, seL4_UntypedObject, 19, FREE, 3), seL4_NotEnoughMemory);
	assert_int_equal(c->mr[0], 1 << 20);
	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 0, FREE, 1), seL4_NoError);
	assert_int_equal(retype(c, UNTYPED, seL4_UntypedObject, 20, FREE + 1, 1), seL4_NotEnoughMemory);
	assert_int_equal(c->mr[0], (1 << 20) - 16);
	assert_int_equal(retype(c, UNTYPED, seL4_UntypedObject, 19, FREE + 1, 1), seL4_NoError);
	assert_int_equal(retype(c, UNTYPED, seL4_UntypedObject, 4, FREE + 2, 1), seL4_NotEnoughMemory);
	assert_int_equal(c->mr[0], 0);
	/* Nothing is made by a call that fails. */
	assert_true(km_slot_is_empty(slot_at(c, FREE + 2)));
}

/* ---- objects ---- */

static void test_each_type_has_its_size_and_first_capability(void **state)
{
	static const struct {
		uint64_t type, user_bits;
		unsigned bits, cap_type, rights, size;
	} objects[] = {
		/* clang-format off */
	    {seL4_UntypedObject,           5,  5, KM_CAP_UNTYPED,        0,                  5},
	    {seL4_TCBObject,               0, 11, KM_CAP_THREAD,         0,                  0},
	    {seL4_EndpointObject,          0,  4, KM_CAP_ENDPOINT,       KM_ALL_RIGHTS,      0},
	    {seL4_NotificationObject,      0,  6, KM_CAP_NOTIFICATION,   KM_READ | KM_WRITE, 0},
	    {seL4_CapTableObject,          3,  8, KM_CAP_CNODE,          0,                  3},
	    {seL4_SchedContextObject,      9,  9, KM_CAP_SCHED_CONTEXT,  0,                  9},
	    {seL4_ReplyObject,             0,  5, KM_CAP_REPLY,          KM_GRANT,           0},
	    {seL4_X86_PDPTObject,          0, 12, KM_CAP_PDPT,           0,                  0},
	    {seL4_X64_PML4Object,          0, 12, KM_CAP_PML4,           0,                  0},
	    {seL4_X86_4K,                  0, 12, KM_CAP_FRAME,          KM_READ | KM_WRITE, 12},
	    {seL4_X86_PageTableObject,     0, 12, KM_CAP_PAGE_TABLE,     0,                  0},
	    {seL4_X86_PageDirectoryObject, 0, 12, KM_CAP_PAGE_DIRECTORY, 0,                  0},
		/* clang-format on */
	};
	struct capspace *c = *state;
	km_paddr base = km_cap_paddr(cap_at(c, UNTYPED));

	for (unsigned i = 0; i < sizeof objects / sizeof objects[0]; i++) {
		km_paddr size = (km_paddr)1 << objects[i].bits;
		km_word used = free_bytes_used(c, UNTYPED), at = (used + size - 1) / size * size;

		assert_int_equal(retype(c, UNTYPED, objects[i].type, objects[i].user_bits, FREE + 2 * i, 2),
				 seL4_NoError);
		for (unsigned n = 0; n < 2; n++) {
			struct km_cap cap = cap_at(c, FREE + 2 * i + n);

			assert_int_equal(cap.type, objects[i].cap_type);
			assert_int_equal(cap.rights, objects[i].rights);
			assert_int_equal(cap.size, objects[i].size);
			assert_int_equal(cap.word, 0);
			assert_int_equal(cap.flag, 0);
			assert_int_equal(cap.guard_size, 0);
			/* One behind the other, aligned to the object's size. */
			assert_int_equal(km_cap_paddr(cap), base + at + n * size);
		}
		assert_int_equal(free_bytes_used(c, UNTYPED), at + 2 * size);
		assert_sound(c);
	}
}

static void test_pages_of_all_sizes(void **state)
{
	struct capspace *c = *state;
	struct km_cap cap = km_create_object(c->k, seL4_X86_LargePageObject, 0x200000, 0, 0);

	assert_int_equal(cap.size, 21);
	cap = km_create_object(c->k, seL4_X64_HugePageObject, UINT64_C(1) << 40, 0, 1);
	assert_int_equal(cap.size, 30);
	assert_int_equal(cap.flag, 1);
	assert_int_equal(km_cap_paddr(cap), UINT64_C(1) << 40);
}

static void test_the_window_may_be_in_any_cnode(void **state)
{
	struct capspace *c = *state;

	assert_int_equal(retype(c, UNTYPED, seL4_CapTableObject, 9, FREE, 1), seL4_NoError);
	/* By (root, index, depth), and by the root itself. */
	assert_int_equal(RETYPE(UNTYPED, seL4_EndpointObject, 0, ROOT, FREE, 64, 510, 2), seL4_NoError);
	assert_int_equal(RETYPE(UNTYPED, seL4_EndpointObject, 0, FREE, 12345, 0, 0, 256), seL4_NoError);
	struct km_slot *slots = km_cap_object(c->k, cap_at(c, FREE));
	assert_int_equal(slots[511].cap.type, KM_CAP_ENDPOINT);
	assert_int_equal(slots[255].cap.type, KM_CAP_ENDPOINT);
	assert_true(km_slot_is_empty(&slots[256]));
}

/* ---- memory that is used again ---- */

static void test_untyped_memory_without_children_is_cleared_and_used_again(void **state)
{
	struct capspace *c = *state;
	uint64_t cleared;

	assert_int_equal(retype(c, UNTYPED, seL4_X86_4K, 0, FREE, 2), seL4_NoError);
	memset(memory(c), 0xa5, 8192);
	/* While there is a child, it goes on behind it. */
	assert_int_equal(delete (c, FREE), seL4_NoError);
	assert_int_equal(retype(c, UNTYPED, seL4_X86_4K, 0, FREE, 1), seL4_NoError);
	assert_ptr_equal(km_cap_object(c->k, cap_at(c, FREE)), memory(c) + 8192);
	assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
	assert_int_equal(free_bytes_used(c, UNTYPED), 12288);
	assert_int_equal(memory(c)[5000], 0xa5);
	cleared = c->k->work[KM_WORK_CLEAR];
	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 0, FREE, 1), seL4_NoError);
	assert_int_equal(c->k->work[KM_WORK_CLEAR] - cleared, 12288 / 256);
	assert_ptr_equal(km_cap_object(c->k, cap_at(c, FREE)), memory(c));
	for (unsigned i = 0; i < 12288; i++)
		assert_int_equal(memory(c)[i], 0);
}

static void test_a_clear_may_be_preempted_and_goes_on_where_it_was(void **state)
{
	struct capspace *c = *state;
	const km_word used = 256 * 250 - 16; /* not a whole number of chunks */

	assert_int_equal(retype(c, UNTYPED, seL4_EndpointObject, 0, FREE, 1), seL4_NoError);
	slot_at(c, UNTYPED)->cap.word = used >> KM_GRANULE_BITS;
	assert_int_equal(delete (c, FREE), seL4_NoError);
	memset(memory(c), 0xa5, used);
	c->interrupts = 1;
	c->k->preempt_work = 0;
	set_message(c, UNTYPED, UntypedRetype, CAPS(ROOT), WORDS(seL4_EndpointObject, 0, 0, 0, FREE, 1));
	for (km_word left = 250; left > 50; left -= KM_PREEMPT_WORK) {
		km_word now = (left - KM_PREEMPT_WORK) * 256;

		assert_true(enter_once(c));
		c->tcb->context.next_ip += 2;
		assert_int_equal(free_bytes_used(c, UNTYPED), now);
		assert_int_equal(memory(c)[now - 1], 0xa5);
		for (km_word i = now; i < used; i++)
			assert_int_equal(memory(c)[i], 0);
		assert_true(km_slot_is_empty(slot_at(c, FREE)));
	}
	assert_false(enter_once(c));
	assert_int_equal(cap_at(c, FREE).type, KM_CAP_ENDPOINT);
	assert_int_equal(free_bytes_used(c, UNTYPED), 16);
}

static void test_small_untyped_memory_is_cleared_at_once(void **state)
{
	struct capspace *c = *state;

	assert_int_equal(retype(c, UNTYPED, seL4_UntypedObject, 7, FREE, 1), seL4_NoError);
	assert_int_equal(retype(c, FREE, seL4_NotificationObject, 0, FREE + 1, 2), seL4_NoError);
	assert_int_equal(revoke(c, FREE), seL4_NoError);
	memset(memory(c), 0xa5, 256);
	assert_int_equal(retype(c, FREE, seL4_EndpointObject, 0, FREE + 1, 1), seL4_NoError);
	for (unsigned i = 0; i < 128; i++)
		assert_int_equal(memory(c)[i], 0);
	assert_int_equal(memory(c)[128], 0xa5); /* not its own */
	memset(memory(c), 0, 256);
}

static void test_a_failed_retype_clears_nothing(void **state)
{
	struct capspace *c = *state;

	assert_int_equal(retype(c, UNTYPED, seL4_X86_4K, 0, FREE, 1), seL4_NoError);
	memory(c)[100] = 1;
	assert_int_equal(revoke(c, UNTYPED), seL4_NoError);
	assert_int_equal(retype(c, UNTYPED, seL4_UntypedObject, 21, FREE, 1), seL4_NotEnoughMemory);
	assert_int_equal(memory(c)[100], 1);
	assert_int_equal(free_bytes_used(c, UNTYPED), 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CAPSPACE_TEST(test_label_and_length_come_first),
		CAPSPACE_TEST(test_then_the_type_and_the_size),
		CAPSPACE_TEST(test_then_the_cnode),
		CAPSPACE_TEST(test_then_the_window),
		CAPSPACE_TEST(test_then_the_memory_and_last_the_device),
		CAPSPACE_TEST(test_not_enough_memory_says_what_is_left),
		CAPSPACE_TEST(test_each_type_has_its_size_and_first_capability),
		CAPSPACE_TEST(test_pages_of_all_sizes),
		CAPSPACE_TEST(test_the_window_may_be_in_any_cnode),
		CAPSPACE_TEST(test_untyped_memory_without_children_is_cleared_and_used_again),
		CAPSPACE_TEST(test_a_clear_may_be_preempted_and_goes_on_where_it_was),
		CAPSPACE_TEST(test_small_untyped_memory_is_cleared_at_once),
		CAPSPACE_TEST(test_a_failed_retype_clears_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
