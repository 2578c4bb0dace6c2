/* bench/table.h - tables from a 64-bit name to a 64-bit value, ours and others', for the same chain of lookups.
 *
 * A peer's file is built only if its header is there (BENCH_WITH_...). Layer: bench. */
#ifndef SKERRY_BENCH_TABLE_H
#define SKERRY_BENCH_TABLE_H
#include <stdint.h>

struct bench_table {
	/* A table with room for `names`, or NULL when memory is short. */
	void *(*make)(uint32_t names);
	int (*put)(void *table, uint64_t name, uint64_t value); /* 0, or -1 */
	/* Where `steps` lookups lead that each take the name from the one before. */
	uint64_t (*follow)(void *table, uint64_t name, uint32_t steps);
	void (*drop)(void *table);
};

extern const struct bench_table bench_table_direct, bench_table_own, bench_table_urcu, bench_table_ck;

/* Mixes all bits of a name, for peers that leave the hash to their user. */
static inline uint64_t bench_table_hash(uint64_t name)
{
	uint64_t x = (name ^ name >> 32) * 0x9e3779b97f4a7c15u;

	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

#endif
