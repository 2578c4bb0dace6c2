/* ssi/checker/checker_search.h - the search: what its files share.
 *
 * A state is a vector of parts: for each kernel its machines and its clients (with the model's records of its slots), for
 * each ordered pair its channel, and the model's ghost. A part is kept once and has a number; equal parts have the same
 * number, so two states are equal if their vectors are. What a step does to its kernel depends on that kernel and on
 * what it takes in alone: it is remembered by their numbers (struct checker_outcome), and only the first time do actions run.
 *
 * checker_parts.c       the set of parts
 * checker_store.c       the set of states
 * checker_steps.c       outcomes, remembered
 * checker_symmetry.c    one vector for all that relabelling makes of it
 * checker_relabel.c     what relabelling makes of a part
 * checker_commute.c     steps that need not be made
 * checker_expand.c      the successors of a state
 * checker_search.c      breadth first, by several threads
 * checker_audit.c       for tests: the classes of the states of a search without symmetry
 * checker_quiescence.c  from which states quiescence can be reached
 * checker.c             the result
 *
 * Order. A level is worked off in batches. All threads expand states of a batch, each chunk of states into a buffer of its
 * own; then all insert, each the candidates of one part of the set of states at a time, in the order of the chunks; then one
 * thread appends what is new to the next level, in the order in which it was made. So the order of the search is that of
 * one thread, whatever their number.
 *
 * Layer: ssi. Thread rule: said at each function. */
#ifndef SKERRY_SSI_CHECKER_SEARCH_H
#define SKERRY_SSI_CHECKER_SEARCH_H
#include <stdatomic.h>
#include <time.h>
#include "ssi/checker/checker_internal.h"

/* ---- memory that grows ---- */

/* An array whose address may change when it grows. */
struct checker_array {
	char *at;
	uint64_t used, room; /* bytes */
};
/* Room for `size` bytes more at the end; NULL: no memory. */
void *checker_array_more(struct checker_array *a, uint64_t size);
void checker_array_free(struct checker_array *a);
static inline void *checker_array_push(struct checker_array *a, uint64_t size)
{
	void *at = checker_array_more(a, size);
	a->used += at ? size : 0;
	return at;
}

static inline uint64_t checker_mix(uint64_t x)
{
	x *= 0x9e3779b97f4a7c15u;
	x ^= x >> 32;
	x *= 0xd6e8feb86659fd93u;
	return x ^ x >> 29;
}

/* A map from small numbers, most of which have a value; 0 is no value. */
struct checker_dense {
	struct checker_array array;
};
static inline uint64_t checker_dense_get(const struct checker_dense *d, uint32_t key)
{
	const uint64_t at = (uint64_t)key * sizeof(uint64_t);
	return at < d->array.used ? *(const uint64_t *)(const void *)(d->array.at + at) : 0;
}
int checker_dense_put(struct checker_dense *d, uint32_t key, uint64_t value); /* 0 or -ENOMEM */

/* A map of numbers; 0 is no key. */
struct checker_memo {
	struct checker_memo_entry {
		uint64_t key, value;
	} * entry;
	uint64_t size, count;
};
static inline bool checker_memo_get(const struct checker_memo *m, uint64_t key, uint64_t *value)
{
	if (!m->size)
		return false;
	for (uint64_t i = checker_mix(key) & (m->size - 1); m->entry[i].key; i = (i + 1) & (m->size - 1))
		if (m->entry[i].key == key) {
			*value = m->entry[i].value;
			return true;
		}
	return false;
}
int checker_memo_put(struct checker_memo *m, uint64_t key, uint64_t value); /* 0 or -ENOMEM */
void checker_memo_free(struct checker_memo *m);

/* What a worker remembers: of a part and something else. */
enum checker_memo_tag {
	TAG_RECEIVE = 1,
	TAG_CALL,
	TAG_POP,
	TAG_APPEND,
	TAG_STALE,
	TAG_FIRSTS,
	TAG_CLASS,
	TAG_RELABEL,
	TAG_RELABEL_BY_MAP,
};
#define PART_BITS 26
static inline uint64_t checker_memo_key(enum checker_memo_tag tag, uint32_t small, uint32_t part,
					uint32_t other)
{
	return (uint64_t)tag << 60 | (uint64_t)small << 52 | (uint64_t)part << PART_BITS | other;
}

/* ---- parts ---- */

