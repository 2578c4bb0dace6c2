/* sim/channel.c - see channel.h: what is not on the way of each frame. */
#include "sim/channel.h"

#define REST_MAX 1023 /* requests: a line that bounces in vain every so often costs a stream less than 2 % */

static size_t channel_bytes(const struct sim_channel_config *config)
{
	return sizeof(struct sim_channel) + (size_t)config->slots * sizeof(struct sim_frame);
}

size_t sim_channel_pair_bytes(const struct sim_channel_config *config) { return 2 * channel_bytes(config); }

static void channel_init(struct sim_channel *channel, struct sim_channel *partner,
			 const struct sim_channel_config *config)
{
	struct sim_channel_sender *s = &channel->send;
	struct sim_channel_receiver *r = &channel->receive;
	*s = (struct sim_channel_sender){.partner = partner, .lined = config->line};
	*r = (struct sim_channel_receiver){
		.partner = partner, .lined = config->line, .patience = config->patience};
	s->spare[SIM_CLASS_FORWARD] = config->reserve[SIM_CLASS_REPLY];
	s->spare[SIM_CLASS_REQUEST] = config->reserve[SIM_CLASS_REPLY] + config->reserve[SIM_CLASS_FORWARD];
	sim_ring_ends_init(&s->ring, &r->ring, &channel->taken, channel->slots, config->slots, 0);
}

void sim_channel_pair_init(void *memory, const struct sim_channel_config *config, struct sim_channel **a_to_b,
			   struct sim_channel **b_to_a)
{
	struct sim_channel *a = memory, *b = (void *)((char *)memory + channel_bytes(config));
	const uint64_t reserved =
		(uint64_t)config->reserve[SIM_CLASS_FORWARD] + config->reserve[SIM_CLASS_REPLY];
	SIM_CHECK((uintptr_t)memory % SIM_RING_APART == 0);
	SIM_CHECK(config->slots >= SIM_RING_SLOTS_MIN && (config->slots & (config->slots - 1)) == 0);
	SIM_CHECK(config->reserve[SIM_CLASS_REQUEST] == 0);
	SIM_CHECK(reserved <= config->slots - config->slots / 4);
	channel_init(a, b, config);
	channel_init(b, a, config);
	sim_channel_start_at(a, 0, 0, 0);
	sim_channel_start_at(b, 0, 0, 0);
	*a_to_b = a;
	*b_to_a = b;
}

void sim_channel_start_at(struct sim_channel *channel, uint64_t position, uint32_t lines, uint64_t turns)
{
	struct sim_channel_sender *s = &channel->send;
	struct sim_channel_receiver *r = &channel->receive;
	SIM_CHECK(turns % 2 == 0);
	sim_ring_ends_init(&s->ring, &r->ring, &channel->taken, channel->slots, s->ring.mask + 1, position);
	s->first = position;
	s->lines = lines;
	r->lines = (uint16_t)lines;
	s->partner->receive.reply_turn = turns;
	r->request_turn = turns + 1;
	sim_store_relaxed(&channel->line.sequence, turns);
}

bool sim_channel_line_void(struct sim_channel *channel)
{
	struct sim_channel_sender *s = &channel->send;
	struct sim_channel_receiver *r = &s->partner->receive;
	/* (C6) pairs with (C5) in sim_channel_done: the line is not written before its request was read. */
	if (sim_load_acquire(&channel->line.sequence) != r->reply_turn ||
	    !(sim_load_plain(&channel->line.header) >> 8 & SIM_FRAME_VOID))
		return false;
	r->awaiting = false;
	s->rest_last = s->rest_last < REST_MAX ? 2 * s->rest_last + 1 : REST_MAX;
	s->rest = s->rest_last;
	return true;
}

bool sim_channel_has(struct sim_channel *channel, uint64_t *due)
{
	enum sim_channel_way way;
	channel->receive.hold = 0; /* who asks is about to sleep: what is there must be seen */
	const struct sim_frame *frame = sim_channel_find(channel, &way);
	*due = frame ? sim_load_plain(&frame->stamp) : 0;
	return frame != NULL;
}

void sim_channel_stats(const struct sim_channel *channel, struct sim_channel_stats *out)
{
	const struct sim_channel_sender *s = &channel->send;
	*out = (struct sim_channel_stats){.ring_frames = s->ring.next - s->first,
					  .line_requests = s->line_requests,
					  .line_replies = s->line_replies,
					  .refused = s->refused};
}
