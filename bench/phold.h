/* bench/phold.h - PHOLD, the usual load of event engines: every event makes one at a random process.
 *
 * The same code runs on the engines and on their peers, and the result does not depend on the order in which
 * processes run, only on the order in which each handles its events: equal checksums mean equal work.
 * Delays are lookahead + exponential, together 10 lookaheads on average, from an integer table.
 * C and C++. Layer: bench. */
#ifndef SKERRY_BENCH_PHOLD_H
#define SKERRY_BENCH_PHOLD_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PHOLD_LOOKAHEAD_PS UINT64_C(100000)
#define PHOLD_TABLE_BITS   10

struct phold_process {
	uint64_t random, order; /* order: what it has handled, in its order */
};

struct phold_model {
	uint32_t processes;
	struct phold_process *process;
	/* Quantiles of the exponential distribution; between two of them it is a straight line. */
	uint32_t delay_ps[(1 << PHOLD_TABLE_BITS) + 1];
};

struct phold_next {
	uint32_t dst;
	uint64_t time;
};

int phold_init(struct phold_model *model, uint32_t processes); /* 0 or -ENOMEM */
void phold_fini(struct phold_model *model);
uint64_t phold_checksum(const struct phold_model *model);

/* Windows in a batch of about `events` events. */
uint64_t phold_batch_windows(const struct phold_model *model, uint64_t events);

static inline uint64_t phold_random(struct phold_process *process)
{
	uint64_t z = process->random += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint64_t phold_exponential(const struct phold_model *model, uint32_t random)
{
	uint32_t at = random >> (32 - PHOLD_TABLE_BITS);
	uint64_t part = random & ((UINT32_C(1) << (32 - PHOLD_TABLE_BITS)) - 1);
	uint64_t low = model->delay_ps[at], high = model->delay_ps[at + 1];

	return low + ((high - low) * part >> (32 - PHOLD_TABLE_BITS));
}

/* Handles an event of process `dst` and says which event follows. */
static inline struct phold_next phold_step(struct phold_model *model, uint64_t time, uint32_t src,
					   uint32_t dst)
{
	struct phold_process *process = &model->process[dst];
	uint64_t random = phold_random(process);
	struct phold_next next;

	process->order = (process->order ^ time) * UINT64_C(0x9fb21c651e98df25) + src;
	next.dst = (uint32_t)((random >> 32) * model->processes >> 32);
	next.time = time + PHOLD_LOOKAHEAD_PS + phold_exponential(model, (uint32_t)random);
	return next;
}

/* The time of a process's first event, which it posts to itself. */
static inline uint64_t phold_first(struct phold_model *model, uint32_t process)
{
	return phold_exponential(model, (uint32_t)phold_random(&model->process[process]));
}

/* bench/peer_priority_queue.cc: the same model on a std::priority_queue of 64-byte events. */
struct phold_queue;
struct phold_queue *phold_queue_new(uint32_t processes);                /* NULL when memory is short */
uint64_t phold_queue_run(struct phold_queue *queue, uint64_t until_ps); /* returns the events handled */
const struct phold_model *phold_queue_model(const struct phold_queue *queue);
void phold_queue_free(struct phold_queue *queue);

#ifdef __cplusplus
}
#endif
#endif
