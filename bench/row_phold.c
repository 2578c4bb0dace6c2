/* PHOLD on the window engine, on the heap engine and on std::priority_queue. */
#include <stdlib.h>
#include "bench/bench.h"
#include "bench/phold.h"
#include "sim/engine.h"

#define BATCH_EVENTS 100000

struct load {
	enum sim_engine_kind kind;
	uint32_t processes;
};

struct subject {
	struct phold_model model;
	struct sim_engine *engine;
	struct phold_queue *queue;
	sim_ps until, batch_ps;
};

static void handle(void *context, struct sim_engine *engine, const struct sim_event *event)
{
	struct phold_next next = phold_step(context, event->time, event->src, event->dst);

	sim_engine_post(engine, event->dst, next.dst, next.time);
}

static void teardown(void *self)
{
	struct subject *subject = self;

	sim_engine_free(subject->engine);
	phold_queue_free(subject->queue);
	phold_fini(&subject->model);
	free(subject);
}

/* A first batch outside the measurement: memory is touched, the initial wave has spread. */
static struct subject *warmed(struct subject *subject, uint64_t (*run)(void *),
			      const struct phold_model *model)
{
	subject->batch_ps = 20 * PHOLD_LOOKAHEAD_PS;
	run(subject);
	subject->batch_ps = phold_batch_windows(model, BATCH_EVENTS) * PHOLD_LOOKAHEAD_PS;
	return subject;
}

static uint64_t engine_run(void *self)
{
	struct subject *subject = self;
	uint64_t before = sim_engine_events(subject->engine);

	subject->until += subject->batch_ps;
	sim_engine_run(subject->engine, subject->until);
	return sim_engine_events(subject->engine) - before;
}

static void *engine_setup(const struct bench_row *row)
{
	const struct load *load = row->parameter;
	struct subject *subject = calloc(1, sizeof(*subject));
	struct sim_engine_config config = {.kind = load->kind,
					   .processes = load->processes,
					   .lookahead_ps = PHOLD_LOOKAHEAD_PS,
					   .handler = handle};

	if (!subject)
		return NULL;
	if (phold_init(&subject->model, load->processes) < 0) {
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
	for (uint32_t i = 0; i < load->processes; i++)
		sim_engine_post(subject->engine, i, i, phold_first(&subject->model, i));
	return warmed(subject, engine_run, &subject->model);
}

static uint64_t engine_checksum(void *self)
{
	struct subject *subject = self;

	return phold_checksum(&subject->model);
}

static unsigned engine_counters(void *self, struct bench_counter *counter)
{
	struct subject *subject = self;
	double processes = subject->model.processes;

	counter[0] = (struct bench_counter){"bytes_per_process",
					    (double)sim_engine_bytes(subject->engine) / processes};
	return 1;
}

static uint64_t queue_run(void *self)
{
	struct subject *subject = self;

	subject->until += subject->batch_ps;
	return phold_queue_run(subject->queue, subject->until);
}

static void *queue_setup(const struct bench_row *row)
{
	const struct load *load = row->parameter;
	struct subject *subject = calloc(1, sizeof(*subject));

	if (!subject)
		return NULL;
	subject->queue = phold_queue_new(load->processes);
	if (!subject->queue) {
		free(subject);
		return NULL;
	}
	return warmed(subject, queue_run, phold_queue_model(subject->queue));
}

static uint64_t queue_checksum(void *self)
{
	struct subject *subject = self;

	return phold_checksum(phold_queue_model(subject->queue));
}

static const struct load windows_1e3 = {SIM_ENGINE_WINDOW, 1000}, windows_1e5 = {SIM_ENGINE_WINDOW, 100000},
			 windows_1e6 = {SIM_ENGINE_WINDOW, 1000000}, heap_1e3 = {SIM_ENGINE_HEAP, 1000},
			 heap_1e5 = {SIM_ENGINE_HEAP, 100000}, heap_1e6 = {SIM_ENGINE_HEAP, 1000000};

#define ENGINE(name_, size, load)                                                                            \
	.name = "engine/" name_ "_" size, .work = "phold_" size, .parameter = &load, .setup = engine_setup,  \
	.run = engine_run, .checksum = engine_checksum, .counters = engine_counters, .teardown = teardown
#define WINDOWS(size, load)                                                                                  \
	{                                                                                                    \
		ENGINE("phold", size, load), .against = {                                                    \
			BENCH_VS("vs_priority_queue", "peer/priority_queue_" size),                          \
			BENCH_VS("vs_heap", "engine/heap_" size)                                             \
		}                                                                                            \
	}
#define HEAP(size, load, slow_)                                                                              \
	{                                                                                                    \
		ENGINE("heap", size, load), .slow = slow_, .against = {                                      \
			BENCH_VS("vs_priority_queue", "peer/priority_queue_" size)                           \
		}                                                                                            \
	}
#define QUEUE(size, load, slow_)                                                                             \
	{                                                                                                    \
		.name = "peer/priority_queue_" size, .work = "phold_" size, .parameter = &load,              \
		.slow = slow_, .setup = queue_setup, .run = queue_run, .checksum = queue_checksum,           \
		.teardown = teardown                                                                         \
	}

const struct bench_row bench_phold_rows[] = {
	WINDOWS("1e3", windows_1e3),   WINDOWS("1e5", windows_1e5),
	WINDOWS("1e6", windows_1e6),   HEAP("1e3", heap_1e3, false),
	HEAP("1e5", heap_1e5, false),  HEAP("1e6", heap_1e6, true),
	QUEUE("1e3", heap_1e3, false), QUEUE("1e5", heap_1e5, false),
	QUEUE("1e6", heap_1e6, true),  {.name = NULL},
};
