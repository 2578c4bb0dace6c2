/* sim/check.h - faults of the model itself, kept in release builds.
 *
 * SIM_CHECK is for what must never happen whatever the user gives; errors of users are messages
 * (sim/config.h). On failure it prints the condition, the place and the line that replays the run,
 * and exits with 70 (internal). Layer: sim. Any thread. */
#ifndef SKERRY_SIM_CHECK_H
#define SKERRY_SIM_CHECK_H

/* What a failing check tells the user to run; borrowed, must outlive the run. NULL: nothing is told. */
void sim_check_set_replay(const char *command);

_Noreturn void sim_check_fail(const char *condition, const char *file, int line);

#define SIM_CHECK(condition)                                                                                 \
	do {                                                                                                 \
		if (__builtin_expect(!(condition), 0))                                                       \
			sim_check_fail(#condition, __FILE__, __LINE__);                                      \
	} while (0)

#endif