enum checker_kind { PART_NONE, PART_KERNEL, PART_CLIENTS, PART_CHANNEL, PART_MESSAGE, PART_CALL, PART_GHOST };
struct checker_part {
	const uint8_t *bytes;
	uint64_t hash; /* of kind and bytes: does not depend on the number */
	uint16_t length;
	uint8_t kind, count; /* messages of a channel */
};
#define PARTS_A_BLOCK (1u << 12)
#define PART_BLOCKS   (1u << (PART_BITS - 12))

/* Any thread may intern and read. Part 0: no message in a channel. */
struct checker_parts {
	pthread_mutex_t lock;
	uint32_t count, table_size, kernels;
	uint32_t *table;
	uint64_t bytes;
	char *chunk;
	size_t chunk_left;
	struct checker_part **block; /* [PART_BLOCKS] */
	void *chunks;                /* to be freed */
};
int checker_parts_init(struct checker_parts *p);
void checker_parts_fini(struct checker_parts *p);
#define PART_FAILED UINT32_MAX
uint32_t checker_parts_intern(struct checker_parts *p, enum checker_kind kind, uint32_t count,
			      const struct checker_bytes *b); /* PART_FAILED: no memory */
static inline const struct checker_part *checker_part_at(const struct checker_parts *p, uint32_t id)
{
	return &p->block[id / PARTS_A_BLOCK][id % PARTS_A_BLOCK];
}

/* ---- states ---- */

#define POSITIONS_MAX (2 * NODES + 1 + NODES * NODES)

/* Positions: kernels, clients, ghost, channels. Most channels are empty most of the time, so who walks over a vector's
 * channels walks over `full`. */
struct checker_vector {
	uint64_t hash;
	uint64_t full; /* bit i: channel i has messages */
	/* Since the vector was copied from the worker's base: which parts were set, and which channels. */
	uint64_t changed, changed_channels;
	uint32_t id[POSITIONS_MAX];
};
_Static_assert(NODES *NODES <= 64, "a bit for each channel");
/* Channel `i`, a position, for each bit of `mask`. */
#define EACH_CHANNEL(s, mask, i)                                                                             \
	for (uint64_t rest_ = (mask), i = 0;                                                                 \
	     rest_ && (i = (s)->channel_at + (uint32_t)__builtin_ctzll(rest_), true); rest_ &= rest_ - 1)

#define STORE_SHARDS 64
#define STATE_UNIT   4u /* bytes */
#define STATE_BITS   26 /* of a unit's number in its shard */
#define VECTOR_MAX   (5 * POSITIONS_MAX + 8)

/* A record: its parent's number, its length, its bytes. A state's number: its shard and unit; 0 is nobody. */
struct checker_shard {
	struct checker_array arena;
	uint64_t *table; /* number of the unit, and above it bits of the hash */
	uint64_t table_size, states;
} __attribute__((aligned(64)));
struct checker_store {
	struct checker_shard shard[STORE_SHARDS];
};
int checker_store_init(struct checker_store *s);
void checker_store_fini(struct checker_store *s);
static inline uint32_t checker_store_shard_of(uint64_t hash) { return (uint32_t)(hash >> 58); }
/* One thread a shard. prefetch: the place in the table, then the record found there. insert: 1: it is new; 0: it was
 * there; -ENOMEM. */
void checker_store_prefetch(const struct checker_store *s, uint64_t hash);
void checker_store_prefetch_record(const struct checker_store *s, uint64_t hash);
int checker_store_insert(struct checker_store *s, uint64_t hash, const uint8_t *bytes, uint32_t length,
			 uint32_t parent, uint32_t *number);
/* While nobody inserts. */
const uint8_t *checker_store_bytes(const struct checker_store *s, uint32_t number, uint32_t *length);
uint32_t checker_store_parent(const struct checker_store *s, uint32_t number);
uint32_t checker_store_units(uint32_t length); /* of a record */
uint64_t checker_store_states(const struct checker_store *s);
uint64_t checker_store_size_bytes(const struct checker_store *s);

/* ---- outcomes ---- */

struct checker_send {
	uint32_t to, message; /* part */
};
struct checker_freed {
	uint8_t machine, index;
};
/* What a step does to its kernel. */
struct checker_outcome {
	uint32_t after; /* part */
	uint32_t send_at, freed_at, end_at;
	uint8_t sends, freed, ends;
	bool wrong, stalls, timer;
	uint32_t
		raw; /* where it freed slots: the kernel's memory as the step left it (index + 1); wrong: the text */
};
/* What a kernel can do by itself. */
struct checker_own {
	uint32_t at, count; /* outcomes */
	uint32_t timers;
	bool rests, crashed;
};

