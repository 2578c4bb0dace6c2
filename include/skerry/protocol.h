/* skerry/protocol.h - the contract between one protocol and its hosts.
 *
 * A protocol is tables of (state, event) over machines. A machine is a fixed-size slot of a node's pool: an
 * object machine (a representative) or an operation machine (a client's call in flight). A step runs to
 * completion: one event in, its cell, then the events that the cell raised on the same node.
 *
 * An action never tests its state, never fails and never waits; it reads no clock and draws no random number.
 * What can fail or wait is an effect whose result is a later event:
 *
 *     step_tell      an event for a machine anywhere (its own node included)
 *     step_local     a call into the local kernel or server: E_LOCAL_OK or E_LOCAL_ERR comes back
 *     step_timer     E_TIMER comes back
 *     step_complete  a client's call is over
 *     step_fanout    an event for every member of a list; the replies remove members; E_EMPTY when none is left
 *
 * The same object code runs on flat nodes (ssi/flat.h) and on monitors of full kernels (ssi/full.h), in virtual time or
 * natively, in the checker, which visits every order (ssi/checker/checker.h), and in the replay of a step log
 * (ssi/inclusion.h). They differ only in `struct step_host`.
 *
 * Thread rule: one thread at a time runs a node. Layer: public; a protocol file includes nothing else.
 * Sources: the shape is Murphi's and SLICC's (a table), cowsql/raft's (a pure step). */
#ifndef SKERRY_PROTOCOL_H
#define SKERRY_PROTOCOL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- references ---- */

#define STEP_NODES_MAX (1u << 20)
#define STEP_INDEX_MAX ((1u << 28) - 4)

/* Names a machine anywhere: one word of a frame. machine 0: nobody. A reference whose generation is not the
 * slot's is stale and is delivered as to a free slot. */
typedef struct {
	uint64_t node : 20, machine : 4, gen : 12, index : 28;
} step_ref;
_Static_assert(sizeof(step_ref) == 8, "a reference is one word of a frame");

#define STEP_NEW ((1u << 28) - 1) /* index: any free slot of that pool */
#define STEP_NAMED                                                                                           \
	((1u << 28) - 2) /* index: the slot that stands for the name in `arg`, or a free one, which
                                        then stands for it. A name is a reference whose gen and index the
                                        host chose; its node is the home of what it names. */
#define STEP_CLIENT 15   /* machine: a client of the node, not a slot */

#define STEP_REF(n, m, i)  ((step_ref){.node = (n), .machine = (m), .index = (i)})
#define STEP_ANY(n, m)     STEP_REF(n, m, STEP_NEW)
#define STEP_BY_NAME(n, m) STEP_REF(n, m, STEP_NAMED)
#define STEP_NOBODY        ((step_ref){0})

static inline uint64_t step_ref_word(step_ref r)
{
	uint64_t w;
	memcpy(&w, &r, sizeof w);
	return w;
}
static inline bool step_same(step_ref a, step_ref b) { return step_ref_word(a) == step_ref_word(b); }

/* ---- messages ---- */

/* Who raises an event, and, for messages, which credit it uses: request < forward < reply. Only calls and
 * requests may stall; the handler of a message sends none of a lower class than its own. */
enum step_class { STEP_INTERNAL, STEP_CALL, STEP_REQUEST, STEP_FORWARD, STEP_REPLY };

/* What a field or a message's word means: from it, packing, relabelling for symmetry, printing and the
 * validation of frames are derived. */
enum step_kind { STEP_K_NONE, STEP_K_REF, STEP_K_LIST, STEP_K_NODE, STEP_K_WORD, STEP_K_DATA };

/* 32 of the 40 payload bytes of a frame; the rest belongs to the host. */
struct step_msg {
	uint8_t event, protocol; /* protocol: the host's number of it */
	uint16_t host;           /* the host's own; what an event raises or tells inherits it */
	uint32_t word;           /* meaning: struct step_event.word */
	step_ref to, from, arg;
};
_Static_assert(sizeof(struct step_msg) == 32, "a message is half a frame");

struct step_event {
	const char *name;
	uint8_t klass, word; /* enum step_class, enum step_kind */
};

