/* The strict reader, with a schema of its own: quantities, kinds, places, --set. What a scenario refuses
 * is in tests/corpus/scenario and test_scenario.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "sim/config.h"

/* ---- quantities ---- */

static const struct {
	enum sim_unit unit;
	const char *text;
	uint64_t value;
} good[] = {
	{SIM_UNIT_NONE, "0", 0},
	{SIM_UNIT_NONE, "18446744073709551615", UINT64_MAX},
	{SIM_UNIT_NONE, "18,446,744,073,709,551,615", UINT64_MAX},
	{SIM_UNIT_NONE, "7.000", 7},
	{SIM_UNIT_CYCLES, "1000 cycles", 1000},
	{SIM_UNIT_CYCLES, "1000cycles", 1000},
	{SIM_UNIT_CYCLES, "1,000 cycles", 1000},
	{SIM_UNIT_CYCLES, "1 cycle", 1},
	{SIM_UNIT_CYCLES, "1000", 1000},
	{SIM_UNIT_DURATION, "500us", 500000000},
	{SIM_UNIT_DURATION, "2 ms", 2000000000},
	{SIM_UNIT_DURATION, "1.5ns", 1500},
	{SIM_UNIT_DURATION, "3ps", 3},
	{SIM_UNIT_DURATION, "0.000000000001 s", 1},
	{SIM_UNIT_FREQUENCY, "2GHz", 2000000000},
	{SIM_UNIT_FREQUENCY, "2.5GHz", 2500000000},
	{SIM_UNIT_FREQUENCY, "533.333333 MHz", 533333333},
	{SIM_UNIT_BYTES, "4KiB", 4096},
	{SIM_UNIT_BYTES, "0.5 KiB", 512},
	{SIM_UNIT_BYTES, "64 B", 64},
	{SIM_UNIT_RATE, "8 B/cycle", 8000},
	{SIM_UNIT_RATE, "0.001 B/cycle", 1},
	{SIM_UNIT_RATE, "unlimited", 0},
	{SIM_UNIT_PERCENT, "20%", 20},
	{SIM_UNIT_RATIO, "2", 2000},
	{SIM_UNIT_RATIO, "2.125", 2125},
};

static void test_a_quantity_is_read_exactly(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		char why[192] = "";
		uint64_t value = 12345;
		if (sim_quantity_parse(&value, good[i].unit, good[i].text, why, sizeof why) ||
		    value != good[i].value)
			fail_msg("\"%s\": %llu, %s", good[i].text, (unsigned long long)value, why);
	}
}

static const struct {
	enum sim_unit unit;
	const char *text, *why; /* a part of the message */
} bad[] = {
	{SIM_UNIT_NONE, "", "is expected"},
	{SIM_UNIT_NONE, "-1", "negative"},
	{SIM_UNIT_NONE, "18446744073709551616", "too large"},
	{SIM_UNIT_NONE, "99999999999999999999999999999999999999999", "too large"},
	{SIM_UNIT_NONE, "1.", "is expected"},
	{SIM_UNIT_NONE, ".5", "is expected"},
	{SIM_UNIT_NONE, "1.5", "no digits after the point"},
	{SIM_UNIT_NONE, "1.0000000000000000001", "too many digits"},
	{SIM_UNIT_NONE, ",000", "is expected"},
	{SIM_UNIT_NONE, "1,00", "comma"},
	{SIM_UNIT_NONE, "1000,000", "comma"},
	{SIM_UNIT_NONE, "1,000,00", "comma"},
	{SIM_UNIT_NONE, "1,", "comma"},
	{SIM_UNIT_NONE, "00", "leading zero"},
	{SIM_UNIT_NONE, " 1", "is expected"},
	{SIM_UNIT_NONE, "1 ", NULL}, /* spaces before a unit, also before none */
	{SIM_UNIT_CYCLES, "1000ns", "\"2000 cycles\" for a core of 2 GHz"},
	{SIM_UNIT_CYCLES, "1us", "\"2000 cycles\""},
	{SIM_UNIT_CYCLES, "99999999s", "cycles"},
	{SIM_UNIT_CYCLES, "4 KiB", "a size"},
	{SIM_UNIT_DURATION, "500", "the unit is missing"},
	{SIM_UNIT_DURATION, "500 uss", "did you mean \"us\"?"},
	{SIM_UNIT_DURATION, "5 cycles", "a duration is expected"},
	{SIM_UNIT_DURATION, "0.0001ns", "not a whole number of picoseconds"},
	{SIM_UNIT_DURATION, "18446745 s", "too large"},
	{SIM_UNIT_FREQUENCY, "2GHZ", "did you mean \"GHz\"?"},
	{SIM_UNIT_FREQUENCY, "inf", "is expected"},
	{SIM_UNIT_RATE, "0 B/cycle", "nothing would ever arrive"},
	{SIM_UNIT_RATE, "0.0005 B/cycle", "not a whole number"},
	{SIM_UNIT_PERCENT, "20", "the unit is missing"},
	{SIM_UNIT_RATIO, "2x", "is expected"},
};

