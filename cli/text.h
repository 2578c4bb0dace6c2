/* cli/text.h - texts for people: tables, times, counts, words for a shell. Layer: cli. */
#ifndef SKERRY_CLI_TEXT_H
#define SKERRY_CLI_TEXT_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "sim/time.h"

#define TEXT_BYTES 40 /* of what the functions below write */

/* "1.25 us": three digits and a unit. Returns out. */
const char *text_time(char out[TEXT_BYTES], sim_ps time);
const char *text_seconds(char out[TEXT_BYTES], double seconds);
const char *text_count(char out[TEXT_BYTES], uint64_t count); /* "1,234,567" */
const char *text_large(char out[TEXT_BYTES], double value);   /* "1.23 M" */
const char *text_bytes(char out[TEXT_BYTES], uint64_t bytes); /* "12.3 MiB" */

#define TEXT_COLUMNS_MAX 16
#define TEXT_ROWS_MAX    256

/* Rows of cells, written with aligned columns: the first to the left, the others to the right, or all to the
 * left. Cells are copied. A zeroed struct is an empty table. */
struct text_table {
	uint32_t columns, rows, at;
	bool left;
	char *cell[TEXT_ROWS_MAX][TEXT_COLUMNS_MAX];
};
/* Adds a cell to the row; text_table_end() ends the row. What does not fit is left out. */
void text_table_add(struct text_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_table_end(struct text_table *table);
void text_table_write(struct text_table *table, FILE *out, const char *indent); /* and empties it */

/* Writes a word as a shell reads it back. */
void text_shell_word(FILE *out, const char *word);

/* Writes a JSON value and a newline. Returns 0 or -EIO. */
int text_json(FILE *out, const json_t *json);
#endif
