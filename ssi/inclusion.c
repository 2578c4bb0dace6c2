#include "ssi/inclusion.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/arena.h"
#include "ssi/translate.h"

#define LOG_BYTES_MOST  (UINT64_C(64) << 30)
#define LOG_BYTES_LEAST (UINT64_C(64) << 20)

/* Where address space is limited, what there is. */
static bool reserve(struct inclusion_log *log)
{
	uint64_t bytes = LOG_BYTES_MOST;
	while (sim_arena_init(&log->arena, bytes, 1)) {
		bytes /= 2;
		if (bytes < LOG_BYTES_LEAST)
			return false;
	}
	log->room = bytes / sizeof *log->record;
	log->record = (struct inclusion_record *)(void *)log->arena.base;
	return true;
}

void inclusion_log_begin(struct inclusion_log *log, uint64_t records)
{
	if (log->room || !reserve(log))
		return;
	if (records > log->room)
		records = log->room;
	memset(log->record, 0, records * sizeof *log->record);
}

void inclusion_log_add(struct inclusion_log *log, uint32_t cluster, unsigned number, enum inclusion_kind kind,
		       const struct step_msg *msg, step_ref at, uint32_t from)
{
	if (log->count == log->room && (log->room || !reserve(log))) {
		log->failed = true;
		return;
	}
	struct inclusion_record *r = &log->record[log->count++];
	r->cluster = cluster, r->from = from, r->number = (uint8_t)number, r->kind = (uint8_t)kind;
	r->at = at;
	if (msg)
		r->msg = *msg;
}

void inclusion_log_fini(struct inclusion_log *log)
{
	sim_arena_fini(&log->arena);
	*log = (struct inclusion_log){0};
}

/* ---- the replay is one more host of the step ---- */

struct sent { /* what the table sent and nobody received yet, first in, first out */
	struct step_msg *msg;
	uint32_t head, tail, room;
};

struct shadow {
	const struct inclusion_log *log; /* [logs] */
	uint64_t *next;                  /* [logs]: the record that comes next */
	uint32_t logs, at;               /* at: the log that is being followed */
	uint64_t inputs;
	uint32_t clusters, protocols;
	struct step_node *node;  /* [clusters][protocols] */
	struct ssi_table *names; /* [clusters * protocols][STEP_MACHINES_MAX] */
	step_ref **bound;        /* the same: [slot] */
	struct ssi_table pairs;  /* (from, to, protocol) -> sent */
	struct sent *channel;
	uint32_t channels, channels_room;
	struct step_msg raised[8][STEP_RAISED_MAX]; /* a protocol; one cluster runs at a time */
	struct step_msg lost;                       /* where a message goes when memory has run out */
	struct sim_arena arena;
	struct inclusion_result *result;
	bool stop, no_memory;
};

static void fail(struct shadow *s, const char *why, const struct inclusion_record *r)
{
	const struct step_protocol *p = r ? s->node[r->number].protocol : NULL;
	s->stop = true;
	if (s->result->failures++)
		return;
	snprintf(s->result->first, sizeof s->result->first, "input %llu%s%s%s%s: %s",
		 (unsigned long long)s->inputs, p ? ", " : "", p ? p->name : "", p && r->msg.event ? " " : "",
		 p && r->msg.event && r->msg.event < p->events ? p->event[r->msg.event].name : "", why);
}

static struct sent *channel_of(struct shadow *s, uint32_t from, uint32_t to, unsigned number)
{
	const uint64_t key = (uint64_t)(from + 1) << 32 | (uint64_t)to << 3 | number;
	uint64_t at = ssi_table_find(&s->pairs, key);
	if (at != SSI_TABLE_NONE)
		return &s->channel[at];
	if (s->channels == s->channels_room) {
		uint32_t room = s->channels_room ? s->channels_room * 2 : 64;
		struct sent *bigger = realloc(s->channel, room * sizeof *bigger);
		if (!bigger)
			return NULL;
		s->channel = bigger, s->channels_room = room;
	}
	if (ssi_table_put(&s->pairs, key, s->channels))
		return NULL;
	s->channel[s->channels] = (struct sent){0};
	return &s->channel[s->channels++];
}

