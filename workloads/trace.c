#include "workloads/trace.h"
#include "sim/check.h"
#include "workloads/embedded.h"
#include "workloads/trace_compile.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

const char *const trace_kind_name[TRACE_KINDS] = {
	[TRACE_OPEN] = "open",       [TRACE_STAT] = "stat",         [TRACE_UNLINK] = "unlink",
	[TRACE_RMDIR] = "rmdir",     [TRACE_MKDIR] = "mkdir",       [TRACE_RENAME] = "rename",
	[TRACE_LINK] = "link",       [TRACE_SYMLINK] = "symlink",   [TRACE_READLINK] = "readlink",
	[TRACE_SETATTR] = "setattr", [TRACE_READ] = "read",         [TRACE_WRITE] = "write",
	[TRACE_FSTAT] = "fstat",     [TRACE_TRUNCATE] = "truncate", [TRACE_FSYNC] = "fsync",
	[TRACE_LIST] = "list",       [TRACE_FSETATTR] = "fsetattr", [TRACE_CLOSE] = "close",
	[TRACE_LOCAL] = "local",     [TRACE_FORK] = "fork",         [TRACE_WAIT] = "wait",
	[TRACE_EXIT] = "exit",       [TRACE_AFTER] = "after",
};

/* What trace_parse() hands out, with the memory that everything in it lies in. */
struct owned {
	struct trace trace; /* first, so that a pointer to it is a pointer to this */
	struct trace_arena arena;
};

static void compile_fini(struct trace_compile *compile)
{
	trace_order_fini(&compile->order);
	trace_model_fini(&compile->model);
	trace_paths_fini(&compile->paths);
	trace_map_fini(&compile->by_pid);
	trace_map_fini(&compile->pipes);
	free(compile->proc);
	free(compile->start);
	free(compile->joined);
}

/* "folder/tar.strace" is called "tar". */
static char *base_name(struct trace_arena *arena, const char *file)
{
	static const char ending[] = ".strace";
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	size_t bytes = strlen(name);

	if (bytes > sizeof ending - 1 && !strcmp(name + bytes - (sizeof ending - 1), ending))
		bytes -= sizeof ending - 1;
	return trace_arena_copy(arena, name, bytes);
}

int trace_parse(struct trace **out, const char *file, const char *text, size_t bytes,
		struct trace_error *error)
{
	struct owned *owned = calloc(1, sizeof *owned);
	struct trace_compile compile = {.file = file, .error = error, .first_cwd = TRACE_NONE};

	SIM_CHECK(owned);
	compile.arena = &owned->arena;
	trace_paths_init(&compile.paths, &owned->arena);
	trace_model_init(&compile.model, &compile.order, &compile.paths);
	trace_compile_text(&compile, (struct trace_slice){text, bytes});
	trace_finish(&compile, &owned->trace);
	compile_fini(&compile);
	owned->trace.name = base_name(&owned->arena, file);
	if (compile.failed) {
		trace_free(&owned->trace);
		return -1;
	}
	owned->trace.digest = XXH3_64bits(text, bytes);
	*out = &owned->trace;
	return 0;
}

void trace_free(struct trace *trace)
{
	struct owned *owned = (struct owned *)trace;

	if (!owned)
		return;
	trace_arena_fini(&owned->arena);
	free(owned);
}

/* The whole file, owned by the caller; NULL with errno set. */
static char *read_file(const char *file, size_t *bytes)
{
	FILE *in = fopen(file, "rb");
	char *text = NULL;
	size_t used = 0, room = 0, got;

	if (!in)
		return NULL;
	do {
		if (room - used < 4096) {
			room = room ? room * 2 : (size_t)1 << 16;
			text = realloc(text, room);
			SIM_CHECK(text);
		}
		got = fread(text + used, 1, room - used, in);
		used += got;
	} while (got);
	if (ferror(in)) {
		free(text);
		text = NULL;
	}
	fclose(in);
	*bytes = used;
	return text;
}

static void say_missing(const char *name, int number, struct trace_error *error)
{
	char list[300] = "";
	size_t used = 0;

	for (const struct embedded_file *at = embedded_files; at->name && used < sizeof list; at++) {
		size_t bytes = strlen(at->name);

		if (!strncmp(at->name, "traces/", 7) && bytes > 14 &&
		    !strcmp(at->name + bytes - 7, ".strace"))
			used += (size_t)snprintf(list + used, sizeof list - used, "%s%.*s", used ? ", " : "",
						 (int)(bytes - 14), at->name + 7);
	}
	snprintf(error->text, sizeof error->text,
		 "%s: it cannot be read: %s; name a file or a built-in recording (%s)", name,
		 strerror(number), *list ? list : "none");
}

int trace_read(struct trace **out, const char *name_or_file, struct trace_error *error)
{
	const struct embedded_file *embedded = NULL;
	char name[256], *text;
	size_t bytes;
	int result;

	if (!strchr(name_or_file, '/') &&
	    snprintf(name, sizeof name, "traces/%s.strace", name_or_file) < (int)sizeof name)
		embedded = embedded_find(name);
	if (embedded)
		return trace_parse(out, name_or_file, embedded->text, embedded->bytes, error);
	errno = 0;
	text = read_file(name_or_file, &bytes);
	if (!text) {
		say_missing(name_or_file, errno ? errno : EIO, error);
		return -1;
	}
	result = trace_parse(out, name_or_file, text, bytes, error);
	free(text);
	return result;
}
