/* ssi/checker/checker_symmetry.h - what checker_symmetry.c, which chooses a relabelling, and checker_relabel.c, which knows what
 * one does to a part, have in common.
 *
 * Layer: ssi. Thread rule: a worker's. */
#ifndef SKERRY_SSI_CHECKER_SYMMETRY_H
#define SKERRY_SSI_CHECKER_SYMMETRY_H
#include "ssi/checker/checker_search.h"

extern const uint8_t checker_plain_order[SLOTS_MAX]; /* 0, 1, 2 ... */

static inline bool is_pool(const struct checker *c, uint32_t m)
{
	return c->slots[m] > 1 && c->exchange_slots && !(c->model->slots_differ >> m & 1);
}

static inline uint32_t atom_of(const struct checker *c, uint32_t a, uint32_t m, uint32_t i)
{
	return NODES + c->atom_at[m] + a * c->atoms_a_node + i;
}
static inline uint32_t atoms_of(const struct checker_search *s)
{
	return NODES + (s->pools ? s->nodes * s->c->atoms_a_node : 0);
}

/* ---- what a part says of the atoms ---- */

#define ABOUT_SHIFT 56
#define SIGNS_SHIFT 16
#define SIGNS_KNOWN (1ull << (ABOUT_SHIFT - 1))
/* Where the sums of a part are in w->signs (above SIGNS_SHIFT), how many (below), and which kernels its bytes depend on (above
 * ABOUT_SHIFT). */
uint64_t checker_sign_part(struct checker_worker *w, uint32_t position, uint32_t id);

/* ---- what a relabelling does to a part ---- */

/* A relabelling that is about to be applied. */
struct checker_mover {
	struct checker_worker *w;
	const struct checker_relabel *r;
	uint8_t moved; /* kernels that become others, or have slots that do */
	uint16_t turn[NODES];
};
struct checker_mover checker_mover_of(struct checker_worker *w, const struct checker_relabel *r);
/* A part, which is about somebody who moves: its number under the relabelling. */
uint32_t checker_relabel_part(const struct checker_mover *x, uint8_t about, uint32_t position, uint32_t id);

#endif
