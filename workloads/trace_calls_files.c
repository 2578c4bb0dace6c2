/* System calls on descriptors, and memory that is mapped from them. */
#include "workloads/trace_calls.h"
#include <string.h>

static uint64_t start_offset(struct trace_compile *compile, const struct trace_file *file, int64_t at)
{
	if (at >= 0)
		return (uint64_t)at;
	return file->offset <= (uint64_t)TRACE_OFFSET_MAX
		       ? file->offset
		       : (trace_refuse(compile, "the offset is absurdly large", "record again"), 0);
}

/* Bytes that go into or come out of an open file; `at` is the offset told, or -1 for the file's own. */
static void transfer(struct trace_compile *compile, struct trace_file *file, bool writes, int64_t at,
		     uint64_t length)
{
	uint64_t offset = start_offset(compile, file, at);
	struct trace_op op = trace_call_op_on(compile, writes ? TRACE_WRITE : TRACE_READ, file);

	op.offset = offset;
	op.length = length;
	if (writes && file->append) {
		op.offset = trace_model_size(&compile->model, file->node);
		op.count = TRACE_NOTE_APPEND;
	}
	if (at < 0)
		file->offset = op.offset + length;
	if (writes)
		trace_model_write(&compile->model, file->node, op.offset, length, file->append);
	else
		trace_model_read(&compile->model, file->node, op.offset, length);
	trace_put(compile, op);
}

/* a: descriptor, b: offset or HERE; flags: TRACE_WRITES */
void trace_call_transfer(struct trace_compile *compile, const struct trace_call *call,
			 const struct trace_rule *rule)
{
	struct trace_slice note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);
	int64_t at = -1;

	if (compile->failed ||
	    (rule->b != HERE && !trace_call_failed(call) && !trace_call_number(compile, call, rule->b, &at)))
		return;
	if (trace_call_failed(call)) {
		trace_call_put_local(compile, 0);
	} else if (!trace_call_result_bytes(compile, call)) {
		return;
	} else if (!file || file->local) {
		trace_call_use_local(compile, file, note);
		trace_call_put_local(compile, call->value);
	} else {
		transfer(compile, file, rule->flags & TRACE_WRITES, at, (uint64_t)call->value);
	}
}

/* The offset that a call got a pointer to, as "[12]" or "[12] => [20]"; -1 for NULL. */
static bool offset_of(struct trace_compile *compile, struct trace_slice slice, int64_t *out)
{
	*out = -1;
	if (!slice.bytes || slice.at[0] != '[')
		return true;
	if (trace_scan_number((struct trace_slice){slice.at + 1, slice.bytes - 1}, out) && *out >= 0 &&
	    *out <= TRACE_OFFSET_MAX)
		return true;
	trace_refuse(compile, "an offset is absurdly large", "record again");
	return false;
}

/* a: from, b: its offset, c: to, d: its offset */
void trace_call_copy(struct trace_compile *compile, const struct trace_call *call,
		     const struct trace_rule *rule)
{
	struct trace_slice from_note, to_note;
	struct trace_file *from = trace_call_file_of(compile, call, rule->a, &from_note);
	struct trace_file *to = compile->failed ? NULL : trace_call_file_of(compile, call, rule->c, &to_note);
	int64_t from_at, to_at;

	if (compile->failed)
		return;
	if (trace_call_failed(call)) {
		trace_call_put_local(compile, 0);
		return;
	}
	if (!trace_call_result_bytes(compile, call) ||
	    !offset_of(compile, trace_call_argument(call, rule->b), &from_at) ||
	    !offset_of(compile, trace_call_argument(call, rule->d), &to_at))
		return;
	if (from && !from->local) {
		transfer(compile, from, false, from_at, (uint64_t)call->value);
	} else {
		trace_call_use_local(compile, from, from_note);
		trace_call_put_local(compile, call->value);
	}
	if (to && !to->local) {
		transfer(compile, to, true, to_at, (uint64_t)call->value);
	} else if (from && !from->local) {
		trace_call_use_local(compile, to, to_note);
		trace_call_put_local(compile, call->value);
	}
}

/* a: descriptor */
void trace_call_lseek(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	struct trace_slice note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);

	if (compile->failed)
		return;
	if (file && !file->local && !trace_call_failed(call)) {
		if (!trace_call_result_bytes(compile, call))
			return;
		file->offset = (uint64_t)call->value;
		if (!call->value)
			file->listed = 0;
	}
	trace_call_put_local(compile, 0);
}

