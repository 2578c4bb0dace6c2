#include "ssi/names.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SYMLINKS_MAX 40

/* Makes room for one more element. Returns 0 or ENOMEM. */
static int room(void **array, uint32_t count, uint32_t *have, size_t size)
{
	if (count < *have)
		return 0;
	uint32_t more = *have ? *have * 2 : 64;
	void *bigger = realloc(*array, (size_t)more * size);
	if (!bigger)
		return ENOMEM;
	*array = bigger;
	*have = more;
	return 0;
}

int names_init(struct names *names)
{
	*names = (struct names){.entry_free = NAMES_NONE};
	return ssi_table_init(&names->find, 64);
}

void names_fini(struct names *names)
{
	for (uint32_t i = 0; i < names->trees; i++)
		ssi_table_fini(&names->tree[i].by_text);
	ssi_table_fini(&names->find);
	free(names->node);
	free(names->entry);
	free(names->tree);
	free(names->target);
	*names = (struct names){0};
}

static uint64_t text_hash(const char *text, size_t length)
{
	uint64_t h = 0xcbf29ce484222325u;
	for (size_t i = 0; i < length; i++)
		h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
	return h | 1;
}

static uint64_t entry_key(uint32_t dir, uint32_t name) { return (uint64_t)(dir + 1) << 32 | name; }

static uint32_t node_new(struct names *names, uint32_t tree, enum names_kind kind)
{
	if (names->nodes == NAMES_FILES_MAX ||
	    room((void **)&names->node, names->nodes, &names->nodes_room, sizeof *names->node))
		return NAMES_NONE;
	names->node[names->nodes] = (struct names_node){.kind = kind, .tree = tree};
	return names->nodes++;
}

uint32_t names_tree_new(struct names *names, const struct flat_names *texts)
{
	if (room((void **)&names->tree, names->trees, &names->trees_room, sizeof *names->tree))
		return NAMES_NONE;
	struct names_tree *tree = &names->tree[names->trees];
	*tree = (struct names_tree){.names = *texts, .root = node_new(names, names->trees, NAMES_DIR)};
	if (tree->root == NAMES_NONE)
		return NAMES_NONE;
	names->node[tree->root].links = 1;
	return names->trees++;
}

/* The number of a name in a tree, or NAMES_NONE. Only symbolic links need it, so the table is made on demand; equal
 * hashes of different texts are compared. */
static uint32_t name_of_text(struct names_tree *tree, const char *text, size_t length)
{
	if (!tree->by_text.mask) {
		if (ssi_table_init(&tree->by_text, tree->names.count + 1))
			return NAMES_NONE;
		for (uint32_t i = 0; i < tree->names.count; i++)
			ssi_table_put(&tree->by_text,
				      text_hash(tree->names.text[i], strlen(tree->names.text[i])), i);
	}
	uint64_t found = ssi_table_find(&tree->by_text, text_hash(text, length));
	if (found == SSI_TABLE_NONE || strncmp(tree->names.text[found], text, length) ||
	    tree->names.text[found][length])
		return NAMES_NONE;
	return (uint32_t)found;
}

/* ---- walking ---- */

struct walk {
	const struct names *names;
	uint32_t tree, links;
	struct names_place place;
};

static uint32_t entry_find(const struct names *names, uint32_t dir, uint32_t name)
{
	uint64_t found = ssi_table_find(&names->find, entry_key(dir, name));
	return found == SSI_TABLE_NONE ? NAMES_NONE : (uint32_t)found;
}

static void walk_to_root(struct walk *w)
{
	uint32_t root = w->names->tree[w->tree].root;
	w->place = (struct names_place){.dir = root,
					.name = NAMES_NONE,
					.dir_entry = NAMES_NONE,
					.entry = NAMES_NONE,
					.node = root,
					.followed = w->place.followed};
}

/* Components with these numbers stand for "." and ".." in the texts of symbolic links. */
#define NAME_DOT     (UINT32_MAX - 1)
#define NAME_DOT_DOT (UINT32_MAX - 2)

