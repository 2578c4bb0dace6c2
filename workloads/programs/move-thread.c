/* Moves a thread from one core of a cluster to the other, in every way that seL4 has, and says what each takes.
 *
 *     skerry-cc -O2 workloads/programs/move-thread.c -o move-thread
 *     skerry boot ./move-thread --cores 2
 *
 * In virtual time, with the cost profile sel4-skylake-mcs, a figure is what the model charges: from the mover's first
 * instruction to the first one of the moved thread on the other core; every time the same. */
#include <sel4/sel4.h>
#include <skerry/user.h>
#include <stdio.h>
#include <stdlib.h>

#define STACK_WORDS 2048
#define ROUNDS      5
#define BUDGET_US   5000

static const seL4_BootInfo *info;
static seL4_CPtr untyped, next;
static seL4_Word stack[3][STACK_WORDS] __attribute__((aligned(16)));

static volatile seL4_Word ran_at, ran_on; /* the moved thread's latest stamp */
static volatile seL4_Word moved_at;       /* when the mover began */

static void must(seL4_Error error, const char *what)
{
	if (error == seL4_NoError)
		return;
	printf("%s: error %d\n", what, (int)error);
	exit(1);
}

static seL4_CPtr object(seL4_Word type, seL4_Word bits)
{
	must(seL4_Untyped_Retype(untyped, type, bits, seL4_CapInitThreadCNode, 0, 0, next, 1), "retype");
	return next++;
}

static void find_memory(void)
{
	seL4_Word best = 0;
	for (seL4_Word i = 0; i < info->untyped.end - info->untyped.start; i++)
		if (!info->untypedList[i].isDevice &&
		    (info->untypedList[best].isDevice ||
		     info->untypedList[i].sizeBits > info->untypedList[best].sizeBits))
			best = i;
	untyped = info->untyped.start + best;
	next = info->empty.start;
}

static void configure(seL4_CPtr sc, seL4_Word core)
{
	must(seL4_SchedControl_Configure(info->schedcontrol.start + core, sc, BUDGET_US, BUDGET_US, 0, 0),
	     "configure");
}

struct thread {
	seL4_CPtr tcb, sc;
};

static struct thread thread(void (*run)(void), unsigned which, seL4_Word core, seL4_Word priority)
{
	const struct thread t = {object(seL4_TCBObject, 0),
				 object(seL4_SchedContextObject, seL4_MinSchedContextBits)};
	const seL4_CPtr frame = object(seL4_X86_4K, 0);
	const seL4_Word buffer = 0x10000000 + which * 0x1000;
	static int has_tables;
	if (!has_tables) {
		const seL4_CPtr table = object(seL4_X86_PageTableObject, 0);
		must(seL4_X86_PageTable_Map(table, seL4_CapInitThreadVSpace, 0x10000000,
					    seL4_X86_Default_VMAttributes),
		     "table");
		has_tables = 1;
	}
	must(seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, buffer, seL4_ReadWrite,
			       seL4_X86_Default_VMAttributes),
	     "map");
	seL4_UserContext regs = {.rip = (seL4_Word)run, .rsp = (seL4_Word)&stack[which][STACK_WORDS]};
	must(seL4_TCB_Configure(t.tcb, seL4_CapInitThreadCNode, 0, seL4_CapInitThreadVSpace, 0, buffer,
				frame),
	     "tcb");
	configure(t.sc, core);
	must(seL4_TCB_SetSchedParams(t.tcb, seL4_CapInitThreadTCB, priority, priority, t.sc, seL4_CapNull),
	     "priority");
	must(seL4_TCB_WriteRegisters(t.tcb, 1, 0, sizeof regs / sizeof(seL4_Word), &regs), "registers");
	return t;
}

static void stamp(void)
{
	ran_on = skerry_core();
	ran_at = skerry_now();
}

/* ---- the threads that are moved ---- */

static seL4_CPtr bell;

/* Runs until it finds itself on the mover's core, whose priority is lower; then it waits. */
static void busy(void)
{
	for (;;) {
		stamp();
		if (ran_on == 0)
			seL4_Wait(bell, NULL);
		else
			skerry_compute(500);
	}
}

static void waiting(void)
{
	for (;;) {
		seL4_Wait(bell, NULL);
		stamp();
	}
}

