/* ssi/checker/checker_relabel.c - the bytes of a part: what they say of the atoms, and what a relabelling makes of them.
 *
 * Both walk over the bytes by the protocol's field descriptors. What a relabelling makes of a part is remembered by what becomes
 * of the kernels that the part is about: most relabellings differ elsewhere. See checker_symmetry.c. */
#include "ssi/checker/checker_symmetry.h"

/* ---- a walk over the bytes of a part ---- */

struct walk {
	struct checker *c;
	const uint8_t *in;
	/* Relabelling: what comes out. */
	struct checker_bytes *out;
	const struct checker_map *map;
	/* Signing: sums by atom; like: what a slot holds. place: where the walk is, in terms that no relabelling changes. */
	uint64_t *sum, *like;
	uint64_t place, own;
	uint32_t about;    /* mask of kernels that could be exchanged and that the bytes name */
	uint32_t home, to; /* the part's kernel; of a channel also the one that it leads to */
};

static void walk_plain(struct walk *k, uint32_t value)
{
	if (k->out)
		checker_put_value(k->out, value);
	else
		k->own += checker_mix(k->place + value + 1);
}

static uint32_t walk_value(struct walk *k)
{
	const uint32_t value = checker_get_value(&k->in);
	walk_plain(k, value);
	return value;
}

/* What kernel `a` is to the part: itself if it is never exchanged, else only whose it is. */
static uint32_t role_of(const struct walk *k, uint32_t a)
{
	return a < k->c->fixed ? 8 + a : a == k->home ? 1 : a == k->to ? 2 : 3;
}

static void sign_ref(struct walk *k, uint32_t code)
{
	const struct checker *c = k->c;
	const uint32_t a = (code - 1) / c->codes_a_node;
	uint32_t what = (code - 1) % c->codes_a_node;
	uint32_t m = c->protocol->machines - 1;
	while (m && what < c->machine_code[m])
		m--;
	const bool slot = m && what >= c->machine_code[m] + 2 && is_pool(c, m);
	if (slot) {
		const uint32_t i = (what - c->machine_code[m] - 2) / 2,
			       stale = (what - c->machine_code[m]) % 2;
		k->sum[atom_of(c, a, m, i)] += checker_mix(k->place * 5 + stale);
		k->about |= 1u << a;
		what = 4096 + 2 * m + stale;
	}
	if (a >= c->fixed) {
		k->sum[a] += checker_mix(k->place * 3 + what);
		k->about |= 1u << a;
	}
	k->own += checker_mix(k->place * 7 + what * 64 + role_of(k, a));
}

static void walk_ref(struct walk *k)
{
	const uint32_t code = checker_get_value(&k->in);
	if (k->out)
		checker_put_value(k->out, k->map->code[code]);
	else if (code)
		sign_ref(k, code);
	else
		k->own += checker_mix(k->place);
	k->place++;
}

static void walk_word(struct walk *k, enum step_kind kind)
{
	if (kind != STEP_K_NODE) {
		walk_value(k);
	} else {
		const uint32_t a = checker_get_value(&k->in);
		if (k->out)
			checker_put_value(k->out, k->map->relabel.label[a]);
		else
			k->own += checker_mix(k->place * 11 + role_of(k, a));
		if (!k->out && a >= k->c->fixed) {
			k->sum[a] += checker_mix(k->place * 13);
			k->about |= 1u << a;
		}
	}
	k->place++;
}

static void walk_message(struct walk *k)
{
	const uint32_t event = walk_value(k);
	k->place = checker_mix(k->place + event);
	walk_ref(k);
	walk_ref(k);
	walk_ref(k);
	if (k->c->protocol->event[event].word != STEP_K_NONE)
		walk_word(k, (enum step_kind)k->c->protocol->event[event].word);
}

static void sort(uint32_t *code, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		const uint32_t one = code[i];
		uint32_t j = i;
		for (; j && code[j - 1] > one; j--)
			code[j] = code[j - 1];
		code[j] = one;
	}
}

