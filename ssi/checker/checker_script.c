/* ssi/checker/checker_script.c - scripts out of the checker's moves.
 *
 * A search stores states, not steps, so the steps between them are found again: from the initial world, the first move
 * whose result is the next state of the way. The world is never relabelled on the way, so kernel 2 is the same kernel in
 * every step. */
#include <errno.h>
#include <stdlib.h>
#include "ssi/checker/checker_script.h"

void checker_forget(struct checker *c)
{
	uint8_t bytes[PACK_MAX];
	checker_pack(c, bytes);
	checker_unpack(c, bytes);
}

struct script *checker_script_begin(const struct checker *c)
{
	struct script plain = {.options = {.kernels = c->nodes,
					   .flight = c->flight,
					   .clients = c->clients,
					   .parks = c->parks,
					   .objects = c->world.objects,
					   .capabilities = c->world.capabilities,
					   .judged = c->world.judged,
					   .lossy = c->lossy,
					   .reorder = c->reorder,
					   .crash = c->crash,
					   .no_local_errors = !c->local_errors}};
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		plain.options.slots[m] = c->slots[m];
	snprintf(plain.protocol, sizeof plain.protocol, "%s", c->protocol->name);
	script_fingerprint(plain.table, c->protocol);
	return script_new(&plain);
}

struct script_step checker_script_step(const struct checker *c, const struct checker_move *m)
{
	struct script_step s = {.kernel = m->node, .at = m->at, .event = m->event};
	switch (m->kind) {
	case MOVE_RECEIVE: {
		const uint32_t first = c->shared->first[m->from][m->node];
		s.kind = SCRIPT_RECEIVE;
		s.from = m->from;
		s.position = m->position;
		s.event = c->channel[m->from][m->node][first + m->position].event;
		break;
	}
	case MOVE_LOCAL:
		s.kind = SCRIPT_ANSWER;
		break;
	case MOVE_TIMER:
		s.kind = SCRIPT_TIMER;
		break;
	case MOVE_FANOUT:
		s.kind = SCRIPT_TELL;
		s.arg = c->node[m->node].link[m->link - 1].member;
		s.event = m->list->fan;
		break;
	case MOVE_RESUME:
		s.kind = SCRIPT_RESUME;
		break;
	case MOVE_DROP:
		s.kind = SCRIPT_LOSE;
		s.from = m->from;
		s.position = m->position;
		s.event =
			c->channel[m->from][m->node][c->shared->first[m->from][m->node] + m->position].event;
		break;
	case MOVE_CRASH:
		s.kind = SCRIPT_STOP;
		break;
	case MOVE_CALL:
		s.kind = SCRIPT_CALL;
		s.client = m->client;
		s.event = m->call.event;
		s.word = m->call.word;
		s.mark = m->call.host;
		s.to = m->call.to;
		s.arg = m->call.arg;
		break;
	}
	return s;
}

/* ---- the moves of a way ---- */

/* Makes the first move that leads to the way's next state, or, after the last, that is wrong; `take`: which free slot is
 * taken. Returns 0, -ESRCH or -ENOMEM; then the world is after it. */
static int try_moves(struct checker *c, const struct checker_way *way, uint32_t at, step_ref take,
		     struct checker_move *move, uint32_t moves, struct script *out)
{
	for (uint32_t i = 0; i < moves; i++) {
		if (take.machine && take.node != move[i].node)
			continue;
		checker_restore(c);
		struct script_step step = checker_script_step(c, &move[i]);
		step.take = take;
		checker_prefer(c, take);
		checker_perform(c, &move[i]);
		if (at < way->steps ? !c->why[0] && way->reached(way->context, c, at + 1) : c->why[0] != 0)
			return script_add(out, &step);
	}
	return -ESRCH;
}

/* A search that exchanges slots takes the first free one of the state that stands for its class, which may be another than
 * the first here. */
static int find_move(struct checker *c, const struct checker_way *way, uint32_t at, struct checker_move *move,
		     struct script *out)
{
	uint32_t busy;
	const uint32_t moves = checker_moves(c, move, &busy);
	checker_save(c);
	int rc = try_moves(c, way, at, STEP_NOBODY, move, moves, out);
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t m = 1; m < c->protocol->machines; m++)
			for (uint32_t i = 0; i < c->slots[m] && rc == -ESRCH; i++) {
				checker_restore(c);
				if (!((const struct step_head *)step_at(&c->node[a], m, i))->state)
					rc = try_moves(c, way, at, STEP_REF(a, m, i), move, moves, out);
			}
	return rc;
}

static int find_moves(struct checker *c, const struct checker_way *way, struct checker_move *move,
		      struct script *out)
{
	checker_begin(c);
	checker_forget(c);
	for (uint32_t at = 0; at < way->steps; at++) {
		const int rc = find_move(c, way, at, move, out);
		if (rc)
			return rc;
		checker_forget(c);
	}
	if (way->end == SCRIPT_END_STEP)
		return find_move(c, way, way->steps, move, out);
	if (way->end == SCRIPT_END_REST)
		checker_rest(c);
	else
		snprintf(c->why, sizeof c->why, "%s", way->why);
	return c->why[0] ? 0 : -ESRCH;
}

int checker_script_make(struct checker *c, const struct checker_way *way, struct script **out)
{
	struct script *s = checker_script_begin(c);
	struct checker_move *move = calloc(MOVES_MAX, sizeof *move);
	int rc = s && move ? find_moves(c, way, move, s) : -ENOMEM;
	free(move);
	if (!rc) {
		s->end = way->end;
		snprintf(s->why, sizeof s->why, "%s", c->why);
		s->state = checker_print_state(c);
		rc = s->state ? 0 : -ENOMEM;
	}
	if (rc)
		script_free(s);
	else
		*out = s;
	return rc;
}
