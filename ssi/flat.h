/* ssi/flat.h - flat nodes: clusters whose monitors the engine calls directly, in virtual time.
 *
 * A flat node is a cluster without a full kernel: its monitor runs the protocol tables (ssi/protocols/), one step
 * at a time, and the work of its kernel is taken from the cost profile. Fidelity "flat".
 *
 * Time. A monitor is one thread: a step starts when its message has arrived and the monitor is free; cells,
 * translations, kernel calls and sends advance its clock; a message leaves when it is sent, crosses the wire, and
 * costs the receiver its overhead. Clients run on cores of their own: a system call costs the call, the monitor's
 * work and the reply. An arrival rings; nobody polls.
 *
 * With config.full each cluster has a kernel, and monitor and clients are programs on it: see ssi/full.h.
 *
 * Clients are operation machines of file/posix. What they do next is asked from a driver (the replayer).
 *
 * Natively (engine SIM_ENGINE_NATIVE) the same clusters run in real time, each on one thread: what an operation takes
 * is measured. A cluster's clients and its monitor share that thread; pages are copied between the clusters' memories.
 *
 * Thread rule: one thread makes, runs and reads a machine. Natively, while it runs, the driver is called on the thread
 * of the cluster that it is called for, and may use the machine for that cluster only. Layer: ssi. */
#ifndef SKERRY_SSI_FLAT_H
#define SKERRY_SSI_FLAT_H
#include <skerry/protocol.h>
#include "sim/cost.h"
#include "sim/engine.h"
#include "sim/histogram.h"
#include "sim/topology.h"

#define FLAT_PAGE_BYTES   4096
#define FLAT_PAIRS_MAX    64 /* clusters of which each pair's traffic is counted */
#define FLAT_KERNEL_WORKS 32 /* kinds of a kernel's work, and room */
#define FLAT_CLASSES      64 /* of pairs, see sim_topology_class() */

/* ---- operations, as they are counted ---- */

enum flat_op {
	FLAT_OPEN,
	FLAT_STAT,
	FLAT_READ,
	FLAT_WRITE,
	FLAT_FSTAT,
	FLAT_TRUNCATE,
	FLAT_FSYNC,
	FLAT_LIST,
	FLAT_READLINK,
	FLAT_MKDIR,
	FLAT_LINK,
	FLAT_SYMLINK,
	FLAT_SETATTR,
	FLAT_UNLINK,
	FLAT_RMDIR,
	FLAT_RENAME,
	FLAT_CLOSE,
	FLAT_SEND,
	FLAT_LOCAL,
	FLAT_FORK,
	FLAT_WAIT,
	FLAT_EXIT,
	/* Clients' operations on capabilities. */
	FLAT_CAP_CREATE, /* a new object's first capability */
	FLAT_CAP_SEND,   /* a client gets one derived from mine */
	FLAT_CAP_OFFER,  /* a client learns the name of mine, and may obtain it */
	FLAT_CAP_OBTAIN, /* one derived from that of which I know the name */
	FLAT_CAP_COPY,
	FLAT_CAP_MINT, /* fewer rights, and a badge */
	FLAT_CAP_MOVE, /* a client gets mine */
	FLAT_CAP_DELETE,
	FLAT_CAP_REVOKE,
	FLAT_CAP_RETYPE, /* an object from memory */
	FLAT_CAP_QUERY,
	FLAT_CAP_USE,
	FLAT_CALLS, /* system calls end here; what follows are the protocols' operations */
	FLAT_OBTAIN = FLAT_CALLS,
	FLAT_DELEGATE,
	FLAT_DELETE,
	FLAT_REVOKE,
	FLAT_CREATE,
	FLAT_COPY,
	FLAT_MINT,
	FLAT_MOVE,
	FLAT_RETYPE,
	FLAT_QUERY,
	FLAT_USE,
	FLAT_READ_MISS,
	FLAT_WRITE_MISS,
	/* Clients' calls on threads; system calls, last so that no number of the others moves. */
	FLAT_THREAD_MOVE,  /* a thread goes to another cluster */
	FLAT_THREAD_CALL,  /* waits for its reply */
	FLAT_THREAD_REPLY, /* to who has called me, the oldest first */
	FLAT_THREAD_KILL,
	FLAT_OPS
};
static inline bool flat_is_capability(unsigned op) { return op >= FLAT_CAP_CREATE && op <= FLAT_CAP_USE; }
static inline bool flat_is_thread(unsigned op) { return op >= FLAT_THREAD_MOVE && op <= FLAT_THREAD_KILL; }
extern const char *const flat_op_name[FLAT_OPS];

