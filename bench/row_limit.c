/* What the machine allows: a chain of dependent loads, each on a line of its own. No structure that must
 * touch one cold line an operation, and learns only there where the next one is, can be faster. */
#include <stdlib.h>
#include "bench/bench.h"
#include "sim/arena.h"

#define LINES       100000
#define BATCH_LOADS 100000

struct line {
	struct line *next;
	char rest[56];
};

struct chain {
	struct sim_arena arena;
	struct line *at;
};

/* Links all lines into one random circle (Sattolo's shuffle). */
static void chain_link(struct line *line)
{
	uint32_t *order = malloc(LINES * sizeof(*order));
	uint64_t random = 1;

	if (!order)
		abort();
	for (uint32_t i = 0; i < LINES; i++)
		order[i] = i;
	for (uint32_t i = LINES - 1; i > 0; i--) {
		uint32_t other, swap = order[i];

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		other = (uint32_t)((random >> 32) * i >> 32);
		order[i] = order[other];
		order[other] = swap;
	}
	for (uint32_t i = 0; i < LINES; i++)
		line[order[i]].next = &line[order[(i + 1) % LINES]];
	free(order);
}

static void *setup(const struct bench_row *row)
{
	struct chain *chain = malloc(sizeof(*chain));

	(void)row;
	if (!chain)
		return NULL;
	if (sim_arena_init(&chain->arena, LINES * sizeof(struct line), 1) < 0) {
		free(chain);
		return NULL;
	}
	chain->at = sim_arena_take(&chain->arena, LINES * sizeof(struct line), 64);
	chain_link(chain->at);
	return chain;
}

static uint64_t run(void *self)
{
	struct chain *chain = self;
	struct line *at = chain->at;

	for (uint32_t i = 0; i < BATCH_LOADS; i++)
		at = at->next;
	*(struct line *volatile *)&chain->at = at;
	return BATCH_LOADS;
}

static void teardown(void *self)
{
	struct chain *chain = self;

	sim_arena_fini(&chain->arena);
	free(chain);
}

const struct bench_row bench_limit_rows[] = {
	{.name = "limit/dependent_load_1e5", .setup = setup, .run = run, .teardown = teardown},
	{.name = NULL},
};
