/* sim/topology_host.h - how many clusters the host has. Private to sim/topology.c. Layer: sim. */
#ifndef SKERRY_SIM_TOPOLOGY_HOST_H
#define SKERRY_SIM_TOPOLOGY_HOST_H
#include <stdint.h>

/* Clusters of this machine: groups of cores that share an L3 cache; if there is but one, NUMA nodes, then
 * packages, then cores. On success returns 0, *clusters >= 1 and *source says what was counted (static); else
 * -ENODEV, and *why says what is wrong and the remedy (static). */
int topology_host_read(uint32_t *clusters, const char **source, const char **why);

#endif
