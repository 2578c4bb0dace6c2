/* skerry boot: boots a program as the root task of a kernel, or of several. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/member.h"
#include "cli/options.h"
#include "cli/text.h"
#include "kernelmodel/core/core.h"
#include "kernelmodel/core/image.h"
#include "kernelmodel/cost.h"

#define MEMORY_DEFAULT  (UINT64_C(64) << 20)
#define MEMORY_MIN      (UINT64_C(4) << 20)
#define MEMORY_ALL      (UINT64_C(1) << 36) /* what the kernels of one boot can name together */
#define SHARED_START    (UINT64_C(1) << 36) /* behind it: the region that all share */
#define SHARED_BYTES    (UINT64_C(8) << 20)
#define LATENCY_DEFAULT UINT64_C(1000000)   /* ps */
#define TICKS_PER_US    3400                /* of the machine that the default costs are of */
#define STACK_BYTES     (UINT64_C(8) << 20) /* of a root task, as a process has */
#define PAGE_BYTES      4096

struct boot {
	/* options */
	const char *program, *engine, *cost, *out;
	uint64_t cores, clusters, memory, latency;
	bool json;
	int argc;
	char **argv; /* of the program */
	/* what was made */
	uint32_t made;
	struct core_image *image[CORE_CLUSTERS_MAX];
	struct core_machine *machine[CORE_CLUSTERS_MAX];
	uint32_t irq[CORE_CLUSTERS_MAX][2];
	unsigned char *shared;
	uint64_t latency_cycles;
};

static bool is_native(const struct boot *boot) { return !strcmp(boot->engine, "native"); }

/* ---- making it ---- */

static void on_doorbell(void *context, uint32_t cluster, uint64_t now)
{
	struct boot *boot = context;
	core_ring(boot->machine, boot->made, cluster, now + (is_native(boot) ? 0 : boot->latency_cycles));
}

/* Each cluster has memory of its own; all have the shared region; each owns one vector for its timer, and its doorbell.
 * A cluster that is alone owns all vectors, and shares nothing. */
static void describe(struct boot *boot, uint32_t c, struct core_config *out, const struct core_device *shared)
{
	struct km_boot *b = &out->boot;
	*out = (struct core_config){.entry = core_image_main,
				    .argument = boot->image[c],
				    .stack_bytes = STACK_BYTES,
				    .stack_guard = true,
				    .digest = !is_native(boot),
				    .plain_pointers = true,
				    .doorbell = on_doorbell,
				    .context = boot};
	b->node = c;
	b->nodes = (uint32_t)boot->clusters;
	b->cores = (uint32_t)boot->cores;
	b->memory = (struct km_region){(c + 1) * boot->memory, (c + 2) * boot->memory};
	b->ticks_per_us = is_native(boot) ? core_native_ticks_per_us() : TICKS_PER_US;
	if (is_native(boot))
		out->clock = core_native_clock;
	else
		out->cost = km_cost_profile(boot->cost)->cycles;
	if (boot->clusters > 1) {
		boot->irq[c][0] = CORE_IRQ_OF_VECTOR + c;
		boot->irq[c][1] = CORE_IRQ_OF_VECTOR + CORE_DOORBELL_VECTOR + c;
		b->irq = boot->irq[c];
		b->irqs = 2;
		b->device = &shared->region;
		b->devices = 1;
		out->device = shared;
		out->devices = 1;
	}
}

