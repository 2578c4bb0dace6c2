/* ssi/flat_pages.c - frames, the names of pages, and a client's way over the pages of one call.
 *
 * A file is page 0, its attributes, and page 1 + p for its p-th 4 KiB. All of them are kept coherent by the memory
 * protocol, so a size is as coherent as a byte. A client uses one page at a time, at the moment in which the
 * protocol grants it. Their bytes are frames (ssi/frames.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "ssi/flat_internal.h"

#define RELEASES_AT_ONCE 128 /* events raised before they are run */

#define PAGE_NUMBER 16 /* bits of a page's number in its file */

struct attributes { /* the content of page 0 */
	uint64_t size, high, changes;
};
_Static_assert(sizeof(struct attributes) <= FRAME_SMALL_BYTES, "attributes fit a small frame");

int flat_pages_init(struct flat_machine *m)
{
	for (unsigned k = 1; k < memory_msi.machines; k++)
		for (const struct step_field *f = memory_msi.machine[k].fields(); f->name; f++)
			if (f->kind == STEP_K_DATA)
				m->data_offset[k] = f->offset;
	/* Each copy that counts is at the home, at one owner, or on its way between them. */
	const uint64_t copies = m->config.pages_max * 3 + m->clusters * 4 + 1024;
	uint64_t letters = 0; /* at each end, and on their way */
	for (uint32_t i = 0; m->protocol[FLAT_RELAY] && i < m->clusters; i++)
		letters += m->config.clients[i] * 6ull;
	for (uint32_t i = 0; i < m->shards; i++)
		if (frames_init(&m->shard[i].frames, copies + letters, copies))
			return -ENOMEM;
	return ssi_table_init(&m->initial, 0);
}

/* ---- frames on their way ---- */

static void outbox_grow(struct flat_outbox *o)
{
	struct flat_outbox bigger = {.size = o->size ? o->size * 2 : 16, .next = o->next};
	bigger.slot = calloc(bigger.size, sizeof *bigger.slot);
	SIM_CHECK(bigger.slot != NULL);
	for (uint32_t i = 0; i < o->size; i++)
		if (o->slot[i].frame)
			bigger.slot[o->slot[i].number & (bigger.size - 1)] = o->slot[i];
	free(o->slot);
	*o = bigger;
}

uint32_t flat_outbox_put(struct flat_outbox *o, uint32_t frame)
{
	while (!o->size || o->slot[o->next & (o->size - 1)].frame)
		outbox_grow(o);
	o->slot[o->next & (o->size - 1)].number = o->next;
	o->slot[o->next & (o->size - 1)].frame = frame + 1;
	return o->next++;
}

uint32_t flat_outbox_take(struct flat_outbox *o, uint32_t number)
{
	const uint32_t i = number & (o->size - 1);
	SIM_CHECK(o->size && o->slot[i].frame && o->slot[i].number == number);
	uint32_t frame = o->slot[i].frame - 1;
	o->slot[i].frame = 0;
	return frame;
}

/* ---- names of pages ---- */

step_ref flat_page_name(const struct flat_machine *m, uint32_t file, uint32_t page)
{
	uint64_t number = (uint64_t)file << PAGE_NUMBER | page;
	return (step_ref){.node = m->config.service,
			  .machine = MSI_DIR,
			  .gen = number >> 28,
			  .index = number & ((1u << 28) - 1)};
}

uint32_t flat_file_of_page(step_ref name)
{
	return (uint32_t)(((uint64_t)name.gen << 28 | name.index) >> PAGE_NUMBER);
}

static uint32_t initial_attributes(struct frames *frames, const struct names_node *node)
{
	if (!node->size)
		return 0;
	uint32_t frame = frames_new(frames, true);
	const struct attributes a = {.size = node->size, .high = node->size};
	memcpy(frames_bytes(frames, frame), &a, sizeof a);
	return frame;
}

