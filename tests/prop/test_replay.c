/* tests/prop/test_replay.c - what the checker finds, happens again in the virtual engine; what cannot happen is named;
 * random walks find what is planted, and shrink it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "ssi/checker/replay.h"
#include "ssi/checker/walk.h"
#include "ssi/protocols/protocols.h"
#include "tests/prop/planted.h"

static struct checker_result search(const struct step_protocol *p, const struct checker_options *o)
{
	struct checker_result r;
	const int rc = checker_run(p, o, &r);
	if (rc)
		fail_msg("%s: error %d: %s", p->name, rc, r.why);
	assert_int_equal(r.end, CHECKER_VIOLATED);
	assert_non_null(r.script);
	return r;
}

static struct replay_result replay(const struct script *s, const struct step_protocol *p,
				   const struct replay_options *o)
{
	struct replay_result r;
	const int rc = replay_run(s, p, o, &r);
	if (rc)
		fail_msg("%s: error %d: %s", p->name, rc, r.misfit);
	return r;
}

/* ---- the same outcome ---- */

static const struct replay_options plain;

/* Twice, so that nothing is left over from the first time. */
static void happens_again(const struct script *s, const struct step_protocol *p)
{
	struct replay_result first = replay(s, p, &plain), second = replay(s, p, &plain);
	assert_string_equal(first.misfit, "");
	assert_string_equal(first.why, s->why);
	assert_string_equal(first.state, s->state);
	assert_int_equal(first.steps, s->steps);
	/* Each step is an event at a time of its own; what was sent are others. */
	assert_int_equal(first.now, s->steps * REPLAY_STEP_PS);
	assert_true(first.events >= s->steps);
	assert_int_equal(first.digest, second.digest);
	assert_string_equal(second.state, s->state);
	replay_result_fini(&first);
	replay_result_fini(&second);
}

static uint32_t ends_seen[SCRIPT_ENDS];

static void finds_and_replays(const struct step_protocol *p, struct checker_options o)
{
	struct checker_result r = search(p, &o);
	ends_seen[r.script->end]++;
	happens_again(r.script, p);
	checker_result_fini(&r);
}

static void test_the_known_bad_protocol_ends_as_it_did(void **state)
{
	(void)state;
	finds_and_replays(&capability_acks, (struct checker_options){0});
	finds_and_replays(&capability_acks, (struct checker_options){.kernels = 4});
	finds_and_replays(&capability_acks, (struct checker_options){.no_symmetry = true});
}

static void test_planted_faults_end_as_they_did(void **state)
{
	(void)state;
	struct planted p;
	/* In every state. */
	planted_init(&p, &memory_msi);
	planted_replace(&p, MSI_DIR, "OWNED", "GETS", "SHARED", "GETS", "SHARED");
	finds_and_replays(&p.protocol, (struct checker_options){0});
	planted_fini(&p);
	/* Inside a step, which ends there. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "SI_A", "INV")->kind = STEP_NEVER;
	finds_and_replays(&p.protocol, (struct checker_options){0});
	planted_fini(&p);
	/* At rest. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "S", "INV")->next = (uint8_t)planted_state(&p, MSI_LINE, "S");
	finds_and_replays(&p.protocol, (struct checker_options){0});
	planted_fini(&p);
	/* A deadlock. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "MI_A", "PUT_ACK")->action = nothing;
	finds_and_replays(&p.protocol, (struct checker_options){0});
	planted_fini(&p);
	/* Long ways, with refusals and parked messages. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "IS_D", "NACK")->kind = STEP_NEVER;
	finds_and_replays(&p.protocol, (struct checker_options){.parks = 1});
	planted_fini(&p);
	planted_init(&p, &capability_tree);
	planted_cell(&p, CAPABILITY_CAP, "LIVE", "REVOKE")->kind = STEP_NEVER;
	finds_and_replays(&p.protocol, (struct checker_options){0});
	planted_fini(&p);
	/* Some of these showed in a step, some where nothing went on. */
	assert_true(ends_seen[SCRIPT_END_STEP] > 2 && ends_seen[SCRIPT_END_REST] > 0);
}

