/* ssi/flat_guard.c - what a frame of another cluster may name.
 *
 * The tables trust what they are told; whoever tells them is another kernel's monitor. This is the one place where its
 * frames are looked at, before a step begins, and nothing that they name is touched unless it was granted:
 *
 *   - a slot of this node, as the receiver or in `arg`, to which a living machine's generation belongs, must be known to the
 *     sender: somebody who knew it has told it so in a message;
 *   - a name (STEP_NAMED) must be one that the sender may know: of a page, that of a file that was found for it or sent to
 *     it; of a capability, one that it was told of, or its own;
 *   - who is to be answered must be the sender's, or of another kernel that the sender was told of;
 *   - a client must be the sender's own; bulk data must lie in the sender's outbox;
 *   - the cell that the frame would reach must exist.
 *
 * Who knows a slot is a word beside it: the generation, and a bit a cluster. In machines of more than 52 clusters several
 * share a bit: there a table of (slot, cluster) says it exactly, and the bit, whether to ask it; natively, where threads would
 * have to share the table, the guard is then as coarse as the bit. It is learned where messages arrive: what a message that passed carries is
 * known to its receiver from then on, but for slots of others that the sender had no business to know. So it costs
 * a few loads a message, and a store for what is new. Authority that is not in messages, as the names in the file
 * service's answers, is noted where it is given.
 *
 * A stale reference passes: it is delivered as to a free slot, and harms nobody. */
#include <stdatomic.h>
#include <stdio.h>
#include "ssi/flat_internal.h"

#define GUARD_NODES 52

static uint64_t bit_of(uint32_t node) { return UINT64_C(1) << node % GUARD_NODES; }

/* ---- exactly, in large machines ---- */

/* (slot, cluster) in 64 bits. Numbers alone, never addresses. */
static uint64_t known_key(unsigned number, step_ref ref, uint32_t node)
{
	uint64_t h = ((uint64_t)node << 32 | ref.node) * 0x9e3779b97f4a7c15u;
	h ^= h >> 32;
	h = (h + ((uint64_t)number << 40 | (uint64_t)ref.machine << 32 | ref.index)) * 0xbf58476d1ce4e5b9u;
	return (h ^ h >> 29) | 1;
}

static bool is_exact(const struct flat_machine *m) { return m->clusters > GUARD_NODES && !m->config.native; }

static bool has_noted(const struct flat_machine *m, uint64_t key, uint64_t gen)
{
	return !is_exact(m) || ssi_table_find(&m->known, key) == gen;
}

static void note(struct flat_machine *m, uint64_t key, uint64_t gen)
{
	if (is_exact(m))
		SIM_CHECK(!ssi_table_put(&m->known, key, gen));
}

/* ---- who knows a slot ---- */

/* The word of a slot; NULL: `ref` names none. */
static sim_atomic_u64 *word_of(const struct flat_machine *m, unsigned number, step_ref ref)
{
	const struct step_protocol *p = m->protocol[number];
	if (!ref.machine || ref.machine >= p->machines || ref.node >= m->clusters)
		return NULL;
	const struct flat_cluster *home = &m->cluster[ref.node];
	return ref.index < home->node[number].pool[ref.machine].slots
		       ? &home->known[number][ref.machine][ref.index]
		       : NULL;
}

static bool knows(const struct flat_machine *m, unsigned number, step_ref ref, uint32_t node)
{
	const sim_atomic_u64 *word = word_of(m, number, ref);
	if (!word || ref.node == node || (number == FLAT_THREAD && ref.machine == THREAD_NAME))
		return true; /* a thread's name is anybody's */
	const uint64_t w = sim_load_relaxed(word);
	return w >> GUARD_NODES == ref.gen && w & bit_of(node) &&
	       has_noted(m, known_key(number, ref, node), ref.gen);
}

/* Generations wrap, and slots may be used again and again before anybody else hears of it: only what is a little behind is
 * older. */
static bool is_older(uint64_t gen, uint64_t than) { return ((than - gen) & 0xfff) - 1 < 255; }

