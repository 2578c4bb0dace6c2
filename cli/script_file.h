/* cli/script_file.h - scripts as files, NAME.skr: JSON that says what happens step by step.
 *
 * Written beside and renamed. Read strictly: a key that does not belong there, a value of the wrong kind, or a step with
 * a name that the protocol does not have is refused with its place. Layer: cli. */
#ifndef SKERRY_CLI_SCRIPT_FILE_H
#define SKERRY_CLI_SCRIPT_FILE_H
#include <jansson.h>
#include "ssi/checker/script.h"

#define SCRIPT_FILE_WHY 512

/* What a file says before its protocol is known. */
struct script_head {
	char protocol[96];
	char library[4096]; /* the shared object that the protocol came from; empty: one of Skerry's own */
	char table[SCRIPT_FINGERPRINT];
};

/* `library`: see above; NULL: none. The caller owns the result. */
json_t *script_json(const struct script *script, const struct step_protocol *protocol, const char *library);
/* Reads a file. Returns its JSON, which the caller owns, or NULL and one message in `why`: place, cause, remedy. */
json_t *script_file_read(const char *path, struct script_head *head, char why[SCRIPT_FILE_WHY]);
/* The script that it holds, for this protocol; the caller owns it. NULL and a message. */
struct script *script_of_json(const char *path, const json_t *file, const struct step_protocol *protocol,
			      char why[SCRIPT_FILE_WHY]);

#endif
