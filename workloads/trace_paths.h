/* workloads/trace_paths.h - paths of a recording: canonical, interned, cut into components.
 *
 * "." and ".." and "//" are taken out of the text. So "link/.." means the folder that holds the link, where
 * the system means the folder above the link's target; recorded programs that do this are caught when the
 * compiled trace is checked against its own results.
 * Internal to trace_*.c. One thread. Layer: workloads. */
#ifndef SKERRY_WORKLOADS_TRACE_PATHS_H
#define SKERRY_WORKLOADS_TRACE_PATHS_H
#include <stdbool.h>
#include "workloads/trace.h"
#include "workloads/trace_memory.h"

struct trace_paths {
	struct trace_arena *arena; /* borrowed */
	struct trace_strings names, absolute, links;
	struct trace_path *path;
	uint32_t paths, path_room;
	uint32_t *component;
	uint32_t components, component_room;
	uint32_t *of_absolute, *of_link; /* string index -> path index */
	uint32_t of_absolute_room, of_link_room;
};

void trace_paths_init(struct trace_paths *paths, struct trace_arena *arena); /* path 0 is "/" */
void trace_paths_fini(struct trace_paths *paths);

/* Index of `text`, resolved against the path `base` unless it is absolute. TRACE_NONE: beyond 4,096 bytes. */
uint32_t trace_paths_resolve(struct trace_paths *paths, uint32_t base, const char *text, size_t bytes);

/* Index of the text of a symbolic link. */
uint32_t trace_paths_link(struct trace_paths *paths, const char *text, size_t bytes);

/* Index of the entry `name` (an index of names) of the directory at `base`; TRACE_NONE as above. */
uint32_t trace_paths_entry(struct trace_paths *paths, uint32_t base, uint32_t name);

uint32_t trace_paths_component(const struct trace_paths *paths, uint32_t path, uint32_t at);

/* Does the path lie in a part of the name space that the kernel makes up (/dev, /proc, /sys)? */
bool trace_paths_made_up(const struct trace_paths *paths, uint32_t path);

#endif
