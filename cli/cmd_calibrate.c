/* skerry calibrate: measures this host and writes a machine and its costs, with which virtual time predicts native
 * runs. First the links, pair by pair, then the costs, by native runs of the demonstration. */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "cli/calibrate.h"
#include "cli/cli.h"
#include "cli/file.h"
#include "cli/member.h"
#include "cli/options.h"
#include "cli/text.h"
#include "sim/calibration.h"
#include "sim/check.h"
#include "sim/ticks.h"

#define SOURCE_BYTES 400
#define DROPPED_MAX  50 /* per cent of batches: with more the CPUs belong to somebody else */

struct calibrate_line {
	const char *out;
	bool quick, json, quiet;
};

struct calibrate {
	struct calibrate_line line;
	bool shown; /* progress is on the terminal */
	struct sim_host host;
	struct sim_measure_pair pair[SIM_MEASURE_PAIRS_MAX];
	uint32_t pairs, runs, batches;
	uint32_t dropped_percent, spread_percent; /* over all figures of links */
	struct calibrate_costs costs;
	struct sim_measure_machine machine;
	struct sim_calibration result;
	char cpu[160], kernel[160], date[32];
	char cpus[SIM_GROUPS_MAX][64];
	char link_source[SIM_LINKS_MAX][SOURCE_BYTES], cost_source[SIM_COST_KINDS][SOURCE_BYTES];
};

static const char examples[] =
	"  skerry calibrate --out host.yaml                      measures this host, some seconds\n"
	"  skerry run --preset host.yaml --set machine.clusters=2   predicts the native run of two "
	"clusters\n";

static int read_line(struct calibrate_line *line, int argc, char **argv)
{
	static struct option_list arguments;
	const struct cli_option options[] = {
		{"out", OPTION_TEXT, &line->out, "FILE", "where the machine and its costs go; also -o FILE",
		 0, NULL},
		{"quick", OPTION_FLAG, &line->quick, NULL,
		 "fewer batches and runs: under a second for two CPUs", 0, NULL},
		{"json", OPTION_FLAG, &line->json, NULL, "print the figures as one JSON object", 0, NULL},
		{"quiet", OPTION_FLAG, &line->quiet, NULL, "show no progress", 0, NULL},
	};
	const struct command_line command = {
		.name = "calibrate",
		.arguments = "",
		.about = "measure this host: links between CPUs, costs of the monitor",
		.examples = examples,
		.option = options,
		.options = sizeof options / sizeof *options};
	static char long_name[] = "--out";
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "-o"))
			argv[i] = long_name;
	const int code = options_read(&command, argc, argv, &arguments);
	if (code >= 0)
		return code;
	if (!line->out)
		return cli_fail(CLI_USAGE, "calibrate: where to? write: skerry calibrate --out FILE.yaml");
	return -1;
}

/* ---- progress ---- */

