/* tests/sel4/harness.c - runs the cases one after another, as the root task. See harness.h.
 *
 * What a case leaves is found in two ways: each slot that it may have used must be empty when its untyped was revoked and
 * its other capabilities deleted, and the untyped must then give all of its memory as one object again. */
#include "tests/sel4/harness.h"
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CASES_MAX = 1024, UNTYPED_BITS = 22, SLOTS_MAX = 3000 };
/* Round-robin with slices so long that neither a busy host nor a long case ends one. */
#define SLICE_US UINT64_C(100000000)
/* Where cases map frames: behind the image, in the first gigabyte. */
#define ADDRESS_FIRST UINT64_C(0x20000000)

static struct test_case *first_case;
static unsigned char stacks[THREADS_MAX][STACK_SIZE] __attribute__((aligned(64)));
static jmp_buf driver;
static seL4_Word ticks;

static struct {
	int failed;
	const char *file, *what;
	int line;
	char detail[640];
} failure;

/* ---- cases ---- */

void case_register(struct test_case *test)
{
	test->next = first_case;
	first_case = test;
}

static int case_compare(const void *a, const void *b)
{
	return strcmp((*(struct test_case *const *)a)->id, (*(struct test_case *const *)b)->id);
}

unsigned harness_cases(struct test_case **list, unsigned max)
{
	unsigned count = 0;
	for (struct test_case *test = first_case; test; test = test->next) {
		if (count < max)
			list[count] = test;
		count++;
	}
	qsort(list, count < max ? count : max, sizeof *list, case_compare);
	return count;
}

/* ---- checks ---- */

/* Whose stack is this? The host's thread-local data do not follow a thread of the kernel, its stack does. */
static struct thread *running_thread(struct env *e)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0);
	uintptr_t from = (uintptr_t)stacks;
	return here >= from && here < from + sizeof stacks ? &e->thread[(here - from) / STACK_SIZE] : NULL;
}

static void fail(struct env *e, const char *what, const char *file, int line)
{
	if (!failure.failed) {
		failure.failed = 1;
		failure.what = what;
		failure.file = file;
		failure.line = line;
	}
	struct thread *t = running_thread(e);
	if (!t)
		longjmp(driver, 1);
	for (;;)
		seL4_TCB_Suspend(t->self);
}

void check_that(struct env *e, int holds, const char *what, const char *file, int line)
{
	if (holds)
		return;
	if (!failure.failed)
		snprintf(failure.detail, sizeof failure.detail, "is false");
	fail(e, what, file, line);
}

void check_values(struct env *e, seL4_Word got, seL4_Word expected, const char *what, const char *file,
		  int line)
{
	if (got == expected)
		return;
	if (!failure.failed)
		snprintf(failure.detail, sizeof failure.detail, "expected %#lx, got %#lx",
			 (unsigned long)expected, (unsigned long)got);
	fail(e, what, file, line);
}

void check_text(struct env *e, const char *expected, const char *file, int line)
{
	char got[LOG_MAX + 1];
	unsigned count = __atomic_load_n(&e->logged, __ATOMIC_ACQUIRE);
	if (count > LOG_MAX)
		count = LOG_MAX;
	memcpy(got, e->log, count);
	got[count] = 0;
	__atomic_store_n(&e->logged, 0, __ATOMIC_RELEASE);
	if (!strcmp(got, expected))
		return;
	if (!failure.failed)
		snprintf(failure.detail, sizeof failure.detail, "expected \"%s\", got \"%s\"", expected, got);
	fail(e, "order of events", file, line);
}

void check_mrs(struct env *e, unsigned count, const seL4_Word *expected, const char *file, int line)
{
	static const char *const names[] = {"message register 0", "message register 1", "message register 2",
					    "message register 3", "message register 4"};
	for (unsigned i = 0; i < count; i++)
		check_values(e, seL4_GetMR((int)i), expected[i], names[i], file, line);
}

/* ---- small helps ---- */

void note(struct env *e, char c)
{
	unsigned at = __atomic_fetch_add(&e->logged, 1, __ATOMIC_ACQ_REL);
	if (at < LOG_MAX)
		e->log[at] = c;
}