/* Where the time of an operation went, in cycles. */
struct flat_share {
	uint64_t kernel, monitor, wire, waiting;
};
struct flat_op_stats {
	struct sim_histogram latency_ps;
	uint64_t messages, failures; /* failures: ended with an error, as the recording may well have */
	struct flat_share share;
};

/* ---- trees of names, and calls ---- */

/* The names that a tree of files may use; borrowed, immutable. */
struct flat_names {
	uint32_t count;
	const char *const *text;
};
struct flat_path {
	const uint32_t *name; /* components below the root */
	uint32_t count;
	uint32_t id; /* of the path, dense in the tree: the key of the name cache */
};

/* What a capability is for. */
enum flat_kind { FLAT_FILE_OBJECT, FLAT_ENDPOINT, FLAT_NOTIFICATION, FLAT_FRAME, FLAT_UNTYPED, FLAT_KINDS };
extern const char *const flat_kind_name[FLAT_KINDS];

/* A client's capability, of an open file or any other, in the driver's memory. */
struct flat_handle {
	step_ref cap;   /* the client's capability; machine 0: none */
	uint32_t file;  /* at the service */
	uint32_t grant; /* of the confinement log */
	uint8_t kind;   /* enum flat_kind */
	bool of_file;   /* `file` says of which */
	bool first;     /* the client made the object */
	bool offered;   /* only a name: cap is another's, to be obtained */
	bool moved;     /* its sender has it no more */
	uint32_t word;  /* rights and badge, when it came: see skerry/capability.h */
	uint64_t label; /* the sender's driver's */
	/* Fidelity full: where in its CSpace client `holder` has the capability itself, or 0. Other clients of its cluster that
	 * use the handle (after a fork) go through their monitor. */
	uint32_t cptr, holder;
};

struct flat_call {
	uint8_t op; /* enum flat_op */
	bool create, exclusive, truncate, writes, directory, no_follow;
	uint32_t tree;
	struct flat_path path, path2;
	const char *target; /* SYMLINK: its text; path is the new name */
	struct flat_handle *handle;
	uint64_t offset, length;  /* READ, WRITE; TRUNCATE: the new size; LOCAL: bytes copied */
	uint32_t cluster, client; /* SEND, CAP_SEND, CAP_OFFER, CAP_MOVE: to whom */
	void *tag;                /* the driver's */
	/* CAP_*: `handle` is the capability; what a call makes goes into `fresh`. */
	struct flat_handle *fresh;
	uint8_t kind;   /* CREATE, RETYPE: of the new object */
	uint32_t word;  /* CREATE, MINT, RETYPE: rights and badge; USE: the rights that it needs */
	uint64_t label; /* SEND, OFFER, MOVE: goes with what is sent */
	/* THREAD_*: the name of the thread that it is about; THREAD_MOVE: `cluster` is where it goes. SEND, CAP_SEND, CAP_OFFER,
	 * CAP_MOVE: whom the caller believes at (cluster, client), or machine 0: whoever is there. */
	step_ref thread;
};

struct flat_result {
	int error; /* 0 or an errno */
	uint64_t
		value; /* bytes read or written, size, entries listed; CAP_QUERY: the object, a step_ref; THREAD_*: enum
	                   thread_result */
	bool is_directory;
	uint8_t kind; /* CAP_QUERY: enum flat_kind */
};

struct flat_machine;

/* A client that is a program of its own, instead of the driver's. */
struct flat_program {
	int (*main)(void *argument);
	void *argument;
};
/* How it ended. fault: 0, or seL4's number of the fault that stopped it, at `ip`. */
struct flat_exit {
	int code;
	bool killed;
	uint32_t fault;
	uint64_t ip, address; /* address: that a VM fault was about */
};

