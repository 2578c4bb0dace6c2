/* ssi/checker/checker_pack.c - a world as bytes, by the protocol's field descriptors.
 *
 * A reference becomes one byte: a code. Of a slot's generations only "the slot's" and "another" are told apart.
 * First the world is written down once as it is, with what each byte means (the draft); from the draft any
 * relabelling of the kernels is a copy through a table. Members of a list are sorted as they are copied.
 *
 * Not every exchange of kernels is tried: kernels are first ordered by a signature that no relabelling changes, and
 * only exchanges that keep this order compete for the least packing. The exchanges that reach the least one are
 * as many as those that leave the state alone, which gives the size of the orbit. */
#include <errno.h>
#include <stdio.h>
#include "ssi/checker/checker_internal.h"

/* What a byte of the draft means; RUN + k: k references follow, in no order. */
enum { RAW, REF, NODE, RUN = 16 };

struct span {
	uint16_t begin, end;
};
struct draft {
	uint32_t length;
	struct span node[NODES], channel[NODES][NODES], rest;
	uint64_t signature[NODES];
	uint8_t byte[PACK_MAX], kind[PACK_MAX];
};

static void misfit(struct checker *c, const char *what)
{
	if (!c->misfit[0])
		snprintf(c->misfit, sizeof c->misfit, "the configuration does not fit the checker: %s", what);
}

/* ---- references as codes ---- */

/* 0: nobody. Each node: its client(s), the names it is the home of, and for each machine any slot, by name, and for
 * each slot the current and a stale reference. */
static uint32_t name_number(struct checker *c, step_ref r)
{
	r.node = 0;
	for (uint32_t i = 0; i < c->name_count; i++)
		if (step_same(c->names[i], r))
			return i;
	if (c->name_count == NAMES_MAX) {
		misfit(c, "too many different names");
		return 0;
	}
	const uint32_t i = c->name_count++;
	c->names[i] = r;
	for (uint32_t n = 0; n < c->nodes; n++) {
		r.node = n;
		c->decoded[1 + n * c->codes_a_node + CLIENTS_MAX + i] = r;
	}
	return i;
}

static uint8_t code_of(struct checker *c, step_ref r)
{
	if (!step_ref_word(r))
		return 0;
	if (r.node >= c->nodes) {
		misfit(c, "a reference names a kernel that does not exist");
		return 0;
	}
	const uint32_t base = 1 + (uint32_t)r.node * c->codes_a_node;
	const uint32_t machine = r.machine, index = (uint32_t)r.index;
	if (machine == STEP_CLIENT && index < CLIENTS_MAX)
		return (uint8_t)(base + index);
	if (machine && machine < c->protocol->machines) {
		const uint32_t slot = base + c->machine_code[machine];
		if (index == STEP_NEW || index == STEP_NAMED)
			return (uint8_t)(slot + (index == STEP_NAMED));
		if (index < c->slots[machine]) {
			const struct step_head *head = step_at(&c->node[r.node], machine, index);
			return (uint8_t)(slot + 2 + 2 * index + (head->gen != r.gen));
		}
	}
	return (uint8_t)(base + CLIENTS_MAX + name_number(c, r));
}

static int make_codes(struct checker *c)
{
	uint32_t codes = CLIENTS_MAX + NAMES_MAX;
	for (uint32_t m = 1; m < c->protocol->machines; m++) {
		c->machine_code[m] = codes;
		codes += 2 + 2 * c->slots[m];
	}
	c->codes_a_node = codes;
	if (1 + codes * c->nodes > CODES_MAX) {
		misfit(c, "too many slots");
		return -EINVAL;
	}
	for (uint32_t n = 0; n < c->nodes; n++) {
		step_ref *out = &c->decoded[1 + n * codes];
		for (uint32_t k = 0; k < CLIENTS_MAX; k++)
			out[k] = STEP_REF(n, STEP_CLIENT, k);
		for (uint32_t m = 1; m < c->protocol->machines; m++) {
			step_ref *slot = out + c->machine_code[m];
			slot[0] = STEP_ANY(n, m);
			slot[1] = STEP_BY_NAME(n, m);
			for (uint32_t i = 0; i < c->slots[m]; i++) {
				slot[2 + 2 * i] = STEP_REF(n, m, i);
				slot[3 + 2 * i] =
					(step_ref){.node = n, .machine = m, .gen = STALE_GEN, .index = i};
			}
		}
	}
	return 0;
}

/* ---- exchanges of kernels ---- */

