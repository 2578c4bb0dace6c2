/* What a step of a protocol adds to the ring that carries its messages: memory/msi between two pinned threads.
 *
 *   step/over_ring   the time of a round trip with steps, less that of the bare ring's, for each of its three steps
 *
 * Thread 0 has a line of a page, thread 1 its home. A client reads the page (C_READ, GETS, DATA_S), then evicts it
 * (C_EVICT, PUTS, PUT_ACK): a round trip is three steps and three or four cells. The host does what every host has to: a
 * place in the channel for a message, the slot of a name, the end of a call. It keeps no statistics, no chain of causes,
 * no page. The bare ring is the same channel without steps, measured just before; both are of rings alone, because
 * PUTS is of the class of replies, which no line carries first.
 *
 * The goal is 60 ns a step at most. What disturbs one of the two and not the other is in the difference: look at the
 * quartiles. */
#include <stdlib.h>
#include <string.h>
#include "bench/frame.h"
#include "bench/pair.h"
#include "sim/channel.h"
#include "ssi/protocols/protocols.h"
#include "ssi/step_words.h"

#define ROUND_TRIPS 256 /* even: a page that was read is evicted */
#define STEPS       3   /* of a round trip */
#define SLOTS       1024
#define LINKS       4

enum { USER, HOME, SIDES }; /* side 0 is timed */

struct side {
	struct step_node node;
	struct sim_channel *in, *out, *pending;
	bool bound[STEP_MACHINES_MAX], done, bad;
	struct step_msg raised[STEP_RAISED_MAX];
	struct step_link link[LINKS];
	struct step_parked park[LINKS];
	unsigned char slot[STEP_MACHINES_MAX][256];
} __attribute__((aligned(128)));

struct subject_memory {
	struct side side[SIDES];
	char pair[] __attribute__((aligned(SIM_RING_APART)));
};

static const struct sim_channel_config config = {.slots = SLOTS, .reserve = {0, 64, 64}, .line = false};

/* ---- a host ---- */

static struct side *side_of(struct step_node *n) { return n->owner; }

static void flush(struct side *side)
{
	if (side->pending)
		sim_channel_publish(side->pending);
	side->pending = NULL;
}

static struct step_msg *host_send(struct step_node *n, uint32_t to, unsigned event)
{
	struct side *side = side_of(n);
	struct sim_frame *frame;

	(void)to;
	flush(side);
	frame = sim_channel_reserve(side->out,
				    (enum sim_class)(n->protocol->event[event].klass - STEP_REQUEST));
	if (!frame)
		abort(); /* one message is under way */
	side->pending = side->out;
	frame->stamp = 0;
	return (struct step_msg *)(void *)frame->payload;
}

static void host_complete(struct step_node *n, step_ref client, uint32_t result, step_ref arg)
{
	(void)client, (void)arg;
	side_of(n)->done = true;
	side_of(n)->bad |= result != 0;
}

/* There is one page: its slot is the first. */
static uint32_t host_find(struct step_node *n, unsigned machine, step_ref name)
{
	(void)name;
	return side_of(n)->bound[machine] ? 0 : STEP_INDEX_MAX;
}
static void host_bind(struct step_node *n, unsigned machine, step_ref name, uint32_t index)
{
	(void)name;
	side_of(n)->bound[machine] = true;
	side_of(n)->bad |= index != 0;
}
static void host_unbind(struct step_node *n, unsigned machine, uint32_t index)
{
	(void)index;
	side_of(n)->bound[machine] = false;
}

static uint32_t host_data_new(struct step_node *n, step_ref name)
{
	(void)n, (void)name;
	return 1;
}
static void host_data_drop(struct step_node *n, uint32_t data) { side_of(n)->bad |= data != 1; }

