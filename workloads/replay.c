/* workloads/replay.c - groups that replay a recording.
 *
 * Each system call of the recording becomes a call of the file service; its answer is compared with that of a
 * plain file system in memory that executes the same operation, every byte that is read with the plain file
 * system's byte, and both with the recorded result. What a process does next waits for what the recording says
 * came first: TRACE_AFTER, wait, fork. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/check.h"
#include "workloads/run_internal.h"

#define PAGE FLAT_PAGE_BYTES

/* ---- recordings ---- */

static void paths_make(struct run_trace *t)
{
	for (uint32_t i = 0; i < t->trace->paths; i++)
		t->path[i] = (struct flat_path){.name = t->trace->components + t->trace->path[i].first,
						.count = t->trace->path[i].count,
						.id = i};
}

/* Equal recordings have equal files, whoever replays them. A seed of 0 would mean zeros. */
static void seeds_make(struct run_trace *t)
{
	uint64_t pages = 0;
	for (uint32_t i = 0; i < t->trace->initials; i++) {
		t->seed[i] = run_mix(t->trace->digest, i) | 1;
		t->page_first[i] = pages;
		pages += (t->trace->initial[i].size + PAGE - 1) / PAGE;
	}
	t->pages = pages;
}

static void bounds_make(struct run_trace *t)
{
	for (uint32_t p = 0; p < t->trace->processes; p++)
		for (uint32_t i = 0; i < t->trace->process[p].count; i++) {
			const struct trace_op *op = &t->trace->process[p].ops[i];
			const bool bytes = op->kind == TRACE_READ || op->kind == TRACE_WRITE;
			t->uses_pages += bytes ? op->length / PAGE + 3 : 1;
			t->opens +=
				op->kind == TRACE_OPEN || op->kind == TRACE_STAT || op->kind == TRACE_SETATTR;
		}
}

int replay_trace_load(struct run_trace *out, const char *file, struct scenario_error *error)
{
	struct trace_error why;
	*out = (struct run_trace){.file = file};
	if (trace_read(&out->trace, file, &why)) {
		snprintf(error->text, sizeof error->text, "%s", why.text);
		return -1;
	}
	out->path = calloc(out->trace->paths + 1, sizeof *out->path);
	out->seed = calloc(out->trace->initials + 1, sizeof *out->seed);
	out->page_first = calloc(out->trace->initials + 1, sizeof *out->page_first);
	SIM_CHECK(out->path && out->seed && out->page_first);
	paths_make(out);
	seeds_make(out);
	bounds_make(out);
	out->page = calloc(out->pages + 1, sizeof *out->page);
	SIM_CHECK(out->page);
	return 0;
}

void replay_trace_fini(struct run_trace *t)
{
	for (uint64_t i = 0; t->page && i < t->pages; i++)
		free((void *)(uintptr_t)atomic_load_explicit(&t->page[i], memory_order_relaxed));
	trace_free(t->trace);
	free(t->path);
	free(t->seed);
	free(t->page);
	free(t->page_first);
}

/* The bytes from `at` on of a file whose content has this seed. */
static void content_fill(uint64_t seed, uint64_t at, unsigned char *bytes, uint32_t length)
{
	uint32_t i = 0;
	for (; i < length && (at + i) % 8; i++)
		bytes[i] = (uint8_t)(flat_content(seed, (at + i) / 8) >> (at + i) % 8 * 8);
	for (; i + 8 <= length; i += 8) {
		uint64_t word = flat_content(seed, (at + i) / 8);
		memcpy(bytes + i, &word, 8);
	}
	for (; i < length; i++)
		bytes[i] = (uint8_t)(flat_content(seed, (at + i) / 8) >> (at + i) % 8 * 8);
}

