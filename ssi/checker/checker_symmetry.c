/* ssi/checker/checker_symmetry.c - one vector for all that exchanging kernels, or slots of a pool, makes of it.
 *
 * What can be exchanged is an atom: a kernel, or a slot of a pool. Each part says, for each atom, a number that no
 * relabelling changes: what the atom is like, and where and how the part names it. The sum over a state's parts is the
 * atom's signature. Slots are ordered by their signatures, then kernels; but first slots by what they hold, and kernels by what
 * those that are never exchanged say of them: so a kernel comes out in one order whatever else there is in the state, and there
 * are fewer parts, and fewer steps to run. Where signatures are equal (a tie), most often an exchange changes nothing, which is
 * tried; else all orders of the tied compete for the least vector.
 *
 * Which of the free slots a step takes is not exchanged: it is the first in this order. (Free slots differ where something
 * still names what was there before.) That is one of the choices that a host has, the same for all states of a class.
 *
 * The sums of a part, and a part under a relabelling, are remembered by numbers. Whatever is chosen here is a relabelling
 * of the state, so nothing is lost if a choice is a bad one: only more states are visited. */
#include "ssi/checker/checker_symmetry.h"

#define ORDERS_MAX 5040 /* of tied atoms; beyond, the first is taken */

/* ---- signatures ---- */

static uint64_t signs_of(struct checker_worker *w, uint32_t position, uint32_t id)
{
	uint64_t value = checker_dense_get(&w->signs_of[position], id);
	if (!value) {
		value = checker_sign_part(w, position, id);
		w->failed |= checker_dense_put(&w->signs_of[position], id, value) != 0;
	}
	return value;
}

/* Returns which kernels the part's bytes depend on. */
static uint8_t add_signs(struct checker_worker *w, uint32_t position, uint32_t id, struct checker_sums *sums)
{
	if (!id)
		return 0;
	const uint64_t value = signs_of(w, position, id), at = value << 9 >> (9 + SIGNS_SHIFT);
	if (!(value & 0xffff))
		return (uint8_t)(value >> ABOUT_SHIFT);
	const struct checker_sign *sign = (const struct checker_sign *)(const void *)w->signs.at + at;
	for (uint32_t i = 0; i < (value & 0xffff); i++) {
		sums->all[sign[i].atom] += sign[i].all;
		sums->first[sign[i].atom] += sign[i].first;
	}
	return (uint8_t)(value >> ABOUT_SHIFT);
}

static void take_signs(struct checker_worker *w, uint32_t position, uint32_t id, struct checker_sums *sums)
{
	if (!id)
		return;
	const uint64_t value = signs_of(w, position, id), at = value << 9 >> (9 + SIGNS_SHIFT);
	const struct checker_sign *sign = (const struct checker_sign *)(const void *)w->signs.at + at;
	for (uint32_t i = 0; i < (value & 0xffff); i++) {
		sums->all[sign[i].atom] -= sign[i].all;
		sums->first[sign[i].atom] -= sign[i].first;
	}
}

static void clear_sums(const struct checker_search *s, struct checker_sums *sums)
{
	memset(sums->first, 0, atoms_of(s) * sizeof *sums->first);
	memset(sums->all, 0, atoms_of(s) * sizeof *sums->all);
}

static void copy_sums(const struct checker_search *s, struct checker_sums *to,
		      const struct checker_sums *from)
{
	memcpy(to->first, from->first, atoms_of(s) * sizeof *to->first);
	memcpy(to->all, from->all, atoms_of(s) * sizeof *to->all);
}

static void sign_vector(struct checker_worker *w, const struct checker_vector *v, struct checker_sums *sums,
			uint8_t *about)
{
	const struct checker_search *s = w->search;
	clear_sums(s, sums);
	for (uint32_t i = 0; i < s->ghost_at; i++)
		about[i] = add_signs(w, i, v->id[i], sums);
	EACH_CHANNEL(s, v->full, i) about[i] = add_signs(w, (uint32_t)i, v->id[i], sums);
}

void checker_symmetry_sign_base(struct checker_worker *w)
{
	sign_vector(w, &w->base, &w->base_sums, w->base_about);
	w->base_signed = true;
}

static uint8_t sign_changed(struct checker_worker *w, uint32_t position, uint32_t old, uint32_t fresh,
			    struct checker_sums *sums)
{
	take_signs(w, position, old, sums);
	return add_signs(w, position, fresh, sums);
}

