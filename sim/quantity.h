/* sim/quantity.h - numbers with units, read strictly and exactly.
 *
 * "1,000 cycles", "500us", "2.5 GHz", "4 KiB", "8 B/cycle", "20%". Decimal arithmetic in integers: no
 * libm, no locale, so a value means the same on every machine. What is not exact in the base unit is
 * refused, never rounded. Layer: sim. Pure: any thread. */
#ifndef SKERRY_SIM_QUANTITY_H
#define SKERRY_SIM_QUANTITY_H
#include <stddef.h>
#include <stdint.h>

enum sim_unit {
	SIM_UNIT_NONE,      /* a count: no unit is allowed */
	SIM_UNIT_CYCLES,    /* base unit: one cycle; the only quantity whose unit may be left out */
	SIM_UNIT_DURATION,  /* picoseconds */
	SIM_UNIT_FREQUENCY, /* Hz */
	SIM_UNIT_BYTES,     /* bytes */
	SIM_UNIT_RATE,      /* thousandths of a byte per cycle */
	SIM_UNIT_PERCENT,   /* per cent */
	SIM_UNIT_RATIO,     /* thousandths of one; written without a unit, e.g. "2.5" */
	SIM_UNITS
};

#define SIM_QUANTITY_TEXT 48 /* enough for what sim_quantity_print() writes */

/* Reads all of `text` into base units. On failure returns -1, leaves *out untouched and writes what is wrong
 * and the remedy ("what; remedy", without the word itself) to why[size]. */
int sim_quantity_parse(uint64_t *out, enum sim_unit unit, const char *text, char *why, size_t size);

/* Writes `value` so that sim_quantity_parse() reads the same value: "2.5 GHz", "500 us". */
void sim_quantity_print(char out[SIM_QUANTITY_TEXT], enum sim_unit unit, uint64_t value);

/* What a user should write, for messages and the reference: "a duration, e.g. \"500 us\"". Static. */
const char *sim_unit_about(enum sim_unit unit);

/* Of a NULL-terminated list the name that is meant by `word` (near by edit distance, or the only one that
 * begins with it), or NULL. */
const char *sim_nearest_name(const char *word, const char *const *names);

#endif
