/* tests/prop/flat_world.h - a flat machine with clients that do as they please in one tree of files: names, clients, what they
 * know of bytes, what comes next, what a call may end with, making and running. Part of tests/prop/test_flat.c. */
#ifndef SKERRY_TESTS_PROP_FLAT_WORLD_H
#define SKERRY_TESTS_PROP_FLAT_WORLD_H
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/flat.h"
#include "ssi/flat_internal.h"
#include "ssi/inclusion.h"
#include "tests/lib/cover.h"
#include "tests/lib/damage.h"
#include "tests/lib/seeds.h"
#include "tests/prop/out_of_reach.h"
#include "workloads/run.h"

#define CLUSTERS_MAX 8
#define CLIENTS_MAX  3 /* of a cluster */
#define HANDLES      5
#define GIFTS        16 /* received while all handles are in use: to be deleted */
#define DUES         64
#define INODES_MAX   4096
#define PAGES_MAX    12      /* of a file */
#define CELLS_MAX    2000000 /* of a run; the longest needs a tenth */
#define VIRTUAL_MAX  (SIM_PS_PER_S / 2)

/* ---- the world of names ---- */

enum { ROOT, A, B, D, D_A, D_B, D_D, D_D_A, D_D_B, E, E_A, L, L_A, M, M_A, PATHS };
static const char *const name_text[] = {"a", "b", "d", "e", "l", "m"};
enum { NAME_A, NAME_B, NAME_D, NAME_E, NAME_L, NAME_M };
/* clang-format off */
#define NAMES(...) .name = (const uint32_t[]){__VA_ARGS__}
static const struct flat_path path_of[PATHS] = {
	[ROOT]  = {NAMES(0), 0, ROOT},                         [A]     = {NAMES(NAME_A), 1, A},
	[B]     = {NAMES(NAME_B), 1, B},                       [D]     = {NAMES(NAME_D), 1, D},
	[D_A]   = {NAMES(NAME_D, NAME_A), 2, D_A},             [D_B]   = {NAMES(NAME_D, NAME_B), 2, D_B},
	[D_D]   = {NAMES(NAME_D, NAME_D), 2, D_D},             [D_D_A] = {NAMES(NAME_D, NAME_D, NAME_A), 3, D_D_A},
	[D_D_B] = {NAMES(NAME_D, NAME_D, NAME_B), 3, D_D_B},   [E]     = {NAMES(NAME_E), 1, E},
	[E_A]   = {NAMES(NAME_E, NAME_A), 2, E_A},             [L]     = {NAMES(NAME_L), 1, L},
	[L_A]   = {NAMES(NAME_L, NAME_A), 2, L_A},             [M]     = {NAMES(NAME_M), 1, M},
	[M_A]   = {NAMES(NAME_M, NAME_A), 2, M_A},
};
/* clang-format on */
/* Where most of the work is: few names, so that clients meet. */
static const uint8_t busy_path[] = {A,   A,   A, B, D_A, D_A, D_A,  D_B, D_D_A, D_D_B,
				    E_A, L_A, M, D, E,   D_D, ROOT, L,   M_A};

/* ---- the clients ---- */

struct client {
	uint64_t random;
	uint32_t left; /* calls, before it closes what it has */
	bool killed;
	struct flat_handle handle[HANDLES], gift[GIFTS];
	uint32_t gifts, busy; /* busy: handle of the running call */
};

/* What a file's pages hold, whoever wrote them. Calls that conflict on a page are ordered by messages, so the order
 * in which the driver sees them is theirs, and a read must find exactly this. */
struct inode {
	bool known;
	uint64_t seed, size;
	unsigned char *page[PAGES_MAX];
};

struct world {
	uint64_t random, seed;
	uint32_t clusters, service;
	uint32_t clients[CLUSTERS_MAX];
	bool cuts;   /* truncation happens, of which the driver does not see what it clears */
	bool narrow; /* few names, so that all meet in them */
	struct flat_machine *machine;
	struct inclusion_log log;
	uint32_t tree;
	struct client client[CLUSTERS_MAX][CLIENTS_MAX];
	struct inode inode[INODES_MAX];
	struct {
		uint32_t kind, cluster, client, path;
	} due[DUES];
	uint64_t calls, bytes_compared, wrong_bytes, wrong_errors, running;
	char first_wrong[200];
};

