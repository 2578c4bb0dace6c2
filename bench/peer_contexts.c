/* What kernel/call_reply is measured against: the same two control flows without a kernel between them, and with the host's.
 *
 * peer/fcontext: Boost.Context's switch there and back. It saves registers and the words that control floating point and
 * nothing else: no message, no check who may talk to whom. It is the least that two stacks can cost.
 * peer/futex: two threads of the host on one CPU, each of which wakes the other and sleeps: what a call and its reply take
 * when the host's kernel passes the word on.
 *
 * Not shown: peers that copy messages (pipes and sockets take longer than a futex). */
#include <fenv.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "bench/bench.h"

/* ---- Boost.Context ---- */

#ifdef BENCH_WITH_CONTEXT
typedef void *fcontext_t;
typedef struct {
	fcontext_t context;
	void *data;
} transfer_t;
/* Boost.Context's, which has no header for C. */
transfer_t jump_fcontext(fcontext_t to, void *data);
fcontext_t make_fcontext(void *stack, size_t size, void (*run)(transfer_t));

#define STACK_BYTES 65536
#define ROUND_TRIPS 20000

struct contexts {
	char *stack;
	fcontext_t other;
	uint64_t sum;
};

static void echo(transfer_t from)
{
	for (;;)
		from = jump_fcontext(from.context, (void *)((uintptr_t)from.data + 1));
}

/* Where the sticky flags of floating-point exceptions differ between two contexts, each switch loads the control word anew,
 * which takes 60 ns: to the peer's favour they are the same. */
static void forget_exceptions(void) { feclearexcept(FE_ALL_EXCEPT); }

static void contexts_free(void *subject)
{
	struct contexts *c = subject;
	free(c->stack);
	free(c);
}

static void *contexts_new(const struct bench_row *row)
{
	struct contexts *c = calloc(1, sizeof *c);
	(void)row;
	if (!c)
		return NULL;
	c->stack = malloc(STACK_BYTES);
	if (!c->stack) {
		free(c);
		return NULL;
	}
	forget_exceptions();
	c->other = make_fcontext(c->stack + STACK_BYTES, STACK_BYTES, echo);
	return c;
}

static uint64_t contexts_run(void *subject)
{
	struct contexts *c = subject;
	forget_exceptions();
	for (uint32_t i = 0; i < ROUND_TRIPS; i++) {
		const transfer_t back = jump_fcontext(c->other, (void *)(uintptr_t)i);
		c->other = back.context;
		c->sum += (uintptr_t)back.data;
	}
	return ROUND_TRIPS;
}

static const char *no_context(const struct bench_row *row)
{
	(void)row;
	return NULL;
}
#else
static void *contexts_new(const struct bench_row *row) { return (void *)row; }
static uint64_t contexts_run(void *subject) { return subject != NULL; }
static void contexts_free(void *subject) { (void)subject; }
static const char *no_context(const struct bench_row *row)
{
	(void)row;
	return "Boost.Context is not installed: scripts/setup --bench";
}
#endif

/* ---- two threads and a futex on one CPU ---- */

#define FUTEX_ROUND_TRIPS 2000

struct futexes {
	_Atomic uint32_t word
		__attribute__((aligned(64))); /* whose turn: even the bench's, odd the other's */
	_Atomic bool stop;
	pthread_t thread;
	cpu_set_t before;
};

static void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}
static void futex_pass(_Atomic uint32_t *word)
{
	atomic_fetch_add(word, 1);
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

/* Sleeps until the word is odd (even). */
static void await(struct futexes *f, uint32_t odd)
{
	for (uint32_t seen; ((seen = atomic_load(&f->word)) & 1) != odd && !atomic_load(&f->stop);)
		futex_wait(&f->word, seen);
}

static void *answer(void *subject)
{
	struct futexes *f = subject;
	while (!atomic_load(&f->stop)) {
		await(f, 1);
		if (!atomic_load(&f->stop))
			futex_pass(&f->word);
	}
	return NULL;
}

static void *futexes_new(const struct bench_row *row)
{
	struct futexes *f = aligned_alloc(64, sizeof *f);
	pthread_attr_t attributes;
	cpu_set_t one;
	(void)row;
	if (!f)
		return NULL;
	memset(f, 0, sizeof *f);
	CPU_ZERO(&one);
	pthread_getaffinity_np(pthread_self(), sizeof f->before, &f->before);
	for (int cpu = 0; cpu < CPU_SETSIZE && !CPU_COUNT(&one); cpu++)
		if (CPU_ISSET(cpu, &f->before))
			CPU_SET(cpu, &one);
	pthread_attr_init(&attributes);
	pthread_attr_setaffinity_np(&attributes, sizeof one, &one);
	if (pthread_create(&f->thread, &attributes, answer, f)) {
		free(f);
		return NULL;
	}
	return f;
}

/* Both on one CPU, but only while the row runs. */
static uint64_t futexes_run(void *subject)
{
	struct futexes *f = subject;
	cpu_set_t one;
	pthread_getaffinity_np(f->thread, sizeof one, &one);
	pthread_setaffinity_np(pthread_self(), sizeof one, &one);
	for (uint32_t i = 0; i < FUTEX_ROUND_TRIPS; i++) {
		futex_pass(&f->word);
		await(f, 0);
	}
	pthread_setaffinity_np(pthread_self(), sizeof f->before, &f->before);
	return FUTEX_ROUND_TRIPS;
}

static void futexes_free(void *subject)
{
	struct futexes *f = subject;
	atomic_store(&f->stop, true);
	atomic_fetch_add(&f->word, 1);
	syscall(SYS_futex, &f->word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	pthread_join(f->thread, NULL);
	free(f);
}

const struct bench_row bench_context_rows[] = {
	{.name = "peer/fcontext",
	 .skip = no_context,
	 .setup = contexts_new,
	 .run = contexts_run,
	 .teardown = contexts_free},
	{.name = "peer/futex", .setup = futexes_new, .run = futexes_run, .teardown = futexes_free},
	{0}};
