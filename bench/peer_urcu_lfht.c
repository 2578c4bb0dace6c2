/* liburcu's lock-free resizable hash table (cds_lfht), with quiescent states declared by the reader, its fastest flavour:
 * a lookup takes no lock and writes nothing. Sized once, as ours is.
 *
 * Not shown: that it can grow and lose entries while others read it, which is what it is for. */
#define _LGPL_SOURCE
#include <stdlib.h>
#include <urcu/urcu-qsbr.h>
#include <urcu/rculfhash.h>
#include "bench/table.h"

struct entry {
	struct cds_lfht_node node;
	uint64_t name, value;
};

struct urcu_table {
	struct cds_lfht *table;
	struct entry *entry;
	uint32_t used;
};

/* A thread is a reader once, however many tables it reads. */
static unsigned readers;

static void reader_begin(void)
{
	if (!readers++)
		urcu_qsbr_register_thread();
}

static void reader_end(void)
{
	if (!--readers)
		urcu_qsbr_unregister_thread();
}

static void urcu_drop(void *memory)
{
	struct urcu_table *t = memory;

	/* Only an empty table can be destroyed, and to empty one of ten million names takes longer than all else here: it
	 * lives as long as the benchmark. */
	reader_end();
	free(t->entry);
	free(t);
}

static void *urcu_make(uint32_t names)
{
	struct urcu_table *t = calloc(1, sizeof(*t));
	unsigned long buckets = 1;

	if (!t)
		return NULL;
	while (buckets < names)
		buckets *= 2;
	reader_begin();
	t->entry = calloc(names, sizeof(*t->entry));
	t->table =
		t->entry ? cds_lfht_new_flavor(buckets, buckets, buckets, 0, &urcu_qsbr_flavor, NULL) : NULL;
	if (t->table)
		return t;
	urcu_drop(t);
	return NULL;
}

static int urcu_put(void *memory, uint64_t name, uint64_t value)
{
	struct urcu_table *t = memory;
	struct entry *e = &t->entry[t->used++];

	*e = (struct entry){.name = name, .value = value};
	cds_lfht_node_init(&e->node);
	cds_lfht_add(t->table, bench_table_hash(name), &e->node);
	return 0;
}

static int is_name(struct cds_lfht_node *node, const void *key)
{
	return caa_container_of(node, struct entry, node)->name == *(const uint64_t *)key;
}

static uint64_t urcu_follow(void *memory, uint64_t name, uint32_t steps)
{
	struct urcu_table *t = memory;
	struct cds_lfht_iter iter;

	urcu_qsbr_read_lock();
	while (steps--) {
		cds_lfht_lookup(t->table, bench_table_hash(name), is_name, &name, &iter);
		name = caa_container_of(cds_lfht_iter_get_node(&iter), struct entry, node)->value;
	}
	urcu_qsbr_read_unlock();
	urcu_qsbr_quiescent_state();
	return name;
}

const struct bench_table bench_table_urcu = {
	.make = urcu_make, .put = urcu_put, .follow = urcu_follow, .drop = urcu_drop};
