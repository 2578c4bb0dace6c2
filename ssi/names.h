/* ssi/names.h - the name space of the file service: trees of directories, files and symbolic links.
 *
 * POSIX's rules on names (Issue 7): hard links, rename over an existing name, unlinked files that live on while
 * they are open. Contents and attributes are pages and not kept here. Each name has, once somebody asked for it, a
 * capability derived from that of its directory, so revoking the name of a directory reaches every cached name
 * below it.
 *
 * Functions of the form names_*_check read and change nothing; names_*_apply change and cannot fail if the check
 * just passed. Layer: ssi. Thread rule: the service's cluster. */
#ifndef SKERRY_SSI_NAMES_H
#define SKERRY_SSI_NAMES_H
#include "ssi/flat.h"
#include "ssi/translate.h"

#define NAMES_NONE      UINT32_MAX
#define NAMES_DEPTH_MAX 64
#define NAMES_FILES_MAX (1u << 24)

enum names_kind { NAMES_FILE, NAMES_DIR, NAMES_SYMLINK };

struct names_node { /* an inode */
	uint8_t kind;
	bool released;    /* its last name has gone and its pages are, or will be, released */
	uint32_t links;   /* names */
	uint32_t entries; /* directories */
	uint32_t tree;
	uint32_t target, target_count; /* symbolic links: into names.target; absolute if target_absolute */
	bool target_absolute;
	uint32_t pages;      /* pages that were ever asked for: numbers below this */
	uint64_t size, seed; /* initial content */
	step_ref root;       /* capability of which open files are children; machine 0: none yet */
};

struct names_entry { /* a name in a directory */
	uint32_t dir, name, node;
	uint32_t up;    /* the entry of dir itself, NAMES_NONE in the root */
	uint32_t going; /* changes under way that take it away: not to be cached */
	step_ref cap;   /* machine 0: none yet */
};

struct names_tree {
	struct flat_names names;
	struct ssi_table by_text; /* hash of the text -> name + 1 */
	uint32_t root;            /* node */
};

struct names {
	struct names_node *node;
	struct names_entry *entry;
	struct names_tree *tree;
	uint32_t *target; /* components of symbolic links */
	uint32_t nodes, nodes_room, entries, entries_room, entry_free, trees, trees_room, targets,
		targets_room;
	struct ssi_table find; /* (dir, name) -> entry */
};

/* Where a path leads. */
struct names_place {
	uint32_t dir, name;   /* of the last component */
	uint32_t dir_entry;   /* the directory's own entry, or NAMES_NONE for the root */
	uint32_t entry, node; /* NAMES_NONE: the last component does not exist */
	bool followed;        /* a symbolic link was followed: the path is not to be cached */
};

int names_init(struct names *names);
void names_fini(struct names *names);

/* All return 0 or an errno. */
uint32_t names_tree_new(struct names *names, const struct flat_names *texts); /* NAMES_NONE: no memory */
int names_walk(const struct names *names, uint32_t tree, const struct flat_path *path, bool follow_last,
	       struct names_place *out);
int names_create(struct names *names, const struct names_place *at, enum names_kind kind, uint32_t *node);
int names_link(struct names *names, const struct names_place *at, uint32_t node);
int names_symlink(struct names *names, const struct names_place *at, const char *text);

int names_unlink_check(const struct names *names, const struct names_place *at);
int names_rmdir_check(const struct names *names, const struct names_place *at);
int names_rename_check(const struct names *names, const struct names_place *from,
		       const struct names_place *to);
/* Take a name away; rename also gives the node its new name. *dead: the node that has no name any more, or
 * NAMES_NONE. */
void names_remove_apply(struct names *names, const struct names_place *at, uint32_t *dead);
void names_rename_apply(struct names *names, const struct names_place *from, const struct names_place *to,
			uint32_t *dead);

#endif
