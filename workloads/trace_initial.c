#include "workloads/trace_initial.h"
#include "sim/check.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINKS_MAX 40 /* as the system counts before ELOOP */

const char TRACE_UNEXPLAINED[] = "the error has nothing to do with names";
static const char was_absent[] = "it succeeded, but by what was recorded before there is no such file";
static const char was_there[] = "it failed, but by what was recorded before the file is there";
static const char other_kind[] = "what was recorded before says that this is a file of another kind";

struct place {
	uint32_t dir;   /* that holds the last component */
	uint32_t entry; /* TRACE_NONE for the root */
	uint32_t node;  /* TRACE_NONE if absent */
	bool missing;   /* a directory on the way is absent */
	bool followed;  /* a link at the end would have been followed */
	int error;      /* ENOTDIR or ELOOP on the way */
};

static uint32_t node_new(struct trace_model *model, enum trace_model_kind kind,
			 enum trace_model_origin origin)
{
	model->node = trace_grow(model->node, &model->node_room, model->nodes, sizeof *model->node);
	model->node[model->nodes] = (struct trace_model_node){.kind = kind,
							      .origin = origin,
							      .exact = origin == TRACE_MODEL_MADE,
							      .link = TRACE_NONE,
							      .parent = TRACE_NONE,
							      .entry = TRACE_NONE,
							      .data = TRACE_NONE,
							      .list = TRACE_NONE,
							      .lock = TRACE_NONE};
	return model->nodes++;
}

void trace_model_init(struct trace_model *model, struct trace_order *order, struct trace_paths *paths)
{
	int fresh;

	*model = (struct trace_model){.order = order, .paths = paths};
	model->dotdot = trace_strings_intern(&paths->names, paths->arena, "..", 2, &fresh);
	node_new(model, TRACE_MODEL_DIR, TRACE_MODEL_INITIAL);
}

void trace_model_fini(struct trace_model *model)
{
	free(model->node);
	free(model->entry);
	free(model->listing);
	free(model->ahead);
	trace_map_fini(&model->by_name);
	memset(model, 0, sizeof *model);
}

static uint32_t entry_get(struct trace_model *model, uint32_t dir, uint32_t name)
{
	uint64_t key = (uint64_t)dir << 32 | name;
	uint32_t at = trace_map_find(&model->by_name, key), node = TRACE_NONE;

	if (at != TRACE_NONE)
		return at;
	at = model->entries++;
	if (model->node[dir].origin != TRACE_MODEL_MADE) {
		node = node_new(model, TRACE_MODEL_UNKNOWN, TRACE_MODEL_MAYBE);
		model->node[node].parent = dir;
		model->node[node].name = name;
		model->node[node].entry = at;
	}
	model->entry = trace_grow(model->entry, &model->entry_room, at, sizeof *model->entry);
	model->entry[at] =
		(struct trace_model_entry){dir, name, node, trace_order_resource(model->order), false};
	trace_map_put(&model->by_name, key, at);
	return at;
}

static void use_entry(struct trace_model *model, uint32_t entry, enum trace_use_mode mode)
{
	trace_order_use(model->order, model->entry[entry].resource, mode);
}

static void use_of(struct trace_model *model, uint32_t *resource, enum trace_use_mode mode)
{
	if (*resource == TRACE_NONE)
		*resource = trace_order_resource(model->order);
	trace_order_use(model->order, *resource, mode);
}

static void use_data(struct trace_model *model, uint32_t node, enum trace_use_mode mode)
{
	use_of(model, &model->node[node].data, mode);
}

static void push(struct trace_model *model, uint32_t *used, uint32_t path)
{
	for (uint32_t i = model->paths->path[path].count; i--;) {
		model->ahead = trace_grow(model->ahead, &model->ahead_room, *used, sizeof *model->ahead);
		model->ahead[(*used)++] = trace_paths_component(model->paths, path, i);
	}
}

void trace_model_invent_target(struct trace_model *model, uint32_t node)
{
	char text[32];
	int bytes = snprintf(text, sizeof text, "/~target-%u", model->invented++);

	if (model->node[node].link == TRACE_NONE)
		model->node[node].link = trace_paths_link(model->paths, text, (size_t)bytes);
}

