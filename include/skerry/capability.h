/* skerry/capability.h - the family "capability": what clients may ask of every protocol of it, and what it may promise.
 *
 * A capability is a slot of machine 1 on the kernel of its holder; a call in flight is a slot of machine 2. Machine 3 is
 * the protocol's own. A protocol lists the family's calls first, so that they have the same numbers everywhere:
 *
 *     #define EVENTS(E) CAPABILITY_CALLS(E) E(OBTAIN, REQUEST, NONE) ...
 *
 * Hosts (ssi/flat.h), workloads, the checker's model and the mutator know a protocol by this header alone, so a
 * protocol in a shared object can take the place of a shipped one.
 *
 * A capability is a word: rights and a badge. The object that it is for, memory included, is the local kernel's business:
 * what the kernel may refuse is a local call (enum capability_local).
 *
 * Layer: public. Source: seL4 reference manual 3 (capabilities, CNode invocations, derivation). */
#ifndef SKERRY_CAPABILITY_H
#define SKERRY_CAPABILITY_H
#include <skerry/protocol.h>

enum capability_machine { CAPABILITY_CAP = 1, CAPABILITY_OP, CAPABILITY_OWN };

/* What a client calls. `arg` names the capability that the call is about; "here": the caller's kernel. All go to
 * STEP_ANY(here, CAPABILITY_OP), but C_CREATE to STEP_ANY(here, CAPABILITY_CAP). `from` is the client.
 *
 *   C_CREATE    word: a new object's first capability, here
 *   C_OBTAIN    a new capability here, derived from arg, of any kernel
 *   C_DELEGATE  word: another kernel, which gets a new capability derived from arg, of here
 *   C_COPY      a new one here, derived from arg, of here, with the same word
 *   C_MINT      the same with word = capability_diminish(arg's, call's)
 *   C_MOVE      word: another kernel, which gets the capability arg, of here; arg is then no longer usable. It is never
 *               usable twice, and the move takes place or nothing changes. What was derived from it stays derived from
 *               its old place, or goes with it: the protocol says which
 *   C_DELETE    arg, of here, is no longer usable; what was derived from it stays
 *   C_REVOKE    nothing that was derived from arg, of here, is usable when this returns; arg itself stays
 *   C_RETYPE    a new one here: memory that the kernel takes from arg (untyped), derived from it; the call's word is the
 *               new one's word (memory has no badge: its place may name the type)
 *   C_QUERY     what arg, of here, is: completes with arg = its object (the capability that C_CREATE made; of retyped
 *               memory that of the memory)
 *   C_USE       arg, of here, authorises a use now; fails if it does not. Word: the rights that the use needs
 *   C_RETIRE    arg, a first capability of here, goes when nothing is derived from it any more; nothing new is
 *
 * A call completes with enum capability_result, and in arg with the new capability (C_OBTAIN, C_DELEGATE, C_COPY, C_MINT,
 * C_MOVE, C_RETYPE, C_CREATE), the object (C_QUERY), or whatever. A name that is not usable, or not yet, or no more, must
 * fail. */
#define CAPABILITY_CALLS(E)                                                                                  \
	E(C_CREATE, CALL, WORD)                                                                              \
	E(C_OBTAIN, CALL, NONE)                                                                              \
	E(C_DELEGATE, CALL, NODE)                                                                            \
	E(C_COPY, CALL, NONE)                                                                                \
	E(C_MINT, CALL, WORD)                                                                                \
	E(C_MOVE, CALL, NODE)                                                                                \
	E(C_DELETE, CALL, NONE)                                                                              \
	E(C_REVOKE, CALL, NONE)                                                                              \
	E(C_RETYPE, CALL, WORD)                                                                              \
	E(C_QUERY, CALL, NONE)                                                                               \
	E(C_USE, CALL, WORD)                                                                                 \
	E(C_RETIRE, CALL, NONE)

