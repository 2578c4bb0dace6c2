/* tests/model/random.c - the kernel and the model under random system calls.
 *
 * usage: model_random [--calls N] [--seed S] [--episode N] [--check-every N] [--full-every N] [--no-cover] [--quiet]
 *
 * A run is episodes, each from a boot; an episode is replayed by its own seed. Exit: 0 they agree and all was visited;
 * 1 they differ, or something was never visited; 2 usage. */
#include "tests/model/cover.h"
#include "tests/model/gen.h"
#include "tests/model/shrink.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct options {
	unsigned long calls;
	uint64_t seed;
	unsigned episode, check_every, full_every;
	bool cover, quiet;
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* One world, from its boot on. Returns what differs, or NULL; *steps is how far it came. */
static const char *episode(const struct options *o, uint64_t seed, struct op *ops, unsigned *steps,
			   struct cover *cover)
{
	static char why[512];
	struct pair *pair = pair_new(&pair_small);
	struct gen gen;
	const char *found = NULL;

	pair->check_every = o->check_every;
	pair->full_every = o->full_every;
	pair->model->cancelled = cover->cancelled;
	gen_init(&gen, pair, seed);
	for (*steps = 0; *steps < o->episode && !found; ++*steps) {
		struct op *op = &ops[*steps];

		if (!gen_next(&gen, op))
			break;
		found = pair_step(pair, op);
		if (!found)
			cover_step(cover, pair, op, gen.on);
	}
	if (!found)
		found = pair_compare_all(pair);
	if (found) {
		snprintf(why, sizeof(why), "%s", found);
		found = why;
	}
	pair_free(pair);
	return found;
}

static int report(const char *why, uint64_t seed, const struct options *o, struct op *ops, unsigned count)
{
	unsigned left;

	printf("model: DIFFERENT after %u calls: %s\n", count, why);
	printf("model: replay: model_random --seed %" PRIu64
	       " --calls 1 --episode %u --full-every 1 --check-every 1\n",
	       seed, o->episode);
	left = shrink(ops, count, why);
	printf("model: shortest: %u calls\n", left);
	shrink_print_c(stdout, ops, left);
	return 1;
}

static bool parse(struct options *o, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";

		if (!strcmp(argv[i], "--no-cover"))
			o->cover = false;
		else if (!strcmp(argv[i], "--quiet"))
			o->quiet = true;
		else if (!strcmp(argv[i], "--calls"))
			o->calls = strtoul(value, NULL, 10), i++;
		else if (!strcmp(argv[i], "--seed"))
			o->seed = strtoull(value, NULL, 10), i++;
		else if (!strcmp(argv[i], "--episode"))
			o->episode = (unsigned)strtoul(value, NULL, 10), i++;
		else if (!strcmp(argv[i], "--check-every"))
			o->check_every = (unsigned)strtoul(value, NULL, 10), i++;
		else if (!strcmp(argv[i], "--full-every"))
			o->full_every = (unsigned)strtoul(value, NULL, 10), i++;
		else
			return false;
	}
	return o->episode > 0;
}

int main(int argc, char **argv)
{
	struct options o = {.calls = 300000,
			    .seed = 1,
			    .episode = 2500,
			    .check_every = 256,
			    .full_every = 64,
			    .cover = true};
	struct cover *cover = cover_new();
	unsigned long done = 0, worlds = 0;
	struct op *ops;
	double start = seconds(), took;
	int failed = 0;

	if (!parse(&o, argc, argv)) {
		fprintf(stderr,
			"usage: %s [--calls N] [--seed S] [--episode N] [--check-every N] [--full-every N] "
			"[--no-cover] [--quiet]\n",
			argv[0]);
		return 2;
	}
	ops = calloc(o.episode + 1, sizeof(*ops));
	while (done < o.calls && !failed) {
		unsigned steps;
		uint64_t seed = o.seed + worlds++;
		const char *why = episode(&o, seed, ops, &steps, cover);

		done += steps;
		if (why)
			failed = report(why, seed, &o, ops, steps);
	}
	took = seconds() - start;
	printf("model: %lu calls in %lu worlds, %.0f a second\n", done, worlds,
	       (double)done / (took > 0 ? took : 1));
	if (!failed && o.cover)
		failed = cover_report(cover, stdout, o.quiet);
	cover_free(cover);
	free(ops);
	return failed;
}
