/* cli/folder.h - the folder that a run leaves behind, written aside and renamed when it is whole.
 *
 * Whatever ends the program before folder_commit() (Ctrl-C, a failed check) leaves nothing behind. At most
 * one folder at a time. Layer: cli. One thread. */
#ifndef SKERRY_CLI_FOLDER_H
#define SKERRY_CLI_FOLDER_H
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>

struct folder {
	char aside[PATH_MAX];  /* where files are written until they are all there */
	char wanted[PATH_MAX]; /* where they will be; after folder_commit(): where they are */
	bool named;            /* by --out: no link runs/latest */
	bool existed;          /* it is there and empty: files move into it */
	bool open;
};

/* Makes the folder aside: `out` NULL: for runs/<UTC time>-<name>, else for `out`, which must not exist or be
 * empty. Returns 0, or an exit code after a message with a remedy. */
int folder_begin(struct folder *folder, const char *out, const char *name);

/* Opens a file of the folder ("result.json", "latency/open.hgrm") for writing, or NULL after a message. */
FILE *folder_open(struct folder *folder, const char *file);
/* Closes it; -1 after a message if it could not be written. */
int folder_close(struct folder *folder, const char *file, FILE *out);

/* Puts the folder in its place. Returns 0, or an exit code after a message. */
int folder_commit(struct folder *folder);
void folder_abandon(struct folder *folder); /* removes what is aside; harmless after a commit */

#endif
