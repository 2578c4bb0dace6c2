/* tests/unit/km_capspace.h - a small kernel, driven by the registers of its root task, for the tests of capabilities.
 *
 * The root CNode has 2^10 slots and a guard, so that a slot's number is its full-depth address. Each fixture checks the
 * whole kernel when it goes. */
#ifndef SKERRY_TESTS_KM_CAPSPACE_H
#define SKERRY_TESTS_KM_CAPSPACE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include "kernelmodel/kernel_internal.h"
#include <sel4/syscall.h>

#define ROOT_BITS 10
#define ROOT      seL4_CapInitThreadCNode
#define UNTYPED   900 /* of 1 MiB, aligned */
#define FREE      700 /* slots from here to UNTYPED are free */
#define NOTHING   UINT64_MAX

struct capspace {
	struct km_kernel *k;
	struct km_tcb *tcb;
	uint64_t error, mr[4]; /* of the last answer */
	unsigned entries;      /* into the kernel for the last call: more than 1 if it was preempted */
	int interrupts;        /* pending at every preemption point */
};

static inline int capspace_pending(void *context, struct km_kernel *k, struct km_core *core)
{
	(void)k;
	(void)core;
	return ((struct capspace *)context)->interrupts;
}

static inline struct km_slot *slot_at(struct capspace *c, uint64_t index)
{
	return KM_SLOT(c->k, c->k->root_cnode) + index;
}

static inline struct km_cap cap_at(struct capspace *c, uint64_t index) { return slot_at(c, index)->cap; }

/* The extra capabilities of a call are its arguments in the order of the message: `caps` ends with NOTHING. */
static inline void set_message(struct capspace *c, uint64_t cptr, unsigned label, const uint64_t *caps,
			       unsigned length, const uint64_t *mr)
{
	km_word *reg = c->tcb->context.reg, *buffer = km_ipc_buffer(c->k, c->tcb, 1);
	static const unsigned fast[] = {KM_REG_MR0, KM_REG_MR1, KM_REG_MR2, KM_REG_MR3};
	unsigned extra = 0;

	for (; caps[extra] != NOTHING; extra++)
		buffer[122 + extra] = caps[extra];
	for (unsigned i = 0; i < length; i++) {
		if (i < 4)
			reg[fast[i]] = mr[i];
		else
			buffer[1 + i] = mr[i];
	}
	reg[KM_REG_SYSCALL] = (km_word)seL4_SysCall;
	reg[KM_REG_CAP] = cptr;
	reg[KM_REG_INFO] = (km_word)label << 12 | extra << 7 | length;
	reg[KM_RIP] = 0x400000;
	c->tcb->context.next_ip = 0x400002;
}

/* One entry; true: it was preempted, the registers are still those of the call. */
static inline int enter_once(struct capspace *c)
{
	c->entries++;
	km_syscall(c->k, &c->k->core[0]);
	return c->k->core[0].current == c->tcb && c->tcb->context.next_ip == 0x400000;
}

static inline uint64_t call(struct capspace *c, uint64_t cptr, unsigned label, const uint64_t *caps,
			    unsigned length, const uint64_t *mr)
{
	const km_word *reg = c->tcb->context.reg;

	c->entries = 0;
	set_message(c, cptr, label, caps, length, mr);
	while (enter_once(c))
		c->tcb->context.next_ip = 0x400002;
	c->error = reg[KM_REG_INFO] >> 12;
	c->mr[0] = reg[KM_REG_MR0];
	c->mr[1] = reg[KM_REG_MR1];
	c->mr[2] = reg[KM_REG_MR2];
	c->mr[3] = reg[KM_REG_MR3];
	return c->error;
}

#define CAPS(...) ((const uint64_t[]){__VA_ARGS__, NOTHING})
#define NO_CAPS   ((const uint64_t[]){NOTHING})
#define WORDS(...)                                                                                           \
	sizeof((const uint64_t[]){__VA_ARGS__}) / 8, (const uint64_t[]) { __VA_ARGS__ }
#define NO_WORDS 0, NULL

