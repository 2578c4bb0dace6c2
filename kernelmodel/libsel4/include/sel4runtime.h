/* sel4runtime.h - what programs use of seL4's C runtime. Layer: libsel4.
 *
 * Programs are started by skerry, and their C library is the host's, with thread-local storage that belongs to the host's
 * threads: a thread of a program has none of its own. What prepares it is accepted and does nothing; the one variable of
 * it that matters, the address of the IPC buffer, is known otherwise (sel4/functions.h). */
#ifndef SKERRY_SEL4RUNTIME_H
#define SKERRY_SEL4RUNTIME_H
#include <sel4/sel4.h>
#include <skerry/user.h>
#include <stddef.h>
#include <stdint.h>

LIBSEL4_INLINE_FUNC seL4_BootInfo *sel4runtime_bootinfo(void) { return seL4_GetBootInfo(); }
LIBSEL4_INLINE_FUNC seL4_BootInfo *sel4runtime_get_bootinfo(void) { return seL4_GetBootInfo(); }
LIBSEL4_INLINE_FUNC void sel4runtime_exit(int status) { skerry_exit(status); }

LIBSEL4_INLINE_FUNC size_t sel4runtime_get_tls_size(void) { return 64; }
LIBSEL4_INLINE_FUNC uintptr_t sel4runtime_write_tls_image(void *memory) { return (uintptr_t)memory; }
LIBSEL4_INLINE_FUNC uintptr_t sel4runtime_move_initial_tls(void *memory) { return (uintptr_t)memory; }
LIBSEL4_INLINE_FUNC void sel4runtime_set_tls_base(uintptr_t base) { (void)base; }
LIBSEL4_INLINE_FUNC int skerry_tls_ignore(uintptr_t base, uintptr_t value)
{
	(void)base, (void)value;
	return 0;
}
/* `variable` is not evaluated: programs name __sel4_ipc_buffer, which the kernel keeps (sel4/functions.h). */
#define sel4runtime_set_tls_variable(base, variable, value)                                                  \
	skerry_tls_ignore((uintptr_t)(base), (uintptr_t)(value))

#endif
