/* ssi/flat_make.c - making a machine and taking it apart. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sim/native.h"
#include "ssi/flat_internal.h"
#include "ssi/full.h"

/* Slots beyond what clients can ask for: one each way for what is on its way out when the next comes in. */
#define PLACES_MAX  2048 /* of members of long lists, a cluster */
#define OPS_SPARE   64
#define LINES_SPARE 256
#define CAPS_MAX    (1u << 26)
#define DIRS_MAX    (1u << 26)

static void pool_take(struct flat_cluster *c, unsigned number, unsigned machine, uint32_t slots)
{
	struct step_node *n = &c->node[number];
	n->pool[machine].slots = slots;
	n->pool[machine].base =
		sim_arena_take(&c->shard->arena, (size_t)slots * n->protocol->machine[machine].size, 64);
}

static size_t pool_bytes(uint64_t slots, size_t size) { return (slots * size + 4096) & ~(size_t)63; }

struct sizes {
	uint32_t caps, ops, own, dirs, lines, calls, serves, tree_links, page_links, parks, places;
	uint32_t bodies, requests, names, slots; /* of threads */
	uint32_t ports, visits;                  /* of endpoint/relay */
};

static uint32_t at_most(uint64_t value, uint32_t limit) { return value < limit ? (uint32_t)value : limit; }

/* For operations on capabilities. Anywhere may be all of them; each object that was made may wait for its end. Of a
 * protocol's own machine there may be one for each capability of the whole machine, or for two that are connected. */
static void add_capabilities(const struct flat_config *config, struct sizes *s)
{
	s->caps = at_most(s->caps + config->capabilities_max, CAPS_MAX);
	s->ops += at_most(config->objects_max, CAPS_MAX);
	s->tree_links = at_most(s->tree_links + config->capabilities_max * 8, CAPS_MAX * 2);
	s->own = at_most((uint64_t)s->caps * 2 + s->ops, CAPS_MAX);
	s->parks += at_most(config->objects_max ? config->topology->clusters * 4 : 0, CAPS_MAX);
}

/* For threads. A capability that moves leaves something behind until nothing is derived from it; anybody may wait for the
 * reply of a thread that is here. */
static void add_threads(const struct flat_config *config, struct sizes *s, uint32_t clients,
			uint32_t clients_total)
{
	const uint64_t moved = config->moves * config->holds;
	if (!config->thread)
		return;
	s->bodies = clients;
	s->requests = clients + OPS_SPARE;
	s->names = clients > config->guests ? clients - config->guests : 1;
	s->slots = at_most((uint64_t)clients * config->holds + clients_total + OPS_SPARE, CAPS_MAX);
	s->caps = at_most(s->caps + moved, CAPS_MAX);
	s->ops = at_most((uint64_t)s->ops + s->slots, CAPS_MAX);
	s->tree_links = at_most(s->tree_links + moved * 4, CAPS_MAX * 2);
	s->own = at_most((uint64_t)s->caps * 2 + s->ops, CAPS_MAX);
	s->parks = at_most((uint64_t)s->parks + clients_total, CAPS_MAX);
}

