/* cli/result.h - the result of a run as a JSON object, and its figures by name.
 *
 * Times are nanoseconds with up to three decimals (a picosecond). Layer: cli. */
#ifndef SKERRY_CLI_RESULT_H
#define SKERRY_CLI_RESULT_H
#include <jansson.h>
#include <stdbool.h>
#include "workloads/run.h"

/* The figures of one operation; times in ps. */
struct result_operation {
	const char *name;
	uint64_t count, p50, p99, max, messages, failures;
	double messages_per_op;
	double share[4]; /* kernel, monitor, wire, waiting: of the time of all of them together */
	double total;    /* cycles */
};
void result_operation(struct result_operation *out, const struct run_result *result, enum flat_op op);
bool result_shows(const struct run_result *result, enum flat_op op); /* it was counted, or is always shown */
extern const char *const result_share_names[4];

/* Returns a new reference. Natively what only virtual time has (digest, windows, virtual_ns, lookahead) is null, and
 * there are also real_ns, host and channels. */
json_t *result_json(const struct scenario *scenario, const struct run_result *result);
/* The same as it is printed and kept: with "runs", a list of the result itself and of `second`, which is taken. NULL:
 * there was one run; `why` then says why there was no second one, if there should have been one, else it is NULL. */
json_t *result_whole(json_t *result, json_t *second, const char *why);

/* ---- natively ---- */

#define RESULT_TEXT 256
/* The load average before the command ran anything; negative: unknown. The first call looks. */
double result_load_average(void);
const char *result_cpu_model(void);                    /* static; NULL: the system does not say */
const char *result_waits(const struct run_host *host); /* "spin", "spin, yield, sleep" */
void result_memory(char out[RESULT_TEXT], const struct run_host *host); /* "bound", "first touch (why)" */
/* Others used the CPUs of a native run: says so in one line. */
bool result_disturbed(char out[RESULT_TEXT], const struct run_result *result);

/* ---- figures ---- */

/* "operations.open.p99", "events", "virtual_ns": a figure of such an object. False: it is not there. An
 * operation that never happened has figures, all of them 0. */
bool result_figure(const json_t *result, const char *name, double *value);

/* The text of a class of pairs (see sim_topology_class()), or NULL if no pair has it. */
const char *result_class_text(const struct sim_topology *topology, uint32_t class_index);

double result_rate(uint64_t count, double seconds); /* a second */

#endif