/* The driver: what the clients of all clusters do. Called with the machine's clock at `now`. */
struct flat_driver {
	void *context;
	/* The next call. False: the client waits until flat_client_wake(), or has finished. */
	bool (*next)(void *context, uint32_t cluster, uint32_t client, struct flat_call *call);
	/* A page of the file, while the client holds it: read what is there, or write it (WRITE; what a page held before
	 * is there only if config.rewrites). `at`: offset in file. */
	void (*bytes)(void *context, uint32_t cluster, uint32_t client, const struct flat_call *call,
		      uint64_t at, unsigned char *bytes, uint32_t length);
	void (*done)(void *context, uint32_t cluster, uint32_t client, const struct flat_call *call,
		     const struct flat_result *result);
	/* Another client has sent this one an open file or a capability, or offered one (copied: keep it). */
	void (*received)(void *context, uint32_t cluster, uint32_t client, const struct flat_handle *handle);
	sim_cycles (*think)(void *context, uint32_t cluster,
			    uint32_t client); /* compute before the next call */
	/* An event of the scenario is due (flat_at). */
	void (*due)(void *context, uint32_t number);
	/* Fidelity full; both may be NULL. While a machine is made: whether this client is a program of its own, which is not
	 * asked for calls and told of nothing, but runs on its cluster's kernel with <skerry/ssi.h>; and, later, that it ended. */
	bool (*program)(void *context, uint32_t cluster, uint32_t client, struct flat_program *out);
	void (*exited)(void *context, uint32_t cluster, uint32_t client, const struct flat_exit *exit);
	/* With config.thread. A client that is stopped has these handles, by number, in its memory; NULL: no more. */
	struct flat_handle *(*held)(void *context, uint32_t cluster, uint32_t client, uint32_t number);
	/* It is there now, and goes on; its handles get their new names afterwards. On the thread of the new cluster. */
	void (*moved)(void *context, uint32_t from, uint32_t from_client, uint32_t to, uint32_t to_client);
	/* It is no more, and what it held is deleted. */
	void (*killed)(void *context, uint32_t cluster, uint32_t client);
};

/* ---- the machine ---- */

struct flat_config {
	const struct sim_topology *topology; /* borrowed */
	const struct sim_cost_profile *cost; /* borrowed */
	enum sim_engine_kind engine;
	uint32_t service;     /* cluster of the file service */
	uint32_t cache_pages; /* that a cluster caches */
	/* Bounds on what the clients can come to use, for the sizes of pools: names and files, made ones included;
	 * pages; calls that make a capability. */
	uint64_t files_max, pages_max, opens_max;
	/* And for operations on capabilities: those that all clients make or get, and objects that those of one cluster
	 * make. */
	uint64_t capabilities_max, objects_max;
	uint32_t
		credit; /* messages that a link holds each way; 0: whatever is sent. Virtual time: natively rings have slots */
	sim_ps timer; /* what a protocol's timer waits; 0: as long as a fault takes, natively 2 us */
	/* Tests: a cluster + 1 whose monitor sends what it likes (flat_forge()); what others then find wrong does not stop the
	 * machine. 0: none. */
	uint32_t hostile;
	/* Of the family skerry/thread.h; NULL: clients stay where they are. Else each client is a thread, but for the last
	 * `guests` of each cluster: those are places for threads of other clusters. A client has at most `holds` capabilities
	 * when it moves, and there are at most `moves` in all. */
	const struct step_protocol *thread;
	uint32_t guests, holds;
	uint32_t
		thread_refuses; /* tests: of a kernel's answers to threads' local calls one in so many is no; 0: none */
	uint64_t moves;
	const struct step_protocol *capability; /* of the family skerry/capability.h; NULL: capability/tree */
	bool rewrites;                          /* a client may read a page while it writes the whole of it */
	const uint32_t *clients;                /* [clusters]: clients of each; borrowed during flat_new() */
	struct flat_driver driver;
	sim_engine_tap *tap; /* optional, see sim/engine.h */
	sim_engine_window_tap *window_tap;
	void *tap_context;
	step_tap *cell_tap;        /* optional: sees every cell; its node's owner is not for it */
	struct inclusion_log *log; /* optional: [threads; 1 in virtual time], see ssi/inclusion.h */
	/* engine SIM_ENGINE_NATIVE: threads and where they go; borrowed. The machine's clock is then the host's (sim/ticks.h),
	 * its costs are 0, because what it does takes the time that it takes, and its pages are copied. */
	const struct sim_native_config *native;
	/* Each cluster has a kernel, on which its monitor and its clients run (ssi/full.h): fidelity "full". What kernels do
	 * then costs kernel_cost[enum km_work_kind] cycles a unit; borrowed; natively what it takes. */
	bool full;
	bool messages; /* with `full`: clients that are programs send messages through endpoints (endpoint/relay) */
	bool trace; /* flat_protocol_trace() is wanted */
	const uint32_t *kernel_cost;
	bool profile;           /* account for the time of each thread, see ssi/profile.h */
	uint32_t profile_every; /* one event in so many is profiled; 0 and 1: all */
};

