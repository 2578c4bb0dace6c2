/* ssi/flat_thread.c - clients as threads that move: the local calls of the family thread (skerry/thread.h).
 *
 * A cluster has places for clients. A thread is who is at a place: its body names it, its name is at the cluster where it
 * was made. What the local calls do:
 *
 *   STOP       at its next system call: when its next event comes, when its driver has nothing for it, or, if the move is
 *              its own call, at once. Not while it waits for another thread: that may take as long as that one likes, and
 *              two could wait for each other. HALT: for good, also then
 *   (stopped)  what it holds is walked and told to its body: T_HOLD, a handle each; T_FREE when it goes on
 *   RESERVE    an empty place
 *   TRANSLATE  the C_MOVE of the machine's capability protocol. What was revoked meanwhile becomes nobody
 *   START      the client's record and its driver's go to the new place, its handles get their new names, it goes on
 *   RESUME     it goes on where it was, its handles as they came back
 *
 * A capability is shown to the table as STEP_CLIENT of its kernel, so that nobody takes it for a machine of the thread's
 * protocol. A gift for a thread that is stopped waits until it goes on or has left; who is sent to by name and is not there
 * is gone.
 *
 * The record of a thread that moves is read from its old place by its new one, as a reply record is (ssi/flat_files.c): from
 * its stop to the answer of its start nobody else touches it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "ssi/flat_internal.h"
#include "ssi/full.h"

#define HOLDS (1u << 24) /* completions of T_HOLD: + place */

static const struct flat_driver *driver_of(const struct flat_cluster *c)
{
	return &c->machine->config.driver;
}
static struct step_node *node_of(struct flat_cluster *c) { return &c->node[FLAT_THREAD]; }
static uint32_t number_of(const struct flat_cluster *c, const struct flat_place *p)
{
	return (uint32_t)(p - c->place);
}
static struct flat_place *place_of(const struct flat_cluster *c, step_ref body)
{
	const uint32_t place = c->place_of[body.index];
	return place ? &c->place[place - 1] : NULL;
}
/* Until its driver knows its new place, it is asked by the old one. */
static struct flat_handle *held(const struct flat_cluster *c, const struct flat_place *p, uint32_t i)
{
	const struct flat_driver *driver = driver_of(c);
	return p->state == PLACE_RESERVED ? driver->held(driver->context, p->from_cluster, p->from_client, i)
					  : driver->held(driver->context, c->id, number_of(c, p), i);
}

/* ---- what the table has ---- */

static uint32_t offset_of(const struct step_protocol *p, unsigned machine, const char *name)
{
	for (const struct step_field *f = p->machine[machine].fields(); f->name; f++)
		if (!strcmp(f->name, name))
			return f->offset;
	return 0;
}

int flat_thread_init(struct flat_machine *m)
{
	const struct step_protocol *p = m->protocol[FLAT_THREAD];
	if (!p)
		return 0;
	m->thread_at.slots = offset_of(p, THREAD_BODY, "slots");
	m->thread_at.body = offset_of(p, THREAD_SLOT, "body");
	m->thread_at.what = offset_of(p, THREAD_SLOT, "what");
	m->thread_at.place = offset_of(p, THREAD_SLOT, "place");
	m->thread_at.client = offset_of(p, THREAD_OP, "client");
	return m->thread_at.slots && m->thread_at.body && m->thread_at.what && m->thread_at.place &&
			       m->thread_at.client
		       ? 0
		       : -EINVAL;
}

struct slot_view {
	step_ref self, body, what;
	uint32_t place;
};
static struct slot_view view(const struct step_node *n, step_ref self)
{
	const struct flat_machine *m = flat_machine_of(n);
	const char *slot = step_at(n, THREAD_SLOT, (uint32_t)self.index);
	struct slot_view v = {.self = self};
	memcpy(&v.body, slot + m->thread_at.body, sizeof v.body);
	memcpy(&v.what, slot + m->thread_at.what, sizeof v.what);
	memcpy(&v.place, slot + m->thread_at.place, sizeof v.place);
	return v;
}
/* A slot holds a capability, or who waits for a reply. */
static bool is_owed(const struct slot_view *v) { return v->what.machine == THREAD_OP; }

