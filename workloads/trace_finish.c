/* Closes a compilation: initial state, tables, and one replay in recorded order on a plain file system.
 * The replay settles what depends on sizes that were known only at the end, and catches every recording
 * that the model understood wrongly, so that what is handed out has been executed once with the recorded
 * results. */
#include "sim/check.h"
#include "workloads/plainfs.h"
#include "workloads/trace_compile.h"
#include <stdlib.h>
#include <string.h>

/* Path of each node before the recording, TRACE_NONE where it was not there; false if one is too long. */
static bool initial_paths(struct trace_model *model, uint32_t *path)
{
	path[0] = 0;
	for (uint32_t i = 1; i < model->nodes; i++)
		path[i] = TRACE_NONE;
	for (uint32_t i = 1; i < model->nodes; i++) {
		uint32_t chain = 0;

		if (model->node[i].origin != TRACE_MODEL_INITIAL)
			continue;
		/* A moved directory may come later than its entries: upwards to what is known, and back. */
		for (uint32_t at = i; path[at] == TRACE_NONE; at = model->node[at].parent) {
			model->ahead =
				trace_grow(model->ahead, &model->ahead_room, chain, sizeof *model->ahead);
			model->ahead[chain++] = at;
			if (chain > model->nodes)
				return false;
		}
		while (chain) {
			uint32_t at = model->ahead[--chain];

			path[at] = trace_paths_entry(model->paths, path[model->node[at].parent],
						     model->node[at].name);
			if (path[at] == TRACE_NONE)
				return false;
		}
	}
	return true;
}

/* How many made-up entries each directory needs for its listings. */
static void count_made_up(const struct trace_model *model, uint32_t *named, uint32_t *made_up)
{
	for (uint32_t i = 1; i < model->nodes; i++)
		if (model->node[i].origin == TRACE_MODEL_INITIAL)
			named[model->node[i].parent]++;
	for (uint32_t i = 0; i < model->listings; i++) {
		const struct trace_model_listing *at = &model->listing[i];
		int64_t need = (int64_t)at->total - at->change - named[at->dir];

		if (need > made_up[at->dir])
			made_up[at->dir] = (uint32_t)need;
	}
}

static int compare_initial(const void *left, const void *right, void *paths)
{
	const struct trace_path *path = paths;
	const struct trace_path *a = &path[((const struct trace_initial *)left)->path];
	const struct trace_path *b = &path[((const struct trace_initial *)right)->path];

	if (a->count != b->count)
		return a->count < b->count ? -1 : 1;
	return strcmp(a->text, b->text);
}

static void describe(struct trace_model *model, uint32_t node, struct trace_initial *out)
{
	const struct trace_model_node *at = &model->node[node];

	out->target = out->same_as = TRACE_NONE;
	switch (at->kind) {
	case TRACE_MODEL_DIR:
		out->kind = TRACE_DIR;
		return;
	case TRACE_MODEL_LINK:
		trace_model_invent_target(model, node);
		out->kind = TRACE_SYMLINK_NODE;
		out->target = model->node[node].link;
		return;
	default:
		out->kind = TRACE_FILE;
		out->size = at->initial_size ? at->initial_size : at->exact ? 0 : at->guess;
	}
}

/* The initial state, in the arena; false if a path would be too long. */
static bool move_initial(struct trace_model *model, struct trace_arena *arena, struct trace_initial **out,
			 uint32_t *count)
{
	uint32_t *scratch = calloc((size_t)model->nodes * 3, sizeof *scratch), *path = scratch, n = 0;
	bool good;

	SIM_CHECK(scratch);
	good = initial_paths(model, path);
	if (good) {
		count_made_up(model, scratch + model->nodes, scratch + 2 * (size_t)model->nodes);
		*out = trace_arena_take(arena, model->nodes * sizeof **out);
		for (uint32_t i = 0; i < model->nodes; i++) {
			if (model->node[i].origin != TRACE_MODEL_INITIAL)
				continue;
			(*out)[n].path = path[i];
			(*out)[n].entries = scratch[2 * (size_t)model->nodes + i];
			describe(model, i, &(*out)[n++]);
		}
		qsort_r(*out, n, sizeof **out, compare_initial, model->paths->path);
		*count = n;
	}
	free(scratch);
	return good;
}

static void move_paths(struct trace_compile *compile, struct trace *out)
{
	struct trace_paths *paths = &compile->paths;

	out->paths = paths->paths;
	out->path = trace_arena_take(compile->arena, paths->paths * sizeof *out->path);
	memcpy(out->path, paths->path, paths->paths * sizeof *out->path);
	out->components =
		trace_arena_take(compile->arena, (size_t)paths->components * sizeof *out->components);
	if (paths->components)
		memcpy(out->components, paths->component,
		       (size_t)paths->components * sizeof *out->components);
	out->names = paths->names.count;
	out->name_text = trace_arena_take(compile->arena, paths->names.count * sizeof *out->name_text);
	if (paths->names.count)
		memcpy(out->name_text, paths->names.text, paths->names.count * sizeof *out->name_text);
}

