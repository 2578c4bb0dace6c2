/* file/posix - what a client of the file service does for one system call, and what the service does.
 *
 * Opening obtains a capability to the file across clusters; closing deletes it. What a lookup found stays in the
 * cluster as a cached name, itself a capability: taking a name away (unlink, rename, rmdir) first revokes every
 * cached copy of it, then applies, then answers. Attributes and contents are pages, kept coherent by the memory
 * protocol, so reading, writing, stat and truncate of what is cached need no message at all. Sending an open file to
 * a client of another cluster delegates the capability, then tells that cluster whom it is for.
 *
 * The protocol orders the parts of a call. The parts are local calls: into the cluster's other protocols (obtain a
 * capability, use a page) or into the service's name space. Their data stays with the host.
 *
 * Messages: 2 a call that asks the service, apart from those of the capability and memory protocols.
 *
 * Assumes: reliable channels, first in first out between each pair. Invariants:
 *  I1  every call of a client completes;
 *  I2  a name is taken away only after every cached copy of it has been revoked. */
#include "ssi/protocols/protocols.h"

enum { CALL = POSIX_CALL, SERVE = POSIX_SERVE };
/* clang-format off */
#define CALL_FIELDS(REF, LIST, NODE, WORD, DATA)  REF(client) NODE(service) WORD(request)
#define SERVE_FIELDS(REF, LIST, NODE, WORD, DATA) REF(asker) REF(client)

#define EVENTS(E) /* messages: requests, their arg is the client */ \
	E(OPEN,  REQUEST, NONE) E(LOOK_UP, REQUEST, NONE) E(LIST, REQUEST, NONE) \
	E(MAKE,  REQUEST, NONE) E(REMOVE,  REQUEST, NONE) E(GIFT, REQUEST, NONE) \
	E(FOUND, REPLY,   NONE) E(FAILED,  REPLY,   WORD) \
	/* from clients: arg is on the service's node, or on the receiver's */ \
	E(C_OPEN, CALL, NONE) E(C_OPEN_CACHED, CALL, NONE) E(C_STAT, CALL, NONE) E(C_STAT_CACHED, CALL, NONE) \
	E(C_LIST, CALL, NONE) E(C_MAKE, CALL, NONE) E(C_REMOVE, CALL, NONE) E(C_ACCESS, CALL, NONE) \
	E(C_CLOSE, CALL, NONE) E(C_SEND, CALL, NONE)

/* OPENING, LOOKING, ASKING: waits for the service, to open, for stat, for anything else.
 * NAMING, TAGGING: obtains the name that was found, to open, for stat. OBTAINING: obtains the file.
 * WORKING: uses pages. CLOSING: deletes the capability. LENDING: delegates it to another cluster. */
#define CALL_STATES(X)  X(IDLE) X(OPENING) X(NAMING) X(OBTAINING) X(LOOKING) X(TAGGING) X(ASKING) X(WORKING) X(CLOSING) X(LENDING)
#define SERVE_STATES(X) X(FREE) X(FINDING) X(MAKING) X(CHECKING) X(REVOKING) X(APPLYING) X(ACCEPTING)
/* clang-format on */
STEP_LAYOUT(call, CALL_FIELDS);
STEP_LAYOUT(serve, SERVE_FIELDS);
STEP_EVENTS(EVENTS);
STEP_STATES(call, CALL_STATES, CALL_FULL);
STEP_STATES(serve, SERVE_STATES, SERVE_FULL);

/* The client's side. */
static void request(struct step_node *n, struct call *self, const struct step_msg *m, unsigned event)
{
	self->client = m->from, self->service = (uint32_t)m->arg.node, self->request = event;
	step_tell(n, STEP_ANY(self->service, SERVE), event)->arg = self->client;
}
static void begin(struct step_node *n, struct call *self, const struct step_msg *m, uint32_t local)
{
	self->client = m->from, self->service = (uint32_t)m->arg.node;
	step_local(n, self, local, self->client);
}
ACTION(call, ask_open) { request(n, self, m, OPEN); }
ACTION(call, ask_look_up) { request(n, self, m, LOOK_UP); }
ACTION(call, ask_list) { request(n, self, m, LIST); }
ACTION(call, ask_make) { request(n, self, m, MAKE); }
ACTION(call, ask_remove) { request(n, self, m, REMOVE); }
ACTION(call, start_obtain) { begin(n, self, m, POSIX_OBTAIN_FILE); }
ACTION(call, start_stat) { begin(n, self, m, POSIX_ATTRIBUTES); }
ACTION(call, start_access) { begin(n, self, m, POSIX_ACCESS); }
ACTION(call, start_delete) { begin(n, self, m, POSIX_DELETE); }
ACTION(call, start_lend) { begin(n, self, m, POSIX_DELEGATE); }
ACTION(call, pass_on)
{
	self->request = GIFT;
	step_tell(n, STEP_ANY(self->service, SERVE), GIFT)->arg = self->client;
}
ACTION(call, obtain_name) { step_local(n, self, POSIX_OBTAIN_NAME, self->client); }
ACTION(call, obtain_file) { step_local(n, self, POSIX_OBTAIN_FILE, self->client); }
ACTION(call, attributes) { step_local(n, self, POSIX_ATTRIBUTES, self->client); }
ACTION(call, open_later)
{
	self->request = OPEN;
	step_timer(n, self);
}
ACTION(call, succeed) { step_complete(n, self->client, 0, STEP_NOBODY); }
ACTION(call, fail) { step_complete(n, self->client, m->word, STEP_NOBODY); }
ACTION(call, busy) { step_complete(n, m->from, 16 /* EBUSY */, STEP_NOBODY); }
ACTION(call, later) { step_timer(n, self); }
ACTION(call, ask_again) { step_tell(n, STEP_ANY(self->service, SERVE), self->request)->arg = self->client; }