/* As sign_vector(), from what is known of the base. */
static void sign_next(struct checker_worker *w, const struct checker_vector *v, struct checker_sums *sums,
		      uint8_t *about)
{
	const struct checker_search *s = w->search;
	copy_sums(s, sums, &w->base_sums);
	memcpy(about, w->base_about, s->positions);
	for (uint64_t rest = v->changed & ~(1ull << s->ghost_at); rest; rest &= rest - 1) {
		const uint32_t i = (uint32_t)__builtin_ctzll(rest);
		if (v->id[i] != w->base.id[i])
			about[i] = sign_changed(w, i, w->base.id[i], v->id[i], sums);
	}
	EACH_CHANNEL(s, v->changed_channels, i)
	if (v->id[i] != w->base.id[i])
		about[i] = sign_changed(w, (uint32_t)i, w->base.id[i], v->id[i], sums);
}
/* ---- relabelling ---- */

/* Of each position, which kernels its part's bytes depend on. */
struct about {
	uint8_t about[POSITIONS_MAX];
};

static uint8_t relabel_mask(const struct checker_relabel *r, uint32_t mask)
{
	uint32_t out = 0;
	for (; mask; mask &= mask - 1)
		out |= 1u << r->label[__builtin_ctz(mask)];
	return (uint8_t)out;
}

static uint32_t moved_part(const struct checker_mover *x, uint8_t about, uint32_t position, uint32_t id)
{
	return about & x->moved && id ? checker_relabel_part(x, about, position, id) : id;
}

/* A part that is about nobody who moves stays as it is, but perhaps not where it is. */
static void apply(struct checker_worker *w, const struct checker_relabel *r, const struct checker_vector *v,
		  const struct about *in, struct checker_vector *out)
{
	const struct checker_search *s = w->search;
	const struct checker_mover x = checker_mover_of(w, r);
	const uint32_t n = s->nodes;
	for (uint32_t a = 0; a < n; a++) {
		const uint32_t b = r->label[a];
		out->id[b] = moved_part(&x, in->about[a], a, v->id[a]);
		out->id[n + b] = moved_part(&x, in->about[n + a], n + a, v->id[n + a]);
	}
	out->id[s->ghost_at] = v->id[s->ghost_at];
	out->full = 0;
	memset(out->id + s->channel_at, 0, (s->positions - s->channel_at) * sizeof *out->id);
	EACH_CHANNEL(s, v->full, i)
	{
		const uint32_t k = (uint32_t)i - s->channel_at;
		const uint32_t to = r->label[s->from_of[k]] * n + r->label[s->to_of[k]];
		out->id[s->channel_at + to] = moved_part(&x, in->about[i], (uint32_t)i, v->id[i]);
		out->full |= 1ull << to;
	}
}

/* What the parts of a relabelled vector are about. */
static void relabel_about(const struct checker_search *s, const struct checker_relabel *r,
			  const struct checker_vector *v, const struct about *in, struct about *out)
{
	const uint32_t n = s->nodes;
	for (uint32_t a = 0; a < n; a++) {
		out->about[r->label[a]] = relabel_mask(r, in->about[a]);
		out->about[n + r->label[a]] = relabel_mask(r, in->about[n + a]);
	}
	EACH_CHANNEL(s, v->full, i)
	{
		const uint32_t k = (uint32_t)i - s->channel_at;
		out->about[s->channel_at + r->label[s->from_of[k]] * n + r->label[s->to_of[k]]] =
			relabel_mask(r, in->about[i]);
	}
}

static void make_identity(const struct checker *c, struct checker_relabel *r)
{
	for (uint32_t a = 0; a < c->nodes && a < NODES; a++) {
		r->label[a] = (uint8_t)a;
		for (uint32_t m = 1; m < c->protocol->machines; m++)
			if (c->slots[m] > 1) /* the only slot is the first */
				memcpy(r->slot[a][m], checker_plain_order, c->slots[m]);
			else
				r->slot[a][m][0] = 0;
	}
	r->is_identity = true;
}

/* ---- the order of atoms ---- */

/* Keys of atoms that are compared with each other. */
struct keys {
	const uint64_t *first, *all;
};

static struct keys keys_at(const struct checker_sums *sums, uint32_t atom)
{
	return (struct keys){sums->first + atom, sums->all + atom};
}
static bool is_before(const struct keys *k, uint32_t x, uint32_t y)
{
	return k->first[x] != k->first[y] ? k->first[x] < k->first[y] : k->all[x] < k->all[y];
}
static bool is_tied(const struct keys *k, uint32_t x, uint32_t y)
{
	return k->first[x] == k->first[y] && k->all[x] == k->all[y];
}

