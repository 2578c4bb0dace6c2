/* kernelmodel/core/together.c - several machines in one virtual time.
 *
 * Windows as wide as the latency between machines: whatever one does in a window reaches another after its end at the
 * soonest, so that within a window each runs alone, in any order. */
#include "kernelmodel/core/core_internal.h"

/* What was rung in a window is pending at its time; whoever was idle wants to go on then. */
void core_ring(struct core_machine *const *machine, uint32_t machines, uint32_t cluster, uint64_t at)
{
	if (cluster < machines)
		core_interrupt(machine[cluster], CORE_IRQ_OF_VECTOR + CORE_DOORBELL_VECTOR + cluster, at);
}

static bool all_ended(struct core_machine *const *machine, uint32_t machines)
{
	for (uint32_t m = 0; m < machines; m++)
		if (!machine[m]->end)
			return false;
	return true;
}

/* The first time at which any of them wants to go on. */
static uint64_t first(struct core_machine *const *machine, uint32_t machines)
{
	uint64_t at = KM_NEVER;
	for (uint32_t m = 0; m < machines; m++) {
		const uint64_t own = core_run(machine[m], 0);
		at = own < at ? own : at;
	}
	return at;
}

void core_run_together(struct core_machine *const *machine, uint32_t machines, uint64_t latency)
{
	uint64_t from;
	while ((from = first(machine, machines)) != KM_NEVER) {
		const uint64_t end = from < KM_NEVER - latency ? from + latency : KM_NEVER;
		for (uint32_t m = 0; m < machines; m++)
			core_run(machine[m], end);
		if (all_ended(machine, machines))
			return;
	}
	for (uint32_t m = 0; m < machines; m++)
		if (!machine[m]->end)
			machine[m]->end = CORE_STUCK;
}
