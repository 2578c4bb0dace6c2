/* ssi/checker/export_text.h - what the parts of the writer in Murphi share.
 *
 * Layer: ssi. Thread rule: one thread. */
#ifndef SKERRY_SSI_EXPORT_TEXT_H
#define SKERRY_SSI_EXPORT_TEXT_H
#include "ssi/checker/export.h"

#define EXPORT_MISTAKES_MAX 32

struct exporter {
	FILE *out;
	const struct step_protocol *p;
	const struct checker_options *bounds;
	uint32_t nodes, slots[STEP_MACHINES_MAX], slot_count, first_slot[STEP_MACHINES_MAX];
	uint32_t flight, names, cells, raised, ops;
	uint32_t links; /* members of a list; 0: not measured */
	uint64_t words;
	struct export_actions actions;
	uint32_t cells_own; /* without those of mistakes, which follow */
	struct export_mistake {
		struct mutant mutant;
		struct step_cell cell;
	} mistake[EXPORT_MISTAKES_MAX]; /* [0]: number 1 */
	uint32_t mistakes;
};

static inline const struct step_machine *export_machine(const struct exporter *x, unsigned m)
{
	return &x->p->machine[m];
}
/* What fields of a kind are called after: f_, l_ or w_. */
static inline char export_letter(unsigned kind)
{
	return kind == STEP_K_REF ? 'f' : kind == STEP_K_LIST ? 'l' : 'w';
}

/* What is asked for while an action runs and done after it; NULL: done at once. */
extern const char *const export_op_name[];
void export_print_action(const struct exporter *x, const struct export_action *action);

#endif