/* The plain file systems' own copy of initial content, one for all that began with the same recording. */
static const uint8_t *initial_page(void *context, uint32_t index, uint64_t page)
{
	struct run_trace *t = context;
	const uint64_t size = t->trace->initial[index].size;
	_Atomic(const uint8_t *) *known = &t->page[t->page_first[index] + page];
	const uint8_t *there = atomic_load_explicit(known, memory_order_acquire);
	if (there)
		return there;
	uint8_t *bytes = calloc(1, PAGE);
	SIM_CHECK(bytes);
	content_fill(t->seed[index], page * PAGE, bytes,
		     size - page * PAGE < PAGE ? (uint32_t)(size - page * PAGE) : PAGE);
	/* Two threads may make the same page at the same time; one of them keeps it. */
	if (atomic_compare_exchange_strong_explicit(known, &there, bytes, memory_order_acq_rel,
						    memory_order_acquire))
		return bytes;
	free(bytes);
	return there;
}

static int tree_add(struct run *run, struct run_trace *t, uint32_t tree, uint32_t i)
{
	const struct trace_initial *initial = &t->trace->initial[i];
	const struct flat_path *path = &t->path[initial->path];
	if (initial->same_as != UINT32_MAX)
		return flat_tree_add_link(run->machine, tree, path,
					  &t->path[t->trace->initial[initial->same_as].path]);
	switch (initial->kind) {
	case TRACE_DIR:
		return flat_tree_add_dir(run->machine, tree, path, initial->entries);
	case TRACE_SYMLINK_NODE:
		return flat_tree_add_symlink(run->machine, tree, path, t->trace->path[initial->target].text);
	default:
		return flat_tree_add_file(run->machine, tree, path, initial->size, t->seed[i]);
	}
}

int replay_tree(struct run *run, struct run_trace *t, uint32_t *tree, char *why, size_t why_size)
{
	const struct flat_names names = {.count = t->trace->names, .text = t->trace->name_text};
	*tree = flat_tree_new(run->machine, &names);
	if (*tree == UINT32_MAX) {
		snprintf(why, why_size, "no memory for its files");
		return -1;
	}
	for (uint32_t i = 0; i < t->trace->initials; i++) {
		int error = tree_add(run, t, *tree, i);
		if (error == ENOSPC) {
			snprintf(why, why_size,
				 "its trees hold more files than the service's 16,777,216; lower repeat, "
				 "copies or clusters");
			return -1;
		}
		if (error) {
			snprintf(why, why_size, "%s cannot exist before the recording begins: %s",
				 t->trace->path[t->trace->initial[i].path].text, strerror(error));
			return -1;
		}
	}
	return 0;
}

/* ---- groups ---- */

static void round_begin(struct run_group *g)
{
	struct trace *trace = g->trace->trace;
	g->exited = 0;
	g->plain = plainfs_new(trace, initial_page, g->trace);
	memset(g->handle, 0, (trace->handles + 1) * sizeof *g->handle);
	memset(g->process, 0, trace->processes * sizeof *g->process);
	g->process[0].started = true;
}

void replay_init(struct run *run, struct run_group *g)
{
	struct trace *trace = g->trace->trace;
	g->handle = calloc(trace->handles + 1, sizeof *g->handle);
	g->process = calloc(trace->processes, sizeof *g->process);
	SIM_CHECK(g->handle && g->process);
	round_begin(g);
	run->operations += (uint64_t)trace->ops * g->entry->repeat;
}

void replay_fini(struct run_group *g)
{
	plainfs_free(g->plain);
	free(g->handle);
	free(g->process);
}

const struct flat_path *replay_path(const struct run_group *g, const char *text)
{
	const struct trace *trace = g->trace->trace;
	for (uint32_t i = 0; i < trace->paths; i++)
		if (!strcmp(trace->path[i].text, text))
			return &g->trace->path[i];
	return NULL;
}

static void wake_others(struct run *run, const struct run_group *g)
{
	for (uint32_t p = 0; p < g->trace->trace->processes; p++)
		if (g->process[p].waits)
			flat_client_wake(run->machine, g->cluster, g->first_client + p);
}

/* ---- what comes next ---- */

