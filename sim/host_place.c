/* Which thread runs where: pure over a host. First the CPUs are chosen, then they are numbered, so that threads with
 * neighbouring numbers are near each other even where siblings had to be taken. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sim/check.h"
#include "sim/host.h"

#define LIST_BYTES 100 /* of the CPUs in a sentence; longer ones are cut */

uint32_t sim_host_capacity(const struct sim_host *host)
{
	uint64_t whole = host->quota_millicpus / 1000;
	if (!host->quota_millicpus || whole >= host->cpus)
		return host->cpus;
	return whole ? (uint32_t)whole : 1;
}

/* ---- order ---- */

static int order_of(int64_t a, int64_t b) { return (a > b) - (a < b); }

/* Near each other: the most capable kind first, then along the machine. */
static int by_place(const void *a, const void *b, void *host)
{
	const struct sim_host_cpu *cpus = ((const struct sim_host *)host)->cpu;
	const struct sim_host_cpu *x = &cpus[*(const uint32_t *)a], *y = &cpus[*(const uint32_t *)b];
	int order = order_of(y->kind, x->kind);
	order = order ? order : order_of(x->node, y->node);
	order = order ? order : order_of(x->core, y->core);
	return order ? order : order_of(x->thread, y->thread);
}

/* Cores of their own before siblings. */
static int by_merit(const void *a, const void *b, void *host)
{
	const struct sim_host_cpu *cpus = ((const struct sim_host *)host)->cpu;
	const struct sim_host_cpu *x = &cpus[*(const uint32_t *)a], *y = &cpus[*(const uint32_t *)b];
	int order = order_of(x->thread, y->thread);
	return order ? order : by_place(a, b, host);
}

/* ---- the sentence ---- */

static size_t append(char *text, size_t size, size_t at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static size_t append(char *text, size_t size, size_t at, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	int length = vsnprintf(text + at, size - at, format, args);
	va_end(args);
	return at + (size_t)length < size ? at + (size_t)length : size - 1;
}

/* "0, 1, 4-7": runs of three and more are written short. */
static void list_cpus(char out[LIST_BYTES], const struct sim_host *host, const struct sim_placement *p)
{
	size_t at = 0;
	for (uint32_t i = 0, run; i < p->threads; i += run) {
		uint32_t first = host->cpu[p->cpu[i]].number;
		for (run = 1; i + run < p->threads && host->cpu[p->cpu[i + run]].number == first + run;)
			run++;
		const char *comma = i ? ", " : "";
		if (at > LIST_BYTES - 32) {
			append(out, LIST_BYTES, at, "%s...", comma);
			return;
		}
		if (run > 2) {
			at = append(out, LIST_BYTES, at, "%s%u-%u", comma, first, first + run - 1);
		} else {
			at = append(out, LIST_BYTES, at, "%s%u", comma, first);
			run = 1;
		}
	}
}

/* Of the CPUs that threads got: how many cores, nodes and kinds they are, and how many cores have two threads or more. */
struct census {
	uint32_t cores, crowded, nodes, kinds;
};

static struct census take_census(const struct sim_host *host, const struct sim_placement *p)
{
	struct census c = {0};
	for (uint32_t i = 0; i < p->threads; i++) {
		const struct sim_host_cpu *cpu = &host->cpu[p->cpu[i]];
		uint32_t before = 0;
		bool new_node = true, new_kind = true;
		for (uint32_t j = 0; j < i; j++) {
			const struct sim_host_cpu *other = &host->cpu[p->cpu[j]];
			before += other->core == cpu->core;
			new_node &= other->node != cpu->node;
			new_kind &= other->kind != cpu->kind;
		}
		c.cores += before == 0;
		c.crowded += before == 1;
		c.nodes += new_node;
		c.kinds += new_kind;
	}
	return c;
}

static void describe(const struct sim_host *host, struct sim_placement *p, struct census c)
{
	char list[LIST_BYTES];
	const size_t size = sizeof p->text;
	list_cpus(list, host, p);
	size_t at = append(p->text, size, 0, "%u thread%s on CPU%s %s: ", p->threads,
			   p->threads > 1 ? "s" : "", p->threads > 1 ? "s" : "", list);
	if (host->misled)
		at = append(p->text, size, at, "which of them share a core is not known");
	else if (c.crowded)
		at = append(p->text, size, at, "%u of %u cores run siblings", c.crowded, c.cores);
	else
		at = append(p->text, size, at, p->threads > 1 ? "a core each" : "a core of its own");
	if (c.nodes > 1)
		at = append(p->text, size, at, ", on %u NUMA nodes", c.nodes);
	if (p->mixes_kinds)
		at = append(p->text, size, at, ", cores of different capability");
	if (p->shared)
		append(p->text, size, at, "; the CPU quota of %u.%02u lets %u run at once",
		       (unsigned)(host->quota_millicpus / 1000),
		       (unsigned)(host->quota_millicpus % 1000 / 10), sim_host_capacity(host));
}

/* ---- placing ---- */

int sim_host_place(const struct sim_host *host, uint32_t threads, struct sim_placement *out)
{
	SIM_CHECK(threads >= 1);
	if (threads > host->cpus)
		return -ENOSPC;
	memset(out, 0, sizeof *out);
	for (uint32_t i = 0; i < host->cpus; i++)
		out->cpu[i] = i;
	qsort_r(out->cpu, host->cpus, sizeof *out->cpu, by_merit, (void *)(uintptr_t)host);
	qsort_r(out->cpu, threads, sizeof *out->cpu, by_place, (void *)(uintptr_t)host);
	memset(out->cpu + threads, 0, (SIM_HOST_CPUS_MAX - threads) * sizeof *out->cpu);
	out->threads = threads;
	struct census census = take_census(host, out);
	out->shares_cores = census.crowded > 0;
	out->mixes_kinds = census.kinds > 1;
	out->shared = threads > sim_host_capacity(host);
	describe(host, out, census);
	return 0;
}
