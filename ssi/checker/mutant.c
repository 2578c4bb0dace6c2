/* ssi/checker/mutant.c - see mutant.h.
 *
 * The wrapper runs the original action with a host whose send it sees, then changes what the action raised or sent. */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include "ssi/checker/mutant.h"

const char *const mutation_name[MUTATIONS] = {
	[MUTATION_SKIP] = "skip",     [MUTATION_IGNORE] = "ignore", [MUTATION_STAY] = "stay",
	[MUTATION_ASTRAY] = "astray", [MUTATION_LOSE] = "lose",     [MUTATION_TWICE] = "twice",
	[MUTATION_SWAP] = "swap",     [MUTATION_WIDEN] = "widen",   [MUTATION_NOBODY] = "nobody",
	[MUTATION_PASS] = "pass",
};
#define TELLS_MAX 3 /* messages of one action that are tried */
#define RIGHTS    0xfu

/* ---- which there are ---- */

struct list {
	struct mutant *mutant;
	int64_t count, room;
};

static bool add(struct list *l, struct mutant m)
{
	if (l->count == l->room) {
		l->room = l->room ? l->room * 2 : 256;
		struct mutant *more = realloc(l->mutant, (size_t)l->room * sizeof *more);
		if (!more)
			return false;
		l->mutant = more;
	}
	m.number = (uint32_t)l->count + 1;
	l->mutant[l->count++] = m;
	return true;
}

static bool add_of_cell(struct list *l, const struct step_machine *d, const struct step_cell *c,
			struct mutant m)
{
	bool ok = true;
#define ADD(kind, number) ok = ok && (m.mutation = (kind), m.which = (uint8_t)(number), add(l, m))
	if (c->kind == STEP_STALL)
		ADD(MUTATION_PASS, 0);
	if (c->kind != STEP_GO)
		return ok;
	if (c->next != m.state && c->action)
		ADD(MUTATION_IGNORE, 0);
	if (c->next != m.state &&
	    (m.state || !c->action)) /* the action of a free slot needs the one it takes */
		ADD(MUTATION_STAY, 0);
	for (uint32_t s = 1; s < d->states && m.state < d->states && c->next; s++)
		if (s != c->next && s != m.state)
			ADD(MUTATION_ASTRAY, s);
	if (!c->action)
		return ok;
	ADD(MUTATION_SKIP, 0);
	for (unsigned k = MUTATION_LOSE; k <= MUTATION_NOBODY; k++)
		for (uint32_t i = 0; i < TELLS_MAX; i++)
			ADD((enum mutation)k, i);
#undef ADD
	return ok;
}

int64_t mutants_list(const struct step_protocol *p, struct mutant **out)
{
	struct list l = {0};
	for (uint8_t k = 1; k < p->machines; k++)
		for (uint8_t s = 0; s <= p->machine[k].states; s++)
			for (unsigned e = 1; e < p->events; e++)
				if (!add_of_cell(
					    &l, &p->machine[k], step_cell_at(p, k, s, e),
					    (struct mutant){.machine = k, .state = s, .event = (uint8_t)e})) {
					free(l.mutant);
					return -ENOMEM;
				}
	*out = l.mutant;
	return l.count;
}

void mutant_print(const struct step_protocol *p, const struct mutant *m, char *out, size_t size)
{
	const struct step_machine *d = &p->machine[m->machine];
	char what[96];
	switch (m->mutation) {
	case MUTATION_SKIP:
		snprintf(what, sizeof what, "its action is left out");
		break;
	case MUTATION_IGNORE:
		snprintf(what, sizeof what, "is ignored");
		break;
	case MUTATION_STAY:
		snprintf(what, sizeof what, "the state stays");
		break;
	case MUTATION_ASTRAY:
		snprintf(what, sizeof what, "leads to %s", d->state[m->which]);
		break;
	case MUTATION_LOSE:
		snprintf(what, sizeof what, "what it tells (%u) is lost", m->which);
		break;
	case MUTATION_TWICE:
		snprintf(what, sizeof what, "what it tells (%u) is told twice", m->which);
		break;
	case MUTATION_SWAP:
		snprintf(what, sizeof what, "tells %u and %u in the other order", m->which, m->which + 1u);
		break;
	case MUTATION_WIDEN:
		snprintf(what, sizeof what, "what it tells (%u) has all rights", m->which);
		break;
	case MUTATION_NOBODY:
		snprintf(what, sizeof what, "what it tells (%u) names nobody", m->which);
		break;
	default:
		snprintf(what, sizeof what, "does not stall");
		break;
	}
	snprintf(out, size, "%s %s+%s: %s", d->name, d->state[m->state], p->event[m->event].name, what);
}

/* ---- the mutant at work ---- */

/* Of the mutant that is being judged. */
static struct {
	struct mutant mutant;
	step_action *action;
	_Atomic bool applied; /* it made a difference */
} now;

