/* tests/unit/km_world.h - a kernel and threads that are nothing but their registers, for the tests of IPC and faults.
 *
 * The root task makes threads and objects at priority 255; world_start() puts it down to 1, and from then on whoever the
 * scheduler chose does the next system call: as() says who that must be. All share the root task's CSpace, in which a
 * slot's number is its address. Each fixture checks the whole kernel when it goes. */
#ifndef SKERRY_TESTS_KM_WORLD_H
#define SKERRY_TESTS_KM_WORLD_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include "kernelmodel/kernel_internal.h"
#include "kernelmodel/message.h"
#include <sel4/bootinfo_types.h>
#include <sel4/syscall.h>

#define ROOT_BITS 10
#define ROOT      seL4_CapInitThreadCNode
#define TICKS_US  1000

struct thread {
	uint64_t tcb, sc, buffer; /* capabilities; sc or buffer 0: none */
	struct km_tcb *t;
};
struct world {
	struct km_kernel *k;
	struct km_core *core;
	uint64_t untyped, next, control;
	struct thread root;
	int slow; /* the fast path may not be taken */
};

static inline struct km_slot *slot_of(struct world *w, uint64_t cptr)
{
	return KM_SLOT(w->k, w->k->root_cnode) + cptr;
}
static inline void *object_of(struct world *w, uint64_t cptr)
{
	return km_cap_object(w->k, slot_of(w, cptr)->cap);
}
static inline km_word *buffer_of(struct world *w, const struct thread *thread)
{
	return km_ipc_buffer(w->k, thread->t, 1);
}
static inline km_word info(km_word label, unsigned extra, unsigned length)
{
	return km_info_make(label, 0, extra, length);
}
static inline int is_current(const struct world *w, const struct thread *thread)
{
	return w->core->current == thread->t;
}

/* The current thread, which must be `thread`, enters the kernel. */
static inline void enter_as(struct world *w, const struct thread *thread, km_word number)
{
	km_ticks timer_at = w->core->timer_at;

	if (!is_current(w, thread))
		fail_msg("\"%s\" is current", w->core->current->name);
	w->core->now += 10;
	thread->t->context.reg[KM_REG_SYSCALL] = number;
	thread->t->context.reg[KM_RIP] = 0x400100;
	thread->t->context.next_ip = 0x400102;
	/* The fast path wants time before the next deadline; the long way does not ask. */
	if (w->slow)
		w->core->timer_at = 0;
	km_syscall(w->k, w->core);
	if (w->slow && w->core->timer_at == 0)
		w->core->timer_at = timer_at;
}

static inline void sys(struct world *w, const struct thread *thread, int number, uint64_t cptr,
		       km_word message)
{
	thread->t->context.reg[KM_REG_CAP] = cptr;
	thread->t->context.reg[KM_REG_INFO] = message;
	enter_as(w, thread, (km_word)(int64_t)number);
}

static inline void set_mrs(const struct thread *thread, km_word a, km_word b, km_word c, km_word d)
{
	thread->t->context.reg[KM_REG_MR0] = a;
	thread->t->context.reg[KM_REG_MR1] = b;
	thread->t->context.reg[KM_REG_MR2] = c;
	thread->t->context.reg[KM_REG_MR3] = d;
}
static inline km_word mr_of(struct world *w, const struct thread *thread, unsigned i)
{
	return i < 4 ? thread->t->context.reg[km_mr_register(i)] : buffer_of(w, thread)[1 + i];
}
static inline km_word reg_of(const struct thread *thread, unsigned reg)
{
	return thread->t->context.reg[reg];
}
static inline km_word badge_of(const struct thread *thread) { return reg_of(thread, KM_REG_CAP); }
static inline km_word info_of(const struct thread *thread) { return reg_of(thread, KM_REG_INFO); }

static inline void send(struct world *w, const struct thread *thread, uint64_t cptr, km_word message)
{
	sys(w, thread, seL4_SysSend, cptr, message);
}
static inline void call(struct world *w, const struct thread *thread, uint64_t cptr, km_word message)
{
	sys(w, thread, seL4_SysCall, cptr, message);
}
static inline void recv(struct world *w, const struct thread *thread, uint64_t cptr, uint64_t reply)
{
	thread->t->context.reg[KM_REG_REPLY] = reply;
	sys(w, thread, seL4_SysRecv, cptr, 0);
}
static inline void wait_on(struct world *w, const struct thread *thread, uint64_t cptr)
{
	sys(w, thread, seL4_SysWait, cptr, 0);
}
static inline void reply_recv(struct world *w, const struct thread *thread, uint64_t cptr, uint64_t reply,
			      km_word message)
{
	thread->t->context.reg[KM_REG_REPLY] = reply;
	sys(w, thread, seL4_SysReplyRecv, cptr, message);
}
static inline void reply_to(struct world *w, const struct thread *thread, uint64_t reply, km_word message)
{
	send(w, thread, reply, message);
}

