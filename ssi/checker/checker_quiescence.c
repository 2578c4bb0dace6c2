/* ssi/checker/checker_quiescence.c - from which states quiescence can be reached without a new call.
 *
 * The search has noted where each state leads to. A state is good if it is quiet or leads to a good one; states are
 * marked from the last to the first, again and again, until nothing changes. The first state, in the order of the
 * search, that is not marked is one of the least depth. */
#include <stdlib.h>
#include "ssi/checker/checker_search.h"

struct marks {
	uint64_t *word[STORE_SHARDS];
};

static void shard_of(uint32_t number, uint32_t *shard, uint32_t *bit)
{
	*shard = number >> STATE_BITS;
	*bit = number & ((1u << STATE_BITS) - 1);
}

static bool is_good(const struct marks *m, uint32_t number)
{
	uint32_t shard, bit;
	shard_of(number, &shard, &bit);
	return m->word[shard][bit / 64] >> (bit % 64) & 1;
}

static void mark(struct marks *m, uint32_t number)
{
	uint32_t shard, bit;
	shard_of(number, &shard, &bit);
	m->word[shard][bit / 64] |= 1ull << (bit % 64);
}

static bool leads_to_good(const struct marks *m, const uint32_t *to, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (is_good(m, to[i]))
			return true;
	return false;
}

/* One sweep; *bad is the first state that is not good. Whether anything changed. */
static bool sweep(const struct checker_search *s, struct marks *m, uint32_t *bad)
{
	const uint32_t *edge = (const uint32_t *)(const void *)s->edges.at;
	bool changed = false;
	*bad = 0;
	for (uint64_t at = s->edges.used / sizeof *edge; at;) {
		const uint32_t count = edge[at - 1] >> 1, state = edge[at - 2];
		const bool quiet = edge[at - 1] & 1;
		at -= count + 2ull;
		if (is_good(m, state))
			continue;
		if (quiet || leads_to_good(m, edge + at, count)) {
			mark(m, state);
			changed = true;
		} else {
			*bad = state;
		}
	}
	return changed;
}

int checker_quiescence(struct checker_search *s)
{
	struct marks m = {{NULL}};
	uint32_t bad = 0;
	bool failed = false;
	for (uint32_t i = 0; i < STORE_SHARDS; i++) {
		m.word[i] = calloc(s->store.shard[i].arena.used / STATE_UNIT / 64 + 1, sizeof *m.word[i]);
		failed |= !m.word[i];
	}
	while (!failed && sweep(s, &m, &bad))
		;
	for (uint32_t i = 0; i < STORE_SHARDS; i++)
		free(m.word[i]);
	if (bad) {
		s->wrong = bad;
		s->wrong_is_trap = true;
	}
	return failed ? -1 : 0;
}
