/* sim/histogram.h: counts with a relative error of at most 1 %. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <inttypes.h>
#include "sim/histogram.h"

#define SAMPLES 5000

static uint64_t next_random(uint64_t *seed)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

/* Of every magnitude alike. */
static uint64_t next_value(uint64_t *seed) { return next_random(seed) >> next_random(seed) % 64; }

static struct sim_histogram *new_histogram(void)
{
	struct sim_histogram *h = calloc(1, sizeof(*h));

	assert_non_null(h);
	return h;
}

/* |found - exact| <= exact / 100, in integers that cannot overflow. */
static void assert_near(uint64_t found, uint64_t exact)
{
	uint64_t distance = found > exact ? found - exact : exact - found;

	if (distance > exact / 100)
		fail_msg("%" PRIu64 " instead of %" PRIu64, found, exact);
}

static void test_any_value_is_kept_to_one_percent(void **state)
{
	struct sim_histogram *h = new_histogram();
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t value = next_value(&seed);

		/* A smaller and a larger value, so that clamping to [min, max] cannot help. */
		memset(h, 0, sizeof(*h));
		sim_histogram_record(h, 0);
		sim_histogram_record(h, value);
		sim_histogram_record(h, UINT64_MAX);
		assert_near(sim_histogram_at(h, 500000), value);
	}
	free(h);
}

static void test_edges_of_buckets_are_kept_to_one_percent(void **state)
{
	struct sim_histogram *h = new_histogram();

	(void)state;
	for (unsigned bit = 0; bit < 64; bit++)
		for (int near = -1; near <= 1; near++) {
			uint64_t value = (UINT64_C(1) << bit) + (uint64_t)(int64_t)near;

			memset(h, 0, sizeof(*h));
			sim_histogram_record(h, 0);
			sim_histogram_record(h, value);
			sim_histogram_record(h, UINT64_MAX);
			assert_near(sim_histogram_at(h, 500000), value);
		}
	free(h);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void test_percentiles_are_those_of_the_sorted_values(void **state)
{
	static const uint32_t per_million[] = {1,      1000,   10000,  250000, 500000,
					       900000, 990000, 999000, 999999};
	static uint64_t value[SAMPLES];
	struct sim_histogram *h = new_histogram();
	uint64_t seed = 2;

	(void)state;
	for (int i = 0; i < SAMPLES; i++)
		sim_histogram_record(h, value[i] = next_value(&seed) >> 8);
	qsort(value, SAMPLES, sizeof(*value), compare);
	for (size_t i = 0; i < sizeof(per_million) / sizeof(*per_million); i++) {
		uint64_t rank = ((uint64_t)SAMPLES * per_million[i] + 999999) / 1000000;

		assert_near(sim_histogram_at(h, per_million[i]), value[rank - 1]);
	}
	assert_int_equal(sim_histogram_at(h, 0), value[0]);
	assert_int_equal(sim_histogram_at(h, 1000000), value[SAMPLES - 1]);
	free(h);
}

static void test_merging_equals_recording_everything_in_one(void **state)
{
	struct sim_histogram *all = new_histogram(), *part[3];
	uint64_t seed = 3;

	(void)state;
	for (int p = 0; p < 3; p++)
		part[p] = new_histogram(); /* the last stays empty */
	for (int i = 0; i < SAMPLES; i++) {
		uint64_t value = next_value(&seed);

		sim_histogram_record(all, value);
		sim_histogram_record(part[i % 2], value);
	}
	sim_histogram_merge(part[2], part[0]);
	sim_histogram_merge(part[2], part[1]);
	memset(part[0], 0, sizeof(*part[0]));
	sim_histogram_merge(part[2], part[0]);
	assert_memory_equal(part[2], all, sizeof(*all));
	for (int p = 0; p < 3; p++)
		free(part[p]);
	free(all);
}

static void test_an_empty_histogram_is_zero_everywhere(void **state)
{
	struct sim_histogram *h = new_histogram();

	(void)state;
	assert_int_equal(sim_histogram_at(h, 0), 0);
	assert_int_equal(sim_histogram_at(h, 500000), 0);
	assert_int_equal(sim_histogram_at(h, 1000000), 0);
	free(h);
}

/* The text of a table; owned by the caller. */
static char *table_of(const struct sim_histogram *h, double unit)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);

	assert_non_null(out);
	assert_int_equal(sim_histogram_write_hgrm(h, out, unit), 0);
	fclose(out);
	return text;
}

