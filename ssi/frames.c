#include "ssi/frames.h"
#include <errno.h>
#include <string.h>
#include "sim/check.h"

static void slab_init(struct frame_slab *slab, struct sim_arena *arena, uint32_t max, uint32_t size)
{
	*slab = (struct frame_slab){.max = max, .size = size, .used = 1};
	slab->bytes = sim_arena_take(arena, (size_t)max * size, size);
	slab->count = sim_arena_take(arena, (size_t)max * 4, 64);
	slab->next = sim_arena_take(arena, (size_t)max * 4, 64);
}

int frames_init(struct frames *frames, uint64_t pages_max, uint64_t small_max)
{
	const uint32_t limit = FRAME_SMALL - 1;
	const uint32_t pages = pages_max < limit ? (uint32_t)pages_max : limit;
	const uint32_t small = small_max < limit ? (uint32_t)small_max : limit;
	const size_t bytes =
		(size_t)pages * (FRAME_BYTES + 8) + (size_t)small * (FRAME_SMALL_BYTES + 8) + 16384;
	if (sim_arena_init(&frames->arena, bytes, 1))
		return -ENOMEM;
	slab_init(&frames->page, &frames->arena, pages, FRAME_BYTES);
	slab_init(&frames->small, &frames->arena, small, FRAME_SMALL_BYTES);
	return 0;
}

void frames_fini(struct frames *frames) { sim_arena_fini(&frames->arena); }

uint32_t frames_new(struct frames *frames, bool small)
{
	struct frame_slab *slab = small ? &frames->small : &frames->page;
	uint32_t i = slab->free;
	if (i) {
		slab->free = slab->next[i];
	} else {
		SIM_CHECK(slab->used < slab->max);
		i = slab->used++;
	}
	slab->count[i] = 1;
	return small ? i | FRAME_SMALL : i;
}

void frames_drop(struct frames *frames, uint32_t frame)
{
	struct frame_slab *slab = frames_slab(frames, frame);
	const uint32_t i = frame & ~FRAME_SMALL;
	if (!frame)
		return;
	SIM_CHECK(slab->count[i] > 0);
	if (--slab->count[i])
		return;
	slab->next[i] = slab->free;
	slab->free = i;
}

unsigned char *frames_own(struct frames *frames, uint32_t *frame, bool small, bool keep)
{
	struct frame_slab *slab = frames_slab(frames, *frame);
	if (*frame && slab->count[*frame & ~FRAME_SMALL] == 1)
		return frames_bytes(frames, *frame);
	const uint32_t mine = frames_new(frames, small);
	unsigned char *bytes = frames_bytes(frames, mine);
	if (keep && *frame)
		memcpy(bytes, frames_bytes(frames, *frame), slab->size);
	else if (keep)
		memset(bytes, 0, small ? FRAME_SMALL_BYTES : FRAME_BYTES);
	frames_drop(frames, *frame);
	*frame = mine;
	return bytes;
}

uint64_t frames_memory(const struct frames *frames)
{
	return (uint64_t)frames->page.used * FRAME_BYTES + (uint64_t)frames->small.used * FRAME_SMALL_BYTES;
}
