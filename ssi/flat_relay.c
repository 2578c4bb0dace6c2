/* ssi/flat_relay.c - messages through endpoints that were sent: the host of endpoint/relay.
 *
 * Machines have it whose clients are programs (config.messages). A message is a frame: its sender's kernel writes badge,
 * label and registers into it, whoever receives reads them; on its way it is bulk data like a page. An endpoint's name is that
 * of its object, the first capability of it, so its home is where that was made.
 *
 * What clients call is a local event of its own, like every call of a protocol that a host makes. */
#include "ssi/flat_internal.h"
#include "ssi/full.h"

static uint32_t *data_of(struct step_node *n, step_ref op)
{
	const struct step_machine *machine = &n->protocol->machine[ENDPOINT_OP];
	return (uint32_t *)(void *)((char *)step_at(n, ENDPOINT_OP, (uint32_t)op.index) +
				    flat_offset_of(machine, "data"));
}

uint32_t flat_relay_frame(struct flat_cluster *c, const struct flat_letter *letter)
{
	const uint32_t frame = frames_new(&c->shard->frames, false);
	memcpy(frames_bytes(&c->shard->frames, frame), letter, flat_letter_bytes(letter));
	return frame;
}

void flat_relay_call(struct flat_cluster *c, unsigned event, step_ref to, step_ref arg, uint32_t word,
		     uint32_t client)
{
	struct flat_shard *s = c->shard;
	flat_grow((void **)&s->local, s->local_count, &s->local_room, sizeof *s->local);
	s->local[s->local_count++] = (struct flat_local){.msg = {.event = (uint8_t)event,
								 .protocol = FLAT_RELAY,
								 .word = word,
								 .to = to,
								 .from = STEP_REF(c->id, STEP_CLIENT, client),
								 .arg = arg}};
}

void flat_relay_done(struct flat_cluster *c, struct step_node *n, uint32_t client, uint32_t result,
		     step_ref arg)
{
	const bool has_message = n->me.machine == ENDPOINT_OP && *data_of(n, n->me);
	const struct flat_letter *letter =
		has_message ? (const struct flat_letter *)(const void *)frames_bytes(&c->shard->frames,
										     *data_of(n, n->me))
			    : NULL;
	monitor_letter_done(c, client, result, arg, letter);
}
