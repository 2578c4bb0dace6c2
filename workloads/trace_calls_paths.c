/* System calls on paths. */
#include "workloads/trace_calls.h"
#include <errno.h>
#include <string.h>

static unsigned open_flags(struct trace_slice words, unsigned flags)
{
	/* clang-format off */
	static const struct { const char *word; unsigned flag; } table[] = {
		{"O_CREAT", TRACE_CREATE}, {"O_EXCL", TRACE_EXCLUSIVE}, {"O_TRUNC", TRACE_TRUNCATES},
		{"O_WRONLY", TRACE_WRITES}, {"O_RDWR", TRACE_WRITES}, {"O_DIRECTORY", TRACE_DIRECTORY},
		{"O_NOFOLLOW", TRACE_NO_FOLLOW},
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof table / sizeof *table; i++)
		if (trace_scan_flag(words, table[i].word))
			flags |= table[i].flag;
	return flags;
}

/* O_PATH opens nothing; it proves that the file is there and gives a place to start paths from. */
static void open_path_only(struct trace_compile *compile, const struct trace_call *call, uint32_t path,
			   unsigned flags)
{
	struct trace_model_stat stat = {.kind = TRACE_MODEL_UNKNOWN};
	struct trace_op op = trace_op_of(TRACE_STAT);

	op.path = path;
	op.flags = flags & TRACE_NO_FOLLOW;
	op.error = (int16_t)trace_call_error_of(call);
	if (flags & TRACE_DIRECTORY)
		stat.kind = TRACE_MODEL_DIR;
	if (trace_call_settle(compile, trace_model_stat(&compile->model, path, op.flags, op.error, &stat),
			      op) &&
	    !op.error)
		trace_call_install(compile, call->value, trace_call_file_new(path),
				   trace_call_mentions_cloexec(call));
}

/* a: directory, b: path, c: flags */
void trace_call_open(struct trace_compile *compile, const struct trace_call *call,
		     const struct trace_rule *rule)
{
	struct trace_slice words = trace_call_argument(call, rule->c);
	unsigned flags = open_flags(words, rule->flags);
	struct trace_op op = trace_op_of(TRACE_OPEN);
	uint32_t path, real, node = TRACE_NONE;
	struct trace_file *file;

	if (trace_scan_flag(words, "O_TMPFILE") && !trace_call_failed(call)) {
		trace_refuse(compile, "O_TMPFILE makes a file without a name", "record without it");
		return;
	}
	path = trace_call_path_of(compile, call, rule->a, rule->b);
	real = trace_call_note_path(compile, call->note);
	if (compile->failed)
		return;
	if (path == TRACE_NONE || (real != TRACE_NONE && trace_paths_made_up(&compile->paths, real))) {
		trace_call_open_local(compile, call, real);
		return;
	}
	if (trace_scan_flag(words, "O_PATH")) {
		open_path_only(compile, call, path, flags);
		return;
	}
	op.path = path;
	op.flags = (uint8_t)flags;
	op.error = (int16_t)trace_call_error_of(call);
	if (op.error) {
		trace_call_settle(compile,
				  trace_model_open(&compile->model, path, flags, op.error, real, &node), op);
		return;
	}
	op.handle = compile->handles;
	const char *why = trace_model_open(&compile->model, path, flags, 0, real, &node);

	if (!why && compile->model.node[node].special)
		why = "named pipes, sockets and devices in the tree cannot be replayed";
	file = why ? NULL : trace_call_file_opened(compile, path, node);
	if (!trace_call_settle(compile, why, op))
		return;
	file->append = trace_scan_flag(words, "O_APPEND");
	file->writable = flags & TRACE_WRITES;
	trace_call_install(compile, call->value, file, trace_call_mentions_cloexec(call));
}

static struct trace_model_stat stat_of(struct trace_slice text)
{
	static const struct {
		const char *word;
		enum trace_model_kind kind;
	} kinds[] = {
		{"S_IFREG", TRACE_MODEL_FILE}, {"S_IFDIR", TRACE_MODEL_DIR}, {"S_IFLNK", TRACE_MODEL_LINK}};
	struct trace_model_stat stat = {.kind = TRACE_MODEL_UNKNOWN};
	int64_t size;

