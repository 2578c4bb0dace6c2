#include "workloads/trace_order.h"
#include "sim/check.h"
#include <stdlib.h>
#include <string.h>

uint32_t trace_order_resource(struct trace_order *order)
{
	order->resource =
		trace_grow(order->resource, &order->resource_room, order->resources, sizeof *order->resource);
	order->resource[order->resources] = (struct trace_resource){0};
	return order->resources++;
}

static void learn(struct trace_list *list, uint32_t process, uint32_t count)
{
	uint32_t known = trace_map_find(&list->known, process);

	if (known == TRACE_NONE || known < count)
		trace_map_put(&list->known, process, count);
}

static void learn_all(struct trace_list *list, const struct trace_map *map)
{
	for (uint32_t i = 0; i < map->size; i++)
		if (map->keys[i])
			learn(list, (uint32_t)(map->keys[i] - 1), map->values[i]);
}

uint32_t trace_order_process(struct trace_order *order, uint32_t parent)
{
	struct trace_list *list;

	order->list = trace_grow(order->list, &order->list_room, order->lists, sizeof *order->list);
	list = &order->list[order->lists];
	*list = (struct trace_list){.parent = parent};
	return order->lists++;
}

void trace_order_use(struct trace_order *order, uint32_t resource, enum trace_use_mode mode)
{
	order->use = trace_grow(order->use, &order->use_room, order->uses, sizeof *order->use);
	order->use[order->uses++] = (struct trace_use){resource, mode};
}

void trace_order_forget(struct trace_order *order) { order->uses = 0; }

static int compare_access(const void *left, const void *right)
{
	const struct trace_access *a = left, *b = right;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	return a->count < b->count ? -1 : a->count > b->count;
}

/* One access a process, the last. Returns how many remain. */
static uint32_t compact(struct trace_access *access, uint32_t used)
{
	uint32_t kept = 0;

	qsort(access, used, sizeof *access, compare_access);
	for (uint32_t i = 0; i < used; i++)
		if (i + 1 == used || access[i].process != access[i + 1].process)
			access[kept++] = access[i];
	return kept;
}

static void group_add(struct trace_group *group, struct trace_access access)
{
	if (group->used && group->access[group->used - 1].process == access.process) {
		group->access[group->used - 1] = access;
		return;
	}
	if (group->used && group->used == group->room) {
		group->used = compact(group->access, group->used);
		if (group->used > group->room / 2)
			group->access = trace_grow(group->access, &group->room, group->room, sizeof access);
	}
	group->access = trace_grow(group->access, &group->room, group->used, sizeof access);
	group->access[group->used++] = access;
}

static bool joins(const struct trace_resource *resource, enum trace_use_mode mode)
{
	return mode != TRACE_ALONE && resource->mode == (uint32_t)mode;
}

static void collect(struct trace_order *order, uint32_t process, const struct trace_use *use)
{
	const struct trace_resource *resource = &order->resource[use->resource];
	const struct trace_group *group = joins(resource, use->mode) ? &resource->before : &resource->now;

	for (uint32_t i = 0; i < group->used; i++) {
		uint32_t known;

		if (group->access[i].process == process)
			continue;
		known = trace_map_find(&order->list[process].known, group->access[i].process);
		if (known != TRACE_NONE && known >= group->access[i].count)
			continue;
		order->wait = trace_grow(order->wait, &order->wait_room, order->waits, sizeof *order->wait);
		order->wait[order->waits++] = group->access[i];
	}
}

static void record(struct trace_order *order, const struct trace_use *use, struct trace_access access)
{
	struct trace_resource *resource = &order->resource[use->resource];

	if (!joins(resource, use->mode)) {
		struct trace_group old = resource->before;

		resource->before = resource->now;
		if (resource->before.used > 1)
			resource->before.used = compact(resource->before.access, resource->before.used);
		resource->now = old;
		resource->now.used = 0;
		resource->mode = use->mode;
	}
	group_add(&resource->now, access);
}

static void append(struct trace_order *order, uint32_t process, const struct trace_op *op)
{
	struct trace_list *list = &order->list[process];

	order->sequence =
		trace_grow(order->sequence, &order->sequence_room, order->sequences, sizeof *order->sequence);
	order->sequence[order->sequences++] = (struct trace_access){process, list->count};
	list->ops = trace_grow(list->ops, &list->room, list->count, sizeof *list->ops);
	list->ops[list->count++] = *op;
}

static void put_waits(struct trace_order *order, uint32_t process, uint32_t line)
{
	order->waits = compact(order->wait, order->waits);
	for (uint32_t i = 0; i < order->waits; i++) {
		struct trace_op after = {.kind = TRACE_AFTER,
					 .process = order->wait[i].process,
					 .count = order->wait[i].count,
					 .handle = TRACE_NONE,
					 .path = TRACE_NONE,
					 .path2 = TRACE_NONE,
					 .line = line};

		append(order, process, &after);
		learn(&order->list[process], after.process, after.count);
	}
	order->waits = 0;
}

static void carry(struct trace_order *order, uint32_t process, const struct trace_op *op)
{
	struct trace_list *list = &order->list[process], *other;

	SIM_CHECK(op->process < order->lists && op->process != process);
	other = &order->list[op->process];
	if (op->kind == TRACE_FORK) {
		learn_all(other, &list->known);
		learn(other, process, list->count);
	} else if (other->ended) {
		learn_all(list, &other->known);
		learn(list, op->process, other->count);
		trace_map_fini(&other->known);
	}
}

void trace_order_put(struct trace_order *order, uint32_t process, const struct trace_op *op)
{
	struct trace_list *list;

	SIM_CHECK(process < order->lists && !order->list[process].ended);
	for (uint32_t i = 0; i < order->uses; i++)
		collect(order, process, &order->use[i]);
	if (order->waits)
		put_waits(order, process, op->line);
	append(order, process, op);
	list = &order->list[process];
	for (uint32_t i = 0; i < order->uses; i++)
		record(order, &order->use[i], (struct trace_access){process, list->count});
	order->uses = 0;
	if (op->kind == TRACE_FORK || op->kind == TRACE_WAIT)
		carry(order, process, op);
	list->ended = op->kind == TRACE_EXIT;
}

void trace_order_fini(struct trace_order *order)
{
	for (uint32_t i = 0; i < order->resources; i++) {
		free(order->resource[i].now.access);
		free(order->resource[i].before.access);
	}
	for (uint32_t i = 0; i < order->lists; i++) {
		free(order->list[i].ops);
		trace_map_fini(&order->list[i].known);
	}
	free(order->resource);
	free(order->use);
	free(order->wait);
	free(order->list);
	free(order->sequence);
	memset(order, 0, sizeof *order);
}
