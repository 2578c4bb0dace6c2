/* sim/config_yaml.h - YAML text into a tree of nodes that know their lines. Private to sim/config.c.
 *
 * Built from libyaml's events, not with its document loader: the loader resolves aliases and drops tags
 * before anybody can refuse them, and follows any depth of nesting. Layer: sim. Pure but for memory. */
#ifndef SKERRY_SIM_CONFIG_YAML_H
#define SKERRY_SIM_CONFIG_YAML_H
#include <stdbool.h>
#include <stddef.h>

#define CONFIG_NODES_MAX 65536u

enum config_node_kind { CONFIG_SCALAR, CONFIG_SEQUENCE, CONFIG_MAPPING };

struct config_node {
	enum config_node_kind kind;
	int line;
	bool plain;                /* scalars: not quoted and not a block */
	bool flow;                 /* mappings and sequences: written with {} or [] */
	char *text;                /* scalars, zero-terminated */
	size_t bytes;              /* of text, which may hold zeros itself */
	struct config_node *first; /* children; those of a mapping are key, value, key, value */
	struct config_node *last, *next;
};

struct config_yaml_error {
	int line;       /* 0: none */
	char text[256]; /* "what is wrong; remedy" */
};

/* On success *out is owned by the caller, who passes it to config_yaml_free(). On failure returns -1. */
int config_yaml_read(struct config_node **out, const char *text, size_t bytes,
		     struct config_yaml_error *error);
void config_yaml_free(struct config_node *node); /* takes NULL */

#endif
