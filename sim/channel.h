/* sim/channel.h - one ordered pair of clusters: a ring and an RPC line that together are one FIFO.
 *
 * A frame is one cache line. The *stream* from A to B is what A sends to B, in order; its frames travel by three ways:
 *
 *   the ring A to B             sim/ring.h, any frame
 *   the RPC line of (A, B)      a request of A, when the line is free: one line that the two bounce
 *   the RPC line of (B, A)      the first frame that A sends to B while it handles a request that came by that line: the
 *                               reply, written in place of the request
 *
 * so a request and its reply cost two transfers of one line, where a pair of rings costs four. The stream stays one
 * FIFO because every frame names its place: how many frames of the stream went by a line before it (`lines`) and how
 * many by the ring (`position`). The receiver takes a frame only at its place.
 *
 * A line's last word is a turn: odd, the request of its owner is there; even, what its owner waits for is there, a
 * reply or (SIM_FRAME_VOID) the news that there is none. After a request that found no reply in its line, the next few
 * go by the ring, more each time: a stream that nobody answers does not pay for a line that bounces.
 *
 * Credit. Classes request < forward < reply: a request may not take the last `reserve[FORWARD] + reserve[REPLY]` slots
 * of the ring, a forward not the last `reserve[REPLY]`, so what ends an operation always finds room that what begins
 * one cannot take. Who is refused keeps the frame (sim/native.c: the outbox). A reply in place needs no credit.
 *
 * Due time. A frame is invisible before its stamp (0: at once), and so is what stands behind it.
 *
 * A handler may send while the frame that it handles is still in its slot: sim_channel_receive() hands it out in
 * place, sim_channel_done() gives the slot back and, if the frame came by a line and no reply was written, frees the
 * line. A frame that came by a line is handed out as a copy, because the reply takes its place before the handler ends.
 *
 * Who touches what: A's words of the stream A to B are `send` of that channel, and `receive` of its partner, where what
 * its lines wait for lies as well. A poll that finds nothing reads its own line of words, a slot of the ring, the line
 * of the partner's requests and, only while a request of its own is out, the line of that.
 *
 * Thread rule: each end has one thread at a time. Layer: sim.
 * Sources: Baumann et al., SOSP'09, 5.1 (URPC: the line carries its own sequence); FastForward, PPoPP'08 (full and
 * empty by the slot itself). */
#ifndef SKERRY_SIM_CHANNEL_H
#define SKERRY_SIM_CHANNEL_H
#include <stdbool.h>
#include <stddef.h>
#include "sim/check.h"
#include "sim/ring.h"

enum sim_class { SIM_CLASS_REQUEST, SIM_CLASS_FORWARD, SIM_CLASS_REPLY, SIM_CLASSES };

enum {
	SIM_FRAME_VOID = 1
}; /* flags: not a frame of the stream; the request in this line got no reply by it */

/* Half of a pair, both directions of its ring's stream. One for each ordered pair that talks; made with its partner. */
struct sim_channel;

struct sim_channel_config {
	uint32_t slots;                /* of the ring, a power of two, >= 8 */
	uint32_t reserve[SIM_CLASSES]; /* slots that lower classes leave free; [REQUEST] is 0; in sum at most
					* slots * 3 / 4, because credit may be a quarter late */
	bool line;                     /* use RPC lines; false: rings alone, for comparison */
	uint8_t patience; /* polls after a request that leave its line alone: a line that is looked at before the
					* reply can be there is taken from who is about to write it. 3 where polls follow each
					* other at once */
};

/* Bytes for both channels of a pair, to be aligned to 128 and zeroed. */
size_t sim_channel_pair_bytes(const struct sim_channel_config *config);
/* Makes both directions in `memory` (which may lie on one node or, as two halves, on two: the first half is the channel
 * A to B; borrowed). */
void sim_channel_pair_init(void *memory, const struct sim_channel_config *config, struct sim_channel **a_to_b,
			   struct sim_channel **b_to_a);
/* Lets the stream of a channel begin at a place as if so many frames had gone before, so that a test sees its counters
 * wrap. Before the first frame; `position` by the ring, `lines` by a line, `turns` (even) of its RPC line. */
void sim_channel_start_at(struct sim_channel *channel, uint64_t position, uint32_t lines, uint64_t turns);

/* ---- the sender of a channel ---- */

/* A place for the next frame of the stream, to be filled (stamp and payload) and published before anything else is
 * done with this channel or its partner; NULL: no credit for this class. */
static inline struct sim_frame *sim_channel_reserve(struct sim_channel *channel, enum sim_class klass);
static inline void sim_channel_publish(struct sim_channel *channel);

