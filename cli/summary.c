#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/result.h"
#include "cli/summary.h"
#include "cli/text.h"
#include "sim/check.h"

/* These are shown first; others follow by the time that they took. */
static const enum flat_op usual[] = {FLAT_OPEN,  FLAT_READ,   FLAT_WRITE, FLAT_STAT,
				     FLAT_CLOSE, FLAT_UNLINK, FLAT_RENAME};

static void write_host(FILE *out, const struct run_result *result)
{
	const struct run_host *host = result->native;
	const char *model = result_cpu_model();
	char quota[48] = "", text[RESULT_TEXT];
	if (host->host->quota_millicpus)
		snprintf(quota, sizeof quota, " (quota %.2f)", (double)host->host->quota_millicpus / 1000);
	fprintf(out, "host      %.60s, %u of %u CPUs%s%s; clock %s, %.3f GHz\n",
		model ? model : "CPU unknown", host->host->cpus, host->host->visible, quota,
		host->host->virtual_machine ? ", virtual machine" : "", host->ticks->name,
		(double)host->ticks->clock.hz / 1e9);
	result_memory(text, host);
	if (host->placement->threads)
		fprintf(out, "threads   %.150s; ", host->placement->text);
	else
		fprintf(out, "threads   %u, where the system puts them; ", host->threads);
	fprintf(out, "waiting: %s; memory: %s\n", result_waits(host), text);
	if (host->stats.unpinned)
		fprintf(out, "          %u of %u threads could not be pinned\n", host->stats.unpinned,
			host->threads);
}

static void write_channels(FILE *out, const struct sim_native_stats *stats)
{
	char a[TEXT_BYTES], b[TEXT_BYTES], c[TEXT_BYTES];
	fprintf(out, "channels  %s frames, %s of them requests on lines, %s replies in place; ",
		text_count(a, stats->frames), text_count(b, stats->line_requests),
		text_count(c, stats->line_replies));
	fprintf(out, "%s waited for credit (at most %s at once)", text_count(a, stats->waited),
		text_count(b, stats->outbox_most));
	fprintf(out, "; %s sleeps, %s yields\n", text_count(a, stats->sleeps), text_count(b, stats->yields));
}

static void write_disturbed(FILE *out, const struct run_result *result)
{
	char text[RESULT_TEXT];
	if (result_disturbed(text, result))
		fprintf(out, "disturbed %s\n", text);
}

static void write_engine(FILE *out, const struct scenario *s, const struct run_result *result)
{
	const char *engine = result->native
				     ? result->native->oversubscribed ? "native, oversubscribed" : "native"
			     : s->engine == SIM_ENGINE_HEAP ? "virtual (heap)"
							    : "virtual (window)";
	fprintf(out, "engine    %s, fidelity %s, seed %llu; protocols %s, %s", engine,
		s->full ? "full" : "flat", (unsigned long long)s->seed, s->capability, s->memory);
	if (strcmp(s->thread, "none"))
		fprintf(out, ", %s", s->thread);
	fputc('\n', out);
}

static void write_head(FILE *out, const struct scenario *s, const struct run_result *result)
{
	const struct sim_topology *t = &s->topology;
	const char *plural = t->clusters == 1 ? "" : "s";
	char look[TEXT_BYTES], clock[SIM_QUANTITY_TEXT];
	sim_quantity_print(clock, SIM_UNIT_FREQUENCY, t->clock.hz);
	fprintf(out, "%s: %.150s\n", s->name, s->about ? s->about : "");
	if (result->native)
		fprintf(out, "machine   %u cluster%s on this host, in real time\n", t->clusters, plural);
	else
		fprintf(out, "machine   %u cluster%s at %s, %s, lookahead %s; costs %s\n", t->clusters,
			plural, clock, t->preset, text_time(look, sim_topology_lookahead(t)), s->cost.name);
	write_engine(out, s, result);
	if (result->native) {
		write_host(out, result);
		write_channels(out, &result->native->stats);
		write_disturbed(out, result);
	}
	fputc('\n', out);
}

