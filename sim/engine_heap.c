/* The heap engine: one 4-ary heap over all events, popped in the total order. It is the oracle of the window
 * engine, so it knows nothing of buckets; windows exist only to fold the digest. */
#include "sim/engine_internal.h"

#define ARITY 4

void engine_heap_push(struct engine_keys *heap, struct engine_key key)
{
	uint32_t at = heap->count++;

	if (at >= heap->room)
		engine_keys_reserve(heap, heap->count);
	while (at > 0) {
		uint32_t parent = (at - 1) / ARITY;

		if (!engine_key_before(&key, &heap->key[parent]))
			break;
		heap->key[at] = heap->key[parent];
		at = parent;
	}
	heap->key[at] = key;
}

/* The first of the children of `at`, or count if it has none. */
static uint32_t first_child(const struct engine_keys *heap, uint32_t at)
{
	uint64_t child = (uint64_t)at * ARITY + 1;
	uint32_t best, end;

	if (child >= heap->count)
		return heap->count;
	best = (uint32_t)child;
	end = heap->count - best < ARITY ? heap->count : best + ARITY;
	for (uint32_t other = best + 1; other < end; other++)
		if (engine_key_before(&heap->key[other], &heap->key[best]))
			best = other;
	return best;
}

struct engine_key engine_heap_pop(struct engine_keys *heap)
{
	struct engine_key top = heap->key[0], last = heap->key[--heap->count];
	uint32_t at = 0;

	for (;;) {
		uint32_t child = first_child(heap, at);

		if (child >= heap->count || !engine_key_before(&heap->key[child], &last))
			break;
		heap->key[at] = heap->key[child];
		at = child;
	}
	heap->key[at] = last;
	return top;
}

static void run_one(struct sim_engine *engine)
{
	uint32_t slot = engine_heap_pop(&engine->heap).slot;
	const struct sim_event *event = engine_slot(engine, slot);
	uint32_t dst = event->dst;

	if (!engine->process[dst].head) { /* here only a mark: it is active in this window */
		engine->process[dst].head = 1;
		engine->leaf[dst] = 0;
		engine->active[engine->active_count++] = dst;
	}
	engine->current = dst;
	engine->leaf[dst] = engine_handle(engine, event, engine->leaf[dst]);
	engine_slot_return(engine, slot);
}

static void run_window(struct sim_engine *engine, uint64_t window)
{
	engine_window_begin(engine, window);
	while (engine->heap.count && engine_window_of(engine, engine->heap.key[0].time) == window)
		run_one(engine);
	for (uint32_t i = 0; i < engine->active_count; i++) {
		uint32_t process = engine->active[i];

		engine->process[process].head = 0;
		engine_window_add(engine, process, engine->leaf[process]);
	}
	engine->latest = engine->now;
	engine_window_end(engine);
}

enum sim_engine_end engine_heap_run(struct sim_engine *engine, sim_ps until)
{
	while (engine->heap.count) {
		uint64_t window = engine_window_of(engine, engine->heap.key[0].time);

		if (engine_past(engine, window, until))
			return SIM_ENGINE_UNTIL;
		run_window(engine, window);
		if (engine->stopping)
			return SIM_ENGINE_STOPPED;
	}
	return SIM_ENGINE_EMPTY;
}
