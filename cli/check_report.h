/* cli/check_report.h - what `skerry check` found, as text and as JSON. Layer: cli. */
#ifndef SKERRY_CLI_CHECK_REPORT_H
#define SKERRY_CLI_CHECK_REPORT_H
#include "cli/counterexample.h"
#include "ssi/checker/checker.h"
#include "ssi/checker/walk.h"

#define CHECK_SEARCHES_MAX 41
#define CHECK_CELLS_BYTES  16384 /* of a list of cells */

/* One search: the main one judges all that is kept and needs no world of its own, the others one promise each. */
struct check_search {
	const struct step_promise *promise; /* NULL: the main search, or another configuration */
	const struct step_also
		*also; /* another configuration, of the protocol's model; judged as the main one */
	const struct step_model *model; /* of the protocol */
	bool skipped;                   /* there was no time left */
	struct checker_options options;
	struct checker_result result;
	struct counterexample found; /* VIOLATED */
	bool other; /* it looked for a promise that is not kept, and met something else that is wrong */
};

struct check_report {
	const struct step_protocol *protocol;
	const struct checker_options *options;
	uint32_t searches;
	struct check_search search[CHECK_SEARCHES_MAX];
	const struct walk_result *walk; /* instead of searches */
	struct counterexample walk_found;
	uint64_t walk_seed;
	const char *folder; /* where the counter-examples are, or NULL */
};

/* The cells that none of the searches visited, and that the model does not declare as unreached: as a list, cut off at
 * `size`. Returns how many. */
uint32_t check_cells_missed(const struct check_report *report, char *out, size_t size);

/* What a search means: an exit code. */
int check_search_code(const struct check_search *s);
int check_report_code(const struct check_report *report);
void check_report_print(const struct check_report *report);
void check_report_json(const struct check_report *report);
/* The file of a search's counter-example, without extension. */
const char *check_search_name(char out[64], const struct check_search *s);

#endif
