/* cli/calibrate.h - what the parts of skerry calibrate share: costs from native runs.
 *
 * The demonstration runs natively on two clusters with the profile on (ssi/profile.h): ticks by cause, and how often
 * virtual time would have charged each kind of cost. A cost is the ticks of its causes over its charges; of several
 * runs the lower quartile counts. What no charge stands for is in that which comes nearest. Left out is the cause
 * `data`: copying a page is measured by itself (sim/measure.h), and the rest is done once a page, its first content.
 *
 * The same number of runs without the profile, which would be seen in latencies, says what operations take. Layer: cli. */
#ifndef SKERRY_CLI_CALIBRATE_H
#define SKERRY_CLI_CALIBRATE_H
#include "sim/measure.h"
#include "ssi/flat.h"
#include "ssi/profile.h"

#define CALIBRATE_RUNS_MAX 16

/* What a run did, beside its profile. */
struct calibrate_counts {
	uint64_t calls;    /* of clients, local ones too */
	uint64_t messages; /* between clusters */
	uint64_t lines;    /* messages that went by RPC lines */
	uint64_t polls;    /* that found nothing */
};

/* Of one run, in ps; [kind] 0 where nothing was charged. */
struct calibrate_sample {
	uint64_t cost_ps[SIM_COST_KINDS];
	uint64_t send_ps, receive_ps; /* of a message, the channel's own part included */
	uint64_t poll_ps;             /* from one empty poll to the next */
	uint64_t line_permille;
	uint64_t p50_ps[FLAT_OPS], ops[FLAT_OPS]; /* of operations: latency, how many */
};

/* Pure. */
void calibrate_sample_of(const struct flat_profile_report *report, const struct calibrate_counts *counts,
			 const struct sim_clock *clock, struct calibrate_sample *out);

/* A figure over the runs. */
struct calibrate_figure {
	uint64_t ps;
	uint32_t spread; /* per cent of it between the least and the median */
};

struct calibrate_costs {
	uint32_t runs;
	struct calibrate_figure cost[SIM_COST_KINDS], send, receive, poll, line_permille;
	uint64_t p50_ps[FLAT_OPS], ops[FLAT_OPS]; /* medians of the runs */
	/* Costs are means, of warm and cold caches, and a few cold ones weigh much; an operation at the median is warm.
	 * What is used is this share of the means: see calibrate_fit(). */
	uint32_t typical_permille;
};

/* Pure: the lower quartile of the runs. */
void calibrate_costs_of(const struct calibrate_sample *sample, uint32_t runs, struct calibrate_costs *out);

/* Runs the demonstration natively `runs` times. Returns 0, or an exit code after a message. */
int calibrate_costs(uint32_t runs, void (*progress)(void *context, uint32_t done), void *context,
		    struct calibrate_costs *out);

/* Pure: of the operations of at least CALIBRATE_OPS_MIN, by how much virtual p50s differ from native ones: the weighted
 * median of virtual / native, in thousandths. 1000 if there is none. */
#define CALIBRATE_OPS_MIN 50
uint64_t calibrate_ratio(const struct calibrate_costs *costs, const uint64_t virtual_p50_ps[FLAT_OPS]);

/* Runs the demonstration in virtual time on a machine of two clusters, with these costs. Returns 0 or an exit code after a
 * message. */
int calibrate_virtual(const struct sim_topology *topology, const struct sim_cost_profile *cost,
		      uint64_t p50_ps[FLAT_OPS]);

/* A cost as it is used: the typical share of what a call waits for, all of what it does not. */
uint64_t calibrate_cost_ps(const struct calibrate_costs *costs, enum sim_cost_kind kind);
static inline uint64_t calibrate_typical(const struct calibrate_costs *costs, uint64_t ps)
{
	return ps * costs->typical_permille / 1000;
}

/* Where a cost is from, for the file: "measured: ..." or "assumed: ...". */
void calibrate_source(const struct calibrate_costs *costs, enum sim_cost_kind kind, char *out, size_t size);

#endif
