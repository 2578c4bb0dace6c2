#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/member.h"
#include "cli/script_file.h"
#include "sim/quantity.h"

#define FILE_BYTES_MAX (64u << 20)
#define FILE_KIND      "skerry script"

/* ---- writing ---- */

static void member_ref(json_t *out, const char *key, const struct step_protocol *p, step_ref r)
{
	char text[SCRIPT_REF];
	if (!step_ref_word(r))
		return;
	script_ref_print(text, p, r);
	member_text(out, key, text);
}

static void member_some(json_t *out, const char *key, uint64_t value)
{
	if (value)
		member_count(out, key, value);
}

static json_t *step_json(const struct script_step *s, const struct step_protocol *p, uint32_t number)
{
	json_t *out = json_object();
	member_count(out, "step", number);
	member_text(out, "do", script_kind_name[s->kind]);
	member_count(out, "kernel", s->kernel);
	if (s->kind == SCRIPT_RECEIVE || s->kind == SCRIPT_LOSE)
		member_count(out, "from", s->from);
	member_some(out, "position", s->position);
	member_some(out, "client", s->client);
	if (s->event)
		member_text(out, "event", p->event[s->event].name);
	member_ref(out, "at", p, s->at);
	member_ref(out, "to", p, s->to);
	member_ref(out, "arg", p, s->arg);
	member_ref(out, "take", p, s->take);
	member_some(out, "word", s->word);
	member_some(out, "mark", s->mark);
	return out;
}

static json_t *configuration_json(const struct checker_options *o, const struct step_protocol *p)
{
	json_t *out = json_object(), *slots = json_object(), *judged = json_array();
	member_count(out, "kernels", o->kernels);
	for (uint32_t m = 1; m < p->machines; m++)
		member_count(slots, p->machine[m].name, o->slots[m]);
	member_set(out, "slots", slots);
	member_count(out, "clients", o->clients);
	member_count(out, "in_flight", o->flight);
	member_count(out, "parks", o->parks);
	member_count(out, "objects", o->objects);
	member_count(out, "capabilities", o->capabilities);
	member_flag(out, "local_errors", !o->no_local_errors);
	member_flag(out, "lossy", o->lossy);
	member_flag(out, "reorder", o->reorder);
	member_count(out, "crash", o->crash);
	for (uint32_t i = 0; p->promises && p->promises[i].name; i++)
		if (o->judged >> i & 1)
			member_append(judged, json_string(p->promises[i].name));
	member_set(out, "judged", judged);
	return out;
}

json_t *script_json(const struct script *s, const struct step_protocol *p, const char *library)
{
	json_t *out = json_object(), *steps = json_array(), *outcome = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "kind", FILE_KIND);
	member_text(out, "skerry", CLI_VERSION);
	member_text(out, "protocol", s->protocol);
	if (library)
		member_text(out, "library", library);
	member_text(out, "table", s->table);
	member_set(out, "configuration", configuration_json(&s->options, p));
	for (uint32_t i = 0; i < s->steps; i++)
		member_append(steps, step_json(&s->step[i], p, i + 1));
	member_set(out, "steps", steps);
	member_text(outcome, "where", script_end_name[s->end]);
	member_text(outcome, "why", s->why);
	member_lines(outcome, "state", s->state);
	member_set(out, "outcome", outcome);
	return out;
}

/* ---- reading ---- */

/* Where in the file one is; the first message stays. */
struct reader {
	const char *path;
	char where[96];
	char *why;
	const struct step_protocol *protocol;
};

static bool failed(const struct reader *r) { return r->why[0]; }

__attribute__((format(printf, 2, 3))) static void refuse(struct reader *r, const char *format, ...)
{
	va_list list;
	if (failed(r))
		return;
	int at =
		snprintf(r->why, SCRIPT_FILE_WHY, "%.200s: %s%s", r->path, r->where, r->where[0] ? ": " : "");
	va_start(list, format);
	vsnprintf(r->why + at, (size_t)(SCRIPT_FILE_WHY - at), format, list);
	va_end(list);
}

