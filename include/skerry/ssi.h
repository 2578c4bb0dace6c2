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
 *     SSI_FILE, SSI_ENDPOINT   a badged endpoint, at which the monitor receives; the badge is the monitor's, which passes
 *                              messages on with the capability's own (see "messages" below)
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

/* C++ programs, too. */
#ifdef __cplusplus
extern "C" {
#endif

#define SSI_MONITOR           1 /* a slot: the monitor's endpoint */
#define SSI_NOTIFICATION_SLOT 2 /* a slot: signalled when something has come */
#define SSI_FIRST             3
#define SSI_UNTYPED_BITS      14

enum ssi_kind { SSI_FILE, SSI_ENDPOINT, SSI_NOTIFICATION, SSI_FRAME, SSI_UNTYPED, SSI_KINDS };

/* Of a capability; seL4's. */
enum ssi_rights { SSI_WRITE = 1, SSI_READ = 2, SSI_GRANT = 4, SSI_GRANT_REPLY = 8, SSI_ALL = 15 };

/* How the monitor says what has come: bits of a word. */
#define SSI_CAME         1u
#define SSI_CAME_OFFERED 2u
#define SSI_CAME_MOVED   4u
#define SSI_CAME_KIND    8  /* from this bit on: enum ssi_kind */
#define SSI_CAME_WORD    32 /* rights in 4 bits, then the badge */
#define SSI_HERE         (~(seL4_Word)0)

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
	SSI_RECEIVE, /* from here on of programs alone */
	SSI_WHERE,
	SSI_EXIT,
	SSI_WAIT,
	SSI_ANSWER,
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
	seL4_Word word[4] = {kind, rights};
	return ssi_make(SSI_CREATE, word, out);
}

/* A client of a cluster, by their numbers, gets a capability derived from this one. `label` goes with it. */
static inline seL4_Error ssi_send(seL4_CPtr capability, seL4_Word cluster, seL4_Word client, seL4_Word label)
{
	seL4_Word word[4] = {capability, cluster, client, label};
	return ssi_call(SSI_MONITOR, SSI_SEND, word);
}

/* It gets this capability, and I have it no more. */
static inline seL4_Error ssi_move(seL4_CPtr capability, seL4_Word cluster, seL4_Word client, seL4_Word label)
{
	seL4_Word word[4] = {capability, cluster, client, label};
	return ssi_call(SSI_MONITOR, SSI_MOVE, word);
}

/* It learns the name of this capability. */
static inline seL4_Error ssi_offer(seL4_CPtr capability, seL4_Word cluster, seL4_Word client, seL4_Word label)
{
	seL4_Word word[4] = {capability, cluster, client, label};
	return ssi_call(SSI_MONITOR, SSI_OFFER, word);
}

/* A capability derived from that with this name, which was offered to me. */
static inline seL4_Error ssi_obtain(seL4_Word name, seL4_CPtr *out)
{
	seL4_Word word[4] = {name};
	return ssi_make(SSI_OBTAIN, word, out);
}

static inline seL4_Error ssi_copy(seL4_CPtr capability, seL4_CPtr *out)
{
	seL4_Word word[4] = {capability};
	return ssi_make(SSI_COPY, word, out);
}

/* With at most these rights, and, unless it has one, this badge (of 28 bits; 0: none; memory has none). */
static inline seL4_Error ssi_mint(seL4_CPtr capability, seL4_Word rights, seL4_Word badge, seL4_CPtr *out)
{
	seL4_Word word[4] = {capability, rights | badge << 4};
	return ssi_make(SSI_MINT, word, out);
}

/* This capability goes; what was derived from it stays. The object goes when nobody has a capability of it any more. */
static inline seL4_Error ssi_delete(seL4_CPtr capability)
{
	seL4_Word word[4] = {capability};
	return ssi_call(SSI_MONITOR, SSI_DELETE, word);
}

/* When this returns, nothing that was derived from it can be used, anywhere. */
static inline seL4_Error ssi_revoke(seL4_CPtr capability)
{
	seL4_Word word[4] = {capability};
	return ssi_call(SSI_MONITOR, SSI_REVOKE, word);
}

/* An object made from untyped memory, derived from it. */
static inline seL4_Error ssi_retype(seL4_CPtr untyped, enum ssi_kind kind, seL4_Word rights, seL4_CPtr *out)
{
	seL4_Word word[4] = {untyped, kind, rights};
	return ssi_make(SSI_RETYPE, word, out);
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
	seL4_Word word[4] = {capability, rights};
	return ssi_call(SSI_MONITOR, SSI_USE, word);
}

/* The same asked of the capability itself, of a file or an endpoint: its kernel has to let the call through first. */
static inline seL4_Error ssi_use_directly(seL4_CPtr capability, seL4_Word rights)
{
	seL4_Word word[4] = {0, rights};
	return ssi_call(capability, SSI_USE, word);
}

/* ---- for programs of their own (docs/howto/run-a-program-on-a-cluster.md) ---- */

/* Who I am, and how large the machine is. */
struct ssi_place {
	seL4_Word cluster, client; /* mine: by these numbers others send to me */
	seL4_Word clusters;        /* of the machine: 0 to clusters - 1 */
	seL4_Word clients;         /* of my cluster: 0 to clients - 1 */
};
static inline void ssi_where(struct ssi_place *out)
{
	seL4_Word word[4] = {SSI_HERE};
	(void)ssi_call(SSI_MONITOR, SSI_WHERE, word);
	out->cluster = word[0], out->client = word[1], out->clusters = word[2], out->clients = word[3];
}

