#include "workloads/trace_compile.h"
#include "sim/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void trace_refuse(struct trace_compile *compile, const char *why, const char *remedy)
{
	struct trace_slice call = compile->call;

	if (compile->failed)
		return;
	compile->failed = true;
	if (call.bytes)
		snprintf(compile->error->text, sizeof compile->error->text, "%s:%u: %.*s: %s; %s",
			 compile->file, compile->line, (int)(call.bytes < 40 ? call.bytes : 40), call.at, why,
			 remedy);
	else
		snprintf(compile->error->text, sizeof compile->error->text, "%s:%u: %s; %s", compile->file,
			 compile->line, why, remedy);
}

struct trace_op trace_op_of(enum trace_kind kind)
{
	return (struct trace_op){.kind = (uint8_t)kind,
				 .handle = TRACE_NONE,
				 .path = TRACE_NONE,
				 .path2 = TRACE_NONE,
				 .process = TRACE_NONE};
}

void trace_put(struct trace_compile *compile, struct trace_op op)
{
	op.line = compile->line;
	trace_order_put(&compile->order, compile->current, &op);
}

uint32_t trace_compile_process(const struct trace_compile *compile, uint64_t pid)
{
	return trace_map_find(&compile->by_pid, pid);
}

bool trace_compile_drop(struct trace_compile *compile, struct trace_file *file)
{
	struct trace_op op = trace_op_of(TRACE_CLOSE);
	bool local = file->local;

	if (--file->references)
		return false;
	if (!local) {
		op.handle = file->handle;
		compile->model.node[file->node].handles--;
		trace_order_use(&compile->order, file->resource, TRACE_ALONE);
		trace_put(compile, op);
	}
	free(file);
	return !local;
}

static uint32_t add_process(struct trace_compile *compile, uint64_t pid, uint32_t parent)
{
	struct trace_proc *proc;

	compile->proc = trace_grow(compile->proc, &compile->proc_room, compile->procs, sizeof *compile->proc);
	proc = &compile->proc[compile->procs++];
	*proc = (struct trace_proc){.pid = pid};
	trace_map_put(&compile->by_pid, pid, compile->procs - 1);
	return trace_order_process(&compile->order, parent);
}

static void start_first(struct trace_compile *compile, uint64_t pid)
{
	uint32_t first = add_process(compile, pid, UINT32_MAX);
	struct trace_proc *proc = &compile->proc[first];

	proc->fds = trace_fds_new();
	proc->cwd = trace_cwd_new(compile->first_cwd);
	proc->maps = trace_maps_new();
}

void trace_compile_fork(struct trace_compile *compile, uint64_t pid, struct trace_slice arguments)
{
	struct trace_op op = trace_op_of(TRACE_FORK);
	uint32_t old = trace_compile_process(compile, pid), child;
	struct trace_proc *parent, *proc;

	if (old != TRACE_NONE && !compile->proc[old].ended) {
		trace_refuse(compile, "the new process has the number of one that still runs",
			     "record again from the start with strace -f");
		return;
	}
	child = add_process(compile, pid, compile->current);
	parent = &compile->proc[compile->current];
	proc = &compile->proc[child];
	*proc = (struct trace_proc){.pid = pid, .fds = parent->fds, .cwd = parent->cwd, .maps = parent->maps};
	if (trace_scan_flag(arguments, "CLONE_FILES"))
		proc->fds->references++;
	else
		proc->fds = trace_fds_copy(parent->fds);
	if (trace_scan_flag(arguments, "CLONE_FS"))
		proc->cwd->references++;
	else
		proc->cwd = trace_cwd_new(parent->cwd->path);
	if (trace_scan_flag(arguments, "CLONE_VM") || trace_slice_is(compile->call, "vfork"))
		proc->maps->references++;
	else
		proc->maps = trace_maps_copy(parent->maps);
	op.process = child;
	trace_put(compile, op);
}

void trace_compile_end(struct trace_compile *compile, uint32_t process)
{
	struct trace_proc *proc = &compile->proc[process];
	uint32_t current = compile->current;

	if (proc->ended)
		return;
	compile->current = process;
	if (!--proc->fds->references) {
		for (uint32_t i = 0; i < proc->fds->count; i++)
			trace_compile_drop(compile, proc->fds->slot[i].file);
		trace_fds_free(proc->fds);
	}
	trace_cwd_drop(proc->cwd);
	trace_maps_drop(proc->maps);
	trace_put(compile, trace_op_of(TRACE_EXIT));
	proc->ended = true;
	compile->current = current;
}

static bool next_line(struct trace_slice *text, struct trace_slice *line)
{
	const char *end;

	if (!text->bytes)
		return false;
	end = memchr(text->at, '\n', text->bytes);
	*line = (struct trace_slice){text->at, end ? (size_t)(end - text->at) : text->bytes};
	text->at += line->bytes + (end != NULL);
	text->bytes -= line->bytes + (end != NULL);
	return true;
}

