/* skerry profile: runs a scenario and says where its threads spent their time, by cell, protocol and part of the host. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/member.h"
#include "cli/progress.h"
#include "cli/result.h"
#include "cli/session.h"
#include "cli/text.h"
#include "sim/host.h"
#include "sim/ticks.h"
#include "ssi/profile.h"

#define TOP_DEFAULT   20
#define TOP_MAX       200
#define EVERY_MAX     100000
#define EVERY_DEFAULT 1
#define FIRST_CAUSE   (FLAT_CAUSE_IDLE + 1) /* of those that are work */
_Static_assert(FLAT_CAUSE_UNTIMED < FLAT_CAUSE_IDLE, "the others are work");

struct profile_line {
	struct session_source source;
	uint64_t top, every, timeout_ps;
	bool json, quiet;
};

static const char examples[] =
	"  skerry profile                                  the demonstration, a cluster on each CPU\n"
	"  skerry profile --top 40 --set 'clients.0.think=0 cycles'\n"
	"  skerry profile mine.yaml --oversubscribe --json\n"
	"  skerry profile --engine virtual                 what simulating it takes, by cell\n";

static int read_line(struct profile_line *line, struct option_list *sets, int argc, char **argv)
{
	static struct option_list arguments;
	const struct cli_option options[] = {
		{"top", OPTION_QUANTITY, &line->top, "N", "cells to show, at most 200; default 20",
		 SIM_UNIT_NONE, NULL},
		{"every", OPTION_QUANTITY, &line->every, "N",
		 "profile one event in N: less weight on threads that never idle", SIM_UNIT_NONE, NULL},
		{"set", OPTION_EACH, sets, "KEY=VALUE", "change a value of the scenario; may be repeated", 0,
		 NULL},
		{"engine", OPTION_TEXT, &line->source.engine, SESSION_ENGINES,
		 "default native; else the time that the simulation takes", 0, session_engines},
		{"oversubscribe", OPTION_FLAG, &line->source.oversubscribe, NULL,
		 "allow more clusters than there are CPUs; a thread's time is then that of its CPU", 0, NULL},
		{"json", OPTION_FLAG, &line->json, NULL, "print the profile as one JSON object", 0, NULL},
		{"timeout", OPTION_QUANTITY, &line->timeout_ps, "T",
		 "stop after this much wall time, e.g. \"30 s\": exit 3", SIM_UNIT_DURATION, NULL},
		{"quiet", OPTION_FLAG, &line->quiet, NULL, "show no progress", 0, NULL},
	};
	const struct command_line command = {
		.name = "profile",
		.arguments = "[SCENARIO]",
		.about = "run a scenario and show where its threads spend their time",
		.examples = examples,
		.arguments_max = 1,
		.option = options,
		.options = sizeof options / sizeof *options};
	int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	if (!line->top || line->top > TOP_MAX)
		return cli_fail(CLI_USAGE, "profile: --top takes 1 to %d cells", TOP_MAX);
	if (!line->every || line->every > EVERY_MAX)
		return cli_fail(CLI_USAGE, "profile: --every takes 1 to %d events", EVERY_MAX);
	line->source.scenario = arguments.count ? arguments.item[0] : NULL;
	line->source.sets = sets;
	if (!line->source.engine)
		line->source.engine = "native";
	return -1;
}

static bool sets_clusters(const struct option_list *sets)
{
	static const char key[] = "machine";
	for (uint32_t i = 0; i < sets->count; i++)
		if (!strncmp(sets->item[i], key, sizeof key - 1))
			return true;
	return false;
}