/* Every key of an object has to be one of `known`. */
static void only(struct reader *r, const json_t *object, const char *const *known)
{
	const char *key;
	json_t *value;
	if (!json_is_object(object)) {
		refuse(r, "an object is missing; the file is damaged, make it anew with skerry check");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		uint32_t i = 0;
		while (known[i] && strcmp(known[i], key))
			i++;
		const char *nearest = known[i] ? NULL : sim_nearest_name(key, known);
		if (!known[i])
			refuse(r, "unknown key \"%.40s\"; %s%s%s", key,
			       nearest ? "did you mean \"" : "remove it", nearest ? nearest : "",
			       nearest ? "\"?" : "");
	}
}

static const char *text_of(struct reader *r, const json_t *object, const char *key, bool needed)
{
	const json_t *value = json_object_get(object, key);
	if (!value && !needed)
		return NULL;
	if (!json_is_string(value)) {
		refuse(r, "\"%s\" has to be a text", key);
		return NULL;
	}
	return json_string_value(value);
}

static uint32_t count_of(struct reader *r, const json_t *object, const char *key, uint64_t most, bool needed)
{
	const json_t *value = json_object_get(object, key);
	if (!value && !needed)
		return 0;
	const json_int_t n = json_integer_value(value);
	if (!json_is_integer(value) || n < 0 || (uint64_t)n > most) {
		refuse(r, "\"%s\" has to be a number from 0 to %llu", key, (unsigned long long)most);
		return 0;
	}
	return (uint32_t)n;
}

static bool flag_of(struct reader *r, const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);
	if (!json_is_boolean(value))
		refuse(r, "\"%s\" has to be true or false", key);
	return json_is_true(value);
}

static step_ref ref_of(struct reader *r, const json_t *object, const char *key)
{
	step_ref out = STEP_NOBODY;
	const char *text = text_of(r, object, key, false);
	if (text && script_ref_read(&out, r->protocol, text))
		refuse(r, "\"%s\": \"%.40s\" names nothing of %s; write, e.g., \"%s 0.0\"", key, text,
		       r->protocol->name, r->protocol->machine[1].name);
	return out;
}

static uint32_t event_of(struct reader *r, const json_t *object)
{
	const char *text = text_of(r, object, "event", false);
	if (!text)
		return 0;
	for (uint32_t e = 1; e < r->protocol->events; e++)
		if (!strcmp(r->protocol->event[e].name, text))
			return e;
	refuse(r, "%s has no event \"%.40s\"; the script is for another protocol", r->protocol->name, text);
	return 0;
}

static enum script_kind kind_of(struct reader *r, const json_t *object)
{
	const char *text = text_of(r, object, "do", true);
	for (uint32_t k = 0; text && k < SCRIPT_KINDS; k++)
		if (!strcmp(script_kind_name[k], text))
			return (enum script_kind)k;
	const char *nearest = text ? sim_nearest_name(text, script_kind_name) : NULL;
	refuse(r, "\"do\": \"%.40s\" is no instruction; %s \"%s\"", text ? text : "",
	       nearest ? "did you mean" : "write, e.g.,", nearest ? nearest : "receive");
	return SCRIPT_CALL;
}