static void make_perm(struct checker *c, const uint8_t *label)
{
	struct checker_perm *p = &c->perm[c->perms++];
	p->code[0] = 0;
	for (uint32_t a = 0; a < c->nodes; a++) {
		p->label[a] = label[a];
		p->inverse[label[a]] = (uint8_t)a;
		for (uint32_t k = 0; k < c->codes_a_node; k++)
			p->code[1 + a * c->codes_a_node + k] = (uint8_t)(1 + label[a] * c->codes_a_node + k);
	}
}

/* All orders of label[at..]; the first is the identity. */
static void make_perms(struct checker *c, uint8_t *label, uint32_t at)
{
	if (at >= c->nodes) {
		make_perm(c, label);
		return;
	}
	for (uint32_t i = at; i < c->nodes; i++) {
		uint8_t first = label[at], other = label[i];
		label[at] = other, label[i] = first;
		make_perms(c, label, at + 1);
		label[at] = first, label[i] = other;
	}
}

int checker_pack_init(struct checker *c)
{
	uint8_t label[NODES];
	for (uint32_t i = 0; i < NODES; i++)
		label[i] = (uint8_t)i;
	if (make_codes(c))
		return -EINVAL;
	make_perms(c, label, c->model->symmetric_from);
	for (uint64_t i = 0, w = 1; i < PACK_MAX; i++, w *= 0xd6e8feb86659fd93u)
		c->weight[i] = w ^ w >> 32;
	return 0;
}

/* ---- the draft ---- */

static void put(struct draft *d, uint32_t value, uint32_t kind)
{
	d->byte[d->length] = (uint8_t)value;
	d->kind[d->length] = (uint8_t)kind;
	if (d->length < PACK_MAX - 1) /* make_draft() reports what does not fit */
		d->length++;
}

static void put_value(struct checker *c, struct draft *d, uint32_t value, enum step_kind kind)
{
	if (value > UINT8_MAX)
		misfit(c, "a word is larger than 255");
	if (kind == STEP_K_NODE && value >= c->nodes)
		misfit(c, "a word names a kernel that does not exist");
	put(d, value, kind == STEP_K_NODE ? NODE : RAW);
}

static void put_message(struct checker *c, struct draft *d, const struct step_msg *m)
{
	const enum step_kind kind = c->protocol->event[m->event].word;
	put(d, m->event, RAW);
	put(d, code_of(c, m->to), REF);
	put(d, code_of(c, m->from), REF);
	put(d, code_of(c, m->arg), REF);
	if (kind != STEP_K_NONE)
		put_value(c, d, m->word, kind);
	else if (m->word)
		misfit(c, "a message has a word that its event does not declare");
}

static void sort(uint8_t *code, uint32_t count)
{
	for (uint32_t k = 1; k < count; k++) {
		const uint8_t one = code[k];
		uint32_t j = k;
		for (; j && code[j - 1] > one; j--)
			code[j] = code[j - 1];
		code[j] = one;
	}
}

/* count | 0x80 if a fan-out left traces: then the event and the number of untold ones. The untold come first. */
static void put_list(struct checker *c, struct draft *d, const struct step_node *n,
		     const struct step_list *list)
{
	const bool fan = list->fan || list->untold != list->count;
	put(d, list->count | (fan ? 0x80 : 0), RAW);
	if (fan) {
		put(d, list->fan, RAW);
		put(d, list->untold, RAW);
	}
	for (uint32_t told = 0; told < 2; told++) {
		const uint32_t begin = d->length;
		for (uint32_t i = list->first; i; i = n->link[i - 1].next)
			if (n->link[i - 1].told == told)
				put(d, code_of(c, n->link[i - 1].member), REF);
		sort(d->byte + begin, d->length - begin);
		if (d->length - begin > 1)
			d->kind[begin] = (uint8_t)(RUN + d->length - begin);
	}
}

static void put_ring(struct checker *c, struct draft *d, const struct step_node *n, uint32_t last)
{
	const uint32_t at = d->length;
	uint32_t count = 0, i = last;
	put(d, 0, RAW);
	while (i) {
		i = n->park[i - 1].next;
		put_message(c, d, &n->park[i - 1].msg);
		count++;
		if (i == last)
			break;
	}
	d->byte[at] = (uint8_t)count;
}

#define HAS_PENDING 0x40
#define HAS_PARKED  0x80

