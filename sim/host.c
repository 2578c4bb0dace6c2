/* What this machine gives: hwloc's objects cut down to the CPUs that the kernel really lets this process use, the
 * quota, and two probes, because neither binding nor pinning says beforehand whether a container forbids it. */
#include "sim/host.h"
#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __x86_64__
#include <cpuid.h>
#endif
#include "sim/host_internal.h"

/* A plain cpu_set_t ends at 1,024 CPUs, and sched_getaffinity() refuses a mask shorter than the kernel's. */
#define MASK_CPUS  65536
#define MASK_BYTES (MASK_CPUS / 8)
struct cpu_mask {
	cpu_set_t part[MASK_BYTES / sizeof(cpu_set_t)];
};

#define NODE_WORDS 16 /* 1,024 nodes, the most that Linux is built for */
#define WORD_BITS  (8 * sizeof(unsigned long))

/* ---- CPUs ---- */

static void take_pu(struct sim_host *out, hwloc_topology_t topology, hwloc_obj_t pu, hwloc_obj_t last[2])
{
	hwloc_obj_t core = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_CORE, pu);
	hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topology, HWLOC_OBJ_PACKAGE, pu);
	struct sim_host_cpu *cpu = &out->cpu[out->cpus];
	int kind = hwloc_cpukinds_get_by_cpuset(topology, pu->cpuset, 0);
	if (!core)
		core = pu;
	bool sibling = out->cpus && core == last[0];
	out->packages += !out->packages || package != last[1];
	out->cores += !sibling;
	*cpu = (struct sim_host_cpu){
		.number = pu->os_index,
		.core = out->cores - 1,
		.thread = sibling ? cpu[-1].thread + 1 : 0,
		.package = out->packages - 1,
		.node = hwloc_bitmap_first(pu->nodeset),
		.kind = kind < 0 ? 0 : (uint32_t)kind,
	};
	last[0] = core;
	last[1] = package;
	out->cpus++;
}

static void count_nodes_and_kinds(struct sim_host *out)
{
	out->nodes = out->kinds = 0;
	for (uint32_t i = 0; i < out->cpus; i++) {
		bool new_node = true, new_kind = true;
		for (uint32_t j = 0; j < i; j++) {
			new_node &= out->cpu[j].node != out->cpu[i].node;
			new_kind &= out->cpu[j].kind != out->cpu[i].kind;
		}
		out->nodes += new_node;
		out->kinds += new_kind;
	}
}

/* hwloc orders its processing units by the tree, so those of a core and of a package stand side by side. */
void host_from_topology(struct sim_host *out, hwloc_topology_t topology, hwloc_const_bitmap_t usable)
{
	hwloc_obj_t pu = NULL, last[2] = {NULL, NULL};
	out->cpus = out->cores = out->packages = 0;
	while (out->cpus < SIM_HOST_CPUS_MAX &&
	       (pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu)) != NULL)
		if (!usable || hwloc_bitmap_isset(usable, pu->os_index))
			take_pu(out, topology, pu, last);
	count_nodes_and_kinds(out);
}

void host_from_mask(struct sim_host *out, hwloc_const_bitmap_t usable, int (*node_of)(int cpu))
{
	int number = -1;
	out->cpus = 0;
	while (out->cpus < SIM_HOST_CPUS_MAX && (number = hwloc_bitmap_next(usable, number)) >= 0) {
		out->cpu[out->cpus] = (struct sim_host_cpu){.number = (uint32_t)number,
							    .core = out->cpus,
							    .node = node_of ? node_of(number) : -1};
		out->cpus++;
	}
	out->cores = out->cpus;
	out->packages = 1;
	count_nodes_and_kinds(out);
}

static int node_of_cpu(int cpu) { return numa_available() < 0 ? -1 : numa_node_of_cpu(cpu); }

/* The CPUs that the kernel lets this thread use: affinity and cpuset. NULL: it does not say. */
static hwloc_bitmap_t affinity(void)
{
	static struct cpu_mask mask;
	if (sched_getaffinity(0, sizeof mask, mask.part))
		return NULL;
	hwloc_bitmap_t set = hwloc_bitmap_alloc();
	for (unsigned i = 0; set && i < MASK_CPUS; i++)
		if (CPU_ISSET_S(i, sizeof mask, mask.part))
			hwloc_bitmap_set(set, i);
	return set;
}