/* The framework's own events come first in every protocol. */
enum { E_NONE, E_LOCAL_OK, E_LOCAL_ERR, E_EMPTY, E_TIMER, E_NACK, E_PROTOCOL };
#define STEP_FRAMEWORK_EVENTS                                                                                \
	{"-", STEP_INTERNAL, STEP_K_NONE}, {"LOCAL_OK", STEP_INTERNAL, STEP_K_WORD},                         \
		{"LOCAL_ERR", STEP_INTERNAL, STEP_K_WORD}, {"EMPTY", STEP_INTERNAL, STEP_K_NONE},            \
		{"TIMER", STEP_INTERNAL, STEP_K_NONE},                                                       \
	{                                                                                                    \
		"NACK", STEP_REPLY, STEP_K_WORD                                                              \
	}

/* A protocol lists its events once: EVENTS(E) E(NAME, class, word) ... */
#define STEP_AS_ENUM(name, klass, word)  name,
#define STEP_AS_EVENT(name, klass, word) {#name, STEP_##klass, STEP_K_##word},
#define STEP_EVENTS(EVENTS)                                                                                  \
	enum { STEP_EVENTS_BEGIN = E_PROTOCOL - 1, EVENTS(STEP_AS_ENUM) EVENT_COUNT };                       \
	static const struct step_event step_events[] = {STEP_FRAMEWORK_EVENTS, EVENTS(STEP_AS_EVENT)}

/* And its states: STATES(X) X(FREE) X(LIVE) ... The first is the free slot. M_FULL: no slot is free. */
#define STEP_AS_STATE(name)      name,
#define STEP_AS_STATE_NAME(name) #name,
#define STEP_STATES(machine, STATES, FULL)                                                                   \
	enum { STATES(STEP_AS_STATE) FULL };                                                                 \
	static const char *const machine##_states[] = {STATES(STEP_AS_STATE_NAME) #FULL}

/* ---- machines ---- */

/* Starts every machine. `pending`: a local call or a timer is under way. `parked`: the last of the messages that
 * stall here, a ring in the node's park pool (index + 1), or, in a free slot, the next free one. */
struct step_head {
	uint8_t state, pending;
	uint16_t gen;
	uint32_t parked;
};

/* An unordered set of references in the node's link pool (indices + 1; 0: none). */
struct step_list {
	uint32_t first, last, count;
	uint32_t untold, cursor; /* members that the fan-out has not reached; the first that may be one */
	uint32_t fan;            /* the event that is fanned out, or 0 */
	uint32_t tag;            /* of a long list in the node's places, or 0 */
};
struct step_link {
	step_ref member;
	uint32_t next, before;
	uint32_t told, tag; /* tag: its list's, where the places may know it */
};

struct step_field {
	const char *name;
	uint16_t offset, kind;
};

/* One list of typed fields gives the struct and its descriptor:
 *     #define CAP_FIELDS(REF, LIST, NODE, WORD, DATA) REF(parent) LIST(kids)
 *     STEP_LAYOUT(cap, CAP_FIELDS); */
#define STEP_F_REF(f)  step_ref f;
#define STEP_F_LIST(f) struct step_list f;
#define STEP_F_U32(f)  uint32_t f;
#define STEP_D_REF(f)  {#f, offsetof(self_t, f), STEP_K_REF},
#define STEP_D_LIST(f) {#f, offsetof(self_t, f), STEP_K_LIST},
#define STEP_D_NODE(f) {#f, offsetof(self_t, f), STEP_K_NODE},
#define STEP_D_WORD(f) {#f, offsetof(self_t, f), STEP_K_WORD},
#define STEP_D_DATA(f) {#f, offsetof(self_t, f), STEP_K_DATA},
#define STEP_LAYOUT(S, FIELDS)                                                                               \
	struct S {                                                                                           \
		struct step_head head;                                                                       \
		FIELDS(STEP_F_REF, STEP_F_LIST, STEP_F_U32, STEP_F_U32, STEP_F_U32)                          \
	};                                                                                                   \
	__attribute__((unused)) static const struct step_field *S##_fields(void)                             \
	{                                                                                                    \
		typedef struct S self_t;                                                                     \
		static const struct step_field field[] = {                                                   \
			FIELDS(STEP_D_REF, STEP_D_LIST, STEP_D_NODE, STEP_D_WORD, STEP_D_DATA){0}};          \
		return field;                                                                                \
	}                                                                                                    \
	struct S /* lets the macro end in a semicolon */

/* ---- tables ---- */

struct step_node;
typedef void step_action(struct step_node *n, void *self, const struct step_msg *m);

