// PHOLD on the standard library's heap: what most people write first, and the peer of the engines.
#include <cstring>
#include <new>
#include <queue>
#include <vector>
#include "bench/phold.h"

namespace
{

struct event {
	uint64_t time;
	uint32_t src, seq, dst, unused;
	unsigned char payload[40];
};
static_assert(sizeof(event) == 64, "as large as the engine's");

struct later {
	bool operator()(const event &a, const event &b) const
	{
		if (a.time != b.time)
			return a.time > b.time;
		if (a.src != b.src)
			return a.src > b.src;
		return a.seq > b.seq;
	}
};

} // namespace

struct phold_queue {
	phold_model model;
	std::vector<uint32_t> seq;
	std::priority_queue<event, std::vector<event>, later> events;

	void post(uint32_t src, uint32_t dst, uint64_t time)
	{
		event e = {};

		e.time = time;
		e.src = src;
		e.seq = seq[src]++;
		e.dst = dst;
		events.push(e);
	}
};

phold_queue *phold_queue_new(uint32_t processes)
{
	phold_queue *queue = new (std::nothrow) phold_queue;

	if (!queue)
		return nullptr;
	if (phold_init(&queue->model, processes) < 0) {
		delete queue;
		return nullptr;
	}
	queue->seq.resize(processes);
	for (uint32_t i = 0; i < processes; i++)
		queue->post(i, i, phold_first(&queue->model, i));
	return queue;
}

uint64_t phold_queue_run(phold_queue *queue, uint64_t until_ps)
{
	uint64_t count = 0;

	for (; queue->events.top().time < until_ps; count++) {
		event e = queue->events.top();
		phold_next next;

		queue->events.pop();
		next = phold_step(&queue->model, e.time, e.src, e.dst);
		queue->post(e.dst, next.dst, next.time);
	}
	return count;
}

const phold_model *phold_queue_model(const phold_queue *queue) { return &queue->model; }

void phold_queue_free(phold_queue *queue)
{
	if (!queue)
		return;
	phold_fini(&queue->model);
	delete queue;
}
