/* ssi/checker/checker_steps.c - what a step does, run once for each kernel and input and remembered.
 *
 * A worker remembers for itself, so nothing here is shared but the parts. A kernel's memory is kept for a while by its
 * part's number, ready to be copied into the world. */
#include <stdlib.h>
#include "ssi/checker/checker_search.h"

static void remember(struct checker_worker *w, uint64_t key, uint64_t value)
{
	w->failed |= checker_memo_put(&w->memo, key, value) != 0;
}

static uint32_t intern(struct checker_worker *w, enum checker_kind kind, uint32_t count)
{
	if (w->bytes.length > PACK_MAX - 64)
		checker_misfit(w->c, "a state is too large");
	const uint32_t id = checker_parts_intern(&w->search->parts, kind, count, &w->bytes);
	w->failed |= id == PART_FAILED;
	w->bytes.length = 0;
	return id == PART_FAILED ? 0 : id;
}

static const struct checker_part *part_of(const struct checker_worker *w, uint32_t id)
{
	return checker_part_at(&w->search->parts, id);
}

/* ---- memories of kernels and clients ---- */

static char *image_of(const struct checker_images *images, uint32_t part, uint32_t a, bool *known)
{
	const uint32_t tag = part * NODES + a + 1, i = (uint32_t)(checker_mix(tag) & (IMAGES - 1));
	*known = images->tag[i] == tag;
	images->tag[i] = tag;
	return images->memory + i * images->size;
}

/* Slots, names, and the links that are used. */
static size_t used_size(const struct checker *c, uint32_t a)
{
	return c->slots_size + c->node[a].links_used * sizeof *c->node[a].link;
}

void checker_steps_load_kernel(struct checker_worker *w, uint32_t a, uint32_t kernel)
{
	struct checker *c = w->c;
	bool known;
	if (w->kernel_in[a] == kernel)
		return;
	char *image = image_of(&w->kernel_images, kernel, a, &known);
	const uint8_t *bytes = part_of(w, kernel)->bytes;
	if (known) {
		memcpy(&c->node[a], image, sizeof c->node[a]);
		memcpy(c->block[a], image + sizeof c->node[a], used_size(c, a));
		if (c->node[a].parks_used)
			memcpy(c->node[a].park,
			       image + sizeof c->node[a] + ((char *)c->node[a].park - c->block[a]),
			       c->node[a].parks_used * sizeof *c->node[a].park);
		c->shared->crashed[a] = bytes[0] == CHECKER_CRASHED;
	} else {
		checker_clear_kernel(c, a);
		checker_get_kernel(c, bytes, a);
		memcpy(image, &c->node[a], sizeof c->node[a]);
		memcpy(image + sizeof c->node[a], c->block[a], c->block_size);
	}
	w->kernel_in[a] = kernel;
}

static size_t flight_size(const struct checker *c) { return sizeof c->shared->flight[0]; }

/* What the world has of a kernel's clients when it has just been loaded. */
static const char *clients_image(struct checker_worker *w, uint32_t a, uint32_t clients, bool *known)
{
	struct checker *c = w->c;
	char *image = image_of(&w->client_images, clients, a, known);
	if (!*known) {
		checker_get_clients(c, part_of(w, clients)->bytes, a);
		memcpy(image, c->shared->flight[a], flight_size(c));
		memcpy(image + flight_size(c), c->shadow[a], c->shadow_size);
	}
	return image;
}

void checker_steps_load_clients(struct checker_worker *w, uint32_t a, uint32_t clients)
{
	struct checker *c = w->c;
	bool known;
	if (w->clients_in[a] == clients)
		return;
	const char *image = clients_image(w, a, clients, &known);
	if (known) {
		memcpy(c->shared->flight[a], image, flight_size(c));
		memcpy(c->shadow[a], image + flight_size(c), c->shadow_size);
		c->shared->call[a] = c->shared->flight[a][0];
	}
	w->clients_in[a] = clients;
}

