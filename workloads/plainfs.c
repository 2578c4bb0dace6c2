#include "workloads/plainfs.h"
#include "sim/check.h"
#include "workloads/trace_memory.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_MAX 40

struct node {
	enum trace_node_kind kind;
	uint32_t target; /* symbolic links: path index of the text */
	uint32_t parent; /* directories: for ".." */
	uint32_t names, opens;
	uint32_t entries; /* directories, made-up ones included */
	uint32_t initial; /* index into the trace's initial[], TRACE_NONE if made since */
	uint64_t size;
	uint64_t kept_bytes;   /* initial bytes that no truncation has cut off */
	struct trace_map page; /* page -> index into pages */
};

struct plainfs {
	const struct trace *trace;
	plainfs_initial *initial;
	void *context;
	struct node *node;
	struct trace_map entry; /* directory << 32 | name -> node; TRACE_NONE once removed */
	uint32_t *handle;       /* -> node */
	uint64_t *listed;       /* handle -> entries of the directory when the listing began */
	uint8_t **pages;
	uint32_t *ahead;
	uint32_t nodes, node_room, pages_used, page_room, ahead_room;
	uint32_t dotdot; /* index of the name "..", TRACE_NONE if there is none */
};

struct place {
	uint32_t dir, name, node;
	int error;
};

static uint32_t node_new(struct plainfs *fs, enum trace_node_kind kind, uint32_t parent)
{
	fs->node = trace_grow(fs->node, &fs->node_room, fs->nodes, sizeof *fs->node);
	fs->node[fs->nodes] = (struct node){.kind = kind, .parent = parent, .initial = TRACE_NONE};
	return fs->nodes++;
}

static uint64_t entry_key(uint32_t dir, uint32_t name) { return (uint64_t)dir << 32 | name; }

static void entry_put(struct plainfs *fs, const struct place *place, uint32_t node)
{
	trace_map_put(&fs->entry, entry_key(place->dir, place->name), node);
	fs->node[place->dir].entries++;
	fs->node[node].names++;
	fs->node[node].parent = place->dir;
}

static void node_release(struct plainfs *fs, uint32_t node)
{
	struct node *at = &fs->node[node];

	if (at->names || at->opens)
		return;
	for (uint32_t i = 0; i < at->page.size; i++)
		if (at->page.keys[i]) {
			free(fs->pages[at->page.values[i]]);
			fs->pages[at->page.values[i]] = NULL;
		}
	trace_map_fini(&at->page);
}

static void entry_remove(struct plainfs *fs, const struct place *place)
{
	trace_map_put(&fs->entry, entry_key(place->dir, place->name), TRACE_NONE);
	fs->node[place->dir].entries--;
	fs->node[place->node].names--;
	node_release(fs, place->node);
}

static void push(struct plainfs *fs, uint32_t *used, uint32_t path)
{
	const struct trace_path *at = &fs->trace->path[path];

	for (uint32_t i = at->count; i--;) {
		fs->ahead = trace_grow(fs->ahead, &fs->ahead_room, *used, sizeof *fs->ahead);
		fs->ahead[(*used)++] = fs->trace->components[at->first + i];
	}
}

/* `node` is TRACE_NONE and error ENOENT if the last component is absent; `name` is TRACE_NONE where the path ends
 * in a directory that has no name there ("/", ".."). */
static struct place walk(struct plainfs *fs, uint32_t path, bool follow)
{
	struct place place = {.name = TRACE_NONE};
	uint32_t used = 0, links = 0;

	push(fs, &used, path);
	while (used) {
		uint32_t name = fs->ahead[--used], dir = place.node, node;

		if (fs->node[dir].kind != TRACE_DIR)
			return (struct place){.name = TRACE_NONE, .node = TRACE_NONE, .error = ENOTDIR};
		if (name == fs->dotdot) {
			place = (struct place){.name = TRACE_NONE, .node = fs->node[dir].parent};
			continue;
		}
		node = trace_map_find(&fs->entry, entry_key(dir, name));
		if (node == TRACE_NONE)
			return (struct place){dir, used ? TRACE_NONE : name, TRACE_NONE, ENOENT};
		place = (struct place){dir, name, node, 0};
		if (fs->node[node].kind == TRACE_SYMLINK_NODE && (used || follow)) {
			uint32_t text = fs->node[node].target;

			if (++links > LINKS_MAX)
				return (struct place){.name = TRACE_NONE, .node = TRACE_NONE, .error = ELOOP};
			push(fs, &used, text);
			place.node = fs->trace->path[text].text[0] == '/' ? 0 : dir;
			place.name = TRACE_NONE;
		}
	}
	return place;
}