static void test_what_is_no_quantity_is_refused_with_the_reason(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		char why[192] = "";
		uint64_t value = 12345;
		int result = sim_quantity_parse(&value, bad[i].unit, bad[i].text, why, sizeof why);
		if (!bad[i].why)
			assert_int_equal(result, 0);
		else if (result != -1 || value != 12345 || !strstr(why, bad[i].why))
			fail_msg("\"%s\": %d, %llu, %s", bad[i].text, result, (unsigned long long)value, why);
	}
}

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *seed >> 33 ^ *seed;
}

static void test_what_is_printed_is_read_back_the_same(void **state)
{
	(void)state;
	uint64_t seed = 1;
	unsigned fractions = 0;
	for (unsigned i = 0; i < 20000; i++) {
		enum sim_unit unit = (enum sim_unit)(i % SIM_UNITS);
		uint64_t value = next_random(&seed) >> next_random(&seed) % 64, back;
		char text[SIM_QUANTITY_TEXT], why[192] = "";
		if (i % 3 == 0) /* round figures, so that multiples are seen */
			value = value % 1000 * 1000000;
		sim_quantity_print(text, unit, value);
		fractions += strchr(text, '.') != NULL;
		if (sim_quantity_parse(&back, unit, text, why, sizeof why) || back != value)
			fail_msg("%llu -> \"%s\": %s", (unsigned long long)value, text, why);
	}
	assert_true(fractions > 100);
}

static void test_a_frequency_is_printed_as_people_write_it(void **state)
{
	(void)state;
	char text[SIM_QUANTITY_TEXT];
	sim_quantity_print(text, SIM_UNIT_FREQUENCY, 2500000000);
	assert_string_equal(text, "2.5 GHz");
	sim_quantity_print(text, SIM_UNIT_DURATION, 500000000);
	assert_string_equal(text, "500 us");
	sim_quantity_print(text, SIM_UNIT_BYTES, 4096);
	assert_string_equal(text, "4 KiB");
	sim_quantity_print(text, SIM_UNIT_PERCENT, 20);
	assert_string_equal(text, "20%");
}

static void test_the_nearest_name_is_near(void **state)
{
	(void)state;
	static const char *const names[] = {"clusters", "clock", "link", "preset", NULL};
	assert_string_equal(sim_nearest_name("clustrs", names), "clusters");
	assert_string_equal(sim_nearest_name("clutsers", names), "clusters");
	assert_string_equal(sim_nearest_name("LINK", names), "link");
	assert_string_equal(sim_nearest_name("pre", names), "preset");
	assert_null(sim_nearest_name("cl", names)); /* begins two names */
	assert_null(sim_nearest_name("weather", names));
	assert_null(sim_nearest_name("", names));
	char word[200];
	memset(word, 'c', sizeof word - 1);
	word[sizeof word - 1] = 0;
	assert_null(sim_nearest_name(word, names));
}

