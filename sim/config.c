/* Reading order: places (where each value came from) and messages first, then one setter a kind, then the
 * walk over mappings and lists, then --set, which walks a path and ends in the same setters. */
#include "sim/config.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "sim/check.h"
#include "sim/config_yaml.h"

#define WORD_MAX  80  /* bytes of a user's word that a message quotes */
#define PLACE_MAX 200 /* bytes of a file name or of a --set */
#define KEYS_MAX  96  /* keys of one table; a bit each */

struct place {
	char *path;
	int line; /* 0: by --set, or by default */
};

struct kept {
	struct kept *next;
	char text[];
};

struct sim_config {
	const struct sim_config_table *root;
	void *target;
	const char *name;
	const char *assignment; /* while a --set is applied, and once it failed */
	int line;               /* of the value that is being set */
	struct place *places;
	size_t places_count, places_size;
	struct kept *kept;
	bool failed;
	char path[SIM_CONFIG_PATH_MAX]; /* of the value that is being set */
	char error[512];
};

/* ---- texts ---- */

char *sim_config_keep(struct sim_config *config, const char *text, size_t bytes)
{
	struct kept *kept = malloc(sizeof *kept + bytes + 1);
	if (!kept)
		return NULL;
	memcpy(kept->text, text, bytes);
	kept->text[bytes] = 0;
	kept->next = config->kept;
	config->kept = kept;
	return kept->text;
}

/* The character at text[0..bytes), or 0 if it is not UTF-8 in its shortest form; *length is what it takes. */
static uint32_t decode_utf8(const unsigned char *text, size_t bytes, size_t *length)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = text[0] < 0x80       ? 1
		   : text[0] >> 5 == 6  ? 2
		   : text[0] >> 4 == 14 ? 3
		   : text[0] >> 3 == 30 ? 4
					: 0;
	*length = n ? n : 1;
	if (!n || n > bytes)
		return 0;
	uint32_t code = n == 1 ? text[0] : text[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (text[i] >> 6 != 2)
			return 0;
		code = code << 6 | (text[i] & 0x3f);
	}
	return code >= least[n] ? code : 0;
}

/* Line ends that YAML knows besides "\n" (U+0085, U+2028, U+2029) would be folded when they are read back. */
static bool is_plain_character(uint32_t code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	if (code == 0x2028 || code == 0x2029 || code == 0xfeff)
		return false;
	return code < 0xd800 || (code >= 0xe000 && code <= 0xfffd) || (code >= 0x10000 && code <= 0x10ffff);
}

bool sim_config_text_is_plain(const char *text, size_t bytes)
{
	for (size_t i = 0, length; i < bytes; i += length)
		if (!is_plain_character(decode_utf8((const unsigned char *)text + i, bytes - i, &length)))
			return false;
	return true;
}

/* A user's word, fit for a message: what does not print is '?', what is too long ends in "...". */
static void quote_word(char *out, size_t size, const char *word)
{
	size_t bytes = strlen(word), used = 0, length;
	for (size_t i = 0; i < bytes; i += length) {
		bool plain =
			is_plain_character(decode_utf8((const unsigned char *)word + i, bytes - i, &length));
		if (used + length + 4 > size) {
			memcpy(out + used, "...", 3);
			used += 3;
			break;
		}
		if (plain)
			memcpy(out + used, word + i, length);
		else
			out[used] = '?';
		used += plain ? length : 1;
	}
	out[used] = 0;
}

/* ---- places and messages ---- */

static struct place *find_place(const struct sim_config *config, const char *path)
{
	for (size_t i = 0; i < config->places_count; i++)
		if (!strcmp(config->places[i].path, path))
			return &config->places[i];
	return NULL;
}

bool sim_config_given(const struct sim_config *config, const char *path) { return find_place(config, path); }

int sim_config_line(const struct sim_config *config, const char *path)
{
	const struct place *place = find_place(config, path);
	return place ? place->line : 0;
}

