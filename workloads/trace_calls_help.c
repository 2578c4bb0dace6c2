/* Arguments, paths and descriptors of a call. */
#include "workloads/trace_calls.h"
#include "sim/check.h"
#include <stdlib.h>
#include <string.h>

void trace_call_put_local(struct trace_compile *compile, int64_t bytes)
{
	struct trace_op op = trace_op_of(TRACE_LOCAL);

	op.length = bytes > 0 ? (uint64_t)bytes : 0;
	trace_put(compile, op);
}

bool trace_call_settle(struct trace_compile *compile, const char *why, struct trace_op op)
{
	if (!why) {
		trace_put(compile, op);
		return true;
	}
	trace_order_forget(&compile->order);
	if (why == TRACE_UNEXPLAINED && op.error)
		trace_call_put_local(compile, 0);
	else
		trace_refuse(compile, why, TRACE_RECORD_ALL);
	return false;
}

bool trace_call_number(struct trace_compile *compile, const struct trace_call *call, int at, int64_t *out)
{
	if (trace_scan_number(trace_call_argument(call, at), out) && *out >= -1 && *out <= TRACE_OFFSET_MAX)
		return true;
	trace_refuse(compile, "an argument is not a number, or absurdly large", "record again");
	return false;
}

bool trace_call_result_bytes(struct trace_compile *compile, const struct trace_call *call)
{
	if (call->value >= 0 && call->value <= TRACE_OFFSET_MAX)
		return true;
	trace_refuse(compile, "the result is absurdly large", "record again");
	return false;
}

uint32_t trace_call_note_path(struct trace_compile *compile, struct trace_slice note)
{
	char text[TRACE_PATH_BYTES + 1];
	size_t bytes;
	bool deleted;

	if (!note.bytes || trace_scan_note(note, text, &bytes, &deleted) != TRACE_STRING_WHOLE || deleted)
		return TRACE_NONE;
	return trace_paths_resolve(&compile->paths, 0, text, bytes);
}

uint32_t trace_call_base_path(struct trace_compile *compile, const struct trace_call *call, int dir)
{
	struct trace_cwd *cwd = trace_call_current(compile)->cwd;
	struct trace_slice note = {NULL, 0};
	struct trace_slot *slot;
	int64_t fd = AT_CWD;
	uint32_t path;

	if (dir != HERE && !trace_scan_descriptor(trace_call_argument(call, dir), &fd, &note))
		trace_refuse(compile, "its directory is not a descriptor", "record again");
	path = trace_call_note_path(compile, note);
	if (path == TRACE_NONE && note.bytes && fd == AT_CWD)
		return TRACE_NONE;
	if (path == TRACE_NONE && fd == AT_CWD)
		path = cwd->path;
	else if (fd == AT_CWD)
		cwd->path = path;
	slot = trace_fds_find(trace_call_current(compile)->fds, fd);
	if (path == TRACE_NONE && slot)
		path = slot->file->path;
	if (path == TRACE_NONE && !trace_call_failed(call))
		trace_refuse(compile, "the directory that its path starts from is not known",
			     "record with strace -f -yy, which tells it");
	return path;
}

uint32_t trace_call_path_of(struct trace_compile *compile, const struct trace_call *call, int dir, int at)
{
	char text[TRACE_PATH_BYTES + 1];
	uint32_t base = 0, path;
	size_t bytes;

	switch (trace_scan_string(trace_call_argument(call, at), text, &bytes)) {
	case TRACE_STRING_WHOLE:
		break;
	case TRACE_STRING_CUT:
		trace_refuse(compile, "its path is cut", "record with scripts/record-trace");
		return TRACE_NONE;
	default:
		if (!trace_call_failed(call))
			trace_refuse(compile, "it succeeded, but its path is not readable", "record again");
		return TRACE_NONE;
	}
	if (!bytes && trace_call_failed(call))
		return TRACE_NONE;
	if (!bytes || text[0] != '/')
		base = trace_call_base_path(compile, call, dir);
	if (compile->failed || base == TRACE_NONE)
		return TRACE_NONE;
	path = trace_paths_resolve(&compile->paths, base, text, bytes);
	if (path == TRACE_NONE && !trace_call_failed(call))
		trace_refuse(compile, "its path is longer than 4096 bytes",
			     "record in a folder with a shorter name");
	return path != TRACE_NONE && trace_paths_made_up(&compile->paths, path) ? TRACE_NONE : path;
}

/* ---- descriptors */

