/* ssi/checker/export.h - a protocol for other model checkers: its tables are data, its actions are learnt.
 *
 * An action never waits and reads no clock, so what it does follows from runs on a node of its own. Every field, every
 * part of the message and the node's own number gets a value that occurs nowhere else; after a run, where a value came
 * from is plain. Runs with full, other and empty lists tell the operations on lists apart. What was learnt is then run
 * beside the action on many drawn machines, lists and messages, whose values often coincide.
 *
 * Where something differs, the action decides or computes. Which question it asks (are two references the same? is one
 * nobody, or of this node? how long is a list?) is found from the runs that differ, and both answers are learnt apart.
 * Where words decide or are computed with, each value that a bounded search of the protocol meets is learnt apart, and any
 * other is an error of the text. In the end the search is done once more, with what was learnt beside each action that
 * runs. An action that still differs is refused.
 *
 * export_lab.c     a machine on a node of its own, and programs on it
 * export_learn.c   a straight-line program, from runs with marks
 * export_decide.c  a tree of questions with programs as leaves
 * export_seen.c    the search: which words actions meet, and the run beside them
 * export_action.c  a tree in Murphi
 * export_murphi.c  a protocol in Murphi (CMurphi, Rumur)
 *
 * Layer: ssi. Thread rule: one thread. */
#ifndef SKERRY_SSI_EXPORT_H
#define SKERRY_SSI_EXPORT_H
#include <stdio.h>
#include "ssi/checker/checker.h"
#include "ssi/checker/mutant.h"

/* ---- programs ---- */

enum export_source {
	EXPORT_CONSTANT,
	EXPORT_WORD, /* of the message */
	EXPORT_OWN,  /* the node's own number */
	EXPORT_FROM,
	EXPORT_ARG,
	EXPORT_TO,
	EXPORT_ME,
	EXPORT_EVENT, /* the message's, as a word */
	EXPORT_FIELD, /* + the number of a field: as it was when the action began */
};

struct export_word {
	uint8_t source;
	bool node_of; /* the node of a reference */
	uint32_t constant;
};

/* A copy of a reference, or (source CONSTANT) one that is built. */
struct export_ref {
	uint8_t source, machine;
	struct export_word node;
	uint32_t index;
};

enum export_op_kind {
	EXPORT_TELL,     /* event to a, from c, with arg b and word */
	EXPORT_COMPLETE, /* client a, result word, arg b */
	EXPORT_LOCAL,    /* call word, arg b */
	EXPORT_TIMER,
	EXPORT_SET_REF,  /* field = a */
	EXPORT_SET_WORD, /* field = word */
	EXPORT_ADD,      /* a to list; so are the others */
	EXPORT_ADD_ONCE,
	EXPORT_ADD_OTHERS, /* a with the node of each other node */
	EXPORT_REPLACE,    /* a by b */
	EXPORT_REMOVE,
	EXPORT_REMOVE_IF,
	EXPORT_SETTLE,
	EXPORT_FANOUT, /* event */
	EXPORT_STOP,   /* fan = 0 */
	EXPORT_WAKE,   /* event */
	EXPORT_CLEAR,
	EXPORT_TAKE_LIST, /* becomes what list `other` is, which is then empty */
	EXPORT_FAULT,     /* its host finds a fault: a list is asked for what it has not */
};

struct export_op {
	uint8_t kind, event, field; /* field: of the machine's fields: what is set, or the list */
	uint8_t event_source;       /* not CONSTANT: the event is that word */
	uint8_t other;
	struct export_ref a, b, c;
	struct export_word word;
};

#define EXPORT_OPS_MAX 24
struct export_program {
	struct export_op op[EXPORT_OPS_MAX];
	uint32_t count;
};

/* ---- questions ---- */

enum export_test {
	EXPORT_SAME,    /* references a and b */
	EXPORT_NOBODY,  /* a */
	EXPORT_HERE,    /* a is of this node */
	EXPORT_NEAR,    /* a and b are of one node */
	EXPORT_NODE_IS, /* word source a is the node of b */
	EXPORT_ALONE,   /* the list (field `list`) has one member */
	EXPORT_EMPTY,   /* none */
	EXPORT_MEMBER,  /* a is in the list */
	EXPORT_WORD_IS, /* word source a has this value */
};
struct export_condition {
	uint8_t test, a, b, list;
	uint32_t value;
	bool holds;
};

enum export_node_kind { EXPORT_LEAF, EXPORT_ASK, EXPORT_UNSEEN };
/* The first node is the root. UNSEEN: no search has met this. */
struct export_node {
	uint8_t kind;
	struct export_condition ask; /* `holds` is not used */
	uint32_t yes, no;            /* nodes */
	struct export_program program;
};
struct export_tree {
	struct export_node *node;
	uint32_t count, room;
};
void export_tree_fini(struct export_tree *tree);

/* The words that an action met in a search, a tuple for each combination: [0] the message's, [1 + i] field i's. */
#define EXPORT_FIELDS_MAX 16
#define EXPORT_WORDS      (1 + EXPORT_FIELDS_MAX)
struct export_met {
	uint32_t (*tuple)[EXPORT_WORDS];
	uint32_t count, room;
	uint32_t members; /* the most in a list */
};

/* What `action` of that machine does, given what a search met (NULL: nothing was searched; then words that are computed
 * with are a reason to refuse it). NULL, or why it is not known; on NULL the caller passes the tree to _fini(). */
const char *export_learn(struct export_tree *out, const struct step_protocol *protocol, unsigned machine,
			 step_action *action, const struct export_met *met);

/* ---- searches ---- */

struct export_action {
	unsigned machine;
	step_action *action;
	const char *name;
	uint32_t mistake; /* 0: of the protocol itself; else of a mutant: in its searches only */
	uint32_t number;  /* among those of that name */
	struct export_met met;
	struct export_tree tree;
	bool known; /* the tree is */
};
struct export_actions {
	struct export_action *action;
	uint32_t count;
};
/* Adds what every action meets in the search of the protocol, or of that mistake of it; `result` is what it found, as of
 * checker_run(). Returns what that does. */
int export_search(struct export_actions *actions, const struct step_protocol *protocol, uint32_t mistake,
		  const struct checker_options *options, struct checker_result *result);
/* Runs the trees beside the actions in the same search. NULL, or what differs. */
const char *export_beside(const struct export_actions *actions, const struct step_protocol *protocol,
			  uint32_t mistake, const struct checker_options *options);

/* ---- Murphi ---- */

struct export_options {
	struct checker_options bounds; /* of the search that the text repeats */
	/* Mistakes that the text holds as well: its constant MISTAKE chooses one of them; it is 0. */
	const struct mutant *mutant;
	uint32_t mutants;
	const char *prelude; /* what tables mean, with places for the rest */
	/* The protocol's clients and invariants: the family's, then its own; NULL: any call on any name. */
	const char *family, *clients;
};
struct export_report {
	bool searched, bounded; /* there was a search; it met a limit */
	uint64_t states;
	uint32_t deciding, by_words; /* actions that ask questions; whose words are tables */
};

/* Returns 0; or -ENOTSUP or -EINVAL, and `why` says what cannot be said in Murphi. */
int export_murphi(FILE *out, const struct step_protocol *protocol, const struct export_options *options,
		  struct export_report *report, char *why, size_t size);

#endif
