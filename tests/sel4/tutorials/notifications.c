/* Tutorial: notifications.
 *
 * A notification is a word of bits. Signalling ORs the badge of the capability into it; waiting takes the word and leaves
 * zero. So signals do not queue, they add up: who waits learns which of its sources were busy, not how often. */
#include <sel4tutorials/tutorial.h>

/* ---- signals add up ---- */

static void words_and_bits(seL4_BootInfo *info)
{
	const seL4_CPtr word = alloc_object(info, seL4_NotificationObject, 0);
	const seL4_CPtr keyboard = cap_mint(info, word, seL4_CanWrite, 1),
			disk = cap_mint(info, word, seL4_CanWrite, 4);
	seL4_Word badge = 9;
	seL4_Poll(word, &badge); /* looks, and never waits */
	CHECK(badge == 0);
	seL4_Signal(disk);
	seL4_Signal(keyboard);
	seL4_Signal(disk);
	seL4_Wait(word, &badge);
	CHECK(badge == 5);
	seL4_Poll(word, &badge);
	CHECK(badge == 0);

	/* A source may only write, so it cannot take what others signalled. NBWait without the right is a fault, so the
	 * program asks with what it has the right to. */
	seL4_Signal(keyboard);
	seL4_NBWait(cap_mint(info, word, seL4_CanRead, 0), &badge);
	CHECK(badge == 1);
}

/* ---- a producer and two consumers ---- */

/* Slots of one word each. A notification a slot and direction: "it is empty", and, as bits of one, "it is full". */
enum { SLOTS = 2, ITEMS = 6 };
static struct {
	seL4_Word slot[SLOTS];
	seL4_CPtr empty[SLOTS];             /* each waited for by one producer */
	seL4_CPtr full, full_badged[SLOTS]; /* waited for by the consumer, which learns which */
	seL4_CPtr done;
} buffer;

static void producer_main(void *slot_number)
{
	const seL4_Word s = (seL4_Word)slot_number;
	for (seL4_Word item = 1; item <= ITEMS; item++) {
		seL4_Wait(buffer.empty[s], NULL);
		buffer.slot[s] = 100 * s + item;
		seL4_Signal(buffer.full_badged[s]);
	}
	seL4_Wait(buffer.done, NULL);
}

static void producers_and_a_consumer(seL4_BootInfo *info)
{
	seL4_Word sum = 0, taken = 0, wakes = 0;
	buffer.full = alloc_object(info, seL4_NotificationObject, 0);
	buffer.done = alloc_object(info, seL4_NotificationObject, 0);
	for (seL4_Word s = 0; s < SLOTS; s++) {
		buffer.empty[s] = alloc_object(info, seL4_NotificationObject, 0);
		buffer.full_badged[s] = cap_mint(info, buffer.full, seL4_CanWrite, BIT(s));
		thread_start(info, (void *)producer_main, s, 0, 100);
		seL4_Signal(buffer.empty[s]);
	}
	while (taken < SLOTS * ITEMS) {
		seL4_Word which;
		seL4_Wait(buffer.full, &which);
		wakes++;
		CHECK(which != 0 && which < BIT(SLOTS));
		for (seL4_Word s = 0; s < SLOTS; s++)
			if (which & BIT(s)) {
				sum += buffer.slot[s];
				taken++;
				seL4_Signal(buffer.empty[s]);
			}
	}
	printf("%lu items in %lu wake-ups.\n", taken, wakes);
	CHECK(sum == 2 * (1 + 2 + 3 + 4 + 5 + 6) + 100 * ITEMS);
	CHECK(wakes <= taken);
}

/* ---- one thread that waits for messages and for signals ---- */

static struct {
	seL4_CPtr endpoint, reply, notification, timer;
	seL4_Word signals, calls;
} server;