#define IMAGES 1024 /* kernels' memories that a worker keeps, by part */

struct checker_images {
	size_t size;
	uint32_t *tag; /* part + 1 */
	char *memory;
};

/* ---- symmetry ---- */

#define ATOMS_MAX (NODES + NODES * 3 * SLOTS_MAX)

/* A relabelling: kernel a becomes label[a], slot i of machine m of a becomes slot[..] there. */
struct checker_relabel {
	uint8_t label[NODES];
	bool is_identity;
	uint8_t slot[NODES][STEP_MACHINES_MAX][SLOTS_MAX];
};
/* What becomes of one kernel. */
struct checker_turn {
	uint8_t label;
	uint8_t slot[STEP_MACHINES_MAX][SLOTS_MAX];
};
struct checker_map {
	struct checker_relabel relabel;
	uint16_t code[CODES_MAX];
};
struct checker_sign {
	uint32_t atom;
	uint64_t first, all;
};
/* What a state's parts say of its atoms: what counts first in their order (see checker_symmetry.c), and all. */
struct checker_sums {
	uint64_t first[ATOMS_MAX], all[ATOMS_MAX];
};

/* ---- a worker ---- */

struct checker_search;
struct checker_chunk;

struct checker_worker {
	struct checker_search *search;
	struct checker *c;
	struct checker_memo memo;
	/* struct checker_outcome, _send, _freed, _ended, _own, step_node heads and blocks */
	struct checker_array outcome, send, freed, end, own, raw, text, maps, signs;
	struct checker_memo map_index, relabel_index;
	/* What becomes of one kernel in a relabelling, and of several: numbers of both. */
	struct checker_array turns;
	struct checker_memo turn_index, turns_index;
	uint32_t turns_known;
	struct checker_dense own_of[NODES], pop_of, class_of; /* by part */
	struct checker_dense signs_of[POSITIONS_MAX];
	/* Of base: the atoms' sums, and which kernels each part's bytes depend on. */
	struct checker_sums base_sums;
	uint8_t base_about[POSITIONS_MAX];
	bool base_signed;
	/* Kernels of base whose exchange changes nothing: the first of those, how many they are; how many steps one stands for. */
	uint8_t twin_of[NODES], twins[NODES];
	uint32_t weight;
	/* Groups of steps: not to be made in base, been made in it; whether all of the one that is being made are plain. The labels
	 * that the last relabelling gave, four bits each. See checker_commute.c. */
	uint64_t sleep, done;
	bool is_plain;
	uint32_t labels;
	struct checker_images kernel_images, client_images;
	struct checker_images
		client_parts; /* clients as memory, by their hash, and then their part's number */
	uint32_t kernel_in[NODES], clients_in[NODES],
		ghost_in; /* what the world holds; PART_FAILED: something else */
	struct checker_bytes bytes;
	struct checker_move *move;
	struct checker_chunk *chunk; /* where successors go */
	struct checker_vector base;
	struct checker_moves_list calls; /* that may start in base */
	struct checker_vector next;
	bool failed; /* no memory */
	/* Calls whose parts are known. */
	struct {
		struct step_msg call;
		uint32_t part;
	} known_call[256];
	uint64_t transitions, left_out, steps_run, unreduced, unreduced_transitions, fingerprint;
	uint64_t sum, sum_count;   /* of successors' hashes: see the probe of symmetry */
	bool probing, only_states; /* expands for the probe; looks at states, not at steps */
	bool step_wrong;
	pthread_t thread;
};

/* ---- the search ---- */

enum candidate_flags { CANDIDATE_CALL = 1, CANDIDATE_NEW = 2 };
struct checker_candidate {
	uint64_t hash, sleep; /* sleep: groups, before relabelling */
	uint32_t labels;
	uint32_t at, parent; /* at: of its bytes in the chunk's */
	uint32_t number, orbit;
	uint16_t length;
	uint8_t flags;
};

#define WHY_BYTES    256 /* of struct checker.why */
#define CHUNK_STATES 128
#define CHUNKS       32
#define NO_STATE     UINT32_MAX

/* Successors of CHUNK_STATES states, by one worker. */
struct checker_chunk {
	struct checker_array candidate, bytes, order; /* order: indices of candidates, by shard */
	uint32_t shard_at[STORE_SHARDS + 1];
	uint32_t candidates;
	uint32_t state_at[CHUNK_STATES + 1]; /* the first candidate of a state */
	uint8_t quiet[CHUNK_STATES];         /* nothing is under way */
	uint32_t wrong_step, wrong_state;    /* the first such state of the chunk, or NO_STATE */
	char why[WHY_BYTES];                 /* of wrong_state */
	bool unfit;
};

