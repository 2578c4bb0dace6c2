/* The built-in demonstration, whole: recorded programs on 16 kernels, every byte compared with a plain file system
 * and every check made. An operation is one simulated system call. Reading the scenario and making the machine are
 * not timed; how often the recordings are repeated is settled once, so that a run takes two seconds. */
#include <stdio.h>
#include <stdlib.h>
#include "bench/bench.h"
#include "sim/check.h"
#include "workloads/run.h"

#define SECONDS_WANTED 2.0
#define REPEAT_MAX     200

struct subject {
	uint32_t repeat;
	struct scenario *scenario;
	struct run *run;
	struct run_result sum; /* of all batches: what the counters need */
};

static void forget(struct subject *subject)
{
	run_free(subject->run);
	scenario_free(subject->scenario);
	subject->run = NULL;
	subject->scenario = NULL;
}

static void refuse(const char *text)
{
	fprintf(stderr, "skerry-bench: engine/demo: %s\n", text);
	abort();
}

/* The demonstration with every recording replayed `repeat` times; which entries are recordings, it says itself. */
static void read_scenario(struct subject *subject, uint32_t repeat)
{
	char text[SCENARIO_CLIENTS_MAX][48];
	const char *sets[SCENARIO_CLIENTS_MAX];
	uint32_t count = 0;
	struct scenario *plain;
	struct scenario_error error;

	if (scenario_read(&plain, NULL, NULL, 0, &error))
		refuse(error.text);
	for (uint32_t i = 0; i < plain->clients_count; i++) {
		if (!plain->clients[i].trace)
			continue;
		snprintf(text[count], sizeof(text[count]), "clients.%u.repeat=%u", i, repeat);
		sets[count] = text[count];
		count++;
	}
	scenario_free(plain);
	if (scenario_read(&subject->scenario, NULL, sets, count, &error))
		refuse(error.text);
}

static void prepare_with(struct subject *subject, uint32_t repeat)
{
	const struct run_options options = {0};
	struct scenario_error error;

	forget(subject);
	read_scenario(subject, repeat);
	if (run_new(&subject->run, subject->scenario, &options, &error))
		refuse(error.text);
}

static void prepare(void *self)
{
	struct subject *subject = self;

	prepare_with(subject, subject->repeat);
}

static struct run_result run_once(struct subject *subject)
{
	struct run_result result;

	run_go(subject->run, &result);
	if (result.end != RUN_ENDED || result.failures)
		refuse("the demonstration fails; `skerry run` shows how");
	return result;
}

static void *setup(const struct bench_row *row)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	double wanted;

	(void)row;
	if (!subject)
		return NULL;
	prepare_with(subject, 1);
	run_once(subject); /* pages of this program and of its tables come in */
	prepare_with(subject, 4);
	wanted = SECONDS_WANTED * 4 / run_once(subject).wall_seconds + 1;
	subject->repeat = wanted < REPEAT_MAX ? (uint32_t)wanted : REPEAT_MAX;
	return subject;
}

static uint64_t run(void *self)
{
	struct subject *subject = self;
	struct run_result result = run_once(subject);

	subject->sum.calls += result.calls;
	subject->sum.events += result.events;
	subject->sum.messages += result.messages;
	subject->sum.content_bytes += result.content_bytes;
	subject->sum.wall_seconds += result.wall_seconds;
	return result.calls;
}

static unsigned counters(void *self, struct bench_counter *counter)
{
	const struct run_result *sum = &((const struct subject *)self)->sum;
	const double seconds = sum->wall_seconds;

	counter[0] = (struct bench_counter){"ns_per_event", seconds * 1e9 / (double)sum->events};
	counter[1] = (struct bench_counter){"calls_per_s", (double)sum->calls / seconds};
	counter[2] = (struct bench_counter){"events_per_s", (double)sum->events / seconds};
	counter[3] = (struct bench_counter){"messages_per_s", (double)sum->messages / seconds};
	counter[4] = (struct bench_counter){"content_GB_per_s", (double)sum->content_bytes * 1e-9 / seconds};
	return 5;
}

static void teardown(void *self)
{
	forget(self);
	free(self);
}

const struct bench_row bench_demo_rows[] = {
	{.name = "engine/demo",
	 .setup = setup,
	 .prepare = prepare,
	 .run = run,
	 .counters = counters,
	 .teardown = teardown},
	{.name = NULL},
};