static const struct step_list *slots_of(const struct step_node *n, step_ref body)
{
	const char *self = step_lookup(n, body);
	return self ? (const struct step_list *)(const void *)(self + flat_machine_of(n)->thread_at.slots)
		    : NULL;
}
#define EACH_SLOT(n, list, i, v)                                                                             \
	for (uint32_t i = (list) ? (list)->first : 0; i; i = (n)->link[i - 1].next)                          \
		for (struct slot_view v = view(n, (n)->link[i - 1].member), *once = &v; once; once = NULL)

static step_ref shown(step_ref cap)
{
	cap.machine = cap.machine ? STEP_CLIENT : 0;
	return cap;
}
step_ref flat_thread_cap(step_ref what)
{
	what.machine = what.machine ? CAPABILITY_CAP : 0;
	return what;
}

/* ---- calls into the protocol ---- */

static void call(struct flat_cluster *c, unsigned event, step_ref to, step_ref from, step_ref arg,
		 uint32_t word, uint16_t host, struct flat_chain chain)
{
	struct flat_shard *s = c->shard;
	flat_grow((void **)&s->local, s->local_count, &s->local_room, sizeof *s->local);
	s->local[s->local_count++] = (struct flat_local){.msg = {.event = (uint8_t)event,
								 .protocol = FLAT_THREAD,
								 .host = host,
								 .word = word,
								 .to = to,
								 .from = from,
								 .arg = arg},
							 .chain = chain};
}

static step_ref nobody_of(const struct flat_cluster *c)
{
	return STEP_REF(c->id, STEP_CLIENT, FLAT_BACKGROUND);
}

step_ref flat_thread_name(const struct flat_machine *m, uint32_t cluster, uint32_t client)
{
	return m->protocol[FLAT_THREAD] ? STEP_REF(cluster, THREAD_NAME, client) : STEP_NOBODY;
}

void flat_thread_move(struct flat_machine *m, uint32_t cluster, step_ref name, uint32_t to)
{
	struct flat_cluster *c = &m->cluster[cluster];
	call(c, THREAD_MOVE, STEP_ANY(c->id, THREAD_OP), nobody_of(c), name, to,
	     flat_host_half(FLAT_THREAD_MOVE, -1), (struct flat_chain){0});
}
void flat_thread_kill(struct flat_machine *m, uint32_t cluster, step_ref name)
{
	struct flat_cluster *c = &m->cluster[cluster];
	call(c, THREAD_KILL, STEP_ANY(c->id, THREAD_OP), nobody_of(c), name, 0,
	     flat_host_half(FLAT_THREAD_KILL, -1), (struct flat_chain){0});
}

static step_ref first_owed(const struct step_node *n, const struct flat_place *p, uint32_t *count)
{
	step_ref first = STEP_NOBODY;
	const struct step_list *list = slots_of(n, p->body);
	*count = 0;
	EACH_SLOT(n, list, i, v)
	{
		if (is_owed(&v) && !(*count)++)
			first = v.self;
	}
	return first;
}

uint32_t flat_thread_owes(const struct flat_machine *m, uint32_t cluster, uint32_t client)
{
	const struct flat_cluster *c = &m->cluster[cluster];
	uint32_t count = 0;
	if (c->place)
		first_owed(&c->node[FLAT_THREAD], &c->place[client], &count);
	return count;
}

/* Reads the call, changes nothing. Returns 0 or an errno. */
static int check_call(const struct flat_cluster *c, const struct flat_call *call)
{
	if (!c->place)
		return ENOSYS;
	if (call->op == FLAT_THREAD_REPLY)
		return 0;
	if (call->thread.machine != THREAD_NAME || call->thread.node >= c->machine->clusters ||
	    call->thread.index >= c->node[FLAT_THREAD].pool[THREAD_NAME].slots)
		return ESRCH;
	return call->op == FLAT_THREAD_MOVE && call->cluster >= c->machine->clusters ? EINVAL : 0;
}

