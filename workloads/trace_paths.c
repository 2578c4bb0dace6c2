#include "workloads/trace_paths.h"
#include "workloads/trace_scan.h"
#include <stdlib.h>
#include <string.h>

static uint32_t add_path(struct trace_paths *paths, const char *text)
{
	paths->path = trace_grow(paths->path, &paths->path_room, paths->paths, sizeof *paths->path);
	paths->path[paths->paths] = (struct trace_path){text, paths->components, 0};
	return paths->paths++;
}

/* Adds the components of path `index`; "." is left out, ".." kept (canonical paths hold neither). */
static void add_components(struct trace_paths *paths, uint32_t index)
{
	const char *at = paths->path[index].text;

	while (*at) {
		size_t bytes = strcspn(at, "/");
		int fresh;

		if (bytes && !(bytes == 1 && *at == '.')) {
			paths->component = trace_grow(paths->component, &paths->component_room,
						      paths->components, sizeof *paths->component);
			paths->component[paths->components++] =
				trace_strings_intern(&paths->names, paths->arena, at, bytes, &fresh);
			paths->path[index].count++;
		}
		at += bytes + (at[bytes] == '/');
	}
}

static uint32_t intern(struct trace_paths *paths, struct trace_strings *strings, uint32_t **of,
		       uint32_t *room, const char *text, size_t bytes)
{
	int fresh;
	uint32_t string = trace_strings_intern(strings, paths->arena, text, bytes, &fresh);

	if (!fresh)
		return (*of)[string];
	*of = trace_grow(*of, room, string, sizeof **of);
	(*of)[string] = add_path(paths, strings->text[string]);
	add_components(paths, (*of)[string]);
	return (*of)[string];
}

static uint32_t intern_absolute(struct trace_paths *paths, const char *text, size_t bytes)
{
	return intern(paths, &paths->absolute, &paths->of_absolute, &paths->of_absolute_room, text, bytes);
}

void trace_paths_init(struct trace_paths *paths, struct trace_arena *arena)
{
	*paths = (struct trace_paths){.arena = arena};
	intern_absolute(paths, "/", 1);
}

void trace_paths_fini(struct trace_paths *paths)
{
	trace_strings_fini(&paths->names);
	trace_strings_fini(&paths->absolute);
	trace_strings_fini(&paths->links);
	free(paths->path);
	free(paths->component);
	free(paths->of_absolute);
	free(paths->of_link);
	memset(paths, 0, sizeof *paths);
}

/* Appends the components of `text` to the canonical path in `out`. Returns the new length, or 0 if too
 * long. */
static size_t join(char *out, size_t used, const char *text, size_t bytes)
{
	size_t i = 0;

	while (i < bytes) {
		const char *slash = memchr(text + i, '/', bytes - i);
		size_t n = slash ? (size_t)(slash - (text + i)) : bytes - i;

		if (n == 2 && text[i] == '.' && text[i + 1] == '.') {
			while (used > 1 && out[--used] != '/')
				;
		} else if (n && !(n == 1 && text[i] == '.')) {
			if (used + 1 + n > TRACE_PATH_BYTES)
				return 0;
			if (used > 1)
				out[used++] = '/';
			memcpy(out + used, text + i, n);
			used += n;
		}
		i += n + 1;
	}
	return used;
}

uint32_t trace_paths_resolve(struct trace_paths *paths, uint32_t base, const char *text, size_t bytes)
{
	char out[TRACE_PATH_BYTES + 1] = "/";
	size_t used = 1;

	if (!bytes || text[0] != '/') {
		used = strlen(paths->path[base].text);
		memcpy(out, paths->path[base].text, used);
	}
	used = join(out, used, text, bytes);
	return used ? intern_absolute(paths, out, used) : TRACE_NONE;
}

uint32_t trace_paths_link(struct trace_paths *paths, const char *text, size_t bytes)
{
	return intern(paths, &paths->links, &paths->of_link, &paths->of_link_room, text, bytes);
}

uint32_t trace_paths_entry(struct trace_paths *paths, uint32_t base, uint32_t name)
{
	return trace_paths_resolve(paths, base, paths->names.text[name], paths->names.bytes[name]);
}

uint32_t trace_paths_component(const struct trace_paths *paths, uint32_t path, uint32_t at)
{
	return paths->component[paths->path[path].first + at];
}

bool trace_paths_made_up(const struct trace_paths *paths, uint32_t path)
{
	static const char *const roots[] = {"/dev", "/proc", "/sys"};

	for (int i = 0; i < 3; i++) {
		size_t n = strlen(roots[i]);

		if (!strncmp(paths->path[path].text, roots[i], n) &&
		    (!paths->path[path].text[n] || paths->path[path].text[n] == '/'))
			return true;
	}
	return false;
}
