/* tests/unit/test_translate.c - the table of names and slots against a plain array, and how far a lookup has to go
 * where names are as alike as names of capabilities and pages are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <skerry/protocol.h>
#include "ssi/translate.h"

static uint64_t random_state = 0x13198a2e03707344;
static uint32_t below(uint32_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)(((random_state * 0x2545f4914f6cdd1du) >> 32) * limit >> 32);
}

/* ---- against an array ---- */

#define KEYS 700

static void compare(const struct ssi_table *table, const uint64_t *key, const uint64_t *value)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < KEYS; i++) {
		assert_true(ssi_table_find(table, key[i]) == value[i]);
		count += value[i] != SSI_TABLE_NONE;
	}
	assert_int_equal(table->count, count);
}

/* Keys drawn by `draw`, put and removed at random; the table grows, fills and empties several times. */
static void act_like_an_array(uint64_t (*draw)(uint32_t i), uint32_t expected)
{
	static uint64_t key[KEYS], value[KEYS];
	uint32_t grown = 0, replaced = 0, removed = 0, missed = 0;
	struct ssi_table table;
	assert_int_equal(ssi_table_init(&table, expected), 0);
	for (uint32_t i = 0; i < KEYS; i++) {
		key[i] = draw(i);
		value[i] = SSI_TABLE_NONE;
	}
	for (uint32_t step = 0; step < 60000; step++) {
		const uint32_t i = below(KEYS), mask = table.mask;
		const bool fills = step / 10000 % 2 == 0;
		if (below(10) < (fills ? 7u : 3u)) {
			replaced += value[i] != SSI_TABLE_NONE;
			value[i] = step;
			assert_int_equal(ssi_table_put(&table, key[i], step), 0);
		} else {
			removed += value[i] != SSI_TABLE_NONE;
			missed += value[i] == SSI_TABLE_NONE;
			value[i] = SSI_TABLE_NONE;
			ssi_table_remove(&table, key[i]);
		}
		grown += table.mask != mask;
		assert_true(table.count <= (table.mask + 1) / 4 * 3);
		if (step % 500 == 0)
			compare(&table, key, value);
	}
	compare(&table, key, value);
	assert_true(replaced > 100 && removed > 100 && missed > 100);
	assert_true(expected >= KEYS ? !grown : grown > 3); /* sized once, it never grows */
	ssi_table_fini(&table);
	assert_true(ssi_table_find(&table, key[0]) == SSI_TABLE_NONE);
}

static uint64_t draw_random(uint32_t i)
{
	return ((uint64_t)below(UINT32_MAX) << 32 | below(UINT32_MAX)) << 10 | (i + 1);
}
static uint64_t draw_small(uint32_t i) { return i + 1; }
/* The index of a reference is its top 28 bits; nothing else of it differs. */
static uint64_t draw_top(uint32_t i) { return (uint64_t)i << 36 | 1; }
/* All want the same few slots of a small table. */
static uint64_t draw_alike(uint32_t i)
{
	static uint64_t next = 1;
	(void)i;
	while ((ssi_table_slot(next) & 15) > 1)
		next++;
	return next++;
}

static void test_a_table_is_an_array_of_keys_whatever_the_keys(void **state)
{
	(void)state;
	act_like_an_array(draw_random, 0);
	act_like_an_array(draw_small, 0);
	act_like_an_array(draw_top, 0);
	act_like_an_array(draw_alike, 0);
	act_like_an_array(draw_random, KEYS);
}

static void test_an_empty_table_finds_nothing_and_forgets_nothing(void **state)
{
	struct ssi_table table;
	(void)state;
	assert_int_equal(ssi_table_init(&table, 0), 0);
	assert_true(ssi_table_find(&table, 5) == SSI_TABLE_NONE);
	ssi_table_remove(&table, 5);
	assert_int_equal(table.count, 0);
	assert_int_equal(ssi_table_put(&table, 5, 0), 0);
	assert_true(ssi_table_find(&table, 5) == 0);
	ssi_table_remove(&table, 6);
	assert_int_equal(table.count, 1);
	ssi_table_fini(&table);
	ssi_table_fini(&table);
}