static void put_fields(struct checker *c, struct draft *d, const struct step_node *n, const char *self,
		       const struct step_field *f)
{
	for (; f->name; f++) {
		const void *at = self + f->offset;
		if (f->kind == STEP_K_REF)
			put(d, code_of(c, *(const step_ref *)at), REF);
		else if (f->kind == STEP_K_LIST)
			put_list(c, d, n, at);
		else
			put_value(c, d, *(const uint32_t *)at, (enum step_kind)f->kind);
	}
}

static char *shadow_at(const struct checker *c, uint32_t node, uint32_t index)
{
	return c->shadow[node] + (size_t)index * c->model->shadow.size;
}

static void put_machine(struct checker *c, struct draft *d, const struct step_node *n, uint32_t machine,
			uint32_t index)
{
	const struct step_machine *k = &c->protocol->machine[machine];
	const char *self = step_at(n, machine, index);
	const struct step_head *head = (const struct step_head *)self;
	if (!head->state) {
		put(d, 0, RAW);
		return;
	}
	put(d, head->state | (head->pending ? HAS_PENDING : 0) | (head->parked ? HAS_PARKED : 0), RAW);
	if (head->pending)
		put(d, head->pending, RAW);
	if (head->parked)
		put_ring(c, d, n, head->parked);
	if (k->named)
		put(d, code_of(c, c->name[n->id][machine][index]), REF);
	put_fields(c, d, n, self, k->fields());
	if (machine == c->model->shadow.machine)
		put_fields(c, d, n, shadow_at(c, n->id, index), c->model->shadow.fields());
}

static void put_call(struct checker *c, struct draft *d, const struct step_msg *m)
{
	put(d, m->event, RAW);
	if (!m->event)
		return;
	const enum step_kind kind = c->protocol->event[m->event].word;
	put(d, m->host, RAW);
	put(d, code_of(c, m->arg), REF);
	if (kind != STEP_K_NONE)
		put_value(c, d, m->word, kind);
	else if (m->word)
		misfit(c, "a call has a word that its event does not declare");
}

static void put_node(struct checker *c, struct draft *d, uint32_t a)
{
	const struct step_node *n = &c->node[a];
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		for (uint32_t i = 0; i < c->slots[m]; i++)
			put_machine(c, d, n, m, i);
	for (uint32_t k = 0; k < c->clients; k++)
		put_call(c, d, &c->shared->flight[a][k]);
	put_ring(c, d, n, n->orphans);
}

/* What of a span no relabelling changes: a weighted sum of its plain bytes and of its references to kernels that
 * are never exchanged. (No order of sums is needed, so the processor can overlap them.) */
static uint64_t signature_of(const struct checker *c, const struct draft *d, struct span s)
{
	const uint32_t fixed = 1 + c->model->symmetric_from * c->codes_a_node;
	uint64_t sum = 0;
	for (uint32_t i = s.begin; i < s.end; i++) {
		const bool counts = d->kind[i] == RAW || (d->kind[i] == REF && d->byte[i] < fixed);
		sum += counts ? (d->byte[i] + 1u) * c->weight[i - s.begin] : 0;
	}
	return sum ^ sum >> 31;
}

static void make_draft(struct checker *c, struct draft *d)
{
	d->length = 0;
	for (uint32_t a = 0; a < c->nodes; a++) {
		d->node[a].begin = (uint16_t)d->length;
		put_node(c, d, a);
		d->node[a].end = (uint16_t)d->length;
	}
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t b = 0; b < c->nodes; b++) {
			d->channel[a][b].begin = (uint16_t)d->length;
			if (a != b)
				put(d, c->shared->count[a][b], RAW);
			for (uint32_t i = 0; i < c->shared->count[a][b]; i++)
				put_message(c, d, &c->channel[a][b][c->shared->first[a][b] + i]);
			d->channel[a][b].end = (uint16_t)d->length;
		}
	/* Which bytes of the model's ghost are set, and they. */
	const uint32_t mask = d->length;
	d->rest.begin = (uint16_t)d->length;
	put(d, 0, RAW);
	for (uint32_t i = 0; i < STEP_GHOST_BYTES; i++)
		if (c->shared->ghost[i]) {
			d->byte[mask] |= (uint8_t)(1u << i);
			put(d, c->shared->ghost[i], RAW);
		}
	d->rest.end = (uint16_t)d->length;
	if (d->length == PACK_MAX - 1)
		misfit(c, "a state is too large");
}