/* ---- a schema of every kind ---- */

struct item {
	uint64_t size;
	bool loud;
};

struct target {
	bool wet;
	char *title, *tag;
	uint64_t colour, span;
	struct sim_config_range where;
	struct item one;
	uint32_t items_count, notes_count;
	struct item items[3];
	struct sim_config_pair notes[2];
};

static const char *const colours[] = {"red", "green", NULL};

/* clang-format off */
static const struct sim_config_field item_fields[] = {
	{.key = "size", .kind = SIM_CONFIG_QUANTITY, .unit = SIM_UNIT_BYTES,
	 .offset = offsetof(struct item, size), .max = 1 << 20, .fallback = "4 KiB"},
	{.key = "loud", .kind = SIM_CONFIG_BOOL, .offset = offsetof(struct item, loud), .fallback = "true"},
};
static const struct sim_config_table item_table = {.fields = item_fields, .fields_count = 2,
						    .bytes = sizeof(struct item)};

static const struct sim_config_field fields[] = {
	{.key = "wet", .kind = SIM_CONFIG_BOOL, .offset = offsetof(struct target, wet)},
	{.key = "title", .kind = SIM_CONFIG_TEXT, .offset = offsetof(struct target, title), .max = 10},
	{.key = "tag", .kind = SIM_CONFIG_NAME, .offset = offsetof(struct target, tag), .min = 2, .max = 4},
	{.key = "colour", .kind = SIM_CONFIG_CHOICE, .offset = offsetof(struct target, colour),
	 .choices = colours, .fallback = "green"},
	{.key = "span", .kind = SIM_CONFIG_QUANTITY, .unit = SIM_UNIT_DURATION,
	 .offset = offsetof(struct target, span), .min = 1000, .max = 5000},
	{.key = "where", .kind = SIM_CONFIG_RANGE, .offset = offsetof(struct target, where)},
	{.key = "one", .kind = SIM_CONFIG_TABLE, .offset = offsetof(struct target, one),
	 .table = &item_table},
	{.key = "items", .kind = SIM_CONFIG_LIST, .offset = offsetof(struct target, items),
	 .count_offset = offsetof(struct target, items_count), .max = 3, .table = &item_table},
	{.key = "notes", .kind = SIM_CONFIG_PAIRS, .offset = offsetof(struct target, notes),
	 .count_offset = offsetof(struct target, notes_count), .max = 2},
};
/* clang-format on */
static const struct sim_config_table root = {
	.fields = fields, .fields_count = sizeof fields / sizeof *fields, .bytes = sizeof(struct target)};

struct reader {
	struct target target;
	struct sim_config *config;
};

static int set_up(void **state)
{
	struct reader *reader = calloc(1, sizeof *reader);
	*state = reader;
	return reader ? sim_config_new(&reader->config, &root, &reader->target, "file.yaml") : -1;
}

static int tear_down(void **state)
{
	struct reader *reader = *state;
	sim_config_free(reader->config);
	free(reader);
	return 0;
}

static int read_text(struct reader *reader, const char *text)
{
	return sim_config_read(reader->config, text, strlen(text));
}

static void expect_refusal(struct reader *reader, const char *text, const char *message)
{
	assert_int_equal(read_text(reader, text), -1);
	assert_string_equal(sim_config_error(reader->config), message);
	sim_config_forgive(reader->config);
}

static void expect_set_refusal(struct reader *reader, const char *assignment, const char *message)
{
	assert_int_equal(sim_config_set(reader->config, assignment), -1);
	assert_string_equal(sim_config_error(reader->config), message);
	sim_config_forgive(reader->config);
}

