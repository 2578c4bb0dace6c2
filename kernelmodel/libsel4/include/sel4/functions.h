/* sel4/functions.h - the current thread's IPC buffer. Layer: libsel4.
 *
 * The address of the buffer is read out of line, through the core that runs the thread, each time: a thread may go on in
 * another host thread than where it began, so nothing of it may be kept in thread-local storage. A thread without a
 * buffer has NULL, and faults when it uses one. Source: seL4 16.0 manual, section 4.1. */
#ifndef SKERRY_LIBSEL4_FUNCTIONS_H
#define SKERRY_LIBSEL4_FUNCTIONS_H
#include <sel4/types.h>

#ifdef __cplusplus
extern "C" {
#endif
seL4_IPCBuffer *skerry_ipc_buffer(void);
#ifdef __cplusplus
}
#endif

/* Where a program that names the variable behind the calls below finds it: a place that holds the buffer of the current
 * thread, and that no other buffer is ever given, so that a thread which is preempted or moved between it asks and it
 * reads still reads its own. What it writes there is gone when it asks again. */
LIBSEL4_INLINE_FUNC seL4_IPCBuffer **skerry_ipc_buffer_place(void)
{
	enum { SKERRY_PLACES = 4096 };
	static seL4_IPCBuffer *owner[SKERRY_PLACES], *place[SKERRY_PLACES], *place_of_none;
	seL4_IPCBuffer *const buffer = skerry_ipc_buffer();
	seL4_Word at = (seL4_Word)buffer >> 10;
	if (!buffer) {
		place_of_none = buffer;
		return &place_of_none;
	}
	for (unsigned i = 0; i < SKERRY_PLACES; i++, at++) {
		seL4_IPCBuffer *nobody = 0;
		seL4_IPCBuffer **const is_of = &owner[at % SKERRY_PLACES];
		if (__atomic_load_n(is_of, __ATOMIC_RELAXED) == buffer ||
		    __atomic_compare_exchange_n(is_of, &nobody, buffer, 0, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED) ||
		    nobody == buffer) {
			place[at % SKERRY_PLACES] = buffer;
			return &place[at % SKERRY_PLACES];
		}
	}
	__builtin_trap(); /* thousands of buffers were current in one source file that names the variable */
}
/* It reads and is written as a variable, and a program that declares it, `extern` or not, declares the function again. */
#define __sel4_ipc_buffer (*skerry_ipc_buffer_place())
#ifdef __skerry__
/* Also with this word before it. There is one host thread or several below a program's threads, whichever runs them: what
 * is declared with it is the program's, not one of these. */
#define __thread
#endif

/* The kernel knows each thread's buffer; what a program says changes nothing. */
LIBSEL4_INLINE_FUNC void seL4_SetIPCBuffer(seL4_IPCBuffer *ipc_buffer) { (void)ipc_buffer; }
LIBSEL4_INLINE_FUNC seL4_IPCBuffer *seL4_GetIPCBuffer(void) { return skerry_ipc_buffer(); }

LIBSEL4_INLINE_FUNC seL4_Word seL4_GetMR(int i) { return seL4_GetIPCBuffer()->msg[i]; }
LIBSEL4_INLINE_FUNC void seL4_SetMR(int i, seL4_Word mr) { seL4_GetIPCBuffer()->msg[i] = mr; }

LIBSEL4_INLINE_FUNC seL4_Word seL4_GetUserData(void) { return seL4_GetIPCBuffer()->userData; }
LIBSEL4_INLINE_FUNC void seL4_SetUserData(seL4_Word data) { seL4_GetIPCBuffer()->userData = data; }

LIBSEL4_INLINE_FUNC seL4_Word seL4_GetBadge(int i) { return seL4_GetIPCBuffer()->caps_or_badges[i]; }
LIBSEL4_INLINE_FUNC seL4_CPtr seL4_GetCap(int i) { return seL4_GetIPCBuffer()->caps_or_badges[i]; }
LIBSEL4_INLINE_FUNC void seL4_SetCap(int i, seL4_CPtr cptr) { seL4_GetIPCBuffer()->caps_or_badges[i] = cptr; }

LIBSEL4_INLINE_FUNC void seL4_GetCapReceivePath(seL4_CPtr *receiveCNode, seL4_CPtr *receiveIndex,
						seL4_Word *receiveDepth)
{
	const seL4_IPCBuffer *buffer = seL4_GetIPCBuffer();
	if (receiveCNode)
		*receiveCNode = buffer->receiveCNode;
	if (receiveIndex)
		*receiveIndex = buffer->receiveIndex;
	if (receiveDepth)
		*receiveDepth = buffer->receiveDepth;
}
LIBSEL4_INLINE_FUNC void seL4_SetCapReceivePath(seL4_CPtr receiveCNode, seL4_CPtr receiveIndex,
						seL4_Word receiveDepth)
{
	seL4_IPCBuffer *buffer = seL4_GetIPCBuffer();
	buffer->receiveCNode = receiveCNode;
	buffer->receiveIndex = receiveIndex;
	buffer->receiveDepth = receiveDepth;
}

#endif
