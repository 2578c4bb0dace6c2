/* sel4/sel4_arch/types_gen.h - seL4_Fault_t, what seL4_getFault() makes of a fault message. Layer: libsel4.
 *
 * One type for all faults: its kind is in the lowest bits of words[0], and what the message said follows in words[1] and
 * up, the message's last register first. Source: seL4 16.0, x86_64, MCS. */
#ifndef SKERRY_LIBSEL4_SEL4_ARCH_TYPES_GEN_H
#define SKERRY_LIBSEL4_SEL4_ARCH_TYPES_GEN_H
#include <sel4/constants.h>
#include <sel4/shared_types_gen.h>

SKERRY_BLOCK(seL4_Fault, 20)

LIBSEL4_INLINE_FUNC CONST seL4_Uint64 seL4_Fault_get_seL4_FaultType(seL4_Fault_t fault)
{
	return fault.words[0] & 15;
}
LIBSEL4_INLINE_FUNC PURE seL4_Uint64 seL4_Fault_ptr_get_seL4_FaultType(seL4_Fault_t *fault)
{
	return fault->words[0] & 15;
}
LIBSEL4_INLINE_FUNC CONST int seL4_Fault_seL4_FaultType_equals(seL4_Fault_t fault, seL4_Uint64 type)
{
	return seL4_Fault_get_seL4_FaultType(fault) == type;
}

/* The fields of each kind, in the order of its message. FIELD(kind, name, word) */
#define SKERRY_FAULT_CAP(FIELD)                                                                              \
	FIELD(CapFault, IP, 7)                                                                               \
	FIELD(CapFault, Addr, 6)                                                                             \
	FIELD(CapFault, InRecvPhase, 5)                                                                      \
	FIELD(CapFault, LookupFailureType, 4)                                                                \
	FIELD(CapFault, MR4, 3)                                                                              \
	FIELD(CapFault, MR5, 2)                                                                              \
	FIELD(CapFault, MR6, 1)
#define SKERRY_FAULT_SYSCALL(FIELD)                                                                          \
	FIELD(UnknownSyscall, RAX, 19)                                                                       \
	FIELD(UnknownSyscall, RBX, 18)                                                                       \
	FIELD(UnknownSyscall, RCX, 17)                                                                       \
	FIELD(UnknownSyscall, RDX, 16)                                                                       \
	FIELD(UnknownSyscall, RSI, 15)                                                                       \
	FIELD(UnknownSyscall, RDI, 14)                                                                       \
	FIELD(UnknownSyscall, RBP, 13)                                                                       \
	FIELD(UnknownSyscall, R8, 12)                                                                        \
	FIELD(UnknownSyscall, R9, 11)                                                                        \
	FIELD(UnknownSyscall, R10, 10)                                                                       \
	FIELD(UnknownSyscall, R11, 9)                                                                        \
	FIELD(UnknownSyscall, R12, 8)                                                                        \
	FIELD(UnknownSyscall, R13, 7)                                                                        \
	FIELD(UnknownSyscall, R14, 6)                                                                        \
	FIELD(UnknownSyscall, R15, 5)                                                                        \
	FIELD(UnknownSyscall, FaultIP, 4)                                                                    \
	FIELD(UnknownSyscall, RSP, 3)                                                                        \
	FIELD(UnknownSyscall, FLAGS, 2)                                                                      \
	FIELD(UnknownSyscall, Syscall, 1)
#define SKERRY_FAULT_EXCEPTION(FIELD)                                                                        \
	FIELD(UserException, FaultIP, 5)                                                                     \
	FIELD(UserException, Stack, 4)                                                                       \
	FIELD(UserException, FLAGS, 3)                                                                       \
	FIELD(UserException, Number, 2)                                                                      \
	FIELD(UserException, Code, 1)
#define SKERRY_FAULT_TIMEOUT(FIELD)                                                                          \
	FIELD(Timeout, data, 2)                                                                              \
	FIELD(Timeout, consumed, 1)
#define SKERRY_FAULT_VM(FIELD)                                                                               \
	FIELD(VMFault, IP, 4)                                                                                \
	FIELD(VMFault, Addr, 3)                                                                              \
	FIELD(VMFault, PrefetchFault, 2)                                                                     \
	FIELD(VMFault, FSR, 1)

#define SKERRY_FAULT_ACCESSORS(kind, name, word)                                                             \
	SKERRY_FIELD(seL4_Fault_##kind, seL4_Fault, name, word, 0, 64)
SKERRY_FAULT_CAP(SKERRY_FAULT_ACCESSORS)
SKERRY_FAULT_SYSCALL(SKERRY_FAULT_ACCESSORS)
SKERRY_FAULT_EXCEPTION(SKERRY_FAULT_ACCESSORS)
SKERRY_FAULT_TIMEOUT(SKERRY_FAULT_ACCESSORS)
SKERRY_FAULT_VM(SKERRY_FAULT_ACCESSORS)

/* And what makes one of its fields. */
#define SKERRY_FAULT_VALUE(kind, name, word) fault.words[word] = name;
#define SKERRY_FAULT_NEW(kind, FIELDS, ...)                                                                  \
	LIBSEL4_INLINE_FUNC CONST seL4_Fault_t seL4_Fault_##kind##_new(__VA_ARGS__)                          \
	{                                                                                                    \
		seL4_Fault_t fault;                                                                          \
		for (int i = 0; i < 20; i++)                                                                 \
			fault.words[i] = 0;                                                                  \
		fault.words[0] = seL4_Fault_##kind;                                                          \
		FIELDS(SKERRY_FAULT_VALUE)                                                                   \
		return fault;                                                                                \
	}

#define SKERRY_NO_FIELDS(FIELD)
SKERRY_FAULT_NEW(NullFault, SKERRY_NO_FIELDS, void)
SKERRY_FAULT_NEW(CapFault, SKERRY_FAULT_CAP, seL4_Uint64 IP, seL4_Uint64 Addr, seL4_Uint64 InRecvPhase,
		 seL4_Uint64 LookupFailureType, seL4_Uint64 MR4, seL4_Uint64 MR5, seL4_Uint64 MR6)
SKERRY_FAULT_NEW(UnknownSyscall, SKERRY_FAULT_SYSCALL, seL4_Uint64 RAX, seL4_Uint64 RBX, seL4_Uint64 RCX,
		 seL4_Uint64 RDX, seL4_Uint64 RSI, seL4_Uint64 RDI, seL4_Uint64 RBP, seL4_Uint64 R8,
		 seL4_Uint64 R9, seL4_Uint64 R10, seL4_Uint64 R11, seL4_Uint64 R12, seL4_Uint64 R13,
		 seL4_Uint64 R14, seL4_Uint64 R15, seL4_Uint64 FaultIP, seL4_Uint64 RSP, seL4_Uint64 FLAGS,
		 seL4_Uint64 Syscall)
SKERRY_FAULT_NEW(UserException, SKERRY_FAULT_EXCEPTION, seL4_Uint64 FaultIP, seL4_Uint64 Stack,
		 seL4_Uint64 FLAGS, seL4_Uint64 Number, seL4_Uint64 Code)
SKERRY_FAULT_NEW(Timeout, SKERRY_FAULT_TIMEOUT, seL4_Uint64 data, seL4_Uint64 consumed)
SKERRY_FAULT_NEW(VMFault, SKERRY_FAULT_VM, seL4_Uint64 IP, seL4_Uint64 Addr, seL4_Uint64 PrefetchFault,
		 seL4_Uint64 FSR)

#endif