/* What a slot costs is address space until it is used, so these are bounds, not guesses. */
static struct sizes sizes_of(const struct flat_machine *m, uint32_t cluster, uint32_t clients_total)
{
	const struct flat_config *config = &m->config;
	const bool service = cluster == config->service;
	const uint32_t clients = config->clients[cluster];
	const uint32_t caps = at_most(config->opens_max + OPS_SPARE, CAPS_MAX);
	struct sizes s = {
		.caps = caps,
		.ops = clients + OPS_SPARE,
		.dirs = 1,
		.calls = clients + 1,
		.lines = at_most((uint64_t)config->cache_pages + clients * 2 + LINES_SPARE, DIRS_MAX),
		.serves = service ? m->serves : clients + OPS_SPARE,
		.tree_links = caps * 2,
		.page_links = 1};
	s.parks = clients + OPS_SPARE;
	s.ports = clients * 2 + OPS_SPARE;
	s.visits = at_most((uint64_t)clients_total * 2 + OPS_SPARE, CAPS_MAX);
	for (s.places = 16; s.places < m->clusters && s.places < PLACES_MAX;)
		s.places *= 2;
	add_capabilities(config, &s);
	add_threads(config, &s, clients, clients_total);
	if (!service)
		return s;
	s.caps = at_most(config->files_max * 2 + s.caps + OPS_SPARE, CAPS_MAX);
	s.own = at_most(s.own + (uint64_t)s.caps * 2, CAPS_MAX);
	s.ops += m->serves + at_most(config->files_max, CAPS_MAX) + 1024;
	s.dirs = at_most(config->pages_max + 1, DIRS_MAX);
	s.tree_links = at_most((config->opens_max + config->files_max) * m->clusters + s.caps +
				       config->capabilities_max * 8,
			       CAPS_MAX * 2);
	s.page_links = at_most(config->pages_max * 2 + (uint64_t)s.lines * m->clusters, DIRS_MAX * 2);
	s.parks += clients_total * 2 + m->clusters;
	return s;
}

/* Machine 3, and what its names need. */
static size_t own_bytes(const struct step_protocol *p, const struct sizes *s)
{
	const size_t pool =
		p->machines > CAPABILITY_OWN ? pool_bytes(s->own, p->machine[CAPABILITY_OWN].size) : 0;
	return pool + 3 * pool_bytes((uint64_t)s->caps + s->ops + s->own, sizeof(step_ref)) + 4096 +
	       pool_bytes(s->caps, sizeof(uint32_t));
}

static size_t thread_bytes(const struct step_protocol *p, const struct sizes *s)
{
	if (!p)
		return 0;
	return flat_guard_bytes((uint64_t)s->bodies + s->requests + s->names + s->slots) +
	       pool_bytes(s->bodies, p->machine[THREAD_BODY].size) +
	       pool_bytes(s->requests, p->machine[THREAD_OP].size) +
	       pool_bytes(s->names, p->machine[THREAD_NAME].size) +
	       pool_bytes(s->slots, p->machine[THREAD_SLOT].size) +
	       pool_bytes(s->slots * 2ull + 2, sizeof(struct step_link)) + 4096 +
	       pool_bytes(s->bodies + 1ull, sizeof(struct flat_place) + sizeof(uint32_t)) +
	       pool_bytes(s->slots, sizeof(struct flat_task)) + 4096;
}

static size_t relay_bytes(const struct step_protocol *p, const struct sizes *s)
{
	if (!p)
		return 0;
	return flat_guard_bytes(s->ports * 2ull + s->visits) +
	       pool_bytes(s->ports, p->machine[ENDPOINT_PORT].size) +
	       pool_bytes(s->ports, p->machine[ENDPOINT_OP].size) +
	       pool_bytes(s->visits, p->machine[ENDPOINT_VISIT].size) +
	       pool_bytes(s->ports, sizeof(step_ref)) + pool_bytes(s->parks, sizeof(struct step_parked)) +
	       4096;
}

static size_t cluster_bytes(const struct step_protocol *const *p, const struct sizes *s)
{
	return thread_bytes(p[FLAT_THREAD], s) + relay_bytes(p[FLAT_RELAY], s) +
	       flat_guard_bytes((uint64_t)s->caps + s->ops + s->own + s->dirs + s->lines + s->calls +
				s->serves) +
	       own_bytes(p[0], s) + pool_bytes(s->caps, p[0]->machine[CAPABILITY_CAP].size) +
	       pool_bytes(s->ops, p[0]->machine[CAPABILITY_OP].size) +
	       pool_bytes(s->dirs, p[1]->machine[MSI_DIR].size) +
	       pool_bytes(s->lines, p[1]->machine[MSI_LINE].size) +
	       pool_bytes(s->calls, p[2]->machine[POSIX_CALL].size) +
	       pool_bytes(s->serves, p[2]->machine[POSIX_SERVE].size) +
	       pool_bytes((uint64_t)s->tree_links + s->page_links + 2, sizeof(struct step_link)) + 4096 +
	       pool_bytes((uint64_t)s->parks * 4, sizeof(struct step_parked)) + 4096 +
	       pool_bytes((uint64_t)s->dirs + s->lines, sizeof(step_ref)) + 4096 +
	       pool_bytes(s->calls, sizeof(struct flat_client)) + pool_bytes(s->places, sizeof(uint32_t)) +
	       pool_bytes(s->serves, sizeof(struct flat_serve)) + 8192;
}