/* The demonstration with as many clusters as this host runs at once, but two: one alone would send no message. */
static int fit_to_host(struct profile_line *line)
{
	struct sim_host *host = calloc(1, sizeof *host);
	const char *why = "no memory";
	if (line->source.scenario || strcmp(line->source.engine, "native") ||
	    sets_clusters(line->source.sets)) {
		free(host);
		return 0;
	}
	if (!host || sim_host_read(host, &why)) {
		free(host);
		return cli_fail(CLI_USAGE, "profile: %s", why);
	}
	const uint32_t capacity = sim_host_capacity(host);
	line->source.clusters = capacity < 2                          ? 2
				: capacity < SIM_NATIVE_PROCESSES_MAX ? capacity
								      : SIM_NATIVE_PROCESSES_MAX;
	line->source.oversubscribe |= capacity < 2;
	free(host);
	return 0;
}

/* ---- figures ---- */

struct figures {
	const struct flat_profile_report *report;
	const struct session *session;
	sim_ps each_switch;
	uint64_t idle, untimed, busy; /* ticks; busy: what is broken down below */
};

static sim_ps ps_of(uint64_t ticks) { return sim_ps_of_cycles(&sim_ticks_open()->clock, ticks); }

static double share(uint64_t part, uint64_t whole) { return whole ? (double)part / (double)whole : 0; }

static sim_ps each_of(const struct flat_profile_row *row)
{
	return row->count ? ps_of(row->ticks) / row->count : 0;
}

static struct figures figures_of(const struct flat_profile_report *report, const struct session *session)
{
	struct figures f = {.report = report,
			    .session = session,
			    .each_switch = ps_of(report->switch_ticks_1024) / 1024,
			    .idle = report->cause[FLAT_CAUSE_IDLE].ticks,
			    .untimed = report->cause[FLAT_CAUSE_UNTIMED].ticks};
	for (unsigned i = FIRST_CAUSE; i < FLAT_CAUSES; i++)
		f.busy += report->cause[i].ticks;
	for (uint32_t i = 0; i < report->cells; i++)
		f.busy += report->cell[i].row->ticks;
	return f;
}

/* The cells of one protocol together. */
static struct flat_profile_row sum_of(const struct flat_profile_report *report,
				      const struct step_protocol *protocol)
{
	struct flat_profile_row sum = {0};
	for (uint32_t i = 0; i < report->cells; i++)
		if (report->cell[i].protocol == protocol) {
			sum.count += report->cell[i].row->count;
			sum.ticks += report->cell[i].row->ticks;
		}
	return sum;
}

/* The protocols that ran, each once. */
static uint32_t protocols_of(const struct flat_profile_report *report,
			     const struct step_protocol *out[FLAT_PROFILE_PROTOCOLS])
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < report->cells; i++) {
		uint32_t k = 0;
		while (k < count && out[k] != report->cell[i].protocol)
			k++;
		if (k == count)
			out[count++] = report->cell[i].protocol;
	}
	return count;
}

/* Counted events of a row for each time that it was entered; below 0: not known. */
static double counted(const struct flat_profile_row *row, unsigned counter)
{
	return row->sampled ? (double)row->counter[counter] / (double)row->sampled : -1;
}

/* ---- for people ---- */

static void add_row(struct text_table *table, const struct figures *f, const struct flat_profile_row *row)
{
	char text[TEXT_BYTES];
	text_table_add(table, "%s", text_count(text, row->count));
	text_table_add(table, "%s", text_time(text, ps_of(row->ticks)));
	text_table_add(table, "%s", text_time(text, each_of(row)));
	text_table_add(table, "%.1f %%", 100 * share(row->ticks, f->busy));
}

static void add_counters(struct text_table *table, const struct figures *f,
			 const struct flat_profile_row *row)
{
	for (unsigned i = 0; i < f->report->counters; i++) {
		if (counted(row, i) < 0)
			text_table_add(table, "-");
		else
			text_table_add(table, "%.*f", i == 2 ? 2 : 0, counted(row, i));
	}
	text_table_end(table);
}

