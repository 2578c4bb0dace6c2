/* sim/ring.h - SPSC ring of 64-byte frames.
 *
 * A frame is one cache line and its last word says whether it is there: the frame of position p, counted from the
 * ring's first, is in its slot when `sequence` is p + 1. So the consumer compares and never writes a slot, and empty
 * is seen without any other line. Full is seen by credit: the consumer says how far it has come every eighth of the
 * ring, and the producer looks only when what it last saw does not suffice.
 *
 * What makes it fast: each end works on a line of its own; credit moves once an eighth of the ring (once a frame is six
 * times slower); the consumer fetches the frame 24 slots ahead if it has been written, the producer takes the slot 24
 * ahead for writing before it needs it. The three parts lie 128 bytes apart because the adjacent line is prefetched too.
 *
 * Positions are 64 bits and never wrap. A ring may start at any position (tests start near 2^16 and 2^32).
 *
 * Thread rule: one producer, one consumer. Layer: sim. Memory of the slots is borrowed.
 * Sources: FastForward, PPoPP'08 (the slot says whether it is full); MCRingBuffer, IPDPS'10 (control in batches);
 * B-Queue, IJPP'13. */
#ifndef SKERRY_SIM_RING_H
#define SKERRY_SIM_RING_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sim/atomic.h"

#define SIM_RING_APART     128 /* bytes between what different threads write */
#define SIM_RING_AHEAD     24  /* slots that each end fetches ahead */
#define SIM_RING_LOOK      32  /* slots: how often the consumer looks whether it may */
#define SIM_RING_SLOTS_MIN 8

/* 56 bytes of content and, last, the sequence that publishes it. All but the sequence is plain memory. */
struct sim_frame {
	union {
		uint64_t header; /* the four below as one word, one store (sim/channel.h) */
		struct {
			uint8_t klass, flags;
			uint16_t lines;    /* sim/channel.h */
			uint32_t position; /* sim/channel.h */
		};
	};
	uint64_t stamp; /* due time in ticks; 0: at once */
	unsigned char payload[40];
	sim_atomic_u64 sequence;
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct sim_frame) == 64, "a frame is a cache line");
_Static_assert(offsetof(struct sim_frame, sequence) == 56, "the sequence is written last and lies last");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the header is one word of four fields");

/* What the producer alone touches. */
struct sim_ring_producer {
	struct sim_frame *slots;
	const sim_atomic_u64 *taken; /* the consumer's credit */
	uint64_t next;               /* position of the next frame */
	uint64_t taken_seen;         /* at most *taken */
	uint32_t mask;               /* slots - 1 */
};

/* What the consumer alone touches. */
struct sim_ring_consumer {
	const struct sim_frame *slots;
	sim_atomic_u64 *taken;
	uint64_t next; /* position of the next frame */
	uint32_t mask;
	bool far; /* the producer is ahead of all that is fetched until the next look */
};

/* `slots`: a power of two, at least 8, zeroed, each on its own line. `start`: position of the first frame. */
static inline void sim_ring_ends_init(struct sim_ring_producer *producer, struct sim_ring_consumer *consumer,
				      sim_atomic_u64 *taken, struct sim_frame *memory, uint32_t slots,
				      uint64_t start)
{
	sim_store_relaxed(taken, start);
	*producer = (struct sim_ring_producer){
		.slots = memory, .taken = taken, .next = start, .taken_seen = start, .mask = slots - 1};
	*consumer =
		(struct sim_ring_consumer){.slots = memory, .taken = taken, .next = start, .mask = slots - 1};
}

/* Takes a line for writing before it is needed. The compilers' builtin for this is a read prefetch on baseline
 * x86-64, which leaves the expensive half of the transfer to the store. */
static inline void sim_ring_prefetch_write(const void *line)
{
#ifdef __x86_64__
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)line));
#else
	__builtin_prefetch(line, 1);
#endif
}

/* The slot of the next frame, to be filled and then published, if at least `spare` slots stay free after it; else
 * NULL. What is free is what the consumer has said so far, at most an eighth of the ring late. */
static inline struct sim_frame *sim_ring_producer_reserve(struct sim_ring_producer *p, uint32_t spare)
{
	if (__builtin_expect(p->next - p->taken_seen + spare > p->mask, 0)) {
		/* (R1) pairs with (R2) in sim_ring_consumer_release: the slot was read before it is written again. */
		p->taken_seen = sim_load_acquire(p->taken);
		if (p->next - p->taken_seen + spare > p->mask)
			return NULL;
	}
	sim_ring_prefetch_write(&p->slots[(p->next + SIM_RING_AHEAD) & p->mask]);
	return &p->slots[p->next & p->mask];
}

static inline void sim_ring_producer_publish(struct sim_ring_producer *p)
{
	struct sim_frame *frame = &p->slots[p->next & p->mask];
	/* (R3) pairs with (R4) in sim_ring_consumer_peek: who sees the sequence sees the frame. */
	sim_store_release(&frame->sequence, ++p->next);
}

/* The next frame, in place until it is released, or NULL. */
static inline const struct sim_frame *sim_ring_consumer_peek(const struct sim_ring_consumer *c)
{
	const struct sim_frame *frame = &c->slots[c->next & c->mask];
	/* (R4) pairs with (R3) in sim_ring_producer_publish. */
	return sim_load_acquire(&frame->sequence) == c->next + 1 ? frame : NULL;
}

/* Gives back the frame that peek showed. */
static inline void sim_ring_consumer_release(struct sim_ring_consumer *c)
{
	c->next++;
	/* A line that the producer has taken for writing and not yet written costs both of them a transfer if it is fetched
	 * here, and who fetches such lines stays close behind, so it would go on for ever. So a consumer close behind
	 * fetches nothing ahead, and falls back. */
	if (c->next % SIM_RING_LOOK == 0) {
		const uint64_t there = c->next + SIM_RING_AHEAD + SIM_RING_LOOK;
		c->far = sim_load_relaxed(&c->slots[(there - 1) & c->mask].sequence) == there;
	}
	if (c->far)
		__builtin_prefetch(&c->slots[(c->next + SIM_RING_AHEAD) & c->mask]);
	if ((c->next & (c->mask >> 3)) == 0)
		/* (R2) pairs with (R1) in sim_ring_producer_reserve. */
		sim_store_release(c->taken, c->next);
}

/* The three parts together. */
struct sim_ring {
	struct sim_ring_producer producer __attribute__((aligned(SIM_RING_APART)));
	struct sim_ring_consumer consumer __attribute__((aligned(SIM_RING_APART)));
	sim_atomic_u64 taken __attribute__((aligned(SIM_RING_APART)));
};

/* See sim_ring_ends_init(). */
static inline void sim_ring_init(struct sim_ring *ring, struct sim_frame *memory, uint32_t slots,
				 uint64_t start)
{
	sim_ring_ends_init(&ring->producer, &ring->consumer, &ring->taken, memory, slots, start);
}

static inline struct sim_frame *sim_ring_reserve(struct sim_ring *ring, uint32_t spare)
{
	return sim_ring_producer_reserve(&ring->producer, spare);
}

static inline void sim_ring_publish(struct sim_ring *ring) { sim_ring_producer_publish(&ring->producer); }

static inline const struct sim_frame *sim_ring_peek(const struct sim_ring *ring)
{
	return sim_ring_consumer_peek(&ring->consumer);
}

static inline void sim_ring_release(struct sim_ring *ring) { sim_ring_consumer_release(&ring->consumer); }

#endif