static struct flat_shard *shard_of(struct flat_machine *m, uint32_t cluster)
{
	return &m->shard[sim_native_thread(cluster, m->clusters, m->shards)];
}

/* Sees each cell of a machine with a profile. */
static void profile_tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
			unsigned next)
{
	step_tap *const tap = flat_machine_of(n)->config.cell_tap;
	if (tap)
		tap(n, m, at, state, next);
	if (flat_profile_of(n) && n->number < FLAT_PROFILE_PROTOCOLS)
		flat_profile_cell_entered(flat_profile_of(n), n->number, (unsigned)at.machine, state,
					  m->event);
}

static void bits_tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
		     unsigned next)
{
	struct flat_machine *machine = flat_machine_of(n);
	flat_bits_tap(n, at, m, next);
	machine->bits_behind(n, m, at, state, next);
}

static void no_tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state, unsigned next)
{
	(void)n, (void)m, (void)at, (void)state, (void)next;
}

/* And of the capability protocol, where what a kernel does is charged, or counted. */
static void caps_tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
		     unsigned next)
{
	flat_caps_cell(n, at, state, next);
	profile_tap(n, m, at, state, next);
}

/* And of the threads'. */
static void thread_tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
		       unsigned next)
{
	flat_thread_cell(n, m, at, state, next);
	profile_tap(n, m, at, state, next);
}

/* And of one with kernels. */
static void full_tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
		     unsigned next)
{
	if (n->number == FLAT_RELAY) {
		monitor_letter_cell(n, m, at, state, next);
		return;
	}
	profile_tap(n, m, at, state, next);
	full_cell(n, at, state, next);
}

static step_tap *tap_of(const struct flat_config *config, unsigned number)
{
	if (number == FLAT_THREAD)
		return thread_tap;
	if (config->full)
		return full_tap;
	if (number == FLAT_CAPABILITY && (!config->native || config->profile))
		return caps_tap;
	return config->profile ? profile_tap : config->cell_tap;
}

static void node_init(struct flat_machine *m, struct flat_cluster *c, unsigned number, uint32_t links,
		      uint32_t parks)
{
	struct flat_shard *shard = c->shard;
	struct step_node *n = &c->node[number];
	*n = (struct step_node){.id = c->id,
				.nodes = m->clusters,
				.protocol = m->protocol[number],
				.host = &flat_host,
				.number = (uint8_t)number,
				.owner = c,
				.tap = tap_of(&m->config, number),
				.links = links,
				.parks = parks,
				.raised = shard->raised[number]};
	if (number == FLAT_CAPABILITY && flat_has_bits(m)) {
		m->bits_behind = n->tap ? n->tap : no_tap;
		n->tap = bits_tap;
	}
	n->link = sim_arena_take(&shard->arena, (size_t)n->links * sizeof *n->link, 64);
	n->park = sim_arena_take(&shard->arena, (size_t)n->parks * sizeof *n->park, 64);
}

/* Capabilities have the long lists: of children, and of all other kernels. */
static void places_take(struct flat_cluster *c, uint32_t places)
{
	struct step_node *n = &c->node[FLAT_CAPABILITY];
	n->places = sim_arena_take(&c->shard->arena, (size_t)places * sizeof *n->places, 64);
	n->places_mask = places - 1;
}