/* The number behind the last " = " of a line. */
static uint64_t result_pid(struct trace_slice rest)
{
	int64_t pid;

	for (size_t i = rest.bytes; i-- > 2;)
		if (rest.at[i - 1] == '=' && rest.at[i] == ' ')
			return trace_scan_number((struct trace_slice){rest.at + i + 1, rest.bytes - i - 1},
						 &pid) &&
					       pid > 0
				       ? (uint64_t)pid
				       : 0;
	return 0;
}

/* The directory of the first process, from its first call relative to it. */
static void find_first_cwd(struct trace_compile *compile, struct trace_slice text, bool *looking)
{
	static const char mark[] = "AT_FDCWD</";
	const char *at = memmem(text.at, text.bytes, mark, sizeof mark - 1);
	char path[TRACE_PATH_BYTES + 1];
	struct trace_slice note;
	size_t bytes;
	int64_t fd;
	bool deleted;

	if (trace_slice_has(text, "chdir("))
		*looking = false;
	if (!at || !*looking)
		return;
	*looking = false;
	if (trace_scan_descriptor((struct trace_slice){at, (size_t)(text.at + text.bytes - at)}, &fd,
				  &note) &&
	    trace_scan_note(note, path, &bytes, &deleted) == TRACE_STRING_WHOLE && !deleted)
		compile->first_cwd = trace_paths_resolve(&compile->paths, 0, path, bytes);
}

/* A child's first line may come before the end of the call that made it, so the calls are read ahead. */
static void find_starts(struct trace_compile *compile, struct trace_slice text)
{
	struct trace_map open = {0};
	struct trace_slice one;
	struct trace_line line;
	uint64_t first = UINT64_MAX;
	bool looking = true;

	for (uint32_t number = 1; next_line(&text, &one); number++) {
		uint64_t pid;

		if (trace_scan_line(one, &line) || line.kind == TRACE_LINE_NOISE)
			continue;
		first = first == UINT64_MAX ? line.pid : first;
		if (looking && line.pid == first)
			find_first_cwd(compile, one, &looking);
		if (!trace_calls_forks(line.name))
			continue;
		pid = line.kind == TRACE_LINE_UNFINISHED ? 0 : result_pid(line.rest);
		if (line.kind == TRACE_LINE_RESUMED) {
			uint32_t at = trace_map_find(&open, line.pid);

			if (at != TRACE_NONE)
				compile->start[at].pid = pid;
			continue;
		}
		compile->start = trace_grow(compile->start, &compile->start_room, compile->starts,
					    sizeof *compile->start);
		compile->start[compile->starts] = (struct trace_start){number, pid};
		trace_map_put(&open, line.pid, compile->starts++);
	}
	trace_map_fini(&open);
}

static uint64_t started_here(struct trace_compile *compile)
{
	while (compile->start_next < compile->starts &&
	       compile->start[compile->start_next].line < compile->line)
		compile->start_next++;
	if (compile->start_next == compile->starts ||
	    compile->start[compile->start_next].line != compile->line)
		return 0;
	return compile->start[compile->start_next].pid;
}

static void do_call(struct trace_compile *compile, struct trace_slice name, struct trace_slice rest)
{
	struct trace_call call;
	const char *why = trace_scan_call(name, rest, &call);

	compile->call = name;
	if (why)
		trace_refuse(compile, why, "record again, and let the program end before the file is copied");
	else
		trace_calls_do(compile, &call);
}

static void do_resumed(struct trace_compile *compile, const struct trace_line *line)
{
	struct trace_proc *proc = &compile->proc[compile->current];
	struct trace_slice name = proc->pending;
	size_t head = proc->pending_rest.bytes, bytes = head + line->rest.bytes;

	if (!name.bytes && compile->superseded && trace_slice_is(line->name, "execve")) {
		compile->superseded = false;
		return;
	}
	if (name.bytes != line->name.bytes || memcmp(name.at, line->name.at, name.bytes)) {
		trace_refuse(compile, "it is resumed, but was not started", "record again from the start");
		return;
	}
	proc->pending.bytes = 0;
	if (proc->forked)
		return;
	if (compile->joined_room < bytes) {
		free(compile->joined);
		compile->joined_room = bytes * 2;
		compile->joined = malloc(compile->joined_room);
		SIM_CHECK(compile->joined);
	}
	memcpy(compile->joined, proc->pending_rest.at, head);
	memcpy(compile->joined + head, line->rest.at, line->rest.bytes);
	do_call(compile, name, (struct trace_slice){compile->joined, bytes});
}

