/* ssi/protocols/protocols.h - the protocols that come with Skerry, by family. Layer: ssi. Immutable data. */
#ifndef SKERRY_SSI_PROTOCOLS_H
#define SKERRY_SSI_PROTOCOLS_H
#include <skerry/capability.h>
#include <skerry/endpoint.h>
#include <skerry/thread.h>

/* capability: see skerry/capability.h. */
extern const struct step_protocol capability_tree;
extern const struct step_protocol capability_owner;
extern const struct step_protocol capability_central;
extern const struct step_protocol capability_captp;
extern const struct step_protocol capability_crypto;
/* crypto's calls into the kernel of an object's home, made by the object's machine (3); arg is the capability whose bits are
 * shown, of any kernel. E_LOCAL_ERR: the MAC is wrong, or the kernel says no. */
enum crypto_local {
	CRYPTO_CHECK =
		CAPABILITY_LOCAL_OF_OWN, /* the MAC of the bits shown, over object, epoch and their word */
	CRYPTO_SEAL,                     /* the same, and bits for the machine's word */
	CRYPTO_ADVANCE, /* the same, and the next epoch: the first capability's bits and these are made anew */
};
extern const struct step_protocol endpoint_relay; /* endpoint: see skerry/endpoint.h */
extern const struct step_protocol thread_eager;   /* thread: see skerry/thread.h */

extern const struct step_protocol capability_acks; /* known to be wrong */

/* memory: arg of a call names the page; completes with the line (the page's local copy) in arg. */
extern const struct step_protocol memory_msi;
enum msi_machine { MSI_DIR = 1, MSI_LINE };
struct msi_calls {
	uint8_t read, write, evict, release;
};
extern const struct msi_calls msi_calls;
step_ref
msi_owner(const void *dir); /* the line that alone has the page's content now; machine 0: the home has it */

/* file: the calls of a POSIX client and the service that answers them. */
extern const struct step_protocol file_posix;
enum posix_machine { POSIX_CALL = 1, POSIX_SERVE };
struct posix_calls {
	uint8_t open, open_cached, stat, stat_cached, list, make, remove, access, close, send;
};
extern const struct posix_calls posix_calls;
/* Calls into the client's monitor and into the name server; arg is the client. Results travel in the client's
 * reply record, an outbox that the frame refers to. */
enum posix_local {
	POSIX_OBTAIN_NAME = 1, /* the name that was found becomes a cached name of this cluster */
	POSIX_OBTAIN_FILE,     /* the file becomes an open file of the client */
	POSIX_ATTRIBUTES,      /* read them, or truncate */
	POSIX_ACCESS,          /* read or write pages */
	POSIX_DELETE,          /* the capability of an open file */
	POSIX_LOOK_UP,         /* service: find the path, make the file if asked; list a directory */
	POSIX_MAKE,            /* service: a change that takes no name away */
	POSIX_CHECK,           /* service: may the name go? */
	POSIX_REVOKE,          /* service: every cached copy of the name */
	POSIX_APPLY,           /* service: take the name away */
	POSIX_DELEGATE,        /* the capability of an open file, to another cluster */
	POSIX_ACCEPT,          /* receiver: it is this client's */
};

/* All of them, NULL-terminated, in the order in which `skerry list` shows them. */
extern const struct step_protocol *const protocols[];
const struct step_protocol *protocol_find(const char *name); /* "memory/msi", or NULL */

#endif