void flat_guard_learn(struct flat_machine *m, unsigned number, step_ref ref, uint32_t node)
{
	sim_atomic_u64 *word = word_of(m, number, ref);
	if (!word || ref.node == node)
		return;
	uint64_t was = sim_load_relaxed(word), now;
	do {
		const uint64_t gen = was >> GUARD_NODES;
		if (gen == ref.gen && was & bit_of(node))
			break;
		if (is_older(ref.gen, gen))
			return;
		now = (gen == ref.gen ? was : (uint64_t)ref.gen << GUARD_NODES) | bit_of(node);
	} while (!atomic_compare_exchange_weak_explicit(word, &was, now, memory_order_relaxed,
							memory_order_relaxed));
	note(m, known_key(number, ref, node), ref.gen);
}

/* A file is known by its number alone. */
static uint64_t file_key(uint32_t file, uint32_t node)
{
	return known_key(FLAT_PROTOCOLS, (step_ref){.index = file}, node);
}

static bool knows_file(const struct flat_machine *m, uint32_t file, uint32_t node)
{
	return node == m->config.service || (sim_load_relaxed(&m->file_known[file]) & bit_of(node) &&
					     has_noted(m, file_key(file, node), 0));
}

void flat_guard_learn_file(struct flat_machine *m, uint32_t file, uint32_t node)
{
	if (file >= m->files_known || knows_file(m, file, node))
		return;
	atomic_fetch_or_explicit(&m->file_known[file], bit_of(node), memory_order_relaxed);
	note(m, file_key(file, node), 0);
}

/* ---- looking at a frame ---- */

/* A slot of this node that lives, and of which the sender does not know. */
static bool is_hidden(const struct flat_cluster *c, const struct step_node *n, step_ref ref, uint32_t from)
{
	return ref.node == c->id && step_lookup(n, ref) && !knows(c->machine, n->number, ref, from);
}

static const char *check_name(const struct flat_cluster *c, const struct step_msg *m, uint32_t from)
{
	const struct flat_machine *machine = c->machine;
	if (m->protocol == FLAT_CAPABILITY ||
	    m->protocol == FLAT_RELAY) /* an endpoint is named as its object */
		return knows(machine, FLAT_CAPABILITY, m->arg, from)
			       ? NULL
			       : "names a capability that its sender was not given";
	const uint32_t file = flat_file_of_page(m->arg);
	if (m->arg.machine != MSI_DIR || m->arg.node != machine->config.service)
		return "names what is no page";
	return file < machine->files_known && knows_file(machine, file, from)
		       ? NULL
		       : "names a page of a file that its sender was not given";
}

static const char *check_client(const struct flat_cluster *c, const struct step_node *n,
				const struct step_msg *m, uint32_t from)
{
	const bool request = n->protocol->event[m->event].klass == STEP_REQUEST;
	if (m->protocol != FLAT_FILE || !request)
		return NULL;
	return m->arg.machine == STEP_CLIENT && m->arg.node == from &&
			       m->arg.index < c->machine->cluster[from].clients
		       ? NULL
		       : "asks for a client that its sender has not";
}

static const char *check_data(const struct flat_cluster *c, const struct step_node *n,
			      const struct step_msg *m, uint32_t from)
{
	const struct flat_cluster *sender = &c->machine->cluster[from];
	if (m->protocol == FLAT_THREAD && n->protocol->event[m->event].word == STEP_K_DATA)
		return flat_thread_is_stopped(sender, m->word) ? NULL : "brings a thread that is not stopped";
	if (!flat_carries_data(n, m))
		return NULL;
	return flat_data_is_there(sender, m->word) ? NULL : "carries data that is not there";
}

static const char *check_cell(struct step_node *n, const struct step_msg *m)
{
	unsigned state;
	const struct step_cell *cell = step_peek(n, m, &state);
	if (cell->kind == STEP_NEVER)
		return "reaches a NEVER cell";
	/* Which slot a new machine takes is not for others to say. */
	return !state && cell->next && m->to.index < n->pool[m->to.machine].slots
		       ? "would make a machine in a slot of its choice"
		       : NULL;
}

/* Who is to be answered: a machine of the sender, of another kernel that the sender was told of (requests of capability
 * protocols are passed on), or nobody. */
