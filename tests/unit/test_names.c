/* tests/unit/test_names.c - the name space: POSIX's rules as a table of cases, and random changes answered as the
 * plain file system answers them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "ssi/names.h"
#include "workloads/plainfs.h"
#include "workloads/trace.h"

/* ---- one tree, and paths by their text ---- */

#define DEPTH 8
/* "..", as in a recording, is a name only for the texts of symbolic links; paths are canonical. */
static const char *const words[] = {"a", "b", "c", "d", "e", "l", "m", "n", ".."};
#define WORDS (sizeof words / sizeof *words)

struct fixture {
	struct names names;
	uint32_t tree;
};

static void setup(struct fixture *f)
{
	const struct flat_names texts = {.count = WORDS, .text = words};
	assert_int_equal(names_init(&f->names), 0);
	f->tree = names_tree_new(&f->names, &texts);
	assert_int_not_equal(f->tree, NAMES_NONE);
}

static struct flat_path path_of(const char *text, uint32_t name[DEPTH])
{
	struct flat_path path = {.name = name};
	for (const char *p = text; *p;) {
		const size_t length = strcspn(p, "/");
		for (uint32_t i = 0; length && i < WORDS; i++)
			if (strlen(words[i]) == length && !strncmp(words[i], p, length))
				name[path.count++] = i;
		p += length + (p[length] == '/');
	}
	return path;
}

static int walk(struct fixture *f, const char *text, bool follow, struct names_place *out)
{
	uint32_t name[DEPTH];
	const struct flat_path path = path_of(text, name);
	return names_walk(&f->names, f->tree, &path, follow, out);
}

/* The calls, as the service makes them of checks and changes. */
static int make(struct fixture *f, const char *text, enum names_kind kind)
{
	struct names_place at;
	uint32_t node;
	int error = walk(f, text, false, &at);
	return error ? error : names_create(&f->names, &at, kind, &node);
}
static int make_symlink(struct fixture *f, const char *text, const char *target)
{
	struct names_place at;
	int error = walk(f, text, false, &at);
	return error ? error : at.node != NAMES_NONE ? EEXIST : names_symlink(&f->names, &at, target);
}
static int make_link(struct fixture *f, const char *existing, const char *text)
{
	struct names_place at, other;
	int error = walk(f, text, false, &at);
	if (error || at.node != NAMES_NONE)
		return error ? error : EEXIST;
	error = walk(f, existing, false, &other);
	return error ? error : other.node == NAMES_NONE ? ENOENT : names_link(&f->names, &at, other.node);
}
static int take(struct fixture *f, const char *text, bool directory, uint32_t *dead)
{
	struct names_place at;
	int error = walk(f, text, false, &at);
	if (!error)
		error = directory ? names_rmdir_check(&f->names, &at) : names_unlink_check(&f->names, &at);
	if (!error)
		names_remove_apply(&f->names, &at, dead);
	return error;
}
static int move(struct fixture *f, const char *from_text, const char *to_text, uint32_t *dead)
{
	struct names_place from, to;
	int error = walk(f, from_text, false, &from);
	if (!error && from.node == NAMES_NONE)
		error = ENOENT;
	if (!error)
		error = walk(f, to_text, false, &to);
	if (!error)
		error = names_rename_check(&f->names, &from, &to);
	if (!error)
		names_rename_apply(&f->names, &from, &to, dead);
	return error;
}
/* open or stat: what a path leads to, or an errno. */
static int look(struct fixture *f, const char *text, bool follow, uint32_t *node)
{
	struct names_place at;
	int error = walk(f, text, follow, &at);
	*node = error ? NAMES_NONE : at.node;
	return error ? error : at.node == NAMES_NONE ? ENOENT : 0;
}

/* ---- the table of cases ---- */

/* Each begins with: /a /b files, /c a name of the same file as /b, /d a directory with file /d/a and the empty
 * directory /d/e, /e an empty directory, /l -> d, /m -> /d/a, /n -> n. */
