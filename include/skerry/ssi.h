/* skerry/ssi.h - capabilities across clusters, for a program on a kernel: what its monitor does for it.
 *
 * A program that runs on a kernel of a clustered machine has, in its own CSpace, ordinary seL4 capabilities. Some are for
 * objects of other clusters: representatives. The kernel alone decides about their use; what crosses clusters is asked from
 * the monitor, by IPC to the endpoint in slot SSI_MONITOR. Whom a capability is given to, what was derived from it anywhere,
 * and that a revoke reaches all of that before it returns, is the protocol's business (protocols.capability).
 *
 * CPtrs are slots of the program's root CNode; from SSI_FIRST on they are the monitor's to fill. An object's kind says what a
 * representative is for the kernel:
 *
 *     SSI_FILE, SSI_ENDPOINT   a badged endpoint, at which the monitor receives; the badge is the monitor's
 *     SSI_NOTIFICATION         a notification
 *     SSI_FRAME                a frame of 4 KiB; of another cluster's memory: device memory
 *     SSI_UNTYPED              untyped memory of 2^SSI_UNTYPED_BITS bytes; of another cluster: device untyped, of which frames
 *                              can be made and nothing else
 *
 * All return a seL4_Error:
 *     seL4_NoError             done
 *     seL4_InvalidCapability   the slot has none, or not one of these, or a revoke took it away
 *     seL4_FailedLookup        it is not usable (any more), the other side refused, or its kernel
 *     seL4_InvalidArgument     no such kind, client, cluster, or not for this kind
 *     seL4_IllegalOperation    the machine's protocol has no such operation
 *     seL4_NotEnoughMemory     no slot, or no memory
 * On failure nothing has changed, and what is returned by pointer is untouched.
 *
 * Thread rule: any thread of the program, on its own IPC buffer. Layer: public; needs <sel4/sel4.h>. Source: seL4 reference
 * manual 3 (CNode and untyped invocations, after which the calls are named). */
#ifndef SKERRY_SSI_H
#define SKERRY_SSI_H
#include <sel4/sel4.h>

#define SSI_MONITOR           1 /* a slot: the monitor's endpoint */
#define SSI_NOTIFICATION_SLOT 2 /* a slot: signalled when something has come */
#define SSI_FIRST             3
#define SSI_UNTYPED_BITS      14

enum ssi_kind { SSI_FILE, SSI_ENDPOINT, SSI_NOTIFICATION, SSI_FRAME, SSI_UNTYPED, SSI_KINDS };

/* Of a capability; seL4's. */
enum ssi_rights { SSI_WRITE = 1, SSI_READ = 2, SSI_GRANT = 4, SSI_GRANT_REPLY = 8, SSI_ALL = 15 };

/* What the monitor is asked: the label of the message. */
enum ssi_call {
	SSI_CREATE = 64,
	SSI_SEND,
	SSI_OFFER,
	SSI_OBTAIN,
	SSI_COPY,
	SSI_MINT,
	SSI_MOVE,
	SSI_DELETE,
	SSI_REVOKE,
	SSI_RETYPE,
	SSI_QUERY,
	SSI_USE,
	SSI_CALLS_END
};

static inline seL4_Error ssi_call(seL4_CPtr at, enum ssi_call call, seL4_Word word[4])
{
	return (seL4_Error)seL4_MessageInfo_get_label(seL4_CallWithMRs(
		at, seL4_MessageInfo_new(call, 0, 0, 4), &word[0], &word[1], &word[2], &word[3]));
}

/* One that makes a capability: *out is its slot. */
static inline seL4_Error ssi_make(enum ssi_call call, seL4_Word word[4], seL4_CPtr *out)
{
	const seL4_Error error = ssi_call(SSI_MONITOR, call, word);
	if (error == seL4_NoError)
		*out = word[0];
	return error;
}