/* What the named machines of the capability protocol stand for. */
static void names_take(struct flat_cluster *c)
{
	const struct step_node *n = &c->node[FLAT_CAPABILITY];
	for (unsigned k = 1; k < n->protocol->machines; k++)
		if (n->protocol->machine[k].named)
			c->caps_name[k] = sim_arena_take(&c->shard->arena,
							 (size_t)n->pool[k].slots * sizeof(step_ref), 64);
}

static void threads_take(struct flat_cluster *c, const struct sizes *s)
{
	struct sim_arena *arena = &c->shard->arena;
	pool_take(c, FLAT_THREAD, THREAD_BODY, s->bodies);
	pool_take(c, FLAT_THREAD, THREAD_OP, s->requests);
	pool_take(c, FLAT_THREAD, THREAD_NAME, s->names);
	pool_take(c, FLAT_THREAD, THREAD_SLOT, s->slots);
	c->place = sim_arena_take(arena, (size_t)(s->bodies + 1) * sizeof *c->place, 64);
	c->place_of = sim_arena_take(arena, (size_t)(s->bodies + 1) * sizeof *c->place_of, 64);
	c->slot_task = sim_arena_take(arena, (size_t)s->slots * sizeof *c->slot_task, 64);
}

/* One operation a client, and those that wait for the home's last word; visits of all clients there are, in bounds. */
static void relay_take(struct flat_cluster *c, const struct sizes *s)
{
	pool_take(c, FLAT_RELAY, ENDPOINT_PORT, s->ports);
	pool_take(c, FLAT_RELAY, ENDPOINT_OP, s->ports);
	pool_take(c, FLAT_RELAY, ENDPOINT_VISIT, s->visits);
	c->port_name = sim_arena_take(&c->shard->arena, (size_t)s->ports * sizeof *c->port_name, 64);
}

static void cluster_init(struct flat_machine *m, uint32_t id, const struct sizes *s)
{
	const uint32_t links[FLAT_PROTOCOLS] = {s->tree_links, s->page_links, 1, s->slots * 2 + 1, 1};
	struct flat_cluster *c = &m->cluster[id];
	struct sim_arena *arena = &c->shard->arena;
	c->id = c->sending_to = id;
	c->machine = m;
	c->clients = m->config.clients[id];
	for (unsigned i = 0; i < m->protocols; i++)
		if (m->protocol[i])
			node_init(m, c, i, links[i], s->parks);
	pool_take(c, FLAT_CAPABILITY, CAPABILITY_CAP, s->caps);
	pool_take(c, FLAT_CAPABILITY, CAPABILITY_OP, s->ops);
	if (m->protocol[FLAT_CAPABILITY]->machines > CAPABILITY_OWN)
		pool_take(c, FLAT_CAPABILITY, CAPABILITY_OWN, s->own);
	places_take(c, s->places);
	names_take(c);
	c->object = sim_arena_take(arena, (size_t)s->caps * sizeof *c->object, 64);
	pool_take(c, FLAT_MEMORY, MSI_DIR, s->dirs);
	pool_take(c, FLAT_MEMORY, MSI_LINE, s->lines);
	pool_take(c, FLAT_FILE, POSIX_CALL, s->calls);
	pool_take(c, FLAT_FILE, POSIX_SERVE, s->serves);
	if (m->protocol[FLAT_THREAD])
		threads_take(c, s);
	if (m->protocol[FLAT_RELAY])
		relay_take(c, s);
	flat_guard_take(c);
	c->dir_name = sim_arena_take(arena, (size_t)s->dirs * sizeof(step_ref), 64);
	c->line_name = sim_arena_take(arena, (size_t)s->lines * sizeof(step_ref), 64);
	c->client = sim_arena_take(arena, (size_t)s->calls * sizeof *c->client, 64);
	c->serve = sim_arena_take(arena, (size_t)s->serves * sizeof *c->serve, 64);
	SIM_CHECK(c->serve != NULL);
}

/* ---- shards ---- */

