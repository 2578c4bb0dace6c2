/* ssi/checker/checker_store.c - the set of packed states: records one behind the other, and a table of them.
 *
 * The arena's addresses are reserved at the start and its pages are taken as it grows, so a record never moves;
 * the order of the records is the order of the search. */
#include <errno.h>
#include <sys/mman.h>
#include "ssi/checker/checker_internal.h"

#define UNIT        4u
#define HEAD        6u /* parent 4, length 2 */
#define TABLE_FIRST (1u << 12)

static void *reserve(uint64_t size)
{
	void *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

int checker_store_init(struct checker_store *s, uint64_t memory_max)
{
	const uint64_t most = (uint64_t)UINT32_MAX * UNIT;
	*s = (struct checker_store){.used = UNIT, .table_size = TABLE_FIRST, .memory_max = memory_max};
	s->reserved = memory_max < most ? memory_max : most;
	s->arena = reserve(s->reserved);
	s->table = reserve(s->table_size * sizeof *s->table);
	if (s->arena && s->table)
		return 0;
	checker_store_fini(s);
	return -ENOMEM;
}

void checker_store_fini(struct checker_store *s)
{
	if (s->arena)
		munmap(s->arena, s->reserved);
	if (s->table)
		munmap(s->table, s->table_size * sizeof *s->table);
	s->arena = NULL, s->table = NULL;
}

uint64_t checker_hash(const uint8_t *bytes, uint32_t length)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ length, v;
	for (; length >= 8; length -= 8, bytes += 8) {
		memcpy(&v, bytes, 8);
		h = (h ^ v) * 0xd6e8feb86659fd93u;
		h ^= h >> 32;
	}
	v = 0;
	memcpy(&v, bytes, length);
	h = (h ^ v) * 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ h >> 29;
}

void checker_store_prefetch(const struct checker_store *s, uint64_t hash)
{
	__builtin_prefetch(&s->table[hash & (s->table_size - 1)]);
}

void checker_store_prefetch_record(const struct checker_store *s, uint64_t hash)
{
	__builtin_prefetch(s->arena + (uint64_t)s->table[hash & (s->table_size - 1)] * UNIT);
}

const uint8_t *checker_store_bytes(const struct checker_store *s, uint32_t unit, uint32_t *length)
{
	const uint8_t *r = s->arena + (uint64_t)unit * UNIT;
	uint16_t n;
	memcpy(&n, r + 4, sizeof n);
	*length = n;
	return r + HEAD;
}

uint32_t checker_store_parent(const struct checker_store *s, uint32_t unit)
{
	uint32_t parent;
	memcpy(&parent, s->arena + (uint64_t)unit * UNIT, sizeof parent);
	return parent;
}

uint32_t checker_store_next(const struct checker_store *s, uint32_t unit)
{
	uint32_t length;
	checker_store_bytes(s, unit, &length);
	return unit + (HEAD + length + UNIT - 1) / UNIT;
}

uint32_t checker_store_end(const struct checker_store *s) { return (uint32_t)(s->used / UNIT); }

uint64_t checker_store_size_bytes(const struct checker_store *s)
{
	return s->used + s->table_size * sizeof *s->table;
}

/* Doubles the table. The records are read in order, so only the new table is visited at random. */
static int grow(struct checker_store *s)
{
	const uint64_t size = s->table_size * 2;
	if (s->used + (s->table_size + size) * sizeof *s->table > s->memory_max)
		return -ENOMEM;
	uint32_t *table = reserve(size * sizeof *table);
	if (!table)
		return -ENOMEM;
	for (uint32_t unit = STORE_FIRST; unit < checker_store_end(s); unit = checker_store_next(s, unit)) {
		uint32_t length;
		const uint8_t *bytes = checker_store_bytes(s, unit, &length);
		uint64_t i = checker_hash(bytes, length) & (size - 1);
		while (table[i])
			i = (i + 1) & (size - 1);
		table[i] = unit;
	}
	munmap(s->table, s->table_size * sizeof *s->table);
	s->table = table;
	s->table_size = size;
	return 0;
}

static int append(struct checker_store *s, const uint8_t *bytes, uint32_t length, uint32_t parent)
{
	const uint64_t size = (HEAD + (uint64_t)length + UNIT - 1) / UNIT * UNIT;
	if (s->used + size > s->reserved || checker_store_size_bytes(s) + size > s->memory_max)
		return -ENOMEM;
	uint8_t *r = s->arena + s->used;
	const uint16_t n = (uint16_t)length;
	memcpy(r, &parent, sizeof parent);
	memcpy(r + 4, &n, sizeof n);
	memcpy(r + HEAD, bytes, length);
	s->used += size;
	s->states++;
	return 0;
}

int checker_store_insert(struct checker_store *s, uint64_t hash, const uint8_t *bytes, uint32_t length,
			 uint32_t parent)
{
	uint64_t i = hash & (s->table_size - 1);
	for (; s->table[i]; i = (i + 1) & (s->table_size - 1)) {
		uint32_t n;
		const uint8_t *other = checker_store_bytes(s, s->table[i], &n);
		if (n == length && !memcmp(other, bytes, n))
			return 0;
	}
	const uint32_t unit = checker_store_end(s);
	if (append(s, bytes, length, parent))
		return -ENOMEM;
	s->table[i] = unit;
	/* Denser than three quarters, the table is grown; where there is no room, it may fill to 15/16. */
	if (s->states * 4 > s->table_size * 3 && grow(s) && s->states * 16 > s->table_size * 15)
		return -ENOMEM;
	return 1;
}
