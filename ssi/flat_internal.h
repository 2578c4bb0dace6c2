/* ssi/flat_internal.h - what the parts of the flat machine share.
 *
 *   flat.c        one event: what arrives, what it raises, until all is done; running, and what is known afterwards
 *   flat_host.c   the host of the protocol steps: clocks, costs, messages, names and bulk data
 *   flat_make.c   making a machine
 *   flat_pages.c  frames, lines and their names, a client's way over the pages of one call
 *   flat_files.c  calls of clients, and the file service: the local calls of file/posix
 *   flat_caps.c   clients' operations on capabilities
 *   flat_thread.c clients as threads that move: the local calls of the family thread
 *   flat_credit.c backpressure in virtual time
 *   flat_guard.c  what a frame of another cluster may name
 *   flat_relay.c  messages through endpoints
 *   flat_bits.c   the tags of capability/crypto
 *   flat_check.c  what must hold over the whole machine
 *
 * Layer: ssi, private. */
#ifndef SKERRY_SSI_FLAT_INTERNAL_H
#define SKERRY_SSI_FLAT_INTERNAL_H
#include <string.h>
#include "sim/arena.h"
#include "sim/atomic.h"
#include "sim/check.h"
#include "sim/native.h"
#include "sim/ticks.h"
#include "ssi/flat.h"
#include "ssi/frames.h"
#include "ssi/inclusion.h"
#include "ssi/mac.h"
#include "ssi/names.h"
#include "ssi/profile.h"
#include "ssi/protocols/protocols.h"
#include "ssi/translate.h"

enum flat_number {
	FLAT_CAPABILITY,
	FLAT_MEMORY,
	FLAT_FILE,
	FLAT_THREAD, /* these two are not on every machine: see flat_machine.protocols */
	FLAT_RELAY,
	FLAT_PROTOCOLS,
	FLAT_BEGINS = 249, /* a full cluster's client, stopped and resumed, begins its call */
	FLAT_IDLES = 250,  /* and one that is to be stopped has no call */
	FLAT_CREDIT = 251, /* a message was taken at its other end */
	FLAT_DROP = 252,   /* a capability of a client that was killed goes */
	FLAT_RUN = 253,    /* a full cluster goes on */
	FLAT_DUE = 254,
	FLAT_CLIENT = 255
};

/* Who waits for a call of the capability or memory protocol: the client reference's index says. */
#define FLAT_SERVES      (1u << 24)       /* FLAT_SERVES + s: slot s of the service */
#define FLAT_REVOCATIONS (1u << 25)       /* + r: a revocation by the scenario */
#define FLAT_RETIRED     (1u << 26)       /* + file: its last name has gone */
#define FLAT_SLOTS       (1u << 27)       /* + s: slot s of a thread, whose capability moves or goes */
#define FLAT_BACKGROUND  ((1u << 28) - 4) /* nobody */

/* The causes along the chain of messages that ends in a completion, in cycles (natively ticks); saturating. */
struct flat_chain {
	uint64_t wire : 24, kernel : 20, monitor : 20;
};
_Static_assert(sizeof(struct flat_chain) == 8, "it travels in the host's 8 bytes of a frame");

/* What an engine event carries. */
struct flat_frame {
	struct step_msg msg;
	struct flat_chain chain;
};
_Static_assert(sizeof(struct flat_frame) == SIM_PAYLOAD_BYTES, "a frame fills an event");

/* Which part of a client's call, or of a service's request, another protocol is doing. */
enum flat_doing {
	DOING_NOTHING,
	DOING_OBTAIN_NAME,
	DOING_OBTAIN_FILE,
	DOING_DELETE,
	DOING_DELEGATE,
	DOING_CAPABILITY,
	DOING_PAGES, /* clients */
	DOING_NAMES,
	DOING_ROOT,
	DOING_CUT,
	DOING_DROP, /* the service */
};

struct flat_task {
	uint8_t doing, op; /* op: enum flat_op of the protocol's operation */
	step_ref waiter;   /* machine of file/posix */
	sim_cycles begun;
	struct flat_chain before; /* the chain when it began */
};

