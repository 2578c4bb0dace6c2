/* ssi/translate.h - global names to local slots: what makes a capability mean something on another kernel.
 *
 * Open addressing, linear probing, at most three quarters full, entries of 16 bytes; deletion shifts back, so there
 * are no tombstones and a lookup that fails is as short as one that succeeds. Keys are 64-bit words other than 0.
 * Growing allocates; sized once with ssi_table_init() it never does.
 * Thread rule: the monitor that owns the table. Layer: ssi. */
#ifndef SKERRY_SSI_TRANSLATE_H
#define SKERRY_SSI_TRANSLATE_H
#include <stdint.h>

struct ssi_entry {
	uint64_t key; /* 0: empty */
	uint64_t value;
};
struct ssi_table {
	struct ssi_entry *entry;
	uint32_t mask, count; /* mask 0: nothing was ever put */
};

#define SSI_TABLE_NONE UINT64_MAX

/* Room for `expected` entries without growing (0: none yet). Returns 0 or -ENOMEM. */
int ssi_table_init(struct ssi_table *table, uint32_t expected);
void ssi_table_fini(struct ssi_table *table);

/* Adds or replaces. Returns 0 or -ENOMEM. */
int ssi_table_put(struct ssi_table *table, uint64_t key, uint64_t value);
void ssi_table_remove(struct ssi_table *table, uint64_t key);

/* Names are far from random: they count up in some of their bits and are equal in the others, so every bit has to
 * reach every bit of the slot. */
static inline uint32_t ssi_table_slot(uint64_t key)
{
	uint64_t x = (key ^ key >> 32) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	return (uint32_t)(x >> 32);
}

/* The value, or SSI_TABLE_NONE. */
static inline uint64_t ssi_table_find(const struct ssi_table *table, uint64_t key)
{
	if (!table->mask)
		return SSI_TABLE_NONE;
	for (uint32_t i = ssi_table_slot(key) & table->mask;; i = (i + 1) & table->mask) {
		const struct ssi_entry *e = &table->entry[i];
		if (e->key == key)
			return e->value;
		if (!e->key)
			return SSI_TABLE_NONE;
	}
}

#endif
