/* ssi/monitor_program.c - clients that are programs of their own: how they begin and end, and what only they ask.
 *
 * Such a client is a thread like every client, with a stack of its own size behind a guard page, but what it runs is the
 * main() of a program (struct flat_program) and no driver is asked. What it asks by <skerry/ssi.h> goes the way of every
 * client's calls (ssi/monitor.c); three calls end here: where it is, what has come for it, and its end. Its faults are
 * messages to its monitor. Whoever ends, by exit(), by a fault or because it is killed, is suspended, and all that it had is
 * deleted, once the call that may be under way is over. */
#include <errno.h>
#include <sel4/sel4.h>
#include <skerry/ssi.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include "ssi/full_internal.h"

#define STACK_BYTES                                                                                          \
	(UINT64_C(1) << 20) /* of a program, its guard page included; what is not used costs nothing */
#define GUARD_BYTES 4096
#define OFFERS_MAX                                                                                           \
	1024 /* what is not yet received: more offers are not taken; and names that it may obtain */

/* What came for a program, in the order in which it came. */
struct full_gift {
	struct flat_handle handle;
	uint32_t cluster, client; /* who sent it */
};
struct full_program {
	struct flat_program program;
	struct flat_exit exit;
	bool ended, told;   /* told: the driver knows */
	uint32_t revoke_at; /* slots before this one have been looked at, after its end */
	bool receives;      /* when it last asked, nothing had come */
	unsigned char *stack;
	struct full_gift *gift;
	uint32_t head, tail, room; /* room: a power of two, or 0 */
	step_ref *offered;         /* [OFFERS_MAX]: names that it was told, the oldest are forgotten */
	uint32_t offers;
};

/* ---- making ---- */

int monitor_program_new(struct full_client *k)
{
	const struct flat_cluster *c = k->cluster->flat;
	const struct flat_driver *driver = &c->machine->config.driver;
	struct flat_program program;
	if (!driver->program || !driver->program(driver->context, c->id, k->id, &program))
		return 0;
	k->program = calloc(1, sizeof *k->program);
	if (!k->program)
		return -ENOMEM;
	k->program->program = program;
	void *stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED)
		return -ENOMEM;
	k->program->stack = stack;
	return mprotect(stack, GUARD_BYTES, PROT_NONE) ? -errno : 0;
}

void monitor_program_free(struct full_client *k)
{
	if (!k->program)
		return;
	if (k->program->stack)
		munmap(k->program->stack, STACK_BYTES);
	free(k->program->gift);
	free(k->program->offered);
	free(k->program);
}

uint64_t monitor_program_stack(const struct full_client *k)
{
	return (uint64_t)(uintptr_t)k->program->stack + STACK_BYTES - 8;
}

/* ---- the program's own thread ---- */

static _Noreturn void ask_end(int code)
{
	seL4_Word word[4] = {(seL4_Word)code};
	for (;;) /* nobody answers, but a thread that was suspended in a call may be made to go on */
		(void)ssi_call(SSI_MONITOR, SSI_EXIT, word);
}

void monitor_program_main(struct full_client *me)
{
	*core_thread_data() = (uint64_t)(uintptr_t)me;
	seL4_Wait(SSI_NOTIFICATION_SLOT, NULL);
	ask_end(me->program->program.main(me->program->program.argument) & 255);
}

void monitor_program_exit(void *cluster, int code)
{
	(void)cluster;
	if (*core_thread_data())
		ask_end(code);
}

/* ---- its end ---- */

static void discard_all(struct full_client *k)
{
	struct full_program *p = k->program;
	struct flat_cluster *c = k->cluster->flat;
	for (uint32_t i = SSI_FIRST; i < 1u << FULL_CLIENT_BITS; i++)
		if (k->held[i].cptr)
			flat_delete(c->machine, c->id, &k->held[i]);
	p->head = p->tail; /* capabilities that came are held */
}

/* Nobody is left who would receive at the endpoints that it made, so who sends there must not wait for that: they are
 * revoked, one after the other, on its behalf. False: there is none any more. */