seL4_Word env_get(seL4_Word *word) { return __atomic_load_n(word, __ATOMIC_ACQUIRE); }
void env_set(seL4_Word *word, seL4_Word value) { __atomic_store_n(word, value, __ATOMIC_RELEASE); }
int thread_has_ended(struct thread *t) { return __atomic_load_n(&t->ended, __ATOMIC_ACQUIRE); }
seL4_Word ticks_per_us(void) { return ticks; }

/* An occupied slot as destination is DeleteFirst before its source is looked at; an empty one is then an empty source. */
int slot_is_empty(seL4_CPtr slot)
{
	return seL4_CNode_Copy(AT(slot), AT(slot), seL4_AllRights) == seL4_FailedLookup;
}

seL4_Word badge_of(seL4_CPtr cap, seL4_CPtr notification)
{
	seL4_Word badge = 0;
	seL4_Signal(cap);
	seL4_Poll(notification, &badge);
	return badge;
}

void burn(seL4_Word us)
{
	seL4_Word from = skerry_now(), span = us * ticks, gone = 0;
	do {
		skerry_compute(span - gone);
		gone = skerry_now() - from;
	} while (gone < span);
}

seL4_MessageInfo_t call_raw(seL4_CPtr cap, seL4_Word label, unsigned length, unsigned extra)
{
	return seL4_Call(cap, seL4_MessageInfo_new(label, 0, extra, length));
}

/* ---- objects ---- */

seL4_CPtr env_slots(struct env *e, unsigned count)
{
	check(e, e->next + count <= e->end);
	seL4_CPtr slot = e->next;
	e->next += count;
	return slot;
}

seL4_CPtr env_slot(struct env *e) { return env_slots(e, 1); }

seL4_Error env_retype(seL4_CPtr untyped, seL4_Word type, seL4_Word bits, seL4_CPtr slot, unsigned count)
{
	return seL4_Untyped_Retype(untyped, type, bits, ROOT, 0, 0, slot, count);
}

seL4_CPtr env_object(struct env *e, seL4_Word type, seL4_Word bits)
{
	seL4_CPtr slot = env_slot(e);
	check_ok(e, env_retype(e->untyped, type, bits, slot, 1));
	return slot;
}

seL4_CPtr env_endpoint(struct env *e) { return env_object(e, seL4_EndpointObject, 0); }
seL4_CPtr env_notification(struct env *e) { return env_object(e, seL4_NotificationObject, 0); }
seL4_CPtr env_reply(struct env *e) { return env_object(e, seL4_ReplyObject, 0); }
seL4_CPtr env_tcb(struct env *e) { return env_object(e, seL4_TCBObject, 0); }
seL4_CPtr env_frame(struct env *e) { return env_object(e, seL4_X86_4K, 0); }
seL4_CPtr env_cnode(struct env *e, unsigned bits) { return env_object(e, seL4_CapTableObject, bits); }
seL4_CPtr env_untyped(struct env *e, unsigned bits) { return env_object(e, seL4_UntypedObject, bits); }
seL4_CPtr env_sc(struct env *e) { return env_object(e, seL4_SchedContextObject, seL4_MinSchedContextBits); }
seL4_CPtr env_copy(struct env *e, seL4_CPtr cap) { return env_rights(e, cap, seL4_AllRights); }

seL4_CPtr env_rights(struct env *e, seL4_CPtr cap, seL4_CapRights_t rights)
{
	seL4_CPtr slot = env_slot(e);
	check_ok(e, seL4_CNode_Copy(AT(slot), AT(cap), rights));
	return slot;
}

seL4_CPtr env_mint(struct env *e, seL4_CPtr cap, seL4_Word badge)
{
	seL4_CPtr slot = env_slot(e);
	check_ok(e, seL4_CNode_Mint(AT(slot), AT(cap), seL4_AllRights, badge));
	return slot;
}

seL4_CPtr env_device_untyped(struct env *e, unsigned bits_min)
{
	seL4_Word count = e->info->untyped.end - e->info->untyped.start;
	for (seL4_Word i = 0; i < count; i++)
		if (e->info->untypedList[i].isDevice && e->info->untypedList[i].sizeBits >= bits_min)
			return e->info->untyped.start + i;
	return 0;
}

seL4_CPtr env_sched_control(struct env *e, unsigned core) { return e->info->schedcontrol.start + core; }