static void add_operation(struct text_table *table, const struct result_operation *o)
{
	char text[TEXT_BYTES];
	text_table_add(table, "%s", o->name);
	text_table_add(table, "%s", text_count(text, o->count));
	text_table_add(table, "%s", o->count ? text_time(text, o->p50) : "-");
	text_table_add(table, "%s", o->count ? text_time(text, o->p99) : "-");
	text_table_add(table, "%s", o->count ? text_time(text, o->max) : "-");
	text_table_add(table, o->count ? "%.2f" : "-", o->messages_per_op);
	for (int i = 0; i < 4; i++)
		text_table_add(table, o->total > 0 ? "%.0f %%" : "-", o->share[i] * 100);
	text_table_end(table);
}

/* The operation that took the most time of those that are not yet shown, or FLAT_OPS. */
static enum flat_op next_by_time(const struct run_result *result, const bool *shown)
{
	struct result_operation o;
	enum flat_op found = FLAT_OPS;
	double most = -1;
	for (unsigned op = 0; op < FLAT_OPS; op++) {
		if (shown[op] || !result_shows(result, op))
			continue;
		result_operation(&o, result, op);
		if (o.total > most) {
			most = o.total;
			found = op;
		}
	}
	return found;
}

static void choose(bool shown[FLAT_OPS], const struct run_result *result, int rows)
{
	enum flat_op op;
	memset(shown, 0, FLAT_OPS * sizeof *shown);
	for (op = FLAT_OBTAIN; op <= FLAT_REVOKE && rows > 0; op++, rows--)
		shown[op] = true;
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (rows > 0 && result_shows(result, usual[i])) {
			shown[usual[i]] = true;
			rows--;
		}
	for (; rows > 0 && (op = next_by_time(result, shown)) != FLAT_OPS; rows--)
		shown[op] = true;
}

static void write_operations(FILE *out, const struct run_result *result, int rows)
{
	static const char *const head[] = {"operation", "count",  "p50",     "p99",  "max",
					   "messages",  "kernel", "monitor", "wire", "waiting"};
	bool shown[FLAT_OPS];
	struct text_table table = {0};
	struct result_operation o;
	char text[TEXT_BYTES];
	int rest = 0;
	choose(shown, result, rows);
	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		text_table_add(&table, "%s", head[i]);
	text_table_end(&table);
	for (unsigned op = 0; op < FLAT_OPS; op++)
		if (shown[op]) {
			result_operation(&o, result, op);
			add_operation(&table, &o);
		}
	text_table_write(&table, out, "");
	for (unsigned op = 0; op < FLAT_OPS; op++)
		if (!shown[op] && result->stats->op[op].latency_ps.count)
			fprintf(out, "%s%s %s", rest++ ? ", " : "and ", flat_op_name[op],
				text_count(text, result->stats->op[op].latency_ps.count));
	fputs(rest ? "\n\n" : "\n", out);
}

struct busy {
	uint32_t pair;
	uint64_t messages;
};

static void busiest(const struct scenario *s, const struct run_result *result, struct busy top[3])
{
	uint32_t pairs = s->topology.clusters * s->topology.clusters;
	memset(top, 0, 3 * sizeof *top);
	for (uint32_t pair = 0; pair < pairs; pair++) {
		struct busy b = {pair, result->stats->pair[pair].messages};
		for (int i = 0; i < 3; i++)
			if (b.messages > top[i].messages) {
				struct busy other = top[i];
				top[i] = b;
				b = other;
			}
	}
}

static void write_traffic(FILE *out, const struct scenario *s, const struct run_result *result)
{
	char text[TEXT_BYTES], bytes[TEXT_BYTES];
	struct busy top[3];
	int classes = 0;
	fputs("traffic   ", out);
	for (uint32_t i = 0; i < SIM_CLASSES_MAX; i++) {
		const struct flat_traffic *t = &result->stats->by_class[i];
		if (!t->messages || classes++ >= 4)
			continue;
		const char *name = result_class_text(&s->topology, i);
		fprintf(out, "%s%s: %s messages, %s", classes > 1 ? "; " : "", name ? name : "links",
			text_count(text, t->messages), text_bytes(bytes, t->bytes));
	}
	fputs(classes ? classes > 4 ? "; ...\n" : "\n" : "none between clusters\n", out);
	if (!result->stats->pair || !classes)
		return;
	busiest(s, result, top);
	fputs("          busiest links: ", out);
	for (int i = 0; i < 3 && top[i].messages; i++)
		fprintf(out, "%s%u to %u: %s", i ? ", " : "", top[i].pair / s->topology.clusters,
			top[i].pair % s->topology.clusters, text_count(text, top[i].messages));
	fputc('\n', out);
}

