#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cli/text.h"
#include "sim/check.h"

static void three_digits(char *out, double value, const char *unit)
{
	snprintf(out, TEXT_BYTES, "%.*f%s", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, unit);
}

const char *text_time(char out[TEXT_BYTES], sim_ps time)
{
	double ns = (double)time / 1e3;
	if (ns < 999.5)
		three_digits(out, ns, " ns");
	else if (ns < 999.5e3)
		three_digits(out, ns / 1e3, " us");
	else if (ns < 999.5e6)
		three_digits(out, ns / 1e6, " ms");
	else
		three_digits(out, ns / 1e9, " s");
	return out;
}

const char *text_seconds(char out[TEXT_BYTES], double seconds)
{
	return text_time(out, seconds > 0 ? (sim_ps)(seconds * 1e12) : 0);
}

const char *text_count(char out[TEXT_BYTES], uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), to = 0;
	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			out[to++] = ',';
		out[to++] = digits[i];
	}
	out[to] = 0;
	return out;
}

const char *text_large(char out[TEXT_BYTES], double value)
{
	if (value < 999.5)
		snprintf(out, TEXT_BYTES, "%.0f", value);
	else if (value < 999.5e3)
		three_digits(out, value / 1e3, " k");
	else if (value < 999.5e6)
		three_digits(out, value / 1e6, " M");
	else
		three_digits(out, value / 1e9, " G");
	return out;
}

const char *text_bytes(char out[TEXT_BYTES], uint64_t bytes)
{
	if (bytes < 1024)
		snprintf(out, TEXT_BYTES, "%u B", (unsigned)bytes);
	else if (bytes < UINT64_C(1) << 20)
		three_digits(out, (double)bytes / 1024, " KiB");
	else if (bytes < UINT64_C(1) << 30)
		three_digits(out, (double)bytes / (1 << 20), " MiB");
	else
		three_digits(out, (double)bytes / (1 << 30), " GiB");
	return out;
}

void text_table_add(struct text_table *table, const char *format, ...)
{
	va_list args;
	char *cell = NULL;
	if (table->rows == TEXT_ROWS_MAX || table->at == TEXT_COLUMNS_MAX)
		return;
	va_start(args, format);
	SIM_CHECK(vasprintf(&cell, format, args) >= 0);
	va_end(args);
	table->cell[table->rows][table->at++] = cell;
	if (table->at > table->columns)
		table->columns = table->at;
}

void text_table_end(struct text_table *table)
{
	table->at = 0;
	if (table->rows < TEXT_ROWS_MAX)
		table->rows++;
}

/* Columns that the terminal shows, not bytes: continuation bytes of UTF-8 take none. */
static int width_of(const char *text)
{
	int width = 0;
	for (; text && *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void write_row(const struct text_table *table, uint32_t row, const int *width, FILE *out)
{
	int owed = 0; /* spaces that are written only if something follows */
	for (uint32_t c = 0; c < table->columns; c++) {
		const char *cell = table->cell[row][c] ? table->cell[row][c] : "";
		int pad = width[c] - width_of(cell);
		bool left = table->left || !c;
		owed += left ? 0 : pad;
		if (*cell) {
			fprintf(out, "%*s%s", owed, "", cell);
			owed = 0;
		} else {
			owed += width_of(cell);
		}
		owed += 2 + (left ? pad : 0);
	}
	fputc('\n', out);
}

void text_table_write(struct text_table *table, FILE *out, const char *indent)
{
	int width[TEXT_COLUMNS_MAX] = {0};
	for (uint32_t r = 0; r < table->rows; r++)
		for (uint32_t c = 0; c < table->columns; c++)
			if (width_of(table->cell[r][c]) > width[c])
				width[c] = width_of(table->cell[r][c]);
	for (uint32_t r = 0; r < table->rows; r++) {
		fputs(indent, out);
		write_row(table, r, width, out);
		for (uint32_t c = 0; c < table->columns; c++)
			free(table->cell[r][c]);
	}
	memset(table, 0, sizeof *table);
}

void text_shell_word(FILE *out, const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
	if (*word && strspn(word, plain) == strlen(word)) {
		fputs(word, out);
		return;
	}
	fputc('\'', out);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", out);
		else
			fputc(*word, out);
	fputc('\'', out);
}

int text_json(FILE *out, const json_t *json)
{
	/* 15 digits keep a picosecond in 11 days of nanoseconds, and print 0.1 as 0.1. */
	if (json_dumpf(json, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)))
		return -EIO;
	fputc('\n', out);
	return ferror(out) ? -EIO : 0;
}
