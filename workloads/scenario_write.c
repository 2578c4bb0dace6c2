/* Every value in the open, so that a run can be repeated from what it wrote. */
#include <errno.h>
#include <string.h>
#include "workloads/scenario_schema.h"

static void write_quantity(FILE *out, const char *before, const char *key, enum sim_unit unit, uint64_t value)
{
	char text[SIM_QUANTITY_TEXT];
	sim_quantity_print(text, unit, value);
	fprintf(out, "%s%s: %s\n", before, key, text);
}

static void write_named_text(FILE *out, const char *before, const char *key, const char *text)
{
	fprintf(out, "%s%s: ", before, key);
	sim_config_write_text(out, text);
	fputc('\n', out);
}

/* Links that are all alike in one respect are written so, whether the preset or the scenario made them
 * alike. */
static bool same_in_all(const struct sim_topology *t, size_t offset, uint64_t *value)
{
	memcpy(value, (const char *)&t->link[0] + offset, sizeof *value);
	for (uint32_t i = 1; i < t->links; i++)
		if (memcmp((const char *)&t->link[i] + offset, value, sizeof *value))
			return false;
	return true;
}

static void write_link(FILE *out, const struct sim_topology *t, uint32_t credit)
{
	static const size_t member[] = {offsetof(struct sim_link, send), offsetof(struct sim_link, wire_ps),
					offsetof(struct sim_link, receive), offsetof(struct sim_link, gap),
					offsetof(struct sim_link, ps_per_kib)};
	uint64_t value;
	bool any = credit != 0 || t->jitter_ps;
	for (size_t i = 0; i < sizeof member / sizeof *member; i++)
		any |= same_in_all(t, member[i], &value);
	if (!any)
		return;
	fprintf(out, "  link:\n");
	if (credit)
		write_quantity(out, "    ", "credit", SIM_UNIT_NONE, credit);
	if (t->jitter_ps)
		write_quantity(out, "    ", "jitter", SIM_UNIT_CYCLES,
			       sim_cycles_of_ps(&t->clock, t->jitter_ps));
	if (same_in_all(t, offsetof(struct sim_link, send), &value))
		write_quantity(out, "    ", "send", SIM_UNIT_CYCLES, value);
	if (same_in_all(t, offsetof(struct sim_link, wire_ps), &value))
		write_quantity(out, "    ", "wire", SIM_UNIT_CYCLES, sim_cycles_of_ps(&t->clock, value));
	if (same_in_all(t, offsetof(struct sim_link, receive), &value))
		write_quantity(out, "    ", "receive", SIM_UNIT_CYCLES, value);
	if (same_in_all(t, offsetof(struct sim_link, gap), &value))
		write_quantity(out, "    ", "gap", SIM_UNIT_CYCLES, value);
	if (same_in_all(t, offsetof(struct sim_link, ps_per_kib), &value))
		write_quantity(out, "    ", "bandwidth", SIM_UNIT_RATE, sim_link_rate(t->clock.hz, value));
}

static void write_machine(FILE *out, const struct sim_topology *t, uint32_t credit)
{
	fprintf(out, "machine:\n");
	write_named_text(out, "  ", "preset", t->preset);
	fprintf(out, "  # %s\n", t->source);
	write_quantity(out, "  ", "clusters", SIM_UNIT_NONE, t->clusters);
	write_quantity(out, "  ", "clock", SIM_UNIT_FREQUENCY, t->clock.hz);
	write_link(out, t, credit);
	if (t->slow_ps) {
		fprintf(out, "  slow:\n");
		write_quantity(out, "    ", "cluster", SIM_UNIT_NONE, t->slow_cluster);
		write_quantity(out, "    ", "wire", SIM_UNIT_CYCLES, sim_cycles_of_ps(&t->clock, t->slow_ps));
	}
	for (uint32_t i = 0; t->links > 1 && i < t->links; i++)
		fprintf(out, "    # %s: send %llu, wire %llu, receive %llu, gap %llu cycles\n",
			t->link_name[i], (unsigned long long)t->link[i].send,
			(unsigned long long)sim_cycles_of_ps(&t->clock, t->link[i].wire_ps),
			(unsigned long long)t->link[i].receive, (unsigned long long)t->link[i].gap);
}

