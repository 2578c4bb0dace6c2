/* A native run: recorded programs and shared pages on two clusters, without time to think, every byte compared. An
 * operation is one system call; the time is until the last client has ended, without making the machine, the checks of the
 * whole machine after it and the replay of the step log.
 *
 *   native/demo_call            as `skerry run --engine native` does it
 *   native/demo_call_profiled   with the time of each thread accounted for, to the last event (ssi/profile.h)
 *   native/demo_call_profiled_8 the same of one event in eight
 *   native/demo_call_logged     with a step log, which is what a trace of all messages is made of (ssi/inclusion.h)
 *
 * The clusters share the threads that there are, so the rows run with one CPU too; figures of different numbers of CPUs
 * are not comparable. */
#include <stdio.h>
#include <stdlib.h>
#include "bench/bench.h"
#include "sim/check.h"
#include "workloads/run.h"

#define REPEATS "6"

static const char text[] = "name: native\n"
			   "about: \"what a system call takes natively\"\n"
			   "engine: native\n"
			   "native: {oversubscribe: true}\n"
			   "machine: {clusters: 2}\n"
			   "clients:\n"
			   "  - {trace: tar, think: 0 cycles, repeat: " REPEATS "}\n"
			   "  - {trace: find, think: 0 cycles, repeat: " REPEATS "}\n"
			   "  - {trace: sqlite, think: 0 cycles, repeat: " REPEATS "}\n"
			   "  - {trace: git, think: 0 cycles, repeat: " REPEATS "}\n"
			   "  - {stamps: {pages: 4, operations: 1000, writes: 20%}, think: 0 cycles}\n";

struct subject {
	const struct run_options *options;
	struct scenario *scenario;
	struct run *run;
	struct run_result last;
	uint64_t calls, messages;
};

static void refuse(const char *why)
{
	fprintf(stderr, "skerry-bench: native: %s\n", why);
	abort();
}

static void *setup(const struct bench_row *row)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	struct scenario_error error;

	if (!subject)
		return NULL;
	subject->options = row->parameter;
	if (scenario_parse(&subject->scenario, "native", text, sizeof(text) - 1, NULL, 0, &error))
		refuse(error.text);
	return subject;
}

static void prepare(void *self)
{
	struct subject *subject = self;
	struct scenario_error error;

	run_free(subject->run);
	subject->run = NULL;
	if (run_new(&subject->run, subject->scenario, subject->options, &error))
		refuse(error.text);
}

static uint64_t run(void *self)
{
	struct subject *subject = self;

	run_go(subject->run, &subject->last);
	subject->calls += subject->last.calls;
	subject->messages += subject->last.messages;
	return subject->last.calls;
}

static double batch_ns(void *self) { return (double)((struct subject *)self)->last.virtual_ps / 1e3; }

static const char *fault(void *self)
{
	const struct run_result *last = &((struct subject *)self)->last;

	if (last->end != RUN_ENDED)
		return "the run does not end; skerry run shows how";
	return last->failures ? "a check of the run fails; skerry run shows which" : NULL;
}

static unsigned counters(void *self, struct bench_counter *counter)
{
	const struct subject *subject = self;

	counter[0] = (struct bench_counter){"messages_per_call",
					    (double)subject->messages / (double)subject->calls};
	counter[1] =
		(struct bench_counter){"threads", subject->last.native ? subject->last.native->threads : 0};
	return 2;
}

static void teardown(void *self)
{
	struct subject *subject = self;

	run_free(subject->run);
	scenario_free(subject->scenario);
	free(subject);
}

static const struct run_options plain = {.seconds_max = 0}, profiled = {.profile = true},
				sampled = {.profile = true, .profile_every = 8}, logged = {.inclusion = true};

#define NATIVE(options)                                                                                      \
	.parameter = &(options), .setup = setup, .prepare = prepare, .run = run, .batch_ns = batch_ns,       \
	.fault = fault, .counters = counters, .teardown = teardown

const struct bench_row bench_native_rows[] = {
	{.name = "native/demo_call", NATIVE(plain)},
	{.name = "native/demo_call_profiled",
	 .against = {{"times_plain", "native/demo_call", .over = true}},
	 NATIVE(profiled)},
	{.name = "native/demo_call_profiled_8",
	 .against = {{"times_plain", "native/demo_call", .over = true, .goal_max = 1.10}},
	 NATIVE(sampled)},
	{.name = "native/demo_call_logged",
	 .against = {{"times_plain", "native/demo_call", .over = true, .goal_max = 1.10}},
	 NATIVE(logged)},
	{.name = NULL},
};