static void note_message(struct sim_config *config, const char *place, const char *word, const char *format,
			 va_list arguments)
{
	char quoted[WORD_MAX + 8];
	size_t size = sizeof config->error;
	if (config->failed)
		return;
	config->failed = true;
	size_t used = (size_t)snprintf(config->error, size, "%s", place);
	if (word && used < size) {
		quote_word(quoted, sizeof quoted, word);
		used += (size_t)snprintf(config->error + used, size - used, "\"%s\": ", quoted);
	}
	if (used < size)
		vsnprintf(config->error + used, size - used, format, arguments);
}

/* "FILE:LINE: path: ", or "--set key=value: ", which has the path in it. */
static void describe_place(const struct sim_config *config, char *out, size_t size, int line,
			   const char *path, const char *assignment)
{
	char name[PLACE_MAX + 8];
	quote_word(name, sizeof name, assignment ? assignment : config->name);
	if (assignment)
		snprintf(out, size, "--set %s: ", name);
	else if (line)
		snprintf(out, size, "%s:%d: %s%s", name, line, path, *path ? ": " : "");
	else
		snprintf(out, size, "%s: %s%s", name, path, *path ? ": " : "");
}

#define DESCRIBED_MAX (PLACE_MAX + SIM_CONFIG_PATH_MAX + 32)