void flat_thread_start(struct flat_cluster *c, uint32_t client)
{
	static const uint8_t event_of[] = {[FLAT_THREAD_MOVE - FLAT_THREAD_MOVE] = THREAD_MOVE,
					   [FLAT_THREAD_CALL - FLAT_THREAD_MOVE] = THREAD_CALL,
					   [FLAT_THREAD_REPLY - FLAT_THREAD_MOVE] = THREAD_REPLY,
					   [FLAT_THREAD_KILL - FLAT_THREAD_MOVE] = THREAD_KILL};
	struct flat_client *k = &c->client[client];
	const struct flat_chain chain = {.kernel = c->machine->cost.cycles[SIM_COST_CALL]};
	step_ref to = STEP_ANY(c->id, THREAD_OP), from = STEP_REF(c->id, STEP_CLIENT, client);
	int error = check_call(c, &k->call);
	uint32_t owed;
	k->result = (struct flat_result){0};
	k->made = STEP_NOBODY;
	flat_charged(c->profile, SIM_COST_CALL, 1);
	if (!error && k->call.op == FLAT_THREAD_REPLY) {
		to = first_owed(node_of(c), &c->place[client], &owed);
		error = owed ? 0 : ESRCH;
	}
	if (error) {
		k->result.error = error;
		flat_caps_end(c, client, chain);
		return;
	}
	c->place[client].calling = true;
	from.gen = c->place[client].gen & 0xfff;
	call(c, event_of[k->call.op - FLAT_THREAD_MOVE], to, from, k->call.thread, k->call.cluster,
	     flat_host_half((enum flat_op)k->call.op, -1), chain);
}

static int error_of(uint32_t result)
{
	static const int error[] = {
		[THREAD_OK] = 0,           [THREAD_GONE] = ESRCH,      [THREAD_BUSY] = EAGAIN,
		[THREAD_NO_ROOM] = ENOMEM, [THREAD_UNSTOPPED] = EBUSY, [THREAD_CAPABILITY] = EPERM,
		[THREAD_OWES] = EDEADLK};
	return result < sizeof error / sizeof *error ? error[result] : EINVAL;
}

/* ---- it stops, and goes on ---- */

static void answer_stop(struct flat_cluster *c, struct flat_place *p, bool done)
{
	struct step_node *n = node_of(c);
	n->host_half = p->host_half;
	flat_set_chain(n, p->chain);
	flat_local_answer(n, p->body, done, STEP_NOBODY);
}

/* Natively the log of grants is the thread's that runs its old place. */
static void carry(struct flat_cluster *c, struct flat_place *p, uint32_t i, const struct flat_handle *h)
{
	if (!c->origin || !h->of_file)
		return;
	if (i >= p->carrieds) {
		p->carried = realloc(p->carried, (i + 1) * sizeof *p->carried);
		SIM_CHECK(p->carried != NULL);
		p->carrieds = i + 1;
	}
	p->carried[i] = c->shard->grant[h->grant];
}

static void go_on(struct flat_cluster *c, struct flat_place *p);

static void listed(struct flat_cluster *c, struct flat_place *p)
{
	const bool done = !p->unlisted || p->halts;
	answer_stop(c, p, done);
	if (!done)
		go_on(c, p);
}

/* Walks what it holds. */
static void stopped(struct flat_cluster *c, struct flat_place *p)
{
	const step_ref who = STEP_REF(c->id, STEP_CLIENT, HOLDS + number_of(c, p));
	const struct flat_handle *h;
	p->state = PLACE_STOPPED;
	p->listed = p->unlisted = 0;
	if (c->full)
		full_thread_stopped(c, number_of(c, p));
	for (uint32_t i = 0; (h = held(c, p, i)); i++) {
		if (!h->cap.machine || h->offered)
			continue;
		carry(c, p, i, h);
		p->listed++;
		call(c, THREAD_HOLD, p->body, who, shown(h->cap), i, p->host_half, p->chain);
	}
	if (!p->listed)
		listed(c, p);
}

/* Whose call it is that moves the thread. */
static bool is_own(const struct flat_cluster *c, step_ref mover, const struct flat_place *p)
{
	const char *op = step_lookup(&c->node[FLAT_THREAD], mover);
	step_ref client = STEP_NOBODY;
	if (op)
		memcpy(&client, op + c->machine->thread_at.client, sizeof client);
	return client.machine == STEP_CLIENT && client.index == number_of(c, p) &&
	       client.gen == (p->gen & 0xfff);
}

