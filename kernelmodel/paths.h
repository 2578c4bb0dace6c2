/* kernelmodel/paths.h - whole paths through the kernel that somebody has published figures for, done on a kernel, with what
 * they charge: what a cost profile is fitted on, and what it predicts.
 *
 * Thread rule: any; each call makes a kernel of its own. Layer: kernelmodel.
 * Source of the figures: sel4.systems performance page and seL4 benchmarks on an i7-6700 (Skylake), MCS, without mitigation
 * of Meltdown; cycles, means. */
#ifndef SKERRY_KERNELMODEL_PATHS_H
#define SKERRY_KERNELMODEL_PATHS_H
#include "kernelmodel/cost.h"

struct km_path {
	const char *name, *about;
	uint32_t published; /* cycles, for the profile sel4-skylake-mcs */
	int fitted;         /* else predicted */
};
#define KM_PATHS 13
extern const struct km_path km_paths[KM_PATHS];

struct km_path_result {
	uint64_t cycles;
	uint64_t work[KM_WORK_KINDS]; /* units */
};
/* Does every path with the costs `cycles` [KM_WORK_KINDS]. Returns 0, -ENOMEM, or -EIO: a path did not go as it must (a
 * fault of the kernel's). */
int km_paths_measure(const uint32_t *cycles, struct km_path_result out[KM_PATHS]);

#endif
