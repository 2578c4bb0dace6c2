/* ssi/checker/checker_host.c - the functions of the checker's host, and what can happen in a world.
 *
 * A fault ends its step at once (longjmp), so a wrong protocol can neither hang the checker nor make it act on
 * what is already wrong. The model sees a step when it is over: the calls that it ended, then the world. So what a step
 * does to its kernel depends on that kernel and on what it takes in alone, which the search makes use of. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "ssi/checker/checker_internal.h"
#include "ssi/step_words.h"

#define NODE_HEAD      sizeof(struct step_node)
#define PENDING_TIMER  255
#define STEP_CELLS_MAX 4096 /* more: the step never ends */

void checker_wrong(struct checker *c, const char *format, ...)
{
	if (!c->why[0]) {
		va_list list;
		va_start(list, format);
		vsnprintf(c->why, sizeof c->why, format, list);
		va_end(list);
	}
	if (c->in_step)
		longjmp(c->out, 1);
}

static void note(struct checker *c, const struct checker_note *what)
{
	if (c->noting && c->notes < NOTES_MAX)
		c->note[c->notes++] = *what;
}

/* ---- host functions ---- */

static struct checker *checker_of(struct step_node *n) { return n->owner; }

static struct step_msg *host_send(struct step_node *n, uint32_t to, unsigned event)
{
	struct checker *c = checker_of(n);
	(void)event;
	if (to >= c->nodes)
		checker_wrong(c, "kernel %u sends to kernel %u, which does not exist", n->id, to);
	struct checker_shared *s = c->shared;
	const uint32_t at = s->first[n->id][to] + s->count[n->id][to];
	if (at >= CHANNEL_CREDIT)
		checker_wrong(c, "the channel from kernel %u to kernel %u takes more than its credit", n->id,
			      to);
	s->count[n->id][to]++;
	/* step_tell() fills it in after this returns: the note refers to it by its place. */
	note(c, &(struct checker_note){.kind = NOTE_SEND, .at = STEP_REF(to, 0, at)});
	return &c->channel[n->id][to][at];
}

static void host_complete(struct step_node *n, step_ref client, uint32_t result, step_ref arg)
{
	struct checker *c = checker_of(n);
	if (c->beginning)
		return; /* nobody called what makes the initial state */
	if (client.machine != STEP_CLIENT || client.node != n->id || client.index >= c->clients)
		checker_wrong(c, "kernel %u completes a call of something that is not its client", n->id);
	note(c, &(struct checker_note){.kind = NOTE_COMPLETE,
				       .at = client,
				       .result = result,
				       .msg = c->shared->flight[n->id][client.index]});
	if (c->ends == ENDS_MAX)
		checker_wrong(c, "kernel %u completes more than %d calls in a step", n->id, ENDS_MAX);
	c->end[c->ends++] =
		(struct checker_ended){.client = (uint32_t)client.index, .result = result, .arg = arg};
}

static void check_pending(struct checker *c, struct step_node *n, step_ref self)
{
	const struct step_head *head = step_at(n, self.machine, (uint32_t)self.index);
	if (c->pending)
		checker_wrong(c, "%s %u.%u has a second local call or timer under way",
			      c->protocol->machine[self.machine].name, n->id, (uint32_t)self.index);
	if (!head->state)
		checker_wrong(c, "%s %u.%u is freed while its local call or timer is under way",
			      c->protocol->machine[self.machine].name, n->id, (uint32_t)self.index);
	c->pending = true;
}

static void host_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	struct checker *c = checker_of(n);
	(void)arg;
	if (!call || call >= PENDING_TIMER)
		checker_wrong(c, "kernel %u makes a local call without a number", n->id);
	check_pending(c, n, self);
	note(c, &(struct checker_note){.kind = NOTE_LOCAL, .at = self, .result = call});
}

static void host_timer(struct step_node *n, step_ref self)
{
	check_pending(checker_of(n), n, self);
	note(checker_of(n), &(struct checker_note){.kind = NOTE_TIMER, .at = self});
}

static void host_fanout(struct step_node *n, step_ref self, struct step_list *list)
{
	(void)n, (void)self, (void)list; /* the list itself says that it has untold members */
}

static uint32_t host_find(struct step_node *n, unsigned machine, step_ref name)
{
	struct checker *c = checker_of(n);
	for (uint32_t i = 0; i < n->pool[machine].used; i++) {
		const struct step_head *head = step_at(n, machine, i);
		if (head->state && step_same(c->name[n->id][machine][i], name))
			return i;
	}
	return STEP_INDEX_MAX;
}

