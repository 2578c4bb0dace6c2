/* hwloc takes another machine for this one if its environment says so, and an invalid HWLOC_SYNTHETIC
 * silently means the real host. So each variable is applied and checked by hand, and what is not this
 * machine is refused. */
#include "sim/topology_host.h"
#include <errno.h>
#include <hwloc.h>
#include <stdlib.h>
#include "sim/check.h"

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

static int apply_environment(hwloc_topology_t topology, const char **why)
{
	const char *synthetic = getenv("HWLOC_SYNTHETIC"), *xml = getenv("HWLOC_XMLFILE");
	if (synthetic) {
		*why = hwloc_topology_set_synthetic(topology, synthetic)
			       ? "HWLOC_SYNTHETIC is set and is not a valid description; unset it"
			       : "HWLOC_SYNTHETIC describes a machine that is not this one; unset it";
		return -ENODEV;
	}
	if (xml && hwloc_topology_set_xml(topology, xml)) {
		*why = "HWLOC_XMLFILE is set and is not a topology that can be read; unset it";
		return -ENODEV;
	}
	return 0;
}

static int count_clusters(hwloc_topology_t topology, uint32_t *clusters, const char **source,
			  const char **why)
{
	if (!hwloc_topology_is_thissystem(topology)) {
		*why = "HWLOC_XMLFILE or another HWLOC variable names a machine that is not this one; unset "
		       "it";
		return -ENODEV;
	}
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
	if (hwloc_topology_init(&topology)) {
		*why = "hwloc cannot be started; use another preset";
		return -ENODEV;
	}
	int result = apply_environment(topology, why);
	if (!result && hwloc_topology_load(topology)) {
		*why = "hwloc cannot read this machine; use another preset";
		result = -ENODEV;
	}
	if (!result)
		result = count_clusters(topology, clusters, source, why);
	hwloc_topology_destroy(topology);
	SIM_CHECK(result || *clusters >= 1);
	return result;
}