/* ---- the receiver of a channel ---- */

/* The next frame of the stream if it is there and due at `now` (ticks; ignored for frames with stamp 0), in place
 * until sim_channel_done(); else NULL. At most one at a time. */
static inline const struct sim_frame *sim_channel_receive(struct sim_channel *channel, uint64_t now);
static inline void sim_channel_done(struct sim_channel *channel);

/* Is a frame there, due or not? (What a thread that is about to sleep asks.) *due is its stamp: when it will be due, in
 * the past if it is; 0: at once, or none is there. */
bool sim_channel_has(struct sim_channel *channel, uint64_t *due);

struct sim_channel_stats {
	uint64_t ring_frames, line_requests, line_replies, refused; /* counted by the sender */
};
void sim_channel_stats(const struct sim_channel *channel, struct sim_channel_stats *out); /* at rest */

/* ---- what is inline, and what it stands on: no business of users ---- */

/* By which way the frame in hand goes or came. */
enum sim_channel_way {
	SIM_WAY_NONE,
	SIM_WAY_RING,
	SIM_WAY_REQUEST,  /* the line, as a request */
	SIM_WAY_REPLY,    /* the partner's line, in place of its request */
	SIM_WAY_ANSWERED, /* received: a request, whose line went back with the reply */
};

struct sim_channel_sender {
	struct sim_ring_producer ring;
	struct sim_channel *partner;
	uint32_t lines;              /* frames of the stream that went by a line */
	uint8_t way;                 /* of the frame that is reserved */
	bool lined;                  /* lines are in use */
	uint32_t spare[SIM_CLASSES]; /* slots that each class leaves free */
	uint32_t rest, rest_last;    /* requests that still go by the ring before the line is tried again */
	uint64_t first;              /* position of the first frame */
	uint64_t line_requests, line_replies, refused;
};

struct sim_channel_receiver {
	struct sim_ring_consumer ring;
	struct sim_channel *partner;
	uint64_t request_turn; /* what the line says when the next request is in it: odd */
	uint64_t
		reply_turn; /* what the partner's line says, or will, when it is free or has its reply: even */
	uint16_t lines;     /* frames of the stream that came by a line, modulo 2^16 */
	uint8_t way;        /* of the frame that is handed out */
	bool lined;
	bool awaiting;          /* the partner's line is out with a request */
	uint8_t patience, hold; /* hold: polls for which that line is still left alone */
	struct sim_frame copy;
};
_Static_assert(offsetof(struct sim_channel_receiver, copy) == 64, "a poll reads one line of private words");

struct sim_channel {
	struct sim_channel_sender send __attribute__((aligned(SIM_RING_APART)));
	struct sim_channel_receiver receive __attribute__((aligned(SIM_RING_APART)));
	sim_atomic_u64 taken __attribute__((aligned(SIM_RING_APART))); /* credit of the ring */
	struct sim_frame line __attribute__((aligned(SIM_RING_APART)));
	struct sim_frame slots[] __attribute__((aligned(SIM_RING_APART)));
};

/* Whether the line of `channel`, which was out, came back without a reply; then it is free from now on. */
bool sim_channel_line_void(struct sim_channel *channel);

/* Whether the next request may go by the line. */
static inline bool sim_channel_line_free(struct sim_channel *channel)
{
	struct sim_channel_sender *s = &channel->send;
	if (!s->lined)
		return false;
	if (s->rest) {
		s->rest--;
		return false;
	}
	return !s->partner->receive.awaiting || (sim_channel_line_void(channel) && !s->rest);
}

static inline struct sim_frame *sim_channel_reserve(struct sim_channel *channel, enum sim_class klass)
{
	struct sim_channel_sender *s = &channel->send;
	struct sim_frame *frame;
	if (s->partner->receive.way == SIM_WAY_REQUEST) {
		s->way = SIM_WAY_REPLY;
		frame = &s->partner->line;
	} else if (klass == SIM_CLASS_REQUEST && sim_channel_line_free(channel)) {
		s->way = SIM_WAY_REQUEST;
		frame = &channel->line;
	} else {
		frame = sim_ring_producer_reserve(&s->ring, s->spare[klass]);
		if (!frame) {
			s->refused++;
			return NULL;
		}
		s->way = SIM_WAY_RING;
	}
	sim_store_plain(&frame->header,
			s->ring.next << 32 | (uint64_t)(uint16_t)s->lines << 16 | (uint64_t)klass);
	return frame;
}