static void host_bind(struct step_node *n, unsigned machine, step_ref name, uint32_t index)
{
	checker_of(n)->name[n->id][machine][index] = name;
}

static void host_unbind(struct step_node *n, unsigned machine, uint32_t index)
{
	checker_of(n)->name[n->id][machine][index] = STEP_NOBODY;
}

static void host_ready(struct step_node *n, step_ref at)
{
	(void)n, (void)at; /* checker_moves() sees what is ready */
}

static void host_fault(struct step_node *n, const char *why, const struct step_msg *m, unsigned state)
{
	struct checker *c = checker_of(n);
	char event[160] = "";
	if (m)
		checker_print_event(c, event, sizeof event, m, state, m->to.node == n->id);
	checker_wrong(c, "kernel %u: %s%s%s", n->id, why, m ? ": " : "", event);
}

const struct step_host checker_host = {.send = host_send,
				       .complete = host_complete,
				       .local = host_local,
				       .timer = host_timer,
				       .fanout = host_fanout,
				       .find = host_find,
				       .bind = host_bind,
				       .unbind = host_unbind,
				       .ready = host_ready,
				       .data_out = step_words_out,
				       .data_in = step_words_in,
				       .data_new = step_words_new,
				       .data_drop = step_words_drop,
				       .fault = host_fault};

static bool is_answer(unsigned event)
{
	return event == E_LOCAL_OK || event == E_LOCAL_ERR || event == E_TIMER;
}

void checker_tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state, unsigned next)
{
	struct checker *c = checker_of(n);
	c->visited[m->to.machine][state * c->protocol->events + m->event] = 1;
	if (c->seen)
		c->seen(n, m, at, state, next);
	note(c, &(struct checker_note){.kind = NOTE_CELL, .at = at, .state = state, .next = next, .msg = *m});
	if (++c->step_cells > STEP_CELLS_MAX)
		checker_wrong(c, "kernel %u: a step does not end", n->id);
	c->pending = false;
	if (!state || state >= c->protocol->machine[m->to.machine].states)
		return;
	const struct step_head *head = step_at(n, at.machine, (uint32_t)at.index);
	c->pending = head->pending && !is_answer(m->event);
	if (c->pending && !next)
		checker_wrong(c, "%s %u.%u is freed while its local call or timer is under way",
			      c->protocol->machine[at.machine].name, n->id, (uint32_t)at.index);
}

/* ---- worlds ---- */

void checker_save(struct checker *c)
{
	memcpy(c->saved, c->image, c->image_size);
	for (uint32_t a = 0; a < c->nodes; a++) {
		memcpy(c->saved + c->image_size + a * NODE_HEAD, &c->node[a], NODE_HEAD);
		memcpy(c->saved_channel[a], c->channel[a], sizeof c->channel[a]);
	}
}

void checker_restore(struct checker *c)
{
	memcpy(c->image, c->saved, c->image_size);
	for (uint32_t a = 0; a < c->nodes; a++) {
		memcpy(&c->node[a], c->saved + c->image_size + a * NODE_HEAD, NODE_HEAD);
		memcpy(c->channel[a], c->saved_channel[a], sizeof c->channel[a]);
	}
}

void checker_see_ends(struct checker *c, uint32_t a, const struct checker_ended *end, uint32_t ends)
{
	for (uint32_t i = 0; i < ends && !c->why[0]; i++) {
		struct step_msg *call = &c->shared->flight[a][end[i].client];
		if (!call->event) {
			checker_wrong(c, "kernel %u completes a call that is not in flight", a);
			return;
		}
		c->shared->call[a] = *call;
		const char *why = c->model->completed
					  ? c->model->completed(&c->world, a, end[i].result, end[i].arg)
					  : NULL;
		if (why)
			checker_wrong(c, "%s", why);
		*call = (struct step_msg){0};
		c->shared->call[a] = c->shared->flight[a][0];
	}
}

void checker_see_world(struct checker *c)
{
	const char *why = c->model->always ? c->model->always(&c->world) : NULL;
	if (why)
		checker_wrong(c, "%s", why);
}

