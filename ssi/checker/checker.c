/* ssi/checker/checker.c - one search from its options to its result. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include "ssi/checker/checker_script.h"
#include "ssi/checker/checker_search.h"

#define THREADS_MAX 64

/* ---- memory ---- */

static uint64_t memory_free_bytes(void)
{
	char line[128];
	unsigned long long kib = 0;
	FILE *f = fopen("/proc/meminfo", "r");
	while (f && fgets(line, sizeof line, f))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib ? kib << 10 : 8ull << 30;
}

static uint32_t threads_of(const struct checker_options *o)
{
	cpu_set_t set;
	uint32_t threads = o->threads;
	if (!threads && !sched_getaffinity(0, sizeof set, &set))
		threads = (uint32_t)CPU_COUNT(&set);
	return !threads ? 1 : threads > THREADS_MAX ? THREADS_MAX : threads;
}

static int take_memory(struct checker_search *s, const struct step_protocol *protocol,
		       struct checker_result *r)
{
	const struct checker_options *o = s->options;
	int rc = 0;
	s->memory_max = o->memory_max ? o->memory_max : memory_free_bytes() / 4 * 3;
	s->worker = calloc(threads_of(o), sizeof *s->worker);
	if (!s->worker || checker_parts_init(&s->parts) || checker_store_init(&s->store))
		return -ENOMEM;
	for (uint32_t i = 0; i < threads_of(o) && !rc; i++) {
		struct checker_worker *w = &s->worker[i];
		rc = checker_open(&w->c, protocol, o, r->why, sizeof r->why);
		if (rc)
			break;
		s->workers++;
		w->c->names = &s->names;
		rc = checker_worker_init(w, s) ? -ENOMEM : 0;
	}
	return rc;
}