void checker_steps_load_ghost(struct checker_worker *w, uint32_t ghost)
{
	if (w->ghost_in != ghost)
		memcpy(w->c->shared->ghost, part_of(w, ghost)->bytes, STEP_GHOST_BYTES);
	w->ghost_in = ghost;
}

void checker_steps_load_raw(struct checker_worker *w, uint32_t a, const struct checker_outcome *o)
{
	struct checker *c = w->c;
	const char *raw = w->raw.at + (uint64_t)(o->raw - 1) * (sizeof c->node[a] + c->block_size);
	memcpy(&c->node[a], raw, sizeof c->node[a]);
	memcpy(c->block[a], raw + sizeof c->node[a], c->block_size);
	w->kernel_in[a] = PART_FAILED;
}

/* ---- the world's parts ---- */

uint32_t checker_steps_kernel(struct checker_worker *w, uint32_t a)
{
	checker_put_kernel(w->c, &w->bytes, a);
	return intern(w, PART_KERNEL, 0);
}

uint32_t checker_steps_clients(struct checker_worker *w, uint32_t a)
{
	checker_put_clients(w->c, &w->bytes, a);
	return intern(w, PART_CLIENTS, 0);
}

uint32_t checker_steps_ghost(struct checker_worker *w)
{
	memcpy(w->bytes.byte, w->c->shared->ghost, STEP_GHOST_BYTES);
	w->bytes.length = STEP_GHOST_BYTES;
	return intern(w, PART_GHOST, 0);
}

/* Whether the model left alone what it was shown of kernel a, whose part is (or was loaded as) `part`. */
bool checker_steps_kernel_is(struct checker_worker *w, uint32_t a, uint32_t part)
{
	const struct checker *c = w->c;
	bool known;
	const char *image = image_of(&w->kernel_images, part, a, &known);
	if (!known) /* its place was taken meanwhile; do not leave it as if it were filled */
		w->kernel_images.tag[(image - w->kernel_images.memory) / (ptrdiff_t)w->kernel_images.size] =
			0;
	return known && !memcmp(image + sizeof c->node[a], c->block[a], used_size(c, a));
}

bool checker_steps_clients_are(struct checker_worker *w, uint32_t a, uint32_t part)
{
	const struct checker *c = w->c;
	bool known;
	const char *image = image_of(&w->client_images, part, a, &known);
	if (!known)
		w->client_images.tag[(image - w->client_images.memory) / (ptrdiff_t)w->client_images.size] =
			0;
	return known && !memcmp(image, c->shared->flight[a], flight_size(c)) &&
	       !memcmp(image + flight_size(c), c->shadow[a], c->shadow_size);
}

bool checker_steps_is_raw(const struct checker_worker *w, uint32_t a, const struct checker_outcome *o)
{
	const struct checker *c = w->c;
	const char *raw = w->raw.at + (uint64_t)(o->raw - 1) * (sizeof c->node[a] + c->block_size);
	return !memcmp(raw + sizeof c->node[a], c->block[a], used_size(c, a));
}

/* Which slots have records is a matter of the kernel. */
static uint64_t slots_taken(const struct checker *c, uint32_t a)
{
	const uint32_t machine = c->model->shadow.machine;
	uint64_t taken = 0;
	for (uint32_t i = 0; machine && i < c->slots[machine]; i++)
		taken |= (uint64_t)(((const struct step_head *)step_at(&c->node[a], machine, i))->state != 0)
			 << i;
	return taken;
}