static uint32_t parent_dir(const struct trace_model *model, uint32_t dir)
{
	uint32_t entry = model->node[dir].entry;

	return entry == TRACE_NONE ? 0 : model->entry[entry].dir;
}

static struct place walk(struct trace_model *model, uint32_t path, bool follow)
{
	struct place place = {.entry = TRACE_NONE, .followed = follow};
	uint32_t used = 0, links = 0;

	push(model, &used, path);
	while (used) {
		uint32_t name = model->ahead[--used], dir = place.node, node;

		if (name == model->dotdot) {
			place.node = parent_dir(model, dir);
			place.entry = TRACE_NONE;
			continue;
		}
		if (model->node[dir].kind == TRACE_MODEL_FILE) {
			place.error = ENOTDIR;
			return place;
		}
		place.dir = dir;
		place.entry = entry_get(model, dir, name);
		use_entry(model, place.entry, TRACE_SHARES);
		node = model->entry[place.entry].node;
		if (node == TRACE_NONE) {
			place.node = TRACE_NONE;
			place.missing = used > 0;
			return place;
		}
		place.node = node;
		if (model->node[node].kind == TRACE_MODEL_LINK && (used || follow)) {
			if (++links > LINKS_MAX) {
				place.error = ELOOP;
				return place;
			}
			trace_model_invent_target(model, node);
			push(model, &used, model->node[node].link);
			place.node = model->paths->path[model->node[node].link].text[0] == '/' ? 0 : dir;
			place.entry = TRACE_NONE;
		}
	}
	return place;
}

/* Proves a node and the directories above it. */
static void prove(struct trace_model *model, uint32_t node)
{
	while (model->node[node].origin == TRACE_MODEL_MAYBE) {
		model->node[node].origin = TRACE_MODEL_INITIAL;
		node = model->node[node].parent;
		if (model->node[node].kind == TRACE_MODEL_UNKNOWN)
			model->node[node].kind = TRACE_MODEL_DIR;
	}
}

static void prove_dir(struct trace_model *model, uint32_t dir)
{
	prove(model, dir);
	if (model->node[dir].kind == TRACE_MODEL_UNKNOWN)
		model->node[dir].kind = TRACE_MODEL_DIR;
}

static const char *set_kind(struct trace_model *model, uint32_t node, enum trace_model_kind kind)
{
	struct trace_model_node *at = &model->node[node];

	if (kind == TRACE_MODEL_UNKNOWN || at->kind == kind)
		return NULL;
	if (at->kind != TRACE_MODEL_UNKNOWN)
		return other_kind;
	at->kind = kind;
	return NULL;
}

static void disprove(struct trace_model *model, uint32_t entry)
{
	model->node[model->entry[entry].node].origin = TRACE_MODEL_NEVER;
	model->entry[entry].node = TRACE_NONE;
}

static void merge_sizes(struct trace_model *model, uint32_t into, uint32_t from)
{
	struct trace_model_node *a = &model->node[into], *b = &model->node[from];

	if (a->initial_size < b->initial_size)
		a->initial_size = b->initial_size;
	if (a->guess < b->guess)
		a->guess = b->guess;
}

static bool is_below(const struct trace_model *model, uint32_t dir, uint32_t node)
{
	while (dir != node && model->node[dir].entry != TRACE_NONE)
		dir = parent_dir(model, dir);
	return dir == node;
}