/* Its notification is bound to it: a signal reaches it also while it waits at the endpoint. Badges tell the two apart. */
#define IS_SIGNAL BIT(60)
static void server_main(void)
{
	seL4_Word badge;
	seL4_MessageInfo_t info = seL4_Recv(server.endpoint, &badge, server.reply);
	(void)info;
	for (;;) {
		if (badge & IS_SIGNAL) {
			server.signals |= badge;
			seL4_Recv(server.endpoint, &badge, server.reply);
		} else {
			server.calls++;
			seL4_SetMR(0, server.signals);
			seL4_ReplyRecv(server.endpoint, seL4_MessageInfo_new(0, 0, 0, 1), &badge,
				       server.reply);
		}
	}
}

static void a_bound_notification(seL4_BootInfo *info)
{
	server.endpoint = alloc_object(info, seL4_EndpointObject, 0);
	server.reply = alloc_object(info, seL4_ReplyObject, 0);
	server.notification = alloc_object(info, seL4_NotificationObject, 0);
	server.timer = cap_mint(info, server.notification, seL4_AllRights, IS_SIGNAL | 2);
	struct thread t = thread_start(info, (void *)server_main, 0, 0, 200);
	CHECK_OK(seL4_TCB_BindNotification(t.tcb, server.notification));
	/* One thread has one, and one notification serves one thread. */
	CHECK_ERROR(seL4_TCB_BindNotification(t.tcb, server.notification), seL4_IllegalOperation);
	CHECK_ERROR(seL4_TCB_BindNotification(seL4_CapInitThreadTCB, server.notification),
		    seL4_IllegalOperation);

	seL4_Call(server.endpoint, seL4_MessageInfo_new(0, 0, 0, 0));
	CHECK(seL4_GetMR(0) == 0);
	seL4_Signal(server.timer);
	seL4_Signal(cap_mint(info, server.notification, seL4_CanWrite, IS_SIGNAL | 8));
	seL4_Call(server.endpoint, seL4_MessageInfo_new(0, 0, 0, 0)); /* signals come first */
	CHECK(seL4_GetMR(0) == (IS_SIGNAL | 2 | 8));
	CHECK(server.calls == 2);

	CHECK_OK(seL4_TCB_UnbindNotification(t.tcb));
	server.signals = 0;
	seL4_Signal(server.timer); /* nobody takes it now: it stays in the word */
	seL4_Call(server.endpoint, seL4_MessageInfo_new(0, 0, 0, 0));
	CHECK(seL4_GetMR(0) == 0);
	seL4_Word badge;
	seL4_Poll(server.notification, &badge);
	CHECK(badge == (IS_SIGNAL | 2));
}

/* ---- a lock ---- */

/* A notification that was signalled once is a semaphore of one: who takes the word has the lock. */
static struct {
	seL4_CPtr free, done;
	seL4_Word counter, inside, worst;
} lock;
static void worker_main(void)
{
	for (int i = 0; i < 5; i++) {
		seL4_Wait(lock.free, NULL);
		lock.inside++;
		lock.worst = MAX(lock.worst, lock.inside);
		const seL4_Word before = lock.counter;
		seL4_Yield(); /* the others have their turn, and must wait */
		lock.counter = before + 1;
		lock.inside--;
		seL4_Signal(lock.free);
	}
	seL4_Signal(lock.done);
	seL4_Wait(lock.free, NULL);
}

static void a_lock(seL4_BootInfo *info)
{
	const seL4_CPtr finished = alloc_object(info, seL4_NotificationObject, 0);
	seL4_Word done = 0, badge;
	lock.free = alloc_object(info, seL4_NotificationObject, 0);
	lock.done = cap_mint(info, finished, seL4_CanWrite, 1);
	for (int i = 0; i < 3; i++)
		thread_start(info, (void *)worker_main, 0, 0, 100);
	seL4_Signal(lock.free);
	while (lock.counter < 15) {
		seL4_Wait(finished, &badge);
		done += badge;
	}
	CHECK(done >= 1 && done <= 3);
	CHECK(lock.counter == 15 && lock.worst == 1);
}

int main(void)
{
	seL4_BootInfo *info = platsupport_get_bootinfo();
	words_and_bits(info);
	producers_and_a_consumer(info);
	a_bound_notification(info);
	a_lock(info);
	return tutorial_end("No signal went astray.");
}
