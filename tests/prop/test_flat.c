/* tests/prop/test_flat.c - clients of several clusters do as they please in one tree of files, on the flat machine
 * itself: names come and go under each other's hands, open files are sent round, revoked, and die with their clients.
 *
 * Nobody orders the clients, so their results are not known beforehand. What must hold is known: every call ends, with
 * an error that such a call may have; a byte that is read is the one that was written last; at rest the protocols'
 * invariants hold and nothing is left over; the log of steps replays through the tables; both engines do the same.
 * Over all seeds, every cell that a flat machine can reach has run. */
#include "tests/prop/flat_world.h"

/* ---- what must hold ---- */

static void test_any_work_of_clients_ends_right_replays_and_is_the_same_in_both_engines(void **state)
{
	uint64_t calls = 0, bytes = 0, parked = 0;
	(void)state;
	cover_reset();
	for (uint64_t seed = seeds_first(), end = seed + seeds_count(1500); seed < end; seed++) {
		struct world *w = world_new(seed, SIM_ENGINE_WINDOW, true, 60);
		const uint64_t digest = run(w);
		must_be_right(w);
		must_replay(w);
		calls += w->calls;
		bytes += w->bytes_compared;
		for (uint32_t i = 0; i < w->clusters; i++)
			parked += flat_node(w->machine, i, FLAT_MEMORY)->parks_used;
		world_free(w);
		if (seed % 4)
			continue;
		struct world *oracle = world_new(seed, SIM_ENGINE_HEAP, false, 60);
		if (run(oracle) != digest)
			fail_msg("seed %llu: the engines differ", (unsigned long long)seed);
		must_be_right(oracle);
		world_free(oracle);
	}
	print_message("%llu calls, %llu bytes compared, %llu places of parked messages\n",
		      (unsigned long long)calls, (unsigned long long)bytes, (unsigned long long)parked);
	assert_true(getenv("SKERRY_SEED") || (bytes > 1000000 && parked > 100));
}

/* Clients that pass capabilities to each other: workloads/operations.c, whose ledger judges each use. Small machines, where
 * everybody meets. */
static void pass_capabilities(uint64_t seed, const char *const *sets, uint32_t count)
{
	static const char text[] = "machine: {preset: seed-1000-cycles, clusters: 4}\n"
				   "clients: [{operations: {count: 250, objects: 1, holds: 6, revoke: 15, "
				   "delete: 15, move: 15}, "
				   "copies: 3, think: 0 cycles}]\n"
				   "events: [{at: 50us, kill: {cluster: 1, client: 0}}, {at: 80us, kill: "
				   "{cluster: 0, client: 1}}]\n";
	struct scenario *scenario = NULL;
	struct scenario_error error = {""};
	struct run *run = NULL;
	struct run_result result;
	char with_seed[32];
	const char *all[8] = {with_seed};
	const struct run_options options = {.cell_tap = cover_tap, .inclusion = seed % 4 == 0};
	snprintf(with_seed, sizeof with_seed, "seed=%llu", (unsigned long long)seed);
	if (count)
		memcpy(all + 1, sets, count * sizeof *sets);
	cover_limit(CELLS_MAX);
	if (scenario_parse(&scenario, "test.yaml", text, strlen(text), all, count + 1, &error) ||
	    run_new(&run, scenario, &options, &error))
		fail_msg("%s", error.text);
	run_go(run, &result);
	for (uint32_t i = 0; i < result.checks; i++)
		if (result.check[i].failures)
			fail_msg("seed %llu: %s: %s", (unsigned long long)seed, result.check[i].name,
				 result.check[i].first);
	for (unsigned op = FLAT_CAP_CREATE; op <= FLAT_CAP_USE; op++) {
		const struct flat_op_stats *s = &result.stats->op[op];
		outcomes[op][0] += s->latency_ps.count - s->failures;
		outcomes[op][1] += s->failures;
	}
	run_free(run);
	scenario_free(scenario);
}

static void test_capabilities_that_are_passed_on_are_right_and_given_back(void **state)
{
	static const char *const many[] = {"machine.clusters=2", "clients.0.operations.obtain=60",
					   "clients.0.operations.offer=40"},
				 *const few[] = {"machine.link.credit=1", "clients.0.copies=2"},
				 *const revokes[] = {"clients.0.operations.revoke=80",
						     "clients.0.operations.copy=30"};
	(void)state;
	for (uint64_t seed = 1; seed <= 60; seed++) {
		pass_capabilities(seed, NULL, 0);
		pass_capabilities(seed, many, 3);
		pass_capabilities(seed, few, 2);
		pass_capabilities(seed, revokes, 2);
	}
}

