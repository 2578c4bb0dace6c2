/* ssi/protocols/capability_model.c - the clients of the family "capability" as the checker sees them, and what they may
 * rely on: see skerry/capability.h.
 *
 * The shadow of a capability follows what clients were told, nothing that the protocol remembers. A record lives as long
 * as its slot; when the slot goes, what was derived from it becomes derived from its source.
 *
 * A call in flight carries a mark (step_msg.host): what happened to its source when that had no record any more. */
#include <skerry/capability.h>

enum { CAP = CAPABILITY_CAP, OP = CAPABILITY_OP };
typedef struct capability_shadow record;

enum record_flags {
	DEAD = 1,    /* revoked, deleted or moved: never usable again */
	REVOKED = 2, /* and so is what is derived from it */
	RETYPED = 4,
	ARRIVED = 8, /* it was usable: a call that sends it may return before it arrives */
	KIN = 32,    /* what it was derived from has moved, and it may have gone along, or was not known */
	MAYBE = 16,  /* made while a revoke of what it derives from runs, which may or may not reach it */
};
enum call_mark {
	UNSEEN,
	SEEN,       /* there is nothing to say */
	CONDEMNED,  /* its source fell to a revoke that has not returned */
	FALLEN,     /* ... that has returned */
	BEGAN_DEAD, /* the capability was dead when the call began */
	LOOSE, /* nobody knew the name of its source when it began, or that has moved: what it makes is KIN */
};

/* ---- capabilities and their records ---- */

static struct step_head *head_of(const struct step_world *w, uint32_t node, uint32_t i)
{
	return step_at(&w->node[node], CAP, i);
}
static record *record_at(const struct step_world *w, uint32_t node, uint32_t i)
{
	return step_shadow_at(w, node, i);
}
static record *record_of(const struct step_world *w, step_ref cap)
{
	if (cap.machine != CAP || cap.node >= w->nodes || cap.index >= w->node[cap.node].pool[CAP].slots)
		return NULL;
	record *r = record_at(w, (uint32_t)cap.node, (uint32_t)cap.index);
	return r->self.machine && step_same(r->self, cap) ? r : NULL;
}
static bool is_usable(const struct step_world *w, uint32_t node, const struct step_head *head)
{
	return head->state && w->node[node].protocol->machine[CAP].usable >> head->state & 1;
}
static bool is_live(const record *r) { return r && r->self.machine && !(r->flags & DEAD); }
static const struct step_model *model_of(const struct step_world *w) { return w->node[0].protocol->model; }
/* Made while a revoke runs: who is reached goes; where only a use tells, nobody knows who was. */
static uint32_t reached_maybe(const struct step_world *w) { return model_of(w)->use_tells ? KIN : MAYBE; }
static bool judges(const struct step_world *w, enum capability_promise p) { return w->judged >> p & 1; }
/* Where several words are explored, and where memory is followed: each multiplies the states, so in searches apart. */
static bool has_words(const struct step_world *w) { return w->judged == 1u << CAPABILITY_P_RIGHTS; }
static bool has_memory(const struct step_world *w) { return w->judged == 1u << CAPABILITY_P_EXCLUSIVE; }

#define EACH_CAP(w, b, i)                                                                                    \
	for (uint32_t b = 0; b < (w)->nodes; b++)                                                            \
		for (uint32_t i = 0; i < (w)->node[b].pool[CAP].slots; i++)
#define EACH_CALL(w, m)                                                                                      \
	for (struct step_msg *m = (w)->flight; m < (w)->flight + (size_t)(w)->nodes * (w)->clients; m++)     \
		if (m->event)

/* A field of a capability, by its name. */
static const void *field_of(const struct step_world *w, step_ref cap, const char *name)
{
	const struct step_node *n = &w->node[cap.node];
	for (const struct step_field *f = n->protocol->machine[CAP].fields(); f->name; f++)
		if (!strcmp(f->name, name))
			return (const char *)step_at(n, CAP, (uint32_t)cap.index) + f->offset;
	return NULL;
}
static uint32_t word_of(const struct step_world *w, step_ref cap)
{
	const uint32_t *word = field_of(w, cap, "word");
	return word ? *word : 0;
}

static bool derives(const struct step_world *w, const record *r, const record *from)
{
	for (int depth = 0; r && depth < 64; depth++) {
		r = record_of(w, r->source);
		if (r == from)
			return true;
	}
	return false;
}