static void test_defaults_are_set_at_once_and_are_not_given(void **state)
{
	struct reader *reader = *state;
	assert_int_equal(reader->target.colour, 1);
	assert_int_equal(reader->target.one.size, 4096);
	assert_true(reader->target.one.loud);
	assert_false(sim_config_given(reader->config, "colour"));
	assert_false(sim_config_given(reader->config, "one.size"));
}

static void test_every_kind_is_read(void **state)
{
	struct reader *reader = *state;
	const struct target *t = &reader->target;
	assert_int_equal(read_text(reader,
				   "wet: true\ntitle: a b\ntag: x-1\ncolour: red\nspan: 2ns\nwhere: 3-7\n"
				   "one: {size: 8 B}\nitems: [{loud: false}, {size: 1KiB}]\nnotes: {k: v}\n"),
			 0);
	assert_true(t->wet);
	assert_string_equal(t->title, "a b");
	assert_string_equal(t->tag, "x-1");
	assert_int_equal(t->colour, 0);
	assert_int_equal(t->span, 2000);
	assert_true(!t->where.all && !t->where.others && t->where.first == 3 && t->where.last == 7);
	assert_int_equal(t->one.size, 8);
	assert_int_equal(t->items_count, 2);
	assert_true(!t->items[0].loud && t->items[0].size == 4096 && t->items[1].loud &&
		    t->items[1].size == 1024);
	assert_int_equal(t->notes_count, 1);
	assert_string_equal(t->notes[0].key, "k");
	assert_string_equal(t->notes[0].value, "v");
}

static void test_each_kind_refuses_what_it_is_not(void **state)
{
	struct reader *reader = *state;
	expect_refusal(reader, "wet: yes\n",
		       "file.yaml:1: wet: \"yes\": neither true nor false; write one of the two");
	expect_refusal(reader, "\ntitle: 12345678901\n",
		       "file.yaml:2: title: \"12345678901\": too long (11 bytes); write at most 10");
	expect_refusal(reader, "tag: x\n", "file.yaml:1: tag: \"x\": too short; write at least 2 characters");
	expect_refusal(reader, "span: 1ps\n",
		       "file.yaml:1: span: \"1ps\": out of range; write a value from 1 ns to 5 ns");
	expect_refusal(reader, "span: 6ns\n",
		       "file.yaml:1: span: \"6ns\": out of range; write a value from 1 ns to 5 ns");
	expect_refusal(reader, "colour: blue\n",
		       "file.yaml:1: colour: \"blue\": unknown; write one of red, green");
	expect_refusal(reader, "items: [{}, {}, {}, {}]\n",
		       "file.yaml:1: items: more than 3 entries; remove some");
	expect_refusal(reader, "notes: {a: 1, b: 2, c: 3}\n",
		       "file.yaml:1: notes: more than 2 entries; remove some");
}

static void test_the_first_error_is_kept(void **state)
{
	struct reader *reader = *state;
	assert_int_equal(read_text(reader, "wet: 1\n"), -1);
	assert_int_equal(sim_config_fail(reader->config, "wet", NULL, "a later one"), -1);
	assert_non_null(strstr(sim_config_error(reader->config), "neither true nor false"));
}

static void test_a_larger_file_than_the_limit_is_refused(void **state)
{
	struct reader *reader = *state;
	size_t bytes = SIM_CONFIG_BYTES_MAX + 1;
	char *text = malloc(bytes);
	assert_non_null(text);
	memset(text, '#', bytes);
	assert_int_equal(sim_config_read(reader->config, text, bytes), -1);
	assert_string_equal(sim_config_error(reader->config),
			    "file.yaml: larger than 1 MiB; this is hardly a file of keys and values");
	free(text);
}