static void begin(struct fixture *f)
{
	setup(f);
	assert_int_equal(make(f, "/a", NAMES_FILE), 0);
	assert_int_equal(make(f, "/b", NAMES_FILE), 0);
	assert_int_equal(make_link(f, "/b", "/c"), 0);
	assert_int_equal(make(f, "/d", NAMES_DIR), 0);
	assert_int_equal(make(f, "/d/a", NAMES_FILE), 0);
	assert_int_equal(make(f, "/d/e", NAMES_DIR), 0);
	assert_int_equal(make(f, "/e", NAMES_DIR), 0);
	assert_int_equal(make_symlink(f, "/l", "d"), 0);
	assert_int_equal(make_symlink(f, "/m", "/d/a"), 0);
	assert_int_equal(make_symlink(f, "/n", "n"), 0);
}

enum { MKFILE, MKDIR, LINK, SYMLINK, UNLINK, RMDIR, RENAME, STAT, LSTAT };
static const struct {
	uint8_t call;
	const char *path, *path2;
	int error;
} cases[] = {
	/* looking */
	{STAT, "/a", NULL, 0},
	{STAT, "/", NULL, 0},
	{STAT, "/e/b/a", NULL, ENOENT},
	{STAT, "/d/b", NULL, ENOENT},
	{STAT, "/a/b", NULL, ENOTDIR},
	{STAT, "/b/c/d", NULL, ENOTDIR},
	{STAT, "/l/a", NULL, 0},
	{STAT, "/m", NULL, 0},
	{STAT, "/m/a", NULL, ENOTDIR},
	{STAT, "/n", NULL, ELOOP},
	{STAT, "/n/a", NULL, ELOOP},
	{LSTAT, "/n", NULL, 0},
	/* making */
	{MKFILE, "/a", NULL, EEXIST},
	{MKFILE, "/d", NULL, EEXIST},
	{MKFILE, "/", NULL, EEXIST},
	{MKFILE, "/e/a", NULL, 0},
	{MKFILE, "/l/b", NULL, 0},
	{MKFILE, "/l", NULL, EEXIST},
	{MKFILE, "/n/a", NULL, ELOOP},
	{MKDIR, "/a/b", NULL, ENOTDIR},
	{MKDIR, "/d/b/c", NULL, ENOENT},
	{MKDIR, "/e/d", NULL, 0},
	{LINK, "/a", "/e/a", 0},
	{LINK, "/a", "/b", EEXIST},
	{LINK, "/d", "/e/d", EPERM},
	{LINK, "/d/b", "/e/a", ENOENT},
	{LINK, "/m", "/e/m", 0}, /* a name of the symbolic link itself */
	{SYMLINK, "/e/l", "d", 0},
	{SYMLINK, "/a", "d", EEXIST},
	/* taking away */
	{UNLINK, "/a", NULL, 0},
	{UNLINK, "/d", NULL, EISDIR},
	{UNLINK, "/", NULL, EISDIR},
	{UNLINK, "/d/b", NULL, ENOENT},
	{UNLINK, "/l", NULL, 0},
	{UNLINK, "/n", NULL, 0},
	{UNLINK, "/l/a", NULL, 0},
	{RMDIR, "/e", NULL, 0},
	{RMDIR, "/d", NULL, ENOTEMPTY},
	{RMDIR, "/a", NULL, ENOTDIR},
	{RMDIR, "/l", NULL, ENOTDIR},
	{RMDIR, "/", NULL, EBUSY},
	{RMDIR, "/d/b", NULL, ENOENT},
	{RMDIR, "/d/e", NULL, 0},
	/* renaming */
	{RENAME, "/a", "/e/a", 0},
	{RENAME, "/a", "/b", 0},
	{RENAME, "/a", "/a", 0},
	{RENAME, "/b", "/c", 0},
	{RENAME, "/d", "/d", 0},
	{RENAME, "/d", "/e", 0},
	{RENAME, "/e", "/d", ENOTEMPTY},
	{RENAME, "/d", "/d/b", EINVAL},
	{RENAME, "/d", "/d/e", EINVAL},
	{RENAME, "/d", "/d/e/a", EINVAL},
	{RENAME, "/d", "/l/e/a", EINVAL},
	{RENAME, "/d/e", "/d", ENOTEMPTY},
	{RENAME, "/d", "/a", ENOTDIR},
	{RENAME, "/a", "/d", EISDIR},
	{RENAME, "/a", "/l", 0}, /* over the link, not what it leads to */
	{RENAME, "/l", "/d", EISDIR},
	{RENAME, "/l", "/e/l", 0},
	{RENAME, "/d/b", "/e/a", ENOENT},
	{RENAME, "/a", "/d/b/c", ENOENT},
	{RENAME, "/a", "/b/c", ENOTDIR},
	{RENAME, "/a", "/", EBUSY},
	{RENAME, "/", "/e/a", EBUSY},
	{RENAME, "/d", "/", EBUSY},
};