/* Puts a symbolic link to the absolute `text` where `node` is, and the node where the text leads. */
static void make_alias(struct trace_model *model, uint32_t node, uint32_t text)
{
	uint32_t entry = model->node[node].entry, link, link_text;
	struct place place = walk(model, text, true);
	struct trace_model_node *at = &model->node[node];
	const struct trace_path *path = &model->paths->path[text];

	if (entry == TRACE_NONE || at->real || at->origin != TRACE_MODEL_INITIAL || place.error ||
	    place.entry == TRACE_NONE || place.node == TRACE_NONE || place.node == node ||
	    model->node[place.node].kind == TRACE_MODEL_LINK || model->entry[entry].node != node ||
	    model->entry[entry].dir != at->parent || is_below(model, place.dir, node))
		return;
	if (model->node[place.node].origin != TRACE_MODEL_MAYBE &&
	    (at->kind == TRACE_MODEL_DIR || at->handles || model->node[place.node].kind == TRACE_MODEL_DIR))
		return;
	link_text = trace_paths_link(model->paths, path->text, strlen(path->text));
	link = node_new(model, TRACE_MODEL_LINK, TRACE_MODEL_INITIAL);
	at = &model->node[node];
	model->node[link].link = link_text;
	model->node[link].parent = at->parent;
	model->node[link].name = at->name;
	model->node[link].entry = entry;
	model->entry[entry].node = link;
	if (model->node[place.node].origin != TRACE_MODEL_MAYBE) {
		merge_sizes(model, place.node, node);
		at->origin = TRACE_MODEL_NEVER;
		return;
	}
	/* The node moves; its own entries come along. */
	disprove(model, place.entry);
	prove_dir(model, place.dir);
	at->parent = place.dir;
	at->name = model->entry[place.entry].name;
	at->entry = place.entry;
	model->entry[place.entry].node = node;
}

/* What was taken for the file itself turns out to be a symbolic link: the file moves to where it leads. */
static void turn_to_link(struct trace_model *model, struct place *place)
{
	char text[32];
	int bytes = snprintf(text, sizeof text, "/~target-%u", model->invented++);

	make_alias(model, place->node, trace_paths_resolve(model->paths, 0, text, (size_t)bytes));
	place->node = model->entry[place->entry].node;
}

/* A link that leads nowhere: what follows links does not find it, what does not, does. */
static void find_dangling(struct trace_model *model, struct place *place)
{
	struct trace_model_entry *entry = &model->entry[place->entry];

	if (!entry->maybe_link)
		return;
	entry->maybe_link = false;
	place->node = node_new(model, TRACE_MODEL_LINK, TRACE_MODEL_INITIAL);
	entry->node = place->node;
	prove_dir(model, entry->dir);
	model->node[place->node].parent = entry->dir;
	model->node[place->node].name = entry->name;
	model->node[place->node].entry = place->entry;
}

static const char *present(struct trace_model *model, struct place *place, enum trace_model_kind kind)
{
	if (kind == TRACE_MODEL_LINK && place->node == TRACE_NONE && !place->error && !place->missing)
		find_dangling(model, place);
	if (place->error || place->node == TRACE_NONE)
		return was_absent;
	prove(model, place->node);
	if (kind == TRACE_MODEL_LINK && place->entry != TRACE_NONE &&
	    (model->node[place->node].kind == TRACE_MODEL_DIR ||
	     model->node[place->node].kind == TRACE_MODEL_FILE))
		turn_to_link(model, place);
	return set_kind(model, place->node, kind);
}

static const char *absent(struct trace_model *model, const struct place *place)
{
	if (place->error)
		return TRACE_UNEXPLAINED;
	if (place->node == TRACE_NONE) {
		model->entry[place->entry].maybe_link &= place->followed || place->missing;
		return NULL;
	}
	if (place->entry == TRACE_NONE || model->node[place->node].origin != TRACE_MODEL_MAYBE)
		return was_there;
	disprove(model, place->entry);
	model->entry[place->entry].maybe_link = place->followed;
	return NULL;
}

/* ENOTDIR: a file stands on the way, or (if the call wants a directory) at the end. */
static const char *not_dir(struct trace_model *model, const struct place *place, bool wants_dir)
{
	if (place->error == ENOTDIR)
		return NULL;
	if (place->error || place->node == TRACE_NONE)
		return TRACE_UNEXPLAINED;
	if (wants_dir && model->node[place->node].kind != TRACE_MODEL_DIR) {
		prove(model, place->node);
		return model->node[place->node].kind == TRACE_MODEL_LINK
			       ? NULL
			       : set_kind(model, place->node, TRACE_MODEL_FILE);
	}
	if (place->entry == TRACE_NONE || model->node[place->dir].kind != TRACE_MODEL_UNKNOWN)
		return TRACE_UNEXPLAINED;
	disprove(model, place->entry);
	prove(model, place->dir);
	model->node[place->dir].kind = TRACE_MODEL_FILE;
	return NULL;
}

