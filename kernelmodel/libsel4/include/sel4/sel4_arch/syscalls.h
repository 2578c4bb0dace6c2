/* sel4/sel4_arch/syscalls.h - the system calls. Layer: libsel4.
 *
 * Those without WithMRs take message registers 0 to 3 from the IPC buffer and leave what they received there; those with
 * take them from the caller, who may pass NULL, and never touch the buffer. Source: seL4 16.0 manual, chapter 11, MCS. */
#ifndef SKERRY_LIBSEL4_SEL4_ARCH_SYSCALLS_H
#define SKERRY_LIBSEL4_SEL4_ARCH_SYSCALLS_H
#include <sel4/functions.h>
#include <sel4/sel4_arch/entry.h>
#include <sel4/types.h>

/* ---- message registers to and from where the caller has them ---- */

LIBSEL4_INLINE_FUNC struct skerry_message skerry_message_from_buffer(seL4_CPtr cap, seL4_MessageInfo_t info)
{
	const seL4_Word *msg = seL4_GetIPCBuffer()->msg;
	struct skerry_message m = {cap, info.words[0], msg[0], msg[1], msg[2], msg[3]};
	return m;
}

/* Nothing is sent: what the registers hold does not matter. */
LIBSEL4_INLINE_FUNC struct skerry_message skerry_message_empty(seL4_CPtr cap)
{
	struct skerry_message m = {cap, 0, 0, 0, 0, 0};
	return m;
}

LIBSEL4_INLINE_FUNC struct skerry_message skerry_message_from_mrs(seL4_CPtr cap, seL4_MessageInfo_t info,
								  const seL4_Word *mr0, const seL4_Word *mr1,
								  const seL4_Word *mr2, const seL4_Word *mr3)
{
	struct skerry_message m = {
		cap, info.words[0], mr0 ? *mr0 : 0, mr1 ? *mr1 : 0, mr2 ? *mr2 : 0, mr3 ? *mr3 : 0};
	return m;
}

/* A call that answers: a pointer may then be given just for the answer, so what is not sent is not read. */
LIBSEL4_INLINE_FUNC struct skerry_message skerry_message_of_length(seL4_CPtr cap, seL4_MessageInfo_t info,
								   const seL4_Word *mr0, const seL4_Word *mr1,
								   const seL4_Word *mr2, const seL4_Word *mr3)
{
	const seL4_Word length = seL4_MessageInfo_get_length(info);
	return skerry_message_from_mrs(cap, info, length > 0 ? mr0 : 0, length > 1 ? mr1 : 0,
				       length > 2 ? mr2 : 0, length > 3 ? mr3 : 0);
}

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t skerry_message_to_buffer(const struct skerry_message *m,
								seL4_Word *sender)
{
	seL4_Word *msg = seL4_GetIPCBuffer()->msg;
	seL4_MessageInfo_t info;
	msg[0] = m->mr0;
	msg[1] = m->mr1;
	msg[2] = m->mr2;
	msg[3] = m->mr3;
	if (sender)
		*sender = m->cap;
	info.words[0] = m->info;
	return info;
}

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t skerry_message_to_mrs(const struct skerry_message *m,
							     seL4_Word *sender, seL4_Word *mr0,
							     seL4_Word *mr1, seL4_Word *mr2, seL4_Word *mr3)
{
	seL4_MessageInfo_t info;
	if (mr0)
		*mr0 = m->mr0;
	if (mr1)
		*mr1 = m->mr1;
	if (mr2)
		*mr2 = m->mr2;
	if (mr3)
		*mr3 = m->mr3;
	if (sender)
		*sender = m->cap;
	info.words[0] = m->info;
	return info;
}

/* ---- send ---- */

LIBSEL4_INLINE_FUNC void seL4_Send(seL4_CPtr dest, seL4_MessageInfo_t msgInfo)
{
	struct skerry_message m = skerry_message_from_buffer(dest, msgInfo);
	skerry_enter((seL4_Word)seL4_SysSend, &m);
}
LIBSEL4_INLINE_FUNC void seL4_SendWithMRs(seL4_CPtr dest, seL4_MessageInfo_t msgInfo, seL4_Word *mr0,
					  seL4_Word *mr1, seL4_Word *mr2, seL4_Word *mr3)
{
	struct skerry_message m = skerry_message_from_mrs(dest, msgInfo, mr0, mr1, mr2, mr3);
	skerry_enter((seL4_Word)seL4_SysSend, &m);
}