static int apply(struct fixture *f, size_t i, uint32_t *dead)
{
	const char *path = cases[i].path, *path2 = cases[i].path2;
	uint32_t node;
	switch (cases[i].call) {
	case MKFILE:
		return make(f, path, NAMES_FILE);
	case MKDIR:
		return make(f, path, NAMES_DIR);
	case LINK:
		return make_link(f, path, path2);
	case SYMLINK:
		return make_symlink(f, path, path2);
	case UNLINK:
		return take(f, path, false, dead);
	case RMDIR:
		return take(f, path, true, dead);
	case RENAME:
		return move(f, path, path2, dead);
	default:
		return look(f, path, cases[i].call == STAT, &node);
	}
}

/* Each directory has as many entries as the table has names in it, and each node as many names. */
static void check_counts(const struct fixture *f)
{
	uint32_t entries[256] = {0}, links[256] = {0};
	assert_true(f->names.nodes <= 256);
	for (uint32_t i = 0; i <= f->names.find.mask; i++)
		if (f->names.find.entry[i].key) {
			const struct names_entry *e = &f->names.entry[f->names.find.entry[i].value];
			entries[e->dir]++;
			links[e->node]++;
			assert_true(e->up == NAMES_NONE || f->names.entry[e->up].node == e->dir);
		}
	for (uint32_t i = 0; i < f->names.nodes; i++) {
		assert_int_equal(f->names.node[i].entries, entries[i]);
		assert_int_equal(f->names.node[i].links, links[i] + (i == f->names.tree[f->tree].root));
	}
}

static void test_posix_rules_of_names(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct fixture f;
		uint32_t dead = NAMES_NONE;
		begin(&f);
		const int error = apply(&f, i, &dead);
		if (error != cases[i].error)
			fail_msg("case %zu, \"%s\" \"%s\": %s, not %s", i, cases[i].path,
				 cases[i].path2 ? cases[i].path2 : "", strerror(error),
				 strerror(cases[i].error));
		check_counts(&f);
		names_fini(&f.names);
	}
}

static void test_a_file_dies_with_its_last_name(void **state)
{
	struct fixture f;
	uint32_t b, c, a, dead;
	(void)state;
	begin(&f);
	look(&f, "/b", true, &b);
	look(&f, "/c", true, &c);
	look(&f, "/a", true, &a);
	assert_int_equal(b, c);
	assert_int_equal(take(&f, "/b", false, &dead), 0);
	assert_int_equal(dead, NAMES_NONE);
	assert_int_equal(move(&f, "/a", "/c", &dead), 0); /* over its other name */
	assert_int_equal(dead, b);
	assert_int_equal(look(&f, "/c", true, &c), 0);
	assert_int_equal(c, a);
	assert_int_equal(look(&f, "/a", true, &a), ENOENT);
	assert_int_equal(take(&f, "/c", false, &dead), 0);
	assert_int_equal(dead, c);
	check_counts(&f);
	names_fini(&f.names);
}

static void test_two_names_of_one_file_are_not_renamed(void **state)
{
	struct fixture f;
	uint32_t node, dead = 0;
	(void)state;
	begin(&f);
	assert_int_equal(move(&f, "/b", "/c", &dead), 0);
	assert_int_equal(dead, NAMES_NONE);
	assert_int_equal(look(&f, "/b", true, &node), 0); /* both are still there */
	assert_int_equal(look(&f, "/c", true, &node), 0);
	names_fini(&f.names);
}