/* The request of a line. */
static inline void sim_channel_publish_request(struct sim_channel *channel)
{
	struct sim_channel_receiver *r = &channel->send.partner->receive;
	channel->send.lines++;
	channel->send.line_requests++;
	r->awaiting = true;
	r->hold = r->patience;
	r->reply_turn += 2;
	/* (C1) pairs with (C2) in sim_channel_find: who sees the turn sees the request. */
	sim_store_release(&channel->line.sequence, r->reply_turn - 1);
}

/* The reply in place of the partner's request, which was copied out. */
static inline void sim_channel_publish_reply(struct sim_channel *channel)
{
	struct sim_channel *partner = channel->send.partner;
	channel->send.lines++;
	channel->send.line_replies++;
	partner->receive.way = SIM_WAY_ANSWERED;
	partner->receive.request_turn += 2;
	/* (C3) pairs with (C4) in sim_channel_find: who sees the turn sees the reply, and may write the line. */
	sim_store_release(&partner->line.sequence, partner->receive.request_turn - 1);
}

static inline void sim_channel_publish(struct sim_channel *channel)
{
	struct sim_channel_sender *s = &channel->send;
	if (s->way == SIM_WAY_RING)
		sim_ring_producer_publish(&s->ring);
	else if (s->way == SIM_WAY_REQUEST)
		sim_channel_publish_request(channel);
	else {
		SIM_CHECK(s->way == SIM_WAY_REPLY); /* else nothing was reserved */
		sim_channel_publish_reply(channel);
	}
	s->way = SIM_WAY_NONE;
}

/* Whether `frame` is the next of the stream: its header names the receiver's place. */
static inline bool sim_channel_is_next(const struct sim_channel_receiver *r, const struct sim_frame *frame)
{
	const uint64_t place = r->ring.next << 32 | (uint64_t)r->lines << 16;
	return (sim_load_plain(&frame->header) ^ place) >> 16 == 0;
}

/* The next frame of the stream, where it lies, and how it came; NULL: it is not there yet. At most one of the three
 * ways has it, so their order does not matter. */
static inline const struct sim_frame *sim_channel_find(struct sim_channel *channel, enum sim_channel_way *way)
{
	struct sim_channel_receiver *r = &channel->receive;
	const struct sim_frame *frame = sim_ring_consumer_peek(&r->ring);
	*way = SIM_WAY_RING;
	if (frame && sim_channel_is_next(r, frame))
		return frame;
	if (!r->lined)
		return NULL;
	*way = SIM_WAY_REQUEST;
	frame = &channel->line;
	/* (C2) pairs with (C1) in sim_channel_publish_request. */
	if (sim_load_acquire(&frame->sequence) == r->request_turn && sim_channel_is_next(r, frame))
		return frame;
	if (r->hold) {
		r->hold--;
		return NULL;
	}
	*way = SIM_WAY_REPLY;
	frame = &r->partner->line;
	/* (C4) pairs with (C3) in sim_channel_publish_reply and (C5) in sim_channel_done. */
	if (r->awaiting && sim_load_acquire(&frame->sequence) == r->reply_turn &&
	    !sim_channel_line_void(r->partner) && sim_channel_is_next(r, frame))
		return frame;
	return NULL;
}

static inline const struct sim_frame *sim_channel_receive(struct sim_channel *channel, uint64_t now)
{
	struct sim_channel_receiver *r = &channel->receive;
	enum sim_channel_way way;
	const struct sim_frame *frame = sim_channel_find(channel, &way);
	if (!frame || sim_load_plain(&frame->stamp) > now)
		return NULL;
	SIM_CHECK(r->way == SIM_WAY_NONE); /* else the last frame was not given back */
	r->way = (uint8_t)way;
	if (way == SIM_WAY_RING)
		return frame;
	sim_copy_plain(&r->copy, frame, offsetof(struct sim_frame, sequence));
	r->lines++;
	if (way ==
	    SIM_WAY_REPLY) { /* what came is copied out: the line is free for the next request at once */
		r->awaiting = false;
		r->partner->send.rest_last = 0;
	}
	return &r->copy;
}

static inline void sim_channel_done(struct sim_channel *channel)
{
	struct sim_channel_receiver *r = &channel->receive;
	if (r->way == SIM_WAY_RING)
		sim_ring_consumer_release(&r->ring);
	else if (r->way == SIM_WAY_REQUEST) {
		sim_store_plain(&channel->line.header, (uint64_t)SIM_FRAME_VOID << 8);
		r->request_turn += 2;
		/* (C5) pairs with (C4) in sim_channel_find and (C6) in sim_channel_line_void. */
		sim_store_release(&channel->line.sequence, r->request_turn - 1);
	}
	r->way = SIM_WAY_NONE;
}

#endif
