/* tests/model/pair.h - a kernel and the model of it, doing the same and compared after each step.
 *
 * Thread rule: one thread. Layer: tests. */
#ifndef SKERRY_TESTS_MODEL_PAIR_H
#define SKERRY_TESTS_MODEL_PAIR_H
#include "kernelmodel/kernel.h"
#include "tests/model/model.h"

/* One thing that happens, written down so that it can be done again: the current thread, whichever it then is, does a
 * system call with these registers, or has a fault; or an interrupt comes. */
enum op_kind { OP_SYSCALL, OP_EXCEPTION, OP_VM_FAULT, OP_INTERRUPT, OP_KINDS };
enum { OP_WORDS = 30 };
struct op {
	uint8_t kind, again; /* again: the call that the registers hold already, as a restarted thread does */
	uint8_t pending;     /* n > 0: at the n-th time that the kernel looks, an interrupt is pending */
	uint8_t words;
	uint8_t irq;
	int16_t number;  /* of the system call */
	uint32_t thread; /* who did it, when it was last run: the number of a model's object */
	m_word cptr, info, mr[4], reply, dest; /* also of a fault: address, code */
	struct {
		uint8_t at; /* word of the IPC buffer */
		m_word value;
	} word[OP_WORDS];
};

struct pair_config {
	uint64_t memory_bytes;
	unsigned cnode_bits;
	unsigned root_priority;
	unsigned image_frames;
};
extern const struct pair_config pair_small;

struct pair {
	struct km_kernel *kernel;
	struct km_core *core;
	struct m_model *model;
	unsigned long steps;
	unsigned full_every;        /* all is compared every so many steps; 0: never */
	unsigned check_every;       /* and km_check() is asked */
	unsigned asked[2], pending; /* how often each side has looked for interrupts */
	bool preempted;
	char why[512];
};

/* Boots a kernel and reads the model of it from what is there. */
struct pair *pair_new(const struct pair_config *config);
void pair_free(struct pair *pair);
/* NULL, or what differs. */
const char *pair_step(struct pair *pair, struct op *op);
const char *pair_compare_all(struct pair *pair);
/* In compare.c: after a step; `all`: everything rather than what the model says was touched. */
const char *pair_compare(struct pair *pair, bool all);
struct km_slot *pair_slot(const struct pair *pair, const struct m_slot *slot);
const char *pair_cap_text(char *out, size_t size, struct m_cap cap);

#endif