/* What this exchange never does. */
static void host_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg)
{
	(void)self, (void)call, (void)arg;
	side_of(n)->bad = true;
}
static void host_timer(struct step_node *n, step_ref self)
{
	(void)self;
	side_of(n)->bad = true;
}
static void host_fanout(struct step_node *n, step_ref self, struct step_list *list)
{
	(void)self, (void)list;
	side_of(n)->bad = true;
}
static void host_ready(struct step_node *n, step_ref at)
{
	(void)at;
	side_of(n)->bad = true;
}
static void host_fault(struct step_node *n, const char *why, const struct step_msg *m, unsigned state)
{
	(void)why, (void)m, (void)state;
	side_of(n)->bad = true;
}

static const struct step_host host = {.send = host_send,
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
				      .data_new = host_data_new,
				      .data_drop = host_data_drop,
				      .fault = host_fault};

static void side_init(struct side *side, uint32_t id)
{
	side->node = (struct step_node){.id = id,
					.nodes = SIDES,
					.protocol = &memory_msi,
					.host = &host,
					.owner = side,
					.link = side->link,
					.links = LINKS,
					.park = side->park,
					.parks = LINKS,
					.raised = side->raised};
	for (unsigned machine = 1; machine < memory_msi.machines; machine++) {
		if (memory_msi.machine[machine].size > sizeof(side->slot[machine]))
			abort();
		side->node.pool[machine] =
			(struct step_pool){.base = (char *)side->slot[machine], .slots = 1};
	}
}

static bool place(void *memory, uint32_t slots)
{
	struct subject_memory *m = memory;

	(void)slots;
	sim_channel_pair_init(m->pair, &config, &m->side[USER].out, &m->side[HOME].out);
	m->side[USER].in = m->side[HOME].out;
	m->side[HOME].in = m->side[USER].out;
	side_init(&m->side[USER], USER);
	side_init(&m->side[HOME], HOME);
	return true;
}

/* ---- with steps ---- */

static const struct sim_frame *await(struct side *side)
{
	const struct sim_frame *frame;

	while (!(frame = sim_channel_receive(side->in, 0)))
		sim_pause();
	return frame;
}

static void take(struct side *side)
{
	struct step_msg msg;

	memcpy(&msg, await(side)->payload, sizeof(msg));
	step_deliver(&side->node, &msg);
	flush(side);
	sim_channel_done(side->in);
}

static uint64_t user_steps(void *memory, uint64_t first, uint64_t count)
{
	struct side *side = &((struct subject_memory *)memory)->side[USER];
	const struct step_msg call = {.to = STEP_BY_NAME(USER, MSI_LINE),
				      .from = STEP_REF(USER, STEP_CLIENT, 0),
				      .arg = STEP_REF(HOME, MSI_DIR, 7)};

	for (uint64_t number = first; number < first + count; number++) {
		struct step_msg msg = call;

		msg.event = number & 1 ? msi_calls.evict : msi_calls.read;
		side->done = false;
		step_deliver(&side->node, &msg);
		flush(side);
		while (!side->done)
			take(side);
	}
	return side->bad;
}

static uint64_t home_steps(void *memory, uint64_t first, uint64_t count)
{
	struct side *side = &((struct subject_memory *)memory)->side[HOME];

	(void)first;
	for (uint64_t i = 0; i < count; i++)
		take(side);
	return side->bad;
}

/* ---- without ---- */

static void give_number(struct side *side, enum sim_class klass, uint64_t number)
{
	struct sim_frame *frame;
	uint64_t *word;

	while (!(frame = sim_channel_reserve(side->out, klass)))
		sim_pause();
	word = (uint64_t *)(void *)frame->payload;
	frame->stamp = 0;
	for (unsigned i = 0; i < sizeof(struct step_msg) / 8; i++)
		word[i] = number + i * (BENCH_SALT >> 8);
	sim_channel_publish(side->out);
}

static uint64_t take_number(struct side *side, uint64_t number)
{
	const uint64_t *word = (const uint64_t *)(const void *)await(side)->payload;
	uint64_t bad = 0;

	for (unsigned i = 0; i < sizeof(struct step_msg) / 8; i++)
		bad |= word[i] ^ (number + i * (BENCH_SALT >> 8));
	return bad;
}

