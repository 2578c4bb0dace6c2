/* ssi/profile.h - where the threads of a flat machine spend their time: by cell of the tables, and by part of the host.
 *
 * Attribution without a stack. A thread is always at one *cause*: flat_enter() makes another one the current and
 * returns the one before, flat_leave() goes back to it. The ticks between two such switches belong to the cause that was
 * current, so each tick belongs to exactly one cause, and all of them together are the thread's time. A cell is entered
 * when it is known (the taps of the step interpreter); what finds it is part of the cause that delivered the message.
 * Whatever the host does for a cell has a cause of its own; the cell's own time is the rest.
 *
 * What the switches themselves take is measured when the machine is made and is taken off each cause, once for each
 * stretch of time that it got.
 *
 * Reading the clock so often costs more than a tenth where a thread never idles. One event in so many may be profiled
 * instead of all. The others, with the polling between them, are the cause `untimed`; nothing of them is counted.
 *
 * Every so many profiled events, hardware counters are read at each switch as well (sim/counters.h), where the host has them.
 *
 * The same in virtual time, for the one thread of the engine: its ticks are wall time, and `engine` is the engine.
 *
 * Off by default: then a pointer is NULL, and a switch is one branch.
 *
 * Thread rule: a profile belongs to the thread of its shard while it runs; reports are made at rest. Layer: ssi. */
#ifndef SKERRY_SSI_PROFILE_H
#define SKERRY_SSI_PROFILE_H
#include <skerry/protocol.h>
#include "sim/cost.h"
#include "sim/counters.h"

enum flat_cause {
	FLAT_CAUSE_NONE,    /* before the thread begins and after it ends; not reported */
	FLAT_CAUSE_UNTIMED, /* events that were not profiled */
	FLAT_CAUSE_IDLE,    /* nothing to do: polls that find nothing, sleep */
	FLAT_CAUSE_ENGINE, /* polling that finds something, timers, outboxes; in virtual time, the event queue */
	FLAT_CAUSE_RECEIVE, /* a message: taken, counted, its cell found */
	FLAT_CAUSE_SEND,    /* a message: a place in a ring or line, counted */
	FLAT_CAUSE_DATA,    /* bytes of pages between clusters, and their first content */
	FLAT_CAUSE_MONITOR, /* choosing the next step; the way over the pages of a call; local calls of file/posix */
	FLAT_CAUSE_TRANSLATE,  /* from a global name to a slot: find, bind, unbind */
	FLAT_CAUSE_NAMES,      /* the file service: paths */
	FLAT_CAUSE_CAPABILITY, /* local calls of capability/tree into the kernel */
	FLAT_CAUSE_COPY,   /* a client's bytes, made or compared, and attributes, in the page cache; pipes */
	FLAT_CAUSE_CALL,   /* starting a client's call */
	FLAT_CAUSE_REPLY,  /* ending it */
	FLAT_CAUSE_CLIENT, /* the driver: the next call, its result checked */
	FLAT_CAUSES
};
extern const char *const flat_cause_name[FLAT_CAUSES];
extern const char *const flat_cause_about[FLAT_CAUSES];

struct flat_machine;
struct flat_profile;

struct flat_profile_row {
	uint64_t count;  /* how often it was entered */
	uint64_t ticks;  /* in a report without what the profiling itself took */
	uint64_t pieces; /* stretches of time that it got */
	uint64_t unused;
	uint64_t sampled,
		counter[SIM_COUNTERS_MAX]; /* entered while counters were read, and what they counted */
};
_Static_assert(sizeof(struct flat_profile_row) == 64, "a row is a cache line");

/* ---- for the flat machine ---- */

#define FLAT_PROFILE_PROTOCOLS 3

/* protocol[]: of the machine's nodes, static. One event in `every` is profiled; 1: all. Measures what a switch takes (some
 * ten us). NULL: no memory. */
struct flat_profile *flat_profile_new(const struct step_protocol *const protocol[FLAT_PROFILE_PROTOCOLS],
				      uint32_t every);
void flat_profile_free(struct flat_profile *profile); /* takes NULL */

/* The thread's time begins and ends, on that thread. May begin again. */
void flat_profile_begin(struct flat_profile *profile, enum flat_cause cause);
void flat_profile_end(struct flat_profile *profile);