/* A client's way over the pages of a call, one page at a time. */
enum flat_phase { PHASE_SIZE, PHASE_CLEAR, PHASE_DATA, PHASE_GROW, PHASE_END };
struct flat_pages {
	uint8_t phase;
	bool touching, granted; /* a page was asked for; and given */
	bool write;
	uint64_t at, end;    /* bytes of the file */
	uint64_t size, high; /* attributes: the size; bytes beyond `high` were never written */
	uint32_t file;
};

/* What the service answers, an outbox that the reply frame refers to. */
struct flat_reply {
	uint32_t file;
	step_ref name, root; /* name: machine 0 if it is not to be cached */
	bool is_directory, first, of_file;
	uint64_t value, label;
};

/* `call` and `reply` are outboxes: the service reads the one after it was told, and fills the other before it answers.
 * All else is the client's cluster's own, natively on lines of its own. */
struct flat_client {
	struct flat_call call;
	struct flat_reply reply;
	struct flat_result result __attribute__((aligned(64)));
	struct flat_task task, page_task;
	struct flat_pages pages;
	sim_cycles issued;
	struct flat_chain chain; /* of a call on a capability that has ended */
	step_ref made;           /* the capability that it has made; machine 0: none */
	bool waiting;            /* for flat_client_wake() */
};

/* A request at the service. */
struct flat_serve {
	struct flat_task task;
	uint32_t cluster, client; /* whose */
	/* A gift for a thread that is stopped waits: the next one, + 1, and of which message it is. */
	uint32_t next_gift;
	uint16_t host_half;
	uint64_t host_word;
	struct names_place place, place2;
	uint32_t chain[NAMES_DEPTH_MAX],
		depth;                 /* entries whose capabilities are still to be made, the last first */
	uint32_t cut[2], cuts, cut_at; /* entries that are taken away */
	bool want_root;
};

struct flat_cached { /* a cached name */
	step_ref cap, root;
	uint32_t file, grant;
	bool is_directory;
};

/* Frames on their way to another cluster, by running number. */
struct flat_outbox {
	struct {
		uint32_t number, frame; /* frame + 1; 0: taken */
	} * slot;
	uint32_t size, next; /* size: a power of two, or 0 */
};
uint32_t flat_outbox_put(struct flat_outbox *outbox, uint32_t frame);
uint32_t flat_outbox_take(struct flat_outbox *outbox, uint32_t number);

/* Natively a receiver copies the bytes of a frame out of its sender's memory when the message arrives. The sender keeps
 * a reference until then, oldest first, because the pair is first in, first out. */
struct flat_transit {
	uint32_t *frame;
	uint32_t head, tail, room; /* room: a power of two, or 0 */
};
struct flat_taken { /* of one ordered pair: written by the receiver, read by the sender */
	sim_atomic_u32 count;
} __attribute__((aligned(64)));

/* A message that waits for credit; and what is on its way to another cluster, or waits. */
struct flat_waiting {
	struct flat_frame frame;
	uint64_t bytes;
	uint8_t klass;
};
struct flat_way {
	uint32_t flying;
	uint32_t head, tail, room; /* room: a power of two, or 0 */
	struct flat_waiting *waiting;
};

/* A client's place, and the thread that is there. */
enum flat_place_state { PLACE_EMPTY, PLACE_RUNS, PLACE_STOPPING, PLACE_STOPPED, PLACE_RESERVED };
struct flat_place {
	uint8_t state;
	bool halts;   /* it stops for good */
	bool calling; /* its call under way is one of the family */
	bool asks, begins,
		moves; /* when it goes on: it asks its driver, begins its call, or its own move has ended */
	uint16_t gen;  /* of who is there: an answer to who has left comes to nothing */
	uint16_t host_half; /* of the local call that waits until it is stopped */
	struct flat_chain chain;
	step_ref body, name;
	uint32_t listed, unlisted;          /* T_HOLDs under way, and refused */
	uint32_t from_cluster, from_client; /* RESERVED: where who comes was */
	uint32_t gifts, last_gift;          /* requests that wait for it, + 1 */
	struct flat_grant *carried; /* [carrieds], natively: of its open files, by the number of the handle */
	uint32_t carrieds;
};

