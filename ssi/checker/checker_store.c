/* ssi/checker/checker_store.c - the set of states: in each shard, records one behind the other, and a table of them. */
#include <errno.h>
#include "ssi/checker/checker_search.h"

#define HEAD        6u /* parent 4, length 2 */
#define TABLE_FIRST (1u << 9)
#define UNIT_MASK   ((1ull << STATE_BITS) - 1)

static int table_make(struct checker_shard *s, uint64_t size)
{
	struct checker_array a = {0};
	if (!checker_array_more(&a, size * sizeof *s->table))
		return -ENOMEM;
	s->table = (uint64_t *)(void *)a.at;
	s->table_size = a.room / sizeof *s->table;
	return 0;
}

static void table_free(struct checker_shard *s)
{
	struct checker_array a = {.at = (char *)s->table, .room = s->table_size * sizeof *s->table};
	checker_array_free(&a);
}

int checker_store_init(struct checker_store *s)
{
	memset(s, 0, sizeof *s);
	for (uint32_t i = 0; i < STORE_SHARDS; i++) {
		if (table_make(&s->shard[i], TABLE_FIRST) ||
		    !checker_array_push(&s->shard[i].arena, STATE_UNIT))
			return -ENOMEM;
		memset(s->shard[i].arena.at, 0, STATE_UNIT);
	}
	return 0;
}

void checker_store_fini(struct checker_store *s)
{
	for (uint32_t i = 0; i < STORE_SHARDS; i++) {
		checker_array_free(&s->shard[i].arena);
		table_free(&s->shard[i]);
	}
}

/* A place of the table is a unit's number and, in place of the hash's lowest bits, the rest of the hash, whose lowest bits
 * say where it should be. */
static uint64_t place_of(const struct checker_shard *d, uint64_t hash)
{
	return hash >> STATE_BITS & (d->table_size - 1);
}

void checker_store_prefetch(const struct checker_store *s, uint64_t hash)
{
	const struct checker_shard *d = &s->shard[checker_store_shard_of(hash)];
	__builtin_prefetch(&d->table[place_of(d, hash)]);
}

void checker_store_prefetch_record(const struct checker_store *s, uint64_t hash)
{
	const struct checker_shard *d = &s->shard[checker_store_shard_of(hash)];
	const char *record = d->arena.at + (d->table[place_of(d, hash)] & UNIT_MASK) * STATE_UNIT;
	__builtin_prefetch(record);
	__builtin_prefetch(record + 32);
}

static const uint8_t *record_at(const struct checker_shard *d, uint64_t unit, uint32_t *length)
{
	const uint8_t *r = (const uint8_t *)d->arena.at + unit * STATE_UNIT;
	uint16_t n;
	memcpy(&n, r + 4, sizeof n);
	*length = n;
	return r + HEAD;
}

const uint8_t *checker_store_bytes(const struct checker_store *s, uint32_t number, uint32_t *length)
{
	return record_at(&s->shard[number >> STATE_BITS], number & UNIT_MASK, length);
}

uint32_t checker_store_parent(const struct checker_store *s, uint32_t number)
{
	uint32_t parent;
	memcpy(&parent, s->shard[number >> STATE_BITS].arena.at + (number & UNIT_MASK) * STATE_UNIT,
	       sizeof parent);
	return parent;
}

uint32_t checker_store_units(uint32_t length) { return (HEAD + length + STATE_UNIT - 1) / STATE_UNIT; }

uint64_t checker_store_states(const struct checker_store *s)
{
	uint64_t states = 0;
	for (uint32_t i = 0; i < STORE_SHARDS; i++)
		states += s->shard[i].states;
	return states;
}

uint64_t checker_store_size_bytes(const struct checker_store *s)
{
	uint64_t size = 0;
	for (uint32_t i = 0; i < STORE_SHARDS; i++)
		size += s->shard[i].arena.used + s->shard[i].table_size * sizeof *s->shard[i].table;
	return size;
}

static int grow(struct checker_shard *d)
{
	struct checker_shard old = *d;
	if (table_make(d, old.table_size * 2)) {
		*d = old;
		return -ENOMEM;
	}
	for (uint64_t k = 0; k < old.table_size; k++) {
		if (!old.table[k])
			continue;
		uint64_t i = place_of(d, old.table[k]);
		while (d->table[i])
			i = (i + 1) & (d->table_size - 1);
		d->table[i] = old.table[k];
	}
	table_free(&old);
	return 0;
}

static int append(struct checker_shard *d, const uint8_t *bytes, uint32_t length, uint32_t parent)
{
	const uint64_t size = (uint64_t)checker_store_units(length) * STATE_UNIT;
	char *r = d->arena.used / STATE_UNIT < UNIT_MASK - VECTOR_MAX ? checker_array_push(&d->arena, size)
								      : NULL;
	if (!r)
		return -ENOMEM;
	const uint16_t n = (uint16_t)length;
	memcpy(r, &parent, sizeof parent);
	memcpy(r + 4, &n, sizeof n);
	memcpy(r + HEAD, bytes, length);
	d->states++;
	return 0;
}

int checker_store_insert(struct checker_store *s, uint64_t hash, const uint8_t *bytes, uint32_t length,
			 uint32_t parent, uint32_t *number)
{
	const uint32_t shard = checker_store_shard_of(hash);
	struct checker_shard *d = &s->shard[shard];
	const uint64_t tag = hash & ~UNIT_MASK;
	uint64_t i = place_of(d, hash);
	for (; d->table[i]; i = (i + 1) & (d->table_size - 1)) {
		const uint64_t unit = d->table[i] & UNIT_MASK;
		uint32_t n;
		if ((d->table[i] & ~UNIT_MASK) != tag)
			continue;
		const uint8_t *other = record_at(d, unit, &n);
		if (n == length && !memcmp(other, bytes, n)) {
			*number = shard << STATE_BITS | (uint32_t)unit;
			return 0;
		}
	}
	const uint64_t unit = d->arena.used / STATE_UNIT;
	if (append(d, bytes, length, parent))
		return -ENOMEM;
	d->table[i] = tag | unit;
	*number = shard << STATE_BITS | (uint32_t)unit;
	return d->states * 4 > d->table_size * 3 && grow(d) ? -ENOMEM : 1;
}