static void add_initial(struct plainfs *fs, uint32_t index)
{
	const struct trace_initial *initial = &fs->trace->initial[index];
	struct place place = walk(fs, initial->path, false);
	uint32_t node = place.node;

	if (place.error) {
		SIM_CHECK(place.error == ENOENT && place.name != TRACE_NONE);
		if (initial->same_as != UINT32_MAX)
			node = walk(fs, fs->trace->initial[initial->same_as].path, false).node;
		else
			node = node_new(fs, initial->kind, place.dir);
		entry_put(fs, &place, node);
	}
	fs->node[node].target = initial->target;
	fs->node[node].size = fs->node[node].kept_bytes = initial->size;
	fs->node[node].entries += initial->entries;
	fs->node[node].initial = index;
}

struct plainfs *plainfs_new(const struct trace *trace, plainfs_initial *initial, void *context)
{
	struct plainfs *fs = calloc(1, sizeof *fs);

	SIM_CHECK(fs);
	*fs = (struct plainfs){.trace = trace, .initial = initial, .context = context, .dotdot = TRACE_NONE};
	fs->handle = calloc(trace->handles + 1, sizeof *fs->handle);
	fs->listed = calloc(trace->handles + 1, sizeof *fs->listed);
	SIM_CHECK(fs->handle && fs->listed);
	for (uint32_t i = 0; i < trace->handles; i++)
		fs->handle[i] = TRACE_NONE;
	for (uint32_t i = 0; i < trace->names && fs->dotdot == TRACE_NONE; i++)
		if (!strcmp(trace->name_text[i], ".."))
			fs->dotdot = i;
	node_new(fs, TRACE_DIR, 0);
	fs->node[0].names = 1;
	for (uint32_t i = 0; i < trace->initials; i++)
		add_initial(fs, i);
	return fs;
}

void plainfs_free(struct plainfs *fs)
{
	if (!fs)
		return;
	for (uint32_t i = 0; i < fs->pages_used; i++)
		free(fs->pages[i]);
	for (uint32_t i = 0; i < fs->nodes; i++)
		trace_map_fini(&fs->node[i].page);
	trace_map_fini(&fs->entry);
	free(fs->node);
	free(fs->handle);
	free(fs->listed);
	free(fs->pages);
	free(fs->ahead);
	free(fs);
}

static struct node *opened(const struct plainfs *fs, uint32_t handle)
{
	SIM_CHECK(handle < fs->trace->handles && fs->handle[handle] != TRACE_NONE);
	return &fs->node[fs->handle[handle]];
}

uint64_t plainfs_size(const struct plainfs *fs, uint32_t handle) { return opened(fs, handle)->size; }

static const uint8_t zeros[PLAINFS_PAGE_BYTES];

/* How many bytes of the page are still those of the beginning. */
static size_t kept_of_page(const struct node *node, uint64_t page)
{
	uint64_t start = page * PLAINFS_PAGE_BYTES;

	if (node->kept_bytes <= start)
		return 0;
	return node->kept_bytes - start < PLAINFS_PAGE_BYTES ? (size_t)(node->kept_bytes - start)
							     : PLAINFS_PAGE_BYTES;
}

