/* ssi/flat_bits.c - capability/crypto on machines: the bits of each capability, and the MAC that its object's home compares.
 *
 * The table's messages name an object and a word; the tag that vouches for both has no place in a frame. It lies beside the
 * slot that has the bits, as bulk data lies in an outbox: of a capability, in its holder's cluster; of bits on their way, beside
 * the operation that carries them, which lives until they have arrived. Whoever is told of bits copies them from there.
 * When something is asked of the home, the bits' place is in the message (arg): the home reads what lies there, whatever a
 * faulty monitor has put there, and compares.
 *
 * Bits are copied as the table's cells run: bits_tap() sees each before its action.
 *
 *     LEND, PART   to the operation that asked          GIVE       from the operation that carries them
 *     BITS         from the holder that answered        FILL       from the operation
 *     RENEWED      from the operation to its capability  OPEN      sealed: the first capability's
 *     REOPEN       sealed anew: the first's, and those of the capability that revoked, beside the operation
 *
 * Natively a place is read while its owner may fill it anew. Whoever reads a mixture finds that it is none: the object is
 * gone while the rest changes. Costs: those of the tags are charged where the kernel is asked (flat_caps_own()). */
#include <errno.h>
#include <stdlib.h>
#include "ssi/flat_internal.h"

/* A place for bits: as struct mac_bits, in words. */
struct flat_bits {
	sim_atomic_u64 object, word, tag[2];
};

enum bits_event {
	BITS_LEND,
	BITS_PART,
	BITS_GIVE,
	BITS_BITS,
	BITS_FILL,
	BITS_RENEWED,
	BITS_OPEN,
	BITS_REOPEN,
	BITS_EVENTS
};
static const char *const event_names[BITS_EVENTS] = {"LEND", "PART",    "GIVE", "BITS",
						     "FILL", "RENEWED", "OPEN", "REOPEN"};

static enum bits_event event_of(const struct flat_machine *m, unsigned event)
{
	unsigned i = 0;
	while (i < BITS_EVENTS && m->bits_event[i] != event)
		i++;
	return (enum bits_event)i;
}

bool flat_has_bits(const struct flat_machine *m)
{
	return m->protocol[FLAT_CAPABILITY] == &capability_crypto;
}

int flat_bits_init(struct flat_machine *m)
{
	const struct step_protocol *p = m->protocol[FLAT_CAPABILITY];
	if (!flat_has_bits(m))
		return 0;
	for (unsigned i = 0; i < BITS_EVENTS; i++)
		for (unsigned e = 0; e < p->events; e++)
			if (!strcmp(p->event[e].name, event_names[i]))
				m->bits_event[i] = (uint8_t)e;
	for (uint32_t c = 0; c < m->clusters; c++)
		for (unsigned k = CAPABILITY_CAP; k <= CAPABILITY_OP; k++) {
			struct flat_cluster *cluster = &m->cluster[c];
			cluster->bits[k] = calloc(cluster->node[FLAT_CAPABILITY].pool[k].slots,
						  sizeof *cluster->bits[k]);
			if (!cluster->bits[k])
				return -ENOMEM;
		}
	return 0;
}

void flat_bits_fini(struct flat_cluster *c)
{
	free(c->bits[CAPABILITY_CAP]);
	free(c->bits[CAPABILITY_OP]);
}

/* ---- a place ---- */

static struct flat_bits *place_of(const struct flat_machine *m, step_ref at)
{
	if (at.node >= m->clusters || (at.machine != CAPABILITY_CAP && at.machine != CAPABILITY_OP))
		return NULL;
	const struct flat_cluster *c = &m->cluster[at.node];
	return at.index < c->node[FLAT_CAPABILITY].pool[at.machine].slots ? &c->bits[at.machine][at.index]
									  : NULL;
}

/* What is there, or nothing. */
static struct mac_bits bits_read(const struct flat_machine *m, step_ref at)
{
	struct flat_bits *place = place_of(m, at);
	struct mac_bits bits = {0};
	uint64_t words[4];
	if (!place)
		return bits;
	words[0] = sim_load_acquire(&place->object);
	words[1] = sim_load_acquire(
		&place->word); /* (B) pairs with (A): whoever sees new words sees no old object */
	words[2] = sim_load_acquire(&place->tag[0]);
	words[3] = sim_load_acquire(&place->tag[1]);
	if (sim_load_relaxed(&place->object) == words[0])
		memcpy(&bits, words, sizeof bits);
	return bits;
}

static void bits_write(const struct flat_machine *m, step_ref at, const struct mac_bits *bits)
{
	struct flat_bits *place = place_of(m, at);
	uint64_t words[4];
	if (!place)
		return;
	memcpy(words, bits, sizeof words);
	sim_store_relaxed(&place->object, 0);
	sim_store_release(&place->word, words[1]); /* (A) pairs with (B): the object went before */
	sim_store_release(&place->tag[0], words[2]);
	sim_store_release(&place->tag[1], words[3]);
	sim_store_release(&place->object, words[0]);
}

