/* workloads/plainfs.h - a plain file system in memory that executes the operations of a trace, one at a time.
 *
 * The yardstick: no caches, no messages, no capabilities. It starts from a trace's initial state and answers
 * what a correct file service must answer: names with hard and symbolic links, files that are unlinked while
 * open, sizes, directory counts and, if asked, the bytes of pages.
 * One thread owns one; the trace is borrowed and must outlive it. Errors are positive errno values; running out
 * of memory ends the program. Layer: workloads. */
#ifndef SKERRY_WORKLOADS_PLAINFS_H
#define SKERRY_WORKLOADS_PLAINFS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "workloads/trace.h"

#define PLAINFS_PAGE_BYTES 4096

struct plainfs; /* opaque */

/* The bytes of a file that was there before: page `page` of initial[index], zero beyond its end. Borrowed from
 * the caller for as long as the file system lives, so that many may share it; a page is copied when it is written. */
typedef const uint8_t *plainfs_initial(void *context, uint32_t index, uint64_t page);

/* `initial` may be NULL: initial bytes are then zero. Pages are made when they are first written. */
struct plainfs *plainfs_new(const struct trace *trace, plainfs_initial *initial, void *context);
void plainfs_free(struct plainfs *fs); /* takes NULL */

struct plainfs_answer {
	int error;
	uint64_t length;   /* READ: bytes up to the end of the file, LIST: entries */
	uint64_t size;     /* STAT, FSTAT; of a directory 0, of a symbolic link its text */
	bool is_directory; /* STAT, FSTAT */
};

/* Executes one operation (kinds without a file do nothing) and answers. WRITE extends the file but leaves its
 * bytes to plainfs_write(). */
struct plainfs_answer plainfs_apply(struct plainfs *fs, const struct trace_op *op);

/* NULL if the answer is the recorded one, else in what they differ. */
const char *plainfs_differs(const struct trace_op *op, const struct plainfs_answer *answer);

uint64_t plainfs_size(const struct plainfs *fs, uint32_t handle);

/* Writes bytes to the open file, extends it if needed. */
void plainfs_write(struct plainfs *fs, uint32_t handle, uint64_t offset, const uint8_t *bytes, size_t length);

/* The page of the open file, bytes beyond its end zero; borrowed until the next call on `fs`. */
const uint8_t *plainfs_page(struct plainfs *fs, uint32_t handle, uint64_t page);

#endif