static void stop(struct flat_cluster *c, step_ref body, step_ref mover, bool for_good)
{
	struct step_node *n = node_of(c);
	struct flat_place *p = place_of(c, body);
	p->host_half = n->host_half, p->chain = flat_chain_of(n);
	p->halts = for_good;
	p->asks = p->begins = false;
	p->moves = p->calling && is_own(c, mover, p);
	if (p->calling && !p->moves && !for_good) {
		flat_local_answer(n, body, false, STEP_NOBODY); /* it waits for another thread */
	} else if (p->calling) {
		stopped(c, p);
	} else if (c->client[number_of(c, p)].waiting) {
		p->asks = true;
		stopped(c, p);
	} else {
		p->state = PLACE_STOPPING;
	}
}

bool flat_thread_catches(struct flat_cluster *c, uint32_t client, bool asks)
{
	struct flat_place *p = &c->place[client];
	if (p->state != PLACE_STOPPING)
		return false;
	p->asks = asks, p->begins = !asks;
	stopped(c, p);
	return true;
}

static void post(struct flat_cluster *c, uint32_t client, uint8_t what)
{
	struct flat_machine *m = c->machine;
	const sim_ps at = c->origin ? flat_ticks(c) : flat_now(m, c->id);
	struct flat_frame *frame = sim_engine_post(m->engine, c->id, c->id, at);
	frame->msg = (struct step_msg){.protocol = what, .word = client};
}

/* A full cluster's clients ask their driver themselves, and steps are the monitor's: it is told. */
void flat_thread_idles(struct flat_cluster *c, uint32_t client)
{
	if (!c->full)
		flat_thread_catches(c, client, true);
	else if (c->place[client].state == PLACE_STOPPING)
		post(c, client, FLAT_IDLES);
}

static void release_gifts(struct flat_cluster *c, struct flat_place *p)
{
	if (!p->gifts)
		return;
	c->serve[p->last_gift - 1].next_gift = c->gifts_due;
	c->gifts_due = p->gifts;
	p->gifts = p->last_gift = 0;
}

/* What it holds is no longer in its body's book. */
static void forget(struct flat_cluster *c, const struct flat_place *p)
{
	const struct step_node *n = node_of(c);
	const struct step_list *list = slots_of(n, p->body);
	EACH_SLOT(n, list, i, v)
	{
		if (!is_owed(&v))
			call(c, THREAD_FREE, v.self, nobody_of(c), STEP_NOBODY, v.place, n->host_half,
			     flat_chain_of(n));
	}
}

static void go_on(struct flat_cluster *c, struct flat_place *p)
{
	const uint32_t client = number_of(c, p);
	p->state = PLACE_RUNS;
	if (p->begins && c->full)
		post(c, client, FLAT_BEGINS);
	else if (p->begins)
		flat_client_post(c, client, c->now);
	else if (p->asks)
		flat_client_start(c->machine, c->id, client, flat_now(c->machine, c->id));
	p->begins = p->asks = false;
	release_gifts(c, p);
}

/* ---- what it holds gets its new names ---- */

static bool rename_one(struct flat_cluster *c, const struct slot_view *v, struct flat_handle *h)
{
	const step_ref cap = flat_thread_cap(v->what);
	if (step_same(cap, h->cap))
		return false;
	h->cap = cap;
	h->first = false; /* its object stays where it was made */
	if (!cap.machine)
		h->cptr = 0;
	if (cap.machine && h->of_file)
		flat_guard_learn_file(c->machine, h->file, c->id);
	return true;
}

static bool rename_all(struct flat_cluster *c, const struct flat_place *p)
{
	bool any = false;
	const struct step_node *n = node_of(c);
	const struct step_list *list = slots_of(n, p->body);
	EACH_SLOT(n, list, i, v)
	{
		struct flat_handle *h = is_owed(&v) ? NULL : held(c, p, v.place);
		any |= h && rename_one(c, &v, h);
	}
	return any;
}

/* Names that it was told, of capabilities that it has not. */
static void learn_names(struct flat_cluster *c, const struct flat_place *p)
{
	const struct flat_handle *h;
	for (uint32_t i = 0; (h = held(c, p, i)); i++)
		if (h->offered)
			flat_guard_learn(c->machine, FLAT_CAPABILITY, h->cap, c->id);
}

