/* workloads/scenario_schema.h - the keys of a scenario, and what they are read into. Private to
 * workloads/scenario*.c. Layer: workloads. Immutable data. */
#ifndef SKERRY_WORKLOADS_SCENARIO_SCHEMA_H
#define SKERRY_WORKLOADS_SCENARIO_SCHEMA_H
#include <limits.h>
#include "workloads/scenario.h"

struct raw_link {
	uint64_t send, wire, receive, gap, bandwidth, credit, jitter;
};

struct raw_slow {
	uint64_t cluster, wire;
};

struct raw_machine {
	char *preset;
	uint64_t clusters, clock;
	struct raw_link link;
	struct raw_slow slow;
};

struct raw_cost {
	uint64_t profile, kernel;
	uint64_t cycles[SIM_COST_KINDS];
};

struct raw_stamps {
	uint64_t pages, operations, writes;
};

struct raw_operations {
	uint64_t count, objects, holds, weight[SCENARIO_OPERATION_KINDS];
};

struct raw_shape {
	uint64_t size, rounds, by;
};

struct raw_journey {
	uint64_t capabilities, moves, by;
};

struct raw_clients {
	char *trace, *name, *program, *arguments;
	struct sim_config_range on;
	uint64_t copies, repeat, tree, think, capabilities;
	struct raw_stamps stamps;
	struct raw_operations operations;
	struct raw_shape chains, trees;
	struct raw_journey journeys;
};

struct raw_native {
	uint64_t latency, threads, slots;
	bool oversubscribe, lines;
};

struct raw_place {
	uint64_t cluster, client;
};

struct raw_move {
	struct raw_place place;
	uint64_t to;
};

struct raw_event {
	uint64_t at;
	char *fs_revoke;
	struct raw_place place, kill;
	struct raw_move move;
};

struct raw_scenario {
	char *name, *about;
	uint64_t seed, engine, fidelity, order;
	struct raw_machine machine;
	struct raw_cost cost;
	char *capability, *memory, *thread;
	uint64_t timer, thread_room;
	uint64_t service_cluster, cache_pages;
	struct raw_native native;
	uint32_t clients_count, events_count, expect_count;
	struct raw_clients clients[SCENARIO_CLIENTS_MAX];
	struct raw_event events[SCENARIO_EVENTS_MAX];
	struct sim_config_pair expect[SCENARIO_EXPECT_MAX];
};

extern const struct sim_config_table scenario_schema; /* of struct raw_scenario */
extern const char *const scenario_engine_names[],
	*const scenario_tree_names[], *const scenario_workload_names[],
					      *const scenario_operation_names[],
						      *const scenario_by_names[],
							      *const scenario_mover_names[],
								      *const scenario_fidelity_names[],
									      *const scenario_order_names[];

/* The text of a scenario: `file`, or the built-in scenario of that name; NULL: the demonstration. On
 * success returns 0; *text is owned by the caller, who frees it, and *shown names it in messages, as does
 * *base without folder and suffix. On failure returns -1 and *error is set. */
struct scenario_text {
	char *text;
	size_t bytes;
	char shown[PATH_MAX], base[65];
};
int scenario_text_load(struct scenario_text *out, const char *file, struct scenario_error *error);

/* Which trace `word` means: a built-in name as it is, or a readable file, from the current folder or that
 * of the scenario, as an absolute path. The result has the life of `config`; NULL after a complaint at
 * `path`. */
char *scenario_trace_find(struct sim_config *config, const char *path, const char *word,
			  const char *scenario_file);

/* Which program `word` means: a readable file, found as a recording is, as an absolute path. NULL after a complaint at
 * `path`. */
char *scenario_program_find(struct sim_config *config, const char *path, const char *word,
			    const char *scenario_file);

/* Which protocol `word` means: a name as it is, or a shared object, found as a recording is, as an absolute path. NULL
 * after a complaint at `path`. */
char *scenario_protocol_find(struct sim_config *config, const char *path, char *word,
			     const char *scenario_file);

/* The machine and the costs that `word` means if it is no preset: a readable file of `skerry calibrate`, found as a
 * recording is. On success returns 0 and *out is owned by the caller. On failure returns -1: after a complaint at
 * "machine.preset", or *error says what is wrong in the file. */
int scenario_calibration_find(struct sim_calibration **out, struct sim_config *config, const char *word,
			      const char *scenario_file, struct scenario_error *error);

/* "dir/a b.strace" -> "a-b": the last part of a path without `suffix`, with a '-' for what a name may not
 * hold. */
void scenario_name_of_path(char *out, size_t size, const char *path, const char *suffix);

/* Reads one pair of `expect:`. Returns 0, or -1 after a complaint at "expect.KEY". */
int scenario_expect_read(struct scenario_expect *out, struct sim_config *config,
			 const struct sim_config_pair *pair);

/* The value as a user writes it, without its operator. */
void scenario_expect_print(char out[SIM_QUANTITY_TEXT], const struct scenario_expect *expect);

#endif