/* Over all seeds: what calls came to. */
static uint64_t outcomes[FLAT_CALLS][2], refused;

static uint64_t draw(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1du;
}
static uint32_t below(uint64_t *state, uint32_t limit)
{
	return (uint32_t)((draw(state) >> 32) * limit >> 32);
}

static void complain(struct world *w, uint64_t *count, const char *what, uint32_t cluster, uint32_t client,
		     const struct flat_call *call, uint64_t value)
{
	if (!(*count)++)
		snprintf(w->first_wrong, sizeof w->first_wrong, "cluster %u, client %u, %s: %s (%llu)",
			 cluster, client, flat_op_name[call->op], what, (unsigned long long)value);
}

/* ---- bytes ---- */

static unsigned char *page_of(struct world *w, uint32_t file, uint32_t page)
{
	struct inode *i = &w->inode[file];
	if (i->page[page])
		return i->page[page];
	unsigned char *bytes = calloc(1, FLAT_PAGE_BYTES);
	assert_non_null(bytes);
	for (uint64_t k = 0; k < FLAT_PAGE_BYTES; k++) {
		const uint64_t at = (uint64_t)page * FLAT_PAGE_BYTES + k;
		if (at < i->size)
			bytes[k] = (unsigned char)(flat_content(i->seed, at / 8) >> at % 8 * 8);
	}
	return i->page[page] = bytes;
}

static void on_bytes(void *context, uint32_t cluster, uint32_t client, const struct flat_call *call,
		     uint64_t at, unsigned char *bytes, uint32_t length)
{
	struct world *w = context;
	unsigned char *known =
		page_of(w, call->handle->file, (uint32_t)(at / FLAT_PAGE_BYTES)) + at % FLAT_PAGE_BYTES;
	if (call->op == FLAT_WRITE) {
		for (uint32_t i = 0; i < length; i++)
			known[i] = bytes[i] = (unsigned char)draw(&w->client[cluster][client].random);
		return;
	}
	w->bytes_compared += length;
	if (!w->cuts && memcmp(known, bytes, length))
		complain(w, &w->wrong_bytes, "not the bytes that were written last", cluster, client, call,
			 at);
}

/* ---- what comes next ---- */

static uint32_t any_path(const struct world *w, struct client *c)
{
	if (w->narrow)
		return below(&c->random, 5) ? A : below(&c->random, 2) ? D_A : D;
	return below(&c->random, 4) ? busy_path[below(&c->random, sizeof busy_path)]
				    : below(&c->random, PATHS);
}

/* A handle that is open, or one that is not; HANDLES if there is none. */
static uint32_t any_handle(struct client *c, bool open)
{
	uint32_t start = below(&c->random, HANDLES);
	for (uint32_t i = 0; i < HANDLES; i++)
		if ((c->handle[(start + i) % HANDLES].cap.machine != 0) == open)
			return (start + i) % HANDLES;
	return HANDLES;
}

static void choose_path_call(struct world *w, struct client *c, struct flat_call *call)
{
	static const uint8_t op[] = {FLAT_STAT,   FLAT_STAT,  FLAT_STAT,    FLAT_READLINK, FLAT_MKDIR,
				     FLAT_LINK,   FLAT_LINK,  FLAT_SYMLINK, FLAT_SETATTR,  FLAT_UNLINK,
				     FLAT_UNLINK, FLAT_RMDIR, FLAT_RENAME,  FLAT_RENAME,   FLAT_LOCAL,
				     FLAT_UNLINK, FLAT_LINK,  FLAT_STAT};
	static const uint8_t narrow_op[] = {FLAT_UNLINK, FLAT_UNLINK, FLAT_RENAME, FLAT_RENAME, FLAT_STAT};
	call->op =
		w->narrow ? narrow_op[below(&c->random, sizeof narrow_op)] : op[below(&c->random, sizeof op)];
	call->path = path_of[any_path(w, c)];
	call->path2 = path_of[any_path(w, c)];
	call->no_follow = !below(&c->random, 4);
	call->target = below(&c->random, 2) ? "d" : below(&c->random, 2) ? "/e" : "../m";
	if (call->op == FLAT_LOCAL)
		call->length = below(&c->random, 5000);
	if (call->op == FLAT_LINK)
		call->no_follow = true;
}

