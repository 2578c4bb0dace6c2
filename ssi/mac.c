#include "ssi/mac.h"
#include <sodium.h>
#include <stddef.h>
#include <string.h>

#define VOUCHED_BYTES offsetof(struct mac_bits, tag)

_Static_assert(sizeof(crypto_auth_hmacsha256_state) <= MAC_KEY_BYTES,
	       "a prepared key holds libsodium's state");
_Static_assert(crypto_shorthash_KEYBYTES <= MAC_SECRET_BYTES &&
		       crypto_auth_hmacsha256_KEYBYTES == MAC_SECRET_BYTES,
	       "a secret is long enough for each");

/* SipHash has no state to prepare: its key is 16 bytes. */
static void siphash_prepare(struct mac_key *key, const uint8_t secret[MAC_SECRET_BYTES])
{
	memcpy(key->state, secret, crypto_shorthash_KEYBYTES);
}

static void siphash_tag(const struct mac_key *key, const struct mac_bits *bits, uint8_t tag[16])
{
	memset(tag, 0, 16);
	crypto_shorthash(tag, (const unsigned char *)bits, VOUCHED_BYTES, key->state);
}

/* The two blocks of the key are hashed once; each tag begins with a copy of what they left. */
static void hmac_prepare(struct mac_key *key, const uint8_t secret[MAC_SECRET_BYTES])
{
	crypto_auth_hmacsha256_init((crypto_auth_hmacsha256_state *)(void *)key->state, secret,
				    MAC_SECRET_BYTES);
}

static void hmac_tag(const struct mac_key *key, const struct mac_bits *bits, uint8_t tag[16])
{
	crypto_auth_hmacsha256_state state;
	uint8_t whole[crypto_auth_hmacsha256_BYTES];

	memcpy(&state, key->state, sizeof(state));
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)bits, VOUCHED_BYTES);
	crypto_auth_hmacsha256_final(&state, whole);
	memcpy(tag, whole, 16);
}

const struct mac mac_siphash = {
	.name = "siphash", .tag_bytes = 8, .prepare = siphash_prepare, .tag = siphash_tag};
const struct mac mac_hmac_sha256 = {
	.name = "hmac_sha256", .tag_bytes = 16, .prepare = hmac_prepare, .tag = hmac_tag};

const struct mac *mac_find(const char *name)
{
	if (!strcmp(name, mac_siphash.name))
		return &mac_siphash;
	return strcmp(name, mac_hmac_sha256.name) ? NULL : &mac_hmac_sha256;
}

void mac_seal(const struct mac *mac, const struct mac_key *key, struct mac_bits *bits)
{
	mac->tag(key, bits, bits->tag);
}

bool mac_holds(const struct mac *mac, const struct mac_key *key, const struct mac_bits *bits)
{
	uint8_t tag[16];

	mac->tag(key, bits, tag);
	return crypto_verify_16(tag, bits->tag) == 0;
}
