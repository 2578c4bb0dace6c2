#include "sim/quantity.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include "sim/check.h"

#define MULTIPLES_MAX 6
#define NAME_MAX_LONG 48 /* longer words are not compared with names */

struct multiple {
	const char *name;
	uint64_t factor; /* of the base unit */
};

/* The printer takes the first multiple that gives at least 1, so the largest come first. */
static const struct unit {
	const char *noun, *example, *about, *base; /* base: NULL if it goes without saying */
	struct multiple multiple[MULTIPLES_MAX + 1];
} units[SIM_UNITS] = {
	/* clang-format off */
	[SIM_UNIT_NONE] = {"a whole number", "16", "a whole number, e.g. \"16\"", NULL, {{"", 1}}},
	[SIM_UNIT_CYCLES] = {"a number of cycles", "1000 cycles",
		"a number of cycles, e.g. \"1000 cycles\"", "cycles",
		{{"cycles", 1}, {"cycle", 1}}},
	[SIM_UNIT_DURATION] = {"a duration", "500 us", "a duration in ps, ns, us, ms or s, e.g. \"500 us\"",
		"picoseconds",
		{{"s", 1000000000000}, {"ms", 1000000000}, {"us", 1000000}, {"ns", 1000}, {"ps", 1}}},
	[SIM_UNIT_FREQUENCY] = {"a frequency", "2 GHz",
		"a frequency in Hz, kHz, MHz or GHz, e.g. \"2 GHz\"", "hertz",
		{{"GHz", 1000000000}, {"MHz", 1000000}, {"kHz", 1000}, {"Hz", 1}}},
	[SIM_UNIT_BYTES] = {"a size", "4 KiB", "a size in B, KiB, MiB or GiB, e.g. \"4 KiB\"", "bytes",
		{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}, {"bytes", 1}}},
	[SIM_UNIT_RATE] = {"a rate", "8 B/cycle", "a rate, e.g. \"8 B/cycle\"",
		"thousandths of a byte per cycle",
		{{"B/cycle", 1000}}},
	[SIM_UNIT_PERCENT] = {"a percentage", "20%", "a percentage, e.g. \"20%\"", "per cent", {{"%", 1}}},
	[SIM_UNIT_RATIO] = {"a number", "2.5", "a number, e.g. \"2.5\"", "thousandths", {{"", 1000}}},
	/* clang-format on */
};

const char *sim_unit_about(enum sim_unit unit) { return units[unit].about; }

/* A decimal number: mantissa / 10^scale. */
struct decimal {
	uint64_t mantissa;
	unsigned scale;
};

enum number { NUMBER_OK, NUMBER_NONE, NUMBER_LARGE, NUMBER_FINE, NUMBER_COMMA, NUMBER_ZERO, NUMBER_BAD };

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static enum number push_digit(struct decimal *number, char digit)
{
	if (__builtin_mul_overflow(number->mantissa, UINT64_C(10), &number->mantissa) ||
	    __builtin_add_overflow(number->mantissa, (uint64_t)(digit - '0'), &number->mantissa))
		return NUMBER_LARGE;
	return NUMBER_OK;
}

/* Digits, with commas before each group of three if there are any. */
static enum number read_whole(struct decimal *number, const char **at)
{
	const char *p = *at;
	size_t run = 0;
	bool commas = false;
	for (;; p++) {
		if (is_digit(*p)) {
			run++;
			if (push_digit(number, *p) != NUMBER_OK)
				return NUMBER_LARGE;
		} else if (*p == ',') {
			if (run == 0 || run > 3 || (commas && run != 3))
				return NUMBER_COMMA;
			commas = true;
			run = 0;
		} else {
			break;
		}
	}
	if (commas && run != 3)
		return NUMBER_COMMA;
	if (!commas && run > 1 && **at == '0')
		return NUMBER_ZERO;
	*at = p;
	return NUMBER_OK;
}

/* Trailing zeros of the fraction say nothing and are dropped. */
static enum number read_fraction(struct decimal *number, const char **at)
{
	const char *p = *at, *end = p;
	while (is_digit(*end))
		end++;
	if (end == p)
		return NUMBER_BAD;
	*at = end;
	while (end > p && end[-1] == '0')
		end--;
	for (; p < end; p++) {
		if (++number->scale > 18)
			return NUMBER_FINE;
		if (push_digit(number, *p) != NUMBER_OK)
			return NUMBER_FINE;
	}
	return NUMBER_OK;
}

static enum number read_number(struct decimal *number, const char **at)
{
	*number = (struct decimal){0, 0};
	if (!is_digit(**at))
		return NUMBER_NONE;
	enum number result = read_whole(number, at);
	if (result != NUMBER_OK || **at != '.')
		return result;
	++*at;
	return read_fraction(number, at);
}