static void test_a_directory_takes_what_is_below_it_along(void **state)
{
	struct fixture f;
	uint32_t before, after, dead;
	struct names_place at, below_it;
	(void)state;
	begin(&f);
	look(&f, "/d/a", true, &before);
	assert_int_equal(move(&f, "/d", "/e/d", &dead), 0);
	assert_int_equal(look(&f, "/d/a", true, &after), ENOENT);
	assert_int_equal(look(&f, "/e/d/a", true, &after), 0);
	assert_int_equal(before, after);
	assert_int_equal(look(&f, "/l/a", true, &after), ENOENT); /* the link leads nowhere now */
	assert_int_equal(move(&f, "/e", "/e/d/e/a", &dead), EINVAL);
	walk(&f, "/e/d/a", true, &at);
	assert_int_equal(f.names.entry[at.entry].up, at.dir_entry);
	walk(&f, "/e", true, &at);
	walk(&f, "/e/d", true, &below_it);
	assert_int_equal(f.names.entry[below_it.entry].up, at.entry);
	assert_int_equal(f.names.entry[at.entry].up, NAMES_NONE);
	check_counts(&f);
	names_fini(&f.names);
}

static void test_symbolic_links_are_followed_as_far_as_posix_asks(void **state)
{
	struct fixture f;
	struct names_place at;
	uint32_t node, file;
	(void)state;
	begin(&f);
	assert_int_equal(walk(&f, "/m", true, &at), 0);
	assert_true(at.followed); /* such a path is not to be cached */
	look(&f, "/d/a", true, &file);
	assert_int_equal(at.node, file);
	assert_int_equal(walk(&f, "/m", false, &at), 0);
	assert_false(at.followed);
	assert_int_equal(f.names.node[at.node].kind, NAMES_SYMLINK);
	assert_int_equal(f.names.node[at.node].size, strlen("/d/a"));
	assert_int_equal(make_symlink(&f, "/e/l", "../d/./e"), 0); /* relative to where it is */
	assert_int_equal(look(&f, "/e/l", true, &node), 0);
	look(&f, "/d/e", true, &file);
	assert_int_equal(node, file);
	assert_int_equal(make_symlink(&f, "/e/m", "../../.."), 0); /* the root is its own parent */
	assert_int_equal(look(&f, "/e/m/a", true, &node), 0);
	assert_int_equal(make_symlink(&f, "/e/n", "never-named"), 0);
	assert_int_equal(look(&f, "/e/n", true, &node), ENOENT);
	assert_int_equal(make_symlink(&f, "/e/a", "/"), 0);
	assert_int_equal(look(&f, "/e/a/d/a", true, &node), 0);
	names_fini(&f.names);
}

static void test_forty_links_are_followed_and_no_more(void **state)
{
	static char text[64][8];
	const char *list[64];
	struct names names;
	(void)state;
	for (uint32_t i = 0; i < 64; i++) {
		snprintf(text[i], sizeof text[i], "x%u", i);
		list[i] = text[i];
	}
	const struct flat_names texts = {.count = 64, .text = list};
	assert_int_equal(names_init(&names), 0);
	const uint32_t tree = names_tree_new(&names, &texts);
	for (uint32_t i = 0; i < 64; i++) { /* x0 a file, x1 -> x0, x2 -> x1 ... */
		const struct flat_path path = {.name = &i, .count = 1};
		struct names_place at;
		uint32_t node;
		assert_int_equal(names_walk(&names, tree, &path, false, &at), 0);
		assert_int_equal(i ? names_symlink(&names, &at, text[i - 1])
				   : names_create(&names, &at, NAMES_FILE, &node),
				 0);
	}
	for (uint32_t i = 0; i < 64; i++) {
		const struct flat_path path = {.name = &i, .count = 1};
		struct names_place at;
		assert_int_equal(names_walk(&names, tree, &path, true, &at), i <= 40 ? 0 : ELOOP);
	}
	names_fini(&names);
}

/* ---- as the plain file system ---- */

/* All paths of up to three components of the words, and texts for symbolic links. */
#define PATHS_MAX 700
static struct trace_path trace_path[PATHS_MAX];
static uint32_t components[PATHS_MAX * 3];
static char path_text[PATHS_MAX][24];
static uint32_t paths, links_from;

static void path_add(const char *text, bool canonical)
{
	uint32_t name[DEPTH];
	const struct flat_path path = path_of(text, name);
	static uint32_t used;
	if (!paths)
		used = 0;
	snprintf(path_text[paths], sizeof path_text[paths], "%s", text);
	trace_path[paths] = (struct trace_path){.text = path_text[paths], .first = used, .count = path.count};
	for (uint32_t i = 0; i < path.count; i++)
		components[used++] = name[i];
	links_from += canonical;
	paths++;
}