/* The slots that a step has freed, and their generations, which say what is stale; UNKNOWN: they are too many. */
#define UNKNOWN UINT64_MAX
static uint64_t generations(const struct checker_worker *w, uint32_t from, const struct checker_outcome *o)
{
	uint64_t all = 0;
	if (o->freed > 3)
		return UNKNOWN;
	for (uint32_t i = 0; i < o->freed; i++) {
		const struct checker_freed f =
			((const struct checker_freed *)(const void *)w->freed.at)[o->freed_at + i];
		const struct step_head *head = step_at(&w->c->node[from], f.machine, f.index);
		all = all << 21 | (uint64_t)f.machine << 18 | (uint64_t)f.index << 12 | (head->gen & 0xfff);
	}
	return all;
}

struct clients_head {
	uint64_t hash, taken, generations;
	uint32_t a, from, part;
};

uint32_t checker_steps_known_clients(struct checker_worker *w, uint32_t a, uint32_t from,
				     const struct checker_outcome *o)
{
	struct checker *c = w->c;
	struct clients_head key = {
		.taken = slots_taken(c, a), .generations = generations(w, from, o), .a = a, .from = from};
	key.hash = checker_mix(checker_hash((const uint8_t *)c->shared->flight[a], (uint32_t)flight_size(c)) +
			       checker_hash((const uint8_t *)c->shadow[a], (uint32_t)c->shadow_size) * 3 +
			       checker_mix(key.taken + key.generations * 8 + a) + from);
	char *image = w->client_parts.memory + (key.hash & (IMAGES - 1)) * w->client_parts.size;
	struct clients_head *head = (struct clients_head *)(void *)image;
	char *flight = image + sizeof *head, *shadow = flight + flight_size(c);
	key.part = head->part;
	if (head->part && !memcmp(head, &key, sizeof key) &&
	    !memcmp(flight, c->shared->flight[a], flight_size(c)) &&
	    !memcmp(shadow, c->shadow[a], c->shadow_size))
		return head->part;
	const uint32_t part = checker_steps_clients(w, a);
	if (key.generations == UNKNOWN)
		return part;
	key.part = part;
	*head = key;
	memcpy(flight, c->shared->flight[a], flight_size(c));
	memcpy(shadow, c->shadow[a], c->shadow_size);
	return part;
}

/* Clients that the model left alone, when one slot of kernel `from` has been freed: only what names it is another. False: it is
 * not as simple. */
static bool know_stale_clients(struct checker_worker *w, uint32_t a, uint32_t from,
			       struct checker_freed freed, uint32_t before, uint32_t *part)
{
	const uint64_t key =
		checker_memo_key(TAG_STALE, from | (uint32_t)freed.machine << 3, before, freed.index);
	uint64_t value;
	if ((a == from && freed.machine == w->c->model->shadow.machine) ||
	    !checker_steps_clients_are(w, a, before))
		return false;
	if (!checker_memo_get(&w->memo, key, &value)) {
		value = checker_steps_clients(w, a);
		remember(w, key, value);
	}
	*part = (uint32_t)value;
	return true;
}

uint32_t checker_steps_clients_after(struct checker_worker *w, uint32_t a, uint32_t from,
				     const struct checker_outcome *o, uint32_t before)
{
	uint32_t part = before;
	if (!o->freed && checker_steps_clients_are(w, a, before))
		return before;
	if (o->freed == 1 &&
	    know_stale_clients(w, a, from,
			       *((const struct checker_freed *)(const void *)w->freed.at + o->freed_at),
			       before, &part))
		return part;
	return checker_steps_known_clients(w, a, from, o);
}

uint32_t checker_steps_known_call(struct checker_worker *w, const struct step_msg *call)
{
	uint64_t word[4];
	memcpy(word, call, sizeof word);
	const uint64_t h = checker_mix(checker_mix(checker_mix(word[0]) + word[1]) + word[3]) % 256;
	if (!w->known_call[h].part || memcmp(&w->known_call[h].call, call, sizeof *call) != 0) {
		checker_put_call(w->c, &w->bytes, call);
		w->known_call[h].part = intern(w, PART_CALL, 0);
		w->known_call[h].call = *call;
	}
	return w->known_call[h].part;
}