static int shard_init(struct flat_machine *m, struct flat_shard *s, size_t bytes, int32_t node)
{
	s->op = calloc(FLAT_OPS, sizeof *s->op);
	s->by_class = calloc(FLAT_CLASSES, sizeof *s->by_class);
	if (m->clusters <= FLAT_PAIRS_MAX)
		s->pair = calloc((size_t)m->clusters * m->clusters, sizeof *s->pair);
	if (!s->op || !s->by_class || sim_arena_init(&s->arena, bytes, 0))
		return -ENOMEM;
	const uint32_t every = m->config.profile_every ? m->config.profile_every : 1;
	if (m->config.profile && !(s->account = flat_profile_new(m->protocol, every)))
		return -ENOMEM;
	if (!m->config.native)
		return 0;
	/* Bound if that is allowed; if not, its thread touches it first, which comes to the same. */
	sim_host_bind_memory(s->arena.base, s->arena.size, node);
	for (int i = 0; i < 2; i++) {
		s->scratch[i] = sim_arena_take(&s->arena, FLAT_SCRATCH_BYTES, 64);
		SIM_CHECK(s->scratch[i] != NULL);
	}
	return 0;
}

static int32_t node_of_shard(const struct flat_machine *m, uint32_t shard)
{
	const struct sim_native_config *native = m->config.native;
	if (!native || !native->host || !native->placement)
		return -1;
	return native->host->cpu[native->placement->cpu[shard]].node;
}

static int shards_init(struct flat_machine *m, const struct sizes *sizes)
{
	size_t *bytes = calloc(m->shards, sizeof *bytes);
	int error = bytes ? 0 : -ENOMEM;
	for (uint32_t i = 0; !error && i < m->clusters; i++)
		bytes[shard_of(m, i) - m->shard] += cluster_bytes(m->protocol, &sizes[i]);
	for (uint32_t i = 0; !error && i < m->shards; i++) {
		m->shard[i].log = m->config.log ? &m->config.log[i] : NULL;
		error = shard_init(m, &m->shard[i], bytes[i] + 2 * FLAT_SCRATCH_BYTES + 4096,
				   node_of_shard(m, i));
	}
	free(bytes);
	return error;
}

/* What clusters need of each other's memory natively. */
static int exchange_init(struct flat_machine *m)
{
	m->taken = aligned_alloc(64, (size_t)m->clusters * m->clusters * sizeof *m->taken);
	if (!m->taken)
		return -ENOMEM;
	memset(m->taken, 0, (size_t)m->clusters * m->clusters * sizeof *m->taken);
	for (uint32_t i = 0; i < m->clusters; i++) {
		m->cluster[i].transit = calloc(m->clusters, sizeof *m->cluster[i].transit);
		if (!m->cluster[i].transit)
			return -ENOMEM;
	}
	return 0;
}

static int clusters_init(struct flat_machine *m)
{
	struct sizes *sizes = calloc(m->clusters, sizeof *sizes);
	uint32_t clients = 0;
	m->cluster = aligned_alloc(128, m->clusters * sizeof *m->cluster);
	m->shard = aligned_alloc(128, m->shards * sizeof *m->shard);
	if (m->cluster)
		memset(m->cluster, 0, m->clusters * sizeof *m->cluster);
	if (m->shard)
		memset(m->shard, 0, m->shards * sizeof *m->shard);
	if (!sizes || !m->cluster || !m->shard) {
		free(sizes);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < m->clusters; i++)
		clients += m->config.clients[i];
	m->serves = clients + OPS_SPARE;
	for (uint32_t i = 0; i < m->clusters; i++)
		sizes[i] = sizes_of(m, i, clients);
	int error = shards_init(m, sizes);
	for (uint32_t i = 0; !error && i < m->clusters; i++) {
		m->cluster[i].shard = shard_of(m, i);
		cluster_init(m, i, &sizes[i]);
	}
	free(sizes);
	return error || !m->config.native ? error : exchange_init(m);
}

