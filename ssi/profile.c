/* ssi/profile.c - see profile.h. */
#include "ssi/profile.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "sim/ticks.h"

/* One event in so many is counted by hardware counters; more rarely where a reading is a system call. */
#define EVERY_RDPMC 16
#define EVERY_READ  256

#define CALIBRATION_ROUNDS   9
#define CALIBRATION_SWITCHES 512

const char *const flat_cause_name[FLAT_CAUSES] = {
	[FLAT_CAUSE_NONE] = "none",
	[FLAT_CAUSE_UNTIMED] = "untimed",
	[FLAT_CAUSE_IDLE] = "idle",
	[FLAT_CAUSE_ENGINE] = "engine",
	[FLAT_CAUSE_RECEIVE] = "receive",
	[FLAT_CAUSE_SEND] = "send",
	[FLAT_CAUSE_DATA] = "data",
	[FLAT_CAUSE_MONITOR] = "monitor",
	[FLAT_CAUSE_TRANSLATE] = "translate",
	[FLAT_CAUSE_NAMES] = "names",
	[FLAT_CAUSE_CAPABILITY] = "capability",
	[FLAT_CAUSE_COPY] = "copy",
	[FLAT_CAUSE_CALL] = "call",
	[FLAT_CAUSE_REPLY] = "reply",
	[FLAT_CAUSE_CLIENT] = "client",
};

const char *const flat_cause_about[FLAT_CAUSES] = {
	[FLAT_CAUSE_NONE] = "",
	[FLAT_CAUSE_UNTIMED] = "events that were not profiled",
	[FLAT_CAUSE_IDLE] = "polls that find nothing, sleep",
	[FLAT_CAUSE_ENGINE] = "polls that find something, timers",
	[FLAT_CAUSE_RECEIVE] = "taking a message, finding its cell",
	[FLAT_CAUSE_SEND] = "a place in a ring or line",
	[FLAT_CAUSE_DATA] = "bytes of pages between clusters",
	[FLAT_CAUSE_MONITOR] = "the next step, pages of a call",
	[FLAT_CAUSE_TRANSLATE] = "from a global name to a slot",
	[FLAT_CAUSE_NAMES] = "paths, at the file service",
	[FLAT_CAUSE_CAPABILITY] = "calls into the local kernel",
	[FLAT_CAUSE_COPY] = "bytes of calls: page cache, pipes",
	[FLAT_CAUSE_CALL] = "starting a client's call",
	[FLAT_CAUSE_REPLY] = "ending a client's call",
	[FLAT_CAUSE_CLIENT] = "the replay, and its checks",
};

struct flat_profile {
	/* what a switch touches */
	struct flat_profile_row *row; /* [rows]: the causes, then the cells */
	uint64_t since;
	unsigned current;
	bool sampling, timing;                                    /* counters are read; the event is timed */
	uint32_t base[FLAT_PROFILE_PROTOCOLS][STEP_MACHINES_MAX]; /* where the cells of a machine begin */
	uint32_t events[FLAT_PROFILE_PROTOCOLS];
	uint64_t last[SIM_COUNTERS_MAX]; /* counters at the last switch */
	uint32_t pass, timed;    /* events that are not profiled before the next one that is; that are */
	uint64_t whole;          /* ticks from begin to end */
	uint64_t sampling_ticks; /* of them: reading counters */
	uint64_t charges[SIM_COST_KINDS];
	struct sim_counters counters;
	uint64_t reading[SIM_COUNTERS_MAX]; /* what one reading adds to the counters */
	uint32_t every;                     /* one event in so many is profiled */
	uint32_t counters_every;            /* profiled events */
	bool counted;                       /* the counters could be opened */
	uint32_t rows;
	uint64_t begun, switch_ticks_1024;
	const struct step_protocol *protocol[FLAT_PROFILE_PROTOCOLS];
} __attribute__((aligned(128)));

/* ---- switches ---- */