struct flat_cluster { /* aligned: natively neighbours run on other threads */
	uint32_t id, clients;
	uint8_t raised;       /* mask of the nodes in which the host raised events */
	sim_cycles now, free; /* of the monitor's clock; it is free from then on */
	sim_ps egress_free, event_time;
	struct flat_machine *machine;
	struct flat_profile *profile; /* the shard's account, or NULL: this event is not profiled */
	struct flat_shard *shard;
	const uint64_t *origin; /* natively: when the run began, in ticks; NULL in virtual time */
	struct flat_outbox outbox;
	struct flat_transit *transit;         /* natively: [clusters] */
	struct flat_way *way;                 /* [clusters]; NULL: links hold whatever is sent */
	uint32_t waiting_frames;              /* in all of its outboxes */
	uint32_t *held, held_head, held_tail; /* [clients + 1]: clients whose calls are held back */
	uint32_t sending_to; /* natively: whom the last message with bulk data is for, or this cluster */
	struct step_node node[FLAT_PROTOCOLS];
	sim_atomic_u64 *known[FLAT_PROTOCOLS][STEP_MACHINES_MAX]; /* [slots]: by whom, see flat_guard.c */
	uint64_t cells_seen[FLAT_PROTOCOLS];
	struct flat_client *client;
	struct flat_place *place;    /* [clients]; NULL: clients stay where they are */
	uint32_t thread_answers;     /* to local calls that may be refused */
	uint32_t *place_of;          /* [bodies]: + 1 */
	struct flat_task *slot_task; /* [slots of threads] */
	uint32_t gifts_due;          /* gifts whose receiver has gone on, or has left: a request + 1 */
	struct flat_serve *serve;    /* [serves] */
	struct ssi_table lines;      /* page name -> line */
	struct ssi_table dirs;       /* page name -> directory entry (the service's cluster) */
	/* Names of the capability protocol's machines, if it names them, and what each slot stands for. */
	struct ssi_table caps_named[STEP_MACHINES_MAX];
	step_ref *caps_name[STEP_MACHINES_MAX];
	sim_atomic_u32 *object;  /* [capabilities]: of first ones, generation and kind: see flat_caps.c */
	struct ssi_table cached; /* (tree, path) -> index of cached_name */
	step_ref *line_name, *dir_name; /* [slot] */
	struct flat_cached *cached_name;
	uint32_t cached_count, cached_room;
	uint32_t evict_hand, lines_live;
	struct ssi_table ports;                    /* endpoint's name -> port */
	step_ref *port_name;                       /* [slot] */
	struct flat_bits *bits[CAPABILITY_OP + 1]; /* [slots], capability/crypto: see flat_bits.c */
	struct full_cluster *full; /* its kernel, monitor and clients; NULL: a flat cluster. See ssi/full.h */
} __attribute__((aligned(128)));

struct flat_grant {
	step_ref root;
	sim_ps granted, last_use;
};
struct flat_revocation { /* on the service's cluster, as are all */
	step_ref root;
	sim_ps returned; /* SIM_PS_NEVER: it has not */
	struct flat_task task;
};

struct flat_queue_item {
	struct step_node *node;
	step_ref at;
	struct step_list *list; /* NULL: resume */
};

/* What the clusters that one thread runs share; no other thread touches it while they run, but for the bytes of frames
 * that are on their way to another cluster. In virtual time there is one. */
#define FLAT_SCRATCH_BYTES 65536
struct flat_shard {
	struct sim_arena arena;
	struct frames frames;
	struct step_msg raised[FLAT_PROTOCOLS][STEP_RAISED_MAX]; /* one of its clusters runs at a time */
	struct flat_queue_item *queue; /* what is to be done before the event ends */
	uint32_t queue_head, queue_tail, queue_room;
	uint32_t *resume; /* clients of the running cluster whose page has come */
	uint32_t resume_count, resume_room;
	/* Answers of the local kernel to the capability protocol: they come when the step that asked is over. */
	struct flat_local {
		struct step_msg msg;
		struct flat_chain chain;
	} * local;
	uint32_t local_head, local_count, local_room;
	uint32_t *ended; /* clients of the running cluster whose call on a capability has ended */
	uint32_t ended_count, ended_room;
	struct inclusion_log *log;    /* borrowed; NULL: none */
	struct flat_profile *account; /* owned; NULL: no profile */
	unsigned char *scratch[2];    /* natively: [FLAT_SCRATCH_BYTES] */
	/* results */
	struct flat_op_stats *op;
	struct flat_traffic *pair, *by_class;
	uint64_t messages, calls, faults;
	uint64_t refused, contained; /* frames of others; faults after them, where one of them is hostile */
	uint64_t forged;             /* bits whose MAC was wrong */
	char refused_text[200];
	uint64_t waited, waited_most; /* messages that found no credit; of one cluster at the same time */
	sim_ps end;
	char fault_text[200];
	struct flat_grant *grant;
	uint32_t grants, grants_room;
	struct flat_revocation *revocation;
	uint32_t revocations, revocations_room;
} __attribute__((aligned(128)));