static void initial_bytes(const struct names_node *node, uint32_t page, unsigned char *bytes)
{
	const uint64_t at = (uint64_t)page * FLAT_PAGE_BYTES;
	const uint64_t left = node->size > at ? node->size - at : 0;
	for (uint64_t i = 0; i < FLAT_PAGE_BYTES / 8; i++) {
		uint64_t word = flat_content(node->seed, at / 8 + i);
		memcpy(bytes + i * 8, &word, 8);
	}
	if (left < FLAT_PAGE_BYTES)
		memset(bytes + left, 0, FLAT_PAGE_BYTES - left);
}

/* Equal seeds give equal files, so one frame serves all trees that began with the same file. */
static uint32_t initial_content(struct flat_machine *m, const struct names_node *node, uint32_t page)
{
	struct frames *frames = &m->cluster[m->config.service].shard->frames;
	const uint64_t at = (uint64_t)page * FLAT_PAGE_BYTES;
	if (at >= node->size || !node->seed)
		return 0;
	const bool whole = node->size - at >= FLAT_PAGE_BYTES;
	const uint64_t key = (node->seed ^ (uint64_t)page * 0xd6e8feb86659fd93u) | 1;
	uint64_t known = whole ? ssi_table_find(&m->initial, key) : SSI_TABLE_NONE;
	if (known != SSI_TABLE_NONE)
		return frames_copy(frames, (uint32_t)known);
	uint32_t frame = frames_new(frames, false);
	initial_bytes(node, page, frames_bytes(frames, frame));
	if (whole)
		SIM_CHECK(ssi_table_put(&m->initial, key, frames_copy(frames, frame)) == 0);
	return frame;
}

uint32_t flat_frame_initial(struct flat_machine *m, step_ref name)
{
	const uint64_t number = (uint64_t)name.gen << 28 | name.index;
	const uint32_t file = (uint32_t)(number >> PAGE_NUMBER), page = number & ((1u << PAGE_NUMBER) - 1);
	SIM_CHECK(file < m->names.nodes);
	struct names_node *node = &m->names.node[file];
	if (node->pages <= page)
		node->pages = page + 1;
	if (node->kind != NAMES_FILE && page)
		return 0;
	return page ? initial_content(m, node, page - 1)
		    : initial_attributes(&m->cluster[m->config.service].shard->frames, node);
}

/* The file is no more: its pages leave every cluster. */
void flat_release(struct flat_machine *m, uint32_t file)
{
	struct step_node *home = flat_node(m, m->config.service, FLAT_MEMORY);
	flat_set_chain(home, (struct flat_chain){0});
	for (uint32_t page = 0; page < m->names.node[file].pages; page++) {
		const struct step_msg release = {.event = msi_calls.release,
						 .protocol = FLAT_MEMORY,
						 .to = STEP_BY_NAME(home->id, MSI_DIR),
						 .from = STEP_REF(home->id, STEP_CLIENT, FLAT_BACKGROUND),
						 .arg = flat_page_name(m, file, page)};
		flat_raise(home, &release);
		if (home->tail - home->head > RELEASES_AT_ONCE) {
			flat_run_raised(home);
		}
	}
}

/* ---- making room ---- */

/* Evicts a page that is at rest, the next one round; none may be. */
static void evict_one(struct flat_cluster *c)
{
	struct step_node *n = &c->node[FLAT_MEMORY];
	const struct step_pool *pool = &n->pool[MSI_LINE];
	for (uint32_t tries = 0; tries < pool->used; tries++) {
		uint32_t slot = c->evict_hand++ % pool->used;
		const struct step_head *head = step_at(n, MSI_LINE, slot);
		if (!(memory_msi.machine[MSI_LINE].usable >> head->state & 1))
			continue;
		flat_deliver(n, &(struct step_msg){.event = msi_calls.evict,
						   .protocol = FLAT_MEMORY,
						   .to = STEP_BY_NAME(c->id, MSI_LINE),
						   .arg = c->line_name[slot],
						   .from = STEP_REF(c->id, STEP_CLIENT, FLAT_BACKGROUND)});
		return;
	}
}

/* ---- one call's pages ---- */

static void phase_set(struct flat_pages *p, enum flat_phase phase, uint64_t at, uint64_t end)
{
	p->phase = (uint8_t)phase, p->at = at, p->end = end;
}