/* ---- channels ---- */

static uint32_t messages_of(const struct checker_worker *w, uint32_t channel, struct step_msg *m)
{
	uint32_t count = 0;
	if (channel)
		checker_get_channel(w->c, part_of(w, channel)->bytes, m, &count);
	return count;
}

static uint32_t channel_of(struct checker_worker *w, const struct step_msg *m, uint32_t count)
{
	checker_put_channel(w->c, &w->bytes, m, count);
	return intern(w, PART_CHANNEL, count);
}

uint32_t checker_steps_message(struct checker_worker *w, const struct step_msg *m)
{
	checker_put_message(w->c, &w->bytes, m);
	return intern(w, PART_MESSAGE, 0);
}

uint32_t checker_steps_pop(struct checker_worker *w, uint32_t channel, uint32_t position, uint32_t *rest)
{
	const uint64_t key = checker_memo_key(TAG_POP, position, channel, 0);
	struct step_msg m[CHANNEL_CREDIT + 1];
	uint64_t value = position ? 0 : checker_dense_get(&w->pop_of, channel);
	if (!value && !(position && checker_memo_get(&w->memo, key, &value))) {
		const uint32_t count = messages_of(w, channel, m);
		checker_put_message(w->c, &w->bytes, &m[position]);
		value = (uint64_t)intern(w, PART_MESSAGE, 0) << 32;
		memmove(m + position, m + position + 1, (count - position - 1) * sizeof *m);
		value |= channel_of(w, m, count - 1);
		if (position)
			remember(w, key, value);
		else
			w->failed |= checker_dense_put(&w->pop_of, channel, value) != 0;
	}
	*rest = (uint32_t)value;
	return (uint32_t)(value >> 32);
}

uint32_t checker_steps_firsts(struct checker_worker *w, uint32_t channel)
{
	const uint64_t key = checker_memo_key(TAG_FIRSTS, 0, channel, 0);
	struct step_msg m[CHANNEL_CREDIT + 1];
	uint64_t value;
	if (!w->c->reorder && !w->c->model->channels_by_class)
		return channel != 0;
	if (!checker_memo_get(&w->memo, key, &value)) {
		const uint32_t count = messages_of(w, channel, m);
		value = checker_first_of(w->c, m, count);
		remember(w, key, value);
	}
	return (uint32_t)value;
}

uint32_t checker_steps_append(struct checker_worker *w, uint32_t channel, uint32_t message)
{
	const uint64_t key = checker_memo_key(TAG_APPEND, 0, channel, message);
	struct step_msg m[CHANNEL_CREDIT + 1];
	uint64_t value;
	if (!checker_memo_get(&w->memo, key, &value)) {
		const uint32_t count = messages_of(w, channel, m);
		checker_get_message(w->c, part_of(w, message)->bytes, &m[count]);
		value = count < CHANNEL_CREDIT ? channel_of(w, m, count + 1) : PART_FAILED;
		remember(w, key, value);
	}
	return (uint32_t)value;
}

uint32_t checker_steps_fullest(struct checker_worker *w, uint32_t channel)
{
	struct step_msg m[CHANNEL_CREDIT + 1];
	uint64_t value = checker_dense_get(&w->class_of, channel);
	if (!value && channel) {
		uint32_t of[STEP_REPLY + 1] = {0}, count = messages_of(w, channel, m);
		for (uint32_t i = 0; i < count; i++)
			of[w->c->model->channels_by_class ? w->c->protocol->event[m[i].event].klass : 0]++;
		for (uint32_t k = 0; k <= STEP_REPLY; k++)
			value = of[k] > value ? of[k] : value;
		w->failed |= checker_dense_put(&w->class_of, channel, value) != 0;
	}
	return (uint32_t)value;
}

/* A part of another kernel, or a channel, in which references to a slot of kernel a become stale. In the world, the
 * slot's generation is another one while the part is read and written again. */