LIBSEL4_INLINE_FUNC void seL4_NBSend(seL4_CPtr dest, seL4_MessageInfo_t msgInfo)
{
	struct skerry_message m = skerry_message_from_buffer(dest, msgInfo);
	skerry_enter((seL4_Word)seL4_SysNBSend, &m);
}
LIBSEL4_INLINE_FUNC void seL4_NBSendWithMRs(seL4_CPtr dest, seL4_MessageInfo_t msgInfo, seL4_Word *mr0,
					    seL4_Word *mr1, seL4_Word *mr2, seL4_Word *mr3)
{
	struct skerry_message m = skerry_message_from_mrs(dest, msgInfo, mr0, mr1, mr2, mr3);
	skerry_enter((seL4_Word)seL4_SysNBSend, &m);
}

LIBSEL4_INLINE_FUNC void seL4_Signal(seL4_CPtr dest)
{
	struct skerry_message m = skerry_message_empty(dest);
	m.info = seL4_MessageInfo_new(0, 0, 0, 1).words[0];
	skerry_enter((seL4_Word)seL4_SysSend, &m);
}

/* ---- receive ---- */

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_Recv(seL4_CPtr src, seL4_Word *sender, seL4_CPtr reply)
{
	struct skerry_message m = skerry_message_empty(src);
	skerry_enter_reply((seL4_Word)seL4_SysRecv, &m, reply);
	return skerry_message_to_buffer(&m, sender);
}
LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_RecvWithMRs(seL4_CPtr src, seL4_Word *sender, seL4_Word *mr0,
							seL4_Word *mr1, seL4_Word *mr2, seL4_Word *mr3,
							seL4_CPtr reply)
{
	struct skerry_message m = skerry_message_empty(src);
	skerry_enter_reply((seL4_Word)seL4_SysRecv, &m, reply);
	return skerry_message_to_mrs(&m, sender, mr0, mr1, mr2, mr3);
}

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_NBRecv(seL4_CPtr src, seL4_Word *sender, seL4_CPtr reply)
{
	struct skerry_message m = skerry_message_empty(src);
	skerry_enter_reply((seL4_Word)seL4_SysNBRecv, &m, reply);
	return skerry_message_to_buffer(&m, sender);
}

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_Wait(seL4_CPtr src, seL4_Word *sender)
{
	struct skerry_message m = skerry_message_empty(src);
	skerry_enter_reply((seL4_Word)seL4_SysWait, &m, 0);
	return skerry_message_to_buffer(&m, sender);
}
LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_WaitWithMRs(seL4_CPtr src, seL4_Word *sender, seL4_Word *mr0,
							seL4_Word *mr1, seL4_Word *mr2, seL4_Word *mr3)
{
	struct skerry_message m = skerry_message_empty(src);
	skerry_enter_reply((seL4_Word)seL4_SysWait, &m, 0);
	return skerry_message_to_mrs(&m, sender, mr0, mr1, mr2, mr3);
}

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_NBWait(seL4_CPtr src, seL4_Word *sender)
{
	struct skerry_message m = skerry_message_empty(src);
	skerry_enter_reply((seL4_Word)seL4_SysNBWait, &m, 0);
	return skerry_message_to_buffer(&m, sender);
}
LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_Poll(seL4_CPtr src, seL4_Word *sender)
{
	return seL4_NBWait(src, sender);
}

/* ---- send and receive ---- */

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_Call(seL4_CPtr dest, seL4_MessageInfo_t msgInfo)
{
	struct skerry_message m = skerry_message_from_buffer(dest, msgInfo);
	skerry_enter_reply((seL4_Word)seL4_SysCall, &m, 0);
	return skerry_message_to_buffer(&m, 0);
}
LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_CallWithMRs(seL4_CPtr dest, seL4_MessageInfo_t msgInfo,
							seL4_Word *mr0, seL4_Word *mr1, seL4_Word *mr2,
							seL4_Word *mr3)
{
	struct skerry_message m = skerry_message_of_length(dest, msgInfo, mr0, mr1, mr2, mr3);
	skerry_enter_reply((seL4_Word)seL4_SysCall, &m, 0);
	return skerry_message_to_mrs(&m, 0, mr0, mr1, mr2, mr3);
}

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_ReplyRecv(seL4_CPtr src, seL4_MessageInfo_t msgInfo,
						      seL4_Word *sender, seL4_CPtr reply)
{
	struct skerry_message m = skerry_message_from_buffer(src, msgInfo);
	skerry_enter_reply((seL4_Word)seL4_SysReplyRecv, &m, reply);
	return skerry_message_to_buffer(&m, sender);
}
LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_ReplyRecvWithMRs(seL4_CPtr src, seL4_MessageInfo_t msgInfo,
							     seL4_Word *sender, seL4_Word *mr0,
							     seL4_Word *mr1, seL4_Word *mr2, seL4_Word *mr3,
							     seL4_CPtr reply)
{
	struct skerry_message m = skerry_message_of_length(src, msgInfo, mr0, mr1, mr2, mr3);
	skerry_enter_reply((seL4_Word)seL4_SysReplyRecv, &m, reply);
	return skerry_message_to_mrs(&m, sender, mr0, mr1, mr2, mr3);
}

LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_NBSendRecv(seL4_CPtr dest, seL4_MessageInfo_t msgInfo,
						       seL4_CPtr src, seL4_Word *sender, seL4_CPtr reply)
{
	struct skerry_message m = skerry_message_from_buffer(src, msgInfo);
	skerry_enter_dest((seL4_Word)seL4_SysNBSendRecv, &m, reply, dest);
	return skerry_message_to_buffer(&m, sender);
}
LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_NBSendRecvWithMRs(seL4_CPtr dest, seL4_MessageInfo_t msgInfo,
							      seL4_CPtr src, seL4_Word *sender,
							      seL4_Word *mr0, seL4_Word *mr1, seL4_Word *mr2,
							      seL4_Word *mr3, seL4_CPtr reply)
{
	struct skerry_message m = skerry_message_of_length(src, msgInfo, mr0, mr1, mr2, mr3);
	skerry_enter_dest((seL4_Word)seL4_SysNBSendRecv, &m, reply, dest);
	return skerry_message_to_mrs(&m, sender, mr0, mr1, mr2, mr3);
}

/* NBSendWait has no reply capability: its destination travels in that register, and, so that both of the registers that
 * may name a destination agree, in the other one too. */
LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_NBSendWait(seL4_CPtr dest, seL4_MessageInfo_t msgInfo,
						       seL4_CPtr src, seL4_Word *sender)
{
	struct skerry_message m = skerry_message_from_buffer(src, msgInfo);
	skerry_enter_dest((seL4_Word)seL4_SysNBSendWait, &m, dest, dest);
	return skerry_message_to_buffer(&m, sender);
}
LIBSEL4_INLINE_FUNC seL4_MessageInfo_t seL4_NBSendWaitWithMRs(seL4_CPtr dest, seL4_MessageInfo_t msgInfo,
							      seL4_CPtr src, seL4_Word *sender,
							      seL4_Word *mr0, seL4_Word *mr1, seL4_Word *mr2,
							      seL4_Word *mr3)
{
	struct skerry_message m = skerry_message_of_length(src, msgInfo, mr0, mr1, mr2, mr3);
	skerry_enter_dest((seL4_Word)seL4_SysNBSendWait, &m, dest, dest);
	return skerry_message_to_mrs(&m, sender, mr0, mr1, mr2, mr3);
}

LIBSEL4_INLINE_FUNC void seL4_Yield(void)
{
	struct skerry_message m = skerry_message_empty(0);
	skerry_enter((seL4_Word)seL4_SysYield, &m);
}

/* ---- for debugging ---- */

LIBSEL4_INLINE_FUNC seL4_Word skerry_debug_call(seL4_Word number, seL4_Word argument)
{
	struct skerry_message m = skerry_message_empty(argument);
	skerry_enter(number, &m);
	return m.cap;
}

LIBSEL4_INLINE_FUNC void seL4_DebugPutChar(char c)
{
	skerry_debug_call((seL4_Word)seL4_SysDebugPutChar, (seL4_Word)(unsigned char)c);
}
LIBSEL4_INLINE_FUNC void seL4_DebugPutString(const char *str)
{
	while (*str)
		seL4_DebugPutChar(*str++);
}
LIBSEL4_INLINE_FUNC void seL4_DebugDumpScheduler(void)
{
	skerry_debug_call((seL4_Word)seL4_SysDebugDumpScheduler, 0);
}
LIBSEL4_INLINE_FUNC void seL4_DebugHalt(void) { skerry_debug_call((seL4_Word)seL4_SysDebugHalt, 0); }
LIBSEL4_INLINE_FUNC void seL4_DebugSnapshot(void) { skerry_debug_call((seL4_Word)seL4_SysDebugSnapshot, 0); }
LIBSEL4_INLINE_FUNC seL4_Uint32 seL4_DebugCapIdentify(seL4_CPtr cap)
{
	return (seL4_Uint32)skerry_debug_call((seL4_Word)seL4_SysDebugCapIdentify, cap);
}
/* The name travels in the message registers of the IPC buffer, as bytes; what does not fit is cut off. */
LIBSEL4_INLINE_FUNC void seL4_DebugNameThread(seL4_CPtr tcb, const char *name)
{
	char *to = (char *)seL4_GetIPCBuffer()->msg;
	unsigned i = 0;
	for (; name[i] && i < seL4_MsgMaxLength * sizeof(seL4_Word) - 1; i++)
		to[i] = name[i];
	to[i] = 0;
	skerry_debug_call((seL4_Word)seL4_SysDebugNameThread, tcb);
}

#endif
