/* liburcu's wait-free concurrent queue: 1,024 preallocated nodes of a line each (56 bytes of content and the link that
 * stands for the sequence), inlined as its licence allows small functions to be. Round trips dequeue one by one;
 * streams splice all that is there and walk it. The queue is unbounded, so nodes come back as slots of a ring do: the
 * receiver tells every 256 frames how far it is.
 *
 * Not shown: what it was made for, many senders to one receiver. */
#define _LGPL_SOURCE
#include <stdbool.h>
#include <urcu/wfcqueue.h>
#include <stdatomic.h>
#include "bench/frame.h"
#include "bench/peer.h"

#define CREDIT (BENCH_PEER_SLOTS / 4)

struct node {
	struct cds_wfcq_node link;
	uint64_t word[7];
};
_Static_assert(sizeof(struct node) == 64, "a node is a cache line");

typedef struct {
	struct __cds_wfcq_head head __attribute__((aligned(128)));
	struct cds_wfcq_tail tail __attribute__((aligned(128)));
	_Atomic uint64_t read __attribute__((aligned(128)));
	struct node node[BENCH_PEER_SLOTS] __attribute__((aligned(128)));
} urcu_type;

static inline urcu_type *urcu_end(void *memory, unsigned link) { return (urcu_type *)memory + link; }

static inline bool put(urcu_type *link, uint64_t number, uint64_t content)
{
	struct node *node = &link->node[number % BENCH_PEER_SLOTS];

	/* (A) pairs with (B): the node was read before it is written again. */
	if (number % CREDIT == 0 &&
	    number + CREDIT > atomic_load_explicit(&link->read, memory_order_acquire) + BENCH_PEER_SLOTS)
		return false;
	bench_fill(node->word, content);
	cds_wfcq_node_init(&node->link);
	cds_wfcq_enqueue(&link->head, &link->tail, &node->link);
	return true;
}

static inline void give_back(urcu_type *link, uint64_t number)
{
	/* (B) */
	if ((number + 1) % CREDIT == 0)
		atomic_store_explicit(&link->read, number + 1, memory_order_release);
}

static inline uint64_t take(urcu_type *link, uint64_t number, uint64_t content)
{
	struct cds_wfcq_node *node = __cds_wfcq_dequeue_nonblocking(&link->head, &link->tail);
	uint64_t bad;

	if (!node || node == CDS_WFCQ_WOULDBLOCK)
		return BENCH_NOTHING;
	bad = bench_differs(((struct node *)node)->word, content);
	give_back(link, number);
	return bad;
}

static bool urcu_place(void *memory, uint32_t slots)
{
	(void)slots;
	for (unsigned link = 0; link < 2; link++)
		__cds_wfcq_init(&urcu_end(memory, link)->head, &urcu_end(memory, link)->tail);
	return true;
}

static uint64_t urcu_ping(void *memory, uint64_t first, uint64_t count)
{
	urcu_type *out = urcu_end(memory, 0), *back = urcu_end(memory, 1);
	uint64_t bad = 0, got;

	for (uint64_t number = first; number < first + count; number++) {
		while (!put(out, number, number))
			sim_pause();
		while ((got = take(back, number, number + 1)) == BENCH_NOTHING)
			sim_pause();
		bad |= got;
	}
	return bad;
}

static uint64_t urcu_pong(void *memory, uint64_t first, uint64_t count)
{
	urcu_type *in = urcu_end(memory, 0), *back = urcu_end(memory, 1);
	uint64_t bad = 0, got;

	for (uint64_t number = first; number < first + count; number++) {
		while ((got = take(in, number, number)) == BENCH_NOTHING)
			sim_pause();
		bad |= got;
		while (!put(back, number, number + 1))
			sim_pause();
	}
	return bad;
}

/* The next node of a spliced queue, when its sender has linked it; NULL: there is none. */
static inline struct cds_wfcq_node *next(struct __cds_wfcq_head *head, struct cds_wfcq_tail *tail,
					 struct cds_wfcq_node *node)
{
	struct cds_wfcq_node *other;

	while ((other = node ? __cds_wfcq_next_nonblocking(head, tail, node)
			     : __cds_wfcq_first_nonblocking(head, tail)) == CDS_WFCQ_WOULDBLOCK)
		sim_pause();
	return other;
}

static uint64_t urcu_sink(void *memory, uint64_t first, uint64_t count)
{
	urcu_type *in = urcu_end(memory, 1);
	uint64_t number = first, bad = 0;

	while (number < first + count) {
		struct __cds_wfcq_head head;
		struct cds_wfcq_tail tail;
		struct cds_wfcq_node *node = NULL;

		__cds_wfcq_init(&head, &tail);
		if (__cds_wfcq_splice_nonblocking(&head, &tail, &in->head, &in->tail) !=
		    CDS_WFCQ_RET_DEST_EMPTY) {
			sim_pause();
			continue;
		}
		node = next(&head, &tail, NULL);
		while (node) {
			/* Found before the node is given back. */
			struct cds_wfcq_node *after = next(&head, &tail, node);

			bad |= bench_differs(((struct node *)node)->word, number);
			give_back(in, number++);
			node = after;
		}
	}
	return bad;
}

static uint64_t urcu_source(void *memory, uint64_t first, uint64_t count)
{
	urcu_type *out = urcu_end(memory, 1);

	for (uint64_t number = first; number < first + count; number++)
		while (!put(out, number, number))
			sim_pause();
	return 0;
}

const struct bench_ways bench_urcu_rtt = {1,
					  {{.slots = BENCH_PEER_SLOTS,
					    .operations = BENCH_PEER_ROUND_TRIPS,
					    .bytes = 2 * sizeof(urcu_type),
					    .place = urcu_place,
					    .side = {urcu_ping, urcu_pong}}}};
const struct bench_ways bench_urcu_stream = {1,
					     {{.slots = BENCH_PEER_SLOTS,
					       .operations = BENCH_PEER_FRAMES,
					       .bytes = 2 * sizeof(urcu_type),
					       .place = urcu_place,
					       .side = {urcu_sink, urcu_source}}}};
