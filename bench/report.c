#include "bench/report.h"
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#ifndef BENCH_OPTIMIZATION
#define BENCH_OPTIMIZATION "not told"
#endif
#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The value a quarter (1), a half (2) or three quarters (3) up, between neighbours in proportion. */
static double quarter(const double *sorted, unsigned count, unsigned quarters)
{
	unsigned at = (count - 1) * quarters / 4, rest = (count - 1) * quarters % 4;

	return rest ? sorted[at] + (sorted[at + 1] - sorted[at]) * rest / 4 : sorted[at];
}

struct bench_quartiles bench_quartiles(const double *sample, unsigned count)
{
	double *sorted = malloc(count * sizeof(*sorted));
	struct bench_quartiles q;

	if (!sorted)
		abort();
	memcpy(sorted, sample, count * sizeof(*sorted));
	qsort(sorted, count, sizeof(*sorted), compare);
	q = (struct bench_quartiles){quarter(sorted, count, 1), quarter(sorted, count, 2),
				     quarter(sorted, count, 3)};
	free(sorted);
	return q;
}

static const struct bench_result *find(const struct bench_results *results, const char *name)
{
	for (unsigned i = 0; i < results->count; i++)
		if (strcmp(results->result[i].row->name, name) == 0)
			return &results->result[i];
	return NULL;
}

static double ratio(const struct bench_results *results, const struct bench_result *theirs,
		    const struct bench_result *ours, bool over)
{
	double *sample = malloc(results->rounds * sizeof(*sample)), median;

	if (!sample)
		abort();
	for (unsigned round = 0; round < results->rounds; round++)
		sample[round] = over ? ours->real_ns[round] / theirs->real_ns[round]
				     : theirs->real_ns[round] / ours->real_ns[round];
	median = bench_quartiles(sample, results->rounds).median;
	free(sample);
	return median;
}

int bench_counter(const struct bench_results *results, unsigned row, unsigned index,
		  struct bench_counter *out, const struct bench_against **against)
{
	const struct bench_result *ours = &results->result[row], *theirs;
	struct bench_counter own[BENCH_COUNTERS_MAX];
	unsigned ratios = 0, count;

	*against = NULL;
	while (ratios < BENCH_AGAINST_MAX && ours->row->against[ratios].row)
		ratios++;
	if (index < ratios) {
		*against = &ours->row->against[index];
		theirs = find(results, (*against)->row);
		if (!theirs || theirs->skipped)
			return -1;
		*out = (struct bench_counter){(*against)->counter,
					      ratio(results, theirs, ours, (*against)->over)};
		return 1;
	}
	count = ours->row->counters ? ours->row->counters(ours->subject, own) : 0;
	if (index - ratios >= count)
		return 0;
	*out = own[index - ratios];
	return 1;
}

/* " (goal: at most 1.08, missed)", or nothing if there is no goal. */
static void print_goal(const struct bench_against *against, double value, FILE *out)
{
	if (against && against->goal_min > 0)
		fprintf(out, " (goal: at least %g%s)", against->goal_min,
			value < against->goal_min ? ", missed" : "");
	if (against && against->goal_max > 0)
		fprintf(out, " (goal: at most %g%s)", against->goal_max,
			value > against->goal_max ? ", missed" : "");
}

static void print_row(const struct bench_results *results, unsigned row, FILE *out)
{
	const struct bench_result *result = &results->result[row];
	const struct bench_against *against;
	struct bench_quartiles q;
	struct bench_counter counter;
	int there;

	if (result->skipped) {
		fprintf(out, "%-34s skipped: %s\n", result->row->name, result->skipped);
		return;
	}
	q = bench_quartiles(result->real_ns, results->rounds);
	fprintf(out, "%-34s %9.2f %9.2f %9.2f", result->row->name, q.median, q.q1, q.q3);
	for (unsigned c = 0; (there = bench_counter(results, row, c, &counter, &against)) != 0; c++) {
		if (there < 0)
			continue;
		fprintf(out, "  %s %.2f", counter.name, counter.value);
		print_goal(against, counter.value, out);
	}
	fprintf(out, "\n");
}

static const char *cpu_model(char *text, size_t bytes)
{
	FILE *in = fopen("/proc/cpuinfo", "r");
	char line[256], *colon;

	snprintf(text, bytes, "unknown");
	while (in && fgets(line, sizeof(line), in)) {
		if (strncmp(line, "model name", 10) != 0 || !(colon = strchr(line, ':')))
			continue;
		line[strcspn(line, "\n")] = 0;
		snprintf(text, bytes, "%s", colon + 2);
		break;
	}
	if (in)
		fclose(in);
	return text;
}

