/* tests/lib/interleave.c - see interleave.h. */
#include "tests/lib/interleave.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#ifdef __has_feature /* clang's word for what gcc says by a macro */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_BYTES   ((size_t)256 << 10)
#define STACK_APART   ((size_t)16 << 20) /* valgrind takes what is nearer for one stack that grew */
#define STORES_MAX    64
#define READS_MAX     128
#define STEPS_MAX     512                                     /* of an execution */
#define ENABLED_MAX   (INTERLEAVE_THREADS * (STORES_MAX + 1)) /* what sleeps is enabled, too */
#define ADDRESSES_MAX 4096                                    /* a power of two */

enum kind { NOTHING, PAUSE, LOAD, EXCHANGE, FENCE, WAIT, WAKE, COMMIT };

/* What a thread will do next, or a store that reaches memory. */
struct step {
	unsigned thread;
	enum kind kind;
	uintptr_t address; /* 0: it touches none */
	/* Of a COMMIT: its place among the stores of its thread, the first step that found it made, whether it is a release. */
	unsigned number, made_before;
	bool release;
};

struct store {
	uintptr_t address;
	uint64_t value;
	size_t bytes;
	unsigned number, made_before;
	bool release;
};

struct fiber {
	ucontext_t context;
	char *stack;
	bool done;
	uintptr_t asleep; /* the futex that it sleeps in, 0: none */
	bool changed;     /* something that was read since the last pause */
	struct step next;
	struct store store[STORES_MAX]; /* oldest first */
	unsigned stores, stores_made;
	uintptr_t read[READS_MAX]; /* addresses since the last pause */
	unsigned reads;
#ifdef __SANITIZE_ADDRESS__
	void *fake_stack;
#endif
};

/* A point of an execution, and the step that was chosen there. */
struct node {
	struct step enabled[ENABLED_MAX], sleep[ENABLED_MAX];
	bool wanted[ENABLED_MAX]; /* to be tried: the first, and what races with a later step */
	unsigned count, chosen, sleeping;
	uint64_t before[STEPS_MAX /
			64]; /* the steps that happen before the chosen one, whatever the order; a bit each */
};

/* Which threads touch an address: what one alone touches is no step. Kept over all executions of a search. */
struct address {
	uintptr_t address;
	unsigned threads; /* a bit each */
};

static struct {
	const struct interleave_program *program;
	struct interleave_result *result;
	struct fiber fiber[INTERLEAVE_THREADS];
	struct node node[STEPS_MAX];
	unsigned depth, known; /* of this execution, and how much of it is prescribed */
	unsigned clock;        /* steps that have begun */
	struct address address[ADDRESSES_MAX];
	bool learnt; /* an address turned out to be shared */
	bool failed;
	int running; /* -1: the search itself */
	ucontext_t main;
#ifdef __SANITIZE_ADDRESS__
	const void *main_stack;
	size_t main_stack_bytes;
	void *main_fake_stack;
#endif
} the = {.running = -1};

/* ---- fibers ---- */

static void fiber_resume(unsigned number)
{
	struct fiber *f = &the.fiber[number];
	the.running = (int)number;
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(&the.main_fake_stack, f->stack, STACK_BYTES);
#endif
	swapcontext(&the.main, &f->context);
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(the.main_fake_stack, NULL, NULL);
#endif
	the.running = -1;
}

static void fiber_stop(void)
{
	struct fiber *f = &the.fiber[the.running];
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_start_switch_fiber(&f->fake_stack, the.main_stack, the.main_stack_bytes);
#endif
	swapcontext(&f->context, &the.main);
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(f->fake_stack, &the.main_stack, &the.main_stack_bytes);
#endif
}

static void fiber_main(void)
{
#ifdef __SANITIZE_ADDRESS__
	__sanitizer_finish_switch_fiber(NULL, &the.main_stack, &the.main_stack_bytes);
#endif
	the.program->thread[the.running](the.program->context);
	the.fiber[the.running].done = true;
	fiber_stop();
}