/* Orders items 0 to count by their key; order[i] is the i-th. */
static void order_by(const struct keys *key, uint8_t order[SLOTS_MAX], uint32_t count)
{
	for (uint32_t i = 0; i < count && i < SLOTS_MAX; i++) {
		uint32_t j = i;
		for (; j && is_before(key, i, order[j - 1]); j--)
			order[j] = order[j - 1];
		order[j] = (uint8_t)i;
	}
}

/* Tied atoms of the ordered vector: kernels at to at + count, or slots of machine m of kernel a. */
struct tie {
	uint32_t a, m, at, count;
};
struct ties {
	uint32_t count;
	uint64_t orders, free_orders;
	struct tie tie[ATOMS_MAX];
};

static uint64_t factorial(uint64_t n) { return n < 2 ? 1 : n * factorial(n - 1); }

/* Equal neighbours in an order. Slots that are free, and that nobody names, are like each other in any order. */
static void find_ties(struct ties *t, const struct keys *key, const uint8_t *order, uint32_t count,
		      struct tie like, uint64_t free_key)
{
	for (uint32_t i = 0, j; i < count; i = j) {
		for (j = i + 1; j < count && is_tied(key, order[j], order[i]); j++)
			;
		if (j == i + 1)
			continue;
		if (key->all[order[i]] == free_key) {
			t->free_orders *= factorial(j - i);
			continue;
		}
		like.at += i;
		like.count = j - i;
		t->tie[t->count++] = like;
		like.at -= i;
		t->orders = t->orders > ORDERS_MAX ? t->orders : t->orders * factorial(j - i);
	}
}

static void order_slots(struct checker_worker *w, struct checker_sums *sums, struct checker_relabel *r,
			struct ties *t)
{
	const struct checker *c = w->c;
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t m = 1; m < c->protocol->machines; m++) {
			uint8_t order[SLOTS_MAX] = {0};
			const struct keys key = keys_at(sums, atom_of(c, a, m, 0));
			if (!is_pool(c, m))
				continue;
			order_by(&key, order, c->slots[m]);
			for (uint32_t i = 0; i < c->slots[m]; i++) {
				r->slot[a][m][order[i]] = (uint8_t)i;
				r->is_identity &= order[i] == i;
				if (a >= c->fixed)
					sums->all[a] += checker_mix(key.all[i]);
			}
			find_ties(t, &key, order, c->slots[m], (struct tie){.a = a, .m = m},
				  w->search->free_key[a < c->fixed ? a : NODES][m]);
		}
}

static void order_kernels(const struct checker *c, const struct checker_sums *sums, struct checker_relabel *r,
			  struct ties *t)
{
	uint8_t order[SLOTS_MAX] = {0};
	const uint32_t slots = t->count;
	const struct keys key = keys_at(sums, c->fixed);
	order_by(&key, order, c->nodes - c->fixed);
	for (uint32_t i = 0; i < c->nodes - c->fixed; i++) {
		r->label[c->fixed + order[i]] = (uint8_t)(c->fixed + i);
		r->is_identity &= order[i] == i;
	}
	find_ties(t, &key, order, c->nodes - c->fixed, (struct tie){.a = NODES, .at = c->fixed}, 0);
	for (uint32_t i = 0; i < slots; i++) /* ties are of the ordered vector */
		t->tie[i].a = r->label[t->tie[i].a];
}

/* ---- ties ---- */

static void copy_parts(const struct checker_search *s, struct checker_vector *to,
		       const struct checker_vector *from)
{
	to->full = from->full;
	memcpy(to->id, from->id, s->positions * sizeof *to->id);
}

/* An order of vectors that does not depend on the numbers of parts. */
static int compare(const struct checker_search *s, const struct checker_vector *x,
		   const struct checker_vector *y)
{
	for (uint32_t i = 0; i < s->positions; i++) {
		if (x->id[i] == y->id[i])
			continue;
		const uint64_t p = checker_part_at(&s->parts, x->id[i])->hash;
		const uint64_t q = checker_part_at(&s->parts, y->id[i])->hash;
		if (p != q)
			return p < q ? -1 : 1;
	}
	return 0;
}

/* The atoms of a tie come in another order: the `number`-th. */
static void permute_tie(struct checker_relabel *r, const struct tie *t, uint64_t number)
{
	uint8_t left[SLOTS_MAX];
	uint8_t *to = t->a == NODES ? r->label : r->slot[t->a][t->m];
	for (uint32_t i = 0; i < t->count; i++)
		left[i] = (uint8_t)(t->at + i);
	for (uint32_t i = 0; i < t->count; i++) {
		const uint64_t base = factorial(t->count - 1 - i), pick = number / base % (t->count - i);
		to[t->at + i] = left[pick];
		memmove(left + pick, left + pick + 1, t->count - i - 1 - pick);
	}
}