static uint64_t user_bare(void *memory, uint64_t first, uint64_t count)
{
	struct side *side = &((struct subject_memory *)memory)->side[USER];
	uint64_t bad = 0;

	for (uint64_t number = first; number < first + count; number++) {
		give_number(side, SIM_CLASS_REQUEST, number);
		bad |= take_number(side, number + 1);
		sim_channel_done(side->in);
	}
	return bad;
}

static uint64_t home_bare(void *memory, uint64_t first, uint64_t count)
{
	struct side *side = &((struct subject_memory *)memory)->side[HOME];
	uint64_t bad = 0;

	for (uint64_t number = first; number < first + count; number++) {
		bad |= take_number(side, number);
		give_number(side, SIM_CLASS_REPLY, number + 1);
		sim_channel_done(side->in);
	}
	return bad;
}

/* ---- the row: the difference ---- */

#define WAY(side0, side1)                                                                                    \
	{                                                                                                    \
		1,                                                                                           \
		{                                                                                            \
			{                                                                                    \
				.operations = ROUND_TRIPS,                                                   \
				.bytes =                                                                     \
					sizeof(struct subject_memory) +                                      \
					2 * (sizeof(struct sim_channel) + SLOTS * sizeof(struct sim_frame)), \
				.place = place, .side = {                                                    \
					side0,                                                               \
					side1                                                                \
				}                                                                            \
			}                                                                                    \
		}                                                                                            \
	}
static const struct bench_ways with_steps = WAY(user_steps, home_steps), bare = WAY(user_bare, home_bare);
static const struct bench_row row_steps = {.name = "with steps", BENCH_PAIR(with_steps)},
			      row_bare = {.name = "bare", BENCH_PAIR(bare)};

struct subject {
	void *steps, *bare;
	double batch_ns, rtt_ns, bare_ns;
};

static void *setup(const struct bench_row *row)
{
	struct subject *subject = calloc(1, sizeof(*subject));

	(void)row;
	if (!subject)
		return NULL;
	subject->steps = bench_pair_setup(&row_steps);
	subject->bare = bench_pair_setup(&row_bare);
	if (subject->steps && subject->bare)
		return subject;
	free(subject);
	return NULL;
}

static const char *skip(const struct bench_row *row)
{
	(void)row;
	return bench_pair_skip(&row_steps);
}

static uint64_t run(void *self)
{
	struct subject *subject = self;
	uint64_t count = bench_pair_run(subject->bare);

	subject->bare_ns = bench_pair_ns(subject->bare) / (double)count;
	count = bench_pair_run(subject->steps);
	subject->rtt_ns = bench_pair_ns(subject->steps) / (double)count;
	subject->batch_ns = (subject->rtt_ns - subject->bare_ns) * (double)count;
	if (subject->batch_ns < 0)
		subject->batch_ns = 0; /* a disturbance of the bare ring alone */
	return count * STEPS;
}

static double batch_ns(void *self) { return ((struct subject *)self)->batch_ns; }

static const char *fault(void *self)
{
	const struct subject *subject = self;
	const char *steps = bench_pair_fault(subject->steps);

	return steps ? "a step was not as the protocol says" : bench_pair_fault(subject->bare);
}

/* Of the last round. */
static unsigned counters(void *self, struct bench_counter *counter)
{
	const struct subject *subject = self;

	counter[0] = (struct bench_counter){"rtt_ns", subject->rtt_ns};
	counter[1] = (struct bench_counter){"bare_rtt_ns", subject->bare_ns};
	return 2;
}

static void teardown(void *self)
{
	struct subject *subject = self;

	bench_pair_teardown(subject->steps);
	bench_pair_teardown(subject->bare);
	free(subject);
}

const struct bench_row bench_step_rows[] = {
	{.name = "step/over_ring",
	 .skip = skip,
	 .setup = setup,
	 .run = run,
	 .batch_ns = batch_ns,
	 .fault = fault,
	 .counters = counters,
	 .teardown = teardown},
	{.name = NULL},
};