struct came_to {
	uint64_t messages, count[FLAT_OPS], failures[FLAT_OPS];
};

static struct came_to serially(const char *fidelity, const char *protocol)
{
	static const char text[] = "machine: {preset: seed-1000-cycles, clusters: 5}\norder: serial\n"
				   "clients: [{operations: {count: 60, retype: 0, use: 0}, copies: 2}]\n";
	const char *const sets[] = {fidelity, protocol};
	struct scenario *scenario = NULL;
	struct scenario_error error = {""};
	struct run *run = NULL;
	struct run_result result;
	struct came_to out = {0};
	if (scenario_parse(&scenario, "test.yaml", text, strlen(text), sets, 2, &error) ||
	    run_new(&run, scenario, &(struct run_options){.inclusion = true}, &error))
		fail_msg("%s", error.text);
	run_go(run, &result);
	assert_int_equal(result.failures, 0);
	out.messages = result.messages;
	for (unsigned op = FLAT_CAP_CREATE; op <= FLAT_CAP_USE; op++) {
		out.count[op] = result.stats->op[op].latency_ps.count;
		out.failures[op] = result.stats->op[op].failures;
	}
	run_free(run);
	scenario_free(scenario);
	return out;
}

/* One call at a time: then what each comes to depends on no duration, but for memory, which a kernel runs out of, and for
 * uses, which it refuses by itself. (In which order a revoke's answers come does.) */
static void test_operations_come_to_the_same_at_both_fidelities(void **state)
{
	static const char *const protocol[] = {"protocols.capability=tree", "protocols.capability=central"};
	struct came_to flat[2], full;
	(void)state;
	for (int i = 0; i < 2; i++) {
		flat[i] = serially("fidelity=flat", protocol[i]);
		full = serially("fidelity=full", protocol[i]);
		assert_memory_equal(&flat[i], &full, sizeof full);
		assert_true(full.messages > 500);
	}
	assert_memory_not_equal(&flat[0], &flat[1], sizeof full);
}

static void test_every_cell_that_a_flat_machine_can_reach_has_run(void **state)
{
	(void)state;
	if (getenv("SKERRY_SEED"))
		skip();
	cover_check(out_of_reach);
}

static void test_every_kind_of_call_has_succeeded_and_failed(void **state)
{
	(void)state;
	if (getenv("SKERRY_SEED"))
		skip();
	for (unsigned op = 0; op < FLAT_CALLS; op++) {
		const bool used =
			op != FLAT_FORK && op != FLAT_WAIT && op != FLAT_EXIT; /* processes: test_run */
		if (used != (outcomes[op][0] > 0))
			fail_msg("%s has succeeded %llu times", flat_op_name[op],
				 (unsigned long long)outcomes[op][0]);
		if (used && op != FLAT_CLOSE && op != FLAT_LOCAL && op != FLAT_CAP_CREATE &&
		    op != FLAT_CAP_OFFER && !outcomes[op][1])
			fail_msg("%s has never failed", flat_op_name[op]);
	}
	assert_true(refused > 1000);
}

/* ---- every check can fail ---- */

static void test_another_link_or_seed_gives_another_digest(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 8; seed++) {
		struct world *w = world_new(seed, SIM_ENGINE_WINDOW, false, 20), *same, *other;
		const uint64_t digest = run(w);
		world_free(w);
		same = world_new(seed, SIM_ENGINE_WINDOW, false, 20);
		other = world_new(seed, SIM_ENGINE_WINDOW, false, 20);
		other->machine->topology.link[0].wire_ps +=
			1000; /* the window stays as it was, and is still right */
		assert_int_equal(run(same), digest);
		if (other->machine->shard->messages || other->clusters > 1)
			assert_int_not_equal(run(other), digest);
		world_free(same);
		world_free(other);
		other = world_new(seed + 100, SIM_ENGINE_WINDOW, false, 20);
		assert_int_not_equal(run(other), digest);
		world_free(other);
	}
}

static struct world *finished(uint64_t seed)
{
	struct world *w = world_new(seed, SIM_ENGINE_WINDOW, true, 60);
	run(w);
	must_be_right(w);
	return w;
}

static bool travels(const struct inclusion_record *r)
{
	return r->kind == INCLUSION_DELIVER && r->from != r->cluster;
}