/* ---- calls ---- */

static bool is_served(const struct step_world *w, unsigned event)
{
	const unsigned machine = event == CAPABILITY_CREATE ? CAP : OP;
	return step_cell_at(w->node[0].protocol, machine, 0, event)->kind != STEP_NEVER;
}

static bool makes_one(unsigned event)
{
	return event >= CAPABILITY_OBTAIN && event <= CAPABILITY_RETYPE && event != CAPABILITY_DELETE &&
	       event != CAPABILITY_REVOKE;
}

/* Whether one more may be made: those that are there, and those that calls in flight may make. */
static bool has_room(const struct step_world *w)
{
	uint32_t records = 0, others = 0, makers = 0;
	EACH_CAP(w, b, i)
	{
		const bool known = record_at(w, b, i)->self.machine != 0;
		records += known;
		others += !known && head_of(w, b, i)->state;
	}
	EACH_CALL(w, m) makers += makes_one(m->event);
	return records + (others > makers ? others : makers) < w->objects * w->capabilities;
}

struct list {
	struct step_msg *out;
	uint32_t count, max;
	const struct step_world *w;
	uint32_t node;
};

static void add(struct list *l, unsigned event, step_ref arg, uint32_t word)
{
	if (l->count == l->max || !is_served(l->w, event))
		return;
	l->out[l->count++] = (struct step_msg){
		.event = (uint8_t)event, .to = STEP_ANY(l->node, OP), .arg = arg, .word = word};
}

#define WRITE 1u
#define READ  2u
#define BADGE (1u << CAPABILITY_BADGE_SHIFT)

/* With a live capability of the caller's kernel. */
static void calls_of_holder(struct list *l, const record *r, bool room)
{
	const step_ref cap = r->self;
	for (uint32_t to = 0; to < l->w->nodes && room; to++)
		if (to != l->node) {
			add(l, CAPABILITY_DELEGATE, cap, to);
			add(l, CAPABILITY_MOVE, cap, to);
		}
	if (room) {
		add(l, CAPABILITY_COPY, cap, 0);
		add(l, CAPABILITY_MINT, cap,
		    has_words(l->w) && r->held & WRITE ? READ | BADGE : READ | WRITE);
		add(l, CAPABILITY_RETYPE, cap, r->held);
	}
	add(l, CAPABILITY_DELETE, cap, 0);
	add(l, CAPABILITY_REVOKE, cap, 0);
	add(l, CAPABILITY_QUERY, cap, 0);
	add(l, CAPABILITY_USE, cap, WRITE);
	if (!r->source.machine)
		add(l, CAPABILITY_RETIRE, cap, 0);
}

/* With a name that is not usable any more, or not yet: all must fail, and harm nobody. */
static void calls_in_vain(struct list *l, step_ref cap)
{
	for (unsigned event = CAPABILITY_OBTAIN; event < CAPABILITY_CALLS_END; event++)
		add(l, event, cap, event == CAPABILITY_DELEGATE || event == CAPABILITY_MOVE ? l->node : 0);
}

uint32_t capability_model_calls(const struct step_world *w, uint32_t node, struct step_msg *out, uint32_t max)
{
	struct list l = {.out = out, .max = max, .w = w, .node = node};
	const bool room = has_room(w);
	bool full = true, tried = false;
	EACH_CAP(w, b, i)
	{
		const record *r = record_at(w, b, i);
		/* Where only a use tells, a client does not know that its capability is dead. */
		const bool unknown =
			model_of(w)->use_tells && r->self.machine && is_usable(w, b, head_of(w, b, i));
		const bool live = is_live(r) || unknown, used = head_of(w, b, i)->state;
		if (live && room)
			add(&l, CAPABILITY_OBTAIN, r->self, 0);
		if (b != node)
			continue;
		full = full && used;
		if (live)
			calls_of_holder(&l, r, room);
		else if (!is_usable(w, b, head_of(w, b, i)) &&
			 (used || !tried)) /* one free slot is like another */
			calls_in_vain(&l, step_ref_of(&w->node[b], CAP, i)), tried = tried || !used;
	}
	if (full && l.count < max && is_served(w, CAPABILITY_CREATE))
		out[l.count++] = (struct step_msg){.event = CAPABILITY_CREATE, .to = STEP_ANY(node, CAP)};
	return l.count;
}