static void bits_copy(const struct flat_machine *m, step_ref to, step_ref from)
{
	const struct mac_bits bits = bits_read(m, from);
	bits_write(m, to, &bits);
}

static struct mac_bits sealed(const struct flat_machine *m, step_ref object, uint32_t word)
{
	struct mac_bits bits = {.object = step_ref_word(object), .word = word};
	mac_seal(&mac_siphash, &m->mac_key, &bits);
	return bits;
}

static void seal_at(const struct flat_machine *m, step_ref place, step_ref object, uint32_t word)
{
	const struct mac_bits bits = sealed(m, object, word);
	bits_write(m, place, &bits);
}

/* ---- cells ---- */

/* A field of a machine of this node that lives, or NULL. */
static const void *field_of(const struct step_node *n, step_ref at, const char *name)
{
	const char *self = step_lookup(n, at);
	const uint32_t offset = flat_offset_of(&n->protocol->machine[at.machine], name);
	return self && offset != UINT32_MAX ? self + offset : NULL;
}

static void seal_first(struct step_node *n, step_ref first, step_ref object)
{
	const uint32_t *word = first.node == n->id ? field_of(n, first, "word") : NULL;
	if (word)
		seal_at(flat_machine_of(n), first, object, *word);
}

/* The word of who revoked was looked at before, and lies beside its operation. */
static void reopen(struct step_node *n, const struct step_msg *m, step_ref object)
{
	const struct flat_machine *machine = flat_machine_of(n);
	seal_first(n, m->arg, object);
	if (m->from.machine == CAPABILITY_OP)
		seal_at(machine, m->from, object, bits_read(machine, m->from).word);
}

void flat_bits_tap(struct step_node *n, step_ref at, const struct step_msg *m, unsigned next)
{
	const struct flat_machine *machine = flat_machine_of(n);
	const step_ref *cap;
	switch (event_of(machine, m->event)) {
	case BITS_LEND:
	case BITS_PART:
		if (at.machine == CAPABILITY_CAP && m->from.node == n->id)
			bits_copy(machine, m->from, at);
		return;
	case BITS_GIVE:
	case BITS_BITS:
	case BITS_FILL:
		if (at.machine == CAPABILITY_CAP && next)
			bits_copy(machine, at, m->from);
		return;
	case BITS_RENEWED:
		cap = at.machine == CAPABILITY_OP ? field_of(n, at, "cap") : NULL;
		if (cap && cap->node == n->id)
			bits_copy(machine, *cap, at);
		return;
	case BITS_OPEN:
		seal_first(n, m->from, at);
		return;
	case BITS_REOPEN:
		reopen(n, m, at);
		return;
	default:
		return;
	}
}

/* ---- what the home's kernel is asked ---- */

static bool covers(uint32_t call, uint32_t held, uint32_t asked)
{
	return call == CRYPTO_CHECK  ? held == asked
	       : call == CRYPTO_SEAL ? capability_explains(held, asked)
				     : true;
}

/* Whoever asks has the bits where it asks from: what is sealed for it goes there. */
static bool answers(const struct flat_machine *m, uint32_t call, step_ref object, step_ref asker,
		    uint32_t word, const struct mac_bits *shown)
{
	if (call == CRYPTO_SEAL)
		seal_at(m, asker, object, word);
	else if (call == CRYPTO_ADVANCE && asker.machine == CAPABILITY_OP)
		bits_write(m, asker, shown);
	return true;
}

bool flat_bits_hold(struct step_node *n, step_ref self, uint32_t call, step_ref place)
{
	struct flat_machine *m = flat_machine_of(n);
	const step_ref *asker = field_of(n, self, "asker");
	const uint32_t *word = field_of(n, self, "word");
	const struct mac_bits bits = bits_read(m, place);
	if (!asker || !word || asker->node != place.node || bits.object != step_ref_word(self))
		return false; /* the place has other bits by now */
	if (mac_holds(&mac_siphash, &m->mac_key, &bits) && covers(call, bits.word, *word))
		return answers(m, call, self, *asker, *word, &bits);
	flat_cluster_of(n)->shard->forged++;
	return false;
}

uint64_t flat_forged(const struct flat_machine *m)
{
	uint64_t forged = 0;
	for (uint32_t i = 0; i < m->shards; i++)
		forged += m->shard[i].forged;
	return forged;
}

void flat_forge_bits(struct flat_machine *m, step_ref place, step_ref object, uint32_t word, uint64_t tag)
{
	struct mac_bits bits = {.object = step_ref_word(object), .word = word};
	memcpy(bits.tag, &tag, sizeof tag);
	bits_write(m, place, &bits);
}
