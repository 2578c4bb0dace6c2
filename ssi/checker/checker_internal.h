/* ssi/checker/checker_internal.h - one world: what a search, a replay and a walk have in common.
 *
 * checker_world.c  a world's configuration and memory
 * checker_host.c   the host functions, and the transitions of a world
 * checker_pack.c   a world, and parts of it, as bytes and back
 * checker_search.h the search
 *
 * Layer: ssi. Thread rule: one thread a world; worlds of one search share their names. */
#ifndef SKERRY_SSI_CHECKER_INTERNAL_H
#define SKERRY_SSI_CHECKER_INTERNAL_H
#include <pthread.h>
#include <setjmp.h>
#include "ssi/checker/checker.h"

#define NODES          STEP_MODEL_NODES_MAX
#define CLIENTS_MAX    2
#define CHANNEL_CREDIT 12 /* messages under way between an ordered pair */
#define STEP_CREDIT    4  /* a step starts when every channel of its kernel can take so many */
#define SLOTS_MAX      48
#define PACK_MAX       8192 /* of a whole world */
#define NAMES_MAX      8    /* different names that a model uses, their home apart */
#define CODES_MAX      1024
#define MOVES_MAX      512
#define ENDS_MAX       8
#define STALE_GEN      0xfff /* of an unpacked stale reference; an unpacked slot has generation 0 */

/* The part of a world that has a fixed size. */
struct checker_shared {
	struct step_msg call[NODES];                /* as the model sees it: the call that ends */
	struct step_msg flight[NODES][CLIENTS_MAX]; /* client calls in flight, event 0 if none */
	uint8_t ghost[STEP_GHOST_BYTES];
	uint8_t first[NODES][NODES], count[NODES][NODES]; /* of a channel's messages */
	bool crashed[NODES];
};

/* What one step does, for coverage and for the text of a counter-example. */
enum checker_note_kind { NOTE_CELL, NOTE_STALL, NOTE_SEND, NOTE_LOCAL, NOTE_TIMER, NOTE_COMPLETE };
struct checker_note {
	enum checker_note_kind kind;
	unsigned state, next;
	uint32_t result;
	step_ref at;
	struct step_msg msg;
};
#define NOTES_MAX 64

enum checker_move_kind {
	MOVE_RECEIVE,
	MOVE_LOCAL,
	MOVE_TIMER,
	MOVE_FANOUT,
	MOVE_RESUME,
	MOVE_CALL,
	MOVE_DROP,
	MOVE_CRASH
};
struct checker_move {
	enum checker_move_kind kind;
	uint32_t node, from, position, event, link, client;
	step_ref at;
	struct step_list *list;
	struct step_msg call;
};

/* A call that a step has ended. */
struct checker_ended {
	uint32_t client, result;
	step_ref arg;
};

/* Names in the order in which they were met. */
struct checker_names {
	pthread_mutex_t lock;
	uint32_t count;
	step_ref name[NAMES_MAX];
};

struct checker_bytes {
	uint32_t length;
	uint8_t byte[PACK_MAX];
};

struct checker {
	const struct step_protocol *protocol;
	const struct step_model *model;
	uint32_t nodes, slots[STEP_MACHINES_MAX], flight, clients, parks, links;
	uint32_t fixed; /* kernels below are never exchanged */
	uint32_t crash; /* kernels that may stop */
	bool local_errors, lossy, reorder, exchange_slots;
	/* The world. All that a step changes lies in `image`, in the nodes' heads or in channels. */
	struct step_world world;
	struct step_node node[NODES];
	struct step_msg raised[NODES][STEP_RAISED_MAX];
	struct checker_shared *shared;
	step_ref *name[NODES][STEP_MACHINES_MAX]; /* what a slot stands for */
	char *shadow[NODES]; /* of the model, a record for each slot of its shadow machine */
	char *block[NODES];  /* in the image: a kernel's slots, names, links, parked messages */
	size_t block_size, shadow_size;
	size_t slots_size; /* of a block, before links and parked messages, of which what is used comes first */
	struct step_msg channel[NODES][NODES][CHANNEL_CREDIT];
	struct step_msg (*saved_channel)[NODES][CHANNEL_CREDIT];
	char *image, *saved;
	size_t image_size;
	/* One step. */
	jmp_buf out; /* where a fault leads */
	bool in_step, beginning;
	char why[256];    /* empty: nothing is wrong */
	char misfit[160]; /* the configuration or a value does not fit */
	uint32_t step_cells, notes, ends;
	struct checker_ended end[ENDS_MAX];
	bool pending; /* the machine whose cell runs had an effect under way */
	bool noting;
	bool full; /* the step sent more than the model's capacity: it cannot happen now */
	struct checker_note note[NOTES_MAX];
	/* Packing. */
	struct checker_names *names, own_names;
	uint32_t codes_a_node, machine_code[STEP_MACHINES_MAX];
	step_ref decoded[CODES_MAX];
	uint32_t atom_at[STEP_MACHINES_MAX], atoms_a_node; /* see checker_symmetry.c */
	struct checker_bytes walked[1];
	/* What was seen. */
	step_tap *seen;
	uint8_t *visited[STEP_MACHINES_MAX]; /* [states + 1][events] */
	uint32_t sends_max, cells_max;
};

