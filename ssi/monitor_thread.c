/* ssi/monitor_thread.c - a thread that moves is a TCB of its kernel: what its monitor does with it, there and here.
 *
 * What stops is blocked in a call to its monitor, which keeps the message and does not begin it, or waits for its driver: so
 * nothing has to be undone. Its registers and scheduling parameters are read from the TCB, its capabilities go one by one
 * (ssi/flat_thread.c). On the other cluster a TCB, an address space, a CSpace and a scheduling context lie ready for whoever
 * comes: they are memory that the monitor has reserved at boot. The capabilities are put into the same slots, the registers
 * are written, and the thread is resumed. When all is over the old TCB is suspended and its place is empty.
 *
 * What a client runs begins anew: its stack is memory of its old cluster, so instruction pointer, stack pointer and argument
 * are those of the loop in ssi/monitor.c; what it was about to do is in its record. */
#include <sel4/sel4.h>
#include <skerry/ssi.h>
#include "ssi/full_internal.h"

static void must(seL4_Error error) { SIM_CHECK(error == seL4_NoError); }
static struct full_client *client_of(const struct flat_cluster *c, uint32_t client)
{
	return &c->full->client[client];
}
#define REGISTERS (sizeof(seL4_UserContext) / sizeof(seL4_Word))

void full_thread_stopped(struct flat_cluster *c, uint32_t client)
{
	struct step_node *n = &c->node[FLAT_THREAD];
	struct full_client *k = client_of(c, client);
	const sim_cycles begun = monitor_kernel_begin(n);
	must(seL4_TCB_ReadRegisters(k->tcb, false, 0, REGISTERS, &k->registers));
	monitor_kernel_end(n, begun);
}

/* ---- a call that waits ---- */

bool monitor_thread_catches(struct full_client *k, uint64_t reply, seL4_Word slot, seL4_MessageInfo_t info)
{
	struct flat_cluster *c = k->cluster->flat;
	if (!c->place)
		return false;
	const bool stopping = c->place[k->id].state == PLACE_STOPPING;
	if (!stopping)
		return false;
	k->reply = reply;
	k->slot = slot;
	k->info = info;
	for (unsigned i = 0; i < 4; i++)
		k->word[i] = seL4_GetMR(i);
	flat_thread_catches(c, k->id, false);
	flat_settle(c);
	return true;
}

void monitor_thread_restore(const struct full_client *k)
{
	for (unsigned i = 0; i < 4; i++)
		seL4_SetMR(i, k->word[i]);
}

/* ---- it has left ---- */

void full_thread_left(struct flat_cluster *c, uint32_t client)
{
	struct step_node *n = &c->node[FLAT_THREAD];
	struct full_cluster *m = c->full;
	struct full_client *k = client_of(c, client);
	const sim_cycles begun = monitor_kernel_begin(n);
	must(seL4_TCB_Suspend(k->tcb));
	if (k->reply)
		m->reply[m->replies++] = k->reply;
	k->reply = 0;
	memset(k->used, 0, sizeof k->used);
	k->used[0] = (1u << SSI_FIRST) - 1;
	memset(k->held, 0, sizeof *k->held << FULL_CLIENT_BITS);
	monitor_kernel_end(n, begun);
}

/* ---- it has come ---- */

/* All that it holds lies in the slots where it lay. False: a slot is taken, or there is no memory; then nothing does. */
bool full_thread_furnish(struct flat_cluster *c, uint32_t client,
			 struct flat_handle *(*next)(void *, uint32_t), void *context)
{
	struct flat_handle *h;
	uint32_t i = 0;
	for (; (h = next(context, i)); i++) {
		const uint32_t slot = h->cptr;
		if (!h->cap.machine || h->offered || !slot || (h->holder == client && full_is_held(c, h)))
			continue;
		h->holder = client;
		if (full_hand_over_at(c, client, h, slot))
			continue;
		h->cptr = slot;
		break;
	}
	if (!h)
		return true;
	while (i--)
		if ((h = next(context, i))->cap.machine && !h->offered && h->cptr)
			full_thread_gave(c, h);
	return false;
}

/* Its capability is of another kernel now; it keeps its number. */
void full_thread_gave(struct flat_cluster *c, struct flat_handle *h)
{
	const uint32_t slot = h->cptr;
	full_take_back(c, h);
	h->cptr = slot;
}

void full_thread_goes(struct flat_cluster *c, uint32_t client, enum full_comes comes, uint32_t from_cluster,
		      uint32_t from_client)
{
	struct step_node *n = &c->node[FLAT_THREAD];
	struct full_client *k = client_of(c, client);
	const struct full_client *was = client_of(&c->machine->cluster[from_cluster], from_client);
	seL4_UserContext registers = was->registers;
	const sim_cycles begun = monitor_kernel_begin(n);
	k->comes = (uint8_t)comes;
	k->chain = (struct flat_chain){0};
	monitor_client_registers(k, &registers);
	must(seL4_TCB_Suspend(k->tcb));
	must(seL4_TCB_SetPriority(k->tcb, seL4_CapInitThreadTCB, was->priority));
	must(seL4_TCB_WriteRegisters(k->tcb, true, 0, REGISTERS, &registers));
	k->priority = was->priority;
	monitor_kernel_end(n, begun);
}