/* The next message on the same channel after record i, or the end. */
static uint64_t next_on_channel(const struct inclusion_log *log, uint64_t i)
{
	const struct inclusion_record *r = &log->record[i];
	for (uint64_t k = i + 1; k < log->count; k++) {
		const struct inclusion_record *o = &log->record[k];
		if (travels(o) && o->from == r->from && o->cluster == r->cluster && o->number == r->number &&
		    memcmp(&o->msg, &r->msg, sizeof o->msg))
			return k;
	}
	return log->count;
}

static bool is_refused_with(struct world *w)
{
	struct inclusion_result r;
	replays(w, &r);
	return r.failures && r.first[0];
}

enum { DROPPED, SWAPPED, READDRESSED, OTHER_WORD, OTHER_EVENT, REPEATED, LIES };

/* Makes record i a lie; false: this one cannot be told so. */
static bool lie(struct inclusion_log *log, uint64_t i, unsigned kind)
{
	struct inclusion_record *r = &log->record[i], swap = *r;
	const uint64_t other = next_on_channel(log, i);
	switch (kind) {
	case DROPPED:
		memmove(r, r + 1, (log->count - i - 1) * sizeof *r);
		log->count--;
		return true;
	case SWAPPED:
		if (other == log->count)
			return false;
		r->msg = log->record[other].msg;
		log->record[other].msg = swap.msg;
		return true;
	case READDRESSED:
		r->msg.to.index ^= 1;
		return true;
	case OTHER_WORD:
		r->msg.word ^= 4;
		return cover_protocols[r->number]->event[r->msg.event].word != STEP_K_DATA;
	case OTHER_EVENT:
		r->msg.event = r->msg.event == E_PROTOCOL ? E_PROTOCOL + 1 : E_PROTOCOL;
		return true;
	default:
		if (i + 1 == log->count)
			return false;
		r[1] = *r;
		return true;
	}
}

static void test_the_replay_refuses_every_log_in_which_a_message_lies(void **state)
{
	uint32_t told[LIES] = {0};
	(void)state;
	for (uint64_t seed = 0; seed < 12; seed++) {
		struct world *w = finished(seed);
		const uint64_t count = w->log.count;
		struct inclusion_record *truth = malloc(count * sizeof *truth);
		assert_non_null(truth);
		memcpy(truth, w->log.record, count * sizeof *truth);
		for (uint32_t n = 0; n < 60; n++) {
			const uint64_t i = below(&w->random, (uint32_t)count);
			if (!travels(&truth[i]))
				continue;
			if (lie(&w->log, i, n % LIES)) {
				told[n % LIES]++;
				if (!is_refused_with(w))
					fail_msg("seed %llu: record %llu, lie %u is not seen",
						 (unsigned long long)seed, (unsigned long long)i, n % LIES);
			}
			memcpy(w->log.record, truth, count * sizeof *truth);
			w->log.count = count;
		}
		assert_false(is_refused_with(w));
		free(truth);
		world_free(w);
	}
	for (unsigned k = 0; k < LIES; k++)
		assert_true(told[k] > 5);
}

static void test_a_byte_that_is_turned_in_a_page_is_seen(void **state)
{
	uint32_t turned = 0, seen = 0;
	(void)state;
	for (uint64_t seed = 0; seed < 40; seed += 2) { /* without truncation */
		struct world *w = world_new(seed, SIM_ENGINE_WINDOW, false, 60);
		flat_run(w->machine, (sim_ps)300000 * 1000);
		const uint32_t pages = damage_pages(w->machine, DAMAGE_NO_FILE, false, 17, 0x20);
		run(w);
		turned += pages > 0;
		seen += pages > 0 && (w->wrong_bytes || peek_all(w));
		world_free(w);
	}
	assert_true(turned >= 10);
	assert_true(seen > turned / 2); /* what is written over, or has no name any more, nobody looks at */
}

/* Faults planted in a machine at rest; each must fail the check that is named. */
static struct step_head *any_machine(struct world *w, unsigned number, unsigned machine, uint32_t states,
				     step_ref *at)
{
	for (uint32_t i = 0; i < w->clusters; i++) {
		struct step_node *n = flat_node(w->machine, i, number);
		for (uint32_t k = 0; k < n->pool[machine].used; k++) {
			struct step_head *head = step_at(n, machine, k);
			*at = step_ref_of(n, machine, k);
			if (states >> head->state & 1)
				return head;
		}
	}
	return NULL;
}

