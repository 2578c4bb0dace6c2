/* Tutorial: threads.
 *
 * A thread is a TCB: registers, a priority, and the capabilities that say where it finds its capabilities and its memory.
 * In the MCS kernel it also needs time, by a scheduling context. Threads here share all memory with main(), and write what
 * they do into a log, so that the order in which they ran can be compared with what the scheduler promises. */
#include <sel4tutorials/tutorial.h>

static char log_text[128];
static void log_add(char c)
{
	const size_t length = strlen(log_text);
	if (length < sizeof log_text - 1)
		log_text[length] = c;
}
static void log_clear(void) { memset(log_text, 0, sizeof log_text); }

/* Every thread here waits on this between what it does. */
static seL4_CPtr go;

static int sum;
static void hello(void *arg0, void *arg1)
{
	printf("A thread: arg0 %lu, arg1 %d.\n", (seL4_Word)arg0, *(int *)arg1);
	sum = (int)(seL4_Word)arg0 + *(int *)arg1;
	seL4_Wait(go, NULL);
	sum++;
	seL4_Wait(go, NULL);
}

/* A thread of a lower priority runs when main() does not: main() lowers itself for a moment to let it. */
static void set_own_priority(seL4_Word priority)
{
	CHECK_OK(seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, priority));
}
static void let_others_run(void)
{
	set_own_priority(50);
	set_own_priority(seL4_MaxPrio);
}

static void a_thread_starts(seL4_BootInfo *info)
{
	static int number = 42;
	struct thread t = thread_new(info, (void *)hello, 0, 0, 100, 5000, 5000);
	seL4_UserContext regs, own;

	/* Registers can be looked at and changed as long as the thread does not run. One's own are nobody's to read. */
	CHECK_OK(seL4_TCB_ReadRegisters(t.tcb, 0, 0, 20, &regs));
	CHECK(regs.rip == (seL4_Word)hello);
	CHECK_ERROR(seL4_TCB_ReadRegisters(seL4_CapInitThreadTCB, 0, 0, 20, &own), seL4_IllegalOperation);
	regs.rdi = 7;
	regs.rsi = (seL4_Word)&number;
	CHECK_OK(seL4_TCB_WriteRegisters(t.tcb, 1, 0, 20, &regs)); /* and resume it */
	CHECK(sum == 0);                                           /* main() has a higher priority */
	let_others_run();
	CHECK(sum == 49);

	/* Suspended while it waits, it has left the queue: the signal stays for whoever waits next. Resumed, it does its
	 * system call again, and finds the signal. */
	CHECK_OK(seL4_TCB_Suspend(t.tcb));
	seL4_Signal(go);
	let_others_run();
	CHECK(sum == 49);
	CHECK_OK(seL4_TCB_Resume(t.tcb));
	let_others_run();
	CHECK(sum == 50);
	CHECK_OK(seL4_TCB_Suspend(t.tcb));

	/* Nobody gets a priority that is above what its authority may give. */
	CHECK_ERROR(seL4_TCB_SetPriority(t.tcb, t.tcb, 101), seL4_RangeError);
	CHECK(seL4_GetMR(0) == 0 && seL4_GetMR(1) == 100);
	CHECK_OK(seL4_TCB_SetPriority(t.tcb, t.tcb, 100));
}

static void say_and_wait(void *name)
{
	for (;;) {
		log_add((char)(seL4_Word)name);
		seL4_Wait(go, NULL);
	}
}

static struct thread named(seL4_BootInfo *info, void *entry, char name, seL4_Word priority)
{
	struct thread t = thread_new(info, entry, (seL4_Word)name, 0, priority, 5000, 5000);
	seL4_DebugNameThread(t.tcb, (const char[]){name, 0});
	return t;
}

static void priorities_decide(seL4_BootInfo *info)
{
	struct thread low = named(info, (void *)say_and_wait, 'l', 60),
		      high = named(info, (void *)say_and_wait, 'h', 70);
	struct thread also = named(info, (void *)say_and_wait, 'a', 70);
	log_clear();
	CHECK_OK(seL4_TCB_Resume(low.tcb));
	CHECK_OK(seL4_TCB_Resume(high.tcb));
	CHECK_OK(seL4_TCB_Resume(also.tcb));
	let_others_run();
	/* Within a priority, whom a thread of a higher priority made runnable goes to the head of the queue. */
	printf("In order of priority: %s.\n", log_text);
	CHECK(strcmp(log_text, "ahl") == 0);

	/* They wait now, in order of priority, and first come first served within one. Who makes a thread of a higher
	 * priority runnable is preempted there and then; one of a lower priority has to wait. */
	log_clear();
	set_own_priority(65);
	log_add('1');
	seL4_Signal(go);
	log_add('2');
	seL4_Signal(go);
	log_add('3');
	CHECK_OK(seL4_TCB_Suspend(also.tcb));
	CHECK_OK(seL4_TCB_Suspend(high.tcb));
	seL4_Signal(go);
	log_add('4');
	set_own_priority(59);
	log_add('5');
	set_own_priority(seL4_MaxPrio);
	printf("Preemption: %s.\n", log_text);
	CHECK(strcmp(log_text, "1a2h34l5") == 0);
	seL4_DebugDumpScheduler();
	CHECK_OK(seL4_TCB_Suspend(low.tcb));
}

static void say_and_yield(void *name)
{
	for (int i = 0; i < 3; i++) {
		log_add((char)(seL4_Word)name);
		seL4_Yield();
	}
	seL4_Wait(go, NULL);
}

/* Threads of one priority take turns: when one yields, or when its time slice is over. */
static void equals_take_turns(seL4_BootInfo *info)
{
	struct thread a = named(info, (void *)say_and_yield, 'a', 80),
		      b = named(info, (void *)say_and_yield, 'b', 80);
	log_clear();
	CHECK_OK(seL4_TCB_Resume(b.tcb));
	CHECK_OK(seL4_TCB_Resume(a.tcb));
	let_others_run();
	printf("Yielding in turn: %s.\n", log_text);
	CHECK(strcmp(log_text, "ababab") == 0);
}

static volatile int flag;
static void set_flag(void)
{
	flag = 1;
	seL4_Wait(go, NULL);
}

/* A loop without a system call is preempted as well, when its time slice ends. */
static void spinning_is_preempted(seL4_BootInfo *info)
{
	struct thread setter = named(info, (void *)set_flag, 's', 50);
	CHECK_OK(seL4_TCB_Resume(setter.tcb));
	set_own_priority(50);
	while (!flag)
		;
	set_own_priority(seL4_MaxPrio);
	printf("The loop ended: another thread had its turn.\n");
}

int main(void)
{
	seL4_BootInfo *info = platsupport_get_bootinfo();
	go = alloc_object(info, seL4_NotificationObject, 0);
	a_thread_starts(info);
	priorities_decide(info);
	equals_take_turns(info);
	spinning_is_preempted(info);
	return tutorial_end("Every thread had its turn.");
}