/* The number in the comment that stands for the entries, "0x55d4 [slash]* 5 entries *[slash]". */
static bool entry_count(struct trace_slice slice, int64_t *out)
{
	const char *at = slice.bytes ? memmem(slice.at, slice.bytes, "/* ", 3) : NULL;

	return at && trace_scan_number(
			     (struct trace_slice){at + 3, (size_t)(slice.at + slice.bytes - at) - 3}, out);
}

/* a: descriptor, b: entries */
void trace_call_list(struct trace_compile *compile, const struct trace_call *call,
		     const struct trace_rule *rule)
{
	struct trace_slice note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);
	const char *why;
	struct trace_op op;
	int64_t entries;

	if (compile->failed)
		return;
	if (!file || file->local || trace_call_failed(call)) {
		trace_call_put_local(compile, 0);
		return;
	}
	if (!entry_count(trace_call_argument(call, rule->b), &entries) || entries < 0 ||
	    entries > call->value / 19) {
		trace_refuse(compile, "it does not tell how many entries it returned",
			     "record with scripts/record-trace, or without strace's -v and -e abbrev");
		return;
	}
	op = trace_call_op_on(compile, TRACE_LIST, file);
	op.offset = file->listed;
	op.length = (uint64_t)entries;
	why = trace_model_list(&compile->model, file->node);
	if (!why) {
		if (!file->listed)
			file->list_change = compile->model.node[file->node].change;
		file->listed += op.length;
		trace_model_listed(&compile->model, file->node, file->list_change, file->listed);
	}
	trace_call_settle(compile, why, op);
}

/* a: descriptor; flags: TRACE_FSYNC */
void trace_call_fsync(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	struct trace_slice note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);

	if (compile->failed)
		return;
	if (!file || file->local || trace_call_failed(call))
		trace_call_put_local(compile, 0);
	else
		trace_put(compile, trace_call_op_on(compile, TRACE_FSYNC, file));
}

/* a: descriptor, b: size */
void trace_call_ftruncate(struct trace_compile *compile, const struct trace_call *call,
			  const struct trace_rule *rule)
{
	struct trace_slice note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);
	struct trace_op op;
	int64_t size;

	if (compile->failed || !trace_call_number(compile, call, rule->b, &size))
		return;
	if (!file || file->local || trace_call_failed(call)) {
		trace_call_put_local(compile, 0);
		return;
	}
	op = trace_call_op_on(compile, TRACE_TRUNCATE, file);
	op.length = size > 0 ? (uint64_t)size : 0;
	trace_model_truncate(&compile->model, file->node, op.length);
	trace_put(compile, op);
}

void trace_call_fallocate(struct trace_compile *compile, const struct trace_call *call,
			  const struct trace_rule *rule)
{
	struct trace_slice note, mode = trace_call_argument(call, 1);
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);
	struct trace_op op;
	int64_t offset, bytes;

	if (compile->failed || !trace_call_number(compile, call, 2, &offset) ||
	    !trace_call_number(compile, call, 3, &bytes))
		return;
	if (!file || file->local || trace_call_failed(call) || trace_slice_is(mode, "FALLOC_FL_KEEP_SIZE")) {
		trace_call_put_local(compile, 0);
		return;
	}
	if (!trace_slice_is(mode, "0") || offset < 0 || bytes < 0) {
		trace_refuse(compile, "only fallocate that extends a file can be replayed",
			     "record without it");
		return;
	}
	op = trace_call_op_on(compile, TRACE_TRUNCATE, file);
	op.length = (uint64_t)offset + (uint64_t)bytes;
	op.count = TRACE_NOTE_EXTEND;
	trace_model_write(&compile->model, file->node, op.length, 0, false);
	if (compile->model.node[file->node].exact && compile->model.node[file->node].size < op.length)
		compile->model.node[file->node].size = op.length;
	else if (compile->model.node[file->node].written_end < op.length)
		compile->model.node[file->node].written_end = op.length;
	trace_put(compile, op);
}

static void put_lock(struct trace_compile *compile, const struct trace_file *file)
{
	if (file && !file->local)
		trace_model_lock(&compile->model, file->node);
	trace_call_put_local(compile, 0);
}

void trace_call_flock(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	struct trace_slice note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);

	if (!compile->failed)
		put_lock(compile, file);
}

/* `to` becomes another name of descriptor `from`; one that is not known stays unknown. */
static void duplicate(struct trace_compile *compile, int64_t from, int64_t to, bool close_on_exec)
{
	struct trace_fds *fds = trace_call_current(compile)->fds;
	struct trace_slot *slot = trace_fds_find(fds, from);

	if (from == to)
		return;
	if (slot)
		trace_call_install(compile, to, slot->file, close_on_exec);
	else
		trace_call_close_fd(compile, to);
}

