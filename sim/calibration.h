/* sim/calibration.h - a machine and its costs as `skerry calibrate` measured them: one YAML file, read strictly.
 *
 *   schema, host         which layout; what was measured, when, by which clock
 *   clock                of the cycles in which everything below is counted
 *   groups               a row a CPU, or a row several CPUs that are alike: the matrix of links, a letter each
 *   links                at most SIM_LINKS_MAX classes of pairs that cost the same: send, wire, receive, gap, bandwidth
 *   costs                all kinds of sim/cost.h
 *
 * Nothing has a default: a file that lacks a figure would predict with a guess. Layer: sim. Thread rule: one thread
 * reads or writes; what was read is immutable. */
#ifndef SKERRY_SIM_CALIBRATION_H
#define SKERRY_SIM_CALIBRATION_H
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "sim/cost.h"
#include "sim/topology.h"

#define SIM_CALIBRATION_SCHEMA 1

struct sim_config;

/* Texts are borrowed by who writes one, and belong to `texts` in one that was read. */
struct sim_calibration {
	const char *cpu, *kernel, *date, *clock_source; /* of the host */
	uint64_t cpus;
	const char *group_cpus[SIM_GROUPS_MAX]; /* "0", "4-7": the operating system's numbers */
	const char *link_source[SIM_LINKS_MAX]; /* what was measured, and how far it spread */
	struct sim_topology topology;           /* SIM_TOPOLOGY_GROUPS; a cluster a CPU */
	struct sim_cost_profile cost;
	struct sim_config *texts;
};

/* Reads a file's text; `name` stands for the file in messages. On success *out is owned by the caller, who passes it to
 * sim_calibration_free(). On failure returns -1 and error[size] is "FILE:LINE: key: what is wrong; the remedy". */
int sim_calibration_read(struct sim_calibration **out, const char *name, const char *text, size_t bytes,
			 char *error, size_t size);
void sim_calibration_free(struct sim_calibration *calibration); /* takes NULL */

/* The machine with this many clusters; 0: one a CPU. Fewer than groups: the first groups; more: in blocks over them.
 * Texts are borrowed from the calibration. Returns 0, or -EINVAL and *why as sim_topology_check(). */
int sim_calibration_topology(const struct sim_calibration *calibration, uint32_t clusters,
			     struct sim_topology *out, const char **why);

/* Writes what sim_calibration_read() reads back. Returns 0 or -EIO. */
int sim_calibration_write(const struct sim_calibration *calibration, FILE *out);

#endif