static inline uint64_t retype(struct capspace *c, uint64_t untyped, uint64_t type, uint64_t bits,
			      uint64_t into, uint64_t count)
{
	return call(c, untyped, UntypedRetype, CAPS(ROOT), WORDS(type, bits, 0, 0, into, count));
}
static inline uint64_t copy(struct capspace *c, uint64_t from, uint64_t into)
{
	return call(c, ROOT, CNodeCopy, CAPS(ROOT), WORDS(into, 64, from, 64, KM_ALL_RIGHTS));
}
static inline uint64_t mint(struct capspace *c, uint64_t from, uint64_t into, uint64_t rights, uint64_t data)
{
	return call(c, ROOT, CNodeMint, CAPS(ROOT), WORDS(into, 64, from, 64, rights, data));
}
static inline uint64_t move(struct capspace *c, uint64_t from, uint64_t into)
{
	return call(c, ROOT, CNodeMove, CAPS(ROOT), WORDS(into, 64, from, 64));
}
/* Into slot `index` of the CNode in slot `node`, whose radix is `bits` and which has no guard. */
static inline uint64_t move_into(struct capspace *c, uint64_t from, uint64_t node, unsigned bits,
				 uint64_t index)
{
	return call(c, node, CNodeMove, CAPS(ROOT), WORDS(index, bits, from, 64));
}
static inline uint64_t copy_into(struct capspace *c, uint64_t from, uint64_t node, unsigned bits,
				 uint64_t index)
{
	return call(c, node, CNodeCopy, CAPS(ROOT), WORDS(index, bits, from, 64, KM_ALL_RIGHTS));
}
static inline uint64_t mutate(struct capspace *c, uint64_t from, uint64_t into, uint64_t data)
{
	return call(c, ROOT, CNodeMutate, CAPS(ROOT), WORDS(into, 64, from, 64, data));
}
static inline uint64_t revoke(struct capspace *c, uint64_t slot)
{
	return call(c, ROOT, CNodeRevoke, NO_CAPS, WORDS(slot, 64));
}
static inline uint64_t delete (struct capspace *c, uint64_t slot)
{
	return call(c, ROOT, CNodeDelete, NO_CAPS, WORDS(slot, 64));
}

/* A new thread that waits on the endpoint in slot `ep`; its capability goes to slot `into`. */
static inline struct km_tcb *waiter_new(struct capspace *c, uint64_t ep, uint64_t into)
{
	struct km_tcb *tcb;

	assert_int_equal(retype(c, UNTYPED, seL4_TCBObject, 0, into, 1), seL4_NoError);
	tcb = km_cap_object(c->k, cap_at(c, into));
	km_receive(c->k, tcb, cap_at(c, ep), 1, KM_NULL_CAP);
	assert_int_equal(tcb->state, KM_BLOCKED_ON_RECEIVE);
	return tcb;
}

static inline void assert_sound(struct capspace *c)
{
	const char *broken = km_check(c->k);

	if (broken)
		fail_msg("%s", broken);
}

/* A block of RAM of 1 MiB is moved to UNTYPED. */
static inline void take_untyped(struct capspace *c)
{
	for (uint64_t i = seL4_NumInitialCaps; i < FREE; i++) {
		if (cap_at(c, i).type == KM_CAP_UNTYPED && !cap_at(c, i).flag && cap_at(c, i).size == 20) {
			assert_int_equal(move(c, i, UNTYPED), seL4_NoError);
			return;
		}
	}
	fail_msg("no untyped memory of 1 MiB");
}

static inline int capspace_setup(void **state)
{
	static const struct km_region device = {UINT64_C(0xfe000000), UINT64_C(0xfe100000)};
	const struct km_boot boot = {.nodes = 1,
				     .cores = 1,
				     .memory = {0x100000, 0x300000},
				     .device = &device,
				     .devices = 1,
				     .ticks_per_us = 1000,
				     .root_cnode_bits = ROOT_BITS,
				     .image_frames = 1};
	struct capspace *c = calloc(1, sizeof *c);
	char why[200] = "";

	if (km_kernel_new(&c->k, &boot, why, sizeof why) != 0)
		fail_msg("%s", why);
	c->k->host = (struct km_host){.context = c, .pending = capspace_pending};
	c->tcb = KM_TCB(c->k, c->k->root_tcb);
	take_untyped(c);
	*state = c;
	return 0;
}

static inline int capspace_teardown(void **state)
{
	struct capspace *c = *state;

	assert_sound(c);
	km_kernel_free(c->k);
	free(c);
	return 0;
}

#define CAPSPACE_TEST(name) cmocka_unit_test_setup_teardown(name, capspace_setup, capspace_teardown)

#endif
