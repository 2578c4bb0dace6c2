/* sim/host_internal.h - the parts of sim/host.h, apart so that tests can give each a machine that is not this one.
 *
 * Private to sim/ and to tests. Thread rule: one thread. Layer: sim. */
#ifndef SKERRY_SIM_HOST_INTERNAL_H
#define SKERRY_SIM_HOST_INTERNAL_H
#include <hwloc.h>
#include "sim/host.h"

/* hwloc's topology of this machine, and of no other: each HWLOC variable that would make it another one is refused.
 * On success returns 0 and the caller destroys *out; else -ENODEV and *why says what is wrong and the remedy
 * (static). */
int host_hwloc_open(hwloc_topology_t *out, const char **why);

/* Fills CPUs, cores, packages, nodes and kinds from a loaded topology (borrowed), of the CPUs in `usable` (NULL: all).
 * What else stands in *out is left alone. */
void host_from_topology(struct sim_host *out, hwloc_topology_t topology, hwloc_const_bitmap_t usable);

/* The same without any knowledge of cores: each CPU of `usable` is a core of its own. `node_of` (NULL: unknown) tells
 * a CPU's NUMA node, or -1. */
void host_from_mask(struct sim_host *out, hwloc_const_bitmap_t usable, int (*node_of)(int cpu));

/* The tightest CPU quota of this process's control groups, v1 and v2, from its own group up to the root that it sees,
 * into quota_millicpus and quota_source. `root` stands before each path that is read ("" for the real one); the source
 * is told without it. What cannot be read limits nothing. */
void host_quota_read(struct sim_host *out, const char *root);

#endif