static void give_memory(struct checker_search *s)
{
	struct checker_array *const arrays[] = {&s->level, &s->next, &s->edges, &s->sleep, &s->next_sleep};
	for (uint32_t i = 0; i < s->workers; i++)
		checker_worker_fini(&s->worker[i]);
	for (uint32_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
		checker_array_free(arrays[i]);
	for (uint32_t i = 0; i < CHUNKS; i++) {
		checker_array_free(&s->chunk[i].candidate);
		checker_array_free(&s->chunk[i].bytes);
		checker_array_free(&s->chunk[i].order);
	}
	checker_store_fini(&s->store);
	checker_parts_fini(&s->parts);
	pthread_mutex_destroy(&s->names.lock);
	pthread_mutex_destroy(&s->met_lock);
	free(s->worker);
	free(s);
}

/* ---- the counter-example ---- */

struct way {
	struct checker_search *s;
	uint32_t *number;
};

/* Whether c's world is a relabelling of the way's state. */
static bool reached(void *context, struct checker *c, uint32_t step)
{
	const struct way *way = context;
	struct checker_worker *w = &way->s->worker[0];
	uint8_t world[PACK_MAX], bytes[VECTOR_MAX];
	struct checker_vector v;
	uint32_t orbit, length;
	checker_pack(c, world);
	checker_unpack(w->c, world);
	checker_vector_of_world(w, &v, &orbit);
	const uint8_t *wanted = checker_store_bytes(&way->s->store, way->number[step - 1], &length);
	return checker_vector_encode(way->s, &v, bytes) == length && !memcmp(bytes, wanted, length);
}

static int make_script(struct checker_search *s, const struct step_protocol *protocol)
{
	struct checker_result *r = s->result;
	struct checker *c = NULL;
	uint32_t depth = 0;
	for (uint32_t u = s->wrong; checker_store_parent(&s->store, u);
	     u = checker_store_parent(&s->store, u))
		depth++;
	struct way way = {.s = s, .number = calloc(depth + 1, sizeof *way.number)};
	int rc = way.number ? checker_open(&c, protocol, s->options, r->why, sizeof r->why) : -ENOMEM;
	for (uint32_t i = depth, u = s->wrong; !rc && i-- > 0; u = checker_store_parent(&s->store, u))
		way.number[i] = u;
	/* What the model says of a state it says when the step to it is over. */
	const bool one_more = !s->wrong_is_state && !s->wrong_is_trap, unfit = s->wrong_is_unfit;
	depth -= unfit;
	if (!rc) {
		c->names = &s->names;
		rc = checker_script_make(c,
					 &(struct checker_way){.steps = depth,
							       .end = one_more || unfit  ? SCRIPT_END_STEP
								      : s->wrong_is_trap ? SCRIPT_END_STATE
											 : SCRIPT_END_REST,
							       .why = r->why,
							       .reached = reached,
							       .context = &way},
					 &r->script);
	}
	if (!rc)
		snprintf(r->why, sizeof r->why, "%s", r->script->why);
	r->depth = r->counterexample_steps = depth + one_more + unfit;
	checker_close(c);
	free(way.number);
	return rc;
}

/* ---- the result ---- */

static void count_cells(struct checker_search *s)
{
	struct checker *c = s->c;
	const struct step_protocol *p = c->protocol;
	struct checker_result *r = s->result;
	for (uint32_t m = 1; m < p->machines; m++)
		for (uint32_t i = 0; i < (p->machine[m].states + 1) * p->events; i++) {
			for (uint32_t w = 1; w < s->workers; w++)
				c->visited[m][i] |= s->worker[w].c->visited[m][i];
			r->cells += p->machine[m].table[i].kind != STEP_NEVER;
			r->cells_visited += c->visited[m][i];
		}
	for (uint32_t w = 0; w < s->workers; w++) {
		const struct checker *o = s->worker[w].c;
		r->sends_max = o->sends_max > r->sends_max ? o->sends_max : r->sends_max;
		r->cells_max = o->cells_max > r->cells_max ? o->cells_max : r->cells_max;
	}
}

static int compare_met(const void *a, const void *b)
{
	const struct checker_met *x = a, *y = b;
	return strcmp(x->text, y->text);
}

static int judge(struct checker_search *s, const struct step_protocol *protocol)
{
	struct checker_result *r = s->result;
	qsort(r->met, r->mets, sizeof *r->met, compare_met); /* threads met them in any order */
	if (s->wrong)
		r->end = CHECKER_VIOLATED;
	else if (s->c->crash && r->end == CHECKER_CLOSED)
		r->end = CHECKER_UNJUDGED;
	if (r->end == CHECKER_CLOSED && !s->options->no_quiescence) {
		if (checker_quiescence(s))
			return -ENOMEM;
		r->quiescence = !s->wrong;
		if (s->wrong) {
			r->end = CHECKER_VIOLATED;
			snprintf(r->why, sizeof r->why,
				 "no quiescence: what is under way never comes to an end, whatever happens "
				 "next");
		}
	}
	return r->end == CHECKER_VIOLATED ? make_script(s, protocol) : 0;
}

static int make_result(struct checker_search *s, const struct step_protocol *protocol)
{
	struct checker_result *r = s->result;
	r->states = checker_store_states(&s->store);
	r->bytes = checker_search_size_bytes(s);
	r->threads = s->workers;
	r->kernels_seen = s->parts.kernels;
	count_cells(s);
	if (r->cells_visited < r->cells) {
		r->unvisited = checker_print_unvisited(s->c);
		if (!r->unvisited)
			return -ENOMEM;
	}
	if (s->options->audit && !s->exchanges && checker_audit(s, protocol))
		return -ENOMEM;
	const int rc = judge(s, protocol);
	r->seconds = checker_seconds(s);
	return rc;
}

static int run(struct checker_search *s, const struct step_protocol *protocol)
{
	struct checker_result *r = s->result;
	int rc = take_memory(s, protocol, r);
	if (rc)
		return rc;
	checker_search_shape(s);
	rc = checker_search_run(s);
	if (s->c->misfit[0])
		snprintf(r->why, sizeof r->why, "%s", s->c->misfit);
	return rc ? rc : make_result(s, protocol);
}

int checker_run(const struct step_protocol *protocol, const struct checker_options *options,
		struct checker_result *result)
{
	static const struct checker_options none;
	*result = (struct checker_result){0};
	struct checker_search *s = aligned_alloc(64, (sizeof *s + 63) / 64 * 64);
	if (!s)
		return -ENOMEM;
	memset(s, 0, sizeof *s);
	s->options = options ? options : &none;
	s->result = result;
	pthread_mutex_init(&s->names.lock, NULL);
	pthread_mutex_init(&s->met_lock, NULL);
	clock_gettime(CLOCK_MONOTONIC, &s->start);
	const int rc = run(s, protocol);
	give_memory(s);
	if (rc)
		checker_result_fini(result);
	return rc;
}

void checker_result_fini(struct checker_result *result)
{
	script_free(result->script);
	free(result->unvisited);
	result->script = NULL;
	result->unvisited = NULL;
}