static seL4_CPtr endpoint, reply;
static void passive(void)
{
	seL4_Word badge;
	seL4_MessageInfo_t tag = seL4_Recv(endpoint, &badge, reply);
	for (;;) {
		stamp();
		tag = seL4_ReplyRecv(endpoint, tag, &badge, reply);
	}
}

/* ---- measuring ---- */

static void await_core(seL4_Word core)
{
	for (unsigned i = 0; i < 100000 && (ran_on != core || ran_at <= moved_at); i++)
		skerry_compute(50);
}

static int is_in_order(const seL4_Word *took, unsigned i) { return took[i - 1] <= took[i]; }

static void report(const char *how, seL4_Word *took)
{
	for (unsigned i = 1; i < ROUNDS; i++)
		for (unsigned j = i; j && !is_in_order(took, j); j--) {
			const seL4_Word other = took[j];
			took[j] = took[j - 1];
			took[j - 1] = other;
		}
	printf("%-64s %6lu  (%lu to %lu)\n", how, took[ROUNDS / 2], took[0], took[ROUNDS - 1]);
}

static void move_by_configure(const struct thread *t, seL4_Word to)
{
	moved_at = skerry_now();
	configure(t->sc, to);
}

/* Each core has a context ready; the thread goes from the one to the other. */
static seL4_CPtr context[2];
static void move_by_binding(const struct thread *t, seL4_Word to)
{
	moved_at = skerry_now();
	must(seL4_SchedContext_Unbind(context[!to]), "unbind");
	must(seL4_SchedContext_Bind(context[to], t->tcb), "bind");
}

static void measure_busy(const char *how, const struct thread *t,
			 void (*move)(const struct thread *, seL4_Word))
{
	seL4_Word took[ROUNDS];
	for (unsigned i = 0; i < ROUNDS; i++) {
		await_core(1);
		move(t, 0);
		await_core(0);
		took[i] = ran_at - moved_at;
		move(t, 1);
		seL4_Signal(bell);
	}
	report(how, took);
}

static void measure_waiting(const struct thread *t)
{
	seL4_Word took[ROUNDS];
	for (unsigned i = 0; i < ROUNDS; i++) {
		move_by_configure(t, (i & 1) ? 1 : 0);
		seL4_Signal(bell);
		await_core((i & 1) ? 1 : 0);
		took[i] = ran_at - moved_at;
	}
	report("a thread that waits, configured elsewhere and then signalled", took);
}

static void measure_passive(const struct thread *t)
{
	seL4_Word took[ROUNDS];
	must(seL4_SchedContext_Unbind(t->sc), "unbind");
	for (unsigned i = 0; i < ROUNDS; i++) {
		moved_at = skerry_now();
		seL4_Call(endpoint, seL4_MessageInfo_new(0, 0, 0, 0));
		took[i] = ran_at - moved_at;
	}
	report("a passive server, called from here: it comes on the caller's time", took);
}

int main(void)
{
	info = seL4_GetBootInfo();
	if (info->schedcontrol.end - info->schedcontrol.start < 2) {
		printf("this program wants two cores: skerry boot move-thread --cores 2\n");
		return 2;
	}
	find_memory();
	must(seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, 100), "priority");
	bell = object(seL4_NotificationObject, 0);
	endpoint = object(seL4_EndpointObject, 0);
	reply = object(seL4_ReplyObject, 0);
	context[0] = object(seL4_SchedContextObject, seL4_MinSchedContextBits);
	configure(context[0], 0);

	printf("%-64s %6s\n", "moving a thread between two cores of a cluster", "cycles");
	struct thread t = thread(passive, 0, 1, 150);
	skerry_compute(20000);
	measure_passive(&t);
	t = thread(waiting, 1, 1, 150);
	skerry_compute(20000);
	measure_waiting(&t);
	must(seL4_TCB_Suspend(t.tcb), "suspend");
	t = thread(busy, 2, 1, 150);
	measure_busy("a thread that runs, by configuring its context here", &t, move_by_configure);
	await_core(1);
	context[1] = t.sc;
	measure_busy("a thread that runs, by binding it to a context of this core", &t, move_by_binding);
	return 0;
}