static const char *explain(struct trace_model *model, struct place *place, int error, bool wants_dir)
{
	switch (error) {
	case ENOENT:
		return absent(model, place);
	case EEXIST:
		return present(model, place, TRACE_MODEL_UNKNOWN);
	case ENOTDIR:
		return not_dir(model, place, wants_dir);
	case EISDIR:
		return present(model, place, TRACE_MODEL_DIR);
	}
	return TRACE_UNEXPLAINED;
}

static const char *put_entry(struct trace_model *model, const struct place *place, uint32_t node)
{
	if (place->error || place->missing)
		return was_absent;
	if (place->entry == TRACE_NONE)
		return was_there;
	if (place->node != TRACE_NONE) {
		if (model->node[place->node].origin != TRACE_MODEL_MAYBE)
			return was_there;
		disprove(model, place->entry);
	}
	prove_dir(model, place->dir);
	model->entry[place->entry].node = node;
	model->entry[place->entry].maybe_link = false;
	model->node[node].entry = place->entry;
	model->node[place->dir].change++;
	use_entry(model, place->entry, TRACE_ALONE);
	use_of(model, &model->node[place->dir].list, TRACE_ADDS);
	return NULL;
}

static const char *make(struct trace_model *model, const struct place *place, enum trace_model_kind kind,
			uint32_t *node)
{
	*node = node_new(model, kind, TRACE_MODEL_MADE);
	return put_entry(model, place, *node);
}

static void take_entry(struct trace_model *model, const struct place *place)
{
	model->entry[place->entry].node = TRACE_NONE;
	model->node[place->dir].change--;
	use_entry(model, place->entry, TRACE_ALONE);
	use_of(model, &model->node[place->dir].list, TRACE_ADDS);
}

static uint32_t real_path_of(struct trace_model *model, uint32_t node)
{
	uint32_t chain = 0, path = 0;

	for (uint32_t at = node; model->node[at].entry != TRACE_NONE; at = parent_dir(model, at)) {
		model->ahead = trace_grow(model->ahead, &model->ahead_room, chain, sizeof *model->ahead);
		model->ahead[chain++] = model->entry[model->node[at].entry].name;
	}
	while (chain && path != TRACE_NONE)
		path = trace_paths_entry(model->paths, path, model->ahead[--chain]);
	return path;
}

static uint32_t path_prefix(struct trace_model *model, uint32_t path, uint32_t count)
{
	uint32_t prefix = 0;

	for (uint32_t i = 0; i < count && prefix != TRACE_NONE; i++)
		prefix =
			trace_paths_entry(model->paths, prefix, trace_paths_component(model->paths, path, i));
	return prefix;
}

/* The system has shown the path of `node`: neither it nor a directory above it is a link. */
static void set_real(struct trace_model *model, uint32_t node)
{
	for (; !model->node[node].real; node = parent_dir(model, node)) {
		model->node[node].real = true;
		if (model->node[node].entry == TRACE_NONE)
			return;
	}
}

/* How many directories at the end of both paths, before the last component, have the same names; 0 if the
 * directories are the same altogether. */
static uint32_t same_directories(const struct trace_paths *paths, uint32_t found, uint32_t real)
{
	uint32_t m = paths->path[found].count, n = paths->path[real].count, same = 0;

	while (same + 2 <= m && same + 2 <= n &&
	       trace_paths_component(paths, found, m - 2 - same) ==
		       trace_paths_component(paths, real, n - 2 - same))
		same++;
	return m == n && same + 1 == m ? 0 : same;
}

static bool walk_again(struct trace_model *model, uint32_t path, uint32_t *node)
{
	struct place place = walk(model, path, true);

	if (place.error || place.node == TRACE_NONE)
		return false;
	*node = place.node;
	return true;
}

static uint32_t ancestor(const struct trace_model *model, uint32_t node, uint32_t levels)
{
	while (levels--)
		node = parent_dir(model, node);
	return node;
}

/* The system says that the opened path is really at `real`: somewhere on the way is a symbolic link that
 * was there before. /lib/x/a.so at /usr/lib/x/a.so.1 is taken for a link /lib, and then one of a.so,
 * unless /lib is known to be none. */
