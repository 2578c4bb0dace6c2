/* tests/golden/test_golden.c - the cells that run, in order, where two clusters do one small thing.
 *
 * A change of a protocol, of the flat machine or of the engine that is not meant to change what happens leaves these
 * files as they are. SKERRY_GOLDEN_UPDATE=1 writes them anew; the diff is then to be read like code.
 * A line: cluster, protocol, machine and slot, [state] event -> next state, action. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "sim/check.h"
#include "ssi/flat.h"

#define FOLDER  "tests/golden/"
#define CLIENTS 2 /* of each of the two clusters */
#define CALLS   8
#define SERVICE 0
#define SOON_PS 1000 /* before what was sent now has arrived */

enum { PATH_FILE, PATHS };
static const char *const name_text[] = {"file"};
static const struct flat_path path_of[PATHS] = {{.name = (const uint32_t[]){0}, .count = 1, .id = 0}};

/* What one client does, one call after the other. */
struct script {
	uint32_t count, at;
	sim_ps start; /* 0: it waits until something is sent to it */
	struct flat_call call[CALLS];
	int error[CALLS]; /* what each must end with */
};

struct play {
	struct flat_machine *machine;
	uint32_t tree, wrong;
	uint32_t revoke_after; /* grants to the other cluster; 0: never */
	struct script script[2][CLIENTS];
	struct flat_handle handle[2][CLIENTS];
	unsigned char last; /* written to the page */
};

/* The tap has no context. */
static char *golden_text;
static size_t golden_length;
static FILE *golden;
static struct play *playing;

static void on_cell(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state, unsigned next)
{
	const struct step_machine *d = &n->protocol->machine[at.machine];
	const struct step_cell *c = step_cell_at(n->protocol, at.machine, state, m->event);
	if (playing->revoke_after && !strcmp(c->name, "grant") && m->from.node != SERVICE &&
	    !--playing->revoke_after)
		flat_at(playing->machine, SERVICE, flat_now(playing->machine, SERVICE) + SOON_PS, 0);
	if (at.index == STEP_NEW || at.index == STEP_NAMED)
		fprintf(golden, "%u %s %s - ", n->id, n->protocol->name, d->name);
	else
		fprintf(golden, "%u %s %s %u ", n->id, n->protocol->name, d->name, (unsigned)at.index);
	fprintf(golden, "[%s] %s -> %s %s\n", d->state[state], n->protocol->event[m->event].name,
		d->state[next], c->name);
}

static bool on_next(void *context, uint32_t cluster, uint32_t client, struct flat_call *call)
{
	struct play *p = context;
	struct script *s = &p->script[cluster][client];
	if (s->at == s->count)
		return false;
	*call = s->call[s->at];
	call->tree = p->tree;
	call->handle = &p->handle[cluster][client];
	fprintf(golden, "# client %u of cluster %u: %s\n", client, cluster, flat_op_name[call->op]);
	return true;
}

static void on_bytes(void *context, uint32_t cluster, uint32_t client, const struct flat_call *call,
		     uint64_t at, unsigned char *bytes, uint32_t length)
{
	struct play *p = context;
	(void)at, (void)length;
	if (call->op == FLAT_WRITE)
		bytes[0] = ++p->last;
	fprintf(golden, "# client %u of cluster %u: has byte %u\n", client, cluster, bytes[0]);
	p->wrong += bytes[0] != p->last;
}

static void on_done(void *context, uint32_t cluster, uint32_t client, const struct flat_call *call,
		    const struct flat_result *result)
{
	struct play *p = context;
	struct script *s = &p->script[cluster][client];
	fprintf(golden, "# client %u of cluster %u: %s is over%s%s\n", client, cluster,
		flat_op_name[call->op], result->error ? ": " : "",
		result->error ? strerror(result->error) : "");
	p->wrong += result->error != s->error[s->at];
	s->at++;
}

static void on_received(void *context, uint32_t cluster, uint32_t client, const struct flat_handle *handle)
{
	struct play *p = context;
	fprintf(golden, "# client %u of cluster %u: has got the open file\n", client, cluster);
	p->handle[cluster][client] = *handle;
	flat_client_wake(p->machine, cluster, client);
}

static sim_cycles on_think(void *context, uint32_t cluster, uint32_t client)
{
	(void)context, (void)cluster, (void)client;
	return 100000; /* long enough for all to be over before the next call */
}

static void on_due(void *context, uint32_t number)
{
	struct play *p = context;
	(void)number;
	fprintf(golden, "# the file is revoked\n");
	p->wrong += flat_revoke_file(p->machine, p->tree, &path_of[PATH_FILE]) != 0;
}

static void machine_make(struct play *p)
{
	static const uint32_t clients[2] = {CLIENTS, CLIENTS};
	static const struct flat_names names = {.count = 1, .text = name_text};
	struct sim_topology topology;
	const char *why;
	assert_int_equal(sim_topology_preset(&topology, "seed-1000-cycles", 2, &why), 0);
	const struct flat_config config = {.topology = &topology,
					   .cost = sim_cost_profiles[0],
					   .service = SERVICE,
					   .cache_pages = 16,
					   .files_max = 16,
					   .pages_max = 16,
					   .opens_max = 64,
					   .clients = clients,
					   .cell_tap = on_cell,
					   .driver = {.context = p,
						      .next = on_next,
						      .bytes = on_bytes,
						      .done = on_done,
						      .received = on_received,
						      .think = on_think,
						      .due = on_due}};
	assert_int_equal(flat_new(&p->machine, &config), 0);
	p->tree = flat_tree_new(p->machine, &names);
}

