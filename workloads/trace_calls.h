/* workloads/trace_calls.h - what the functions of the system calls share. The table is in trace_calls.c.
 *
 * Internal to trace_calls*.c. One thread. Layer: workloads. */
#ifndef SKERRY_WORKLOADS_TRACE_CALLS_H
#define SKERRY_WORKLOADS_TRACE_CALLS_H
#include "workloads/trace_compile.h"

#define AT_CWD           (-100)
#define TRACE_OFFSET_MAX ((int64_t)1 << 61)
#define HERE             (-1) /* instead of an argument number: there is none */
#define TRACE_RECORD_ALL                                                                                     \
	"record all programs that use these files, from the start, on files that nobody else changes"

/* A system call and where its arguments are; each function says what its numbers mean. */
struct trace_rule {
	const char *name;
	void (*act)(struct trace_compile *compile, const struct trace_call *call,
		    const struct trace_rule *rule);
	int8_t a, b, c, d;
	unsigned flags;
};

static inline struct trace_proc *trace_call_current(struct trace_compile *compile)
{
	return &compile->proc[compile->current];
}

static inline struct trace_slice trace_call_argument(const struct trace_call *call, int at)
{
	return at >= 0 && (uint32_t)at < call->arguments ? call->argument[at] : (struct trace_slice){"", 0};
}

static inline int trace_call_error_of(const struct trace_call *call)
{
	return call->outcome == TRACE_FAILED ? call->error : 0;
}

static inline bool trace_call_failed(const struct trace_call *call) { return call->outcome == TRACE_FAILED; }

/* A LOCAL that moved `bytes`, 0 or less: none. */
void trace_call_put_local(struct trace_compile *compile, int64_t bytes);

/* Puts the operation down if the model could follow it (`why` NULL); else it is local or refused. */
bool trace_call_settle(struct trace_compile *compile, const char *why, struct trace_op op);

/* Argument `at` as a number from -1 to TRACE_OFFSET_MAX, or refuses. */
bool trace_call_number(struct trace_compile *compile, const struct trace_call *call, int at, int64_t *out);

/* Is the result a sensible count or offset? Refuses if not. */
bool trace_call_result_bytes(struct trace_compile *compile, const struct trace_call *call);

/* A note as a path; TRACE_NONE if it is none, or of a file that is deleted. */
uint32_t trace_call_note_path(struct trace_compile *compile, struct trace_slice note);

/* The directory that a relative path starts from; TRACE_NONE if the call is local or refused. */
uint32_t trace_call_base_path(struct trace_compile *compile, const struct trace_call *call, int dir);

/* The path of argument `at`, relative to the descriptor of argument `dir` (HERE: to the working directory).
 * TRACE_NONE if the call has nothing to do with the file service, or was refused. */
uint32_t trace_call_path_of(struct trace_compile *compile, const struct trace_call *call, int dir, int at);

/* A local file; nobody counts it yet. */
struct trace_file *trace_call_file_new(uint32_t path);

/* Closes descriptor `fd` if it is known to be open. Returns true if that put down a CLOSE. */
bool trace_call_close_fd(struct trace_compile *compile, int64_t fd);

/* Makes `fd` lead to the file, and counts it. */
void trace_call_install(struct trace_compile *compile, int64_t fd, struct trace_file *file,
			bool close_on_exec);

/* Does the new descriptor close on exec? */
bool trace_call_mentions_cloexec(const struct trace_call *call);

/* The file behind argument `at`; NULL if it is not known, or refused. */
struct trace_file *trace_call_file_of(struct trace_compile *compile, const struct trace_call *call, int at,
				      struct trace_slice *note);

/* Resource of a pipe or of a pair of sockets by their numbers; TRACE_NONE if the note shows none. */
uint32_t trace_call_pipe_resource(struct trace_compile *compile, struct trace_slice note);

/* Orders what goes through a pipe or a pair of sockets. */
void trace_call_use_local(struct trace_compile *compile, const struct trace_file *file,
			  struct trace_slice note);

/* An operation on an open file: ordered between its opening and its last close. */
struct trace_op trace_call_op_on(struct trace_compile *compile, enum trace_kind kind,
				 const struct trace_file *file);

/* A file with the next handle, used by the OPEN that comes next. */
struct trace_file *trace_call_file_opened(struct trace_compile *compile, uint32_t path, uint32_t node);

/* A new descriptor that is no file of the file service. */
void trace_call_open_local(struct trace_compile *compile, const struct trace_call *call, uint32_t path);

/* The functions of the table. Paths: trace_calls_paths.c, descriptors and memory: trace_calls_files.c,
 * processes: trace_calls_processes.c. */
#define TRACE_ACT(name)                                                                                      \
	void trace_call_##name(struct trace_compile *compile, const struct trace_call *call,                 \
			       const struct trace_rule *rule)
TRACE_ACT(chdir);
TRACE_ACT(close);
TRACE_ACT(close_range);
TRACE_ACT(copy);
TRACE_ACT(dup);
TRACE_ACT(exec);
TRACE_ACT(exit);
TRACE_ACT(fallocate);
TRACE_ACT(fchdir);
TRACE_ACT(fcntl);
TRACE_ACT(flock);
TRACE_ACT(fsetattr);
TRACE_ACT(fstat);
TRACE_ACT(fsync);
TRACE_ACT(ftruncate);
TRACE_ACT(getcwd);
TRACE_ACT(ioctl);
TRACE_ACT(link);
TRACE_ACT(list);
TRACE_ACT(local);
TRACE_ACT(lseek);
TRACE_ACT(message);
TRACE_ACT(mkdir);
TRACE_ACT(mmap);
TRACE_ACT(mprotect);
TRACE_ACT(munmap);
TRACE_ACT(new_local);
TRACE_ACT(nothing);
TRACE_ACT(open);
TRACE_ACT(pair);
TRACE_ACT(readlink);
TRACE_ACT(refuse);
TRACE_ACT(rename);
TRACE_ACT(rmdir);
TRACE_ACT(setattr);
TRACE_ACT(stat);
TRACE_ACT(symlink);
TRACE_ACT(transfer);
TRACE_ACT(truncate);
TRACE_ACT(unlink);
TRACE_ACT(unshare);
TRACE_ACT(wait);
TRACE_ACT(waitid);

#endif
