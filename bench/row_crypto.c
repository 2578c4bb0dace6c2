/* Cryptography instead of a table: what it takes to see that 32 bytes are a capability (ssi/mac.h: 16 bytes that a tag of 8 or
 * 16 vouches for). Which capability is shown next depends on the tag of the one before, as a lookup depends on the one
 * before it; 1,024 of them lie in the first-level cache, so no row waits for memory.
 *
 * siphash and hmac_sha256_prepared are what capability/crypto uses; hmac_sha256 is the call that one finds in examples, which
 * begins with the key each time. The rows openssl are its library at its best: SHA-256 by the processor's instructions where it
 * has them, with the two blocks of the key hashed once. ed25519 is a signature: who checks it needs no secret.
 *
 * Not shown: what a use costs besides, a message to the object's home and back, which a table of one's own does not need. */
#include <stdlib.h>
#include <string.h>
#include "bench/bench.h"
#include "ssi/mac.h"
#include <sodium.h>
#ifdef BENCH_WITH_OPENSSL
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/hmac.h>
#include <openssl/sha.h>
#endif

#define CAPABILITIES 1024u
#define BATCH_CHECKS 2000
#define SLOW_CHECKS  50

struct subject {
	const struct way *way;
	struct mac_key key;
	uint8_t secret[MAC_SECRET_BYTES];
	uint8_t public_key[crypto_sign_PUBLICKEYBYTES], secret_key[crypto_sign_SECRETKEYBYTES];
#ifdef BENCH_WITH_OPENSSL
	SHA256_CTX inner, outer;
#endif
	uint32_t at;
	bool wrong;
	struct mac_bits bits[CAPABILITIES];
	uint8_t signature[CAPABILITIES][crypto_sign_BYTES];
};

/* One way to vouch for capability i, and to see whether the vouching holds. */
struct way {
	uint32_t batch;
	bool seals; /* what is timed is the making */
	void (*prepare)(struct subject *s);
	void (*seal)(struct subject *s, uint32_t i);
	bool (*holds)(struct subject *s, uint32_t i);
};

#define VOUCHED 16

/* ---- libsodium, as capability/crypto uses it ---- */

static void sip_prepare(struct subject *s) { mac_siphash.prepare(&s->key, s->secret); }
static void sip_seal(struct subject *s, uint32_t i) { mac_seal(&mac_siphash, &s->key, &s->bits[i]); }
static bool sip_holds(struct subject *s, uint32_t i) { return mac_holds(&mac_siphash, &s->key, &s->bits[i]); }
static void hmac_prepare(struct subject *s) { mac_hmac_sha256.prepare(&s->key, s->secret); }
static void hmac_seal(struct subject *s, uint32_t i) { mac_seal(&mac_hmac_sha256, &s->key, &s->bits[i]); }
static bool hmac_holds(struct subject *s, uint32_t i)
{
	return mac_holds(&mac_hmac_sha256, &s->key, &s->bits[i]);
}

/* ---- as usually called ---- */

static bool usual_holds(struct subject *s, uint32_t i)
{
	uint8_t tag[crypto_auth_hmacsha256_BYTES];

	crypto_auth_hmacsha256(tag, (const uint8_t *)&s->bits[i], VOUCHED, s->secret);
	return crypto_verify_16(tag, s->bits[i].tag) == 0;
}

static void sign_prepare(struct subject *s)
{
	crypto_sign_seed_keypair(s->public_key, s->secret_key, s->secret);
}

static void sign_seal(struct subject *s, uint32_t i)
{
	crypto_sign_detached(s->signature[i], NULL, (const uint8_t *)&s->bits[i], VOUCHED, s->secret_key);
	memcpy(s->bits[i].tag, s->signature[i], sizeof(s->bits[i].tag)); /* leads to the next */
}

static bool sign_holds(struct subject *s, uint32_t i)
{
	return crypto_sign_verify_detached(s->signature[i], (const uint8_t *)&s->bits[i], VOUCHED,
					   s->public_key) == 0;
}

/* ---- OpenSSL ---- */

#ifdef BENCH_WITH_OPENSSL
static bool openssl_usual_holds(struct subject *s, uint32_t i)
{
	uint8_t tag[SHA256_DIGEST_LENGTH];

	HMAC(EVP_sha256(), s->secret, MAC_SECRET_BYTES, (const uint8_t *)&s->bits[i], VOUCHED, tag, NULL);
	return CRYPTO_memcmp(tag, s->bits[i].tag, sizeof(s->bits[i].tag)) == 0;
}

static void pad(SHA256_CTX *context, const uint8_t *secret, uint8_t with)
{
	uint8_t block[SHA256_CBLOCK];

	memset(block, with, sizeof(block));
	for (uint32_t i = 0; i < MAC_SECRET_BYTES; i++)
		block[i] ^= secret[i];
	SHA256_Init(context);
	SHA256_Update(context, block, sizeof(block));
}