/* Rows of machine 2: no slot is free for a call, which `action` ends. For protocols that serve all calls. */
#define CAPABILITY_BUSY(FULL, action)                                                                        \
	STEP(FULL, C_OBTAIN, FULL, action, 0), STEP(FULL, C_DELEGATE, FULL, action, 0),                      \
		STEP(FULL, C_COPY, FULL, action, 0), STEP(FULL, C_MINT, FULL, action, 0),                    \
		STEP(FULL, C_MOVE, FULL, action, 0), STEP(FULL, C_DELETE, FULL, action, 0),                  \
		STEP(FULL, C_REVOKE, FULL, action, 0), STEP(FULL, C_RETYPE, FULL, action, 0),                \
		STEP(FULL, C_QUERY, FULL, action, 0), STEP(FULL, C_USE, FULL, action, 0),                    \
		STEP(FULL, C_RETIRE, FULL, action, 0)

/* The same numbers under names that a host can use. */
enum capability_call {
	CAPABILITY_CREATE = E_PROTOCOL,
	CAPABILITY_OBTAIN,
	CAPABILITY_DELEGATE,
	CAPABILITY_COPY,
	CAPABILITY_MINT,
	CAPABILITY_MOVE,
	CAPABILITY_DELETE,
	CAPABILITY_REVOKE,
	CAPABILITY_RETYPE,
	CAPABILITY_QUERY,
	CAPABILITY_USE,
	CAPABILITY_RETIRE,
	CAPABILITY_CALLS_END
};

enum capability_result {
	CAPABILITY_OK,
	CAPABILITY_FAILED, /* there is no such usable capability, or no slot, or the kernel refused */
};

/* Calls into the local kernel (step_local), made by the machine that is to be the new capability. The kernel may answer
 * E_LOCAL_ERR. */
enum capability_local {
	CAPABILITY_INSTALL = 1, /* a representative in a free slot */
	CAPABILITY_RESERVE,     /* a slot for one that comes */
	CAPABILITY_TAKE_MEMORY, /* C_RETYPE: an object from the memory that arg, a capability of here, stands for */
	CAPABILITY_LOCAL_OF_OWN, /* from here on the protocol's own */
};

/* ---- the word of a capability ---- */

#define CAPABILITY_RIGHTS      0xfu /* seL4's: write 1, read 2, grant 4, grant-reply 8 */
#define CAPABILITY_BADGE_SHIFT 4

/* Fewer rights, and a badge if there is none yet (as on seL4, only an unbadged capability can be badged). */
static inline uint32_t capability_diminish(uint32_t word, uint32_t asked)
{
	const uint32_t badge = word >> CAPABILITY_BADGE_SHIFT ? word : asked;
	return (word & asked & CAPABILITY_RIGHTS) | (badge & ~CAPABILITY_RIGHTS);
}
/* A capability with `word` explains one with `derived`. */
static inline bool capability_explains(uint32_t word, uint32_t derived)
{
	const uint32_t badge = word >> CAPABILITY_BADGE_SHIFT;
	return !(derived & ~word & CAPABILITY_RIGHTS) &&
	       (!badge || badge == derived >> CAPABILITY_BADGE_SHIFT);
}

/* ---- promises ---- */

/* The layout of machine 1 must have the fields REF(object) (the capability that C_CREATE made; itself for that one) and
 * WORD(word), set whenever the state is one of .usable. */
