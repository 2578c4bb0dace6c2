/* The preset "host": clusters as this machine has caches, nodes, packages or cores. */
#include "sim/topology_host.h"
#include <errno.h>
#include "sim/check.h"
#include "sim/host_internal.h"

static const struct level {
	hwloc_obj_type_t type;
	int least; /* objects that make it a division of the machine */
	const char *source;
} levels[] = {
	{HWLOC_OBJ_L3CACHE, 2,
	 "clusters: the host's L3 caches (hwloc); links: not measured, as seed-1000-cycles"},
	{HWLOC_OBJ_NUMANODE, 2,
	 "clusters: the host's NUMA nodes (hwloc); links: not measured, as seed-1000-cycles"},
	{HWLOC_OBJ_PACKAGE, 2,
	 "clusters: the host's packages (hwloc); links: not measured, as seed-1000-cycles"},
	{HWLOC_OBJ_CORE, 1, "clusters: the host's cores (hwloc); links: not measured, as seed-1000-cycles"},
	{HWLOC_OBJ_PU, 1,
	 "clusters: the host's hardware threads (hwloc); links: not measured, as seed-1000-cycles"},
};

static int count_clusters(hwloc_topology_t topology, uint32_t *clusters, const char **source,
			  const char **why)
{
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
		int count = hwloc_get_nbobjs_by_type(topology, levels[i].type);
		if (count >= levels[i].least) {
			*clusters = (uint32_t)count;
			*source = levels[i].source;
			return 0;
		}
	}
	*why = "hwloc finds no core on this machine; use another preset";
	return -ENODEV;
}

int topology_host_read(uint32_t *clusters, const char **source, const char **why)
{
	hwloc_topology_t topology;
	int result = host_hwloc_open(&topology, why);
	if (result)
		return result;
	result = count_clusters(topology, clusters, source, why);
	hwloc_topology_destroy(topology);
	SIM_CHECK(result || *clusters >= 1);
	return result;
}