/* Kept over all executions. */
static void *stack_new(void)
{
	void *stack = mmap(NULL, STACK_APART, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (stack == MAP_FAILED)
		abort();
	return stack;
}

static void fiber_start(unsigned number)
{
	struct fiber *f = &the.fiber[number];
	*f = (struct fiber){.stack = f->stack ? f->stack : stack_new()};
	getcontext(&f->context);
	f->context.uc_stack = (stack_t){.ss_sp = f->stack, .ss_size = STACK_BYTES};
	makecontext(&f->context, fiber_main, 0);
	fiber_resume(number); /* up to its first step */
}

void interleave_fail(const char *what)
{
	the.failed = true;
	snprintf(the.result->fault, sizeof the.result->fault, "%s", what);
	for (;;)
		fiber_stop();
}

/* ---- memory ---- */

static uint64_t memory_read(uintptr_t address, size_t bytes)
{
	uint64_t value = 0;
	memcpy(&value, (const void *)address, bytes);
	return value;
}

static void memory_write(uintptr_t address, uint64_t value, size_t bytes)
{
	memcpy((void *)address, &value, bytes);
	for (unsigned t = 0; t < INTERLEAVE_THREADS; t++)
		for (unsigned i = 0; i < the.fiber[t].reads && (int)t != the.running; i++)
			the.fiber[t].changed |= the.fiber[t].read[i] == address;
}

static struct address *address_of(uintptr_t address)
{
	unsigned at = (unsigned)((address >> 2) * 2654435761U) & (ADDRESSES_MAX - 1);
	while (the.address[at].address && the.address[at].address != address)
		at = (at + 1) & (ADDRESSES_MAX - 1);
	the.address[at].address = address;
	return &the.address[at];
}

/* Notes that the running thread touches an address; whether another does, too. */
static bool is_shared(uintptr_t address)
{
	struct address *a = address_of(address);
	const unsigned before = a->threads;
	a->threads |= 1U << the.running;
	if (before && a->threads != before)
		the.learnt = true;
	return (a->threads & (a->threads - 1)) != 0;
}

static bool is_known_shared(uintptr_t address)
{
	const unsigned threads = address_of(address)->threads;
	return (threads & (threads - 1)) != 0;
}

/* Stops before a step, until the search chooses it. */
static struct fiber *step_before(enum kind kind, uintptr_t address)
{
	struct fiber *f = &the.fiber[the.running];
	f->next = (struct step){.thread = (unsigned)the.running, .kind = kind, .address = address};
	fiber_stop();
	return f;
}

static void note_read(struct fiber *f, uintptr_t address)
{
	for (unsigned i = 0; i < f->reads; i++)
		if (f->read[i] == address)
			return;
	if (f->reads < READS_MAX)
		f->read[f->reads++] = address;
	else
		interleave_fail("the model keeps too few of the addresses that a poll reads");
}

uint64_t interleave_load(const volatile void *at, size_t bytes)
{
	const uintptr_t address = (uintptr_t)at;
	struct fiber *f;
	if (the.running < 0)
		return memory_read(address, bytes);
	f = is_shared(address) ? step_before(LOAD, address) : &the.fiber[the.running];
	note_read(f, address);
	for (unsigned i = f->stores; i-- > 0;)
		if (f->store[i].address == address)
			return f->store[i].value;
	return memory_read(address, bytes);
}

void interleave_store(volatile void *at, uint64_t value, size_t bytes, bool release, const char *function)
{
	const char *planted = the.program ? the.program->no_release_in : NULL;
	struct fiber *f;
	if (the.running < 0) {
		memory_write((uintptr_t)at, value, bytes);
		return;
	}
	f = &the.fiber[the.running];
	is_shared((uintptr_t)at);
	if (f->stores == STORES_MAX)
		interleave_fail("the model's store buffer is too small");
	f->store[f->stores++] =
		(struct store){.address = (uintptr_t)at,
			       .value = bytes == 8 ? value : value & ((UINT64_C(1) << bytes * 8) - 1),
			       .bytes = bytes,
			       .number = f->stores_made++,
			       .made_before = the.clock,
			       .release = release && !(planted && !strcmp(planted, function))};
}

uint64_t interleave_exchange(volatile void *at, uint64_t value, size_t bytes)
{
	uint64_t old;
	if (the.running >= 0) {
		is_shared((uintptr_t)at);
		step_before(EXCHANGE, (uintptr_t)at);
	}
	old = memory_read((uintptr_t)at, bytes);
	memory_write((uintptr_t)at, value, bytes);
	return old;
}

void interleave_fence(const char *function)
{
	const char *planted = the.program->no_fence_in;
	if (the.running >= 0 && !(planted && !strcmp(planted, function)))
		step_before(FENCE, 0);
}

void interleave_copy(void *to, const void *from, size_t bytes)
{
	const uint64_t *source = from;
	uint64_t *target = to;
	for (size_t i = 0; i < bytes / sizeof *source; i++)
		interleave_store(&target[i], interleave_load(&source[i], sizeof *source), sizeof *target,
				 false, "");
}

void interleave_wait(const volatile uint32_t *word, uint32_t value)
{
	struct fiber *f;
	is_shared((uintptr_t)word);
	f = step_before(WAIT, (uintptr_t)word);
	if (memory_read((uintptr_t)word, sizeof *word) != value)
		return;
	f->asleep = (uintptr_t)word;
	step_before(NOTHING, 0);
}

void interleave_wake(const volatile uint32_t *word)
{
	is_shared((uintptr_t)word);
	step_before(WAKE, (uintptr_t)word);
	for (unsigned t = 0; t < INTERLEAVE_THREADS; t++)
		if (the.fiber[t].asleep == (uintptr_t)word)
			the.fiber[t].asleep = 0;
}

void interleave_pause(void)
{
	struct fiber *f = step_before(PAUSE, 0);
	f->changed = false;
	f->reads = 0;
}

/* ---- steps ---- */

static bool thread_may(const struct fiber *f)
{
	if (f->done || f->asleep)
		return false;
	switch (f->next.kind) {
	case PAUSE:
		return f->changed;
	case EXCHANGE:
	case FENCE:
	case WAIT:
	case WAKE:
		return f->stores == 0;
	default:
		return true;
	}
}

/* Whether the store at `index` of a buffer may reach memory before those ahead of it. */
static bool store_may(const struct fiber *f, unsigned index)
{
	if (index == 0)
		return true;
	if (the.program->model == INTERLEAVE_TSO || f->store[index].release)
		return false;
	for (unsigned i = 0; i < index; i++)
		if (f->store[i].address == f->store[index].address)
			return false;
	return true;
}

static void commit(unsigned thread, unsigned index)
{
	struct fiber *f = &the.fiber[thread];
	const struct store store = f->store[index];
	memmove(&f->store[index], &f->store[index + 1], (--f->stores - index) * sizeof *f->store);
	the.running = (int)thread; /* what a thread writes itself does not end its poll */
	memory_write(store.address, store.value, store.bytes);
	the.running = -1;
}

/* What nobody else can tell happens at once: stores to what one thread alone touches. */
static void commit_private(void)
{
	for (unsigned t = 0; t < INTERLEAVE_THREADS; t++)
		for (unsigned i = 0; i < the.fiber[t].stores;)
			if (store_may(&the.fiber[t], i) && !is_known_shared(the.fiber[t].store[i].address)) {
				commit(t, i);
				i = 0;
			} else
				i++;
}

static unsigned steps_enabled(struct step *out)
{
	unsigned count = 0;
	for (unsigned t = 0; t < INTERLEAVE_THREADS; t++) {
		const struct fiber *f = &the.fiber[t];
		if (thread_may(f))
			out[count++] = f->next;
		for (unsigned i = 0; i < f->stores; i++)
			if (store_may(f, i))
				out[count++] = (struct step){.thread = t,
							     .kind = COMMIT,
							     .address = f->store[i].address,
							     .number = f->store[i].number,
							     .made_before = f->store[i].made_before,
							     .release = f->store[i].release};
	}
	return count;
}

static void step_run(const struct step *s)
{
	struct fiber *f = &the.fiber[s->thread];
	unsigned i = 0;
	the.result->steps++;
	the.clock = the.depth + 1;
	if (s->kind != COMMIT) {
		fiber_resume(s->thread);
		return;
	}
	while (f->store[i].address != s->address)
		i++;
	commit(s->thread, i);
}

static bool step_same(const struct step *a, const struct step *b)
{
	return a->thread == b->thread && a->kind == b->kind && a->address == b->address &&
	       a->number == b->number;
}

/* Whether the order of two steps may matter. Of one thread it never does: what its own buffer holds it reads either way. */
static bool steps_depend(const struct step *a, const struct step *b)
{
	return a->thread != b->thread && a->address && a->address == b->address &&
	       !(a->kind == LOAD && b->kind == LOAD);
}

/* ---- the search ---- */

static bool in_sleep(const struct node *n, const struct step *s)
{
	for (unsigned i = 0; i < n->sleeping; i++)
		if (step_same(&n->sleep[i], s))
			return true;
	return false;
}

/* The next step of a node that is wanted and that no other order has covered; false: none. */
static bool node_choose(struct node *n)
{
	for (n->chosen = 0; n->chosen < n->count; n->chosen++)
		if (n->wanted[n->chosen] && !in_sleep(n, &n->enabled[n->chosen]))
			return true;
	return false;
}

/* At first any one step is wanted. */
static bool node_open(struct node *n)
{
	memset(n->wanted, 0, sizeof n->wanted);
	for (unsigned i = 0; i < n->count; i++)
		if (!in_sleep(n, &n->enabled[i])) {
			n->wanted[i] = true;
			break;
		}
	return node_choose(n);
}

/* Whether the step of node `j` has to come before a later one in any order: it is an earlier step of its thread, made
 * the store, or is ahead of it in its buffer. (Not: what ended a pause or a sleep. Something else could have.) */
static bool is_needed_by(unsigned j, const struct step *s)
{
	const struct step *p = &the.node[j].enabled[the.node[j].chosen];
	if (p->thread != s->thread)
		return false;
	if (p->kind != COMMIT)
		return s->kind != COMMIT || j < s->made_before;
	if (s->kind != COMMIT)
		return s->kind == FENCE || s->kind == EXCHANGE || s->kind == WAIT || s->kind == WAKE;
	return p->number < s->number &&
	       (the.program->model == INTERLEAVE_TSO || s->release || p->address == s->address);
}

/* The steps so far that come before a step in every order: what it needs and, with `touched`, what touched the same
 * address. */
static void happens_before(uint64_t *before, const struct step *s, bool touched)
{
	memset(before, 0, sizeof the.node[0].before);
	for (unsigned j = the.depth; j-- > 0;) {
		const struct node *n = &the.node[j];
		if (before[j / 64] >> j % 64 & 1)
			continue;
		if (!is_needed_by(j, s) && !(touched && steps_depend(&n->enabled[n->chosen], s)))
			continue;
		before[j / 64] |= UINT64_C(1) << j % 64;
		for (unsigned i = 0; i <= j / 64; i++)
			before[i] |= n->before[i];
	}
}

static bool bit(const uint64_t *bits, unsigned i) { return bits[i / 64] >> i % 64 & 1; }

static bool none_before(const uint64_t *before, const bool *member, unsigned from, unsigned to)
{
	for (unsigned i = from; i < to; i++)
		if (member[i] && bit(before, i))
			return false;
	return true;
}

/* Whether a step that could be the first after node `e` is tried there, or was elsewhere. If not, *candidate is it, where
 * it is known. */
static bool is_tried(unsigned e, const struct step *first, int *candidate)
{
	const struct node *n = &the.node[e];
	for (unsigned i = 0; i < n->count; i++)
		if (step_same(&n->enabled[i], first)) {
			*candidate = (int)i;
			return n->wanted[i] || in_sleep(n, first);
		}
	return false;
}

/* Wants at node `e` that step `s` comes before what was chosen there. What was run since and does not come after that
 * choice may stay, with `s` at its end; this can begin with any of its steps that need none of the others (Abdulla et
 * al., POPL'14: source sets). */
static void node_want(unsigned e, const struct step *s)
{
	bool member[STEPS_MAX];
	uint64_t before[STEPS_MAX / 64];
	int candidate = -1;
	for (unsigned j = e + 1; j < the.depth; j++) {
		const struct node *n = &the.node[j];
		member[j] = !bit(n->before, e);
		if (member[j] && none_before(n->before, member, e + 1, j) &&
		    is_tried(e, &n->enabled[n->chosen], &candidate))
			return;
	}
	happens_before(before, s, true);
	if (none_before(before, member, e + 1, the.depth) && is_tried(e, s, &candidate))
		return;
	if (candidate >= 0)
		the.node[e].wanted[candidate] = true;
	else
		memset(the.node[e].wanted, true, the.node[e].count * sizeof *the.node[e].wanted);
}

/* Finds where another order matters: each earlier step that a step which may happen now depends on and need not come
 * after, but for what lies between. */
static void want_other_order(const struct step *s)
{
	uint64_t before[STEPS_MAX / 64];
	bool known = false;
	for (unsigned e = the.depth; e-- > 0;) {
		const struct node *n = &the.node[e];
		if (!steps_depend(&n->enabled[n->chosen], s))
			continue;
		if (!known)
			happens_before(before, s, false);
		known = true;
		if (!bit(before, e))
			node_want(e, s);
	}
}

/* What sleeps after the chosen step: what slept before it and does not depend on it. */
static void node_child(const struct node *n, struct node *child)
{
	child->sleeping = 0;
	for (unsigned i = 0; i < n->sleeping; i++)
		if (!steps_depend(&n->sleep[i], &n->enabled[n->chosen]))
			child->sleep[child->sleeping++] = n->sleep[i];
}

static void fail_stuck(void)
{
	bool asleep = false, done = true;
	for (unsigned t = 0; t < INTERLEAVE_THREADS; t++) {
		asleep |= the.fiber[t].asleep != 0;
		done &= the.fiber[t].done;
	}
	if (done)
		return;
	the.failed = true;
	snprintf(the.result->fault, sizeof the.result->fault, "%s",
		 asleep ? "a thread sleeps for ever" : "a thread waits for ever for a change");
}

/* One execution: the prescribed steps, then the first of each node. */
static void execute(void)
{
	the.failed = false;
	the.clock = 0;
	the.program->setup(the.program->context);
	for (unsigned t = 0; t < INTERLEAVE_THREADS; t++)
		fiber_start(t);
	for (the.depth = 0; !the.failed && !the.learnt; the.depth++) {
		struct node *n = &the.node[the.depth];
		if (the.depth + 1 >= STEPS_MAX) {
			the.failed = true;
			snprintf(the.result->fault, sizeof the.result->fault, "more than %d steps",
				 STEPS_MAX);
			return;
		}
		commit_private();
		if (the.depth >= the.known) {
			n->count = steps_enabled(n->enabled);
			if (!n->count) {
				fail_stuck();
				the.result->executions++;
				return;
			}
			for (unsigned i = 0; i < n->count; i++)
				want_other_order(&n->enabled[i]);
			if (!node_open(n)) {
				the.result->cut++;
				return;
			}
		}
		if (the.depth + 1 >= the.known) { /* else it stands, with what was tried there */
			happens_before(n->before, &n->enabled[n->chosen], true);
			node_child(n, n + 1);
		}
		step_run(&n->enabled[n->chosen]);
	}
}

/* Prescribes the next order; false: there is none. */
static bool backtrack(void)
{
	while (the.depth-- > 0) {
		struct node *n = &the.node[the.depth];
		n->sleep[n->sleeping++] = n->enabled[n->chosen];
		if (node_choose(n)) {
			the.known = the.depth + 1;
			return true;
		}
	}
	return false;
}

void interleave_explore(const struct interleave_program *program, struct interleave_result *result)
{
	the.program = program;
	the.result = result;
	memset(the.address, 0, sizeof the.address);
	do { /* again whenever an address turned out to be shared */
		*result = (struct interleave_result){0};
		the.learnt = false;
		the.known = 0;
		the.node[0].sleeping = 0;
		do
			execute();
		while (!the.failed && !the.learnt &&
		       result->executions + result->cut < program->executions_max && backtrack());
	} while (the.learnt);
	result->complete = !the.failed && result->executions + result->cut < program->executions_max;
	the.program = NULL;
	the.running = -1;
}
