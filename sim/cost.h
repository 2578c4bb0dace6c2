/* sim/cost.h - what each operation of a kernel and of its monitor takes, in cycles, as data.
 *
 * The kernel says what work it did; the profile says what it costs. Each figure names its source; what is
 * assumed and not measured says so. Layer: sim. Immutable data. */
#ifndef SKERRY_SIM_COST_H
#define SKERRY_SIM_COST_H
#include <stdint.h>

enum sim_cost_kind {
	SIM_COST_CALL,       /* client's IPC call into its monitor */
	SIM_COST_REPLY,      /* the monitor's reply and next receive */
	SIM_COST_NULL,       /* a system call that never leaves the client's own kernel */
	SIM_COST_SIGNAL,     /* notification: the doorbell */
	SIM_COST_CAP_CREATE, /* materialise a representative: retype or mint into a client's CSpace */
	SIM_COST_CAP_DELETE, /* delete it */
	SIM_COST_MAP,        /* map one page into a client */
	SIM_COST_UNMAP,      /* unmap one page and invalidate its TLB entry */
	SIM_COST_FAULT,      /* fault round trip */
	SIM_COST_STEP,       /* one cell of a protocol table in the monitor */
	SIM_COST_TRANSLATE,  /* global id -> local slot */
	SIM_COST_NAME,       /* one component of a path looked up by the file service */
	SIM_COST_COPY_KIB,   /* copying 1 KiB between a client and the page cache */
	SIM_COST_CLIENT, /* the client's own code between two calls, where it shares the monitor's core; else 0 */
	SIM_COST_KINDS
};

struct sim_cost_profile {
	const char *name, *about;
	uint64_t cycles[SIM_COST_KINDS];
	const char *source[SIM_COST_KINDS]; /* where the figure is from, or "assumed: why" */
};

extern const char *const sim_cost_name[SIM_COST_KINDS]; /* keys in scenarios: "call", "cap_create", ... */

/* NULL-terminated, static; the first is the default ("sel4-skylake"). */
extern const struct sim_cost_profile *const sim_cost_profiles[];
extern const char *const sim_cost_profile_names[];                 /* in the same order, NULL-terminated */
const struct sim_cost_profile *sim_cost_profile(const char *name); /* NULL if unknown */

#endif