void trace_call_dup(struct trace_compile *compile, const struct trace_call *call,
		    const struct trace_rule *rule)
{
	struct trace_slice note;
	int64_t from;

	trace_call_put_local(compile, 0);
	if (trace_call_failed(call))
		return;
	if (trace_scan_descriptor(trace_call_argument(call, rule->a), &from, &note))
		duplicate(compile, from, call->value, trace_call_mentions_cloexec(call));
}

static void fcntl_flags(struct trace_compile *compile, const struct trace_call *call,
			struct trace_slice command)
{
	struct trace_slot *slot;
	struct trace_slice note;
	int64_t fd;

	if (trace_call_failed(call) || !trace_scan_descriptor(trace_call_argument(call, 0), &fd, &note))
		return;
	slot = trace_fds_find(trace_call_current(compile)->fds, fd);
	if (!slot)
		return;
	if (trace_slice_is(command, "F_SETFD"))
		slot->close_on_exec = trace_scan_flag(trace_call_argument(call, 2), "FD_CLOEXEC");
	else if (trace_slice_is(command, "F_SETFL"))
		slot->file->append = trace_scan_flag(trace_call_argument(call, 2), "O_APPEND");
}

void trace_call_fcntl(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	struct trace_slice command = trace_call_argument(call, 1), note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);

	if (compile->failed)
		return;
	if (trace_slice_starts(command, "F_DUPFD")) {
		trace_call_dup(compile, call, rule);
		return;
	}
	if (trace_slice_starts(command, "F_SETLK") || trace_slice_starts(command, "F_OFD_SETLK")) {
		put_lock(compile, file);
		return;
	}
	fcntl_flags(compile, call, command);
	trace_call_put_local(compile, 0);
}

void trace_call_close(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	struct trace_slice note;
	int64_t fd;

	if (trace_call_failed(call) ||
	    !trace_scan_descriptor(trace_call_argument(call, rule->a), &fd, &note) ||
	    !trace_call_close_fd(compile, fd))
		trace_call_put_local(compile, 0);
}

void trace_call_close_range(struct trace_compile *compile, const struct trace_call *call,
			    const struct trace_rule *rule)
{
	struct trace_fds *fds = trace_call_current(compile)->fds;
	int64_t first, last;

	(void)rule;
	trace_call_put_local(compile, 0);
	if (trace_call_failed(call))
		return;
	if (!trace_scan_number(trace_call_argument(call, 0), &first) ||
	    !trace_scan_number(trace_call_argument(call, 1), &last)) {
		trace_refuse(compile, "a range of descriptors is expected", "record again");
		return;
	}
	for (uint32_t i = fds->count; i--;) {
		if (fds->slot[i].fd < first || fds->slot[i].fd > last)
			continue;
		if (trace_scan_flag(trace_call_argument(call, 2), "CLOSE_RANGE_CLOEXEC"))
			fds->slot[i].close_on_exec = true;
		else
			trace_call_close_fd(compile, fds->slot[i].fd);
	}
}

/* A new descriptor that is no file: a socket, an epoll set, a timer. */
void trace_call_new_local(struct trace_compile *compile, const struct trace_call *call,
			  const struct trace_rule *rule)
{
	(void)rule;
	trace_call_open_local(compile, call, TRACE_NONE);
}

/* Two descriptors, "[3<pipe:[12]>, 4<pipe:[12]>]" in argument a. */
void trace_call_pair(struct trace_compile *compile, const struct trace_call *call,
		     const struct trace_rule *rule)
{
	struct trace_slice text = trace_call_argument(call, rule->a), note;
	uint32_t resource = TRACE_NONE;

	trace_call_put_local(compile, 0);
	/* strace -s 0 writes "[...]": the descriptors are then known by their notes only. */
	if (trace_call_failed(call) || !text.bytes || text.at[0] != '[')
		return;
	for (int i = 0; i < 2; i++) {
		struct trace_file *file;
		const char *comma;
		int64_t fd;

		text = (struct trace_slice){text.at + 1, text.bytes - 1};
		while (text.bytes && text.at[0] == ' ')
			text = (struct trace_slice){text.at + 1, text.bytes - 1};
		if (!trace_scan_descriptor(text, &fd, &note))
			return;
		if (resource == TRACE_NONE)
			resource = trace_call_pipe_resource(compile, note);
		if (resource == TRACE_NONE)
			resource = trace_order_resource(&compile->order);
		file = trace_call_file_new(TRACE_NONE);
		file->resource = resource;
		trace_call_install(compile, fd, file, trace_call_mentions_cloexec(call));
		comma = memchr(text.at, ',', text.bytes);
		if (!comma)
			return;
		text = (struct trace_slice){comma, (size_t)(text.at + text.bytes - comma)};
	}
}

