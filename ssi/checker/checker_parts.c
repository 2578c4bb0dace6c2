/* ssi/checker/checker_parts.c - arrays that grow, maps of numbers, and the set of parts.
 *
 * A part's bytes and its entry never move, so who has a part's number may read it without the lock: it got the number
 * from a call that took the lock, or from a state that was stored before a barrier. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "ssi/checker/checker_search.h"

/* ---- arrays ---- */

#define MOVED_BYTES (4u << 20)

static char *map_fresh(uint64_t size)
{
	void *p =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

/* Fresh memory is taken from the system only when it is touched, so twice as much as needed costs nothing. What is large
 * is moved by its pages; what is small is copied, for ThreadSanitizer does not know that pages move. */
static char *grow(char *at, uint64_t room, uint64_t wanted)
{
	if (at && room >= MOVED_BYTES) {
		void *p = mremap(at, room, wanted, MREMAP_MAYMOVE);
		return p == MAP_FAILED ? NULL : p;
	}
	char *p = map_fresh(wanted);
	if (p && at) {
		memcpy(p, at, room);
		munmap(at, room);
	}
	return p;
}

void *checker_array_more(struct checker_array *a, uint64_t size)
{
	if (a->used + size > a->room) {
		uint64_t room = a->room ? a->room : 1 << 12;
		while (room < a->used + size)
			room *= 2;
		char *at = grow(a->at, a->room, room);
		if (!at)
			return NULL;
		a->at = at;
		a->room = room;
	}
	return a->at + a->used;
}

void checker_array_free(struct checker_array *a)
{
	if (a->at)
		munmap(a->at, a->room);
	*a = (struct checker_array){0};
}

/* ---- maps ---- */

#define MEMO_FIRST 1024

static int memo_grow(struct checker_memo *m)
{
	const struct checker_memo old = *m;
	const uint64_t size = old.size ? old.size * 2 : MEMO_FIRST;
	void *entry = grow(NULL, 0, size * sizeof *m->entry);
	if (!entry)
		return -ENOMEM;
	*m = (struct checker_memo){.entry = entry, .size = size, .count = old.count};
	for (uint64_t k = 0; k < old.size; k++) {
		if (!old.entry[k].key)
			continue;
		uint64_t i = checker_mix(old.entry[k].key) & (size - 1);
		while (m->entry[i].key)
			i = (i + 1) & (size - 1);
		m->entry[i] = old.entry[k];
	}
	if (old.entry)
		munmap(old.entry, old.size * sizeof *old.entry);
	return 0;
}

int checker_memo_put(struct checker_memo *m, uint64_t key, uint64_t value)
{
	if (m->count * 5 >= m->size * 3 && memo_grow(m))
		return -ENOMEM;
	uint64_t i = checker_mix(key) & (m->size - 1);
	while (m->entry[i].key && m->entry[i].key != key)
		i = (i + 1) & (m->size - 1);
	m->count += !m->entry[i].key;
	m->entry[i] = (struct checker_memo_entry){.key = key, .value = value};
	return 0;
}

/* The array's room is fresh memory, which is zero. */
int checker_dense_put(struct checker_dense *d, uint32_t key, uint64_t value)
{
	const uint64_t end = ((uint64_t)key + 1) * sizeof value;
	if (end > d->array.used) {
		if (!checker_array_more(&d->array, end - d->array.used))
			return -ENOMEM;
		d->array.used = end;
	}
	*(uint64_t *)(void *)(d->array.at + end - sizeof value) = value;
	return 0;
}

void checker_memo_free(struct checker_memo *m)
{
	if (m->entry)
		munmap(m->entry, m->size * sizeof *m->entry);
	*m = (struct checker_memo){0};
}

/* ---- parts ---- */

#define CHUNK_BYTES (1u << 16)

struct chunk_link {
	struct chunk_link *next;
	uint64_t pad;
};

int checker_parts_init(struct checker_parts *p)
{
	*p = (struct checker_parts){.table_size = 1 << 12};
	pthread_mutex_init(&p->lock, NULL);
	p->table = calloc(p->table_size, sizeof *p->table);
	p->block = calloc(PART_BLOCKS, sizeof *p->block);
	if (!p->table || !p->block)
		return -ENOMEM;
	p->block[0] = calloc(PARTS_A_BLOCK, sizeof **p->block);
	p->count = 1;
	return p->block[0] ? 0 : -ENOMEM;
}

void checker_parts_fini(struct checker_parts *p)
{
	for (struct chunk_link *l = p->chunks, *next; l; l = next) {
		next = l->next;
		free(l);
	}
	for (uint32_t i = 0; p->block && i < PART_BLOCKS; i++)
		free(p->block[i]);
	free(p->block);
	free(p->table);
	pthread_mutex_destroy(&p->lock);
}

static uint8_t *take_bytes(struct checker_parts *p, uint32_t length)
{
	if (p->chunk_left < length) {
		struct chunk_link *l = malloc(sizeof *l + CHUNK_BYTES);
		if (!l)
			return NULL;
		l->next = p->chunks;
		p->chunks = l;
		p->chunk = (char *)(l + 1);
		p->chunk_left = CHUNK_BYTES;
		p->bytes += sizeof *l + CHUNK_BYTES;
	}
	uint8_t *at = (uint8_t *)p->chunk;
	p->chunk += length;
	p->chunk_left -= length;
	return at;
}

static int table_grow(struct checker_parts *p)
{
	const uint32_t size = p->table_size * 2;
	uint32_t *table = calloc(size, sizeof *table);
	if (!table)
		return -ENOMEM;
	for (uint32_t id = 1; id < p->count; id++) {
		uint32_t i = (uint32_t)checker_part_at(p, id)->hash & (size - 1);
		while (table[i])
			i = (i + 1) & (size - 1);
		table[i] = id;
	}
	free(p->table);
	p->table = table;
	p->table_size = size;
	return 0;
}

static uint32_t add_part(struct checker_parts *p, const struct checker_part *part)
{
	const uint32_t id = p->count, block = id / PARTS_A_BLOCK;
	if (block == PART_BLOCKS || (p->count * 3 > p->table_size * 2 && table_grow(p)))
		return PART_FAILED;
	if (!p->block[block]) {
		p->block[block] = calloc(PARTS_A_BLOCK, sizeof **p->block);
		p->bytes += PARTS_A_BLOCK * sizeof **p->block;
	}
	uint8_t *bytes = p->block[block] ? take_bytes(p, part->length) : NULL;
	if (!bytes)
		return PART_FAILED;
	memcpy(bytes, part->bytes, part->length);
	p->block[block][id % PARTS_A_BLOCK] = *part;
	p->block[block][id % PARTS_A_BLOCK].bytes = bytes;
	uint32_t i = (uint32_t)part->hash & (p->table_size - 1);
	while (p->table[i])
		i = (i + 1) & (p->table_size - 1);
	p->table[i] = id;
	p->kernels += part->kind == PART_KERNEL;
	return p->count++;
}

uint32_t checker_parts_intern(struct checker_parts *p, enum checker_kind kind, uint32_t count,
			      const struct checker_bytes *b)
{
	const struct checker_part part = {.bytes = b->byte,
					  .length = (uint16_t)b->length,
					  .kind = (uint8_t)kind,
					  .count = (uint8_t)count,
					  .hash = checker_mix(checker_hash(b->byte, b->length) + kind)};
	if (kind == PART_CHANNEL && !count)
		return 0;
	pthread_mutex_lock(&p->lock);
	uint32_t i = (uint32_t)part.hash & (p->table_size - 1), id = 0;
	for (; (id = p->table[i]); i = (i + 1) & (p->table_size - 1)) {
		const struct checker_part *o = checker_part_at(p, id);
		if (o->hash == part.hash && o->kind == kind && o->length == part.length &&
		    !memcmp(o->bytes, part.bytes, part.length))
			break;
	}
	if (!id)
		id = add_part(p, &part);
	pthread_mutex_unlock(&p->lock);
	return id;
}