/* ACTION(cap, grant) { ... }: sees n, its own struct as `self`, and the message `m`. `self` must not be touched
 * where the table has the cell in the FREE or FULL row and does not leave it. */
#define ACTION(S, name)                                                                                      \
	static inline void name##_body(struct step_node *n, struct S *self, const struct step_msg *m);       \
	static void name(struct step_node *n, void *self, const struct step_msg *m)                          \
	{                                                                                                    \
		name##_body(n, self, m);                                                                     \
	}                                                                                                    \
	static inline void name##_body(struct step_node *n __attribute__((unused)),                          \
				       struct S *self __attribute__((unused)),                               \
				       const struct step_msg *m __attribute__((unused)))
#define nothing ((step_action *)0)

enum step_cell_kind { STEP_NEVER, STEP_GO, STEP_STALL };
struct step_cell {
	step_action *action;
	const char *name;          /* of the action */
	uint8_t kind, next, sends; /* sends: the most messages to other nodes, fan-outs apart */
};

/* A repeated cell does not compile (-Werror=override-init); a blank one is NEVER, and reaching it a fault. */
#define STEP(state, event, next, action, sends) [state][event] = {action, #action, STEP_GO, next, sends}
#define STALL(state, event)                     [state][event] = {nothing, "stall", STEP_STALL, state, 0}
/* STAY(event, action, sends, S1, S2, ...): the same cell in several states, none of which it leaves. */
#define STEP_STAY1(e, a, n, s)                                               STEP(s, e, s, a, n)
#define STEP_STAY2(e, a, n, s, ...)                                          STEP(s, e, s, a, n), STEP_STAY1(e, a, n, __VA_ARGS__)
#define STEP_STAY3(e, a, n, s, ...)                                          STEP(s, e, s, a, n), STEP_STAY2(e, a, n, __VA_ARGS__)
#define STEP_STAY4(e, a, n, s, ...)                                          STEP(s, e, s, a, n), STEP_STAY3(e, a, n, __VA_ARGS__)
#define STEP_STAY5(e, a, n, s, ...)                                          STEP(s, e, s, a, n), STEP_STAY4(e, a, n, __VA_ARGS__)
#define STEP_STAY6(e, a, n, s, ...)                                          STEP(s, e, s, a, n), STEP_STAY5(e, a, n, __VA_ARGS__)
#define STEP_STAY7(e, a, n, s, ...)                                          STEP(s, e, s, a, n), STEP_STAY6(e, a, n, __VA_ARGS__)
#define STEP_STAY8(e, a, n, s, ...)                                          STEP(s, e, s, a, n), STEP_STAY7(e, a, n, __VA_ARGS__)
#define STEP_STAY9(e, a, n, s, ...)                                          STEP(s, e, s, a, n), STEP_STAY8(e, a, n, __VA_ARGS__)
#define STEP_STAY10(e, a, n, s, ...)                                         STEP(s, e, s, a, n), STEP_STAY9(e, a, n, __VA_ARGS__)
#define STEP_STAY11(e, a, n, s, ...)                                         STEP(s, e, s, a, n), STEP_STAY10(e, a, n, __VA_ARGS__)
#define STEP_STAY12(e, a, n, s, ...)                                         STEP(s, e, s, a, n), STEP_STAY11(e, a, n, __VA_ARGS__)
#define STEP_PICK(_1, _2, _3, _4, _5, _6, _7, _8, _9, _10, _11, _12, f, ...) f
#define STAY(event, action, sends, ...)                                                                      \
	STEP_PICK(__VA_ARGS__, STEP_STAY12, STEP_STAY11, STEP_STAY10, STEP_STAY9, STEP_STAY8, STEP_STAY7,    \
		  STEP_STAY6, STEP_STAY5, STEP_STAY4, STEP_STAY3, STEP_STAY2, STEP_STAY1, 0)                 \
	(event, action, sends, __VA_ARGS__)

struct step_machine {
	const char *name;
	const char *const *state;      /* names; [states] is the FULL row */
	const struct step_cell *table; /* [states + 1][events] */
	const struct step_field *(*fields)(void);
	uint32_t size, states;
	uint32_t usable, rest; /* masks of states: a client may use it; nothing is under way */
	bool named;            /* slots are found by name: STEP_NAMED */
	/* Offsets of a REF and a WORD of the machine that all messages of its fan-outs carry; 0: none. The word only where
	 * the event has one. */
	uint16_t fan_arg, fan_word;
};

