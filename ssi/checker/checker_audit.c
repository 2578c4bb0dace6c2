/* ssi/checker/checker_audit.c - the classes of the states of a search without symmetry, counted one by one: as many as a
 * search with symmetry visits, if that loses nothing and reduces all that it should. For tests. */
#include <errno.h>
#include <stdlib.h>
#include "ssi/checker/checker_search.h"

struct audit {
	struct checker_search s;
	struct checker_worker worker;
	struct checker_options options;
};

static void load_channels(struct checker_worker *w, const struct checker_vector *v)
{
	const struct checker_search *s = w->search;
	struct checker *c = w->c;
	for (uint32_t x = 0; x < s->nodes; x++)
		for (uint32_t y = 0; y < s->nodes; y++) {
			const uint32_t id = v->id[s->channel_at + x * s->nodes + y];
			uint32_t count = 0;
			if (id)
				checker_get_channel(c, checker_part_at(&s->parts, id)->bytes,
						    c->channel[x][y], &count);
			c->shared->first[x][y] = 0;
			c->shared->count[x][y] = (uint8_t)count;
		}
}

/* A state of the search, as a vector of the audit. */
static int see_state(struct checker_worker *from, struct audit *a, const uint8_t *bytes, uint32_t length)
{
	struct checker_vector v;
	uint8_t world[PACK_MAX], out[VECTOR_MAX];
	uint32_t orbit, number;
	checker_vector_decode(from->search, bytes, length, &v);
	checker_load_vector(from, &v);
	load_channels(from, &v);
	checker_pack(from->c, world);
	checker_unpack(a->worker.c, world);
	checker_vector_of_world(&a->worker, &v, &orbit);
	const uint32_t size = checker_vector_encode(&a->s, &v, out);
	return checker_store_insert(&a->s.store, v.hash, out, size, 0, &number) < 0 ? -ENOMEM : 0;
}

static int see_states(struct checker_search *s, struct audit *a)
{
	for (uint32_t i = 0; i < STORE_SHARDS; i++) {
		const uint32_t end = (uint32_t)(s->store.shard[i].arena.used / STATE_UNIT);
		for (uint32_t unit = 1, length; unit < end; unit += checker_store_units(length)) {
			const uint8_t *bytes =
				checker_store_bytes(&s->store, i << STATE_BITS | unit, &length);
			const int rc = see_state(&s->worker[0], a, bytes, length);
			if (rc)
				return rc;
		}
	}
	return a->worker.failed ? -ENOMEM : 0;
}

int checker_audit(struct checker_search *s, const struct step_protocol *protocol)
{
	struct audit *a = aligned_alloc(64, (sizeof *a + 63) / 64 * 64);
	char why[256];
	if (!a)
		return -ENOMEM;
	memset(a, 0, sizeof *a);
	a->options = *s->options;
	a->options.no_symmetry = false;
	a->s.options = &a->options;
	a->s.worker = &a->worker;
	int rc = checker_open(&a->worker.c, protocol, &a->options, why, sizeof why);
	if (!rc && (checker_worker_init(&a->worker, &a->s) || checker_parts_init(&a->s.parts) ||
		    checker_store_init(&a->s.store)))
		rc = -ENOMEM;
	if (!rc) {
		a->worker.c->names = &s->names;
		checker_search_shape(&a->s);
		rc = checker_expand_init(&a->s) ? -ENOMEM : 0;
		checker_symmetry_init(&a->s);
		rc = rc ? rc : see_states(s, a);
		s->result->classes = checker_store_states(&a->s.store);
	}
	checker_store_fini(&a->s.store);
	checker_parts_fini(&a->s.parts);
	checker_worker_fini(&a->worker);
	free(a);
	return rc;
}
