/* ssi/flat_credit.c - backpressure in virtual time: a link holds so many messages, as a ring does (config.credit).
 *
 * The twin of what the native engine does (sim/native.h): a message that finds no credit waits in an outbox of the pair, in
 * order, so a pair stays first in, first out. Credit comes back when the receiver's monitor has taken a message, after the
 * wire's latency. A monitor takes what arrives whatever its outboxes hold, so a full link never stands in the way of what
 * would empty it; what bounds the outboxes is that no call of a client begins while as many messages as a link holds
 * wait (docs/decisions/0007-native-is-an-engine.md). */
#include <stdlib.h>
#include "ssi/flat_internal.h"

int flat_credit_init(struct flat_machine *m)
{
	if (!m->config.credit || m->config.native)
		return 0;
	for (uint32_t i = 0; i < m->clusters; i++) {
		struct flat_cluster *c = &m->cluster[i];
		c->way = calloc(m->clusters, sizeof *c->way);
		c->held = calloc(c->clients + 1, sizeof *c->held);
		if (!c->way || !c->held)
			return -1;
	}
	return 0;
}

void flat_credit_fini(struct flat_cluster *c, uint32_t clusters)
{
	for (uint32_t i = 0; c->way && i < clusters; i++)
		free(c->way[i].waiting);
	free(c->way);
	free(c->held);
}

bool flat_credit_take(struct flat_cluster *c, uint32_t to)
{
	struct flat_way *w = &c->way[to];
	if (w->head != w->tail || w->flying == c->machine->config.credit)
		return false;
	w->flying++;
	return true;
}

static void grow(struct flat_way *w)
{
	const uint32_t room = w->room ? w->room * 2 : 8;
	struct flat_waiting *bigger = malloc(room * sizeof *bigger);
	SIM_CHECK(bigger != NULL);
	for (uint32_t i = w->head; i != w->tail; i++)
		bigger[i & (room - 1)] = w->waiting[i & (w->room - 1)];
	free(w->waiting);
	w->waiting = bigger;
	w->room = room;
}

struct flat_frame *flat_credit_wait(struct flat_cluster *c, uint32_t to, unsigned klass, uint64_t bytes)
{
	struct flat_way *w = &c->way[to];
	struct flat_shard *s = c->shard;
	if (w->tail - w->head == w->room)
		grow(w);
	struct flat_waiting *f = &w->waiting[w->tail++ & (w->room - 1)];
	*f = (struct flat_waiting){.bytes = bytes, .klass = (uint8_t)klass};
	s->waited++;
	c->waiting_frames++;
	s->waited_most = s->waited_most > c->waiting_frames ? s->waited_most : c->waiting_frames;
	return &f->frame;
}

/* A call of a client that is to begin, unless too much waits. */
bool flat_credit_hold(struct flat_cluster *c, uint32_t client)
{
	if (!c->way || (c->waiting_frames < c->machine->config.credit && c->held_head == c->held_tail))
		return false;
	c->held[c->held_tail++ % (c->clients + 1)] = client;
	return true;
}

/* The receiver has taken a message of `from`: that learns it after the wire's latency. */
void flat_credit_return(struct flat_cluster *c, uint32_t from)
{
	struct flat_machine *m = c->machine;
	const struct sim_link link = sim_topology_link(&m->topology, c->id, from);
	const sim_ps now = sim_ps_of_cycles(&m->topology.clock, c->now);
	struct flat_frame *frame = sim_engine_post(m->engine, c->id, from, now + link.wire_ps);
	frame->msg = (struct step_msg){.protocol = FLAT_CREDIT, .word = c->id};
}

void flat_credit_back(struct flat_cluster *c, uint32_t to)
{
	struct flat_way *w = &c->way[to];
	w->flying--;
	while (w->head != w->tail && w->flying < c->machine->config.credit) {
		struct flat_waiting *f = &w->waiting[w->head++ & (w->room - 1)];
		w->flying++;
		c->waiting_frames--;
		flat_depart(c, to, f);
	}
	while (c->held_head != c->held_tail && c->waiting_frames < c->machine->config.credit) {
		const uint32_t client = c->held[c->held_head++ % (c->clients + 1)];
		flat_files_start(c, client);
		flat_settle(c);
	}
}