static void begin_table(struct text_table *table, const struct figures *f, const char *what)
{
	static const char *const short_name[SIM_COUNTER_KINDS] = {[SIM_COUNTER_CYCLES] = "cycles",
								  [SIM_COUNTER_INSTRUCTIONS] = "instr",
								  [SIM_COUNTER_CACHE_MISSES] = "misses"};
	text_table_add(table, "%s", what);
	text_table_add(table, "count");
	text_table_add(table, "total");
	text_table_add(table, "each");
	text_table_add(table, "of busy");
	for (unsigned i = 0; i < f->report->counters; i++)
		text_table_add(table, "%s", short_name[f->report->counter[i]]);
	text_table_end(table);
}

static void write_protocols(FILE *out, const struct figures *f)
{
	struct text_table table = {0};
	const struct step_protocol *protocol[FLAT_PROFILE_PROTOCOLS];
	const uint32_t count = protocols_of(f->report, protocol);
	begin_table(&table, f, "protocol");
	for (uint32_t i = 0; i < count; i++) {
		const struct flat_profile_row sum = sum_of(f->report, protocol[i]);
		text_table_add(&table, "%s", protocol[i]->name);
		add_row(&table, f, &sum);
		text_table_end(&table);
	}
	text_table_write(&table, out, "");
}

static void write_cells(FILE *out, const struct figures *f, uint64_t top)
{
	struct text_table table = {0};
	const struct flat_profile_report *r = f->report;
	begin_table(&table, f, "cell");
	for (uint32_t i = 0; i < r->cells && i < top; i++) {
		const struct flat_profile_cell *c = &r->cell[i];
		const struct step_machine *machine = &c->protocol->machine[c->machine];
		text_table_add(&table, "%s %s: %s + %s", c->protocol->name, machine->name,
			       machine->state[c->state], c->protocol->event[c->event].name);
		add_row(&table, f, c->row);
		add_counters(&table, f, c->row);
	}
	text_table_write(&table, out, "");
	if (r->cells > top)
		fprintf(out, "and %u more cells: --top\n", r->cells - (uint32_t)top);
}

static void write_causes(FILE *out, const struct figures *f)
{
	struct text_table table = {0};
	begin_table(&table, f, "part of the host");
	for (unsigned i = FIRST_CAUSE; i < FLAT_CAUSES; i++) {
		const struct flat_profile_row *row = &f->report->cause[i];
		if (!row->count)
			continue;
		text_table_add(&table, "%-10s  %s", flat_cause_name[i], flat_cause_about[i]);
		add_row(&table, f, row);
		add_counters(&table, f, row);
	}
	text_table_write(&table, out, "");
}

static void write_head(FILE *out, const struct figures *f)
{
	const struct scenario *s = f->session->scenario;
	const struct run_result *result = &f->session->result;
	const struct flat_profile_report *r = f->report;
	char a[TEXT_BYTES], b[TEXT_BYTES], c[TEXT_BYTES], d[TEXT_BYTES];
	fprintf(out, "%.60s: %u clusters on %u thread%s, %s\n", s->name, s->topology.clusters, r->threads,
		r->threads == 1 ? "" : "s",
		result->native ? "native: real time" : "virtual time: what simulating it takes");
	fprintf(out, "run        %s calls, %s messages, %s cells in %s\n", text_count(a, result->calls),
		text_count(b, result->messages), text_count(c, result->cells),
		text_seconds(d, result->wall_seconds));
	fprintf(out, "threads    %s: busy %s (%.1f %%), idle %.1f %%, profiling %.1f %%\n",
		text_time(a, ps_of(r->ticks)), text_time(b, ps_of(f->busy)), 100 * share(f->busy, r->ticks),
		100 * share(f->idle, r->ticks), 100 * share(r->overhead, r->ticks));
	if (r->every > 1)
		fprintf(out,
			"           one event in %u is profiled; the others are %.1f %% of the threads' "
			"time\n",
			r->every, 100 * share(f->untimed, r->ticks));
	if (result->native && result->native->shares)
		fprintf(out,
			"           threads share CPUs; time without one counts where it was taken away\n");
	else if (result->native && result->native->stats.switches)
		fprintf(out, "           a CPU was taken away %s times; that time counts where it happened\n",
			text_count(a, result->native->stats.switches));
	fputc('\n', out);
}

