/* Translation: one name leads to the next, so each lookup waits for the one before it, as a monitor's does. The
 * table is as the monitor's: names of capabilities, three quarters full at the most. */
#include <stdlib.h>
#include <skerry/protocol.h>
#include "bench/bench.h"
#include "ssi/translate.h"

#define BATCH_LOOKUPS 100000

struct subject {
	struct ssi_table table;
	uint64_t at;
};

static uint64_t name_of(uint32_t i)
{
	return step_ref_word((step_ref){.node = i % 16, .machine = 1, .gen = i % 7, .index = i / 16});
}

/* Links all names into one random circle (Sattolo's shuffle). Returns -1 when memory is short. */
static int circle(struct subject *subject, uint32_t names)
{
	uint32_t *order = malloc(names * sizeof(*order));
	uint64_t random = 1;
	int error = order ? ssi_table_init(&subject->table, names) : -1;

	for (uint32_t i = 0; !error && i < names; i++)
		order[i] = i;
	for (uint32_t i = names - 1; !error && i > 0; i--) {
		uint32_t other, swap = order[i];

		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		other = (uint32_t)((random >> 32) * i >> 32);
		order[i] = order[other];
		order[other] = swap;
	}
	for (uint32_t i = 0; !error && i < names; i++)
		error = ssi_table_put(&subject->table, name_of(order[i]), name_of(order[(i + 1) % names]));
	free(order);
	subject->at = name_of(0);
	return error;
}

static void teardown(void *self)
{
	struct subject *subject = self;

	ssi_table_fini(&subject->table);
	free(subject);
}

static void *setup(const struct bench_row *row)
{
	struct subject *subject = calloc(1, sizeof(*subject));

	if (subject && circle(subject, *(const uint32_t *)row->parameter)) {
		teardown(subject);
		return NULL;
	}
	return subject;
}

static uint64_t run(void *self)
{
	struct subject *subject = self;
	uint64_t at = subject->at;

	for (uint32_t i = 0; i < BATCH_LOOKUPS; i++)
		at = ssi_table_find(&subject->table, at);
	*(volatile uint64_t *)&subject->at = at;
	return BATCH_LOOKUPS;
}

static const uint32_t thousand = 1000, hundred_thousand = 100000;

const struct bench_row bench_translate_rows[] = {
	{.name = "translate/lookup_1e3",
	 .against = {BENCH_VS("vs_dependent_load", "limit/dependent_load_1e5")},
	 .parameter = &thousand,
	 .setup = setup,
	 .run = run,
	 .teardown = teardown},
	{.name = "translate/lookup_1e5",
	 .against = {BENCH_VS("vs_dependent_load", "limit/dependent_load_1e5")},
	 .parameter = &hundred_thousand,
	 .setup = setup,
	 .run = run,
	 .teardown = teardown},
	{.name = NULL},
};
