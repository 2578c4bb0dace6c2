/* tests/unit/test_crypto.c - capability/crypto with real MACs: what its operations cost in messages, that a revoke costs the same
 * whatever the number of copies, and that bits which somebody changed, kept or made up are refused by the home.
 *
 * The test keeps the 32 bytes of every capability beside its slot, where the client that holds it could write, and does the
 * kernels' part with ssi/mac.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sodium.h>
#include "ssi/mac.h"
#include "ssi/protocols/protocols.h"
#include "tests/lib/bed.h"

struct world {
	struct bed *bed;
	const struct mac *mac;
	struct mac_key key[BED_NODES];
	uint32_t turns[BED_NODES]
		      [BED_SLOTS]; /* how often the generation of an object's slot has come round */
	struct mac_bits held[BED_NODES][BED_SLOTS],
		sealed[BED_NODES][BED_SLOTS]; /* by capability, by operation */
};

static const void *field_of(const struct step_node *n, step_ref at, const char *name)
{
	for (const struct step_field *f = n->protocol->machine[at.machine].fields(); f->name; f++)
		if (!strcmp(f->name, name))
			return (const char *)step_at(n, at.machine, (uint32_t)at.index) + f->offset;
	fail_msg("no field %s", name);
	return NULL;
}
static step_ref ref_of(const struct world *b, step_ref at, const char *name)
{
	return *(const step_ref *)field_of(&b->bed->node[at.node], at, name);
}
static uint32_t word_of(const struct world *b, step_ref at)
{
	return *(const uint32_t *)field_of(&b->bed->node[at.node], at, "word");
}

/* ---- the kernels: what is sealed, and what holds ---- */

static struct mac_bits make_bits(const struct world *b, step_ref object, uint32_t word)
{
	struct mac_bits bits = {
		.object = step_ref_word(object), .epoch = b->turns[object.node][object.index], .word = word};
	mac_seal(b->mac, &b->key[object.node], &bits);
	return bits;
}

/* The bits of a capability. Those of a first one are made when somebody wants them: the home has the key. */
static struct mac_bits bits_of(struct world *b, step_ref cap)
{
	const step_ref object = ref_of(b, cap, "object");
	const struct step_node *home = &b->bed->node[object.node];
	if (step_lookup(home, object) && step_same(ref_of(b, object, "first"), cap))
		return make_bits(b, object, word_of(b, cap));
	return b->held[cap.node][cap.index];
}

/* A new capability's bits come from another, or from what the home has sealed for the operation; imported ones the client
 * brings along. */
static bool install(struct world *b, step_ref self, step_ref from)
{
	struct mac_bits *bits = &b->held[self.node][self.index];
	const step_ref source = from.machine == CAPABILITY_OP ? ref_of(b, from, "cap") : from;
	if (from.machine == CAPABILITY_OP && b->sealed[from.node][from.index].object)
		*bits = b->sealed[from.node][from.index];
	else if (source.machine)
		*bits = bits_of(b, source);
	return true;
}

static bool shown_holds(struct world *b, step_ref object, step_ref shown)
{
	const struct mac_bits bits = bits_of(b, shown);
	return bits.object == step_ref_word(object) && bits.epoch == b->turns[object.node][object.index] &&
	       mac_holds(b->mac, &b->key[object.node], &bits);
}

static bool answer_of(struct world *b, step_ref self, uint32_t call, step_ref arg)
{
	const step_ref asker = call >= CAPABILITY_LOCAL_OF_OWN ? ref_of(b, self, "asker") : STEP_NOBODY;
	if (call == CAPABILITY_INSTALL)
		return install(b, self, arg);
	if (call < CAPABILITY_LOCAL_OF_OWN)
		return true;
	if (!shown_holds(b, self, arg))
		return false;
	if (call == CRYPTO_CHECK) {
		const struct mac_bits bits = bits_of(b, arg);
		return bits.word == word_of(b, self);
	}
	if (call == CRYPTO_SEAL) {
		if (!capability_explains(bits_of(b, arg).word, word_of(b, self)))
			return false;
		b->sealed[asker.node][asker.index] = make_bits(b, self, word_of(b, self));
		return true;
	}
	/* The next epoch: its slot's generation, of 12 bits, and how often that has come round. */
	step_ref next = self;
	next.gen++;
	b->turns[self.node][self.index] += next.gen == 0;
	b->held[arg.node][arg.index] = make_bits(b, next, bits_of(b, arg).word);
	return true;
}