/* On success *out is owned by the caller, who passes it to flat_free(). Returns 0, -EINVAL or -ENOMEM. */
int flat_new(struct flat_machine **out, const struct flat_config *config);
void flat_free(struct flat_machine *machine); /* takes NULL */

/* Makes a tree of files. Its content at offset o of a file with seed s is flat_content(s, o). */
uint32_t flat_tree_new(struct flat_machine *machine, const struct flat_names *names);
/* Adds what exists before the run. Returns 0 or an errno (EEXIST, ENOENT). `seed`: of the file's content. */
int flat_tree_add_file(struct flat_machine *machine, uint32_t tree, const struct flat_path *path,
		       uint64_t size, uint64_t seed);
int flat_tree_add_dir(struct flat_machine *machine, uint32_t tree, const struct flat_path *path,
		      uint32_t extra_entries);
int flat_tree_add_symlink(struct flat_machine *machine, uint32_t tree, const struct flat_path *path,
			  const char *target);
int flat_tree_add_link(struct flat_machine *machine, uint32_t tree, const struct flat_path *path,
		       const struct flat_path *existing);

/* The word at 8-byte index `word` of initial content. Position and seed only: equal seeds give equal files. Seed 0
 * gives zeros. An addition a word, so that filling a page is cheap. */
static inline uint64_t flat_content(uint64_t seed, uint64_t word)
{
	return seed ? seed + word * 0x9e3779b97f4a7c15u : 0;
}

/* Starts a client at a time: its first call is asked for then. */
void flat_client_start(struct flat_machine *machine, uint32_t cluster, uint32_t client, sim_ps at);
/* Between runs: a client that waits, or that never started, is asked for its next call, after all that has happened. */
void flat_client_turn(struct flat_machine *machine, uint32_t cluster, uint32_t client);
/* A client that waited may go on now. To be called on the same cluster only, from the driver. */
void flat_client_wake(struct flat_machine *machine, uint32_t cluster, uint32_t client);
/* The driver's due(number) is called at `at` on `cluster`. */
void flat_at(struct flat_machine *machine, uint32_t cluster, sim_ps at, uint32_t number);
/* Revokes every open file that was derived from the file at `path`; from due() on the service's cluster. Returns 0
 * or an errno. */
int flat_revoke_file(struct flat_machine *machine, uint32_t tree, const struct flat_path *path);
/* Deletes a capability on behalf of a client that was killed; from due() or next() on its cluster. */
void flat_delete(struct flat_machine *machine, uint32_t cluster, struct flat_handle *handle);

/* Stops a client that is a program, as if it had ended; from due() on its cluster. */
void flat_program_kill(struct flat_machine *machine, uint32_t cluster, uint32_t client);
/* What it waits for, in words; when nothing is under way. */
void flat_program_waits(const struct flat_machine *machine, uint32_t cluster, uint32_t client, char *out,
			size_t size);

/* Copies a page of a file (PAGE_BYTES) as its owner, or else its home, has it; when nothing is under way. Returns 0 or
 * an errno. */
int flat_peek(struct flat_machine *machine, uint32_t tree, const struct flat_path *path, uint32_t page,
	      unsigned char *bytes);
int flat_peek_size(struct flat_machine *machine, uint32_t tree, const struct flat_path *path, uint64_t *size);

enum sim_engine_end flat_run(struct flat_machine *machine, sim_ps until);
void flat_halt(struct flat_machine *machine); /* after SIM_ENGINE_UNTIL, if there is to be no more */
struct sim_engine *flat_engine(struct flat_machine *machine);
sim_ps flat_now(const struct flat_machine *machine, uint32_t cluster);
/* When the event came that the cluster handles: what another cluster did at least a lookahead before that has been done,
 * whatever the engine; natively 0. */
sim_ps flat_event_time(const struct flat_machine *machine, uint32_t cluster);