/* Reads the counters and gives what they counted since the last switch to the row that was current. */
static void sample(struct flat_profile *p, struct flat_profile_row *row)
{
	uint64_t value[SIM_COUNTERS_MAX];
	sim_counters_read(&p->counters, value);
	for (unsigned i = 0; i < SIM_COUNTERS_MAX; i++) {
		const uint64_t counted = value[i] - p->last[i];
		row->counter[i] += counted > p->reading[i] ? counted - p->reading[i] : 0;
		p->last[i] = value[i];
	}
	const uint64_t now = sim_ticks();
	p->sampling_ticks += now - p->since;
	p->since = now;
}

static inline void switch_to(struct flat_profile *p, unsigned cause)
{
	const uint64_t now = sim_ticks();
	struct flat_profile_row *row = &p->row[p->current];
	row->ticks += now - p->since;
	row->pieces++;
	p->since = now;
	p->current = cause;
	if (__builtin_expect(p->sampling, 0))
		sample(p, row);
}

unsigned flat_profile_enter(struct flat_profile *p, unsigned cause)
{
	const unsigned before = p->current;
	if (__builtin_expect(before == FLAT_CAUSE_NONE, 0)) /* the thread's time has not begun, or is over */
		return before;
	if (cause != before)
		switch_to(p, cause);
	p->row[cause].count++;
	p->row[cause].sampled += p->sampling;
	return before;
}

void flat_profile_leave(struct flat_profile *p, unsigned cause)
{
	if (cause != p->current)
		switch_to(p, cause);
}

unsigned flat_profile_current(const struct flat_profile *p) { return p->current; }
bool flat_profile_is_timing(const struct flat_profile *p) { return p->timing; }

uint64_t flat_profile_now(const struct flat_profile *p)
{
	return p->current != FLAT_CAUSE_NONE ? p->since : sim_ticks();
}

void flat_profile_cell_entered(struct flat_profile *p, unsigned number, unsigned machine, unsigned state,
			       unsigned event)
{
	flat_profile_enter(p, p->base[number][machine] + state * p->events[number] + event);
}

unsigned flat_profile_event_begin(struct flat_profile *p, unsigned cause)
{
	const unsigned before = p->current;
	if (before == FLAT_CAUSE_NONE)
		return before;
	if (p->pass) { /* what is between two of these is theirs as well: no clock is read */
		if (before != FLAT_CAUSE_UNTIMED)
			switch_to(p, FLAT_CAUSE_UNTIMED);
		p->pass--;
		p->row[FLAT_CAUSE_UNTIMED].count++;
		p->timing = false;
		return FLAT_CAUSE_UNTIMED;
	}
	p->pass = p->every - 1;
	if (__builtin_expect(p->counters.count && ++p->timed == p->counters_every, 0)) {
		p->timed = 0;
		sim_counters_read(&p->counters, p->last);
		p->sampling = true;
	}
	return flat_profile_enter(p, cause);
}

/* The last step of a profiled event has just ended with a switch: what little followed is the engine's. */
void flat_profile_event_end(struct flat_profile *p, unsigned cause)
{
	if (p->current == FLAT_CAUSE_NONE)
		return;
	if (p->sampling)
		switch_to(p, cause);
	p->current = cause;
	p->sampling = false;
	p->timing = true;
}

void flat_profile_become(struct flat_profile *p, unsigned cause)
{
	if (p->current == FLAT_CAUSE_NONE)
		return;
	p->current = cause;
	p->row[cause].count++;
	p->row[cause].sampled += p->sampling;
}

void flat_profile_charge(struct flat_profile *p, enum sim_cost_kind kind, uint64_t units)
{
	p->charges[kind] += units;
}

/* ---- a thread's time ---- */

