#include "sim/arena.h"
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include "sim/check.h"

#define PAGE_BYTES      ((size_t)4096)
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

/* A huge page must start on its own multiple, which mmap does not promise: reserve one page more and give
 * the edges back. */
static char *reserve_aligned(size_t bytes, size_t align)
{
	size_t wide = bytes + align - PAGE_BYTES;
	char *start =
		mmap(NULL, wide, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	size_t before, after;

	if (start == MAP_FAILED)
		return NULL;
	before = -(uintptr_t)start & (align - 1);
	after = wide - before - bytes;
	if (before)
		munmap(start, before);
	if (after)
		munmap(start + before + bytes, after);
	return start + before;
}

int sim_arena_init(struct sim_arena *arena, size_t bytes, int huge)
{
	size_t align = huge ? HUGE_PAGE_BYTES : PAGE_BYTES;
	char *base;

	if (bytes == 0)
		bytes = 1;
	if (bytes > SIZE_MAX - 2 * HUGE_PAGE_BYTES)
		return -ENOMEM;
	bytes = (bytes + align - 1) & ~(align - 1);
	base = reserve_aligned(bytes, align);
	if (!base)
		return -ENOMEM;
	if (huge)
		(void)madvise(base, bytes, MADV_HUGEPAGE); /* only speed is lost where it is refused */
	*arena = (struct sim_arena){.base = base, .size = bytes};
	return 0;
}

void sim_arena_fini(struct sim_arena *arena)
{
	if (arena->base)
		munmap(arena->base, arena->size);
	*arena = (struct sim_arena){0};
}

void *sim_arena_take(struct sim_arena *arena, size_t bytes, size_t align)
{
	size_t skip;

	SIM_CHECK(align != 0 && (align & (align - 1)) == 0);
	skip = -(uintptr_t)(arena->base + arena->used) & (align - 1);
	if (skip > arena->size - arena->used || bytes > arena->size - arena->used - skip)
		return NULL;
	arena->used += skip + bytes;
	return arena->base + arena->used - bytes;
}