static int make(struct boot *boot)
{
	static struct core_config config[CORE_CLUSTERS_MAX];
	static struct km_boot all[CORE_CLUSTERS_MAX];
	static struct core_device shared = {.region = {SHARED_START, SHARED_START + SHARED_BYTES}};
	char why[1200] = "no memory is left";
	boot->shared = boot->clusters > 1 ? core_shared_new(SHARED_BYTES) : NULL;
	if (boot->clusters > 1 && !boot->shared)
		return cli_fail(CLI_INTERNAL, "boot: %s", why);
	shared.host = boot->shared;
	for (uint32_t c = 0; c < boot->clusters; c++)
		if (core_image_open(&boot->image[c], boot->program, boot->argc, boot->argv, why, sizeof why))
			return cli_fail(CLI_USAGE, "boot: %s", why);
	for (uint32_t c = 0; c < boot->clusters; c++) {
		describe(boot, c, &config[c], &shared);
		all[c] = config[c].boot;
	}
	if (km_boot_check(all, (uint32_t)boot->clusters, why, sizeof why))
		return cli_fail(CLI_USAGE, "boot: %s", why);
	for (; boot->made < boot->clusters; boot->made++) {
		const int code = core_new(&boot->machine[boot->made], &config[boot->made], why, sizeof why);
		if (code)
			return cli_fail(code == -EINVAL ? CLI_USAGE : CLI_INTERNAL, "boot: cluster %u: %s",
					boot->made, why);
	}
	return CLI_GOOD;
}

static void unmake(struct boot *boot)
{
	for (uint32_t c = 0; c < boot->made; c++)
		core_free(boot->machine[c]);
	for (uint32_t c = 0; c < boot->clusters; c++)
		core_image_close(boot->image[c]);
	core_shared_free(boot->shared);
}

/* ---- its result ---- */

static const char *const syscall_names[12] = {"other",        "call", "reply_recv", "nb_send_recv",
					      "nb_send_wait", "send", "nb_send",    "recv",
					      "nb_recv",      "wait", "nb_wait",    "yield"};
static const char *const end_names[] = {"running", "exited", "halted", "stuck"};

static json_t *entries_json(const struct core_stats *stats)
{
	json_t *out = json_object();
	for (unsigned i = 1; i < 12; i++)
		member_count(out, syscall_names[i], stats->syscalls[i]);
	member_count(out, syscall_names[0], stats->syscalls[0]);
	member_count(out, "fault", stats->faults);
	member_count(out, "exception", stats->exceptions);
	member_count(out, "interrupt", stats->interrupts);
	member_count(out, "timer", stats->timers);
	member_count(out, "ipi", stats->ipis);
	member_count(out, "service", stats->services);
	return out;
}

static json_t *cluster_json(const struct boot *boot, uint32_t c)
{
	struct core_machine *machine = boot->machine[c];
	const struct km_kernel *kernel = core_kernel(machine);
	struct core_stats stats;
	json_t *out = json_object(), *clocks = json_array(), *work = json_object();
	core_stats(machine, &stats);
	member_count(out, "cluster", c);
	member_text(out, "end", end_names[core_ended(machine)]);
	member_count(out, "exit_code", (uint64_t)core_exit_code(machine));
	for (uint32_t core = 0; core < boot->cores; core++)
		member_append(clocks, json_integer((json_int_t)core_clock(machine, core)));
	member_set(out, "cycles", clocks);
	member_count(out, "kernel_cycles", stats.kernel);
	member_set(out, "entries", entries_json(&stats));
	for (unsigned kind = 0; kind < KM_WORK_KINDS; kind++)
		member_count(work, km_work_name[kind], kernel->work[kind]);
	member_set(out, "work", work);
	member_count(out, "context_switches", stats.switches);
	member_count(out, "preemptions", stats.preemptions);
	member_count(out, "spins", stats.spins);
	member_count(out, "lock_waits", stats.lock_waits);
	member_count(out, "lock_wait_cycles", stats.lock_wait_cycles);
	member_count(out, "stalls", is_native(boot) ? stats.stalls : kernel->work[KM_WORK_STALL]);
	member_flag(out, "build_bound", stats.build_bound);
	return out;
}

static void add_digest(const struct boot *boot, json_t *out)
{
	char text[20];
	uint64_t digest = 0;
	for (uint32_t c = 0; c < boot->made; c++)
		digest = (digest << 7 | digest >> 57) ^ core_digest(boot->machine[c]);
	snprintf(text, sizeof text, "%016llx", (unsigned long long)digest);
	member_text(out, "digest", is_native(boot) ? NULL : text);
}