static void show_progress(struct calibrate *c, const char *what, uint32_t done, uint32_t of)
{
	if (c->line.quiet || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r\033[K%s %u of %u", what, done, of);
	c->shown = true;
}

static void end_progress(struct calibrate *c)
{
	if (c->shown)
		fputs("\r\033[K", stderr);
	c->shown = false;
}

static void on_run(void *context, uint32_t done)
{
	struct calibrate *c = context;
	show_progress(c, "native run", done, c->runs);
}

/* ---- what can be refused before anything is measured ---- */

static int fail_out(const char *out, int error)
{
	return cli_fail(CLI_USAGE,
			"calibrate: %s cannot be written: %s; choose a file in a folder that can be", out,
			strerror(error));
}

/* It takes seconds to have something to write; that it cannot be written is better said before. */
static int check_out(const char *out)
{
	char copy[PATH_MAX];
	struct stat status;
	if (snprintf(copy, sizeof copy, "%s", out) >= (int)sizeof copy)
		return fail_out(out, ENAMETOOLONG);
	if (!stat(out, &status) && !S_ISREG(status.st_mode))
		return fail_out(out, S_ISDIR(status.st_mode) ? EISDIR : EINVAL);
	if (access(dirname(copy), W_OK | X_OK))
		return fail_out(out, errno);
	return 0;
}

static int read_host(struct calibrate *c)
{
	const char *why = "";
	if (sim_host_read(&c->host, &why))
		return cli_fail(CLI_USAGE, "calibrate: %s", why);
	if (c->host.pin_refused)
		return cli_fail(CLI_USAGE,
				"calibrate: threads cannot be pinned to CPUs here; what a link costs is "
				"then unknown: run it where sched_setaffinity is allowed");
	if (sim_host_capacity(&c->host) < 2)
		return cli_fail(
			CLI_USAGE,
			"calibrate: this host gives one CPU at a time (%u usable%s), and a link needs two "
			"that run at once; widen the affinity mask or the quota, or use a published machine: "
			"skerry list",
			c->host.cpus, c->host.quota_millicpus ? ", fewer by quota" : "");
	c->pairs = sim_measure_plan(&c->host, c->pair);
	return 0;
}

/* ---- measuring ---- */

static void count_dropped(struct calibrate *c)
{
	uint64_t kept = 0, dropped = 0;
	for (uint32_t i = 0; i < c->pairs; i++) {
		const struct sim_measured *m = &c->pair[i].measured;
		const struct sim_figure *figure[] = {&m->ring, &m->line,    &m->gap,
						     &m->send, &m->receive, &m->kib};
		for (size_t f = 0; f < sizeof figure / sizeof *figure; f++) {
			kept += figure[f]->batches;
			dropped += figure[f]->dropped;
		}
		c->spread_percent = m->ring.spread > c->spread_percent ? m->ring.spread : c->spread_percent;
	}
	c->dropped_percent = (uint32_t)(dropped * 100 / (kept + dropped));
}

static int measure_links(struct calibrate *c)
{
	c->batches = c->line.quick ? 64 : 400;
	for (uint32_t i = 0; i < c->pairs; i++) {
		show_progress(c, "pair of CPUs", i + 1, c->pairs);
		if (sim_measure_pair(&c->host, c->batches, &c->pair[i])) {
			end_progress(c);
			return cli_fail(
				CLI_INCONCLUSIVE,
				"calibrate: CPUs %u and %u could not be measured: no memory, or threads "
				"cannot be pinned to them",
				c->host.cpu[c->pair[i].a].number, c->host.cpu[c->pair[i].b].number);
		}
	}
	end_progress(c);
	count_dropped(c);
	if (c->dropped_percent <= DROPPED_MAX)
		return 0;
	return cli_fail(CLI_INCONCLUSIVE,
			"calibrate: %u%% of the batches were disturbed: other programs use these CPUs; try "
			"again when "
			"they are free",
			c->dropped_percent);
}

static uint64_t above_zero(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

/* The pair on which the native runs were is what their figures are compared with: the first two groups. */
static void build_machine(struct calibrate *c)
{
	const uint64_t hz = sim_ticks_open()->clock.hz;
	const struct calibrate_costs *costs = &c->costs;
	struct sim_measure_traffic traffic = {.line_permille = (uint32_t)costs->line_permille.ps};
	sim_measure_machine(&c->host, c->pair, c->pairs, &traffic, hz, &c->machine);
	const struct sim_measured *ran = &c->machine.measured[c->machine.topology.link_class[0][1]];
	traffic.send_ps = above_zero(calibrate_typical(costs, costs->send.ps), ran->send.ps);
	traffic.receive_ps = above_zero(calibrate_typical(costs, costs->receive.ps), ran->receive.ps);
	traffic.flight_ps = costs->poll.ps / 2;
	sim_measure_machine(&c->host, c->pair, c->pairs, &traffic, hz, &c->machine);
	for (unsigned kind = 0; kind < SIM_COST_KINDS; kind++)
		c->result.cost.cycles[kind] = sim_cycles_of_ps(
			&c->machine.topology.clock, calibrate_cost_ps(costs, (enum sim_cost_kind)kind));
}

/* The share of the mean costs with which virtual p50s are, at the median, those of the native runs. They grow with it. */
static int fit(struct calibrate *c)
{
	uint64_t p50_ps[FLAT_OPS];
	uint32_t low = 100, high = 2000;
	while (high - low > 5) {
		struct sim_topology two;
		const char *why;
		c->costs.typical_permille = (low + high) / 2;
		build_machine(c);
		c->result.topology = c->machine.topology;
		c->result.cost.name = "calibrated";
		SIM_CHECK(sim_calibration_topology(&c->result, 2, &two, &why) == 0);
		two.preset = two.source = "calibrated";
		const int code = calibrate_virtual(&two, &c->result.cost, p50_ps);
		if (code)
			return code;
		if (calibrate_ratio(&c->costs, p50_ps) > 1000)
			high = c->costs.typical_permille;
		else
			low = c->costs.typical_permille;
	}
	return 0;
}

/* ---- the file ---- */

static void plain_text(char *out, size_t size, const char *text)
{
	size_t used = 0;
	for (; *text && used + 1 < size; text++)
		if (*text >= ' ' && *text < 127)
			out[used++] = *text;
	out[used] = 0;
}

static void read_cpu_name(char *out, size_t size)
{
	char line[256];
	FILE *in = fopen("/proc/cpuinfo", "r");
	snprintf(out, size, "unknown");
	while (in && fgets(line, sizeof line, in)) {
		const char *colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) || !colon)
			continue;
		plain_text(out, size, colon + 1 + (colon[1] == ' '));
		break;
	}
	if (in)
		fclose(in);
}

static void describe_host(struct calibrate *c)
{
	struct utsname system;
	struct tm tm;
	const time_t now = time(NULL);
	char text[160] = "unknown";
	read_cpu_name(c->cpu, sizeof c->cpu);
	if (!uname(&system))
		snprintf(text, sizeof text, "%.40s %.60s %.40s", system.sysname, system.release,
			 system.machine);
	plain_text(c->kernel, sizeof c->kernel, text);
	if (!gmtime_r(&now, &tm) || !strftime(c->date, sizeof c->date, "%Y-%m-%dT%H:%M:%SZ", &tm))
		snprintf(c->date, sizeof c->date, "unknown");
	c->result.cpu = c->cpu;
	c->result.kernel = c->kernel;
	c->result.date = c->date;
	c->result.clock_source = sim_ticks_open()->name;
	c->result.cpus = c->host.cpus;
}

static void describe_groups(struct calibrate *c)
{
	const struct sim_topology *t = &c->machine.topology;
	for (uint32_t g = 0; g < t->groups; g++) {
		const struct sim_host_cpu *cpu = &c->host.cpu[c->machine.group_first[g]];
		if (t->groups == c->host.cpus)
			snprintf(c->cpus[g], sizeof c->cpus[g], "%u", cpu->number);
		else
			snprintf(c->cpus[g], sizeof c->cpus[g], "all of NUMA node %d", cpu->node);
		c->result.group_cpus[g] = c->cpus[g];
	}
}

static void describe_links(struct calibrate *c)
{
	char ring[TEXT_BYTES], line[TEXT_BYTES];
	struct sim_topology *t = &c->machine.topology;
	for (uint32_t i = 0; i < t->links; i++) {
		const struct sim_measured *m = &c->machine.measured[i];
		t->link_name[i] = c->machine.name[i];
		snprintf(c->link_source[i], sizeof c->link_source[i],
			 "measured: %u pair%s of CPUs, round trip %s over rings (spread %u%%) and %s over an "
			 "RPC line "
			 "(spread %u%%), of which %llu%% of the messages make use; send and receive as in "
			 "native runs "
			 "of the demonstration, their typical share; bandwidth: pages that the other CPU has "
			 "written; %u%% of batches dropped",
			 c->machine.pairs[i], c->machine.pairs[i] == 1 ? "" : "s",
			 text_time(ring, m->ring.ps), m->ring.spread, text_time(line, m->line.ps),
			 m->line.spread, (unsigned long long)c->costs.line_permille.ps / 10,
			 c->dropped_percent);
		c->result.link_source[i] = c->link_source[i];
	}
	c->result.topology = *t;
}

static void describe_costs(struct calibrate *c)
{
	for (unsigned kind = 0; kind < SIM_COST_KINDS; kind++) {
		calibrate_source(&c->costs, (enum sim_cost_kind)kind, c->cost_source[kind],
				 sizeof c->cost_source[kind]);
		c->result.cost.source[kind] = c->cost_source[kind];
	}
}

static int write_file(struct calibrate *c)
{
	char *text = NULL, error[512];
	size_t bytes = 0;
	struct sim_calibration *again;
	FILE *out = open_memstream(&text, &bytes);
	SIM_CHECK(out != NULL);
	describe_host(c);
	describe_groups(c);
	describe_links(c);
	describe_costs(c);
	sim_calibration_write(&c->result, out);
	SIM_CHECK(fclose(out) == 0);
	if (sim_calibration_read(&again, c->line.out, text, bytes, error, sizeof error)) {
		free(text);
		return cli_fail(CLI_INTERNAL, "calibrate: what was measured cannot be read back: %s", error);
	}
	sim_calibration_free(again);
	const int code = file_replace(c->line.out, text, bytes) ? fail_out(c->line.out, errno) : 0;
	free(text);
	return code;
}

/* ---- what is shown ---- */

static void add_cycles(struct text_table *table, const struct sim_clock *clock, uint64_t cycles)
{
	char text[TEXT_BYTES];
	text_table_add(table, "%s", text_time(text, sim_ps_of_cycles(clock, cycles)));
}

static void show_links(const struct calibrate *c)
{
	struct text_table table = {0};
	const struct sim_topology *t = &c->machine.topology;
	static const char *const head[] = {"link", "pairs",   "ring", "line", "send",
					   "wire", "receive", "gap",  "4 KiB"};
	char text[TEXT_BYTES];
	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		text_table_add(&table, "%s", head[i]);
	text_table_end(&table);
	for (uint32_t i = 0; i < t->links; i++) {
		const struct sim_link *link = &t->link[i];
		text_table_add(&table, "%s", c->machine.name[i]);
		text_table_add(&table, "%u", c->machine.pairs[i]);
		text_table_add(&table, "%s", text_time(text, c->machine.measured[i].ring.ps));
		text_table_add(&table, "%s", text_time(text, c->machine.measured[i].line.ps));
		add_cycles(&table, &t->clock, link->send);
		text_table_add(&table, "%s", text_time(text, link->wire_ps));
		add_cycles(&table, &t->clock, link->receive);
		add_cycles(&table, &t->clock, link->gap);
		text_table_add(&table, "%s", text_time(text, 4 * link->ps_per_kib));
		text_table_end(&table);
	}
	text_table_write(&table, stdout, "");
}

static void show_costs(const struct calibrate *c)
{
	struct text_table table = {0};
	static const char *const head[] = {"cost", "time", "spread"};
	for (size_t i = 0; i < sizeof head / sizeof *head; i++)
		text_table_add(&table, "%s", head[i]);
	text_table_end(&table);
	for (unsigned kind = 0; kind < SIM_COST_KINDS; kind++) {
		if (strncmp(c->cost_source[kind], "measured", 8))
			continue;
		text_table_add(&table, "%s", sim_cost_name[kind]);
		add_cycles(&table, &c->machine.topology.clock, c->result.cost.cycles[kind]);
		text_table_add(&table, "%u %%", c->costs.cost[kind].spread);
		text_table_end(&table);
	}
	text_table_write(&table, stdout, "");
}

static void show(const struct calibrate *c)
{
	char clock[SIM_QUANTITY_TEXT];
	sim_quantity_print(clock, SIM_UNIT_FREQUENCY, c->machine.topology.clock.hz);
	printf("host      %s, %u CPUs; clock %s, %s\n", c->cpu, c->host.cpus, c->result.clock_source, clock);
	printf("links     %u pair%s of CPUs, %u batches a figure, %u %% of them dropped; pairs within %u %% "
	       "share a "
	       "link\n\n",
	       c->pairs, c->pairs == 1 ? "" : "s", c->batches, c->dropped_percent, c->machine.alike);
	show_links(c);
	printf("\ncosts     %u native runs of the demonstration on 2 clusters; %u.%u %% of the means, by "
	       "which its p50s "
	       "are as natively\n\n",
	       c->runs, c->costs.typical_permille / 10, c->costs.typical_permille % 10);
	show_costs(c);
	printf("\nwritten   %s\nNext:  %s run --preset ", c->line.out, cli_program());
	text_shell_word(stdout, c->line.out);
	printf(" --set machine.clusters=2   what a native run will take\n       %s run --preset ",
	       cli_program());
	text_shell_word(stdout, c->line.out);
	printf(" --set machine.clusters=2 --engine native   and what it takes\n");
}

static json_t *links_json(const struct calibrate *c)
{
	json_t *links = json_array();
	const struct sim_topology *t = &c->machine.topology;
	for (uint32_t i = 0; i < t->links; i++) {
		json_t *link = json_object();
		member_text(link, "name", c->machine.name[i]);
		member_count(link, "pairs", c->machine.pairs[i]);
		member_ns(link, "ring_ns", c->machine.measured[i].ring.ps);
		member_ns(link, "line_ns", c->machine.measured[i].line.ps);
		member_count(link, "send_cycles", t->link[i].send);
		member_ns(link, "wire_ns", t->link[i].wire_ps);
		member_count(link, "receive_cycles", t->link[i].receive);
		member_count(link, "gap_cycles", t->link[i].gap);
		member_ns(link, "kib_ns", t->link[i].ps_per_kib);
		member_append(links, link);
	}
	return links;
}

static void show_json(const struct calibrate *c)
{
	json_t *json = json_object(), *costs = json_object();
	member_count(json, "schema", CLI_SCHEMA);
	member_text(json, "file", c->line.out);
	member_text(json, "cpu", c->cpu);
	member_count(json, "cpus", c->host.cpus);
	member_text(json, "clock_source", c->result.clock_source);
	member_count(json, "clock_hz", c->machine.topology.clock.hz);
	member_count(json, "pairs", c->pairs);
	member_count(json, "dropped_percent", c->dropped_percent);
	member_count(json, "runs", c->runs);
	member_count(json, "typical_permille", c->costs.typical_permille);
	member_set(json, "links", links_json(c));
	for (unsigned kind = 0; kind < SIM_COST_KINDS; kind++)
		member_count(costs, sim_cost_name[kind], c->result.cost.cycles[kind]);
	member_set(json, "costs_cycles", costs);
	text_json(stdout, json);
	json_decref(json);
}

static int go(struct calibrate *c)
{
	int code = check_out(c->line.out);
	if (!code)
		code = read_host(c);
	if (!code)
		code = measure_links(c);
	if (code)
		return code;
	c->runs = c->line.quick ? 3 : 9;
	code = calibrate_costs(c->runs, on_run, c, &c->costs);
	end_progress(c);
	if (code)
		return code;
	code = fit(c);
	if (!code)
		code = write_file(c);
	if (code)
		return code;
	if (c->line.json)
		show_json(c);
	else
		show(c);
	return CLI_GOOD;
}

int cmd_calibrate(int argc, char **argv)
{
	static struct calibrate calibrate;
	const int code = read_line(&calibrate.line, argc, argv);
	return code >= 0 ? code : go(&calibrate);
}