static void write_tail(FILE *out, const struct figures *f)
{
	const struct flat_profile_report *r = f->report;
	char a[TEXT_BYTES], b[TEXT_BYTES], c[TEXT_BYTES];
	fprintf(out,
		"profiling  %s switches of %s, together %s: %.1f %% of what is not idle, taken off "
		"above\n",
		text_count(a, r->switches), text_time(b, f->each_switch), text_time(c, ps_of(r->overhead)),
		100 * share(r->overhead, r->ticks - f->idle));
	if (r->counters)
		fprintf(out, "counters   user space, each time entered; every %uth event, read by %s\n",
			r->counters_every, r->counters_rdpmc ? "rdpmc" : "read()");
	else
		fprintf(out, "counters   none: %s\n", r->why_not);
}

static void write_text(FILE *out, const struct figures *f, uint64_t top)
{
	write_head(out, f);
	write_protocols(out, f);
	fputc('\n', out);
	write_cells(out, f, top);
	fputc('\n', out);
	write_causes(out, f);
	fputc('\n', out);
	write_tail(out, f);
}

/* ---- for programs ---- */

static void put_row(json_t *out, const struct figures *f, const struct flat_profile_row *row)
{
	member_count(out, "count", row->count);
	member_ns(out, "total_ns", ps_of(row->ticks));
	member_ns(out, "each_ns", each_of(row));
	member_real(out, "share_of_busy", share(row->ticks, f->busy));
	for (unsigned i = 0; i < f->report->counters; i++)
		member_set(out, sim_counter_name[f->report->counter[i]],
			   counted(row, i) < 0 ? json_null() : json_real(counted(row, i)));
}

static json_t *cells_json(const struct figures *f)
{
	json_t *out = json_array();
	for (uint32_t i = 0; i < f->report->cells; i++) {
		const struct flat_profile_cell *c = &f->report->cell[i];
		const struct step_machine *machine = &c->protocol->machine[c->machine];
		json_t *cell = json_object();
		member_text(cell, "protocol", c->protocol->name);
		member_text(cell, "machine", machine->name);
		member_text(cell, "state", machine->state[c->state]);
		member_text(cell, "event", c->protocol->event[c->event].name);
		put_row(cell, f, c->row);
		member_append(out, cell);
	}
	return out;
}

static json_t *protocols_json(const struct figures *f)
{
	json_t *out = json_array();
	const struct step_protocol *protocol[FLAT_PROFILE_PROTOCOLS];
	const uint32_t count = protocols_of(f->report, protocol);
	for (uint32_t i = 0; i < count; i++) {
		const struct flat_profile_row sum = sum_of(f->report, protocol[i]);
		json_t *one = json_object();
		member_text(one, "protocol", protocol[i]->name);
		member_count(one, "count", sum.count);
		member_ns(one, "total_ns", ps_of(sum.ticks));
		member_ns(one, "each_ns", each_of(&sum));
		member_real(one, "share_of_busy", share(sum.ticks, f->busy));
		member_append(out, one);
	}
	return out;
}

static json_t *causes_json(const struct figures *f)
{
	json_t *out = json_array();
	for (unsigned i = FIRST_CAUSE; i < FLAT_CAUSES; i++) {
		json_t *cause = json_object();
		member_text(cause, "name", flat_cause_name[i]);
		put_row(cause, f, &f->report->cause[i]);
		member_append(out, cause);
	}
	return out;
}