/* Members of one kind: their order says nothing. */
static void walk_members(struct walk *k, uint32_t count)
{
	const uint64_t place = k->place;
	uint32_t code[256];
	for (uint32_t i = 0; i < count; i++) {
		if (!k->out) {
			k->place = place;
			walk_ref(k);
		} else {
			code[i & 255] = k->map->code[checker_get_value(&k->in)];
		}
	}
	if (k->out)
		sort(code, count);
	for (uint32_t i = 0; k->out && i < count; i++)
		checker_put_value(k->out, code[i & 255]);
	k->place = place + 1;
}

static void walk_list(struct walk *k)
{
	const uint32_t head = walk_value(k), count = head >> 1;
	uint32_t untold = count;
	if (head & 1) {
		walk_value(k);
		untold = walk_value(k);
	}
	k->place++;
	walk_members(k, untold);
	walk_members(k, count - untold);
}

static void walk_ring(struct walk *k)
{
	const uint32_t count = walk_value(k);
	for (uint32_t i = 0; i < count; i++)
		walk_message(k);
}

static void walk_fields(struct walk *k, const struct step_field *f)
{
	for (; f->name; f++) {
		if (f->kind == STEP_K_REF)
			walk_ref(k);
		else if (f->kind == STEP_K_LIST)
			walk_list(k);
		else
			walk_word(k, (enum step_kind)f->kind);
	}
}

static void walk_machine(struct walk *k, uint32_t m)
{
	const uint32_t first = walk_value(k);
	k->place = checker_mix(k->place + first);
	if (first & CHECKER_PENDING)
		walk_value(k);
	if (first & CHECKER_PARKED)
		walk_ring(k);
	if (first >> CHECKER_STATE_SHIFT && k->c->protocol->machine[m].named)
		walk_ref(k);
	if (first >> CHECKER_STATE_SHIFT)
		walk_fields(k, k->c->protocol->machine[m].fields());
}

static void walk_record(struct walk *k)
{
	const struct step_shadow *shadow = &k->c->model->shadow;
	if (walk_value(k))
		walk_fields(k, shadow->fields());
}

/* All slots of a pool, or the records of them: those that can be exchanged come out in their new order. */
static void walk_pool(struct walk *k, uint32_t m, bool records)
{
	struct checker *c = k->c;
	struct checker_bytes *out = k->out, *one = c->walked;
	const uint64_t base = k->place, sum = k->own;
	const uint32_t slots = c->slots[m];
	uint32_t at[SLOTS_MAX + 1] = {0};
	one->length = 0;
	if (out)
		k->out = one;
	for (uint32_t i = 0; i < slots; i++) {
		k->place = checker_mix(base + (is_pool(c, m) ? 0 : i + 1));
		k->own = 0;
		if (records)
			walk_record(k);
		else
			walk_machine(k, m);
		at[i + 1] = one->length;
		if (!out && is_pool(c, m)) {
			k->sum[atom_of(c, k->home, m, i)] += k->own;
			k->like[atom_of(c, k->home, m, i)] = records ? 0 : k->own;
			k->about |= 1u << k->home; /* their order */
		}
		k->own = checker_mix(k->own);
		if (!out && k->home >= c->fixed)
			k->sum[k->home] += k->own;
	}
	k->out = out;
	k->own = sum;
	k->place = base + 1;
	for (uint32_t n = 0; out && n < slots; n++)
		for (uint32_t i = 0; i < slots; i++)
			if (k->map->relabel.slot[k->home][m][i] == n &&
			    out->length + at[i + 1] - at[i] < PACK_MAX) {
				memcpy(out->byte + out->length, one->byte + at[i], at[i + 1] - at[i]);
				out->length += at[i + 1] - at[i];
			}
}

static void walk_kernel(struct walk *k)
{
	if (walk_value(k) == CHECKER_CRASHED)
		return;
	for (uint32_t m = 1; m < k->c->protocol->machines; m++) {
		k->place = checker_mix(k->place + m);
		walk_pool(k, m, false);
	}
	walk_ring(k);
}