/* A new object, and its first capability with these rights. */
static inline seL4_Error ssi_create(enum ssi_kind kind, seL4_Word rights, seL4_CPtr *out)
{
	return ssi_make(SSI_CREATE, (seL4_Word[4]){kind, rights}, out);
}

/* A client of a cluster, by their numbers, gets a capability derived from this one. `label` goes with it. */
static inline seL4_Error ssi_send(seL4_CPtr capability, seL4_Word cluster, seL4_Word client, seL4_Word label)
{
	return ssi_call(SSI_MONITOR, SSI_SEND, (seL4_Word[4]){capability, cluster, client, label});
}

/* It gets this capability, and I have it no more. */
static inline seL4_Error ssi_move(seL4_CPtr capability, seL4_Word cluster, seL4_Word client, seL4_Word label)
{
	return ssi_call(SSI_MONITOR, SSI_MOVE, (seL4_Word[4]){capability, cluster, client, label});
}

/* It learns the name of this capability. */
static inline seL4_Error ssi_offer(seL4_CPtr capability, seL4_Word cluster, seL4_Word client, seL4_Word label)
{
	return ssi_call(SSI_MONITOR, SSI_OFFER, (seL4_Word[4]){capability, cluster, client, label});
}

/* A capability derived from that with this name, which was offered to me. */
static inline seL4_Error ssi_obtain(seL4_Word name, seL4_CPtr *out)
{
	return ssi_make(SSI_OBTAIN, (seL4_Word[4]){name}, out);
}

static inline seL4_Error ssi_copy(seL4_CPtr capability, seL4_CPtr *out)
{
	return ssi_make(SSI_COPY, (seL4_Word[4]){capability}, out);
}

/* With at most these rights, and, unless it has one, this badge (of 28 bits; 0: none; memory has none). */
static inline seL4_Error ssi_mint(seL4_CPtr capability, seL4_Word rights, seL4_Word badge, seL4_CPtr *out)
{
	return ssi_make(SSI_MINT, (seL4_Word[4]){capability, rights | badge << 4}, out);
}

/* This capability goes; what was derived from it stays. The object goes when nobody has a capability of it any more. */
static inline seL4_Error ssi_delete(seL4_CPtr capability)
{
	return ssi_call(SSI_MONITOR, SSI_DELETE, (seL4_Word[4]){capability});
}

/* When this returns, nothing that was derived from it can be used, anywhere. */
static inline seL4_Error ssi_revoke(seL4_CPtr capability)
{
	return ssi_call(SSI_MONITOR, SSI_REVOKE, (seL4_Word[4]){capability});
}

/* An object made from untyped memory, derived from it. */
static inline seL4_Error ssi_retype(seL4_CPtr untyped, enum ssi_kind kind, seL4_Word rights, seL4_CPtr *out)
{
	return ssi_make(SSI_RETYPE, (seL4_Word[4]){untyped, kind, rights}, out);
}

/* The name of its object, which is the same for all capabilities of it; and its kind. */
static inline seL4_Error ssi_query(seL4_CPtr capability, seL4_Word *object, enum ssi_kind *kind)
{
	seL4_Word word[4] = {capability};
	const seL4_Error error = ssi_call(SSI_MONITOR, SSI_QUERY, word);
	if (error == seL4_NoError)
		*object = word[0], *kind = (enum ssi_kind)word[1];
	return error;
}

/* Does it authorise a use with these rights, now? */
static inline seL4_Error ssi_use(seL4_CPtr capability, seL4_Word rights)
{
	return ssi_call(SSI_MONITOR, SSI_USE, (seL4_Word[4]){capability, rights});
}

/* The same asked of the capability itself, of a file or an endpoint: its kernel has to let the call through first. */
static inline seL4_Error ssi_use_directly(seL4_CPtr capability, seL4_Word rights)
{
	return ssi_call(capability, SSI_USE, (seL4_Word[4]){0, rights});
}

#endif