	if (!trace_slice_has(text, "_mode=S_IF"))
		return stat;
	for (int i = 0; i < 3; i++)
		if (trace_scan_flag(text, kinds[i].word))
			stat.kind = kinds[i].kind;
	if (stat.kind == TRACE_MODEL_UNKNOWN) {
		stat.kind = TRACE_MODEL_FILE;
		stat.special = true;
	}
	if (stat.kind == TRACE_MODEL_FILE && !stat.special &&
	    (trace_scan_field(text, "st_size=", &size) || trace_scan_field(text, "stx_size=", &size)) &&
	    size >= 0 && size <= TRACE_OFFSET_MAX) {
		stat.size_known = true;
		stat.size = (uint64_t)size;
	}
	return stat;
}

static void fill_stat(struct trace_op *op, const struct trace_model_stat *stat)
{
	op->is_directory = stat->kind == TRACE_MODEL_DIR;
	op->size_known = stat->size_known;
	op->length = stat->size;
}

static void fstat_file(struct trace_compile *compile, const struct trace_call *call, struct trace_file *file,
		       const struct trace_model_stat *stat)
{
	struct trace_op op;

	if (!file || file->local || trace_call_failed(call)) {
		trace_call_put_local(compile, 0);
		return;
	}
	op = trace_call_op_on(compile, TRACE_FSTAT, file);
	fill_stat(&op, stat);
	trace_call_settle(compile, trace_model_fstat(&compile->model, file->node, stat), op);
}

/* a: descriptor, b: struct stat */
void trace_call_fstat(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	struct trace_model_stat stat = stat_of(trace_call_argument(call, rule->b));
	struct trace_slice note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);

	if (!compile->failed)
		fstat_file(compile, call, file, &stat);
}

/* Does the call mean its descriptor itself: an empty path with AT_EMPTY_PATH, or no path at all? */
static bool on_descriptor(const struct trace_call *call, const struct trace_rule *rule, bool *on_cwd)
{
	struct trace_slice path = trace_call_argument(call, rule->b), note;
	int64_t fd;

	if (rule->a == HERE || !(trace_slice_is(path, "\"\"") || trace_slice_is(path, "NULL")))
		return false;
	*on_cwd = !trace_scan_descriptor(trace_call_argument(call, rule->a), &fd, &note) || fd == AT_CWD;
	return !*on_cwd;
}

/* a: directory, b: path, c: flags, d: struct stat */
void trace_call_stat(struct trace_compile *compile, const struct trace_call *call,
		     const struct trace_rule *rule)
{
	struct trace_model_stat stat = stat_of(trace_call_argument(call, rule->d));
	struct trace_op op = trace_op_of(TRACE_STAT);
	struct trace_slice note;
	bool on_cwd = false;

	if (on_descriptor(call, rule, &on_cwd)) {
		fstat_file(compile, call, trace_call_file_of(compile, call, rule->a, &note), &stat);
		return;
	}
	op.path = on_cwd && !trace_call_failed(call) ? trace_call_base_path(compile, call, rule->a)
						     : trace_call_path_of(compile, call, rule->a, rule->b);
	if (compile->failed)
		return;
	if (op.path == TRACE_NONE) {
		trace_call_put_local(compile, 0);
		return;
	}
	op.flags = (uint8_t)rule->flags;
	if (trace_scan_flag(trace_call_argument(call, rule->c), "AT_SYMLINK_NOFOLLOW"))
		op.flags |= TRACE_NO_FOLLOW;
	/* Attributes that a file does not have are missing from a file that is there. */
	op.error = trace_call_error_of(call) == ENODATA || trace_call_error_of(call) == EOPNOTSUPP
			   ? 0
			   : (int16_t)trace_call_error_of(call);
	fill_stat(&op, &stat);
	trace_call_settle(compile, trace_model_stat(&compile->model, op.path, op.flags, op.error, &stat), op);
}

