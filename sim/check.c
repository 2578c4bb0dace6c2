#include "sim/check.h"
#include <stdio.h>
#include <stdlib.h>

static const char *replay;

void sim_check_set_replay(const char *command) { replay = command; }

_Noreturn void sim_check_fail(const char *condition, const char *file, int line)
{
	fprintf(stderr, "skerry: internal error: %s:%d: check failed: %s\n", file, line, condition);
	if (replay)
		fprintf(stderr, "skerry: it happens again with: %s\n", replay);
	exit(70);
}
