/* tests/lib/capability_bed.h - clients' calls of the family "capability" on a bed of nodes: see tests/lib/bed.h.
 *
 * Each returns the messages between nodes that its call took; b->result is what the call returned. Layer: tests. */
#ifndef SKERRY_TESTS_CAPABILITY_BED_H
#define SKERRY_TESTS_CAPABILITY_BED_H
#include <skerry/capability.h>
#include "tests/lib/bed.h"

enum { RIGHTS = 3, WRITE = 1, READ = 2, BADGE = 1 << CAPABILITY_BADGE_SHIFT };

static uint32_t ends(struct bed *b, unsigned code, uint32_t node, unsigned event, step_ref arg, uint32_t word)
{
	const unsigned machine = event == CAPABILITY_CREATE ? CAPABILITY_CAP : CAPABILITY_OP;
	const uint32_t messages = bed_call(b, STEP_ANY(node, machine), event, arg, word);
	assert_int_equal(b->code, code);
	return messages;
}
/* It ends well. */
static uint32_t good(struct bed *b, uint32_t node, unsigned event, step_ref arg, uint32_t word)
{
	return ends(b, CAPABILITY_OK, node, event, arg, word);
}
/* It fails. */
__attribute__((unused)) static uint32_t bad(struct bed *b, uint32_t node, unsigned event, step_ref arg,
					    uint32_t word)
{
	return ends(b, CAPABILITY_FAILED, node, event, arg, word);
}
/* It ends well, and this is what it made. */
__attribute__((unused)) static step_ref made(struct bed *b, uint32_t node, unsigned event, step_ref arg,
					     uint32_t word)
{
	good(b, node, event, arg, word);
	return b->result;
}
__attribute__((unused)) static bool lives(struct bed *b, step_ref cap)
{
	bed_call(b, STEP_ANY(cap.node, CAPABILITY_OP), CAPABILITY_USE, cap, 0);
	return b->code == CAPABILITY_OK;
}

#endif