static void move_lists(struct trace_compile *compile, struct trace *out)
{
	out->processes = compile->order.lists;
	out->process = trace_arena_take(compile->arena, out->processes * sizeof *out->process);
	for (uint32_t i = 0; i < out->processes; i++) {
		const struct trace_list *list = &compile->order.list[i];
		struct trace_process *process = &out->process[i];

		process->count = list->count;
		process->parent = list->parent;
		process->ops = trace_arena_take(compile->arena, (size_t)list->count * sizeof *process->ops);
		memcpy(process->ops, list->ops, (size_t)list->count * sizeof *process->ops);
		out->ops += list->count;
	}
}

static void settle_note(const struct plainfs *fs, struct trace_op *op)
{
	uint64_t size;

	if (op->kind == TRACE_AFTER || !op->count)
		return;
	size = plainfs_size(fs, op->handle);
	switch (op->count) {
	case TRACE_NOTE_APPEND:
		op->offset = size;
		break;
	case TRACE_NOTE_CAP:
		if (op->offset > size)
			op->offset = size;
		if (op->length > size - op->offset)
			op->length = size - op->offset;
		break;
	case TRACE_NOTE_EXTEND:
		if (op->length < size)
			op->length = size;
		break;
	}
	op->count = TRACE_NOTE_NONE;
}

static void settle_answer(struct trace_compile *compile, struct trace_op *op,
			  const struct plainfs_answer *answer)
{
	static const char why[] = "its result does not follow from what was recorded before";
	const char *differs = plainfs_differs(op, answer);

	if (!differs)
		return;
	if ((op->kind == TRACE_STAT || op->kind == TRACE_FSTAT) && op->size_known &&
	    op->error == answer->error) {
		/* Somebody outside the recording changed the size, or the system pads it. */
		op->size_known = 0;
		op->length = answer->size;
		if (!plainfs_differs(op, answer))
			return;
	}
	compile->line = op->line;
	compile->call = (struct trace_slice){trace_kind_name[op->kind], strlen(trace_kind_name[op->kind])};
	trace_refuse(compile, why,
		     "record all programs that use these files, from the start, on files that nobody else "
		     "changes");
}

static void replay(struct trace_compile *compile, struct trace *out)
{
	struct plainfs *fs = plainfs_new(out, NULL, NULL);

	for (uint32_t i = 0; i < compile->order.sequences && !compile->failed; i++) {
		struct trace_access at = compile->order.sequence[i];
		struct trace_op *op = &out->process[at.process].ops[at.count];
		struct plainfs_answer answer;

		settle_note(fs, op);
		answer = plainfs_apply(fs, op);
		settle_answer(compile, op, &answer);
	}
	plainfs_free(fs);
}

static bool changes(const struct trace_op *op)
{
	switch (op->kind) {
	case TRACE_OPEN:
		return !op->error && (op->flags & (TRACE_CREATE | TRACE_TRUNCATES));
	case TRACE_UNLINK:
	case TRACE_RMDIR:
	case TRACE_MKDIR:
	case TRACE_RENAME:
	case TRACE_LINK:
	case TRACE_SYMLINK:
	case TRACE_SETATTR:
	case TRACE_FSETATTR:
	case TRACE_WRITE:
	case TRACE_TRUNCATE:
		return !op->error;
	}
	return false;
}

static void count(struct trace *out)
{
	for (uint32_t i = 0; i < out->processes; i++)
		for (uint32_t j = 0; j < out->process[i].count; j++) {
			const struct trace_op *op = &out->process[i].ops[j];

			out->calls += op->kind != TRACE_AFTER;
			out->read_bytes += op->kind == TRACE_READ ? op->length : 0;
			out->write_bytes += op->kind == TRACE_WRITE ? op->length : 0;
			out->writes |= changes(op);
		}
}

void trace_finish(struct trace_compile *compile, struct trace *out)
{
	if (compile->failed)
		return;
	if (!move_initial(&compile->model, compile->arena, &out->initial, &out->initials)) {
		trace_refuse(compile, "a path is longer than 4096 bytes",
			     "record in a folder with a shorter name");
		return;
	}
	move_paths(compile, out);
	move_lists(compile, out);
	out->handles = compile->handles;
	out->command = compile->command;
	replay(compile, out);
	if (!compile->failed)
		count(out);
}