static void read_step(struct reader *r, const json_t *object, struct script_step *s, uint32_t number)
{
	static const char *const known[] = {"step", "do", "kernel", "from", "position", "client", "event",
					    "at",   "to", "arg",    "take", "word",     "mark",   NULL};
	snprintf(r->where, sizeof r->where, "step %u", number);
	only(r, object, known);
	if (failed(r))
		return;
	if (count_of(r, object, "step", UINT32_MAX, true) != number)
		refuse(r, "its number is another; a step before it is missing or was added");
	s->kind = kind_of(r, object);
	s->kernel = count_of(r, object, "kernel", STEP_MODEL_NODES_MAX - 1, true);
	s->from = count_of(r, object, "from", STEP_MODEL_NODES_MAX - 1, false);
	s->position = count_of(r, object, "position", 255, false);
	s->client = count_of(r, object, "client", 255, false);
	s->event = event_of(r, object);
	s->at = ref_of(r, object, "at");
	s->to = ref_of(r, object, "to");
	s->arg = ref_of(r, object, "arg");
	s->take = ref_of(r, object, "take");
	s->word = count_of(r, object, "word", UINT32_MAX, false);
	s->mark = count_of(r, object, "mark", UINT16_MAX, false);
}

static void read_judged(struct reader *r, const json_t *list, struct checker_options *o)
{
	size_t i;
	json_t *item;
	if (!json_is_array(list))
		refuse(r, "\"judged\" has to be a list of promises");
	json_array_foreach((json_t *)(uintptr_t)list, i, item)
	{
		const char *text = json_string_value(item);
		uint32_t k = 0;
		while (text && r->protocol->promises && r->protocol->promises[k].name &&
		       strcmp(r->protocol->promises[k].name, text))
			k++;
		if (!text || !r->protocol->promises || !r->protocol->promises[k].name)
			refuse(r, "%s has no promise \"%.40s\"; the script is for another protocol",
			       r->protocol->name, text ? text : "?");
		else
			o->judged |= 1u << k;
	}
}

static void read_configuration(struct reader *r, const json_t *object, struct checker_options *o)
{
	static const char *const known[] = {
		"kernels",      "slots", "clients", "in_flight", "parks",  "objects", "capabilities",
		"local_errors", "lossy", "reorder", "crash",     "judged", NULL};
	const char *machines[STEP_MACHINES_MAX] = {NULL};
	const json_t *slots = json_object_get(object, "slots");
	snprintf(r->where, sizeof r->where, "configuration");
	only(r, object, known);
	for (uint32_t m = 1; m < r->protocol->machines; m++)
		machines[m - 1] = r->protocol->machine[m].name;
	if (!failed(r))
		only(r, slots, machines);
	if (failed(r))
		return;
	o->kernels = count_of(r, object, "kernels", STEP_MODEL_NODES_MAX, true);
	for (uint32_t m = 1; m < r->protocol->machines; m++)
		o->slots[m] = count_of(r, slots, r->protocol->machine[m].name, 255, true);
	o->clients = count_of(r, object, "clients", 255, true);
	o->flight = count_of(r, object, "in_flight", 255, true);
	o->parks = count_of(r, object, "parks", 255, true);
	o->objects = count_of(r, object, "objects", 255, true);
	o->capabilities = count_of(r, object, "capabilities", 255, true);
	o->no_local_errors = !flag_of(r, object, "local_errors");
	o->lossy = flag_of(r, object, "lossy");
	o->reorder = flag_of(r, object, "reorder");
	o->crash = count_of(r, object, "crash", STEP_MODEL_NODES_MAX, true);
	read_judged(r, json_object_get(object, "judged"), o);
}

static void read_outcome(struct reader *r, const json_t *object, struct script *s)
{
	static const char *const known[] = {"where", "why", "state", NULL};
	snprintf(r->where, sizeof r->where, "outcome");
	only(r, object, known);
	const char *where = failed(r) ? NULL : text_of(r, object, "where", true);
	const char *why = failed(r) ? NULL : text_of(r, object, "why", true);
	const json_t *state = json_object_get(object, "state");
	if (failed(r))
		return;
	uint32_t k = 0;
	while (k < SCRIPT_ENDS && strcmp(script_end_name[k], where))
		k++;
	if (k == SCRIPT_ENDS)
		refuse(r, "\"where\": \"%.40s\" is no place; write step, rest or state", where);
	s->end = (enum script_end)k;
	snprintf(s->why, sizeof s->why, "%s", why);
	size_t size = 1, i;
	json_t *line;
	json_array_foreach((json_t *)(uintptr_t)state, i, line) size += json_string_length(line) + 1;
	s->state = calloc(1, size);
	json_array_foreach((json_t *)(uintptr_t)state, i, line)
	{
		if (!json_is_string(line) || !s->state) {
			refuse(r, "\"state\" has to be a list of lines");
			return;
		}
		strcat(strcat(s->state, json_string_value(line)), "\n");
	}
}

