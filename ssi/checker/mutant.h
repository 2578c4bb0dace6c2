/* ssi/checker/mutant.h - protocols with one mistake in them, to see whether the checker notices.
 *
 * A mutant is a copy of a protocol's tables in which one cell is wrong: its action is left out, it leads to another
 * state, one of its messages is lost, sent twice, sent in another order, carries more rights or another reference, or a
 * stall lets its message go. What an action does is changed from outside, by a wrapper, so any protocol can be mutated,
 * one from a shared object too.
 *
 * A mutant is caught if the search of some promise is violated, and equivalent if the same states are reached as without
 * the mistake, or if its cell never runs or has no such message. Any other survives: the checker does not tell it apart
 * from the protocol.
 *
 * Layer: ssi. Thread rule: one mutant at a time in a process; its search may use many threads. */
#ifndef SKERRY_SSI_CHECKER_MUTANT_H
#define SKERRY_SSI_CHECKER_MUTANT_H
#include "ssi/checker/checker.h"

enum mutation {
	MUTATION_SKIP,   /* the action is left out */
	MUTATION_IGNORE, /* and the state stays */
	MUTATION_STAY,   /* the state stays */
	MUTATION_ASTRAY, /* another state: `which` */
	MUTATION_LOSE,   /* message or event `which` of the action is lost */
	MUTATION_TWICE,  /* is there twice */
	MUTATION_SWAP,   /* events `which` and which + 1 are raised in the other order */
	MUTATION_WIDEN,  /* its word gets all rights */
	MUTATION_NOBODY, /* its argument names nobody */
	MUTATION_PASS,   /* a stall lets its message go */
	MUTATIONS
};
extern const char *const mutation_name[MUTATIONS]; /* "skip", ... */

struct mutant {
	uint32_t number; /* in mutants_list(), from 1 */
	uint8_t machine, state, event, which;
	enum mutation mutation;
};

/* All that can be made of a protocol's tables; not all of them apply. *out is the caller's, to be freed. Returns their
 * number, or -ENOMEM. */
int64_t mutants_list(const struct step_protocol *protocol, struct mutant **out);
/* "cap LIVE+REVOKE: message 0 is lost" */
void mutant_print(const struct step_protocol *protocol, const struct mutant *mutant, char *out, size_t size);

/* The protocol with that mistake, until mutant_fini() of the same: 0 or -ENOMEM. */
int mutant_init(struct step_protocol *out, const struct step_protocol *protocol, const struct mutant *mutant);
void mutant_fini(struct step_protocol *out, const struct mutant *mutant);

enum mutant_end {
	MUTANT_CAUGHT,
	MUTANT_EQUIVALENT, /* the same states */
	MUTANT_IDLE,       /* it makes no difference to any step: not a mutant in this configuration */
	MUTANT_SURVIVED,   /* other states, and nothing is violated */
	MUTANT_BOUNDED,    /* a limit ended the search first */
};
struct mutant_result {
	enum mutant_end end;
	char why[256]; /* CAUGHT: what is violated */
	uint32_t steps;
	uint64_t states;
	double seconds;
};

/* What the searches of the protocol itself give: one of all promises together, one of each that is judged apart. */
struct mutant_oracle {
	struct checker_options options[32];
	uint64_t fingerprint[32];
	char *unvisited[32]; /* cells that no step of the search runs */
	uint32_t searches;
};
void mutant_oracle_fini(struct mutant_oracle *oracle);
/* Returns 0, -EINVAL (the protocol does not pass, or its search does not close; `why`) or -ENOMEM. */
int mutant_oracle_make(struct mutant_oracle *oracle, const struct step_protocol *protocol,
		       const struct checker_options *options, char *why, size_t size);
/* Returns 0, or a negative errno value with result->why. */
int mutant_judge(const struct step_protocol *protocol, const struct mutant *mutant,
		 const struct mutant_oracle *oracle, struct mutant_result *result);

#endif
