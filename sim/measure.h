/* sim/measure.h - what a message and a page cost between two CPUs of this host.
 *
 * Two pinned threads meet before each of many short batches; the median of the batches is the figure. A batch counts
 * only if neither thread was switched out during it and it took at most three times the median (a hypervisor takes a
 * CPU without telling). Batches go round several places in memory, because a transfer costs more or less by the line
 * that it moves.
 *
 *   ring, line   a round trip over a pair of rings, over an RPC line (sim/channel.h)
 *   gap          the distance of two frames of a long stream over a ring
 *   send         the sender's time a frame, when there is room
 *   receive      the receiver's time a frame that is there already
 *   kib          1 KiB of pages that the other CPU has just written, copied into own memory
 *
 * From measured pairs to the links of a machine: sim_measure_link() and sim_measure_machine(), pure over what was
 * measured, as is the choice of the pairs, sim_measure_plan(). Layer: sim. Thread rule: one caller at a time; it sleeps
 * while the two threads work.
 * Sources: Culler et al., LogP (1993); Alexandrov et al., LogGP (1995). */
#ifndef SKERRY_SIM_MEASURE_H
#define SKERRY_SIM_MEASURE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "sim/host.h"
#include "sim/topology.h"

#define SIM_MEASURE_ALL_MAX   16 /* CPUs of which every pair is measured */
#define SIM_MEASURE_SAMPLE    8  /* pairs a distance on larger hosts */
#define SIM_MEASURE_PAIRS_MAX (SIM_MEASURE_ALL_MAX * (SIM_MEASURE_ALL_MAX - 1) / 2)
#define SIM_MEASURE_ALIKE     10 /* per cent by which pairs of one class differ at most */

struct sim_figure {
	uint64_t ps;      /* median; at least 1 */
	uint32_t spread;  /* per cent of it between the 10th and the 90th percentile */
	uint32_t batches; /* that count */
	uint32_t dropped; /* that do not */
};

struct sim_measured {
	struct sim_figure ring, line, gap, send, receive, kib;
};

/* How far apart two CPUs are, as far as the host says. */
enum sim_distance { SIM_SAME_CORE, SIM_SAME_NODE, SIM_SAME_PACKAGE, SIM_OTHER_PACKAGE, SIM_DISTANCES };
extern const char *const sim_distance_name[SIM_DISTANCES];
enum sim_distance sim_measure_distance(const struct sim_host *host, uint32_t a, uint32_t b);

struct sim_measure_pair {
	uint32_t a, b; /* indices into host->cpu, a < b */
	struct sim_measured measured;
};

/* Which pairs are to be measured: all of at most SIM_MEASURE_ALL_MAX CPUs, else SIM_MEASURE_SAMPLE of each distance, spread
 * over the machine. Returns their number; 0: one CPU has no pair. */
uint32_t sim_measure_plan(const struct sim_host *host, struct sim_measure_pair out[SIM_MEASURE_PAIRS_MAX]);

/* Measures a pair, each figure in so many batches (>= 8). Returns 0, -ENOMEM, or -EAGAIN: a thread could not be pinned. */
int sim_measure_pair(const struct sim_host *host, uint32_t batches, struct sim_measure_pair *pair);

/* ---- pure ---- */

/* The figure of batches of `operations` each: sample[i] picoseconds; `disturbed` does not count. The samples are sorted.
 * Without one that counts, all do. */
struct sim_figure sim_measure_figure(uint64_t *sample, const bool *disturbed, uint32_t count,
				     uint64_t operations);

/* What the messages of a run add to bare channels. */
struct sim_measure_traffic {
	uint32_t line_permille;       /* of its messages went by RPC lines */
	uint64_t send_ps, receive_ps; /* the monitor's own time a message; 0: unknown, as bare */
	uint64_t flight_ps;           /* added to the wire: how late an idle monitor looks */
};

/* send, receive and gap as measured, plus what the monitor adds; wire: half the round trip of that mix of lines and rings,
 * minus bare send and receive, at least 1 ns. */
struct sim_link sim_measure_link(const struct sim_measured *measured,
				 const struct sim_measure_traffic *traffic, const struct sim_clock *clock);

/* The machine of what was measured: a group a CPU in the order in which native runs take CPUs, or, with more than
 * SIM_GROUPS_MAX CPUs, a group a NUMA node; pairs within SIM_MEASURE_ALIKE per cent share a link. */
struct sim_measure_machine {
	struct sim_topology topology;
	uint32_t group_first[SIM_GROUPS_MAX];        /* index into host->cpu of a group's first CPU */
	uint32_t pairs[SIM_LINKS_MAX];               /* measured, of each link */
	struct sim_measured measured[SIM_LINKS_MAX]; /* medians of them */
	char name[SIM_LINKS_MAX][48];
	uint32_t alike; /* per cent: wider than SIM_MEASURE_ALIKE if there were too many classes */
};
void sim_measure_machine(const struct sim_host *host, const struct sim_measure_pair *pair, uint32_t pairs,
			 const struct sim_measure_traffic *traffic, uint64_t hz,
			 struct sim_measure_machine *out);

#endif