/* Natively an open file's grant goes along to the new thread's log. */
static void take_grants(struct flat_cluster *c, const struct flat_place *p, const struct flat_place *from)
{
	struct flat_handle *h;
	for (uint32_t i = 0; i < from->carrieds && (h = held(c, p, i)); i++)
		if (h->of_file && h->cap.machine) {
			h->grant = flat_grant_new(c, from->carried[i].root);
			c->shard->grant[h->grant] = from->carried[i];
		}
}

struct furniture {
	const struct flat_cluster *c;
	const struct flat_place *p;
};
static struct flat_handle *furniture(void *context, uint32_t number)
{
	const struct furniture *f = context;
	return held(f->c, f->p, number);
}

/* What went has other names when it has come back. */
static void resume(struct flat_cluster *c, struct flat_place *p)
{
	const struct flat_driver *driver = driver_of(c);
	const bool renamed = rename_all(c, p);
	if (renamed && c->full) /* there was room for all of it */
		SIM_CHECK(full_thread_furnish(c, number_of(c, p), furniture, &(struct furniture){c, p}));
	if (renamed)
		driver->moved(driver->context, c->id, number_of(c, p), c->id, number_of(c, p));
	go_on(c, p);
}

/* ---- the places ---- */

static bool reserve(struct flat_cluster *c, step_ref body)
{
	for (uint32_t i = 0; i < c->clients; i++)
		if (c->place[i].state == PLACE_EMPTY) {
			c->place[i].state = PLACE_RESERVED;
			c->place[i].body = body;
			c->place_of[body.index] = i + 1;
			return true;
		}
	return false;
}

static void leave_place(struct flat_cluster *c, struct flat_place *p)
{
	c->place_of[p->body.index] = 0;
	if (c->full && p->state != PLACE_RESERVED)
		full_thread_left(c, number_of(c, p));
	p->state = PLACE_EMPTY;
	p->gen++;
	p->body = p->name = STEP_NOBODY;
	p->calling = p->halts = false;
	free(p->carried);
	p->carried = NULL, p->carrieds = 0;
	release_gifts(c, p);
}

/* The thread is here now. False: what it holds finds no place in its CSpace. */
static bool start(struct flat_cluster *c, step_ref body)
{
	const struct flat_driver *driver = driver_of(c);
	struct flat_place *p = place_of(c, body);
	const uint32_t client = number_of(c, p);
	const struct flat_cluster *from = &c->machine->cluster[p->from_cluster];
	const struct flat_place *there = &from->place[p->from_client];
	const struct flat_client *was = &from->client[p->from_client];
	struct flat_client *k = &c->client[client];
	*k = (struct flat_client){.call = was->call, .issued = was->issued};
	p->name = there->name;
	p->asks = there->asks, p->begins = there->begins;
	rename_all(c, p);
	if (c->full && !full_thread_furnish(c, client, furniture, &(struct furniture){c, p}))
		return false;
	learn_names(c, p);
	take_grants(c, p, there);
	driver->moved(driver->context, p->from_cluster, p->from_client, c->id, client);
	if (c->full) {
		p->state = PLACE_RUNS;
		release_gifts(c, p);
		full_thread_goes(c, client,
				 there->moves    ? FULL_COMES_ENDED
				 : there->begins ? FULL_COMES_CALLING
						 : FULL_COMES_ASKING,
				 p->from_cluster, p->from_client);
	} else {
		go_on(c, p);
		if (there->moves) /* its own call ends here */
			flat_caps_end(c, client, flat_chain_of(node_of(c)));
	}
	return true;
}

uint32_t flat_thread_data_in(struct step_node *n, const struct step_msg *m)
{
	struct flat_cluster *c = flat_cluster_of(n);
	struct flat_place *p = place_of(c, m->to);
	p->from_cluster = (uint32_t)m->from.node;
	p->from_client = m->word - 1;
	return number_of(c, p) + 1;
}

bool flat_thread_is_stopped(const struct flat_cluster *sender, uint32_t word)
{
	return word && word <= sender->clients && sender->place[word - 1].state == PLACE_STOPPED;
}