struct flat_machine {
	struct flat_config config;
	struct sim_topology topology;
	struct sim_cost_profile cost;
	struct sim_engine *engine;
	struct flat_shard *shard;
	struct flat_cluster *cluster;
	uint64_t *trace; /* [from * clusters + to], if config.trace: what the pair received, chained */
	sim_atomic_u64 *file_known; /* [files_known]: by which clusters, see flat_guard.c */
	uint32_t files_known;
	struct ssi_table known;      /* exactly that, in large machines: (slot, cluster) -> generation */
	struct flat_taken *taken;    /* natively: [from * clusters + to] */
	uint64_t think_ticks_per_4g; /* natively: ticks for 2^32 cycles of the scenario's clock */
	uint32_t clusters, shards, serves;
	unsigned protocols;              /* that it has: the first ones of enum flat_number */
	struct sim_native_config hooked; /* natively: config.native, and what is called on its threads */
	const struct step_protocol *protocol[FLAT_PROTOCOLS];
	uint32_t data_offset[STEP_MACHINES_MAX]; /* of the data field in memory/msi's machines */
	uint32_t cap_object,
		cap_word;       /* where a capability has its object and its word; UINT32_MAX: nowhere */
	struct mac_key mac_key; /* capability/crypto */
	step_tap *bits_behind;  /* what else sees its cells */
	uint8_t bits_event[8];  /* the numbers of the events that carry its bits */
	struct {
		uint32_t slots, body, what, place, client; /* where the thread's machines have them */
	} thread_at;
	char thread_check_name[64];
	char check_name[64];
	struct names names;
	struct ssi_table initial; /* (seed, page) -> frame of the service's shard */
};

/* ---- clocks, costs and the chain of causes ---- */

static inline struct flat_cluster *flat_cluster_of(const struct step_node *n) { return n->owner; }
static inline struct flat_machine *flat_machine_of(const struct step_node *n)
{
	return flat_cluster_of(n)->machine;
}
static inline struct flat_profile *flat_profile_of(const struct step_node *n)
{
	return flat_cluster_of(n)->profile;
}
static inline struct flat_chain flat_chain_of(const struct step_node *n)
{
	struct flat_chain chain;
	memcpy(&chain, &n->host_word, sizeof chain);
	return chain;
}
static inline void flat_set_chain(struct step_node *n, struct flat_chain chain)
{
	memcpy(&n->host_word, &chain, sizeof chain);
}
static inline uint64_t flat_saturate(uint64_t value, uint64_t limit) { return value < limit ? value : limit; }

/* Which system call and which operation of a protocol (-1: none) a message is part of. */
static inline uint16_t flat_host_half(enum flat_op call, int op)
{
	return (uint16_t)((call + 1) | (op + 1) << 8);
}

/* Charges are virtual time's: natively every cost is 0, and the clock says how long it took. */
static inline void flat_charge_monitor(struct step_node *n, sim_cycles cycles)
{
	struct flat_chain chain = flat_chain_of(n);
	chain.monitor = flat_saturate(chain.monitor + cycles, (1u << 20) - 1);
	flat_set_chain(n, chain);
	flat_cluster_of(n)->now += cycles;
}
static inline void flat_charge_kernel(struct step_node *n, enum sim_cost_kind kind)
{
	const uint64_t cycles = flat_machine_of(n)->cost.cycles[kind];
	struct flat_chain chain = flat_chain_of(n);
	flat_charged(flat_profile_of(n), kind, 1);
	chain.kernel = flat_saturate(chain.kernel + cycles, (1u << 20) - 1);
	flat_set_chain(n, chain);
	flat_cluster_of(n)->now += cycles;
}
static inline sim_cycles flat_ticks(const struct flat_cluster *c)
{
	const struct flat_profile *profile = c->profile;
	const uint64_t now = __builtin_expect(profile != NULL, 0) ? flat_profile_now(profile) : sim_ticks();
	return now - *c->origin;
}