struct trace_file *trace_call_file_new(uint32_t path)
{
	struct trace_file *file = calloc(1, sizeof *file);

	SIM_CHECK(file);
	*file = (struct trace_file){.local = true,
				    .handle = TRACE_NONE,
				    .node = TRACE_NONE,
				    .path = path,
				    .resource = TRACE_NONE};
	return file;
}

bool trace_call_close_fd(struct trace_compile *compile, int64_t fd)
{
	struct trace_fds *fds = trace_call_current(compile)->fds;
	struct trace_slot *slot = trace_fds_find(fds, fd);
	struct trace_file *file;

	if (!slot)
		return false;
	file = slot->file;
	trace_fds_remove(fds, (uint32_t)(slot - fds->slot));
	return trace_compile_drop(compile, file);
}

void trace_call_install(struct trace_compile *compile, int64_t fd, struct trace_file *file,
			bool close_on_exec)
{
	file->references++;
	if (fd < 0 || fd > INT32_MAX) {
		trace_refuse(compile, "the result is not a descriptor", "record again");
		trace_compile_drop(compile, file);
		return;
	}
	trace_call_close_fd(compile, fd);
	trace_fds_put(trace_call_current(compile)->fds, (int32_t)fd, file, close_on_exec);
}

bool trace_call_mentions_cloexec(const struct trace_call *call)
{
	for (uint32_t i = 0; i < call->arguments; i++)
		if (trace_slice_has(call->argument[i], "CLOEXEC"))
			return true;
	return false;
}

struct trace_file *trace_call_file_of(struct trace_compile *compile, const struct trace_call *call, int at,
				      struct trace_slice *note)
{
	struct trace_slot *slot;
	int64_t fd;

	if (!trace_scan_descriptor(trace_call_argument(call, at), &fd, note)) {
		trace_refuse(compile, "a descriptor is expected", "record again");
		return NULL;
	}
	slot = trace_fds_find(trace_call_current(compile)->fds, fd);
	return slot ? slot->file : NULL;
}

uint32_t trace_call_pipe_resource(struct trace_compile *compile, struct trace_slice note)
{
	const char *at = note.bytes ? memchr(note.at, '[', note.bytes) : NULL, *arrow;
	int64_t one, other;
	uint32_t resource;

	if (!at || note.at[0] == '/' || note.at[0] == 'a' ||
	    !trace_scan_number((struct trace_slice){at + 1, (size_t)(note.at + note.bytes - at - 1)}, &one))
		return TRACE_NONE;
	arrow = memmem(at, (size_t)(note.at + note.bytes - at), "->", 2);
	if (arrow &&
	    trace_scan_number((struct trace_slice){arrow + 2, (size_t)(note.at + note.bytes - arrow - 2)},
			      &other) &&
	    other < one)
		one = other;
	if (one < 0 || one >= TRACE_OFFSET_MAX)
		return TRACE_NONE;
	resource = trace_map_find(&compile->pipes, (uint64_t)one);
	if (resource != TRACE_NONE)
		return resource;
	resource = trace_order_resource(&compile->order);
	trace_map_put(&compile->pipes, (uint64_t)one, resource);
	return resource;
}

void trace_call_use_local(struct trace_compile *compile, const struct trace_file *file,
			  struct trace_slice note)
{
	uint32_t resource = file && file->resource != TRACE_NONE ? file->resource
								 : trace_call_pipe_resource(compile, note);

	if (resource != TRACE_NONE)
		trace_order_use(&compile->order, resource, TRACE_ALONE);
}

struct trace_op trace_call_op_on(struct trace_compile *compile, enum trace_kind kind,
				 const struct trace_file *file)
{
	struct trace_op op = trace_op_of(kind);

	op.handle = file->handle;
	trace_order_use(&compile->order, file->resource, TRACE_SHARES);
	return op;
}

struct trace_file *trace_call_file_opened(struct trace_compile *compile, uint32_t path, uint32_t node)
{
	struct trace_file *file = trace_call_file_new(path);

	file->local = false;
	file->node = node;
	file->handle = compile->handles++;
	file->resource = trace_order_resource(&compile->order);
	compile->model.node[node].handles++;
	trace_order_use(&compile->order, file->resource, TRACE_ALONE);
	return file;
}

void trace_call_open_local(struct trace_compile *compile, const struct trace_call *call, uint32_t path)
{
	trace_call_put_local(compile, 0);
	if (!trace_call_failed(call))
		trace_call_install(compile, call->value, trace_call_file_new(path),
				   trace_call_mentions_cloexec(call));
}
