/* ssi/checker/script.h - one way of a small world from its initial state: what happens next, step by step.
 *
 * The search, and random walks, find a way; replay.h goes it again in the virtual engine and tells the story. A script has
 * all that this needs: the protocol, the configuration, each step as an instruction, and what came of it. Between two
 * steps a world forgets what is not state (the order of lists, generations), so a step names slots as the checker does:
 * "cap 2.0" is slot 0 of kernel 2.
 *
 * Ownership: a script owns its texts and steps. Layer: ssi. Thread rule: one thread. */
#ifndef SKERRY_SSI_CHECKER_SCRIPT_H
#define SKERRY_SSI_CHECKER_SCRIPT_H
#include "ssi/checker/checker.h"

enum script_kind {
	SCRIPT_CALL,    /* a client calls: client, event, to, arg, word, mark */
	SCRIPT_RECEIVE, /* a kernel takes a message of a channel: from, position, event */
	SCRIPT_ANSWER,  /* the local kernel answers: at, event */
	SCRIPT_TIMER,   /* at */
	SCRIPT_TELL,    /* a member of a list is told: at, arg is the member, event */
	SCRIPT_RESUME,  /* what waits at a machine goes on: at */
	SCRIPT_LOSE,    /* a message is lost: from, position, event */
	SCRIPT_STOP,    /* a kernel stops for ever */
	SCRIPT_KINDS
};
extern const char *const script_kind_name[SCRIPT_KINDS + 1]; /* "call", ..., NULL */

struct script_step {
	enum script_kind kind;
	uint32_t kernel, from, position, client, event, word, mark;
	step_ref at, to, arg;
	step_ref
		take; /* the free slot that the step takes if it takes one of its machine; nobody: the lowest */
};

/* Where what is wrong shows. */
enum script_end {
	SCRIPT_END_STEP,  /* in the last step */
	SCRIPT_END_REST,  /* nothing that is under way can go on */
	SCRIPT_END_STATE, /* what the search says of the last state, which no single state shows */
	SCRIPT_ENDS
};
extern const char *const script_end_name[SCRIPT_ENDS + 1];

#define SCRIPT_FINGERPRINT 17

struct script {
	char protocol[96];
	char table[SCRIPT_FINGERPRINT]; /* script_fingerprint() of the protocol */
	struct checker_options options; /* what the world consists of, with no 0 for "the model's own" */
	uint32_t steps, room;
	struct script_step *step;
	enum script_end end;
	char why[256]; /* empty: nothing is wrong */
	char *state;   /* the last state as text, a line a kernel and more; NULL: not known */
};

void script_free(struct script *script); /* takes NULL */
/* A copy with room for steps of its own and no outcome; NULL: no memory. */
struct script *script_new(const struct script *like);
int script_add(struct script *script, const struct script_step *step); /* 0 or -ENOMEM */
bool script_same_step(const struct script_step *a, const struct script_step *b);

/* A hash of a protocol's tables, events, states, layouts and names of actions, as text. */
void script_fingerprint(char out[SCRIPT_FINGERPRINT], const struct step_protocol *protocol);

/* A reference as text, "cap 2.0", and back. Of a machine's slot, of a client ("client 2.0"), "nobody", a name
 * ("name3 2.17"); "~" and a number is a generation that is not 0. Returns 0 or -1. */
#define SCRIPT_REF 96
void script_ref_print(char out[SCRIPT_REF], const struct step_protocol *protocol, step_ref r);
int script_ref_read(step_ref *out, const struct step_protocol *protocol, const char *text);

#endif