static void learn_links(struct trace_model *model, uint32_t path, uint32_t real, uint32_t *node)
{
	uint32_t found = real_path_of(model, *node), up = *node, same, target;

	if (found == real)
		set_real(model, *node);
	if (found == real || found == TRACE_NONE || model->node[*node].origin != TRACE_MODEL_INITIAL)
		return;
	for (same = same_directories(model->paths, found, real); same; same--) {
		up = ancestor(model, *node, same);
		if (!model->node[up].real)
			break;
	}
	if (same) {
		target = path_prefix(model, real, model->paths->path[real].count - same);
		if (target != TRACE_NONE)
			make_alias(model, up, target);
		if (!walk_again(model, path, node))
			return;
	}
	if (real_path_of(model, *node) != real) {
		make_alias(model, *node, real);
		if (!walk_again(model, path, node))
			return;
	}
	if (real_path_of(model, *node) == real)
		set_real(model, *node);
}

static const char *open_made(struct trace_model *model, const struct place *place, unsigned flags,
			     uint32_t *node)
{
	const char *why = make(model, place, TRACE_MODEL_FILE, node);

	if (why || (flags & (TRACE_EXCLUSIVE | TRACE_TRUNCATES)) ||
	    model->node[place->dir].origin == TRACE_MODEL_MADE)
		return why;
	model->node[*node].maybe_old = true;
	model->node[*node].parent = place->dir;
	model->node[*node].name = model->entry[place->entry].name;
	return NULL;
}

static const char *open_old(struct trace_model *model, struct place *place, unsigned flags, uint32_t path,
			    uint32_t real, uint32_t *node)
{
	const char *why = present(model, place,
				  flags & TRACE_DIRECTORY ? TRACE_MODEL_DIR
				  : flags & TRACE_WRITES  ? TRACE_MODEL_FILE
							  : TRACE_MODEL_UNKNOWN);

	if (why)
		return why;
	*node = place->node;
	if (real != TRACE_NONE && !(flags & TRACE_NO_FOLLOW))
		learn_links(model, path, real, node);
	return NULL;
}

const char *trace_model_open(struct trace_model *model, uint32_t path, unsigned flags, int error,
			     uint32_t real, uint32_t *node)
{
	bool exclusive = (flags & TRACE_CREATE) && (flags & TRACE_EXCLUSIVE), unknown;
	struct place place = walk(model, path, !exclusive && !(flags & TRACE_NO_FOLLOW));
	const char *why;

	if (error == ELOOP && (flags & TRACE_NO_FOLLOW))
		return present(model, &place, TRACE_MODEL_LINK);
	if (error)
		return explain(model, &place, error, flags & TRACE_DIRECTORY);
	unknown = place.node == TRACE_NONE || model->node[place.node].origin == TRACE_MODEL_MAYBE;
	if (exclusive || ((flags & TRACE_CREATE) && unknown))
		return open_made(model, &place, flags, node);
	why = open_old(model, &place, flags, path, real, node);
	if (!why && (flags & TRACE_TRUNCATES))
		trace_model_truncate(model, *node, 0);
	return why;
}

/* A size that a call has shown; what the recording itself added is taken off. */
static void size_at_least(struct trace_model *model, uint32_t node, uint64_t size)
{
	struct trace_model_node *at = &model->node[node];

	if (at->exact) {
		if (!at->maybe_old || size <= at->size)
			return;
		/* So the open found an old file. */
		at->exact = at->maybe_old = false;
		at->written_end = at->size;
		at->origin = TRACE_MODEL_INITIAL;
		model->node[at->parent].change--;
	}
	if (size > at->written_end && size > at->appended && size - at->appended > at->initial_size)
		at->initial_size = size - at->appended;
}

static const char *learn_stat(struct trace_model *model, uint32_t node, const struct trace_model_stat *stat)
{
	const char *why = set_kind(model, node, stat->kind);

	if (stat->special)
		model->node[node].special = true;
	if (!why && stat->size_known)
		size_at_least(model, node, stat->size);
	use_data(model, node, TRACE_SHARES);
	return why;
}

const char *trace_model_stat(struct trace_model *model, uint32_t path, unsigned flags, int error,
			     const struct trace_model_stat *stat)
{
	struct place place = walk(model, path, !(flags & TRACE_NO_FOLLOW));
	const char *why;

	if (error)
		return explain(model, &place, error, false);
	why = present(model, &place, stat->kind);
	return why ? why : learn_stat(model, place.node, stat);
}

