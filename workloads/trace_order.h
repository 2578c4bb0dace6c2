/* workloads/trace_order.h - the lists of operations, and which of them wait for another process.
 *
 * Whatever an operation uses (a name, a file, an open file, the list of a directory, a pipe) is a resource.
 * Before an operation is put down, its uses are told; where an earlier use by another process conflicts and
 * is not known to be over, a TRACE_AFTER is put in front. What a process knows to be over: what it waited
 * for, what its parent knew at the fork, and all that a child knew when the child was waited for.
 *
 * Edges lead from later to earlier in the recording only, so a replay cannot block itself.
 * Internal to trace_*.c. One thread. Layer: workloads. */
#ifndef SKERRY_WORKLOADS_TRACE_ORDER_H
#define SKERRY_WORKLOADS_TRACE_ORDER_H
#include "workloads/trace.h"
#include "workloads/trace_memory.h"

/* Uses of one mode commute with each other, but for TRACE_ALONE. */
enum trace_use_mode { TRACE_SHARES = 1, TRACE_ADDS, TRACE_ALONE };

struct trace_access {
	uint32_t process, count; /* over when the process has finished `count` operations */
};

struct trace_group {
	struct trace_access *access;
	uint32_t used, room;
};

struct trace_resource {
	uint32_t mode;
	struct trace_group now, before; /* of the present mode, and the last of another */
};

struct trace_use {
	uint32_t resource;
	enum trace_use_mode mode;
};

struct trace_list {
	struct trace_op *ops;
	uint32_t count, room, parent;
	bool ended;
	struct trace_map known; /* process -> count known to be over */
};

struct trace_order {
	struct trace_resource *resource;
	uint32_t resources, resource_room;
	struct trace_use *use; /* of the operation that comes next */
	uint32_t uses, use_room;
	struct trace_access *wait;
	uint32_t waits, wait_room;
	struct trace_list *list;
	uint32_t lists, list_room;
	struct trace_access *sequence; /* all operations as recorded: process, index */
	uint32_t sequences, sequence_room;
};

uint32_t trace_order_resource(struct trace_order *order);
uint32_t trace_order_process(struct trace_order *order, uint32_t parent);
void trace_order_use(struct trace_order *order, uint32_t resource, enum trace_use_mode mode);

/* Puts the operation, and the waits that its uses ask for, at the end of the process's list; FORK and WAIT
 * carry knowledge as well. */
void trace_order_put(struct trace_order *order, uint32_t process, const struct trace_op *op);

/* Forgets uses that were told for an operation that is not put down. */
void trace_order_forget(struct trace_order *order);
void trace_order_fini(struct trace_order *order);

#endif
