/* tests/lib/interleave.h - memory with store buffers under lock-free code, and every interleaving of its threads.
 *
 * Compile the real source in the test with SIM_ATOMIC_HEADER naming this file: the names of sim/atomic.h then go to a
 * model of memory. Each thread is a fiber that stops before what another thread can tell; each has a store buffer,
 * whose entries reach memory as steps of their own. interleave_explore() runs the program again and again, each time by
 * another order of steps, until there is none left (depth first, without states).
 *
 *   INTERLEAVE_TSO  x86: a buffer empties first in, first out
 *   INTERLEAVE_PSO  weaker: stores to different addresses reach memory in any order; a release waits for all before it
 *
 * Loads are never late in either: an acquire that is missing is for ThreadSanitizer to find. Loads forward from the own
 * buffer; fences, exchanges and system calls wait until it is empty.
 *
 * What keeps it small: steps that do not touch the same address are not tried in both orders (sleep sets, Godefroid
 * 1996); addresses that only one thread touches are no steps (which those are is learnt: when it was wrong, all begins
 * again); a thread that polls waits until something it read has changed (interleave_pause()).
 *
 * Thread rule: one thread. Not under ThreadSanitizer (INTERLEAVE_POSSIBLE is 0), which does not know the fibers.
 * Sources: Owens, Sarkar, Sewell, x86-TSO, TPHOLs'09; Godefroid, LNCS 1032. */
#ifndef SKERRY_TESTS_LIB_INTERLEAVE_H
#define SKERRY_TESTS_LIB_INTERLEAVE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined __SANITIZE_THREAD__
#define INTERLEAVE_POSSIBLE 0
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define INTERLEAVE_POSSIBLE 0
#endif
#endif
#ifndef INTERLEAVE_POSSIBLE
#define INTERLEAVE_POSSIBLE 1
#endif

/* ---- the names of sim/atomic.h ---- */

typedef uint64_t sim_atomic_u64;
typedef uint32_t sim_atomic_u32;

#define sim_load_relaxed(p)     ((__typeof__(*(p) + 0))interleave_load(p, sizeof *(p)))
#define sim_load_acquire(p)     sim_load_relaxed(p)
#define sim_load_plain(p)       sim_load_relaxed(p)
#define sim_store_relaxed(p, v) interleave_store(p, v, sizeof *(p), false, __func__)
#define sim_store_release(p, v) interleave_store(p, v, sizeof *(p), true, __func__)
#define sim_store_plain(p, v)   sim_store_relaxed(p, v)
#define sim_exchange(p, v)      ((__typeof__(*(p) + 0))interleave_exchange(p, v, sizeof *(p)))
#define sim_fence()             interleave_fence(__func__)

#define sim_copy_plain(to, from, bytes)        interleave_copy(to, from, bytes)
#define sim_word_wait(word, value, timeout_ns) ((void)(timeout_ns), interleave_wait(word, value))
#define sim_word_wake(word)                    interleave_wake(word)

uint64_t interleave_load(const volatile void *address, size_t bytes);
void interleave_store(volatile void *address, uint64_t value, size_t bytes, bool release,
		      const char *function);
uint64_t interleave_exchange(volatile void *address, uint64_t value, size_t bytes);
void interleave_fence(const char *function);
void interleave_copy(void *to, const void *from, size_t bytes);      /* whole words */
void interleave_wait(const volatile uint32_t *word, uint32_t value); /* a futex; without a limit */
void interleave_wake(const volatile uint32_t *word);

/* ---- for the program under test ---- */

/* Nothing came: go on when something that was read since the last pause has changed. */
void interleave_pause(void);
/* This execution violates a property; does not return. */
_Noreturn void interleave_fail(const char *what);

/* ---- the search ---- */

enum interleave_model { INTERLEAVE_TSO, INTERLEAVE_PSO };

#define INTERLEAVE_THREADS 2

struct interleave_program {
	void (*setup)(void *context); /* before each execution; its stores reach memory at once */
	void (*thread[INTERLEAVE_THREADS])(void *context);
	void *context;
	enum interleave_model model;
	uint64_t executions_max;
	/* Planted faults, by the function that they are in; NULL: none. */
	const char *no_fence_in, *no_release_in;
};

struct interleave_result {
	uint64_t executions; /* that ended */
	uint64_t cut;        /* given up, because another order of the same steps was run */
	uint64_t steps;
	bool complete;   /* every order was run */
	char fault[160]; /* of the first execution that failed, "" if none: the search ends there */
};

void interleave_explore(const struct interleave_program *program, struct interleave_result *result);

#endif