/* What a reading itself adds: the least of some in a row. */
static void calibrate_reading(struct flat_profile *p)
{
	uint64_t before[SIM_COUNTERS_MAX], after[SIM_COUNTERS_MAX];
	for (unsigned i = 0; i < SIM_COUNTERS_MAX; i++)
		p->reading[i] = UINT64_MAX;
	for (int round = 0; round < CALIBRATION_ROUNDS; round++) {
		sim_counters_read(&p->counters, before);
		sim_counters_read(&p->counters, after);
		for (unsigned i = 0; i < SIM_COUNTERS_MAX; i++)
			if (after[i] - before[i] < p->reading[i])
				p->reading[i] = after[i] - before[i];
	}
}

static const enum sim_counter wanted[SIM_COUNTERS_MAX] = {SIM_COUNTER_CYCLES, SIM_COUNTER_INSTRUCTIONS,
							  SIM_COUNTER_CACHE_MISSES};

void flat_profile_begin(struct flat_profile *p, enum flat_cause cause)
{
	p->counted = !sim_counters_open(&p->counters, wanted, SIM_COUNTERS_MAX);
	if (p->counted) {
		p->counters_every = p->counters.rdpmc ? EVERY_RDPMC : EVERY_READ;
		calibrate_reading(p);
	}
	p->begun = p->since = sim_ticks();
	p->current = cause;
	p->timing = true;
	p->row[cause].count++;
}

void flat_profile_end(struct flat_profile *p)
{
	if (p->current == FLAT_CAUSE_NONE)
		return;
	p->sampling = false;
	switch_to(p, FLAT_CAUSE_NONE);
	p->timing = false;
	p->whole += p->since - p->begun;
	sim_counters_close(&p->counters);
}

/* ---- making ---- */

static uint64_t calibrate_once(struct flat_profile *p)
{
	const uint64_t begin = sim_ticks();
	for (unsigned i = 0; i < CALIBRATION_SWITCHES / 2; i++)
		flat_profile_leave(p, flat_profile_enter(p, FLAT_CAUSE_ENGINE));
	return (sim_ticks() - begin) * 1024 / CALIBRATION_SWITCHES;
}

/* What a switch takes where it is not disturbed: the least of some rounds. */
static void calibrate(struct flat_profile *p)
{
	uint64_t least = UINT64_MAX;
	sim_ticks_open();
	p->current = FLAT_CAUSE_MONITOR;
	for (int round = 0; round < CALIBRATION_ROUNDS; round++) {
		const uint64_t once = calibrate_once(p);
		least = once < least ? once : least;
	}
	p->switch_ticks_1024 = least;
	memset(p->row, 0, FLAT_CAUSES * sizeof *p->row);
	p->current = FLAT_CAUSE_NONE;
}

struct flat_profile *flat_profile_new(const struct step_protocol *const protocol[FLAT_PROFILE_PROTOCOLS],
				      uint32_t every)
{
	struct flat_profile *p = aligned_alloc(128, sizeof *p);
	if (!p)
		return NULL;
	*p = (struct flat_profile){.rows = FLAT_CAUSES, .every = every, .counters_every = EVERY_RDPMC};
	for (unsigned i = 0; i < FLAT_PROFILE_PROTOCOLS; i++) {
		p->protocol[i] = protocol[i];
		p->events[i] = protocol[i]->events;
		for (unsigned m = 1; m < protocol[i]->machines; m++) {
			p->base[i][m] = p->rows;
			p->rows += (protocol[i]->machine[m].states + 1) * protocol[i]->events;
		}
	}
	p->row = aligned_alloc(64, p->rows * sizeof *p->row);
	if (!p->row) {
		free(p);
		return NULL;
	}
	memset(p->row, 0, p->rows * sizeof *p->row);
	calibrate(p);
	return p;
}

void flat_profile_free(struct flat_profile *p)
{
	if (!p)
		return;
	sim_counters_close(&p->counters);
	free(p->row);
	free(p);
}

/* ---- at rest ---- */

