/* workloads/trace_memory.h - memory of a compilation: an arena, growing arrays, a map and interned strings.
 *
 * Internal to trace_*.c. Running out of memory ends the program (SIM_CHECK): a recording is compiled before
 * any run starts, so nothing is lost. One thread. Layer: workloads. */
#ifndef SKERRY_WORKLOADS_TRACE_MEMORY_H
#define SKERRY_WORKLOADS_TRACE_MEMORY_H
#include <stddef.h>
#include <stdint.h>

#define TRACE_NONE UINT32_MAX

struct trace_chunk;
struct trace_arena {
	struct trace_chunk *chunks;
};

void *trace_arena_take(struct trace_arena *arena, size_t bytes);                   /* zeroed, aligned to 8 */
char *trace_arena_copy(struct trace_arena *arena, const char *text, size_t bytes); /* zero-terminated */
void trace_arena_fini(struct trace_arena *arena);

/* Makes room for one more item behind the `used` there are; *room is the capacity. Returns the array. */
void *trace_grow(void *array, uint32_t *room, uint32_t used, size_t item_bytes);

/* 64-bit keys to 32-bit values; the key UINT64_MAX is not allowed. */
struct trace_map {
	uint64_t *keys; /* key + 1; 0 is empty */
	uint32_t *values;
	uint32_t size, used;
};

uint32_t trace_map_find(const struct trace_map *map, uint64_t key); /* TRACE_NONE if absent */
void trace_map_put(struct trace_map *map, uint64_t key, uint32_t value);
void trace_map_fini(struct trace_map *map);

struct trace_strings {
	const char **text; /* in the arena */
	uint32_t *bytes;
	uint32_t count, text_room, bytes_room;
	uint32_t *slots; /* index + 1 */
	uint32_t size;
};

/* Index of the text, dense from 0; *fresh says whether it was new. */
uint32_t trace_strings_intern(struct trace_strings *strings, struct trace_arena *arena, const char *text,
			      size_t bytes, int *fresh);
void trace_strings_fini(struct trace_strings *strings);

#endif
