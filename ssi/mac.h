/* ssi/mac.h - a capability as bits: 32 bytes that anybody may keep and copy, and that only who has the key can make.
 *
 * What the hosts of capability/crypto compute where its table asks the local kernel (enum crypto_local). Two MACs, both
 * libsodium's: SipHash-2-4, which is the default, and HMAC-SHA256 cut to 16 bytes, for who wants tags that nobody doubts.
 * A key's state is prepared once. One library for both, because it has no state of its own, allocates nothing and names no
 * algorithm by a string; bench/row_crypto.c has what others would take.
 *
 * Thread rule: everything here is a value; a prepared key may be read by any thread. Layer: ssi. Errors: none, but for a bit
 * that is wrong. Sources: Aumasson and Bernstein, SipHash (2012); RFC 2104. */
#ifndef SKERRY_SSI_MAC_H
#define SKERRY_SSI_MAC_H
#include <stdbool.h>
#include <stdint.h>

struct mac_bits {
	uint64_t object;      /* which: a reference, with the low bits of the epoch as its generation */
	uint32_t epoch, word; /* the epoch's other bits; rights and badge */
	uint8_t tag[16];      /* of the 16 bytes above */
};
_Static_assert(sizeof(struct mac_bits) == 32, "a capability takes half a frame");

#define MAC_SECRET_BYTES 32
#define MAC_KEY_BYTES    416

struct mac_key {
	_Alignas(16) uint8_t state[MAC_KEY_BYTES];
};

struct mac {
	const char *name;
	uint32_t tag_bytes; /* the rest of the tag is zero */
	/* Fills in a key from a secret. */
	void (*prepare)(struct mac_key *key, const uint8_t secret[MAC_SECRET_BYTES]);
	void (*tag)(const struct mac_key *key, const struct mac_bits *bits, uint8_t tag[16]);
};

extern const struct mac mac_siphash, mac_hmac_sha256;

/* "siphash", "hmac_sha256", or NULL. */
const struct mac *mac_find(const char *name);
void mac_seal(const struct mac *mac, const struct mac_key *key, struct mac_bits *bits);
/* Whether the tag is the one that mac_seal() makes; takes the same time wherever they differ. */
bool mac_holds(const struct mac *mac, const struct mac_key *key, const struct mac_bits *bits);

#endif