static int walk_components(struct walk *w, const uint32_t *name, uint32_t count, bool follow_last);

static int walk_link(struct walk *w, const struct names_node *link)
{
	if (++w->links > SYMLINKS_MAX)
		return ELOOP;
	struct names_place at = w->place;
	w->place.followed = true;
	if (link->target_absolute) {
		walk_to_root(w);
	} else { /* relative to the directory that holds the link */
		w->place.node = at.dir;
		w->place.entry = at.dir_entry;
	}
	if (!link->target_count)
		return 0; /* the link to the root */
	return walk_components(w, &w->names->target[link->target], link->target_count, true);
}

static void walk_up(struct walk *w)
{
	uint32_t entry = w->place.entry;
	if (entry == NAMES_NONE)
		return; /* the root is its own parent */
	const struct names_entry *e = &w->names->entry[entry];
	w->place.node = e->dir;
	w->place.entry = e->up;
}

static int walk_one(struct walk *w, uint32_t name, bool last, bool follow)
{
	const struct names *names = w->names;
	if (w->place.node == NAMES_NONE)
		return ENOENT;
	if (names->node[w->place.node].kind != NAMES_DIR)
		return ENOTDIR;
	if (name == NAME_DOT)
		return 0;
	if (name == NAME_DOT_DOT) {
		walk_up(w);
		return 0;
	}
	w->place.dir = w->place.node;
	w->place.dir_entry = w->place.entry;
	w->place.name = name;
	w->place.entry = entry_find(names, w->place.dir, name);
	w->place.node = w->place.entry == NAMES_NONE ? NAMES_NONE : names->entry[w->place.entry].node;
	if (w->place.node == NAMES_NONE)
		return last ? 0 : ENOENT;
	const struct names_node *node = &names->node[w->place.node];
	return node->kind == NAMES_SYMLINK && (!last || follow) ? walk_link(w, node) : 0;
}

static int walk_components(struct walk *w, const uint32_t *name, uint32_t count, bool follow_last)
{
	for (uint32_t i = 0; i < count; i++) {
		int error = walk_one(w, name[i], i + 1 == count, follow_last);
		if (error)
			return error;
	}
	return 0;
}

int names_walk(const struct names *names, uint32_t tree, const struct flat_path *path, bool follow_last,
	       struct names_place *out)
{
	struct walk w = {.names = names, .tree = tree};
	walk_to_root(&w);
	int error = walk_components(&w, path->name, path->count, follow_last);
	*out = w.place;
	return error;
}

/* ---- making names ---- */

static int entry_new(struct names *names, const struct names_place *at, uint32_t node)
{
	uint32_t entry = names->entry_free;
	if (at->name == NAMES_NONE || at->entry != NAMES_NONE)
		return EEXIST;
	if (entry == NAMES_NONE) {
		if (room((void **)&names->entry, names->entries, &names->entries_room, sizeof *names->entry))
			return ENOMEM;
		entry = names->entries++;
	} else {
		names->entry_free = names->entry[entry].up;
	}
	if (ssi_table_put(&names->find, entry_key(at->dir, at->name), entry))
		return ENOMEM;
	names->entry[entry] =
		(struct names_entry){.dir = at->dir, .name = at->name, .node = node, .up = at->dir_entry};
	names->node[at->dir].entries++;
	names->node[node].links++;
	return 0;
}

int names_create(struct names *names, const struct names_place *at, enum names_kind kind, uint32_t *node)
{
	if (at->name == NAMES_NONE || at->entry != NAMES_NONE)
		return EEXIST;
	*node = node_new(names, names->node[at->dir].tree, kind);
	return *node == NAMES_NONE ? ENOSPC : entry_new(names, at, *node);
}

int names_link(struct names *names, const struct names_place *at, uint32_t node)
{
	if (names->node[node].kind == NAMES_DIR)
		return EPERM;
	return entry_new(names, at, node);
}