/* ---- how far a lookup goes ---- */

struct probes {
	uint32_t longest;
	double mean;
};

static struct probes probes_of(const struct ssi_table *table)
{
	struct probes p = {0};
	uint64_t sum = 0;
	for (uint32_t i = 0; i <= table->mask; i++) {
		const uint64_t key = table->entry[i].key;
		if (!key)
			continue;
		const uint32_t far = (i - (ssi_table_slot(key) & table->mask)) & table->mask;
		sum += far + 1;
		p.longest = far + 1 > p.longest ? far + 1 : p.longest;
	}
	p.mean = (double)sum / table->count;
	return p;
}

static uint64_t ref_word(step_ref r) { return step_ref_word(r); }

/* Names as the machine makes them. */
static uint64_t name_cap(uint32_t i)
{
	return ref_word((step_ref){.node = 3, .machine = 1, .gen = 7, .index = i});
}
static uint64_t name_page(uint32_t i) /* pages 0 to 15 of file i / 16 */
{
	const uint64_t number = (uint64_t)(i / 16) << 16 | i % 16;
	return ref_word(
		(step_ref){.node = 0, .machine = 1, .gen = number >> 28, .index = number & ((1u << 28) - 1)});
}
static uint64_t name_node(uint32_t i) { return ref_word((step_ref){.node = i, .machine = 1, .index = 5}); }
static uint64_t name_gen(uint32_t i)
{
	return ref_word((step_ref){.node = 1, .machine = 1, .gen = i & 4095, .index = i >> 12});
}
static uint64_t name_path(uint32_t i) { return (uint64_t)(i / 100 + 1) << 32 | i % 100; }
static uint64_t name_entry(uint32_t i) { return (uint64_t)(i + 1) << 32 | 3; }

static void test_a_lookup_is_short_though_names_differ_in_few_bits(void **state)
{
	static const struct {
		const char *name;
		uint64_t (*key)(uint32_t i);
	} kinds[] = {{"capabilities", name_cap}, {"pages", name_page}, {"nodes", name_node},
		     {"generations", name_gen},  {"paths", name_path}, {"entries", name_entry}};
	(void)state;
	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
		/* as full as a table gets, at several sizes */
		for (uint32_t size = 1024; size <= 1 << 18; size *= 16) {
			struct ssi_table table;
			assert_int_equal(ssi_table_init(&table, size / 4 * 3), 0);
			for (uint32_t i = 0; i < size / 4 * 3; i++)
				ssi_table_put(&table, kinds[k].key(i), i);
			assert_int_equal(table.mask + 1, size);
			const struct probes p = probes_of(&table);
			/* At three quarters, random keys need (1 + 1 / (1 - 3/4)) / 2 = 2.5 on average, and the
			 * longest run of 2^18 of them is some hundred. */
			if (p.mean > 3 || p.longest > 280)
				fail_msg("%s, %u slots: %.2f probes on average, %u at most", kinds[k].name,
					 size, p.mean, p.longest);
			ssi_table_fini(&table);
		}
	}
}

/* The bound above can fail: keys that want one slot make one long run. */
static void test_the_bound_on_a_lookup_can_fail(void **state)
{
	struct ssi_table table;
	uint64_t key = 1;
	(void)state;
	assert_int_equal(ssi_table_init(&table, 768), 0);
	for (uint32_t i = 0; i < 300; i++, key++) {
		while ((ssi_table_slot(key) & table.mask) != 77)
			key++;
		ssi_table_put(&table, key, i);
	}
	assert_int_equal(probes_of(&table).longest, 300);
	ssi_table_fini(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_table_is_an_array_of_keys_whatever_the_keys),
		cmocka_unit_test(test_an_empty_table_finds_nothing_and_forgets_nothing),
		cmocka_unit_test(test_a_lookup_is_short_though_names_differ_in_few_bits),
		cmocka_unit_test(test_the_bound_on_a_lookup_can_fail),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