uint32_t checker_steps_stale(struct checker_worker *w, uint32_t part, uint32_t a, struct checker_freed freed)
{
	struct checker *c = w->c;
	const uint64_t key = checker_memo_key(TAG_STALE, a | (uint32_t)freed.machine << 3, part, freed.index);
	const struct checker_part *p = part_of(w, part);
	const uint32_t kind = p->kind, other = a ? 0 : 1; /* a kernel to read it into */
	struct step_msg m[CHANNEL_CREDIT + 1];
	uint64_t value;
	if (!part || checker_memo_get(&w->memo, key, &value))
		return part ? (uint32_t)value : 0;
	if (kind == PART_KERNEL) {
		checker_clear_kernel(c, other);
		checker_get_kernel(c, p->bytes, other);
		w->kernel_in[other] = PART_FAILED;
	}
	const uint32_t count = kind == PART_CHANNEL ? messages_of(w, part, m) : 0;
	struct step_head *head = step_at(&c->node[a], freed.machine, freed.index);
	const uint16_t gen = head->gen;
	head->gen = 1;
	value = kind == PART_KERNEL ? checker_steps_kernel(w, other) : channel_of(w, m, count);
	head->gen = gen;
	remember(w, key, value);
	return (uint32_t)value;
}

/* ---- outcomes ---- */

const struct checker_outcome *checker_steps_outcome(const struct checker_worker *w, uint32_t at)
{
	return (const struct checker_outcome *)(const void *)w->outcome.at + at;
}

static uint32_t count_of(const struct checker_array *a, size_t size) { return (uint32_t)(a->used / size); }

static void see_sends(struct checker_worker *w, struct checker_outcome *o, uint32_t a)
{
	struct checker *c = w->c;
	o->send_at = count_of(&w->send, sizeof(struct checker_send));
	for (uint32_t b = 0; b < c->nodes; b++)
		for (uint32_t i = 0; i < c->shared->count[a][b]; i++) {
			struct checker_send *s = checker_array_push(&w->send, sizeof *s);
			checker_put_message(c, &w->bytes, &c->channel[a][b][i]);
			const uint32_t message = intern(w, PART_MESSAGE, 0);
			if (s)
				*s = (struct checker_send){.to = b, .message = message};
			w->failed |= !s;
			o->sends++;
		}
}

static void see_freed(struct checker_worker *w, struct checker_outcome *o, uint32_t a)
{
	struct checker *c = w->c;
	o->freed_at = count_of(&w->freed, sizeof(struct checker_freed));
	for (uint32_t m = 1; m < c->protocol->machines; m++)
		for (uint32_t i = 0; i < c->slots[m]; i++) {
			const struct step_head *head = step_at(&c->node[a], m, i);
			if (!head->gen)
				continue;
			struct checker_freed *f = checker_array_push(&w->freed, sizeof *f);
			if (f)
				*f = (struct checker_freed){.machine = (uint8_t)m, .index = (uint8_t)i};
			w->failed |= !f;
			o->freed++;
		}
	char *raw = o->freed ? checker_array_push(&w->raw, sizeof c->node[a] + c->block_size) : NULL;
	w->failed |= o->freed && !raw;
	if (!raw)
		return;
	memcpy(raw, &c->node[a], sizeof c->node[a]);
	memcpy(raw + sizeof c->node[a], c->block[a], c->block_size);
	o->raw = count_of(&w->raw, sizeof c->node[a] + c->block_size);
}

static void see_ends(struct checker_worker *w, struct checker_outcome *o)
{
	const struct checker *c = w->c;
	o->end_at = count_of(&w->end, sizeof *c->end);
	o->ends = (uint8_t)c->ends;
	struct checker_ended *e = c->ends ? checker_array_push(&w->end, c->ends * sizeof *e) : NULL;
	w->failed |= c->ends && !e;
	if (e)
		memcpy(e, c->end, c->ends * sizeof *e);
}

