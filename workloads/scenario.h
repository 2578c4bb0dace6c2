/* workloads/scenario.h - one run, described: machine, costs, protocols, clients, faults, expectations.
 *
 * Read from YAML by a schema table (workloads/scenario.c) that also drives --set, the resolved scenario and
 * the reference page, so that there is one way to set a thing. All strings are owned by the scenario.
 * Layer: workloads. */
#ifndef SKERRY_WORKLOADS_SCENARIO_H
#define SKERRY_WORKLOADS_SCENARIO_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "kernelmodel/cost.h"
#include "sim/calibration.h"
#include "sim/config.h"
#include "sim/cost.h"
#include "sim/engine.h"
#include "sim/topology.h"

#define SCENARIO_CLIENTS_MAX     32 /* entries of `clients:` */
#define SCENARIO_EVENTS_MAX      32
#define SCENARIO_EXPECT_MAX      32
#define SCENARIO_ALL_CLIENTS_MAX (1u << 24) /* of all clusters together */

/* Which clusters an entry runs on. "all", "others" (all but the service's), or first-last. */
struct scenario_range {
	bool all, others;
	uint32_t first, last;
};

enum scenario_tree { SCENARIO_PRIVATE, SCENARIO_SHARED };

/* What the clients of an entry do: each cluster of the range replays a trace; or they stamp shared pages; or they pass
 * capabilities to each other, at random, in a chain from one to the next, or from one to many; or they are programs of skerry-cc;
 * or the first is a thread that travels. */
enum scenario_workload {
	SCENARIO_TRACE,
	SCENARIO_STAMPS,
	SCENARIO_OPERATIONS,
	SCENARIO_CHAINS,
	SCENARIO_TREES,
	SCENARIO_PROGRAM,
	SCENARIO_JOURNEYS,
	SCENARIO_WORKLOADS
};

/* Random operations on capabilities; `weight`: how often each is drawn, relative to the others. */
enum scenario_operation {
	SCENARIO_SEND,
	SCENARIO_OFFER,
	SCENARIO_OBTAIN,
	SCENARIO_COPY,
	SCENARIO_MINT,
	SCENARIO_MOVE,
	SCENARIO_DELETE,
	SCENARIO_REVOKE,
	SCENARIO_RETYPE,
	SCENARIO_QUERY,
	SCENARIO_USE,
	SCENARIO_THREAD_MOVE, /* of any thread of the run that can move */
	SCENARIO_THREAD_CALL,
	SCENARIO_THREAD_KILL,
	SCENARIO_OPERATION_KINDS
};
struct scenario_operations {
	uint32_t count;   /* of each client, default 200 */
	uint32_t objects; /* that each client makes first, default 2 */
	uint32_t holds;   /* capabilities that a client keeps at most, default 16 */
	uint32_t weight[SCENARIO_OPERATION_KINDS];
};

/* Chains: capabilities from the first, over all clients in turn; trees: children of the first. Then it revokes. */
enum scenario_by { SCENARIO_BY_SEND, SCENARIO_BY_OBTAIN };
struct scenario_shape {
	uint32_t size, rounds;
	enum scenario_by by; /* trees: the first sends, or the others obtain */
};

/* Journeys: a thread with so many capabilities moves so often, when it asks for it itself, or when another does. */
enum scenario_mover { SCENARIO_BY_ITSELF, SCENARIO_BY_ANOTHER };
struct scenario_journey {
	uint32_t capabilities, moves;
	enum scenario_mover by;
};

/* One entry of `clients:`. */
struct scenario_clients {
	enum scenario_workload workload;
	char *trace; /* built-in name (tar, find, ...) or path of a recording; NULL: stamps */
	char *name;  /* for reports; default: the trace's base name, or the workload's */
	struct scenario_range on;
	uint32_t copies;         /* clients a cluster, default 1 */
	uint32_t repeat;         /* times each replays its trace, default 1 */
	enum scenario_tree tree; /* private (default): each client replays in a tree of its own; shared: all
	                            clients of the entry in one tree, allowed for traces that write nothing */
	sim_cycles think;        /* compute between two system calls, default 1,000 cycles */
	uint32_t pages;          /* stamps: shared by all clients of the entry, default 4 */
	uint32_t operations;     /* stamps: a client, default 200 */
	uint32_t write_percent;  /* stamps: 0..100, default 20 */
	struct scenario_operations random; /* operations */
	struct scenario_shape shape;       /* chains, trees */
	char *program, *arguments;         /* program: a file, and words for its main() */
	uint32_t capabilities;             /* program: that it has at the same time, default 256 */
	struct scenario_journey journey;   /* journeys */
	int line;                          /* where the entry stands, for messages; 0 if not from a file */
};