static void test_the_story_is_that_of_the_note(void **state)
{
	(void)state;
	struct checker_result r = search(&capability_acks, NULL);
	char *story = replay_story(r.script, &capability_acks);
	/* Kernels 1 and 2 may play each other's parts, and what does not matter may come in another order. */
	static const char *const part[] = {"its client revokes what came from cap 0.0 [C_REVOKE]",
					   "[C_DELEGATE]",
					   "gets REVOKE from kernel 0",
					   "sends DONE to kernel 0",
					   "gets GIVE from kernel",
					   "FREE -> LIVE",
					   "C_REVOKE is done",
					   "==> I1: the revoke has returned and a copy is usable\n"};
	assert_non_null(story);
	for (uint32_t i = 0; i < sizeof part / sizeof *part; i++)
		if (!strstr(story, part[i]))
			fail_msg("\"%s\" is missing in\n%s", part[i], story);
	free(story);
	checker_result_fini(&r);
}

static void test_a_diagram_names_whom_it_declares(void **state)
{
	(void)state;
	char *text = NULL, *save;
	size_t size = 0;
	uint32_t arrows = 0;
	struct checker_result r = search(&capability_acks, NULL);
	FILE *f = open_memstream(&text, &size);
	struct replay_result again =
		replay(r.script, &capability_acks, &(struct replay_options){.plantuml = f});
	fclose(f);
	assert_int_equal(strncmp(text, "@startuml\n", 10), 0);
	assert_string_equal(text + size - 8, "@enduml\n");
	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned from, to;
		arrows += sscanf(line, "k%u -> k%u : ", &from, &to) == 2 && from < 3 && to < 3 && from != to;
	}
	assert_int_equal(arrows, 6); /* two GIVE, two REVOKE, two DONE */
	free(text);
	replay_result_fini(&again);
	checker_result_fini(&r);
}

/* ---- where to stop ---- */

static void test_a_replay_stops_where_it_is_told(void **state)
{
	(void)state;
	struct checker_result r = search(&capability_acks, NULL);
	struct replay_result at =
		replay(r.script, &capability_acks, &(struct replay_options){.until_step = 4});
	assert_true(at.stopped);
	assert_int_equal(at.steps, 4);
	assert_string_equal(at.why, "");
	replay_result_fini(&at);
	struct replay_options until = {.until_event = "REVOKE", .until_nth = 2};
	at = replay(r.script, &capability_acks, &until);
	assert_true(at.stopped);
	const uint32_t second = at.steps;
	replay_result_fini(&at);
	until.until_nth = 1;
	at = replay(r.script, &capability_acks, &until);
	assert_true(at.stopped && at.steps < second);
	replay_result_fini(&at);
	until.until_nth = 3;
	at = replay(r.script, &capability_acks, &until);
	assert_false(at.stopped);
	replay_result_fini(&at);
	checker_result_fini(&r);
}

/* ---- what does not fit ---- */

static void misfits(const struct script *s, uint32_t step, const char *word)
{
	struct replay_result r = replay(s, &capability_acks, &plain);
	assert_int_equal(r.misfit_step, step);
	assert_int_equal(r.steps, step - 1);
	if (!strstr(r.misfit, word))
		fail_msg("\"%s\" is missing in \"%s\"", word, r.misfit);
	replay_result_fini(&r);
}