/* a: descriptor: bytes through a socket or a pipe */
void trace_call_message(struct trace_compile *compile, const struct trace_call *call,
			const struct trace_rule *rule)
{
	struct trace_slice note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);

	if (compile->failed)
		return;
	for (uint32_t i = 0; i < call->arguments && !trace_call_failed(call); i++)
		if (trace_slice_has(call->argument[i], "SCM_RIGHTS"))
			trace_refuse(compile, "it passes open files through a socket", "record without it");
	if (compile->failed)
		return;
	if (!trace_call_failed(call))
		trace_call_use_local(compile, file, note);
	trace_call_put_local(compile, call->value);
}

void trace_call_ioctl(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	static const char *const refused[] = {"FICLONE", "FICLONERANGE", "FIDEDUPERANGE"};

	(void)rule;
	for (int i = 0; i < 3; i++)
		if (!trace_call_failed(call) && trace_scan_flag(trace_call_argument(call, 1), refused[i]))
			trace_refuse(compile, "it shares blocks between files",
				     "record without, e.g. cp --reflink=never");
	if (!compile->failed)
		trace_call_put_local(compile, 0);
}

/* ---- memory */

static void refuse_shared(struct trace_compile *compile)
{
	trace_refuse(compile, "a shared mapping that can be written: its stores are no system calls",
		     "record without it, e.g. sqlite with PRAGMA mmap_size=0 and no WAL journal");
}

void trace_call_mmap(struct trace_compile *compile, const struct trace_call *call,
		     const struct trace_rule *rule)
{
	struct trace_slice prot = trace_call_argument(call, 2), flags = trace_call_argument(call, 3), note;
	bool shared = trace_scan_flag(flags, "MAP_SHARED") || trace_scan_flag(flags, "MAP_SHARED_VALIDATE");
	struct trace_maps *maps = trace_call_current(compile)->maps;
	struct trace_file *file;
	int64_t bytes, offset = 0;
	struct trace_op op;

	(void)rule;
	if (trace_call_failed(call) || !trace_call_number(compile, call, 1, &bytes))
		return;
	trace_maps_cut(maps, (uint64_t)call->value, (uint64_t)bytes);
	if (trace_scan_flag(flags, "MAP_ANONYMOUS") || trace_scan_flag(flags, "MAP_ANON"))
		return;
	file = trace_call_file_of(compile, call, 4, &note);
	if (compile->failed || !trace_call_number(compile, call, 5, &offset))
		return;
	if (!file || file->local) {
		uint32_t path = file ? TRACE_NONE : trace_call_note_path(compile, note);

		if (shared && trace_scan_flag(prot, "PROT_WRITE") && path != TRACE_NONE &&
		    !trace_paths_made_up(&compile->paths, path))
			refuse_shared(compile);
		else
			trace_call_put_local(compile, 0);
		return;
	}
	if (shared && trace_scan_flag(prot, "PROT_WRITE")) {
		refuse_shared(compile);
		return;
	}
	if (shared && file->writable)
		trace_maps_add(maps, (uint64_t)call->value, (uint64_t)bytes);
	op = trace_call_op_on(compile, TRACE_READ, file);
	op.offset = offset > 0 ? (uint64_t)offset : 0;
	op.length = bytes > 0 ? (uint64_t)bytes : 0;
	op.count = TRACE_NOTE_CAP;
	trace_model_map(&compile->model, file->node, op.offset, op.length);
	op.length = op.length < TRACE_MAPPED_BYTES ? op.length : TRACE_MAPPED_BYTES;
	trace_put(compile, op);
}

void trace_call_mprotect(struct trace_compile *compile, const struct trace_call *call,
			 const struct trace_rule *rule)
{
	int64_t start, bytes;

	(void)rule;
	if (trace_call_failed(call) || !trace_scan_number(trace_call_argument(call, 0), &start) ||
	    !trace_call_number(compile, call, 1, &bytes))
		return;
	if (trace_scan_flag(trace_call_argument(call, 2), "PROT_WRITE") &&
	    trace_maps_meet(trace_call_current(compile)->maps, (uint64_t)start, (uint64_t)bytes))
		refuse_shared(compile);
}

void trace_call_munmap(struct trace_compile *compile, const struct trace_call *call,
		       const struct trace_rule *rule)
{
	int64_t start, bytes;

	(void)rule;
	if (!trace_call_failed(call) && trace_scan_number(trace_call_argument(call, 0), &start) &&
	    trace_call_number(compile, call, 1, &bytes))
		trace_maps_cut(trace_call_current(compile)->maps, (uint64_t)start, (uint64_t)bytes);
}
