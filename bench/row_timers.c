/* Timers: each process posts only to itself, up to a million windows ahead. Windows are nearly empty, so this
 * prices the search for the next one and the wheels behind the ring. */
#include <stdlib.h>
#include "bench/bench.h"
#include "bench/phold.h"
#include "sim/engine.h"

#define PROCESSES     100000
#define AHEAD_WINDOWS 1000000
#define BATCH_WINDOWS 500000 /* about as many events as there are processes */

struct subject {
	struct phold_model model;
	struct sim_engine *engine;
	sim_ps until;
};

static sim_ps delay_ps(struct phold_process *process)
{
	return (phold_random(process) >> 32) * (AHEAD_WINDOWS * PHOLD_LOOKAHEAD_PS) >> 32;
}

static void handle(void *context, struct sim_engine *engine, const struct sim_event *event)
{
	struct phold_model *model = context;
	struct phold_process *process = &model->process[event->dst];

	process->order = (process->order ^ event->time) * UINT64_C(0x9fb21c651e98df25);
	sim_engine_post(engine, event->dst, event->dst, event->time + delay_ps(process));
}

static void teardown(void *self)
{
	struct subject *subject = self;

	sim_engine_free(subject->engine);
	phold_fini(&subject->model);
	free(subject);
}

static uint64_t run(void *self)
{
	struct subject *subject = self;
	uint64_t before = sim_engine_events(subject->engine);

	subject->until += BATCH_WINDOWS * PHOLD_LOOKAHEAD_PS;
	sim_engine_run(subject->engine, subject->until);
	return sim_engine_events(subject->engine) - before;
}

static void *setup(const struct bench_row *row)
{
	struct subject *subject = calloc(1, sizeof(*subject));
	struct sim_engine_config config = {.kind = *(const enum sim_engine_kind *)row->parameter,
					   .processes = PROCESSES,
					   .lookahead_ps = PHOLD_LOOKAHEAD_PS,
					   .handler = handle};

	if (!subject)
		return NULL;
	if (phold_init(&subject->model, PROCESSES) < 0) {
		free(subject);
		return NULL;
	}
	config.context = &subject->model;
	config.state = subject->model.process;
	config.state_stride = sizeof(*subject->model.process);
	if (sim_engine_new(&subject->engine, &config) < 0) {
		teardown(subject);
		return NULL;
	}
	for (uint32_t i = 0; i < PROCESSES; i++)
		sim_engine_post(subject->engine, i, i, delay_ps(&subject->model.process[i]));
	run(subject);
	return subject;
}

static uint64_t checksum(void *self)
{
	struct subject *subject = self;

	return phold_checksum(&subject->model);
}

static const enum sim_engine_kind window = SIM_ENGINE_WINDOW, heap = SIM_ENGINE_HEAP;

const struct bench_row bench_timers_rows[] = {
	{.name = "engine/timers_1e5",
	 .work = "timers_1e5",
	 .against = {BENCH_VS("vs_heap", "engine/timers_heap_1e5")},
	 .parameter = &window,
	 .setup = setup,
	 .run = run,
	 .checksum = checksum,
	 .teardown = teardown},
	{.name = "engine/timers_heap_1e5",
	 .work = "timers_1e5",
	 .parameter = &heap,
	 .setup = setup,
	 .run = run,
	 .checksum = checksum,
	 .teardown = teardown},
	{.name = NULL},
};