static int write_result(const struct boot *boot)
{
	json_t *out = json_object(), *clusters = json_array();
	bool build_bound = false;
	for (uint32_t c = 0; c < boot->made; c++) {
		json_t *cluster = cluster_json(boot, c);
		build_bound |= json_is_true(json_object_get(cluster, "build_bound"));
		member_append(clusters, cluster);
	}
	member_count(out, "schema", CLI_SCHEMA);
	member_text(out, "program", boot->program);
	member_text(out, "engine", boot->engine);
	member_text(out, "cost", is_native(boot) ? NULL : boot->cost);
	member_text(out, "user_time", is_native(boot) ? "real" : "declared");
	member_count(out, "ticks_per_us", is_native(boot) ? core_native_ticks_per_us() : TICKS_PER_US);
	member_flag(out, "build_bound", build_bound);
	add_digest(boot, out);
	member_set(out, "clusters", clusters);
	FILE *file = boot->out ? fopen(boot->out, "w") : stderr;
	const int bad = !file || text_json(file, out) || (file != stderr && fclose(file));
	json_decref(out);
	return bad ? cli_fail(CLI_INTERNAL, "boot: %s cannot be written: %s",
			      boot->out ? boot->out : "stderr", strerror(errno))
		   : CLI_GOOD;
}

/* What the program's end means: of several clusters the first that did not end well. */
static int judge(const struct boot *boot)
{
	bool stuck = false;
	for (uint32_t c = 0; c < boot->made; c++)
		stuck |= core_ended(boot->machine[c]) == CORE_STUCK;
	if (stuck) {
		cli_fail(CLI_STUCK,
			 "boot: no progress: no thread can run any more, and no interrupt is to come; who is "
			 "where:");
		for (uint32_t c = 0; c < boot->made; c++)
			if (core_ended(boot->machine[c]) == CORE_STUCK)
				core_report(boot->machine[c], stderr);
		return CLI_STUCK;
	}
	for (uint32_t c = 0; c < boot->made; c++) {
		if (core_ended(boot->machine[c]) == CORE_HALTED)
			return cli_fail(CLI_STUCK, "boot: cluster %u was halted by seL4_DebugHalt()", c);
		if (core_exit_code(boot->machine[c]))
			return core_exit_code(boot->machine[c]);
	}
	return CLI_GOOD;
}

/* ---- the command ---- */

static int run(struct boot *boot)
{
	char why[240] = "";
	/* What a program has printed is seen even if it crashes later; and a line of stderr needs no large buffer on a
	 * thread's small stack. */
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	setvbuf(stderr, NULL, _IOLBF, BUFSIZ);
	if (is_native(boot)) {
		if (core_run_natively(boot->machine, boot->made, why, sizeof why))
			return cli_fail(CLI_INTERNAL, "boot: %s", why);
	} else if (boot->made == 1) {
		core_run_alone(boot->machine[0]);
	} else {
		core_run_together(boot->machine, boot->made, boot->latency_cycles);
	}
	fflush(stdout);
	const int code = judge(boot);
	const int written = boot->json || boot->out ? write_result(boot) : CLI_GOOD;
	return written ? written : code;
}

static int check(struct boot *boot)
{
	const uint64_t memory = boot->memory;
	if (boot->cores < 1 || boot->cores > KM_CORES_MAX)
		return cli_fail(CLI_USAGE, "boot: --cores %llu; a cluster has 1 to %d",
				(unsigned long long)boot->cores, KM_CORES_MAX);
	if (boot->clusters < 1 || boot->clusters > CORE_CLUSTERS_MAX)
		return cli_fail(CLI_USAGE, "boot: --clusters %llu; give 1 to %d",
				(unsigned long long)boot->clusters, CORE_CLUSTERS_MAX);
	if (memory < MEMORY_MIN || memory % PAGE_BYTES || memory > MEMORY_ALL / (boot->clusters + 1))
		return cli_fail(
			CLI_USAGE,
			"boot: --memory %llu bytes a cluster; give whole pages, from 4 MiB up, for all "
			"clusters together less than 64 GiB",
			(unsigned long long)memory);
	if (!km_cost_profile(boot->cost)) {
		const char *nearest = sim_nearest_name(boot->cost, km_cost_profile_names);
		return cli_fail(CLI_USAGE, "boot: --cost: unknown profile \"%.64s\"; %s%s", boot->cost,
				nearest ? "did you mean " : "write ",
				nearest ? nearest : km_cost_profile_names[0]);
	}
	boot->latency_cycles = (uint64_t)((unsigned __int128)boot->latency * TICKS_PER_US / 1000000);
	if (!boot->latency_cycles)
		return cli_fail(CLI_USAGE,
				"boot: --latency is less than a cycle; a doorbell takes at least 1 ns");
	return -1;
}