enum capability_promise {
	CAPABILITY_P_REVOKE,    /* nothing of a revoked subtree is usable after the revoke has returned */
	CAPABILITY_P_SELECTIVE, /* what was not derived from what is revoked, moved or deleted stays usable */
	CAPABILITY_P_CONFINED,  /* nobody uses authority that no chain of grants explains */
	CAPABILITY_P_RIGHTS,    /* a derived capability has no right that its source has not */
	CAPABILITY_P_EXCLUSIVE, /* memory is retyped through one of its capabilities only, until that is undone */
	CAPABILITY_P_RECLAIM, /* at rest, every slot in use is a client's, or has something derived from it */
	CAPABILITY_PROMISES
};
/* static const struct step_promise promises[] = CAPABILITY_PROMISES_LIST(true, true, true, true, false, true); */
#define CAPABILITY_PROMISES_LIST(revoke, selective, confined, rights, exclusive, reclaim)                    \
	{                                                                                                    \
		{"revoke", "nothing of a revoked subtree is usable after the revoke has returned", revoke,   \
		 0},                                                                                         \
			{"selective", "what was not derived from what was revoked stays usable", selective,  \
			 0},                                                                                 \
			{"confinement", "nobody uses authority that no chain of grants explains", confined,  \
			 0},                                                                                 \
			{"rights", "a derived capability has no right that its source has not", rights, 3},  \
			{"exclusive", "memory is retyped through one of its capabilities only", exclusive,   \
			 4},                                                                                 \
			{"reclaim", "at rest, no slot is in use that no client can name", reclaim, 0},       \
		{                                                                                            \
			NULL, NULL, false, 0                                                                 \
		}                                                                                            \
	}

/* ---- the model of the clients, for the checker ---- */

/* One model for the family: any client may at any time do any call of the family that the protocol's table has, with its
 * own capabilities, usable or not any more, and obtain any usable one; and what every protocol of the family must keep. It
 * follows, in a shadow of machine 1, who derived what from whom by the results of calls alone, whatever the protocol
 * itself remembers:
 *
 * (A capability that lives in a protocol whose `usable` says nothing is judged by C_USE alone: step_model.use_tells.)
 *
 *   P_REVOKE     when a revoke starts, all that was derived from its capability is condemned, and so is what is derived
 *                from that later; when it returns, what is condemned is dead: never usable again
 *   P_CONFINED   what is usable has a shadow, or a call is in flight that can explain it
 *   P_RIGHTS     its word is explained by that of what it was derived from
 *   P_SELECTIVE  C_USE of a capability that is not condemned, nor under another call, does not fail
 *   P_EXCLUSIVE  two usable retyped capabilities of one object have one source
 *   P_RECLAIM    at rest, a slot that is not free is usable, or has a shadow
 *
 * A protocol with invariants of its own wraps these. */
#define CAPABILITY_SHADOW_FIELDS(REF, LIST, NODE, WORD, DATA)                                                \
	REF(self)   /* the capability; nobody: there is no record */                                         \
	REF(source) /* what it was derived from; nobody: a first capability */                               \
	REF(doom)   /* clients whose revoke is to reach it */                                                \
	REF(doom2)                                                                                           \
	REF(revoker) /* the client whose revoke of it runs */                                                \
	WORD(held)   /* its word */                                                                          \
	WORD(flags)
STEP_LAYOUT(capability_shadow, CAPABILITY_SHADOW_FIELDS);

void capability_model_begin(const struct step_world *w);
uint32_t capability_model_calls(const struct step_world *w, uint32_t node, struct step_msg *out,
				uint32_t max);
const char *capability_model_completed(const struct step_world *w, uint32_t node, uint32_t result,
				       step_ref arg);
const char *capability_model_always(const struct step_world *w);
const char *capability_model_at_rest(const struct step_world *w);

/* .model = &(const struct step_model){CAPABILITY_MODEL(capability_model_always, capability_model_at_rest),
 *                                     .slots = {0, 3, 1}} */
#define CAPABILITY_MODEL(always_, at_rest_)                                                                  \
	CAPABILITY_MODEL_WITH(capability_model_calls, capability_model_completed, always_, at_rest_)
/* The same with calls of the protocol's own, or an ear for what they return; both go on to the family's. */
#define CAPABILITY_MODEL_WITH(calls_, completed_, always_, at_rest_)                                         \
	.nodes = 3, .flight = 2, .symmetric_from = 1, .objects = 1, .capabilities = 3, .local_errors = true, \
	.shadow = STEP_SHADOW(capability_shadow, CAPABILITY_CAP), .begin = capability_model_begin,           \
	.calls = (calls_), .completed = (completed_), .always = (always_), .at_rest = (at_rest_)

#endif