/* What one action tells, in order: events raised on its node, and messages. */
struct told {
	struct step_msg *msg;
	uint32_t to;
	bool sent;
};
struct run_of_action {
	const struct step_host *host; /* the real one */
	struct step_msg lost;         /* where a message that is lost is written */
	struct told told[16];
	uint32_t count, sends, raised;
};
static _Thread_local struct run_of_action *running;

static bool is_it(const struct run_of_action *r) { return r->count == now.mutant.which; }

static void note(struct run_of_action *r, struct step_msg *msg, uint32_t to, bool sent)
{
	if (r->count < 16)
		r->told[r->count] = (struct told){msg, to, sent};
	r->count++;
}

/* What was raised since the last look; sends come in between, in their order. */
static void look_at_raised(struct step_node *n, struct run_of_action *r)
{
	for (; r->raised != n->tail; r->raised++)
		note(r, &n->raised[r->raised % STEP_RAISED_MAX], n->id, false);
}

static struct step_msg *mutant_send(struct step_node *n, uint32_t to, unsigned event)
{
	struct run_of_action *r = running;
	look_at_raised(n, r);
	const bool lose = now.mutant.mutation == MUTATION_LOSE && is_it(r);
	struct step_msg *m = lose ? &r->lost : r->host->send(n, to, event);
	if (lose)
		atomic_store_explicit(&now.applied, true, memory_order_relaxed);
	note(r, m, to, true);
	return m;
}

static void lose_raised(struct step_node *n, struct step_msg *m)
{
	uint32_t i = n->head;
	while (&n->raised[i % STEP_RAISED_MAX] != m)
		i++;
	for (; i + 1 != n->tail; i++)
		n->raised[i % STEP_RAISED_MAX] = n->raised[(i + 1) % STEP_RAISED_MAX];
	n->tail--;
}

static void tell_again(struct step_node *n, const struct told *t)
{
	const struct step_msg copy = *t->msg;
	struct step_msg *again =
		t->sent ? n->host->send(n, t->to, copy.event) : step_raise(n, copy.to, copy.event);
	*again = copy;
}

static void change_told(struct step_node *n, struct run_of_action *r)
{
	const uint32_t i = now.mutant.which;
	struct step_msg *m = i < r->count ? r->told[i].msg : NULL, was;
	if (!m)
		return;
	bool applied = true;
	switch (now.mutant.mutation) {
	case MUTATION_LOSE:
		if (!r->told[i].sent)
			lose_raised(n, m);
		break;
	case MUTATION_TWICE:
		tell_again(n, &r->told[i]);
		break;
	case MUTATION_SWAP:
		applied = i + 1 < r->count && !r->told[i].sent && !r->told[i + 1].sent;
		if (applied)
			was = *m, *m = *r->told[i + 1].msg, *r->told[i + 1].msg = was;
		break;
	case MUTATION_WIDEN:
		applied = n->protocol->event[m->event].word == STEP_K_WORD && (m->word & RIGHTS) != RIGHTS;
		if (applied)
			m->word |= RIGHTS;
		break;
	case MUTATION_NOBODY:
		applied = m->arg.machine != 0;
		m->arg = STEP_NOBODY;
		break;
	default:
		return;
	}
	if (applied)
		atomic_store_explicit(&now.applied, true, memory_order_relaxed);
}

static void mutant_action(struct step_node *n, void *self, const struct step_msg *m)
{
	struct run_of_action r = {.host = n->host, .raised = n->tail}, *outer = running;
	struct step_host host = *n->host;
	host.send = mutant_send;
	running = &r;
	n->host = &host;
	now.action(n, self, m);
	n->host = r.host;
	running = outer;
	look_at_raised(n, &r);
	if (r.count > 16)
		r.count = 16;
	change_told(n, &r);
}

/* ---- a protocol with a mistake ---- */

static struct step_cell *table_copy(const struct step_protocol *p, unsigned machine)
{
	const size_t cells = (size_t)(p->machine[machine].states + 1) * p->events;
	struct step_cell *copy = malloc(cells * sizeof *copy);
	if (copy)
		memcpy(copy, p->machine[machine].table, cells * sizeof *copy);
	return copy;
}

static void change_cell(struct step_cell *c, const struct mutant *m)
{
	now.mutant = *m;
	now.action = c->action;
	/* What changes the cell itself makes a difference wherever it runs. */
	atomic_store(&now.applied, m->mutation < MUTATION_LOSE || m->mutation == MUTATION_PASS);
	switch (m->mutation) {
	case MUTATION_SKIP:
		c->action = NULL;
		break;
	case MUTATION_IGNORE:
		c->action = NULL;
		c->next = m->state;
		break;
	case MUTATION_STAY:
		c->next = m->state;
		if (!m->state)
			c->action = NULL; /* it has no machine to act on */
		break;
	case MUTATION_ASTRAY:
		c->next = m->which;
		break;
	case MUTATION_PASS:
		*c = (struct step_cell){.name = "pass", .kind = STEP_GO, .next = m->state};
		break;
	default:
		c->action = mutant_action;
		c->sends += 1; /* told twice it is not a fault of the tables */
	}
}