static bool bed_answers(struct bed *bed, step_ref self, uint32_t call, step_ref arg)
{
	return answer_of(bed->owner, self, call, arg);
}

static struct world *world_new(const struct mac *mac)
{
	struct world *b = calloc(1, sizeof *b);
	assert_non_null(b);
	b->bed = bed_new(&capability_crypto);
	b->bed->owner = b;
	b->bed->answer = bed_answers;
	b->mac = mac;
	for (uint32_t i = 0; i < BED_NODES; i++) {
		uint8_t secret[MAC_SECRET_BYTES] = {(uint8_t)(i + 1)};
		mac->prepare(&b->key[i], secret);
	}
	return b;
}

static void world_free(struct world *b)
{
	bed_free(b->bed);
	free(b);
}

/* A client's call and all that follows; returns the messages between nodes. b->bed->code says how it ended. */
static uint32_t call(struct world *b, uint32_t node, unsigned event, step_ref arg, uint32_t word)
{
	const unsigned machine = event == CAPABILITY_CREATE ? CAPABILITY_CAP : CAPABILITY_OP;
	memset(b->sealed, 0, sizeof b->sealed);
	return bed_call(b->bed, STEP_ANY(node, machine), event, arg, word);
}

static step_ref make(struct world *b, uint32_t node, unsigned event, step_ref arg, uint32_t word,
		     uint32_t messages)
{
	assert_int_equal(call(b, node, event, arg, word), messages);
	assert_int_equal(b->bed->code, CAPABILITY_OK);
	return b->bed->result;
}
static bool is_refused(struct world *b, uint32_t node, unsigned event, step_ref arg, uint32_t word)
{
	call(b, node, event, arg, word);
	return b->bed->code == CAPABILITY_FAILED;
}

/* ---- facts ---- */

static void test_what_operations_cost_in_messages(void **state)
{
	struct world *b = world_new(*state);
	const step_ref first = make(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 15, 0);
	const step_ref at1 = make(b, 1, CAPABILITY_OBTAIN, first, 0, 2);
	const step_ref at2 = make(b, 1, CAPABILITY_DELEGATE, at1, 2, 2);
	assert_int_equal(at2.node, 2);
	const step_ref copy = make(b, 2, CAPABILITY_COPY, at2, 0, 0);
	const step_ref minted = make(b, 2, CAPABILITY_MINT, at2, 3 | 7 << CAPABILITY_BADGE_SHIFT, 2);
	assert_int_equal(word_of(b, minted), 3 | 7 << CAPABILITY_BADGE_SHIFT);
	const step_ref moved = make(b, 2, CAPABILITY_MOVE, copy, 3, 2);
	assert_null(step_lookup(&b->bed->node[2], copy));
	make(b, 3, CAPABILITY_USE, moved, 1, 2);
	assert_true(step_same(make(b, 3, CAPABILITY_QUERY, moved, 0, 2), first));
	make(b, 2, CAPABILITY_USE, minted, 3, 2);
	make(b, 2, CAPABILITY_RETYPE, at2, 15, 2);
	make(b, 3, CAPABILITY_DELETE, moved, 0, 0);
	make(b, 1, CAPABILITY_REVOKE, at1, 0, 2);
	make(b, 1, CAPABILITY_USE, at1, 1, 2);
	/* at the home: nothing */
	make(b, 0, CAPABILITY_USE, first, 1, 0);
	const step_ref here = make(b, 0, CAPABILITY_MINT, first, 1, 0);
	make(b, 0, CAPABILITY_USE, here, 1, 0);
	make(b, 0, CAPABILITY_REVOKE, first, 0, 0);
	make(b, 0, CAPABILITY_RETIRE, first, 0, 0);
	world_free(b);
}

