/* tests/prop/out_of_reach.h - the cells that no run of flat nodes can visit, and why. Layer: tests. Immutable data. */
#ifndef SKERRY_TESTS_PROP_OUT_OF_REACH_H
#define SKERRY_TESTS_PROP_OUT_OF_REACH_H
#include "tests/lib/cover.h"

/* Pools are sized from what clients can ask for, and the kernel of a flat node never refuses. */
#define NEVER_FULL    "the flat machine sizes its pools so that none is ever full"
#define NEVER_REFUSED "the flat machine's kernel always does what it is asked"
#define AT_ONCE       "the flat machine's kernel answers in the same event, so nothing comes in between"
#define UNNAMED       "nobody knows the name of a capability that is not there yet"
#define ONE_EVENT     "at the service, who leaves has left when the event ends"
#define TREE          "capability/tree"
#define MSI           "memory/msi"
#define POSIX         "file/posix"
#define NOT_LENT      "only roots and names are revoked by name, and neither is lent"
#define NOT_REFUSED   "only a refused delegation leaves so, and none is refused"
#define FORGOTTEN     "a client forgets its capability in the event that drops it"
#define LOOKED        "the service looks in the same event whether the capability is there"
/* clang-format off */
static const struct cover_except out_of_reach[] = {
	/* what is full or refuses */
	{TREE, "cap CAP_FULL+*", NEVER_FULL},
	{TREE, "op OP_FULL+*", NEVER_FULL},
	{MSI, "line LINE_FULL+*", NEVER_FULL},
	{POSIX, "call CALL_FULL+*", NEVER_FULL},
	{POSIX, "serve SERVE_FULL+*", NEVER_FULL},
	{MSI, "line *+NACK|TIMER", NEVER_FULL},
	{POSIX, "call *+NACK", NEVER_FULL},
	{POSIX, "call LOOKING|ASKING+TIMER", NEVER_FULL},
	{TREE, "op LENDING|MOVING|ABORTING+REFUSE", NEVER_FULL},
	{TREE, "cap LIVE|HOLLOW+DONE", NOT_REFUSED},
	{TREE, "cap INSTALLING|RESERVING+LOCAL_ERR", NEVER_REFUSED},
	{POSIX, "serve REVOKING+LOCAL_ERR", "a revoke of a name always succeeds"},
	{POSIX, "serve ACCEPTING+LOCAL_ERR", "an open file that was sent is always accepted"},
	/* what would have to happen within one event */
	{TREE, "cap INSTALLING+REVOKE", AT_ONCE},
	{TREE, "cap DOOMED+*", AT_ONCE},
	{TREE, "cap REVOKING|FADING+ADOPT|LEND", NOT_LENT},
	{TREE, "cap MARKED+ADOPT", "the revoke reaches a delegation of the same cluster in the same event"},
	{TREE, "cap FREE+QUIT", LOOKED},
	{TREE, "cap LEAVING+CUT|QUIT", ONE_EVENT},
	{TREE, "cap LEAVING+DROP|LEND|TRIM|SPLIT|LOOK", FORGOTTEN},
	{TREE, "cap HOLLOW+LEND|TRIM|SPLIT|LOOK", FORGOTTEN},
	{TREE, "cap FADING+TRIM|SPLIT|LOOK|TOUCH", FORGOTTEN},
	{TREE, "cap REVOKING+TRIM|SPLIT|LOOK|TOUCH", "who revokes waits for it, and nobody else has the capability"},
	{TREE, "cap HOLLOW+CUT", "a name or a root that is hollow has no name any more"},
	{TREE, "cap FADING+CUT", "a root that fades has no name any more"},
	/* what no name leads to */
	{TREE, "cap OBTAINING|INSTALLING|RESERVING|OFFERED+OBTAIN|LEND|TRIM|SPLIT|LOOK|TOUCH|CUT|DROP|QUIT", UNNAMED},
	/* who does what to whom */
	{TREE, "op MOVED+FAIL", "what moves is not dropped by anybody else meanwhile"},
	{TREE, "op RETIRING+FAIL", "a root is retired once, while it is there"},
	{TREE, "cap HOLLOW|FADING+QUIT", "a root is retired once, and never dropped"},
	{TREE, "cap FADING+DROP", "who fades is a root, and roots are never dropped"},
	{TREE, "cap FADING+REVOKE", "who fades is a root, and has no ancestor"},
	{TREE, "cap MARKED+QUIT", "who is retired is a root, and has no ancestor"},
	{TREE, "cap REVOKING+DROP", "a name is dropped after its revoke, and by nobody before"},
	{MSI, "line I+C_EVICT", "the flat machine evicts only what is there"},
	{0},
};
/* clang-format on */

#endif
