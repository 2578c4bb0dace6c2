/* Any bytes as a scenario: no crash, an error always has a text, and what was accepted is written and read
 * back.
 *
 * With libFuzzer (clang -fsanitize=fuzzer,address,undefined), or with -DFUZZ_MAIN as a program that runs
 * the files given as arguments. Lines after the first zero byte are taken as --set. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/check.h"
#include "workloads/scenario.h"

#define SETS_MAX 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check_round_trip(const struct scenario *scenario)
{
	char *text = NULL;
	size_t length = 0;
	struct scenario *again;
	struct scenario_error error;
	FILE *out = open_memstream(&text, &length);
	SIM_CHECK(out && scenario_write(scenario, out) == 0);
	fclose(out);
	if (scenario_parse(&again, "again", text, length, NULL, 0, &error)) {
		fprintf(stderr, "%s\n%s", error.text, text);
		abort();
	}
	if (memcmp(&scenario->topology, &again->topology, sizeof again->topology))
		abort();
	scenario_free(again);
	free(text);
}

/* Splits the lines after the first zero byte. Returns how many there are; *text_bytes is what comes
 * before. */
static uint32_t split_sets(char *copy, size_t bytes, size_t *text_bytes, const char *sets[SETS_MAX])
{
	uint32_t count = 0;
	char *zero = memchr(copy, 0, bytes), *rest = NULL;
	*text_bytes = zero ? (size_t)(zero - copy) : bytes;
	for (char *line = zero ? strtok_r(zero + 1, "\n", &rest) : NULL; line && count < SETS_MAX;
	     line = strtok_r(NULL, "\n", &rest))
		sets[count++] = line;
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	const char *sets[SETS_MAX];
	size_t text_bytes;
	struct scenario *scenario = NULL;
	struct scenario_error error = {""};
	char *copy = malloc(bytes + 2);
	if (!copy)
		return 0;
	memcpy(copy, data, bytes);
	memset(copy + bytes, 0, 2);
	uint32_t count = split_sets(copy, bytes, &text_bytes, sets);
	if (!scenario_parse(&scenario, "fuzz", copy, text_bytes, sets, count, &error)) {
		check_round_trip(scenario);
		scenario_free(scenario);
	} else if (scenario || !error.text[0]) {
		abort();
	}
	free(copy);
	return 0;
}

#ifdef FUZZ_MAIN
int main(int count, char **names)
{
	static uint8_t data[2 << 20];
	for (int i = 1; i < count; i++) {
		FILE *file = fopen(names[i], "rb");
		if (!file) {
			perror(names[i]);
			return 2;
		}
		LLVMFuzzerTestOneInput(data, fread(data, 1, sizeof data, file));
		fclose(file);
	}
	return 0;
}
#endif