/* ---- what is known afterwards ---- */

struct flat_traffic {
	uint64_t messages, bytes;
};
struct flat_stats {
	const struct flat_op_stats *op; /* [FLAT_OPS] */
	uint64_t messages, calls, cells;
	uint64_t waited,
		waited_most; /* messages that found no credit; of one cluster at the same time (virtual time) */
	const struct flat_traffic *pair;     /* [clusters][clusters], NULL for more than FLAT_PAIRS_MAX */
	const struct flat_traffic *by_class; /* [FLAT_CLASSES] */
	sim_ps end;                          /* when the last client had finished */
	uint64_t frames_bytes;               /* memory of pages */
};
void flat_stats(struct flat_machine *machine, struct flat_stats *out);

/* A check that ran along or runs now, over the whole machine at rest. */
struct flat_check {
	const char *name;
	uint64_t count, failures;
	char first[200]; /* what failed first */
};
#define FLAT_CHECKS 6
/* "confinement" (no use after a revoke or a removal has returned), "capability/NAME at rest", "memory/msi at rest",
 * "protocol" (no fault, no message or operation left behind); of full clusters "kernels" (their invariants); with threads
 * "thread/NAME at rest" (each is at one place, and whole); what does not apply has no name. */
void flat_check(struct flat_machine *machine, struct flat_check out[FLAT_CHECKS]);

/* A hash of what each cluster received from each other, in the order of each pair; what the host chose (places of bulk
 * data) apart. 0 unless config.trace. */
uint64_t flat_protocol_trace(const struct flat_machine *machine);

/* Fidelity full: what all kernels together did; zeros else. */
struct flat_kernel_stats {
	uint64_t entries, cycles; /* into kernels; in them (virtual time) */
	uint64_t starved;         /* waits for messages alone, because all reply objects were in use */
	uint64_t refused; /* calls on a capability that a revoke had taken away: the kernel refused them */
	uint64_t work[FLAT_KERNEL_WORKS]; /* units, by enum km_work_kind */
};
bool flat_is_full(const struct flat_machine *machine);
void flat_kernel_stats(const struct flat_machine *machine, struct flat_kernel_stats *out);

/* What is in use for capabilities at rest, in the whole machine: slots of the protocol's machines, and, of full clusters,
 * capabilities and objects in the kernels. All zero when the last use has gone. */
struct flat_live {
	uint64_t slots[STEP_MACHINES_MAX], kernel;
};
void flat_live(const struct flat_machine *machine, struct flat_live *out);

/* The name of a thread that was made at this place; machine 0: threads have no names here. */
step_ref flat_thread_name(const struct flat_machine *machine, uint32_t cluster, uint32_t client);
/* Replies that a client owes now; from the driver, on its cluster. */
uint32_t flat_thread_owes(const struct flat_machine *machine, uint32_t cluster, uint32_t client);
/* Moves a thread, or kills it, on behalf of nobody; from due(), on that cluster. */
void flat_thread_move(struct flat_machine *machine, uint32_t cluster, step_ref name, uint32_t to);
void flat_thread_kill(struct flat_machine *machine, uint32_t cluster, step_ref name);

/* Whether a protocol has a call of the family (enum capability_call), and a machine's protocol an operation. */
bool flat_has_call(const struct step_protocol *protocol, unsigned event);
bool flat_serves(const struct flat_machine *machine, enum flat_op op);

/* For tests: a frame of the monitor of `from`, as it likes, reaches `to` at this time (virtual). */
void flat_forge(struct flat_machine *machine, uint32_t from, uint32_t to, sim_ps at,
		const struct step_msg *msg);
/* For tests: bits of capability/crypto, as a faulty monitor likes, in a place of its own; and how many bits were refused for
 * their MAC. */
void flat_forge_bits(struct flat_machine *machine, step_ref place, step_ref object, uint32_t word,
		     uint64_t tag);
uint64_t flat_forged(const struct flat_machine *machine);
/* Frames that clusters have refused, and faults that the hostile cluster's have led to. */
uint64_t flat_refused(const struct flat_machine *machine, uint64_t *contained);

/* For tests: the instance of a protocol on a cluster, 0 capability, 1 memory, 2 file. */
struct step_node *flat_node(struct flat_machine *machine, uint32_t cluster, unsigned number);

#endif
