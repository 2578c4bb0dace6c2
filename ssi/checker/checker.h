/* ssi/checker/checker.h - visits every order of delivery of a small configuration of a protocol.
 *
 * The same object code that runs natively and in virtual time: the checker is a host (struct step_host) whose
 * network is a list of messages for each ordered pair, whose local kernel may answer LOCAL_OK or LOCAL_ERR at
 * any later time, whose timers fire at any time, and whose clients (one call in flight a kernel) may call what the
 * protocol's model lists. Breadth first, so a counter-example is a shortest one.
 *
 * A state is packed from the protocol's field descriptors: members of a list are sorted (a list's order is not
 * state), a generation becomes "the slot's" or "another", free slots carry nothing. With symmetry, the least packing
 * over the permutations of kernels that leave the initial state alone stands for all of them. A model's names have
 * an index that no slot has; ghost bytes are not relabelled; what a NODE word that is not used names must be a
 * kernel that is never exchanged (0).
 *
 * A step starts where every channel of its kernel has credit for it, a client's call also only where it would find a
 * place to wait; hosts have to do the same.
 *
 * Checks: no NEVER cell is reached, no cell sends more than it declares or below its class, channels stay within
 * their credit, no machine has two local calls under way or goes while one is, the model's invariants hold in every
 * state. Where nothing that is under way can go on, all machines are at rest and the model's own condition holds:
 * else it is a deadlock, even if other clients could still call something. A call may stay open only if a machine
 * that is at rest names its client: it waits for other clients.
 * Layer: ssi. Thread rule: one thread. Memory is bounded by the options. */
#ifndef SKERRY_SSI_CHECKER_H
#define SKERRY_SSI_CHECKER_H
#include <stdio.h>
#include <skerry/protocol.h>

struct checker_options {
	uint32_t kernels;                  /* 0: the model's own; at most STEP_MODEL_NODES_MAX */
	uint32_t slots[STEP_MACHINES_MAX]; /* 0: the model's own */
	uint32_t flight;                   /* client calls in flight; 0: the model's own */
	uint32_t objects, capabilities;    /* 0: the model's own */
	uint32_t judged;                   /* mask of promises; 0: all that are kept and not judged apart */
	uint32_t clients;    /* of each kernel, each with at most one call in flight; 0: 1; at most 2 */
	uint32_t parks;      /* parked messages a kernel; 0: as many as there are clients */
	uint64_t states_max; /* 0: 50 million */
	uint64_t memory_max; /* bytes; 0: 8 GiB, or three quarters of what is free if that is less */
	double seconds_max;  /* 0: no limit */
	bool no_symmetry;
	bool no_local_errors;
	bool lossy, reorder, no_quiescence;
	uint32_t crash, threads;
	/* Optional: progress, called about once a second. */
	void (*progress)(void *context, uint64_t states, uint64_t expanded, uint32_t depth);
	void *context;
};

enum checker_end {
	CHECKER_CLOSED,   /* all states were visited; everything holds */
	CHECKER_VIOLATED, /* `why`, and a counter-example */
	CHECKER_BOUNDED,  /* a limit was reached; nothing wrong was found up to `depth` */
};

struct checker_result {
	enum checker_end end;
	uint64_t states, transitions, bytes;
	uint64_t fingerprint; /* of the set of states: equal for equal sets */
	uint64_t states_unreduced;            /* how many there would be without symmetry */
	uint32_t depth, sends_max, cells_max; /* most messages and cells of one step */
	uint32_t cells, cells_visited;
	double seconds;
	char why[256];        /* VIOLATED */
	char bound[64];       /* BOUNDED: which */
	struct script *script; /* VIOLATED: the counter-example, see script.h; owned by the result */
	uint32_t counterexample_steps;
	char *unvisited; /* "cap LIVE+QUIT, ...", owned by the result; NULL if none */
};

/* Returns 0, -EINVAL (the protocol's tables are wrong, or the configuration does not fit; result->why says) or
 * -ENOMEM. On 0 the caller passes the result to checker_result_fini(). */
int checker_run(const struct step_protocol *protocol, const struct checker_options *options,
		struct checker_result *result);
void checker_result_fini(struct checker_result *result);

#endif