void capability_model_begin(const struct step_world *w)
{
	for (uint32_t i = 0; i < w->objects; i++) {
		step_raise(&w->node[0], STEP_ANY(0, CAP), CAPABILITY_CREATE)->word = READ | WRITE;
		*record_at(w, 0, i) = (record){.self = STEP_REF(0, CAP, i), .held = READ | WRITE};
	}
}

/* ---- what a call's end says ---- */

/* Whether a revoke is in flight, that of `but` apart. */
static bool is_revoking(const struct step_world *w, step_ref but)
{
	EACH_CALL(w, m) if (m->event == CAPABILITY_REVOKE && !step_same(m->from, but)) return true;
	return false;
}

/* The only revoke in flight; of several none, since which of them is meant would depend on the kernels' order. */
static struct step_msg *revoke_in_flight(const struct step_world *w)
{
	struct step_msg *found = NULL;
	EACH_CALL(w, m)
	if (m->event == CAPABILITY_REVOKE) {
		if (found)
			return NULL;
		found = m;
	}
	return found;
}

static void doom(record *r, step_ref revoker)
{
	if (!r->doom.machine)
		r->doom = revoker;
	else if (!r->doom2.machine && !step_same(r->doom, revoker))
		r->doom2 = revoker;
}

/* What was derived from a condemned capability is condemned as well. */
static void inherit(const struct step_world *w, record *r, const record *source, unsigned mark)
{
	const struct step_msg *revoke = revoke_in_flight(w);
	if (source) {
		r->doom = source->doom, r->doom2 = source->doom2;
		r->flags |= source->flags & KIN;
		if (source->flags & REVOKED)
			r->flags |= DEAD | REVOKED;
	}
	/* Beside what its ancestor has: the one revoke may fail, the other not. */
	if (mark == CONDEMNED && revoke)
		doom(r, revoke->from);
	else if (mark == CONDEMNED) /* by one of several: nobody knows which of them it waits for */
		r->flags |= reached_maybe(w);
	else if (mark == FALLEN)
		r->flags |= DEAD | REVOKED;
}

static bool is_being_revoked(const struct step_world *w, const record *r)
{
	for (; r; r = record_of(w, r->source))
		if (r->revoker.machine || r->flags & MAYBE)
			return true;
	return false;
}

static const record *first_of(const struct step_world *w, const record *r)
{
	for (const record *up = r; up; up = record_of(w, up->source))
		r = up;
	return r;
}

static const char *check_exclusive(const struct step_world *w, const record *made, const record *source)
{
	EACH_CAP(w, b, i)
	{
		const record *r = record_at(w, b, i);
		if (r != made && is_live(r) && r->flags & RETYPED && !step_same(r->source, made->source) &&
		    first_of(w, r) == first_of(w, source))
			return "exclusive: memory is retyped through two of its capabilities";
	}
	return NULL;
}

static void has_moved(const struct step_world *w, record *from)
{
	from->flags |= DEAD;
	EACH_CAP(w, b, i)
	{
		record *r = record_at(w, b, i);
		if (r->self.machine && derives(w, r, from) && !model_of(w)->kin_stays)
			r->flags |= KIN;
	}
	EACH_CALL(w, m)
	if (makes_one(m->event) && m->host == SEEN && step_same(m->arg, from->self))
		m->host = LOOSE;
}

/* C_MINT gives no right that was not asked for, and the badge that was, unless the source had one; what C_RETYPE makes is what
 * was asked for. */
static const char *check_asked(const struct step_msg *call, uint32_t word)
{
	const uint32_t badge = call->word >> CAPABILITY_BADGE_SHIFT;
	if (call->event == CAPABILITY_MINT &&
	    (word & ~call->word & CAPABILITY_RIGHTS || (badge && !(word >> CAPABILITY_BADGE_SHIFT))))
		return "rights: a minted capability has a right that was not asked for, or lacks the badge";
	if (call->event == CAPABILITY_RETYPE && word != call->word)
		return "rights: retyped memory has another word than was asked for";
	return NULL;
}