/* The page's own copy, made if need be. */
static uint8_t *page_own(struct plainfs *fs, struct node *node, uint64_t page)
{
	uint32_t at = trace_map_find(&node->page, page);
	size_t kept = kept_of_page(node, page);
	uint8_t *bytes;

	if (at != TRACE_NONE)
		return fs->pages[at];
	bytes = calloc(1, PLAINFS_PAGE_BYTES);
	SIM_CHECK(bytes);
	if (kept && fs->initial)
		memcpy(bytes, fs->initial(fs->context, node->initial, page), kept);
	fs->pages = trace_grow(fs->pages, &fs->page_room, fs->pages_used, sizeof *fs->pages);
	fs->pages[fs->pages_used] = bytes;
	trace_map_put(&node->page, page, fs->pages_used++);
	return bytes;
}

/* A page that nobody wrote and no truncation cut is as it was in the beginning. */
static const uint8_t *page_read(struct plainfs *fs, struct node *node, uint64_t page)
{
	uint32_t at = trace_map_find(&node->page, page);
	size_t kept = kept_of_page(node, page);
	uint64_t initial_size = node->initial == TRACE_NONE ? 0 : fs->trace->initial[node->initial].size;

	if (at != TRACE_NONE)
		return fs->pages[at];
	if (!kept || !fs->initial)
		return zeros;
	if (kept == PLAINFS_PAGE_BYTES || node->kept_bytes == initial_size)
		return fs->initial(fs->context, node->initial, page);
	return page_own(fs, node, page);
}

const uint8_t *plainfs_page(struct plainfs *fs, uint32_t handle, uint64_t page)
{
	return page_read(fs, opened(fs, handle), page);
}

void plainfs_write(struct plainfs *fs, uint32_t handle, uint64_t offset, const uint8_t *bytes, size_t length)
{
	struct node *node = opened(fs, handle);

	if (length && offset + length > node->size)
		node->size = offset + length;
	while (length) {
		size_t at = (size_t)(offset % PLAINFS_PAGE_BYTES), n = PLAINFS_PAGE_BYTES - at;

		n = n < length ? n : length;
		memcpy(page_own(fs, node, offset / PLAINFS_PAGE_BYTES) + at, bytes, n);
		offset += n;
		bytes += n;
		length -= n;
	}
}

/* What lies behind the new end is zero should the file grow again. */
static void resize(struct plainfs *fs, struct node *node, uint64_t size)
{
	uint64_t first = size / PLAINFS_PAGE_BYTES;

	for (uint32_t i = 0; size < node->size && i < node->page.size; i++) {
		uint64_t page = node->page.keys[i] - 1;
		size_t keep = page == first ? (size_t)(size % PLAINFS_PAGE_BYTES) : 0;

		if (node->page.keys[i] && page >= first)
			memset(fs->pages[node->page.values[i]] + keep, 0, PLAINFS_PAGE_BYTES - keep);
	}
	if (node->kept_bytes > size)
		node->kept_bytes = size;
	node->size = size;
}

static int open_checks(const struct plainfs *fs, const struct place *place, unsigned flags)
{
	const struct node *node = &fs->node[place->node];

	if ((flags & TRACE_CREATE) && (flags & TRACE_EXCLUSIVE))
		return EEXIST;
	if (node->kind == TRACE_SYMLINK_NODE && !(flags & TRACE_DIRECTORY))
		return ELOOP;
	if ((flags & TRACE_DIRECTORY) && node->kind != TRACE_DIR)
		return ENOTDIR;
	if (node->kind == TRACE_DIR && (flags & (TRACE_WRITES | TRACE_CREATE | TRACE_TRUNCATES)))
		return EISDIR;
	return 0;
}

static int do_open(struct plainfs *fs, const struct trace_op *op)
{
	bool exclusive = (op->flags & TRACE_CREATE) && (op->flags & TRACE_EXCLUSIVE);
	struct place place = walk(fs, op->path, !exclusive && !(op->flags & TRACE_NO_FOLLOW));
	int error;

	if (place.error == ENOENT && place.name != TRACE_NONE && (op->flags & TRACE_CREATE)) {
		place.node = node_new(fs, TRACE_FILE, place.dir);
		entry_put(fs, &place, place.node);
	} else if (place.error) {
		return place.error;
	} else {
		error = open_checks(fs, &place, op->flags);
		if (error)
			return error;
		if (op->flags & TRACE_TRUNCATES)
			resize(fs, &fs->node[place.node], 0);
	}
	if (op->handle < fs->trace->handles) {
		fs->handle[op->handle] = place.node;
		fs->node[place.node].opens++;
	}
	return 0;
}

