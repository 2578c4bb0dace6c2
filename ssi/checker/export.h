/* ssi/checker/export.h - a protocol for other model checkers: its tables are data, its actions are learnt.
 *
 * An action is straight-line code, so what it does follows from runs on a node of its own. Every field, every part of
 * the message and the node's own number gets a value that occurs nowhere else; after a run, where a value came from is
 * plain. Runs with full, other and empty lists tell the operations on lists apart. What was learnt is then run beside
 * the action on many drawn machines, lists and messages, whose values often coincide; if anything differs in any of
 * them (a decision, arithmetic on words), the action is refused.
 *
 * export_learn.c   the runs, and what follows from them
 * export_murphi.c  a protocol with its learnt actions in Murphi (CMurphi, Rumur)
 *
 * Layer: ssi. Thread rule: one thread. */
#ifndef SKERRY_SSI_EXPORT_H
#define SKERRY_SSI_EXPORT_H
#include <stdio.h>
#include <skerry/protocol.h>

enum export_source {
	EXPORT_CONSTANT,
	EXPORT_WORD, /* of the message */
	EXPORT_OWN,  /* the node's own number */
	EXPORT_FROM,
	EXPORT_ARG,
	EXPORT_TO,
	EXPORT_ME,
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
	EXPORT_TELL,     /* event to a, with arg b and word */
	EXPORT_COMPLETE, /* client a, result word, arg b */
	EXPORT_LOCAL,    /* call word, arg b */
	EXPORT_TIMER,
	EXPORT_SET_REF,  /* field = a */
	EXPORT_SET_WORD, /* field = word */
	EXPORT_ADD,      /* a to list; so are the others */
	EXPORT_ADD_ONCE,
	EXPORT_ADD_OTHERS, /* of machine a.machine */
	EXPORT_REPLACE,    /* a by b */
	EXPORT_REMOVE,
	EXPORT_REMOVE_IF,
	EXPORT_SETTLE,
	EXPORT_FANOUT, /* event */
	EXPORT_STOP,   /* fan = 0 */
	EXPORT_WAKE,   /* event */
};

struct export_op {
	uint8_t kind, event, field; /* of the machine's fields: what is set, or the list */
	struct export_ref a, b;
	struct export_word word;
};

#define EXPORT_OPS_MAX 24
struct export_program {
	struct export_op op[EXPORT_OPS_MAX];
	uint32_t count;
};

/* What `action` of that machine does. NULL, or why it is not known. */
const char *export_learn(struct export_program *out, const struct step_protocol *protocol, unsigned machine,
			 step_action *action);

struct export_options {
	uint32_t kernels;                  /* 0: the model's own */
	uint32_t slots[STEP_MACHINES_MAX]; /* 0: the model's own */
	uint32_t flight;                   /* 0: the model's own */
	const char *prelude; /* what tables mean, with places for the rest: workloads/murphi/prelude.m */
	const char *clients; /* the protocol's own clients and invariants, or NULL: any call on any name */
};

/* Returns 0; or -ENOTSUP or -EINVAL, and `why` says what cannot be said in Murphi. */
int export_murphi(FILE *out, const struct step_protocol *protocol, const struct export_options *options,
		  char *why, size_t size);

#endif