static const char *made(const struct step_world *w, const struct step_msg *call, step_ref cap)
{
	record *source = record_of(w, call->arg);
	if (cap.machine != CAP || cap.node >= w->nodes)
		return "a call returns what is no capability";
	if (record_of(w, cap))
		return "a call returns a capability that another call has made";
	if (call->event == CAPABILITY_MOVE && source)
		has_moved(w, source);
	if (!step_lookup(&w->node[cap.node], cap))
		return NULL; /* it was revoked meanwhile */
	record *r = record_at(w, (uint32_t)cap.node, (uint32_t)cap.index);
	const uint32_t word = word_of(w, cap);
	*r = (record){.self = cap, .source = source ? source->self : STEP_NOBODY, .held = word};
	inherit(w, r, source, call->host);
	const bool retyped = call->event == CAPABILITY_RETYPE && has_memory(w);
	const bool fell = call->host == CONDEMNED || call->host == FALLEN; /* it is reached for certain */
	r->flags |= (retyped ? RETYPED : 0) | (!fell && is_being_revoked(w, source) ? reached_maybe(w) : 0) |
		    (call->host == LOOSE ? KIN : 0);
	if (call->event != CAPABILITY_RETYPE && source && judges(w, CAPABILITY_P_RIGHTS) &&
	    !capability_explains(source->held, word))
		return "rights: a derived capability has a right or a badge that its source does not explain";
	const char *why = judges(w, CAPABILITY_P_RIGHTS) ? check_asked(call, word) : NULL;
	return !why && retyped && source ? check_exclusive(w, r, source) : why;
}

/* Another client of the kernel may revoke the same capability: what is made from now on, that one may reach. */
static step_ref next_revoker(const struct step_world *w, const record *root, const struct step_msg *but)
{
	EACH_CALL(w, m)
	if (m->event == CAPABILITY_REVOKE && step_same(m->arg, root->self) && !step_same(m->from, but->from))
		return m->from;
	return STEP_NOBODY;
}

static void revoked(const struct step_world *w, const struct step_msg *call, bool done)
{
	EACH_CAP(w, b, i)
	{
		record *r = record_at(w, b, i);
		const bool first = step_same(r->doom, call->from) && r->doom.machine;
		const bool second = step_same(r->doom2, call->from) && r->doom2.machine;
		if (first)
			r->doom = r->doom2, r->doom2 = STEP_NOBODY;
		else if (second)
			r->doom2 = STEP_NOBODY;
		if (done && (first || second))
			r->flags |= DEAD | REVOKED, r->doom = r->doom2 = STEP_NOBODY;
		if (r->revoker.machine && step_same(r->revoker, call->from))
			r->revoker = next_revoker(w, r, call);
	}
	if (is_revoking(w, call->from))
		return; /* which of the two a call's source fell to is not known */
	EACH_CALL(w, m) if (m->host == CONDEMNED) m->host = done ? FALLEN : SEEN;
}

static void condemn(const struct step_world *w, const struct step_msg *call)
{
	record *root = record_of(w, call->arg);
	if (!root)
		return;
	if (!root->revoker.machine)
		root->revoker = call->from;
	EACH_CALL(w, m)
	if (model_of(w)->use_tells && makes_one(m->event) && m->host <= SEEN && step_same(m->arg, call->arg))
		m->host = LOOSE; /* the revoke may be over before it ends */
	EACH_CAP(w, b, i)
	{
		record *r = record_at(w, b, i);
		if (r->self.machine && derives(w, r, root))
			doom(r, call->from);
	}
}

/* A call in flight that may make the capability unusable, for a while or for good. */
static bool is_disturbed(const struct step_world *w, const struct step_msg *call)
{
	EACH_CALL(w, m)
	if (!step_same(m->from, call->from) && step_same(m->arg, call->arg) &&
	    (m->event == CAPABILITY_MOVE || m->event == CAPABILITY_DELETE || m->event == CAPABILITY_REVOKE ||
	     m->event == CAPABILITY_RETIRE))
		return true;
	return false;
}

/* Another client's call may have the last slot for calls. */
static bool may_be_busy(const struct step_world *w, const struct step_msg *call)
{
	const uint64_t node = call->from.node;
	EACH_CALL(w, m)
	if (m->from.node == node && !step_same(m->from, call->from))
		return w->node[node].pool[OP].slots < w->clients;
	return false;
}

static bool may_be_made(const struct step_world *w)
{
	EACH_CALL(w, m) if (makes_one(m->event) || m->event == CAPABILITY_CREATE) return true;
	return false;
}

/* Not even a call in flight explains that it can be used. */
static bool is_dead(const struct step_world *w, step_ref cap)
{
	const record *r = record_of(w, cap);
	const bool comes = !r && cap.machine == CAP && cap.node < w->nodes &&
			   step_lookup(&w->node[cap.node], cap) && may_be_made(w);
	return !comes && !is_live(r);
}