/* Of native runs (engine: native); the others ignore it. */
struct scenario_native {
	sim_ps latency;     /* added to every message; default 0 */
	uint32_t threads;   /* 0: one a cluster, or as many as there are CPUs */
	uint32_t slots;     /* of a ring; 0: chosen by the number of clusters */
	bool oversubscribe; /* more clusters than CPUs are allowed */
	bool lines;         /* use RPC lines; default true */
};

enum scenario_event_kind { SCENARIO_FS_REVOKE, SCENARIO_KILL, SCENARIO_EVENT_MOVE };
struct scenario_event {
	enum scenario_event_kind kind;
	sim_ps at;  /* at most 10,000 s */
	char *path; /* absolute; fs_revoke: this path in the tree of client `client` of `cluster` */
	uint32_t cluster,
		client; /* kill, move, fs_revoke: whose; `client` counts the clients of that cluster */
	uint32_t to;    /* move: where it goes */
	int line;
};

/* `expect:`: a figure of the result, e.g. "operations.open.p99", an operator and a value. */
struct scenario_expect {
	char *what; /* digest, model_version, events, virtual_ns, checks (value "pass"),
	               operations.NAME.{count,p50,p99,max,messages_per_op} */
	enum { SCENARIO_EQ, SCENARIO_LE, SCENARIO_GE } op;
	char *text;   /* digest and checks */
	double value; /* figures: ns, or a count */
	int line;
};

/* SERIAL: one system call at a time in the whole machine. */
enum scenario_order { SCENARIO_CONCURRENT, SCENARIO_SERIAL };

struct scenario {
	char *name, *about;
	char *file;    /* where it was read, or "(built in) NAME" */
	uint64_t seed; /* < 2^63 */
	enum sim_engine_kind engine;
	bool full; /* fidelity */
	enum scenario_order order;
	struct sim_topology topology;
	struct sim_cost_profile cost;              /* the profile with the scenario's changes */
	const struct km_cost_profile *kernel_cost; /* fidelity full */
	uint32_t credit;                           /* messages that a link holds; 0: whatever is sent */
	sim_ps timer;                              /* what a protocol's timer waits; 0: the host's choice */
	char *capability, *memory, *thread;        /* protocol names, default "tree", "msi" and "none" */
	uint32_t thread_room;                      /* places of a cluster for threads of others, default 4 */
	uint32_t service_cluster;                  /* default 0 */
	uint32_t cache_pages;                      /* pages that a cluster caches, default 16,384 */
	struct scenario_native native;
	uint32_t clients_count;
	struct scenario_clients clients[SCENARIO_CLIENTS_MAX];
	uint32_t events_count;
	struct scenario_event events[SCENARIO_EVENTS_MAX];
	uint32_t expect_count;
	struct scenario_expect expect[SCENARIO_EXPECT_MAX];
	struct sim_calibration
		*calibration;      /* NULL: the preset is no file; owns the texts of machine and costs */
	struct sim_config *places; /* where each value came from, for scenario_complain(); owns the strings */
};

/* Where errors go: the first one is kept, with its place, the word, what was expected and the remedy.
 *   FILE:LINE: machine.link.wire: "1000ns": a duration in cycles is expected, e.g. "1000 cycles"; ... */
struct scenario_error {
	char text[512];
};

/* Reads and checks a scenario, then applies `sets` ("machine.clusters=1024") in order, each through the
 * same setter as the file (messages then say "--set machine.clustrs=4: ..."), then resolves it (preset,
 * defaults, cross checks). `file` NULL: the built-in demonstration; if there is no such file, a built-in
 * scenario of that name. On success returns 0 and *out is owned by the caller, who passes it to
 * scenario_free(); on failure returns -1, *error is set and *out is untouched. */
int scenario_read(struct scenario **out, const char *file, const char *const *sets, uint32_t sets_count,
		  struct scenario_error *error);

/* The same from memory; `name` stands for the file in messages. */
int scenario_parse(struct scenario **out, const char *name, const char *text, size_t bytes,
		   const char *const *sets, uint32_t sets_count, struct scenario_error *error);
void scenario_free(struct scenario *scenario); /* takes NULL */

/* Complains about the value at `key` ("protocols.memory", "clients.0.tree") of a scenario that was read,
 * for checks that only the runner can make: sets *error to "FILE:LINE: key: "word": message" (or "--set
 * ...: "). `word` NULL: without it. Returns -1. */
int scenario_complain(const struct scenario *scenario, struct scenario_error *error, const char *key,
		      const char *word, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Writes the scenario with every value in the open, so that reading it gives the same scenario; a machine
 * whose links differ keeps the name of its preset for them. Built-in traces keep their name, files become
 * absolute paths. Returns 0 or -EIO. */
int scenario_write(const struct scenario *scenario, FILE *out);

const char *scenario_workload_name(enum scenario_workload workload); /* as the key is called */

/* Writes the reference of all keys (Markdown: key, type and unit, default, meaning). Returns 0 or -EIO. */
int scenario_write_reference(FILE *out);

#endif
