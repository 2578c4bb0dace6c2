#include "sim/config_yaml.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>
#include "sim/config.h"

struct builder {
	yaml_parser_t parser;
	const char *text;
	size_t bytes;
	struct config_node *root;
	struct config_node *open[SIM_CONFIG_DEPTH_MAX]; /* from the root to where the parser stands */
	unsigned depth, nodes, documents;
	struct config_yaml_error *error;
};

static int fail(struct builder *b, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));

static int fail(struct builder *b, int line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	b->error->line = line;
	vsnprintf(b->error->text, sizeof b->error->text, format, arguments);
	va_end(arguments);
	return -1;
}

static int line_at(const struct builder *b, size_t offset)
{
	int line = 1;
	for (size_t i = 0; i < b->bytes && i < offset; i++)
		line += b->text[i] == '\n';
	return line;
}

/* The text of a line (1 is the first), without its end. */
static const char *line_text(const struct builder *b, int line, size_t *length)
{
	const char *at = b->text, *end = b->text + b->bytes;
	while (--line > 0) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			break;
		at = newline + 1;
	}
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	*length = (size_t)((newline ? newline : end) - at);
	return at;
}

/* libyaml says what it met, not what to do; the usual reasons can be seen in the line. */
static const char *remedy(const struct builder *b, int line)
{
	size_t length, i = 0;
	const char *text = line_text(b, line, &length);
	while (i < length && text[i] == ' ')
		i++;
	if (i < length && text[i] == '\t')
		return "indent with spaces, not with tabs";
	if (memmem(text, length, ": >=", 4) || memmem(text, length, ": > ", 4))
		return "a value that begins with \">\" needs quotes, e.g. \">= 20us\"";
	return "check indentation, brackets and quotes from this line upwards";
}

static int fail_yaml(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;
	const char *problem = p->problem ? p->problem : "it cannot be read";
	if (p->error == YAML_MEMORY_ERROR)
		return fail(b, 1, "memory is exhausted; end other programs");
	if (p->error == YAML_READER_ERROR)
		return fail(b, line_at(b, p->problem_offset),
			    "not plain UTF-8 text (%s); save the file as UTF-8", problem);
	int line = (int)p->problem_mark.line + 1;
	if (!b->bytes || line > line_at(b, b->bytes))
		line = line_at(b, b->bytes);
	return fail(b, line, "not valid YAML: %s%s%s; %s", problem, p->context ? " " : "",
		    p->context ? p->context : "", remedy(b, line));
}

static struct config_node *node_new(struct builder *b, enum config_node_kind kind, const yaml_event_t *event)
{
	int line = (int)event->start_mark.line + 1;
	if (++b->nodes > CONFIG_NODES_MAX) {
		fail(b, line, "more than %u keys and values; write a shorter file", CONFIG_NODES_MAX);
		return NULL;
	}
	struct config_node *node = calloc(1, sizeof *node);
	if (!node) {
		fail(b, line, "memory is exhausted; end other programs");
		return NULL;
	}
	node->kind = kind;
	node->line = line;
	struct config_node *parent = b->depth ? b->open[b->depth - 1] : NULL;
	if (!parent)
		b->root = node;
	else if (parent->last)
		parent->last->next = node;
	else
		parent->first = node;
	if (parent)
		parent->last = node;
	return node;
}

static int add_scalar(struct builder *b, const yaml_event_t *event)
{
	struct config_node *node = node_new(b, CONFIG_SCALAR, event);
	if (!node)
		return -1;
	node->bytes = event->data.scalar.length;
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = malloc(node->bytes + 1);
	if (!node->text)
		return fail(b, node->line, "memory is exhausted; end other programs");
	memcpy(node->text, event->data.scalar.value, node->bytes);
	node->text[node->bytes] = 0;
	return 0;
}

static int open_collection(struct builder *b, enum config_node_kind kind, bool flow,
			   const yaml_event_t *event)
{
	struct config_node *node = node_new(b, kind, event);
	if (!node)
		return -1;
	if (b->depth == SIM_CONFIG_DEPTH_MAX)
		return fail(b, node->line, "nested more than %d deep; no key needs that",
			    SIM_CONFIG_DEPTH_MAX);
	node->flow = flow;
	b->open[b->depth++] = node;
	return 0;
}

static int refuse_anchor(struct builder *b, const yaml_event_t *event, const yaml_char_t *anchor,
			 const yaml_char_t *tag)
{
	static const char standard[] = "tag:yaml.org,2002:"; /* libyaml's long form of "!!" */
	int line = (int)event->start_mark.line + 1;
	bool is_standard = tag && !strncmp((const char *)tag, standard, sizeof standard - 1);
	if (anchor)
		return fail(b, line,
			    "\"&%.40s\": anchors are not read; write the value out where it is needed",
			    (const char *)anchor);
	if (tag)
		return fail(
			b, line, "\"%s%.60s\": tags are not read, the key decides the type; remove the tag",
			is_standard ? "!!" : "", (const char *)tag + (is_standard ? sizeof standard - 1 : 0));
	return 0;
}

static int take_event(struct builder *b, const yaml_event_t *event)
{
	int line = (int)event->start_mark.line + 1;
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		if (b->documents++)
			return fail(b, line,
				    "a second document begins here; remove it and the \"---\" before it");
		return 0;
	case YAML_ALIAS_EVENT:
		return fail(b, line, "\"*%.40s\": aliases are not read; write the value out",
			    (const char *)event->data.alias.anchor);
	case YAML_SCALAR_EVENT:
		if (refuse_anchor(b, event, event->data.scalar.anchor, event->data.scalar.tag))
			return -1;
		return add_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		if (refuse_anchor(b, event, event->data.sequence_start.anchor,
				  event->data.sequence_start.tag))
			return -1;
		return open_collection(b, CONFIG_SEQUENCE,
				       event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE, event);
	case YAML_MAPPING_START_EVENT:
		if (refuse_anchor(b, event, event->data.mapping_start.anchor, event->data.mapping_start.tag))
			return -1;
		return open_collection(b, CONFIG_MAPPING,
				       event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		b->depth--;
		return 0;
	default:
		return 0;
	}
}

static int build(struct builder *b)
{
	for (;;) {
		yaml_event_t event;
		if (!yaml_parser_parse(&b->parser, &event))
			return fail_yaml(b);
		bool end = event.type == YAML_STREAM_END_EVENT;
		int result = take_event(b, &event);
		yaml_event_delete(&event);
		if (result || end)
			return result;
	}
}

int config_yaml_read(struct config_node **out, const char *text, size_t bytes,
		     struct config_yaml_error *error)
{
	struct builder b = {.text = text, .bytes = bytes, .error = error};
	*error = (struct config_yaml_error){0};
	if (!yaml_parser_initialize(&b.parser))
		return fail(&b, 1, "memory is exhausted; end other programs");
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, bytes);
	int result = build(&b);
	yaml_parser_delete(&b.parser);
	if (!result && !b.root)
		result = fail(&b, 1, "it is empty; write keys and values, e.g. \"name: first\"");
	if (result)
		config_yaml_free(b.root);
	else
		*out = b.root;
	return result;
}

/* The depth is bounded by the builder, so recursion is, too. */
void config_yaml_free(struct config_node *node)
{
	if (!node)
		return;
	struct config_node *next;
	for (struct config_node *child = node->first; child; child = next) {
		next = child->next;
		config_yaml_free(child);
	}
	free(node->text);
	free(node);
}