static const char *used(const struct step_world *w, const struct step_msg *call, bool done)
{
	const record *r = record_of(w, call->arg);
	if (done && (call->host == BEGAN_DEAD || (call->host == UNSEEN && is_dead(w, call->arg))))
		return judges(w, CAPABILITY_P_REVOKE) ? "revoke: what was revoked or deleted can be used"
						      : NULL;
	const bool may = call->event != CAPABILITY_USE || !(call->word & ~(r ? r->held : ~0u));
	if (done && !may)
		return judges(w, CAPABILITY_P_RIGHTS)
			       ? "rights: a use needs a right that the capability has not"
			       : NULL;
	if (!done && may && is_live(r) && (r->flags & (ARRIVED | MAYBE | KIN)) == ARRIVED &&
	    !r->doom.machine && !is_disturbed(w, call) && !may_be_busy(w, call) &&
	    judges(w, CAPABILITY_P_SELECTIVE))
		return "selective: a capability that nobody revoked or deleted cannot be used";
	return NULL;
}

/* C_QUERY says which capability was the object's first, as long as that is there to compare. */
static const char *asked(const struct step_world *w, const struct step_msg *call, step_ref object)
{
	const record *first = first_of(w, record_of(w, call->arg));
	const step_ref *own = first ? field_of(w, first->self, "object") : NULL;
	if (object.machine != CAP)
		return "a query returns what is no capability";
	return own && step_same(*own, first->self) && !step_same(object, first->self)
		       ? "a query returns another object"
		       : NULL;
}

#define VAIN "a call succeeds with a name that nobody has"
/* A name that nobody has, and that no call under way may give to one, is of no use. */
static bool is_vain(const struct step_world *w, const struct step_msg *call)
{
	return judges(w, CAPABILITY_P_REVOKE) && call->host == UNSEEN && !record_of(w, call->arg) &&
	       !may_be_made(w) && !step_lookup(&w->node[call->arg.node], call->arg);
}

const char *capability_model_completed(const struct step_world *w, uint32_t node, uint32_t result,
				       step_ref arg)
{
	const struct step_msg *call = &w->call[node];
	const bool done = result == CAPABILITY_OK;
	record *r = record_of(w, call->arg);
	const char *why = NULL;
	switch (call->event) {
	case CAPABILITY_CREATE:
		if (done && arg.machine == CAP && arg.node == node)
			*record_at(w, node, (uint32_t)arg.index) = (record){.self = arg, .held = call->word};
		return NULL;
	case CAPABILITY_REVOKE:
		if (done && is_vain(w, call))
			return VAIN;
		if (call->host == UNSEEN) /* it begins and ends in one step */
			condemn(w, call);
		revoked(w, call, done);
		return NULL;
	case CAPABILITY_DELETE:
	case CAPABILITY_RETIRE:
		if (done && r)
			r->flags |= DEAD;
		return done && is_vain(w, call) ? VAIN : NULL;
	case CAPABILITY_QUERY:
		why = done ? asked(w, call, arg) : NULL;
		return why ? why : used(w, call, done);
	case CAPABILITY_USE:
		return used(w, call, done);
	default:
		return done ? made(w, call, arg) : NULL;
	}
}

/* ---- after every step ---- */

/* A call's source has gone: what the call makes is derived from the source's source. That holds of what is condemned too:
 * the revoke may fail because its own capability falls to one from further up, which then reaches what was made. */
static void orphan(struct step_msg *m, const record *gone)
{
	const bool fell = m->host == CONDEMNED || m->host == FALLEN;
	const bool loose = gone->flags & KIN || m->host == LOOSE;
	if (gone->flags & REVOKED)
		m->host = FALLEN;
	else if (!fell)
		m->host = gone->doom.machine ? CONDEMNED : loose ? LOOSE : SEEN;
	if (m->event == CAPABILITY_MOVE &&
	    m->host == CONDEMNED) /* what it moves is no more; its source stays */
		m->event = CAPABILITY_COPY, m->word = 0;
	if (m->event != CAPABILITY_MOVE && m->host != FALLEN)
		m->arg = gone->source;
}

