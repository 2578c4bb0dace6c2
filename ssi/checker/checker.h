/* ssi/checker/checker.h - visits every order of delivery of a small configuration of a protocol.
 *
 * The same object code that runs natively and in virtual time: the checker is a host (struct step_host) whose
 * network is a list of messages for each ordered pair, whose local kernel may answer LOCAL_OK or LOCAL_ERR at
 * any later time, whose timers fire at any time, and whose clients may call what the protocol's model lists. Breadth
 * first, so a counter-example is a shortest one.
 *
 * What is searched, and how: docs/explanation/checking.md. In short: a state is a vector of parts (a kernel, its clients
 * and what the model knows of them, a channel, the model's ghost), each kept once; what a step does to its kernel is
 * remembered, so that an action runs once for each (kernel, input) and not once a state; with symmetry, one state stands
 * for all that exchanging kernels, or the slots of a pool, makes of it. The same result on any number of threads.
 *
 * A model's names have an index that no slot has; ghost bytes are not relabelled; what a NODE word that is not used
 * names must be a kernel that is never exchanged (0).
 *
 * A step starts where every channel of its kernel has credit for it, a client's call also only where it would find a
 * place to wait; hosts have to do the same.
 *
 * Checks: no NEVER cell is reached, no cell sends more than it declares or below its class, channels stay within
 * their credit, no machine has two local calls under way or goes while one is, no call ends twice, the model's
 * invariants hold in every state. Where nothing that is under way can go on, all machines are at rest and the model's
 * own condition holds: else it is a deadlock, even if other clients could still call something. A call may stay open
 * only if a machine that is at rest names its client: it waits for other clients. From every state, quiescence can be
 * reached by what is under way alone, without a new call.
 * Layer: ssi. Thread rule: one caller; the search has threads of its own. Memory is bounded by the options. */
#ifndef SKERRY_SSI_CHECKER_H
#define SKERRY_SSI_CHECKER_H
#include <stdio.h>
#include <skerry/protocol.h>

struct checker_progress {
	uint64_t states, expanded, queue;
	uint32_t depth;
	double seconds, states_a_second;
};

struct checker_options {
	uint32_t kernels;                  /* 0: the model's own; at most STEP_MODEL_NODES_MAX */
	uint32_t slots[STEP_MACHINES_MAX]; /* 0: the model's own */
	uint32_t flight;                   /* client calls in flight; 0: the model's own */
	uint32_t objects, capabilities;    /* 0: the model's own */
	uint32_t judged;                   /* mask of promises; 0: all that are kept and not judged apart */
	uint32_t clients;      /* of each kernel, each with at most one call in flight; 0: 1; at most 2 */
	uint32_t parks;        /* parked messages a kernel; 0: as many as there are clients */
	uint64_t states_max;   /* 0: 1000 million */
	uint64_t memory_max;   /* bytes; 0: three quarters of what is free */
	double seconds_max;    /* 0: no limit */
	uint32_t threads;      /* 0: as many as there are processors that this process may use */
	bool lossy;            /* any message may be lost */
	bool reorder;          /* any message of a channel may be next */
	uint32_t crash;        /* up to so many kernels stop for ever: reported, not judged */
	bool no_symmetry;      /* nothing is exchanged */
	bool no_slot_symmetry; /* kernels are, slots are not */
	bool no_local_errors;
	bool no_quiescence; /* not checked; saves the memory for the edges, and steps whose target is found another way */
	bool make_all; /* these too are made; for tests */
	/* For tests. Without symmetry, counts the classes of the states, in a second set (result.classes); with it, the
	 * transitions of all states that the visited ones stand for (result.transitions_unreduced). */
	bool audit;
	/* Optional: is shown each cell before it runs. For a search with one thread. */
	step_tap *seen;
	/* Optional: progress, called about once a second. */
	void (*progress)(void *context, const struct checker_progress *progress);
	void *context;
};

enum checker_end {
	CHECKER_CLOSED,   /* all states were visited; everything holds */
	CHECKER_VIOLATED, /* `why`, and a counter-example */
	CHECKER_BOUNDED,  /* a limit was reached; nothing wrong was found up to `depth` */
	CHECKER_UNJUDGED, /* kernels may crash: all states were visited; `met` is what was found */
};

#define CHECKER_MET_MAX 16
struct checker_met {
	char text[160];
	uint64_t count;
};

struct script;
struct checker_result {
	enum checker_end end;
	uint64_t states, transitions, bytes;
	uint64_t fingerprint;      /* of the set of states: equal for equal sets, on any number of threads */
	uint64_t left_out;         /* of the transitions: counted, not made */
	uint64_t states_unreduced; /* how many the states stand for */
	uint64_t transitions_unreduced; /* audit, with symmetry: and how many transitions they have */
	uint64_t classes;               /* audit: of the states, if what can be exchanged is not told apart */
	uint32_t depth, sends_max, cells_max; /* most messages and cells of one step */
	uint32_t cells, cells_visited;
	uint32_t threads;
	uint64_t kernels_seen,
		steps_seen; /* different kernels' states; (kernel, input) pairs that an action ran for */
	bool quiescence;    /* was checked, and holds */
	double seconds;
	char why[256];         /* VIOLATED */
	char bound[64];        /* BOUNDED: which */
	struct script *script; /* VIOLATED: the counter-example, see script.h; owned by the result */
	uint32_t counterexample_steps;
	char *unvisited; /* "cap LIVE+QUIT, ...", owned by the result; NULL if none */
	uint32_t mets;   /* UNJUDGED, BOUNDED: what was met on the way */
	struct checker_met met[CHECKER_MET_MAX];
};

/* Returns 0, -EINVAL (the protocol's tables are wrong, or the configuration does not fit; result->why says) or
 * -ENOMEM. On 0 the caller passes the result to checker_result_fini(). */
int checker_run(const struct step_protocol *protocol, const struct checker_options *options,
		struct checker_result *result);
void checker_result_fini(struct checker_result *result);

#endif
