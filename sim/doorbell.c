/* sim/doorbell.c - see doorbell.h. */
#include "sim/doorbell.h"

void sim_doorbell_init(struct sim_doorbell *bell, bool sleeps)
{
	sim_store_relaxed(&bell->armed, 0);
	bell->sleeps = sleeps;
}

/* Of several senders one wakes: the exchange gives the 1 to one of them. It comes before the wake-up, so that a
 * receiver that is about to sleep finds the word changed and does not. */
void sim_doorbell_wake(struct sim_doorbell *bell)
{
	if (sim_exchange(&bell->armed, 0) != 0)
		sim_word_wake(&bell->armed);
}

void sim_doorbell_arm(struct sim_doorbell *bell)
{
	sim_store_relaxed(&bell->armed, 1);
	/* (D2) pairs with (D1) in sim_doorbell_ring. */
	sim_fence();
}

/* A sender that still sees the 1 wakes nobody: one system call too many, no harm. */
void sim_doorbell_disarm(struct sim_doorbell *bell) { sim_store_relaxed(&bell->armed, 0); }

void sim_doorbell_wait(struct sim_doorbell *bell, uint64_t timeout_ns)
{
	if (sim_load_relaxed(&bell->armed) != 0)
		sim_word_wait(&bell->armed, 1, timeout_ns);
	sim_doorbell_disarm(bell);
}
