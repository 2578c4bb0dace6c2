#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/file.h"

char *file_read(const char *path, size_t most, size_t *bytes)
{
	FILE *in = fopen(path, "rb");
	char *text = in ? malloc(most + 1) : NULL;
	if (text) {
		*bytes = fread(text, 1, most, in);
		text[*bytes] = 0;
		if (ferror(in) || getc(in) != EOF) {
			errno = ferror(in) ? EIO : EFBIG;
			free(text);
			text = NULL;
		}
	}
	if (in)
		fclose(in);
	return text;
}

int file_replace(const char *path, const char *text, size_t bytes)
{
	char aside[PATH_MAX], real[PATH_MAX];
	struct stat status;
	/* A symbolic link stays one: the file that it names is replaced. */
	if (!realpath(path, real) && snprintf(real, sizeof real, "%s", path) >= (int)sizeof real)
		return -1;
	if (snprintf(aside, sizeof aside, "%s.tmp-%d", real, (int)getpid()) >= (int)sizeof aside)
		return errno = ENAMETOOLONG, -1;
	FILE *out = fopen(aside, "wxb");
	if (!out)
		return -1;
	if (!stat(real, &status))
		(void)!fchmod(fileno(out), status.st_mode & 07777);
	size_t written = fwrite(text, 1, bytes, out);
	int failed = fclose(out) || written != bytes || rename(aside, real);
	if (failed) {
		int error = errno;
		unlink(aside);
		errno = error;
	}
	return failed ? -1 : 0;
}