/* Runs a step of a kernel that has been loaded; the world's kernel is then of no part. */
static struct checker_outcome run(struct checker_worker *w, uint32_t a, const struct checker_move *move)
{
	struct checker *c = w->c;
	struct checker_outcome o = {.timer = move->kind == MOVE_TIMER};
	memset(c->shared->first[a], 0, sizeof c->shared->first[a]);
	memset(c->shared->count[a], 0, sizeof c->shared->count[a]);
	w->kernel_in[a] = PART_FAILED;
	w->steps_run++;
	checker_run_move(c, move);
	o.wrong = c->why[0] != 0;
	if (o.wrong) {
		char *text = checker_array_push(&w->text, WHY_BYTES);
		w->failed |= !text;
		if (text)
			memcpy(text, c->why, WHY_BYTES);
		o.raw = count_of(&w->text, WHY_BYTES);
	} else {
		see_sends(w, &o, a);
		see_freed(w, &o, a);
		see_ends(w, &o);
		o.after = checker_steps_kernel(w, a);
	}
	memset(c->shared->count[a], 0, sizeof c->shared->count[a]);
	for (uint32_t m = 1; m < c->protocol->machines; m++) /* others' references are judged by these */
		for (uint32_t i = 0; i < c->slots[m]; i++)
			((struct step_head *)step_at(&c->node[a], m, i))->gen = 0;
	return o;
}

static uint32_t keep(struct checker_worker *w, const struct checker_outcome *o)
{
	struct checker_outcome *at = checker_array_push(&w->outcome, sizeof *at);
	w->failed |= !at;
	if (at)
		*at = *o;
	return at ? count_of(&w->outcome, sizeof *at) - 1 : 0;
}

const struct checker_outcome *checker_steps_receive(struct checker_worker *w, uint32_t a, uint32_t kernel,
						    uint32_t message)
{
	struct checker *c = w->c;
	const uint64_t key = checker_memo_key(TAG_RECEIVE, a, kernel, message);
	uint64_t at;
	if (!checker_memo_get(&w->memo, key, &at)) {
		struct checker_move move = {.kind = MOVE_CALL,
					    .node = a}; /* received as a call is: it is delivered */
		struct checker_outcome o = {.stalls = true};
		checker_get_message(c, part_of(w, message)->bytes, &move.call);
		checker_steps_load_kernel(w, a, kernel);
		if (!c->model->stall_in_channel ||
		    step_peek(&c->node[a], &move.call, NULL)->kind != STEP_STALL)
			o = run(w, a, &move);
		at = keep(w, &o);
		remember(w, key, at);
	}
	return checker_steps_outcome(w, (uint32_t)at);
}

const struct checker_outcome *checker_steps_call(struct checker_worker *w, uint32_t a, uint32_t kernel,
						 const struct checker_move *move, uint32_t call)
{
	const uint64_t key = checker_memo_key(TAG_CALL, a | move->client << 3, kernel, call);
	uint64_t at;
	if (!checker_memo_get(&w->memo, key, &at)) {
		checker_steps_load_kernel(w, a, kernel);
		const struct checker_outcome o = run(w, a, move);
		at = keep(w, &o);
		remember(w, key, at);
	}
	return checker_steps_outcome(w, (uint32_t)at);
}