static void walk_clients(struct walk *k)
{
	const uint64_t place = k->place;
	for (uint32_t i = 0; i < k->c->clients; i++) {
		const uint32_t event = walk_value(k);
		k->place++;
		if (!event)
			continue;
		k->place = checker_mix(k->place + event);
		walk_value(k);
		k->place++;
		walk_ref(k);
		walk_ref(k);
		if (k->c->protocol->event[event].word != STEP_K_NONE)
			walk_word(k, (enum step_kind)k->c->protocol->event[event].word);
	}
	k->place = place + 1000; /* a record is like another whatever is called */
	if (k->c->model->shadow.machine)
		walk_pool(k, k->c->model->shadow.machine, true);
}

static void walk_channel(struct walk *k)
{
	const uint32_t count = walk_value(k);
	const uint64_t place = k->place;
	for (uint32_t i = 0; i < count; i++) {
		if (k->c->reorder)
			k->place = place;
		walk_message(k);
	}
}

/* A channel whose order is not state is written in the order of its messages' bytes, which a relabelling changes. */
static void order_channel(struct checker *c, struct checker_bytes *b)
{
	struct step_msg m[CHANNEL_CREDIT];
	uint32_t count;
	checker_get_channel(c, b->byte, m, &count);
	b->length = 0;
	checker_put_channel(c, b, m, count);
}

static void walk_part(struct walk *k, enum checker_kind kind)
{
	if (kind == PART_KERNEL)
		walk_kernel(k);
	else if (kind == PART_CLIENTS)
		walk_clients(k);
	else if (kind == PART_CHANNEL)
		walk_channel(k);
}

/* The kernel, or kernels, of a position. */
static void home_of(const struct checker_search *s, uint32_t position, uint32_t *home, uint32_t *to)
{
	*home = *to = NODES;
	if (position < s->ghost_at) {
		*home = position % s->nodes;
	} else if (position >= s->channel_at) {
		*home = (position - s->channel_at) / s->nodes;
		*to = (position - s->channel_at) % s->nodes;
	}
}

/* ---- signatures ---- */

/* Where the sums of a part are, how many, and which kernels its bytes depend on. */
uint64_t checker_sign_part(struct checker_worker *w, uint32_t position, uint32_t id)
{
	struct checker *c = w->c;
	const struct checker_part *p = checker_part_at(&w->search->parts, id);
	uint64_t sum[ATOMS_MAX], like[ATOMS_MAX];
	struct walk k = {.c = c, .in = p->bytes, .sum = sum, .like = like};
	memset(sum, 0, atoms_of(w->search) * sizeof *sum);
	memset(like, 0, atoms_of(w->search) * sizeof *like);
	home_of(w->search, position, &k.home, &k.to);
	const uint32_t from = k.home < c->fixed ? k.home + 1 : 0, to = k.to < c->fixed ? k.to + 1 : 0;
	k.place = checker_mix(p->kind * 1024u + from * 32 + to);
	walk_part(&k, (enum checker_kind)p->kind);
	if (k.home < w->search->nodes && k.home >= c->fixed)
		sum[k.home] += checker_mix(k.own * 3);
	if (k.to < w->search->nodes && k.to >= c->fixed)
		sum[k.to] += checker_mix(k.own * 5);
	const uint64_t at = w->signs.used / sizeof(struct checker_sign);
	uint64_t count = 0;
	for (uint32_t i = 0; i < atoms_of(w->search); i++) {
		struct checker_sign *sign = sum[i] ? checker_array_push(&w->signs, sizeof *sign) : NULL;
		w->failed |= sum[i] && !sign;
		if (!sign)
			continue;
		*sign = (struct checker_sign){.atom = i,
					      .first = i >= NODES            ? like[i]
						       : position < c->fixed ? sum[i]
									     : 0,
					      .all = sum[i]};
		count++;
	}
	return (uint64_t)k.about << ABOUT_SHIFT | SIGNS_KNOWN | at << SIGNS_SHIFT | count;
}