/* ---- a slot's capability ---- */

static void move_cap(struct flat_cluster *c, const struct slot_view *v, uint32_t to)
{
	struct step_node *n = node_of(c);
	flat_begin(n, &c->slot_task[v->self.index], v->self, DOING_CAPABILITY, FLAT_MOVE);
	flat_call_alone(
		c, CAPABILITY_MOVE, flat_thread_cap(v->what), to, FLAT_SLOTS + (uint32_t)v->self.index,
		flat_host_half((enum flat_op)((n->host_half & 255) - 1), FLAT_MOVE), flat_chain_of(n));
}

/* It is of the other kernel now, and no longer in the CSpace of who leaves this one. */
static void given(struct flat_cluster *c, const struct slot_view *v)
{
	const struct flat_place *p = place_of(c, v->body);
	struct flat_handle *h =
		c->full && p && p->state == PLACE_STOPPED && !is_owed(v) ? held(c, p, v->place) : NULL;
	if (h && h->cptr)
		full_thread_gave(c, h);
}

/* It was revoked, and becomes nobody: where that stays until its holder deletes it, nobody else would. */
static void dispose(struct flat_cluster *c, step_ref cap)
{
	if (step_lookup(&c->node[FLAT_CAPABILITY], cap))
		flat_call_alone(c, CAPABILITY_DELETE, cap, 0, FLAT_BACKGROUND, 0, (struct flat_chain){0});
}

static void translate(struct flat_cluster *c, step_ref self, step_ref there)
{
	struct step_node *n = node_of(c);
	const struct slot_view v = view(n, self);
	if (is_owed(&v) || !flat_cap_usable(c, flat_thread_cap(v.what))) {
		if (!is_owed(&v))
			dispose(c, flat_thread_cap(v.what));
		given(c, &v);
		flat_local_answer(n, self, true, STEP_NOBODY);
	} else if (flat_has_call(c->machine->protocol[FLAT_CAPABILITY], CAPABILITY_MOVE)) {
		move_cap(c, &v, (uint32_t)there.node);
	} else {
		flat_local_answer(n, self, false, STEP_NOBODY);
	}
}

static void delete (struct flat_cluster *c, step_ref self)
{
	struct step_node *n = node_of(c);
	const struct slot_view v = view(n, self);
	const struct flat_place *p = place_of(c, v.body);
	struct flat_handle *h = p ? held(c, p, v.place) : NULL;
	const bool first = h && h->first && flat_retires(c->machine);
	if (h) {
		h->cap = STEP_NOBODY;
		if (c->full)
			full_take_back(c, h);
	}
	if (first) { /* the object goes when nobody has a capability of it any more: nobody waits for that */
		flat_call_alone(c, CAPABILITY_RETIRE, flat_thread_cap(v.what), 0, FLAT_BACKGROUND, 0,
				(struct flat_chain){0});
		flat_local_answer(n, self, true, STEP_NOBODY);
		return;
	}
	flat_begin(n, &c->slot_task[self.index], self, DOING_DELETE, FLAT_DELETE);
	flat_call_alone(c, CAPABILITY_DELETE, flat_thread_cap(v.what), 0, FLAT_SLOTS + (uint32_t)self.index,
			flat_host_half((enum flat_op)((n->host_half & 255) - 1), FLAT_DELETE),
			flat_chain_of(n));
}

void flat_thread_slot_done(struct flat_cluster *c, struct step_node *caps, uint32_t slot, uint32_t result,
			   step_ref arg)
{
	struct step_node *n = node_of(c);
	struct flat_task *task = &c->slot_task[slot];
	const step_ref self = task->waiter;
	const bool moves = task->doing == DOING_CAPABILITY;
	const struct slot_view v = view(n, self);
	bool done = result == CAPABILITY_OK;
	flat_end(caps, task, !done);
	if (!done && moves && !flat_cap_usable(c, flat_thread_cap(v.what)))
		done = true, arg = STEP_NOBODY, dispose(c, flat_thread_cap(v.what));
	if (done && moves)
		given(c, &v);
	n->host_half = caps->host_half & 255;
	n->host_word = caps->host_word;
	flat_local_answer(n, self, done, done && moves ? shown(arg) : STEP_NOBODY);
}

