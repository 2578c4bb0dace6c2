/* tests/model/gen_internal.h - what the files of the generator know of each other. See gen.h. Layer: tests. */
#ifndef SKERRY_TESTS_MODEL_GEN_INTERNAL_H
#define SKERRY_TESTS_MODEL_GEN_INTERNAL_H
#include "tests/model/gen.h"

enum { ANY = -1 };
enum {
	CALL = -1,
	REPLY_RECV = -2,
	NB_SEND_RECV = -3,
	NB_SEND_WAIT = -4,
	SEND = -5,
	NB_SEND = -6,
	RECV = -7,
	NB_RECV = -8,
	WAIT = -9,
	NB_WAIT = -10,
	YIELD = -11
};

/* A slot as CNode operations name it: the address of a CNode capability, index and depth. */
struct named {
	m_word root, index, depth;
	struct m_slot *slot;
};
typedef bool suits(const struct m_object *object);

/* gen_place.c: random numbers, where things are, and writing an operation down */
bool gen_chance(struct gen *g, unsigned percent);
struct m_object *gen_current(const struct gen *g);
struct m_cap gen_cspace(const struct gen *g);
struct m_slot *gen_slot_in(struct gen *g, struct m_object *cnode, int kind);
struct m_object *gen_some_cnode(struct gen *g, unsigned percent_inner);
struct m_slot *gen_some_slot(struct gen *g, int kind);
m_word gen_step_to(struct m_cap cnode, unsigned index);
unsigned gen_step_bits(struct m_cap cnode);
m_word gen_address_of(struct gen *g, const struct m_slot *slot);
m_word gen_address(struct gen *g, int kind);
void gen_set_word(struct op *op, unsigned at, m_word value);
void gen_set_mr(struct op *op, unsigned i, m_word value);
void gen_set_extra(struct op *op, unsigned i, m_word cptr);
void gen_begin(struct op *op, int number, m_word cptr, m_word label, unsigned length, unsigned extra);
void gen_invoke(struct gen *g, struct op *op, m_word cptr, m_word label, unsigned length, unsigned extra);

/* gen_object.c: operations on kernel objects */
bool gen_name_slot(struct gen *g, struct m_slot *slot, struct named *out);
bool gen_is_precious(struct gen *g, const struct m_slot *slot);
void gen_family_op(struct gen *g, struct op *op);
void gen_cnode_op(struct gen *g, struct op *op);
void gen_retype(struct gen *g, struct op *op, struct m_slot *untyped, unsigned type, m_word bits,
		struct m_slot *into, unsigned count);
void gen_retype_op(struct gen *g, struct op *op);
void gen_write_registers(struct gen *g, struct op *op, m_word tcb, bool resume);
void gen_configure(struct gen *g, struct op *op, m_word tcb);
void gen_sched_params(struct gen *g, struct op *op, m_word tcb);
void gen_tcb_op(struct gen *g, struct op *op);
void gen_context_op(struct gen *g, struct op *op);
void gen_sched_control(struct gen *g, struct op *op);
void gen_domain_op(struct gen *g, struct op *op);
void gen_irq_issue(struct gen *g, struct op *op);
void gen_irq_op(struct gen *g, struct op *op);
void gen_interrupt(struct gen *g, struct op *op);
void gen_space_op(struct gen *g, struct op *op);

/* gen_talk.c: messages, and what keeps a world going */
unsigned gen_can_run(const struct gen *g);
void gen_send_op(struct gen *g, struct op *op);
void gen_receive_op(struct gen *g, struct op *op);
void gen_both_op(struct gen *g, struct op *op);
void gen_odd_op(struct gen *g, struct op *op);
void gen_yield_op(struct gen *g, struct op *op);
void gen_help_op(struct gen *g, struct op *op);
struct m_slot *gen_nth(struct gen *g, enum m_kind kind, unsigned n);
void gen_part_op(struct gen *g, struct op *op);
void gen_chain_op(struct gen *g, struct op *op);
void gen_heavy_op(struct gen *g, struct op *op);

#endif