/* Whether exchanging kernels a and a + 1 leaves the vector as it is. */
static bool are_twins(struct checker_worker *w, const struct checker_vector *v, const uint8_t *about,
		      uint32_t a)
{
	const struct checker_search *s = w->search;
	const uint32_t n = s->nodes;
	struct checker_relabel r;
	make_identity(w->c, &r);
	r.label[a] = (uint8_t)(a + 1), r.label[a + 1] = (uint8_t)a;
	const struct checker_mover x = checker_mover_of(w, &r);
	for (uint32_t i = 0; i < s->ghost_at; i++) {
		const uint32_t to = i < n ? r.label[i] : n + r.label[i - n];
		const uint32_t id = moved_part(&x, about[i], i, v->id[i]);
		if (id != v->id[to])
			return false;
	}
	EACH_CHANNEL(s, v->full, i)
	{
		const uint32_t k = (uint32_t)i - s->channel_at;
		const uint32_t to = s->channel_at + r.label[s->from_of[k]] * n + r.label[s->to_of[k]];
		if (!v->id[to] || moved_part(&x, about[i], (uint32_t)i, v->id[i]) != v->id[to])
			return false;
	}
	return true;
}

/* Whether exchanging slots i and i + 1 of a pool leaves the vector as it is. */
static bool is_same_slot(struct checker_worker *w, const struct checker_vector *v, const struct about *about,
			 const struct tie *tie, uint32_t i)
{
	struct checker_relabel r;
	struct checker_vector other;
	make_identity(w->c, &r);
	r.slot[tie->a][tie->m][i] = (uint8_t)(i + 1), r.slot[tie->a][tie->m][i + 1] = (uint8_t)i;
	apply(w, &r, v, about, &other);
	return checker_vector_is(w->search, v, &other);
}

/* Whether no exchange of tied neighbours changes the vector. */
static bool ties_say_nothing(struct checker_worker *w, const struct checker_vector *v,
			     const struct about *about, const struct ties *t)
{
	for (uint32_t i = 0; i < t->count; i++) {
		const struct tie *tie = &t->tie[i];
		for (uint32_t j = tie->at; j + 1 < tie->at + tie->count; j++)
			if (tie->a == NODES ? !are_twins(w, v, about->about, j)
					    : !is_same_slot(w, v, about, tie, j))
				return false;
	}
	return true;
}

/* Takes the least of all orders of the tied; returns how many reach it. */
static uint64_t break_ties(struct checker_worker *w, struct checker_vector *v, const struct about *about,
			   const struct ties *t)
{
	const struct checker_vector base = *v;
	struct checker_vector other;
	uint64_t reached = 1;
	for (uint64_t n = 1; n < t->orders; n++) {
		struct checker_relabel r;
		uint64_t number = n;
		make_identity(w->c, &r);
		for (uint32_t i = 0; i < t->count; i++) {
			const uint64_t orders = factorial(t->tie[i].count);
			permute_tie(&r, &t->tie[i], number % orders);
			number /= orders;
		}
		apply(w, &r, &base, about, &other);
		const int order = compare(w->search, &other, v);
		reached = order < 0 ? 1 : reached + (order == 0);
		if (order < 0)
			copy_parts(w->search, v, &other);
	}
	return reached;
}

static uint64_t all_orders(const struct ties *t)
{
	uint64_t orders = 1;
	for (uint32_t i = 0; i < t->count; i++)
		orders *= factorial(t->tie[i].count);
	return orders;
}

static void hash_again(const struct checker_worker *w, struct checker_vector *v)
{
	if (w->base_signed)
		checker_vector_hash_from(w->search, v, &w->base);
	else
		checker_vector_hash(w->search, v);
}

void checker_symmetry_find_twins(struct checker_worker *w)
{
	const struct checker *c = w->c;
	const struct keys key = keys_at(&w->base_sums, 0);
	for (uint32_t a = 0; a < c->nodes && a < NODES; a++) {
		const bool twin = a > c->fixed && is_tied(&key, a - 1, a) &&
				  are_twins(w, &w->base, w->base_about, a - 1);
		w->twin_of[a] = twin ? w->twin_of[a - 1] : (uint8_t)a;
		w->twins[a] = 1;
		w->twins[w->twin_of[a]] += twin;
	}
}