#define STEP_MACHINES_MAX 5 /* [0] is unused: machine 0 is nobody */

/* A property of the protocol's family. What is kept the checker verifies; for what is not, it shows a
 * counter-example. Numbered by the family, from 0; name NULL ends the list. */
struct step_promise {
	const char *name, *text;
	bool kept;
	uint8_t apart; /* it is judged in a search of its own, with at most so many capabilities; 0: with the others */
};

struct step_model;
struct step_protocol {
	const char *name, *about;            /* "capability/tree" */
	const char *assumes;                 /* of channels and hosts */
	const char *const *invariants;       /* numbered texts, NULL-terminated */
	const struct step_promise *promises; /* optional */
	const struct step_event *event;
	uint32_t events, machines;
	struct step_machine machine[STEP_MACHINES_MAX];
	const struct step_model *model; /* what the checker explores */
};
/* STEP_MACHINE(cap, cap_table, CAP_FULL, .usable = 1u << LIVE, .rest = ...) */
#define STEP_MACHINE(S, T, FULL, ...)                                                                        \
	{                                                                                                    \
		.name = #S, .state = S##_states, .table = (T)[0], .fields = S##_fields,                      \
		.size = sizeof(struct S), .states = FULL, __VA_ARGS__                                        \
	}

/* ---- hosts ---- */

/* The only thing that differs between engines. No function may re-enter the node's step. */
struct step_host {
	/* A message to another node, to be filled in place at once. Its class, and whether it carries bulk data, are
	 * properties of the event. */
	struct step_msg *(*send)(struct step_node *n, uint32_t to, unsigned event);
	/* The call of `client` is over. */
	void (*complete)(struct step_node *n, step_ref client, uint32_t result, step_ref arg);
	/* Later: E_LOCAL_OK or E_LOCAL_ERR for `self`. */
	void (*local)(struct step_node *n, step_ref self, uint32_t call, step_ref arg);
	/* Later: E_TIMER for `self`. */
	void (*timer)(struct step_node *n, step_ref self);
	/* Calls step_fanout_next() for `list` as credit allows, until nothing is untold. */
	void (*fanout)(struct step_node *n, step_ref self, struct step_list *list);
	/* The slot that stands for `name` (or the one that is to stand for it), or STEP_INDEX_MAX. */
	uint32_t (*find)(struct step_node *n, unsigned machine, step_ref name);
	void (*bind)(struct step_node *n, unsigned machine, step_ref name, uint32_t index);
	void (*unbind)(struct step_node *n, unsigned machine, uint32_t index);
	/* Messages that stalled in `at` can go on (at machine 0: in a machine that is no more): call step_resume()
	 * when there is credit for a step. */
	void (*ready)(struct step_node *n, step_ref at);
	/* Bulk data. out: a frame's word for a copy of `data`, which names a place in this node's outbox; in: the data
	 * that m's word names at its sender, now this node's; new: the first content of what `name` names; drop: `data`
	 * is not needed. */
	uint32_t (*data_out)(struct step_node *n, uint32_t data);
	uint32_t (*data_in)(struct step_node *n, const struct step_msg *m);
	uint32_t (*data_new)(struct step_node *n, step_ref name);
	void (*data_drop)(struct step_node *n, uint32_t data);
	/* The protocol or its host is wrong. `state`: of the machine that m is for. */
	void (*fault)(struct step_node *n, const char *why, const struct step_msg *m, unsigned state);
};

struct step_pool {
	char *base;
	uint32_t slots, used, free; /* used: high-water mark; free: list of freed slots (index + 1) */
};
struct step_parked {
	struct step_msg msg;
	uint64_t host; /* the host's own, kept with the message */
	uint32_t next, pad;
};
/* Sees each cell that runs: coverage, step logs. */
typedef void step_tap(struct step_node *n, const struct step_msg *m, step_ref at, unsigned state,
		      unsigned next);

#define STEP_RAISED_MAX 16384

