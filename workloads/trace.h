/* workloads/trace.h - a recording of real programs, compiled into operations that can be replayed.
 *
 * A recording is the text that scripts/record-trace writes (strace -f -yy, with a header). Compiling
 * resolves what depends on the recorded process state alone (descriptors, offsets, working directories, which
 * close is the last) and what the recording implies about the files that existed before it began. What
 * remains are operations on paths and on open files, a list a process, with their recorded results.
 *
 * Order: an operation that uses something another process used before it in the recording (a path, an
 * open file, a pipe), one of them changing it, is preceded by a TRACE_AFTER, so the replay of one recording
 * has the recorded outcome whatever the timing; fork, wait and exit are kept as such.
 *
 * Immutable once compiled; any thread may read it. Layer: workloads. */
#ifndef SKERRY_WORKLOADS_TRACE_H
#define SKERRY_WORKLOADS_TRACE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A private mapping becomes a read of its first bytes: strace does not see which pages a program touches. Assumed: the
 * four pages that a loader looks at. */
#define TRACE_MAPPED_BYTES 16384

enum trace_kind {
	/* on paths, at the file service or in the name cache */
	TRACE_OPEN,     /* path; flags TRACE_CREATE and so on; handle */
	TRACE_STAT,     /* path; size and is_directory as recorded (also access and the like) */
	TRACE_UNLINK,   /* path; not a directory */
	TRACE_RMDIR,    /* path */
	TRACE_MKDIR,    /* path */
	TRACE_RENAME,   /* path -> path2 */
	TRACE_LINK,     /* path2 becomes a name of path */
	TRACE_SYMLINK,  /* path2 is made, its text is path (as an index: the text is path's text) */
	TRACE_READLINK, /* path */
	TRACE_SETATTR,  /* path: chmod, chown, utimes: touches the attributes */
	/* on open files */
	TRACE_READ,     /* handle, offset, length: bytes that were returned (0: end of file) */
	TRACE_WRITE,    /* handle, offset, length */
	TRACE_FSTAT,    /* handle; size as recorded */
	TRACE_TRUNCATE, /* handle, length: the new size (truncate of a path is open, this, close) */
	TRACE_FSYNC,    /* handle */
	TRACE_LIST, /* handle of a directory; length: entries returned by this call (0: the end); offset: entries
	                   returned before, so 0 starts from the front and is the moment that is listed */
	TRACE_FSETATTR, /* handle */
	TRACE_CLOSE,    /* handle: the last close of the open file */
	/* inside the client's own kernel */
	TRACE_LOCAL, /* lseek, dup, a close that is not the last, fcntl, getcwd, pipe and terminal I/O, ... */
	TRACE_FORK,  /* process: it starts */
	TRACE_WAIT,  /* process: until it has exited */
	TRACE_EXIT,  /* ends the list of every process */
	TRACE_AFTER, /* process, count: until that process has finished its first `count` operations; no call */
	TRACE_KINDS
};

extern const char *const trace_kind_name[TRACE_KINDS]; /* "open", "stat", ... */

enum {
	TRACE_CREATE = 1,
	TRACE_EXCLUSIVE = 2,
	TRACE_TRUNCATES = 4, /* on opening */
	TRACE_WRITES = 8,    /* opened for writing */
	TRACE_DIRECTORY = 16,
	TRACE_NO_FOLLOW = 32 /* the last component is not followed if it is a symbolic link */
};

struct trace_op {
	uint8_t kind; /* enum trace_kind */
	uint8_t flags;
	int16_t error; /* recorded result: 0, or an errno such as ENOENT */
	uint32_t
		handle; /* index of an open file, dense in the recording; each OPEN that succeeds has its own */
	uint32_t path; /* index into paths */
	uint32_t path2;
	uint32_t process; /* FORK, WAIT, AFTER */
	uint32_t count;   /* AFTER */
	uint64_t offset;
	uint64_t
		length; /* READ, WRITE, TRUNCATE, LIST; STAT and FSTAT: the size; LOCAL: bytes copied, if any */
	uint32_t line;                    /* of the recording, for messages */
	uint8_t size_known, is_directory; /* STAT and FSTAT: what the recording says */
};

enum trace_node_kind { TRACE_FILE, TRACE_DIR, TRACE_SYMLINK_NODE };

/* What existed before the recording began; parents come before their entries. */
struct trace_initial {
	uint32_t path;
	enum trace_node_kind kind;
	uint64_t size;   /* files: at least what was read of them or said by stat */
	uint32_t target; /* symbolic links: path index of the text */
	uint32_t
		entries; /* directories: entries that were listed but never named otherwise: made up to fill the list */
	uint32_t same_as; /* files: index into initial[] of another name of the same file, or UINT32_MAX */
};

/* A path: absolute and canonical text ("/srv/demo/a"), and its components below the root; symbolic links on
 * the way are not resolved. The text of a symbolic link is a path of another kind: kept as it was given, absolute
 * if it begins with '/', and ".." may be among its components. */
struct trace_path {
	const char *text;
	uint32_t first, count; /* into components[] */
};

struct trace_process {
	struct trace_op *ops;
	uint32_t count;  /* the last is TRACE_EXIT */
	uint32_t parent; /* UINT32_MAX for process 0 */
};

struct trace {
	char *name;    /* base name without ".strace" */
	char *command; /* from the header, or NULL */
	uint32_t processes;
	struct trace_process *process;
	uint32_t paths;
	struct trace_path *path;
	uint32_t names; /* interned names of components, no '/' */
	const char **name_text;
	uint32_t *components; /* indices into name_text */
	uint32_t initials;
	struct trace_initial *initial;
	uint32_t handles;
	uint32_t ops;   /* all processes */
	uint64_t calls; /* system calls: ops without AFTER */
	uint64_t read_bytes, write_bytes;
	bool writes;     /* changes any file, directory or attribute */
	uint64_t digest; /* XXH3 of the text */
};

struct trace_error {
	char text[512]; /* "FILE:LINE: what: why; remedy" */
};

/* Compiles a recording held in memory. On success returns 0 and *out is owned by the caller, who passes it to
 * trace_free(); on failure returns -1, sets *error and leaves *out untouched. */
int trace_parse(struct trace **out, const char *file, const char *text, size_t bytes,
		struct trace_error *error);

/* The same for a file, or for a built-in recording by its name ("tar"). */
int trace_read(struct trace **out, const char *name_or_file, struct trace_error *error);
void trace_free(struct trace *trace); /* takes NULL */

#endif