/* More is runnable than this process, on a machine where every CPU counts. */
static int was_shared(const struct bench_results *results)
{
	return results->load_average > 0.5 * (double)sysconf(_SC_NPROCESSORS_ONLN);
}

void bench_report_text(const struct bench_results *results, FILE *out)
{
	char cpu[256];

	fprintf(out, "%s, %ld CPUs; %s, %s; %u rounds, all rows in turn\n", cpu_model(cpu, sizeof(cpu)),
		sysconf(_SC_NPROCESSORS_ONLN), COMPILER, BENCH_OPTIMIZATION, results->rounds);
	if (was_shared(results))
		fprintf(out, "the CPUs were shared: load average %.2f when the run began\n",
			results->load_average);
	fprintf(out, "\n%-34s %9s %9s %9s\n", "ns an operation", "median", "q1", "q3");
	for (unsigned i = 0; i < results->count; i++)
		print_row(results, i, out);
	fprintf(out, "\nvs_X: X's time by this row's. times_X: this row's time by X's. Medians over the "
		     "rounds.\n");
}

static json_t *context_json(const struct bench_results *results, const char *executable)
{
	char cpu[256], date[64] = "";
	time_t now = time(NULL);
	struct tm tm;

	if (localtime_r(&now, &tm))
		strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S%z", &tm);
	return json_pack("{s:s, s:s, s:i, s:[f], s:s, s:s, s:s, s:b, s:i, s:s}", "date", date, "executable",
			 executable, "num_cpus", (int)sysconf(_SC_NPROCESSORS_ONLN), "load_avg",
			 results->load_average, "cpu_model", cpu_model(cpu, sizeof(cpu)), "compiler",
			 COMPILER, "optimization", BENCH_OPTIMIZATION, "cpu_shared", was_shared(results),
			 "rounds", (int)results->rounds, "library_build_type", "release");
}

/* Google Benchmark's form of a row that did not run. */
static json_t *skipped_json(const struct bench_result *result)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:s}", "name", result->row->name, "run_name",
			 result->row->name, "run_type", "iteration", "skipped", 1, "skip_message",
			 result->skipped);
}

static void counter_json(json_t *object, const struct bench_counter *counter,
			 const struct bench_against *against)
{
	char name[96];

	json_object_set_new(object, counter->name, json_real(counter->value));
	if (against && against->goal_min > 0) {
		snprintf(name, sizeof(name), "%s_goal_min", counter->name);
		json_object_set_new(object, name, json_real(against->goal_min));
	}
	if (against && against->goal_max > 0) {
		snprintf(name, sizeof(name), "%s_goal_max", counter->name);
		json_object_set_new(object, name, json_real(against->goal_max));
	}
}

static json_t *row_json(const struct bench_results *results, unsigned row)
{
	const struct bench_result *result = &results->result[row];
	const struct bench_against *against;
	struct bench_quartiles real, cpu;
	struct bench_counter counter;
	json_t *object;
	int there;

	if (result->skipped)
		return skipped_json(result);
	real = bench_quartiles(result->real_ns, results->rounds);
	cpu = bench_quartiles(result->cpu_ns, results->rounds);
	object = json_pack("{s:s, s:s, s:s, s:i, s:I, s:f, s:f, s:s, s:f, s:f}", "name", result->row->name,
			   "run_name", result->row->name, "run_type", "iteration", "threads",
			   result->row->batch_ns ? 2 : 1, "iterations", (json_int_t)result->operations,
			   "real_time", real.median, "cpu_time", cpu.median, "time_unit", "ns", "q1", real.q1,
			   "q3", real.q3);
	for (unsigned c = 0; (there = bench_counter(results, row, c, &counter, &against)) != 0; c++)
		if (there > 0)
			counter_json(object, &counter, against);
	return object;
}

int bench_report_json(const struct bench_results *results, const char *executable, FILE *out)
{
	json_t *rows = json_array();
	json_t *root =
		json_pack("{s:o, s:o}", "context", context_json(results, executable), "benchmarks", rows);
	int failed = !root;

	for (unsigned i = 0; !failed && i < results->count; i++)
		failed = json_array_append_new(rows, row_json(results, i)) < 0;
	failed = failed || json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) < 0;
	fputc('\n', out);
	json_decref(root);
	return failed || ferror(out) ? -EIO : 0;
}