static void note_labels(struct checker_worker *w, const struct checker_relabel *r)
{
	w->labels = 0;
	for (uint32_t a = 0; a < w->c->nodes; a++)
		w->labels |= (uint32_t)r->label[a] << 4 * a;
	if (r->is_identity)
		w->labels = CHECKER_SAME_LABELS;
}

void checker_symmetry_reduce(struct checker_worker *w, struct checker_vector *v, uint32_t *orbit)
{
	struct checker_search *s = w->search;
	uint64_t same = 1;
	struct checker_sums sums;
	struct checker_relabel r;
	struct ties t;
	struct about about, ordered_about;
	struct checker_vector ordered;
	if (w->base_signed)
		sign_next(w, v, &sums, about.about);
	else
		sign_vector(w, v, &sums, about.about);
	t.count = 0, t.orders = t.free_orders = 1;
	make_identity(w->c, &r);
	if (s->pools)
		order_slots(w, &sums, &r, &t);
	order_kernels(w->c, &sums, &r, &t);
	note_labels(w, &r);
	if (!r.is_identity) {
		apply(w, &r, v, &about, &ordered);
		if (t.count)
			relabel_about(s, &r, v, &about, &ordered_about), about = ordered_about;
		copy_parts(s, v, &ordered);
	}
	if (t.count && ties_say_nothing(w, v, &about, &t)) {
		same = all_orders(&t);
	} else if (t.count) {
		same = t.orders <= ORDERS_MAX ? break_ties(w, v, &about, &t) : 1;
		w->labels = CHECKER_NO_LABELS;
	}
	*orbit = s->group && s->group <= UINT32_MAX ? (uint32_t)(s->group / (same * t.free_orders)) : 0;
	if (!r.is_identity || t.count)
		hash_again(w, v);
}

/* Slots that are taken change places; free ones keep their order, which says what is taken next. */
static void shake_pool(const struct checker *c, uint32_t a, uint32_t m, struct checker_relabel *r)
{
	uint8_t taken[SLOTS_MAX];
	uint32_t count = 0;
	for (uint32_t i = 0; i < c->slots[m]; i++)
		if (((const struct step_head *)step_at(&c->node[a], m, i))->state)
			taken[count++] = (uint8_t)i;
	for (uint32_t i = 0; i < count; i++)
		r->slot[a][m][taken[i]] = taken[(i + 1) % count];
}

void checker_symmetry_shake(struct checker_worker *w, struct checker_vector *v)
{
	const struct checker *c = w->c;
	struct checker_relabel r;
	struct checker_vector out = *v;
	struct about about;
	struct checker_sums sums;
	make_identity(c, &r);
	sign_vector(w, v, &sums, about.about);
	checker_load_vector(w, v);
	for (uint32_t a = c->fixed; a < c->nodes; a++)
		r.label[a] = (uint8_t)(c->nodes - 1 - (a - c->fixed));
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t m = 1; m < c->protocol->machines; m++)
			if (is_pool(c, m))
				shake_pool(c, a, m, &r);
	apply(w, &r, v, &about, &out);
	*v = out;
	checker_vector_hash(w->search, v);
}

/* ---- what there is to exchange ---- */

/* The signature of a free slot that nobody names, in a kernel that is not exchanged, and in one that is. */
static void find_free_keys(struct checker_search *s)
{
	struct checker_worker *w = &s->worker[0];
	struct checker *c = w->c;
	for (uint32_t a = 0; a < c->nodes; a++) {
		struct checker_sums sums = {0};
		checker_clear_kernel(c, a);
		memset(c->shared->flight[a], 0, sizeof c->shared->flight[a]);
		c->shared->crashed[a] = false;
		add_signs(w, a, checker_steps_kernel(w, a), &sums);
		add_signs(w, s->nodes + a, checker_steps_clients(w, a), &sums);
		for (uint32_t m = 1; m < c->protocol->machines; m++)
			if (is_pool(c, m))
				s->free_key[a < c->fixed ? a : NODES][m] = sums.all[atom_of(c, a, m, 0)];
	}
}

void checker_symmetry_init(struct checker_search *s)
{
	const struct checker *c = s->c;
	bool fits = true;
	s->group = 1;
	for (uint32_t n = 2; n <= c->nodes - c->fixed; n++)
		s->group *= n;
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		for (uint32_t a = 0; a < c->nodes && is_pool(c, m); a++)
			for (uint32_t n = 2; n <= c->slots[m]; n++) {
				s->group *= n;
				fits = fits && s->group <= UINT32_MAX;
			}
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		s->pools = s->pools || is_pool(c, m);
	s->exchanges = s->group != 1;
	s->group = fits ? s->group : 0;
	if (s->exchanges)
		find_free_keys(s);
}