static void read_cpus(struct sim_host *out, hwloc_const_bitmap_t usable)
{
	hwloc_topology_t topology;
	uint32_t want = (uint32_t)hwloc_bitmap_weight(usable);
	if (!host_hwloc_open(&topology, &out->misled)) {
		host_from_topology(out, topology, usable);
		hwloc_topology_destroy(topology);
		if (out->cpus < want && out->cpus < SIM_HOST_CPUS_MAX)
			out->misled =
				"hwloc does not know every CPU that this process may use; is /sys mounted?";
	}
	if (out->misled)
		host_from_mask(out, usable, node_of_cpu);
}

/* ---- probes ---- */

/* A container may forbid it, and some take the call and do nothing: so one is done, and undone. */
static bool pinning_works(const struct sim_host *host)
{
	static struct cpu_mask before;
	const struct sim_host_cpu *cpu = &host->cpu[host->cpus - 1];
	if (sched_getaffinity(0, sizeof before, before.part) || sim_host_pin(cpu))
		return false;
	bool moved = sched_getcpu() == (int)cpu->number;
	return !sched_setaffinity(0, sizeof before, before.part) && moved;
}

static bool binding_works(const struct sim_host *host)
{
	size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
	void *page = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return false;
	int32_t node = host->cpu[0].node;
	bool works = !sim_host_bind_memory(page, bytes, node < 0 ? 0 : node);
	munmap(page, bytes);
	return works;
}

static bool is_virtual_machine(void)
{
#ifdef __x86_64__
	unsigned a, b, c, d;
	return __get_cpuid(1, &a, &b, &c, &d) && c >> 31;
#else
	return false;
#endif
}

/* ---- reading ---- */

int sim_host_read(struct sim_host *out, const char **why)
{
	memset(out, 0, sizeof *out);
	hwloc_bitmap_t usable = affinity();
	if (!usable || hwloc_bitmap_iszero(usable)) {
		hwloc_bitmap_free(usable);
		*why = "the kernel does not say which CPUs may be used (sched_getaffinity); native runs need "
		       "that";
		return -ENODEV;
	}
	read_cpus(out, usable);
	hwloc_bitmap_free(usable);
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	out->visible = online > (long)out->cpus ? (uint32_t)online : out->cpus;
	host_quota_read(out, "");
	out->pin_refused = !pinning_works(out);
	out->mbind_refused = !binding_works(out);
	out->virtual_machine = is_virtual_machine();
	return 0;
}

/* Another machine, on purpose: `set` gives hwloc the description. */
static int read_described(struct sim_host *out, int (*set)(hwloc_topology_t topology, const char *text),
			  const char *text, const char **why)
{
	hwloc_topology_t topology;
	memset(out, 0, sizeof *out);
	if (hwloc_topology_init(&topology))
		return -EINVAL;
	int result = set(topology, text) || hwloc_topology_load(topology) ? -EINVAL : 0;
	if (!result) {
		host_from_topology(out, topology, NULL);
		out->visible = out->cpus;
	}
	hwloc_topology_destroy(topology);
	if (result || !out->cpus) {
		*why = "hwloc cannot read this description of a machine; lstopo -i says more";
		return -EINVAL;
	}
	return 0;
}

int sim_host_read_synthetic(struct sim_host *out, const char *description, const char **why)
{
	return read_described(out, hwloc_topology_set_synthetic, description, why);
}

int sim_host_read_xml(struct sim_host *out, const char *path, const char **why)
{
	return read_described(out, hwloc_topology_set_xml, path, why);
}

/* ---- doing ---- */

int sim_host_pin(const struct sim_host_cpu *cpu)
{
	struct cpu_mask mask;
	if (cpu->number >= MASK_CPUS)
		return -EINVAL;
	CPU_ZERO_S(sizeof mask, mask.part);
	CPU_SET_S(cpu->number, sizeof mask, mask.part);
	return sched_setaffinity(0, sizeof mask, mask.part) ? -errno : 0;
}

int sim_host_bind_memory(void *base, size_t bytes, int32_t node)
{
	unsigned long nodes[NODE_WORDS] = {0};
	if (node < 0 || (size_t)node >= NODE_WORDS * WORD_BITS)
		return -EINVAL;
	nodes[(size_t)node / WORD_BITS] = 1ul << ((size_t)node % WORD_BITS);
	/* The kernel takes one bit less than it is told. */
	return mbind(base, bytes, MPOL_PREFERRED, nodes, NODE_WORDS * WORD_BITS + 1, 0) ? -errno : 0;
}
