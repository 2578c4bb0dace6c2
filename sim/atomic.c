/* sim/atomic.c - see atomic.h: sleeping on a word is a futex, private to the process. */
#include "sim/atomic.h"
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S UINT64_C(1000000000)

/* An early return (EINTR, EAGAIN, a wake-up meant for an earlier sleep) is allowed to callers, who look again. */
void sim_word_wait(sim_atomic_u32 *word, uint32_t value, uint64_t timeout_ns)
{
	const struct timespec timeout = {.tv_sec = (time_t)(timeout_ns / NS_PER_S),
					 .tv_nsec = (long)(timeout_ns % NS_PER_S)};
	(void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout_ns ? &timeout : NULL, NULL, 0);
}

void sim_word_wake(sim_atomic_u32 *word)
{
	(void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}