/* After a step: what it sent goes on its way while the rest of the event is done. */
static inline void flat_flush(struct step_node *n)
{
	if (flat_cluster_of(n)->origin)
		sim_engine_flush(flat_machine_of(n)->engine, n->id);
}

/* Lets the monitor's clock catch up: in virtual time with the cells that ran, natively with the host's. */
static inline void flat_sync(struct step_node *n)
{
	struct flat_cluster *c = flat_cluster_of(n);
	if (c->origin) {
		struct flat_chain chain = flat_chain_of(n);
		const sim_cycles now = flat_ticks(c);
		chain.monitor =
			flat_saturate(chain.monitor + (now > c->now ? now - c->now : 0), (1u << 20) - 1);
		flat_set_chain(n, chain);
		c->now = now;
		return;
	}
	const uint64_t cells = n->cells - c->cells_seen[n->number];
	if (!cells)
		return;
	c->cells_seen[n->number] = n->cells;
	flat_charge_monitor(n, cells * flat_machine_of(n)->cost.cycles[SIM_COST_STEP]);
}

/* ---- flat_credit.c ---- */

int flat_credit_init(struct flat_machine *machine);
void flat_credit_fini(struct flat_cluster *cluster, uint32_t clusters);
bool flat_credit_take(struct flat_cluster *cluster, uint32_t to);
/* Room for a message that waits. */
struct flat_frame *flat_credit_wait(struct flat_cluster *cluster, uint32_t to, unsigned klass,
				    uint64_t bytes);
/* True: the client's call begins later. */
bool flat_credit_hold(struct flat_cluster *cluster, uint32_t client);
void flat_credit_return(struct flat_cluster *cluster, uint32_t from);
void flat_credit_back(struct flat_cluster *cluster, uint32_t to);

/* ---- flat_guard.c ---- */

/* Whether a frame of another cluster may be delivered; what it carries is then known here. */
bool flat_guard_passes(struct flat_cluster *cluster, const struct step_msg *m, uint32_t from);
bool flat_guard_passes_event(struct flat_cluster *cluster, const struct step_msg *m, uint32_t from);
/* Cluster `node` may name this slot, or the pages of this file, from now on. */
void flat_guard_learn(struct flat_machine *machine, unsigned number, step_ref ref, uint32_t node);
void flat_guard_learn_file(struct flat_machine *machine, uint32_t file, uint32_t node);
size_t flat_guard_bytes(uint64_t slots);
void flat_guard_take(struct flat_cluster *cluster);

/* ---- flat_relay.c ---- */

/* A message, as it lies in a frame. `info`: label and length, as its sender gave it. */
#define FLAT_LETTER_WORDS 120
struct flat_letter {
	uint64_t badge, label, length, word[FLAT_LETTER_WORDS];
};
_Static_assert(sizeof(struct flat_letter) <= FRAME_BYTES, "a message fits a frame");
static inline size_t flat_letter_bytes(const struct flat_letter *letter)
{
	return offsetof(struct flat_letter, word) + letter->length * sizeof letter->word[0];
}
uint32_t flat_relay_frame(struct flat_cluster *cluster, const struct flat_letter *letter);
void flat_relay_call(struct flat_cluster *cluster, unsigned event, step_ref to, step_ref arg, uint32_t word,
		     uint32_t client);
void flat_relay_done(struct flat_cluster *cluster, struct step_node *n, uint32_t client, uint32_t result,
		     step_ref arg);

/* ---- flat_bits.c ---- */

bool flat_has_bits(const struct flat_machine *machine); /* its protocol is capability/crypto */
int flat_bits_init(struct flat_machine *machine);       /* 0 or -ENOMEM */
void flat_bits_fini(struct flat_cluster *cluster);
void flat_bits_tap(struct step_node *n, step_ref at, const struct step_msg *m, unsigned next);
/* Whether the bits at `place` are sealed, of the object `self` of this node, and cover what is asked (enum crypto_local). */
bool flat_bits_hold(struct step_node *n, step_ref self, uint32_t call, step_ref place);

/* ---- flat_host.c ---- */

bool flat_data_is_there(const struct flat_cluster *sender, uint32_t word);

