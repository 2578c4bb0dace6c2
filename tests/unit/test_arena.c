/* sim/arena.h: memory of one run. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>
#include "sim/arena.h"

static void test_memory_is_zeroed_aligned_and_apart(void **state)
{
	struct sim_arena arena;
	unsigned char *before = NULL;
	size_t before_bytes = 0;

	(void)state;
	assert_int_equal(sim_arena_init(&arena, 1 << 20, 0), 0);
	for (size_t align = 1; align <= 4096; align *= 2) {
		size_t bytes = align * 3 + 1;
		unsigned char *at = sim_arena_take(&arena, bytes, align);

		assert_non_null(at);
		assert_int_equal((uintptr_t)at % align, 0);
		assert_true(!before || at >= before + before_bytes);
		for (size_t i = 0; i < bytes; i++)
			assert_int_equal(at[i], 0);
		memset(at, 0xff, bytes);
		before = at;
		before_bytes = bytes;
	}
	sim_arena_fini(&arena);
}

static void test_a_full_arena_gives_null_and_stays_usable(void **state)
{
	struct sim_arena arena;

	(void)state;
	assert_int_equal(sim_arena_init(&arena, 8192, 0), 0);
	assert_non_null(sim_arena_take(&arena, 8000, 1));
	assert_null(sim_arena_take(&arena, 193, 1));
	assert_null(sim_arena_take(&arena, 1, 1 << 20));
	assert_null(sim_arena_take(&arena, SIZE_MAX, 64));
	assert_non_null(sim_arena_take(&arena, 192, 1));
	assert_null(sim_arena_take(&arena, 1, 1));
	sim_arena_fini(&arena);
}

static void test_huge_arenas_begin_on_a_huge_page(void **state)
{
	struct sim_arena arena;

	(void)state;
	for (int i = 0; i < 4; i++) {
		char *at;

		assert_int_equal(sim_arena_init(&arena, 3 << 20, 1), 0);
		at = sim_arena_take(&arena, 4 << 20, 64);
		assert_non_null(at); /* the size is rounded up to huge pages */
		assert_int_equal((uintptr_t)at % (2 << 20), 0);
		at[0] = at[(4 << 20) - 1] = 1;
		sim_arena_fini(&arena);
		assert_null(arena.base);
	}
}

static void test_too_much_is_refused(void **state)
{
	struct sim_arena arena;

	(void)state;
	assert_int_equal(sim_arena_init(&arena, SIZE_MAX, 0), -ENOMEM);
	assert_int_equal(sim_arena_init(&arena, (size_t)1 << 60, 1), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory_is_zeroed_aligned_and_apart),
		cmocka_unit_test(test_a_full_arena_gives_null_and_stays_usable),
		cmocka_unit_test(test_huge_arenas_begin_on_a_huge_page),
		cmocka_unit_test(test_too_much_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