static void sign_draft(const struct checker *c, struct draft *d)
{
	for (uint32_t a = c->model->symmetric_from; a < c->nodes; a++)
		d->signature[a] = signature_of(c, d, d->node[a]);
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t b = 0; b < c->nodes; b++) {
			if (!c->shared->count[a][b])
				continue;
			const uint64_t s = signature_of(c, d, d->channel[a][b]);
			d->signature[a] += s * 3;
			d->signature[b] += s * 5;
		}
}

/* ---- a relabelled copy ---- */

static uint8_t *copy_run(uint8_t *out, const struct draft *d, uint32_t at, uint32_t count,
			 const struct checker_perm *p)
{
	for (uint32_t k = 0; k < count; k++)
		out[k] = p->code[d->byte[at + k]];
	sort(out, count);
	return out + count;
}

static uint8_t *copy_span(uint8_t *out, const struct draft *d, struct span s, const struct checker_perm *p)
{
	for (uint32_t i = s.begin; i < s.end; i++) {
		const uint8_t byte = d->byte[i], kind = d->kind[i];
		if (kind == RAW) {
			*out++ = byte;
		} else if (kind == REF) {
			*out++ = p->code[byte];
		} else if (kind == NODE) {
			*out++ = p->label[byte];
		} else {
			out = copy_run(out, d, i, kind - RUN, p);
			i += kind - RUN - 1u;
		}
	}
	return out;
}

static uint32_t copy(const struct checker *c, const struct draft *d, const struct checker_perm *p,
		     uint8_t *out)
{
	uint8_t *o = out;
	if (p == &c->perm[0]) { /* the draft is in this order */
		memcpy(out, d->byte, d->length);
		return d->length;
	}
	for (uint32_t b = 0; b < c->nodes; b++)
		o = copy_span(o, d, d->node[p->inverse[b]], p);
	for (uint32_t x = 0; x < c->nodes; x++)
		for (uint32_t y = 0; y < c->nodes; y++)
			if (x != y)
				o = copy_span(o, d, d->channel[p->inverse[x]][p->inverse[y]], p);
	o = copy_span(o, d, d->rest, p);
	return (uint32_t)(o - out);
}

uint32_t checker_pack(struct checker *c, const struct checker_perm *perm, uint8_t *out)
{
	struct draft d;
	make_draft(c, &d);
	return copy(c, &d, perm, out);
}

static bool in_order(const struct checker *c, const struct draft *d, const struct checker_perm *p)
{
	for (uint32_t b = c->model->symmetric_from; b + 1 < c->nodes; b++)
		if (d->signature[p->inverse[b]] > d->signature[p->inverse[b + 1]])
			return false;
	return true;
}

uint32_t checker_pack_least(struct checker *c, uint8_t *out, uint32_t *orbit)
{
	struct draft d;
	uint8_t other[PACK_MAX];
	make_draft(c, &d);
	*orbit = 1;
	if (c->perms == 1)
		return copy(c, &d, &c->perm[0], out);
	memset(d.signature, 0, sizeof d.signature);
	sign_draft(c, &d);
	uint32_t length = 0, ties = 0;
	for (uint32_t i = 0; i < c->perms; i++) {
		if (!in_order(c, &d, &c->perm[i]))
			continue;
		uint8_t *to = ties ? other : out;
		length = copy(c, &d, &c->perm[i], to);
		const int order = ties ? memcmp(other, out, length) : 0;
		if (order < 0)
			memcpy(out, other, length);
		ties = order < 0 || !ties ? 1 : ties + (order == 0);
	}
	*orbit = c->perms / ties;
	return length;
}

/* ---- and back ---- */

static const uint8_t *get_message(const struct checker *c, const uint8_t *in, struct step_msg *m)
{
	*m = (struct step_msg){
		.event = in[0], .to = c->decoded[in[1]], .from = c->decoded[in[2]], .arg = c->decoded[in[3]]};
	in += 4;
	if (c->protocol->event[m->event].word != STEP_K_NONE)
		m->word = *in++;
	return in;
}

static const uint8_t *get_list(const struct checker *c, const uint8_t *in, struct step_node *n,
			       struct step_list *list)
{
	const uint32_t head = *in++, count = head & 0x7f;
	uint32_t untold = count;
	if (head & 0x80) {
		list->fan = *in++;
		untold = *in++;
	}
	for (uint32_t i = 0; i < count; i++) {
		step_add(n, list, c->decoded[*in++]);
		if (i >= untold) {
			n->link[list->last - 1].told = 1;
			list->untold--;
		}
	}
	return in;
}