static void test_more_nodes_than_the_limit_are_refused(void **state)
{
	struct reader *reader = *state;
	size_t bytes = 200000;
	char *text = malloc(bytes);
	assert_non_null(text);
	for (size_t i = 0; i < bytes; i++)
		text[i] = "1,"[i % 2];
	text[0] = '[';
	text[1] = '1';
	text[bytes - 1] = ']';
	for (size_t i = 2; i < bytes - 1; i++)
		text[i] = ",1"[i % 2];
	assert_int_equal(sim_config_read(reader->config, text, bytes), -1);
	assert_string_equal(sim_config_error(reader->config),
			    "file.yaml:1: more than 65536 keys and values; write a shorter file");
	free(text);
}

static void test_set_reaches_every_kind(void **state)
{
	struct reader *reader = *state;
	const struct target *t = &reader->target;
	const char *const sets[] = {
		"wet=true",   "title=a: b # c",     "colour=red",       "one.size=1 KiB", "items.0.size=2B",
		"items.1={}", "items.0.loud=false", "notes.a.b.c=>= 3", "where=others",   "title=  x  "};
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		if (sim_config_set(reader->config, sets[i]))
			fail_msg("%s", sim_config_error(reader->config));
	assert_true(t->wet && t->where.others);
	assert_string_equal(t->title, "x");
	assert_int_equal(t->one.size, 1024);
	assert_int_equal(t->items_count, 2);
	assert_true(t->items[0].size == 2 && !t->items[0].loud && t->items[1].size == 4096 &&
		    t->items[1].loud);
	assert_string_equal(t->notes[0].key, "a.b.c");
	assert_string_equal(t->notes[0].value, ">= 3");
	assert_int_equal(sim_config_set(reader->config, "notes.a.b.c=4"), 0);
	assert_int_equal(t->notes_count, 1);
	assert_string_equal(t->notes[0].value, "4");
}

static void test_set_of_a_mapping_keeps_its_other_keys_and_of_a_list_replaces_it(void **state)
{
	struct reader *reader = *state;
	assert_int_equal(
		read_text(reader, "one: {size: 8 B, loud: false}\nitems: [{size: 1 B}, {size: 2 B}]\n"), 0);
	assert_int_equal(sim_config_set(reader->config, "one={size: 9 B}"), 0);
	assert_int_equal(reader->target.one.size, 9);
	assert_false(reader->target.one.loud);
	assert_true(sim_config_given(reader->config, "items.1.size"));
	assert_int_equal(sim_config_set(reader->config, "items=[{loud: false}]"), 0);
	assert_int_equal(reader->target.items_count, 1);
	assert_int_equal(reader->target.items[0].size, 4096);
	assert_false(sim_config_given(reader->config, "items.1.size"));
	assert_false(sim_config_given(reader->config, "items.0.size"));
}

static void test_set_refuses_with_its_own_text(void **state)
{
	struct reader *reader = *state;
	expect_set_refusal(reader, "wett=true",
			   "--set wett=true: unknown key \"wett\"; did you mean \"wet\"?");
	expect_set_refusal(reader, "wet.more=true",
			   "--set wet.more=true: \"wet\": this key has no keys inside it; remove \".more\"");
	expect_set_refusal(reader, "items.3.size=1B",
			   "--set items.3.size=1B: \"3\": there are 0 entries and at most 3; write a number "
			   "from 0 to 0");
	expect_set_refusal(
		reader, "items.-1.size=1B",
		"--set items.-1.size=1B: \"-1\": an entry of the list is expected, by its number from 0");
	expect_set_refusal(reader, "colour={a: 1}",
			   "--set colour={a: 1}: a mapping where a single value is expected");
	expect_set_refusal(
		reader, "colour='red",
		"--set colour='red: not valid YAML: found unexpected end of stream while scanning a quoted "
		"scalar; check indentation, brackets and quotes from this line upwards");
}

