#include "workloads/trace_process.h"
#include "sim/check.h"
#include <stdlib.h>
#include <string.h>

static void *take(size_t bytes)
{
	void *memory = calloc(1, bytes);

	SIM_CHECK(memory);
	return memory;
}

struct trace_fds *trace_fds_new(void)
{
	struct trace_fds *fds = take(sizeof *fds);

	fds->references = 1;
	return fds;
}

struct trace_fds *trace_fds_copy(const struct trace_fds *from)
{
	struct trace_fds *fds = trace_fds_new();

	if (!from->count)
		return fds;
	fds->count = fds->room = from->count;
	fds->slot = take(fds->room * sizeof *fds->slot);
	memcpy(fds->slot, from->slot, from->count * sizeof *fds->slot);
	for (uint32_t i = 0; i < fds->count; i++)
		fds->slot[i].file->references++;
	return fds;
}

/* Index of the first slot that is not below fd. */
static uint32_t lower_bound(const struct trace_fds *fds, int64_t fd)
{
	uint32_t low = 0, high = fds->count;

	while (low < high) {
		uint32_t middle = (low + high) / 2;

		if (fds->slot[middle].fd < fd)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct trace_slot *trace_fds_find(const struct trace_fds *fds, int64_t fd)
{
	uint32_t at = lower_bound(fds, fd);

	return at < fds->count && fds->slot[at].fd == fd ? &fds->slot[at] : NULL;
}

void trace_fds_put(struct trace_fds *fds, int32_t fd, struct trace_file *file, bool close_on_exec)
{
	uint32_t at = lower_bound(fds, fd);

	SIM_CHECK(at == fds->count || fds->slot[at].fd != fd);
	fds->slot = trace_grow(fds->slot, &fds->room, fds->count, sizeof *fds->slot);
	memmove(&fds->slot[at + 1], &fds->slot[at], (fds->count - at) * sizeof *fds->slot);
	fds->slot[at] = (struct trace_slot){fd, close_on_exec, file};
	fds->count++;
}

void trace_fds_remove(struct trace_fds *fds, uint32_t slot)
{
	fds->count--;
	memmove(&fds->slot[slot], &fds->slot[slot + 1], (fds->count - slot) * sizeof *fds->slot);
}

void trace_fds_free(struct trace_fds *fds)
{
	free(fds->slot);
	free(fds);
}

struct trace_cwd *trace_cwd_new(uint32_t path)
{
	struct trace_cwd *cwd = take(sizeof *cwd);

	*cwd = (struct trace_cwd){1, path};
	return cwd;
}

void trace_cwd_drop(struct trace_cwd *cwd)
{
	if (!--cwd->references)
		free(cwd);
}

struct trace_maps *trace_maps_new(void)
{
	struct trace_maps *maps = take(sizeof *maps);

	maps->references = 1;
	return maps;
}

struct trace_maps *trace_maps_copy(const struct trace_maps *from)
{
	struct trace_maps *maps = trace_maps_new();

	for (uint32_t i = 0; i < from->count; i++)
		trace_maps_add(maps, from->range[i].start, from->range[i].end - from->range[i].start);
	return maps;
}

void trace_maps_add(struct trace_maps *maps, uint64_t start, uint64_t bytes)
{
	maps->range = trace_grow(maps->range, &maps->room, maps->count, sizeof *maps->range);
	maps->range[maps->count++] = (struct trace_range){start, start + bytes};
}

bool trace_maps_meet(const struct trace_maps *maps, uint64_t start, uint64_t bytes)
{
	for (uint32_t i = 0; i < maps->count; i++)
		if (maps->range[i].start < start + bytes && start < maps->range[i].end)
			return true;
	return false;
}

void trace_maps_cut(struct trace_maps *maps, uint64_t start, uint64_t bytes)
{
	uint64_t end = start + bytes;

	for (uint32_t i = 0; i < maps->count; i++) {
		struct trace_range old = maps->range[i];

		if (old.start >= end || start >= old.end)
			continue;
		maps->range[i--] = maps->range[--maps->count];
		if (old.start < start)
			trace_maps_add(maps, old.start, start - old.start);
		if (old.end > end)
			trace_maps_add(maps, end, old.end - end);
	}
}

void trace_maps_drop(struct trace_maps *maps)
{
	if (--maps->references)
		return;
	free(maps->range);
	free(maps);
}