static void setattr_file(struct trace_compile *compile, const struct trace_call *call,
			 struct trace_file *file)
{
	struct trace_op op;

	if (!file || file->local || trace_call_failed(call)) {
		trace_call_put_local(compile, 0);
		return;
	}
	op = trace_call_op_on(compile, TRACE_FSETATTR, file);
	trace_model_fsetattr(&compile->model, file->node);
	trace_put(compile, op);
}

/* a: descriptor */
void trace_call_fsetattr(struct trace_compile *compile, const struct trace_call *call,
			 const struct trace_rule *rule)
{
	struct trace_slice note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);

	if (!compile->failed)
		setattr_file(compile, call, file);
}

/* a: directory, b: path, c: flags */
void trace_call_setattr(struct trace_compile *compile, const struct trace_call *call,
			const struct trace_rule *rule)
{
	struct trace_op op = trace_op_of(TRACE_SETATTR);
	struct trace_slice note;
	bool on_cwd = false;

	if (on_descriptor(call, rule, &on_cwd)) {
		setattr_file(compile, call, trace_call_file_of(compile, call, rule->a, &note));
		return;
	}
	op.path = trace_call_path_of(compile, call, rule->a, rule->b);
	if (compile->failed)
		return;
	if (op.path == TRACE_NONE) {
		trace_call_put_local(compile, 0);
		return;
	}
	op.flags = (uint8_t)rule->flags;
	if (trace_scan_flag(trace_call_argument(call, rule->c), "AT_SYMLINK_NOFOLLOW"))
		op.flags |= TRACE_NO_FOLLOW;
	op.error = (int16_t)trace_call_error_of(call);
	trace_call_settle(compile, trace_model_setattr(&compile->model, op.path, op.flags, op.error), op);
}

static void remove_path(struct trace_compile *compile, const struct trace_call *call, enum trace_kind kind,
			uint32_t path)
{
	struct trace_op op = trace_op_of(kind);

	if (compile->failed)
		return;
	if (path == TRACE_NONE) {
		trace_call_put_local(compile, 0);
		return;
	}
	op.path = path;
	op.error = (int16_t)trace_call_error_of(call);
	if (kind == TRACE_UNLINK)
		trace_call_settle(compile, trace_model_unlink(&compile->model, path, op.error), op);
	else
		trace_call_settle(compile, trace_model_rmdir(&compile->model, path, op.error), op);
}

/* a: directory, b: path, c: flags */
void trace_call_unlink(struct trace_compile *compile, const struct trace_call *call,
		       const struct trace_rule *rule)
{
	bool dir = trace_scan_flag(trace_call_argument(call, rule->c), "AT_REMOVEDIR");

	remove_path(compile, call, dir ? TRACE_RMDIR : TRACE_UNLINK,
		    trace_call_path_of(compile, call, rule->a, rule->b));
}

void trace_call_rmdir(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	remove_path(compile, call, TRACE_RMDIR, trace_call_path_of(compile, call, rule->a, rule->b));
}

/* a: directory, b: path */
void trace_call_mkdir(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	struct trace_op op = trace_op_of(TRACE_MKDIR);

	op.path = trace_call_path_of(compile, call, rule->a, rule->b);
	if (compile->failed)
		return;
	if (op.path == TRACE_NONE) {
		trace_call_put_local(compile, 0);
		return;
	}
	op.error = (int16_t)trace_call_error_of(call);
	trace_call_settle(compile, trace_model_mkdir(&compile->model, op.path, op.error), op);
}