static void paths_make(void)
{
	static const char *const link_texts[] = {"a",    "d",   "../a",    "..", "/d",
						 "/d/e", "e/l", "../../d", "/",  "d/../a"};
	char text[32];
	paths = links_from = 0;
	path_add("/", true);
	for (uint32_t i = 0; i < 5; i++) {
		snprintf(text, sizeof text, "/%s", words[i]);
		path_add(text, true);
		for (uint32_t k = 0; k < 6; k++) {
			snprintf(text, sizeof text, "/%s/%s", words[i], words[k]);
			path_add(text, true);
			for (uint32_t j = 0; j < 3; j++) {
				snprintf(text, sizeof text, "/%s/%s/%s", words[i], words[k], words[j]);
				path_add(text, true);
			}
		}
	}
	for (size_t i = 0; i < sizeof link_texts / sizeof *link_texts; i++)
		path_add(link_texts[i], false);
}

static uint64_t random_state;
static uint32_t below(uint32_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (uint32_t)(((random_state * 0x2545f4914f6cdd1du) >> 32) * limit >> 32);
}

static const uint8_t kinds[] = {TRACE_OPEN,     TRACE_STAT,   TRACE_UNLINK, TRACE_RMDIR,
				TRACE_MKDIR,    TRACE_RENAME, TRACE_LINK,   TRACE_SYMLINK,
				TRACE_READLINK, TRACE_OPEN,   TRACE_MKDIR,  TRACE_RENAME};

static struct trace_op random_op(void)
{
	struct trace_op op = {.kind = kinds[below(sizeof kinds)],
			      .handle = UINT32_MAX,
			      .path = below(links_from),
			      .path2 = below(links_from)};
	if (op.kind == TRACE_OPEN)
		op.flags = (uint8_t)(TRACE_CREATE | TRACE_WRITES | (below(2) ? TRACE_EXCLUSIVE : 0));
	if (op.kind == TRACE_STAT && below(2))
		op.flags = TRACE_NO_FOLLOW;
	if (op.kind == TRACE_LINK)
		op.flags = TRACE_NO_FOLLOW;
	if (op.kind == TRACE_SYMLINK)
		op.path = links_from + below(paths - links_from);
	return op;
}

static int do_open(struct fixture *f, const struct trace_op *op)
{
	struct names_place at;
	const char *text = path_text[op->path];
	const bool exclusive = op->flags & TRACE_EXCLUSIVE;
	uint32_t node;
	int error = walk(f, text, !exclusive, &at);
	if (error)
		return error;
	if (at.node == NAMES_NONE)
		return names_create(&f->names, &at, NAMES_FILE, &node);
	if (exclusive)
		return EEXIST;
	return f->names.node[at.node].kind == NAMES_DIR ? EISDIR : 0;
}

static int do_op(struct fixture *f, const struct trace_op *op, bool *is_directory)
{
	const char *path = path_text[op->path], *path2 = path_text[op->path2];
	uint32_t node, dead;
	int error;
	switch (op->kind) {
	case TRACE_OPEN:
		return do_open(f, op);
	case TRACE_MKDIR:
		return make(f, path, NAMES_DIR);
	case TRACE_UNLINK:
		return take(f, path, false, &dead);
	case TRACE_RMDIR:
		return take(f, path, true, &dead);
	case TRACE_RENAME:
		return move(f, path, path2, &dead);
	case TRACE_LINK:
		return make_link(f, path, path2);
	case TRACE_SYMLINK:
		return make_symlink(f, path2, path);
	case TRACE_READLINK:
		error = look(f, path, false, &node);
		return error ? error : f->names.node[node].kind == NAMES_SYMLINK ? 0 : EINVAL;
	default:
		error = look(f, path, !(op->flags & TRACE_NO_FOLLOW), &node);
		*is_directory = !error && f->names.node[node].kind == NAMES_DIR;
		return error;
	}
}

/* Where several errors apply, POSIX leaves open which it is: link checks its two paths in an order of its own. The
 * root renamed to itself is "busy" and "the same file". */