static void choose_open(struct world *w, struct client *c, struct flat_call *call, uint32_t handle)
{
	call->op = FLAT_OPEN;
	call->path = path_of[any_path(w, c)];
	call->create = below(&c->random, 2);
	call->exclusive = call->create && !below(&c->random, 4);
	call->truncate = w->cuts && !below(&c->random, 6);
	call->writes = call->truncate || below(&c->random, 3);
	call->directory = !call->create && !below(&c->random, 8);
	call->no_follow = !below(&c->random, 8);
	call->handle = &c->handle[handle];
}

static void choose_use(struct world *w, struct client *c, struct flat_call *call, uint32_t handle)
{
	static const uint8_t op[] = {FLAT_READ,  FLAT_READ,  FLAT_READ,  FLAT_WRITE,    FLAT_WRITE,
				     FLAT_WRITE, FLAT_FSTAT, FLAT_FSYNC, FLAT_TRUNCATE, FLAT_LIST,
				     FLAT_CLOSE, FLAT_CLOSE, FLAT_SEND,  FLAT_SEND};
	call->op = op[below(&c->random, sizeof op)];
	call->handle = &c->handle[handle];
	if (call->op == FLAT_TRUNCATE && !w->cuts)
		call->op = FLAT_SETATTR;
	if (call->op == FLAT_READ || call->op == FLAT_WRITE)
		call->offset = below(&c->random, (PAGES_MAX - 4) * FLAT_PAGE_BYTES);
	call->length = call->op == FLAT_TRUNCATE ? below(&c->random, PAGES_MAX * FLAT_PAGE_BYTES)
						 : below(&c->random, 3 * FLAT_PAGE_BYTES);
	if (call->op == FLAT_SEND) {
		call->cluster = below(&c->random, w->clusters);
		call->client = w->clients[call->cluster] ? below(&c->random, w->clients[call->cluster]) : 0;
		if (!w->clients[call->cluster])
			call->op = FLAT_FSTAT;
	}
}

static bool on_next(void *context, uint32_t cluster, uint32_t client, struct flat_call *call)
{
	struct world *w = context;
	struct client *c = &w->client[cluster][client];
	while (c->gifts)
		flat_delete(w->machine, cluster, &c->gift[--c->gifts]);
	if (c->killed)
		return false;
	*call = (struct flat_call){.tree = w->tree};
	const uint32_t open = any_handle(c, true), closed = any_handle(c, false);
	if (!c->left) {
		if (open == HANDLES)
			return false;
		call->op = FLAT_CLOSE;
		call->handle = &c->handle[open];
	} else {
		c->left--;
		const uint32_t kind = below(&c->random, 10);
		if (kind < 3)
			choose_path_call(w, c, call);
		else if (closed != HANDLES && (kind < 5 || open == HANDLES))
			choose_open(w, c, call, closed);
		else
			choose_use(w, c, call, open);
	}
	c->busy = call->handle ? (uint32_t)(call->handle - c->handle) : HANDLES;
	w->running++;
	return true;
}

/* ---- a call is over ---- */