/* Two paths; false if the call is local or refused. */
static bool two_paths(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule, struct trace_op *op)
{
	op->path = trace_call_path_of(compile, call, rule->a, rule->b);
	op->path2 = compile->failed ? TRACE_NONE : trace_call_path_of(compile, call, rule->c, rule->d);
	op->error = (int16_t)trace_call_error_of(call);
	if (compile->failed)
		return false;
	if (op->path != TRACE_NONE && op->path2 != TRACE_NONE)
		return true;
	if (trace_call_failed(call) || (op->path == TRACE_NONE && op->path2 == TRACE_NONE))
		trace_call_put_local(compile, 0);
	else
		trace_refuse(compile, "one of its names is in /dev, /proc or /sys", "record without it");
	return false;
}

/* a, b: directory and path; c, d: new directory and path; flags behind */
void trace_call_rename(struct trace_compile *compile, const struct trace_call *call,
		       const struct trace_rule *rule)
{
	struct trace_op op = trace_op_of(TRACE_RENAME);
	struct trace_slice words = trace_call_argument(call, rule->d + 1);

	if (!trace_call_failed(call) &&
	    (trace_scan_flag(words, "RENAME_EXCHANGE") || trace_scan_flag(words, "RENAME_WHITEOUT"))) {
		trace_refuse(compile, "RENAME_EXCHANGE and RENAME_WHITEOUT cannot be replayed",
			     "record without it");
		return;
	}
	if (trace_call_failed(call) && trace_scan_flag(words, "RENAME_NOREPLACE") && call->error == EEXIST) {
		/* A plain rename would succeed. */
		trace_call_put_local(compile, 0);
		return;
	}
	if (two_paths(compile, call, rule, &op))
		trace_call_settle(compile, trace_model_rename(&compile->model, op.path, op.path2, op.error),
				  op);
}

/* As trace_call_rename. */
void trace_call_link(struct trace_compile *compile, const struct trace_call *call,
		     const struct trace_rule *rule)
{
	struct trace_op op = trace_op_of(TRACE_LINK);
	struct trace_slice words = trace_call_argument(call, rule->d + 1);

	if (!trace_call_failed(call) && trace_scan_flag(words, "AT_EMPTY_PATH")) {
		trace_refuse(compile, "linking a descriptor cannot be replayed", "record without it");
		return;
	}
	op.flags = trace_scan_flag(words, "AT_SYMLINK_FOLLOW") ? 0 : TRACE_NO_FOLLOW;
	if (two_paths(compile, call, rule, &op))
		trace_call_settle(compile,
				  trace_model_link(&compile->model, op.path, op.path2, op.flags, op.error),
				  op);
}

/* a: text, b: directory, c: path */
void trace_call_symlink(struct trace_compile *compile, const struct trace_call *call,
			const struct trace_rule *rule)
{
	struct trace_op op = trace_op_of(TRACE_SYMLINK);
	char text[TRACE_PATH_BYTES + 1];
	enum trace_string got;
	size_t bytes;

	op.path2 = trace_call_path_of(compile, call, rule->b, rule->c);
	got = trace_scan_string(trace_call_argument(call, rule->a), text, &bytes);
	if (compile->failed)
		return;
	if (got != TRACE_STRING_WHOLE && !trace_call_failed(call)) {
		trace_refuse(compile, "the text of the link is cut", "record with scripts/record-trace");
		return;
	}
	if (op.path2 == TRACE_NONE || got != TRACE_STRING_WHOLE) {
		trace_call_put_local(compile, 0);
		return;
	}
	op.path = trace_paths_link(&compile->paths, text, bytes);
	op.error = (int16_t)trace_call_error_of(call);
	trace_call_settle(compile, trace_model_symlink(&compile->model, op.path, op.path2, op.error), op);
}

/* a: directory, b: path, c: text */
void trace_call_readlink(struct trace_compile *compile, const struct trace_call *call,
			 const struct trace_rule *rule)
{
	struct trace_op op = trace_op_of(TRACE_READLINK);
	char text[TRACE_PATH_BYTES + 1];
	uint32_t target = TRACE_NONE;
	size_t bytes;

	op.path = trace_call_path_of(compile, call, rule->a, rule->b);
	if (compile->failed)
		return;
	if (op.path == TRACE_NONE) {
		trace_call_put_local(compile, 0);
		return;
	}
	/* strace -s 0 cuts the text: then the link leads to a file of its own. */
	if (!trace_call_failed(call) &&
	    trace_scan_string(trace_call_argument(call, rule->c), text, &bytes) == TRACE_STRING_WHOLE &&
	    bytes)
		target = trace_paths_link(&compile->paths, text, bytes);
	op.error = (int16_t)trace_call_error_of(call);
	trace_call_settle(compile, trace_model_readlink(&compile->model, op.path, target, op.error), op);
}

