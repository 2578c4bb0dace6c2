/* workloads/trace_initial.h - what must have been there before the recording began.
 *
 * A model of the name space that starts empty-handed: a name that is met for the first time in a directory
 * that is older than the recording may or may not exist (MAYBE). The recorded result of each call decides
 * it: a call that succeeded proves the file and all directories above it, ENOENT disproves it, a read
 * proves a size. What is proved to be older than the recording becomes the trace's initial state; a result
 * that the model cannot explain means that somebody outside the recording took part, and is refused.
 *
 * Each function gets the recorded outcome, tells `order` what the call uses, and returns NULL,
 * TRACE_UNEXPLAINED (a failure that has nothing to do with names and sizes: the call is then local), or
 * why the recording contradicts itself. Internal to trace_*.c. One thread. Layer: workloads. */
#ifndef SKERRY_WORKLOADS_TRACE_INITIAL_H
#define SKERRY_WORKLOADS_TRACE_INITIAL_H
#include "workloads/trace_order.h"
#include "workloads/trace_paths.h"

extern const char TRACE_UNEXPLAINED[];

enum trace_model_kind { TRACE_MODEL_UNKNOWN, TRACE_MODEL_DIR, TRACE_MODEL_FILE, TRACE_MODEL_LINK };
enum trace_model_origin {
	TRACE_MODEL_MAYBE,   /* nothing decided yet whether it was there */
	TRACE_MODEL_INITIAL, /* it was */
	TRACE_MODEL_MADE,    /* the recording made it */
	TRACE_MODEL_NEVER    /* it was not */
};

struct trace_model_node {
	uint8_t kind, origin;
	bool exact;                /* `size` is known whatever the initial size was */
	bool maybe_old;            /* made by an open that would also have opened an old file */
	bool special;              /* a socket, a named pipe, a device */
	bool real;                 /* the system has shown its path, so it is no symbolic link */
	uint32_t link;             /* path index of the text, TRACE_NONE if not known */
	uint32_t parent, name;     /* where it was before the recording, for MAYBE and INITIAL */
	uint32_t entry;            /* where it is now; TRACE_NONE for the root */
	uint32_t handles;          /* open files */
	int32_t change;            /* directories: entries made less entries removed */
	uint64_t size;             /* if exact */
	uint64_t written_end;      /* if not: the end of what was written at known offsets, */
	uint64_t appended;         /* and the bytes written at the end, wherever that was */
	uint64_t initial_size;     /* proved */
	uint64_t guess;            /* mapped: taken if nothing proves a size */
	uint32_t data, list, lock; /* resources, TRACE_NONE until used */
};

struct trace_model_entry {
	uint32_t dir, name;
	uint32_t node; /* TRACE_NONE: known to be absent */
	uint32_t resource;
	bool maybe_link; /* absent for all that follow links: it may be a link that leads nowhere */
};

struct trace_model_listing {
	uint32_t dir;
	int32_t change; /* of the directory when the listing began */
	uint64_t total; /* entries, without "." and ".." */
};

struct trace_model {
	struct trace_order *order; /* borrowed, as is paths */
	struct trace_paths *paths;
	struct trace_model_node *node; /* 0 is the root */
	struct trace_model_entry *entry;
	struct trace_map by_name; /* dir << 32 | name -> entry */
	struct trace_model_listing *listing;
	uint32_t *ahead; /* components still to walk, the next one last */
	uint32_t nodes, entries, listings, node_room, entry_room, listing_room, ahead_room;
	uint32_t dotdot, invented;
};

void trace_model_init(struct trace_model *model, struct trace_order *order, struct trace_paths *paths);
void trace_model_fini(struct trace_model *model);

struct trace_model_stat {
	enum trace_model_kind kind; /* TRACE_MODEL_UNKNOWN if the call does not tell */
	bool special, size_known;
	uint64_t size;
};

/* `real`: the path that the system gave for the opened file, or TRACE_NONE. */
const char *trace_model_open(struct trace_model *model, uint32_t path, unsigned flags, int error,
			     uint32_t real, uint32_t *node);
const char *trace_model_stat(struct trace_model *model, uint32_t path, unsigned flags, int error,
			     const struct trace_model_stat *stat);
const char *trace_model_setattr(struct trace_model *model, uint32_t path, unsigned flags, int error);
const char *trace_model_unlink(struct trace_model *model, uint32_t path, int error);
const char *trace_model_rmdir(struct trace_model *model, uint32_t path, int error);
const char *trace_model_mkdir(struct trace_model *model, uint32_t path, int error);
const char *trace_model_rename(struct trace_model *model, uint32_t path, uint32_t path2, int error);
const char *trace_model_link(struct trace_model *model, uint32_t path, uint32_t path2, unsigned flags,
			     int error);
const char *trace_model_symlink(struct trace_model *model, uint32_t text, uint32_t path2, int error);
const char *trace_model_readlink(struct trace_model *model, uint32_t path, uint32_t text, int error);

/* The canonical path of a directory that was just proved by a call ("chdir"); links on the way resolved. */
uint32_t trace_model_real_path(struct trace_model *model, uint32_t path);

/* On open files. */
const char *trace_model_fstat(struct trace_model *model, uint32_t node, const struct trace_model_stat *stat);
void trace_model_read(struct trace_model *model, uint32_t node, uint64_t offset, uint64_t length);
void trace_model_map(struct trace_model *model, uint32_t node, uint64_t offset, uint64_t length);
void trace_model_write(struct trace_model *model, uint32_t node, uint64_t offset, uint64_t length,
		       bool append);
void trace_model_truncate(struct trace_model *model, uint32_t node, uint64_t size);
void trace_model_fsetattr(struct trace_model *model, uint32_t node);
void trace_model_lock(struct trace_model *model, uint32_t node);
const char *trace_model_list(struct trace_model *model, uint32_t node);

/* A listing that began at `change` returned `total` entries, dots included. */
void trace_model_listed(struct trace_model *model, uint32_t node, int32_t change, uint64_t total);
uint64_t trace_model_size(const struct trace_model *model, uint32_t node); /* as far as it is known */

/* A link whose text was never recorded gets a target of its own. */
void trace_model_invent_target(struct trace_model *model, uint32_t node);

#endif
