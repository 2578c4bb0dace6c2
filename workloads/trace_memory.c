#include "workloads/trace_memory.h"
#include "sim/check.h"
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#define CHUNK_BYTES ((size_t)64 << 10)

struct trace_chunk {
	struct trace_chunk *next;
	size_t used, size;
	char bytes[] __attribute__((aligned(8)));
};

static struct trace_chunk *chunk_new(size_t size, struct trace_chunk *next)
{
	struct trace_chunk *chunk = calloc(1, sizeof *chunk + size);

	SIM_CHECK(chunk);
	chunk->size = size;
	chunk->next = next;
	return chunk;
}

void *trace_arena_take(struct trace_arena *arena, size_t bytes)
{
	size_t want = (bytes + 7) & ~(size_t)7;
	struct trace_chunk *chunk = arena->chunks;

	if (want > CHUNK_BYTES / 4) {
		/* Large pieces get a chunk of their own behind the first, which stays open. */
		struct trace_chunk *own = chunk_new(want, chunk ? chunk->next : NULL);

		own->used = want;
		if (chunk)
			chunk->next = own;
		else
			arena->chunks = own;
		return own->bytes;
	}
	if (!chunk || chunk->size - chunk->used < want)
		arena->chunks = chunk = chunk_new(CHUNK_BYTES, chunk);
	chunk->used += want;
	return chunk->bytes + chunk->used - want;
}

char *trace_arena_copy(struct trace_arena *arena, const char *text, size_t bytes)
{
	char *copy = trace_arena_take(arena, bytes + 1);

	memcpy(copy, text, bytes);
	return copy;
}

void trace_arena_fini(struct trace_arena *arena)
{
	while (arena->chunks) {
		struct trace_chunk *next = arena->chunks->next;

		free(arena->chunks);
		arena->chunks = next;
	}
}

void *trace_grow(void *array, uint32_t *room, uint32_t used, size_t item_bytes)
{
	if (used < *room)
		return array;
	SIM_CHECK(*room <= UINT32_MAX / 4);
	*room = *room ? *room * 2 : 8;
	array = realloc(array, (size_t)*room * item_bytes);
	SIM_CHECK(array);
	return array;
}

/* Finalizer of a 64-bit mix: neighbouring keys must not land in neighbouring slots. */
static uint64_t mix(uint64_t key)
{
	key = (key ^ (key >> 32)) * 0x9e3779b97f4a7c15u;
	return key ^ (key >> 29);
}

static uint32_t map_slot(const struct trace_map *map, uint64_t stored)
{
	uint32_t slot = (uint32_t)mix(stored) & (map->size - 1);

	while (map->keys[slot] && map->keys[slot] != stored)
		slot = (slot + 1) & (map->size - 1);
	return slot;
}

uint32_t trace_map_find(const struct trace_map *map, uint64_t key)
{
	uint32_t slot;

	if (!map->size)
		return TRACE_NONE;
	slot = map_slot(map, key + 1);
	return map->keys[slot] ? map->values[slot] : TRACE_NONE;
}

static void map_resize(struct trace_map *map)
{
	struct trace_map old = *map;

	map->size = old.size ? old.size * 2 : 16;
	map->keys = calloc(map->size, sizeof *map->keys);
	map->values = calloc(map->size, sizeof *map->values);
	SIM_CHECK(map->keys && map->values);
	for (uint32_t i = 0; i < old.size; i++) {
		uint32_t slot;

		if (!old.keys[i])
			continue;
		slot = map_slot(map, old.keys[i]);
		map->keys[slot] = old.keys[i];
		map->values[slot] = old.values[i];
	}
	free(old.keys);
	free(old.values);
}

void trace_map_put(struct trace_map *map, uint64_t key, uint32_t value)
{
	uint32_t slot;

	SIM_CHECK(key != UINT64_MAX);
	if (map->used >= map->size / 2)
		map_resize(map);
	slot = map_slot(map, key + 1);
	map->used += !map->keys[slot];
	map->keys[slot] = key + 1;
	map->values[slot] = value;
}

void trace_map_fini(struct trace_map *map)
{
	free(map->keys);
	free(map->values);
	memset(map, 0, sizeof *map);
}

static uint32_t *strings_slot(struct trace_strings *strings, const char *text, size_t bytes)
{
	uint32_t slot = (uint32_t)XXH3_64bits(text, bytes) & (strings->size - 1);

	for (;; slot = (slot + 1) & (strings->size - 1)) {
		uint32_t at = strings->slots[slot];

		if (!at || (strings->bytes[at - 1] == bytes && !memcmp(strings->text[at - 1], text, bytes)))
			return &strings->slots[slot];
	}
}

static void strings_resize(struct trace_strings *strings)
{
	free(strings->slots);
	strings->size = strings->size ? strings->size * 2 : 64;
	strings->slots = calloc(strings->size, sizeof *strings->slots);
	SIM_CHECK(strings->slots);
	for (uint32_t i = 0; i < strings->count; i++)
		*strings_slot(strings, strings->text[i], strings->bytes[i]) = i + 1;
}

uint32_t trace_strings_intern(struct trace_strings *strings, struct trace_arena *arena, const char *text,
			      size_t bytes, int *fresh)
{
	uint32_t *slot;

	if (strings->count >= strings->size / 2)
		strings_resize(strings);
	slot = strings_slot(strings, text, bytes);
	*fresh = !*slot;
	if (*slot)
		return *slot - 1;
	strings->text = trace_grow(strings->text, &strings->text_room, strings->count, sizeof *strings->text);
	strings->bytes =
		trace_grow(strings->bytes, &strings->bytes_room, strings->count, sizeof *strings->bytes);
	strings->text[strings->count] = trace_arena_copy(arena, text, bytes);
	strings->bytes[strings->count] = (uint32_t)bytes;
	*slot = ++strings->count;
	return strings->count - 1;
}

void trace_strings_fini(struct trace_strings *strings)
{
	free(strings->text);
	free(strings->bytes);
	free(strings->slots);
	memset(strings, 0, sizeof *strings);
}
