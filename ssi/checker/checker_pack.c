/* ssi/checker/checker_pack.c - a world as bytes, by the protocol's field descriptors.
 *
 * Values are written seven bits a byte. A reference becomes a code, a small number. Of a slot's generations only "the
 * slot's" and "another" are told apart, members of a list are sorted, free slots carry nothing. The bytes of a kernel
 * say what its machines are; those of its clients their calls and what the model's shadow has of its slots. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "ssi/checker/checker_internal.h"

void checker_misfit(struct checker *c, const char *what)
{
	if (!c->misfit[0])
		snprintf(c->misfit, sizeof c->misfit, "the configuration does not fit the checker: %s", what);
}

uint64_t checker_hash(const uint8_t *bytes, uint32_t length)
{
	uint64_t h = 0x9e3779b97f4a7c15u ^ length, v;
	for (; length >= 8; length -= 8, bytes += 8) {
		memcpy(&v, bytes, 8);
		h = (h ^ v) * 0xd6e8feb86659fd93u;
		h ^= h >> 32;
	}
	v = 0;
	memcpy(&v, bytes, length);
	h = (h ^ v) * 0xd6e8feb86659fd93u;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93u;
	return h ^ h >> 29;
}

/* ---- references as codes ---- */

/* 0: nobody. Each node: its client(s), the names it is the home of, and for each machine any slot, by name, and for
 * each slot the current and a stale reference. */
static uint32_t name_number(struct checker *c, step_ref r)
{
	struct checker_names *names = c->names;
	r.node = 0;
	pthread_mutex_lock(&names->lock);
	uint32_t i = 0;
	while (i < names->count && !step_same(names->name[i], r))
		i++;
	const bool fits = i < NAMES_MAX;
	if (fits && i == names->count)
		names->name[names->count++] = r;
	pthread_mutex_unlock(&names->lock);
	if (!fits)
		checker_misfit(c, "too many different names");
	return fits ? i : 0;
}

static uint32_t code_of(struct checker *c, step_ref r)
{
	if (!step_ref_word(r))
		return 0;
	if (r.node >= c->nodes) {
		checker_misfit(c, "a reference names a kernel that does not exist");
		return 0;
	}
	const uint32_t base = 1 + (uint32_t)r.node * c->codes_a_node;
	const uint32_t machine = r.machine, index = (uint32_t)r.index;
	if (machine == STEP_CLIENT && index < CLIENTS_MAX)
		return base + index;
	if (machine && machine < c->protocol->machines) {
		const uint32_t slot = base + c->machine_code[machine];
		if (index == STEP_NEW || index == STEP_NAMED)
			return slot + (index == STEP_NAMED);
		if (index < c->slots[machine]) {
			const struct step_head *head = step_at(&c->node[r.node], machine, index);
			return slot + 2 + 2 * index + (head->gen != r.gen);
		}
	}
	return base + CLIENTS_MAX + name_number(c, r);
}

static step_ref ref_of(const struct checker *c, uint32_t code)
{
	if (!code)
		return STEP_NOBODY;
	const uint32_t a = (code - 1) / c->codes_a_node, k = (code - 1) % c->codes_a_node;
	if (k < CLIENTS_MAX || k >= CLIENTS_MAX + NAMES_MAX)
		return c->decoded[code];
	step_ref r = c->names->name[k - CLIENTS_MAX];
	r.node = a;
	return r;
}