static int do_unlink(struct plainfs *fs, const struct trace_op *op)
{
	struct place place = walk(fs, op->path, false);

	if (place.error)
		return place.error;
	if (fs->node[place.node].kind == TRACE_DIR)
		return EISDIR;
	entry_remove(fs, &place);
	return 0;
}

static int do_rmdir(struct plainfs *fs, const struct trace_op *op)
{
	struct place place = walk(fs, op->path, false);

	if (place.error)
		return place.error;
	if (fs->node[place.node].kind != TRACE_DIR)
		return ENOTDIR;
	if (place.name == TRACE_NONE)
		return EBUSY;
	if (fs->node[place.node].entries)
		return ENOTEMPTY;
	entry_remove(fs, &place);
	return 0;
}

static int do_make(struct plainfs *fs, uint32_t path, enum trace_node_kind kind, uint32_t target)
{
	struct place place = walk(fs, path, false);
	uint32_t node;

	if (!place.error)
		return EEXIST;
	if (place.error != ENOENT || place.name == TRACE_NONE)
		return place.error;
	node = node_new(fs, kind, place.dir);
	fs->node[node].target = target;
	entry_put(fs, &place, node);
	return 0;
}

static bool is_below(const struct plainfs *fs, uint32_t dir, uint32_t node)
{
	while (dir != node && dir)
		dir = fs->node[dir].parent;
	return dir == node;
}

static int rename_checks(const struct plainfs *fs, const struct place *from, const struct place *to)
{
	const struct node *source = &fs->node[from->node], *target = &fs->node[to->node];

	if (from->name == TRACE_NONE || (!to->error && to->name == TRACE_NONE))
		return EBUSY;
	if (source->kind == TRACE_DIR && is_below(fs, to->dir, from->node))
		return EINVAL;
	if (to->error)
		return 0;
	if (source->kind == TRACE_DIR)
		return target->kind != TRACE_DIR ? ENOTDIR : target->entries ? ENOTEMPTY : 0;
	return target->kind == TRACE_DIR ? EISDIR : 0;
}

static int do_rename(struct plainfs *fs, const struct trace_op *op)
{
	struct place from = walk(fs, op->path, false), to = walk(fs, op->path2, false);
	int error;

	if (from.error)
		return from.error;
	if (to.error && (to.error != ENOENT || to.name == TRACE_NONE))
		return to.error;
	if (!to.error && to.node == from.node)
		return 0;
	error = rename_checks(fs, &from, &to);
	if (error)
		return error;
	if (!to.error)
		entry_remove(fs, &to);
	entry_put(fs, &to, from.node);
	entry_remove(fs, &from);
	return 0;
}

static int do_link(struct plainfs *fs, const struct trace_op *op)
{
	struct place from = walk(fs, op->path, !(op->flags & TRACE_NO_FOLLOW)),
		     to = walk(fs, op->path2, false);

	if (from.error)
		return from.error;
	if (!to.error)
		return EEXIST;
	if (to.error != ENOENT || to.name == TRACE_NONE)
		return to.error;
	if (fs->node[from.node].kind == TRACE_DIR)
		return EPERM;
	entry_put(fs, &to, from.node);
	return 0;
}

static void describe(const struct plainfs *fs, const struct node *node, struct plainfs_answer *answer)
{
	answer->is_directory = node->kind == TRACE_DIR;
	answer->size =
		node->kind == TRACE_SYMLINK_NODE ? strlen(fs->trace->path[node->target].text) : node->size;
}

static void do_stat(struct plainfs *fs, const struct trace_op *op, struct plainfs_answer *answer)
{
	struct place place = walk(fs, op->path, !(op->flags & TRACE_NO_FOLLOW));

	answer->error = place.error;
	if (!place.error)
		describe(fs, &fs->node[place.node], answer);
}