static struct step_msg *shadow_send(struct step_node *n, uint32_t to, unsigned event)
{
	struct shadow *s = n->owner;
	struct sent *c = channel_of(s, n->id, to, n->number);
	(void)event;
	if (c && c->tail == c->room) {
		uint32_t room = c->room ? c->room * 2 : 16;
		struct step_msg *bigger = realloc(c->msg, room * sizeof *bigger);
		if (bigger)
			c->msg = bigger, c->room = room;
	}
	if (!c || c->tail == c->room) {
		s->no_memory = s->stop = true;
		return &s->lost;
	}
	return &c->msg[c->tail++];
}

/* The next record of the log that is being followed, or NULL at its end. */
static const struct inclusion_record *take(struct shadow *s)
{
	const struct inclusion_log *log = &s->log[s->at];
	if (s->next[s->at] == log->count)
		return NULL;
	s->inputs++;
	return &log->record[s->next[s->at]++];
}

static void play_until_return(struct shadow *s);

static void shadow_complete(struct step_node *n, step_ref client, uint32_t result, step_ref arg)
{
	(void)client, (void)result, (void)arg;
	play_until_return(n->owner);
}
static void shadow_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	(void)self, (void)call, (void)arg;
	play_until_return(n->owner);
}
static void shadow_timer(struct step_node *n, step_ref self) { (void)n, (void)self; }
static void shadow_fanout(struct step_node *n, step_ref self, struct step_list *list)
{
	(void)n, (void)self, (void)list;
}
static void shadow_ready(struct step_node *n, step_ref at) { (void)n, (void)at; }
static uint32_t shadow_data_out(struct step_node *n, uint32_t data)
{
	(void)n, (void)data;
	return 0;
}
static uint32_t shadow_data_in(struct step_node *n, const struct step_msg *m)
{
	(void)n, (void)m;
	return 0;
}
static uint32_t shadow_data_new(struct step_node *n, step_ref name)
{
	(void)n, (void)name;
	return 0;
}
static void shadow_data_drop(struct step_node *n, uint32_t data) { (void)n, (void)data; }

static uint32_t table_index(const struct shadow *s, const struct step_node *n, unsigned machine)
{
	return (n->id * s->protocols + n->number) * STEP_MACHINES_MAX + machine;
}

static uint32_t shadow_find(struct step_node *n, unsigned machine, step_ref name)
{
	struct shadow *s = n->owner;
	uint64_t at = ssi_table_find(&s->names[table_index(s, n, machine)], step_ref_word(name));
	return at == SSI_TABLE_NONE ? STEP_INDEX_MAX : (uint32_t)at;
}
static void shadow_bind(struct step_node *n, unsigned machine, step_ref name, uint32_t index)
{
	struct shadow *s = n->owner;
	const uint32_t t = table_index(s, n, machine);
	if (ssi_table_put(&s->names[t], step_ref_word(name), index))
		s->no_memory = s->stop = true;
	s->bound[t][index] = name;
}
static void shadow_unbind(struct step_node *n, unsigned machine, uint32_t index)
{
	struct shadow *s = n->owner;
	const uint32_t t = table_index(s, n, machine);
	if (!s->bound[t][index].machine)
		return; /* taken by STEP_NEW: it stands for nothing */
	ssi_table_remove(&s->names[t], step_ref_word(s->bound[t][index]));
	s->bound[t][index] = STEP_NOBODY;
}

static void shadow_fault(struct step_node *n, const char *why, const struct step_msg *m, unsigned state)
{
	struct shadow *s = n->owner;
	(void)m, (void)state;
	fail(s, why, s->next[s->at] ? &s->log[s->at].record[s->next[s->at] - 1] : NULL);
}

static const struct step_host shadow_host = {.send = shadow_send,
					     .complete = shadow_complete,
					     .local = shadow_local,
					     .timer = shadow_timer,
					     .fanout = shadow_fanout,
					     .ready = shadow_ready,
					     .find = shadow_find,
					     .bind = shadow_bind,
					     .unbind = shadow_unbind,
					     .data_out = shadow_data_out,
					     .data_in = shadow_data_in,
					     .data_new = shadow_data_new,
					     .data_drop = shadow_data_drop,
					     .fault = shadow_fault};

/* A word of bulk data is the host's; all else of a message is the table's. */
static bool same_message(const struct step_protocol *p, const struct step_msg *a, const struct step_msg *b)
{
	return a->event == b->event && step_same(a->to, b->to) && step_same(a->from, b->from) &&
	       step_same(a->arg, b->arg) && (a->word == b->word || p->event[a->event].word == STEP_K_DATA);
}