/* How many clients a cluster has. Errors: seL4_InvalidArgument, there is no such cluster. */
static inline seL4_Error ssi_clients(seL4_Word cluster, seL4_Word *clients)
{
	seL4_Word word[4] = {cluster == SSI_HERE ? SSI_HERE - 1 : cluster};
	const seL4_Error error = ssi_call(SSI_MONITOR, SSI_WHERE, word);
	if (error == seL4_NoError)
		*clients = word[3];
	return error;
}

/* What another client has sent, moved or offered to me. */
struct ssi_received {
	seL4_CPtr capability; /* its slot; 0: it was only offered */
	seL4_Word name;       /* of what was offered, for ssi_obtain(); else 0 */
	enum ssi_kind
		kind; /* of a capability; of an offer it is known when it has been obtained: ssi_query() */
	seL4_Word rights, badge;   /* of a capability */
	seL4_Word label;           /* that its sender gave with it */
	seL4_Word cluster, client; /* who sent it */
	int moved;                 /* whoever sent it has it no more */
};

/* The next that has come, in the order in which it came; what was revoked since is left out. Returns 0 if there is none
 * (yet), and *out is untouched. Never waits. */
static inline int ssi_poll(struct ssi_received *out)
{
	seL4_Word word[4] = {0};
	if (ssi_call(SSI_MONITOR, SSI_RECEIVE, word) != seL4_NoError || !(word[1] & SSI_CAME))
		return 0;
	const int offered = (word[1] & SSI_CAME_OFFERED) != 0;
	out->capability = offered ? 0 : word[0];
	out->name = offered ? word[0] : 0;
	out->kind = (enum ssi_kind)(word[1] >> SSI_CAME_KIND & 255);
	out->rights = word[1] >> SSI_CAME_WORD & SSI_ALL;
	out->badge = word[1] >> (SSI_CAME_WORD + 4);
	out->label = word[2];
	out->cluster = word[3] >> 32;
	out->client = word[3] & 0xffffffffu;
	out->moved = (word[1] & SSI_CAME_MOVED) != 0;
	return 1;
}

/* The same, and waits until there is one. */
static inline void ssi_receive(struct ssi_received *out)
{
	while (!ssi_poll(out))
		seL4_Wait(SSI_NOTIFICATION_SLOT, (seL4_Word *)0);
}

/* ---- messages ----
 *
 * The holder of a capability of an endpoint, wherever it is, sends with seL4_Send(), seL4_NBSend() or seL4_Call() on it; it
 * needs the right to write. seL4_Send() returns when the message was taken, or cannot be any more; seL4_NBSend() when it is
 * known whether somebody waits for it; neither says which. seL4_Call() returns the reply, or with an empty message and the label
 *
 *     seL4_InvalidCapability   there is no right to write, or a revoke took the capability away before it was sent
 *     seL4_FailedLookup        the capability went before the message was taken, or whoever took it gives no reply
 *     seL4_IllegalOperation    with the machine's protocol nobody knows what was revoked (captp, crypto)
 *     seL4_TruncatedMessage    it is longer than SSI_LETTER_WORDS; nothing was sent
 *     seL4_NotEnoughMemory     too many messages are under way
 *
 * so replies have labels of their own above these. Capabilities are sent by ssi_send(), not in messages; label SSI_USE with four
 * words asks for a use. What a revoke takes away is never received by whoever begins to receive after the revoke has
 * returned; messages of one sender come in the order in which it sent them.
 *
 * Whoever has a capability of an endpoint of its own cluster with the right to read receives there, one at a time. */
#define SSI_LETTER_WORDS 116

/* Waits for a message: its badge, that of the capability it was sent with, and *info, its label and length; its words are
 * in the message registers. What was called before and not replied to learns that there is no reply. Errors:
 *     seL4_InvalidCapability   no such endpoint, no right to read, or it went meanwhile
 *     seL4_InvalidArgument     its home is another cluster
 *     seL4_IllegalOperation    somebody else waits there, or the machine carries no messages */
static inline seL4_Error ssi_wait(seL4_CPtr endpoint, seL4_Word *badge, seL4_MessageInfo_t *info)
{
	seL4_SetMR(0, endpoint);
	const seL4_MessageInfo_t came = seL4_Call(SSI_MONITOR, seL4_MessageInfo_new(SSI_WAIT, 0, 0, 1));
	const seL4_Error error = (seL4_Error)seL4_MessageInfo_get_label(came);
	if (error != seL4_NoError)
		return error;
	const seL4_Word length = seL4_MessageInfo_get_length(came) - 2;
	*info = seL4_MessageInfo_new(seL4_GetMR(0), 0, 0, length);
	*badge = seL4_GetMR(1);
	for (seL4_Word i = 0; i < length; i++)
		seL4_SetMR((int)i, seL4_GetMR((int)i + 2));
	return error;
}

/* Replies to the call that was received last: label and length of `info`, and as many message registers. Errors:
 * seL4_InvalidCapability, there was none, or it has been replied to; seL4_TruncatedMessage. */
static inline seL4_Error ssi_reply(seL4_MessageInfo_t info)
{
	const seL4_Word length = seL4_MessageInfo_get_length(info);
	if (length > SSI_LETTER_WORDS)
		return seL4_TruncatedMessage;
	for (seL4_Word i = length; i--;)
		seL4_SetMR((int)i + 1, seL4_GetMR((int)i));
	seL4_SetMR(0, seL4_MessageInfo_get_label(info));
	return (seL4_Error)seL4_MessageInfo_get_label(
		seL4_Call(SSI_MONITOR, seL4_MessageInfo_new(SSI_ANSWER, 0, 0, length + 1)));
}

#ifdef __cplusplus
}
#endif

#endif
