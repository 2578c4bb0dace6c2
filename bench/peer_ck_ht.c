/* Concurrency Kit's hash table (ck_ht) with keys of a word, its own hash, read as one reader of several would.
 *
 * Not shown: that readers go on while the one writer changes it, which is what it is for. */
#include <ck_ht.h>
#include <ck_malloc.h>
#include <stdlib.h>
#include "bench/table.h"

static void *ht_malloc(size_t bytes) { return malloc(bytes); }
static void ht_free(void *memory, size_t bytes, bool defer) { (void)bytes, (void)defer, free(memory); }

static struct ck_malloc allocator = {.malloc = ht_malloc, .free = ht_free};

static void *ht_make(uint32_t names)
{
	ck_ht_t *table = calloc(1, sizeof(*table));

	if (table && ck_ht_init(table, CK_HT_MODE_DIRECT, NULL, &allocator, (CK_HT_TYPE)names * 2, 1))
		return table;
	free(table);
	return NULL;
}

static int ht_put(void *table, uint64_t name, uint64_t value)
{
	ck_ht_hash_t hash;
	ck_ht_entry_t entry;

	ck_ht_hash_direct(&hash, table, (uintptr_t)name);
	ck_ht_entry_set_direct(&entry, hash, (uintptr_t)name, (uintptr_t)value);
	return ck_ht_put_spmc(table, hash, &entry) ? 0 : -1;
}

static uint64_t ht_follow(void *table, uint64_t name, uint32_t steps)
{
	while (steps--) {
		ck_ht_hash_t hash;
		ck_ht_entry_t entry;

		ck_ht_hash_direct(&hash, table, (uintptr_t)name);
		ck_ht_entry_key_set_direct(&entry, (uintptr_t)name);
		if (!ck_ht_get_spmc(table, hash, &entry))
			return 0;
		name = (uint64_t)ck_ht_entry_value_direct(&entry);
	}
	return name;
}

static void ht_drop(void *table)
{
	ck_ht_destroy(table);
	free(table);
}

const struct bench_table bench_table_ck = {
	.make = ht_make, .put = ht_put, .follow = ht_follow, .drop = ht_drop};
