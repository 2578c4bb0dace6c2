/* cli/check_options.h - the bounds of a search on a command line, for every command that searches.
 *
 *     struct check_bounds bounds;
 *     const struct cli_option options[] = {CHECK_OPTIONS(&bounds), ...};
 *
 * Layer: cli. */
#ifndef SKERRY_CLI_CHECK_OPTIONS_H
#define SKERRY_CLI_CHECK_OPTIONS_H
#include "cli/options.h"
#include "ssi/checker/checker.h"

struct check_bounds {
	uint64_t kernels, objects, capabilities, flight, clients, parks, crash, threads, budget_ps, memory;
	bool lossy, reorder, no_symmetry, no_local_errors, no_quiescence;
	struct option_list slots;
};

/* clang-format off */
#define CHECK_OPTIONS(b) \
	{"kernels", OPTION_POSITIVE, &(b)->kernels, "N", "kernels; default, as of all bounds: the protocol's model", \
	 SIM_UNIT_NONE, NULL}, \
	{"objects", OPTION_POSITIVE, &(b)->objects, "N", "objects that exist", SIM_UNIT_NONE, NULL}, \
	{"capabilities", OPTION_POSITIVE, &(b)->capabilities, "N", "capabilities to an object, at most", \
	 SIM_UNIT_NONE, NULL}, \
	{"in-flight", OPTION_POSITIVE, &(b)->flight, "N", "client calls under way at a time", SIM_UNIT_NONE, NULL}, \
	{"clients", OPTION_POSITIVE, &(b)->clients, "N", "clients of each kernel, 1 or 2, with one call each", \
	 SIM_UNIT_NONE, NULL}, \
	{"slots", OPTION_EACH, &(b)->slots, "MACHINE=N", "slots of a machine on each kernel; may be repeated", 0, NULL}, \
	{"parks", OPTION_POSITIVE, &(b)->parks, "N", "messages that a kernel can park", SIM_UNIT_NONE, NULL}, \
	{"lossy", OPTION_FLAG, &(b)->lossy, NULL, "any message may be lost", 0, NULL}, \
	{"reorder", OPTION_FLAG, &(b)->reorder, NULL, "messages of a pair may overtake each other", 0, NULL}, \
	{"crash", OPTION_POSITIVE, &(b)->crash, "N", "up to N kernels may stop: reports and judges nothing", \
	 SIM_UNIT_NONE, NULL}, \
	{"no-symmetry", OPTION_FLAG, &(b)->no_symmetry, NULL, "tell apart what only differs in number", 0, NULL}, \
	{"no-local-errors", OPTION_FLAG, &(b)->no_local_errors, NULL, "the local kernel never fails", 0, NULL}, \
	{"no-quiescence", OPTION_FLAG, &(b)->no_quiescence, NULL, \
	 "do not look whether rest can be reached from everywhere", 0, NULL}, \
	{"threads", OPTION_POSITIVE, &(b)->threads, "N", "threads; default: all CPUs", SIM_UNIT_NONE, NULL}, \
	{"budget", OPTION_POSITIVE, &(b)->budget_ps, "T", "stop after this time, e.g. \"60 s\": exit 3", \
	 SIM_UNIT_DURATION, NULL}, \
	{"memory", OPTION_POSITIVE, &(b)->memory, "BYTES", "stop at this much memory, e.g. \"2 GiB\": exit 3", \
	 SIM_UNIT_BYTES, NULL}
/* clang-format on */

/* The options of a search of this protocol. Returns 0, or an exit code after a message. */
int check_options_of(struct checker_options *out, const struct check_bounds *bounds,
		     const struct step_protocol *protocol);

/* The number of a promise. Returns 0, or an exit code after a message. */
int check_options_promise(uint32_t *number, const struct step_protocol *protocol, const char *name);

/* That the number of an option is 0 (not given) or up to `most`. Returns 0, or an exit code after a message. */
int check_options_in_range(const char *option, uint64_t value, uint64_t most);

#endif