/* ---- relabelling ---- */

const uint8_t checker_plain_order[SLOTS_MAX] = {
	0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
	24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47};

static void make_codes(const struct checker *c, struct checker_map *map)
{
	const struct checker_relabel *r = &map->relabel;
	map->code[0] = 0;
	for (uint32_t a = 0; a < c->nodes; a++) {
		const uint32_t from = 1 + a * c->codes_a_node, to = 1 + r->label[a] * c->codes_a_node;
		for (uint32_t i = 0; i < c->codes_a_node; i++)
			map->code[from + i] = (uint16_t)(to + i);
		for (uint32_t m = 1; m < c->protocol->machines; m++)
			for (uint32_t i = 0; i < c->slots[m]; i++)
				for (uint32_t stale = 0; stale < 2; stale++)
					map->code[from + c->machine_code[m] + 2 + 2 * i + stale] =
						(uint16_t)(to + c->machine_code[m] + 2 +
							   2 * r->slot[a][m][i] + stale);
	}
}

static bool is_same(const struct checker *c, const struct checker_relabel *x, const struct checker_relabel *y)
{
	if (memcmp(x->label, y->label, c->nodes) != 0)
		return false;
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t m = 1; m < c->protocol->machines; m++)
			if (is_pool(c, m) && memcmp(x->slot[a][m], y->slot[a][m], c->slots[m]) != 0)
				return false;
	return true;
}

static uint64_t hash_relabel(const struct checker *c, const struct checker_relabel *r)
{
	uint64_t h = checker_hash(r->label, c->nodes);
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t m = 1; m < c->protocol->machines; m++)
			if (is_pool(c, m))
				h = checker_mix(h + checker_hash(r->slot[a][m], c->slots[m]));
	return h | 1;
}

static const struct checker_map *map_at(const struct checker_worker *w, uint64_t at)
{
	return (const struct checker_map *)(const void *)w->maps.at + at;
}

static uint32_t map_of(struct checker_worker *w, const struct checker_relabel *r)
{
	uint64_t key = hash_relabel(w->c, r), at;
	for (; checker_memo_get(&w->map_index, key, &at); key += 2)
		if (is_same(w->c, r, &map_at(w, at)->relabel))
			return (uint32_t)at;
	at = w->maps.used / sizeof(struct checker_map);
	struct checker_map *map = checker_array_push(&w->maps, sizeof *map);
	w->failed |= !map || checker_memo_put(&w->map_index, key, at);
	if (!map)
		return 0;
	map->relabel = *r;
	make_codes(w->c, map);
	return (uint32_t)at;
}

/* ---- what of a relabelling matters to a part ---- */

#define TURNS_MAX  0xffffu
#define TURN_NODES 4 /* so many numbers of turns make a key */

/* The number of what becomes of kernel a; 0: nothing, TURNS_MAX: there are too many. */
static uint32_t turn_of(struct checker_worker *w, const struct checker_relabel *r, uint32_t a)
{
	const struct checker *c = w->c;
	struct checker_turn turn = {.label = r->label[a]};
	uint64_t key = turn.label + 1u, at;
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		if (is_pool(c, m)) {
			memcpy(turn.slot[m], r->slot[a][m], c->slots[m]);
			key = checker_mix(key + checker_hash(r->slot[a][m], c->slots[m]));
		}
	for (key |= 1; checker_memo_get(&w->turn_index, key, &at); key += 2)
		if (!memcmp((const struct checker_turn *)(const void *)w->turns.at + at - 1, &turn,
			    sizeof turn))
			return (uint32_t)at;
	if (w->turns_known + 1 >= TURNS_MAX)
		return TURNS_MAX;
	struct checker_turn *kept = checker_array_push(&w->turns, sizeof *kept);
	w->failed |= !kept || checker_memo_put(&w->turn_index, key, w->turns_known + 1);
	if (!kept)
		return TURNS_MAX;
	*kept = turn;
	return ++w->turns_known;
}

