/* sel4/shared_types.h - the IPC buffer, and names of usual rights. Layer: libsel4. Source: seL4 16.0, x86_64. */
#ifndef SKERRY_LIBSEL4_SHARED_TYPES_H
#define SKERRY_LIBSEL4_SHARED_TYPES_H
#include <sel4/constants.h>
#include <sel4/shared_types_gen.h>

typedef struct seL4_IPCBuffer_ {
	seL4_MessageInfo_t tag;
	seL4_Register msg[seL4_MsgMaxLength];
	seL4_Register userData;
	/* Sending: capabilities to send. Received: badges of those that were unwrapped. */
	seL4_Register caps_or_badges[seL4_MsgMaxExtraCaps];
	/* Where a capability that is received goes. */
	seL4_Register receiveCNode;
	seL4_Register receiveIndex;
	seL4_Register receiveDepth;
} seL4_IPCBuffer __attribute__((__aligned__(1024)));

SKERRY_STATIC_ASSERT(sizeof(seL4_IPCBuffer) == 1ul << seL4_IPCBufferSizeBits, "the IPC buffer is 1024 bytes");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_IPCBuffer, msg) == 8, "msg");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_IPCBuffer, userData) == 968, "userData");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_IPCBuffer, caps_or_badges) == 976, "caps_or_badges");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_IPCBuffer, receiveCNode) == 1000, "receiveCNode");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_IPCBuffer, receiveIndex) == 1008, "receiveIndex");
SKERRY_STATIC_ASSERT(SEL4_OFFSETOF(seL4_IPCBuffer, receiveDepth) == 1016, "receiveDepth");

#define seL4_ReadWrite     seL4_CapRights_new(0, 0, 1, 1)
#define seL4_AllRights     seL4_CapRights_new(1, 1, 1, 1)
#define seL4_CanRead       seL4_CapRights_new(0, 0, 1, 0)
#define seL4_CanWrite      seL4_CapRights_new(0, 0, 0, 1)
#define seL4_CanGrant      seL4_CapRights_new(0, 1, 0, 0)
#define seL4_CanGrantReply seL4_CapRights_new(1, 0, 0, 0)
#define seL4_NoWrite       seL4_CapRights_new(1, 1, 1, 0)
#define seL4_NoRead        seL4_CapRights_new(1, 1, 0, 1)
#define seL4_NoRights      seL4_CapRights_new(0, 0, 0, 0)

#endif
