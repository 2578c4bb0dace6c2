/* tests/lib/german.h - German's cache-coherence protocol, for comparing the checker with others: its numbers of states and
 * transitions are known. Not for use. Layer: tests. */
#ifndef SKERRY_TESTS_LIB_GERMAN_H
#define SKERRY_TESTS_LIB_GERMAN_H
#include <skerry/protocol.h>

extern const struct step_protocol german;

#endif