static bool receive(struct shadow *s, const struct inclusion_record *r, const struct step_node *n)
{
	struct sent *c = channel_of(s, r->from, r->cluster, r->number);
	s->result->messages++;
	if (!c || c->head == c->tail)
		fail(s, "a message was delivered that the table did not send", r);
	else if (!same_message(n->protocol, &c->msg[c->head], &r->msg))
		fail(s, "a message was delivered that is not the first that the table sent on this channel",
		     r);
	else
		c->head++;
	if (c && c->head == c->tail)
		c->head = c->tail = 0;
	return !s->stop;
}

static void fan_out(struct shadow *s, struct step_node *n, const struct inclusion_record *r)
{
	char *machine = step_lookup(n, r->at);
	if (!machine) {
		fail(s, "a list was fanned out of a machine that does not exist", r);
		return;
	}
	for (const struct step_field *f = n->protocol->machine[r->at.machine].fields(); f->name; f++)
		if (f->kind == STEP_K_LIST && ((struct step_list *)(machine + f->offset))->fan)
			while (!s->stop &&
			       step_fanout_next(n, r->at, (struct step_list *)(machine + f->offset)))
				;
}

static bool frame_fits(struct shadow *s, const struct inclusion_record *r)
{
	if (r->cluster >= s->clusters || r->number >= s->protocols) {
		fail(s, "no such cluster or protocol", NULL);
		return false;
	}
	const struct step_protocol *p = s->node[r->cluster * s->protocols + r->number].protocol;
	if ((r->kind == INCLUSION_DELIVER || r->kind == INCLUSION_RAISE) &&
	    (r->msg.event >= p->events || !r->msg.to.machine || r->msg.to.machine >= p->machines)) {
		fail(s, "no such event or machine", NULL);
		return false;
	}
	return true;
}

static void play(struct shadow *s, const struct inclusion_record *r)
{
	if (!frame_fits(s, r))
		return;
	struct step_node *n = &s->node[r->cluster * s->protocols + r->number];
	switch (r->kind) {
	case INCLUSION_DELIVER:
		if (r->from == r->cluster || receive(s, r, n))
			step_deliver(n, &r->msg);
		return;
	case INCLUSION_RAISE:
		*step_raise(n, r->msg.to, r->msg.event) = r->msg;
		return;
	case INCLUSION_RUN:
		step_run(n);
		return;
	case INCLUSION_RESUME:
		step_resume(n, r->at);
		return;
	case INCLUSION_FANOUT:
		fan_out(s, n, r);
		return;
	default:
		fail(s, "the host returned from nowhere: the table made no such effect", r);
	}
}

/* An effect: what the host did in it, up to its return. */
static void play_until_return(struct shadow *s)
{
	const struct inclusion_record *r;
	while (!s->stop && (r = take(s)) != NULL) {
		if (r->kind == INCLUSION_RETURN)
			return;
		play(s, r);
	}
	if (!s->stop)
		fail(s, "the log ends within an effect", NULL);
}

/* Whether the next record of a log is a message that nobody has sent yet. */
static bool must_wait(struct shadow *s, uint32_t log)
{
	const struct inclusion_record *r = &s->log[log].record[s->next[log]];
	if (r->kind != INCLUSION_DELIVER || r->from == r->cluster)
		return false;
	const struct sent *c = channel_of(s, r->from, r->cluster, r->number);
	return !c || c->head == c->tail;
}

/* Follows one log as far as it goes. True: at least one record. */
static bool follow(struct shadow *s, uint32_t log)
{
	const uint64_t before = s->next[log];
	const struct inclusion_record *r;
	s->at = log;
	while (!s->stop && s->next[log] < s->log[log].count && (s->logs == 1 || !must_wait(s, log)) &&
	       (r = take(s)) != NULL)
		play(s, r);
	return s->next[log] != before;
}

static void follow_all(struct shadow *s)
{
	bool moved = true;
	while (moved && !s->stop) {
		moved = false;
		for (uint32_t i = 0; i < s->logs && !s->stop; i++)
			moved |= follow(s, i);
	}
	for (uint32_t i = 0; i < s->logs && !s->stop; i++)
		if (s->next[i] < s->log[i].count) {
			s->at = i;
			fail(s, "a message was delivered that the table did not send",
			     &s->log[i].record[s->next[i]]);
		}
}

