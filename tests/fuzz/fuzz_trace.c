/* Any bytes as a recording: no crash, an error always has a text, and what was accepted replays with its
 * recorded results on a plain file system, process after process as far as each can go.
 *
 * With libFuzzer (clang -fsanitize=fuzzer,address,undefined), or with -DFUZZ_MAIN as a program that runs
 * the files given as arguments. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "sim/check.h"
#include "workloads/plainfs.h"
#include "workloads/trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static int is_ready(const struct trace *trace, const uint32_t *next, const uint8_t *started, uint32_t at)
{
	const struct trace_op *op = &trace->process[at].ops[next[at]];

	if (!started[at] || next[at] == trace->process[at].count)
		return 0;
	if (op->kind == TRACE_WAIT)
		return next[op->process] == trace->process[op->process].count;
	return op->kind != TRACE_AFTER || next[op->process] >= op->count;
}

static void replay(const struct trace *trace)
{
	struct plainfs *fs = plainfs_new(trace, NULL, NULL);
	uint32_t *next = calloc(trace->processes, sizeof *next), left = trace->ops;
	uint8_t *started = calloc(trace->processes, 1);

	SIM_CHECK(next && started);
	started[0] = 1;
	while (left) {
		uint32_t before = left;

		for (uint32_t at = trace->processes; at--;)
			while (is_ready(trace, next, started, at)) {
				const struct trace_op *op = &trace->process[at].ops[next[at]++];
				struct plainfs_answer answer = plainfs_apply(fs, op);

				SIM_CHECK(!plainfs_differs(op, &answer));
				if (op->kind == TRACE_FORK)
					started[op->process] = 1;
				left--;
			}
		SIM_CHECK(left < before);
	}
	plainfs_free(fs);
	free(next);
	free(started);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct trace *trace = NULL;
	struct trace_error error = {""};

	if (!trace_parse(&trace, "fuzz.strace", (const char *)data, bytes, &error)) {
		replay(trace);
		trace_free(trace);
	} else if (trace || !error.text[0]) {
		abort();
	}
	return 0;
}

#ifdef FUZZ_MAIN
int main(int count, char **names)
{
	static uint8_t data[8 << 20];

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
