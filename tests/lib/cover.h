/* tests/lib/cover.h - which cells of the flat machine's protocols have run, over all runs of a test.
 *
 * A tap has no context, so there is one count in a program. A cell that stalls a message does not run and is not
 * counted: the taps of the hosts do not see it (the checker does, tests/prop/test_checker.c).
 * Layer: tests. One thread. */
#ifndef SKERRY_TESTS_LIB_COVER_H
#define SKERRY_TESTS_LIB_COVER_H
#include <skerry/protocol.h>

#define COVER_PROTOCOLS 3
extern const struct step_protocol
	*const cover_protocols[COVER_PROTOCOLS]; /* tree, msi, posix: flat_node()'s order */

step_tap cover_tap;
void cover_reset(void);
/* Before each run: after so many cells it is taken to spin, perhaps within one event, and the test fails. */
void cover_limit(uint64_t cells);
uint64_t cover_count(unsigned number, unsigned machine, unsigned state, unsigned event);

/* Cells that no run can visit, and why: {"capability/tree", "cap DOOMED+LOCAL_OK", "..."}; "*" as the state or the
 * event stands for all of them, "LIVE|HOLLOW" for two. Ends with an entry without a protocol. */
struct cover_except {
	const char *protocol, *cell, *why;
};
/* Fails the test, and prints every cell concerned, if a cell that is not listed never ran, if one that is listed did,
 * or if an entry of the list means no cell. */
void cover_check(const struct cover_except *except);

#endif
