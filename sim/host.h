/* sim/host.h - what this machine gives to native runs: CPUs, their kinds, quota, clock, memory; and who goes where.
 *
 * sim_host_read() looks, sim_host_place() decides; the second is pure over the first, so that every machine can be
 * tested on any. Placement: a core of its own for each thread first, the most capable kind of core first (hybrid
 * machines), NUMA nodes one after the other; siblings of one core only when cores are used up, which is then said. Of
 * the CPUs so chosen, threads are numbered along the machine, so that neighbours in number are near each other.
 *
 * Layer: sim. Thread rule: one thread reads, before it is pinned (it reads its own affinity); a host is immutable then.
 * Sources: hwloc (topology, cpukinds), cgroup v1 and v2 (cpu.cfs_quota_us, cpu.max), libnuma. */
#ifndef SKERRY_SIM_HOST_H
#define SKERRY_SIM_HOST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_HOST_CPUS_MAX 1024

struct sim_host_cpu {
	uint32_t number;  /* of the operating system */
	uint32_t core;    /* dense; siblings share it */
	uint32_t thread;  /* which of its core's hardware threads that may be used, 0 first */
	uint32_t package; /* dense */
	int32_t node;     /* NUMA, of the operating system; -1: unknown */
	uint32_t kind;    /* rank of capability among the machine's kinds (hwloc), 0 the least */
};

struct sim_host {
	uint32_t visible; /* CPUs of the machine that are online */
	uint32_t cpus;    /* that this process may use (affinity, cpuset), at most SIM_HOST_CPUS_MAX; >= 1 */
	struct sim_host_cpu cpu[SIM_HOST_CPUS_MAX];
	uint32_t cores, packages, nodes, kinds; /* of the CPUs that may be used */
	uint64_t quota_millicpus;               /* of the tightest cgroup above this process; 0: none */
	char quota_source[256];                 /* the file that says so; "": none */
	/* Memory cannot be bound: a container, or a kernel without NUMA, which has one node and loses nothing. First touch
	 * by a pinned thread places it. */
	bool mbind_refused;
	bool pin_refused;     /* a thread cannot be pinned, or is not where it was pinned to */
	bool virtual_machine; /* as CPUID says; false elsewhere than on x86-64 */
	/* HWLOC_SYNTHETIC and the like: what is wrong, and the remedy (static); the CPUs are then those of the affinity
	 * mask, each a core of its own. NULL: hwloc tells of this machine. */
	const char *misled;
};

/* Returns 0, or -ENODEV and *why (borrowed, static) says what to do. */
int sim_host_read(struct sim_host *out, const char **why);

/* Builds a host from hwloc's synthetic description or an XML file of lstopo, for tests and what-if: no quota, nothing
 * refused. Returns 0, or -EINVAL and *why (borrowed, static). */
int sim_host_read_synthetic(struct sim_host *out, const char *description, const char **why);
int sim_host_read_xml(struct sim_host *out, const char *path, const char **why);

struct sim_placement {
	uint32_t threads;
	uint32_t cpu[SIM_HOST_CPUS_MAX]; /* [thread]: index into sim_host.cpu */
	bool shares_cores;               /* two threads are siblings of one core */
	bool mixes_kinds;                /* cores of different capability */
	/* More threads than may run at once (sim_host_capacity): wait by yielding and sleeping, not by spinning. */
	bool shared;
	char text[240]; /* a sentence for people: "2 threads on CPUs 0, 1: a core each" */
};

/* Whole CPUs that can run at the same time: the CPUs of the mask, or fewer if the quota allows fewer (at least 1). */
uint32_t sim_host_capacity(const struct sim_host *host);

/* Places `threads` (>= 1) threads, each on a CPU of its own. Returns 0, or -ENOSPC: more threads than host->cpus, and
 * *out is untouched. */
int sim_host_place(const struct sim_host *host, uint32_t threads, struct sim_placement *out);

/* Pins the calling thread to a CPU of the host. 0 or a negative errno. */
int sim_host_pin(const struct sim_host_cpu *cpu);
/* Asks for memory on a node (preferred, not strict), for pages that nobody has touched; `base` stands on a page's
 * boundary. 0 or a negative errno (-EINVAL for a node that is not known); memory stays usable either way. */
int sim_host_bind_memory(void *base, size_t bytes, int32_t node);

#endif
