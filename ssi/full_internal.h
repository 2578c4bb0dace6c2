/* ssi/full_internal.h - what the two sides of a full cluster share: ssi/full.c, which drives its kernel, and
 * ssi/monitor.c and ssi/monitor_caps.c, which run on it.
 *
 * Layer: ssi, private. */
#ifndef SKERRY_SSI_FULL_INTERNAL_H
#define SKERRY_SSI_FULL_INTERNAL_H
#include <sel4/sel4.h>
#include "kernelmodel/core/core.h"
#include "ssi/full.h"

#define FULL_DOORBELL_VECTOR CORE_DOORBELL_VECTOR /* the interrupt that a cluster's inbox rings */
#define FULL_DOORBELL_IRQ    (FULL_DOORBELL_VECTOR + CORE_IRQ_OF_VECTOR)
#define FULL_CHUNK_BITS      8    /* a CNode for 256 representatives, made when the first of them is */
#define FULL_CLIENT_BITS     10   /* radix of a client's CSpace */
#define FULL_PAGES           1024 /* frames that a monitor maps for the pages of its cluster */
#define FULL_CLIENT_STACK    (192u << 10)
#define FULL_MONITOR_STACK   (512u << 10)
#define FULL_POOL_CLIENTS    500                     /* of one ASID pool */
#define FULL_CLIENTS_MAX     (8 * FULL_POOL_CLIENTS) /* a kernel has eight pools */
#define FULL_REPLIES         64                      /* calls under way in a monitor, at most */
#define FULL_OBJECTS         128                     /* for capabilities: of each client, and once more */
#define FULL_DEVICE_START    (UINT64_C(1) << 40)     /* of memory that stands for other clusters' */

/* What arrived for the monitor: a ring in memory that it shares with who drives its kernel. */
struct full_letter {
	struct flat_frame frame;
	struct sim_event event; /* whose payload is not looked at */
};
struct full_inbox {
	struct full_letter *letter;
	uint32_t head, tail, room; /* room: a power of two, or 0 */
};

/* A kernel object that representatives stand for. CPtrs are the monitor's. */
enum full_memory { FULL_OWN, FULL_DEVICE, FULL_BORROWED, FULL_MEMORIES };
struct full_object {
	uint64_t untyped, slot; /* its block, 0: made from a client's memory; its own capability */
	uint32_t uses;          /* representatives, and objects made from its memory; 0: free */
	uint32_t from;          /* the object whose memory it is made from, + 1 */
	uint32_t next;          /* of those that are free, + 1 */
	uint8_t kind, list;     /* enum flat_kind, enum full_memory */
};

struct full_program; /* ssi/monitor_program.c */
struct full_client {
	struct full_cluster *cluster;
	struct full_letters *letters; /* ssi/monitor_letter.c; of programs alone */
	struct full_program *program; /* NULL: it is the driver's */
	uint32_t id;
	uint64_t tcb, cnode, notification;           /* in the monitor's CSpace */
	uint64_t reply;                              /* that its call waits on; 0: it does not call */
	uint64_t used[(1 << FULL_CLIENT_BITS) / 64]; /* slots of its CSpace */
	struct flat_chain chain;                     /* of the call that has ended */
	struct flat_handle *held;                    /* [slots]: what the monitor has put there */
	struct flat_handle made, none;               /* of the call under way */
	/* as a thread that moves: ssi/monitor_thread.c */
	uint8_t comes; /* enum full_comes */
	uint8_t priority;
	seL4_UserContext registers; /* when it was stopped */
	seL4_Word slot, word[4];    /* its call that waits until it goes on */
	seL4_MessageInfo_t info;
};