static void write_figures(FILE *out, const struct run_result *r)
{
	char a[TEXT_BYTES], b[TEXT_BYTES], c[TEXT_BYTES], d[TEXT_BYTES];
	if (r->native)
		fprintf(out, "time      %s of real time (and %s of set-up)\n", text_time(a, r->virtual_ps),
			text_seconds(c, r->setup_seconds));
	else
		fprintf(out, "time      %s of virtual time in %s of wall time (and %s of set-up)\n",
			text_time(a, r->virtual_ps), text_seconds(b, r->wall_seconds),
			text_seconds(c, r->setup_seconds));
	fprintf(out, "events    %s, %s/s; system calls %s", text_count(a, r->events),
		text_large(b, result_rate(r->events, r->wall_seconds)), text_count(c, r->calls));
	fprintf(out, ", %s/s; messages %s", text_large(b, result_rate(r->calls, r->wall_seconds)),
		text_count(c, r->messages));
	fprintf(out, ", %s/s\n", text_large(d, result_rate(r->messages, r->wall_seconds)));
	if (r->native)
		fprintf(out, "contents  %s compared\n", text_bytes(a, r->content_bytes));
	else
		fprintf(out, "digest    %016llx, model_version %d; %s of contents compared\n",
			(unsigned long long)r->digest, RUN_MODEL_VERSION, text_bytes(a, r->content_bytes));
}

static void write_checks(FILE *out, const struct run_result *r)
{
	char count[TEXT_BYTES];
	for (uint32_t i = 0; i < r->checks; i++) {
		const struct run_check *check = &r->check[i];
		fprintf(out, "check     %-40s %14s  ", check->name, text_count(count, check->count));
		if (check->failures)
			fprintf(out, "FAILED %llu, first: %s\n", (unsigned long long)check->failures,
				check->first);
		else
			fputs(check->count ? "ok\n" : "had nothing to look at\n", out);
	}
	if (r->end != RUN_ENDED)
		fprintf(out, "The run did not end: %s.\n", r->end_text);
}

/* ---- the demonstration's native part ---- */

static void write_medians(FILE *out, const struct summary *summary)
{
	static const enum flat_op ops[] = {FLAT_OPEN, FLAT_READ, FLAT_CLOSE, FLAT_OBTAIN, FLAT_READ_MISS};
	const struct summary_run *runs[2] = {&summary->run, &summary->native};
	struct text_table table = {0};
	char text[TEXT_BYTES];
	text_table_add(&table, "p50");
	for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
		text_table_add(&table, "%s", flat_op_name[ops[i]]);
	text_table_add(&table, "calls");
	text_table_add(&table, "clusters");
	text_table_end(&table);
	for (int r = 0; r < 2; r++) {
		struct result_operation o;
		text_table_add(&table, r ? "native  " : "virtual ");
		for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
			result_operation(&o, runs[r]->result, ops[i]);
			text_table_add(&table, "%s", o.count ? text_time(text, o.p50) : "-");
		}
		text_table_add(&table, "%s", text_count(text, runs[r]->result->calls));
		text_table_add(&table, "%u", runs[r]->scenario->topology.clusters);
		text_table_end(&table);
	}
	text_table_write(&table, out, "");
}

static const struct run_check *first_failed(const struct run_result *r)
{
	for (uint32_t i = 0; i < r->checks; i++)
		if (r->check[i].failures)
			return &r->check[i];
	return NULL;
}

static void write_checks_in_short(FILE *out, const struct run_result *r)
{
	const struct run_check *failed = first_failed(r);
	uint64_t facts = 0;
	char a[TEXT_BYTES];
	for (uint32_t i = 0; i < r->checks; i++)
		facts += r->check[i].count;
	fprintf(out, "checks    %u checks, %s facts: ", r->checks, text_count(a, facts));
	if (failed)
		fprintf(out, "FAILED %llu, first: %s: %s\n", (unsigned long long)r->failures, failed->name,
			failed->first);
	else
		fprintf(out, "ok\n");
	if (r->end != RUN_ENDED)
		fprintf(out, "The native part did not end: %s.\n", r->end_text);
}