/* One protocol on one node. All memory is the host's. */
struct step_node {
	uint32_t id, nodes;
	const struct step_protocol *protocol;
	const struct step_host *host;
	uint8_t number; /* of this protocol with its host; put into every message */
	struct step_pool pool[STEP_MACHINES_MAX];
	struct step_link *link;
	struct step_parked *park;
	uint32_t links, links_used, link_free; /* as in a pool */
	/* Where members of long lists are, the host's or NULL: [places_mask + 1] guesses, which are looked at first. */
	uint32_t *places, places_mask, tags;
	uint32_t parks, parks_used, park_free, parked;
	step_ref me;      /* the machine whose cell runs */
	uint8_t handling; /* class of the message whose step runs */
	uint32_t sent;    /* messages to other nodes, wraps */
	uint64_t cells;
	uint16_t host_half; /* of the message that runs: see step_msg.host */
	uint64_t host_word; /* of the message that runs: see step_parked.host */
	step_tap *tap;
	void *owner;      /* the host's */
	uint32_t orphans; /* parked messages whose machine is no more: last of the ring */
	uint32_t head, tail;
	struct step_msg *raised; /* [STEP_RAISED_MAX], the host's; empty between steps, so nodes that never
	                                      run at the same time may share it */
};

/* ---- effects: for actions ---- */

/* Tells `to`. The message, zeroed but for to and from (= the machine whose cell runs), may be filled in. */
struct step_msg *step_tell(struct step_node *n, step_ref to, unsigned event);
static inline void step_complete(struct step_node *n, step_ref client, uint32_t result, step_ref arg)
{
	n->host->complete(n, client, result, arg);
}
void step_local(struct step_node *n, void *self, uint32_t call, step_ref arg);
void step_timer(struct step_node *n, void *self);

/* Lists. Removing the last member, or settling an empty list, raises E_EMPTY at the machine whose cell runs. */
void step_add(struct step_node *n, struct step_list *list, step_ref member);
void step_add_once(struct step_node *n, struct step_list *list, step_ref member); /* unless it is one */
void step_add_others(struct step_node *n, struct step_list *list,
		     unsigned machine); /* slot 0 of all other nodes */
void step_replace(struct step_node *n, struct step_list *list, step_ref old, step_ref fresh);
void step_remove(struct step_node *n, struct step_list *list, step_ref member);
void step_remove_if(struct step_node *n, struct step_list *list, step_ref member); /* no fault, no E_EMPTY */
void step_settle(struct step_node *n, struct step_list *list);
void step_fanout(struct step_node *n, struct step_list *list, unsigned event);
/* Tells every member at once and empties the list; for members on this node only. */
void step_wake(struct step_node *n, struct step_list *list, unsigned event);
bool step_is_member(const struct step_node *n, const struct step_list *list, step_ref member);

static inline struct step_msg *step_tell_data(struct step_node *n, step_ref to, unsigned event, uint32_t data)
{
	struct step_msg *m = step_tell(n, to, event);
	m->word = n->host->data_out(n, data);
	return m;
}

/* ---- for hosts ---- */

/* Delivers a message and all that it raises. A message that stalls is parked in its machine (or, if the park
 * pool is full, refused with E_NACK). */
void step_deliver(struct step_node *n, const struct step_msg *m);
/* Delivers the oldest message that stalled in `at` (machine 0: in a machine that is no more) unless it still
 * stalls. False: nothing was delivered. */
bool step_resume(struct step_node *n, step_ref at);
/* Whether step_resume(n, at) would deliver. */
bool step_is_ready(struct step_node *n, step_ref at);
/* Runs what effects raised outside of a delivery. */
void step_run(struct step_node *n);
/* Queues an event for a machine of this node; the next step_run() or delivery runs it. */
struct step_msg *step_raise(struct step_node *n, step_ref to, unsigned event);
/* Tells the next untold member. False: there is none. */
bool step_fanout_next(struct step_node *n, step_ref self, struct step_list *list);
void step_fanout_link(struct step_node *n, step_ref self, struct step_list *list, uint32_t link);

/* The machine of a reference of this node, whatever its generation. */
static inline void *step_at(const struct step_node *n, unsigned machine, uint32_t index)
{
	return n->pool[machine].base + (size_t)index * n->protocol->machine[machine].size;
}
/* The live machine that `r` names on this node, or NULL if it is stale or free. */
void *step_lookup(const struct step_node *n, step_ref r);
step_ref step_ref_of(const struct step_node *n, unsigned machine, uint32_t index);
const struct step_cell *step_cell_at(const struct step_protocol *p, unsigned machine, unsigned state,
				     unsigned event);