const char *trace_model_setattr(struct trace_model *model, uint32_t path, unsigned flags, int error)
{
	struct place place = walk(model, path, !(flags & TRACE_NO_FOLLOW));
	const char *why;

	if (error)
		return explain(model, &place, error, false);
	why = present(model, &place, TRACE_MODEL_UNKNOWN);
	if (!why)
		trace_model_fsetattr(model, place.node);
	return why;
}

const char *trace_model_unlink(struct trace_model *model, uint32_t path, int error)
{
	struct place place = walk(model, path, false);
	const char *why;

	if (error)
		return explain(model, &place, error, false);
	why = present(model, &place, TRACE_MODEL_UNKNOWN);
	if (why)
		return why;
	if (place.entry == TRACE_NONE || model->node[place.node].kind == TRACE_MODEL_DIR)
		return other_kind;
	if (model->node[place.node].kind == TRACE_MODEL_UNKNOWN)
		model->node[place.node].kind = TRACE_MODEL_FILE;
	take_entry(model, &place);
	return NULL;
}

static void listed(struct trace_model *model, uint32_t dir, int32_t change, uint64_t total)
{
	model->listing =
		trace_grow(model->listing, &model->listing_room, model->listings, sizeof *model->listing);
	model->listing[model->listings++] = (struct trace_model_listing){dir, change, total};
}

static const char *not_empty(struct trace_model *model, struct place *place)
{
	const char *why = present(model, place, TRACE_MODEL_DIR);

	if (why)
		return why;
	listed(model, place->node, model->node[place->node].change, 1);
	use_of(model, &model->node[place->node].list, TRACE_SHARES);
	return NULL;
}

const char *trace_model_rmdir(struct trace_model *model, uint32_t path, int error)
{
	struct place place = walk(model, path, false);
	const char *why;

	if (error == ENOTEMPTY)
		return not_empty(model, &place);
	if (error)
		return explain(model, &place, error, true);
	why = present(model, &place, TRACE_MODEL_DIR);
	if (why)
		return why;
	if (place.entry == TRACE_NONE)
		return other_kind;
	use_of(model, &model->node[place.node].list, TRACE_SHARES);
	take_entry(model, &place);
	return NULL;
}

const char *trace_model_mkdir(struct trace_model *model, uint32_t path, int error)
{
	struct place place = walk(model, path, false);
	uint32_t node;

	return error ? explain(model, &place, error, false) : make(model, &place, TRACE_MODEL_DIR, &node);
}

static const char *rename_failed(struct trace_model *model, struct place *from, struct place *to, int error)
{
	const char *why;

	if (error == ENOENT) {
		/* Either the file or the directory that it should go to; the file unless it is proved. */
		if (from->node != TRACE_NONE && model->node[from->node].origin != TRACE_MODEL_MAYBE)
			return to->missing ? NULL : TRACE_UNEXPLAINED;
		return absent(model, from);
	}
	why = present(model, from, TRACE_MODEL_UNKNOWN);
	if (why)
		return why;
	if (error == ENOTEMPTY || error == EEXIST)
		return not_empty(model, to);
	return explain(model, to, error, false);
}

const char *trace_model_rename(struct trace_model *model, uint32_t path, uint32_t path2, int error)
{
	struct place from = walk(model, path, false), to = walk(model, path2, false);
	const char *why;

	if (error)
		return rename_failed(model, &from, &to, error);
	why = present(model, &from, TRACE_MODEL_UNKNOWN);
	if (why)
		return why;
	if (from.entry == TRACE_NONE)
		return other_kind;
	if (to.node == from.node)
		return NULL;
	if (is_below(model, to.dir, from.node))
		return other_kind;
	if (to.node != TRACE_NONE && !to.error && to.entry != TRACE_NONE &&
	    model->node[to.node].origin != TRACE_MODEL_MAYBE) {
		take_entry(model, &to);
		to.node = TRACE_NONE;
	}
	why = put_entry(model, &to, from.node);
	if (why)
		return why;
	take_entry(model, &from);
	return NULL;
}

