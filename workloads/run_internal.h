/* workloads/run_internal.h - what run.c, replay.c and stamps.c share. Layer: workloads, private. */
#ifndef SKERRY_WORKLOADS_RUN_INTERNAL_H
#define SKERRY_WORKLOADS_RUN_INTERNAL_H
#include <stdatomic.h>
#include "workloads/plainfs.h"
#include "workloads/run.h"
#include "workloads/trace.h"

/* A recording, once for all groups that replay it. */
struct run_trace {
	struct trace *trace;
	const char *file;       /* as the scenario names it */
	struct flat_path *path; /* [trace->paths] */
	uint64_t *seed;         /* [trace->initials]: of the content */
	_Atomic(const uint8_t *)
		*page;        /* initial content, made on demand, of the plain file systems: see replay.c */
	uint64_t *page_first; /* [trace->initials]: where its pages begin in page[] */
	uint64_t pages;
	uint64_t uses_pages, opens; /* bounds for one replay: pages that it can touch, calls that obtain */
};

struct replay_process {
	uint32_t next; /* operation */
	bool started, exited, waits;
};

enum run_check_index {
	CHECK_CONTENTS,
	CHECK_RESULTS,
	CHECK_STAMPS,
	CHECK_ORDER,
	CHECK_REVOKED,
	CHECK_TREES,
	CHECK_REFUSED,
	CHECK_USABLE,
	CHECK_ANSWERS,
	CHECK_PROGRAMS,
	CHECK_THREADS,
	CHECK_FINAL,
	CHECK_MACHINE,
};

/* What a group has checked; its own, because natively groups run on several threads. */
struct run_tally {
	_Atomic uint64_t done; /* operations, for progress */
	uint64_t content_bytes;
	uint64_t count[CHECK_MACHINE], failures[CHECK_MACHINE];
	char *first[CHECK_MACHINE]; /* what failed first; NULL: nothing */
};

/* Where a thread is. Other groups learn it at `since`. */
struct run_whereabouts {
	_Atomic uint64_t is, was; /* cluster << 32 | client */
	sim_ps since;
};

/* One client of the scenario; all of it runs on one cluster, so on one thread. What others may set is atomic. */
struct run_group {
	const struct scenario_clients *entry;
	struct run *run;
	struct run_trace *trace;                /* NULL: none */
	uint32_t cluster, first_client, number; /* number: within the entry */
	uint32_t home_cluster, home_client;     /* where it was made */
	struct run_whereabouts where;
	uint64_t calls, answered,
		replied; /* of threads: that it has called, and was answered; that it has replied to */
	uint32_t tree, round, exited;
	_Atomic bool killed, ended;
	_Atomic bool disturbed; /* a capability of it was revoked; recorded results no longer bind */
	uint64_t random;
	struct run_tally tally;
	/* replay.c */
	struct plainfs *plain;
	struct flat_handle *handle;
	struct replay_process *process;
	/* stamps.c */
	struct stamps *stamps;
	/* operations.c */
	struct operations *operations;
	/* shapes.c */
	struct shapes *shapes;
	/* programs.c */
	struct program *program;
	/* journeys.c */
	struct journeys *journeys;
};

struct run {
	const struct scenario *scenario;
	struct run_options options;
	struct flat_machine *machine;
	const struct step_protocol *capability, *thread; /* thread: NULL: clients stay where they are */
	uint32_t *movable, movables;                     /* groups whose threads can move */
	struct inclusion_log *log;                       /* [logs], one a thread; NULL: none */
	uint32_t logs;
	struct run_trace *trace;
	uint32_t traces;
	struct run_group *group;
	uint32_t groups;
	uint32_t *clients;         /* [clusters] */
	uint32_t *client_base;     /* [clusters]: where its clients begin in client_group */
	uint32_t *client_group;    /* [all clients] */
	uint64_t operations;       /* for progress */
	_Atomic uint64_t running;  /* groups that have not finished */
	struct run_native *native; /* NULL in virtual time */
	double setup_seconds;
	bool programs; /* some clients are */
	bool began;    /* order serial: a call, since the turn was given */
	bool stopped;  /* order serial: a protocol or its host is wrong */
	uint64_t turn; /* order serial: cluster << 32 | client whose turn it is, or RUN_NOBODY */
	struct flat_stats stats;
};

static inline struct run_group *run_group_of(const struct run *run, uint32_t cluster, uint32_t client)
{
	return &run->group[run->client_group[run->client_base[cluster] + client]];
}

/* xorshift64*; the state is never 0. */
static inline uint64_t run_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}
static inline uint64_t run_mix(uint64_t a, uint64_t b)
{
	uint64_t x = (a ^ (b + 0x9e3779b97f4a7c15u + (a << 6) + (a >> 2))) * 0xbf58476d1ce4e5b9u;
	x = (x ^ x >> 31) * 0x94d049bb133111ebu;
	return x ^ x >> 29;
}

