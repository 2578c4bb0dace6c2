/* skerry-bench: times the rows that match, all in turn, and compares them round by round. */
#include <errno.h>
#include <getopt.h>
#include <regex.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench/report.h"

#define ROWS_MAX 192

static const struct bench_row *const families[] = {
	bench_phold_rows,    bench_timers_rows, bench_translate_rows, bench_crypto_rows,
	bench_protocol_rows, bench_demo_rows,   bench_limit_rows,     bench_lines_rows,
	bench_ring_rows,     bench_wait_rows,   bench_peer_rows,      bench_native_rows,
	bench_step_rows,     bench_kernel_rows, bench_context_rows,   bench_checker_rows};

struct options {
	const char *filter; /* NULL: all rows */
	unsigned rounds;
	double min_time_s; /* a row, in each round */
	bool json, list, quick;
};

static const char usage[] =
	"usage: skerry-bench [FILTER] [--json] [--list] [--rounds N] [--min-time SECONDS] [--quick]\n"
	"\n"
	"  FILTER              run the rows whose name matches this extended regular expression\n"
	"  --json              print Google Benchmark's JSON instead of a table\n"
	"  --list              print the names of the rows and run nothing\n"
	"  --rounds N          rounds over all rows, 1 to 10000 (default 11)\n"
	"  --min-time SECONDS  time for a row in each round, 0 to 60 (default 0.05)\n"
	"  --quick             each row once, without those that take seconds: do they run?\n";

static double seconds(clockid_t clock)
{
	struct timespec at;

	clock_gettime(clock, &at);
	return (double)at.tv_sec + (double)at.tv_nsec * 1e-9;
}

/* A number in [low, high], or false. */
static bool read_number(const char *text, double low, double high, double *out)
{
	char *end;

	errno = 0;
	*out = strtod(text, &end);
	return errno == 0 && end != text && *end == 0 && *out >= low && *out <= high;
}