/* ---- natively: on a cluster's thread ---- */

#define TOUCH_FRAMES_BYTES ((size_t)16 << 20)
#define TOUCH_POOL_BYTES   ((size_t)256 << 10)

static void touch(char *base, size_t bytes, size_t most)
{
	for (size_t i = 0; i < bytes && i < most; i += 4096) {
		volatile char *at = base + i;
		*at = *at; /* threads have names by now */
	}
}

static void touch_slab(const struct frame_slab *slab, size_t most)
{
	touch((char *)slab->bytes, (size_t)slab->max * slab->size, most);
	touch((char *)slab->count, (size_t)slab->max * sizeof *slab->count, TOUCH_POOL_BYTES);
	touch((char *)slab->next, (size_t)slab->max * sizeof *slab->next, TOUCH_POOL_BYTES);
}

static void touch_cluster(struct flat_cluster *c, size_t most)
{
	for (unsigned p = 0; p < c->machine->protocols; p++) {
		const struct step_node *n = &c->node[p];
		for (unsigned k = 1; n->protocol && k < n->protocol->machines; k++)
			touch(n->pool[k].base, (size_t)n->pool[k].slots * n->protocol->machine[k].size, most);
		touch((char *)n->link, (size_t)n->links * sizeof *n->link, most);
		touch((char *)n->park, (size_t)n->parks * sizeof *n->park, most);
	}
}

/* A kernel's memory is there when it boots; here the host gives it at first touch, which takes longer than a message.
 * So what a run most often needs is touched before it begins, on the thread that will use it. Frame 0 stays zeros, and
 * nothing else is in use yet. */
static void prepare_thread(void *context, uint32_t thread)
{
	struct flat_machine *m = context;
	touch_slab(&m->shard[thread].frames.page, TOUCH_FRAMES_BYTES);
	touch_slab(&m->shard[thread].frames.small, TOUCH_POOL_BYTES);
	const size_t most =
		TOUCH_POOL_BYTES * m->shards / m->clusters; /* a thread of many clusters: less for each */
	for (uint32_t i = 0; i < m->clusters; i++)
		if (m->cluster[i].shard == &m->shard[thread])
			touch_cluster(&m->cluster[i], most);
}

static void hook_threads(struct flat_machine *m)
{
	if (!m->config.native)
		return;
	m->hooked = *m->config.native;
	m->hooked.prepare = prepare_thread;
	m->hooked.prepare_context = m;
	if (m->config.profile) { /* then threads say when they have nothing to do */
		m->hooked.watch = flat_watch;
		m->hooked.watch_context = m;
	}
	m->config.native = &m->hooked;
}

static int engine_init(struct flat_machine *m)
{
	hook_threads(m);
	const struct sim_engine_config config = {.kind = m->config.engine,
						 .processes = m->clusters,
						 .lookahead_ps = sim_topology_lookahead(&m->topology),
						 .digest = !m->config.native,
						 .handler = flat_handle,
						 .context = m,
						 .state = m->cluster,
						 .state_stride = sizeof *m->cluster,
						 .tap = m->config.tap,
						 .tap_context = m->config.tap_context,
						 .window_tap = m->config.window_tap,
						 .window_tap_context = m->config.tap_context,
						 .native = m->config.native};
	const int error = sim_engine_new(&m->engine, &config);
	for (uint32_t i = 0; !error && m->config.native && i < m->clusters; i++)
		m->cluster[i].origin = sim_native_origin(m->engine);
	return error;
}

/* What the native engine does costs what it costs, so nothing is charged; what the scenario gives in cycles of its
 * clock passes in real time. */
static void go_native(struct flat_machine *m)
{
	const struct sim_ticks_source *ticks = sim_ticks_open();
	m->think_ticks_per_4g = (uint64_t)(((unsigned __int128)ticks->clock.hz << 32) / m->topology.clock.hz);
	m->topology.clock = ticks->clock;
	memset(m->cost.cycles, 0, sizeof m->cost.cycles);
	for (uint32_t i = 0; i < SIM_LINKS_MAX; i++)
		m->topology.link[i] = (struct sim_link){.wire_ps = 1};
}