/* Of those kernels that a part is about, what becomes of them, as a number; 0: there is none. */
static uint32_t turns_of(struct checker_worker *w, const uint16_t *turn, uint8_t about)
{
	uint64_t key = 0, number;
	for (uint32_t rest = about; rest; rest &= rest - 1) {
		const uint32_t a = (uint32_t)__builtin_ctz(rest);
		if (turn[a] == TURNS_MAX)
			return 0;
		key |= (uint64_t)turn[a] << 16 * a;
	}
	if (checker_memo_get(&w->turns_index, key, &number))
		return (uint32_t)number;
	number = w->turns_index.count + 1;
	if (number >> PART_BITS)
		return 0;
	w->failed |= checker_memo_put(&w->turns_index, key, number) != 0;
	return (uint32_t)number;
}

/* What becomes of the kernels that a part is about, if no slots are exchanged. */
static uint64_t labels_of(const struct checker_relabel *r, uint8_t about)
{
	uint64_t labels = 0;
	for (uint32_t rest = about; rest; rest &= rest - 1) {
		const uint32_t a = (uint32_t)__builtin_ctz(rest);
		labels |= (uint64_t)(r->label[a] + 1) << 4 * a;
	}
	return labels;
}

struct checker_mover checker_mover_of(struct checker_worker *w, const struct checker_relabel *r)
{
	const struct checker *c = w->c;
	struct checker_mover x = {.w = w, .r = r};
	for (uint32_t a = 0; a < c->nodes; a++) {
		bool moves = r->label[a] != a;
		for (uint32_t m = 1; w->search->pools && m < c->protocol->machines; m++)
			moves = moves || (is_pool(c, m) &&
					  memcmp(r->slot[a][m], checker_plain_order, c->slots[m]) != 0);
		x.moved |= (uint8_t)((uint32_t)moves << a);
		if (moves && w->search->pools && c->nodes <= TURN_NODES)
			x.turn[a] = (uint16_t)turn_of(w, r, a);
	}
	return x;
}

static uint64_t relabel_key(const struct checker_mover *x, uint8_t about, uint32_t position, uint32_t id)
{
	struct checker_worker *w = x->w;
	uint32_t turns;
	if (!w->search->pools)
		return (uint64_t)id << 32 | labels_of(x->r, about);
	if (w->c->nodes <= TURN_NODES && (turns = turns_of(w, x->turn, about & x->moved)))
		return checker_memo_key(TAG_RELABEL, position, id, turns);
	return checker_memo_key(TAG_RELABEL_BY_MAP, position, id, map_of(w, x->r));
}

/* A part, which is about somebody who moves, under a relabelling. */
uint32_t checker_relabel_part(const struct checker_mover *x, uint8_t about, uint32_t position, uint32_t id)
{
	struct checker_worker *w = x->w;
	const uint64_t key = relabel_key(x, about, position, id);
	uint64_t value;
	if (checker_memo_get(&w->relabel_index, key, &value))
		return (uint32_t)value;
	const struct checker_part *p = checker_part_at(&w->search->parts, id);
	struct walk k = {.c = w->c, .in = p->bytes, .out = &w->bytes, .map = map_at(w, map_of(w, x->r))};
	home_of(w->search, position, &k.home, &k.to);
	w->bytes.length = 0;
	walk_part(&k, (enum checker_kind)p->kind);
	if (p->kind == PART_CHANNEL && w->c->reorder)
		order_channel(w->c, &w->bytes);
	value = checker_parts_intern(&w->search->parts, (enum checker_kind)p->kind, p->count, &w->bytes);
	w->bytes.length = 0;
	w->failed |= value == PART_FAILED || checker_memo_put(&w->relabel_index, key, value);
	return (uint32_t)value;
}