/* About the value that is being set, at its line. */
static int fail_here(struct sim_config *config, const char *word, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int fail_here(struct sim_config *config, const char *word, const char *format, ...)
{
	char place[DESCRIBED_MAX];
	va_list arguments;
	va_start(arguments, format);
	describe_place(config, place, sizeof place, config->line, config->path, config->assignment);
	note_message(config, place, word, format, arguments);
	va_end(arguments);
	return -1;
}

/* A value set by --set carries the assignment in its path's place: "path" NUL "assignment". */
static const char *place_assignment(const struct place *place)
{
	return place->path + strlen(place->path) + 1;
}

int sim_config_fail(struct sim_config *config, const char *path, const char *word, const char *format, ...)
{
	char near[SIM_CONFIG_PATH_MAX], described[DESCRIBED_MAX];
	va_list arguments;
	snprintf(near, sizeof near, "%s", path);
	const struct place *place = find_place(config, near);
	for (char *dot; !place && (dot = strrchr(near, '.')); place = find_place(config, near))
		*dot = 0;
	if (!place)
		place = find_place(config, ""); /* the whole document */
	const char *assignment = place && !place->line ? place_assignment(place) : NULL;
	va_start(arguments, format);
	describe_place(config, described, sizeof described, place ? place->line : 0, path, assignment);
	note_message(config, described, word, format, arguments);
	va_end(arguments);
	return -1;
}

const char *sim_config_error(const struct sim_config *config) { return config->failed ? config->error : ""; }

void sim_config_forgive(struct sim_config *config) { config->failed = false; }

static int no_memory(struct sim_config *config)
{
	return fail_here(config, NULL, "memory is exhausted; end other programs");
}

static struct place *add_place(struct sim_config *config)
{
	if (config->places_count == config->places_size) {
		size_t size = config->places_size ? config->places_size * 2 : 64;
		struct place *places = realloc(config->places, size * sizeof *places);
		if (!places)
			return NULL;
		config->places = places;
		config->places_size = size;
	}
	return &config->places[config->places_count++];
}

/* The newest place wins: --set comes after the file. */
static int note_place(struct sim_config *config)
{
	const char *assignment = config->assignment ? config->assignment : "";
	size_t path = strlen(config->path) + 1, rest = strlen(assignment) + 1;
	char *text = malloc(path + rest);
	if (!text)
		return no_memory(config);
	memcpy(text, config->path, path);
	memcpy(text + path, assignment, rest);
	struct place *place = find_place(config, config->path);
	if (place)
		free(place->path);
	else
		place = add_place(config);
	if (!place) {
		free(text);
		return no_memory(config);
	}
	*place = (struct place){.path = text, .line = config->assignment ? 0 : config->line};
	return 0;
}

/* Forgets the places below `path`: its list is read anew. */
static void forget_places_below(struct sim_config *config, const char *path)
{
	size_t length = strlen(path), kept = 0;
	for (size_t i = 0; i < config->places_count; i++) {
		struct place place = config->places[i];
		if (!strncmp(place.path, path, length) && place.path[length] == '.')
			free(place.path);
		else
			config->places[kept++] = place;
	}
	config->places_count = kept;
}

/* Appends ".key" to the path; returns the old length, for leave(). Too long a path is cut, in messages only:
 * what tables name is far shorter. */
static size_t enter(struct sim_config *config, const char *key)
{
	size_t length = strlen(config->path);
	snprintf(config->path + length, sizeof config->path - length, "%s%s", length ? "." : "", key);
	return length;
}

static void leave(struct sim_config *config, size_t length) { config->path[length] = 0; }

/* ---- one setter a kind ---- */

static int set_quantity(struct sim_config *config, const struct sim_config_field *field, void *at,
			const char *text)
{
	char why[192], least[SIM_QUANTITY_TEXT], most[SIM_QUANTITY_TEXT];
	uint64_t value;
	if (sim_quantity_parse(&value, field->unit, text, why, sizeof why))
		return fail_here(config, text, "%s", why);
	bool unlimited = field->unit == SIM_UNIT_RATE && !value;
	if (!unlimited && (value < field->min || (field->max && value > field->max))) {
		sim_quantity_print(least, field->unit, field->min);
		sim_quantity_print(most, field->unit, field->max ? field->max : UINT64_MAX);
		return fail_here(config, text, "out of range; write a value from %s to %s", least, most);
	}
	memcpy(at, &value, sizeof value);
	return 0;
}

static int set_bool(struct sim_config *config, void *at, const char *text)
{
	bool value = !strcmp(text, "true");
	if (!value && strcmp(text, "false"))
		return fail_here(config, text, "neither true nor false; write one of the two");
	memcpy(at, &value, sizeof value);
	return 0;
}

static bool is_name(const char *text)
{
	for (const char *p = text; *p; p++) {
		bool letter =
			(*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
		if (!letter && (p == text || !strchr("._-", *p)))
			return false;
	}
	return true;
}

static int set_text(struct sim_config *config, const struct sim_config_field *field, void *at,
		    const char *text, size_t bytes)
{
	if (!sim_config_text_is_plain(text, bytes))
		return fail_here(config, text,
				 "control characters and line ends are not allowed; write one line of "
				 "plain text");
	if (field->kind == SIM_CONFIG_NAME && !is_name(text))
		return fail_here(config, text,
				 "a name is expected; use letters, digits, \".\", \"_\" and \"-\", and "
				 "begin with a letter or digit");
	if (bytes < field->min)
		return fail_here(config, text, "too short; write at least %llu character%s",
				 (unsigned long long)field->min, field->min == 1 ? "" : "s");
	if (field->max && bytes > field->max)
		return fail_here(config, text, "too long (%zu bytes); write at most %llu", bytes,
				 (unsigned long long)field->max);
	char *kept = sim_config_keep(config, text, bytes);
	if (!kept)
		return no_memory(config);
	memcpy(at, &kept, sizeof kept);
	return 0;
}

static void join_names(char *out, size_t size, const char *const *names)
{
	size_t used = 0;
	out[0] = 0;
	for (; *names && used < size; names++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", *names);
}

static int set_choice(struct sim_config *config, const struct sim_config_field *field, void *at,
		      const char *text)
{
	char list[256];
	for (uint64_t i = 0; field->choices[i]; i++)
		if (!strcmp(field->choices[i], text)) {
			memcpy(at, &i, sizeof i);
			return 0;
		}
	const char *nearest = sim_nearest_name(text, field->choices);
	if (nearest)
		return fail_here(config, text, "unknown; did you mean \"%s\"?", nearest);
	join_names(list, sizeof list, field->choices);
	return fail_here(config, text, "unknown; write one of %s", list);
}

static int set_range(struct sim_config *config, void *at, const char *text)
{
	struct sim_config_range range = {.all = !strcmp(text, "all"), .others = !strcmp(text, "others")};
	char copy[64], why[192];
	uint64_t bound[2];
	if (range.all || range.others) {
		memcpy(at, &range, sizeof range);
		return 0;
	}
	snprintf(copy, sizeof copy, "%s", text);
	char *dash = strchr(copy, '-');
	if (dash)
		*dash = 0;
	if (sim_quantity_parse(&bound[0], SIM_UNIT_NONE, copy, why, sizeof why) ||
	    sim_quantity_parse(&bound[1], SIM_UNIT_NONE, dash ? dash + 1 : copy, why, sizeof why) ||
	    bound[0] > UINT32_MAX || bound[1] > UINT32_MAX)
		return fail_here(config, text,
				 "a range of clusters is expected; write \"all\", \"others\", "
				 "\"3-7\" or \"5\"");
	if (bound[0] > bound[1])
		return fail_here(config, text,
				 "the range ends before it begins; write the smaller number first");
	range.first = (uint32_t)bound[0];
	range.last = (uint32_t)bound[1];
	memcpy(at, &range, sizeof range);
	return 0;
}

static int set_scalar(struct sim_config *config, const struct sim_config_field *field, void *at,
		      const char *text, size_t bytes)
{
	if (strlen(text) != bytes)
		return fail_here(config, text,
				 "control characters and line ends are not allowed; write one line of "
				 "plain text");
	switch (field->kind) {
	case SIM_CONFIG_QUANTITY:
		return set_quantity(config, field, at, text);
	case SIM_CONFIG_BOOL:
		return set_bool(config, at, text);
	case SIM_CONFIG_CHOICE:
		return set_choice(config, field, at, text);
	case SIM_CONFIG_RANGE:
		return set_range(config, at, text);
	default:
		return set_text(config, field, at, text, bytes);
	}
}

/* ---- mappings and lists ---- */

static int set_defaults(struct sim_config *config, const struct sim_config_table *table, char *target)
{
	for (uint32_t i = 0; i < table->fields_count; i++) {
		const struct sim_config_field *field = &table->fields[i];
		size_t length = enter(config, field->key);
		int result = 0;
		if (field->kind == SIM_CONFIG_TABLE)
			result = set_defaults(config, field->table, target + field->offset);
		else if (field->fallback)
			result = set_scalar(config, field, target + field->offset, field->fallback,
					    strlen(field->fallback));
		leave(config, length);
		if (result)
			return result;
	}
	return 0;
}

static const struct sim_config_field *find_field(const struct sim_config_table *table, const char *key)
{
	for (uint32_t i = 0; i < table->fields_count; i++)
		if (!strcmp(table->fields[i].key, key))
			return &table->fields[i];
	return NULL;
}

/* With {send: 1,000 cycles} YAML sees a second key "000 cycles". */
static bool is_cut_by_comma(const char *key) { return key[0] >= '0' && key[0] <= '9'; }

static int fail_unknown_key(struct sim_config *config, const struct sim_config_table *table, const char *key)
{
	const char *names[KEYS_MAX + 1] = {0};
	char list[256], word[WORD_MAX + 8];
	SIM_CHECK(table->fields_count <= KEYS_MAX);
	for (uint32_t i = 0; i < table->fields_count; i++)
		names[i] = table->fields[i].key;
	quote_word(word, sizeof word, key);
	const char *nearest = sim_nearest_name(key, names);
	if (nearest)
		return fail_here(config, NULL, "unknown key \"%s\"; did you mean \"%s\"?", word, nearest);
	if (is_cut_by_comma(key))
		return fail_here(config, NULL,
				 "unknown key \"%s\"; a comma ends a value between braces: write "
				 "numbers without commas there",
				 word);
	join_names(list, sizeof list, names);
	return fail_here(config, NULL, "unknown key \"%s\"; the keys here are %s", word, list);
}

static const char *noun_of(const struct config_node *node)
{
	return node->kind == CONFIG_SCALAR    ? "a single value"
	       : node->kind == CONFIG_MAPPING ? "a mapping"
					      : "a list";
}

static int fail_missing(struct sim_config *config)
{
	return fail_here(config, NULL, "the value is missing; write one, or remove the key");
}

static int fail_kind(struct sim_config *config, const struct config_node *node, const char *expected)
{
	if (node->kind == CONFIG_SCALAR && node->plain && !node->bytes)
		return fail_missing(config);
	return fail_here(config, node->kind == CONFIG_SCALAR ? node->text : NULL, "%s where %s is expected",
			 noun_of(node), expected);
}

static int read_value(struct sim_config *config, const struct sim_config_field *field, char *target,
		      const struct config_node *node);

/* A key is a scalar of this mapping, seen for the first time. */
static int check_key(struct sim_config *config, const struct config_node *mapping,
		     const struct config_node *key)
{
	config->line = key->line;
	if (key->kind != CONFIG_SCALAR)
		return fail_here(config, NULL, "%s cannot be a key; write \"key: value\"", noun_of(key));
	if (!key->bytes || strlen(key->text) != key->bytes)
		return fail_here(config, key->text, "this cannot be a key; write \"key: value\"");
	for (const struct config_node *k = mapping->first; k != key; k = k->next->next)
		if (!strcmp(k->text, key->text))
			return fail_here(config, key->text,
					 "the key stands twice, first in line %d; remove one", k->line);
	return 0;
}

static int read_table(struct sim_config *config, const struct sim_config_table *table, char *target,
		      const struct config_node *node)
{
	if (node->kind != CONFIG_MAPPING)
		return fail_kind(config, node, "a mapping of keys (\"key: value\")");
	for (const struct config_node *key = node->first; key; key = key->next->next) {
		if (check_key(config, node, key))
			return -1;
		const struct sim_config_field *field = find_field(table, key->text);
		if (!field)
			return fail_unknown_key(config, table, key->text);
		size_t length = enter(config, field->key);
		config->line = key->next->line;
		int result = read_value(config, field, target, key->next);
		leave(config, length);
		if (result)
			return result;
	}
	return 0;
}

static int read_entry(struct sim_config *config, const struct sim_config_field *field, char *entry,
		      uint32_t index, const struct config_node *node)
{
	char key[16];
	snprintf(key, sizeof key, "%u", index);
	size_t length = enter(config, key);
	config->line = node->line;
	memset(entry, 0, field->table->bytes);
	int result = set_defaults(config, field->table, entry);
	if (!result)
		result = read_table(config, field->table, entry, node);
	config->line = node->line;
	if (!result)
		result = note_place(config);
	leave(config, length);
	return result;
}

static int fail_full(struct sim_config *config, const struct sim_config_field *field)
{
	return fail_here(config, NULL, "more than %llu entries; remove some", (unsigned long long)field->max);
}

static int read_list(struct sim_config *config, const struct sim_config_field *field, char *target,
		     const struct config_node *node)
{
	uint32_t count = 0;
	if (node->kind != CONFIG_SEQUENCE)
		return fail_kind(config, node, "a list of entries (\"- key: value\")");
	forget_places_below(config, config->path);
	memset(target + field->offset, 0, field->table->bytes * field->max);
	for (const struct config_node *entry = node->first; entry; entry = entry->next, count++) {
		config->line = entry->line;
		if (count == field->max)
			return fail_full(config, field);
		if (read_entry(config, field, target + field->offset + count * field->table->bytes, count,
			       entry))
			return -1;
	}
	memcpy(target + field->count_offset, &count, sizeof count);
	return 0;
}

static uint32_t count_of(const struct sim_config_field *field, const char *target)
{
	uint32_t count;
	memcpy(&count, target + field->count_offset, sizeof count);
	return count;
}

/* Sets the pair of this key, or appends it. */
static int set_pair(struct sim_config *config, const struct sim_config_field *field, char *target,
		    const char *key, const struct config_node *node)
{
	struct sim_config_pair *pair = (struct sim_config_pair *)(void *)(target + field->offset);
	struct sim_config_field text = {.key = "", .kind = SIM_CONFIG_TEXT, .min = 1, .max = 128};
	uint32_t count = count_of(field, target), i = 0;
	char *kept;
	if (set_text(config, &text, &kept, key, strlen(key)))
		return -1;
	while (i < count && strcmp(pair[i].key, key))
		i++;
	if (i == field->max)
		return fail_full(config, field);
	size_t length = enter(config, key);
	int result = node->kind != CONFIG_SCALAR ? fail_kind(config, node, "a single value") : 0;
	if (!result)
		result = set_text(config, &text, &pair[i].value, node->text, node->bytes);
	if (!result)
		result = note_place(config);
	leave(config, length);
	if (result)
		return result;
	pair[i].key = kept;
	count += i == count;
	memcpy(target + field->count_offset, &count, sizeof count);
	return 0;
}

static int read_pairs(struct sim_config *config, const struct sim_config_field *field, char *target,
		      const struct config_node *node)
{
	if (node->kind != CONFIG_MAPPING)
		return fail_kind(config, node, "a mapping of keys (\"key: value\")");
	for (const struct config_node *key = node->first; key; key = key->next->next) {
		if (check_key(config, node, key))
			return -1;
		config->line = key->next->line;
		if (set_pair(config, field, target, key->text, key->next))
			return -1;
	}
	return 0;
}

static int read_scalar(struct sim_config *config, const struct sim_config_field *field, char *target,
		       const struct config_node *node)
{
	if (node->kind != CONFIG_SCALAR)
		return fail_kind(config, node, "a single value");
	if (node->plain && !node->bytes)
		return fail_missing(config);
	return set_scalar(config, field, target + field->offset, node->text, node->bytes);
}

static int read_value(struct sim_config *config, const struct sim_config_field *field, char *target,
		      const struct config_node *node)
{
	int line = node->line, result;
	if (field->kind == SIM_CONFIG_TABLE)
		result = read_table(config, field->table, target + field->offset, node);
	else if (field->kind == SIM_CONFIG_LIST)
		result = read_list(config, field, target, node);
	else if (field->kind == SIM_CONFIG_PAIRS)
		result = read_pairs(config, field, target, node);
	else
		result = read_scalar(config, field, target, node);
	config->line = line;
	return result ? result : note_place(config);
}

int sim_config_read(struct sim_config *config, const char *text, size_t bytes)
{
	struct config_node *node;
	struct config_yaml_error error;
	config->path[0] = 0;
	config->line = 0;
	if (bytes > SIM_CONFIG_BYTES_MAX)
		return fail_here(config, NULL, "larger than 1 MiB; this is hardly a file of keys and values");
	if (config_yaml_read(&node, text, bytes, &error)) {
		config->line = error.line;
		return fail_here(config, NULL, "%s", error.text);
	}
	config->line = node->line;
	int result = note_place(config);
	if (!result)
		result = read_table(config, config->root, config->target, node);
	config_yaml_free(node);
	return result;
}

/* ---- --set ---- */

/* The value as it stands, or as YAML if it begins like a list, a mapping or a quoted text. */
static struct config_node *assigned_value(struct sim_config *config, const char *value)
{
	struct config_node *node = NULL;
	struct config_yaml_error error;
	while (*value == ' ')
		value++;
	if (!*value) {
		fail_here(config, NULL, "the value is missing; write --set key=value");
	} else if (strchr("[{\"'", *value)) {
		if (config_yaml_read(&node, value, strlen(value), &error))
			fail_here(config, NULL, "%s", error.text);
	} else if (!(node = calloc(1, sizeof *node)) || !(node->text = strdup(value))) {
		no_memory(config);
		free(node);
		node = NULL;
	} else {
		node->plain = true;
		node->bytes = strlen(node->text);
		while (node->bytes && node->text[node->bytes - 1] == ' ')
			node->text[--node->bytes] = 0;
	}
	return node;
}

/* The entry of a list that `index` names: one that is there, or the next, which is then made. */
static char *assigned_entry(struct sim_config *config, const struct sim_config_field *field, char *target,
			    const char *index)
{
	uint32_t count = count_of(field, target);
	uint64_t i;
	char why[192];
	if (sim_quantity_parse(&i, SIM_UNIT_NONE, index, why, sizeof why)) {
		fail_here(config, index, "an entry of the list is expected, by its number from 0");
		return NULL;
	}
	if (i > count || i >= field->max) {
		fail_here(config, index, "there %s %u entr%s and at most %llu; write a number from 0 to %llu",
			  count == 1 ? "is" : "are", count, count == 1 ? "y" : "ies",
			  (unsigned long long)field->max,
			  (unsigned long long)(count < field->max ? count : field->max - 1));
		return NULL;
	}
	char *entry = target + field->offset + i * field->table->bytes;
	enter(config, index);
	if (i < count)
		return entry;
	memset(entry, 0, field->table->bytes);
	if (set_defaults(config, field->table, entry) || note_place(config))
		return NULL;
	count++;
	memcpy(target + field->count_offset, &count, sizeof count);
	return entry;
}

static int assign(struct sim_config *config, const struct sim_config_table *table, char *target, char *path,
		  const struct config_node *node);

/* The rest of the path goes on inside the field. */
static int assign_inside(struct sim_config *config, const struct sim_config_field *field, char *target,
			 char *rest, const struct config_node *node)
{
	if (field->kind == SIM_CONFIG_PAIRS)
		return set_pair(config, field, target, rest, node);
	if (field->kind == SIM_CONFIG_TABLE)
		return assign(config, field->table, target + field->offset, rest, node);
	if (field->kind != SIM_CONFIG_LIST)
		return fail_here(config, field->key, "this key has no keys inside it; remove \".%s\"", rest);
	char *dot = strchr(rest, '.');
	if (dot)
		*dot = 0;
	char *entry = assigned_entry(config, field, target, rest);
	if (!entry)
		return -1;
	return dot ? assign(config, field->table, entry, dot + 1, node)
		   : read_table(config, field->table, entry, node);
}

static int assign(struct sim_config *config, const struct sim_config_table *table, char *target, char *path,
		  const struct config_node *node)
{
	char *dot = strchr(path, '.');
	if (dot)
		*dot = 0;
	const struct sim_config_field *field = find_field(table, path);
	if (!field)
		return fail_unknown_key(config, table, path);
	enter(config, field->key);
	return dot ? assign_inside(config, field, target, dot + 1, node)
		   : read_value(config, field, target, node);
}

int sim_config_set(struct sim_config *config, const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	config->path[0] = 0;
	config->line = 0;
	config->assignment = assignment;
	if (!equals || equals == assignment)
		return fail_here(config, NULL,
				 "a key, \"=\" and a value are expected; write e.g. "
				 "--set machine.clusters=64");
	struct config_node *node = assigned_value(config, equals + 1);
	char *path = strndup(assignment, (size_t)(equals - assignment));
	int result = -1;
	if (!path)
		no_memory(config);
	else if (node)
		result = assign(config, config->root, config->target, path, node);
	free(path);
	config_yaml_free(node);
	if (!result)
		config->assignment = NULL;
	return result;
}

/* ---- life ---- */

int sim_config_new(struct sim_config **out, const struct sim_config_table *root, void *target,
		   const char *name)
{
	struct sim_config *config = calloc(1, sizeof *config);
	if (!config)
		return -ENOMEM;
	config->root = root;
	config->target = target;
	config->name = sim_config_keep(config, name, strlen(name));
	if (!config->name || set_defaults(config, root, target)) {
		/* A default that its own field refuses is a fault of the table. */
		SIM_CHECK(!config->failed || strstr(config->error, "memory is exhausted"));
		sim_config_free(config);
		return -ENOMEM;
	}
	*out = config;
	return 0;
}

void sim_config_free(struct sim_config *config)
{
	if (!config)
		return;
	for (size_t i = 0; i < config->places_count; i++)
		free(config->places[i].path);
	free(config->places);
	for (struct kept *kept = config->kept, *next; kept; kept = next) {
		next = kept->next;
		free(kept);
	}
	free(config);
}
