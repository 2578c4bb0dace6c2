/* sim/doorbell.h - how a thread that polls goes to sleep, and how a sender wakes it.
 *
 * The receiver: sets `armed`, full fence, drains once more, sleeps (a futex) only if nothing came. A sender: publishes,
 * full fence, reads `armed`, rings only then. One of the two sees the other's store (store buffering is what the two
 * fences forbid). A bell that never sleeps (`sleeps` false: its thread has a CPU of its own) costs a sender nothing:
 * neither fence nor load of what changes.
 *
 * A bell tells of frames, not of credit: who has a frame that was refused must not sleep without a limit.
 *
 * Thread rule: one receiver, any number of senders. Layer: sim. */
#ifndef SKERRY_SIM_DOORBELL_H
#define SKERRY_SIM_DOORBELL_H
#include <stdbool.h>
#include "sim/atomic.h"

struct sim_doorbell {
	sim_atomic_u32 armed;
	bool sleeps; /* constant while threads run */
} __attribute__((aligned(128)));

void sim_doorbell_init(struct sim_doorbell *bell, bool sleeps);

/* Wakes who sleeps, if nobody else did. */
void sim_doorbell_wake(struct sim_doorbell *bell);

/* After the frame was published. */
static inline void sim_doorbell_ring(struct sim_doorbell *bell)
{
	if (!bell->sleeps)
		return;
	/* (D1) pairs with (D2) in sim_doorbell_arm: the frame that was published before this fence is seen by the
	 * receiver's last look after its own, or `armed` is seen here. */
	sim_fence();
	if (__builtin_expect(sim_load_relaxed(&bell->armed) != 0, 0))
		sim_doorbell_wake(bell);
}

/* The receiver: */
void sim_doorbell_arm(struct sim_doorbell *bell);    /* then drain once more; if anything came: */
void sim_doorbell_disarm(struct sim_doorbell *bell); /* else: */
/* Sleeps until rung, or at most timeout_ns (0: no limit); disarms. Returns at once if it was rung meanwhile, and may
 * return early (a signal): the caller polls again anyway. */
void sim_doorbell_wait(struct sim_doorbell *bell, uint64_t timeout_ns);

#endif
