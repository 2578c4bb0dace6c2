/* ssi/checker/checker_commute.c - steps whose target is found another way are counted and not made.
 *
 * Steps of two kernels commute: each changes its own kernel, takes from the front of a channel and adds at the end of others.
 * Let s be the state from which s2 was found first, by step b, and a a step of another kernel that was made in s before b, to s1.
 * Then b after a and a after b lead to the same state, and s1 was found before s2. So a need not be made in s2: b is made in s1,
 * or is left out there, because its target is found from a state that was found before s1, and so on; that ends. A step that was
 * left out in s may be left out in s2 for the same reason.
 *
 * The target of a step that is left out is so reached from a state that comes earlier in the order of the search. Hence the first
 * state from which a state is found is never one that leaves out the step to it: states, their order, their parents and their
 * depths are those of a search that makes all steps, and so is the number of steps, for those left out are counted.
 * (Sleep sets: P. Godefroid, "Partial-Order Methods for the Verification of Concurrent Systems", 1996; there for a search in
 * depth.)
 *
 * Steps come in groups: what a kernel receives from another; what it does by itself; what its client calls. A group is left out if
 * all its steps could be made in s, and if they and b are plain: no slot is freed (references to it become stale everywhere), no
 * client's call stays open (how many do limits others), the ghost stays as it is, and a call ends only where the model says that
 * it looks at nothing else (calls_are_local). What b sends to a kernel makes another group of what that receives.
 *
 * Not where kernels stop or messages are lost, for these are no kernel's steps; not where messages overtake; not with a model that
 * sees every step; not where edges are needed, to judge quiescence. A probe of symmetry makes all steps. */
#include "ssi/checker/checker_search.h"

static uint64_t own_bit(const struct checker_search *s, uint32_t a)
{
	return 1ull << (s->nodes * s->nodes + a);
}
static uint64_t calls_bit(const struct checker_search *s, uint32_t a)
{
	return 1ull << (s->nodes * s->nodes + s->nodes + a);
}

uint64_t checker_commute_group(const struct checker_search *s, enum checker_group group, uint32_t from,
			       uint32_t a)
{
	return group == GROUP_RECEIVE ? 1ull << (from * s->nodes + a)
	       : group == GROUP_OWN   ? own_bit(s, a)
				      : calls_bit(s, a);
}

void checker_commute_init(struct checker_search *s)
{
	const struct checker *c = s->c;
	const struct checker_options *o = s->options;
	s->commutes = o->no_quiescence && !o->audit && !o->make_all && !c->crash && !c->lossy &&
		      !c->reorder && !c->model->shadow.machine && s->nodes * (s->nodes + 2) <= 64;
	for (uint32_t a = 0; a < s->nodes && s->commutes; a++)
		s->groups_of[a] = s->into[a] | own_bit(s, a) | calls_bit(s, a);
}

bool checker_commute_is_plain(const struct checker_worker *w, const struct checker_vector *v,
			      const struct checker_outcome *o, bool is_call)
{
	const bool local = w->c->model->calls_are_local;
	return !o->freed && !(v->changed >> w->search->nodes) && (local || (!o->ends && !is_call));
}

uint64_t checker_commute_after(const struct checker_worker *w, const struct checker_vector *v, uint32_t a)
{
	return (w->sleep | w->done) & ~(w->search->groups_of[a] | v->changed_channels);
}

uint64_t checker_commute_relabel(const struct checker_search *s, uint64_t sleep, uint32_t labels)
{
	const uint32_t n = s->nodes, own = n * n;
	uint64_t out = 0;
	if (labels == CHECKER_SAME_LABELS)
		return sleep;
	for (; sleep; sleep &= sleep - 1) {
		const uint32_t bit = (uint32_t)__builtin_ctzll(sleep);
		if (bit < own)
			out |= 1ull << ((labels >> 4 * s->from_of[bit] & 15) * n +
					(labels >> 4 * s->to_of[bit] & 15));
		else
			out |= 1ull << (bit - (bit - own) % n + (labels >> 4 * ((bit - own) % n) & 15));
	}
	return out;
}
