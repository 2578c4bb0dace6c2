/* Translation: one name leads to the next, so each lookup waits for the one before it, as a monitor's does. The
 * names are a monitor's: of capabilities of 16 kernels. Tables of names: ours, three quarters full at the most; others';
 * and what none can beat, an array that the name itself indexes, with a generation to see that the name is not an old one.
 *
 * Not shown: changes of the table, and several threads, which is what the peers are made for. */
#include <stdlib.h>
#include <unistd.h>
#include <skerry/protocol.h>
#include "bench/bench.h"
#include "bench/table.h"
#include "ssi/translate.h"

#define BATCH_LOOKUPS 100000
#define KERNELS       16

static uint64_t name_of(uint32_t i)
{
	return step_ref_word(
		(step_ref){.node = i % KERNELS, .machine = 1, .gen = i % 7, .index = i / KERNELS});
}

/* ---- an array ---- */

struct direct_entry {
	uint64_t name, value;
};

static struct direct_entry *direct_at(struct direct_entry *table, uint64_t name)
{
	step_ref r;

	memcpy(&r, &name, sizeof(r));
	return &table[r.index * KERNELS + r.node];
}

static void *direct_make(uint32_t names) { return calloc(names + KERNELS, sizeof(struct direct_entry)); }

static int direct_put(void *table, uint64_t name, uint64_t value)
{
	*direct_at(table, name) = (struct direct_entry){name, value};
	return 0;
}

static uint64_t direct_follow(void *table, uint64_t name, uint32_t steps)
{
	while (steps--) {
		const struct direct_entry *e = direct_at(table, name);

		if (e->name != name)
			return 0;
		name = e->value;
	}
	return name;
}

const struct bench_table bench_table_direct = {
	.make = direct_make, .put = direct_put, .follow = direct_follow, .drop = free};

/* ---- ours ---- */

static void *own_make(uint32_t names)
{
	struct ssi_table *table = calloc(1, sizeof(*table));

	if (table && ssi_table_init(table, names) == 0)
		return table;
	free(table);
	return NULL;
}

static int own_put(void *table, uint64_t name, uint64_t value) { return ssi_table_put(table, name, value); }

static uint64_t own_follow(void *memory, uint64_t name, uint32_t steps)
{
	const struct ssi_table *table = memory;

	while (steps--)
		name = ssi_table_find(table, name);
	return name;
}

static void own_drop(void *table)
{
	ssi_table_fini(table);
	free(table);
}

const struct bench_table bench_table_own = {
	.make = own_make, .put = own_put, .follow = own_follow, .drop = own_drop};

/* ---- the rows ---- */

struct task {
	const struct bench_table *table;
	uint32_t names;
	const char *absent; /* why there is no table */
};

struct subject {
	const struct bench_table *kind;
	void *table;
	uint64_t at;
};

/* Links all names into one random circle (Sattolo's shuffle). Returns -1 when memory is short. */
static int circle(const struct subject *subject, uint32_t names)
{
	uint32_t *order = malloc(names * sizeof(*order));
	uint64_t random = 1;
	int error = order ? 0 : -1;

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
		error = subject->kind->put(subject->table, name_of(order[i]),
					   name_of(order[(i + 1) % names]));
	free(order);
	return error;
}

static void teardown(void *self)
{
	struct subject *subject = self;

	if (subject->table)
		subject->kind->drop(subject->table);
	free(subject);
}

static void *setup(const struct bench_row *row)
{
	const struct task *task = row->parameter;
	struct subject *subject = calloc(1, sizeof(*subject));

	if (!subject)
		return NULL;
	subject->kind = task->table;
	subject->table = task->table->make(task->names);
	subject->at = name_of(0);
	if (!subject->table || circle(subject, task->names)) {
		teardown(subject);
		return NULL;
	}
	return subject;
}

/* The tables of ten million names are all there at once, and are 2 GiB together. */
static const char *skip(const struct bench_row *row)
{
	const struct task *task = row->parameter;

	if (task->absent)
		return task->absent;
	return task->names > 1000000 && sysconf(_SC_AVPHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) / 1024 < 4096
		       ? "less than 4 GiB of memory are free"
		       : NULL;
}

static uint64_t run(void *self)
{
	struct subject *subject = self;

	*(volatile uint64_t *)&subject->at =
		subject->kind->follow(subject->table, subject->at, BATCH_LOOKUPS);
	return BATCH_LOOKUPS;
}

static const char *fault(void *self) { return ((struct subject *)self)->at ? NULL : "a name was not found"; }

/* All tables of a size must arrive at the same name. */
static uint64_t checksum(void *self) { return ((struct subject *)self)->at; }

#define TASK(table_, names_)                                                                                 \
	&(const struct task) { .table = &(table_), .names = (names_) }
#define ROW(name_, size, names_, table, ...)                                                                 \
	{                                                                                                    \
		.name = "translate/" name_ "_" size, .work = "translate " size, .against = {__VA_ARGS__},    \
		.parameter = TASK(table, names_), .slow = (names_) > 1000000, .skip = skip, .setup = setup,  \
		.run = run, .fault = fault, .checksum = checksum, .teardown = teardown                       \
	}
#define TIMES(size)                                                                                          \
	{                                                                                                    \
		.counter = "times_lookup", .row = "translate/lookup_" size, .over = true                     \
	}
#define ABSENT(name_, size, why)                                                                             \
	{                                                                                                    \
		.name = "translate/" name_ "_" size, .skip = skip, .parameter = &(const struct task)         \
		{                                                                                            \
			.absent = why                                                                        \
		}                                                                                            \
	}

#ifdef BENCH_WITH_LFHT
#define URCU(size, names) ROW("urcu_lfht", size, names, bench_table_urcu, TIMES(size))
#else
#define URCU(size, names)                                                                                    \
	ABSENT("urcu_lfht", size,                                                                            \
	       "<urcu/rculfhash.h> was not there when this was built (Debian: liburcu-dev)")
#endif
#ifdef BENCH_WITH_CK_HT
#define CK(size, names) ROW("ck_ht", size, names, bench_table_ck, TIMES(size))
#else
#define CK(size, names)                                                                                      \
	ABSENT("ck_ht", size, "<ck_ht.h> was not there when this was built (Debian: libck-dev)")
#endif
#define SIZE(size, names)                                                                                    \
	ROW("lookup", size, names, bench_table_own,                                                          \
	    BENCH_VS("vs_dependent_load", "limit/dependent_load_1e5")),                                      \
		ROW("direct", size, names, bench_table_direct, TIMES(size)), URCU(size, names),              \
		CK(size, names)

const struct bench_row bench_translate_rows[] = {
	SIZE("1e3", 1000),
	SIZE("1e5", 100000),
	SIZE("1e7", 10000000),
	{.name = NULL},
};