static int read_line(struct boot *boot, int argc, char **argv, struct option_list *arguments)
{
	static const char *const engines[] = {"virtual", "native", NULL};
	const struct cli_option options[] = {
		{"cores", OPTION_QUANTITY, &boot->cores, "N", "cores of each kernel, under its big lock (1)",
		 SIM_UNIT_NONE, NULL},
		{"clusters", OPTION_QUANTITY, &boot->clusters, "N",
		 "kernels, each with its own memory and root task (1)", SIM_UNIT_NONE, NULL},
		{"engine", OPTION_TEXT, &boot->engine, "virtual|native",
		 "virtual time, the same every time; or a host thread a core", 0, engines},
		{"memory", OPTION_QUANTITY, &boot->memory, "SIZE", "memory of each kernel (64 MiB)",
		 SIM_UNIT_BYTES, NULL},
		{"cost", OPTION_TEXT, &boot->cost, "PROFILE",
		 "what kernel work costs in virtual time (skerry costs)", 0, NULL},
		{"latency", OPTION_QUANTITY, &boot->latency, "TIME",
		 "of a doorbell between clusters, in virtual time (1us)", SIM_UNIT_DURATION, NULL},
		{"json", OPTION_FLAG, &boot->json, NULL, "write the machine's result to stderr, as JSON", 0,
		 NULL},
		{"out", OPTION_TEXT, &boot->out, "FILE", "write it there instead", 0, NULL},
	};
	const struct command_line command = {
		.name = "boot",
		.arguments = "PROGRAM [-- ARGUMENT...]",
		.about = "boot a program of skerry-cc as a kernel's root task",
		.examples = "  skerry-cc hello.c -o hello && skerry boot hello\n"
			    "  skerry boot hello --cores 4 --json -- some arguments\n"
			    "  skerry boot hello --clusters 2            two kernels, a root task each\n",
		.arguments_min = 1,
		.arguments_max = OPTIONS_ITEMS_MAX,
		.option = options,
		.options = sizeof options / sizeof *options};
	return options_read(&command, argc, argv, arguments);
}

int cmd_boot(int argc, char **argv)
{
	static struct option_list arguments;
	static struct boot boot;
	boot = (struct boot){.engine = "virtual",
			     .cost = km_cost_profile_names[0],
			     .cores = 1,
			     .clusters = 1,
			     .memory = MEMORY_DEFAULT,
			     .latency = LATENCY_DEFAULT};
	int code = read_line(&boot, argc, argv, &arguments);
	if (code >= 0 || (code = check(&boot)) >= 0)
		return code;
	boot.program = arguments.item[0];
	boot.argc = (int)arguments.count;
	boot.argv = calloc(arguments.count + 1, sizeof *boot.argv);
	for (uint32_t i = 0; boot.argv && i < arguments.count; i++)
		boot.argv[i] = strdup(arguments.item[i]);
	code = boot.argv ? make(&boot) : cli_fail(CLI_INTERNAL, "boot: no memory is left");
	if (code == CLI_GOOD)
		code = run(&boot);
	unmake(&boot);
	for (int i = 0; boot.argv && i < boot.argc; i++)
		free(boot.argv[i]);
	free(boot.argv);
	return code;
}
