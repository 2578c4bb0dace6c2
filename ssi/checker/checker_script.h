/* ssi/checker/checker_script.h - scripts out of the checker's moves, for the parts of the checker.
 *
 * Layer: ssi. Thread rule: one thread. */
#ifndef SKERRY_SSI_CHECKER_CHECKER_SCRIPT_H
#define SKERRY_SSI_CHECKER_CHECKER_SCRIPT_H
#include "ssi/checker/checker_internal.h"
#include "ssi/checker/script.h"

/* A way that a search has found: its states are known, not its moves. */
struct checker_way {
	uint32_t steps; /* to the last state that is right; with SCRIPT_END_STEP one more follows */
	enum script_end end;
	const char *why; /* SCRIPT_END_STATE */
	/* Whether the world of c is now the way's state number `step`, 1 to `steps`, up to symmetry. */
	bool (*reached)(void *context, struct checker *c, uint32_t step);
	void *context;
};

/* Finds the moves of a way. Returns 0, -ENOMEM, or -ESRCH: the way cannot be found again, so the protocol depends on
 * something that is not state. On 0 *out is the caller's. Changes the world. */
int checker_script_make(struct checker *c, const struct checker_way *way, struct script **out);

/* A script of no steps for the world's configuration; NULL: no memory. */
struct script *checker_script_begin(const struct checker *c);
/* A move as an instruction. */
struct script_step checker_script_step(const struct checker *c, const struct checker_move *move);

/* What a packing forgets (the order of lists, generations) is forgotten. */
void checker_forget(struct checker *c);

/* The world as text, a line a kernel, then what is on its way and what is called. NULL: no memory. */
char *checker_print_state(const struct checker *c);

/* ---- the story, the diagram ---- */

/* A step that was performed while c->noting. `sent_in`: the step that sent what is received, 0: not known. `what`: see
 * checker_story_what(), from before the step, when what it is about was still there. */
struct checker_told {
	uint32_t number, sent_in;
	const struct script_step *step;
	const uint32_t (*called)
		[CLIENTS_MAX]; /* [kernel][client]: the event of its call; a model may mark it otherwise */
	char what[192];
};
/* What a step is about: "delegates cap 0.0 to kernel 2" of a call, "cap 2.0" of what is told, else its machine. */
void checker_story_what(const struct checker *c, struct checker_told *told);
void checker_story_step(const struct checker *c, FILE *f, const struct checker_told *told);
void checker_story_end(FILE *f, const char *why);
void checker_plantuml_begin(const struct checker *c, FILE *f, const char *title);
void checker_plantuml_step(const struct checker *c, FILE *f, const struct checker_told *told);
void checker_plantuml_end(const struct checker *c, FILE *f, const char *why);

void checker_print_ref(const struct checker *c, FILE *f, step_ref r);
const char *checker_event_name(const struct checker *c, unsigned event);
const char *checker_state_name(const struct checker *c, unsigned machine, unsigned state);

#endif