int checker_pack_init(struct checker *c)
{
	uint32_t codes = CLIENTS_MAX + NAMES_MAX;
	for (uint32_t m = 1; m < c->protocol->machines; m++) {
		c->machine_code[m] = codes;
		codes += 2 + 2 * c->slots[m];
	}
	c->codes_a_node = codes;
	if (1 + codes * c->nodes > CODES_MAX) {
		checker_misfit(c, "too many slots");
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

/* ---- out ---- */

void checker_put_value(struct checker_bytes *out, uint32_t value)
{
	if (out->length > PACK_MAX - 8)
		return; /* who reads the length reports it */
	for (; value >= 0x80; value >>= 7)
		out->byte[out->length++] = (uint8_t)(value | 0x80);
	out->byte[out->length++] = (uint8_t)value;
}

static void put_ref(struct checker *c, struct checker_bytes *out, step_ref r)
{
	checker_put_value(out, code_of(c, r));
}

static void put_word(struct checker *c, struct checker_bytes *out, uint32_t value, enum step_kind kind)
{
	if (kind == STEP_K_NODE && value >= c->nodes)
		checker_misfit(c, "a word names a kernel that does not exist");
	checker_put_value(out, value);
}

void checker_put_message(struct checker *c, struct checker_bytes *out, const struct step_msg *m)
{
	const enum step_kind kind = c->protocol->event[m->event].word;
	checker_put_value(out, m->event);
	put_ref(c, out, m->to);
	put_ref(c, out, m->from);
	put_ref(c, out, m->arg);
	if (kind != STEP_K_NONE)
		put_word(c, out, m->word, kind);
	else if (m->word)
		checker_misfit(c, "a message has a word that its event does not declare");
}

static int compare_codes(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

/* count, and whether a fan-out left traces: then the event and the number of untold ones. The untold come first. */
static void put_list(struct checker *c, struct checker_bytes *out, const struct step_node *n,
		     const struct step_list *list)
{
	uint32_t code[2][256], count[2] = {0, 0};
	const bool fan = list->fan || list->untold != list->count;
	checker_put_value(out, list->count << 1 | fan);
	if (fan) {
		checker_put_value(out, list->fan);
		checker_put_value(out, list->untold);
	}
	for (uint32_t i = list->first; i; i = n->link[i - 1].next) {
		const bool told = n->link[i - 1].told;
		if (count[told] < 256)
			code[told][count[told]++] = code_of(c, n->link[i - 1].member);
	}
	for (uint32_t told = 0; told < 2; told++) {
		if (count[told] > 1)
			qsort(code[told], count[told], sizeof **code, compare_codes);
		for (uint32_t k = 0; k < count[told]; k++)
			checker_put_value(out, code[told][k]);
	}
}

static void put_ring(struct checker *c, struct checker_bytes *out, const struct step_node *n, uint32_t last)
{
	const uint32_t at = out->length;
	uint32_t count = 0, i = last;
	checker_put_value(out, 0);
	while (i) {
		i = n->park[i - 1].next;
		checker_put_message(c, out, &n->park[i - 1].msg);
		count++;
		if (i == last)
			break;
	}
	out->byte[at] = (uint8_t)count; /* below 128: see checker_open() */
}

static void put_fields(struct checker *c, struct checker_bytes *out, const struct step_node *n,
		       const char *self, const struct step_field *f)
{
	for (; f->name; f++) {
		const void *at = self + f->offset;
		if (f->kind == STEP_K_REF)
			put_ref(c, out, *(const step_ref *)at);
		else if (f->kind == STEP_K_LIST)
			put_list(c, out, n, at);
		else
			put_word(c, out, *(const uint32_t *)at, (enum step_kind)f->kind);
	}
}

static void put_machine(struct checker *c, struct checker_bytes *out, const struct step_node *n,
			uint32_t machine, uint32_t index)
{
	const struct step_machine *k = &c->protocol->machine[machine];
	const char *self = step_at(n, machine, index);
	const struct step_head *head = (const struct step_head *)self;
	if (!head->state) {
		checker_put_value(out, 0);
		return;
	}
	checker_put_value(out, (uint32_t)head->state << CHECKER_STATE_SHIFT |
				       (head->pending ? CHECKER_PENDING : 0) |
				       (head->parked ? CHECKER_PARKED : 0));
	if (head->pending)
		checker_put_value(out, head->pending);
	if (head->parked)
		put_ring(c, out, n, head->parked);
	if (k->named)
		put_ref(c, out, c->name[n->id][machine][index]);
	put_fields(c, out, n, self, k->fields());
}

void checker_put_kernel(struct checker *c, struct checker_bytes *out, uint32_t a)
{
	const struct step_node *n = &c->node[a];
	checker_put_value(out, c->shared->crashed[a] ? CHECKER_CRASHED : 0);
	if (c->shared->crashed[a])
		return;
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		for (uint32_t i = 0; i < c->slots[m]; i++)
			put_machine(c, out, n, m, i);
	put_ring(c, out, n, n->orphans);
}

void checker_put_call(struct checker *c, struct checker_bytes *out, const struct step_msg *m)
{
	checker_put_value(out, m->event);
	if (!m->event)
		return;
	const enum step_kind kind = c->protocol->event[m->event].word;
	checker_put_value(out, m->host);
	put_ref(c, out, m->to);
	put_ref(c, out, m->arg);
	if (kind != STEP_K_NONE)
		put_word(c, out, m->word, kind);
	else if (m->word)
		checker_misfit(c, "a call has a word that its event does not declare");
}

static bool is_zero(const char *at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (at[i])
			return false;
	return true;
}

/* The record of a slot that is free is no state. */
static void put_shadow(struct checker *c, struct checker_bytes *out, uint32_t a, uint32_t index)
{
	const struct step_shadow *shadow = &c->model->shadow;
	const struct step_head *head = step_at(&c->node[a], shadow->machine, index);
	const char *record = c->shadow[a] + (size_t)index * shadow->size;
	const bool some = head->state && !is_zero(record, shadow->size);
	checker_put_value(out, some);
	if (some)
		put_fields(c, out, &c->node[a], record, shadow->fields());
}

void checker_put_clients(struct checker *c, struct checker_bytes *out, uint32_t a)
{
	for (uint32_t k = 0; k < c->clients; k++)
		checker_put_call(c, out, &c->shared->flight[a][k]);
	for (uint32_t i = 0; c->model->shadow.machine && i < c->slots[c->model->shadow.machine]; i++)
		put_shadow(c, out, a, i);
}

/* A channel whose order is not state is written in the order of its messages' bytes; one that is several channels,
 * by class. */
static bool goes_before(const struct checker *c, const struct checker_bytes *all, const struct step_msg *m,
			const uint32_t *at, uint32_t x, uint32_t y)
{
	if (c->reorder) {
		const uint32_t p = at[x + 1] - at[x], q = at[y + 1] - at[y];
		const int order = memcmp(all->byte + at[x], all->byte + at[y], p < q ? p : q);
		return order ? order < 0 : p < q;
	}
	return c->model->channels_by_class &&
	       c->protocol->event[m[x].event].klass < c->protocol->event[m[y].event].klass;
}

void checker_put_channel(struct checker *c, struct checker_bytes *out, const struct step_msg *m,
			 uint32_t count)
{
	struct checker_bytes all; /* not cleared: it is large */
	uint32_t at[CHANNEL_CREDIT + 1] = {0}, order[CHANNEL_CREDIT];
	all.length = 0;
	checker_put_value(out, count);
	for (uint32_t i = 0; i < count; i++) {
		checker_put_message(c, &all, &m[i]);
		at[i + 1] = all.length;
		uint32_t j = i;
		for (order[i] = i; j && goes_before(c, &all, m, at, i, order[j - 1]); j--)
			order[j] = order[j - 1];
		order[j] = i;
	}
	for (uint32_t i = 0; i < count && out->length + all.length < PACK_MAX; i++) {
		const uint32_t length = at[order[i] + 1] - at[order[i]];
		memcpy(out->byte + out->length, all.byte + at[order[i]], length);
		out->length += length;
	}
}

uint32_t checker_pack(struct checker *c, uint8_t *out)
{
	struct checker_bytes b;
	b.length = 0;
	for (uint32_t a = 0; a < c->nodes; a++) {
		checker_put_kernel(c, &b, a);
		checker_put_clients(c, &b, a);
	}
	for (uint32_t x = 0; x < c->nodes; x++)
		for (uint32_t y = 0; y < c->nodes; y++)
			checker_put_channel(c, &b, &c->channel[x][y][c->shared->first[x][y]],
					    c->shared->count[x][y]);
	for (uint32_t i = 0; i < STEP_GHOST_BYTES; i++)
		checker_put_value(&b, c->shared->ghost[i]);
	if (b.length > PACK_MAX - 64)
		checker_misfit(c, "a state is too large");
	memcpy(out, b.byte, b.length);
	return b.length;
}

/* ---- and back ---- */

static step_ref get_ref(const struct checker *c, const uint8_t **in)
{
	return ref_of(c, checker_get_value(in));
}

const uint8_t *checker_get_message(const struct checker *c, const uint8_t *in, struct step_msg *m)
{
	*m = (struct step_msg){.event = (uint8_t)checker_get_value(&in)};
	m->to = get_ref(c, &in);
	m->from = get_ref(c, &in);
	m->arg = get_ref(c, &in);
	if (c->protocol->event[m->event].word != STEP_K_NONE)
		m->word = checker_get_value(&in);
	return in;
}

static const uint8_t *get_list(const struct checker *c, const uint8_t *in, struct step_node *n,
			       struct step_list *list)
{
	const uint32_t head = checker_get_value(&in), count = head >> 1;
	uint32_t untold = count;
	if (head & 1) {
		list->fan = checker_get_value(&in);
		untold = checker_get_value(&in);
	}
	for (uint32_t i = 0; i < count; i++) {
		step_add(n, list, get_ref(c, &in));
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
	const uint32_t count = checker_get_value(&in);
	for (uint32_t i = 0; i < count; i++) {
		const uint32_t at = ++n->parks_used;
		struct step_parked *p = &n->park[at - 1];
		in = checker_get_message(c, in, &p->msg);
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
			*(step_ref *)at = get_ref(c, &in);
		else if (f->kind == STEP_K_LIST)
			in = get_list(c, in, n, at);
		else
			*(uint32_t *)at = checker_get_value(&in);
	}
	return in;
}

static const uint8_t *get_machine(struct checker *c, const uint8_t *in, struct step_node *n, uint32_t machine,
				  uint32_t index)
{
	const struct step_machine *k = &c->protocol->machine[machine];
	char *self = step_at(n, machine, index);
	struct step_head *head = (struct step_head *)self;
	const uint32_t first = checker_get_value(&in);
	head->state = (uint8_t)(first >> CHECKER_STATE_SHIFT);
	if (!head->state)
		return in;
	n->pool[machine].used = index + 1;
	if (first & CHECKER_PENDING)
		head->pending = (uint8_t)checker_get_value(&in);
	if (first & CHECKER_PARKED)
		in = get_ring(c, in, n, &head->parked);
	if (k->named)
		c->name[n->id][machine][index] = get_ref(c, &in);
	return get_fields(c, in, n, self, k->fields());
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

void checker_clear_kernel(struct checker *c, uint32_t a)
{
	struct step_node *n = &c->node[a];
	memset(c->block[a], 0, c->block_size);
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
		checker_clear_kernel(c, a);
}

const uint8_t *checker_get_kernel(struct checker *c, const uint8_t *in, uint32_t a)
{
	struct step_node *n = &c->node[a];
	c->shared->crashed[a] = checker_get_value(&in) == CHECKER_CRASHED;
	if (c->shared->crashed[a])
		return in;
	for (uint32_t m = 1; m < c->protocol->machines; m++) {
		for (uint32_t i = 0; i < c->slots[m]; i++)
			in = get_machine(c, in, n, m, i);
		link_free_slots(n, m);
	}
	return get_ring(c, in, n, &n->orphans);
}

static const uint8_t *get_call(const struct checker *c, const uint8_t *in, uint32_t a, uint32_t client,
			       struct step_msg *m)
{
	*m = (struct step_msg){.event = (uint8_t)checker_get_value(&in)};
	if (!m->event)
		return in;
	m->host = (uint16_t)checker_get_value(&in);
	m->to = get_ref(c, &in);
	m->arg = get_ref(c, &in);
	m->from = STEP_REF(a, STEP_CLIENT, client);
	if (c->protocol->event[m->event].word != STEP_K_NONE)
		m->word = checker_get_value(&in);
	return in;
}

const uint8_t *checker_get_clients(struct checker *c, const uint8_t *in, uint32_t a)
{
	const struct step_shadow *shadow = &c->model->shadow;
	for (uint32_t k = 0; k < c->clients; k++)
		in = get_call(c, in, a, k, &c->shared->flight[a][k]);
	c->shared->call[a] = c->shared->flight[a][0];
	for (uint32_t i = 0; shadow->machine && i < c->slots[shadow->machine]; i++) {
		char *record = c->shadow[a] + (size_t)i * shadow->size;
		memset(record, 0, shadow->size);
		if (checker_get_value(&in))
			in = get_fields(c, in, &c->node[a], record, shadow->fields());
	}
	return in;
}

const uint8_t *checker_get_channel(const struct checker *c, const uint8_t *in, struct step_msg *m,
				   uint32_t *count)
{
	*count = checker_get_value(&in);
	for (uint32_t i = 0; i < *count; i++)
		in = checker_get_message(c, in, &m[i]);
	return in;
}

void checker_unpack(struct checker *c, const uint8_t *in)
{
	checker_clear(c);
	for (uint32_t a = 0; a < c->nodes; a++) {
		in = checker_get_kernel(c, in, a);
		in = checker_get_clients(c, in, a);
	}
	for (uint32_t x = 0; x < c->nodes; x++)
		for (uint32_t y = 0; y < c->nodes; y++) {
			uint32_t count;
			in = checker_get_channel(c, in, c->channel[x][y], &count);
			c->shared->count[x][y] = (uint8_t)count;
		}
	for (uint32_t i = 0; i < STEP_GHOST_BYTES; i++)
		c->shared->ghost[i] = (uint8_t)checker_get_value(&in);
}
