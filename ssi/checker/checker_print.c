/* ssi/checker/checker_print.c - a counter-example as text that needs no knowledge of the checker.
 *
 * Only states are stored, so the steps between them are found again: from the initial world, the first move
 * whose result packs to the next state of the path is made. The world is never relabelled on the way, so kernel 2
 * is the same kernel in every line. */
#include <stdio.h>
#include <stdlib.h>
#include "ssi/checker/checker_internal.h"

static const char *event_name(const struct checker *c, unsigned event)
{
	return event < c->protocol->events ? c->protocol->event[event].name : "?";
}

static const char *state_name(const struct checker *c, unsigned machine, unsigned state)
{
	const struct step_machine *k = &c->protocol->machine[machine];
	return state <= k->states ? k->state[state] : "?";
}

static void print_ref(const struct checker *c, FILE *f, step_ref r)
{
	const unsigned node = r.node, machine = r.machine, index = r.index;
	if (!step_ref_word(r)) {
		fprintf(f, "nobody");
	} else if (machine == STEP_CLIENT) {
		fprintf(f, "the client of kernel %u", node);
	} else if (!machine || machine >= c->protocol->machines) {
		fprintf(f, "name %u.%u", node, index);
	} else if (index == STEP_NEW) {
		fprintf(f, "a new %s of kernel %u", c->protocol->machine[machine].name, node);
	} else if (index == STEP_NAMED) {
		fprintf(f, "the named %s of kernel %u", c->protocol->machine[machine].name, node);
	} else if (index >= c->slots[machine]) {
		fprintf(f, "name %u.%u", node, index);
	} else {
		const struct step_head *head =
			node < c->nodes ? step_at(&c->node[node], machine, index) : NULL;
		fprintf(f, "%s %u.%u%s", c->protocol->machine[machine].name, node, index,
			head && head->gen != r.gen ? " (gone)" : "");
	}
}

static void print_word(const struct checker *c, FILE *f, const struct step_msg *m)
{
	switch ((enum step_kind)c->protocol->event[m->event].word) {
	case STEP_K_NODE:
		fprintf(f, " -> kernel %u", m->word);
		break;
	case STEP_K_WORD:
		fprintf(f, ", %u", m->word);
		break;
	case STEP_K_DATA:
		fprintf(f, ", data %u", m->word);
		break;
	default:
		break;
	}
}

void checker_print_event(const struct checker *c, char *out, size_t size, const struct step_msg *m,
			 unsigned state, bool with_state)
{
	out[0] = '\0';
	FILE *f = fmemopen(out, size, "w");
	if (!f)
		return;
	fprintf(f, "%s for ", event_name(c, m->event));
	print_ref(c, f, m->to);
	if (with_state && m->to.machine && m->to.machine < c->protocol->machines)
		fprintf(f, " [%s]", state_name(c, m->to.machine, state));
	fclose(f);
}

/* ---- one step ---- */

static void print_start(const struct checker *c, FILE *f, const struct checker_move *move)
{
	if (move->kind == MOVE_RECEIVE)
		fprintf(f, "%u -> %u     ", move->from, move->node);
	else
		fprintf(f, "kernel %u   ", move->node);
	if (move->kind == MOVE_CALL) {
		fprintf(f, "client%s calls %s(", move->client ? " 1" : "", event_name(c, move->call.event));
		print_ref(c, f, move->call.arg);
		print_word(c, f, &move->call);
		fprintf(f, ")");
	} else if (move->kind == MOVE_FANOUT) {
		print_ref(c, f, move->at);
		fprintf(f, " tells its next member");
	} else if (move->kind == MOVE_RESUME) {
		fprintf(f, "a parked message goes on");
	}
}

static void print_cell(const struct checker *c, FILE *f, const struct checker_note *n)
{
	const unsigned machine = n->msg.to.machine;
	const struct step_cell *cell = step_cell_at(c->protocol, machine, n->state, n->msg.event);
	fprintf(f, "%s reaches ", event_name(c, n->msg.event));
	step_ref at = n->at;
	if (n->state < c->protocol->machine[machine].states && at.index < c->slots[machine])
		at.gen = ((const struct step_head *)step_at(&c->node[at.node], machine, (uint32_t)at.index))
				 ->gen;
	print_ref(c, f, at);
	if (n->kind == NOTE_STALL)
		fprintf(f, " [%s]: it stalls", state_name(c, machine, n->state));
	else if (n->state == n->next)
		fprintf(f, " [%s]: %s", state_name(c, machine, n->state), cell->name);
	else
		fprintf(f, " [%s -> %s]: %s", state_name(c, machine, n->state),
			state_name(c, machine, n->next), cell->name);
}