static void openssl_prepare(struct subject *s)
{
	hmac_prepare(s);
	pad(&s->inner, s->secret, 0x36);
	pad(&s->outer, s->secret, 0x5c);
}

static bool openssl_holds(struct subject *s, uint32_t i)
{
	uint8_t tag[SHA256_DIGEST_LENGTH];
	SHA256_CTX context = s->inner;

	SHA256_Update(&context, &s->bits[i], VOUCHED);
	SHA256_Final(tag, &context);
	context = s->outer;
	SHA256_Update(&context, tag, sizeof(tag));
	SHA256_Final(tag, &context);
	return CRYPTO_memcmp(tag, s->bits[i].tag, sizeof(s->bits[i].tag)) == 0;
}
#endif

static void teardown(void *self) { free(self); }

/* The last capability is shown with a bit wrong, so that a check that never fails fails here. */
static bool forgery_passes(struct subject *s)
{
	const uint32_t last = CAPABILITIES - 1;
	bool passes;

	s->bits[last].word ^= 1;
	passes = s->way->holds(s, last);
	s->bits[last].word ^= 1;
	return passes;
}

static void *setup(const struct bench_row *row)
{
	struct subject *s = sodium_init() < 0 ? NULL : calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->way = row->parameter;
	for (uint32_t i = 0; i < MAC_SECRET_BYTES; i++)
		s->secret[i] = (uint8_t)(7 * i + 1);
	s->way->prepare(s);
	for (uint32_t i = 0; i < CAPABILITIES; i++) {
		s->bits[i] = (struct mac_bits){.object = i, .epoch = i % 5, .word = i % 16};
		s->way->seal(s, i);
	}
	s->wrong = forgery_passes(s);
	return s;
}

static uint32_t next_of(const struct subject *s, uint32_t at)
{
	uint32_t tag;

	memcpy(&tag, s->bits[at].tag, sizeof(tag));
	return (at + (tag | 1)) % CAPABILITIES;
}

static uint64_t run(void *self)
{
	struct subject *s = self;
	uint32_t at = s->at;

	for (uint32_t i = 0; i < s->way->batch; i++) {
		bool good = true;

		if (s->way->seals)
			s->way->seal(s, at);
		else
			good = s->way->holds(s, at);
		s->wrong |= !good;
		at = (next_of(s, at) + !good) % CAPABILITIES;
	}
	s->at = at;
	return s->way->batch;
}

static const char *fault(void *self)
{
	return ((struct subject *)self)->wrong
		       ? "a capability that is good was refused, or one that is not passed"
		       : NULL;
}

/* clang-format off */
static const struct way siphash = {BATCH_CHECKS, false, sip_prepare, sip_seal, sip_holds};
static const struct way siphash_seal = {BATCH_CHECKS, true, sip_prepare, sip_seal, sip_holds};
static const struct way hmac_usual = {BATCH_CHECKS, false, hmac_prepare, hmac_seal, usual_holds};
static const struct way hmac_prepared = {BATCH_CHECKS, false, hmac_prepare, hmac_seal, hmac_holds};
static const struct way ed25519_verify = {SLOW_CHECKS, false, sign_prepare, sign_seal, sign_holds};
static const struct way ed25519_sign = {SLOW_CHECKS, true, sign_prepare, sign_seal, sign_holds};

#define ROW(name_, way)                                                                                      \
	{.name = "crypto/" name_,                                                                            \
	 .against = {{"times_lookup_1e3", "translate/lookup_1e3", .over = true},                             \
		     {"times_lookup_1e5", "translate/lookup_1e5", .over = true},                             \
		     {"times_lookup_1e7", "translate/lookup_1e7", .over = true}},                            \
	 .parameter = &(way), .setup = setup, .run = run, .fault = fault, .teardown = teardown}

#ifdef BENCH_WITH_OPENSSL
static const struct way openssl_usual = {BATCH_CHECKS, false, openssl_prepare, hmac_seal, openssl_usual_holds};
static const struct way openssl_prepared = {BATCH_CHECKS, false, openssl_prepare, hmac_seal, openssl_holds};
#define OPENSSL(name, way) ROW(name, way)
#else
static const char *skip_absent(const struct bench_row *row) { return row->parameter; }
#define OPENSSL(name_, way)                                                                                  \
	{.name = "crypto/" name_, .skip = skip_absent,                                                       \
	 .parameter = "<openssl/sha.h> was not there when this was built (Debian: libssl-dev)"}
#endif

const struct bench_row bench_crypto_rows[] = {
	ROW("siphash", siphash),
	ROW("siphash_seal", siphash_seal),
	ROW("hmac_sha256", hmac_usual),
	ROW("hmac_sha256_prepared", hmac_prepared),
	OPENSSL("hmac_sha256_openssl", openssl_usual),
	OPENSSL("hmac_sha256_openssl_prepared", openssl_prepared),
	ROW("ed25519_verify", ed25519_verify),
	ROW("ed25519_sign", ed25519_sign),
	{.name = NULL},
};
/* clang-format on */