static void test_a_step_that_cannot_happen_is_named(void **state)
{
	(void)state;
	struct checker_result r = search(&capability_acks, NULL);
	struct script *s = r.script;
	struct script_step *second = &s->step[1], was = *second;
	assert_int_equal(second->kind, SCRIPT_RECEIVE);
	second->event++;
	misfits(s, 2, "what can happen at kernel");
	*second = was;
	second->position = 1;
	misfits(s, 2, "step 2 cannot happen");
	*second = was;
	second->kind = SCRIPT_TIMER;
	misfits(s, 2, "timer");
	*second = s->step[3];
	misfits(s, 2, "step 2 cannot happen");
	*second = was;
	/* Numbers that would be indices. */
	struct replay_result refused;
	second->kernel = 7;
	assert_int_equal(replay_run(s, &capability_acks, &plain, &refused), -EINVAL);
	assert_non_null(strstr(refused.misfit, "step 2"));
	*second = was;
	second->event = 200;
	assert_int_equal(replay_run(s, &capability_acks, &plain, &refused), -EINVAL);
	*second = was;
	s->options.kernels = 100;
	assert_int_equal(replay_run(s, &capability_acks, &plain, &refused), -EINVAL);
	checker_result_fini(&r);
}

static void test_a_changed_cell_is_another_protocol(void **state)
{
	(void)state;
	char whole[SCRIPT_FINGERPRINT], changed[SCRIPT_FINGERPRINT];
	struct planted p;
	script_fingerprint(whole, &memory_msi);
	planted_init(&p, &memory_msi);
	script_fingerprint(changed, &p.protocol);
	assert_string_equal(whole, changed);
	planted_cell(&p, MSI_LINE, "S", "INV")->next = (uint8_t)planted_state(&p, MSI_LINE, "S");
	script_fingerprint(changed, &p.protocol);
	assert_string_not_equal(whole, changed);
	planted_fini(&p);
}

static void test_references_are_read_as_they_are_printed(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",         "cap",      "cap 0",        "cap 0.",         "cup 0.0",    "cap 0.0 ",
		"cap -1.0", "cap 0.0~", "cap 0.0~9999", "cap 99999999.0", "name99 0.0", "nobody 0.0"};
	char text[SCRIPT_REF];
	step_ref back;
	for (unsigned machine = 1; machine < 16; machine++)
		for (uint32_t k = 0; k < 64; k++) {
			const step_ref r = {.node = k & 3,
					    .machine = machine,
					    .gen = k & 4 ? 0xfff : 0,
					    .index = k & 8    ? STEP_NEW
						     : k & 16 ? STEP_NAMED
							      : k};
			script_ref_print(text, &capability_tree, r);
			assert_int_equal(script_ref_read(&back, &capability_tree, text), 0);
			assert_true(step_same(r, back));
		}
	for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++)
		if (!script_ref_read(&back, &capability_tree, bad[i]))
			fail_msg("\"%s\" was read", bad[i]);
}

/* ---- a way that the model once judged wrongly ---- */

struct written {
	enum script_kind kind;
	uint32_t kernel;
	const char *event;
	const char *at, *arg; /* of a message: whom it comes from */
	uint32_t word;
};

static uint32_t event_named(const struct step_protocol *p, const char *name)
{
	for (uint32_t e = 1; e < p->events; e++)
		if (p->event[e].name && !strcmp(p->event[e].name, name))
			return e;
	fail_msg("%s has no event %s", p->name, name);
	return 0;
}

static step_ref read_ref(const struct step_protocol *p, const char *text)
{
	step_ref r = STEP_NOBODY;
	if (text && script_ref_read(&r, p, text))
		fail_msg("%s has no \"%s\"", p->name, text);
	return r;
}

static struct script *write_down(const struct step_protocol *p, const struct checker_options *o,
				 const struct written *w, size_t count)
{
	struct script *s = script_new(&(struct script){.options = *o});
	assert_non_null(s);
	for (size_t i = 0; i < count; i++) {
		struct script_step step = {.kind = w[i].kind, .kernel = w[i].kernel, .word = w[i].word};
		step.event = event_named(p, w[i].event);
		if (w[i].kind == SCRIPT_RECEIVE) {
			step.from = (uint32_t)(w[i].at[0] - '0');
		} else {
			*(w[i].kind == SCRIPT_CALL ? &step.to : &step.at) = read_ref(p, w[i].at);
			step.arg = read_ref(p, w[i].arg);
		}
		assert_int_equal(script_add(s, &step), 0);
	}
	return s;
}

