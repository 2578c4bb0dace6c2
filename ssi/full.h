/* ssi/full.h - fidelity "full": a cluster's monitor and clients as user programs on a kernel of their own.
 *
 * A flat machine (ssi/flat.h) whose clusters have kernels (kernelmodel/) and cores (kernelmodel/core/). The monitor is the
 * root task of its kernel, an ordinary program over <sel4/sel4.h> (ssi/monitor.c): it receives its clients' calls at an
 * endpoint, and messages of other clusters from an inbox whose doorbell is an interrupt, bound to the same receive. What a
 * step of a protocol asks of the kernel are invocations: a representative is a badged endpoint capability, a revoke is
 * a CNode_Revoke, a page that comes or goes is mapped or unmapped. What they cost is what the kernel says.
 *
 * A message is handled to its end before the next: while it is, the monitor's core takes no interrupt, as a flat monitor
 * does (core_hold()).
 *
 * Thread rule: as the machine's. Layer: ssi, private. */
#ifndef SKERRY_SSI_FULL_H
#define SKERRY_SSI_FULL_H
#include "ssi/flat_internal.h"

/* Makes the kernels of all clusters. Returns 0, -EINVAL or -ENOMEM. */
int full_new(struct flat_machine *machine);
void full_free(struct flat_machine *machine);

/* An event of the engine: into the inbox, and the cluster runs until it has to wait. */
void full_handle(struct flat_machine *machine, struct flat_cluster *cluster, const struct flat_frame *frame,
		 const struct sim_event *event);

/* ---- from the monitor's steps ---- */

/* Sees each cell: what it does to a representative happens in the kernel before its action runs. */
void full_cell(struct step_node *n, step_ref at, unsigned state, unsigned next);
/* A local call of the capability protocol (enum capability_local): makes the representative. False: the kernel has no
 * room. */
bool full_install(struct step_node *n, step_ref self, uint32_t call, step_ref arg);
/* A page comes to the machine whose cell runs, or leaves it. */
void full_map(struct step_node *n);
void full_unmap(struct step_node *n);
/* A client's call is over: it is answered when the step has ended. */
void full_done(struct flat_cluster *cluster, struct step_node *n, uint32_t client);
/* The client gets an ordinary capability for the representative that `handle` names, which was copied here from `source`
 * (machine 0: it was not), and loses it again. False: its CSpace, or the kernel's memory, is full. */
bool full_hand_over(struct flat_cluster *cluster, uint32_t client, struct flat_handle *handle,
		    step_ref source);
/* A client that is a program gets what another client sent or offered. False: it is the driver's. */
bool monitor_program_receives(struct flat_cluster *cluster, uint32_t client, const struct flat_handle *handle,
			      uint32_t from_cluster, uint32_t from_client);
/* An operation of endpoint/relay begins; and a call of it ends, with what came, which goes when this returns. */
void monitor_letter_cell(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
			 unsigned next);
void monitor_letter_done(struct flat_cluster *cluster, uint32_t client, uint32_t result, step_ref arg,
			 const struct flat_letter *letter);
void full_take_back(struct flat_cluster *cluster, struct flat_handle *handle);

/* The same into this slot, if that is free; and whether it is there. */
bool full_hand_over_at(struct flat_cluster *cluster, uint32_t client, struct flat_handle *handle,
		       uint32_t slot);
bool full_is_held(const struct flat_cluster *cluster, const struct flat_handle *handle);

/* ---- threads that move: monitor_thread.c, for flat_thread.c ---- */

/* A client that is stopped: its registers are read. */
void full_thread_stopped(struct flat_cluster *cluster, uint32_t client);
/* It has left, or is no more. */
void full_thread_left(struct flat_cluster *cluster, uint32_t client);
/* What it holds, as next() lists it, comes into its CSpace, in the slots that it had. False: nothing does. */
bool full_thread_furnish(struct flat_cluster *cluster, uint32_t client,
			 struct flat_handle *(*next)(void *, uint32_t), void *context);
/* What was in its CSpace has gone to another kernel; the handle keeps the slot's number. */
void full_thread_gave(struct flat_cluster *cluster, struct flat_handle *handle);
/* It runs here: asks its driver, begins the call of its record, or has just ended it. */
enum full_comes { FULL_COMES_NOT, FULL_COMES_ASKING, FULL_COMES_CALLING, FULL_COMES_ENDED };
void full_thread_goes(struct flat_cluster *cluster, uint32_t client, enum full_comes comes,
		      uint32_t from_cluster, uint32_t from_client);

/* Representatives and objects that the kernels of a machine have now. */
uint64_t full_live(const struct flat_machine *machine);
/* What all kernels of a machine did. */
void full_stats(const struct flat_machine *machine, struct flat_kernel_stats *out);
/* The invariants of every kernel, and that what it holds is what the protocols say. Linear in all slots. */
void full_check(const struct flat_machine *machine, struct flat_check *check);

#endif