/* ---- invocations of the root task ---- */

#define LIST(...)                                                                                            \
	(sizeof((const uint64_t[]){0, ##__VA_ARGS__}) / 8 - 1), (const uint64_t[]) { 0, ##__VA_ARGS__ }

static inline void put_message(struct world *w, const struct thread *thread, size_t words, const uint64_t *mr,
			       size_t caps, const uint64_t *cap)
{
	km_word *buffer = buffer_of(w, thread);

	for (size_t i = 0; i < words; i++) {
		if (i < 4)
			thread->t->context.reg[km_mr_register((unsigned)i)] = mr[i + 1];
		else
			buffer[1 + i] = mr[i + 1];
	}
	for (size_t i = 0; i < caps; i++)
		buffer[KM_BUFFER_BADGE + i] = cap[i + 1];
}

/* Called by `thread`; returns the error. */
static inline uint64_t invoke_as(struct world *w, const struct thread *thread, uint64_t cptr, unsigned label,
				 size_t words, const uint64_t *mr, size_t caps, const uint64_t *cap)
{
	put_message(w, thread, words, mr, caps, cap);
	call(w, thread, cptr, info(label, (unsigned)caps, (unsigned)words));
	return km_info_label(info_of(thread));
}
#define invoke(w, cptr, label, ...)      invoke_as(w, &(w)->root, cptr, label, __VA_ARGS__)
#define invoke_good(w, cptr, label, ...) assert_int_equal(invoke(w, cptr, label, __VA_ARGS__), seL4_NoError)

static inline uint64_t make(struct world *w, unsigned type, unsigned bits)
{
	uint64_t slot = w->next++;

	invoke_good(w, w->untyped, UntypedRetype, LIST(type, bits, 0, 0, slot, 1), LIST(ROOT));
	return slot;
}
static inline uint64_t mint(struct world *w, uint64_t source, unsigned rights, uint64_t badge)
{
	uint64_t slot = w->next++;

	invoke_good(w, ROOT, CNodeMint, LIST(slot, 64, source, 64, rights, badge), LIST(ROOT));
	return slot;
}
static inline uint64_t copy(struct world *w, uint64_t source, unsigned rights)
{
	uint64_t slot = w->next++;

	invoke_good(w, ROOT, CNodeCopy, LIST(slot, 64, source, 64, rights), LIST(ROOT));
	return slot;
}
static inline uint64_t endpoint(struct world *w) { return make(w, seL4_EndpointObject, 0); }
static inline uint64_t notification(struct world *w) { return make(w, seL4_NotificationObject, 0); }
static inline uint64_t reply_object(struct world *w) { return make(w, seL4_ReplyObject, 0); }

/* Round-robin if the budget is the period. */
static inline uint64_t context_of(struct world *w, uint64_t budget_us, uint64_t period_us, uint64_t badge)
{
	uint64_t sc = make(w, seL4_SchedContextObject, seL4_MinSchedContextBits + 1);

	invoke_good(w, w->control, SchedControlConfigureFlags, LIST(budget_us, period_us, 0, badge, 0),
		    LIST(sc));
	return sc;
}

enum { WITH_SC = 1, WITH_BUFFER = 2 };
static inline struct thread thread_new(struct world *w, unsigned priority, unsigned what)
{
	struct thread thread = {.tcb = make(w, seL4_TCBObject, 0)};

	thread.t = object_of(w, thread.tcb);
	snprintf(thread.t->name, sizeof(thread.t->name), "thread %u of priority %u", thread.t->number,
		 priority);
	if (what & WITH_BUFFER)
		thread.buffer = make(w, seL4_X86_4K, 0);
	if (what & WITH_SC)
		thread.sc = context_of(w, 10000, 10000, 0);
	invoke_good(w, thread.tcb, TCBConfigure, LIST(0, 0, thread.buffer ? 0x700000 : 0),
		    LIST(ROOT, seL4_CapInitThreadVSpace, thread.buffer));
	invoke_good(w, thread.tcb, TCBSetSchedParams, LIST(seL4_MaxPrio, priority),
		    LIST(seL4_CapInitThreadTCB, thread.sc, 0));
	return thread;
}
/* One that runs, and waits for the first time itself. */
static inline struct thread thread_started(struct world *w, unsigned priority, unsigned what)
{
	struct thread thread = thread_new(w, priority, what);

	invoke_good(w, thread.tcb, TCBResume, LIST(), LIST());
	return thread;
}

static inline void set_priority(struct world *w, const struct thread *by, const struct thread *thread,
				unsigned priority)
{
	/* The answer is there even if another thread runs then. */
	assert_int_equal(
		invoke_as(w, by, thread->tcb, TCBSetPriority, LIST(priority), LIST(seL4_CapInitThreadTCB)),
		seL4_NoError);
}
/* From here on whoever can run does. */
static inline void world_start(struct world *w) { set_priority(w, &w->root, &w->root, 1); }
/* Everybody else waits: the root task makes more. */
static inline void world_stop(struct world *w) { set_priority(w, &w->root, &w->root, seL4_MaxPrio); }

/* A passive server comes to its receive on a context that is then taken from it. Nobody else may be ready. */
static inline struct thread server_new(struct world *w, unsigned priority, unsigned what, uint64_t ep,
				       uint64_t reply)
{
	struct thread thread = thread_started(w, priority, what | WITH_SC);

	world_start(w);
	recv(w, &thread, ep, reply);
	world_stop(w);
	if (!(what & WITH_SC)) {
		invoke_good(w, thread.sc, SchedContextUnbind, LIST(), LIST());
		thread.sc = 0;
	}
	return thread;
}

/* ---- notifications and faults ---- */

static inline struct thread bound_thread(struct world *w, unsigned priority, uint64_t ntfn)
{
	struct thread thread = thread_started(w, priority, WITH_SC);

	invoke_good(w, thread.tcb, TCBBindNotification, LIST(), LIST(ntfn));
	return thread;
}

/* The faults of `thread` go to the root task. */
static inline uint64_t hear_faults(struct world *w, const struct thread *thread)
{
	uint64_t ep = endpoint(w);

	invoke_good(w, thread->tcb, TCBSetSpace, LIST(0, 0), LIST(ep, ROOT, seL4_CapInitThreadVSpace));
	return ep;
}

static inline void expect_cap_fault(struct world *w, uint64_t faults, uint64_t cptr, unsigned in_receive,
				    unsigned lookup)
{
	uint64_t reply;

	world_stop(w);
	reply = reply_object(w);
	recv(w, &w->root, faults, reply);
	assert_int_equal(km_info_label(info_of(&w->root)), seL4_Fault_CapFault);
	assert_int_equal(mr_of(w, &w->root, 0), 0x400100);
	assert_int_equal(mr_of(w, &w->root, 1), cptr);
	assert_int_equal(mr_of(w, &w->root, 2), in_receive);
	assert_int_equal(mr_of(w, &w->root, 3), lookup);
}

/* ---- life ---- */

static inline uint64_t find_untyped(struct world *w)
{
	const seL4_BootInfo *boot = km_at(w->k, w->k->boot_info);
	uint64_t best = 0;
	unsigned bits = 0;

	for (uint64_t i = 0; i < boot->untyped.end - boot->untyped.start; i++) {
		if (!boot->untypedList[i].isDevice && boot->untypedList[i].sizeBits > bits) {
			bits = boot->untypedList[i].sizeBits;
			best = boot->untyped.start + i;
		}
	}
	return best;
}

/* `like` gives what is particular. */
static inline struct world *world_with(const struct km_boot *like)
{
	struct km_boot boot = *like;
	struct world *w = calloc(1, sizeof(*w));
	const seL4_BootInfo *info_page;
	char why[256];

	if (!boot.cores)
		boot.cores = 1;
	boot.memory = (struct km_region){0x100000, 0x100000 + (UINT64_C(1) << 20)};
	boot.ticks_per_us = TICKS_US;
	boot.root_cnode_bits = ROOT_BITS;
	assert_non_null(w);
	if (km_kernel_new(&w->k, &boot, why, sizeof(why)) != 0)
		fail_msg("%s", why);
	w->core = &w->k->core[0];
	w->root = (struct thread){
		.tcb = seL4_CapInitThreadTCB, .sc = seL4_CapInitThreadSC, .t = w->core->current};
	info_page = km_at(w->k, w->k->boot_info);
	w->next = info_page->empty.start;
	w->control = info_page->schedcontrol.start;
	w->untyped = find_untyped(w);
	return w;
}

static inline struct world *world_new(uint32_t cores)
{
	struct km_boot boot = {.cores = cores};

	return world_with(&boot);
}

static inline int setup(void **state)
{
	*state = world_new(1);
	return 0;
}
static inline void world_check(struct world *w)
{
	const char *broken = km_check(w->k);

	if (broken)
		fail_msg("%s", broken);
}
static inline int teardown(void **state)
{
	struct world *w = *state;

	world_check(w);
	km_kernel_free(w->k);
	free(w);
	return 0;
}
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
