/* tests/lib/seeds.h - which seeds a property test tries: those of SKERRY_SEED (one) or SKERRY_SEEDS (how many), or its own. */
#ifndef SKERRY_TESTS_SEEDS_H
#define SKERRY_TESTS_SEEDS_H
#include <stdint.h>
#include <stdlib.h>

static inline uint64_t seeds_first(void)
{
	const char *text = getenv("SKERRY_SEED");
	return text ? strtoull(text, NULL, 10) : 0;
}
static inline uint64_t seeds_count(uint64_t otherwise)
{
	const char *text = getenv("SKERRY_SEEDS");
	return getenv("SKERRY_SEED") ? 1 : text ? strtoull(text, NULL, 10) : otherwise;
}

#endif
