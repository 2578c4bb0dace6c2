/* tests/model/shrink.h - the shortest program that still shows a difference, and that program as C.
 *
 * Thread rule: one thread. Layer: tests. */
#ifndef SKERRY_TESTS_MODEL_SHRINK_H
#define SKERRY_TESTS_MODEL_SHRINK_H
#include <stdio.h>
#include "tests/model/pair.h"

/* Leaves out what is not needed, in place; returns how many are left. Each of `ops` can be left out, as whoever then is
 * current does the next. `why`: the difference that is meant to stay (its first word). */
unsigned shrink(struct op *ops, unsigned count, const char *why);
/* A complete program over <sel4/sel4.h>. */
void shrink_print_c(FILE *out, struct op *ops, unsigned count);
/* Runs them from a boot; NULL or what differs; *failed_at: after how many. Valid until the next call. */
const char *shrink_replay(struct op *ops, unsigned count, unsigned *failed_at);

#endif