void checker_begin(struct checker *c)
{
	checker_clear(c);
	c->why[0] = '\0';
	c->notes = c->step_cells = c->ends = 0;
	if (!setjmp(c->out)) {
		c->in_step = c->beginning = true;
		if (c->model->begin) {
			for (uint32_t a = 0; a < c->nodes; a++)
				c->node[a].me = STEP_NOBODY;
			c->model->begin(&c->world);
			for (uint32_t a = 0; a < c->nodes; a++)
				step_run(&c->node[a]);
		}
	}
	c->in_step = c->beginning = false;
	if (!c->why[0])
		checker_see_world(c);
}

/* ---- what can happen ---- */

static bool has_credit(const struct checker *c, uint32_t a)
{
	for (uint32_t b = 0; b < c->nodes && !c->model->capacity; b++)
		if (c->shared->count[a][b] + STEP_CREDIT > CHANNEL_CREDIT)
			return false;
	return true;
}

static struct checker_move *add(struct checker_moves_list *l, enum checker_move_kind kind, uint32_t node)
{
	struct checker_move *m = &l->move[l->count < MOVES_MAX - 1 ? l->count++ : l->count];
	*m = (struct checker_move){.kind = kind, .node = node};
	return m;
}

static void moves_of_list(struct checker_moves_list *l, struct step_node *n, step_ref at,
			  struct step_list *list)
{
	for (uint32_t i = list->first; i; i = n->link[i - 1].next)
		if (!n->link[i - 1].told) {
			struct checker_move *m = add(l, MOVE_FANOUT, n->id);
			m->at = at, m->list = list, m->link = i;
		}
}

static void moves_of_machine(struct checker *c, struct checker_moves_list *l, struct step_node *n,
			     uint32_t machine, uint32_t index)
{
	char *self = step_at(n, machine, index);
	const struct step_head *head = (const struct step_head *)self;
	if (!head->state)
		return;
	const step_ref at = step_ref_of(n, machine, index);
	if (head->pending == PENDING_TIMER)
		add(l, MOVE_TIMER, n->id)->at = at, l->move[l->count - 1].event = E_TIMER;
	else if (head->pending)
		for (uint32_t e = E_LOCAL_OK; e <= (c->local_errors ? E_LOCAL_ERR : E_LOCAL_OK); e++)
			add(l, MOVE_LOCAL, n->id)->at = at, l->move[l->count - 1].event = e;
	if (head->parked && step_is_ready(n, at))
		add(l, MOVE_RESUME, n->id)->at = at;
	for (const struct step_field *f = c->protocol->machine[machine].fields(); f->name; f++) {
		struct step_list *list = (void *)(self + f->offset);
		if (f->kind == STEP_K_LIST && list->fan && list->untold)
			moves_of_list(l, n, at, list);
	}
}

void checker_moves_of_kernel(struct checker *c, struct checker_moves_list *l, uint32_t a)
{
	struct step_node *n = &c->node[a];
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		for (uint32_t i = 0; i < n->pool[m].used; i++)
			moves_of_machine(c, l, n, m, i);
	if (n->orphans)
		add(l, MOVE_RESUME, a)->at = STEP_NOBODY;
}

/* Of equal messages, only the first. */
static bool is_like_another(const struct step_msg *m, uint32_t position)
{
	for (uint32_t i = 0; i < position; i++)
		if (!memcmp(&m[i], &m[position], sizeof *m))
			return true;
	return false;
}

uint32_t checker_first_of(const struct checker *c, const struct step_msg *m, uint32_t count)
{
	uint32_t mask = 0, classes = 0;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t klass = 1u << c->protocol->event[m[i].event].klass;
		const bool first = c->reorder                    ? !is_like_another(m, i)
				   : c->model->channels_by_class ? !(classes & klass)
								 : i == 0;
		mask |= (uint32_t)first << i;
		classes |= klass;
	}
	return mask;
}

static bool would_stall(struct checker *c, const struct step_msg *m)
{
	return c->model->stall_in_channel && step_peek(&c->node[m->to.node], m, NULL)->kind == STEP_STALL;
}

static void moves_of_channel(struct checker *c, struct checker_moves_list *l, uint32_t from, uint32_t a,
			     enum checker_move_kind kind)
{
	const struct step_msg *m = &c->channel[from][a][c->shared->first[from][a]];
	const uint32_t mask = checker_first_of(c, m, c->shared->count[from][a]);
	for (uint32_t i = 0; mask >> i; i++)
		if (mask >> i & 1 && (kind == MOVE_DROP || !would_stall(c, &m[i]))) {
			struct checker_move *move = add(l, kind, a);
			move->from = from, move->position = i;
		}
}

