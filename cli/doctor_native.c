/* What native runs get on this host: each fact with what follows from it for their figures. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "cli/doctor.h"
#include "cli/member.h"
#include "cli/text.h"
#include "sim/check.h"
#include "sim/host.h"
#include "sim/ticks.h"

static const char *plural(uint32_t count) { return count == 1 ? "" : "s"; }

/* ---- CPUs ---- */

static void look_at_cpus(struct doctor *d, const struct sim_host *host)
{
	doctor_fact(d, DOCTOR_FINE, "CPUs",
		    "virtual time runs on one thread: results do not depend on it, wall time does",
		    "%u visible", host->visible);
	if (host->cpus < host->visible)
		doctor_fact(d, DOCTOR_NOTE, "affinity", "taskset or a cpuset: only these may be used",
			    "%u of %u CPUs", host->cpus, host->visible);
	else
		doctor_fact(d, DOCTOR_FINE, "affinity", "nothing narrows it", "all CPUs");
}

static void look_at_quota(struct doctor *d, const struct sim_host *host)
{
	double cpus = (double)host->quota_millicpus / 1000;
	if (!host->quota_millicpus)
		doctor_fact(d, DOCTOR_FINE, "CPU quota",
			    "no control group (v1 or v2) that is visible limits it", "none");
	else if (cpus < host->cpus)
		doctor_fact(d, DOCTOR_NOTE, "CPU quota",
			    "below the CPUs that may be used: when it is used up all threads stop for the "
			    "rest of a "
			    "period; raise it in that file",
			    "%.2f CPUs, by %s", cpus, host->quota_source);
	else
		doctor_fact(d, DOCTOR_FINE, "CPU quota", "as much as there are CPUs", "%.2f CPUs, by %s",
			    cpus, host->quota_source);
}

static void look_at_capacity(struct doctor *d, const struct sim_host *host)
{
	struct sim_placement *placement = malloc(sizeof *placement);
	uint32_t capacity = sim_host_capacity(host);
	SIM_CHECK(placement != NULL);
	SIM_CHECK(!sim_host_place(host, capacity, placement));
	if (capacity == 1)
		doctor_fact(d, DOCTOR_NOTE, "native runs",
			    "with two and more they take turns: results stay right, latencies are the "
			    "scheduler's",
			    "1 cluster with a CPU of its own");
	else
		doctor_fact(d, DOCTOR_FINE, "native runs", placement->text, "%u clusters with a CPU each",
			    capacity);
	free(placement);
}

static void look_at_pinning(struct doctor *d, const struct sim_host *host)
{
	if (host->pin_refused)
		doctor_fact(d, DOCTOR_NOTE, "pinning",
			    "threads wander: latencies vary more; allow sched_setaffinity in the container",
			    "refused");
	else
		doctor_fact(d, DOCTOR_FINE, "pinning", "each thread stays on its CPU", "works");
	if (host->virtual_machine)
		doctor_fact(d, DOCTOR_NOTE, "virtual machine",
			    "its host may take a CPU away at any time: the highest percentiles show it",
			    "yes");
	else
		doctor_fact(d, DOCTOR_FINE, "virtual machine", "nobody but this kernel takes a CPU away",
			    "not that CPUID says");
}

/* ---- cores ---- */

static void look_at_siblings(struct doctor *d, const struct sim_host *host)
{
	char meaning[160];
	if (host->misled) {
		doctor_fact(d, DOCTOR_NOTE, "SMT siblings",
			    "two threads may come to share a core, which slows both", "unknown");
		return;
	}
	if (host->cores == host->cpus) {
		doctor_fact(d, DOCTOR_FINE, "SMT siblings", "each CPU that may be used is a core", "none");
		return;
	}
	snprintf(meaning, sizeof meaning,
		 "up to %u cluster%s a core each; more share cores, which slows both, and the run says so",
		 host->cores, host->cores > 1 ? "s have" : " has");
	doctor_fact(d, DOCTOR_FINE, "SMT siblings", meaning, "%u CPUs on %u core%s", host->cpus, host->cores,
		    plural(host->cores));
}

