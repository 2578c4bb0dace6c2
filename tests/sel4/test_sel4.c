/* tests/sel4/test_sel4.c - the conformance suite in process: boots a machine and runs the suite as its root task.
 *
 *     test_sel4 [--cores N] [--engine virtual|native] [--only ID] [--list] [--ids FILE]
 *
 * After each case, and at the end, the kernel's invariants are verified, which a program that was booted could not do. --ids checks that
 * ids are unique and that every id in FILE is still a case: an id is never used again, and never lost. Exit code: 0 all
 * passed, 1 a case failed, 2 usage, 4 the suite is stuck, 70 the machine could not be made. */
#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#else
#define RUNNING_ON_VALGRIND 0
#endif
#include "tests/sel4/harness.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "kernelmodel/core/core.h"
#include "kernelmodel/cost.h"

enum { IRQ_FIRST = 16, IRQ_LAST = 123 };
enum { MEMORY_BYTES = 64 << 20, DEVICE_BYTES = 1 << 20, TICKS_PER_US = 3400, CASES = 1024, ID_MAX = 64 };
#define MEMORY_BASE UINT64_C(0x10000000)
#define DEVICE_BASE UINT64_C(0x200000000)

struct arguments {
	unsigned cores;
	int is_native;
	const char *ids;
	struct harness_options options;
};

static unsigned char device_memory[DEVICE_BYTES] __attribute__((aligned(4096)));

static int usage(const char *wrong)
{
	fprintf(stderr,
		"test_sel4: '%s' is not understood\n"
		"usage: test_sel4 [--cores N] [--engine virtual|native] [--only ID] [--list] [--ids FILE]\n",
		wrong);
	return 2;
}

static int parse(struct arguments *a, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : NULL;
		if (!strcmp(argv[i], "--list")) {
			a->options.list = 1;
			continue;
		}
		if (!value)
			return usage(argv[i]);
		if (!strcmp(argv[i], "--cores") && atoi(value) >= 1 && atoi(value) <= KM_CORES_MAX)
			a->cores = (unsigned)atoi(value);
		else if (!strcmp(argv[i], "--only"))
			a->options.only = value;
		else if (!strcmp(argv[i], "--ids"))
			a->ids = value;
		else if (!strcmp(argv[i], "--engine") &&
			 (!strcmp(value, "virtual") || !strcmp(value, "native")))
			a->is_native = !strcmp(value, "native");
		else
			return usage(argv[i]);
		i++;
	}
	return 0;
}

/* ---- ids ---- */

static int has_case(struct test_case *const *list, unsigned count, const char *id)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(list[i]->id, id))
			return 1;
	return 0;
}

static int check_ids(const char *path)
{
	static struct test_case *list[CASES];
	unsigned count = harness_cases(list, CASES);
	int bad = count > CASES;
	for (unsigned i = 1; i < count && !bad; i++)
		if (!strcmp(list[i]->id, list[i - 1]->id)) {
			printf("%s is the id of two cases\n", list[i]->id);
			bad = 1;
		}
	FILE *file = fopen(path, "r");
	if (!file) {
		fprintf(stderr, "test_sel4: %s cannot be read\n", path);
		return 2;
	}
	char id[ID_MAX];
	unsigned known = 0;
	for (; fscanf(file, "%63s", id) == 1; known++)
		if (!has_case(list, count, id)) {
			printf("%s is no case any more: %s says that it was\n", id, path);
			bad = 1;
		}
	fclose(file);
	if (known != count) {
		printf("%s has %u ids, the suite %u: add the new ones\n", path, known, count);
		bad = 1;
	}
	return bad;
}

/* ---- the machine ---- */

static const char *verify(void) { return km_check(core_kernel(core_self())); }

static int root_task(void *argument)
{
	return harness_run(seL4_GetBootInfo(), &((struct arguments *)argument)->options) ? 1 : 0;
}

static int run(struct arguments *a)
{
	/* All that a user may have: irq.c asks for some of them. */
	static uint32_t irq[IRQ_LAST - IRQ_FIRST + 1];
	for (uint32_t i = IRQ_FIRST; i <= IRQ_LAST; i++)
		irq[i - IRQ_FIRST] = i;
	static const struct km_region device = {DEVICE_BASE, DEVICE_BASE + DEVICE_BYTES};
	struct core_device memory = {device, device_memory};
	struct core_config config = {
		.boot = {.name = "suite",
			 .nodes = 1,
			 .cores = a->cores,
			 .memory = {MEMORY_BASE, MEMORY_BASE + MEMORY_BYTES},
			 .device = &device,
			 .devices = 1,
			 .irq = irq,
			 .irqs = IRQ_LAST - IRQ_FIRST + 1,
			 .ticks_per_us = TICKS_PER_US},
		.entry = root_task,
		.argument = a,
		.device = &memory,
		.devices = 1,
	};
	if (!a->is_native) {
		config.cost = km_cost_profiles[0]->cycles;
	} else {
		config.clock = core_native_clock;
		config.boot.ticks_per_us = core_native_ticks_per_us();
	}
	char why[512];
	struct core_machine *machine;
	if (core_new(&machine, &config, why, sizeof why)) {
		fprintf(stderr, "test_sel4: %s\n", why);
		return 70;
	}
	if (!a->is_native) {
		core_run_alone(machine);
	} else if (core_run_natively(&machine, 1, why, sizeof why)) {
		fprintf(stderr, "test_sel4: %s\n", why);
		return 70;
	}
	int code = 4;
	if (core_ended(machine) == CORE_EXITED)
		code = core_exit_code(machine);
	else
		core_report(machine, stderr);
	const char *broken = km_check(core_kernel(machine));
	if (broken) {
		printf("an invariant of the kernel is broken at the end: %s\n", broken);
		code = 1;
	}
	core_free(machine);
	return code;
}

int main(int argc, char **argv)
{
	struct arguments a = {.cores = 1};
	setvbuf(stdout, NULL, _IOLBF, 0);
	int wrong = parse(&a, argc, argv);
	if (wrong)
		return wrong;
	if (a.ids)
		return check_ids(a.ids);
	if (a.options.list)
		return harness_run(NULL, &a.options);
	a.options.is_virtual = !a.is_native;
	a.options.has_device = 1;
	a.options.is_traced = RUNNING_ON_VALGRIND;
	/* Other cores that run natively would change the kernel meanwhile: then only the end is verified. */
	if (!a.is_native || a.cores == 1)
		a.options.verify = verify;
	return run(&a);
}
