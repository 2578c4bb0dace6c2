/* ssi/checker/export_lab.h - a machine on a node of its own, whose host keeps a journal; and programs on it.
 *
 * Layer: ssi. Thread rule: one thread. */
#ifndef SKERRY_SSI_EXPORT_LAB_H
#define SKERRY_SSI_EXPORT_LAB_H
#include "ssi/checker/export.h"

#define SELF_BYTES  512
#define LINKS_MAX   512
#define SENT_MAX    24
#define ENTRIES_MAX 32
#define MEMBERS_MAX 48
#define GIVEN_MAX   12
#define WORDS_END   60000u /* below: marks and drawn words, so that a word may stand for a node or an event */

#define NODE_MARK  1001u /* the first of a distinct number for each source */
#define INDEX_MARK 50001u
#define WORD_MARK  50021u
#define EVENT_MARK 250u

struct members {
	uint32_t count, fan;
	uint32_t link[MEMBERS_MAX];
	step_ref member[MEMBERS_MAX];
	uint32_t told[MEMBERS_MAX];
};

enum entry_kind { SENDS, COMPLETES, CALLS, TIMES, FANS, ENDS };
/* A call of the host, and how the machine was just then. */
struct entry {
	enum entry_kind kind;
	uint32_t sent, result, raised;
	step_ref client, arg;
	const struct step_list *list;
	char self[SELF_BYTES];
	struct members list_of[EXPORT_FIELDS_MAX]; /* by field */
};

struct lab {
	struct step_node n;
	const struct step_machine *d;
	unsigned machine;
	struct step_msg m;
	_Alignas(8) char self[SELF_BYTES];
	char before[SELF_BYTES];
	struct members list_before[EXPORT_FIELDS_MAX];
	struct step_link link[LINKS_MAX];
	struct step_msg sent[SENT_MAX];
	uint32_t sends, entries, faults, fields;
	bool overflow;
	struct entry entry[ENTRIES_MAX];
	struct step_msg raised[STEP_RAISED_MAX];
};

/* What is known of the machine and the message that an action sees. */
struct given {
	struct export_condition c[GIVEN_MAX];
	uint32_t count;
};

/* The protocol as an action sees it in a lab: any word may be told as an event. */
const struct step_protocol *lab_protocol(const struct step_protocol *p);
void lab_clear(struct lab *lab, const struct step_protocol *p, unsigned machine);
static inline const struct step_field *lab_field(const struct lab *lab, uint32_t i)
{
	return &lab->d->fields()[i];
}
struct step_list *lab_list(struct lab *lab, uint32_t field);
step_ref lab_ref(const struct lab *lab, const char *self, uint32_t field);
uint32_t lab_word(const struct lab *lab, const char *self, uint32_t field);
void lab_set(struct lab *lab, uint32_t field, step_ref r, uint32_t w);

/* The source's value: references, then words. */
bool lab_is_ref(const struct lab *lab, unsigned source);
bool lab_is_word(const struct lab *lab, unsigned source);
step_ref lab_source(const struct lab *lab, unsigned source);
uint32_t lab_word_value(const struct lab *lab, const struct export_word *w);
step_ref lab_ref_value(const struct lab *lab, const struct export_ref *r);

/* Marks: every source has a value of its own, but for what is given. */
enum filling { EMPTY, OTHERS, ALL };
void lab_mark(struct lab *lab, const struct given *given);
/* Members are outsiders, or all references there are; `single`: where a list has one member, that one of them. Returns
 * how many there are to choose from. */
uint32_t lab_fill(struct lab *lab, enum filling filling, const struct given *given, uint32_t single);
bool lab_is_outsider(step_ref r);

/* A drawn machine, message and lists. False: it is not as given. */
bool lab_draw(struct lab *lab, uint64_t *seed, const struct given *given);
/* As `from` was before it ran. */
void lab_copy(struct lab *lab, const struct lab *from);
/* As that node is, just before the cell that m reaches at `at`. */
void lab_see(struct lab *lab, const struct step_node *n, const struct step_msg *m, step_ref at);

bool lab_answer(const struct lab *lab, const struct export_condition *c); /* before it ran */
bool lab_is_as_given(const struct lab *lab, const struct given *given);

void lab_run_action(struct lab *lab, step_action *action);
void lab_run_program(struct lab *lab, const struct export_program *p);
/* The leaf, or NULL where the tree says that this was not met. */
const struct export_program *lab_choose(const struct lab *lab, const struct export_tree *tree);
bool lab_same_run(const struct lab *x, const struct lab *y);

/* A straight-line program, given that; *drawn: in how many machines it was tried. NULL, or why there is none; if that is
 * learn_differs, *out does so in most machines. */
extern const char learn_differs[];
const char *learn_straight(struct export_program *out, const struct step_protocol *wide, unsigned machine,
			   step_action *action, const struct given *given, uint32_t *drawn);
/* In how many of `runs` drawn machines, of which *drawn are as given, the program does what the action does. all: does not
 * end with the first in which it does not. `look` (optional) sees each machine. */
typedef void learn_look(void *context, const struct lab *lab, bool same);
uint32_t learn_passes(const struct export_program *p, const struct step_protocol *wide, unsigned machine,
		      step_action *action, const struct given *given, uint32_t runs, bool all,
		      uint32_t *drawn, learn_look *look, void *context);

#endif
