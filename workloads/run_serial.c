/* workloads/run_serial.c - one system call at a time: what is sent then depends on no duration, so runs of different
 * fidelity can be compared message by message.
 *
 * A turn goes round the clients in a fixed order. A client whose turn it is begins one call, if it can; the machine then
 * runs until nothing is under way, and the next client has its turn. */
#include "sim/check.h"
#include "workloads/run_internal.h"

int run_serial_check(const struct scenario *s, struct scenario_error *error)
{
	if (s->order != SCENARIO_SERIAL)
		return 0;
	if (s->engine == SIM_ENGINE_NATIVE)
		return scenario_complain(
			s, error, "order", "serial",
			"a turn is over when nothing is under way, which only virtual time knows; choose "
			"engine window or heap");
	if (s->events_count)
		return scenario_complain(
			s, error, "order", "serial",
			"events happen at times, and a serial run has no times that mean anything; "
			"remove \"events\"");
	return 0;
}

bool run_turn_take(struct run *run, uint32_t cluster, uint32_t client)
{
	const bool mine = run->turn == ((uint64_t)cluster << 32 | client);
	if (mine)
		run->turn = RUN_NOBODY;
	return mine;
}

/* True: the client got on: a call, or a wait of the recording that is over. */
static bool give_turn(struct run *run, uint32_t cluster, uint32_t client)
{
	_Atomic uint64_t *done = &run_group_of(run, cluster, client)->tally.done;
	const uint64_t before = atomic_load(done);
	run->began = false;
	run->turn = (uint64_t)cluster << 32 | client;
	flat_client_turn(run->machine, cluster, client);
	const enum sim_engine_end end = flat_run(run->machine, SIM_PS_NEVER);
	run->stopped = end == SIM_ENGINE_STOPPED;
	return run->began || atomic_load(done) != before;
}

static bool give_round(struct run *run)
{
	bool moved = false;
	for (uint32_t c = 0; c < run->scenario->topology.clusters; c++)
		for (uint32_t k = 0; k < run->clients[c] && !run->stopped; k++)
			moved |= give_turn(run, c, k);
	return moved;
}

enum run_end run_serially(struct run *run, struct run_result *result)
{
	const double begin = run_wall_now();
	bool in_time = true;
	run->turn = RUN_NOBODY;
	while (in_time && give_round(run))
		in_time = run->options.seconds_max <= 0 || run_wall_now() - begin < run->options.seconds_max;
	result->wall_seconds = run_wall_now() - begin;
	if (run->stopped)
		return RUN_FAULT;
	if (!in_time)
		return RUN_TIMEOUT;
	return run->running ? RUN_STUCK : RUN_ENDED;
}
