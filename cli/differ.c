#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "cli/differ.h"
#include "cli/progress.h"
#include "sim/check.h"
#include "ssi/plugin.h"
#include "ssi/protocols/protocols.h"
#include "workloads/run.h"

#define CHUNK 65536

struct tape {
	uint64_t *hash; /* of each chunk, the last one part full */
	uint64_t events, chunks, room;
	struct sim_event *kept; /* [CHUNK] of chunk `keep`, or NULL */
	uint64_t keep;
};

/* Nothing but equality hangs on it: a multiply and a shift for each word. */
static uint64_t mix_event(uint64_t hash, const struct sim_event *event)
{
	uint64_t word[sizeof *event / 8];
	struct sim_event copy = *event;
	copy.link = 0; /* the engine's own */
	memcpy(word, &copy, sizeof word);
	for (size_t i = 0; i < sizeof word / sizeof *word; i++) {
		hash = (hash ^ word[i]) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	return hash;
}

static void on_event(void *context, uint64_t window, const struct sim_event *event)
{
	struct tape *tape = context;
	uint64_t chunk = tape->events / CHUNK, at = tape->events % CHUNK;
	(void)window;
	if (!at) {
		if (tape->chunks == tape->room) {
			tape->room = tape->room ? 2 * tape->room : 256;
			tape->hash = realloc(tape->hash, tape->room * sizeof *tape->hash);
			SIM_CHECK(tape->hash != NULL);
		}
		tape->hash[tape->chunks++] = 1;
	}
	tape->hash[chunk] = mix_event(tape->hash[chunk], event);
	if (tape->kept && chunk == tape->keep) {
		tape->kept[at] = *event;
		tape->kept[at].link = 0;
	}
	tape->events++;
}

static int record(struct scenario *scenario, struct tape *tape, const char *what, uint64_t *digest)
{
	struct progress progress;
	struct scenario_error error = {""};
	struct run_options options = {.tap = on_event,
				      .tap_context = tape,
				      .progress = progress_run,
				      .progress_context = &progress};
	struct run_result result;
	struct run *run;
	scenario->engine = SIM_ENGINE_HEAP;
	tape->events = tape->chunks = 0;
	progress_init(&progress, what, false);
	if (run_new(&run, scenario, &options, &error))
		return cli_fail(CLI_USAGE, "%s", error.text);
	run_go(run, &result);
	progress_end(&progress);
	*digest = result.digest;
	run_free(run);
	return 0;
}

/* The first chunk that differs; false: there is none. */
static bool first_chunk(const struct tape tape[2], uint64_t *chunk)
{
	for (*chunk = 0; *chunk < tape[0].chunks && *chunk < tape[1].chunks; ++*chunk)
		if (tape[0].hash[*chunk] != tape[1].hash[*chunk])
			return true;
	return tape[0].chunks != tape[1].chunks;
}

static uint64_t events_in(const struct tape *tape, uint64_t chunk)
{
	uint64_t before = chunk * CHUNK;
	return tape->events <= before ? 0 : tape->events - before < CHUNK ? tape->events - before : CHUNK;
}

static void first_event(const struct tape tape[2], struct differ_result *out)
{
	uint64_t count[2] = {events_in(&tape[0], tape[0].keep), events_in(&tape[1], tape[1].keep)}, at = 0;
	while (at < count[0] && at < count[1] &&
	       !memcmp(&tape[0].kept[at], &tape[1].kept[at], sizeof *tape[0].kept))
		at++;
	out->found = at < count[0] || at < count[1];
	out->index = tape[0].keep * CHUNK + at;
	for (int i = 0; i < 2 && out->found; i++) {
		out->side[i].ended = at >= count[i];
		if (!out->side[i].ended)
			out->side[i].event = tape[i].kept[at];
	}
}

static int find(struct scenario *const scenario[2], struct tape tape[2], struct differ_result *out)
{
	static const char *const names[2][2] = {{"A again", "B again"}, {"events of A", "events of B"}};
	uint64_t chunk, digest;
	int code = 0;
	for (int i = 0; i < 2; i++)
		if (scenario[i]->engine == SIM_ENGINE_NATIVE)
			return cli_fail(CLI_USAGE,
					"%s is a native run, which no two times is the same; record it with "
					"--engine virtual to find where it differs",
					scenario[i]->file);
	for (int i = 0; i < 2 && !code; i++) {
		code = record(scenario[i], &tape[i], names[0][i], &out->side[i].digest);
		out->side[i].events = tape[i].events;
	}
	if (code || !first_chunk(tape, &chunk))
		return code;
	for (int i = 0; i < 2 && !code; i++) {
		tape[i].keep = chunk;
		tape[i].kept = calloc(CHUNK, sizeof *tape[i].kept);
		SIM_CHECK(tape[i].kept != NULL);
		code = record(scenario[i], &tape[i], names[1][i], &digest);
		if (!code && digest != out->side[i].digest)
			code = cli_fail(CLI_UNREPEATABLE,
					"%s: the same run gave two digests, %016llx and %016llx",
					scenario[i]->file, (unsigned long long)out->side[i].digest,
					(unsigned long long)digest);
	}
	if (!code)
		first_event(tape, out);
	return code;
}

int differ_find(struct scenario *const scenario[2], struct differ_result *out)
{
	struct tape tape[2] = {{0}};
	*out = (struct differ_result){0};
	int code = find(scenario, tape, out);
	for (int i = 0; i < 2; i++) {
		free(tape[i].hash);
		free(tape[i].kept);
	}
	return code;
}

/* ---- names ---- */

/* Numbers that the flat node gives to what an event carries (ssi/flat_internal.h). */
enum { NUMBER_DUE = 254, NUMBER_CLIENT = 255 };

static const struct step_protocol *protocol_of(const struct scenario *scenario, unsigned number)
{
	const struct step_protocol *found = NULL; /* it stays so if a shared object is no longer there */
	char why[PROTOCOL_WHY_BYTES];
	if (number == 2)
		return &file_posix;
	if (number > 2)
		return NULL;
	protocol_open(&found, number ? scenario->memory : scenario->capability,
		      number ? "memory" : "capability", why);
	return found;
}

static struct step_msg message_of(const struct sim_event *event)
{
	struct step_msg message;
	memcpy(&message, event->payload, sizeof message);
	return message;
}

void differ_name_event(char *out, size_t size, const struct scenario *scenario, const struct sim_event *event)
{
	struct step_msg m = message_of(event);
	const struct step_protocol *p = protocol_of(scenario, m.protocol);
	if (m.protocol == NUMBER_CLIENT)
		snprintf(out, size, "a call of client %u", (unsigned)(m.word & 0x7fffffff));
	else if (m.protocol == NUMBER_DUE)
		snprintf(out, size, "event %u of the scenario", (unsigned)m.word);
	else if (p && m.event < p->events)
		snprintf(out, size, "%s %s", p->name, p->event[m.event].name);
	else
		snprintf(out, size, "an event of protocol %u", m.protocol);
}

static int print_ref(char *out, size_t size, const struct step_protocol *p, const char *before, step_ref r)
{
	const char *machine = r.machine == STEP_CLIENT                    ? "client"
			      : r.machine >= 1 && r.machine < p->machines ? p->machine[r.machine].name
									  : NULL;
	if (!machine)
		return 0;
	int length = snprintf(out, size, "%s%s", before, machine);
	if (r.index < STEP_NAMED && length > 0 && (size_t)length < size)
		length += snprintf(out + length, size - (size_t)length, " %u", (unsigned)r.index);
	if (length > 0 && (size_t)length < size)
		length += snprintf(out + length, size - (size_t)length, " of %u", (unsigned)r.node);
	return length > 0 && (size_t)length < size ? length : 0;
}

void differ_describe_event(char *out, size_t size, const struct scenario *scenario,
			   const struct sim_event *event)
{
	struct step_msg m = message_of(event);
	const struct step_protocol *p = protocol_of(scenario, m.protocol);
	*out = 0;
	if (!p)
		return;
	size_t length = (size_t)print_ref(out, size, p, "to ", m.to);
	length += (size_t)print_ref(out + length, size - length, p, length ? ", from " : "from ", m.from);
	print_ref(out + length, size - length, p, length ? ", about " : "about ", m.arg);
}
