/* kernelmodel/debug.c - the system calls of a debug build of seL4: output, names, types, a picture of the scheduler.
 *
 * They are no part of the model of time: no budget, no scheduling. All text goes through km_host.put. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include "kernelmodel/kernel_internal.h"
#include "kernelmodel/message.h"
#include <sel4/syscall.h>

static void put_text(struct km_kernel *k, const char *text)
{
	if (!k->host.put)
		return;
	for (; *text; text++)
		k->host.put(k->host.context, *text);
}

__attribute__((format(printf, 2, 3))) static void print(struct km_kernel *k, const char *format, ...)
{
	char line[256];
	va_list list;

	if (!k->host.put)
		return;
	va_start(list, format);
	vsnprintf(line, sizeof(line), format, list);
	va_end(list);
	put_text(k, line);
}

static const char *const state_names[] = {
	[KM_INACTIVE] = "inactive",
	[KM_RUNNING] = "running",
	[KM_RESTART] = "restart",
	[KM_BLOCKED_ON_RECEIVE] = "blocked on receive",
	[KM_BLOCKED_ON_SEND] = "blocked on send",
	[KM_BLOCKED_ON_REPLY] = "blocked on reply",
	[KM_BLOCKED_ON_NOTIFICATION] = "blocked on notification",
	[KM_IDLE] = "idle",
};

static void print_thread(struct km_kernel *k, const struct km_tcb *tcb)
{
	print(k, "%-40s\t%-24s\t0x%" PRIx64 "\t%3u\t%u%s\n", tcb->name, state_names[tcb->state],
	      tcb->context.reg[KM_RIP], tcb->priority, tcb->core,
	      tcb->in_release_queue ? "\twaits for budget"
	      : tcb->sc             ? ""
				    : "\tpassive");
}

static void dump_scheduler(struct km_kernel *k)
{
	put_text(k, "Dumping all threads!\nName\tState\tIP\tPriority\tCore\n");
	for (km_ref at = k->all_first; at; at = KM_TCB(k, at)->all_next)
		print_thread(k, KM_TCB(k, at));
}

/* seL4's numbers of capability types on x86_64. */
static const uint8_t type_numbers[KM_CAP_TYPES] = {
	/* clang-format off */
	[KM_CAP_NULL] = 0,          [KM_CAP_FRAME] = 1,           [KM_CAP_UNTYPED] = 2,    [KM_CAP_PAGE_TABLE] = 3,
	[KM_CAP_ENDPOINT] = 4,      [KM_CAP_PAGE_DIRECTORY] = 5,  [KM_CAP_NOTIFICATION] = 6, [KM_CAP_PDPT] = 7,
	[KM_CAP_REPLY] = 8,         [KM_CAP_PML4] = 9,            [KM_CAP_CNODE] = 10,     [KM_CAP_ASID_CONTROL] = 11,
	[KM_CAP_THREAD] = 12,       [KM_CAP_ASID_POOL] = 13,      [KM_CAP_IRQ_CONTROL] = 14, [KM_CAP_IRQ_HANDLER] = 16,
	[KM_CAP_ZOMBIE] = 18,       [KM_CAP_IO_PORT] = 19,        [KM_CAP_DOMAIN] = 20,    [KM_CAP_SCHED_CONTEXT] = 22,
	[KM_CAP_SCHED_CONTROL] = 24, [KM_CAP_IO_PORT_CONTROL] = 31,
	/* clang-format on */
};

/* The capability that the debug call names; what is not found is null, as in seL4. */
static struct km_cap named_cap(struct km_kernel *k, const struct km_tcb *tcb)
{
	struct km_cap cap = KM_NULL_CAP;

	if (km_lookup_cap(k, tcb, tcb->context.reg[KM_REG_CAP], &cap) != KM_OK)
		cap = KM_NULL_CAP;
	return cap;
}

