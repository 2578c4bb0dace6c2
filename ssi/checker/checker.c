/* ssi/checker/checker.c - the search: breadth first over packed states.
 *
 * The store keeps states in the order in which they were found, so the frontier is its tail. The successors of a
 * state are first made and their table entries fetched, then inserted.
 *
 * A step that is wrong is found one level earlier than a deadlock of the same depth. So after a wrong step the
 * rest of its level is still looked at for deadlocks, which would be a shorter counter-example. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "ssi/checker/checker_script.h"

#define STATES_MAX (50ull * 1000 * 1000)
#define MEMORY_MAX (8ull << 30)

struct search {
	struct checker *c;
	const struct checker_options *options;
	struct checker_result *result;
	struct timespec start;
	double shown;
	uint64_t expanded;
	uint32_t level_end; /* first unit of the next level */
	uint32_t wrong;     /* the state whose next step is wrong, or 0 */
	struct checker_move move[MOVES_MAX];
	uint32_t length[MOVES_MAX], orbit[MOVES_MAX];
	uint64_t hash[MOVES_MAX];
	uint8_t bytes[MOVES_MAX][PACK_MAX];
};

static double seconds_since(const struct timespec *start)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - start->tv_sec) + 1e-9 * (double)(now.tv_nsec - start->tv_nsec);
}

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
	return kib ? kib << 10 : MEMORY_MAX;
}

static uint64_t memory_bound(const struct checker_options *o)
{
	if (o->memory_max)
		return o->memory_max;
	const uint64_t most = memory_free_bytes() / 4 * 3;
	return most < MEMORY_MAX ? most : MEMORY_MAX;
}

/* Where each node's slots, links, parked messages and names lie in the image; its size. */
static size_t lay_out(struct checker *c)
{
	size_t size = (sizeof *c->shared + 15) & ~(size_t)15;
	for (uint32_t a = 0; a < c->nodes; a++) {
		struct step_node *n = &c->node[a];
		for (uint32_t m = 1; m < c->protocol->machines; m++) {
			n->pool[m].base = c->image + size;
			size += (size_t)c->slots[m] * c->protocol->machine[m].size;
			size = (size + 7) & ~(size_t)7;
			c->name[a][m] = (step_ref *)(void *)(c->image + size);
			size += c->protocol->machine[m].named ? c->slots[m] * sizeof(step_ref) : 0;
		}
		const struct step_shadow *shadow = &c->model->shadow;
		c->shadow[a] = c->image + size;
		size += shadow->machine ? (size_t)c->slots[shadow->machine] * shadow->size : 0;
		n->link = (struct step_link *)(void *)(c->image + size);
		size += c->links * sizeof *n->link;
		n->park = (struct step_parked *)(void *)(c->image + size);
		size += c->parks * sizeof *n->park;
	}
	return size;
}

static int take_memory(struct checker *c)
{
	for (uint32_t m = 1; m < c->protocol->machines; m++) {
		c->visited[m] = calloc(c->protocol->machine[m].states + 1, c->protocol->events);
		if (!c->visited[m])
			return -ENOMEM;
	}
	/* Laid out twice: first to learn the size. */
	static char nowhere[1];
	c->image = nowhere;
	c->image_size = lay_out(c);
	c->image = calloc(1, c->image_size);
	c->saved = calloc(1, c->image_size + c->nodes * sizeof *c->node);
	if (!c->image || !c->saved)
		return -ENOMEM;
	lay_out(c);
	c->shared = (struct checker_shared *)(void *)c->image;
	c->world.nodes = c->nodes;
	c->world.node = c->node;
	c->world.call = c->shared->call;
	c->world.flight = c->shared->flight[0];
	c->world.clients = CLIENTS_MAX;
	c->world.ghost = c->shared->ghost;
	c->world.shadow = c->shadow;
	c->world.shadow_size = c->model->shadow.size;
	return 0;
}

void checker_close(struct checker *c)
{
	if (!c)
		return;
	checker_store_fini(&c->store);
	for (uint32_t m = 0; m < STEP_MACHINES_MAX; m++)
		free(c->visited[m]);
	free(c->image);
	free(c->saved);
	free(c);
}

/* ---- configuration ---- */

static uint32_t either(uint32_t asked, uint32_t own) { return asked ? asked : own; }

static uint32_t kept_promises(const struct step_protocol *p)
{
	uint32_t mask = 0;
	for (uint32_t i = 0; p->promises && p->promises[i].name; i++)
		mask |= (uint32_t)(p->promises[i].kept && !p->promises[i].apart) << i;
	return mask;
}