/* A world. Returns 0, -EINVAL (`why` says what does not fit) or -ENOMEM. */
int checker_open(struct checker **out, const struct step_protocol *protocol,
		 const struct checker_options *options, char *why, size_t size);
void checker_close(struct checker *c); /* takes NULL */

/* ---- host ---- */

extern const struct step_host checker_host;
void checker_tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state, unsigned next);
/* Says, once, what is wrong. Inside a step it does not return. */
void checker_wrong(struct checker *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
void checker_save(struct checker *c);
void checker_restore(struct checker *c);
void checker_begin(struct checker *c);
/* Lists what can happen; *busy is how much of it is neither a client's call nor a fault. */
uint32_t checker_moves(struct checker *c, struct checker_move *move, uint32_t *busy);
/* If the next move takes a slot of that machine, it takes this one, which is free. */
void checker_prefer(struct checker *c, step_ref slot);
/* Makes a move; then c->why tells whether all is well. */
void checker_perform(struct checker *c, const struct checker_move *move);
/* Where nothing under way can go on: c->why tells whether nothing is under way. */
void checker_rest(struct checker *c);

/* Parts of the above, for the search. */
struct checker_moves_list {
	struct checker_move *move;
	uint32_t count;
};
/* What kernel a can do but receive: answers, timers, fan-outs, what was parked. */
void checker_moves_of_kernel(struct checker *c, struct checker_moves_list *l, uint32_t a);
/* The calls that may start at kernel a, if a client is idle there. */
void checker_moves_of_client(struct checker *c, struct checker_moves_list *l, uint32_t a);
/* Runs the cells of a move, without the model. False: c->why, or c->full. */
bool checker_run_move(struct checker *c, const struct checker_move *move);
/* The model sees the calls of kernel `a` that have ended, and the world after the step. */
void checker_see_ends(struct checker *c, uint32_t a, const struct checker_ended *end, uint32_t ends);
void checker_see_world(struct checker *c);
/* Whether kernel a's machines are all at rest and nothing is parked in them. */
bool checker_kernel_rests(const struct checker *c, uint32_t a);
/* Positions of a channel's messages that may be next, as a mask. */
uint32_t checker_first_of(const struct checker *c, const struct step_msg *m, uint32_t count);
void checker_stop_kernel(struct checker *c, uint32_t a);

/* ---- packing ---- */

int checker_pack_init(struct checker *c); /* 0 or -EINVAL, and c->misfit */
void checker_misfit(struct checker *c, const char *what);
/* The whole world. Returns its length. */
uint32_t checker_pack(struct checker *c, uint8_t *out);
void checker_unpack(struct checker *c, const uint8_t *in);
void checker_clear(struct checker *c); /* the empty world */
void checker_clear_kernel(struct checker *c, uint32_t a);

/* Parts. Each put_ appends; each get_ returns what follows. */
void checker_put_kernel(struct checker *c, struct checker_bytes *out, uint32_t a);
void checker_put_clients(struct checker *c, struct checker_bytes *out, uint32_t a);
void checker_put_message(struct checker *c, struct checker_bytes *out, const struct step_msg *m);
void checker_put_call(struct checker *c, struct checker_bytes *out, const struct step_msg *m);
const uint8_t *checker_get_kernel(struct checker *c, const uint8_t *in, uint32_t a); /* of an empty one */
const uint8_t *checker_get_clients(struct checker *c, const uint8_t *in, uint32_t a);
const uint8_t *checker_get_message(const struct checker *c, const uint8_t *in, struct step_msg *m);
/* An order that is not state does not show. */
void checker_put_channel(struct checker *c, struct checker_bytes *out, const struct step_msg *m,
			 uint32_t count);
const uint8_t *checker_get_channel(const struct checker *c, const uint8_t *in, struct step_msg *m,
				   uint32_t *count);

#define CHECKER_CRASHED     1  /* first value of a kernel's bytes */
#define CHECKER_PENDING     1u /* flags beside a machine's state */
#define CHECKER_PARKED      2u
#define CHECKER_STATE_SHIFT 2

void checker_put_value(struct checker_bytes *out, uint32_t value);
static inline uint32_t checker_get_value(const uint8_t **in)
{
	uint32_t value = *(*in)++, shift = 7;
	if (value < 0x80)
		return value;
	value &= 0x7f;
	for (uint8_t byte = 0x80; byte & 0x80; shift += 7) {
		byte = *(*in)++;
		value |= (uint32_t)(byte & 0x7f) << shift;
	}
	return value;
}
uint64_t checker_hash(const uint8_t *bytes, uint32_t length);

/* ---- text ---- */

/* What m's event at a machine is, for a fault: "REVOKE at cap 2.0 [LIVE]". */
void checker_print_event(const struct checker *c, char *out, size_t size, const struct step_msg *m,
			 unsigned state, bool with_state);
char *checker_print_unvisited(const struct checker *c);

#endif