/* CPtrs are the monitor's. */
struct full_cluster {
	struct flat_cluster *flat;
	struct core_machine *core;
	struct full_inbox inbox;
	bool rings;    /* the doorbell was rung and the inbox is not yet empty */
	sim_ps run_at; /* when the cluster is to go on, as posted; SIM_PS_NEVER: not */
	char *stacks;
	size_t stacks_bytes;
	struct full_client *client;
	/* the monitor's own */
	uint64_t pool; /* that address spaces get their ASIDs from */
	uint64_t endpoint, notification, irq, next_slot, untyped, untyped_end;
	unsigned root_bits;
	uint64_t *reply; /* free reply objects, a stack */
	uint32_t replies;
	uint32_t *finished; /* clients whose call has ended in this step */
	uint32_t finisheds;
	uint64_t *chunk; /* [representatives >> FULL_CHUNK_BITS]: CNodes, 0: not made */
	uint32_t chunks;
	uint32_t *owner;     /* [representatives]: client + 1 */
	uint8_t *installed;  /* [representatives]: the slot holds a capability */
	uint32_t *slot_of;   /* [representatives]: in its owner's CSpace, 0: nowhere */
	uint32_t *object_of; /* [representatives]: + 1; 0: a badged endpoint */
	struct full_object *object;
	struct flat_handle *held; /* [clients << FULL_CLIENT_BITS] */
	uint32_t objects, objects_used, object_free[FULL_MEMORIES];
	uint64_t device, scratch;  /* untyped device memory, 0: none; a slot */
	uint64_t page[FULL_PAGES]; /* frames, 0: not made */
	uint8_t mapped[FULL_PAGES];
	uint64_t refused, starved;
};

/* monitor.c, for monitor_caps.c. An object from the first untyped memory that has room for it; false: there is none. */
uint64_t monitor_slot_new(struct full_cluster *m);
bool monitor_object_at(struct full_cluster *m, uint64_t type, uint64_t bits, uint64_t slot);
/* Around what a step asks of the kernel: its time is the kernel's in the chain of causes. */
sim_cycles monitor_kernel_begin(struct step_node *n);
void monitor_kernel_end(struct step_node *n, sim_cycles begun);

/* monitor_program.c, for full.c and monitor.c. Asks the driver whether the client is a program. 0 or a negative errno. */
int monitor_program_new(struct full_client *client);
void monitor_program_free(struct full_client *client);
void monitor_program_main(struct full_client *me); /* where its thread begins, with this stack pointer: */
uint64_t monitor_program_stack(const struct full_client *client);
void monitor_program_exit(void *cluster, int code); /* a thread of this host calls exit() */
/* A call beyond those that every client has. False: there is no answer. */
bool monitor_program_call(struct full_client *client, seL4_MessageInfo_t info, seL4_MessageInfo_t *answer);
bool monitor_program_may_obtain(const struct full_client *client, uint64_t name);
void monitor_program_fault(struct full_client *client, seL4_MessageInfo_t info);
void monitor_program_answered(struct full_client *client); /* its call is over */

/* monitor.c, for monitor_thread.c. Where a client's thread begins: the other registers stay. */
void monitor_client_registers(const struct full_client *client, seL4_UserContext *registers);
/* monitor_thread.c, for monitor.c. A call of a client has come. True: it is to be stopped, and the call waits. */
bool monitor_thread_catches(struct full_client *client, uint64_t reply, seL4_Word slot,
			    seL4_MessageInfo_t info);
void monitor_thread_restore(const struct full_client *client); /* the message of that call */

bool monitor_program_goes_on(struct full_client *client); /* a call has ended that was made after its end */
bool monitor_program_is_over(const struct full_client *client);

/* monitor_letter.c. 0, or -1: no memory. */
int monitor_letters_new(struct full_client *client);
void monitor_letters_free(struct full_client *client);
/* A message came with the capability in `slot`. */
void monitor_letter_send(struct full_client *client, uint32_t slot, uint64_t reply, seL4_MessageInfo_t info);
bool monitor_letter_call(struct full_client *client, uint64_t reply,
			 seL4_MessageInfo_t info);                                  /* false: it is none */
bool monitor_letter_answer(struct full_client *client, seL4_MessageInfo_t *answer); /* false: there is none */
bool monitor_letter_answered(struct full_client *client); /* whether its last call was one of these */
void monitor_letter_ceases(struct full_cluster *m, uint32_t index);
void monitor_letter_end(struct full_client *client);
const char *monitor_letter_waits(const struct full_client *client); /* in words; NULL: it does not */

/* The root task of a full cluster. Does not return. */
int monitor_main(void *cluster);

#endif