static void test_hgrm_of_known_values_is_exact(void **state)
{
	struct sim_histogram *h = new_histogram();
	char *text;

	(void)state;
	for (uint64_t value = 10; value <= 40; value += 10)
		sim_histogram_record(h, value);
	text = table_of(h, 10);
	assert_string_equal(text, "       Value     Percentile TotalCount 1/(1-Percentile)\n"
				  "\n"
				  "       1.000 0.000000000000          1           1.00\n"
				  "       1.000 0.100000000000          1           1.11\n"
				  "       1.000 0.200000000000          1           1.25\n"
				  "       2.000 0.300000000000          2           1.43\n"
				  "       2.000 0.400000000000          2           1.67\n"
				  "       2.000 0.500000000000          2           2.00\n"
				  "       3.000 0.550000000000          3           2.22\n"
				  "       3.000 0.600000000000          3           2.50\n"
				  "       3.000 0.650000000000          3           2.86\n"
				  "       3.000 0.700000000000          3           3.33\n"
				  "       3.000 0.750000000000          3           4.00\n"
				  "       4.000 1.000000000000          4\n"
				  "#[Mean    =        2.500, StdDeviation   =        1.118]\n"
				  "#[Max     =        4.000, Total count    =            4]\n"
				  "#[Buckets =           58, SubBuckets     =          128]\n");
	free(text);
	free(h);
}

static void test_hgrm_of_nothing_has_no_rows(void **state)
{
	struct sim_histogram *h = new_histogram();
	char *text = table_of(h, 1);

	(void)state;
	assert_non_null(strstr(text, "Total count    =            0]"));
	assert_null(strstr(text, "1.000000000000"));
	free(text);
	free(h);
}

/* Every row of a table of many values: values and percentiles never fall, and the count is that of the
 * recorded values that lie at or below. */
static void test_hgrm_rows_rise_and_count(void **state)
{
	struct sim_histogram *h = new_histogram();
	uint64_t seed = 4, total = 0;
	double value, quantile, value_before = 0, quantile_before = -1;
	char *text, *line, *rest;
	int rows = 0;

	(void)state;
	for (int i = 0; i < SAMPLES; i++)
		sim_histogram_record(h, next_random(&seed) % 1000000);
	text = table_of(h, 1);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (sscanf(line, "%lf %lf %" SCNu64, &value, &quantile, &total) != 3)
			continue;
		assert_true(value >= value_before && quantile > quantile_before);
		assert_true((double)total >= quantile * SAMPLES);
		value_before = value;
		quantile_before = quantile;
		rows++;
	}
	assert_int_equal(total, SAMPLES);
	assert_true(rows > 50);
	free(text);
	free(h);
}

static void test_hgrm_reports_a_full_disk(void **state)
{
	struct sim_histogram *h = new_histogram();
	FILE *out = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(out);
	setvbuf(out, NULL, _IONBF, 0);
	assert_true(sim_histogram_write_hgrm(h, out, 1) < 0);
	fclose(out);
	free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_value_is_kept_to_one_percent),
		cmocka_unit_test(test_edges_of_buckets_are_kept_to_one_percent),
		cmocka_unit_test(test_percentiles_are_those_of_the_sorted_values),
		cmocka_unit_test(test_merging_equals_recording_everything_in_one),
		cmocka_unit_test(test_an_empty_histogram_is_zero_everywhere),
		cmocka_unit_test(test_hgrm_of_known_values_is_exact),
		cmocka_unit_test(test_hgrm_of_nothing_has_no_rows),
		cmocka_unit_test(test_hgrm_rows_rise_and_count),
		cmocka_unit_test(test_hgrm_reports_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
