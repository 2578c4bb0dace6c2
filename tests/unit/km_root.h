/* tests/unit/km_root.h - a booted kernel whose root task makes invocations, for tests of what the kernel's user sees. */
#ifndef SKERRY_TESTS_UNIT_KM_ROOT_H
#define SKERRY_TESTS_UNIT_KM_ROOT_H
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include "kernelmodel/kernel_internal.h"
#include <sel4/bootinfo_types.h>

#define DEPTH 64 /* of every CPtr of the root task */

struct root {
	struct km_kernel *k;
	km_word mr[4]; /* of the last answer */
	km_word slot;  /* the next free one of the root CNode */
};

static inline seL4_BootInfo *root_info(struct root *r) { return km_at(r->k, r->k->boot_info); }

static inline struct km_slot *root_slot(struct root *r, km_word index)
{
	return KM_SLOT(r->k, r->k->root_cnode) + index;
}

static inline void assert_good(struct root *r)
{
	const char *complaint = km_check(r->k);
	if (complaint != NULL)
		fail_msg("%s", complaint);
}

static inline void root_boot(struct root *r, const struct km_boot *boot)
{
	char why[256] = "";
	*r = (struct root){0};
	if (km_kernel_new(&r->k, boot, why, sizeof why) != 0)
		fail_msg("%s", why);
	r->slot = root_info(r)->empty.start;
	assert_good(r);
}

static inline void root_end(struct root *r)
{
	assert_good(r);
	km_kernel_free(r->k);
}

/* seL4_Call: `caps` and message registers; returns the label of the answer. */
static inline km_word root_call(struct root *r, km_word cptr, unsigned label, unsigned caps,
				const km_word *cap, unsigned words, const km_word *word)
{
	struct km_core *core = &r->k->core[0];
	struct km_tcb *tcb = core->current;
	km_word *buffer = km_ipc_buffer(r->k, tcb, 1), *reg = tcb->context.reg;
	static const unsigned in_register[] = {KM_REG_MR0, KM_REG_MR1, KM_REG_MR2, KM_REG_MR3};
	for (unsigned i = 0; i < words; i++)
		*(i < 4 ? &reg[in_register[i]] : &buffer[1 + i]) = word[i];
	for (unsigned i = 0; i < caps; i++)
		buffer[122 + i] = cap[i];
	reg[KM_REG_SYSCALL] = (km_word)-1;
	reg[KM_REG_CAP] = cptr;
	reg[KM_REG_INFO] = (km_word)label << 12 | caps << 7 | words;
	km_syscall(r->k, core);
	assert_ptr_equal(core->current, tcb);
	for (unsigned i = 0; i < 4; i++)
		r->mr[i] = reg[in_register[i]];
	return reg[KM_REG_INFO] >> 12;
}
/* `caps` in parentheses; one at least, and one word at least. */
#define ROOT_WORDS(...) ((const km_word[]){__VA_ARGS__})
#define CALL(r, cptr, label, caps, ...)                                                                      \
	root_call(r, cptr, label, sizeof ROOT_WORDS caps / sizeof(km_word), ROOT_WORDS caps,                 \
		  sizeof ROOT_WORDS(__VA_ARGS__) / sizeof(km_word), ROOT_WORDS(__VA_ARGS__))

/* A new object in a new slot, from the largest untyped memory that is not a device's; its slot. */
static inline km_word root_new(struct root *r, unsigned type, unsigned bits)
{
	const seL4_BootInfo *info = root_info(r);
	km_word best = 0, cap[1] = {seL4_CapInitThreadCNode}, into = r->slot++;
	for (km_word i = 0; i < info->untyped.end - info->untyped.start; i++)
		if (!info->untypedList[i].isDevice &&
		    (best == 0 || info->untypedList[i].sizeBits > root_slot(r, best)->cap.size))
			best = info->untyped.start + i;
	const km_word word[] = {type, bits, 0, 0, into, 1};
	assert_int_equal(root_call(r, best, UntypedRetype, 1, cap, 6, word), seL4_NoError);
	return into;
}

static inline km_word root_copy(struct root *r, km_word from, unsigned rights)
{
	const km_word cap[] = {seL4_CapInitThreadCNode}, into = r->slot++;
	const km_word word[] = {into, DEPTH, from, DEPTH, rights};
	assert_int_equal(root_call(r, seL4_CapInitThreadCNode, CNodeCopy, 1, cap, 5, word), seL4_NoError);
	return into;
}

static inline km_word root_delete(struct root *r, km_word slot)
{
	const km_word word[] = {slot, DEPTH};
	return root_call(r, seL4_CapInitThreadCNode, CNodeDelete, 0, NULL, 2, word);
}

#endif
