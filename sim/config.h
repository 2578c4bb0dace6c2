/* sim/config.h - a strict, typed reader of YAML, driven by tables.
 *
 * A table of fields says which keys a mapping may have, of which kind and unit, within which bounds, with
 * which default. The same table reads a file, takes `--set path.to.key=value` and writes the reference page,
 * so there is one way to set a thing. Nothing is guessed: unknown and repeated keys, wrong or missing units,
 * numbers out of range, anchors, tags and second documents are refused, with one message:
 *
 *   FILE:LINE: machine.link.wire: "1000ns": what is wrong; the remedy
 *   --set machine.clustrs=4: unknown key "clustrs"; did you mean "clusters"?
 *
 * Thread rule: one thread owns a reader. Layer: sim. */
#ifndef SKERRY_SIM_CONFIG_H
#define SKERRY_SIM_CONFIG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "sim/quantity.h"

#define SIM_CONFIG_BYTES_MAX (1u << 20) /* of a file */
#define SIM_CONFIG_DEPTH_MAX 16         /* mappings and lists within each other */
#define SIM_CONFIG_PATH_MAX  256        /* "machine.link.wire" */

/* Where the value of a kind is kept in the target. */
enum sim_config_kind {
	SIM_CONFIG_QUANTITY, /* uint64_t, in the base unit of `unit` */
	SIM_CONFIG_BOOL,     /* bool: true or false */
	SIM_CONFIG_TEXT,     /* char *, owned by the reader: one line, min..max bytes */
	SIM_CONFIG_NAME,     /* char *, owned by the reader: letters, digits, '.', '_' and '-' */
	SIM_CONFIG_CHOICE,   /* uint64_t, index into `choices` */
	SIM_CONFIG_RANGE,    /* struct sim_config_range */
	SIM_CONFIG_TABLE,    /* a struct, described by `table` */
	SIM_CONFIG_LIST,  /* at most `max` structs in place, described by `table`; uint32_t at count_offset */
	SIM_CONFIG_PAIRS, /* at most `max` struct sim_config_pair in place; uint32_t at count_offset */
};

/* "all", "others", "3-7" or "5". */
struct sim_config_range {
	bool all, others;
	uint32_t first, last;
};

/* A key that no table knows beforehand, with its scalar; both owned by the reader. */
struct sim_config_pair {
	char *key, *value;
};

struct sim_config_table;

struct sim_config_field {
	const char *key;
	enum sim_config_kind kind;
	enum sim_unit unit;          /* QUANTITY */
	size_t offset, count_offset; /* in the struct of the table that the field is in */
	uint64_t min, max;    /* QUANTITY: value; TEXT, NAME: bytes; LIST, PAIRS: entries; max 0: no limit */
	const char *fallback; /* the default, as a user would write it; NULL: the target stays zero */
	const char *const *choices;           /* CHOICE: NULL-terminated */
	const struct sim_config_table *table; /* TABLE, LIST */
	const char *otherwise; /* reference: what holds without it if there is no fallback; may be NULL */
	const char *help;      /* reference: what it means; a sentence */
};

struct sim_config_table {
	const struct sim_config_field *fields;
	uint32_t fields_count;
	size_t bytes; /* of the struct */
};

struct sim_config; /* opaque */

/* A reader into `target`, a zeroed struct of root->bytes, borrowed; defaults are set at once. `name`
 * stands for the file in messages and is copied. On success *out is owned by the caller, who passes it to
 * sim_config_free(), which also frees the texts of the target. Returns 0 or -ENOMEM. */
int sim_config_new(struct sim_config **out, const struct sim_config_table *root, void *target,
		   const char *name);
void sim_config_free(struct sim_config *config); /* takes NULL */

/* Reads a document into the target. Returns 0, or -1 and sim_config_error() says why; the target is then
 * half set and of no use. */
int sim_config_read(struct sim_config *config, const char *text, size_t bytes);

/* Takes "path.to.key=value": entries of lists by index ("clients.0.repeat=3"; the next index appends). The
 * value is taken as it stands, or read as YAML if it begins with '[', '{' or a quote. A mapping sets the
 * keys it names; a list replaces the list. Returns as sim_config_read(). */
int sim_config_set(struct sim_config *config, const char *assignment);

/* Was it given, by file or --set (not by default)? */
bool sim_config_given(const struct sim_config *config, const char *path);
int sim_config_line(const struct sim_config *config, const char *path); /* 0: not from the file */

/* Complains about the value at `path`: notes "FILE:LINE: path: "word": " and the message, if it is the
 * first. The place is that of the path, or of what encloses it. `word` NULL: the message stands alone.
 * Returns -1. */
int sim_config_fail(struct sim_config *config, const char *path, const char *word, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

const char *sim_config_error(const struct sim_config *config); /* "" if there is none */
void sim_config_forgive(struct sim_config *config);            /* forgets the error, to complain anew */

/* A copy of a text with the life of the reader, or NULL without memory. */
char *sim_config_keep(struct sim_config *config, const char *text, size_t bytes);

/* Can this text be written in double quotes and read back? One line of UTF-8 without control characters. */
bool sim_config_text_is_plain(const char *text, size_t bytes);

/* Writes `text` in double quotes, escaped. */
void sim_config_write_text(FILE *out, const char *text);

/* Writes a Markdown table of all keys: key, type and unit, default, meaning. */
void sim_config_write_reference(FILE *out, const struct sim_config_table *root);

#endif
