/* cli/file.h - whole files: read, and replaced at once, so that nobody sees half of one. Layer: cli. */
#ifndef SKERRY_CLI_FILE_H
#define SKERRY_CLI_FILE_H
#include <stddef.h>

/* Reads a file of at most `most` bytes into memory that the caller frees, zero-terminated; NULL and errno. */
char *file_read(const char *path, size_t most, size_t *bytes);

/* Writes it beside and renames it. Returns 0, or -1 and errno; the old file then is as it was. */
int file_replace(const char *path, const char *text, size_t bytes);

#endif