static void start(struct play *p)
{
	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t k = 0; k < CLIENTS; k++)
			if (p->script[i][k].count)
				flat_client_start(p->machine, i, k, p->script[i][k].start);
}

/* Compares what ran with the file, or writes it. */
static void settle(const char *name)
{
	char path[256], *known = calloc(1, golden_length + 2);
	assert_non_null(known);
	snprintf(path, sizeof path, FOLDER "%s.trace", name);
	FILE *file = fopen(path, getenv("SKERRY_GOLDEN_UPDATE") ? "w+" : "r");
	if (!file)
		fail_msg("%s: %s", path, strerror(errno));
	if (getenv("SKERRY_GOLDEN_UPDATE")) {
		fwrite(golden_text, 1, golden_length, file);
		rewind(file);
	}
	fread(known, 1, golden_length + 1, file);
	fclose(file);
	size_t at = 0, line = 1;
	while (at < golden_length && known[at] == golden_text[at])
		line += known[at++] == '\n';
	if (at < golden_length || known[at]) {
		while (at && golden_text[at - 1] != '\n')
			at--;
		fail_msg("%s:%zu: now \"%.*s\", was \"%.*s\"; SKERRY_GOLDEN_UPDATE=1 accepts what is now",
			 path, line, (int)strcspn(golden_text + at, "\n"), golden_text + at,
			 (int)strcspn(known + at, "\n"), known + at);
	}
	free(known);
}

/* Runs the play, in which all must be as its scripts say, and settles its cells. */
static void perform(struct play *p, const char *name, uint64_t size)
{
	struct flat_check check[FLAT_CHECKS];
	golden = open_memstream(&golden_text, &golden_length);
	assert_non_null(golden);
	playing = p;
	machine_make(p);
	if (size)
		assert_int_equal(flat_tree_add_file(p->machine, p->tree, &path_of[PATH_FILE], size, 0), 0);
	start(p);
	assert_int_equal(flat_run(p->machine, SIM_PS_NEVER), SIM_ENGINE_EMPTY);
	flat_check(p->machine, check);
	for (unsigned i = 0; i < FLAT_CHECKS; i++)
		assert_int_equal(check[i].failures, 0);
	assert_int_equal(p->wrong, 0);
	for (uint32_t i = 0; i < 2; i++)
		for (uint32_t k = 0; k < CLIENTS; k++)
			assert_int_equal(p->script[i][k].at, p->script[i][k].count);
	fclose(golden);
	settle(name);
	flat_free(p->machine);
	free(golden_text);
}

#define OPEN                                                                                                 \
	{                                                                                                    \
		.op = FLAT_OPEN, .path = path_of[0], .writes = true                                          \
	}
#define MAKE                                                                                                 \
	{                                                                                                    \
		.op = FLAT_OPEN, .path = path_of[0], .writes = true, .create = true                          \
	}
#define READ                                                                                                 \
	{                                                                                                    \
		.op = FLAT_READ, .length = FLAT_PAGE_BYTES                                                   \
	}
#define WRITE                                                                                                \
	{                                                                                                    \
		.op = FLAT_WRITE, .length = FLAT_PAGE_BYTES                                                  \
	}
#define CLOSE                                                                                                \
	{                                                                                                    \
		.op = FLAT_CLOSE                                                                             \
	}
#define UNLINK                                                                                               \
	{                                                                                                    \
		.op = FLAT_UNLINK, .path = path_of[0]                                                        \
	}

/* ---- the plays ---- */

static void test_a_page_goes_from_reader_to_writer_and_back(void **state)
{
	struct play p = {.script = {{{.count = 4, .start = 1000, .call = {OPEN, WRITE, READ, CLOSE}}},
				    {{.count = 4, .start = 2000000000, .call = {OPEN, READ, WRITE, CLOSE}}}}};
	(void)state;
	perform(&p, "page", FLAT_PAGE_BYTES);
}

static void test_a_file_is_made_and_unlinked_while_it_is_open(void **state)
{
	struct play p = {
		.script = {[1] = {{.count = 4, .start = 1000, .call = {MAKE, UNLINK, WRITE, CLOSE}}}}};
	(void)state;
	perform(&p, "file", 0);
}

static void test_an_open_file_is_sent_to_another_cluster(void **state)
{
	struct play p = {
		.script = {[0] = {{.count = 3,
				   .start = 1000,
				   .call = {OPEN, {.op = FLAT_SEND, .cluster = 1, .client = 1}, CLOSE}}},
			   [1] = {[1] = {.count = 2, .start = 3000000000, .call = {READ, CLOSE}}}}};
	(void)state;
	perform(&p, "delegation", FLAT_PAGE_BYTES);
}

/* The grant is on its way when the file is revoked: the revoke comes behind it and reaches it. */
static void test_a_revoke_follows_a_grant_on_its_way(void **state)
{
	struct play p = {.revoke_after = 2, /* the name, then the file */
			 .script = {[1] = {{.count = 3,
					    .start = 1000,
					    .call = {OPEN, READ, CLOSE},
					    .error = {0, EBADF, 0}}}}};
	(void)state;
	perform(&p, "revoke", FLAT_PAGE_BYTES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_page_goes_from_reader_to_writer_and_back),
		cmocka_unit_test(test_a_file_is_made_and_unlinked_while_it_is_open),
		cmocka_unit_test(test_an_open_file_is_sent_to_another_cluster),
		cmocka_unit_test(test_a_revoke_follows_a_grant_on_its_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