/* a: path, b: length */
void trace_call_truncate(struct trace_compile *compile, const struct trace_call *call,
			 const struct trace_rule *rule)
{
	struct trace_op op = trace_op_of(TRACE_OPEN);
	struct trace_file *file;
	uint32_t node = TRACE_NONE;
	const char *why;
	int64_t size;

	op.path = trace_call_path_of(compile, call, HERE, rule->a);
	if (compile->failed || !trace_call_number(compile, call, rule->b, &size))
		return;
	if (op.path == TRACE_NONE) {
		trace_call_put_local(compile, 0);
		return;
	}
	op.flags = TRACE_WRITES;
	op.error = (int16_t)trace_call_error_of(call);
	op.handle = op.error ? TRACE_NONE : compile->handles;
	why = trace_model_open(&compile->model, op.path, op.flags, op.error, TRACE_NONE, &node);
	file = why || op.error ? NULL : trace_call_file_opened(compile, op.path, node);
	if (!trace_call_settle(compile, why, op) || !file)
		return;
	file->references = 1;
	op = trace_call_op_on(compile, TRACE_TRUNCATE, file);
	op.length = size > 0 ? (uint64_t)size : 0;
	trace_model_truncate(&compile->model, node, op.length);
	trace_put(compile, op);
	trace_compile_drop(compile, file);
}

/* a: path */
void trace_call_chdir(struct trace_compile *compile, const struct trace_call *call,
		      const struct trace_rule *rule)
{
	struct trace_model_stat stat = {.kind = TRACE_MODEL_DIR};
	struct trace_op op = trace_op_of(TRACE_STAT);

	op.path = trace_call_path_of(compile, call, HERE, rule->a);
	if (compile->failed)
		return;
	op.error = (int16_t)trace_call_error_of(call);
	op.is_directory = !op.error;
	if (op.path == TRACE_NONE) {
		/* In /proc or the like: the next descriptor note tells where. */
		if (!trace_call_failed(call))
			trace_call_current(compile)->cwd->path = TRACE_NONE;
		trace_call_put_local(compile, 0);
		return;
	}
	if (trace_call_settle(compile, trace_model_stat(&compile->model, op.path, 0, op.error, &stat), op) &&
	    !op.error)
		trace_call_current(compile)->cwd->path = trace_model_real_path(&compile->model, op.path);
}

/* a: descriptor */
void trace_call_fchdir(struct trace_compile *compile, const struct trace_call *call,
		       const struct trace_rule *rule)
{
	struct trace_slice note;
	struct trace_file *file = trace_call_file_of(compile, call, rule->a, &note);
	uint32_t path = trace_call_note_path(compile, note);

	trace_call_put_local(compile, 0);
	if (!trace_call_failed(call))
		trace_call_current(compile)->cwd->path = path != TRACE_NONE ? path
							 : file             ? file->path
									    : TRACE_NONE;
}

void trace_call_getcwd(struct trace_compile *compile, const struct trace_call *call,
		       const struct trace_rule *rule)
{
	char text[TRACE_PATH_BYTES + 1];
	size_t bytes;

	if (!trace_call_failed(call) && trace_call_current(compile)->cwd->path == TRACE_NONE &&
	    trace_scan_string(trace_call_argument(call, rule->a), text, &bytes) == TRACE_STRING_WHOLE &&
	    text[0] == '/')
		trace_call_current(compile)->cwd->path = trace_paths_resolve(&compile->paths, 0, text, bytes);
	trace_call_put_local(compile, 0);
}