static void moves_of_node(struct checker *c, struct checker_moves_list *l, uint32_t a)
{
	if (c->shared->crashed[a] || !has_credit(c, a))
		return;
	for (uint32_t b = 0; b < c->nodes; b++)
		moves_of_channel(c, l, b, a, MOVE_RECEIVE);
	checker_moves_of_kernel(c, l, a);
}

void checker_moves_of_client(struct checker *c, struct checker_moves_list *l, uint32_t a)
{
	struct step_msg call[MOVES_MAX];
	uint32_t client = 0;
	while (client < c->clients && c->shared->flight[a][client].event)
		client++;
	if (client == c->clients || c->shared->crashed[a] || !has_credit(c, a) ||
	    c->node[a].parked == c->parks)
		return; /* a call that finds no place to wait may not start */
	const uint32_t calls = c->model->calls ? c->model->calls(&c->world, a, call, MOVES_MAX) : 0;
	for (uint32_t i = 0; i < calls; i++) {
		struct checker_move *m = add(l, MOVE_CALL, a);
		m->client = client;
		m->call = call[i];
		m->call.from = STEP_REF(a, STEP_CLIENT, client);
	}
}

static void moves_of_faults(struct checker *c, struct checker_moves_list *l)
{
	uint32_t crashed = 0;
	for (uint32_t a = 0; a < c->nodes; a++)
		crashed += c->shared->crashed[a];
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t b = 0; b < c->nodes && c->lossy; b++)
			moves_of_channel(c, l, a, b, MOVE_DROP);
	for (uint32_t a = 0; a < c->nodes && crashed < c->crash; a++)
		if (!c->shared->crashed[a])
			add(l, MOVE_CRASH, a);
}

static uint32_t calls_in_flight(const struct checker *c)
{
	uint32_t flight = 0;
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t k = 0; k < c->clients; k++)
			flight += c->shared->flight[a][k].event != 0;
	return flight;
}

/* A step that sends more than fits cannot happen: it is tried. */
static void drop_full(struct checker *c, struct checker_moves_list *l, uint32_t *busy)
{
	uint32_t kept = 0, kept_busy = 0;
	checker_save(c);
	for (uint32_t i = 0; i < l->count; i++) {
		checker_perform(c, &l->move[i]);
		checker_restore(c);
		if (c->full)
			continue;
		kept_busy += i < *busy;
		l->move[kept++] = l->move[i];
	}
	c->why[0] = '\0';
	l->count = kept;
	*busy = kept_busy;
}

uint32_t checker_moves(struct checker *c, struct checker_move *move, uint32_t *busy)
{
	struct checker_moves_list l = {.move = move};
	for (uint32_t a = 0; a < c->nodes; a++)
		moves_of_node(c, &l, a);
	*busy = l.count;
	moves_of_faults(c, &l);
	const uint32_t flight = calls_in_flight(c);
	for (uint32_t a = 0; a < c->nodes && flight < c->flight; a++)
		checker_moves_of_client(c, &l, a);
	if (l.count == MOVES_MAX - 1)
		checker_misfit(c, "too much can happen");
	if (c->model->capacity)
		drop_full(c, &l, busy);
	return l.count;
}

/* ---- moves ---- */

void checker_prefer(struct checker *c, step_ref slot)
{
	if (slot.node >= c->nodes || !slot.machine || slot.machine >= c->protocol->machines ||
	    slot.index >= c->slots[slot.machine])
		return;
	struct step_node *n = &c->node[slot.node];
	struct step_pool *pool = &n->pool[slot.machine];
	uint32_t first = 0, *last = &first;
	if (((const struct step_head *)step_at(n, slot.machine, (uint32_t)slot.index))->state)
		return;
	/* All free slots are linked, this one first, then the lowest. */
	for (uint32_t i = 0; i <= pool->slots; i++) {
		const uint32_t at = i ? i - 1 : (uint32_t)slot.index;
		struct step_head *head = step_at(n, slot.machine, at);
		if (head->state || (i && at == slot.index))
			continue;
		*last = at + 1;
		last = &head->parked;
	}
	*last = 0;
	pool->free = first;
	pool->used = pool->slots;
}

static void see_stall(struct checker *c, const struct step_msg *m, step_ref at, unsigned state)
{
	const struct step_protocol *p = c->protocol;
	if (step_cell_at(p, m->to.machine, state, m->event)->kind == STEP_STALL) {
		c->visited[m->to.machine][state * p->events + m->event] = 1;
		note(c, &(struct checker_note){.kind = NOTE_STALL, .at = at, .state = state, .msg = *m});
	}
}