static void test_a_complaint_names_where_the_value_came_from(void **state)
{
	struct reader *reader = *state;
	assert_int_equal(read_text(reader, "\nspan: 2ns\none:\n  size: 8 B\n"), 0);
	assert_int_equal(sim_config_set(reader->config, "colour=red"), 0);
	sim_config_fail(reader->config, "span", "2ns", "no");
	assert_string_equal(sim_config_error(reader->config), "file.yaml:2: span: \"2ns\": no");
	sim_config_forgive(reader->config);
	sim_config_fail(reader->config, "colour", NULL, "no %d", 7);
	assert_string_equal(sim_config_error(reader->config), "--set colour=red: no 7");
	sim_config_forgive(reader->config);
	sim_config_fail(reader->config, "one.loud", NULL, "no"); /* a default: where its mapping begins */
	assert_string_equal(sim_config_error(reader->config), "file.yaml:4: one.loud: no");
	sim_config_forgive(reader->config);
	sim_config_fail(reader->config, "wet", NULL, "no"); /* a default: where the document begins */
	assert_string_equal(sim_config_error(reader->config), "file.yaml:2: wet: no");
	assert_int_equal(sim_config_line(reader->config, "span"), 2);
	assert_int_equal(sim_config_line(reader->config, "colour"), 0);
}

static void test_text_that_yaml_would_change_is_not_plain(void **state)
{
	(void)state;
	static const char *const odd[] = {
		"\n",           "\t",       "\x7f", "\xc2\x85", "\xe2\x80\xa8",     "\xef\xbb\xbf",
		"\xed\xa0\x80", "\xc0\x80", "\xff", "\xe2\x80", "\xf4\x90\x80\x80", "\xef\xbf\xbf"};
	for (size_t i = 0; i < sizeof odd / sizeof *odd; i++)
		if (sim_config_text_is_plain(odd[i], strlen(odd[i])))
			fail_msg("text %zu", i);
	assert_true(sim_config_text_is_plain("a \xc2\xa0 \xe6\x97\xa5 \xf0\x9f\x99\x82 ~", 15));
	assert_false(sim_config_text_is_plain("a\0b", 3));
}

static void test_the_reference_names_every_key(void **state)
{
	(void)state;
	char *text = NULL;
	size_t bytes = 0;
	FILE *out = open_memstream(&text, &bytes);
	assert_non_null(out);
	sim_config_write_reference(out, &root);
	fclose(out);
	assert_non_null(strstr(
		text, "| `items[].size` | a size in B, KiB, MiB or GiB, e.g. \"4 KiB\"; 0 B to 1 MiB | "
		      "`4 KiB` |"));
	assert_non_null(strstr(text, "| `one.loud` | `true` or `false` | `true` |"));
	assert_non_null(strstr(text, "| `colour` | `red`, `green` | `green` |"));
	free(text);
}

#define WITH_READER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_quantity_is_read_exactly),
		cmocka_unit_test(test_what_is_no_quantity_is_refused_with_the_reason),
		cmocka_unit_test(test_what_is_printed_is_read_back_the_same),
		cmocka_unit_test(test_a_frequency_is_printed_as_people_write_it),
		cmocka_unit_test(test_the_nearest_name_is_near),
		WITH_READER(test_defaults_are_set_at_once_and_are_not_given),
		WITH_READER(test_every_kind_is_read),
		WITH_READER(test_each_kind_refuses_what_it_is_not),
		WITH_READER(test_the_first_error_is_kept),
		WITH_READER(test_a_larger_file_than_the_limit_is_refused),
		WITH_READER(test_more_nodes_than_the_limit_are_refused),
		WITH_READER(test_set_reaches_every_kind),
		WITH_READER(test_set_of_a_mapping_keeps_its_other_keys_and_of_a_list_replaces_it),
		WITH_READER(test_set_refuses_with_its_own_text),
		WITH_READER(test_a_complaint_names_where_the_value_came_from),
		cmocka_unit_test(test_text_that_yaml_would_change_is_not_plain),
		cmocka_unit_test(test_the_reference_names_every_key),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
