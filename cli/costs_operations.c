#include "cli/costs_operations.h"
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/member.h"
#include "cli/text.h"
#include "sim/cost.h"
#include "workloads/run.h"

/* Each row is a run of its own: one capability is passed on and revoked, again and again, nothing else happens. */
struct row {
	const char *name, *how;
	uint32_t published; /* 0: none that could be read */
	const char *scenario;
	enum flat_op op;
};
#define SCENARIO(clusters, copies)                                                                           \
	"name: costs\nmachine: {preset: semperos, clusters: " clusters "}\ncost: {profile: semperos}\n"      \
	"clients:\n  - {chains: {length: 1, rounds: 20}, copies: " copies "}\n"
static const struct row rows[] = {
	{"exchange in a group", "fitted", 3597, SCENARIO("1", "2"), FLAT_COPY},
	{"revoke in a group", "fitted", 1997, SCENARIO("1", "2"), FLAT_REVOKE},
	{"exchange across groups", "predicted", 0, SCENARIO("2", "1"), FLAT_DELEGATE},
	{"revoke across groups", "predicted", 0, SCENARIO("2", "1"), FLAT_REVOKE},
};
#define ROWS (sizeof rows / sizeof *rows)

struct measured {
	uint64_t cycles;
	double messages;
};

static int measure(const struct row *row, struct measured *out)
{
	struct scenario *scenario;
	struct scenario_error error;
	struct run_result result;
	struct run *run;
	if (scenario_parse(&scenario, "costs", row->scenario, strlen(row->scenario), NULL, 0, &error))
		return cli_fail(CLI_INTERNAL, "costs: %s", error.text);
	const struct run_options options = {0};
	if (run_new(&run, scenario, &options, &error)) {
		scenario_free(scenario);
		return cli_fail(CLI_INTERNAL, "costs: %s", error.text);
	}
	run_go(run, &result);
	const struct flat_op_stats *op = &result.stats->op[row->op];
	const uint64_t count = op->latency_ps.count;
	/* What the protocol takes, and the client's call and its reply. */
	out->cycles = sim_cycles_of_ps(&scenario->topology.clock, sim_histogram_at(&op->latency_ps, 500000)) +
		      scenario->cost.cycles[SIM_COST_CALL] + scenario->cost.cycles[SIM_COST_REPLY];
	out->messages = count ? (double)op->messages / (double)count : 0;
	const bool good = result.end == RUN_ENDED && !result.failures && count;
	run_free(run);
	scenario_free(scenario);
	return good ? CLI_GOOD : cli_fail(CLI_INTERNAL, "costs: the run of \"%s\" failed", row->name);
}

static void write_table(const struct measured *m)
{
	static struct text_table table;
	printf("%s: %s\n\n", COSTS_OPERATIONS_PROFILE, sim_cost_profile(COSTS_OPERATIONS_PROFILE)->about);
	text_table_add(&table, "operation");
	text_table_add(&table, "published");
	text_table_add(&table, "cycles");
	text_table_add(&table, "messages");
	text_table_add(&table, "figure is");
	text_table_end(&table);
	for (unsigned i = 0; i < ROWS; i++) {
		text_table_add(&table, "%s", rows[i].name);
		if (rows[i].published)
			text_table_add(&table, "%u", rows[i].published);
		else
			text_table_add(&table, "-");
		text_table_add(&table, "%llu", (unsigned long long)m[i].cycles);
		text_table_add(&table, "%.0f", m[i].messages);
		text_table_add(&table, "%s", rows[i].how);
		text_table_end(&table);
	}
	text_table_write(&table, stdout, "");
	printf("\nProtocol capability/tree on the machine \"semperos\", 2 GHz. Only the group-local rows "
	       "were used to fit; a "
	       "figure\nwithout a published one beside it is this model's word alone.\n\nWhat each step "
	       "costs:\n");
	for (unsigned k = 0; k < SIM_COST_KINDS; k++)
		if (k == SIM_COST_CALL || k == SIM_COST_REPLY || k == SIM_COST_CAP_CREATE ||
		    k == SIM_COST_CAP_DELETE || k == SIM_COST_STEP)
			printf("  %-10s  %5llu  %s\n", sim_cost_name[k],
			       (unsigned long long)sim_cost_profile(COSTS_OPERATIONS_PROFILE)->cycles[k],
			       sim_cost_profile(COSTS_OPERATIONS_PROFILE)->source[k]);
}

static int write_json(const struct measured *m)
{
	json_t *out = json_object(), *list = json_array();
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "profile", COSTS_OPERATIONS_PROFILE);
	for (unsigned i = 0; i < ROWS; i++) {
		json_t *row = json_object();
		member_text(row, "name", rows[i].name);
		if (rows[i].published)
			member_count(row, "published", rows[i].published);
		member_count(row, "cycles", m[i].cycles);
		member_real(row, "messages", m[i].messages);
		member_flag(row, "fitted", rows[i].published != 0);
		member_append(list, row);
	}
	member_set(out, "operations", list);
	const int failed = text_json(stdout, out);
	json_decref(out);
	return failed ? CLI_INTERNAL : CLI_GOOD;
}

int costs_operations(bool json)
{
	struct measured measured[ROWS];
	for (unsigned i = 0; i < ROWS; i++) {
		const int code = measure(&rows[i], &measured[i]);
		if (code)
			return code;
	}
	if (json)
		return write_json(measured);
	write_table(measured);
	return CLI_GOOD;
}