/* The errors that a call may end with where everybody changes the names that it uses. */
static bool may_fail(const struct flat_call *call, int error)
{
	switch (error) {
	case 0:
		return true;
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
		return call->path.count > 0 || call->path2.count > 0 || call->op == FLAT_LIST;
	case EEXIST:
		return call->op == FLAT_MKDIR || call->op == FLAT_LINK || call->op == FLAT_SYMLINK ||
		       call->exclusive;
	case EISDIR:
		return call->op == FLAT_OPEN || call->op == FLAT_UNLINK || call->op == FLAT_RENAME;
	case ENOTEMPTY:
		return call->op == FLAT_RMDIR || call->op == FLAT_RENAME;
	case EBUSY:
		return call->op == FLAT_RMDIR || call->op == FLAT_RENAME;
	case EINVAL:
		return call->op == FLAT_RENAME || call->op == FLAT_READLINK;
	case EPERM:
		return call->op == FLAT_LINK;
	case EBADF:
		return call->handle != NULL;
	case ESTALE:
		return call->op == FLAT_SEND;
	default:
		return false;
	}
}

static void on_done(void *context, uint32_t cluster, uint32_t client, const struct flat_call *call,
		    const struct flat_result *result)
{
	struct world *w = context;
	struct client *c = &w->client[cluster][client];
	w->running--;
	w->calls++;
	outcomes[call->op][result->error != 0]++;
	refused += result->error == EBADF;
	if (!may_fail(call, result->error))
		complain(w, &w->wrong_errors, "such a call does not end so", cluster, client, call,
			 (uint64_t)result->error);
	if (!result->error && call->op == FLAT_READ && result->value > call->length)
		complain(w, &w->wrong_errors, "more bytes than were asked for", cluster, client, call,
			 result->value);
	if (call->op == FLAT_CLOSE && call->handle->cap.machine)
		complain(w, &w->wrong_errors, "the file is closed and open", cluster, client, call, 0);
	c->busy = HANDLES;
	if (c->killed && call->handle)
		flat_delete(w->machine, cluster, call->handle);
}

static void on_received(void *context, uint32_t cluster, uint32_t client, const struct flat_handle *handle)
{
	struct world *w = context;
	struct client *c = &w->client[cluster][client];
	uint32_t slot = HANDLES;
	for (uint32_t i = 0; i < HANDLES && !c->killed; i++)
		if (!c->handle[i].cap.machine && i != c->busy)
			slot = i;
	if (slot != HANDLES) {
		c->handle[slot] = *handle;
	} else {
		SIM_CHECK(c->gifts < GIFTS);
		c->gift[c->gifts++] = *handle;
	}
	flat_client_wake(w->machine, cluster, client);
}

static sim_cycles on_think(void *context, uint32_t cluster, uint32_t client)
{
	struct world *w = context;
	struct client *c = &w->client[cluster][client];
	return below(&c->random, 4) ? below(&c->random, 3000) : below(&c->random, 40);
}

enum { DUE_REVOKE, DUE_KILL };

static void on_due(void *context, uint32_t number)
{
	struct world *w = context;
	const uint32_t cluster = w->due[number].cluster;
	struct client *c = &w->client[cluster][w->due[number].client];
	if (w->due[number].kind == DUE_REVOKE) {
		flat_revoke_file(w->machine, w->tree, &path_of[w->due[number].path]);
		return;
	}
	c->killed = true;
	for (uint32_t i = 0; i < HANDLES; i++)
		flat_delete(w->machine, cluster, &c->handle[i]);
}

/* ---- making and running ---- */

static void file_add(struct world *w, uint32_t path, uint64_t size, uint64_t seed)
{
	assert_int_equal(flat_tree_add_file(w->machine, w->tree, &path_of[path], size, seed), 0);
	w->inode[w->machine->names.nodes - 1] = (struct inode){.known = true, .size = size, .seed = seed};
}