static void test_a_revoke_costs_the_same_for_forty_copies(void **state)
{
	struct world *b = world_new(*state);
	const step_ref first = make(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 15, 0);
	step_ref copy[40];
	for (uint32_t i = 0; i < 40; i++)
		copy[i] = make(b, 1 + i % 4, CAPABILITY_OBTAIN, first, 0, 2);
	for (uint32_t i = 0; i < 40; i++)
		assert_false(is_refused(b, 1 + i % 4, CAPABILITY_USE, copy[i], 1));
	make(b, 0, CAPABILITY_REVOKE, first, 0, 0);
	for (uint32_t i = 0; i < 40; i++)
		assert_true(is_refused(b, 1 + i % 4, CAPABILITY_USE, copy[i], 1));
	assert_false(is_refused(b, 0, CAPABILITY_USE, first, 1));
	world_free(b);
}

static void test_who_revokes_keeps_his_own_and_takes_everybody_elses(void **state)
{
	struct world *b = world_new(*state);
	const step_ref first = make(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 15, 0);
	const step_ref one = make(b, 1, CAPABILITY_OBTAIN, first, 0, 2);
	const step_ref two = make(b, 2, CAPABILITY_OBTAIN, first, 0, 2);
	make(b, 1, CAPABILITY_REVOKE, one, 0, 2);
	assert_false(is_refused(b, 1, CAPABILITY_USE, one, 15));
	assert_true(is_refused(b, 2, CAPABILITY_USE, two, 1)); /* it was not derived from `one` */
	assert_true(is_refused(b, 2, CAPABILITY_REVOKE, two, 0));
	assert_true(is_refused(b, 2, CAPABILITY_MINT, two, 1));
	world_free(b);
}

