#include "sim/qsbr.h"
#include <stdatomic.h>
#include <stdint.h>
#include <time.h>
#include <urcu/urcu-qsbr.h>

#if defined __SANITIZE_THREAD__
#define TSAN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define TSAN 1
#endif
#endif

#ifdef TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
static char edge; /* every quiescent state happens before every later release */
#define EDGE_OUT() __tsan_release(&edge)
#define EDGE_IN()  __tsan_acquire(&edge)
#else
#define EDGE_OUT() ((void)0)
#define EDGE_IN()  ((void)0)
#endif

_Static_assert(sizeof(struct rcu_head) == sizeof(((struct sim_qsbr_head *)0)->opaque),
	       "a head holds liburcu's");

void sim_qsbr_register(void) { urcu_qsbr_register_thread(); }
void sim_qsbr_unregister(void)
{
	EDGE_OUT();
	urcu_qsbr_unregister_thread();
}
void sim_qsbr_quiescent(void)
{
	EDGE_OUT();
	urcu_qsbr_quiescent_state();
}
void sim_qsbr_offline(void)
{
	EDGE_OUT();
	urcu_qsbr_thread_offline();
}
void sim_qsbr_online(void) { urcu_qsbr_thread_online(); }

/* liburcu's barrier frees what another of its threads still holds by ThreadSanitizer's lights, so the few that are
 * retired are counted here. */
static _Atomic uint64_t retired, released;

static void release(struct rcu_head *head)
{
	struct sim_qsbr_head *mine = (struct sim_qsbr_head *)(void *)head;
	EDGE_IN();
	mine->release(mine);
	atomic_fetch_add(&released, 1);
}

void sim_qsbr_retire(struct sim_qsbr_head *head, void (*with)(struct sim_qsbr_head *head))
{
	head->release = with;
	atomic_fetch_add(&retired, 1);
	urcu_qsbr_call_rcu((struct rcu_head *)(void *)head, release);
}

void sim_qsbr_drain(void)
{
	const struct timespec a_little = {.tv_nsec = 200000};
	while (atomic_load(&released) != atomic_load(&retired))
		nanosleep(&a_little, NULL);
}