static bool left_open(const struct trace_op *op, int error, int plain)
{
	return (op->kind == TRACE_LINK && error && plain) ||
	       (op->kind == TRACE_RENAME && !op->path && !op->path2);
}

static void test_random_changes_are_answered_as_by_the_plain_file_system(void **state)
{
	static uint32_t outcomes[TRACE_KINDS][140];
	(void)state;
	paths_make();
	struct trace trace = {.name = (char[]){"names"},
			      .paths = paths,
			      .path = trace_path,
			      .names = WORDS,
			      .name_text = (const char **)(uintptr_t)words,
			      .components = components};
	for (uint32_t seed = 1; seed <= 60; seed++) {
		struct fixture f;
		struct plainfs *plain = plainfs_new(&trace, NULL, NULL);
		random_state = seed * 0x9e3779b97f4a7c15u;
		setup(&f);
		for (uint32_t i = 0; i < 1500 && f.names.nodes < 250; i++) {
			const struct trace_op op = random_op();
			bool is_directory = false;
			const struct plainfs_answer answer = plainfs_apply(plain, &op);
			const int error = do_op(&f, &op, &is_directory);
			outcomes[op.kind][answer.error]++;
			if ((error != answer.error && !left_open(&op, error, answer.error)) ||
			    (op.kind == TRACE_STAT && is_directory != answer.is_directory))
				fail_msg("seed %u, operation %u, %s \"%s\" \"%s\": %s, and by the plain file "
					 "system: %s",
					 seed, i, trace_kind_name[op.kind], path_text[op.path],
					 path_text[op.path2], strerror(error), strerror(answer.error));
		}
		check_counts(&f);
		names_fini(&f.names);
		plainfs_free(plain);
	}
	static const struct {
		uint8_t kind, error;
	} wanted[] = {{TRACE_OPEN, 0},          {TRACE_OPEN, EEXIST},    {TRACE_OPEN, EISDIR},
		      {TRACE_OPEN, ENOENT},     {TRACE_OPEN, ENOTDIR},   {TRACE_OPEN, ELOOP},
		      {TRACE_STAT, 0},          {TRACE_STAT, ENOENT},    {TRACE_STAT, ENOTDIR},
		      {TRACE_STAT, ELOOP},      {TRACE_UNLINK, 0},       {TRACE_UNLINK, EISDIR},
		      {TRACE_UNLINK, ENOENT},   {TRACE_UNLINK, ENOTDIR}, {TRACE_RMDIR, 0},
		      {TRACE_RMDIR, ENOTEMPTY}, {TRACE_RMDIR, ENOTDIR},  {TRACE_RMDIR, EBUSY},
		      {TRACE_RMDIR, ENOENT},    {TRACE_MKDIR, 0},        {TRACE_MKDIR, EEXIST},
		      {TRACE_MKDIR, ENOENT},    {TRACE_RENAME, 0},       {TRACE_RENAME, EINVAL},
		      {TRACE_RENAME, EISDIR},   {TRACE_RENAME, ENOTDIR}, {TRACE_RENAME, ENOTEMPTY},
		      {TRACE_RENAME, EBUSY},    {TRACE_RENAME, ENOENT},  {TRACE_LINK, 0},
		      {TRACE_LINK, EEXIST},     {TRACE_LINK, EPERM},     {TRACE_LINK, ENOENT},
		      {TRACE_SYMLINK, 0},       {TRACE_SYMLINK, EEXIST}, {TRACE_READLINK, 0},
		      {TRACE_READLINK, EINVAL}};
	for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
		if (!outcomes[wanted[i].kind][wanted[i].error])
			fail_msg("no %s ever ended with %s", trace_kind_name[wanted[i].kind],
				 strerror(wanted[i].error));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_posix_rules_of_names),
		cmocka_unit_test(test_a_file_dies_with_its_last_name),
		cmocka_unit_test(test_two_names_of_one_file_are_not_renamed),
		cmocka_unit_test(test_a_directory_takes_what_is_below_it_along),
		cmocka_unit_test(test_symbolic_links_are_followed_as_far_as_posix_asks),
		cmocka_unit_test(test_forty_links_are_followed_and_no_more),
		cmocka_unit_test(test_random_changes_are_answered_as_by_the_plain_file_system),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