static void tree_make(struct world *w)
{
	const struct flat_names names = {.count = sizeof name_text / sizeof *name_text, .text = name_text};
	w->tree = flat_tree_new(w->machine, &names);
	file_add(w, A, 5000, 77);
	file_add(w, B, 0, 78);
	assert_int_equal(flat_tree_add_dir(w->machine, w->tree, &path_of[D], 0), 0);
	file_add(w, D_A, 20000, 79);
	assert_int_equal(flat_tree_add_dir(w->machine, w->tree, &path_of[D_D], 0), 0);
	file_add(w, D_D_A, 4096, 80);
	assert_int_equal(flat_tree_add_link(w->machine, w->tree, &path_of[D_D_B], &path_of[D_A]), 0);
	assert_int_equal(flat_tree_add_symlink(w->machine, w->tree, &path_of[L], "d"), 0);
	assert_int_equal(flat_tree_add_symlink(w->machine, w->tree, &path_of[M], "m"), 0);
}

/* A machine of a seed: its clusters, links, caches, costs and where the service is. */
static void machine_make(struct world *w, enum sim_engine_kind engine, bool log, uint32_t calls)
{
	struct sim_topology topology;
	struct sim_cost_profile cost = *sim_cost_profiles[0];
	static const uint32_t wires[] = {1, 100, 900, 5000, 100000}; /* cycles */
	const char *why;
	const uint32_t calls_all = calls * CLUSTERS_MAX * CLIENTS_MAX;
	w->clusters = 2 + below(&w->random, CLUSTERS_MAX - 1);
	w->service = below(&w->random, w->clusters);
	assert_int_equal(sim_topology_preset(&topology, "seed-1000-cycles", w->clusters, &why), 0);
	topology.link[0].wire_ps =
		sim_ps_of_cycles(&topology.clock, wires[below(&w->random, 5)] + below(&w->random, 50));
	topology.link[0].send = below(&w->random, 300);
	topology.link[0].receive = below(&w->random, 300);
	topology.link[0].ps_per_kib = below(&w->random, 2) ? 0 : below(&w->random, 400000);
	if (below(&w->random, 2))
		for (unsigned i = 0; i < SIM_COST_KINDS; i++)
			cost.cycles[i] = below(&w->random, 3000);
	for (uint32_t i = 0; i < w->clusters; i++)
		w->clients[i] = below(&w->random, CLIENTS_MAX + 1);
	w->clients[below(&w->random, w->clusters)] |= 1;
	const struct flat_config config = {.topology = &topology,
					   .cost = &cost,
					   .engine = engine,
					   .service = w->service,
					   .cache_pages =
						   1 + below(&w->random, below(&w->random, 2) ? 6 : 60),
					   .files_max = calls_all + 64,
					   .pages_max = calls_all * 5 + 64,
					   .opens_max = calls_all * 2 + 64,
					   .clients = w->clients,
					   .driver = {.context = w,
						      .next = on_next,
						      .bytes = on_bytes,
						      .done = on_done,
						      .received = on_received,
						      .think = on_think,
						      .due = on_due},
					   .cell_tap = cover_tap,
					   .log = log ? &w->log : NULL};
	assert_int_equal(flat_new(&w->machine, &config), 0);
}

static struct world *world_new(uint64_t seed, enum sim_engine_kind engine, bool log, uint32_t calls)
{
	struct world *w = calloc(1, sizeof *w);
	assert_non_null(w);
	cover_limit(CELLS_MAX);
	w->seed = seed;
	w->random = (seed + 1) * 0x9e3779b97f4a7c15u | 1;
	draw(&w->random);
	w->cuts = seed % 2;
	w->narrow = seed % 8 >= 5;
	machine_make(w, engine, log, calls);
	tree_make(w);
	for (uint32_t i = 0; i < w->clusters; i++)
		for (uint32_t k = 0; k < w->clients[i]; k++) {
			w->client[i][k] = (struct client){
				.random = draw(&w->random) | 1, .left = calls, .busy = HANDLES};
			flat_client_start(w->machine, i, k, below(&w->random, 10000000));
		}
	const uint32_t dues = below(&w->random, below(&w->random, 2) ? 8 : DUES + 1);
	for (uint32_t i = 0; i < dues; i++) {
		w->due[i].kind = below(&w->random, 16) ? DUE_REVOKE : DUE_KILL;
		w->due[i].path = w->narrow ? A : busy_path[below(&w->random, sizeof busy_path)];
		do
			w->due[i].cluster = below(&w->random, w->clusters);
		while (!w->clients[w->due[i].cluster]);
		w->due[i].client = below(&w->random, w->clients[w->due[i].cluster]);
		flat_at(w->machine, w->due[i].kind == DUE_REVOKE ? w->service : w->due[i].cluster,
			(sim_ps)below(&w->random, 1000000) * 1000, i);
	}
	return w;
}