struct checker_search {
	const struct checker_options *options;
	struct checker_result *result;
	struct checker *c; /* of the first worker */
	struct checker_parts parts;
	struct checker_store store;
	struct checker_names names;
	uint32_t nodes, positions, ghost_at, channel_at;
	uint8_t from_of[NODES * NODES], to_of[NODES * NODES]; /* of a channel */
	uint64_t into[NODES];                                 /* channels to a kernel, as `full` */
	uint32_t idle[NODES], stopped; /* parts: clients that call nothing, a kernel that has stopped */
	uint64_t salt[POSITIONS_MAX];
	uint64_t free_key[NODES + 1]
			 [STEP_MACHINES_MAX]; /* of a free slot; [NODES]: of a kernel that is exchanged */
	bool pools;                           /* slots are exchanged */
	bool exchanges;                       /* there is anything to exchange */
	uint64_t group;                       /* how many relabellings there are; 0: too many to count */
	/* Levels: numbers of states. */
	struct checker_array level, next, edges;
	struct checker_array sleep,
		next_sleep; /* of the states of a level: groups of steps that need not be made */
	bool commutes;
	uint64_t groups_of[NODES];       /* of a kernel's steps */
	uint32_t batch_at, batch_states; /* of the level, in this batch */
	struct checker_chunk chunk[CHUNKS];
	/* Threads. */
	struct checker_worker *worker;
	uint32_t workers;
	pthread_barrier_t barrier;
	atomic_uint turn; /* the next chunk or shard that is free */
	int phase;
	atomic_bool failed, asymmetric;
	pthread_mutex_t met_lock;
	/* How it ends. */
	uint32_t wrong; /* a state, and whether it is wrong or a step from it is */
	bool wrong_is_state, wrong_is_unfit, wrong_is_trap; /* unfit: the model says so of every such state */
	struct timespec start;
	double shown;
	uint64_t expanded, shown_states;
	uint64_t memory_max;
};

/* What a step of a vector's kernel does; the kernel's part is w->base's. Thread: the worker's. */
const struct checker_outcome *checker_steps_receive(struct checker_worker *w, uint32_t a, uint32_t kernel,
						    uint32_t message);
const struct checker_outcome *checker_steps_call(struct checker_worker *w, uint32_t a, uint32_t kernel,
						 const struct checker_move *move, uint32_t call);
struct checker_own checker_steps_own(struct checker_worker *w, uint32_t a, uint32_t kernel);
const struct checker_outcome *checker_steps_outcome(const struct checker_worker *w, uint32_t at);
/* Channels. pop: the message at `position` and what is left; append; stale: without what names a slot that has gone. */
uint32_t checker_steps_pop(struct checker_worker *w, uint32_t channel, uint32_t position, uint32_t *rest);
uint32_t checker_steps_firsts(struct checker_worker *w, uint32_t channel);
uint32_t checker_steps_append(struct checker_worker *w, uint32_t channel, uint32_t message);
uint32_t checker_steps_stale(struct checker_worker *w, uint32_t part, uint32_t a, struct checker_freed freed);
/* Messages of its fullest class, where the model has channels by class, or of all. */
uint32_t checker_steps_fullest(struct checker_worker *w, uint32_t channel);
/* Loads parts into the worker's world. */
void checker_steps_load_kernel(struct checker_worker *w, uint32_t a, uint32_t kernel);
void checker_steps_load_clients(struct checker_worker *w, uint32_t a, uint32_t clients);
void checker_steps_load_ghost(struct checker_worker *w, uint32_t ghost);
void checker_steps_load_raw(struct checker_worker *w, uint32_t a, const struct checker_outcome *o);
/* Whether the model left alone what was loaded. */
bool checker_steps_kernel_is(struct checker_worker *w, uint32_t a, uint32_t part);
bool checker_steps_clients_are(struct checker_worker *w, uint32_t a, uint32_t part);
/* What they are after it saw step o of kernel `from`. */
uint32_t checker_steps_clients_after(struct checker_worker *w, uint32_t a, uint32_t from,
				     const struct checker_outcome *o, uint32_t before);