/* clang-format off */
static const struct step_cell call_table[CALL_FULL + 1][EVENT_COUNT] = {
	/*    state      event          next       action          sends */
	STEP (IDLE,      C_OPEN,        OPENING,   ask_open,       1),
	STEP (IDLE,      C_OPEN_CACHED, OBTAINING, start_obtain,   0),
	STEP (IDLE,      C_STAT,        LOOKING,   ask_look_up,    1),
	STEP (IDLE,      C_STAT_CACHED, WORKING,   start_stat,     0),
	STEP (IDLE,      C_LIST,        ASKING,    ask_list,       1),
	STEP (IDLE,      C_MAKE,        ASKING,    ask_make,       1),
	STEP (IDLE,      C_REMOVE,      ASKING,    ask_remove,     1),
	STEP (IDLE,      C_ACCESS,      WORKING,   start_access,   0),
	STEP (IDLE,      C_CLOSE,       CLOSING,   start_delete,   0),
	STEP (IDLE,      C_SEND,        LENDING,   start_lend,     0),
	STAY (C_OPEN,        busy, 0, CALL_FULL),
	STAY (C_OPEN_CACHED, busy, 0, CALL_FULL),
	STAY (C_STAT,        busy, 0, CALL_FULL),
	STAY (C_STAT_CACHED, busy, 0, CALL_FULL),
	STAY (C_LIST,        busy, 0, CALL_FULL),
	STAY (C_MAKE,        busy, 0, CALL_FULL),
	STAY (C_REMOVE,      busy, 0, CALL_FULL),
	STAY (C_ACCESS,      busy, 0, CALL_FULL),
	STAY (C_CLOSE,       busy, 0, CALL_FULL),
	STAY (C_SEND,        busy, 0, CALL_FULL),

	STEP (OPENING,   FOUND,         NAMING,    obtain_name,    0),
	STEP (OPENING,   FAILED,        IDLE,      fail,           0),
	STEP (NAMING,    E_LOCAL_OK,    OBTAINING, obtain_file,    0),
	STEP (NAMING,    E_LOCAL_ERR,   OBTAINING, obtain_file,    0),     /* revoked meanwhile: not cached */
	STEP (OBTAINING, E_LOCAL_OK,    WORKING,   attributes,     0),
	STEP (OBTAINING, E_LOCAL_ERR,   OPENING,   open_later,     0),     /* being revoked, or gone: look again */

	STEP (LOOKING,   FOUND,         TAGGING,   obtain_name,    0),
	STEP (LOOKING,   FAILED,        IDLE,      fail,           0),
	STEP (TAGGING,   E_LOCAL_OK,    WORKING,   attributes,     0),
	STEP (TAGGING,   E_LOCAL_ERR,   WORKING,   attributes,     0),

	STEP (ASKING,    FOUND,         IDLE,      succeed,        0),
	STEP (ASKING,    FAILED,        IDLE,      fail,           0),

	STEP (WORKING,   E_LOCAL_OK,    IDLE,      succeed,        0),
	STEP (WORKING,   E_LOCAL_ERR,   IDLE,      fail,           0),
	STEP (CLOSING,   E_LOCAL_OK,    IDLE,      succeed,        0),
	STEP (CLOSING,   E_LOCAL_ERR,   IDLE,      succeed,        0),     /* it was revoked before */

	STEP (LENDING,   E_LOCAL_OK,    ASKING,    pass_on,        1),
	STEP (LENDING,   E_LOCAL_ERR,   IDLE,      fail,           0),

	/* The service had no room for our request. */
	STAY (E_NACK,  later,     0, OPENING, LOOKING, ASKING),
	STAY (E_TIMER, ask_again, 1, OPENING, LOOKING, ASKING),
};
/* clang-format on */