static void deliver(struct checker *c, struct step_node *n, const struct step_msg *m)
{
	const uint8_t klass = c->protocol->event[m->event].klass;
	if (klass == STEP_REQUEST || klass == STEP_CALL) {
		unsigned state;
		step_peek(n, m, &state);
		see_stall(c, m, m->to, state);
	}
	step_deliver(n, m);
}

/* A message that was raised inside a step and stalled shows only in its machine. */
static void see_parked(struct checker *c, struct step_node *n)
{
	const bool noting = c->noting;
	c->noting = false;
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		for (uint32_t i = 0; i < n->pool[m].used; i++) {
			const struct step_head *head = step_at(n, m, i);
			if (!head->state || !head->parked)
				continue;
			uint32_t p = head->parked;
			do {
				p = n->park[p - 1].next;
				see_stall(c, &n->park[p - 1].msg, STEP_NOBODY, head->state);
			} while (p != head->parked);
		}
	c->noting = noting;
}

static struct step_msg take_message(struct checker *c, uint32_t from, uint32_t to, uint32_t position)
{
	struct step_msg *first = &c->channel[from][to][c->shared->first[from][to]];
	const struct step_msg m = first[position];
	c->shared->count[from][to]--;
	if (position)
		memmove(first + position, first + position + 1,
			(c->shared->count[from][to] - position) * sizeof *first);
	else
		c->shared->first[from][to]++;
	return m;
}

/* Its machines are gone, and so are its clients; nobody is told. */
void checker_stop_kernel(struct checker *c, uint32_t a)
{
	checker_clear_kernel(c, a);
	c->shared->crashed[a] = true;
	memset(c->shared->flight[a], 0, sizeof c->shared->flight[a]);
	c->shared->call[a] = (struct step_msg){0};
	if (c->model->shadow.machine)
		memset(c->shadow[a], 0, c->shadow_size);
	for (uint32_t b = 0; b < c->nodes; b++)
		c->shared->count[b][a] = 0;
}

static void run_cells(struct checker *c, struct step_node *n, const struct checker_move *move)
{
	struct step_msg m = {0};
	switch (move->kind) {
	case MOVE_RECEIVE:
		m = take_message(c, move->from, n->id, move->position);
		deliver(c, n, &m);
		break;
	case MOVE_LOCAL:
	case MOVE_TIMER:
		m.event = (uint8_t)move->event;
		m.to = m.from = move->at;
		deliver(c, n, &m);
		break;
	case MOVE_FANOUT:
		step_fanout_link(n, move->at, move->list, move->link);
		step_run(n);
		break;
	case MOVE_RESUME:
		if (!step_resume(n, move->at))
			checker_wrong(c, "kernel %u: a parked message is ready and is not delivered", n->id);
		break;
	case MOVE_CALL:
		deliver(c, n, &move->call);
		break;
	case MOVE_DROP:
		take_message(c, move->from, n->id, move->position);
		break;
	case MOVE_CRASH:
		checker_stop_kernel(c, n->id);
		break;
	}
}

/* Where the model has a capacity, a step that sends more than fits has not happened. */
static bool is_full(const struct checker *c, uint32_t a)
{
	for (uint32_t b = 0; b < c->nodes; b++) {
		const struct step_msg *m = &c->channel[a][b][c->shared->first[a][b]];
		uint32_t count[STEP_REPLY + 1] = {0};
		for (uint32_t i = 0; i < c->shared->count[a][b]; i++)
			if (++count[c->model->channels_by_class ? c->protocol->event[m[i].event].klass : 0] >
			    c->model->capacity)
				return true;
	}
	return false;
}

static void check_sends(struct checker *c, const struct step_node *n, const uint8_t *before)
{
	for (uint32_t b = 0; b < c->nodes; b++)
		if (c->shared->count[n->id][b] > before[b] + STEP_CREDIT)
			checker_wrong(c, "kernel %u: one step sends more than %d messages to kernel %u",
				      n->id, STEP_CREDIT, b);
}

/* setjmp() has a function of its own, so that nothing that is changed after it lies in a register. */
static void run_guarded(struct checker *c, struct step_node *n, const struct checker_move *move)
{
	if (setjmp(c->out))
		return;
	c->in_step = true;
	run_cells(c, n, move);
}