/* The same of a kernel that freed slots in a step. */
bool checker_steps_is_raw(const struct checker_worker *w, uint32_t a, const struct checker_outcome *o);
/* The world's parts, after the model has seen it. */
uint32_t checker_steps_kernel(struct checker_worker *w, uint32_t a);
uint32_t checker_steps_clients(struct checker_worker *w, uint32_t a);
/* The same, remembered. In the world, kernel `from` has made step o. */
uint32_t checker_steps_known_clients(struct checker_worker *w, uint32_t a, uint32_t from,
				     const struct checker_outcome *o);
uint32_t checker_steps_ghost(struct checker_worker *w);
uint32_t checker_steps_message(struct checker_worker *w, const struct step_msg *m);
uint32_t checker_steps_known_call(struct checker_worker *w, const struct step_msg *call);
int checker_worker_init(struct checker_worker *w, struct checker_search *s);
void checker_worker_fini(struct checker_worker *w);
uint64_t checker_worker_size_bytes(const struct checker_worker *w);

/* The least vector of v's class, in place; *orbit: of how many states, 0: not counted. If w->base is signed, what v has in
 * common with it is not looked at again. */
void checker_symmetry_sign_base(struct checker_worker *w);
/* Finds the twins of the base, which is signed. */
void checker_symmetry_find_twins(struct checker_worker *w);
void checker_symmetry_reduce(struct checker_worker *w, struct checker_vector *v, uint32_t *orbit);
void checker_symmetry_init(struct checker_search *s);
/* Some other vector of v's class, in place, for the probe. */
void checker_symmetry_shake(struct checker_worker *w, struct checker_vector *v);
bool checker_vector_is(const struct checker_search *s, const struct checker_vector *x,
		       const struct checker_vector *y);
void checker_vector_hash(const struct checker_search *s, struct checker_vector *v);
/* The same from a vector whose hash is known and that has most parts in common with it. */
void checker_vector_hash_from(const struct checker_search *s, struct checker_vector *v,
			      const struct checker_vector *known);
void checker_vector_set(const struct checker_search *s, struct checker_vector *v, uint32_t position,
			uint32_t id);

enum checker_group { GROUP_RECEIVE, GROUP_OWN, GROUP_CALLS };
#define CHECKER_SAME_LABELS UINT32_MAX       /* nothing is relabelled */
#define CHECKER_NO_LABELS   (UINT32_MAX - 1) /* it is not known how */
void checker_commute_init(struct checker_search *s);
uint64_t checker_commute_group(const struct checker_search *s, enum checker_group group, uint32_t from,
			       uint32_t a);
bool checker_commute_is_plain(const struct checker_worker *w, const struct checker_vector *v,
			      const struct checker_outcome *o, bool is_call);
/* What need not be made after a plain step of kernel a to v. */
uint64_t checker_commute_after(const struct checker_worker *w, const struct checker_vector *v, uint32_t a);
uint64_t checker_commute_relabel(const struct checker_search *s, uint64_t sleep, uint32_t labels);

/* Looks at state number `index` of the chunk and appends its successors, but for groups of steps. */
void checker_expand(struct checker_worker *w, struct checker_chunk *chunk, uint32_t number, uint32_t index,
		    uint64_t sleep);
int checker_expand_init(struct checker_search *s);
uint32_t checker_vector_encode(const struct checker_search *s, const struct checker_vector *v, uint8_t *out);
/* The worker's world as a vector, relabelled; *orbit as above. */
void checker_vector_of_world(struct checker_worker *w, struct checker_vector *v, uint32_t *orbit);
void checker_vector_decode(const struct checker_search *s, const uint8_t *in, uint32_t length,
			   struct checker_vector *v);
void checker_load_vector(struct checker_worker *w, const struct checker_vector *v);

/* Returns 0, -EINVAL or -ENOMEM; the result's end is set. One caller. */
int checker_search_run(struct checker_search *s);
/* After a search that closed: 0: holds; else s->wrong is the first state from which quiescence cannot be reached. */
int checker_quiescence(struct checker_search *s);
/* After a search without symmetry: how many states there are if what can be exchanged is not told apart, in
 * result.classes. 0 or -ENOMEM. */
int checker_audit(struct checker_search *s, const struct step_protocol *protocol);
void checker_meet(struct checker_search *s, const char *text);
/* A search without states, of workers whose worlds are open. */
void checker_search_shape(struct checker_search *s);
uint64_t checker_search_size_bytes(const struct checker_search *s);
double checker_seconds(const struct checker_search *s);

#endif
