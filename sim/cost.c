/* Figures of seL4 are cycles, means, as sel4.systems publishes them for the MCS kernel. What nobody
 * published is assumed, each with its reason: an assumed figure is one that a scenario may well change. */
#include "sim/cost.h"
#include <stddef.h>
#include <string.h>

/* clang-format off */
const char *const sim_cost_name[SIM_COST_KINDS] = {
	[SIM_COST_CALL] = "call",
	[SIM_COST_REPLY] = "reply",
	[SIM_COST_NULL] = "null",
	[SIM_COST_SIGNAL] = "signal",
	[SIM_COST_CAP_CREATE] = "cap_create",
	[SIM_COST_CAP_DELETE] = "cap_delete",
	[SIM_COST_MAP] = "map",
	[SIM_COST_UNMAP] = "unmap",
	[SIM_COST_FAULT] = "fault",
	[SIM_COST_STEP] = "step",
	[SIM_COST_TRANSLATE] = "translate",
	[SIM_COST_NAME] = "name",
	[SIM_COST_COPY_KIB] = "copy_kib",
	[SIM_COST_CLIENT] = "client",
};

/* The monitor's own work does not depend on the kernel, so all profiles share it. */
#define MONITOR_CYCLES \
	[SIM_COST_STEP] = 50, [SIM_COST_TRANSLATE] = 90, [SIM_COST_NAME] = 300, [SIM_COST_COPY_KIB] = 128
#define MONITOR_SOURCE \
	[SIM_COST_STEP] = "assumed: a cell of a protocol table takes 12 to 17 ns on a core of about 3 GHz", \
	[SIM_COST_TRANSLATE] = "assumed: a look-up in open addressing takes about 30 ns on such a core", \
	[SIM_COST_NAME] = "assumed: hashing a short name, one look-up and one comparison", \
	[SIM_COST_COPY_KIB] = "assumed: 8 bytes a cycle", \
	[SIM_COST_CLIENT] = "assumed: clients run on cores of their own"

static const struct sim_cost_profile skylake = {
	.name = "sel4-skylake",
	.about = "seL4 MCS on an i7-6700 (Skylake), without mitigation of Meltdown",
	.cycles = {
		[SIM_COST_CALL] = 747, [SIM_COST_REPLY] = 639, [SIM_COST_NULL] = 132,
		[SIM_COST_SIGNAL] = 1073, [SIM_COST_CAP_CREATE] = 600, [SIM_COST_CAP_DELETE] = 500,
		[SIM_COST_MAP] = 1234, [SIM_COST_UNMAP] = 1400, [SIM_COST_FAULT] = 1907, MONITOR_CYCLES,
	},
	.source = {
		[SIM_COST_CALL] = "seL4, Skylake: call across address spaces",
		[SIM_COST_REPLY] = "seL4, Skylake: reply and receive across address spaces",
		[SIM_COST_NULL] = "seL4, Skylake: null system call",
		[SIM_COST_SIGNAL] = "seL4, Skylake: signal to a process of higher priority, as a monitor is "
			"(to a lower one: 258)",
		[SIM_COST_CAP_CREATE] = "assumed: a null system call (132) and about 470 cycles to decode, "
			"retype and insert",
		[SIM_COST_CAP_DELETE] = "assumed: a null system call (132) and about 370 cycles to find, "
			"unlink and clear",
		[SIM_COST_MAP] = "seL4, Skylake: map one page",
		[SIM_COST_UNMAP] = "assumed: as mapping a page (1234) and invalidating a TLB entry (95 to "
			"320 on AMD and Intel)",
		[SIM_COST_FAULT] = "seL4, Skylake: fault round trip",
		MONITOR_SOURCE,
	},
};

static const struct sim_cost_profile haswell = {
	.name = "sel4-haswell",
	.about = "seL4 MCS on Haswell; what is not published for it is taken from Skylake",
	.cycles = {
		[SIM_COST_CALL] = 787, [SIM_COST_REPLY] = 653, [SIM_COST_NULL] = 132,
		[SIM_COST_SIGNAL] = 1775, [SIM_COST_CAP_CREATE] = 600, [SIM_COST_CAP_DELETE] = 500,
		[SIM_COST_MAP] = 1234, [SIM_COST_UNMAP] = 1400, [SIM_COST_FAULT] = 1907, MONITOR_CYCLES,
	},
	.source = {
		[SIM_COST_CALL] = "sel4.systems, MCS, Haswell: call",
		[SIM_COST_REPLY] = "sel4.systems, MCS, Haswell: reply",
		[SIM_COST_NULL] = "assumed: as on Skylake",
		[SIM_COST_SIGNAL] = "sel4.systems, MCS, Haswell: notify",
		[SIM_COST_CAP_CREATE] = "assumed: as sel4-skylake",
		[SIM_COST_CAP_DELETE] = "assumed: as sel4-skylake",
		[SIM_COST_MAP] = "assumed: as on Skylake",
		[SIM_COST_UNMAP] = "assumed: as sel4-skylake",
		[SIM_COST_FAULT] = "assumed: as on Skylake",
		MONITOR_SOURCE,
	},
};