/* How often virtual time would charge each cost; NAME counts components, COPY_KIB fractions of a KiB too. */
static json_t *charges_json(const struct flat_profile_report *report)
{
	json_t *out = json_object();
	for (unsigned i = 0; i < SIM_COST_KINDS; i++) {
		if (i == SIM_COST_COPY_KIB)
			member_real(out, sim_cost_name[i], (double)report->charges[i] / 1024);
		else
			member_count(out, sim_cost_name[i], report->charges[i]);
	}
	return out;
}

static json_t *profiling_json(const struct figures *f)
{
	const struct flat_profile_report *r = f->report;
	json_t *out = json_object(), *counters = json_object();
	member_count(out, "every_events", r->every);
	member_count(out, "switches", r->switches);
	member_ns(out, "switch_ns", f->each_switch);
	member_ns(out, "total_ns", ps_of(r->overhead));
	member_real(out, "share_of_not_idle", share(r->overhead, r->ticks - f->idle));
	member_flag(counters, "available", r->counters != 0);
	member_text(counters, "why_not", r->counters ? NULL : r->why_not);
	member_text(counters, "read_by", !r->counters ? NULL : r->counters_rdpmc ? "rdpmc" : "read");
	member_set(counters, "every_events", r->counters ? json_integer(r->counters_every) : json_null());
	member_set(out, "counters", counters);
	return out;
}

static json_t *profile_json(const struct figures *f)
{
	const struct flat_profile_report *r = f->report;
	json_t *out = json_object(), *threads = json_object();
	member_count(out, "schema", CLI_SCHEMA);
	member_count(threads, "count", r->threads);
	member_ns(threads, "total_ns", ps_of(r->ticks));
	member_ns(threads, "busy_ns", ps_of(f->busy));
	member_ns(threads, "idle_ns", ps_of(f->idle));
	member_ns(threads, "untimed_ns", ps_of(f->untimed));
	member_set(out, "threads", threads);
	member_set(out, "protocols", protocols_json(f));
	member_set(out, "cells", cells_json(f));
	member_set(out, "causes", causes_json(f));
	member_set(out, "charges", charges_json(r));
	member_set(out, "profiling", profiling_json(f));
	member_set(out, "run", result_json(f->session->scenario, &f->session->result));
	return out;
}

/* ---- the run ---- */

static int show(const struct profile_line *line, const struct session *session)
{
	struct flat_profile_report report;
	if (flat_profile_report(run_machine(session->run), &report))
		return cli_fail(CLI_INTERNAL, "no memory for the profile");
	const struct figures figures = figures_of(&report, session);
	if (line->json) {
		json_t *json = profile_json(&figures);
		text_json(stdout, json);
		json_decref(json);
	} else {
		write_text(stdout, &figures, line->top);
	}
	flat_profile_report_fini(&report);
	if (session->result.failures)
		cli_fail(0, "a check failed; it may happen again with: %s", session->replay);
	else if (session->result.end != RUN_ENDED)
		cli_fail(0, "%s; it may happen again with: %s", session->result.end_text, session->replay);
	return session_exit(&session->result);
}

static int go(const struct profile_line *line, struct session *session)
{
	struct progress progress;
	const struct run_options options = {.profile = true,
					    .profile_every = (uint32_t)line->every,
					    .seconds_max = (double)line->timeout_ps / 1e12,
					    .progress = progress_run,
					    .progress_context = &progress};
	progress_init(&progress, session->scenario->name, line->quiet);
	progress.real = session_is_native(session);
	int code = session_begin(session, &options);
	if (code)
		return code;
	session_go(session);
	progress_end(&progress);
	return show(line, session);
}

int cmd_profile(int argc, char **argv)
{
	static struct option_list sets;
	struct profile_line line = {.top = TOP_DEFAULT, .every = EVERY_DEFAULT};
	struct session session = {0};
	int code = read_line(&line, &sets, argc, argv);
	if (code >= 0)
		return code;
	code = fit_to_host(&line);
	if (!code)
		code = session_read(&session, &line.source);
	if (!code)
		code = go(&line, &session);
	session_fini(&session);
	return code;
}
