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

static void write_head(FILE *out, const struct scenario *s)
{
	const struct sim_topology *t = &s->topology;
	char look[TEXT_BYTES], clock[SIM_QUANTITY_TEXT];
	sim_quantity_print(clock, SIM_UNIT_FREQUENCY, t->clock.hz);
	fprintf(out, "%s: %.150s\n", s->name, s->about ? s->about : "");
	fprintf(out, "machine   %u cluster%s at %s, %s, lookahead %s; costs %s\n", t->clusters,
		t->clusters == 1 ? "" : "s", clock, t->preset, text_time(look, sim_topology_lookahead(t)),
		s->cost.name);
	fprintf(out, "engine    virtual (%s), fidelity flat, seed %llu; protocols %s, %s\n\n",
		s->engine == SIM_ENGINE_HEAP ? "heap" : "window", (unsigned long long)s->seed, s->capability,
		s->memory);
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
	for (op = FLAT_OBTAIN; op <= FLAT_REVOKE; op++, rows--)
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
	fprintf(out, "time      %s of virtual time in %s of wall time (and %s of set-up)\n",
		text_time(a, r->virtual_ps), text_seconds(b, r->wall_seconds),
		text_seconds(c, r->setup_seconds));
	fprintf(out, "events    %s, %s/s; system calls %s", text_count(a, r->events),
		text_large(b, result_rate(r->events, r->wall_seconds)), text_count(c, r->calls));
	fprintf(out, ", %s/s; messages %s", text_large(b, result_rate(r->calls, r->wall_seconds)),
		text_count(c, r->messages));
	fprintf(out, ", %s/s\n", text_large(d, result_rate(r->messages, r->wall_seconds)));
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
			fputs("ok\n", out);
	}
	if (r->end != RUN_ENDED)
		fprintf(out, "The run did not end: %s.\n", r->end_text);
}

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
static int lines_around(const struct run_result *r, bool folder, bool demonstration, bool replay)
{
	return 3 + 1 + 1 /* head, and the table's own */ + 2 /* what is not shown */ + 2 + 3 +
	       (int)r->checks + (r->end != RUN_ENDED) + folder + replay + (demonstration ? 3 : 0);
}

void summary_write(FILE *out, const struct scenario *scenario, const struct run_result *result,
		   const char *folder, bool demonstration, const char *replay)
{
	bool bad = result->failures || result->end != RUN_ENDED;
	int rows = SUMMARY_LINES_MAX - lines_around(result, folder, demonstration, bad && replay);
	write_head(out, scenario);
	write_operations(out, result, rows < 8 ? 8 : rows);
	write_traffic(out, scenario, result);
	write_figures(out, result);
	write_checks(out, result);
	if (folder)
		fprintf(out, "files     %s/ (result.json, scenario.yaml, latency/)\n", folder);
	if (bad && replay)
		fprintf(out, "It happens again with:  %s\n", replay);
	if (demonstration)
		write_next(out, folder);
}
