/* kernelmodel/check.h - what the files of km_check() share.
 *
 * check.c collects every slot and object that can be reached, check_tree.c looks at the derivation tree, check_thread.c at
 * threads, queues, contexts and replies, check_memory.c at page tables, TLBs and interrupts. Nothing is followed before it
 * was found to be an object, so that a broken kernel is described and not crashed on.
 * Each check returns false once it has written a complaint. Internal. Layer: kernelmodel. */
#ifndef SKERRY_KERNELMODEL_CHECK_H
#define SKERRY_KERNELMODEL_CHECK_H
#include "kernelmodel/kernel_internal.h"

/* References, each once, numbered in the order of their coming. */
struct check_set {
	km_ref *item;
	uint32_t count, room;
	uint32_t *bucket; /* number + 1; 0: empty */
	uint32_t buckets;
};
#define CHECK_NONE UINT32_MAX
uint32_t check_set_add(struct check_set *set, km_ref ref);
uint32_t check_set_find(const struct check_set *set, km_ref ref); /* or CHECK_NONE */
void check_set_free(struct check_set *set);
static inline bool check_set_has(const struct check_set *set, km_ref ref)
{
	return check_set_find(set, ref) != CHECK_NONE;
}

struct check {
	struct km_kernel *k;
	struct check_set slots;   /* that are not empty */
	struct check_set homed;   /* of them, those that lie in a CNode or a TCB that a capability names */
	struct check_set holders; /* arrays of slots: CNodes, TCBs, the interrupt node */
	uint32_t *holder_slots;   /* [number of the holder] */
	uint32_t holder_room;
	struct check_set threads, endpoints, notifications, replies, contexts;
	uint8_t *
		waiting; /* [number of the thread] how often it is in a queue of an endpoint or a notification */
	uint8_t *queued; /* [number of the thread] how often it is in a ready or release queue */
};

bool check_fail(struct check *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Does an object of `bytes` at `ref`, aligned to `alignment`, lie in the kernel's memory? */
bool check_is_inside(const struct check *c, km_ref ref, uint64_t bytes, uint64_t alignment);
static inline const struct km_slot *check_slot(const struct check *c, uint32_t i)
{
	return KM_SLOT(c->k, c->slots.item[i]);
}

bool check_tree(struct check *c);
bool check_threads(struct check *c);
bool check_cores(struct check *c);
bool check_contexts(struct check *c);
bool check_memory(struct check *c);

#endif
