/* cli/member.h - members of JSON objects, in the order in which they are to be written. A new value is taken;
 * without memory the program ends. Layer: cli. */
#ifndef SKERRY_CLI_MEMBER_H
#define SKERRY_CLI_MEMBER_H
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include "sim/time.h"

void member_set(json_t *object, const char *key, json_t *value);
void member_count(json_t *object, const char *key, uint64_t value);
void member_real(json_t *object, const char *key, double value);
void member_flag(json_t *object, const char *key, bool value);
void member_text(json_t *object, const char *key,
		 const char *value); /* NULL: null; what is not UTF-8 becomes '?' */
void member_ns(json_t *object, const char *key, sim_ps value);
void member_append(json_t *array, json_t *value);
void member_lines(json_t *object, const char *key, const char *text); /* an array; NULL: an empty one */

#endif
