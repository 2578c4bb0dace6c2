/* tests/model/gen.h - the next thing that a random program does, chosen by what the model says is there.
 *
 * Thread rule: one thread. Layer: tests. */
#ifndef SKERRY_TESTS_MODEL_GEN_H
#define SKERRY_TESTS_MODEL_GEN_H
#include "tests/model/pair.h"

struct gen {
	struct pair *pair;
	uint64_t state;   /* of the random numbers */
	unsigned planned; /* how far the opening is */
	unsigned threads; /* that the opening makes */
	unsigned idle_tries;
	bool is_chain;  /* a world of servers that call servers */
	enum m_kind on; /* CNode operations: what kind of capability was meant; M_NULL: none */
};

uint64_t gen_random(struct gen *g);
unsigned gen_below(struct gen *g, unsigned n);
void gen_init(struct gen *g, struct pair *pair, uint64_t seed);
/* False: nothing more can happen in this world. */
bool gen_next(struct gen *g, struct op *op);
/* Random words in all registers and the IPC buffer; addresses and labels are likely to mean something. */
void gen_garbage(struct gen *g, struct op *op);

#endif