static uint64_t power_of_ten(unsigned exponent)
{
	uint64_t power = 1;
	while (exponent--)
		power *= 10;
	return power;
}

static const struct multiple *find_multiple(enum sim_unit unit, const char *name)
{
	for (const struct multiple *m = units[unit].multiple; m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

/* Is it written without a unit? */
static bool is_bare(enum sim_unit unit) { return !*units[unit].multiple[0].name; }

static void list_multiples(enum sim_unit unit, char *out, size_t size)
{
	size_t used = 0;
	out[0] = 0;
	for (const struct multiple *m = units[unit].multiple; m->name && used < size; m++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", m->name);
}

/* The unit is of another kind: a time where cycles are expected is the classic one. */
static void explain_other_unit(enum sim_unit unit, enum sim_unit other, const struct decimal *number,
			       const struct multiple *m, char *why, size_t size)
{
	const struct unit *u = &units[unit];
	unsigned __int128 ps = (unsigned __int128)number->mantissa * m->factor / power_of_ten(number->scale);
	if (unit == SIM_UNIT_CYCLES && other == SIM_UNIT_DURATION && ps / 500 < UINT64_MAX / 2)
		snprintf(why, size,
			 "cycles are expected here, not a time; write cycles, e.g. \"%llu cycles\" "
			 "for a core of 2 GHz",
			 (unsigned long long)(ps / 500));
	else if (is_bare(unit))
		snprintf(why, size, "%s without a unit is expected; remove \"%s\"", u->noun, m->name);
	else
		snprintf(why, size, "\"%s\" is a unit of %s; %s is expected, e.g. \"%s\"", m->name,
			 units[other].noun, u->noun, u->example);
}

static void explain_unit(enum sim_unit unit, const struct decimal *number, const char *name, char *why,
			 size_t size)
{
	const char *names[MULTIPLES_MAX + 1] = {0};
	char list[64];
	for (unsigned other = SIM_UNIT_CYCLES; *name && other < SIM_UNITS; other++) {
		const struct multiple *m = find_multiple((enum sim_unit)other, name);
		if (m && other != (unsigned)unit) {
			explain_other_unit(unit, (enum sim_unit)other, number, m, why, size);
			return;
		}
	}
	for (size_t i = 0; units[unit].multiple[i].name; i++)
		names[i] = units[unit].multiple[i].name;
	const char *nearest = is_bare(unit) ? NULL : sim_nearest_name(name, names);
	list_multiples(unit, list, sizeof list);
	if (nearest)
		snprintf(why, size, "unknown unit \"%.20s\"; did you mean \"%s\"?", name, nearest);
	else if (is_bare(unit))
		snprintf(why, size, "%s is expected; write it in decimal digits, e.g. \"%s\"",
			 units[unit].noun, units[unit].example);
	else if (!*name)
		snprintf(why, size, "the unit is missing; write one of %s, e.g. \"%s\"", list,
			 units[unit].example);
	else
		snprintf(why, size, "unknown unit \"%.20s\"; write one of %s, e.g. \"%s\"", name, list,
			 units[unit].example);
}

static void explain_number(enum number result, enum sim_unit unit, const char *text, char *why, size_t size)
{
	const struct unit *u = &units[unit];
	if (result == NUMBER_NONE && *text == '-' && (is_digit(text[1]) || text[1] == '.'))
		snprintf(why, size, "a negative number has no meaning here; write %s", units[unit].about);
	else if (result == NUMBER_LARGE)
		snprintf(why, size, "the number is too large; at most 2^64 - 1%s%s can be kept",
			 u->base ? " " : "", u->base ? u->base : "");
	else if (result == NUMBER_FINE)
		snprintf(why, size, "the number has too many digits; write fewer after the point");
	else if (result == NUMBER_COMMA)
		snprintf(why, size,
			 "a comma stands before each group of three digits or nowhere; write \"1,000\" "
			 "or \"1000\"");
	else if (result == NUMBER_ZERO)
		snprintf(why, size, "a leading zero is not read as octal nor as decimal; remove it");
	else
		snprintf(why, size, "%s is expected; write it like \"%s\"", u->noun, u->example);
}

static int scale_to_base(uint64_t *out, enum sim_unit unit, const struct decimal *number, uint64_t factor,
			 char *why, size_t size)
{
	unsigned __int128 value = (unsigned __int128)number->mantissa * factor;
	uint64_t divisor = power_of_ten(number->scale);
	const char *base = units[unit].base;
	if (value % divisor) {
		snprintf(why, size, "not a whole number%s%s; write %s after the point", base ? " of " : "",
			 base ? base : "", base ? "fewer digits" : "no digits");
		return -1;
	}
	value /= divisor;
	if (value > UINT64_MAX) {
		explain_number(NUMBER_LARGE, unit, "", why, size);
		return -1;
	}
	*out = (uint64_t)value;
	return 0;
}

int sim_quantity_parse(uint64_t *out, enum sim_unit unit, const char *text, char *why, size_t size)
{
	struct decimal number;
	SIM_CHECK(unit < SIM_UNITS && size > 0);
	if (unit == SIM_UNIT_RATE && !strcmp(text, "unlimited")) {
		*out = 0;
		return 0;
	}
	const char *at = text;
	enum number result = read_number(&number, &at);
	if (result != NUMBER_OK) {
		explain_number(result, unit, text, why, size);
		return -1;
	}
	const char *name = at;
	while (*name == ' ')
		name++;
	const struct multiple *m = find_multiple(unit, name);
	if (!m && unit == SIM_UNIT_CYCLES && !*name)
		m = find_multiple(unit, "cycles");
	if (!m) {
		explain_unit(unit, &number, name, why, size);
		return -1;
	}
	uint64_t value = 0;
	if (scale_to_base(&value, unit, &number, m->factor, why, size))
		return -1;
	if (unit == SIM_UNIT_RATE && !value) {
		snprintf(why, size,
			 "at this rate nothing would ever arrive; write at least \"0.001 B/cycle\", or "
			 "\"unlimited\" if bulk data costs no time");
		return -1;
	}
	*out = value;
	return 0;
}

void sim_quantity_print(char out[SIM_QUANTITY_TEXT], enum sim_unit unit, uint64_t value)
{
	SIM_CHECK(unit < SIM_UNITS);
	if (unit == SIM_UNIT_RATE && !value) {
		snprintf(out, SIM_QUANTITY_TEXT, "unlimited");
		return;
	}
	const struct multiple *m = units[unit].multiple;
	/* Binary multiples and times are written whole; decimal ones may show a fraction ("2.5 GHz"). */
	bool whole = unit == SIM_UNIT_BYTES || unit == SIM_UNIT_DURATION;
	while (m[1].name && m->factor > 1 && (value < m->factor || (whole && value % m->factor)))
		m++;
	char fraction[24] = "";
	uint64_t rest = value % m->factor;
	if (rest) { /* the factor is a power of ten here */
		size_t width = 0;
		for (uint64_t f = m->factor; f > 1; f /= 10)
			width++;
		snprintf(fraction, sizeof fraction, ".%0*llu", (int)width, (unsigned long long)rest);
		for (size_t n = strlen(fraction); fraction[n - 1] == '0'; n--)
			fraction[n - 1] = 0;
	}
	const char *space = is_bare(unit) || unit == SIM_UNIT_PERCENT ? "" : " ";
	snprintf(out, SIM_QUANTITY_TEXT, "%llu%s%s%s", (unsigned long long)(value / m->factor), fraction,
		 space, m->name);
}

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c; }

static unsigned least(unsigned a, unsigned b) { return a < b ? a : b; }

/* Edit distance with swaps of neighbours, without regard to case. */
static unsigned edit_distance(const char *a, const char *b)
{
	unsigned rows[3][NAME_MAX_LONG + 1];
	size_t n = strlen(a), m = strlen(b);
	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *now = rows[i % 3], *before = rows[(i + 2) % 3], *earlier = rows[(i + 1) % 3];
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= m; j++) {
			char x = lower(a[i - 1]), y = lower(b[j - 1]);
			now[j] = least(least(before[j], now[j - 1]) + 1, before[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y)
				now[j] = least(now[j], earlier[j - 2] + 1);
		}
	}
	return rows[n % 3][m];
}

const char *sim_nearest_name(const char *word, const char *const *names)
{
	size_t length = strlen(word);
	if (!length || length > NAME_MAX_LONG)
		return NULL;
	unsigned best = length >= 6 ? 3 : length >= 2 ? 2 : 1; /* a nearest name must be nearer than this */
	const char *found = NULL, *prefixed = NULL;
	unsigned prefixes = 0;
	for (; *names; names++) {
		if (!**names || strlen(*names) > NAME_MAX_LONG)
			continue;
		if (!strncasecmp(word, *names, length)) {
			prefixes++;
			prefixed = *names;
		}
		unsigned distance = edit_distance(word, *names);
		if (distance < best) {
			best = distance;
			found = *names;
		}
	}
	return found ? found : prefixes == 1 ? prefixed : NULL;
}