/* What follows once the attributes are known. */
static void plan(const struct flat_call *call, struct flat_pages *p, struct flat_result *result)
{
	const uint64_t end = call->offset + call->length;
	uint64_t readable;
	switch (call->op) {
	case FLAT_READ:
		readable = call->offset < p->size ? p->size - call->offset : 0;
		result->value = readable < call->length ? readable : call->length;
		phase_set(p, result->value ? PHASE_DATA : PHASE_END, call->offset,
			  call->offset + result->value);
		return;
	case FLAT_WRITE:
		result->value = call->length;
		if (call->length && call->offset > p->size && p->size < p->high)
			phase_set(p, PHASE_CLEAR, p->size, call->offset < p->high ? call->offset : p->high);
		else
			phase_set(p, call->length ? PHASE_DATA : PHASE_END, call->offset, end);
		return;
	case FLAT_TRUNCATE:
		if (call->length > p->size && p->size < p->high)
			phase_set(p, PHASE_CLEAR, p->size, call->length < p->high ? call->length : p->high);
		else
			phase_set(p, PHASE_GROW, 0, 0);
		return;
	default:
		result->value = p->size;
		phase_set(p, PHASE_END, 0, 0);
	}
}

static void advance(const struct flat_call *call, struct flat_pages *p)
{
	const uint64_t end = call->offset + call->length;
	if (p->at < p->end)
		return;
	if (p->phase == PHASE_CLEAR && call->op == FLAT_WRITE)
		phase_set(p, PHASE_DATA, call->offset, end);
	else if (p->phase == PHASE_CLEAR)
		phase_set(p, PHASE_GROW, 0, 0);
	else if (p->phase == PHASE_DATA && call->op == FLAT_WRITE && (end > p->size || end > p->high))
		phase_set(p, PHASE_GROW, 0, 0);
	else
		p->phase = PHASE_END;
}

/* The attributes that the call leaves. Another writer may have been faster: what it made larger stays. */
static void change_attributes(const struct flat_call *call, struct attributes *a)
{
	const uint64_t end = call->offset + call->length;
	a->changes++;
	if (call->op == FLAT_OPEN) {
		a->size = 0;
	} else if (call->op == FLAT_TRUNCATE) {
		a->size = call->length;
	} else if (call->op == FLAT_WRITE) {
		a->size = a->size > end ? a->size : end;
		a->high = a->high > end ? a->high : end;
	}
}

static bool changes_at_once(const struct flat_call *call)
{
	return (call->op == FLAT_OPEN && call->truncate) || call->op == FLAT_SETATTR;
}

static void touch_attributes(struct frames *frames, struct flat_client *k, uint32_t *frame)
{
	struct flat_pages *p = &k->pages;
	struct attributes a;
	memcpy(&a, frames_bytes(frames, *frame), sizeof a);
	if (p->write) {
		change_attributes(&k->call, &a);
		memcpy(frames_own(frames, frame, true, false), &a, sizeof a);
	}
	if (p->phase == PHASE_GROW) {
		p->phase = PHASE_END;
		return;
	}
	p->size = a.size, p->high = a.high;
	plan(&k->call, p, &k->result);
}

static void client_bytes(struct flat_cluster *c, uint32_t client, uint64_t at, unsigned char *bytes,
			 uint32_t length)
{
	const struct flat_driver *driver = &c->machine->config.driver;
	struct flat_profile *profile = c->profile;
	const unsigned was =
		flat_enter(profile, FLAT_CAUSE_COPY); /* they stand for the copy out of the page cache */
	driver->bytes(driver->context, c->id, client, &c->client[client].call, at, bytes, length);
	flat_leave(profile, was);
}