static bool revoke_next(struct full_client *k)
{
	struct full_program *p = k->program;
	struct flat_cluster *c = k->cluster->flat;
	for (; p->revoke_at < 1u << FULL_CLIENT_BITS; p->revoke_at++) {
		struct flat_handle *h = &k->held[p->revoke_at];
		if (!h->cptr || !h->first || h->kind != FLAT_ENDPOINT)
			continue;
		p->revoke_at++;
		c->client[k->id].call =
			(struct flat_call){.op = FLAT_CAP_REVOKE, .handle = h, .fresh = &k->made};
		flat_files_start(c, k->id);
		return true;
	}
	return false;
}

static void tell(struct full_client *k)
{
	const struct flat_cluster *c = k->cluster->flat;
	const struct flat_driver *driver = &c->machine->config.driver;
	if (revoke_next(k))
		return;
	discard_all(k);
	if (!k->program->told && driver->exited)
		driver->exited(driver->context, c->id, k->id, &k->program->exit);
	k->program->told = true;
}

static void end(struct full_client *k, const struct flat_exit *how)
{
	if (k->program->ended)
		return;
	k->program->ended = true;
	k->program->exit = *how;
	monitor_letter_end(k);
	SIM_CHECK(seL4_TCB_Suspend(k->tcb) == seL4_NoError);
	if (!k->reply)
		tell(k);
}

bool monitor_program_goes_on(struct full_client *k)
{
	if (!k->program || !k->program->ended || k->reply)
		return false;
	tell(k);
	return true;
}

bool monitor_program_is_over(const struct full_client *k) { return k->program->ended; }

void monitor_program_answered(struct full_client *k)
{
	struct flat_cluster *c = k->cluster->flat;
	struct flat_client *flat = &c->client[k->id];
	if (!monitor_letter_answered(k))
		flat_record(c, flat, c->now, k->chain);
	if (k->program->ended)
		tell(k);
	flat_settle(c);
}

void monitor_program_fault(struct full_client *k, seL4_MessageInfo_t info)
{
	struct flat_exit how = {.fault = (uint32_t)seL4_MessageInfo_get_label(info)};
	_Static_assert(seL4_CapFault_IP == 0 && seL4_VMFault_IP == 0 && seL4_UserException_FaultIP == 0,
		       "alike");
	how.ip = seL4_GetMR(how.fault == seL4_Fault_UnknownSyscall ? seL4_UnknownSyscall_FaultIP : 0);
	how.address = how.fault == seL4_Fault_VMFault ? seL4_GetMR(seL4_VMFault_Addr) : 0;
	end(k, &how);
}

void flat_program_kill(struct flat_machine *m, uint32_t cluster, uint32_t client)
{
	struct full_client *k = &m->cluster[cluster].full->client[client];
	const struct flat_exit how = {.killed = true};
	if (k->program)
		end(k, &how);
}

/* ---- what comes for it ---- */

static void gift_put(struct full_program *p, const struct full_gift *gift)
{
	if (p->tail - p->head == p->room) {
		const uint32_t room = p->room ? p->room * 2 : 16;
		struct full_gift *bigger = malloc(room * sizeof *bigger);
		SIM_CHECK(bigger != NULL);
		for (uint32_t i = p->head; i != p->tail; i++)
			bigger[i & (room - 1)] = p->gift[i & (p->room - 1)];
		free(p->gift);
		p->gift = bigger;
		p->room = room;
	}
	p->gift[p->tail++ & (p->room - 1)] = *gift;
}

bool monitor_program_receives(struct flat_cluster *c, uint32_t client, const struct flat_handle *handle,
			      uint32_t from_cluster, uint32_t from_client)
{
	struct full_client *k = &c->full->client[client];
	struct full_program *p = k->program;
	const struct full_gift gift = {*handle, from_cluster, from_client};
	struct flat_handle none = *handle;
	if (!p)
		return false;
	if (p->ended || (!handle->offered && !handle->cptr)) /* or it was revoked on its way */
		flat_delete(c->machine, c->id, &none);
	else if (!handle->offered || p->tail - p->head < OFFERS_MAX)
		gift_put(p, &gift);
	seL4_Signal(k->notification);
	return true;
}