static const uint8_t op_of_kind[TRACE_KINDS] = {
	[TRACE_OPEN] = FLAT_OPEN,       [TRACE_STAT] = FLAT_STAT,         [TRACE_UNLINK] = FLAT_UNLINK,
	[TRACE_RMDIR] = FLAT_RMDIR,     [TRACE_MKDIR] = FLAT_MKDIR,       [TRACE_RENAME] = FLAT_RENAME,
	[TRACE_LINK] = FLAT_LINK,       [TRACE_SYMLINK] = FLAT_SYMLINK,   [TRACE_READLINK] = FLAT_READLINK,
	[TRACE_SETATTR] = FLAT_SETATTR, [TRACE_READ] = FLAT_READ,         [TRACE_WRITE] = FLAT_WRITE,
	[TRACE_FSTAT] = FLAT_FSTAT,     [TRACE_TRUNCATE] = FLAT_TRUNCATE, [TRACE_FSYNC] = FLAT_FSYNC,
	[TRACE_LIST] = FLAT_LIST,       [TRACE_FSETATTR] = FLAT_SETATTR,  [TRACE_CLOSE] = FLAT_CLOSE,
	[TRACE_LOCAL] = FLAT_LOCAL,     [TRACE_FORK] = FLAT_FORK,         [TRACE_WAIT] = FLAT_WAIT,
	[TRACE_EXIT] = FLAT_EXIT,
};

static bool on_handle(const struct trace_op *op) { return op->kind >= TRACE_READ && op->kind <= TRACE_CLOSE; }

static bool must_wait(const struct run_group *g, const struct trace_op *op)
{
	const struct replay_process *other = &g->process[op->process];
	if (op->kind == TRACE_AFTER)
		return other->next < op->count && !other->exited;
	return op->kind == TRACE_WAIT && !other->exited;
}

static void call_of_op(const struct run_group *g, const struct trace_op *op, struct flat_call *call)
{
	const struct trace *trace = g->trace->trace;
	*call = (struct flat_call){.op = op_of_kind[op->kind],
				   .tree = g->tree,
				   .tag = (void *)(uintptr_t)op,
				   .create = op->flags & TRACE_CREATE,
				   .exclusive = op->flags & TRACE_EXCLUSIVE,
				   .truncate = op->flags & TRACE_TRUNCATES,
				   .writes = op->flags & (TRACE_WRITES | TRACE_TRUNCATES),
				   .directory = op->flags & TRACE_DIRECTORY,
				   .no_follow = op->flags & TRACE_NO_FOLLOW};
	if (op->kind == TRACE_OPEN)
		call->handle = &g->handle[op->handle < trace->handles ? op->handle : trace->handles];
	else if (on_handle(op))
		call->handle = &g->handle[op->handle];
	if (op->kind <= TRACE_SETATTR)
		call->path = g->trace->path[op->path];
	if (op->kind == TRACE_RENAME || op->kind == TRACE_LINK)
		call->path2 = g->trace->path[op->path2];
	if (op->kind == TRACE_SYMLINK) {
		call->path = g->trace->path[op->path2];
		call->target = trace->path[op->path].text;
	}
	if (op->kind == TRACE_READ || op->kind == TRACE_WRITE || op->kind == TRACE_TRUNCATE ||
	    op->kind == TRACE_LOCAL)
		call->offset = op->kind == TRACE_TRUNCATE ? 0 : op->offset, call->length = op->length;
	if (op->kind == TRACE_LIST && op->offset)
		call->op = FLAT_LOCAL; /* the client has the listing already */
}

bool replay_next(struct run *run, struct run_group *g, uint32_t process, struct flat_call *call)
{
	struct replay_process *p = &g->process[process];
	bool moved = false;
	p->waits = false;
	if (!p->started || p->exited || g->killed)
		return false;
	for (;;) {
		const struct trace_op *op = &g->trace->trace->process[process].ops[p->next];
		if (must_wait(g, op)) {
			p->waits = true;
			break;
		}
		if (op->kind != TRACE_AFTER) {
			call_of_op(g, op, call);
			break;
		}
		p->next++;
		run_group_done(g);
		moved = true;
	}
	if (moved)
		wake_others(run, g);
	return !p->waits;
}