static const char *configure(struct checker *c, const struct step_protocol *p,
			     const struct checker_options *o)
{
	const char *why = step_protocol_check(p);
	if (why || !p->model)
		return why ? why : "the protocol has no model";
	c->protocol = p;
	c->model = p->model;
	c->nodes = either(o->kernels, p->model->nodes);
	c->flight = either(o->flight, p->model->flight);
	c->world.objects = either(o->objects, p->model->objects);
	c->world.capabilities = either(o->capabilities, p->model->capabilities);
	c->world.judged = either(o->judged, kept_promises(p));
	c->clients = either(o->clients, 1);
	c->parks = o->parks ? o->parks : c->nodes * c->clients;
	c->local_errors = p->model->local_errors && !o->no_local_errors;
	c->links = 2 * c->nodes;
	if (c->nodes < 1 || c->nodes > NODES)
		return "the checker explores at most 5 kernels";
	if (c->clients > CLIENTS_MAX)
		return "the checker explores at most 2 clients a kernel";
	for (uint32_t m = 1; m < p->machines; m++) {
		c->slots[m] = either(o->slots[m], p->model->slots[m]);
		c->links += 2 * c->nodes * c->slots[m];
		if (!c->slots[m] || c->slots[m] > 16 || p->machine[m].states > 63)
			return "a machine has no slot, more than 16 slots, or more than 63 states";
	}
	return NULL;
}

static void make_nodes(struct checker *c)
{
	for (uint32_t a = 0; a < c->nodes; a++) {
		struct step_node *n = &c->node[a];
		n->id = a, n->nodes = c->nodes;
		n->protocol = c->protocol;
		n->host = &checker_host;
		n->tap = checker_tap;
		n->raised = c->raised[a];
		n->owner = c;
		n->links = c->links;
		n->parks = c->parks;
		for (uint32_t m = 1; m < c->protocol->machines; m++)
			n->pool[m].slots = c->slots[m];
	}
}

/* ---- the search ---- */

static bool bounded(struct search *s, const char *bound)
{
	s->result->end = CHECKER_BOUNDED;
	snprintf(s->result->bound, sizeof s->result->bound, "%s", bound);
	return true;
}

/* Whether a limit ends the search; looks at the clock now and then. */
static bool is_over(struct search *s)
{
	const struct checker_options *o = s->options;
	if (s->c->store.states >= (o->states_max ? o->states_max : STATES_MAX))
		return bounded(s, "states");
	if (s->expanded++ & 1023)
		return false;
	const double now = seconds_since(&s->start);
	if (o->progress && now - s->shown >= 1) {
		s->shown = now;
		o->progress(o->context, s->c->store.states, s->expanded, s->result->depth);
	}
	return o->seconds_max > 0 && now > o->seconds_max ? bounded(s, "seconds") : false;
}

/* Inserts the successors that were made. */
static int insert(struct search *s, uint32_t unit, uint32_t moves)
{
	for (uint32_t i = 0; i < moves; i++)
		checker_store_prefetch_record(&s->c->store, s->hash[i]);
	for (uint32_t i = 0; i < moves; i++) {
		int rc = checker_store_insert(&s->c->store, s->hash[i], s->bytes[i], s->length[i], unit);
		if (rc < 0)
			return rc;
		s->result->states_unreduced += rc ? s->orbit[i] : 0;
		s->result->fingerprint += rc ? s->hash[i] : 0;
	}
	return 0;
}

/* Makes the successors of a state and inserts them. True: the search ends here. */
static bool expand(struct search *s, uint32_t unit)
{
	struct checker *c = s->c;
	uint32_t length, busy;
	checker_unpack(c, checker_store_bytes(&c->store, unit, &length));
	checker_save(c);
	const uint32_t moves = checker_moves(c, s->move, &busy);
	if (!busy) {
		checker_rest(c);
		if (c->why[0]) {
			s->wrong = unit;
			s->result->counterexample_steps = 0;
			return true;
		}
	}
	if (s->wrong)
		return false; /* only a deadlock is of interest now */
	for (uint32_t i = 0; i < moves; i++) {
		if (i)
			checker_restore(c);
		checker_perform(c, &s->move[i]);
		s->result->transitions++;
		if (c->why[0]) {
			s->wrong = unit;
			s->result->counterexample_steps = 1;
			snprintf(s->result->why, sizeof s->result->why, "%s", c->why);
			return false;
		}
		s->length[i] = checker_pack_least(c, s->bytes[i], &s->orbit[i]);
		s->hash[i] = checker_hash(s->bytes[i], s->length[i]);
		checker_store_prefetch(&c->store, s->hash[i]);
	}
	if (c->misfit[0])
		return true;
	return insert(s, unit, moves) ? bounded(s, "memory") : false;
}

static void search(struct search *s)
{
	struct checker *c = s->c;
	for (uint32_t unit = STORE_FIRST; unit < checker_store_end(&c->store);
	     unit = checker_store_next(&c->store, unit)) {
		if (unit == s->level_end) {
			if (s->wrong)
				return;
			s->result->depth++;
			s->level_end = checker_store_end(&c->store);
		}
		if ((!s->wrong && is_over(s)) || expand(s, unit))
			return;
	}
}