static bool plant_line(struct world *w)
{
	step_ref at;
	struct step_head *head =
		any_machine(w, FLAT_MEMORY, MSI_LINE, memory_msi.machine[MSI_LINE].usable, &at);
	if (head)
		head->state = 0;
	return head != NULL;
}
static bool plant_free_line(struct world *w)
{
	step_ref at;
	struct step_head *head = any_machine(w, FLAT_MEMORY, MSI_LINE, 1, &at);
	if (head)
		head->state = 4; /* S */
	return head != NULL;
}
static bool plant_cap(struct world *w)
{
	step_ref at;
	for (uint32_t i = 0; i < w->clusters; i++) {
		struct step_node *n = flat_node(w->machine, i, FLAT_CAPABILITY);
		for (uint32_t k = 0; i != w->service && k < n->pool[CAPABILITY_CAP].used; k++) {
			struct step_head *head = step_at(n, CAPABILITY_CAP, k);
			at = step_ref_of(n, CAPABILITY_CAP, k);
			if (!(capability_tree.machine[CAPABILITY_CAP].usable >> head->state & 1))
				continue;
			head->gen++;
			return at.machine != 0;
		}
	}
	return false;
}
static bool plant_call(struct world *w)
{
	step_ref at;
	struct step_head *head = any_machine(w, FLAT_FILE, POSIX_CALL, 1, &at);
	if (head)
		head->state = 1;
	return head != NULL;
}
static bool plant_parked(struct world *w)
{
	flat_node(w->machine, 0, FLAT_MEMORY)->parked++;
	return true;
}
static bool plant_fault(struct world *w)
{
	w->machine->shard->faults++;
	return true;
}
static bool plant_use(struct world *w)
{
	struct flat_shard *m = w->machine->shard;
	for (uint32_t i = 0; i < m->revocations; i++)
		for (uint32_t k = 0; k < m->grants; k++)
			if (step_same(m->grant[k].root, m->revocation[i].root) &&
			    m->grant[k].granted <= m->revocation[i].returned) {
				m->grant[k].last_use = m->revocation[i].returned + 1;
				return true;
			}
	return false;
}
static bool plant_no_return(struct world *w)
{
	struct flat_shard *m = w->machine->shard;
	for (uint32_t k = 0; m->revocations && k < m->grants; k++)
		if (step_same(m->grant[k].root, m->revocation[0].root)) {
			m->revocation[0].returned = SIM_PS_NEVER;
			return true;
		}
	return false;
}

static const struct {
	const char *name, *check, *why;
	bool (*plant)(struct world *w);
} planted[] = {
	{"a line forgets its page", "memory/msi at rest", "knows of a holder that has no page", plant_line},
	{"a line has a page of its own", "memory/msi at rest", "does not know of", plant_free_line},
	{"a capability is another one", "capability/tree at rest", "", plant_cap},
	{"a call never ends", "protocol steps", "never leaves", plant_call},
	{"a message stays parked", "protocol steps", "parked for ever", plant_parked},
	{"a fault is reported", "protocol steps", "", plant_fault},
	{"a use after the revoke", "confinement", "used after the revoke", plant_use},
	{"a revoke without end", "confinement", "never returned", plant_no_return},
};

static void test_every_check_of_the_machine_fails_on_a_planted_fault(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof planted / sizeof *planted; i++) {
		uint32_t seen = 0;
		for (uint64_t seed = 0; seed < 20; seed++) {
			char first[256] = "";
			struct world *w = finished(seed);
			if (planted[i].plant(w)) {
				if (!check_failures(w, first, sizeof first) ||
				    strncmp(first, planted[i].check, strlen(planted[i].check)) ||
				    !strstr(first, planted[i].why))
					fail_msg("seed %llu: %s: \"%s\"", (unsigned long long)seed,
						 planted[i].name, first);
				seen++;
			}
			world_free(w);
		}
		if (!seen)
			fail_msg("%s: could be planted nowhere", planted[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_work_of_clients_ends_right_replays_and_is_the_same_in_both_engines),
		cmocka_unit_test(test_capabilities_that_are_passed_on_are_right_and_given_back),
		cmocka_unit_test(test_operations_come_to_the_same_at_both_fidelities),
		cmocka_unit_test(test_every_cell_that_a_flat_machine_can_reach_has_run),
		cmocka_unit_test(test_every_kind_of_call_has_succeeded_and_failed),
		cmocka_unit_test(test_another_link_or_seed_gives_another_digest),
		cmocka_unit_test(test_the_replay_refuses_every_log_in_which_a_message_lies),
		cmocka_unit_test(test_a_byte_that_is_turned_in_a_page_is_seen),
		cmocka_unit_test(test_every_check_of_the_machine_fails_on_a_planted_fault),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
