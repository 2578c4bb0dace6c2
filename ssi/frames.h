/* ssi/frames.h - the bytes of pages: counted frames, copied on write.
 *
 * One frame may stand for the same bytes in several clusters; a cluster that writes gets one of its own, so a protocol
 * that forgets an invalidation still shows a stale page. Frames of 4 KiB hold contents, frames of 64 bytes
 * attributes. Frame 0 is all zeros, for ever. (docs/decisions/0004-frames-are-copied-on-write.md)
 * Thread rule: one thread. Layer: ssi. */
#ifndef SKERRY_SSI_FRAMES_H
#define SKERRY_SSI_FRAMES_H
#include <stdbool.h>
#include <stdint.h>
#include "sim/arena.h"

#define FRAME_BYTES       4096
#define FRAME_SMALL_BYTES 64
#define FRAME_SMALL       (1u << 31) /* in a frame's number: it is a small one */

struct frame_slab {
	unsigned char *bytes;
	uint32_t *count, *next; /* references; the next free one */
	uint32_t used, max, free, size;
};
struct frames {
	struct sim_arena arena;
	struct frame_slab page, small;
};

/* Address space for this many of each. Returns 0 or -ENOMEM. */
int frames_init(struct frames *frames, uint64_t pages_max, uint64_t small_max);
void frames_fini(struct frames *frames);

uint32_t frames_new(struct frames *frames, bool small); /* one reference; its bytes are undefined */
void frames_drop(struct frames *frames, uint32_t frame);

static inline struct frame_slab *frames_slab(struct frames *frames, uint32_t frame)
{
	return frame & FRAME_SMALL ? &frames->small : &frames->page;
}
static inline unsigned char *frames_bytes(struct frames *frames, uint32_t frame)
{
	struct frame_slab *slab = frames_slab(frames, frame);
	return slab->bytes + (size_t)(frame & ~FRAME_SMALL) * slab->size;
}
/* Another reference. */
static inline uint32_t frames_copy(struct frames *frames, uint32_t frame)
{
	frames_slab(frames, frame)->count[frame & ~FRAME_SMALL] += frame != 0;
	return frame;
}
/* Makes *frame one that nobody else refers to, `small` if it was frame 0, with the same bytes if `keep`. */
unsigned char *frames_own(struct frames *frames, uint32_t *frame, bool small, bool keep);

uint64_t frames_memory(const struct frames *frames); /* bytes ever used */

#endif
