#include "ssi/translate.h"
#include <errno.h>
#include <stdlib.h>

int ssi_table_init(struct ssi_table *table, uint32_t expected)
{
	uint32_t size = 16;
	*table = (struct ssi_table){0};
	if (!expected)
		return 0;
	while (size / 4 * 3 < expected)
		size *= 2;
	table->entry = calloc(size, sizeof *table->entry);
	if (!table->entry)
		return -ENOMEM;
	table->mask = size - 1;
	return 0;
}

void ssi_table_fini(struct ssi_table *table)
{
	free(table->entry);
	*table = (struct ssi_table){0};
}

static void place(struct ssi_table *table, uint64_t key, uint64_t value)
{
	uint32_t i = ssi_table_slot(key) & table->mask;
	while (table->entry[i].key && table->entry[i].key != key)
		i = (i + 1) & table->mask;
	table->count += !table->entry[i].key;
	table->entry[i] = (struct ssi_entry){key, value};
}

static int grow(struct ssi_table *table)
{
	struct ssi_table bigger;
	if (ssi_table_init(&bigger, table->mask ? table->mask + 1 : 8))
		return -ENOMEM;
	for (uint32_t i = 0; table->mask && i <= table->mask; i++)
		if (table->entry[i].key)
			place(&bigger, table->entry[i].key, table->entry[i].value);
	free(table->entry);
	*table = bigger;
	return 0;
}

int ssi_table_put(struct ssi_table *table, uint64_t key, uint64_t value)
{
	if (!table->mask || table->count >= (table->mask + 1) / 4 * 3) {
		int error = grow(table);
		if (error)
			return error;
	}
	place(table, key, value);
	return 0;
}

void ssi_table_remove(struct ssi_table *table, uint64_t key)
{
	if (!table->mask)
		return;
	uint32_t i = ssi_table_slot(key) & table->mask;
	while (table->entry[i].key != key) {
		if (!table->entry[i].key)
			return;
		i = (i + 1) & table->mask;
	}
	table->count--;
	/* What follows in the same run moves back, unless it already stands at or behind its own place. */
	for (uint32_t hole = i;;) {
		i = (i + 1) & table->mask;
		if (!table->entry[i].key) {
			table->entry[hole] = (struct ssi_entry){0};
			return;
		}
		uint32_t home = ssi_table_slot(table->entry[i].key) & table->mask;
		if (((i - home) & table->mask) >= ((i - hole) & table->mask)) {
			table->entry[hole] = table->entry[i];
			hole = i;
		}
	}
}