static const struct sim_cost_profile tx1 = {
	.name = "sel4-tx1",
	.about = "seL4 on a Jetson TX1 (Cortex-A57), one core; what is not published for it is scaled from "
		"Skylake",
	.cycles = {
		[SIM_COST_CALL] = 428, [SIM_COST_REPLY] = 444, [SIM_COST_NULL] = 251,
		[SIM_COST_SIGNAL] = 1134, [SIM_COST_CAP_CREATE] = 720, [SIM_COST_CAP_DELETE] = 620,
		[SIM_COST_MAP] = 1350, [SIM_COST_UNMAP] = 1520, [SIM_COST_FAULT] = 1123, MONITOR_CYCLES,
	},
	.source = {
		[SIM_COST_CALL] = "seL4, TX1: call across address spaces",
		[SIM_COST_REPLY] = "seL4, TX1: reply and receive across address spaces",
		[SIM_COST_NULL] = "seL4, TX1: null system call",
		[SIM_COST_SIGNAL] = "seL4, TX1: signal to a process of higher priority",
		[SIM_COST_CAP_CREATE] = "assumed: as sel4-skylake, with this core's null system call (251)",
		[SIM_COST_CAP_DELETE] = "assumed: as sel4-skylake, with this core's null system call (251)",
		[SIM_COST_MAP] = "assumed: as on Skylake, with this core's null system call (251)",
		[SIM_COST_UNMAP] = "assumed: as sel4-skylake, with this core's null system call (251)",
		[SIM_COST_FAULT] = "assumed: call, reply and one null system call (428 + 444 + 251)",
		MONITOR_SOURCE,
	},
};

/* Fitted on the two group-local operations alone: see "skerry costs semperos", which prints what follows for those
 * that span groups. */
static const struct sim_cost_profile semperos = {
	.name = "semperos",
	.about = "SemperOS on its simulated platform, 2 GHz, fitted on its group-local operations",
	.cycles = {
		[SIM_COST_CALL] = 300, [SIM_COST_REPLY] = 301, [SIM_COST_NULL] = 132,
		[SIM_COST_SIGNAL] = 300, [SIM_COST_CAP_CREATE] = 2746, [SIM_COST_CAP_DELETE] = 523,
		[SIM_COST_MAP] = 1234, [SIM_COST_UNMAP] = 1400, [SIM_COST_FAULT] = 1907, MONITOR_CYCLES,
	},
	.source = {
		[SIM_COST_CALL] = "assumed: a message to the kernel's own core, and its dispatch there",
		[SIM_COST_REPLY] = "assumed: a message back, and its dispatch",
		[SIM_COST_NULL] = "assumed: as on Skylake; not used by operations on capabilities",
		[SIM_COST_SIGNAL] = "assumed: one message",
		[SIM_COST_CAP_CREATE] = "fitted: SemperOS, an exchange in a group takes 3597 cycles",
		[SIM_COST_CAP_DELETE] = "fitted: SemperOS, a revoke in a group takes 1997 cycles",
		[SIM_COST_MAP] = "assumed: as on Skylake; not used by operations on capabilities",
		[SIM_COST_UNMAP] = "assumed: as sel4-skylake; not used by operations on capabilities",
		[SIM_COST_FAULT] = "assumed: as on Skylake; not used by operations on capabilities",
		MONITOR_SOURCE,
	},
};
/* clang-format on */

const struct sim_cost_profile *const sim_cost_profiles[] = {&skylake, &haswell, &tx1, &semperos, NULL};
const char *const sim_cost_profile_names[] = {"sel4-skylake", "sel4-haswell", "sel4-tx1", "semperos", NULL};
_Static_assert(sizeof sim_cost_profiles == sizeof sim_cost_profile_names, "one name a profile");

const struct sim_cost_profile *sim_cost_profile(const char *name)
{
	for (size_t i = 0; sim_cost_profiles[i]; i++)
		if (!strcmp(sim_cost_profiles[i]->name, name))
			return sim_cost_profiles[i];
	return NULL;
}