void env_configure(struct env *e, seL4_CPtr sc, seL4_Word budget_us, seL4_Word period_us)
{
	check_ok(e,
		 seL4_SchedControl_Configure(env_sched_control(e, e->core), sc, budget_us, period_us, 0, 0));
}

/* ---- mappings ---- */

void env_map_at(struct env *e, seL4_CPtr frame, seL4_Word address, seL4_CapRights_t rights)
{
	for (unsigned level = 0; level < 4; level++) {
		seL4_Error error = seL4_X86_Page_Map(frame, seL4_CapInitThreadVSpace, address, rights,
						     seL4_X86_Default_VMAttributes);
		if (error == seL4_NoError)
			return;
		check_equal(e, error, seL4_FailedLookup);
		seL4_Word bits = seL4_MappingFailedLookupLevel();
		seL4_CPtr table = env_slot(e);
		if (bits == SEL4_MAPPING_LOOKUP_NO_PT) {
			check_ok(e, env_retype(e->untyped, seL4_X86_PageTableObject, 0, table, 1));
			check_ok(e, seL4_X86_PageTable_Map(table, seL4_CapInitThreadVSpace, address,
							   seL4_X86_Default_VMAttributes));
		} else if (bits == SEL4_MAPPING_LOOKUP_NO_PD) {
			check_ok(e, env_retype(e->untyped, seL4_X86_PageDirectoryObject, 0, table, 1));
			check_ok(e, seL4_X86_PageDirectory_Map(table, seL4_CapInitThreadVSpace, address,
							       seL4_X86_Default_VMAttributes));
		} else {
			check_equal(e, bits, SEL4_MAPPING_LOOKUP_NO_PDPT);
			check_ok(e, env_retype(e->untyped, seL4_X86_PDPTObject, 0, table, 1));
			check_ok(e, seL4_X86_PDPT_Map(table, seL4_CapInitThreadVSpace, address,
						      seL4_X86_Default_VMAttributes));
		}
	}
	check(e, !"four levels of paging suffice");
}

seL4_Word env_map(struct env *e, seL4_CPtr frame, seL4_CapRights_t rights)
{
	seL4_Word address = e->next_address;
	e->next_address += BIT(seL4_PageBits);
	env_map_at(e, frame, address, rights);
	return address;
}

/* ---- threads ---- */

static void thread_main(struct thread *t)
{
	t->body(t->env, t->argument);
	__atomic_store_n(&t->ended, 1, __ATOMIC_RELEASE);
	for (;;)
		seL4_TCB_Suspend(t->self);
}

struct thread *env_thread_passive(struct env *e, unsigned priority)
{
	check(e, e->threads < THREADS_MAX);
	struct thread *t = &e->thread[e->threads];
	memset(t, 0, sizeof *t);
	t->stack = stacks[e->threads++];
	t->env = e;
	t->tcb = t->self = env_tcb(e);
	t->frame = env_frame(e);
	t->buffer = env_map(e, t->frame, seL4_ReadWrite);
	check_ok(e, seL4_TCB_Configure(t->tcb, ROOT, 0, seL4_CapInitThreadVSpace, 0, t->buffer, t->frame));
	check_ok(e, seL4_TCB_SetPriority(t->tcb, seL4_CapInitThreadTCB, priority));
	return t;
}

struct thread *env_thread_on(struct env *e, unsigned priority, unsigned core)
{
	struct thread *t = env_thread_passive(e, priority);
	t->sc = env_sc(e);
	check_ok(e, seL4_SchedControl_Configure(env_sched_control(e, core), t->sc, SLICE_US, SLICE_US, 0, 0));
	check_ok(e, seL4_SchedContext_Bind(t->sc, t->tcb));
	return t;
}

struct thread *env_thread(struct env *e, unsigned priority) { return env_thread_on(e, priority, e->core); }

void env_set_registers(struct env *e, struct thread *t, thread_body *body, seL4_Word argument, int resume)
{
	t->body = body;
	t->argument = argument;
	__atomic_store_n(&t->ended, 0, __ATOMIC_RELEASE);
	/* As behind a call: the stack is aligned to 16 but for a return address, which is 0. */
	seL4_Word *top = (seL4_Word *)(t->stack + STACK_SIZE - 64) - 1;
	*top = 0;
	seL4_UserContext context = {
		.rip = (seL4_Word)thread_main, .rsp = (seL4_Word)top, .rdi = (seL4_Word)t};
	check_ok(e, seL4_TCB_WriteRegisters(t->tcb, (seL4_Bool)resume, 0, sizeof context / sizeof(seL4_Word),
					    &context));
}

