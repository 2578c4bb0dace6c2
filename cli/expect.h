/* cli/expect.h - what a scenario expects, against what came out; and rewriting it. Layer: cli. */
#ifndef SKERRY_CLI_EXPECT_H
#define SKERRY_CLI_EXPECT_H
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include "workloads/scenario.h"

#define EXPECT_TEXT 96

struct expect_outcome {
	bool met, known; /* known: there is such a figure */
	bool exact;      /* a digest or an exact number: --update may rewrite it */
	char expected[EXPECT_TEXT], actual[EXPECT_TEXT];
};

/* `result` as result_json() gives it. */
void expect_compare(const struct scenario_expect *expect, const json_t *result, struct expect_outcome *out);

/* Rewrites the values of exact expectations that were not met in the text of the scenario's file, keeping all
 * else of it. Says on `report` what it changed. Returns the number of changes, or -1 after a message. */
int expect_update(const char *file, const struct scenario *scenario, const json_t *result, FILE *report);

/* In `line` (one line, changed in place within `size`) puts `value` where the value of `key` stands. False:
 * the line has no such key or value. */
bool expect_replace(char *line, size_t size, const char *key, const char *value);

#endif
