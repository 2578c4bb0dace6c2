/* sim/qsbr.h - reclamation by quiescent states, over liburcu's QSBR flavour.
 *
 * A thread that reads shared snapshots is registered; it says between events that it holds none (quiescent), and that
 * it will hold none for a while (offline) before it sleeps. What is retired is freed once every registered thread was
 * quiescent since. Reading costs an acquire load, being quiescent some loads and a store.
 *
 * liburcu is not instrumented, so under ThreadSanitizer the edge from a quiescent state to the free is told by hand.
 *
 * Thread rule: as each function says. Layer: sim. Source: Desnoyers et al., User-level implementations of
 * read-copy update (2012). */
#ifndef SKERRY_SIM_QSBR_H
#define SKERRY_SIM_QSBR_H

void sim_qsbr_register(void);   /* the calling thread; online */
void sim_qsbr_unregister(void); /* the calling thread */
void sim_qsbr_quiescent(void);  /* a registered thread that is online */
void sim_qsbr_offline(void);
void sim_qsbr_online(void);

struct sim_qsbr_head {   /* a member of what is to be retired */
	void *opaque[2]; /* liburcu's struct rcu_head */
	void (*release)(struct sim_qsbr_head *head);
};
/* `release` gets the head on a thread of its own, once nobody can hold what it is in. Any registered thread. */
void sim_qsbr_retire(struct sim_qsbr_head *head, void (*release)(struct sim_qsbr_head *head));
/* Waits until all that was retired is released. No registered thread. */
void sim_qsbr_drain(void);

#endif