/* ---- the table's calls, and what it ends ---- */

/* Tests: a kernel that is not willing. What was given it takes back, and what is gone is gone. */
static bool is_unwilling(struct flat_cluster *c, uint32_t call)
{
	const uint32_t one_in = c->machine->config.thread_refuses;
	return one_in && call != THREAD_RETURN && call != THREAD_DELETE && ++c->thread_answers % one_in == 0;
}

void flat_thread_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	struct flat_cluster *c = flat_cluster_of(n);
	if (is_unwilling(c, call)) {
		flat_local_answer(n, self, false, STEP_NOBODY);
		return;
	}
	switch (call) {
	case THREAD_STOP:
	case THREAD_HALT:
		stop(c, self, arg, call == THREAD_HALT);
		return;
	case THREAD_RESERVE:
		flat_local_answer(n, self, reserve(c, self), STEP_NOBODY);
		return;
	case THREAD_RESUME:
		resume(c, place_of(c, self));
		break;
	case THREAD_START:
		if (start(c, self))
			break;
		flat_local_answer(n, self, false, STEP_NOBODY);
		return;
	case THREAD_TRANSLATE:
	case THREAD_RETURN:
		translate(c, self, arg);
		return;
	case THREAD_DELETE:
		delete (c, self);
		return;
	default: /* a reply owed: who waits for it has one name everywhere */
		flat_local_answer(n, self, true, STEP_NOBODY);
		return;
	}
	flat_local_answer(n, self, true, STEP_NOBODY);
	forget(c, place_of(c, self));
}

void flat_thread_done(struct flat_cluster *c, struct step_node *n, step_ref client, uint32_t result)
{
	const bool lists = client.index >= HOLDS;
	struct flat_place *p = &c->place[lists ? client.index - HOLDS : client.index];
	if (lists) {
		p->unlisted += result != THREAD_OK;
		if (!--p->listed)
			listed(c, p);
		return;
	}
	if (client.gen != (p->gen & 0xfff) || p->halts)
		return; /* it has left, or will not hear of it */
	struct flat_client *k = &c->client[client.index];
	p->calling = false;
	k->result.error = error_of(result);
	k->result.value = result;
	flat_caps_end(c, (uint32_t)client.index, flat_chain_of(n));
}

/* Sees each cell of the table: whoever is called may be asleep; a place is free when its body is. */
void flat_thread_cell(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
		      unsigned next)
{
	struct flat_cluster *c = flat_cluster_of(n);
	const struct flat_driver *driver = driver_of(c);
	struct flat_place *p;
	if (at.machine == THREAD_SLOT && !state && next && m->arg.machine == THREAD_OP) {
		p = place_of(c, m->from);
		if (p && p->state == PLACE_RUNS)
			flat_client_wake(c->machine, c->id, number_of(c, p));
	}
	if (at.machine != THREAD_BODY || next || !state || !(p = place_of(c, at)))
		return;
	if (p->halts)
		driver->killed(driver->context, c->id, number_of(c, p));
	leave_place(c, p);
}

/* ---- gifts ---- */

static void wait_for(struct flat_cluster *c, struct flat_serve *s, struct flat_place *p)
{
	const uint32_t number = (uint32_t)(s - c->serve) + 1;
	s->host_half = c->node[FLAT_FILE].host_half;
	s->host_word = c->node[FLAT_FILE].host_word;
	s->next_gift = 0;
	if (p->gifts)
		c->serve[p->last_gift - 1].next_gift = number;
	else
		p->gifts = number;
	p->last_gift = number;
}

/* Who was to get it has left: it goes, and the sender is told. */
static void turn_away(struct flat_cluster *c, const struct flat_serve *s, const struct flat_client *sender)
{
	struct flat_handle handle = flat_caps_received(c, sender);
	handle.first = false;
	flat_delete(c->machine, c->id, &handle);
	flat_answer(c, &c->node[FLAT_FILE], s->task.waiter, ESRCH, 0);
}