static void read_head(struct reader *r, const json_t *file, struct script_head *head)
{
	static const char *const known[] = {"schema", "kind",          "skerry", "protocol", "library",
					    "table",  "configuration", "steps",  "outcome",  NULL};
	const char *kind = json_is_object(file) ? json_string_value(json_object_get(file, "kind")) : NULL;
	if (!kind || strcmp(kind, FILE_KIND)) {
		refuse(r, "this is no script of Skerry; give a file that skerry check wrote, NAME.skr");
		return;
	}
	if (json_integer_value(json_object_get(file, "schema")) != CLI_SCHEMA) {
		refuse(r, "its schema is not %d; replay it with the version of Skerry that wrote it",
		       CLI_SCHEMA);
		return;
	}
	only(r, file, known);
	const char *protocol = text_of(r, file, "protocol", true), *table = text_of(r, file, "table", true);
	const char *library = text_of(r, file, "library", false);
	if (failed(r))
		return;
	snprintf(head->protocol, sizeof head->protocol, "%s", protocol);
	snprintf(head->table, sizeof head->table, "%s", table);
	snprintf(head->library, sizeof head->library, "%s", library ? library : "");
}

json_t *script_file_read(const char *path, struct script_head *head, char why[SCRIPT_FILE_WHY])
{
	struct reader r = {.path = path, .why = why};
	json_error_t error;
	size_t bytes;
	why[0] = '\0';
	char *text = file_read(path, FILE_BYTES_MAX, &bytes);
	if (!text) {
		refuse(&r, "cannot be read: %s; give a file that skerry check wrote", strerror(errno));
		return NULL;
	}
	json_t *file = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, &error);
	free(text);
	if (!file) {
		snprintf(r.where, sizeof r.where, "line %d, column %d", error.line, error.column);
		refuse(&r, "%.120s; the file is damaged, make it anew with skerry check", error.text);
		return NULL;
	}
	read_head(&r, file, head);
	if (failed(&r)) {
		json_decref(file);
		return NULL;
	}
	return file;
}

struct script *script_of_json(const char *path, const json_t *file, const struct step_protocol *protocol,
			      char why[SCRIPT_FILE_WHY])
{
	struct reader r = {.path = path, .why = why, .protocol = protocol};
	const struct script empty = {0};
	const json_t *steps = json_object_get(file, "steps");
	struct script *s = script_new(&empty);
	size_t i;
	json_t *item;
	why[0] = '\0';
	if (!s || !json_is_array(steps))
		refuse(&r, s ? "\"steps\" has to be a list" : "there is not enough memory");
	if (!failed(&r))
		read_configuration(&r, json_object_get(file, "configuration"), &s->options);
	json_array_foreach((json_t *)(uintptr_t)steps, i, item)
	{
		struct script_step step = {0};
		if (!failed(&r))
			read_step(&r, item, &step, (uint32_t)i + 1);
		if (!failed(&r) && script_add(s, &step))
			refuse(&r, "there is not enough memory");
	}
	if (!failed(&r))
		read_outcome(&r, json_object_get(file, "outcome"), s);
	if (failed(&r)) {
		script_free(s);
		return NULL;
	}
	snprintf(s->protocol, sizeof s->protocol, "%s", json_string_value(json_object_get(file, "protocol")));
	snprintf(s->table, sizeof s->table, "%s", json_string_value(json_object_get(file, "table")));
	return s;
}