/* Returns 0, or the exit code with the message printed; 1 also stands for --help, which is not an error. */
static int read_options(struct options *options, int argc, char **argv, bool *done)
{
	static const struct option longs[] = {{"json", no_argument, NULL, 'j'},
					      {"list", no_argument, NULL, 'l'},
					      {"rounds", required_argument, NULL, 'r'},
					      {"min-time", required_argument, NULL, 't'},
					      {"quick", no_argument, NULL, 'q'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	double number;
	int option;

	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (option == 'j') {
			options->json = true;
		} else if (option == 'l') {
			options->list = true;
		} else if (option == 'q') {
			options->quick = true;
		} else if (option == 'r' && read_number(optarg, 1, 10000, &number)) {
			options->rounds = (unsigned)number;
		} else if (option == 't' && read_number(optarg, 0, 60, &number)) {
			options->min_time_s = number;
		} else if (option == 'h') {
			fputs(usage, stdout);
			*done = true;
			return 0;
		} else {
			if (option == 'r' || option == 't')
				fprintf(stderr, "skerry-bench: \"%s\": not a number in the range\n", optarg);
			fputs(usage, stderr);
			return 2;
		}
	}
	if (argc - optind > 1) {
		fprintf(stderr, "skerry-bench: \"%s\": only one FILTER is taken; join them with |\n",
			argv[optind + 1]);
		return 2;
	}
	options->filter = argv[optind];
	if (options->quick) {
		options->rounds = 1;
		options->min_time_s = 0;
	}
	return 0;
}

/* Fills `rows` with those that match; returns their number, or -1 with a message. */
static int select_rows(const char *filter, const struct bench_row *rows[ROWS_MAX])
{
	regex_t regex;
	int count = 0, error = filter ? regcomp(&regex, filter, REG_EXTENDED | REG_NOSUB) : 0;

	if (error) {
		char text[128];

		regerror(error, &regex, text, sizeof(text));
		fprintf(stderr, "skerry-bench: \"%s\": not an extended regular expression: %s\n", filter,
			text);
		return -1;
	}
	for (size_t family = 0; family < sizeof(families) / sizeof(*families); family++)
		for (const struct bench_row *row = families[family]; row->name && count < ROWS_MAX; row++)
			if (!filter || regexec(&regex, row->name, 0, NULL, 0) == 0)
				rows[count++] = row;
	if (filter)
		regfree(&regex);
	if (count == 0)
		fprintf(stderr, "skerry-bench: \"%s\" matches no row; --list prints them\n", filter);
	return count ? count : -1;
}

/* Time per operation over batches that together take at least `min_time_s`. A row that times itself leaves out what
 * was disturbed; its CPU time is then its share of all that was used. */
static void measure(struct bench_result *result, unsigned round, double min_time_s)
{
	const struct bench_row *row = result->row;
	uint64_t operations = 0;
	double real = 0, cpu = 0, own = 0;

	if (result->skipped)
		return;
	do {
		if (row->prepare)
			row->prepare(result->subject);
		double cpu_start = seconds(CLOCK_PROCESS_CPUTIME_ID), start = seconds(CLOCK_MONOTONIC);

		operations += row->run(result->subject);
		real += seconds(CLOCK_MONOTONIC) - start;
		cpu += seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_start;
		if (row->batch_ns)
			own += row->batch_ns(result->subject) * 1e-9;
		if (row->work && result->batches < BENCH_CHECKED_BATCHES)
			result->checksum[result->batches] = row->checksum(result->subject);
		result->batches++;
	} while (real < min_time_s);
	if (row->batch_ns) {
		cpu *= own / real;
		real = own;
	}
	result->real_ns[round] = real * 1e9 / (double)operations;
	result->cpu_ns[round] = cpu * 1e9 / (double)operations;
	result->operations += operations;
}

/* True if `a` and `b` agree after every batch that both have done and kept. */
static bool same_work(const struct bench_result *a, const struct bench_result *b)
{
	uint64_t batches = a->batches < b->batches ? a->batches : b->batches;

	if (batches > BENCH_CHECKED_BATCHES)
		batches = BENCH_CHECKED_BATCHES;
	return memcmp(a->checksum, b->checksum, batches * sizeof(*a->checksum)) == 0;
}

/* Figures of rows that did different work must not be compared: this is an error, not a note. */
static bool verify(const struct bench_results *results)
{
	bool good = true;

	for (unsigned i = 0; i < results->count; i++) {
		const struct bench_result *a = &results->result[i];
		const char *fault = a->row->fault && a->subject ? a->row->fault(a->subject) : NULL;

		if (fault) {
			fprintf(stderr, "skerry-bench: %s: %s\n", a->row->name, fault);
			good = false;
		}
		for (unsigned j = 0; j < i; j++) {
			const struct bench_result *b = &results->result[j];

			if (!a->row->work || !b->row->work || strcmp(a->row->work, b->row->work) != 0 ||
			    same_work(a, b))
				continue;
			fprintf(stderr, "skerry-bench: %s and %s did not do the same work\n", b->row->name,
				a->row->name);
			good = false;
		}
	}
	return good;
}

/* Why a row does not run (static), or NULL: it does. */
static const char *skip(const struct bench_row *row, bool quick)
{
	if (quick && row->slow)
		return "it takes seconds; without --quick it runs";
	return row->skip ? row->skip(row) : NULL;
}

static bool prepare(struct bench_results *results, const struct bench_row *const *rows, bool quick)
{
	for (unsigned i = 0; i < results->count; i++) {
		struct bench_result *result = &results->result[i];

		result->row = rows[i];
		result->skipped = skip(rows[i], quick);
		if (result->skipped)
			continue;
		result->real_ns = calloc(results->rounds, sizeof(double));
		result->cpu_ns = calloc(results->rounds, sizeof(double));
		result->subject = rows[i]->setup(rows[i]);
		if (!result->real_ns || !result->cpu_ns || !result->subject) {
			fprintf(stderr, "skerry-bench: %s: not enough memory\n", rows[i]->name);
			return false;
		}
	}
	return true;
}

static void tear_down(struct bench_results *results)
{
	for (unsigned i = 0; i < results->count; i++) {
		struct bench_result *result = &results->result[i];

		if (result->subject)
			result->row->teardown(result->subject);
		free(result->real_ns);
		free(result->cpu_ns);
	}
	free(results->result);
}

/* Returns the exit code. */
static int bench(const struct options *options, const struct bench_row *const *rows, unsigned count,
		 const char *executable)
{
	struct bench_results results = {.count = count, .rounds = options->rounds};
	int code = 70;

	results.result = calloc(count, sizeof(*results.result));
	if (!results.result || getloadavg(&results.load_average, 1) < 1)
		results.load_average = 0;
	if (results.result && prepare(&results, rows, options->quick)) {
		for (unsigned round = 0; round < options->rounds; round++)
			for (unsigned i = 0; i < count; i++)
				measure(&results.result[i], round, options->min_time_s);
		code = verify(&results) ? 0 : 70;
		if (options->json && bench_report_json(&results, executable, stdout) < 0)
			code = 70;
		if (!options->json)
			bench_report_text(&results, stdout);
	}
	tear_down(&results);
	return code;
}

int main(int argc, char **argv)
{
	struct options options = {.rounds = 11, .min_time_s = 0.05};
	const struct bench_row *rows[ROWS_MAX];
	bool done = false;
	int code = read_options(&options, argc, argv, &done), count;

	if (code || done)
		return code;
	count = select_rows(options.filter, rows);
	if (count < 0)
		return 2;
	if (options.list) {
		for (int i = 0; i < count; i++)
			puts(rows[i]->name);
		return 0;
	}
	return bench(&options, rows, (unsigned)count, argv[0]);
}
