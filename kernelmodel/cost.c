#include "kernelmodel/cost.h"
#include <stddef.h>
#include <string.h>

#define NAME_OF(kind, name, about)  [KM_WORK_##kind] = name,
#define ABOUT_OF(kind, name, about) [KM_WORK_##kind] = about,
const char *const km_work_name[KM_WORK_KINDS] = {KM_WORKS(NAME_OF)};
const char *const km_work_about[KM_WORK_KINDS] = {KM_WORKS(ABOUT_OF)};

/* clang-format off */
#define COST(kind, figure, why) .cycles[KM_WORK_##kind] = (figure), .source[KM_WORK_##kind] = (why)

static const struct km_cost_profile skylake = {
	.name = "sel4-skylake-mcs",
	.about = "seL4 MCS on an i7-6700 (Skylake), without mitigation of Meltdown",
	COST(ENTRY, 132, "fitted: the null system call (132) is an entry and nothing else"),
	COST(LOOKUP, 20, "assumed: a slot that the first-level cache has, its guard and its radix"),
	COST(FASTPATH, 100, "assumed: some twenty conditions, and registers that stay registers"),
	COST(SLOWPATH, 343, "fitted: a signal that wakes a process of higher priority (1073)"),
	COST(DECODE, 300, "assumed: arguments from the IPC buffer, each checked; as long as most of a slow path"),
	COST(MESSAGE_WORD, 24, "assumed: a load and a store between two buffers that the first-level cache has lost"),
	COST(CAP_TRANSFER, 150, "assumed: a look-up of each end; the insertion is charged apart"),
	COST(QUEUE, 30, "assumed: three or four words of two neighbours"),
	COST(SCHEDULE, 60, "assumed: two bit scans, a dequeue that is charged apart"),
	COST(SWITCH_THREAD, 50, "assumed: saving and loading some twenty words"),
	COST(SWITCH_SPACE, 218, "published: what call and reply-receive take more across address spaces than within one (214, 223)"),
	COST(REFILL, 60, "assumed: a division is avoided, some ten words are touched"),
	COST(TIMER, 150, "assumed: writing the deadline to a model-specific register"),
	COST(REPLY_PUSH, 197, "fitted: call (747)"),
	COST(REPLY_POP, 69, "fitted: reply and receive (639)"),
	COST(SIGNAL, 40, "assumed: a word of the notification, and the state of who waits"),
	COST(FAULT, 150, "assumed: making the message, or applying the answer"),
	COST(TREE, 60, "assumed: two neighbours' links, and the new one's"),
	COST(CREATE, 150, "assumed: initialising a few cache lines"),
	COST(CLEAR, 32, "assumed: 8 bytes a cycle"),
	COST(WALK, 25, "assumed: one dependent load"),
	COST(PAGE_ENTRY, 150, "assumed: a store that the page walker must see"),
	COST(TLB, 200, "published: 95 to 320 cycles to invalidate an entry on AMD and Intel; their middle"),
	COST(IRQ, 400, "assumed: the interrupt controller is read and written"),
	COST(LOCK, 120, "assumed: a swap of a line that another core had, and its release"),
	COST(STALL, 1600, "assumed: an inter-processor interrupt, which traps in about 800 cycles, and its answer"),
	COST(IPI, 800, "published: an inter-processor interrupt traps in about 800 cycles"),
	COST(MIGRATE, 400, "assumed: lines of the thread that the other core had"),
};
/* clang-format on */

static const struct km_cost_profile none = {
	.name = "none",
	.about = "kernels that take no time",
};

const struct km_cost_profile *const km_cost_profiles[] = {&skylake, &none, NULL};
const char *const km_cost_profile_names[] = {"sel4-skylake-mcs", "none", NULL};
_Static_assert(sizeof km_cost_profiles == sizeof km_cost_profile_names, "one name a profile");

const struct km_cost_profile *km_cost_profile(const char *name)
{
	for (size_t i = 0; km_cost_profiles[i]; i++)
		if (!strcmp(km_cost_profiles[i]->name, name))
			return km_cost_profiles[i];
	return NULL;
}
