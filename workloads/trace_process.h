/* workloads/trace_process.h - what the recorded system knew of each process: descriptors, offsets,
 * directories.
 *
 * Tables are shared as clone() says and counted. This file only keeps them; which operation follows from a
 * change is the matter of trace_calls.c. Internal to trace_*.c. One thread. Layer: workloads. */
#ifndef SKERRY_WORKLOADS_TRACE_PROCESS_H
#define SKERRY_WORKLOADS_TRACE_PROCESS_H
#include <stdbool.h>
#include "workloads/trace_memory.h"
#include "workloads/trace_scan.h"

/* An open file description, shared by dup() and fork(). */
struct trace_file {
	uint32_t references;
	bool local; /* not a file of the file service: a pipe, a socket, a terminal, /proc */
	bool append, writable;
	uint32_t handle, node;
	uint32_t path;     /* as opened; TRACE_NONE if it has none */
	uint32_t resource; /* of the handle, or of the pipe; TRACE_NONE if it orders nothing */
	uint64_t offset;
	uint64_t listed;     /* directories: entries returned so far */
	int32_t list_change; /* the directory's count of changes when the listing began */
};

struct trace_slot {
	int32_t fd;
	bool close_on_exec;
	struct trace_file *file;
};

struct trace_fds {
	uint32_t references;
	uint32_t count, room;
	struct trace_slot *slot; /* sorted by fd */
};

struct trace_cwd {
	uint32_t references;
	uint32_t path; /* TRACE_NONE until it is known */
};

/* Shared mappings of files that are open for writing, which mprotect() could make writable. */
struct trace_maps {
	uint32_t references;
	uint32_t count, room;
	struct trace_range {
		uint64_t start, end;
	} * range;
};

struct trace_proc {
	uint64_t pid;
	bool ended;
	struct trace_fds *fds;
	struct trace_cwd *cwd;
	struct trace_maps *maps;
	struct trace_slice pending, pending_rest; /* a call that was not finished; name of 0 bytes: none */
	bool forked;                              /* the pending call has already made its process */
};

struct trace_fds *trace_fds_new(void);
struct trace_fds *trace_fds_copy(const struct trace_fds *from); /* counts the files once more */
struct trace_slot *trace_fds_find(const struct trace_fds *fds,
				  int64_t fd); /* NULL if not open, or not known */
void trace_fds_put(struct trace_fds *fds, int32_t fd, struct trace_file *file, bool close_on_exec);
void trace_fds_remove(struct trace_fds *fds, uint32_t slot);
void trace_fds_free(struct trace_fds *fds); /* the table only */

struct trace_cwd *trace_cwd_new(uint32_t path);
struct trace_maps *trace_maps_new(void);
struct trace_maps *trace_maps_copy(const struct trace_maps *from);
void trace_maps_add(struct trace_maps *maps, uint64_t start, uint64_t bytes);
void trace_maps_cut(struct trace_maps *maps, uint64_t start, uint64_t bytes);
bool trace_maps_meet(const struct trace_maps *maps, uint64_t start, uint64_t bytes);
void trace_maps_drop(struct trace_maps *maps);
void trace_cwd_drop(struct trace_cwd *cwd);

#endif