/* Adds a row of one thread without what its switches took; returns that. */
static uint64_t row_add(struct flat_profile_row *into, const struct flat_profile_row *row,
			uint64_t switch_ticks_1024)
{
	const uint64_t cost = (row->pieces * switch_ticks_1024 + 512) / 1024;
	const uint64_t overhead = cost < row->ticks ? cost : row->ticks;
	into->count += row->count;
	into->ticks += row->ticks - overhead;
	into->pieces += row->pieces;
	into->sampled += row->sampled;
	for (unsigned i = 0; i < SIM_COUNTERS_MAX; i++)
		into->counter[i] += row->counter[i];
	return overhead;
}

static void profile_add(struct flat_profile_report *out, const struct flat_profile *p)
{
	out->ticks += p->whole;
	out->overhead += p->sampling_ticks;
	for (uint32_t i = FLAT_CAUSE_NONE + 1; i < p->rows; i++) {
		struct flat_profile_row *into = i < FLAT_CAUSES ? &out->cause[i] : &out->row[i - FLAT_CAUSES];
		out->overhead += row_add(into, &p->row[i], p->switch_ticks_1024);
		out->switches += p->row[i].pieces;
	}
	for (unsigned k = 0; k < SIM_COST_KINDS; k++)
		out->charges[k] += p->charges[k];
	if (p->counted) {
		out->counters = SIM_COUNTERS_MAX;
		memcpy(out->counter, wanted, sizeof wanted);
		out->counters_rdpmc = p->counters.rdpmc;
		out->counters_every = p->counters_every;
	} else if (!out->why_not[0]) {
		memcpy(out->why_not, p->counters.why, sizeof out->why_not);
	}
}

static void cells_of_machine(struct flat_profile_report *out, const struct flat_profile *p, unsigned number,
			     unsigned machine)
{
	const struct step_protocol *protocol = p->protocol[number];
	for (unsigned s = 0; s <= protocol->machine[machine].states; s++)
		for (unsigned e = 0; e < protocol->events; e++) {
			const uint32_t at = p->base[number][machine] + s * protocol->events + e - FLAT_CAUSES;
			if (!out->row[at].count)
				continue;
			out->charges[SIM_COST_STEP] += out->row[at].count;
			out->cell[out->cells++] = (struct flat_profile_cell){.protocol = protocol,
									     .machine = machine,
									     .state = s,
									     .event = e,
									     .row = &out->row[at]};
		}
}

/* Most time first; of equals, as they stand in the tables. */
static int by_ticks(const void *a, const void *b)
{
	const struct flat_profile_row *x = ((const struct flat_profile_cell *)a)->row;
	const struct flat_profile_row *y = ((const struct flat_profile_cell *)b)->row;
	if (x->ticks != y->ticks)
		return x->ticks < y->ticks ? 1 : -1;
	return x < y ? -1 : x > y;
}

int flat_profile_sum(struct flat_profile *const *profile, uint32_t count, struct flat_profile_report *out)
{
	*out = (struct flat_profile_report){.threads = count};
	if (!count)
		return -EINVAL;
	out->every = profile[0]->every;
	const struct flat_profile *first = profile[0];
	const uint32_t cells = first->rows - FLAT_CAUSES;
	out->row = aligned_alloc(64, (size_t)cells * sizeof *out->row);
	out->cell = calloc(cells, sizeof *out->cell);
	if (!out->row || !out->cell) {
		flat_profile_report_fini(out);
		return -ENOMEM;
	}
	memset(out->row, 0, cells * sizeof *out->row);
	for (uint32_t i = 0; i < count; i++) {
		profile_add(out, profile[i]);
		out->switch_ticks_1024 += profile[i]->switch_ticks_1024 / count;
	}
	for (unsigned i = 0; i < FLAT_PROFILE_PROTOCOLS; i++)
		for (unsigned m = 1; m < first->protocol[i]->machines; m++)
			cells_of_machine(out, first, i, m);
	qsort(out->cell, out->cells, sizeof *out->cell, by_ticks);
	return 0;
}

void flat_profile_report_fini(struct flat_profile_report *report)
{
	free(report->row);
	free(report->cell);
	*report = (struct flat_profile_report){0};
}
