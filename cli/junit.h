/* cli/junit.h - outcomes of tests as JUnit XML, which CI systems read. Layer: cli. */
#ifndef SKERRY_CLI_JUNIT_H
#define SKERRY_CLI_JUNIT_H
#include <stdint.h>
#include <stdio.h>

enum junit_outcome { JUNIT_PASSED, JUNIT_FAILED, JUNIT_ERROR, JUNIT_SKIPPED };

struct junit_case {
	enum junit_outcome outcome;
	double seconds;
	char *name; /* owned by whoever owns the case */
	char *text; /* why; NULL if it passed */
};

/* Replaces `file`. Returns 0, or -1 and errno. */
int junit_write(const char *file, const struct junit_case *cases, uint32_t count);

#endif