/* The initial state, which every exchange of kernels has to leave alone. */
static int put_initial(struct search *s)
{
	struct checker *c = s->c;
	uint8_t bytes[PACK_MAX];
	uint32_t orbit;
	checker_begin(c);
	if (c->why[0]) {
		snprintf(c->misfit, sizeof c->misfit, "the initial state is wrong: %.90s", c->why);
		return -EINVAL;
	}
	uint32_t length = checker_pack_least(c, bytes, &orbit);
	if (c->misfit[0])
		return -EINVAL;
	if (orbit != 1) {
		snprintf(c->misfit, sizeof c->misfit,
			 "the model's symmetry does not leave the initial state alone");
		return -EINVAL;
	}
	s->result->states_unreduced = 1;
	return checker_store_insert(&c->store, checker_hash(bytes, length), bytes, length, 0) < 0 ? -ENOMEM
												  : 0;
}

/* ---- the result ---- */

static void count_cells(const struct checker *c, struct checker_result *r)
{
	const struct step_protocol *p = c->protocol;
	for (uint32_t m = 1; m < p->machines; m++)
		for (uint32_t i = 0; i < (p->machine[m].states + 1) * p->events; i++) {
			r->cells += p->machine[m].table[i].kind != STEP_NEVER;
			r->cells_visited += c->visited[m][i];
		}
}

struct way {
	struct search *s;
	uint32_t *unit;
};

static bool reached(void *context, struct checker *c, uint32_t step)
{
	const struct way *way = context;
	uint8_t bytes[PACK_MAX];
	uint32_t orbit, length;
	const uint8_t *wanted = checker_store_bytes(&c->store, way->unit[step - 1], &length);
	return checker_pack_least(c, bytes, &orbit) == length && !memcmp(bytes, wanted, length);
}

static int make_script(struct search *s)
{
	struct checker *c = s->c;
	struct checker_result *r = s->result;
	const bool one_more = r->counterexample_steps != 0;
	uint32_t depth = 0;
	r->end = CHECKER_VIOLATED;
	if (!one_more)
		snprintf(r->why, sizeof r->why, "%s", c->why);
	for (uint32_t u = s->wrong; checker_store_parent(&c->store, u); u = checker_store_parent(&c->store, u))
		depth++;
	struct way way = {.s = s, .unit = calloc(depth + 1, sizeof *way.unit)};
	for (uint32_t i = depth, u = s->wrong; i-- > 0; u = checker_store_parent(&c->store, u))
		way.unit[i] = u;
	int rc = checker_script_make(c,
				     &(struct checker_way){.steps = depth,
							   .end = one_more ? SCRIPT_END_STEP : SCRIPT_END_REST,
							   .reached = reached,
							   .context = &way},
				     &r->script);
	free(way.unit);
	r->depth = r->counterexample_steps = depth + one_more;
	return rc;
}

static int make_result(struct search *s)
{
	struct checker *c = s->c;
	struct checker_result *r = s->result;
	r->states = c->store.states;
	r->bytes = checker_store_size_bytes(&c->store);
	r->sends_max = c->sends_max;
	r->cells_max = c->cells_max;
	count_cells(c, r);
	if (r->cells_visited < r->cells) {
		r->unvisited = checker_print_unvisited(c);
		if (!r->unvisited)
			return -ENOMEM;
	}
	if (s->wrong && make_script(s))
		return -ENOMEM;
	r->seconds = seconds_since(&s->start);
	return 0;
}

int checker_open(struct checker **out, const struct step_protocol *protocol,
		 const struct checker_options *options, char *why, size_t size)
{
	struct checker *c = calloc(1, sizeof *c);
	if (!c)
		return -ENOMEM;
	const char *wrong = configure(c, protocol, options);
	int rc = wrong ? -EINVAL : 0;
	if (wrong)
		snprintf(why, size, "%s", wrong);
	if (!rc) {
		make_nodes(c);
		rc = take_memory(c);
	}
	if (!rc && (rc = checker_pack_init(c)))
		snprintf(why, size, "%s", c->misfit);
	if (!rc && options->no_symmetry)
		c->perms = 1;
	if (rc)
		checker_close(c);
	else
		*out = c;
	return rc;
}

static int run(struct search *s)
{
	struct checker *c = s->c;
	int rc = checker_store_init(&c->store, memory_bound(s->options));
	if (!rc)
		rc = put_initial(s);
	if (!rc) {
		s->level_end = checker_store_end(&c->store);
		search(s);
	}
	if (c->misfit[0]) {
		snprintf(s->result->why, sizeof s->result->why, "%s", c->misfit);
		return -EINVAL;
	}
	return rc ? rc : make_result(s);
}

int checker_run(const struct step_protocol *protocol, const struct checker_options *options,
		struct checker_result *result)
{
	static const struct checker_options none;
	*result = (struct checker_result){0};
	struct search *s = calloc(1, sizeof *s);
	if (!s)
		return -ENOMEM;
	s->options = options ? options : &none;
	s->result = result;
	clock_gettime(CLOCK_MONOTONIC, &s->start);
	int rc = checker_open(&s->c, protocol, s->options, result->why, sizeof result->why);
	rc = rc ? rc : run(s);
	checker_close(s->c);
	free(s);
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