/* A call's source falls to a revoke that fails, as its own capability falls to one from further up: that one reaches what the
 * call has made. */
static void test_what_a_fallen_source_gave_is_derived_from_its_ancestors(void **state)
{
	(void)state;
	/* clang-format off */
	static const struct written way[] = {
		{SCRIPT_CALL,    0, "C_DELETE", "op 0.new", "cap 0.0", 0},
		{SCRIPT_CALL,    0, "C_OBTAIN", "op 0.new", "cap 0.1", 0},
		{SCRIPT_ANSWER,  0, "LOCAL_OK", "cap 0.0", NULL, 0},
		{SCRIPT_CALL,    0, "C_MOVE",   "op 0.new", "cap 0.1", 1},
		{SCRIPT_RECEIVE, 1, "OFFER",    "0", NULL, 0},
		{SCRIPT_ANSWER,  1, "LOCAL_OK", "cap 1.0", NULL, 0},
		{SCRIPT_RECEIVE, 0, "ACCEPT",   "1", NULL, 0},
		{SCRIPT_CALL,    0, "C_OBTAIN", "op 0.new", "cap 0.0", 0},
		{SCRIPT_ANSWER,  0, "LOCAL_OK", "cap 0.1", NULL, 0},
		{SCRIPT_CALL,    0, "C_REVOKE", "op 0.new", "cap 0.0", 0},
		{SCRIPT_CALL,    2, "C_OBTAIN", "op 2.new", "cap 0.1", 0},
		{SCRIPT_ANSWER,  2, "LOCAL_OK", "cap 2.0", NULL, 0},
		{SCRIPT_RECEIVE, 0, "OBTAIN",   "2", NULL, 0},
		{SCRIPT_TELL,    0, "KILL",     "entry 0.0", "entry 0.2", 0},
		{SCRIPT_TELL,    0, "KILL",     "entry 0.2", "cap 0.1", 0},
		{SCRIPT_TELL,    0, "KILL",     "entry 0.2", "entry 0.3", 0},
		{SCRIPT_TELL,    0, "KILL",     "entry 0.3", "cap 2.0", 0},
		{SCRIPT_RECEIVE, 2, "GRANT",    "0", NULL, 0},
		{SCRIPT_CALL,    1, "C_REVOKE", "op 1.new", "cap 1.0", 0},
		{SCRIPT_RECEIVE, 0, "CUT",      "1", NULL, 0},
		{SCRIPT_TELL,    0, "KILL",     "entry 0.1", "entry 0.0", 0},
		{SCRIPT_TELL,    0, "KILL",     "entry 0.0", "cap 0.0", 0},
		{SCRIPT_RECEIVE, 2, "KILL",     "0", NULL, 0},
	};
	/* clang-format on */
	const struct checker_options two = {.kernels = 3,
					    .objects = 2,
					    .capabilities = 2,
					    .flight = 2,
					    .parks = 3,
					    .slots = {0, 2, 1, 6}};
	struct script *s = write_down(&capability_central, &two, way, sizeof way / sizeof *way);
	struct replay_result r = replay(s, &capability_central, &plain);
	assert_string_equal(r.misfit, "");
	assert_string_equal(r.why, "");
	assert_int_equal(r.steps, sizeof way / sizeof *way);
	replay_result_fini(&r);
	script_free(s);
}

/* ---- random walks ---- */

static struct walk_result walk(const struct step_protocol *p, const struct walk_options *w)
{
	struct walk_result r;
	const struct checker_options own = {0};
	const int rc = walk_run(p, &own, w, &r);
	if (rc)
		fail_msg("%s: error %d: %s", p->name, rc, r.why);
	return r;
}