void env_start(struct env *e, struct thread *t, thread_body *body, seL4_Word argument)
{
	env_set_registers(e, t, body, argument, 1);
}

void env_fault_handler(struct env *e, struct thread *t, seL4_CPtr endpoint)
{
	check_ok(e, seL4_TCB_SetSpace(t->tcb, endpoint, ROOT, 0, seL4_CapInitThreadVSpace, 0));
}

void env_set_driver_priority(struct env *e, unsigned priority)
{
	check_ok(e, seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, priority));
}

void env_settle(struct env *e)
{
	env_set_driver_priority(e, 1);
	env_set_driver_priority(e, DRIVER_PRIORITY);
}

int env_await(struct env *e, seL4_Word *word, seL4_Word value)
{
	for (unsigned turns = 0; turns < 20000; turns++) {
		if (env_get(word) == value)
			return 1;
		env_settle(e);
		skerry_compute(1000);
		seL4_Yield();
	}
	return 0;
}

/* ---- before and after a case ---- */

static seL4_Error driver_move(struct env *e, unsigned core)
{
	return seL4_SchedControl_Configure(env_sched_control(e, core), seL4_CapInitThreadSC, SLICE_US,
					   SLICE_US, 0, 0);
}

/* Everything that the case made goes; NULL, or what is left. */
static const char *clean_up(struct env *e)
{
	const char *left = NULL;
	for (unsigned i = 0; i < e->threads; i++)
		if (!slot_is_empty(e->thread[i].tcb))
			seL4_TCB_Suspend(e->thread[i].tcb);
	seL4_TCB_UnbindNotification(seL4_CapInitThreadTCB);
	if (seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, DRIVER_PRIORITY))
		left = "the driver's priority cannot be set";
	if (seL4_CNode_Revoke(AT(e->untyped)))
		left = "revoking the untyped failed";
	for (seL4_CPtr slot = e->first; slot < e->next; slot++)
		if (!slot_is_empty(slot) && (seL4_CNode_Delete(AT(slot)) || !slot_is_empty(slot)))
			left = "a slot that cannot be emptied";
	if (env_retype(e->untyped, seL4_UntypedObject, e->untyped_bits, e->first, 1) ||
	    seL4_CNode_Delete(AT(e->first)))
		left = "memory of the untyped is still in use";
	return left;
}

static void prepare(struct env *e, struct test_case *test, unsigned core)
{
	e->test = test;
	e->core = core;
	e->next = e->first;
	e->next_address = ADDRESS_FIRST;
	e->threads = 0;
	e->logged = 0;
	memset(e->shared, 0, sizeof e->shared);
	memset(&failure, 0, sizeof failure);
	seL4_SetCapReceivePath(0, 0, 0);
}

static void verify(const struct harness_options *options)
{
	const char *broken = options->verify ? options->verify() : NULL;
	if (broken && !failure.failed) {
		failure.failed = 1;
		failure.what = "an invariant of the kernel is broken";
		failure.file = "";
		snprintf(failure.detail, sizeof failure.detail, "%s", broken);
	}
}

static const char *reason_to_skip(struct env *e, const struct test_case *test,
				  const struct harness_options *options)
{
	if ((test->flags & CASE_SPINS) && !options->hooks)
		return "it spins, and the program was built without block hooks";
	if ((test->flags & CASE_CORES) && e->cores < 2)
		return "it needs two cores";
	if ((test->flags & CASE_DEVICE) && !options->has_device && !env_device_untyped(e, seL4_PageBits + 1))
		return "the machine has no device memory";
	if ((test->flags & CASE_VIRTUAL) && !options->is_virtual)
		return "it counts virtual time";
	if ((test->flags & CASE_TRAPS) && options->is_traced)
		return "valgrind does not tell how and where a program faults";
	return NULL;
}

