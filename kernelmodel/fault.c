/* kernelmodel/fault.c - faults: who hears of them, what they say, what an answer does.
 *
 * A fault is sent as a call in the name of the thread that has it, through the handler capability in its TCB; it waits
 * for the answer as any caller. Without a handler it stops. */
#include "kernelmodel/kernel_internal.h"
#include "kernelmodel/message.h"

/* The registers that fault messages and their answers hold, in order (seL4_UnknownSyscall_*, seL4_UserException_*,
 * seL4_TimeoutReply_*). */
static const uint8_t syscall_registers[] = {
	KM_RAX, KM_RBX, KM_RCX, KM_RDX, KM_RSI, KM_RDI, KM_RBP, KM_R8,  KM_R9,
	KM_R10, KM_R11, KM_R12, KM_R13, KM_R14, KM_R15, KM_RIP, KM_RSP, KM_RFLAGS,
};
static const uint8_t exception_registers[] = {KM_RIP, KM_RSP, KM_RFLAGS};
static const uint8_t timeout_registers[] = {
	KM_RIP, KM_RSP, KM_RFLAGS, KM_RAX, KM_RBX, KM_RCX, KM_RDX, KM_RSI, KM_RDI,     KM_RBP,
	KM_R8,  KM_R9,  KM_R10,    KM_R11, KM_R12, KM_R13, KM_R14, KM_R15, KM_FS_BASE,
};

#define RFLAGS_ALWAYS  UINT64_C(0x202) /* a reserved bit, and interrupts: a user thread cannot turn them off */
#define RFLAGS_ALLOWED UINT64_C(0xed7) /* not single-stepping, not what is reserved or privileged */
#define CANONICAL_LOW  UINT64_C(0x00007fffffffffff)
#define CANONICAL_HIGH UINT64_C(0xffff800000000000)

km_word km_register_sane(unsigned reg, km_word value)
{
	switch (reg) {
	case KM_RFLAGS:
		return (value & RFLAGS_ALLOWED) | RFLAGS_ALWAYS;
	case KM_RIP:
	case KM_FS_BASE:
	case KM_GS_BASE:
		return value > CANONICAL_LOW && value < CANONICAL_HIGH ? 0 : value;
	default:
		return value;
	}
}

/* ---- handlers ---- */

int km_is_handler(struct km_cap cap)
{
	if (cap.type == KM_CAP_NULL)
		return 1;
	return cap.type == KM_CAP_ENDPOINT && (cap.rights & KM_WRITE) &&
	       (cap.rights & (KM_GRANT | KM_GRANT_REPLY));
}

int km_has_timeout_handler(const struct km_tcb *tcb)
{
	return tcb->slot[KM_TCB_TIMEOUT_HANDLER].cap.type == KM_CAP_ENDPOINT;
}

/* Sends kernel->fault as a call of `tcb`; false if `handler` is none. */
static int fault_send(struct km_kernel *k, struct km_tcb *tcb, struct km_cap handler, int can_donate)
{
	if (handler.type != KM_CAP_ENDPOINT)
		return 0;
	tcb->fault = k->fault;
	if (k->fault.type == seL4_Fault_CapFault)
		tcb->fault.lookup = k->lookup;
	km_send(k, 1, 0, (handler.rights & KM_GRANT) != 0, (handler.rights & KM_GRANT_REPLY) != 0,
		handler.word, can_donate, tcb, km_cap_object(k, handler));
	return 1;
}

void km_handle_fault(struct km_kernel *k, struct km_tcb *tcb)
{
	km_work(k, KM_WORK_FAULT);
	if (fault_send(k, tcb, tcb->slot[KM_TCB_FAULT_HANDLER].cap, tcb->sc != 0))
		return;
	km_debug_no_handler(k, tcb);
	km_set_state(k, tcb, KM_INACTIVE);
}

/* Its context is what has run out: the handler runs on its own. */
void km_handle_timeout(struct km_kernel *k, struct km_tcb *tcb)
{
	km_work(k, KM_WORK_FAULT);
	fault_send(k, tcb, tcb->slot[KM_TCB_TIMEOUT_HANDLER].cap, 0);
}

/* ---- messages ---- */

struct message {
	struct km_tcb *to;
	km_word *buffer;
	unsigned length;
};

/* What does not fit is not counted either: without a buffer a message ends at its fourth word. */
static void put(struct message *m, km_word value)
{
	if (m->length < KM_MESSAGE_FAST)
		m->to->context.reg[km_mr_register(m->length)] = value;
	else if (m->buffer)
		m->buffer[KM_BUFFER_MR + m->length] = value;
	else
		return;
	m->length++;
}

static void put_registers(struct message *m, const struct km_tcb *from, const uint8_t *reg, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		put(m, from->context.reg[reg[i]]);
}