static bool is_bad(const struct summary_run *run)
{
	return run->replay && (run->result->failures || run->result->end != RUN_ENDED);
}

static void write_native(FILE *out, const struct summary *summary)
{
	const struct summary_run *native = &summary->native;
	if (!native->scenario) {
		fprintf(out, "native    not run: %.300s\n", summary->not_native);
		return;
	}
	const struct run_result *r = native->result;
	char a[TEXT_BYTES];
	fprintf(out, "native    the same clients on this host, %s of real time%s\n",
		text_time(a, r->virtual_ps),
		r->native->oversubscribed
			? "; oversubscribed: clusters share CPUs, latencies are not those of hardware"
			: "");
	write_host(out, r);
	write_disturbed(out, r);
	write_medians(out, summary);
	write_checks_in_short(out, r);
	if (is_bad(native))
		fprintf(out, "Try it again with:  %s\n", native->replay);
}

/* How many lines write_native() will write, with the empty one before it. */
static int lines_of_native(const struct summary *summary)
{
	const struct summary_run *native = &summary->native;
	char text[RESULT_TEXT];
	if (!native->scenario)
		return summary->not_native ? 2 : 0;
	return 1 + 1 + 2 + (native->result->native->stats.unpinned != 0) +
	       result_disturbed(text, native->result) + 3 + 1 + (native->result->end != RUN_ENDED) +
	       is_bad(native);
}

/* ---- all of it ---- */

static void write_next(FILE *out, const char *folder)
{
	char line[3][192];
	const char *program = cli_program();
	snprintf(line[0], sizeof line[0], "%.80s run --set machine.link.wire=9000cycles", program);
	if (folder)
		snprintf(line[1], sizeof line[1], "%.80s compare %.90s runs/latest", program, folder);
	else
		snprintf(line[1], sizeof line[1], "%.80s run --set machine.clusters=64", program);
	snprintf(line[2], sizeof line[2], "%.80s check memory/msi --kernels 3", program);
	fprintf(out, "Next:  %s   links ten times slower: see p50 of open\n", line[0]);
	fprintf(out, "       %s   %s\n", line[1],
		folder ? "after that: what it changed, and where first"
		       : "the one file service gets crowded");
	fprintf(out, "       %s   every order of delivery of the page protocol\n", line[2]);
}

/* Lines of everything but the table's rows. */
static int lines_around(const struct summary *summary)
{
	const struct run_result *r = summary->run.result;
	char text[RESULT_TEXT];
	return 3 + 1 + 1 /* head, and the table's own */ + 2 /* what is not shown */ + 2 + 3 +
	       (int)r->checks + (r->end != RUN_ENDED) + (summary->folder != NULL) + is_bad(&summary->run) +
	       (summary->next ? 3 : 0) +
	       (r->native ? 3 + (r->native->stats.unpinned != 0) + result_disturbed(text, r) : 0);
}

void summary_write(FILE *out, const struct summary *summary)
{
	const struct run_result *result = summary->run.result;
	const int native = lines_of_native(summary);
	const int most =
		native > SUMMARY_BOTH_MAX - SUMMARY_LINES_MAX ? SUMMARY_BOTH_MAX - native : SUMMARY_LINES_MAX;
	const int rows = most - lines_around(summary);
	write_head(out, summary->run.scenario, result);
	write_operations(out, result, rows < 1 ? 1 : rows);
	write_traffic(out, summary->run.scenario, result);
	write_figures(out, result);
	write_checks(out, result);
	if (native) {
		fputc('\n', out);
		write_native(out, summary);
	}
	if (summary->folder)
		fprintf(out, "files     %s/ (result.json, scenario.yaml, latency/)\n", summary->folder);
	if (is_bad(&summary->run))
		fprintf(out, result->native ? "Try it again with:  %s\n" : "It happens again with:  %s\n",
			summary->run.replay);
	if (summary->next)
		write_next(out, summary->folder);
}
