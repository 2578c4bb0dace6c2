/* kernelmodel/core/big_lock.h - the big kernel lock of a cluster of several cores: CLH, first come first served.
 *
 * Each waiter watches the node of the one before it; a release is one store. Who waits long sleeps for moments at a time,
 * for its predecessor may need this very CPU; nobody is woken, so that a release stays one store.
 *
 * Thread rule: a node belongs to one thread, which has it for one lock at a time. Layer: kernelmodel.
 * Source: Craig 1993; Magnusson, Landin, Hagersten, Queue locks on cache coherent multiprocessors, IPPS 1994. */
#ifndef SKERRY_KERNELMODEL_CORE_BIG_LOCK_H
#define SKERRY_KERNELMODEL_CORE_BIG_LOCK_H
#include <stdatomic.h>
#include <stdbool.h>
#include "sim/atomic.h"
#include "sim/ticks.h"

struct big_lock_line {
	sim_atomic_u32 held;
} __attribute__((aligned(128)));

struct big_lock {
	_Atomic(struct big_lock_line *) tail;
	struct big_lock_line first;
};

struct big_lock_node {
	struct big_lock_line own, *line, *before; /* line: what this thread shows to the next one */
};

#define BIG_LOCK_POLLS    200
#define BIG_LOCK_SLEEP_NS 20000

static inline void big_lock_init(struct big_lock *lock)
{
	sim_store_relaxed(&lock->first.held, 0);
	atomic_init(&lock->tail, &lock->first);
}

static inline void big_lock_node_init(struct big_lock_node *node)
{
	sim_store_relaxed(&node->own.held, 0);
	node->line = &node->own;
}

/* Waits for the one before. True: it had to wait. */
static inline bool big_lock_take(struct big_lock *lock, struct big_lock_node *node)
{
	uint32_t polls = 0;
	sim_store_relaxed(&node->line->held, 1);
	/* (B1) pairs with itself: whoever comes next reads `held` = 1 of the line that it takes from here. */
	node->before = atomic_exchange_explicit(&lock->tail, node->line, memory_order_acq_rel);
	/* (B2) pairs with (B3): what the one before did in the kernel is seen. */
	while (sim_load_acquire(&node->before->held)) {
		if (++polls < BIG_LOCK_POLLS)
			sim_pause();
		else
			sim_word_wait(&node->before->held, 1, BIG_LOCK_SLEEP_NS);
	}
	return polls > 0;
}

static inline void big_lock_release(struct big_lock_node *node)
{
	struct big_lock_line *line = node->line;
	node->line = node->before; /* nobody watches it any more */
	/* (B3) pairs with (B2) of the next one. */
	sim_store_release(&line->held, 0);
}

#endif
