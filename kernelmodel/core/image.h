/* kernelmodel/core/image.h - programs that skerry-cc made, loaded as often as there are root tasks.
 *
 * An instance has globals of its own: every one but the first is a copy in memory that the dynamic linker takes for
 * another file. External symbols are those of the program that loads it (exported by name) and of libc.
 *
 * Thread rule: one thread opens and closes. Layer: kernelmodel. */
#ifndef SKERRY_KERNELMODEL_CORE_IMAGE_H
#define SKERRY_KERNELMODEL_CORE_IMAGE_H
#include <stddef.h>
#include <stdint.h>

struct core_image;

/* Loads an instance of the file `path`; argc and argv (borrowed) are its main's. Returns 0, or a negative errno and in `why`
 * one message: what, and the remedy. */
int core_image_open(struct core_image **out, const char *path, int argc, char **argv, char *why,
		    size_t why_size);
void core_image_close(struct core_image *image); /* takes NULL; not while it runs */

/* Where in its file this code is, for addr2line; 0: it is not the program's. */
uint64_t core_image_offset(const struct core_image *image, uint64_t ip);

/* Runs its main(): entry and argument of a struct core_config. */
int core_image_main(void *image);

#endif
