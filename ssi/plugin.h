/* ssi/plugin.h - how every command finds a protocol: one that comes with Skerry, or one in a shared object.
 *
 * A shared object is code that runs with the rights of the program, like any program that its user compiles and starts.
 * What is checked is that it is what it was meant to be: a file, for this machine, compiled against these headers
 * (<skerry/plugin.h>), with all that it needs, with tables that step_protocol_check() accepts, of the family that is asked
 * for. It stays loaded until the program ends; loading the same file again gives the same protocol.
 *
 * Thread rule: one thread at a time, before a machine or a check begins. Layer: ssi. */
#ifndef SKERRY_SSI_PLUGIN_H
#define SKERRY_SSI_PLUGIN_H
#include <stdbool.h>
#include <stddef.h>
#include <skerry/protocol.h>

#define PROTOCOL_WHY_BYTES 512

/* Whether `name` is a path and not the name of a protocol: it ends in ".so", or begins with "/", "./" or "../". */
bool protocol_is_path(const char *name);

/* The protocol of a name ("capability/tree"; "tree" where `family` says "capability") or of a path. `family` NULL: any.
 * Returns 0, or -1 with one sentence in `why` (of PROTOCOL_WHY_BYTES; it begins with neither the name nor a capital, so that
 * a message may put the place before it) and *out untouched. */
int protocol_open(const struct step_protocol **out, const char *name, const char *family,
		  char why[PROTOCOL_WHY_BYTES]);

#endif