/* ---- making the nodes ---- */

static size_t room_of(const struct step_node *like, const struct step_protocol *p)
{
	size_t bytes = (size_t)like->links * sizeof(struct step_link) +
		       (size_t)like->parks * sizeof(struct step_parked) + 256;
	for (unsigned k = 1; k < p->machines; k++)
		bytes += (size_t)like->pool[k].slots * (p->machine[k].size + sizeof(step_ref)) + 256;
	return bytes;
}

static void node_init(struct shadow *s, uint32_t cluster, unsigned number, const struct step_protocol *p,
		      const struct step_node *like)
{
	struct step_node *n = &s->node[cluster * s->protocols + number];
	*n = (struct step_node){.id = cluster,
				.nodes = s->clusters,
				.protocol = p,
				.host = &shadow_host,
				.number = (uint8_t)number,
				.owner = s,
				.links = like->links,
				.parks = like->parks,
				.raised = s->raised[number]};
	n->link = sim_arena_take(&s->arena, (size_t)n->links * sizeof *n->link, 64);
	n->park = sim_arena_take(&s->arena, (size_t)n->parks * sizeof *n->park, 64);
	for (unsigned k = 1; k < p->machines; k++) {
		n->pool[k].slots = like->pool[k].slots;
		n->pool[k].base =
			sim_arena_take(&s->arena, (size_t)n->pool[k].slots * p->machine[k].size, 64);
		s->bound[table_index(s, n, k)] =
			sim_arena_take(&s->arena, (size_t)n->pool[k].slots * sizeof(step_ref), 64);
	}
}

static void shadow_fini(struct shadow *s)
{
	for (uint32_t i = 0; s->names && i < s->clusters * s->protocols * STEP_MACHINES_MAX; i++)
		ssi_table_fini(&s->names[i]);
	for (uint32_t i = 0; i < s->channels; i++)
		free(s->channel[i].msg);
	ssi_table_fini(&s->pairs);
	sim_arena_fini(&s->arena);
	free(s->channel);
	free(s->node);
	free(s->names);
	free(s->bound);
	free(s->next);
}

static void check_left_over(struct shadow *s)
{
	for (uint32_t i = 0; i < s->channels && !s->stop; i++)
		if (s->channel[i].head != s->channel[i].tail)
			fail(s, "the table sent a message that was never delivered", NULL);
}

int inclusion_replay(const struct inclusion_log *log, uint32_t logs, uint32_t clusters,
		     const struct step_protocol *const *protocols, uint32_t protocols_count,
		     const struct step_node *(*like)(void *context, uint32_t cluster, unsigned number),
		     void *context, bool complete, struct inclusion_result *result)
{
	static const uint32_t protocols_max =
		sizeof((struct shadow *)0)->raised / sizeof((struct shadow *)0)->raised[0];
	struct shadow s = {.log = log,
			   .logs = logs,
			   .clusters = clusters,
			   .protocols = protocols_count,
			   .result = result};
	const size_t nodes = (size_t)clusters * protocols_count;
	size_t bytes = 4096;
	*result = (struct inclusion_result){0};
	if (protocols_count > protocols_max)
		return -EINVAL;
	for (uint32_t c = 0; c < clusters; c++)
		for (unsigned p = 0; p < protocols_count; p++)
			bytes += room_of(like(context, c, p), protocols[p]);
	s.node = calloc(nodes, sizeof *s.node);
	s.names = calloc(nodes * STEP_MACHINES_MAX, sizeof *s.names);
	s.bound = calloc(nodes * STEP_MACHINES_MAX, sizeof *s.bound);
	s.next = calloc(logs, sizeof *s.next);
	if (!s.node || !s.names || !s.bound || !s.next || sim_arena_init(&s.arena, bytes, 0)) {
		shadow_fini(&s);
		return -ENOMEM;
	}
	for (uint32_t c = 0; c < clusters; c++)
		for (unsigned p = 0; p < protocols_count; p++)
			node_init(&s, c, p, protocols[p], like(context, c, p));
	follow_all(&s);
	if (complete)
		check_left_over(&s);
	result->inputs = s.inputs;
	for (size_t i = 0; i < nodes; i++)
		result->cells += s.node[i].cells;
	shadow_fini(&s);
	return s.no_memory ? -ENOMEM : 0;
}