/* The next that is still there: what was revoked since it came has left its slot. */
static bool gift_take(struct full_client *k, struct full_gift *out)
{
	struct full_program *p = k->program;
	while (p->head != p->tail) {
		*out = p->gift[p->head++ & (p->room - 1)];
		if (out->handle.offered || k->held[out->handle.cptr].cptr == out->handle.cptr)
			return true;
	}
	return false;
}

static void offer_told(struct full_program *p, step_ref name)
{
	if (!p->offered)
		p->offered = calloc(OFFERS_MAX, sizeof *p->offered);
	SIM_CHECK(p->offered != NULL);
	p->offered[p->offers++ % OFFERS_MAX] = name;
}

/* A name is no secret, so it is no authority: only whoever was told it by its holder may obtain. */
bool monitor_program_may_obtain(const struct full_client *k, uint64_t name)
{
	const struct full_program *p = k->program;
	for (uint32_t i = 0; p->offered && i < OFFERS_MAX && i < p->offers; i++)
		if (step_ref_word(p->offered[i]) == name)
			return true;
	return false;
}

static void answer_receive(struct full_client *k)
{
	struct full_gift gift;
	const bool comes = gift_take(k, &gift);
	const struct flat_handle *h = &gift.handle;
	k->program->receives = !comes;
	seL4_SetMR(1, 0);
	if (!comes)
		return;
	if (h->offered)
		offer_told(k->program, h->cap);
	seL4_SetMR(0, h->offered ? step_ref_word(h->cap) : h->cptr);
	seL4_SetMR(1, SSI_CAME | (h->offered ? SSI_CAME_OFFERED : 0) | (h->moved ? SSI_CAME_MOVED : 0) |
			      (seL4_Word)h->kind << SSI_CAME_KIND | (seL4_Word)h->word << SSI_CAME_WORD);
	seL4_SetMR(2, h->label);
	seL4_SetMR(3, (seL4_Word)gift.cluster << 32 | gift.client);
}

/* ---- what only a program asks ---- */

static seL4_Error answer_where(const struct full_client *k)
{
	const struct flat_machine *m = k->cluster->flat->machine;
	const seL4_Word asked = seL4_GetMR(0);
	const seL4_Word cluster = asked == SSI_HERE ? k->cluster->flat->id : asked;
	if (cluster >= m->clusters)
		return seL4_InvalidArgument;
	seL4_SetMR(0, k->cluster->flat->id);
	seL4_SetMR(1, k->id);
	seL4_SetMR(2, m->clusters);
	seL4_SetMR(3, m->cluster[cluster].clients);
	return seL4_NoError;
}

bool monitor_program_call(struct full_client *k, seL4_MessageInfo_t info, seL4_MessageInfo_t *answer)
{
	const seL4_Word asked = seL4_MessageInfo_get_label(info);
	seL4_Error error = seL4_NoError;
	struct flat_exit how = {0};
	k->program->receives = false;
	if (asked == SSI_EXIT) {
		how.code = (int)seL4_GetMR(0);
		end(k, &how);
		return false;
	}
	if (asked == SSI_WHERE)
		error = answer_where(k);
	else
		answer_receive(k);
	*answer = seL4_MessageInfo_new(error, 0, 0, 4);
	return true;
}

void flat_program_waits(const struct flat_machine *m, uint32_t cluster, uint32_t client, char *out,
			size_t size)
{
	const struct full_client *k = &m->cluster[cluster].full->client[client];
	const char *letter = monitor_letter_waits(k);
	if (letter)
		snprintf(out, size, "%s", letter);
	else if (k->reply)
		snprintf(out, size, "waits for the answer to its call %s",
			 flat_op_name[m->cluster[cluster].client[client].call.op]);
	else
		snprintf(out, size, "waits %s",
			 k->program && k->program->receives ? "in ssi_receive(), and nothing comes"
							    : "in a system call of its own kernel");
}