static void look_at_kinds(struct doctor *d, const struct sim_host *host)
{
	if (host->kinds > 1)
		doctor_fact(d, DOCTOR_NOTE, "kinds of core",
			    "the most capable are used first; a run that mixes them says so", "%u",
			    host->kinds);
	else
		doctor_fact(d, DOCTOR_FINE, "kinds of core",
			    host->misled ? "not known: taken for equal" : "all are equally capable",
			    host->misled ? "unknown" : "one");
}

static void look_at_nodes(struct doctor *d, const struct sim_host *host)
{
	char cores[64];
	snprintf(cores, sizeof cores, "%u package%s, %u core%s", host->packages, plural(host->packages),
		 host->cores, plural(host->cores));
	doctor_fact(d, DOCTOR_FINE, "NUMA nodes",
		    host->nodes > 1 ? "clusters fill one after the other; channels lie on the receiver's node"
				    : "all memory is equally near",
		    "%u (%s)", host->nodes, host->misled ? "packages and cores unknown" : cores);
	if (!host->mbind_refused)
		doctor_fact(d, DOCTOR_FINE, "memory binding",
			    "channels and arenas lie on the node that uses them", "works");
	else if (host->nodes > 1)
		doctor_fact(d, DOCTOR_NOTE, "memory binding",
			    "memory lies where a pinned thread first touches it; a container binds with "
			    "--cap-add "
			    "SYS_NICE",
			    "refused");
	else
		doctor_fact(d, DOCTOR_FINE, "memory binding", "with one node there is nothing to choose",
			    "refused");
}

/* ---- clock, waiting, counters, probes ---- */

static void look_at_clock(struct doctor *d)
{
	const struct sim_ticks_source *ticks = sim_ticks_open();
	double ghz = (double)ticks->clock.hz / 1e9;
	if (ticks->counter)
		doctor_fact(d, DOCTOR_FINE, "clock", "a stamp costs some cycles; all CPUs count alike",
			    "%s, %.3f GHz", ticks->name, ghz);
	else
		doctor_fact(d, DOCTOR_NOTE, "clock", ticks->why ? ticks->why : "a stamp costs a call",
			    "%s, %.3f GHz", ticks->name, ghz);
	json_t *out = json_object();
	member_text(out, "name", ticks->name);
	member_flag(out, "counter", ticks->counter);
	member_count(out, "ticks_per_second", ticks->clock.hz);
	member_text(out, "why", ticks->why);
	member_set(d->host, "clock", out);
}

static void look_at_waiting(struct doctor *d, const struct sim_host *host)
{
	char meaning[160];
	uint32_t capacity = sim_host_capacity(host);
	snprintf(meaning, sizeof meaning,
		 "up to %u thread%s only poll; of more, a spinning one would hold the CPU of the one it "
		 "waits for",
		 capacity, plural(capacity));
	if (capacity > 1)
		doctor_fact(d, DOCTOR_FINE, "waiting", meaning,
			    "spin; with more than %u threads yield, then sleep", capacity);
	else
		doctor_fact(
			d, DOCTOR_NOTE, "waiting",
			"one CPU at a time: a thread that spins would hold it while the other has the answer",
			"spin a little, yield, then sleep");
	member_text(d->host, "waiting", capacity > 1 ? "spin" : "spin-yield-sleep");
}

static int count_cycles(void)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
				       .size = sizeof attr,
				       .config = PERF_COUNT_HW_CPU_CYCLES,
				       .exclude_kernel = 1,
				       .exclude_hv = 1};
	long file = syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (file < 0)
		return -errno;
	close((int)file);
	return 0;
}

static const char *reason_of(int error)
{
	if (error == -EACCES || error == -EPERM)
		return "refused";
	return error == -ENOENT || error == -ENODEV || error == -EOPNOTSUPP ? "none that can be seen"
									    : strerror(-error);
}