static void touch_data(struct flat_cluster *c, uint32_t client, uint32_t *frame)
{
	struct flat_machine *m = c->machine;
	struct frames *frames = &c->shard->frames;
	struct flat_client *k = &c->client[client];
	struct flat_pages *p = &k->pages;
	const uint64_t in_page = p->at % FLAT_PAGE_BYTES, left = p->end - p->at;
	const uint32_t length =
		(uint32_t)(left < FLAT_PAGE_BYTES - in_page ? left : FLAT_PAGE_BYTES - in_page);
	const bool keep =
		length < FLAT_PAGE_BYTES || m->config.rewrites; /* else no byte of the old page is left */
	unsigned char *bytes =
		p->write ? frames_own(frames, frame, false, keep) : frames_bytes(frames, *frame);
	bytes += in_page;
	if (p->phase == PHASE_CLEAR)
		memset(bytes, 0, length);
	else
		client_bytes(c, client, p->at, bytes, length);
	flat_charged(c->profile, SIM_COST_COPY_KIB, length);
	flat_charge_monitor(&c->node[FLAT_MEMORY], m->cost.cycles[SIM_COST_COPY_KIB] * length / 1024);
	p->at += length;
	advance(&k->call, p);
}

static bool may_go_on(struct flat_cluster *c, struct flat_client *k)
{
	const struct flat_handle *handle = k->call.handle;
	if (!handle || k->call.op == FLAT_OPEN)
		return true;
	const struct step_head *cap = step_lookup(&c->node[FLAT_CAPABILITY], handle->cap);
	if (!cap ||
	    !(c->machine->protocol[FLAT_CAPABILITY]->machine[CAPABILITY_CAP].usable >> cap->state & 1))
		return false;
	flat_use(c, handle->grant);
	return true;
}

/* The protocol grants the page that the client asked for: it uses it now, in the same step. */
void flat_pages_granted(struct flat_cluster *c, struct step_node *n, uint32_t client, uint32_t result,
			step_ref line)
{
	struct flat_machine *m = flat_machine_of(n);
	struct flat_client *k = &c->client[client];
	struct flat_pages *p = &k->pages;
	p->granted = true;
	flat_sync(n);
	if (result || !may_go_on(c, k)) {
		k->result.error = result ? ENOMEM : EBADF;
		p->phase = PHASE_END;
	} else {
		char *machine = step_lookup(n, line);
		uint32_t *frame = (uint32_t *)(machine + m->data_offset[MSI_LINE]);
		if (p->phase == PHASE_SIZE || p->phase == PHASE_GROW)
			touch_attributes(&c->shard->frames, k, frame);
		else
			touch_data(c, client, frame);
	}
	if (p->touching)
		return; /* at once: flat_pages_go_on() goes on */
	struct flat_shard *s = c->shard;
	flat_end(n, &k->page_task, result != 0);
	flat_grow((void **)&s->resume, s->resume_count, &s->resume_room, sizeof *s->resume);
	s->resume[s->resume_count++] = client;
}

static void ask_for_page(struct flat_cluster *c, uint32_t client)
{
	struct flat_machine *m = c->machine;
	struct flat_client *k = &c->client[client];
	struct flat_pages *p = &k->pages;
	struct step_node *n = &c->node[FLAT_MEMORY];
	const bool data = p->phase == PHASE_DATA || p->phase == PHASE_CLEAR;
	p->write = p->phase == PHASE_SIZE ? changes_at_once(&k->call) : !(data && k->call.op == FLAT_READ);
	const enum flat_op op = p->write ? FLAT_WRITE_MISS : FLAT_READ_MISS;
	const uint32_t page = data ? (uint32_t)(p->at / FLAT_PAGE_BYTES) + 1 : 0;
	if (c->lines_live >= m->config.cache_pages)
		evict_one(c);
	n->host_half = flat_host_half(k->call.op, op);
	flat_charged(c->profile, SIM_COST_TRANSLATE, 1);
	flat_charge_monitor(n, m->cost.cycles[SIM_COST_TRANSLATE]);
	flat_begin(n, &k->page_task, STEP_NOBODY, DOING_PAGES, op);
	p->granted = false;
	p->touching = true;
	flat_deliver(n, &(struct step_msg){.event = p->write ? msi_calls.write : msi_calls.read,
					   .protocol = FLAT_MEMORY,
					   .host = flat_host_half(k->call.op, op),
					   .to = STEP_BY_NAME(c->id, MSI_LINE),
					   .from = STEP_REF(c->id, STEP_CLIENT, client),
					   .arg = flat_page_name(m, p->file, page)});
	p->touching = false;
}