static int do_readlink(struct plainfs *fs, const struct trace_op *op)
{
	struct place place = walk(fs, op->path, false);

	if (place.error)
		return place.error;
	return fs->node[place.node].kind == TRACE_SYMLINK_NODE ? 0 : EINVAL;
}

/* The entries are those there were when the listing began at the front, with "." and "..". */
static uint64_t do_list(struct plainfs *fs, const struct trace_op *op)
{
	const struct node *node = opened(fs, op->handle);
	uint64_t total, left;

	if (!op->offset)
		fs->listed[op->handle] = (uint64_t)node->entries + 2;
	total = fs->listed[op->handle];
	left = total > op->offset ? total - op->offset : 0;
	return op->length && op->length < left ? op->length : left;
}

static void do_close(struct plainfs *fs, const struct trace_op *op)
{
	opened(fs, op->handle)->opens--;
	node_release(fs, fs->handle[op->handle]);
	fs->handle[op->handle] = TRACE_NONE;
}

static uint64_t read_length(const struct node *node, const struct trace_op *op)
{
	uint64_t left = node->size > op->offset ? node->size - op->offset : 0;

	return op->length < left ? op->length : left;
}

static void apply_opened(struct plainfs *fs, const struct trace_op *op, struct plainfs_answer *answer)
{
	struct node *node = opened(fs, op->handle);

	switch (op->kind) {
	case TRACE_READ:
		answer->length = read_length(node, op);
		return;
	case TRACE_WRITE:
		if (op->length && op->offset + op->length > node->size)
			node->size = op->offset + op->length;
		return;
	case TRACE_FSTAT:
		describe(fs, node, answer);
		return;
	case TRACE_TRUNCATE:
		resize(fs, node, op->length);
		return;
	case TRACE_LIST:
		answer->error = node->kind == TRACE_DIR ? 0 : ENOTDIR;
		answer->length = answer->error ? 0 : do_list(fs, op);
		return;
	case TRACE_CLOSE:
		do_close(fs, op);
		return;
	}
}

struct plainfs_answer plainfs_apply(struct plainfs *fs, const struct trace_op *op)
{
	struct plainfs_answer answer = {0};

	switch (op->kind) {
	case TRACE_OPEN:
		answer.error = do_open(fs, op);
		break;
	case TRACE_STAT:
	case TRACE_SETATTR:
		do_stat(fs, op, &answer);
		break;
	case TRACE_UNLINK:
		answer.error = do_unlink(fs, op);
		break;
	case TRACE_RMDIR:
		answer.error = do_rmdir(fs, op);
		break;
	case TRACE_MKDIR:
		answer.error = do_make(fs, op->path, TRACE_DIR, TRACE_NONE);
		break;
	case TRACE_RENAME:
		answer.error = do_rename(fs, op);
		break;
	case TRACE_LINK:
		answer.error = do_link(fs, op);
		break;
	case TRACE_SYMLINK:
		answer.error = do_make(fs, op->path2, TRACE_SYMLINK_NODE, op->path);
		break;
	case TRACE_READLINK:
		answer.error = do_readlink(fs, op);
		break;
	case TRACE_READ:
	case TRACE_WRITE:
	case TRACE_FSTAT:
	case TRACE_TRUNCATE:
	case TRACE_FSYNC:
	case TRACE_LIST:
	case TRACE_FSETATTR:
	case TRACE_CLOSE:
		apply_opened(fs, op, &answer);
		break;
	}
	return answer;
}

const char *plainfs_differs(const struct trace_op *op, const struct plainfs_answer *answer)
{
	if (op->error != answer->error)
		return answer->error ? "it fails" : "it does not fail";
	if (op->error)
		return NULL;
	if ((op->kind == TRACE_READ || op->kind == TRACE_LIST) && op->length != answer->length)
		return op->kind == TRACE_READ ? "another number of bytes" : "another number of entries";
	if (op->kind != TRACE_STAT && op->kind != TRACE_FSTAT)
		return NULL;
	if (op->is_directory && !answer->is_directory)
		return "not a directory";
	if (op->size_known && op->length != answer->size)
		return "another size";
	return NULL;
}