static const uint8_t *get_ring(const struct checker *c, const uint8_t *in, struct step_node *n,
			       uint32_t *last)
{
	const uint32_t count = *in++;
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t at = ++n->parks_used;
		struct step_parked *p = &n->park[at - 1];
		in = get_message(c, in, &p->msg);
		p->next = *last ? n->park[*last - 1].next : at;
		if (*last)
			n->park[*last - 1].next = at;
		*last = at;
		n->parked++;
	}
	return in;
}

static const uint8_t *get_fields(const struct checker *c, const uint8_t *in, struct step_node *n, char *self,
				 const struct step_field *f)
{
	for (; f->name; f++) {
		void *at = self + f->offset;
		if (f->kind == STEP_K_REF)
			*(step_ref *)at = c->decoded[*in++];
		else if (f->kind == STEP_K_LIST)
			in = get_list(c, in, n, at);
		else
			*(uint32_t *)at = *in++;
	}
	return in;
}

static const uint8_t *get_machine(struct checker *c, const uint8_t *in, struct step_node *n, uint32_t machine,
				  uint32_t index)
{
	const struct step_machine *k = &c->protocol->machine[machine];
	char *self = step_at(n, machine, index);
	struct step_head *head = (struct step_head *)self;
	const uint8_t first = *in++;
	head->state = first & 0x3f;
	if (!head->state)
		return in;
	n->pool[machine].used = index + 1;
	if (first & HAS_PENDING)
		head->pending = *in++;
	if (first & HAS_PARKED)
		in = get_ring(c, in, n, &head->parked);
	if (k->named)
		c->name[n->id][machine][index] = c->decoded[*in++];
	in = get_fields(c, in, n, self, k->fields());
	if (machine == c->model->shadow.machine)
		in = get_fields(c, in, n, shadow_at(c, n->id, index), c->model->shadow.fields());
	return in;
}

/* Free slots below the high-water mark, the lowest first. */
static void link_free_slots(struct step_node *n, uint32_t machine)
{
	struct step_pool *pool = &n->pool[machine];
	for (uint32_t i = pool->used; i-- > 0;) {
		struct step_head *head = step_at(n, machine, i);
		if (!head->state) {
			head->parked = pool->free;
			pool->free = i + 1;
		}
	}
}

static void clear_node(struct step_node *n)
{
	for (uint32_t m = 0; m < STEP_MACHINES_MAX; m++)
		n->pool[m].used = n->pool[m].free = 0;
	n->links_used = n->link_free = n->parks_used = n->park_free = n->parked = n->orphans = 0;
	n->head = n->tail = n->handling = 0;
	n->sent = 0;
	n->cells = 0;
	n->me = STEP_NOBODY;
}

void checker_clear(struct checker *c)
{
	memset(c->image, 0, c->image_size);
	for (uint32_t a = 0; a < c->nodes; a++)
		clear_node(&c->node[a]);
}

static const uint8_t *get_node(struct checker *c, const uint8_t *in, uint32_t a)
{
	struct step_node *n = &c->node[a];
	for (uint32_t m = 1; m < c->protocol->machines; m++) {
		for (uint32_t i = 0; i < c->slots[m]; i++)
			in = get_machine(c, in, n, m, i);
		link_free_slots(n, m);
	}
	for (uint32_t k = 0; k < c->clients; k++) {
		struct step_msg *call = &c->shared->flight[a][k];
		call->event = *in++;
		if (!call->event)
			continue;
		call->host = *in++;
		call->from = STEP_REF(a, STEP_CLIENT, k);
		call->arg = c->decoded[*in++];
		if (c->protocol->event[call->event].word != STEP_K_NONE)
			call->word = *in++;
	}
	c->shared->call[a] = c->shared->flight[a][0];
	return get_ring(c, in, n, &n->orphans);
}

void checker_unpack(struct checker *c, const uint8_t *in)
{
	checker_clear(c);
	for (uint32_t a = 0; a < c->nodes; a++)
		in = get_node(c, in, a);
	for (uint32_t a = 0; a < c->nodes; a++)
		for (uint32_t b = 0; b < c->nodes; b++) {
			c->shared->count[a][b] = a == b ? 0 : *in++;
			for (uint32_t i = 0; i < c->shared->count[a][b]; i++)
				in = get_message(c, in, &c->channel[a][b][i]);
		}
	const uint8_t mask = *in++;
	for (uint32_t i = 0; i < STEP_GHOST_BYTES; i++)
		if (mask >> i & 1)
			c->shared->ghost[i] = *in++;
}