void flat_pages_go_on(struct flat_cluster *c, uint32_t client)
{
	struct flat_client *k = &c->client[client];
	while (k->pages.phase != PHASE_END) {
		ask_for_page(c, client);
		if (!k->pages.granted)
			return;
	}
	k->task.doing = DOING_NOTHING;
	flat_answer(c, &c->node[FLAT_MEMORY], k->task.waiter, k->result.error, 0);
}

void flat_pages_begin(struct flat_cluster *c, uint32_t client, step_ref waiter)
{
	struct flat_client *k = &c->client[client];
	struct step_node *n = &c->node[FLAT_MEMORY];
	n->host_word = c->node[FLAT_FILE].host_word;
	k->task = (struct flat_task){.doing = DOING_PAGES, .waiter = waiter};
	k->pages = (struct flat_pages){
		.phase = PHASE_SIZE,
		.file = k->call.handle && k->call.op != FLAT_OPEN ? k->call.handle->file : k->reply.file};
	if (!may_go_on(c, k)) {
		k->result.error = EBADF;
		k->pages.phase = PHASE_END;
	} else if (k->call.op != FLAT_OPEN &&
		   (k->call.offset + k->call.length) >> PAGE_NUMBER >= FLAT_PAGE_BYTES - 1) {
		k->result.error = EFBIG;
		k->pages.phase = PHASE_END;
	}
	flat_pages_go_on(c, client);
}

/* The bytes of a page as its owner, or else its home, has them. NULL: nobody ever asked for it. */
static const unsigned char *current_bytes(struct flat_machine *m, uint32_t file, uint32_t page)
{
	struct flat_cluster *home = &m->cluster[m->config.service];
	const struct step_node *n = &home->node[FLAT_MEMORY];
	const uint64_t found = ssi_table_find(&home->dirs, step_ref_word(flat_page_name(m, file, page)));
	struct frames *frames = &home->shard->frames;
	uint32_t frame;
	if (found == SSI_TABLE_NONE)
		return NULL;
	const char *dir = step_at(n, MSI_DIR, (uint32_t)found);
	const step_ref owner = msi_owner(dir);
	const char *at = dir + m->data_offset[MSI_DIR];
	if (owner.machine) {
		const char *line = step_lookup(&m->cluster[owner.node].node[FLAT_MEMORY], owner);
		SIM_CHECK(line != NULL);
		at = line + m->data_offset[MSI_LINE];
		frames = &m->cluster[owner.node].shard->frames;
	}
	memcpy(&frame, at, sizeof frame);
	return frames_bytes(frames, frame);
}

static int file_of(const struct flat_machine *m, uint32_t tree, const struct flat_path *path, uint32_t *file)
{
	struct names_place place;
	int error = names_walk(&m->names, tree, path, true, &place);
	*file = place.node;
	return error ? error : place.node == NAMES_NONE ? ENOENT : 0;
}

int flat_peek(struct flat_machine *m, uint32_t tree, const struct flat_path *path, uint32_t page,
	      unsigned char *bytes)
{
	uint32_t file;
	int error = file_of(m, tree, path, &file);
	if (error)
		return error;
	const unsigned char *found = current_bytes(m, file, page + 1);
	if (found)
		memcpy(bytes, found, FLAT_PAGE_BYTES);
	else
		initial_bytes(&m->names.node[file], page, bytes);
	return 0;
}

int flat_peek_size(struct flat_machine *m, uint32_t tree, const struct flat_path *path, uint64_t *size)
{
	uint32_t file;
	struct attributes a;
	int error = file_of(m, tree, path, &file);
	if (error)
		return error;
	*size = m->names.node[file].size;
	const unsigned char *found = current_bytes(m, file, 0);
	if (found) {
		memcpy(&a, found, sizeof a);
		*size = a.size;
	}
	return 0;
}