/* ---- bytes ---- */

static const struct trace_op *op_of(const struct flat_call *call) { return call->tag; }

/* What a write leaves depends on who writes and on which write it is. */
static uint64_t seed_of_write(const struct run_group *g, const struct trace_op *op)
{
	return run_mix(run_mix(g->cluster, g->number), (uint64_t)g->round << 32 | op->line) | 1;
}

static void place_of(const struct run_group *g, const struct trace_op *op, char *text, size_t size)
{
	snprintf(text, size, "cluster %u, %s, line %u, %s", g->cluster, g->entry->name, op->line,
		 trace_kind_name[op->kind]);
}

void replay_bytes(struct run_group *g, const struct flat_call *call, uint64_t at, unsigned char *bytes,
		  uint32_t length)
{
	const struct trace_op *op = op_of(call);
	char place[160];
	if (call->op == FLAT_WRITE) {
		content_fill(seed_of_write(g, op), at, bytes, length);
		plainfs_write(g->plain, op->handle, at, bytes, length);
		return;
	}
	const uint8_t *plain = plainfs_page(g->plain, op->handle, at / PAGE) + at % PAGE;
	g->tally.content_bytes += length;
	if (!memcmp(plain, bytes, length))
		return;
	uint32_t i = 0;
	while (plain[i] == bytes[i])
		i++;
	place_of(g, op, place, sizeof place);
	run_check_fail(g, CHECK_CONTENTS, "%s: byte %llu is 0x%02x, and 0x%02x in the plain file system",
		       place, (unsigned long long)(at + i), bytes[i], plain[i]);
}

/* ---- answers ---- */

static const char *differs(struct run_group *g, const struct trace_op *op, const struct flat_call *call,
			   const struct flat_result *result, const struct plainfs_answer *plain)
{
	if (result->error != plain->error)
		return strerror(result->error ? result->error : plain->error);
	if (result->error)
		return NULL;
	if (call->op == FLAT_READ && result->value != plain->length)
		return "another number of bytes";
	if ((call->op == FLAT_STAT || call->op == FLAT_FSTAT) && !plain->is_directory &&
	    result->value != plain->size)
		return "another size";
	if (call->op == FLAT_STAT && result->is_directory != plain->is_directory)
		return "another kind of file";
	if (call->op == FLAT_LIST) {
		const struct trace_op all = {.kind = TRACE_LIST, .handle = op->handle};
		if (result->value != plainfs_apply(g->plain, &all).length)
			return "another number of entries";
	}
	return NULL;
}

/* After a revoke an open file refuses every use: that is what is wanted. */
static bool is_refused(struct run_group *g, const struct trace_op *op, const struct flat_result *result)
{
	if (!g->disturbed || result->error != EBADF || !on_handle(op))
		return false;
	run_check_add(g, CHECK_REVOKED, 1);
	return true;
}

static void compare(struct run_group *g, const struct trace_op *op, const struct flat_call *call,
		    const struct flat_result *result)
{
	char place[160];
	if (is_refused(g, op, result))
		return;
	const struct plainfs_answer plain = plainfs_apply(g->plain, op);
	const char *why = differs(g, op, call, result, &plain);
	run_check_add(g, CHECK_CONTENTS, 1);
	if (why) {
		place_of(g, op, place, sizeof place);
		run_check_fail(g, CHECK_CONTENTS, "%s: not as in the plain file system: %s", place, why);
	}
	if (g->disturbed || g->killed)
		return;
	why = plainfs_differs(op, &plain);
	run_check_add(g, CHECK_RESULTS, 1);
	if (why) {
		place_of(g, op, place, sizeof place);
		run_check_fail(g, CHECK_RESULTS, "%s: not as recorded: %s", place, why);
	}
}

/* ---- a call is over ---- */

