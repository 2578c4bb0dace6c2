/* sim/topology.h - which clusters exist, how fast they are and how far apart.
 *
 * A link has four costs, each apart (LogGP): the sender's processor pays `send`, the wire `wire`, the
 * receiver's processor `receive`; `gap` is the least distance of two sends of one port. Bulk data adds
 * bytes / bandwidth to the wire. Receives of different clusters overlap. Pairs differ: a link is looked up
 * by (from, to), computed from groups or a mesh, so a machine of a million clusters needs no matrix.
 *
 * Immutable once built: any thread may read it without a lock. Layer: sim. */
#ifndef SKERRY_SIM_TOPOLOGY_H
#define SKERRY_SIM_TOPOLOGY_H
#include <stdbool.h>
#include <stdint.h>
#include "sim/time.h"

#define SIM_CLUSTERS_MAX (1u << 20)
#define SIM_GROUPS_MAX   64 /* sockets or dies of a grouped machine */
#define SIM_LINKS_MAX    16
#define SIM_CLASSES_MAX  64 /* of pairs, in reports */

struct sim_link {
	sim_cycles send, receive, gap; /* cycles of the cluster's core */
	sim_ps wire_ps;                /* propagation */
	uint64_t ps_per_kib;           /* bulk data; 0: it costs nothing */
};

enum sim_topology_kind {
	SIM_TOPOLOGY_UNIFORM, /* one link for every pair */
	SIM_TOPOLOGY_GROUPS,  /* clusters dealt out in blocks over groups; a link for each pair of groups */
	SIM_TOPOLOGY_MESH,    /* two dimensions, X-Y routing: wire_ps + hops * hop_ps */
};

struct sim_topology {
	enum sim_topology_kind kind;
	uint32_t clusters;
	struct sim_clock clock; /* of every core */
	uint32_t groups;        /* GROUPS: cluster c is in group c * groups / clusters */
	uint8_t link_class[SIM_GROUPS_MAX][SIM_GROUPS_MAX]; /* GROUPS: index into `link` */
	uint32_t links;
	struct sim_link link[SIM_LINKS_MAX];  /* UNIFORM and MESH use link[0] */
	const char *link_name[SIM_LINKS_MAX]; /* "same socket"; borrowed, static */
	uint32_t mesh_width;                  /* MESH: clusters are numbered along rows */
	sim_ps hop_ps;
	/* To have messages in another order: the wire of an ordered pair takes up to jitter_ps longer, always the same, drawn
	 * from the seed; all wires from and to one cluster take slow_ps longer. */
	sim_ps jitter_ps, slow_ps;
	uint64_t jitter_seed;
	uint32_t slow_cluster;
	const char *preset, *source; /* its name and where its numbers come from; borrowed, static */
	bool this_host;              /* read from the host by hwloc, and the host really is this machine */
};

/* The link from one cluster to another (from != to). With MESH the wire depends on the distance, so the
 * link is returned by value. */
struct sim_link sim_topology_link(const struct sim_topology *topology, uint32_t from, uint32_t to);

/* The smallest wire latency of any pair: the lookahead. With one cluster: 1 us. Never 0 for a topology
 * that sim_topology_check() accepts. */
sim_ps sim_topology_lookahead(const struct sim_topology *topology);

/* Short text of a pair's class for reports, e.g. "same socket", "1 hop"; borrowed, static, never NULL. Pairs
 * with the same text have the same link, but for jitter, a slow cluster, and "64 hops or more" of a large mesh. `class_index`
 * (< SIM_CLASSES_MAX) numbers the classes; a class that no pair of so small a machine has leaves a gap. */
const char *sim_topology_class(const struct sim_topology *topology, uint32_t from, uint32_t to,
			       uint32_t *class_index);

/* Presets: seed-1000-cycles, xeon-e5-2670v2, opteron-8x4, scc-mesh, host. `clusters` 0: the preset's own
 * number. Returns 0, -ENOENT (no such preset), -EINVAL (impossible number of clusters; *why says why), or
 * -ENODEV (host: hwloc cannot read it, or HWLOC_SYNTHETIC or HWLOC_XMLFILE is invalid or names another
 * machine and so does not bind; *why says what). *why is borrowed, until the next call of this thread. */
int sim_topology_preset(struct sim_topology *out, const char *name, uint32_t clusters, const char **why);

/* Runs the cores at `hz`: costs and links keep their cycles, so times change. */
void sim_topology_set_clock(struct sim_topology *topology, uint64_t hz);

/* Bandwidth of a link: thousandths of a byte per cycle, 0 for no limit, to ps_per_kib and back. The way back
 * gives a rate that means the same ps_per_kib. */
uint64_t sim_link_ps_per_kib(uint64_t hz, uint64_t millibytes_per_cycle);
uint64_t sim_link_rate(uint64_t hz, uint64_t ps_per_kib);

/* Holds what the functions above rely on: numbers of clusters, groups and links, a wire that takes time.
 * Returns 0, or -EINVAL and *why says what is wrong and the remedy. */
int sim_topology_check(const struct sim_topology *topology, const char **why);

/* The names, for lists and "did you mean"; NULL-terminated, static. */
extern const char *const sim_topology_preset_names[];
const char *const *sim_topology_presets(void);
const char *sim_topology_preset_about(const char *name); /* one line: numbers and source; NULL if unknown */

#endif
