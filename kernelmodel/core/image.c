#include "kernelmodel/core/image.h"
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define IMAGE_VERSION 1 /* of image_start.c */

struct core_image {
	void *handle;
	int (*main)(int, char **, char **);
	int argc,
		file; /* file: of its copy, kept open because the dynamic linker knows objects by name; or -1 */
	char **argv;
};

/* A copy in memory that has a name in /proc. */
static int copy_of(const char *path)
{
	struct stat about;
	const int from = open(path, O_RDONLY | O_CLOEXEC);
	int to = -1, code = 0;
	if (from < 0 || fstat(from, &about) || (to = memfd_create("skerry-program", MFD_CLOEXEC)) < 0)
		code = -errno;
	for (off_t at = 0; !code && at < about.st_size;)
		if (sendfile(to, from, &at, (size_t)(about.st_size - at)) <= 0)
			code = errno ? -errno : -EIO;
	if (from >= 0)
		close(from);
	if (code && to >= 0)
		close(to);
	return code ? code : to;
}

static int refuse(char *why, size_t why_size, const char *path, const char *what)
{
	snprintf(why, why_size, "%s: %s", path, what);
	return -EINVAL;
}

/* Is it a file of the right kind at all? What dlopen() says of others is no help. */
static int look(const char *path, char *why, size_t why_size)
{
	unsigned char head[18] = {0};
	const int file = open(path, O_RDONLY | O_CLOEXEC);
	if (file < 0) {
		snprintf(why, why_size, "%s: %s", path, strerror(errno));
		return -errno;
	}
	const ssize_t got = read(file, head, sizeof head);
	close(file);
	if (got != sizeof head || memcmp(head, "\177ELF", 4) || head[16] != 3)
		return refuse(why, why_size, path,
			      "is no program for Skerry; make one: skerry-cc FILE.c -o PROGRAM");
	return 0;
}

/* The first instance is the file itself, so that debuggers and profilers find its symbols. */
static int load(struct core_image *image, const char *path, char *why, size_t why_size)
{
	char name[32];
	void *loaded = dlopen(path, RTLD_NOW | RTLD_NOLOAD | RTLD_LOCAL);
	if (loaded) {
		dlclose(loaded);
		image->file = copy_of(path);
		if (image->file < 0) {
			snprintf(why, why_size, "%s: it cannot be copied: %s", path, strerror(-image->file));
			return image->file;
		}
		snprintf(name, sizeof name, "/proc/self/fd/%d", image->file);
		path = name;
	}
	image->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!image->handle) {
		snprintf(why, why_size, "%.1000s; was it made by skerry-cc?", dlerror());
		return -EINVAL;
	}
	return 0;
}

static int resolve(struct core_image *image, const char *path, char *why, size_t why_size)
{
	const unsigned *version = dlsym(image->handle, "skerry_image_version");
	void *entry = dlsym(image->handle, "main");
	if (!version)
		return refuse(why, why_size, path,
			      "was not made by skerry-cc; make it so: skerry-cc FILE.c -o PROGRAM");
	if (*version != IMAGE_VERSION)
		return refuse(why, why_size, path, "was made by another version of skerry-cc; make it again");
	if (!entry)
		return refuse(why, why_size, path, "has no main(); define int main(int argc, char **argv)");
	memcpy(&image->main, &entry, sizeof entry);
	return 0;
}

int core_image_open(struct core_image **out, const char *path, int argc, char **argv, char *why,
		    size_t why_size)
{
	char full[PATH_MAX];
	int code = look(path, why, why_size);
	if (code)
		return code;
	if (!realpath(path, full))
		return refuse(why, why_size, path, strerror(errno));
	struct core_image *image = calloc(1, sizeof *image);
	if (!image)
		return refuse(why, why_size, path, "no memory is left"), -ENOMEM;
	*image = (struct core_image){.argc = argc, .argv = argv, .file = -1};
	code = load(image, full, why, why_size);
	if (!code)
		code = resolve(image, path, why, why_size);
	if (code) {
		core_image_close(image);
		return code;
	}
	*out = image;
	return 0;
}

void core_image_close(struct core_image *image)
{
	if (!image)
		return;
	if (image->handle)
		dlclose(image->handle);
	if (image->file >= 0)
		close(image->file);
	free(image);
}

uint64_t core_image_offset(const struct core_image *image, uint64_t ip)
{
	Dl_info code, program;
	void *address, *own;
	memcpy(&address, &ip, sizeof address);
	memcpy(&own, &image->main, sizeof own);
	if (!dladdr(address, &code) || !dladdr(own, &program) || code.dli_fbase != program.dli_fbase)
		return 0;
	return ip - (uint64_t)(uintptr_t)code.dli_fbase;
}

int core_image_main(void *context)
{
	struct core_image *image = context;
	return image->main(image->argc, image->argv, environ);
}