bool checker_run_move(struct checker *c, const struct checker_move *move)
{
	struct step_node *n = &c->node[move->node];
	uint8_t before[NODES];
	memcpy(before, c->shared->count[n->id], sizeof before);
	const uint32_t sent = n->sent;
	c->why[0] = '\0';
	c->notes = c->step_cells = c->ends = 0;
	c->pending = c->full = false;
	run_guarded(c, n, move);
	c->in_step = false;
	if (c->why[0])
		return false;
	check_sends(c, n, before);
	if (n->parked)
		see_parked(c, n);
	if (n->sent - sent > c->sends_max)
		c->sends_max = n->sent - sent;
	if (c->step_cells > c->cells_max)
		c->cells_max = c->step_cells;
	c->full = c->model->capacity && is_full(c, n->id);
	return !c->why[0] && !c->full;
}

/* What is sent to a kernel that has stopped is gone. */
static void lose_sent(struct checker *c)
{
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t b = 0; b < c->nodes; b++)
			if (c->shared->crashed[b])
				c->shared->count[a][b] = 0;
}

void checker_perform(struct checker *c, const struct checker_move *move)
{
	if (move->kind == MOVE_CALL) {
		c->shared->flight[move->node][move->client] = move->call;
		c->shared->call[move->node] = c->shared->flight[move->node][0];
	}
	if (!checker_run_move(c, move))
		return;
	if (c->crash)
		lose_sent(c);
	checker_see_ends(c, move->node, c->end, c->ends);
	if (!c->why[0])
		checker_see_world(c);
}

/* ---- rest ---- */

static void rest_of_machine(struct checker *c, const struct step_node *n, uint32_t machine, uint32_t index)
{
	const struct step_machine *k = &c->protocol->machine[machine];
	const struct step_head *head = step_at(n, machine, index);
	if (!(k->rest >> head->state & 1))
		checker_wrong(c, "deadlock: %s %u.%u stays in %s for ever", k->name, n->id, index,
			      k->state[head->state]);
	else if (head->state && head->parked)
		checker_wrong(c, "deadlock: a message stalls at %s %u.%u [%s] for ever", k->name, n->id,
			      index, k->state[head->state]);
}

/* Whether a machine that is at rest, so may wait for other clients, keeps the client's call. */
static bool keeps_call(const struct checker *c, const struct step_node *n, uint32_t client)
{
	for (uint32_t m = 1; m < c->protocol->machines; m++) {
		const struct step_machine *k = &c->protocol->machine[m];
		for (uint32_t i = 0; i < n->pool[m].used; i++) {
			const char *self = step_at(n, m, i);
			const unsigned state = ((const struct step_head *)self)->state;
			if (!state || !(k->rest >> state & 1))
				continue;
			for (const struct step_field *f = k->fields(); f->name; f++)
				if (f->kind == STEP_K_REF &&
				    step_same(*(const step_ref *)(const void *)(self + f->offset),
					      STEP_REF(n->id, STEP_CLIENT, client)))
					return true;
		}
	}
	return false;
}

bool checker_kernel_rests(const struct checker *c, uint32_t a)
{
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		for (uint32_t i = 0; i < c->node[a].pool[m].used; i++) {
			const struct step_head *head = step_at(&c->node[a], m, i);
			if (!(c->protocol->machine[m].rest >> head->state & 1) ||
			    (head->state && head->parked))
				return false;
		}
	return true;
}

static void rest_of_node(struct checker *c, uint32_t a)
{
	if (c->shared->crashed[a])
		return;
	for (uint32_t k = 0; k < c->clients; k++)
		if (c->shared->flight[a][k].event && !keeps_call(c, &c->node[a], k))
			checker_wrong(c, "deadlock: the client of kernel %u waits for %s for ever", a,
				      c->protocol->event[c->shared->flight[a][k].event].name);
	for (uint32_t b = 0; b < c->nodes; b++)
		if (c->shared->count[a][b])
			checker_wrong(c, "deadlock: kernels %u and %u have no credit for each other", a, b);
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		for (uint32_t i = 0; i < c->node[a].pool[m].used; i++)
			rest_of_machine(c, &c->node[a], m, i);
}

void checker_rest(struct checker *c)
{
	c->why[0] = '\0';
	for (uint32_t a = 0; a < c->nodes; a++)
		rest_of_node(c, a);
	const char *why = !c->why[0] && c->model->at_rest ? c->model->at_rest(&c->world) : NULL;
	if (why)
		checker_wrong(c, "%s", why);
}