/* The client writes where its bits lie. Everything but the tag is right: the generation too. */
static void test_bits_that_somebody_changed_are_refused(void **state)
{
	struct world *b = world_new(*state);
	const step_ref first = make(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 15, 0);
	const step_ref weak = make(b, 1, CAPABILITY_OBTAIN, make(b, 0, CAPABILITY_MINT, first, 2, 0), 0, 2);
	struct mac_bits *bits = &b->held[1][weak.index];
	const struct mac_bits good = *bits;
	uint32_t *word = (uint32_t *)(uintptr_t)field_of(&b->bed->node[1], weak, "word");
	assert_false(is_refused(b, 1, CAPABILITY_USE, weak, 2));
	assert_true(is_refused(b, 1, CAPABILITY_USE, weak, 1));
	bits->word = *word = 15; /* more rights */
	assert_true(is_refused(b, 1, CAPABILITY_USE, weak, 1));
	assert_true(is_refused(b, 1, CAPABILITY_MINT, weak, 15));
	assert_true(is_refused(b, 1, CAPABILITY_REVOKE, weak, 0));
	*bits = good, *word = 2;
	for (uint32_t i = 0; i < b->mac->tag_bytes * 8; i++) { /* any bit of the tag */
		bits->tag[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_true(is_refused(b, 1, CAPABILITY_USE, weak, 2));
		bits->tag[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	assert_false(is_refused(b, 1, CAPABILITY_USE, weak, 2));
	world_free(b);
}

static void test_the_tag_of_another_object_or_another_home_is_refused(void **state)
{
	struct world *b = world_new(*state);
	const step_ref one =
		make(b, 1, CAPABILITY_OBTAIN, make(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 15, 0), 0, 2);
	const step_ref two =
		make(b, 1, CAPABILITY_OBTAIN, make(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 15, 0), 0, 2);
	const step_ref other =
		make(b, 1, CAPABILITY_OBTAIN, make(b, 2, CAPABILITY_CREATE, STEP_NOBODY, 15, 0), 0, 2);
	const struct mac_bits good = b->held[1][one.index];
	memcpy(b->held[1][one.index].tag, b->held[1][two.index].tag, 16);
	assert_true(is_refused(b, 1, CAPABILITY_USE, one, 1));
	memcpy(b->held[1][one.index].tag, b->held[1][other.index].tag, 16);
	assert_true(is_refused(b, 1, CAPABILITY_USE, one, 1));
	b->held[1][one.index] = good;
	assert_false(is_refused(b, 1, CAPABILITY_USE, one, 1));
	world_free(b);
}

/* A reference has 12 bits for its generation. After 4,096 revokes the old one is the current one again; the MAC covers more. */
static void test_an_old_epoch_stays_old_when_its_generation_comes_round(void **state)
{
	struct world *b = world_new(*state);
	const step_ref first = make(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 15, 0);
	const step_ref old = make(b, 1, CAPABILITY_OBTAIN, first, 0, 2);
	const step_ref object = ref_of(b, old, "object");
	for (uint32_t i = 0; i < 4096; i++)
		make(b, 0, CAPABILITY_REVOKE, first, 0, 0);
	assert_true(step_same(ref_of(b, first, "object"), object));
	assert_non_null(step_lookup(&b->bed->node[0], object));
	assert_true(is_refused(b, 1, CAPABILITY_USE, old, 1));
	make(b, 1, CAPABILITY_USE, make(b, 1, CAPABILITY_OBTAIN, first, 0, 2), 1, 2);
	world_free(b);
}

/* Nobody granted it, and it works: this is what is meant by no confinement. */
static void test_bits_that_were_copied_by_the_way_can_be_used(void **state)
{
	struct world *b = world_new(*state);
	const step_ref first = make(b, 0, CAPABILITY_CREATE, STEP_NOBODY, 15, 0);
	const step_ref mine = make(b, 1, CAPABILITY_OBTAIN, first, 0, 2);
	const struct mac_bits seen = b->held[1][mine.index];
	const step_ref stolen =
		make(b, 4, CAPABILITY_CALLS_END, ref_of(b, mine, "object"), word_of(b, mine), 0);
	b->held[4][stolen.index] = seen;
	assert_false(is_refused(b, 4, CAPABILITY_USE, stolen, 1));
	world_free(b);
}

/* That the two functions are SipHash-2-4 and HMAC-SHA256 is their library's business; ours is what they cover. */
static void test_a_tag_covers_every_bit_and_the_key(void **state)
{
	const struct mac *mac = *state;
	struct mac_key key, another;
	uint8_t secret[MAC_SECRET_BYTES] = {1};
	struct mac_bits bits = {.object = 77, .epoch = 5, .word = 3};
	mac->prepare(&key, secret);
	secret[3] = 1;
	mac->prepare(&another, secret);
	mac_seal(mac, &key, &bits);
	assert_true(mac_holds(mac, &key, &bits));
	assert_false(mac_holds(mac, &another, &bits));
	for (uint32_t i = 0; i < (16 + mac->tag_bytes) * 8; i++) {
		((uint8_t *)&bits)[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_false(mac_holds(mac, &key, &bits));
		((uint8_t *)&bits)[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	assert_true(mac_holds(mac, &key, &bits));
	assert_ptr_equal(mac_find(mac->name), mac);
	assert_null(mac_find("md5"));
}

/* A prepared key gives the tag of the usual call. */
static void test_prepared_keys_change_nothing(void **state)
{
	struct mac_key key;
	struct mac_bits bits = {.object = 1, .epoch = 2, .word = 3};
	const uint8_t secret[MAC_SECRET_BYTES] = {9, 8, 7};
	uint8_t whole[crypto_auth_hmacsha256_BYTES];
	(void)state;
	mac_hmac_sha256.prepare(&key, secret);
	mac_seal(&mac_hmac_sha256, &key, &bits);
	crypto_auth_hmacsha256(whole, (const uint8_t *)&bits, 16, secret);
	assert_memory_equal(bits.tag, whole, 16);
}

#define WITH(fact, mac)                                                                                      \
	{                                                                                                    \
#fact "_" #mac, fact, NULL, NULL, (void *)(uintptr_t) & (mac)                                \
	}
#define WITH_BOTH(fact) WITH(fact, mac_siphash), WITH(fact, mac_hmac_sha256)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_BOTH(test_what_operations_cost_in_messages),
		WITH_BOTH(test_a_revoke_costs_the_same_for_forty_copies),
		WITH_BOTH(test_who_revokes_keeps_his_own_and_takes_everybody_elses),
		WITH_BOTH(test_bits_that_somebody_changed_are_refused),
		WITH_BOTH(test_the_tag_of_another_object_or_another_home_is_refused),
		WITH_BOTH(test_an_old_epoch_stays_old_when_its_generation_comes_round),
		WITH_BOTH(test_bits_that_were_copied_by_the_way_can_be_used),
		WITH_BOTH(test_a_tag_covers_every_bit_and_the_key),
		cmocka_unit_test(test_prepared_keys_change_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
