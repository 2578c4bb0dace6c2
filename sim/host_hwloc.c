/* hwloc takes another machine for this one if its environment says so, and an invalid HWLOC_SYNTHETIC silently means
 * the real host. So each variable is applied and checked by hand, and what is not this machine is refused.
 *
 * Two variables mislead even where hwloc says "this system": HWLOC_THISSYSTEM=1 with an XML file is the user's word
 * for it, which the number of CPUs can refute; HWLOC_COMPONENTS can leave out who knows of cores, and each CPU then
 * looks like a core of its own. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "sim/host_internal.h"

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

/* CPUs that are offline may be in the file or not. */
static bool has_as_many_cpus(hwloc_topology_t topology)
{
	int described = hwloc_bitmap_weight(hwloc_topology_get_complete_cpuset(topology));
	return described >= sysconf(_SC_NPROCESSORS_ONLN) && described <= sysconf(_SC_NPROCESSORS_CONF);
}

/* In a container without /sys hwloc asks the processor instead of the kernel. */
static bool knows_cores(hwloc_topology_t topology)
{
	hwloc_obj_t root = hwloc_get_root_obj(topology);
	bool asked = access("/sys/devices/system/cpu/cpu0/topology", F_OK) != 0;
	for (unsigned i = 0; i < root->infos_count; i++)
		asked |= !strcmp(root->infos[i].name, "Backend") && !strcmp(root->infos[i].value, "Linux");
	return asked && hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE) > 0;
}

static int load(hwloc_topology_t topology, const char **why)
{
	int result = apply_environment(topology, why);
	if (result)
		return result;
	if (hwloc_topology_load(topology))
		*why = getenv("HWLOC_COMPONENTS")
			       ? "HWLOC_COMPONENTS is set and hwloc cannot read this machine; unset it"
			       : "hwloc cannot read this machine; lstopo says more";
	else if (!hwloc_topology_is_thissystem(topology))
		*why = "HWLOC_XMLFILE or another HWLOC variable names a machine that is not this one; unset "
		       "it";
	else if (getenv("HWLOC_XMLFILE") && !has_as_many_cpus(topology))
		*why = "HWLOC_XMLFILE describes another number of CPUs than this machine has; unset it";
	else if (getenv("HWLOC_COMPONENTS") && !knows_cores(topology))
		*why = "HWLOC_COMPONENTS is set and keeps the cores from hwloc; unset it";
	else
		return 0;
	return -ENODEV;
}

/* What hwloc would say on stderr is said by us, once and with a remedy. */
int host_hwloc_open(hwloc_topology_t *out, const char **why)
{
	setenv("HWLOC_HIDE_ERRORS", "2", 0);
	if (hwloc_topology_init(out)) {
		*why = "hwloc cannot be started; lstopo says more";
		return -ENODEV;
	}
	int result = load(*out, why);
	if (result)
		hwloc_topology_destroy(*out);
	return result;
}