static void print_note(const struct checker *c, FILE *f, const struct checker_note *n, uint32_t node)
{
	switch (n->kind) {
	case NOTE_CELL:
	case NOTE_STALL:
		print_cell(c, f, n);
		break;
	case NOTE_SEND: {
		const struct step_msg *m = &c->channel[node][n->at.node][n->at.index];
		fprintf(f, "sends %s to kernel %u", event_name(c, m->event), (unsigned)n->at.node);
		break;
	}
	case NOTE_LOCAL:
		fprintf(f, "asks the local kernel");
		break;
	case NOTE_TIMER:
		fprintf(f, "starts a timer");
		break;
	case NOTE_COMPLETE:
		fprintf(f, "%s returns %u", event_name(c, n->msg.event), n->result);
		break;
	}
}

/* Makes the move again, from the world that was saved: a call is printed as it was when it started. */
static void print_step(struct checker *c, FILE *f, const struct checker_move *move, uint32_t number)
{
	checker_restore(c);
	fprintf(f, "%3u  ", number);
	print_start(c, f, move);
	checker_perform(c, move);
	const bool started = move->kind >= MOVE_FANOUT;
	for (uint32_t i = 0; i < c->notes; i++) {
		fprintf(f, "%s", i || started ? "; " : "");
		print_note(c, f, &c->note[i], move->node);
	}
	fprintf(f, "\n");
}

/* ---- the way to a state ---- */

/* What a packing forgets about the order of lists and slots must not differ between the search and here. */
static void forget(struct checker *c)
{
	uint8_t bytes[PACK_MAX];
	checker_pack(c, &c->perm[0], bytes);
	checker_unpack(c, bytes);
}

static bool leads_to(struct checker *c, uint32_t unit)
{
	uint8_t bytes[PACK_MAX];
	uint32_t orbit, length;
	const uint8_t *wanted = checker_store_bytes(&c->store, unit, &length);
	return checker_pack_least(c, bytes, &orbit) == length && !memcmp(bytes, wanted, length);
}

/* Makes the first move that leads to `unit`, or, where unit is 0, that is wrong, and prints it. */
static bool print_move(struct checker *c, FILE *f, uint32_t unit, uint32_t number)
{
	struct checker_move *move = calloc(MOVES_MAX, sizeof *move);
	uint32_t busy, moves = move ? checker_moves(c, move, &busy) : 0;
	bool found = false;
	checker_save(c);
	for (uint32_t i = 0; i < moves && !found; i++) {
		if (i)
			checker_restore(c);
		checker_perform(c, &move[i]);
		found = unit ? !c->why[0] && leads_to(c, unit) : c->why[0] != 0;
		if (found)
			print_step(c, f, &move[i], number);
	}
	free(move);
	return found;
}

static bool print_way(struct checker *c, FILE *f, const uint32_t *way, uint32_t steps, bool one_more)
{
	checker_begin(c);
	for (uint32_t i = 0; i < steps; i++) {
		forget(c);
		if (!print_move(c, f, way[i], i + 1))
			return false;
	}
	forget(c);
	if (one_more)
		return print_move(c, f, 0, steps + 1);
	checker_rest(c);
	return c->why[0] != 0;
}

char *checker_print_trace(struct checker *c, uint32_t unit, bool one_more, uint32_t *steps)
{
	char *text = NULL;
	size_t size = 0;
	uint32_t depth = 0;
	for (uint32_t u = unit; checker_store_parent(&c->store, u); u = checker_store_parent(&c->store, u))
		depth++;
	uint32_t *way = calloc(depth + 1, sizeof *way);
	FILE *f = way ? open_memstream(&text, &size) : NULL;
	if (!f) {
		free(way);
		return NULL;
	}
	for (uint32_t i = depth, u = unit; i-- > 0; u = checker_store_parent(&c->store, u))
		way[i] = u;
	*steps = depth + one_more;
	c->noting = true;
	if (print_way(c, f, way, depth, one_more))
		fprintf(f, "%3u  ==> %s\n", *steps + 1, c->why);
	else
		fprintf(f, "     ==> the way could not be found again: the protocol depends on an order that "
			   "is not state\n");
	c->noting = false;
	free(way);
	return fclose(f) ? NULL : text;
}

/* ---- coverage ---- */

char *checker_print_unvisited(const struct checker *c)
{
	const struct step_protocol *p = c->protocol;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);
	if (!f)
		return NULL;
	const char *comma = "";
	for (unsigned m = 1; m < p->machines; m++)
		for (unsigned s = 0; s <= p->machine[m].states; s++)
			for (unsigned e = 0; e < p->events; e++) {
				if (!step_cell_at(p, m, s, e)->kind || c->visited[m][s * p->events + e])
					continue;
				fprintf(f, "%s%s %s+%s", comma, p->machine[m].name, state_name(c, m, s),
					event_name(c, e));
				comma = ", ";
			}
	return fclose(f) ? NULL : text;
}
