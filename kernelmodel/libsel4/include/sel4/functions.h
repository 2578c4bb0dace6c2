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