/* A slot has gone: what was derived from it is derived from its source; calls in flight with it learn why it went. */
static const char *forget(const struct step_world *w, record *gone)
{
	const struct step_msg nobody = {.arg = gone->self};
	const bool explained =
		gone->flags & (DEAD | MAYBE | KIN) || gone->doom.machine || is_disturbed(w, &nobody);
	EACH_CAP(w, b, i)
	{
		record *r = record_at(w, b, i);
		if (r->source.machine && step_same(r->source, gone->self))
			r->source = gone->source;
	}
	EACH_CALL(w, m)
	if (makes_one(m->event) && step_same(m->arg, gone->self))
		orphan(m, gone);
	*gone = (record){0};
	return explained || !judges(w, CAPABILITY_P_SELECTIVE)
		       ? NULL
		       : "selective: a capability is gone that nobody revoked, moved or deleted";
}

/* How a new capability is made matters to the protocol, not to what must hold: one record for all ways. */
static void simplify(const struct step_world *w, struct step_msg *m)
{
	if (!makes_one(m->event) || m->event == CAPABILITY_MOVE || has_words(w) || has_memory(w))
		return;
	m->event = CAPABILITY_COPY;
	m->word = 0;
}

static void see_calls(const struct step_world *w)
{
	EACH_CALL(w, m)
	{
		if (m->host != UNSEEN)
			continue;
		m->host = SEEN;
		if (m->event == CAPABILITY_REVOKE)
			condemn(w, m);
		if ((m->event == CAPABILITY_USE || m->event == CAPABILITY_QUERY) && is_dead(w, m->arg))
			m->host = BEGAN_DEAD;
		if (makes_one(m->event) && !record_of(w, m->arg))
			m->host = LOOSE;
		simplify(w, m);
	}
}

const char *capability_model_always(const struct step_world *w)
{
	if (!w->shadow)
		return NULL; /* a machine, not a search */
	const bool tells = w->node[0].protocol->model->use_tells;
	see_calls(w);
	EACH_CAP(w, b, i)
	{
		record *r = record_at(w, b, i);
		const char *why = r->self.machine && !step_lookup(&w->node[b], r->self) ? forget(w, r) : NULL;
		if (why)
			return why;
	}
	const bool revoking = is_revoking(w, STEP_NOBODY);
	EACH_CAP(w, b, i)
	{
		record *r = record_at(w, b, i);
		if (!tells && !is_usable(w, b, head_of(w, b, i)))
			continue;
		r->flags |= r->self.machine ? ARRIVED : 0;
		if (!revoking)
			r->flags &= ~(uint32_t)MAYBE;
		if (tells)
			continue;
		if (r->flags & DEAD && judges(w, CAPABILITY_P_REVOKE))
			return r->flags & REVOKED ? "revoke: the revoke has returned and what was derived "
						    "from its capability is usable"
						  : "revoke: what was deleted or moved is usable";
		if (!r->self.machine && judges(w, CAPABILITY_P_CONFINED) && !may_be_made(w))
			return "confinement: a capability is usable that no call has made";
	}
	return NULL;
}

static bool has_derived(const struct step_world *w, const record *r)
{
	EACH_CAP(w, b, i)
	if (record_at(w, b, i)->self.machine && derives(w, record_at(w, b, i), r))
		return true;
	return false;
}

/* Of whom it is not known what it was derived from. */
static bool has_strangers(const struct step_world *w)
{
	EACH_CAP(w, b, i)
	{
		const record *r = record_at(w, b, i);
		if (r->self.machine ? r->flags & KIN : head_of(w, b, i)->state)
			return true;
	}
	return false;
}

/* Who retires a capability waits for other clients, and for nothing else. */
static const char *check_retiring(const struct step_world *w)
{
	EACH_CALL(w, m)
	{
		const record *r = m->event == CAPABILITY_RETIRE ? record_of(w, m->arg) : NULL;
		if (r && !has_derived(w, r) && !has_strangers(w))
			return "retire: at rest, a call waits for what was derived, and nothing is";
	}
	return NULL;
}

const char *capability_model_at_rest(const struct step_world *w)
{
	if (!w->shadow)
		return NULL;
	const char *why = check_retiring(w);
	if (why)
		return why;
	EACH_CAP(w, b, i)
	{
		const record *r = record_at(w, b, i);
		if (head_of(w, b, i)->state && judges(w, CAPABILITY_P_RECLAIM) && !is_live(r) &&
		    !(r->self.machine && has_derived(w, r)))
			return "reclaim: at rest, a slot is in use that no client can name";
	}
	return NULL;
}
