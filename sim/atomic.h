/* sim/atomic.h - the few atomic operations of the lock-free files, by name.
 *
 * Rings, channels and doorbells are written against these names alone, so that a test can put memory of its own under
 * the very same source: with SIM_ATOMIC_HEADER defined, that header gives the names instead (tests/lib/interleave.h:
 * store buffers, every interleaving). Layer: sim. */
#ifndef SKERRY_SIM_ATOMIC_H
#define SKERRY_SIM_ATOMIC_H
#ifdef SIM_ATOMIC_HEADER
#include SIM_ATOMIC_HEADER
#else
#include <stdatomic.h>
#include <stdint.h>

typedef _Atomic uint64_t sim_atomic_u64;
typedef _Atomic uint32_t sim_atomic_u32;

#define sim_load_relaxed(p)             atomic_load_explicit(p, memory_order_relaxed)
#define sim_load_acquire(p)             atomic_load_explicit(p, memory_order_acquire)
#define sim_store_relaxed(p, v)         atomic_store_explicit(p, v, memory_order_relaxed)
#define sim_store_release(p, v)         atomic_store_explicit(p, v, memory_order_release)
#define sim_exchange(p, v)              atomic_exchange_explicit(p, v, memory_order_seq_cst)

/* Plain memory that a release publishes; names of their own so that a test can hold a store back and see a load. */
#define sim_load_plain(p)               (*(p))
#define sim_store_plain(p, v)           (*(p) = (v))
#define sim_copy_plain(to, from, bytes) __builtin_memcpy(to, from, bytes)

/* Orders this thread's earlier stores before its later loads, which nothing weaker does. */
#ifdef __SANITIZE_THREAD__
/* gcc refuses fences under ThreadSanitizer, which cannot see them; nothing but the order of store and load is asked
 * here, no happens-before, so the instruction is enough. */
static inline void sim_fence(void) { __sync_synchronize(); }
#else
static inline void sim_fence(void) { atomic_thread_fence(memory_order_seq_cst); }
#endif

/* Sleeps while *word is `value`: until sim_word_wake(), a signal, or timeout_ns (0: no limit). May return early. */
void sim_word_wait(sim_atomic_u32 *word, uint32_t value, uint64_t timeout_ns);
void sim_word_wake(sim_atomic_u32 *word);
#endif
#endif