static void put_lookup(struct message *m, const struct km_lookup_failure *lookup)
{
	put(m, lookup->type);
	if (lookup->type == seL4_InvalidRoot)
		return;
	put(m, lookup->bits_left);
	if (lookup->type == seL4_GuardMismatch)
		put(m, lookup->guard);
	if (lookup->type != seL4_MissingCapability)
		put(m, lookup->bits_found);
}

static void put_cap_fault(struct message *m, const struct km_tcb *from)
{
	put(m, from->context.reg[KM_RIP]);
	put(m, from->fault.address);
	put(m, from->fault.in_receive);
	put_lookup(m, &from->fault.lookup);
}

static void put_vm_fault(struct message *m, const struct km_tcb *from)
{
	put(m, from->context.reg[KM_RIP]);
	put(m, from->fault.address);
	put(m, from->fault.prefetch);
	put(m, from->fault.code);
}

static void put_timeout(struct km_kernel *k, struct message *m, const struct km_tcb *from)
{
	put(m, from->fault.address);
	if (from->sc)
		put(m, km_sc_take_consumed(k, KM_SC(k, from->sc)));
}

unsigned km_fault_message(struct km_kernel *k, struct km_tcb *faulter, struct km_tcb *to)
{
	struct message m = {.to = to, .buffer = km_ipc_buffer(k, to, 1)};

	switch (faulter->fault.type) {
	case seL4_Fault_CapFault:
		put_cap_fault(&m, faulter);
		break;
	case seL4_Fault_UnknownSyscall:
		put_registers(&m, faulter, syscall_registers, sizeof(syscall_registers));
		put(&m, faulter->fault.address);
		break;
	case seL4_Fault_UserException:
		put_registers(&m, faulter, exception_registers, sizeof(exception_registers));
		put(&m, faulter->fault.address);
		put(&m, faulter->fault.code);
		break;
	case seL4_Fault_Timeout:
		put_timeout(k, &m, faulter);
		break;
	default:
		put_vm_fault(&m, faulter);
		break;
	}
	if (m.length > KM_MESSAGE_FAST)
		km_work_n(k, KM_WORK_MESSAGE_WORD, m.length - KM_MESSAGE_FAST);
	return m.length;
}

/* The error of an invocation, in the same form as a lookup's part of a fault. */
void km_reply_error(struct km_kernel *k, struct km_tcb *tcb)
{
	const struct km_error *error = &k->error;
	struct message m = {.to = tcb};

	switch (error->type) {
	case seL4_InvalidArgument:
		put(&m, error->invalid_argument);
		break;
	case seL4_InvalidCapability:
		put(&m, error->invalid_cap);
		break;
	case seL4_RangeError:
		put(&m, error->range_min);
		put(&m, error->range_max);
		break;
	case seL4_FailedLookup:
		m.buffer = km_ipc_buffer(k, tcb, 1);
		put(&m, (km_word) !!error->lookup_was_source);
		put_lookup(&m, &k->lookup);
		break;
	case seL4_NotEnoughMemory:
		put(&m, error->memory_left);
		break;
	default:
		break;
	}
	tcb->context.reg[KM_REG_CAP] = 0;
	tcb->context.reg[KM_REG_INFO] = km_info_make(error->type, 0, 0, m.length);
}

/* ---- answers ---- */

/* The answer's words become registers of the thread that had the fault. They are loaded when it is restarted. */
static void take_registers(struct km_kernel *k, const struct km_tcb *from, struct km_tcb *to,
			   const uint8_t *reg, unsigned count)
{
	unsigned length = km_info_length(from->context.reg[KM_REG_INFO]), i;
	const km_word *buffer = NULL;

	if (length > count)
		length = count;
	if (length > KM_MESSAGE_FAST)
		buffer = km_ipc_buffer(k, (struct km_tcb *)from, 0);
	for (i = 0; i < length && (i < KM_MESSAGE_FAST || buffer); i++) {
		km_word value =
			i < KM_MESSAGE_FAST ? from->context.reg[km_mr_register(i)] : buffer[KM_BUFFER_MR + i];

		to->context.reg[reg[i]] = km_register_sane(reg[i], value);
	}
}

int km_fault_reply(struct km_kernel *k, struct km_tcb *from, struct km_tcb *faulter)
{
	km_work(k, KM_WORK_FAULT);
	switch (faulter->fault.type) {
	case seL4_Fault_UnknownSyscall:
		take_registers(k, from, faulter, syscall_registers, sizeof(syscall_registers));
		break;
	case seL4_Fault_UserException:
		take_registers(k, from, faulter, exception_registers, sizeof(exception_registers));
		break;
	case seL4_Fault_Timeout:
		take_registers(k, from, faulter, timeout_registers, sizeof(timeout_registers));
		break;
	default:
		/* What was missing is thought to be there now: it is done again, whatever the answer says. */
		return 1;
	}
	return km_info_label(from->context.reg[KM_REG_INFO]) == 0;
}