unsigned flat_profile_enter(struct flat_profile *profile, unsigned cause);
void flat_profile_leave(struct flat_profile *profile, unsigned cause);
void flat_profile_become(struct flat_profile *profile, unsigned cause);
bool flat_profile_is_timing(
	const struct flat_profile *profile); /* the event that was entered last is profiled */
unsigned flat_profile_current(const struct flat_profile *profile);
/* Now, in ticks: the last switch, so that who profiles reads the counter once and not twice. A machine switches causes
 * where it reads its clock, so it is late by what lies between the two. */
uint64_t flat_profile_now(const struct flat_profile *profile);
void flat_profile_cell_entered(struct flat_profile *profile, unsigned number, unsigned machine,
			       unsigned state, unsigned event);
unsigned flat_profile_event_begin(struct flat_profile *profile, unsigned cause);
void flat_profile_event_end(struct flat_profile *profile, unsigned cause);
void flat_profile_charge(struct flat_profile *profile, enum sim_cost_kind kind, uint64_t units);

/* All that follows takes NULL: no profile. */

/* Time now goes to `cause`; returns where it went, for flat_leave(). */
static inline unsigned flat_enter(struct flat_profile *p, unsigned cause)
{
	return __builtin_expect(p != NULL, 0) ? flat_profile_enter(p, cause) : FLAT_CAUSE_NONE;
}
static inline void flat_leave(struct flat_profile *p, unsigned cause)
{
	if (__builtin_expect(p != NULL, 0))
		flat_profile_leave(p, cause);
}
/* As flat_enter(), right after another switch: what passed since then goes to `cause` too, so no clock is read. */
static inline void flat_become(struct flat_profile *p, unsigned cause)
{
	if (__builtin_expect(p != NULL, 0))
		flat_profile_become(p, cause);
}
/* Where time goes now: for flat_leave() after a step, whose cells enter without leaving. */
static inline unsigned flat_cause_now(const struct flat_profile *p)
{
	return __builtin_expect(p != NULL, 0) ? flat_profile_current(p) : FLAT_CAUSE_NONE;
}
/* Around all that one event of the engine causes: whether it is profiled, and counters are read, is decided here. */
static inline unsigned flat_enter_event(struct flat_profile *p, unsigned cause)
{
	return __builtin_expect(p != NULL, 0) ? flat_profile_event_begin(p, cause) : FLAT_CAUSE_NONE;
}
static inline void flat_leave_event(struct flat_profile *p, unsigned cause)
{
	if (__builtin_expect(p != NULL, 0))
		flat_profile_event_end(p, cause);
}
/* Virtual time would charge this cost so many times. COPY_KIB: in bytes. */
static inline void flat_charged(struct flat_profile *p, enum sim_cost_kind kind, uint64_t units)
{
	if (__builtin_expect(p != NULL, 0))
		flat_profile_charge(p, kind, units);
}

/* ---- at rest ---- */

struct flat_profile_cell {
	const struct step_protocol *protocol;
	unsigned machine, state, event;
	const struct flat_profile_row *row;
};

/* The sum over all threads. */
struct flat_profile_report {
	uint32_t threads, every;
	uint64_t ticks;                       /* of all threads, from begin to end */
	uint64_t switches, switch_ticks_1024; /* of cause; what one takes, in 1/1024 ticks */
	uint64_t overhead;                    /* ticks that profiling took: in `ticks`, in no row */
	struct flat_profile_row cause[FLAT_CAUSES];
	struct flat_profile_cell *cell; /* those that ran, most time first; owned */
	uint32_t cells;
	/* How often virtual time would charge each cost: times; NAME: components; COPY_KIB: bytes. */
	uint64_t charges[SIM_COST_KINDS];
	uint32_t counters;                          /* that were read, or 0 and `why_not` */
	enum sim_counter counter[SIM_COUNTERS_MAX]; /* what flat_profile_row.counter[] counts */
	bool counters_rdpmc;
	uint32_t counters_every; /* profiled events: in one of so many they were read */
	char why_not[160];
	struct flat_profile_row *row; /* of the cells; owned */
};

/* Sums what the machine's threads counted. Returns 0, -EINVAL (flat_config.profile was false) or -ENOMEM; on success the
 * caller passes *out to flat_profile_report_fini(). */
int flat_profile_report(const struct flat_machine *machine, struct flat_profile_report *out);
void flat_profile_report_fini(struct flat_profile_report *report);

/* For the machine: the report of some threads' profiles. */
int flat_profile_sum(struct flat_profile *const *profile, uint32_t count, struct flat_profile_report *out);

#endif
