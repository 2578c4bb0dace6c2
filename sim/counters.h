/* sim/counters.h - events that the processor or the kernel counts for the calling thread: cycles, instructions, misses.
 *
 * Hardware events count what the thread does in user space. They are read by rdpmc where the kernel allows it (some ten
 * cycles each), else by read(2) (one call for all). A host may have none: a virtual machine without a PMU, a container
 * whose filter refuses perf_event_open, kernel.perf_event_paranoid; sim_counters_open() says which.
 *
 * Thread rule: open, read and close on the thread that is counted. Layer: sim.
 * Source: perf_event_open(2) and the comment on perf_event_mmap_page in <linux/perf_event.h>. */
#ifndef SKERRY_SIM_COUNTERS_H
#define SKERRY_SIM_COUNTERS_H
#include <stdbool.h>
#include <stdint.h>

#define SIM_COUNTERS_MAX 3

enum sim_counter {
	SIM_COUNTER_CYCLES,
	SIM_COUNTER_INSTRUCTIONS,
	SIM_COUNTER_CACHE_MISSES, /* of the last level */
	/* the kernel's own, which every host has */
	SIM_COUNTER_PAGE_FAULTS,
	SIM_COUNTER_SWITCHES, /* of context */
	SIM_COUNTER_KINDS
};
extern const char *const sim_counter_name[SIM_COUNTER_KINDS];

struct sim_counters {
	uint32_t count;
	bool rdpmc; /* read without a system call */
	int file[SIM_COUNTERS_MAX];
	void *page[SIM_COUNTERS_MAX]; /* of the kernel's, for rdpmc; NULL: none */
	char why[160];                /* after a failure: what is missing and the remedy */
};

/* Begins to count. Returns 0, or a negative errno and out->why says why not; *out then counts nothing and may be
 * closed. */
int sim_counters_open(struct sim_counters *out, const enum sim_counter *which, uint32_t count);
/* What was counted so far. All 0 if nothing counts. */
void sim_counters_read(const struct sim_counters *counters, uint64_t value[SIM_COUNTERS_MAX]);
void sim_counters_close(struct sim_counters *counters);

#endif
