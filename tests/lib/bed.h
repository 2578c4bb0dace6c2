/* tests/lib/bed.h - nodes of one protocol, driven by hand: a message lies in a queue, first in first out, until all is
 * still. Local calls succeed, unless `refuse` says how many do before one does not, or the test answers them itself.
 *
 * Included by a test program after CMocka; it owns the bed. Layer: tests. */
#ifndef SKERRY_TESTS_BED_H
#define SKERRY_TESTS_BED_H
#include <stdlib.h>
#include <skerry/protocol.h>

#define BED_NODES 5
#define BED_SLOTS 64
#define BED_LINKS 256
#define BED_QUEUE 512

struct bed {
	struct step_node node[BED_NODES];
	struct step_msg raised[STEP_RAISED_MAX];
	struct step_msg queue[BED_QUEUE];
	uint32_t head, tail, messages;
	step_ref result;
	uint32_t completes, code;
	uint32_t dropped; /* data */
	uint32_t refuse;  /* the how manieth local call fails; 0: none */
	step_ref name[BED_NODES][STEP_MACHINES_MAX][BED_SLOTS]; /* what a named machine stands for */
	bool (*answer)(struct bed *b, step_ref self, uint32_t call, step_ref arg); /* the kernels, or NULL */
	void *owner;                                                               /* the test's */
	struct {
		struct step_node *node;
		step_ref at;
		struct step_list *list;
	} due[64];
	uint32_t dues;
};

static struct step_msg *bed_send(struct step_node *n, uint32_t to, unsigned event)
{
	struct bed *b = n->owner;
	(void)to, (void)event;
	b->messages++;
	return &b->queue[b->tail++ % BED_QUEUE];
}
static void bed_complete(struct step_node *n, step_ref client, uint32_t result, step_ref arg)
{
	struct bed *b = n->owner;
	(void)client;
	b->completes++;
	b->code = result;
	b->result = arg;
}
static void bed_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	struct bed *b = n->owner;
	const bool refused = b->answer ? !b->answer(b, self, call, arg) : b->refuse && !--b->refuse;
	step_raise(n, self, refused ? E_LOCAL_ERR : E_LOCAL_OK);
}
static void bed_timer(struct step_node *n, step_ref self)
{
	(void)n, (void)self;
	fail_msg("nothing is refused here");
}
static void bed_later(struct step_node *n, step_ref at, struct step_list *list)
{
	struct bed *b = n->owner;
	b->due[b->dues].node = n;
	b->due[b->dues].at = at;
	b->due[b->dues++].list = list;
}
static void bed_ready(struct step_node *n, step_ref at) { bed_later(n, at, NULL); }
static uint32_t bed_find(struct step_node *n, unsigned machine, step_ref name)
{
	const struct bed *b = n->owner;
	for (uint32_t i = 0; i < BED_SLOTS; i++)
		if (name.machine && step_same(b->name[n->id][machine][i], name))
			return i;
	return STEP_INDEX_MAX;
}
static void bed_bind(struct step_node *n, unsigned machine, step_ref name, uint32_t index)
{
	((struct bed *)n->owner)->name[n->id][machine][index] = name;
}
static void bed_unbind(struct step_node *n, unsigned machine, uint32_t index)
{
	((struct bed *)n->owner)->name[n->id][machine][index] = STEP_NOBODY;
}
static uint32_t bed_data_out(struct step_node *n, uint32_t data) { return (void)n, data; }
static uint32_t bed_data_in(struct step_node *n, const struct step_msg *m) { return (void)n, m->word; }
static uint32_t bed_data_new(struct step_node *n, step_ref name) { return (void)n, (void)name, 0; }
static void bed_data_drop(struct step_node *n, uint32_t data)
{
	((struct bed *)n->owner)->dropped += data != 0;
}
static void bed_fault(struct step_node *n, const char *why, const struct step_msg *m, unsigned state)
{
	(void)state;
	fail_msg("%s: %s: %s", n->protocol->name, why, m ? n->protocol->event[m->event].name : "");
}
static const struct step_host bed_host = {.send = bed_send,
					  .complete = bed_complete,
					  .local = bed_local,
					  .timer = bed_timer,
					  .fanout = bed_later,
					  .ready = bed_ready,
					  .find = bed_find,
					  .bind = bed_bind,
					  .unbind = bed_unbind,
					  .data_out = bed_data_out,
					  .data_in = bed_data_in,
					  .data_new = bed_data_new,
					  .data_drop = bed_data_drop,
					  .fault = bed_fault};