struct checker_own checker_steps_own(struct checker_worker *w, uint32_t a, uint32_t kernel)
{
	struct checker *c = w->c;
	uint64_t at = checker_dense_get(&w->own_of[a], kernel);
	if (!at) {
		struct checker_own own = {.at = count_of(&w->outcome, sizeof(struct checker_outcome))};
		struct checker_moves_list l = {.move = w->move};
		checker_steps_load_kernel(w, a, kernel);
		own.crashed = c->shared->crashed[a];
		own.rests = checker_kernel_rests(c, a);
		checker_moves_of_kernel(c, &l, a);
		for (own.count = 0; own.count < l.count; own.count++) {
			checker_steps_load_kernel(w, a, kernel);
			const struct checker_outcome o = run(w, a, &l.move[own.count]);
			own.timers += o.timer;
			keep(w, &o);
		}
		struct checker_own *kept = checker_array_push(&w->own, sizeof own);
		at = count_of(&w->own, sizeof own);
		w->failed |= !kept || checker_dense_put(&w->own_of[a], kernel, at);
		if (!kept)
			return (struct checker_own){0};
		*kept = own;
	}
	return ((const struct checker_own *)(const void *)w->own.at)[at - 1];
}

/* ---- workers ---- */

static int images_init(struct checker_images *images, size_t size)
{
	images->size = (size + 63) & ~(size_t)63;
	images->tag = calloc(IMAGES, sizeof *images->tag);
	images->memory = calloc(IMAGES, images->size);
	return images->tag && images->memory ? 0 : -1;
}

static void images_fini(struct checker_images *images)
{
	free(images->tag);
	free(images->memory);
}

int checker_worker_init(struct checker_worker *w, struct checker_search *s)
{
	const struct checker *c = w->c;
	w->search = s;
	w->ghost_in = PART_FAILED;
	for (uint32_t a = 0; a < NODES; a++)
		w->kernel_in[a] = w->clients_in[a] = PART_FAILED;
	w->move = calloc(MOVES_MAX, sizeof *w->move);
	w->calls.move = calloc(MOVES_MAX, sizeof *w->calls.move);
	return !w->move || !w->calls.move ||
			       images_init(&w->kernel_images, sizeof c->node[0] + c->block_size) ||
			       images_init(&w->client_images, flight_size(c) + c->shadow_size) ||
			       images_init(&w->client_parts,
					   sizeof(struct clients_head) + flight_size(c) + c->shadow_size)
		       ? -1
		       : 0;
}

void checker_worker_fini(struct checker_worker *w)
{
	struct checker_array *const arrays[] = {&w->outcome, &w->send, &w->freed, &w->end, &w->own,
						&w->raw,     &w->maps, &w->signs, &w->text};
	for (uint32_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		checker_array_free(arrays[i]);
	checker_memo_free(&w->memo);
	checker_memo_free(&w->map_index);
	for (uint32_t i = 0; i < POSITIONS_MAX; i++)
		checker_array_free(&w->signs_of[i].array);
	for (uint32_t a = 0; a < NODES; a++)
		checker_array_free(&w->own_of[a].array);
	checker_array_free(&w->pop_of.array);
	checker_array_free(&w->class_of.array);
	checker_memo_free(&w->relabel_index);
	checker_memo_free(&w->turn_index);
	checker_memo_free(&w->turns_index);
	checker_array_free(&w->turns);
	images_fini(&w->kernel_images);
	images_fini(&w->client_images);
	images_fini(&w->client_parts);
	free(w->move);
	free(w->calls.move);
	checker_close(w->c);
}

uint64_t checker_worker_size_bytes(const struct checker_worker *w)
{
	const struct checker_array *const arrays[] = {&w->outcome, &w->send, &w->freed, &w->end, &w->own,
						      &w->raw,     &w->maps, &w->signs, &w->text};
	uint64_t size = (w->memo.size + w->map_index.size + w->relabel_index.size + w->turn_index.size +
			 w->turns_index.size) *
				sizeof *w->memo.entry +
			IMAGES * (w->kernel_images.size + w->client_images.size + w->client_parts.size);
	for (uint32_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		size += arrays[i]->used;
	for (uint32_t i = 0; i < POSITIONS_MAX; i++)
		size += w->signs_of[i].array.used;
	for (uint32_t a = 0; a < NODES; a++)
		size += w->own_of[a].array.used;
	size += w->pop_of.array.used + w->class_of.array.used;
	return size;
}