static void look_at_counters(struct doctor *d)
{
	char level[32];
	int result = count_cycles();
	if (!doctor_first_line("/proc/sys/kernel/perf_event_paranoid", level, sizeof level))
		strcpy(level, "unknown");
	if (!result)
		doctor_fact(d, DOCTOR_FINE, "hardware counters",
			    "perf and skerry-bench can count cycles and misses",
			    "here (perf_event_paranoid %s)", level);
	else
		doctor_fact(d, DOCTOR_NOTE, "hardware counters",
			    result == -EACCES || result == -EPERM
				    ? "sysctl kernel.perf_event_paranoid=2, or a container with --cap-add "
				      "PERFMON; "
				      "until then figures are times only"
				    : "figures are times, not misses or cycles of a core",
			    "not here: %s (perf_event_paranoid %s)", reason_of(result), level);
	member_flag(d->host, "hardware_counters", !result);
}

static void look_at_probes(struct doctor *d)
{
	int count = doctor_count_probes();
	if (count > 0)
		doctor_fact(
			d, DOCTOR_FINE, "USDT probes",
			"compiled in; bpftrace and perf attach while it runs, and until then they cost a nop",
			"%d places", count);
	else
		doctor_fact(d, DOCTOR_NOTE, "USDT probes",
			    "bpftrace and perf see functions only; build it again with systemtap-sdt-dev",
			    count ? "cannot be read" : "none");
	member_count(d->host, "probes", count > 0 ? (uint64_t)count : 0);
}

/* ---- hwloc and its variables ---- */

static void look_at_topology(struct doctor *d, const struct sim_host *host)
{
	char meaning[256];
	for (char **variable = environ; *variable; variable++) {
		size_t length = strcspn(*variable, "=");
		char name[64];
		if (strncmp(*variable, "HWLOC_", 6) || !(*variable)[length])
			continue;
		snprintf(name, sizeof name, "%.*s", (int)length, *variable);
		doctor_fact(d, host->misled ? DOCTOR_NOTE : DOCTOR_FINE, name,
			    host->misled ? host->misled : "set; hwloc tells of this machine all the same",
			    "%.100s", *variable + length + 1);
	}
	if (!host->misled) {
		doctor_fact(d, DOCTOR_FINE, "topology", "cores, siblings and nodes are those of this machine",
			    "by hwloc");
		return;
	}
	snprintf(meaning, sizeof meaning,
		 "%s; until then cores are not known, and CPUs are those of the affinity mask", host->misled);
	doctor_fact(d, DOCTOR_NOTE, "topology", meaning, "hwloc is not believed; %u CPU%s really may be used",
		    host->cpus, plural(host->cpus));
}

/* ---- all of it ---- */

static void report_host(json_t *out, const struct sim_host *host)
{
	bool known = !host->misled;
	member_count(out, "visible_cpus", host->visible);
	member_count(out, "cpus", host->cpus);
	member_count(out, "capacity", sim_host_capacity(host));
	member_set(out, "cores", known ? json_integer(host->cores) : json_null());
	member_set(out, "packages", known ? json_integer(host->packages) : json_null());
	member_set(out, "kinds", known ? json_integer(host->kinds) : json_null());
	member_count(out, "nodes", host->nodes);
	member_set(out, "quota_millicpus",
		   host->quota_millicpus && host->quota_millicpus <= INT64_MAX
			   ? json_integer((json_int_t)host->quota_millicpus)
			   : json_null());
	member_text(out, "quota_source", host->quota_source[0] ? host->quota_source : NULL);
	member_flag(out, "memory_binding", !host->mbind_refused);
	member_flag(out, "pinning", !host->pin_refused);
	member_flag(out, "virtual_machine", host->virtual_machine);
	member_text(out, "misled", host->misled);
}

void doctor_look_at_native(struct doctor *d)
{
	const char *why = "";
	struct sim_host *host = calloc(1, sizeof *host);
	SIM_CHECK(host != NULL);
	if (sim_host_read(host, &why)) {
		doctor_fact(d, DOCTOR_NOTE, "native runs", why, "not here");
	} else {
		d->host = json_object();
		SIM_CHECK(d->host != NULL);
		report_host(d->host, host);
		look_at_cpus(d, host);
		look_at_quota(d, host);
		look_at_capacity(d, host);
		look_at_siblings(d, host);
		look_at_kinds(d, host);
		look_at_nodes(d, host);
		look_at_pinning(d, host);
		look_at_clock(d);
		look_at_waiting(d, host);
		look_at_counters(d);
		look_at_probes(d);
		look_at_topology(d, host);
	}
	free(host);
}
