/* tests/lib/little_user.h - what a root task of the tests of core/ needs: objects from the largest untyped, threads.
 *
 * Nothing here asserts: it runs on fibers, where CMocka must not. `user_failures` counts what did not hold, and
 * `user_failed` names the first; a test asserts on them when its machine has ended. */
#ifndef SKERRY_TESTS_LIB_LITTLE_USER_H
#define SKERRY_TESTS_LIB_LITTLE_USER_H
#include <sel4/sel4.h>
#include <skerry/user.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include "kernelmodel/core/core.h"

#define USER_BASE   UINT64_C(0x1000000)
#define USER_MEMORY (UINT64_C(16) << 20)

static atomic_uint user_failures;
static char user_failed[200];

#define EXPECT(condition)                                                                                    \
	do {                                                                                                 \
		if (!(condition) && !atomic_fetch_add(&user_failures, 1))                                    \
			snprintf(user_failed, sizeof user_failed, "line %d: %s", __LINE__, #condition);      \
	} while (0)

struct user {
	seL4_BootInfo *info;
	seL4_CPtr untyped;
	seL4_SlotPos next;
};

static inline struct user user_begin(void)
{
	struct user user = {.info = seL4_GetBootInfo()};
	unsigned best = 0;
	user.next = user.info->empty.start;
	for (seL4_Word i = 0; i < user.info->untyped.end - user.info->untyped.start; i++)
		if (!user.info->untypedList[i].isDevice && user.info->untypedList[i].sizeBits > best) {
			best = user.info->untypedList[i].sizeBits;
			user.untyped = user.info->untyped.start + i;
		}
	return user;
}

static inline seL4_CPtr user_object(struct user *user, seL4_Word type, seL4_Word bits)
{
	const seL4_Error error =
		seL4_Untyped_Retype(user->untyped, type, bits, seL4_CapInitThreadCNode, 0, 0, user->next, 1);
	EXPECT(error == seL4_NoError);
	return user->next++;
}

struct user_thread {
	void (*code)(void);
	void *stack; /* its lowest byte */
	size_t stack_bytes;
	seL4_Word argument; /* in rdi */
	unsigned priority, core;
	seL4_Word budget_us, period_us; /* 0: 10 ms of 10 ms */
	seL4_CPtr fault_handler;
	bool waits; /* it is made, not resumed */
	/* out */
	seL4_CPtr tcb, context, buffer;
};

static inline void user_thread(struct user *user, struct user_thread *t)
{
	seL4_UserContext regs = {0};
	t->tcb = user_object(user, seL4_TCBObject, 0);
	t->context = user_object(user, seL4_SchedContextObject, seL4_MinSchedContextBits + 1);
	t->buffer = user_object(user, seL4_X86_4K, 0);
	EXPECT(!seL4_SchedControl_Configure(user->info->schedcontrol.start + t->core, t->context,
					    t->budget_us ? t->budget_us : 10000,
					    t->period_us ? t->period_us : 10000, 0, 0));
	EXPECT(!seL4_TCB_Configure(t->tcb, seL4_CapInitThreadCNode, 0, seL4_CapInitThreadVSpace, 0,
				   0x10000000, t->buffer));
	EXPECT(!seL4_TCB_SetSchedParams(t->tcb, seL4_CapInitThreadTCB, t->priority, t->priority, t->context,
					t->fault_handler));
	regs.rip = (seL4_Word)t->code;
	/* As behind a call: 8 less than a multiple of 16. */
	regs.rsp = (((seL4_Word)t->stack + t->stack_bytes) & ~(seL4_Word)15) - 8;
	regs.rdi = t->argument;
	EXPECT(!seL4_TCB_WriteRegisters(t->tcb, !t->waits, 0, sizeof regs / sizeof(seL4_Word), &regs));
}

static inline struct core_config user_config(int (*entry)(void *), uint32_t cores)
{
	return (struct core_config){.boot = {.nodes = 1,
					     .cores = cores,
					     .memory = {USER_BASE, USER_BASE + USER_MEMORY},
					     .ticks_per_us = 1000},
				    .entry = entry,
				    .digest = true};
}

#endif