static uint32_t component_of(struct names_tree *tree, const char *text, size_t length)
{
	if (length == 1 && text[0] == '.')
		return NAME_DOT;
	if (length == 2 && text[0] == '.' && text[1] == '.')
		return NAME_DOT_DOT;
	return name_of_text(tree, text, length); /* NAMES_NONE: a name that no path has, found nowhere */
}

int names_symlink(struct names *names, const struct names_place *at, const char *text)
{
	uint32_t node, tree = names->node[at->dir].tree;
	int error = names_create(names, at, NAMES_SYMLINK, &node);
	if (error)
		return error;
	names->node[node].target = names->targets;
	names->node[node].target_absolute = text[0] == '/';
	names->node[node].size = strlen(text);
	for (const char *p = text; *p;) {
		size_t length = strcspn(p, "/");
		if (length) {
			if (room((void **)&names->target, names->targets, &names->targets_room,
				 sizeof *names->target))
				return ENOMEM;
			names->target[names->targets++] = component_of(&names->tree[tree], p, length);
			names->node[node].target_count++;
		}
		p += length + (p[length] == '/');
	}
	return 0;
}

/* ---- taking names away ---- */

int names_unlink_check(const struct names *names, const struct names_place *at)
{
	if (at->node == NAMES_NONE)
		return ENOENT;
	return names->node[at->node].kind == NAMES_DIR ? EISDIR : 0;
}

int names_rmdir_check(const struct names *names, const struct names_place *at)
{
	if (at->node == NAMES_NONE)
		return ENOENT;
	if (names->node[at->node].kind != NAMES_DIR)
		return ENOTDIR;
	if (at->entry == NAMES_NONE)
		return EBUSY;
	return names->node[at->node].entries ? ENOTEMPTY : 0;
}

static bool is_below(const struct names *names, const struct names_place *place, uint32_t dir)
{
	if (place->dir == dir)
		return true;
	for (uint32_t e = place->dir_entry; e != NAMES_NONE; e = names->entry[e].up)
		if (names->entry[e].dir == dir)
			return true;
	return false;
}

int names_rename_check(const struct names *names, const struct names_place *from,
		       const struct names_place *to)
{
	if (from->node == NAMES_NONE)
		return ENOENT;
	if (from->entry == NAMES_NONE || to->name == NAMES_NONE)
		return EBUSY; /* the root, which has no name */
	bool dir = names->node[from->node].kind == NAMES_DIR;
	if (dir && is_below(names, to, from->node))
		return EINVAL;
	if (to->node == NAMES_NONE || to->node == from->node)
		return 0;
	if (names->node[to->node].kind == NAMES_DIR)
		return !dir ? EISDIR : names->node[to->node].entries ? ENOTEMPTY : 0;
	return dir ? ENOTDIR : 0;
}

/* Detaches an entry from its directory. */
static void entry_detach(struct names *names, uint32_t entry)
{
	struct names_entry *e = &names->entry[entry];
	ssi_table_remove(&names->find, entry_key(e->dir, e->name));
	names->node[e->dir].entries--;
}

void names_remove_apply(struct names *names, const struct names_place *at, uint32_t *dead)
{
	entry_detach(names, at->entry);
	names->entry[at->entry].cap = STEP_NOBODY;
	names->entry[at->entry].up = names->entry_free;
	names->entry_free = at->entry;
	*dead = --names->node[at->node].links ? NAMES_NONE : at->node;
}

void names_rename_apply(struct names *names, const struct names_place *from, const struct names_place *to,
			uint32_t *dead)
{
	*dead = NAMES_NONE;
	if (from->node == to->node)
		return; /* two names of one file: nothing happens, says POSIX */
	if (to->node != NAMES_NONE)
		names_remove_apply(names, to, dead);
	struct names_entry *e = &names->entry[from->entry];
	entry_detach(names, from->entry);
	e->dir = to->dir, e->name = to->name, e->up = to->dir_entry;
	e->cap = STEP_NOBODY;
	ssi_table_put(&names->find, entry_key(e->dir, e->name), from->entry);
	names->node[e->dir].entries++;
}