static bool is_sender(const struct flat_cluster *c, const struct step_node *n, const struct step_msg *m,
		      uint32_t from)
{
	if (m->from.node == from || !m->from.machine)
		return m->from.machine < n->protocol->machines;
	return (m->protocol == FLAT_CAPABILITY || m->protocol == FLAT_THREAD) &&
	       m->from.machine < n->protocol->machines && knows(c->machine, m->protocol, m->from, from);
}

/* A capability that a thread is said to have here is one that the sender was told of. */
static bool is_not_its_to_give(const struct flat_cluster *c, const struct step_msg *m, uint32_t from)
{
	return m->protocol == FLAT_THREAD && m->arg.machine == STEP_CLIENT &&
	       is_hidden(c, &c->node[FLAT_CAPABILITY], flat_thread_cap(m->arg), from);
}

/* NULL, or why the frame is refused. */
static const char *check(const struct flat_cluster *c, struct step_node *n, const struct step_msg *m,
			 uint32_t from)
{
	const char *why = step_frame_check(n, m);
	if (why)
		return why;
	if (m->protocol != n->number || !is_sender(c, n, m, from))
		return "says that somebody else sent it";
	if (is_hidden(c, n, m->to, from))
		return "is for a machine that its sender was not told of";
	if (m->protocol == FLAT_MEMORY && m->to.index == STEP_NEW)
		return "is for a page that it does not name";
	if (m->to.index == STEP_NAMED)
		why = check_name(c, m, from);
	else if ((m->protocol != FLAT_MEMORY && is_hidden(c, n, m->arg, from)) ||
		 is_not_its_to_give(c, m, from))
		why = "names a machine that its sender was not told of";
	why = why ? why : check_client(c, n, m, from);
	why = why ? why : check_data(c, n, m, from);
	return why ? why : check_cell(n, m);
}

static void refuse(struct flat_cluster *c, const struct step_msg *m, const char *why, uint32_t from)
{
	struct flat_shard *s = c->shard;
	if (s->refused++)
		return;
	snprintf(s->refused_text, sizeof s->refused_text,
		 "cluster %u refuses a frame of cluster %u: protocol %u, event %u %s", c->id, from,
		 m->protocol, m->event, why);
}

bool flat_guard_passes(struct flat_cluster *c, const struct step_msg *m, uint32_t from)
{
	const char *why = m->protocol < c->machine->protocols && c->machine->protocol[m->protocol]
				  ? check(c, &c->node[m->protocol], m, from)
				  : "of no protocol";
	if (why) {
		refuse(c, m, why, from);
		return false;
	}
	if (knows(c->machine, m->protocol, m->from, from))
		flat_guard_learn(c->machine, m->protocol, m->from, c->id);
	const bool slot = m->protocol != FLAT_RELAY &&
			  (m->protocol != FLAT_MEMORY || m->arg.machine == MSI_LINE); /* names are no slots */
	if (slot && knows(c->machine, m->protocol, m->arg, from))
		flat_guard_learn(c->machine, m->protocol, m->arg, c->id);
	return true;
}

/* What is no message comes from the cluster itself, or is credit. */
bool flat_guard_passes_event(struct flat_cluster *c, const struct step_msg *m, uint32_t from)
{
	if (from == c->id || m->protocol < c->machine->protocols)
		return true;
	if (m->protocol == FLAT_CREDIT && c->way && m->word == from && c->way[from].flying)
		return true;
	refuse(c, m, "is no message", from);
	return false;
}

/* ---- memory ---- */

size_t flat_guard_bytes(uint64_t slots)
{
	return slots * sizeof(uint64_t) + 64 * FLAT_PROTOCOLS * STEP_MACHINES_MAX;
}

void flat_guard_take(struct flat_cluster *c)
{
	for (unsigned p = 0; p < c->machine->protocols; p++)
		for (unsigned k = 1; c->machine->protocol[p] && k < c->machine->protocol[p]->machines; k++) {
			c->known[p][k] = sim_arena_take(
				&c->shard->arena, (size_t)c->node[p].pool[k].slots * sizeof(uint64_t), 64);
			SIM_CHECK(c->known[p][k] != NULL);
		}
}
