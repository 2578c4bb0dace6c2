/* workloads/trace_compile.h - a compilation under way.
 *
 * trace_compile.c goes through the lines and keeps the processes; trace_calls.c knows what each system
 * call does; trace_finish.c closes the books and replays the result once on a plain file system. The first
 * error is kept and stops everything. Internal to trace_*.c. One thread. Layer: workloads. */
#ifndef SKERRY_WORKLOADS_TRACE_COMPILE_H
#define SKERRY_WORKLOADS_TRACE_COMPILE_H
#include "workloads/trace.h"
#include "workloads/trace_initial.h"
#include "workloads/trace_order.h"
#include "workloads/trace_paths.h"
#include "workloads/trace_process.h"
#include "workloads/trace_scan.h"

/* What trace_finish.c still has to settle once all sizes are known; kept in trace_op.count until then. */
enum trace_note {
	TRACE_NOTE_NONE,
	TRACE_NOTE_APPEND, /* the offset is the end of the file */
	TRACE_NOTE_CAP,    /* a mapping: the length ends with the file */
	TRACE_NOTE_EXTEND  /* fallocate: the new size unless the file is larger */
};

struct trace_start {
	uint32_t line;
	uint64_t pid; /* of the new process; 0 if none came of it */
};

struct trace_compile {
	const char *file;
	struct trace_error *error;
	bool failed;
	uint32_t line;
	struct trace_slice call; /* name, for messages */
	struct trace_arena *arena;
	struct trace_order order;
	struct trace_paths paths;
	struct trace_model model;
	struct trace_proc *proc;
	uint32_t procs, proc_room;
	uint32_t current; /* index of the process whose line it is */
	struct trace_map by_pid;
	struct trace_map pipes; /* inode of a pipe or socket -> resource */
	struct trace_start *start;
	uint32_t starts, start_room, start_next;
	bool superseded;
	uint32_t handles;
	uint32_t first_cwd; /* TRACE_NONE if not told */
	char *command;      /* in the arena, or NULL */
	char *joined;       /* scratch for calls in two pieces */
	size_t joined_room;
};

/* Keeps "FILE:LINE: call: why; remedy" unless there is an error already. */
void trace_refuse(struct trace_compile *compile, const char *why, const char *remedy);

void trace_put(struct trace_compile *compile, struct trace_op op);
struct trace_op trace_op_of(enum trace_kind kind);

/* One complete call of the current process. */
void trace_calls_do(struct trace_compile *compile, const struct trace_call *call);

/* Is it a call that makes a process? */
bool trace_calls_forks(struct trace_slice name);

/* The current process makes process `pid`; `arguments` hold the flags of clone. */
void trace_compile_fork(struct trace_compile *compile, uint64_t pid, struct trace_slice arguments);

/* Ends a process: its descriptors close. */
void trace_compile_end(struct trace_compile *compile, uint32_t process);

/* Drops one reference; puts down a CLOSE and returns true if it was the last one of a file. */
bool trace_compile_drop(struct trace_compile *compile, struct trace_file *file);

/* Index of the process with that pid, TRACE_NONE if there is none. */
uint32_t trace_compile_process(const struct trace_compile *compile, uint64_t pid);

/* All lines. */
void trace_compile_text(struct trace_compile *compile, struct trace_slice text);

/* Fills in `out` but for name and digest, and checks it by a replay. */
void trace_finish(struct trace_compile *compile, struct trace *out);

#endif
