/* workloads/trace_scan.h - the words of a recording: lines, calls, arguments, results. Knows no meaning.
 *
 * Internal to trace_*.c. Slices borrow the text that was scanned. Any thread. Layer: workloads. */
#ifndef SKERRY_WORKLOADS_TRACE_SCAN_H
#define SKERRY_WORKLOADS_TRACE_SCAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_ARGUMENTS  10
#define TRACE_PATH_BYTES 4096

struct trace_slice {
	const char *at;
	size_t bytes;
};

enum trace_line_kind {
	TRACE_LINE_CALL,       /* name(arguments) = result */
	TRACE_LINE_UNFINISHED, /* name(arguments <unfinished ...> */
	TRACE_LINE_RESUMED,    /* <... name resumed>arguments) = result */
	TRACE_LINE_EXITED,     /* +++ exited with ..., +++ killed by ... */
	TRACE_LINE_SUPERSEDED, /* +++ superseded by execve in pid ... */
	TRACE_LINE_NOISE       /* empty, a comment, a signal, a word of strace itself */
};

struct trace_line {
	enum trace_line_kind kind;
	bool has_pid;
	uint64_t pid;
	struct trace_slice name;
	struct trace_slice rest; /* behind "(" or "resumed>" */
};

enum trace_outcome { TRACE_RETURNED, TRACE_FAILED, TRACE_UNTOLD /* "= ?" */ };

struct trace_call {
	struct trace_slice name;
	uint32_t arguments;
	struct trace_slice argument[TRACE_ARGUMENTS];
	enum trace_outcome outcome;
	int64_t value;           /* pointers too: the bits */
	int error;               /* 0 if the name of the error is not known here */
	struct trace_slice note; /* 3<note> of the result; bytes 0 if there is none */
};

/* Both return NULL, or why the text is not what strace writes. */
const char *trace_scan_line(struct trace_slice text, struct trace_line *out);
const char *trace_scan_call(struct trace_slice name, struct trace_slice rest, struct trace_call *out);

bool trace_slice_is(struct trace_slice slice, const char *text);
bool trace_slice_has(struct trace_slice slice, const char *text); /* anywhere */
bool trace_slice_starts(struct trace_slice slice, const char *text);

/* Is `flag` one of the words of "A|B|C"? */
bool trace_scan_flag(struct trace_slice slice, const char *flag);

/* A number, decimal, hexadecimal or octal, at the start; false if there is none or it is beyond 64 bits. */
bool trace_scan_number(struct trace_slice slice, int64_t *out);

/* The number behind "key" ("st_size=") outside strings; false if it is not there. */
bool trace_scan_field(struct trace_slice slice, const char *key, int64_t *out);

/* "5</srv/demo>" or "AT_FDCWD</srv/demo>": the number (-100 for AT_FDCWD) and the note, still escaped. */
bool trace_scan_descriptor(struct trace_slice slice, int64_t *fd, struct trace_slice *note);

enum trace_string { TRACE_STRING_WHOLE, TRACE_STRING_CUT, TRACE_STRING_NONE, TRACE_STRING_LONG };

/* Undoes the C escapes of a "string" into `out`, zero-terminated; *bytes is its length. */
enum trace_string trace_scan_string(struct trace_slice slice, char out[TRACE_PATH_BYTES + 1], size_t *bytes);

/* The same for a note without quotes. `deleted`: it ended in "(deleted)", which is taken off. */
enum trace_string trace_scan_note(struct trace_slice slice, char out[TRACE_PATH_BYTES + 1], size_t *bytes,
				  bool *deleted);

#endif