static void do_unfinished(struct trace_compile *compile, const struct trace_line *line)
{
	struct trace_proc *proc = &compile->proc[compile->current];

	proc->pending = line->name;
	proc->pending_rest = line->rest;
	proc->forked = false;
	if (trace_slice_is(line->name, "exit_group") || trace_slice_is(line->name, "exit")) {
		trace_compile_end(compile, compile->current);
	} else if (trace_calls_forks(line->name)) {
		uint64_t pid = started_here(compile);

		proc->forked = pid > 0;
		if (pid)
			trace_compile_fork(compile, pid, line->rest);
	}
}

static void do_fork(struct trace_compile *compile, const struct trace_line *line)
{
	uint64_t pid = started_here(compile);

	if (pid)
		trace_compile_fork(compile, pid, line->rest);
	else
		do_call(compile, line->name, line->rest);
}

/* False if the line is of no process that is known and running. */
static bool find_process(struct trace_compile *compile, const struct trace_line *line)
{
	compile->current = trace_compile_process(compile, line->pid);
	if (!compile->procs) {
		start_first(compile, line->pid);
		compile->current = 0;
	}
	if (compile->current == TRACE_NONE) {
		trace_refuse(compile, "nothing before this line started the process",
			     "record with strace -f from the start of the program, not with -p");
		return false;
	}
	if (!compile->proc[compile->current].ended)
		return true;
	if (line->kind == TRACE_LINE_CALL || line->kind == TRACE_LINE_UNFINISHED)
		trace_refuse(compile, "the process has ended before this line", "record again");
	return false;
}

static void do_line(struct trace_compile *compile, const struct trace_line *line)
{
	struct trace_proc *proc;

	if (!find_process(compile, line))
		return;
	proc = &compile->proc[compile->current];
	if (proc->pending.bytes && (line->kind == TRACE_LINE_CALL || line->kind == TRACE_LINE_UNFINISHED)) {
		trace_refuse(compile, "the process's call before it was not resumed", "record again");
		return;
	}
	switch (line->kind) {
	case TRACE_LINE_CALL:
		if (trace_calls_forks(line->name))
			do_fork(compile, line);
		else
			do_call(compile, line->name, line->rest);
		break;
	case TRACE_LINE_UNFINISHED:
		do_unfinished(compile, line);
		break;
	case TRACE_LINE_RESUMED:
		do_resumed(compile, line);
		break;
	case TRACE_LINE_SUPERSEDED:
		compile->superseded = true;
		trace_compile_end(compile, compile->current);
		break;
	case TRACE_LINE_EXITED:
		trace_compile_end(compile, compile->current);
		break;
	case TRACE_LINE_NOISE:
		break;
	}
}

static void do_header(struct trace_compile *compile, struct trace_slice text)
{
	static const char format[] = "# skerry-trace ",
			  command[] = "# command: ", directory[] = "# directory: ";
	struct trace_slice value;
	int64_t version;

	if (trace_slice_starts(text, format)) {
		value = (struct trace_slice){text.at + sizeof format - 1, text.bytes - (sizeof format - 1)};
		if (!trace_scan_number(value, &version) || version != 1)
			trace_refuse(compile, "this version of the format is not known, only 1 is",
				     "record again with the scripts/record-trace of this version");
	} else if (trace_slice_starts(text, command) && !compile->command) {
		compile->command = trace_arena_copy(compile->arena, text.at + sizeof command - 1,
						    text.bytes - (sizeof command - 1));
	} else if (trace_slice_starts(text, directory) && !compile->procs) {
		compile->first_cwd = trace_paths_resolve(&compile->paths, 0, text.at + sizeof directory - 1,
							 text.bytes - (sizeof directory - 1));
	}
}

void trace_compile_text(struct trace_compile *compile, struct trace_slice text)
{
	bool whole = text.bytes && text.at[text.bytes - 1] == '\n';
	struct trace_slice one, all = text;
	struct trace_line line;

	find_starts(compile, text);
	while (!compile->failed && next_line(&all, &one)) {
		const char *why = trace_scan_line(one, &line);

		compile->line++;
		compile->call = line.name;
		if (why || (!all.bytes && !whole)) {
			compile->call.bytes = 0;
			trace_refuse(
				compile, why ? why : "the last line is cut off",
				why ? "a recording is made with scripts/record-trace or strace -f -yy -o FILE"
				    : "record again, and let the program end before the file is copied");
		} else if (one.bytes && one.at[0] == '#') {
			do_header(compile, one);
		} else if (line.kind != TRACE_LINE_NOISE) {
			do_line(compile, &line);
		}
	}
	compile->call.bytes = 0;
	compile->line += !compile->line;
	if (!compile->procs)
		trace_refuse(compile, "there is no system call in it",
			     "a recording is made with scripts/record-trace or strace -f -yy -o FILE");
	for (uint32_t i = compile->procs; i--;)
		trace_compile_end(compile, i);
}