/* The last process to exit, `process`, is asked for its next call anyway. */
static void round_end(struct run *run, struct run_group *g, uint32_t process)
{
	if (++g->round == g->entry->repeat) {
		run_group_ended(g);
		return; /* the plain file system is still wanted, by replay_final() */
	}
	plainfs_free(g->plain);
	g->plain = NULL;
	if (g->entry->tree == SCENARIO_PRIVATE)
		g->tree++; /* the trees of a group's rounds were made one after the other */
	round_begin(g);
	if (process)
		flat_client_start(run->machine, g->cluster, g->first_client,
				  flat_now(run->machine, g->cluster));
}

static void exit_process(struct run *run, struct run_group *g, uint32_t process)
{
	g->process[process].exited = true;
	if (++g->exited == g->trace->trace->processes)
		round_end(run, g, process);
}

void replay_done(struct run *run, struct run_group *g, uint32_t process, const struct flat_call *call,
		 const struct flat_result *result)
{
	const struct trace_op *op = op_of(call);
	struct replay_process *p = &g->process[process];
	run_group_done(g);
	p->next++;
	if (op->kind <= TRACE_CLOSE)
		compare(g, op, call, result);
	if (g->killed) { /* it was under way when its client was killed */
		if (op->kind == TRACE_OPEN && !result->error)
			flat_delete(run->machine, g->cluster, call->handle);
		return;
	}
	if (op->kind == TRACE_FORK) {
		g->process[op->process].started = true;
		flat_client_start(run->machine, g->cluster, g->first_client + op->process,
				  flat_now(run->machine, g->cluster));
	}
	wake_others(run, g);
	if (op->kind == TRACE_EXIT)
		exit_process(run, g, process);
}

/* The client and its children are gone; what they had open is closed for them. */
void replay_kill(struct run *run, struct run_group *g)
{
	if (g->killed || g->round == g->entry->repeat)
		return;
	g->killed = g->disturbed = true;
	for (uint32_t i = 0; i < g->trace->trace->handles; i++)
		flat_delete(run->machine, g->cluster, &g->handle[i]);
	run_group_ended(g);
}

/* ---- the trees at the end ---- */

static const char *file_differs(struct run *run, struct run_group *g, const struct flat_path *path)
{
	const uint64_t size = plainfs_size(g->plain, 0);
	unsigned char bytes[PAGE];
	uint64_t found;
	if (flat_peek_size(run->machine, g->tree, path, &found))
		return "it is gone";
	if (found != size)
		return "another size";
	for (uint64_t at = 0; at < size; at += PAGE) {
		const size_t length = size - at < PAGE ? (size_t)(size - at) : PAGE;
		if (flat_peek(run->machine, g->tree, path, (uint32_t)(at / PAGE), bytes) ||
		    memcmp(bytes, plainfs_page(g->plain, 0, at / PAGE), length))
			return "other bytes";
	}
	return NULL;
}

/* Every file that a path leads to, every byte, read by somebody or not. */
void replay_final(struct run *run, struct run_group *g)
{
	const struct trace *trace = g->trace->trace;
	for (uint32_t i = 0; trace->handles && i < trace->paths; i++) {
		const struct trace_op open = {.kind = TRACE_OPEN, .path = i},
				      stat = {.kind = TRACE_STAT, .path = i};
		const struct trace_op close = {.kind = TRACE_CLOSE};
		const struct plainfs_answer answer = plainfs_apply(g->plain, &stat);
		if (trace->path[i].text[0] != '/' || answer.error || answer.is_directory ||
		    plainfs_apply(g->plain, &open).error)
			continue;
		const char *why = file_differs(run, g, &g->trace->path[i]);
		run_check_add(g, CHECK_TREES, 1);
		if (why)
			run_check_fail(g, CHECK_TREES, "cluster %u, %s, %s: %s", g->cluster, g->entry->name,
				       trace->path[i].text, why);
		plainfs_apply(g->plain, &close);
	}
}