/* The service's side. */
static void serve(struct step_node *n, struct serve *self, const struct step_msg *m, uint32_t local)
{
	self->asker = m->from, self->client = m->arg;
	step_local(n, self, local, self->client);
}
ACTION(serve, look_up) { serve(n, self, m, POSIX_LOOK_UP); }
ACTION(serve, make) { serve(n, self, m, POSIX_MAKE); }
ACTION(serve, check) { serve(n, self, m, POSIX_CHECK); }
ACTION(serve, accept) { serve(n, self, m, POSIX_ACCEPT); }
ACTION(serve, revoke) { step_local(n, self, POSIX_REVOKE, self->client); }
ACTION(serve, apply) { step_local(n, self, POSIX_APPLY, self->client); }
ACTION(serve, answer) { step_tell(n, self->asker, FOUND); }
ACTION(serve, refuse) { step_tell(n, self->asker, FAILED)->word = m->word; }
ACTION(serve, no_room) { step_tell(n, m->from, E_NACK)->word = m->event; }

/* clang-format off */
static const struct step_cell serve_table[SERVE_FULL + 1][EVENT_COUNT] = {
	STEP (FREE,     OPEN,        FINDING,  look_up, 0),
	STEP (FREE,     LOOK_UP,     FINDING,  look_up, 0),
	STEP (FREE,     LIST,        FINDING,  look_up, 0),
	STEP (FREE,     MAKE,        MAKING,   make,    0),
	STEP (FREE,     REMOVE,      CHECKING, check,   0),
	STEP (FREE,     GIFT,        ACCEPTING, accept, 0),
	STAY (GIFT,     no_room, 1, SERVE_FULL),
	STAY (OPEN,     no_room, 1, SERVE_FULL),
	STAY (LOOK_UP,  no_room, 1, SERVE_FULL),
	STAY (LIST,     no_room, 1, SERVE_FULL),
	STAY (MAKE,     no_room, 1, SERVE_FULL),
	STAY (REMOVE,   no_room, 1, SERVE_FULL),

	STEP (FINDING,  E_LOCAL_OK,  FREE,     answer,  1),
	STEP (FINDING,  E_LOCAL_ERR, FREE,     refuse,  1),
	STEP (MAKING,   E_LOCAL_OK,  FREE,     answer,  1),
	STEP (MAKING,   E_LOCAL_ERR, FREE,     refuse,  1),
	STEP (CHECKING, E_LOCAL_OK,  REVOKING, revoke,  0),
	STEP (CHECKING, E_LOCAL_ERR, FREE,     refuse,  1),
	STEP (REVOKING, E_LOCAL_OK,  APPLYING, apply,   0),
	STEP (REVOKING, E_LOCAL_ERR, FREE,     refuse,  1),
	STEP (ACCEPTING, E_LOCAL_OK, FREE,     answer,  1),
	STEP (ACCEPTING, E_LOCAL_ERR, FREE,    refuse,  1),
	STEP (APPLYING, E_LOCAL_OK,  FREE,     answer,  1),
	STEP (APPLYING, E_LOCAL_ERR, FREE,     refuse,  1),     /* somebody else was faster */
};
/* clang-format on */

/* ---- what the checker explores ---- */

static uint32_t calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	uint32_t count = 0;
	(void)w;
	for (unsigned event = C_OPEN; event <= C_SEND && count < max; event++)
		out[count++] = (struct step_msg){.event = (uint8_t)event, .to = STEP_ANY(node, CALL)};
	return count;
}

static const struct step_model model = {
	.nodes = 3,
	.slots = {0, 1, 1},
	.flight = 3,
	.symmetric_from = 1,
	.local_errors = true,
	/* Two clients of a kernel, and a service that has no place for who waits. */
	.also = (const struct step_also[]){{.nodes = 2, .clients = 2, .parks = 1}, {0}},
	.calls = calls};

const struct posix_calls posix_calls = {C_OPEN, C_OPEN_CACHED, C_STAT,   C_STAT_CACHED, C_LIST,
					C_MAKE, C_REMOVE,      C_ACCESS, C_CLOSE,       C_SEND};

const struct step_protocol file_posix = {
	.name = "file/posix",
	.about = "system calls of a POSIX client, and the file service that answers them",
	.assumes = "reliable channels, FIFO between each pair",
	.invariants =
		(const char *const[]){
			"I1  every call of a client completes",
			"I2  a name is taken away only after every cached copy has been revoked", NULL},
	.event = step_events,
	.events = EVENT_COUNT,
	.machines = 3,
	.machine = {[CALL] = STEP_MACHINE(call, call_table, CALL_FULL, .rest = 1u << IDLE),
		    [SERVE] = STEP_MACHINE(serve, serve_table, SERVE_FULL, .rest = 1u << FREE)},
	.model = &model};