/* Finds it with every seed, shrinks it to at most `steps`, and the result happens again. */
static void walks_find(const struct step_protocol *p, const char *why, uint32_t steps)
{
	for (uint64_t seed = 1; seed <= 5; seed++) {
		const struct walk_options options = {.seed = seed, .walks = 3000};
		struct walk_result r = walk(p, &options);
		if (!strstr(r.why, why) || r.script->steps > steps)
			fail_msg("seed %u: \"%s\" in %u steps", (unsigned)seed, r.why,
				 r.script ? r.script->steps : 0);
		assert_true(r.found_steps >= r.script->steps);
		happens_again(r.script, p);
		walk_result_fini(&r);
	}
}

static void test_walks_find_what_is_wrong_and_shrink_it(void **state)
{
	(void)state;
	struct planted p;
	/* The shortest way is 11 steps; there is another of 13, of which no step can be left out. */
	walks_find(&capability_acks, "I1: the revoke has returned", 13);
	/* What it breaks first depends on the way; the shortest is 4 steps. */
	planted_init(&p, &memory_msi);
	planted_replace(&p, MSI_DIR, "OWNED", "GETS", "SHARED", "GETS", "SHARED");
	walks_find(&p.protocol, "", 12);
	planted_fini(&p);
	/* A deadlock: an eviction never returns. */
	planted_init(&p, &memory_msi);
	planted_cell(&p, MSI_LINE, "MI_A", "PUT_ACK")->action = nothing;
	walks_find(&p.protocol, "deadlock: ", 12);
	planted_fini(&p);
}

static void test_walks_find_nothing_where_nothing_is_wrong(void **state)
{
	(void)state;
	const struct walk_options options = {.seed = 1, .walks = 200};
	struct walk_result r = walk(&memory_msi, &options);
	assert_string_equal(r.why, "");
	assert_null(r.script);
	assert_int_equal(r.walks, 200);
	assert_true(r.cells_visited > r.cells / 2 && r.cells_visited <= r.cells);
	walk_result_fini(&r);
}

static void test_a_seed_gives_the_same_walks(void **state)
{
	(void)state;
	struct walk_options options = {.seed = 7, .walks = 50, .steps_max = 100};
	struct walk_result a = walk(&memory_msi, &options), b = walk(&memory_msi, &options);
	assert_int_equal(a.cells_visited, b.cells_visited);
	assert_int_equal(a.steps, b.steps);
	options = (struct walk_options){.seed = 7, .walks = 1000, .no_shrink = true};
	struct walk_result c = walk(&capability_acks, &options), d = walk(&capability_acks, &options);
	assert_int_equal(c.walk, d.walk);
	assert_int_equal(c.script->steps, d.script->steps);
	for (uint32_t i = 0; i < c.script->steps; i++)
		assert_true(script_same_step(&c.script->step[i], &d.script->step[i]));
	options.seed = 8;
	struct walk_result e = walk(&capability_acks, &options);
	bool same = e.script->steps == c.script->steps && e.walk == c.walk;
	for (uint32_t i = 0; same && i < c.script->steps; i++)
		same = script_same_step(&c.script->step[i], &e.script->step[i]);
	assert_false(same);
	walk_result_fini(&a), walk_result_fini(&b), walk_result_fini(&c), walk_result_fini(&d),
		walk_result_fini(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_known_bad_protocol_ends_as_it_did),
		cmocka_unit_test(test_planted_faults_end_as_they_did),
		cmocka_unit_test(test_the_story_is_that_of_the_note),
		cmocka_unit_test(test_a_diagram_names_whom_it_declares),
		cmocka_unit_test(test_a_replay_stops_where_it_is_told),
		cmocka_unit_test(test_a_step_that_cannot_happen_is_named),
		cmocka_unit_test(test_a_changed_cell_is_another_protocol),
		cmocka_unit_test(test_references_are_read_as_they_are_printed),
		cmocka_unit_test(test_what_a_fallen_source_gave_is_derived_from_its_ancestors),
		cmocka_unit_test(test_walks_find_what_is_wrong_and_shrink_it),
		cmocka_unit_test(test_walks_find_nothing_where_nothing_is_wrong),
		cmocka_unit_test(test_a_seed_gives_the_same_walks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