/* Nobody will run any more: a stopped machine, seen from outside. */
static void halt(struct km_kernel *k, const struct km_tcb *tcb, const char *why)
{
	print(k, "halting: %s, thread \"%s\"\n", why, tcb->name);
	k->halted = 1;
	km_update_stamp(k);
	for (km_ref at = k->all_first; at; at = KM_TCB(k, at)->all_next) {
		if (KM_TCB(k, at)->state == KM_IDLE)
			continue;
		km_stall_for(k, KM_TCB(k, at));
		km_suspend(k, KM_TCB(k, at));
	}
	km_reschedule_required(k);
	km_schedule(k);
}

static void name_thread(struct km_kernel *k, struct km_tcb *tcb)
{
	struct km_cap cap = named_cap(k, tcb);
	const km_word *buffer = km_ipc_buffer(k, tcb, 1);
	const char *name = buffer ? (const char *)(buffer + KM_BUFFER_MR) : NULL;
	struct km_tcb *named;
	size_t length;

	if (cap.type != KM_CAP_THREAD || !name) {
		halt(k, tcb,
		     cap.type != KM_CAP_THREAD ? "NameThread: not a TCB" : "NameThread: no IPC buffer");
		return;
	}
	length = strnlen(name, KM_MESSAGE_MAX * sizeof(km_word));
	if (length == KM_MESSAGE_MAX * sizeof(km_word)) {
		halt(k, tcb, "NameThread: name too long");
		return;
	}
	named = km_cap_object(k, cap);
	if (length >= sizeof(named->name))
		length = sizeof(named->name) - 1;
	memset(named->name, 0, sizeof(named->name));
	memcpy(named->name, name, length);
}

int km_debug_syscall(struct km_kernel *k, struct km_core *core)
{
	struct km_tcb *tcb = core->current;
	km_word *reg = tcb->context.reg;

	switch ((int64_t)reg[KM_REG_SYSCALL]) {
	case seL4_SysDebugPutChar:
		if (k->host.put)
			k->host.put(k->host.context, (char)reg[KM_REG_CAP]);
		return 1;
	case seL4_SysDebugDumpScheduler:
		dump_scheduler(k);
		return 1;
	case seL4_SysDebugHalt:
		halt(k, tcb, "DebugHalt");
		return 1;
	case seL4_SysDebugSnapshot:
		print(k, "Debug snapshot system call from user thread \"%s\"\n", tcb->name);
		dump_scheduler(k);
		return 1;
	case seL4_SysDebugCapIdentify:
		reg[KM_REG_CAP] = type_numbers[named_cap(k, tcb).type];
		return 1;
	case seL4_SysDebugNameThread:
		name_thread(k, tcb);
		return 1;
	default:
		return 0;
	}
}

static void print_fault(struct km_kernel *k, const struct km_fault *fault)
{
	switch (fault->type) {
	case seL4_Fault_CapFault:
		print(k, "cap fault in %s phase at address 0x%" PRIx64,
		      fault->in_receive ? "receive" : "send", fault->address);
		break;
	case seL4_Fault_VMFault:
		print(k, "vm fault on %s at address 0x%" PRIx64 " with status 0x%" PRIx64,
		      fault->prefetch ? "code" : "data", fault->address, fault->code);
		break;
	case seL4_Fault_UnknownSyscall:
		print(k, "unknown system call 0x%" PRIx64, fault->address);
		break;
	case seL4_Fault_UserException:
		print(k, "user exception %" PRIu64 ", code 0x%" PRIx64, fault->address, fault->code);
		break;
	default:
		print(k, "timeout fault, data 0x%" PRIx64, fault->address);
		break;
	}
}

void km_debug_no_handler(struct km_kernel *k, const struct km_tcb *tcb)
{
	print(k, "thread \"%s\" is stopped, for it has no fault handler: ", tcb->name);
	print_fault(k, &k->fault);
	print(k, ", at 0x%" PRIx64 "\n", tcb->context.reg[KM_RIP]);
}