const char *trace_model_link(struct trace_model *model, uint32_t path, uint32_t path2, unsigned flags,
			     int error)
{
	struct place from = walk(model, path, !(flags & TRACE_NO_FOLLOW)), to = walk(model, path2, false);
	const char *why;

	if (error == EEXIST)
		return explain(model, &to, error, false);
	if (error)
		return explain(model, &from, error, false);
	why = present(model, &from, TRACE_MODEL_UNKNOWN);
	if (why)
		return why;
	if (model->node[from.node].kind == TRACE_MODEL_DIR)
		return other_kind;
	if (model->node[from.node].kind == TRACE_MODEL_UNKNOWN)
		model->node[from.node].kind = TRACE_MODEL_FILE;
	use_data(model, from.node, TRACE_SHARES);
	return put_entry(model, &to, from.node);
}

const char *trace_model_symlink(struct trace_model *model, uint32_t text, uint32_t path2, int error)
{
	struct place place = walk(model, path2, false);
	const char *why;
	uint32_t node;

	if (error)
		return explain(model, &place, error, false);
	why = make(model, &place, TRACE_MODEL_LINK, &node);
	model->node[node].link = text;
	return why;
}

const char *trace_model_readlink(struct trace_model *model, uint32_t path, uint32_t text, int error)
{
	struct place place = walk(model, path, false);
	const char *why;

	if (error == EINVAL) {
		why = present(model, &place, TRACE_MODEL_UNKNOWN);
		return why ? why : model->node[place.node].kind == TRACE_MODEL_LINK ? other_kind : NULL;
	}
	if (error)
		return explain(model, &place, error, false);
	why = present(model, &place, TRACE_MODEL_LINK);
	if (!why && text != TRACE_NONE && model->node[place.node].link == TRACE_NONE)
		model->node[place.node].link = text;
	return why;
}

uint32_t trace_model_real_path(struct trace_model *model, uint32_t path)
{
	struct place place = walk(model, path, true);
	uint32_t real =
		place.error || place.node == TRACE_NONE ? TRACE_NONE : real_path_of(model, place.node);

	trace_order_forget(model->order);
	return real == TRACE_NONE ? path : real;
}

const char *trace_model_fstat(struct trace_model *model, uint32_t node, const struct trace_model_stat *stat)
{
	return learn_stat(model, node, stat);
}

void trace_model_read(struct trace_model *model, uint32_t node, uint64_t offset, uint64_t length)
{
	if (length)
		size_at_least(model, node, offset + length);
	use_data(model, node, TRACE_SHARES);
}

void trace_model_map(struct trace_model *model, uint32_t node, uint64_t offset, uint64_t length)
{
	if (model->node[node].guess < offset + length)
		model->node[node].guess = offset + length;
	use_data(model, node, TRACE_SHARES);
}

void trace_model_write(struct trace_model *model, uint32_t node, uint64_t offset, uint64_t length,
		       bool append)
{
	struct trace_model_node *at = &model->node[node];

	if (at->exact) {
		uint64_t end = append ? at->size + length : offset + length;

		if (length && end > at->size)
			at->size = end;
	} else if (append) {
		at->appended += length;
	} else if (length && offset + length > at->written_end) {
		at->written_end = offset + length;
	}
	use_data(model, node, TRACE_ALONE);
}

void trace_model_truncate(struct trace_model *model, uint32_t node, uint64_t size)
{
	model->node[node].exact = true;
	model->node[node].maybe_old = false;
	model->node[node].size = size;
	use_data(model, node, TRACE_ALONE);
}

void trace_model_fsetattr(struct trace_model *model, uint32_t node) { use_data(model, node, TRACE_ALONE); }

void trace_model_lock(struct trace_model *model, uint32_t node)
{
	use_of(model, &model->node[node].lock, TRACE_ALONE);
}

const char *trace_model_list(struct trace_model *model, uint32_t node)
{
	use_of(model, &model->node[node].list, TRACE_SHARES);
	return set_kind(model, node, TRACE_MODEL_DIR);
}

void trace_model_listed(struct trace_model *model, uint32_t node, int32_t change, uint64_t total)
{
	listed(model, node, change, total > 2 ? total - 2 : 0);
}

uint64_t trace_model_size(const struct trace_model *model, uint32_t node)
{
	const struct trace_model_node *at = &model->node[node];
	uint64_t size = at->initial_size + at->appended;

	if (at->exact)
		return at->size;
	return size > at->written_end ? size : at->written_end;
}