/* The costs of a calibrated preset have no name: they come with the machine. */
static void write_cost(FILE *out, const struct scenario *scenario)
{
	const struct sim_cost_profile *cost = &scenario->cost;
	fprintf(out, "cost:\n");
	if (sim_cost_profile(cost->name))
		fprintf(out, "  profile: %s\n", cost->name);
	fprintf(out, "  kernel: %s\n", scenario->kernel_cost->name);
	for (uint32_t i = 0; i < SIM_COST_KINDS; i++)
		write_quantity(out, "  ", sim_cost_name[i], SIM_UNIT_CYCLES, cost->cycles[i]);
}

static void write_range(FILE *out, const struct scenario_range *on)
{
	if (on->all || on->others)
		fprintf(out, "    on: %s\n", on->all ? "all" : "others");
	else
		fprintf(out, "    on: %u-%u\n", on->first, on->last);
}

static void write_capabilities(FILE *out, const struct scenario_clients *entry)
{
	const bool random = entry->workload == SCENARIO_OPERATIONS;
	fprintf(out, "    %s:\n", scenario_workload_names[entry->workload]);
	if (entry->workload == SCENARIO_JOURNEYS) {
		write_quantity(out, "      ", "capabilities", SIM_UNIT_NONE, entry->journey.capabilities);
		write_quantity(out, "      ", "moves", SIM_UNIT_NONE, entry->journey.moves);
		fprintf(out, "      by: %s\n", scenario_mover_names[entry->journey.by]);
		return;
	}
	if (!random) {
		write_quantity(out, "      ", entry->workload == SCENARIO_CHAINS ? "length" : "children",
			       SIM_UNIT_NONE, entry->shape.size);
		write_quantity(out, "      ", "rounds", SIM_UNIT_NONE, entry->shape.rounds);
		if (entry->workload == SCENARIO_TREES)
			fprintf(out, "      by: %s\n", scenario_by_names[entry->shape.by]);
		return;
	}
	write_quantity(out, "      ", "count", SIM_UNIT_NONE, entry->random.count);
	write_quantity(out, "      ", "objects", SIM_UNIT_NONE, entry->random.objects);
	write_quantity(out, "      ", "holds", SIM_UNIT_NONE, entry->random.holds);
	for (unsigned i = 0; i < SCENARIO_OPERATION_KINDS; i++)
		write_quantity(out, "      ", scenario_operation_names[i], SIM_UNIT_NONE,
			       entry->random.weight[i]);
}

static void write_client(FILE *out, const struct scenario_clients *entry)
{
	write_named_text(out, "  - ", "name", entry->name);
	if (entry->trace) {
		write_named_text(out, "    ", "trace", entry->trace);
		write_quantity(out, "    ", "repeat", SIM_UNIT_NONE, entry->repeat);
		fprintf(out, "    tree: %s\n", scenario_tree_names[entry->tree]);
	} else if (entry->workload == SCENARIO_STAMPS) {
		fprintf(out, "    stamps:\n");
		write_quantity(out, "      ", "pages", SIM_UNIT_NONE, entry->pages);
		write_quantity(out, "      ", "operations", SIM_UNIT_NONE, entry->operations);
		write_quantity(out, "      ", "writes", SIM_UNIT_PERCENT, entry->write_percent);
	} else if (entry->program) {
		write_named_text(out, "    ", "program", entry->program);
		write_named_text(out, "    ", "arguments", entry->arguments);
		write_quantity(out, "    ", "capabilities", SIM_UNIT_NONE, entry->capabilities);
	} else {
		write_capabilities(out, entry);
	}
	write_range(out, &entry->on);
	write_quantity(out, "    ", "copies", SIM_UNIT_NONE, entry->copies);
	if (!entry->program)
		write_quantity(out, "    ", "think", SIM_UNIT_CYCLES, entry->think);
}