void run_check_add(struct run_group *group, enum run_check_index check, uint64_t count);
void run_check_fail(struct run_group *group, enum run_check_index check, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void run_group_ended(struct run_group *group);             /* the first time counts */
static inline void run_group_done(struct run_group *group) /* one more operation */
{
	_Atomic uint64_t *done = &group->tally.done;
	atomic_store_explicit(done, atomic_load_explicit(done, memory_order_relaxed) + 1,
			      memory_order_relaxed);
}

/* run_threads.c */
bool run_is_movable(const struct run_group *group);
step_ref run_name_of(const struct run_group *group);
/* Where others know it to be. */
void run_place_of(const struct run_group *group, sim_ps now, uint32_t *cluster, uint32_t *client);
int run_threads_check(struct run *run, struct scenario_error *error);
void run_threads_init(struct run *run);
void run_threads_final(struct run *run);
/* True: it has a reply to give first; and: the call was that. */
bool run_thread_next(struct run_group *group, struct flat_call *call);
bool run_thread_done(struct run_group *group, const struct flat_call *call, const struct flat_result *result);
struct flat_handle *driver_held(void *context, uint32_t cluster, uint32_t client, uint32_t number);
void driver_moved(void *context, uint32_t from, uint32_t from_client, uint32_t to, uint32_t to_client);
void driver_killed(void *context, uint32_t cluster, uint32_t client);

/* journeys.c */
int journeys_init(struct run *run, struct run_group *group, struct run_group *first, uint32_t members);
void journeys_fini(struct run_group *group);
bool journeys_next(struct run_group *group, struct flat_call *call);
void journeys_done(struct run_group *group, const struct flat_call *call, const struct flat_result *result);
struct flat_handle *journeys_held(struct run_group *group, uint32_t number);

/* run_serial.c */
#define RUN_NOBODY UINT64_MAX
int run_serial_check(const struct scenario *scenario, struct scenario_error *error);
/* Whether the client may begin a call: it takes its turn. */
bool run_turn_take(struct run *run, uint32_t cluster, uint32_t client);
enum run_end run_serially(struct run *run, struct run_result *result);
double run_wall_now(void); /* seconds */

/* run_native.c */
struct run_native {
	struct sim_host host;
	struct sim_placement placement;
	struct sim_native_config config;
	struct run_host result;
};
/* Where the run's threads go. Returns 0, or -1 and *error says why this host cannot. */
int run_native_init(struct run *run, struct scenario_error *error);

/* replay.c */
int replay_trace_load(struct run_trace *out, const char *file, struct scenario_error *error);
void replay_trace_fini(struct run_trace *trace);
int replay_tree(struct run *run, struct run_trace *trace, uint32_t *tree, char *why, size_t why_size);
void replay_init(struct run *run, struct run_group *group);
void replay_fini(struct run_group *group);
bool replay_next(struct run *run, struct run_group *group, uint32_t process, struct flat_call *call);
void replay_bytes(struct run_group *group, const struct flat_call *call, uint64_t at, unsigned char *bytes,
		  uint32_t length);
void replay_done(struct run *run, struct run_group *group, uint32_t process, const struct flat_call *call,
		 const struct flat_result *result);
void replay_kill(struct run *run, struct run_group *group);
void replay_final(struct run *run, struct run_group *group);
const struct flat_path *replay_path(const struct run_group *group, const char *text);

/* stamps.c */
int stamps_tree(struct run *run, const struct scenario_clients *entry, uint32_t *tree);
int stamps_init(struct run *run, struct run_group *group, struct run_group *owner, uint32_t members);
void stamps_fini(struct run_group *group);
bool stamps_next(struct run *run, struct run_group *group, struct flat_call *call);
void stamps_bytes(struct run_group *group, const struct flat_call *call, uint64_t at, unsigned char *bytes,
		  uint32_t length);
void stamps_done(struct run *run, struct run_group *group, const struct flat_call *call,
		 const struct flat_result *result);
void stamps_received(struct run *run, struct run_group *group, const struct flat_handle *handle);
void stamps_kill(struct run *run, struct run_group *group);
void stamps_final(struct run *run, struct run_group *owner, struct run_group *members, uint32_t count);

/* operations.c */
int operations_init(struct run *run, struct run_group *group, struct run_group *first, uint32_t members);
void operations_fini(struct run_group *group);
bool operations_next(struct run_group *group, struct flat_call *call);
void operations_done(struct run_group *group, const struct flat_call *call, const struct flat_result *result);
void operations_received(struct run_group *group, const struct flat_handle *handle);
void operations_kill(struct run_group *group);
struct flat_handle *operations_held(struct run_group *group, uint32_t number);
void operations_moved(struct run_group *group); /* all that it has is at a new place */
void operations_final(struct run *run, struct run_group *first, uint32_t members);

/* programs.c */
int programs_load(struct run *run, struct scenario_error *error); /* of all groups; 0, or -1 and *error */
void programs_fini(struct run_group *group);
bool programs_main(const struct run_group *group, struct flat_program *out); /* false: it is none */
void programs_exited(struct run_group *group, uint32_t client, const struct flat_exit *exit);
/* Appends to `out` what those that never ended wait for. */
void programs_explain(const struct run *run, char *out, size_t size);

/* shapes.c */
int shapes_init(struct run *run, struct run_group *group, struct run_group *first, uint32_t members);
void shapes_fini(struct run_group *group);
bool shapes_next(struct run_group *group, struct flat_call *call);
void shapes_done(struct run_group *group, const struct flat_call *call, const struct flat_result *result);
void shapes_received(struct run_group *group, const struct flat_handle *handle);

#endif
