#include <stdio.h>
#include <string.h>
#include "cli/member.h"
#include "sim/check.h"

void member_set(json_t *object, const char *key, json_t *value)
{
	SIM_CHECK(!json_object_set_new(object, key, value));
}

void member_count(json_t *object, const char *key, uint64_t value)
{
	member_set(object, key, json_integer((json_int_t)value));
}

void member_real(json_t *object, const char *key, double value) { member_set(object, key, json_real(value)); }

void member_flag(json_t *object, const char *key, bool value)
{
	member_set(object, key, json_boolean(value));
}

/* A path may hold any bytes, and a message may be cut within a character; JSON wants UTF-8. */
void member_text(json_t *object, const char *key, const char *value)
{
	char plain[512];
	json_t *text = value ? json_string(value) : json_null();
	if (!text) {
		snprintf(plain, sizeof plain, "%s", value);
		for (char *c = plain; *c; c++)
			*c = *c & 0x80 ? '?' : *c;
		text = json_string(plain);
	}
	member_set(object, key, text);
}

void member_ns(json_t *object, const char *key, sim_ps value)
{
	member_real(object, key, (double)value / 1000);
}

void member_append(json_t *array, json_t *value) { SIM_CHECK(!json_array_append_new(array, value)); }

void member_lines(json_t *object, const char *key, const char *text)
{
	json_t *lines = json_array();
	while (text && *text) {
		const size_t length = strcspn(text, "\n");
		member_append(lines, json_stringn_nocheck(text, length));
		text += length + (text[length] == '\n');
	}
	member_set(object, key, lines);
}