/* The cell that m would reach now; *state (optional) is the machine's state. */
const struct step_cell *step_peek(struct step_node *n, const struct step_msg *m, unsigned *state);
/* Checks a protocol's tables: reply events never stall, FREE is row 0, sends fit. NULL, or what is wrong. */
const char *step_protocol_check(const struct step_protocol *p);
/* Whether a frame may be given to step_deliver: its event, machine and indices exist here. NULL, or what is wrong. */
const char *step_frame_check(const struct step_node *n, const struct step_msg *m);

/* ---- for the checker: what is explored, and what must hold ---- */

#define STEP_MODEL_NODES_MAX 8

/* All nodes of a configuration. `ghost` and `shadow` belong to the model and are part of the state. */
struct step_world {
	uint32_t nodes;
	struct step_node *node;
	struct step_msg *
		call; /* [node]: the client call in flight, event 0 if none; in completed(): that which ends */
	/* All calls in flight: flight[node * clients + client]. A call's `host` (at most 255) belongs to the model. */
	struct step_msg *flight;
	uint32_t clients;
	uint8_t *ghost; /* [STEP_GHOST_BYTES] */
	char **shadow;  /* [node]: a record for each slot of the model's shadow machine */
	uint32_t shadow_size;
	uint32_t objects, capabilities; /* of the configuration: how many, and at most how many of each */
	uint32_t judged;                /* mask of the promises that this search judges */
};
#define STEP_GHOST_BYTES 8

/* What a model knows of the slots of one machine beyond what the protocol does: a record for each slot, declared with
 * STEP_LAYOUT (its head is not used), packed and relabelled with it. A record of a free slot is all zeros: the model
 * clears it in always(), which runs after every step. */
struct step_shadow {
	uint32_t machine, size;
	const struct step_field *(*fields)(void);
};
#define STEP_SHADOW(S, number)                                                                               \
	{                                                                                                    \
		.machine = (number), .size = sizeof(struct S), .fields = S##_fields                          \
	}

static inline void *step_shadow_at(const struct step_world *w, uint32_t node, uint32_t index)
{
	return w->shadow[node] + (size_t)index * w->shadow_size;
}

/* One more configuration that is searched by default, for cells that the model's own does not reach. 0: as there. */
struct step_also {
	uint32_t nodes, flight, objects, capabilities;
	uint32_t clients, parks; /* of each kernel; 0: one client, and as many parked messages as clients */
	uint32_t slots[STEP_MACHINES_MAX];
};
/* Cells that no configuration reaches: "entry UPROOTED+GONE", or "op OP_FULL+*" for a whole row. */
struct step_unreached {
	const char *cell, *why;
};

struct step_model {
	uint32_t nodes;                    /* by default */
	uint32_t slots[STEP_MACHINES_MAX]; /* of every node */
	uint32_t flight;                   /* client calls in flight in the whole system */
	uint32_t clients;                  /* of a kernel, with a call each; 0: one */
	uint32_t symmetric_from;           /* kernels from this one on can be exchanged */
	uint32_t objects, capabilities;    /* of a world, by default */
	struct step_shadow shadow;         /* machine 0: none */
	uint32_t
		slots_differ; /* mask of machines whose slots cannot be exchanged: a number means something */
	uint32_t capacity; /* messages a channel; a step happens only if all that it sends fits; 0: credit */
	bool channels_by_class; /* an ordered pair has a channel for each class */
	bool stall_in_channel;  /* a message that would stall stays first in its channel */
	bool local_errors;      /* a local call may answer LOCAL_ERR */
	bool kin_stays;         /* C_MOVE leaves what was derived from it where it is */
	/* calls() and completed() look at their kernel and its client alone; the ghost is only written. Some steps then need not
	 * be made. */
	bool calls_are_local;
	bool use_tells;               /* a machine's `usable` says nothing, only a client's use tells */
	const struct step_also *also; /* optional: one with 0 nodes ends the list */
	const struct step_unreached *unreached; /* optional: one without a cell ends the list */
	/* Raises what makes the initial state (step_raise); the checker runs it. */
	void (*begin)(const struct step_world *w);
	/* Lists client calls that may start at `node` now: to, event, arg, word. Returns their number. */
	uint32_t (*calls)(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max);
	/* A call is over (it is still in w->call[node]). NULL, or which invariant is violated. */
	const char *(*completed)(const struct step_world *w, uint32_t node, uint32_t result, step_ref arg);
	/* In every state; in states where nothing is under way. NULL, or which invariant is violated. */
	const char *(*always)(const struct step_world *w);
	const char *(*at_rest)(const struct step_world *w);
};

#endif