int mutant_init(struct step_protocol *out, const struct step_protocol *protocol, const struct mutant *m)
{
	struct step_cell *table = table_copy(protocol, m->machine);
	if (!table)
		return -ENOMEM;
	change_cell(&table[m->state * protocol->events + m->event], m);
	*out = *protocol;
	out->machine[m->machine].table = table;
	return 0;
}

void mutant_fini(struct step_protocol *out, const struct mutant *m)
{
	free((void *)(uintptr_t)out->machine[m->machine].table);
}

static int search(const struct step_protocol *p, const struct checker_options *o, struct mutant_result *out,
		  uint64_t *fingerprint, char **unvisited)
{
	struct checker_result r;
	const int rc = checker_run(p, o, &r);
	if (rc) {
		snprintf(out->why, sizeof out->why, "%s", r.why);
		return rc;
	}
	out->end = r.end == CHECKER_VIOLATED  ? MUTANT_CAUGHT
		   : r.end == CHECKER_BOUNDED ? MUTANT_BOUNDED
					      : MUTANT_SURVIVED;
	out->states += r.states;
	out->seconds += r.seconds;
	out->steps = r.counterexample_steps;
	snprintf(out->why, sizeof out->why, "%s", r.end == CHECKER_BOUNDED ? r.bound : r.why);
	*fingerprint = r.fingerprint;
	if (unvisited)
		*unvisited = r.unvisited, r.unvisited = NULL;
	checker_result_fini(&r);
	return 0;
}

/* The list reads "cap LIVE+QUIT, op IDLE+OK". */
static bool never_runs(const struct step_protocol *p, const struct mutant *m, const char *unvisited)
{
	char cell[128];
	const int length = snprintf(cell, sizeof cell, "%s %s+%s", p->machine[m->machine].name,
				    p->machine[m->machine].state[m->state], p->event[m->event].name);
	for (const char *at = unvisited; at && (at = strstr(at, cell)); at += length)
		if ((at == unvisited || at[-1] == ' ') && (!at[length] || at[length] == ','))
			return true;
	return false;
}

/* No search of the protocol itself runs the cell: so none of the mutant does. */
static bool is_idle(const struct step_protocol *p, const struct mutant *m, const struct mutant_oracle *oracle)
{
	for (uint32_t i = 0; i < oracle->searches; i++)
		if (!never_runs(p, m, oracle->unvisited[i]))
			return false;
	return true;
}

int mutant_judge(const struct step_protocol *protocol, const struct mutant *m,
		 const struct mutant_oracle *oracle, struct mutant_result *out)
{
	struct step_protocol p;
	bool same = true;
	*out = (struct mutant_result){.end = MUTANT_IDLE};
	if (is_idle(protocol, m, oracle))
		return 0;
	int rc = mutant_init(&p, protocol, m);
	if (rc)
		return rc;
	for (uint32_t i = 0; !rc && i < oracle->searches; i++) {
		uint64_t fingerprint = 0;
		rc = search(&p, &oracle->options[i], out, &fingerprint, NULL);
		if (rc || out->end == MUTANT_CAUGHT || out->end == MUTANT_BOUNDED)
			break;
		same = same && fingerprint == oracle->fingerprint[i];
		out->end = same ? MUTANT_EQUIVALENT : MUTANT_SURVIVED;
		if (same && !atomic_load(&now.applied))
			out->end = MUTANT_IDLE;
	}
	mutant_fini(&p, m);
	return rc;
}

void mutant_oracle_fini(struct mutant_oracle *oracle)
{
	for (uint32_t i = 0; i < oracle->searches; i++)
		free(oracle->unvisited[i]);
}

int mutant_oracle_make(struct mutant_oracle *oracle, const struct step_protocol *p,
		       const struct checker_options *options, char *why, size_t size)
{
	*oracle = (struct mutant_oracle){0};
	oracle->options[oracle->searches++] = *options;
	for (uint32_t i = 0; p->promises && p->promises[i].name && oracle->searches < 32; i++)
		if (p->promises[i].kept && p->promises[i].apart) {
			struct checker_options *o = &oracle->options[oracle->searches++];
			*o = *options;
			o->judged = 1u << i;
			if (!o->capabilities || o->capabilities > p->promises[i].apart)
				o->capabilities = p->promises[i].apart;
		}
	for (uint32_t i = 0; i < oracle->searches; i++) {
		struct mutant_result r = {0};
		const int rc =
			search(p, &oracle->options[i], &r, &oracle->fingerprint[i], &oracle->unvisited[i]);
		if (rc || r.end != MUTANT_SURVIVED) {
			snprintf(why, size, "%s%s",
				 r.end == MUTANT_BOUNDED && !rc
					 ? "its search does not close within the limit: "
					 : "",
				 r.why);
			return rc ? rc : -EINVAL;
		}
	}
	return 0;
}