/* A message that waited goes on its way. */
void flat_depart(struct flat_cluster *cluster, uint32_t to, const struct flat_waiting *waiting);

extern const struct step_host flat_host;
void flat_log(struct step_node *n, enum inclusion_kind kind, const struct step_msg *m, step_ref at,
	      uint32_t from);
/* A message with bulk data has arrived natively: its bytes become a frame of this cluster's, which its word then names. */
void flat_data_arrived(struct flat_cluster *c, struct step_msg *m, uint32_t from);
bool flat_carries_data(const struct step_node *n, const struct step_msg *m);
void flat_data_fini(struct flat_cluster *c, uint32_t clusters);

/* All that the host does to a node goes through these, so that the step log has it. */
void flat_deliver(struct step_node *n, const struct step_msg *m);
void flat_raise(struct step_node *n, const struct step_msg *m);
void flat_run_raised(struct step_node *n);
/* Starts a call of a protocol on behalf of `who`. */
void flat_begin(struct step_node *n, struct flat_task *task, step_ref waiter, enum flat_doing doing,
		enum flat_op op);
/* One operation (enum flat_op) has ended: its latency, and where the time went; what no cause explains is waiting. */
void flat_account(struct flat_cluster *cluster, unsigned op, uint64_t cycles, struct flat_chain chain,
		  bool failed);
void flat_end(struct step_node *n, struct flat_task *task, bool failed);
/* The local kernel's answer to `self`: it comes when the step is over. */
void flat_local_answer(struct step_node *n, step_ref self, bool done, step_ref arg);
/* ---- flat.c ---- */

/* Tells the machine of file/posix that waits for a local call; carries the chain from `n` over. */
void flat_answer(struct flat_cluster *cluster, const struct step_node *n, step_ref waiter, int error,
		 uint32_t word);
void flat_call_tree(struct flat_cluster *cluster, unsigned event, step_ref arg, uint32_t word, uint32_t who,
		    uint16_t host, struct flat_chain chain);
/* The same, as a step of its own, as in the checker: it waits until what is raised now is over. */
void flat_call_alone(struct flat_cluster *cluster, unsigned event, step_ref arg, uint32_t word, uint32_t who,
		     uint16_t host, struct flat_chain chain);
void flat_grow(void **array, uint32_t count, uint32_t *room, size_t size);
void flat_handle(void *context, struct sim_engine *engine, const struct sim_event *event);
/* A message of another cluster, or a timer, or another's to itself, at the cluster's clock. */
void flat_message(struct flat_cluster *cluster, struct flat_frame *frame, const struct sim_event *event);
/* Does all that the event caused on this cluster. */
void flat_settle(struct flat_cluster *cluster);
void flat_watch(void *context, uint32_t thread, enum sim_native_doing doing);

/* flat_pages.c */
int flat_pages_init(struct flat_machine *machine);
uint32_t flat_frame_initial(struct flat_machine *machine, step_ref name);
uint32_t flat_file_of_page(step_ref name);
step_ref flat_page_name(const struct flat_machine *machine, uint32_t file, uint32_t page);
void flat_pages_begin(struct flat_cluster *cluster, uint32_t client, step_ref waiter);
void flat_pages_granted(struct flat_cluster *cluster, struct step_node *n, uint32_t client, uint32_t result,
			step_ref line);
void flat_pages_go_on(struct flat_cluster *cluster, uint32_t client);
void flat_release(struct flat_machine *machine, uint32_t file);

void flat_drop_post(struct flat_cluster *cluster, step_ref cap, bool retires);
void flat_drop(struct flat_cluster *cluster, step_ref cap, bool retires);

/* A client's call arrives at its monitor at this cycle; with FLAT_CLIENT_ASKS, the client first asks the driver. */
#define FLAT_CLIENT_ASKS (1u << 31)
void flat_client_post(struct flat_cluster *cluster, uint32_t client, sim_cycles at);

/* flat_files.c */
bool flat_is_local(const struct flat_call *call); /* it never leaves the client's kernel */
/* Asks the driver for a client's next call. False: it waits. */
bool flat_ask(struct flat_cluster *cluster, uint32_t client);
sim_cycles flat_think_of(const struct flat_cluster *cluster, uint32_t client);
/* A call has ended at `end` of the cluster's clock. */
void flat_record(struct flat_cluster *cluster, struct flat_client *client, sim_cycles end,
		 struct flat_chain chain);
