/* ssi/checker/checker_internal.h - what the parts of the checker share.
 *
 * checker.c        the search, and the result
 * checker_host.c   the host functions, and the transitions of a world
 * checker_pack.c   a world as bytes, the least of its relabellings, and back
 * checker_store.c  the set of packed states
 * checker_print.c  a counter-example as text
 *
 * Layer: ssi. Thread rule: one thread. */
#ifndef SKERRY_SSI_CHECKER_INTERNAL_H
#define SKERRY_SSI_CHECKER_INTERNAL_H
#include <setjmp.h>
#include "ssi/checker/checker.h"

#define NODES          STEP_MODEL_NODES_MAX
#define CLIENTS_MAX    2
#define CHANNEL_CREDIT 12 /* messages under way between an ordered pair */
#define STEP_CREDIT    4  /* a step starts when every channel of its kernel can take so many */
#define PACK_MAX       1024
#define PERMS_MAX      120
#define NAMES_MAX      4 /* different names that a model uses, their home apart */
#define CODES_MAX      256
#define MOVES_MAX      256
#define STALE_GEN      0xfff /* of an unpacked stale reference; an unpacked slot has generation 0 */

/* ---- the set of states ---- */

/* A record: its parent's unit, its length, its bytes. A unit is 4 bytes of the arena; unit 0 is nobody. */
struct checker_store {
	uint8_t *arena;
	uint32_t *table; /* units */
	uint64_t used, reserved, table_size, states, memory_max;
};
int checker_store_init(struct checker_store *s, uint64_t memory_max);
void checker_store_fini(struct checker_store *s);
uint64_t checker_hash(const uint8_t *bytes, uint32_t length);
/* What an insertion will read: first its place in the table, then what is found there. */
void checker_store_prefetch(const struct checker_store *s, uint64_t hash);
void checker_store_prefetch_record(const struct checker_store *s, uint64_t hash);
/* 1: it is new; 0: it was there; -ENOMEM: the bound is reached. */
int checker_store_insert(struct checker_store *s, uint64_t hash, const uint8_t *bytes, uint32_t length,
			 uint32_t parent);
#define STORE_FIRST 1u
const uint8_t *checker_store_bytes(const struct checker_store *s, uint32_t unit, uint32_t *length);
uint32_t checker_store_parent(const struct checker_store *s, uint32_t unit);
uint32_t checker_store_next(const struct checker_store *s, uint32_t unit);
uint32_t checker_store_end(const struct checker_store *s);
uint64_t checker_store_size_bytes(const struct checker_store *s);

/* ---- a world ---- */

/* The part of a world that has a fixed size. */
struct checker_shared {
	struct step_msg call[NODES];                /* as the model sees it: the call that ends */
	struct step_msg flight[NODES][CLIENTS_MAX]; /* client calls in flight, event 0 if none */
	uint8_t ghost[STEP_GHOST_BYTES];
	uint8_t first[NODES][NODES], count[NODES][NODES]; /* of a channel's messages */
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

enum checker_move_kind { MOVE_RECEIVE, MOVE_LOCAL, MOVE_TIMER, MOVE_FANOUT, MOVE_RESUME, MOVE_CALL };
struct checker_move {
	enum checker_move_kind kind;
	uint32_t node, from, event, link, client;
	step_ref at;
	struct step_list *list;
	struct step_msg call;
};

/* An exchange of kernels: label[a] is what kernel a becomes. */
struct checker_perm {
	uint8_t label[NODES], inverse[NODES], code[CODES_MAX];
};

struct checker {
	const struct step_protocol *protocol;
	const struct step_model *model;
	uint32_t nodes, slots[STEP_MACHINES_MAX], flight, clients, parks, links;
	char *shadow[NODES]; /* of the model, a record for each slot of its shadow machine */
	bool local_errors;
	/* The world. All that a step changes lies in `image`, in the nodes' heads or at the end of a channel. */
	struct step_world world;
	struct step_node node[NODES];
	struct step_msg raised[NODES][STEP_RAISED_MAX];
	struct checker_shared *shared;
	step_ref *name[NODES][STEP_MACHINES_MAX]; /* what a slot stands for */
	struct step_msg channel[NODES][NODES][CHANNEL_CREDIT];
	char *image, *saved;
	size_t image_size;
	/* One step. */
	jmp_buf out; /* where a fault leads */
	bool in_step, beginning;
	char why[256];    /* empty: nothing is wrong */
	char misfit[128]; /* the configuration or a value does not fit */
	uint32_t step_cells, notes;
	bool pending; /* the machine whose cell runs had an effect under way */
	bool noting;
	struct checker_note note[NOTES_MAX];
	/* Packing. */
	uint32_t perms, name_count, codes_a_node, machine_code[STEP_MACHINES_MAX];
	step_ref names[NAMES_MAX], decoded[CODES_MAX];
	struct checker_perm perm[PERMS_MAX];
	uint64_t weight[PACK_MAX]; /* of the bytes of a signature */
	/* What was seen. */
	uint8_t *visited[STEP_MACHINES_MAX]; /* [states + 1][events] */
	uint32_t sends_max, cells_max;
	struct checker_store store;
};

/* A world without a set of states: for the search, which adds one, for replays and walks. Returns 0, -EINVAL (`why`
 * says what does not fit) or -ENOMEM. */
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
/* Lists what can happen; *busy is how much of it is not a client's call. */
uint32_t checker_moves(struct checker *c, struct checker_move *move, uint32_t *busy);
/* Makes a move; then c->why tells whether all is well. */
void checker_perform(struct checker *c, const struct checker_move *move);
/* Where nothing under way can go on: c->why tells whether nothing is under way. */
void checker_rest(struct checker *c);

/* ---- packing ---- */

int checker_pack_init(struct checker *c); /* 0 or -EINVAL, and c->misfit */
/* The least packing of the world; *orbit is how many worlds it stands for. Returns its length. */
uint32_t checker_pack_least(struct checker *c, uint8_t *out, uint32_t *orbit);
uint32_t checker_pack(struct checker *c, const struct checker_perm *perm, uint8_t *out);
void checker_unpack(struct checker *c, const uint8_t *in);
void checker_clear(struct checker *c); /* the empty world */

/* ---- text ---- */

/* What m's event at a machine is, for a fault: "REVOKE at cap 2.0 [LIVE]". */
void checker_print_event(const struct checker *c, char *out, size_t size, const struct step_msg *m,
			 unsigned state, bool with_state);
char *checker_print_unvisited(const struct checker *c);

#endif