static struct bed *bed_new(const struct step_protocol *p)
{
	struct bed *b = calloc(1, sizeof *b);
	assert_non_null(b);
	for (uint32_t i = 0; i < BED_NODES; i++) {
		struct step_node *n = &b->node[i];
		*n = (struct step_node){.id = i,
					.nodes = BED_NODES,
					.protocol = p,
					.host = &bed_host,
					.owner = b,
					.links = BED_LINKS,
					.parks = BED_SLOTS,
					.raised = b->raised};
		n->link = calloc(BED_LINKS, sizeof *n->link);
		n->park = calloc(BED_SLOTS, sizeof *n->park);
		for (unsigned m = 1; m < p->machines; m++) {
			n->pool[m].slots = BED_SLOTS;
			n->pool[m].base = calloc(BED_SLOTS, p->machine[m].size);
		}
	}
	return b;
}

static void bed_free(struct bed *b)
{
	for (uint32_t i = 0; i < BED_NODES; i++) {
		for (unsigned m = 1; m < b->node[i].protocol->machines; m++)
			free(b->node[i].pool[m].base);
		free(b->node[i].link);
		free(b->node[i].park);
	}
	free(b);
}

/* Fan-outs, and what was parked and can go on. */
static void bed_run_dues(struct bed *b)
{
	while (b->dues) {
		const uint32_t i = --b->dues;
		struct step_node *n = b->due[i].node;
		if (b->due[i].list)
			while (step_fanout_next(n, b->due[i].at, b->due[i].list))
				;
		else
			step_resume(n, b->due[i].at);
		step_run(n);
	}
}

/* Delivers the next message. False: there is none. */
static bool bed_step(struct bed *b)
{
	bed_run_dues(b);
	if (b->head == b->tail)
		return false;
	const struct step_msg m = b->queue[b->head++ % BED_QUEUE];
	assert_null(step_frame_check(&b->node[m.to.node], &m));
	step_deliver(&b->node[m.to.node], &m);
	bed_run_dues(b);
	return true;
}

/* Begins a client's call on a node. */
static void bed_begin(struct bed *b, step_ref to, unsigned event, step_ref arg, uint32_t word)
{
	step_deliver(&b->node[to.node], &(struct step_msg){.event = (uint8_t)event,
							   .to = to,
							   .arg = arg,
							   .word = word,
							   .from = STEP_REF(to.node, STEP_CLIENT, 0)});
	bed_run_dues(b);
}

/* The same, and all that follows. Returns the messages between nodes. */
__attribute__((unused)) static uint32_t bed_call(struct bed *b, step_ref to, unsigned event, step_ref arg,
						 uint32_t word)
{
	const uint32_t before = b->messages, completes = b->completes;
	bed_begin(b, to, event, arg, word);
	while (bed_step(b))
		;
	assert_int_equal(b->completes, completes + 1);
	return b->messages - before;
}

/* Slots of a machine in use, on all nodes. */
__attribute__((unused)) static uint32_t bed_used(const struct bed *b, unsigned machine)
{
	uint32_t used = 0;
	for (uint32_t a = 0; a < BED_NODES; a++)
		for (uint32_t i = 0; i < b->node[a].pool[machine].used; i++)
			used += ((const struct step_head *)step_at(&b->node[a], machine, i))->state != 0;
	return used;
}

#endif