/* A client's event. True: it is a call that the monitor is to start. */
bool flat_files_arrive(struct flat_cluster *cluster, uint32_t word, sim_cycles at);
void flat_files_start(struct flat_cluster *cluster, uint32_t client);
void flat_files_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg);
void flat_files_tree_done(struct flat_cluster *cluster, struct step_node *n, uint32_t who, uint32_t result,
			  step_ref arg);
void flat_files_done(struct flat_cluster *cluster, struct step_node *n, uint32_t client, uint32_t error);
bool flat_cap_usable(const struct flat_cluster *cluster, step_ref cap);
/* A gift reaches its receiver. */
void flat_files_accept(struct flat_cluster *cluster, struct flat_serve *serve);

/* flat_thread.c */
int flat_thread_init(struct flat_machine *machine);
void flat_thread_begin(struct flat_machine *machine); /* the threads come to be */
void flat_thread_fini(struct flat_cluster *cluster);
/* A client's event has come. True: it is to be stopped, and the event waits. */
bool flat_thread_catches(struct flat_cluster *cluster, uint32_t client, bool asks);
void flat_thread_idles(struct flat_cluster *cluster, uint32_t client); /* its driver has no call for it */
void flat_thread_start(struct flat_cluster *cluster, uint32_t client);
void flat_thread_local(struct step_node *n, step_ref self, uint32_t call, step_ref arg);
void flat_thread_done(struct flat_cluster *cluster, struct step_node *n, step_ref client, uint32_t result);
/* The capability of a slot has moved, or is deleted. */
void flat_thread_slot_done(struct flat_cluster *cluster, struct step_node *n, uint32_t slot, uint32_t result,
			   step_ref arg);
void flat_thread_cell(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
		      unsigned next);
uint32_t flat_thread_data_in(struct step_node *n, const struct step_msg *m);
/* A gift for a client. False: it waits until that goes on, or was turned away, because nobody of that name is there. */
bool flat_thread_takes(struct flat_cluster *cluster, struct flat_serve *serve);
void flat_thread_gifts(struct flat_cluster *cluster);
/* Whether a frame's word names a thread that its sender has stopped; whether a capability that it brings is its sender's
 * to give. */
bool flat_thread_is_stopped(const struct flat_cluster *sender, uint32_t word);
step_ref flat_thread_cap(step_ref what);
void flat_thread_check(const struct flat_machine *machine, struct flat_check *check);

/* flat_caps.c */
void flat_caps_init(struct flat_machine *machine);
enum flat_kind flat_kind_of_object(const struct flat_machine *machine, step_ref object);
step_ref flat_object_of(const struct flat_cluster *cluster,
			step_ref cap); /* of a capability of this cluster */
enum flat_kind flat_kind_of(const struct flat_cluster *cluster, step_ref cap); /* of this cluster */
bool flat_retires(const struct flat_machine *machine); /* first capabilities can be retired */
/* A protocol's own call into the kernel. */
bool flat_caps_own(struct step_node *n, step_ref self, uint32_t call, step_ref arg);
uint32_t flat_offset_of(const struct step_machine *machine,
			const char *name); /* of a field; UINT32_MAX: none */
void flat_caps_cell(struct step_node *n, step_ref at, unsigned state, unsigned next);
void flat_caps_start(struct flat_cluster *cluster, uint32_t client);
void flat_caps_done(struct flat_cluster *cluster, struct step_node *n, uint32_t client, uint32_t result,
		    step_ref arg);
void flat_caps_end(struct flat_cluster *cluster, uint32_t client, struct flat_chain chain);
void flat_caps_reply(struct flat_cluster *cluster, uint32_t client);
/* The parts of a call that another client is told of: file/posix's local calls. */
void flat_caps_lend(struct flat_cluster *cluster, uint32_t client, step_ref waiter);
void flat_caps_lent(struct flat_cluster *cluster, uint32_t client);
struct flat_handle flat_caps_received(struct flat_cluster *cluster, const struct flat_client *sender);

struct flat_cached *flat_cached_find(struct flat_cluster *cluster, uint32_t tree, uint32_t path);
uint32_t flat_grant_new(struct flat_cluster *cluster, step_ref root);
void flat_use(struct flat_cluster *cluster, uint32_t grant);

#endif