bool flat_thread_takes(struct flat_cluster *c, struct flat_serve *s)
{
	const struct flat_client *sender = &c->machine->cluster[s->cluster].client[s->client];
	const struct flat_call *call = &sender->call;
	struct flat_place *p = &c->place[call->client];
	const bool gone = p->state == PLACE_EMPTY || p->state == PLACE_RESERVED ||
			  (call->thread.machine && !step_same(call->thread, p->name));
	if (gone)
		turn_away(c, s, sender);
	else if (p->state == PLACE_STOPPED)
		wait_for(c, s, p);
	return !gone && p->state != PLACE_STOPPED;
}

void flat_thread_gifts(struct flat_cluster *c)
{
	struct flat_serve *s = &c->serve[c->gifts_due - 1];
	c->gifts_due = s->next_gift;
	c->node[FLAT_FILE].host_half = s->host_half;
	c->node[FLAT_FILE].host_word = s->host_word;
	flat_files_accept(c, s);
}

/* ---- making, and what must hold ---- */

static void thread_new(struct flat_cluster *c, uint32_t client)
{
	struct step_node *n = node_of(c);
	struct flat_place *p = &c->place[client];
	flat_raise(n, &(struct step_msg){.event = THREAD_CREATE,
					 .protocol = FLAT_THREAD,
					 .to = STEP_ANY(c->id, THREAD_NAME),
					 .from = nobody_of(c),
					 .word = client + 1});
	flat_run_raised(n);
	p->state = PLACE_RUNS;
	p->name = STEP_REF(c->id, THREAD_NAME, client);
	p->body = STEP_REF(c->id, THREAD_BODY, client);
	c->place_of[client] = client + 1;
	SIM_CHECK(step_lookup(n, p->name) && step_lookup(n, p->body));
}

void flat_thread_begin(struct flat_machine *m)
{
	for (uint32_t i = 0; m->protocol[FLAT_THREAD] && i < m->clusters; i++) {
		struct flat_cluster *c = &m->cluster[i];
		for (uint32_t k = 0; k + m->config.guests < c->clients; k++)
			thread_new(c, k);
		c->raised = 0;
		c->now = 0;
	}
}

void flat_thread_fini(struct flat_cluster *c)
{
	for (uint32_t i = 0; c->place && i < c->clients; i++)
		free(c->place[i].carried);
}

static void fail(struct flat_check *check, const struct flat_cluster *c, uint32_t place, const char *why)
{
	if (!check->failures++)
		snprintf(check->first, sizeof check->first, "cluster %u, place %u: %s", c->id, place, why);
}

static void check_place(const struct flat_cluster *c, uint32_t place, struct flat_check *check)
{
	const struct flat_place *p = &c->place[place];
	const struct step_node *n = &c->node[FLAT_THREAD];
	const struct flat_cluster *home = &c->machine->cluster[p->name.node];
	check->count++;
	if (p->state == PLACE_EMPTY)
		return;
	if (p->state != PLACE_RUNS)
		fail(check, c, place, "a thread is neither here nor gone");
	else if (!step_lookup(n, p->body) || !step_lookup(&home->node[FLAT_THREAD], p->name))
		fail(check, c, place, "who runs here has no body, or no name");
	else if (p->calling)
		fail(check, c, place, "a call of a thread never ended");
	const struct step_list *list = slots_of(n, p->body);
	EACH_SLOT(n, list, i, v)
	{
		fail(check, c, place, is_owed(&v) ? "a thread never replied" : "a slot is left over");
	}
}

/* Each name's thread is at exactly one place; who is gone is nowhere. */
void flat_thread_check(const struct flat_machine *m, struct flat_check *check)
{
	uint64_t names = 0, here = 0;
	for (uint32_t i = 0; i < m->clusters; i++) {
		const struct flat_cluster *c = &m->cluster[i];
		const struct step_node *n = &c->node[FLAT_THREAD];
		for (uint32_t k = 0; k < c->clients; k++) {
			check_place(c, k, check);
			here += c->place[k].state != PLACE_EMPTY;
		}
		for (uint32_t k = 0; k < n->pool[THREAD_NAME].used; k++)
			names += ((const struct step_head *)step_at(n, THREAD_NAME, k))->state != 0;
	}
	if (names != here)
		fail(check, &m->cluster[0], 0, "not as many threads run as have names");
}