/* Runs one case on one core; true if it passed. */
static int run_case(struct env *e, struct test_case *test, unsigned core,
		    const struct harness_options *options)
{
	prepare(e, test, core);
	if (!setjmp(driver)) {
		check_ok(e, driver_move(e, core));
		test->run(e);
	}
	const char *left = clean_up(e);
	if (left && !failure.failed) {
		failure.failed = 1;
		failure.what = "clean-up";
		failure.file = "";
		snprintf(failure.detail, sizeof failure.detail, "%s", left);
	}
	verify(options);
	printf("%s %s", test->id, test->name);
	if (core)
		printf(" (core %u)", core);
	if (failure.failed)
		printf(" FAILED %s:%d: %s: %s\n", failure.file, failure.line, failure.what, failure.detail);
	else
		printf(" ok\n");
	return !failure.failed;
}

/* ---- all of them ---- */

/* A round-robin context's consumed time is in microseconds; the clock counts ticks. */
static void measure_ticks(void)
{
	enum { SPAN = 4000000 };
	ticks = 1;
	seL4_Yield();
	seL4_SchedContext_Consumed(seL4_CapInitThreadSC);
	seL4_Word from = skerry_now();
	while (skerry_now() - from < SPAN)
		skerry_compute(SPAN / 4);
	seL4_Word gone = skerry_now() - from;
	seL4_Yield();
	seL4_Word us = seL4_SchedContext_Consumed(seL4_CapInitThreadSC).consumed;
	if (us)
		ticks = (gone + us / 2) / us;
}

static int find_untyped(struct env *e, seL4_BootInfo *info)
{
	/* The smallest that is large enough: the others stay whole. */
	for (seL4_Word i = 0; i < info->untyped.end - info->untyped.start; i++) {
		unsigned bits = info->untypedList[i].sizeBits;
		if (!info->untypedList[i].isDevice && bits >= UNTYPED_BITS &&
		    (!e->untyped || bits < e->untyped_bits)) {
			e->untyped = info->untyped.start + i;
			e->untyped_bits = bits;
		}
	}
	if (!e->untyped)
		return 0;
	e->first = info->empty.start;
	if (e->untyped_bits > UNTYPED_BITS) {
		seL4_CPtr part = e->first++;
		if (env_retype(e->untyped, seL4_UntypedObject, UNTYPED_BITS, part, 1))
			return 0;
		e->untyped = part;
		e->untyped_bits = UNTYPED_BITS;
	}
	e->end = info->empty.end < e->first + SLOTS_MAX ? info->empty.end : e->first + SLOTS_MAX;
	return 1;
}

static int is_wanted(const struct test_case *test, const char *only)
{
	return !only || !strncmp(test->id, only, strlen(only));
}

static struct env environment;
static struct test_case *cases[CASES_MAX];

static int list_cases(unsigned count, const char *only)
{
	for (unsigned i = 0; i < count; i++)
		if (is_wanted(cases[i], only))
			printf("%s %s\n", cases[i]->id, cases[i]->name);
	return 0;
}

int harness_run(seL4_BootInfo *info, const struct harness_options *options)
{
	unsigned count = harness_cases(cases, CASES_MAX), passed = 0, failed = 0, skipped = 0;
	if (options->list)
		return list_cases(count, options->only);
	struct env *e = &environment;
	e->info = info;
	e->cores = (unsigned)(info->schedcontrol.end - info->schedcontrol.start);
	if (!find_untyped(e, info)) {
		printf("the machine has no untyped memory of 2^%d bytes: give it more memory\n",
		       UNTYPED_BITS);
		return 1;
	}
	if (driver_move(e, 0) ||
	    seL4_TCB_SetPriority(seL4_CapInitThreadTCB, seL4_CapInitThreadTCB, DRIVER_PRIORITY)) {
		printf("the root task cannot set its own budget and priority\n");
		return 1;
	}
	measure_ticks();
	for (unsigned i = 0; i < count; i++) {
		struct test_case *test = cases[i];
		if (!is_wanted(test, options->only))
			continue;
		const char *reason = reason_to_skip(e, test, options);
		if (reason) {
			printf("%s %s skipped: %s\n", test->id, test->name, reason);
			skipped++;
			continue;
		}
		/* On the first core, and, if it may make a difference, on the last. */
		for (unsigned core = 0; core<e->cores; core += e->cores> 1 ? e->cores - 1 : 1) {
			if (core && (test->flags & CASE_ONCE))
				break;
			if (run_case(e, test, core, options))
				passed++;
			else
				failed++;
		}
	}
	driver_move(e, 0);
	printf("%u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return (int)failed;
}