/* Directories, files and their trees' roots. */
static int files_known_init(struct flat_machine *m)
{
	m->files_known = at_most(m->config.files_max * 2 + 65536, NAMES_FILES_MAX);
	m->file_known = calloc(m->files_known, sizeof *m->file_known);
	return m->file_known ? 0 : -ENOMEM;
}

int flat_new(struct flat_machine **out, const struct flat_config *config)
{
	struct flat_machine *m = calloc(1, sizeof *m);
	if (!m)
		return -ENOMEM;
	m->config = *config;
	m->topology = *config->topology;
	m->cost = *config->cost;
	m->clusters = config->topology->clusters;
	m->shards = config->native ? config->native->threads : 1;
	m->protocol[FLAT_CAPABILITY] = config->capability ? config->capability : &capability_tree;
	m->protocol[FLAT_MEMORY] = &memory_msi;
	m->protocol[FLAT_FILE] = &file_posix;
	m->protocol[FLAT_THREAD] = config->thread;
	m->protocol[FLAT_RELAY] = config->full && config->messages ? &endpoint_relay : NULL;
	m->protocols = m->protocol[FLAT_RELAY] ? FLAT_PROTOCOLS : config->thread ? FLAT_RELAY : FLAT_THREAD;
	flat_caps_init(m);
	if (config->native)
		go_native(m);
	int error = flat_thread_init(m);
	if (!error)
		error = clusters_init(m);
	if (!error)
		error = flat_bits_init(m);
	if (!error && config->trace &&
	    !(m->trace = calloc((size_t)m->clusters * m->clusters, sizeof *m->trace)))
		error = -ENOMEM;
	if (!error)
		error = files_known_init(m) || names_init(&m->names) || flat_credit_init(m)
				? -ENOMEM
				: flat_pages_init(m);
	if (!error)
		error = engine_init(m);
	if (!error && config->full)
		error = full_new(m);
	if (!error)
		flat_thread_begin(m);
	if (error) {
		flat_free(m);
		return error;
	}
	m->config.clients = NULL;
	*out = m;
	return 0;
}

static void shard_fini(struct flat_shard *s)
{
	flat_profile_free(s->account);
	sim_arena_fini(&s->arena);
	frames_fini(&s->frames);
	free(s->queue);
	free(s->resume);
	free(s->ended);
	free(s->local);
	free(s->op);
	free(s->pair);
	free(s->by_class);
	free(s->grant);
	free(s->revocation);
}

void flat_free(struct flat_machine *m)
{
	if (!m)
		return;
	sim_engine_free(m->engine); /* first: its threads use the rest */
	full_free(m);
	for (uint32_t i = 0; m->cluster && i < m->clusters; i++) {
		ssi_table_fini(&m->cluster[i].lines);
		ssi_table_fini(&m->cluster[i].dirs);
		ssi_table_fini(&m->cluster[i].cached);
		for (unsigned k = 1; k < STEP_MACHINES_MAX; k++)
			ssi_table_fini(&m->cluster[i].caps_named[k]);
		free(m->cluster[i].cached_name);
		flat_bits_fini(&m->cluster[i]);
		ssi_table_fini(&m->cluster[i].ports);
		flat_data_fini(&m->cluster[i], m->clusters);
		flat_credit_fini(&m->cluster[i], m->clusters);
		flat_thread_fini(&m->cluster[i]);
	}
	for (uint32_t i = 0; m->shard && i < m->shards; i++)
		shard_fini(&m->shard[i]);
	names_fini(&m->names);
	ssi_table_fini(&m->initial);
	free(m->cluster);
	free(m->shard);
	free(m->taken);
	free(m->file_known);
	ssi_table_fini(&m->known);
	free(m->trace);
	free(m);
}
