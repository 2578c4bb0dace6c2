/* kernelmodel/cost.h - what each unit of a kernel's work costs, in cycles, as data.
 *
 * The kernel says what it did (kernelmodel/work.h); a profile says what that costs. A profile is fitted on some published
 * figures of whole paths and predicts the others: km_cost_paths says which are which, and tests/unit/test_km_cost.c runs each
 * path and compares. Layer: kernelmodel. Immutable data. */
#ifndef SKERRY_KERNELMODEL_COST_H
#define SKERRY_KERNELMODEL_COST_H
#include <stdint.h>
#include "kernelmodel/work.h"

struct km_cost_profile {
	const char *name, *about;
	uint32_t cycles[KM_WORK_KINDS];
	const char *source[KM_WORK_KINDS]; /* "fitted: ...", "assumed: why", or where it is published */
};

extern const char *const km_work_name[KM_WORK_KINDS];  /* "entry", "lookup", ... */
extern const char *const km_work_about[KM_WORK_KINDS]; /* what one unit is */

/* NULL-terminated, static; the first is the default ("sel4-skylake-mcs"). "none" costs nothing. */
extern const struct km_cost_profile *const km_cost_profiles[];
extern const char *const km_cost_profile_names[];
const struct km_cost_profile *km_cost_profile(const char *name); /* NULL if unknown */

#endif
