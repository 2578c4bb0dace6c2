/* cli/costs_operations.h - what operations on capabilities take with the cost profile "semperos", beside what was
 * published: two are fitted, the others predicted. Layer: cli. */
#ifndef SKERRY_CLI_COSTS_OPERATIONS_H
#define SKERRY_CLI_COSTS_OPERATIONS_H
#include <stdbool.h>

#define COSTS_OPERATIONS_PROFILE "semperos"
/* Runs them in virtual time and prints a table, or JSON. Returns an exit code. */
int costs_operations(bool json);

#endif