static void world_free(struct world *w)
{
	for (uint32_t i = 0; i < INODES_MAX; i++)
		for (uint32_t p = 0; p < PAGES_MAX; p++)
			free(w->inode[i].page[p]);
	flat_free(w->machine);
	inclusion_log_fini(&w->log);
	free(w);
}

static const struct step_node *like(void *context, uint32_t cluster, unsigned number)
{
	return flat_node(context, cluster, number);
}

static void replays(struct world *w, struct inclusion_result *result)
{
	assert_false(w->log.failed);
	assert_int_equal(inclusion_replay(&w->log, 1, w->clusters, cover_protocols, COVER_PROTOCOLS, like,
					  w->machine, true, result),
			 0);
}

static void must_replay(struct world *w)
{
	struct inclusion_result r;
	struct flat_stats stats;
	replays(w, &r);
	flat_stats(w->machine, &stats);
	if (r.failures)
		fail_msg("seed %llu: trace inclusion: %s", (unsigned long long)w->seed, r.first);
	assert_int_equal(r.inputs, w->log.count);
	assert_int_equal(r.cells, stats.cells);
	assert_int_equal(r.messages, stats.messages);
}

/* Files that still have a name hold, in the end, what was written last. Returns the pages that do not. */
static uint32_t peek_all(struct world *w)
{
	unsigned char bytes[FLAT_PAGE_BYTES];
	uint32_t wrong = 0;
	for (uint32_t i = 0; i < PATHS && !w->cuts; i++) {
		struct names_place at;
		if (names_walk(&w->machine->names, w->tree, &path_of[i], true, &at) ||
		    at.node == NAMES_NONE || w->machine->names.node[at.node].kind != NAMES_FILE)
			continue;
		for (uint32_t p = 0; p < PAGES_MAX; p++) {
			assert_int_equal(flat_peek(w->machine, w->tree, &path_of[i], p, bytes), 0);
			wrong += memcmp(bytes, page_of(w, at.node, p), FLAT_PAGE_BYTES) != 0;
		}
	}
	return wrong;
}

static uint64_t check_failures(struct world *w, char *first, size_t size)
{
	struct flat_check check[FLAT_CHECKS];
	uint64_t failures = 0;
	flat_check(w->machine, check);
	for (unsigned i = 0; i < FLAT_CHECKS; i++) {
		if (check[i].failures && !failures)
			snprintf(first, size, "%.60s: %.160s", check[i].name, check[i].first);
		failures += check[i].failures;
	}
	return failures;
}

static void must_be_right(struct world *w)
{
	char first[256] = "";
	const unsigned long long seed = w->seed;
	if (check_failures(w, first, sizeof first))
		fail_msg("seed %llu: %s", seed, first);
	if (w->wrong_bytes || w->wrong_errors)
		fail_msg("seed %llu: %s", seed, w->first_wrong);
	if (w->running)
		fail_msg("seed %llu: %llu calls never end", seed, (unsigned long long)w->running);
	if (peek_all(w))
		fail_msg("seed %llu: a file ends with other bytes than were written last", seed);
}

static uint64_t run(struct world *w)
{
	const enum sim_engine_end end = flat_run(w->machine, VIRTUAL_MAX);
	if (end == SIM_ENGINE_UNTIL)
		fail_msg("seed %llu: it never ends", (unsigned long long)w->seed);
	if (end != SIM_ENGINE_EMPTY)
		must_be_right(w);
	assert_int_equal(end, SIM_ENGINE_EMPTY);
	return sim_engine_digest(flat_engine(w->machine));
}

#endif