static void write_event(FILE *out, const struct scenario_event *event)
{
	const char *before = event->kind == SCENARIO_FS_REVOKE ? "    " : "      ";
	write_quantity(out, "  - ", "at", SIM_UNIT_DURATION, event->at);
	if (event->kind != SCENARIO_FS_REVOKE)
		fprintf(out, "    %s:\n", event->kind == SCENARIO_KILL ? "kill" : "move");
	else
		write_named_text(out, "    ", "fs_revoke", event->path);
	write_quantity(out, before, "cluster", SIM_UNIT_NONE, event->cluster);
	write_quantity(out, before, "client", SIM_UNIT_NONE, event->client);
	if (event->kind == SCENARIO_EVENT_MOVE)
		write_quantity(out, before, "to", SIM_UNIT_NONE, event->to);
}

static void write_expect(FILE *out, const struct scenario_expect *expect)
{
	static const char *const operators[] = {
		[SCENARIO_EQ] = "", [SCENARIO_LE] = "<= ", [SCENARIO_GE] = ">= "};
	char text[SIM_QUANTITY_TEXT];
	fprintf(out, "  %s: ", expect->what);
	if (expect->text)
		snprintf(text, sizeof text, "%.40s", expect->text);
	else
		scenario_expect_print(text, expect);
	fprintf(out, "\"%s%s\"\n", operators[expect->op], text);
}

static void write_lists(const struct scenario *s, FILE *out)
{
	fprintf(out, "clients:\n");
	for (uint32_t i = 0; i < s->clients_count; i++)
		write_client(out, &s->clients[i]);
	if (s->events_count)
		fprintf(out, "events:\n");
	for (uint32_t i = 0; i < s->events_count; i++)
		write_event(out, &s->events[i]);
	if (s->expect_count)
		fprintf(out, "expect:\n");
	for (uint32_t i = 0; i < s->expect_count; i++)
		write_expect(out, &s->expect[i]);
}

static void write_native(const struct scenario_native *n, FILE *out)
{
	fprintf(out, "native:\n");
	write_quantity(out, "  ", "latency", SIM_UNIT_DURATION, n->latency);
	if (n->threads)
		write_quantity(out, "  ", "threads", SIM_UNIT_NONE, n->threads);
	if (n->slots)
		write_quantity(out, "  ", "slots", SIM_UNIT_NONE, n->slots);
	fprintf(out, "  oversubscribe: %s\n  lines: %s\n", n->oversubscribe ? "true" : "false",
		n->lines ? "true" : "false");
}

int scenario_write(const struct scenario *scenario, FILE *out)
{
	write_named_text(out, "", "name", scenario->name);
	write_named_text(out, "", "about", scenario->about);
	write_quantity(out, "", "seed", SIM_UNIT_NONE, scenario->seed);
	fprintf(out, "engine: %s\n", scenario_engine_names[scenario->engine]);
	fprintf(out, "fidelity: %s\norder: %s\n", scenario_fidelity_names[scenario->full],
		scenario_order_names[scenario->order]);
	write_machine(out, &scenario->topology, scenario->credit);
	write_cost(out, scenario);
	fprintf(out, "protocols:\n");
	write_named_text(out, "  ", "capability", scenario->capability);
	write_named_text(out, "  ", "memory", scenario->memory);
	write_named_text(out, "  ", "thread", scenario->thread);
	write_quantity(out, "  ", "thread_room", SIM_UNIT_NONE, scenario->thread_room);
	if (scenario->timer)
		write_quantity(out, "  ", "timer", SIM_UNIT_DURATION, scenario->timer);
	fprintf(out, "service:\n");
	write_quantity(out, "  ", "cluster", SIM_UNIT_NONE, scenario->service_cluster);
	write_quantity(out, "  ", "cache_pages", SIM_UNIT_NONE, scenario->cache_pages);
	write_native(&scenario->native, out);
	write_lists(scenario, out);
	return ferror(out) ? -EIO : 0;
}

int scenario_write_reference(FILE *out)
{
	sim_config_write_reference(out, &scenario_schema);
	return ferror(out) ? -EIO : 0;
}
