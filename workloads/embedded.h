/* workloads/embedded.h - files built into the program, so that it runs in any folder.
 *
 * scripts/embed.py writes the table at build time from workloads/scenarios/ and workloads/traces/.
 * Layer: workloads. Immutable. */
#ifndef SKERRY_WORKLOADS_EMBEDDED_H
#define SKERRY_WORKLOADS_EMBEDDED_H
#include <stddef.h>

struct embedded_file {
	const char *name; /* "scenarios/demo.yaml", "traces/tar.strace" */
	const char *text; /* zero-terminated */
	size_t bytes;     /* without the zero */
};

extern const struct embedded_file embedded_files[]; /* ends with name NULL */

const struct embedded_file *embedded_find(const char *name); /* NULL if there is none */

#endif
